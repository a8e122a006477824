#include "server/settings_inside.h"

#include <stdlib.h>

#include "server/conf.h"

/* clang-format off */
#define ROW(id, name, kind, argument, fallback, min, max, when, what) \
	{name, TD_SETTING_##kind, argument, fallback, min, max, TD_SETTING_##when, what},
const struct td_setting td_setting_table[TD_SETTINGS] = {TD_SETTINGS_TABLE(ROW)};
const struct td_setting td_log_setting_table[TD_LOG_SETTINGS] = {TD_LOG_SETTINGS_TABLE(ROW)};
#undef ROW
/* clang-format on */

#define ARENA_BYTES_MAX ((size_t)64 << 20)

size_t td_setting_find(const struct td_setting *table, size_t count, struct td_text name)
{
	size_t i = 0;

	while (i < count && !td_text_is(name, table[i].name))
		i++;
	return i;
}

int td_setting_unknown(
	const struct td_setting *table, size_t count, struct td_text name, struct td_error *err)
{
	struct td_nearest nearest;

	td_nearest_init(&nearest, name);
	for (size_t i = 0; i < count; i++)
		td_nearest_try(&nearest, td_text(table[i].name));
	if (nearest.name.at == NULL)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "`%.*s`: no such setting",
			TD_TEXT_ARG(name));
	return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
		"`%.*s`: no such setting; did you mean `%.*s`?", TD_TEXT_ARG(name),
		TD_TEXT_ARG(nearest.name));
}

char *td_setting_environment(const struct td_setting *setting, char out[TD_SETTING_NAME_BYTES])
{
	static const char prefix[] = "TIDINGS_";
	size_t len = strlen(setting->name), at = sizeof(prefix) - 1;

	TD_ASSERT(at + len < TD_SETTING_NAME_BYTES);
	memcpy(out, prefix, at);
	for (size_t i = 0; i <= len; i++) {
		char c = setting->name[i];

		out[at + i] = c == '-' ? '_' : c >= 'a' && c <= 'z' ? (char)(c - 0x20) : c;
	}
	return out;
}

/* --- one value ---------------------------------------------------------------------------- */

/* As it was called where it was said. */
static int wrap(const struct td_setting *setting, enum td_setting_origin origin, int code,
	struct td_error *err)
{
	char name[TD_SETTING_NAME_BYTES];

	if (origin == TD_FROM_ENVIRONMENT)
		return td_error_wrap(err, code, "%s", td_setting_environment(setting, name));
	return td_error_wrap(err, code, "%s%s", origin == TD_FROM_FLAG ? "--" : "", setting->name);
}

static int put_value(struct td_settings *settings, const struct td_setting *setting,
	struct td_setting_value *value, struct td_text text, enum td_setting_origin origin,
	size_t line, struct td_error *err)
{
	struct td_text kept;
	int64_t number;
	int code = td_setting_read(setting, text, &number, err);

	if (code != 0)
		return wrap(setting, origin, code, err);
	kept = td_arena_copy(&settings->arena, text);
	if (kept.at == NULL)
		return td_error_nomem(err);
	*value = (struct td_setting_value){
		.set = true, .text = kept, .number = number, .origin = origin, .line = line};
	return 0;
}

static int put_defaults(struct td_settings *settings, const struct td_setting *table, size_t count,
	struct td_setting_value *values, struct td_error *err)
{
	for (size_t i = 0; i < count; i++) {
		int code = 0;

		if (table[i].fallback[0] != '\0')
			code = put_value(settings, &table[i], &values[i],
				td_text(table[i].fallback), TD_FROM_DEFAULT, 0, err);
		if (code != 0)
			return code;
	}
	return 0;
}

/* --- the file ----------------------------------------------------------------------------- */

static int wrong_line(const struct td_conf_line *line, int code, struct td_error *err)
{
	return td_error_wrap(err, code, "line %zu", line->number);
}

static int add_section(
	struct td_settings *settings, const struct td_conf_line *line, struct td_error *err)
{
	struct td_log_section *section;

