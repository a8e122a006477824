#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "journal/location.h"

static void a_location_holds_segment_offset_and_whitening(void **state)
{
	const uint32_t segments[] = {1, 2, 0x80000000u, UINT32_MAX};
	const uint64_t offsets[] = {4096, 4200, 0x7FFFFFF8u, 0xFFFFFFF8u};

	(void)state;
	for (size_t s = 0; s < 4; s++)
		for (size_t o = 0; o < 4; o++)
			for (unsigned w = 0; w < 8; w++) {
				td_location at = td_location_make(segments[s], offsets[o], w);

				assert_int_equal(td_location_segment(at), segments[s]);
				assert_int_equal(td_location_offset(at), offsets[o]);
				assert_int_equal(td_location_whitening(at), w);
				assert_true(at != 0);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_location_holds_segment_offset_and_whitening),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
