/*
 * What is said in the pizzeria. The parts share these declarations and nothing else: none of them
 * knows who speaks, who listens, or how many. Everything is about one order, which is its subject.
 *
 *	OrderPlaced        orders      somebody is hungry
 *	PaymentReceived    payment     the bank said yes
 *	PaymentDeclined    payment     the bank said no
 *	PizzaBaked         kitchen     one of the pizzas is done
 *	OrderCancelled     orders      the kitchen refused
 *	PaymentRefunded    payment     so the money goes back
 *	OrderHandedOver    delivery    the courier has all of it
 *	OrderDelivered     delivery    and so has the customer
 *	PointsGranted      loyalty     who gets something for that
 *	ComplaintOpened    complaints  something broke, and it was ours
 *	MailSent           mail        whatever it was, the customer reads of it
 *
 *	BakePizzas  command  to the kitchen: bake them, or say why not
 *	PriceOf     query    to the kitchen: what does that cost?
 */
#ifndef PIZZERIA_EVENTS_H
#define PIZZERIA_EVENTS_H

#include <stdio.h>
#include <tidings/typed.h>

/* clang-format off */
#define PIZZA(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(TEXT,    name,  REQUIRED) \
	FIELD(INTEGER, count, REQUIRED)
TD_STRUCT(pizza, PIZZA)

/* Every event tells the order it is about, so that nobody has to ask or to remember. */
#define ORDER(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(TEXT,    customer, REQUIRED) \
	OBJECTS(pizza, pizzas,   REQUIRED) \
	FIELD(INTEGER, cents,    REQUIRED)
TD_STRUCT(order, ORDER)

#define OF_ORDER(FIELD, OBJECT, LIST, OBJECTS) \
	OBJECT(order,  order,    REQUIRED)
TD_EVENT(order_placed,      "OrderPlaced",     OF_ORDER)
TD_EVENT(payment_refunded,  "PaymentRefunded", OF_ORDER)
TD_EVENT(order_handed_over, "OrderHandedOver", OF_ORDER)
TD_EVENT(order_delivered,   "OrderDelivered",  OF_ORDER)
TD_COMMAND_TYPE(bake_pizzas, "BakePizzas",     OF_ORDER)

#define PAYMENT_RECEIVED(FIELD, OBJECT, LIST, OBJECTS) \
	OBJECT(order,  order,    REQUIRED) \
	FIELD(INTEGER, attempt,  REQUIRED)
TD_EVENT(payment_received, "PaymentReceived", PAYMENT_RECEIVED)

#define BECAUSE(FIELD, OBJECT, LIST, OBJECTS) \
	OBJECT(order,  order,    REQUIRED) \
	FIELD(TEXT,    reason,   REQUIRED)
TD_EVENT(payment_declined, "PaymentDeclined", BECAUSE)
TD_EVENT(order_cancelled,  "OrderCancelled",  BECAUSE)

#define PIZZA_BAKED(FIELD, OBJECT, LIST, OBJECTS) \
	OBJECT(order,  order,    REQUIRED) \
	FIELD(TEXT,    pizza,    REQUIRED) \
	FIELD(BOOLEAN, last,     REQUIRED)
TD_EVENT(pizza_baked, "PizzaBaked", PIZZA_BAKED)

#define POINTS_GRANTED(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(TEXT,    customer, REQUIRED) \
	FIELD(INTEGER, points,   REQUIRED)
TD_EVENT(points_granted, "PointsGranted", POINTS_GRANTED)

#define COMPLAINT_OPENED(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(TEXT,    customer, REQUIRED) \
	FIELD(TEXT,    reason,   REQUIRED)
TD_EVENT(complaint_opened, "ComplaintOpened", COMPLAINT_OPENED)

#define MAIL_SENT(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(TEXT,    to,       REQUIRED) \
	FIELD(TEXT,    text,     REQUIRED)
TD_EVENT(mail_sent, "MailSent", MAIL_SENT)

#define PRICE_OF(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(TEXT,    pizza,    REQUIRED)
TD_QUERY_TYPE(price_of, "PriceOf", PRICE_OF)

#define PRICE(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(INTEGER, cents,    REQUIRED)
TD_REPLY_TYPE(price, "Price", PRICE)

/* The library's own event about a delivery that was given up; of it, what we want to know. */
#define LETTER_EVENT(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(TEXT,    subject,  REQUIRED) \
	OBJECT(order_placed, data, REQUIRED)
TD_STRUCT(letter_event, LETTER_EVENT)
#define LETTER(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(TEXT,    subscription, REQUIRED) \
	FIELD(TEXT,    reason,   REQUIRED) \
	OBJECT(letter_event, event, REQUIRED)
TD_EVENT(letter, TD_DEAD_LETTER, LETTER)
/* clang-format on */

/* The subject of what is being handled, as the C string that publishing takes. */
struct about {
	char subject[64];
};
static inline struct about about(const struct td_context *context)
{
	struct td_text subject = td_event_subject(td_context_event(context));
	struct about about;

	snprintf(about.subject, sizeof(about.subject), "%.*s", TD_TEXT_ARG(subject));
	return about;
}

#endif
