/*
 * Records of removals go when nobody needs them any more, and what they said stays true.
 */
#include "store_test.h"

#include "store/record.h"

/* How many removal records lie in the journal. */
static size_t count_removals(struct scene *scene)
{
	struct td_scan scan = TD_SCAN_AT(1);
	struct td_record record;
	uint64_t lost_to = 0;
	size_t count = 0;
	int code;

	while ((code = td_journal_scan(
			td_store_journal(scene->store), &scan, &record, &lost_to, NULL)) == 0)
		count += record.body.len > 0 && record.body.at[0] == TD_RECORD_REMOVAL;
	assert_int_equal(code, TD_E_NOT_FOUND);
	td_scan_fini(&scan);
	return count;
}

static void roll(struct scene *scene)
{
	td_journal_roll(td_store_journal(scene->store));
	scene_append(scene, "roll", "");
	scene_commit(scene);
}

/* Some minutes: no duplicates are looked for any more, and all that is due is done. */
static void wait_long(struct scene *scene)
{
	for (int i = 0; i < 4; i++) {
		scene->now_ns += 200000000000;
		scene_retain(scene);
	}
}

static void remove_seqs(struct scene *scene, const char *log, uint64_t from, uint64_t to)
{
	for (uint64_t seq = from; seq <= to; seq++) {
		const struct td_removal removal = {
			.log = td_text(log), .seqs = &seq, .seqs_count = 1};
		uint64_t removed, rests_on;

		must(scene,
			td_store_remove(scene->store, &removal, &removed, &rests_on, &scene->err));
		assert_int_equal(removed, 1);
	}
	scene_commit(scene);
}

/* As if somebody had taken the indexes away: all is read from the records. */
static void open_without_indexes(struct scene *scene)
{
	char command[200];

	must(scene, td_store_close(scene->store, &scene->err));
	snprintf(command, sizeof(command), "rm -f %s/index-*", scene->path);
	assert_int_equal(system(command), 0);
	scene_open(scene);
	td_store_verify(scene->store);
}

static uint64_t count_of(struct scene *scene, const char *log)
{
	struct td_log_info info;

	must(scene, td_store_log(scene->store, td_text(log), 0, &info, &scene->err));
	return info.count;
}

static void append_some(struct scene *scene, unsigned count)
{
	char address[32], payload[300];

	snprintf(payload, sizeof(payload), "%0200d", 1);
	for (unsigned i = 0; i < count; i++) {
		snprintf(address, sizeof(address), "order.%u", i % 7);
		scene_append(scene, address, payload);
	}
	scene_commit(scene);
}

/* --- what goes ------------------------------------------------------------------------------ */

/* A segment of 40 events, and one of what removed the first so many of them. */
static void begin_removed(struct scene *scene, unsigned removed)
{
	scene_begin(scene, IN_JOURNAL);
	scene_open(scene);
	scene_log(scene, "orders", "order.>", (struct td_log_config){0});
	append_some(scene, 40);
	roll(scene);
	remove_seqs(scene, "orders", 1, removed);
	assert_int_equal(count_removals(scene), removed);
}

static void removals_go_when_what_they_speak_of_is_gone(void **state)
{
	struct scene scene;

	(void)state;
	begin_removed(&scene, 30);
	wait_long(&scene); /* the first segment is rewritten */
	assert_int_equal(count_removals(&scene), 30);
	roll(&scene);
	wait_long(
		&scene); /* the second is: but for the newest, which says how far seqs were given */
	assert_int_equal(count_removals(&scene), 1);
	td_store_verify(scene.store);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(count_of(&scene, "orders"), 10);
		if (i == 0)
			scene_reopen(&scene);
		else
			open_without_indexes(&scene);
	}
	assert_int_equal(scene_append(&scene, "order.0", "x").seq, 41);
	scene_end(&scene);
}

static void they_stay_while_some_of_it_is_there(void **state)
{
	struct scene scene;

	(void)state;
	begin_removed(&scene, 10); /* too few for the first segment to be rewritten */
	/* A file that is larger than what is in it is written anew, to the size of that. */
	wait_long(&scene);
	remove_seqs(&scene, "orders", 11, 15);
	roll(&scene);
	for (int i = 0; i < 3; i++) {
		wait_long(&scene);
		assert_in_range(count_removals(&scene), 5, 15);
		assert_int_equal(count_of(&scene, "orders"), 25);
		open_without_indexes(&scene);
	}
	assert_int_equal(count_of(&scene, "orders"), 25);
	scene_end(&scene);
}

