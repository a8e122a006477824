#include "server/inside.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/draft.h"
#include "server/handlers.h"
#include "server/show.h"

/*
 * POST /v1/events and /v1/subjects/{subject}/events: from drafts to entries, one append for all of a
 * request, receipts. Answered when the frame is durable: one sync for all that arrived together.
 */

struct append {
	struct td_drafts drafts;
	struct td_entry *entries;
	struct td_placed *placed;
	struct td_buf blocks; /* header blocks and the server's words, one behind the other */
	size_t which;
	enum td_expect expect;
	uint64_t revision;
	struct td_text log;
};

static void append_fini(struct append *append)
{
	td_drafts_fini(&append->drafts);
	free(append->entries);
	free(append->placed);
	td_buf_fini(&append->blocks);
}

/* --- preconditions ------------------------------------------------------------------------ */

static int read_tag(
	const char *name, struct td_text value, struct td_http_tag *tag, struct td_error *err)
{
	struct td_text rest = value;
	struct td_http_tag more;

	if (td_http_tag_next(&rest, tag) == TD_HTTP_TAG &&
		td_http_tag_next(&rest, &more) == TD_HTTP_NO_TAG)
		return 0;
	return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "%s: %.*s: one tag, as \"7\", or *",
		name, TD_TEXT_ARG(value));
}

static int read_if_match(struct append *append, struct td_text value, struct td_error *err)
{
	struct td_http_tag tag;
	int code = read_tag("If-Match", value, &tag, err);

	if (code != 0)
		return code;
	if (tag.any) {
		append->expect = TD_EXPECT_EXISTS;
	} else if (td_http_tag_number(&tag, &append->revision)) {
		append->expect = append->revision > 0 ? TD_EXPECT_REVISION : TD_EXPECT_NONE;
	} else {
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"If-Match: %.*s is not a revision, as \"7\"", TD_TEXT_ARG(value));
	}
	return 0;
}

static int read_conditions(struct td_exchange *x, struct append *append, struct td_error *err)
{
	struct td_text match, none;
	struct td_http_tag tag;
	int code = td_exchange_field(x, "if-match", &match, err);

	if (code == 0)
		code = td_exchange_field(x, "if-none-match", &none, err);
	if (code != 0)
		return code;
	if (match.at != NULL && none.at != NULL)
		return td_error_set(
			err, TD_E_INVALID, TD_NO_OFFSET, "If-Match and If-None-Match: one of them");
	if (match.at != NULL)
		return read_if_match(append, match, err);
	if (none.at == NULL)
		return 0;
	code = read_tag("If-None-Match", none, &tag, err);
	if (code != 0)
		return code;
	if (!tag.any)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"If-None-Match: * alone can be asked for: the subject has no event");
	append->expect = TD_EXPECT_NONE;
	return 0;
}

/* Where no subject is named, no condition can be meant. */
static int refuse_conditions(const struct td_exchange *x, struct td_error *err)
{
	struct td_text value;

	if (td_http_field(x->request->fields, "if-match", &value) == 0 &&
		td_http_field(x->request->fields, "if-none-match", &value) == 0)
		return 0;
	return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
		"If-Match, If-None-Match: of one subject; POST /v1/subjects/SUBJECT/events");
}

/* --- entries ------------------------------------------------------------------------------ */

/*
 * The story of an event that names none is the trace it belongs to. One without a trace begins a
 * story of its own, under its id, which is found as such without being said.
 */
static void write_server_block(
	const struct td_exchange *x, const struct td_event *event, struct td_buf *buf)
{
	struct td_text name = td_identity_name(x->identity);
	struct td_traceparent trace;

	if (name.at != NULL)
		td_server_add(buf, TD_SERVER_AUTHID, name);
	if (event->attr[TD_ATTR_CORRELATIONID].at == NULL &&
		event->attr[TD_ATTR_TRACEPARENT].at != NULL &&
		td_traceparent_read(event->attr[TD_ATTR_TRACEPARENT], &trace))
		td_server_add(buf, TD_SERVER_CORRELATION, trace.trace);
}

