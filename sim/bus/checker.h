/*
 * Judges what was seen at the door of a bus by the words of tidings.h, knowing nothing of how it
 * keeps them.
 *
 * It replays the records into what every subscription must be owed at each moment (a *debt* for
 * each event that matched), and names the first rule that a record breaks.
 */
#ifndef SIM_BUS_CHECKER_H
#define SIM_BUS_CHECKER_H

#include "history.h"

/* clang-format off */
#define SIM_BUS_RULE_TABLE(X) \
	X(OWED,     "a handler is called with what it is owed, and not again when that is done") \
	X(ENDED,    "a subscription that ended is not called") \
	X(BREADTH,  "a cascade is handled event by event, each in the order of subscribing") \
	X(LOST,     "when a publish returns its synchronous deliveries have been made") \
	X(ORDER,    "of one lane the oldest that is owed goes first") \
	X(STOPPED,  "a stopped subscription is not called until it is resumed") \
	X(PARKED,   "a parked key waits until it is redriven or dismissed, and these find it") \
	X(ATTEMPTS, "attempts are counted one by one, anew after a stop or a redrive") \
	X(DUE,      "nothing is tried again before its time") \
	X(IDLE,     "a turn that runs nothing leaves nothing that could run") \
	X(FULL,     "a publish is refused if, and only if, a queue is full") \
	X(CODE,     "what a call answers is what happened") \
	X(RECEIPT,  "counts and outcomes of a receipt are what happened") \
	X(AWAIT,    "await and drain end when what they wait for has") \
	X(LETTER,   "what is given up is announced, once, as it was") \
	X(STATUS,   "the status of a subscription is what it is owed") \
	X(RELEASE,  "release is called once, when the handler is called no more, and soon") \
	X(HOOK,     "the hook sees each delivery routed, called, and come to one end") \
	X(CLOSE,    "closing calls no handler and leaves nothing")
/* clang-format on */

enum sim_bus_rule {
	SIM_BUS_RULE_NONE,
#define SIM_BUS_RULE_ENUM(name, meaning) SIM_BUS_RULE_##name,
	SIM_BUS_RULE_TABLE(SIM_BUS_RULE_ENUM)
#undef SIM_BUS_RULE_ENUM
};

struct sim_bus_violation {
	enum sim_bus_rule rule; /* NONE: the history keeps all of them */
	size_t at;              /* index of the record that breaks it */
	char text[200];
	size_t judged; /* records, of those there are: see sim_bus_check() */
};

/*
 * A publisher who waits for room runs what others are owed. Where one of those waits for room, too, it
 * is not to be seen from outside any more whose turn it is: there the checker ends.
 */
struct sim_bus_violation sim_bus_check(const struct sim_bus_history *history);
const char *sim_bus_rule_name(enum sim_bus_rule rule);
const char *sim_bus_rule_meaning(enum sim_bus_rule rule);

#endif
