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

static const struct {
	const char *text;
	struct td_text value;
	bool plain;
} rows[] = {
#define ROW(text, value, plain)                  \
	{                                        \
		text, TD_TEXT_INIT(value), plain \
	}
	ROW("\"\"", "", true),
	ROW("\"a\"", "a", true),
	ROW("\"caf\xC3\xA9 / '\"", "caf\xC3\xA9 / '", true),
	ROW("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", false),
	ROW("\"a\\nb\\nc\"", "a\nb\nc", false),
	ROW("\"\\u0000\"", "\0", false),
	ROW("\"\\u0041\\u00e9\\u00E9\"", "A\xC3\xA9\xC3\xA9", false),
	ROW("\"\\u20ac\"", "\xE2\x82\xAC", false),
	ROW("\"\\ud834\\udd1e\"", "\xF0\x9D\x84\x9E", false),
	ROW("\"\\uD800\\uDC00\\uDBFF\\uDFFF\"", "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", false),
	ROW("\"\\ud834\"", "\xEF\xBF\xBD", false),
	ROW("\"\\udd1e\"", "\xEF\xBF\xBD", false),
	ROW("\"\\ud834x\"", "\xEF\xBF\xBDx", false),
	ROW("\"\\ud834\\n\"", "\xEF\xBF\xBD\n", false),
	ROW("\"\\udd1e\\udd1e\"", "\xEF\xBF\xBD\xEF\xBF\xBD", false),
	ROW("\"\\ud834\\ud834\\udd1e\"", "\xEF\xBF\xBD\xF0\x9D\x84\x9E", false),
	ROW("\"\\ud834\\u0041\"",
		"\xEF\xBF\xBD"
		"A",
		false),
	ROW("\"\\\\u0041\"", "\\u0041", false),
	ROW("\"\\ufeff\"", "\xEF\xBB\xBF", false),
#undef ROW
};

static void strings_unescape_to_their_value(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct td_buf buf = TD_BUF_INIT(100);
		struct td_json string = parse(rows[i].text);

		td_buf_add_string(&buf, "=");
		td_json_unescape(string, &buf);
		assert_int_equal(td_buf_check(&buf, NULL), 0);
		assert_int_equal(buf.len, rows[i].value.len + 1);
		assert_memory_equal(buf.at + 1, rows[i].value.at, rows[i].value.len);
		assert_int_equal(td_json_plain(string), rows[i].plain);
		if (rows[i].plain)
			assert_true(td_text_equal(td_json_inside(string), rows[i].value));
		td_buf_fini(&buf);
	}
}

static void strings_compare_by_value(void **state)
{
	char other[100];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct td_json string = parse(rows[i].text);
		size_t len = rows[i].value.len;

		assert_true(td_json_string_is(string, rows[i].value));
		memcpy(other, rows[i].value.at, len);
		other[len] = 'x';
		assert_false(td_json_string_is(string, td_text_of(other, len + 1)));
		if (len == 0)
			continue;
		assert_false(td_json_string_is(string, td_text_of(other, len - 1)));
		other[len - 1] ^= 1;
		assert_false(td_json_string_is(string, td_text_of(other, len)));
	}
	assert_false(td_json_string_is(parse("\"\\n\""), td_text("\\n")));
	assert_true(td_json_string_is(parse("\"\""), td_text(NULL)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_unescape_to_their_value),
		cmocka_unit_test(strings_compare_by_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
