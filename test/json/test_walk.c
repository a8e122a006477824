#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "json/json.h"

#define NONE                    \
	{                       \
		TD_JSON_NONE,   \
		{               \
			NULL, 0 \
		}               \
	}

static struct td_json parse(const char *text)
{
	struct td_json value;

	assert_int_equal(td_json_parse(td_text(text), 0, &value, NULL), 0);
	return value;
}

static void trusted_text_is_a_value_without_its_blanks(void **state)
{
	static const struct {
		const char *text;
		enum td_json_kind kind;
		const char *value;
	} rows[] = {
		{NULL, TD_JSON_NONE, NULL},
		{" null", TD_JSON_NULL, "null"},
		{"true\n", TD_JSON_TRUE, "true"},
		{"false", TD_JSON_FALSE, "false"},
		{"\t-1 ", TD_JSON_NUMBER, "-1"},
		{"\" \"", TD_JSON_STRING, "\" \""},
		{"\r\n[ ]\r\n", TD_JSON_ARRAY, "[ ]"},
		{"{}", TD_JSON_OBJECT, "{}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct td_json value = td_json_trusted(td_text(rows[i].text));

		assert_int_equal(value.kind, rows[i].kind);
		assert_true(td_text_is(value.text, rows[i].value));
	}
}

static void walking_gives_each_member_with_its_exact_text(void **state)
{
	static const struct {
		const char *name, *value;
		enum td_json_kind kind;
	} rows[] = {
		{"\"a\"", "1", TD_JSON_NUMBER},
		{"\"\\u0062\\\"}\"", "\"]}\\\\\"", TD_JSON_STRING},
		{"\"c\"", "[ {\"x\":[]} , \"[\" ]", TD_JSON_ARRAY},
		{"\"\"", "{ \"}\" : null }", TD_JSON_OBJECT},
		{"\"a\"", "true", TD_JSON_TRUE},
	};
	struct td_json name, value;
	struct td_json_iter iter = td_json_iterate(
		parse(" { \"a\":1 ,\"\\u0062\\\"}\" : \"]}\\\\\", \"c\":[ {\"x\":[]} , \"[\" ]\n,"
		      "\"\":{ \"}\" : null }, \"a\"\t:true\n}"));

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(td_json_next(&iter, &name, &value));
		assert_int_equal(name.kind, TD_JSON_STRING);
		assert_true(td_text_is(name.text, rows[i].name));
		assert_int_equal(value.kind, rows[i].kind);
		assert_true(td_text_is(value.text, rows[i].value));
	}
	assert_false(td_json_next(&iter, &name, &value));
	assert_false(td_json_next(&iter, &name, &value));
}

static void walking_an_array_gives_no_names(void **state)
{
	struct td_json name, value;
	struct td_json_iter iter = td_json_iterate(parse("[1.5e3 , null]"));

	(void)state;
	assert_true(td_json_next(&iter, &name, &value));
	assert_int_equal(name.kind, TD_JSON_NONE);
	assert_null(name.text.at);
	assert_true(td_text_is(value.text, "1.5e3"));
	assert_true(td_json_next(&iter, NULL, &value));
	assert_int_equal(value.kind, TD_JSON_NULL);
	assert_false(td_json_next(&iter, NULL, NULL));
}

static void count_is_that_of_direct_members(void **state)
{
	static const struct {
		const char *text;
		size_t count;
	} rows[] = {
		{"[]", 0},
		{"{ }", 0},
		{"[[1,2],[3]]", 2},
		{"{\"a\":[1,2,3],\"a\":{}}", 2},
		{"1", 0},
		{"\"[1,2]\"", 0},
	};
	struct td_json none = NONE;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(td_json_count(parse(rows[i].text)), rows[i].count);
	assert_int_equal(td_json_count(none), 0);
}

static void get_finds_the_last_of_a_name(void **state)
{
	static const struct {
		const char *text, *name, *value;
	} rows[] = {
		{"{\"a\":1,\"b\":2,\"a\":3}", "a", "3"},
		{"{\"a\":1,\"\\u0061\":2}", "a", "2"},
		{"{\"a\":1}", "b", NULL},
		{"{\"a\":1}", "A", NULL},
		{"{\"ab\":1}", "a", NULL},
		{"{\"\":1}", "", "1"},
		{"{\"\\\\\":1}", "\\", "1"},
		{"{\"\\\\\":1}", "\\\\", NULL},
		{"{\"\\ud834\\udd1e\":1}", "\xF0\x9D\x84\x9E", "1"},
		{"{\"\\udead\":1}", "\xEF\xBF\xBD", "1"},
		{"[1]", "0", NULL},
		{"\"a\"", "a", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct td_json value = td_json_get(parse(rows[i].text), td_text(rows[i].name));

		assert_int_equal(value.kind == TD_JSON_NONE, rows[i].value == NULL);
		assert_true(td_text_is(value.text, rows[i].value));
	}
}

#define X4  "xxxx"
#define X8  X4 X4
#define X16 X8 X8
#define X32 X16 X16

/* Containers are skipped in blocks of 64 bytes: whatever stands where in one, it is the same. */
static void skipping_does_not_depend_on_where_a_block_ends(void **state)
{
	static const char *const tails[] = {
		"\"}]\\\\\"",
		"\"\\\"]\"",
		"\"\\\\\\\"}\"",
		"{\"\\\\\":[]}",
		"[[],{},[{}]]",
		"[\"\",\"\\\\\\\\\",{\"]\":\"[\"}]",
		"\"\\n" X32 X32 "\",\"]" X32 "\"",
		"\"\\n" X32 X16 X8 X4 "xxx\",\"]" X32 "\"",
	};
	char text[400];

	(void)state;
	for (size_t pad = 0; pad < 140; pad++) {
		for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
			struct td_json_iter iter;
			struct td_json value;
			size_t len = strlen(tails[i]);

			memset(text, ' ', sizeof(text));
			memcpy(text, "[[", 2);
			memcpy(text + 2 + pad, tails[i], len);
			memcpy(text + 2 + pad + len, "],1]", 5);
			iter = td_json_iterate(parse(text));
			assert_true(td_json_next(&iter, NULL, &value));
			assert_int_equal(value.text.len, pad + len + 2);
			assert_true(td_json_next(&iter, NULL, &value));
			assert_true(td_text_is(value.text, "1"));
			assert_false(td_json_next(&iter, NULL, &value));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trusted_text_is_a_value_without_its_blanks),
		cmocka_unit_test(walking_gives_each_member_with_its_exact_text),
		cmocka_unit_test(walking_an_array_gives_no_names),
		cmocka_unit_test(count_is_that_of_direct_members),
		cmocka_unit_test(get_finds_the_last_of_a_name),
		cmocka_unit_test(skipping_does_not_depend_on_where_a_block_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
