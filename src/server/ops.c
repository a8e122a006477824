#include "server/ops.h"

#include <stdlib.h>

#include "server/inside.h"
#include "server/metrics.h"
#include "server/ops_inside.h"
#include "server/show.h"

/* --- counting ----------------------------------------------------------------------------- */

#define COUNTER(name, what) +1
enum { COUNTERS = 0 TD_SERVER_COUNTER_TABLE(COUNTER) };
#undef COUNTER

struct td_ops {
	size_t series_max;
	struct td_metrics *metrics;
	struct td_family *answers;
	struct td_series *counters[COUNTERS];
	struct td_series *gauges[TD_OPS_GAUGES];
	struct td_buf openapi; /* made once */
};

/* clang-format off */
static const struct {
	const char *name, *unit, *help;
} gauges[TD_OPS_GAUGES] = {
	[TD_OPS_UP]             = {"tidings_ready", NULL, "1 while it takes new events"},
	[TD_OPS_STARTED]        = {"tidings_start_time", "seconds", "When it started, since 1970"},
	[TD_OPS_CONNECTIONS]    = {"tidings_connections", NULL, "Connections now"},
	[TD_OPS_STREAMS]        = {"tidings_streams", NULL, "Followers now"},
	[TD_OPS_REQUESTS]       = {"tidings_requests_in_flight", NULL, "Requests that are not answered yet"},
	[TD_OPS_RECEIVING]      = {"tidings_receiving", "bytes", "Memory for what is being received"},
	[TD_OPS_EVENTS]         = {"tidings_events", NULL, "Events stored"},
	[TD_OPS_SUBJECTS]       = {"tidings_subjects", NULL, "Subjects known"},
	[TD_OPS_LOGS]           = {"tidings_logs", NULL, "Logs"},
	[TD_OPS_STORED]         = {"tidings_stored", "bytes", "Bytes of events stored"},
	[TD_OPS_POSITION]       = {"tidings_position", NULL, "Position of the newest durable event"},
	[TD_OPS_SEGMENTS]       = {"tidings_journal_segments", NULL, "Files of the journal"},
	[TD_OPS_SYNCS]          = {"tidings_journal_syncs", NULL, "Syncs of the journal so far"},
	[TD_OPS_WRITTEN]        = {"tidings_journal_written", "bytes", "Bytes written to the journal so far"},
	[TD_OPS_INDEX]          = {"tidings_index", "bytes", "Memory of the index"},
	[TD_OPS_CACHE]          = {"tidings_cache", "bytes", "Memory of the newest events"},
	[TD_OPS_DISK_FULL]      = {"tidings_disk_full", NULL, "1 while new events are refused since the disk is full"},
	[TD_OPS_SERIES]         = {"tidings_metrics_series", NULL, "Series shown here"},
	[TD_OPS_BEYOND]         = {"tidings_metrics_beyond", NULL, "How often one was beyond series-max, and counted as other"},
	[TD_OPS_CPU]            = {"process_cpu", "seconds", "Processor time so far"},
	[TD_OPS_RESIDENT]       = {"process_resident_memory", "bytes", "Memory resident"},
	[TD_OPS_FILES]          = {"process_open_fds", NULL, "Open files"},
};
/* clang-format on */

