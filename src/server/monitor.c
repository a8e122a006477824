#include <stdio.h>
#include <stdlib.h>

#include "server/inside.h"
#include "server/ops_inside.h"
#include "server/show.h"

/*
 * /varz, /connz, /subsz, /jsz: as nats-server has them, as far as there is such a thing here, so that
 * its tools work as they are. What there is not (routes, leaf nodes) is 0, as it is there without.
 */

#define SERVER_ID_BYTES 33
#define CONNECTIONS_MAX 1024u

static void add_id(const struct td_server *server, struct td_json_writer *writer)
{
	struct td_store_status status;
	char id[SERVER_ID_BYTES];

	td_store_status(server->store, &status);
	for (size_t i = 0; i < sizeof(status.journal.uuid); i++)
		snprintf(id + 2 * i, 3, "%02x", status.journal.uuid[i]);
	td_show_string(writer, "server_id", td_text(id));
	td_show_time(writer, "now", server->wall);
}

/* "1d2h3m4s", as there. */
static void add_span(struct td_json_writer *writer, const char *name, td_time ns)
{
	unsigned long long s = ns > 0 ? (unsigned long long)ns / 1000000000 : 0;
	char text[64];

	if (s >= 86400)
		snprintf(text, sizeof(text), "%llud%lluh%llum%llus", s / 86400, s / 3600 % 24,
			s / 60 % 60, s % 60);
	else if (s >= 3600)
		snprintf(text, sizeof(text), "%lluh%llum%llus", s / 3600, s / 60 % 60, s % 60);
	else if (s >= 60)
		snprintf(text, sizeof(text), "%llum%llus", s / 60, s % 60);
	else
		snprintf(text, sizeof(text), "%llus", s);
	td_show_string(writer, name, td_text(text));
}

static void begin(struct td_json_writer *writer, struct td_buf *body, const struct td_exchange *x)
{
	td_json_writer_init(writer, body);
	td_json_open_object(writer);
	add_id(x->server, writer);
}

static int end(struct td_json_writer *writer, struct td_buf *body, struct td_exchange *x,
	struct td_error *err)
{
	int code;

	td_json_close_object(writer);
	td_buf_add_char(body, '\n');
	code = td_buf_check(body, err);
	if (code == 0)
		td_answer_json(x, 200, td_buf_view(body));
	td_buf_fini(body);
	return code;
}

/* --- /varz -------------------------------------------------------------------------------- */

static void add_address(const struct td_server *server, struct td_json_writer *writer)
{
	struct td_net_address address;
	char text[TD_NET_ADDRESS_BYTES], *colon;

	if (!td_server_address(server, 0, &address))
		return; /* it stops */
	td_net_address_format(&address, text);
	colon = strrchr(text, ':');
	*colon = '\0';
	td_show_string(writer, "http_host", td_text(text));
	td_show_u64(writer, "http_port", address.port);
	td_show_string(writer, "http_base_path", td_text(""));
}

static void add_jetstream(const struct td_store_status *status, struct td_json_writer *writer)
{
	td_json_name(writer, td_text("jetstream"));
	td_json_open_object(writer);
	td_json_name(writer, td_text("stats"));
	td_json_open_object(writer);
	td_show_u64(writer, "memory", 0);
	td_show_u64(writer, "storage", status->bytes);
	td_show_u64(writer, "accounts", 1);
	td_json_close_object(writer);
	td_json_close_object(writer);
}

