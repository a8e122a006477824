#include "checking.h"

#include <string.h>

/*
 * Calls return: whether with what they had to, and whether all is done by then that was to be.
 */

static void check_idle(struct checker *c)
{
	for (unsigned sub = 1; sub < c->history->subs_count; sub++) {
		const struct sub_state *s = &c->ledger.subs[sub];

		for (size_t i = s->first; i < s->count; i++) {
			const struct debt *debt = debt_at(c, s->debts[i]);

			if (debt->in_lane && ledger_runnable(&c->ledger, debt, c->now_ms))
				checker_violate(c, SIM_BUS_RULE_IDLE,
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
			checker_violate(
				c, SIM_BUS_RULE_CODE, "in a handler nothing has failed yet");
		return;
	}
	if ((code == 0 || code == TD_E_HANDLER) && !cascade->murky && !cascade->unsure &&
		failed != (code == TD_E_HANDLER))
		checker_violate(c, SIM_BUS_RULE_CODE, "%zu handlers failed", cascade->failed);
	if (code != 0 && code != TD_E_HANDLER && code != TD_E_FULL && code != TD_E_LOOP)
		checker_violate(c, SIM_BUS_RULE_CODE, "%s", td_error_name(code));
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
		checker_violate(c, SIM_BUS_RULE_CODE, "%s was expected", td_error_name(expected));
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
		checker_violate(c, SIM_BUS_RULE_CODE, "%s was expected", td_error_name(expected));
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
		checker_violate(c, SIM_BUS_RULE_AWAIT, "%u deliveries are not done", open);
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
		checker_violate(c, SIM_BUS_RULE_AWAIT, "%u deliveries are owed", open);
}

/* A lane is about to go on; what a cascade has come to in silence did not wait in vain. */
static void note_held(struct checker *c, unsigned sub)
{
	const struct sub_state *s = &c->ledger.subs[sub];

	for (size_t i = s->first; i < s->count; i++) {
		struct debt *debt = debt_at(c, s->debts[i]);

		debt->held = debt->held || (ledger_may_have_come(&c->ledger, debt) &&
						   checker_is_blocked(c, debt));
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
		checker_violate(c, SIM_BUS_RULE_PARKED, "%u are parked", found);
}

static void resume(struct checker *c, const struct sim_bus_record *r, int code)
{
	struct sub_state *s = &c->ledger.subs[r->sub];

	note_held(c, r->sub);
	if (s->vague)
		return;
	if (code != (s->stopped ? 0 : TD_E_INVALID))
		checker_violate(
			c, SIM_BUS_RULE_STOPPED, "it is %sstopped", s->stopped ? "" : "not ");
	s->stopped = false;
}

static void return_close(struct checker *c)
{
	for (unsigned sub = 1; sub < c->history->subs_count; sub++) {
		struct sub_state *s = &c->ledger.subs[sub];

		s->live = false;
		ledger_end(&c->ledger, sub);
		if (!s->released)
			checker_violate(
				c, SIM_BUS_RULE_RELEASE, "subscription %u was never released", sub);
	}
}

void checker_on_return(struct checker *c, const struct sim_bus_record *r)
{
	struct frame frame = c->frames[c->depth - 1];
	bool waits = r->what == SIM_BUS_AWAIT || r->what == SIM_BUS_DRAIN;

	/* All that began inside is over. */
	for (size_t i = c->ledger.cascades_count; i-- > frame.first_cascade;)
		checker_finish(c, i, SIM_BUS_RULE_LOST);
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
			checker_violate(c, SIM_BUS_RULE_CODE, "something ran");
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
		checker_violate(c, SIM_BUS_RULE_CODE, "%s", td_error_name(r->code));
	if ((r->what == SIM_BUS_TURN && r->code == 0) || (waits && r->code == TD_E_TIMEOUT))
		check_idle(c);
	c->depth--;
}