static bool add_families(struct td_ops *ops)
{
	static const char *const labels[] = {"method", "route", "status", NULL};
	struct td_family *family;
	size_t i = 0;

	ops->answers = td_metrics_family(ops->metrics, TD_COUNTER, "tidings_answers", NULL,
		"Requests answered, by route and status", labels, NULL, 0);
	if (ops->answers == NULL)
		return false;
#define ADD(field, what)                                                                 \
	family = td_metrics_family(                                                      \
		ops->metrics, TD_COUNTER, "tidings_" #field, NULL, what, NULL, NULL, 0); \
	if (family == NULL)                                                              \
		return false;                                                            \
	ops->counters[i++] = td_family_series(family, NULL);
	TD_SERVER_COUNTER_TABLE(ADD)
#undef ADD
	for (i = 0; i < TD_OPS_GAUGES; i++) {
		family = td_metrics_family(ops->metrics, TD_GAUGE, gauges[i].name, gauges[i].unit,
			gauges[i].help, NULL, NULL, 0);
		if (family == NULL)
			return false;
		ops->gauges[i] = td_family_series(family, NULL);
	}
	return true;
}

struct td_ops *td_ops_new(size_t series_max)
{
	struct td_ops *ops = calloc(1, sizeof(*ops));

	if (ops == NULL)
		return NULL;
	ops->series_max = series_max;
	td_buf_init(&ops->openapi, 1u << 20);
	if (td_metrics_new(&ops->metrics, series_max, NULL) == 0 && add_families(ops))
		return ops;
	td_ops_free(ops);
	return NULL;
}

void td_ops_free(struct td_ops *ops)
{
	if (ops == NULL)
		return;
	td_metrics_free(ops->metrics);
	td_buf_fini(&ops->openapi);
	free(ops);
}

void td_ops_answered(struct td_ops *ops, const struct td_route *route, uint32_t status)
{
	static const char *const classes[] = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
	struct td_text values[3];

	if (ops == NULL)
		return;
	values[0] = td_text(route != NULL ? td_http_method_name(route->method) : "any");
	values[1] = td_text(route != NULL ? route->pattern : "none");
	values[2] = td_text(classes[status >= 100 && status < 600 ? status / 100 : 0]);
	td_series_add(td_family_series(ops->answers, values), 1);
}

/* --- permission --------------------------------------------------------------------------- */

int td_ops_may(const struct td_exchange *x, struct td_error *err)
{
	if (td_identity_may(x->identity, TD_MAY_READ, td_text(TD_OPS_SUBJECT)))
		return 0;
	return td_error_set(err, TD_E_FORBIDDEN, TD_NO_OFFSET, "user %.*s: may not read %s",
		TD_TEXT_ARG(td_identity_name(x->identity)), TD_OPS_SUBJECT);
}

/* --- health ------------------------------------------------------------------------------- */

/* That it is asked and answers is all there is to know: the loop turns. */
static int show_health(struct td_exchange *x, struct td_error *err)
{
	(void)err;
	td_answer_json(x, 200, td_text("{\"status\":\"ok\"}\n"));
	return 0;
}

static size_t add_reasons(const struct td_server *server, const struct td_store_status *status,
	struct td_json_writer *writer)
{
	const struct {
		bool holds;
		const char *reason;
	} reasons[] = {
		{server->stopping, "the server stops"},
		{server->failed != 0 || status->journal.failed, "the disk failed"},
		{status->journal.disk_full, "the disk is full: new events are refused"},
	};
	size_t count = 0;

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (!reasons[i].holds)
			continue;
		td_json_string(writer, td_text(reasons[i].reason));
		count++;
	}
	return count;
}

static int show_ready(struct td_exchange *x, struct td_error *err)
{
	struct td_buf body = TD_BUF_INIT(4096);
	struct td_store_status status;
	struct td_json_writer writer;
	size_t count;
	int code;

	td_store_status(x->server->store, &status);
	td_json_writer_init(&writer, &body);
	td_json_open_object(&writer);
	td_json_name(&writer, td_text("reasons"));
	td_json_open_array(&writer);
	count = add_reasons(x->server, &status, &writer);
	td_json_close_array(&writer);
	td_show_string(&writer, "status", td_text(count == 0 ? "ok" : "unavailable"));
	td_json_close_object(&writer);
	td_buf_add_char(&body, '\n');
	code = td_buf_check(&body, err);
	if (code == 0)
		td_answer_json(x, count == 0 ? 200 : 503, td_buf_view(&body));
	td_buf_fini(&body);
	return code;
}

/* --- metrics ------------------------------------------------------------------------------ */

size_t td_ops_streams(const struct td_server *server)
{
	size_t count = 0;

	for (const struct td_session *session = server->sessions; session != NULL;
		session = session->next)
		count += session->phase == TD_SESSION_STREAM;
	return count;
}

static void set_gauges(struct td_ops *ops, const struct td_server *server)
{
	struct td_store_status status;
	struct td_usage usage;

	td_store_status(server->store, &status);
#define SET(gauge, value) td_series_set(ops->gauges[gauge], (double)(value))
	SET(TD_OPS_UP, !server->stopping && server->failed == 0 && !status.journal.disk_full);
	SET(TD_OPS_STARTED, (double)server->started / 1e9);
	SET(TD_OPS_CONNECTIONS, server->sessions_count);
	SET(TD_OPS_STREAMS, td_ops_streams(server));
	SET(TD_OPS_REQUESTS, server->exchanges_count);
	SET(TD_OPS_RECEIVING, server->bodies_bytes);
	SET(TD_OPS_EVENTS, status.events);
	SET(TD_OPS_SUBJECTS, status.subjects);
	SET(TD_OPS_LOGS, status.logs);
	SET(TD_OPS_STORED, status.bytes);
	SET(TD_OPS_POSITION, td_store_durable(server->store) - 1);
	SET(TD_OPS_SEGMENTS, status.journal.segments);
	SET(TD_OPS_SYNCS, status.journal.syncs);
	SET(TD_OPS_WRITTEN, status.journal.bytes_written);
	SET(TD_OPS_INDEX, status.index_bytes);
	SET(TD_OPS_CACHE, status.journal.cache_bytes);
	SET(TD_OPS_DISK_FULL, status.journal.disk_full);
	SET(TD_OPS_SERIES, td_metrics_count(ops->metrics));
	SET(TD_OPS_BEYOND, td_metrics_beyond(ops->metrics));
	if (server->usage != NULL) {
		server->usage(&usage);
		SET(TD_OPS_CPU, usage.cpu_seconds);
		SET(TD_OPS_RESIDENT, usage.resident_bytes);
		SET(TD_OPS_FILES, usage.open_files);
	}
#undef SET
}

