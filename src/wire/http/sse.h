/*
 * Server-Sent Events, as the HTML standard has them (section 9.2): a text/event-stream, written and
 * read.
 *
 *	id: 42          the cursor a client comes back with (Last-Event-ID)
 *	event: OrderPlaced
 *	data: {"total":
 *	data: 7}
 *	                an empty line: the event is whole
 *	: still here    a comment, which keeps the connection alive
 */
#ifndef TD_WIRE_HTTP_SSE_H
#define TD_WIRE_HTTP_SSE_H

#include "base/base.h"

/*
 * Append an event. `id` and `event` may be absent; with a line's end or a NUL in one of them nothing
 * is written: false. Data is written a line at a time: CRLF, CR and LF all come out as LF.
 */
bool td_sse_add(struct td_buf *buf, struct td_text id, struct td_text event, struct td_text data);
/* ": text", and an empty line; of one line. */
void td_sse_add_comment(struct td_buf *buf, struct td_text text);
/* How long a client waits before it comes back. */
void td_sse_add_retry(struct td_buf *buf, uint32_t retry_ms);

/* --- reading ------------------------------------------------------------------------------ */

/* A stream as it is read. Its memory is bounded: of a line, and of an event's data. */
struct td_sse_reader {
	struct td_buf line, data, event, id;
	bool any;          /* a byte was read: a byte order mark is no longer one */
	bool cr;           /* the last byte was a CR: an LF behind it is part of that end */
	bool has_data;     /* of the event that gathers */
	bool given;        /* what `event` and `data` hold was handed out */
	int code;          /* of FAILED */
	uint32_t retry_ms; /* as the server said last; UINT32_MAX: not yet */
};

struct td_sse_event {
	struct td_text id;    /* the last one said, also by events before; may be empty */
	struct td_text event; /* "message" if it was not said */
	struct td_text data;
};

void td_sse_reader_init(struct td_sse_reader *reader, size_t bytes_max);
void td_sse_reader_fini(struct td_sse_reader *reader);
enum td_sse_parsed {
	TD_SSE_MORE,   /* all bytes were taken, and no event is whole */
	TD_SSE_EVENT,  /* *event, valid until the next call */
	TD_SSE_FAILED, /* reader->code: TD_E_NOMEM, TD_E_TOO_LARGE; it is of no more use */
};

/* Read on, up to the end of an event at most. *taken says how many bytes were read. */
enum td_sse_parsed td_sse_read(struct td_sse_reader *reader, const char *bytes, size_t len,
	size_t *taken, struct td_sse_event *event);

/* Whether what was read ends between two events: then `id` stands for all that came before. */
static inline bool td_sse_between(const struct td_sse_reader *reader)
{
	return reader->given && reader->line.len == 0;
}

#endif
