/*
 * What the verbs that show events share: which ones (options to a struct td_scope), from where, and
 * the five ways to write one.
 */
#ifndef TD_CLI_EVENTS_H
#define TD_CLI_EVENTS_H

#include "cli/cli.h"

#include "base/base.h"

/* --- which events ------------------------------------------------------------------------- */

#define TD_CLI_PATTERNS_MAX 64

struct td_cli_scope {
	struct td_scope scope;
	const char *subjects[TD_CLI_PATTERNS_MAX];
	const char *types[TD_CLI_PATTERNS_MAX];
};
/* Of the options of TD_CLI_SCOPE and the words from the i-th on: patterns. Views of the line. */
void td_cli_scope_read(struct td_cli_scope *scope, const struct td_cli *cli, size_t word);

/*
 * A point in what is stored: a position ("12345"), a time ("2026-11-30T18:00:00Z"), how long ago ("1h"),
 * "start", "now", or the id of an event.
 */
struct td_cli_point {
	enum {
		TD_CLI_AT_START,
		TD_CLI_AT_NOW,
		TD_CLI_AT_POSITION,
		TD_CLI_AT_TIME,
		TD_CLI_AT_ID
	} kind;
	uint64_t position;
	td_time time;
};
void td_cli_point_read(struct td_cli_point *point, const char *text, td_time now);
/* Put it into the scope, as where it begins or ends; 0, or the exit code, and it has been said why. */
int td_cli_point_put(const struct td_cli *cli, struct td *td, struct td_scope *scope,
	const char *option, bool end);

/* "no events of SUBJECT", and the nearest subject there is. The exit code. */
int td_cli_no_subject(const struct td_cli *cli, struct td *td, const char *subject);

/* --- writing one -------------------------------------------------------------------------- */

enum td_cli_way { TD_CLI_AS_ROW, TD_CLI_AS_JSON, TD_CLI_AS_DATA, TD_CLI_AS_TEMPLATE };

struct td_cli_writer {
	const struct td_cli *cli;
	enum td_cli_way way;
	const char *template_;
	char end; /* of data: a line's end, or NUL */
	struct td_cli_table table;
	struct td_buf buf;
};
/* The options that say how: for the rows of verbs that show events. */
#define TD_CLI_WAYS                                                                          \
	{.name = "format",                                                                   \
		.kind = TD_CLI_TEXT,                                                         \
		.value = "TEXT",                                                             \
		.what = "a line for each: \"{time} {type} {data.order}\""},                  \
		{.name = "raw", .kind = TD_CLI_FLAG, .what = "the data alone, as it is"},    \
	{                                                                                    \
		.name = "null", .letter = '0', .kind = TD_CLI_FLAG,                          \
		.what = "with --raw and --format: a NUL behind each instead of a line's end" \
	}
/* By the options above and --json. 0, or the exit code. */
int td_cli_writer_begin(struct td_cli_writer *writer, const struct td_cli *cli, bool streaming);
int td_cli_writer_put(
	struct td_cli_writer *writer, const struct td_event *event, const struct td_where *where);
int td_cli_writer_end(struct td_cli_writer *writer);

/*
 * An event as one line of CloudEvents JSON; where it stands goes with it as the extensions "tdlog",
 * "tdseq", "tdrevision" and "tdposition" (`where` may be NULL). Line ends in its data become blanks, which
 * JSON means by them, too.
 */
int td_cli_event_json(struct td_buf *to, const struct td_event *event, const struct td_where *where,
	struct td_error *err);

/*
 * Fill in a template: "{NAME}" is an attribute, or position, seq, revision, log, recorded, subject, data;
 * "{data.order.id}" is a member of JSON data, "{/order/id}" the same as a JSON Pointer. "{{" is a brace,
 * \n and \t what they always are. TD_E_INVALID with the offset: it cannot be one.
 */
int td_cli_template_check(const char *template_, struct td_error *err);
void td_cli_template_fill(struct td_buf *to, const char *template_, const struct td_event *event,
	const struct td_where *where);

#endif
