/*
 * What the files of the checker share: what it knows at a record, and what they do for each other.
 */
#ifndef SIM_BUS_CHECKING_H
#define SIM_BUS_CHECKING_H

#include "base/base.h"
#include "checker.h"
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

static inline const struct sim_bus_sub *sub_of(const struct checker *c, unsigned sub)
{
	return &c->history->subs[sub];
}

static inline struct debt *debt_at(struct checker *c, size_t index)
{
	return &c->ledger.debts[index];
}

static inline bool is_plain_handler(const struct checker *c, unsigned sub)
{
	return sub_of(c, sub)->kind != TD_EVENT_KIND && !sub_of(c, sub)->queued;
}

static inline unsigned attempts_max(const struct checker *c, unsigned sub)
{
	unsigned most = sub_of(c, sub)->retry.attempts_max;

	return most > 1 ? most : 1;
}

/* The handler that runs innermost; NULL: none. */
static inline struct frame *innermost_handler(struct checker *c)
{
	return c->depth >= 2 ? &c->frames[c->depth - 2] : NULL;
}

/* --- checker.c ---------------------------------------------------------------------------- */

void checker_violate(struct checker *c, enum sim_bus_rule rule, const char *format, ...)
	TD_PRINTF(3, 4);
void checker_blur(struct checker *c, size_t cascade, const struct debt *debt);
/* It may be gone, or not: nobody can tell from here. */
void checker_make_optional(struct checker *c, struct debt *debt);
/* So may anything that it holds. */
void checker_make_vague(struct checker *c, unsigned sub);

/* --- owing.c ------------------------------------------------------------------------------ */

bool checker_is_queued(const struct checker *c, unsigned sub, unsigned flags);
/* Room was made for a synchronous delivery. */
void checker_drop_some(struct checker *c, unsigned sub);
/* A publisher waits for room, so that what became of what he publishes is seen late. */
bool checker_is_murky(const struct checker *c);
/* To whom it goes, in the order of subscribing. */
void checker_publish(struct checker *c, unsigned event, unsigned flags, bool announced,
	size_t cascade, unsigned call, size_t *queued);
/* Something is given up, or a command has come to its end: those who ask for it are told. */
void checker_announce(struct checker *c, const struct announced *announced, size_t cascade);
void checker_announce_letter(struct checker *c, const struct debt *debt, int code,
	enum td_class class_, unsigned attempts, size_t cascade, bool optional);
void checker_count_failed(struct checker *c, struct debt *debt);
/* A synchronous delivery for which there is no room. */
void checker_fail_for_room(struct checker *c, size_t index, bool certain);
/* Something is before it in its lane, or holds the lane up. */
bool checker_is_blocked(struct checker *c, const struct debt *debt);
/*
 * A cascade has gone beyond this debt, and its handler was not called. Why not? It waits behind
 * others of its subscription, or there was no room, or nobody is there any more.
 */
void checker_pass_over(struct checker *c, size_t index, enum sim_bus_rule rule);
/* All before `upto` in its cascade must have been dealt with. */
void checker_advance(struct checker *c, size_t cascade, size_t upto, enum sim_bus_rule rule);
void checker_finish(struct checker *c, size_t cascade, enum sim_bus_rule rule);
/* Whether a delivery of a lane belongs to a cascade: a synchronous one of it brought it along. */
bool checker_comes_along(struct checker *c, size_t cascade, unsigned sub);

/* --- beginnings.c ------------------------------------------------------------------------- */

/*
 * The announcement that an event is: bound when it is first seen, to one that this subscription is
 * owed (0: any), or one that the receipt of this call tells of.
 */
unsigned checker_bind(struct checker *c, unsigned sub, unsigned event, unsigned call);
/* A publisher waits for room inside what another runs while he waits. */
bool checker_is_tower(const struct checker *c);
void checker_on_begin(struct checker *c, const struct sim_bus_record *r);

/* --- endings.c ---------------------------------------------------------------------------- */

void checker_on_end(struct checker *c, const struct sim_bus_record *r);

/* --- calls.c ------------------------------------------------------------------------------ */

void checker_on_call(struct checker *c, const struct sim_bus_record *r);

/* --- returns.c ---------------------------------------------------------------------------- */

void checker_on_return(struct checker *c, const struct sim_bus_record *r);

/* --- shown.c ------------------------------------------------------------------------------ */

void checker_on_receipt(struct checker *c, const struct sim_bus_record *r);
void checker_on_status(struct checker *c, const struct sim_bus_record *r);
void checker_on_hook(struct checker *c, const struct sim_bus_record *r);
void checker_on_released(struct checker *c, const struct sim_bus_record *r);
/* Between calls from outside: what ended is released, and the hook has been told of all. */
void checker_between(struct checker *c);
void checker_on_subscribed(struct checker *c, const struct sim_bus_record *r);
void checker_on_unsubscribed(struct checker *c, const struct sim_bus_record *r);

#endif
