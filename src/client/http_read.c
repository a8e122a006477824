#include "client/http_inside.h"

#include <stdlib.h>
#include <string.h>

/*
 * Reading: pages of GET /v1/events, forward from a position or backward below one; following: a stream of
 * the reading's own. The server chooses by log, subject, type, CESQL filter and positions; the rest is looked
 * at here.
 */

#define PAGE_MAX     500u
#define SUBJECTS_MAX 256u
#define TYPES_MAX    1024u
#define QUERY_MAX    (7u * 1024u)
#define WAIT_MS_MAX  50000 /* of one request; servers wait a minute at most */
#define LOOK_MS      200   /* a wait looks so often whether the handle closes */

struct http_reading {
	struct td_reading reading; /* first */
	struct td_http *http;
	struct td_buf query; /* what is asked for, but for positions */
	bool follows, backward;
	/* What is looked at here. */
	struct td_filter *filters;
	uint64_t from_seq, to_seq, from_revision, to_revision;
	td_time from_time, to_time;
	size_t limit, shown;
	struct td_event *event; /* the one shown last */

	/* Pages. */
	uint64_t from, to; /* what the next page asks for, both included; to 0: no bound */
	struct td_http_reply page;
	struct td_json_iter iter;
	bool whole; /* there is no further page */
	uint64_t at_least;

	/* Following. */
	struct td_http_stream stream;
	struct td_event *held; /* read by a wait */
	struct td_where held_where;
};

static struct http_reading *of(struct td_reading *reading)
{
	return (struct http_reading *)(void *)reading;
}

static const struct td_reading_offer offer;

/* --- one request -------------------------------------------------------------------------- */

static int get(struct td_http *http, struct td_text target, struct td_http_reply *reply,
	int64_t more_ms, bool now, struct td_error *err)
{
	static const struct td_http_header accept = {
		TD_TEXT_INIT("Accept"), TD_TEXT_INIT("application/cloudevents-batch+json, "
						     "application/cloudevents+json, "
						     "application/json")};
	struct td_http_ask ask = {.method = TD_HTTP_GET,
		.target = target,
		.fields = &accept,
		.fields_count = 1,
		.now = now};
	int64_t deadline = td_deadline(http->timeout_ms < 0 ? -1 : http->timeout_ms + more_ms);
	int code = td_http_call(http, &ask, deadline, reply, err);

	if (code != 0 || reply->status < 400)
		return code;
	return td_http_problem_read(
		reply->status, td_buf_view(&reply->fields), td_buf_view(&reply->body), NULL, err);
}

static void begin_parameter(struct td_buf *target, const char *name)
{
	bool first = target->len == 0 || memchr(target->at, '?', target->len) == NULL;

	td_buf_add_char(target, first ? '?' : '&');
	td_buf_add_string(target, name);
	td_buf_add_char(target, '=');
}

static void add_text(struct td_buf *target, const char *name, struct td_text value)
{
	begin_parameter(target, name);
	td_http_add_encoded(target, value);
}

static void add_number(struct td_buf *target, const char *name, uint64_t value)
{
	begin_parameter(target, name);
	td_buf_add_u64(target, value);
}

/* A handle reads what it wrote, and what it has heard of. */
static uint64_t seen(struct td_http *http)
{
	uint64_t known;

	td_mutex_lock(&http->lock);
	known = http->known;
	td_mutex_unlock(&http->lock);
	return known;
}

static void add_seen(struct td_buf *target, struct td_http *http, uint64_t at_least)
{
	uint64_t known = seen(http);

	if (at_least > known)
		known = at_least;
	if (known > 1)
		add_number(target, "min-position", known - 1);
}

/* As far as the server has it: an answer without a position is of something else. */
static int position_of(struct td_http *http, const struct td_http_reply *reply, uint64_t *position,
	struct td_error *err)
{
	if (reply->position == 0)
		return td_error_set(err, TD_E_FORMAT, TD_NO_OFFSET,
			"%s: an answer without Td-Position: not a Tidings server?",
			http->url.authority);
	*position = reply->position;
	return 0;
}

int td_http_ask_position(struct td_http *http, bool now, uint64_t *position, struct td_error *err)
{
	struct td_http_reply reply = TD_HTTP_REPLY_INIT;
	int code = get(http, td_text("/v1/events?limit=0"), &reply, 0, now, err);

	if (code == 0)
		code = position_of(http, &reply, position, err);
	td_http_reply_fini(&reply);
	return code;
}

