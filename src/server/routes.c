#include "server/inside.h"

#include <stdlib.h>

#include "server/flow_routes.h"
#include "server/handlers.h"
#include "server/page.h"
#include "server/ops.h"

/* All routes there are, a table for each area. */

/* clang-format off */
static const struct td_route core[] = {
	{TD_HTTP_GET, "/v1/events", TD_MAY_READ, TD_ROUTE_READS, td_read_events,
		"Read events, a page at a time, or wait for one"},
	{TD_HTTP_POST, "/v1/events", TD_MAY_PUBLISH, TD_ROUTE_STAGES, td_publish_events,
		"Publish an event, or a batch of them, all or none"},
	{TD_HTTP_GET, "/v1/events/follow", TD_MAY_READ, TD_ROUTE_READS, td_follow_events,
		"Follow events as Server-Sent Events"},
	{TD_HTTP_GET, "/v1/events/{id}", TD_MAY_READ, TD_ROUTE_READS, td_show_one,
		"Show an event, with links to its subject, cause and story"},
	{TD_HTTP_GET, "/v1/events/{id}/data", TD_MAY_READ, TD_ROUTE_READS, td_show_data,
		"Show the data of an event, or what its dataref meant when it was stored"},
	{TD_HTTP_GET, "/v1/subjects", TD_MAY_READ, TD_ROUTE_READS, td_list_subjects,
		"List subjects that match a pattern"},
	{TD_HTTP_GET, "/v1/subjects/{subject}@{revision}", TD_MAY_READ, TD_ROUTE_READS,
		td_show_subject_at, "Show the event of a subject's revision"},
	{TD_HTTP_GET, "/v1/subjects/{subject}", TD_MAY_READ, TD_ROUTE_READS, td_show_subject,
		"Show the latest event of a subject, now or at a moment"},
	{TD_HTTP_GET, "/v1/subjects/{subject}/events", TD_MAY_READ, TD_ROUTE_READS,
		td_read_subject_events, "Read the events of a subject"},
	{TD_HTTP_POST, "/v1/subjects/{subject}/events", TD_MAY_PUBLISH, TD_ROUTE_STAGES,
		td_append_events, "Append to a subject, on condition of its revision"},
	{TD_HTTP_GET, "/v1/logs", TD_MAY_READ, TD_ROUTE_READS, td_list_logs, "List the logs"},
	{TD_HTTP_POST, "/v1/logs", TD_MAY_MANAGE, TD_ROUTE_STAGES, td_make_log, "Create a log"},
	{TD_HTTP_GET, "/v1/logs/{log}", TD_MAY_READ, TD_ROUTE_READS, td_show_log, "Show a log"},
	{TD_HTTP_PUT, "/v1/logs/{log}", TD_MAY_MANAGE, TD_ROUTE_STAGES, td_put_log,
		"Create a log, or give it exactly these settings"},
	{TD_HTTP_PATCH, "/v1/logs/{log}", TD_MAY_MANAGE, TD_ROUTE_STAGES, td_patch_log,
		"Change some settings of a log"},
	{TD_HTTP_DELETE, "/v1/logs/{log}", TD_MAY_MANAGE, TD_ROUTE_STAGES, td_delete_log,
		"Delete a log with all its events"},
	{TD_HTTP_GET, "/v1/status", TD_MAY_READ, TD_ROUTE_READS, td_show_status,
		"Say what is stored, and how the store is"},
};
/* clang-format on */

#define TABLE(rows)                                      \
	{                                                \
		(rows), sizeof(rows) / sizeof((rows)[0]) \
	}

const struct td_routes td_server_routes[] = {
	TABLE(core),
	TABLE(td_flow_routes),
	TABLE(td_page_routes),
	{td_ops_routes, TD_OPS_ROUTES},
};
const size_t td_server_routes_count = sizeof(td_server_routes) / sizeof(td_server_routes[0]);

int td_routes_open(struct td_server *server, struct td_error *err)
{
	size_t count = 0, wrong;

	for (size_t i = 0; i < td_server_routes_count; i++)
		count += td_server_routes[i].count;
	server->routes = calloc(count, sizeof(*server->routes));
	server->routes_rows = calloc(count, sizeof(struct td_route *));
	if (server->routes == NULL || server->routes_rows == NULL)
		return td_error_nomem(err);
	for (size_t i = 0; i < td_server_routes_count; i++) {
		for (size_t j = 0; j < td_server_routes[i].count; j++) {
			const struct td_route *row = &td_server_routes[i].rows[j];
			size_t id = server->routes_count++;

			server->routes[id] =
				(struct td_http_route){row->method, row->pattern, (unsigned)id};
			server->routes_rows[id] = row;
		}
	}
	wrong = td_http_routes_verify(server->routes, server->routes_count);
	TD_ASSERT(wrong == 0); /* a table of ours */
	return 0;
}

void td_routes_close(struct td_server *server)
{
	free(server->routes);
	free(server->routes_rows);
	server->routes = NULL;
	server->routes_rows = NULL;
	server->routes_count = 0;
}
