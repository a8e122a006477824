#include "stored.h"

#include "../alloc.h"

/*
 * The place http while memory runs out: each allocation of a whole life fails once, and once with all
 * behind it. What fails says TD_E_NOMEM and leaves nothing behind; a stream without memory comes back.
 */

struct far {
	struct child_server server;
	char directory[256];
	struct td_subscription *subscription;
};

static int hear(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	(void)context;
	(void)arg;
	return 0;
}

static int write_some(struct td *td)
{
	static const struct td_attribute counted[] = {
		{TD_TEXT_INIT("count"), TD_TEXT_INIT("7"), TD_INTEGER}};
	struct td_draft typed = {
		.type = "T", .subject = "s.1", .attributes = counted, .attributes_count = 1};
	struct td_draft plain = {.type = "T", .subject = "s.2", .json = "{\"a\": 1}"};
	struct td_appending two[] = {{.draft = &typed}, {.draft = &plain}};
	struct td_appending one = {.draft = &plain, .expected = TD_IF_EXISTS};
	struct td_receipt receipt = TD_RECEIPT_INIT;
	int code = td_publish(td, &plain, &receipt, NULL);

	if (code == 0)
		code = td_publish(td, &typed, NULL, NULL);
	if (code == 0)
		code = td_append(td, two, 2, NULL, NULL, NULL);
	if (code == 0)
		code = td_append(td, &one, 1, NULL, &receipt, NULL);
	td_receipt_fini(&receipt);
	return code;
}

static int read_some(struct td *td)
{
	struct td_scope scope = {.subject = "s.*", .limit = 3, .backward = true, .type = "T"};
	struct td_reading *reading = NULL;
	const struct td_event *event;
	struct td_event *latest = NULL;
	struct td_log_about *logs = NULL;
	struct td_status status;
	size_t count;
	int code = td_read(&reading, td, &scope, NULL);

	while (code == 0)
		code = td_next(reading, &event, NULL, NULL);
	td_reading_close(reading);
	if (code == TD_E_NOT_FOUND)
		code = td_latest(td, NULL, "s.2", &latest, NULL, NULL);
	td_event_unref(latest);
	if (code == 0)
		code = td_log_list(td, &logs, &count, NULL);
	td_log_list_free(logs);
	if (code == 0)
		code = td_status(td, &status, NULL);
	return code;
}

static int follow_one(struct td *td)
{
	struct td_reading *reading = NULL;
	const struct td_event *event;
	int code = td_follow(&reading, td, &(struct td_scope){.subject = "s.*", .limit = 1}, NULL);

	if (code == 0)
		code = td_reading_wait(reading, 60000, NULL);
	if (code == 0)
		code = td_next(reading, &event, NULL, NULL);
	td_reading_close(reading);
	return code;
}

static int live(void *arg)
{
	const struct td_interest interest = {.subject = "s.>", .type = "T"};
	struct td_options options = {.timeout_ms = 60000};
	struct far *far = arg;
	struct td *td = NULL;
	int code = td_open(&td, far->server.url, &options, NULL);

	if (code != 0)
		return code;
	code = td_subscribe(td, &interest, hear, NULL, &far->subscription, NULL);
	if (code == 0)
		code = write_some(td);
	if (code == 0)
		td_loop_turn(td, 0);
	if (code == 0)
		code = read_some(td);
	if (code == 0)
		code = follow_one(td);
	td_close(td);
	return code;
}

static void a_life_at_a_server_survives_each_allocation_failing(void **state)
{
	struct far far = {0};

	(void)state;
	snprintf(far.directory, sizeof(far.directory), "%s", fresh_directory());
	assert_true(child_server_start(&far.server, far.directory, 0));
	assert_true(alloc_torture(live, &far) > 50);
	child_server_end(&far.server, 1);
	remove_tree(far.directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_life_at_a_server_survives_each_allocation_failing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
