#include "server/inside.h"

#include <stddef.h>
#include <stdlib.h>

#include "server/handlers.h"
#include "server/show.h"

/*
 * /v1/logs: list, create, change, delete. Settings are those of struct td_log_settings
 * (tidings/log.h), by their names.
 */

/* --- settings ----------------------------------------------------------------------------- */

enum kind { WHOLE, SIGNED, YES, PATTERNS };

static const struct setting {
	const char *name;
	enum kind kind;
	size_t offset;
} settings[] = {
	{"subjects", PATTERNS, offsetof(struct td_log_config, subjects)},
	{"erasable", PATTERNS, offsetof(struct td_log_config, erasable)},
	{"age_ms", SIGNED, offsetof(struct td_log_config, age_ms)},
	{"bytes_max", WHOLE, offsetof(struct td_log_config, bytes_max)},
	{"count_max", WHOLE, offsetof(struct td_log_config, count_max)},
	{"count_per_subject_max", WHOLE, offsetof(struct td_log_config, count_per_subject_max)},
	{"discard_new", YES, offsetof(struct td_log_config, discard_new)},
	{"duplicates_ms", SIGNED, offsetof(struct td_log_config, duplicates_ms)},
	{"duplicates_max", WHOLE, offsetof(struct td_log_config, duplicates_max)},
	{"revisions_forgotten", YES, offsetof(struct td_log_config, revisions_forgotten)},
	{"importing", YES, offsetof(struct td_log_config, importing)},
};
#define SETTINGS (sizeof(settings) / sizeof(settings[0]))

/* What is shown of a log, and may come back with a change of its settings: not looked at. */
static const char *const shown_only[] = {"first_seq", "last_seq", "count", "bytes",
	"subjects_count", "created", "first_time", "last_time", "adopting"};

struct change {
	struct td_log_config config;
	struct td_arena texts;
	struct td_text name; /* that the body says */
	bool adopt;
};

static int wrong(struct td_error *err, const char *name, const char *what)
{
	return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "%s: %s", name, what);
}

static struct td_text read_text(struct change *change, struct td_json json)
{
	struct td_buf buf = TD_BUF_INIT(64u << 10);
	struct td_text text;

	td_json_unescape(json, &buf);
	text = td_arena_copy(&change->texts, buf.at != NULL ? td_buf_view(&buf) : td_text(""));
	td_buf_fini(&buf);
	return text;
}

static int read_patterns(struct change *change, const struct setting *setting, struct td_json json,
	struct td_error *err)
{
	struct td_json_iter iter = td_json_iterate(json);
	size_t count = td_json_count(json), i = 0;
	struct td_text *texts;
	struct td_json element;

	if (json.kind != TD_JSON_ARRAY)
		return wrong(err, setting->name, "an array of patterns");
	if (count > TD_LOG_SUBJECTS_MAX)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "%s: %zu, at most %u",
			setting->name, count, TD_LOG_SUBJECTS_MAX);
	texts = td_arena_zalloc(&change->texts, (count + 1) * sizeof(*texts));
	if (texts == NULL)
		return td_error_nomem(err);
	while (td_json_next(&iter, NULL, &element)) {
		if (element.kind != TD_JSON_STRING)
			return wrong(err, setting->name, "an array of patterns");
		texts[i] = read_text(change, element);
		if (texts[i++].at == NULL)
			return td_error_nomem(err);
	}
	if (setting->offset == offsetof(struct td_log_config, subjects)) {
		change->config.subjects = texts;
		change->config.subjects_count = count;
	} else {
		change->config.erasable = texts;
		change->config.erasable_count = count;
	}
	return 0;
}

static int read_setting(struct change *change, const struct setting *setting, struct td_json json,
	struct td_error *err)
{
	void *at = (char *)&change->config + setting->offset;
	int64_t number = 0;

	switch (setting->kind) {
	case PATTERNS:
		return read_patterns(change, setting, json, err);
	case YES:
		if (json.kind != TD_JSON_TRUE && json.kind != TD_JSON_FALSE)
			return wrong(err, setting->name, "true or false");
		*(bool *)at = json.kind == TD_JSON_TRUE;
		return 0;
	case WHOLE:
	case SIGNED:
		if (json.kind != TD_JSON_NUMBER || !td_json_to_i64(json, &number) ||
			(setting->kind == WHOLE && number < 0))
			return wrong(err, setting->name, "a whole number");
		if (setting->kind == WHOLE)
			*(uint64_t *)at = (uint64_t)number;
		else
			*(int64_t *)at = number;
		return 0;
	}
	TD_UNREACHABLE();
}

