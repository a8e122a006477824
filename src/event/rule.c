#include "event/rule.h"

#include "base/base.h"
#include "event/percent.h"
#include "event/word.h"

/* --- strings ------------------------------------------------------------------------------ */

static bool is_noncharacter(uint32_t c)
{
	return (c & 0xFFFE) == 0xFFFE || (c >= 0xFDD0 && c <= 0xFDEF);
}

static const char *text_beyond_ascii(struct td_text value)
{
	const char *at = value.at, *end = value.at + value.len;

	if (td_utf8_valid(value.at, value.len) != value.len)
		return "not UTF-8";
	while (at < end) {
		uint32_t c = td_utf8_next(&at, end);

		if (c < 0x20 || (c >= 0x7F && c <= 0x9F))
			return "a control character";
		if (is_noncharacter(c))
			return "a noncharacter of Unicode";
	}
	return NULL;
}

const char *td_rule_text(struct td_text value)
{
	return td_text_is_printable(value) ? NULL : text_beyond_ascii(value);
}

/* --- integers, booleans, times ------------------------------------------------------------ */

const char *td_rule_integer(struct td_text value)
{
	static const char wrong[] = "not an integer of 32 bits";
	bool negative = value.len > 0 && value.at[0] == '-';
	size_t digits = value.len - negative;
	const char *at = value.at + negative;
	int64_t n = 0;

	if (digits == 0 || digits > 10 || (at[0] == '0' && value.len > 1))
		return wrong;
	for (size_t i = 0; i < digits; i++) {
		if (at[i] < '0' || at[i] > '9')
			return wrong;
		n = n * 10 + (at[i] - '0');
	}
	return n > (int64_t)INT32_MAX + negative ? wrong : NULL;
}

const char *td_rule_boolean(struct td_text value)
{
	return td_text_is(value, "true") || td_text_is(value, "false") ? NULL
								       : "neither true nor false";
}

const char *td_rule_time(struct td_text value)
{
	return td_time_check(value, NULL) == 0 ? NULL
					       : "not a time like 2026-11-21T01:43:11Z (RFC 3339)";
}

/* --- URIs --------------------------------------------------------------------------------- */

/* ASCII that no URI has, RFC 3986 section 2. '%' is looked at more closely. */
/* clang-format off */
static const uint8_t not_in_uri[256] = {
	[0] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	[' '] = 1, ['"'] = 1, ['%'] = 1, ['<'] = 1, ['>'] = 1, ['\\'] = 1, ['^'] = 1, ['`'] = 1,
	['{'] = 1, ['|'] = 1, ['}'] = 1, [0x7F] = 1,
};
/* clang-format on */

const char *td_rule_uri_reference(struct td_text value)
{
	for (const char *at = value.at, *end = at + value.len; at < end; at++) {
		if (TD_LIKELY(!not_in_uri[(unsigned char)*at]))
			continue;
		if (*at != '%')
			return "a character that no URI has";
		if (td_percent_value(at, end) < 0)
			return "\"%\" without two hex digits";
		at += 2;
	}
	return NULL;
}

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

const char *td_rule_uri(struct td_text value)
{
	size_t i = 0;

	if (value.len == 0 || !is_alpha(value.at[0]))
		return "not an absolute URI";
	while (i < value.len &&
		(is_alpha(value.at[i]) || is_digit(value.at[i]) || value.at[i] == '+' ||
			value.at[i] == '-' || value.at[i] == '.'))
		i++;
	if (i == value.len || value.at[i] != ':')
		return "not an absolute URI";
	return td_rule_uri_reference(value);
}

/* --- media types -------------------------------------------------------------------------- */

/* RFC 9110 5.6.2; RFC 2045 allows '{' and '}' besides, which nobody uses. */
static bool is_token_char(char c)
{
	return is_alpha(c) || is_digit(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool skip_token(struct td_text value, size_t *at)
{
	size_t start = *at;

	while (*at < value.len && is_token_char(value.at[*at]))
		++*at;
	return *at > start;
}

static bool skip_char(struct td_text value, size_t *at, char c)
{
	if (*at == value.len || value.at[*at] != c)
		return false;
	++*at;
	return true;
}

/* A quoted string; control characters are refused elsewhere. */
static bool skip_quoted(struct td_text value, size_t *at)
{
	if (!skip_char(value, at, '"'))
		return false;
	while (*at < value.len && value.at[*at] != '"')
		*at += value.at[*at] == '\\' ? 2 : 1;
	if (*at >= value.len)
		return false;
	++*at;
	return true;
}

static void skip_blanks(struct td_text value, size_t *at)
{
	while (skip_char(value, at, ' '))
		;
}

const char *td_rule_media_type(struct td_text value)
{
	static const char wrong[] = "not a media type";
	size_t at = 0;

	/* The value stands unencoded in HTTP's Content-Type. */
	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.at[i] >= 0x80)
			return wrong;
	if (!skip_token(value, &at) || !skip_char(value, &at, '/') || !skip_token(value, &at))
		return wrong;
	for (;;) {
		skip_blanks(value, &at);
		if (at == value.len)
			return value.at[at - 1] == ' ' ? wrong : NULL;
		if (!skip_char(value, &at, ';'))
			return wrong;
		skip_blanks(value, &at);
		if (!skip_token(value, &at) || !skip_char(value, &at, '='))
			return wrong;
		if (!skip_token(value, &at) && !skip_quoted(value, &at))
			return wrong;
	}
}
