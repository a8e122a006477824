#include "cli/cli.h"

#include <stdio.h>
#include <string.h>
#include <tidings/tidings.h>

struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *what;
};

static const struct verb verbs[] = {
	{"backup", td_cli_backup, "copy a store; again: what is new alone"},
	{"inspect", td_cli_inspect, "show what stands in a store's files, record by record"},
	{"restore", td_cli_restore, "make a store from a backup, verified"},
	{"verify", td_cli_verify, "look at every byte of a store, and say what is wrong"},
};

#define VERBS (sizeof(verbs) / sizeof(verbs[0]))

static int usage(FILE *out)
{
	fprintf(out, "usage: tidings VERB [...]\n\n");
	for (size_t i = 0; i < VERBS; i++)
		fprintf(out, "  %-10s %s\n", verbs[i].name, verbs[i].what);
	fprintf(out, "\n\"tidings VERB --help\" tells the rest.\n");
	return out == stdout ? 0 : 2;
}

int td_cli_failed(const char *verb, const struct td_error *err)
{
	fprintf(stderr, "tidings %s: %s\n", verb, err->text);
	return td_error_exit(err->code);
}

void td_cli_json(const char *text, unsigned long long len)
{
	putchar('"');
	for (unsigned long long i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c >= 0x7F)
			printf("\\u%04x", c); /* a byte each: what stands there need not be text */
		else
			putchar(c);
	}
	putchar('"');
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return usage(stderr);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
		return usage(stdout);
	for (size_t i = 0; i < VERBS; i++) {
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr, "tidings: no verb %s\n", argv[1]);
	return usage(stderr);
}
