#include "scripted.h"

/*
 * The place http: against a server that says what is written down here: whole, cut, broken off, wrong.
 */

#define LONG_MS 60000

/* --- opening ------------------------------------------------------------------------------ */

static void what_is_no_url_of_a_server_is_refused(void **state)
{
	static const struct {
		const char *url;
		int code;
		const char *says;
	} wrong[] = {
		{"http://", TD_E_INVALID, "HOST:PORT"},
		{"http:///v1", TD_E_INVALID, "no path"},
		{"http://127.0.0.1:1/v1", TD_E_INVALID, "no path"},
		{"http://127.0.0.1:1?x=1", TD_E_INVALID, "no path"},
		{"http://127.0.0.1:0", TD_E_INVALID, "a port"},
		{"http://127.0.0.1:", TD_E_INVALID, ""},
		{"http://127.0.0.1:99999", TD_E_INVALID, "HOST:PORT"},
		{"http://[::1:80", TD_E_INVALID, "HOST:PORT"},
		{"http://a b:80", TD_E_INVALID, "HOST:PORT"},
		{"http://x%zz@127.0.0.1:1", TD_E_INVALID, "decoded"},
		{"http://x%0d%0a@127.0.0.1:1", TD_E_INVALID, "decoded"},
		{"https://127.0.0.1:1", TD_E_PLACE, "https"},
		{"http:", TD_E_INVALID, "not that of a place"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct td_error err = TD_ERROR_INIT;
		struct td *td = NULL;
		int code = td_open(&td, wrong[i].url, NULL, &err);

		if (code != wrong[i].code || strstr(err.text, wrong[i].says) == NULL)
			fail_msg("%s: %d %s", wrong[i].url, code, err.text);
		assert_null(td);
	}
}

static void who_cannot_be_reached_is_told_at_once(void **state)
{
	struct script *script = script_new();
	struct td_error err = TD_ERROR_INIT;
	struct td *td = NULL;
	char *url = strdup(script->url);

	(void)state;
	script_free(script);
	assert_int_equal(td_open(&td, url, NULL, &err), TD_E_UNREACHABLE);
	assert_non_null(strstr(err.text, "Connection refused"));
	assert_non_null(strstr(err.text, url + strlen("http://")));
	assert_int_equal(td_error_exit(TD_E_UNREACHABLE), 3);
	free(url);
}

static void what_is_no_tidings_server_is_told(void **state)
{
	struct script *script = script_new();
	struct td_error err = TD_ERROR_INIT;
	struct td *td = NULL;

	(void)state;
	script_add(script, "GET ", answer_with(200, "text/html", "", "<p>hello"), THEN_KEEP);
	assert_int_equal(td_open(&td, script->url, NULL, &err), TD_E_FORMAT);
	assert_int_equal(td_open(&td, script->url, NULL, &err), TD_E_PLACE); /* 404, no code */
	assert_null(td);
	script_free(script);
}

static void credentials_of_the_url_are_sent_and_never_told(void **state)
{
	static const struct {
		const char *user, *field;
	} users[] = {
		{"", NULL},
		{"ann:se%3Acret@", "\r\nAuthorization: Basic YW5uOnNlOmNyZXQ=\r\n"},
		{"t%2Foken@", "\r\nAuthorization: Bearer t/oken\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		struct script *script = script_new();
		struct script_line *line =
			script_add(script, "GET ", answer(200, EVENTS, "[]"), THEN_KEEP);
		struct td_error err = TD_ERROR_INIT;
		char url[128];
		struct td *td;

		snprintf(url, sizeof(url), "http://%s127.0.0.1:%u/", users[i].user, script->port);
		if (td_open(&td, url, NULL, &err) != 0)
			fail_msg("%s", err.text);
		assert_true(users[i].field == NULL ? strstr(line->request, "Authorization") == NULL
						   : strstr(line->request, users[i].field) != NULL);
		script_stop_listening(script);
		assert_int_equal(td_close(td), 0);
		assert_int_equal(td_open(&td, url, NULL, &err), TD_E_UNREACHABLE);
		assert_null(strstr(err.text, "cret"));
		assert_null(strstr(err.text, "oken"));
		script_free(script);
	}
}

/* --- publishing --------------------------------------------------------------------------- */

static void an_event_goes_as_its_attributes_and_its_bytes(void **state)
{
	struct script *script = script_new();
	struct td *td = script_open(script, LONG_MS);
	struct script_line *line =
		script_add(script, "POST /v1/events ", answer(201, JSON, RECEIPT(5)), THEN_KEEP);
	struct td_draft draft = {.type = "Placed",
		.subject = "order.42",
		.id = "7",
		.datacontenttype = "application/json",
		.data = " {\"total\": 1.50} ",
		.data_bytes = strlen(" {\"total\": 1.50} ")};
	struct td_receipt receipt = TD_RECEIPT_INIT;
	struct td_where where;
	bool duplicate;

	(void)state;
	assert_int_equal(td_publish(td, &draft, &receipt, NULL), 0);
	assert_int_equal(td_receipt_where(&receipt, &where, &duplicate), 0);
	assert_string_equal(where.log, "events");
	assert_int_equal(where.position, 5);
	assert_int_equal(where.seq, 5);
	assert_int_equal(where.revision, 1);
	assert_int_equal(where.recorded, 1767323045000000000);
	assert_false(duplicate);
	assert_non_null(strstr(line->request, "\r\nce-id: 7\r\n"));
	assert_non_null(strstr(line->request, "\r\nce-source: /near\r\n"));
	assert_non_null(strstr(line->request, "\r\nce-subject: order.42\r\n"));
	assert_non_null(strstr(line->request, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(line->request, "\r\n\r\n {\"total\": 1.50} "));
	td_receipt_fini(&receipt);
	td_close(td);
	script_free(script);
}

static void what_http_cannot_say_goes_as_json(void **state)
{
	static const struct td_attribute attributes[] = {
		{TD_TEXT_INIT("count"), TD_TEXT_INIT("7"), TD_INTEGER}};
	struct script *script = script_new();
	struct td *td = script_open(script, LONG_MS);
	struct script_line *line =
		script_add(script, "POST /v1/events ", answer(201, JSON, RECEIPT(5)), THEN_KEEP);
	struct script_line *batch = script_add(script, "POST /v1/events ",
		answer(201, JSON, "[" RECEIPT(6) "," RECEIPT(7) "]"), THEN_KEEP);
	struct td_draft draft = {.type = "T",
		.subject = "s",
		.id = "7",
		.attributes = attributes,
		.attributes_count = 1};
	struct td_draft blank = {.type = "T",
		.subject = "s",
		.id = "8",
		.datacontenttype = "application/json",
		.data = " {} ",
		.data_bytes = 4};
	struct td_appending two[] = {{.draft = EVENT("T", "s")}, {.draft = &blank}};
	struct td_appended told[2];

	(void)state;
	assert_int_equal(td_publish(td, &draft, NULL, NULL), 0);
	assert_non_null(strstr(line->request, "application/cloudevents+json\r\n"));
	assert_non_null(strstr(line->request, "\"count\":7"));
	assert_int_equal(td_append(td, two, 2, told, NULL, NULL), 0);
	assert_non_null(strstr(batch->request, "application/cloudevents-batch+json\r\n"));
	assert_non_null(strstr(batch->request, "\"data_base64\":\"IHt9IA==\"")); /* its blanks */
	assert_int_equal(told[0].where.position, 6);
	assert_int_equal(told[1].where.position, 7);
	td_close(td);
	script_free(script);
}

static void conditions_are_those_of_http(void **state)
{
	static const struct {
		enum td_expected expected;
		uint64_t revision;
		const char *field;
	} rows[] = {
		{TD_IF_NONE, 0, "\r\nIf-None-Match: *\r\n"},
		{TD_IF_EXISTS, 0, "\r\nIf-Match: *\r\n"},
		{TD_IF_REVISION, 41, "\r\nIf-Match: \"41\"\r\n"},
	};
	struct script *script = script_new();
	struct td *td = script_open(script, LONG_MS);
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct script_line *line = script_add(script, "POST /v1/subjects/a%2Fb.1/events ",
			answer(412, PROBLEM,
				"{\"code\":\"revision-conflict\",\"status\":412,\"revision\":9,"
				"\"detail\":\"a/b.1: expected 41, found 9\"}"),
			THEN_KEEP);
		struct td_appending one = {.draft = EVENT("T", "a/b.1"),
			.expected = rows[i].expected,
			.revision = rows[i].revision};
		struct td_appended told;

		assert_int_equal(td_append(td, &one, 1, &told, NULL, &err), TD_E_REVISION);
		assert_string_equal(err.text, "append: a/b.1: expected 41, found 9");
		assert_int_equal(told.found, 9);
		assert_int_equal(told.code, TD_E_REVISION);
		assert_non_null(strstr(line->request, rows[i].field));
	}
	td_close(td);
	script_free(script);
}

static void what_the_place_does_not_offer_is_refused_before_anything_is_sent(void **state)
{
	struct script *script = script_new();
	struct td *td = script_open(script, LONG_MS);
	struct td_appending two[] = {
		{.draft = EVENT("T", "s")}, {.draft = EVENT("T", "u"), .expected = TD_IF_NONE}};
	struct td_appending other[] = {
		{.draft = EVENT("T", "s"), .expected = TD_IF_NONE}, {.draft = EVENT("T", "u")}};
	struct td_appending logs[] = {
		{.draft = EVENT("T", "s"), .log = "a"}, {.draft = EVENT("T", "s")}};
	struct td_appending imported = {.draft = EVENT("T", "s"), .imported = true};
	struct td_removing removing = {.log = "orders"};
	struct td_reading *reading;
	char line[TD_HEAD_BYTES];

	(void)state;
	assert_int_equal(td_append(td, two, 2, NULL, NULL, NULL), TD_E_PLACE);
	assert_int_equal(td_append(td, other, 2, NULL, NULL, NULL), TD_E_PLACE);
	assert_int_equal(td_append(td, logs, 2, NULL, NULL, NULL), TD_E_PLACE);
	assert_int_equal(td_append(td, &imported, 1, NULL, NULL, NULL), TD_E_PLACE);
	assert_int_equal(td_remove(td, &removing, NULL, NULL), TD_E_PLACE);
	assert_int_equal(td_forget(td, "orders", "s", NULL), TD_E_PLACE);
	assert_int_equal(td_backup(td, "/tmp/none", NULL, NULL, NULL), TD_E_PLACE);
	assert_int_equal(td_head(td, line, NULL), TD_E_PLACE);
	assert_int_equal(
		td_read(&reading, td, &(struct td_scope){.latest = true}, NULL), TD_E_PLACE);
	assert_int_equal(
		td_subscribe(td, INTEREST(.name = "n", .durable = true), act, NULL, NULL, NULL),
		TD_E_PLACE);
	assert_int_equal(
		td_subscribe(td, INTEREST(.inline_ = true), act, NULL, NULL, NULL), TD_E_PLACE);
	td_close(td);
	script_free(script);
}

static void what_the_server_refuses_has_its_code_and_its_words(void **state)
{
	static const struct {
		int status;
		const char *type, *body;
		int code;
		const char *text;
	} rows[] = {
		{507, PROBLEM, "{\"code\":\"disk-full\",\"detail\":\"no room\"}", TD_E_DISK_FULL,
			"publish: no room"},
		{409, PROBLEM, "{\"code\":\"duplicate-differs\",\"detail\":\"id 7\"}",
			TD_E_DUPLICATE, "publish: id 7"},
		{413, PROBLEM, "{\"status\":413,\"title\":\"the body is too long\"}",
			TD_E_TOO_LARGE, "publish: the body is too long"},
		{404, "text/plain", "what?", TD_E_PLACE,
			"publish: the server answered 404: Not Found"},
		{500, PROBLEM, "{\"code\":\"of-tomorrow\"}", TD_E_FORMAT,
			"publish: the server answered 500"},
		{200, JSON, "{}", TD_E_FORMAT, "receipt"},
		{201, JSON, "not json", TD_E_JSON, "receipt"},
		{201, JSON, "[" RECEIPT(5) "," RECEIPT(6) "]", TD_E_FORMAT, "receipt"},
	};
	struct script *script = script_new();
	struct td *td = script_open(script, LONG_MS);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct td_error err = TD_ERROR_INIT;
		int code;

		script_add(script, "POST ", answer(rows[i].status, rows[i].type, rows[i].body),
			THEN_KEEP);
		code = td_publish(td, EVENT("T", "s"), NULL, &err);
		if (code != rows[i].code || err.code != code ||
			strstr(err.text, rows[i].text) == NULL)
			fail_msg("%zu: %d %s", i, code, err.text);
	}
	td_close(td);
	script_free(script);
}

/* --- answers cut, lost and wrong ---------------------------------------------------------- */

static void answers_may_come_byte_by_byte(void **state)
{
	struct script *script = script_new();
	struct td_receipt receipt = TD_RECEIPT_INIT;
	struct td *td;

	(void)state;
	script->piece = 1;
	td = script_open(script, LONG_MS);
	script_add(script, "POST ", answer(201, JSON, RECEIPT(5)), THEN_KEEP);
	script_add(script, "POST ",
		strdup("HTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 201 X\r\nTransfer-Encoding: "
		       "chunked\r\n\r\n1;a=b\r\n{\r\n"
		       "48\r\n\"log\":\"events\",\"seq\":6,\"revision\":1,\"position\":6,\"x\":\""
		       "0123456789abcdef0\"\r\n1\r\n}\r\n0\r\nT: u\r\n\r\n"),
		THEN_KEEP);
	script_add(script, "POST ",
		strdup("HTTP/1.0 201 X\r\n\r\n{\"log\":\"e\",\"seq\":7,\"revision\":1,\"position\":"
		       "7}"),
		THEN_CLOSE);
	for (uint64_t i = 5; i < 8; i++) {
		struct td_error err = TD_ERROR_INIT;

		if (td_publish(td, EVENT("T", "s"), &receipt, &err) != 0)
			fail_msg("%s", err.text);
		assert_int_equal(td_receipt_position(&receipt), i);
	}
	td_receipt_fini(&receipt);
	td_close(td);
	script_free(script);
}

/* The answer breaks off behind each of its bytes; the next one is whole, and says: it was there. */
static void a_lost_answer_is_asked_for_again_with_the_same_id(void **state)
{
	char *whole = answer(201, JSON, RECEIPT(5));
	size_t len = strlen(whole);

	(void)state;
	for (size_t cut = 0; cut < len; cut += cut % 3 == 0 ? 1 : 7) {
		struct script *script = script_new();
		struct td *td = script_open(script, LONG_MS);
		char *part = strndup(whole, cut);
		struct script_line *lost =
			script_add(script, "POST ", part, cut % 2 == 0 ? THEN_CLOSE : THEN_RESET);
		struct script_line *again =
			script_add(script, "POST ", answer(200, JSON, RECEIPT_AGAIN(5)), THEN_KEEP);
		struct td_receipt receipt = TD_RECEIPT_INIT;
		struct td_error err = TD_ERROR_INIT;
		struct td_where where;
		bool duplicate = true;

		if (td_publish(td, EVENT("T", "s"), &receipt, &err) != 0)
			fail_msg("cut at %zu: %s", cut, err.text);
		assert_int_equal(td_receipt_where(&receipt, &where, &duplicate), 0);
		assert_int_equal(where.position, 5);
		assert_false(duplicate); /* it was us */
		assert_string_equal(
			strstr(lost->request, "\r\nce-id"), strstr(again->request, "\r\nce-id"));
		td_receipt_fini(&receipt);
		td_close(td);
		script_free(script);
	}
	free(whole);
}

static void what_was_there_before_is_told_as_that(void **state)
{
	struct script *script = script_new();
	struct td *td = script_open(script, LONG_MS);
	struct td_receipt receipt = TD_RECEIPT_INIT;
	struct td_where where;
	bool duplicate = false;

	(void)state;
	script_add(script, "POST ", answer(200, JSON, RECEIPT_AGAIN(9)), THEN_KEEP);
	assert_int_equal(td_publish(td, EVENT("T", "s"), &receipt, NULL), 0);
	assert_int_equal(td_receipt_where(&receipt, &where, &duplicate), 0);
	assert_true(duplicate); /* nothing was lost, so it was somebody else */
	script_add(script, "POST ", strdup(""), THEN_CLOSE);
	script_add(script, "POST ", answer(200, JSON, RECEIPT_AGAIN(3)), THEN_KEEP);
	assert_int_equal(td_publish(td, EVENT("T", "s"), &receipt, NULL), 0);
	assert_int_equal(td_receipt_where(&receipt, &where, &duplicate), 0);
	assert_true(duplicate); /* it stands before what was there when we began */
	td_receipt_fini(&receipt);
	td_close(td);
	script_free(script);
}

static void garbage_is_no_answer(void **state)
{
	static const char *const garbage[] = {"SMTP ready\r\n", "HTTP/1.1 2000 X\r\n\r\n",
		"HTTP/1.1 200 X\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
		"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "\x16\x03\x01\x02",
		"HTTP/1.1 200 X\nA: b\n\n"};
	struct script *script = script_new();
	struct td *td = script_open(script, 30);

	(void)state;
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		struct td_error err = TD_ERROR_INIT;
		struct script_line *line =
			script_add(script, "POST ", strdup(garbage[i]), THEN_CLOSE);
		int code;

		script_always(script, line, true);
		code = td_publish(td, EVENT("T", "s"), NULL, &err);
		if (code != TD_E_UNREACHABLE && code != TD_E_TIMEOUT)
			fail_msg("%zu: %d %s", i, code, err.text);
		script_always(script, line, false);
	}
	td_close(td);
	script_free(script);
}

