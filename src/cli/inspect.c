#include "cli/cli.h"
#include "journal/journal.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * tidings inspect DIR: the segments of a store and the records in them, without changing a byte. What
 * cannot be read is named, and the rest is shown.
 */

struct request {
	const struct td_cli *cli;
	bool json;
	unsigned long long from, limit;
	const char *path;
};

static const char *const kinds[] = {
	"?", "hole", "event", "removal", "tops", "note", "store", "keys", "known"};

static const char *kind_of(const struct td_record *record)
{
	size_t kind = record->body.len > 0 ? (unsigned char)record->body.at[0] : 0;

	return kind < sizeof(kinds) / sizeof(kinds[0]) ? kinds[kind] : kinds[0];
}

static void show_record(const struct request *request, const struct td_record *record)
{
	printf(request->json ? "{\"record\":%llu,\"count\":%llu,\"kind\":\"%s\",\"bytes\":%zu,"
			       "\"time\":%lld,\"body\":"
			     : "%llu\t%llu\t%s\t%zu B\t%lld\t",
		(unsigned long long)record->position, (unsigned long long)record->count,
		kind_of(record), record->body.len, (long long)record->time);
	if (request->json) {
		td_cli_json(record->body.at, record->body.len);
		printf("}\n");
		return;
	}
	for (size_t i = 0; i < record->body.len; i++) {
		unsigned char c = (unsigned char)record->body.at[i];

		putchar(c >= 0x20 && c < 0x7F ? c : '.');
	}
	putchar('\n');
}

static void show_segments(const struct request *request, const struct td_journal *journal)
{
	static struct td_segment_info segments[4096];
	size_t count = td_journal_segments(journal, segments, 4096);

	for (size_t i = 0; i < count && i < 4096; i++) {
		const struct td_segment_info *s = &segments[i];

		printf(request->json
				? "{\"segment\":%u,\"base\":%llu,\"next\":%llu,\"bytes\":%llu,"
				  "\"used\":%llu,\"rewritten\":%u,\"sealed\":%s}\n"
				: "segment %u\tpositions %llu to below %llu\t%llu B\t%llu used\t"
				  "rewritten %u\t%s\n",
			s->number, (unsigned long long)s->base, (unsigned long long)s->next,
			(unsigned long long)s->bytes, (unsigned long long)s->used, s->rewritten,
			request->json ? (s->sealed ? "true" : "false")
				      : (s->sealed ? "sealed" : "active"));
	}
}

static int show_records(const struct request *request, struct td_journal *journal)
{
	struct td_scan scan = TD_SCAN_AT(request->from);
	struct td_error err = TD_ERROR_INIT;
	unsigned long long shown = 0;
	int worst = 0;

	while (request->limit == 0 || shown < request->limit) {
		struct td_record record;
		uint64_t lost_to = 0;
		int code = td_journal_scan(journal, &scan, &record, &lost_to, &err);

		if (code == 0) {
			show_record(request, &record);
			shown++;
		} else if (code == TD_E_DAMAGED) {
			worst = td_cli_fail(request->cli, &err, NULL, "%s", request->path);
			td_scan_seek(&scan, lost_to + 1);
		} else {
			if (code != TD_E_NOT_FOUND)
				worst = td_cli_fail(request->cli, &err, NULL, "%s", request->path);
			break;
		}
	}
	td_scan_fini(&scan);
	return worst;
}

static int run(struct td_cli *cli)
{
	const struct request request = {.cli = cli,
		.json = cli->json,
		.from = td_cli_number(cli, "from", 1),
		.limit = td_cli_number(cli, "limit", 0),
		.path = td_cli_word(cli, 0)};
	struct td_journal_options options = {
		.disk = &td_disk_real,
		.clock = &td_clock_real,
		.random = &td_random_real,
		.read_only = true,
	};
	struct td_error err = TD_ERROR_INIT;
	struct td_recovery report;
	struct td_journal *journal;
	int code;

	if (request.from == 0)
		return td_cli_refuse(cli, TD_E_INVALID, "tidings inspect --from 1 DIR",
			"--from 0: positions begin at 1");
	code = td_journal_open(&journal, request.path, &options, &report, &err);
	if (code != 0)
		return td_cli_fail(cli, &err, NULL, "%s", request.path);
	show_segments(&request, journal);
	code = show_records(&request, journal);
	td_journal_abandon(journal);
	return code;
}

static const struct td_cli_option options[] = {
	{.name = "from",
		.letter = 'f',
		.kind = TD_CLI_NUMBER,
		.value = "POSITION",
		.fallback = "1",
		.what = "the first position to show"},
	{.name = "limit",
		.letter = 'n',
		.kind = TD_CLI_NUMBER,
		.value = "N",
		.what = "so many records at most"},
};

const struct td_cli_verb td_cli_verb_inspect = {
	.name = "inspect",
	.line = "Show what stands in a store's files, record by record",
	.group = TD_CLI_STORE,
	.words = "DIR",
	.words_min = 1,
	.words_max = 1,
	.common = TD_CLI_OUTPUT,
	.options = options,
	.options_count = sizeof(options) / sizeof(options[0]),
	.more = "The segments of the store in the directory DIR, then the records in their order: "
		"position, how many positions it stands for, kind, length, time in nanoseconds, "
		"and the "
		"bytes, what cannot be printed as dots. What cannot be read is named, and the rest "
		"is "
		"shown.\n\n"
		"Nothing is changed. No process needs to have the store open, and one may.",
	.examples = {"tidings inspect data", "tidings inspect --from 1000 --limit 10 --json data"},
	.run = run,
};
