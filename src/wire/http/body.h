/*
 * The body of a message, taken piece by piece out of the buffer it stands in.
 *
 *	buffer:  5;a=b CRLF hello CRLF 0 CRLF CRLF | GET / ...
 *	         '--- taken -----'
 *	                    piece
 *
 *	td_http_body_init(&body, request.framing, request.length, &limits);
 *	while ((read = td_http_body_next(&body, at, len, &taken, &piece)) == TD_HTTP_PIECE) {
 *		... piece lies inside the `taken` bytes: use it, or move it to where the body gathers
 *		at += taken;
 *		len -= taken;
 *	}
 *
 * MORE, too, takes all there is, so a buffer of any size will do. Chunks are strict (RFC 9112,
 * section 7.1): sizes of at most 15 hexadecimal digits, CRLF behind them at once; extensions are
 * checked, bounded and passed over; trailers too, and never merged into the fields. A piece ends
 * where its chunk does or the bytes do. 40 bytes, no memory of its own.
 */
#ifndef TD_WIRE_HTTP_BODY_H
#define TD_WIRE_HTTP_BODY_H

#include "wire/http/reader.h"

struct td_http_body {
	uint64_t left;  /* of the length, or of the chunk */
	uint64_t total; /* of the pieces so far */
	uint64_t bytes_max;
	uint32_t extra;     /* bytes of chunk extensions, then of trailers */
	uint32_t extra_max; /* of either */
	uint32_t lines_max; /* trailers that may still come */
	uint8_t framing, phase, digits;
	uint8_t error; /* enum td_http_error; once wrong, always */
};

enum td_http_body_read {
	TD_HTTP_BODY_MORE,
	TD_HTTP_PIECE,
	TD_HTTP_BODY_END,   /* what is behind `taken` is the next message */
	TD_HTTP_BODY_WRONG, /* body->error; answer it and close */
};

void td_http_body_init(struct td_http_body *body, enum td_http_framing framing, uint64_t length,
	const struct td_http_limits *limits);
/* *taken is always written, *piece with PIECE only. */
enum td_http_body_read td_http_body_next(struct td_http_body *body, const char *bytes, size_t len,
	size_t *taken, struct td_text *piece);
/* Whether the body is whole if the connection ends now. */
bool td_http_body_may_close(const struct td_http_body *body);

#endif
