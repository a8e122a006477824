#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "typed_sample.h"

/* clang-format off */
/* One declaration twice, as two shared libraries would have it, and what came of it later. */
#define ITEM(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(TEXT, name, REQUIRED) OBJECTS(place, places, OPTIONAL)
#define ITEM_OPTIONAL(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(TEXT, name, OPTIONAL) OBJECTS(place, places, OPTIONAL)
#define ITEM_MORE(FIELD, OBJECT, LIST, OBJECTS) \
	ITEM(FIELD, OBJECT, LIST, OBJECTS) FIELD(TEXT, colour, OPTIONAL)
#define ITEM_KIND(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(DECIMAL, name, REQUIRED) OBJECTS(place, places, OPTIONAL)
#define ITEM_NAME(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(TEXT, label, REQUIRED) OBJECTS(place, places, OPTIONAL)
#define ITEM_PART(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(TEXT, name, REQUIRED) OBJECTS(pizza, places, OPTIONAL)
TD_EVENT(item_a, "Item", ITEM)
TD_EVENT(item_b, "Item", ITEM)
TD_EVENT(item_other, "Other", ITEM)
TD_EVENT(item_optional, "Item", ITEM_OPTIONAL)
TD_EVENT(item_more, "Item", ITEM_MORE)
TD_EVENT(item_kind, "Item", ITEM_KIND)
TD_EVENT(item_name, "Item", ITEM_NAME)
TD_EVENT(item_part, "Item", ITEM_PART)
/* clang-format on */

static void declaration_says_where_each_field_lies(void **state)
{
	static const struct {
		size_t offset;
		bool list, required;
		enum td_field_kind kind;
		const char *name;
		const struct td_type *type;
	} expected[] = {
#define ROW(member, ...) {offsetof(struct order_placed, member), __VA_ARGS__}
		ROW(customer, false, true, TD_FIELD_TEXT, "customer", NULL),
		ROW(total, false, true, TD_FIELD_DECIMAL, "total", NULL),
		ROW(due, false, false, TD_FIELD_TIME, "due", NULL),
		ROW(notes, true, false, TD_FIELD_TEXT, "notes", NULL),
		ROW(deliver_to, false, false, TD_FIELD_OBJECT, "deliver_to", &place_type),
		ROW(pizzas, true, true, TD_FIELD_OBJECT, "pizzas", &pizza_type),
#undef ROW
	};

	(void)state;
	assert_string_equal(td_type_name(&order_placed_type), "OrderPlaced");
	assert_string_equal(order_placed_type.tag, "order_placed");
	assert_string_equal(td_type_name(&pizza_type), "pizza");
	assert_int_equal(order_placed_type.bytes, sizeof(struct order_placed));
	assert_int_equal(order_placed_type.fields_count, 6);
	assert_int_equal(nothing_type.fields_count, 0);
	for (size_t i = 0; i < 6; i++) {
		const struct td_field *field = &order_placed_type.fields[i];

		assert_int_equal((const char *)field->at - (const char *)order_placed_type.zero,
			expected[i].offset);
		assert_int_equal(field->list, expected[i].list);
		assert_int_equal(field->required, expected[i].required);
		assert_int_equal(field->kind, expected[i].kind);
		assert_string_equal(field->name, expected[i].name);
		assert_int_equal(field->name_bytes, strlen(expected[i].name));
		assert_ptr_equal(field->type, expected[i].type);
	}
}

static void declaration_says_where_each_has_lies(void **state)
{
	static const size_t expected[] = {0, 0, offsetof(struct order_placed, has_due), 0,
		offsetof(struct order_placed, has_deliver_to), 0};

	(void)state;
	for (size_t i = 0; i < 6; i++)
		assert_int_equal((const char *)order_placed_type.has[i] -
					 (const char *)order_placed_type.zero,
			expected[i]);
	assert_int_equal(offsetof(struct order_placed, unknown), 0);
	assert_true(offsetof(struct order_placed, has_due) > offsetof(struct order_placed, pizzas));
}

static void declarations_are_the_same_by_what_they_say(void **state)
{
	static const struct td_type *const others[] = {&item_other_type, &item_optional_type,
		&item_more_type, &item_kind_type, &item_name_type, &item_part_type, &nothing_type};

	(void)state;
	assert_true(td_type_same(&item_a_type, &item_a_type));
	assert_true(td_type_same(&item_a_type, &item_b_type));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_false(td_type_same(&item_a_type, others[i]));
		assert_false(td_type_same(others[i], &item_a_type));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(declaration_says_where_each_field_lies),
		cmocka_unit_test(declaration_says_where_each_has_lies),
		cmocka_unit_test(declarations_are_the_same_by_what_they_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
