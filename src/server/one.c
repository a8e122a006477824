#include "server/inside.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/handlers.h"
#include "server/search.h"

/*
 * One event: by its id, or the latest of a subject, now or at a moment; and its data alone.
 *
 *	GET /v1/events/{id}[?source=]             the event
 *	GET /v1/events/{id}/data                  its data; where it has a dataref instead, what that
 *	                                          pointed to when the event was stored
 *	GET /v1/subjects/{subject}[@REV | ?at=]   the subject's latest, at that revision, time or position
 */

struct look {
	struct td_store *store;
	struct td_names *names;
	struct td_search *search; /* select, who asks; of a subject its address and bounds */
	char *id, *source;        /* NULL: by the search */
	bool data;
	/* What came of it. */
	struct td_event *event;
	struct td_standing standing;
	struct td_buf body;
	char type[256]; /* of data */
	int code;
	struct td_error err;
};

/* --- beside the loop ---------------------------------------------------------------------- */

/* Backward from its bound: the first that fits is the latest. */
static int find_latest(
	struct look *look, struct td_text what, struct td_stored *stored, struct td_cursor **cursor)
{
	int code = td_search_open(look->search, look->store, 0, cursor, &look->err);

	if (code == 0)
		code = td_cursor_next(*cursor, stored, &look->err);
	if (code == TD_E_NOT_FOUND)
		code = td_error_set(&look->err, TD_E_NOT_FOUND, TD_NO_OFFSET, "%.*s: no event",
			TD_TEXT_ARG(what));
	return code;
}

static int show(struct look *look, const struct td_stored *stored)
{
	int code = 0;

	if (!td_identity_may(look->search->identity, TD_MAY_READ, stored->address))
		return td_error_set(&look->err, TD_E_FORBIDDEN, TD_NO_OFFSET,
			"read %.*s: not permitted", TD_TEXT_ARG(stored->address));
	look->standing = td_standing_of(stored);
	if (look->data) /* what is selected of it comes later: its dataref may be needed */
		return td_shown_event(look->store, stored, &look->event, &look->err);
	code = td_search_show(look->search, look->store, stored, &look->event, &look->err);
	if (code == 0)
		code = td_show_event(
			&look->body, look->event, &look->standing, look->names, &look->err);
	return code;
}

/* --- data --------------------------------------------------------------------------------- */

static bool begins_with(struct td_text text, const char *with)
{
	return text.len >= strlen(with) && memcmp(text.at, with, strlen(with)) == 0;
}

/* The subject that a dataref of ours points to, decoded into `buf`; absent: it points elsewhere. */
static struct td_text subject_of(struct td_text dataref, struct td_buf *buf)
{
	static const char prefix[] = "/v1/subjects/";
	struct td_http_target target;
	const char *query;
	size_t len;

	if (!begins_with(dataref, prefix))
		return td_text(NULL);
	query = memchr(dataref.at, '?', dataref.len);
	len = query != NULL ? (size_t)(query - dataref.at) : dataref.len;
	if (td_http_read_target(&target, td_text_of(dataref.at, len), td_text(NULL), buf) !=
			TD_HTTP_FINE ||
		target.segment_count != 3)
		return td_text(NULL);
	return target.segments[2].text;
}

/* What a subject had come to when the event was stored: its latest below that position. */
static int resolve(struct look *look)
{
	struct td_buf buf = TD_BUF_INIT(64u << 10);
	struct td_text dataref = look->event->attr[TD_ATTR_DATAREF];
	struct td_text subject = subject_of(dataref, &buf);
	char encoded[TD_ADDRESS_BYTES_MAX];
	struct td_cursor *cursor = NULL;
	struct td_stored stored;
	struct td_read_options options = {
		.subjects = &subject,
		.subjects_count = 1,
		.to_position = look->standing.position,
		.from_time = INT64_MIN,
		.backward = true,
	};
	int code;

	if (subject.at == NULL) {
		code = td_error_set(&look->err, TD_E_NOT_FOUND, TD_NO_OFFSET,
			"the event has no data, and its dataref points elsewhere: %.*s",
			TD_TEXT_ARG(dataref.at != NULL ? dataref : td_text("none")));
		goto done;
	}
	code = td_address_encode(subject, encoded, &subject, &look->err);
	if (code == 0)
		code = td_store_read(&cursor, look->store, &options, &look->err);
	/* A notification on the subject itself says nothing of it: what has data does. */
	while (code == 0) {
		code = td_cursor_next(cursor, &stored, &look->err);
		if (code == 0 && stored.payload.len > 0)
			break;
	}
	if (code == TD_E_NOT_FOUND)
		code = td_error_set(&look->err, TD_E_NOT_FOUND, TD_NO_OFFSET,
			"dataref %.*s: it had no data at position %llu", TD_TEXT_ARG(dataref),
			(unsigned long long)look->standing.position);
	if (code == 0) {
		td_event_unref(look->event);
		look->event = NULL;
		code = show(look, &stored);
	}
	td_cursor_close(cursor);
done:
	td_buf_fini(&buf);
	return code;
}

