#include "client/http_inside.h"

#include <stdlib.h>
#include <string.h>

/*
 * Logs and the state of a server, by its routes:
 *
 *	GET /v1/logs                    {"logs": [{"name": "orders", settings, "last_seq": 7, ...}]}
 *	POST /v1/logs                   {"name": "orders", settings}: 409 if there is one
 *	PUT /v1/logs/NAME               settings: exactly these
 *	DELETE /v1/logs/NAME
 *	GET /v1/status                  numbers, as td_status() has them
 */

#define LOG_BODY_MAX (8u * 1024u * 1024u)

/* --- settings ----------------------------------------------------------------------------- */

/* Numbers and flags of settings, by their names in the header. */
/* clang-format off */
#define SETTINGS(NUMBER, FLAG) \
	NUMBER(age_ms) NUMBER(bytes_max) NUMBER(count_max) NUMBER(count_per_subject_max) \
	NUMBER(duplicates_ms) NUMBER(duplicates_max) \
	FLAG(discard_new) FLAG(revisions_forgotten) FLAG(importing) FLAG(adopt)
#define COUNTS(NUMBER, TIME) \
	NUMBER(first_seq) NUMBER(last_seq) NUMBER(count) NUMBER(bytes) \
	TIME(created) TIME(first_time) TIME(last_time)
/* clang-format on */

static void write_texts(
	struct td_json_writer *w, const char *name, const char *const *texts, size_t count)
{
	td_json_name(w, td_text(name));
	td_json_open_array(w);
	for (size_t i = 0; i < count; i++)
		td_json_string(w, td_text(texts[i]));
	td_json_close_array(w);
}

