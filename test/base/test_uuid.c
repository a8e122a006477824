#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

#define MS        1645557742000u
#define NS_OF(ms) ((td_time)(ms)*1000000)

static void uuid_agrees_with_the_rfc(void **state)
{
	td_uuid_tick tick;
	uint8_t uuid[16];
	char text[TD_UUID_BYTES];

	(void)state;
	/* RFC 9562 appendix A.6; its rand_a and the top of rand_b are our counter. */
	atomic_init(&tick, ((uint64_t)MS << 20 | 0xCC363) - 1);
	td_uuid_next(&tick, NS_OF(MS), 0xFFC4DC0C0C07398Fu, uuid);
	td_uuid_format(uuid, text);
	assert_memory_equal(text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f", TD_UUID_BYTES);
}

static void uuid_is_of_the_clock_when_it_moves(void **state)
{
	td_uuid_tick tick = 0;
	uint8_t uuid[16];
	char text[TD_UUID_BYTES];

	(void)state;
	td_uuid_next(&tick, NS_OF(MS), 0, uuid);
	td_uuid_format(uuid, text);
	assert_memory_equal(text, "017f22e2-79b0-7000-8000-000000000000", TD_UUID_BYTES);
	td_uuid_next(&tick, NS_OF(MS + 1), 0, uuid);
	td_uuid_format(uuid, text);
	assert_memory_equal(text, "017f22e2-79b1-7000-8000-000000000000", TD_UUID_BYTES);
}

static void uuid_grows_when_the_clock_goes_back_and_the_counter_runs_out(void **state)
{
	td_uuid_tick tick = (uint64_t)MS << 20 | 0xFFFFE;
	uint8_t last[16], next[16];
	struct td_rng rng;
	uint64_t ms = MS;

	(void)state;
	td_rng_init(&rng, 1);
	td_uuid_next(&tick, NS_OF(ms), UINT64_MAX, last);
	for (int i = 0; i < 10000; i++) {
		td_uuid_next(&tick, NS_OF(ms), td_rng_u64(&rng), next);
		assert_true(memcmp(last, next, 16) < 0);
		assert_int_equal(next[6] >> 4, 7);
		assert_int_equal(next[8] >> 6, 2);
		memcpy(last, next, 16);
		ms += td_rng_below(&rng, 3) - 1;
	}
}

static void uuid_grows_also_where_the_clock_says_what_no_id_can(void **state)
{
	static const td_time times[] = {INT64_MIN, -1, 0, 999999, INT64_MAX, INT64_MIN, INT64_MAX};
	td_uuid_tick tick = 0;
	uint8_t last[16] = {0}, next[16];

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		td_uuid_next(&tick, times[i], 0, next);
		assert_true(memcmp(last, next, 16) < 0);
		assert_int_equal(next[6] >> 4, 7);
		memcpy(last, next, 16);
	}
}

#define THREADS 4
#define EACH    50000

static td_uuid_tick shared_tick;
static uint8_t made[THREADS][EACH][16];

static void *make_many(void *arg)
{
	uint8_t(*mine)[16] = arg;

	for (int i = 0; i < EACH; i++)
		td_uuid_next(&shared_tick, NS_OF(MS + (unsigned)i / 1000), 5, mine[i]);
	return NULL;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

static void uuid_is_unique_and_grows_in_each_thread(void **state)
{
	pthread_t threads[THREADS];
	uint8_t(*all)[16] = &made[0][0];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, make_many, made[i]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < THREADS; i++)
		for (int k = 1; k < EACH; k++)
			assert_true(memcmp(made[i][k - 1], made[i][k], 16) < 0);
	qsort(all, (size_t)THREADS * EACH, 16, compare);
	for (int k = 1; k < THREADS * EACH; k++)
		assert_true(memcmp(all[k - 1], all[k], 16) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uuid_agrees_with_the_rfc),
		cmocka_unit_test(uuid_is_of_the_clock_when_it_moves),
		cmocka_unit_test(uuid_grows_when_the_clock_goes_back_and_the_counter_runs_out),
		cmocka_unit_test(uuid_grows_also_where_the_clock_says_what_no_id_can),
		cmocka_unit_test(uuid_is_unique_and_grows_in_each_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
