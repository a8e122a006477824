#include "checker.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "ledger.h"

#define FRAMES_MAX 64u
#define NO_CASCADE SIZE_MAX

/* A call that has not returned, or a handler. */
struct frame {
	const struct sim_bus_record *record; /* its beginning */
	int code;                            /* of a call: what it will return */
	size_t debt;                         /* of a handler */
	size_t cascade;       /* where what is published inside goes; NO_CASCADE: nowhere yet */
	size_t first_cascade; /* those from here on were opened inside */
	size_t queued;        /* of a publish in a handler: what its receipt counts */
	bool turns;           /* each delivery that runs inside has a cascade of its own */
	bool murky;           /* of a publish: it may have waited for room */
	bool ran;
	unsigned publication, publications; /* what is published by it; 1: there is one */
};

/* A verdict that the hook must have seen. */
struct verdict {
	unsigned sub, event;
	enum td_moment moment;
	enum td_state state;
};

struct checker {
	const struct sim_bus_history *history;
	struct ledger ledger;
	struct sim_bus_violation violation;
	size_t at;
	int64_t now_ms;
	struct frame frames[FRAMES_MAX];
	unsigned depth;
	size_t *returns;  /* by call: the record in which it returns */
	bool *blurred;    /* by call: what its receipt says cannot be told from here */
	bool *awaited;    /* by call: it was awaited to the end, its counts are those of now */
	size_t *receipts; /* by call: the cascade of its publish + 1; 0: of a publish in a handler */
	size_t *inside;   /* by call: what a publish in a handler counts as queued */
	struct verdict *verdicts;
	size_t verdicts_count, verdicts_cap;
	bool closed;
	unsigned
		doubt; /* the last outermost call in which something could have happened in two ways */
	bool lost;     /* what happens is not what was thought, because of that */
};

static void violate(struct checker *c, enum sim_bus_rule rule, const char *format, ...)
	TD_PRINTF(3, 4);

/*
 * Whether something that could have happened in two ways has to do with this record: it happened in
 * the same call from outside, or the subscription still holds what perhaps it does not. Then what
 * looks wrong may be our own mistake, and nobody is accused.
 */
static bool is_in_doubt(const struct checker *c)
{
	const struct sub_state *s = &c->ledger.subs[c->history->records[c->at].sub];

	if (c->doubt == c->ledger.outermost || s->vague)
		return true;
	for (size_t i = s->first; i < s->count; i++)
		if (c->ledger.debts[s->debts[i]].optional &&
			c->ledger.debts[s->debts[i]].state != DEBT_GONE)
			return true;
	return false;
}

static void violate(struct checker *c, enum sim_bus_rule rule, const char *format, ...)
{
	va_list args;

	if (c->violation.rule != SIM_BUS_RULE_NONE || c->lost)
		return;
	if (is_in_doubt(c)) {
		c->lost = true;
		return;
	}
	c->violation.rule = rule;
	c->violation.at = c->at;
	va_start(args, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): started above */
	vsnprintf(c->violation.text, sizeof(c->violation.text), format, args);
	va_end(args);
}

static const struct sim_bus_sub *sub_of(const struct checker *c, unsigned sub)
{
	return &c->history->subs[sub];
}

static struct debt *debt_at(struct checker *c, size_t index)
{
	return &c->ledger.debts[index];
}

static bool is_plain_handler(const struct checker *c, unsigned sub)
{
	return sub_of(c, sub)->kind != TD_EVENT_KIND && !sub_of(c, sub)->queued;
}

static unsigned attempts_max(const struct checker *c, unsigned sub)
{
	unsigned most = sub_of(c, sub)->retry.attempts_max;

	return most > 1 ? most : 1;
}

static void blur(struct checker *c, size_t cascade, const struct debt *debt)
{
	c->doubt = c->ledger.outermost;
	if (cascade != NO_CASCADE) {
		c->ledger.cascades[cascade].unsure = true;
		c->blurred[c->ledger.cascades[cascade].call] = true;
	}
	c->blurred[debt->call] = true;
}

/* It may be gone, or not: nobody can tell from here. */
static void make_optional(struct checker *c, struct debt *debt)
{
	debt->optional = true;
	c->blurred[debt->call] = true;
	c->doubt = c->ledger.outermost;
}

/* So may anything that it holds. */
static void make_vague(struct checker *c, unsigned sub)
{
	c->ledger.subs[sub].vague = true;
	c->doubt = c->ledger.outermost;
}

/* The handler that runs innermost; NULL: none. */
static struct frame *innermost_handler(struct checker *c)
{
	return c->depth >= 2 ? &c->frames[c->depth - 2] : NULL;
}

/* --- publishing --------------------------------------------------------------------------- */

static bool is_queued(const struct checker *c, unsigned sub, unsigned flags)
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
			make_optional(c, debt);
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

/* Room was made for a synchronous delivery. */
static void drop_some(struct checker *c, unsigned sub)
{
	const struct sub_state *s = &c->ledger.subs[sub];

	for (size_t i = s->first; i < s->count; i++) {
		if (may_be_dropped(c, debt_at(c, s->debts[i])))
			make_optional(c, debt_at(c, s->debts[i]));
	}
}

/* A publisher waits for room, so that what became of what he publishes is seen late. */
static bool is_murky(const struct checker *c)
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
	bool queued = is_queued(c, sub, flags), drop = false, optional = false;
	size_t index;

	if (queued && sub_of(c, sub)->when_full == TD_DROP_OLDEST) {
		drop = make_room(c, sub, &optional);
	} else if (queued && announced) {
		size_t max = sub_of(c, sub)->queue_max;

		optional = ledger_owed_most(&c->ledger, sub) >= max;
		drop = ledger_owed_least(&c->ledger, sub) >= max && !is_murky(c);
		if (drop)
			optional = false;
		else if (optional) /* or one that was announced after it, and is known already */
			drop_some(c, sub);
	}
	if (!queued)
		call = c->ledger.cascades[cascade].call;
	index = ledger_owe(&c->ledger, sub, publication, queued, cascade, call);
	if (optional)
		make_optional(c, debt_at(c, index));
	if (drop)
		ledger_go(&c->ledger, debt_at(c, index), TD_DROPPED, 0);
	return index;
}

