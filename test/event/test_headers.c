#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "alloc.h"
#include "event_test.h"

#define ID_SOURCE_TYPE "\"id\":\"1\",\"source\":\"/s\",\"type\":\"T\""
#define START          "{\"specversion\":\"1.0\"," ID_SOURCE_TYPE
#define BLOCK          "NATS/1.0\r\nce-specversion: 1.0\r\nce-id: 1\r\nce-source: /s\r\nce-type: T\r\n"

/* An event as JSON, and what it is as a block. */
static const struct {
	const char *json, *address, *block;
} pairs[] = {
	{START ",\"subject\":\"order.42\"}", "order.42", BLOCK "\r\n"},
	{START ",\"subject\":\"order 42\"}", "order%2042", BLOCK "\r\n"},
	{START "}", "T", BLOCK "td-form: no-subject\r\n\r\n"},
	/* attributes */
	{START ",\"subject\":\"s\",\"time\":\"2018-04-05T17:31:00Z\",\"schemaversion\":3,"
	       "\"authid\":\"gr\xC3\xB6\xC3\x9F"
	       "er 7\",\"x\":\"a\\\"b%\",\"y\":\"\"}",
		"s",
		BLOCK "ce-time: 2018-04-05T17:31:00Z\r\nce-schemaversion: 3\r\n"
		      "ce-authid: gr%C3%B6%C3%9F"
		      "er%207\r\nce-x: a%22b%25\r\nce-y: \r\n\r\n"},
	{START ",\"subject\":\"s\",\"n\":-5,\"b\":true,\"f\":false,\"m\":0}", "s",
		BLOCK "ce-n: -5\r\nce-b: true\r\nce-f: false\r\nce-m: 0\r\n"
		      "td-form: int:n,m;bool:b,f\r\n\r\n"},
	{START ",\"subject\":\"s\",\"correlationid\":5,\"schemaversion\":\"3\"}", "s",
		BLOCK "ce-correlationid: 5\r\nce-schemaversion: 3\r\n"
		      "td-form: int:correlationid;string:schemaversion\r\n\r\n"},
	{START ",\"subject\":\"s\",\"schemaversion\":\"v3\"}", "s",
		BLOCK "ce-schemaversion: v3\r\n\r\n"},
	{START ",\"subject\":\"s\",\"schemaversion\":true}", "s",
		BLOCK "ce-schemaversion: true\r\ntd-form: bool:schemaversion\r\n\r\n"},
	/* data */
	{START ",\"subject\":\"s\",\"datacontenttype\":\"application/json\",\"data\":{\"n\": 1.0}}",
		"s", BLOCK "ce-datacontenttype: application/json\r\n\r\n"},
	{START ",\"subject\":\"s\",\"data\":null}", "s",
		BLOCK
		"ce-datacontenttype: application/json\r\ntd-form: no-datacontenttype\r\n\r\n"},
	{START ",\"subject\":\"s\",\"datacontenttype\":\"application/"
	       "json\",\"data_base64\":\"MQ==\"}",
		"s", BLOCK "ce-datacontenttype: application/json\r\ntd-form: data:base64\r\n\r\n"},
	{START ",\"subject\":\"s\",\"datacontenttype\":\"text/plain\",\"data\":\"a\\tb\"}", "s",
		BLOCK "ce-datacontenttype: text/plain\r\n\r\n"},
	{START ",\"subject\":\"s\",\"datacontenttype\":\"text/plain\",\"data_base64\":\"YQ==\"}",
		"s", BLOCK "ce-datacontenttype: text/plain\r\ntd-form: data:base64\r\n\r\n"},
	{START ",\"subject\":\"s\",\"datacontenttype\":\"text/plain\",\"data\":\"\"}", "s",
		BLOCK "ce-datacontenttype: text/plain\r\ntd-form: data:text\r\n\r\n"},
	{START ",\"subject\":\"s\",\"datacontenttype\":\"application/xml\",\"data\":\"<a/>\"}", "s",
		BLOCK "ce-datacontenttype: application/xml\r\ntd-form: data:text\r\n\r\n"},
	{START ",\"subject\":\"s\",\"datacontenttype\":\"image/png\",\"data_base64\":\"AAEC\"}",
		"s", BLOCK "ce-datacontenttype: image/png\r\n\r\n"},
	{START ",\"subject\":\"s\",\"data_base64\":\"AAEC\"}", "s", BLOCK "\r\n"},
	{START ",\"subject\":\"s\",\"data_base64\":\"\"}", "s",
		BLOCK "td-form: data:base64\r\n\r\n"},
	/* all that can be remembered */
	{START ",\"n\":1,\"b\":true,\"data\":\"x\"}", "T",
		BLOCK "ce-datacontenttype: application/json\r\nce-n: 1\r\nce-b: true\r\n"
		      "td-form: no-datacontenttype;no-subject;int:n;bool:b\r\n\r\n"},
};

