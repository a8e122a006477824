/*
 * What becomes of a delivery that ran. Nothing here can fail: entry, lane and room in the agenda
 * were had when it was admitted.
 */
#include "delivery/backoff.h"
#include "delivery/machine.h"

static struct td_entry *running_entry(void *ticket)
{
	struct td_entry *entry = ticket;

	TD_ASSERT(entry != NULL && entry->state == TD_ENTRY_RUNNING);
	return entry;
}

static enum td_verdict verdict_of_class(enum td_class exhausted)
{
	switch (exhausted) {
	case TD_PARK:
		return TD_VERDICT_PARKED;
	case TD_STOP:
		return TD_VERDICT_STOPPED;
	case TD_RETRY:
	case TD_SKIP:
		break;
	}
	return TD_VERDICT_SKIPPED;
}

/* The table of what follows from what was said; changes nothing. */
static enum td_verdict judge(
	const struct td_delivery *delivery, const struct td_entry *entry, enum td_settle settle)
{
	const struct td_retry *retry = &delivery->options.retry;
	enum td_verdict verdict = TD_VERDICT_DONE;

	switch (settle) {
	case TD_SETTLE_DONE:
		verdict = TD_VERDICT_DONE;
		break;
	case TD_SETTLE_RETRY:
		verdict = entry->attempts < retry->attempts_max + (TD_BUG(5) ? 1 : 0)
				  ? TD_VERDICT_RETRY
				  : verdict_of_class(retry->exhausted);
		break;
	case TD_SETTLE_SKIP:
		verdict = TD_VERDICT_SKIPPED;
		break;
	case TD_SETTLE_PARK:
		verdict = TD_VERDICT_PARKED;
		break;
	case TD_SETTLE_STOP:
		verdict = TD_VERDICT_STOPPED;
		break;
	}
	if (verdict == TD_VERDICT_PARKED && delivery->counts.parked >= delivery->options.parked_max)
		return TD_VERDICT_STOPPED; /* D5 */
	return verdict;
}

static int64_t later(int64_t now_ms, int64_t wait_ms)
{
	return now_ms > INT64_MAX - wait_ms ? INT64_MAX : now_ms + wait_ms;
}

/* What of its run stands behind it is BLOCKED as if it had not been taken; how many. */
static size_t withdraw(struct td_delivery *delivery, struct td_entry *entry)
{
	struct td_lane *lane = entry->lane;
	size_t count = 0;

	if (lane == NULL)
		return 0;
	for (struct td_entry *at = entry; at != lane->run_last; count++) {
		at = at->behind;
		at->state = TD_ENTRY_BEHIND;
		at->attempts -= TD_BUG(17) ? 0 : 1;
	}
	lane->run_last = entry;
	lane->running -= count;
	delivery->counts.running -= count;
	delivery->counts.blocked += count;
	return count;
}

/* The first of its lane runs no more. */
static void run_less(struct td_delivery *delivery, struct td_entry *entry)
{
	struct td_lane *lane = entry->lane;

	delivery->counts.running--;
	if (lane != NULL && --lane->running == 0)
		lane->run_last = NULL;
}

/* It and those behind it stand aside. */
static void park(struct td_delivery *delivery, struct td_entry *entry)
{
	entry->state = TD_ENTRY_PARKED;
	td_line_insert(&delivery->parked, entry, NULL, TD_HOOK_TURN);
	delivery->counts.blocked -= td_entry_followers(entry);
	delivery->counts.parked += 1 + (TD_BUG(14) ? 0 : td_entry_followers(entry));
}

struct td_settled td_delivery_settle(struct td_delivery *delivery, void *ticket,
	enum td_settle settle, int64_t after_ms, double unit, int64_t now_ms)
{
	struct td_entry *entry = running_entry(ticket);
	struct td_settled settled = {judge(delivery, entry, settle), 0, entry->attempts, 0};

	TD_ASSERT(entry->lane == NULL || entry->lane->first == entry); /* D1 */
	if (settled.verdict == TD_VERDICT_DONE || settled.verdict == TD_VERDICT_SKIPPED) {
		run_less(delivery, entry);
		td_entry_leave(delivery, entry);
		return settled;
	}
	if (!TD_BUG(18))
		settled.withdrawn = withdraw(delivery, entry);
	run_less(delivery, entry);
	td_entry_tried(delivery, entry);
	switch (settled.verdict) {
	case TD_VERDICT_DONE:
	case TD_VERDICT_SKIPPED:
		break;
	case TD_VERDICT_RETRY:
		settled.due_ms =
			later(now_ms, td_backoff_ms(&delivery->options.retry, entry->attempts,
					      TD_BUG(12) ? 0 : after_ms, unit));
		entry->state = TD_ENTRY_RETRYING;
		delivery->counts.retrying++;
		td_agenda_enter(
			&delivery->agenda, TD_BUG(6) ? settled.due_ms - 5 : settled.due_ms, entry);
		break;
	case TD_VERDICT_PARKED:
		park(delivery, entry);
		break;
	case TD_VERDICT_STOPPED:
		entry->attempts = 0; /* it is resumed when somebody has looked: D4 */
		td_entry_wait(delivery, entry, true);
		delivery->counts.stopped = true;
		break;
	}
	return settled;
}

/* It is not the first of its run. */
static void leave_run(struct td_delivery *delivery, struct td_entry *entry)
{
	struct td_lane *lane = entry->lane;
	struct td_entry *before = lane->first;

	while (before->behind != entry)
		before = before->behind;
	lane->run_last = before;
	lane->running--;
	entry->state = TD_ENTRY_BEHIND;
	delivery->counts.running--;
	delivery->counts.blocked++;
}

size_t td_delivery_return(struct td_delivery *delivery, void *ticket)
{
	struct td_entry *entry = running_entry(ticket);
	size_t behind = withdraw(delivery, entry);

	entry->attempts -= TD_BUG(7) ? 0 : 1;
	if (entry->lane != NULL && entry->lane->first != entry) {
		leave_run(delivery, entry);
	} else {
		run_less(delivery, entry);
		td_entry_wait(delivery, entry, true);
	}
	return 1 + behind;
}
