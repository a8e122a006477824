/*
 * Calls to the disk that fail: what the journal says then, and what is there afterwards.
 */
#include "world.h"

/* The process ends; the disk goes on, or power is cut. */
static void end_process(struct world *world, uint64_t seed)
{
	td_journal_abandon(world->scene.journal);
	world->scene.journal = NULL;
	sim_disk_fail_at(world->scene.sim, SIM_DISK_CALL_ANY, 0, 0, false);
	if (seed % 2 == 0)
		sim_disk_kill(world->scene.sim);
	else
		crash(world, seed, false);
}

/* Each call of a kind fails in turn. After a write or sync that failed nothing is taken any more. */
static void fail_everywhere(const char *what, workload *play, enum sim_disk_call call, int code,
	bool ever_after, bool reverts)
{
	bool ended = false;

	for (uint64_t n = 1; !ended; n++) {
		struct world world = {.acknowledged = 1};
		struct sim_disk_options options = {.failed_sync_reverts = reverts};

		td_rng_init(&options.rng, n);
		scene_begin_on(&world.scene, sim_disk_new(&options));
		small_segments(&world.scene);
		sim_disk_fail_at(world.scene.sim, call, n, code, ever_after);
		ended = play(&world);
		if (!ended && world.scene.journal != NULL &&
			td_journal_failed(world.scene.journal, NULL) != 0) {
			assert_int_equal(
				td_journal_room(world.scene.journal, 1, 1, true, NULL), TD_E_DISK);
			assert_null(td_journal_next(world.scene.journal, TD_WORK_ALL, INT64_MAX));
			assert_int_equal(
				td_journal_durable(world.scene.journal), world.acknowledged);
		}
		/* A kind of failure that is worked around lets the workload end well. */
		if (ended && sim_disk_calls(world.scene.sim, call) >= n)
			ended = false;
		end_process(&world, n);
		judge(&world, what, n, n);
		scene_end(&world.scene);
		assert_true(n < 4000);
	}
}

static void a_failed_write_or_sync_is_final(void **state)
{
	static const enum sim_disk_call calls[] = {
		SIM_DISK_CALL_WRITE, SIM_DISK_CALL_SYNC, SIM_DISK_CALL_SYNC_DIR};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		fail_everywhere("a few appends", a_few_appends, calls[i], EIO, false, false);
		fail_everywhere("rolling", rolling, calls[i], EIO, false, false);
		fail_everywhere("rolling, for ever", rolling, calls[i], EIO, true, false);
		fail_everywhere("rolling, reverting", rolling, calls[i], EIO, false, true);
		fail_everywhere("marks", marks_and_rolls, calls[i], EIO, false, false);
		fail_everywhere("rewriting", rewriting, calls[i], EIO, false, false);
		fail_everywhere("dropping", dropping, calls[i], EIO, false, false);
	}
}

static void any_call_may_fail(void **state)
{
	(void)state;
	fail_everywhere("a few appends", a_few_appends, SIM_DISK_CALL_ANY, EIO, false, false);
	fail_everywhere("rolling", rolling, SIM_DISK_CALL_ANY, EIO, false, false);
	fail_everywhere("rolling", rolling, SIM_DISK_CALL_ANY, ENOSPC, false, false);
	fail_everywhere("rewriting", rewriting, SIM_DISK_CALL_ANY, EIO, false, false);
	fail_everywhere("rewriting", rewriting, SIM_DISK_CALL_ANY, ENOSPC, false, false);
	fail_everywhere("dropping", dropping, SIM_DISK_CALL_ANY, EIO, false, false);
}

/* --- a full disk -------------------------------------------------------------------------- */

static int append_reserved(struct scene *scene)
{
	struct td_text part = {"\7 acknowledged", 14};
	int code = td_journal_room(scene->journal, 1, part.len, true, &scene->err);

	if (code == TD_E_FULL) {
		scene_turn(scene, TD_WORK_COMMIT);
		code = td_journal_room(scene->journal, 1, part.len, true, &scene->err);
	}
	if (code == 0) {
		td_journal_stage(scene->journal, &part, 1, NULL);
		code = scene_turn(scene, TD_WORK_COMMIT);
	}
	return code;
}

