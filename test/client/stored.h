/*
 * What the tests of logs share: the two places, "mem:" and "file:" in a directory of their own, and
 * words for appending and reading. TD_PLACE says which; both are run.
 */
#ifndef TEST_CLIENT_STORED_H
#define TEST_CLIENT_STORED_H

#include "../bus/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- directories -------------------------------------------------------------------------- */

static inline int remove_one(
	const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status, (void)kind, (void)where;
	return remove(path);
}

static inline void remove_tree(const char *path)
{
	chmod(path, 0700);
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A directory that is not there yet; the same until the next call. */
static inline const char *fresh_directory(void)
{
	static char path[256];
	static unsigned number;
	const char *tmp = getenv("TMPDIR");

	snprintf(path, sizeof(path), "%s/tidings-test-%d-%u", tmp != NULL ? tmp : "/tmp",
		(int)getpid(), ++number);
	remove_tree(path);
	return path;
}

static inline struct td *open_file(const char *directory, const struct td_options *options)
{
	char url[300];
	struct td_error err = TD_ERROR_INIT;
	struct td *td = NULL;

	snprintf(url, sizeof(url), "file:%s", directory);
	if (td_open(&td, url, options, &err) != 0)
		fail_msg("%s", err.text);
	return td;
}

/* --- the place under test ----------------------------------------------------------------- */

struct stored {
	struct td *td;
	bool file;
	char directory[256];
	struct td_error err;
};

static inline int stored_setup_in(void **state, bool file)
{
	struct stored *stored = calloc(1, sizeof(*stored));

	stored->file = file;
	stored->err = (struct td_error)TD_ERROR_INIT;
	if (file) {
		snprintf(stored->directory, sizeof(stored->directory), "%s", fresh_directory());
		stored->td = open_file(stored->directory, NULL);
	} else {
		assert_int_equal(td_open(&stored->td, "mem:", NULL, NULL), 0);
	}
	*state = stored;
	return 0;
}
static inline int setup_mem(void **state)
{
	return stored_setup_in(state, false);
}
static inline int setup_file(void **state)
{
	return stored_setup_in(state, true);
}
static inline int teardown(void **state)
{
	struct stored *stored = *state;

	assert_int_equal(td_close(stored->td), 0);
	if (stored->file)
		remove_tree(stored->directory);
	free(stored);
	return 0;
}

#define on_both(test)                                              \
	{#test " (mem:)", test, setup_mem, teardown, NULL},        \
	{                                                          \
#test " (file:)", test, setup_file, teardown, NULL \
	}
#define on_file(test)                                   \
	{                                               \
#test, test, setup_file, teardown, NULL \
	}

#define OK(stored, call)                                               \
	do {                                                           \
		if ((call) != 0)                                       \
			fail_msg("%s: %s", #call, (stored)->err.text); \
	} while (0)

/* --- words -------------------------------------------------------------------------------- */

static inline void create_log(struct stored *s, const char *name, const char *subject)
{
	struct td_log_settings settings = {.subjects = &subject, .subjects_count = 1};

	OK(s, td_log_create(s->td, name, &settings, &s->err));
}

/* One event with an expectation; the code, and the answer. */
static inline int append_one(struct stored *s, const char *type, const char *subject,
	enum td_expected expected, uint64_t revision, struct td_appended *appended)
{
	struct td_draft draft = {.type = type, .subject = subject, .json = "{}"};
	struct td_appending one = {.draft = &draft, .expected = expected, .revision = revision};

	return td_append(s->td, &one, 1, appended, NULL, &s->err);
}

/* "log/seq subject@revision type" of each, as far as it goes. */
static inline void read_into(struct stored *s, const struct td_scope *range, struct diary *diary)
{
	struct td_reading *reading = NULL;
	const struct td_event *event;
	struct td_where where;
	int code;

	OK(s, td_read(&reading, s->td, range, &s->err));
	while ((code = td_next(reading, &event, &where, &s->err)) == 0)
		diary_add(diary, "%s/%llu:%.*s@%llu:%.*s ", where.log,
			(unsigned long long)where.seq, TD_TEXT_ARG(td_event_subject(event)),
			(unsigned long long)where.revision, TD_TEXT_ARG(td_event_type(event)));
	if (code != TD_E_NOT_FOUND)
		fail_msg("td_next: %s", s->err.text);
	td_reading_close(reading);
}

#define assert_read(s, expected_, ...)                                   \
	do {                                                             \
		struct diary read_ = {{0}};                              \
		read_into((s), &(struct td_scope){__VA_ARGS__}, &read_); \
		assert_string_equal(read_.text, (expected_));            \
	} while (0)

#endif
