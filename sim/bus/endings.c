#include "checking.h"

#include <stdlib.h>

/*
 * A handler returned: what that makes of what it was owed, and what must be told of it.
 */

static void expect_hook(
	struct checker *c, const struct debt *debt, enum td_moment moment, enum td_state state)
{
	if (!c->history->hooked)
		return;
	if (c->verdicts_count == c->verdicts_cap) {
		c->verdicts_cap = c->verdicts_cap * 2 + 64;
		c->verdicts = realloc(c->verdicts, c->verdicts_cap * sizeof(c->verdicts[0]));
		TD_ASSERT(c->verdicts != NULL);
	}
	c->verdicts[c->verdicts_count++] = (struct verdict){debt->sub, debt->event, moment, state};
}

/* When it may be tried again, and when it must. */
static void schedule(struct checker *c, struct debt *debt, int64_t after_ms)
{
	const struct td_retry *retry = &sub_of(c, debt->sub)->retry;
	double wait = (double)retry->first_ms;
	double jitter = retry->jitter < 0 ? 0 : retry->jitter;
	int64_t least, most;

	for (unsigned i = 1; i < debt->attempts; i++)
		wait *= retry->factor;
	if (wait > (double)retry->longest_ms)
		wait = (double)retry->longest_ms;
	least = (int64_t)(wait * (1 - jitter));
	most = (int64_t)(wait + 0.5);
	least = least < 1 ? 1 : least;
	most = most < 1 ? 1 : most;
	debt->due_least_ms = c->now_ms + (least > after_ms ? least : after_ms);
	debt->due_most_ms = c->now_ms + (most > after_ms ? most : after_ms);
	debt->state = DEBT_RETRYING;
}

static void park(struct checker *c, struct debt *debt)
{
	struct sub_state *s = &c->ledger.subs[debt->sub];

	if (!debt->in_lane)
		ledger_stand_in_front(debt);
	s->lane = true;
	debt->state = DEBT_PARKED;
	debt->outcome = TD_PARKED;
	debt->final = true;
}

static void stop(struct checker *c, struct debt *debt)
{
	struct sub_state *s = &c->ledger.subs[debt->sub];

	if (!debt->in_lane)
		ledger_stand_in_front(debt);
	s->lane = true;
	s->stopped = true;
	debt->state = DEBT_WAITING;
	debt->attempts = 0;
	debt->refused = true;
	if (!debt->final)
		debt->outcome = TD_STOPPED;
}

/* RETRY, SKIP, PARK or STOP, as it will be taken. */
static enum td_class class_of(struct checker *c, const struct debt *debt, enum td_class said)
{
	const struct sim_bus_sub *sub = sub_of(c, debt->sub);
	size_t parked_max = sub->parked_max;
	enum td_class class_ = said;

	if (sub->observer || is_plain_handler(c, debt->sub))
		return TD_SKIP;
	if (class_ == TD_RETRY && debt->attempts >= attempts_max(c, debt->sub))
		class_ = sub->retry.exhausted != 0 ? sub->retry.exhausted : TD_SKIP;
	if (class_ == TD_PARK && ledger_parked(&c->ledger, debt->sub, true) >= parked_max) {
		if (ledger_parked(&c->ledger, debt->sub, false) < parked_max)
			checker_make_vague(c, debt->sub);
		class_ = TD_STOP;
	}
	return class_;
}

/*
 * A plain handler wants to park or stop, and others of its key came into its lane meanwhile (or it
 * is stopped already): it stands behind them, and is tried again in its turn.
 */
static bool stands_behind(struct checker *c, struct debt *debt)
{
	struct sub_state *s = &c->ledger.subs[debt->sub];
	size_t owed = 0;

	if (debt->in_lane || !s->live)
		return false;
	for (size_t i = s->first; i < s->count; i++)
		owed += debt_at(c, s->debts[i])->in_lane &&
			debt_at(c, s->debts[i])->state != DEBT_GONE;
	if (owed > 20)
		checker_make_vague(c, debt->sub); /* it may not be looked for behind so many */
	if (!s->stopped &&
		ledger_others(&c->ledger, debt, true) != ledger_others(&c->ledger, debt, false))
		checker_make_vague(c, debt->sub);
	return s->stopped || ledger_others(&c->ledger, debt, false);
}

/* What a plain handler wants parked, or stopped at, needs a place in its queue. */
static bool has_room(struct checker *c, const struct debt *debt)
{
	size_t max = sub_of(c, debt->sub)->queue_max;

	if (ledger_owed_least(&c->ledger, debt->sub) >= max)
		return false;
	if (ledger_owed_most(&c->ledger, debt->sub) - 1 >= max) /* but itself */
		checker_make_vague(c, debt->sub);
	return true;
}

