/*
 * What is left when segments were rewritten and their catalogs made anew.
 */
#include <errno.h>

#include "store_test.h"

/* The active segment is sealed, and has its catalog. */
static void roll(struct scene *scene)
{
	td_journal_roll(td_store_journal(scene->store));
	scene_append(scene, "roll", "");
	scene_commit(scene);
}

static void expect_subject(struct scene *scene, const char *address, const char *payload)
{
	const struct td_text subject = td_text(address);
	const struct td_read_options options = {.subjects = &subject, .subjects_count = 1};
	struct td_cursor *cursor;
	struct td_stored stored;

	must(scene, td_store_read(&cursor, scene->store, &options, &scene->err));
	if (payload != NULL) {
		must(scene, td_cursor_next(cursor, &stored, &scene->err));
		assert_true(td_text_is(stored.payload, payload));
	}
	assert_int_equal(td_cursor_next(cursor, &stored, NULL), TD_E_NOT_FOUND);
	td_cursor_close(cursor);
}

static void expect_count(struct scene *scene, const char *log, uint64_t count)
{
	struct td_log_info info;

	must(scene, td_store_log(scene->store, td_text(log), 0, &info, &scene->err));
	assert_int_equal(info.count, count);
}

static void erase(struct scene *scene, uint64_t seq)
{
	const struct td_removal removal = {
		.log = td_text("events"), .seqs = &seq, .seqs_count = 1, .erase = true};
	uint64_t removed, rests_on;

	must(scene, td_store_remove(scene->store, &removal, &removed, &rests_on, &scene->err));
	assert_int_equal(removed, 1);
}

/* Some minutes, so that what is gathered is erased and no duplicates are looked for. */
static void wait_long(struct scene *scene)
{
	for (int i = 0; i < 4; i++) {
		scene->now_ns += 200000000000;
		scene_retain(scene);
	}
}

/* Whether the bytes stand anywhere in the directory. */
static bool is_on_disk(const struct scene *scene, const char *bytes)
{
	char command[200];

	snprintf(command, sizeof(command), "grep -qr -e %s %s", bytes, scene->path);
	return system(command) == 0;
}

/* --- catalogs ------------------------------------------------------------------------------- */

/* Lines that were read from the old catalog name their subjects by its list. */
static void lines_keep_their_subjects_when_the_list_of_these_gets_shorter(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene_open(&scene);
	scene_append(&scene, "a", "1");
	scene_append(&scene, "b", "2");
	scene_append(&scene, "c", "3");
	scene_commit(&scene);
	roll(&scene);
	scene.now_ns += 200000000000;
	scene_reopen(&scene);
	erase(&scene, 1);
	wait_long(&scene);
	td_store_verify(scene.store);
	expect_subject(&scene, "a", NULL);
	expect_subject(&scene, "b", "2");
	expect_subject(&scene, "c", "3");
	erase(&scene, 2);
	wait_long(&scene);
	td_store_verify(scene.store);
	expect_subject(&scene, "b", NULL);
	expect_subject(&scene, "c", "3");
	scene_end(&scene);
}

/* Of all indexes beside segments. */
static size_t indexes_bytes(const struct scene *scene)
{
	char command[200];
	unsigned long bytes = 0;
	FILE *sizes;

	snprintf(command, sizeof(command), "cat %s/index-* | wc -c", scene->path);
	sizes = popen(command, "r");
	assert_non_null(sizes);
	assert_int_equal(fscanf(sizes, "%lu", &bytes), 1);
	pclose(sizes);
	return bytes;
}

#define MANY 3000u

