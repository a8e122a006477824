/*
 * What sys/net.h says of every net, as assertions: one source, played on the real one, on ports of
 * 127.0.0.1 that the system picks (test/sys/test_net.c), and on the simulated one
 * (test/sim/test_net.c).
 *
 * The including file gives the four functions below, and cmocka.
 */
#ifndef TD_TEST_NET_CONFORMANCE_H
#define TD_TEST_NET_CONFORMANCE_H

#include <errno.h>
#include <string.h>

#include "sys/sys.h"

#define MS ((int64_t)1000000)

struct net_place {
	struct td_net net;
	struct td_loop *loop;      /* of the real one */
	int listener, here, there; /* two ends of a connection; -1: none */
};

enum { LISTENER = 100, HERE, THERE };

static void net_place_open(struct net_place *place);
static void net_place_close(struct net_place *place);
static int64_t net_place_now(void);
/* From now on there are no descriptors left, or there are again. */
static void net_place_starve(struct net_place *place, bool on);

static struct td_net_address loopback(uint16_t port)
{
	return (struct td_net_address){.family = 4, .bytes = {127, 0, 0, 1}, .port = port};
}

/* Wait for this, up to a minute; what else comes meanwhile is passed over. */
static void await_ready(struct net_place *place, uint64_t tag, unsigned ready)
{
	int64_t deadline = net_place_now() + 60000 * MS;

	while (net_place_now() < deadline) {
		struct td_net_event events[8];
		size_t count = td_net_wait(&place->net, deadline, events, 8);

		for (size_t i = 0; i < count; i++)
			if (events[i].tag == tag && (events[i].ready & ready) == ready)
				return;
	}
	fail_msg("%llu was not ready for %u", (unsigned long long)tag, ready);
}

/* What a look without waiting says of a tag. */
static unsigned ready_now(struct net_place *place, uint64_t tag)
{
	struct td_net_event events[8];
	size_t count = td_net_wait(&place->net, 0, events, 8);

	for (size_t i = 0; i < count; i++)
		if (events[i].tag == tag)
			return events[i].ready;
	return 0;
}

static void place_begin(struct net_place *place)
{
	struct td_net_address any = loopback(0);

	*place = (struct net_place){.listener = -1, .here = -1, .there = -1};
	net_place_open(place);
	assert_int_equal(td_net_listen(&place->net, &any, &place->listener), 0);
	assert_int_equal(td_net_watch(&place->net, place->listener, LISTENER, TD_NET_READ), 0);
}

static void place_end(struct net_place *place)
{
	td_net_close(&place->net, place->here);
	td_net_close(&place->net, place->there);
	td_net_close(&place->net, place->listener);
	net_place_close(place);
}

static void close_one(struct net_place *place, int *handle)
{
	td_net_close(&place->net, *handle);
	*handle = -1;
}

/* `here` is connected, and waits to be accepted. */
static void connect_here(struct net_place *place)
{
	struct td_net_address address;

	assert_int_equal(td_net_name(&place->net, place->listener, &address), 0);
	assert_int_equal(td_net_connect(&place->net, &address, &place->here), 0);
	assert_int_equal(td_net_watch(&place->net, place->here, HERE, TD_NET_WRITE), 0);
	await_ready(place, HERE, TD_NET_WRITE);
	assert_int_equal(td_net_connected(&place->net, place->here), 0);
	await_ready(place, LISTENER, TD_NET_READ);
}

/* Both ends watched for reading. */
static void place_connect(struct net_place *place)
{
	struct td_net_address peer, name;

	connect_here(place);
	assert_int_equal(td_net_accept(&place->net, place->listener, &place->there, &peer), 0);
	assert_int_equal(td_net_name(&place->net, place->here, &name), 0);
	assert_int_equal(peer.port, name.port);
	assert_memory_equal(peer.bytes, name.bytes, sizeof(peer.bytes));
	assert_int_equal(td_net_watch(&place->net, place->here, HERE, TD_NET_READ), 0);
	assert_int_equal(td_net_watch(&place->net, place->there, THERE, TD_NET_READ), 0);
}

static void write_text(struct net_place *place, int connection, const char *text)
{
	size_t put = 0;

	assert_int_equal(td_net_write(&place->net, connection, text, strlen(text), &put), 0);
	assert_int_equal(put, strlen(text));
}

