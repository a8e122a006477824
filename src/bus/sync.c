#include "bus/lane.h"

/*
 * Synchronous deliveries of a subscription that has a lane: the publisher runs the lane until it
 * knows what became of his event, or that it will take longer; and what failed on the plain road is
 * taken over by the lane, to park it or to stop.
 */

/* --- delivered at once -------------------------------------------------------------------- */

/* What became of it, for the publisher's receipt; failures have told their letter already. */
static enum td_state told(
	struct td_lane *lane, const struct td_sync *sync, struct td_cascade *cascade)
{
	switch (sync->state) {
	case TD_COMPLETED:
		cascade->completed += TD_BUG(304) ? 2 : 1;
		break;
	case TD_QUEUED:
		cascade->queued++;
		break;
	case TD_FAILED:
	case TD_PARKED:
	case TD_STOPPED:
		if (lane->subscription->observer)
			break;
		if (cascade->failed++ == 0 && cascade->err != NULL)
			td_error_set(cascade->err, TD_E_HANDLER, TD_NO_OFFSET, "handler %s: %s",
				lane->subscription->name, sync->reason);
		break;
	case TD_DROPPED:
		break;
	}
	return sync->state;
}

/* There is no place for it; TD_E_CLOSED: it ended while we waited for one, nobody failed. */
static enum td_state not_taken(
	struct td_lane *lane, struct td_owed *owed, int code, struct td_cascade *cascade)
{
	struct td_subscription *s = lane->subscription;
	enum td_state state = code == 0 || code == TD_E_CLOSED ? TD_DROPPED : TD_FAILED;
	int failure = state == TD_FAILED ? code : 0;
	const char *why = code == 0 ? "its queue is full" : td_error_meaning(code);

	if (code == 0)
		td_lane_count_dropped(lane);
	td_bus_trace(lane->bus, TD_GAVE_UP, state, owed->event, s, 0, failure);
	if (cascade->book != NULL)
		td_book_add(cascade->book, owed->event, s, state, failure, why);
	if (state == TD_FAILED && !s->observer) {
		if (cascade->failed++ == 0 && cascade->err != NULL)
			td_error_set(cascade->err, TD_E_HANDLER, TD_NO_OFFSET,
				"subscription %s: %s", s->name, why);
		td_letter_announce(s, owed->event, TD_SKIP, code, why, NULL, cascade);
	}
	td_event_unref(owed->event);
	return state;
}

enum td_state td_lane_deliver(
	struct td_lane *lane, struct td_owed *owed, struct td_cascade *cascade)
{
	struct td_subscription *s = lane->subscription;
	struct td_sync sync = {.state = TD_QUEUED};
	struct td_lane_slot *slot;
	bool dropped;
	int code = td_lane_reserve(lane, td_bus_context(lane->bus) == NULL, &dropped);

	if (code != 0 || dropped)
		return not_taken(lane, owed, dropped ? 0 : code, cascade);
	owed->sync = &sync;
	if (cascade->book != NULL) {
		owed->book_number = td_book_add(cascade->book, owed->event, s, TD_QUEUED, 0, NULL);
		if (owed->book_number != TD_BOOK_NONE) {
			td_book_ref(cascade->book);
			owed->book = cascade->book;
		}
	}
	td_mutex_lock(&lane->lock);
	td_lane_gather_all(lane);
	slot = td_lane_append(lane, owed);
	atomic_store(&lane->attention, 1);
	td_mutex_unlock(&lane->lock);
	atomic_fetch_add_explicit(&lane->activity, 1, memory_order_relaxed);
	td_lane_run(lane, SIZE_MAX, cascade);
	td_mutex_lock(&lane->lock);
	if (!sync.done)
		slot->owed.sync = NULL; /* it is retried, waits behind its key, or runs elsewhere */
	td_mutex_unlock(&lane->lock);
	return told(lane, &sync, cascade);
}

/* --- taken over --------------------------------------------------------------------------- */

/*
 * Take it out again: what is ready before it is taken, and given back in its order. false: it has
 * to wait, for another of its key or because the machine is stopped (or too much is before it).
 */
static bool take_this(struct td_lane *lane, const struct td_lane_slot *slot, struct td_due *due)
{
	int64_t now = td_bus_now_ms(lane->bus);
	void *tickets[TD_BATCH_MAX];
	size_t count = 0;
	bool found = false;

	while (!found && count < TD_BATCH_MAX && td_delivery_take(lane->machine, now, due)) {
		found = td_lane_slot_of(due->token) == slot;
		if (!found)
			tickets[count++] = due->ticket;
	}
	while (count > 0)
		td_delivery_return(lane->machine, tickets[--count]);
	return found;
}

/* Its receipt waits for what becomes of it. */
static void enter_book(struct td_lane *lane, struct td_owed *owed, struct td_receipt_book *book,
	enum td_state state, int code, const char *reason)
{
	owed->book_number = td_book_add(book, owed->event, lane->subscription, state, code, reason);
	if (owed->book_number == TD_BOOK_NONE)
		return;
	td_book_ref(book);
	owed->book = book;
}

enum td_state td_lane_take_over(struct td_lane *lane, struct td_owed *owed, enum td_class class_,
	struct td_context *context, int code)
{
	struct td_receipt_book *book = td_context_cascade(context)->book;
	enum td_state state = TD_QUEUED;
	struct td_settled settled;
	struct td_lane_slot *slot;
	struct td_due due;

	if (td_lane_try_reserve(lane) != 0)
		return TD_FAILED;
	td_mutex_lock(&lane->lock);
	td_lane_gather_all(lane);
	slot = td_lane_append(lane, owed);
	td_lane_gather(lane);
	if (take_this(lane, slot, &due)) {
		settled = td_delivery_settle(lane->machine, due.ticket,
			class_ == TD_PARK ? TD_SETTLE_PARK : TD_SETTLE_STOP, 0, 0,
			td_bus_now_ms(lane->bus));
		state = settled.verdict == TD_VERDICT_PARKED ? TD_PARKED : TD_STOPPED;
	}
	td_lane_count_state(lane, state);
	if (state == TD_STOPPED)
		atomic_fetch_add_explicit(&lane->stops, 1, memory_order_relaxed);
	if (state != TD_PARKED) { /* the letter of what is parked is written by the caller */
		td_lane_note_attempt(lane, &slot->owed, code, context->reason);
		if (book != NULL)
			enter_book(lane, &slot->owed, book, state, code, context->reason);
	}
	td_mutex_unlock(&lane->lock);
	if (state == TD_QUEUED)
		td_run_schedule(lane->bus, lane);
	return state;
}