static void a_silent_server_is_a_timeout(void **state)
{
	struct script *script = script_new();
	struct td *td = script_open(script, 30);
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	script_always(script, script_add(script, "POST ", strdup(""), THEN_HOLD), true);
	assert_int_equal(td_publish(td, EVENT("T", "s"), NULL, &err), TD_E_TIMEOUT);
	td_close(td);
	script_free(script);
}

/* --- reading ------------------------------------------------------------------------------ */

static void reading_goes_page_by_page(void **state)
{
	struct script *script = script_new();
	struct td *td = script_open(script, LONG_MS);
	struct script_line *first = script_add(script,
		"GET /v1/events?subject=order.%3E&type=T&limit=",
		answer_with(200, EVENTS,
			"Link: </v1/events?from=3>; rel=\"next\"\r\nTd-Position: 9\r\n",
			"[" SHOWN("a", "T", "order.1", 1) "," SHOWN("b", "T", "order.2", 2) "]"),
		THEN_KEEP);
	struct script_line *second =
		script_add(script, "GET /v1/events?subject=order.%3E&type=T&from=3&limit=",
			answer_with(200, EVENTS, "Td-Position: 9\r\n",
				"[" SHOWN("c", "T", "order.1", 7) "]"),
			THEN_KEEP);
	struct td_scope scope = {.subject = "order.>", .type = "T"};
	struct td_reading *reading = NULL;
	const struct td_event *event;
	struct td_error err = TD_ERROR_INIT;
	struct td_where where;
	char ids[8] = "";

	(void)state;
	if (td_read(&reading, td, &scope, &err) != 0)
		fail_msg("%s", err.text);
	while (td_next(reading, &event, &where, &err) == 0) {
		strncat(ids, td_event_id(event).at, 1);
		assert_null(td_event_get(event, "tdposition").at);
		assert_null(td_event_get(event, "tdlog").at);
		assert_int_equal(where.seq, where.position);
		assert_string_equal(where.log, "events");
		assert_int_equal(where.recorded, 1767323045000000000);
	}
	assert_string_equal(ids, "abc");
	assert_int_equal(where.position, 7);
	assert_int_equal(td_reading_position(reading), 10);          /* behind all that was there */
	assert_non_null(strstr(first->request, "&min-position=4 ")); /* what it has heard of */
	assert_non_null(strstr(second->request, "&min-position=9 "));
	td_reading_close(reading);
	td_close(td);
	script_free(script);
}

