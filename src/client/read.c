#include "client/place.h"

#include <stdlib.h>
#include <string.h>

/*
 * Reading what is stored: a cursor of the store, and what it does not know: filters, a limit, which
 * logs are the library's own.
 */

#define SUBJECTS_MAX 256u
#define TYPES_MAX    1024u

struct stored_reading {
	struct td_reading reading; /* first */
	struct td_place *place;
	struct td_store *store;
	struct td_cursor *cursor; /* NULL: nothing is stored */
	struct td_filter *filter, *filters;
	struct td_event *event; /* the one shown last */
	bool follows, backward;
	bool hidden;   /* hidden: the library's own logs are shown, too */
	uint64_t upto; /* all before was looked at */
	size_t limit, shown;
	/* Inside an inline handler: what is decided and not durable, behind all else. */
	struct td_unsettled *unsettled;
	size_t unsettled_count, unsettled_at;
	uint32_t log; /* number and name of the last event's */
	char log_name[TD_LOG_NAME_BYTES_MAX + 1];
};

static struct stored_reading *of(struct td_reading *reading)
{
	return (struct stored_reading *)(void *)reading;
}

static const struct td_reading_offer offer;

/* --- begin -------------------------------------------------------------------------------- */

static bool is_own(const char *name)
{
	return name != NULL && name[0] == '$';
}

static int collect(const char *one, const char *const *many, size_t count, size_t max,
	const char *what, struct td_text *out, size_t *out_count, struct td_error *err)
{
	*out_count = 0;
	if (count > 0 && many == NULL)
		return td_error_set(
			err, TD_E_INVALID, TD_NO_OFFSET, "%ss: NULL, with a count", what);
	if (count > max - 1)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "%ss: %zu, at most %zu", what,
			count, max - 1);
	if (one != NULL)
		out[(*out_count)++] = td_text(one);
	for (size_t i = 0; i < count; i++) {
		if (many[i] == NULL)
			return td_error_set(
				err, TD_E_INVALID, TD_NO_OFFSET, "%ss[%zu]: NULL", what, i);
		out[(*out_count)++] = td_text(many[i]);
	}
	return 0;
}

static int check_scope(const struct td_scope *scope, bool follows, struct td_error *err)
{
	const char *wrong = NULL;

	if (follows && (scope->backward || scope->latest))
		wrong = "backward and latest: what goes on has no newest";
	else if (follows && (scope->to != 0 || scope->to_seq != 0 || scope->to_revision != 0 ||
				    scope->to_time != 0))
		wrong = "to: what goes on has no end";
	else if (scope->log == NULL && (scope->from_seq != 0 || scope->to_seq != 0))
		wrong = "from_seq and to_seq: of which log";
	else if (scope->subject == NULL && (scope->from_revision != 0 || scope->to_revision != 0))
		wrong = "from_revision and to_revision: of which subject";
	return wrong == NULL ? 0 : td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "%s", wrong);
}

static int parse_filters(
	struct stored_reading *reading, const struct td_scope *scope, struct td_error *err)
{
	int code = 0;

	if (scope->filter != NULL) {
		code = td_filter_sql(&reading->filter, td_text(scope->filter), err);
		if (code != 0)
			return td_error_wrap(err, code, "filter");
	}
	if (scope->filters != NULL) {
		code = td_filter_dialects(&reading->filters, td_text(scope->filters), err);
		if (code != 0)
			return td_error_wrap(err, code, "filters");
	}
	return 0;
}

static int open_cursor(
	struct stored_reading *reading, const struct td_scope *scope, struct td_error *err)
{
	struct td_read_options options = {
		.log = td_text(scope->log),
		.from_position = scope->from,
		.to_position = scope->to,
		.from_seq = scope->from_seq,
		.to_seq = scope->to_seq,
		.from_revision = scope->from_revision,
		.to_revision = scope->to_revision,
		.from_time = scope->from_time != 0 ? scope->from_time : INT64_MIN,
		.to_time = scope->to_time,
		.backward = scope->backward,
		.latest = scope->latest,
		.control = is_own(scope->log) || is_own(scope->subject),
	};
	struct td_text *subjects = calloc(SUBJECTS_MAX + TYPES_MAX, sizeof(*subjects));
	struct td_text *types;
	int code;

