#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json/json.h"

static struct td_json parse(const char *text)
{
	struct td_json value;

	assert_int_equal(td_json_parse(td_text(text), 0, &value, NULL), 0);
	return value;
}

static void integers_are_exact_or_refused(void **state)
{
	static const struct {
		const char *text;
		bool fits;
		int64_t value;
	} rows[] = {
		{"0", true, 0},
		{"-0", true, 0},
		{"-0.000e-5", true, 0},
		{"0e99999999999999999999999999", true, 0},
		{"42", true, 42},
		{"-42", true, -42},
		{"1.0", true, 1},
		{"1e2", true, 100},
		{"1E+2", true, 100},
		{"100e-2", true, 1},
		{"12.5e1", true, 125},
		{"0.000125e6", true, 125},
		{"1.5", false, 0},
		{"1.000000000000000005", false, 0},
		{"1e-1", false, 0},
		{"0.9999999999999999999999999999999999", false, 0},
		{"9007199254740993", true, 9007199254740993},
		{"9223372036854775807", true, INT64_MAX},
		{"9223372036854775807.000", true, INT64_MAX},
		{"922337203685477580.7e1", true, INT64_MAX},
		{"9223372036854775808", false, 0},
		{"-9223372036854775808", true, INT64_MIN},
		{"-9223372036854775809", false, 0},
		{"9999999999999999999", false, 0},
		{"18446744073709551616", false, 0},
		{"18446744073709551617", false, 0},
		{"1e18", true, 1000000000000000000},
		{"1e19", false, 0},
		{"1e9223372036854775808", false, 0},
		{"1e-9223372036854775808", false, 0},
		{"1e18446744073709551618", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t value = -7;

		if (td_json_to_i64(parse(rows[i].text), &value) != rows[i].fits ||
			value != (rows[i].fits ? rows[i].value : -7))
			fail_msg("%s: %lld", rows[i].text, (long long)value);
	}
}

static void a_million_zeros_are_still_an_integer(void **state)
{
	enum { ZEROS = 1000000 };
	char *text = malloc(ZEROS + 32);
	int64_t value;

	(void)state;
	assert_non_null(text);
	memcpy(text, "0.", 2);
	memset(text + 2, '0', ZEROS);
	strcpy(text + 2 + ZEROS, "7e1000001");
	assert_true(td_json_to_i64(parse(text), &value));
	assert_int_equal(value, 7);
	free(text);
}

static void check_doubles(void)
{
	/* The compiler reads the same literals, correctly rounded. */
	static const struct {
		const char *text;
		double value;
	} rows[] = {
#define ROW(number) {#number, number}
		ROW(0.0),
		ROW(1),
		ROW(-1.5),
		ROW(0.1),
		ROW(123456789012345e22),
		ROW(123456789012345e-22),
		ROW(1234567890123456),
		ROW(9007199254740993.0),
		ROW(9007199254740992.99999999999999999999999999999999999999),
		ROW(9007199254740993.00000000000000000000000000000000000001),
		ROW(1e23),
		ROW(8.5e22),
		ROW(3.1415926535897932384626433832795),
		ROW(1.7976931348623157e308),
		ROW(17976931348623157e292),
		ROW(2.2250738585072014e-308),
		ROW(2.2250738585072011e-308),
		ROW(4.9406564584124654e-324),
		ROW(2.4703282292062328e-324),
		ROW(0.000000000000000000000000000000000000000000000000001e51),
#undef ROW
		{"1e-999", 0},
		{"-1e-99999999999999999999", 0},
		{"2.4703282292062327e-324", 0},
		{"0e999999999999999999", 0},
	};
	static const char *const overflows[] = {
		"1e309", "-1e309", "1.7976931348623159e308", "1e99999999999999999999"};
	double value = -7;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!td_json_to_double(parse(rows[i].text), &value) || value != rows[i].value)
			fail_msg("%s: %.17g", rows[i].text, value);
	}
	value = -7;
	for (size_t i = 0; i < sizeof(overflows) / sizeof(overflows[0]); i++)
		assert_false(td_json_to_double(parse(overflows[i]), &value));
	assert_true(value == -7);
	assert_true(td_json_to_double(parse("-0.0"), &value));
	assert_true(value == 0 && signbit(value));
}

static void doubles_are_the_nearest(void **state)
{
	(void)state;
	check_doubles();
}

static void doubles_do_not_ask_the_locale(void **state)
{
	static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "ps_AF"};
	const char *set = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && set == NULL; i++)
		set = setlocale(LC_ALL, names[i]);
	if (set == NULL) {
		print_message("# skipped: no locale with another decimal point is installed\n");
		return;
	}
	check_doubles();
	setlocale(LC_ALL, "C");
}

/* A number of which only the 800th digit tells which way to round. */
static void doubles_look_at_every_digit(void **state)
{
	char text[1100];
	double value;

	(void)state;
	/* 2^53 + 1 lies in the middle, and even wins; any digit behind it decides. */
	memset(text, '0', sizeof(text));
	memcpy(text, "9007199254740993.", 17);
	text[1000] = '\0';
	assert_true(td_json_to_double(parse(text), &value));
	assert_true(value == 9007199254740992.0);
	text[999] = '1';
	assert_true(td_json_to_double(parse(text), &value));
	assert_true(value == 9007199254740994.0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_exact_or_refused),
		cmocka_unit_test(a_million_zeros_are_still_an_integer),
		cmocka_unit_test(doubles_are_the_nearest),
		cmocka_unit_test(doubles_do_not_ask_the_locale),
		cmocka_unit_test(doubles_look_at_every_digit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