static void pages_that_cannot_be_are_refused(void **state)
{
	static const char *const bodies[] = {"{}", "[", "[{}]", "[1]",
		"[" SHOWN("a", "T", "s", 3) "," SHOWN("b", "T", "s", 2) "]",
		"[{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"T\"}]"};
	struct script *script = script_new();
	struct td *td = script_open(script, LONG_MS);

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct td_reading *reading = NULL;
		const struct td_event *event;
		struct td_error err = TD_ERROR_INIT;
		int code;

		script_add(script, "GET /v1/events?limit=500", answer(200, EVENTS, bodies[i]),
			THEN_KEEP);
		code = td_read(&reading, td, NULL, &err);
		while (code == 0)
			code = td_next(reading, &event, NULL, &err);
		if (code == TD_E_NOT_FOUND || err.code != code)
			fail_msg("%zu: %d %s", i, code, err.text);
		td_reading_close(reading);
	}
	td_close(td);
	script_free(script);
}

static void the_latest_and_one_by_its_id(void **state)
{
	struct script *script = script_new();
	struct td *td = script_open(script, LONG_MS);
	struct td_error err = TD_ERROR_INIT;
	struct td_event *event = NULL;
	struct td_where where;

	(void)state;
	script_add(script, "GET /v1/events?subject=order.1&log=o&direction=backward&limit=1&",
		answer(200, EVENTS, "[" SHOWN("b", "T", "order.1", 2) "]"), THEN_KEEP);
	assert_int_equal(td_latest(td, "o", "order.1", &event, &where, &err), 0);
	assert_true(td_text_is(td_event_id(event), "b"));
	assert_int_equal(where.position, 2);
	td_event_unref(event);
	script_add(script, "GET /v1/events?subject=", answer(200, EVENTS, "[]"), THEN_KEEP);
	assert_int_equal(td_latest(td, NULL, "order.1", &event, &where, &err), TD_E_NOT_FOUND);
	assert_string_equal(err.text, "latest: subject order.1");
	script_add(script, "GET /v1/events/b%2F1?source=%2Ffar&",
		answer(200, "application/cloudevents+json", SHOWN("b/1", "T", "s", 2)), THEN_KEEP);
	assert_int_equal(td_find(td, "b/1", "/far", &event, &where, &err), 0);
	assert_true(td_text_is(td_event_type(event), "T"));
	td_event_unref(event);
	script_add(script, "GET /v1/events/x",
		answer(404, PROBLEM, "{\"code\":\"not-found\",\"detail\":\"id x\"}"), THEN_KEEP);
	assert_int_equal(td_find(td, "x", NULL, &event, &where, &err), TD_E_NOT_FOUND);
	assert_string_equal(err.text, "find: id x");
	td_close(td);
	script_free(script);
}