/* Of each log, in a registry of their own: one that is gone leaves nothing behind. */
static void write_logs(
	const struct td_ops *ops, struct td_server *server, bool open, struct td_buf *buf)
{
	static const char *const labels[] = {"log", NULL};
	size_t count = td_store_logs(server->store, NULL, 0), found;
	struct td_log_info *infos = calloc(count > 0 ? count : 1, sizeof(*infos));
	struct td_metrics *metrics = NULL;
	struct td_family *events = NULL, *bytes = NULL, *last = NULL;

	if (infos != NULL && td_metrics_new(&metrics, ops->series_max, NULL) == 0) {
		events = td_metrics_family(metrics, TD_GAUGE, "tidings_log_events", NULL,
			"Events in a log", labels, NULL, 0);
		bytes = td_metrics_family(metrics, TD_GAUGE, "tidings_log_stored", "bytes",
			"Bytes of a log", labels, NULL, 0);
		last = td_metrics_family(metrics, TD_GAUGE, "tidings_log_last_seq", NULL,
			"Number of a log's newest event", labels, NULL, 0);
	}
	if (last != NULL && bytes != NULL && events != NULL) {
		found = td_store_logs(server->store, infos, count);
		for (size_t i = 0; i < found && i < count; i++) {
			td_series_add(
				td_family_series(events, &infos[i].name), (double)infos[i].count);
			td_series_add(
				td_family_series(bytes, &infos[i].name), (double)infos[i].bytes);
			td_series_set(
				td_family_series(last, &infos[i].name), (double)infos[i].last_seq);
		}
		td_metrics_write(metrics, open, buf);
	} else if (open) {
		td_buf_add_string(buf, "# EOF\n");
	}
	td_metrics_free(metrics);
	free(infos);
}

static int show_metrics(struct td_exchange *x, struct td_error *err)
{
	struct td_server *server = x->server;
	struct td_ops *ops = server->ops;
	struct td_buf body = TD_BUF_INIT(32u << 20);
	struct td_text accept;
	bool open;
	size_t i = 0;
	int code = td_ops_may(x, err);

	if (code != 0)
		return code;
	if (ops == NULL)
		return td_error_nomem(err);
	open = td_http_field(x->request->fields, "accept", &accept) > 0 &&
	       td_http_accepts(x->request->fields, "application/openmetrics-text") >
		       td_http_accepts(x->request->fields, "text/plain");
#define SET(field, what) td_series_set(ops->counters[i++], (double)server->counters.field);
	TD_SERVER_COUNTER_TABLE(SET)
#undef SET
	set_gauges(ops, server);
	td_metrics_write(ops->metrics, open, &body);
	if (open && body.code == 0)
		body.len -= strlen("# EOF\n"); /* more follows */
	write_logs(ops, server, open, &body);
	code = td_buf_check(&body, err);
	if (code == 0)
		td_answer(x, 200, open ? TD_METRICS_OPEN : TD_METRICS_TEXT, td_buf_view(&body));
	td_buf_fini(&body);
	return code;
}

/* --- openapi ------------------------------------------------------------------------------ */

static int show_openapi(struct td_exchange *x, struct td_error *err)
{
	struct td_ops *ops = x->server->ops;
	int code;

	if (ops == NULL)
		return td_error_nomem(err);
	if (ops->openapi.len == 0)
		td_openapi_write(td_server_routes, td_server_routes_count, &ops->openapi);
	code = td_buf_check(&ops->openapi, err);
	if (code == 0)
		td_answer_json(x, 200, td_buf_view(&ops->openapi));
	else
		td_buf_reset(&ops->openapi);
	return code;
}

const struct td_route td_ops_routes[TD_OPS_ROUTES] = {
	{TD_HTTP_GET, "/healthz", TD_MAY_ANYBODY, 0, show_health, "Say that the server turns"},
	{TD_HTTP_GET, "/readyz", TD_MAY_ANYBODY, 0, show_ready,
		"Say whether it takes new events, and why not"},
	{TD_HTTP_GET, "/metrics", TD_MAY_READ, 0, show_metrics,
		"Metrics, as Prometheus' text or OpenMetrics"},
	{TD_HTTP_GET, "/varz", TD_MAY_READ, 0, td_show_varz, "The server, in nats-server's shape"},
	{TD_HTTP_GET, "/connz", TD_MAY_READ, 0, td_show_connz,
		"Connections, in nats-server's shape"},
	{TD_HTTP_GET, "/subsz", TD_MAY_READ, 0, td_show_subsz,
		"Subscriptions, in nats-server's shape"},
	{TD_HTTP_GET, "/jsz", TD_MAY_READ, 0, td_show_jsz, "The store, in nats-server's shape"},
	{TD_HTTP_GET, "/openapi.json", TD_MAY_ANYBODY, 0, show_openapi,
		"This description, OpenAPI 3.1"},
};
