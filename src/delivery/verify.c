/*
 * The invariants of delivery.h, by walking everything, and the same as text.
 */
#include "delivery/machine.h"

#include <inttypes.h>

/* What a walk over all entries found. */
struct tally {
	size_t by_state[TD_ENTRY_PARKED + 1];
	size_t behind_parked; /* of the BEHIND ones */
	size_t untried;       /* those that belong in that line */
};

static bool is_in_untried(const struct td_entry *entry)
{
	return !entry->tried &&
	       (entry->state == TD_ENTRY_WAITING || entry->state == TD_ENTRY_BEHIND ||
		       entry->state == TD_ENTRY_RUNNING);
}

static struct tally tally_entries(const struct td_delivery *delivery)
{
	struct tally tally = {0};
	const struct td_entry *entry = NULL;

	while ((entry = td_pool_next(&delivery->entry_pool, entry)) != NULL) {
		TD_ASSERT(entry->state <= TD_ENTRY_PARKED);
		tally.by_state[entry->state]++;
		if (entry->state == TD_ENTRY_FREE)
			continue;
		tally.untried += is_in_untried(entry);
		TD_ASSERT(entry->attempts <= delivery->options.retry.attempts_max); /* D4 */
		TD_ASSERT(entry->state != TD_ENTRY_RUNNING || entry->attempts > 0); /* D4 */
		if (entry->lane == NULL) {
			TD_ASSERT(!delivery->options.keyed || entry->key == 0);
			TD_ASSERT(entry->state != TD_ENTRY_BEHIND);
			continue;
		}
		/* D1: whatever is more than BEHIND is the oldest of its lane, or of its run. */
		TD_ASSERT(entry->lane->key == entry->key);
		TD_ASSERT(entry->lane->first == entry ? entry->state != TD_ENTRY_BEHIND
						      : entry->state == TD_ENTRY_BEHIND ||
								entry->state == TD_ENTRY_RUNNING);
		tally.behind_parked += entry->state == TD_ENTRY_BEHIND &&
				       entry->lane->first->state == TD_ENTRY_PARKED;
	}
	return tally;
}

/* How many stand in a line; both directions agree, and each is what it should be. */
static size_t count_line(const struct td_line *line, enum td_hook_name hook,
	bool (*belongs)(const struct td_entry *entry))
{
	const struct td_entry *prev = NULL;
	size_t count = 0;

	for (const struct td_entry *entry = line->first; entry != NULL;
		entry = entry->hooks[hook].next) {
		TD_ASSERT(entry->hooks[hook].prev == prev);
		TD_ASSERT(belongs(entry)); /* D2 */
		prev = entry;
		count++;
	}
	TD_ASSERT(line->last == prev);
	return count;
}

static bool is_waiting(const struct td_entry *entry)
{
	return entry->state == TD_ENTRY_WAITING;
}

static bool is_parked(const struct td_entry *entry)
{
	return entry->state == TD_ENTRY_PARKED && entry->tried;
}

/* D1: the first ones of a lane run, no more than may, and the lane knows how many. */
static void verify_run(const struct td_delivery *delivery, const struct td_lane *lane)
{
	const struct td_entry *entry = lane->first, *last = NULL;
	size_t count = 0;

	for (; entry != NULL && entry->state == TD_ENTRY_RUNNING; entry = entry->behind) {
		last = entry;
		count++;
	}
	TD_ASSERT(lane->run_last == last && lane->running == count);
	TD_ASSERT(count <= delivery->options.together_max);
	for (; entry != NULL; entry = entry->behind)
		TD_ASSERT(entry->state != TD_ENTRY_RUNNING);
}

/* Each lane is whole and in order of admission; returns how many entries stand in lanes. */
static size_t verify_lanes(const struct td_delivery *delivery)
{
	const struct td_map_slot *slot;
	size_t cursor = 0;
	size_t total = 0;

	while ((slot = td_map_next(&delivery->lanes, &cursor)) != NULL) {
		const struct td_lane *lane = slot->value;
		const struct td_entry *last = NULL;
		size_t count = 0;

		TD_ASSERT(lane->key == slot->key && lane->key != 0 && lane->first != NULL);
		for (const struct td_entry *entry = lane->first; entry != NULL;
			entry = entry->behind) {
			TD_ASSERT(entry->lane == lane);
			TD_ASSERT(last == NULL || last->number < entry->number); /* D1, D5 */
			TD_ASSERT(last == NULL || (!entry->tried && entry->attempts <= 1));
			TD_ASSERT(entry->state != TD_ENTRY_BEHIND || entry->attempts == 0); /* D4 */
			last = entry;
			count++;
		}
		TD_ASSERT(lane->last == last && lane->count == count);
		verify_run(delivery, lane);
		total += count;
	}
	return total;
}

static size_t count_in_lanes(const struct td_delivery *delivery)
{
	const struct td_entry *entry = NULL;
	size_t count = 0;

	while ((entry = td_pool_next(&delivery->entry_pool, entry)) != NULL)
		count += entry->state != TD_ENTRY_FREE && entry->lane != NULL;
	return count;
}

