#include "stored.h"

#include "../alloc.h"

/*
 * "file:" while memory runs out: each allocation of a whole life fails once, and once with all behind
 * it. What fails says TD_E_NOMEM and leaves nothing behind; what was acknowledged is there when the
 * store is opened again, once, and what was removed is not.
 */

#define EVENTS   8
#define DRAIN_MS 100

struct life {
	char directory[256];
	bool acknowledged[EVENTS]; /* told that it is stored */
	bool removed[EVENTS];      /* told that it was removed */
	size_t heard;
};

static int hear(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	(void)context;
	((struct life *)arg)->heard++;
	return 0;
}

/* Events from..to in one append: "s.0", "s.1" ... */
static int append(struct td *td, struct life *life, int from, int to)
{
	struct td_draft drafts[EVENTS] = {{0}};
	struct td_appending appendings[EVENTS] = {{0}};
	struct td_appended appended[EVENTS];
	char subjects[EVENTS][8];
	size_t count = 0;
	int code;

	for (int i = from; i < to; i++, count++) {
		snprintf(subjects[count], sizeof(subjects[0]), "s.%d", i);
		drafts[count] = (struct td_draft){
			.type = "Thing", .subject = subjects[count], .json = "{}"};
		appendings[count].draft = &drafts[count];
	}
	code = td_append(td, appendings, count, appended, NULL, NULL);
	for (int i = from; i < to; i++)
		life->acknowledged[i] = code == 0;
	return code;
}

static int read_all(struct td *td, int (*begin)(struct td_reading **reading, struct td *td,
					   const struct td_scope *scope, struct td_error *err))
{
	struct td_reading *reading = NULL;
	const struct td_event *event;
	struct td_where where;
	int code = begin(&reading, td, &(struct td_scope){.subject = "s.*"}, NULL);

	while (code == 0)
		code = td_next(reading, &event, &where, NULL);
	td_reading_close(reading);
	return code == TD_E_NOT_FOUND ? 0 : code;
}

static int remove_one_of(struct td *td, struct life *life)
{
	const uint64_t seqs[] = {1};
	const struct td_removing removing = {.log = "things", .seqs = seqs, .seqs_count = 1};
	uint64_t removed = 0;
	int code = td_remove(td, &removing, &removed, NULL);

	life->removed[0] = code == 0 && removed == 1;
	return code;
}

static int live_on(struct td *td, struct life *life)
{
	const char *pattern = "s.*";
	const struct td_log_settings settings = {.subjects = &pattern, .subjects_count = 1};
	const struct td_interest durable = {.name = "billing", .subject = "s.*", .durable = true};
	struct td_event *event = NULL;
	int code = td_log_create(td, "things", &settings, NULL);

	if (code == 0)
		code = td_subscribe(td, &durable, hear, life, NULL, NULL);
	if (code == 0)
		code = append(td, life, 0, 1);
	if (code == 0)
		code = append(td, life, 1, 5);
	if (code == 0)
		code = td_drain(td, DRAIN_MS, NULL); /* what is owed is tried again, for ever */
	if (code == 0)
		code = read_all(td, td_read);
	if (code == 0)
		code = read_all(td, td_follow);
	if (code == 0)
		code = td_latest(td, NULL, "s.2", &event, NULL, NULL);
	td_event_unref(event);
	if (code == 0)
		code = remove_one_of(td, life);
	if (code == 0)
		code = append(td, life, 5, EVENTS);
	return code;
}

static int live(struct life *life)
{
	const struct td_options options = {.flags = TD_NO_THREADS};
	char url[300];
	struct td *td = NULL;
	int code, closed;

	memset(life->acknowledged, 0, sizeof(life->acknowledged));
	memset(life->removed, 0, sizeof(life->removed));
	life->heard = 0;
	snprintf(url, sizeof(url), "file:%s", life->directory);
	code = td_open(&td, url, &options, NULL);
	if (code != 0)
		return code;
	code = live_on(td, life);
	closed = td_close(td);
	return code != 0 ? code : closed;
}

/* With memory again: each is there once if it was acknowledged, at most once if not. */
static void check_left(const struct life *life, size_t n)
{
	struct td *td = open_file(life->directory, &(struct td_options){.flags = TD_NO_THREADS});
	unsigned seen[EVENTS] = {0};
	struct td_reading *reading = NULL;
	const struct td_event *event;
	struct td_where where;

	assert_int_equal(td_read(&reading, td, &(struct td_scope){.subject = "s.*"}, NULL), 0);
	while (td_next(reading, &event, &where, NULL) == 0)
		seen[td_event_subject(event).at[2] - '0']++;
	td_reading_close(reading);
	for (int i = 0; i < EVENTS; i++) {
		if (seen[i] > 1 || (life->acknowledged[i] && !life->removed[i] && seen[i] == 0) ||
			(life->removed[i] && seen[i] != 0))
			fail_msg("allocation %zu failing: event %d is there %u times", n, i,
				seen[i]);
	}
	assert_int_equal(td_close(td), 0);
}

/* Whether an allocation failed. */
static bool live_failing(struct life *life, size_t n, bool ever_after)
{
	size_t before;
	bool hit;
	int code;

	snprintf(life->directory, sizeof(life->directory), "%s", fresh_directory());
	before = alloc_live();
	alloc_fail_at(n, ever_after);
	code = live(life);
	hit = alloc_failed();
	alloc_fail_at(0, false);
	if (code != 0 && !(hit && (code == TD_E_NOMEM || (ever_after && code == TD_E_TIMEOUT))))
		fail_msg("allocation %zu failing: %s", n, td_error_name(code));
	if (alloc_live() != before)
		fail_msg("allocation %zu failing: %zu blocks before, %zu after", n, before,
			alloc_live());
	if (access(life->directory, F_OK) == 0)
		check_left(life, n);
	remove_tree(life->directory);
	return hit;
}

static void running_out_of_memory_loses_nothing_acknowledged(void **state)
{
	struct life life = {.heard = 0};
	size_t n = 0;

	(void)state;
	/* Some hundred stores, each synced often, and no power fails here. */
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
	assert_false(live_failing(&life, 0, false));
	assert_true(life.acknowledged[EVENTS - 1] && life.removed[0]);
	assert_int_equal(life.heard, 5);
	while (live_failing(&life, ++n, false))
		;
	assert_true(n > 100);
	/* All behind it, too; each third will do, for it takes a store each. */
	for (size_t i = 1; i < n; i += 3)
		live_failing(&life, i, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(running_out_of_memory_loses_nothing_acknowledged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
