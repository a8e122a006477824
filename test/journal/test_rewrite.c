#include "journal_test.h"

static void begin(struct scene *scene)
{
	scene_begin_on(scene, sim_disk_new(&(struct sim_disk_options){.rng = {{1, 2, 3, 4}}}));
	scene->options.segment_bytes_first = scene->options.segment_bytes_max = 32 << 10;
	scene->options.frame_bytes = 4 << 10;
	scene->options.cache_bytes = 256 << 10;
	scene_open(scene);
}

/* A sealed segment of records 1 to 30, and some behind it. */
static void fill(struct scene *scene)
{
	scene_append(scene, 20, 700);
	assert_int_equal(scene_stage(scene, 10, 100, NULL), 0);
	assert_int_equal(scene_turn(scene, TD_WORK_ALL), 0);
	td_journal_roll(scene->journal);
	assert_int_equal(scene_turn(scene, TD_WORK_ALL), 0);
	scene_append(scene, 3, 700);
	assert_int_equal(td_journal_segments(scene->journal, NULL, 0), 2);
}

/* Positions that are in no hole, as bits; the hole's counts add up. */
static uint64_t present(struct scene *scene)
{
	struct td_scan scan = TD_SCAN_AT(1);
	struct td_record record;
	uint64_t bits = 0, lost_to;

	while (td_journal_scan(scene->journal, &scan, &record, &lost_to, &scene->err) == 0) {
		assert_int_equal(record.position + record.count, scan.position);
		if (record.body.at[0] == KIND)
			bits |= (uint64_t)1 << record.position;
	}
	assert_int_equal(scan.position, td_journal_durable(scene->journal));
	td_scan_fini(&scan);
	return bits;
}

#define ALL (((uint64_t)1 << 34) - 2) /* positions 1 to 33 */

static void what_is_gone_is_a_hole_and_the_rest_stays(void **state)
{
	const uint64_t gone[] = {1, 2, 7, 20, 21, 25, 30};
	struct td_segment_info before, after;
	struct scene scene;
	uint64_t bits = ALL;

	(void)state;
	begin(&scene);
	fill(&scene);
	td_journal_segments(scene.journal, &before, 1);
	assert_int_equal(
		td_journal_rewrite(scene.journal, 1, gone, 7, TD_REWRITE_ERASE, &scene.err), 0);
	assert_int_equal(
		td_journal_rewrite(scene.journal, 1, gone, 7, TD_REWRITE_ERASE, NULL), TD_E_FULL);
	assert_int_equal(scene_turn(&scene, TD_WORK_REWRITE), 0);
	td_journal_segments(scene.journal, &after, 1);
	assert_true(after.number != before.number && after.salt != before.salt);
	assert_int_equal(after.rewritten, 1);
	assert_true(after.used < before.used && after.bytes < before.bytes);
	assert_true(after.base == before.base && after.next == before.next);
	for (size_t i = 0; i < 7; i++)
		bits &= ~((uint64_t)1 << gone[i]);
	assert_true(present(&scene) == bits);
	scene_check(&scene);
	scene_close(&scene);
	scene_open(&scene);
	assert_true(present(&scene) == bits);
	scene_check(&scene);
	/* Once more: holes join, and the first chain value stays. */
	assert_int_equal(td_journal_rewrite(scene.journal, 1, (const uint64_t[]){3, 4, 5, 6}, 4,
				 TD_REWRITE_SPACE, &scene.err),
		0);
	assert_int_equal(scene_turn(&scene, TD_WORK_REWRITE), 0);
	assert_true(present(&scene) == (bits & ~(uint64_t)0x78));
	scene_drop(&scene);
	sim_disk_kill(scene.sim);
	scene_open(&scene);
	assert_true(present(&scene) == (bits & ~(uint64_t)0x78));
	scene_end(&scene);
}

static void a_segment_of_nothing_is_one_hole_and_drops(void **state)
{
	uint64_t gone[30];
	struct scene scene;
	struct td_journal_state journal;

	(void)state;
	begin(&scene);
	fill(&scene);
	for (uint64_t i = 0; i < 30; i++)
		gone[i] = i + 1;
	assert_int_equal(
		td_journal_rewrite(scene.journal, 1, gone, 30, TD_REWRITE_SPACE, &scene.err), 0);
	assert_int_equal(td_journal_drop(scene.journal, 31, NULL), TD_E_FULL);
	assert_int_equal(scene_turn(&scene, TD_WORK_REWRITE), 0);
	assert_true(present(&scene) == (ALL & ~(uint64_t)0x7FFFFFFE));
	assert_int_equal(td_journal_drop(scene.journal, 30, &scene.err), 0);
	assert_int_equal(td_journal_segments(scene.journal, NULL, 0), 2);
	assert_int_equal(td_journal_drop(scene.journal, 31, &scene.err), 0);
	assert_int_equal(td_journal_segments(scene.journal, NULL, 0), 1);
	td_journal_state(scene.journal, &journal);
	assert_int_equal(journal.first, 31);
	scene_check(&scene);
	scene_close(&scene);
	scene_open(&scene);
	td_journal_state(scene.journal, &journal);
	assert_int_equal(journal.first, 31);
	scene_check(&scene);
	scene_append(&scene, 1, 10);
	scene_end(&scene);
}

