#include "bus/lane.h"

/*
 * A batch: what is taken at once, run without the lock, given back as far as it is not begun.
 */

/* --- what is not begun -------------------------------------------------------------------- */

/* The next job of the batch is the caller's; from batch->count on: there is none. */
static unsigned claim(struct td_batch *batch)
{
	unsigned next;

	if (batch->lane->shared)
		return atomic_fetch_add_explicit(&batch->claimed, 1, memory_order_relaxed);
	next = atomic_load_explicit(&batch->claimed, memory_order_relaxed);
	atomic_store_explicit(&batch->claimed, next + 1, memory_order_relaxed);
	return next;
}

size_t td_batch_give_back(struct td_batch *batch)
{
	unsigned from =
		atomic_exchange_explicit(&batch->claimed, TD_BATCH_MAX, memory_order_relaxed);
	size_t count = 0;

	/* From behind: each is the last of its run then, and the first ends in front. */
	for (unsigned i = batch->count; i-- > from;) {
		struct td_lane_job *job = &batch->jobs[i];

		if (td_job_state(job) != TD_JOB_TAKEN)
			continue;
		td_delivery_return(batch->lane->machine, job->due.ticket);
		td_job_become(job, TD_JOB_GONE);
		count++;
	}
	return count;
}

size_t td_lane_relieve(struct td_lane *lane, int64_t before_ms, struct td_lane_done *done)
{
	size_t count = 0;

	TD_ASSERT(lane->shared); /* or the claims of who runs a batch are not for two */
	for (struct td_batch *batch = lane->batches; batch != NULL; batch = batch->next) {
		if (batch->since_ms > before_ms || done->count > 0)
			continue; /* one at a time: there is room for what one has done */
		count += td_batch_give_back(batch);
		td_batch_settle_done(batch, done);
	}
	return count;
}

void td_lane_lend(struct td_batch *batch)
{
	struct td_lane *lane = batch->lane;
	struct td_lane_done done;
	size_t count;

	/* Nobody else would run it; and running it here, inside, would go as deep as keys wait. */
	if (lane->bus->workers_count <= 1)
		return;
	done.count = 0;
	td_mutex_lock(&lane->lock);
	td_batch_give_back(batch);
	td_batch_settle_done(batch, &done);
	td_mutex_unlock(&lane->lock);
	count = done.count;
	td_lane_tell_done(lane, &done);
	td_lane_unreserve_count(lane, count);
	td_run_schedule(lane->bus, lane);
}

/* --- taking ------------------------------------------------------------------------------- */

/* Whose turns to take at once: few enough that other workers find something, too. */
static size_t turns_most(const struct td_lane *lane)
{
	size_t workers = lane->bus->workers_count;
	size_t share;

	if (workers <= 1)
		return TD_BATCH_MAX;
	share = td_delivery_counts(lane->machine).waiting / (4 * workers);
	return share < 1 ? 1 : share > TD_BATCH_MAX ? TD_BATCH_MAX : share;
}

/* What whoever comes now could not run is looked at again when it has been held for long. */
static void watch(struct td_lane *lane, int64_t now_ms)
{
	if (lane->bus->workers_count <= 1 || now_ms < lane->held_until_ms)
		return;
	lane->held_until_ms = now_ms + TD_HELD_MS;
	td_run_timer_by(lane->bus, lane, lane->held_until_ms);
}

bool td_batch_take(struct td_lane_stretch *stretch, size_t most)
{
	struct td_batch *batch = &stretch->batch;
	struct td_lane *lane = batch->lane;
	size_t turns = turns_most(lane);
	unsigned count = 0;

	if (most > TD_BATCH_MAX)
		most = TD_BATCH_MAX;
	if (turns > most)
		turns = most;
	while (count < turns &&
		td_delivery_take(lane->machine, stretch->now_ms, &batch->jobs[count].due))
		count++;
	for (unsigned i = 0; i < count && count < most && lane->keyed; i++)
		count += td_delivery_take_behind(lane->machine, batch->jobs[i].due.ticket,
			stretch->now_ms, &batch->jobs[count].due);
	if (count == 0)
		return false;
	for (unsigned i = 0; i < count; i++) {
		batch->jobs[i].slot = td_lane_slot_of(batch->jobs[i].due.token);
		atomic_init(&batch->jobs[i].state, TD_JOB_TAKEN);
	}
	batch->stops = atomic_load_explicit(&lane->stops, memory_order_relaxed);
	batch->count = count;
	batch->settled = 0;
	batch->since_ms = stretch->now_ms;
	atomic_init(&batch->claimed, 0);
	batch->prev = NULL;
	batch->next = lane->batches;
	if (batch->next != NULL)
		batch->next->prev = batch;
	lane->batches = batch;
	if (count > 1)
		watch(lane, stretch->now_ms);
	return true;
}

