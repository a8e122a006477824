/*
 * A query asks for data and changes nothing; it always answers. Here question and answer are plain
 * JSON, the handler is asynchronous and runs on a worker, and the asker waits for it, but not for
 * ever.
 */
#include <stdio.h>
#include <tidings/tidings.h>

static int price_of(const struct td_event *query, struct td_context *context, void *arg)
{
	struct td_text pizza = td_event_subject(query);
	struct td_draft answer = {.type = "Price", .json = "{\"price\": 8.50}"};

	(void)arg;
	if (td_text_is(pizza, "pizza.hawaii"))
		return td_refuse(context, "not in this house");
	if (td_text_is(pizza, "pizza.funghi"))
		answer.json = "{\"price\": 9.80}";
	return td_reply(context, &answer, NULL);
}

static int ask(struct td *td, const char *pizza, struct td_error *err)
{
	struct td_draft query = {.type = "PriceOf", .subject = pizza};
	struct td_event *reply = NULL;
	struct td_text price;
	int code = td_request(td, TD_QUERY, &query, 5000, &reply, err);

	if (code == 0) {
		price = td_event_data(reply);
		printf("%s: %.*s\n", pizza, TD_TEXT_ARG(price));
	}
	td_event_unref(reply);
	return code;
}

int main(void)
{
	struct td_error err = TD_ERROR_INIT, no = TD_ERROR_INIT;
	struct td *td = NULL;
	struct td_options options = {.workers = 1};
	struct td_interest interest = {.async = true};

	if (td_open(&td, "mem:", &options, &err) != 0 ||
		td_handle(td, TD_QUERY, "PriceOf", price_of, NULL, &interest, NULL, &err) != 0 ||
		ask(td, "pizza.margherita", &err) != 0 || ask(td, "pizza.funghi", &err) != 0)
		fprintf(stderr, "query: %s\n", err.text);
	else if (ask(td, "pizza.hawaii", &no) == TD_E_REFUSED)
		printf("pizza.hawaii: %s\n", no.text);
	td_close(td);
	return td_error_exit(err.code);
}
