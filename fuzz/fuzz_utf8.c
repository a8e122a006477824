/*
 * UTF-8, against a decoder that gathers the bits first and asks afterwards whether the character
 * may be written so.
 *
 *	1. as many bytes from the start are valid as the naive decoder reads;
 *	2. step by step the characters are the same, and one byte is skipped where it finds none;
 *	3. each character written again gives its bytes; the count of them is right.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

#define NONE 0xFFFFFFFFu

/* The character at `at` and how many bytes it has; NONE and 1. */
static uint32_t naive(const uint8_t *at, size_t len, size_t *used)
{
	static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
	size_t count = at[0] < 0x80       ? 1
		       : at[0] >> 5 == 6  ? 2
		       : at[0] >> 4 == 14 ? 3
		       : at[0] >> 3 == 30 ? 4
					  : 0;
	uint32_t character = count == 1 ? at[0] : count > 0 ? at[0] & (0x7Fu >> count) : 0;

	*used = 1;
	if (count == 0 || count > len)
		return NONE;
	for (size_t i = 1; i < count; i++) {
		if (at[i] >> 6 != 2)
			return NONE;
		character = character << 6 | (at[i] & 63);
	}
	if (character < least[count] || character > 0x10FFFF || character >> 11 == 0xD800 >> 11)
		return NONE;
	*used = count;
	return character;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *at = text, *end = text + size;
	size_t valid = size, count = 0;

	while (at < end) {
		size_t offset = (size_t)(at - text), used;
		uint32_t want = naive(data + offset, size - offset, &used);
		uint32_t character = td_utf8_next(&at, end);
		char again[4];

		CHECK(character == (want == NONE ? 0xFFFD : want));
		CHECK((size_t)(at - text) == offset + used);
		if (want == NONE) {
			valid = offset < valid ? offset : valid;
			continue;
		}
		CHECK(td_utf8_put(again, character) == used);
		CHECK(memcmp(again, text + offset, used) == 0);
		count += offset < valid;
	}
	CHECK(td_utf8_valid(text, size) == valid);
	CHECK(td_utf8_length(td_text_of(text, valid)) == count);
	/* Other alignments, and ends inside a stride. */
	for (size_t skip = 1; skip < 20 && skip < size; skip++) {
		size_t rest = valid - skip;
		if (valid > skip && (data[skip] & 0xC0) != 0x80)
			CHECK(td_utf8_valid(text + skip, size - skip) == rest);
	}
	return 0;
}