static int choose(struct look *look, struct td_text *data)
{
	struct td_event *selected;
	int code = td_select_apply(look->search->select, look->event, &selected, &look->err);

	if (code != 0)
		return code;
	td_event_unref(look->event);
	look->event = selected;
	return td_event_data_get(selected, data, &look->err);
}

static int show_data(struct look *look)
{
	struct td_text data = {NULL, 0}, type;
	int code = td_event_data_get(look->event, &data, &look->err);

	if (code == 0 && data.at == NULL) {
		code = resolve(look);
		if (code == 0)
			code = td_event_data_get(look->event, &data, &look->err);
	}
	if (code == 0 && look->search->select != NULL)
		code = choose(look, &data);
	if (code != 0)
		return code;
	type = look->event->attr[TD_ATTR_DATACONTENTTYPE];
	if (type.at == NULL && look->event->form == TD_DATA_JSON)
		type = td_text("application/json");
	if (type.at == NULL)
		type = td_text("application/octet-stream");
	snprintf(look->type, sizeof(look->type), "%.*s", TD_TEXT_ARG(type));
	td_buf_add_text(&look->body, data);
	return 0;
}

static void look_run(void *arg)
{
	struct look *look = arg;
	struct td_buf buf = TD_BUF_INIT(16u << 20);
	struct td_cursor *cursor = NULL;
	struct td_stored stored;

	if (look->id != NULL)
		look->code = td_store_find(look->store, td_text(look->id), td_text(look->source),
			&stored, &buf, &look->err);
	else
		look->code = find_latest(look, look->search->subjects[0], &stored, &cursor);
	if (look->code == 0)
		look->code = show(look, &stored);
	if (look->code == 0 && look->data)
		look->code = show_data(look);
	if (look->code == 0)
		look->code = td_buf_check(&look->body, &look->err);
	td_cursor_close(cursor);
	td_buf_fini(&buf);
}

/* --- on the loop -------------------------------------------------------------------------- */

static void look_free(struct look *look)
{
	td_search_unref(look->search);
	td_names_unref(look->names);
	td_event_unref(look->event);
	td_buf_fini(&look->body);
	free(look->id);
	free(look->source);
	free(look);
}

static void link_to(struct td_buf *links, const char *path, struct td_text text, const char *rel)
{
	struct td_buf target = TD_BUF_INIT(64u << 10);

	if (text.at == NULL)
		return;
	td_buf_add_string(&target, path);
	td_http_add_encoded(&target, text);
	if (target.code == 0)
		td_http_add_link(links, td_buf_view(&target), rel);
	td_buf_fini(&target);
}

/* What it is about, what caused it, the story it is in. */
static void add_links(struct td_http_writer *writer, const struct td_event *event)
{
	struct td_buf links = TD_BUF_INIT(128u << 10);
	struct td_text story = event->attr[TD_ATTR_CORRELATIONID];

	link_to(&links, "/v1/subjects/", event->attr[TD_ATTR_SUBJECT], "subject");
	link_to(&links, "/v1/events/", event->attr[TD_ATTR_CAUSATIONID], "cause");
	link_to(&links, "/v1/stories/", story.at != NULL ? story : event->attr[TD_ATTR_ID],
		"story");
	if (links.code == 0)
		td_http_write_field(writer, "Link", td_buf_view(&links));
	td_buf_fini(&links);
}

