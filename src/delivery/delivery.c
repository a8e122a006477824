#include "delivery/machine.h"

#include <stdlib.h>

#include "delivery/backoff.h"

struct td_delivery *td_delivery_new(const struct td_delivery_options *options)
{
	enum td_class exhausted = options->retry.exhausted;
	struct td_delivery *delivery;

	TD_ASSERT(options->owed_max > 0);
	TD_ASSERT(exhausted == 0 || exhausted == TD_SKIP || exhausted == TD_PARK ||
		  exhausted == TD_STOP);
	delivery = calloc(1, sizeof(*delivery));
	if (delivery == NULL)
		return NULL;
	delivery->options = *options;
	delivery->options.retry = td_backoff_settings(&options->retry);
	if (delivery->options.running_max == 0)
		delivery->options.running_max = options->owed_max;
	if (delivery->options.together_max == 0)
		delivery->options.together_max = 1;
	if (delivery->options.parked_max == 0)
		delivery->options.parked_max = TD_PARKED_MAX;
	td_pool_init(&delivery->entry_pool, sizeof(struct td_entry), options->owed_max);
	td_pool_init(&delivery->lane_pool, sizeof(struct td_lane), options->owed_max);
	td_map_init(&delivery->lanes);
	td_agenda_init(&delivery->agenda);
	td_bucket_init(&delivery->bucket, options->rate_per_s);
	return delivery;
}

void td_delivery_free(struct td_delivery *delivery)
{
	if (delivery == NULL)
		return;
	td_agenda_fini(&delivery->agenda);
	td_map_fini(&delivery->lanes);
	td_pool_fini(&delivery->lane_pool);
	td_pool_fini(&delivery->entry_pool);
	free(delivery);
}

/* --- admit -------------------------------------------------------------------------------- */

static struct td_lane *lane_open(struct td_delivery *delivery, uint64_t key)
{
	struct td_lane *lane = td_pool_get(&delivery->lane_pool);

	if (lane == NULL)
		return NULL;
	if (!td_map_put(&delivery->lanes, key, lane)) {
		td_pool_put(&delivery->lane_pool, lane);
		return NULL;
	}
	*lane = (struct td_lane){.key = key};
	return lane;
}

/* An entry, and room in the agenda for the day it is retried; NULL: no memory. */
static inline struct td_entry *entry_reserve(struct td_delivery *delivery)
{
	size_t owed = delivery->counts.owed;

	if (TD_UNLIKELY(delivery->agenda.cap <= owed) && delivery->options.retry.attempts_max > 1 &&
		!td_agenda_reserve(&delivery->agenda, owed + 1, delivery->options.owed_max))
		return NULL;
	return td_pool_get(&delivery->entry_pool);
}

/* Whether one more of this lane has no place to stand (D5). */
static bool lane_is_full(const struct td_delivery *delivery, const struct td_lane *lane)
{
	return lane->first->state == TD_ENTRY_PARKED &&
	       delivery->counts.parked >= delivery->options.parked_max && !TD_BUG(1);
}

static void lane_append(struct td_lane *lane, struct td_entry *entry)
{
	*(lane->last != NULL ? &lane->last->behind : &lane->first) = entry;
	lane->last = entry;
	lane->count++;
}

/* It is not the first of its lane. */
static void entry_stand_behind(struct td_delivery *delivery, struct td_entry *entry)
{
	entry->state = TD_ENTRY_BEHIND;
	if (entry->lane->first->state == TD_ENTRY_PARKED)
		delivery->counts.parked++;
	else
		delivery->counts.blocked++;
}

int td_delivery_admit(struct td_delivery *delivery, uint64_t token, uint64_t key)
{
	bool keyed = delivery->options.keyed && key != 0 && !TD_BUG(2);
	struct td_lane *lane = keyed ? td_map_get(&delivery->lanes, key) : NULL;
	struct td_entry *entry;

	if (delivery->counts.owed >= delivery->options.owed_max ||
		(lane != NULL && lane_is_full(delivery, lane)))
		return TD_E_FULL;
	entry = entry_reserve(delivery);
	if (entry == NULL)
		return TD_E_NOMEM;
	if (keyed && lane == NULL) {
		lane = lane_open(delivery, key);
		if (lane == NULL) {
			td_pool_put(&delivery->entry_pool, entry);
			return TD_E_NOMEM;
		}
	}
	*entry = (struct td_entry){
		.token = token, .key = key, .number = delivery->admitted++, .lane = lane};
	if (lane != NULL)
		lane_append(lane, entry);
	if (lane == NULL || lane->first == entry)
		td_entry_wait(delivery, entry, false);
	else
		entry_stand_behind(delivery, entry);
	td_line_insert(&delivery->untried, entry, NULL, TD_HOOK_UNTRIED);
	delivery->counts.owed++;
	return 0;
}