	if (!td_text_is(line->name, "log") || line->value.len == 0) {
		td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"[%.*s]: no such section; there is [log NAME]", TD_TEXT_ARG(line->name));
		return wrong_line(line, TD_E_INVALID, err);
	}
	for (size_t i = 0; i < settings->logs_count; i++) {
		if (td_text_equal(settings->logs[i].name, line->value)) {
			td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
				"[log %.*s] is there already, in line %zu",
				TD_TEXT_ARG(line->value), settings->logs[i].line);
			return wrong_line(line, TD_E_INVALID, err);
		}
	}
	if (settings->logs_count == TD_LOGS_IN_FILE_MAX) {
		td_error_set(
			err, TD_E_LIMIT, TD_NO_OFFSET, "more than %u logs", TD_LOGS_IN_FILE_MAX);
		return wrong_line(line, TD_E_LIMIT, err);
	}
	if (settings->logs_count == settings->logs_cap) {
		size_t cap = settings->logs_cap > 0 ? settings->logs_cap * 2 : 8;
		void *logs = realloc(settings->logs, cap * sizeof(*settings->logs));

		if (logs == NULL)
			return td_error_nomem(err);
		settings->logs = logs;
		settings->logs_cap = cap;
	}
	section = &settings->logs[settings->logs_count];
	memset(section, 0, sizeof(*section));
	section->line = line->number;
	section->name = td_arena_copy(&settings->arena, line->value);
	if (section->name.at == NULL)
		return td_error_nomem(err);
	settings->logs_count++;
	return put_defaults(settings, td_log_setting_table, TD_LOG_SETTINGS, section->values, err);
}

/* A line of one of the two tables: once each. */
static int put_line(struct td_settings *settings, const struct td_setting *table, size_t count,
	struct td_setting_value *values, const struct td_conf_line *line, struct td_error *err)
{
	size_t i = td_setting_find(table, count, line->name);
	int code;

	if (i == count)
		code = td_setting_unknown(table, count, line->name, err);
	else if (table[i].when == TD_SETTING_START)
		code = td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "`%s` is for the command line",
			table[i].name);
	else if (values[i].set && values[i].origin == TD_FROM_FILE)
		code = td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"`%s` is there already, in line %zu", table[i].name, values[i].line);
	else
		code = put_value(settings, &table[i], &values[i], line->value, TD_FROM_FILE,
			line->number, err);
	return code == 0 || code == TD_E_NOMEM ? code : wrong_line(line, code, err);
}

static int read_lines(struct td_settings *settings, struct td_text file, struct td_error *err)
{
	struct td_conf conf;
	struct td_conf_line line;
	struct td_log_section *section;
	int code;

	td_conf_init(&conf, file);
	while ((code = td_conf_next(&conf, &line, err)) == 0 && line.kind != TD_CONF_END) {
		if (line.kind == TD_CONF_SECTION) {
			code = add_section(settings, &line, err);
		} else if (settings->logs_count == 0) {
			code = put_line(settings, td_setting_table, TD_SETTINGS, settings->values,
				&line, err);
		} else {
			section = &settings->logs[settings->logs_count - 1];
			code = put_line(settings, td_log_setting_table, TD_LOG_SETTINGS,
				section->values, &line, err);
		}
		if (code != 0)
			return code;
	}
	for (size_t i = 0; code == 0 && i < settings->logs_count; i++)
		code = td_log_section_finish(&settings->logs[i], &settings->arena, err);
	return code;
}

/* --- all of it ---------------------------------------------------------------------------- */

/* The value of an environment's entry if it is this one; absent: another. */
static struct td_text value_of(const char *entry, const char *name)
{
	size_t len = strlen(name);

	return strncmp(entry, name, len) == 0 && entry[len] == '=' ? td_text(entry + len + 1)
								   : td_text(NULL);
}

static struct td_text find_in_environment(
	const char *const *environment, const struct td_setting *setting)
{
	char name[TD_SETTING_NAME_BYTES];

	td_setting_environment(setting, name);
	for (; environment != NULL && *environment != NULL; environment++) {
		struct td_text value = value_of(*environment, name);

		if (value.at != NULL)
			return value;
	}
	return td_text(NULL);
}

