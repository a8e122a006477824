/*
 * Connections that a thread waits for: on a port of 127.0.0.1 that the system picks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>

#include "sys/sys.h"

#define MS      1000000
#define IN_TIME (now() + 60000 * (int64_t)MS)

static int64_t now(void)
{
	return td_clock_monotonic(&td_clock_real);
}

struct ends {
	int listener, here, there;
};

static void connect_ends(struct ends *ends)
{
	struct td_net_address any = {.family = 4, .bytes = {127, 0, 0, 1}}, at, peer;

	assert_int_equal(td_net_listen(&td_net_plain, &any, &ends->listener), 0);
	assert_int_equal(td_net_name(&td_net_plain, ends->listener, &at), 0);
	assert_int_equal(td_net_connect(&td_net_plain, &at, &ends->here), 0);
	assert_true(td_dial_wait(ends->here, TD_NET_WRITE, IN_TIME) & TD_NET_WRITE);
	assert_int_equal(td_net_connected(&td_net_plain, ends->here), 0);
	assert_int_equal(td_dial_wait(ends->listener, TD_NET_READ, IN_TIME), TD_NET_READ);
	assert_int_equal(td_net_accept(&td_net_plain, ends->listener, &ends->there, &peer), 0);
}

static void close_ends(struct ends *ends)
{
	td_net_close(&td_net_plain, ends->here);
	td_net_close(&td_net_plain, ends->there);
	td_net_close(&td_net_plain, ends->listener);
}

static void a_thread_waits_for_one_connection(void **state)
{
	struct ends ends;
	char bytes[8];
	size_t n;

	(void)state;
	connect_ends(&ends);
	assert_int_equal(td_net_read(&td_net_plain, ends.here, bytes, sizeof(bytes), &n), EAGAIN);
	assert_int_equal(td_dial_wait(ends.here, TD_NET_READ, 0), 0);
	assert_int_equal(td_dial_wait(ends.here, TD_NET_READ, now() + 5 * MS), 0);
	assert_int_equal(td_dial_wait(ends.here, TD_NET_READ | TD_NET_WRITE, 0), TD_NET_WRITE);
	assert_int_equal(td_net_write(&td_net_plain, ends.there, "abc", 3, &n), 0);
	assert_int_equal(td_dial_wait(ends.here, TD_NET_READ, IN_TIME), TD_NET_READ);
	assert_int_equal(td_net_read(&td_net_plain, ends.here, bytes, sizeof(bytes), &n), 0);
	assert_int_equal(n, 3);
	td_net_close(&td_net_plain, ends.there);
	ends.there = -1;
	assert_true(td_dial_wait(ends.here, TD_NET_READ, INT64_MAX) & TD_NET_READ);
	assert_int_equal(td_net_read(&td_net_plain, ends.here, bytes, sizeof(bytes), &n), 0);
	assert_int_equal(n, 0);
	close_ends(&ends);
}

static void who_is_refused_hears_it(void **state)
{
	struct ends ends;
	struct td_net_address at;
	int connection = -1, code;

	(void)state;
	connect_ends(&ends);
	assert_int_equal(td_net_name(&td_net_plain, ends.listener, &at), 0);
	close_ends(&ends);
	code = td_net_connect(&td_net_plain, &at, &connection);
	if (code == 0) {
		assert_true(td_dial_wait(connection, TD_NET_WRITE, IN_TIME) != 0);
		code = td_net_connected(&td_net_plain, connection);
		td_net_close(&td_net_plain, connection);
	}
	assert_int_equal(code, ECONNREFUSED);
}

static void a_loop_is_readable_while_a_watched_connection_is(void **state)
{
	struct td_loop *loop = NULL;
	struct ends ends;
	char bytes[8];
	size_t n;

	(void)state;
	connect_ends(&ends);
	assert_int_equal(td_loop_new(&loop, NULL), 0);
	assert_int_equal(td_loop_watch(loop, ends.here, TD_NET_READ), 0);
	assert_int_equal(td_dial_wait(td_loop_descriptor(loop), TD_NET_READ, 0), 0);
	assert_int_equal(td_net_write(&td_net_plain, ends.there, "abc", 3, &n), 0);
	assert_int_equal(td_dial_wait(td_loop_descriptor(loop), TD_NET_READ, IN_TIME), TD_NET_READ);
	td_loop_wait(loop, 0); /* does not take it away */
	assert_int_equal(td_dial_wait(td_loop_descriptor(loop), TD_NET_READ, 0), TD_NET_READ);
	assert_int_equal(td_net_read(&td_net_plain, ends.here, bytes, sizeof(bytes), &n), 0);
	assert_int_equal(td_dial_wait(td_loop_descriptor(loop), TD_NET_READ, 0), 0);
	assert_int_equal(td_loop_watch(loop, ends.here, TD_NET_READ | TD_NET_WRITE), 0);
	assert_int_equal(td_dial_wait(td_loop_descriptor(loop), TD_NET_READ, 0), TD_NET_READ);
	assert_int_equal(td_loop_watch(loop, ends.here, 0), 0);
	assert_int_equal(td_loop_watch(loop, ends.here, 0), 0);
	assert_int_equal(td_dial_wait(td_loop_descriptor(loop), TD_NET_READ, 0), 0);
	td_loop_wake(loop);
	assert_int_equal(td_dial_wait(td_loop_descriptor(loop), TD_NET_READ, 0), TD_NET_READ);
	td_loop_wait(loop, 0);
	assert_int_equal(td_dial_wait(td_loop_descriptor(loop), TD_NET_READ, 0), 0);
	td_loop_free(loop);
	close_ends(&ends);
}

static void addresses_are_found_without_asking_anybody(void **state)
{
	struct td_net_address found[4];
	char text[TD_NET_ADDRESS_BYTES];
	struct td_error err = TD_ERROR_INIT;
	size_t count = 0;

	(void)state;
	assert_int_equal(td_dial_lookup("127.0.0.1", 8222, found, 4, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_string_equal(td_net_address_format(&found[0], text), "127.0.0.1:8222");
	assert_int_equal(td_dial_lookup("::1", 80, found, 4, &count, &err), 0);
	assert_string_equal(td_net_address_format(&found[0], text), "[::1]:80");
	assert_int_equal(td_dial_lookup("localhost", 80, found, 1, &count, &err), 0);
	assert_true(td_net_address_is_loopback(&found[0]));
	assert_int_equal(td_dial_lookup("", 80, found, 4, &count, &err), TD_E_NOT_FOUND);
	assert_int_equal(err.code, TD_E_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_waits_for_one_connection),
		cmocka_unit_test(who_is_refused_hears_it),
		cmocka_unit_test(a_loop_is_readable_while_a_watched_connection_is),
		cmocka_unit_test(addresses_are_found_without_asking_anybody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
