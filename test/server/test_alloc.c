#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "alloc.h"
#include "world.h"

/*
 * Memory fails once, or from a moment on: the server answers, or closes the connection, and holds its
 * invariants; nothing is left behind.
 */

static int play_text(void *arg)
{
	const char *text = arg;
	struct world world;
	int code;

	world_init(&world, text);
	code = play(&world, NULL, 0, strlen(text));
	td_buf_fini(&world.out);
	return code;
}

#define FIELDS "Host: localhost\r\nContent-Type: application/json\r\n"

static void a_publish_and_a_read_do_without_memory(void **state)
{
	static char text[] =
		"POST /v1/events HTTP/1.1\r\n" FIELDS "Content-Length: 38\r\n\r\n"
		"{\"type\":\"A\",\"subject\":\"a.1\",\"data\":[1]}"
		"GET /v1/events?subject=a.*&filter=type%20%3D%20%27A%27&select=/0 HTTP/1.1\r\n"
		"Host: localhost\r\n\r\n"
		"GET /v1/subjects/a.1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
		"GET /v1/subjects HTTP/1.1\r\nHost: localhost\r\n\r\n";

	(void)state;
	alloc_torture(play_text, text);
}

static void a_batch_and_a_conflict_do_without_memory(void **state)
{
	static char text[] =
		"POST /v1/events HTTP/1.1\r\n" FIELDS "Transfer-Encoding: chunked\r\n\r\n"
		"19\r\n[{\"type\":\"A\"},{\"type\":\"B\"}\r\n1\r\n]\r\n0\r\n\r\n"
		"POST /v1/subjects/a/events HTTP/1.1\r\n" FIELDS
		"If-Match: \"7\"\r\nContent-Length: 12\r\n\r\n{\"type\":\"A\"}";

	(void)state;
	alloc_torture(play_text, text);
}

static void a_follower_does_without_memory(void **state)
{
	static char text[] = "POST /v1/events HTTP/1.1\r\n" FIELDS "Content-Length: 12\r\n\r\n"
			     "{\"type\":\"A\"}"
			     "GET /v1/events/follow?from=1 HTTP/1.1\r\nHost: localhost\r\n\r\n";

	(void)state;
	alloc_torture(play_text, text);
}

static void a_log_does_without_memory(void **state)
{
	static char text[] = "POST /v1/logs HTTP/1.1\r\n" FIELDS "Content-Length: 37\r\n\r\n"
			     "{\"name\":\"orders\",\"subjects\":[\"o.>\"]}  "
			     "GET /v1/logs HTTP/1.1\r\nHost: localhost\r\n\r\n"
			     "GET /v1/events?from=1&wait=1s HTTP/1.1\r\nHost: localhost\r\n\r\n";

	(void)state;
	alloc_torture(play_text, text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_publish_and_a_read_do_without_memory),
		cmocka_unit_test(a_batch_and_a_conflict_do_without_memory),
		cmocka_unit_test(a_follower_does_without_memory),
		cmocka_unit_test(a_log_does_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