/* Of a hole nothing is kept but where a subject's way back leads through it to what lives. */
static void an_index_gets_smaller_with_its_segment_and_ways_back_stay(void **state)
{
	const struct td_text subject = td_text("a");
	const struct td_read_options options = {
		.subjects = &subject, .subjects_count = 1, .backward = true};
	uint64_t seqs[MANY], removed, rests_on;
	struct td_cursor *cursor;
	struct td_stored stored;
	struct scene scene;
	char payload[800];
	size_t before;

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene.options.index_bytes = 1;
	scene_open(&scene);
	snprintf(payload, sizeof(payload), "%0700d", 1);
	scene_append(&scene, "a", "first");
	for (size_t i = 0; i < MANY; i++) {
		scene_append(&scene, i % 50 == 0 ? "a" : "b", payload);
		seqs[i] = i + 2;
		scene_commit(&scene);
	}
	scene_append(&scene, "a", "last");
	scene_append(&scene, "b", "last");
	roll(&scene);
	before = indexes_bytes(&scene);
	for (size_t i = 0; i < MANY; i += 100) {
		must(&scene, td_store_remove(scene.store,
				     &(struct td_removal){.log = td_text("events"),
					     .seqs = seqs + i,
					     .seqs_count = 100},
				     &removed, &rests_on, &scene.err));
		assert_int_equal(removed, 100);
		scene_commit(&scene);
	}
	wait_long(&scene);
	assert_in_range(indexes_bytes(&scene), 1, before / 4);
	for (int i = 0; i < 2; i++) {
		td_store_verify(scene.store);
		must(&scene, td_store_read(&cursor, scene.store, &options, &scene.err));
		must(&scene, td_cursor_next(cursor, &stored, &scene.err));
		assert_true(td_text_is(stored.payload, "last"));
		must(&scene, td_cursor_next(cursor, &stored, &scene.err));
		assert_true(td_text_is(stored.payload, "first"));
		assert_int_equal(td_cursor_next(cursor, &stored, NULL), TD_E_NOT_FOUND);
		td_cursor_close(cursor);
		expect_subject(&scene, "b", "last");
		scene_reopen(&scene);
	}
	/* The last goes; the way to the first is still there. */
	seqs[0] = MANY + 2;
	must(&scene, td_store_remove(scene.store,
			     &(struct td_removal){
				     .log = td_text("events"), .seqs = seqs, .seqs_count = 1},
			     &removed, &rests_on, &scene.err));
	scene_commit(&scene);
	expect_subject(&scene, "a", "first");
	td_store_verify(scene.store);
	scene_end(&scene);
}

/* --- duplicates ----------------------------------------------------------------------------- */

/* In one append, at most four. */
static void append_together(struct scene *scene, struct td_placed *placed, size_t count,
	const char *const *addresses, const char *const *payloads, const char *const *keys)
{
	struct td_entry entries[4];
	char headers[4][100];
	uint64_t rests_on;

	for (size_t i = 0; i < count; i++) {
		entries[i] = entry_of(addresses[i], payloads[i]);
		snprintf(headers[i], sizeof(headers[i]), "NATS/1.0\r\nNats-Msg-Id: %s\r\n\r\n",
			keys[i]);
		entries[i].headers = td_text(headers[i]);
		entries[i].key[0] = td_text(keys[i]);
	}
	must(scene, td_store_append(
			    scene->store, entries, count, placed, &rests_on, NULL, &scene->err));
}

static struct td_placed append_keyed(struct scene *scene, const char *payload, const char *key)
{
	struct td_placed placed;

	append_together(scene, &placed, 1, &(const char *){"a"}, &payload, &key);
	return placed;
}

static void erase_of_log(struct scene *scene, const uint64_t *seqs, size_t count)
{
	const struct td_removal removal = {
		.log = td_text("log"), .seqs = seqs, .seqs_count = count, .erase = true};
	uint64_t removed, rests_on;

	must(scene, td_store_remove(scene->store, &removal, &removed, &rests_on, &scene->err));
	assert_int_equal(removed, count);
}

