#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/base.h"

static void utf8_knows_what_is_valid_and_where_it_ends(void **state)
{
	static const struct {
		const char *text;
		size_t valid;
	} rows[] = {
		{"", 0},
		{"plain", 5},
		{"gr\xC3\xBC\xC3\x9F", 6},
		{"\xE2\x82\xAC", 3},
		{"\xF0\x9F\x98\x80", 4},
		{"\xC2\x80", 2},
		{"\xE0\xA0\x80", 3},
		{"\xED\x9F\xBF\xEE\x80\x80", 6},
		{"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", 8},
		{"a\x80", 1}, /* a continuation alone */
		{"a\xC3", 1}, /* cut */
		{"a\xE2\x82", 1},
		{"a\xF0\x9F\x98", 1},
		{"a\xC0\xAF", 1}, /* overlong */
		{"a\xC1\xBF", 1},
		{"a\xE0\x9F\xBF", 1},
		{"a\xF0\x8F\xBF\xBF", 1},
		{"a\xED\xA0\x80", 1}, /* surrogates */
		{"a\xED\xBF\xBF", 1},
		{"a\xF4\x90\x80\x80", 1}, /* above U+10FFFF */
		{"a\xF5\x80\x80\x80", 1},
		{"a\xFF", 1},
		{"\xE2\x28\xA1", 0},
		{"\xF0\x9F\x28\x80", 0},
		{"0123456789abcdef0123456789abcde\x80", 31},
		{"0123456789abcdef\x80", 16},
		{"\x80"
		 "0123456789abcdef",
			0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(td_utf8_valid(rows[i].text, strlen(rows[i].text)), rows[i].valid);
	assert_int_equal(td_utf8_valid("a\0b", 3), 3);
	assert_int_equal(td_utf8_valid(NULL, 0), 0);
}

static void utf8_reads_what_it_writes_for_every_character(void **state)
{
	(void)state;
	for (uint32_t c = 0; c <= 0x10FFFF; c++) {
		char bytes[4];
		const char *at = bytes;
		size_t n;

		if (c >= 0xD800 && c <= 0xDFFF)
			continue;
		n = td_utf8_put(bytes, c);
		if (td_utf8_valid(bytes, n) != n ||
			td_utf8_valid(bytes, n - 1) == n - 1 + (n == 1) ||
			td_utf8_next(&at, bytes + n) != c || at != bytes + n)
			fail_msg("U+%04X", c);
	}
}

static void utf8_gives_the_replacement_for_each_wrong_byte(void **state)
{
	const char *text = "a\xE2\x82"
			   "b";
	const char *at = text, *end = text + 4;

	(void)state;
	assert_int_equal(td_utf8_next(&at, end), 'a');
	assert_int_equal(td_utf8_next(&at, end), 0xFFFD);
	assert_int_equal(td_utf8_next(&at, end), 0xFFFD);
	assert_int_equal(td_utf8_next(&at, end), 'b');
	assert_ptr_equal(at, end);
}

static void utf8_counts_characters(void **state)
{
	(void)state;
	assert_int_equal(td_utf8_length(td_text("")), 0);
	assert_int_equal(
		td_utf8_length(td_text("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC\xF0\x9F\x98\x80")), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_knows_what_is_valid_and_where_it_ends),
		cmocka_unit_test(utf8_reads_what_it_writes_for_every_character),
		cmocka_unit_test(utf8_gives_the_replacement_for_each_wrong_byte),
		cmocka_unit_test(utf8_counts_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