	if (subjects == NULL)
		return td_error_nomem(err);
	types = subjects + SUBJECTS_MAX;
	code = collect(scope->subject, scope->subjects, scope->subjects_count, SUBJECTS_MAX,
		"subject", subjects, &options.subjects_count, err);
	if (code == 0)
		code = collect(scope->type, scope->types, scope->types_count, TYPES_MAX, "type",
			types, &options.types_count, err);
	options.subjects = options.subjects_count > 0 ? subjects : NULL;
	options.types = options.types_count > 0 ? types : NULL;
	if (code == 0)
		code = td_store_read(&reading->cursor, reading->store, &options, err);
	free(subjects);
	return code;
}

/* --- what is not durable yet -------------------------------------------------------------- */

struct wanting {
	const struct td_scope *scope;
	bool hidden;
};

static bool is_among(struct td_text text, const char *one, const char *const *many, size_t count,
	bool (*is)(struct td_text pattern, struct td_text text))
{
	if (one == NULL && count == 0)
		return true;
	if (one != NULL && is(td_text(one), text))
		return true;
	for (size_t i = 0; i < count; i++) {
		if (is(td_text(many[i]), text))
			return true;
	}
	return false;
}

/* What has no number yet is behind all that have one. */
static bool is_within(uint64_t number, uint64_t from, uint64_t to)
{
	return number == 0 ? to == 0 : number >= from && (to == 0 || number <= to);
}

static bool is_wanted(void *arg, const struct td_event *event, const struct td_where *where)
{
	const struct wanting *wanting = arg;
	const struct td_scope *scope = wanting->scope;
	bool own = event->address.len > 0 && event->address.at[0] == '$';

	return (!own || wanting->hidden) &&
	       (scope->log == NULL || strcmp(scope->log, where->log) == 0) &&
	       is_among(event->address, scope->subject, scope->subjects, scope->subjects_count,
		       td_pattern_matches) &&
	       is_among(event->attr[TD_ATTR_TYPE], scope->type, scope->types, scope->types_count,
		       td_text_equal) &&
	       is_within(where->position, scope->from, scope->to) &&
	       is_within(where->seq, scope->from_seq, scope->to_seq) &&
	       is_within(where->revision, scope->from_revision, scope->to_revision) &&
	       (where->recorded == 0 || scope->from_time == 0 ||
		       where->recorded >= scope->from_time) &&
	       (scope->to_time == 0 || (where->recorded != 0 && where->recorded <= scope->to_time));
}

static int collect_unsettled(
	struct stored_reading *reading, const struct td_scope *scope, struct td_error *err)
{
	struct wanting wanting = {scope, reading->hidden};

	if (scope->latest)
		return td_error_set(err, TD_E_INLINE, TD_NO_OFFSET,
			"the latest of each inside an inline handler: ask for each with "
			"td_latest()");
	return td_inline_collect(reading->place, is_wanted, &wanting, &reading->unsettled,
		&reading->unsettled_count, err);
}

static void close_reading(struct td_reading *base)
{
	struct stored_reading *reading = of(base);

	td_cursor_close(reading->cursor);
	td_event_unref(reading->event);
	for (size_t i = 0; i < reading->unsettled_count; i++)
		td_event_unref(reading->unsettled[i].event);
	free(reading->unsettled);
	td_filter_free(reading->filter);
	td_filter_free(reading->filters);
	free(reading);
}

