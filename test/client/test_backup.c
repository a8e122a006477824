/*
 * td_backup() and td_restore(): a place that is published to by many threads is copied meanwhile, and
 * what comes back is what it was at one moment.
 */
#include "stored.h"

#include <pthread.h>
#include <stdatomic.h>
#include <tidings/backup.h>

#define WRITERS 3u

static void must(int code, const struct td_error *err)
{
	if (code != 0)
		fail_msg("%s", err->text);
}

/* --- one thread --------------------------------------------------------------------------- */

static void a_place_is_copied_and_comes_back(void **state)
{
	struct stored *s = *state;
	char to[280], again[280];
	struct td_backup_report report;
	struct stored restored = {.file = true};
	struct td_draft late = {.type = "PaidIn", .subject = "account.7"};

	snprintf(to, sizeof(to), "%s-backup", s->directory);
	snprintf(again, sizeof(again), "%s-restored", s->directory);
	create_log(s, "accounts", "account.>");
	for (int i = 0; i < 5; i++)
		OK(s, append_one(s, "PaidIn", "account.7", TD_IF_ANY, 0, NULL));
	OK(s, td_backup(s->td, to, NULL, &report, &s->err));
	assert_int_equal(report.position, td_position(s->td));
	assert_int_equal(publish(s->td, "PaidIn", "account.7"), 0);
	OK(s, td_restore(to, again, NULL, &report, &s->err));
	restored.td = open_file(again, NULL);
	assert_int_equal(td_position(restored.td), report.position);
	assert_read(&restored,
		"accounts/1:account.7@1:PaidIn accounts/2:account.7@2:PaidIn "
		"accounts/3:account.7@3:PaidIn accounts/4:account.7@4:PaidIn "
		"accounts/5:account.7@5:PaidIn ",
		.log = "accounts");
	/* It goes on by itself: revisions from where they were. */
	struct td_appended appended;
	struct td_appending one = {.draft = &late, .expected = TD_IF_REVISION, .revision = 5};
	OK(s, td_append(restored.td, &one, 1, &appended, NULL, &s->err));
	assert_int_equal(appended.where.revision, 6);
	assert_int_equal(td_close(restored.td), 0);
	remove_tree(to);
	remove_tree(again);
}

static void what_cannot_be_copied_says_so(void **state)
{
	struct stored *s = *state;
	struct td_error err = TD_ERROR_INIT;
	struct td_options look = {.flags = TD_READ_ONLY};
	struct td *td;
	char to[300];

	snprintf(to, sizeof(to), "%s-backup", s->directory);
	assert_int_equal(td_backup(NULL, to, NULL, NULL, &err), TD_E_INVALID);
	assert_int_equal(td_backup(s->td, NULL, NULL, NULL, &err), TD_E_INVALID);
	assert_int_equal(td_restore(NULL, to, NULL, NULL, &err), TD_E_INVALID);
	assert_int_equal(td_restore(to, NULL, NULL, NULL, &err), TD_E_INVALID);
	assert_int_equal(td_restore(to, "elsewhere", NULL, NULL, &err), TD_E_NOT_FOUND);
	assert_int_equal(td_open(&td, "mem:", NULL, NULL), 0);
	assert_int_equal(td_backup(td, to, NULL, NULL, &err), TD_E_PLACE);
	td_close(td);
	td = open_file(s->directory, &look);
	assert_int_equal(td_backup(td, to, NULL, NULL, &err), TD_E_READ_ONLY);
	td_close(td);
	assert_int_equal(td_backup(s->td, s->directory, NULL, NULL, &err), TD_E_FOREIGN);
	OK(s, td_backup(s->td, to, NULL, NULL, &s->err));
	snprintf(to, sizeof(to), "file:%s-backup", s->directory);
	assert_int_equal(td_open(&td, to, NULL, &err), TD_E_FOREIGN);
	assert_non_null(strstr(err.text, "restore"));
	remove_tree(to + 5);
}

/* --- many --------------------------------------------------------------------------------- */

struct writer {
	pthread_t thread;
	struct td *td;
	unsigned number;
	atomic_bool *stop;
	_Atomic unsigned acknowledged;
};

