/*
 * Crashes at every change that a workload makes to the disk, and what the next opening makes of
 * them: all that was acknowledged is there, as it was; nothing else but whole frames behind it.
 */
#include "journal_test.h"

#ifdef TD_BUGS
int td_bug;
#endif

#define FATES 6 /* ways for one crash to end */

static struct sim_disk *new_disk(uint64_t seed)
{
	struct sim_disk_options options = {0};

	td_rng_init(&options.rng, seed);
	return sim_disk_new(&options);
}

static void small_segments(struct scene *scene)
{
	scene->options.segment_bytes_first = 16 << 10;
	scene->options.segment_bytes_max = 32 << 10;
	scene->options.frame_bytes = 4 << 10;
	scene->options.append_bytes_max = 20 << 10;
	scene->options.cache_bytes = 128 << 10;
}

/* What the world knows of the journal. */
struct world {
	struct scene scene;
	uint64_t acknowledged; /* the first position that was not */
	uint64_t first;        /* known to be dropped below */
};

/* A workload: steps until one fails. true: it came to its end. */
typedef bool workload(struct world *world);

static bool commit(struct world *world, size_t count, size_t bytes)
{
	struct scene *scene = &world->scene;
	int code = scene_stage(scene, count, bytes, NULL);

	if (code == 0)
		code = scene_turn(scene, TD_WORK_ALL & ~(unsigned)TD_WORK_MARK);
	world->acknowledged = td_journal_durable(scene->journal);
	return code == 0;
}

static bool open_again(struct world *world)
{
	return scene_open_any(&world->scene) == 0;
}

static bool close_it(struct world *world)
{
	int code = td_journal_close(world->scene.journal, &world->scene.err);

	world->scene.journal = NULL;
	return code == 0;
}

static bool a_few_appends(struct world *world)
{
	return open_again(world) && commit(world, 1, 100) && commit(world, 3, 700) &&
	       commit(world, 1, 2000) && close_it(world) && open_again(world) &&
	       commit(world, 2, 60);
}

static bool rolling(struct world *world)
{
	if (!open_again(world))
		return false;
	for (size_t i = 0; i < 12; i++)
		if (!commit(world, 1 + i % 3, 900))
			return false;
	return true;
}

static bool large_ones(struct world *world)
{
	return open_again(world) && commit(world, 1, 15000) && commit(world, 1, 200) &&
	       commit(world, 2, 9000) && commit(world, 1, 30);
}

static bool marks_and_rolls(struct world *world)
{
	if (!open_again(world))
		return false;
	for (int i = 0; i < 4; i++) {
		if (!commit(world, 2, 500))
			return false;
		world->scene.now_ns += 60000000;
		if (scene_turn(&world->scene, TD_WORK_ALL) != 0)
			return false;
		td_journal_roll(world->scene.journal);
		if (scene_turn(&world->scene, TD_WORK_ALL) != 0)
			return false;
	}
	return true;
}

static bool rewriting(struct world *world)
{
	const uint64_t gone[] = {1, 3, 4};
	struct scene *scene = &world->scene;

	if (!open_again(world))
		return false;
	for (size_t i = 0; i < 8; i++)
		if (!commit(world, 2, 900))
			return false;
	return td_journal_rewrite(scene->journal, 1, gone, 3, TD_REWRITE_SPACE, &scene->err) == 0 &&
	       scene_turn(scene, TD_WORK_REWRITE) == 0 && commit(world, 1, 50) &&
	       td_journal_rewrite(scene->journal, 1, gone + 1, 1, TD_REWRITE_ERASE, &scene->err) ==
		       0 &&
	       scene_turn(scene, TD_WORK_REWRITE) == 0 && commit(world, 1, 50);
}

static bool dropping(struct world *world)
{
	struct scene *scene = &world->scene;

	if (!open_again(world))
		return false;
	for (size_t i = 0; i < 20; i++) {
		if (!commit(world, 2, 900))
			return false;
		if (i % 6 == 5 &&
			td_journal_drop(scene->journal, world->acknowledged - 8, &scene->err) != 0)
			return false;
	}
	return true;
}

/* After the crash: opens, holds all, takes more, and closes. */
static void judge(struct world *world, const char *what, uint64_t changes, uint64_t seed)
{
	struct scene *scene = &world->scene;
	int code = scene_open_any(scene);

	if (code != 0 || td_journal_durable(scene->journal) < world->acknowledged) {
		print_error("%s, after %llu changes, seed %llu: %s, %llu of %llu\n", what,
			(unsigned long long)changes, (unsigned long long)seed, scene->err.text,
			(unsigned long long)scene->report.position,
			(unsigned long long)world->acknowledged);
		fail();
	}
	td_journal_verify_state(scene->journal);
	scene_check(scene);
	world->acknowledged = td_journal_durable(scene->journal);
	assert_int_equal(scene_stage(scene, 2, 300, NULL), 0);
	assert_int_equal(scene_turn(scene, TD_WORK_COMMIT), 0);
	assert_int_equal(td_journal_durable(scene->journal), world->acknowledged + 2);
	scene_check(scene);
	scene_close(scene);
	scene_open(scene);
	assert_true(scene->report.clean);
	scene_check(scene);
}

static void crash(struct world *world, uint64_t seed, bool destroys)
{
	static const uint8_t none[64];
	struct sim_disk_fate fate = {.seed = seed, .destroys = destroys};
	uint8_t all[64];

	memset(all, 0xFF, sizeof(all));
	if (seed % FATES == 0)
		fate.picks = all;
	if (seed % FATES == 1)
		fate.picks = none;
	if (fate.picks != NULL)
		fate.picks_count = 512;
	td_journal_abandon(world->scene.journal);
	world->scene.journal = NULL;
	sim_disk_crash(world->scene.sim, &fate);
}

/* The same disk, and another world to go on in. */
static void branch(const struct world *from, struct world *to)
{
	*to = *from;
	to->scene.sim = sim_disk_copy(from->scene.sim);
	to->scene.disk = to->scene.options.disk = sim_disk_table(to->scene.sim);
	to->scene.clock.arg = to->scene.random.arg = &to->scene;
	to->scene.options.clock = &to->scene.clock;
	to->scene.options.random = &to->scene.random;
}

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

#ifdef TD_BUGS
	td_bug = atoi(getenv("TD_BUG")); /* planted: this has to fail */
#endif
	return cmocka_run_group_tests(tests, NULL, NULL);
}
