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

/* What is expected, written as in CESQL ("true", "-5", "'text'"), and errors as letters. */
struct example {
	const char *expression, *result, *errors;
};

static const struct {
	char letter;
	unsigned error;
} letters[] = {
	{'m', TD_SQL_MATH},
	{'c', TD_SQL_CAST},
	{'a', TD_SQL_MISSING_ATTRIBUTE},
	{'f', TD_SQL_MISSING_FUNCTION},
	{'e', TD_SQL_FUNCTION_EVALUATION},
	{'g', TD_SQL_GENERIC},
	{'l', TD_SQL_LIMIT},
};

static void show(const struct td_sql_value *value, char text[512], char errors[16])
{
	size_t count = 0;

	if (value->type == TD_SQL_BOOLEAN)
		snprintf(text, 512, "%s", value->boolean ? "true" : "false");
	else if (value->type == TD_SQL_INTEGER)
		snprintf(text, 512, "%d", value->integer);
	else
		snprintf(text, 512, "'%.*s'", TD_TEXT_ARG(value->string));
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		if ((value->errors & letters[i].error) != 0)
			errors[count++] = letters[i].letter;
	}
	errors[count] = '\0';
}

static void check(const struct example *examples, size_t count)
{
	struct td_event *event = event_of(EVENT_JSON);
	struct td_arena arena;

	td_arena_init(&arena, 1024, 1 << 20);
	for (size_t i = 0; i < count; i++) {
		struct td_filter *filter = filter_of(td_text(examples[i].expression));
		struct td_sql_value value = td_filter_evaluate(filter, event, &arena);
		char text[512], errors[16];

		show(&value, text, errors);
		if (strcmp(text, examples[i].result) != 0 ||
			strcmp(errors, examples[i].errors) != 0)
			fail_msg("%s: %s (%s), not %s (%s)", examples[i].expression, text, errors,
				examples[i].result, examples[i].errors);
		assert_int_equal(td_filter_passes(filter, event),
			strcmp(text, "true") == 0 && errors[0] == '\0');
		td_filter_free(filter);
	}
	td_arena_fini(&arena);
	td_event_unref(event);
}

#define CHECK(examples) check(examples, sizeof(examples) / sizeof(examples[0]))

static void attributes_have_the_types_of_the_event(void **state)
{
	static const struct example examples[] = {
		{"id", "'7'", ""},
		{"SubJect", "'order.42'", ""},
		{"specversion", "'1.0'", ""},
		{"number", "5", ""},
		{"least", "-2147483648", ""},
		{"yes", "true", ""},
		{"no", "false", ""},
		{"digits", "'12'", ""},
		{"datacontenttype", "'application/json'", ""},
		{"data", "false", "a"},
		{"missing", "false", "a"},
		{"EXISTS id AND EXISTS source AND EXISTS type AND EXISTS specversion", "true", ""},
		{"EXISTS no", "true", ""},
		{"EXISTS missing", "false", ""},
		{"NOT EXISTS missing", "true", ""},
	};

	(void)state;
	CHECK(examples);
}

static void a_missing_attribute_makes_the_operator_around_it_zero(void **state)
{
	static const struct example examples[] = {
		{"(missing)", "false", "a"},
		{"missing = ''", "false", "a"},
		{"missing != 2", "false", "a"},
		{"2 <> missing", "false", "a"},
		{"missing = missing", "false", "a"},
		{"missing < 2", "false", "a"},
		{"2 >= missing", "false", "a"},
		{"missing + 2", "0", "a"},
		{"2 - missing", "0", "a"},
		{"missing + 1 + 2", "2", "a"},
		{"1 / missing", "0", "a"},
		{"1 % missing", "0", "a"},
		{"-missing", "0", "a"},
		{"NOT missing", "false", "a"},
		{"NOT (missing = 1)", "true", "a"},
		{"missing LIKE '%'", "false", "a"},
		{"missing NOT LIKE 'a'", "false", "a"},
		{"missing IN (1)", "false", "a"},
		{"missing NOT IN (1)", "false", "a"},
		{"1 IN (2, missing)", "false", "a"},
		{"1 NOT IN (2, missing)", "false", "a"},
		{"1 IN (1, missing)", "true", ""},
		{"missing AND TRUE", "false", "a"},
		{"TRUE AND missing", "false", "a"},
		{"FALSE AND missing", "false", ""},
		{"missing OR TRUE", "false", "a"},
		{"FALSE OR missing", "false", "a"},
		{"TRUE OR missing", "true", ""},
		{"missing XOR TRUE", "false", "a"},
		{"TRUE XOR missing", "false", "a"},
		{"TRUE XOR missing XOR TRUE", "true", "a"},
		{"TRUE XOR (missing AND TRUE)", "true", "a"},
		{"TRUE XOR missing AND TRUE", "true", "a"},
		{"TRUE XOR TRUE XOR missing", "true", "a"},
		{"(missing = 1) OR TRUE", "true", "a"},
		{"LENGTH(missing)", "0", "a"},
		{"UPPER(missing)", "''", "a"},
		{"CONCAT('a', missing, 'b')", "''", "a"},
		{"ABS(missing)", "0", "a"},
		{"INT(missing)", "0", "a"},
		{"BOOL(missing)", "false", "a"},
		{"STRING(missing)", "''", "a"},
		{"LEFT('abc', missing)", "''", "a"},
		{"(1 / 0) + missing", "0", "ma"},
	};

	(void)state;
	CHECK(examples);
}

