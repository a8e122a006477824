/*
 * Declare an event once and use it as a struct, here and everywhere. Inside the process nothing
 * is serialised; who subscribes without the declaration reads JSON, and what was published as
 * JSON reaches a typed handler as the struct, or not at all if it does not fit.
 */
#include <stdio.h>
#include <tidings/typed.h>

#define ORDER_PLACED(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(TEXT, customer, REQUIRED)            \
	FIELD(INTEGER, pizzas, REQUIRED)           \
	FIELD(TEXT, note, OPTIONAL)
TD_EVENT(order_placed, "OrderPlaced", ORDER_PLACED)

static int bake(const struct order_placed *order, struct td_context *context, void *arg)
{
	(void)context, (void)arg;
	printf("kitchen: %lld for %.*s%s%.*s\n", (long long)order->pizzas,
		TD_TEXT_ARG(order->customer), order->has_note ? ", " : "",
		TD_TEXT_ARG(order->note));
	return 0;
}

static int file(const struct td_event *event, struct td_context *context, void *arg)
{
	struct td_text data = td_event_data(event);

	(void)context, (void)arg;
	printf("archive: %.*s\n", TD_TEXT_ARG(data));
	return 0;
}

int main(void)
{
	struct td_error err = TD_ERROR_INIT, unfit = TD_ERROR_INIT;
	struct td *td = NULL;
	struct td_interest kitchen = {.name = "kitchen"}, archive = {.name = "archive"};
	struct order_placed order = {.customer = td_text("Ada"),
		.pizzas = 2,
		.note = td_text("no olives"),
		.has_note = true};
	struct td_draft by_json = {.type = "OrderPlaced",
		.subject = "order.2",
		.json = "{\"customer\": \"Grace\", \"pizzas\": 1}"};
	struct td_draft broken = {
		.type = "OrderPlaced", .subject = "order.3", .json = "{\"customer\": \"Alan\"}"};

	if (td_open(&td, "mem:", NULL, &err) != 0 ||
		order_placed_subscribe(td, "order.>", bake, NULL, &kitchen, NULL, &err) != 0 ||
		td_subscribe(td, &archive, file, NULL, NULL, &err) != 0 ||
		order_placed_publish(td, "order.1", &order, NULL, &err) != 0 ||
		td_publish(td, &by_json, NULL, &err) != 0)
		fprintf(stderr, "typed_event: %s\n", err.text);
	else if (td_publish(td, &broken, NULL, &unfit) == TD_E_HANDLER)
		printf("%s\n", unfit.text);
	td_close(td);
	return td_error_exit(err.code);
}
