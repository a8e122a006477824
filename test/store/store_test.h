/*
 * A store to test with: in memory or in a journal, with a clock that stands still unless it is moved
 * and numbers from a seed.
 */
#ifndef TD_STORE_TEST_H
#define TD_STORE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/store.h"

/* A bug planted (TD_BUG in the environment): then a test has to fail. */
#ifdef TD_BUGS
int td_bug;
__attribute__((constructor)) static void plant(void)
{
	td_bug = getenv("TD_BUG") != NULL ? atoi(getenv("TD_BUG")) : 0;
}
#endif

enum shelf { IN_MEMORY, IN_JOURNAL };

struct scene {
	enum shelf shelf;
	char path[64];
	int64_t now_ns;
	struct td_clock clock;
	struct td_rng rng;
	struct td_random random;
	struct td_disk disk;
	struct td_store_options options;
	struct td_store *store;
	struct td_recovery report;
	struct td_error err;
};

static int64_t scene_now(void *arg)
{
	return ((struct scene *)arg)->now_ns;
}

static td_time scene_wall(void *arg)
{
	return 1700000000000000000 + ((struct scene *)arg)->now_ns;
}

static void scene_fill(void *arg, void *bytes, size_t len)
{
	struct scene *scene = arg;
	uint8_t *at = bytes;

	while (len-- > 0)
		*at++ = (uint8_t)td_rng_u64(&scene->rng);
}

/* Nothing here loses its power: a sync takes no time. */
static int scene_sync(void *arg, int file)
{
	(void)arg;
	(void)file;
	return 0;
}

static inline void must(const struct scene *scene, int code)
{
	if (code != 0)
		print_error("%s\n", scene->err.text);
	assert_int_equal(code, 0);
}

static inline void scene_open(struct scene *scene)
{
	scene->err = (struct td_error)TD_ERROR_INIT;
	must(scene, td_store_open(&scene->store, scene->shelf == IN_MEMORY ? NULL : scene->path,
			    &scene->options, &scene->report, &scene->err));
}

static inline void scene_begin(struct scene *scene, enum shelf shelf)
{
	memset(scene, 0, sizeof(*scene));
	scene->shelf = shelf;
	scene->now_ns = 1000000000;
	scene->clock = (struct td_clock){scene_wall, scene_now, scene};
	td_rng_init(&scene->rng, 42);
	scene->random = (struct td_random){scene_fill, scene};
	scene->disk = td_disk_real;
	scene->disk.sync = scene->disk.sync_dir = scene_sync;
	if (shelf == IN_JOURNAL) {
		strcpy(scene->path, "/tmp/tidings-test-store-XXXXXX");
		assert_non_null(mkdtemp(scene->path));
	}
	scene->options.journal = (struct td_journal_options){
		.disk = &scene->disk,
		.clock = &scene->clock,
		.random = &scene->random,
		.segment_bytes_first = (size_t)64 << 10,
		.segment_bytes_max = (size_t)256 << 10,
		.frame_bytes = (size_t)16 << 10,
		.append_bytes_max = (size_t)32 << 10,
		.create = true,
	};
	scene->options.payload_bytes_max = (size_t)16 << 10;
	scene->options.events = true;
}

static int scene_remove(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

/* All that is to be done now: what is staged is durable then. */
static inline void scene_commit(struct scene *scene)
{
	struct td_chore *chore;

	while ((chore = td_store_next(scene->store, TD_WORK_EVERYTHING & ~TD_WORK_RETAIN,
			scene->now_ns / 1000000)) != NULL) {
		td_chore_run(chore);
		must(scene, td_store_done(scene->store, chore, &scene->err));
	}
	assert_int_equal(td_store_durable(scene->store), td_store_staged(scene->store));
}

static inline void scene_retain(struct scene *scene)
{
	struct td_chore *chore;

	while ((chore = td_store_next(scene->store, TD_WORK_EVERYTHING, scene->now_ns / 1000000)) !=
		NULL) {
		td_chore_run(chore);
		must(scene, td_store_done(scene->store, chore, &scene->err));
	}
}

static inline void scene_close(struct scene *scene)
{
	must(scene, td_store_close(scene->store, &scene->err));
	scene->store = NULL;
}

/* In memory there is nothing to come back to. */
static inline void scene_reopen(struct scene *scene)
{
	scene_commit(scene);
	if (scene->shelf == IN_MEMORY)
		return;
	scene_close(scene);
	scene_open(scene);
}

static inline void scene_end(struct scene *scene)
{
	if (scene->store != NULL)
		scene_close(scene);
	if (scene->shelf == IN_JOURNAL)
		nftw(scene->path, scene_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void scene_log(
	struct scene *scene, const char *name, const char *pattern, struct td_log_config config)
{
	struct td_text text = td_text(pattern);
	uint64_t rests_on;

	config.subjects = &text;
	config.subjects_count = pattern != NULL;
	must(scene, td_store_log_set(scene->store, td_text(name), &config,
			    TD_LOG_CREATE | TD_LOG_CHANGE, &rests_on, &scene->err));
}

static inline struct td_entry entry_of(const char *address, const char *payload)
{
	return (struct td_entry){
		.address = td_text(address), .type = td_text("Thing"), .payload = td_text(payload)};
}

static inline struct td_placed scene_append(
	struct scene *scene, const char *address, const char *payload)
{
	struct td_entry entry = entry_of(address, payload);
	struct td_placed placed;
	uint64_t rests_on;

	must(scene,
		td_store_append(scene->store, &entry, 1, &placed, &rests_on, NULL, &scene->err));
	return placed;
}

#define BOTH(test)                                    \
	static void test##_in_memory(void **state)    \
	{                                             \
		(void)state;                          \
		test(IN_MEMORY);                      \
	}                                             \
	static void test##_in_a_journal(void **state) \
	{                                             \
		(void)state;                          \
		test(IN_JOURNAL);                     \
	}
#define BOTH_TESTS(test) cmocka_unit_test(test##_in_memory), cmocka_unit_test(test##_in_a_journal)

#endif
