#include "clock.h"

#include <poll.h>
#include <pthread.h>
#include <time.h>

/*
 * What is queued: order by subject, retries, parking, stopping, full queues, waiting, closing.
 */

static void sleep_ms(long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&ts, NULL);
}

/* --- the loop ----------------------------------------------------------------------------- */

static void lane_waits_for_a_turn_of_the_loop(void **state)
{
	struct actor a = {.name = "a"};
	struct td *td = open_place(NULL);
	struct td_receipt receipt = TD_RECEIPT_INIT;
	struct pollfd poll_fd = {.events = POLLIN};

	(void)state;
	subscribe(td, INTEREST(.async = true), &a);
	poll_fd.fd = td_loop_fd(td);
	assert_int_equal(poll(&poll_fd, 1, 0), 0);
	assert_int_equal(td_publish(td, EVENT("E", "x"), &receipt, NULL), 0);
	assert_int_equal(receipt.queued, 1);
	assert_int_equal(a.calls, 0);
	assert_int_equal(poll(&poll_fd, 1, 0), 1);
	assert_int_equal(td_loop_turn(td, 0), 1);
	assert_int_equal(a.calls, 1);
	assert_int_equal(poll(&poll_fd, 1, 0), 0);
	assert_int_equal(td_loop_turn(td, 0), 0);
	assert_int_equal(td_await(td, &receipt, 0, NULL), 0);
	assert_int_equal(receipt.completed, 1);
	td_receipt_fini(&receipt);
	td_close(td);
}

static int ask_inside(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	(void)arg;
	return td_request(td_context_place(context), TD_QUERY, EVENT("Q", "x"), -1, NULL, NULL);
}

static void turn_counts_what_a_request_ran_inside_it(void **state)
{
	struct actor answerer = {.name = "answerer"};
	struct td *td = open_place(NULL);

	(void)state;
	assert_int_equal(
		td_handle(td, TD_QUERY, "Q", act, &answerer, INTEREST(.async = true), NULL, NULL),
		0);
	assert_int_equal(
		td_subscribe(td, INTEREST(.async = true), ask_inside, NULL, NULL, NULL), 0);
	assert_int_equal(publish(td, "E", "x"), 0);
	assert_int_equal(td_loop_turn(td, 0), 2);
	assert_int_equal(answerer.calls, 1);
	td_close(td);
}

static void lane_wakes_the_loop_when_a_retry_is_due(void **state)
{
	struct actor a = {.name = "a", .fails = 1, .class_ = TD_RETRY};
	struct td *td = open_place(NULL);
	struct pollfd poll_fd = {.events = POLLIN};

	(void)state;
	subscribe(td,
		INTEREST(.async = true, .retry = {.attempts_max = 2, .first_ms = 30, .jitter = -1}),
		&a);
	assert_int_equal(publish(td, "E", "x"), 0);
	assert_true(td_loop_turn(td, 0) > 0); /* 2, if this machine held us up for 30 ms */
	poll_fd.fd = td_loop_fd(td);
	while (a.calls < 2) {
		assert_int_equal(poll(&poll_fd, 1, -1), 1);
		td_loop_turn(td, 0);
	}
	assert_int_equal(poll(&poll_fd, 1, 0), 0);
	td_close(td);
}

static void lane_retries_when_it_is_due_and_not_before(void **state)
{
	struct actor a = {.name = "a", .fails = 2, .class_ = TD_RETRY};
	struct still_clock clock;
	struct td *td = open_place_at(&clock, NULL);

	(void)state;
	subscribe(td,
		INTEREST(.async = true, .retry = {.attempts_max = 3, .first_ms = 30, .jitter = -1}),
		&a);
	assert_int_equal(publish(td, "E", "x"), 0);
	assert_int_equal(td_loop_turn(td, 0), 1);
	still_clock_move_ms(&clock, 29);
	assert_int_equal(td_loop_turn(td, 0), 0);
	still_clock_move_ms(&clock, 1);
	assert_int_equal(td_loop_turn(td, 0), 1);
	still_clock_move_ms(&clock, 59);
	assert_int_equal(td_loop_turn(td, 0), 0);
	still_clock_move_ms(&clock, 1);
	assert_int_equal(td_loop_turn(td, 0), 1);
	assert_int_equal(a.calls, 3);
	td_close(td);
}

