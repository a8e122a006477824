#include "server/host_read.h"

#include <openssl/crypto.h>
#include <stdio.h>

#include "server/conf.h"
#include "server/guard.h"

#define PEM_BYTES_MAX (1024u * 1024u)

/* --- the files ---------------------------------------------------------------------------- */

static int read_settings(
	struct td_settings **settings, const struct td_host_options *options, struct td_error *err)
{
	struct td_settings_sources sources = {.flags = options->flags,
		.flags_count = options->flags_count,
		.environment = options->environment};
	struct td_text path = td_settings_file(&sources);
	struct td_buf file = TD_BUF_INIT(TD_CONF_BYTES_MAX + 1), name = TD_BUF_INIT(4096);
	int code = 0;

	if (path.at != NULL) {
		td_buf_add_text(&name, path);
		td_buf_add_char(&name, '\0');
		code = td_buf_check(&name, err);
		if (code == 0)
			code = td_process_read_file(name.at, &file, NULL, err);
		sources.file_name = name.at;
		sources.file = td_buf_view(&file);
	}
	if (code == 0)
		code = td_settings_new(settings, &sources, err);
	td_buf_fini(&file);
	td_buf_fini(&name);
	return code;
}

/* The file that a setting names, appended with a NUL behind it. */
static int read_named(struct td_told *told, enum td_setting_id id, struct td_buf *buf, bool secret,
	struct td_error *err)
{
	const char *path = td_settings_text(told->settings, id);
	bool others = false;
	int code = td_process_read_file(path, buf, &others, err);

	if (code != 0)
		return td_error_wrap(err, code, "%s", td_setting_table[id].name);
	if (secret && others)
		snprintf(told->warning, sizeof(told->warning),
			"%s %s: others than its owner can read it", td_setting_table[id].name,
			path);
	return 0;
}

static int read_users(struct td_told *told, uint64_t seed, struct td_error *err)
{
	int code;

	if (td_settings_text(told->settings, TD_SET_USERS) == NULL)
		return 0;
	code = read_named(told, TD_SET_USERS, &told->users_buf, true, err);
	if (code != 0)
		return code;
	told->users_file = td_buf_view(&told->users_buf);
	code = td_users_new(&told->users, told->users_file, seed, err);
	return code == 0 || code == TD_E_NOMEM
		       ? code
		       : td_error_wrap(err, code, "users %s",
				 td_settings_text(told->settings, TD_SET_USERS));
}

static int read_tls(struct td_told *told, struct td_error *err)
{
	struct td_buf certificate = TD_BUF_INIT(PEM_BYTES_MAX), key = TD_BUF_INIT(PEM_BYTES_MAX),
		      client_ca = TD_BUF_INIT(PEM_BYTES_MAX);
	struct td_tls_options options = {
		.client_required = td_settings_switch(told->settings, TD_SET_TLS_CLIENT_REQUIRED)};
	int code;

	if (td_settings_text(told->settings, TD_SET_TLS_CERT) == NULL)
		return 0;
	code = read_named(told, TD_SET_TLS_CERT, &certificate, false, err);
	if (code == 0)
		code = read_named(told, TD_SET_TLS_KEY, &key, true, err);
	if (code == 0 && td_settings_text(told->settings, TD_SET_TLS_CLIENT_CA) != NULL)
		code = read_named(told, TD_SET_TLS_CLIENT_CA, &client_ca, false, err);
	if (code == 0) {
		options.certificate = td_buf_view(&certificate);
		options.key = td_buf_view(&key);
		if (td_settings_text(told->settings, TD_SET_TLS_CLIENT_CA) != NULL)
			options.client_ca =
				td_text_of(client_ca.at != NULL ? client_ca.at : "", client_ca.len);
		code = td_tls_context_new(&told->context, &options, err);
	}
	td_buf_fini(&certificate);
	if (key.at != NULL)
		OPENSSL_cleanse(key.at, key.cap);
	td_buf_fini(&key);
	td_buf_fini(&client_ca);
	return code;
}

/* Two logs of the file that claim one subject: the store would refuse the second. */
static int check_logs(const struct td_settings *settings, struct td_error *err)
{
	size_t count;
	const struct td_log_section *logs = td_settings_logs(settings, &count);

	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < i; j++) {
			const struct td_log_config *a = &logs[i].config, *b = &logs[j].config;

			for (size_t x = 0; x < a->subjects_count; x++) {
				for (size_t y = 0; y < b->subjects_count; y++) {
					if (!td_pattern_overlaps(a->subjects[x], b->subjects[y]))
						continue;
					return td_error_set(err, TD_E_EXISTS, TD_NO_OFFSET,
						"line %zu: [log %.*s]: %.*s: log %.*s claims %.*s",
						logs[i].line, TD_TEXT_ARG(logs[i].name),
						TD_TEXT_ARG(a->subjects[x]),
						TD_TEXT_ARG(logs[j].name),
						TD_TEXT_ARG(b->subjects[y]));
				}
			}
		}
	}
	return 0;
}

