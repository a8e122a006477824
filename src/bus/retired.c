#include "bus/private.h"

#include <stdlib.h>

/*
 * What was taken away while readers may still look at it, and when its memory may go: a mark of who
 * was inside is made when it is retired; when all of those have left, it is freed, by who leaves last
 * or by who takes away the next thing.
 */

static void free_retired(struct td_retired *retired)
{
	if (retired->subscription != NULL)
		td_subscription_release(retired->subscription);
	if (retired->limbo != NULL)
		td_trie_limbo_free(retired->limbo);
	td_readers_mark_free(retired->mark);
	free(retired);
}

void td_bus_retire(struct td_bus *bus, struct td_retired *retired)
{
	retired->mark = td_readers_fence();
	retired->next = bus->retired;
	bus->retired = retired;
}

/* A retired entry for what the trie unlinked; lost memory if none is to be had is kept till later.
 */
void td_bus_retire_limbo(struct td_bus *bus)
{
	struct td_retired *retired = calloc(1, sizeof(*retired));

	if (retired == NULL)
		return; /* it stays in the trie's limbo; the next change takes it along */
	retired->limbo = td_trie_limbo_take(bus->trie);
	if (retired->limbo == NULL) {
		free(retired);
		return;
	}
	td_bus_retire(bus, retired);
}

void td_bus_reclaim(struct td_bus *bus)
{
	struct td_retired *free_now = NULL;
	struct td_retired *kept, **link = &kept;

	td_mutex_lock(&bus->lock);
	kept = atomic_load(&bus->retired);
	while (*link != NULL) {
		struct td_retired *retired = *link;

		if (retired->mark == NULL)
			retired->mark = td_readers_fence();
		if (retired->mark != NULL && (td_readers_passed(retired->mark) || TD_BUG(320))) {
			*link = retired->next;
			retired->next = free_now;
			free_now = retired;
		} else {
			link = &retired->next;
		}
	}
	atomic_store(&bus->retired, kept);
	td_mutex_unlock(&bus->lock);
	while (free_now != NULL) {
		struct td_retired *next = free_now->next;

		free_retired(free_now);
		free_now = next;
	}
}

void td_bus_leave_reader(struct td_bus *bus, struct td_reader *reader)
{
	/* Asked while inside: the place cannot be closed under us. */
	if (TD_LIKELY(atomic_load_explicit(&bus->retired, memory_order_relaxed) == NULL)) {
		td_reader_leave(reader);
		return;
	}
	atomic_fetch_add(&bus->reclaiming, 1);
	td_reader_leave(reader);
	td_bus_reclaim(bus);
	atomic_fetch_sub(&bus->reclaiming, 1);
}

void td_bus_free_retired(struct td_bus *bus)
{
	while (bus->retired != NULL) {
		struct td_retired *next = bus->retired->next;

		free_retired(bus->retired);
		bus->retired = next;
	}
}