/* What moved with a log that was made left its bytes where it was before. */
static void what_was_adopted_and_is_erased_is_nowhere(void **state)
{
	const struct td_text pattern = td_text("a");
	const struct td_log_config config = {.subjects = &pattern, .subjects_count = 1};
	struct scene scene;
	uint64_t rests_on;
	int code;

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene_open(&scene);
	scene_append(&scene, "a", "secret");
	scene_append(&scene, "b", "2");
	for (int i = 0; i < 20;
		i++) /* so that the segment lives, and is not rewritten for its space */
		scene_append(&scene, "c", "3");
	scene_commit(&scene);
	roll(&scene);
	while ((code = td_store_log_set(scene.store, td_text("log"), &config,
			TD_LOG_CREATE | TD_LOG_ADOPT, &rests_on, &scene.err)) == TD_E_FULL)
		scene_commit(&scene);
	must(&scene, code);
	scene_commit(&scene);
	assert_true(is_on_disk(&scene, "secret"));
	erase_of_log(&scene, &(uint64_t){1}, 1);
	scene_commit(&scene);
	wait_long(&scene);
	assert_false(is_on_disk(&scene, "secret"));
	td_store_verify(scene.store);
	scene_end(&scene);
}

/* Its record is gone; what was said of it is said again, until the window ends. */
static void a_duplicate_of_what_was_erased_is_known_by_its_key(void **state)
{
	struct scene scene;
	struct td_placed first, again;

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene_open(&scene);
	scene_log(&scene, "log", "a", (struct td_log_config){.duplicates_ms = 3600000});
	first = append_keyed(&scene, "secret", "one");
	append_keyed(&scene, "2", "two");
	scene_commit(&scene);
	must(&scene, td_store_remove(scene.store,
			     &(struct td_removal){.log = td_text("log"),
				     .seqs = &first.seq,
				     .seqs_count = 1,
				     .erase = true},
			     &(uint64_t){0}, &(uint64_t){0}, &scene.err));
	wait_long(&scene);
	assert_false(is_on_disk(&scene, "secret"));
	for (int i = 0; i < 3; i++) {
		again = append_keyed(&scene, i == 0 ? "secret" : "other", "one");
		assert_true(again.duplicate);
		assert_int_equal(again.position, first.position);
		assert_int_equal(again.seq, first.seq);
		assert_int_equal(again.revision, first.revision);
		scene_reopen(&scene);
	}
	scene.now_ns += 3600000000000;
	assert_false(append_keyed(&scene, "3", "one").duplicate);
	scene_end(&scene);
}

/* A removed original keeps its key, also if another event of its segment is erased. */
static void a_key_outlives_the_erasing_of_a_neighbour(void **state)
{
	struct scene scene;
	struct td_placed first, second;
	uint64_t removed, rests_on;

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene_open(&scene);
	scene_log(&scene, "log", "a", (struct td_log_config){.duplicates_ms = 3600000});
	first = append_keyed(&scene, "secret", "one");
	second = append_keyed(&scene, "2", "two");
	append_keyed(&scene, "3", "three");
	scene_commit(&scene);
	for (int i = 0; i < 2; i++) {
		const struct td_removal removal = {.log = td_text("log"),
			.seqs = i == 0 ? &first.seq : &second.seq,
			.seqs_count = 1,
			.erase = i == 0};

		must(&scene,
			td_store_remove(scene.store, &removal, &removed, &rests_on, &scene.err));
	}
	wait_long(&scene);
	assert_false(is_on_disk(&scene, "secret"));
	scene_reopen(&scene);
	assert_true(append_keyed(&scene, "2", "two").duplicate);
	scene_end(&scene);
}

/*
 * What was erased is noted late when the store opens, behind keys that came after it: one that is
 * given again once its window ended is known all the same.
 */
static void a_key_of_what_was_erased_is_given_again_after_its_window(void **state)
{
	struct scene scene;
	struct td_placed first, second, again;

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene_open(&scene);
	scene_log(&scene, "log", "a", (struct td_log_config){.duplicates_ms = 3600000});
	first = append_keyed(&scene, "secret", "one");
	scene_commit(&scene);
	scene.now_ns += 3000000000000;
	append_keyed(&scene, "2", "two");
	scene_commit(&scene);
	erase_of_log(&scene, &first.seq, 1);
	wait_long(&scene);
	assert_false(is_on_disk(&scene, "secret"));
	second = append_keyed(&scene, "other", "one");
	assert_false(second.duplicate);
	for (int i = 0; i < 2; i++) {
		again = append_keyed(&scene, "other", "one");
		assert_true(again.duplicate);
		assert_int_equal(again.seq, second.seq);
		assert_true(append_keyed(&scene, "2", "two").duplicate);
		scene_reopen(&scene);
	}
	scene_end(&scene);
}

