/*
 * What every subscription is owed: the checker's book. A *debt* is one event owed to one
 * subscription; it is in one state until it is gone. Matching, keys and counts are done here anew,
 * as plainly as they can be.
 */
#ifndef SIM_BUS_LEDGER_H
#define SIM_BUS_LEDGER_H

#include "history.h"

#define NOBODY UINT32_MAX

enum debt_state {
	DEBT_PENDING, /* synchronous: its cascade has not come to it */
	DEBT_WAITING, /* in a lane: never tried, or to be tried again from the beginning */
	DEBT_RUNNING,
	DEBT_RETRYING,
	DEBT_PARKED,
	DEBT_GONE,
};

struct debt {
	unsigned sub;
	unsigned event; /* see ledger_event() */
	unsigned publication;
	unsigned call;    /* whose receipt tells of it; 0: none */
	unsigned cascade; /* of a synchronous one */
	uint64_t number;  /* order in the lane */
	uint64_t key;     /* what must stay in order; 0: nothing */
	enum debt_state state;
	bool sync;     /* not queued by its publisher */
	bool in_lane;  /* it counts against the queue */
	bool entered;  /* the receipt names it */
	bool final;    /* its outcome does not change any more */
	bool optional; /* it may have been dropped: nobody can tell from here */
	bool loose;    /* its publisher waited for room: its place in the lane is not known */
	bool told;     /* a synchronous one: the publisher knows */
	bool refused;  /* it stopped: who asked does not wait until somebody has looked */
	enum td_state outcome;
	int code;
	unsigned attempts;
	unsigned failures; /* that its letter tells of */
	int64_t due_least_ms, due_most_ms;
	unsigned gone_in; /* the outermost call in which it went */
	unsigned since;   /* the same, in which it was made */
};

/* Something that the library must have announced. */
struct announced {
	enum sim_bus_type type;
	unsigned about_sub, about_event;
	int code;
	enum td_class class_;
	unsigned attempts;
	bool optional;  /* nobody can tell from here whether it was */
	unsigned bound; /* the event it was seen as; 0: not seen yet */
};

struct publication {
	unsigned event;
	unsigned flags;
	bool failed; /* a handler failed, and somebody minds */
	bool unsure; /* perhaps one did */
};

/* What one outermost publish, or one delivery of a lane, set off. */
struct cascade {
	unsigned call;           /* with a receipt; 0: none */
	size_t *debts;           /* in order */
	size_t count, cap, next; /* all before `next` are dealt with */
	unsigned last;           /* the subscription it came to last */
	size_t failed;
	size_t completed, queued; /* as its publisher counts */
	bool murky;               /* it waited for room: what ran meanwhile cannot be told apart */
	bool unsure;              /* what it counts cannot be told from here */
};

struct sub_state {
	bool live, ended, released, stopped;
	bool lane;  /* it has one, or may have */
	bool vague; /* nobody can tell from here what became of something it holds */
	unsigned running;
	size_t *debts;
	size_t count, cap, first; /* all before `first` are gone */
	uint64_t completed, failed;
};

struct ledger {
	const struct sim_bus_history *history;
	struct debt *debts;
	size_t debts_count, debts_cap;
	struct announced *announced;
	size_t announced_count, announced_cap;
	unsigned *bound; /* by event: 1 + the announcement it was bound to */
	struct publication *publications;
	size_t publications_count, publications_cap;
	struct cascade *cascades;
	size_t cascades_count, cascades_cap;
	struct sub_state subs[SIM_BUS_SUBS_MAX];
	uint64_t numbers;
	unsigned outermost; /* the number of the outermost call */
};

void ledger_init(struct ledger *ledger, const struct sim_bus_history *history);
void ledger_fini(struct ledger *ledger);

/*
 * Events are known by their number in the history; an announcement that was not seen yet by
 * SIM_BUS_EVENTS_MAX and its number.
 */
enum sim_bus_type ledger_type(const struct ledger *ledger, unsigned event);
bool ledger_matches(const struct ledger *ledger, unsigned sub, unsigned event);
/* What must stay in order; 0: nothing. */
uint64_t ledger_key(const struct ledger *ledger, unsigned sub, unsigned event);

size_t ledger_cascade(struct ledger *ledger, unsigned call);
unsigned ledger_publication(struct ledger *ledger, unsigned event, unsigned flags);
/* A debt of a publication; what is not queued is appended to the cascade. */
size_t ledger_owe(struct ledger *ledger, unsigned sub, unsigned publication, bool queued,
	size_t cascade, unsigned call);
unsigned ledger_announce(struct ledger *ledger, const struct announced *announced);
/* A synchronous debt comes to a lane. */
void ledger_enter_lane(struct ledger *ledger, struct debt *debt);
void ledger_go(struct ledger *ledger, struct debt *debt, enum td_state outcome, int code);
/* Everything a subscription is owed is dropped. */
void ledger_end(struct ledger *ledger, unsigned sub);

/* Places taken in the queue of a subscription: certainly, and perhaps. */
size_t ledger_owed_least(const struct ledger *ledger, unsigned sub);
size_t ledger_owed_most(const struct ledger *ledger, unsigned sub);
/* Parked, with what stands behind: certainly, and perhaps. */
size_t ledger_parked(const struct ledger *ledger, unsigned sub, bool most);
/* What of the same key is before it, and not gone; NULL: nothing. */
const struct debt *ledger_before(const struct ledger *ledger, const struct debt *debt);
/* The same, if it cannot be excluded. */
bool ledger_perhaps_before(const struct ledger *ledger, const struct debt *debt);
/* Something of the same key was done in this call: its lane may learn of it at the end only. */
bool ledger_unsettled(const struct ledger *ledger, const struct debt *debt);
/* Whether it could be called at this time. */
bool ledger_runnable(const struct ledger *ledger, const struct debt *debt, int64_t now_ms);

#endif
