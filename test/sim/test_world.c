#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "delivery/deliveries.h"
#include "world.h"

static uint64_t counts[64];

static uint64_t trace_of(uint64_t seed)
{
	struct sim_world world;

	sim_world_init(&world, &sim_deliveries, seed, counts);
	sim_deliveries.play(&world);
	assert_false(sim_failed(&world));
	sim_world_fini(&world);
	return world.trace;
}

static void world_of_a_seed_is_always_the_same(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++)
		assert_true(trace_of(seed) == trace_of(seed));
}

static void worlds_of_different_seeds_differ(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++)
		assert_true(trace_of(seed) != trace_of(seed + 1));
}

static void world_trace_tells_values_names_times_and_order_apart(void **state)
{
	const uint64_t one = 1, two = 2, pair[] = {1, 2}, riap[] = {2, 1};
	struct sim_world worlds[7];

	(void)state;
	for (size_t i = 0; i < 7; i++)
		sim_world_init(&worlds[i], &sim_deliveries, 1, counts);
	sim_trace(&worlds[0], "a", &one, 1);
	sim_trace(&worlds[1], "a", &two, 1);
	sim_trace(&worlds[2], "b", &one, 1);
	sim_advance_ms(&worlds[3], 1);
	sim_trace(&worlds[3], "a", &one, 1);
	sim_trace(&worlds[4], "a", pair, 2);
	sim_trace(&worlds[5], "a", riap, 2);
	for (size_t i = 0; i < 7; i++)
		for (size_t j = 0; j < i; j++)
			assert_true(worlds[i].trace != worlds[j].trace);
}

static void world_time_is_virtual_and_seen_through_the_clock(void **state)
{
	struct sim_world world;
	int64_t monotonic;
	td_time wall;

	(void)state;
	sim_world_init(&world, &sim_deliveries, 1, counts);
	monotonic = td_clock_monotonic(&world.clock);
	wall = td_clock_wall(&world.clock);
	assert_true(td_clock_monotonic(&world.clock) == monotonic);
	sim_advance_ms(&world, 17);
	assert_true(td_clock_monotonic(&world.clock) == monotonic + 17000000);
	assert_true(td_clock_wall(&world.clock) == wall + 17000000);
	assert_true(sim_now_ms(&world) == monotonic / 1000000 + 17);
}

static void world_randomness_comes_from_the_seed(void **state)
{
	struct sim_world a, b, c;
	unsigned char x[32], y[32], z[32];

	(void)state;
	sim_world_init(&a, &sim_deliveries, 1, counts);
	sim_world_init(&b, &sim_deliveries, 1, counts);
	sim_world_init(&c, &sim_deliveries, 2, counts);
	a.random.fill(a.random.arg, x, sizeof(x));
	b.random.fill(b.random.arg, y, sizeof(y));
	c.random.fill(c.random.arg, z, sizeof(z));
	assert_memory_equal(x, y, sizeof(x));
	assert_memory_not_equal(x, z, sizeof(x));
}

static void world_dice_may_be_bytes_and_run_out(void **state)
{
	const uint8_t bytes[] = {5, 250, 1, 2, 3};
	struct sim_world world;

	(void)state;
	sim_world_init_bytes(&world, &sim_deliveries, bytes, sizeof(bytes), counts);
	assert_int_equal(sim_below(&world, 1), 0); /* costs nothing */
	assert_int_equal(sim_below(&world, 10), 5);
	assert_int_equal(sim_below(&world, 100), 50);
	assert_int_equal(sim_below(&world, 1000), (1 << 8 | 2) % 1000);
	assert_false(sim_is_over(&world));
	assert_int_equal(sim_below(&world, 1000), 0);
	assert_true(sim_is_over(&world));
	assert_int_equal(sim_between(&world, 7, 9), 7);
}

static void world_keeps_the_first_failure(void **state)
{
	struct sim_world world;

	(void)state;
	sim_world_init(&world, &sim_deliveries, 1, counts);
	assert_false(sim_failed(&world));
	sim_fail(&world, "token %d", 7);
	sim_fail(&world, "another");
	assert_true(sim_failed(&world));
	assert_string_equal(world.failure.text, "token 7");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(world_of_a_seed_is_always_the_same),
		cmocka_unit_test(worlds_of_different_seeds_differ),
		cmocka_unit_test(world_trace_tells_values_names_times_and_order_apart),
		cmocka_unit_test(world_time_is_virtual_and_seen_through_the_clock),
		cmocka_unit_test(world_randomness_comes_from_the_seed),
		cmocka_unit_test(world_dice_may_be_bytes_and_run_out),
		cmocka_unit_test(world_keeps_the_first_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
