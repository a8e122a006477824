#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "net_conformance.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static int64_t net_place_now(void)
{
	return td_clock_monotonic(&td_clock_real);
}

static void net_place_open(struct net_place *place)
{
	assert_int_equal(td_loop_new(&place->loop, NULL), 0);
	assert_int_equal(td_net_real_open(&place->net, place->loop, NULL), 0);
}

static void net_place_close(struct net_place *place)
{
	td_net_real_close(&place->net);
	td_loop_free(place->loop);
}

static void net_place_starve(struct net_place *place, bool on)
{
	static struct rlimit before;
	struct rlimit less;
	int lowest;

	(void)place;
	if (!on) {
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
		return;
	}
	lowest = dup(0);
	assert_true(lowest >= 0);
	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	less = before;
	less.rlim_cur = (rlim_t)lowest;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &less), 0);
}

/* --- the real one alone ------------------------------------------------------------------- */

static void the_timer_of_the_loop_ends_a_wait(void **state)
{
	struct td_net_event events[4];
	struct net_place place;
	int64_t at;

	(void)state;
	place_begin(&place);
	at = net_place_now() + 20 * MS;
	td_loop_timer(place.loop, at);
	assert_int_equal(td_net_wait(&place.net, INT64_MAX, events, 4), 0);
	assert_true(net_place_now() >= at);
	place_end(&place);
}

struct waker {
	const struct td_net *net;
	_Atomic int rounds;
};

static void wake_often(void *arg)
{
	struct waker *waker = arg;

	for (int i = 0; i < 2000; i++) {
		atomic_fetch_add(&waker->rounds, 1);
		td_net_wake(waker->net);
	}
}

static void no_wake_of_another_thread_is_lost(void **state)
{
	struct td_net_event events[4];
	struct td_thread thread;
	struct waker waker;
	struct net_place place;

	(void)state;
	place_begin(&place);
	waker.net = &place.net;
	atomic_init(&waker.rounds, 0);
	assert_int_equal(td_thread_start(&thread, "waker", wake_often, &waker, NULL), 0);
	while (atomic_load(&waker.rounds) < 2000) {
		int64_t deadline = net_place_now() + 60000 * MS;

		td_net_wait(&place.net, deadline, events, 4);
		assert_true(net_place_now() < deadline);
	}
	td_thread_join(&thread);
	place_end(&place);
}

static void a_socket_that_listens_already_can_be_adopted(void **state)
{
	struct td_net_address address;
	struct net_place place;
	int given, adopted = -1, pair[2];

	(void)state;
	place_begin(&place);
	given = dup(place.listener);
	assert_int_equal(fcntl(given, F_SETFL, 0), 0);
	assert_int_equal(td_net_real_adopt(&place.net, given, &adopted), 0);
	assert_true(fcntl(adopted, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(adopted, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(td_net_name(&place.net, adopted, &address), 0);
	td_net_close(&place.net, adopted);
	place_connect(&place);
	assert_int_equal(td_net_real_adopt(&place.net, place.here, &adopted), EINVAL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(td_net_real_adopt(&place.net, pair[0], &adopted), EINVAL);
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(td_net_real_adopt(&place.net,
				 place.loop ? td_loop_descriptor(place.loop) : 0, &adopted),
		EINVAL);
	place_end(&place);
}

static void addresses_are_read_and_written(void **state)
{
	static const struct {
		const char *text, *is; /* NULL: none */
		bool loopback;
	} cases[] = {
		{"127.0.0.1:4222", "127.0.0.1:4222", true},
		{"127.9.9.9:0", "127.9.9.9:0", true},
		{"localhost:8222", "127.0.0.1:8222", true},
		{"*:4222", "0.0.0.0:4222", false},
		{"0.0.0.0:65535", "0.0.0.0:65535", false},
		{"10.0.0.1:00080", "10.0.0.1:80", false},
		{"[::1]:4222", "[::1]:4222", true},
		{"[::]:4222", "[::]:4222", false},
		{"[::ffff:127.0.0.1]:1", "[::ffff:127.0.0.1]:1", true},
		{"[::ffff:10.0.0.1]:1", "[::ffff:10.0.0.1]:1", false},
		{"[2001:db8::1]:1", "[2001:db8::1]:1", false},
		{"", NULL, false},
		{":4222", NULL, false},
		{"127.0.0.1", NULL, false},
		{"127.0.0.1:", NULL, false},
		{"127.0.0.1:x", NULL, false},
		{"127.0.0.1:65536", NULL, false},
		{"127.0.0.1:000001", NULL, false},
		{"127.0.0.1:-1", NULL, false},
		{"127.1:80", NULL, false},
		{"127.0.0.01:80", NULL, false},
		{"::1:80", NULL, false},
		{"[127.0.0.1]:80", NULL, false},
		{"[]:80", NULL, false},
		{"[::1:80", NULL, false},
		{"example.com:80", NULL, false},
		{"[00000:00000:00000:00000:00000:00000:00000:00001:00001:00001]:80", NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct td_net_address address = {.port = 7};
		struct td_error err = TD_ERROR_INIT;
		char text[TD_NET_ADDRESS_BYTES];
		int code = td_net_address_parse(td_text(cases[i].text), &address, &err);

		assert_int_equal(code, cases[i].is != NULL ? 0 : TD_E_INVALID);
		if (code != 0) {
			assert_true(err.code == TD_E_INVALID && address.port == 7);
			continue;
		}
		assert_string_equal(td_net_address_format(&address, text), cases[i].is);
		assert_int_equal(td_net_address_is_loopback(&address), cases[i].loopback);
	}
}

static void the_longest_address_fits(void **state)
{
	struct td_net_address address = {.family = 6, .port = 65535, .scope = UINT32_MAX};
	char text[TD_NET_ADDRESS_BYTES];

	(void)state;
	memset(address.bytes, 0xFE, sizeof(address.bytes));
	assert_string_equal(td_net_address_format(&address, text),
		"[fefe:fefe:fefe:fefe:fefe:fefe:fefe:fefe%4294967295]:65535");
	address.family = 0;
	assert_string_equal(td_net_address_format(&address, text), "?:65535");
	assert_false(td_net_address_is_loopback(&address));
}

static int open_and_close(void *arg)
{
	struct td_loop *loop = arg;
	struct td_net net;
	int code = td_net_real_open(&net, loop, NULL);

	if (code == 0)
		td_net_real_close(&net);
	return code;
}

static void without_memory_there_is_no_net(void **state)
{
	struct td_loop *loop = NULL;

	(void)state;
	assert_int_equal(td_loop_new(&loop, NULL), 0);
	alloc_torture(open_and_close, loop);
	td_loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NET_CONFORMANCE_TESTS,
		cmocka_unit_test(the_timer_of_the_loop_ends_a_wait),
		cmocka_unit_test(no_wake_of_another_thread_is_lost),
		cmocka_unit_test(a_socket_that_listens_already_can_be_adopted),
		cmocka_unit_test(addresses_are_read_and_written),
		cmocka_unit_test(the_longest_address_fits),
		cmocka_unit_test(without_memory_there_is_no_net),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
