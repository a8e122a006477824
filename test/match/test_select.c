#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "match/match.h"

#include "alloc.h"
#include "event.h"

#define FIELDS_MAX 8

static size_t count_of(const char *const *fields)
{
	size_t count = 0;

	while (count < FIELDS_MAX && fields[count] != NULL)
		count++;
	return count;
}

static struct td_event *apply(const char *const *fields, const struct td_event *event)
{
	struct td_select *select = NULL;
	struct td_event *small = NULL;
	struct td_error err = TD_ERROR_INIT;

	if (td_select_new(&select, fields, count_of(fields), &err) != 0 ||
		td_select_apply(select, event, &small, &err) != 0)
		fail_msg("%s: %s", fields[0], err.text);
	td_select_free(select);
	return small;
}

static struct td_event *event_with(const char *data)
{
	struct td_buf buf = TD_BUF_INIT(1 << 16);
	struct td_event *event;

	td_buf_printf(&buf,
		"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/"
		"s\",\"type\":\"t\",\"data\":%s}",
		data);
	event = event_of(buf.at);
	td_buf_fini(&buf);
	return event;
}

static void the_pointed_to_stays_in_its_place_with_its_bytes(void **state)
{
	static const struct {
		const char *data;
		const char *fields[FIELDS_MAX];
		const char *selected;
	} cases[] = {
		{"{\"a\":1.50,\"b\":2}", {"/a"}, "{\"a\":1.50}"},
		{"{\"a\":1,\"b\":2,\"c\":3}", {"/c", "/a"}, "{\"a\":1,\"c\":3}"},
		{"{\"a\":{\"b\":1,\"c\":2},\"d\":3}", {"/a/b"}, "{\"a\":{\"b\":1}}"},
		{"{\"a\":{\"b\":1,\"c\":2},\"d\":3}", {"/a/c", "/d", "/a/b"},
			"{\"a\":{\"b\":1,\"c\":2},\"d\":3}"},
		{"{\"a\" : { \"b\" : 1 , \"c\":2 } }", {"/a"}, "{\"a\":{ \"b\" : 1 , \"c\":2 }}"},
		{"{\"a\":{\"b\":1,\"c\":2}}", {"/a/b", "/a"}, "{\"a\":{\"b\":1,\"c\":2}}"},
		{"{\"a\":{\"b\":1,\"c\":2}}", {"/a", "/a/b", "/a"}, "{\"a\":{\"b\":1,\"c\":2}}"},
		{"{\"a\":{\"b\":1},\"d\":3}", {"/a/x", "/d"}, "{\"d\":3}"},
		{"{\"a\":{\"b\":1},\"d\":3}", {"/a/b/c", "/d"}, "{\"d\":3}"},
		{"{\"a\":{\"b\":1}}", {"/x"}, "{}"},
		{"{\"a\":null,\"b\":\"\"}", {"/a", "/b"}, "{\"a\":null,\"b\":\"\"}"},
		{"{\"a\":[1,{\"b\":2,\"c\":3},4]}", {"/a/0", "/a/1/c"}, "{\"a\":[1,{\"c\":3}]}"},
		{"{\"a\":[1,2,3]}", {"/a/2", "/a/0"}, "{\"a\":[1,3]}"},
		{"{\"a\":[1,2,3]}", {"/a/01", "/a/-", "/a/3", "/a/x"}, "{}"},
		{"{\"a\":[[1,2],[3]]}", {"/a/0/1", "/a/1"}, "{\"a\":[[2],[3]]}"},
		{"[1,2,3]", {"/1"}, "[2]"},
		{"[1,2,3]", {"/7"}, "[]"},
		{"[1,2,3]", {""}, "[1,2,3]"},
		{"{\"0\":{\"1\":2}}", {"/0/1"}, "{\"0\":{\"1\":2}}"},
		{"{\"a/b\":1,\"c~d\":2,\"e~1f\":3}", {"/a~1b", "/c~0d", "/e~01f"},
			"{\"a/b\":1,\"c~d\":2,\"e~1f\":3}"},
		{"{\"\\u0061\":1,\"b\":2}", {"/a"}, "{\"\\u0061\":1}"},
		{"{\"\":1,\"b\":{\"\":2}}", {"/", "/b/"}, "{\"\":1,\"b\":{\"\":2}}"},
		{"{\"a\":1,\"b\":2,\"a\":3}", {"/a"}, "{\"a\":3}"},
		{"{\"a\":{\"b\":1},\"a\":{\"c\":2}}", {"/a/b"}, "{}"},
		{"{\"a\":1}", {"", "/a"}, "{\"a\":1}"},
		{"5", {"/a"}, NULL},
		{"5", {""}, "5"},
		{"\"text\"", {""}, "\"text\""},
		{"{\"a\":1}", {"time"}, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct td_event *event = event_with(cases[i].data);
		struct td_event *small = apply(cases[i].fields, event);

		if (!td_text_equal(td_event_data(small), td_text(cases[i].selected)))
			fail_msg("%s of %s: %.*s", cases[i].fields[0], cases[i].data,
				TD_TEXT_ARG(td_event_data(small)));
		td_event_unref(small);
		td_event_unref(event);
	}
}

static void attributes_go_but_for_identity_and_the_named(void **state)
{
	static const char *const fields[FIELDS_MAX] = {"time", "number", "/total", "traceparent"};
	struct td_event *event = event_of(
		"{\"specversion\":\"1.0\",\"id\":\"7\",\"source\":\"/shop\",\"type\":\"T\","
		"\"subject\":\"order.42\",\"time\":\"2024-01-01T00:00:00Z\","
		"\"correlationid\":\"c\",\"causationid\":\"d\",\"number\":5,\"other\":6,"
		"\"dataschema\":\"https://x/y\",\"datacontenttype\":\"application/json\","
		"\"data\":{\"total\":1.0,\"rest\":2}}");
	struct td_event *small = apply(fields, event);
	struct td_bytes json = TD_BYTES_INIT;

	(void)state;
	assert_int_equal(td_event_to_json(small, &json, NULL), 0);
	assert_non_null(json.at);
	td_event_unref(event); /* the small one stands alone */
	assert_true(td_text_is(td_event_id(small), "7"));
	assert_true(td_text_is(td_event_source(small), "/shop"));
	assert_true(td_text_is(td_event_type(small), "T"));
	assert_true(td_text_is(td_event_subject(small), "order.42"));
	assert_true(td_text_is(td_event_address(small), "order.42"));
	assert_true(td_text_is(td_event_time(small), "2024-01-01T00:00:00Z"));
	assert_true(td_text_is(td_event_correlation(small), "c"));
	assert_true(td_text_is(td_event_causation(small), "d"));
	assert_true(td_text_is(td_event_get(small, "number"), "5"));
	assert_true(td_text_is(td_event_get(small, "datacontenttype"), "application/json"));
	assert_null(td_event_get(small, "other").at);
	assert_null(td_event_get(small, "dataschema").at);
	assert_null(td_event_get(small, "traceparent").at);
	assert_true(td_text_is(td_event_data(small), "{\"total\":1.0}"));
	td_event_unref(small);
	td_bytes_fini(&json);
}

static void data_that_is_not_json_goes_away(void **state)
{
	static const char *const fields[FIELDS_MAX] = {"/a", ""};
	static const char *const events[] = {
		"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\","
		"\"datacontenttype\":\"text/plain\",\"data\":\"{\\\"a\\\":1}\"}",
		"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\","
		"\"data_base64\":\"eyJhIjoxfQ==\"}",
		"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		struct td_event *event = event_of(events[i]);
		struct td_event *small = apply(fields, event);

		assert_null(td_event_data(small).at);
		assert_null(td_event_get(small, "datacontenttype").at);
		td_event_unref(small);
		td_event_unref(event);
	}
}

static void data_that_only_claims_to_be_json_is_an_error(void **state)
{
	const char *fields[] = {"/a"};
	struct td_draft draft = {
		.type = "t", .source = "s", .id = "1", .data = "{\"a\":", .data_bytes = 5};
	struct td_origin origin = {0};
	struct td_select *select = NULL;
	struct td_event *event = NULL, *small = NULL;
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	draft.time = "2024-01-01T00:00:00Z";
	draft.datacontenttype = "application/json";
	assert_int_equal(td_event_make(&event, &draft, &origin, &err), 0);
	assert_int_equal(td_select_new(&select, fields, 1, &err), 0);
	assert_int_equal(td_select_apply(select, event, &small, &err), TD_E_JSON);
	assert_int_equal(err.offset, 5);
	assert_memory_equal(err.text, "data: ", 6);
	assert_null(small);
	td_select_free(select);
	td_event_unref(event);
}

static void wrong_fields_are_refused_by_number(void **state)
{
	static const struct {
		const char *fields[FIELDS_MAX];
		const char *text;
	} cases[] = {
		{{"/a~2"}, "field 0: /a~2: "},
		{{"/a", "Time"}, "field 1: Time: a field is a JSON Pointer"},
		{{"a.b"}, "field 0: a.b: a field is a JSON Pointer"},
		{{"$.a"}, "field 0: $.a: a field is a JSON Pointer"},
		{{"data"}, "field 0: data: a part of the data is named by a JSON Pointer"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct td_select *select = NULL;
		struct td_error err = TD_ERROR_INIT;

		assert_int_equal(
			td_select_new(&select, cases[i].fields, count_of(cases[i].fields), &err),
			TD_E_POINTER);
		if (strncmp(err.text, cases[i].text, strlen(cases[i].text)) != 0)
			fail_msg("%s", err.text);
		assert_null(select);
	}
}

static void fields_are_bounded(void **state)
{
	const char *fields[257];
	char longest[1026];
	struct td_select *select = NULL;

	(void)state;
	for (size_t i = 0; i < 257; i++)
		fields[i] = "/a/b";
	assert_int_equal(td_select_new(&select, fields, 256, NULL), 0);
	td_select_free(select);
	select = NULL;
	assert_int_equal(td_select_new(&select, fields, 257, NULL), TD_E_POINTER);
	memset(longest, '/', 1025);
	longest[1025] = '\0';
	fields[0] = longest;
	assert_int_equal(td_select_new(&select, fields, 1, NULL), TD_E_POINTER);
	longest[1024] = '\0';
	assert_int_equal(td_select_new(&select, fields, 1, NULL), 0);
	td_select_free(select);
}

static int select_once(void *arg)
{
	const char *fields[] = {"/a/b", "time", "number", "/total"};
	struct td_select *select = NULL;
	struct td_event *small = NULL;
	int code = td_select_new(&select, fields, 4, NULL);

	if (code == 0)
		code = td_select_apply(select, arg, &small, NULL);
	td_event_unref(small);
	td_select_free(select);
	return code;
}

static void selecting_survives_want_of_memory(void **state)
{
	struct td_event *event = event_of(EVENT_JSON);

	(void)state;
	assert_true(alloc_torture(select_once, event) > 5);
	td_event_unref(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_pointed_to_stays_in_its_place_with_its_bytes),
		cmocka_unit_test(attributes_go_but_for_identity_and_the_named),
		cmocka_unit_test(data_that_is_not_json_goes_away),
		cmocka_unit_test(data_that_only_claims_to_be_json_is_an_error),
		cmocka_unit_test(wrong_fields_are_refused_by_number),
		cmocka_unit_test(fields_are_bounded),
		cmocka_unit_test(selecting_survives_want_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
