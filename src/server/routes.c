#include "server/inside.h"

#include <stdlib.h>

#include "server/handlers.h"

/* All routes there are, a table for each area. */

/* clang-format off */
static const struct td_route core[] = {
	{TD_HTTP_POST, "/v1/events", TD_MAY_PUBLISH, TD_ROUTE_STAGES, td_publish_events,
		"Publish an event, or a batch of them, all or none"},
	{TD_HTTP_POST, "/v1/subjects/{subject}/events", TD_MAY_PUBLISH, TD_ROUTE_STAGES,
		td_append_events, "Append to a subject, on condition of its revision"},
};
/* clang-format on */

#define TABLE(rows)                                      \
	{                                                \
		(rows), sizeof(rows) / sizeof((rows)[0]) \
	}

const struct td_routes td_server_routes[] = {
	TABLE(core),
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
