#include "bus/lane.h"

#include <stdlib.h>
#include <string.h>

/*
 * A lane: it is made, and run in stretches. A stretch is what one thread does with a lane from coming
 * to leaving: gather, take a batch, run it, until there is nothing or it has done enough.
 */

#define RING_CELLS 1024u
/* When memory for the machine could not be had: how long until the next try. */
#define NOMEM_RETRY_MS 10
/* How often an idle worker looks at a lane's ring before it leaves, and how seldom. */
#define LINGER_LOOKS  2u
#define LINGER_PAUSES 100u

/* --- making ------------------------------------------------------------------------------- */

struct td_lane *td_lane_new(struct td_subscription *s)
{
	struct td_delivery_options options = {
		.keyed = s->order != TD_ORDER_NONE,
		.owed_max = s->queue_max,
		.together_max = TD_BATCH_MAX,
		.retry = s->retry,
		.parked_max = s->parked_max,
	};
	size_t cells = s->queue_max < RING_CELLS ? s->queue_max : RING_CELLS;
	struct td_lane *lane = aligned_alloc(64, (sizeof(*lane) + 63) / 64 * 64);

	if (lane == NULL)
		return NULL;
	memset(lane, 0, sizeof(*lane));
	lane->subscription = s;
	lane->bus = s->bus;
	lane->room_step = s->queue_max / 4 < TD_BATCH_MAX ? s->queue_max / 4 : TD_BATCH_MAX;
	lane->keyed = options.keyed;
	lane->shared = s->bus->workers_count > 1 || s->when_full == TD_DROP_OLDEST;
	lane->pending_tail = &lane->pending;
	lane->ring = td_ring_new(cells);
	lane->machine = td_delivery_new(&options);
	if (lane->ring == NULL || lane->machine == NULL || td_mutex_init(&lane->lock, NULL) != 0) {
		td_delivery_free(lane->machine);
		td_ring_free(lane->ring);
		free(lane);
		return NULL;
	}
	return lane;
}

void td_lane_free(struct td_lane *lane)
{
	if (lane == NULL)
		return;
	while (lane->slabs != NULL) {
		struct td_lane_slab *next = lane->slabs->next;

		free(lane->slabs);
		lane->slabs = next;
	}
	td_mutex_fini(&lane->lock);
	td_delivery_free(lane->machine);
	td_ring_free(lane->ring);
	free(lane);
}

/* --- a stretch ---------------------------------------------------------------------------- */

/*
 * Under the lock, with nothing to take: leave, unless something came meanwhile that nobody else
 * will look at. True: look again.
 */
static bool leave(struct td_lane *lane)
{
	int idle = 0;
	int64_t now = td_bus_now_ms(lane->bus);
	int64_t due = td_delivery_next_ms(lane->machine, now);

	if (lane->pending != NULL && td_delivery_counts(lane->machine).parked == 0 &&
		due > now + NOMEM_RETRY_MS)
		due = now + NOMEM_RETRY_MS;
	if (lane->batches != NULL && lane->bus->workers_count > 1)
		lane->held_until_ms = now + TD_HELD_MS;
	if (due > lane->held_until_ms && lane->held_until_ms > now)
		due = lane->held_until_ms;
	if (!TD_BUG(307))
		td_run_timer(lane->bus, lane, due);
	atomic_store(&lane->attention, 0);
	atomic_thread_fence(memory_order_seq_cst);
	return td_ring_count(lane->ring) > 0 &&
	       atomic_compare_exchange_strong(&lane->attention, &idle, 1);
}

/* Under the lock, before running a batch: let others in, if there are others. */
static void share(struct td_lane *lane)
{
	int idle = 0;

	if (lane->bus->workers_count <= 1)
		return; /* nobody else: we look at the ring again before we leave */
	if (td_delivery_counts(lane->machine).waiting > 0) {
		atomic_store(&lane->attention, 1);
		td_run_schedule(lane->bus, lane);
		return;
	}
	atomic_store(&lane->attention, 0);
	atomic_thread_fence(memory_order_seq_cst);
	if (td_ring_count(lane->ring) > 0 &&
		atomic_compare_exchange_strong(&lane->attention, &idle, 1))
		td_run_schedule(lane->bus, lane);
}

