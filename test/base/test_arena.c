#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "alloc.h"
#include "base/base.h"

static void arena_gives_aligned_memory_that_does_not_overlap(void **state)
{
	struct td_arena arena;
	struct td_rng rng;
	unsigned char *all[500];
	size_t sizes[500];

	(void)state;
	td_arena_init(&arena, 1000, 1 << 20);
	td_rng_init(&rng, 1);
	for (int i = 0; i < 500; i++) {
		sizes[i] = td_rng_below(&rng, i % 50 == 0 ? 3000 : 40);
		all[i] = td_arena_alloc(&arena, sizes[i]);
		assert_non_null(all[i]);
		assert_int_equal((uintptr_t)all[i] % 16, 0);
		memset(all[i], i & 255, sizes[i]);
	}
	for (int i = 0; i < 500; i++)
		for (size_t k = 0; k < sizes[i]; k++)
			assert_int_equal(all[i][k], i & 255);
	td_arena_fini(&arena);
	assert_int_equal(arena.used, 0);
}

static void arena_stops_at_its_ceiling(void **state)
{
	struct td_arena arena;

	(void)state;
	td_arena_init(&arena, 64, 160);
	assert_null(td_arena_alloc(&arena, 161));
	assert_null(td_arena_alloc(&arena, SIZE_MAX));
	assert_null(td_arena_alloc(&arena, SIZE_MAX - 16));
	assert_int_equal(arena.used, 0);
	assert_non_null(td_arena_alloc(&arena, 64));
	assert_non_null(td_arena_alloc(&arena, 1));
	assert_non_null(td_arena_alloc(&arena, 48));
	assert_int_equal(arena.used, 128);
	assert_non_null(td_arena_alloc(&arena, 17)); /* the last block is what remains: 32 */
	assert_int_equal(arena.used, 160);
	assert_null(td_arena_alloc(&arena, 0));
	td_arena_fini(&arena);
	assert_non_null(td_arena_alloc(&arena, 160));
	td_arena_fini(&arena);
}

static void arena_reset_keeps_the_first_block(void **state)
{
	struct td_arena arena;
	void *first;

	(void)state;
	td_arena_init(&arena, 64, 1 << 20);
	td_arena_reset(&arena);
	first = td_arena_alloc(&arena, 64);
	for (int i = 0; i < 10; i++)
		assert_non_null(td_arena_alloc(&arena, 100));
	td_arena_reset(&arena);
	assert_int_equal(arena.used, 64);
	assert_ptr_equal(td_arena_alloc(&arena, 10), first);
	td_arena_fini(&arena);
	td_arena_fini(&arena);
}

static void arena_clears_and_copies(void **state)
{
	struct td_arena arena;
	struct td_text text;
	char *zero;

	(void)state;
	td_arena_init(&arena, 64, 1 << 20);
	memset(td_arena_alloc(&arena, 64), 'x', 64);
	td_arena_reset(&arena);
	zero = td_arena_zalloc(&arena, 32);
	for (int i = 0; i < 32; i++)
		assert_int_equal(zero[i], 0);
	text = td_arena_copy(&arena, td_text("order.42"));
	assert_string_equal(text.at, "order.42");
	assert_int_equal(text.len, 8);
	text = td_arena_copy(&arena, td_text(""));
	assert_non_null(text.at);
	assert_string_equal(text.at, "");
	assert_null(td_arena_copy(&arena, td_text(NULL)).at);
	td_arena_fini(&arena);
}

static int fill_three_blocks(void *arg)
{
	struct td_arena arena;
	int code = 0;

	(void)arg;
	td_arena_init(&arena, 64, 1 << 20);
	for (int i = 0; i < 3 && code == 0; i++) {
		char *at = td_arena_zalloc(&arena, 50);
		size_t used = arena.used;
		if (at == NULL) {
			code = TD_E_NOMEM;
			if (td_arena_copy(&arena, td_text("what still fits")).at != NULL)
				assert_true(arena.used >= used);
		}
	}
	td_arena_fini(&arena);
	return code;
}

static void arena_survives_lack_of_memory(void **state)
{
	(void)state;
	assert_in_range(alloc_torture(fill_three_blocks, NULL), 3, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_gives_aligned_memory_that_does_not_overlap),
		cmocka_unit_test(arena_stops_at_its_ceiling),
		cmocka_unit_test(arena_reset_keeps_the_first_block),
		cmocka_unit_test(arena_clears_and_copies),
		cmocka_unit_test(arena_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
