/*
 * Characters: counting, white space, upper and lower case. No locale, no tables beside these.
 */
#include "match/filter.h"

size_t td_sql_characters(struct td_text text, size_t n)
{
	size_t i = 0;

	while (i < text.len && n > 0) {
		for (i++; i < text.len && ((unsigned char)text.at[i] & 0xC0) == 0x80; i++)
			;
		n--;
	}
	return i;
}

/* The property White_Space of Unicode. */
static bool is_space(uint32_t c)
{
	return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
	       c == 0x205F || c == 0x3000;
}

struct td_text td_sql_trim(struct td_text text)
{
	const char *at = text.at, *end = text.at + text.len;

	while (at < end) {
		const char *next = at;

		if (!is_space(td_utf8_next(&next, end)))
			break;
		at = next;
	}
	while (end > at) {
		const char *last = end - 1;
		const char *read;

		while (last > at && ((unsigned char)*last & 0xC0) == 0x80)
			last--;
		read = last;
		if (!is_space(td_utf8_next(&read, end)))
			break;
		end = last;
	}
	return td_text_of(at, (size_t)(end - at));
}

/*
 * Pairs of the simple case mapping of Unicode: each `step`-th character from first to last is the
 * upper case of the one `lower` further on. Both of a pair are of the same length in UTF-8.
 */
static const struct {
	uint16_t first, last;
	int16_t lower;
	uint16_t step;
} pairs[] = {
	{0x00C0, 0x00D6, 32, 1}, /* Latin */
	{0x00D8, 0x00DE, 32, 1},
	{0x0100, 0x012E, 1, 2},
	{0x0132, 0x0136, 1, 2},
	{0x0139, 0x0147, 1, 2},
	{0x014A, 0x0176, 1, 2},
	{0x0178, 0x0178, -121, 1},
	{0x0179, 0x017D, 1, 2},
	{0x018F, 0x018F, 202, 1},
	{0x01A0, 0x01A4, 1, 2},
	{0x01AF, 0x01AF, 1, 1},
	{0x01CD, 0x01DB, 1, 2},
	{0x01DE, 0x01EE, 1, 2},
	{0x01F4, 0x01F4, 1, 1},
	{0x01F8, 0x021E, 1, 2},
	{0x0222, 0x0232, 1, 2},
	{0x0386, 0x0386, 38, 1}, /* Greek */
	{0x0388, 0x038A, 37, 1},
	{0x038C, 0x038C, 64, 1},
	{0x038E, 0x038F, 63, 1},
	{0x0391, 0x03A1, 32, 1},
	{0x03A3, 0x03AB, 32, 1},
	{0x0400, 0x040F, 80, 1}, /* Cyrillic */
	{0x0410, 0x042F, 32, 1},
	{0x0460, 0x0480, 1, 2},
	{0x048A, 0x04BE, 1, 2},
	{0x04C0, 0x04C0, 15, 1},
	{0x04C1, 0x04CD, 1, 2},
	{0x04D0, 0x052E, 1, 2},
	{0x0531, 0x0556, 48, 1}, /* Armenian */
	{0x1E00, 0x1E94, 1, 2},  /* Latin again, Vietnamese most of all */
	{0x1EA0, 0x1EFE, 1, 2},
};

#define PAIRS (sizeof(pairs) / sizeof(pairs[0]))

/* Those that go one way only. */
uint32_t td_sql_upper(uint32_t character)
{
	int32_t c = (int32_t)character;

	if (c < 0x80)
		return c >= 'a' && c <= 'z' ? character - 32 : character;
	switch (character) {
	case 0x00B5: /* micro sign */
		return 0x039C;
	case 0x0131: /* dotless i */
		return 'I';
	case 0x017F: /* long s */
		return 'S';
	case 0x03C2: /* final sigma */
		return 0x03A3;
	default:
		break;
	}
	for (size_t i = 0; i < PAIRS; i++) {
		int32_t first = pairs[i].first + pairs[i].lower;
		int32_t last = pairs[i].last + pairs[i].lower;

		if (c >= first && c <= last && (c - first) % pairs[i].step == 0)
			return (uint32_t)(c - pairs[i].lower);
	}
	return character;
}

uint32_t td_sql_lower(uint32_t character)
{
	int32_t c = (int32_t)character;

	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? character + 32 : character;
	if (character == 0x0130) /* I with a dot */
		return 'i';
	if (character == 0x1E9E) /* capital sharp s */
		return 0x00DF;
	for (size_t i = 0; i < PAIRS; i++) {
		if (c >= pairs[i].first && c <= pairs[i].last &&
			(c - pairs[i].first) % pairs[i].step == 0)
			return (uint32_t)(c + pairs[i].lower);
	}
	return character;
}
