#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "match/match.h"

#include "event.h"

struct example {
	const char *call;
	const char *result; /* of STRING(call) */
	unsigned errors;
};

static void check(const struct example *examples, size_t count)
{
	struct td_event *event = event_of(EVENT_JSON);
	struct td_arena arena;

	td_arena_init(&arena, 1024, 1 << 20);
	for (size_t i = 0; i < count; i++) {
		struct td_buf buf = TD_BUF_INIT(TD_FILTER_BYTES_MAX);
		struct td_filter *filter;
		struct td_sql_value value;

		td_buf_printf(&buf, "STRING(%s)", examples[i].call);
		filter = filter_of(td_buf_view(&buf));
		value = td_filter_evaluate(filter, event, &arena);
		assert_int_equal(value.type, TD_SQL_STRING);
		if (!td_text_is(value.string, examples[i].result) ||
			value.errors != examples[i].errors)
			fail_msg("%s: '%.*s' (%u), not '%s' (%u)", examples[i].call,
				TD_TEXT_ARG(value.string), value.errors, examples[i].result,
				examples[i].errors);
		td_filter_free(filter);
		td_buf_fini(&buf);
	}
	td_arena_fini(&arena);
	td_event_unref(event);
}

#define CHECK(examples) check(examples, sizeof(examples) / sizeof(examples[0]))

static void parts_of_strings_are_counted_in_characters(void **state)
{
	static const struct example examples[] = {
		{"LENGTH(word)", "5", 0},
		{"LENGTH('\xF0\x9F\x8D\x95')", "1", 0},
		{"LENGTH(-12)", "3", 0},
		{"LENGTH(TRUE)", "4", 0},
		{"LEFT(word, 3)", "Gr\xC3\xBC", 0},
		{"LEFT(word, 0)", "", 0},
		{"LEFT(word, 99)", "Gr\xC3\xBC\xC3\x9F\x65", 0},
		{"LEFT(word, 2147483647)", "Gr\xC3\xBC\xC3\x9F\x65", 0},
		{"LEFT('abc', -1)", "abc", TD_SQL_FUNCTION_EVALUATION},
		{"LEFT(12345, '2')", "12", 0},
		{"LEFT('abc', 'x')", "", TD_SQL_CAST},
		{"RIGHT(word, 3)", "\xC3\xBC\xC3\x9F\x65", 0},
		{"RIGHT(word, 0)", "", 0},
		{"RIGHT(word, 5)", "Gr\xC3\xBC\xC3\x9F\x65", 0},
		{"RIGHT(word, 6)", "Gr\xC3\xBC\xC3\x9F\x65", 0},
		{"RIGHT('abc', -2147483648)", "abc", TD_SQL_FUNCTION_EVALUATION},
		{"RIGHT('', 1)", "", 0},
		{"SUBSTRING(word, 3)", "\xC3\xBC\xC3\x9F\x65", 0},
		{"SUBSTRING(word, 3, 1)", "\xC3\xBC", 0},
		{"SUBSTRING(word, 3, 0)", "", 0},
		{"SUBSTRING(word, -2, 1)", "\xC3\x9F", 0},
		{"SUBSTRING(word, 5)", "e", 0},
		{"SUBSTRING(word, -5)", "Gr\xC3\xBC\xC3\x9F\x65", 0},
		{"SUBSTRING(word, 6)", "", TD_SQL_FUNCTION_EVALUATION},
		{"SUBSTRING(word, -6)", "", TD_SQL_FUNCTION_EVALUATION},
		{"SUBSTRING(word, 2, 2147483647)", "r\xC3\xBC\xC3\x9F\x65", 0},
		{"SUBSTRING(word, 2, -1)", "", TD_SQL_FUNCTION_EVALUATION},
		{"SUBSTRING(word, 0)", "", 0},
		{"SUBSTRING(word, 0, 5)", "", 0},
		{"SUBSTRING(word, 0, -1)", "", TD_SQL_FUNCTION_EVALUATION},
		{"SUBSTRING('', 0)", "", 0},
		{"SUBSTRING('', 1)", "", TD_SQL_FUNCTION_EVALUATION},
		{"SUBSTRING('', -1)", "", TD_SQL_FUNCTION_EVALUATION},
		{"SUBSTRING(word, -2147483648)", "", TD_SQL_FUNCTION_EVALUATION},
		{"SUBSTRING(word, 2147483647)", "", TD_SQL_FUNCTION_EVALUATION},
	};

	(void)state;
	CHECK(examples);
}

