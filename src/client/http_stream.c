#include "client/http_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Following: one connection with a stream of Server-Sent Events, which goes on behind the last event it
 * gave (Last-Event-ID) whenever it broke: no gap, no repeat.
 *
 *	WAITING --due--> CONNECTING --> SENDING --> HEAD --200--> LIVE --event--> ...
 *	   ^                 |             |          |'--other--> REFUSED --> FAILED: for good
 *	   '-----------------'-------------'----------'---------------'  it broke, it is silent, or 503
 *
 * Positions ascend: what is behind `next` is a repeat and is passed over. Nothing here waits, but for
 * td_http_stream_wait().
 */

#define IN_BYTES       (64u * 1024u)
#define SAID_MAX       (16u * 1024u)
#define STEP_MS        10000 /* to connect, to be answered */
#define SILENT_MS      45000 /* servers say something every 15 s */
#define EVENT_MAX      (96u * 1024u * 1024u)
#define UNREADABLE_MAX 3u /* the same event, before it is for good */

static const struct td_http_limits limits = {.body_bytes_max = UINT64_MAX >> 1};

int td_http_stream_init(
	struct td_http_stream *stream, struct td_http *http, uint64_t next, struct td_error *err)
{
	*stream = (struct td_http_stream){
		.http = http,
		.next = next,
		.connection = -1,
		.query = TD_BUF_INIT(64 * 1024),
		.out = TD_BUF_INIT(128 * 1024),
		.said = TD_BUF_INIT(SAID_MAX),
		.err = TD_ERROR_INIT,
	};
	td_sse_reader_init(&stream->sse, EVENT_MAX);
	stream->in = malloc(IN_BYTES);
	return stream->in != NULL ? 0 : td_error_nomem(err);
}

static void hang_up(struct td_http_stream *stream)
{
	td_net_close(&td_net_plain, stream->connection);
	stream->connection = -1;
	stream->piece = td_text(NULL);
	stream->in_at = stream->in_len = stream->sent = 0;
	td_sse_reader_fini(&stream->sse);
	td_sse_reader_init(&stream->sse, EVENT_MAX);
}

void td_http_stream_fini(struct td_http_stream *stream)
{
	hang_up(stream);
	td_sse_reader_fini(&stream->sse);
	td_buf_fini(&stream->query);
	td_buf_fini(&stream->out);
	td_buf_fini(&stream->said);
	free(stream->in);
	stream->in = NULL;
}

void td_http_stream_restart(struct td_http_stream *stream)
{
	hang_up(stream);
	stream->state = TD_STREAM_WAITING;
	stream->due = 0;
	stream->failures = 0;
}

/* Again, after a while; the reason is kept for who asks. */
static void broke(struct td_http_stream *stream)
{
	hang_up(stream);
	stream->state = TD_STREAM_WAITING;
	stream->failures++;
	stream->due = td_http_now() + td_http_pause_ms(stream->http, stream->failures) * 1000000;
}

static void broke_by(struct td_http_stream *stream, int sys_errno, const char *what)
{
	if (sys_errno != 0)
		td_error_system(&stream->err, sys_errno, "%s", stream->http->url.authority);
	else
		td_error_set(&stream->err, TD_E_UNREACHABLE, TD_NO_OFFSET, "%s: %s",
			stream->http->url.authority, what);
	stream->err.code = TD_E_UNREACHABLE;
	broke(stream);
}

static int fail(struct td_http_stream *stream)
{
	hang_up(stream);
	stream->state = TD_STREAM_FAILED;
	return stream->err.code;
}

/* --- connecting --------------------------------------------------------------------------- */

static int64_t in_ms(int64_t ms)
{
	return td_http_now() + ms * 1000000;
}

/* Each step answers whether there is another that can be made now. */
static bool connect_now(struct td_http_stream *stream)
{
	int code;

	if (td_http_now() < stream->due)
		return false;
	code = td_http_dial(stream->http, stream->address, &stream->connection);
	if (code != 0) {
		stream->connection = -1;
		stream->address++;
		broke_by(stream, code, NULL);
		return false;
	}
	stream->dialled++;
	stream->state = TD_STREAM_CONNECTING;
	stream->due = in_ms(STEP_MS);
	return true;
}