/* --- following ---------------------------------------------------------------------------- */

/* "id" of each event until `count` were read. */
static void follow(struct td_reading *reading, char *ids, size_t count)
{
	const struct td_event *event;
	struct td_error err = TD_ERROR_INIT;

	while (strlen(ids) < count) {
		int code = td_next(reading, &event, NULL, &err);

		if (code == 0)
			strncat(ids, td_event_id(event).at, 1);
		else if (code != TD_E_NOT_FOUND || td_reading_wait(reading, LONG_MS, &err) != 0)
			fail_msg("after \"%s\": %s", ids, err.text);
	}
}

/* It breaks at each byte, also in the middle of an event and of a chunk: no gap, no repeat. */
static void following_goes_on_where_it_broke(void **state)
{
	char *whole = stream_of(": hello\n\n" SENT("a", "T", "s", 1) SENT("b", "T", "s", 2));
	size_t len = strlen(whole), before_a = strlen(whole) - strlen(strstr(whole, "id: 1"));

	(void)state;
	for (size_t cut = 0; cut <= len; cut += cut < before_a ? 9 : 5) {
		struct script *script = script_new();
		struct td *td = script_open(script, LONG_MS);
		struct td_reading *reading = NULL;
		struct script_line *first = script_add(script, "GET /v1/events/follow ",
			strndup(whole, cut), cut % 2 == 0 ? THEN_CLOSE : THEN_RESET);
		struct script_line *second;
		char ids[16] = "";

		/* The server begins where it likes: what was given is not given again. */
		second = script_add(script, "GET /v1/events/follow ",
			stream_of(SENT("a", "T", "s", 1) SENT("b", "T", "s", 2)
					SENT("c", "T", "s", 3)),
			THEN_HOLD);
		assert_int_equal(td_follow(&reading, td, NULL, NULL), 0);
		follow(reading, ids, 3);
		assert_string_equal(ids, "abc");
		assert_int_equal(td_reading_position(reading), 4);
		assert_non_null(strstr(first->request, "\r\nLast-Event-ID: 0\r\n"));
		assert_non_null(strstr(second->request, "\r\nLast-Event-ID: "));
		td_reading_close(reading);
		td_close(td);
		script_free(script);
	}
	free(whole);
}

