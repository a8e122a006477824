#include "place.h"

#include "bus/bus.h"
#include "client/client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/*
 * A keeper of the tests' own: positions under a lock, a pause that stands for the sync, and a
 * refusal or a duplicate where the test wants one.
 */
struct shelf {
	struct td_keeper keeper;
	struct td_mutex lock;
	uint64_t position;
	int refuses; /* code */
	bool duplicates;
	unsigned pause_us;
	const void *asked;
	struct diary *diary;
};

static void pause_us(unsigned us)
{
	struct timespec t = {0, (long)us * 1000};

	if (us > 0)
		nanosleep(&t, NULL);
}

static int keep(void *arg, const struct td_keeping *keeping, struct td_error *err)
{
	struct shelf *shelf = arg;

	if (shelf->refuses != 0)
		return td_error_set(err, shelf->refuses, TD_NO_OFFSET, "refused");
	td_mutex_lock(&shelf->lock);
	shelf->asked = keeping->asked;
	for (size_t i = 0; i < keeping->count; i++) {
		keeping->kept[i].stored = true;
		keeping->kept[i].duplicate = shelf->duplicates;
		keeping->kept[i].where.position = ++shelf->position;
		if (!shelf->duplicates)
			td_turn_draw(shelf->keeper.turns, keeping->kept[i].turn,
				td_event_address(keeping->events[i]));
		if (shelf->diary != NULL)
			diary_add(shelf->diary, "kept:%.*s ",
				TD_TEXT_ARG(td_event_type(keeping->events[i])));
	}
	td_mutex_unlock(&shelf->lock);
	pause_us(shelf->pause_us > 0 ? (unsigned)(shelf->position * 7919u) % shelf->pause_us : 0);
	return 0;
}

static void shelf_init(struct shelf *shelf, struct td *td)
{
	*shelf = (struct shelf){.keeper = {.keep = keep}};
	shelf->keeper.arg = shelf;
	assert_int_equal(td_mutex_init(&shelf->lock, NULL), 0);
	td_bus_keep(td->bus, &shelf->keeper);
}

static struct td *open_mem(void)
{
	struct td *td = NULL;

	assert_int_equal(td_open(&td, "mem:", NULL, NULL), 0);
	return td;
}

static void what_is_heard_was_kept_before(void **state)
{
	struct diary diary = {0};
	struct actor first = {.name = "a", .diary = &diary, .publishes = "Made"};
	struct actor second = {.name = "b", .diary = &diary};
	struct td *td = open_mem();
	struct shelf shelf;

	(void)state;
	shelf_init(&shelf, td);
	shelf.diary = &diary;
	subscribe(td, INTEREST(.type = "Placed"), &first);
	subscribe(td, INTEREST(0), &second);
	assert_int_equal(publish(td, "Placed", "order.1"), 0);
	assert_diary(
		&diary, "kept:Placed a:Placed@order.1 kept:Made b:Placed@order.1 b:Made@made ");
	td_close(td);
	td_mutex_fini(&shelf.lock);
}

static void what_is_refused_is_not_published(void **state)
{
	struct diary diary = {0};
	struct actor a = {.name = "a", .diary = &diary}, b = {.name = "b", .diary = &diary};
	struct td *td = open_mem();
	struct td_receipt receipt = TD_RECEIPT_INIT;
	struct td_error err = TD_ERROR_INIT;
	struct td_subscription *queued;
	struct td_subscription_status status;
	struct shelf shelf;

	(void)state;
	shelf_init(&shelf, td);
	subscribe(td, INTEREST(0), &a);
	queued = subscribe(td, INTEREST(.async = true, .queue_max = 1, .when_full = TD_REFUSE), &b);
	shelf.refuses = TD_E_DISK_FULL;
	assert_int_equal(td_publish(td, EVENT("Placed", "s"), &receipt, &err), TD_E_DISK_FULL);
	assert_string_equal(err.text, "publish: refused");
	assert_null(td_receipt_event(&receipt));
	td_subscription_status(queued, &status);
	assert_int_equal(status.waiting, 0);
	assert_diary(&diary, "");
	shelf.refuses = 0;
	assert_int_equal(publish(td, "Placed", "s"), 0); /* the place in the queue was given back */
	assert_int_equal(publish(td, "Placed", "s"), TD_E_FULL);
	assert_int_equal(shelf.position, 1); /* what a queue refuses is not kept */
	td_loop_turn(td, 0);
	assert_diary(&diary, "a:Placed@s b:Placed@s ");
	td_receipt_fini(&receipt);
	td_close(td);
	td_mutex_fini(&shelf.lock);
}

