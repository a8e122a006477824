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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(running_out_of_memory_leaves_the_store_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
