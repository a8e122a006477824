#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/settings.h"

/*
 * tidings serve: the server, on this machine's clock, disk and net.
 *
 *	settings -> open (recovers the store) -> listen -> ready -> turns ... SIGTERM: stop -> what was asked
 *	is answered -> closed;  SIGHUP: read all settings again
 */

/* --- who waits for it --------------------------------------------------------------------- */

/* {"http":"HOST:PORT"} to who waits for it. 0, or the exit code. */
static int tell_ready(const struct td_cli *cli, const struct td_host *host)
{
	const struct td_setting_value *fd =
		td_settings_value(td_host_settings(host), TD_SET_READY_FD);
	struct td_net_address address;
	char http[TD_NET_ADDRESS_BYTES], line[128];

	if (!fd->set)
		return 0;
	if (!td_host_http(host, 0, &address))
		return td_cli_refuse(cli, 0, NULL, "serve: it does not listen");
	snprintf(line, sizeof(line), "{\"http\":\"%s\"}\n", td_net_address_format(&address, http));
	if (write((int)fd->number, line, strlen(line)) != (ssize_t)strlen(line))
		return td_cli_refuse(cli, 0, NULL, "--ready-fd %s cannot be written: %s",
			fd->text.at, strerror(errno));
	if (fd->number > 2)
		close((int)fd->number); /* who reads it sees its end */
	return 0;
}

/* --- its life ----------------------------------------------------------------------------- */

static struct td_host *_Atomic running;

static void on_signal(int number)
{
	struct td_host *host = running;

	if (host == NULL)
		return;
	if (number == SIGHUP)
		td_host_ask_reload(host);
	else
		td_host_ask_stop(host);
}

static void catch_signals(struct td_host *host)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	running = host;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
}

static int live(const struct td_cli *cli, struct td_host *host)
{
	struct td_error err = TD_ERROR_INIT;
	enum td_server_state state;

	do
		state = td_host_turn(host);
	while (state == TD_SERVER_RUNS);
	if (state != TD_SERVER_FAILED)
		return 0;
	td_server_failed(td_host_server(host), &err);
	return td_cli_fail(cli, &err, NULL, "the server has to end");
}

static int serve(const struct td_cli *cli, const struct td_host_options *options)
{
	struct td_error err = TD_ERROR_INIT;
	struct td_host *host;
	int code, closed;

	if (td_host_open(&host, options, &err) != 0)
		return td_cli_fail(cli, &err, NULL, "serve");
	catch_signals(host);
	code = tell_ready(cli, host);
	if (code != 0)
		td_host_ask_stop(host);
	closed = live(cli, host);
	code = code != 0 ? code : closed;
	running = NULL;
	closed = td_host_close(host, &err);
	if (closed != 0 && code == 0)
		code = td_cli_fail(cli, &err, NULL, "the store was not closed");
	return code;
}

static int run(struct td_cli *cli)
{
	struct td_setting_given given[TD_SETTINGS];
	struct td_error err = TD_ERROR_INIT;
	struct td_supervisor supervisor;
	struct td_host_options options = {
		.flags = given,
		.flags_count = td_cli_settings_given(cli, given),
		.environment = (const char *const *)environ,
		.supervisor = &supervisor,
		.say = td_process_say,
		/* systemd reads the level in front of a line; it says so where it reads. */
		.journal = getenv("JOURNAL_STREAM") != NULL,
	};
	int code;

	if (td_cli_flag(cli, "check-config")) {
		if (td_host_check(&options, NULL, &err) != 0)
			return td_cli_fail(cli, &err, NULL, "serve");
		td_cli_note(cli, "the settings, and the files that they name, are well");
		return 0;
	}
	td_process_prepare();
	if (td_supervisor_real_open(&supervisor, &err) != 0)
		return td_cli_fail(cli, &err, NULL, "serve");
	code = serve(cli, &options);
	td_supervisor_real_close(&supervisor);
	return code;
}

const struct td_cli_verb td_cli_verb_serve = {
	.name = "serve",
	.line = "Be a server",
	.group = TD_CLI_SERVER,
	.first = true,
	.words = "",
	.common = TD_CLI_OUTPUT,
	.options = td_cli_settings,
	.options_count = TD_SETTINGS,
	.more = "It runs until SIGTERM or Ctrl-C, then answers what was asked and closes the "
		"store. What it "
		"has acknowledged is on disk, so it may be killed, too.\n\n"
		"Each option may also be said in the environment, as TIDINGS_HEAD_TIME for "
		"--head-time, or in the file of --config, as `head-time = 10s`, where logs are "
		"described, too: tidings.conf(5). An option beats the environment beats the file. "
		"SIGHUP has it read all of that again, and users and certificates with it: all "
		"takes effect, or nothing and it says why.\n\n"
		"Exit code 6: the store is damaged; 7: the disk failed. Who starts it again has to "
		"look "
		"at it first.",
	.examples = {"tidings serve", "tidings serve --data /var/lib/tidings --http 127.0.0.1:8000",
		"tidings serve --config /etc/tidings/tidings.conf --check-config"},
	.run = run,
};
