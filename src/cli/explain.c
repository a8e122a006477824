#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "json/json.h"

/* tidings explain [CODE]: the one table of errors. */

static const struct code {
	int number;
	const char *name, *slug, *meaning;
	int http, exit;
} codes[] = {
#define CODE(name, number, slug, http, exit, meaning) \
	{number, "TD_E_" #name, slug, meaning, http, exit},
	TD_ERROR_TABLE(CODE)
#undef CODE
};
#define CODES (sizeof(codes) / sizeof(codes[0]))

static const struct code *find(const char *word)
{
	char *end;
	unsigned long number = strtoul(word, &end, 10);

	for (size_t i = 0; i < CODES; i++) {
		if (strcmp(word, codes[i].slug) == 0 || strcmp(word, codes[i].name) == 0 ||
			strcmp(word, codes[i].name + 5) == 0)
			return &codes[i];
		if (end != word && *end == '\0' && number == (unsigned long)codes[i].number)
			return &codes[i];
	}
	return NULL;
}

static void put_json(const struct code *code)
{
	printf("{\"code\":%d,\"name\":\"%s\",\"slug\":\"%s\",\"http\":%d,\"exit\":%d,"
	       "\"retriable\":%s,\"meaning\":",
		code->number, code->name, code->slug, code->http, code->exit,
		td_error_retriable(code->number) ? "true" : "false");
	td_cli_json_string(code->meaning);
	if (td_cli_hint(code->number) != NULL) {
		printf(",\"hint\":");
		td_cli_json_string(td_cli_hint(code->number));
	}
	printf("}\n");
}

static void put_one(const struct td_cli *cli, const struct code *code)
{
	td_cli_put(cli, TD_CLI_BOLD, code->slug);
	printf("\n  %s.\n\n  %-12s %s, %d\n  %-12s %d\n  %-12s %d\n  %-12s %s\n", code->meaning,
		"in C", code->name, code->number, "over HTTP", code->http, "exit code", code->exit,
		"again later", td_error_retriable(code->number) ? "may succeed" : "the same");
	if (td_cli_hint(code->number) != NULL)
		printf("  %-12s %s\n", "what to do", td_cli_hint(code->number));
}

static int all(const struct td_cli *cli)
{
	static const struct td_cli_column columns[] = {{.name = "CODE", .colour = TD_CLI_NAME},
		{.name = "NUMBER", .right = true}, {.name = "HTTP", .right = true},
		{.name = "EXIT", .right = true}, {.name = "MEANING"}};
	struct td_cli_table table;

	td_cli_table_begin(&table, cli, columns, 5, false);
	for (size_t i = 0; i < CODES; i++) {
		char number[12], http[12], exit_code[12];

		if (cli->json) {
			put_json(&codes[i]);
			continue;
		}
		snprintf(number, sizeof(number), "%d", codes[i].number);
		snprintf(http, sizeof(http), "%d", codes[i].http);
		snprintf(exit_code, sizeof(exit_code), "%d", codes[i].exit);
		td_cli_table_row(&table,
			(const struct td_text[]){td_text(codes[i].slug), td_text(number),
				td_text(http), td_text(exit_code), td_text(codes[i].meaning)});
	}
	return td_cli_table_end(&table);
}

static int run(struct td_cli *cli)
{
	const char *word = td_cli_word(cli, 0);
	const struct code *code;
	struct td_cli_nearest nearest = {.name = ""};
	char hint[128] = "tidings explain      shows all codes";

	if (word == NULL)
		return all(cli);
	code = find(word);
	if (code == NULL) {
		for (size_t i = 0; i < CODES; i++)
			td_cli_nearest_offer(&nearest, word, td_text(codes[i].slug));
		if (nearest.name[0] != '\0')
			snprintf(hint, sizeof(hint), "did you mean %s?", nearest.name);
		return td_cli_refuse(cli, TD_E_NOT_FOUND, hint, "there is no code \"%s\"", word);
	}
	if (cli->json)
		put_json(code);
	else
		put_one(cli, code);
	return 0;
}

const struct td_cli_verb td_cli_verb_explain = {
	.name = "explain",
	.line = "Say what an error code means, and what to do",
	.group = TD_CLI_HELP,
	.words = "[CODE]",
	.words_max = 1,
	.common = TD_CLI_OUTPUT,
	.more = "A CODE is what stands in brackets behind an error, its number, or its name in C.",
	.examples = {"tidings explain revision-conflict", "tidings explain 25", "tidings explain"},
	.run = run,
};
