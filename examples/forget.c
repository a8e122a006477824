/* What is private is sealed on disk, a key for each subject; td_forget() destroys the key. */
#include <stdio.h>
#include <tidings/tidings.h>

static int read_person(struct td *td, struct td_error *err)
{
	struct td_scope scope = {.subject = "person.7.>"};
	struct td_reading *reading = NULL;
	const struct td_event *event;
	int code = td_read(&reading, td, &scope, err);

	while (code == 0 && (code = td_next(reading, &event, NULL, err)) == 0) {
		bool erased = td_event_get(event, "erased").at != NULL;
		struct td_text data = erased ? td_text("(erased)") : td_event_data(event);

		printf("%.*s %.*s %.*s\n", TD_TEXT_ARG(td_event_subject(event)),
			TD_TEXT_ARG(td_event_type(event)), TD_TEXT_ARG(data));
	}
	td_reading_close(reading);
	return code == TD_E_NOT_FOUND ? 0 : code; /* that was the last */
}

static int run(struct td *td, struct td_error *err)
{
	const char *all = "person.>", *private = "person.*.private";
	struct td_log_settings settings = {
		.subjects = &all, .subjects_count = 1, .erasable = &private, .erasable_count = 1};
	struct td_draft joined = {
		.type = "Joined", .subject = "person.7.member", .json = "{\"year\": 2024}"};
	struct td_draft moved = {
		.type = "Moved", .subject = "person.7.private", .json = "{\"to\": \"Ulm\"}"};
	int code = td_log_create(td, "people", &settings, err);

	if (code == 0)
		code = td_publish(td, &joined, NULL, err);
	if (code == 0)
		code = td_publish(td, &moved, NULL, err);
	if (code == 0)
		code = read_person(td, err);
	if (code == 0)
		code = td_forget(td, "people", "person.7.private", err);
	return code == 0 ? read_person(td, err) : code;
}

int main(void)
{
	struct td_error err = TD_ERROR_INIT;
	struct td *td = NULL;
	int code = td_open(&td, "file:tidings-data", NULL, &err);

	if (code == 0)
		code = run(td, &err);
	if (code != 0)
		fprintf(stderr, "forget: %s\n", err.text);
	td_close(td);
	return td_error_exit(code);
}
