#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "alloc.h"
#include "event_test.h"

#define START "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"T\""

/* "name: value" lines of a message, to be freed. */
static char *lines_of(const struct http_message *message)
{
	struct td_buf buf = TD_BUF_INIT(100000);
	struct td_bytes bytes;

	for (size_t i = 0; i < message->count; i++)
		td_buf_printf(&buf, "%.*s: %.*s\n", TD_TEXT_ARG(message->headers[i].name),
			TD_TEXT_ARG(message->headers[i].value));
	td_buf_detach(&buf, &bytes);
	return bytes.at;
}

/* An event, its headers, and what is read of them; NULL: the same event. */
static const struct {
	const char *json, *lines, *back;
} rows[] = {
	{START "}", "", NULL},
	{START ",\"subject\":\"a b\",\"x\":\"\xC3\xB6 \\\"%\"}",
		"ce-subject: a%20b\nce-x: %C3%B6%20%22%25\n", NULL},
	{START ",\"schemaversion\":3,\"n\":5}", "ce-schemaversion: 3\nce-n: 5\n",
		START ",\"schemaversion\":3,\"n\":\"5\"}"},
	{START ",\"data\":\"x\"}", "Content-Type: application/json\n",
		START ",\"datacontenttype\":\"application/json\",\"data\":\"x\"}"},
	{START ",\"datacontenttype\":\"text/plain; charset=\\\"utf-8\\\"\",\"data\":\"x y\"}",
		"Content-Type: text/plain; charset=\"utf-8\"\n", NULL},
	{START ",\"data_base64\":\"AAE=\"}", "", NULL},
	{START ",\"datacontenttype\":\"image/png\",\"data_base64\":\"AAE=\"}",
		"Content-Type: image/png\n", NULL},
	{START ",\"datacontenttype\":\"image/png\",\"data_base64\":\"\"}",
		"Content-Type: image/png\n", START ",\"datacontenttype\":\"image/png\"}"},
	{START ",\"datacontenttype\":\"application/xml\",\"data\":\"<a>\"}",
		"Content-Type: application/xml\n",
		START ",\"datacontenttype\":\"application/xml\",\"data_base64\":\"PGE+\"}"},
};

static void event_goes_by_http_and_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct td_event *event = event_of(rows[i].json), *back = NULL;
		struct http_message message = {.count = 0};
		char *lines, expected[500];

		td_event_write_http(event, http_add, &message);
		lines = lines_of(&message);
		snprintf(expected, sizeof(expected),
			"ce-specversion: 1.0\nce-id: 1\nce-source: /s\nce-type: T\n%s",
			rows[i].lines);
		assert_string_equal(lines, expected);
		assert_int_equal(td_event_read_http(&back, message.headers, message.count,
					 td_event_data(event), NULL),
			0);
		assert_json(back, rows[i].back != NULL ? rows[i].back : rows[i].json);
		free(lines);
		http_fini(&message);
		td_event_unref(event);
		td_event_unref(back);
	}
}

#define H(name, value)                                  \
	{                                               \
		TD_TEXT_INIT(name), TD_TEXT_INIT(value) \
	}
#define REQUIRED H("Ce-Id", "1"), H("CE-SOURCE", "/s"), H("ce-type", "T")

static void headers_have_no_case_and_blanks_do_not_count(void **state)
{
	static const struct td_http_header headers[] = {H("Host", "x"),
		H("ce-specversion", " 1.0\t"), REQUIRED, H("cE-MyExt", "v"),
		H("content-TYPE", "text/plain"), {TD_TEXT_INIT("X-Empty"), {NULL, 0}},
		{TD_TEXT_INIT("ce-empty"), {NULL, 0}}};
	struct td_event *event = NULL;

	(void)state;
	assert_int_equal(td_event_read_http(&event, headers, sizeof(headers) / sizeof(headers[0]),
				 td_text("hello"), NULL),
		0);
	assert_json(event, START ",\"datacontenttype\":\"text/plain\",\"myext\":\"v\","
				 "\"empty\":\"\",\"data\":\"hello\"}");
	assert_text(td_event_address(event), "T");
	td_event_unref(event);
}

static const struct {
	struct td_http_header headers[6];
	const char *text;
} refused[] = {
	{{REQUIRED}, "specversion: missing"},
	{{H("ce-specversion", "1.0"), H("ce-id", "1"), H("ce-type", "T")}, "source: missing"},
	{{H("ce-specversion", "0.3")}, "specversion: only 1.0 is known"},
	{{H("ce-specversion", "1.0"), H("Ce-Specversion", "1.0")}, "specversion: given twice"},
	{{H("ce-id", "1"), H("CE-ID", "1")}, "id: given twice"},
	{{H("ce-time", "now")}, "time: not a time like 2026-11-21T01:43:11Z (RFC 3339)"},
	{{H("ce-datacontenttype", "text/plain")},
		"datacontenttype: in HTTP it is the header Content-Type"},
	{{H("Content-Type", "text")}, "datacontenttype: not a media type"},
	{{H("Content-Type", "")}, "datacontenttype: empty"},
	{{H("Content-Type", "a/b"), H("content-type", "a/b")}, "datacontenttype: given twice"},
	{{H("ce-x-y", "1")}, "attribute name \"x-y\": only a-z and 0-9 are allowed"},
	{{H("ce-data", "1")}, "attribute name \"data\": no attribute may be called so"},
	{{H("ce-", "1")}, "attribute name \"\": empty"},
	{{H("ce-x1234567890123456789012345678901234567890123456789012345678901234", "1")},
		"attribute name "
		"\"x123456789012345678901234567890123456789012345678901234567890123\": "
		"longer than 64 characters"},
	{{H("ce-x", "%")}, "x: \"%\" without two hex digits"},
	{{H("ce-x", "\"")}, "x: a quote is not closed"},
	{{H("ce-x", "%ED%A0%80")}, "x: not UTF-8"},
};

static void wrong_headers_are_refused_by_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct td_error err = TD_ERROR_INIT;
		struct td_event *event = NULL;

		assert_int_equal(td_event_read_http(&event, refused[i].headers, 6, absent, &err),
			TD_E_ATTRIBUTE);
		assert_string_equal(err.text, refused[i].text);
		assert_null(event);
	}
}

static int read_message(void *arg)
{
	static const struct td_http_header headers[] = {
		H("ce-specversion", "1.0"), REQUIRED, H("ce-x", "%41%42")};
	struct td_event *event = NULL;
	int code;

	(void)arg;
	code = td_event_read_http(
		&event, headers, sizeof(headers) / sizeof(headers[0]), absent, NULL);
	td_event_unref(event);
	return code;
}

static void message_is_whole_or_refused_when_memory_runs_out(void **state)
{
	(void)state;
	alloc_torture(read_message, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(event_goes_by_http_and_back),
		cmocka_unit_test(headers_have_no_case_and_blanks_do_not_count),
		cmocka_unit_test(wrong_headers_are_refused_by_name),
		cmocka_unit_test(message_is_whole_or_refused_when_memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
