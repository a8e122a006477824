#include "cli/cli.h"

#include <string.h>

/* Help of people, made of the table. Manual pages of the same: page.c. */

static const char *const groups[TD_CLI_GROUPS] = {"Events", "A server", "A store", "Help"};

const char *td_cli_group_name(enum td_cli_group group)
{
	return groups[group];
}

static void put_verbs(const struct td_cli *cli, enum td_cli_group group, bool first)
{
	for (size_t i = 0; td_cli_verbs[i] != NULL; i++) {
		const struct td_cli_verb *verb = td_cli_verbs[i];
		char name[32];

		if (verb->group != group || (first && !verb->first))
			continue;
		snprintf(name, sizeof(name), "  %-12s", verb->name);
		td_cli_put(cli, TD_CLI_NAME, name);
		printf(" %s\n", verb->line);
	}
}

void td_cli_help_first(const struct td_cli *cli)
{
	bool more = false;

	printf("Tidings: you announce the news once, and anyone interested can read it.\n\n");
	td_cli_put(cli, TD_CLI_BOLD, "tidings VERB [OPTION]... [WORD]...\n\n");
	for (int group = 0; group < TD_CLI_GROUPS; group++)
		put_verbs(cli, (enum td_cli_group)group, true);
	printf("\nAlso: ");
	for (size_t i = 0; td_cli_verbs[i] != NULL; i++) {
		if (td_cli_verbs[i]->first)
			continue;
		printf("%s%s", more ? " " : "", td_cli_verbs[i]->name);
		more = true;
	}
	printf("\n\n\"tidings help VERB\" tells of one, \"tidings help\" of all.\n");
}

/* Text in lines of at most 78 characters, each begun with `indent` blanks. */
static void put_paragraph(const char *text, size_t len, size_t indent)
{
	size_t column = 0;

	for (size_t i = 0; i < len;) {
		size_t word = strcspn(text + i, " \n");

		word = word < len - i ? word : len - i;
		if (word > 0) {
			if (column > 0 && column + 1 + word > 78) {
				putchar('\n');
				column = 0;
			}
			column += (size_t)printf(
				"%*s%.*s", column == 0 ? (int)indent : 1, "", (int)word, text + i);
		}
		i += word + 1;
	}
	putchar('\n');
}

static void put_more(const char *more)
{
	while (more != NULL && *more != '\0') {
		const char *end = strstr(more, "\n\n");
		size_t len = end != NULL ? (size_t)(end - more) : strlen(more);

		putchar('\n');
		put_paragraph(more, len, 0);
		more = end != NULL ? end + 2 : NULL;
	}
}

static void put_option(const struct td_cli *cli, const struct td_cli_option *option)
{
	char name[64], line[400];

	if (option->letter != 0)
		snprintf(name, sizeof(name), "  -%c, --%s%s%s", option->letter, option->name,
			option->value != NULL ? " " : "",
			option->value != NULL ? option->value : "");
	else
		snprintf(name, sizeof(name), "      --%s%s%s", option->name,
			option->value != NULL ? " " : "",
			option->value != NULL ? option->value : "");
	td_cli_put(cli, TD_CLI_NAME, name);
	snprintf(line, sizeof(line), "%s%s%s%s", option->what, option->fallback != NULL ? " (" : "",
		option->fallback != NULL ? option->fallback : "",
		option->fallback != NULL ? ")" : "");
	if (strlen(name) <= 24 && strlen(line) <= 54) {
		printf("%*s%s\n", (int)(26 - strlen(name)), "", line);
		return;
	}
	putchar('\n');
	put_paragraph(line, strlen(line), 10);
}

void td_cli_help_verb(const struct td_cli *cli, const struct td_cli_verb *verb)
{
	const struct td_cli_option *option;

	td_cli_put(cli, TD_CLI_BOLD, "tidings ");
	td_cli_put(cli, TD_CLI_BOLD, verb->name);
	printf(" [OPTION]...%s%s\n\n%s.\n", verb->words[0] != '\0' ? " " : "", verb->words,
		verb->line);
	put_more(verb->more);
	putchar('\n');
	for (size_t i = 0; (option = td_cli_verb_option(verb, i)) != NULL; i++)
		put_option(cli, option);
	putchar('\n');
	for (size_t i = 0; i < 3 && verb->examples[i] != NULL; i++) {
		printf("  $ ");
		td_cli_put(cli, TD_CLI_BOLD, verb->examples[i]);
		putchar('\n');
	}
}

static int help(struct td_cli *cli)
{
	const char *word = td_cli_word(cli, 0);

	if (td_cli_flag(cli, "mdoc")) {
		const struct td_cli_verb *verb =
			word != NULL ? td_cli_verb_find(td_cli_verbs, word) : NULL;

		td_cli_help_page(verb, TD_CLI_VERSION);
		return 0;
	}
	if (word != NULL) {
		struct td_cli_line line;
		struct td_cli_fault fault = TD_CLI_FAULT_INIT;
		const char *const argv[] = {word, "--help"};
		int code = td_cli_line_read(&line, td_cli_verbs, 2, argv, &fault);

		if (code != 0 || line.verb == NULL)
			return td_cli_refuse(cli, TD_E_INVALID, fault.hint, "%s",
				code != 0 ? fault.err.text : "that is no verb");
		td_cli_help_verb(cli, line.verb);
		return 0;
	}
	for (int group = 0; group < TD_CLI_GROUPS; group++) {
		td_cli_put(cli, TD_CLI_BOLD, groups[group]);
		putchar('\n');
		put_verbs(cli, (enum td_cli_group)group, false);
		putchar('\n');
	}
	printf("\"tidings help VERB\" tells the rest of one.\n");
	return 0;
}

static const struct td_cli_option options[] = {
	{.name = "mdoc", .kind = TD_CLI_FLAG, .what = "as the source of a manual page"},
};

const struct td_cli_verb td_cli_verb_help = {
	.name = "help",
	.line = "Say what a verb does, or show all verbs",
	.group = TD_CLI_HELP,
	.words = "[VERB]",
	.words_max = 1,
	.common = TD_CLI_OUTPUT,
	.options = options,
	.options_count = 1,
	.examples = {"tidings help", "tidings help publish", "tidings help --color always logs"},
	.run = help,
};
