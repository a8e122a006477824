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

static struct td_filter *dialects_of(const char *json)
{
	struct td_filter *filter = NULL;
	struct td_error err = TD_ERROR_INIT;

	if (td_filter_dialects(&filter, td_text(json), &err) != 0)
		fail_msg("%s: %s", json, err.text);
	return filter;
}

static void dialects_pass_what_the_subscriptions_api_says(void **state)
{
	static const struct {
		const char *json;
		bool passes;
	} cases[] = {
		{"[]", true},
		{"{\"exact\":{\"type\":\"OrderPlaced\"}}", true},
		{"{\"exact\":{\"type\":\"orderPlaced\"}}", false},
		{"{\"exact\":{\"type\":\"OrderPlace\"}}", false},
		{"{\"exact\":{\"missing\":\"x\"}}", false},
		{"{\"exact\":{\"type\":\"OrderPlaced\",\"subject\":\"order.42\"}}", true},
		{"{\"exact\":{\"type\":\"OrderPlaced\",\"subject\":\"order.43\"}}", false},
		{"{\"exact\":{\"number\":\"5\",\"yes\":\"true\",\"specversion\":\"1.0\"}}", true},
		{"{\"exact\":{\"\\u0074ype\":\"Order\\u0050laced\"}}", true},
		{"{\"exact\":{\"type\":\"OrderPlaced\",\"type\":\"OrderPaid\"}}", false},
		{"{\"prefix\":{\"type\":\"Order\",\"subject\":\"order.42\"}}", true},
		{"{\"prefix\":{\"type\":\"OrderPlaced!\"}}", false},
		{"{\"prefix\":{\"type\":\"order\"}}", false},
		{"{\"prefix\":{\"missing\":\"o\"}}", false},
		{"{\"suffix\":{\"type\":\"Placed\"}}", true},
		{"{\"suffix\":{\"type\":\"placed\"}}", false},
		{"{\"suffix\":{\"id\":\"77\"}}", false},
		{"{\"all\":[{\"exact\":{\"id\":\"7\"}},{\"prefix\":{\"type\":\"O\"}}]}", true},
		{"{\"all\":[{\"exact\":{\"id\":\"7\"}},{\"prefix\":{\"type\":\"P\"}}]}", false},
		{"{\"any\":[{\"exact\":{\"id\":\"8\"}},{\"prefix\":{\"type\":\"O\"}}]}", true},
		{"{\"any\":[{\"exact\":{\"id\":\"8\"}},{\"prefix\":{\"type\":\"P\"}}]}", false},
		{"{\"not\":{\"exact\":{\"id\":\"7\"}}}", false},
		{"{\"not\":{\"exact\":{\"id\":\"8\"}}}", true},
		{"{\"not\":{\"exact\":{\"missing\":\"8\"}}}", true},
		{"{\"not\":{\"not\":{\"exact\":{\"id\":\"7\"}}}}", true},
		{"{\"sql\":\"number = 5\"}", true},
		{"{\"sql\":\"number\"}", false},
		{"{\"sql\":\"missing = 5 OR TRUE\"}", false},
		{"{\"not\":{\"sql\":\"missing = 5\"}}", true},
		{"{\"any\":[{\"sql\":\"missing = 5\"},{\"sql\":\"id = '7'\"}]}", true},
		{"{\"all\":[{\"not\":{\"sql\":\"missing = 5\"}},{\"sql\":\"id = '7'\"}]}", true},
		{"{\"sql\":\"word = 'Gr\\u00fc\xC3\x9F\x65' AND \\\"a\\\" = 'a'\"}", true},
		{"[{\"exact\":{\"id\":\"7\"}},{\"prefix\":{\"type\":\"O\"}}]", true},
		{"[{\"exact\":{\"id\":\"7\"}},{\"prefix\":{\"type\":\"P\"}}]", false},
		{" [ { \"exact\" : { \"id\" : \"7\" } } ] ", true},
	};
	struct td_event *event = event_of(EVENT_JSON);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct td_filter *filter = dialects_of(cases[i].json);

		if (td_filter_passes(filter, event) != cases[i].passes)
			fail_msg("%s", cases[i].json);
		td_filter_free(filter);
	}
	td_event_unref(event);
}

