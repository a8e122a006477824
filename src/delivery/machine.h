/*
 * The insides of the machine, for the files of this room.
 *
 *	lanes (by key)    lane --first--> entry --behind--> entry --behind--> entry <--last-- lane
 *	ready             the WAITING ones, in order of their turn
 *	parked            the PARKED heads, in order of parking
 *	agenda            the RETRYING ones, by due time
 *	untried           never tried, whatever it is now: by admission
 *
 * What is RUNNING is in its lane (as the first ones) and otherwise in the hands of the driver.
 */
#ifndef TD_DELIVERY_MACHINE_H
#define TD_DELIVERY_MACHINE_H

#include "delivery/agenda.h"
#include "delivery/bucket.h"
#include "delivery/delivery.h"
#include "delivery/pool.h"

#define TD_PARKED_MAX 1024u

enum td_entry_state {
	TD_ENTRY_FREE,
	TD_ENTRY_WAITING,
	TD_ENTRY_BEHIND, /* BLOCKED, or parked with its head */
	TD_ENTRY_RUNNING,
	TD_ENTRY_RETRYING,
	TD_ENTRY_PARKED, /* a head */
};

/* The lines an entry can stand in; `ready` and `parked` share a hook, it is in one of them. */
enum td_hook_name { TD_HOOK_TURN, TD_HOOK_UNTRIED, TD_HOOKS };

struct td_hook {
	struct td_entry *next, *prev;
};

struct td_entry {
	uint64_t token; /* the pool's link while free */
	uint64_t key;
	uint64_t number;         /* order of admission */
	struct td_lane *lane;    /* NULL: has no order to keep */
	struct td_entry *behind; /* the next of its lane */
	struct td_hook hooks[TD_HOOKS];
	unsigned attempts;
	uint8_t state;
	bool tried; /* settled once */
};

struct td_lane {
	uint64_t key; /* the pool's link while free */
	struct td_entry *first, *last;
	struct td_entry *run_last; /* the last one RUNNING; NULL: none is */
	size_t count;
	size_t running; /* of these, the first ones */
};

struct td_line {
	struct td_entry *first, *last;
};

struct td_delivery {
	struct td_line ready, parked, untried;
	struct td_map lanes; /* key to lane */
	struct td_agenda agenda;
	struct td_bucket bucket;
	struct td_delivery_counts counts;
	bool retry_was_last; /* the last one taken was a due retry */
	uint64_t admitted;
	struct td_pool entry_pool, lane_pool;
	struct td_delivery_options options; /* defaults filled in */
};

/* --- lines -------------------------------------------------------------------------------- */

/* Put the entry before `at`; NULL: at the end. */
static inline void td_line_insert(
	struct td_line *line, struct td_entry *entry, struct td_entry *at, enum td_hook_name hook)
{
	struct td_entry *prev = at != NULL ? at->hooks[hook].prev : line->last;

	entry->hooks[hook] = (struct td_hook){at, prev};
	*(prev != NULL ? &prev->hooks[hook].next : &line->first) = entry;
	*(at != NULL ? &at->hooks[hook].prev : &line->last) = entry;
}

static inline void td_line_remove(
	struct td_line *line, struct td_entry *entry, enum td_hook_name hook)
{
	struct td_entry *next = entry->hooks[hook].next, *prev = entry->hooks[hook].prev;

	*(prev != NULL ? &prev->hooks[hook].next : &line->first) = next;
	*(next != NULL ? &next->hooks[hook].prev : &line->last) = prev;
}

/* --- steps that several calls share ------------------------------------------------------- */

/* It may run: its turn comes behind all others, or before them. */
static inline void td_entry_wait(struct td_delivery *delivery, struct td_entry *entry, bool first)
{
	td_line_insert(&delivery->ready, entry, first ? delivery->ready.first : NULL, TD_HOOK_TURN);
	entry->state = TD_ENTRY_WAITING;
	delivery->counts.waiting++;
}

/* How many stand behind this one in its lane. */
static inline size_t td_entry_followers(const struct td_entry *entry)
{
	return entry->lane != NULL ? entry->lane->count - 1 : 0;
}

/* It was never tried, and now it is, or is gone. */
static inline void td_entry_tried(struct td_delivery *delivery, struct td_entry *entry)
{
	if (!entry->tried)
		td_line_remove(&delivery->untried, entry, TD_HOOK_UNTRIED);
	entry->tried = true;
}

/*
 * The first of its lane, not RUNNING any more, in no line but that of the untried and counted
 * nowhere but in owed (those behind it as BLOCKED), is gone. The next of its key may run, unless it
 * does.
 */
static inline void td_entry_leave(struct td_delivery *delivery, struct td_entry *entry)
{
	struct td_lane *lane = entry->lane;

	td_entry_tried(delivery, entry);
	if (lane != NULL) {
		TD_ASSERT(lane->first == entry);
		lane->first = entry->behind;
		lane->count--;
		if (lane->running > 0) {
			TD_ASSERT(lane->first->state == TD_ENTRY_RUNNING); /* D1 */
		} else if (lane->first != NULL) {
			delivery->counts.blocked--;
			td_entry_wait(delivery, lane->first, TD_BUG(13));
		} else {
			td_map_remove(&delivery->lanes, lane->key);
			td_pool_put(&delivery->lane_pool, lane);
		}
	}
	delivery->counts.owed--;
	entry->state = TD_ENTRY_FREE;
	td_pool_put(&delivery->entry_pool, entry);
}

#endif
