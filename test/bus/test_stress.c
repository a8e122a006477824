#include "place.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/*
 * Everything at once, from many threads: 3 publishers, 3 workers, one who subscribes and
 * unsubscribes, one who redrives and resumes. Which thread comes first is chance; what it must
 * come to is not.
 */

#define PUBLISHERS 3u
#define WORKERS    3u
#define EVENTS     6000u /* of each publisher */
#define SUBJECTS   4u    /* of each publisher; nobody else uses them */
#define ASKED      (EVENTS / 40u)
#define QUEUE_MAX  100000u

struct counts {
	_Atomic size_t plain, observed, answered, letters, churned, made, released;
	/* What comes in order, by publisher and subject: the last number, and how many. */
	_Atomic unsigned last[PUBLISHERS][SUBJECTS], seen[PUBLISHERS][SUBJECTS];
	_Atomic size_t out_of_order, handled, given_up, parked, stopped;
};

struct stress {
	struct td *td;
	struct counts counts;
	struct td_subscription *ordered, *parks, *stops, *observer;
	_Atomic bool done; /* all is published */
};

struct publisher {
	struct stress *stress;
	unsigned number;
	pthread_t thread;
	size_t accepted, answers, refusals, receipts_wrong;
};

static void wait_us(long us)
{
	nanosleep(&(struct timespec){0, us * 1000}, NULL);
}

/* --- handlers ----------------------------------------------------------------------------- */

static int count_one(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	(void)context;
	atomic_fetch_add((_Atomic size_t *)arg, 1);
	return 0;
}

static void read_number(
	const struct td_event *event, unsigned *publisher, unsigned *subject, unsigned *number)
{
	char text[32];

	snprintf(text, sizeof(text), "%.*s", TD_TEXT_ARG(td_event_data(event)));
	assert_int_equal(sscanf(text, "[%u,%u,%u]", publisher, subject, number), 3);
}

/* In order per subject, each once; every fifth only at the second attempt. */
static int in_order(const struct td_event *event, struct td_context *context, void *arg)
{
	struct counts *counts = arg;
	unsigned publisher, subject, number;

	read_number(event, &publisher, &subject, &number);
	if (number % 5 == 0 && td_context_attempt(context) == 1)
		return td_fail(context, TD_RETRY, "again");
	if (atomic_exchange(&counts->last[publisher][subject], number) >= number)
		atomic_fetch_add(&counts->out_of_order, 1);
	atomic_fetch_add(&counts->seen[publisher][subject], 1);
	return 0;
}

/* Each is handled in the end; on the way there it is parked once. */
static int parks_now_and_then(const struct td_event *event, struct td_context *context, void *arg)
{
	struct counts *counts = arg;
	unsigned publisher, subject, number;
	static _Atomic unsigned char parked[PUBLISHERS][EVENTS + 1];

	read_number(event, &publisher, &subject, &number);
	if (number % 50 == 7 && atomic_exchange(&parked[publisher][number], 1) == 0) {
		atomic_fetch_add(&counts->parked, 1);
		return td_fail(context, TD_PARK, "later");
	}
	if (number % 50 == 9) {
		atomic_fetch_add(&counts->given_up, 1);
		return td_fail(context, TD_SKIP, "never");
	}
	atomic_fetch_add(&counts->handled, 1);
	return 0;
}

static int stops_now_and_then(const struct td_event *event, struct td_context *context, void *arg)
{
	struct counts *counts = arg;
	unsigned publisher, subject, number;
	static _Atomic unsigned char stopped[PUBLISHERS][EVENTS + 1];

	read_number(event, &publisher, &subject, &number);
	if (number % 100 == 3 && atomic_exchange(&stopped[publisher][number], 1) == 0)
		return td_fail(context, TD_STOP, "wait");
	atomic_fetch_add(&counts->stopped, 1);
	return 0;
}

