/*
 * Two clerks sell the last seats of one show. Each decides by what he has read, and appends only if
 * nothing happened since; who lost the race reads again and decides anew.
 */
#include <stdio.h>
#include <tidings/tidings.h>

static uint64_t seats_sold(struct td *td, struct td_error *err)
{
	struct td_event *event = NULL;
	struct td_where where = {.revision = 0};

	if (td_latest(td, NULL, "show.9", &event, &where, err) != 0)
		return 0;
	td_event_unref(event);
	return where.revision; /* one event for each seat */
}

static int sell(struct td *td, const char *clerk, uint64_t sold, struct td_appended *answer,
	struct td_error *err)
{
	struct td_draft seat = {.type = "SeatSold", .subject = "show.9", .source = clerk};
	struct td_appending one = {.draft = &seat,
		.expected = sold == 0 ? TD_IF_NONE : TD_IF_REVISION,
		.revision = sold};

	return td_append(td, &one, 1, answer, NULL, err);
}

int main(void)
{
	struct td_error err = TD_ERROR_INIT;
	struct td *td = NULL;
	struct td_appended answer;
	uint64_t ada, grace;
	int code = td_open(&td, "file:tidings-data", NULL, &err);

	if (code != 0)
		goto done;
	ada = grace = seats_sold(td, NULL); /* both look at the same moment */
	code = sell(td, "/ada", ada, &answer, &err);
	printf("ada: show.9@%llu\n", (unsigned long long)answer.where.revision);
	while (code == 0 && (code = sell(td, "/grace", grace, &answer, &err)) == TD_E_REVISION) {
		printf("grace: %s, it is at %llu now\n", td_error_name(code),
			(unsigned long long)answer.found);
		err = (struct td_error)TD_ERROR_INIT;
		grace = seats_sold(td, &err);
		code = 0;
	}
	printf("grace: show.9@%llu\n", (unsigned long long)answer.where.revision);
done:
	if (code != 0)
		fprintf(stderr, "optimistic_append: %s\n", err.text);
	td_close(td);
	return td_error_exit(code);
}
