#include "place.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/*
 * Promises of tidings.h where several mechanisms meet.
 */

static void wait_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

static void view_of_outcomes_outlives_a_retry(void **state)
{
	struct td *td = open_place(NULL);
	struct td_receipt receipt = TD_RECEIPT_INIT;
	struct actor actor = {.name = "retrier", .fails = -1, .class_ = TD_RETRY};
	const struct td_outcome *outcomes;

	(void)state;
	subscribe(td,
		INTEREST(.async = true, .retry = {.attempts_max = 5, .first_ms = 1, .jitter = -1}),
		&actor);
	assert_int_equal(td_publish(td, EVENT("T", "s"), &receipt, NULL), 0);
	while (actor.calls < 1)
		td_loop_turn(td, 100);
	assert_int_equal(td_receipt_outcomes(&receipt, &outcomes), 1);
	while (actor.calls < 3)
		td_loop_turn(td, 100);
	assert_true(td_text_is(outcomes[0].reason, "retrier says no"));
	td_receipt_fini(&receipt);
	assert_int_equal(td_close(td), 0);
}

/* Says something, fails, and says it again when it is tried again. */
static int replies_and_fails_once(
	const struct td_event *event, struct td_context *context, void *arg)
{
	struct td_error err = TD_ERROR_INIT;
	int *codes = arg;
	unsigned attempt = td_context_attempt(context);

	(void)event;
	codes[attempt - 1] = td_reply(context, &(struct td_draft){.json = "1"}, &err);
	return attempt == 1 ? td_fail(context, TD_RETRY, "not yet") : 0;
}

static void reply_of_a_failed_attempt_is_forgotten(void **state)
{
	struct td *td = open_place(NULL);
	struct td_error err = TD_ERROR_INIT;
	struct td_event *reply = NULL;
	int codes[2] = {-1, -1};

	(void)state;
	assert_int_equal(
		td_handle(td, TD_QUERY, "Q", replies_and_fails_once, codes,
			INTEREST(.async = true, .retry = {.attempts_max = 2, .first_ms = 1}), NULL,
			&err),
		0);
	assert_int_equal(td_request(td, TD_QUERY, EVENT("Q", "s"), -1, &reply, &err), 0);
	assert_int_equal(codes[0], 0);
	assert_int_equal(codes[1], 0);
	assert_non_null(reply);
	td_event_unref(reply);
	assert_int_equal(td_close(td), 0);
}

static void dead_letter_goes_out_at_the_end_of_a_chain_of_causes(void **state)
{
	struct td *td = open_place(&(struct td_options){.causes_max = 1});
	struct actor first = {.name = "first", .publishes = "Second"};
	struct actor second = {.name = "second", .fails = -1, .class_ = TD_SKIP};
	struct actor undertaker = {.name = "undertaker"};

	(void)state;
	subscribe(td, INTEREST(.type = "First"), &first);
	subscribe(td, INTEREST(.type = "Second"), &second);
	subscribe(td, INTEREST(.type = TD_DEAD_LETTER), &undertaker);
	assert_int_equal(publish(td, "First", "s"), TD_E_HANDLER);
	assert_int_equal(second.calls, 1);
	assert_int_equal(undertaker.calls, 1);
	assert_int_equal(td_close(td), 0);
}

static void publisher_is_told_which_handler_stopped(void **state)
{
	struct td *td = open_place(NULL);
	struct actor actor = {.name = "stopper", .fails = -1, .class_ = TD_STOP};
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	subscribe(td, INTEREST(.name = "it"), &actor);
	assert_int_equal(td_publish(td, EVENT("T", "s"), NULL, &err), TD_E_HANDLER);
	assert_int_equal(err.code, TD_E_HANDLER);
	assert_non_null(strstr(err.text, "stopper says no"));
	assert_int_equal(td_close(td), 0);
}

