/*
 * A reading that follows goes on with what comes: here a thread counts orders while another takes
 * them. Its position is where a later one would go on.
 */
#include <pthread.h>
#include <stdio.h>
#include <tidings/tidings.h>

#define ORDERS 5

static void *count_orders(void *arg)
{
	struct td_scope scope = {.subject = "order.*", .type = "OrderPlaced"};
	struct td_error err = TD_ERROR_INIT;
	struct td_reading *reading = NULL;
	const struct td_event *event;
	int count = 0, code = td_follow(&reading, arg, &scope, &err);

	while (code == 0 && count < ORDERS && (code = td_reading_wait(reading, 5000, &err)) == 0) {
		while (td_next(reading, &event, NULL, &err) == 0)
			printf("%d: %.*s\n", ++count, TD_TEXT_ARG(td_event_subject(event)));
	}
	if (code != 0)
		fprintf(stderr, "follow: %s\n", err.text);
	td_reading_close(reading);
	return NULL;
}

int main(void)
{
	struct td_error err = TD_ERROR_INIT;
	struct td *td = NULL;
	pthread_t counter;
	char subject[32];
	struct td_draft placed = {.type = "OrderPlaced", .subject = subject};
	int code = td_open(&td, "file:tidings-data", NULL, &err);

	if (code == 0 && pthread_create(&counter, NULL, count_orders, td) == 0) {
		for (int i = 1; i <= ORDERS && code == 0; i++) {
			snprintf(subject, sizeof(subject), "order.%d", i);
			code = td_publish(td, &placed, NULL, &err);
		}
		pthread_join(counter, NULL);
	}
	if (code != 0)
		fprintf(stderr, "follow: %s\n", err.text);
	td_close(td);
	return td_error_exit(code);
}
