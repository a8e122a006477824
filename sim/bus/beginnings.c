#include "checking.h"

/*
 * A handler is called: with what it is owed, in its turn, and what has to have happened before.
 */

unsigned checker_bind(struct checker *c, unsigned sub, unsigned event, unsigned call)
{
	const struct sim_bus_event *e = &c->history->events[event];
	struct ledger *ledger = &c->ledger;

	if (e->type < SIM_BUS_TYPE_LETTER || e->type > SIM_BUS_TYPE_FAILED)
		return event;
	if (ledger->bound[event] != 0)
		return SIM_BUS_EVENTS_MAX + ledger->bound[event] - 1;
	for (size_t i = 0; i < ledger->announced_count; i++) {
		struct announced *a = &ledger->announced[i];
		unsigned about = a->about_event;

		if (a->bound != 0 || a->type != e->type || a->about_sub != e->about_sub ||
			a->code != e->code || a->class_ != e->class_ || a->attempts != e->attempts)
			continue;
		if (about >= SIM_BUS_EVENTS_MAX ? checker_bind(c, 0, e->about_event, 0) != about
						: about != e->about_event)
			continue;
		bool owed = sub == 0;
		for (size_t d = call != 0 ? 0 : ledger->subs[sub].first;
			sub != 0 && d < ledger->subs[sub].count; d++) {
			const struct debt *debt = debt_at(c, ledger->subs[sub].debts[d]);

			owed = owed ||
			       (debt->event == SIM_BUS_EVENTS_MAX + i &&
				       (call != 0 ? debt->call == call : debt->state != DEBT_GONE));
		}
		if (!owed)
			continue;
		a->bound = event;
		ledger->bound[event] = (unsigned)i + 1;
		return SIM_BUS_EVENTS_MAX + (unsigned)i;
	}
	return NOBODY;
}

/*
 * What is owed of this event; SIZE_MAX: nothing. The same event may have been published more than
 * once: then the debt that fits best.
 */
static size_t find_debt(
	struct checker *c, const struct frame *call, unsigned sub, unsigned event, unsigned attempt)
{
	const struct sub_state *s = &c->ledger.subs[sub];
	size_t found = SIZE_MAX;
	unsigned best = 0;

	for (size_t i = s->first; i < s->count; i++) {
		const struct debt *debt = debt_at(c, s->debts[i]);
		unsigned fits = 1;

		if (debt->event != event || debt->state == DEBT_GONE || debt->state == DEBT_RUNNING)
			continue;
		fits += debt->state != DEBT_PARKED && ledger_before(&c->ledger, debt) == NULL;
		fits += debt->attempts + 1 == attempt &&
			!(debt->state == DEBT_RETRYING && c->now_ms < debt->due_least_ms);
		fits = fits * 2 + (debt->state != DEBT_PENDING);
		if (debt->state == DEBT_PENDING && debt->cascade < call->first_cascade &&
			debt->cascade != call->cascade)
			fits = 1; /* of an outer cascade */
		if (fits > best) {
			best = fits;
			found = s->debts[i];
		}
	}
	return found;
}

static void check_turn_of(struct checker *c, const struct debt *debt)
{
	const struct sub_state *s = &c->ledger.subs[debt->sub];
	const struct debt *before = ledger_before(&c->ledger, debt);

	if (s->vague || is_plain_handler(c, debt->sub))
		return;
	if (s->stopped)
		checker_violate(c, SIM_BUS_RULE_STOPPED, "it waits for td_resume()");
	if (before != NULL && before->state == DEBT_PARKED)
		checker_violate(
			c, SIM_BUS_RULE_PARKED, "event %u of its key is parked", before->event);
	else if (before != NULL)
		checker_violate(
			c, SIM_BUS_RULE_ORDER, "event %u of its key is owed before", before->event);
	if (debt->state == DEBT_RETRYING && c->now_ms < debt->due_least_ms)
		checker_violate(
			c, SIM_BUS_RULE_DUE, "due at %lld ms", (long long)debt->due_least_ms);
}

/* What subscriptions are owed at most, as long as nothing is noted. */
struct owed {
	bool known, dropped;
	size_t most;
};

static bool has_room(struct checker *c, struct owed *owed, unsigned sub)
{
	if (!owed->known)
		*owed = (struct owed){.known = true, .most = ledger_owed_most(&c->ledger, sub)};
	return owed->most < sub_of(c, sub)->queue_max;
}

/* A publisher may be waiting for room in the lane of a synchronous subscription. */
static void look_for_waits_in(struct checker *c, size_t index, struct owed *owed)
{
	const struct cascade *cascade = &c->ledger.cascades[index];

	for (size_t i = cascade->next; i < cascade->count; i++) {
		const struct debt *debt = debt_at(c, cascade->debts[i]);
		const struct sim_bus_sub *sub = sub_of(c, debt->sub);

		if (debt->state != DEBT_PENDING || !c->ledger.subs[debt->sub].lane ||
			is_plain_handler(c, debt->sub) || has_room(c, &owed[debt->sub], debt->sub))
			continue;
		if (sub->when_full == TD_DROP_OLDEST && !owed[debt->sub].dropped) {
			owed[debt->sub].dropped = true;
			checker_drop_some(c, debt->sub);
		} else if (sub->when_full == TD_WAIT) {
			checker_blur(c, index, debt);
			c->ledger.cascades[index].murky = true;
		}
	}
}

