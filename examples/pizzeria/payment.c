/*
 * Payment: charges what was ordered, and pays back what was cancelled. The bank is moody: it may
 * not answer at once, say no, or not answer at all. Its mood depends on seed and order alone.
 */
#include "events.h"
#include "parts.h"

static uint64_t bank_seed;

enum answer { YES, NO, SILENCE };

static enum answer ask_bank(const char *subject, unsigned attempt)
{
	uint64_t mood = bank_seed;

	for (const char *at = subject; *at != '\0'; at++)
		mood = (mood ^ (unsigned char)*at) * 0x9E3779B97F4A7C15u;
	mood = (mood >> 32) % 8;
	if (mood == 0)
		return NO;
	if (mood == 1 || (mood <= 3 && attempt < mood))
		return SILENCE;
	return YES;
}

static int on_order(const struct order_placed *placed, struct td_context *context, void *arg)
{
	struct td *td = td_context_place(context);
	struct about order = about(context);
	unsigned attempt = td_context_attempt(context);

	(void)arg;
	switch (ask_bank(order.subject, attempt)) {
	case YES:
		return payment_received_publish(td, order.subject,
			&(struct payment_received){.order = placed->order, .attempt = attempt},
			NULL, NULL);
	case NO:
		return payment_declined_publish(td, order.subject,
			&(struct payment_declined){
				.order = placed->order, .reason = td_text("the card has expired")},
			NULL, NULL);
	case SILENCE:
		break;
	}
	return td_fail(context, TD_RETRY, "the bank does not answer");
}

static int on_cancelled(
	const struct order_cancelled *cancelled, struct td_context *context, void *arg)
{
	(void)arg;
	return payment_refunded_publish(td_context_place(context), about(context).subject,
		&(struct payment_refunded){.order = cancelled->order}, NULL, NULL);
}

void payment_bank(uint64_t seed)
{
	bank_seed = seed;
}

int payment_open(struct td *td, struct td_error *err)
{
	struct td_interest charge = {
		.name = "payment", .retry = {.attempts_max = 3, .first_ms = 20}};
	struct td_interest refund = {.name = "payment.refund"};
	int code = order_placed_subscribe(td, "order.*", on_order, NULL, &charge, NULL, err);

	if (code == 0)
		code = order_cancelled_subscribe(
			td, "order.*", on_cancelled, NULL, &refund, NULL, err);
	return code;
}
