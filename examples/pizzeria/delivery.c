/* Delivery: when the last pizza of an order is baked, the courier takes them all and goes. */
#include "events.h"
#include "parts.h"

static int on_baked(const struct pizza_baked *baked, struct td_context *context, void *arg)
{
	(void)arg;
	if (!baked->last)
		return 0;
	return order_handed_over_publish(td_context_place(context), about(context).subject,
		&(struct order_handed_over){.order = baked->order}, NULL, NULL);
}

static int on_handed_over(
	const struct order_handed_over *handed, struct td_context *context, void *arg)
{
	(void)arg;
	return order_delivered_publish(td_context_place(context), about(context).subject,
		&(struct order_delivered){.order = handed->order}, NULL, NULL);
}

int delivery_open(struct td *td, struct td_error *err)
{
	struct td_interest counter = {.name = "delivery.counter"},
			   courier = {.name = "delivery.courier"};
	int code = pizza_baked_subscribe(td, "order.*", on_baked, NULL, &counter, NULL, err);

	if (code == 0)
		code = order_handed_over_subscribe(
			td, "order.*", on_handed_over, NULL, &courier, NULL, err);
	return code;
}