/* The newest of a log stays, also where nothing else is left of that log. */
static void no_seq_is_given_again(void **state)
{
	struct scene scene;

	(void)state;
	begin_removed(&scene, 40);
	wait_long(&scene);
	for (int i = 0; i < 3; i++) {
		roll(&scene);
		wait_long(&scene);
	}
	assert_int_equal(count_removals(&scene), 1);
	open_without_indexes(&scene);
	assert_int_equal(scene_append(&scene, "order.new", "x").seq, 41);
	scene_commit(&scene);
	remove_seqs(&scene, "orders", 41, 41);
	for (int i = 0; i < 3; i++) {
		roll(&scene);
		wait_long(&scene);
	}
	/* The one before may go; alone in the smallest of files it is not worth a rewriting. */
	assert_in_range(count_removals(&scene), 1, 2);
	open_without_indexes(&scene);
	assert_int_equal(scene_append(&scene, "order.new", "x").seq, 42);
	scene_end(&scene);
}

static void those_of_a_log_that_is_gone_all_go(void **state)
{
	struct scene scene;
	uint64_t rests_on;

	(void)state;
	begin_removed(&scene, 30);
	wait_long(&scene);
	must(&scene, td_store_log_delete(scene.store, td_text("orders"), &rests_on, &scene.err));
	for (int i = 0; i < 4; i++) {
		wait_long(&scene);
		roll(&scene);
	}
	wait_long(&scene);
	assert_int_equal(count_removals(&scene), 0);
	open_without_indexes(&scene);
	scene_log(&scene, "orders", "order.>", (struct td_log_config){0});
	assert_int_equal(scene_append(&scene, "order.0", "x").seq, 1);
	scene_end(&scene);
}

/* Found in vain it is looked for later again; also in another life. */
static void they_are_looked_for_again(void **state)
{
	struct scene scene;

	(void)state;
	begin_removed(&scene, 12);
	roll(&scene); /* sealed while the first segment is as it was */
	assert_int_equal(count_removals(&scene), 12);
	scene_reopen(&scene);
	remove_seqs(&scene, "orders", 13, 36);
	wait_long(&scene);
	assert_in_range(count_removals(&scene), 24, 25);
	scene_reopen(&scene);
	roll(&scene);
	wait_long(&scene);
	assert_in_range(count_removals(&scene), 1, 2);
	assert_int_equal(count_of(&scene, "orders"), 4);
	scene_end(&scene);
}

/* --- for ever ------------------------------------------------------------------------------- */

#define KEYS  20u
#define TURNS 3000u

static void a_store_that_is_overwritten_does_not_grow_by_removals(void **state)
{
	struct scene scene;
	char payload[100];
	size_t most = 0, late = 0;

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene.options.journal.segment_bytes_max = scene.options.journal.segment_bytes_first;
	scene_open(&scene);
	scene_log(&scene, "orders", "order.>", (struct td_log_config){.count_per_subject_max = 1});
	snprintf(payload, sizeof(payload), "%080d", 1);
	for (unsigned i = 0; i < TURNS; i++) {
		char address[32];

		snprintf(address, sizeof(address), "order.%u", (i * 7 + i / 11) % KEYS);
		scene_append(&scene, address, payload);
		scene.now_ns += 10000000000;
		scene_retain(&scene);
		if (i == TURNS / 2)
			scene_reopen(&scene);
		if (i % 100 == 99) {
			size_t count = count_removals(&scene);

			most = i < TURNS / 2 && count > most ? count : most;
			late = i >= TURNS / 2 && count > late ? count : late;
		}
	}
	print_message("# %zu removal records at most, later %zu\n", most, late);
	assert_true(late < TURNS / 3 && late < most * 3 / 2);
	assert_int_equal(count_of(&scene, "orders"), KEYS);
	td_store_verify(scene.store);
	open_without_indexes(&scene);
	assert_int_equal(count_of(&scene, "orders"), KEYS);
	assert_int_equal(scene_append(&scene, "order.0", "x").seq, TURNS + 1);
	scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(removals_go_when_what_they_speak_of_is_gone),
		cmocka_unit_test(they_stay_while_some_of_it_is_there),
		cmocka_unit_test(no_seq_is_given_again),
		cmocka_unit_test(those_of_a_log_that_is_gone_all_go),
		cmocka_unit_test(they_are_looked_for_again),
		cmocka_unit_test(a_store_that_is_overwritten_does_not_grow_by_removals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
