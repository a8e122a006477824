#include "bus/lane.h"

/*
 * What a lane says of itself, and that it is empty: status, idle, the invariants, clearing.
 */

struct clearing {
	struct td_lane *lane;
	size_t count;
};

static void dropped_by_machine(void *arg, uint64_t token)
{
	struct clearing *clearing = arg;

	td_lane_drop_one(clearing->lane, td_lane_slot_of(token));
	clearing->count++;
}

void td_lane_clear(struct td_lane *lane)
{
	struct clearing clearing = {lane, 0};

	td_mutex_lock(&lane->lock);
	td_lane_gather_all(lane);
	td_delivery_clear(lane->machine, dropped_by_machine, &clearing);
	while (lane->pending != NULL) {
		struct td_lane_slot *slot = lane->pending;

		lane->pending = slot->next;
		td_lane_drop_one(lane, slot);
		clearing.count++;
	}
	lane->pending_tail = &lane->pending;
	td_mutex_unlock(&lane->lock);
	td_lane_unreserve_count(lane, clearing.count);
	td_run_settled(lane->bus);
}

bool td_lane_idle(struct td_lane *lane, uint64_t *activity)
{
	struct td_delivery_counts counts;
	bool idle;

	td_mutex_lock(&lane->lock);
	counts = td_delivery_counts(lane->machine);
	*activity += atomic_load(&lane->activity);
	idle = counts.running == 0 && atomic_load(&lane->tails) == 0;
	if (!counts.stopped)
		idle = idle && counts.waiting + counts.blocked + counts.retrying == 0 &&
		       td_ring_count(lane->ring) == 0 &&
		       (lane->pending == NULL || counts.parked > 0);
	td_mutex_unlock(&lane->lock);
	return idle;
}

void td_lane_verify(struct td_lane *lane)
{
	size_t pending = 0;

	td_mutex_lock(&lane->lock);
	td_lane_gather(lane);
	td_delivery_verify(lane->machine);
	for (struct td_lane_slot *slot = lane->pending; slot != NULL; slot = slot->next)
		pending++;
	TD_ASSERT(atomic_load(&lane->reserved) == pending + td_delivery_counts(lane->machine).owed +
							  td_ring_count(lane->ring)); /* L1 */
	TD_ASSERT(atomic_load(&lane->slots) >= atomic_load(&lane->reserved));         /* L2 */
	td_mutex_unlock(&lane->lock);
}

/* What a batch holds runs only where its handler is called. */
static void see_batch(const struct td_batch *batch, struct td_subscription_status *status)
{
	unsigned claimed = atomic_load(&batch->claimed);

	for (unsigned i = batch->settled; i < batch->count; i++) {
		enum td_job_state state = td_job_state(&batch->jobs[i]);
		bool waits = state == TD_JOB_TAKEN && i >= claimed;

		status->running -= waits || state == TD_JOB_DONE;
		status->waiting += waits;
		status->completed += state == TD_JOB_DONE;
	}
}

void td_bus_status(struct td_subscription *s, struct td_subscription_status *status)
{
	struct td_lane *lane = atomic_load(&s->lane);
	struct td_delivery_counts counts;

	*status = (struct td_subscription_status){
		.untold = atomic_load_explicit(&s->untold, memory_order_relaxed)};
	if (lane == NULL)
		return;
	td_mutex_lock(&lane->lock);
	td_lane_gather(lane);
	counts = td_delivery_counts(lane->machine);
	status->waiting = counts.waiting + counts.blocked;
	for (struct td_lane_slot *slot = lane->pending; slot != NULL; slot = slot->next)
		status->waiting++;
	status->running = counts.running;
	status->completed = lane->completed;
	for (const struct td_batch *batch = lane->batches; batch != NULL; batch = batch->next)
		see_batch(batch, status);
	status->retrying = counts.retrying;
	status->parked = counts.parked;
	status->stopped = counts.stopped;
	status->failed = lane->failed;
	status->dropped = lane->dropped;
	status->retried = lane->retried;
	td_mutex_unlock(&lane->lock);
}
