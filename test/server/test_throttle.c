/* The throttle, by a clock that the test moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include "server/throttle.h"

#define SECOND INT64_C(1000000000)
#define KEY    UINT64_C(0x123456789ABCDEF0)

static void so_many_at_once_then_one_in_a_while(void **state)
{
	struct td_throttle throttle;
	int64_t now = 5 * SECOND;

	(void)state;
	td_throttle_init(&throttle, 3, 2000);
	for (int i = 0; i < 3; i++) {
		assert_false(td_throttle_over(&throttle, KEY, now));
		td_throttle_count(&throttle, KEY, now);
	}
	assert_true(td_throttle_over(&throttle, KEY, now));
	assert_true(td_throttle_over(&throttle, KEY, now + 2 * SECOND - 1));
	assert_false(td_throttle_over(&throttle, KEY, now + 2 * SECOND));
	td_throttle_count(&throttle, KEY, now + 2 * SECOND);
	assert_true(td_throttle_over(&throttle, KEY, now + 2 * SECOND));
	/* Forgiven, and no more than forgiven. */
	now += 3600 * SECOND;
	for (int i = 0; i < 3; i++) {
		assert_false(td_throttle_over(&throttle, KEY, now));
		td_throttle_count(&throttle, KEY, now);
	}
	assert_true(td_throttle_over(&throttle, KEY, now));
}

static void keys_are_told_apart(void **state)
{
	static struct td_throttle throttle;
	int over = 0;

	(void)state;
	td_throttle_init(&throttle, 1, 1000);
	for (uint64_t i = 0; i < 64; i++)
		td_throttle_count(&throttle, td_hash_u64(i), SECOND);
	for (uint64_t i = 0; i < 64; i++)
		assert_true(td_throttle_over(&throttle, td_hash_u64(i), SECOND));
	for (uint64_t i = 64; i < 10064; i++)
		over += td_throttle_over(&throttle, td_hash_u64(i), SECOND);
	/* (64/4096)^2 of 10,000: two or three by chance. The keys are always the same. */
	assert_true(over < 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(so_many_at_once_then_one_in_a_while),
		cmocka_unit_test(keys_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