static void a_duplicate_is_answered_and_not_heard_of_again(void **state)
{
	struct diary diary = {0};
	struct actor a = {.name = "a", .diary = &diary}, b = {.name = "b", .diary = &diary};
	struct td *td = open_mem();
	struct td_receipt receipt = TD_RECEIPT_INIT;
	bool duplicate = false;
	struct shelf shelf;

	(void)state;
	shelf_init(&shelf, td);
	subscribe(td, INTEREST(0), &a);
	subscribe(td, INTEREST(.async = true), &b);
	shelf.duplicates = true;
	assert_int_equal(td_publish(td, EVENT("Placed", "s"), &receipt, NULL), 0);
	assert_int_equal(td_bus_receipt_where(&receipt, &duplicate)->position, 1);
	assert_true(duplicate);
	assert_int_equal(td_loop_turn(td, 0), 0);
	assert_diary(&diary, "");
	td_receipt_fini(&receipt);
	td_close(td);
	td_mutex_fini(&shelf.lock);
}

static void several_events_are_kept_at_once_and_heard_of_in_order(void **state)
{
	struct diary diary = {0};
	struct actor a = {.name = "a", .diary = &diary, .publishes = "Made"};
	struct actor b = {.name = "b", .diary = &diary};
	struct td *td = open_mem();
	struct td_event *events[2];
	struct shelf shelf;
	int asked = 7;

	(void)state;
	shelf_init(&shelf, td);
	shelf.diary = &diary;
	subscribe(td, INTEREST(.type = "One"), &a);
	subscribe(td, INTEREST(0), &b);
	assert_int_equal(td_bus_make(td->bus, EVENT("One", "s"), &events[0], NULL), 0);
	assert_int_equal(td_bus_make(td->bus, EVENT("Two", "t"), &events[1], NULL), 0);
	assert_int_equal(td_bus_publish_all(td->bus, (const struct td_event *const *)events, 2, 0,
				 &asked, NULL, NULL, NULL),
		0);
	assert_ptr_equal(shelf.asked, NULL); /* the last one kept was the handler's */
	assert_diary(&diary, "kept:One kept:Two a:One@s kept:Made b:One@s b:Two@t b:Made@made ");
	shelf.refuses = TD_E_REVISION;
	assert_int_equal(td_bus_publish_all(td->bus, (const struct td_event *const *)events, 2, 0,
				 &asked, NULL, NULL, NULL),
		TD_E_REVISION);
	td_event_unref(events[0]);
	td_event_unref(events[1]);
	td_close(td);
	td_mutex_fini(&shelf.lock);
}

static void dead_letters_are_kept_though_nobody_listens(void **state)
{
	struct diary diary = {0};
	struct actor fails = {.name = "f", .fails = -1, .class_ = TD_SKIP};
	struct td *td = open_mem();
	struct shelf shelf;

	(void)state;
	shelf_init(&shelf, td);
	shelf.diary = &diary;
	subscribe(td, INTEREST(.subject = "s"), &fails);
	assert_int_equal(publish(td, "Placed", "s"), TD_E_HANDLER);
	assert_diary(&diary, "kept:Placed kept:td.deadletter.added ");
	td_close(td);
	td_mutex_fini(&shelf.lock);
}

/* --- turns -------------------------------------------------------------------------------- */

#define PUBLISHERS 4
#define EACH       150

struct order {
	struct td *td;
	struct td_mutex lock;
	uint64_t last[4]; /* per subject, as the synchronous handler saw it */
	uint64_t queued[4];
	_Atomic int wrong, seen, queued_seen;
	_Atomic bool inside[4];
};

/* The keeper of this test writes the position down where handlers find it: by id. */
static _Atomic uint64_t positions[PUBLISHERS * EACH * 4];

static uint64_t position_of(const struct td_event *event)
{
	char id[32];

	return positions[strtoul(td_text_copy(td_event_id(event), id, sizeof(id)), NULL, 10)];
}

static int keep_by_id(void *arg, const struct td_keeping *keeping, struct td_error *err)
{
	struct shelf *shelf = arg;
	char id[32];

	(void)err;
	td_mutex_lock(&shelf->lock);
	for (size_t i = 0; i < keeping->count; i++) {
		td_text_copy(td_event_id(keeping->events[i]), id, sizeof(id));
		positions[strtoul(id, NULL, 10)] = ++shelf->position;
		td_turn_draw(shelf->keeper.turns, keeping->kept[i].turn,
			td_event_address(keeping->events[i]));
	}
	td_mutex_unlock(&shelf->lock);
	pause_us((unsigned)rand() % 50u); /* NOLINT: any pause will do */
	return 0;
}

static unsigned subject_of(const struct td_event *event)
{
	return (unsigned)(td_event_subject(event).at[1] - '0');
}

