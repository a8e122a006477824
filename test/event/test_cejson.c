#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "alloc.h"
#include "event_test.h"

#define START "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"T\""

/* What is read, and what is written of it; NULL: the same. */
static const struct {
	const char *in, *out;
} pairs[] = {
	{START "}", NULL},
	{START ",\"subject\":\"s\",\"time\":\"2018-04-05T17:31:00Z\",\"x\":\"\",\"n\":-5,\"b\":"
	       "true}",
		NULL},
	{" { \"type\" : \"T\", \"b\" : false, \"id\" : \"1\", \"specversion\" : \"1.0\", "
	 "\"source\" : \"/s\", \"subject\" : null, \"a\" : null, \"z\": \"z\" } ",
		START ",\"b\":false,\"z\":\"z\"}"},
	{"{\"\\u0073pecversion\":\"1\\u002e0\",\"\\u0069d\":\"\\u0031\",\"source\":\"\\/s\","
	 "\"type\":\"T\",\"\\u0078\":\"\\u00f6 \\\"\\ud83d\\ude00\"}",
		START ",\"x\":\"\xC3\xB6 \\\"\xF0\x9F\x98\x80\"}"},
	{START ",\"correlationid\":5,\"schemaversion\":\"3\",\"corrects\":true}",
		START ",\"correlationid\":5,\"schemaversion\":\"3\",\"corrects\":true}"},
	/* data is a value */
	{START ",\"data\":null}", NULL},
	{START ",\"data\":\"\\u0041 string\"}", NULL},
	{START ",\"data\":1.0}", NULL},
	{START ",\"data\": { \"a\" : 12345678901234567890.10 ,\"a\":[ ]}}",
		START ",\"data\":{ \"a\" : 12345678901234567890.10 ,\"a\":[ ]}}"},
	{START ",\"datacontenttype\":\"application/vnd.x+json;v=1\",\"data\":\"x\"}", NULL},
	/* data is text */
	{START ",\"datacontenttype\":\"text/plain\",\"data\":\"\"}", NULL},
	{START ",\"datacontenttype\":\"text/plain\",\"data\":\"\\u0041\\n\\u0000\xC3\xB6\"}",
		START ",\"datacontenttype\":\"text/plain\",\"data\":\"A\\n\\u0000\xC3\xB6\"}"},
	{START ",\"datacontenttype\":\"text/plain\",\"data\":null}",
		START ",\"datacontenttype\":\"text/plain\"}"},
	{START ",\"datacontenttype\":\"application/xml\",\"data\":\"<a/>\"}", NULL},
	/* data is bytes */
	{START ",\"data_base64\":\"\"}", NULL},
	{START ",\"data_base64\":\"AAECAw==\"}", NULL},
	{START ",\"data_base64\":\"\\/\\/8=\"}", START ",\"data_base64\":\"//8=\"}"},
	{START ",\"data_base64\":null,\"data\":1}", START ",\"data\":1}"},
	{START ",\"datacontenttype\":\"application/json\",\"data_base64\":\"MQ==\"}", NULL},
	{START ",\"datacontenttype\":\"text/plain\",\"data_base64\":\"YQ==\"}", NULL},
};

static void event_is_written_as_it_was_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct td_event *event = event_of(pairs[i].in);

		assert_json(event, pairs[i].out != NULL ? pairs[i].out : pairs[i].in);
		td_event_unref(event);
	}
}

#define OK START ","

