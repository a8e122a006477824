#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "alloc.h"
#include "event_test.h"

static const uint8_t uuid[16] = {1};
static const struct td_origin origin = {.source = TD_TEXT_INIT("local"), .uuid = uuid};

static const struct td_attribute extras[] = {
	{TD_TEXT_INIT("x"), TD_TEXT_INIT("value"), TD_STRING},
	{TD_TEXT_INIT("n"), TD_TEXT_INIT("5"), TD_INTEGER},
	{TD_TEXT_INIT("schemaversion"), TD_TEXT_INIT("3"), TD_INTEGER},
};

static const struct td_draft plain = {
	.type = "T",
	.subject = "two words",
	.attributes = extras,
	.attributes_count = 3,
	.data = "data",
	.data_bytes = 4,
};

static void copy_says_the_same_and_stands_alone(void **state)
{
	char type[] = "T", subject[] = "s.1", data[] = "data";
	struct td_draft own = {.type = type, .subject = subject, .data = data, .data_bytes = 4};
	struct td_event lent, *copy;
	struct td_event_scratch scratch;

	(void)state;
	assert_int_equal(td_event_lend(&lent, &scratch, &own, &origin, NULL), 0);
	copy = td_event_copy(&lent);
	td_event_lend_end(&lent);
	memset(&lent, 0xA5, sizeof(lent));
	memset(&scratch, 0xA5, sizeof(scratch));
	memset(type, 'x', 1);
	memset(subject, 'x', 3);
	memset(data, 'x', 4);
	assert_text(td_event_type(copy), "T");
	assert_text(td_event_subject(copy), "s.1");
	assert_text(td_event_address(copy), "s.1");
	assert_text(td_event_source(copy), "local");
	assert_text(td_event_data(copy), "data");
	assert_true(copy->address.at == copy->attr[TD_ATTR_SUBJECT].at);
	td_event_unref(copy);

	assert_int_equal(td_event_lend(&lent, &scratch, &plain, &origin, NULL), 0);
	copy = td_event_copy(&lent);
	td_event_lend_end(&lent);
	memset(&scratch, 0xA5, sizeof(scratch));
	assert_text(td_event_address(copy), "two%20words");
	assert_text(td_event_get(copy, "x"), "value");
	assert_int_equal(
		td_event_attribute(copy, td_event_attributes_count(copy) - 1).type, TD_INTEGER);
	td_event_unref(copy);
}

static void lent_event_is_copied_once_for_all_who_keep_it(void **state)
{
	struct td_event lent, *one, *two;
	struct td_event_scratch scratch;

	(void)state;
	assert_int_equal(td_event_lend(&lent, &scratch, &plain, &origin, NULL), 0);
	one = td_event_ref(&lent);
	two = td_event_ref(&lent);
	assert_true(one == two && one != &lent);
	assert_true(td_event_ref(one) == one);
	td_event_lend_end(&lent);
	td_event_unref(one);
	td_event_unref(one);
	assert_text(td_event_data(two), "data");
	td_event_unref(two);
	td_event_unref(NULL);
}

static void *keep(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		struct td_event *kept = td_event_ref((const struct td_event *)arg);

		if (!td_text_is(td_event_data(kept), "data"))
			abort();
		td_event_unref(kept);
	}
	return td_event_ref((const struct td_event *)arg);
}

static void threads_share_one_copy(void **state)
{
	pthread_t threads[4];
	void *kept[4];
	struct td_event lent;
	struct td_event_scratch scratch;

	(void)state;
	for (int round = 0; round < 20; round++) {
		assert_int_equal(td_event_lend(&lent, &scratch, &plain, &origin, NULL), 0);
		for (int i = 0; i < 4; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, keep, &lent), 0);
		for (int i = 0; i < 4; i++)
			assert_int_equal(pthread_join(threads[i], &kept[i]), 0);
		td_event_lend_end(&lent);
		for (int i = 0; i < 4; i++) {
			assert_true(kept[i] == kept[0]);
			td_event_unref((struct td_event *)kept[i]);
		}
	}
}

/* --- typed -------------------------------------------------------------------------------- */

#define ORDER_PLACED(FIELD, OBJECT, LIST, OBJECTS) FIELD(TEXT, customer, REQUIRED)
TD_EVENT(order_placed, "OrderPlaced", ORDER_PLACED)

static int lend_order(struct td_event *lent, struct td_event_scratch *scratch,
	const struct order_placed *order, const char *type, struct td_error *err)
{
	const struct td_draft typed = {
		.type = type, .object = order, .object_type = &order_placed_type};

	return td_event_lend(lent, scratch, &typed, &origin, err);
}

static void struct_is_lent_and_becomes_json_when_somebody_asks(void **state)
{
	char customer[] = "Ann";
	struct order_placed order = {.customer = {customer, 3}};
	struct td_event lent, *kept;
	struct td_event_scratch scratch;

	(void)state;
	assert_int_equal(lend_order(&lent, &scratch, &order, NULL, NULL), 0);
	assert_true(lent.object == &order);
	assert_text(td_event_type(&lent), "OrderPlaced");
	assert_text(td_event_get(&lent, "datacontenttype"), "application/json");
	assert_text(td_event_data(&lent), "{\"customer\":\"Ann\"}");
	assert_true(td_event_data(&lent).at == td_event_data(&lent).at);
	kept = td_event_ref(&lent);
	td_event_lend_end(&lent);
	memcpy(customer, "Bob", 3);
	memset(&order, 0xA5, sizeof(order));
	assert_text(((const struct order_placed *)kept->object)->customer, "Ann");
	assert_text(td_event_data(kept), "{\"customer\":\"Ann\"}");
	td_event_unref(kept);
}

