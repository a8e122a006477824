/*
 * Logs: events that stay, in order.
 *
 *	log "orders"       seq  1   2   3   4   5   6 ...            without gaps, never used again
 *	  order.42    revision  1       2           3                per subject: order.42@3
 *	  order.43    revision      1       2   3
 *	all logs      position  5   6   8   9   10  14               the order across logs
 *
 * A log has a name and claims subjects by patterns; no two logs claim one subject. In "file:" places
 * what no log claims goes to the built-in log "events", so that every event published is kept. In
 * "mem:" an event is kept if a log claims it, until the handle is closed, and is forgotten else.
 *
 * td_publish() stores, and so does td_append(), which may say what it expects of the subject. Either
 * returns when the event is durable and its synchronous handlers have run; nobody hears of an event
 * before it is durable. To read, td_read() walks over what is stored and td_follow() goes on with what
 * comes; looking moves nobody's position and acknowledges nothing.
 *
 * Threads: every function may be called from any thread; a reading belongs to one at a time.
 */
#ifndef TIDINGS_LOG_H
#define TIDINGS_LOG_H

#include "tidings/error.h"
#include "tidings/event.h"
#include "tidings/export.h"
#include "tidings/text.h"

#ifdef __cplusplus
extern "C" {
#endif

struct td;
struct td_receipt;

#define TD_LOG_NAME_BYTES_MAX 255u

/* Where an event stands. */
struct td_where {
	uint64_t position; /* in the place, across logs; from 1. 0: it is not stored */
	uint64_t seq;      /* in its log, from 1 */
	uint64_t revision; /* of its subject in that log, from 1 */
	td_time recorded;  /* when it was stored */
	char log[TD_LOG_NAME_BYTES_MAX + 1];
};

#ifdef __cplusplus
}
#endif

#endif
