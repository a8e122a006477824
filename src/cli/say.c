#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "json/json.h"

/* What to do about a code, where that does not depend on what was asked. */
static const struct {
	int code;
	const char *hint;
} hints[] = {
	{TD_E_NOMEM, "give it more memory, or ask for less at once"},
	{TD_E_JSON, "data that is not JSON needs --content-type, text/plain say"},
	{TD_E_SUBJECT, "a subject is words parted by dots, such as order.42; * and > stand in "
		       "patterns alone"},
	{TD_E_FILTER, "a filter is CESQL: \"type = 'OrderPlaced' AND total > 10\"; doc/filters.md"},
	{TD_E_TOO_LARGE, "keep large data elsewhere, and say where in dataref"},
	{TD_E_FULL, "try again in a moment"},
	{TD_E_PLACE, "tidings --help names the places; doc/places.md says what works where"},
	{TD_E_DUPLICATE, "the same id means the same event: give another --id, or none"},
	{TD_E_DISK_FULL, "make room; reading and removing go on meanwhile"},
	{TD_E_DISK, "look at the disk and its kernel messages; what was acknowledged is on it"},
	{TD_E_DAMAGED,
		"tidings verify DIR says where; tidings restore makes a store from a backup"},
	{TD_E_HELD, "one process has a store open: stop it, or speak with it by --url "
		    "http://HOST:PORT"},
	{TD_E_NEWER, "use the version that wrote it, or a newer one"},
	{TD_E_FOREIGN, "name another directory: nothing is written over"},
};

const char *td_cli_hint(int code)
{
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		if (hints[i].code == code)
			return hints[i].hint;
	}
	return NULL;
}

static bool nobody_answers(int sys_errno)
{
	return sys_errno == ECONNREFUSED || sys_errno == ETIMEDOUT || sys_errno == EHOSTUNREACH ||
	       sys_errno == ENETUNREACH || sys_errno == ECONNRESET || sys_errno == EPIPE;
}

int td_cli_exit(const struct td_error *err)
{
	if (err->code == TD_E_SYSTEM && nobody_answers(err->sys_errno))
		return TD_CLI_UNREACHABLE;
	return err->code != 0 ? td_error_exit(err->code) : 1;
}

/* One object, of text that is JSON's when it is written. */
static void say_json(int code, int exit_code, const char *text, const char *hint)
{
	struct td_buf buf = TD_BUF_INIT(65536);
	struct td_json_writer writer;

	td_json_writer_init(&writer, &buf);
	td_json_open_object(&writer);
	td_json_name(&writer, td_text("error"));
	td_json_string(&writer, td_text(code != 0 ? td_error_name(code) : "failed"));
	if (code != 0) {
		td_json_name(&writer, td_text("code"));
		td_json_i64(&writer, code);
	}
	td_json_name(&writer, td_text("exit"));
	td_json_i64(&writer, exit_code);
	td_json_name(&writer, td_text("text"));
	td_json_string(&writer, td_text(text));
	if (hint != NULL && hint[0] != '\0') {
		td_json_name(&writer, td_text("hint"));
		td_json_string(&writer, td_text(hint));
	}
	td_json_close_object(&writer);
	if (td_buf_check(&buf, NULL) == 0)
		fprintf(stderr, "%.*s\n", (int)buf.len, buf.at);
	td_buf_fini(&buf);
}

static void say(
	const struct td_cli *cli, int code, int exit_code, const char *text, const char *hint)
{
	struct td_buf shown = TD_BUF_INIT(65536);

	fflush(stdout);
	if (cli->json) {
		say_json(code, exit_code, text, hint);
		return;
	}
	td_cli_clean(&shown, td_text(text), 0);
	fprintf(stderr, "%stidings:%s %.*s", cli->err_colour ? "\033[1;31m" : "",
		cli->err_colour ? "\033[0m" : "", (int)shown.len, shown.at != NULL ? shown.at : "");
	if (code != 0)
		fprintf(stderr, " [%s]", td_error_name(code));
	fputc('\n', stderr);
	if (hint != NULL && hint[0] != '\0')
		fprintf(stderr, "  hint: %s\n", hint);
	td_buf_fini(&shown);
}

int td_cli_fail(const struct td_cli *cli, const struct td_error *err, const char *hint,
	const char *what, ...)
{
	char text[1024];
	va_list args;
	size_t len;

	va_start(args, what);
	vsnprintf(text, sizeof(text), what, args);
	va_end(args);
	len = strlen(text);
	snprintf(text + len, sizeof(text) - len, ": %s", err->text);
	say(cli, err->code, td_cli_exit(err), text, hint != NULL ? hint : td_cli_hint(err->code));
	return td_cli_exit(err);
}

int td_cli_refuse(const struct td_cli *cli, int code, const char *hint, const char *what, ...)
{
	char text[1024];
	va_list args;
	int exit_code = code != 0 ? td_error_exit(code) : 1;

	va_start(args, what);
	vsnprintf(text, sizeof(text), what, args);
	va_end(args);
	say(cli, code, exit_code, text, hint != NULL ? hint : td_cli_hint(code));
	return exit_code;
}

void td_cli_note(const struct td_cli *cli, const char *what, ...)
{
	va_list args;

	if (cli->json)
		return;
	fflush(stdout);
	va_start(args, what);
	vfprintf(stderr, what, args);
	va_end(args);
	fputc('\n', stderr);
}