static int in_order(const struct td_event *event, struct td_context *context, void *arg)
{
	struct order *order = arg;
	unsigned subject = subject_of(event);
	uint64_t position = position_of(event);

	(void)context;
	if (atomic_exchange(&order->inside[subject], true))
		atomic_fetch_add(&order->wrong, 1); /* two at once */
	if (position <= order->last[subject])
		atomic_fetch_add(&order->wrong, 1);
	order->last[subject] = position;
	pause_us((unsigned)rand() % 20u); /* NOLINT: the same */
	atomic_store(&order->inside[subject], false);
	atomic_fetch_add(&order->seen, 1);
	return 0;
}

static int queued_in_order(const struct td_event *event, struct td_context *context, void *arg)
{
	struct order *order = arg;
	unsigned subject = subject_of(event);
	uint64_t position = position_of(event);

	(void)context;
	if (position <= order->queued[subject])
		atomic_fetch_add(&order->wrong, 1);
	order->queued[subject] = position;
	atomic_fetch_add(&order->queued_seen, 1);
	return 0;
}

/* Publishes once more on a subject that others publish on, from inside; also from a worker. */
static int goes_on(const struct td_event *event, struct td_context *context, void *arg)
{
	char id[32], subject[8] = "s3";
	unsigned long number = strtoul(td_text_copy(td_event_id(event), id, sizeof(id)), NULL, 10);
	struct td_draft draft = {.type = "More", .subject = subject, .id = id};

	snprintf(id, sizeof(id), "%lu", number + PUBLISHERS * EACH * (arg != NULL ? 1u : 2u));
	return td_publish(td_context_place(context), &draft, NULL, NULL);
}

static _Atomic int publisher_numbers;

static void *publisher(void *arg)
{
	struct order *order = arg;
	int me = atomic_fetch_add(&publisher_numbers, 1);

	for (int i = 0; i < EACH; i++) {
		char id[32], subject[8];
		struct td_draft draft = {.type = "Placed", .subject = subject, .id = id};

		snprintf(id, sizeof(id), "%d", me * EACH + i);
		snprintf(subject, sizeof(subject), "s%d", i % 4);
		assert_int_equal(td_publish(order->td, &draft, NULL, NULL), 0);
	}
	return NULL;
}