static int write_entry(struct td_exchange *x, struct append *append, size_t i, struct td_error *err)
{
	const struct td_event *event = append->drafts.events[i];
	struct td_entry *entry = &append->entries[i];
	size_t before = append->blocks.len;

	append->which = i;
	*entry = (struct td_entry){
		.log = append->log,
		.address = event->address,
		.type = event->attr[TD_ATTR_TYPE],
		.key = {event->attr[TD_ATTR_SOURCE], event->attr[TD_ATTR_ID]},
		.expect = i == 0 && !(TD_BUG(407) && append->revision > 3) ? append->expect
									   : TD_EXPECT_ANY,
		.revision = i == 0 ? append->revision : 0,
	};
	if (!td_identity_may(x->identity, TD_MAY_PUBLISH, event->address))
		return td_error_set(err, TD_E_FORBIDDEN, TD_NO_OFFSET,
			"publish to %.*s: not permitted", TD_TEXT_ARG(event->address));
	td_event_write_headers(event, &append->blocks);
	entry->headers.len = append->blocks.len - before;
	before = append->blocks.len;
	write_server_block(x, event, &append->blocks);
	entry->server.len = append->blocks.len - before;
	return td_event_data_get(event, &entry->payload, err);
}

static int write_entries(struct td_exchange *x, struct append *append, struct td_error *err)
{
	size_t count = append->drafts.count, at = 0;
	int code = 0;

	append->entries = calloc(count, sizeof(*append->entries));
	append->placed = calloc(count, sizeof(*append->placed));
	if (append->entries == NULL || append->placed == NULL)
		return td_error_nomem(err);
	td_buf_init(&append->blocks, count * (TD_HEADER_BYTES_MAX + 2 * TD_ATTRIBUTE_BYTES_MAX));
	for (size_t i = 0; code == 0 && i < count; i++)
		code = write_entry(x, append, i, err);
	if (code == 0)
		code = td_buf_check(&append->blocks, err);
	for (size_t i = 0; code == 0 && i < count; i++) { /* it has stopped moving */
		struct td_entry *entry = &append->entries[i];

		entry->headers.at = append->blocks.at + at;
		at += entry->headers.len;
		if (entry->server.len > 0)
			entry->server.at = append->blocks.at + at;
		at += entry->server.len;
	}
	return code;
}

/* --- receipts ----------------------------------------------------------------------------- */

static void write_receipt(struct td_server *server, struct td_json_writer *writer,
	const struct td_event *event, const struct td_placed *placed)
{
	char time[TD_TIME_BYTES];

	td_time_format(placed->time, time);
	td_json_open_object(writer);
	td_show_string(writer, "log", td_server_log_name(server, placed->log));
	td_show_u64(writer, "seq", placed->seq);
	td_show_string(writer, "subject",
		event->attr[TD_ATTR_SUBJECT].at != NULL ? event->attr[TD_ATTR_SUBJECT]
							: event->address);
	td_show_u64(writer, "revision", placed->revision);
	td_show_u64(writer, "position", placed->position);
	td_show_string(writer, "id", event->attr[TD_ATTR_ID]);
	td_show_string(writer, "source", event->attr[TD_ATTR_SOURCE]);
	td_show_string(writer, "recordedtime", td_text_of(time, sizeof(time)));
	td_json_name(writer, td_text("duplicate"));
	td_json_bool(writer, placed->duplicate);
	td_json_close_object(writer);
}

static void write_location(
	struct td_http_writer *writer, const struct td_event *event, const struct td_placed *placed)
{
	struct td_buf buf = TD_BUF_INIT(64u << 10);
	char tag[24];
	int len = snprintf(tag, sizeof(tag), "\"%llu\"", (unsigned long long)placed->revision);

	td_buf_add_string(&buf, "/v1/events/");
	td_http_add_encoded(&buf, event->attr[TD_ATTR_ID]);
	td_buf_add_string(&buf, "?source=");
	td_http_add_encoded(&buf, event->attr[TD_ATTR_SOURCE]);
	if (buf.code == 0)
		td_http_write_field(writer, "Location", td_buf_view(&buf));
	td_http_write_field(writer, "ETag", td_text_of(tag, (size_t)len));
	td_buf_fini(&buf);
}