static int read_environment(
	struct td_settings *settings, const char *const *environment, struct td_error *err)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < TD_SETTINGS; i++) {
		struct td_text value = find_in_environment(environment, &td_setting_table[i]);

		if (value.at != NULL)
			code = put_value(settings, &td_setting_table[i], &settings->values[i],
				value, TD_FROM_ENVIRONMENT, 0, err);
	}
	return code;
}

static int read_flags(struct td_settings *settings, const struct td_settings_sources *sources,
	struct td_error *err)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < sources->flags_count; i++) {
		const struct td_setting_given *given = &sources->flags[i];

		TD_ASSERT(given->id < TD_SETTINGS);
		code = put_value(settings, &td_setting_table[given->id],
			&settings->values[given->id], given->value, TD_FROM_FLAG, 0, err);
	}
	return code;
}

static int read_all(struct td_settings *settings, const struct td_settings_sources *sources,
	struct td_error *err)
{
	int code = put_defaults(settings, td_setting_table, TD_SETTINGS, settings->values, err);

	if (code == 0 && sources->file_name != NULL) {
		struct td_text name = td_arena_copy(&settings->arena, td_text(sources->file_name));

		if (name.at == NULL)
			return td_error_nomem(err);
		settings->file_name = name.at;
		code = read_lines(settings, sources->file, err);
		if (code != 0)
			return code == TD_E_NOMEM
				       ? code
				       : td_error_wrap(err, code, "%s", sources->file_name);
	}
	if (code == 0)
		code = read_environment(settings, sources->environment, err);
	if (code == 0)
		code = read_flags(settings, sources, err);
	return code;
}

int td_settings_new(
	struct td_settings **out, const struct td_settings_sources *sources, struct td_error *err)
{
	struct td_settings *settings = calloc(1, sizeof(*settings));
	int code;

	if (settings == NULL)
		return td_error_nomem(err);
	td_arena_init(&settings->arena, 4096, ARENA_BYTES_MAX);
	code = read_all(settings, sources, err);
	if (code != 0) {
		td_settings_free(settings);
		return code;
	}
	*out = settings;
	return 0;
}

void td_settings_free(struct td_settings *settings)
{
	if (settings == NULL)
		return;
	free(settings->logs);
	td_arena_fini(&settings->arena);
	free(settings);
}

struct td_text td_settings_file(const struct td_settings_sources *sources)
{
	for (size_t i = sources->flags_count; i > 0; i--) {
		if (sources->flags[i - 1].id == TD_SET_CONFIG)
			return sources->flags[i - 1].value;
	}
	return find_in_environment(sources->environment, &td_setting_table[TD_SET_CONFIG]);
}

/* --- looking ------------------------------------------------------------------------------ */

const struct td_setting_value *td_settings_value(
	const struct td_settings *settings, enum td_setting_id id)
{
	return &settings->values[id];
}

int64_t td_settings_number(const struct td_settings *settings, enum td_setting_id id)
{
	TD_ASSERT(settings->values[id].set);
	return settings->values[id].number;
}

bool td_settings_switch(const struct td_settings *settings, enum td_setting_id id)
{
	TD_ASSERT(td_setting_table[id].kind == TD_SETTING_SWITCH);
	return settings->values[id].number != 0;
}

const char *td_settings_text(const struct td_settings *settings, enum td_setting_id id)
{
	return settings->values[id].set ? settings->values[id].text.at : NULL;
}

struct td_net_address td_settings_address(const struct td_settings *settings, enum td_setting_id id)
{
	struct td_net_address address = {0};
	int code;

	TD_ASSERT(td_setting_table[id].kind == TD_SETTING_ADDRESS);
	code = td_net_address_parse(settings->values[id].text, &address, NULL);
	TD_ASSERT(code == 0); /* it was read before */
	return address;
}

const struct td_log_section *td_settings_logs(const struct td_settings *settings, size_t *count)
{
	*count = settings->logs_count;
	return settings->logs;
}
