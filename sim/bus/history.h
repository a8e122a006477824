/*
 * What was seen at the door of a bus, one record for each call and each thing it told, in order;
 * and what was asked of it, in plain tables. The checker gets nothing else.
 *
 * Subscriptions and events have numbers from 1, those of the sim. What the library itself announced
 * gets its number when it is first seen.
 */
#ifndef SIM_BUS_HISTORY_H
#define SIM_BUS_HISTORY_H

#include "tidings/tidings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- what there is ------------------------------------------------------------------------ */

/* Types: of events, of what the library announces, of commands and queries. */
enum sim_bus_type {
	SIM_BUS_TYPE_A,
	SIM_BUS_TYPE_D = 3,
	SIM_BUS_TYPE_LETTER,
	SIM_BUS_TYPE_DONE,
	SIM_BUS_TYPE_REFUSED,
	SIM_BUS_TYPE_FAILED,
	SIM_BUS_TYPE_COMMAND,    /* and one more */
	SIM_BUS_TYPE_QUERY = 10, /* and one more */
	SIM_BUS_TYPES = 12,
};
#define SIM_BUS_EVENT_TYPES 4u
#define SIM_BUS_SUBJECTS    6u
#define SIM_BUS_PATTERNS    9u
extern const char *const sim_bus_types[SIM_BUS_TYPES];
extern const char *const sim_bus_subjects[SIM_BUS_SUBJECTS];
extern const char *const sim_bus_patterns[SIM_BUS_PATTERNS];

enum sim_bus_filter { SIM_BUS_ALL, SIM_BUS_EU, SIM_BUS_NOT_EU, SIM_BUS_NOT_A, SIM_BUS_FILTERS };

struct sim_bus_sub {
	enum td_kind kind; /* TD_EVENT_KIND: a subscription; else the handler of `types` */
	unsigned pattern;
	unsigned types; /* bits; 0: any */
	enum sim_bus_filter filter;
	bool queued; /* asynchronous */
	bool observer;
	enum td_order order;
	size_t queue_max;  /* never 0 */
	size_t parked_max; /* never 0 */
	enum td_when_full when_full;
	struct td_retry retry;
	char name[64];
};

struct sim_bus_event {
	enum td_kind kind;
	enum sim_bus_type type;
	unsigned subject;
	bool eu;
	unsigned cause; /* an event; 0: none */
	unsigned root;  /* whose story it is in */
	unsigned depth; /* causes before it */
	/* Of what the library announced, as it told it: */
	unsigned about_sub, about_event;
	int code;
	enum td_class class_;
	unsigned attempts;
};

/* --- what happened ------------------------------------------------------------------------ */

enum sim_bus_act {
	SIM_BUS_SUBSCRIBED,   /* sub */
	SIM_BUS_UNSUBSCRIBED, /* sub; the call is over */
	SIM_BUS_RELEASED,     /* sub */
	SIM_BUS_CALL,         /* what, call; event, flags, receipt; sub, subject */
	SIM_BUS_RETURN,       /* what, call; code */
	SIM_BUS_BEGIN,        /* a handler is called: sub, event, attempt */
	SIM_BUS_END,          /* and returned: code, class_, after_ms, refused */
	SIM_BUS_RECEIPT,      /* call; completed, failed, queued; `count` outcomes follow */
	SIM_BUS_OUTCOME,      /* call, sub, event, state, code */
	SIM_BUS_STATUS,       /* sub, status */
	SIM_BUS_HOOK,         /* moment, state, sub, event, attempt, code */
	SIM_BUS_HEALED, /* from here on no handler fails; what was parked or stopped goes on */
};

enum sim_bus_what {
	SIM_BUS_PUBLISH,
	SIM_BUS_REQUEST, /* commands and queries; flags: the timeout is 0 */
	SIM_BUS_COMMAND,
	SIM_BUS_TURN,  /* code: how many ran */
	SIM_BUS_AWAIT, /* call: of its receipt */
	SIM_BUS_DRAIN,
	SIM_BUS_REDRIVE, /* sub, subject (SIM_BUS_SUBJECTS: all) */
	SIM_BUS_DISMISS,
	SIM_BUS_RESUME,
	SIM_BUS_CLOSE,
};

struct sim_bus_record {
	enum sim_bus_act act;
	enum sim_bus_what what;
	int64_t now_ms;
	unsigned call, sub, event, subject;
	unsigned flags, attempt, count;
	bool receipt, refused;
	int code;
	enum td_class class_;
	enum td_state state;
	enum td_moment moment;
	int64_t after_ms;
	size_t completed, failed, queued;
	struct td_subscription_status status;
};

#define SIM_BUS_SUBS_MAX   64u
#define SIM_BUS_EVENTS_MAX 4096u

struct sim_bus_history {
	unsigned causes_max;
	bool hooked; /* the hook was set from the beginning to the end */
	struct sim_bus_sub subs[SIM_BUS_SUBS_MAX];
	size_t subs_count; /* numbers are 1 to below this */
	struct sim_bus_event *events;
	size_t events_count;
	struct sim_bus_record *records;
	size_t count, cap;
};

void sim_bus_history_init(struct sim_bus_history *history);
void sim_bus_history_fini(struct sim_bus_history *history);
void sim_bus_history_add(struct sim_bus_history *history, const struct sim_bus_record *record);
const char *sim_bus_act_name(const struct sim_bus_record *record);

#endif
