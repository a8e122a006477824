#include "clock.h"

#include <pthread.h>
#include <time.h>

/*
 * What a worker takes at once must not show: turns, order and answers are as one by one, and nobody
 * waits for what another holds and has not begun.
 */

static void sleep_ms(long ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&ts, NULL);
}

/* A flag that threads wait for: a minute, and then it is not raised because something is wrong. */
struct flag {
	int raised;
};

static void flag_raise(struct flag *flag)
{
	__atomic_store_n(&flag->raised, 1, __ATOMIC_SEQ_CST);
}

static bool flag_wait(struct flag *flag)
{
	for (int i = 0; i < 60000 && !__atomic_load_n(&flag->raised, __ATOMIC_SEQ_CST); i++)
		sleep_ms(1);
	return __atomic_load_n(&flag->raised, __ATOMIC_SEQ_CST);
}

/* --- turns and order ---------------------------------------------------------------------- */

static void batch_gives_each_subject_its_turn(void **state)
{
	struct diary diary = {""};
	struct actor a = {.name = "a", .diary = &diary};
	struct td *td = open_place(NULL);

	(void)state;
	subscribe(td, INTEREST(.async = true), &a);
	publish(td, "E1", "x");
	publish(td, "E2", "x");
	publish(td, "E3", "x");
	publish(td, "E1", "y");
	publish(td, "E2", "y");
	publish(td, "E1", "z");
	assert_int_equal(td_loop_turn(td, 0), 6);
	assert_diary(&diary, "a:E1@x a:E1@y a:E1@z a:E2@x a:E2@y a:E3@x ");
	td_close(td);
}

/* The second of x fails, once. */
static int fail_second(const struct td_event *event, struct td_context *context, void *arg)
{
	diary_add(arg, "%.*s@%.*s ", TD_TEXT_ARG(td_event_type(event)),
		TD_TEXT_ARG(td_event_subject(event)));
	if (td_text_is(td_event_type(event), "E2") && td_text_is(td_event_subject(event), "x") &&
		td_context_attempt(context) == 1)
		return td_fail(context, TD_RETRY, "not yet");
	assert_true(td_context_attempt(context) == 1 || td_text_is(td_event_type(event), "E2"));
	return 0;
}

static void batch_goes_on_without_what_stands_behind_a_failure(void **state)
{
	struct diary diary = {""};
	struct still_clock clock;
	struct td *td = open_place_at(&clock, NULL);
	struct td_subscription *subscription;
	struct td_subscription_status status;

	(void)state;
	td_subscribe(td,
		INTEREST(.async = true, .retry = {.attempts_max = 2, .first_ms = 30, .jitter = -1}),
		fail_second, &diary, &subscription, NULL);
	publish(td, "E1", "x");
	publish(td, "E2", "x");
	publish(td, "E3", "x");
	publish(td, "E4", "x");
	publish(td, "E1", "y");
	publish(td, "E2", "y");
	publish(td, "E3", "y");
	assert_int_equal(td_loop_turn(td, 0), 5);
	assert_diary(&diary, "E1@x E1@y E2@x E2@y E3@y ");
	td_subscription_status(subscription, &status);
	assert_int_equal(status.completed, 4);
	assert_int_equal(status.waiting, 2);
	assert_int_equal(status.retrying, 1);
	still_clock_move_ms(&clock, 29);
	assert_int_equal(td_loop_turn(td, 0), 0);
	still_clock_move_ms(&clock, 1);
	assert_int_equal(td_loop_turn(td, 0), 3);
	assert_diary(&diary, "E1@x E1@y E2@x E2@y E3@y E2@x E3@x E4@x ");
	td_close(td);
}

static int stop_at_second(const struct td_event *event, struct td_context *context, void *arg)
{
	diary_add(arg, "%.*s@%.*s ", TD_TEXT_ARG(td_event_type(event)),
		TD_TEXT_ARG(td_event_subject(event)));
	if (td_text_is(td_event_type(event), "E2") && td_context_attempt(context) == 1 &&
		strlen(((struct diary *)arg)->text) < 20)
		return td_fail(context, TD_STOP, "not today");
	return 0;
}

