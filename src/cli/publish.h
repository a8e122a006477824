/*
 * Between publish.c, which announces one event, and publish_from.c, which announces those of a file.
 */
#ifndef TD_CLI_PUBLISH_H
#define TD_CLI_PUBLISH_H

#include "cli/events.h"

/* What was stored, as the line that publish answers. */
void td_cli_receipt_put(const struct td_cli *cli, struct td_cli_table *table,
	const struct td_event *event, const struct td_appended *appended);
void td_cli_receipt_table(struct td_cli_table *table, const struct td_cli *cli);

/* tidings publish --from FILE. Answers the exit code. */
int td_cli_publish_from(const struct td_cli *cli, const char *path);

/* --- one line of a file ------------------------------------------------------------------- */

struct td_cli_making {
	const char *type, *subject, *id, *time; /* templates; NULL: not said */
	const char *source;
};
/* TD_E_INVALID: one of the templates is none. */
int td_cli_making_check(const struct td_cli_making *making, struct td_error *err);
/*
 * Make an event of line number `line` of a file: a CloudEvents JSON event is taken as it is; any other JSON
 * is the data of one, whose attributes are said by `making`. What brings no id gets one of its line
 * and bytes, so that the same line of the same file is the same event, whenever it is read.
 * The templates of `making` were checked. Errors: TD_E_JSON, TD_E_INVALID (no type), TD_E_DATA (a template
 * with nothing to fill in), and those of td_event_new().
 */
int td_cli_line_event(struct td_event **event, const struct td_cli_making *making,
	struct td_text text, uint64_t line, struct td_error *err);

#endif