/* --- running ------------------------------------------------------------------------------ */

/* Call the handler of a claimed job. */
static void run_job(struct td_lane_stretch *stretch, struct td_lane_job *job)
{
	struct td_lane *lane = stretch->batch.lane;
	struct td_bus *bus = lane->bus;
	struct td_subscription *s = lane->subscription;
	struct td_slot slot = {s->handler, s->arg, s};
	struct td_cascade own;
	struct td_context context;
	struct td_event *command = NULL;
	enum td_state state = TD_COMPLETED;
	int code;

	if (TD_UNLIKELY(!atomic_load_explicit(&s->live, memory_order_relaxed)) && !TD_BUG(308)) {
		td_stretch_drop(stretch, job);
		return;
	}
	if (TD_UNLIKELY(s->kind == TD_COMMAND))
		command = td_event_ref(job->slot->owed.event);
	td_cascade_init(&own, NULL, NULL);
	td_context_init(&context, job->slot->owed.event, &slot,
		stretch->cascade != NULL ? stretch->cascade : &own);
	context.attempt = job->due.attempt;
	context.request = job->slot->owed.request;
	context.batch = &stretch->batch;
	code = td_bus_call(bus, &context);
	if (TD_UNLIKELY(code != 0)) {
		atomic_fetch_add(&lane->tails, 1);
		state = td_stretch_settle_failed(stretch, job, &context, code);
	}
	if (TD_UNLIKELY(command != NULL) && state != TD_QUEUED && state != TD_STOPPED)
		td_letter_outcome(s, command, &context, code);
	td_event_unref(command);
	if (stretch->cascade == NULL)
		td_cascade_run(bus, &own);
	if (TD_LIKELY(code == 0))
		td_job_become(job, TD_JOB_DONE);
	else
		atomic_fetch_sub(&lane->tails, 1);
}

static void settle_now(struct td_lane_stretch *stretch)
{
	struct td_lane *lane = stretch->batch.lane;

	td_mutex_lock(&lane->lock);
	td_batch_settle_done(&stretch->batch, &stretch->done);
	td_mutex_unlock(&lane->lock);
	td_stretch_tell(stretch);
}

/* Under the lock: nobody has anything to look for in it any more. */
static void end_batch(struct td_lane_stretch *stretch)
{
	struct td_batch *batch = &stretch->batch;

	td_batch_give_back(batch);
	td_batch_settle_done(batch, &stretch->done);
	TD_ASSERT(batch->settled == batch->count);
	if (batch->prev != NULL)
		batch->prev->next = batch->next;
	else
		batch->lane->batches = batch->next;
	if (batch->next != NULL)
		batch->next->prev = batch->prev;
}

void td_batch_run(struct td_lane_stretch *stretch)
{
	struct td_batch *batch = &stretch->batch;
	struct td_lane *lane = batch->lane;

	/* It may stop here, in another worker, or deeper in this thread. */
	while (atomic_load_explicit(&lane->stops, memory_order_relaxed) == batch->stops ||
		TD_BUG(309)) {
		unsigned i = claim(batch);
		struct td_lane_job *job = &batch->jobs[i];
		bool awaited;

		if (i >= batch->count)
			break;
		if (TD_UNLIKELY(td_job_state(job) != TD_JOB_TAKEN))
			continue; /* withdrawn */
		awaited = job->slot->owed.request != NULL || job->slot->owed.book != NULL;
		run_job(stretch, job);
		stretch->ran++;
		if (awaited && i + 1 < batch->count)
			settle_now(stretch);
	}
	td_mutex_lock(&lane->lock);
	end_batch(stretch);
}
