/*
 * Writing messages, appended to a buffer: responses, and the requests of a client.
 *
 *	td_http_write_response(&writer, &buf, &terms, 201, now);
 *	td_http_write_field(&writer, "ETag", td_text("\"7\""));
 *	code = td_http_write_body(&writer, body, &err);
 *
 * A message is ended by one of _body, _length and _stream, which say how long it is and whether
 * the connection lives on; the fields of that (Content-Length, Transfer-Encoding, Connection), Date
 * and Host are theirs, and a caller that writes one is a wrong program. A value with a control byte
 * in it fails the message, so that no value can end a line. What fails leaves the buffer as long as
 * it was: TD_E_INVALID with the field's name; TD_E_NOMEM or TD_E_TOO_LARGE, as the buffer has it.
 */
#ifndef TD_WIRE_HTTP_WRITE_H
#define TD_WIRE_HTTP_WRITE_H

#include "wire/http/request.h"

/* On what terms a response goes. */
struct td_http_terms {
	bool old;   /* the client speaks HTTP/1.0: no chunks, and it asks to be kept */
	bool head;  /* it asked with HEAD: the head says all, the body is left away */
	bool close; /* the connection ends behind this response */
};
/* Those of a request; views are not kept. NULL: of one that was refused, so it closes. */
struct td_http_terms td_http_terms_of(const struct td_http_request *request);

struct td_http_writer {
	struct td_buf *buf;
	size_t before; /* as long was the buffer */
	int status;    /* 0: a request */
	enum td_http_method method;
	struct td_http_terms terms; /* close: a stream to an old client closes, too */
	bool chunked;               /* of a stream: its pieces are chunks */
	const char *wrong;          /* the field that cannot be written, or NULL */
};

/* status: 200 to 599; interim ones are td_http_add_continue(). */
void td_http_write_response(struct td_http_writer *writer, struct td_buf *buf,
	const struct td_http_terms *terms, int status, td_time now);
/* `target` as it goes on the line (target.h encodes), `host` with port. */
void td_http_write_request(struct td_http_writer *writer, struct td_buf *buf,
	enum td_http_method method, struct td_text target, struct td_text host);
/* The name is a token. */
void td_http_write_field(struct td_http_writer *writer, const char *name, struct td_text value);

/* The end, and the body (of 204 and 304: empty). */
int td_http_write_body(struct td_http_writer *writer, struct td_text body, struct td_error *err);
/* The end of the head alone: as many bytes are sent from elsewhere, unless terms.head. */
int td_http_write_length(struct td_http_writer *writer, uint64_t length, struct td_error *err);
/* The end of the head; a body of unknown length follows, unless terms.head: of chunks, or until the
 * connection ends (`chunked`, and terms.close, say which). */
int td_http_write_stream(struct td_http_writer *writer, struct td_error *err);

/* --- chunks ------------------------------------------------------------------------------- */

/* Of no bytes: nothing, for that would be the end. */
void td_http_add_chunk(struct td_buf *buf, struct td_text piece);
/*
 * A chunk around what is written between the two calls: open gives what close wants. One that
 * stayed empty leaves nothing behind.
 */
size_t td_http_open_chunk(struct td_buf *buf);
void td_http_close_chunk(struct td_buf *buf, size_t opened);
void td_http_add_last_chunk(struct td_buf *buf);

/* --- odds and ends ------------------------------------------------------------------------ */

/* "100 Continue", for a request with expect_continue whose body is wanted. */
void td_http_add_continue(struct td_buf *buf);

#define TD_HTTP_DATE_BYTES 29 /* "Sun, 06 Nov 1994 08:49:37 GMT", without NUL */
/* RFC 9110, section 5.6.7. */
void td_http_date(td_time time, char text[TD_HTTP_DATE_BYTES]);

/*
 * One link of a Link field, RFC 8288: `</v1/events?from=8>; rel="next"`, with ", " before it if the
 * buffer is not empty. `target` as written to a request line.
 */
void td_http_add_link(struct td_buf *buf, struct td_text target, const char *rel);

#endif