uint64_t td_http_position(struct td *td)
{
	uint64_t position;

	return td_http_ask_position(td->http, false, &position, NULL) == 0 ? position
									   : seen(td->http);
}

/* Until the server has come to `at_least`. */
static int await_position(struct td_http *http, const struct td_scope *scope, struct td_error *err)
{
	int64_t deadline = td_deadline(scope->wait_ms), left;
	int code;

	do {
		struct td_buf target = TD_BUF_INIT(256);
		struct td_http_reply reply = TD_HTTP_REPLY_INIT;

		left = td_deadline_left_ms(deadline);
		if (left < 0 || left > WAIT_MS_MAX)
			left = WAIT_MS_MAX;
		td_buf_printf(&target, "/v1/events?limit=0&min-position=%llu&timeout=%lldms",
			(unsigned long long)(scope->at_least - 1), (long long)left);
		code = td_buf_check(&target, err);
		if (code == 0)
			code = get(http, td_buf_view(&target), &reply, left, false, err);
		td_http_reply_fini(&reply);
		td_buf_fini(&target);
	} while (code == TD_E_TIMEOUT && td_http_now() < deadline);
	return code;
}

/* --- begin -------------------------------------------------------------------------------- */

static int check_scope(const struct td_scope *scope, bool follows, struct td_error *err)
{
	const char *wrong = NULL;

	if (scope->latest)
		return td_error_set(err, TD_E_PLACE, TD_NO_OFFSET,
			"the latest of each: this place does not offer it");
	if (follows && scope->backward)
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

static int add_all(struct td_buf *query, const char *name, const char *one, const char *const *many,
	size_t count, size_t max, struct td_error *err)
{
	if (count > 0 && many == NULL)
		return td_error_set(
			err, TD_E_INVALID, TD_NO_OFFSET, "%ss: NULL, with a count", name);
	if (count > max - 1)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "%ss: %zu, at most %zu", name,
			count, max - 1);
	if (one != NULL)
		add_text(query, name, td_text(one));
	for (size_t i = 0; i < count; i++) {
		if (many[i] == NULL)
			return td_error_set(
				err, TD_E_INVALID, TD_NO_OFFSET, "%ss[%zu]: NULL", name, i);
		add_text(query, name, td_text(many[i]));
	}
	return 0;
}

static int write_query(struct td_buf *query, const struct td_scope *scope, struct td_error *err)
{
	struct td_filter *checked = NULL;
	int code = 0;

	if (scope->log != NULL)
		add_text(query, "log", td_text(scope->log));
	code = add_all(query, "subject", scope->subject, scope->subjects, scope->subjects_count,
		SUBJECTS_MAX, err);
	if (code == 0)
		code = add_all(query, "type", scope->type, scope->types, scope->types_count,
			TYPES_MAX, err);
	if (code == 0 && scope->filter != NULL) {
		code = td_filter_sql(&checked, td_text(scope->filter), err);
		if (code != 0)
			td_error_wrap(err, code, "filter");
		td_filter_free(checked);
		add_text(query, "filter", td_text(scope->filter));
	}
	if (code == 0 && query->len > QUERY_MAX)
		code = td_error_set(err, TD_E_LIMIT, TD_NO_OFFSET,
			"what is asked for takes %zu bytes in an URL, at most %u", query->len,
			QUERY_MAX);
	return code == 0 ? td_buf_check(query, err) : code;
}

static void close_reading(struct td_reading *base)
{
	struct http_reading *reading = of(base);

	if (reading->stream.http != NULL)
		td_http_stream_fini(&reading->stream);
	td_event_unref(reading->held);
	td_event_unref(reading->event);
	td_filter_free(reading->filters);
	td_http_reply_fini(&reading->page);
	td_buf_fini(&reading->query);
	free(reading);
}

