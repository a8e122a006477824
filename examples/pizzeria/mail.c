/* Mail: tells the customer how it ended. */
#include "events.h"
#include "parts.h"

static int send(struct td_context *context, struct td_text to, const char *text)
{
	return mail_sent_publish(td_context_place(context), about(context).subject,
		&(struct mail_sent){.to = to, .text = td_text(text)}, NULL, NULL);
}

static int on_delivered(
	const struct order_delivered *delivered, struct td_context *context, void *arg)
{
	(void)arg;
	return send(context, delivered->order.customer, "Buon appetito!");
}

static int on_declined(
	const struct payment_declined *declined, struct td_context *context, void *arg)
{
	(void)arg;
	return send(context, declined->order.customer, "Your bank said no. Another card?");
}

static int on_cancelled(
	const struct order_cancelled *cancelled, struct td_context *context, void *arg)
{
	char text[128];

	(void)arg;
	snprintf(text, sizeof(text), "Sorry, we are %.*s.", TD_TEXT_ARG(cancelled->reason));
	return send(context, cancelled->order.customer, text);
}

static int on_complaint(
	const struct complaint_opened *complaint, struct td_context *context, void *arg)
{
	(void)arg;
	return send(context, complaint->customer, "Our fault. The next one is on us.");
}

int mail_open(struct td *td, struct td_error *err)
{
	struct td_interest delivered = {.name = "mail.delivered"},
			   declined = {.name = "mail.declined"};
	struct td_interest cancelled = {.name = "mail.cancelled"},
			   complaint = {.name = "mail.complaint"};
	int code =
		order_delivered_subscribe(td, "order.*", on_delivered, NULL, &delivered, NULL, err);

	if (code == 0)
		code = payment_declined_subscribe(
			td, "order.*", on_declined, NULL, &declined, NULL, err);
	if (code == 0)
		code = order_cancelled_subscribe(
			td, "order.*", on_cancelled, NULL, &cancelled, NULL, err);
	if (code == 0)
		code = complaint_opened_subscribe(
			td, "order.*", on_complaint, NULL, &complaint, NULL, err);
	return code;
}