/* Wait for that, and read no more. */
static void assert_read(struct net_place *place, int connection, uint64_t tag, const char *text)
{
	char bytes[64];
	size_t got = 0, len = strlen(text);

	for (size_t at = 0; at < len; at += got) {
		await_ready(place, tag, TD_NET_READ);
		assert_int_equal(
			td_net_read(&place->net, connection, bytes + at, len - at, &got), 0);
		assert_true(got > 0);
	}
	assert_memory_equal(bytes, text, len);
}

static int read_code(struct net_place *place, int connection)
{
	char byte;
	size_t got;

	return td_net_read(&place->net, connection, &byte, 1, &got);
}

static void assert_end(struct net_place *place, int connection, uint64_t tag)
{
	char byte;
	size_t got = 7;

	await_ready(place, tag, TD_NET_READ);
	assert_int_equal(td_net_read(&place->net, connection, &byte, 1, &got), 0);
	assert_int_equal(got, 0);
}

static int write_code(struct net_place *place, int connection)
{
	size_t put;

	return td_net_write(&place->net, connection, "x", 1, &put);
}

/* --- listening ---------------------------------------------------------------------------- */

static void port_0_is_a_port_that_was_free(void **state)
{
	struct td_net_address address;
	struct net_place place;
	int other = -1;

	(void)state;
	place_begin(&place);
	assert_int_equal(td_net_name(&place.net, place.listener, &address), 0);
	assert_int_equal(address.family, 4);
	assert_true(address.port > 0);
	assert_true(td_net_address_is_loopback(&address));
	assert_int_equal(td_net_listen(&place.net, &address, &other), EADDRINUSE);
	assert_int_equal(other, -1);
	close_one(&place, &place.listener);
	assert_int_equal(td_net_listen(&place.net, &address, &place.listener), 0);
	place_end(&place);
}

static void what_is_neither_4_nor_6_is_no_address(void **state)
{
	struct td_net_address none = {.port = 80};
	struct net_place place;
	int handle = -7;

	(void)state;
	place_begin(&place);
	assert_int_equal(td_net_listen(&place.net, &none, &handle), EINVAL);
	assert_int_equal(td_net_connect(&place.net, &none, &handle), EINVAL);
	assert_int_equal(handle, -7);
	place_end(&place);
}

static void a_listener_without_descriptors_left_says_so_and_goes_on(void **state)
{
	struct td_net_address peer;
	struct net_place place;
	int code;

	(void)state;
	place_begin(&place);
	connect_here(&place);
	net_place_starve(&place, true);
	code = td_net_accept(&place.net, place.listener, &place.there, &peer);
	assert_true(code == EMFILE || code == ENFILE);
	net_place_starve(&place, false);
	assert_int_equal(ready_now(&place, LISTENER), TD_NET_READ);
	assert_int_equal(td_net_accept(&place.net, place.listener, &place.there, &peer), 0);
	assert_int_equal(ready_now(&place, LISTENER), 0);
	assert_int_equal(td_net_accept(&place.net, place.listener, &place.there, &peer), EAGAIN);
	place_end(&place);
}

static void nobody_there_is_told_when_it_is_decided(void **state)
{
	struct td_net_address address;
	struct net_place place;
	int code;

	(void)state;
	place_begin(&place);
	assert_int_equal(td_net_name(&place.net, place.listener, &address), 0);
	close_one(&place, &place.listener);
	code = td_net_connect(&place.net, &address, &place.here);
	if (code == 0) {
		assert_int_equal(td_net_watch(&place.net, place.here, HERE, TD_NET_WRITE), 0);
		await_ready(&place, HERE, TD_NET_WRITE);
		code = td_net_connected(&place.net, place.here);
		assert_int_equal(write_code(&place, place.here), EPIPE);
	}
	assert_int_equal(code, ECONNREFUSED);
	place_end(&place);
}

static void who_was_not_accepted_hears_that_the_listener_went(void **state)
{
	struct net_place place;

	(void)state;
	place_begin(&place);
	connect_here(&place);
	assert_int_equal(td_net_watch(&place.net, place.here, HERE, TD_NET_READ), 0);
	close_one(&place, &place.listener);
	await_ready(&place, HERE, TD_NET_GONE);
	assert_int_equal(read_code(&place, place.here), ECONNRESET);
	place_end(&place);
}

