/*
 * What recovery has to see to, each by itself: states that a crash, a kill or a failing disk left,
 * and that a world of stores found (sim/store).
 */
#include "journal_test.h"

static struct sim_disk *new_disk(uint64_t seed)
{
	struct sim_disk_options options = {0};

	td_rng_init(&options.rng, seed);
	return sim_disk_new(&options);
}

static void begin(struct scene *scene, uint64_t seed, bool strict)
{
	scene_begin_on(scene, new_disk(seed));
	scene->options.strict = strict;
	scene->options.segment_bytes_first = scene->options.segment_bytes_max =
		strict ? 32 << 10 : 16 << 10;
	scene->options.append_bytes_max = 8 << 10;
	scene->options.frame_bytes = 4 << 10;
	scene->options.cache_bytes = 64 << 10;
}

/* Appends until one fails; the first position that is not acknowledged. */
static uint64_t append_until_it_fails(struct scene *scene, size_t count)
{
	uint64_t durable = 1;

	if (scene_open_any(scene) != 0) {
		scene->journal = NULL;
		return durable;
	}
	for (size_t i = 0; i < count; i++) {
		int code = scene_stage(scene, 1, 900, NULL);

		if (code == 0)
			code = scene_turn(scene, TD_WORK_ALL);
		durable = td_journal_durable(scene->journal);
		if (code != 0)
			break;
	}
	return durable;
}

static void crash_and_lose_everything(struct scene *scene)
{
	static const uint8_t none[512];
	struct sim_disk_fate fate = {.picks = none, .picks_count = sizeof(none) * 8};

	scene_drop(scene);
	sim_disk_crash(scene->sim, &fate);
}

/* The name is there for who looks, and not yet on the disk: a failed sync, or a kill before it. */
static void the_last_segment_has_its_name_on_disk_before_CONTROL_says_so(void **state)
{
	unsigned rolls = 0;

	(void)state;
	for (uint64_t n = 1; n < 30; n++) {
		struct scene scene;
		uint64_t acknowledged;

		begin(&scene, n, false);
		sim_disk_fail_at(scene.sim, SIM_DISK_CALL_SYNC_DIR, n, EIO, false);
		acknowledged = append_until_it_fails(&scene, 60);
		rolls += scene.journal != NULL;
		scene_drop(&scene);
		sim_disk_kill(scene.sim);
		scene_open(&scene);
		assert_true(td_journal_durable(scene.journal) >= acknowledged);
		acknowledged = td_journal_durable(scene.journal);
		crash_and_lose_everything(&scene);
		scene_open(&scene);
		assert_int_equal(td_journal_durable(scene.journal), acknowledged);
		scene_check(&scene);
		scene_end(&scene);
	}
	assert_true(rolls > 20);
}

/* Seal and footer are there for who looks, and not yet on the disk: their sync failed. */
static void a_footer_whose_sync_failed_is_on_disk_before_another_segment_begins(void **state)
{
	unsigned rolls = 0;

	(void)state;
	for (uint64_t n = 1; n < 60; n++) {
		struct scene scene;

		begin(&scene, n, n % 2 == 0);
		sim_disk_fail_at(scene.sim, SIM_DISK_CALL_SYNC, n, EIO, false);
		append_until_it_fails(&scene, 60);
		scene_drop(&scene);
		sim_disk_kill(scene.sim);
		scene_open(&scene);
		rolls += scene.report.segments > 1;
		scene_append(&scene, 1, 100);
		crash_and_lose_everything(&scene);
		scene_open(&scene);
		assert_int_equal(scene.report.damages_count, 0);
		scene_check(&scene);
		scene_end(&scene);
	}
	assert_true(rolls > 20);
}

/* Seal and footer are written in one go, and the footer may come down while the seal is torn. */
static void a_torn_seal_before_a_whole_footer_is_a_torn_write(void **state)
{
	unsigned torn = 0;

	(void)state;
	for (uint64_t changes = 20; changes < 60; changes++) {
		for (uint64_t seed = 0; seed < 30; seed++) {
			struct scene scene;
			struct sim_disk_fate fate = {.seed = seed};
			uint64_t acknowledged;

			begin(&scene, changes, true);
			sim_disk_freeze_after(scene.sim, changes);
			acknowledged = append_until_it_fails(&scene, 12);
			scene_drop(&scene);
			sim_disk_crash(scene.sim, &fate);
			scene_open(&scene);
			assert_true(td_journal_durable(scene.journal) >= acknowledged);
			torn += scene.report.tail == TD_TAIL_TORN;
			scene_check(&scene);
			scene_end(&scene);
		}
	}
	assert_true(torn > 20);
}

static void a_header_that_cannot_be_read_is_the_disks_failure_not_damage(void **state)
{
	struct scene scene;

	(void)state;
	begin(&scene, 1, false);
	scene_open(&scene);
	scene_append(&scene, 5, 900);
	scene_drop(&scene);
	sim_disk_kill(scene.sim);
	assert_int_equal(sim_disk_ruin(scene.sim, "journal/seg-0000000000000001.log", 512), 0);
	assert_int_equal(scene_open_any(&scene), TD_E_DISK);
	assert_non_null(strstr(scene.err.text, "seg-0000000000000001.log"));
	scene.journal = NULL;
	scene_end(&scene);
}

static void one_copy_of_CONTROL_that_cannot_be_read_is_enough(void **state)
{
	(void)state;
	for (int both = 0; both < 2; both++) {
		struct scene scene;

		begin(&scene, 1, false);
		scene_open(&scene);
		scene_append(&scene, 5, 900);
		scene_drop(&scene);
		sim_disk_kill(scene.sim);
		assert_int_equal(sim_disk_ruin(scene.sim, "journal/CONTROL.b", 0), 0);
		if (both)
			assert_int_equal(sim_disk_ruin(scene.sim, "journal/CONTROL.a", 0), 0);
		if (both) {
			assert_int_equal(scene_open_any(&scene), TD_E_DISK);
			assert_non_null(strstr(scene.err.text, "CONTROL."));
			scene.journal = NULL;
		} else {
			scene_open(&scene);
			scene_check(&scene);
		}
		scene_end(&scene);
	}
}

static void a_segment_without_its_footer_has_the_times_of_its_frames(void **state)
{
	struct scene scene;
	struct td_segment_info before, after;

	(void)state;
	begin(&scene, 1, false);
	scene_open(&scene);
	scene_append(&scene, 30, 900);
	assert_true(td_journal_segments(scene.journal, &before, 1) > 1);
	scene_close(&scene);
	assert_int_equal(sim_disk_ruin(scene.sim, "journal/seg-0000000000000001.log",
				 before.bytes - TD_DISK_ALIGN),
		0);
	scene_open(&scene);
	assert_true(td_journal_segments(scene.journal, &after, 1) > 1);
	assert_int_equal(after.from, before.from);
	assert_int_equal(after.to, before.to);
	assert_int_equal(after.next, before.next);
	scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_segment_has_its_name_on_disk_before_CONTROL_says_so),
		cmocka_unit_test(
			a_footer_whose_sync_failed_is_on_disk_before_another_segment_begins),
		cmocka_unit_test(a_torn_seal_before_a_whole_footer_is_a_torn_write),
		cmocka_unit_test(a_header_that_cannot_be_read_is_the_disks_failure_not_damage),
		cmocka_unit_test(one_copy_of_CONTROL_that_cannot_be_read_is_enough),
		cmocka_unit_test(a_segment_without_its_footer_has_the_times_of_its_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
