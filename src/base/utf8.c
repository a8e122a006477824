#include "base/utf8.h"

#include <string.h>

#include "base/assert.h"

#define REPLACEMENT 0xFFFDu

static uint64_t load8(const unsigned char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/*
 * How many bytes the character at `in` has; 0 if it is not one, or not whole. After Unicode,
 * table 3-7: the second byte's range depends on the first, which keeps out overlong forms,
 * surrogates and what is above U+10FFFF.
 */
static size_t measure(const unsigned char *in, size_t len)
{
	unsigned lead = in[0];
	unsigned least = 0x80, most = 0xBF;
	size_t need;

	if (lead < 0x80)
		return 1;
	if (lead < 0xC2)
		return 0;
	if (lead < 0xE0) {
		need = 2;
	} else if (lead < 0xF0) {
		need = 3;
		if (lead == 0xE0)
			least = 0xA0;
		else if (lead == 0xED)
			most = 0x9F;
	} else if (lead < 0xF5) {
		need = 4;
		if (lead == 0xF0)
			least = 0x90;
		else if (lead == 0xF4)
			most = 0x8F;
	} else {
		return 0;
	}
	if (len < need || in[1] < least || in[1] > most)
		return 0;
	for (size_t i = 2; i < need; i++)
		if ((in[i] & 0xC0) != 0x80)
			return 0;
	return need;
}

size_t td_utf8_valid(const char *at, size_t len)
{
	const unsigned char *in = (const unsigned char *)at;
	size_t i = 0;

	while (i < len) {
		if (in[i] < 0x80) {
			while (len - i >= 16 &&
				((load8(in + i) | load8(in + i + 8)) & 0x8080808080808080u) == 0)
				i += 16;
			if (len - i >= 8 && (load8(in + i) & 0x8080808080808080u) == 0)
				i += 8;
			while (i < len && in[i] < 0x80)
				i++;
			continue;
		}
		size_t n = measure(in + i, len - i);
		if (n == 0)
			break;
		i += n;
	}
	return i;
}

uint32_t td_utf8_next(const char **at, const char *end)
{
	const unsigned char *in = (const unsigned char *)*at;
	size_t n;

	TD_ASSERT(*at < end);
	n = measure(in, (size_t)(end - *at));
	*at += n > 0 ? n : 1;
	switch (n) {
	case 1:
		return in[0];
	case 2:
		return (in[0] & 0x1Fu) << 6 | (in[1] & 0x3Fu);
	case 3:
		return (in[0] & 0x0Fu) << 12 | (in[1] & 0x3Fu) << 6 | (in[2] & 0x3Fu);
	case 4:
		return (in[0] & 0x07u) << 18 | (in[1] & 0x3Fu) << 12 | (in[2] & 0x3Fu) << 6 |
		       (in[3] & 0x3Fu);
	default:
		return REPLACEMENT;
	}
}

size_t td_utf8_put(char out[4], uint32_t character)
{
	TD_ASSERT(character <= 0x10FFFF && (character < 0xD800 || character > 0xDFFF));
	if (character < 0x80) {
		out[0] = (char)character;
		return 1;
	}
	if (character < 0x800) {
		out[0] = (char)(0xC0 | character >> 6);
		out[1] = (char)(0x80 | (character & 0x3F));
		return 2;
	}
	if (character < 0x10000) {
		out[0] = (char)(0xE0 | character >> 12);
		out[1] = (char)(0x80 | (character >> 6 & 0x3F));
		out[2] = (char)(0x80 | (character & 0x3F));
		return 3;
	}
	out[0] = (char)(0xF0 | character >> 18);
	out[1] = (char)(0x80 | (character >> 12 & 0x3F));
	out[2] = (char)(0x80 | (character >> 6 & 0x3F));
	out[3] = (char)(0x80 | (character & 0x3F));
	return 4;
}

/* Every byte but the continuations (10xxxxxx) begins a character. */
size_t td_utf8_length(struct td_text text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += ((unsigned char)text.at[i] & 0xC0) != 0x80;
	return count;
}
