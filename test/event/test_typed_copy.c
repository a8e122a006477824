#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "typed_any.h"
#include "typed_sample.h"

static void copy_is_deep_and_in_one_block(void **state)
{
	struct maker m, again;

	(void)state;
	for (uint64_t round = 0; round < 2000; round++) {
		struct all *all, *copy, *same;
		size_t bytes;
		void *block;

		td_rng_init(&m.rng, round);
		td_arena_init(&m.arena, 4096, SIZE_MAX);
		all = make_any(&m, &all_type);
		bytes = td_type_copy_bytes(&all_type, all);
		block = malloc(bytes); /* exact, so that the sanitizer sees a byte too much */
		assert_non_null(block);
		copy = td_type_copy(&all_type, all, block);
		assert_ptr_equal(copy, block);
		assert_true(equal_objects(&all_type, all, copy));
		assert_int_equal(td_type_copy_bytes(&all_type, copy), bytes);
		td_arena_fini(&m.arena); /* the original is gone */

		td_rng_init(&again.rng, round);
		td_arena_init(&again.arena, 4096, SIZE_MAX);
		same = make_any(&again, &all_type);
		assert_true(equal_objects(&all_type, same, copy));
		td_arena_fini(&again.arena);
		free(block);
	}
}

static void copy_survives_scribbling_over_the_original(void **state)
{
	char street[] = "Main Street", note[] = "ring", name[] = "Funghi", more[] = "\"a\":1";
	struct td_text notes[] = {{note, 4}, {NULL, 0}, {"", 0}};
	struct pizza pizzas[] = {{.unknown = {more, 5},
		.name = {name, 6},
		.count = 3,
		.origin = {.street = {street, 11}},
		.has_origin = true}};
	struct order_placed order = {
		.customer = {name, 6}, .total = T("1"), .notes = {notes, 3}, .pizzas = {pizzas, 1}};
	struct order_placed *copy;

	(void)state;
	copy = malloc(td_type_copy_bytes(&order_placed_type, &order));
	assert_non_null(copy);
	td_type_copy(&order_placed_type, &order, copy);
	memset(street, '#', sizeof(street));
	memset(note, '#', sizeof(note));
	memset(name, '#', sizeof(name));
	memset(more, '#', sizeof(more));
	memset(notes, '#', sizeof(notes));
	memset(pizzas, '#', sizeof(pizzas));
	memset(&order, '#', sizeof(order));
	assert_text(copy->customer, "Funghi");
	assert_int_equal(copy->notes.count, 3);
	assert_text(copy->notes.at[0], "ring");
	assert_null(copy->notes.at[1].at);
	assert_text(copy->notes.at[2], "");
	assert_false(copy->has_due);
	assert_int_equal(copy->due, 0);
	assert_int_equal(copy->pizzas.at[0].count, 3);
	assert_text(copy->pizzas.at[0].unknown, "\"a\":1");
	assert_text(copy->pizzas.at[0].origin.street, "Main Street");
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copy_is_deep_and_in_one_block),
		cmocka_unit_test(copy_survives_scribbling_over_the_original),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
