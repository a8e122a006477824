#include "cli/cli.h"
#include "journal/journal.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * tidings inspect DIR: the segments of a store and the records in them, without changing a byte. What
 * cannot be read is named, and the rest is shown.
 */

static const char usage_text[] =
	"usage: tidings inspect [--json] [--from POSITION] [--limit N] DIR\n"
	"  Shows the segments of a store, then its records in their order. Changes nothing, and "
	"shows what\n"
	"  can be read of a damaged one.\n"
	"  --json      one object a line\n"
	"  --from      the first position to show (1)\n"
	"  --limit     so many records at most (all)\n"
	"  Exit: 0; 6 something cannot be read; 2 usage; 1 it is no store.\n";

struct request {
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
			worst = td_cli_failed("inspect", &err);
			td_scan_seek(&scan, lost_to + 1);
		} else {
			if (code != TD_E_NOT_FOUND)
				worst = td_cli_failed("inspect", &err);
			break;
		}
	}
	td_scan_fini(&scan);
	return worst;
}

/* 0, or the exit code. */
static int parse(struct request *request, int argc, char **argv)
{
	static const struct option known[] = {{"json", no_argument, NULL, 'j'},
		{"from", required_argument, NULL, 'f'}, {"limit", required_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option == 'j') {
			request->json = true;
		} else if (option == 'f') {
			request->from = strtoull(optarg, NULL, 10);
		} else if (option == 'l') {
			request->limit = strtoull(optarg, NULL, 10);
		} else {
			fputs(usage_text, option == 'h' ? stdout : stderr);
			return option == 'h' ? -1 : 2;
		}
	}
	if (optind + 1 != argc || request->from == 0) {
		fputs(usage_text, stderr);
		return 2;
	}
	request->path = argv[optind];
	return 0;
}

int td_cli_inspect(int argc, char **argv)
{
	struct request request = {.from = 1};
	struct td_journal_options options = {
		.disk = &td_disk_real,
		.clock = &td_clock_real,
		.random = &td_random_real,
		.read_only = true,
	};
	struct td_error err = TD_ERROR_INIT;
	struct td_recovery report;
	struct td_journal *journal;
	int code = parse(&request, argc, argv);

	if (code != 0)
		return code < 0 ? 0 : code;
	code = td_journal_open(&journal, request.path, &options, &report, &err);
	if (code != 0)
		return td_cli_failed("inspect", &err);
	show_segments(&request, journal);
	code = show_records(&request, journal);
	td_journal_abandon(journal);
	return code;
}
