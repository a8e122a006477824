/*
 * handlers: what stands behind the routes of events, subjects and logs (routes.c).
 */
#ifndef TD_SERVER_HANDLERS_H
#define TD_SERVER_HANDLERS_H

#include "server/exchange.h"

typedef int td_handler_of(struct td_exchange *x, struct td_error *err);

td_handler_of td_publish_events, td_append_events;                            /* publish.c */
td_handler_of td_read_events, td_read_subject_events;                         /* read.c */
td_handler_of td_show_one, td_show_data, td_show_subject, td_show_subject_at; /* one.c */
td_handler_of td_list_subjects;                                               /* subjects.c */
td_handler_of td_follow_events;                                               /* follow.c */
td_handler_of td_list_logs, td_make_log, td_show_log, td_put_log, td_patch_log,
	td_delete_log;        /* logs.c */
td_handler_of td_show_status; /* status.c */

#endif
