/*
 * What a request is for: the path in segments, the query in parameters, percent-decoded exactly
 * once and only after they were taken apart. So an encoded slash is a byte of its segment, an
 * encoded "&" a byte of its value, and nothing decoded is ever decoded or taken apart again.
 *
 *	/v1/subjects/a%2Fb@7/events?type=A&type=B+C
 *	 '1'-- 2 ----'- 3 -'@7--'4'  type=A, type="B C"
 *
 * Refused: NUL; what is not UTF-8 when decoded; segments "." and ".." however they are written, so
 * that nobody before us can have meant another path. An empty segment is one ("//", and behind a
 * slash at the end), and fits no route.
 */
#ifndef TD_WIRE_HTTP_TARGET_H
#define TD_WIRE_HTTP_TARGET_H

#include "base/base.h"
#include "wire/http/error.h"

#define TD_HTTP_SEGMENTS_MAX   16u
#define TD_HTTP_PARAMETERS_MAX 64u
#define TD_HTTP_NO_MARK        SIZE_MAX

struct td_http_segment {
	struct td_text text;
	size_t mark; /* where in `text` the last "@" stands that was not encoded; or NO_MARK */
};

struct td_http_parameter {
	struct td_text name, value; /* "name" alone has an empty value */
};

/* Views into the target, or, where there was something to decode, into the buffer. */
struct td_http_target {
	struct td_http_segment segments[TD_HTTP_SEGMENTS_MAX];
	struct td_http_parameter parameters[TD_HTTP_PARAMETERS_MAX];
	uint32_t segment_count;   /* 0: "/" */
	uint32_t parameter_count; /* empty ones ("&&") are none */
};

/*
 * `path` and `query` as a request has them (query may be absent). `buf` is emptied first and made
 * as large as both at most, once: it does not move afterwards. In a query "+" is a blank. *target
 * is written on TD_HTTP_FINE only.
 */
enum td_http_error td_http_read_target(struct td_http_target *target, struct td_text path,
	struct td_text query, struct td_buf *buf);

/*
 * How many parameters have that name, and the value of the first; absent if there is none. Where
 * only one makes sense, more than one is a wrong request.
 */
unsigned td_http_parameter(
	const struct td_http_target *target, const char *name, struct td_text *value);
/* The next value of that name: *at begins at 0. false: no more. */
bool td_http_parameter_next(
	const struct td_http_target *target, const char *name, uint32_t *at, struct td_text *value);

/* --- writing ------------------------------------------------------------------------------ */

/* Append a segment or a parameter's name or value so that it reads back: all but "unreserved"
 * (RFC 3986, section 2.3) as %XY. */
void td_http_add_encoded(struct td_buf *buf, struct td_text text);

#endif