static void lane_asks_nothing_of_synchronous_handlers(void **state)
{
	struct actor sync = {.name = "sync"};
	struct td *td = open_place(&(struct td_options){.async = true});
	struct td_receipt receipt = TD_RECEIPT_INIT;

	(void)state;
	subscribe(td, INTEREST(.sync = true), &sync);
	assert_int_equal(td_publish(td, EVENT("E", "x"), NULL, NULL), 0);
	assert_int_equal(sync.calls, 1);
	/* ... unless the publisher wants it queued */
	assert_int_equal(td_publish_with(td, EVENT("E", "x"), TD_ASYNC, &receipt, NULL), 0);
	assert_int_equal(sync.calls, 1);
	assert_int_equal(td_await(td, &receipt, -1, NULL), 0);
	assert_int_equal(sync.calls, 2);
	td_receipt_fini(&receipt);
	td_close(td);
}

/* --- failing ------------------------------------------------------------------------------ */

static void lane_retries_and_gives_up_with_a_letter(void **state)
{
	struct actor a = {.name = "a", .fails = -1, .class_ = TD_RETRY};
	struct diary letter = {""};
	struct actor mourner = {.name = "letter", .diary = &letter};
	struct td *td = open_place(NULL);
	struct td_receipt receipt = TD_RECEIPT_INIT;
	const struct td_outcome *outcomes;

	(void)state;
	subscribe(td,
		INTEREST(.name = "payer", .async = true, .type = "E",
			.retry = {.attempts_max = 3, .first_ms = 1, .jitter = -1}),
		&a);
	subscribe(td, INTEREST(.type = TD_DEAD_LETTER), &mourner);
	assert_int_equal(td_publish(td, EVENT("E", "x"), &receipt, NULL), 0);
	assert_int_equal(td_await(td, &receipt, -1, NULL), 0);
	assert_int_equal(a.calls, 3);
	assert_int_equal(receipt.failed, 1);
	assert_int_equal(td_receipt_outcomes(&receipt, &outcomes), 1);
	assert_int_equal(outcomes[0].state, TD_FAILED);
	assert_true(td_text_is(outcomes[0].reason, "a says no"));
	assert_diary(&letter, "letter:td.deadletter.added@td.deadletter.payer ");
	td_receipt_fini(&receipt);
	td_close(td);
}

static int publish_and_fail(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	(void)arg;
	publish(td_context_place(context), "Said", "x");
	return td_fail(context, TD_SKIP, "no");
}

