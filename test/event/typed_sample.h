/*
 * Declarations that the tests of typed structs share, and how they compare. Behind <cmocka.h>.
 */
#ifndef TD_TEST_EVENT_TYPED_SAMPLE_H
#define TD_TEST_EVENT_TYPED_SAMPLE_H

#include "event/event.h"

/* clang-format off */
#define PLACE(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(TEXT,   street, REQUIRED) \
	FIELD(NUMBER, east,   OPTIONAL)
TD_STRUCT(place, PLACE)

#define PIZZA(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(TEXT,    name,   REQUIRED) \
	FIELD(INTEGER, count,  REQUIRED) \
	OBJECT(place,  origin, OPTIONAL)
TD_STRUCT(pizza, PIZZA)

#define ORDER_PLACED(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(TEXT,    customer,   REQUIRED) \
	FIELD(DECIMAL, total,      REQUIRED) \
	FIELD(TIME,    due,        OPTIONAL) \
	LIST(TEXT,     notes,      OPTIONAL) \
	OBJECT(place,  deliver_to, OPTIONAL) \
	OBJECTS(pizza, pizzas,     REQUIRED)
TD_EVENT(order_placed, "OrderPlaced", ORDER_PLACED)

/* Every kind in every shape. */
#define ALL(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(TEXT,    text,     REQUIRED) FIELD(TEXT,    text_o,    OPTIONAL) \
	FIELD(INTEGER, integer,  REQUIRED) FIELD(INTEGER, integer_o, OPTIONAL) \
	FIELD(NUMBER,  number,   REQUIRED) FIELD(NUMBER,  number_o,  OPTIONAL) \
	FIELD(BOOLEAN, boolean,  REQUIRED) FIELD(BOOLEAN, boolean_o, OPTIONAL) \
	FIELD(TIME,    time,     REQUIRED) FIELD(TIME,    time_o,    OPTIONAL) \
	FIELD(DECIMAL, decimal,  REQUIRED) FIELD(DECIMAL, decimal_o, OPTIONAL) \
	LIST(TEXT,     texts,    REQUIRED) LIST(TEXT,     texts_o,    OPTIONAL) \
	LIST(INTEGER,  integers, REQUIRED) LIST(INTEGER,  integers_o, OPTIONAL) \
	LIST(NUMBER,   numbers,  REQUIRED) LIST(NUMBER,   numbers_o,  OPTIONAL) \
	LIST(BOOLEAN,  booleans, REQUIRED) LIST(BOOLEAN,  booleans_o, OPTIONAL) \
	LIST(TIME,     times,    REQUIRED) LIST(TIME,     times_o,    OPTIONAL) \
	LIST(DECIMAL,  decimals, REQUIRED) LIST(DECIMAL,  decimals_o, OPTIONAL) \
	OBJECT(place,  place,    REQUIRED) OBJECT(pizza,  pizza_o,    OPTIONAL) \
	OBJECTS(place, places,   REQUIRED) OBJECTS(pizza, pizzas_o,   OPTIONAL)
TD_STRUCT(all, ALL)

#define NOTHING(FIELD, OBJECT, LIST, OBJECTS)
TD_EVENT(nothing, "Nothing", NOTHING)

/* clang-format on */

#define T(literal) ((struct td_text)TD_TEXT_INIT(literal))

static inline void assert_text(struct td_text text, const char *expected)
{
	if (!td_text_is(text, expected))
		fail_msg("%.*s\n  is not\n%s", TD_TEXT_ARG(text), expected);
}

static inline void assert_encodes(
	const struct td_type *type, const void *object, const char *expected)
{
	struct td_bytes json = TD_BYTES_INIT;
	struct td_error err = TD_ERROR_INIT;

	if (td_object_encode(type, object, &json, &err) != 0)
		fail_msg("%s", err.text);
	assert_text(td_text_of(json.at, json.len), expected);
	td_bytes_fini(&json);
}

#endif
