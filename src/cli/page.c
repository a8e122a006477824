#include "cli/cli.h"

#include <ctype.h>
#include <string.h>

/* Manual pages, mdoc(7), of the same table as help. */

/* Text as mdoc takes it: each line begun so that it is no request, backslashes doubled. */
static void put_text(const char *text, size_t len)
{
	if (len > 0 && (text[0] == '.' || text[0] == '\''))
		fputs("\\&", stdout);
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\')
			fputs("\\e", stdout);
		else
			putchar(text[i] == '\n' ? ' ' : text[i]);
	}
}

/* Sentences each on a line of their own, as mdoc wants them. */
static void put_sentences(const char *text, size_t len)
{
	size_t begin = 0;

	for (size_t i = 0; i < len; i++) {
		bool ends = strchr(".?!", text[i]) != NULL && i + 2 < len &&
			    (text[i + 1] == ' ' || text[i + 1] == '\n') &&
			    isupper((unsigned char)text[i + 2]);

		if (!ends)
			continue;
		put_text(text + begin, i + 1 - begin);
		putchar('\n');
		begin = i + 2;
	}
	put_text(text + begin, len - begin);
	putchar('\n');
}

static void put_more(const char *more)
{
	while (more != NULL && *more != '\0') {
		const char *end = strstr(more, "\n\n");
		size_t len = end != NULL ? (size_t)(end - more) : strlen(more);

		printf(".Pp\n");
		put_sentences(more, len);
		more = end != NULL ? end + 2 : NULL;
	}
}

/* The argument of a macro, in quotes if it is more than a word. */
static void put_argument(const char *text)
{
	bool quoted = strpbrk(text, " |\"") != NULL;

	fputs(quoted ? " \"" : " ", stdout);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			fputs("\\(dq", stdout);
		else
			putchar(*text);
	}
	fputs(quoted ? "\"" : "", stdout);
}

static void put_options(const struct td_cli_verb *verb)
{
	const struct td_cli_option *option;
	char what[512];

	printf(".Bl -tag -width Ds\n");
	for (size_t i = 0; (option = td_cli_verb_option(verb, i)) != NULL; i++) {
		printf(".It");
		if (option->letter != 0)
			printf(" Fl %c ,", option->letter);
		printf(" Fl -%s", option->name);
		if (option->value != NULL) {
			printf(" Ar");
			put_argument(option->value);
		}
		putchar('\n');
		snprintf(what, sizeof(what), "%s.", option->what);
		what[0] = (char)toupper((unsigned char)what[0]);
		put_sentences(what, strlen(what));
		if (option->fallback != NULL) {
			printf("Default: ");
			put_text(option->fallback, strlen(option->fallback));
			printf(".\n");
		}
	}
	printf(".El\n");
}

static void put_head(const char *title, const char *name, const char *line)
{
	printf(".Dd November 30, 2026\n.Dt ");
	for (; *title != '\0'; title++)
		putchar(toupper((unsigned char)*title));
	printf(" 1\n.Os\n.Sh NAME\n.Nm %s\n.Nd ", name);
	putchar(tolower((unsigned char)line[0]));
	put_text(line + 1, strlen(line + 1));
	putchar('\n');
}

static void put_exits(void)
{
	printf(".Sh EXIT STATUS\n"
	       "0 done; 1 refused or failed; 2 wrong usage; 3 nobody answers at the address;\n"
	       "4 the subject is at another revision than was expected;\n"
	       "5 what was waited for by\n.Fl -count\nor\n.Fl -timeout\ndid not come;\n"
	       "6 what is stored is damaged; 7 the disk failed.\n");
}

static void verb_page(const struct td_cli_verb *verb)
{
	char name[64];

	snprintf(name, sizeof(name), "tidings-%s", verb->name);
	put_head(name, name, verb->line);
	printf(".Sh SYNOPSIS\n.Nm tidings %s\n.Op Ar option ...\n", verb->name);
	if (verb->words[0] != '\0') {
		printf(".Ar");
		put_argument(verb->words);
		putchar('\n');
	}
	printf(".Sh DESCRIPTION\n");
	put_text(verb->line, strlen(verb->line));
	printf(".\n");
	put_more(verb->more);
	printf(".Pp\nThe options:\n");
	put_options(verb);
	put_exits();
	if (verb->examples[0] != NULL) {
		printf(".Sh EXAMPLES\n.Bd -literal -offset indent\n");
		for (size_t i = 0; i < 3 && verb->examples[i] != NULL; i++) {
			put_text(verb->examples[i], strlen(verb->examples[i]));
			putchar('\n');
		}
		printf(".Ed\n");
	}
	printf(".Sh SEE ALSO\n.Xr tidings 1 ,\n.Xr tidings 3\n");
}

static void all_page(const char *version)
{
	put_head("tidings", "tidings", "publish, store and read events");
	printf(".Sh SYNOPSIS\n.Nm\n.Ar verb\n.Op Ar option ...\n.Op Ar word ...\n"
	       ".Sh DESCRIPTION\n.Nm\nis the server, and the command line that speaks with one, or "
	       "with a store on this machine's disk.\n"
	       "What a verb does is told by\n.Nm Cm help Ar verb\nand by a page of its own.\n");
	for (int group = 0; group < TD_CLI_GROUPS; group++) {
		printf(".Ss %s\n.Bl -tag -width Ds\n", td_cli_group_name((enum td_cli_group)group));
		for (size_t i = 0; td_cli_verbs[i] != NULL; i++) {
			if ((int)td_cli_verbs[i]->group != group)
				continue;
			printf(".It Xr tidings-%s 1\n", td_cli_verbs[i]->name);
			put_text(td_cli_verbs[i]->line, strlen(td_cli_verbs[i]->line));
			printf(".\n");
		}
		printf(".El\n");
	}
	printf(".Sh OUTPUT\nOn a terminal, tables; in a pipe the same columns, parted by tabs, "
	       "with "
	       "whole values and exact times; with\n.Fl -json\none JSON object a line, and errors "
	       "on standard error as one, too.\n"
	       "Options may stand before and behind words; what begins with a dash is a word "
	       "behind\n"
	       ".Fl - .\n");
	printf(".Sh ENVIRONMENT\n.Bl -tag -width Ds\n.It Ev TIDINGS_URL\n"
	       "The place, where\n.Fl -url\ndoes not say it.\n"
	       ".It Ev NO_COLOR\nIf it is set to anything, no colours but by\n.Fl -color Cm always "
	       ".\n"
	       ".El\n");
	put_exits();
	printf(".Sh SEE ALSO\n.Xr td_open 3 ,\n.Xr tidings 3\n.Sh HISTORY\nThis is version %s.\n",
		version);
}

void td_cli_help_page(const struct td_cli_verb *verb, const char *version)
{
	if (verb != NULL)
		verb_page(verb);
	else
		all_page(version);
}
