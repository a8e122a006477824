#include "cli/shop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The demo's pizzeria in one process: what it publishes, and that every order comes to its end. */

struct heard {
	size_t count;
	struct {
		char id[64], cause[64], story[64], type[40], subject[40];
	} events[4096];
};

static int on_event(const struct td_event *event, struct td_context *context, void *arg)
{
	struct heard *heard = arg;
	size_t i = heard->count++;

	(void)context;
	assert_true(i < 4096);
	td_text_copy(td_event_id(event), heard->events[i].id, 64);
	td_text_copy(td_event_causation(event), heard->events[i].cause, 64);
	td_text_copy(td_event_correlation(event), heard->events[i].story, 64);
	td_text_copy(td_event_type(event), heard->events[i].type, 40);
	td_text_copy(td_event_subject(event), heard->events[i].subject, 40);
	return 0;
}

static size_t count_of(const struct heard *heard, const char *type)
{
	size_t count = 0;

	for (size_t i = 0; i < heard->count; i++)
		count += strcmp(heard->events[i].type, type) == 0;
	return count;
}

/* Every event but an OrderPlaced has its cause among those before it, of the same order and story. */
static void check_causes(const struct heard *heard)
{
	for (size_t i = 0; i < heard->count; i++) {
		bool found = false;

		if (strcmp(heard->events[i].type, "OrderPlaced") == 0) {
			assert_string_equal(heard->events[i].cause, "");
			continue;
		}
		for (size_t j = 0; j < i; j++)
			found |= strcmp(heard->events[j].id, heard->events[i].cause) == 0 &&
				 strcmp(heard->events[j].story, heard->events[i].story) == 0 &&
				 strcmp(heard->events[j].subject, heard->events[i].subject) == 0;
		if (!found)
			fail_msg("%s of %s", heard->events[i].type, heard->events[i].subject);
	}
}

static void settle(struct td_shop *shop)
{
	int64_t limit = td_cli_clock_ms() + 60000;

	while (!td_shop_is_quiet(shop) && td_cli_clock_ms() < limit)
		assert_int_equal(td_shop_turn(shop, td_cli_clock_ms() + 100, NULL), 0);
	assert_true(td_shop_is_quiet(shop));
}

static void a_day(bool away_for_a_while)
{
	static struct heard heard;
	const struct td_interest all = {.subject = "order.*"};
	struct td_shop *shop = NULL;
	struct td_shop_counts counts;
	struct td *td = NULL;

	memset(&heard, 0, sizeof(heard));
	assert_int_equal(td_open(&td, "mem:", NULL, NULL), 0);
	assert_int_equal(td_subscribe(td, &all, on_event, &heard, NULL, NULL), 0);
	assert_int_equal(td_shop_open_on(&shop, td, NULL), 0);
	assert_true(td_shop_is_quiet(shop));
	for (uint64_t i = 1; i <= 60; i++) {
		td_shop_bank(shop, away_for_a_while && i >= 20 && i < 30);
		assert_int_equal(td_shop_order(shop, i, NULL), 0);
	}
	settle(shop);
	counts = td_shop_counts(shop);
	assert_int_equal(counts.placed, 60);
	assert_int_equal(counts.delivered + counts.declined + counts.cancelled, 60);
	assert_true(counts.delivered > 30 && counts.declined > 0 && counts.cancelled > 0);
	assert_int_equal(counts.failed, away_for_a_while ? 10 : 0);
	assert_int_equal(counts.events, heard.count);
	assert_int_equal(counts.delivered, count_of(&heard, "OrderDelivered"));
	assert_int_equal(counts.delivered, count_of(&heard, "PointsGranted"));
	assert_int_equal(counts.cancelled, count_of(&heard, "PaymentRefunded"));
	assert_true(counts.events >= 7 * counts.delivered);
	check_causes(&heard);
	td_shop_close(shop);
	td_close(td);
}

static void every_order_comes_to_its_end(void **state)
{
	(void)state;
	a_day(false);
}

static void payments_that_failed_are_tried_again(void **state)
{
	(void)state;
	a_day(true);
}

static void services_have_handles_of_their_own(void **state)
{
	struct td_shop *shop = NULL;
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	assert_int_equal(td_shop_open(&shop, "mem:", &err), 0); /* seven places, so nobody hears */
	assert_int_equal(td_shop_order(shop, 1, &err), 0);
	assert_int_equal(td_shop_turn(shop, 0, &err), 0);
	assert_false(td_shop_is_quiet(shop));
	td_shop_close(shop);
	assert_int_equal(td_shop_open(&shop, "nonsense", &err), TD_E_INVALID);
	assert_memory_equal(err.text, "orders: ", 8);
	td_shop_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_order_comes_to_its_end),
		cmocka_unit_test(payments_that_failed_are_tried_again),
		cmocka_unit_test(services_have_handles_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
