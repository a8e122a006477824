/*
 * lines: what request.c and response.c share with reader.c. Private to this room.
 */
#ifndef TD_WIRE_HTTP_LINES_H
#define TD_WIRE_HTTP_LINES_H

#include "wire/http/host.h"
#include "wire/http/reader.h"
#include "wire/http/scan.h"

/* What the fields of a head have said, so far. */
enum {
	TD_HTTP_SAID_HOST = 1,
	TD_HTTP_SAID_LENGTH = 2,
	TD_HTTP_SAID_CODING = 4,
	TD_HTTP_SAID_CLOSE = 8,
	TD_HTTP_SAID_KEEP = 16,
	TD_HTTP_SAID_CONTINUE = 32,
};

/* One head, while it is read. */
struct td_http_lines {
	struct td_http_reader *reader;
	const struct td_http_limits *limits; /* none is 0 */
	const char *bytes;
	size_t len;
	bool response;
};

typedef enum td_http_error td_http_first_line(const struct td_http_lines *in, struct td_text line);

/*
 * Judge what lines there are: `first` reads the first one. WHOLE: all are there, reader->line is
 * where the body begins. WRONG: reader->error.
 */
enum td_http_parsed td_http_read_lines(const struct td_http_lines *in, td_http_first_line *first);

/* WRONG, now and for ever. */
enum td_http_parsed td_http_refuse(struct td_http_reader *reader, enum td_http_error error);
/* "HTTP/1.0" or "HTTP/1.x"; TD_HTTP_E_VERSION, or `malformed` if it is no version at all. */
enum td_http_error td_http_read_version(
	struct td_text text, enum td_http_error malformed, uint8_t *minor);
/* Whether the connection lives on, RFC 9112, section 9.3. */
bool td_http_keeps(const struct td_http_reader *reader);
struct td_http_range td_http_range_of(const struct td_http_lines *in, struct td_text text);
struct td_text td_http_text_of(const struct td_http_lines *in, struct td_http_range range);
struct td_text td_http_fields_of(const struct td_http_lines *in);

#endif
