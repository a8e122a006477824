/*
 * Crashes at every change that a workload makes to the disk, and what the next opening makes of
 * them: all that was acknowledged is there, as it was; nothing else but whole frames behind it.
 */
#include "world.h"

static void crash_everywhere(
	const char *what, workload *play, void (*configure)(struct scene *scene), bool destroys)
{
	bool ended = false;

	for (uint64_t changes = 0; !ended; changes++) {
		struct world world = {.acknowledged = 1};

		scene_begin_on(&world.scene, new_disk(changes));
		configure(&world.scene);
		sim_disk_freeze_after(world.scene.sim, changes);
		ended = play(&world);
		td_journal_abandon(world.scene.journal);
		world.scene.journal = NULL;
		for (uint64_t seed = 0; seed < FATES; seed++) {
			struct world after;

			branch(&world, &after);
			crash(&after, seed, destroys);
			judge(&after, what, changes, seed);
			scene_end(&after.scene);
		}
		scene_end(&world.scene);
	}
}

/* The crash in the middle, then one at every change that recovering from it makes. */
static void crash_recovery_everywhere(
	const char *what, workload *play, void (*configure)(struct scene *scene))
{
	bool ended = false;

	for (uint64_t changes = 0; !ended; changes += 3) {
		struct world world = {.acknowledged = 1};
		bool recovered = false;

		scene_begin_on(&world.scene, new_disk(changes));
		configure(&world.scene);
		sim_disk_freeze_after(world.scene.sim, changes);
		ended = play(&world);
		crash(&world, changes + 7, false);
		for (uint64_t again = 0; !recovered; again++) {
			struct world after;

			branch(&world, &after);
			sim_disk_freeze_after(after.scene.sim, again);
			recovered = scene_open_any(&after.scene) == 0;
			if (!recovered)
				after.scene.journal = NULL;
			crash(&after, again, false);
			judge(&after, what, changes, again);
			scene_end(&after.scene);
		}
		scene_end(&world.scene);
	}
}

static void strict_small(struct scene *scene)
{
	small_segments(scene);
	scene->options.strict = true;
	scene->options.segment_bytes_first = 32 << 10;
	scene->options.segment_bytes_max = 64 << 10;
}

static void chain_off_small(struct scene *scene)
{
	small_segments(scene);
	scene->options.chain_off = true;
}

static void what_was_acknowledged_survives_a_crash_anywhere(void **state)
{
	(void)state;
	crash_everywhere("a few appends", a_few_appends, small_segments, false);
	crash_everywhere("rolling", rolling, small_segments, false);
	crash_everywhere("large ones", large_ones, small_segments, false);
	crash_everywhere("marks and rolls", marks_and_rolls, small_segments, false);
	crash_everywhere("rewriting", rewriting, small_segments, false);
	crash_everywhere("dropping", dropping, small_segments, false);
	crash_everywhere("rolling without chain", rolling, chain_off_small, false);
}

static void strict_survives_sectors_destroyed_while_written(void **state)
{
	(void)state;
	crash_everywhere("a few appends, strict", a_few_appends, strict_small, true);
	crash_everywhere("rolling, strict", rolling, strict_small, true);
}

static void recovery_survives_a_crash_anywhere(void **state)
{
	(void)state;
	crash_recovery_everywhere("a few appends", a_few_appends, small_segments);
	crash_recovery_everywhere("rolling", rolling, small_segments);
	crash_recovery_everywhere("marks and rolls", marks_and_rolls, small_segments);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_acknowledged_survives_a_crash_anywhere),
		cmocka_unit_test(strict_survives_sectors_destroyed_while_written),
		cmocka_unit_test(recovery_survives_a_crash_anywhere),
	};

	world_plant();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
