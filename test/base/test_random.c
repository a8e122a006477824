#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"

static void random_is_xoshiro256_starstar(void **state)
{
	/* First outputs of the state {1, 2, 3, 4}. */
	static const uint64_t known[] = {11520, 0, 1509978240, 1215971899390074240u,
		1216172134540287360u, 607988272756665600u};
	struct td_rng rng = {{1, 2, 3, 4}};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		assert_true(td_rng_u64(&rng) == known[i]);
}

static void random_is_seeded_by_splitmix64(void **state)
{
	static const uint64_t known[4] = {
		0xE220A8397B1DCDAFu, 0x6E789E6AA1B965F4u, 0x06C45D188009454Fu, 0xF88BB8A8724C81ECu};
	struct td_rng rng;

	(void)state;
	td_rng_init(&rng, 0);
	for (int i = 0; i < 4; i++)
		assert_true(rng.s[i] == known[i]);
}

static void random_below_is_uniform_and_below(void **state)
{
	static const uint64_t bounds[] = {1, 2, 3, 10, 1000003, (uint64_t)3 << 62, UINT64_MAX};
	struct td_rng rng;
	int thirds[3] = {0};

	(void)state;
	td_rng_init(&rng, 42);
	assert_true(td_rng_below(&rng, 0) == 0);
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
		for (int n = 0; n < 1000; n++)
			assert_true(td_rng_below(&rng, bounds[i]) < bounds[i]);
	/* 3 * 2^62 shows a bias at once if the rejection is missing. */
	for (int n = 0; n < 30000; n++)
		thirds[td_rng_below(&rng, (uint64_t)3 << 62) >> 62]++;
	for (int i = 0; i < 3; i++)
		assert_in_range(thirds[i], 9600, 10400);
}

static void random_unit_is_in_its_range(void **state)
{
	struct td_rng rng;
	double sum = 0;

	(void)state;
	td_rng_init(&rng, 7);
	for (int n = 0; n < 10000; n++) {
		double x = td_rng_unit(&rng);
		assert_true(x >= 0 && x < 1);
		sum += x;
	}
	assert_true(sum > 4800 && sum < 5200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_is_xoshiro256_starstar),
		cmocka_unit_test(random_is_seeded_by_splitmix64),
		cmocka_unit_test(random_below_is_uniform_and_below),
		cmocka_unit_test(random_unit_is_in_its_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