static void event_is_the_same_behind_its_block(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct td_event *event = event_of(pairs[i].json);
		struct td_event *back = stored_and_read(event);
		char *block = block_of(event), *again = block_of(back);
		char *json = json_of(event);

		assert_text(td_event_address(event), pairs[i].address);
		assert_string_equal(block, pairs[i].block);
		assert_string_equal(again, block);
		assert_json(back, json);
		free(block);
		free(again);
		free(json);
		td_event_unref(event);
		td_event_unref(back);
	}
}

static struct td_event *read_block(const char *block, const char *address)
{
	struct td_event *event = NULL;
	struct td_error err = TD_ERROR_INIT;

	if (td_event_read_headers(&event, td_text(block), td_text("7"), td_text(address), absent,
		    absent, &err) != 0)
		fail_msg("%s", err.text);
	return event;
}

static void block_of_another_hand_is_read(void **state)
{
	struct td_event *event = read_block("NATS/1.0\r\n"
					    "ce-id:1\r\n"
					    "ce-type:\t T \r\n"
					    "Nats-Msg-Id: 9\r\n"
					    "CE-Subject: not this\r\n"
					    "Orig-ce-id: nor this\r\n"
					    ": nor this\r\n"
					    "ce-source: \"/a\\b\"%2Fc\r\n"
					    "ce-x: raw \xC3\xB6\r\n"
					    "ce-subject: order/42\r\n"
					    "\r\n",
		"orders.new%20ones");

	(void)state;
	assert_text(td_event_id(event), "1");
	assert_text(td_event_type(event), "T");
	assert_text(td_event_source(event), "/ab/c");
	assert_text(td_event_get(event, "x"), "raw \xC3\xB6");
	assert_text(td_event_subject(event), "order/42");
	td_event_unref(event);
}

static void subject_is_what_the_address_says_unless_it_is_said(void **state)
{
	struct td_event *event = read_block(BLOCK "\r\n", "orders.new%20ones");
	char *block;

	(void)state;
	assert_text(td_event_subject(event), "orders.new ones");
	assert_text(td_event_address(event), "orders.new%20ones");
	assert_text(td_event_data(event), "7");
	td_event_unref(event);

	event = read_block(BLOCK "ce-subject: order/42\r\n\r\n", "orders.new");
	assert_text(td_event_subject(event), "order/42");
	assert_text(td_event_address(event), "orders.new");
	block = block_of(event);
	assert_string_equal(block,
		"NATS/1.0\r\nce-specversion: 1.0\r\nce-id: 1\r\nce-source: /s\r\nce-type: T\r\n"
		"ce-subject: order/42\r\n\r\n");
	free(block);
	td_event_unref(event);

	/* An address may be encoded more than need be: it stays, and says the subject all the same.
	 */
	event = read_block(BLOCK "\r\n", "a%62");
	assert_text(td_event_subject(event), "ab");
	block = block_of(event);
	assert_string_equal(block, BLOCK "\r\n");
	free(block);
	td_event_unref(event);
}

