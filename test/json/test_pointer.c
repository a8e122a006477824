#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "json/json.h"

static struct td_json parse(const char *text)
{
	struct td_json value;

	assert_int_equal(td_json_parse(td_text(text), 0, &value, NULL), 0);
	return value;
}

struct row {
	const char *pointer, *value; /* NULL: nothing */
};

static void check_rows(const char *text, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct td_text pointer = td_text(rows[i].pointer);
		struct td_json value;

		assert_int_equal(td_json_pointer_check(pointer, NULL), 0);
		value = td_json_pointer(parse(text), pointer);
		if (!td_text_is(value.text, rows[i].value) ||
			(value.kind == TD_JSON_NONE) != (rows[i].value == NULL))
			fail_msg("%s: %.*s", rows[i].pointer, TD_TEXT_ARG(value.text));
	}
}

/* RFC 6901 section 5. */
static void pointers_find_what_the_rfc_lists(void **state)
{
	static const char text[] =
		"{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,"
		"\"g|h\":4,\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,\"m~n\":8}";
	static const struct row rows[] = {
		{"", text},
		{"/foo", "[\"bar\",\"baz\"]"},
		{"/foo/0", "\"bar\""},
		{"/", "0"},
		{"/a~1b", "1"},
		{"/c%d", "2"},
		{"/e^f", "3"},
		{"/g|h", "4"},
		{"/i\\j", "5"},
		{"/k\"l", "6"},
		{"/ ", "7"},
		{"/m~0n", "8"},
	};

	(void)state;
	check_rows(text, rows, sizeof(rows) / sizeof(rows[0]));
}

static void pointers_find_nothing_where_nothing_is(void **state)
{
	static const char text[] = "{\"a\":[10,[20],{\"0\":30}],\"~1\":40,\"/\":50,\"n\":null,"
				   "\"d\":1,\"\\u0064\":2,\"\\u007e\":60,\"\\ud83d\\ude00/\":70}";
	static const struct row rows[] = {
		{"/a/0", "10"},
		{"/a/1/0", "20"},
		{"/a/2/0", "30"},
		{"/a/3", NULL},
		{"/a/-", NULL},
		{"/a/00", NULL},
		{"/a/01", NULL},
		{"/a/+1", NULL},
		{"/a/1e0", NULL},
		{"/a/", NULL},
		{"/a/99999999999999999999999999", NULL},
		{"/a/18446744073709551616", NULL},
		{"/a/0/0", NULL},
		{"/a/0/", NULL},
		{"/n", "null"},
		{"/n/x", NULL},
		{"/A", NULL},
		{"/~01", "40"},
		{"/~1", "50"},
		{"/d", "2"},
		{"/~0", "60"},
		{"/\xF0\x9F\x98\x80~1", "70"},
		{"/\xF0\x9F\x98\x80~1~1", NULL},
		{"//", NULL},
	};
	struct td_json none = {TD_JSON_NONE, {NULL, 0}};

	(void)state;
	check_rows(text, rows, sizeof(rows) / sizeof(rows[0]));
	assert_int_equal(td_json_pointer(none, td_text("/a")).kind, TD_JSON_NONE);
	assert_true(td_text_is(td_json_pointer(parse("1"), td_text(NULL)).text, "1"));
}

static void pointers_are_checked(void **state)
{
	static const struct {
		const char *pointer;
		size_t offset;
		const char *text;
	} rows[] = {
		{"a", 0, "a pointer is empty or starts with '/'"},
		{"#/a", 0, "a pointer is empty or starts with '/'"},
		{"/~", 1, "offset 1: '~' without 0 or 1"},
		{"/a~2", 2, "offset 2: '~' without 0 or 1"},
		{"/a/~/", 3, "offset 3: '~' without 0 or 1"},
		{"/a\xFF", 2, "offset 2: valid UTF-8 was expected"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct td_error err = TD_ERROR_INIT;

		assert_int_equal(
			td_json_pointer_check(td_text(rows[i].pointer), &err), TD_E_POINTER);
		assert_int_equal(err.offset, rows[i].offset);
		assert_string_equal(err.text, rows[i].text);
	}
	assert_int_equal(td_json_pointer_check(td_text(NULL), NULL), 0);
}

static void pointers_are_built_token_by_token(void **state)
{
	struct td_buf buf = TD_BUF_INIT(100);

	(void)state;
	td_json_pointer_add(&buf, td_text("a/b"));
	td_json_pointer_add(&buf, td_text(""));
	td_json_pointer_add(&buf, td_text("~1~"));
	td_json_pointer_add(&buf, td_text("0"));
	assert_int_equal(td_buf_check(&buf, NULL), 0);
	assert_string_equal(buf.at, "/a~1b//~01~0/0");
	td_buf_fini(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pointers_find_what_the_rfc_lists),
		cmocka_unit_test(pointers_find_nothing_where_nothing_is),
		cmocka_unit_test(pointers_are_checked),
		cmocka_unit_test(pointers_are_built_token_by_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