int td_show_varz(struct td_exchange *x, struct td_error *err)
{
	const struct td_server *server = x->server;
	const struct td_counters *counters = &server->counters;
	struct td_buf body = TD_BUF_INIT(65536);
	struct td_store_status status;
	struct td_usage usage = {0};
	struct td_json_writer writer;
	int code = td_ops_may(x, err);

	if (code != 0)
		return code;
	td_store_status(server->store, &status);
	if (server->usage != NULL)
		server->usage(&usage);
	begin(&writer, &body, x);
	td_show_string(&writer, "server_name", td_text("tidings"));
	td_show_string(&writer, "version", td_text(TD_SERVER_VERSION));
	td_show_u64(&writer, "proto", 1);
	add_address(server, &writer);
	td_show_bool(&writer, "auth_required", x->identity != NULL);
	td_show_i64(&writer, "max_connections", server->limits.connections_max);
	td_show_i64(&writer, "max_payload", server->limits.body_bytes_max);
	td_show_time(&writer, "start", server->started);
	add_span(&writer, "uptime", server->wall - server->started);
	td_show_u64(&writer, "mem", usage.resident_bytes);
	td_show_u64(&writer, "cpu", 0); /* of now: what there is is the sum, in /metrics */
	td_show_u64(&writer, "connections", server->sessions_count);
	td_show_u64(&writer, "total_connections", counters->connections);
	td_show_u64(&writer, "routes", 0);
	td_show_u64(&writer, "remotes", 0);
	td_show_u64(&writer, "leafnodes", 0);
	td_show_u64(&writer, "in_msgs", counters->events_accepted);
	td_show_u64(&writer, "out_msgs", counters->events_read + counters->events_followed);
	td_show_u64(&writer, "in_bytes", counters->bytes_in);
	td_show_u64(&writer, "out_bytes", counters->bytes_out);
	td_show_u64(&writer, "slow_consumers", counters->gaps);
	td_show_u64(&writer, "subscriptions", td_ops_streams(server));
	add_jetstream(&status, &writer);
	return end(&writer, &body, x, err);
}

/* --- /connz ------------------------------------------------------------------------------- */

static void add_connection(const struct td_server *server, const struct td_session *session,
	struct td_json_writer *writer)
{
	char text[TD_NET_ADDRESS_BYTES], *colon;

	td_net_address_format(&session->peer, text);
	colon = strrchr(text, ':');
	*colon = '\0';
	td_json_open_object(writer);
	td_show_u64(writer, "cid", session->number);
	td_show_string(writer, "kind", td_text("Client"));
	td_show_string(writer, "type", td_text("http"));
	td_show_string(writer, "ip", td_text(text));
	td_show_u64(writer, "port", session->peer.port);
	td_show_time(writer, "start", session->opened);
	add_span(writer, "uptime", server->wall - session->opened);
	td_show_u64(writer, "pending_bytes", session->out_bytes);
	td_show_u64(writer, "in_msgs", session->requests);
	td_show_u64(writer, "out_msgs", session->requests);
	td_show_u64(writer, "in_bytes", session->bytes_in);
	td_show_u64(writer, "out_bytes", session->bytes_out);
	td_show_u64(writer, "subscriptions", session->phase == TD_SESSION_STREAM);
	td_json_close_object(writer);
}

int td_show_connz(struct td_exchange *x, struct td_error *err)
{
	const struct td_server *server = x->server;
	const struct td_session *session = server->sessions;
	struct td_buf body = TD_BUF_INIT(4u << 20);
	struct td_json_writer writer;
	uint64_t offset = 0, limit = CONNECTIONS_MAX, shown = 0;
	int code = td_ops_may(x, err);

	if (code == 0)
		code = td_exchange_u64(x, "offset", &offset, err);
	if (code == 0)
		code = td_exchange_u64(x, "limit", &limit, err);
	if (code != 0)
		return code;
	if (limit == 0 || limit > CONNECTIONS_MAX)
		limit = CONNECTIONS_MAX;
	begin(&writer, &body, x);
	td_json_name(&writer, td_text("connections"));
	td_json_open_array(&writer);
	for (uint64_t i = 0; session != NULL && shown < limit; session = session->next, i++) {
		if (i < offset)
			continue;
		add_connection(server, session, &writer);
		shown++;
	}
	td_json_close_array(&writer);
	td_show_u64(&writer, "num_connections", shown);
	td_show_u64(&writer, "total", server->sessions_count);
	td_show_u64(&writer, "offset", offset);
	td_show_u64(&writer, "limit", limit);
	return end(&writer, &body, x, err);
}

/* --- /subsz ------------------------------------------------------------------------------- */

