/*
 * Reading the head of a message, as its bytes arrive: what requests (request.h) and responses
 * (response.h) have in common.
 *
 *	buffer:  POST /v1/events HTTP/1.1 CRLF Host: a CRLF Content-Le
 *	         '--------- judged ----------------------' '-looked-at'
 *
 * The bytes stay in the caller's buffer, from the first of the message on, until the head is whole;
 * the buffer may be moved and grown between two calls. The reader keeps offsets, 56 bytes, and
 * no memory of its own. Each byte is looked at once and each line judged once, when it is whole: so
 * the work is linear in the bytes however they were cut, and so is the answer always the same.
 * Lines are judged in order, so of two wrong things the first is told.
 */
#ifndef TD_WIRE_HTTP_READER_H
#define TD_WIRE_HTTP_READER_H

#include <stdint.h>

#include "event/event.h"
#include "wire/http/error.h"

/* 0 of a field means its default. */
struct td_http_limits {
	uint32_t target_bytes_max;  /* 8 KiB */
	uint32_t field_bytes_max;   /* 8 KiB: a line of the head, without its CRLF */
	uint32_t head_bytes_max;    /* 16 KiB */
	uint32_t fields_max;        /* 100 */
	uint32_t trailer_bytes_max; /* 4 KiB: trailers, and as much again for chunk extensions */
	uint64_t body_bytes_max;    /* 8 MiB */
};
/* All of them said. */
struct td_http_limits td_http_limits_of(const struct td_http_limits *limits);

enum td_http_parsed {
	TD_HTTP_MORE,
	TD_HTTP_WHOLE,
	TD_HTTP_WRONG, /* `error` says what; answer it and close */
};

/* How long the body is. RFC 9112, section 6.3. */
enum td_http_framing {
	TD_HTTP_NO_BODY,
	TD_HTTP_BY_LENGTH, /* `length` bytes, at least one */
	TD_HTTP_BY_CHUNKS,
	TD_HTTP_BY_CLOSE, /* of a response: until the connection ends */
};

/* A method; RFC 9110, section 9.3, and PATCH. Sets of them are bits, 1 << TD_HTTP_.... */
/* clang-format off */
#define TD_HTTP_METHOD_TABLE(X) \
	X(GET) X(HEAD) X(POST) X(PUT) X(PATCH) X(DELETE) X(OPTIONS)
/* clang-format on */
enum td_http_method {
#define TD_HTTP_METHOD_ENUM(name) TD_HTTP_##name,
	TD_HTTP_METHOD_TABLE(TD_HTTP_METHOD_ENUM)
#undef TD_HTTP_METHOD_ENUM
		TD_HTTP_METHODS,
};
const char *td_http_method_name(enum td_http_method method);

struct td_http_range {
	uint32_t at, len;
};

/* One message's head. Empty (`= {0}`) before each message. */
struct td_http_reader {
	uint32_t line;      /* where the line begins that is not judged yet */
	uint32_t looked_at; /* up to where it was searched for its end */
	uint32_t fields;    /* where the fields begin */
	uint32_t count;     /* of fields */
	uint16_t status;    /* of a response */
	uint8_t phase;
	uint8_t error; /* enum td_http_error; once wrong, always */
	uint8_t method, minor, form;
	uint8_t said; /* what fields have said, a set of bits (reader.c) */
	struct td_http_range target, host, reason;
	uint64_t length;
};

/* --- fields ------------------------------------------------------------------------------- */

/*
 * The fields of a head, in order. *rest begins as its `fields` and gets shorter. Names as they
 * stand, values without blanks around; bytes above 0x7F may be in a value.
 */
bool td_http_field_next(struct td_text *rest, struct td_http_header *field);
/*
 * How many fields have that name (given in small letters), and the value of the first; absent if
 * there is none. Where only one makes sense, more than one is a wrong request.
 */
unsigned td_http_field(struct td_text fields, const char *name, struct td_text *value);
/* Whether a text is the word, letters in any case; `word` in small letters. */
bool td_http_is_word(struct td_text text, const char *word);

#endif