/* To whom it goes, in the order of subscribing. */
static void publish(struct checker *c, unsigned event, unsigned flags, bool announced,
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

/* Something is given up, or a command has come to its end: those who ask for it are told. */
static void announce(struct checker *c, const struct announced *announced, size_t cascade)
{
	unsigned event = ledger_announce(&c->ledger, announced);
	size_t from = c->ledger.debts_count;

	publish(c, event, 0, true, cascade, 0, NULL);
	for (size_t i = from; announced->optional && i < c->ledger.debts_count; i++)
		make_optional(c, debt_at(c, i));
}

static void announce_letter(struct checker *c, const struct debt *debt, int code,
	enum td_class class_, unsigned attempts, size_t cascade, bool optional)
{
	if (ledger_type(&c->ledger, debt->event) == SIM_BUS_TYPE_LETTER ||
		sub_of(c, debt->sub)->observer)
		return;
	announce(c,
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

static void count_failed(struct checker *c, struct debt *debt)
{
	if (sub_of(c, debt->sub)->observer)
		return;
	if (!debt->sync || debt->told)
		return;
	c->ledger.publications[debt->publication].failed = true;
	c->ledger.cascades[debt->cascade].failed++;
}

/* A synchronous delivery for which there is no room. */
static void fail_for_room(struct checker *c, size_t index, bool certain)
{
	struct debt *debt = debt_at(c, index);
	const struct sim_bus_sub *sub = sub_of(c, debt->sub);

	debt->entered = true;
	if (!certain) {
		make_optional(c, debt);
		c->ledger.publications[debt->publication].unsure = true;
		ledger_enter_lane(&c->ledger, debt);
		debt->state = DEBT_WAITING;
		blur(c, debt->cascade, debt);
	}
	if (sub->when_full == TD_DROP_OLDEST) {
		if (certain)
			ledger_go(&c->ledger, debt, TD_DROPPED, 0);
		return;
	}
	if (certain) {
		count_failed(c, debt);
		ledger_go(&c->ledger, debt, TD_FAILED, TD_E_FULL);
	}
	debt->told = true;
	struct debt copy = *debt;
	size_t from = c->ledger.debts_count;
	announce_letter(c, &copy, TD_E_FULL, TD_SKIP, 1, copy.cascade, !certain);
	ledger_since(&c->ledger, from, &copy);
}

/* It may wait in its lane, or not; there may have been no room for it. */
static void wait_perhaps(struct checker *c, size_t index)
{
	struct debt *debt = debt_at(c, index);

	if (c->ledger.subs[debt->sub].lane && !is_plain_handler(c, debt->sub) &&
		ledger_was_full(&c->ledger, debt, true)) {
		fail_for_room(c, index, false);
		return;
	}
	ledger_enter_lane(&c->ledger, debt);
	debt->state = DEBT_WAITING;
	blur(c, debt->cascade, debt);
}

/* Something is before it in its lane, or holds the lane up. */
static bool is_blocked(struct checker *c, const struct debt *debt)
{
	const struct sub_state *s = &c->ledger.subs[debt->sub];

	return s->stopped || ledger_perhaps_before(&c->ledger, debt) || s->running > 0 ||
	       ledger_unsettled(&c->ledger, debt) ||
	       ledger_parked(&c->ledger, debt->sub, true) >= sub_of(c, debt->sub)->parked_max;
}

/*
 * A cascade has gone beyond this debt, and its handler was not called. Why not? It waits behind
 * others of its subscription, or there was no room, or nobody is there any more.
 */
static void pass_over(struct checker *c, size_t index, enum sim_bus_rule rule)
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
		make_optional(c, debt);
		wait_perhaps(c, index);
		return;
	}
	blocked = is_blocked(c, debt);
	if (debt->held && !blocked) { /* perhaps it was passed over then */
		make_optional(c, debt);
		wait_perhaps(c, index);
		return;
	}
	if (!is_plain_handler(c, debt->sub) && s->lane && ledger_was_full(&c->ledger, debt, true) &&
		!observer_drops) {
		fail_for_room(c, index, ledger_was_full(&c->ledger, debt, false));
		return;
	}
	if (!is_plain_handler(c, debt->sub) && s->lane && observer_drops &&
		ledger_was_full(&c->ledger, debt, true)) {
		make_optional(c, debt); /* it, or an older one, was dropped */
		drop_some(c, debt->sub);
		blocked = true;
		blur(c, debt->cascade, debt);
	}
	if (!blocked || is_plain_handler(c, debt->sub)) {
		const struct announced *a =
			debt->event < SIM_BUS_EVENTS_MAX
				? NULL
				: &c->ledger.announced[debt->event - SIM_BUS_EVENTS_MAX];

		if (a == NULL)
			violate(c, rule, "subscription %u was not called with event %u", debt->sub,
				debt->event);
		else
			violate(c, rule,
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

/* All before `upto` in its cascade must have been dealt with. */
static void advance(struct checker *c, size_t cascade, size_t upto, enum sim_bus_rule rule)
{
	for (;;) {
		struct cascade *at = &c->ledger.cascades[cascade];

		if (at->next == at->count || at->debts[at->next] == upto)
			return;
		size_t index = at->debts[at->next++];
		if (!ledger_was_full(&c->ledger, debt_at(c, index), false))
			at->last = debt_at(c, index)->sub;
		pass_over(c, index, rule);
	}
}

static void finish(struct checker *c, size_t cascade, enum sim_bus_rule rule)
{
	if (cascade != NO_CASCADE)
		advance(c, cascade, SIZE_MAX, rule);
}

/* Whether a delivery of a lane belongs to a cascade: a synchronous one of it brought it along. */
static bool comes_along(struct checker *c, size_t cascade, unsigned sub)
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

/* --- a handler is called ------------------------------------------------------------------ */

/*
 * The announcement that an event is: bound when it is first seen, to one that this subscription is
 * owed (0: any), or one that the receipt of this call tells of.
 */
static unsigned bind(struct checker *c, unsigned sub, unsigned event, unsigned call)
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
		if (about >= SIM_BUS_EVENTS_MAX ? bind(c, 0, e->about_event, 0) != about
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
		violate(c, SIM_BUS_RULE_STOPPED, "it waits for td_resume()");
	if (before != NULL && before->state == DEBT_PARKED)
		violate(c, SIM_BUS_RULE_PARKED, "event %u of its key is parked", before->event);
	else if (before != NULL)
		violate(c, SIM_BUS_RULE_ORDER, "event %u of its key is owed before", before->event);
	if (debt->state == DEBT_RETRYING && c->now_ms < debt->due_least_ms)
		violate(c, SIM_BUS_RULE_DUE, "due at %lld ms", (long long)debt->due_least_ms);
}

/* A publisher may be waiting for room in the lane of a synchronous subscription. */
static void look_for_waits_in(struct checker *c, size_t index)
{
	const struct cascade *cascade = &c->ledger.cascades[index];

	for (size_t i = cascade->next; i < cascade->count; i++) {
		const struct debt *debt = debt_at(c, cascade->debts[i]);
		const struct sim_bus_sub *sub = sub_of(c, debt->sub);

		if (debt->state != DEBT_PENDING || !c->ledger.subs[debt->sub].lane ||
			is_plain_handler(c, debt->sub) ||
			ledger_owed_most(&c->ledger, debt->sub) < sub->queue_max)
			continue;
		if (sub->when_full == TD_DROP_OLDEST)
			drop_some(c, debt->sub);
		else if (sub->when_full == TD_WAIT) {
			blur(c, index, debt);
			c->ledger.cascades[index].murky = true;
		}
	}
}

static void look_for_waits(struct checker *c, const struct frame *call)
{
	if (call->cascade != NO_CASCADE)
		look_for_waits_in(c, call->cascade);
	for (size_t i = call->first_cascade; i < c->ledger.cascades_count; i++)
		look_for_waits_in(c, i);
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
	advance(c, cascade, index, SIM_BUS_RULE_BREADTH);
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
	while (!comes_along(c, cascade, sub)) {
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
				!(is_blocked(c, debt) || ledger_was_full(&c->ledger, debt, true))))
			return;
		if (sub_of(c, debt->sub)->when_full == TD_WAIT &&
			ledger_was_full(&c->ledger, debt, true)) {
			blur(c, cascade, debt); /* or its publisher waits for room there */
			at->murky = true;
			return;
		}
		if (!ledger_was_full(&c->ledger, debt, false))
			at->last = debt->sub;
		pass_over(c, at->debts[at->next++], SIM_BUS_RULE_BREADTH);
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

		advance(c, cascade, index, SIM_BUS_RULE_BREADTH);
		c->ledger.cascades[cascade].last = debt->sub;
		if (outer && !murky)
			violate(c, SIM_BUS_RULE_BREADTH, "it is of an outer cascade");
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
	if (!comes_along(c, call->cascade, debt->sub)) {
		finish(c, call->cascade, SIM_BUS_RULE_BREADTH);
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
	unsigned about = bind(c, 0, e->about_event, 0);

	for (size_t k = 0; k < c->ledger.cascades_count && e->code == TD_E_FULL; k++) {
		bool outer = k < call->first_cascade && k != call->cascade;

		for (size_t i = c->ledger.cascades[k].next; i < c->ledger.cascades[k].count; i++) {
			size_t index = c->ledger.cascades[k].debts[i];
			const struct debt *debt = debt_at(c, index);

			if (debt->sub != e->about_sub || debt->event != about ||
				debt->state != DEBT_PENDING ||
				(outer && !ledger_may_have_come(&c->ledger, debt)))
				continue;
			advance(c, k, index, SIM_BUS_RULE_BREADTH);
			pass_over(c, index, SIM_BUS_RULE_BREADTH);
			return true;
		}
	}
	return false;
}

/* A publisher waits for room inside what another runs while he waits. */
static bool is_tower(const struct checker *c)
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

static void on_begin(struct checker *c, const struct sim_bus_record *r)
{
	struct frame *call = c->depth > 0 ? &c->frames[c->depth - 1] : NULL;
	unsigned event = bind(c, r->sub, r->event, 0);
	struct sub_state *s = &c->ledger.subs[r->sub];
	struct debt *debt;
	size_t index, cascade;

	if (!s->live) {
		violate(c, SIM_BUS_RULE_ENDED, "it ended");
		return;
	}
	if (event == NOBODY && call != NULL && pass_over_for(c, call, r->event))
		event = bind(c, r->sub, r->event, 0);
	if (event == NOBODY) {
		const struct sim_bus_event *e = &c->history->events[r->event];

		violate(c, SIM_BUS_RULE_LETTER,
			"nothing like that was to be announced to it: type %d, subscription %u, "
			"event %u, %s, class %d, %u attempts",
			(int)e->type, e->about_sub, e->about_event, td_error_name(e->code),
			(int)e->class_, e->attempts);
		return;
	}
	if (call == NULL || call->record->act != SIM_BUS_CALL || c->depth == FRAMES_MAX) {
		violate(c, SIM_BUS_RULE_OWED, "nothing is going on");
		return;
	}
	index = find_debt(c, call, r->sub, event, r->attempt);
	if (index == SIZE_MAX) {
		violate(c, SIM_BUS_RULE_OWED, "it is not owed that");
		return;
	}
	if (call->record->what == SIM_BUS_CLOSE)
		violate(c, SIM_BUS_RULE_CLOSE, "a handler is called");
	call->ran = true;
	look_for_waits(c, call);
	cascade = cascade_of(c, call, index);
	debt = debt_at(c, index);
	s = &c->ledger.subs[r->sub];
	check_turn_of(c, debt);
	if (r->attempt != debt->attempts + 1 && !s->vague)
		violate(c, SIM_BUS_RULE_ATTEMPTS, "attempt %u was expected", debt->attempts + 1);
	if (debt->told && debt->sync && debt->since == c->ledger.outermost)
		blur(c, debt->cascade, debt);
	if (debt->state == DEBT_PENDING && s->lane && ledger_unsettled(&c->ledger, debt)) {
		blur(c, debt->cascade, debt); /* perhaps its cascade went on, and it was queued */
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

/* --- a handler returned ------------------------------------------------------------------- */

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
			make_vague(c, debt->sub);
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
		make_vague(c, debt->sub); /* it may not be looked for behind so many */
	if (!s->stopped &&
		ledger_others(&c->ledger, debt, true) != ledger_others(&c->ledger, debt, false))
		make_vague(c, debt->sub);
	return s->stopped || ledger_others(&c->ledger, debt, false);
}

/* What a plain handler wants parked, or stopped at, needs a place in its queue. */
static bool has_room(struct checker *c, const struct debt *debt)
{
	size_t max = sub_of(c, debt->sub)->queue_max;

	if (ledger_owed_least(&c->ledger, debt->sub) >= max)
		return false;
	if (ledger_owed_most(&c->ledger, debt->sub) - 1 >= max) /* but itself */
		make_vague(c, debt->sub);
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
		blur(c, debt->sync ? debt->cascade : NO_CASCADE, debt);
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
		count_failed(c, debt);
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
		announce_letter(c, &copy, r->code, said, attempts, cascade, vague);
}

static void on_end(struct checker *c, const struct sim_bus_record *r)
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
		announce(c,
			&(struct announced){.type = outcome,
				.about_sub = sub,
				.about_event = event,
				.code = r->code,
				.optional = c->ledger.subs[sub].vague},
			cascade);
}

/* --- calls -------------------------------------------------------------------------------- */

/*
 * Whether a queue refuses it. What has certainly no room must refuse, what has certainly room may
 * not. true: its publisher may have waited for room, and much can have happened meanwhile.
 */
static bool check_full(struct checker *c, const struct sim_bus_record *r, int code)
{
	bool inside = c->depth > 1;
	bool must = false, may = false, waits = false;

	for (unsigned sub = 1; sub < c->history->subs_count; sub++) {
		const struct sim_bus_sub *s = sub_of(c, sub);
		bool asked = s->kind != TD_EVENT_KIND &&
			     s->kind == c->history->events[r->event].kind &&
			     s->types == 1u << c->history->events[r->event].type;

		if (!c->ledger.subs[sub].live || s->when_full == TD_DROP_OLDEST ||
			!(asked || (r->what == SIM_BUS_PUBLISH &&
					   ledger_matches(&c->ledger, sub, r->event))))
			continue;
		if (!is_queued(c, sub, r->flags & TD_ASYNC)) {
			waits = waits || (!inside && s->when_full == TD_WAIT &&
						 ledger_owed_most(&c->ledger, sub) >= s->queue_max);
			continue;
		}
		if (s->when_full == TD_REFUSE || inside)
			must = must || ledger_owed_least(&c->ledger, sub) >= s->queue_max;
		else
			waits = waits || ledger_owed_most(&c->ledger, sub) >= s->queue_max;
		may = may || ledger_owed_most(&c->ledger, sub) >= s->queue_max;
	}
	/* Who came before in the order of subscribing may have made room already. */
	for (unsigned sub = 1; code == TD_E_FULL && sub < c->history->subs_count; sub++)
		if (c->ledger.subs[sub].live && sub_of(c, sub)->when_full == TD_DROP_OLDEST &&
			ledger_matches(&c->ledger, sub, r->event) &&
			ledger_owed_most(&c->ledger, sub) >= sub_of(c, sub)->queue_max)
			drop_some(c, sub);
	if (code == TD_E_FULL && !may && !waits &&
		!is_murky(c)) /* who waits has places elsewhere */
		violate(c, SIM_BUS_RULE_FULL, "refused, and there is room");
	if ((code == 0 || code == TD_E_HANDLER) && must && !waits)
		violate(c, SIM_BUS_RULE_FULL, "accepted, and there is no room");
	return waits;
}

static bool is_too_long(const struct checker *c, unsigned event)
{
	const struct sim_bus_event *e = &c->history->events[event];

	return e->cause != 0 && e->depth > c->history->causes_max;
}

static void call_publish(struct checker *c, const struct sim_bus_record *r, struct frame *frame)
{
	const struct frame *handler = innermost_handler(c);
	size_t from = c->ledger.debts_count;
	bool murky;

	if (handler == NULL)
		frame->cascade = ledger_cascade(&c->ledger, r->receipt ? r->call : 0);
	else
		frame->cascade = handler->cascade;
	if (r->receipt)
		c->receipts[r->call] = handler == NULL ? frame->cascade + 1 : 0;
	if (is_too_long(c, r->event) != (frame->code == TD_E_LOOP))
		violate(c, SIM_BUS_RULE_CODE, "%u causes", c->history->events[r->event].depth);
	murky = frame->murky = check_full(c, r, frame->code);
	if (murky) {
		c->ledger.cascades[frame->cascade].murky = true;
		c->blurred[r->call] = true;
	}
	if (frame->code != 0 && frame->code != TD_E_HANDLER)
		return;
	frame->publication = (unsigned)c->ledger.publications_count;
	frame->publications = 1;
	publish(c, r->event, r->flags, false, frame->cascade, r->receipt ? r->call : 0,
		&frame->queued);
	for (size_t i = from; murky && i < c->ledger.debts_count; i++)
		if (debt_at(c, i)->in_lane)
			ledger_on_its_way(debt_at(c, i));
	if (handler != NULL)
		c->inside[r->call] = frame->queued;
	for (size_t i = 0; i < c->ledger.debts_count && handler == NULL && !murky; i++) {
		const struct debt *debt = debt_at(c, i);

		if (!debt->sync && debt->publication + 1 == c->ledger.publications_count &&
			debt->state != DEBT_GONE)
			c->ledger.cascades[frame->cascade].queued++;
	}
}

/* The live handler of a command or query; 0: nobody. */
static unsigned handler_of(const struct checker *c, unsigned event)
{
	const struct sim_bus_event *e = &c->history->events[event];

	for (unsigned sub = 1; sub < c->history->subs_count; sub++) {
		if (c->ledger.subs[sub].live && sub_of(c, sub)->kind == e->kind &&
			sub_of(c, sub)->kind != TD_EVENT_KIND &&
			sub_of(c, sub)->types == 1u << e->type)
			return sub;
	}
	return 0;
}

static void call_ask(struct checker *c, const struct sim_bus_record *r, struct frame *frame)
{
	const struct frame *handler = innermost_handler(c);
	unsigned sub = handler_of(c, r->event);
	bool queued = sub != 0 && sub_of(c, sub)->queued;
	bool above = false, loose, request = r->what == SIM_BUS_REQUEST;
	size_t cascade;
	unsigned publication;

	frame->debt = SIZE_MAX;
	frame->cascade = handler != NULL ? handler->cascade : ledger_cascade(&c->ledger, 0);
	frame->turns = queued;
	if (frame->turns)
		frame->cascade = NO_CASCADE;
	if (is_too_long(c, r->event) != (frame->code == TD_E_LOOP)) {
		violate(c, SIM_BUS_RULE_CODE, "%u causes", c->history->events[r->event].depth);
		return;
	}
	if (frame->code == TD_E_LOOP)
		return;
	if ((sub == 0) != (frame->code == TD_E_NO_HANDLER)) {
		violate(c, SIM_BUS_RULE_CODE, "its handler is %u", sub);
		return;
	}
	for (unsigned i = 0; i + 1 < c->depth; i++)
		above = above || (c->frames[i].record->act == SIM_BUS_BEGIN &&
					 c->frames[i].record->sub == sub);
	above = above && request && queued && sub_of(c, sub)->order != TD_ORDER_NONE;
	if (sub != 0 && above != (frame->code == TD_E_DEADLOCK))
		violate(c, SIM_BUS_RULE_CODE, "it %s wait for itself",
			above ? "would" : "would not");
	if (sub == 0 || above)
		return;
	loose = queued && check_full(c, r, frame->code);
	if (loose && !request)
		c->blurred[r->call] = true;
	if (frame->code == TD_E_FULL || (frame->code == TD_E_CLOSED && !request))
		return;
	publication = frame->publication = ledger_publication(&c->ledger, r->event, 0);
	frame->publications = 1;
	/* Of a synchronous request nobody's receipt tells, and nobody counts it. */
	cascade = request ? ledger_cascade(&c->ledger, 0) : queued ? NO_CASCADE : frame->cascade;
	if (!request && !queued && handler == NULL) {
		c->ledger.cascades[frame->cascade].call = r->receipt ? r->call : 0;
		c->receipts[r->call] = frame->cascade + 1;
	} else if (!request) {
		c->inside[r->call] = 1;
	}
	frame->debt = ledger_owe(&c->ledger, sub, publication, queued, cascade,
		request                 ? 0
		: queued && r->receipt  ? r->call
		: cascade != NO_CASCADE ? c->ledger.cascades[cascade].call
					: 0);
	if (loose)
		ledger_on_its_way(debt_at(c, frame->debt));
	if (frame->code == TD_E_CLOSED) /* its handler ended, perhaps while it waited for room */
		make_optional(c, debt_at(c, frame->debt));
}

static void on_call(struct checker *c, const struct sim_bus_record *r)
{
	struct frame *frame = &c->frames[c->depth];

	if (c->depth == FRAMES_MAX) {
		violate(c, SIM_BUS_RULE_CODE, "too deep");
		return;
	}
	if (c->depth == 0)
		c->ledger.outermost++;
	*frame = (struct frame){.record = r,
		.code = c->history->records[c->returns[r->call]].code,
		.debt = SIZE_MAX,
		.cascade = NO_CASCADE,
		.first_cascade = c->ledger.cascades_count};
	c->depth++;
	switch (r->what) {
	case SIM_BUS_PUBLISH:
		call_publish(c, r, frame);
		break;
	case SIM_BUS_REQUEST:
	case SIM_BUS_COMMAND:
		call_ask(c, r, frame);
		break;
	case SIM_BUS_TURN:
	case SIM_BUS_AWAIT:
	case SIM_BUS_DRAIN:
		frame->turns = true;
		break;
	case SIM_BUS_CLOSE:
		c->closed = true;
		break;
	case SIM_BUS_REDRIVE:
	case SIM_BUS_DISMISS:
	case SIM_BUS_RESUME:
		break;
	}
}

/* --- calls return ------------------------------------------------------------------------- */

static void check_idle(struct checker *c)
{
	for (unsigned sub = 1; sub < c->history->subs_count; sub++) {
		const struct sub_state *s = &c->ledger.subs[sub];

		for (size_t i = s->first; i < s->count; i++) {
			const struct debt *debt = debt_at(c, s->debts[i]);

			if (debt->in_lane && ledger_runnable(&c->ledger, debt, c->now_ms))
				violate(c, SIM_BUS_RULE_IDLE,
					"event %u of subscription %u could run", debt->event, sub);
		}
	}
}

static void return_publish(struct checker *c, const struct frame *frame, int code)
{
	const struct cascade *cascade = &c->ledger.cascades[frame->cascade];
	bool failed = cascade->failed > 0;

	if (innermost_handler(c) != NULL) {
		if (code == TD_E_HANDLER)
			violate(c, SIM_BUS_RULE_CODE, "in a handler nothing has failed yet");
		return;
	}
	if ((code == 0 || code == TD_E_HANDLER) && !cascade->murky && !cascade->unsure &&
		failed != (code == TD_E_HANDLER))
		violate(c, SIM_BUS_RULE_CODE, "%zu handlers failed", cascade->failed);
	if (code != 0 && code != TD_E_HANDLER && code != TD_E_FULL && code != TD_E_LOOP)
		violate(c, SIM_BUS_RULE_CODE, "%s", td_error_name(code));
}

static int code_of_answer(const struct debt *debt)
{
	if (debt->refused)
		return TD_E_HANDLER;
	switch (debt->outcome) {
	case TD_COMPLETED:
		return debt->code;
	case TD_FAILED:
	case TD_PARKED:
	case TD_STOPPED:
		return TD_E_HANDLER;
	case TD_DROPPED:
		return TD_E_CLOSED;
	case TD_QUEUED:
		break;
	}
	return TD_E_TIMEOUT;
}

static void return_request(struct checker *c, const struct frame *frame, int code)
{
	const struct debt *debt;
	int expected;

	if (frame->debt == SIZE_MAX)
		return;
	debt = debt_at(c, frame->debt);
	if (c->ledger.subs[debt->sub].vague || debt->optional)
		return;
	expected = code_of_answer(debt);
	if (!sub_of(c, debt->sub)->queued && frame->record->flags != 0)
		expected = TD_E_TIMEOUT;
	if (code != expected)
		violate(c, SIM_BUS_RULE_CODE, "%s was expected", td_error_name(expected));
}

static void return_command(struct checker *c, const struct frame *frame, int code)
{
	const struct cascade *cascade;
	int expected = 0;

	if (frame->debt == SIZE_MAX)
		return;
	if (innermost_handler(c) == NULL && !frame->turns) {
		cascade = &c->ledger.cascades[frame->cascade];
		if (cascade->murky || cascade->unsure)
			return;
		expected = cascade->failed > 0                             ? TD_E_HANDLER
			   : debt_at(c, frame->debt)->code == TD_E_REFUSED ? TD_E_REFUSED
									   : 0;
	}
	if (code != expected)
		violate(c, SIM_BUS_RULE_CODE, "%s was expected", td_error_name(expected));
}

static bool is_open(const struct debt *debt)
{
	return debt->entered && !debt->final;
}

static void return_await(struct checker *c, const struct sim_bus_record *r, int code)
{
	unsigned open = 0;

	if (c->blurred[r->event])
		return;
	for (size_t i = 0; i < c->ledger.debts_count; i++)
		open += debt_at(c, i)->call == r->event && is_open(debt_at(c, i));
	if ((code == 0) != (open == 0))
		violate(c, SIM_BUS_RULE_AWAIT, "%u deliveries are not done", open);
	if (code == 0)
		c->awaited[r->event] = true;
}

static void return_drain(struct checker *c, int code)
{
	unsigned open = 0, perhaps = 0;

	for (unsigned sub = 1; sub < c->history->subs_count; sub++) {
		const struct sub_state *s = &c->ledger.subs[sub];

		for (size_t i = s->first; i < s->count; i++) {
			const struct debt *debt = debt_at(c, s->debts[i]);
			const struct debt *before = ledger_before(&c->ledger, debt);

			if (debt->state == DEBT_GONE || debt->state == DEBT_PARKED || s->stopped ||
				(before != NULL && before->state == DEBT_PARKED))
				continue;
			perhaps++;
			open += !debt->optional && !s->vague && sub_of(c, sub)->parked_max > 100;
		}
	}
	if (code == 0 ? open > 0 : perhaps == 0)
		violate(c, SIM_BUS_RULE_AWAIT, "%u deliveries are owed", open);
}

/* A lane is about to go on; what a cascade has come to in silence did not wait in vain. */
static void note_held(struct checker *c, unsigned sub)
{
	const struct sub_state *s = &c->ledger.subs[sub];

	for (size_t i = s->first; i < s->count; i++) {
		struct debt *debt = debt_at(c, s->debts[i]);

		debt->held = debt->held ||
			     (ledger_may_have_come(&c->ledger, debt) && is_blocked(c, debt));
	}
}

static void redrive(struct checker *c, const struct sim_bus_record *r, int code)
{
	const struct sim_bus_sub *sub = sub_of(c, r->sub);
	struct sub_state *s = &c->ledger.subs[r->sub];
	unsigned found = 0;

	note_held(c, r->sub);
	for (size_t i = s->first; i < s->count; i++) {
		struct debt *debt = debt_at(c, s->debts[i]);
		unsigned any = SIM_BUS_SUBJECTS;

		if (debt->state != DEBT_PARKED)
			continue;
		if (r->subject != any && sub->order == TD_ORDER_SUBJECT &&
			(debt->event >= SIM_BUS_EVENTS_MAX ||
				strcmp(sim_bus_subjects[c->history->events[debt->event].subject],
					sim_bus_subjects[r->subject]) != 0))
			continue;
		if (r->subject != any && sub->order == TD_ORDER_NONE)
			continue;
		found++;
		if (r->what == SIM_BUS_DISMISS) {
			ledger_go(&c->ledger, debt, TD_PARKED, 0);
		} else {
			debt->state = DEBT_WAITING;
			debt->attempts = 0;
		}
	}
	if (s->vague)
		return;
	if (r->subject == SIM_BUS_SUBJECTS ? code != 0 : (code == 0) != (found > 0))
		violate(c, SIM_BUS_RULE_PARKED, "%u are parked", found);
}

static void resume(struct checker *c, const struct sim_bus_record *r, int code)
{
	struct sub_state *s = &c->ledger.subs[r->sub];

	note_held(c, r->sub);
	if (s->vague)
		return;
	if (code != (s->stopped ? 0 : TD_E_INVALID))
		violate(c, SIM_BUS_RULE_STOPPED, "it is %sstopped", s->stopped ? "" : "not ");
	s->stopped = false;
}

static void return_close(struct checker *c)
{
	for (unsigned sub = 1; sub < c->history->subs_count; sub++) {
		struct sub_state *s = &c->ledger.subs[sub];

		s->live = false;
		ledger_end(&c->ledger, sub);
		if (!s->released)
			violate(c, SIM_BUS_RULE_RELEASE, "subscription %u was never released", sub);
	}
}

static void on_return(struct checker *c, const struct sim_bus_record *r)
{
	struct frame frame = c->frames[c->depth - 1];
	bool waits = r->what == SIM_BUS_AWAIT || r->what == SIM_BUS_DRAIN;

	/* All that began inside is over. */
	for (size_t i = c->ledger.cascades_count; i-- > frame.first_cascade;)
		finish(c, i, SIM_BUS_RULE_LOST);
	for (size_t i = 0; i < frame.publications; i++)
		ledger_arrived(&c->ledger, frame.publication);
	switch (r->what) {
	case SIM_BUS_PUBLISH:
		return_publish(c, &frame, r->code);
		break;
	case SIM_BUS_REQUEST:
		return_request(c, &frame, r->code);
		break;
	case SIM_BUS_COMMAND:
		return_command(c, &frame, r->code);
		break;
	case SIM_BUS_TURN:
		if (r->code < 0 || (r->code == 0 && frame.ran))
			violate(c, SIM_BUS_RULE_CODE, "something ran");
		break;
	case SIM_BUS_AWAIT:
		return_await(c, r, r->code);
		break;
	case SIM_BUS_DRAIN:
		return_drain(c, r->code);
		break;
	case SIM_BUS_REDRIVE:
	case SIM_BUS_DISMISS:
		redrive(c, r, r->code);
		break;
	case SIM_BUS_RESUME:
		resume(c, r, r->code);
		break;
	case SIM_BUS_CLOSE:
		return_close(c);
		break;
	}
	if (waits && r->code != 0 && r->code != TD_E_TIMEOUT)
		violate(c, SIM_BUS_RULE_CODE, "%s", td_error_name(r->code));
	if ((r->what == SIM_BUS_TURN && r->code == 0) || (waits && r->code == TD_E_TIMEOUT))
		check_idle(c);
	c->depth--;
}

/* --- what is shown ------------------------------------------------------------------------ */

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
				bind(c, o->sub, o->event, r->call) == debt->event &&
				o->state == debt->outcome &&
				(o->code == debt->code || debt->outcome == TD_DROPPED);
		}
		if (!found)
			violate(c, SIM_BUS_RULE_RECEIPT,
				"it lacks event %u for subscription %u: state %d, %s", debt->event,
				debt->sub, (int)debt->outcome, td_error_name(debt->code));
	}
	return expected;
}

static void on_receipt(struct checker *c, const struct sim_bus_record *r)
{
	size_t completed = 0, failed = 0, queued = 0, expected;

	if (c->blurred[r->call])
		return;
	expected = check_outcomes(c, r);
	if (expected != r->count)
		violate(c, SIM_BUS_RULE_RECEIPT, "%u outcomes, and %zu were expected", r->count,
			expected);
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
		violate(c, SIM_BUS_RULE_RECEIPT,
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

static void on_status(struct checker *c, const struct sim_bus_record *r)
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
		violate(c, SIM_BUS_RULE_STATUS, "stopped: %d, running: %zu", r->status.stopped,
			r->status.running);
	if (full ? r->status.waiting + r->status.retrying + r->status.parked !=
				waiting + retrying + parked
		 : r->status.waiting != waiting || r->status.retrying != retrying ||
				r->status.parked != parked)
		violate(c, SIM_BUS_RULE_STATUS,
			"%zu wait, %zu are retried, %zu parked; not %zu %zu %zu", waiting, retrying,
			parked, r->status.waiting, r->status.retrying, r->status.parked);
	if (sub_of(c, r->sub)->queued &&
		(r->status.completed != s->completed || r->status.failed != s->failed))
		violate(c, SIM_BUS_RULE_STATUS, "%llu completed, %llu failed; not %llu %llu",
			(unsigned long long)s->completed, (unsigned long long)s->failed,
			(unsigned long long)r->status.completed,
			(unsigned long long)r->status.failed);
}

static void on_hook(struct checker *c, const struct sim_bus_record *r)
{
	const struct sim_bus_record *next = r + 1, *last = r - 1;
	unsigned event;

	switch (r->moment) {
	case TD_DELIVERED:
		if (next->act != SIM_BUS_BEGIN || next->sub != r->sub || next->event != r->event ||
			next->attempt != r->attempt)
			violate(c, SIM_BUS_RULE_HOOK, "delivered, and not called");
		return;
	case TD_PROCESSED:
		if (last->act != SIM_BUS_END || last->sub != r->sub || last->event != r->event ||
			last->code != r->code || last->attempt != r->attempt)
			violate(c, SIM_BUS_RULE_HOOK, "processed, and not returned");
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
	event = bind(c, r->sub, r->event, 0);
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
		violate(c, SIM_BUS_RULE_HOOK, "moment %d, state %d without a cause", (int)r->moment,
			(int)r->state);
}

static void on_released(struct checker *c, const struct sim_bus_record *r)
{
	struct sub_state *s = &c->ledger.subs[r->sub];

	if (s->released)
		violate(c, SIM_BUS_RULE_RELEASE, "it was released before");
	if (s->live && !c->closed)
		violate(c, SIM_BUS_RULE_RELEASE, "it has not ended");
	for (unsigned i = 0; i < c->depth; i++) {
		if (c->frames[i].record->act == SIM_BUS_BEGIN && c->frames[i].record->sub == r->sub)
			violate(c, SIM_BUS_RULE_RELEASE, "its handler runs");
	}
	s->released = true;
}

/* Between calls from outside: what ended is released, and the hook has been told of all. */
static void check_between(struct checker *c)
{
	for (unsigned sub = 1; sub < c->history->subs_count; sub++) {
		const struct sub_state *s = &c->ledger.subs[sub];

		if (s->ended && !s->released)
			violate(c, SIM_BUS_RULE_RELEASE,
				"subscription %u ended, and is not released", sub);
	}
	for (size_t i = 0; i < c->verdicts_count; i++) {
		if (c->ledger.subs[c->verdicts[i].sub].vague)
			continue;
		violate(c, SIM_BUS_RULE_HOOK,
			"subscription %u, event %u: moment %d, state %d was not seen",
			c->verdicts[i].sub, c->verdicts[i].event, (int)c->verdicts[i].moment,
			(int)c->verdicts[i].state);
	}
}

static void on_subscribed(struct checker *c, const struct sim_bus_record *r)
{
	struct sub_state *s = &c->ledger.subs[r->sub];

	s->live = true;
	s->since = ++c->ledger.moment;
	s->lane = sub_of(c, r->sub)->queued || attempts_max(c, r->sub) > 1;
}

static void on_unsubscribed(struct checker *c, const struct sim_bus_record *r)
{
	const struct sub_state *s = &c->ledger.subs[r->sub];

	/* Before it ended there may have been no room for what came to it. */
	for (size_t i = s->first; i < s->count; i++) {
		const struct debt *debt = debt_at(c, s->debts[i]);

		/* Its publisher is told when its lane has run, and may be told that it was dropped. */
		if (debt->sync && debt->told && debt->since == c->ledger.outermost)
			blur(c, debt->cascade, debt);
		if (!ledger_may_have_come(&c->ledger, debt))
			continue;
		blur(c, debt->cascade, debt);
		if (!is_plain_handler(c, r->sub) && ledger_was_full(&c->ledger, debt, true))
			fail_for_room(c, s->debts[i], false);
	}
	c->ledger.subs[r->sub].live = false;
	c->ledger.subs[r->sub].ended = true;
	ledger_end(&c->ledger, r->sub);
}

/* --- all of it ---------------------------------------------------------------------------- */

static void judge(struct checker *c, const struct sim_bus_record *r)
{
	if (c->depth == 0 && (r->act == SIM_BUS_CALL || r->act == SIM_BUS_STATUS))
		check_between(c);
	switch (r->act) {
	case SIM_BUS_SUBSCRIBED:
		on_subscribed(c, r);
		break;
	case SIM_BUS_UNSUBSCRIBED:
		on_unsubscribed(c, r);
		break;
	case SIM_BUS_RELEASED:
		on_released(c, r);
		break;
	case SIM_BUS_CALL:
		on_call(c, r);
		break;
	case SIM_BUS_RETURN:
		on_return(c, r);
		break;
	case SIM_BUS_BEGIN:
		on_begin(c, r);
		break;
	case SIM_BUS_END:
		on_end(c, r);
		break;
	case SIM_BUS_RECEIPT:
		on_receipt(c, r);
		break;
	case SIM_BUS_STATUS:
		on_status(c, r);
		break;
	case SIM_BUS_HOOK:
		on_hook(c, r);
		break;
	case SIM_BUS_OUTCOME:
	case SIM_BUS_HEALED:
		break;
	}
}

struct sim_bus_violation sim_bus_check(const struct sim_bus_history *history)
{
	struct checker *c = calloc(1, sizeof(*c));
	struct sim_bus_violation violation;
	unsigned calls = 0;

	TD_ASSERT(c != NULL);
	c->history = history;
	c->doubt = UINT_MAX;
	ledger_init(&c->ledger, history);
	for (size_t i = 0; i < history->count; i++)
		calls = history->records[i].call > calls ? history->records[i].call : calls;
	c->returns = calloc(calls + 1, sizeof(c->returns[0]));
	c->blurred = calloc(calls + 1, sizeof(c->blurred[0]));
	c->awaited = calloc(calls + 1, sizeof(c->awaited[0]));
	c->receipts = calloc(calls + 1, sizeof(c->receipts[0]));
	c->inside = calloc(calls + 1, sizeof(c->inside[0]));
	TD_ASSERT(c->returns != NULL && c->blurred != NULL && c->awaited != NULL &&
		  c->receipts != NULL && c->inside != NULL);
	for (size_t i = 0; i < history->count; i++) {
		if (history->records[i].act == SIM_BUS_RETURN)
			c->returns[history->records[i].call] = i;
	}
	for (c->at = 0; c->at < history->count; c->at++) {
		c->now_ms = history->records[c->at].now_ms;
		judge(c, &history->records[c->at]);
		if (c->violation.rule != SIM_BUS_RULE_NONE || c->lost || is_tower(c))
			break;
		ledger_look(&c->ledger);
	}
	violation = c->violation;
	violation.judged = c->at;
	ledger_fini(&c->ledger);
	free(c->returns);
	free(c->blurred);
	free(c->awaited);
	free(c->receipts);
	free(c->inside);
	free(c->verdicts);
	free(c);
	return violation;
}

#define NAME(name, meaning)    #name,
#define MEANING(name, meaning) meaning,
static const char *const names[] = {"NONE", SIM_BUS_RULE_TABLE(NAME)};
static const char *const meanings[] = {"", SIM_BUS_RULE_TABLE(MEANING)};

const char *sim_bus_rule_name(enum sim_bus_rule rule)
{
	return names[rule];
}

const char *sim_bus_rule_meaning(enum sim_bus_rule rule)
{
	return meanings[rule];
}
