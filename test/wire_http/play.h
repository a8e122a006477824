/*
 * A connection's bytes as one line of text, so that tables can be read and cuts be compared. What
 * stands in the buffer is always in memory of just that size: overreads show.
 *
 *	GET /a?b h close; POST /c h =the body; 400 BARE_LF
 *
 * `close` ends the line, as it ends a connection; "MORE" at the end: what came was no whole
 * message. Used by tests and fuzz targets.
 */
#ifndef HTTP_PLAY_H
#define HTTP_PLAY_H

#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "wire/http/http.h"

struct play {
	const struct td_http_limits *limits;
	struct td_buf *out;
	struct td_http_reader reader;
	struct td_http_body body;
	size_t start;   /* of the message, or of what is left of its body */
	bool in_body;   /* else a head is due */
	bool closes;    /* behind this message */
	bool responses; /* what is played are responses, to `asked` */
	enum td_http_method asked;
	bool over;
	struct td_buf gathered;
};

static inline const char *play_error(enum td_http_error error)
{
	static const char *const names[] = {"FINE",
#define PLAY_ERROR(name, status, why) #name,
		TD_HTTP_ERROR_TABLE(PLAY_ERROR)
#undef PLAY_ERROR
	};

	return names[error];
}

static inline void play_begin(
	struct play *play, const struct td_http_limits *limits, struct td_buf *out)
{
	*play = (struct play){.limits = limits, .out = out};
	td_buf_init(&play->gathered, SIZE_MAX / 2);
}

static inline void play_wrong(struct play *play, enum td_http_error error)
{
	td_buf_printf(play->out, "%d %s", td_http_error_status(error), play_error(error));
	play->over = true;
}

static inline void play_next(struct play *play)
{
	if (play->out->len > 0)
		td_buf_add_string(play->out, "; ");
}

static inline void play_request(struct play *play, const struct td_http_request *request)
{
	play_next(play);
	td_buf_printf(play->out, "%s %.*s", td_http_method_name(request->method),
		TD_TEXT_ARG(request->target));
	if (request->host.at != NULL)
		td_buf_printf(play->out, " %.*s", TD_TEXT_ARG(request->host));
	if (request->minor == 0)
		td_buf_add_string(play->out, " 1.0");
	if (request->expect_continue)
		td_buf_add_string(play->out, " continue");
	play->closes = !request->keep_alive;
	td_http_body_init(&play->body, request->framing, request->length, play->limits);
	play->start += request->bytes;
}

static inline void play_response(struct play *play, const struct td_http_answer *answer)
{
	play_next(play);
	td_buf_printf(play->out, "%u %.*s", answer->status, TD_TEXT_ARG(answer->reason));
	play->closes = !answer->keep_alive && answer->status >= 200;
	td_http_body_init(&play->body, answer->framing, answer->length, play->limits);
	play->start += answer->bytes;
}

static inline enum td_http_parsed play_read(
	struct play *play, const char *bytes, size_t len, enum td_http_error *error)
{
	struct td_http_request request;
	struct td_http_answer answer;
	enum td_http_parsed parsed;

	if (play->responses) {
		parsed = td_http_read_response(
			&play->reader, play->limits, play->asked, bytes, len, &answer);
		*error = answer.error;
		if (parsed == TD_HTTP_WHOLE)
			play_response(play, &answer);
		return parsed;
	}
	parsed = td_http_read_request(&play->reader, play->limits, bytes, len, &request);
	*error = request.error;
	if (parsed == TD_HTTP_WHOLE)
		play_request(play, &request);
	return parsed;
}

/* false: there is no more to be had from these bytes. */
static inline bool play_head(struct play *play, const char *bytes, size_t len)
{
	enum td_http_error error;
	enum td_http_parsed parsed =
		play_read(play, bytes + play->start, len - play->start, &error);

	if (parsed == TD_HTTP_WRONG) {
		play_next(play);
		play_wrong(play, error);
	}
	if (parsed != TD_HTTP_WHOLE)
		return false;
	td_buf_reset(&play->gathered);
	play->in_body = true;
	return true;
}

static inline bool play_body_end(struct play *play)
{
	if (play->body.framing != TD_HTTP_NO_BODY)
		td_buf_printf(play->out, " =%.*s", TD_TEXT_ARG(td_buf_view(&play->gathered)));
	if (play->closes)
		td_buf_add_string(play->out, " close");
	play->over = play->closes;
	play->in_body = false;
	play->reader = (struct td_http_reader){0};
	return !play->over;
}

static inline bool play_body(struct play *play, const char *bytes, size_t len)
{
	struct td_text piece;
	size_t taken;
	enum td_http_body_read read = td_http_body_next(
		&play->body, bytes + play->start, len - play->start, &taken, &piece);

	play->start += taken;
	TD_ASSERT(play->start <= len);
	switch (read) {
	case TD_HTTP_BODY_MORE:
		TD_ASSERT(play->start == len);
		return false;
	case TD_HTTP_PIECE:
		TD_ASSERT(piece.len > 0 && piece.at >= bytes + play->start - taken &&
			  piece.at + piece.len <= bytes + play->start);
		td_buf_add_text(&play->gathered, piece);
		return true;
	case TD_HTTP_BODY_WRONG:
		td_buf_add_char(play->out, ' ');
		play_wrong(play, (enum td_http_error)play->body.error);
		return false;
	case TD_HTTP_BODY_END:
		break;
	}
	return play_body_end(play);
}

/* The first `len` of the bytes are there now. */
static inline void play_upto(struct play *play, const char *bytes, size_t len)
{
	char *exact = malloc(len > 0 ? len : 1);

	TD_ASSERT(exact != NULL);
	if (len > 0)
		memcpy(exact, bytes, len);
	while (!play->over &&
		(play->in_body ? play_body(play, exact, len) : play_head(play, exact, len)))
		;
	free(exact);
}

/* The connection ends here. */
static inline void play_end(struct play *play, size_t len)
{
	if (!play->over && play->in_body && play->body.framing == TD_HTTP_BY_CLOSE &&
		td_http_body_may_close(&play->body))
		play_body_end(play);
	else if (!play->over && (play->in_body || play->start < len))
		td_buf_add_string(play->out, play->out->len > 0 ? "; MORE" : "MORE");
	td_buf_fini(&play->gathered);
}

#endif