static const struct {
	const char *json;
	int code;
	const char *text;
	size_t offset;
} refused[] = {
	{"", TD_E_JSON, NULL, 0},
	{"[]", TD_E_FORMAT, "an event is a JSON object", 0},
	{" 5", TD_E_FORMAT, "an event is a JSON object", 1},
	{"{}", TD_E_ATTRIBUTE, "specversion: missing", TD_NO_OFFSET},
	{"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\"}", TD_E_ATTRIBUTE,
		"type: missing", TD_NO_OFFSET},
	{" {\"specversion\":\"0.3\"}", TD_E_ATTRIBUTE, "specversion: only \"1.0\" is known", 16},
	{"{\"specversion\":1.0}", TD_E_ATTRIBUTE, "specversion: only \"1.0\" is known", 15},
	{"{\"id\":25}", TD_E_ATTRIBUTE, "id: a string is needed", 6},
	{"{\"id\":\"\"}", TD_E_ATTRIBUTE, "id: empty", 6},
	{"{\"id\":\"\\u0007\"}", TD_E_ATTRIBUTE, "id: a control character", 6},
	{"{\"x\":\"\\ud800\"}", TD_E_ATTRIBUTE, "x: half a pair of surrogates", 5},
	{"{\"x\":\"\\udc00\\ud800\"}", TD_E_ATTRIBUTE, "x: half a pair of surrogates", 5},
	{"{\"x\":\"\\ud800\\n\"}", TD_E_ATTRIBUTE, "x: half a pair of surrogates", 5},
	{"{\"x\":\"\\ud800\\u0041\"}", TD_E_ATTRIBUTE, "x: half a pair of surrogates", 5},
	{"{\"x\":1.0}", TD_E_ATTRIBUTE, "x: not an integer of 32 bits", 5},
	{"{\"x\":4247483647}", TD_E_ATTRIBUTE, "x: not an integer of 32 bits", 5},
	{"{\"x\":{}}", TD_E_ATTRIBUTE, "x: an attribute is a string, an integer or a boolean", 5},
	{"{\"x\":[1]}", TD_E_ATTRIBUTE, "x: an attribute is a string, an integer or a boolean", 5},
	{"{\"aString\":\"x\"}", TD_E_ATTRIBUTE,
		"attribute name \"aString\": only a-z and 0-9 are allowed", 11},
	{"{\"my.x\":{}}", TD_E_ATTRIBUTE, "attribute name \"my.x\": only a-z and 0-9 are allowed",
		8},
	{"{\"\":1}", TD_E_ATTRIBUTE, "attribute name \"\": empty", 4},
	{"{\"X\":null}", TD_E_ATTRIBUTE, "attribute name \"X\": only a-z and 0-9 are allowed", 5},
	{"{\"x\":1,\"\\u0078\":1}", TD_E_ATTRIBUTE, "x: given twice", 16},
	{"{\"id\":\"1\",\"id\":\"1\"}", TD_E_ATTRIBUTE, "id: given twice", 15},
	{"{\"specversion\":\"1.0\",\"specversion\":\"1.0\"}", TD_E_ATTRIBUTE,
		"specversion: given twice", 35},
	{"{\"data\":1,\"data\":1}", TD_E_ATTRIBUTE, "data: given twice", 17},
	{OK "\"data\":1,\"data_base64\":\"\"}", TD_E_ATTRIBUTE, "data: data_base64 is there too",
		TD_NO_OFFSET},
	{OK "\"data_base64\":5}", TD_E_ATTRIBUTE, "data_base64: a string is needed", TD_NO_OFFSET},
	{OK "\"datacontenttype\":\"text/plain\",\"data\":{}}", TD_E_ATTRIBUTE,
		"data: a string is needed, since datacontenttype is text/plain", TD_NO_OFFSET},
	{OK "\"datacontenttype\":\"text/plain\",\"data\":\"\\ud800\"}", TD_E_ATTRIBUTE,
		"data: half a pair of surrogates", TD_NO_OFFSET},
};

static void wrong_json_is_refused_by_name_and_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct td_error err = TD_ERROR_INIT;
		struct td_event *event = NULL;
		int code = td_event_from_json(&event, td_text(refused[i].json), &err);

		if (refused[i].text != NULL)
			assert_string_equal(err.text, refused[i].text);
		assert_int_equal(code, refused[i].code);
		assert_int_equal(err.offset, refused[i].offset);
		assert_null(event);
	}
}

static void base64_must_be_base64(void **state)
{
	static const char *const wrong[] = {"A", "AA", "AA=", "AB==", "A-==", "AA== "};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char json[200];
		struct td_event *event = NULL;
		struct td_error err = TD_ERROR_INIT;

		snprintf(json, sizeof(json), OK "\"data_base64\":\"%s\"}", wrong[i]);
		assert_int_equal(td_event_from_json(&event, td_text(json), &err), TD_E_ATTRIBUTE);
		assert_memory_equal(err.text, "data_base64: ", 13);
	}
}

/* --- what the form says is not believed --------------------------------------------------- */

