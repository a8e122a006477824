#include "wire/http/route.h"

#include "wire/http/scan.h"

/* One segment of a pattern. */
struct part {
	enum { WORD, NAME, NAME_NUMBER } kind;
	struct td_text word;
};

/* The next segment; false at the end. *pattern stands at a "/" or at the end. */
static bool next_part(const char **pattern, struct part *part)
{
	const char *at = *pattern, *end;

	if (*at != '/' || at[1] == '\0')
		return false;
	at++;
	end = at + strcspn(at, "/");
	*pattern = end;
	part->word = td_text_of(at, (size_t)(end - at));
	part->kind = WORD;
	if (*at == '{')
		part->kind = memchr(at, '@', part->word.len) != NULL ? NAME_NUMBER : NAME;
	return true;
}

static void capture(struct td_http_match *match, struct td_text text)
{
	TD_ASSERT(match->captured_count < TD_HTTP_CAPTURES_MAX);
	match->captured[match->captured_count++] = text;
}

static bool takes_number(const struct td_http_segment *segment, struct td_http_match *match)
{
	const char *at = segment->text.at, *end = at + segment->text.len, *digits;

	if (segment->mark == TD_HTTP_NO_MARK || segment->mark == 0)
		return false;
	digits = at + segment->mark + 1;
	if (digits == end || td_http_span(digits, end, TD_HTTP_DIGIT) != (size_t)(end - digits))
		return false;
	capture(match, td_text_of(at, segment->mark));
	capture(match, td_text_of(digits, (size_t)(end - digits)));
	return true;
}

static bool takes(
	const struct part *part, const struct td_http_segment *segment, struct td_http_match *match)
{
	switch (part->kind) {
	case WORD:
		return td_text_equal(part->word, segment->text);
	case NAME_NUMBER:
		return takes_number(segment, match);
	case NAME:
		break;
	}
	if (segment->text.len == 0)
		return false;
	capture(match, segment->text);
	return true;
}

static bool fits(
	const char *pattern, const struct td_http_target *target, struct td_http_match *match)
{
	struct part part;
	uint32_t i = 0;

	match->captured_count = 0;
	for (; next_part(&pattern, &part); i++) {
		if (i == target->segment_count || !takes(&part, &target->segments[i], match))
			return false;
	}
	return i == target->segment_count;
}

/* The methods of the rows from this one on that have its pattern, and what follows from them. */
static unsigned allowed(const struct td_http_route *routes, size_t count, size_t first)
{
	unsigned allow = 1u << TD_HTTP_OPTIONS;

	for (size_t i = first; i < count; i++) {
		if (strcmp(routes[i].pattern, routes[first].pattern) != 0)
			break;
		allow |= 1u << routes[i].method;
	}
	if (allow & 1u << TD_HTTP_GET)
		allow |= 1u << TD_HTTP_HEAD;
	return allow;
}

static const struct td_http_route *row_of(
	const struct td_http_route *routes, size_t count, size_t first, enum td_http_method method)
{
	for (size_t i = first; i < count; i++) {
		if (strcmp(routes[i].pattern, routes[first].pattern) != 0)
			break;
		if (routes[i].method == method)
			return &routes[i];
	}
	return NULL;
}

static enum td_http_routed choose(const struct td_http_route *routes, size_t count, size_t first,
	enum td_http_method method, struct td_http_match *match)
{
	match->allow = allowed(routes, count, first);
	match->route = row_of(routes, count, first, method);
	if (match->route == NULL && method == TD_HTTP_HEAD)
		match->route = row_of(routes, count, first, TD_HTTP_GET);
	if (match->route != NULL)
		return TD_HTTP_FOUND;
	return method == TD_HTTP_OPTIONS ? TD_HTTP_ASKED : TD_HTTP_NOT_ALLOWED;
}

enum td_http_routed td_http_find_route(const struct td_http_route *routes, size_t count,
	enum td_http_method method, enum td_http_form form, const struct td_http_target *target,
	struct td_http_match *match)
{
	*match = (struct td_http_match){0};
	if (form == TD_HTTP_ASTERISK) {
		for (size_t i = 0; i < count; i++)
			match->allow |= allowed(routes, count, i);
		return TD_HTTP_ASKED;
	}
	for (size_t i = 0; i < count; i++) {
		if (fits(routes[i].pattern, target, match))
			return choose(routes, count, i, method, match);
	}
	return TD_HTTP_NOT_FOUND;
}

void td_http_add_methods(struct td_buf *buf, unsigned methods)
{
	const char *before = "";

	for (unsigned i = 0; i < TD_HTTP_METHODS; i++) {
		if (!(methods & 1u << i))
			continue;
		td_buf_add_string(buf, before);
		td_buf_add_string(buf, td_http_method_name((enum td_http_method)i));
		before = ", ";
	}
}

/* --- verifying ---------------------------------------------------------------------------- */

/* {name}, from *at on. */
static bool is_name(const char **at, const char *end)
{
	const char *start = *at + 1;

	if (*at == end || **at != '{')
		return false;
	for (*at = start; *at < end && ((**at >= 'a' && **at <= 'z') || **at == '_'); (*at)++)
		;
	return *at > start && *at < end && *(*at)++ == '}';
}

static bool is_part(const struct part *part, unsigned *captures)
{
	const char *at = part->word.at, *end = at + part->word.len;

	if (part->kind == WORD)
		return part->word.len > 0 && td_http_span(at, end, TD_HTTP_PCHAR) == part->word.len;
	*captures += part->kind == NAME_NUMBER ? 2 : 1;
	if (!is_name(&at, end))
		return false;
	return part->kind == NAME ? at == end : *at++ == '@' && is_name(&at, end) && at == end;
}

static bool is_pattern(const char *pattern)
{
	unsigned captures = 0, segments = 0;
	struct part part;

	if (*pattern != '/')
		return false;
	if (pattern[1] == '\0')
		return true;
	while (next_part(&pattern, &part)) {
		if (!is_part(&part, &captures) || ++segments > TD_HTTP_SEGMENTS_MAX)
			return false;
	}
	return *pattern == '\0' && captures <= TD_HTTP_CAPTURES_MAX;
}

/* Whether all that `below` fits, `above` fits too: segment by segment, what it takes is wider. */
static bool hides(const char *above, const char *below)
{
	struct part a, b;
	bool more_a, more_b;

	for (;;) {
		more_a = next_part(&above, &a);
		more_b = next_part(&below, &b);
		if (!more_a || !more_b)
			return more_a == more_b;
		if (a.kind == WORD && !(b.kind == WORD && td_text_equal(a.word, b.word)))
			return false;
		if (a.kind == NAME_NUMBER && b.kind != NAME_NUMBER)
			return false;
	}
}

size_t td_http_routes_verify(const struct td_http_route *routes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool again = false; /* the row before has this pattern */

		if (!is_pattern(routes[i].pattern))
			return i + 1;
		for (size_t k = i; k-- > 0;) {
			bool same = strcmp(routes[k].pattern, routes[i].pattern) == 0;

			if (same && (routes[k].method == routes[i].method || (k + 1 < i && !again)))
				return i + 1;
			if (!same && hides(routes[k].pattern, routes[i].pattern))
				return i + 1;
			again = again || (same && k + 1 == i);
		}
	}
	return 0;
}
