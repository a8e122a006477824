#include "server/host.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/access.h"
#include "server/host_read.h"
#include "server/inside.h"
#include "server/notes.h"
#include "server/service.h"
#include "server/tls_channel.h"

#define OPENING_SECONDS 3600u
#define SAY_AGAIN_NS    INT64_C(100000000) /* what did not go is tried again */

struct td_host {
	struct td_host_options options;
	struct td_loop *loop;
	struct td_net net;
	bool has_net;
	struct td_task_pool *commits, *chores, *work;
	struct td_told told; /* what is in effect */
	uint64_t seed;
	struct td_access *access;
	struct td_tls_gate gate;
	struct td_notes notes;
	struct td_service service;
	struct td_server *server;
	_Atomic bool reload_asked;
	bool stopping;
};

/* --- what it says ------------------------------------------------------------------------- */

static void flush_notes(struct td_host *host)
{
	struct td_text waiting = td_notes_waiting(&host->notes);

	if (waiting.len > 0)
		td_notes_written(&host->notes, host->options.say(waiting.at, waiting.len));
}

static void say(void *arg, enum td_severity severity, const char *text)
{
	struct td_host *host = arg;

	td_notes_say(&host->notes, severity, text, td_clock_wall(&td_clock_real),
		td_clock_monotonic(&td_clock_real));
}

static void TD_PRINTF(3, 4)
	sayf(struct td_host *host, enum td_severity severity, const char *format, ...)
{
	char text[512];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list); /* NOLINT: it was started */
	va_end(list);
	say(host, severity, text);
}

static void set_notes(struct td_host *host)
{
	const struct td_settings *settings = host->told.settings;

	/* The table begins with the worst. */
	host->notes.least =
		(enum td_severity)(TD_SAY_ERROR - td_settings_number(settings, TD_SET_LOG_LEVEL));
	if (td_settings_number(settings, TD_SET_LOG_FORMAT) == 1)
		host->notes.form = TD_NOTES_JSON;
	else
		host->notes.form = host->options.journal ? TD_NOTES_JOURNAL : TD_NOTES_TEXT;
	if (host->told.warning[0] != '\0')
		say(host, TD_SAY_WARNING, host->told.warning);
}

/* --- logs of the file --------------------------------------------------------------------- */

static bool same_patterns(
	const struct td_text *a, size_t a_count, const struct td_text *b, size_t b_count)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++) {
		if (!td_text_equal(a[i], b[i]))
			return false;
	}
	return true;
}

static bool same_config(const struct td_log_config *a, const struct td_log_config *b)
{
	return same_patterns(a->subjects, a->subjects_count, b->subjects, b->subjects_count) &&
	       same_patterns(a->erasable, a->erasable_count, b->erasable, b->erasable_count) &&
	       a->age_ms == b->age_ms && a->bytes_max == b->bytes_max &&
	       a->count_max == b->count_max &&
	       a->count_per_subject_max == b->count_per_subject_max &&
	       a->discard_new == b->discard_new && a->duplicates_ms == b->duplicates_ms &&
	       a->duplicates_max == b->duplicates_max &&
	       a->revisions_forgotten == b->revisions_forgotten;
}

/* Make the log what its section says, and wait until that is durable. */
static int set_log(struct td_host *host, const struct td_log_section *section, struct td_error *err)
{
	struct td_store *store = td_server_store(host->server);
	struct td_log_config config = section->config;
	struct td_log_info info;
	unsigned change = TD_LOG_CREATE;
	uint64_t rests_on = 0;
	int code = td_store_log(store, section->name, 0, &info, NULL);

	if (code == 0) {
		change = TD_LOG_CHANGE;
		config.metadata = info.config->metadata; /* not the file's to say */
		config.importing = info.config->importing;
		if (same_config(&config, info.config))
			return 0;
	}
	if (section->adopt)
		change |= TD_LOG_ADOPT;
	while ((code = td_store_log_set(store, section->name, &config, change, &rests_on, err)) ==
		TD_E_FULL) {
		if (td_server_turn(host->server, td_clock_monotonic(&td_clock_real)) !=
			TD_SERVER_RUNS)
			return td_server_failed(host->server, err);
	}
	if (code != 0)
		return code == TD_E_NOMEM ? code
					  : td_error_wrap(err, code, "line %zu: [log %.*s]",
						    section->line, TD_TEXT_ARG(section->name));
	while (rests_on > 0 && td_store_durable(store) <= rests_on) {
		if (td_server_turn(host->server, td_clock_monotonic(&td_clock_real)) !=
			TD_SERVER_RUNS)
			return td_server_failed(host->server, err);
	}
	sayf(host, TD_SAY_INFO, "log %.*s: %s", TD_TEXT_ARG(section->name),
		(change & TD_LOG_CREATE) != 0 ? "made" : "changed");
	td_server_rename(host->server);
	return 0;
}

