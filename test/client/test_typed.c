#include "../bus/place.h"

#include <tidings/typed.h>

/* clang-format off */
#define SOLD(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(INTEGER, total, REQUIRED) \
	FIELD(TEXT,    note,  OPTIONAL)
TD_EVENT(sold, "Sold", SOLD)

#define COUNTED(FIELD, OBJECT, LIST, OBJECTS) FIELD(INTEGER, total, REQUIRED)
TD_REPLY_TYPE(counted, "Counted", COUNTED)
TD_QUERY_TYPE(count, "Count", COUNTED)
/* clang-format on */

struct till {
	int64_t total;
	int notes;
	char region[16];
};

static int on_sold(const struct sold *sold, struct td_context *context, void *arg)
{
	struct till *till = arg;

	till->total += sold->total;
	till->notes += sold->has_note;
	td_text_copy(td_event_get(td_context_event(context), "region"), till->region,
		sizeof(till->region));
	return 0;
}

/* A sale in a region: the struct, and an attribute beside it. */
static int sell(struct td *td, const char *region, int64_t total, unsigned flags)
{
	struct sold sold = {.total = total, .note = td_text("quick"), .has_note = true};
	struct td_attribute attribute = {td_text("region"), td_text(region), TD_STRING};
	struct td_draft draft = sold_draft("sale.1", &sold);

	draft.attributes = &attribute;
	draft.attributes_count = 1;
	return td_publish_with(td, &draft, flags, NULL, NULL);
}

static void typed_draft_takes_attributes_and_flags(void **state)
{
	struct td *td = open_place(NULL);
	struct till till = {0};

	(void)state;
	assert_int_equal(sold_subscribe(td, "sale.>", on_sold, &till, NULL, NULL, NULL), 0);
	assert_int_equal(sell(td, "eu", 3, TD_ASYNC), 0);
	assert_int_equal(till.total, 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_int_equal(till.total, 3);
	assert_string_equal(till.region, "eu");
	assert_int_equal(td_close(td), 0);
}

static void typed_subscription_hears_the_type_it_names(void **state)
{
	struct td *td = open_place(NULL);
	struct td_draft resold = {.type = "Resold", .subject = "sale.1", .json = "{\"total\":5}"};
	struct td_draft mended = {.type = "Mended", .subject = "sale.1", .json = "{\"total\":7}"};
	const char *const both[] = {"Sold", "Resold"};
	struct till one = {0}, two = {0};

	(void)state;
	assert_int_equal(
		sold_subscribe(td, NULL, on_sold, &one, INTEREST(.type = "Resold"), NULL, NULL), 0);
	assert_int_equal(sold_subscribe(td, NULL, on_sold, &two,
				 INTEREST(.types = both, .types_count = 2), NULL, NULL),
		0);
	assert_int_equal(sell(td, "eu", 3, 0), 0);
	assert_int_equal(td_publish(td, &resold, NULL, NULL), 0);
	assert_int_equal(td_publish(td, &mended, NULL, NULL), 0);
	assert_int_equal(one.total, 5);
	assert_int_equal(two.total, 8);
	assert_int_equal(td_close(td), 0);
}

static void typed_subscription_is_filtered_like_any_other(void **state)
{
	static const char *const expressions[] = {"region = 'eu'", "NOT (region = 'us')"};
	struct till tills[3] = {0};
	struct td *td = open_place(NULL);

	(void)state;
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(sold_subscribe(td, "sale.*", on_sold, &tills[i],
					 INTEREST(.filter = expressions[i]), NULL, NULL),
			0);
	assert_int_equal(
		sold_subscribe(td, NULL, on_sold, &tills[2],
			INTEREST(.filters = "{\"exact\":{\"region\":\"eu\"}}"), NULL, NULL),
		0);
	assert_int_equal(sell(td, "eu", 1, 0), 0);
	assert_int_equal(sell(td, "us", 10, 0), 0);
	assert_int_equal(sell(td, "eu", 100, 0), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(tills[i].total, 101);
	assert_int_equal(td_close(td), 0);
}

static void typed_subscription_selects_what_the_struct_needs(void **state)
{
	static const char *const enough[] = {"/total"}, *const little[] = {"/note"};
	struct td_error err = TD_ERROR_INIT;
	struct td *td = open_place(NULL);
	struct till till = {0};
	struct td_subscription *s;

	(void)state;
	assert_int_equal(sold_subscribe(td, NULL, on_sold, &till,
				 INTEREST(.select = enough, .select_count = 1), &s, NULL),
		0);
	assert_int_equal(sell(td, "eu", 5, 0), 0);
	assert_int_equal(till.total, 5);
	assert_int_equal(till.notes, 0);
	td_unsubscribe(s);
	assert_int_equal(
		sold_subscribe(td, NULL, on_sold, &till,
			INTEREST(.name = "till", .select = little, .select_count = 1), NULL, NULL),
		0);
	assert_int_equal(
		sold_publish(td, "s", &(struct sold){.total = 7}, NULL, &err), TD_E_HANDLER);
	assert_non_null(strstr(err.text, "/total: missing"));
	assert_int_equal(till.total, 5);
	assert_int_equal(td_close(td), 0);
}

static void typed_draft_makes_events_for_a_topic(void **state)
{
	struct sold sold = {.total = 2};
	struct td_draft draft = sold_draft("sale.1", &sold);
	struct td *td = open_place(NULL);
	struct till till = {0};
	struct td_topic *topic;
	struct td_event *event;

	(void)state;
	assert_int_equal(td_topic_open(&topic, td, "sale.1", "Sold", NULL), 0);
	assert_int_equal(sold_subscribe(td, NULL, on_sold, &till, NULL, NULL, NULL), 0);
	assert_int_equal(td_event_new(&event, &draft, NULL), 0);
	sold.total = 1000; /* the event has its own */
	for (int i = 0; i < 3; i++)
		assert_int_equal(td_topic_publish(topic, event, NULL, NULL), 0);
	assert_int_equal(till.total, 6);
	td_event_unref(event);
	td_topic_close(topic);
	assert_int_equal(td_close(td), 0);
}

static int on_count(const struct count *count, struct td_context *context, void *arg)
{
	struct counted counted = {.total = count->total + 1};
	struct td_draft draft = counted_draft("answer", &counted);

	(void)arg;
	return td_reply(context, &draft, NULL);
}

static void typed_drafts_ask_and_answer(void **state)
{
	struct count count = {.total = 41};
	struct td_draft draft = count_draft("box", &count);
	struct td *td = open_place(NULL);
	const struct counted *counted = NULL;
	struct td_event *reply;
	void *block;

	(void)state;
	assert_int_equal(count_handle(td, on_count, NULL, NULL, NULL, NULL), 0);
	draft.source = "shop";
	assert_int_equal(td_request(td, TD_QUERY, &draft, -1, &reply, NULL), 0);
	assert_true(td_text_is(td_event_subject(reply), "answer"));
	assert_int_equal(counted_view(reply, &counted, &block, NULL), 0);
	assert_int_equal(counted->total, 42);
	td_object_free(block);
	td_event_unref(reply);
	assert_int_equal(td_close(td), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(typed_draft_takes_attributes_and_flags),
		cmocka_unit_test(typed_subscription_hears_the_type_it_names),
		cmocka_unit_test(typed_subscription_is_filtered_like_any_other),
		cmocka_unit_test(typed_subscription_selects_what_the_struct_needs),
		cmocka_unit_test(typed_draft_makes_events_for_a_topic),
		cmocka_unit_test(typed_drafts_ask_and_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