/* The same where the window is one of three keys. */
static void keys_of_what_was_erased_push_none_out_that_came_later(void **state)
{
	struct scene scene;
	struct td_placed first, second;

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene_open(&scene);
	scene_log(&scene, "log", "a",
		(struct td_log_config){.duplicates_ms = 3600000, .duplicates_max = 3});
	first = append_keyed(&scene, "secret", "one");
	second = append_keyed(&scene, "secret", "two");
	append_keyed(&scene, "3", "three");
	scene_commit(&scene);
	erase_of_log(&scene, (const uint64_t[]){first.seq, second.seq}, 2);
	append_keyed(&scene, "4", "four");
	append_keyed(&scene, "5", "five");
	wait_long(&scene);
	assert_false(is_on_disk(&scene, "secret"));
	for (int i = 0; i < 2; i++) {
		assert_true(append_keyed(&scene, "3", "three").duplicate);
		assert_true(append_keyed(&scene, "4", "four").duplicate);
		assert_true(append_keyed(&scene, "5", "five").duplicate);
		scene_reopen(&scene);
	}
	assert_false(append_keyed(&scene, "2", "two").duplicate);
	scene_end(&scene);
}

/* They came with one append, also where the record of the one that says so is gone. */
static void a_batch_is_a_duplicate_after_its_first_were_erased(void **state)
{
	static const char *const addresses[] = {"a", "b", "a", "b"};
	static const char *const payloads[] = {"secret", "2", "secret", "4"};
	static const char *const keys[] = {"one", "two", "three", "four"};
	struct scene scene;
	struct td_placed first[4], again[4];

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene_open(&scene);
	scene_log(&scene, "log", "a", (struct td_log_config){.duplicates_ms = 3600000});
	scene_log(&scene, "more", "b", (struct td_log_config){.duplicates_ms = 3600000});
	append_together(&scene, first, 4, addresses, payloads, keys);
	scene_commit(&scene);
	erase_of_log(&scene, (const uint64_t[]){first[0].seq, first[2].seq}, 2);
	wait_long(&scene);
	assert_false(is_on_disk(&scene, "secret"));
	for (int i = 0; i < 2; i++) {
		append_together(&scene, again, 4, addresses, payloads, keys);
		for (int n = 0; n < 4; n++) {
			assert_true(again[n].duplicate);
			assert_int_equal(again[n].position, first[n].position);
		}
		scene_reopen(&scene);
	}
	scene_end(&scene);
}

/* The bytes of what was removed go at once where no key of theirs is looked for, or none any more. */
static void space_comes_back_before_the_window_ends_where_keys_are_not_looked_for(void **state)
{
	(void)state;
	/* Without keys; keys that newer ones pushed out; keys that are looked for. */
	for (int keys = 0; keys < 3; keys++) {
		struct scene scene;
		char text[20], payload[1000] = {0};

		scene_begin(&scene, IN_JOURNAL);
		scene_open(&scene);
		scene_log(&scene, "log", "a",
			(struct td_log_config){.duplicates_ms = 3600000,
				.duplicates_max = keys == 1 ? 2 : 100,
				.count_max = 2});
		for (int i = 0; i < 10; i++) {
			snprintf(text, sizeof(text), "gone-%d", i);
			snprintf(payload, sizeof(payload), "gone-%d-%0900d", i, i);
			if (keys == 0)
				scene_append(&scene, "a", payload);
			else
				append_keyed(&scene, payload, text);
		}
		scene_commit(&scene);
		td_journal_roll(td_store_journal(scene.store));
		for (int i = 0; i < 2; i++) {
			snprintf(text, sizeof(text), "kept-%d", i);
			if (keys == 0)
				scene_append(&scene, "a", text);
			else
				append_keyed(&scene, text, text);
		}
		scene_commit(&scene);
		scene_retain(&scene);
		assert_int_equal(is_on_disk(&scene, "gone-3"), keys == 2);
		scene_reopen(&scene);
		td_store_verify(scene.store);
		expect_count(&scene, "log", 2);
		if (keys > 0)
			assert_int_equal(
				append_keyed(&scene, payload, "gone-9").duplicate, keys == 2);
		scene_end(&scene);
	}
}