static int hear_slowly(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	(void)context;
	sleep_ms(20);
	__atomic_fetch_add((int *)arg, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static void lane_is_not_idle_while_what_a_failure_set_off_runs(void **state)
{
	(void)state;
	for (int async = 0; async < 2; async++) {
		struct td *td = open_place(&(struct td_options){.workers = 2});
		int heard = 0;

		td_subscribe(td, INTEREST(.type = "E", .async = true), publish_and_fail, NULL, NULL,
			NULL);
		td_subscribe(td, INTEREST(.type = "Said", .async = async), hear_slowly, &heard,
			NULL, NULL);
		td_subscribe(td, INTEREST(.type = TD_DEAD_LETTER, .async = async), hear_slowly,
			&heard, NULL, NULL);
		publish(td, "E", "x");
		sleep_ms(10); /* it has failed, and is heard of */
		assert_int_equal(td_drain(td, -1, NULL), 0);
		assert_int_equal(__atomic_load_n(&heard, __ATOMIC_SEQ_CST), 2);
		td_close(td);
	}
}

static void lane_keeps_the_order_of_a_subject_while_it_retries(void **state)
{
	struct diary diary = {""};
	struct actor a = {.name = "a", .diary = &diary, .fails = 1, .class_ = TD_RETRY};
	struct td *td = open_place(NULL);

	(void)state;
	subscribe(td,
		INTEREST(.async = true, .retry = {.attempts_max = 3, .first_ms = 20, .jitter = -1}),
		&a);
	publish(td, "E1", "x");
	publish(td, "E2", "x");
	publish(td, "F1", "y");
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_diary(&diary, "a:E1@x a:F1@y a:E1@x a:E2@x ");
	td_close(td);
}

static void lane_parks_a_key_and_releases_it_in_order(void **state)
{
	struct diary diary = {""};
	struct actor a = {.name = "a", .diary = &diary, .fails = 1, .class_ = TD_PARK};
	struct td *td = open_place(NULL);
	struct td_subscription_status status;

	(void)state;
	struct td_subscription *s = subscribe(td, INTEREST(.async = true), &a);
	publish(td, "E1", "x");
	publish(td, "E2", "x");
	publish(td, "F1", "y");
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_diary(&diary, "a:E1@x a:F1@y ");
	td_subscription_status(s, &status);
	assert_int_equal(status.parked, 2);
	assert_int_equal(status.failed, 1);
	assert_int_equal(td_redrive(s, "nobody", NULL), TD_E_NOT_FOUND);
	assert_int_equal(td_redrive(s, "x", NULL), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_diary(&diary, "a:E1@x a:F1@y a:E1@x a:E2@x ");
	td_close(td);
}

static void lane_forgets_a_parked_event_that_is_dismissed(void **state)
{
	struct diary diary = {""};
	struct actor a = {.name = "a", .diary = &diary, .fails = 1, .class_ = TD_PARK};
	struct td *td = open_place(NULL);

	(void)state;
	struct td_subscription *s = subscribe(td, INTEREST(.async = true), &a);
	publish(td, "E1", "x");
	publish(td, "E2", "x");
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_int_equal(td_dismiss(s, NULL, NULL), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_diary(&diary, "a:E1@x a:E2@x ");
	td_close(td);
}

static void lane_stops_and_resumes_with_the_same_event(void **state)
{
	struct diary diary = {""};
	struct actor a = {.name = "a", .diary = &diary, .fails = 1, .class_ = TD_STOP};
	struct td *td = open_place(NULL);
	struct td_subscription_status status;

	(void)state;
	struct td_subscription *s = subscribe(td, INTEREST(.async = true), &a);
	assert_int_equal(td_resume(s, NULL), TD_E_INVALID);
	publish(td, "E1", "x");
	publish(td, "E2", "y");
	assert_int_equal(td_drain(td, -1, NULL), 0);
	td_subscription_status(s, &status);
	assert_true(status.stopped);
	assert_int_equal(status.waiting, 2);
	assert_int_equal(td_resume(s, NULL), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_int_equal(
		a.calls, 3); /* the first one twice; of another subject's order nothing is said */
	td_subscription_status(s, &status);
	assert_int_equal(status.completed, 2);
	assert_false(status.stopped);
	td_close(td);
}

static void lane_holds_what_a_synchronous_handler_parked(void **state)
{
	struct diary diary = {""};
	struct actor a = {.name = "a", .diary = &diary, .fails = 1, .class_ = TD_PARK};
	struct td *td = open_place(NULL);
	struct td_receipt receipt = TD_RECEIPT_INIT;
	const struct td_outcome *outcomes;

	(void)state;
	struct td_subscription *s = subscribe(td, NULL, &a);
	assert_int_equal(td_publish(td, EVENT("E1", "x"), &receipt, NULL), TD_E_HANDLER);
	assert_int_equal(td_receipt_outcomes(&receipt, &outcomes), 1);
	assert_int_equal(outcomes[0].state, TD_PARKED);
	assert_int_equal(td_publish(td, EVENT("E2", "x"), &receipt, NULL), 0);
	assert_int_equal(receipt.queued, 1);
	assert_int_equal(td_publish(td, EVENT("F1", "y"), &receipt, NULL), 0);
	assert_int_equal(receipt.completed, 1);
	assert_diary(&diary, "a:E1@x a:F1@y ");
	assert_int_equal(td_redrive(s, NULL, NULL), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_diary(&diary, "a:E1@x a:F1@y a:E1@x a:E2@x ");
	td_receipt_fini(&receipt);
	td_close(td);
}

static void lane_retries_a_synchronous_handler_later(void **state)
{
	struct diary diary = {""};
	struct actor a = {.name = "a", .diary = &diary, .fails = 1, .class_ = TD_RETRY};
	struct still_clock clock;
	struct td *td = open_place_at(&clock, NULL);
	struct td_receipt receipt = TD_RECEIPT_INIT;

	(void)state;
	subscribe(td, INTEREST(.retry = {.attempts_max = 2, .first_ms = 300, .jitter = -1}), &a);
	assert_int_equal(td_publish(td, EVENT("E1", "x"), &receipt, NULL), 0);
	assert_int_equal(receipt.queued, 1);
	assert_int_equal(publish(td, "E2", "x"), 0);
	assert_int_equal(td_loop_turn(td, 0), 0);
	assert_diary(&diary, "a:E1@x ");
	still_clock_move_ms(&clock, 300);
	assert_int_equal(td_loop_turn(td, 0), 2);
	assert_int_equal(td_await(td, &receipt, 0, NULL), 0);
	assert_int_equal(receipt.completed, 1);
	assert_diary(&diary, "a:E1@x a:E1@x a:E2@x ");
	td_receipt_fini(&receipt);
	td_close(td);
}

/* --- full queues -------------------------------------------------------------------------- */

static void lane_refuses_when_full_and_nothing_is_published(void **state)
{
	struct actor full = {.name = "full"}, other = {.name = "other"};
	struct td *td = open_place(NULL);
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	subscribe(td, NULL, &other);
	subscribe(td,
		INTEREST(.name = "full", .async = true, .queue_max = 2, .when_full = TD_REFUSE),
		&full);
	assert_int_equal(publish(td, "E", "1"), 0);
	assert_int_equal(publish(td, "E", "2"), 0);
	assert_int_equal(td_publish(td, EVENT("E", "3"), NULL, &err), TD_E_FULL);
	assert_non_null(strstr(err.text, "full"));
	assert_int_equal(other.calls, 2);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_int_equal(publish(td, "E", "4"), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_int_equal(full.calls, 3);
	td_close(td);
}

static void lane_drops_the_oldest_of_an_observer(void **state)
{
	struct diary diary = {""};
	struct actor a = {.name = "a", .diary = &diary};
	struct td *td = open_place(NULL);
	struct td_subscription_status status;
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	assert_int_equal(td_subscribe(td, INTEREST(.async = true, .when_full = TD_DROP_OLDEST), act,
				 &a, NULL, &err),
		TD_E_INVALID);
	struct td_subscription *s = subscribe(td,
		INTEREST(.async = true, .observer = true, .queue_max = 2,
			.when_full = TD_DROP_OLDEST),
		&a);
	for (int i = 1; i <= 5; i++) {
		char subject[16];

		snprintf(subject, sizeof(subject), "%d", i);
		assert_int_equal(publish(td, "E", subject), 0);
	}
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_diary(&diary, "a:E@4 a:E@5 ");
	td_subscription_status(s, &status);
	assert_int_equal(status.dropped, 3);
	td_close(td);
}

static void lane_makes_the_publisher_wait_and_turns_for_him(void **state)
{
	struct actor a = {.name = "a"};
	struct td *td = open_place(NULL);

	(void)state;
	subscribe(td, INTEREST(.async = true, .queue_max = 4), &a);
	for (int i = 0; i < 100; i++)
		assert_int_equal(publish(td, "E", "x"), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_int_equal(a.calls, 100);
	td_close(td);
}

/* --- workers ------------------------------------------------------------------------------ */

#define SUBJECTS 16
#define EACH     2000

struct ordered {
	pthread_mutex_t lock;
	int next[SUBJECTS];
	int running[SUBJECTS];
	int wrong;
	int fail_every;
	int calls;
};

static int number_of(struct td_text text)
{
	char digits[16];

	return atoi(td_text_copy(text, digits, sizeof(digits)) + 1);
}

/* Events carry their number in their type: E0, E1, ... per subject. */
static int check_order(const struct td_event *event, struct td_context *context, void *arg)
{
	struct ordered *ordered = arg;
	int subject = number_of(td_event_subject(event));
	int number = number_of(td_event_type(event));
	int fail = 0;

	pthread_mutex_lock(&ordered->lock);
	ordered->calls++;
	if (ordered->running[subject]++ != 0)
		ordered->wrong++;
	if (number != ordered->next[subject])
		ordered->wrong++;
	pthread_mutex_unlock(&ordered->lock);

	fail = ordered->fail_every != 0 && number % ordered->fail_every == 0 &&
	       td_context_attempt(context) == 1;

	pthread_mutex_lock(&ordered->lock);
	ordered->running[subject]--;
	if (!fail)
		ordered->next[subject]++;
	pthread_mutex_unlock(&ordered->lock);
	return fail ? td_fail(context, TD_RETRY, "first time") : 0;
}

struct publisher {
	struct td *td;
	int from, to, each;
};

static void *publish_range(void *arg)
{
	const struct publisher *p = arg;

	for (int i = 0; i < p->each; i++) {
		for (int s = p->from; s < p->to; s++) {
			char type[16], subject[16];

			snprintf(type, sizeof(type), "E%d", i);
			snprintf(subject, sizeof(subject), "s%d", s);
			if (publish(p->td, type, subject) != 0)
				abort();
		}
	}
	return NULL;
}

static void run_ordered(int fail_every, int each, size_t queue_max)
{
	if (place_is_far()) /* each waits for a disk, and comes back */
		each /= 20;
	struct ordered ordered = {.lock = PTHREAD_MUTEX_INITIALIZER, .fail_every = fail_every};
	struct td *td = open_place(&(struct td_options){.workers = 4});
	struct publisher publishers[2] = {
		{td, 0, SUBJECTS / 2, each}, {td, SUBJECTS / 2, SUBJECTS, each}};
	pthread_t threads[2];
	struct td_subscription *subscription;
	struct td_subscription_status status;

	assert_int_equal(td_subscribe(td,
				 INTEREST(.async = true, .queue_max = queue_max,
					 .retry = {.attempts_max = 2, .first_ms = 1}),
				 check_order, &ordered, &subscription, NULL),
		0);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, publish_range, &publishers[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_int_equal(ordered.wrong, 0);
	for (int s = 0; s < SUBJECTS; s++)
		assert_int_equal(ordered.next[s], each);
	td_subscription_status(subscription, &status);
	assert_int_equal(status.completed, SUBJECTS * each);
	assert_int_equal(status.waiting + status.running + status.retrying, 0);
	td_close(td);
}

static void lane_keeps_each_subject_in_order_across_workers(void **state)
{
	(void)state;
	run_ordered(0, EACH, 0);
}

static void lane_keeps_order_across_workers_with_failures_and_short_queues(void **state)
{
	(void)state;
	run_ordered(50, 300, 8);
}

/* Each waits until all are in: nobody goes on before, and so nothing but being run at once helps. */
#define AT_ONCE 8

static int meet_all(const struct td_event *event, struct td_context *context, void *arg)
{
	int *entered = arg;

	(void)event;
	(void)context;
	__atomic_fetch_add(entered, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(entered, __ATOMIC_SEQ_CST) < AT_ONCE)
		sleep_ms(1);
	return 0;
}

static void lane_runs_different_subjects_in_parallel(void **state)
{
	struct td *td = open_place(&(struct td_options){.workers = AT_ONCE});
	int calls = 0;

	(void)state;
	td_subscribe(td, INTEREST(.async = true), meet_all, &calls, NULL, NULL);
	for (int i = 0; i < 32; i++) {
		char subject[16];

		snprintf(subject, sizeof(subject), "%d", i);
		publish(td, "E", subject);
	}
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_int_equal(calls, 32);
	td_close(td);
}

static int wait_inside(const struct td_event *event, struct td_context *context, void *arg)
{
	struct td_receipt receipt = TD_RECEIPT_INIT;
	int *codes = arg;

	(void)event;
	codes[0] = td_await(td_context_place(context), &receipt, 10, NULL);
	codes[1] = td_drain(td_context_place(context), 10, NULL);
	codes[2] = td_loop_turn(td_context_place(context), 0);
	return 0;
}

static void lane_refuses_to_wait_inside_a_handler(void **state)
{
	struct td *td = open_place(NULL);
	int codes[3] = {0};

	(void)state;
	td_subscribe(td, NULL, wait_inside, codes, NULL, NULL);
	publish(td, "E", "x");
	assert_int_equal(codes[0], TD_E_DEADLOCK);
	assert_int_equal(codes[1], TD_E_DEADLOCK);
	assert_int_equal(codes[2], -TD_E_DEADLOCK);
	td_close(td);
}

static void lane_says_when_time_is_up(void **state)
{
	struct actor a = {.name = "a", .fails = -1, .class_ = TD_RETRY};
	struct td *td = open_place(NULL);
	struct td_receipt receipt = TD_RECEIPT_INIT;

	(void)state;
	subscribe(td, INTEREST(.async = true, .retry = {.attempts_max = 9, .first_ms = 60000}), &a);
	assert_int_equal(td_publish(td, EVENT("E", "x"), &receipt, NULL), 0);
	assert_int_equal(td_await(td, &receipt, 20, NULL), TD_E_TIMEOUT);
	assert_int_equal(td_drain(td, 20, NULL), TD_E_TIMEOUT);
	td_receipt_fini(&receipt);
	td_close(td); /* drops what is owed */
}

static void lane_is_dropped_when_unsubscribed(void **state)
{
	struct actor a = {.name = "a"};
	struct td *td = open_place(NULL);
	struct td_receipt receipt = TD_RECEIPT_INIT;
	const struct td_outcome *outcomes;

	(void)state;
	struct td_subscription *s = subscribe(td, INTEREST(.async = true), &a);
	assert_int_equal(td_publish(td, EVENT("E", "x"), &receipt, NULL), 0);
	td_unsubscribe(s);
	assert_int_equal(td_await(td, &receipt, -1, NULL), 0);
	assert_int_equal(td_receipt_outcomes(&receipt, &outcomes), 1);
	assert_int_equal(outcomes[0].state, TD_DROPPED);
	assert_int_equal(a.calls, 0);
	td_receipt_fini(&receipt);
	td_close(td);
}

static void lane_may_be_owed_more_than_its_ring_holds(void **state)
{
	struct actor a = {.name = "a"};
	struct td *td = open_place(NULL);

	(void)state;
	subscribe(td, INTEREST(.async = true), &a);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(publish(td, "E", "x"), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_int_equal(a.calls, 5000);
	td_close(td);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lane_waits_for_a_turn_of_the_loop),
		cmocka_unit_test(turn_counts_what_a_request_ran_inside_it),
		cmocka_unit_test(lane_wakes_the_loop_when_a_retry_is_due),
		cmocka_unit_test(lane_retries_when_it_is_due_and_not_before),
		cmocka_unit_test(lane_asks_nothing_of_synchronous_handlers),
		cmocka_unit_test(lane_retries_and_gives_up_with_a_letter),
		cmocka_unit_test(lane_is_not_idle_while_what_a_failure_set_off_runs),
		cmocka_unit_test(lane_keeps_the_order_of_a_subject_while_it_retries),
		cmocka_unit_test(lane_parks_a_key_and_releases_it_in_order),
		cmocka_unit_test(lane_forgets_a_parked_event_that_is_dismissed),
		cmocka_unit_test(lane_stops_and_resumes_with_the_same_event),
		cmocka_unit_test(lane_holds_what_a_synchronous_handler_parked),
		cmocka_unit_test(lane_retries_a_synchronous_handler_later),
		cmocka_unit_test(lane_refuses_when_full_and_nothing_is_published),
		cmocka_unit_test(lane_drops_the_oldest_of_an_observer),
		cmocka_unit_test(lane_makes_the_publisher_wait_and_turns_for_him),
		cmocka_unit_test(lane_keeps_each_subject_in_order_across_workers),
		cmocka_unit_test(lane_keeps_order_across_workers_with_failures_and_short_queues),
		cmocka_unit_test(lane_runs_different_subjects_in_parallel),
		cmocka_unit_test(lane_refuses_to_wait_inside_a_handler),
		cmocka_unit_test(lane_says_when_time_is_up),
		cmocka_unit_test(lane_is_dropped_when_unsubscribed),
		cmocka_unit_test(lane_may_be_owed_more_than_its_ring_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