/* Origins are looked at by a guard that nobody asks. */
static int check_origins(const struct td_settings *settings, struct td_error *err)
{
	const char *origins = td_settings_text(settings, TD_SET_ORIGINS);
	struct td_guard *guard;
	int code = td_guard_new(&guard, &td_random_real, err);

	if (code != 0)
		return code;
	code = td_guard_set(guard, NULL, td_text(origins != NULL ? origins : ""), err);
	td_guard_free(guard);
	return code;
}

int td_told_read(struct td_told *told, const struct td_host_options *options, uint64_t seed,
	struct td_error *err)
{
	int code;

	memset(told, 0, sizeof(*told));
	td_buf_init(&told->users_buf, TD_CONF_BYTES_MAX + 1);
	code = read_settings(&told->settings, options, err);
	if (code == 0)
		code = td_settings_check(told->settings, err);
	if (code == 0)
		code = check_logs(told->settings, err);
	if (code == 0)
		code = check_origins(told->settings, err);
	if (code == 0)
		code = read_users(told, seed, err);
	if (code == 0)
		code = read_tls(told, err);
	if (code != 0)
		td_told_fini(told);
	return code;
}

void td_told_fini(struct td_told *told)
{
	td_settings_free(told->settings);
	td_users_unref(told->users);
	td_tls_context_unref(told->context);
	td_buf_fini(&told->users_buf);
	told->settings = NULL;
	told->users = NULL;
	told->context = NULL;
	told->users_file = td_text(NULL);
}

/* --- what the server calls it ------------------------------------------------------------- */

struct td_server_limits td_told_limits(const struct td_settings *settings)
{
	return (struct td_server_limits){
		.connections_max = td_settings_number(settings, TD_SET_CONNECTIONS_MAX),
		.head_bytes_max = td_settings_number(settings, TD_SET_HEAD_BYTES_MAX),
		.body_bytes_max = td_settings_number(settings, TD_SET_BODY_BYTES_MAX),
		.bodies_bytes_max = td_settings_number(settings, TD_SET_BODIES_BYTES_MAX),
		.head_ms = td_settings_number(settings, TD_SET_HEAD_TIME),
		.body_ms = td_settings_number(settings, TD_SET_BODY_TIME),
		.idle_ms = td_settings_number(settings, TD_SET_IDLE_TIME),
		.stall_ms = td_settings_number(settings, TD_SET_STALL_TIME),
		.linger_ms = td_settings_number(settings, TD_SET_LINGER_TIME),
		.pipeline_max = td_settings_number(settings, TD_SET_PIPELINE_MAX),
		.output_bytes_max = td_settings_number(settings, TD_SET_OUTPUT_BYTES_MAX),
		.batch_events_max = td_settings_number(settings, TD_SET_BATCH_EVENTS_MAX),
		.page_events_max = td_settings_number(settings, TD_SET_PAGE_EVENTS_MAX),
		.page_bytes_max = td_settings_number(settings, TD_SET_PAGE_BYTES_MAX),
		.followers_max = td_settings_number(settings, TD_SET_FOLLOWERS_MAX),
		.follower_bytes_max = td_settings_number(settings, TD_SET_FOLLOWER_BYTES_MAX),
		.heartbeat_ms = td_settings_number(settings, TD_SET_HEARTBEAT_TIME),
		.wait_ms_max = td_settings_number(settings, TD_SET_WAIT_TIME_MAX),
		.readings_max = td_settings_number(settings, TD_SET_READINGS_MAX),
		.feed_bytes_max = td_settings_number(settings, TD_SET_FEED_BYTES_MAX),
		.stop_ms = td_settings_number(settings, TD_SET_STOP_TIME),
	};
}

struct td_store_options td_told_store(const struct td_settings *settings)
{
	struct td_store_options store = {
		.index_bytes = (size_t)td_settings_number(settings, TD_SET_INDEX_BYTES),
		.payload_bytes_max = (size_t)td_settings_number(settings, TD_SET_PAYLOAD_BYTES_MAX),
		.subjects_max = (size_t)td_settings_number(settings, TD_SET_SUBJECTS_MAX),
	};

	store.journal.cache_bytes = (size_t)td_settings_number(settings, TD_SET_CACHE_BYTES);
	store.journal.segment_bytes_max =
		(size_t)td_settings_number(settings, TD_SET_SEGMENT_BYTES_MAX);
	return store;
}