static void look_for_waits(struct checker *c, const struct frame *call)
{
	struct owed owed[SIM_BUS_SUBS_MAX] = {0};

	if (call->cascade != NO_CASCADE)
		look_for_waits_in(c, call->cascade, owed);
	for (size_t i = call->first_cascade; i < c->ledger.cascades_count; i++)
		look_for_waits_in(c, i, owed);
}

/*
 * What a lane is owed runs because a synchronous delivery came to it: that one stands in the lane
 * from now on, before all that is queued while the others run. Unless they run because of the one
 * before it: nobody can tell from here.
 */
static void enter_before(struct checker *c, size_t cascade, unsigned sub)
{
	struct cascade *at = &c->ledger.cascades[cascade];
	size_t i = at->next;

	while (i < at->count && (debt_at(c, at->debts[i])->state != DEBT_PENDING ||
					debt_at(c, at->debts[i])->sub != sub))
		i++;
	if (i == at->count || at->last == sub ||
		!ledger_may_have_come(&c->ledger, debt_at(c, at->debts[i])))
		return;
	size_t index = at->debts[i];
	checker_advance(c, cascade, index, SIM_BUS_RULE_BREADTH);
	c->ledger.cascades[cascade].last = sub;
	ledger_enter_lane(&c->ledger, debt_at(c, index));
}

/*
 * What a lane is owed runs inside a publish, and the cascade holds nothing of that subscription that
 * could have brought it along. So that is a letter still to be written: of something before it that
 * found no room.
 */
static void look_for_reason(struct checker *c, size_t cascade, unsigned sub)
{
	while (!checker_comes_along(c, cascade, sub)) {
		struct cascade *at = &c->ledger.cascades[cascade];
		const struct debt *debt;

		while (at->next < at->count &&
			debt_at(c, at->debts[at->next])->state != DEBT_PENDING)
			at->next++;
		if (at->next == at->count)
			return;
		debt = debt_at(c, at->debts[at->next]);
		if (!ledger_cut_off(&c->ledger, debt) &&
			(is_plain_handler(c, debt->sub) || !c->ledger.subs[debt->sub].lane ||
				!(checker_is_blocked(c, debt) ||
					ledger_was_full(&c->ledger, debt, true))))
			return;
		if (sub_of(c, debt->sub)->when_full == TD_WAIT &&
			ledger_was_full(&c->ledger, debt, true)) {
			checker_blur(c, cascade, debt); /* or its publisher waits for room there */
			at->murky = true;
			return;
		}
		if (!ledger_was_full(&c->ledger, debt, false))
			at->last = debt->sub;
		checker_pass_over(c, at->debts[at->next++], SIM_BUS_RULE_BREADTH);
	}
}

/* Which cascade the delivery belongs to. */
static size_t cascade_of(struct checker *c, struct frame *call, size_t index)
{
	const struct debt *debt = debt_at(c, index);
	bool murky = call->cascade != NO_CASCADE && c->ledger.cascades[call->cascade].murky;

	bool outer = debt->cascade < call->first_cascade && debt->cascade != call->cascade;

	/* Of an outer cascade it stands in its lane already: then it is as any other there. */
	if (debt->state == DEBT_PENDING &&
		!(outer && (debt->in_lane || ledger_may_have_come(&c->ledger, debt)))) {
		size_t cascade = debt->cascade;
		unsigned sub = debt->sub;

		checker_advance(c, cascade, index, SIM_BUS_RULE_BREADTH); /* debts may move */
		c->ledger.cascades[cascade].last = sub;
		if (outer && !murky)
			checker_violate(c, SIM_BUS_RULE_BREADTH, "it is of an outer cascade");
		/* What a request's handler publishes joins what its requester has still to do. */
		if (call->record->what == SIM_BUS_REQUEST &&
			debt_at(c, index)->event == call->record->event)
			return call->cascade;
		return cascade;
	}
	if (!call->turns && !murky) {
		look_for_reason(c, call->cascade, debt->sub);
		murky = c->ledger.cascades[call->cascade].murky;
		debt = debt_at(c, index);
	}
	if (!call->turns && !murky) {
		enter_before(c, call->cascade, debt->sub);
		return call->cascade;
	}
	if (murky) { /* it may belong to the publish, or not */
		size_t cascade = ledger_cascade(&c->ledger, 0);

		c->ledger.cascades[cascade].murky = true;
		return cascade;
	}
	if (call->cascade != NO_CASCADE)
		look_for_reason(c, call->cascade, debt->sub);
	debt = debt_at(c, index);
	if (!checker_comes_along(c, call->cascade, debt->sub)) {
		checker_finish(c, call->cascade, SIM_BUS_RULE_BREADTH);
		call->cascade = ledger_cascade(&c->ledger, 0);
		debt = debt_at(c, index);
	}
	enter_before(c, call->cascade, debt->sub);
	return call->cascade;
}

