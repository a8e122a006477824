#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "json/json.h"

static void the_writer_places_commas_and_colons(void **state)
{
	struct td_buf buf = TD_BUF_INIT(1000);
	struct td_json_writer w;

	(void)state;
	td_json_writer_init(&w, &buf);
	td_json_open_object(&w);
	td_json_name(&w, td_text("a"));
	td_json_open_array(&w);
	td_json_i64(&w, INT64_MIN);
	td_json_u64(&w, UINT64_MAX);
	td_json_open_object(&w);
	td_json_close_object(&w);
	td_json_open_array(&w);
	td_json_close_array(&w);
	td_json_null(&w);
	td_json_close_array(&w);
	td_json_name(&w, td_text("\"b\""));
	td_json_bool(&w, true);
	td_json_name(&w, td_text(""));
	td_json_raw(&w, td_text("{\"raw\": [1]}"));
	td_json_name(&w, td_text("c"));
	td_json_open_object(&w);
	td_json_name(&w, td_text("d"));
	td_json_string(&w, td_text("e"));
	td_json_close_object(&w);
	td_json_name(&w, td_text("f"));
	td_json_bool(&w, false);
	td_json_close_object(&w);
	assert_int_equal(td_buf_check(&buf, NULL), 0);
	assert_string_equal(buf.at,
		"{\"a\":[-9223372036854775808,18446744073709551615,{},[],null],\"\\\"b\\\"\":true,"
		"\"\":{\"raw\": [1]},\"c\":{\"d\":\"e\"},\"f\":false}");
	td_buf_fini(&buf);
}

static void the_writer_nests_to_the_depth_that_is_read(void **state)
{
	struct td_buf buf = TD_BUF_INIT(10000);
	struct td_json_writer w;
	struct td_json value;

	(void)state;
	td_json_writer_init(&w, &buf);
	for (unsigned i = 0; i < TD_JSON_DEPTH_MAX / 2; i++) {
		td_json_open_array(&w);
		td_json_open_object(&w);
		td_json_name(&w, td_text("x"));
	}
	td_json_null(&w);
	for (unsigned i = 0; i < TD_JSON_DEPTH_MAX / 2; i++) {
		td_json_close_object(&w);
		td_json_close_array(&w);
	}
	assert_int_equal(td_buf_check(&buf, NULL), 0);
	assert_int_equal(td_json_parse(td_buf_view(&buf), 0, &value, NULL), 0);
	td_buf_fini(&buf);
}