static int answer(const struct td_event *event, struct td_context *context, void *arg)
{
	struct counts *counts = arg;

	(void)event;
	if (atomic_fetch_add(&counts->answered, 1) % 3 == 2)
		return td_refuse(context, "no");
	return td_reply(context, &(struct td_draft){.json = "1"}, NULL);
}

static int pass_by(const struct td_event *event, struct td_context *context, void *arg)
{
	struct counts *counts = arg;

	(void)event;
	(void)context;
	atomic_fetch_add(&counts->churned, 1);
	return 0;
}

static void released(void *arg)
{
	struct counts *counts = arg;

	atomic_fetch_add(&counts->released, 1);
}

/* --- threads ------------------------------------------------------------------------------ */

static void ask(struct publisher *publisher, const char *type)
{
	struct td_event *reply = NULL;
	int code = td_request(publisher->stress->td, TD_QUERY, EVENT(type, "q"), -1, &reply, NULL);

	publisher->answers += code == 0 && reply != NULL;
	publisher->refusals += code == TD_E_REFUSED && reply == NULL;
	td_event_unref(reply);
}

static void *publish_all(void *arg)
{
	struct publisher *publisher = arg;
	struct td *td = publisher->stress->td;
	struct td_receipt receipt = TD_RECEIPT_INIT;
	struct td_topic *topics[SUBJECTS];
	char subject[32], json[48];

	for (unsigned i = 0; i < SUBJECTS; i++) {
		snprintf(subject, sizeof(subject), "order.%u.%u", publisher->number, i);
		assert_int_equal(td_topic_open(&topics[i], td, subject, "Order", NULL), 0);
	}
	for (unsigned number = 1; number <= EVENTS; number++) {
		unsigned at = number % SUBJECTS;
		struct td_draft draft = {.type = "Order", .subject = subject, .json = json};
		bool told = number % 10 == 0;
		struct td_event *event = NULL;
		int code;

		snprintf(subject, sizeof(subject), "order.%u.%u", publisher->number, at);
		snprintf(json, sizeof(json), "[%u,%u,%u]", publisher->number, at, number);
		if (number % 2 == 0) {
			assert_int_equal(td_event_new(&event, &draft, NULL), 0);
			code = td_topic_publish(topics[at], event, told ? &receipt : NULL, NULL);
			td_event_unref(event);
		} else {
			code = td_publish(td, &draft, told ? &receipt : NULL, NULL);
		}
		publisher->accepted += code == 0;
		if (told && (receipt.completed < 1 || receipt.queued < 3 || receipt.failed > 0))
			publisher->receipts_wrong++;
		if (number % 40 == 0)
			ask(publisher, number % 80 == 0 ? "Here" : "There");
	}
	td_receipt_fini(&receipt);
	for (unsigned i = 0; i < SUBJECTS; i++)
		td_topic_close(topics[i]);
	return NULL;
}

/* Subscribes and unsubscribes, plain and queued, while all goes on. */
static void *come_and_go(void *arg)
{
	struct stress *stress = arg;

	for (unsigned i = 0; !atomic_load(&stress->done); i++) {
		struct td_subscription *s;

		assert_int_equal(td_subscribe(stress->td,
					 INTEREST(.subject = i % 3 == 0 ? "order.1.*" : "order.>",
						 .async = i % 2 == 0, .queue_max = QUEUE_MAX,
						 .release = released),
					 pass_by, &stress->counts, &s, NULL),
			0);
		atomic_fetch_add(&stress->counts.made, 1);
		wait_us(200);
		td_unsubscribe(s);
	}
	return NULL;
}

static void go_on(struct stress *stress)
{
	struct td_subscription_status status;

	assert_int_equal(td_redrive(stress->parks, NULL, NULL), 0);
	td_subscription_status(stress->stops, &status);
	if (status.stopped)
		assert_int_equal(td_resume(stress->stops, NULL), 0);
}

static void *redrive(void *arg)
{
	struct stress *stress = arg;

	while (!atomic_load(&stress->done)) {
		go_on(stress);
		wait_us(500);
	}
	return NULL;
}