static bool write_request(struct td_http_stream *stream)
{
	const struct td_http_url *url = &stream->http->url;
	struct td_buf target = TD_BUF_INIT(64 * 1024);
	struct td_http_writer writer;
	char id[24];
	int code;

	td_buf_reset(&stream->out);
	td_buf_add_string(&target, "/v1/events/follow");
	if (stream->query.len > 0) {
		td_buf_add_char(&target, '?');
		td_buf_add_text(&target, td_buf_view(&stream->query));
	}
	snprintf(id, sizeof(id), "%llu", (unsigned long long)(stream->next - 1));
	code = td_buf_check(&target, &stream->err);
	if (code == 0) {
		td_http_write_request(&writer, &stream->out, TD_HTTP_GET, td_buf_view(&target),
			td_text(url->authority));
		td_http_write_field(&writer, "User-Agent", td_text("libtidings"));
		td_http_write_field(&writer, "Accept", td_text("text/event-stream"));
		td_http_write_field(&writer, "Last-Event-ID", td_text(id));
		if (url->authorization != NULL)
			td_http_write_field(&writer, "Authorization", td_text(url->authorization));
		code = td_http_write_body(&writer, td_text(""), &stream->err);
	}
	td_buf_fini(&target);
	return code == 0;
}

static bool finish_connect(struct td_http_stream *stream)
{
	int code = td_net_connected(&td_net_plain, stream->connection);

	if (code == EAGAIN && td_http_now() < stream->due)
		return false;
	if (code != 0) {
		stream->address++;
		broke_by(stream, code == EAGAIN ? ETIMEDOUT : code, NULL);
		return false;
	}
	if (!write_request(stream)) {
		broke(stream); /* no memory */
		return false;
	}
	stream->state = TD_STREAM_SENDING;
	stream->due = in_ms(STEP_MS);
	return true;
}

static bool send_more(struct td_http_stream *stream)
{
	size_t put = 0;
	int code = td_net_write(&td_net_plain, stream->connection, stream->out.at + stream->sent,
		stream->out.len - stream->sent, &put);

	if (code == EAGAIN && td_http_now() < stream->due)
		return false;
	if (code != 0) {
		broke_by(stream, code == EAGAIN ? ETIMEDOUT : code, NULL);
		return false;
	}
	stream->sent += put;
	if (stream->sent < stream->out.len)
		return true;
	explicit_bzero(stream->out.at, stream->out.len); /* it may hold a password */
	td_buf_reset(&stream->out);
	stream->reader = (struct td_http_reader){0};
	stream->state = TD_STREAM_HEAD;
	return true;
}

/* --- reading ------------------------------------------------------------------------------ */

/* More bytes behind those that are there. false: none now, or it broke. */
static bool read_more(struct td_http_stream *stream)
{
	size_t got = 0;
	int code;

	if (stream->in_at == stream->in_len)
		stream->in_at = stream->in_len = 0;
	if (stream->in_len == IN_BYTES) {
		broke_by(stream, 0, "a head without an end");
		return false;
	}
	code = td_net_read(&td_net_plain, stream->connection, stream->in + stream->in_len,
		IN_BYTES - stream->in_len, &got);
	if (code == EAGAIN && td_http_now() < stream->due)
		return false;
	if (code == EAGAIN)
		broke_by(stream, 0, "silent for too long");
	else if (code != 0)
		broke_by(stream, code, NULL);
	else if (got == 0)
		broke_by(stream, 0, "the server ended the stream");
	else
		stream->in_len += got;
	return code == 0 && got > 0;
}

static bool is_stream(struct td_text fields)
{
	struct td_http_media media;
	struct td_text type;

	return td_http_field(fields, "content-type", &type) == 1 &&
	       td_http_media_read(type, &media) && td_http_media_is(&media, "text/event-stream");
}

