/*
 * The command line, read by one table: verbs and their options.
 *
 *	tidings VERB [--option VALUE | --option=VALUE | -o VALUE]... [WORD]...
 *
 * A verb is a row, and stands in its verb's own file; src/cli/table.c names them all. The row is
 * what the command line is read by, and also what help, manual pages and completion are made of, so
 * that none of them can say otherwise. Options and words may come in any order; "--" ends the options.
 * Nothing is abbreviated: a script that works today works when there are more options.
 *
 * Reading is pure: words in, a struct td_cli_line or a fault out. Nothing is allocated.
 */
#ifndef TD_CLI_LINE_H
#define TD_CLI_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tidings/tidings.h>

struct td_cli;

enum td_cli_kind {
	TD_CLI_FLAG = 0, /* takes no value */
	TD_CLI_TEXT,
	TD_CLI_NUMBER,   /* 0 to 2^64 - 1 */
	TD_CLI_DURATION, /* "250ms", "20s", "5m", "1h", "7d": milliseconds */
	TD_CLI_SIZE,     /* "512", "64KiB", "1MiB", "2GiB": bytes */
	TD_CLI_CHOICE,   /* one of `value`, which are parted by '|' */
	TD_CLI_FILE,     /* a path: for completion */
	TD_CLI_DIRECTORY,
};

struct td_cli_option {
	const char *name; /* without "--" */
	char letter;      /* also "-l"; 0: none */
	enum td_cli_kind kind;
	const char *value;    /* how its value is called: "FILE" */
	const char *fallback; /* the default, where there is one; shown, and what is answered */
	const char *what;     /* one line */
	bool many;            /* may come several times */
};

/* Options that many verbs have. */
enum td_cli_common {
	TD_CLI_PLACE = 1,  /* --url */
	TD_CLI_OUTPUT = 2, /* --json, --color */
	TD_CLI_SCOPE = 4,  /* which events: --log, --type, --filter */
};

enum td_cli_group { TD_CLI_EVENTS, TD_CLI_SERVER, TD_CLI_STORE, TD_CLI_HELP, TD_CLI_GROUPS };

struct td_cli_verb {
	const char *name;
	const char *line; /* what it does */
	enum td_cli_group group;
	bool first;        /* on the first page of help */
	const char *words; /* "SUBJECT TYPE [DATA]" */
	size_t words_min, words_max;
	const char *actions; /* what the first word may be, parted by '|'; NULL: anything */
	unsigned common;     /* a set of td_cli_common */
	const struct td_cli_option *options;
	size_t options_count;
	const char *more; /* paragraphs, parted by an empty line */
	const char *examples[3];
	int (*run)(struct td_cli *cli);
};

#define TD_CLI_VERBS_MAX   64
#define TD_CLI_OPTIONS_MAX 64
#define TD_CLI_GIVEN_MAX   256
#define TD_CLI_WORDS_MAX   256

/* An option that was given. */
struct td_cli_given {
	const struct td_cli_option *option;
	const char *text; /* NULL for a flag */
	uint64_t number;  /* of NUMBER, DURATION, SIZE; of CHOICE which one, from 0 */
};

/* What was wrong: the words, and what to do about it. */
struct td_cli_fault {
	struct td_error err;
	char hint[TD_ERROR_TEXT_BYTES];
};
#define TD_CLI_FAULT_INIT      \
	{                      \
		TD_ERROR_INIT, \
		{              \
			0      \
		}              \
	}

/* A line that was read: views of the words it was read from. */
struct td_cli_line {
	const struct td_cli_verb *verb; /* NULL: none was named */
	bool help;
	struct td_cli_given given[TD_CLI_GIVEN_MAX];
	size_t given_count;
	const char *words[TD_CLI_WORDS_MAX];
	size_t words_count;
};

/*
 * Read the words behind the program's name. TD_E_INVALID, and the fault says what, which is the nearest
 * name, and where help is.
 */
int td_cli_line_read(struct td_cli_line *line, const struct td_cli_verb *const *verbs, int argc,
	const char *const *argv, struct td_cli_fault *fault);

/* All verbs, in the order of help; ends with NULL. */
extern const struct td_cli_verb *const td_cli_verbs[];
/* By name; NULL. */
const struct td_cli_verb *td_cli_verb_find(
	const struct td_cli_verb *const *verbs, const char *name);
/* The i-th option of a verb, its own and the common ones; NULL behind the last. */
const struct td_cli_option *td_cli_verb_option(const struct td_cli_verb *verb, size_t i);
/* By its name; NULL. */
const struct td_cli_option *td_cli_option_find(
	const struct td_cli_verb *verb, const char *name, size_t len);

/*
 * What was given of an option, the last if several; NULL: not given. That the verb has it is asserted, so
 * a name misspelt in the source does not pass.
 */
const struct td_cli_given *td_cli_line_given(const struct td_cli_line *line, const char *name);

/* A value by its kind, as options have it. false: it is none, and `why` says what one is. */
bool td_cli_value_read(
	const struct td_cli_option *option, const char *text, uint64_t *number, const char **why);

/* --- the nearest name --------------------------------------------------------------------- */

/*
 * The nearest of several names that come and go in any order: start with {0}, offer each, read `name`. Of equals
 * it is the first in the alphabet. Near is what td_nearest_init() says.
 */
struct td_cli_nearest {
	char name[65];
	unsigned steps;
};
void td_cli_nearest_offer(struct td_cli_nearest *nearest, const char *word, struct td_text name);

#endif
