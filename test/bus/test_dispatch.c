#include "place.h"

/*
 * Synchronous publishing: order, cascades, outcomes, causes, and handlers that change who listens.
 */

static void dispatch_calls_handlers_in_the_order_of_subscribing(void **state)
{
	struct diary diary = {""};
	struct actor actors[] = {{.name = "a", .diary = &diary}, {.name = "b", .diary = &diary},
		{.name = "c", .diary = &diary}, {.name = "d", .diary = &diary}};
	struct td *td = open_place(NULL);

	(void)state;
	subscribe(td, INTEREST(.subject = "order.>"), &actors[0]);
	subscribe(td, INTEREST(.type = "OrderPlaced"), &actors[1]);
	subscribe(td, INTEREST(.subject = "order.*"), &actors[2]);
	subscribe(td, INTEREST(.subject = "payment.>"), &actors[3]);
	assert_int_equal(publish(td, "OrderPlaced", "order.42"), 0);
	assert_diary(
		&diary, "a:OrderPlaced@order.42 b:OrderPlaced@order.42 c:OrderPlaced@order.42 ");
	td_close(td);
}

static void dispatch_is_breadth_first(void **state)
{
	struct diary diary = {""};
	struct actor first = {.name = "1", .diary = &diary, .publishes = "B"};
	struct actor second = {.name = "2", .diary = &diary, .publishes = "C"};
	struct actor b = {.name = "3", .diary = &diary, .publishes = "D"};
	struct actor rest = {.name = "4", .diary = &diary};
	struct td *td = open_place(NULL);
	struct td_receipt receipt = TD_RECEIPT_INIT;

	(void)state;
	subscribe(td, INTEREST(.type = "A"), &first);
	subscribe(td, INTEREST(.type = "A"), &second);
	subscribe(td, INTEREST(.type = "B"), &b);
	subscribe(td, INTEREST(.types = (const char *[]){"C", "D"}, .types_count = 2), &rest);
	assert_int_equal(td_publish(td, EVENT("A", "x"), &receipt, NULL), 0);
	assert_diary(&diary, "1:A@x 2:A@x 3:B@made 4:C@made 4:D@made ");
	assert_int_equal(receipt.completed, 5);
	assert_int_equal(receipt.failed, 0);
	td_receipt_fini(&receipt);
	td_close(td);
}

static void dispatch_goes_on_when_a_handler_fails_and_says_which(void **state)
{
	struct actor good = {.name = "good"}, bad = {.name = "bad", .fails = -1, .class_ = TD_SKIP};
	struct actor bare = {.name = "bare", .fails = -1};
	struct td *td = open_place(NULL);
	struct td_receipt receipt = TD_RECEIPT_INIT;
	struct td_error err = TD_ERROR_INIT;
	const struct td_outcome *outcomes;

	(void)state;
	subscribe(td, INTEREST(.name = "bad"), &bad);
	subscribe(td, INTEREST(.name = "bare"), &bare);
	subscribe(td, INTEREST(.name = "good"), &good);
	assert_int_equal(td_publish(td, EVENT("A", "x"), &receipt, &err), TD_E_HANDLER);
	assert_string_equal(err.text, "handler bad: bad says no");
	assert_int_equal(receipt.completed, 1);
	assert_int_equal(receipt.failed, 2);
	assert_int_equal(td_receipt_outcomes(&receipt, &outcomes), 3);
	assert_true(td_text_is(outcomes[0].subscription, "bad"));
	assert_int_equal(outcomes[0].state, TD_FAILED);
	assert_true(td_text_is(outcomes[0].reason, "bad says no"));
	assert_int_equal(outcomes[1].code, TD_E_TIMEOUT);
	assert_int_equal(outcomes[2].state, TD_COMPLETED);
	assert_int_equal(good.calls, 1);
	assert_true(td_text_equal(
		td_event_id(td_receipt_event(&receipt)), td_event_id(outcomes[0].event)));
	td_receipt_fini(&receipt);
	td_close(td);
}

