/*
 * What a handler publishes names the handled event as its cause (causationid) and joins its story
 * (correlationid) by itself. Handlers that know nothing of each other, and one that looks on.
 */
#include <stdio.h>
#include <tidings/tidings.h>

/* Having heard of one thing, announce the next. */
static int next(const struct td_event *event, struct td_context *context, void *arg)
{
	struct td_draft draft = {.type = arg, .subject = "order.42"};

	(void)event;
	return td_publish(td_context_place(context), &draft, NULL, NULL);
}

struct seen {
	struct td_event *events[8]; /* kept, to be recognised as causes */
	int count;
};

static int tell(const struct td_event *event, struct td_context *context, void *arg)
{
	struct td_text type = td_event_type(event), why = td_text("hunger");
	struct seen *seen = arg;

	for (int i = 0; i < seen->count; i++) {
		if (td_text_equal(td_event_causation(event), td_event_id(seen->events[i])))
			why = td_event_type(seen->events[i]);
	}
	printf("%.*s, because of %.*s\n", TD_TEXT_ARG(type), TD_TEXT_ARG(why));
	if (seen->count == 8 || (seen->events[seen->count] = td_event_ref(event)) == NULL)
		return td_fail(context, TD_SKIP, "no room to remember it");
	seen->count++;
	return 0;
}

int main(void)
{
	static char steps[][2][16] = {{"OrderPlaced", "PaymentReceived"},
		{"OrderPlaced", "PointsGranted"}, {"PaymentReceived", "PizzaBaked"}};
	struct td_draft placed = {.type = "OrderPlaced", .subject = "order.42"};
	struct td_error err = TD_ERROR_INIT;
	struct seen seen = {.count = 0};
	struct td *td = NULL;
	int code = td_open(&td, "mem:", NULL, &err);

	if (code == 0)
		code = td_subscribe(td, NULL, tell, &seen, NULL, &err);
	for (int i = 0; code == 0 && i < 3; i++)
		code = td_subscribe(td, &(struct td_interest){.type = steps[i][0]}, next,
			steps[i][1], NULL, &err);
	if (code != 0 || td_publish(td, &placed, NULL, &err) != 0)
		fprintf(stderr, "story: %s\n", err.text);
	while (seen.count > 0)
		td_event_unref(seen.events[--seen.count]);
	td_close(td);
	return td_error_exit(err.code);
}
