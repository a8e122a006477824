/*
 * Which route a request is on: a table of method and pattern, looked through from its top.
 *
 *	static const struct td_http_route routes[] = {
 *		{TD_HTTP_GET,  "/v1/events/follow",                 FOLLOW},
 *		{TD_HTTP_GET,  "/v1/events/{id}",                   EVENT},
 *		{TD_HTTP_GET,  "/v1/subjects/{subject}@{revision}", STATE_AT},
 *		{TD_HTTP_GET,  "/v1/subjects/{subject}",            STATE},
 *		{TD_HTTP_POST, "/v1/subjects/{subject}/events",     APPEND},
 *		...
 *
 * A segment of a pattern is a word, or {name}, which takes a segment that is not empty, or
 * {name}@{number}: the last bare "@" of a segment with nothing but digits behind it ("%40" is a
 * byte of the name). The first row whose pattern fits decides for its pattern: its rows (they stand
 * together) say which methods there are. So words stand before {name}, and {name}@{number} before
 * {name}; td_http_routes_verify() holds it. HEAD goes where GET does, OPTIONS is answered for all.
 */
#ifndef TD_WIRE_HTTP_ROUTE_H
#define TD_WIRE_HTTP_ROUTE_H

#include "wire/http/request.h"
#include "wire/http/target.h"

#define TD_HTTP_CAPTURES_MAX 4u

struct td_http_route {
	enum td_http_method method;
	const char *pattern;
	unsigned id; /* what the table's owner calls it */
};

enum td_http_routed {
	TD_HTTP_FOUND,
	TD_HTTP_NOT_FOUND,   /* 404 */
	TD_HTTP_NOT_ALLOWED, /* 405, with Allow */
	TD_HTTP_ASKED,       /* OPTIONS: 204, with Allow */
};

struct td_http_match {
	const struct td_http_route *route; /* FOUND */
	uint32_t captured_count;
	struct td_text captured[TD_HTTP_CAPTURES_MAX]; /* in the order of the pattern; views as the
							  target's */
	unsigned allow; /* FOUND, NOT_ALLOWED, ASKED: a set of methods */
};

/* `target` is not looked at for OPTIONS *, which asks for the whole table (`form`). */
enum td_http_routed td_http_find_route(const struct td_http_route *routes, size_t count,
	enum td_http_method method, enum td_http_form form, const struct td_http_target *target,
	struct td_http_match *match);
/* "GET, HEAD, OPTIONS": the value of Allow. */
void td_http_add_methods(struct td_buf *buf, unsigned methods);
/*
 * Whether the table is one: patterns well-formed, rows of one pattern together, each method once,
 * no row hidden by one above it. Else the number of the first row that is not right, from 1; 0:
 * all are.
 */
size_t td_http_routes_verify(const struct td_http_route *routes, size_t count);

#endif