static void a_location_in_what_was_replaced_leads_nowhere(void **state)
{
	struct scene scene;
	struct td_scan scan = TD_SCAN_AT(5);
	struct td_record record, again;
	struct td_buf buf = TD_BUF_INIT(1 << 20);
	struct td_block *block;
	uint64_t lost_to;

	(void)state;
	begin(&scene);
	fill(&scene);
	assert_int_equal(td_journal_scan(scene.journal, &scan, &record, &lost_to, &scene.err), 0);
	assert_int_equal(td_journal_rewrite(scene.journal, 1, (const uint64_t[]){1}, 1,
				 TD_REWRITE_SPACE, &scene.err),
		0);
	assert_int_equal(scene_turn(&scene, TD_WORK_REWRITE), 0);
	assert_int_equal(
		td_journal_fetch(scene.journal, record.location, 0, &buf, &block, &again, NULL),
		TD_E_NOT_FOUND);
	/* Who was reading it goes on in what he holds. */
	assert_int_equal(td_journal_scan(scene.journal, &scan, &record, &lost_to, &scene.err), 0);
	assert_int_equal(record.position, 6);
	td_scan_seek(&scan, 5);
	assert_int_equal(td_journal_scan(scene.journal, &scan, &record, &lost_to, &scene.err), 0);
	assert_int_equal(record.position, 5);
	td_scan_fini(&scan);
	td_buf_fini(&buf);
	scene_end(&scene);
}

static void a_damaged_segment_is_not_rewritten(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene);
	fill(&scene);
	assert_int_equal(sim_disk_flip(scene.sim, "journal/seg-0000000000000001.log", 6000 * 8), 0);
	assert_int_equal(td_journal_rewrite(scene.journal, 1, (const uint64_t[]){30}, 1,
				 TD_REWRITE_SPACE, &scene.err),
		0);
	assert_int_equal(scene_turn(&scene, TD_WORK_REWRITE), TD_E_DAMAGED);
	assert_int_equal(td_journal_failed(scene.journal, NULL), 0);
	scene_append(&scene, 1, 100);
	scene_end(&scene);
}

/* The new file has the name, and the owner was not told yet: who reads finds all that was there. */
static void what_is_replaced_is_read_until_the_owner_knows(void **state)
{
	const uint64_t gone[] = {2, 3};
	struct td_buf buf = TD_BUF_INIT(4096);
	struct td_block *block = NULL;
	struct td_segment_info info;
	struct td_record record;
	struct td_work *work;
	struct scene scene;

	(void)state;
	begin(&scene);
	fill(&scene);
	scene_close(&scene);
	scene_open(&scene); /* nothing of the first segment is open, or in memory */
	td_journal_segments(scene.journal, &info, 1);
	assert_int_equal(
		td_journal_rewrite(scene.journal, 1, gone, 2, TD_REWRITE_SPACE, &scene.err), 0);
	work = td_journal_next(scene.journal, TD_WORK_REWRITE, INT64_MAX);
	assert_non_null(work);
	td_work_run(work);
	/* Nothing begins there; but it is the old file that says so. */
	assert_int_equal(td_journal_fetch(scene.journal, ((uint64_t)info.number << 32) + 4200, 0,
				 &buf, &block, &record, &scene.err),
		TD_E_DAMAGED);
	td_block_unref(block);
	assert_true(present(&scene) == ALL);
	assert_int_equal(td_journal_done(scene.journal, work, &scene.err), 0);
	assert_true(present(&scene) == (ALL & ~(uint64_t)12));
	td_buf_fini(&buf);
	scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_gone_is_a_hole_and_the_rest_stays),
		cmocka_unit_test(a_segment_of_nothing_is_one_hole_and_drops),
		cmocka_unit_test(a_location_in_what_was_replaced_leads_nowhere),
		cmocka_unit_test(what_is_replaced_is_read_until_the_owner_knows),
		cmocka_unit_test(a_damaged_segment_is_not_rewritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