/*
 * A letter is seen before it is known why it was written: what its subscription had no room for
 * was passed over meanwhile. false: there is no such thing.
 */
static bool pass_over_for(struct checker *c, const struct frame *call, unsigned event)
{
	const struct sim_bus_event *e = &c->history->events[event];
	unsigned about = checker_bind(c, 0, e->about_event, 0);

	for (size_t k = 0; k < c->ledger.cascades_count && e->code == TD_E_FULL; k++) {
		bool outer = k < call->first_cascade && k != call->cascade;

		for (size_t i = c->ledger.cascades[k].next; i < c->ledger.cascades[k].count; i++) {
			size_t index = c->ledger.cascades[k].debts[i];
			const struct debt *debt = debt_at(c, index);

			if (debt->sub != e->about_sub || debt->event != about ||
				debt->state != DEBT_PENDING ||
				(outer && !ledger_may_have_come(&c->ledger, debt)))
				continue;
			checker_advance(c, k, index, SIM_BUS_RULE_BREADTH);
			checker_pass_over(c, index, SIM_BUS_RULE_BREADTH);
			return true;
		}
	}
	return false;
}

bool checker_is_tower(const struct checker *c)
{
	unsigned waiting = 0;

	for (unsigned i = 0; i < c->depth; i++) {
		const struct frame *frame = &c->frames[i];

		waiting += frame->record->act == SIM_BUS_CALL &&
			   (frame->murky || (frame->cascade != NO_CASCADE &&
						    c->ledger.cascades[frame->cascade].murky));
	}
	return waiting > 1;
}

void checker_on_begin(struct checker *c, const struct sim_bus_record *r)
{
	struct frame *call = c->depth > 0 ? &c->frames[c->depth - 1] : NULL;
	unsigned event = checker_bind(c, r->sub, r->event, 0);
	struct sub_state *s = &c->ledger.subs[r->sub];
	struct debt *debt;
	size_t index, cascade;

	if (!s->live) {
		checker_violate(c, SIM_BUS_RULE_ENDED, "it ended");
		return;
	}
	if (event == NOBODY && call != NULL && pass_over_for(c, call, r->event))
		event = checker_bind(c, r->sub, r->event, 0);
	if (event == NOBODY) {
		const struct sim_bus_event *e = &c->history->events[r->event];

		checker_violate(c, SIM_BUS_RULE_LETTER,
			"nothing like that was to be announced to it: type %d, subscription %u, "
			"event %u, %s, class %d, %u attempts",
			(int)e->type, e->about_sub, e->about_event, td_error_name(e->code),
			(int)e->class_, e->attempts);
		return;
	}
	if (call == NULL || call->record->act != SIM_BUS_CALL || c->depth == FRAMES_MAX) {
		checker_violate(c, SIM_BUS_RULE_OWED, "nothing is going on");
		return;
	}
	index = find_debt(c, call, r->sub, event, r->attempt);
	if (index == SIZE_MAX) {
		checker_violate(c, SIM_BUS_RULE_OWED, "it is not owed that");
		return;
	}
	if (call->record->what == SIM_BUS_CLOSE)
		checker_violate(c, SIM_BUS_RULE_CLOSE, "a handler is called");
	call->ran = true;
	look_for_waits(c, call);
	cascade = cascade_of(c, call, index);
	debt = debt_at(c, index);
	s = &c->ledger.subs[r->sub];
	check_turn_of(c, debt);
	if (r->attempt != debt->attempts + 1 && !s->vague)
		checker_violate(
			c, SIM_BUS_RULE_ATTEMPTS, "attempt %u was expected", debt->attempts + 1);
	if (debt->told && debt->sync && debt->since == c->ledger.outermost)
		checker_blur(c, debt->cascade, debt);
	if (debt->state == DEBT_PENDING && s->lane && ledger_unsettled(&c->ledger, debt)) {
		checker_blur(c, debt->cascade,
			debt); /* perhaps its cascade went on, and it was queued */
		debt->told = true;
		c->ledger.publications[debt->publication].unsure = true;
	}
	if (debt->state == DEBT_PENDING && s->lane && !debt->in_lane &&
		!is_plain_handler(c, r->sub))
		ledger_enter_lane(&c->ledger, debt);
	if (debt->sync) /* queues come before handlers */
		ledger_arrived(&c->ledger, debt->publication);
	if (debt->in_lane) /* so it was the first of its key, and will be */
		ledger_stand_in_front(debt);
	debt->state = DEBT_RUNNING;
	debt->entered = true;
	debt->optional = false;
	debt->attempts = r->attempt;
	s->running++;
	c->frames[c->depth++] = (struct frame){.record = r, .debt = index, .cascade = cascade};
}