static void answer(struct td_exchange *x, const struct append *append)
{
	const struct td_drafts *drafts = &append->drafts;
	bool duplicate = drafts->count > 0 && append->placed[0].duplicate;
	struct td_buf body = TD_BUF_INIT(64u << 20);
	struct td_json_writer json;
	struct td_http_writer writer;

	td_json_writer_init(&json, &body);
	if (drafts->batch)
		td_json_open_array(&json);
	for (size_t i = 0; i < drafts->count; i++)
		write_receipt(x->server, &json, drafts->events[i], &append->placed[i]);
	if (drafts->batch)
		td_json_close_array(&json);
	td_buf_add_char(&body, '\n');
	td_answer_begin(x, &writer, duplicate || drafts->count == 0 ? 200 : 201);
	td_http_write_field(&writer, "Content-Type", td_text("application/json"));
	if (!drafts->batch)
		write_location(&writer, drafts->events[0], &append->placed[0]);
	if (body.code != 0)
		td_http_write_field(&writer, "Content-Type", td_text("\n")); /* fails the answer */
	td_answer_end(x, &writer, td_buf_view(&body));
	td_buf_fini(&body);
}

static void explain(struct td_exchange *x, const struct append *append, int code)
{
	const struct td_placed *placed;

	if (append->drafts.batch && append->which != SIZE_MAX)
		td_problem_u64(x, "index", append->which);
	if (append->placed == NULL || append->which >= append->drafts.count)
		return;
	placed = &append->placed[append->which];
	if (code == TD_E_REVISION)
		td_problem_u64(x, "revision", placed->found);
	if (code == TD_E_DUPLICATE && placed->position != 0)
		td_problem_u64(x, "position", placed->position);
}

/* --- the handlers ------------------------------------------------------------------------- */

static void tally(struct td_server *server, const struct append *append, int code)
{
	struct td_counters *counters = &server->counters;
	size_t count = append->drafts.count;

	if (code == TD_E_REVISION)
		counters->conflicts++;
	if (code != 0)
		counters->events_refused += count > 0 ? count : 1;
	else if (count > 0 && append->placed[0].duplicate)
		counters->events_duplicate += count;
	else
		counters->events_accepted += count;
}

static int publish(
	struct td_exchange *x, struct append *append, struct td_text subject, struct td_error *err)
{
	static const char *const known[] = {"log", NULL};
	struct td_server *server = x->server;
	uint64_t rests_on = 0;
	int code = td_exchange_only(x, known, err);

	if (code == 0)
		code = td_exchange_parameter(x, "log", &append->log, err);
	if (code == 0)
		code = td_drafts_read(&append->drafts, x, subject, err);
	append->which = append->drafts.wrong;
	if (code == 0 && append->drafts.count > 0)
		code = write_entries(x, append, err);
	if (code == 0 && append->drafts.count > 0) {
		append->which = SIZE_MAX;
		code = td_store_append(server->store, append->entries, append->drafts.count,
			append->placed, &rests_on, &append->which, err);
		if (!(TD_BUG(405) && code != 0) &&
			!(TD_BUG(406) && code == 0 && append->placed[0].duplicate))
			td_exchange_rests_on(x, rests_on);
	}
	if (code == TD_E_FULL)
		return code;
	if (code == 0)
		answer(x, append);
	else
		explain(x, append, code);
	tally(server, append, code);
	return code;
}

int td_publish_events(struct td_exchange *x, struct td_error *err)
{
	struct append append = {.drafts.wrong = SIZE_MAX};
	int code = refuse_conditions(x, err);

	if (code == 0)
		code = publish(x, &append, td_text(NULL), err);
	append_fini(&append);
	return code;
}

int td_append_events(struct td_exchange *x, struct td_error *err)
{
	struct append append = {.drafts.wrong = SIZE_MAX};
	int code = read_conditions(x, &append, err);

	if (code == 0)
		code = publish(x, &append, td_exchange_captured(x, 0), err);
	append_fini(&append);
	return code;
}
