/*
 * durable: what the files of durable subscriptions share.
 */
#ifndef TD_CLIENT_DURABLE_H
#define TD_CLIENT_DURABLE_H

#include "client/place.h"

/* What `owed` has of a position. */
#define TD_DURABLE_OWED   ((void *)(uintptr_t)1)
#define TD_DURABLE_PARKED ((void *)(uintptr_t)2)

struct td_durable {
	struct td_durable *link; /* place->durables: grows at its beginning, shrinks at close */
	struct td_place *place;
	struct td_subscription *subscription;
	struct td_feed feed;
	char *name, *pattern;
	_Atomic bool ended; /* unsubscribed: fed no more, noted no more */
	_Atomic bool full;  /* its queue was, a moment ago */

	/* Of whoever feeds. */
	struct td_cursor *cursor;
	uint64_t upto;         /* all before was looked at */
	struct td_event *held; /* read, but not fed yet */
	uint64_t held_position;
	uint64_t *again; /* owed at the last note, ascending: fed first */
	size_t again_count, again_at;

	struct td_mutex lock; /* of the rest */
	struct td_condition moved;
	uint64_t next;      /* all before was fed, or not asked for */
	struct td_map owed; /* positions fed and not done with */
	int64_t note_due_ms;
	int failed; /* why it is not fed any more; 0 */
	struct td_error err;
};

/* Note where it is, durably; what is done meanwhile is for the next note. */
int td_durable_note(struct td_durable *durable, struct td_error *err);
/* What the last note said. TD_E_NOT_FOUND: there is none. */
int td_durable_recall(struct td_durable *durable, struct td_error *err);

#endif
