#include "bus/lane.h"

#include <stdlib.h>

/*
 * The queue of a lane and the room in it: places that publishers reserve, slots in which what they
 * pushed waits, and the way from the ring into the machine. L1 to L3 (lane.h) are kept here.
 */

/* --- slots -------------------------------------------------------------------------------- */

/* L2: called with a place in hand, before anybody relies on it. */
static bool make_slots(struct td_lane *lane)
{
	bool enough = true;

	td_mutex_lock(&lane->lock);
	while (enough && atomic_load(&lane->slots) < atomic_load(&lane->reserved)) {
		struct td_lane_slab *slab = malloc(sizeof(*slab));

		enough = slab != NULL;
		if (!enough)
			break;
		slab->next = lane->slabs;
		lane->slabs = slab;
		for (size_t i = 0; i < TD_SLAB_SLOTS; i++) {
			slab->slots[i].next = lane->free_slots;
			lane->free_slots = &slab->slots[i];
		}
		atomic_fetch_add(&lane->slots, TD_SLAB_SLOTS);
	}
	td_mutex_unlock(&lane->lock);
	return enough;
}

static struct td_lane_slot *slot_get(struct td_lane *lane)
{
	struct td_lane_slot *slot = lane->free_slots;

	TD_ASSERT(slot != NULL); /* L2 */
	lane->free_slots = slot->next;
	return slot;
}

uint64_t td_lane_key(const struct td_lane *lane, struct td_text address)
{
	uint64_t key = td_hash(address.at, address.len, lane->bus->seed);

	return key != 0 ? key : 1;
}

static uint64_t key_of(const struct td_lane *lane, const struct td_event *event)
{
	switch (lane->subscription->order) {
	case TD_ORDER_SUBJECT:
		return td_lane_key(lane, event->address);
	case TD_ORDER_ALL:
		return 1;
	case TD_ORDER_NONE:
		break;
	}
	return 0;
}

/* --- into the machine --------------------------------------------------------------------- */

struct td_lane_slot *td_lane_append(struct td_lane *lane, const struct td_owed *owed)
{
	struct td_lane_slot *slot = slot_get(lane);

	slot->owed = *owed;
	if (TD_BUG(302) && lane->pending != NULL) {
		slot->next = lane->pending;
		return lane->pending = slot;
	}
	slot->next = NULL;
	*lane->pending_tail = slot;
	lane->pending_tail = &slot->next;
	return slot;
}

void td_lane_gather(struct td_lane *lane)
{
	struct td_owed owed;

	while (td_ring_pop(lane->ring, &owed, sizeof(owed)))
		td_lane_append(lane, &owed);
	while (lane->pending != NULL) {
		struct td_lane_slot *slot = lane->pending;
		uint64_t key = key_of(lane, slot->owed.event);

		if (td_delivery_admit(lane->machine, (uint64_t)(uintptr_t)slot, key) != 0)
			return;
		lane->pending = slot->next;
		if (lane->pending == NULL)
			lane->pending_tail = &lane->pending;
	}
}

void td_lane_gather_all(struct td_lane *lane)
{
	td_lane_gather(lane);
	while (td_ring_count(lane->ring) > 0) {
		td_thread_yield();
		td_lane_gather(lane);
	}
}

/* --- a place in the queue ----------------------------------------------------------------- */

void td_lane_unreserve_count(struct td_lane *lane, size_t count)
{
	if (count == 0)
		return;
	atomic_fetch_sub(&lane->reserved, count);
	if (atomic_load(&lane->waiting_for_room) > 0)
		td_run_settled(lane->bus);
}

void td_lane_unreserve_some(struct td_lane *lane, size_t count)
{
	size_t max = lane->subscription->queue_max;
	size_t left;

	if (count == 0)
		return;
	left = atomic_fetch_sub(&lane->reserved, count) - count;
	if (left <= max - max / 4 && atomic_load(&lane->waiting_for_room) > 0)
		td_run_settled(lane->bus);
}

void td_lane_unreserve(struct td_lane *lane)
{
	if (TD_BUG(306))
		return;
	td_lane_unreserve_count(lane, 1);
}

