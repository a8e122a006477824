#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flow/pane.h"

#define SECOND 1000000000ll

static struct td_pane_sum sum_of(const struct td_pane *panes, td_time now, int64_t window_ms)
{
	struct td_window window = td_window_of(now, window_ms);
	struct td_pane_sum sum;

	td_panes_sum(panes, &window, &sum);
	return sum;
}

static void a_quantile_is_within_a_fifth(void **state)
{
	static const int64_t latencies[] = {
		32, 40, 50, 100, 999, 1500, 20000, 123456, 5000000, 61000000, 3599000000};
	td_time now = 1000000 * SECOND;

	(void)state;
	for (size_t i = 0; i < sizeof(latencies) / sizeof(latencies[0]); i++) {
		struct td_pane panes[TD_PANES] = {0};
		struct td_pane_sum sum;
		int64_t value;

		for (int j = 0; j < 100; j++)
			td_panes_add(panes, td_stamps_at(now), false, false, latencies[i], 0);
		sum = sum_of(panes, now, 60000);
		value = td_pane_quantile(&sum, 0.5);
		assert_in_range(value, latencies[i] * 4 / 5, latencies[i] * 5 / 4);
	}
}

static void quantiles_ascend_and_ends_are_ends(void **state)
{
	struct td_pane panes[TD_PANES] = {0};
	struct td_stamps at = td_stamps_at(0);
	struct td_pane_sum sum = sum_of(panes, 0, 60000);
	int64_t last = 0;

	(void)state;
	assert_int_equal(td_pane_quantile(&sum, 0.5), -1);
	for (int64_t us = 0; us < 5000000000; us = us * 3 / 2 + 1)
		td_panes_add(panes, at, false, false, us, 0);
	td_panes_add(panes, at, false, false, INT64_MAX, 0);
	sum = sum_of(panes, 0, 60000);
	for (int i = 0; i <= 100; i++) {
		int64_t value = td_pane_quantile(&sum, i / 100.0);

		assert_true(value >= last);
		last = value;
	}
	assert_int_equal(last, (int64_t)1 << 32);
}

static void a_full_bucket_halves_and_the_shape_stays(void **state)
{
	struct td_pane panes[TD_PANES] = {0};
	struct td_stamps at = td_stamps_at(SECOND);
	struct td_pane_sum sum;
	uint64_t dice = 0;

	(void)state;
	/* Nine of ten take 1 ms, one takes 1 s. */
	for (int i = 0; i < 1000000; i++)
		td_panes_add(panes, at, false, i % 10 == 0, i % 10 != 0 ? 1000 : 1000000,
			td_hash_u64(++dice));
	sum = sum_of(panes, SECOND, 60000);
	assert_int_equal(sum.count, 1000000);
	assert_int_equal(sum.causes, 100000);
	assert_in_range(sum.latencies, 980000, 1020000);
	assert_in_range(td_pane_quantile(&sum, 0.85), 800, 1250);
	assert_in_range(td_pane_quantile(&sum, 0.95), 800000, 1250000);
}

static void a_pane_that_comes_round_is_empty(void **state)
{
	struct td_pane panes[TD_PANES] = {0};
	struct td_tally tallies[TD_PANES] = {0};
	const td_time step = 10 * SECOND;
	td_time now = 0;

	(void)state;
	for (int i = 0; i < 1000; i++, now += step) {
		struct td_window window = td_window_of(now, 60000);
		struct td_window hour = td_window_of(now, 3600000);
		int fine = i < 6 ? i + 1 : 7, coarse = i < 360 ? i + 1 : 360 + i % 30 + 1;

		td_panes_add(panes, td_stamps_at(now), false, true, 0, 0);
		td_tallies_add(tallies, td_stamps_at(now), false, true);
		assert_int_equal(sum_of(panes, now, 60000).count, fine);
		assert_int_equal(sum_of(panes, now, 3600000).count, coarse);
		assert_int_equal(td_tallies_sum(tallies, &window).roots, fine);
		assert_int_equal(td_tallies_sum(tallies, &hour).count, coarse);
		assert_true(window.start <= now - 60 * SECOND || window.start == 0);
	}
	/* What is told of the past does not empty what is newer. */
	td_panes_add(panes, td_stamps_at(now - 8 * step), true, true, 0, 0);
	assert_int_equal(sum_of(panes, now - step, 60000).count, 7);
}

static void times_before_1970_are_as_1970(void **state)
{
	(void)state;
	assert_int_equal(td_stamps_at(INT64_MIN).fine, 1);
	assert_int_equal(td_stamps_at(INT64_MIN).coarse, 1);
	assert_int_equal(td_window_of(INT64_MIN, 60000).from, 1);
	assert_true(td_stamps_at(INT64_MAX).fine > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quantile_is_within_a_fifth),
		cmocka_unit_test(quantiles_ascend_and_ends_are_ends),
		cmocka_unit_test(a_full_bucket_halves_and_the_shape_stays),
		cmocka_unit_test(a_pane_that_comes_round_is_empty),
		cmocka_unit_test(times_before_1970_are_as_1970),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
