#include "server/draft.h"

#include <stdlib.h>
#include <strings.h>

#include "server/inside.h"

#define PLAIN_BYTES_MAX (9u << 20)

/* --- what is the server's ----------------------------------------------------------------- */

static bool is_servers(struct td_text name)
{
	static const char *const names[] = {
		"tdlog", "tdseq", "tdrevision", "tdposition", "tdcauses"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (td_text_is(name, names[i]))
			return true;
	}
	return false;
}

static uint32_t causes_of(struct td_text text)
{
	uint32_t causes = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9' || causes >= TD_CAUSES_MAX / 10)
			return 0;
		causes = causes * 10 + (uint32_t)(text.at[i] - '0');
	}
	return causes;
}

void td_event_take_off(struct td_event *event)
{
	/* The list is in the event's own block, and nobody else has seen it yet. */
	struct td_attribute *more = (struct td_attribute *)(uintptr_t)event->more;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < event->more_count; i++) {
		if (td_text_is(more[i].name, "tdcauses") && event->causes == 0)
			event->causes = causes_of(more[i].value);
		if (!is_servers(more[i].name))
			more[kept++] = more[i];
	}
	event->more_count = kept;
}

/* --- what is filled ----------------------------------------------------------------------- */

static void new_id(struct td_server *server, char id[TD_UUID_BYTES])
{
	uint8_t uuid[16];
	uint64_t random;

	/* Asked for by the block: one by one it would be a call of the system for each event. */
	if (server->random_left == 0) {
		server->seams.random->fill(server->seams.random->arg, server->random_block,
			sizeof(server->random_block));
		server->random_left =
			sizeof(server->random_block) / sizeof(server->random_block[0]);
	}
	random = server->random_block[--server->random_left];
	td_uuid_next(&server->uuid_tick, server->wall, random, uuid);
	td_uuid_format(uuid, id);
}

struct filling {
	struct td_server *server;
	struct td_text subject;
	struct td_text traceparent;
	bool plain;
	struct td_buf buf; /* an object with what it lacked */
};

static void fill(struct td_json_writer *writer, struct td_json object, const char *name,
	struct td_text value)
{
	if (td_json_get(object, td_text(name)).kind != TD_JSON_NONE)
		return;
	td_json_name(writer, td_text(name));
	td_json_string(writer, value);
}

/* What lacks something, as an object that has it: in front of its own members. */
static int complete(struct filling *filling, struct td_json *object, struct td_error *err)
{
	struct td_json_writer writer;
	struct td_text own;
	char id[TD_UUID_BYTES];
	struct td_buf *buf = &filling->buf;

	if (object->kind != TD_JSON_OBJECT || (!filling->plain && filling->subject.at == NULL))
		return 0;
	td_buf_reset(buf);
	td_json_writer_init(&writer, buf);
	td_json_open_object(&writer);
	if (filling->plain) {
		fill(&writer, *object, "specversion", td_text("1.0"));
		if (td_json_get(*object, td_text("id")).kind == TD_JSON_NONE) {
			new_id(filling->server, id);
			fill(&writer, *object, "id", td_text_of(id, sizeof(id)));
		}
		fill(&writer, *object, "source", td_text(filling->server->source));
	}
	if (filling->subject.at != NULL)
		fill(&writer, *object, "subject", filling->subject);
	if (buf->code == 0 && buf->len == 1)
		return 0;                                            /* nothing was missing */
	own = td_text_of(object->text.at + 1, object->text.len - 1); /* with its "}" */
	if (td_json_count(*object) > 0)
		td_buf_add_char(buf, ',');
	td_buf_add_text(buf, own);
	if (td_buf_check(buf, err) != 0)
		return buf->code;
	*object = td_json_trusted(td_buf_view(buf));
	return 0;
}

/* --- one event ---------------------------------------------------------------------------- */

static int check_subject(
	const struct filling *filling, const struct td_event *event, struct td_error *err)
{
	if (filling->subject.at == NULL ||
		td_text_equal(event->attr[TD_ATTR_SUBJECT], filling->subject))
		return 0;
	return td_error_set(err, TD_E_SUBJECT, TD_NO_OFFSET,
		"subject: %.*s, where the path says %.*s",
		TD_TEXT_ARG(event->attr[TD_ATTR_SUBJECT]), TD_TEXT_ARG(filling->subject));
}