static void id_and_source_come_from_the_log_where_the_block_has_none(void **state)
{
	struct td_event *event = NULL;
	struct td_error err = TD_ERROR_INIT;
	struct td_text block = td_text("NATS/1.0\r\nce-type: T\r\n\r\n");

	(void)state;
	assert_int_equal(td_event_read_headers(&event, block, absent, td_text("a"),
				 td_text("events-7"), td_text("nats:events"), NULL),
		0);
	assert_text(td_event_id(event), "events-7");
	assert_text(td_event_source(event), "nats:events");
	assert_text(td_event_data(event), NULL);
	td_event_unref(event);
	assert_int_equal(
		td_event_read_headers(&event, block, absent, td_text("a"), absent, absent, &err),
		TD_E_ATTRIBUTE);
	assert_string_equal(err.text, "id: missing");
	event = read_block(BLOCK "\r\n", "a");
	assert_text(td_event_id(event), "1");
	td_event_unref(event);
}

static void kind_and_chain_of_causes_are_kept(void **state)
{
	struct td_event *event = read_block(BLOCK "td-kind: query\r\ntd-causes: 17\r\n\r\n", "a");
	struct td_event *back = stored_and_read(event);

	(void)state;
	assert_int_equal(td_event_kind(event), TD_QUERY);
	assert_int_equal(td_event_kind(back), TD_QUERY);
	assert_int_equal(back->causes, 17);
	td_event_unref(event);
	td_event_unref(back);
}