static void dispatch_stops_at_the_first_failure_when_asked(void **state)
{
	struct actor good = {.name = "good"},
		     bad = {.name = "bad", .fails = -1, .class_ = TD_RETRY};
	struct td *td = open_place(NULL);
	struct td_receipt receipt = TD_RECEIPT_INIT;
	const struct td_outcome *outcomes;

	(void)state;
	subscribe(td, NULL, &bad);
	subscribe(td, NULL, &good);
	assert_int_equal(td_publish_with(td, EVENT("A", "x"), TD_STOP_AT_FIRST, &receipt, NULL),
		TD_E_HANDLER);
	assert_int_equal(good.calls, 0);
	assert_int_equal(td_receipt_outcomes(&receipt, &outcomes), 2);
	assert_int_equal(outcomes[1].state, TD_DROPPED);
	td_receipt_fini(&receipt);
	td_close(td);
}

/* --- causes ------------------------------------------------------------------------------- */

struct chain {
	char id[3][64], causation[3][64], correlation[3][64];
	int count;
};

static int note_chain(const struct td_event *event, struct td_context *context, void *arg)
{
	static const char *const next[] = {"B", "C", NULL};
	struct chain *chain = arg;
	int i = chain->count++;

	snprintf(chain->id[i], 64, "%.*s", TD_TEXT_ARG(td_event_id(event)));
	snprintf(chain->causation[i], 64, "%.*s", TD_TEXT_ARG(td_event_causation(event)));
	snprintf(chain->correlation[i], 64, "%.*s", TD_TEXT_ARG(td_event_correlation(event)));
	if (next[i] == NULL)
		return 0;
	return td_publish(td_context_place(context), EVENT(next[i], "x"), NULL, NULL);
}

static void dispatch_names_causes_without_being_told(void **state)
{
	struct chain chain = {.count = 0};
	struct td *td = open_place(NULL);

	(void)state;
	assert_int_equal(td_subscribe(td, NULL, note_chain, &chain, NULL, NULL), 0);
	assert_int_equal(publish(td, "A", "x"), 0);
	assert_int_equal(chain.count, 3);
	assert_string_equal(chain.causation[0], "");
	assert_string_equal(chain.causation[1], chain.id[0]);
	assert_string_equal(chain.causation[2], chain.id[1]);
	for (int i = 0; i < 3; i++)
		assert_string_equal(chain.correlation[i], chain.id[0]);
	td_close(td);
}

static int publish_again(const struct td_event *event, struct td_context *context, void *arg)
{
	struct td_error err = TD_ERROR_INIT;
	int *refused = arg;
	int code = td_publish(td_context_place(context), EVENT("Again", "x"), NULL, &err);

	(void)event;
	if (code == TD_E_LOOP) {
		(*refused)++;
		assert_non_null(strstr(err.text, "Again"));
	}
	return 0;
}

static void dispatch_refuses_a_loop_of_causes_and_names_it(void **state)
{
	struct td *td = open_place(&(struct td_options){.causes_max = 7});
	struct td_receipt receipt = TD_RECEIPT_INIT;
	int refused = 0;

	(void)state;
	td_subscribe(td, INTEREST(.type = "Again"), publish_again, &refused, NULL, NULL);
	assert_int_equal(td_publish(td, EVENT("Again", "x"), &receipt, NULL), 0);
	assert_int_equal(refused, 1);
	assert_int_equal(receipt.completed, 8); /* the root and seven behind it */
	td_receipt_fini(&receipt);
	td_close(td);
}

/* --- changing who listens ----------------------------------------------------------------- */