int td_show_subsz(struct td_exchange *x, struct td_error *err)
{
	struct td_buf body = TD_BUF_INIT(65536);
	struct td_json_writer writer;
	int code = td_ops_may(x, err);

	if (code != 0)
		return code;
	begin(&writer, &body, x);
	td_show_u64(&writer, "num_subscriptions", td_ops_streams(x->server));
	td_show_u64(&writer, "num_cache", 0);
	td_show_u64(&writer, "num_inserts", 0);
	td_show_u64(&writer, "num_removes", 0);
	td_show_u64(&writer, "num_matches", x->server->counters.events_followed);
	td_show_u64(&writer, "cache_hit_rate", 0);
	td_show_u64(&writer, "max_fanout", 0);
	td_show_u64(&writer, "avg_fanout", 0);
	return end(&writer, &body, x, err);
}

/* --- /jsz --------------------------------------------------------------------------------- */

static void add_stream(const struct td_log_info *info, struct td_json_writer *writer)
{
	td_json_open_object(writer);
	td_show_string(writer, "name", info->name);
	td_show_time(writer, "created", info->created);
	td_json_name(writer, td_text("state"));
	td_json_open_object(writer);
	td_show_u64(writer, "messages", info->count);
	td_show_u64(writer, "bytes", info->bytes);
	td_show_u64(writer, "first_seq", info->first_seq);
	td_show_time(writer, "first_ts", info->first_time);
	td_show_u64(writer, "last_seq", info->last_seq);
	td_show_time(writer, "last_ts", info->last_time);
	td_show_u64(writer, "num_subjects", info->subjects);
	td_show_u64(writer, "consumer_count", 0);
	td_json_close_object(writer);
	td_json_close_object(writer);
}

static int add_streams(
	struct td_server *server, struct td_json_writer *writer, struct td_error *err)
{
	size_t count = td_store_logs(server->store, NULL, 0), found;
	struct td_log_info *infos = calloc(count > 0 ? count : 1, sizeof(*infos));

	if (infos == NULL)
		return td_error_nomem(err);
	found = td_store_logs(server->store, infos, count);
	td_json_name(writer, td_text("account_details"));
	td_json_open_array(writer);
	td_json_open_object(writer);
	td_show_string(writer, "name", td_text("$G"));
	td_json_name(writer, td_text("stream_detail"));
	td_json_open_array(writer);
	for (size_t i = 0; i < found && i < count; i++)
		add_stream(&infos[i], writer);
	td_json_close_array(writer);
	td_json_close_object(writer);
	td_json_close_array(writer);
	free(infos);
	return 0;
}

/* true, 1, or nothing behind its name. */
static bool is_wanted(const struct td_exchange *x, const char *name)
{
	struct td_text value;

	return td_http_parameter(x->target, name, &value) > 0 &&
	       (value.len == 0 || td_text_is(value, "true") || td_text_is(value, "1"));
}

int td_show_jsz(struct td_exchange *x, struct td_error *err)
{
	struct td_server *server = x->server;
	struct td_buf body = TD_BUF_INIT(16u << 20);
	struct td_store_status status;
	struct td_json_writer writer;
	int code = td_ops_may(x, err);

	if (code != 0)
		return code;
	td_store_status(server->store, &status);
	begin(&writer, &body, x);
	td_json_name(&writer, td_text("config"));
	td_json_open_object(&writer);
	td_show_u64(&writer, "max_memory", 0);
	td_show_u64(&writer, "max_storage", 0);
	td_json_close_object(&writer);
	td_show_u64(&writer, "memory", 0);
	td_show_u64(&writer, "storage", status.bytes);
	td_show_u64(&writer, "accounts", 1);
	td_show_u64(&writer, "streams", status.logs);
	td_show_u64(&writer, "consumers", 0);
	td_show_u64(&writer, "messages", status.events);
	td_show_u64(&writer, "bytes", status.bytes);
	if (is_wanted(x, "streams") || is_wanted(x, "accounts"))
		code = add_streams(server, &writer, err);
	if (code != 0) {
		td_buf_fini(&body);
		return code;
	}
	return end(&writer, &body, x, err);
}
