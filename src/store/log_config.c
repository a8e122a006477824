/*
 * What `$tidings` says of a log: its configuration as JSON. Members that stand for the default or
 * for no limit are left out; a reader takes what it knows.
 */
#include "store/log.h"

static void write_patterns(
	struct td_json_writer *json, const char *name, const struct td_text *patterns, size_t count)
{
	if (count == 0)
		return;
	td_json_name(json, td_text(name));
	td_json_open_array(json);
	for (size_t i = 0; i < count; i++)
		td_json_string(json, patterns[i]);
	td_json_close_array(json);
}

static void write_number(struct td_json_writer *json, const char *name, uint64_t value)
{
	if (value == 0)
		return;
	td_json_name(json, td_text(name));
	td_json_u64(json, value);
}

static void write_true(struct td_json_writer *json, const char *name, bool value)
{
	if (!value)
		return;
	td_json_name(json, td_text(name));
	td_json_bool(json, true);
}

void td_log_config_write(struct td_buf *buf, uint32_t number, struct td_text name,
	const struct td_log_config *config)
{
	struct td_json_writer json;

	td_json_writer_init(&json, buf);
	td_json_open_object(&json);
	td_json_name(&json, td_text("log"));
	td_json_string(&json, name);
	write_number(&json, "number", number);
	write_patterns(&json, "subjects", config->subjects, config->subjects_count);
	write_patterns(&json, "erasable", config->erasable, config->erasable_count);
	if (config->metadata.at != NULL) {
		td_json_name(&json, td_text("metadata"));
		td_json_string(&json, config->metadata);
	}
	write_number(&json, "age_ms", (uint64_t)config->age_ms);
	write_number(&json, "bytes_max", config->bytes_max);
	write_number(&json, "count_max", config->count_max);
	write_number(&json, "count_per_subject_max", config->count_per_subject_max);
	write_true(&json, "discard_new", config->discard_new);
	td_json_name(&json, td_text("duplicates_ms"));
	td_json_i64(&json, config->duplicates_ms);
	write_number(&json, "duplicates_max", config->duplicates_max);
	write_true(&json, "revisions_forgotten", config->revisions_forgotten);
	write_true(&json, "importing", config->importing);
	write_true(&json, "adopting", config->adopting);
	write_true(&json, "adopted", config->adopted);
	td_json_close_object(&json);
}

/* --- reading ------------------------------------------------------------------------------ */

static struct td_text read_string(struct td_json value, struct td_arena *arena)
{
	struct td_buf buf = TD_BUF_INIT(TD_HEADER_BYTES_MAX);
	struct td_text text = {NULL, 0};

	if (value.kind == TD_JSON_STRING) {
		td_json_unescape(value, &buf);
		if (buf.code == 0)
			text = td_arena_copy(
				arena, td_text_of(buf.at != NULL ? buf.at : "", buf.len));
	}
	td_buf_fini(&buf);
	return text;
}

static bool read_patterns(struct td_json object, const char *name, const struct td_text **patterns,
	size_t *count, struct td_arena *arena)
{
	struct td_json value = td_json_get(object, td_text(name)), member, item;
	struct td_json_iter iter = td_json_iterate(value);
	struct td_text *texts;

	*count = 0;
	if (value.kind == TD_JSON_NONE)
		return true;
	if (value.kind != TD_JSON_ARRAY || td_json_count(value) > TD_LOG_SUBJECTS_MAX)
		return false;
	texts = td_arena_alloc(arena, (td_json_count(value) + 1) * sizeof(*texts));
	if (texts == NULL)
		return false;
	while (td_json_next(&iter, &member, &item)) {
		texts[*count] = read_string(item, arena);
		if (texts[(*count)++].at == NULL)
			return false;
	}
	*patterns = texts;
	return true;
}

static int64_t read_number(struct td_json object, const char *name)
{
	struct td_json value = td_json_get(object, td_text(name));
	int64_t number;

	return value.kind == TD_JSON_NUMBER && td_json_to_i64(value, &number) ? number : 0;
}

static bool read_bool(struct td_json object, const char *name)
{
	return td_json_get(object, td_text(name)).kind == TD_JSON_TRUE;
}

int td_log_config_read(struct td_text json, uint32_t *number, struct td_text *name,
	struct td_log_config *config, struct td_arena *arena, struct td_error *err)
{
	struct td_json object;
	int code = td_json_parse(json, TD_JSON_DEPTH_MAX, &object, err);

	if (code != 0)
		return code;
	*config = (struct td_log_config){0};
	*number = (uint32_t)read_number(object, "number");
	*name = read_string(td_json_get(object, td_text("log")), arena);
	config->metadata = read_string(td_json_get(object, td_text("metadata")), arena);
	if (*number == 0 || name->at == NULL ||
		!read_patterns(
			object, "subjects", &config->subjects, &config->subjects_count, arena) ||
		!read_patterns(
			object, "erasable", &config->erasable, &config->erasable_count, arena))
		return td_error_set(err, TD_E_DATA, TD_NO_OFFSET, "not the configuration of a log");
	config->age_ms = read_number(object, "age_ms");
	config->bytes_max = (uint64_t)read_number(object, "bytes_max");
	config->count_max = (uint64_t)read_number(object, "count_max");
	config->count_per_subject_max = (uint64_t)read_number(object, "count_per_subject_max");
	config->discard_new = read_bool(object, "discard_new");
	config->duplicates_ms = read_number(object, "duplicates_ms");
	config->duplicates_max = (uint64_t)read_number(object, "duplicates_max");
	config->revisions_forgotten = read_bool(object, "revisions_forgotten");
	config->importing = read_bool(object, "importing");
	config->adopting = read_bool(object, "adopting");
	config->adopted = read_bool(object, "adopted");
	return 0;
}