/* The event is new, and ours: what it lacks is said by views, until its headers are written. */
static int finish(struct td_drafts *drafts, const struct filling *filling, struct td_event *event,
	struct td_error *err)
{
	if (event->attr[TD_ATTR_TIME].at == NULL)
		event->attr[TD_ATTR_TIME] = td_text_of(drafts->time, sizeof(drafts->time));
	if (event->attr[TD_ATTR_TRACEPARENT].at == NULL)
		event->attr[TD_ATTR_TRACEPARENT] = filling->traceparent;
	td_event_take_off(event);
	return check_subject(filling, event, err);
}

static int read_object(struct td_drafts *drafts, struct filling *filling, struct td_json object,
	struct td_error *err)
{
	struct td_event *event;
	size_t i = drafts->count;
	const char *before = object.text.at;
	int code = complete(filling, &object, err);

	if (code == 0)
		code = td_event_read_json(&event, object, err);
	if (code == 0) {
		drafts->events[drafts->count++] = event;
		code = finish(drafts, filling, event, err);
	}
	if (code == 0)
		return 0;
	drafts->wrong = i;
	if (err != NULL && object.text.at != before)
		err->offset = TD_NO_OFFSET; /* in what was put together, not in what was sent */
	return drafts->batch ? td_error_wrap(err, code, "[%zu]", i) : code;
}

/* --- JSON --------------------------------------------------------------------------------- */

static int read_array(struct td_drafts *drafts, struct filling *filling, struct td_json array,
	struct td_error *err)
{
	struct td_json_iter iter = td_json_iterate(array);
	size_t count = td_json_count(array);
	struct td_json element;
	int code = 0;

	drafts->batch = true;
	if (count > (uint64_t)filling->server->limits.batch_events_max)
		return td_error_set(err, TD_E_TOO_LARGE, TD_NO_OFFSET,
			"%zu events in a batch, at most %lld", count,
			(long long)filling->server->limits.batch_events_max);
	drafts->events = calloc(count > 0 ? count : 1, sizeof(struct td_event *));
	if (drafts->events == NULL)
		return td_error_nomem(err);
	while (code == 0 && td_json_next(&iter, NULL, &element))
		code = read_object(drafts, filling, element, err);
	return code;
}

static int read_json(struct td_drafts *drafts, struct filling *filling, struct td_text body,
	enum td_json_kind wanted, struct td_error *err)
{
	struct td_json json;
	int code = td_json_parse(body, 0, &json, err);

	if (code != 0)
		return code;
	if (json.kind == TD_JSON_ARRAY && wanted != TD_JSON_OBJECT)
		return read_array(drafts, filling, json, err);
	if (json.kind != TD_JSON_OBJECT || wanted == TD_JSON_ARRAY)
		return td_error_set(err, TD_E_FORMAT, TD_NO_OFFSET, "the body is to be a JSON %s",
			wanted == TD_JSON_ARRAY    ? "array, of events"
			: wanted == TD_JSON_OBJECT ? "object, an event"
						   : "object, an event, or an array of them");
	drafts->events = calloc(1, sizeof(struct td_event *));
	if (drafts->events == NULL)
		return td_error_nomem(err);
	return read_object(drafts, filling, json, err);
}

/* --- binary ------------------------------------------------------------------------------- */

#define FIELDS_MAX 101u

static bool is_attribute(struct td_text name)
{
	return name.len > 3 && strncasecmp(name.at, "ce-", 3) == 0;
}

static int read_binary(struct td_drafts *drafts, struct td_exchange *x, struct filling *filling,
	struct td_error *err)
{
	struct td_http_header headers[FIELDS_MAX + 1];
	struct td_text rest = x->request->fields;
	bool has_subject = false;
	size_t count = 0;
	int code;

