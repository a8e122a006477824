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
	size_t place;     /* in its cascade */
	uint64_t least,
		most; /* the moments between which it came to its lane; see ledger_known() */
	uint64_t key; /* what must stay in order; 0: nothing */
	enum debt_state state;
	bool sync;     /* not queued by its publisher */
	bool in_lane;  /* it counts against the queue */
	bool entered;  /* the receipt names it */
	bool final;    /* its outcome does not change any more */
	bool optional; /* it may have been dropped: nobody can tell from here */
	bool apart;    /* its place in its cascade does not say when it came to its lane */
	bool held; /* a synchronous one: its lane was held up when its cascade may have come to it */
	bool told;    /* a synchronous one: the publisher knows */
	bool refused; /* it stopped: who asked does not wait until somebody has looked */
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
	uint64_t floor; /* what is still to come did not come to a lane before this moment */
	size_t failed;
	size_t completed, queued; /* as its publisher counts */
	bool murky;               /* it waited for room: what ran meanwhile cannot be told apart */
	bool unsure;              /* what it counts cannot be told from here */
};

struct sub_state {
	bool live, ended, released, stopped;
	bool lane;           /* it has one, or may have */
	bool vague;          /* nobody can tell from here what became of something it holds */
	uint64_t since;      /* the moment at which it subscribed */
	bool full;           /* its queue, certainly, */
	uint64_t full_since; /* and since when */
	uint64_t full_last;  /* when it was so the last time, perhaps */
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
	uint64_t moment;    /* order of all that is noted */
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
/*
 * When a debt comes to its lane is seen from outside only if its publisher queued it and did not wait
 * for room. A synchronous one comes when its cascade comes to it: after what is before it there was
 * handled, and before it runs itself, or the cascade is seen to have gone on. In between nobody can
 * tell, and so what it is held against is held only if it is true at both ends.
 */
void ledger_enter_lane(struct ledger *ledger, struct debt *debt);
/* It is somewhere on its way to its lane: its publisher may wait for room. */
void ledger_on_its_way(struct debt *debt);
/* It stands behind all that is in its lane now; or before all of it. */
void ledger_stand_behind(struct ledger *ledger, struct debt *debt);
void ledger_stand_in_front(struct debt *debt);
/*
 * All that is owed from this debt on may have been so since any moment at which `debt` could have come;
 * or not at all, to who was not there all the while.
 */
void ledger_since(struct ledger *ledger, size_t from, const struct debt *debt);
/* What is on its way has come: the call of its publisher is over. */
void ledger_arrived(struct ledger *ledger, unsigned publication);
/* A synchronous debt of a subscription without a lane was handled: its cascade goes on. */
void ledger_went_on(struct ledger *ledger, const struct debt *debt);
void ledger_go(struct ledger *ledger, struct debt *debt, enum td_state outcome, int code);
/* Everything a subscription is owed is dropped. */
void ledger_end(struct ledger *ledger, unsigned sub);

/* Places taken in the queue of a subscription: certainly, and perhaps. */
size_t ledger_owed_least(const struct ledger *ledger, unsigned sub);
size_t ledger_owed_most(const struct ledger *ledger, unsigned sub);
/* To be called after everything that happens: keeps what ledger_was_full() needs. */
void ledger_look(struct ledger *ledger);
/* Whether there was no place in the queue when a synchronous debt came: certainly, or perhaps. */
bool ledger_was_full(const struct ledger *ledger, const struct debt *debt, bool most);
/* Parked, with what stands behind: certainly, and perhaps. */
size_t ledger_parked(const struct ledger *ledger, unsigned sub, bool most);
/* What of the same key is before it, and not gone; NULL: nothing. */
const struct debt *ledger_before(const struct ledger *ledger, const struct debt *debt);
/* The same, if it cannot be excluded. */
bool ledger_perhaps_before(const struct ledger *ledger, const struct debt *debt);
/*
 * A synchronous one, to which its cascade may have come without a sound: it would wait in its lane,
 * and so would all that are before it.
 */
bool ledger_may_have_come(const struct ledger *ledger, const struct debt *debt);
/* A handler before it failed, perhaps, and that was to stop those behind it. */
bool ledger_cut_off(const struct ledger *ledger, const struct debt *debt);
/* Whether others of its key are in its lane now: certainly, or perhaps. */
bool ledger_others(const struct ledger *ledger, const struct debt *debt, bool most);
/* Something of the same key was done in this call: its lane may learn of it at the end only. */
bool ledger_unsettled(const struct ledger *ledger, const struct debt *debt);
/* Whether it could be called at this time. */
bool ledger_runnable(const struct ledger *ledger, const struct debt *debt, int64_t now_ms);

#endif
