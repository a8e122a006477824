/*
 * What somebody from outside does to what is owed: release what is parked, resume, drop, clear.
 */
#include "delivery/machine.h"

/* The parked head of a key; NULL: there is none. */
static struct td_entry *parked_head(const struct td_delivery *delivery, uint64_t key)
{
	struct td_entry *entry = delivery->parked.first;

	if (delivery->options.keyed && key != 0) {
		const struct td_lane *lane = td_map_get(&delivery->lanes, key);
		return lane != NULL && lane->first->state == TD_ENTRY_PARKED ? lane->first : NULL;
	}
	/* Those without order are not indexed: whoever releases all finds each at the front. */
	while (entry != NULL && (entry->lane != NULL || entry->key != key))
		entry = entry->hooks[TD_HOOK_TURN].next;
	return entry;
}

/* The head leaves the parking place, and those behind it are only BLOCKED again. */
static void unpark(struct td_delivery *delivery, struct td_entry *entry)
{
	td_line_remove(&delivery->parked, entry, TD_HOOK_TURN);
	delivery->counts.parked -= 1 + td_entry_followers(entry);
	delivery->counts.blocked += td_entry_followers(entry);
}

bool td_delivery_redrive(struct td_delivery *delivery, uint64_t key)
{
	struct td_entry *entry = parked_head(delivery, key);

	if (entry == NULL)
		return false;
	unpark(delivery, entry);
	entry->attempts = TD_BUG(8) ? entry->attempts : 0;
	td_entry_wait(delivery, entry, false);
	return true;
}

bool td_delivery_dismiss(struct td_delivery *delivery, uint64_t key, uint64_t *token)
{
	struct td_entry *entry = parked_head(delivery, key);

	if (entry == NULL)
		return false;
	unpark(delivery, entry);
	*token = entry->token;
	td_entry_leave(delivery, entry);
	return true;
}

bool td_delivery_parked(
	const struct td_delivery *delivery, size_t *cursor, uint64_t *key, uint64_t *token)
{
	const struct td_entry *entry = (const struct td_entry *)*cursor; /* the last one shown */

	entry = entry == NULL ? delivery->parked.first : entry->hooks[TD_HOOK_TURN].next;
	if (entry == NULL)
		return false;
	*cursor = (size_t)entry;
	*key = entry->key;
	*token = entry->token;
	return true;
}

void td_delivery_resume(struct td_delivery *delivery)
{
	delivery->counts.stopped = false;
}

/* --- drop --------------------------------------------------------------------------------- */

/* Cut out the one behind the run, or behind the first where none runs: the oldest never tried. */
static void drop_behind(struct td_delivery *delivery, struct td_entry *entry)
{
	struct td_lane *lane = entry->lane;
	struct td_entry *before = lane->run_last != NULL ? lane->run_last : lane->first;

	TD_ASSERT(before->behind == entry);
	before->behind = entry->behind;
	if (lane->last == entry)
		lane->last = before;
	lane->count--;
	td_entry_tried(delivery, entry);
	delivery->counts.blocked--;
	delivery->counts.owed--;
	entry->state = TD_ENTRY_FREE;
	td_pool_put(&delivery->entry_pool, entry);
}

static bool may_drop(const struct td_entry *entry)
{
	if (entry->state == TD_ENTRY_RUNNING)
		return false;
	return entry->lane == NULL || entry->lane->first->state != TD_ENTRY_PARKED || TD_BUG(10);
}

bool td_delivery_drop_oldest(struct td_delivery *delivery, uint64_t *token)
{
	struct td_entry *entry = delivery->untried.first;

	while (entry != NULL && !may_drop(entry))
		entry = entry->hooks[TD_HOOK_UNTRIED].next;
	if (entry == NULL)
		return false;
	*token = entry->token;
	if (entry->state == TD_ENTRY_BEHIND) {
		drop_behind(delivery, entry);
	} else {
		td_line_remove(&delivery->ready, entry, TD_HOOK_TURN);
		delivery->counts.waiting--;
		td_entry_leave(delivery, entry);
	}
	return true;
}

/* --- clear -------------------------------------------------------------------------------- */

/* Lanes keep what is running in them; the others close. */
static void lanes_empty(struct td_delivery *delivery)
{
	struct td_entry *entry = NULL;

	while ((entry = td_pool_next(&delivery->entry_pool, entry)) != NULL) {
		struct td_lane *lane = entry->lane;

		if (lane == NULL || entry->state == TD_ENTRY_FREE ||
			entry->state == TD_ENTRY_BEHIND)
			continue;
		if (entry->state == TD_ENTRY_RUNNING) {
			lane->run_last->behind = NULL;
			lane->last = lane->run_last;
			lane->count = lane->running;
		} else {
			td_map_remove(&delivery->lanes, lane->key);
			td_pool_put(&delivery->lane_pool, lane);
		}
	}
}

/* In the line of the untried only those that run are left. */
static void untried_clear(struct td_delivery *delivery)
{
	struct td_entry *next;

	for (struct td_entry *entry = delivery->untried.first; entry != NULL; entry = next) {
		next = entry->hooks[TD_HOOK_UNTRIED].next;
		if (entry->state != TD_ENTRY_RUNNING)
			td_line_remove(&delivery->untried, entry, TD_HOOK_UNTRIED);
	}
}

void td_delivery_clear(
	struct td_delivery *delivery, void (*dropped)(void *arg, uint64_t token), void *arg)
{
	struct td_entry *entry = NULL;

	lanes_empty(delivery);
	untried_clear(delivery);
	delivery->ready = delivery->parked = (struct td_line){NULL, NULL};
	delivery->agenda.count = 0;
	delivery->counts = (struct td_delivery_counts){.owed = delivery->counts.running,
		.running = delivery->counts.running,
		.stopped = delivery->counts.stopped};
	while ((entry = td_pool_next(&delivery->entry_pool, entry)) != NULL) {
		uint64_t token = entry->token;

		if (entry->state == TD_ENTRY_FREE || entry->state == TD_ENTRY_RUNNING)
			continue;
		entry->state = TD_ENTRY_FREE;
		td_pool_put(&delivery->entry_pool, entry);
		if (dropped != NULL)
			dropped(arg, token);
	}
}