static int begin_following(struct http_reading *reading, struct td_error *err)
{
	int code = td_http_stream_init(&reading->stream, reading->http, reading->from, err);

	int64_t deadline = td_http_deadline(reading->http);

	if (code == 0 && reading->query.len > 0) /* without its question mark */
		td_buf_add(&reading->stream.query, reading->query.at + 1, reading->query.len - 1);
	if (code == 0)
		code = td_buf_check(&reading->stream.query, err);
	/* What the server can say no to it says now; one that is away may come back. */
	while (code == 0 && reading->held == NULL && reading->stream.state != TD_STREAM_LIVE &&
		td_http_now() < deadline) {
		code = td_http_stream_next(
			&reading->stream, &reading->held, &reading->held_where, err);
		if (code != TD_STREAM_NOTHING)
			break;
		code = td_http_stream_starved(&reading->stream) ? td_error_nomem(err) : 0;
		if (code == 0 && reading->stream.state != TD_STREAM_LIVE)
			td_http_stream_wait(&reading->stream, deadline);
	}
	return code;
}

static int fetch(struct http_reading *reading, struct td_error *err);

static int begin(struct http_reading *reading, const struct td_scope *scope, struct td_error *err)
{
	int code = write_query(&reading->query, scope, err);

	reading->backward = scope->backward;
	reading->from = scope->from != 0 ? scope->from : 1;
	reading->to = scope->to;
	reading->from_seq = scope->from_seq;
	reading->to_seq = scope->to_seq;
	reading->from_revision = scope->from_revision;
	reading->to_revision = scope->to_revision;
	reading->from_time = scope->from_time;
	reading->to_time = scope->to_time;
	reading->limit = scope->limit;
	reading->at_least = scope->at_least;
	if (code == 0 && scope->filters != NULL) {
		code = td_filter_dialects(&reading->filters, td_text(scope->filters), err);
		if (code != 0)
			td_error_wrap(err, code, "filters");
	}
	if (code == 0 && scope->at_least > 1)
		code = await_position(reading->http, scope, err);
	if (code != 0)
		return code;
	return reading->follows ? begin_following(reading, err) : fetch(reading, err);
}

int td_http_read(struct td_reading **out, struct td *td, const struct td_scope *scope, bool follows,
	struct td_error *err)
{
	struct http_reading *reading;
	int code = check_scope(scope, follows, err);

	if (code != 0)
		return code;
	reading = calloc(1, sizeof(*reading));
	if (reading == NULL)
		return td_error_nomem(err);
	reading->reading.offer = &offer;
	reading->http = td->http;
	reading->follows = follows;
	reading->page = (struct td_http_reply)TD_HTTP_REPLY_INIT;
	td_buf_init(&reading->query, 64 * 1024);
	code = begin(reading, scope, err);
	if (code != 0) {
		close_reading(&reading->reading);
		return code;
	}
	*out = &reading->reading;
	return 0;
}

/* --- pages -------------------------------------------------------------------------------- */

static bool is_last(const struct td_http_reply *page)
{
	struct td_text fields = td_buf_view(&page->fields);
	struct td_http_header field;

	while (td_http_field_next(&fields, &field)) {
		if (td_http_is_word(field.name, "link") && field.value.len > 0 &&
			memmem(field.value.at, field.value.len, "next", 4) != NULL)
			return false;
	}
	return true;
}

/* The next page, or none if it was the last. */
static int fetch(struct http_reading *reading, struct td_error *err)
{
	struct td_buf target = TD_BUF_INIT(64 * 1024);
	struct td_json batch;
	size_t left = reading->limit != 0 ? reading->limit - reading->shown : PAGE_MAX;
	int code;

	td_buf_add_string(&target, "/v1/events");
	td_buf_add_text(&target, td_buf_view(&reading->query));
	if (reading->from > 1)
		add_number(&target, "from", reading->from);
	if (reading->to != 0)
		add_number(&target, "to", reading->to);
	if (reading->backward)
		add_text(&target, "direction", td_text("backward"));
	add_number(&target, "limit", left < PAGE_MAX ? left : PAGE_MAX);
	add_seen(&target, reading->http, reading->at_least);
	code = td_buf_check(&target, err);
	reading->page.attempts = 0;
	if (code == 0)
		code = get(reading->http, td_buf_view(&target), &reading->page, 0, false, err);
	td_buf_fini(&target);
	if (code == 0)
		code = td_json_parse(td_buf_view(&reading->page.body), 0, &batch, err);
	if (code == 0 && batch.kind != TD_JSON_ARRAY)
		code = td_error_set(err, TD_E_FORMAT, TD_NO_OFFSET,
			"%s: not a batch of events: not a Tidings server?",
			reading->http->url.authority);
	if (code != 0) {
		reading->iter = td_json_iterate((struct td_json){TD_JSON_NONE, {NULL, 0}});
		return code;
	}
	reading->iter = td_json_iterate(batch);
	reading->whole = is_last(&reading->page);
	return 0;
}

