#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/base.h"

#define NS 1000000000

static void time_of_known_instants_both_ways(void **state)
{
	static const struct {
		td_time time;
		const char *text;
	} rows[] = {
		{0, "1970-01-01T00:00:00.000000Z"},
		{-1000, "1969-12-31T23:59:59.999999Z"},
		{1000, "1970-01-01T00:00:00.000001Z"},
		{951782400 * (td_time)NS, "2000-02-29T00:00:00.000000Z"},
		{951868799 * (td_time)NS + 999999000, "2000-02-29T23:59:59.999999Z"},
		{951868800 * (td_time)NS, "2000-03-01T00:00:00.000000Z"},
		{1795225391 * (td_time)NS + 123456000, "2026-11-21T01:43:11.123456Z"},
		{-2203891200 * (td_time)NS, "1900-03-01T00:00:00.000000Z"},
		{-2203891200 * (td_time)NS - 1000, "1900-02-28T23:59:59.999999Z"},
		{INT64_MAX - 807, "2262-04-11T23:47:16.854775Z"},
		{INT64_MIN + 808, "1677-09-21T00:12:43.145225Z"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[TD_TIME_BYTES + 1] = {0};
		td_time time;

		td_time_format(rows[i].time, text);
		assert_string_equal(text, rows[i].text);
		assert_int_equal(td_time_parse(td_text(text), &time, NULL), 0);
		assert_true(time == rows[i].time);
	}
}

static void time_formats_the_microsecond_it_is_in(void **state)
{
	char text[TD_TIME_BYTES + 1] = {0};

	(void)state;
	td_time_format(1999, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000001Z");
	td_time_format(-1, text);
	assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
	td_time_format(INT64_MAX, text);
	assert_string_equal(text, "2262-04-11T23:47:16.854775Z");
	td_time_format(INT64_MIN, text);
	assert_string_equal(text, "1677-09-21T00:12:43.145224Z");
}

static void time_round_trips_any_instant(void **state)
{
	struct td_rng rng;

	(void)state;
	td_rng_init(&rng, 3);
	for (int i = 0; i < 200000; i++) {
		/* Any, and near now; and days in a row for 550 years. */
		td_time any = (td_time)(td_rng_u64(&rng) >> td_rng_below(&rng, 8) * 4);
		td_time time = i % 2 == 0 ? (any < INT64_MIN + 1000 ? 0 : any)
					  : (i - 106000) * (td_time)86400 * NS;
		td_time back, want = time / 1000 * 1000 - (time % 1000 < 0 ? 1000 : 0);
		char text[TD_TIME_BYTES];

		td_time_format(time, text);
		if (td_time_parse(td_text_of(text, TD_TIME_BYTES), &back, NULL) != 0 ||
			back != want)
			fail_msg("%lld: %.27s", (long long)time, text);
	}
}

static void time_takes_all_that_the_rfc_allows(void **state)
{
	static const struct {
		const char *text;
		td_time time;
	} rows[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"1970-01-01t00:00:00z", 0},
		{"1970-01-01T00:00:00-00:00", 0},
		{"1970-01-01T01:00:00+01:00", 0},
		{"1969-12-31T00:01:00-23:59", 0},
		{"1970-01-01T23:59:00+23:59", 0},
		{"1970-01-01T00:00:00.5Z", NS / 2},
		{"1970-01-01T00:00:00.123456789Z", 123456789},
		{"1970-01-01T00:00:00.12345678999999999999999999Z", 123456789},
		{"1969-12-31T23:59:59.999999999Z", -1},
		{"1985-04-12T23:20:50.52Z", 482196050 * (td_time)NS + 520000000},
		{"1996-12-19T16:39:57-08:00", 851042397 * (td_time)NS},
		{"1990-12-31T23:59:60Z", 662688000 * (td_time)NS},
		{"1990-12-31T15:59:60-08:00", 662688000 * (td_time)NS},
		{"1991-01-01T05:29:60.25+05:30", 662688000 * (td_time)NS + 250000000},
		{"1937-01-01T12:00:27.87+00:20", -1041337173 * (td_time)NS + 870000000},
		{"2024-02-29T00:00:00Z", 1709164800 * (td_time)NS},
		{"2262-04-11T23:47:16.854775807Z", INT64_MAX},
		{"1677-09-21T00:12:43.145224192Z", INT64_MIN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct td_error err = TD_ERROR_INIT;
		td_time time = 1;

		assert_int_equal(td_time_check(td_text(rows[i].text), &err), 0);
		assert_int_equal(td_time_parse(td_text(rows[i].text), &time, &err), 0);
		if (time != rows[i].time)
			fail_msg("%s: %lld", rows[i].text, (long long)time);
	}
}

static void time_refuses_the_rest_and_says_where(void **state)
{
	static const struct {
		const char *text;
		size_t offset;
	} rows[] = {
		{"", 0},
		{"now", 0},
		{" 2024-01-01T00:00:00Z", 0},
		{"24-01-01T00:00:00Z", 2},
		{"+2024-01-01T00:00:00Z", 0},
		{"2024/01/01T00:00:00Z", 4},
		{"2024-1-01T00:00:00Z", 6},
		{"2024-00-01T00:00:00Z", 5},
		{"2024-13-01T00:00:00Z", 5},
		{"2024-01-00T00:00:00Z", 8},
		{"2024-01-32T00:00:00Z", 8},
		{"2024-04-31T00:00:00Z", 8},
		{"2023-02-29T00:00:00Z", 8},
		{"1900-02-29T00:00:00Z", 8},
		{"2024-02-30T00:00:00Z", 8},
		{"2024-01-01", 10},
		{"2024-01-01 00:00:00Z", 10},
		{"2024-01-01T24:00:00Z", 11},
		{"2024-01-01T00:60:00Z", 14},
		{"2024-01-01T00:00:61Z", 17},
		{"2024-01-01T00:00Z", 16},
		{"2024-01-01T000000Z", 13},
		{"2024-01-01T00:00:00", 19},
		{"2024-01-01T00:00:00.", 20},
		{"2024-01-01T00:00:00.Z", 20},
		{"2024-01-01T00:00:00,5Z", 19},
		{"2024-01-01T00:00:00.5", 21},
		{"2024-01-01T00:00:00 Z", 19},
		{"2024-01-01T00:00:00+24:00", 20},
		{"2024-01-01T00:00:00+01:60", 23},
		{"2024-01-01T00:00:00+01", 22},
		{"2024-01-01T00:00:00+0100", 22},
		{"2024-01-01T00:00:00+1:00", 21},
		{"2024-01-01T00:00:00Z ", 20},
		{"2024-01-01T00:00:00Z+01:00", 20},
		{"2024-12-31T23:58:60Z", 17},
		{"2024-12-31T22:59:60Z", 17},
		{"2024-12-31T23:59:60+01:00", 17},
		{"2024-01-01T00:00:\xD9\xA0"
		 "0Z",
			17},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct td_error err = TD_ERROR_INIT;
		td_time time = 77;

		assert_int_equal(td_time_check(td_text(rows[i].text), &err), TD_E_DATA);
		if (err.offset != rows[i].offset)
			fail_msg("%s: offset %zu: %s", rows[i].text, err.offset, err.text);
		assert_int_equal(td_time_parse(td_text(rows[i].text), &time, NULL), TD_E_DATA);
		assert_true(time == 77);
	}
	/* A NUL is a byte like others. */
	assert_int_equal(td_time_check(td_text_of("2024-01-01T00:00:00Z", 21), NULL), TD_E_DATA);
}

static void time_outside_of_its_range_is_valid_but_no_instant(void **state)
{
	static const char *const rows[] = {
		"0000-01-01T00:00:00Z",
		"0000-01-01T00:00:00+01:00",
		"0000-02-29T00:00:00Z",
		"1677-09-21T00:12:43.145224191Z",
		"2262-04-11T23:47:16.854775808Z",
		"9999-12-31T23:59:59-23:59",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		td_time time;

		assert_int_equal(td_time_check(td_text(rows[i]), NULL), 0);
		assert_int_equal(td_time_parse(td_text(rows[i]), &time, NULL), TD_E_DATA);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_of_known_instants_both_ways),
		cmocka_unit_test(time_formats_the_microsecond_it_is_in),
		cmocka_unit_test(time_round_trips_any_instant),
		cmocka_unit_test(time_takes_all_that_the_rfc_allows),
		cmocka_unit_test(time_refuses_the_rest_and_says_where),
		cmocka_unit_test(time_outside_of_its_range_is_valid_but_no_instant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
