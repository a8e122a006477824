#include "client/client.h"

#include <stdlib.h>
#include <string.h>

/*
 * The door of the library to what a place keeps: arguments are checked here, once for every place, and
 * each call goes by the table of what the place offers. forward.c is the same for what the bus does.
 */

static int not_offered(struct td_error *err, const char *what)
{
	return td_error_set(
		err, TD_E_PLACE, TD_NO_OFFSET, "%s: this place does not offer it", what);
}

static int done(int code, const char *what, struct td_error *err)
{
	return code == 0 ? 0 : td_error_wrap(err, code, "%s", what);
}

/* --- reading ------------------------------------------------------------------------------ */

static int begin(struct td_reading **reading, struct td *td, const struct td_scope *scope,
	bool follows, const char *what, struct td_error *err)
{
	static const struct td_scope everything = {0};

	TD_CHECK_GIVEN(reading, err);
	TD_CHECK_GIVEN(td, err);
	if (td->offer->read == NULL)
		return not_offered(err, what);
	return done(td->offer->read(reading, td, scope != NULL ? scope : &everything, follows, err),
		what, err);
}

int td_read(struct td_reading **reading, struct td *td, const struct td_scope *scope,
	struct td_error *err)
{
	return begin(reading, td, scope, false, "read", err);
}

int td_follow(struct td_reading **reading, struct td *td, const struct td_scope *scope,
	struct td_error *err)
{
	return begin(reading, td, scope, true, "follow", err);
}

int td_next(struct td_reading *reading, const struct td_event **event, struct td_where *where,
	struct td_error *err)
{
	TD_CHECK_GIVEN(reading, err);
	TD_CHECK_GIVEN(event, err);
	return reading->offer->next(reading, event, where, err);
}

int td_reading_wait(struct td_reading *reading, int64_t timeout_ms, struct td_error *err)
{
	TD_CHECK_GIVEN(reading, err);
	return reading->offer->wait(reading, timeout_ms, err);
}

uint64_t td_reading_position(const struct td_reading *reading)
{
	return reading != NULL ? reading->offer->position(reading) : 1;
}

void td_reading_close(struct td_reading *reading)
{
	if (reading != NULL)
		reading->offer->close(reading);
}

int td_latest(struct td *td, const char *log, const char *subject, struct td_event **event,
	struct td_where *where, struct td_error *err)
{
	TD_CHECK_GIVEN(td, err);
	TD_CHECK_GIVEN(subject, err);
	TD_CHECK_GIVEN(event, err);
	if (td->offer->latest == NULL)
		return not_offered(err, "latest");
	return done(td->offer->latest(td, log, subject, event, where, err), "latest", err);
}

int td_find(struct td *td, const char *id, const char *source, struct td_event **event,
	struct td_where *where, struct td_error *err)
{
	TD_CHECK_GIVEN(td, err);
	TD_CHECK_GIVEN(id, err);
	TD_CHECK_GIVEN(event, err);
	if (td->offer->find == NULL)
		return not_offered(err, "find");
	return done(td->offer->find(td, id, source, event, where, err), "find", err);
}

uint64_t td_position(struct td *td)
{
	return td != NULL ? td->offer->position(td) : 1;
}

int td_subjects(struct td *td, const char *log, const char *pattern,
	bool (*each)(void *arg, const struct td_subject_about *subject), void *arg,
	struct td_error *err)
{
	TD_CHECK_GIVEN(td, err);
	TD_CHECK_GIVEN(each, err);
	if (td->offer->subjects == NULL)
		return not_offered(err, "subjects");
	return done(td->offer->subjects(td, log, pattern, each, arg, err), "subjects", err);
}

int td_status(struct td *td, struct td_status *status, struct td_error *err)
{
	TD_CHECK_GIVEN(td, err);
	TD_CHECK_GIVEN(status, err);
	if (td->offer->status == NULL)
		return not_offered(err, "status");
	*status = (struct td_status){.position = 1};
	return done(td->offer->status(td, status, err), "status", err);
}

/* --- logs --------------------------------------------------------------------------------- */

static int of_log(int code, const char *name, struct td_error *err)
{
	return code == 0 ? 0 : td_error_wrap(err, code, "log %.100s", name);
}

static int set_log(struct td *td, const char *name, const struct td_log_settings *settings,
	bool change, struct td_error *err)
{
	static const struct td_log_settings defaults = {0};

	TD_CHECK_GIVEN(td, err);
	TD_CHECK_GIVEN(name, err);
	if (td->offer->log_set == NULL)
		return not_offered(err, "changing logs");
	return of_log(
		td->offer->log_set(td, name, settings != NULL ? settings : &defaults, change, err),
		name, err);
}

int td_log_create(struct td *td, const char *name, const struct td_log_settings *settings,
	struct td_error *err)
{
	return set_log(td, name, settings, false, err);
}

int td_log_change(struct td *td, const char *name, const struct td_log_settings *settings,
	struct td_error *err)
{
	return set_log(td, name, settings, true, err);
}

int td_log_delete(struct td *td, const char *name, struct td_error *err)
{
	TD_CHECK_GIVEN(td, err);
	TD_CHECK_GIVEN(name, err);
	if (td->offer->log_delete == NULL)
		return not_offered(err, "deleting logs");
	return of_log(td->offer->log_delete(td, name, err), name, err);
}

int td_log_list(struct td *td, struct td_log_about **logs, size_t *count, struct td_error *err)
{
	TD_CHECK_GIVEN(td, err);
	TD_CHECK_GIVEN(logs, err);
	TD_CHECK_GIVEN(count, err);
	if (td->offer->log_list == NULL)
		return not_offered(err, "logs");
	return done(td->offer->log_list(td, logs, count, err), "logs", err);
}

void td_log_list_free(struct td_log_about *logs)
{
	free(logs);
}

/* --- removal, copies ---------------------------------------------------------------------- */

int td_remove(
	struct td *td, const struct td_removing *removing, uint64_t *removed, struct td_error *err)
{
	TD_CHECK_GIVEN(td, err);
	TD_CHECK_GIVEN(removing, err);
	TD_CHECK_GIVEN(removing->log, err);
	if (td->offer->remove == NULL)
		return not_offered(err, "remove");
	return done(td->offer->remove(td, removing, removed, err), "remove", err);
}

int td_forget(struct td *td, const char *log, const char *subject, struct td_error *err)
{
	int code;

	TD_CHECK_GIVEN(td, err);
	TD_CHECK_GIVEN(log, err);
	TD_CHECK_GIVEN(subject, err);
	if (td->offer->forget == NULL)
		return not_offered(err, "forget");
	code = td->offer->forget(td, log, subject, err);
	return code == 0 ? 0 : td_error_wrap(err, code, "forget %.100s", subject);
}

int td_backup(struct td *td, const char *to, const struct td_backup_options *options,
	struct td_backup_report *report, struct td_error *err)
{
	TD_CHECK_GIVEN(td, err);
	TD_CHECK_GIVEN(to, err);
	if (td->offer->backup == NULL)
		return not_offered(err, "backup");
	return done(td->offer->backup(td, to, options, report, err), "backup", err);
}

int td_head(struct td *td, char line[TD_HEAD_BYTES], struct td_error *err)
{
	TD_CHECK_GIVEN(td, err);
	TD_CHECK_GIVEN(line, err);
	if (td->offer->head == NULL)
		return not_offered(err, "head");
	return done(td->offer->head(td, line, err), "head", err);
}
