#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>

#include "alloc.h"
#include "sys/sys.h"

#define MS 1000000

static int64_t now(void)
{
	return td_clock_monotonic(&td_clock_real);
}

static bool readable(const struct td_loop *loop, int timeout_ms)
{
	struct pollfd fd = {td_loop_descriptor(loop), POLLIN, 0};

	return poll(&fd, 1, timeout_ms) == 1;
}

static struct td_loop *loop_of_test(void)
{
	struct td_loop *loop = NULL;

	assert_int_equal(td_loop_new(&loop, NULL), 0);
	return loop;
}

static void loop_is_readable_from_a_wake_until_a_wait(void **state)
{
	struct td_loop *loop = loop_of_test();

	(void)state;
	assert_false(readable(loop, 0));
	for (int i = 0; i < 3; i++) {
		td_loop_wake(loop);
		td_loop_wake(loop);
		assert_true(readable(loop, 0));
		assert_true(readable(loop, 0));
		td_loop_wait(loop, i == 0 ? INT64_MAX : i == 1 ? 0 : now() + 60000 * (int64_t)MS);
		assert_false(readable(loop, 0));
	}
	td_loop_free(loop);
	td_loop_free(NULL);
}

static void loop_wait_ends_at_its_deadline(void **state)
{
	struct td_loop *loop = loop_of_test();
	int64_t deadline = now() + 20 * MS;

	(void)state;
	td_loop_wait(loop, INT64_MIN);
	td_loop_wait(loop, 0);
	td_loop_wait(loop, now() - 1);
	td_loop_wait(loop, deadline);
	assert_true(now() >= deadline);
	assert_false(readable(loop, 0));
	td_loop_free(loop);
}

static void loop_timer_makes_it_readable_once(void **state)
{
	struct td_loop *loop = loop_of_test();
	int64_t deadline = now() + 20 * MS;

	(void)state;
	td_loop_timer(loop, deadline);
	td_loop_timer(loop, deadline);
	assert_false(readable(loop, 0));
	td_loop_wait(loop, INT64_MAX);
	assert_true(now() >= deadline);
	assert_false(readable(loop, 0));
	td_loop_timer(loop, deadline); /* passed: at once, and again */
	assert_true(readable(loop, 1000));
	td_loop_wait(loop, 0);
	assert_false(readable(loop, 0));
	td_loop_timer(loop, INT64_MIN);
	assert_true(readable(loop, 1000));
	td_loop_free(loop);
}

static void loop_timer_can_be_moved_and_taken_back(void **state)
{
	struct td_loop *loop = loop_of_test();

	(void)state;
	td_loop_timer(loop, now() + 60000 * (int64_t)MS);
	td_loop_timer(loop, now() + MS);
	assert_true(readable(loop, 10000));
	td_loop_timer(loop, INT64_MAX);
	assert_false(readable(loop, 0));
	td_loop_timer(loop, now() + 60000 * (int64_t)MS);
	assert_false(readable(loop, 0));
	td_loop_free(loop);
}

static struct td_loop *loop_of_handler;

static void wake_from_handler(int signal)
{
	(void)signal;
	td_loop_wake(loop_of_handler);
}

static void loop_wait_ends_with_a_signal(void **state)
{
	struct sigaction action = {.sa_handler = wake_from_handler}, before;

	(void)state;
	loop_of_handler = loop_of_test();
	sigaction(SIGUSR1, &action, &before);
	raise(SIGUSR1);
	assert_true(readable(loop_of_handler, 0));
	td_loop_wait(loop_of_handler, INT64_MAX);
	sigaction(SIGUSR1, &before, NULL);
	td_loop_free(loop_of_handler);
}

struct ping {
	struct td_loop *loop;
	_Atomic uint64_t sent;
	_Atomic int senders;
};

#define PINGS 20000

static void send_pings(void *arg)
{
	struct ping *ping = arg;

	for (int i = 0; i < PINGS; i++) {
		atomic_fetch_add_explicit(&ping->sent, 1, memory_order_relaxed);
		td_loop_wake(ping->loop);
	}
	atomic_fetch_sub(&ping->senders, 1);
	td_loop_wake(ping->loop);
}

static void loop_loses_no_wake(void **state)
{
	struct ping ping = {.loop = loop_of_test(), .senders = 3};
	struct td_thread threads[3];
	uint64_t seen = 0;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(td_thread_start(&threads[i], "ping", send_pings, &ping, NULL), 0);
	/* A lost wake would keep us here for ever: there is no deadline. */
	while (atomic_load(&ping.senders) > 0) {
		uint64_t sent;

		td_loop_wait(ping.loop, INT64_MAX);
		sent = atomic_load_explicit(&ping.sent, memory_order_relaxed);
		assert_true(sent >= seen);
		seen = sent;
	}
	assert_int_equal(atomic_load(&ping.sent), 3 * PINGS);
	for (int i = 0; i < 3; i++)
		td_thread_join(&threads[i]);
	td_loop_free(ping.loop);
}

static int open_and_free(void *arg)
{
	struct td_loop *loop = NULL;
	int code = td_loop_new(&loop, arg);

	td_loop_free(loop);
	return code;
}

static void loop_survives_lack_of_memory(void **state)
{
	(void)state;
	assert_int_equal(alloc_torture(open_and_free, NULL), 1);
}

static void loop_says_when_descriptors_run_out(void **state)
{
	struct rlimit before, few;
	struct td_loop *loop = NULL, *probe = loop_of_test();
	int next = td_loop_descriptor(probe) - 2; /* the first of the three it took */

	(void)state;
	td_loop_free(probe);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	for (int room = 0; room < 3; room++) {
		struct td_error err = TD_ERROR_INIT;

		few = (struct rlimit){(rlim_t)(next + room), before.rlim_max};
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		assert_int_equal(td_loop_new(&loop, &err), TD_E_SYSTEM);
		assert_int_equal(err.sys_errno, EMFILE);
		assert_null(loop);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loop_is_readable_from_a_wake_until_a_wait),
		cmocka_unit_test(loop_wait_ends_at_its_deadline),
		cmocka_unit_test(loop_timer_makes_it_readable_once),
		cmocka_unit_test(loop_timer_can_be_moved_and_taken_back),
		cmocka_unit_test(loop_wait_ends_with_a_signal),
		cmocka_unit_test(loop_loses_no_wake),
		cmocka_unit_test(loop_survives_lack_of_memory),
		cmocka_unit_test(loop_says_when_descriptors_run_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
