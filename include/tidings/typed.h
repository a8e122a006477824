/*
 * Typed events: one declaration gives the struct, the codec from and to JSON, the JSON Schema, and
 * typed publish and subscribe.
 *
 *	#define PIZZA(FIELD, OBJECT, LIST, OBJECTS)      \
 *		FIELD(TEXT,    name,  REQUIRED)          \
 *		FIELD(INTEGER, count, REQUIRED)
 *	TD_STRUCT(pizza, PIZZA)
 *
 *	#define ORDER_PLACED(FIELD, OBJECT, LIST, OBJECTS) \
 *		FIELD(TEXT,    customer, REQUIRED)       \
 *		FIELD(DECIMAL, total,    REQUIRED)       \
 *		FIELD(TIME,    due,      OPTIONAL)       \
 *		LIST(TEXT,     notes,    OPTIONAL)       \
 *		OBJECT(place,  deliver_to, OPTIONAL)     \
 *		OBJECTS(pizza, pizzas,   REQUIRED)
 *	TD_EVENT(order_placed, "OrderPlaced", ORDER_PLACED)
 *
 *	order_placed_publish(td, "order.42", &(struct order_placed){...}, NULL, &err);
 *	static int on_order(const struct order_placed *order, struct td_context *context, void
 **arg); order_placed_subscribe(td, NULL, on_order, NULL, NULL, &err);
 *
 * Inside a process a handler gets the struct by const pointer, nothing is serialised. It is lent:
 * valid until the handler returns; td_event_ref(td_context_event(context)) keeps it. Handlers of
 * the same event that are not typed get JSON, made once.
 *
 *	kind      in the struct             in JSON
 *	TEXT      struct td_text            string
 *	INTEGER   int64_t                   number without fraction, of 64 bits
 *	NUMBER    double                    number
 *	BOOLEAN   bool                      true, false
 *	TIME      td_time                   string, RFC 3339
 *	DECIMAL   struct td_text            string: "12.50", kept as it is
 *	FIELD     value; with OPTIONAL also `bool has_NAME`
 *	OBJECT    struct T; with OPTIONAL also `bool has_NAME`
 *	LIST      struct { const KIND *at; size_t count; } NAME; OPTIONAL and empty: not written
 *	OBJECTS   struct { const struct T *at; size_t count; } NAME; the same
 *
 * Members of the JSON that the declaration does not know ride along in the first member,
 * `struct td_text unknown`: raw, comma-separated; written back behind the known ones.
 */
#ifndef TIDINGS_TYPED_H
#define TIDINGS_TYPED_H

#include "tidings/event.h"
#include "tidings/tidings.h"

#endif