static bool is_shown_only(struct td_json name)
{
	for (size_t i = 0; i < sizeof(shown_only) / sizeof(shown_only[0]); i++) {
		if (td_json_string_is(name, td_text(shown_only[i])))
			return true;
	}
	return false;
}

static int read_member(
	struct change *change, struct td_json name, struct td_json value, struct td_error *err)
{
	if (td_json_string_is(name, td_text("name"))) {
		if (value.kind != TD_JSON_STRING)
			return wrong(err, "name", "a string");
		change->name = read_text(change, value);
		return change->name.at != NULL ? 0 : td_error_nomem(err);
	}
	if (td_json_string_is(name, td_text("adopt"))) {
		if (value.kind != TD_JSON_TRUE && value.kind != TD_JSON_FALSE)
			return wrong(err, "adopt", "true or false");
		change->adopt = value.kind == TD_JSON_TRUE;
		return 0;
	}
	for (size_t i = 0; i < SETTINGS; i++) {
		if (td_json_string_is(name, td_text(settings[i].name)))
			return read_setting(change, &settings[i], value, err);
	}
	if (is_shown_only(name))
		return 0;
	return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "%.*s: no setting of a log",
		TD_TEXT_ARG(name.text));
}

static int read_change(const struct td_exchange *x, struct change *change, struct td_error *err)
{
	struct td_json json, name, value;
	struct td_json_iter iter;
	int code = 0;

	if (x->body.len == 0)
		return 0; /* all defaults */
	code = td_json_parse(x->body, 0, &json, err);
	if (code == 0 && json.kind != TD_JSON_OBJECT)
		code = td_error_set(err, TD_E_FORMAT, TD_NO_OFFSET, "settings are a JSON object");
	if (code != 0)
		return code;
	iter = td_json_iterate(json);
	while (code == 0 && td_json_next(&iter, &name, &value))
		code = read_member(change, name, value, err);
	return code;
}

/* --- showing ------------------------------------------------------------------------------ */

static void show_patterns(struct td_json_writer *writer, const char *name,
	const struct td_text *patterns, size_t count)
{
	td_json_name(writer, td_text(name));
	td_json_open_array(writer);
	for (size_t i = 0; i < count; i++)
		td_json_string(writer, patterns[i]);
	td_json_close_array(writer);
}

static void show_settings(struct td_json_writer *writer, const struct td_log_config *config)
{
	show_patterns(writer, "subjects", config->subjects, config->subjects_count);
	show_patterns(writer, "erasable", config->erasable, config->erasable_count);
	td_show_i64(writer, "age_ms", config->age_ms);
	td_show_u64(writer, "bytes_max", config->bytes_max);
	td_show_u64(writer, "count_max", config->count_max);
	td_show_u64(writer, "count_per_subject_max", config->count_per_subject_max);
	td_show_bool(writer, "discard_new", config->discard_new);
	td_show_i64(writer, "duplicates_ms", config->duplicates_ms);
	td_show_u64(writer, "duplicates_max", config->duplicates_max);
	td_show_bool(writer, "revisions_forgotten", config->revisions_forgotten);
	td_show_bool(writer, "importing", config->importing);
}

static void show_log(struct td_json_writer *writer, const struct td_log_info *about)
{
	td_json_open_object(writer);
	td_show_string(writer, "name", about->name);
	show_settings(writer, about->config);
	td_show_u64(writer, "first_seq", about->first_seq);
	td_show_u64(writer, "last_seq", about->last_seq);
	td_show_u64(writer, "count", about->count);
	td_show_u64(writer, "bytes", about->bytes);
	td_show_u64(writer, "subjects_count", about->subjects);
	td_show_time(writer, "created", about->created);
	if (about->count > 0) {
		td_show_time(writer, "first_time", about->first_time);
		td_show_time(writer, "last_time", about->last_time);
	}
	td_json_close_object(writer);
}

static bool is_own(struct td_text name)
{
	return name.len > 0 &&
	       (name.at[0] == '$' || (name.len > 3 && memcmp(name.at, "td.", 3) == 0));
}

/* --- handlers ----------------------------------------------------------------------------- */

static void answer(struct td_exchange *x, int status, struct td_buf *body)
{
	struct td_error err = TD_ERROR_INIT;

	td_buf_add_char(body, '\n');
	if (td_buf_check(body, &err) != 0)
		td_answer_problem(x, &err);
	else
		td_answer_json(x, status, td_buf_view(body));
	td_buf_fini(body);
}