static void failing_observer_with_a_queue_stops_nobody(void **state)
{
	struct td *td = open_place(NULL);
	struct actor observer = {.name = "observer", .fails = -1, .class_ = TD_SKIP};
	struct actor other = {.name = "other"};

	(void)state;
	subscribe(td, INTEREST(.observer = true), &observer);
	subscribe(td, INTEREST(.name = "other"), &other);
	assert_int_equal(td_publish_with(td, EVENT("T", "s"), TD_ASYNC, NULL, NULL), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_int_equal(td_publish_with(td, EVENT("T", "s"), TD_STOP_AT_FIRST, NULL, NULL), 0);
	assert_int_equal(other.calls, 2);
	assert_int_equal(td_close(td), 0);
}

static void receipt_of_a_command_tells_its_outcome(void **state)
{
	struct td *td = open_place(NULL);
	struct td_receipt receipt = TD_RECEIPT_INIT;
	struct actor actor = {.name = "clerk", .fails = 1, .class_ = TD_SKIP};
	const struct td_outcome *outcomes;

	(void)state;
	assert_int_equal(td_handle(td, TD_COMMAND, "C", act, &actor, NULL, NULL, NULL), 0);
	assert_int_equal(td_command(td, EVENT("C", "s"), &receipt, NULL), TD_E_HANDLER);
	assert_int_equal(td_receipt_outcomes(&receipt, &outcomes), 1);
	assert_int_equal(outcomes[0].state, TD_FAILED);
	assert_true(td_text_is(outcomes[0].reason, "clerk says no"));
	assert_int_equal(td_command(td, EVENT("C", "s"), &receipt, NULL), 0);
	assert_int_equal(td_receipt_outcomes(&receipt, &outcomes), 1);
	assert_int_equal(outcomes[0].state, TD_COMPLETED);
	td_receipt_fini(&receipt);
	assert_int_equal(td_close(td), 0);
}

static void count_release(void *arg)
{
	__atomic_fetch_add(&((struct actor *)arg)->fails, 1, __ATOMIC_SEQ_CST);
}

static void wait_for_release(struct actor *actor)
{
	while (__atomic_load_n(&actor->fails, __ATOMIC_SEQ_CST) == 0)
		wait_ms(1);
}

/* The publisher waits for room; what makes room ends a subscription that he has chosen already. */
static void subscription_ended_while_its_publisher_waits_for_room(void **state)
{
	struct td *td = open_place(NULL);
	struct actor ender = {.name = "ender"};
	struct actor ended = {.name = "ended"};
	struct td_receipt receipt = TD_RECEIPT_INIT;
	const struct td_outcome *outcomes;

	(void)state;
	subscribe(td, INTEREST(.async = true, .queue_max = 1), &ender);
	ender.unsubscribes =
		subscribe(td, INTEREST(.type = "Two", .release = count_release), &ended);
	assert_int_equal(publish(td, "One", "s"), 0);
	assert_int_equal(td_publish_with(td, EVENT("Two", "s"), TD_ASYNC, &receipt, NULL), 0);
	assert_int_equal(td_await(td, &receipt, -1, NULL), 0);
	assert_int_equal(ended.calls, 0);
	assert_int_equal(ended.fails, 1); /* released */
	assert_int_equal(td_receipt_outcomes(&receipt, &outcomes), 2);
	assert_int_equal(outcomes[1].state, TD_DROPPED);
	td_receipt_fini(&receipt);
	td_loop_turn(td, 0);
	assert_int_equal(td_close(td), 0);
}

static void release_follows_when_the_last_publish_returns(void **state)
{
	struct td *td = open_place(NULL);
	struct actor actor = {.name = "once"};

	(void)state;
	actor.unsubscribes = subscribe(td, INTEREST(.release = count_release), &actor);
	assert_int_equal(publish(td, "T", "s"), 0);
	assert_int_equal(actor.calls, 1);
	assert_int_equal(td_close(td), 0);
	assert_int_equal(actor.fails, 1);
}

static void release_is_called_though_nobody_subscribes_again(void **state)
{
	struct td *td = open_place(&(struct td_options){.workers = 1});
	struct actor plain = {.name = "plain"}, queued = {.name = "queued"};

	(void)state;
	plain.unsubscribes = subscribe(td, INTEREST(.type = "P", .release = count_release), &plain);
	queued.unsubscribes = subscribe(
		td, INTEREST(.type = "Q", .async = true, .release = count_release), &queued);
	assert_int_equal(publish(td, "Q", "s"), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	wait_for_release(&queued);
	assert_int_equal(publish(td, "P", "s"), 0);
	assert_int_equal(plain.calls, 1);
	wait_for_release(&plain);
	assert_int_equal(td_close(td), 0);
	assert_int_equal(plain.fails, 1);
	assert_int_equal(queued.fails, 1);
}

/* Ends itself, then asks to be tried again. */
static int ends_itself_and_fails(
	const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	(void)arg;
	td_unsubscribe(td_context_subscription(context));
	return td_fail(context, TD_RETRY, "later");
}

static void await_ends_when_the_subscription_did(void **state)
{
	for (unsigned workers = 0; workers < 2; workers++) {
		struct td *td = open_place(&(struct td_options){.workers = workers});
		struct td_receipt receipt = TD_RECEIPT_INIT;

		(void)state;
		assert_int_equal(td_subscribe(td,
					 INTEREST(.async = true,
						 .retry = {.attempts_max = 3, .first_ms = 1}),
					 ends_itself_and_fails, NULL, NULL, NULL),
			0);
		assert_int_equal(td_publish(td, EVENT("T", "s"), &receipt, NULL), 0);
		assert_int_equal(td_await(td, &receipt, -1, NULL), 0);
		td_receipt_fini(&receipt);
		assert_int_equal(td_close(td), 0);
	}
}

static void slow_hook(const struct td_trace *trace, void *arg)
{
	(void)arg;
	if (trace->moment == TD_GAVE_UP)
		wait_ms(50);
}

static void drain_waits_for_the_letter_of_what_was_given_up(void **state)
{
	struct td *td = open_place(&(struct td_options){.workers = 1});
	struct actor failing = {.name = "failing", .fails = -1, .class_ = TD_SKIP};
	struct actor undertaker = {.name = "undertaker"};

	(void)state;
	td_trace_set(td, slow_hook, NULL);
	subscribe(td, INTEREST(.type = "T", .async = true), &failing);
	subscribe(td, INTEREST(.type = TD_DEAD_LETTER, .async = true), &undertaker);
	assert_int_equal(publish(td, "T", "s"), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_int_equal(undertaker.calls, 1);
	assert_int_equal(td_close(td), 0);
}

/* The first publish resolves the topic; those behind it take the fast road. */
static void publish_in_a_plain_handler_of_a_topic_is_not_lost(void **state)
{
	struct td *td = open_place(NULL);
	struct actor first = {.name = "first", .publishes = "Made"};
	struct actor made = {.name = "made"};
	struct td_topic *topic;
	struct td_event *event;

	(void)state;
	subscribe(td, INTEREST(.type = "T"), &first);
	subscribe(td, INTEREST(.type = "Made"), &made);
	assert_int_equal(td_topic_open(&topic, td, "s", "T", NULL), 0);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(td_event_new(&event, EVENT("T", "s"), NULL), 0);
		assert_int_equal(td_topic_publish(topic, event, NULL, NULL), 0);
		assert_int_equal(made.calls, i);
		td_event_unref(event);
	}
	td_topic_close(topic);
	assert_int_equal(td_close(td), 0);
}

static _Atomic int tried;

static int never_succeeds(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	(void)arg;
	tried++;
	return td_fail_after(context, 3600000, "in an hour");
}

static void *request_for_ever(void *arg)
{
	struct td_error err = TD_ERROR_INIT;

	return (void *)(intptr_t)td_request(arg, TD_QUERY, EVENT("Q", "s"), -1, NULL, &err);
}

static void close_does_not_wait_for_an_answer(void **state)
{
	struct td *td = open_place(&(struct td_options){.workers = 1});
	pthread_t thread;
	void *code;

	(void)state;
	tried = 0;
	assert_int_equal(td_handle(td, TD_QUERY, "Q", never_succeeds, NULL,
				 INTEREST(.async = true, .retry = {.attempts_max = 9}), NULL, NULL),
		0);
	assert_int_equal(pthread_create(&thread, NULL, request_for_ever, td), 0);
	while (tried == 0)
		wait_ms(1);
	assert_int_equal(td_close(td), 0);
	pthread_join(thread, &code);
	assert_int_equal((intptr_t)code, TD_E_CLOSED);
}

/* Ends another subscription while the publisher's cascade waits for it. */
static void subscription_that_ended_is_no_failing_handler(void **state)
{
	struct td *td = open_place(NULL);
	struct actor ended = {.name = "ended"}, behind = {.name = "behind"};

	(void)state;
	/* Its lane is owed One; before it handles Two it handles that, and ends itself. */
	ended.unsubscribes = subscribe(td, INTEREST(.retry = {.attempts_max = 2}), &ended);
	subscribe(td, INTEREST(.type = "Two"), &behind);
	assert_int_equal(td_publish_with(td, EVENT("One", "s"), TD_ASYNC, NULL, NULL), 0);
	assert_int_equal(td_publish_with(td, EVENT("Two", "s"), TD_STOP_AT_FIRST, NULL, NULL), 0);
	assert_int_equal(ended.calls, 1);
	assert_int_equal(behind.calls, 1);
	assert_int_equal(td_close(td), 0);
}

/* Publishes to its own lane, and then wants to be parked. */
static int queues_another_and_parks(
	const struct td_event *event, struct td_context *context, void *arg)
{
	struct actor *actor = arg;

	diary_add(actor->diary, "%.*s ", TD_TEXT_ARG(td_event_type(event)));
	if (actor->calls++ > 0)
		return 0;
	assert_int_equal(
		td_publish_with(td_context_place(context), EVENT("Two", "s"), TD_ASYNC, NULL, NULL),
		0);
	return td_fail(context, TD_PARK, "no");
}

static void plain_handler_that_cannot_park_yet_is_said_to_be_queued(void **state)
{
	struct td *td = open_place(NULL);
	struct td_receipt receipt = TD_RECEIPT_INIT;
	struct diary diary = {""};
	struct actor actor = {.diary = &diary}, undertaker = {.name = "undertaker"};
	const struct td_outcome *outcomes;

	(void)state;
	assert_int_equal(td_subscribe(td, NULL, queues_another_and_parks, &actor, NULL, NULL), 0);
	subscribe(td, INTEREST(.type = TD_DEAD_LETTER), &undertaker);
	assert_int_equal(td_publish(td, EVENT("One", "s"), &receipt, NULL), 0);
	assert_int_equal(receipt.queued, 1);
	assert_int_equal(td_receipt_outcomes(&receipt, &outcomes), 1);
	assert_int_equal(outcomes[0].state, TD_QUEUED);
	assert_int_equal(td_await(td, &receipt, 0, NULL), 0);
	assert_int_equal(receipt.completed, 1);
	assert_diary(&diary, "One Two One ");
	assert_int_equal(undertaker.calls, 0);
	td_receipt_fini(&receipt);
	assert_int_equal(td_close(td), 0);
}

/* What a hook saw of the ends of deliveries. */
static void note_ends(const struct td_trace *trace, void *arg)
{
	struct diary *diary = arg;

	if (trace->moment == TD_GAVE_UP)
		diary_add(diary, "%s@%.*s ", td_state_name(trace->state),
			TD_TEXT_ARG(td_event_type(trace->event)));
}

static void subscription_that_ends_while_its_publisher_waits_for_room_drops(void **state)
{
	struct td *td = open_place(NULL);
	struct td_receipt receipt = TD_RECEIPT_INIT;
	struct actor ended = {.name = "ended"}, behind = {.name = "behind"};
	struct actor undertaker = {.name = "undertaker"};
	const struct td_outcome *outcomes;
	struct diary ends = {""};

	(void)state;
	/* It handles One to make room for Two, and ends itself there. */
	ended.unsubscribes =
		subscribe(td, INTEREST(.queue_max = 1, .retry = {.attempts_max = 2}), &ended);
	subscribe(td, INTEREST(.type = "Two"), &behind);
	subscribe(td, INTEREST(.type = TD_DEAD_LETTER), &undertaker);
	td_trace_set(td, note_ends, &ends);
	assert_int_equal(td_publish_with(td, EVENT("One", "s"), TD_ASYNC, NULL, NULL), 0);
	assert_int_equal(
		td_publish_with(td, EVENT("Two", "s"), TD_STOP_AT_FIRST, &receipt, NULL), 0);
	assert_int_equal(ended.calls, 1);
	assert_int_equal(behind.calls, 1);
	assert_int_equal(undertaker.calls, 0);
	assert_int_equal(receipt.completed, 1);
	assert_int_equal(receipt.failed, 0);
	assert_int_equal(td_receipt_outcomes(&receipt, &outcomes), 2);
	assert_int_equal(outcomes[0].state, TD_DROPPED);
	assert_int_equal(outcomes[0].code, 0);
	assert_diary(&ends, "dropped@Two ");
	td_receipt_fini(&receipt);
	assert_int_equal(td_close(td), 0);
}

static void queued_subscription_that_ends_while_its_publisher_waits_is_no_refusal(void **state)
{
	struct td *td = open_place(NULL);
	struct td_receipt receipt = TD_RECEIPT_INIT;
	struct actor ended = {.name = "ended"}, behind = {.name = "behind"};
	const struct td_outcome *outcomes;

	(void)state;
	/* It handles One to make room for Two, and ends itself there. */
	ended.unsubscribes = subscribe(td, INTEREST(.queue_max = 1, .async = true), &ended);
	subscribe(td, INTEREST(.type = "Two"), &behind);
	assert_int_equal(publish(td, "One", "s"), 0);
	assert_int_equal(td_publish(td, EVENT("Two", "s"), &receipt, NULL), 0);
	assert_int_equal(ended.calls, 1);
	assert_int_equal(behind.calls, 1);
	assert_int_equal(receipt.completed, 1);
	assert_int_equal(receipt.queued, 0);
	assert_int_equal(td_receipt_outcomes(&receipt, &outcomes), 2);
	assert_int_equal(outcomes[0].state, TD_DROPPED);
	assert_true(td_text_is(outcomes[0].reason, "it ended"));
	td_receipt_fini(&receipt);
	assert_int_equal(td_close(td), 0);
}

static void receipt_of_what_stopped_comes_to_what_a_later_turn_made_of_it(void **state)
{
	struct td *td = open_place(NULL);
	struct td_receipt receipt = TD_RECEIPT_INIT;
	struct actor actor = {.name = "stopper", .fails = 1, .class_ = TD_STOP};
	struct td_subscription *stopper = subscribe(td, NULL, &actor);
	const struct td_outcome *outcomes;

	(void)state;
	assert_int_equal(td_publish(td, EVENT("One", "s"), &receipt, NULL), TD_E_HANDLER);
	assert_int_equal(td_receipt_outcomes(&receipt, &outcomes), 1);
	assert_int_equal(outcomes[0].state, TD_STOPPED);
	assert_int_equal(td_await(td, &receipt, 0, NULL), TD_E_TIMEOUT);
	assert_int_equal(td_resume(stopper, NULL), 0);
	assert_int_equal(td_loop_turn(td, 0), 1);
	assert_int_equal(td_receipt_outcomes(&receipt, &outcomes), 1);
	assert_int_equal(outcomes[0].state, TD_COMPLETED);
	assert_int_equal(receipt.completed, 0);
	assert_int_equal(receipt.failed, 1);
	assert_int_equal(td_await(td, &receipt, 0, NULL), 0);
	assert_int_equal(receipt.completed, 1);
	assert_int_equal(receipt.failed, 0);
	td_receipt_fini(&receipt);
	assert_int_equal(td_close(td), 0);
}

struct busy {
	_Atomic bool runs, may_end;
};

static int stays_busy(const struct td_event *event, struct td_context *context, void *arg)
{
	struct busy *busy = arg;

	(void)event;
	(void)context;
	atomic_store(&busy->runs, true);
	while (!atomic_load(&busy->may_end))
		wait_ms(1);
	return 0;
}

/* Its one place is taken by what runs: there is no older one to be dropped. */
static void what_an_observer_has_no_room_for_is_dropped_once(void **state)
{
	struct td *td = open_place(&(struct td_options){.workers = 1});
	struct td_subscription_status status;
	struct td_subscription *observer;
	struct td_event *event, *another;
	struct td_topic *topic;
	struct busy busy = {false};

	(void)state;
	assert_int_equal(td_subscribe(td,
				 INTEREST(.async = true, .observer = true, .queue_max = 1,
					 .when_full = TD_DROP_OLDEST),
				 stays_busy, &busy, &observer, NULL),
		0);
	assert_int_equal(td_topic_open(&topic, td, "s", "T", NULL), 0);
	assert_int_equal(td_event_new(&event, EVENT("T", "s"), NULL), 0);
	assert_int_equal(td_event_new(&another, EVENT("T", "s"), NULL), 0);
	assert_int_equal(td_topic_publish(topic, event, NULL, NULL), 0);
	while (!atomic_load(&busy.runs))
		wait_ms(1);
	assert_int_equal(td_topic_publish(topic, another, NULL, NULL), 0);
	assert_int_equal(publish(td, "T", "s"), 0);
	atomic_store(&busy.may_end, true);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	td_subscription_status(observer, &status);
	assert_int_equal(status.completed, 1);
	assert_int_equal(status.dropped, 2);
	td_event_unref(event);
	td_event_unref(another);
	td_topic_close(topic);
	assert_int_equal(td_close(td), 0);
}

/* Stopped at One, its queue has no room for Two. */
static void hook_sees_the_end_of_what_a_queue_had_no_room_for(void **state)
{
	struct td *td = open_place(NULL);
	struct actor actor = {.name = "narrow", .fails = -1, .class_ = TD_STOP};
	struct diary ends = {""};

	(void)state;
	subscribe(td,
		INTEREST(.queue_max = 1, .when_full = TD_REFUSE, .retry = {.attempts_max = 2}),
		&actor);
	td_trace_set(td, note_ends, &ends);
	assert_int_equal(td_publish(td, EVENT("One", "s"), NULL, NULL), TD_E_HANDLER);
	assert_int_equal(td_publish(td, EVENT("Two", "s"), NULL, NULL), TD_E_HANDLER);
	assert_int_equal(actor.calls, 1);
	assert_diary(&ends, "failed@Two ");
	assert_int_equal(td_close(td), 0);
}

/* The first asks itself, and what that runs stops. */
static int asks_itself_and_stops(
	const struct td_event *event, struct td_context *context, void *arg)
{
	struct actor *actor = arg;
	int call = actor->calls++;

	(void)event;
	if (call == 0)
		assert_int_equal(td_request(td_context_place(context), TD_COMMAND, EVENT("Do", "s"),
					 -1, NULL, NULL),
			TD_E_HANDLER);
	return call == 1 ? td_fail(context, TD_STOP, "no") : 0;
}

static void stop_deeper_in_a_thread_gives_back_the_batch_above(void **state)
{
	struct td *td = open_place(NULL);
	struct actor actor = {.name = "deep"};
	struct td_subscription_status status;
	struct td_subscription *handler;

	(void)state;
	assert_int_equal(td_handle(td, TD_COMMAND, "Do", asks_itself_and_stops, &actor,
				 INTEREST(.async = true, .order = TD_ORDER_NONE), &handler, NULL),
		0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(td_command(td, EVENT("Do", "s"), NULL, NULL), 0);
	assert_true(td_loop_turn(td, 0) > 0);
	assert_int_equal(actor.calls, 2);
	td_subscription_status(handler, &status);
	assert_true(status.stopped);
	assert_int_equal(status.waiting, 3);
	assert_int_equal(status.completed, 1);
	assert_int_equal(td_resume(handler, NULL), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_int_equal(actor.calls, 5);
	assert_int_equal(td_close(td), 0);
}

static int keep_data(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)context;
	diary_add(arg, "%.*s", TD_TEXT_ARG(td_event_data(event)));
	return 0;
}

static int stops_and_then_skips(const struct td_event *event, struct td_context *context, void *arg)
{
	int *calls = arg;

	(void)event;
	return (*calls)++ == 0 ? td_fail(context, TD_STOP, "the first no")
			       : td_fail(context, TD_SKIP, "the second no");
}

static void dead_letter_tells_of_the_attempt_at_which_a_plain_handler_stopped(void **state)
{
	struct td *td = open_place(NULL);
	struct td_subscription *stopper;
	struct diary letter = {""};
	int calls = 0;

	(void)state;
	assert_int_equal(td_subscribe(td, NULL, stops_and_then_skips, &calls, &stopper, NULL), 0);
	assert_int_equal(
		td_subscribe(td, INTEREST(.type = TD_DEAD_LETTER), keep_data, &letter, NULL, NULL),
		0);
	assert_int_equal(td_publish(td, EVENT("One", "s"), NULL, NULL), TD_E_HANDLER);
	assert_diary(&letter, "");
	assert_int_equal(td_resume(stopper, NULL), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_int_equal(calls, 2);
	assert_non_null(strstr(letter.text, "the first no"));
	assert_non_null(strstr(letter.text, "the second no"));
	assert_int_equal(td_close(td), 0);
}

/* Has Two parked in the only place there is, while it handles One; then wants One parked, too. */
static int parks_both(const struct td_event *event, struct td_context *context, void *arg)
{
	struct td *td = td_context_place(context);
	int *calls = arg;

	(void)event;
	if ((*calls)++ == 0) {
		assert_int_equal(td_publish_with(td, EVENT("Two", "t"), TD_ASYNC, NULL, NULL), 0);
		assert_int_equal(td_request(td, TD_QUERY, EVENT("Q", "s"), -1, NULL, NULL), 0);
		assert_int_equal(*calls, 2);
	}
	return td_fail(context, TD_PARK, "no");
}

/* Not before the other was called twice: who waits for the answer runs what else is owed. */
static int answers_after_two_calls(
	const struct td_event *event, struct td_context *context, void *arg)
{
	const int *calls = arg;

	(void)event;
	return *calls < 2 ? td_fail(context, TD_RETRY, "not yet") : 0;
}

static void plain_handler_that_finds_no_place_to_park_stops(void **state)
{
	struct td *td = open_place(NULL);
	struct td_receipt receipt = TD_RECEIPT_INIT;
	struct actor undertaker = {.name = "undertaker"};
	struct td_subscription_status status;
	struct td_subscription *s;
	const struct td_outcome *outcomes;
	int calls = 0;

	(void)state;
	assert_int_equal(
		td_subscribe(td, INTEREST(.parked_max = 1), parks_both, &calls, &s, NULL), 0);
	assert_int_equal(
		td_handle(td, TD_QUERY, "Q", answers_after_two_calls, &calls,
			INTEREST(.async = true, .retry = {.attempts_max = UINT_MAX, .first_ms = 1}),
			NULL, NULL),
		0);
	subscribe(td, INTEREST(.type = TD_DEAD_LETTER), &undertaker);
	assert_int_equal(td_publish(td, EVENT("One", "s"), &receipt, NULL), TD_E_HANDLER);
	assert_int_equal(receipt.failed, 1);
	assert_int_equal(td_receipt_outcomes(&receipt, &outcomes), 1);
	assert_int_equal(outcomes[0].state, TD_STOPPED);
	td_subscription_status(s, &status);
	assert_true(status.stopped);
	assert_int_equal(status.parked, 1);
	assert_int_equal(status.waiting, 1);
	assert_int_equal(undertaker.calls, 1); /* of Two */
	td_receipt_fini(&receipt);
	assert_int_equal(td_close(td), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subscription_that_ended_is_no_failing_handler),
		cmocka_unit_test(plain_handler_that_cannot_park_yet_is_said_to_be_queued),
		cmocka_unit_test(plain_handler_that_finds_no_place_to_park_stops),
		cmocka_unit_test(subscription_that_ends_while_its_publisher_waits_for_room_drops),
		cmocka_unit_test(
			queued_subscription_that_ends_while_its_publisher_waits_is_no_refusal),
		cmocka_unit_test(receipt_of_what_stopped_comes_to_what_a_later_turn_made_of_it),
		cmocka_unit_test(what_an_observer_has_no_room_for_is_dropped_once),
		cmocka_unit_test(hook_sees_the_end_of_what_a_queue_had_no_room_for),
		cmocka_unit_test(stop_deeper_in_a_thread_gives_back_the_batch_above),
		cmocka_unit_test(dead_letter_tells_of_the_attempt_at_which_a_plain_handler_stopped),
		cmocka_unit_test(publish_in_a_plain_handler_of_a_topic_is_not_lost),
		cmocka_unit_test(view_of_outcomes_outlives_a_retry),
		cmocka_unit_test(reply_of_a_failed_attempt_is_forgotten),
		cmocka_unit_test(dead_letter_goes_out_at_the_end_of_a_chain_of_causes),
		cmocka_unit_test(publisher_is_told_which_handler_stopped),
		cmocka_unit_test(failing_observer_with_a_queue_stops_nobody),
		cmocka_unit_test(receipt_of_a_command_tells_its_outcome),
		cmocka_unit_test(release_follows_when_the_last_publish_returns),
		cmocka_unit_test(release_is_called_though_nobody_subscribes_again),
		cmocka_unit_test(await_ends_when_the_subscription_did),
		cmocka_unit_test(drain_waits_for_the_letter_of_what_was_given_up),
		cmocka_unit_test(close_does_not_wait_for_an_answer),
		cmocka_unit_test(subscription_ended_while_its_publisher_waits_for_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