static void what_was_written_before_it_was_accepted_is_read(void **state)
{
	struct td_net_address peer;
	struct net_place place;

	(void)state;
	place_begin(&place);
	connect_here(&place);
	write_text(&place, place.here, "early");
	close_one(&place, &place.here);
	assert_int_equal(td_net_accept(&place.net, place.listener, &place.there, &peer), 0);
	assert_int_equal(td_net_watch(&place.net, place.there, THERE, TD_NET_READ), 0);
	assert_read(&place, place.there, THERE, "early");
	assert_end(&place, place.there, THERE);
	place_end(&place);
}

/* --- bytes -------------------------------------------------------------------------------- */

static void two_ends_talk(void **state)
{
	const struct td_net_part parts[] = {{"hel", 3}, {"", 0}, {"lo", 2}};
	struct net_place place;
	size_t n;

	(void)state;
	place_begin(&place);
	place_connect(&place);
	assert_int_equal(read_code(&place, place.there), EAGAIN);
	assert_int_equal(ready_now(&place, THERE), 0);
	assert_int_equal(td_net_write_parts(&place.net, place.here, parts, 3, &n), 0);
	assert_int_equal(n, 5);
	assert_read(&place, place.there, THERE, "he");
	assert_int_equal(ready_now(&place, THERE), TD_NET_READ); /* a level: there is more */
	assert_read(&place, place.there, THERE, "llo");
	assert_int_equal(ready_now(&place, THERE), 0);
	write_text(&place, place.there, "hi");
	assert_read(&place, place.here, HERE, "hi");
	assert_int_equal(td_net_write(&place.net, place.here, "", 0, &n), 0);
	assert_int_equal(n, 0);
	place_end(&place);
}

/* Until it takes no more; how much that was. */
static size_t fill(struct net_place *place, const char *bytes, size_t len)
{
	size_t total = 0, put;
	int code;

	while ((code = td_net_write(&place->net, place->here, bytes, len, &put)) == 0)
		total += put;
	assert_int_equal(code, EAGAIN);
	return total;
}

static void a_full_connection_says_when_there_is_room(void **state)
{
	static char bytes[1 << 16];
	size_t total, read = 0, got;
	struct net_place place;

	(void)state;
	place_begin(&place);
	place_connect(&place);
	total = fill(&place, bytes, sizeof(bytes));
	assert_int_equal(td_net_watch(&place.net, place.here, HERE, TD_NET_READ | TD_NET_WRITE), 0);
	while (read < total) {
		await_ready(&place, THERE, TD_NET_READ);
		assert_int_equal(
			td_net_read(&place.net, place.there, bytes, sizeof(bytes), &got), 0);
		read += got;
	}
	await_ready(&place, HERE, TD_NET_WRITE);
	assert_int_equal(td_net_watch(&place.net, place.here, HERE, TD_NET_READ), 0);
	assert_int_equal(ready_now(&place, HERE), 0);
	place_end(&place);
}

/* Each byte says where it is, in pieces of any length, with full buffers now and then. */
static void what_is_written_is_read_in_order(void **state)
{
	enum { BYTES = 1 << 20 };
	static uint8_t out[8192], in[5000];
	size_t written = 0, read = 0, n;
	struct net_place place;

	(void)state;
	place_begin(&place);
	place_connect(&place);
	while (read < BYTES) {
		size_t some = written * 7 % sizeof(out) + 1;

		if (some > BYTES - written)
			some = BYTES - written;
		for (size_t i = 0; i < some; i++)
			out[i] = (uint8_t)((written + i) * 2654435761u >> 13);
		if (some > 0 && td_net_write(&place.net, place.here, out, some, &n) == 0) {
			written += n;
			continue;
		}
		await_ready(&place, THERE, TD_NET_READ);
		assert_int_equal(td_net_read(&place.net, place.there, in, sizeof(in), &n), 0);
		for (size_t i = 0; i < n; i++, read++)
			assert_int_equal(in[i], (uint8_t)(read * 2654435761u >> 13));
	}
	assert_int_equal(read_code(&place, place.there), EAGAIN);
	place_end(&place);
}

