/*
 * The head of a request, RFC 9112: strict. What two programs could read in two ways is refused,
 * whether or not the RFC would let it pass:
 *
 *	- lines end with CRLF; no line is folded; no blank before a colon, none before the first
 *	  field; one empty line before the request is passed over (section 2.2), not two;
 *	- one blank on either side of the target; HTTP/1.1 in capitals; a higher minor version is
 *	  read as HTTP/1.1;
 *	- the target is a path, or an http or https URL without user, or * of OPTIONS; CONNECT is
 *	  not known here. What a URL may not hold is refused (RFC 3986), but for what browsers leave
 *	  bare in a query: []{}|\^`
 *	- one Host, and one only, with a host in it; beside a URL it says the same;
 *	- one Content-Length without sign, list or leading zeros, or one Transfer-Encoding that is
 *	  `chunked`, of HTTP/1.1, never both;
 *	- the only expectation is 100-continue.
 *
 * When a body is too long by its Content-Length, that is an error of the head already.
 */
#ifndef TD_WIRE_HTTP_REQUEST_H
#define TD_WIRE_HTTP_REQUEST_H

#include "wire/http/reader.h"

enum td_http_form {
	TD_HTTP_ORIGIN,   /* /path?query */
	TD_HTTP_ABSOLUTE, /* http://host/path?query */
	TD_HTTP_ASTERISK, /* OPTIONS * */
};

/* Views into the buffer; they live as long as the bytes stand there. */
struct td_http_request {
	enum td_http_error error; /* of WRONG; then the rest means nothing */
	enum td_http_method method;
	enum td_http_form form;
	enum td_http_framing framing;
	uint64_t length;       /* BY_LENGTH */
	uint8_t minor;         /* HTTP/1.0 or HTTP/1.1 */
	bool keep_alive;       /* the client expects more on this connection */
	bool expect_continue;  /* it waits for "100 Continue" before it sends the body */
	struct td_text target; /* as it stands */
	struct td_text path;   /* raw, begins with "/"; "*" of ASTERISK */
	struct td_text query;  /* raw, without "?"; absent if there is none */
	struct td_text host;   /* with port, if said; absent only in HTTP/1.0 */
	struct td_text fields; /* for td_http_field_next() */
	uint32_t fields_count;
	size_t bytes; /* the head takes so many; the body begins there */
};

/* `bytes`: the message from its first byte on. *request is written on WHOLE and WRONG. */
enum td_http_parsed td_http_read_request(struct td_http_reader *reader,
	const struct td_http_limits *limits, const char *bytes, size_t len,
	struct td_http_request *request);

#endif