static void verify_untried_order(const struct td_delivery *delivery)
{
	uint64_t number = 0;

	for (const struct td_entry *entry = delivery->untried.first; entry != NULL;
		entry = entry->hooks[TD_HOOK_UNTRIED].next) {
		TD_ASSERT(entry->number >= number);
		number = entry->number + 1;
	}
}

void td_delivery_verify(const struct td_delivery *delivery)
{
	const struct td_delivery_counts *counts = &delivery->counts;
	const struct td_agenda *agenda = &delivery->agenda;
	struct tally tally = tally_entries(delivery);
	size_t behind = tally.by_state[TD_ENTRY_BEHIND];

	/* D2, D3: by state, by list and by count it is the same number. */
	TD_ASSERT(counts->waiting == tally.by_state[TD_ENTRY_WAITING]);
	TD_ASSERT(counts->waiting == count_line(&delivery->ready, TD_HOOK_TURN, is_waiting));
	TD_ASSERT(counts->running == tally.by_state[TD_ENTRY_RUNNING]);
	TD_ASSERT(counts->running <= delivery->options.running_max);
	TD_ASSERT(counts->retrying == tally.by_state[TD_ENTRY_RETRYING]);
	TD_ASSERT(counts->retrying == agenda->count);
	TD_ASSERT(counts->blocked == behind - tally.behind_parked);
	TD_ASSERT(counts->parked == tally.by_state[TD_ENTRY_PARKED] + tally.behind_parked);
	TD_ASSERT(tally.by_state[TD_ENTRY_PARKED] ==
		  count_line(&delivery->parked, TD_HOOK_TURN, is_parked));
	TD_ASSERT(counts->owed == counts->waiting + counts->blocked + counts->running +
					  counts->retrying + counts->parked);
	TD_ASSERT(counts->owed <= delivery->options.owed_max);
	TD_ASSERT(tally.untried == count_line(&delivery->untried, TD_HOOK_UNTRIED, is_in_untried));
	verify_untried_order(delivery);
	TD_ASSERT(verify_lanes(delivery) == count_in_lanes(delivery));
	td_agenda_verify(agenda);
	for (size_t i = 0; i < agenda->count; i++)
		TD_ASSERT(agenda->items[i].entry->state == TD_ENTRY_RETRYING);
	/* Settle never fails: there is room for all that may yet be retried. */
	TD_ASSERT(delivery->options.retry.attempts_max <= 1 || agenda->cap >= counts->owed);
}

/* --- as text ------------------------------------------------------------------------------ */

static void dump_entry(struct td_buf *buf, const char *state, const struct td_entry *entry)
{
	td_buf_printf(buf, "%-9s token %" PRIu64 " key %016" PRIx64 " attempts %u", state,
		entry->token, entry->key, entry->attempts);
}

/* An entry's line, and those of its lane behind it. */
static void dump_lane(struct td_buf *buf, const char *state, const struct td_entry *entry,
	const char *behind, int64_t due_ms)
{
	dump_entry(buf, state, entry);
	if (entry->state == TD_ENTRY_RETRYING)
		td_buf_printf(buf, " due %" PRId64, due_ms);
	td_buf_add_char(buf, '\n');
	while (entry->lane != NULL && (entry = entry->behind) != NULL) {
		dump_entry(buf, entry->state == TD_ENTRY_RUNNING ? "running" : behind, entry);
		td_buf_add_char(buf, '\n');
	}
}

static void dump_line(
	struct td_buf *buf, const char *state, const struct td_line *line, const char *behind)
{
	for (const struct td_entry *entry = line->first; entry != NULL;
		entry = entry->hooks[TD_HOOK_TURN].next)
		dump_lane(buf, state, entry, behind, 0);
}

void td_delivery_dump(const struct td_delivery *delivery, struct td_buf *buf)
{
	const struct td_delivery_counts *counts = &delivery->counts;
	const struct td_entry *entry = NULL;

	td_buf_printf(buf,
		"owed %zu of %zu: waiting %zu, blocked %zu, running %zu of %zu, retrying %zu, "
		"parked %zu of %zu%s\n",
		counts->owed, delivery->options.owed_max, counts->waiting, counts->blocked,
		counts->running, delivery->options.running_max, counts->retrying, counts->parked,
		delivery->options.parked_max, counts->stopped ? "; stopped" : "");
	while ((entry = td_pool_next(&delivery->entry_pool, entry)) != NULL)
		if (entry->state == TD_ENTRY_RUNNING &&
			(entry->lane == NULL || entry->lane->first == entry))
			dump_lane(buf, "running", entry, "blocked", 0);
	for (size_t i = 0; i < delivery->agenda.count; i++)
		dump_lane(buf, "retrying", delivery->agenda.items[i].entry, "blocked",
			delivery->agenda.items[i].due_ms);
	dump_line(buf, "waiting", &delivery->ready, "blocked");
	dump_line(buf, "parked", &delivery->parked, "+ parked");
}
