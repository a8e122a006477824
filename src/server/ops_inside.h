/*
 * The inside of ops.
 */
#ifndef TD_SERVER_OPS_INSIDE_H
#define TD_SERVER_OPS_INSIDE_H

#include "server/ops.h"

enum td_ops_gauge {
	TD_OPS_UP,
	TD_OPS_STARTED,
	TD_OPS_CONNECTIONS,
	TD_OPS_STREAMS,
	TD_OPS_REQUESTS,
	TD_OPS_RECEIVING,
	TD_OPS_EVENTS,
	TD_OPS_SUBJECTS,
	TD_OPS_LOGS,
	TD_OPS_STORED,
	TD_OPS_POSITION,
	TD_OPS_SEGMENTS,
	TD_OPS_SYNCS,
	TD_OPS_WRITTEN,
	TD_OPS_INDEX,
	TD_OPS_CACHE,
	TD_OPS_DISK_FULL,
	TD_OPS_SERIES,
	TD_OPS_BEYOND,
	TD_OPS_CPU,
	TD_OPS_RESIDENT,
	TD_OPS_FILES,
	TD_OPS_GAUGES,
};

/* 0, or TD_E_FORBIDDEN. */
int td_ops_may(const struct td_exchange *x, struct td_error *err);
/* Followers now. */
size_t td_ops_streams(const struct td_server *server);

/* monitor.c */
int td_show_varz(struct td_exchange *x, struct td_error *err);
int td_show_connz(struct td_exchange *x, struct td_error *err);
int td_show_subsz(struct td_exchange *x, struct td_error *err);
int td_show_jsz(struct td_exchange *x, struct td_error *err);

#endif