static void strings_are_escaped_as_little_as_can_be(void **state)
{
	static const struct {
		struct td_text value;
		const char *text;
	} rows[] = {
#define ROW(value, text) {TD_TEXT_INIT(value), text}
		ROW("", "\"\""),
		ROW("plain / 'text'", "\"plain / 'text'\""),
		ROW("\"\\\b\f\n\r\t", "\"\\\"\\\\\\b\\f\\n\\r\\t\""),
		ROW("\0\x01\x0B\x1F\x7F", "\"\\u0000\\u0001\\u000b\\u001f\x7F\""),
		ROW("caf\xC3\xA9 \xF0\x9D\x84\x9E \xE2\x80\xA8",
			"\"caf\xC3\xA9 \xF0\x9D\x84\x9E \xE2\x80\xA8\""),
		ROW("\xFF", "\"\xEF\xBF\xBD\""),
		ROW("a\xC0\x80z", "\"a\xEF\xBF\xBD\xEF\xBF\xBDz\""),
		ROW("\xE2\x82", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""),
		ROW("\xC3\"\xA9", "\"\xEF\xBF\xBD\\\"\xEF\xBF\xBD\""),
		ROW("\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""),
		ROW("0123456789abcdef0123456789\n0123456789abcdef",
			"\"0123456789abcdef0123456789\\n0123456789abcdef\""),
#undef ROW
		{{NULL, 0}, "\"\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct td_buf buf = TD_BUF_INIT(1000);
		struct td_json value;

		td_json_quote(&buf, rows[i].value);
		assert_int_equal(td_buf_check(&buf, NULL), 0);
		assert_string_equal(buf.at, rows[i].text);
		assert_int_equal(td_json_parse(td_buf_view(&buf), 0, &value, NULL), 0);
		td_buf_fini(&buf);
	}
}

static void write_double(struct td_buf *buf, double value)
{
	struct td_json_writer w;

	td_buf_reset(buf);
	td_json_writer_init(&w, buf);
	td_json_double(&w, value);
	assert_int_equal(td_buf_check(buf, NULL), 0);
}

static void doubles_are_as_short_as_reads_back(void **state)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {
		{0.0, "0"},
		{-0.0, "-0"},
		{1, "1"},
		{-1.5, "-1.5"},
		{100, "100"},
		{0.1, "0.1"},
		{0.1 + 0.2, "0.30000000000000004"},
		{1.0 / 3, "0.3333333333333333"},
		{123456789.125, "123456789.125"},
		{0.000001, "0.000001"},
		{0.0000001, "1e-7"},
		{0.00000123, "0.00000123"},
		{1.5e-7, "1.5e-7"},
		{1e20, "100000000000000000000"},
		{123e18, "123000000000000000000"},
		{1e21, "1e21"},
		{-1.25e21, "-1.25e21"},
		{1e23, "1e23"},
		{9007199254740993.0, "9007199254740992"},
		{DBL_MAX, "1.7976931348623157e308"},
		{DBL_MIN, "2.2250738585072014e-308"},
		{4.9406564584124654e-324, "5e-324"},
		{1.5e-323, "1.5e-323"},
		{5.6843418860808015e-14, "5.684341886080802e-14"}, /* 2^-44 */
		{9.5367431640625e-07, "9.5367431640625e-7"},
		{INFINITY, "null"},
		{-INFINITY, "null"},
		{NAN, "null"},
	};
	struct td_buf buf = TD_BUF_INIT(1000);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_double(&buf, rows[i].value);
		assert_string_equal(buf.at, rows[i].text);
	}
	td_buf_fini(&buf);
}

static void doubles_read_back_whatever_their_bits(void **state)
{
	struct td_buf buf = TD_BUF_INIT(1000);
	uint64_t bits = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct td_json value;
		double number, back;
		char precise[64];

		bits = bits * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		memcpy(&number, &bits, sizeof(number));
		if (i % 8 == 0)
			number = ldexp(1, (int)(bits % 2098) - 1074);
		if (!isfinite(number))
			continue;
		write_double(&buf, number);
		assert_int_equal(td_json_parse(td_buf_view(&buf), 0, &value, NULL), 0);
		assert_true(td_json_to_double(value, &back));
		assert_memory_equal(&back, &number, sizeof(number));
		snprintf(precise, sizeof(precise), "%.17g", number);
		assert_true(buf.len <= strlen(precise) + 4);
	}
	td_buf_fini(&buf);
}

static int write_much(void *arg)
{
	struct td_buf buf = TD_BUF_INIT(100000);
	struct td_json_writer writer;
	int code;

	(void)arg;
	td_json_writer_init(&writer, &buf);
	td_json_open_object(&writer);
	for (int i = 0; i < 500; i++) {
		td_json_name(&writer, td_text("a \"name\""));
		td_json_double(&writer, 0.1 * i);
	}
	td_json_close_object(&writer);
	code = td_buf_check(&buf, NULL);
	td_buf_fini(&buf);
	return code;
}

static void the_writer_goes_on_until_asked_when_memory_runs_out(void **state)
{
	(void)state;
	assert_in_range(alloc_torture(write_much, NULL), 2, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_writer_places_commas_and_colons),
		cmocka_unit_test(the_writer_nests_to_the_depth_that_is_read),
		cmocka_unit_test(strings_are_escaped_as_little_as_can_be),
		cmocka_unit_test(doubles_are_as_short_as_reads_back),
		cmocka_unit_test(doubles_read_back_whatever_their_bits),
		cmocka_unit_test(the_writer_goes_on_until_asked_when_memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