/* --- ends --------------------------------------------------------------------------------- */

static void who_finishes_can_still_be_answered(void **state)
{
	struct net_place place;

	(void)state;
	place_begin(&place);
	place_connect(&place);
	write_text(&place, place.here, "ask");
	assert_int_equal(td_net_finish(&place.net, place.here), 0);
	assert_int_equal(td_net_finish(&place.net, place.here), 0);
	assert_int_equal(write_code(&place, place.here), EPIPE);
	assert_read(&place, place.there, THERE, "ask");
	assert_end(&place, place.there, THERE);
	assert_end(&place, place.there, THERE);
	write_text(&place, place.there, "answer");
	assert_read(&place, place.here, HERE, "answer");
	assert_int_equal(ready_now(&place, HERE), 0);
	place_end(&place);
}

static void both_finished_is_gone(void **state)
{
	struct net_place place;

	(void)state;
	place_begin(&place);
	place_connect(&place);
	assert_int_equal(td_net_watch(&place.net, place.here, HERE, 0), 0);
	assert_int_equal(td_net_finish(&place.net, place.here), 0);
	assert_end(&place, place.there, THERE);
	assert_int_equal(ready_now(&place, HERE), 0);
	assert_int_equal(td_net_finish(&place.net, place.there), 0);
	await_ready(&place, HERE, TD_NET_GONE);
	assert_int_equal(td_net_watch(&place.net, place.here, HERE, TD_NET_READ), 0);
	assert_end(&place, place.here, HERE);
	place_end(&place);
}

static void what_was_written_arrives_though_who_wrote_it_closed(void **state)
{
	struct net_place place;

	(void)state;
	place_begin(&place);
	place_connect(&place);
	write_text(&place, place.here, "farewell");
	close_one(&place, &place.here);
	assert_read(&place, place.there, THERE, "farewell");
	assert_end(&place, place.there, THERE);
	place_end(&place);
}

/* Closed with bytes unread, which breaks the connection off. */
static void who_breaks_off_is_gone_whatever_the_interest(void **state)
{
	struct net_place place;

	(void)state;
	place_begin(&place);
	place_connect(&place);
	write_text(&place, place.here, "unread");
	await_ready(&place, THERE, TD_NET_READ);
	assert_int_equal(td_net_watch(&place.net, place.here, HERE, 0), 0);
	assert_int_equal(ready_now(&place, HERE), 0);
	close_one(&place, &place.there);
	await_ready(&place, HERE, TD_NET_GONE);
	assert_int_equal(read_code(&place, place.here), ECONNRESET);
	assert_int_equal(td_net_finish(&place.net, place.here), ENOTCONN);
	place_end(&place);
}

static void that_it_broke_off_is_told_once_to_whoever_asks_first(void **state)
{
	struct net_place place;

	(void)state;
	for (int writes = 0; writes < 2; writes++) {
		place_begin(&place);
		place_connect(&place);
		write_text(&place, place.here, "unread");
		await_ready(&place, THERE, TD_NET_READ);
		close_one(&place, &place.there);
		await_ready(&place, HERE, TD_NET_READ | TD_NET_GONE);
		assert_int_equal(
			writes ? write_code(&place, place.here) : read_code(&place, place.here),
			ECONNRESET);
		assert_end(&place, place.here, HERE);
		assert_int_equal(write_code(&place, place.here), EPIPE);
		assert_end(&place, place.here, HERE);
		place_end(&place);
	}
}

static void what_comes_too_late_breaks_off(void **state)
{
	struct net_place place;

	(void)state;
	place_begin(&place);
	place_connect(&place);
	assert_int_equal(td_net_watch(&place.net, place.here, HERE, 0), 0);
	close_one(&place, &place.there);
	write_text(&place, place.here, "late");
	await_ready(&place, HERE, TD_NET_GONE);
	assert_int_equal(write_code(&place, place.here), EPIPE);
	place_end(&place);
}

/* --- waiting ------------------------------------------------------------------------------ */

