#include "checking.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * The checker goes over the records, one by one, and each goes to whom it concerns; and it accuses.
 */

/* --- accusing ----------------------------------------------------------------------------- */

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

void checker_violate(struct checker *c, enum sim_bus_rule rule, const char *format, ...)
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

void checker_blur(struct checker *c, size_t cascade, const struct debt *debt)
{
	c->doubt = c->ledger.outermost;
	if (cascade != NO_CASCADE) {
		c->ledger.cascades[cascade].unsure = true;
		c->blurred[c->ledger.cascades[cascade].call] = true;
	}
	c->blurred[debt->call] = true;
}

void checker_make_optional(struct checker *c, struct debt *debt)
{
	debt->optional = true;
	c->blurred[debt->call] = true;
	c->doubt = c->ledger.outermost;
}

void checker_make_vague(struct checker *c, unsigned sub)
{
	c->ledger.subs[sub].vague = true;
	c->doubt = c->ledger.outermost;
}

/* --- all of it ---------------------------------------------------------------------------- */

static void judge(struct checker *c, const struct sim_bus_record *r)
{
	if (c->depth == 0 && (r->act == SIM_BUS_CALL || r->act == SIM_BUS_STATUS))
		checker_between(c);
	switch (r->act) {
	case SIM_BUS_SUBSCRIBED:
		checker_on_subscribed(c, r);
		break;
	case SIM_BUS_UNSUBSCRIBED:
		checker_on_unsubscribed(c, r);
		break;
	case SIM_BUS_RELEASED:
		checker_on_released(c, r);
		break;
	case SIM_BUS_CALL:
		checker_on_call(c, r);
		break;
	case SIM_BUS_RETURN:
		checker_on_return(c, r);
		break;
	case SIM_BUS_BEGIN:
		checker_on_begin(c, r);
		break;
	case SIM_BUS_END:
		checker_on_end(c, r);
		break;
	case SIM_BUS_RECEIPT:
		checker_on_receipt(c, r);
		break;
	case SIM_BUS_STATUS:
		checker_on_status(c, r);
		break;
	case SIM_BUS_HOOK:
		checker_on_hook(c, r);
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
		if (c->violation.rule != SIM_BUS_RULE_NONE || c->lost || checker_is_tower(c))
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
