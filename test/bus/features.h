/*
 * What a place may offer, each tried once: the rows of doc/places.md. A try answers the code of the
 * call that the place may refuse, 0 where it worked, and asserts what working means.
 */
#ifndef TEST_BUS_FEATURES_H
#define TEST_BUS_FEATURES_H

#include "place.h"

#include <poll.h>
#include <pthread.h>
#include <tidings/typed.h>

/* --- publishing --------------------------------------------------------------------------- */

static inline int try_open(struct td *td)
{
	assert_non_null(td);
	return 0;
}

static inline int try_publish(struct td *td)
{
	struct actor actor = {.name = "actor"};

	subscribe(td, INTEREST(.type = "T"), &actor);
	int code = td_publish(td, EVENT("T", "s"), NULL, NULL);

	if (code == 0) {
		assert_int_equal(td_drain(td, -1, NULL), 0);
		assert_int_equal(actor.calls, 1);
	}
	return code;
}

static inline int keep_id(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)context;
	td_text_copy(td_event_id(event), arg, 64);
	return 0;
}

static inline int try_publish_event(struct td *td)
{
	char heard[64] = "", made[64];
	struct td_event *event;

	td_subscribe(td, NULL, keep_id, heard, NULL, NULL);
	assert_int_equal(td_event_new(&event, EVENT("T", "s"), NULL), 0);
	td_text_copy(td_event_id(event), made, sizeof(made));
	int code = td_publish_event(td, event, 0, NULL, NULL);

	td_event_unref(event);
	if (code == 0) {
		assert_int_equal(td_drain(td, -1, NULL), 0);
		assert_string_equal(heard, made);
	}
	return code;
}

static inline int try_publish_async(struct td *td)
{
	struct actor actor = {.name = "actor"};
	struct td_receipt receipt = TD_RECEIPT_INIT;

	subscribe(td, NULL, &actor);
	int code = td_publish_with(td, EVENT("T", "s"), TD_ASYNC, &receipt, NULL);

	if (code == 0) {
		assert_int_equal(actor.calls, 0);
		assert_int_equal(receipt.queued, 1);
		assert_int_equal(td_drain(td, -1, NULL), 0);
		assert_int_equal(actor.calls, 1);
	}
	td_receipt_fini(&receipt);
	return code;
}

static inline int try_stop_at_first(struct td *td)
{
	struct actor first = {.name = "first", .fails = -1, .class_ = TD_SKIP};
	struct actor second = {.name = "second"};

	subscribe(td, NULL, &first);
	subscribe(td, NULL, &second);
	int code = td_publish_with(td, EVENT("T", "s"), TD_STOP_AT_FIRST, NULL, NULL);

	if (code != TD_E_HANDLER)
		return code;
	assert_int_equal(first.calls, 1);
	assert_int_equal(second.calls, 0);
	return 0;
}

static inline int try_topic(struct td *td)
{
	struct actor actor = {.name = "actor"};
	struct td_topic *topic;
	struct td_event *event;
	int code = td_topic_open(&topic, td, "s", "T", NULL);

	if (code != 0)
		return code;
	subscribe(td, NULL, &actor);
	for (int i = 0; i < 3; i++) { /* the same one again would be a duplicate where it is kept */
		assert_int_equal(td_event_new(&event, EVENT("T", "s"), NULL), 0);
		assert_int_equal(td_topic_publish(topic, event, NULL, NULL), 0);
		td_event_unref(event);
	}
	td_topic_close(topic);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_int_equal(actor.calls, 3);
	return 0;
}

static inline int try_receipt(struct td *td)
{
	struct actor good = {.name = "good"}, bad = {.name = "bad", .fails = -1, .class_ = TD_SKIP};
	struct td_receipt receipt = TD_RECEIPT_INIT;
	const struct td_outcome *outcomes;

	subscribe(td, INTEREST(.name = "good"), &good);
	subscribe(td, INTEREST(.name = "bad"), &bad);
	int code = td_publish(td, EVENT("T", "s"), &receipt, NULL);

	if (code == TD_E_HANDLER) {
		assert_int_equal(td_receipt_outcomes(&receipt, &outcomes), 2);
		assert_int_equal(outcomes[0].state, TD_COMPLETED);
		assert_true(td_text_is(outcomes[0].subscription, "good"));
		assert_int_equal(outcomes[1].state, TD_FAILED);
		assert_true(td_text_is(outcomes[1].reason, "bad says no"));
		code = 0;
	}
	td_receipt_fini(&receipt);
	return code;
}