int td_place_read(struct td_reading **out, struct td *td, const struct td_scope *scope,
	bool follows, struct td_error *err)
{
	static const struct td_scope everything = {0};
	struct td_place *place = td->place;
	struct td_store *store;
	struct stored_reading *reading;
	int code;

	if (scope == NULL)
		scope = &everything;
	code = check_scope(scope, follows, err);
	store = td_place_store(place);
	if (code == 0 && store == NULL && follows)
		code = td_place_store_made(place, &store, err); /* what it waits for may come yet */
	if (code == 0 && store == NULL && scope->log != NULL)
		code = td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET, "log %s", scope->log);
	if (code == 0 && scope->at_least > 1 && td_place_position(td) < scope->at_least) {
		if (store == NULL || td_inline_place() == place || scope->wait_ms == 0)
			code = td_error_set(err, TD_E_TIMEOUT, TD_NO_OFFSET,
				"position %llu is not there yet",
				(unsigned long long)scope->at_least - 1);
		else
			code = td_place_wait(
				place, scope->at_least - 1, td_deadline(scope->wait_ms), err);
	}
	if (code != 0)
		return code;
	reading = calloc(1, sizeof(*reading));
	if (reading == NULL)
		return td_error_nomem(err);
	reading->reading.offer = &offer;
	reading->place = place;
	reading->store = store;
	reading->follows = follows;
	reading->backward = scope->backward;
	reading->upto = scope->from;
	reading->limit = scope->limit;
	reading->hidden = is_own(scope->log) || is_own(scope->subject);
	code = parse_filters(reading, scope, err);
	if (code == 0 && store != NULL)
		code = open_cursor(reading, scope, err);
	if (code == 0 && !follows && td_inline_place() == place)
		code = collect_unsettled(reading, scope, err);
	if (code != 0) {
		close_reading(&reading->reading);
		return code;
	}
	*out = &reading->reading;
	return 0;
}

/* --- next --------------------------------------------------------------------------------- */

int td_place_next(struct td_place *place, struct td_cursor *cursor, struct td_stored *stored,
	uint64_t *upto, struct td_error *err)
{
	uint64_t durable;
	int code = td_cursor_next(cursor, stored, err);

	if (code == TD_E_NOT_FOUND) {
		/* A cursor that is led by an index does not say how far there was nothing. */
		durable = td_place_position(place->td);
		code = td_cursor_next(cursor, stored, err);
		if (code == TD_E_NOT_FOUND && durable > *upto)
			*upto = durable;
	}
	if (td_cursor_position(cursor) > *upto)
		*upto = td_cursor_position(cursor);
	return code;
}

static bool passes(const struct stored_reading *reading, const struct td_event *event)
{
	return (reading->filter == NULL || td_filter_passes(reading->filter, event)) &&
	       (reading->filters == NULL || td_filter_passes(reading->filters, event));
}

static bool is_hidden(const struct stored_reading *reading, const struct td_stored *stored)
{
	return !reading->hidden && stored->address.len > 0 && stored->address.at[0] == '$';
}

/* The name of its log is asked for once for a run of events of that log. */
static void tell_where(
	struct stored_reading *reading, const struct td_stored *stored, struct td_where *where)
{
	if (reading->log != stored->log || reading->log_name[0] == '\0') {
		bool locked = td_place_lock(reading->place);

		td_place_where(reading->store, stored->log, stored->seq, stored->revision,
			stored->position, stored->time, where);
		td_place_unlock(reading->place, locked);
		reading->log = stored->log;
		memcpy(reading->log_name, where->log, sizeof(where->log));
		return;
	}
	*where = (struct td_where){
		.position = stored->position,
		.seq = stored->seq,
		.revision = stored->revision,
		.recorded = stored->time,
	};
	memcpy(where->log, reading->log_name, sizeof(where->log));
}

/* The next of what is not durable yet; TD_E_NOT_FOUND: that was all. */
static int next_unsettled(struct stored_reading *reading, const struct td_event **event,
	struct td_where *where, struct td_error *err)
{
	const struct td_unsettled *next;

	for (; reading->unsettled_at < reading->unsettled_count; reading->unsettled_at++) {
		next = &reading->unsettled[reading->backward ? reading->unsettled_count - 1 -
								       reading->unsettled_at
							     : reading->unsettled_at];
		if (!passes(reading, next->event))
			continue;
		reading->event = td_event_ref(next->event);
		if (reading->event == NULL)
			return td_error_nomem(err);
		reading->unsettled_at++;
		reading->shown++;
		if (where != NULL)
			*where = next->where;
		*event = reading->event;
		return 0;
	}
	return TD_E_NOT_FOUND;
}

static int next(struct td_reading *base, const struct td_event **event, struct td_where *where,
	struct td_error *err)
{
	struct stored_reading *reading = of(base);
	struct td_stored stored;
	int code = TD_E_NOT_FOUND;