static int look_done(struct td_exchange *x, void *arg, struct td_error *err)
{
	struct look *look = arg;
	struct td_http_writer writer;
	char tag[24];
	int code = look->code, len;

	x->server->counters.reads++;
	if (code != 0) {
		*err = look->err;
	} else if (x->session != NULL) {
		x->server->counters.events_read++;
		len = snprintf(
			tag, sizeof(tag), "\"%llu\"", (unsigned long long)look->standing.revision);
		td_answer_begin(x, &writer, 200);
		td_http_write_field(&writer, "Content-Type",
			look->data ? td_text(look->type) : td_text("application/cloudevents+json"));
		td_http_write_field(&writer, "ETag", td_text_of(tag, (size_t)len));
		td_http_write_field(&writer, "X-Content-Type-Options", td_text("nosniff"));
		add_links(&writer, look->event);
		if (!look->data)
			td_buf_add_char(&look->body, '\n');
		td_answer_end(x, &writer, td_buf_view(&look->body));
	}
	look_free(look);
	return code;
}

static char *copy(struct td_text text)
{
	return text.at != NULL ? td_text_dup(text) : NULL;
}

/* `id` absent: by the search, which is taken, also on failure. */
static int start(struct td_exchange *x, struct td_search *search, struct td_text id,
	struct td_text source, bool data, struct td_error *err)
{
	struct look *look = calloc(1, sizeof(*look));
	int code;

	if (look == NULL) {
		td_search_unref(search);
		return td_error_nomem(err);
	}
	look->store = x->server->store;
	look->names = td_names_ref(x->server->names);
	look->search = search;
	look->id = copy(id);
	look->source = copy(source);
	look->data = data;
	td_buf_init(&look->body, 64u << 20);
	if ((id.at != NULL && look->id == NULL) || (source.at != NULL && look->source == NULL))
		code = td_error_nomem(err);
	else
		code = td_exchange_run(x, look_run, look_done, look, err);
	if (code != 0)
		look_free(look);
	return code;
}

static int by_id(struct td_exchange *x, bool data, struct td_error *err)
{
	static const char *const known[] = {"source", "select", "min-position", "timeout", NULL};
	struct td_search *search = NULL;
	struct td_text source;
	int code = td_exchange_only(x, known, err);

	if (code == 0)
		code = td_exchange_parameter(x, "source", &source, err);
	if (code == 0)
		code = td_search_read(&search, x, td_text(NULL), err);
	return code != 0 ? code : start(x, search, td_exchange_captured(x, 0), source, data, err);
}

int td_show_one(struct td_exchange *x, struct td_error *err)
{
	return by_id(x, false, err);
}

int td_show_data(struct td_exchange *x, struct td_error *err)
{
	return by_id(x, true, err);
}

/* A moment: a position, or a time. */
static int read_at(const struct td_exchange *x, struct td_search *search, struct td_error *err)
{
	struct td_text at;
	int code = td_exchange_parameter(x, "at", &at, err);

	if (code != 0 || at.at == NULL)
		return code;
	if (at.len > 0 && at.len < 20 && memchr(at.at, '-', at.len) == NULL)
		return td_exchange_u64(x, "at", &search->to.position, err);
	code = td_time_parse(at, &search->to.time, err);
	search->to.timed = true;
	return code == 0 ? 0 : td_error_wrap(err, TD_E_INVALID, "at: a position or a time");
}

static int by_subject(struct td_exchange *x, struct td_text revision, struct td_error *err)
{
	static const char *const known[] = {"log", "select", "at", "min-position", "timeout", NULL};
	struct td_search *search = NULL;
	int code = td_exchange_only(x, known, err);

	if (code == 0)
		code = td_search_read(&search, x, td_exchange_captured(x, 0), err);
	if (code != 0)
		return code;
	search->backward = true;
	for (size_t i = 0; i < revision.len && code == 0; i++) {
		search->to_revision = search->to_revision * 10 + (uint64_t)(revision.at[i] - '0');
		if (revision.len > 18)
			code = td_error_set(
				err, TD_E_NOT_FOUND, TD_NO_OFFSET, "no revision is that high");
	}
	search->from_revision = search->to_revision;
	if (code == 0 && revision.at != NULL && search->to_revision == 0)
		code = td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET, "revisions begin with 1");
	if (code == 0)
		code = read_at(x, search, err);
	if (code != 0) {
		td_search_unref(search);
		return code;
	}
	return start(x, search, td_text(NULL), td_text(NULL), false, err);
}

int td_show_subject(struct td_exchange *x, struct td_error *err)
{
	return by_subject(x, td_text(NULL), err);
}

int td_show_subject_at(struct td_exchange *x, struct td_error *err)
{
	return by_subject(x, td_exchange_captured(x, 1), err);
}