/* --- the tests ---------------------------------------------------------------------------- */

static struct td_subscription *add(
	struct td *td, const struct td_interest *interest, td_handler *handler, void *arg)
{
	struct td_subscription *s = NULL;

	assert_int_equal(td_subscribe(td, interest, handler, arg, &s, NULL), 0);
	return s;
}

static void open_all(struct stress *stress)
{
	struct counts *counts = &stress->counts;
	struct td *td = open_place(&(struct td_options){.workers = WORKERS});

	stress->td = td;
	stress->ordered = add(td,
		INTEREST(.type = "Order", .async = true, .queue_max = QUEUE_MAX,
			.retry = {.attempts_max = 2, .first_ms = 1, .jitter = -1}),
		in_order, counts);
	stress->parks = add(td,
		INTEREST(.type = "Order", .async = true, .queue_max = QUEUE_MAX,
			.parked_max = QUEUE_MAX),
		parks_now_and_then, counts);
	stress->stops = add(td,
		INTEREST(.type = "Order", .async = true, .queue_max = QUEUE_MAX,
			.order = TD_ORDER_ALL),
		stops_now_and_then, counts);
	stress->observer = add(td,
		INTEREST(.type = "Order", .async = true, .observer = true, .queue_max = 64,
			.when_full = TD_DROP_OLDEST),
		count_one, &counts->observed);
	add(td, INTEREST(.type = "Order"), count_one, &counts->plain);
	add(td, INTEREST(.type = TD_DEAD_LETTER), count_one, &counts->letters);
	assert_int_equal(td_handle(td, TD_QUERY, "Here", answer, counts, NULL, NULL, NULL), 0);
	assert_int_equal(td_handle(td, TD_QUERY, "There", answer, counts, INTEREST(.async = true),
				 NULL, NULL),
		0);
}

/* Until nothing is parked and nothing stands still. */
static void come_to_an_end(struct stress *stress)
{
	struct td_subscription_status parks, stops;

	do {
		go_on(stress);
		assert_int_equal(td_drain(stress->td, -1, NULL), 0);
		td_subscription_status(stress->parks, &parks);
		td_subscription_status(stress->stops, &stops);
	} while (parks.parked > 0 || stops.stopped);
}

static void check_status(struct stress *stress, size_t total)
{
	struct td_subscription_status status;
	struct counts *counts = &stress->counts;

	td_subscription_status(stress->ordered, &status);
	assert_int_equal(status.completed, total);
	assert_int_equal(status.retried, total / 5);
	td_subscription_status(stress->parks, &status);
	assert_int_equal(status.completed, counts->handled);
	assert_int_equal(status.failed, counts->parked + counts->given_up);
	assert_int_equal(status.untold, 0);
	td_subscription_status(stress->stops, &status);
	assert_int_equal(status.completed, total);
	td_subscription_status(stress->observer, &status);
	assert_int_equal(status.completed, counts->observed);
	assert_int_equal(status.completed + status.dropped, total);
}

static void check_counts(struct stress *stress, size_t total)
{
	struct counts *counts = &stress->counts;
	size_t seen = 0;

	for (unsigned i = 0; i < PUBLISHERS * SUBJECTS; i++)
		seen += counts->seen[i / SUBJECTS][i % SUBJECTS];
	assert_int_equal(seen, total);
	assert_int_equal(counts->out_of_order, 0);
	assert_int_equal(counts->plain, total);
	assert_int_equal(counts->handled + counts->given_up, total);
	assert_int_equal(counts->parked, total / 50);
	assert_int_equal(counts->letters, counts->parked + counts->given_up);
	assert_int_equal(counts->stopped, total);
	assert_int_equal(counts->answered, PUBLISHERS * ASKED);
}

