#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/json.h"

static void json_accepts_what_rfc_8259_allows(void **state)
{
	static const struct {
		const char *text;
		enum td_json_kind kind;
		const char *value;
	} rows[] = {
		{"null", TD_JSON_NULL, "null"},
		{" true ", TD_JSON_TRUE, "true"},
		{"\t\r\nfalse\n", TD_JSON_FALSE, "false"},
		{"0", TD_JSON_NUMBER, "0"},
		{"-0", TD_JSON_NUMBER, "-0"},
		{"-0.0e-0", TD_JSON_NUMBER, "-0.0e-0"},
		{"120.5E+9999", TD_JSON_NUMBER, "120.5E+9999"},
		{"1e0001", TD_JSON_NUMBER, "1e0001"},
		{"\"\"", TD_JSON_STRING, "\"\""},
		{"\"\\\\\"", TD_JSON_STRING, "\"\\\\\""},
		{"\"\\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uFfF0\"", TD_JSON_STRING, NULL},
		{"\"\\ud800\"", TD_JSON_STRING, "\"\\ud800\""},
		{"\"\x7F\xC2\x80\xF4\x8F\xBF\xBF\"", TD_JSON_STRING, NULL},
		{"[]", TD_JSON_ARRAY, "[]"},
		{" [ ] ", TD_JSON_ARRAY, "[ ]"},
		{"[1,2 , [3]]", TD_JSON_ARRAY, "[1,2 , [3]]"},
		{"{}", TD_JSON_OBJECT, "{}"},
		{"{ }", TD_JSON_OBJECT, "{ }"},
		{"{\"a\":1 , \"a\" : {\"b\":[]}}", TD_JSON_OBJECT, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct td_error err = TD_ERROR_INIT;
		struct td_json value;

		if (td_json_parse(td_text(rows[i].text), 0, &value, &err) != 0)
			fail_msg("%s: %s", rows[i].text, err.text);
		assert_int_equal(value.kind, rows[i].kind);
		if (!td_text_is(value.text, rows[i].value ? rows[i].value : rows[i].text))
			fail_msg("%s: %.*s", rows[i].text, TD_TEXT_ARG(value.text));
	}
}

static void json_refuses_the_rest_and_says_where_and_what_was_expected(void **state)
{
#define END "unexpected end of text, "
	static const struct {
		struct td_text text;
		size_t offset;
		const char *place, *expected;
	} rows[] = {
#define ROW(text, offset, place, expected) {TD_TEXT_INIT(text), offset, place, expected}
		ROW("", 0, "line 1, column 1", END "a value"),
		ROW(" \n ", 3, "line 2, column 2", END "a value"),
		ROW("\xEF\xBB\xBF{}", 0, "line 1, column 1", "a value"),
		ROW("nul", 0, "line 1, column 1", "a value"),
		ROW("True", 0, "line 1, column 1", "a value"),
		ROW("nulll", 4, "line 1, column 5", "the end of the text"),
		ROW("1 2", 2, "line 1, column 3", "the end of the text"),
		ROW("1\0", 1, "line 1, column 2", "the end of the text"),
		ROW("[1]]", 3, "line 1, column 4", "the end of the text"),
		ROW("+1", 0, "line 1, column 1", "a value"),
		ROW(".5", 0, "line 1, column 1", "a value"),
		ROW("-", 1, "line 1, column 2", END "a digit"),
		ROW("-a", 1, "line 1, column 2", "a digit"),
		ROW("01", 0, "line 1, column 1", "a number without leading zero"),
		ROW("-00", 1, "line 1, column 2", "a number without leading zero"),
		ROW("1.", 2, "line 1, column 3", END "a digit"),
		ROW("1.e1", 2, "line 1, column 3", "a digit"),
		ROW("1e", 2, "line 1, column 3", END "a digit"),
		ROW("1e+-1", 3, "line 1, column 4", "a digit"),
		ROW("\"", 1, "line 1, column 2", END "a '\"'"),
		ROW("\"\\\"", 3, "line 1, column 4", END "a '\"'"),
		ROW("\"\\", 2, "line 1, column 3", END "one of \" \\ / b f n r t u"),
		ROW("\"\\x\"", 2, "line 1, column 3", "one of \" \\ / b f n r t u"),
		ROW("\"\\u12G4\"", 5, "line 1, column 6", "a hexadecimal digit"),
		ROW("\"\\u12", 5, "line 1, column 6", END "a hexadecimal digit"),
		ROW("\"a\nb\"", 2, "line 1, column 3", "no bare control character"),
		ROW("\"\0\"", 1, "line 1, column 2", "no bare control character"),
		ROW("\"\xC3\xA9\xFF\"", 3, "line 1, column 3", "valid UTF-8"),
		ROW("\"\xC0\x80\"", 1, "line 1, column 2", "valid UTF-8"),
		ROW("\"\xED\xA0\x80\"", 1, "line 1, column 2", "valid UTF-8"),
		ROW("\"\xF4\x90\x80\x80\"", 1, "line 1, column 2", "valid UTF-8"),
		ROW("\"\xE2\x82\"", 1, "line 1, column 2", "valid UTF-8"),
		ROW("\"\xFF\n\"", 1, "line 1, column 2", "valid UTF-8"),
		ROW("{\"\xFF\":1}", 2, "line 1, column 3", "valid UTF-8"),
		ROW("[", 1, "line 1, column 2", END "a value"),
		ROW("[,", 1, "line 1, column 2", "a value"),
		ROW("[1,]", 3, "line 1, column 4", "a value"),
		ROW("[1", 2, "line 1, column 3", END "a ',' or ']'"),
		ROW("[1 2]", 3, "line 1, column 4", "a ',' or ']'"),
		ROW("[1}", 2, "line 1, column 3", "a ',' or ']'"),
		ROW("[\"a\":1]", 4, "line 1, column 5", "a ',' or ']'"),
		ROW("{", 1, "line 1, column 2", END "a name in quotes"),
		ROW("{a:1}", 1, "line 1, column 2", "a name in quotes"),
		ROW("{\"a\" 1}", 5, "line 1, column 6", "a ':'"),
		ROW("{\"a\":}", 5, "line 1, column 6", "a value"),
		ROW("{\"a\":1,}", 7, "line 1, column 8", "a name in quotes"),
		ROW("{\n\n\"a\": \"\xC3\xA9\" ]", 13, "line 3, column 10", "a ',' or '}'"),
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct td_error err = TD_ERROR_INIT;
		struct td_json value = {TD_JSON_NONE, {NULL, 0}};
		char want[TD_ERROR_TEXT_BYTES];

		snprintf(
			want, sizeof(want), "%s: %s was expected", rows[i].place, rows[i].expected);
		if (td_json_parse(rows[i].text, 0, &value, &err) != TD_E_JSON)
			fail_msg("accepted: %s", rows[i].text.at);
		assert_int_equal(err.code, TD_E_JSON);
		assert_string_equal(err.text, want);
		assert_int_equal(err.offset, rows[i].offset);
		assert_int_equal(value.kind, TD_JSON_NONE);
	}
}

static void json_refuses_absent_text(void **state)
{
	struct td_json value;

	(void)state;
	assert_int_equal(td_json_parse(td_text(NULL), 0, &value, NULL), TD_E_JSON);
}

/* n arrays or objects in each other. */
static char *nested(size_t n, const char *open, const char *close)
{
	size_t step = strlen(open);
	char *text = malloc(n * (step + 1) + 2), *at = text;

	assert_non_null(text);
	for (size_t i = 0; i < n; i++, at += step)
		memcpy(at, open, step);
	if (step > 1)
		*at++ = '0';
	for (size_t i = 0; i < n; i++)
		*at++ = close[0];
	*at = '\0';
	return text;
}

static void json_bounds_nesting(void **state)
{
	static const struct {
		unsigned depth_max;
		size_t depth;
		const char *error; /* NULL: accepted */
	} rows[] = {
		{0, 512, NULL},
		{0, 513, "line 1, column 513: nesting is deeper than 512"},
		{512, 512, NULL},
		{100000, 513, "line 1, column 513: nesting is deeper than 512"},
		{1, 1, NULL},
		{1, 2, "line 1, column 2: nesting is deeper than 1"},
		{0, 1000000, "line 1, column 513: nesting is deeper than 512"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct td_error err = TD_ERROR_INIT;
		struct td_json value;
		char *array = nested(rows[i].depth, "[", "]");
		char *object = nested(rows[i].depth, "{\"\":", "}");
		int want = rows[i].error ? TD_E_JSON : 0;

		assert_int_equal(
			td_json_parse(td_text(object), rows[i].depth_max, &value, NULL), want);
		assert_int_equal(
			td_json_parse(td_text(array), rows[i].depth_max, &value, &err), want);
		if (want != 0)
			assert_string_equal(err.text, rows[i].error);
		free(array);
		free(object);
	}
}

/* Strings are scanned in steps of 16 and 8 bytes: a fault is found at each place in each. */
static void json_finds_a_fault_anywhere_in_a_string(void **state)
{
	static const char faults[] = {'\x00', '\x1F', '\n', '\x80', '\xFF', '\xC1'};
	char text[80];

	(void)state;
	for (size_t len = 1; len < 70; len++) {
		for (size_t i = 0; i < len; i++) {
			for (size_t k = 0; k < sizeof(faults); k++) {
				struct td_error err = TD_ERROR_INIT;
				struct td_json value;
				struct td_text whole = td_text_of(text, len + 2);

				memset(text, 'x', sizeof(text));
				text[0] = text[len + 1] = '"';
				assert_int_equal(td_json_parse(whole, 0, &value, NULL), 0);
				text[i + 1] = faults[k];
				assert_int_equal(td_json_parse(whole, 0, &value, &err), TD_E_JSON);
				assert_int_equal(err.offset, i + 1);
				text[i + 1] = '"';
				assert_int_equal(td_json_parse(whole, 0, &value, &err), TD_E_JSON);
				assert_int_equal(err.offset, i + 2);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_accepts_what_rfc_8259_allows),
		cmocka_unit_test(json_refuses_the_rest_and_says_where_and_what_was_expected),
		cmocka_unit_test(json_refuses_absent_text),
		cmocka_unit_test(json_bounds_nesting),
		cmocka_unit_test(json_finds_a_fault_anywhere_in_a_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
