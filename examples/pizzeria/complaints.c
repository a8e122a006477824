/*
 * Complaints: what the house itself could not do ends as a dead letter. That is an event too, so
 * somebody can care.
 */
#include "events.h"
#include "parts.h"

static int on_letter(const struct letter *letter, struct td_context *context, void *arg)
{
	char subject[64];

	(void)arg;
	snprintf(subject, sizeof(subject), "%.*s", TD_TEXT_ARG(letter->event.subject));
	return complaint_opened_publish(td_context_place(context), subject,
		&(struct complaint_opened){
			.customer = letter->event.data.order.customer, .reason = letter->reason},
		NULL, NULL);
}

int complaints_open(struct td *td, struct td_error *err)
{
	struct td_interest interest = {.name = "complaints"};

	return letter_subscribe(td, "td.deadletter.payment", on_letter, NULL, &interest, NULL, err);
}