/* --- what is asked to be erased --------------------------------------------------------------- */

static void erasing_is_not_forgotten_when_the_store_is_opened_again(void **state)
{
	(void)state;
	/* By its records; by its catalog, and the removal behind it; by its catalog alone. */
	for (int sealed = 0; sealed < 3; sealed++) {
		struct scene scene;

		scene_begin(&scene, IN_JOURNAL);
		scene_open(&scene);
		scene_append(&scene, "a", "secret");
		scene_append(&scene, "a", "2");
		scene_commit(&scene);
		if (sealed == 1) {
			roll(&scene);
			scene.now_ns += 200000000000;
		}
		erase(&scene, 1);
		scene_commit(&scene);
		if (sealed == 1) {
			roll(&scene);
			scene.now_ns += 50000000000;
		}
		if (sealed == 2) {
			roll(&scene);
			scene_close(&scene);
			scene.now_ns += 200000000000;
			scene_open(&scene);
		}
		scene_reopen(&scene);
		assert_true(is_on_disk(&scene, "secret"));
		wait_long(&scene);
		assert_false(is_on_disk(&scene, "secret"));
		td_store_verify(scene.store);
		expect_subject(&scene, "a", "2");
		scene_end(&scene);
	}
}

static void erasing_goes_on_when_its_log_is_deleted(void **state)
{
	(void)state;
	for (int reopen = 0; reopen < 2; reopen++) {
		struct scene scene;
		struct td_removal removal = {.log = td_text("log"), .erase = true};
		uint64_t removed, rests_on;

		scene_begin(&scene, IN_JOURNAL);
		scene_open(&scene);
		scene_log(&scene, "log", "a", (struct td_log_config){0});
		scene_append(&scene, "a", "secret");
		scene_append(&scene, "b", "2");
		scene_commit(&scene);
		must(&scene,
			td_store_remove(scene.store, &removal, &removed, &rests_on, &scene.err));
		must(&scene,
			td_store_log_delete(scene.store, td_text("log"), &rests_on, &scene.err));
		scene_commit(&scene);
		if (reopen == 1)
			scene_reopen(&scene);
		wait_long(&scene);
		assert_false(is_on_disk(&scene, "secret"));
		td_store_verify(scene.store);
		scene_reopen(&scene);
		td_store_verify(scene.store);
		expect_subject(&scene, "b", "2");
		scene_end(&scene);
	}
}

/* The space of a log that was deleted comes back, as any other. */
static void a_deleted_log_leaves_nothing_behind(void **state)
{
	struct scene scene;
	uint64_t rests_on;
	char payload[2001];

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene_open(&scene);
	scene_log(&scene, "log", "a", (struct td_log_config){0});
	memset(payload, 'x', sizeof(payload) - 1);
	payload[sizeof(payload) - 1] = 0;
	memcpy(payload, "bulk", 4);
	for (int i = 0; i < 20; i++) {
		scene_append(&scene, "a", payload);
		scene_commit(&scene);
	}
	roll(&scene);
	must(&scene, td_store_log_delete(scene.store, td_text("log"), &rests_on, &scene.err));
	scene_commit(&scene);
	wait_long(&scene);
	assert_false(is_on_disk(&scene, "bulk"));
	td_store_verify(scene.store);
	scene_end(&scene);
}

/* --- what fails, or happens meanwhile -------------------------------------------------------- */

/* The new segment finds no space. */
static int open_without_space(void *arg, int dir, const char *name, unsigned flags, int *file)
{
	return strcmp(name, "rewrite.tmp") == 0 ? ENOSPC
						: td_disk_real.open(arg, dir, name, flags, file);
}

