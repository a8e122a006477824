#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

#include "sys/sys.h"

static void clock_wall_is_the_time_of_day(void **state)
{
	td_time now = td_clock_wall(&td_clock_real);
	time_t seconds = time(NULL);

	(void)state;
	assert_in_range(now / 1000000000, seconds - 2, seconds + 2);
}

static void clock_monotonic_never_goes_back(void **state)
{
	int64_t last = td_clock_monotonic(&td_clock_real), first = last;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		int64_t now = td_clock_monotonic(&td_clock_real);
		assert_true(now >= last);
		last = now;
	}
	assert_true(last > first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clock_wall_is_the_time_of_day),
		cmocka_unit_test(clock_monotonic_never_goes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
