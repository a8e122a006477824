#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "match/match.h"

#include "alloc.h"
#include "event.h"

/* An event with one long attribute, "long". */
static struct td_event *long_event(size_t len)
{
	struct td_buf buf = TD_BUF_INIT(1 << 16);
	struct td_event *event;

	td_buf_add_string(&buf, "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/\","
				"\"type\":\"t\",\"long\":\"");
	for (size_t i = 0; i < len; i++)
		td_buf_add_char(&buf, 'a');
	td_buf_add(&buf, "\"}", 3);
	event = event_of(buf.at);
	td_buf_fini(&buf);
	return event;
}

static unsigned errors_of(const char *expression, const struct td_event *event)
{
	struct td_filter *filter = filter_of(td_text(expression));
	struct td_sql_value value;
	struct td_arena arena;

	td_arena_init(&arena, 1024, 1 << 20);
	value = td_filter_evaluate(filter, event, &arena);
	if (value.errors != 0)
		assert_false(td_filter_passes(filter, event));
	td_arena_fini(&arena);
	td_filter_free(filter);
	return value.errors;
}

static void work_on_long_strings_is_bounded(void **state)
{
	struct td_event *event = long_event(8000);
	struct td_buf buf = TD_BUF_INIT(TD_FILTER_BYTES_MAX);

	(void)state;
	assert_int_equal(errors_of("UPPER(long) LIKE 'AAA%'", event), 0);
	td_buf_add_string(&buf, "FALSE");
	for (size_t i = 0; i < 12; i++)
		td_buf_add_string(&buf, " OR UPPER(long) = ''");
	assert_int_equal(errors_of(buf.at, event), TD_SQL_LIMIT);
	td_buf_fini(&buf);
	td_event_unref(event);
}

static void made_strings_are_bounded(void **state)
{
	struct td_event *event = long_event(8000);
	struct td_buf buf = TD_BUF_INIT(TD_FILTER_BYTES_MAX);

	(void)state;
	td_buf_add_string(&buf, "CONCAT(long");
	for (size_t i = 0; i < 31; i++)
		td_buf_add_string(&buf, ", long");
	td_buf_add_string(&buf, ") = ''"); /* 32 * 8,000 is below 256 KiB */
	assert_int_equal(errors_of(buf.at, event), 0);
	td_buf_add_string(&buf, " OR CONCAT(long, long) = ''");
	assert_int_equal(errors_of(buf.at, event), TD_SQL_LIMIT);
	td_buf_fini(&buf);
	td_event_unref(event);
}

static void an_arena_that_is_full_is_a_limit(void **state)
{
	struct td_event *event = event_of(EVENT_JSON);
	struct td_filter *filter = filter_of(td_text("CONCAT('a', 'b')"));
	struct td_sql_value value;
	struct td_arena arena;

	(void)state;
	td_arena_init(&arena, 16, 0);
	value = td_filter_evaluate(filter, event, &arena);
	assert_int_equal(value.errors, TD_SQL_LIMIT);
	assert_int_equal(value.type, TD_SQL_BOOLEAN);
	assert_false(value.boolean);
	td_arena_fini(&arena);
	td_filter_free(filter);
	td_event_unref(event);
}

static void comparing_attributes_allocates_nothing(void **state)
{
	static const char *const expressions[] = {
		"type = 'OrderPlaced' AND subject LIKE 'order.%'",
		"EXISTS word AND number IN (1, 5) AND digits > 3 AND number LIKE '_'",
		"NOT (LENGTH(word) = 3) AND LEFT(word, 1) = 'G' AND UPPER('A') = 'A'",
	};
	struct td_event *event = event_of(EVENT_JSON);

	(void)state;
	for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++) {
		struct td_filter *filter = filter_of(td_text(expressions[i]));

		alloc_fail_at(1, true);
		assert_true(td_filter_passes(filter, event));
		assert_int_equal(alloc_count(), 0);
		alloc_fail_at(0, false);
		td_filter_free(filter);
	}
	td_event_unref(event);
}

static int make_filters(void *arg)
{
	static const char *const expression =
		"NOT a LIKE 'b%' AND UPPER(c) IN (d, 'e', 5) OR EXISTS f AND (1 + 2) * 3 = 9";
	static const char *const dialects = "[{\"all\":[{\"exact\":{\"type\":\"a\",\"id\":\"b\"}},{"
					    "\"not\":{\"sql\":\"a = 1\"}}]}]";
	struct td_filter *filter = NULL;
	struct td_buf dump = TD_BUF_INIT(4096);
	int code = td_filter_sql(&filter, td_text(expression), NULL);

	(void)arg;
	td_filter_free(filter);
	filter = NULL;
	if (code == 0)
		code = td_filter_dialects(&filter, td_text(dialects), NULL);
	if (code == 0) {
		td_filter_dump(filter, &dump);
		code = td_buf_check(&dump, NULL);
	}
	td_buf_fini(&dump);
	td_filter_free(filter);
	return code;
}

static void making_a_filter_survives_want_of_memory(void **state)
{
	(void)state;
	assert_true(alloc_torture(make_filters, NULL) > 4);
}

/* Where a string cannot be made the filter does not pass, also under "not". */
static void want_of_memory_passes_nothing(void **state)
{
	struct td_event *event = event_of(EVENT_JSON);
	struct td_filter *filter = NULL;

	(void)state;
	assert_int_equal(td_filter_dialects(&filter,
				 td_text("{\"not\":{\"sql\":\"CONCAT('a', 'b') = 'c'\"}}"), NULL),
		0);
	assert_true(td_filter_passes(filter, event));
	alloc_fail_at(1, true);
	assert_false(td_filter_passes(filter, event));
	alloc_fail_at(0, false);
	td_filter_free(filter);
	td_event_unref(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(work_on_long_strings_is_bounded),
		cmocka_unit_test(made_strings_are_bounded),
		cmocka_unit_test(an_arena_that_is_full_is_a_limit),
		cmocka_unit_test(comparing_attributes_allocates_nothing),
		cmocka_unit_test(making_a_filter_survives_want_of_memory),
		cmocka_unit_test(want_of_memory_passes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
