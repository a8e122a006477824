#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "sys/sys.h"

static void random_fills_all_and_no_more(void **state)
{
	static unsigned char bytes[100002], zero[100002];
	size_t zeros = 0;

	(void)state;
	td_random_real.fill(td_random_real.arg, bytes + 1, sizeof(bytes) - 2);
	assert_int_equal(bytes[0], 0);
	assert_int_equal(bytes[sizeof(bytes) - 1], 0);
	for (size_t i = 1; i < sizeof(bytes) - 1; i++)
		zeros += bytes[i] == 0;
	assert_in_range(zeros, 250, 550); /* 391 expected */
	memset(bytes, 0, sizeof(bytes));
	td_random_real.fill(td_random_real.arg, bytes, 0);
	assert_memory_equal(bytes, zero, sizeof(bytes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_fills_all_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