static const struct {
	const char *block, *address;
	int code;
	const char *text;
	size_t offset;
} refused[] = {
	{"", "a", TD_E_ATTRIBUTE, "type: missing", TD_NO_OFFSET},
	{"NATS/1.0\r\n\r\n", "a", TD_E_ATTRIBUTE, "type: missing", TD_NO_OFFSET},
	{"NATS/1.0\r\n", "a", TD_E_FORMAT, "header block: ends within a line", 10},
	{"NATS/1.0", "a", TD_E_FORMAT, "header block: ends within a line", 8},
	{"NATS/1.1\r\n\r\n", "a", TD_E_FORMAT,
		"header block: \"NATS/1.0\" is needed, and no status", 0},
	{"NATS/1.0 503\r\n\r\n", "a", TD_E_FORMAT,
		"header block: \"NATS/1.0\" is needed, and no status", 0},
	{"NATS/1.0\r\na\r\n\r\n", "a", TD_E_FORMAT, "header block: a line without a colon", 10},
	{"NATS/1.0\r\na: b\n\r\n", "a", TD_E_FORMAT, "header block: a line feed without its return",
		14},
	{"NATS/1.0\r\n\n", "a", TD_E_FORMAT, "header block: a line feed without its return", 10},
	{"NATS/1.0\r\n\r\nx", "a", TD_E_FORMAT, "header block: something follows its end", 12},
	{"NATS/1.0\r\nce-id: %zz\r\n\r\n", "a", TD_E_ATTRIBUTE, "id: \"%\" without two hex digits",
		17},
	{"NATS/1.0\r\nce-id: a%zz\r\n\r\n", "a", TD_E_ATTRIBUTE, "id: \"%\" without two hex digits",
		18},
	{"NATS/1.0\r\nce-id: %00\r\n\r\n", "a", TD_E_ATTRIBUTE, "id: a control character", 10},
	{"NATS/1.0\r\nce-id: a\r\nce-id: a\r\n\r\n", "a", TD_E_ATTRIBUTE, "id: given twice", 20},
	{"NATS/1.0\r\nce-x: a\r\nce-x: a\r\n\r\n", "a", TD_E_ATTRIBUTE, "x: given twice", 19},
	{"NATS/1.0\r\nce-Id: a\r\n\r\n", "a", TD_E_ATTRIBUTE,
		"attribute name \"Id\": only a-z and 0-9 are allowed", 10},
	{"NATS/1.0\r\nce-x-y: %zz\r\n\r\n", "a", TD_E_ATTRIBUTE,
		"attribute name \"x-y\": only a-z and 0-9 are allowed", 10},
	{"NATS/1.0\r\nce-: a\r\n\r\n", "a", TD_E_ATTRIBUTE, "attribute name \"\": empty", 10},
	{"NATS/1.0\r\nce-data: a\r\n\r\n", "a", TD_E_ATTRIBUTE,
		"attribute name \"data\": no attribute may be called so", 10},
	{"NATS/1.0\r\nce-specversion: 0.3\r\n\r\n", "a", TD_E_ATTRIBUTE,
		"specversion: only 1.0 is known", 10},
	{"NATS/1.0\r\nce-specversion: 1.0\r\nce-specversion: 1.0\r\n\r\n", "a", TD_E_ATTRIBUTE,
		"specversion: given twice", 31},
	{BLOCK "\r\n", "", TD_E_SUBJECT, "address: an empty token", 0},
	{BLOCK "\r\n", "a.*", TD_E_SUBJECT, "address: a wildcard", 2},
	{BLOCK "\r\n", "a%01", TD_E_ATTRIBUTE, "subject: a control character", TD_NO_OFFSET},
	{BLOCK "\r\n", "a\xFF", TD_E_ATTRIBUTE, "subject: not UTF-8", TD_NO_OFFSET},
	{BLOCK "td-kind: event\r\n\r\n", "a", TD_E_FORMAT,
		"td-kind: neither command, query nor reply", TD_NO_OFFSET},
	{BLOCK "td-kind: reply\r\ntd-kind: reply\r\n\r\n", "a", TD_E_FORMAT, "td-kind: given twice",
		sizeof(BLOCK) - 1 + 16},
	{BLOCK "td-causes: -1\r\n\r\n", "a", TD_E_FORMAT,
		"td-causes: a number below 1,000,000,000 is needed", TD_NO_OFFSET},
	{BLOCK "td-causes: 1000000000\r\n\r\n", "a", TD_E_FORMAT,
		"td-causes: a number below 1,000,000,000 is needed", TD_NO_OFFSET},
	{BLOCK "td-form: what\r\n\r\n", "a", TD_E_FORMAT, "td-form: not understood", TD_NO_OFFSET},
	{BLOCK "td-form: int:x\r\n\r\n", "a", TD_E_FORMAT, "td-form: not understood", TD_NO_OFFSET},
	{BLOCK "td-form: data:xml\r\n\r\n", "a", TD_E_FORMAT, "td-form: not understood",
		TD_NO_OFFSET},
	{BLOCK "td-form: no-subject;\r\n\r\n", "a", TD_E_FORMAT, "td-form: not understood",
		TD_NO_OFFSET},
	{BLOCK "td-form: no-datacontenttype\r\n\r\n", "a", TD_E_FORMAT, "td-form: not understood",
		TD_NO_OFFSET},
	{BLOCK "ce-datacontenttype: a/json\r\ntd-form: no-datacontenttype;data:text\r\n\r\n", "a",
		TD_E_FORMAT, "td-form: not understood", TD_NO_OFFSET},
	{BLOCK "ce-subject: a\r\ntd-form: no-subject\r\n\r\n", "a", TD_E_FORMAT,
		"td-form: not understood", TD_NO_OFFSET},
	{BLOCK "ce-x: a\r\ntd-form: int:x\r\n\r\n", "a", TD_E_ATTRIBUTE,
		"x: not an integer of 32 bits", TD_NO_OFFSET},
	{BLOCK "td-form: int:id\r\n\r\n", "a", TD_E_ATTRIBUTE, "id: a string is needed",
		TD_NO_OFFSET},
};

