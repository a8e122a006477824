/*
 * The real net, on ports of 127.0.0.1 that the system picks; and addresses. What a simulated one
 * must hold as well is asked through the table alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "sys/sys.h"

#define MS          1000000
#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

struct world {
	struct td_loop *loop;
	struct td_net net;
	int listener, here, there; /* two ends of a connection; -1: none */
};

enum { LISTENER = 100, HERE, THERE };

static int64_t now(void)
{
	return td_clock_monotonic(&td_clock_real);
}

static struct td_net_address loopback(uint16_t port)
{
	return (struct td_net_address){.family = 4, .bytes = {127, 0, 0, 1}, .port = port};
}

/* Wait for this, up to ten seconds; what else comes meanwhile is passed over. */
static void await_ready(struct world *world, uint64_t tag, unsigned ready)
{
	int64_t deadline = now() + 10000 * (int64_t)MS;

	while (now() < deadline) {
		struct td_net_event events[8];
		size_t count = td_net_wait(&world->net, deadline, events, 8);

		for (size_t i = 0; i < count; i++) {
			if (events[i].tag == tag && (events[i].ready & ready) == ready)
				return;
		}
	}
	fail_msg("%llu was not ready for %u", (unsigned long long)tag, ready);
}

/* What a look without waiting says of a tag. */
static unsigned ready_now(struct world *world, uint64_t tag)
{
	struct td_net_event events[8];
	size_t count = td_net_wait(&world->net, 0, events, 8);

	for (size_t i = 0; i < count; i++) {
		if (events[i].tag == tag)
			return events[i].ready;
	}
	return 0;
}

static void world_open(struct world *world)
{
	struct td_net_address any = loopback(0);

	*world = (struct world){.listener = -1, .here = -1, .there = -1};
	assert_int_equal(td_loop_new(&world->loop, NULL), 0);
	assert_int_equal(td_net_real_open(&world->net, world->loop, NULL), 0);
	assert_int_equal(td_net_listen(&world->net, &any, &world->listener), 0);
	assert_int_equal(td_net_watch(&world->net, world->listener, LISTENER, TD_NET_READ), 0);
}

static void world_close(struct world *world)
{
	td_net_close(&world->net, world->here);
	td_net_close(&world->net, world->there);
	td_net_close(&world->net, world->listener);
	td_net_real_close(&world->net);
	td_loop_free(world->loop);
}

/* Both ends watched for reading. */
static void world_connect(struct world *world)
{
	struct td_net_address address, peer, name;

	assert_int_equal(td_net_name(&world->net, world->listener, &address), 0);
	assert_int_equal(td_net_connect(&world->net, &address, &world->here), 0);
	assert_int_equal(td_net_watch(&world->net, world->here, HERE, TD_NET_WRITE), 0);
	await_ready(world, HERE, TD_NET_WRITE);
	assert_int_equal(td_net_connected(&world->net, world->here), 0);
	await_ready(world, LISTENER, TD_NET_READ);
	assert_int_equal(td_net_accept(&world->net, world->listener, &world->there, &peer), 0);
	assert_int_equal(td_net_name(&world->net, world->here, &name), 0);
	assert_int_equal(peer.port, name.port);
	assert_memory_equal(peer.bytes, name.bytes, sizeof(peer.bytes));
	assert_int_equal(td_net_watch(&world->net, world->here, HERE, TD_NET_READ), 0);
	assert_int_equal(td_net_watch(&world->net, world->there, THERE, TD_NET_READ), 0);
}

static void port_0_is_a_port_that_was_free(void **state)
{
	struct td_net_address address;
	struct world world;
	int other = -1;

	(void)state;
	world_open(&world);
	assert_int_equal(td_net_name(&world.net, world.listener, &address), 0);
	assert_int_equal(address.family, 4);
	assert_true(address.port > 0);
	assert_true(td_net_address_is_loopback(&address));
	assert_int_equal(td_net_listen(&world.net, &address, &other), EADDRINUSE);
	assert_int_equal(other, -1);
	world_close(&world);
}

