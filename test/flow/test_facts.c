#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flow/facts.h"

#define HEAD  "NATS/1.0\r\n"
#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static const struct {
	const char *headers, *id, *causation, *span;
	enum td_flow_kind kind;
} cases[] = {
	{NULL, NULL, NULL, NULL, TD_FLOW_EVENT},
	{"", NULL, NULL, NULL, TD_FLOW_EVENT},
	{HEAD "\r\n", NULL, NULL, NULL, TD_FLOW_EVENT},
	{HEAD "ce-id: 7\r\nce-causationid:6\r\n\r\n", "7", "6", NULL, TD_FLOW_EVENT},
	{HEAD "ce-id:\t 7 \r\n\r\n", "7", NULL, NULL, TD_FLOW_EVENT},
	{HEAD "ce-id: a%20b%C3%A4\r\n\r\n", "a b\xC3\xA4", NULL, NULL, TD_FLOW_EVENT},
	{HEAD "ce-id: %20\r\nce-causationid: %2\r\n\r\n", " ", "%2", NULL, TD_FLOW_EVENT},
	{HEAD "ce-id: 1\r\nce-id: 2\r\n\r\n", "1", NULL, NULL, TD_FLOW_EVENT},
	{HEAD "CE-ID: 1\r\nxce-id: 2\r\nce-identity: 3\r\n\r\n", NULL, NULL, NULL, TD_FLOW_EVENT},
	{HEAD "td-kind: command\r\nce-id: 1\r\n\r\n", "1", NULL, NULL, TD_FLOW_COMMAND},
	{HEAD "td-kind: query\r\n\r\n", NULL, NULL, NULL, TD_FLOW_QUERY},
	{HEAD "td-kind: reply\r\n\r\n", NULL, NULL, NULL, TD_FLOW_REPLY},
	{HEAD "td-kind: else\r\n\r\n", NULL, NULL, NULL, TD_FLOW_EVENT},
	{HEAD "traceparent: " TRACE "\r\n\r\n", NULL, NULL, "b7ad6b7169203331", TD_FLOW_EVENT},
	{HEAD "Traceparent: " TRACE "\r\n\r\n", NULL, NULL, "b7ad6b7169203331", TD_FLOW_EVENT},
	{HEAD "ce-traceparent: " TRACE "\r\ntraceparent: none\r\n\r\n", NULL, NULL,
		"b7ad6b7169203331", TD_FLOW_EVENT},
	{HEAD "traceparent: none\r\nce-traceparent: " TRACE "\r\n\r\n", NULL, NULL,
		"b7ad6b7169203331", TD_FLOW_EVENT},
	{HEAD "traceparent: 00-0-0-01\r\n\r\n", NULL, NULL, NULL, TD_FLOW_EVENT},
	{"ce-id: 1\nce-causationid: 2", "1", "2", NULL, TD_FLOW_EVENT}, /* torn and bare */
	{"ce-id:", "", NULL, NULL, TD_FLOW_EVENT},
	{"ce-id", NULL, NULL, NULL, TD_FLOW_EVENT},
};

static void headers_say_who_and_why(void **state)
{
	struct td_buf buf = TD_BUF_INIT(4096);
	struct td_flow_facts facts;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		td_flow_facts_read(&facts, td_text(cases[i].headers), td_text(NULL), &buf);
		if (!td_text_equal(facts.id, td_text(cases[i].id)) ||
			!td_text_equal(facts.causation, td_text(cases[i].causation)) ||
			!td_text_equal(facts.trace.span, td_text(cases[i].span)) ||
			facts.kind != cases[i].kind)
			fail_msg("case %zu: id %.*s, cause %.*s, span %.*s, kind %d", i,
				TD_TEXT_ARG(facts.id), TD_TEXT_ARG(facts.causation),
				TD_TEXT_ARG(facts.trace.span), (int)facts.kind);
	}
	td_buf_fini(&buf);
}

static void the_server_says_what_the_client_did_not(void **state)
{
	const struct td_text own = td_text(HEAD "ce-causationid: own\r\n\r\n");
	struct td_buf buf = TD_BUF_INIT(4096), server = TD_BUF_INIT(4096);
	struct td_flow_facts facts;

	(void)state;
	td_server_add(&server, TD_SERVER_CORRELATION, td_text("story"));
	td_server_add(&server, TD_SERVER_CAUSATION, td_text("cause"));
	td_flow_facts_read(&facts, td_text(HEAD "\r\n"), td_buf_view(&server), &buf);
	assert_true(td_text_is(facts.causation, "cause"));
	td_flow_facts_read(&facts, own, td_buf_view(&server), &buf);
	assert_true(td_text_is(facts.causation, "own"));
	td_buf_fini(&server);
	td_buf_fini(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_say_who_and_why),
		cmocka_unit_test(the_server_says_what_the_client_did_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
