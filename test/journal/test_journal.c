#include "journal_test.h"

static void a_journal_is_made_where_there_is_none(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin(&scene);
	scene.options.create = false;
	assert_int_equal(scene_open_any(&scene), TD_E_NOT_FOUND);
	scene.options.create = true;
	scene_open(&scene);
	assert_true(scene.report.created);
	assert_int_equal(scene.report.position, 1);
	assert_int_equal(td_journal_durable(scene.journal), 1);
	scene_close(&scene);
	scene.options.create = false;
	scene_open(&scene);
	assert_false(scene.report.created);
	assert_true(scene.report.clean);
	assert_int_equal(scene.report.tail, TD_TAIL_CLEAN);
	scene_end(&scene);
}

static void what_is_committed_is_read_again(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin(&scene);
	scene_open(&scene);
	scene_append(&scene, 300, 100);
	assert_int_equal(td_journal_durable(scene.journal), 301);
	scene_check(&scene);
	scene_close(&scene);
	scene_open(&scene);
	assert_int_equal(scene.report.position, 301);
	scene_check(&scene);
	scene_check_range(&scene, 150, 200);
	scene_append(&scene, 1, 5000);
	scene_check(&scene);
	scene_end(&scene);
}

static void nothing_is_visible_before_its_sync(void **state)
{
	struct scene scene;
	struct td_scan scan = TD_SCAN_AT(1);
	struct td_record record;
	uint64_t lost_to;
	struct td_work *work;

	(void)state;
	scene_begin(&scene);
	scene_open(&scene);
	assert_int_equal(scene_stage(&scene, 3, 20, NULL), 0);
	assert_int_equal(td_journal_staged(scene.journal), 4);
	assert_int_equal(td_journal_durable(scene.journal), 1);
	assert_int_equal(
		td_journal_scan(scene.journal, &scan, &record, &lost_to, NULL), TD_E_NOT_FOUND);
	work = td_journal_next(scene.journal, TD_WORK_COMMIT, 0);
	assert_non_null(work);
	td_work_run(work);
	assert_int_equal(
		td_journal_scan(scene.journal, &scan, &record, &lost_to, NULL), TD_E_NOT_FOUND);
	assert_int_equal(td_journal_done(scene.journal, work, NULL), 0);
	assert_int_equal(td_journal_durable(scene.journal), 4);
	assert_int_equal(td_journal_scan(scene.journal, &scan, &record, &lost_to, NULL), 0);
	assert_int_equal(record.position, 1);
	td_scan_fini(&scan);
	scene_end(&scene);
}

static void the_next_frame_is_built_while_one_flies(void **state)
{
	struct scene scene;
	struct td_work *work;

	(void)state;
	scene_begin(&scene);
	scene_open(&scene);
	assert_int_equal(scene_stage(&scene, 2, 50, NULL), 0);
	work = td_journal_next(scene.journal, TD_WORK_COMMIT, 0);
	assert_int_equal(scene_stage(&scene, 2, 50, NULL), 0);
	assert_null(td_journal_next(scene.journal, TD_WORK_COMMIT, 0));
	td_work_run(work);
	assert_int_equal(td_journal_done(scene.journal, work, NULL), 0);
	assert_int_equal(td_journal_durable(scene.journal), 3);
	assert_int_equal(scene_turn(&scene, TD_WORK_COMMIT), 0);
	assert_int_equal(td_journal_durable(scene.journal), 5);
	scene_check(&scene);
	scene_end(&scene);
}

static void a_record_is_fetched_by_its_location(void **state)
{
	struct scene scene;
	uint64_t locations[40];
	struct td_record record;
	struct td_buf buf = TD_BUF_INIT(1 << 20);
	struct td_block *block;
	char body[6000];

	(void)state;
	scene_begin(&scene);
	for (int round = 0; round < 2; round++) {
		scene_open(&scene);
		if (round == 0) {
			/* Each fifth is full of zeros: its frame is whitened. */
			for (size_t i = 0; i < 40; i++) {
				assert_int_equal(scene_stage(&scene, 1, i * 137, &locations[i]), 0);
				assert_int_equal(scene_turn(&scene, TD_WORK_COMMIT), 0);
			}
		}
		for (uint64_t i = 0; i < 40; i++) {
			size_t known = i % 3 == 0 ? 0 : i % 3 == 1 ? 9 : i * 137; /* 9: fewer */

			assert_int_equal(td_journal_fetch(scene.journal, locations[i], known, &buf,
						 &block, &record, &scene.err),
				0);
			assert_int_equal(record.body.len, body_of(i + 1, i * 137, body));
			assert_memory_equal(record.body.at, body, record.body.len);
			assert_int_equal(block != NULL, round == 0);
			td_block_unref(block);
		}
		assert_int_equal(td_journal_fetch(scene.journal, (uint64_t)99 << 32 | 4096, 0, &buf,
					 &block, &record, NULL),
			TD_E_NOT_FOUND);
		scene_close(&scene);
	}
	td_buf_fini(&buf);
	scene_end(&scene);
}

static size_t bytes_read;

static int read_counted(void *arg, int file, void *bytes, size_t len, uint64_t offset, size_t *got)
{
	int code = td_disk_real.read(arg, file, bytes, len, offset, got);

	bytes_read += *got;
	return code;
}

