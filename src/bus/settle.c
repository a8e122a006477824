#include "bus/lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * What becomes of what a lane owed: the machine is told, then who waits for it; and it is let go.
 */

/* --- telling ------------------------------------------------------------------------------ */

void td_owed_free(struct td_owed *owed)
{
	td_event_unref(owed->event);
	td_book_unref(owed->book);
	free(owed->attempts);
}

void td_lane_tell(struct td_lane *lane, struct td_owed *owed, enum td_state state, int code,
	const char *reason)
{
	const struct td_feed *feed = lane->subscription->feed;
	bool done = state != TD_QUEUED && (state != TD_STOPPED || TD_BUG(310));

	if (feed != NULL && done)
		feed->settled(feed->arg, owed->number, state);
	if (owed->sync != NULL) {
		owed->sync->state = state;
		owed->sync->code = code;
		snprintf(owed->sync->reason, sizeof(owed->sync->reason), "%s",
			reason != NULL ? reason : "");
	}
	if (owed->book != NULL) {
		td_book_settle(owed->book, owed->book_number, state, code, reason, done);
		if (done) {
			td_book_unref(owed->book);
			owed->book = NULL;
		}
	}
	if (owed->request != NULL && state == TD_QUEUED) {
		td_request_again(owed->request);
	} else if (owed->request != NULL) {
		td_request_settle(owed->request, state == TD_DROPPED ? TD_E_CLOSED : code, reason);
		owed->request = NULL;
	}
	if (done && owed->sync != NULL) {
		owed->sync->done = true;
		owed->sync = NULL;
	}
}

void td_lane_drop_one(struct td_lane *lane, struct td_lane_slot *slot)
{
	td_bus_trace(lane->bus, TD_GAVE_UP, TD_DROPPED, slot->owed.event, lane->subscription, 0, 0);
	td_lane_tell(lane, &slot->owed, TD_DROPPED, 0, "dropped");
	td_owed_free(&slot->owed);
	td_lane_slot_put(lane, slot);
	lane->dropped++;
}

/* --- what went well ----------------------------------------------------------------------- */

void td_batch_settle_done(struct td_batch *batch, struct td_lane_done *done)
{
	struct td_lane *lane = batch->lane;

	for (; batch->settled < batch->count; batch->settled++) {
		struct td_lane_job *job = &batch->jobs[batch->settled];
		enum td_job_state state = td_job_state(job);
		struct td_owed *owed = &done->owed[done->count];

		if (state == TD_JOB_TAKEN)
			return;
		if (state == TD_JOB_GONE)
			continue;
		td_delivery_settle(lane->machine, job->due.ticket, TD_SETTLE_DONE, 0, 0, 0);
		td_job_become(job, TD_JOB_GONE);
		*owed = job->slot->owed;
		if (owed->sync != NULL) { /* who waits there reads it under the lock */
			owed->sync->state = TD_COMPLETED;
			owed->sync->done = true;
			owed->sync = NULL;
		}
		td_lane_slot_put(lane, job->slot);
		lane->completed++;
		done->count++;
	}
}

void td_lane_tell_done(struct td_lane *lane, struct td_lane_done *done)
{
	bool traced = td_bus_traced(lane->bus);

	for (size_t i = 0; i < done->count; i++) {
		struct td_owed *owed = &done->owed[i];

		if (TD_UNLIKELY(traced))
			td_bus_trace(lane->bus, TD_DONE, TD_COMPLETED, owed->event,
				lane->subscription, 0, 0);
		td_lane_tell(lane, owed, TD_COMPLETED, 0, NULL);
		td_owed_free(owed);
	}
	done->count = 0;
}

void td_stretch_tell(struct td_lane_stretch *stretch)
{
	stretch->room += stretch->done.count;
	td_lane_tell_done(stretch->batch.lane, &stretch->done);
}

/* --- what did not ------------------------------------------------------------------------- */

void td_lane_note_attempt(struct td_lane *lane, struct td_owed *owed, int code, const char *reason)
{
	struct td_attempts *attempts = owed->attempts;
	struct td_attempt *attempt;

	if (attempts == NULL) {
		attempts = owed->attempts = calloc(1, sizeof(*attempts));
		if (attempts == NULL)
			return; /* the letter will tell less */
		attempts->first = 1;
	}
	if (attempts->count == TD_ATTEMPTS_KEPT) {
		memmove(attempts->kept, attempts->kept + 1,
			(TD_ATTEMPTS_KEPT - 1) * sizeof(attempts->kept[0]));
		attempts->count--;
		attempts->first++;
	}
	attempt = &attempts->kept[attempts->count++];
	attempt->at = td_clock_wall(lane->bus->clock);
	attempt->code = code;
	snprintf(attempt->reason, sizeof(attempt->reason), "%.*s", (int)sizeof(attempt->reason) - 1,
		reason);
}