	td_event_unref(reading->event);
	reading->event = NULL;
	if (reading->limit != 0 && reading->shown == reading->limit)
		return TD_E_NOT_FOUND;
	if (reading->cursor == NULL)
		return TD_E_NOT_FOUND;
	if (reading->backward)
		code = next_unsettled(reading, event, where, err);
	if (code != TD_E_NOT_FOUND)
		return code;
	do {
		td_event_unref(reading->event);
		reading->event = NULL;
		code = reading->backward ? td_cursor_next(reading->cursor, &stored, err)
					 : td_place_next(reading->place, reading->cursor, &stored,
						   &reading->upto, err);
		if (code == TD_E_NOT_FOUND)
			return reading->backward ? code
						 : next_unsettled(reading, event, where, err);
		if (code == 0 && is_hidden(reading, &stored))
			continue;
		if (code == 0)
			code = td_stored_event(reading->store, &stored, &reading->event, err);
		if (code != 0)
			return td_error_wrap(err, code, "read");
	} while (reading->event == NULL || !passes(reading, reading->event));
	if (where != NULL)
		tell_where(reading, &stored, where);
	reading->shown++;
	*event = reading->event;
	return 0;
}

static int wait(struct td_reading *base, int64_t timeout_ms, struct td_error *err)
{
	struct stored_reading *reading = of(base);

	if (!reading->follows)
		return 0;
	if (td_bus_in_handler(reading->place->bus))
		return td_error_set(err, TD_E_DEADLOCK, TD_NO_OFFSET,
			"waiting inside a handler would wait for itself");
	return td_place_wait(reading->place, reading->upto, td_deadline(timeout_ms), err);
}

static uint64_t position(const struct td_reading *base)
{
	const struct stored_reading *reading = (const struct stored_reading *)(const void *)base;

	if (reading->cursor == NULL)
		return 1;
	return reading->backward ? td_cursor_position(reading->cursor) : reading->upto;
}

static const struct td_reading_offer offer = {
	.next = next,
	.wait = wait,
	.position = position,
	.close = close_reading,
};

/* --- one event ---------------------------------------------------------------------------- */

static int tell_one(struct td_place *place, const struct td_stored *stored, struct td_event **event,
	struct td_where *where, struct td_error *err)
{
	struct td_store *store = td_place_store(place);
	int code = td_stored_event(store, stored, event, err);

	if (code == 0 && where != NULL) {
		bool locked = td_place_lock(place);

		td_place_where(store, stored->log, stored->seq, stored->revision, stored->position,
			stored->time, where);
		td_place_unlock(place, locked);
	}
	return code;
}

int td_place_latest(struct td *td, const char *log, const char *subject, struct td_event **event,
	struct td_where *where, struct td_error *err)
{
	struct td_buf buf = TD_BUF_INIT(TD_PLACE_RECORD_BYTES_MAX);
	char encoded[TD_ADDRESS_BYTES_MAX];
	struct td_stored stored;
	struct td_text address;
	int code;

	code = td_address_encode(td_text(subject), encoded, &address, err);
	if (code == 0 && td_place_store(td->place) == NULL)
		code = td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET, "subject %s", subject);
	if (code == 0 && td_inline_place() == td->place) {
		return td_inline_latest(td->place, log, address, event, where, err);
	}
	if (code == 0)
		code = td_store_latest(
			td_place_store(td->place), td_text(log), address, &stored, &buf, err);
	if (code == 0)
		code = tell_one(td->place, &stored, event, where, err);
	td_buf_wipe(&buf);
	return code;
}

int td_place_find(struct td *td, const char *id, const char *source, struct td_event **event,
	struct td_where *where, struct td_error *err)
{
	struct td_buf buf = TD_BUF_INIT(TD_PLACE_RECORD_BYTES_MAX);
	struct td_stored stored;
	int code = 0;

	if (td_place_store(td->place) == NULL)
		code = td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET, "id %s", id);
	if (code == 0)
		code = td_store_find(td_place_store(td->place), td_text(id), td_text(source),
			&stored, &buf, err);
	if (code == 0)
		code = tell_one(td->place, &stored, event, where, err);
	td_buf_wipe(&buf);
	return code;
}

uint64_t td_place_position(struct td *td)
{
	struct td_store *store = td_place_store(td->place);
	uint64_t position;
	bool locked;

	if (store == NULL)
		return 1;
	locked = td_place_lock(td->place);
	position = td_store_durable(store);
	td_place_unlock(td->place, locked);
	return position;
}
