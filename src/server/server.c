#include "server/inside.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "flow/flow.h"
#include "server/flow_routes.h"
#include "server/hear.h"
#include "server/ops.h"
#include "server/show.h"

/*
 * The server: opened, turned, stopped, closed.
 */

#define EVENTS_MAX  256u
#define ACCEPTS_MAX 64 /* of a listener in one turn */

/* --- settings ----------------------------------------------------------------------------- */

struct td_server_limits td_server_limits_of(const struct td_server_limits *limits)
{
	struct td_server_limits all = limits != NULL ? *limits : (struct td_server_limits){0};

#define TD_SERVER_LIMIT_DEFAULT(name, def, what) \
	if (all.name <= 0)                       \
		all.name = (def);
	TD_SERVER_LIMIT_TABLE(TD_SERVER_LIMIT_DEFAULT)
#undef TD_SERVER_LIMIT_DEFAULT
	return all;
}

void td_server_set_limits(struct td_server *server, const struct td_server_limits *limits)
{
	server->limits = td_server_limits_of(limits);
}

void td_server_say(
	const struct td_server *server, enum td_severity severity, const char *format, ...)
{
	char text[512];
	va_list args;

	if (server->log.say == NULL)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* NOLINT: it was started */
	va_end(args);
	server->log.say(server->log.arg, severity, text);
}

/* --- open --------------------------------------------------------------------------------- */

static void tick(struct td_server *server)
{
	server->now = td_clock_monotonic(server->seams.clock);
	server->wall = td_clock_wall(server->seams.clock);
}

static int open_store(struct td_server *server, const struct td_server_settings *settings,
	struct td_recovery *report, struct td_error *err)
{
	struct td_store_options options = settings->store;
	const struct td_tap taps[] = {td_feed_tap(server), td_flow_tap(server->flow)};
	int code;

	options.journal.disk = server->seams.disk;
	options.journal.clock = server->seams.clock;
	options.journal.random = server->seams.random;
	options.journal.create = true;
	options.events = true;
	options.gates = NULL;
	options.gates_count = 0;
	options.taps = taps;
	options.taps_count = sizeof(taps) / sizeof(taps[0]);
	code = td_store_open(&server->store, settings->data, &options, report, err);
	if (code == 0)
		server->feed->first = server->feed->next = td_store_durable(server->store);
	if (code == 0)
		code = td_server_flow_attach(server, err);
	return code;
}

static int add_listener(struct td_server *server, int handle, struct td_error *err)
{
	struct td_listener *listener = &server->listeners[server->listeners_count];
	int code;

	if (server->listeners_count == TD_LISTENERS_MAX)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "more than %u listeners",
			TD_LISTENERS_MAX);
	code = td_net_name(server->seams.net, handle, &listener->address);
	if (code == 0)
		code = td_net_watch(
			server->seams.net, handle, server->listeners_count, TD_NET_READ);
	if (code != 0)
		return td_error_system(err, code, "a listener");
	listener->handle = handle;
	server->listeners_count++;
	return 0;
}

static int listen_at(
	struct td_server *server, const struct td_net_address *address, struct td_error *err)
{
	char text[TD_NET_ADDRESS_BYTES];
	int handle, code = td_net_listen(server->seams.net, address, &handle);

	if (code != 0)
		return td_error_system(
			err, code, "listen on %s", td_net_address_format(address, text));
	code = add_listener(server, handle, err);
	if (code != 0)
		td_net_close(server->seams.net, handle);
	return code;
}

static int listen_all(
	struct td_server *server, const struct td_server_settings *settings, struct td_error *err)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < settings->http_count; i++)
		code = listen_at(server, &settings->http[i], err);
	for (size_t i = 0; code == 0 && i < settings->http_handles_count; i++)
		code = add_listener(server, settings->http_handles[i], err);
	for (size_t i = 0; i < server->listeners_count; i++) {
		server->listeners[i].channel = settings->http_channel;
		server->listeners[i].channel_arg = settings->http_channel_arg;
	}
	return code;
}

