/*
 * scan: classes of bytes, and the first control byte, eight at a time. Private to this room.
 */
#ifndef TD_WIRE_HTTP_SCAN_H
#define TD_WIRE_HTTP_SCAN_H

#include "base/base.h"

enum {
	TD_HTTP_TOKEN = 1, /* tchar, RFC 9110, section 5.6.2 */
	TD_HTTP_PCHAR = 2, /* pchar without "%", and "/"; RFC 3986, section 3.3 */
	TD_HTTP_QUERY = 4, /* those, "?", and what browsers leave bare in a query: []{}|\^` */
	TD_HTTP_HOST = 8,  /* reg-name without "%"; RFC 3986, section 3.2.2 */
	TD_HTTP_DIGIT = 16,
	TD_HTTP_HEX = 32,
	TD_HTTP_TOKEN68 = 64, /* but for its "=" at the end; RFC 9110, section 11.2 */
};
extern const uint8_t td_http_classes[256];

static inline bool td_http_is(char c, unsigned classes)
{
	return (td_http_classes[(unsigned char)c] & classes) != 0;
}

static inline char td_http_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline bool td_http_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* How many bytes from `at` on are of one of the classes. */
static inline size_t td_http_span(const char *at, const char *end, unsigned classes)
{
	const char *start = at;

	while (at < end && td_http_is(*at, classes))
		at++;
	return (size_t)(at - start);
}

/* OWS around it taken off; never absent. RFC 9110, section 5.6.3. */
static inline struct td_text td_http_trim(const char *at, const char *end)
{
	while (at < end && td_http_is_blank(*at))
		at++;
	while (end > at && td_http_is_blank(end[-1]))
		end--;
	return td_text_of(at, (size_t)(end - at));
}

/* The first byte below a blank, or DEL; `end` if there is none. */
const char *td_http_control(const char *at, const char *end);
/* One to `digits` decimal digits, no zero before others; false: something else. digits <= 19. */
bool td_http_number(struct td_text text, unsigned digits, uint64_t *value);
/* A whole token. */
bool td_http_is_token(struct td_text text);

#endif
