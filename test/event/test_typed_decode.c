#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "typed_any.h"
#include "typed_sample.h"

static struct order_placed *decode_order(const char *json)
{
	struct order_placed *order = NULL;
	struct td_error err = TD_ERROR_INIT;

	if (order_placed_decode(td_text(json), &order, &err) != 0)
		fail_msg("%s", err.text);
	return order;
}

#define C "\"customer\":\"c\",\"total\":\"1\""

static void decode_gives_what_encode_writes_again(void **state)
{
	static const struct {
		const char *json, *canonical; /* NULL: the same */
	} rows[] = {
		{"{" C ",\"pizzas\":[]}", NULL},
		{" { \"pizzas\" : [ ] ,\n" C " } ", "{" C ",\"pizzas\":[]}"},
		/* null is absent, for lists too */
		{"{" C ",\"pizzas\":[],\"due\":null,\"notes\":null,\"deliver_to\":null}",
			"{" C ",\"pizzas\":[]}"},
		{"{" C ",\"notes\":[],\"pizzas\":[]}", "{" C ",\"pizzas\":[]}"},
		/* the last of a name counts, whatever stands before it */
		{"{\"total\":7,\"customer\":\"x\"," C ",\"pizzas\":[],\"due\":3,\"due\":null}",
			"{" C ",\"pizzas\":[]}"},
		{"{" C ",\"pizzas\":[{\"name\":\"a\",\"count\":1},{\"name\":\"b\",\"count\":1}],"
		 "\"pizzas\":[{\"name\":\"c\",\"count\":1}]}",
			"{" C ",\"pizzas\":[{\"name\":\"c\",\"count\":1}]}"},
		{"{" C ",\"notes\":[\"a\"],\"notes\":null,\"pizzas\":[]}", "{" C ",\"pizzas\":[]}"},
		/* escapes in names and values */
		{"{\"cu\\u0073tomer\":\"\\u0063\",\"total\":\"\\u0031\",\"pizzas\":[]}",
			"{" C ",\"pizzas\":[]}"},
		{"{\"customer\":\"\\ud83c\\udf55\\/\\u0000\",\"total\":\"1\",\"pizzas\":[]}",
			"{\"customer\":\"\xF0\x9F\x8D\x95/"
			"\\u0000\",\"total\":\"1\",\"pizzas\":[]}"},
		/* integers as JSON Schema has them */
		{"{" C
		 ",\"pizzas\":[{\"name\":\"a\",\"count\":1.0},{\"name\":\"b\",\"count\":1e2}]}",
			"{" C ",\"pizzas\":[{\"name\":\"a\",\"count\":1},{\"name\":\"b\",\"count\":"
			"100}]}"},
		{"{" C ",\"due\":\"2025-11-21t02:43:11.5+01:00\",\"pizzas\":[]}",
			"{" C ",\"due\":\"2025-11-21T01:43:11.500000Z\",\"pizzas\":[]}"},
		/* what is unknown stays, raw and in order, twice if it was there twice */
		{"{\"z\" : 1.00e+1, " C ",\"\\u0061\":[1, {\"b\":null}],\"pizzas\":[],\"z\":-0.0}",
			"{" C
			",\"pizzas\":[],\"z\":1.00e+1,\"\\u0061\":[1, {\"b\":null}],\"z\":-0.0}"},
		{"{" C ",\"deliver_to\":{\"x\":1,\"street\":\"s\",\"y\":2},\"pizzas\":"
		 "[{\"q\":\"\",\"name\":\"a\",\"count\":0,\"customer\":1},"
		 "{\"name\":\"a\",\"count\":0}]}",
			"{" C ",\"deliver_to\":{\"street\":\"s\",\"x\":1,\"y\":2},\"pizzas\":"
			"[{\"name\":\"a\",\"count\":0,\"q\":\"\",\"customer\":1},"
			"{\"name\":\"a\",\"count\":0}]}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct order_placed *order = decode_order(rows[i].json);

		assert_encodes(&order_placed_type, order,
			rows[i].canonical != NULL ? rows[i].canonical : rows[i].json);
		td_object_free(order);
	}
}

static void decode_names_what_does_not_fit_and_where(void **state)
{
	static const struct {
		const char *json; /* '^' marks the offset */
		int code;
		const char *text;
	} rows[] = {
		{"^", TD_E_JSON, NULL},
		{"{^", TD_E_JSON, NULL},
		{"{} ^x", TD_E_JSON, NULL},
		{"^[]", TD_E_DATA, "an object was expected, found an array"},
		{" ^7", TD_E_DATA, "an object was expected, found a number"},
		{"^{}", TD_E_DATA, "/customer: missing"},
		{"^{\"customer\":\"\"}", TD_E_DATA, "/total: missing"},
		{"{\"customer\":\"\",\"total\":^12.5}", TD_E_DATA,
			"/total: a string was expected, found a number"},
		{"{\"customer\":\"\",\"total\":^\"1e5\"}", TD_E_DATA,
			"/total: a decimal was expected, as in \"-12.50\""},
		{"{\"customer\":^null}", TD_E_DATA, "/customer: a string was expected, found null"},
		{"^{" C "}", TD_E_DATA, "/pizzas: missing"},
		{"{" C ",\"pizzas\":^null}", TD_E_DATA,
			"/pizzas: an array was expected, found null"},
		{"{" C ",\"pizzas\":^{}}", TD_E_DATA,
			"/pizzas: an array was expected, found an object"},
		{"{" C ",\"pizzas\":[^{\"count\":1}]}", TD_E_DATA, "/pizzas/0/name: missing"},
		{"{" C ",\"pizzas\":[{\"name\":\"\",\"count\":1},^true]}", TD_E_DATA,
			"/pizzas/1: an object was expected, found true"},
		{"{" C ",\"pizzas\":[{\"name\":\"\",\"count\":^1.5}]}", TD_E_DATA,
			"/pizzas/0/count: an integer of 64 bits was expected"},
		{"{" C ",\"pizzas\":[{\"name\":\"\",\"count\":^9223372036854775808}]}", TD_E_DATA,
			"/pizzas/0/count: an integer of 64 bits was expected"},
		{"{" C ",\"pizzas\":[{\"name\":\"\",\"count\":^\"1\"}]}", TD_E_DATA,
			"/pizzas/0/count: a number was expected, found a string"},
		{"{" C ",\"notes\":[\"a\",^null],\"pizzas\":[]}", TD_E_DATA,
			"/notes/1: a string was expected, found null"},
		{"{" C ",\"deliver_to\":^{},\"pizzas\":[]}", TD_E_DATA,
			"/deliver_to/street: missing"},
		{"{" C ",\"deliver_to\":{\"street\":\"\",\"east\":^1e999},\"pizzas\":[]}",
			TD_E_DATA, "/deliver_to/east: too large for a double"},
		{"{" C ",\"due\":^\"2025-02-30T00:00:00Z\",\"pizzas\":[]}", TD_E_DATA,
			"/due: time: a day that its month has is needed"},
		{"{" C ",\"due\":^\"3000-01-01T00:00:00Z\",\"pizzas\":[]}", TD_E_DATA,
			"/due: time: only the years 1678 to 2261 are instants here"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t offset = strcspn(rows[i].json, "^");
		struct order_placed *order = NULL;
		struct td_error err = TD_ERROR_INIT;
		char json[256];

		snprintf(json, sizeof(json), "%.*s%s", (int)offset, rows[i].json,
			rows[i].json + offset + 1);
		assert_int_equal(order_placed_decode(td_text(json), &order, &err), rows[i].code);
		assert_int_equal(err.code, rows[i].code);
		if (rows[i].text != NULL)
			assert_string_equal(err.text, rows[i].text);
		if (err.offset != offset)
			fail_msg("%s: at %zu, not %zu", err.text, err.offset, offset);
		assert_null(order);
	}
	assert_int_equal(order_placed_decode(td_text(NULL), &(struct order_placed *){NULL}, NULL),
		TD_E_JSON);
}

static void decode_refuses_a_struct_far_larger_than_its_text(void **state)
{
	size_t count = TD_OBJECT_BYTES_MAX / sizeof(struct pizza) + 1;
	struct td_buf buf = TD_BUF_INIT(SIZE_MAX);
	struct td_error err = TD_ERROR_INIT;
	struct order_placed *order = NULL;

	(void)state;
	td_buf_add_string(&buf, "{" C ",\"pizzas\":[");
	for (size_t i = 0; i < count; i++)
		td_buf_add_string(&buf, i > 0 ? ",0" : "0");
	td_buf_add_string(&buf, "]}");
	assert_int_equal(td_buf_check(&buf, NULL), 0);
	assert_int_equal(order_placed_decode(td_buf_view(&buf), &order, &err), TD_E_TOO_LARGE);
	assert_string_equal(err.text, "more than 268435456 bytes as a struct");
	td_buf_fini(&buf);
}

static void decode_undoes_encode(void **state)
{
	struct maker m;

	(void)state;
	td_rng_init(&m.rng, 42);
	td_arena_init(&m.arena, 4096, SIZE_MAX);
	for (int round = 0; round < 3000; round++) {
		const struct all *all = make_any(&m, &all_type);
		struct td_bytes json = TD_BYTES_INIT;
		struct td_error err = TD_ERROR_INIT;
		struct all *back = NULL;

		if (all_encode(all, &json, &err) != 0)
			fail_msg("round %d: %s", round, err.text);
		if (all_decode(td_text_of(json.at, json.len), &back, &err) != 0)
			fail_msg("round %d: %s in %s", round, err.text, json.at);
		if (!equal_objects(&all_type, all, back))
			fail_msg("round %d: not the same: %s", round, json.at);
		td_object_free(back);
		td_bytes_fini(&json);
		td_arena_reset(&m.arena);
	}
	td_arena_fini(&m.arena);
}

static int all_the_way(void *arg)
{
	static const char text[] =
		"{\"cu\\u0073tomer\":\"\\n\",\"total\":\"1\",\"new\":1,\"notes\":[\"a\",\"\\t\"],"
		"\"pizzas\":[{\"name\":\"a\",\"count\":0,\"hot\":true}]}";
	struct order_placed *order = NULL;
	struct td_bytes json = TD_BYTES_INIT, schema = TD_BYTES_INIT;
	int code = order_placed_decode(td_text(text), &order, NULL);

	(void)arg;
	if (code == 0)
		code = order_placed_encode(order, &json, NULL);
	if (code == 0)
		code = order_placed_schema(&schema, NULL);
	td_bytes_fini(&schema);
	td_bytes_fini(&json);
	td_object_free(order);
	return code;
}

static void typed_gives_up_cleanly_when_memory_ends(void **state)
{
	(void)state;
	assert_in_range(alloc_torture(all_the_way, NULL), 6, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decode_gives_what_encode_writes_again),
		cmocka_unit_test(decode_names_what_does_not_fit_and_where),
		cmocka_unit_test(decode_refuses_a_struct_far_larger_than_its_text),
		cmocka_unit_test(decode_undoes_encode),
		cmocka_unit_test(typed_gives_up_cleanly_when_memory_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
