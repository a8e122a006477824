#include "place.h"

#include <dlfcn.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"

/*
 * Topics, and the promise of the fast road: a built event on a resolved topic with plain
 * synchronous handlers costs no allocation, lock, clock read or system call. All four are counted
 * here: calls of the C library by standing in front of them, system calls by a process that may
 * make none.
 */

/* The thread sanitizer stands there already; under it the road is only tried for races. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define OCCUPIED
#endif
#elif defined(__SANITIZE_THREAD__)
#define OCCUPIED
#endif

#ifndef OCCUPIED
static _Atomic long locks, clocks;

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
	static int (*real)(pthread_mutex_t *);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "pthread_mutex_lock"); /* as POSIX has it */
	locks++;
	return real(mutex);
}

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	static int (*real)(clockid_t, struct timespec *);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	clocks++;
	return real(clock, ts);
}
#endif

struct road {
	struct td *td;
	struct td_topic *topic;
	struct td_event *event;
	struct actor actors[4];
};

static void road_init(struct road *road)
{
	*road = (struct road){.td = open_place(NULL)};
	for (int i = 0; i < 4; i++)
		subscribe(road->td, INTEREST(.subject = "order.*"), &road->actors[i]);
	assert_int_equal(td_topic_open(&road->topic, road->td, "order.42", "OrderPlaced", NULL), 0);
	assert_int_equal(td_event_new(&road->event, EVENT("OrderPlaced", "order.42"), NULL), 0);
	assert_int_equal(
		td_topic_publish(road->topic, road->event, NULL, NULL), 0); /* resolves it */
}

static void road_fini(struct road *road)
{
	td_event_unref(road->event);
	td_topic_close(road->topic);
	td_close(road->td);
}

