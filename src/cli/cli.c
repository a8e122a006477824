#include "cli/cli.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"

/* --- what was given ----------------------------------------------------------------------- */

bool td_cli_flag(const struct td_cli *cli, const char *name)
{
	return td_cli_line_given(&cli->line, name) != NULL;
}

const char *td_cli_text(const struct td_cli *cli, const char *name)
{
	const struct td_cli_given *given = td_cli_line_given(&cli->line, name);

	if (given != NULL)
		return given->text;
	return td_cli_option_find(cli->line.verb, name, strlen(name))->fallback;
}

uint64_t td_cli_number(const struct td_cli *cli, const char *name, uint64_t otherwise)
{
	const struct td_cli_given *given = td_cli_line_given(&cli->line, name);
	const struct td_cli_option *option;
	uint64_t number = otherwise;
	const char *why;

	if (given != NULL)
		return given->number;
	option = td_cli_option_find(cli->line.verb, name, strlen(name));
	if (option->fallback != NULL)
		TD_ASSERT(td_cli_value_read(option, option->fallback, &number, &why));
	return number;
}

size_t td_cli_texts(const struct td_cli *cli, const char *name, const char **texts, size_t max)
{
	const struct td_cli_option *option = td_cli_option_find(cli->line.verb, name, strlen(name));
	size_t count = 0;

	TD_ASSERT(option != NULL && option->many);
	for (size_t i = 0; i < cli->line.given_count && count < max; i++) {
		if (cli->line.given[i].option == option)
			texts[count++] = cli->line.given[i].text;
	}
	return count;
}

const char *td_cli_word(const struct td_cli *cli, size_t i)
{
	return i < cli->line.words_count ? cli->line.words[i] : NULL;
}

/* --- the world around --------------------------------------------------------------------- */

static unsigned width_of(int descriptor)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	unsigned long width = columns != NULL ? strtoul(columns, NULL, 10) : 0;

	if (width == 0 && ioctl(descriptor, TIOCGWINSZ, &size) == 0)
		width = size.ws_col;
	if (width == 0)
		width = 80;
	return width < 40 ? 40 : width > 1000 ? 1000 : (unsigned)width;
}

/* https://no-color.org: set and not empty. */
static bool colours_wanted(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return (no == NULL || no[0] == '\0') && (term == NULL || strcmp(term, "dumb") != 0);
}

void td_cli_look_around(struct td_cli *cli)
{
	struct timespec now;

	memset(cli, 0, sizeof(*cli));
	cli->terminal = isatty(STDOUT_FILENO) == 1;
	cli->err_terminal = isatty(STDERR_FILENO) == 1;
	cli->colour = cli->terminal && colours_wanted();
	cli->err_colour = cli->err_terminal && colours_wanted();
	cli->width = width_of(STDOUT_FILENO);
	clock_gettime(CLOCK_REALTIME, &now);
	cli->now = (td_time)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t td_cli_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	(void)number;
	if (interrupted != 0)
		_exit(130); /* twice: at once */
	interrupted = 1;
}

void td_cli_catch_interrupts(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool td_cli_interrupted(void)
{
	return interrupted != 0;
}

/* --- one command line --------------------------------------------------------------------- */

/* What is said of output counts from the first word on, also where the rest cannot be read. */
static void output_by_line(struct td_cli *cli, int argc, const char *const *argv)
{
	const struct td_cli_verb *verb = cli->line.verb;
	const struct td_cli_given *color;

	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
		cli->json |= strcmp(argv[i], "--json") == 0;
	if (verb == NULL || (verb->common & TD_CLI_OUTPUT) == 0)
		return;
	color = td_cli_line_given(&cli->line, "color");
	if (color != NULL && color->number > 0)
		cli->colour = cli->err_colour = color->number == 1;
}

static int run(struct td_cli *cli, int argc, const char *const *argv)
{
	struct td_cli_fault fault = TD_CLI_FAULT_INIT;
	int code = td_cli_line_read(&cli->line, td_cli_verbs, argc, argv, &fault);

	output_by_line(cli, argc, argv);
	if (code != 0)
		return td_cli_refuse(cli, code, fault.hint, "%s", fault.err.text);
	if (cli->line.verb == NULL) {
		if (!cli->line.help)
			return td_cli_refuse(cli, TD_E_INVALID, "tidings --help shows the verbs",
				"a verb is missing");
		td_cli_help_first(cli);
		return 0;
	}
	if (cli->line.help) {
		td_cli_help_verb(cli, cli->line.verb);
		return 0;
	}
	return cli->line.verb->run(cli);
}

int td_cli_main(int argc, const char *const *argv)
{
	struct td_cli cli;
	int code;

	td_cli_look_around(&cli);
	code = run(&cli, argc, argv);
	if (fflush(stdout) != 0 || ferror(stdout) != 0) {
		code = code != 0 ? code : 1;
		td_cli_note(&cli, "tidings: standard output cannot be written");
	}
	return code;
}