static bool read_head(struct td_http_stream *stream)
{
	struct td_http_answer answer;
	enum td_http_parsed parsed = td_http_read_response(&stream->reader, &limits, TD_HTTP_GET,
		stream->in + stream->in_at, stream->in_len - stream->in_at, &answer);

	if (parsed == TD_HTTP_WRONG) {
		broke_by(stream, 0, td_http_error_why(answer.error));
		return false;
	}
	if (parsed == TD_HTTP_MORE)
		return read_more(stream);
	stream->in_at += answer.bytes;
	stream->reader = (struct td_http_reader){0};
	if (answer.status < 200)
		return true;
	td_http_body_init(&stream->body, answer.framing, answer.length, &limits);
	stream->status = answer.status;
	if (answer.status == 200 && is_stream(answer.fields)) {
		stream->state = TD_STREAM_LIVE;
		stream->due = in_ms(SILENT_MS);
		return true;
	}
	td_buf_reset(&stream->said);
	td_buf_add_text(&stream->said, answer.fields);
	stream->fields_bytes = stream->said.len;
	stream->state = TD_STREAM_REFUSED;
	return true;
}

/* The next piece of the body. */
static enum td_http_body_read next_piece(struct td_http_stream *stream)
{
	size_t taken;
	enum td_http_body_read read = td_http_body_next(&stream->body, stream->in + stream->in_at,
		stream->in_len - stream->in_at, &taken, &stream->piece);

	stream->in_at += taken;
	return read;
}

static void judge_refusal(struct td_http_stream *stream)
{
	struct td_text all = td_buf_view(&stream->said);
	struct td_text fields = td_text_of(all.at, stream->fields_bytes);

	if (all.at == NULL)
		all = fields = td_text("");
	td_http_problem_read(stream->status, fields,
		td_text_of(all.at + fields.len, all.len - fields.len), NULL, &stream->err);
	if (td_http_status_passes(stream->status))
		broke(stream);
	else
		fail(stream);
}

/* What the server says instead of a stream: as much of it as there is room for. */
static bool read_refusal(struct td_http_stream *stream)
{
	enum td_http_body_read read = next_piece(stream);

	if (read == TD_HTTP_PIECE && stream->said.len + stream->piece.len <= SAID_MAX) {
		td_buf_add_text(&stream->said, stream->piece);
		return true;
	}
	if (read == TD_HTTP_BODY_MORE && read_more(stream))
		return true;
	if (stream->state == TD_STREAM_REFUSED && read == TD_HTTP_BODY_MORE)
		return false;
	judge_refusal(stream); /* whole, or it broke in the middle of it */
	return false;
}

/* --- events ------------------------------------------------------------------------------- */

static bool read_number(struct td_text text, uint64_t *number)
{
	return td_http_json_u64((struct td_json){TD_JSON_NUMBER, text}, number);
}

/* The server passed events that are not asked for. */
static void pass(struct td_http_stream *stream)
{
	uint64_t id;

	if (td_sse_between(&stream->sse) && read_number(td_buf_view(&stream->sse.id), &id) &&
		id >= stream->next)
		stream->next = id + 1;
}

/* 0, TD_STREAM_NOTHING (it was none to be given), or it cannot be read. */
static int take(struct td_http_stream *stream, const struct td_sse_event *sse,
	struct td_event **event, struct td_where *where)
{
	struct td_json object;
	int code;

	if (td_text_is(sse->event, "gap")) {
		td_http_stream_restart(stream); /* we were slow: what was left out comes now */
		return TD_STREAM_NOTHING;
	}
	code = td_json_parse(sse->data, 0, &object, &stream->err);
	if (code == 0)
		code = td_http_event_read(event, where, object, &stream->err);
	if (code != 0)
		return code;
	stream->failures = stream->unreadable = 0;
	if (where->position < stream->next) {
		td_event_unref(*event);
		return TD_STREAM_NOTHING;
	}
	stream->next = where->position + 1;
	return 0;
}

