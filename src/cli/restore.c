#include "cli/cli.h"

/* tidings restore FROM TO: a store from a backup, verified. */

static bool on_progress(void *arg, uint64_t bytes)
{
	td_cli_progress_at(arg, bytes / 1024);
	return !td_cli_interrupted();
}

static int run(struct td_cli *cli)
{
	const char *from = td_cli_word(cli, 0), *to = td_cli_word(cli, 1);
	struct td_cli_progress progress;
	struct td_backup_options options = {
		.check = td_cli_flag(cli, "check"), .progress = on_progress, .arg = &progress};
	struct td_error err = TD_ERROR_INIT;
	struct td_backup_report report;
	int code;

	if (options.check == (to != NULL))
		return td_cli_refuse(cli, TD_E_INVALID,
			"tidings restore FROM TO, or tidings restore --check FROM",
			options.check ? "restore --check makes nothing: %s is a word too many"
				      : "restore %s: to where?",
			options.check ? to : from);
	td_cli_catch_interrupts();
	td_cli_progress_begin(&progress, cli, "restore", "KiB", 0);
	code = td_restore(from, to, &options, &report, &err);
	td_cli_progress_end(&progress);
	if (code != 0)
		return td_cli_fail(cli, &err, NULL, "restore from %s", from);
	if (cli->json) {
		printf("{\"to\":");
		td_cli_json_string(to != NULL ? to : from);
		printf(",\"position\":%llu,\"files\":%llu,\"bytes\":%llu}\n",
			(unsigned long long)report.position, (unsigned long long)report.files,
			(unsigned long long)report.bytes);
		return 0;
	}
	printf("%s: positions up to %llu: %llu files, %llu bytes, %s\n", to != NULL ? to : from,
		(unsigned long long)report.position - 1, (unsigned long long)report.files,
		(unsigned long long)report.bytes, to != NULL ? "verified" : "as they were copied");
	return 0;
}

static const struct td_cli_option options[] = {
	{.name = "check",
		.kind = TD_CLI_FLAG,
		.what = "read the backup and compare its digests, and make nothing"},
};

const struct td_cli_verb td_cli_verb_restore = {
	.name = "restore",
	.line = "Make a store from a backup, verified",
	.group = TD_CLI_STORE,
	.words = "FROM [TO]",
	.words_min = 1,
	.words_max = 2,
	.common = TD_CLI_OUTPUT,
	.options = options,
	.options_count = 1,
	.more = "A store is made in the directory TO, which is empty or not there. All of it is "
		"verified "
		"before it can be opened.",
	.examples = {"tidings restore /mnt/backup/data data",
		"tidings restore --check /mnt/backup/data"},
	.run = run,
};
