/*
 * Ask for less: `select` names the fields wanted, and the handler gets a smaller event. Pointers
 * (RFC 6901) reach into the data, bare names are attributes; id, source, type, subject and the
 * story always stay. Number text is kept as it was written.
 */
#include <stdio.h>
#include <tidings/tidings.h>

static int show(const struct td_event *event, struct td_context *context, void *arg)
{
	struct td_text who = td_subscription_name(td_context_subscription(context));
	struct td_text data = td_event_data(event), time = td_event_time(event);

	(void)arg;
	printf("%.*s: %.*s%s\n", TD_TEXT_ARG(who), TD_TEXT_ARG(data),
		time.at != NULL ? " (and its time)" : "");
	return 0;
}

int main(void)
{
	static const char *const courier_wants[] = {"/deliver_to/street", "/pizzas/0/name"};
	static const char *const till_wants[] = {"/total", "time"};
	struct td_error err = TD_ERROR_INIT;
	struct td *td = NULL;
	struct td_interest courier = {
		.name = "courier", .select = courier_wants, .select_count = 2};
	struct td_interest till = {.name = "till", .select = till_wants, .select_count = 2};
	struct td_interest archive = {.name = "archive"};
	struct td_draft placed = {.type = "OrderPlaced",
		.subject = "order.42",
		.json = "{\"customer\": \"Ada\", \"total\": 12.50,"
			" \"deliver_to\": {\"street\": \"Main St 1\", \"code\": \"4711\"},"
			" \"pizzas\": [{\"name\": \"Funghi\", \"count\": 1}]}"};

	if (td_open(&td, "mem:", NULL, &err) != 0 ||
		td_subscribe(td, &courier, show, NULL, NULL, &err) != 0 ||
		td_subscribe(td, &till, show, NULL, NULL, &err) != 0 ||
		td_subscribe(td, &archive, show, NULL, NULL, &err) != 0 ||
		td_publish(td, &placed, NULL, &err) != 0)
		fprintf(stderr, "select: %s\n", err.text);
	td_close(td);
	return td_error_exit(err.code);
}