static void draft_and_declaration_agree_on_the_type(void **state)
{
	struct order_placed order = {.customer = TD_TEXT_INIT("Ann")};
	struct td_event lent;
	struct td_event_scratch scratch;
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	assert_int_equal(lend_order(&lent, &scratch, &order, "OrderPlaced", NULL), 0);
	td_event_lend_end(&lent);
	assert_int_equal(lend_order(&lent, &scratch, &order, "OrderLost", &err), TD_E_INVALID);
	assert_string_equal(err.text, "draft: type is OrderLost, but the object is OrderPlaced");
}

static void struct_that_cannot_be_json_says_why(void **state)
{
	struct order_placed order = {.customer = {NULL, 0}};
	struct td_event lent;
	struct td_event_scratch scratch;
	struct td_error err = TD_ERROR_INIT;
	struct td_text data;

	(void)state;
	assert_int_equal(lend_order(&lent, &scratch, &order, NULL, NULL), 0);
	assert_int_equal(td_event_data_get(&lent, &data, &err), TD_E_DATA);
	assert_memory_equal(err.text, "data: /customer: ", 17);
	assert_text(td_event_data(&lent), NULL);
	td_event_lend_end(&lent);
}

static void *encode(void *arg)
{
	return (void *)(uintptr_t)td_event_data((const struct td_event *)arg).at;
}

static void threads_share_one_encoding(void **state)
{
	pthread_t threads[4];
	struct order_placed order = {.customer = TD_TEXT_INIT("Ann")};
	void *seen[4];
	struct td_event lent;
	struct td_event_scratch scratch;

	(void)state;
	for (int round = 0; round < 50; round++) {
		assert_int_equal(lend_order(&lent, &scratch, &order, NULL, NULL), 0);
		for (int i = 0; i < 4; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, encode, &lent), 0);
		for (int i = 0; i < 4; i++)
			assert_int_equal(pthread_join(threads[i], &seen[i]), 0);
		for (int i = 0; i < 4; i++)
			assert_true(seen[i] == seen[0] && seen[i] != NULL);
		td_event_lend_end(&lent);
	}
}

static int lend_encode_and_keep(void *arg)
{
	struct order_placed order = {.customer = TD_TEXT_INIT("Ann")};
	struct td_event lent, *kept = NULL;
	struct td_event_scratch scratch;
	struct td_text data;
	int code = lend_order(&lent, &scratch, &order, NULL, NULL);

	(void)arg;
	if (code == 0)
		code = td_event_data_get(&lent, &data, NULL);
	if (code == 0 && (kept = td_event_ref(&lent)) == NULL)
		code = TD_E_NOMEM;
	if (code == 0)
		code = td_event_data_get(kept, &data, NULL);
	td_event_unref(kept);
	td_event_lend_end(&lent);
	return code;
}

/* --- memory ------------------------------------------------------------------------------- */

static int make_and_keep(void *arg)
{
	struct td_event *event = NULL, *other = NULL;
	int code = td_event_make(&event, &plain, &origin, NULL);

	(void)arg;
	if (code == 0)
		code = td_event_with_data(&other, event, td_text("x"), TD_DATA_BYTES, absent, NULL);
	td_event_unref(event);
	td_event_unref(other);
	return code;
}

static int lend_and_keep(void *arg)
{
	struct td_event lent, *kept;
	struct td_event_scratch scratch;
	int code = td_event_lend(&lent, &scratch, &plain, &origin, NULL);

	(void)arg;
	if (code != 0)
		return code;
	kept = td_event_ref(&lent);
	td_event_lend_end(&lent);
	if (kept == NULL)
		return TD_E_NOMEM;
	td_event_unref(kept);
	return 0;
}

static int lend(void *arg)
{
	struct td_event lent;
	struct td_event_scratch scratch;
	int code = td_event_lend(&lent, &scratch, &plain, &origin, NULL);

	(void)arg;
	td_event_lend_end(&lent);
	return code;
}

static void event_is_whole_or_refused_when_memory_runs_out(void **state)
{
	(void)state;
	assert_int_equal(alloc_torture(make_and_keep, NULL), 2);
	assert_int_equal(alloc_torture(lend_and_keep, NULL), 1);
	assert_int_equal(alloc_torture(lend, NULL), 0);
	assert_true(alloc_torture(lend_encode_and_keep, NULL) >= 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copy_says_the_same_and_stands_alone),
		cmocka_unit_test(lent_event_is_copied_once_for_all_who_keep_it),
		cmocka_unit_test(threads_share_one_copy),
		cmocka_unit_test(struct_is_lent_and_becomes_json_when_somebody_asks),
		cmocka_unit_test(draft_and_declaration_agree_on_the_type),
		cmocka_unit_test(struct_that_cannot_be_json_says_why),
		cmocka_unit_test(threads_share_one_encoding),
		cmocka_unit_test(event_is_whole_or_refused_when_memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