	while (count < FIELDS_MAX && td_http_field_next(&rest, &headers[count])) {
		if (td_http_is_word(headers[count].name, "ce-subject"))
			has_subject = true;
		count++;
	}
	if (filling->subject.at != NULL && !has_subject) {
		td_header_value_encode(&filling->buf, filling->subject);
		if (td_buf_check(&filling->buf, err) != 0)
			return filling->buf.code;
		headers[count++] =
			(struct td_http_header){td_text("ce-subject"), td_buf_view(&filling->buf)};
	}
	drafts->events = calloc(1, sizeof(struct td_event *));
	if (drafts->events == NULL)
		return td_error_nomem(err);
	code = td_event_read_http(&drafts->events[0], headers, count, x->body, err);
	drafts->count = code == 0;
	return code != 0 ? code : finish(drafts, filling, drafts->events[0], err);
}

/* --- which form --------------------------------------------------------------------------- */

static bool has_attributes(const struct td_exchange *x)
{
	struct td_text rest = x->request->fields;
	struct td_http_header field;

	while (td_http_field_next(&rest, &field)) {
		if (is_attribute(field.name))
			return true;
	}
	return false;
}

static bool begins_with(struct td_text text, const char *with)
{
	return text.len >= strlen(with) && strncasecmp(text.at, with, strlen(with)) == 0;
}

/* Behind "application/cloudevents": nothing or "+json", and parameters. */
static bool is_json_format(struct td_text type, const char *prefix)
{
	struct td_text format = td_text_of(type.at + strlen(prefix), type.len - strlen(prefix));

	if (begins_with(format, "+json"))
		format = td_text_of(format.at + 5, format.len - 5);
	return format.len == 0 || format.at[0] == ';' || format.at[0] == ' ' ||
	       format.at[0] == '\t';
}

#define BATCH  "application/cloudevents-batch"
#define SINGLE "application/cloudevents"

static int read_body(struct td_drafts *drafts, struct td_exchange *x, struct filling *filling,
	struct td_error *err)
{
	struct td_text type;
	int code = td_exchange_field(x, "content-type", &type, err);

	if (code != 0)
		return code;
	if (begins_with(type, BATCH) && is_json_format(type, BATCH))
		return read_json(drafts, filling, x->body, TD_JSON_ARRAY, err);
	if (begins_with(type, SINGLE) && !begins_with(type, BATCH) && is_json_format(type, SINGLE))
		return read_json(drafts, filling, x->body, TD_JSON_OBJECT, err);
	if (begins_with(type, SINGLE))
		return td_error_set(err, TD_E_FORMAT, TD_NO_OFFSET,
			"%.*s: of CloudEvents formats, JSON is known here", TD_TEXT_ARG(type));
	if (has_attributes(x))
		return read_binary(drafts, x, filling, err);
	if (type.at != NULL && td_content_type_is_json(type)) {
		filling->plain = true;
		return read_json(drafts, filling, x->body, TD_JSON_NONE, err);
	}
	return td_error_set(err, TD_E_FORMAT, TD_NO_OFFSET,
		"Content-Type: %.*s: application/json, application/cloudevents+json and "
		"-batch+json are known here, or fields ce-type, ce-source, ce-id",
		TD_TEXT_ARG(type.at != NULL ? type : td_text("none")));
}

/* The request's own, where it looks like one: who sends it wants to see what came of it. */
static struct td_text traceparent_of(const struct td_exchange *x)
{
	struct td_traceparent trace;
	struct td_text value;

	if (td_http_field(x->request->fields, "traceparent", &value) != 1 ||
		!td_traceparent_read(value, &trace))
		return td_text(NULL);
	return value;
}

int td_drafts_read(struct td_drafts *drafts, struct td_exchange *x, struct td_text subject,
	struct td_error *err)
{
	struct filling filling = {
		.server = x->server,
		.subject = subject,
		.traceparent = traceparent_of(x),
		.buf = TD_BUF_INIT(PLAIN_BYTES_MAX),
	};
	int code;

	*drafts = (struct td_drafts){.wrong = SIZE_MAX};
	td_time_format(x->server->wall, drafts->time);
	code = read_body(drafts, x, &filling, err);
	td_buf_fini(&filling.buf);
	if (code != 0)
		td_drafts_fini(drafts);
	return code;
}

void td_drafts_fini(struct td_drafts *drafts)
{
	for (size_t i = 0; i < drafts->count; i++)
		td_event_unref(drafts->events[i]);
	free(drafts->events);
	drafts->events = NULL;
	drafts->count = 0;
}
