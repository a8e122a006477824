#include "checking.h"

/*
 * What a publish makes everybody owed, and what a cascade comes to while nobody is seen to be called.
 */

/* --- publishing --------------------------------------------------------------------------- */

bool checker_is_queued(const struct checker *c, unsigned sub, unsigned flags)
{
	return sub_of(c, sub)->queued || (flags & TD_ASYNC) != 0;
}

/* Whether it may be dropped to make room: never tried, and not beside a parked key. */
static bool may_be_dropped(struct checker *c, const struct debt *debt)
{
	const struct debt *before = ledger_before(&c->ledger, debt);

	return (debt->state == DEBT_WAITING || debt->state == DEBT_PENDING) && debt->in_lane &&
	       debt->attempts == 0 && (before == NULL || before->state != DEBT_PARKED);
}

/* Who waits for room in one queue has a place in others; if he is refused in the end it was in vain. */
static size_t places_held(const struct checker *c)
{
	size_t held = 0;

	for (unsigned i = 0; i + 1 < c->depth; i++)
		held += c->frames[i].murky;
	return held;
}

/* An observer's queue is full: the oldest goes. true: the new one. */
static bool make_room(struct checker *c, unsigned sub, bool *optional)
{
	struct sub_state *s = &c->ledger.subs[sub];
	size_t max = sub_of(c, sub)->queue_max;
	bool exact = c->depth == 1 && !s->vague && !c->frames[0].murky &&
		     ledger_owed_least(&c->ledger, sub) == ledger_owed_most(&c->ledger, sub);
	struct debt *oldest = NULL;

	if (ledger_owed_most(&c->ledger, sub) + places_held(c) < max)
		return false;
	for (size_t i = s->first; i < s->count; i++) {
		struct debt *debt = debt_at(c, s->debts[i]);

		if (!may_be_dropped(c, debt))
			continue;
		if (!exact)
			checker_make_optional(c, debt);
		if (oldest == NULL || debt->most < oldest->most)
			oldest = debt;
	}
	*optional = !exact;
	if (!exact)
		return false;
	if (oldest != NULL)
		ledger_go(&c->ledger, oldest, TD_DROPPED, 0);
	return oldest == NULL;
}

void checker_drop_some(struct checker *c, unsigned sub)
{
	const struct sub_state *s = &c->ledger.subs[sub];

	for (size_t i = s->first; i < s->count; i++) {
		if (may_be_dropped(c, debt_at(c, s->debts[i])))
			checker_make_optional(c, debt_at(c, s->debts[i]));
	}
}

bool checker_is_murky(const struct checker *c)
{
	for (unsigned i = 0; i < c->depth; i++)
		if (c->frames[i].murky || (c->frames[i].cascade != NO_CASCADE &&
						  c->ledger.cascades[c->frames[i].cascade].murky))
			return true;
	return false;
}

/* One debt of something that was accepted; what the queue does not take is dropped. */
static size_t owe(struct checker *c, unsigned sub, unsigned publication, bool announced,
	size_t cascade, unsigned call)
{
	unsigned flags = c->ledger.publications[publication].flags;
	bool queued = checker_is_queued(c, sub, flags), drop = false, optional = false;
	size_t index;

	if (queued && sub_of(c, sub)->when_full == TD_DROP_OLDEST) {
		drop = make_room(c, sub, &optional);
	} else if (queued && announced) {
		size_t max = sub_of(c, sub)->queue_max;

		optional = ledger_owed_most(&c->ledger, sub) >= max;
		drop = ledger_owed_least(&c->ledger, sub) >= max && !checker_is_murky(c);
		if (drop)
			optional = false;
		else if (optional) /* or one that was announced after it, and is known already */
			checker_drop_some(c, sub);
	}
	if (!queued)
		call = c->ledger.cascades[cascade].call;
	index = ledger_owe(&c->ledger, sub, publication, queued, cascade, call);
	if (optional)
		checker_make_optional(c, debt_at(c, index));
	if (drop)
		ledger_go(&c->ledger, debt_at(c, index), TD_DROPPED, 0);
	return index;
}

