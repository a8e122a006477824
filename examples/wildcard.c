/*
 * Subjects are addresses of tokens, joined by dots. In a pattern `*` stands for one token and `>`
 * for one or more at the end; types can be asked for by name, wherever they happen. A handler's
 * argument tells which subscription is called.
 */
#include <stdio.h>
#include <tidings/tidings.h>

static int show(const struct td_event *event, struct td_context *context, void *arg)
{
	struct td_text type = td_event_type(event), subject = td_event_subject(event);

	(void)context;
	printf("  %-22s %.*s of %.*s\n", (const char *)arg, TD_TEXT_ARG(type),
		TD_TEXT_ARG(subject));
	return 0;
}

int main(void)
{
	static const struct td_interest interests[] = {
		{.subject = "order.*"},
		{.subject = "order.>"},
		{.subject = "*.berlin.>"},
		{.type = "OrderPlaced"},
		{.subject = "order.>", .type = "OrderPaid"},
	};
	static char names[][24] = {
		"order.*", "order.>", "*.berlin.>", "type OrderPlaced", "order.>, OrderPaid"};
	static const struct td_draft drafts[] = {
		{.type = "OrderPlaced", .subject = "order.42"},
		{.type = "OrderPaid", .subject = "order.berlin.7"},
		{.type = "OvenHeated", .subject = "oven.berlin.north.1"},
		{.type = "OvenHeated", .subject = "oven"},
	};
	struct td_error err = TD_ERROR_INIT;
	struct td *td = NULL;

	if (td_open(&td, "mem:", NULL, &err) != 0)
		goto done;
	for (size_t i = 0; i < sizeof(interests) / sizeof(interests[0]); i++) {
		if (td_subscribe(td, &interests[i], show, names[i], NULL, &err) != 0)
			goto done;
	}
	for (size_t i = 0; i < sizeof(drafts) / sizeof(drafts[0]); i++) {
		printf("%s\n", drafts[i].subject);
		if (td_publish(td, &drafts[i], NULL, &err) != 0)
			goto done;
	}
done:
	if (err.code != 0)
		fprintf(stderr, "wildcard: %s\n", err.text);
	td_close(td);
	return td_error_exit(err.code);
}
