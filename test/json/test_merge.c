#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "json/json.h"

static struct td_json parse(const char *text)
{
	struct td_json value = {TD_JSON_NONE, {NULL, 0}};

	if (text != NULL)
		assert_int_equal(td_json_parse(td_text(text), 0, &value, NULL), 0);
	return value;
}

struct row {
	const char *target, *patch, *result;
};

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct td_buf buf = TD_BUF_INIT(1000);
		int code = td_json_merge(parse(rows[i].target), parse(rows[i].patch), &buf, NULL);

		assert_int_equal(code, 0);
		assert_string_equal(buf.at, rows[i].result);
		td_buf_fini(&buf);
	}
}

/* RFC 7396, appendix A. */
static void merge_does_what_the_rfc_lists(void **state)
{
	static const struct row rows[] = {
		{"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
		{"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
		{"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
		{"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
		{"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
		{"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
		{"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}",
			"{\"a\":{\"b\":\"d\"}}"},
		{"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
		{"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
		{"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
		{"{\"a\":\"foo\"}", "null", "null"},
		{"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
		{"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
		{"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
		{"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
	};

	(void)state;
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

/* Section 3 of the RFC. */
static void merge_patches_the_document_of_the_rfc(void **state)
{
	static const struct row rows[] = {{
		"{\"title\": \"Goodbye!\", \"author\" : {\"givenName\" : \"John\", "
		"\"familyName\" : \"Doe\"}, \"tags\":[ \"example\", \"sample\" ], "
		"\"content\": \"This will be unchanged\"}",
		"{\"title\": \"Hello!\", \"phoneNumber\": \"+01-123-456-7890\", "
		"\"author\": {\"familyName\": null}, \"tags\": [ \"example\" ]}",
		"{\"title\":\"Hello!\",\"author\":{\"givenName\":\"John\"},"
		"\"tags\":[ \"example\" ],\"content\":\"This will be unchanged\","
		"\"phoneNumber\":\"+01-123-456-7890\"}",
	}};

	(void)state;
	check_rows(rows, 1);
}

static void merge_keeps_bytes_and_order_and_lets_the_last_name_win(void **state)
{
	static const struct row rows[] = {
		/* bytes */
		{"{ \"n\" : 1.0e0 , \"o\":{ \"x\" : [ ] } }", "{}",
			"{\"n\":1.0e0,\"o\":{ \"x\" : [ ] }}"},
		{"{\"\\u0061\":1}", "{\"b\":2.50}", "{\"\\u0061\":1,\"b\":2.50}"},
		{"{\"a\":{\"b\" : 1}}", "{\"a\":{}}", "{\"a\":{\"b\":1}}"},
		{" [ 1 ]", " \"x\" ", "\"x\""},
		/* order */
		{"{\"z\":1,\"a\":2}", "{\"y\":3,\"a\":4,\"x\":5}",
			"{\"z\":1,\"a\":4,\"y\":3,\"x\":5}"},
		/* names by value */
		{"{\"\\u0061\":1}", "{\"a\":2}", "{\"\\u0061\":2}"},
		{"{\"a\":1}", "{\"\\u0061\":null}", "{}"},
		{"{\"\\ud83d\\ude00\":1}", "{\"\xF0\x9F\x98\x80\":null}", "{}"},
		{"{\"\\ud800\":1}", "{\"\\udfff\":2}", "{\"\\ud800\":2}"},
		{"{\"a\\n\":1,\"a\":2,\"\":3}", "{\"a\":null}", "{\"a\\n\":1,\"\":3}"},
		/* duplicates in the target: left alone, or one */
		{"{\"a\":1,\"a\":2}", "{\"b\":3}", "{\"a\":1,\"a\":2,\"b\":3}"},
		{"{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":null}", "{\"b\":2}"},
		{"{\"a\":{\"x\":1},\"b\":2,\"a\":{\"y\":1}}", "{\"a\":{\"z\":1}}",
			"{\"b\":2,\"a\":{\"y\":1,\"z\":1}}"},
		{"{\"a\":{\"x\":1},\"a\":0}", "{\"a\":{\"z\":1}}", "{\"a\":{\"z\":1}}"},
		/* duplicates in the patch */
		{"{}", "{\"a\":1,\"a\":2}", "{\"a\":2}"},
		{"{\"a\":0}", "{\"a\":1,\"a\":null}", "{}"},
		{"{\"a\":0}", "{\"a\":null,\"a\":1}", "{\"a\":1}"},
		{"{}", "{\"a\":{\"x\":1},\"b\":2,\"a\":{\"y\":null}}", "{\"b\":2,\"a\":{}}"},
		/* no target, or none that is an object */
		{NULL, "{\"a\":{\"b\":null},\"c\":[null]}", "{\"a\":{},\"c\":[null]}"},
		{NULL, "5", "5"},
		{NULL, "null", "null"},
		{"7", "{\"a\":null}", "{}"},
	};

	(void)state;
	check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void merge_reaches_down_to_the_depth_that_is_read(void **state)
{
	struct td_buf text = TD_BUF_INIT(10000), buf = TD_BUF_INIT(10000);
	struct td_json value;

	(void)state;
	for (unsigned i = 0; i < TD_JSON_DEPTH_MAX; i++)
		td_buf_add_string(&text, i + 1 < TD_JSON_DEPTH_MAX ? "{\"a\":" : "{");
	for (unsigned i = 0; i < TD_JSON_DEPTH_MAX; i++)
		td_buf_add_char(&text, '}');
	assert_int_equal(td_json_parse(td_buf_view(&text), 0, &value, NULL), 0);
	assert_int_equal(td_json_merge(value, value, &buf, NULL), 0);
	assert_true(td_text_equal(td_buf_view(&buf), value.text));
	td_buf_fini(&buf);
	td_buf_fini(&text);
}

/* Were it quadratic, this would take a minute. */
static void merge_of_many_names_stays_quick(void **state)
{
	enum { MEMBERS = 50000 };
	struct td_buf target = TD_BUF_INIT(1 << 26), patch = TD_BUF_INIT(1 << 26);
	struct td_buf buf = TD_BUF_INIT(1 << 26);

	(void)state;
	for (int i = 0; i < MEMBERS; i++) {
		td_buf_printf(&target, "%c\"k%d\":1", i ? ',' : '{', i);
		td_buf_printf(&patch, "%c\"k%d\":null", i ? ',' : '{', MEMBERS - 1 - i);
	}
	td_buf_add_char(&target, '}');
	td_buf_add_char(&patch, '}');
	assert_int_equal(td_json_merge(parse(target.at), parse(patch.at), &buf, NULL), 0);
	assert_string_equal(buf.at, "{}");
	td_buf_fini(&buf);
	td_buf_fini(&patch);
	td_buf_fini(&target);
}

static void merge_says_when_the_result_is_too_large(void **state)
{
	struct td_buf buf = TD_BUF_INIT(10);

	(void)state;
	assert_int_equal(td_json_merge(parse("{\"a\":1234567}"), parse("{\"b\":1}"), &buf, NULL),
		TD_E_TOO_LARGE);
	td_buf_fini(&buf);
}

static int merge_once(void *arg)
{
	struct td_buf buf = TD_BUF_INIT(1000);
	int code;

	(void)arg;
	code = td_json_merge(td_json_trusted(td_text("{\"a\":{\"b\":{\"c\":1}},\"d\":2}")),
		td_json_trusted(td_text("{\"a\":{\"b\":{\"c\":null,\"e\":{\"f\":1}}},\"g\":{}}")),
		&buf, NULL);
	if (code == 0 && strcmp(buf.at, "{\"a\":{\"b\":{\"e\":{\"f\":1}}},\"d\":2,\"g\":{}}") != 0)
		code = -1;
	td_buf_fini(&buf);
	return code;
}

static void merge_says_when_memory_runs_out(void **state)
{
	(void)state;
	assert_true(alloc_torture(merge_once, NULL) >= 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merge_does_what_the_rfc_lists),
		cmocka_unit_test(merge_patches_the_document_of_the_rfc),
		cmocka_unit_test(merge_keeps_bytes_and_order_and_lets_the_last_name_win),
		cmocka_unit_test(merge_reaches_down_to_the_depth_that_is_read),
		cmocka_unit_test(merge_of_many_names_stays_quick),
		cmocka_unit_test(merge_says_when_the_result_is_too_large),
		cmocka_unit_test(merge_says_when_memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
