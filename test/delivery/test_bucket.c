#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "delivery/bucket.h"

static int take_all(struct td_bucket *bucket, int64_t now_ms)
{
	int count = 0;

	while (td_bucket_take(bucket, now_ms))
		count++;
	return count;
}

static void bucket_gives_a_tenth_of_a_second_at_once_and_then_the_rate(void **state)
{
	const struct {
		size_t rate;
		int at_once, in_ten_s;
	} rows[] = {{1, 1, 10}, {3, 1, 30}, {10, 1, 100}, {11, 1, 110}, {100, 10, 1000},
		{999, 99, 9990}, {5000, 500, 50000}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct td_bucket bucket;
		int count = 0;
		td_bucket_init(&bucket, rows[i].rate);
		assert_int_equal(take_all(&bucket, 1000), rows[i].at_once);
		for (int64_t ms = 1001; ms <= 11000; ms++)
			count += take_all(&bucket, ms);
		assert_int_equal(count, rows[i].in_ten_s);
	}
}

static void bucket_says_when_there_is_one(void **state)
{
	struct td_bucket bucket;

	(void)state;
	td_bucket_init(&bucket, 3);
	assert_int_equal(td_bucket_next_ms(&bucket, 50), 50);
	assert_true(td_bucket_take(&bucket, 50));
	assert_int_equal(td_bucket_next_ms(&bucket, 50), 384); /* a third of a second, up */
	assert_false(td_bucket_take(&bucket, 383));
	assert_true(td_bucket_take(&bucket, 384));
	assert_int_equal(td_bucket_next_ms(&bucket, 400), 717); /* the 2/1000 above are kept */
	assert_int_equal(td_bucket_next_ms(&bucket, 5000), 5000);
}

static void bucket_bears_any_clock_and_any_rate(void **state)
{
	struct td_bucket bucket;

	(void)state;
	td_bucket_init(&bucket, 1);
	assert_true(td_bucket_take(&bucket, INT64_MIN));
	assert_false(td_bucket_take(&bucket, INT64_MIN));
	assert_true(td_bucket_take(&bucket, INT64_MAX));
	assert_int_equal(td_bucket_next_ms(&bucket, INT64_MAX), INT64_MAX);
	assert_false(td_bucket_take(&bucket, 0)); /* back in time there is nothing to gain */
	assert_int_equal(td_bucket_next_ms(&bucket, 0), INT64_MAX);
	td_bucket_init(&bucket, 1000000000);
	assert_int_equal(bucket.level, 100000000000u);
	assert_true(td_bucket_take(&bucket, 0));
	td_bucket_init(&bucket, SIZE_MAX);
	assert_int_equal(bucket.rate, 0); /* no limit */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bucket_gives_a_tenth_of_a_second_at_once_and_then_the_rate),
		cmocka_unit_test(bucket_says_when_there_is_one),
		cmocka_unit_test(bucket_bears_any_clock_and_any_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
