#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "sys/sys.h"

static void all_of_it_can_be_written_to(void **state)
{
	static const size_t sizes[] = {
		1, 4096, ((size_t)2 << 20) - 1, (size_t)2 << 20, ((size_t)2 << 20) + 1};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned char *memory = td_memory_new(sizes[i]);

		assert_non_null(memory);
		memset(memory, 0xA5, sizes[i]);
		assert_int_equal(memory[sizes[i] - 1], 0xA5);
		free(memory);
	}
}

static void from_the_size_of_a_large_page_on_it_begins_with_one(void **state)
{
	void *memory = td_memory_new((size_t)5 << 20);

	(void)state;
	assert_non_null(memory);
	assert_int_equal((uintptr_t)memory % ((size_t)2 << 20), 0);
	free(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it_can_be_written_to),
		cmocka_unit_test(from_the_size_of_a_large_page_on_it_begins_with_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
