#include "cli/cli.h"

/* tidings version. */

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

static int run(struct td_cli *cli)
{
	if (cli->json)
		printf("{\"version\":\"%s\",\"compiler\":\"%s\"}\n", TD_CLI_VERSION, COMPILER);
	else
		printf("tidings %s\n", TD_CLI_VERSION);
	return 0;
}

const struct td_cli_verb td_cli_verb_version = {
	.name = "version",
	.line = "Say which version this is",
	.group = TD_CLI_HELP,
	.words = "",
	.common = TD_CLI_OUTPUT,
	.examples = {"tidings version", "tidings version --json"},
	.run = run,
};
