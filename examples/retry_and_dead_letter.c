/*
 * A handler may fail: it says why, the schedule says when to try again, and what was given up
 * becomes a dead letter, an event like any other, which somebody responsible subscribes to. Until
 * then nothing else of that subject overtakes it.
 */
#include <stdio.h>
#include <tidings/typed.h>

/* Of a dead letter's data we want these; the rest rides along unseen. */
#define LETTER(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(TEXT, subscription, REQUIRED)  \
	FIELD(TEXT, reason, REQUIRED)
TD_EVENT(letter, TD_DEAD_LETTER, LETTER)

static int charge(const struct td_event *event, struct td_context *context, void *arg)
{
	struct td_text subject = td_event_subject(event);
	unsigned attempt = td_context_attempt(context);
	bool dead_card = td_text_is(subject, "order.2");

	(void)arg;
	if (dead_card || attempt < 2) {
		printf("%.*s: attempt %u failed\n", TD_TEXT_ARG(subject), attempt);
		return td_fail(context, TD_RETRY, "the bank did not answer");
	}
	printf("%.*s: paid at attempt %u\n", TD_TEXT_ARG(subject), attempt);
	return 0;
}

static int complain(const struct letter *letter, struct td_context *context, void *arg)
{
	(void)context, (void)arg;
	printf("dead letter: %.*s gave up: %.*s\n", TD_TEXT_ARG(letter->subscription),
		TD_TEXT_ARG(letter->reason));
	return 0;
}

int main(void)
{
	struct td_error err = TD_ERROR_INIT;
	struct td *td = NULL;
	struct td_interest payment = {.name = "payment",
		.type = "OrderPlaced",
		.async = true,
		.retry = {.attempts_max = 3, .first_ms = 5}};
	struct td_draft first = {.type = "OrderPlaced", .subject = "order.1"};
	struct td_draft second = {.type = "OrderPlaced", .subject = "order.2"};

	/* No workers: td_drain() turns the loop until nothing is owed any more. */
	if (td_open(&td, "mem:", NULL, &err) != 0 ||
		td_subscribe(td, &payment, charge, NULL, NULL, &err) != 0 ||
		letter_subscribe(td, NULL, complain, NULL, NULL, NULL, &err) != 0 ||
		td_publish(td, &first, NULL, &err) != 0 || td_drain(td, 5000, &err) != 0 ||
		td_publish(td, &second, NULL, &err) != 0 || td_drain(td, 5000, &err) != 0)
		fprintf(stderr, "retry_and_dead_letter: %s\n", err.text);
	td_close(td);
	return td_error_exit(err.code);
}