static void following_says_what_is_asked_for(void **state)
{
	struct script *script = script_new();
	struct td *td = script_open(script, LONG_MS);
	const char *types[] = {"B C"};
	struct td_scope scope = {.log = "o",
		.subject = "a.*",
		.type = "A",
		.types = types,
		.types_count = 1,
		.filter = "x = 1",
		.from = 7};
	struct script_line *line = script_add(script,
		"GET /v1/events/follow?log=o&subject=a.%2A&type=A&type=B%20C&filter=x%20%3D%201 ",
		stream_of(SENT("h", "T", "s", 8)), THEN_HOLD);
	struct td_reading *reading = NULL;
	char ids[8] = "";

	(void)state;
	assert_int_equal(td_follow(&reading, td, &scope, NULL), 0);
	follow(reading, ids, 1);
	assert_non_null(strstr(line->request, "\r\nLast-Event-ID: 6\r\n"));
	td_reading_close(reading);
	td_close(td);
	script_free(script);
}

static void a_position_alone_moves_on_and_a_gap_begins_anew(void **state)
{
	struct script *script = script_new();
	struct td *td = script_open(script, LONG_MS);
	struct td_reading *reading = NULL;
	struct script_line *second, *third;
	char ids[8] = "";

	(void)state;
	script_add(script, "GET /v1/events/follow ", stream_of(SENT("a", "T", "s", 1) "id: 40\n\n"),
		THEN_CLOSE);
	second = script_add(script, "GET /v1/events/follow ",
		stream_of(SENT("b", "T", "s", 41) "id: 44\nevent: gap\ndata: {}\n\n"), THEN_HOLD);
	third = script_add(script, "GET /v1/events/follow ",
		stream_of(SENT("c", "T", "s", 42) SENT("d", "T", "s", 45)), THEN_HOLD);
	assert_int_equal(td_follow(&reading, td, NULL, NULL), 0);
	follow(reading, ids, 4);
	assert_string_equal(ids, "abcd");
	assert_non_null(strstr(second->request, "\r\nLast-Event-ID: 40\r\n"));
	assert_non_null(strstr(third->request, "\r\nLast-Event-ID: 41\r\n"));
	td_reading_close(reading);
	td_close(td);
	script_free(script);
}

