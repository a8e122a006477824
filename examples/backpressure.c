/*
 * Every queue has a bound, and the subscriber says what happens at it: the publisher is refused,
 * the publisher waits (without workers: he turns the loop himself), or, for those who only look
 * on, the oldest waiting event is dropped. Nothing grows without end, nothing is lost in silence.
 */
#include <stdio.h>
#include <tidings/tidings.h>

static int show(const struct td_event *event, struct td_context *context, void *arg)
{
	struct td_text subject = td_event_subject(event);

	(void)context, (void)arg;
	printf(" %.*s", TD_TEXT_ARG(subject));
	return 0;
}

/* Five events against a queue of two; the subscription's handler runs when somebody turns. */
static int flood(const char *title, const struct td_interest *interest, struct td_error *err)
{
	struct td_error full = TD_ERROR_INIT;
	struct td *td = NULL;
	int code = td_open(&td, "mem:", NULL, err);

	if (code == 0)
		code = td_subscribe(td, interest, show, NULL, NULL, err);
	printf("%s", title);
	for (int i = 1; code == 0 && i <= 5; i++) {
		char subject[16];
		struct td_draft draft = {.type = "E", .subject = subject};

		snprintf(subject, sizeof(subject), "e%d", i);
		if (td_publish(td, &draft, NULL, &full) == TD_E_FULL)
			printf(" (%s refused)", subject);
	}
	printf(" | drain:");
	if (code == 0)
		code = td_drain(td, 1000, err);
	printf("\n");
	td_close(td);
	return code;
}

int main(void)
{
	struct td_interest refuse = {.async = true, .queue_max = 2, .when_full = TD_REFUSE};
	struct td_interest wait = {.async = true, .queue_max = 2, .when_full = TD_WAIT};
	struct td_interest drop = {
		.async = true, .queue_max = 2, .when_full = TD_DROP_OLDEST, .observer = true};
	struct td_error err = TD_ERROR_INIT;

	if (flood("refuse:", &refuse, &err) != 0 || flood("wait:", &wait, &err) != 0 ||
		flood("drop oldest:", &drop, &err) != 0)
		fprintf(stderr, "backpressure: %s\n", err.text);
	return td_error_exit(err.code);
}
