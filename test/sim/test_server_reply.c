#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "server/reply.h"

static const struct {
	const char *text, *body, *next;
	int status;
	bool closes;
} answers[] = {
	{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", "", 200, false},
	{"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", "", "", 204, true},
	{"HTTP/1.1 404 Not Found\r\ncontent-length:0\r\n\r\n", "", "", 404, false},
	{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok", "ok",
		"", 201, false},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
		"hello", "", 200, false},
	{"HTTP/1.1 200 OK\r\nLink: </v1/events?from=3>; rel=\"next\"\r\nContent-Length: "
	 "2\r\n\r\n[]",
		"[]", "/v1/events?from=3", 200, false},
	{"HTTP/1.1 200 OK\r\nLink: </v1>; rel=\"prev\"\r\nContent-Length: 2\r\n\r\n[]", "[]", "",
		200, false},
};

#define ANSWERS (sizeof(answers) / sizeof(answers[0]))

static void assert_text(const struct td_buf *buf, const char *text)
{
	assert_int_equal(buf->len, strlen(text));
	if (buf->len > 0)
		assert_memory_equal(buf->at, text, buf->len);
}

static void answers_are_read_wherever_they_are_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < ANSWERS; i++) {
		size_t len = strlen(answers[i].text);

		for (size_t cut = 0; cut <= len; cut++) {
			struct reply reply = REPLY_INIT;

			assert_int_equal(reply_take(&reply, answers[i].text, cut), cut);
			assert_true(reply_is_done(&reply) == (cut == len));
			assert_int_equal(
				reply_take(&reply, answers[i].text + cut, len - cut), len - cut);
			assert_true(reply_is_done(&reply));
			assert_null(reply.wrong);
			assert_int_equal(reply.status, answers[i].status);
			assert_true(reply.closes == answers[i].closes);
			assert_text(&reply.body, answers[i].body);
			assert_text(&reply.next, answers[i].next);
			reply_fini(&reply);
		}
	}
}

static void what_is_behind_an_answer_is_the_next_one(void **state)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
				   "HTTP/1.1 500 No\r\nContent-Length: 1\r\n\r\nb";
	struct reply reply = REPLY_INIT;
	size_t taken;

	(void)state;
	taken = reply_take(&reply, text, strlen(text));
	assert_int_equal(taken, strlen(text) / 2);
	assert_int_equal(reply.status, 200);
	assert_text(&reply.body, "a");
	reply_reset(&reply);
	assert_int_equal(reply_take(&reply, text + taken, taken), taken);
	assert_int_equal(reply.status, 500);
	assert_text(&reply.body, "b");
	reply_fini(&reply);
}

static void what_is_no_answer_is_wrong(void **state)
{
	static const char *const wrong[] = {"HTTP/2 200 OK\r\n\r\n", "hello\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct reply reply = REPLY_INIT;

		reply_take(&reply, wrong[i], strlen(wrong[i]));
		assert_non_null(reply.wrong);
		reply_fini(&reply);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_read_wherever_they_are_cut),
		cmocka_unit_test(what_is_behind_an_answer_is_the_next_one),
		cmocka_unit_test(what_is_no_answer_is_wrong),
	};

	return cmocka_run_group_tests_name("answers in a world of servers", tests, NULL, NULL);
}
