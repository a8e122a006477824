#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "alloc.h"
#include "event_test.h"

#define EVENT(id) "{\"specversion\":\"1.0\",\"id\":\"" id "\",\"source\":\"/s\",\"type\":\"T\"}"

static void batch_goes_and_comes_back(void **state)
{
	static const char *const batches[] = {
		"[]", "[" EVENT("1") "]", "[" EVENT("1") "," EVENT("2") "," EVENT("1") "]"};

	(void)state;
	for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
		struct td_event **events = NULL;
		struct td_bytes json = TD_BYTES_INIT;
		size_t count = 99;

		assert_int_equal(
			td_events_from_json(&events, &count, td_text(batches[i]), NULL), 0);
		assert_int_equal(count, i == 2 ? 3 : i);
		assert_non_null(events);
		assert_int_equal(td_events_to_json((const struct td_event *const *)events, count,
					 &json, NULL),
			0);
		assert_string_equal(json.at, batches[i]);
		td_bytes_fini(&json);
		td_events_free(events, count);
	}
	td_events_free(NULL, 0);
}

static void one_bad_event_refuses_the_batch_and_is_named(void **state)
{
	static const struct {
		const char *batch;
		int code;
		const char *text;
		size_t offset;
	} rows[] = {
		{" {}", TD_E_FORMAT, "a batch is a JSON array", 1},
		{"[1]", TD_E_FORMAT, "[0]: an event is a JSON object", 1},
		{"[" EVENT("1") ", {\"id\":\"\"}]", TD_E_ATTRIBUTE, "[1]: id: empty",
			sizeof(EVENT("1")) + 8},
		{"[" EVENT("1") "," EVENT("2") ",{\"specversion\":\"0.9\"}]", TD_E_ATTRIBUTE,
			"[2]: specversion: only \"1.0\" is known", 2 * sizeof(EVENT("1")) + 16},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct td_event **events = NULL;
		struct td_error err = TD_ERROR_INIT;
		size_t count = 99;

		assert_int_equal(td_events_from_json(&events, &count, td_text(rows[i].batch), &err),
			rows[i].code);
		assert_string_equal(err.text, rows[i].text);
		assert_int_equal(err.offset, rows[i].offset);
		assert_null(events);
		assert_int_equal(count, 99);
	}
}

static int batch_and_back(void *arg)
{
	struct td_event **events = NULL;
	struct td_bytes json = TD_BYTES_INIT;
	size_t count = 0;
	int code = td_events_from_json(&events, &count, td_text((const char *)arg), NULL);

	if (code == 0)
		code = td_events_to_json(
			(const struct td_event *const *)events, count, &json, NULL);
	td_events_free(events, count);
	td_bytes_fini(&json);
	return code;
}

static void batch_is_whole_or_refused_when_memory_runs_out(void **state)
{
	static char batch[] = "[" EVENT("1") "," EVENT("2") "]";

	(void)state;
	alloc_torture(batch_and_back, batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batch_goes_and_comes_back),
		cmocka_unit_test(one_bad_event_refuses_the_batch_and_is_named),
		cmocka_unit_test(batch_is_whole_or_refused_when_memory_runs_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
