#include "place.h"

#include "bus/bus.h"
#include "client/client.h"

#include <pthread.h>
#include <stdatomic.h>

/*
 * What others published, as a place hands it on; and how it stands beside what is published here.
 */

static struct td *open_mem(const struct td_options *options)
{
	struct td *td = NULL;

	assert_int_equal(td_open(&td, "mem:", options, NULL), 0);
	return td;
}

static int hear(struct td *td, const char *type, const char *subject, uint64_t number)
{
	struct td_cascade left;
	struct td_event *event = NULL;
	int code;

	assert_int_equal(td_event_new(&event, EVENT(type, subject), NULL), 0);
	td_bus_heard_init(&left);
	code = td_bus_hear(td->bus, event, number, &left, NULL);
	assert_int_equal(td_bus_heard(td->bus, &left, NULL), 0);
	td_event_unref(event);
	return code;
}

static void what_is_heard_waits_for_a_turn_of_the_loop(void **state)
{
	struct diary diary = {0};
	struct actor a = {.name = "a", .diary = &diary}, b = {.name = "b", .diary = &diary};
	struct td *td = open_mem(NULL);

	(void)state;
	subscribe(td, INTEREST(.subject = "order.>"), &a);
	subscribe(td, INTEREST(.type = "Paid", .async = true), &b);
	assert_int_equal(hear(td, "Placed", "order.1", 1), 0);
	assert_int_equal(hear(td, "Paid", "order.1", 2), 0);
	assert_int_equal(hear(td, "Paid", "stock.1", 3), 0);
	assert_int_equal(hear(td, "Noted", "nobody", 4), 0);
	assert_diary(&diary, "");
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_diary(&diary, "a:Placed@order.1 a:Paid@order.1 b:Paid@order.1 b:Paid@stock.1 ");
	td_close(td);
}