static inline int try_await(struct td *td)
{
	struct actor actor = {.name = "actor"};
	struct td_receipt receipt = TD_RECEIPT_INIT;

	subscribe(td, INTEREST(.async = true), &actor);
	assert_int_equal(td_publish(td, EVENT("T", "s"), &receipt, NULL), 0);
	int code = td_await(td, &receipt, -1, NULL);

	if (code == 0) {
		assert_int_equal(receipt.completed, 1);
		assert_int_equal(actor.calls, 1);
	}
	td_receipt_fini(&receipt);
	return code;
}

static inline int try_drain(struct td *td)
{
	struct actor actor = {.name = "actor"};

	subscribe(td, INTEREST(.async = true), &actor);
	for (int i = 0; i < 10; i++)
		assert_int_equal(publish(td, "T", "s"), 0);
	int code = td_drain(td, -1, NULL);

	if (code == 0)
		assert_int_equal(actor.calls, 10);
	return code;
}

/* --- interests ---------------------------------------------------------------------------- */

/* Of four events, those that an interest hears: "T1@a.1 T2@a.2 T1@b.1 T1@b.2.c ". */
static inline int hears(struct td *td, const struct td_interest *interest, const char *expected)
{
	static const char *const subjects[] = {"a.1", "a.2", "b.1", "b.2.c"};
	struct diary diary = {""};
	struct actor actor = {.name = "x", .diary = &diary};
	struct td_subscription *s;
	int code = td_subscribe(td, interest, act, &actor, &s, NULL);

	if (code != 0)
		return code;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(publish(td, i == 1 ? "T2" : "T1", subjects[i]), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_diary(&diary, expected);
	td_unsubscribe(s);
	return 0;
}

static inline int try_subscribe(struct td *td)
{
	return hears(td, INTEREST(.subject = "a.1"), "x:T1@a.1 ");
}

static inline int try_patterns(struct td *td)
{
	int code = hears(td, INTEREST(.subject = "*.1"), "x:T1@a.1 x:T1@b.1 ");

	return code != 0 ? code : hears(td, INTEREST(.subject = "b.>"), "x:T1@b.1 x:T1@b.2.c ");
}

static inline int try_types(struct td *td)
{
	static const char *const types[] = {"T2", "T3"};

	return hears(td, INTEREST(.types = types, .types_count = 2), "x:T2@a.2 ");
}

static inline int try_filter(struct td *td)
{
	return hears(td, INTEREST(.filter = "type = 'T1' AND subject LIKE 'b.%'"),
		"x:T1@b.1 x:T1@b.2.c ");
}

static inline int try_filters(struct td *td)
{
	return hears(
		td, INTEREST(.filters = "{\"prefix\":{\"subject\":\"a\"}}"), "x:T1@a.1 x:T2@a.2 ");
}

static inline int keep_data(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)context;
	td_text_copy(td_event_data(event), arg, 64);
	return 0;
}

