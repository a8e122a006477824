/* Loyalty: a point for every euro that was eaten. The other parts have never heard of it. */
#include "events.h"
#include "parts.h"

static int on_delivered(
	const struct order_delivered *delivered, struct td_context *context, void *arg)
{
	(void)arg;
	return points_granted_publish(td_context_place(context), about(context).subject,
		&(struct points_granted){.customer = delivered->order.customer,
			.points = delivered->order.cents / 100},
		NULL, NULL);
}

int loyalty_open(struct td *td, struct td_error *err)
{
	struct td_interest interest = {.name = "loyalty"};

	return order_delivered_subscribe(td, "order.*", on_delivered, NULL, &interest, NULL, err);
}
