#include "stored.h"

#include <pthread.h>
#include <stdatomic.h>

/*
 * Durable subscriptions: they go on where they stopped; what was not done with comes again.
 */

static struct td_subscription *durable(
	struct stored *s, struct actor *actor, struct td_interest interest)
{
	struct td_subscription *subscription = NULL;

	interest.durable = true;
	if (interest.name == NULL)
		interest.name = "billing";
	OK(s, td_subscribe(s->td, &interest, act, actor, &subscription, &s->err));
	return subscription;
}

static void reopen(struct stored *s, const struct td_options *options)
{
	assert_int_equal(td_close(s->td), 0);
	s->td = open_file(s->directory, options);
}

static void it_goes_on_where_it_stopped(void **state)
{
	struct stored *s = *state;
	struct diary diary = {0};
	struct actor a = {.name = "a", .diary = &diary};

	assert_int_equal(publish(s->td, "Before", "s"), 0);
	durable(s, &a, (struct td_interest){.subject = "s"});
	assert_int_equal(publish(s->td, "One", "s"), 0);
	assert_int_equal(publish(s->td, "Other", "t"), 0);
	assert_int_equal(publish(s->td, "Two", "s"), 0);
	OK(s, td_drain(s->td, -1, &s->err));
	assert_diary(&diary, "a:One@s a:Two@s ");
	assert_int_equal(publish(s->td, "Three", "s"), 0); /* nobody turns the loop for it */
	reopen(s, NULL);
	assert_int_equal(publish(s->td, "Four", "s"), 0);
	durable(s, &a, (struct td_interest){.subject = "s"});
	OK(s, td_drain(s->td, -1, &s->err));
	assert_diary(&diary, "a:One@s a:Two@s a:Three@s a:Four@s ");
	reopen(s, NULL);
	durable(s, &a, (struct td_interest){.subject = "s"});
	OK(s, td_drain(s->td, -1, &s->err));
	assert_diary(&diary, "a:One@s a:Two@s a:Three@s a:Four@s ");
}

static void a_new_one_may_begin_at_the_beginning(void **state)
{
	struct stored *s = *state;
	struct diary diary = {0};
	struct actor a = {.name = "a", .diary = &diary};

	assert_int_equal(publish(s->td, "One", "s"), 0);
	durable(s, &a, (struct td_interest){.durable_from = 1, .type = "One"});
	assert_int_equal(publish(s->td, "Two", "s"), 0);
	OK(s, td_drain(s->td, -1, &s->err));
	assert_diary(&diary, "a:One@s ");
}

static void what_was_owed_comes_again(void **state)
{
	struct stored *s = *state;
	struct diary diary = {0};
	struct actor a = {.name = "a", .diary = &diary, .fails = 1};
	struct td_interest interest = {
		.subject = "s.*", .retry = {.attempts_max = 5, .first_ms = 60000}};

	durable(s, &a, interest);
	assert_int_equal(publish(s->td, "One", "s.1"), 0); /* fails, and waits for a minute */
	assert_int_equal(publish(s->td, "Two", "s.2"), 0);
	while (a.calls < 2)
		td_loop_turn(s->td, 10);
	assert_diary(&diary, "a:One@s.1 a:Two@s.2 ");
	reopen(s, NULL);
	durable(s, &a, interest);
	OK(s, td_drain(s->td, -1, &s->err));
	assert_diary(&diary, "a:One@s.1 a:Two@s.2 a:One@s.1 ");
}

static void what_is_parked_is_tried_again_after_a_restart(void **state)
{
	struct stored *s = *state;
	struct diary diary = {0};
	struct actor a = {.name = "a", .diary = &diary, .fails = 1, .class_ = TD_PARK};
	struct td_receipt receipt = TD_RECEIPT_INIT;

	durable(s, &a, (struct td_interest){.subject = "s"});
	OK(s, td_publish(s->td, EVENT("One", "s"), &receipt, &s->err));
	assert_int_equal(td_await(s->td, &receipt, -1, &s->err), 0); /* parked is done */
	assert_diary(&diary, "a:One@s ");
	reopen(s, NULL);
	durable(s, &a, (struct td_interest){.subject = "s"});
	OK(s, td_drain(s->td, -1, &s->err));
	assert_diary(&diary, "a:One@s a:One@s ");
	assert_read(s, "events/1:s@1:One events/2:td.deadletter.billing@1:td.deadletter.added ", 0);
	td_receipt_fini(&receipt);
}

static void await_covers_them(void **state)
{
	struct stored *s = *state;
	struct diary diary = {0};
	struct actor a = {.name = "a", .diary = &diary};
	struct td_receipt receipt = TD_RECEIPT_INIT;

	for (unsigned workers = 0; workers < 3; workers += 2) {
		reopen(s, &(struct td_options){.workers = workers});
		durable(s, &a, (struct td_interest){.subject = "s"});
		diary.text[0] = '\0';
		OK(s, td_publish(s->td, EVENT("One", "s"), &receipt, &s->err));
		OK(s, td_await(s->td, &receipt, -1, &s->err));
		assert_diary(&diary, "a:One@s ");
	}
	td_receipt_fini(&receipt);
}

