#include "cli/cli.h"

#include <getopt.h>
#include <stdio.h>
#include <tidings/tidings.h>

/*
 * tidings backup DIR TO: a copy of a store that nobody has open. Who has it open makes the copy
 * itself (td_backup()), without closing it.
 */

static const char usage_text[] =
	"usage: tidings backup [--check] DIR TO\n"
	"  Copies the store DIR to the directory TO; what an earlier backup there copied is not "
	"copied again.\n"
	"  --check  reads that, too, and copies again what is not as it was\n"
	"  Exit: 0; 1 refused, or another process has the store open; 6 the store is damaged; 7 a "
	"disk failed;\n"
	"  2 usage.\n";

static int copy(const char *from, const char *to, const struct td_backup_options *options)
{
	const struct td_options open = {.flags = TD_NO_THREADS | TD_MUST_EXIST};
	struct td_error err = TD_ERROR_INIT;
	struct td_backup_report report;
	char url[4096];
	struct td *td;
	int code;

	if ((size_t)snprintf(url, sizeof(url), "file:%s", from) >= sizeof(url)) {
		fprintf(stderr, "tidings backup: the path of the store is too long\n");
		return 2;
	}
	code = td_open(&td, url, &open, &err);
	if (code == TD_E_HELD)
		fprintf(stderr,
			"tidings backup: only the process that has a store open can copy it: have "
			"it call td_backup(), or end it\n");
	if (code != 0)
		return td_cli_failed("backup", &err);
	code = td_backup(td, to, options, &report, &err);
	if (code == 0)
		printf("%s: positions up to %llu: %llu files, %llu bytes, %llu of them copied "
		       "now%s\n",
			to, (unsigned long long)report.position - 1,
			(unsigned long long)report.files, (unsigned long long)report.bytes,
			(unsigned long long)report.bytes_copied,
			report.resumed ? "; one that was cut off was gone on with" : "");
	td_close(td);
	return code == 0 ? 0 : td_cli_failed("backup", &err);
}

int td_cli_backup(int argc, char **argv)
{
	static const struct option known[] = {{"check", no_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	struct td_backup_options options = {.check = false};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option != 'c') {
			fputs(usage_text, option == 'h' ? stdout : stderr);
			return option == 'h' ? 0 : 2;
		}
		options.check = true;
	}
	if (optind + 2 != argc) {
		fputs(usage_text, stderr);
		return 2;
	}
	return copy(argv[optind], argv[optind + 1], &options);
}
