/*
 * flow_routes: who causes what, behind /v1/flow and /v1/stories.
 */
#ifndef TD_SERVER_FLOW_ROUTES_H
#define TD_SERVER_FLOW_ROUTES_H

#include "server/exchange.h"

extern const struct td_route td_flow_routes[2];

/* Before the store is opened, with td_flow_tap(server->flow) among its taps. TD_E_NOMEM. */
int td_server_flow_new(struct td_server *server, struct td_error *err);
/* When it is open, before anything is appended. Blocks: the newest of what is stored is read. */
int td_server_flow_attach(struct td_server *server, struct td_error *err);

#endif