static void an_error_points_to_what_is_wrong(void **state)
{
	static const struct {
		const char *json;
		int code;
		size_t offset;
		const char *text;
	} cases[] = {
		{"{", TD_E_JSON, 1, NULL},
		{"1", TD_E_FILTER, 0, "an object with one dialect was expected"},
		{"{}", TD_E_FILTER, 0, "an object with one dialect was expected"},
		{"{\"exact\":{\"id\":\"1\"},\"prefix\":{\"id\":\"1\"}}", TD_E_FILTER, 0,
			"an object with one dialect was expected"},
		{"[{\"exact\":{\"id\":\"1\"}},[]]", TD_E_FILTER, 22,
			"/1: an object with one dialect was expected"},
		{"{\"all\":[{\"regex\":\"a.*\"}]}", TD_E_FILTER, 9,
			"/all/0/regex: unknown dialect (there are all, any, not, exact, prefix, "
			"suffix, sql)"},
		{"{\"SQL\":\"TRUE\"}", TD_E_FILTER, 1,
			"/SQL: unknown dialect (there are all, any, not, exact, prefix, suffix, "
			"sql)"},
		{"{\"a/b~\":1}", TD_E_FILTER, 1,
			"/a~1b~0: unknown dialect (there are all, any, not, exact, prefix, "
			"suffix, sql)"},
		{"{\"all\":[]}", TD_E_FILTER, 7,
			"/all: an array of filters that is not empty was expected"},
		{"{\"any\":{}}", TD_E_FILTER, 7,
			"/any: an array of filters that is not empty was expected"},
		{"{\"not\":[]}", TD_E_FILTER, 7, "/not: an object with one dialect was expected"},
		{"{\"not\":{\"not\":{}}}", TD_E_FILTER, 14,
			"/not/not: an object with one dialect was expected"},
		{"{\"exact\":{}}", TD_E_FILTER, 9,
			"/exact: an object with attributes and the strings to match was expected"},
		{"{\"exact\":\"a\"}", TD_E_FILTER, 9,
			"/exact: an object with attributes and the strings to match was expected"},
		{"{\"exact\":{\"id\":\"\"}}", TD_E_FILTER, 15,
			"/exact/id: a string that is not empty was expected"},
		{"{\"prefix\":{\"id\":\"1\",\"number\":5}}", TD_E_FILTER, 29,
			"/prefix/number: a string that is not empty was expected"},
		{"{\"suffix\":{\"Id\":\"1\"}}", TD_E_FILTER, 11,
			"/suffix/Id: the name of an attribute is made of a-z and 0-9"},
		{"{\"suffix\":{\"\":\"1\"}}", TD_E_FILTER, 11,
			"/suffix/: the name of an attribute is made of a-z and 0-9"},
		{"{\"sql\":5}", TD_E_FILTER, 7, "/sql: a string with an expression was expected"},
		{"{\"sql\":\"\"}", TD_E_FILTER, 8, "/sql: a value was expected, found the end"},
		{"[{\"sql\":\"a = )\"}]", TD_E_FILTER, 13,
			"/0/sql: a value was expected, found ')'"},
		{"[{\"sql\":\"\\u0061 = )\"}]", TD_E_FILTER, 8,
			"/0/sql: a value was expected, found ')'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct td_error err = TD_ERROR_INIT;
		struct td_filter *filter = NULL;
		int code = td_filter_dialects(&filter, td_text(cases[i].json), &err);

		if (code != cases[i].code || err.offset != cases[i].offset ||
			(cases[i].text != NULL && strcmp(err.text, cases[i].text) != 0))
			fail_msg("%s: %d at %zu: %s", cases[i].json, code, err.offset, err.text);
		assert_null(filter);
		assert_int_equal(td_filter_dialects(&filter, td_text(cases[i].json), NULL), code);
	}
}

static void a_dump_is_the_filter_again(void **state)
{
	static const struct {
		const char *json, *dump;
	} cases[] = {
		{"[]", "[]"},
		{"[ {\"exact\" : {\"id\":\"7\"}} ]", "{\"all\":[{\"exact\":{\"id\":\"7\"}}]}"},
		{"{\"prefix\":{\"id\":\"7\",\"type\":\"\\u0041\"}}",
			"{\"all\":[{\"prefix\":{\"id\":\"7\"}},{\"prefix\":{\"type\":\"A\"}}]}"},
		{"{\"not\":{\"any\":[{\"sql\":\"a=\\\"b\\\"\"},{\"suffix\":{\"id\":\"\\\"\"}}]}}",
			"{\"not\":{\"any\":[{\"sql\":\"a = "
			"'b'\"},{\"suffix\":{\"id\":\"\\\"\"}}]}}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct td_filter *filter = dialects_of(cases[i].json);
		struct td_buf first = TD_BUF_INIT(4096), second = TD_BUF_INIT(4096);

		td_filter_dump(filter, &first);
		td_buf_add_char(&first, '\0');
		assert_string_equal(first.at, cases[i].dump);
		td_filter_free(filter);
		filter = dialects_of(first.at);
		td_filter_dump(filter, &second);
		td_buf_add_char(&second, '\0');
		assert_string_equal(second.at, cases[i].dump);
		td_filter_free(filter);
		td_buf_fini(&first);
		td_buf_fini(&second);
	}
}

static int parse_nested(size_t n)
{
	struct td_buf buf = TD_BUF_INIT(TD_FILTER_JSON_BYTES_MAX);
	struct td_filter *filter = NULL;
	int code;

	for (size_t i = 1; i < n; i++)
		td_buf_add_string(&buf, i % 2 ? "{\"not\":" : "{\"all\":[");
	td_buf_add_string(&buf, "{\"sql\":\"TRUE\"}");
	for (size_t i = n - 1; i > 0; i--)
		td_buf_add_string(&buf, i % 2 ? "}" : "]}");
	code = td_filter_dialects(&filter, td_buf_view(&buf), NULL);
	td_buf_fini(&buf);
	td_filter_free(filter);
	return code;
}

static void depth_and_size_are_bounded(void **state)
{
	struct td_buf buf = TD_BUF_INIT(2 * TD_FILTER_JSON_BYTES_MAX);
	struct td_filter *filter = NULL;
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	assert_int_equal(parse_nested(128), 0);
	assert_int_equal(parse_nested(129), TD_E_FILTER);

	td_buf_add_string(&buf, "[{\"sql\":\"1\"}");
	while (buf.len < TD_FILTER_JSON_BYTES_MAX - 8192)
		td_buf_add_string(&buf, ",{\"sql\":\"1+1+1+1+1+1+1+1+1+1\"}");
	td_buf_add_char(&buf, ']');
	assert_int_equal(td_filter_dialects(&filter, td_buf_view(&buf), &err), TD_E_FILTER);
	assert_non_null(strstr(err.text, "more than 8192 operators and values"));

	while (buf.len <= TD_FILTER_JSON_BYTES_MAX)
		td_buf_add_char(&buf, ' ');
	assert_int_equal(td_filter_dialects(&filter, td_buf_view(&buf), &err), TD_E_FILTER);
	assert_string_equal(err.text, "filters are at most 65536 bytes of JSON");
	td_buf_fini(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dialects_pass_what_the_subscriptions_api_says),
		cmocka_unit_test(an_error_points_to_what_is_wrong),
		cmocka_unit_test(a_dump_is_the_filter_again),
		cmocka_unit_test(depth_and_size_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
