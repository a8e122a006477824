#include "checking.h"

/*
 * What is shown by receipts, status, hooks and releases, beside what is owed; and subscribing.
 */

static size_t check_outcomes(struct checker *c, const struct sim_bus_record *r)
{
	size_t expected = 0;

	for (size_t i = 0; i < c->ledger.debts_count; i++) {
		const struct debt *debt = debt_at(c, i);
		bool found = false;

		if (debt->call != r->call || r->call == 0 || !debt->entered)
			continue;
		expected++;
		for (unsigned k = 1; k <= r->count && !found; k++) {
			const struct sim_bus_record *o = r + k;

			found = o->sub == debt->sub &&
				checker_bind(c, o->sub, o->event, r->call) == debt->event &&
				o->state == debt->outcome &&
				(o->code == debt->code || debt->outcome == TD_DROPPED);
		}
		if (!found)
			checker_violate(c, SIM_BUS_RULE_RECEIPT,
				"it lacks event %u for subscription %u: state %d, %s", debt->event,
				debt->sub, (int)debt->outcome, td_error_name(debt->code));
	}
	return expected;
}

void checker_on_receipt(struct checker *c, const struct sim_bus_record *r)
{
	size_t completed = 0, failed = 0, queued = 0, expected;

	if (c->blurred[r->call])
		return;
	expected = check_outcomes(c, r);
	if (expected != r->count)
		checker_violate(c, SIM_BUS_RULE_RECEIPT, "%u outcomes, and %zu were expected",
			r->count, expected);
	if (c->awaited[r->call]) {
		for (unsigned k = 1; k <= r->count; k++) {
			enum td_state state = r[k].state;

			completed += state == TD_COMPLETED;
			failed += (state == TD_FAILED || state == TD_PARKED) &&
				  !sub_of(c, r[k].sub)->observer;
		}
	} else if (c->receipts[r->call] != 0) {
		const struct cascade *cascade = &c->ledger.cascades[c->receipts[r->call] - 1];

		completed = cascade->completed;
		failed = cascade->failed;
		queued = cascade->queued;
	} else {
		queued = c->inside[r->call];
	}
	if (r->completed != completed || r->failed != failed || r->queued != queued)
		checker_violate(c, SIM_BUS_RULE_RECEIPT,
			"it counts %zu %zu %zu, and %zu completed, %zu failed, %zu are queued",
			r->completed, r->failed, r->queued, completed, failed, queued);
}

/* It owes nothing: so much is certain again, whatever could not be told before. */
static void know_again(struct checker *c, const struct sim_bus_record *r)
{
	struct sub_state *s = &c->ledger.subs[r->sub];

	for (size_t i = s->first; i < s->count; i++) {
		struct debt *debt = debt_at(c, s->debts[i]);

		if (debt->state != DEBT_GONE && (debt->optional || s->vague)) {
			c->blurred[debt->call] = true;
			ledger_go(&c->ledger, debt, TD_DROPPED, 0);
		}
	}
	if (!s->vague)
		return;
	s->vague = false;
	s->stopped = r->status.stopped;
	s->completed = r->status.completed;
	s->failed = r->status.failed;
	for (size_t i = c->verdicts_count; i-- > 0;)
		if (c->verdicts[i].sub == r->sub)
			c->verdicts[i] = c->verdicts[--c->verdicts_count];
}

void checker_on_status(struct checker *c, const struct sim_bus_record *r)
{
	const struct sub_state *s = &c->ledger.subs[r->sub];
	size_t waiting = 0, retrying = 0, parked = 0, due = 0;
	bool full = ledger_parked(&c->ledger, r->sub, true) >= sub_of(c, r->sub)->parked_max;

	if (r->status.waiting + r->status.running + r->status.retrying + r->status.parked == 0)
		know_again(c, r);
	if (s->vague)
		return;
	for (size_t i = s->first; i < s->count; i++) {
		const struct debt *debt = debt_at(c, s->debts[i]);
		const struct debt *before = ledger_before(&c->ledger, debt);

		if (debt->state == DEBT_GONE)
			continue;
		if (debt->optional)
			return;
		if (debt->state == DEBT_PARKED || (before != NULL && before->state == DEBT_PARKED))
			parked++;
		else if (debt->state == DEBT_RETRYING)
			retrying++;
		else
			waiting++;
		due += debt->state == DEBT_RETRYING && debt->due_least_ms <= c->now_ms;
	}
	/* What is due may have been taken, and given back because something stopped or waited. */
	if (r->status.retrying < retrying && retrying - r->status.retrying <= due) {
		waiting += retrying - r->status.retrying;
		retrying = r->status.retrying;
	}
	if (r->status.stopped != s->stopped || r->status.running != 0)
		checker_violate(c, SIM_BUS_RULE_STATUS, "stopped: %d, running: %zu",
			r->status.stopped, r->status.running);
	if (full ? r->status.waiting + r->status.retrying + r->status.parked !=
				waiting + retrying + parked
		 : r->status.waiting != waiting || r->status.retrying != retrying ||
				r->status.parked != parked)
		checker_violate(c, SIM_BUS_RULE_STATUS,
			"%zu wait, %zu are retried, %zu parked; not %zu %zu %zu", waiting, retrying,
			parked, r->status.waiting, r->status.retrying, r->status.parked);
	if (sub_of(c, r->sub)->queued &&
		(r->status.completed != s->completed || r->status.failed != s->failed))
		checker_violate(c, SIM_BUS_RULE_STATUS,
			"%llu completed, %llu failed; not %llu %llu",
			(unsigned long long)s->completed, (unsigned long long)s->failed,
			(unsigned long long)r->status.completed,
			(unsigned long long)r->status.failed);
}

