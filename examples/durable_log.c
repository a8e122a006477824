/*
 * "file:DIR" keeps what is published: td_publish() returns when the event is on disk. Here an
 * account is written by one run of the program and read by the next.
 */
#include <stdio.h>
#include <tidings/tidings.h>

static int write_account(struct td *td, struct td_error *err)
{
	const char *subject = "account.>";
	struct td_log_settings settings = {.subjects = &subject, .subjects_count = 1};
	struct td_draft opened = {.type = "Opened", .subject = "account.7"};
	struct td_draft paid = {.type = "PaidIn", .subject = "account.7", .json = "{\"euro\": 20}"};
	int code = td_log_create(td, "accounts", &settings, err);

	if (code == 0)
		code = td_publish(td, &opened, NULL, err);
	return code == 0 ? td_publish(td, &paid, NULL, err) : code;
}

static int read_account(struct td *td, struct td_error *err)
{
	struct td_scope scope = {.subject = "account.7"};
	struct td_reading *reading = NULL;
	const struct td_event *event;
	struct td_where where;
	int code = td_read(&reading, td, &scope, err);

	while (code == 0 && (code = td_next(reading, &event, &where, err)) == 0)
		printf("%s: account.7@%llu %.*s %.*s\n", where.log,
			(unsigned long long)where.revision, TD_TEXT_ARG(td_event_type(event)),
			TD_TEXT_ARG(td_event_data(event)));
	td_reading_close(reading);
	return code == TD_E_NOT_FOUND ? 0 : code; /* that was the last */
}

static int run(int (*program)(struct td *td, struct td_error *err), struct td_error *err)
{
	struct td *td = NULL;
	int code = td_open(&td, "file:tidings-data", NULL, err);

	if (code == 0)
		code = program(td, err);
	td_close(td);
	return code;
}

int main(void)
{
	struct td_error err = TD_ERROR_INIT;
	int code = run(write_account, &err);

	if (code == 0)
		code = run(read_account, &err);
	if (code != 0)
		fprintf(stderr, "durable_log: %s\n", err.text);
	return td_error_exit(code);
}
