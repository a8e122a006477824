/*
 * ops: what is shown to who runs the server, and its description for programs.
 *
 *	/healthz /readyz            for who starts and stops it; anybody
 *	/metrics                    for a time series database
 *	/varz /connz /subsz /jsz    in the shape of nats-server, for its tools
 *	/openapi.json               what all routes are; anybody
 *
 * Where there are users, the middle ones take the permission to read "$monitor". Nothing here waits
 * for the disk.
 */
#ifndef TD_SERVER_OPS_H
#define TD_SERVER_OPS_H

#include "server/exchange.h"

struct td_ops;

#define TD_OPS_ROUTES 8u
extern const struct td_route td_ops_routes[TD_OPS_ROUTES];
#define TD_OPS_SUBJECT "$monitor"

/* NULL: no memory; then nothing is counted. */
struct td_ops *td_ops_new(size_t series_max);
void td_ops_free(struct td_ops *ops);
/* A request was answered; `route` NULL: it was on none. `ops` may be NULL. */
void td_ops_answered(struct td_ops *ops, const struct td_route *route, uint32_t status);

/* --- openapi.c ---------------------------------------------------------------------------- */

/* The document, OpenAPI 3.1, of these routes. */
void td_openapi_write(const struct td_routes *tables, size_t count, struct td_buf *buf);

#endif
