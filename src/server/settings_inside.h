/*
 * The inside of settings: what its files share.
 */
#ifndef TD_SERVER_SETTINGS_INSIDE_H
#define TD_SERVER_SETTINGS_INSIDE_H

#include "server/settings.h"

struct td_settings {
	struct td_arena arena;
	const char *file_name;
	struct td_setting_value values[TD_SETTINGS];
	struct td_log_section *logs;
	size_t logs_count, logs_cap;
};

#define TD_LOGS_IN_FILE_MAX 1024u

/*
 * Read a value of the row's kind: *number, where it has one. TD_E_INVALID, TD_E_SUBJECT: what was
 * expected and what was found, the name not included.
 */
int td_setting_read(const struct td_setting *setting, struct td_text text, int64_t *number,
	struct td_error *err);
/* Make the log's configuration of its values. */
int td_log_section_finish(
	struct td_log_section *section, struct td_arena *arena, struct td_error *err);
/* The row of that name in a table, or `count`. */
size_t td_setting_find(const struct td_setting *table, size_t count, struct td_text name);
/* "`htpp`: no such setting; did you mean `http`?" */
int td_setting_unknown(
	const struct td_setting *table, size_t count, struct td_text name, struct td_error *err);

#endif