static void broken_block_is_refused_with_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct td_error err = TD_ERROR_INIT;
		struct td_event *event = NULL;
		struct td_text block = td_text(refused[i].block);
		char *exact = malloc(block.len + (block.len == 0));
		int code;

		memcpy(exact, block.at, block.len);
		code = td_event_read_headers(&event, td_text_of(exact, block.len), absent,
			td_text(refused[i].address), absent, absent, &err);
		free(exact);
		assert_string_equal(err.text, refused[i].text);
		assert_int_equal(code, refused[i].code);
		assert_int_equal(err.offset, refused[i].offset);
		assert_null(event);
	}
}

static void block_over_64_kib_is_refused(void **state)
{
	char *block = malloc(TD_HEADER_BYTES_MAX + 100);
	struct td_event *event = NULL;
	struct td_error err = TD_ERROR_INIT;
	size_t len = sizeof(BLOCK) - 1;

	(void)state;
	memcpy(block, BLOCK, len);
	while (len < TD_HEADER_BYTES_MAX - 12) {
		memcpy(block + len, "Other: x\r\n", 10);
		len += 10;
	}
	memcpy(block + len, "\r\n", 2);
	assert_int_equal(td_event_read_headers(&event, td_text_of(block, len + 2), absent,
				 td_text("a"), absent, absent, &err),
		0);
	td_event_unref(event);
	assert_int_equal(td_event_read_headers(&event, td_text_of(block, TD_HEADER_BYTES_MAX + 1),
				 absent, td_text("a"), absent, absent, &err),
		TD_E_TOO_LARGE);
	free(block);
}

static void payload_of_64_mib_is_kept_as_it_is(void **state)
{
	size_t len = TD_DATA_BYTES_MAX;
	char *payload = malloc(len + 1);
	struct td_event *event = NULL, *back;
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < len; i++)
		payload[i] = (char)(i * 7 + (i >> 8));
	assert_int_equal(td_event_read_headers(&event, td_text(BLOCK "\r\n"),
				 td_text_of(payload, len), td_text("a"), absent, absent, NULL),
		0);
	back = stored_and_read(event);
	assert_int_equal(back->data.len, len);
	assert_int_equal(memcmp(back->data.at, payload, len), 0);
	td_event_unref(back);
	td_event_unref(event);
	assert_int_equal(td_event_read_headers(&event, td_text(BLOCK "\r\n"),
				 td_text_of(payload, len + 1), td_text("a"), absent, absent, &err),
		TD_E_TOO_LARGE);
	free(payload);
}

/* --- memory ------------------------------------------------------------------------------- */

static int write_and_read(void *arg)
{
	struct td_event *event = (struct td_event *)arg, *back = NULL;
	struct td_buf buf = TD_BUF_INIT(TD_HEADER_BYTES_MAX);
	struct td_error err = TD_ERROR_INIT;
	int code;

	td_event_write_headers(event, &buf);
	code = td_buf_check(&buf, &err);
	if (code == 0)
		code = td_event_read_headers(&back, td_buf_view(&buf), td_event_data(event),
			td_event_address(event), absent, absent, &err);
	td_buf_fini(&buf);
	td_event_unref(back);
	return code;
}

static void block_is_whole_or_refused_when_memory_runs_out(void **state)
{
	struct td_event *event = event_of(pairs[3].json);

	(void)state;
	alloc_torture(write_and_read, event);
	td_event_unref(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(event_is_the_same_behind_its_block),
		cmocka_unit_test(block_of_another_hand_is_read),
		cmocka_unit_test(subject_is_what_the_address_says_unless_it_is_said),
		cmocka_unit_test(id_and_source_come_from_the_log_where_the_block_has_none),
		cmocka_unit_test(kind_and_chain_of_causes_are_kept),
		cmocka_unit_test(broken_block_is_refused_with_its_place),
		cmocka_unit_test(block_over_64_kib_is_refused),
		cmocka_unit_test(payload_of_64_mib_is_kept_as_it_is),
		cmocka_unit_test(block_is_whole_or_refused_when_memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
