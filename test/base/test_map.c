#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "alloc.h"
#include "base/base.h"

/* The naive model: a list, searched from end to end. */
struct model {
	uint64_t keys[400];
	void *values[400];
	size_t count;
};

static size_t model_find(const struct model *model, uint64_t key)
{
	size_t i = 0;

	while (i < model->count && model->keys[i] != key)
		i++;
	return i;
}

static void model_put(struct model *model, uint64_t key, void *value)
{
	size_t i = model_find(model, key);

	model->keys[i] = key;
	model->values[i] = value;
	model->count += i == model->count;
}

static void *model_remove(struct model *model, uint64_t key)
{
	size_t i = model_find(model, key);
	void *value;

	if (i == model->count)
		return NULL;
	value = model->values[i];
	model->count--;
	model->keys[i] = model->keys[model->count];
	model->values[i] = model->values[model->count];
	return value;
}

static void assert_same(const struct td_map *map, const struct model *model)
{
	size_t cursor = 0, walked = 0;
	const struct td_map_slot *slot;

	assert_int_equal(map->count, model->count);
	for (size_t i = 0; i < model->count; i++)
		assert_ptr_equal(td_map_get(map, model->keys[i]), model->values[i]);
	while ((slot = td_map_next(map, &cursor)) != NULL) {
		size_t i = model_find(model, slot->key);
		assert_true(i < model->count);
		assert_ptr_equal(slot->value, model->values[i]);
		walked++;
	}
	assert_int_equal(walked, model->count);
}

static void play(uint64_t seed, const uint64_t *keys, size_t keys_count)
{
	static char values[1000];
	struct td_map map = TD_MAP_INIT;
	struct model model = {.count = 0};
	struct td_rng rng;

	td_rng_init(&rng, seed);
	for (int step = 0; step < 4000; step++) {
		/* Grow for a while, then shrink, and again. */
		bool growing = step / 500 % 2 == 0;
		uint64_t key = keys[td_rng_below(&rng, keys_count)];

		if (td_rng_below(&rng, 10) < (growing ? 7u : 3u)) {
			void *value = &values[td_rng_below(&rng, sizeof(values))];
			assert_true(td_map_put(&map, key, value));
			model_put(&model, key, value);
		} else {
			assert_ptr_equal(td_map_remove(&map, key), model_remove(&model, key));
		}
		assert_null(td_map_get(&map, 0xDEADu << 20));
		if (step % 50 == 0)
			assert_same(&map, &model);
	}
	assert_same(&map, &model);
	td_map_fini(&map);
}

static void map_agrees_with_a_list(void **state)
{
	uint64_t keys[300];

	(void)state;
	for (uint64_t i = 0; i < 300; i++)
		keys[i] = i;
	for (uint64_t seed = 0; seed < 10; seed++)
		play(seed, keys, 300);
}

static void map_agrees_with_a_list_when_all_keys_collide(void **state)
{
	uint64_t keys[100];
	size_t count = 0;

	(void)state;
	/* Homes at the end of a table of up to 256, so that runs wrap around it. */
	for (uint64_t key = 0; count < 100; key++)
		if ((td_hash_u64(key) & 255) >= 254 || (td_hash_u64(key) & 255) < count % 3)
			keys[count++] = key;
	for (uint64_t seed = 0; seed < 10; seed++)
		play(seed, keys, 100);
}

static void map_keeps_any_key_and_is_empty_at_first(void **state)
{
	struct td_map map = TD_MAP_INIT;
	static const uint64_t keys[] = {0, 1, UINT64_MAX, (uint64_t)1 << 63};
	size_t cursor = 0;
	int value;

	(void)state;
	assert_null(td_map_get(&map, 0));
	assert_null(td_map_remove(&map, 0));
	assert_null(td_map_next(&map, &cursor));
	for (size_t i = 0; i < 4; i++)
		assert_true(td_map_put(&map, keys[i], &value));
	for (size_t i = 0; i < 4; i++)
		assert_ptr_equal(td_map_remove(&map, keys[i]), &value);
	assert_int_equal(map.count, 0);
	td_map_fini(&map);
	td_map_fini(&map);
}

static void map_reserved_does_not_grow(void **state)
{
	struct td_map map = TD_MAP_INIT;
	int value;
	size_t mask;

	(void)state;
	assert_false(td_map_reserve(&map, SIZE_MAX));
	assert_true(td_map_reserve(&map, 1000));
	mask = map.mask;
	for (uint64_t i = 0; i < 1000; i++)
		assert_true(td_map_put(&map, i, &value));
	assert_int_equal(map.mask, mask);
	assert_true(map.count <= (map.mask + 1) / 4 * 3);
	td_map_fini(&map);
}

/* A map that cannot grow says so, and is as before. */
static int grow(void *arg)
{
	struct td_map map = TD_MAP_INIT;
	int code = 0;
	uint64_t key;

	for (key = 0; key < 100 && code == 0; key++)
		if (!td_map_put(&map, key, arg))
			code = TD_E_NOMEM;
	assert_int_equal(map.count, code == 0 ? key : key - 1);
	for (uint64_t i = 0; i < map.count; i++)
		assert_ptr_equal(td_map_get(&map, i), arg);
	td_map_fini(&map);
	return code;
}

static void map_survives_lack_of_memory(void **state)
{
	assert_int_equal(alloc_torture(grow, &state), 6); /* 8, 16, ... 256 slots */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(map_agrees_with_a_list),
		cmocka_unit_test(map_agrees_with_a_list_when_all_keys_collide),
		cmocka_unit_test(map_keeps_any_key_and_is_empty_at_first),
		cmocka_unit_test(map_reserved_does_not_grow),
		cmocka_unit_test(map_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
