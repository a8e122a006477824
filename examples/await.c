/*
 * Asynchronous handlers run on workers; publish returns when the event is queued. Who needs to
 * know keeps the receipt and awaits it: then it holds the outcome of every handler, and why one
 * failed.
 */
#include <stdio.h>
#include <tidings/tidings.h>

static int bake(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event, (void)context, (void)arg;
	return 0;
}

static int charge(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event, (void)arg;
	return td_fail(context, TD_SKIP, "the card has expired");
}

int main(void)
{
	struct td_error err = TD_ERROR_INIT;
	struct td_receipt receipt = TD_RECEIPT_INIT;
	const struct td_outcome *outcomes;
	struct td *td = NULL;
	struct td_options options = {.workers = 2, .async = true};
	struct td_interest kitchen = {.name = "kitchen"}, payment = {.name = "payment"};
	struct td_draft placed = {.type = "OrderPlaced", .subject = "order.42"};

	if (td_open(&td, "mem:", &options, &err) != 0 ||
		td_subscribe(td, &kitchen, bake, NULL, NULL, &err) != 0 ||
		td_subscribe(td, &payment, charge, NULL, NULL, &err) != 0 ||
		td_publish(td, &placed, &receipt, &err) != 0)
		goto done;
	printf("queued: %zu\n", receipt.queued);
	if (td_await(td, &receipt, 5000, &err) != 0)
		goto done;
	printf("completed: %zu, failed: %zu\n", receipt.completed, receipt.failed);
	for (size_t i = 0, count = td_receipt_outcomes(&receipt, &outcomes); i < count; i++)
		printf("%.*s: %s %.*s\n", TD_TEXT_ARG(outcomes[i].subscription),
			td_state_name(outcomes[i].state), TD_TEXT_ARG(outcomes[i].reason));
done:
	if (err.code != 0)
		fprintf(stderr, "await: %s\n", err.text);
	td_receipt_fini(&receipt);
	td_close(td);
	return td_error_exit(err.code);
}
