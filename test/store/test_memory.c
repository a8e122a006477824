#include "store_test.h"

#include "alloc.h"

/* Every call of the door once, in memory; what fails says so, and nothing is left behind. */
static int scenario(void *arg)
{
	struct scene *scene = arg;
	const struct td_text pattern = TD_TEXT_INIT("order.>");
	const struct td_text erasable = TD_TEXT_INIT("order.1");
	const struct td_log_config config = {.subjects = &pattern,
		.subjects_count = 1,
		.erasable = &erasable,
		.erasable_count = 1,
		.count_per_subject_max = 1};
	const struct td_read_options all = {.subjects = &pattern, .subjects_count = 1};
	const struct td_removal removal = {.log = td_text("orders"), .pattern = td_text("order.2")};
	struct td_entry entries[2] = {entry_of("order.1", "a"), entry_of("order.2", "b")};
	struct td_placed placed[2];
	struct td_cursor *cursor = NULL;
	struct td_stored stored;
	struct td_chore *chore;
	struct td_store *store;
	struct td_buf buf = TD_BUF_INIT(4096);
	uint64_t rests_on, removed, key;
	int code = td_store_open(&store, NULL, &scene->options, NULL, NULL);

	if (code != 0)
		return code;
	entries[0].key[0] = td_text("s");
	entries[0].key[1] = td_text("id");
	code = td_store_log_set(store, td_text("orders"), &config, TD_LOG_CREATE, &rests_on, NULL);
	if (code == 0)
		code = td_store_append(store, entries, 2, placed, &rests_on, NULL, NULL);
	if (code == 0)
		code = td_store_append(store, &entries[1], 1, placed, &rests_on, NULL, NULL);
	if (code == 0)
		code = td_store_read(&cursor, store, &all, NULL);
	while (code == 0)
		code = td_cursor_next(cursor, &stored, NULL);
	code = code == TD_E_NOT_FOUND ? 0 : code;
	td_cursor_close(cursor);
	if (code == 0)
		code = td_store_remove(store, &removal, &removed, &rests_on, NULL);
	if (code == 0 && (chore = td_store_next(store, TD_WORK_EVERYTHING, 0)) != NULL) {
		td_chore_run(chore);
		code = td_store_done(store, chore, NULL);
	}
	if (code == 0)
		code = td_store_latest(
			store, td_text(NULL), td_text("order.1"), &stored, &buf, NULL);
	if (code == 0)
		code = td_store_forget(
			store, td_text("orders"), td_text("order.1"), &key, &rests_on, NULL);
	if (code == 0)
		code = td_store_latest(
			store, td_text(NULL), td_text("order.1"), &stored, &buf, NULL);
	td_buf_fini(&buf);
	td_store_close(store, NULL);
	return code;
}

static void running_out_of_memory_leaves_the_store_whole(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin(&scene, IN_MEMORY);
	assert_true(alloc_torture(scenario, &scene) > 20);
	scene_end(&scene);
}

/* Chores while memory is out from the n-th allocation on: false, if they never end. */
static bool retention_rests(struct scene *scene, size_t n, bool *failed)
{
	const struct td_text pattern = TD_TEXT_INIT("a");
	const struct td_log_config config = {
		.subjects = &pattern, .subjects_count = 1, .count_per_subject_max = 1};
	struct td_chore *chore = NULL;
	uint64_t rests_on;
	int chores = 0, code;

	alloc_fail_at(n, true);
	code = td_store_log_set(
		scene->store, td_text("log"), &config, TD_LOG_CHANGE, &rests_on, NULL);
	while (code == 0 && chores < 1000 &&
		(chore = td_store_next(scene->store, TD_WORK_EVERYTHING, 1000)) != NULL) {
		td_chore_run(chore);
		code = td_store_done(scene->store, chore, NULL);
		chores++;
	}
	*failed = alloc_failed();
	alloc_fail_at(0, false);
	return chores < 1000;
}

static void retention_without_memory_waits_and_does_not_spin(void **state)
{
	struct scene scene;
	struct td_log_info info;
	bool failed = true;

	(void)state;
	for (size_t n = 1; failed; n++) {
		scene_begin(&scene, IN_MEMORY);
		scene_open(&scene);
		scene_log(&scene, "log", "a", (struct td_log_config){0});
		scene_append(&scene, "a", "x");
		scene_append(&scene, "a", "y");
		scene_retain(&scene);
		assert_true(retention_rests(&scene, n, &failed));
		scene_log(&scene, "log", "a", (struct td_log_config){.count_per_subject_max = 1});
		scene.now_ns += 3600000000000;
		scene_retain(&scene);
		must(&scene, td_store_log(scene.store, td_text("log"), 0, &info, &scene.err));
		assert_int_equal(info.count, 1);
		scene_end(&scene);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(running_out_of_memory_leaves_the_store_whole),
		cmocka_unit_test(retention_without_memory_waits_and_does_not_spin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
