#include "cli/demo.h"

#include <signal.h>
#include <string.h>

/* tidings demo: a server, and a pizzeria that trades on it. */

#define PORT 8222

void td_cli_demo_greet(const struct td_cli_demo *demo, const char *what)
{
	const struct td_cli *cli = demo->cli;

	if (cli->json)
		return;
	printf("  page    ");
	td_cli_put(cli, TD_CLI_BOLD, demo->url);
	printf("/\n  data    a temporary directory, gone at the end\n\n%s\n"
	       "Meanwhile, in another terminal:\n\n",
		what);
	if (strcmp(demo->url, "http://127.0.0.1:8222") != 0) {
		printf("  export TIDINGS_URL=%s\n", demo->url);
	}
	printf("  tidings subscribe --type PaymentFailed\n"
	       "  tidings story order.1\n"
	       "  tidings flow\n"
	       "  tidings log order.1\n"
	       "  tidings publish order.1 CustomerSmiled '{\"why\": \"pizza\"}'\n"
	       "  curl '%s/v1/events?subject=order.1'\n\n",
		demo->url);
	fflush(stdout);
}

/* --- watching ----------------------------------------------------------------------------- */

static const struct td_cli_column columns[] = {
	{.name = "SUBJECT", .colour = TD_CLI_NAME, .least = 10},
	{.name = "TYPE", .colour = TD_CLI_BOLD, .least = 16},
	{.name = "BY", .colour = TD_CLI_DIM, .least = 8},
	{.name = "DATA"},
};

int td_cli_watch_begin(struct td_cli_watch *watch, const struct td_cli *cli, const char *url)
{
	const struct td_options options = {.flags = TD_NO_THREADS};
	const struct td_scope scope = {.subject = ">"};
	struct td_error err = TD_ERROR_INIT;

	*watch = (struct td_cli_watch){.cli = cli};
	td_cli_table_begin(&watch->table, cli, columns, 4, true);
	if (td_open(&watch->td, url, &options, &err) != 0 ||
		td_follow(&watch->reading, watch->td, &scope, &err) != 0)
		return td_cli_fail(cli, &err, NULL, "%s", url);
	return 0;
}

static int put(
	struct td_cli_watch *watch, const struct td_event *event, const struct td_where *where)
{
	struct td_text subject = td_event_subject(event), data = td_event_data(event);
	struct td_buf line = TD_BUF_INIT(SIZE_MAX / 2);
	int code;

	watch->count++;
	if (!watch->cli->json) {
		td_cli_table_row(&watch->table,
			(const struct td_text[]){subject.at != NULL ? subject : td_text("-"),
				td_event_type(event), td_event_source(event),
				data.at != NULL ? data : td_text("-")});
		return 0;
	}
	code = td_cli_event_json(&line, event, where, NULL);
	if (code == 0)
		printf("%.*s\n", (int)line.len, line.at);
	td_buf_fini(&line);
	return code != 0 ? 1 : 0;
}

int td_cli_watch_look(struct td_cli_watch *watch, int64_t wait_ms)
{
	struct td_error err = TD_ERROR_INIT;
	const struct td_event *event;
	struct td_where where;
	int code;

	if (wait_ms > 0)
		td_reading_wait(watch->reading, wait_ms, NULL);
	while ((code = td_next(watch->reading, &event, &where, &err)) == 0) {
		code = put(watch, event, &where);
		if (code != 0)
			return code;
	}
	return code == TD_E_NOT_FOUND ? 0 : td_cli_fail(watch->cli, &err, NULL, "watching");
}

int td_cli_watch_end(struct td_cli_watch *watch)
{
	td_reading_close(watch->reading);
	if (watch->td != NULL)
		td_close(watch->td);
	return td_cli_table_end(&watch->table);
}

/* --- the whole ---------------------------------------------------------------------------- */

static int with_server(struct td_cli_demo *demo)
{
	const char *github = td_cli_text(demo->cli, "github");
	const struct td_cli_given *span = td_cli_line_given(&demo->cli->line, "for");
	unsigned port = (unsigned)td_cli_number(demo->cli, "port", PORT);
	int code = td_cli_child_serve(
		demo->cli, &demo->server, demo->dir, port, demo->url, sizeof(demo->url));
	int ended;

	if (code != 0)
		return code;
	demo->began_ms = td_cli_clock_ms();
	demo->end_ms = span != NULL ? demo->began_ms + (int64_t)span->number : INT64_MAX;
	td_cli_catch_interrupts();
	code = github != NULL ? td_cli_demo_github(demo, github) : td_cli_demo_day(demo);
	ended = td_cli_child_end(&demo->server, SIGTERM);
	if (code == 0 && ended != 0)
		code = td_cli_refuse(
			demo->cli, 0, NULL, "the server ended with exit code %d", ended);
	return code;
}

static int run(struct td_cli *cli)
{
	struct td_cli_demo demo = {.cli = cli, .server = TD_CLI_CHILD_INIT};
	int code;

	if (td_cli_flag(cli, "places"))
		return td_cli_demo_places(cli);
	if (td_cli_number(cli, "port", PORT) > 65000)
		return td_cli_refuse(cli, TD_E_INVALID, "--port 8222", "that is no port");
	code = td_cli_temporary(cli, demo.dir);
	if (code != 0)
		return code;
	code = with_server(&demo);
	td_cli_temporary_remove(demo.dir);
	return code;
}

static const struct td_cli_option options[] = {
	{.name = "for",
		.kind = TD_CLI_DURATION,
		.value = "TIME",
		.what = "end after so long, with a summary, instead of at Ctrl-C"},
	{.name = "places",
		.kind = TD_CLI_FLAG,
		.what = "run one program as mem:, as file: (killed in the middle), and as http:"},
	{.name = "github",
		.kind = TD_CLI_FILE,
		.value = "FILE",
		.what = "publish recorded GitHub events instead, one JSON object a line"},
	{.name = "port",
		.kind = TD_CLI_NUMBER,
		.value = "PORT",
		.fallback = "8222",
		.what = "where the server listens, or at the next that is free; 0: any"},
};

const struct td_cli_verb td_cli_verb_demo = {
	.name = "demo",
	.line = "Show a server at work: a pizzeria whose services know only events",
	.group = TD_CLI_SERVER,
	.first = true,
	.words = "",
	.common = TD_CLI_OUTPUT,
	.options = options,
	.options_count = sizeof(options) / sizeof(options[0]),
	.more = "A server is started over a temporary directory, and seven services become its "
		"clients by "
		"http://: orders, payments, kitchen, counter, courier, loyalty and mail. About "
		"eight "
		"events pass in a second. After a while the bank does not answer, payments fail, "
		"and are "
		"made up for when it does again.",
	.examples = {"tidings demo", "tidings demo --for 20s", "tidings demo --places"},
	.run = run,
};