static int write_settings(struct td_buf *body, const char *name,
	const struct td_log_settings *settings, struct td_error *err)
{
	struct td_json_writer w;

	if ((settings->subjects_count > 0 && settings->subjects == NULL) ||
		(settings->erasable_count > 0 && settings->erasable == NULL))
		return td_error_set(
			err, TD_E_INVALID, TD_NO_OFFSET, "subjects: NULL, with a count");
	td_json_writer_init(&w, body);
	td_json_open_object(&w);
	if (name != NULL) {
		td_json_name(&w, td_text("name"));
		td_json_string(&w, td_text(name));
	}
	write_texts(&w, "subjects", settings->subjects, settings->subjects_count);
	if (settings->erasable_count > 0)
		write_texts(&w, "erasable", settings->erasable, settings->erasable_count);
#define NUMBER(field)                                      \
	if (settings->field != 0) {                        \
		td_json_name(&w, td_text(#field));         \
		td_json_i64(&w, (int64_t)settings->field); \
	}
#define FLAG(field)                                \
	if (settings->field) {                     \
		td_json_name(&w, td_text(#field)); \
		td_json_bool(&w, true);            \
	}
	SETTINGS(NUMBER, FLAG)
#undef NUMBER
#undef FLAG
	td_json_close_object(&w);
	return td_buf_check(body, err);
}

/* --- create, change, delete --------------------------------------------------------------- */

/* Never asked twice: the second answer would be about what the first one did. */
static int send(struct td_http *http, enum td_http_method method, const char *name,
	const struct td_buf *body, struct td_error *err)
{
	struct td_buf target = TD_BUF_INIT(64 * 1024);
	struct td_http_reply reply = TD_HTTP_REPLY_INIT;
	struct td_http_ask ask = {.method = method, .once = true};
	int code;

	td_buf_add_string(&target, "/v1/logs");
	if (name != NULL) {
		td_buf_add_char(&target, '/');
		td_http_add_encoded(&target, td_text(name));
	}
	code = td_buf_check(&target, err);
	if (body != NULL) {
		ask.content_type = td_text("application/json");
		ask.body = td_buf_view(body);
	}
	ask.target = td_buf_view(&target);
	if (code == 0)
		code = td_http_ask(http, &ask, &reply, err);
	td_http_reply_fini(&reply);
	td_buf_fini(&target);
	return code;
}

static int check_name(const char *name, struct td_error *err)
{
	if (name[0] == '\0' || strlen(name) > TD_LOG_NAME_BYTES_MAX)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "name: 1 to %u bytes",
			TD_LOG_NAME_BYTES_MAX);
	return 0;
}

int td_http_log_set(struct td *td, const char *name, const struct td_log_settings *settings,
	bool change, struct td_error *err)
{
	struct td_buf body = TD_BUF_INIT(LOG_BODY_MAX);
	int code = check_name(name, err);

	if (code == 0)
		code = write_settings(&body, change ? NULL : name, settings, err);
	if (code == 0)
		code = send(td->http, change ? TD_HTTP_PUT : TD_HTTP_POST, change ? name : NULL,
			&body, err);
	td_buf_fini(&body);
	return code;
}

int td_http_log_delete(struct td *td, const char *name, struct td_error *err)
{
	int code = check_name(name, err);

	return code == 0 ? send(td->http, TD_HTTP_DELETE, name, NULL, err) : code;
}

/* --- list --------------------------------------------------------------------------------- */

/* One block: the logs, then pointers to their subjects, then all texts: never longer than the JSON. */
struct block {
	const char **pointers;
	struct td_buf texts; /* over the end of the block */
};

static const char *copy_text(struct block *block, struct td_json value)
{
	const char *copy = block->texts.at + block->texts.len;

	if (value.kind == TD_JSON_STRING)
		td_json_unescape(value, &block->texts);
	td_buf_add_char(&block->texts, '\0');
	return copy;
}

static const char *const *copy_texts(struct block *block, struct td_json array, size_t *count)
{
	struct td_json_iter iter = td_json_iterate(array);
	const char **first = block->pointers;
	struct td_json value;

	*count = 0;
	while (array.kind == TD_JSON_ARRAY && td_json_next(&iter, NULL, &value)) {
		*block->pointers++ = copy_text(block, value);
		(*count)++;
	}
	return first;
}

static int64_t number_of(struct td_json object, const char *name)
{
	struct td_json number = td_json_get(object, td_text(name));
	int64_t value = 0;

	if (number.kind == TD_JSON_NUMBER)
		td_json_to_i64(number, &value);
	return value;
}

static td_time time_of(struct td_json object, const char *name)
{
	struct td_json value = td_json_get(object, td_text(name));
	td_time time = 0;

	if (value.kind == TD_JSON_STRING)
		td_time_parse(td_json_inside(value), &time, NULL);
	return time;
}

static void read_log(struct block *block, struct td_json object, struct td_log_about *about)
{
	struct td_log_settings *settings = &about->settings;

	about->name = copy_text(block, td_json_get(object, td_text("name")));
	settings->subjects = copy_texts(
		block, td_json_get(object, td_text("subjects")), &settings->subjects_count);
	settings->erasable = copy_texts(
		block, td_json_get(object, td_text("erasable")), &settings->erasable_count);
#define NUMBER(field) settings->field = (__typeof__(settings->field))number_of(object, #field);
#define FLAG(field)   settings->field = td_json_get(object, td_text(#field)).kind == TD_JSON_TRUE;
	SETTINGS(NUMBER, FLAG)
#undef NUMBER
#undef FLAG
	about->subjects =
		(uint64_t)number_of(object, "subjects_count"); /* `subjects`: what it claims */
#define NUMBER(field) about->field = (uint64_t)number_of(object, #field);
#define TIME(field)   about->field = time_of(object, #field);
	COUNTS(NUMBER, TIME)
#undef NUMBER
#undef TIME
}

static int read_list(
	struct td_text body, struct td_log_about **logs, size_t *count, struct td_error *err)
{
	struct td_json document, list, log;
	struct td_json_iter iter;
	size_t all, pointers, bytes, read = 0;
	struct block block;
	char *at;
	int code = td_json_parse(body, 0, &document, err);

	if (code != 0)
		return code;
	list = document.kind == TD_JSON_ARRAY ? document : td_json_get(document, td_text("logs"));
	if (list.kind != TD_JSON_ARRAY)
		return td_error_set(
			err, TD_E_FORMAT, TD_NO_OFFSET, "the server's list of logs is none");
	all = td_json_count(list);
	pointers = body.len / 3 + 2; /* "", of an array */
	bytes = all * sizeof(**logs) + pointers * sizeof(char *) + body.len + 2 * all + 2;
	at = calloc(1, bytes);
	if (at == NULL)
		return td_error_nomem(err);
	*logs = (struct td_log_about *)(void *)at;
	block.pointers = (const char **)(void *)(at + all * sizeof(**logs));
	at = (char *)(void *)(block.pointers + pointers);
	block.texts = (struct td_buf){at, 0, body.len + 2 * all + 2, body.len + 2 * all + 1, 0};
	iter = td_json_iterate(list);
	while (read < all && td_json_next(&iter, NULL, &log))
		read_log(&block, log, &(*logs)[read++]);
	TD_ASSERT(block.texts.code == 0 && block.texts.at == at);
	*count = read;
	return 0;
}

static int get(
	struct td_http *http, const char *target, struct td_http_reply *reply, struct td_error *err)
{
	struct td_http_ask ask = {.method = TD_HTTP_GET, .target = td_text(target)};

	return td_http_ask(http, &ask, reply, err);
}

int td_http_log_list(struct td *td, struct td_log_about **logs, size_t *count, struct td_error *err)
{
	struct td_http_reply reply = TD_HTTP_REPLY_INIT;
	int code = get(td->http, "/v1/logs", &reply, err);

	if (code == 0)
		code = read_list(td_buf_view(&reply.body), logs, count, err);
	td_http_reply_fini(&reply);
	return code;
}

/* --- status ------------------------------------------------------------------------------- */

/* clang-format off */
#define STATUS(FLAG, NUMBER) \
	FLAG(failed) FLAG(disk_full) FLAG(recovered) NUMBER(cut_bytes) \
	NUMBER(events) NUMBER(subjects) NUMBER(logs) NUMBER(bytes) \
	NUMBER(commits) NUMBER(syncs) NUMBER(bytes_written) NUMBER(index_bytes) \
	NUMBER(heads_position)
/* clang-format on */

static void read_status(struct td_json object, struct td_status *status)
{
	struct td_json warning = td_json_get(object, td_text("warning"));

#define FLAG(field)   status->field = td_json_get(object, td_text(#field)).kind == TD_JSON_TRUE;
#define NUMBER(field) status->field = (__typeof__(status->field))number_of(object, #field);
	STATUS(FLAG, NUMBER)
#undef FLAG
#undef NUMBER
	if (warning.kind == TD_JSON_STRING)
		td_text_copy(td_json_inside(warning), status->warning, sizeof(status->warning));
}

int td_http_status(struct td *td, struct td_status *status, struct td_error *err)
{
	struct td_http_reply reply = TD_HTTP_REPLY_INIT;
	struct td_json document;
	int code = get(td->http, "/v1/status", &reply, err);

	if (code == 0)
		code = td_json_parse(td_buf_view(&reply.body), 0, &document, err);
	if (code == 0) {
		status->stored = true;
		read_status(document, status);
		if (reply.position != 0)
			status->position = reply.position;
		else
			code = td_http_ask_position(td->http, false, &status->position, err);
	}
	td_http_reply_fini(&reply);
	return code;
}