/* Time matters only to what waits for it: then it is looked at for every batch, else now and then.
 */
static void look_at_clock(struct td_lane_stretch *stretch)
{
	const struct td_lane *lane = stretch->batch.lane;

	if (stretch->ran % 64 == 0 || lane->shared || td_delivery_timed(lane->machine))
		stretch->now_ms = td_bus_now_ms(lane->bus);
}

static void give_room(struct td_lane_stretch *stretch, bool all)
{
	if (all || stretch->room >= stretch->batch.lane->room_step) {
		td_lane_unreserve_some(stretch->batch.lane, stretch->room);
		stretch->room = 0;
	}
}

/*
 * A worker that has nothing to take stays for a moment before it leaves: while `attention` is 1 a
 * publisher needs no lock and wakes nobody, and the next event is often less than a microsecond
 * away. It looks seldom, since each look takes the publisher's cache line from him; what comes
 * meanwhile is one batch. Without the lock; true: something came.
 */
static bool linger(struct td_lane_stretch *stretch)
{
	struct td_lane *lane = stretch->batch.lane;
	struct td_bus *bus = lane->bus;

	if (atomic_load(&lane->waiting_for_room) > 0)
		give_room(stretch, true);
	td_run_settled(bus);
	for (unsigned look = 0; look < LINGER_LOOKS; look++) {
		for (unsigned i = 0; i < LINGER_PAUSES; i++)
			td_thread_pause();
		if (td_ring_count(lane->ring) > 0)
			return true;
		if (atomic_load_explicit(&bus->ready, memory_order_relaxed) > 0 ||
			atomic_load_explicit(&bus->stopping, memory_order_relaxed))
			break;
	}
	return false;
}

size_t td_lane_run(struct td_lane *lane, size_t most, struct td_cascade *cascade)
{
	bool worker = lane->bus->workers_count > 0 && most > 1 && cascade == NULL;
	bool stay = worker; /* it has not waited in vain yet */
	struct td_lane_stretch stretch;

	stretch.batch.lane = lane;
	stretch.cascade = cascade;
	stretch.ran = stretch.room = stretch.done.count = 0;
	td_mutex_lock(&lane->lock);
	for (;;) {
		bool taken, lingers = false, again = false;

		td_lane_gather(lane);
		look_at_clock(&stretch);
		taken = td_batch_take(&stretch, most - stretch.ran);
		if (taken) {
			share(lane);
		} else if (stretch.ran >= most) {
			atomic_store(&lane->attention, 1);
			td_run_schedule(lane->bus, lane);
		} else if (stay) {
			if (atomic_load(&lane->attention) == 0)
				atomic_store(&lane->attention, 1);
			again = lingers = true;
		} else if (TD_LIKELY(lane->batches == NULL) || !lane->shared) {
			again = leave(lane);
		} else if (stretch.done.count > 0) {
			again = true; /* told first: there is room for what others have done */
		} else {
			again = td_lane_relieve(lane, stretch.now_ms - TD_HELD_MS, &stretch.done) >
					0 ||
				leave(lane);
		}
		td_mutex_unlock(&lane->lock);
		td_stretch_tell(&stretch);
		if (!taken && !again)
			break;
		if (lingers)
			stay = linger(&stretch);
		else
			give_room(&stretch, false);
		if (taken)
			td_batch_run(&stretch);
		else
			td_mutex_lock(&lane->lock);
	}
	give_room(&stretch, true);
	if (TD_UNLIKELY(!atomic_load(&lane->subscription->live)))
		td_lane_clear(lane); /* what it left to be tried again, too */
	td_run_settled(lane->bus);
	td_run_count(lane->bus, stretch.ran);
	return stretch.ran;
}
