/* Announce an event once; whoever is interested reads it. */
#include <stdio.h>
#include <tidings/tidings.h>

static int on_order(const struct td_event *event, struct td_context *context, void *arg)
{
	struct td_text subject = td_event_subject(event), data = td_event_data(event);

	(void)context, (void)arg;
	printf("%.*s: %.*s\n", TD_TEXT_ARG(subject), TD_TEXT_ARG(data));
	return 0;
}

int main(void)
{
	struct td_error err = TD_ERROR_INIT;
	struct td *td = NULL;
	struct td_interest orders = {.subject = "order.>"};
	struct td_draft placed = {
		.type = "OrderPlaced", .subject = "order.42", .json = "{\"total\": 12.50}"};

	if (td_open(&td, "mem:", NULL, &err) != 0 ||
		td_subscribe(td, &orders, on_order, NULL, NULL, &err) != 0 ||
		td_publish(td, &placed, NULL, &err) != 0)
		fprintf(stderr, "first_event: %s\n", err.text);
	td_close(td);
	return td_error_exit(err.code);
}