static void dispatch_lets_a_handler_unsubscribe_itself_and_others(void **state)
{
	struct diary diary = {""};
	struct actor a = {.name = "a", .diary = &diary}, b = {.name = "b", .diary = &diary};
	struct actor c = {.name = "c", .diary = &diary};
	struct td *td = open_place(NULL);

	(void)state;
	a.unsubscribes = subscribe(td, NULL, &a);
	struct td_subscription *sb = subscribe(td, NULL, &b);
	subscribe(td, NULL, &c);
	assert_int_equal(publish(td, "E", "1"), 0); /* a ends itself; b and c still hear this one */
	assert_diary(&diary, "a:E@1 b:E@1 c:E@1 ");
	diary.text[0] = '\0';

	struct actor d = {.name = "d", .diary = &diary};
	subscribe(td, NULL, &d);
	b.unsubscribes = sb;
	assert_int_equal(publish(td, "E", "2"), 0);
	assert_int_equal(publish(td, "E", "3"), 0);
	assert_diary(&diary, "b:E@2 c:E@2 d:E@2 c:E@3 d:E@3 ");
	td_close(td);
}

struct ender {
	struct td_subscription *victim;
};

static int end_it(const struct td_event *event, struct td_context *context, void *arg)
{
	struct ender *ender = arg;

	(void)event;
	(void)context;
	td_unsubscribe(ender->victim);
	ender->victim = NULL;
	return 0;
}

static void dispatch_does_not_call_what_was_just_unsubscribed(void **state)
{
	struct actor victim = {.name = "victim"};
	struct ender ender = {NULL};

	(void)state;
	for (int with_topic = 0; with_topic < 2; with_topic++) {
		struct td *td = open_place(NULL);
		struct td_topic *topic;
		struct td_event *event;

		victim.calls = 0;
		td_subscribe(td, NULL, end_it, &ender, NULL, NULL);
		assert_int_equal(td_topic_open(&topic, td, "x", "E", NULL), 0);
		assert_int_equal(td_event_new(&event, EVENT("E", "x"), NULL), 0);
		if (with_topic) { /* resolve it, so that the fast road is taken */
			ender.victim = subscribe(td, NULL, &victim);
			assert_int_equal(td_topic_publish(topic, event, NULL, NULL), 0);
			assert_int_equal(victim.calls, 0);
			td_event_unref(event);
			assert_int_equal(td_event_new(&event, EVENT("E", "x"), NULL), 0);
		}
		ender.victim = subscribe(td, NULL, &victim);
		if (with_topic)
			assert_int_equal(td_topic_publish(topic, event, NULL, NULL), 0);
		else
			assert_int_equal(publish(td, "E", "x"), 0);
		assert_int_equal(victim.calls, 0);
		assert_null(ender.victim);
		td_event_unref(event);
		td_topic_close(topic);
		td_close(td);
	}
}

static int subscribe_more(const struct td_event *event, struct td_context *context, void *arg)
{
	struct actor *actor = arg;

	(void)event;
	subscribe(td_context_place(context), INTEREST(.type = "B"), actor);
	return publish(td_context_place(context), "B", "x");
}

static void dispatch_shows_later_events_to_who_subscribed_meanwhile(void **state)
{
	struct actor late = {.name = "late"};
	struct td *td = open_place(NULL);

	(void)state;
	td_subscribe(td, INTEREST(.type = "A"), subscribe_more, &late, NULL, NULL);
	assert_int_equal(publish(td, "A", "x"), 0);
	assert_int_equal(late.calls, 1);
	td_close(td);
}

static void note_release(void *arg)
{
	struct actor *actor = arg;

	actor->calls += 1000;
}

static void dispatch_releases_the_argument_once(void **state)
{
	struct actor a = {.name = "a"}, b = {.name = "b"};
	struct td *td = open_place(NULL);

	(void)state;
	struct td_subscription *sa = subscribe(td, INTEREST(.release = note_release), &a);
	subscribe(td, INTEREST(.release = note_release), &b);
	assert_int_equal(publish(td, "E", "x"), 0);
	td_unsubscribe(sa);
	assert_int_equal(a.calls, 1001);
	assert_int_equal(publish(td, "E", "x"), 0);
	assert_int_equal(b.calls, 2);
	td_close(td);
	assert_int_equal(b.calls, 1002);
	assert_int_equal(a.calls, 1001);
}