/* What cannot be read is asked for again, and then it is for good: nothing is passed over. */
static int unreadable(struct td_http_stream *stream, int code)
{
	if (code == TD_E_NOMEM || ++stream->unreadable < UNREADABLE_MAX) {
		broke(stream);
		return TD_STREAM_NOTHING;
	}
	td_error_wrap(&stream->err, code, "%s", stream->http->url.authority);
	return fail(stream);
}

/* An event; TD_STREAM_NOTHING: look at the state; other codes are for good. */
static int read_event(
	struct td_http_stream *stream, struct td_event **event, struct td_where *where)
{
	struct td_sse_event sse;
	size_t taken;
	int code;

	while (stream->state == TD_STREAM_LIVE) {
		if (stream->piece.len > 0) {
			enum td_sse_parsed parsed = td_sse_read(
				&stream->sse, stream->piece.at, stream->piece.len, &taken, &sse);

			stream->piece =
				td_text_of(stream->piece.at + taken, stream->piece.len - taken);
			if (parsed == TD_SSE_FAILED) {
				td_error_set(&stream->err, stream->sse.code, TD_NO_OFFSET, "%s",
					td_error_meaning(stream->sse.code));
				return unreadable(stream, stream->sse.code);
			}
			if (parsed == TD_SSE_MORE) {
				pass(stream);
				continue;
			}
			code = take(stream, &sse, event, where);
			if (code == 0)
				return 0;
			if (code != TD_STREAM_NOTHING)
				return unreadable(stream, code);
			continue;
		}
		switch (next_piece(stream)) {
		case TD_HTTP_PIECE:
			stream->due = in_ms(SILENT_MS);
			break;
		case TD_HTTP_BODY_MORE:
			if (!read_more(stream))
				return TD_STREAM_NOTHING;
			break;
		case TD_HTTP_BODY_END: /* it stops, or restarts */
			broke_by(stream, 0, "the server ended the stream");
			break;
		case TD_HTTP_BODY_WRONG:
			broke_by(stream, 0,
				td_http_error_why((enum td_http_error)stream->body.error));
			break;
		}
	}
	return TD_STREAM_NOTHING;
}

int td_http_stream_next(struct td_http_stream *stream, struct td_event **event,
	struct td_where *where, struct td_error *err)
{
	bool more = true;

	while (more) {
		int code;

		switch (stream->state) {
		case TD_STREAM_WAITING:
			more = connect_now(stream);
			break;
		case TD_STREAM_CONNECTING:
			more = finish_connect(stream);
			break;
		case TD_STREAM_SENDING:
			more = send_more(stream);
			break;
		case TD_STREAM_HEAD:
			more = read_head(stream);
			break;
		case TD_STREAM_REFUSED:
			more = read_refusal(stream);
			break;
		case TD_STREAM_LIVE:
			code = read_event(stream, event, where);
			if (code == 0)
				return 0;
			more = false;
			break;
		case TD_STREAM_FAILED:
			more = false;
			break;
		}
	}
	if (stream->state != TD_STREAM_FAILED)
		return TD_STREAM_NOTHING;
	if (err != NULL)
		*err = stream->err;
	return stream->err.code;
}

/* --- waiting ------------------------------------------------------------------------------ */

unsigned td_http_stream_interest(const struct td_http_stream *stream)
{
	if (stream->connection < 0)
		return 0;
	return stream->state == TD_STREAM_CONNECTING || stream->state == TD_STREAM_SENDING
		       ? TD_NET_WRITE
		       : TD_NET_READ;
}

bool td_http_stream_starved(const struct td_http_stream *stream)
{
	return stream->failures > 0 && stream->err.code == TD_E_NOMEM;
}

void td_http_stream_wait(const struct td_http_stream *stream, int64_t deadline)
{
	if (stream->state == TD_STREAM_FAILED)
		return;
	td_dial_wait(stream->connection, td_http_stream_interest(stream),
		stream->due < deadline ? stream->due : deadline);
}
