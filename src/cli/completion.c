#include "cli/cli.h"

#include <string.h>

/*
 * tidings completion bash|zsh|fish: a script for the shell, made of the table.
 *
 * The script knows verbs, options and the words of choices by itself. Names of logs it asks a place for,
 * with `tidings logs`, for at most 200 ms, and is silent if that fails.
 */

/* Text within single quotes, as shells have it. */
static void put_quoted(const char *text)
{
	putchar('\'');
	for (; *text != '\0'; text++)
		fputs(*text == '\'' ? "'\\''" : (char[]){*text, '\0'}, stdout);
	putchar('\'');
}

/* "a|b|c" as words parted by blanks. */
static void put_choices(const char *choices)
{
	for (; *choices != '\0'; choices++)
		putchar(*choices == '|' ? ' ' : *choices);
}

static void put_options(const struct td_cli_verb *verb)
{
	const struct td_cli_option *option;

	for (size_t i = 0; (option = td_cli_verb_option(verb, i)) != NULL; i++)
		printf("%s--%s", i > 0 ? " " : "", option->name);
}

/* --- bash --------------------------------------------------------------------------------- */

/* What completes the value of an option. */
static void bash_value(const struct td_cli_verb *verb, const struct td_cli_option *option)
{
	if (option->kind == TD_CLI_FLAG)
		return;
	printf("\t%s:--%s) ", verb->name, option->name);
	if (option->kind == TD_CLI_CHOICE) {
		printf("COMPREPLY=($(compgen -W '");
		put_choices(option->value);
		printf("' -- \"$cur\")) ;;\n");
	} else if (option->kind == TD_CLI_FILE) {
		printf("COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n");
	} else if (option->kind == TD_CLI_DIRECTORY) {
		printf("COMPREPLY=($(compgen -d -- \"$cur\")) ;;\n");
	} else if (strcmp(option->name, "log") == 0) {
		printf("COMPREPLY=($(compgen -W \"$(timeout 0.2 tidings logs 2>/dev/null | "
		       "cut -f1)\" -- \"$cur\")) ;;\n");
	} else {
		printf("COMPREPLY=() ;;\n");
	}
}