static void batch_gives_all_back_that_a_stop_left_untried(void **state)
{
	struct diary diary = {""};
	struct td *td = open_place(NULL);
	struct td_subscription *subscription;
	struct td_subscription_status status;

	(void)state;
	td_subscribe(td, INTEREST(.async = true), stop_at_second, &diary, &subscription, NULL);
	publish(td, "E1", "x");
	publish(td, "E2", "x");
	publish(td, "E3", "x");
	publish(td, "E3", "y");
	assert_int_equal(td_loop_turn(td, 0), 3);
	assert_diary(&diary, "E1@x E3@y E2@x ");
	td_subscription_status(subscription, &status);
	assert_true(status.stopped);
	assert_int_equal(status.waiting, 2);
	assert_int_equal(td_resume(subscription, NULL), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_diary(&diary, "E1@x E3@y E2@x E2@x E3@x ");
	td_close(td);
}

/* --- what others wait for ----------------------------------------------------------------- */

/*
 * Each worker is held by one event while many subjects queue up; so the next batch is of several.
 * The first subject waits for the second: through an answer, or through a flag. Three workers: one
 * waits, one may answer, one has to be there for the second.
 */
#define WORKERS 3
#define HELD    32

struct hall {
	struct td *td;
	struct flag gate, second;
	int entered;
	bool ask, in_vain;
	int calls;
};

static int answer_after_second(const struct td_event *event, struct td_context *context, void *arg)
{
	struct hall *hall = arg;

	(void)event;
	if (!flag_wait(&hall->second))
		hall->in_vain = true;
	return td_reply(context, &(struct td_draft){.json = "1"}, NULL);
}

static int wait_for_second(struct hall *hall)
{
	struct td_event *reply = NULL;

	if (!hall->ask)
		return flag_wait(&hall->second);
	if (td_request(hall->td, TD_QUERY, &(struct td_draft){.type = "Ask"}, -1, &reply, NULL) !=
		0)
		return false;
	td_event_unref(reply);
	return !hall->in_vain;
}

static int guest(const struct td_event *event, struct td_context *context, void *arg)
{
	struct hall *hall = arg;

	(void)context;
	if (td_text_is(td_event_type(event), "Gate")) {
		__atomic_fetch_add(&hall->entered, 1, __ATOMIC_SEQ_CST);
		flag_wait(&hall->gate);
		return 0;
	}
	__atomic_fetch_add(&hall->calls, 1, __ATOMIC_SEQ_CST);
	if (td_text_is(td_event_subject(event), "hall.1"))
		flag_raise(&hall->second);
	else if (td_text_is(td_event_subject(event), "hall.0") && !wait_for_second(hall))
		hall->in_vain = true;
	return 0;
}

static void run_hall(bool ask, enum td_order order)
{
	struct hall hall = {.ask = ask};
	char subject[16];

	hall.td = open_place(&(struct td_options){.workers = WORKERS});
	td_subscribe(hall.td, INTEREST(.async = true, .order = order, .subject = "hall.*"), guest,
		&hall, NULL, NULL);
	td_handle(hall.td, TD_QUERY, "Ask", answer_after_second, &hall, INTEREST(.async = true),
		NULL, NULL);
	for (int i = 0; i < WORKERS; i++) {
		snprintf(subject, sizeof(subject), "hall.gate%d", i);
		assert_int_equal(publish(hall.td, "Gate", subject), 0);
		while (__atomic_load_n(&hall.entered, __ATOMIC_SEQ_CST) <= i)
			sleep_ms(1);
	}
	for (int i = 0; i < HELD; i++) {
		snprintf(subject, sizeof(subject), "hall.%d", i);
		assert_int_equal(publish(hall.td, "E", subject), 0);
	}
	flag_raise(&hall.gate);
	assert_int_equal(td_drain(hall.td, -1, NULL), 0);
	assert_false(hall.in_vain);
	assert_int_equal(hall.calls, HELD);
	td_close(hall.td);
}

static void handler_may_wait_for_a_later_key_of_its_batch_through_an_answer(void **state)
{
	(void)state;
	run_hall(true, TD_ORDER_SUBJECT);
	run_hall(true, TD_ORDER_NONE);
}

static void handler_may_wait_for_a_later_key_of_its_batch_in_its_own_way(void **state)
{
	(void)state;
	run_hall(false, TD_ORDER_SUBJECT);
	run_hall(false, TD_ORDER_NONE);
}

struct counter {
	struct td *td;
	struct flag gate, answered;
	int entered;
	bool in_vain;
};

/* The second waits until the first's answer has arrived; the gate is before both. */
static int serve(const struct td_event *event, struct td_context *context, void *arg)
{
	struct counter *counter = arg;

	(void)context;
	__atomic_fetch_add(&counter->entered, 1, __ATOMIC_SEQ_CST);
	if (td_text_is(td_event_subject(event), "gate"))
		flag_wait(&counter->gate);
	else if (td_text_is(td_event_subject(event), "second") && !flag_wait(&counter->answered))
		counter->in_vain = true;
	return 0;
}

static void *request_first(void *arg)
{
	struct counter *counter = arg;

	if (td_request(counter->td, TD_COMMAND, EVENT("Serve", "first"), -1, NULL, NULL) == 0)
		flag_raise(&counter->answered);
	return NULL;
}

static void answer_does_not_wait_for_the_rest_of_its_batch(void **state)
{
	struct counter counter = {.in_vain = false};
	struct td_subscription_status status = {.waiting = 0};
	struct td_subscription *handler;
	pthread_t thread;

	(void)state;
	counter.td = open_place(&(struct td_options){.workers = 1});
	td_handle(counter.td, TD_COMMAND, "Serve", serve, &counter, INTEREST(.async = true),
		&handler, NULL);
	td_command(counter.td, EVENT("Serve", "gate"), NULL, NULL);
	while (__atomic_load_n(&counter.entered, __ATOMIC_SEQ_CST) == 0)
		sleep_ms(1);
	pthread_create(&thread, NULL, request_first, &counter);
	while (td_subscription_status(handler, &status), status.waiting == 0)
		sleep_ms(1); /* the first is queued before the second, or would wait for it */
	td_command(counter.td, EVENT("Serve", "second"), NULL, NULL);
	flag_raise(&counter.gate);
	pthread_join(thread, NULL);
	assert_int_equal(td_drain(counter.td, -1, NULL), 0);
	assert_int_equal(counter.entered, 3);
	assert_false(counter.in_vain);
	td_close(counter.td);
}

/* --- full queues -------------------------------------------------------------------------- */

struct shop {
	struct flag gates[2];
	int entered;
	struct diary diary;
};

static int sell(const struct td_event *event, struct td_context *context, void *arg)
{
	struct shop *shop = arg;

	(void)context;
	diary_add(&shop->diary, "%.*s ", TD_TEXT_ARG(td_event_type(event)));
	__atomic_fetch_add(&shop->entered, 1, __ATOMIC_SEQ_CST);
	if (td_text_is(td_event_type(event), "E0"))
		flag_wait(&shop->gates[0]);
	else if (td_text_is(td_event_type(event), "E1"))
		flag_wait(&shop->gates[1]);
	return 0;
}

static void drop_oldest_drops_what_a_batch_has_not_begun(void **state)
{
	static const char *const types[] = {"E0", "E1", "E2", "E3", "E4", "E5", "E6"};
	struct shop shop = {.entered = 0};
	struct td *td = open_place(&(struct td_options){.workers = 1});
	struct td_subscription *subscription;
	struct td_subscription_status status;

	(void)state;
	td_subscribe(td,
		INTEREST(.async = true, .observer = true, .when_full = TD_DROP_OLDEST,
			.queue_max = 5),
		sell, &shop, &subscription, NULL);
	publish(td, types[0], "x");
	while (__atomic_load_n(&shop.entered, __ATOMIC_SEQ_CST) < 1)
		sleep_ms(1);
	for (int i = 1; i < 5; i++)
		publish(td, types[i], "x");
	flag_raise(&shop.gates[0]);
	while (__atomic_load_n(&shop.entered, __ATOMIC_SEQ_CST) < 2)
		sleep_ms(1);
	/* E1 runs, with E2, E3 and E4 in the same hand. */
	td_subscription_status(subscription, &status);
	assert_int_equal(status.running, 1);
	assert_int_equal(status.waiting, 3);
	assert_int_equal(status.completed, 1);
	publish(td, types[5], "x");
	publish(td, types[6], "x");
	flag_raise(&shop.gates[1]);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_diary(&shop.diary, "E0 E1 E3 E4 E5 E6 ");
	td_subscription_status(subscription, &status);
	assert_int_equal(status.dropped, 1);
	td_close(td);
}

/* --- all of it ---------------------------------------------------------------------------- */

#define SUBJECTS 40
#define EACH     60

struct crowd {
	pthread_mutex_t lock;
	int next[SUBJECTS];
	int calls, wrong;
};

static int dawdle(const struct td_event *event, struct td_context *context, void *arg)
{
	struct crowd *crowd = arg;
	char digits[16];
	int subject = atoi(td_text_copy(td_event_subject(event), digits, sizeof(digits)) + 1);
	int number = atoi(td_text_copy(td_event_type(event), digits, sizeof(digits)) + 1);
	bool slow, fail = number % 7 == 3 && td_context_attempt(context) == 1;

	pthread_mutex_lock(&crowd->lock);
	slow = ++crowd->calls % 97 == 0;
	crowd->wrong += number != crowd->next[subject];
	pthread_mutex_unlock(&crowd->lock);
	if (slow)
		sleep_ms(15);
	pthread_mutex_lock(&crowd->lock);
	crowd->next[subject] += !fail;
	pthread_mutex_unlock(&crowd->lock);
	return fail ? td_fail(context, TD_RETRY, "once") : 0;
}

static void batches_taken_back_from_slow_handlers_lose_and_reorder_nothing(void **state)
{
	struct crowd crowd = {.lock = PTHREAD_MUTEX_INITIALIZER};
	struct td *td = open_place(&(struct td_options){.workers = 3});
	char type[16], subject[16];

	(void)state;
	td_subscribe(td,
		INTEREST(.async = true, .retry = {.attempts_max = 2, .first_ms = 1, .jitter = -1}),
		dawdle, &crowd, NULL, NULL);
	for (int i = 0; i < EACH; i++)
		for (int s = 0; s < SUBJECTS; s++) {
			snprintf(type, sizeof(type), "E%d", i);
			snprintf(subject, sizeof(subject), "s%d", s);
			assert_int_equal(publish(td, type, subject), 0);
		}
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_int_equal(crowd.wrong, 0);
	for (int s = 0; s < SUBJECTS; s++)
		assert_int_equal(crowd.next[s], EACH);
	td_close(td);
}

/* Without workers, publishers on several threads run the lane of a synchronous handler. */
static int handle_slowly(const struct td_event *event, struct td_context *context, void *arg)
{
	struct crowd *crowd = arg;
	char digits[16];
	int subject = atoi(td_text_copy(td_event_subject(event), digits, sizeof(digits)) + 1);

	(void)context;
	sleep_ms(subject % 4 == 0 ? 12 : 0);
	pthread_mutex_lock(&crowd->lock);
	crowd->calls++;
	crowd->next[subject]++;
	pthread_mutex_unlock(&crowd->lock);
	return 0;
}

static void *publish_to_all(void *td)
{
	char subject[16];

	for (int i = 0; i < 4; i++)
		for (int s = 0; s < SUBJECTS; s++) {
			snprintf(subject, sizeof(subject), "s%d", s);
			if (publish(td, "E", subject) != 0)
				abort();
		}
	return NULL;
}

static void batches_of_publishers_without_workers_run_each_event_once(void **state)
{
	struct crowd crowd = {.lock = PTHREAD_MUTEX_INITIALIZER};
	struct td *td = open_place(NULL);
	pthread_t threads[3];

	(void)state;
	td_subscribe(td, INTEREST(.retry = {.attempts_max = 2}), handle_slowly, &crowd, NULL, NULL);
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, publish_to_all, td);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	for (int s = 0; s < SUBJECTS; s++)
		assert_int_equal(crowd.next[s], 3 * 4);
	td_close(td);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batch_gives_each_subject_its_turn),
		cmocka_unit_test(batch_goes_on_without_what_stands_behind_a_failure),
		cmocka_unit_test(batch_gives_all_back_that_a_stop_left_untried),
		cmocka_unit_test(handler_may_wait_for_a_later_key_of_its_batch_through_an_answer),
		cmocka_unit_test(handler_may_wait_for_a_later_key_of_its_batch_in_its_own_way),
		cmocka_unit_test(answer_does_not_wait_for_the_rest_of_its_batch),
		cmocka_unit_test(drop_oldest_drops_what_a_batch_has_not_begun),
		cmocka_unit_test(batches_taken_back_from_slow_handlers_lose_and_reorder_nothing),
		cmocka_unit_test(batches_of_publishers_without_workers_run_each_event_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