/* Where a page after this event begins; false: it is where it should not be. */
static bool move_on(struct http_reading *reading, uint64_t position)
{
	if (reading->backward) {
		if (reading->to != 0 && position > reading->to)
			return false;
		reading->to = position - 1;
		reading->whole = reading->whole || position == reading->from || position == 1;
	} else {
		if (position < reading->from)
			return false;
		reading->from = position + 1;
	}
	return true;
}

/* One stored event, whatever it is. TD_E_NOT_FOUND: that was the last. */
static int next_stored(struct http_reading *reading, struct td_event **event,
	struct td_where *where, struct td_error *err)
{
	struct td_json object;
	int code;

	while (!td_json_next(&reading->iter, NULL, &object)) {
		if (reading->whole)
			return TD_E_NOT_FOUND;
		code = fetch(reading, err);
		if (code != 0)
			return code;
	}
	code = td_http_event_read(event, where, object, err);
	if (code == 0 && !move_on(reading, where->position)) {
		td_event_unref(*event);
		code = td_error_set(err, TD_E_FORMAT, TD_NO_OFFSET,
			"%s: events out of order: not a Tidings server?",
			reading->http->url.authority);
	}
	return code;
}

/* --- next --------------------------------------------------------------------------------- */

static bool is_within(uint64_t number, uint64_t from, uint64_t to)
{
	return number >= from && (to == 0 || number <= to);
}

static bool passes(const struct http_reading *reading, const struct td_event *event,
	const struct td_where *where)
{
	return is_within(where->seq, reading->from_seq, reading->to_seq) &&
	       is_within(where->revision, reading->from_revision, reading->to_revision) &&
	       (reading->from_time == 0 || where->recorded >= reading->from_time) &&
	       (reading->to_time == 0 || where->recorded <= reading->to_time) &&
	       (reading->filters == NULL || td_filter_passes(reading->filters, event));
}

/* That there is nothing now, and that there is nothing any more, are two things. */
static int of_following(int code, struct td_error *err)
{
	if (code != TD_E_NOT_FOUND)
		return code;
	if (err != NULL)
		err->code = TD_E_CLOSED;
	return TD_E_CLOSED;
}

static int next_any(struct http_reading *reading, struct td_event **event, struct td_where *where,
	struct td_error *err)
{
	if (!reading->follows)
		return next_stored(reading, event, where, err);
	if (reading->held == NULL) {
		int code = td_http_stream_next(&reading->stream, event, where, err);

		return code == TD_STREAM_NOTHING ? TD_E_NOT_FOUND : of_following(code, err);
	}
	*event = reading->held;
	*where = reading->held_where;
	reading->held = NULL;
	return 0;
}

static int next(struct td_reading *base, const struct td_event **event, struct td_where *where,
	struct td_error *err)
{
	struct http_reading *reading = of(base);
	struct td_where at;

	td_event_unref(reading->event);
	reading->event = NULL;
	if (reading->limit != 0 && reading->shown == reading->limit)
		return TD_E_NOT_FOUND;
	for (;;) {
		int code = next_any(reading, &reading->event, &at, err);

		if (code != 0) {
			reading->event = NULL;
			return code == TD_E_NOT_FOUND ? code : td_error_wrap(err, code, "read");
		}
		if (passes(reading, reading->event, &at))
			break;
		td_event_unref(reading->event);
		reading->event = NULL;
	}
	reading->shown++;
	if (where != NULL)
		*where = at;
	*event = reading->event;
	return 0;
}

