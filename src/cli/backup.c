#include "cli/cli.h"

/*
 * tidings backup DIR TO: a copy of a store that nobody has open. Who has it open makes the copy
 * itself (td_backup()), without closing it.
 */

struct copying {
	struct td_cli_progress progress;
};

static bool on_progress(void *arg, uint64_t bytes)
{
	struct copying *copying = arg;

	td_cli_progress_at(&copying->progress, bytes / 1024);
	return !td_cli_interrupted();
}

static void put_report(
	const struct td_cli *cli, const char *to, const struct td_backup_report *report)
{
	if (cli->json) {
		printf("{\"to\":");
		td_cli_json_string(to);
		printf(",\"position\":%llu,\"files\":%llu,\"bytes\":%llu,\"bytes_copied\":%llu,"
		       "\"resumed\":%s}\n",
			(unsigned long long)report->position, (unsigned long long)report->files,
			(unsigned long long)report->bytes, (unsigned long long)report->bytes_copied,
			report->resumed ? "true" : "false");
		return;
	}
	printf("%s: positions up to %llu: %llu files, %llu bytes, %llu of them copied now%s\n", to,
		(unsigned long long)report->position - 1, (unsigned long long)report->files,
		(unsigned long long)report->bytes, (unsigned long long)report->bytes_copied,
		report->resumed ? "; one that was cut off was gone on with" : "");
}

static int run(struct td_cli *cli)
{
	const struct td_options open = {.flags = TD_NO_THREADS | TD_MUST_EXIST};
	const char *from = td_cli_word(cli, 0), *to = td_cli_word(cli, 1);
	struct copying copying;
	struct td_backup_options options = {
		.check = td_cli_flag(cli, "check"), .progress = on_progress, .arg = &copying};
	struct td_error err = TD_ERROR_INIT;
	struct td_backup_report report;
	char url[4096];
	struct td *td;
	int code;

	if ((size_t)snprintf(url, sizeof(url), "file:%s", from) >= sizeof(url))
		return td_cli_refuse(cli, TD_E_INVALID, NULL, "the path of the store is too long");
	code = td_open(&td, url, &open, &err);
	if (code != 0)
		return td_cli_fail(cli, &err,
			code == TD_E_HELD ? "only the process that has a store open can copy it: "
					    "have it call td_backup(), or end it"
					  : NULL,
			"backup of %s", from);
	td_cli_catch_interrupts();
	td_cli_progress_begin(&copying.progress, cli, "backup", "KiB", 0);
	code = td_backup(td, to, &options, &report, &err);
	td_cli_progress_end(&copying.progress);
	if (code == 0)
		put_report(cli, to, &report);
	else
		code = td_cli_fail(cli, &err, NULL, "backup of %s to %s", from, to);
	td_close(td);
	return code;
}

static const struct td_cli_option options[] = {
	{.name = "check",
		.kind = TD_CLI_FLAG,
		.what = "read what an earlier backup copied, and copy again what is not as it was"},
};

const struct td_cli_verb td_cli_verb_backup = {
	.name = "backup",
	.line = "Copy a store; again: what is new alone",
	.group = TD_CLI_STORE,
	.words = "DIR TO",
	.words_min = 2,
	.words_max = 2,
	.common = TD_CLI_OUTPUT,
	.options = options,
	.options_count = 1,
	.more = "The store in the directory DIR is copied to the directory TO, which is made if it "
		"is "
		"not there; of what an earlier backup copied there, what is new alone.\n\n"
		"No process may have the store open: one that has makes the copy itself, with "
		"td_backup(), without closing it.",
	.examples = {"tidings backup data /mnt/backup/data",
		"tidings backup --check data /mnt/backup/data"},
	.run = run,
};