static int set_logs(struct td_host *host, struct td_error *err)
{
	size_t count;
	const struct td_log_section *logs = td_settings_logs(host->told.settings, &count);
	int code = 0;

	for (size_t i = 0; code == 0 && i < count; i++)
		code = set_log(host, &logs[i], err);
	return code;
}

/* --- open --------------------------------------------------------------------------------- */

static int open_world(struct td_host *host, struct td_error *err)
{
	unsigned workers = (unsigned)td_settings_number(host->told.settings, TD_SET_WORKERS);
	int code = td_loop_new(&host->loop, err);

	if (code == 0) {
		code = td_net_real_open(&host->net, host->loop, err);
		host->has_net = code == 0;
	}
	if (code == 0)
		code = td_task_pool_new(&host->commits, "commit", 1, host->loop, err);
	if (code == 0)
		code = td_task_pool_new(&host->chores, "chores", 1, host->loop, err);
	if (code == 0)
		code = td_task_pool_new(&host->work, "work", workers, host->loop, err);
	return code;
}

/* Users as they were read, into effect. */
static int set_access(struct td_host *host, const struct td_told *told, struct td_error *err)
{
	const char *origins = td_settings_text(told->settings, TD_SET_ORIGINS);
	struct td_users *users = td_users_ref(told->users);
	int code = td_access_set(host->access, users, td_text(origins != NULL ? origins : ""), err);

	if (code != 0)
		td_users_unref(users);
	return code;
}

/* What the supervisor handed over, as listeners. */
static int adopt(struct td_host *host, int *handles, size_t *count, struct td_error *err)
{
	const struct td_supervisor *supervisor = host->options.supervisor;

	*count = 0;
	for (size_t i = 0; supervisor != NULL && i < supervisor->handed_count; i++) {
		const struct td_handed *handed = &supervisor->handed[i];
		struct td_net_address address;
		int code;

		if (handed->name[0] != '\0' && strcmp(handed->name, "http") != 0)
			return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
				"socket `%s` of the supervisor: there is `http`", handed->name);
		code = td_net_real_adopt(&host->net, handed->descriptor, &handles[*count]);
		if (code == 0)
			code = td_net_name(&host->net, handles[*count], &address);
		if (code != 0)
			return td_error_system(
				err, code, "socket %d of the supervisor", handed->descriptor);
		code = td_settings_check_at(host->told.settings, &address, err);
		if (code != 0)
			return code;
		(*count)++;
	}
	return 0;
}