static void fill_the_disk(struct scene *scene)
{
	int code = 0;

	for (int i = 0; i < 200 && code == 0; i++) {
		code = scene_stage(scene, 1, 900, NULL);
		if (code == 0)
			code = scene_turn(scene, TD_WORK_COMMIT | TD_WORK_SPARE);
		/* What waits for space is told by work that is brought back. */
		if (code == TD_E_DISK_FULL)
			code = scene_stage(scene, 1, 900, NULL);
	}
	assert_int_equal(code, TD_E_DISK_FULL);
	assert_int_equal(td_journal_failed(scene->journal, NULL), 0);
}

static void a_full_disk_refuses_and_resumes(void **state)
{
	struct scene scene;
	struct td_journal_state journal;
	unsigned taken = 0;
	uint64_t durable;

	(void)state;
	scene_begin_on(&scene, new_disk(1));
	small_segments(&scene);
	scene.options.segment_bytes_first = scene.options.segment_bytes_max;
	scene_open(&scene);
	sim_disk_set_capacity(scene.sim, 200 << 10);
	fill_the_disk(&scene);
	td_journal_state(scene.journal, &journal);
	assert_true(journal.disk_full);
	/* A whole segment is kept for those. */
	while (taken < 1000 && append_reserved(&scene) == 0)
		taken++;
	print_message("%u reserved appends on a full disk\n", taken);
	assert_true(taken >= 100);
	durable = td_journal_durable(scene.journal);
	assert_true(durable > taken);
	/* No second try before its time; then it goes on by itself. */
	sim_disk_set_capacity(scene.sim, 0);
	assert_int_equal(scene_stage(&scene, 1, 900, NULL), TD_E_DISK_FULL);
	assert_true(td_journal_next_ms(scene.journal, TD_WORK_SPARE, scene.now_ns / 1000000) >
		    scene.now_ns / 1000000);
	scene.now_ns += 2000000000;
	assert_int_equal(scene_turn(&scene, TD_WORK_SPARE), 0);
	assert_int_equal(scene_stage(&scene, 1, 900, NULL), 0);
	assert_int_equal(scene_turn(&scene, TD_WORK_ALL), 0);
	assert_true(td_journal_durable(scene.journal) > durable);
	scene_close(&scene);
	scene_open(&scene);
	scene_end(&scene);
}

static void a_full_disk_is_opened_again(void **state)
{
	struct scene scene;
	uint64_t durable;

	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		const struct sim_disk_fate fate = {.seed = seed};

		scene_begin_on(&scene, new_disk(seed));
		small_segments(&scene);
		scene_open(&scene);
		sim_disk_set_capacity(scene.sim, 150 << 10);
		fill_the_disk(&scene);
		durable = td_journal_durable(scene.journal);
		scene_drop(&scene);
		sim_disk_crash(scene.sim, &fate);
		scene_open(&scene);
		assert_true(td_journal_durable(scene.journal) >= durable);
		scene_check(&scene);
		sim_disk_set_capacity(scene.sim, 0);
		scene.now_ns += 2000000000;
		scene_append(&scene, 30, 900);
		scene_check(&scene);
		scene_end(&scene);
	}
}

/* Where the mark of an opening finds no room the segment ends with it, and the next one finds no space. */
static void what_an_opening_hands_out_on_a_full_disk_comes_back(void **state)
{
	unsigned full = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct td_journal_state journal;
		struct scene scene;
		int code;

		scene_begin_on(&scene, new_disk(seed));
		small_segments(&scene);
		scene_open(&scene);
		sim_disk_set_capacity(scene.sim, (150 + 2 * seed) << 10);
		fill_the_disk(&scene);
		while (append_reserved(&scene) == 0)
			continue;
		scene_drop(&scene);
		sim_disk_kill(scene.sim);
		if (scene_open_any(&scene) == 0) {
			td_journal_state(scene.journal, &journal);
			full += journal.disk_full;
			code = td_journal_close(scene.journal, &scene.err);
			scene.journal = NULL;
			assert_true(code == 0 || code == TD_E_DISK_FULL);
		}
		sim_disk_set_capacity(scene.sim, 0);
		scene_open(&scene);
		scene_end(&scene);
	}
	assert_true(full > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failed_write_or_sync_is_final),
		cmocka_unit_test(any_call_may_fail),
		cmocka_unit_test(a_full_disk_refuses_and_resumes),
		cmocka_unit_test(a_full_disk_is_opened_again),
		cmocka_unit_test(what_an_opening_hands_out_on_a_full_disk_comes_back),
	};

	world_plant();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
