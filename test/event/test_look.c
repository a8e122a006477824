#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "event_test.h"

#define EVENT(time) \
	"{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"T\"" time "}"

static int time_of(const char *json, td_time *time, struct td_error *err)
{
	struct td_event *event;
	int code;

	assert_int_equal(td_event_from_json(&event, td_text(json), NULL), 0);
	code = td_event_time_ns(event, time, err);
	td_event_unref(event);
	return code;
}

static void time_is_the_instant_that_the_text_says(void **state)
{
	td_time time;

	(void)state;
	assert_int_equal(
		time_of(EVENT(",\"time\":\"2025-11-21T01:43:11.5+01:00\""), &time, NULL), 0);
	assert_int_equal(time, 1763685791500000000);
	assert_int_equal(time_of(EVENT(",\"time\":\"1969-12-31T23:59:59Z\""), &time, NULL), 0);
	assert_int_equal(time, -1000000000);
}

static void time_that_is_no_instant_is_said(void **state)
{
	struct td_error err = TD_ERROR_INIT;
	td_time time = 42;

	(void)state;
	assert_int_equal(time_of(EVENT(""), &time, &err), TD_E_NOT_FOUND);
	assert_string_equal(err.text, "time: there is none");
	assert_int_equal(td_event_time_ns(NULL, &time, &err), TD_E_NOT_FOUND);
	assert_int_equal(
		time_of(EVENT(",\"time\":\"9999-12-31T23:59:59Z\""), &time, &err), TD_E_DATA);
	assert_string_equal(err.text, "time: only the years 1678 to 2261 are instants here");
	assert_int_equal(td_event_time_ns(NULL, NULL, &err), TD_E_INVALID);
	assert_int_equal(time, 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_is_the_instant_that_the_text_says),
		cmocka_unit_test(time_that_is_no_instant_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
