#include "server/settings_inside.h"

#include "server/conf.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

struct unit {
	const char *name;
	int64_t factor;
};
static const struct unit byte_units[] = {{"", 1}, {"B", 1}, {"KiB", TD_KIB}, {"MiB", TD_MIB},
	{"GiB", TD_GIB}, {"TiB", 1024 * TD_GIB}};
static const struct unit time_units[] = {
	{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", TD_DAY}};
static const struct unit no_units[] = {{"", 1}};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool same_word(struct td_text a, const char *b)
{
	size_t i = 0;

	while (i < a.len && b[i] != '\0' && lower(a.at[i]) == lower(b[i]))
		i++;
	return i == a.len && b[i] == '\0';
}

static int expected(struct td_text found, const char *what, struct td_error *err)
{
	return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "expected %s, found `%.*s`", what,
		(int)(found.len < 64 ? found.len : 64), found.at);
}

static int read_number(const struct td_setting *setting, struct td_text text,
	const struct unit *units, size_t units_count, const char *what, int64_t *number,
	struct td_error *err)
{
	int64_t value = 0;
	size_t at = 0, i;
	struct td_text unit;

	while (at < text.len && text.at[at] >= '0' && text.at[at] <= '9') {
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, text.at[at] - '0', &value))
			return expected(text, "a smaller number", err);
		at++;
	}
	if (at == 0)
		return expected(text, what, err);
	unit = td_text_of(text.at + at, text.len - at);
	if (unit.len > 1 && unit.at[0] == ' ')
		unit = td_text_of(unit.at + 1, unit.len - 1);
	for (i = 0; i < units_count && !same_word(unit, units[i].name); i++)
		;
	if (i == units_count)
		return expected(text, what, err);
	if (__builtin_mul_overflow(value, units[i].factor, &value))
		return expected(text, "a smaller number", err);
	if (value < setting->min || (setting->max > 0 && value > setting->max))
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"`%.*s` is %s; it may be %lld to %lld%s", TD_TEXT_ARG(text),
			value < setting->min ? "too small" : "too large", (long long)setting->min,
			(long long)setting->max, setting->kind == TD_SETTING_TIME ? " ms" : "");
	*number = value;
	return 0;
}

static int read_switch(struct td_text text, int64_t *number, struct td_error *err)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (same_word(text, words[i])) {
			*number = (int64_t)(i & 1);
			return 0;
		}
	}
	return expected(text, "yes or no", err);
}

static int read_choice(const struct td_setting *setting, struct td_text text, int64_t *number,
	struct td_error *err)
{
	const char *at = setting->argument;

	for (int64_t i = 0;; i++) {
		size_t len = strcspn(at, "|");

		if (td_text_equal(text, td_text_of(at, len))) {
			*number = i;
			return 0;
		}
		if (at[len] == '\0')
			return expected(text, setting->argument, err);
		at += len + 1;
	}
}

static int read_patterns(struct td_text text, struct td_error *err)
{
	struct td_text rest = text, pattern;
	size_t count = 0;

	while (td_conf_word(&rest, &pattern)) {
		int code = td_pattern_check(pattern, err);

		if (code != 0)
			return code;
		count++;
	}
	return count > 0 ? 0 : expected(text, "patterns of subjects", err);
}

int td_setting_read(const struct td_setting *setting, struct td_text text, int64_t *number,
	struct td_error *err)
{
	struct td_net_address address;

	*number = 0;
	/* The system's own texts end at a NUL. */
	if (text.len > 0 && memchr(text.at, '\0', text.len) != NULL)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "a NUL in it");
	switch (setting->kind) {
	case TD_SETTING_TEXT:
		return 0;
	case TD_SETTING_PATH:
		return text.len > 0 && text.len < 4096 ? 0 : expected(text, "a path", err);
	case TD_SETTING_ADDRESS:
		return td_net_address_parse(text, &address, err);
	case TD_SETTING_COUNT:
		return read_number(
			setting, text, no_units, COUNT_OF(no_units), "a whole number", number, err);
	case TD_SETTING_BYTES:
		return read_number(setting, text, byte_units, COUNT_OF(byte_units),
			"bytes, such as 64KiB", number, err);
	case TD_SETTING_TIME:
		return read_number(setting, text, time_units, COUNT_OF(time_units),
			"a time with its unit (ms, s, m, h or d), such as 10s", number, err);
	case TD_SETTING_SWITCH:
		return read_switch(text, number, err);
	case TD_SETTING_CHOICE:
		return read_choice(setting, text, number, err);
	case TD_SETTING_PATTERNS:
		return read_patterns(text, err);
	}
	return TD_E_INVALID; /* not reached: those are all kinds */
}

/* --- a log -------------------------------------------------------------------------------- */

static int patterns_of(const struct td_setting_value *value, struct td_arena *arena,
	const struct td_text **patterns, size_t *count, struct td_error *err)
{
	struct td_text rest = value->text, word, *at;
	size_t n = 0;

	*patterns = NULL;
	*count = 0;
	if (!value->set)
		return 0;
	while (td_conf_word(&rest, &word))
		n++;
	at = td_arena_alloc(arena, n * sizeof(*at));
	if (at == NULL)
		return td_error_nomem(err);
	rest = value->text;
	for (size_t i = 0; i < n; i++)
		td_conf_word(&rest, &at[i]);
	*patterns = at;
	*count = n;
	return 0;
}

int td_log_section_finish(
	struct td_log_section *section, struct td_arena *arena, struct td_error *err)
{
	const struct td_setting_value *values = section->values;
	struct td_log_config *config = &section->config;
	int code;

	if (!values[TD_LOG_SET_SUBJECTS].set)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"line %zu: [log %.*s]: `subjects = ` is needed", section->line,
			TD_TEXT_ARG(section->name));
	code = patterns_of(&values[TD_LOG_SET_SUBJECTS], arena, &config->subjects,
		&config->subjects_count, err);
	if (code == 0)
		code = patterns_of(&values[TD_LOG_SET_ERASABLE], arena, &config->erasable,
			&config->erasable_count, err);
	if (code != 0)
		return code;
	config->age_ms = values[TD_LOG_SET_AGE].number;
	config->bytes_max = (uint64_t)values[TD_LOG_SET_BYTES_MAX].number;
	config->count_max = (uint64_t)values[TD_LOG_SET_COUNT_MAX].number;
	config->count_per_subject_max = (uint64_t)values[TD_LOG_SET_COUNT_PER_SUBJECT_MAX].number;
	config->discard_new = values[TD_LOG_SET_DISCARD].number != 0;
	config->duplicates_ms = values[TD_LOG_SET_DUPLICATES_TIME].number;
	if (config->duplicates_ms == 0)
		config->duplicates_ms = -1; /* none; of the store 0 is its default */
	config->duplicates_max = (uint64_t)values[TD_LOG_SET_DUPLICATES_MAX].number;
	config->revisions_forgotten = values[TD_LOG_SET_REVISIONS].number != 0;
	section->adopt = values[TD_LOG_SET_ADOPT].number != 0;
	return 0;
}
