/*
 * cli: `tidings`, one file a verb.
 *
 * A verb's file holds its row (cli/line.h) and what it does. It gets a struct td_cli: the line as it was
 * read, and how standard output is to be written. It answers the exit code:
 *
 *	0 done   1 refused or failed   2 usage   3 unreachable   4 revision conflict
 *	5 --count or --timeout not met   6 damaged store   7 disk failed
 *
 * What was asked for goes to standard output: tables for people on a terminal, the same columns parted by
 * tabs in a pipe, one JSON object a line with --json. All else goes to the other: what went wrong, how
 * far it is, hints. Nothing is ever asked: what needs to be said, has its option.
 *
 * One thread. Memory that could not be had ends the verb with exit code 1.
 */
#ifndef TD_CLI_H
#define TD_CLI_H

#include "cli/line.h"

#include <stdio.h>

#define TD_CLI_USAGE       2
#define TD_CLI_UNREACHABLE 3
#define TD_CLI_NOT_MET     5

struct td_cli {
	struct td_cli_line line;
	bool json;
	bool terminal; /* standard output is one */
	bool colour;   /* on standard output */
	bool err_terminal, err_colour;
	unsigned width; /* of the terminal, in characters */
	td_time now;
};

/* Run one command line: the words behind the program's name. Answers the exit code. */
int td_cli_main(int argc, const char *const *argv);
/* How output is to be written, by the environment: before the line is read. */
void td_cli_look_around(struct td_cli *cli);

/* --- what was given ----------------------------------------------------------------------- */

bool td_cli_flag(const struct td_cli *cli, const char *name);
/* Its value, else its fallback, else NULL. */
const char *td_cli_text(const struct td_cli *cli, const char *name);
/* The same as a number (by its kind), else `otherwise`. */
uint64_t td_cli_number(const struct td_cli *cli, const char *name, uint64_t otherwise);
/* All values of one that may come several times; returns how many, at most `max`. */
size_t td_cli_texts(const struct td_cli *cli, const char *name, const char **texts, size_t max);
/* The i-th word; NULL: there are not so many. */
const char *td_cli_word(const struct td_cli *cli, size_t i);

/* --- saying what went wrong --------------------------------------------------------------- */

/*
 * "tidings: WHAT: the error [its slug]", the hint in a line of its own (NULL: the one of the code), or
 * with --json one object; to standard error. Answers the exit code of the error.
 */
int td_cli_fail(const struct td_cli *cli, const struct td_error *err, const char *hint,
	const char *what, ...) TD_PRINTF(4, 5);
/* The same where no call failed: `code` is one of the one table, 0 for what has none. */
int td_cli_refuse(const struct td_cli *cli, int code, const char *hint, const char *what, ...)
	TD_PRINTF(4, 5);
/* By the way, to standard error; not with --json. */
void td_cli_note(const struct td_cli *cli, const char *what, ...) TD_PRINTF(2, 3);
/* The exit code of an error: that of its code, and 3 where nobody answers. */
int td_cli_exit(const struct td_error *err);
/* What to do about a code, in general; NULL: nothing can be said. */
const char *td_cli_hint(int code);

/* --- writing ------------------------------------------------------------------------------ */

enum td_cli_colour {
	TD_CLI_PLAIN,
	TD_CLI_BOLD,
	TD_CLI_DIM,
	TD_CLI_GOOD,
	TD_CLI_BAD,
	TD_CLI_WARN,
	TD_CLI_NAME
};

/* To standard output, in a colour if there are any. */
void td_cli_put(const struct td_cli *cli, enum td_cli_colour colour, const char *text);
/*
 * Text of unknown making as it can be shown: what could move a cursor or end a line is '?' or a blank;
 * not more than `width` characters (0: all), and "..." at the end of what was cut.
 */