static void what_was_there_before_a_subscription_is_not_for_it(void **state)
{
	struct diary diary = {0};
	struct actor a = {.name = "a", .diary = &diary}, b = {.name = "b", .diary = &diary};
	struct td *td = open_mem(NULL);

	(void)state;
	subscribe(td, NULL, &a);
	td_bus_subscription_since(subscribe(td, NULL, &b), 8);
	assert_int_equal(hear(td, "T", "seven", 7), 0);
	assert_int_equal(hear(td, "T", "eight", 8), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_diary(&diary, "a:T@seven a:T@eight b:T@eight ");
	td_close(td);
}

static void a_full_queue_takes_nothing_for_anybody(void **state)
{
	struct actor a = {.name = "a"}, b = {.name = "b"}, c = {.name = "c"};
	struct td *td = open_mem(NULL);
	struct td_subscription_status status;
	struct td_subscription *observer;

	(void)state;
	observer = subscribe(td,
		INTEREST(.observer = true, .async = true, .queue_max = 1,
			.when_full = TD_DROP_OLDEST),
		&c);
	subscribe(td, NULL, &a);
	subscribe(td, INTEREST(.async = true, .queue_max = 1), &b);
	assert_int_equal(hear(td, "T", "s", 1), 0);
	assert_int_equal(hear(td, "T", "s", 2), TD_E_FULL);
	td_subscription_status(observer, &status);
	assert_int_equal(status.dropped, 0); /* nothing had to make room for what was not taken */
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_int_equal(a.calls, 1);
	assert_int_equal(b.calls, 1);
	assert_int_equal(hear(td, "T", "s", 2), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_int_equal(a.calls, 2);
	assert_int_equal(b.calls, 2);
	assert_int_equal(c.calls, 2);
	td_close(td);
}

/* A synchronous handler gets a subject in one order, whoever published. */
static void what_is_published_here_comes_behind_what_was_heard(void **state)
{
	struct diary diary = {0};
	struct actor a = {.name = "a", .diary = &diary};
	struct td_receipt receipt = TD_RECEIPT_INIT;
	struct td *td = open_mem(NULL);

	(void)state;
	subscribe(td, NULL, &a);
	assert_int_equal(hear(td, "First", "s", 1), 0);
	assert_int_equal(td_publish(td, EVENT("Second", "s"), &receipt, NULL), 0);
	assert_int_equal(td_await(td, &receipt, -1, NULL), 0);
	assert_int_equal(receipt.completed, 1);
	assert_diary(&diary, "a:First@s a:Second@s ");
	assert_int_equal(publish(td, "Third", "s"), 0);
	assert_diary(&diary, "a:First@s a:Second@s a:Third@s ");
	td_receipt_fini(&receipt);
	td_close(td);
}

static void who_unsubscribed_and_who_closes_hears_nothing(void **state)
{
	struct actor a = {.name = "a"};
	struct td *td = open_mem(NULL);

	(void)state;
	td_unsubscribe(subscribe(td, NULL, &a));
	assert_int_equal(hear(td, "T", "s", 1), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_int_equal(a.calls, 0);
	td_close(td);
}

/* --- threads ------------------------------------------------------------------------------ */

#define PUBLISHERS 3
#define EACH       400

struct world {
	struct td *td;
	struct td_keeper keeper;
	struct td_mutex lock;
	uint64_t position;
	_Atomic int publishing;
};

/* Positions under a lock, which is the order; so does who hears. */
static int keep(void *arg, const struct td_keeping *keeping, struct td_error *err)
{
	struct world *world = arg;

	(void)err;
	td_mutex_lock(&world->lock);
	keeping->kept[0].stored = true;
	keeping->kept[0].where.position = ++world->position;
	td_turn_draw(
		world->keeper.turns, keeping->kept[0].turn, td_event_address(keeping->events[0]));
	td_mutex_unlock(&world->lock);
	return 0;
}

static int next_number(struct world *world, const char *subject)
{
	struct td_cascade left;
	struct td_event *event = NULL;
	char id[24];
	int code;

	td_bus_heard_init(&left);
	td_mutex_lock(&world->lock);
	snprintf(id, sizeof(id), "%llu", (unsigned long long)++world->position);
	assert_int_equal(
		td_event_new(&event, &(struct td_draft){.type = "T", .subject = subject, .id = id},
			NULL),
		0);
	code = td_bus_hear(world->td->bus, event, world->position, &left, NULL);
	td_mutex_unlock(&world->lock);
	td_event_unref(event);
	assert_int_equal(td_bus_heard(world->td->bus, &left, NULL), 0);
	return code;
}

static void *publish_some(void *arg)
{
	struct world *world = arg;

	for (int i = 0; i < EACH; i++)
		publish(world->td, "T", i % 2 == 0 ? "even" : "odd");
	atomic_fetch_sub(&world->publishing, 1);
	return NULL;
}

/* Of each subject, what was heard and bears its number as id ascends, and nothing is missing. */
struct seen {
	struct td_mutex lock;
	unsigned long long last[2];
	int heard, disorder, all;
};

static int see(const struct td_event *event, struct td_context *context, void *arg)
{
	int odd = td_text_is(td_event_subject(event), "odd");
	struct seen *seen = arg;
	char id[64];

	(void)context;
	td_text_copy(td_event_id(event), id, sizeof(id));
	td_mutex_lock(&seen->lock);
	seen->all++;
	if (strchr(id, '-') == NULL) {
		unsigned long long number = strtoull(id, NULL, 10);

		seen->disorder += number <= seen->last[odd];
		seen->last[odd] = number;
		seen->heard++;
	}
	td_mutex_unlock(&seen->lock);
	return 0;
}

static void publishers_and_what_is_heard_keep_one_order(void **state)
{
	struct world world = {.keeper = {.keep = keep, .arg = &world}, .publishing = PUBLISHERS};
	struct seen queued = {.disorder = 0}, sync = {.disorder = 0};
	pthread_t threads[PUBLISHERS];
	int heard = 0;

	(void)state;
	world.td = open_mem(&(struct td_options){.workers = 2});
	assert_int_equal(td_mutex_init(&world.lock, NULL), 0);
	assert_int_equal(td_mutex_init(&queued.lock, NULL), 0);
	assert_int_equal(td_mutex_init(&sync.lock, NULL), 0);
	td_bus_keep(world.td->bus, &world.keeper);
	td_subscribe(world.td, INTEREST(.async = true), see, &queued, NULL, NULL);
	td_subscribe(world.td, NULL, see, &sync, NULL, NULL);
	for (int i = 0; i < PUBLISHERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, publish_some, &world), 0);
	while (atomic_load(&world.publishing) > 0 || heard < EACH)
		heard += next_number(&world, heard % 2 == 0 ? "even" : "odd") == 0;
	for (int i = 0; i < PUBLISHERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(td_drain(world.td, -1, NULL), 0);
	assert_int_equal(queued.heard, heard);
	assert_int_equal(sync.heard, heard);
	assert_int_equal(queued.all, heard + PUBLISHERS * EACH);
	assert_int_equal(sync.all, heard + PUBLISHERS * EACH);
	assert_int_equal(queued.disorder, 0);
	assert_int_equal(sync.disorder, 0);
	td_close(world.td);
	td_mutex_fini(&world.lock);
	td_mutex_fini(&queued.lock);
	td_mutex_fini(&sync.lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_heard_waits_for_a_turn_of_the_loop),
		cmocka_unit_test(what_was_there_before_a_subscription_is_not_for_it),
		cmocka_unit_test(a_full_queue_takes_nothing_for_anybody),
		cmocka_unit_test(what_is_published_here_comes_behind_what_was_heard),
		cmocka_unit_test(who_unsubscribed_and_who_closes_hears_nothing),
		cmocka_unit_test(publishers_and_what_is_heard_keep_one_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
