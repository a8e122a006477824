#include "cli/events.h"

/* tidings read [PATTERN]...: what is stored, from one point to another. */

/* All that the reading has. 0, or the exit code of what could not be read; the rest is shown. */
static int show_all(
	const struct td_cli *cli, struct td_reading *reading, struct td_cli_writer *writer)
{
	int worst = 0;

	for (;;) {
		struct td_error err = TD_ERROR_INIT;
		const struct td_event *event;
		struct td_where where;
		int code = td_next(reading, &event, &where, &err);

		if (code == TD_E_NOT_FOUND)
			return worst;
		if (code != 0)
			worst = td_cli_fail(cli, &err, NULL, "read");
		if (code == 0)
			code = td_cli_writer_put(writer, event, &where);
		if (code != 0 && code != TD_E_DAMAGED)
			return code == err.code ? worst : code;
	}
}

static int read_place(const struct td_cli *cli, struct td *td, struct td_cli_writer *writer)
{
	struct td_error err = TD_ERROR_INIT;
	struct td_reading *reading;
	struct td_cli_scope scope;
	int code;

	td_cli_scope_read(&scope, cli, 0);
	scope.scope.backward = td_cli_flag(cli, "reverse");
	scope.scope.latest = td_cli_flag(cli, "latest");
	scope.scope.limit = td_cli_number(cli, "limit", 0);
	scope.scope.at_least = td_cli_number(cli, "at-least", 0);
	scope.scope.wait_ms = (int64_t)td_cli_number(cli, "timeout", 0);
	code = td_cli_point_put(cli, td, &scope.scope, "from", false);
	if (code == 0)
		code = td_cli_point_put(cli, td, &scope.scope, "to", true);
	if (code != 0)
		return code;
	if (td_read(&reading, td, &scope.scope, &err) != 0)
		return td_cli_fail(cli, &err, NULL, "cannot read from %s", td_cli_url(cli));
	code = show_all(cli, reading, writer);
	td_reading_close(reading);
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
		code = read_place(cli, td, &writer);
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
		.what = "where to begin: a position, a time, how long ago (1h), or an event's id"},
	{.name = "to", .kind = TD_CLI_TEXT, .value = "POINT", .what = "where to end, included"},
	{.name = "limit",
		.letter = 'n',
		.kind = TD_CLI_NUMBER,
		.value = "N",
		.what = "so many at most"},
	{.name = "reverse", .letter = 'r', .kind = TD_CLI_FLAG, .what = "the newest first"},
	{.name = "latest", .kind = TD_CLI_FLAG, .what = "of each subject only its latest"},
	{.name = "at-least",
		.kind = TD_CLI_NUMBER,
		.value = "POSITION",
		.what = "wait until the place has come so far: read what you wrote"},
	{.name = "timeout",
		.kind = TD_CLI_DURATION,
		.value = "TIME",
		.fallback = "10s",
		.what = "how long to wait for that; exit code 5 then"},
	TD_CLI_WAYS,
};

const struct td_cli_verb td_cli_verb_read = {
	.name = "read",
	.line = "Read what is stored, from one point to another",
	.group = TD_CLI_EVENTS,
	.words = "[PATTERN]...",
	.words_max = TD_CLI_PATTERNS_MAX,
	.common = TD_CLI_PLACE | TD_CLI_OUTPUT | TD_CLI_SCOPE,
	.options = options,
	.options_count = sizeof(options) / sizeof(options[0]),
	.more = "A PATTERN is a subject, in which * stands for one word and a > at the end for all "
		"that "
		"follow: order.*, order.>. Without one, all subjects are meant.\n\n"
		"Reading moves nobody's position and acknowledges nothing.",
	.examples = {"tidings read 'order.>' --from 1h", "tidings read --reverse --limit 10",
		"tidings read --type OrderPlaced --json --filter 'total > 10'"},
	.run = run,
};