static void casts_follow_the_table(void **state)
{
	static const struct example examples[] = {
		{"INT('+5')", "5", ""},
		{"INT('-0')", "0", ""},
		{"INT('007')", "7", ""},
		{"INT('2147483647')", "2147483647", ""},
		{"INT('-2147483648')", "-2147483648", ""},
		{"INT('2147483648')", "0", "c"},
		{"INT('-2147483649')", "0", "c"},
		{"INT('99999999999999999999')", "0", "c"},
		{"INT('')", "0", "c"},
		{"INT('-')", "0", "c"},
		{"INT(' 5')", "0", "c"},
		{"INT('5 ')", "0", "c"},
		{"INT('5.0')", "0", "c"},
		{"INT('--5')", "0", "c"},
		{"INT(TRUE)", "1", ""},
		{"BOOL('tRuE')", "true", ""},
		{"BOOL('FALSE')", "false", ""},
		{"BOOL('truer')", "false", "c"},
		{"BOOL('tru')", "false", "c"},
		{"BOOL(' true')", "false", "c"},
		{"BOOL('')", "false", "c"},
		{"BOOL('1')", "false", "c"},
		{"BOOL(0)", "false", ""},
		{"BOOL(1)", "true", ""},
		{"BOOL(-7)", "true", ""},
		{"STRING(-2147483648)", "'-2147483648'", ""},
		{"STRING(0)", "'0'", ""},
		{"STRING(yes)", "'true'", ""},
		{"STRING(word)", "'Gr\xC3\xBC\xC3\x9F\x65'", ""},
	};

	(void)state;
	CHECK(examples);
}

static void equality_casts_the_left_side_to_the_type_of_the_right(void **state)
{
	static const struct example examples[] = {
		{"TRUE = 'true' AND FALSE = 'false'", "true", ""},
		{"TRUE = 'TRUE' OR FALSE = 'FALSE'", "false", ""},
		{"'TRUE' = TRUE", "true", ""},
		{"truth = yes", "true", ""},
		{"yes = truth", "false", ""},
		{"digits = 12", "true", ""},
		{"12 = digits", "true", ""},
		{"'012' = 12", "true", ""},
		{"12 = '012'", "false", ""},
		{"5 = TRUE", "true", ""},
		{"TRUE = 5", "false", ""},
		{"TRUE = 1", "true", ""},
		{"'x' = 5", "false", "c"},
		{"'x' != 5", "true", "c"},
		{"'x' = 0", "true", "c"}, /* the cast gives 0 */
		{"'' = ''", "true", ""},
		{"'a' = 'A'", "false", ""},
		{"'a' != 'A'", "true", ""},
		{"number = 5 = TRUE", "true", ""},
		{"digits > 9", "true", ""},
		{"digits >= '12'", "true", ""},
		{"'b' > 'a'", "false", "c"},
		{"TRUE > FALSE", "true", ""},
		{"-1 < +1", "true", ""},
	};

	(void)state;
	CHECK(examples);
}

static void in_casts_the_elements_to_the_type_of_the_left_side(void **state)
{
	static const struct example examples[] = {
		{"'1' IN (1, 2)", "true", ""},
		{"1 IN ('1', '2')", "true", ""},
		{"1 IN ('01')", "true", ""},
		{"'1' IN ('01')", "false", ""},
		{"TRUE IN ('TRUE')", "true", ""},
		{"'TRUE' IN (TRUE)", "false", ""},
		{"'true' IN (TRUE)", "true", ""},
		{"5 IN (TRUE)", "false", ""},
		{"1 IN (TRUE)", "true", ""},
		{"1 IN ('x', 1)", "true", "c"},
		{"1 IN (1, 'x')", "true", ""},
		{"'a' NOT IN ('b', 'c')", "true", ""},
		{"number IN (1 + 4)", "true", ""},
		{"TRUE IN (1 = 2, 2 = 2)", "true", ""},
	};

	(void)state;
	CHECK(examples);
}

