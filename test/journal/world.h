/*
 * Workloads on a simulated disk, and what must be true after them, however they ended.
 *
 * Each test program that uses this has all of it; what one does not use is not missed.
 */
#ifndef TD_JOURNAL_WORLD_H
#define TD_JOURNAL_WORLD_H

#include "journal_test.h"

#ifdef TD_BUGS
int td_bug;
#endif

/* A bug planted (TD_BUG in the environment): then the tests have to fail. */
static inline void world_plant(void)
{
#ifdef TD_BUGS
	td_bug = atoi(getenv("TD_BUG"));
#endif
}

#define FATES 6 /* ways for one crash to end */

static inline struct sim_disk *new_disk(uint64_t seed)
{
	struct sim_disk_options options = {0};

	td_rng_init(&options.rng, seed);
	return sim_disk_new(&options);
}

static inline void small_segments(struct scene *scene)
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
	unsigned rewritten;    /* how often the first segment was, for sure */
};

/* A workload: steps until one fails. true: it came to its end. */
typedef bool workload(struct world *world);

static inline bool commit(struct world *world, size_t count, size_t bytes)
{
	struct scene *scene = &world->scene;
	int code = scene_stage(scene, count, bytes, NULL);

	if (code == 0)
		code = scene_turn(scene, TD_WORK_ALL & ~(unsigned)TD_WORK_MARK);
	world->acknowledged = td_journal_durable(scene->journal);
	return code == 0;
}

static inline bool open_again(struct world *world)
{
	return scene_open_any(&world->scene) == 0;
}

static inline bool close_it(struct world *world)
{
	int code = td_journal_close(world->scene.journal, &world->scene.err);

	world->scene.journal = NULL;
	return code == 0;
}

static inline bool a_few_appends(struct world *world)
{
	return open_again(world) && commit(world, 1, 100) && commit(world, 3, 700) &&
	       commit(world, 1, 2000) && close_it(world) && open_again(world) &&
	       commit(world, 2, 60);
}

static inline bool rolling(struct world *world)
{
	if (!open_again(world))
		return false;
	for (size_t i = 0; i < 12; i++)
		if (!commit(world, 1 + i % 3, 900))
			return false;
	return true;
}

static inline bool large_ones(struct world *world)
{
	return open_again(world) && commit(world, 1, 15000) && commit(world, 1, 200) &&
	       commit(world, 2, 9000) && commit(world, 1, 30);
}

static inline bool marks_and_rolls(struct world *world)
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

static inline bool rewriting(struct world *world)
{
	const uint64_t gone[] = {1, 3, 4};
	struct scene *scene = &world->scene;

	if (!open_again(world))
		return false;
	for (size_t i = 0; i < 8; i++)
		if (!commit(world, 2, 900))
			return false;
	for (size_t i = 0; i < 2; i++) {
		if (td_journal_rewrite(
			    scene->journal, 1, gone + i, 2, TD_REWRITE_ERASE, &scene->err) != 0 ||
			scene_turn(scene, TD_WORK_REWRITE) != 0)
			return false;
		world->rewritten++;
		if (!commit(world, 1, 50))
			return false;
	}
	return true;
}

static inline bool dropping(struct world *world)
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

static int count_entry(void *arg, const struct td_disk_entry *entry)
{
	(void)entry;
	++*(unsigned *)arg;
	return 0;
}

static inline unsigned count_quarantine(struct scene *scene)
{
	unsigned count = 0;
	int dir;

	if (td_disk_open_dir(scene->disk, TD_DISK_NOWHERE, "journal/quarantine", 0, &dir) != 0)
		return 0;
	assert_int_equal(td_disk_list(scene->disk, dir, count_entry, &count), 0);
	td_disk_close(scene->disk, dir);
	return count;
}

/* After the crash: opens, holds all, takes more, and closes. */
static inline void judge(struct world *world, const char *what, uint64_t changes, uint64_t seed)
{
	struct scene *scene = &world->scene;
	struct td_segment_info first;
	int code = scene_open_any(scene);

	if (code != 0 || td_journal_durable(scene->journal) < world->acknowledged) {
		print_error("%s, after %llu changes, seed %llu: %s, %llu of %llu\n", what,
			(unsigned long long)changes, (unsigned long long)seed, scene->err.text,
			(unsigned long long)scene->report.position,
			(unsigned long long)world->acknowledged);
		fail();
	}
	td_journal_segments(scene->journal, &first, 1);
	if (first.base == 1)
		assert_true(first.rewritten >= world->rewritten);
	if (scene->report.cut_bytes > 0)
		assert_true(count_quarantine(scene) > 0);
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
	scene_close(scene);
	code = td_journal_verify(scene->disk, scene->path, NULL, NULL, NULL, &scene->err);
	if (code != 0)
		print_error("%s, after %llu, seed %llu: %s\n", what, (unsigned long long)changes,
			(unsigned long long)seed, scene->err.text);
	assert_int_equal(code, 0);
}

static inline void crash(struct world *world, uint64_t seed, bool destroys)
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
static inline void branch(const struct world *from, struct world *to)
{
	*to = *from;
	to->scene.sim = sim_disk_copy(from->scene.sim);
	to->scene.disk = to->scene.options.disk = sim_disk_table(to->scene.sim);
	to->scene.clock.arg = to->scene.random.arg = &to->scene;
	to->scene.options.clock = &to->scene.clock;
	to->scene.options.random = &to->scene.random;
}

#endif
