#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "match/match.h"

#include "event.h"

static void assert_dump(struct td_text expression, const char *wanted)
{
	struct td_filter *filter = filter_of(expression);
	struct td_buf buf = TD_BUF_INIT(1 << 16);

	td_filter_dump(filter, &buf);
	assert_int_equal(buf.code, 0);
	if (!td_text_is(td_buf_view(&buf), wanted))
		fail_msg("%.*s: %.*s, not %s", TD_TEXT_ARG(expression),
			TD_TEXT_ARG(td_buf_view(&buf)), wanted);
	td_buf_fini(&buf);
	td_filter_free(filter);
}

/* The dump shows the grouping: it has parentheses only where they are needed. */
static void operators_bind_as_the_specification_orders_them(void **state)
{
	static const struct {
		const char *expression, *dump;
	} cases[] = {
		{"1+2*3", "1 + 2 * 3"},
		{"(1+2)*3", "(1 + 2) * 3"},
		{"(1*2)+3", "1 * 2 + 3"},
		{"1-(2-3)-4", "1 - (2 - 3) - 4"},
		{"(1-2)-3", "(1 - 2) - 3"},
		{"a=b AND c<d+1", "a = b AND c < d + 1"},
		{"a AND (b OR c)", "a AND (b OR c)"},
		{"(a AND b) OR c", "(a AND b) OR c"},
		{"(a = b)", "a = b"},
		{"((((a))))", "a"},
		{"NOT a = b", "NOT a = b"},
		{"(NOT a) = b", "NOT a = b"},
		{"NOT (a = b)", "NOT (a = b)"},
		{"NOT a LIKE 'x'", "NOT a LIKE 'x'"},
		{"(NOT a) LIKE 'x'", "NOT a LIKE 'x'"},
		{"NOT (a LIKE 'x')", "NOT (a LIKE 'x')"},
		{"NOT EXISTS a", "NOT EXISTS a"},
		{"NOT NOT - -a", "NOT NOT --a"},
		{"-(a)+b", "-a + b"},
		{"-(a+b)", "-(a + b)"},
		{"-a LIKE '1'", "-a LIKE '1'"},
		{"a * b LIKE '1'", "a * b LIKE '1'"},
		{"(a * b) LIKE '1'", "(a * b) LIKE '1'"},
		{"a IN (1) LIKE 't%' NOT IN (2)", "a IN (1) LIKE 't%' NOT IN (2)"},
		{"a LIKE 'x' = b IN (1, 2)", "a LIKE 'x' = b IN (1, 2)"},
		{"a < b = c", "a < b = c"},
		{"a < (b = c)", "a < (b = c)"},
		{"a<>b", "a != b"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_dump(td_text(cases[i].expression), cases[i].dump);
}

static void words_are_read_without_case_and_blanks(void **state)
{
	static const struct {
		const char *expression, *dump;
	} cases[] = {
		{"  a\tand\r\nB  ", "a AND b"},
		{"exists SubJect or true xor FALSE", "EXISTS subject OR TRUE XOR FALSE"},
		{"x not in(1,'2',tRuE)and y Not Like'z'",
			"x NOT IN (1, '2', TRUE) AND y NOT LIKE 'z'"},
		{"concat_ws ( ',' , left(a,1) )", "CONCAT_WS(',', LEFT(a, 1))"},
		{"nosuch()", "NOSUCH()"},
		{"left = right", "left = right"}, /* functions only before "(" */
		{"1a = a1", "1a = a1"},
		{"android = orders", "android = orders"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_dump(td_text(cases[i].expression), cases[i].dump);
}

static void a_sign_belongs_to_the_number_where_no_operand_is_before_it(void **state)
{
	static const struct {
		const char *expression, *dump;
	} cases[] = {
		{"4-1", "4 - 1"},
		{"4 -1", "4 - 1"},
		{"4+-1", "4 + -1"},
		{"4--1", "4 - -1"},
		{"a-1", "a - 1"},
		{"f(x)-1", "F(x) - 1"},
		{"+5", "5"},
		{"-5", "-5"},
		{"--5", "--5"},
		{"- 5", "- 5"},
		{"-5a", "-5a"}, /* minus, and the attribute 5a */
		{"-2147483648", "-2147483648"},
		{"2147483647", "2147483647"},
		{"0000000000000000000007", "7"},
		{"-0", "0"},
		{"1 IN (-1, +1)", "1 IN (-1, 1)"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_dump(td_text(cases[i].expression), cases[i].dump);
}

static void strings_keep_backslashes_but_before_quotes(void **state)
{
	static const struct {
		const char *expression, *dump;
	} cases[] = {
		{"''", "''"},
		{"\"it's\"", "'it\\'s'"},
		{"'it\\'s'", "'it\\'s'"},
		{"'say \\\"no\\\"'", "'say \"no\"'"},
		{"'a\\nb\\\\'", "'a\\nb\\\\'"},
		{"'\\\\' = '\\\\'", "'\\\\' = '\\\\'"},
		{"'\xC3\xA4\n'", "'\xC3\xA4\n'"},
		{"a LIKE \"50\\%_\"", "a LIKE '50\\%_'"},
		{"a LIKE '\\\\%'", "a LIKE '\\\\%'"},
		{"a LIKE 'it\\'s%'", "a LIKE 'it\\'s%'"},
		{"a LIKE ''", "a LIKE ''"},
		{"a LIKE '\\_\\a'", "a LIKE '\\_\\a'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_dump(td_text(cases[i].expression), cases[i].dump);
}

static void an_error_says_where_and_what_was_expected(void **state)
{
	static const struct {
		const char *expression;
		size_t offset;
		const char *text;
	} cases[] = {
		{"", 0, "a value was expected, found the end"},
		{"   ", 3, "a value was expected, found the end"},
		{"a = )", 4, "a value was expected, found ')'"},
		{"a = 1)", 5, "an operator or the end was expected, found ')'"},
		{"(a = 1", 6, "an operator or ')' was expected, found the end"},
		{"a b", 2, "an operator or the end was expected, found 'b'"},
		{"1 1", 2, "an operator or the end was expected, found '1'"},
		{"TRUE FALSE", 5, "an operator or the end was expected, found 'FALSE'"},
		{"a AND", 5, "a value was expected, found the end"},
		{"AND a", 0, "a value was expected, found 'AND'"},
		{"a = in", 4, "a value was expected, found 'in'"},
		{"a NOT = 1", 6, "LIKE or IN behind NOT was expected, found '='"},
		{"a LIKE b", 7, "a string behind LIKE was expected, found 'b'"},
		{"a LIKE ('b')", 7, "a string behind LIKE was expected, found '('"},
		{"a LIKE CONCAT('b')", 7, "a string behind LIKE was expected, found 'CONCAT'"},
		{"a IN 1", 5, "'(' and a list behind IN was expected, found '1'"},
		{"a IN ()", 6, "a value was expected, found ')'"},
		{"a IN (1,)", 8, "a value was expected, found ')'"},
		{"a IN (1 2)", 8, "an operator, ',' or ')' was expected, found '2'"},
		{"EXISTS", 6, "the name of an attribute was expected, found the end"},
		{"EXISTS (a)", 7, "the name of an attribute was expected, found '('"},
		{"EXISTS 'a'", 7, "the name of an attribute was expected, found a string"},
		{"EXISTS like", 7, "the name of an attribute was expected, found 'like'"},
		{"EXISTS 12", 7, "the name of an attribute was expected, found '12'"},
		{"ABC(", 4, "a value was expected, found the end"},
		{"ABC(1", 5, "an operator, ',' or ')' was expected, found the end"},
		{"ABC(1,)", 6, "a value was expected, found ')'"},
		{"ABC1(1)", 4, "an operator or the end was expected, found '('"},
		{"a_b = 1", 0, "the name of an attribute has letters and digits only"},
		{"a = 'b", 4, "the string that begins here has no closing '"},
		{"a = 'b\\'", 4, "the string that begins here has no closing '"},
		{"a = \"b'", 4, "the string that begins here has no closing \""},
		{"a = 'it''s'", 8,
			"an operator or the end was expected, found a string (a quote within a "
			"string is written \\')"},
		{"a = 'b' 'c'", 8, "an operator or the end was expected, found a string"},
		{"a == b", 3, "a value was expected, found '='"},
		{"a ! b", 2, "the character '!' has no meaning here"},
		{"a & b", 2, "the character '&' has no meaning here"},
		{"a.b", 1, "the character '.' has no meaning here"},
		{"a = \xC3\xA4", 4, "the character '\xC3\xA4' has no meaning here"},
		{"a = \x01", 4, "the byte 0x01 has no meaning here"},
		{"a = '\xFF'", 5, "the text is not valid UTF-8 here"},
		{"+ 5", 0, "a value was expected, found '+'"},
		{"+a", 0, "a value was expected, found '+'"},
		{"1 + 2147483648", 4, "an integer must be from -2147483648 to 2147483647"},
		{"-2147483649", 0, "an integer must be from -2147483648 to 2147483647"},
		{"- 2147483648", 2, "an integer must be from -2147483648 to 2147483647"},
		{"99999999999999999999999", 0, "an integer must be from -2147483648 to 2147483647"},
		{"1.5", 1, "the character '.' has no meaning here"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct td_error err = TD_ERROR_INIT;
		struct td_filter *filter = NULL;
		int code = td_filter_sql(&filter, td_text(cases[i].expression), &err);

		if (code != TD_E_FILTER || err.offset != cases[i].offset ||
			strcmp(err.text, cases[i].text) != 0)
			fail_msg("%s: %d at %zu: %s", cases[i].expression, code, err.offset,
				err.text);
		assert_null(filter);
		assert_int_equal(
			td_filter_sql(&filter, td_text(cases[i].expression), NULL), TD_E_FILTER);
	}
}

/* `open` n times, "1", `close` n times. */
static int parse_nested(const char *open, const char *close, size_t n, struct td_error *err)
{
	struct td_buf buf = TD_BUF_INIT(TD_FILTER_BYTES_MAX);
	struct td_filter *filter = NULL;
	int code;

	for (size_t i = 0; i < n; i++)
		td_buf_add_string(&buf, open);
	td_buf_add_string(&buf, "1");
	for (size_t i = 0; i < n; i++)
		td_buf_add_string(&buf, close);
	code = td_filter_sql(&filter, td_buf_view(&buf), err);
	td_buf_fini(&buf);
	td_filter_free(filter);
	return code;
}

static void nesting_is_bounded(void **state)
{
	static const char *const nests[][2] = {
		{"(", ")"}, {"NOT ", ""}, {"- ", ""}, {"f(", ")"}, {"1 IN (", ")"}};
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(nests) / sizeof(nests[0]); i++) {
		assert_int_equal(parse_nested(nests[i][0], nests[i][1], 128, &err), 0);
		assert_int_equal(parse_nested(nests[i][0], nests[i][1], 129, &err), TD_E_FILTER);
		assert_string_equal(err.text, "nested deeper than 128 levels");
	}
}

static void length_is_bounded_and_all_of_it_can_be_used(void **state)
{
	struct td_buf buf = TD_BUF_INIT(2 * TD_FILTER_BYTES_MAX);
	struct td_error err = TD_ERROR_INIT;
	struct td_filter *filter = NULL;

	(void)state;
	td_buf_add_string(&buf, "1");
	while (buf.len + 2 <= TD_FILTER_BYTES_MAX)
		td_buf_add_string(&buf, "+1");
	assert_int_equal(td_filter_sql(&filter, td_buf_view(&buf), &err), 0);
	td_filter_free(filter);
	filter = NULL;
	td_buf_add_string(&buf, "+1");
	assert_int_equal(td_filter_sql(&filter, td_buf_view(&buf), &err), TD_E_FILTER);
	assert_string_equal(err.text, "an expression is at most 8192 bytes long");
	assert_null(filter);
	td_buf_fini(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operators_bind_as_the_specification_orders_them),
		cmocka_unit_test(words_are_read_without_case_and_blanks),
		cmocka_unit_test(a_sign_belongs_to_the_number_where_no_operand_is_before_it),
		cmocka_unit_test(strings_keep_backslashes_but_before_quotes),
		cmocka_unit_test(an_error_says_where_and_what_was_expected),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(length_is_bounded_and_all_of_it_can_be_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
