#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "typed_sample.h"

static void encode_writes_what_is_there_in_the_order_declared(void **state)
{
	struct td_text notes[] = {T("ring twice"), T("")};
	struct pizza pizzas[] = {
		{.name = T("Margherita"), .count = 2},
		{.name = T("Funghi"),
			.count = -1,
			.origin = {.street = T("Via \"Po\""), .east = 7.5, .has_east = true},
			.has_origin = true},
	};
	struct order_placed order = {.customer = T("Z\xC3\xBC"
						   "rich"),
		.total = T("012.50")};

	(void)state;
	assert_encodes(&order_placed_type, &order,
		"{\"customer\":\"Z\xC3\xBC"
		"rich\",\"total\":\"012.50\",\"pizzas\":[]}");
	order.notes.at = notes;
	order.notes.count = 2;
	order.pizzas.at = pizzas;
	order.pizzas.count = 2;
	order.has_due = true;
	order.due = 1763689391123456000;
	order.has_deliver_to = true;
	order.deliver_to.street = T("A\n1");
	order.deliver_to.unknown = T("\"floor\":1.0e+2");
	order.unknown = T("\"z\":0.10,\"a\":[{}]");
	assert_encodes(&order_placed_type, &order,
		"{\"customer\":\"Z\xC3\xBC"
		"rich\",\"total\":\"012.50\","
		"\"due\":\"2025-11-21T01:43:11.123456Z\",\"notes\":[\"ring twice\",\"\"],"
		"\"deliver_to\":{\"street\":\"A\\n1\",\"floor\":1.0e+2},"
		"\"pizzas\":[{\"name\":\"Margherita\",\"count\":2},"
		"{\"name\":\"Funghi\",\"count\":-1,"
		"\"origin\":{\"street\":\"Via \\\"Po\\\"\",\"east\":7.5}}],"
		"\"z\":0.10,\"a\":[{}]}");
	assert_encodes(&nothing_type, &(struct nothing){.unknown = {NULL, 0}}, "{}");
	assert_encodes(&nothing_type, &(struct nothing){.unknown = T("\"a\":1")}, "{\"a\":1}");
}

static void encode_loses_no_nanosecond(void **state)
{
	static const struct {
		td_time time;
		const char *text;
	} rows[] = {
		{0, "1970-01-01T00:00:00.000000Z"},
		{1, "1970-01-01T00:00:00.000000001Z"},
		{-1, "1969-12-31T23:59:59.999999999Z"},
		{1000, "1970-01-01T00:00:00.000001Z"},
		{-1000, "1969-12-31T23:59:59.999999Z"},
		{1763689391123456789, "2025-11-21T01:43:11.123456789Z"},
		{1763689391123456780, "2025-11-21T01:43:11.123456780Z"},
		{INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
		{INT64_MIN, "1677-09-21T00:12:43.145224192Z"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct order_placed order = {
			.customer = T(""), .total = T("1"), .due = rows[i].time, .has_due = true};
		char json[128];
		struct order_placed *back;

		snprintf(json, sizeof(json),
			"{\"customer\":\"\",\"total\":\"1\",\"due\":\"%s\",\"pizzas\":[]}",
			rows[i].text);
		assert_encodes(&order_placed_type, &order, json);
		back = NULL;
		assert_int_equal(order_placed_decode(td_text(json), &back, NULL), 0);
		assert_true(back->has_due && back->due == rows[i].time);
		td_object_free(back);
	}
}

static void encode_names_the_field_it_cannot_write(void **state)
{
	const struct all good = {.text = T(""), .decimal = T("0"), .place = {.street = T("")}};
	double bad_numbers[] = {1, (double)NAN};
	struct td_text bad_texts[] = {T("a"), T("b"), {NULL, 0}};
	struct td_text bad_decimals[] = {T("1."), T(".5"), T("-"), T(""), T("+1"), T("1e5"),
		T("1,5"), T(" 1"), T("1 "), T("--1"), T("0x1"), T("1.5.1")};
	struct pizza bad_pizza = {.name = T("x"), .has_origin = true};
	struct td_bytes json = TD_BYTES_INIT;

	(void)state;
#define REFUSED(expected, ...)                                              \
	do {                                                                \
		struct all all = good;                                      \
		struct td_error err = TD_ERROR_INIT;                        \
		__VA_ARGS__;                                                \
		assert_int_equal(all_encode(&all, &json, &err), TD_E_DATA); \
		assert_int_equal(err.code, TD_E_DATA);                      \
		assert_string_equal(err.text, expected);                    \
		assert_null(json.at);                                       \
	} while (0)
	REFUSED("/text: missing", all.text.at = NULL);
	REFUSED("/text: not UTF-8 at byte 1", all.text = T("a\xFF"));
	REFUSED("/text_o: missing", all.has_text_o = true);
	REFUSED("/number: JSON has no NaN", all.number = (double)NAN);
	REFUSED("/number: JSON has no infinity", all.number = -(double)INFINITY);
	REFUSED("/decimal: missing", all.decimal.at = NULL);
	REFUSED("/texts/2: missing", all.texts.at = bad_texts; all.texts.count = 3);
	REFUSED("/numbers_o/1: JSON has no NaN", all.numbers_o.at = bad_numbers;
		all.numbers_o.count = 2);
	REFUSED("/place/street: missing", all.place.street.at = NULL);
	REFUSED("/pizzas_o/0/origin/street: missing", all.pizzas_o.at = &bad_pizza;
		all.pizzas_o.count = 1);
	for (size_t i = 0; i < sizeof(bad_decimals) / sizeof(bad_decimals[0]); i++)
		REFUSED("/decimal: a decimal was expected, as in -12.50",
			all.decimal = bad_decimals[i]);
	REFUSED("unknown: JSON members were expected", all.unknown = T("\"a\":"));
	REFUSED("unknown: JSON members were expected", all.unknown = T(","));
	REFUSED("unknown: JSON members were expected", all.unknown = T(" "));
	REFUSED("unknown: JSON members were expected", all.unknown = T("\"a\":1,"));
	REFUSED("unknown: JSON members were expected", all.unknown = T("\"a\":1}{"));
	REFUSED("/place: unknown: JSON members were expected", all.place.unknown = T("x"));
	REFUSED("unknown: \"te\\u0078t\" is declared",
		all.unknown = T("\"b\":1,\"te\\u0078t\":\"2\""));
#undef REFUSED
}

static void encode_leaves_a_buffer_as_it_was_when_it_fails(void **state)
{
	struct td_buf buf = TD_BUF_INIT(40);
	struct td_text long_text = T("0123456789012345678901234567890123456789");

	(void)state;
	td_buf_add_string(&buf, "data: ");
	assert_int_equal(
		td_type_encode(&place_type, &(struct place){.street = T("\xFF")}, &buf, NULL),
		TD_E_DATA);
	assert_text(td_buf_view(&buf), "data: ");
	assert_int_equal(
		td_type_encode(&place_type, &(struct place){.street = long_text}, &buf, NULL),
		TD_E_TOO_LARGE);
	assert_int_equal(buf.len, 6);
	td_buf_fini(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encode_writes_what_is_there_in_the_order_declared),
		cmocka_unit_test(encode_loses_no_nanosecond),
		cmocka_unit_test(encode_names_the_field_it_cannot_write),
		cmocka_unit_test(encode_leaves_a_buffer_as_it_was_when_it_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
