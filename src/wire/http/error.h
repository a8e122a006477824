/*
 * What can be wrong with a message, and with which status a server says so.
 *
 * Whatever is wrong here leaves no doubt but one: where the next message begins. So the connection
 * ends behind the answer, always (RFC 9112, section 9.6: `Connection: close`).
 */
#ifndef TD_WIRE_HTTP_ERROR_H
#define TD_WIRE_HTTP_ERROR_H

#include <stdbool.h>
#include <stddef.h>

/* clang-format off */
/*  X(name, status, why) */
#define TD_HTTP_ERROR_TABLE(X) \
	X(EMPTY_LINES,     400, "more than one empty line before the request") \
	X(CONTROL,         400, "a control byte in the head") \
	X(BARE_LF,         400, "a line that ends with LF alone") \
	X(BARE_CR,         400, "a CR without an LF behind it") \
	X(REQUEST_LINE,    400, "the first line is not METHOD TARGET HTTP/1.1, one blank between") \
	X(METHOD,          501, "a method that is not known here") \
	X(VERSION,         505, "only HTTP/1.1 and HTTP/1.0 are spoken here") \
	X(TARGET,          400, "the target is not a path, or not a URL of http or https") \
	X(TARGET_BYTE,     400, "a byte in the target that must be percent-encoded") \
	X(TARGET_LONG,     414, "the target is too long") \
	X(FOLDED,          400, "a line that begins with a blank") \
	X(FIELD,           400, "a line that is not NAME: VALUE, without a blank before the colon") \
	X(FIELD_LONG,      431, "a field that is too long") \
	X(FIELDS,          431, "too many fields") \
	X(HEAD_LONG,       431, "the head is too long") \
	X(HOST_MISSING,    400, "no Host") \
	X(HOST_SEVERAL,    400, "more than one Host") \
	X(HOST,            400, "Host is not a host with or without a port") \
	X(HOST_DIFFERS,    400, "Host is another one than the target's") \
	X(LENGTH,          400, "Content-Length is not a plain number") \
	X(LENGTH_SEVERAL,  400, "more than one Content-Length") \
	X(LENGTH_CODING,   400, "both Content-Length and Transfer-Encoding") \
	X(CODING,          400, "a Transfer-Encoding that does not end with one `chunked`") \
	X(CODING_UNKNOWN,  501, "a transfer coding other than `chunked`") \
	X(CODING_SEVERAL,  400, "more than one Transfer-Encoding") \
	X(CODING_OLD,      400, "Transfer-Encoding in HTTP/1.0") \
	X(EXPECT,          417, "an expectation other than `100-continue`") \
	X(BODY_LONG,       413, "the body is too long") \
	X(CHUNK_SIZE,      400, "a chunk's size that is not a hexadecimal number of 1 to 15 digits") \
	X(CHUNK_EXTENSION, 400, "a chunk's extension that is not NAME or NAME=VALUE") \
	X(CHUNK_LINE,      400, "a chunk's line that does not end with CRLF") \
	X(CHUNK_END,       400, "no CRLF behind a chunk's data") \
	X(CHUNK_LONG,      400, "chunk extensions that are too long") \
	X(TRAILER,         400, "a trailer that is not NAME: VALUE CRLF") \
	X(TRAILER_LONG,    431, "trailers that are too long, or too many") \
	X(PERCENT,         400, "a percent sign without two hexadecimal digits in the target") \
	X(NUL,             400, "an encoded NUL in the target") \
	X(UTF8,            400, "the target, decoded, is not UTF-8") \
	X(DOTS,            400, "a segment `.` or `..` in the path") \
	X(SEGMENTS,        414, "too many segments in the path") \
	X(PARAMETERS,      414, "too many parameters in the query") \
	X(MEMORY,          503, "memory could not be had") \
	X(STATUS_LINE,     502, "the first line is not HTTP/1.1 STATUS REASON")
/* clang-format on */

enum td_http_error {
	TD_HTTP_FINE = 0,
#define TD_HTTP_ERROR_ENUM(name, status, why) TD_HTTP_E_##name,
	TD_HTTP_ERROR_TABLE(TD_HTTP_ERROR_ENUM)
#undef TD_HTTP_ERROR_ENUM
		TD_HTTP_ERRORS,
};

/* The status of the answer; 200 of TD_HTTP_FINE. */
int td_http_error_status(enum td_http_error error);
/* One line for people. */
const char *td_http_error_why(enum td_http_error error);
/* The phrase of a status that this library answers with ("Not Found"); of others "Status". */
const char *td_http_phrase(int status);

#endif