static void arithmetic_is_of_32_bits_and_says_where_it_ends(void **state)
{
	static const struct example examples[] = {
		{"7 / 2", "3", ""},
		{"-7 / 2", "-3", ""},
		{"7 / -2", "-3", ""},
		{"7 % 3", "1", ""},
		{"-7 % 3", "-1", ""},
		{"7 % -3", "1", ""},
		{"5 / 0", "0", "m"},
		{"5 % 0", "0", "m"},
		{"2147483647 + 1", "0", "m"},
		{"-2147483648 - 1", "0", "m"},
		{"65536 * 65536", "0", "m"},
		{"-2147483648 / -1", "0", "m"},
		{"-2147483648 % -1", "0", ""},
		{"-least", "0", "m"},
		{"-2147483647 - 1", "-2147483648", ""},
		{"10 - 4 - 3", "3", ""},
		{"2 * 3 % 4 / 2", "1", ""},
		{"'5' + TRUE", "6", ""},
		{"'x' + 5", "5", "c"},
		{"--10", "10", ""},
		{"---10", "-10", ""},
		{"-'10'", "-10", ""},
		{"-TRUE", "-1", ""},
		{"4-1", "3", ""},
	};

	(void)state;
	CHECK(examples);
}

static void logic_groups_from_the_right_and_stops_early(void **state)
{
	static const struct example examples[] = {
		{"FALSE AND TRUE OR TRUE", "false", ""}, {"(FALSE AND TRUE) OR TRUE", "true", ""},
		{"TRUE OR TRUE AND FALSE", "true", ""}, {"TRUE XOR TRUE AND FALSE", "true", ""},
		{"TRUE XOR FALSE XOR TRUE", "false", ""}, {"TRUE XOR TRUE OR FALSE", "false", ""},
		{"TRUE XOR FALSE OR FALSE", "true", ""}, {"TRUE AND TRUE XOR TRUE", "false", ""},
		{"FALSE AND (1 / 0 = 1)", "false", ""}, {"TRUE OR (1 / 0 = 1)", "true", ""},
		{"TRUE XOR (1 / 0 = 1)", "true", "m"}, {"TRUE XOR TRUE OR 1 / 0 = 1", "false", ""},
		{"'true' AND 1", "true", ""}, {"0 OR 'FALSE'", "false", ""},
		{"'x' OR TRUE", "true", "c"}, {"TRUE AND 'x'", "false", "c"},
		{"NOT FALSE AND FALSE", "false", ""}, {"NOT 'x'", "true", "c"},
		{"NOT 10", "true", "c"}, {"NOT BOOL(10)", "false", ""},
		{"NOT number = 5", "false", "c"}, /* (NOT number) = 5, that is TRUE = 5, 1 = 5 */
	};

	(void)state;
	CHECK(examples);
}

static void filters_pass_only_what_is_true_without_errors(void **state)
{
	static const struct example examples[] = {
		{"1", "1", ""},
		{"'true'", "'true'", ""},
		{"type = 'OrderPlaced' AND subject LIKE 'order.%'", "true", ""},
		{"type = 'OrderPlaced' AND missing = 1", "false", "a"},
		{"type = 'OrderPlaced' OR missing = 1", "true", ""},
		{"missing = 1 OR type = 'OrderPlaced'", "true", "a"},
		{"EXISTS missing AND missing = 1", "false", ""},
	};

	(void)state;
	CHECK(examples);
}

/* Every filter that parses can be evaluated; work on long strings comes to an end all the same. */
static void steps_and_strings_are_bounded(void **state)
{
	struct td_event *event = event_of(EVENT_JSON);
	struct td_buf buf = TD_BUF_INIT(TD_FILTER_BYTES_MAX);
	struct td_filter *filter;
	struct td_sql_value value;
	struct td_arena arena;

	(void)state;
	td_arena_init(&arena, 1024, 1 << 20);
	td_buf_add_string(&buf, "1");
	while (buf.len + 2 <= TD_FILTER_BYTES_MAX)
		td_buf_add_string(&buf, "+1");
	filter = filter_of(td_buf_view(&buf));
	value = td_filter_evaluate(filter, event, &arena);
	assert_int_equal(value.errors, 0);
	assert_int_equal(value.integer, TD_FILTER_BYTES_MAX / 2);
	td_filter_free(filter);
	td_buf_fini(&buf);
	td_arena_fini(&arena);
	td_event_unref(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes_have_the_types_of_the_event),
		cmocka_unit_test(a_missing_attribute_makes_the_operator_around_it_zero),
		cmocka_unit_test(casts_follow_the_table),
		cmocka_unit_test(equality_casts_the_left_side_to_the_type_of_the_right),
		cmocka_unit_test(in_casts_the_elements_to_the_type_of_the_left_side),
		cmocka_unit_test(arithmetic_is_of_32_bits_and_says_where_it_ends),
		cmocka_unit_test(logic_groups_from_the_right_and_stops_early),
		cmocka_unit_test(filters_pass_only_what_is_true_without_errors),
		cmocka_unit_test(steps_and_strings_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