static int wait(struct td_reading *base, int64_t timeout_ms, struct td_error *err)
{
	struct http_reading *reading = of(base);
	int64_t deadline = td_deadline(timeout_ms), look;
	bool closing = false;

	if (!reading->follows || reading->held != NULL)
		return 0;
	if (td_bus_in_handler(reading->http->bus))
		return td_error_set(err, TD_E_DEADLOCK, TD_NO_OFFSET,
			"waiting inside a handler would wait for itself");
	for (;;) {
		int code = td_http_stream_next(
			&reading->stream, &reading->held, &reading->held_where, err);

		if (code != TD_STREAM_NOTHING)
			return code == 0 ? 0
					 : td_error_wrap(err, of_following(code, err), "follow");
		if (td_http_stream_starved(&reading->stream))
			return td_error_nomem(err);
		td_mutex_lock(&reading->http->lock);
		closing = reading->http->closing;
		td_mutex_unlock(&reading->http->lock);
		if (closing)
			return td_error_set(
				err, TD_E_CLOSED, TD_NO_OFFSET, "the handle is closing");
		if (td_http_now() >= deadline)
			return td_error_set(err, TD_E_TIMEOUT, TD_NO_OFFSET, "nothing new in time");
		look = td_http_now() + (int64_t)LOOK_MS * 1000000;
		td_http_stream_wait(&reading->stream, look < deadline ? look : deadline);
	}
}

static uint64_t position(const struct td_reading *base)
{
	const struct http_reading *reading = (const struct http_reading *)(const void *)base;

	if (reading->held != NULL)
		return reading->held_where.position;
	if (reading->follows)
		return reading->stream.next;
	if (reading->backward)
		return reading->to != 0 ? reading->to : 1;
	/* At the end: behind all that the server had. */
	return reading->whole && reading->iter.at == reading->iter.end &&
			       reading->page.position > reading->from
		       ? reading->page.position
		       : reading->from;
}

static const struct td_reading_offer offer = {
	.next = next,
	.wait = wait,
	.position = position,
	.close = close_reading,
};

/* --- one event ---------------------------------------------------------------------------- */

/* A body that is an event, or a batch of at most one. */
static int read_one(
	struct td_text body, struct td_event **event, struct td_where *where, struct td_error *err)
{
	struct td_where at;
	struct td_json document;
	int code = td_json_parse(body, 0, &document, err);

	if (code == 0 && document.kind == TD_JSON_ARRAY) {
		struct td_json_iter iter = td_json_iterate(document);

		if (!td_json_next(&iter, NULL, &document))
			return TD_E_NOT_FOUND;
	}
	if (code == 0)
		code = td_http_event_read(event, &at, document, err);
	if (code == 0 && where != NULL)
		*where = at;
	return code;
}

int td_http_latest(struct td *td, const char *log, const char *subject, struct td_event **event,
	struct td_where *where, struct td_error *err)
{
	struct td_buf target = TD_BUF_INIT(64 * 1024);
	struct td_http_reply reply = TD_HTTP_REPLY_INIT;
	char encoded[TD_ADDRESS_BYTES_MAX];
	struct td_text address;
	int code = td_address_encode(td_text(subject), encoded, &address, err);

	if (code == 0) {
		td_buf_add_string(&target, "/v1/events");
		add_text(&target, "subject", address);
		if (log != NULL)
			add_text(&target, "log", td_text(log));
		td_buf_add_string(&target, "&direction=backward&limit=1");
		add_seen(&target, td->http, 0);
		code = td_buf_check(&target, err);
	}
	if (code == 0)
		code = get(td->http, td_buf_view(&target), &reply, 0, false, err);
	if (code == 0) {
		code = read_one(td_buf_view(&reply.body), event, where, err);
		if (code == TD_E_NOT_FOUND)
			td_error_set(err, code, TD_NO_OFFSET, "subject %s", subject);
	}
	td_http_reply_fini(&reply);
	td_buf_fini(&target);
	return code;
}

int td_http_find(struct td *td, const char *id, const char *source, struct td_event **event,
	struct td_where *where, struct td_error *err)
{
	struct td_buf target = TD_BUF_INIT(64 * 1024);
	struct td_http_reply reply = TD_HTTP_REPLY_INIT;
	int code;

	td_buf_add_string(&target, "/v1/events/");
	td_http_add_encoded(&target, td_text(id));
	if (source != NULL)
		add_text(&target, "source", td_text(source));
	add_seen(&target, td->http, 0);
	code = id[0] == '\0' ? td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET, "id: empty")
			     : td_buf_check(&target, err);
	if (code == 0)
		code = get(td->http, td_buf_view(&target), &reply, 0, false, err);
	if (code == 0)
		code = read_one(td_buf_view(&reply.body), event, where, err);
	td_http_reply_fini(&reply);
	td_buf_fini(&target);
	return code;
}