static void per_subject_handlers_and_queues_see_the_order_of_positions(void **state)
{
	struct td_options options = {.workers = 2};
	struct order order = {0};
	pthread_t threads[PUBLISHERS];
	struct td *td = NULL;
	struct shelf shelf;

	(void)state;
	assert_int_equal(td_open(&td, "mem:", &options, NULL), 0);
	shelf_init(&shelf, td);
	shelf.keeper.keep = keep_by_id;
	order.td = td;
	td_subscribe(td, NULL, in_order, &order, NULL, NULL);
	td_subscribe(td, INTEREST(.async = true), queued_in_order, &order, NULL, NULL);
	/* From a synchronous handler, and from a worker, onto a subject all publish on. */
	td_subscribe(td, INTEREST(.type = "Placed", .subject = "s1"), goes_on, NULL, NULL, NULL);
	td_subscribe(td, INTEREST(.type = "Placed", .subject = "s2", .async = true), goes_on,
		&order, NULL, NULL);
	for (int i = 0; i < PUBLISHERS; i++)
		pthread_create(&threads[i], NULL, publisher, &order);
	for (int i = 0; i < PUBLISHERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_int_equal(order.wrong, 0);
	assert_int_equal(order.seen, shelf.position);
	assert_int_equal(order.queued_seen, shelf.position);
	assert_true(shelf.position > PUBLISHERS * EACH * 5 / 4);
	td_close(td);
	td_mutex_fini(&shelf.lock);
}

/*
 * The circle that turns must not close: a handler waits for a command's answer, and who gives it
 * has published on the subject that is being handled.
 */
struct circle {
	_Atomic int handled;
	bool asked;
};

static int asks(const struct td_event *event, struct td_context *context, void *arg)
{
	struct circle *circle = arg;

	(void)event;
	atomic_fetch_add(&circle->handled, 1);
	if (circle->asked)
		return 0;
	circle->asked = true;
	return td_request(
		td_context_place(context), TD_COMMAND, EVENT("Again", "x"), -1, NULL, NULL);
}

static int answers(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event, (void)arg;
	return td_publish(td_context_place(context), EVENT("Placed", "s"), NULL, NULL);
}

static void a_handler_that_waits_for_who_publishes_behind_it_is_answered(void **state)
{
	for (unsigned workers = 0; workers < 3; workers++) {
		struct td_options options = {.workers = workers};
		struct circle circle = {0};
		struct td *td = NULL;
		struct shelf shelf;

		(void)state;
		assert_int_equal(td_open(&td, "mem:", &options, NULL), 0);
		shelf_init(&shelf, td);
		td_subscribe(td, INTEREST(.subject = "s"), asks, &circle, NULL, NULL);
		td_handle(td, TD_COMMAND, "Again", answers, NULL,
			INTEREST(.async = true, .order = TD_ORDER_ALL), NULL, NULL);
		assert_int_equal(publish(td, "Placed", "s"), 0);
		td_drain(td, -1, NULL);
		assert_int_equal(circle.handled, 2);
		td_close(td);
		td_mutex_fini(&shelf.lock);
	}
}

/* --- feeding ------------------------------------------------------------------------------ */

struct fed {
	uint64_t number[16];
	enum td_state state[16];
	int count;
};

static void settled(void *arg, uint64_t number, enum td_state state)
{
	struct fed *fed = arg;

	fed->number[fed->count] = number;
	fed->state[fed->count++] = state;
}

static void what_is_fed_is_settled_by_its_number(void **state)
{
	struct diary diary = {0};
	struct actor a = {.name = "a", .diary = &diary, .fails = 1, .class_ = TD_PARK};
	struct td *td = open_mem();
	struct fed fed = {0};
	struct td_feed feed = {settled, &fed};
	struct td_subscription *s;
	struct td_event *event;

	(void)state;
	assert_int_equal(td_bus_subscribe_fed(td->bus,
				 INTEREST(.subject = "s.*", .type = "Placed", .queue_max = 3), act,
				 NULL, &a, &feed, &s, NULL),
		0);
	assert_int_equal(publish(td, "Placed", "s.1"), 0); /* is not what feeds it */
	assert_int_equal(td_loop_turn(td, 0), 0);
	assert_int_equal(td_event_new(&event, EVENT("Placed", "s.1"), NULL), 0);
	assert_true(td_bus_wants(s, event));
	for (uint64_t i = 1; i <= 3; i++)
		assert_int_equal(td_bus_feed(s, event, i, NULL), 0);
	assert_int_equal(td_bus_feed(s, event, 4, NULL), TD_E_FULL);
	td_event_unref(event);
	td_loop_turn(td, 0);
	assert_int_equal(fed.count, 1);
	assert_int_equal(fed.state[0], TD_PARKED);
	assert_int_equal(td_redrive(s, "s.1", NULL), 0);
	td_loop_turn(td, 0);
	assert_int_equal(fed.count, 4);
	for (int i = 1; i < 4; i++) {
		assert_int_equal(fed.number[i], i);
		assert_int_equal(fed.state[i], TD_COMPLETED);
	}
	assert_int_equal(td_event_new(&event, EVENT("Other", "s.1"), NULL), 0);
	assert_false(td_bus_wants(s, event));
	assert_int_equal(td_bus_feed(s, event, 9, NULL), 0);
	td_event_unref(event);
	td_close(td);
	assert_int_equal(fed.count, 5);
	assert_int_equal(fed.state[4], TD_DROPPED);
}

static void what_is_dismissed_is_settled_too(void **state)
{
	struct actor a = {.name = "a", .fails = -1, .class_ = TD_PARK};
	struct td *td = open_mem();
	struct fed fed = {0};
	struct td_feed feed = {settled, &fed};
	struct td_subscription *s;
	struct td_event *event;

	(void)state;
	assert_int_equal(
		td_bus_subscribe_fed(td->bus, INTEREST(0), act, NULL, &a, &feed, &s, NULL), 0);
	assert_int_equal(td_event_new(&event, EVENT("Placed", "s.1"), NULL), 0);
	assert_int_equal(td_bus_feed(s, event, 1, NULL), 0);
	td_event_unref(event);
	td_loop_turn(td, 0);
	assert_int_equal(td_dismiss(s, NULL, NULL), 0);
	assert_int_equal(fed.count, 2);
	assert_int_equal(fed.state[0], TD_PARKED);
	assert_int_equal(fed.state[1], TD_FAILED);
	td_close(td);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_heard_was_kept_before),
		cmocka_unit_test(what_is_refused_is_not_published),
		cmocka_unit_test(a_duplicate_is_answered_and_not_heard_of_again),
		cmocka_unit_test(several_events_are_kept_at_once_and_heard_of_in_order),
		cmocka_unit_test(dead_letters_are_kept_though_nobody_listens),
		cmocka_unit_test(per_subject_handlers_and_queues_see_the_order_of_positions),
		cmocka_unit_test(a_handler_that_waits_for_who_publishes_behind_it_is_answered),
		cmocka_unit_test(what_is_fed_is_settled_by_its_number),
		cmocka_unit_test(what_is_dismissed_is_settled_too),
	};

	return cmocka_run_group_tests_name("bus/keep", tests, NULL, NULL);
}
