#include "match/match.h"

/* The next token of what is left; false at the end. An empty text has one empty token. */
static bool token_next(struct td_text *rest, struct td_text *token)
{
	const char *dot;

	if (rest->at == NULL)
		return false;
	dot = rest->len > 0 ? memchr(rest->at, '.', rest->len) : NULL;
	if (dot == NULL) {
		*token = *rest;
		*rest = td_text(NULL);
		return true;
	}
	*token = td_text_of(rest->at, (size_t)(dot - rest->at));
	*rest = td_text_of(dot + 1, rest->len - token->len - 1);
	return true;
}

/* No token empty, none too many. What bytes there are is td_address_check()'s to judge. */
static bool is_address(struct td_text text)
{
	struct td_text token;

	if (text.len > TD_ADDRESS_BYTES_MAX || text.at == NULL)
		return false;
	while (token_next(&text, &token)) {
		if (token.len == 0)
			return false;
	}
	return true;
}

static bool is_star(struct td_text token)
{
	return td_text_is(token, "*");
}

/* The same, and ">" only as the last token. */
static bool is_pattern(struct td_text text)
{
	struct td_text token;

	if (!is_address(text))
		return false;
	while (token_next(&text, &token)) {
		if (td_text_is(token, ">") && text.at != NULL)
			return false;
	}
	return true;
}

bool td_pattern_matches(struct td_text pattern, struct td_text address)
{
	struct td_text wanted, token;

	if (!is_pattern(pattern) || !is_address(address))
		return false;
	while (token_next(&pattern, &wanted)) {
		if (!token_next(&address, &token))
			return false;
		if (td_text_is(wanted, ">"))
			return true;
		if (!is_star(wanted) && !td_text_equal(wanted, token))
			return false;
	}
	return address.at == NULL;
}

bool td_pattern_overlaps(struct td_text a, struct td_text b)
{
	struct td_text one, other;

	if (!is_pattern(a) || !is_pattern(b))
		return false;
	while (token_next(&a, &one)) {
		if (!token_next(&b, &other))
			return false;
		if (td_text_is(one, ">") || td_text_is(other, ">"))
			return true;
		if (!is_star(one) && !is_star(other) && !td_text_equal(one, other))
			return false;
	}
	return b.at == NULL;
}

bool td_pattern_contains(struct td_text outer, struct td_text inner)
{
	struct td_text wide, narrow;

	if (!is_pattern(outer) || !is_pattern(inner))
		return false;
	while (token_next(&outer, &wide)) {
		if (!token_next(&inner, &narrow))
			return false;
		if (td_text_is(wide, ">"))
			return true;
		if (td_text_is(narrow, ">"))
			return false;
		if (!is_star(wide) && !td_text_equal(wide, narrow))
			return false;
	}
	return inner.at == NULL;
}