static int init(
	struct td_server *server, const struct td_server_settings *settings, struct td_error *err)
{
	uint64_t seed;
	int code;

	server->seams.random->fill(server->seams.random->arg, &seed, sizeof(seed));
	td_rng_init(&server->rng, seed);
	server->limits = td_server_limits_of(&settings->limits);
	server->log = settings->log;
	server->access = settings->access;
	server->usage = settings->usage;
	server->ops = td_ops_new(settings->series_max != 0 ? settings->series_max : 2000);
	server->settling_last = &server->settling;
	server->roomless_last = &server->roomless;
	server->early_last = &server->early;
	td_buf_init(&server->target_buf, 64u << 10);
	tick(server);
	server->started = server->wall;
	server->scratch = malloc(TD_SCRATCH_BYTES);
	server->source = strdup(settings->source != NULL ? settings->source : "http");
	if (server->scratch == NULL || server->source == NULL)
		return td_error_nomem(err);
	code = td_feed_open(server, err);
	if (code == 0)
		code = td_server_flow_new(server, err);
	return code != 0 ? code : td_routes_open(server, err);
}

static void close_listeners(struct td_server *server, size_t keep)
{
	for (size_t i = 0; i < server->listeners_count && i < keep; i++)
		td_net_close(server->seams.net, server->listeners[i].handle);
	server->listeners_count = 0;
}

static void server_free(struct td_server *server)
{
	td_ops_free(server->ops);
	td_routes_close(server);
	td_feed_close(server);
	td_flow_free(server->flow);
	td_timers_fini(&server->timers);
	td_buf_fini(&server->target_buf);
	td_names_unref(server->names);
	free(server->slots);
	free(server->scratch);
	free(server->source);
	free(server);
}

int td_server_open(struct td_server **out, const struct td_server_seams *seams,
	const struct td_server_settings *settings, struct td_recovery *report, struct td_error *err)
{
	struct td_server *server = calloc(1, sizeof(*server));
	int code;

	if (server == NULL)
		return td_error_nomem(err);
	server->seams = *seams;
	code = init(server, settings, err);
	if (code == 0)
		code = open_store(server, settings, report, err);
	if (code == 0)
		code = listen_all(server, settings, err);
	if (code != 0) {
		close_listeners(server, settings->http_count); /* the others are the caller's */
		if (server->store != NULL)
			td_store_abandon(server->store);
		server_free(server);
		return code;
	}
	server->durable = td_store_durable(server->store);
	td_server_rename(server);
	*out = server;
	return 0;
}

bool td_server_address(const struct td_server *server, size_t i, struct td_net_address *address)
{
	if (i >= server->listeners_count)
		return false;
	*address = server->listeners[i].address;
	return true;
}

struct td_store *td_server_store(struct td_server *server)
{
	return server->store;
}

int td_server_failed(const struct td_server *server, struct td_error *err)
{
	if (server->failed != 0 && err != NULL)
		*err = server->err;
	return server->failed;
}

/* --- connections come --------------------------------------------------------------------- */

static void turn_away(struct td_server *server, int connection)
{
	static const char body[] = "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\","
				   "\"status\":503,\"detail\":\"too many connections\"}\n";
	char answer[512];
	size_t put;
	int len = snprintf(answer, sizeof(answer),
		"HTTP/1.1 503 Service Unavailable\r\nContent-Type: " TD_HTTP_PROBLEM_TYPE
		"\r\nContent-Length: %zu\r\nRetry-After: 1\r\nConnection: close\r\n\r\n%s",
		sizeof(body) - 1, body);

	server->counters.connections_refused++;
	(void)td_net_write(server->seams.net, connection, answer, (size_t)len, &put);
	(void)td_net_finish(server->seams.net, connection);
	td_net_close(server->seams.net, connection);
}

