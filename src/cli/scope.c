#include "cli/events.h"

#include <string.h>

void td_cli_scope_read(struct td_cli_scope *scope, const struct td_cli *cli, size_t word)
{
	const char *pattern;

	*scope = (struct td_cli_scope){
		.scope = {.log = td_cli_text(cli, "log"), .filter = td_cli_text(cli, "filter")}};
	scope->scope.types_count = td_cli_texts(cli, "type", scope->types, TD_CLI_PATTERNS_MAX);
	while (scope->scope.subjects_count < TD_CLI_PATTERNS_MAX &&
		(pattern = td_cli_word(cli, word++)) != NULL)
		scope->subjects[scope->scope.subjects_count++] = pattern;
	scope->scope.types = scope->scope.types_count > 0 ? scope->types : NULL;
	scope->scope.subjects = scope->scope.subjects_count > 0 ? scope->subjects : NULL;
}

void td_cli_point_read(struct td_cli_point *point, const char *text, td_time now)
{
	const struct td_cli_option number = {.kind = TD_CLI_NUMBER},
				   duration = {.kind = TD_CLI_DURATION};
	uint64_t value;
	const char *why;

	*point = (struct td_cli_point){.kind = TD_CLI_AT_ID};
	if (strcmp(text, "start") == 0) {
		point->kind = TD_CLI_AT_START;
	} else if (strcmp(text, "now") == 0) {
		point->kind = TD_CLI_AT_NOW;
	} else if (td_cli_value_read(&number, text, &value, &why)) {
		point->kind = TD_CLI_AT_POSITION;
		point->position = value;
	} else if (td_cli_value_read(&duration, text, &value, &why)) {
		td_time since = (td_time)value * 1000000;

		point->kind = TD_CLI_AT_TIME;
		point->time = now > INT64_MIN + since ? now - since : INT64_MIN + 1;
	} else if (td_time_parse(td_text(text), &point->time, NULL) == 0) {
		point->kind = TD_CLI_AT_TIME;
	}
}

static void put_position(struct td_scope *scope, uint64_t position, bool end)
{
	if (end)
		scope->to = position;
	else
		scope->from = position;
}

int td_cli_point_put(const struct td_cli *cli, struct td *td, struct td_scope *scope,
	const char *option, bool end)
{
	struct td_error err = TD_ERROR_INIT;
	const char *text = td_cli_text(cli, option);
	struct td_event *event = NULL;
	struct td_cli_point point;
	struct td_where where;
	uint64_t position;

	if (text == NULL)
		return 0;
	td_cli_point_read(&point, text, cli->now);
	switch (point.kind) {
	case TD_CLI_AT_START:
		put_position(scope, end ? 1 : 0, end);
		return 0;
	case TD_CLI_AT_NOW:
		position = td_position(td);
		put_position(scope, end && position > 1 ? position - 1 : position, end);
		return 0;
	case TD_CLI_AT_POSITION:
		put_position(scope, point.position, end);
		return 0;
	case TD_CLI_AT_TIME:
		*(end ? &scope->to_time : &scope->from_time) = point.time;
		return 0;
	case TD_CLI_AT_ID:
		break;
	}
	if (td_find(td, text, NULL, &event, &where, &err) != 0)
		return td_cli_fail(cli, &err,
			"it is a position, a time such as 2026-11-30T18:00:00Z, how long ago "
			"such as 1h, start, now, or the id of an event",
			"--%s %s", option, text);
	td_event_unref(event);
	put_position(scope, where.position, end);
	return 0;
}

/* --- the nearest subject ------------------------------------------------------------------ */

#define SUBJECTS_LOOKED_AT 100000u

struct looking {
	struct td_cli_nearest nearest;
	const char *word;
	size_t seen;
};

static bool offer(void *arg, const struct td_subject_about *subject)
{
	struct looking *looking = arg;

	td_cli_nearest_offer(&looking->nearest, looking->word, subject->address);
	return ++looking->seen < SUBJECTS_LOOKED_AT;
}

int td_cli_no_subject(const struct td_cli *cli, struct td *td, const char *subject)
{
	struct looking looking = {.word = subject};
	char hint[160] = "tidings subscribe '>' --from start      shows all there is";

	if (td_subjects(td, NULL, NULL, offer, &looking, NULL) == 0 &&
		looking.nearest.name[0] != '\0')
		snprintf(hint, sizeof(hint), "did you mean %s?", looking.nearest.name);
	return td_cli_refuse(cli, TD_E_NOT_FOUND, hint, "there is no event \"%s\"", subject);
}
