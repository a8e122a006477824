#include "json/json.h"

#include "json/scan.h"
#include "json/unescape.h"

#define REPLACEMENT 0xFFFDu

/* The code unit of \uXXXX whose digits stand at `at`. */
static uint32_t unit_of(const char *at)
{
	uint32_t unit = 0;

	for (int i = 0; i < 4; i++)
		unit = unit << 4 | (uint32_t)td_hex_value(at[i]);
	return unit;
}

/*
 * The character of \uXXXX, whose backslash *at stands at; pairs of surrogates are one character,
 * a surrogate alone is U+FFFD.
 */
static uint32_t take_unicode(const char **at, const char *end)
{
	uint32_t high = unit_of(*at + 2), low;

	*at += 6;
	if (high < 0xD800 || high > 0xDFFF)
		return high;
	if (high > 0xDBFF || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
		return REPLACEMENT;
	low = unit_of(*at + 2);
	if (low < 0xDC00 || low > 0xDFFF)
		return REPLACEMENT;
	*at += 6;
	return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

/* *at stands at a backslash. */
static size_t take_escape(const char **at, const char *end, char piece[4])
{
	char c = (*at)[1];

	switch (c) {
	case 'u':
		return td_utf8_put(piece, take_unicode(at, end));
	case 'b':
		c = '\b';
		break;
	case 'f':
		c = '\f';
		break;
	case 'n':
		c = '\n';
		break;
	case 'r':
		c = '\r';
		break;
	case 't':
		c = '\t';
		break;
	default: /* '"', '\\' and '/' stand for themselves */
		break;
	}
	*at += 2;
	piece[0] = c;
	return 1;
}

size_t td_json_piece(const char **at, const char *end, char piece[4])
{
	if (*at == end)
		return 0;
	if (**at == '\\')
		return take_escape(at, end, piece);
	piece[0] = *(*at)++;
	return 1;
}

bool td_json_plain(struct td_json string)
{
	TD_ASSERT(string.kind == TD_JSON_STRING);
	return memchr(string.text.at, '\\', string.text.len) == NULL;
}

struct td_text td_json_inside(struct td_json string)
{
	TD_ASSERT(string.kind == TD_JSON_STRING);
	return td_json_raw_inside(string);
}

void td_json_unescape(struct td_json string, struct td_buf *buf)
{
	struct td_text inside = td_json_inside(string);
	const char *at = inside.at, *end = at + inside.len;

	while (at < end) {
		const char *slash = memchr(at, '\\', (size_t)(end - at));
		char piece[4];

		if (slash == NULL)
			slash = end;
		td_buf_add(buf, at, (size_t)(slash - at));
		at = slash;
		while (at < end && *at == '\\')
			td_buf_add(buf, piece, take_escape(&at, end, piece));
	}
}

/* With escapes: piece by piece. */
static bool escaped_is(struct td_text inside, struct td_text text)
{
	const char *at = inside.at, *end = at + inside.len;
	char piece[4];
	size_t n, done = 0;

	while ((n = td_json_piece(&at, end, piece)) != 0) {
		if (text.len - done < n || memcmp(text.at + done, piece, n) != 0)
			return false;
		done += n;
	}
	return done == text.len;
}

bool td_json_string_is(struct td_json string, struct td_text text)
{
	struct td_text inside = td_json_inside(string);

	/* A value is never longer than its text, and shorter if there is an escape. */
	if (inside.len < text.len)
		return false;
	if (inside.len == text.len)
		return text.len == 0 || (memcmp(inside.at, text.at, text.len) == 0 &&
						memchr(inside.at, '\\', inside.len) == NULL);
	return memchr(inside.at, '\\', inside.len) != NULL && escaped_is(inside, text);
}