void checker_publish(struct checker *c, unsigned event, unsigned flags, bool announced,
	size_t cascade, unsigned call, size_t *queued)
{
	unsigned publication = ledger_publication(&c->ledger, event, flags);

	for (unsigned sub = 1; sub < c->history->subs_count; sub++) {
		if (!c->ledger.subs[sub].live || !ledger_matches(&c->ledger, sub, event))
			continue;
		const struct debt *debt =
			debt_at(c, owe(c, sub, publication, announced, cascade, call));
		if (queued != NULL && debt->state != DEBT_GONE)
			(*queued) += 1;
	}
}

void checker_announce(struct checker *c, const struct announced *announced, size_t cascade)
{
	unsigned event = ledger_announce(&c->ledger, announced);
	size_t from = c->ledger.debts_count;

	checker_publish(c, event, 0, true, cascade, 0, NULL);
	for (size_t i = from; announced->optional && i < c->ledger.debts_count; i++)
		checker_make_optional(c, debt_at(c, i));
}

void checker_announce_letter(struct checker *c, const struct debt *debt, int code,
	enum td_class class_, unsigned attempts, size_t cascade, bool optional)
{
	if (ledger_type(&c->ledger, debt->event) == SIM_BUS_TYPE_LETTER ||
		sub_of(c, debt->sub)->observer)
		return;
	checker_announce(c,
		&(struct announced){.type = SIM_BUS_TYPE_LETTER,
			.about_sub = debt->sub,
			.about_event = debt->event,
			.code = code,
			.class_ = class_ != 0 ? class_ : TD_SKIP,
			.attempts = attempts,
			.optional = optional},
		cascade);
}

/* --- what a cascade comes to -------------------------------------------------------------- */

void checker_count_failed(struct checker *c, struct debt *debt)
{
	if (sub_of(c, debt->sub)->observer)
		return;
	if (!debt->sync || debt->told)
		return;
	c->ledger.publications[debt->publication].failed = true;
	c->ledger.cascades[debt->cascade].failed++;
}

void checker_fail_for_room(struct checker *c, size_t index, bool certain)
{
	struct debt *debt = debt_at(c, index);
	const struct sim_bus_sub *sub = sub_of(c, debt->sub);

	debt->entered = true;
	if (!certain) {
		checker_make_optional(c, debt);
		c->ledger.publications[debt->publication].unsure = true;
		ledger_enter_lane(&c->ledger, debt);
		debt->state = DEBT_WAITING;
		checker_blur(c, debt->cascade, debt);
	}
	if (sub->when_full == TD_DROP_OLDEST) {
		if (certain)
			ledger_go(&c->ledger, debt, TD_DROPPED, 0);
		return;
	}
	if (certain) {
		checker_count_failed(c, debt);
		ledger_go(&c->ledger, debt, TD_FAILED, TD_E_FULL);
	}
	debt->told = true;
	struct debt copy = *debt;
	size_t from = c->ledger.debts_count;
	checker_announce_letter(c, &copy, TD_E_FULL, TD_SKIP, 1, copy.cascade, !certain);
	ledger_since(&c->ledger, from, &copy);
}

/* It may wait in its lane, or not; there may have been no room for it. */
static void wait_perhaps(struct checker *c, size_t index)
{
	struct debt *debt = debt_at(c, index);

	if (c->ledger.subs[debt->sub].lane && !is_plain_handler(c, debt->sub) &&
		ledger_was_full(&c->ledger, debt, true)) {
		checker_fail_for_room(c, index, false);
		return;
	}
	ledger_enter_lane(&c->ledger, debt);
	debt->state = DEBT_WAITING;
	checker_blur(c, debt->cascade, debt);
}

bool checker_is_blocked(struct checker *c, const struct debt *debt)
{
	const struct sub_state *s = &c->ledger.subs[debt->sub];

	return s->stopped || ledger_perhaps_before(&c->ledger, debt) || s->running > 0 ||
	       ledger_unsettled(&c->ledger, debt) ||
	       ledger_parked(&c->ledger, debt->sub, true) >= sub_of(c, debt->sub)->parked_max;
}