static void welcome(struct td_server *server, struct td_listener *listener, int connection,
	const struct td_net_address *peer)
{
	struct td_channel channel = {NULL, NULL};
	struct td_error err = TD_ERROR_INIT;
	int code = 0;

	server->counters.connections++;
	if (server->sessions_count >= (uint64_t)server->limits.connections_max) {
		turn_away(server, connection);
		return;
	}
	if (listener->channel != NULL)
		code = listener->channel(listener->channel_arg, &channel, &err);
	if (code != 0)
		td_net_close(server->seams.net, connection);
	else
		code = td_session_open(server, connection, peer, channel, &err);
	if (code != 0)
		td_server_say(server, TD_SAY_WARNING, "a connection: %s", err.text);
}

static void accept_some(struct td_server *server, size_t i)
{
	struct td_listener *listener = &server->listeners[i];
	struct td_net_address peer;
	int connection, code = 0;

	for (int n = 0; n < ACCEPTS_MAX; n++) {
		code = td_net_accept(server->seams.net, listener->handle, &connection, &peer);
		if (code != 0)
			break;
		welcome(server, listener, connection, &peer);
	}
	if (code == 0 || code == EAGAIN)
		return;
	/* No descriptors, no memory: until a connection goes. */
	if (server->sessions_count > 0) {
		listener->paused = true;
		(void)td_net_watch(server->seams.net, listener->handle, i, 0);
	}
	td_server_say(server, TD_SAY_WARNING, "accept: errno %d", code);
}

/* --- turn --------------------------------------------------------------------------------- */

void td_server_mark(struct td_session *session)
{
	struct td_server *server = session->server;

	if (session->dirty)
		return;
	session->dirty = true;
	session->dirty_next = server->dirty;
	server->dirty = session;
}

void td_server_mark_again(struct td_session *session)
{
	session->again = true;
	session->server->hurried = true;
	td_server_mark(session);
}

/* Several of them may be the same. */
static void finish_tasks(struct td_server *server)
{
	td_tasks_finish(server->seams.commits);
	td_tasks_finish(server->seams.chores);
	td_tasks_finish(server->seams.work);
}

static void take(struct td_server *server, const struct td_net_event *event)
{
	uint32_t slot = (uint32_t)event->tag;

	if (slot < TD_LISTENERS_MAX) {
		if (slot < server->listeners_count)
			accept_some(server, slot);
		return;
	}
	slot -= TD_LISTENERS_MAX;
	if (slot < server->slots_count && server->slots[slot].session != NULL &&
		server->slots[slot].generation == event->tag >> 32)
		td_session_ready(server->slots[slot].session, event->ready);
}

static void bury(struct td_server *server)
{
	struct td_session **link = &server->graves, *session;

	while ((session = *link) != NULL) {
		if (session->dirty) { /* it stands in that list still */
			link = &session->next;
			continue;
		}
		*link = session->next;
		free(session);
	}
}

static void go_on(struct td_server *server)
{
	for (struct td_session *session = server->dirty; session != NULL;
		session = session->dirty_next)
		td_session_go(session);
}

/* What they say goes out; those that are marked meanwhile come to it, too. */
static void rest(struct td_server *server)
{
	struct td_session *session = server->dirty, *next;
	uint64_t staged = td_store_staged(server->store);

	server->dirty = NULL;
	for (; session != NULL; session = next) {
		td_session_go(session);
		td_session_rest(session);
		next = session->dirty_next;
		session->dirty = false;
		if ((!session->gone || TD_BUG(414)) &&
			(session->again || (session->out != NULL && !session->flushing)))
			td_server_mark(session); /* there is more to do at once */
	}
	if (server->dirty != NULL || td_store_staged(server->store) != staged)
		server->hurried = true; /* the next turn's */
}

static bool is_over(const struct td_server *server)
{
	return server->stopping && server->sessions == NULL && server->tasks_out == 0 &&
	       td_store_staged(server->store) == td_store_durable(server->store);
}

/* Those that have nothing to answer end; the others when they have, or when time is up. */
static void wind_down(struct td_server *server)
{
	struct td_session *next;
	bool late = server->now >= server->stop_due;

	for (struct td_session *session = server->sessions; session != NULL; session = next) {
		next = session->next;
		if (late)
			td_session_drop(session);
		else
			td_session_wind_down(session);
	}
}

