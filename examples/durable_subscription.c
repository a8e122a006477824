/*
 * A durable subscription has a name, and goes on after a restart where it stopped: what was
 * published while nobody billed is billed then, and nothing is billed again that was done with.
 */
#include <stdio.h>
#include <tidings/tidings.h>

static int bill(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)context, (void)arg;
	printf("billed %.*s\n", TD_TEXT_ARG(td_event_subject(event)));
	return 0;
}

/* One life of the program: takes an order, and bills or not. */
static int live(const char *order, bool bills, struct td_error *err)
{
	struct td_interest billing = {
		.name = "billing", .durable = true, .durable_from = 1, .type = "OrderPlaced"};
	struct td_draft placed = {.type = "OrderPlaced", .subject = order};
	struct td *td = NULL;
	int code = td_open(&td, "file:tidings-data", NULL, err);

	if (code == 0 && bills)
		code = td_subscribe(td, &billing, bill, NULL, NULL, err);
	if (code == 0)
		code = td_publish(td, &placed, NULL, err);
	if (code == 0)
		code = td_drain(td, 5000, err); /* turns the loop until nothing is owed */
	printf("-- end of the life that took %s\n", order);
	td_close(td);
	return code;
}

int main(void)
{
	struct td_error err = TD_ERROR_INIT;

	if (live("order.1", true, &err) != 0 || live("order.2", false, &err) != 0 ||
		live("order.3", true, &err) != 0)
		fprintf(stderr, "durable_subscription: %s\n", err.text);
	return td_error_exit(err.code);
}
