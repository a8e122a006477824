#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "delivery/backoff.h"

struct row {
	struct td_retry retry;
	unsigned attempts;
	int64_t after_ms;
	double unit;
	int64_t wait_ms;
};

#define NONE -1.0 /* jitter: none */

static const struct row rows[] = {
	/* the defaults: 100, 2, 60,000, 0.2 */
	{{0}, 1, 0, 0, 100},
	{{0}, 2, 0, 0, 200},
	{{0}, 5, 0, 0, 1600},
	{{0}, 10, 0, 0, 51200},
	{{0}, 11, 0, 0, 60000},
	{{0}, 4000000000u, 0, 0, 60000},
	{{0}, 1, 0, 0.5, 90},
	{{0}, 11, 0, 0.5, 54000},
	/* the schedule */
	{{.first_ms = 7, .factor = 1, .jitter = NONE}, 1000000, 0, 0.9, 7},
	{{.first_ms = 10, .factor = 1.5, .jitter = NONE}, 3, 0, 0, 23}, /* 22.5 */
	{{.first_ms = 100, .factor = 3, .longest_ms = 500, .jitter = NONE}, 2, 0, 0, 300},
	{{.first_ms = 100, .factor = 3, .longest_ms = 500, .jitter = NONE}, 3, 0, 0, 500},
	{{.first_ms = 1000, .factor = 0.5, .jitter = NONE}, 2, 0, 0, 500},
	{{.first_ms = 1000, .factor = 0.5, .jitter = NONE}, 200, 0, 0, 1}, /* at least 1 ms */
	{{.first_ms = 100, .longest_ms = 10, .jitter = NONE}, 1, 0, 0, 10},
	/* jitter only shortens */
	{{.first_ms = 100, .jitter = 1}, 1, 0, 0, 100},
	{{.first_ms = 100, .jitter = 1}, 1, 0, 0.25, 75},
	{{.first_ms = 100, .jitter = 1}, 1, 0, 0.99999999, 1},
	{{.first_ms = 100, .jitter = 0.5}, 1, 0, 0.99999999, 50},
	{{.first_ms = 100, .jitter = 7}, 1, 0, 0.5, 50}, /* a share is at most all */
	/* Retry-After: not before, whatever the schedule says, also beyond its ceiling */
	{{0}, 1, 50, 0, 100},
	{{0}, 1, 101, 0, 101},
	{{0}, 1, 100000000, 0.5, 100000000},
	{{0}, 1, INT64_MAX, 0, INT64_MAX},
	{{0}, 1, -5, 0, 100},
	/* any numbers */
	{{.first_ms = INT64_MAX, .longest_ms = INT64_MAX, .jitter = NONE}, 1, 0, 0, INT64_MAX},
	{{.factor = 1e300, .longest_ms = INT64_MAX, .jitter = NONE}, 9, 0, 0, INT64_MAX},
	{{.factor = INFINITY, .jitter = NONE}, 2, 0, 0, 60000},
	{{.factor = INFINITY, .jitter = NONE}, 1, 0, 0, 100},
	{{.factor = 1e-300, .jitter = NONE}, UINT32_MAX, 0, 0, 1},
	{{.first_ms = INT64_MAX - 1, .factor = 1, .longest_ms = INT64_MAX, .jitter = NONE}, 2, 0, 0,
		INT64_MAX},
	{{.factor = NAN, .jitter = NAN}, 2, 0, 0.5, 180},
	{{.first_ms = -3, .factor = -3, .longest_ms = -3, .jitter = NONE}, 2, 0, 0, 200},
	{{.first_ms = 100, .jitter = 0.5}, 1, 0, NAN, 100},
	{{.first_ms = 100, .jitter = 0.5}, 1, 0, 12, 50},
	{{.first_ms = 100, .jitter = 0.5}, 1, 0, -12, 100},
};

static void backoff_waits_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct td_retry retry = td_backoff_settings(&row->retry);
		int64_t wait_ms = td_backoff_ms(&retry, row->attempts, row->after_ms, row->unit);
		if (wait_ms != row->wait_ms)
			fail_msg("row %zu: %lld, expected %lld", i, (long long)wait_ms,
				(long long)row->wait_ms);
	}
}

static void backoff_without_settings_has_those_of_the_manual(void **state)
{
	struct td_retry retry = td_backoff_settings(&(struct td_retry){0});

	(void)state;
	assert_int_equal(retry.attempts_max, 1);
	assert_int_equal(retry.first_ms, 100);
	assert_true(retry.factor == 2);
	assert_int_equal(retry.longest_ms, 60000);
	assert_true(retry.jitter == 0.2);
	assert_int_equal(retry.exhausted, TD_SKIP);
}

static void backoff_stays_within_jitter_and_ceiling(void **state)
{
	(void)state;
	for (int i = 0; i < 100000; i++) {
		struct td_retry retry = td_backoff_settings(&(struct td_retry){
			.first_ms = 1 + i % 977,
			.factor = 0.5 + (i % 31) / 10.0,
			.longest_ms = 1 + (i % 4999),
			.jitter = (i % 11) / 10.0,
		});
		unsigned attempts = 1 + (unsigned)i % 13;
		int64_t plain = td_backoff_ms(&retry, attempts, 0, 0);
		int64_t some = td_backoff_ms(&retry, attempts, 0, (i % 1009) / 1009.0);
		assert_true(plain >= 1 && plain <= retry.longest_ms);
		assert_true(some >= 1 && some <= plain);
		assert_true((double)some >= (double)plain * (1 - retry.jitter) - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backoff_waits_as_the_table_says),
		cmocka_unit_test(backoff_without_settings_has_those_of_the_manual),
		cmocka_unit_test(backoff_stays_within_jitter_and_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
