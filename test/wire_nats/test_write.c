#include "nats_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"

static void assert_written(struct td_buf *buf, const char *is)
{
	assert_int_equal(buf->code, 0);
	assert_string_equal(buf->at, is);
	td_buf_reset(buf);
}

static void info_is_one_line_of_json(void **state)
{
	struct td_nats_info info = {
		.server_id = TD_TEXT_INIT("ID"),
		.server_name = TD_TEXT_INIT("a\"b"),
		.version = TD_TEXT_INIT("2.9.10"),
		.go = TD_TEXT_INIT("none"),
		.host = TD_TEXT_INIT("127.0.0.1"),
		.port = 4222,
		.client_ip = TD_TEXT_INIT("127.0.0.2"),
		.client_id = 7,
		.max_payload = 1048576,
		.headers = true,
	};
	struct td_buf buf = TD_BUF_INIT(4096);

	(void)state;
	td_nats_write_info(&buf, &info);
	assert_written(&buf,
		"INFO {\"server_id\":\"ID\",\"server_name\":\"a\\\"b\",\"version\":\"2.9.10\","
		"\"proto\":1,\"go\":\"none\",\"host\":\"127.0.0.1\",\"port\":4222,\"headers\":true,"
		"\"max_payload\":1048576,\"client_id\":7,\"client_ip\":\"127.0.0.2\"}\r\n");
	info = (struct td_nats_info){
		.auth_required = true,
		.tls_required = true,
		.tls_verify = true,
		.tls_available = true,
		.jetstream = true,
		.ldm = true,
		.nonce = TD_TEXT_INIT("n"),
		.domain = TD_TEXT_INIT("d"),
	};
	td_nats_write_info(&buf, &info);
	assert_written(&buf,
		"INFO {\"proto\":1,\"headers\":false,\"auth_required\":true,\"tls_required\":true,"
		"\"tls_verify\":true,\"tls_available\":true,\"max_payload\":0,\"jetstream\":true,"
		"\"ldm\":true,\"nonce\":\"n\",\"domain\":\"d\"}\r\n");
	td_buf_fini(&buf);
}

static void answers_are_the_protocols_own_words(void **state)
{
	struct td_buf buf = TD_BUF_INIT(4096);

	(void)state;
	td_nats_write_ok(&buf);
	td_nats_write_ping(&buf);
	td_nats_write_pong(&buf);
	td_nats_write_error(&buf, TD_NATS_E_STALE);
	td_nats_write_error(&buf, TD_NATS_E_ARGUMENTS);
	assert_written(&buf, "+OK\r\nPING\r\nPONG\r\n-ERR 'Stale Connection'\r\n");
	td_nats_write_forbidden(&buf, TD_NATS_FORBIDDEN_PUBLISH, td_text("a.b"), td_text(NULL));
	assert_written(&buf, "-ERR 'Permissions Violation for Publish to \"a.b\"'\r\n");
	td_nats_write_forbidden(&buf, TD_NATS_FORBIDDEN_SUBSCRIBE, td_text("a.*"), td_text(NULL));
	assert_written(&buf, "-ERR 'Permissions Violation for Subscription to \"a.*\"'\r\n");
	td_nats_write_forbidden(&buf, TD_NATS_FORBIDDEN_SUBSCRIBE, td_text("a"), td_text("q"));
	assert_written(&buf,
		"-ERR 'Permissions Violation for Subscription to \"a\" using queue \"q\"'\r\n");
	td_nats_write_forbidden(&buf, TD_NATS_FORBIDDEN_REPLY, td_text("_R_.x"), td_text(NULL));
	assert_written(
		&buf, "-ERR 'Permissions Violation for Publish with Reply of \"_R_.x\"'\r\n");
	td_buf_fini(&buf);
}

static void messages_are_written_with_and_without_reply_and_headers(void **state)
{
	struct td_nats_message message = {
		.subject = TD_TEXT_INIT("a.b"),
		.sid = TD_TEXT_INIT("7"),
		.payload = TD_TEXT_INIT("hello"),
	};
	struct td_buf buf = TD_BUF_INIT(4096);

	(void)state;
	td_nats_write_message(&buf, &message);
	assert_written(&buf, "MSG a.b 7 5\r\nhello\r\n");
	message.reply = td_text("r");
	td_nats_write_message(&buf, &message);
	assert_written(&buf, "MSG a.b 7 r 5\r\nhello\r\n");
	message.headers = td_text("NATS/1.0\r\n\r\n");
	td_nats_write_message(&buf, &message);
	assert_written(&buf, "HMSG a.b 7 r 12 17\r\nNATS/1.0\r\n\r\nhello\r\n");
	td_nats_write_message_line(&buf, &message);
	assert_written(&buf, "HMSG a.b 7 r 12 17\r\n");
	message.payload = td_text(NULL);
	message.reply = td_text(NULL);
	td_nats_write_message(&buf, &message);
	assert_written(&buf, "HMSG a.b 7 12 12\r\nNATS/1.0\r\n\r\n\r\n");
	td_nats_write_status(&buf, td_text("_INBOX.1"), td_text("3"), 503, td_text(NULL));
	assert_written(&buf, "HMSG _INBOX.1 3 16 16\r\nNATS/1.0 503\r\n\r\n\r\n");
	td_nats_write_status(&buf, td_text("r"), td_text("3"), 404, td_text("No Messages"));
	assert_written(&buf, "HMSG r 3 28 28\r\nNATS/1.0 404 No Messages\r\n\r\n\r\n");
	td_buf_fini(&buf);
}

/* The payload of the one MSG in the buffer: its size is what the line says. */
static struct td_text payload_of(const struct td_buf *buf)
{
	const char *line = strstr(buf->at, "\r\n");
	const char *size = line;
	struct td_text payload;