static void what_will_never_be_followed_is_told(void **state)
{
	struct script *script = script_new();
	struct td *td = script_open(script, LONG_MS);
	struct td_error err = TD_ERROR_INIT;
	struct td_reading *reading = NULL;
	const struct script_line *line;
	const struct td_event *event;
	int code;

	(void)state;
	script_add(script, "GET /v1/events/follow", /* first it only has no time */
		answer(503, PROBLEM, "{\"code\":\"queue-full\",\"detail\":\"later\"}"), THEN_CLOSE);
	script_add(script, "GET /v1/events/follow",
		answer(404, PROBLEM, "{\"code\":\"not-found\",\"detail\":\"log nobody\"}"),
		THEN_KEEP);
	assert_int_equal(
		td_follow(&reading, td, &(struct td_scope){.log = "nobody"}, &err), TD_E_NOT_FOUND);
	assert_string_equal(err.text, "follow: log nobody");
	/* Later on that is the end of it, and not that there is nothing now. */
	line = script_add(script, "GET /v1/events/follow", stream_of(": here\n\n"), THEN_HOLD);
	script_add(script, "GET /v1/events/follow",
		answer(404, PROBLEM, "{\"code\":\"not-found\",\"detail\":\"log nobody\"}"),
		THEN_KEEP);
	assert_int_equal(td_follow(&reading, td, &(struct td_scope){.log = "nobody"}, &err), 0);
	script_hang_up(line);
	assert_int_equal(td_reading_wait(reading, LONG_MS, &err), TD_E_CLOSED);
	assert_string_equal(err.text, "follow: log nobody");
	assert_int_equal(td_next(reading, &event, NULL, &err), TD_E_CLOSED);
	td_reading_close(reading);
	/* An event that cannot be read is not passed over. */
	script_always(script,
		script_add(script, "GET /v1/events/follow",
			stream_of("id: 1\ndata: {\"specversion\":1}\n\n"), THEN_HOLD),
		true);
	code = td_follow(&reading, td, NULL, &err);
	if (code == 0) {
		code = td_reading_wait(reading, LONG_MS, &err);
		td_reading_close(reading);
	}
	assert_int_equal(code, TD_E_ATTRIBUTE);
	td_close(td);
	script_free(script);
}

/* --- subscriptions ------------------------------------------------------------------------ */

static void turn_until(struct td *td, const struct diary *diary, const char *expected)
{
	while (strlen(diary->text) < strlen(expected)) {
		struct pollfd polled = {td_loop_fd(td), POLLIN, 0};

		assert_int_equal(poll(&polled, 1, LONG_MS), 1);
		assert_true(td_loop_turn(td, 0) >= 0);
	}
	assert_diary(diary, expected);
}

static void what_others_publish_is_heard_by_turning_the_loop(void **state)
{
	struct script *script = script_new();
	struct td *td = script_open(script, LONG_MS);
	struct diary diary = {0};
	struct actor a = {.name = "a", .diary = &diary}, b = {.name = "b", .diary = &diary};
	struct script_line *line = script_add(script, "GET /v1/events/follow?subject=order.%3E ",
		stream_of(SENT("1", "Placed", "order.1", 5)), THEN_HOLD);
	struct script_line *both;

	(void)state;
	subscribe(td, INTEREST(.subject = "order.>"), &a);
	turn_until(td, &diary, "a:Placed@order.1 ");
	assert_non_null(strstr(line->request, "\r\nLast-Event-ID: 4\r\n"));
	/* A second one asks for more, from where the first one is; it does not hear of what was. */
	both = script_add(script, "GET /v1/events/follow?subject=stock.%2A&subject=order.%3E ",
		stream_of(SENT("1", "Placed", "order.1", 5) SENT("2", "Paid", "order.1", 6)
				SENT("3", "Moved", "stock.1", 7)),
		THEN_HOLD);
	subscribe(td, INTEREST(.subject = "stock.*", .async = true), &b);
	turn_until(td, &diary, "a:Placed@order.1 a:Paid@order.1 b:Moved@stock.1 ");
	assert_non_null(strstr(both->request, "\r\nLast-Event-ID: 5\r\n"));
	td_close(td);
	script_free(script);
}

/*
 * What is published here is heard once, in its place: whether the stream shows it before its answer is
 * there or after; and what others published before it comes before it.
 */
static void what_we_publish_is_heard_once_and_in_its_place(void **state)
{
	static const char events[] =
		SENT("o", "Others", "s", 5) SENT("u", "Ours", "s", 6) SENT("l", "Later", "s", 7);
	struct td_draft ours = {.type = "Ours", .subject = "s", .id = "u", .source = "/far"};

	(void)state;
	for (int late = 0; late < 2; late++) {
		struct script *script = script_new();
		struct td *td = script_open(script, LONG_MS);
		struct diary diary = {0};
		struct actor a = {.name = "a", .diary = &diary};
		struct script_line *stream =
			script_add(script, "GET /v1/events/follow ", stream_of(""), THEN_HOLD);
		struct script_line *post =
			script_add(script, "POST ", answer(201, JSON, RECEIPT(6)), THEN_KEEP);
		struct td_receipt receipt = TD_RECEIPT_INIT;
		char *text = strdup(events);

		post->to = stream;
		*(late ? &post->after : &post->before) = text;
		subscribe(td, NULL, &a);
		assert_int_equal(td_publish(td, &ours, &receipt, NULL), 0);
		assert_int_equal(td_await(td, &receipt, LONG_MS, NULL), 0);
		assert_int_equal(receipt.completed, 1);
		turn_until(td, &diary, "a:Others@s a:Ours@s a:Later@s ");
		td_receipt_fini(&receipt);
		td_close(td);
		script_free(script);
		free(text);
	}
}

