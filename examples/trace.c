/*
 * A hook sees every step of every delivery: made, accepted, matched, handed to a handler, tried
 * again, done. For debugging and measuring; it costs nothing while nobody looks, and it may do
 * nothing but read.
 */
#include <stdio.h>
#include <tidings/tidings.h>

static void show(const struct td_trace *trace, void *arg)
{
	struct td_text type = td_event_type(trace->event);
	struct td_text who = td_subscription_name(trace->subscription);

	(void)arg;
	printf("%.*s %s", TD_TEXT_ARG(type), td_moment_name(trace->moment));
	if (who.at != NULL)
		printf(": %.*s", TD_TEXT_ARG(who));
	if (trace->moment == TD_DELIVERED)
		printf(", attempt %u", trace->attempt);
	if (trace->code != 0)
		printf(", %s", td_error_name(trace->code));
	printf("\n");
}

static int bake(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event, (void)arg;
	return td_context_attempt(context) == 1 ? td_fail(context, TD_RETRY, "the oven is cold")
						: 0;
}

int main(void)
{
	struct td_error err = TD_ERROR_INIT;
	struct td *td = NULL;
	struct td_interest kitchen = {
		.name = "kitchen", .retry = {.attempts_max = 2, .first_ms = 1}};
	struct td_draft placed = {.type = "OrderPlaced", .subject = "order.42"};

	if (td_open(&td, "mem:", NULL, &err) != 0 ||
		td_subscribe(td, &kitchen, bake, NULL, NULL, &err) != 0)
		goto done;
	td_trace_set(td, show, NULL);
	if (td_publish(td, &placed, NULL, &err) == 0)
		td_drain(td, 5000, &err);
	td_trace_set(td, NULL, NULL);
done:
	if (err.code != 0)
		fprintf(stderr, "trace: %s\n", err.text);
	td_close(td);
	return td_error_exit(err.code);
}