int td_list_logs(struct td_exchange *x, struct td_error *err)
{
	struct td_store *store = x->server->store;
	size_t count = td_store_logs(store, NULL, 0), found;
	struct td_log_info *infos = calloc(count > 0 ? count : 1, sizeof(*infos));
	struct td_buf body = TD_BUF_INIT(64u << 20);
	struct td_json_writer writer;

	if (infos == NULL)
		return td_error_nomem(err);
	found = td_store_logs(store, infos, count);
	td_json_writer_init(&writer, &body);
	td_json_open_object(&writer);
	td_json_name(&writer, td_text("logs"));
	td_json_open_array(&writer);
	for (size_t i = 0; i < found && i < count; i++) {
		if (!is_own(infos[i].name))
			show_log(&writer, &infos[i]);
	}
	td_json_close_array(&writer);
	td_json_close_object(&writer);
	free(infos);
	answer(x, 200, &body);
	return 0;
}

int td_show_log(struct td_exchange *x, struct td_error *err)
{
	struct td_buf body = TD_BUF_INIT(1u << 20);
	struct td_json_writer writer;
	struct td_log_info about;
	int code = td_store_log(x->server->store, td_exchange_captured(x, 0), 0, &about, err);

	if (code != 0)
		return code;
	td_json_writer_init(&writer, &body);
	show_log(&writer, &about);
	answer(x, 200, &body);
	return 0;
}

static int check_name(struct td_text name, struct td_error *err)
{
	if (name.len > 0 && name.len <= 255 && !is_own(name))
		return 0;
	return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
		"name: 1 to 255 bytes, not beginning with \"$\" or \"td.\"");
}

/* Whether the log is there; decided, not only durable. */
static bool exists(struct td_exchange *x, struct td_text name)
{
	struct td_log_info about;

	return td_store_log(x->server->store, name, 0, &about, NULL) == 0;
}

static int set(struct td_exchange *x, struct td_text name, struct change *change, unsigned how,
	struct td_error *err)
{
	struct td_buf body = TD_BUF_INIT(1u << 20);
	struct td_json_writer writer;
	uint64_t rests_on = 0;
	int code = check_name(name, err);

	if (x->kept ==
		0) /* an adoption takes several tries, and the log is there after the first */
		x->kept = exists(x, name) ? 200 : 201;
	if (code == 0 && change->name.at != NULL && !td_text_equal(change->name, name))
		code = td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"name: %.*s, where the path says %.*s", TD_TEXT_ARG(change->name),
			TD_TEXT_ARG(name));
	if (code == 0)
		code = td_store_log_set(x->server->store, name, &change->config,
			how | (change->adopt ? TD_LOG_ADOPT : 0), &rests_on, err);
	td_exchange_rests_on(x, rests_on);
	if (code != 0)
		return code;
	x->server->names_stale = true;
	td_json_writer_init(&writer, &body);
	td_json_open_object(&writer);
	td_show_string(&writer, "name", name);
	show_settings(&writer, &change->config);
	td_json_close_object(&writer);
	answer(x, (int)x->kept, &body);
	return 0;
}

static void change_init(struct change *change)
{
	*change = (struct change){0};
	td_arena_init(&change->texts, 1024, 1u << 20);
}

int td_make_log(struct td_exchange *x, struct td_error *err)
{
	struct change change;
	int code;

	change_init(&change);
	code = read_change(x, &change, err);
	if (code == 0 && change.name.at == NULL)
		code = wrong(err, "name", "missing");
	if (code == 0)
		code = set(x, change.name, &change, TD_LOG_CREATE, err);
	td_arena_fini(&change.texts);
	return code;
}

int td_put_log(struct td_exchange *x, struct td_error *err)
{
	struct change change;
	int code;

	change_init(&change);
	code = read_change(x, &change, err);
	if (code == 0)
		code = set(
			x, td_exchange_captured(x, 0), &change, TD_LOG_CREATE | TD_LOG_CHANGE, err);
	td_arena_fini(&change.texts);
	return code;
}

int td_patch_log(struct td_exchange *x, struct td_error *err)
{
	struct td_text name = td_exchange_captured(x, 0);
	struct td_log_info about;
	struct change change;
	int code;

	change_init(&change);
	code = td_store_log(x->server->store, name, 0, &about, err);
	if (code == 0) {
		change.config = *about.config;
		code = read_change(x, &change, err);
	}
	if (code == 0)
		code = set(x, name, &change, TD_LOG_CHANGE, err);
	td_arena_fini(&change.texts);
	return code;
}

int td_delete_log(struct td_exchange *x, struct td_error *err)
{
	struct td_text name = td_exchange_captured(x, 0);
	uint64_t rests_on = 0;
	int code = check_name(name, err);

	if (code == 0)
		code = td_store_log_delete(x->server->store, name, &rests_on, err);
	td_exchange_rests_on(x, rests_on);
	if (code != 0)
		return code;
	x->server->names_stale = true;
	td_answer(x, 204, NULL, td_text(NULL));
	return 0;
}