static void bash(void)
{
	const struct td_cli_option *option;

	printf("# bash completion for tidings: tidings completion bash\n"
	       "_tidings() {\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	       "\tCOMPREPLY=()\n"
	       "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	       "\t\tCOMPREPLY=($(compgen -W '");
	for (size_t i = 0; td_cli_verbs[i] != NULL; i++)
		printf("%s%s", i > 0 ? " " : "", td_cli_verbs[i]->name);
	printf("' -- \"$cur\"))\n\t\treturn\n\tfi\n\tcase ${COMP_WORDS[1]}:$prev in\n");
	for (size_t v = 0; td_cli_verbs[v] != NULL; v++) {
		for (size_t i = 0; (option = td_cli_verb_option(td_cli_verbs[v], i)) != NULL; i++)
			bash_value(td_cli_verbs[v], option);
	}
	printf("\t*) case ${COMP_WORDS[1]} in\n");
	for (size_t v = 0; td_cli_verbs[v] != NULL; v++) {
		const struct td_cli_verb *verb = td_cli_verbs[v];

		printf("\t\t%s) COMPREPLY=($(compgen %s-W '", verb->name,
			strstr(verb->words, "DIR") != NULL ? "-d " : "");
		put_options(verb);
		if (verb->actions != NULL) {
			putchar(' ');
			put_choices(verb->actions);
		}
		printf("' -- \"$cur\")) ;;\n");
	}
	printf("\t\tesac ;;\n\tesac\n}\ncomplete -F _tidings tidings\n");
}

/* --- zsh ---------------------------------------------------------------------------------- */

/* A description within _arguments' brackets: no brackets, no colon, no quotes of its own. */
static void zsh_description(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '[' || *text == ']' || *text == ':' || *text == '\\')
			putchar('\\');
		fputs(*text == '\'' ? "'\\''" : (char[]){*text, '\0'}, stdout);
	}
}

static void zsh_option(const struct td_cli_option *option)
{
	printf("\t\t\t'%s--%s%s[", option->many ? "*" : "", option->name,
		option->kind == TD_CLI_FLAG ? "" : "=");
	zsh_description(option->what);
	putchar(']');
	if (option->kind == TD_CLI_CHOICE) {
		printf(":%s:(", option->name);
		put_choices(option->value);
		putchar(')');
	} else if (option->kind == TD_CLI_FILE) {
		printf(":%s:_files", option->name);
	} else if (option->kind == TD_CLI_DIRECTORY) {
		printf(":%s:_files -/", option->name);
	} else if (option->kind != TD_CLI_FLAG) {
		printf(":%s:", option->name);
	}
	printf("' \\\n");
}

static void zsh(void)
{
	const struct td_cli_option *option;

	printf("#compdef tidings\n# zsh completion for tidings: tidings completion zsh\n"
	       "_tidings() {\n\tif (( CURRENT == 2 )); then\n\t\tlocal -a verbs=(\n");
	for (size_t i = 0; td_cli_verbs[i] != NULL; i++) {
		printf("\t\t\t'%s:", td_cli_verbs[i]->name);
		zsh_description(td_cli_verbs[i]->line);
		printf("'\n");
	}
	printf("\t\t)\n\t\t_describe verb verbs\n\t\treturn\n\tfi\n\tlocal verb=$words[2]\n"
	       "\tshift words\n\t(( CURRENT-- ))\n\tcase $verb in\n");
	for (size_t v = 0; td_cli_verbs[v] != NULL; v++) {
		const struct td_cli_verb *verb = td_cli_verbs[v];

		printf("\t%s)\n\t\t_arguments -s \\\n", verb->name);
		for (size_t i = 0; (option = td_cli_verb_option(verb, i)) != NULL; i++)
			zsh_option(option);
		if (verb->actions != NULL) {
			printf("\t\t\t'1:action:(");
			put_choices(verb->actions);
			printf(")' \\\n");
		}
		printf("\t\t\t'*:word:%s' ;;\n",
			strstr(verb->words, "DIR") != NULL ? "_files -/" : "");
	}
	printf("\tesac\n}\n_tidings \"$@\"\n");
}

/* --- fish --------------------------------------------------------------------------------- */

static void fish_option(const struct td_cli_verb *verb, const struct td_cli_option *option)
{
	printf("complete -c tidings -n '__fish_seen_subcommand_from %s' -l %s", verb->name,
		option->name);
	if (option->letter != 0)
		printf(" -s %c", option->letter);
	if (option->kind == TD_CLI_CHOICE) {
		printf(" -x -a '");
		put_choices(option->value);
		printf("'");
	} else if (option->kind == TD_CLI_FILE || option->kind == TD_CLI_DIRECTORY) {
		printf(" -r -F");
	} else if (option->kind != TD_CLI_FLAG) {
		printf(" -x");
	}
	printf(" -d ");
	put_quoted(option->what);
	putchar('\n');
}

static void fish(void)
{
	const struct td_cli_option *option;

	printf("# fish completion for tidings: tidings completion fish\ncomplete -c tidings -f\n");
	for (size_t v = 0; td_cli_verbs[v] != NULL; v++) {
		const struct td_cli_verb *verb = td_cli_verbs[v];

		printf("complete -c tidings -n __fish_use_subcommand -a %s -d ", verb->name);
		put_quoted(verb->line);
		putchar('\n');
		if (verb->actions != NULL) {
			printf("complete -c tidings -n '__fish_seen_subcommand_from %s' -a '",
				verb->name);
			put_choices(verb->actions);
			printf("'\n");
		}
		for (size_t i = 0; (option = td_cli_verb_option(verb, i)) != NULL; i++)
			fish_option(verb, option);
	}
}

static int run(struct td_cli *cli)
{
	const char *shell = td_cli_word(cli, 0);

	if (strcmp(shell, "bash") == 0)
		bash();
	else if (strcmp(shell, "zsh") == 0)
		zsh();
	else
		fish();
	return 0;
}

const struct td_cli_verb td_cli_verb_completion = {
	.name = "completion",
	.line = "Write what a shell needs to complete commands",
	.group = TD_CLI_HELP,
	.words = "bash|zsh|fish",
	.words_min = 1,
	.words_max = 1,
	.actions = "bash|zsh|fish",
	.examples = {". <(tidings completion bash)",
		"tidings completion zsh >\"${fpath[1]}/_tidings\"",
		"tidings completion fish >~/.config/fish/completions/tidings.fish"},
	.run = run,
};