static void without_threads_it_is_fed_in_calls(void **state)
{
	struct stored *s = *state;
	struct diary diary = {0};
	struct actor a = {.name = "a", .diary = &diary, .publishes = "Made"};
	struct actor b = {.name = "b", .diary = &diary};

	reopen(s, &(struct td_options){.flags = TD_NO_THREADS});
	durable(s, &a, (struct td_interest){.subject = "s"});
	durable(s, &b, (struct td_interest){.name = "b", .type = "Made"});
	assert_int_equal(publish(s->td, "One", "s"), 0);
	for (int i = 0; i < 5; i++)
		td_loop_turn(s->td, 0);
	assert_diary(&diary, "a:One@s b:Made@made ");
}

static void a_full_queue_waits_in_the_store(void **state)
{
	struct stored *s = *state;
	struct actor a = {.name = "a"};

	durable(s, &a, (struct td_interest){.queue_max = 4});
	for (int i = 0; i < 50; i++)
		assert_int_equal(publish(s->td, "T", "s"), 0);
	OK(s, td_drain(s->td, -1, &s->err));
	assert_int_equal(a.calls, 50);
}

static void unsubscribed_it_goes_on_when_subscribed_again(void **state)
{
	struct stored *s = *state;
	struct diary diary = {0};
	struct actor a = {.name = "a", .diary = &diary};
	struct td_subscription *subscription = durable(s, &a, (struct td_interest){.subject = "s"});

	assert_int_equal(publish(s->td, "One", "s"), 0);
	OK(s, td_drain(s->td, -1, &s->err));
	td_unsubscribe(subscription);
	assert_int_equal(publish(s->td, "Two", "s"), 0);
	durable(s, &a, (struct td_interest){.subject = "s"});
	OK(s, td_drain(s->td, -1, &s->err));
	assert_diary(&diary, "a:One@s a:Two@s ");
}

static void two_of_one_name_are_refused(void **state)
{
	struct stored *s = *state;
	struct actor a = {.name = "a"};

	durable(s, &a, (struct td_interest){.subject = "s"});
	assert_int_equal(td_subscribe(s->td, INTEREST(.name = "billing", .durable = true), act, &a,
				 NULL, &s->err),
		TD_E_EXISTS);
	assert_int_equal(td_subscribe(s->td, INTEREST(.durable = true), act, &a, NULL, &s->err),
		TD_E_INVALID);
	assert_int_equal(
		td_subscribe(s->td, INTEREST(.name = "x", .durable = true, .observer = true), act,
			&a, NULL, &s->err),
		TD_E_INVALID);
}

static void its_notes_are_nobodys_events(void **state)
{
	struct stored *s = *state;
	struct diary diary = {0};
	struct actor a = {.name = "a", .diary = &diary};
	struct td_log_about *logs;
	size_t count;

	durable(s, &a, (struct td_interest){0});
	assert_int_equal(publish(s->td, "One", "s"), 0);
	OK(s, td_drain(s->td, -1, &s->err));
	usleep(150000);
	OK(s, td_drain(s->td, -1, &s->err));
	assert_diary(&diary, "a:One@s ");
	assert_read(s, "events/1:s@1:One ", 0);
	OK(s, td_log_list(s->td, &logs, &count, &s->err));
	assert_int_equal(count, 1);
	td_log_list_free(logs);
}

static void on_mem_there_is_nothing_to_go_on_from(void **state)
{
	struct stored *s = *state;
	struct actor a = {.name = "a"};

	assert_int_equal(
		td_subscribe(s->td, INTEREST(.name = "b", .durable = true), act, &a, NULL, &s->err),
		TD_E_PLACE);
}

/* --- many threads ------------------------------------------------------------------------- */

static _Atomic int handled;

static int count_handled(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event, (void)context, (void)arg;
	atomic_fetch_add(&handled, 1);
	return 0;
}

static void *publish_100(void *arg)
{
	struct td *td = arg;
	char subject[16];

	for (int i = 0; i < 100; i++) {
		snprintf(subject, sizeof(subject), "s.%d", i % 7);
		publish(td, "T", subject);
	}
	return NULL;
}

static void workers_handle_what_many_publish(void **state)
{
	struct stored *s = *state;
	pthread_t threads[4];

	handled = 0;
	reopen(s, &(struct td_options){.workers = 2});
	OK(s, td_subscribe(s->td, INTEREST(.name = "d", .durable = true), count_handled, NULL, NULL,
		      &s->err));
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, publish_100, s->td);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	OK(s, td_drain(s->td, -1, &s->err));
	assert_int_equal(handled, 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_file(it_goes_on_where_it_stopped),
		on_file(a_new_one_may_begin_at_the_beginning),
		on_file(what_was_owed_comes_again),
		on_file(what_is_parked_is_tried_again_after_a_restart),
		on_file(await_covers_them),
		on_file(without_threads_it_is_fed_in_calls),
		on_file(a_full_queue_waits_in_the_store),
		on_file(unsubscribed_it_goes_on_when_subscribed_again),
		on_file(two_of_one_name_are_refused),
		on_file(its_notes_are_nobodys_events),
		on_file(workers_handle_what_many_publish),
		{"on_mem_there_is_nothing_to_go_on_from", on_mem_there_is_nothing_to_go_on_from,
			setup_mem, teardown, NULL},
	};

	return cmocka_run_group_tests_name("client/durable", tests, NULL, NULL);
}
