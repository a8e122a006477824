/* Orders: takes them, and when one is paid has the kitchen bake it. */
#include "events.h"
#include "parts.h"

static const char *const customers[] = {
	"Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Margaret", "Niklaus"};
static const char *const pizzas[] = {"Margherita", "Funghi", "Diavola", "Bufalina"};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A paid order is baked; the kitchen may refuse, and then the order is off. */
static int on_payment(const struct payment_received *paid, struct td_context *context, void *arg)
{
	struct td *td = td_context_place(context);
	struct bake_pizzas command = {.order = paid->order};
	struct td_error err = TD_ERROR_INIT;
	int code = bake_pizzas_request(td, about(context).subject, &command, 5000, NULL, &err);

	(void)arg;
	if (code == TD_E_REFUSED)
		return order_cancelled_publish(td, about(context).subject,
			&(struct order_cancelled){
				.order = paid->order, .reason = td_text(err.text)},
			NULL, NULL);
	return code;
}

int orders_open(struct td *td, struct td_error *err)
{
	struct td_interest interest = {.name = "orders"};

	return payment_received_subscribe(td, "order.*", on_payment, NULL, &interest, NULL, err);
}

static int ask_price(struct td *td, const char *pizza, int64_t *cents, struct td_error *err)
{
	struct price_of query = {.pizza = td_text(pizza)};
	const struct price *price;
	struct td_event *reply = NULL;
	void *block = NULL;
	int code = price_of_request(td, NULL, &query, 5000, &reply, err);

	if (code == 0)
		code = price_view(reply, &price, &block, err);
	if (code == 0)
		*cents = price->cents;
	td_object_free(block);
	td_event_unref(reply);
	return code;
}

/* One or two kinds of pizza, of each one or two. */
int orders_take(struct td *td, unsigned number, uint64_t seed, struct td_error *err)
{
	uint64_t dice = (seed + 1) * 0x9E3779B97F4A7C15u * (number + 7);
	struct pizza wanted[2];
	struct order_placed placed = {
		.order = {.customer = td_text(customers[(number - 1) % COUNT(customers)]),
			.pizzas = {wanted, 1 + (dice >> 60) % 2}}};
	char subject[32];
	int code;

	for (size_t i = 0; i < placed.order.pizzas.count; i++) {
		const char *pizza = pizzas[((dice >> 40) + i) % COUNT(pizzas)];
		int64_t cents = 0;

		code = ask_price(td, pizza, &cents, err);
		if (code != 0)
			return code;
		wanted[i] =
			(struct pizza){.name = td_text(pizza), .count = 1 + (dice >> (50 + i)) % 2};
		placed.order.cents += cents * wanted[i].count;
	}
	snprintf(subject, sizeof(subject), "order.%u", number);
	code = order_placed_publish(td, subject, &placed, NULL, err);
	return code == TD_E_HANDLER ? 0 : code; /* placed it is, whoever failed */
}