/* Without a stream that stands nobody waits for it; what went ahead is passed over later. */
static void what_went_ahead_of_the_stream_is_passed_over(void **state)
{
	struct script *script = script_new();
	struct td *td = script_open(script, LONG_MS);
	struct diary diary = {0};
	struct actor a = {.name = "a", .diary = &diary};
	struct td_draft ours = {.type = "Ours", .subject = "s", .id = "u", .source = "/far"};
	struct script_line *stream, *refused;

	(void)state;
	stream = script_add(script, "GET /v1/events/follow ", stream_of(": here\n\n"), THEN_HOLD);
	refused = script_add(
		script, "GET /v1/events/follow ", answer(503, "text/plain", "not now"), THEN_KEEP);
	script_always(script, refused, true);
	subscribe(td, NULL, &a);
	script_hang_up(stream);
	while (!script_was_asked(script, refused))
		assert_true(td_loop_turn(td, 1) >= 0);
	script_add(script, "POST ", answer(201, JSON, RECEIPT(6)), THEN_KEEP);
	assert_int_equal(td_publish(td, &ours, NULL, NULL), 0);
	assert_diary(&diary, "a:Ours@s ");
	script_always(script, refused, false);
	script_add(script, "GET /v1/events/follow ",
		stream_of(SENT("o", "Others", "s", 5) SENT("u", "Ours", "s", 6)
				SENT("l", "Later", "s", 7)),
		THEN_HOLD);
	turn_until(td, &diary, "a:Ours@s a:Others@s a:Later@s ");
	td_close(td);
	script_free(script);
}

/* What failed here may be there all the same: then it comes by the stream. */
static void what_nobody_knows_of_comes_by_the_stream(void **state)
{
	struct script *script = script_new();
	struct td *td = script_open(script, 50);
	struct diary diary = {0};
	struct actor a = {.name = "a", .diary = &diary};
	struct td_draft ours = {.type = "Ours", .subject = "s", .id = "u", .source = "/far"};
	struct script_line *stream =
		script_add(script, "GET /v1/events/follow ", stream_of(""), THEN_HOLD);
	struct script_line *post = script_add(script, "POST ", strdup(""), THEN_CLOSE);

	(void)state;
	script_always(script, post, true);
	subscribe(td, NULL, &a);
	assert_int_not_equal(td_publish(td, &ours, NULL, NULL), 0);
	assert_diary(&diary, "");
	script_push(stream, SENT("u", "Ours", "s", 6));
	turn_until(td, &diary, "a:Ours@s ");
	td_close(td);
	script_free(script);
}

static void workers_have_a_thread_that_listens(void **state)
{
	struct script *script = script_new();
	struct td_options options = {.workers = 1, .timeout_ms = LONG_MS};
	struct script_line *stream, *again;
	struct td_error err = TD_ERROR_INIT;
	struct diary diary = {0};
	struct actor a = {.name = "a", .diary = &diary};
	struct td *td;

	(void)state;
	script_add_position(script);
	if (td_open(&td, script->url, &options, &err) != 0)
		fail_msg("%s", err.text);
	stream = script_add(script, "GET /v1/events/follow ", stream_of(": here\n\n"), THEN_HOLD);
	again = script_add(script, "GET /v1/events/follow ", stream_of(SENT("o", "Others", "s", 5)),
		THEN_HOLD);
	subscribe(td, NULL, &a);
	script_hang_up(stream);
	script_await(script, again, 1);
	for (int i = 0; i < LONG_MS && a.calls == 0; i++)
		usleep(1000);
	assert_int_equal(td_drain(td, LONG_MS, NULL), 0);
	assert_diary(&diary, "a:Others@s ");
	td_close(td);
	script_free(script);
}

static void who_unsubscribed_needs_no_stream(void **state)
{
	struct script *script = script_new();
	struct td *td = script_open(script, LONG_MS);
	struct actor a = {.name = "a"};
	struct script_line *stream =
		script_add(script, "GET /v1/events/follow ", stream_of(""), THEN_HOLD);
	struct td_subscription *s;

	(void)state;
	s = subscribe(td, NULL, &a);
	td_unsubscribe(s);
	stream = script_add(script, "GET /v1/events/follow?subject=x ", stream_of(""), THEN_HOLD);
	s = subscribe(td, INTEREST(.subject = "x"), &a);
	script_push(stream, SENT("o", "Others", "x", 5));
	while (a.calls == 0)
		assert_true(td_loop_turn(td, LONG_MS) >= 0);
	assert_int_equal(a.calls, 1);
	td_close(td);
	script_free(script);
}

