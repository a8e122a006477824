/*
 * A filter looks at an event's attributes: CESQL, CloudEvents' small query language, or its filter
 * dialects as JSON. What a filter should see must therefore be an attribute (here `total` and
 * `region`); the data is never parsed on the way.
 */
#include <stdio.h>
#include <tidings/tidings.h>

static int show(const struct td_event *event, struct td_context *context, void *arg)
{
	struct td_text who = td_subscription_name(td_context_subscription(context));
	struct td_text subject = td_event_subject(event);

	(void)arg;
	printf("%.*s: %.*s\n", TD_TEXT_ARG(who), TD_TEXT_ARG(subject));
	return 0;
}

static int order(struct td *td, const char *subject, const char *total, const char *region,
	struct td_error *err)
{
	const struct td_attribute attributes[] = {
		{td_text("total"), td_text(total), TD_INTEGER},
		{td_text("region"), td_text(region), TD_STRING},
	};
	struct td_draft draft = {.type = "OrderPlaced",
		.subject = subject,
		.attributes = attributes,
		.attributes_count = 2};

	return td_publish(td, &draft, NULL, err);
}

int main(void)
{
	struct td_error err = TD_ERROR_INIT, wrong = TD_ERROR_INIT;
	struct td *td = NULL;
	struct td_interest big = {.name = "big orders", .filter = "total > 100"};
	struct td_interest local = {
		.name = "local or urgent", .filter = "region = 'eu' OR EXISTS priority"};
	struct td_interest dialects = {.name = "neither eu nor us",
		.filters = "{\"not\": {\"any\": [{\"exact\": {\"region\": \"eu\"}},"
			   "                  {\"exact\": {\"region\": \"us\"}}]}}"};
	struct td_interest none = {.filter = "total > > 100"};

	if (td_open(&td, "mem:", NULL, &err) != 0 ||
		td_subscribe(td, &big, show, NULL, NULL, &err) != 0 ||
		td_subscribe(td, &local, show, NULL, NULL, &err) != 0 ||
		td_subscribe(td, &dialects, show, NULL, NULL, &err) != 0 ||
		order(td, "order.1", "20", "eu", &err) != 0 ||
		order(td, "order.2", "250", "us", &err) != 0 ||
		order(td, "order.3", "300", "nz", &err) != 0)
		fprintf(stderr, "filter: %s\n", err.text);
	else if (td_subscribe(td, &none, show, NULL, NULL, &wrong) == TD_E_FILTER)
		printf("no filter: %s, byte %zu\n", wrong.text, wrong.offset);
	td_close(td);
	return td_error_exit(err.code);
}