static void bytes_stand_by_their_content_type(void **state)
{
	static const struct {
		const char *content_type, *data;
		enum td_data_form form;
		const char *json; /* the members of the data */
	} rows[] = {
		{NULL, "{}", TD_DATA_BYTES, "\"data_base64\":\"e30=\""},
		{"application/json", "{\"a\": 1}", TD_DATA_BYTES, "\"data\":{\"a\": 1}"},
		{"application/json", "\n {} \n", TD_DATA_BYTES, "\"data\":{}"},
		{"application/json", "{", TD_DATA_BYTES, "\"data_base64\":\"ew==\""},
		{"application/json", "", TD_DATA_BYTES, "\"data_base64\":\"\""},
		{"application/json", "1},", TD_DATA_JSON, "\"data_base64\":\"MX0s\""},
		{"application/json", "text", TD_DATA_TEXT, "\"data_base64\":\"dGV4dA==\""},
		{NULL, "1},", TD_DATA_JSON, "\"data_base64\":\"MX0s\""},
		{NULL, "text", TD_DATA_TEXT, "\"data_base64\":\"dGV4dA==\""},
		{"text/plain", "\xC3\xB6", TD_DATA_BYTES, "\"data\":\"\xC3\xB6\""},
		{"TEXT/html; charset=utf-8", "<a>", TD_DATA_BYTES, "\"data\":\"<a>\""},
		{"text/plain", "\xF6", TD_DATA_BYTES, "\"data_base64\":\"9g==\""},
		{"text/plain", "\xF6", TD_DATA_TEXT, "\"data_base64\":\"9g==\""},
		{"text/plain", "1", TD_DATA_JSON, "\"data_base64\":\"MQ==\""},
		{"text/json", "1", TD_DATA_BYTES, "\"data\":1"},
		{"image/png", "text", TD_DATA_BYTES, "\"data_base64\":\"dGV4dA==\""},
		{"image/svg+xml", "<a>", TD_DATA_TEXT, "\"data\":\"<a>\""},
	};
	struct td_event *bare = event_of(START "}");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct td_event *event = NULL, *back;
		char *json, *again;

		assert_int_equal(td_event_with_data(&event, bare, td_text(rows[i].data),
					 rows[i].form, td_text(rows[i].content_type), NULL),
			0);
		json = json_of(event);
		if (strstr(json, rows[i].json) == NULL)
			fail_msg("%s lacks %s", json, rows[i].json);
		/* What was written says the same once it is read. */
		back = event_of(json);
		again = json_of(back);
		assert_string_equal(json, again);
		free(json);
		free(again);
		td_event_unref(event);
		td_event_unref(back);
	}
	td_event_unref(bare);
}

static void json_as_deep_as_may_be_still_stands_in_a_batch(void **state)
{
	char json[4096], deep[2100];
	struct td_event *event = NULL, **events = NULL;
	struct td_bytes batch = TD_BYTES_INIT;
	size_t count = 0;

	(void)state;
	memset(deep, '[', TD_DATA_DEPTH_MAX);
	memset(deep + TD_DATA_DEPTH_MAX, ']', TD_DATA_DEPTH_MAX);
	deep[2 * TD_DATA_DEPTH_MAX] = '\0';
	snprintf(json, sizeof(json), OK "\"data\":%s}", deep);
	event = event_of(json);
	assert_int_equal(
		td_events_to_json((const struct td_event *const *)&event, 1, &batch, NULL), 0);
	assert_int_equal(
		td_events_from_json(&events, &count, td_text_of(batch.at, batch.len), NULL), 0);
	assert_int_equal(count, 1);
	assert_json(events[0], json);
	td_events_free(events, count);
	td_bytes_fini(&batch);
	td_event_unref(event);
	snprintf(json, sizeof(json), OK "\"data\":[%s]}", deep);
	assert_int_equal(td_event_from_json(&event, td_text(json), NULL), TD_E_JSON);
}

/* --- memory ------------------------------------------------------------------------------- */

static int read_and_write(void *arg)
{
	struct td_event *event = NULL;
	struct td_bytes json = TD_BYTES_INIT;
	int code = td_event_from_json(&event, td_text((const char *)arg), NULL);

	if (code == 0)
		code = td_event_to_json(event, &json, NULL);
	td_event_unref(event);
	td_bytes_fini(&json);
	return code;
}

static void json_is_whole_or_refused_when_memory_runs_out(void **state)
{
	static const char *const events[] = {
		START "}",
		OK "\"subject\":\"\\u002e\",\"\\u0078\":\"\\/ \\u0041\"}",
		OK "\"datacontenttype\":\"text/plain\",\"data\":\"\\u00f6\"}",
		OK "\"data_base64\":\"\\/\\/8=\"}",
		OK "\"data_base64\":\"\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		char json[200];

		snprintf(json, sizeof(json), "%s", events[i]);
		alloc_torture(read_and_write, json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(event_is_written_as_it_was_read),
		cmocka_unit_test(wrong_json_is_refused_by_name_and_place),
		cmocka_unit_test(base64_must_be_base64),
		cmocka_unit_test(bytes_stand_by_their_content_type),
		cmocka_unit_test(json_as_deep_as_may_be_still_stands_in_a_batch),
		cmocka_unit_test(json_is_whole_or_refused_when_memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