int64_t td_server_due(const struct td_server *server)
{
	int64_t due = td_timers_due(&server->timers), house = td_server_house_due(server);

	if (server->hurried || server->dirty != NULL)
		return 0;
	due = house < due ? house : due;
	if (!server->stopping || server->stop_due <= server->now) /* it was acted upon */
		return due;
	return server->stop_due < due ? server->stop_due : due;
}

enum td_server_state td_server_turn(struct td_server *server, int64_t deadline)
{
	struct td_net_event events[EVENTS_MAX];
	int64_t due = td_server_due(server);
	size_t count;

	server->hurried = false;
	count = td_net_wait(server->seams.net, due < deadline ? due : deadline, events, EVENTS_MAX);
	tick(server);
	if (atomic_exchange(&server->stop_asked, false))
		td_server_stop(server);
	finish_tasks(server);
	for (size_t i = 0; i < count; i++)
		take(server, &events[i]);
	td_timers_fire(&server->timers, server->now);
	if (server->stopping)
		wind_down(server);
	go_on(server);
	td_server_house_turn(server);
	rest(server);
	bury(server);
	if (server->failed != 0)
		return TD_SERVER_FAILED;
	return is_over(server) ? TD_SERVER_STOPPED : TD_SERVER_RUNS;
}

void td_server_wake(struct td_server *server)
{
	td_net_wake(server->seams.net);
}

void td_server_ask_stop(struct td_server *server)
{
	atomic_store(&server->stop_asked, true);
	td_server_wake(server);
}

void td_server_stop(struct td_server *server)
{
	if (server->stopping)
		return;
	server->stopping = true;
	server->hurried = true;
	server->stop_due = server->now + server->limits.stop_ms * 1000000;
	close_listeners(server, SIZE_MAX);
	td_feed_stop(server);
}

/* --- close -------------------------------------------------------------------------------- */

static void drop_all(struct td_server *server)
{
	close_listeners(server, SIZE_MAX);
	while (server->sessions != NULL)
		td_session_drop(server->sessions);
	for (struct td_session *session = server->dirty; session != NULL;
		session = session->dirty_next)
		session->dirty = false;
	server->dirty = NULL;
	bury(server);
}

int td_server_close(struct td_server *server, struct td_error *err)
{
	struct td_net_event event;
	int code;

	if (server == NULL)
		return 0;
	drop_all(server);
	while (server->tasks_out > 0) { /* V3 */
		td_net_wait(server->seams.net, INT64_MAX, &event, 1);
		finish_tasks(server);
	}
	code = td_store_close(server->store, err);
	server_free(server);
	return code;
}

void td_server_abandon(struct td_server *server)
{
	if (server == NULL)
		return;
	drop_all(server);
	td_store_abandon(server->store);
	server_free(server);
}

/* --- names of logs ------------------------------------------------------------------------ */

void td_server_rename(struct td_server *server)
{
	struct td_names *names = td_names_new(server->store);

	if (names == NULL)
		return; /* it is tried again when one is missed */
	td_names_unref(server->names);
	server->names = names;
}

struct td_text td_server_log_name(struct td_server *server, uint32_t number)
{
	struct td_text name = td_names_of(server->names, number);

	if (name.at != NULL)
		return name;
	td_server_rename(server);
	return td_names_of(server->names, number);
}

/* --- looking on --------------------------------------------------------------------------- */

void td_server_sessions(struct td_server *server,
	bool (*each)(void *arg, const struct td_session *session), void *arg)
{
	const struct td_session *session = server->sessions;

	while (session != NULL && each(arg, session))
		session = session->next;
}

void td_server_verify(const struct td_server *server)
{
	size_t count = 0;

	for (const struct td_session *session = server->sessions; session != NULL;
		session = session->next, count++)
		td_session_verify(session);
	TD_ASSERT(count == server->sessions_count);
	for (const struct td_exchange *x = server->settling; x != NULL; x = x->waiting_next)
		TD_ASSERT(x->rests_on >= server->durable); /* V2 */
	td_timers_verify(&server->timers);
}