static int open_server(struct td_host *host, struct td_error *err)
{
	const struct td_settings *settings = host->told.settings;
	const struct td_server_seams seams = {
		.clock = &td_clock_real,
		.random = &td_random_real,
		.disk = &td_disk_real,
		.net = &host->net,
		.commits = td_task_pool_tasks(host->commits),
		.chores = td_task_pool_tasks(host->chores),
		.work = td_task_pool_tasks(host->work),
	};
	struct td_net_address http = td_settings_address(settings, TD_SET_HTTP);
	int handles[TD_HANDED_MAX], code;
	size_t handles_count;
	struct td_server_settings server = {
		.data = td_settings_text(settings, TD_SET_DATA),
		.http = &http,
		.http_count = 1,
		.http_channel = host->told.context != NULL ? td_tls_channel : NULL,
		.http_channel_arg = &host->gate,
		.limits = td_told_limits(settings),
		.access = host->access,
		.series_max = (size_t)td_settings_number(settings, TD_SET_SERIES_MAX),
		.usage = td_process_usage,
		.store = td_told_store(settings),
		.log = {say, host},
	};

	code = adopt(host, handles, &handles_count, err);
	if (code != 0)
		return code;
	if (handles_count > 0) {
		server.http_count = 0;
		server.http_handles = handles;
		server.http_handles_count = handles_count;
	}
	td_service_opening(&host->service, OPENING_SECONDS);
	code = td_server_open(&host->server, &seams, &server, NULL, err);
	if (code != 0)
		return code;
	host->gate.tasks = seams.work;
	host->gate.tasks_out = &host->server->tasks_out;
	return 0;
}

static void say_ready(struct td_host *host)
{
	char where[200] = "", text[TD_NET_ADDRESS_BYTES];
	struct td_net_address address;

	for (size_t i = 0; td_server_address(host->server, i, &address); i++) {
		size_t len = strlen(where);

		snprintf(where + len, sizeof(where) - len, "%s%s%s", i > 0 ? " " : "",
			host->told.context != NULL ? "https://" : "http://",
			td_net_address_format(&address, text));
	}
	td_service_ready(&host->service, where);
	sayf(host, TD_SAY_INFO, "serving %s from %s%s", where,
		td_settings_text(host->told.settings, TD_SET_DATA),
		host->told.users == NULL ? "; whoever can connect may do everything" : "");
}

int td_host_open(struct td_host **out, const struct td_host_options *options, struct td_error *err)
{
	struct td_host *host = calloc(1, sizeof(*host));
	int code;

	if (host == NULL)
		return td_error_nomem(err);
	host->options = *options;
	td_random_real.fill(td_random_real.arg, &host->seed, sizeof(host->seed));
	td_notes_init(&host->notes, TD_SAY_INFO, TD_NOTES_TEXT);
	td_service_init(&host->service, options->supervisor, &td_clock_real);
	code = td_told_read(&host->told, options, host->seed, err);
	if (code == 0) {
		set_notes(host);
		code = open_world(host, err);
	}
	if (code == 0)
		code = td_access_new(&host->access, &td_random_real, err);
	if (code == 0)
		code = set_access(host, &host->told, err);
	if (code == 0) {
		td_tls_gate_set(&host->gate, td_tls_context_ref(host->told.context));
		code = open_server(host, err);
	}
	if (code == 0)
		code = set_logs(host, err);
	if (code != 0) {
		flush_notes(host);
		(void)td_host_close(host, NULL);
		return code;
	}
	say_ready(host);
	flush_notes(host);
	*out = host;
	return 0;
}

int td_host_check(
	const struct td_host_options *options, struct td_settings **settings, struct td_error *err)
{
	struct td_told told;
	int code = td_told_read(&told, options, 0, err);

	if (code != 0)
		return code;
	if (settings != NULL) {
		*settings = told.settings;
		told.settings = NULL;
	}
	td_told_fini(&told);
	return 0;
}

/* --- reload ------------------------------------------------------------------------------- */

/* Whether it may be told so, where it listens by now. */
static int check_listeners(
	const struct td_host *host, const struct td_settings *settings, struct td_error *err)
{
	struct td_net_address address;
	int code = 0;

	for (size_t i = 0; code == 0 && td_server_address(host->server, i, &address); i++)
		code = td_settings_check_at(settings, &address, err);
	return code;
}

/* A file of users that is as it was is no other: nobody who was let in is asked again. */
static void keep_users(const struct td_host *host, struct td_told *told)
{
	if (told->users == NULL || host->told.users == NULL ||
		!td_text_equal(told->users_file, host->told.users_file))
		return;
	td_users_unref(told->users);
	told->users = td_users_ref(host->told.users);
}

