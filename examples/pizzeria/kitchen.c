/* The kitchen: knows the prices, and bakes what it is told to, unless something is missing. */
#include "events.h"
#include "parts.h"

static const struct dish {
	const char *pizza;
	int64_t cents;
	const char *missing; /* today, or NULL */
} menu[] = {
	{"Margherita", 850, NULL},
	{"Funghi", 980, NULL},
	{"Diavola", 1050, NULL},
	{"Bufalina", 1240, "mozzarella"},
};

static const struct dish *find(struct td_text pizza)
{
	for (size_t i = 0; i < sizeof(menu) / sizeof(menu[0]); i++) {
		if (td_text_is(pizza, menu[i].pizza))
			return &menu[i];
	}
	return NULL;
}

static int on_price_of(const struct price_of *query, struct td_context *context, void *arg)
{
	const struct dish *dish = find(query->pizza);

	(void)arg;
	if (dish == NULL)
		return td_refuse(context, "%.*s is not on the menu", TD_TEXT_ARG(query->pizza));
	return price_reply(context, &(struct price){.cents = dish->cents}, NULL);
}

static int on_bake(const struct bake_pizzas *command, struct td_context *context, void *arg)
{
	const struct order *order = &command->order;
	int code = 0;

	(void)arg;
	for (size_t i = 0; i < order->pizzas.count; i++) {
		const struct dish *dish = find(order->pizzas.at[i].name);

		if (dish == NULL || dish->missing != NULL)
			return td_refuse(
				context, "out of %s", dish != NULL ? dish->missing : "ideas");
	}
	for (size_t i = 0; code == 0 && i < order->pizzas.count; i++)
		code = pizza_baked_publish(td_context_place(context), about(context).subject,
			&(struct pizza_baked){.order = *order,
				.pizza = order->pizzas.at[i].name,
				.last = i + 1 == order->pizzas.count},
			NULL, NULL);
	return code;
}

int kitchen_open(struct td *td, struct td_error *err)
{
	int code = price_of_handle(td, on_price_of, NULL, NULL, NULL, err);

	if (code == 0)
		code = bake_pizzas_handle(td, on_bake, NULL, NULL, NULL, err);
	return code;
}