struct td_buf;
void td_cli_clean(struct td_buf *to, struct td_text text, size_t width);
/* "3 min ago" for people, exact in UTC in a pipe; "-" for none. */
#define TD_CLI_TIME_BYTES 40
const char *td_cli_time(const struct td_cli *cli, td_time time, char text[TD_CLI_TIME_BYTES]);
/* "1.5 MiB" for people, bytes in a pipe. */
const char *td_cli_size(const struct td_cli *cli, uint64_t bytes, char text[TD_CLI_TIME_BYTES]);
/* "1,204,311" for people, digits in a pipe. */
const char *td_cli_count(const struct td_cli *cli, uint64_t count, char text[TD_CLI_TIME_BYTES]);
/* A text as a JSON string, quotes and all; each byte that is no ASCII by itself. */
void td_cli_json(const char *text, unsigned long long len);
/* The same of a C string that is text: as it stands, escaped where it must be. */
void td_cli_json_string(const char *text);

/*
 * A table. On a terminal rows wait until the widths of all are known, or, where they come one by one, are
 * written at once with the widths so far; the last column is cut at the terminal's edge. In a pipe they
 * are parted by tabs, whole and without a head.
 */
struct td_cli_column {
	const char *name;
	bool right; /* numbers stand to the right */
	enum td_cli_colour colour;
	size_t least; /* at least so wide */
};
#define TD_CLI_COLUMNS_MAX 12
struct td_cli_table {
	const struct td_cli *cli;
	const struct td_cli_column *columns;
	size_t count;
	bool streaming, head_shown;
	size_t widths[TD_CLI_COLUMNS_MAX];
	char *rows; /* cells, each ended by NUL */
	size_t rows_len, rows_cap;
	int code; /* TD_E_NOMEM */
};
void td_cli_table_begin(struct td_cli_table *table, const struct td_cli *cli,
	const struct td_cli_column *columns, size_t count, bool streaming);
/* `cells`: as many as there are columns. */
void td_cli_table_row(struct td_cli_table *table, const struct td_text *cells);
/* 0, or the exit code where memory could not be had. */
int td_cli_table_end(struct td_cli_table *table);

/*
 * How far it is: on standard error, if that is a terminal, after half a second and then ten times a
 * second, in one line that goes when it ends. `total` 0: not known.
 */
struct td_cli_progress {
	const struct td_cli *cli;
	const char *what, *unit;
	uint64_t total;
	int64_t began_ms, shown_ms;
	bool shown;
};
void td_cli_progress_begin(struct td_cli_progress *progress, const struct td_cli *cli,
	const char *what, const char *unit, uint64_t total);
void td_cli_progress_at(struct td_cli_progress *progress, uint64_t done);
void td_cli_progress_end(struct td_cli_progress *progress);
/* The line it shows, for `done` of it after `ms`. */
void td_cli_progress_line(const struct td_cli_progress *progress, uint64_t done, int64_t ms,
	char *line, size_t bytes);

/* Monotonic, in milliseconds. */
int64_t td_cli_clock_ms(void);
/* From now on Ctrl-C does not end the process but makes td_cli_interrupted() true. */
void td_cli_catch_interrupts(void);
bool td_cli_interrupted(void);

/* --- the place ---------------------------------------------------------------------------- */

/* Whether the place will be written to, and may be made. */
enum td_cli_opening { TD_CLI_LOOK, TD_CLI_CHANGE, TD_CLI_MAKE };
/* --url, TIDINGS_URL, or the default. */
const char *td_cli_url(const struct td_cli *cli);
/*
 * Open it. 0; else it has been said what went wrong, and this is the exit code. td_close() it.
 */
int td_cli_open(const struct td_cli *cli, struct td **td, enum td_cli_opening opening);

/* --- the help of all ---------------------------------------------------------------------- */

void td_cli_help_first(const struct td_cli *cli);
void td_cli_help_verb(const struct td_cli *cli, const struct td_cli_verb *verb);
/* Manual pages, as mdoc: of a verb, and of all (NULL). */
void td_cli_help_page(const struct td_cli_verb *verb, const char *version);
const char *td_cli_group_name(enum td_cli_group group);

#define TD_CLI_VERSION "0.1.0"

#endif
