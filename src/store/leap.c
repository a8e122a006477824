/*
 * After positions were given up (accept_tail_loss) nobody knows which seqs and revisions their events
 * had, and somebody may have been told of them. No number is given twice, so all of them leap by as
 * many as there were positions: of logs, of subjects that live, of those that go on from a top, of
 * addresses that are new to a log that was there, and the numbers of logs.
 *
 *	journal   CONTROL notes what is going to be cut, then cuts, then a hole takes the positions
 *	store     opens, finds no record of it, and stages one before anything else
 *
 * The record stands behind all that it speaks of. Who was last given a number below it leaps; who
 * came later did already.
 */
#include "store/private.h"

#include <stdlib.h>

uint64_t td_leaps_since(const struct td_store *store, uint64_t position)
{
	uint64_t count = 0;

	for (size_t i = store->leaps_count; i > 0 && store->leaps[i - 1].position > position; i--)
		count += store->leaps[i - 1].count;
	return count;
}

int td_leap_add(struct td_store *store, const struct td_loss_record *loss, uint64_t position,
	struct td_error *err)
{
	size_t slots = store->tops.slots == NULL ? 0 : store->tops.mask + 1;
	struct td_leap leap = {position, loss->to - loss->from + 1};
	struct td_leap *grown =
		realloc(store->leaps, (store->leaps_count + 1) * sizeof(*store->leaps));

	if (grown == NULL)
		return td_error_nomem(err);
	store->leaps = grown;
	store->leaps[store->leaps_count++] = leap;
	if (loss->to > store->lost_to)
		store->lost_to = loss->to;
	/* All tops that there are by now stood below it. */
	for (size_t i = 0; i < slots; i++) {
		if (store->tops.slots[i].seq != 0)
			store->tops.slots[i].revision += leap.count;
	}
	if (store->logs.next_number <= UINT32_MAX - leap.count)
		store->logs.next_number += (uint32_t)leap.count;
	return 0;
}

void td_leap_logs(struct td_store *store)
{
	for (size_t i = 0; i < store->logs.count; i++) {
		struct td_log *log = store->logs.at[i];

		if (log != NULL)
			log->last_seq += td_leaps_since(store, log->numbered);
	}
}