static void strings_are_joined(void **state)
{
	static const struct example examples[] = {
		{"CONCAT()", "", 0},
		{"CONCAT('a')", "a", 0},
		{"CONCAT('a', 1, TRUE, -2)", "a1true-2", 0},
		{"CONCAT(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)", "12345678910", 0},
		{"CONCAT_WS(',')", "", 0},
		{"CONCAT_WS(',', 'a')", "a", 0},
		{"CONCAT_WS(',', 'a', '', 'b')", "a,,b", 0},
		{"CONCAT_WS('', 'a', 'b')", "ab", 0},
		{"CONCAT_WS(1, 2, 3)", "213", 0},
		{"CONCAT(CONCAT('a', 'b'), UPPER(CONCAT('c', 'd')))", "abCD", 0},
	};

	(void)state;
	CHECK(examples);
}

static void case_and_blanks_are_those_of_unicode(void **state)
{
	static const struct example examples[] = {
		{"UPPER('abc xyz 1_')", "ABC XYZ 1_", 0},
		{"LOWER('ABC XYZ 1_')", "abc xyz 1_", 0},
		{"UPPER('\xC3\xA4\xC3\xB6\xC3\xBC\xC3\xBF')", "\xC3\x84\xC3\x96\xC3\x9C\xC5\xB8",
			0},
		{"LOWER('\xC3\x84\xC3\x96\xC3\x9C\xC5\xB8')", "\xC3\xA4\xC3\xB6\xC3\xBC\xC3\xBF",
			0},
		{"UPPER('stra\xC3\x9F\x65')", "STRA\xC3\x9F\x45", 0},
		{"LOWER('\xCE\xA3\xCE\x91\xCE\x86')", "\xCF\x83\xCE\xB1\xCE\xAC", 0},
		{"UPPER('\xCF\x82\xCF\x83')", "\xCE\xA3\xCE\xA3", 0},
		{"UPPER('\xD0\xB6\xD1\x91')", "\xD0\x96\xD0\x81", 0},
		{"LOWER('\xD0\x96\xD0\x81')", "\xD0\xB6\xD1\x91", 0},
		{"UPPER('\xC4\xB1\xC5\xBF')", "IS", 0},
		{"LOWER('\xC4\xB0')", "i", 0},
		{"LOWER('\xE1\xBA\x9E\xE1\xBB\xA4')", "\xC3\x9F\xE1\xBB\xA5", 0},
		{"UPPER('\xC3\xB7\xC3\x97')", "\xC3\xB7\xC3\x97", 0}, /* no letters */
		{"UPPER('\xF0\x9F\x8D\x95')", "\xF0\x9F\x8D\x95", 0},
		{"UPPER('')", "", 0},
		{"UPPER(TRUE)", "TRUE", 0},
		{"TRIM('  a b  ')", "a b", 0},
		{"TRIM(' \t\r\n\x0B\x0C')", "", 0},
		{"TRIM('')", "", 0},
		{"TRIM('\xC2\xA0\xE2\x80\x83x\xE3\x80\x80\xE1\x9A\x80')", "x", 0},
		{"TRIM('\xC2\x85\xE2\x80\xA8x\xE2\x80\xA9\xE2\x80\xAF\xE2\x81\x9F')", "x", 0},
		{"TRIM('\xE2\x80\x8Bx')", "\xE2\x80\x8Bx", 0}, /* zero width space is none */
		{"TRIM('\x01 x')", "\x01 x", 0},
		{"TRIM(' \xC3\xA4 ')", "\xC3\xA4", 0},
	};

	(void)state;
	CHECK(examples);
}

static void a_function_is_known_by_name_and_number_of_arguments(void **state)
{
	static const struct example examples[] = {
		{"NOSUCH()", "false", TD_SQL_MISSING_FUNCTION},
		{"NOSUCH(1 / 0, missing)", "false", TD_SQL_MISSING_FUNCTION},
		{"ABS()", "false", TD_SQL_MISSING_FUNCTION},
		{"ABS(1, 2)", "false", TD_SQL_MISSING_FUNCTION},
		{"LENGTH()", "false", TD_SQL_MISSING_FUNCTION},
		{"LEFT('a')", "false", TD_SQL_MISSING_FUNCTION},
		{"SUBSTRING('a')", "false", TD_SQL_MISSING_FUNCTION},
		{"SUBSTRING('a', 1, 1, 1)", "false", TD_SQL_MISSING_FUNCTION},
		{"CONCAT_WS()", "false", TD_SQL_MISSING_FUNCTION},
		{"IS_INT(1)", "false", TD_SQL_MISSING_FUNCTION},
		{"aBs(-1)", "1", 0},
		{"ABS('-5')", "5", 0},
		{"ABS(least)", "2147483647", TD_SQL_MATH},
		{"ABS(-2147483647)", "2147483647", 0},
		{"ABS('x')", "0", TD_SQL_CAST},
	};

	(void)state;
	CHECK(examples);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_of_strings_are_counted_in_characters),
		cmocka_unit_test(strings_are_joined),
		cmocka_unit_test(case_and_blanks_are_those_of_unicode),
		cmocka_unit_test(a_function_is_known_by_name_and_number_of_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
