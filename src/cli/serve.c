#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/server.h"

/*
 * tidings serve: the server, on this machine's clock, disk and net.
 *
 *	open (recovers the store) -> listen -> ready -> turns ... SIGTERM: stop -> what was asked is answered -> closed
 */

struct house {
	struct td_loop *loop;
	struct td_net net;
	bool has_net;
	struct td_task_pool *commits, *chores, *work;
	struct td_server *server;
};

static int house_open(struct house *house, struct td_error *err)
{
	int code = td_loop_new(&house->loop, err);

	if (code == 0) {
		code = td_net_real_open(&house->net, house->loop, err);
		house->has_net = code == 0;
	}
	if (code == 0)
		code = td_task_pool_new(&house->commits, "commit", 1, house->loop, err);
	if (code == 0)
		code = td_task_pool_new(&house->chores, "chores", 1, house->loop, err);
	if (code == 0)
		code = td_task_pool_new(&house->work, "work", 2, house->loop, err);
	return code;
}

static void house_close(struct house *house)
{
	td_task_pool_free(house->commits);
	td_task_pool_free(house->chores);
	td_task_pool_free(house->work);
	if (house->has_net)
		td_net_real_close(&house->net);
	td_loop_free(house->loop);
}

/* --- what it says ------------------------------------------------------------------------- */

static void say(void *arg, enum td_severity severity, const char *text)
{
	static const char *const names[] = {"debug", "info", "warning", "error"};

	(void)arg;
	if (severity > TD_SAY_DEBUG)
		fprintf(stderr, "tidings: %s: %s\n", names[severity], text);
}

/* {"http":"HOST:PORT"} to who waits for it. 0, or the exit code. */
static int tell_ready(const struct td_cli *cli, const char *http)
{
	const struct td_cli_given *given = td_cli_line_given(&cli->line, "ready-fd");
	char line[128];
	int descriptor;

	if (given == NULL)
		return 0;
	descriptor = given->number <= 1 << 20 ? (int)given->number : -1;
	snprintf(line, sizeof(line), "{\"http\":\"%s\"}\n", http);
	if (write(descriptor, line, strlen(line)) != (ssize_t)strlen(line))
		return td_cli_refuse(cli, 0, NULL, "--ready-fd %s cannot be written: %s",
			given->text, strerror(errno));
	if (descriptor > 2)
		close(descriptor); /* who reads it sees its end */
	return 0;
}

static int ready(const struct td_cli *cli, struct house *house, const char *data)
{
	char http[TD_NET_ADDRESS_BYTES];
	struct td_net_address address;
	int code;

	if (!td_server_address(house->server, 0, &address))
		return td_cli_refuse(cli, 0, NULL, "serve: it does not listen");
	td_net_address_format(&address, http);
	code = tell_ready(cli, http);
	if (code == 0)
		td_cli_note(cli, "tidings serves http://%s from %s; Ctrl-C ends it", http, data);
	return code;
}

/* --- its life ----------------------------------------------------------------------------- */

static struct td_server *_Atomic running;

static void on_signal(int number)
{
	struct td_server *server = running;

	(void)number;
	if (server != NULL)
		td_server_ask_stop(server);
}

static void catch_signals(struct td_server *server)
{
	struct sigaction stop = {.sa_handler = on_signal, .sa_flags = SA_RESTART},
			 nothing = {.sa_handler = SIG_IGN};

	running = server;
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGPIPE, &nothing, NULL);
}

static int live(const struct td_cli *cli, struct house *house)
{
	struct td_error err = TD_ERROR_INIT;
	enum td_server_state state;
	int code = 0;

	do
		state = td_server_turn(house->server, INT64_MAX);
	while (state == TD_SERVER_RUNS);
	if (state == TD_SERVER_FAILED) {
		td_server_failed(house->server, &err);
		code = td_cli_fail(cli, &err, NULL, "the server has to end");
	}
	return code;
}

static int serve(const struct td_cli *cli, struct house *house, const struct td_net_address *http)
{
	const struct td_server_seams seams = {
		.clock = &td_clock_real,
		.random = &td_random_real,
		.disk = &td_disk_real,
		.net = &house->net,
		.commits = td_task_pool_tasks(house->commits),
		.chores = td_task_pool_tasks(house->chores),
		.work = td_task_pool_tasks(house->work),
	};
	const struct td_server_settings settings = {.data = td_cli_text(cli, "data"),
		.http = http,
		.http_count = 1,
		.log = {say, NULL}};
	struct td_error err = TD_ERROR_INIT;
	int code, closed;

	if (td_server_open(&house->server, &seams, &settings, NULL, &err) != 0)
		return td_cli_fail(cli, &err, NULL, "serve");
	catch_signals(house->server);
	code = ready(cli, house, settings.data);
	if (code != 0)
		td_server_stop(house->server);
	closed = live(cli, house);
	code = code != 0 ? code : closed;
	running = NULL;
	closed = td_server_close(house->server, &err);
	if (closed != 0 && code == 0)
		code = td_cli_fail(cli, &err, NULL, "the store was not closed");
	return code;
}

static int run(struct td_cli *cli)
{
	struct td_error err = TD_ERROR_INIT;
	struct house house = {.loop = NULL};
	struct td_net_address http;
	int code;

	if (td_net_address_parse(td_text(td_cli_text(cli, "http")), &http, &err) != 0)
		return td_cli_fail(cli, &err, "--http 127.0.0.1:8222", "--http");
	if (!td_net_address_is_loopback(&http))
		return td_cli_refuse(cli, TD_E_INVALID, "--http 127.0.0.1:8222",
			"--http %s can be reached from elsewhere, and nobody would be asked who "
			"they are",
			td_cli_text(cli, "http"));
	code = house_open(&house, &err);
	if (code != 0)
		code = td_cli_fail(cli, &err, NULL, "serve");
	else
		code = serve(cli, &house, &http);
	house_close(&house);
	return code;
}

static const struct td_cli_option options[] = {
	{.name = "data",
		.letter = 'd',
		.kind = TD_CLI_DIRECTORY,
		.value = "DIR",
		.fallback = "tidings-data",
		.what = "where the store is, made if it is not there"},
	{.name = "http",
		.kind = TD_CLI_TEXT,
		.value = "HOST:PORT",
		.fallback = "127.0.0.1:8222",
		.what = "where it listens for HTTP; port 0: any that is free"},
	{.name = "ready-fd",
		.kind = TD_CLI_NUMBER,
		.value = "N",
		.what = "write {\"http\":\"HOST:PORT\"} there once it serves"},
};

const struct td_cli_verb td_cli_verb_serve = {
	.name = "serve",
	.line = "Be a server",
	.group = TD_CLI_SERVER,
	.first = true,
	.words = "",
	.common = TD_CLI_OUTPUT,
	.options = options,
	.options_count = sizeof(options) / sizeof(options[0]),
	.more = "It runs until SIGTERM or Ctrl-C, then answers what was asked and closes the "
		"store. What it "
		"has acknowledged is on disk, so it may be killed, too.\n\n"
		"Exit code 6: the store is damaged; 7: the disk failed. Who starts it again has to "
		"look "
		"at it first.",
	.examples = {"tidings serve", "tidings serve --data /var/lib/tidings --http 127.0.0.1:8000",
		"tidings serve --http 127.0.0.1:0 --ready-fd 3"},
	.run = run,
};