static void on_failed(
	struct checker *c, size_t index, const struct sim_bus_record *r, size_t cascade)
{
	struct debt *debt = debt_at(c, index);
	enum td_class said = r->class_ != 0 ? r->class_ : TD_RETRY;
	enum td_class class_ = class_of(c, debt, said);
	struct sub_state *s = &c->ledger.subs[debt->sub];
	bool behind = false;
	bool vague = s->vague;
	unsigned attempts;
	struct debt copy;

	if ((class_ == TD_PARK || class_ == TD_STOP) && !debt->in_lane) {
		if (!has_room(c, debt))
			class_ = TD_SKIP;
		else
			behind = stands_behind(c, debt);
		vague = s->vague;
	}
	if (!s->live || vague)
		checker_blur(c, debt->sync ? debt->cascade : NO_CASCADE, debt);
	debt->code = debt->final ? debt->code : r->code;
	attempts = ++debt->failures;
	if (behind) {
		ledger_stand_behind(&c->ledger, debt);
		debt->state = DEBT_WAITING;
		debt->attempts = 0;
		c->ledger.cascades[debt->cascade].queued++;
		debt->told = true;
		expect_hook(c, debt, TD_TRY_AGAIN, TD_QUEUED);
		return;
	}
	if (class_ == TD_PARK)
		debt->failures = 0;
	if (class_ != TD_RETRY)
		checker_count_failed(c, debt);
	switch (class_) {
	case TD_RETRY:
		schedule(c, debt, r->after_ms);
		if (!debt->final)
			debt->outcome = TD_QUEUED;
		if (debt->sync && !debt->told)
			c->ledger.cascades[debt->cascade].queued++;
		expect_hook(c, debt, TD_TRY_AGAIN, TD_QUEUED);
		break;
	case TD_SKIP:
		ledger_go(&c->ledger, debt, TD_FAILED, r->code);
		expect_hook(c, debt, TD_GAVE_UP, TD_FAILED);
		s->failed++;
		break;
	case TD_PARK:
		park(c, debt);
		expect_hook(c, debt, TD_GAVE_UP, TD_PARKED);
		s->failed++;
		break;
	case TD_STOP:
		stop(c, debt);
		if (!vague)
			expect_hook(c, debt, TD_TRY_AGAIN, TD_STOPPED);
		break;
	}
	debt->told = true;
	copy = *debt;
	if (!s->live && debt->state != DEBT_GONE)
		ledger_go(&c->ledger, debt, TD_DROPPED, 0);
	if (class_ == TD_SKIP || class_ == TD_PARK || vague)
		checker_announce_letter(c, &copy, r->code, said, attempts, cascade, vague);
}

void checker_on_end(struct checker *c, const struct sim_bus_record *r)
{
	struct frame *frame = &c->frames[--c->depth];
	size_t index = frame->debt, cascade = frame->cascade;
	struct debt *debt = debt_at(c, index);
	struct sub_state *s = &c->ledger.subs[debt->sub];
	unsigned sub = debt->sub, event = debt->event;
	enum sim_bus_type outcome = SIM_BUS_TYPE_FAILED;

	s->running--;
	if (!debt->in_lane && !s->lane)
		ledger_went_on(&c->ledger, debt);
	if (r->code == 0 || r->refused) {
		if (debt->sync && !debt->told)
			c->ledger.cascades[debt->cascade].completed++;
		debt->told = true;
		s->completed++;
		ledger_go(&c->ledger, debt, TD_COMPLETED, r->code);
		expect_hook(c, debt, TD_DONE, TD_COMPLETED);
		outcome = r->refused ? SIM_BUS_TYPE_REFUSED : SIM_BUS_TYPE_DONE;
	} else {
		on_failed(c, index, r, cascade);
		debt = debt_at(c, index);
		s = &c->ledger.subs[sub];
		if (debt->state == DEBT_RETRYING || debt->state == DEBT_WAITING)
			return; /* not the end of it */
		if (!s->live && debt->outcome == TD_DROPPED)
			return;
	}
	if (sub_of(c, sub)->kind == TD_COMMAND)
		checker_announce(c,
			&(struct announced){.type = outcome,
				.about_sub = sub,
				.about_event = event,
				.code = r->code,
				.optional = c->ledger.subs[sub].vague},
			cascade);
}