#ifndef OCCUPIED
static void topic_fast_road_allocates_locks_and_reads_no_clock(void **state)
{
	struct road road;

	(void)state;
	road_init(&road);
	alloc_fail_at(0, false);
	locks = clocks = 0;
	for (int i = 0; i < 1000; i++)
		td_topic_publish(road.topic, road.event, NULL, NULL);
	assert_int_equal(alloc_count(), 0);
	assert_int_equal(locks, 0);
	assert_int_equal(clocks, 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(road.actors[i].calls, 1001);

	/* The counters do count: a publish from a draft reads the clock. */
	publish(road.td, "OrderPlaced", "order.42");
	assert_true(clocks > 0);
	road_fini(&road);
}

static void topic_fast_road_makes_no_system_call(void **state)
{
	struct road road;
	int status;
	pid_t child;

	(void)state;
	road_init(&road);
	child = fork();
	if (child == 0) {
		/* From here on only read, write and exit are allowed; all else kills. */
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0)
			_exit(77);
		for (int i = 0; i < 1000; i++)
			td_topic_publish(road.topic, road.event, NULL, NULL);
		syscall(SYS_exit, 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		road_fini(&road);
		skip();
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	road_fini(&road);
}
#endif

static void topic_refuses_events_of_another_address_or_type(void **state)
{
	struct road road;
	struct td_event *other;
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	road_init(&road);
	td_event_new(&other, EVENT("OrderPlaced", "order.43"), NULL);
	assert_int_equal(td_topic_publish(road.topic, other, NULL, &err), TD_E_INVALID);
	assert_non_null(strstr(err.text, "order.43"));
	td_event_unref(other);
	td_event_new(&other, EVENT("OrderPaid", "order.42"), NULL);
	assert_int_equal(td_topic_publish(road.topic, other, NULL, &err), TD_E_INVALID);
	assert_non_null(strstr(err.text, "OrderPaid"));
	td_event_unref(other);
	assert_int_equal(td_topic_open(&(struct td_topic *){NULL}, road.td, "x", NULL, NULL),
		TD_E_ATTRIBUTE);
	road_fini(&road);
}

static void topic_follows_changes_of_interest(void **state)
{
	struct road road;
	struct actor late = {.name = "late"};

	(void)state;
	road_init(&road);
	struct td_subscription *s = subscribe(road.td, INTEREST(.type = "OrderPlaced"), &late);
	td_topic_publish(road.topic, road.event, NULL, NULL);
	assert_int_equal(late.calls, 1);
	td_unsubscribe(s);
	td_topic_publish(road.topic, road.event, NULL, NULL);
	assert_int_equal(late.calls, 1);
	assert_int_equal(road.actors[0].calls, 3);
	road_fini(&road);
}

static void topic_serves_filters_queues_receipts_and_failures_too(void **state)
{
	struct diary diary = {""};
	struct actor filtered = {.name = "filtered", .diary = &diary};
	struct actor queued = {.name = "queued", .diary = &diary};
	struct actor failing = {.name = "failing", .diary = &diary, .fails = 1, .class_ = TD_SKIP};
	struct actor cascading = {.name = "cascading", .diary = &diary, .publishes = "Next"};
	struct actor next = {.name = "next", .diary = &diary};
	struct td_receipt receipt = TD_RECEIPT_INIT;
	struct road road;

	(void)state;
	road_init(&road);
	subscribe(road.td, INTEREST(.type = "OrderPlaced"), &failing);
	subscribe(road.td, INTEREST(.type = "OrderPlaced"), &cascading);
	subscribe(road.td, INTEREST(.type = "Next"), &next);
	assert_int_equal(td_topic_publish(road.topic, road.event, NULL, NULL), TD_E_HANDLER);
	assert_diary(&diary,
		"failing:OrderPlaced@order.42 cascading:OrderPlaced@order.42 next:Next@made ");
	subscribe(
		road.td, INTEREST(.type = "OrderPlaced", .filter = "type = 'Nothing'"), &filtered);
	subscribe(road.td, INTEREST(.type = "OrderPlaced", .async = true), &queued);
	assert_int_equal(td_topic_publish(road.topic, road.event, &receipt, NULL), 0);
	assert_int_equal(receipt.completed, 7);
	assert_int_equal(receipt.queued, 1);
	assert_int_equal(td_await(road.td, &receipt, -1, NULL), 0);
	assert_int_equal(receipt.completed, 8);
	assert_int_equal(filtered.calls, 0);
	assert_int_equal(queued.calls, 1);
	td_receipt_fini(&receipt);
	road_fini(&road);
}

/* --- looking on --------------------------------------------------------------------------- */

static void note_moment(const struct td_trace *trace, void *arg)
{
	static const char *const names[] = {[TD_CREATED] = "created",
		[TD_PUBLISHED] = "published",
		[TD_ROUTED] = "routed",
		[TD_DELIVERED] = "delivered",
		[TD_PROCESSED] = "processed",
		[TD_DONE] = "done",
		[TD_GAVE_UP] = "gave-up",
		[TD_TRY_AGAIN] = "try-again"};

	assert_true(trace->at > 1600000000ll * 1000000000);
	diary_add(arg, "%s ", names[trace->moment]);
}

static void topic_and_publish_show_each_step_to_a_hook(void **state)
{
	struct actor a = {.name = "a"}, failing = {.name = "f", .fails = 1, .class_ = TD_RETRY};
	struct diary diary = {""};
	struct td *td = open_place(NULL);
	struct td_topic *topic;
	struct td_event *event;

	(void)state;
	subscribe(td, INTEREST(.type = "E"), &a);
	td_topic_open(&topic, td, "x", "E", NULL);
	td_event_new(&event, EVENT("E", "x"), NULL);
	td_topic_publish(topic, event, NULL, NULL);
	td_trace_set(td, note_moment, &diary);
	td_topic_publish(topic, event, NULL, NULL);
	assert_diary(&diary, "published routed delivered processed done ");
	diary.text[0] = '\0';
	publish(td, "E", "x");
	assert_diary(&diary, "created published routed delivered processed done ");
	diary.text[0] = '\0';
	subscribe(td,
		INTEREST(.type = "F", .async = true, .retry = {.attempts_max = 2, .first_ms = 1}),
		&failing);
	publish(td, "F", "x");
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_diary(&diary,
		"created published routed delivered processed try-again delivered processed done ");
	td_trace_set(td, NULL, NULL);
	td_topic_publish(topic, event, NULL, NULL);
	assert_int_equal(a.calls, 4);
	td_event_unref(event);
	td_topic_close(topic);
	td_close(td);
}

/* --- threads ------------------------------------------------------------------------------ */

struct hammer {
	struct td *td;
	_Atomic bool stop;
	_Atomic long published;
};

static int touch(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	(void)context;
	__atomic_fetch_add(
		(long *)arg, 1, __ATOMIC_RELAXED); /* freed by release: a late call would show */
	return 0;
}

static void *hammer_topic(void *arg)
{
	struct hammer *hammer = arg;
	struct td_topic *topic;
	struct td_event *event;

	td_topic_open(&topic, hammer->td, "x", "E", NULL);
	td_event_new(&event, EVENT("E", "x"), NULL);
	while (!hammer->stop) {
		td_topic_publish(topic, event, NULL, NULL);
		publish(hammer->td, "E", "x");
		hammer->published++;
	}
	td_event_unref(event);
	td_topic_close(topic);
	return NULL;
}

static void topic_may_be_published_while_interests_come_and_go(void **state)
{
	struct hammer hammer = {.td = open_place(NULL)};
	pthread_t threads[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, hammer_topic, &hammer);
	for (int round = 0; round < 300; round++) {
		struct td_subscription *s[3];

		for (int i = 0; i < 3; i++) {
			long *counter = malloc(sizeof(*counter));

			*counter = 0;
			assert_int_equal(td_subscribe(hammer.td,
						 INTEREST(.type = i == 0 ? "E" : NULL,
							 .release = free, .async = i == 2),
						 touch, counter, &s[i], NULL),
				0);
		}
		for (int i = 0; i < 3; i++)
			td_unsubscribe(s[i]);
	}
	while (hammer.published < 100)
		usleep(1000);
	hammer.stop = true;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	td_close(hammer.td);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#ifndef OCCUPIED
		cmocka_unit_test(topic_fast_road_allocates_locks_and_reads_no_clock),
		cmocka_unit_test(topic_fast_road_makes_no_system_call),
#endif
		cmocka_unit_test(topic_refuses_events_of_another_address_or_type),
		cmocka_unit_test(topic_follows_changes_of_interest),
		cmocka_unit_test(topic_serves_filters_queues_receipts_and_failures_too),
		cmocka_unit_test(topic_and_publish_show_each_step_to_a_hook),
		cmocka_unit_test(topic_may_be_published_while_interests_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
