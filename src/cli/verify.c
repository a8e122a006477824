#include "cli/cli.h"
#include "journal/journal.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

/*
 * tidings verify DIR: every byte of a store, without changing one.
 */

static const char usage_text[] =
	"usage: tidings verify [--json] DIR\n"
	"  Reads all of a store and says what is wrong, with file, offset and positions. Changes "
	"nothing.\n"
	"  --json  one object a line\n"
	"  Exit: 0 all is proven, or rewritten by a rule; 6 damaged; 2 usage; 1 cannot be read.\n";

struct report {
	bool json;
	size_t damages;
};

static const char *kind_name(enum td_finding_kind kind)
{
	switch (kind) {
	case TD_FINDING_SEGMENT:
		return "segment";
	case TD_FINDING_REWRITTEN:
		return "rewritten";
	case TD_FINDING_TAIL:
		return "tail";
	case TD_FINDING_DAMAGE:
		break;
	}
	return "damage";
}

static void as_json(const struct td_finding *f)
{
	printf("{\"kind\":\"%s\",\"file\":", kind_name(f->kind));
	td_cli_json(f->file, strlen(f->file));
	printf(",\"offset\":%llu,\"bytes\":%llu,\"from\":%llu,\"to\":%llu,\"what\":",
		(unsigned long long)f->offset, (unsigned long long)f->bytes,
		(unsigned long long)f->position_from, (unsigned long long)f->position_to);
	td_cli_json(f->what, strlen(f->what));
	printf("}\n");
}

static void found(void *arg, const struct td_finding *f)
{
	struct report *report = arg;
	struct td_finding shown = *f;

	report->damages += f->kind == TD_FINDING_DAMAGE;
	if (shown.file == NULL)
		shown.file = "-";
	if (shown.what == NULL)
		shown.what = "";
	if (report->json)
		as_json(&shown);
	else
		printf("%-9s\t%s\toffset %llu, %llu bytes\tpositions %llu to %llu\t%s\n",
			kind_name(shown.kind), shown.file, (unsigned long long)shown.offset,
			(unsigned long long)shown.bytes, (unsigned long long)shown.position_from,
			(unsigned long long)shown.position_to, shown.what);
}

int td_cli_verify(int argc, char **argv)
{
	static const struct option known[] = {{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	struct td_error err = TD_ERROR_INIT;
	struct report report = {.json = false};
	int option, code;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option != 'j') {
			fputs(usage_text, option == 'h' ? stdout : stderr);
			return option == 'h' ? 0 : 2;
		}
		report.json = true;
	}
	if (optind + 1 != argc) {
		fputs(usage_text, stderr);
		return 2;
	}
	code = td_journal_verify(&td_disk_real, argv[optind], td_text(NULL), found, &report, &err);
	if (code != 0)
		return td_cli_failed("verify", &err);
	if (!report.json)
		printf("%s: nothing is wrong\n", argv[optind]);
	return 0;
}
