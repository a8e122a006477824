#include "checking.h"

/*
 * The library is called: what that must set off, and what it must answer.
 */

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
		if (!checker_is_queued(c, sub, r->flags & TD_ASYNC)) {
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
			checker_drop_some(c, sub);
	if (code == TD_E_FULL && !may && !waits &&
		!checker_is_murky(c)) /* who waits has places elsewhere */
		checker_violate(c, SIM_BUS_RULE_FULL, "refused, and there is room");
	if ((code == 0 || code == TD_E_HANDLER) && must && !waits)
		checker_violate(c, SIM_BUS_RULE_FULL, "accepted, and there is no room");
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
		checker_violate(
			c, SIM_BUS_RULE_CODE, "%u causes", c->history->events[r->event].depth);
	murky = frame->murky = check_full(c, r, frame->code);
	if (murky) {
		c->ledger.cascades[frame->cascade].murky = true;
		c->blurred[r->call] = true;
	}
	if (frame->code != 0 && frame->code != TD_E_HANDLER)
		return;
	frame->publication = (unsigned)c->ledger.publications_count;
	frame->publications = 1;
	checker_publish(c, r->event, r->flags, false, frame->cascade, r->receipt ? r->call : 0,
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
		checker_violate(
			c, SIM_BUS_RULE_CODE, "%u causes", c->history->events[r->event].depth);
		return;
	}
	if (frame->code == TD_E_LOOP)
		return;
	if ((sub == 0) != (frame->code == TD_E_NO_HANDLER)) {
		checker_violate(c, SIM_BUS_RULE_CODE, "its handler is %u", sub);
		return;
	}
	for (unsigned i = 0; i + 1 < c->depth; i++)
		above = above || (c->frames[i].record->act == SIM_BUS_BEGIN &&
					 c->frames[i].record->sub == sub);
	above = above && request && queued && sub_of(c, sub)->order != TD_ORDER_NONE;
	if (sub != 0 && above != (frame->code == TD_E_DEADLOCK))
		checker_violate(c, SIM_BUS_RULE_CODE, "it %s wait for itself",
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
		checker_make_optional(c, debt_at(c, frame->debt));
}

void checker_on_call(struct checker *c, const struct sim_bus_record *r)
{
	struct frame *frame = &c->frames[c->depth];

	if (c->depth == FRAMES_MAX) {
		checker_violate(c, SIM_BUS_RULE_CODE, "too deep");
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