/* Only who reads on needs to know where frames begin. */
static void a_fetched_record_of_a_sealed_segment_costs_little_more_than_itself(void **state)
{
	struct td_disk counted = td_disk_real;
	struct scene scene;
	uint64_t locations[64];
	struct td_record record;
	struct td_buf buf = TD_BUF_INIT(1 << 20);
	struct td_block *block;

	(void)state;
	scene_begin(&scene);
	counted.read = read_counted;
	scene.options.disk = &counted;
	scene.options.segment_bytes_first = 1 << 20;
	scene.options.cache_bytes = 1 << 20;
	scene_open(&scene);
	for (size_t i = 0; i < 64; i++) {
		assert_int_equal(scene_stage(&scene, 1, 50001, &locations[i]), 0);
		assert_int_equal(scene_turn(&scene, TD_WORK_ALL), 0);
	}
	scene_close(&scene);
	scene_open(&scene);
	bytes_read = 0;
	assert_int_equal(td_journal_fetch(scene.journal, locations[10], 50001, &buf, &block,
				 &record, &scene.err),
		0);
	assert_null(block);
	assert_int_equal(record.body.len, 50001);
	assert_in_range(bytes_read, 50001, 50001 + 3 * 4096);
	scene_check(&scene);
	assert_int_equal(td_journal_fetch(scene.journal, locations[11], 50001, &buf, &block,
				 &record, &scene.err),
		0);
	assert_int_equal(record.body.len, 50001);
	td_block_unref(block);
	td_buf_fini(&buf);
	scene_end(&scene);
}

static void two_do_not_have_one_journal(void **state)
{
	struct scene scene;
	struct td_journal *second = NULL;
	struct td_error err = TD_ERROR_INIT;
	char pid[32];

	(void)state;
	scene_begin(&scene);
	scene_open(&scene);
	assert_int_equal(
		td_journal_open(&second, scene.path, &scene.options, NULL, &err), TD_E_HELD);
	snprintf(pid, sizeof(pid), "process %d ", (int)getpid());
	assert_non_null(strstr(err.text, pid));
	scene_end(&scene);
}

static void a_directory_of_something_else_is_left_alone(void **state)
{
	struct scene scene;
	char name[128];
	FILE *file;

	(void)state;
	scene_begin(&scene);
	snprintf(name, sizeof(name), "%s/letters", scene.path);
	file = fopen(name, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(scene_open_any(&scene), TD_E_FOREIGN);
	snprintf(name, sizeof(name), "%s/LOCK", scene.path);
	assert_int_not_equal(access(name, F_OK), 0);
	scene_end(&scene);
}

static void looking_changes_nothing(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin_on(&scene, sim_disk_new(&(struct sim_disk_options){.rng = {{1, 2, 3, 4}}}));
	scene_open(&scene);
	scene_append(&scene, 20, 100);
	scene_drop(&scene);
	sim_disk_kill(scene.sim);
	scene.options.read_only = true;
	for (int i = 0; i < 2; i++) {
		uint64_t changes = sim_disk_changes(scene.sim);

		scene_open(&scene);
		assert_int_equal(scene.report.position, 21);
		scene_check(&scene);
		assert_int_equal(td_journal_room(scene.journal, 1, 1, false, NULL), TD_E_READ_ONLY);
		assert_null(td_journal_next(scene.journal, TD_WORK_ALL, INT64_MAX));
		scene_close(&scene);
		assert_int_equal(sim_disk_changes(scene.sim), changes);
	}
	scene_end(&scene);
}

static void an_idle_journal_gets_one_mark(void **state)
{
	struct scene scene;
	struct td_journal_state before, after;

	(void)state;
	scene_begin(&scene);
	scene_open(&scene);
	scene_append(&scene, 1, 100);
	td_journal_state(scene.journal, &before);
	assert_int_equal(td_journal_next_ms(scene.journal, TD_WORK_MARK, 1000), 1050);
	scene.now_ns += 49000000;
	assert_null(td_journal_next(scene.journal, TD_WORK_MARK, scene.now_ns / 1000000));
	scene.now_ns += 1000000;
	assert_int_equal(scene_turn(&scene, TD_WORK_MARK), 0);
	td_journal_state(scene.journal, &after);
	assert_int_equal(after.commits, before.commits + 1);
	scene.now_ns += 1000000000;
	assert_int_equal(td_journal_next_ms(scene.journal, TD_WORK_MARK, 2000), INT64_MAX);
	assert_null(td_journal_next(scene.journal, TD_WORK_MARK, scene.now_ns / 1000000));
	scene_end(&scene);
}

static void a_time_asked_for_in_vain_is_forgotten(void **state)
{
	struct scene scene;
	td_time time;

	(void)state;
	scene_begin(&scene);
	scene_open(&scene);
	time = td_journal_time(scene.journal);
	scene.now_ns += 3600000000000;
	assert_true(td_journal_time(scene.journal) >= time + 3599000000000);
	assert_int_equal(scene_stage(&scene, 1, 20, NULL), 0);
	time = td_journal_time(scene.journal);
	scene.now_ns += 3600000000000;
	assert_int_equal(td_journal_time(scene.journal), time);
	scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_journal_is_made_where_there_is_none),
		cmocka_unit_test(what_is_committed_is_read_again),
		cmocka_unit_test(nothing_is_visible_before_its_sync),
		cmocka_unit_test(the_next_frame_is_built_while_one_flies),
		cmocka_unit_test(a_record_is_fetched_by_its_location),
		cmocka_unit_test(
			a_fetched_record_of_a_sealed_segment_costs_little_more_than_itself),
		cmocka_unit_test(two_do_not_have_one_journal),
		cmocka_unit_test(a_directory_of_something_else_is_left_alone),
		cmocka_unit_test(looking_changes_nothing),
		cmocka_unit_test(an_idle_journal_gets_one_mark),
		cmocka_unit_test(a_time_asked_for_in_vain_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
