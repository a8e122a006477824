#include "cli/cli.h"

#include <getopt.h>
#include <stdio.h>
#include <tidings/tidings.h>

/*
 * tidings restore FROM TO: a store from a backup, verified.
 */

static const char usage_text[] =
	"usage: tidings restore FROM TO\n"
	"       tidings restore --check FROM\n"
	"  Makes a store in the directory TO, which is empty or not there, from the backup FROM, "
	"and "
	"verifies\n"
	"  all of it before it can be opened.\n"
	"  --check  reads the backup and compares its digests alone\n"
	"  Exit: 0; 1 refused; 6 the backup is damaged; 7 a disk failed; 2 usage.\n";

int td_cli_restore(int argc, char **argv)
{
	static const struct option known[] = {{"check", no_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
	struct td_backup_options options = {.check = false};
	struct td_error err = TD_ERROR_INIT;
	struct td_backup_report report;
	const char *from, *to;
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (option != 'c') {
			fputs(usage_text, option == 'h' ? stdout : stderr);
			return option == 'h' ? 0 : 2;
		}
		options.check = true;
	}
	if (optind + (options.check ? 1 : 2) != argc) {
		fputs(usage_text, stderr);
		return 2;
	}
	from = argv[optind];
	to = options.check ? NULL : argv[optind + 1];
	if (td_restore(from, to, &options, &report, &err) != 0)
		return td_cli_failed("restore", &err);
	printf("%s: positions up to %llu: %llu files, %llu bytes, %s\n", to != NULL ? to : from,
		(unsigned long long)report.position - 1, (unsigned long long)report.files,
		(unsigned long long)report.bytes, to != NULL ? "verified" : "as they were copied");
	return 0;
}
