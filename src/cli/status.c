#include "cli/events.h"

#include <string.h>

#include "json/json.h"

/* tidings status: one screen about a place, and whether it needs you. */

static void line(
	const struct td_cli *cli, enum td_cli_colour colour, const char *name, const char *value)
{
	char padded[32];

	if (!cli->terminal) {
		printf("%s\t%s\n", name, value);
		return;
	}
	snprintf(padded, sizeof(padded), "%-12s", name);
	td_cli_put(cli, TD_CLI_DIM, padded);
	td_cli_put(cli, colour, value);
	putchar('\n');
}

/* What it needs, worst first; NULL: nothing. */
static const char *needs(const struct td_status *status)
{
	if (status->failed)
		return "the disk failed: look at it, then start anew";
	if (status->disk_full)
		return "the disk is full: new events are refused until there is room";
	if (status->heads_failure[0] != '\0')
		return "heads of the chain cannot be exported";
	if (status->warning[0] != '\0')
		return status->warning;
	return NULL;
}

static void put_people(const struct td_cli *cli, const struct td_status *status)
{
	char text[TD_CLI_TIME_BYTES];
	const char *need = needs(status);
	bool bad = status->failed || status->disk_full;

	line(cli, TD_CLI_BOLD, "place", td_cli_url(cli));
	line(cli, bad ? TD_CLI_BAD : TD_CLI_GOOD, "state",
		status->failed      ? "failed"
		: status->disk_full ? "disk full"
				    : "up");
	line(cli, TD_CLI_PLAIN, "events", td_cli_count(cli, status->events, text));
	line(cli, TD_CLI_PLAIN, "subjects", td_cli_count(cli, status->subjects, text));
	line(cli, TD_CLI_PLAIN, "logs", td_cli_count(cli, status->logs, text));
	line(cli, TD_CLI_PLAIN, "size", td_cli_size(cli, status->bytes, text));
	line(cli, TD_CLI_PLAIN, "index", td_cli_size(cli, status->index_bytes, text));
	line(cli, TD_CLI_PLAIN, "position", td_cli_count(cli, status->position, text));
	if (status->recovered)
		line(cli, TD_CLI_WARN, "recovered",
			status->cut_bytes > 0 ? "it had not been closed; what was never finished "
						"lies in quarantine/"
					      : "it had not been closed; nothing was lost");
	line(cli, need != NULL ? TD_CLI_WARN : TD_CLI_GOOD, "needs",
		need != NULL ? need : "nothing");
}

static void number(struct td_json_writer *writer, const char *name, uint64_t value)
{
	td_json_name(writer, td_text(name));
	td_json_u64(writer, value);
}

static void flag(struct td_json_writer *writer, const char *name, bool value)
{
	td_json_name(writer, td_text(name));
	td_json_bool(writer, value);
}

static void put_json(const struct td_cli *cli, const struct td_status *status)
{
	struct td_buf buf = TD_BUF_INIT(65536);
	struct td_json_writer writer;

	td_json_writer_init(&writer, &buf);
	td_json_open_object(&writer);
	td_json_name(&writer, td_text("place"));
	td_json_string(&writer, td_text(td_cli_url(cli)));
	flag(&writer, "failed", status->failed);
	flag(&writer, "disk_full", status->disk_full);
	flag(&writer, "recovered", status->recovered);
	number(&writer, "cut_bytes", status->cut_bytes);
	number(&writer, "events", status->events);
	number(&writer, "subjects", status->subjects);
	number(&writer, "logs", status->logs);
	number(&writer, "bytes", status->bytes);
	number(&writer, "index_bytes", status->index_bytes);
	number(&writer, "position", status->position);
	number(&writer, "heads_position", status->heads_position);
	td_json_name(&writer, td_text("needs"));
	if (needs(status) != NULL)
		td_json_string(&writer, td_text(needs(status)));
	else
		td_json_null(&writer);
	td_json_close_object(&writer);
	if (td_buf_check(&buf, NULL) == 0)
		printf("%.*s\n", (int)buf.len, buf.at);
	td_buf_fini(&buf);
}

static int run(struct td_cli *cli)
{
	struct td_error err = TD_ERROR_INIT;
	struct td_status status;
	struct td *td;
	int code = td_cli_open(cli, &td, TD_CLI_LOOK);

	if (code != 0)
		return code;
	if (td_status(td, &status, &err) != 0)
		code = td_cli_fail(cli, &err, NULL, "status of %s", td_cli_url(cli));
	td_close(td);
	if (code != 0)
		return code;
	if (cli->json)
		put_json(cli, &status);
	else
		put_people(cli, &status);
	return status.failed ? td_error_exit(TD_E_DISK) : 0;
}

const struct td_cli_verb td_cli_verb_status = {
	.name = "status",
	.line = "Say how a place is, and whether it needs you",
	.group = TD_CLI_SERVER,
	.words = "",
	.common = TD_CLI_PLACE | TD_CLI_OUTPUT,
	.examples = {"tidings status", "tidings status --json", "tidings status --url file:./data"},
	.run = run,
};