	assert_non_null(line);
	while (size[-1] != ' ')
		size--;
	payload = td_text_of(line + 2, buf->len - (size_t)(line + 2 - buf->at) - 2);
	assert_int_equal(strtoul(size, NULL, 10), payload.len);
	assert_memory_equal(payload.at + payload.len, "\r\n", 2);
	return payload;
}

static void what_was_stored_is_told_to_the_reply_subject(void **state)
{
	static const uint64_t seqs[] = {0, 1, 9, 10, 99, 100, 999, 1000, 9999, 10000, 99999, 100000,
		9999999999, 10000000000, UINT64_MAX};
	struct td_nats_stored stored = {
		.reply = TD_TEXT_INIT("_INBOX.7.1"),
		.sid = TD_TEXT_INIT("2"),
		.stream = TD_TEXT_INIT("ORDERS"),
	};
	struct td_buf buf = TD_BUF_INIT(4096);
	char wanted[128];

	(void)state;
	for (size_t i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++) {
		stored.seq = seqs[i];
		td_nats_write_stored(&buf, &stored);
		snprintf(wanted, sizeof(wanted), "{\"stream\":\"ORDERS\",\"seq\":%llu}",
			(unsigned long long)seqs[i]);
		assert_true(td_text_is(payload_of(&buf), wanted));
		assert_memory_equal(buf.at, "MSG _INBOX.7.1 2 ", 17);
		td_buf_reset(&buf);
	}
	stored.seq = 5;
	stored.duplicate = true;
	stored.domain = td_text("hub");
	td_nats_write_stored(&buf, &stored);
	assert_true(td_text_is(payload_of(&buf),
		"{\"stream\":\"ORDERS\",\"seq\":5,\"domain\":\"hub\",\"duplicate\":true}"));
	td_buf_fini(&buf);
}

static void names_that_need_it_are_escaped(void **state)
{
	struct td_nats_stored stored = {
		.reply = TD_TEXT_INIT("r"),
		.sid = TD_TEXT_INIT("2"),
		.stream = TD_TEXT_INIT("a\"b\x01\xC3\xB6"),
		.seq = 3,
	};
	struct td_buf buf = TD_BUF_INIT(4096);

	(void)state;
	td_nats_write_stored(&buf, &stored);
	assert_true(
		td_text_is(payload_of(&buf), "{\"stream\":\"a\\\"b\\u0001\xC3\xB6\",\"seq\":3}"));
	td_buf_reset(&buf);
	stored.domain = td_text("\\");
	td_nats_write_stored(&buf, &stored);
	assert_true(td_text_is(payload_of(&buf),
		"{\"stream\":\"a\\\"b\\u0001\xC3\xB6\",\"seq\":3,\"domain\":\"\\\\\"}"));
	td_buf_fini(&buf);
}

static int write_everything(void *arg)
{
	const struct td_nats_info info = {.server_id = TD_TEXT_INIT("x")};
	const struct td_nats_message message = {
		.subject = TD_TEXT_INIT("a"), .sid = TD_TEXT_INIT("1")};
	const struct td_nats_stored stored = {
		.reply = TD_TEXT_INIT("r"), .sid = TD_TEXT_INIT("1"), .stream = TD_TEXT_INIT("\"")};
	struct td_buf buf = TD_BUF_INIT(4096);
	int code;

	(void)arg;
	td_nats_write_info(&buf, &info);
	td_nats_write_forbidden(&buf, TD_NATS_FORBIDDEN_PUBLISH, td_text("a"), td_text("b"));
	td_nats_write_message(&buf, &message);
	td_nats_write_status(&buf, td_text("a"), td_text("1"), 503, td_text(NULL));
	td_nats_write_stored(&buf, &stored);
	code = td_buf_check(&buf, NULL);
	td_buf_fini(&buf);
	return code;
}

static void without_memory_the_buffer_says_so(void **state)
{
	(void)state;
	alloc_torture(write_everything, NULL);
}

static void what_does_not_fit_leaves_no_half(void **state)
{
	const struct td_nats_info info = {.server_id = TD_TEXT_INIT("x")};
	const struct td_nats_message message = {.subject = TD_TEXT_INIT("abc"),
		.sid = TD_TEXT_INIT("1"),
		.payload = TD_TEXT_INIT("0123456789")};

	(void)state;
	for (size_t max = 5; max < 60; max++) {
		struct td_buf buf = TD_BUF_INIT(max);
		size_t before;

		td_nats_write_ok(&buf);
		before = buf.len;
		td_nats_write_info(&buf, &info);
		assert_true(buf.len == before || memcmp(buf.at + buf.len - 2, "\r\n", 2) == 0);
		td_buf_reset(&buf);
		td_nats_write_message(&buf, &message);
		assert_true(buf.len == 0 || buf.len == 26);
		td_buf_reset(&buf);
		td_nats_write_forbidden(
			&buf, TD_NATS_FORBIDDEN_PUBLISH, td_text("a"), td_text("q"));
		assert_true(buf.len == 0 || memcmp(buf.at + buf.len - 2, "\r\n", 2) == 0);
		td_buf_fini(&buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(info_is_one_line_of_json),
		cmocka_unit_test(answers_are_the_protocols_own_words),
		cmocka_unit_test(messages_are_written_with_and_without_reply_and_headers),
		cmocka_unit_test(what_was_stored_is_told_to_the_reply_subject),
		cmocka_unit_test(names_that_need_it_are_escaped),
		cmocka_unit_test(without_memory_the_buffer_says_so),
		cmocka_unit_test(what_does_not_fit_leaves_no_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