/* --- take --------------------------------------------------------------------------------- */

static bool retry_is_due(const struct td_delivery *delivery, int64_t now_ms)
{
	return delivery->agenda.count > 0 && delivery->agenda.items[0].due_ms <= now_ms;
}

/* Whose turn it is, taken from where it stood; NULL: nobody's. */
static struct td_entry *next_turn(struct td_delivery *delivery, int64_t now_ms)
{
	struct td_entry *entry = delivery->ready.first;
	bool due = retry_is_due(delivery, now_ms);

	/* One after the other where both want to: neither starves. */
	if (due && entry != NULL && delivery->retry_was_last && !TD_BUG(3))
		due = false;
	if (entry == NULL && !due)
		return NULL;
	if (TD_UNLIKELY(delivery->bucket.rate > 0) && !td_bucket_take(&delivery->bucket, now_ms))
		return NULL;
	delivery->retry_was_last = due;
	if (due) {
		delivery->counts.retrying--;
		return td_agenda_remove(&delivery->agenda);
	}
	td_line_remove(&delivery->ready, entry, TD_HOOK_TURN);
	delivery->counts.waiting--;
	return entry;
}

static bool may_take(const struct td_delivery *delivery)
{
	return (!delivery->counts.stopped || TD_BUG(9)) &&
	       delivery->counts.running < delivery->options.running_max + (TD_BUG(4) ? 1 : 0);
}

static inline void run(struct td_delivery *delivery, struct td_entry *entry, struct td_due *due)
{
	struct td_lane *lane = entry->lane;

	entry->state = TD_ENTRY_RUNNING;
	entry->attempts++;
	delivery->counts.running++;
	if (lane != NULL) {
		lane->run_last = entry;
		lane->running++;
	}
	*due = (struct td_due){entry->token, entry->key, entry->attempts, entry};
}

bool td_delivery_take(struct td_delivery *delivery, int64_t now_ms, struct td_due *due)
{
	struct td_entry *entry = may_take(delivery) ? next_turn(delivery, now_ms) : NULL;

	if (entry == NULL)
		return false;
	run(delivery, entry, due);
	return true;
}

bool td_delivery_take_behind(
	struct td_delivery *delivery, void *ticket, int64_t now_ms, struct td_due *due)
{
	struct td_entry *holder = ticket;
	struct td_lane *lane = holder->lane;
	struct td_entry *entry;

	TD_ASSERT(holder->state == TD_ENTRY_RUNNING);
	if (lane == NULL || lane->run_last == lane->last)
		return false;
	if (lane->running >= delivery->options.together_max + (TD_BUG(16) ? 1 : 0) ||
		!may_take(delivery))
		return false;
	if (TD_UNLIKELY(delivery->bucket.rate > 0) && !td_bucket_take(&delivery->bucket, now_ms))
		return false;
	entry = lane->run_last->behind;
	delivery->counts.blocked--;
	run(delivery, entry, due);
	return true;
}

bool td_delivery_timed(const struct td_delivery *delivery)
{
	return delivery->counts.retrying > 0 || delivery->options.rate_per_s > 0;
}

int64_t td_delivery_next_ms(const struct td_delivery *delivery, int64_t now_ms)
{
	int64_t at_ms = now_ms;

	if (!may_take(delivery))
		return INT64_MAX;
	if (delivery->ready.first == NULL) {
		if (delivery->agenda.count == 0 || TD_BUG(15))
			return INT64_MAX;
		if (!retry_is_due(delivery, now_ms))
			at_ms = delivery->agenda.items[0].due_ms;
	}
	return delivery->bucket.rate > 0 && !TD_BUG(11)
		       ? td_bucket_next_ms(&delivery->bucket, at_ms)
		       : at_ms;
}

struct td_delivery_counts td_delivery_counts(const struct td_delivery *delivery)
{
	struct td_delivery_counts counts = delivery->counts;

	counts.parked_full = counts.parked >= delivery->options.parked_max;
	return counts;
}
