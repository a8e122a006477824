/* What base allocates, with the n-th allocation failing; and that test/alloc.c notices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "base/base.h"

static void alloc_fails_the_one_asked_for_and_counts(void **state)
{
	void *volatile blocks[4]; /* or the compiler does without asking */
	size_t before = alloc_live();

	(void)state;
	alloc_fail_at(2, false);
	blocks[0] = malloc(1);
	blocks[1] = strdup("x");
	blocks[2] = calloc(1, 1);
	blocks[3] = realloc(blocks[0], 100);
	assert_non_null(blocks[2]);
	assert_null(blocks[1]);
	assert_non_null(blocks[3]);
	assert_true(alloc_failed());
	assert_int_equal(alloc_count(), 4);
	assert_int_equal(alloc_live(), before + 2);
	free(blocks[2]);
	free(blocks[3]);
	alloc_fail_at(1, true);
	blocks[0] = malloc(1);
	blocks[1] = malloc(1);
	assert_null(blocks[0]);
	assert_null(blocks[1]);
	alloc_fail_at(0, false);
	assert_int_equal(alloc_live(), before);
}

static int fill_buf(void *arg)
{
	struct td_buf buf = TD_BUF_INIT(100000);
	struct td_bytes bytes = TD_BYTES_INIT;
	int code;

	(void)arg;
	for (int i = 0; i < 2000; i++) {
		td_buf_add_i64(&buf, i);
		td_buf_printf(&buf, " %s ", "and");
	}
	code = td_buf_check(&buf, NULL);
	if (code == 0)
		td_buf_detach(&buf, &bytes);
	td_bytes_fini(&bytes);
	td_buf_fini(&buf);
	return code;
}

static void buf_gives_up_cleanly_when_memory_ends(void **state)
{
	(void)state;
	assert_in_range(alloc_torture(fill_buf, NULL), 3, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alloc_fails_the_one_asked_for_and_counts),
		cmocka_unit_test(buf_gives_up_cleanly_when_memory_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
