/*
 * Owner, workers and readers at once: every reader sees every position once, in order, as it was
 * staged, while segments are rolled, rewritten and dropped.
 */
#include "journal_test.h"

#define APPENDS 600
#define WORKERS 2
#define READERS 2

static struct scene scene;
static struct td_mutex owner; /* of the owner's functions */
static _Atomic bool ends;

static struct td_work *next_work(unsigned kinds)
{
	struct td_work *work;

	td_mutex_lock(&owner);
	work = td_journal_next(scene.journal, kinds, INT64_MAX - 1);
	td_mutex_unlock(&owner);
	return work;
}

static void bring_back(struct td_work *work)
{
	int code;

	td_mutex_lock(&owner);
	code = td_journal_done(scene.journal, work, NULL);
	td_mutex_unlock(&owner);
	TD_ASSERT(code == 0);
}

static void work(void *arg)
{
	(void)arg;
	while (!ends) {
		struct td_work *due = next_work(TD_WORK_ALL);

		if (due == NULL) {
			td_thread_yield();
			continue;
		}
		td_work_run(due);
		bring_back(due);
	}
}

/* From the oldest on, until all is read; a record of each is fetched alone, too. */
static void read_all(void *arg)
{
	struct td_scan scan = TD_SCAN_AT(1);
	struct td_buf buf = TD_BUF_INIT(1 << 20);
	struct td_record record, again;
	struct td_block *block;
	uint64_t lost_to, expected = 0;
	char body[4096];

	(void)arg;
	while (scan.position <= APPENDS) {
		int code = td_journal_scan(scene.journal, &scan, &record, &lost_to, NULL);

		if (code == TD_E_NOT_FOUND) {
			td_thread_yield();
			continue;
		}
		TD_ASSERT(code == 0 && record.position >= expected);
		expected = record.position + record.count;
		if (record.body.at[0] != KIND)
			continue;
		TD_ASSERT(record.body.len == body_of(record.position, record.body.len, body));
		TD_ASSERT(memcmp(record.body.at, body, record.body.len) == 0);
		code = td_journal_fetch(scene.journal, record.location, record.body.len, &buf,
			&block, &again, NULL);
		TD_ASSERT(code == 0 || code == TD_E_NOT_FOUND);
		if (code == 0)
			TD_ASSERT(again.body.len == record.body.len &&
				  memcmp(again.body.at, body, again.body.len) == 0);
		td_block_unref(block);
	}
	td_scan_fini(&scan);
	td_buf_fini(&buf);
}

static void append_one(void)
{
	static char body[900];
	int code = TD_E_FULL;

	while (code == TD_E_FULL) {
		td_mutex_lock(&owner);
		code = td_journal_room(scene.journal, 1, sizeof(body), false, NULL);
		if (code == 0) {
			struct td_text part = {body,
				body_of(td_journal_staged(scene.journal), sizeof(body), body)};

			td_journal_stage(scene.journal, &part, 1, NULL);
		}
		td_mutex_unlock(&owner);
		if (code == TD_E_FULL)
			td_thread_yield();
	}
	assert_int_equal(code, 0);
}

/* The oldest segment without its first record; or away with it. */
static void shorten(size_t i)
{
	struct td_segment_info oldest;
	uint64_t gone;

	td_mutex_lock(&owner);
	td_journal_segments(scene.journal, &oldest, 1);
	gone = oldest.base;
	if (i % 200 == 0)
		td_journal_drop(scene.journal, oldest.next, NULL);
	else if (oldest.sealed)
		td_journal_rewrite(scene.journal, oldest.base, &gone, 1, TD_REWRITE_SPACE, NULL);
	td_mutex_unlock(&owner);
}

static void many_threads_see_one_journal(void **state)
{
	struct td_thread workers[WORKERS], readers[READERS];

	(void)state;
	scene_begin(&scene);
	scene.options.clock = &td_clock_real;
	scene.options.segment_bytes_first = 32 << 10;
	scene.options.segment_bytes_max = 64 << 10;
	scene.options.frame_bytes = 8 << 10;
	scene.options.cache_bytes = 64 << 10;
	scene_open(&scene);
	assert_int_equal(td_mutex_init(&owner, NULL), 0);
	for (size_t i = 0; i < WORKERS; i++)
		assert_int_equal(td_thread_start(&workers[i], "work", work, NULL, NULL), 0);
	for (size_t i = 0; i < READERS; i++)
		assert_int_equal(td_thread_start(&readers[i], "read", read_all, NULL, NULL), 0);
	for (size_t i = 1; i <= APPENDS; i++) {
		append_one();
		if (i % 40 == 0)
			shorten(i);
	}
	for (size_t i = 0; i < READERS; i++)
		td_thread_join(&readers[i]);
	ends = true;
	for (size_t i = 0; i < WORKERS; i++)
		td_thread_join(&workers[i]);
	td_mutex_fini(&owner);
	scene_close(&scene);
	scene_open(&scene);
	scene_check(&scene);
	assert_int_equal(td_journal_durable(scene.journal), APPENDS + 1);
	scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(many_threads_see_one_journal)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
