#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "alloc.h"
#include "sys/sys.h"

#define MS 1000000

struct shared {
	struct td_mutex mutex;
	struct td_condition condition;
	uint64_t count;
	bool blocked[65];
	char name[16];
};

static void shared_init(struct shared *shared)
{
	memset(shared, 0, sizeof(*shared));
	assert_int_equal(td_mutex_init(&shared->mutex, NULL), 0);
	assert_int_equal(td_condition_init(&shared->condition, NULL), 0);
}

static void shared_fini(struct shared *shared)
{
	td_condition_fini(&shared->condition);
	td_mutex_fini(&shared->mutex);
}

static void count_up(void *arg)
{
	struct shared *shared = arg;

	for (int i = 0; i < 20000; i++) {
		td_mutex_lock(&shared->mutex);
		shared->count++;
		td_mutex_unlock(&shared->mutex);
	}
}

static void thread_runs_and_locks_exclude(void **state)
{
	struct td_thread threads[4];
	struct shared shared;

	(void)state;
	shared_init(&shared);
	for (int i = 0; i < 4; i++)
		assert_int_equal(td_thread_start(&threads[i], "count", count_up, &shared, NULL), 0);
	for (int i = 0; i < 4; i++)
		td_thread_join(&threads[i]);
	assert_int_equal(shared.count, 80000);
	shared_fini(&shared);
}

static void look_at_self(void *arg)
{
	struct shared *shared = arg;
	sigset_t set;

	pthread_sigmask(SIG_BLOCK, NULL, &set);
	for (int i = 1; i < 32; i++)
		shared->blocked[i] = sigismember(&set, i) == 1;
	pthread_getname_np(pthread_self(), shared->name, sizeof(shared->name));
}

static void thread_has_a_name_and_takes_no_signals(void **state)
{
	struct td_thread thread;
	struct shared shared;
	sigset_t before, after;

	(void)state;
	shared_init(&shared);
	pthread_sigmask(SIG_BLOCK, NULL, &before);
	assert_int_equal(
		td_thread_start(&thread, "tidings-worker-1", look_at_self, &shared, NULL), 0);
	td_thread_join(&thread);
	assert_string_equal(shared.name, "tidings-worker-");
	assert_true(shared.blocked[SIGTERM] && shared.blocked[SIGINT] && shared.blocked[SIGUSR1] &&
		    shared.blocked[SIGCHLD]);
	assert_false(shared.blocked[SIGSEGV] || shared.blocked[SIGBUS] || shared.blocked[SIGABRT]);
	pthread_sigmask(SIG_BLOCK, NULL, &after);
	for (int i = 1; i < 32; i++)
		assert_int_equal(sigismember(&before, i), sigismember(&after, i));
	shared_fini(&shared);
}

static void condition_wait_ends_at_its_deadline(void **state)
{
	static const int64_t past[] = {INT64_MIN, -1, 0, 1};
	struct shared shared;
	int64_t start = td_clock_monotonic(&td_clock_real), deadline = start + 20 * MS;

	(void)state;
	shared_init(&shared);
	td_mutex_lock(&shared.mutex);
	for (size_t i = 0; i < sizeof(past) / sizeof(past[0]); i++)
		assert_false(td_condition_wait(&shared.condition, &shared.mutex, past[i]));
	while (td_condition_wait(&shared.condition, &shared.mutex, deadline))
		;
	assert_true(td_clock_monotonic(&td_clock_real) >= deadline);
	td_mutex_unlock(&shared.mutex);
	shared_fini(&shared);
}

static void pass_the_turn(void *arg)
{
	struct shared *shared = arg;

	td_mutex_lock(&shared->mutex);
	for (int i = 0; i < 100; i++) {
		while (shared->count % 2 == 0)
			td_condition_wait(&shared->condition, &shared->mutex, INT64_MAX);
		shared->count++;
		td_condition_signal(&shared->condition);
	}
	td_mutex_unlock(&shared->mutex);
}

static void condition_wakes_who_waits(void **state)
{
	int64_t far = td_clock_monotonic(&td_clock_real) + (int64_t)60000 * MS;
	struct td_thread thread;
	struct shared shared;

	(void)state;
	shared_init(&shared);
	assert_int_equal(td_thread_start(&thread, "turns", pass_the_turn, &shared, NULL), 0);
	td_mutex_lock(&shared.mutex);
	for (int i = 0; i < 100; i++) {
		shared.count++;
		td_condition_broadcast(&shared.condition);
		while (shared.count % 2 == 1)
			assert_true(td_condition_wait(&shared.condition, &shared.mutex, far));
	}
	td_mutex_unlock(&shared.mutex);
	td_thread_join(&thread);
	assert_int_equal(shared.count, 200);
	shared_fini(&shared);
}

static void nothing(void *arg)
{
	(void)arg;
}

static int start_and_join(void *arg)
{
	struct td_thread thread;
	int code = td_thread_start(&thread, "short", nothing, arg, NULL);

	if (code == 0)
		td_thread_join(&thread);
	return code;
}

static void thread_start_survives_lack_of_memory(void **state)
{
	(void)state;
	assert_int_equal(alloc_torture(start_and_join, NULL), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thread_runs_and_locks_exclude),
		cmocka_unit_test(thread_has_a_name_and_takes_no_signals),
		cmocka_unit_test(condition_wait_ends_at_its_deadline),
		cmocka_unit_test(condition_wakes_who_waits),
		cmocka_unit_test(thread_start_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