/* Make room; false: all there is runs, the new one goes. What others hold counts as what waits. */
static bool drop_oldest(struct td_lane *lane)
{
	struct td_lane_done done;
	size_t room;
	uint64_t token;

	done.count = 0;
	td_mutex_lock(&lane->lock);
	td_lane_gather(lane);
	td_lane_relieve(lane, INT64_MAX, &done);
	room = done.count;
	if (room == 0 && td_delivery_drop_oldest(lane->machine, &token)) {
		td_lane_drop_one(lane, td_lane_slot_of(token));
		room = 1;
		if (TD_BUG(305) && td_delivery_drop_oldest(lane->machine, &token)) {
			td_lane_drop_one(lane, td_lane_slot_of(token));
			room = 2;
		}
	}
	td_mutex_unlock(&lane->lock);
	td_lane_tell_done(lane, &done);
	td_lane_unreserve_count(lane, room);
	return room > 0;
}

int td_lane_try_reserve(struct td_lane *lane)
{
	size_t before = atomic_fetch_add(&lane->reserved, 1);

	if (TD_UNLIKELY(before >= lane->subscription->queue_max)) {
		atomic_fetch_sub(&lane->reserved, 1);
		return TD_E_FULL;
	}
	if (TD_UNLIKELY(before >= atomic_load_explicit(&lane->slots, memory_order_relaxed)) &&
		!make_slots(lane)) {
		td_lane_unreserve_count(lane, 1);
		return TD_E_NOMEM;
	}
	return 0;
}

static int wait_for_room(struct td_lane *lane)
{
	struct td_bus *bus = lane->bus;
	int code;

	atomic_fetch_add(&lane->waiting_for_room, 1);
	for (;;) {
		uint64_t seen = td_run_settled_count(bus);

		if (atomic_load(&bus->closing) || !atomic_load(&lane->subscription->live)) {
			code = TD_E_CLOSED;
			break;
		}
		code = td_lane_try_reserve(lane);
		if (code != TD_E_FULL)
			break;
		if (bus->workers_count > 0)
			td_run_wait_settled(bus, seen, INT64_MAX);
		else if (td_run_turn(bus) == 0)
			break; /* what could make room is what we would wait for */
	}
	atomic_fetch_sub(&lane->waiting_for_room, 1);
	return code;
}

int td_lane_reserve(struct td_lane *lane, bool may_wait, bool *dropped)
{
	enum td_when_full policy = lane->subscription->when_full;
	int code = td_lane_try_reserve(lane);

	*dropped = false;
	if (TD_LIKELY(code != TD_E_FULL))
		return code;
	if (policy == TD_DROP_OLDEST) {
		while (code == TD_E_FULL && drop_oldest(lane))
			code = td_lane_try_reserve(lane);
		*dropped = code == TD_E_FULL;
		return *dropped ? 0 : code;
	}
	if (policy == TD_WAIT && may_wait)
		return wait_for_room(lane);
	return TD_E_FULL;
}

void td_lane_count_dropped(struct td_lane *lane)
{
	td_mutex_lock(&lane->lock);
	lane->dropped++;
	td_mutex_unlock(&lane->lock);
}

void td_lane_push(struct td_lane *lane, const struct td_owed *owed)
{
	int idle = 0;

	while (TD_UNLIKELY(!td_ring_push(lane->ring, owed, sizeof(*owed)))) {
		/* The ring is shorter than the queue: empty it ourselves. */
		td_mutex_lock(&lane->lock);
		td_lane_gather_all(lane);
		td_mutex_unlock(&lane->lock);
	}
	atomic_fetch_add_explicit(&lane->activity, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&lane->attention, memory_order_relaxed) == 0 &&
		atomic_compare_exchange_strong(&lane->attention, &idle, 1) && !TD_BUG(301))
		td_run_schedule(lane->bus, lane);
	/* Unsubscribed since it was routed: whoever clears last finds it. */
	if (TD_UNLIKELY(!atomic_load_explicit(&lane->subscription->live, memory_order_relaxed)))
		td_lane_clear(lane);
}