/* All that cannot fail. */
static void swap(struct td_host *host, struct td_told *told)
{
	struct td_server_limits limits = td_told_limits(told->settings);

	td_told_fini(&host->told);
	host->told = *told;
	td_tls_gate_set(&host->gate, td_tls_context_ref(told->context));
	for (size_t i = 0; i < host->server->listeners_count; i++)
		host->server->listeners[i].channel = told->context != NULL ? td_tls_channel : NULL;
	td_server_set_limits(host->server, &limits);
	set_notes(host);
}

static int read_again(struct td_host *host, struct td_told *told, struct td_error *err)
{
	int code = td_told_read(told, &host->options, host->seed, err);

	if (code != 0)
		return code;
	code = check_listeners(host, told->settings, err);
	if (code == 0) {
		keep_users(host, told);
		code = set_access(host, told, err);
	}
	if (code != 0)
		td_told_fini(told);
	return code;
}

static void reload(struct td_host *host)
{
	struct td_buf restart = TD_BUF_INIT(1024);
	struct td_error err = TD_ERROR_INIT;
	struct td_told told;
	size_t differ, cut;

	td_service_reloading(&host->service);
	if (read_again(host, &told, &err) != 0) {
		sayf(host, TD_SAY_ERROR, "reload: %s; nothing was changed", err.text);
		td_service_reloaded(&host->service);
		return;
	}
	differ = td_settings_compare(host->told.settings, told.settings, &restart);
	swap(host, &told);
	cut = td_access_cut(host->server);
	sayf(host, TD_SAY_INFO, "reloaded: %zu settings differ, %zu connections were cut off",
		differ, cut);
	if (restart.len > 0)
		sayf(host, TD_SAY_WARNING, "reloaded: %.*s: takes effect at the next start",
			TD_TEXT_ARG(td_buf_view(&restart)));
	td_buf_fini(&restart);
	if (set_logs(host, &err) != 0)
		sayf(host, TD_SAY_ERROR, "reload: %s", err.text);
	td_service_reloaded(&host->service);
}

/* --- turns -------------------------------------------------------------------------------- */

enum td_server_state td_host_turn(struct td_host *host)
{
	int64_t deadline = td_service_turn(&host->service), again;
	enum td_server_state state;

	if (atomic_exchange(&host->reload_asked, false))
		reload(host);
	if (td_notes_waiting(&host->notes).len > 0) {
		again = td_clock_monotonic(&td_clock_real) + SAY_AGAIN_NS;
		deadline = again < deadline ? again : deadline;
	}
	state = td_server_turn(host->server, deadline);
	if (host->server->stopping && !host->stopping) {
		host->stopping = true;
		td_service_stopping(&host->service);
		say(host, TD_SAY_INFO, "stopping: what was asked is answered");
	}
	flush_notes(host);
	return state;
}

void td_host_ask_stop(struct td_host *host)
{
	td_server_ask_stop(host->server);
}

void td_host_ask_reload(struct td_host *host)
{
	atomic_store(&host->reload_asked, true);
	td_server_wake(host->server);
}

bool td_host_http(const struct td_host *host, size_t i, struct td_net_address *address)
{
	return td_server_address(host->server, i, address);
}

const struct td_settings *td_host_settings(const struct td_host *host)
{
	return host->told.settings;
}

struct td_server *td_host_server(struct td_host *host)
{
	return host->server;
}

int td_host_close(struct td_host *host, struct td_error *err)
{
	struct td_error wrong = TD_ERROR_INIT;
	int code;

	if (host == NULL)
		return 0;
	code = td_server_close(host->server, &wrong);
	if (code != 0) {
		sayf(host, TD_SAY_ERROR, "closing: %s", wrong.text);
		if (err != NULL)
			*err = wrong;
	}
	td_tls_gate_set(&host->gate, NULL);
	td_access_free(host->access);
	td_told_fini(&host->told);
	td_task_pool_free(host->commits);
	td_task_pool_free(host->chores);
	td_task_pool_free(host->work);
	if (host->has_net)
		td_net_real_close(&host->net);
	td_loop_free(host->loop);
	flush_notes(host);
	free(host);
	return code;
}