static void a_subscription_that_the_server_refuses_is_none(void **state)
{
	struct script *script = script_new();
	struct td *td = script_open(script, LONG_MS);
	struct td_error err = TD_ERROR_INIT;
	struct actor a = {.name = "a"};

	(void)state;
	script_add(script, "GET /v1/events/follow ",
		answer(400, PROBLEM, "{\"code\":\"bad-subject\",\"detail\":\"not yours\"}"),
		THEN_KEEP);
	assert_int_equal(td_subscribe(td, NULL, act, &a, NULL, &err), TD_E_SUBJECT);
	assert_string_equal(err.text, "subscribe: not yours");
	assert_int_equal(td_loop_turn(td, 0), 0);
	td_close(td);
	script_free(script);
}

static void logs_are_listed_made_and_deleted(void **state)
{
	static const char *const subjects[] = {"order.>"};
	struct script *script = script_new();
	struct td *td = script_open(script, LONG_MS);
	struct td_log_settings settings = {
		.subjects = subjects, .subjects_count = 1, .count_max = 7, .discard_new = true};
	struct td_log_about *logs = NULL;
	struct td_error err = TD_ERROR_INIT;
	struct script_line *made, *changed;
	size_t count = 0;

	(void)state;
	script_add(script, "GET /v1/logs ",
		answer(200, JSON,
			"{\"logs\":[{\"name\":\"orders\",\"subjects\":[\"order.>\","
			"\"o\\u002e1\"],\"age_ms\":60000,\"discard_new\":true,\"duplicates_ms\":-1"
			","
			"\"first_seq\":2,\"last_seq\":9,\"count\":8,\"bytes\":800,\"subjects_"
			"count\":3,"
			"\"created\":\"2026-01-02T03:04:05Z\"},{\"name\":\"\"}]}"),
		THEN_KEEP);
	if (td_log_list(td, &logs, &count, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(count, 2);
	assert_string_equal(logs[0].name, "orders");
	assert_int_equal(logs[0].settings.subjects_count, 2);
	assert_string_equal(logs[0].settings.subjects[1], "o.1");
	assert_int_equal(logs[0].settings.age_ms, 60000);
	assert_int_equal(logs[0].settings.duplicates_ms, -1);
	assert_true(logs[0].settings.discard_new);
	assert_int_equal(logs[0].last_seq, 9);
	assert_int_equal(logs[0].subjects, 3);
	assert_int_equal(logs[0].created, 1767323045000000000);
	td_log_list_free(logs);
	made = script_add(script, "POST /v1/logs ", answer(201, JSON, "{}"), THEN_KEEP);
	assert_int_equal(td_log_create(td, "orders", &settings, &err), 0);
	assert_non_null(strstr(made->request, "{\"name\":\"orders\",\"subjects\":[\"order.>\"],"
					      "\"count_max\":7,\"discard_new\":true}"));
	changed = script_add(script, "PUT /v1/logs/or%20ders ", answer(200, JSON, "{}"), THEN_KEEP);
	assert_int_equal(td_log_change(td, "or ders", NULL, &err), 0);
	assert_non_null(strstr(changed->request, "\r\n\r\n{\"subjects\":[]}"));
	script_add(script, "DELETE /v1/logs/orders ", answer(200, JSON, "{}"), THEN_KEEP);
	assert_int_equal(td_log_delete(td, "orders", &err), 0);
	/* Whether it was made nobody knows: it is not asked for twice. */
	made = script_add(script, "POST /v1/logs ", strdup(""), THEN_CLOSE);
	assert_int_equal(td_log_create(td, "orders", &settings, &err), TD_E_UNREACHABLE);
	td_close(td);
	script_free(script);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_url_of_a_server_is_refused),
		cmocka_unit_test(who_cannot_be_reached_is_told_at_once),
		cmocka_unit_test(what_is_no_tidings_server_is_told),
		cmocka_unit_test(credentials_of_the_url_are_sent_and_never_told),
		cmocka_unit_test(an_event_goes_as_its_attributes_and_its_bytes),
		cmocka_unit_test(what_http_cannot_say_goes_as_json),
		cmocka_unit_test(conditions_are_those_of_http),
		cmocka_unit_test(what_the_place_does_not_offer_is_refused_before_anything_is_sent),
		cmocka_unit_test(what_the_server_refuses_has_its_code_and_its_words),
		cmocka_unit_test(answers_may_come_byte_by_byte),
		cmocka_unit_test(a_lost_answer_is_asked_for_again_with_the_same_id),
		cmocka_unit_test(what_was_there_before_is_told_as_that),
		cmocka_unit_test(garbage_is_no_answer),
		cmocka_unit_test(a_silent_server_is_a_timeout),
		cmocka_unit_test(reading_goes_page_by_page),
		cmocka_unit_test(pages_that_cannot_be_are_refused),
		cmocka_unit_test(the_latest_and_one_by_its_id),
		cmocka_unit_test(following_goes_on_where_it_broke),
		cmocka_unit_test(following_says_what_is_asked_for),
		cmocka_unit_test(a_position_alone_moves_on_and_a_gap_begins_anew),
		cmocka_unit_test(what_will_never_be_followed_is_told),
		cmocka_unit_test(what_others_publish_is_heard_by_turning_the_loop),
		cmocka_unit_test(what_we_publish_is_heard_once_and_in_its_place),
		cmocka_unit_test(what_went_ahead_of_the_stream_is_passed_over),
		cmocka_unit_test(what_nobody_knows_of_comes_by_the_stream),
		cmocka_unit_test(workers_have_a_thread_that_listens),
		cmocka_unit_test(who_unsubscribed_needs_no_stream),
		cmocka_unit_test(a_subscription_that_the_server_refuses_is_none),
		cmocka_unit_test(logs_are_listed_made_and_deleted),
	};

	cmocka_set_test_filter(getenv("T"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
