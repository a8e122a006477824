#include "cli/events.h"

#include <string.h>

/* tidings log SUBJECT: the history of one subject, revision by revision. */

static int show_history(const struct td_cli *cli, struct td *td, struct td_cli_writer *writer)
{
	struct td_scope scope = {.subject = td_cli_word(cli, 0),
		.log = td_cli_text(cli, "log"),
		.backward = td_cli_flag(cli, "reverse"),
		.limit = td_cli_number(cli, "limit", 0),
		.from_revision = td_cli_number(cli, "from", 0),
		.to_revision = td_cli_number(cli, "to", 0)};
	struct td_error err = TD_ERROR_INIT;
	struct td_reading *reading;
	uint64_t count = 0;
	int code, worst = 0;

	if (td_read(&reading, td, &scope, &err) != 0)
		return td_cli_fail(cli, &err, NULL, "cannot read %s", scope.subject);
	for (;;) {
		const struct td_event *event;
		struct td_where where;

		code = td_next(reading, &event, &where, &err);
		if (code == 0) {
			worst = td_cli_writer_put(writer, event, &where);
			count++;
		} else if (code != TD_E_NOT_FOUND) {
			worst = td_cli_fail(cli, &err, NULL, "%s", scope.subject);
		}
		if (code != TD_E_DAMAGED && (code != 0 || worst != 0))
			break;
	}
	td_reading_close(reading);
	if (count == 0 && worst == 0)
		return td_cli_no_subject(cli, td, scope.subject);
	return worst;
}

static int run(struct td_cli *cli)
{
	struct td_cli_writer writer;
	struct td *td;
	int code = td_cli_writer_begin(&writer, cli, false), ended;

	if (code != 0)
		return code;
	code = td_cli_open(cli, &td, TD_CLI_LOOK);
	if (code == 0) {
		code = show_history(cli, td, &writer);
		td_close(td);
	}
	ended = td_cli_writer_end(&writer);
	return code != 0 ? code : ended;
}

static const struct td_cli_option options[] = {
	{.name = "log", .kind = TD_CLI_TEXT, .value = "NAME", .what = "in this log alone"},
	{.name = "from",
		.letter = 'f',
		.kind = TD_CLI_NUMBER,
		.value = "REVISION",
		.what = "begin there"},
	{.name = "to", .kind = TD_CLI_NUMBER, .value = "REVISION", .what = "end there, included"},
	{.name = "limit",
		.letter = 'n',
		.kind = TD_CLI_NUMBER,
		.value = "N",
		.what = "so many at most"},
	{.name = "reverse", .letter = 'r', .kind = TD_CLI_FLAG, .what = "the newest first"},
	TD_CLI_WAYS,
};

const struct td_cli_verb td_cli_verb_log = {
	.name = "log",
	.line = "Show the history of a subject, revision by revision",
	.group = TD_CLI_EVENTS,
	.first = true,
	.words = "SUBJECT",
	.words_min = 1,
	.words_max = 1,
	.common = TD_CLI_PLACE | TD_CLI_OUTPUT,
	.options = options,
	.options_count = sizeof(options) / sizeof(options[0]),
	.more = "The revision is the event's number within its subject: order.42@7 is the seventh "
		"of "
		"order.42.",
	.examples = {"tidings log order.42", "tidings log order.42 --reverse --limit 5",
		"tidings log order.42 --from 8 --json"},
	.run = run,
};
