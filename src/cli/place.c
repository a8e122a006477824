#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_URL "http://127.0.0.1:8222"

const char *td_cli_url(const struct td_cli *cli)
{
	const char *url = td_cli_text(cli, "url"), *environment = getenv("TIDINGS_URL");

	if (url != NULL)
		return url;
	return environment != NULL && environment[0] != '\0' ? environment : DEFAULT_URL;
}

/* Why it could not be opened, in the words of who typed the command. */
static int not_opened(const struct td_cli *cli, const char *url, const struct td_error *err)
{
	const char *hint = NULL;

	if (td_cli_exit(err) == TD_CLI_UNREACHABLE)
		hint = "is a server there?  tidings serve      (or name another place by --url)";
	else if (err->code == TD_E_NOT_FOUND)
		hint = "nothing is stored there yet: tidings publish makes a store where --url "
		       "says file:DIR";
	else if (err->code == TD_E_INVALID || err->code == TD_E_PLACE)
		hint = "a place is http://HOST:PORT or file:DIR";
	return td_cli_fail(cli, err, hint, "%s cannot be opened", url);
}

int td_cli_open(const struct td_cli *cli, struct td **td, enum td_cli_opening opening)
{
	struct td_options options = {.source = "tidings", .flags = TD_NO_THREADS};
	struct td_error err = TD_ERROR_INIT;
	const char *url = td_cli_url(cli);

	if (strcmp(url, "mem:") == 0)
		return td_cli_refuse(cli, TD_E_PLACE, "a place is http://HOST:PORT or file:DIR",
			"mem: is forgotten when this command ends");
	if (opening == TD_CLI_LOOK)
		options.flags |= TD_READ_ONLY | TD_MUST_EXIST;
	else if (opening == TD_CLI_CHANGE)
		options.flags |= TD_MUST_EXIST;
	if (td_open(td, url, &options, &err) != 0)
		return not_opened(cli, url, &err);
	return 0;
}
