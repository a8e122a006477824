#include "cli/events.h"

#include <string.h>

/*
 * tidings subscribe [PATTERN]...: events as they come, until --count, --timeout or Ctrl-C.
 */

#define LOOK_MS 200 /* how long one wait is, so that Ctrl-C is seen */

struct watch {
	const struct td_cli *cli;
	struct td_cli_writer *writer;
	struct td_reading *reading;
	uint64_t count_max; /* 0: no end */
	uint64_t count;
	int64_t deadline; /* monotonic ms; INT64_MAX: none */
};

static int not_met(const struct watch *watch)
{
	uint64_t wanted = watch->count_max > 0 ? watch->count_max : 1;

	if (watch->count >= wanted)
		return 0;
	return td_cli_refuse(watch->cli, TD_E_TIMEOUT, "have longer --timeout, or fewer --count",
		"%llu of %llu events came in time", (unsigned long long)watch->count,
		(unsigned long long)wanted);
}

/* Wait a little. 0: look again; else what ends the watch, as exit code in *end. */
static bool wait(struct watch *watch, int *end)
{
	struct td_error err = TD_ERROR_INIT;
	int64_t left = watch->deadline - td_cli_clock_ms();
	int code;

	if (td_cli_interrupted()) {
		td_cli_note(watch->cli, "%llu events; go on with --from %llu",
			(unsigned long long)watch->count,
			(unsigned long long)td_reading_position(watch->reading));
		*end = 0;
		return false;
	}
	if (left <= 0) {
		*end = not_met(watch);
		return false;
	}
	code = td_reading_wait(watch->reading, left < LOOK_MS ? left : LOOK_MS, &err);
	if (code == 0 || code == TD_E_TIMEOUT)
		return true;
	*end = td_cli_fail(watch->cli, &err, NULL, "waiting for events");
	return false;
}

/* Until it ends; the exit code. */
static int follow(struct watch *watch)
{
	int end = 0;

	while (watch->count_max == 0 || watch->count < watch->count_max) {
		struct td_error err = TD_ERROR_INIT;
		const struct td_event *event;
		struct td_where where;
		int code = td_next(watch->reading, &event, &where, &err);

		if (code == 0) {
			watch->count++;
			end = td_cli_writer_put(watch->writer, event, &where);
			if (end != 0 || (td_cli_interrupted() && !wait(watch, &end)))
				return end;
		} else if (code == TD_E_NOT_FOUND) {
			if (!wait(watch, &end))
				return end;
		} else {
			end = td_cli_fail(watch->cli, &err, NULL, "reading");
			if (code != TD_E_DAMAGED)
				return end;
		}
	}
	return end;
}

static int watch_place(const struct td_cli *cli, struct td *td, struct td_cli_writer *writer)
{
	const struct td_cli_given *timeout = td_cli_line_given(&cli->line, "timeout");
	struct watch watch = {.cli = cli,
		.writer = writer,
		.count_max = td_cli_number(cli, "count", 0),
		.deadline = INT64_MAX};
	struct td_error err = TD_ERROR_INIT;
	struct td_cli_scope scope;
	int code;

	if (timeout != NULL)
		watch.deadline = td_cli_clock_ms() + (int64_t)timeout->number;
	td_cli_scope_read(&scope, cli, 0);
	if (td_cli_text(cli, "from") == NULL)
		scope.scope.from = td_position(td);
	code = td_cli_point_put(cli, td, &scope.scope, "from", false);
	if (code != 0)
		return code;
	if (td_follow(&watch.reading, td, &scope.scope, &err) != 0)
		return td_cli_fail(cli, &err, NULL, "cannot follow %s", td_cli_url(cli));
	td_cli_catch_interrupts();
	code = follow(&watch);
	td_reading_close(watch.reading);
	return code;
}

static int run(struct td_cli *cli)
{
	struct td_cli_writer writer;
	struct td *td;
	int code = td_cli_writer_begin(&writer, cli, true), ended;

	if (code != 0)
		return code;
	code = td_cli_open(cli, &td, TD_CLI_LOOK);
	if (code == 0) {
		code = watch_place(cli, td, &writer);
		td_close(td);
	}
	ended = td_cli_writer_end(&writer);
	return code != 0 ? code : ended;
}

static const struct td_cli_option options[] = {
	{.name = "from",
		.letter = 'f',
		.kind = TD_CLI_TEXT,
		.value = "POINT",
		.fallback = NULL,
		.what = "begin there instead of now: start, a position, a time, how long ago (1h), "
			"an id"},
	{.name = "count",
		.letter = 'n',
		.kind = TD_CLI_NUMBER,
		.value = "N",
		.what = "end when so many came"},
	{.name = "timeout",
		.kind = TD_CLI_DURATION,
		.value = "TIME",
		.what = "end after so long; exit code 5 if fewer than --count (1) came"},
	TD_CLI_WAYS,
};

const struct td_cli_verb td_cli_verb_subscribe = {
	.name = "subscribe",
	.line = "Show events as they come",
	.group = TD_CLI_EVENTS,
	.first = true,
	.words = "[PATTERN]...",
	.words_max = TD_CLI_PATTERNS_MAX,
	.common = TD_CLI_PLACE | TD_CLI_OUTPUT | TD_CLI_SCOPE,
	.options = options,
	.options_count = sizeof(options) / sizeof(options[0]),
	.more = "Looking on acknowledges nothing and moves nobody's position. Ctrl-C ends it, and "
		"says "
		"where to go on.\n\n"
		"On file:DIR it shows what is stored (--from) and what this process adds, which is "
		"nothing: to see what others publish, have a server.",
	.examples = {"tidings subscribe 'order.>'",
		"tidings subscribe --from 1h --type PaymentDeclined",
		"tidings subscribe order.42 --count 1 --timeout 30s --json"},
	.run = run,
};