static int publish_elsewhere(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	(void)context;
	return publish(arg, "There", "x");
}

static void dispatch_on_another_handle_runs_at_once(void **state)
{
	struct diary diary = {""};
	struct actor here = {.name = "here", .diary = &diary},
		     there = {.name = "there", .diary = &diary};
	struct td *one = open_place(NULL), *two = open_place(NULL);

	(void)state;
	td_subscribe(one, NULL, publish_elsewhere, two, NULL, NULL);
	subscribe(one, NULL, &here);
	subscribe(two, NULL, &there);
	assert_int_equal(publish(one, "Here", "x"), 0);
	assert_diary(&diary, "there:There@x here:Here@x ");
	td_close(one);
	td_close(two);
}

/* --- filters and select ------------------------------------------------------------------- */

static int note_data(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)context;
	diary_add(arg, "%.*s", TD_TEXT_ARG(td_event_data(event)));
	return 0;
}

static void dispatch_filters_and_selects(void **state)
{
	struct actor eu = {.name = "eu"}, prefixed = {.name = "prefixed"};
	struct td_attribute region = {td_text("region"), td_text("eu"), TD_STRING};
	struct diary diary = {""};
	struct td *td = open_place(NULL);
	struct td_draft draft = {.type = "OrderPlaced",
		.subject = "order.1",
		.json = "{\"total\": 12.50, \"card\": \"1234\"}",
		.attributes = &region,
		.attributes_count = 1};

	(void)state;
	subscribe(td, INTEREST(.filter = "region = 'eu' AND type LIKE 'Order%'"), &eu);
	subscribe(td, INTEREST(.filters = "{\"prefix\":{\"type\":\"Payment\"}}"), &prefixed);
	td_subscribe(td, INTEREST(.select = (const char *[]){"/total"}, .select_count = 1),
		note_data, &diary, NULL, NULL);
	assert_int_equal(td_publish(td, &draft, NULL, NULL), 0);
	region.value = td_text("us");
	assert_int_equal(td_publish(td, &draft, NULL, NULL), 0);
	assert_int_equal(eu.calls, 1);
	assert_int_equal(prefixed.calls, 0);
	assert_diary(&diary, "{\"total\":12.50}{\"total\":12.50}");
	td_close(td);
}

/* --- closing ------------------------------------------------------------------------------ */

static int close_inside(const struct td_event *event, struct td_context *context, void *arg)
{
	int *code = arg;

	(void)event;
	*code = td_close(td_context_place(context));
	return 0;
}

static void dispatch_is_not_closed_from_inside(void **state)
{
	struct td *td = open_place(NULL);
	int code = 0;

	(void)state;
	td_subscribe(td, NULL, close_inside, &code, NULL, NULL);
	assert_int_equal(publish(td, "E", "x"), 0);
	assert_int_equal(code, TD_E_DEADLOCK);
	assert_int_equal(publish(td, "E", "x"), 0);
	assert_int_equal(td_close(td), 0);
	assert_int_equal(td_close(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dispatch_calls_handlers_in_the_order_of_subscribing),
		cmocka_unit_test(dispatch_is_breadth_first),
		cmocka_unit_test(dispatch_goes_on_when_a_handler_fails_and_says_which),
		cmocka_unit_test(dispatch_stops_at_the_first_failure_when_asked),
		cmocka_unit_test(dispatch_names_causes_without_being_told),
		cmocka_unit_test(dispatch_refuses_a_loop_of_causes_and_names_it),
		cmocka_unit_test(dispatch_lets_a_handler_unsubscribe_itself_and_others),
		cmocka_unit_test(dispatch_does_not_call_what_was_just_unsubscribed),
		cmocka_unit_test(dispatch_shows_later_events_to_who_subscribed_meanwhile),
		cmocka_unit_test(dispatch_releases_the_argument_once),
		cmocka_unit_test(dispatch_on_another_handle_runs_at_once),
		cmocka_unit_test(dispatch_filters_and_selects),
		cmocka_unit_test(dispatch_is_not_closed_from_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
