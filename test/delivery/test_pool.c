#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "delivery/pool.h"

struct item {
	uint64_t link; /* the pool's while free */
	uint64_t number;
};

static size_t walk(const struct td_pool *pool)
{
	const void *item = NULL;
	size_t count = 0;

	while ((item = td_pool_next(pool, item)) != NULL)
		count++;
	return count;
}

static void pool_items_are_apart_and_walked_once_each(void **state)
{
	struct td_pool pool;
	struct item *items[1000];
	const struct item *item = NULL;
	uint64_t sum = 0;

	(void)state;
	td_pool_init(&pool, sizeof(struct item), 1000);
	assert_int_equal(walk(&pool), 0);
	for (size_t i = 0; i < 1000; i++) {
		items[i] = td_pool_get(&pool);
		assert_non_null(items[i]);
		assert_int_equal(items[i]->number, 0);
		items[i]->number = i + 1;
		assert_int_equal(walk(&pool), i + 1);
	}
	while ((item = td_pool_next(&pool, item)) != NULL)
		sum += item->number;
	assert_int_equal(sum, 1000 * 1001 / 2);
	assert_int_equal(pool.made, 1000);
	td_pool_fini(&pool);
}

static void pool_gives_again_what_came_back(void **state)
{
	struct td_pool pool;

	(void)state;
	td_pool_init(&pool, sizeof(struct item), 3);
	for (int i = 0; i < 100; i++) {
		struct item *a = td_pool_get(&pool), *b = td_pool_get(&pool),
			    *c = td_pool_get(&pool);
		assert_true(a != NULL && b != NULL && c != NULL);
		assert_true(a != b && b != c && a != c);
		td_pool_put(&pool, b);
		assert_ptr_equal(td_pool_get(&pool), b);
		td_pool_put(&pool, a);
		td_pool_put(&pool, b);
		td_pool_put(&pool, c);
	}
	assert_int_equal(pool.made, 3); /* no more than asked for */
	td_pool_fini(&pool);
}

static void pool_asks_for_nothing_before_the_first_and_grows_by_doubling(void **state)
{
	struct td_pool pool;
	size_t steps = 0, made = 0;

	(void)state;
	td_pool_init(&pool, sizeof(struct item), 100000);
	assert_int_equal(pool.made, 0);
	for (size_t i = 0; i < 100000; i++) {
		assert_non_null(td_pool_get(&pool));
		if (pool.made != made)
			steps++;
		made = pool.made;
		assert_true(made < 2 * i + 17);
	}
	assert_int_equal(made, 100000);
	assert_in_range(steps, 10, 16);
	td_pool_fini(&pool);
	assert_int_equal(walk(&pool), 0);
	td_pool_fini(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool_items_are_apart_and_walked_once_each),
		cmocka_unit_test(pool_gives_again_what_came_back),
		cmocka_unit_test(pool_asks_for_nothing_before_the_first_and_grows_by_doubling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