static void two_ends_talk(void **state)
{
	const struct td_net_part parts[] = {{"hel", 3}, {"", 0}, {"lo", 2}};
	struct world world;
	char bytes[16];
	size_t n;

	(void)state;
	world_open(&world);
	world_connect(&world);
	assert_int_equal(td_net_read(&world.net, world.there, bytes, sizeof(bytes), &n), EAGAIN);
	assert_int_equal(ready_now(&world, THERE), 0);
	assert_int_equal(td_net_write_parts(&world.net, world.here, parts, 3, &n), 0);
	assert_int_equal(n, 5);
	await_ready(&world, THERE, TD_NET_READ);
	assert_int_equal(td_net_read(&world.net, world.there, bytes, 2, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(ready_now(&world, THERE), TD_NET_READ); /* a level: there is more */
	assert_int_equal(td_net_read(&world.net, world.there, bytes + 2, 14, &n), 0);
	assert_int_equal(n, 3);
	assert_memory_equal(bytes, "hello", 5);
	assert_int_equal(ready_now(&world, THERE), 0);
	assert_int_equal(td_net_write(&world.net, world.there, "hi", 2, &n), 0);
	await_ready(&world, HERE, TD_NET_READ);
	world_close(&world);
}

static void who_finishes_can_still_be_answered(void **state)
{
	struct world world;
	char bytes[16];
	size_t n;

	(void)state;
	world_open(&world);
	world_connect(&world);
	assert_int_equal(td_net_write(&world.net, world.here, "ask", 3, &n), 0);
	assert_int_equal(td_net_finish(&world.net, world.here), 0);
	assert_int_equal(td_net_write(&world.net, world.here, "x", 1, &n), EPIPE);
	await_ready(&world, THERE, TD_NET_READ);
	assert_int_equal(td_net_read(&world.net, world.there, bytes, sizeof(bytes), &n), 0);
	assert_int_equal(n, 3);
	await_ready(&world, THERE, TD_NET_READ);
	assert_int_equal(td_net_read(&world.net, world.there, bytes, sizeof(bytes), &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(td_net_write(&world.net, world.there, "answer", 6, &n), 0);
	await_ready(&world, HERE, TD_NET_READ);
	assert_int_equal(td_net_read(&world.net, world.here, bytes, sizeof(bytes), &n), 0);
	assert_int_equal(n, 6);
	world_close(&world);
}

/* Closed with bytes unread, which breaks the connection off. */
static void who_breaks_off_is_gone_whatever_the_interest(void **state)
{
	struct world world;
	char bytes[16];
	size_t n;
	int code;

	(void)state;
	world_open(&world);
	world_connect(&world);
	assert_int_equal(td_net_write(&world.net, world.here, "unread", 6, &n), 0);
	await_ready(&world, THERE, TD_NET_READ);
	assert_int_equal(td_net_watch(&world.net, world.here, HERE, 0), 0);
	assert_int_equal(ready_now(&world, HERE), 0);
	td_net_close(&world.net, world.there);
	world.there = -1;
	await_ready(&world, HERE, TD_NET_GONE);
	assert_int_equal(td_net_read(&world.net, world.here, bytes, sizeof(bytes), &n), ECONNRESET);
	code = td_net_write(&world.net, world.here, "x", 1, &n);
	assert_true(code == EPIPE || code == ECONNRESET);
	world_close(&world);
}

/* Until it takes no more; how much that was. */
static size_t fill(struct world *world, const char *bytes, size_t len)
{
	size_t total = 0, put;
	int code;

	while ((code = td_net_write(&world->net, world->here, bytes, len, &put)) == 0)
		total += put;
	assert_int_equal(code, EAGAIN);
	return total;
}

static void a_full_connection_says_when_there_is_room(void **state)
{
	static char bytes[1 << 16];
	size_t total, read = 0, got;
	struct world world;

	(void)state;
	world_open(&world);
	world_connect(&world);
	total = fill(&world, bytes, sizeof(bytes));
	assert_int_equal(td_net_watch(&world.net, world.here, HERE, TD_NET_READ | TD_NET_WRITE), 0);
	while (read < total) {
		await_ready(&world, THERE, TD_NET_READ);
		assert_int_equal(
			td_net_read(&world.net, world.there, bytes, sizeof(bytes), &got), 0);
		read += got;
	}
	await_ready(&world, HERE, TD_NET_WRITE);
	assert_int_equal(td_net_watch(&world.net, world.here, HERE, TD_NET_READ), 0);
	assert_int_equal(ready_now(&world, HERE), 0);
	world_close(&world);
}

static void nobody_there_is_told_when_it_is_decided(void **state)
{
	struct td_net_address address;
	struct world world;
	int code;

	(void)state;
	world_open(&world);
	assert_int_equal(td_net_name(&world.net, world.listener, &address), 0);
	td_net_close(&world.net, world.listener);
	world.listener = -1;
	code = td_net_connect(&world.net, &address, &world.here);
	if (code == 0) {
		assert_int_equal(td_net_watch(&world.net, world.here, HERE, TD_NET_WRITE), 0);
		await_ready(&world, HERE, TD_NET_WRITE);
		code = td_net_connected(&world.net, world.here);
	}
	assert_int_equal(code, ECONNREFUSED);
	world_close(&world);
}

static void a_listener_without_descriptors_left_says_so_and_goes_on(void **state)
{
	struct td_net_address address, peer;
	struct rlimit limit, less;
	struct world world;
	int lowest;

	(void)state;
	world_open(&world);
	assert_int_equal(td_net_name(&world.net, world.listener, &address), 0);
	assert_int_equal(td_net_connect(&world.net, &address, &world.here), 0);
	await_ready(&world, LISTENER, TD_NET_READ);
	lowest = dup(0);
	assert_true(lowest >= 0);
	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	less = limit;
	less.rlim_cur = (rlim_t)lowest;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &less), 0);
	assert_int_equal(td_net_accept(&world.net, world.listener, &world.there, &peer), EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(ready_now(&world, LISTENER), TD_NET_READ);
	assert_int_equal(td_net_accept(&world.net, world.listener, &world.there, &peer), 0);
	assert_int_equal(td_net_accept(&world.net, world.listener, &world.there, &peer), EAGAIN);
	world_close(&world);
}

static void what_does_not_fit_comes_the_next_time(void **state)
{
	struct td_net_event event;
	unsigned seen = 0;
	struct world world;
	size_t n;

	(void)state;
	world_open(&world);
	world_connect(&world);
	assert_int_equal(td_net_write(&world.net, world.here, "x", 1, &n), 0);
	assert_int_equal(td_net_write(&world.net, world.there, "y", 1, &n), 0);
	await_ready(&world, HERE, TD_NET_READ);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(td_net_wait(&world.net, now() + 10 * MS, &event, 1), 1);
		seen |= event.tag == HERE ? 1u : event.tag == THERE ? 2u : 4u;
	}
	assert_int_equal(seen, 3);
	world_close(&world);
}

static void what_is_closed_is_not_told_again(void **state)
{
	struct world world;
	size_t n;

	(void)state;
	world_open(&world);
	world_connect(&world);
	assert_int_equal(td_net_write(&world.net, world.here, "x", 1, &n), 0);
	await_ready(&world, THERE, TD_NET_READ);
	td_net_close(&world.net, world.there);
	world.there = -1;
	assert_int_equal(ready_now(&world, THERE), 0);
	td_net_close(&world.net, -1);
	world_close(&world);
}

static void a_wait_ends_at_its_deadline_by_the_timer_and_by_a_wake(void **state)
{
	struct td_net_event events[4];
	struct world world;
	int64_t start;

	(void)state;
	world_open(&world);
	start = now();
	assert_int_equal(td_net_wait(&world.net, start + 20 * MS, events, 4), 0);
	assert_true(now() >= start + 20 * MS);
	assert_int_equal(td_net_wait(&world.net, INT64_MIN, events, 4), 0);
	td_loop_timer(world.loop, now() + 20 * MS);
	assert_int_equal(td_net_wait(&world.net, INT64_MAX, events, 4), 0);
	td_net_wake(&world.net);
	td_net_wake(&world.net);
	assert_int_equal(td_net_wait(&world.net, INT64_MAX, events, 4), 0);
	start = now();
	assert_int_equal(td_net_wait(&world.net, start + 20 * MS, events, 4), 0);
	assert_true(now() >= start + 20 * MS); /* two wakes are one */
	world_close(&world);
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
	struct world world;

	(void)state;
	world_open(&world);
	waker.net = &world.net;
	atomic_init(&waker.rounds, 0);
	assert_int_equal(td_thread_start(&thread, "waker", wake_often, &waker, NULL), 0);
	while (atomic_load(&waker.rounds) < 2000) {
		int64_t deadline = now() + 60000 * (int64_t)MS;

		td_net_wait(&world.net, deadline, events, 4);
		assert_true(now() < deadline);
	}
	td_thread_join(&thread);
	world_close(&world);
}

static void a_socket_that_listens_already_can_be_adopted(void **state)
{
	struct td_net_address address;
	struct world world;
	int given, adopted = -1, pair[2];

	(void)state;
	world_open(&world);
	given = dup(world.listener);
	assert_int_equal(fcntl(given, F_SETFL, 0), 0);
	assert_int_equal(td_net_real_adopt(&world.net, given, &adopted), 0);
	assert_true(fcntl(adopted, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(adopted, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(td_net_name(&world.net, adopted, &address), 0);
	td_net_close(&world.net, adopted);
	world_connect(&world);
	assert_int_equal(td_net_real_adopt(&world.net, world.here, &adopted), EINVAL);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(td_net_real_adopt(&world.net, pair[0], &adopted), EINVAL);
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(td_net_real_adopt(&world.net,
				 world.loop ? td_loop_descriptor(world.loop) : 0, &adopted),
		EINVAL);
	world_close(&world);
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
		cmocka_unit_test(port_0_is_a_port_that_was_free),
		cmocka_unit_test(two_ends_talk),
		cmocka_unit_test(who_finishes_can_still_be_answered),
		cmocka_unit_test(who_breaks_off_is_gone_whatever_the_interest),
		cmocka_unit_test(a_full_connection_says_when_there_is_room),
		cmocka_unit_test(nobody_there_is_told_when_it_is_decided),
		cmocka_unit_test(a_listener_without_descriptors_left_says_so_and_goes_on),
		cmocka_unit_test(what_does_not_fit_comes_the_next_time),
		cmocka_unit_test(what_is_closed_is_not_told_again),
		cmocka_unit_test(a_wait_ends_at_its_deadline_by_the_timer_and_by_a_wake),
		cmocka_unit_test(no_wake_of_another_thread_is_lost),
		cmocka_unit_test(a_socket_that_listens_already_can_be_adopted),
		cmocka_unit_test(addresses_are_read_and_written),
		cmocka_unit_test(the_longest_address_fits),
		cmocka_unit_test(without_memory_there_is_no_net),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