static void what_could_not_be_rewritten_is_tried_again(void **state)
{
	struct scene scene;
	struct td_chore *chore;
	unsigned failures = 0;

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene_open(&scene);
	scene_append(&scene, "a", "secret");
	scene_append(&scene, "a", "2");
	scene_commit(&scene);
	erase(&scene, 1);
	scene.disk.open = open_without_space;
	for (int i = 0; i < 20; i++) {
		scene.now_ns += 60000000000;
		while ((chore = td_store_next(
				scene.store, TD_WORK_EVERYTHING, scene.now_ns / 1000000)) != NULL) {
			td_chore_run(chore);
			failures += td_store_done(scene.store, chore, NULL) != 0;
		}
	}
	assert_true(failures > 3 && failures < 12); /* each time it waits longer */
	assert_true(is_on_disk(&scene, "secret"));
	assert_true(td_store_next_ms(scene.store, TD_WORK_EVERYTHING, scene.now_ns / 1000000) <=
		    scene.now_ns / 1000000 + 900000);
	scene.disk.open = td_disk_real.open;
	for (int i = 0; i < 5; i++)
		wait_long(&scene);
	assert_false(is_on_disk(&scene, "secret"));
	expect_subject(&scene, "a", "2");
	scene_end(&scene);
}

/* Removed while its segment is being rewritten: not with it, but soon after. */
static void what_is_removed_during_a_rewriting_is_erased_by_the_next(void **state)
{
	struct scene scene;
	struct td_chore *chore, *rewriting = NULL;

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene_open(&scene);
	scene_append(&scene, "a", "secret-1");
	scene_append(&scene, "b", "secret-2");
	scene_append(&scene, "c", "3");
	scene_commit(&scene);
	erase(&scene, 1);
	scene_retain(&scene);
	scene.now_ns += 60000000000;
	while (rewriting == NULL) {
		chore = td_store_next(scene.store, TD_WORK_EVERYTHING, scene.now_ns / 1000000);
		assert_non_null(chore);
		td_chore_run(chore);
		if (td_chore_kind(chore) == TD_WORK_REWRITE)
			rewriting = chore;
		else
			must(&scene, td_store_done(scene.store, chore, &scene.err));
	}
	erase(&scene, 2);
	must(&scene, td_store_done(scene.store, rewriting, &scene.err));
	scene_retain(&scene);
	assert_false(is_on_disk(&scene, "secret-1"));
	assert_true(is_on_disk(&scene, "secret-2"));
	wait_long(&scene);
	assert_false(is_on_disk(&scene, "secret-2"));
	td_store_verify(scene.store);
	expect_subject(&scene, "c", "3");
	scene_end(&scene);
}

/* --- an index that cannot be read ----------------------------------------------------------- */

/* Every page of every index beside a segment is garbage from now on. */
static void spoil_indexes(const struct scene *scene)
{
	char command[300];

	snprintf(command, sizeof(command),
		"for f in %s/index-*; do head -c $(($(stat -c %%s $f) - 168)) /dev/zero | "
		"tr '\\0' x | dd of=$f bs=1 seek=168 conv=notrunc status=none; done",
		scene->path);
	assert_int_equal(system(command), 0);
}

static void expect_damage(struct scene *scene, const struct td_removal *removal)
{
	uint64_t removed, rests_on;

	assert_int_equal(td_store_remove(scene->store, removal, &removed, &rests_on, &scene->err),
		TD_E_DAMAGED);
	assert_int_equal(removed, 0);
}

