/*
 * Memory that runs out at any of the journal's allocations: an answer, nothing left behind, and
 * nothing lost that was acknowledged.
 */
#include "alloc.h"
#include "journal_test.h"

static struct scene scene;
static uint64_t acknowledged;

static void options(void)
{
	scene.options.segment_bytes_first = 16 << 10;
	scene.options.segment_bytes_max = 32 << 10;
	scene.options.frame_bytes = 4 << 10;
	scene.options.cache_bytes = 64 << 10;
}

static int append_some(void)
{
	static char body[600];
	int code = 0;

	for (size_t i = 0; i < 20 && code == 0; i++) {
		struct td_text part = {body, 600};

		body_of(td_journal_staged(scene.journal), 600, body);
		code = td_journal_room(scene.journal, 1, 600, false, &scene.err);
		if (code == TD_E_FULL) {
			struct td_work *work =
				td_journal_next(scene.journal, TD_WORK_ALL, INT64_MAX);

			while (work != NULL && (code == TD_E_FULL || code == 0)) {
				td_work_run(work);
				code = td_journal_done(scene.journal, work, &scene.err);
				work = td_journal_next(scene.journal, TD_WORK_ALL, INT64_MAX);
			}
			if (work != NULL) {
				td_work_run(work);
				td_journal_done(scene.journal, work, NULL);
			}
			continue;
		}
		if (code != 0)
			break;
		td_journal_stage(scene.journal, &part, 1, NULL);
		struct td_work *work = td_journal_next(scene.journal, TD_WORK_COMMIT, 0);
		td_work_run(work);
		code = td_journal_done(scene.journal, work, &scene.err);
		acknowledged = td_journal_durable(scene.journal);
	}
	return code;
}

static int read_all(void)
{
	struct td_scan scan = TD_SCAN_AT(1);
	struct td_record record;
	uint64_t lost_to;
	int code;

	do
		code = td_journal_scan(scene.journal, &scan, &record, &lost_to, &scene.err);
	while (code == 0);
	td_scan_fini(&scan);
	return code == TD_E_NOT_FOUND ? 0 : code;
}

static int rewrite_first(void)
{
	struct td_segment_info first;
	struct td_work *work;
	int code;

	if (td_journal_segments(scene.journal, &first, 1) < 2 || first.base != 1)
		return 0;
	code = td_journal_rewrite(
		scene.journal, 1, (const uint64_t[]){1, 2}, 2, TD_REWRITE_SPACE, &scene.err);
	work = code == 0 ? td_journal_next(scene.journal, TD_WORK_REWRITE, 0) : NULL;
	if (work != NULL) {
		td_work_run(work);
		code = td_journal_done(scene.journal, work, &scene.err);
	}
	return code;
}

/* All that a journal does, some lives on one directory. */
static int live(void *arg)
{
	int code, closed;

	(void)arg;
	if (acknowledged > 40) {
		nftw(scene.path, scene_remove, 8, FTW_DEPTH | FTW_PHYS);
		acknowledged = 1;
	}
	code = scene_open_any(&scene);
	if (code != 0) {
		scene.journal = NULL;
		return code;
	}
	assert_true(td_journal_durable(scene.journal) >= acknowledged);
	code = append_some();
	if (code == 0)
		code = read_all();
	if (code == 0)
		code = rewrite_first();
	closed = td_journal_close(scene.journal, &scene.err);
	scene.journal = NULL;
	return code != 0 ? code : closed;
}

static void memory_that_runs_out_is_an_answer(void **state)
{
	size_t count;

	(void)state;
	scene_begin(&scene);
	/* Many syncs, and none of them matters here. */
	if (access("/dev/shm", W_OK) == 0) {
		scene_end(&scene);
		strcpy(scene.path, "/dev/shm/tidings-test-journal-XXXXXX");
		assert_non_null(mkdtemp(scene.path));
	}
	options();
	acknowledged = 1;
	count = alloc_torture(live, NULL);
	print_message("%zu allocations\n", count);
	scene_open(&scene);
	scene_check(&scene);
	assert_true(td_journal_durable(scene.journal) >= acknowledged);
	scene_close(&scene);
	scene_end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(memory_that_runs_out_is_an_answer)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