/* Its own subject, so that revisions count what it wrote. */
static void *write_on(void *arg)
{
	struct writer *writer = arg;
	static char data[40000];
	char subject[32];

	snprintf(subject, sizeof(subject), "writer.%u", writer->number);
	while (!atomic_load(writer->stop)) {
		struct td_draft draft = {.type = "Written",
			.subject = subject,
			.data = data,
			.data_bytes = sizeof(data),
			.datacontenttype = "application/octet-stream"};
		struct td_error err = TD_ERROR_INIT;

		must(td_publish(writer->td, &draft, NULL, &err), &err);
		atomic_fetch_add(&writer->acknowledged, 1);
	}
	return NULL;
}

static uint64_t revision_of(struct td *td, const char *subject)
{
	struct td_event *event;
	struct td_where where = {0};
	int code = td_latest(td, NULL, subject, &event, &where, NULL);

	if (code == TD_E_NOT_FOUND)
		return 0;
	assert_int_equal(code, 0);
	td_event_unref(event);
	return where.revision;
}

static void publishing_goes_on_and_the_copy_is_one_moment(void **state)
{
	struct stored *s = *state;
	struct writer writers[WRITERS];
	atomic_bool stop = false;
	char to[280], again[280];

	snprintf(to, sizeof(to), "%s-backup", s->directory);
	snprintf(again, sizeof(again), "%s-restored", s->directory);
	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){.td = s->td, .number = i, .stop = &stop};
		assert_int_equal(
			pthread_create(&writers[i].thread, NULL, write_on, &writers[i]), 0);
	}
	for (unsigned round = 0; round < 2; round++) {
		unsigned before[WRITERS];
		struct td_backup_report report;
		struct td *restored;

		/* Far enough for some segments, and some removed of them. */
		while (atomic_load(&writers[0].acknowledged) < 40 * (round + 1))
			usleep(1000);
		OK(s, td_remove(s->td,
			      &(struct td_removing){.log = "events",
				      .below = 30 * (round + 1),
				      .keep = 5,
				      .erase = true},
			      NULL, &s->err));
		for (unsigned i = 0; i < WRITERS; i++)
			before[i] = atomic_load(&writers[i].acknowledged);
		OK(s, td_backup(s->td, to, NULL, &report, &s->err));
		remove_tree(again);
		OK(s, td_restore(to, again, NULL, NULL, &s->err));
		restored = open_file(again, NULL);
		assert_int_equal(td_position(restored), report.position);
		for (unsigned i = 0; i < WRITERS; i++) {
			char subject[32];
			uint64_t revision;

			snprintf(subject, sizeof(subject), "writer.%u", i);
			revision = revision_of(restored, subject);
			assert_true(revision >= before[i]);
			assert_true(revision <= revision_of(s->td, subject));
		}
		assert_int_equal(td_close(restored), 0);
	}
	atomic_store(&stop, true);
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(writers[i].thread, NULL);
	remove_tree(to);
	remove_tree(again);
}

static bool try_another(void *arg, uint64_t bytes)
{
	struct stored *s = arg;
	char to[300];

	(void)bytes;
	snprintf(to, sizeof(to), "%s-backup", s->directory);
	assert_int_equal(td_backup(s->td, to, NULL, NULL, &s->err), TD_E_HELD);
	assert_int_equal(td_restore(to, "elsewhere", NULL, NULL, &s->err), TD_E_HELD);
	return false;
}

static void a_second_backup_into_the_directory_is_refused_meanwhile(void **state)
{
	struct stored *s = *state;
	struct td_backup_options options = {.progress = try_another, .arg = s};
	struct td_backup_report report;
	struct td_error err = TD_ERROR_INIT;
	char to[300];

	snprintf(to, sizeof(to), "%s-backup", s->directory);
	assert_int_equal(td_backup(s->td, to, &options, NULL, &err), TD_E_CLOSED);
	OK(s, td_backup(s->td, to, NULL, &report, &s->err));
	assert_true(report.resumed);
	remove_tree(to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_file(a_place_is_copied_and_comes_back),
		on_file(what_cannot_be_copied_says_so),
		on_file(publishing_goes_on_and_the_copy_is_one_moment),
		on_file(a_second_backup_into_the_directory_is_refused_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