void checker_pass_over(struct checker *c, size_t index, enum sim_bus_rule rule)
{
	struct debt *debt = debt_at(c, index);
	struct sub_state *s = &c->ledger.subs[debt->sub];
	unsigned flags = c->ledger.publications[debt->publication].flags;
	bool observer_drops = sub_of(c, debt->sub)->when_full == TD_DROP_OLDEST;
	bool blocked;

	if (debt->state != DEBT_PENDING)
		return;
	if (!s->live || (debt->optional && !s->lane)) {
		ledger_go(&c->ledger, debt, TD_DROPPED, 0);
		return;
	}
	if (debt->optional) { /* it may wait in the lane */
		wait_perhaps(c, index);
		return;
	}
	if ((flags & TD_STOP_AT_FIRST) != 0 && c->ledger.publications[debt->publication].failed) {
		debt->entered = true;
		debt->told = true;
		ledger_go(&c->ledger, debt, TD_DROPPED, 0);
		return;
	}
	if (s->vague || ((flags & TD_STOP_AT_FIRST) != 0 &&
				c->ledger.publications[debt->publication].unsure)) {
		checker_make_optional(c, debt);
		wait_perhaps(c, index);
		return;
	}
	blocked = checker_is_blocked(c, debt);
	if (debt->held && !blocked) { /* perhaps it was passed over then */
		checker_make_optional(c, debt);
		wait_perhaps(c, index);
		return;
	}
	if (!is_plain_handler(c, debt->sub) && s->lane && ledger_was_full(&c->ledger, debt, true) &&
		!observer_drops) {
		checker_fail_for_room(c, index, ledger_was_full(&c->ledger, debt, false));
		return;
	}
	if (!is_plain_handler(c, debt->sub) && s->lane && observer_drops &&
		ledger_was_full(&c->ledger, debt, true)) {
		checker_make_optional(c, debt); /* it, or an older one, was dropped */
		checker_drop_some(c, debt->sub);
		blocked = true;
		checker_blur(c, debt->cascade, debt);
	}
	if (!blocked || is_plain_handler(c, debt->sub)) {
		const struct announced *a =
			debt->event < SIM_BUS_EVENTS_MAX
				? NULL
				: &c->ledger.announced[debt->event - SIM_BUS_EVENTS_MAX];

		if (a == NULL)
			checker_violate(c, rule, "subscription %u was not called with event %u",
				debt->sub, debt->event);
		else
			checker_violate(c, rule,
				"subscription %u was not called with the announcement %d of event "
				"%u for %u",
				debt->sub, (int)a->type, a->about_event, a->about_sub);
		return;
	}
	ledger_enter_lane(&c->ledger, debt);
	debt->state = DEBT_WAITING;
	debt->entered = true;
	debt->told = true;
	c->ledger.cascades[debt->cascade].queued++;
}

void checker_advance(struct checker *c, size_t cascade, size_t upto, enum sim_bus_rule rule)
{
	for (;;) {
		struct cascade *at = &c->ledger.cascades[cascade];

		if (at->next == at->count || at->debts[at->next] == upto)
			return;
		size_t index = at->debts[at->next++];
		if (!ledger_was_full(&c->ledger, debt_at(c, index), false))
			at->last = debt_at(c, index)->sub;
		checker_pass_over(c, index, rule);
	}
}

void checker_finish(struct checker *c, size_t cascade, enum sim_bus_rule rule)
{
	if (cascade != NO_CASCADE)
		checker_advance(c, cascade, SIZE_MAX, rule);
}

bool checker_comes_along(struct checker *c, size_t cascade, unsigned sub)
{
	const struct cascade *at;

	if (cascade == NO_CASCADE)
		return false;
	at = &c->ledger.cascades[cascade];
	if (at->last == sub)
		return true;
	for (size_t i = at->next; i < at->count; i++) {
		const struct debt *debt = debt_at(c, at->debts[i]);

		if (debt->sub == sub && ledger_may_have_come(&c->ledger, debt) &&
			!ledger_was_full(&c->ledger, debt, false))
			return true;
	}
	return false;
}
