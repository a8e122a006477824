#include "place.h"

#include "alloc.h"

/*
 * Each scenario with its n-th allocation failing, for every n: nothing leaks, and what is refused
 * was not half done.
 */

static int quiet(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	(void)context;
	if (arg != NULL)
		++*(int *)arg;
	return 0;
}

static int publish_more(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	(void)arg;
	return td_publish(td_context_place(context), EVENT("Next", "y"), NULL, NULL);
}

static int fails(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	(void)arg;
	return td_fail(context, TD_PARK, "no");
}

static int skips(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	(void)arg;
	return td_fail(context, TD_SKIP, "no");
}

/* What a handler could not do for want of memory is told as its failure. */
static int blame(int code, const struct td_error *err)
{
	if (code == TD_E_HANDLER && strstr(err->text, td_error_meaning(TD_E_NOMEM)) != NULL)
		return TD_E_NOMEM;
	return code;
}

static int synchronous(void *arg)
{
	const char *fields[] = {"/total"};
	struct td_receipt receipt = TD_RECEIPT_INIT;
	struct td_error err = TD_ERROR_INIT;
	struct td_draft draft = {
		.type = "E", .subject = "a b.c", .json = "{\"total\":1,\"rest\":2}"};
	struct td_subscription *s = NULL;
	struct td *td = NULL;
	int calls = 0, code;

	(void)arg;
	code = td_open(&td, "mem:", NULL, &err);
	if (code == 0)
		code = td_subscribe(td, INTEREST(.subject = "*.c", .filter = "type = 'E'"), quiet,
			&calls, &s, &err);
	if (code == 0)
		code = td_subscribe(td, INTEREST(.type = "E"), publish_more, NULL, NULL, &err);
	if (code == 0)
		code = td_subscribe(
			td, INTEREST(.select = fields, .select_count = 1), quiet, NULL, NULL, &err);
	if (code == 0) {
		int before = calls;

		code = td_publish(td, &draft, &receipt, &err);
		assert_int_equal(calls - before, code == 0 || code == TD_E_HANDLER ? 1 : 0);
		code = blame(code, &err);
	}
	td_unsubscribe(s);
	td_receipt_fini(&receipt);
	td_close(td);
	return code;
}

/* Memory may run out while it is drained: then what is owed waits for it as long as we let it. */
static bool drained(struct td *td)
{
	int code = TD_E_TIMEOUT;

	for (int i = 0; i < 200 && code != 0; i++) {
		bool failed = alloc_failed();

		code = td_drain(td, 25, NULL);
		if (failed)
			break;
	}
	return code == 0;
}

static int queued(void *arg)
{
	struct td_receipt receipt = TD_RECEIPT_INIT;
	struct td_error err = TD_ERROR_INIT;
	struct td *td = NULL;
	int calls = 0, code;

	(void)arg;
	code = td_open(&td, "mem:", NULL, &err);
	if (code == 0)
		code = td_subscribe(
			td, INTEREST(.async = true, .type = "E"), quiet, &calls, NULL, &err);
	if (code == 0)
		code = td_subscribe(td, INTEREST(.async = true, .type = "E", .name = "failing"),
			fails, NULL, NULL, &err);
	if (code == 0)
		code = td_subscribe(td, INTEREST(.type = TD_DEAD_LETTER), quiet, NULL, NULL, &err);
	for (int i = 0; code == 0 && i < 3; i++) {
		int before = calls;

		code = td_publish(td, EVENT("E", "x"), &receipt, &err);
		/* What was accepted is owed: it waits for memory, and for nothing else. */
		if (!drained(td))
			code = alloc_failed() ? TD_E_NOMEM : TD_E_TIMEOUT;
		else
			assert_int_equal(calls - before, code == 0 ? 1 : 0);
	}
	td_receipt_fini(&receipt);
	td_close(td);
	return code;
}

/* What a failure could not be told for want of memory is counted. */
static int told(void *arg)
{
	struct td_error err = TD_ERROR_INIT;
	struct td_subscription_status status;
	struct td_subscription *s = NULL;
	struct td *td = NULL;
	int letters = 0, code;

	(void)arg;
	code = td_open(&td, "mem:", NULL, &err);
	if (code == 0)
		code = td_subscribe(td, INTEREST(.type = "E"), skips, NULL, &s, &err);
	if (code == 0)
		code = td_subscribe(
			td, INTEREST(.type = TD_DEAD_LETTER), quiet, &letters, NULL, &err);
	if (code == 0)
		code = td_publish(td, EVENT("E", "x"), NULL, &err);
	if (code == TD_E_HANDLER) {
		td_subscription_status(s, &status);
		assert_int_equal((uint64_t)letters + status.untold, 1);
		code = status.untold > 0 ? TD_E_NOMEM : 0;
	}
	td_close(td);
	return code;
}

static int answer(const struct td_event *event, struct td_context *context, void *arg)
{
	struct td_error err = TD_ERROR_INIT;
	int code = td_reply(context, &(struct td_draft){.json = "1"}, &err);

	(void)event;
	(void)arg;
	return code != 0 ? td_fail(context, TD_SKIP, "%s", td_error_meaning(code)) : 0;
}

static int requests(void *arg)
{
	struct td_event *reply = NULL;
	struct td_error err = TD_ERROR_INIT;
	struct td *td = NULL;
	int code;

	(void)arg;
	code = td_open(&td, "mem:", NULL, &err);
	if (code == 0)
		code = td_handle(td, TD_QUERY, "Q", answer, NULL, NULL, NULL, &err);
	if (code == 0)
		code = td_handle(
			td, TD_COMMAND, "C", answer, NULL, INTEREST(.async = true), NULL, &err);
	if (code == 0)
		code = blame(
			td_request(td, TD_QUERY, &(struct td_draft){.type = "Q"}, -1, &reply, &err),
			&err);
	td_event_unref(reply);
	reply = NULL;
	if (code == 0)
		code = blame(td_request(td, TD_COMMAND, &(struct td_draft){.type = "C"}, 100,
				     &reply, &err),
			&err);
	if (code == TD_E_TIMEOUT && alloc_failed())
		code = TD_E_NOMEM;
	td_event_unref(reply);
	td_close(td);
	return code;
}

static int topics(void *arg)
{
	struct td_topic *topic = NULL;
	struct td_event *event = NULL;
	struct td_subscription *s = NULL;
	struct td *td = NULL;
	struct td_error err = TD_ERROR_INIT;
	int calls = 0, code;

	(void)arg;
	code = td_open(&td, "mem:", NULL, &err);
	if (code == 0)
		code = td_topic_open(&topic, td, "x", "E", &err);
	if (code == 0)
		code = td_event_new(&event, EVENT("E", "x"), &err);
	if (code == 0)
		code = td_subscribe(td, NULL, quiet, &calls, &s, &err);
	if (code == 0)
		code = td_topic_publish(topic, event, NULL, &err);
	td_unsubscribe(s);
	if (code == 0) {
		code = td_topic_publish(topic, event, NULL, &err);
		assert_int_equal(calls, 1);
	}
	td_event_unref(event);
	td_topic_close(topic);
	td_close(td);
	return code;
}

static void bus_survives_the_nth_allocation_failing(void **state)
{
	(void)state;
	assert_true(alloc_torture(synchronous, NULL) > 20);
	assert_true(alloc_torture(queued, NULL) > 20);
	assert_true(alloc_torture(told, NULL) > 10);
	assert_true(alloc_torture(requests, NULL) > 10);
	assert_true(alloc_torture(topics, NULL) > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bus_survives_the_nth_allocation_failing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