static void a_page_that_cannot_be_read_is_told_and_nothing_is_guessed(void **state)
{
	const uint64_t first = 1;
	struct td_log_info info, infos[3];
	struct td_chore *chore;
	struct scene scene;
	unsigned damaged = 0;
	size_t count;

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene.options.index_bytes = 1;
	scene_open(&scene);
	scene_log(&scene, "log", "log.*", (struct td_log_config){0});
	for (int i = 0; i < 3; i++) {
		scene_append(&scene, "log.a", "x");
		scene_append(&scene, "log.b", "x");
		scene_append(&scene, "c", "x");
		scene_commit(&scene);
		roll(&scene);
		scene.now_ns += 200000000000;
	}
	scene_reopen(&scene);
	spoil_indexes(&scene);
	expect_damage(&scene,
		&(struct td_removal){.log = td_text("log"), .seqs = &first, .seqs_count = 1});
	expect_damage(&scene, &(struct td_removal){.log = td_text("log")});
	expect_damage(
		&scene, &(struct td_removal){.log = td_text("log"), .pattern = td_text("log.b")});
	assert_int_equal(
		td_store_log(scene.store, td_text("log"), 0, &info, &scene.err), TD_E_DAMAGED);
	count = td_store_logs(scene.store, infos, 3);
	assert_int_equal(count, 3);
	for (size_t i = 0; i < count; i++) {
		if (td_text_is(infos[i].name, "log"))
			assert_int_equal(infos[i].first_seq, 0); /* not: as if it were empty */
	}
	scene_log(&scene, "log", "log.*",
		(struct td_log_config){.count_max = 1, .count_per_subject_max = 1, .age_ms = 1000});
	for (int i = 0; i < 10; i++) {
		while ((chore = td_store_next(
				scene.store, TD_WORK_EVERYTHING, scene.now_ns / 1000000)) != NULL) {
			td_chore_run(chore);
			damaged += td_store_done(scene.store, chore, NULL) == TD_E_DAMAGED;
		}
		scene.now_ns += 10000000000;
	}
	assert_true(damaged > 0 && damaged < 5); /* told, and not at once again */
	/* Opened again it reads its segments, and all is there. */
	scene_reopen(&scene);
	td_store_verify(scene.store);
	must(&scene, td_store_log(scene.store, td_text("log"), 0, &info, &scene.err));
	assert_int_equal(info.count, 6);
	scene_retain(&scene);
	td_store_verify(scene.store);
	must(&scene, td_store_log(scene.store, td_text("log"), 0, &info, &scene.err));
	assert_int_equal(info.count, 0);
	scene_end(&scene);
}

/* --- retention ------------------------------------------------------------------------------ */

static struct td_store *looking;
static unsigned looks;

/* Who reads holds no lock that others may want: else this never ends. */
static int read_beside(void *arg, int file, void *bytes, size_t len, uint64_t offset, size_t *got)
{
	struct td_store_status status;

	if (looking != NULL) {
		td_store_status(looking, &status);
		looks++;
	}
	return td_disk_real.read(arg, file, bytes, len, offset, got);
}

static void ages_are_read_without_the_lock(void **state)
{
	struct scene scene;
	struct td_log_info info;

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene.disk.read = read_beside;
	scene.options.journal.cache_bytes = 1;
	scene_open(&scene);
	scene_log(&scene, "log", "a", (struct td_log_config){.age_ms = 100000});
	for (int i = 0; i < 5; i++) {
		scene_append(&scene, "a", "x");
		scene_commit(&scene);
		scene.now_ns += 20000000000;
	}
	scene_reopen(&scene);
	looking = scene.store;
	alarm(20);
	scene.now_ns += 45000000000;
	scene_retain(&scene);
	must(&scene, td_store_log(scene.store, td_text("log"), 0, &info, &scene.err));
	assert_int_equal(info.count, 2);
	assert_int_equal(info.first_seq, 4);
	assert_true(looks > 0);
	alarm(0);
	looking = NULL;
	scene_end(&scene);
}

/* A limit of each subject that came after its events, in a life before this one. */
static void a_subjects_limit_is_kept_when_the_store_is_opened_again(void **state)
{
	struct scene scene;
	struct td_log_info info;

	(void)state;
	for (int sealed = 0; sealed < 2; sealed++) {
		scene_begin(&scene, IN_JOURNAL);
		scene_open(&scene);
		scene_log(&scene, "log", "a", (struct td_log_config){0});
		for (int i = 0; i < 5; i++)
			scene_append(&scene, "a", "x");
		scene_commit(&scene);
		scene_log(&scene, "log", "a", (struct td_log_config){.count_per_subject_max = 2});
		scene_commit(&scene);
		if (sealed == 1) {
			roll(&scene);
			scene_close(&scene);
			scene.now_ns += 200000000000;
			scene_open(&scene);
		} else {
			scene_reopen(&scene);
		}
		scene_retain(&scene);
		must(&scene, td_store_log(scene.store, td_text("log"), 0, &info, &scene.err));
		assert_int_equal(info.count, 2);
		scene_end(&scene);
	}
}