static inline int try_select(struct td *td)
{
	static const char *const fields[] = {"/total"};
	struct td_draft draft = {.type = "T", .json = "{\"total\":7,\"rest\":8}"};
	char data[64] = "";
	int code = td_subscribe(
		td, INTEREST(.select = fields, .select_count = 1), keep_data, data, NULL, NULL);

	if (code != 0)
		return code;
	assert_int_equal(td_publish(td, &draft, NULL, NULL), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_string_equal(data, "{\"total\":7}");
	return 0;
}

static inline int try_async(struct td *td)
{
	struct actor actor = {.name = "actor"};
	int code = td_subscribe(td, INTEREST(.async = true), act, &actor, NULL, NULL);

	if (code != 0)
		return code;
	assert_int_equal(publish(td, "T", "s"), 0);
	assert_int_equal(actor.calls, 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_int_equal(actor.calls, 1);
	return 0;
}

static inline int try_observer(struct td *td)
{
	struct actor actor = {.name = "actor", .fails = -1, .class_ = TD_SKIP};
	struct td_subscription_status status;
	struct td_subscription *s;
	int code = td_subscribe(td,
		INTEREST(.observer = true, .async = true, .queue_max = 2,
			.when_full = TD_DROP_OLDEST),
		act, &actor, &s, NULL);

	if (code != 0)
		return code;
	for (int i = 0; i < 5; i++)
		assert_int_equal(publish(td, "T", "s"), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	td_subscription_status(s, &status);
	assert_int_equal((uint64_t)actor.calls + status.dropped, 5);
	assert_true(status.dropped > 0);
	return 0;
}

static inline int try_queue_bound(struct td *td)
{
	struct actor actor = {.name = "actor"};
	int code = td_subscribe(td, INTEREST(.async = true, .queue_max = 2, .when_full = TD_REFUSE),
		act, &actor, NULL, NULL);

	if (code != 0)
		return code;
	for (int i = 0; i < 4; i++)
		assert_int_equal(publish(td, "T", "s"), i < 2 ? 0 : TD_E_FULL);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_int_equal(actor.calls, 2);
	return 0;
}

static inline int try_unsubscribe(struct td *td)
{
	struct actor actor = {.name = "actor"};
	struct td_subscription *s;
	int code = td_subscribe(td, NULL, act, &actor, &s, NULL);

	if (code != 0)
		return code;
	td_unsubscribe(s);
	assert_int_equal(publish(td, "T", "s"), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_int_equal(actor.calls, 0);
	return 0;
}

/* clang-format off */
#define BOUGHT(FIELD, OBJECT, LIST, OBJECTS) FIELD(INTEGER, total, REQUIRED)
TD_EVENT(bought, "Bought", BOUGHT)
/* clang-format on */

static inline int add_total(const struct bought *bought, struct td_context *context, void *arg)
{
	(void)context;
	*(int64_t *)arg += bought->total;
	return 0;
}

static inline int try_typed(struct td *td)
{
	struct td_draft json = {.type = "Bought", .subject = "s", .json = "{\"total\":40}"};
	int64_t total = 0;
	int code = bought_subscribe(td, "s", add_total, &total, NULL, NULL, NULL);

	if (code != 0)
		return code;
	assert_int_equal(bought_publish(td, "s", &(struct bought){.total = 2}, NULL, NULL), 0);
	assert_int_equal(td_publish(td, &json, NULL, NULL), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_int_equal(total, 42);
	return 0;
}

/* --- failures ----------------------------------------------------------------------------- */

static inline int try_retry(struct td *td)
{
	struct diary diary = {""};
	struct actor actor = {.name = "x", .diary = &diary, .fails = 2, .class_ = TD_RETRY};
	int code = td_subscribe(td,
		INTEREST(.async = true, .retry = {.attempts_max = 3, .first_ms = 1, .jitter = -1}),
		act, &actor, NULL, NULL);

	if (code != 0)
		return code;
	assert_int_equal(publish(td, "T1", "s"), 0);
	assert_int_equal(publish(td, "T2", "s"), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_diary(&diary, "x:T1@s x:T1@s x:T1@s x:T2@s ");
	return 0;
}

static inline int try_dead_letter(struct td *td)
{
	struct actor actor = {.name = "x", .fails = -1, .class_ = TD_SKIP};
	struct diary diary = {""};
	struct actor reader = {.name = "reader", .diary = &diary};
	int code = td_subscribe(
		td, INTEREST(.name = "x", .async = true, .type = "T"), act, &actor, NULL, NULL);

	if (code == 0)
		code = td_subscribe(td, INTEREST(.type = TD_DEAD_LETTER), act, &reader, NULL, NULL);
	if (code != 0)
		return code;
	assert_int_equal(publish(td, "T", "s"), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_diary(&diary, "reader:td.deadletter.added@td.deadletter.x ");
	return 0;
}

static inline int try_park(struct td *td)
{
	struct diary diary = {""};
	struct actor actor = {.name = "x", .diary = &diary, .fails = 1, .class_ = TD_PARK};
	struct td_subscription_status status;
	struct td_subscription *s;
	int code = td_subscribe(td, INTEREST(.async = true), act, &actor, &s, NULL);

	if (code != 0)
		return code;
	for (int i = 0; i < 3; i++)
		assert_int_equal(publish(td, i == 0 ? "T1" : "T2", i == 2 ? "u" : "s"), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	td_subscription_status(s, &status);
	assert_int_equal(status.parked, 2);
	code = td_redrive(s, "s", NULL);
	if (code != 0)
		return code;
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_diary(&diary, "x:T1@s x:T2@u x:T1@s x:T2@s ");
	return 0;
}

static inline int try_dismiss(struct td *td)
{
	struct diary diary = {""};
	struct actor actor = {.name = "x", .diary = &diary, .fails = 1, .class_ = TD_PARK};
	struct td_subscription *s;
	int code = td_subscribe(td, INTEREST(.async = true), act, &actor, &s, NULL);

	if (code != 0)
		return code;
	assert_int_equal(publish(td, "T1", "s"), 0);
	assert_int_equal(publish(td, "T2", "s"), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	code = td_dismiss(s, "s", NULL);
	if (code != 0)
		return code;
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_diary(&diary, "x:T1@s x:T2@s ");
	return 0;
}

static inline int try_stop(struct td *td)
{
	struct diary diary = {""};
	struct actor actor = {.name = "x", .diary = &diary, .fails = 1, .class_ = TD_STOP};
	struct td_subscription *s;
	int code = td_subscribe(
		td, INTEREST(.async = true, .order = TD_ORDER_ALL), act, &actor, &s, NULL);

	if (code != 0)
		return code;
	assert_int_equal(publish(td, "T1", "s"), 0);
	assert_int_equal(publish(td, "T2", "u"), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_diary(&diary, "x:T1@s ");
	code = td_resume(s, NULL);
	if (code != 0)
		return code;
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_diary(&diary, "x:T1@s x:T1@s x:T2@u ");
	return 0;
}

/* --- commands and queries ----------------------------------------------------------------- */

static inline int reply_seven(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	(void)arg;
	return td_reply(context, &(struct td_draft){.json = "7"}, NULL);
}

static inline int refuse(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	(void)arg;
	return td_refuse(context, "nothing left");
}

static inline int try_query(struct td *td)
{
	struct td_event *reply = NULL;
	int code = td_handle(td, TD_QUERY, "Ask", reply_seven, NULL, NULL, NULL, NULL);

	if (code == 0)
		code = td_request(td, TD_QUERY, EVENT("Ask", "s"), -1, &reply, NULL);
	if (code == 0)
		assert_true(td_text_is(td_event_data(reply), "7"));
	td_event_unref(reply);
	return code;
}

static inline int try_command(struct td *td)
{
	struct actor actor = {.name = "actor"};
	int code = td_handle(td, TD_COMMAND, "Do", act, &actor, NULL, NULL, NULL);

	if (code == 0)
		code = td_command(td, EVENT("Do", "s"), NULL, NULL);
	if (code != 0)
		return code;
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_int_equal(actor.calls, 1);
	assert_int_equal(
		td_handle(td, TD_COMMAND, "Do", act, &actor, NULL, NULL, NULL), TD_E_HANDLED);
	return 0;
}

static inline int try_refuse(struct td *td)
{
	struct td_error err = TD_ERROR_INIT;
	int code = td_handle(td, TD_COMMAND, "Do", refuse, NULL, NULL, NULL, NULL);

	if (code == 0)
		code = td_request(td, TD_COMMAND, EVENT("Do", "s"), -1, NULL, &err);
	if (code != TD_E_REFUSED)
		return code;
	assert_non_null(strstr(err.text, "nothing left"));
	return 0;
}

static inline int try_outcomes(struct td *td)
{
	struct diary diary = {""};
	struct actor actor = {.name = "actor"}, reader = {.name = "reader", .diary = &diary};
	int code = td_subscribe(td, INTEREST(.subject = "td.command.>"), act, &reader, NULL, NULL);

	if (code == 0)
		code = td_handle(td, TD_COMMAND, "Do", act, &actor, NULL, NULL, NULL);
	if (code == 0)
		code = td_command(td, EVENT("Do", "s"), NULL, NULL);
	if (code != 0)
		return code;
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_diary(&diary, "reader:td.command.done@td.command.Do ");
	return 0;
}

/* --- the rest ----------------------------------------------------------------------------- */

static inline int keep_cause(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)context;
	td_text_copy(td_event_causation(event), arg, 64);
	return 0;
}

static inline int try_causes(struct td *td)
{
	struct actor actor = {.name = "actor", .publishes = "Next"};
	struct td_draft draft = {.type = "T", .id = "first", .source = "test"};
	char cause[64] = "";

	subscribe(td, INTEREST(.type = "T"), &actor);
	td_subscribe(td, INTEREST(.type = "Next"), keep_cause, cause, NULL, NULL);
	int code = td_publish(td, &draft, NULL, NULL);

	if (code != 0)
		return code;
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_string_equal(cause, "first");
	return 0;
}

static inline int try_loop(struct td *td)
{
	struct actor actor = {.name = "actor"};
	struct pollfd polled = {td_loop_fd(td), POLLIN, 0};

	if (polled.fd < 0)
		return TD_E_PLACE;
	subscribe(td, INTEREST(.async = true), &actor);
	assert_int_equal(publish(td, "T", "s"), 0);
	assert_int_equal(poll(&polled, 1, -1), 1);
	while (actor.calls == 0)
		assert_true(td_loop_turn(td, -1) >= 0);
	return 0;
}

static inline int note_thread(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	(void)context;
	*(pthread_t *)arg = pthread_self();
	return 0;
}

static inline int try_workers(struct td *unused)
{
	struct td *td = open_place(&(struct td_options){.workers = 2});
	pthread_t thread = pthread_self();
	int code = td_subscribe(td, INTEREST(.async = true), note_thread, &thread, NULL, NULL);

	(void)unused;
	assert_int_equal(publish(td, "T", "s"), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_false(pthread_equal(thread, pthread_self()));
	assert_int_equal(td_close(td), 0);
	return code;
}

static inline void note_moment(const struct td_trace *trace, void *arg)
{
	diary_add(arg, "%s ", td_moment_name(trace->moment));
}

static inline int try_trace(struct td *td)
{
	struct diary diary = {""};
	struct actor actor = {.name = "actor"};

	subscribe(td, NULL, &actor);
	td_trace_set(td, note_moment, &diary);
	assert_int_equal(publish(td, "T", "s"), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	td_trace_set(td, NULL, NULL);
	assert_diary(&diary, "created published routed delivered processed done ");
	return 0;
}

/* --- all of them -------------------------------------------------------------------------- */

struct feature {
	const char *name;
	int (*try)(struct td *td);
};

static struct feature features[] = {
	{"open", try_open},
	{"publish", try_publish},
	{"publish-event", try_publish_event},
	{"publish-async", try_publish_async},
	{"stop-at-first", try_stop_at_first},
	{"topic", try_topic},
	{"receipt", try_receipt},
	{"await", try_await},
	{"drain", try_drain},
	{"subscribe", try_subscribe},
	{"unsubscribe", try_unsubscribe},
	{"patterns", try_patterns},
	{"types", try_types},
	{"filter", try_filter},
	{"filters", try_filters},
	{"select", try_select},
	{"typed", try_typed},
	{"async", try_async},
	{"observer", try_observer},
	{"queue-bound", try_queue_bound},
	{"retry", try_retry},
	{"dead-letter", try_dead_letter},
	{"park", try_park},
	{"dismiss", try_dismiss},
	{"stop", try_stop},
	{"query", try_query},
	{"command", try_command},
	{"refuse", try_refuse},
	{"outcomes", try_outcomes},
	{"causes", try_causes},
	{"loop", try_loop},
	{"workers", try_workers},
	{"trace", try_trace},
};
#define FEATURES (sizeof(features) / sizeof(features[0]))

#endif