void checker_on_hook(struct checker *c, const struct sim_bus_record *r)
{
	const struct sim_bus_record *next = r + 1, *last = r - 1;
	unsigned event;

	switch (r->moment) {
	case TD_DELIVERED:
		if (next->act != SIM_BUS_BEGIN || next->sub != r->sub || next->event != r->event ||
			next->attempt != r->attempt)
			checker_violate(c, SIM_BUS_RULE_HOOK, "delivered, and not called");
		return;
	case TD_PROCESSED:
		if (last->act != SIM_BUS_END || last->sub != r->sub || last->event != r->event ||
			last->code != r->code || last->attempt != r->attempt)
			checker_violate(c, SIM_BUS_RULE_HOOK, "processed, and not returned");
		return;
	case TD_DONE:
	case TD_GAVE_UP:
	case TD_TRY_AGAIN:
		break;
	case TD_CREATED:
	case TD_PUBLISHED:
	case TD_ROUTED:
		return;
	}
	event = checker_bind(c, r->sub, r->event, 0);
	for (size_t i = 0; i < c->verdicts_count; i++) {
		const struct verdict *v = &c->verdicts[i];

		if (v->sub != r->sub || v->event != event || v->moment != r->moment ||
			v->state != r->state)
			continue;
		c->verdicts[i] = c->verdicts[--c->verdicts_count];
		return;
	}
	if (c->ledger.subs[r->sub].vague)
		return;
	if (r->moment != TD_GAVE_UP || (r->state != TD_DROPPED && r->state != TD_FAILED))
		checker_violate(c, SIM_BUS_RULE_HOOK, "moment %d, state %d without a cause",
			(int)r->moment, (int)r->state);
}

void checker_on_released(struct checker *c, const struct sim_bus_record *r)
{
	struct sub_state *s = &c->ledger.subs[r->sub];

	if (s->released)
		checker_violate(c, SIM_BUS_RULE_RELEASE, "it was released before");
	if (s->live && !c->closed)
		checker_violate(c, SIM_BUS_RULE_RELEASE, "it has not ended");
	for (unsigned i = 0; i < c->depth; i++) {
		if (c->frames[i].record->act == SIM_BUS_BEGIN && c->frames[i].record->sub == r->sub)
			checker_violate(c, SIM_BUS_RULE_RELEASE, "its handler runs");
	}
	s->released = true;
}

void checker_between(struct checker *c)
{
	for (unsigned sub = 1; sub < c->history->subs_count; sub++) {
		const struct sub_state *s = &c->ledger.subs[sub];

		if (s->ended && !s->released)
			checker_violate(c, SIM_BUS_RULE_RELEASE,
				"subscription %u ended, and is not released", sub);
	}
	for (size_t i = 0; i < c->verdicts_count; i++) {
		if (c->ledger.subs[c->verdicts[i].sub].vague)
			continue;
		checker_violate(c, SIM_BUS_RULE_HOOK,
			"subscription %u, event %u: moment %d, state %d was not seen",
			c->verdicts[i].sub, c->verdicts[i].event, (int)c->verdicts[i].moment,
			(int)c->verdicts[i].state);
	}
}

void checker_on_subscribed(struct checker *c, const struct sim_bus_record *r)
{
	struct sub_state *s = &c->ledger.subs[r->sub];

	s->live = true;
	s->since = ++c->ledger.moment;
	s->lane = sub_of(c, r->sub)->queued || attempts_max(c, r->sub) > 1;
}

void checker_on_unsubscribed(struct checker *c, const struct sim_bus_record *r)
{
	const struct sub_state *s = &c->ledger.subs[r->sub];

	/* Before it ended there may have been no room for what came to it. */
	for (size_t i = s->first; i < s->count; i++) {
		const struct debt *debt = debt_at(c, s->debts[i]);

		/* Its publisher is told when its lane has run, and may be told that it was dropped. */
		if (debt->sync && debt->told && debt->since == c->ledger.outermost)
			checker_blur(c, debt->cascade, debt);
		if (!ledger_may_have_come(&c->ledger, debt))
			continue;
		checker_blur(c, debt->cascade, debt);
		if (!is_plain_handler(c, r->sub) && ledger_was_full(&c->ledger, debt, true))
			checker_fail_for_room(c, s->debts[i], false);
	}
	c->ledger.subs[r->sub].live = false;
	c->ledger.subs[r->sub].ended = true;
	ledger_end(&c->ledger, r->sub);
}