static enum td_settle settle_of(const struct td_lane *lane, const struct td_context *context)
{
	if (context->refused || lane->subscription->observer)
		return TD_SETTLE_DONE;
	switch (context->class_) {
	case TD_SKIP:
		return TD_SETTLE_SKIP;
	case TD_PARK:
		return TD_SETTLE_PARK;
	case TD_STOP:
		return TD_SETTLE_STOP;
	case TD_RETRY:
		break;
	}
	return TD_SETTLE_RETRY;
}

static enum td_state state_of(
	const struct td_lane *lane, const struct td_context *context, enum td_verdict verdict)
{
	switch (verdict) {
	case TD_VERDICT_DONE:
		return lane->subscription->observer && !context->refused ? TD_FAILED : TD_COMPLETED;
	case TD_VERDICT_RETRY:
		return TD_QUEUED;
	case TD_VERDICT_SKIPPED:
		return TD_FAILED;
	case TD_VERDICT_PARKED:
		return TD_PARKED;
	case TD_VERDICT_STOPPED:
		break;
	}
	return TD_STOPPED;
}

void td_lane_count_state(struct td_lane *lane, enum td_state state)
{
	if (state == TD_COMPLETED)
		lane->completed++;
	else if (state == TD_FAILED || state == TD_PARKED)
		lane->failed++;
	else
		lane->retried++;
}

/* Under the lock: those behind a job that failed are the machine's again. */
static void forget_withdrawn(
	struct td_batch *batch, const struct td_lane_job *failed, size_t withdrawn)
{
	struct td_lane_job *end = batch->jobs + batch->count;

	for (struct td_lane_job *job = batch->jobs; withdrawn > 0 && job < end; job++) {
		if (job == failed || job->due.key != failed->due.key ||
			td_job_state(job) != TD_JOB_TAKEN)
			continue;
		td_job_become(job, TD_JOB_GONE);
		withdrawn--;
	}
	TD_ASSERT(withdrawn == 0);
}

enum td_state td_stretch_settle_failed(struct td_lane_stretch *stretch, struct td_lane_job *job,
	struct td_context *context, int code)
{
	struct td_lane *lane = stretch->batch.lane;
	struct td_bus *bus = lane->bus;
	struct td_lane_slot *slot = job->slot;
	struct td_attempts *attempts = NULL;
	struct td_event *event = td_event_ref(context->event);
	double unit = (double)(td_bus_random(bus) >> 11) * 0x1p-53;
	struct td_settled settled;
	enum td_state state;
	bool gone;

	td_mutex_lock(&lane->lock);
	td_batch_settle_done(&stretch->batch, &stretch->done); /* a key is settled in order */
	td_lane_note_attempt(lane, &slot->owed, code, context->reason);
	settled = td_delivery_settle(lane->machine, job->due.ticket,
		TD_BUG(303) && settle_of(lane, context) == TD_SETTLE_PARK
			? TD_SETTLE_SKIP
			: settle_of(lane, context),
		context->after_ms, unit, td_bus_now_ms(bus));
	forget_withdrawn(&stretch->batch, job, settled.withdrawn);
	td_job_become(job, TD_JOB_GONE);
	state = state_of(lane, context, settled.verdict);
	if (state == TD_STOPPED)
		atomic_fetch_add_explicit(&lane->stops, 1, memory_order_relaxed);
	gone = state == TD_COMPLETED || state == TD_FAILED;
	td_lane_count_state(lane, state);
	td_lane_tell(lane, &slot->owed, state, code, context->reason);
	if (state == TD_FAILED || state == TD_PARKED) {
		attempts = slot->owed.attempts;
		slot->owed.attempts = NULL;
	}
	if (gone) {
		td_owed_free(&slot->owed);
		td_lane_slot_put(lane, slot);
	}
	td_mutex_unlock(&lane->lock);
	td_lane_unreserve_count(lane, gone);
	td_stretch_tell(stretch);

	if (td_bus_traced(bus))
		td_bus_trace(bus,
			state == TD_QUEUED || state == TD_STOPPED ? TD_TRY_AGAIN
			: state == TD_COMPLETED                   ? TD_DONE
								  : TD_GAVE_UP,
			state, event, lane->subscription, context->attempt, code);
	if ((state == TD_FAILED || state == TD_PARKED) && !lane->subscription->observer)
		td_letter_announce(lane->subscription, event, context->class_, code,
			context->reason, attempts, td_context_cascade(context));
	free(attempts);
	td_event_unref(event);
	return state;
}

void td_stretch_drop(struct td_lane_stretch *stretch, struct td_lane_job *job)
{
	struct td_lane *lane = stretch->batch.lane;

	td_mutex_lock(&lane->lock);
	td_batch_settle_done(&stretch->batch, &stretch->done);
	td_delivery_settle(lane->machine, job->due.ticket, TD_SETTLE_DONE, 0, 0, 0);
	td_job_become(job, TD_JOB_GONE);
	td_lane_drop_one(lane, job->slot);
	td_mutex_unlock(&lane->lock);
	td_lane_unreserve_count(lane, 1);
	td_stretch_tell(stretch);
}