static void what_does_not_fit_comes_the_next_time(void **state)
{
	struct td_net_event event;
	struct net_place place;
	unsigned seen = 0;

	(void)state;
	place_begin(&place);
	place_connect(&place);
	write_text(&place, place.here, "x");
	write_text(&place, place.there, "y");
	await_ready(&place, HERE, TD_NET_READ);
	await_ready(&place, THERE, TD_NET_READ);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(td_net_wait(&place.net, net_place_now() + 10 * MS, &event, 1), 1);
		seen |= event.tag == HERE ? 1u : event.tag == THERE ? 2u : 4u;
	}
	assert_int_equal(seen, 3);
	place_end(&place);
}

static void what_is_closed_is_not_told_again(void **state)
{
	struct net_place place;

	(void)state;
	place_begin(&place);
	place_connect(&place);
	write_text(&place, place.here, "x");
	await_ready(&place, THERE, TD_NET_READ);
	close_one(&place, &place.there);
	assert_int_equal(ready_now(&place, THERE), 0);
	td_net_close(&place.net, -1);
	place_end(&place);
}

static void what_is_not_watched_is_not_told(void **state)
{
	struct td_net_address peer;
	struct net_place place;

	(void)state;
	place_begin(&place);
	connect_here(&place);
	assert_int_equal(td_net_accept(&place.net, place.listener, &place.there, &peer), 0);
	write_text(&place, place.here, "x");
	assert_int_equal(td_net_watch(&place.net, place.here, HERE, TD_NET_READ), 0);
	assert_int_equal(ready_now(&place, THERE), 0);
	assert_int_equal(td_net_watch(&place.net, place.there, THERE, TD_NET_READ), 0);
	await_ready(&place, THERE, TD_NET_READ); /* what came before counts */
	assert_int_equal(td_net_watch(&place.net, place.there, THERE + 1, TD_NET_READ), 0);
	await_ready(&place, THERE + 1, TD_NET_READ);
	assert_int_equal(ready_now(&place, THERE), 0);
	place_end(&place);
}

static void a_wait_ends_at_its_deadline_and_by_a_wake(void **state)
{
	struct td_net_event events[4];
	struct net_place place;
	int64_t start;

	(void)state;
	place_begin(&place);
	start = net_place_now();
	assert_int_equal(td_net_wait(&place.net, start + 20 * MS, events, 4), 0);
	assert_true(net_place_now() >= start + 20 * MS);
	assert_int_equal(td_net_wait(&place.net, INT64_MIN, events, 4), 0);
	td_net_wake(&place.net);
	td_net_wake(&place.net);
	assert_int_equal(td_net_wait(&place.net, INT64_MAX, events, 4), 0);
	start = net_place_now();
	assert_int_equal(td_net_wait(&place.net, start + 20 * MS, events, 4), 0);
	assert_true(net_place_now() >= start + 20 * MS); /* two wakes are one */
	place_end(&place);
}

/* clang-format off */
#define NET_CONFORMANCE_TESTS \
	cmocka_unit_test(port_0_is_a_port_that_was_free), \
	cmocka_unit_test(what_is_neither_4_nor_6_is_no_address), \
	cmocka_unit_test(a_listener_without_descriptors_left_says_so_and_goes_on), \
	cmocka_unit_test(nobody_there_is_told_when_it_is_decided), \
	cmocka_unit_test(who_was_not_accepted_hears_that_the_listener_went), \
	cmocka_unit_test(what_was_written_before_it_was_accepted_is_read), \
	cmocka_unit_test(two_ends_talk), \
	cmocka_unit_test(a_full_connection_says_when_there_is_room), \
	cmocka_unit_test(what_is_written_is_read_in_order), \
	cmocka_unit_test(who_finishes_can_still_be_answered), \
	cmocka_unit_test(both_finished_is_gone), \
	cmocka_unit_test(what_was_written_arrives_though_who_wrote_it_closed), \
	cmocka_unit_test(who_breaks_off_is_gone_whatever_the_interest), \
	cmocka_unit_test(that_it_broke_off_is_told_once_to_whoever_asks_first), \
	cmocka_unit_test(what_comes_too_late_breaks_off), \
	cmocka_unit_test(what_does_not_fit_comes_the_next_time), \
	cmocka_unit_test(what_is_closed_is_not_told_again), \
	cmocka_unit_test(what_is_not_watched_is_not_told), \
	cmocka_unit_test(a_wait_ends_at_its_deadline_and_by_a_wake)
/* clang-format on */

#endif