static void all_that_was_accepted_is_handled_and_counted(void **state)
{
	static struct stress stress;
	struct publisher publishers[PUBLISHERS] = {0};
	pthread_t churner, redriver;
	size_t total = PUBLISHERS * EVENTS, answers = 0;

	(void)state;
	open_all(&stress);
	assert_int_equal(pthread_create(&churner, NULL, come_and_go, &stress), 0);
	assert_int_equal(pthread_create(&redriver, NULL, redrive, &stress), 0);
	for (unsigned i = 0; i < PUBLISHERS; i++) {
		publishers[i] = (struct publisher){.stress = &stress, .number = i};
		assert_int_equal(
			pthread_create(&publishers[i].thread, NULL, publish_all, &publishers[i]),
			0);
	}
	for (unsigned i = 0; i < PUBLISHERS; i++) {
		pthread_join(publishers[i].thread, NULL);
		assert_int_equal(publishers[i].accepted, EVENTS);
		assert_int_equal(publishers[i].receipts_wrong, 0);
		answers += publishers[i].answers + publishers[i].refusals;
	}
	atomic_store(&stress.done, true);
	pthread_join(churner, NULL);
	pthread_join(redriver, NULL);
	assert_int_equal(answers, PUBLISHERS * ASKED);
	come_to_an_end(&stress);
	check_counts(&stress, total);
	check_status(&stress, total);
	assert_int_equal(td_close(stress.td), 0);
	assert_true(stress.counts.made > 0);
	assert_int_equal(stress.counts.released, stress.counts.made);
}

struct closing {
	struct td *td;
	_Atomic unsigned inside;
	_Atomic size_t accepted, handled, released;
	_Atomic int last[PUBLISHERS];
};

/* Publishes from inside until the handle refuses: who closes waits for it. */
static int publish_until_closed(const struct td_event *event, struct td_context *context, void *arg)
{
	struct closing *closing = arg;
	unsigned number = atomic_fetch_add(&closing->inside, 1);
	int code = 0;

	(void)event;
	for (unsigned i = 0; code == 0 || code == TD_E_FULL; i++) {
		code = td_publish_with(td_context_place(context),
			EVENT("Item", i % 2 == 0 ? "a" : "b"), TD_ASYNC, NULL, NULL);
		atomic_fetch_add(&closing->accepted, code == 0);
	}
	atomic_store(&closing->last[number], code);
	return 0;
}

static int take_item(const struct td_event *event, struct td_context *context, void *arg)
{
	struct closing *closing = arg;

	(void)event;
	(void)context;
	atomic_fetch_add(&closing->handled, 1);
	return 0;
}

static void release_item(void *arg)
{
	struct closing *closing = arg;

	atomic_fetch_add(&closing->released, 1);
}

static void *publish_gate(void *arg)
{
	struct closing *closing = arg;

	assert_int_equal(publish(closing->td, "Gate", "g"), 0);
	return NULL;
}

static void closing_while_others_publish_drops_and_releases(void **state)
{
	struct closing closing = {0};
	pthread_t threads[PUBLISHERS];
	size_t handled;

	(void)state;
	closing.td = open_place(&(struct td_options){.workers = WORKERS});
	add(closing.td, INTEREST(.type = "Gate"), publish_until_closed, &closing);
	for (unsigned i = 0; i < 2; i++)
		add(closing.td,
			INTEREST(.type = "Item", .queue_max = i == 0 ? 8 : QUEUE_MAX,
				.release = release_item),
			take_item, &closing);
	for (unsigned i = 0; i < PUBLISHERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, publish_gate, &closing), 0);
	while (atomic_load(&closing.inside) < PUBLISHERS)
		wait_us(100);
	wait_us(20000);
	assert_int_equal(td_close(closing.td), 0);
	handled = atomic_load(&closing.handled);
	for (unsigned i = 0; i < PUBLISHERS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(closing.last[i], TD_E_CLOSED);
	}
	assert_true(closing.accepted > 0);
	assert_int_equal(closing.handled, handled); /* nobody was called after the close */
	assert_true(handled <= 2 * closing.accepted);
	assert_int_equal(closing.released, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_was_accepted_is_handled_and_counted),
		cmocka_unit_test(closing_while_others_publish_drops_and_releases),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
