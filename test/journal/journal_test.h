/*
 * A journal to test with: on a real directory, or on a simulated disk; with a clock that stands
 * still, and records whose bodies say their position.
 */
#ifndef TD_JOURNAL_TEST_H
#define TD_JOURNAL_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "disk/disk.h"
#include "journal/journal.h"

#define KIND 7 /* of the records here */

struct scene {
	struct sim_disk *sim; /* NULL: the real one */
	const struct td_disk *disk;
	char path[64];
	int64_t now_ns;
	struct td_clock clock;
	struct td_rng rng;
	struct td_random random;
	struct td_journal_options options;
	struct td_journal *journal;
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

static inline void scene_begin_on(struct scene *scene, struct sim_disk *sim)
{
	memset(scene, 0, sizeof(*scene));
	scene->sim = sim;
	scene->now_ns = 1000000000;
	scene->clock = (struct td_clock){scene_wall, scene_now, scene};
	td_rng_init(&scene->rng, 42);
	scene->random = (struct td_random){scene_fill, scene};
	if (sim != NULL) {
		scene->disk = sim_disk_table(sim);
		strcpy(scene->path, "journal");
	} else {
		scene->disk = &td_disk_real;
		strcpy(scene->path, "/tmp/tidings-test-journal-XXXXXX");
		assert_non_null(mkdtemp(scene->path));
	}
	scene->options = (struct td_journal_options){
		.disk = scene->disk,
		.clock = &scene->clock,
		.random = &scene->random,
		.create = true,
	};
}

static inline void scene_begin(struct scene *scene)
{
	scene_begin_on(scene, NULL);
}

static int scene_remove(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

static inline int scene_open_any(struct scene *scene)
{
	scene->err = (struct td_error)TD_ERROR_INIT;
	return td_journal_open(
		&scene->journal, scene->path, &scene->options, &scene->report, &scene->err);
}

static inline void scene_open(struct scene *scene)
{
	int code = scene_open_any(scene);

	if (code != 0)
		print_error("%s\n", scene->err.text);
	assert_int_equal(code, 0);
	td_journal_verify_state(scene->journal);
}

static inline void scene_close(struct scene *scene)
{
	int code = td_journal_close(scene->journal, &scene->err);

	scene->journal = NULL;
	if (code != 0)
		print_error("%s\n", scene->err.text);
	assert_int_equal(code, 0);
}

/* As if the process had died. */
static inline void scene_drop(struct scene *scene)
{
	td_journal_abandon(scene->journal);
	scene->journal = NULL;
}

static inline void scene_end(struct scene *scene)
{
	td_journal_abandon(scene->journal);
	if (scene->sim != NULL)
		sim_disk_free(scene->sim);
	else
		assert_int_equal(nftw(scene->path, scene_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* --- records ------------------------------------------------------------------------------ */

/* The body of the record at a position: kind, position, then bytes that follow from it. Some are
 * full of zeros. */
static inline size_t body_of(uint64_t position, size_t bytes, char *body)
{
	size_t len = bytes < 9 ? 9 : bytes;

	body[0] = KIND;
	memcpy(body + 1, &position, 8);
	for (size_t i = 9; i < len; i++)
		body[i] = position % 5 == 0 ? 0 : (char)(position * 31 + i);
	return len;
}

/* Run what is due of these kinds, until nothing is. The last code. */
static inline int scene_turn(struct scene *scene, unsigned kinds)
{
	struct td_work *work;
	int code = 0;

	while ((work = td_journal_next(scene->journal, kinds, scene->now_ns / 1000000)) != NULL) {
		td_work_run(work);
		code = td_journal_done(scene->journal, work, &scene->err);
		if (code != 0)
			break;
		td_journal_verify_state(scene->journal);
	}
	return code;
}

/* Stage one append of `count` records; on the way what is needed is committed. */
static inline int scene_stage(struct scene *scene, size_t count, size_t bytes, uint64_t *locations)
{
	static char body[1 << 20];
	size_t len = bytes < 9 ? 9 : bytes;
	int code;

	for (unsigned i = 0;; i++) {
		code = td_journal_room(scene->journal, count, count * len, false, &scene->err);
		if (code != TD_E_FULL || i == 10)
			break;
		code = scene_turn(scene, TD_WORK_COMMIT);
		if (code != 0)
			break;
	}
	if (code != 0)
		return code;
	for (size_t i = 0; i < count; i++) {
		uint64_t position = td_journal_staged(scene->journal);
		struct td_text part = {body, body_of(position, bytes, body)};
		uint64_t given = td_journal_stage(
			scene->journal, &part, 1, locations != NULL ? &locations[i] : NULL);

		assert_int_equal(given, position);
	}
	return 0;
}

/* Appends of one record each, each committed. */
static inline void scene_append(struct scene *scene, size_t count, size_t bytes)
{
	for (size_t i = 0; i < count; i++) {
		int code = scene_stage(scene, 1, bytes, NULL);

		if (code == 0)
			code = scene_turn(scene, TD_WORK_ALL);
		if (code != 0)
			print_error("%s\n", scene->err.text);
		assert_int_equal(code, 0);
	}
}

/* What is read from `from` up to `to` (not included): each position once, each as it was staged. */
static inline void scene_check_range(struct scene *scene, uint64_t from, uint64_t to)
{
	static char body[1 << 20];
	struct td_scan scan = TD_SCAN_AT(from);
	struct td_record record;
	uint64_t lost_to = 0;

	for (uint64_t position = from; position < to; position += record.count) {
		int code = td_journal_scan(scene->journal, &scan, &record, &lost_to, &scene->err);

		if (code != 0)
			print_error("at %llu: %s: %s\n", (unsigned long long)position,
				td_error_name(code), scene->err.text);
		assert_int_equal(code, 0);
		assert_int_equal(record.position, position);
		if ((uint8_t)record.body.at[0] != KIND)
			continue; /* a hole */
		assert_int_equal(record.body.len, body_of(position, record.body.len, body));
		assert_memory_equal(record.body.at, body, record.body.len);
	}
	td_scan_fini(&scan);
}

static inline void scene_check(struct scene *scene)
{
	struct td_journal_state state;

	td_journal_state(scene->journal, &state);
	scene_check_range(scene, state.first, state.durable);
}

#endif
