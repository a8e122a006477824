/*
 * What is left when segments were rewritten and their catalogs made anew.
 */
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

/* --- duplicates ----------------------------------------------------------------------------- */

static struct td_placed append_keyed(struct scene *scene, const char *payload, const char *key)
{
	struct td_entry entry = entry_of("a", payload);
	struct td_placed placed;
	uint64_t rests_on;

	entry.key[0] = td_text(key);
	must(scene,
		td_store_append(scene->store, &entry, 1, &placed, &rests_on, NULL, &scene->err));
	return placed;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_keep_their_subjects_when_the_list_of_these_gets_shorter),
		cmocka_unit_test(a_duplicate_of_what_was_erased_is_known_by_its_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