/* A record for as many as go at once, not one for each subject. */
static void limits_of_many_subjects_are_kept_by_few_records(void **state)
{
	struct scene scene;
	char address[20];
	uint64_t before;

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene_open(&scene);
	scene_log(&scene, "log", "a.*", (struct td_log_config){.count_per_subject_max = 2});
	scene_log(&scene, "other", "b.*", (struct td_log_config){.count_per_subject_max = 1});
	for (int i = 0; i < 3 * 700; i++) {
		snprintf(address, sizeof(address), "%c.%d", i % 7 == 0 ? 'b' : 'a', i % 700);
		scene_append(&scene, address, "x");
		scene_commit(&scene);
	}
	before = td_store_staged(scene.store);
	scene_retain(&scene);
	assert_in_range(td_store_staged(scene.store) - before, 2, 8);
	expect_count(&scene, "log", 1200);
	expect_count(&scene, "other", 100);
	scene_reopen(&scene);
	td_store_verify(scene.store);
	expect_count(&scene, "log", 1200);
	expect_count(&scene, "other", 100);
	expect_subject(&scene, "b.7", "x");
	scene_end(&scene);
}

/* The removal finds the frame full, and is not forgotten for that. */
static void a_subjects_limit_waits_for_room(void **state)
{
	struct scene scene;
	struct td_entry entry = entry_of("a", "some bytes to fill the frame with");
	struct td_placed placed;
	struct td_chore *chore;
	struct td_log_info info;
	uint64_t rests_on;

	(void)state;
	scene_begin(&scene, IN_JOURNAL);
	scene.options.journal.frame_records = 8;
	scene_open(&scene);
	scene_log(&scene, "log", "a", (struct td_log_config){.count_per_subject_max = 2});
	scene_commit(&scene);
	while (td_store_append(scene.store, &entry, 1, &placed, &rests_on, NULL, &scene.err) == 0)
		;
	chore = td_store_next(scene.store, TD_WORK_RETAIN, scene.now_ns / 1000000);
	assert_non_null(chore);
	td_chore_run(chore);
	must(&scene, td_store_done(scene.store, chore, &scene.err));
	scene_retain(&scene);
	must(&scene, td_store_log(scene.store, td_text("log"), 0, &info, &scene.err));
	assert_int_equal(info.count, 2);
	scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_keep_their_subjects_when_the_list_of_these_gets_shorter),
		cmocka_unit_test(an_index_gets_smaller_with_its_segment_and_ways_back_stay),
		cmocka_unit_test(a_duplicate_of_what_was_erased_is_known_by_its_key),
		cmocka_unit_test(what_was_adopted_and_is_erased_is_nowhere),
		cmocka_unit_test(a_key_outlives_the_erasing_of_a_neighbour),
		cmocka_unit_test(a_key_of_what_was_erased_is_given_again_after_its_window),
		cmocka_unit_test(keys_of_what_was_erased_push_none_out_that_came_later),
		cmocka_unit_test(a_batch_is_a_duplicate_after_its_first_were_erased),
		cmocka_unit_test(
			space_comes_back_before_the_window_ends_where_keys_are_not_looked_for),
		cmocka_unit_test(erasing_is_not_forgotten_when_the_store_is_opened_again),
		cmocka_unit_test(erasing_goes_on_when_its_log_is_deleted),
		cmocka_unit_test(a_deleted_log_leaves_nothing_behind),
		cmocka_unit_test(what_could_not_be_rewritten_is_tried_again),
		cmocka_unit_test(what_is_removed_during_a_rewriting_is_erased_by_the_next),
		cmocka_unit_test(a_page_that_cannot_be_read_is_told_and_nothing_is_guessed),
		cmocka_unit_test(a_subjects_limit_is_kept_when_the_store_is_opened_again),
		cmocka_unit_test(a_subjects_limit_waits_for_room),
		cmocka_unit_test(limits_of_many_subjects_are_kept_by_few_records),
		cmocka_unit_test(ages_are_read_without_the_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
