/*
 * Judges a history of deliveries by the promises at the door, knowing nothing of the machine.
 *
 * It replays the records into what must be owed at each moment, and names the first rule that a
 * record breaks. Its own test breaks every rule once.
 */
#ifndef SIM_DELIVERY_CHECKER_H
#define SIM_DELIVERY_CHECKER_H

#include "history.h"

/* clang-format off */
#define SIM_RULE_TABLE(X) \
	X(KNOWN,    "a token is admitted once, and only what was admitted is spoken of") \
	X(GONE,     "what is gone goes once, and is never seen again") \
	X(TICKET,   "what is taken was not running; what is settled or returned was") \
	X(ONE,      "of one key no more run than together_max, those behind the first only for whoever has it") \
	X(ORDER,    "only the oldest of a key that is not gone is taken") \
	X(ATTEMPTS, "attempts are counted one by one, anew after a stop or a redrive, up to the most") \
	X(DUE,      "nothing is tried again before its time") \
	X(SCHEDULE, "a wait is what backoff says, and not shorter than Retry-After") \
	X(VERDICT,  "what becomes of it follows from what was said") \
	X(WITHDRAW, "what runs behind one that is retried, parked, stopped at or returned comes back untried") \
	X(STOPPED,  "nothing is taken while stopped") \
	X(PARKED,   "what is parked waits for a redrive or a dismissal, and these find it") \
	X(RUNNING,  "no more run than running_max") \
	X(RATE,     "no more are taken than the rate allows") \
	X(BOUND,    "admission is refused exactly at owed_max, or for a parked key at parked_max") \
	X(DROP,     "dropped is the oldest that was never tried, unless it is parked") \
	X(CLEAR,    "a clear leaves what is running, and nothing else") \
	X(COUNTS,   "the counts are those of the history") \
	X(IDLE,     "a take gives nothing only if nothing may run") \
	X(NEXT,     "next_ms is when a take gives something, not later and not earlier") \
	X(FAIR,     "what may run is not passed over again and again") \
	X(LOST,     "at the end what is not gone is owed") \
	X(STUCK,    "when all is healed everything ends in bounded time")
/* clang-format on */

enum sim_rule {
	SIM_RULE_NONE,
#define SIM_RULE_ENUM(name, meaning) SIM_RULE_##name,
	SIM_RULE_TABLE(SIM_RULE_ENUM)
#undef SIM_RULE_ENUM
};

struct sim_violation {
	enum sim_rule rule; /* NONE: the history keeps all of them */
	size_t at;          /* index of the record that breaks it */
	char text[160];
};

/* `options` as they were given to the machine. */
struct sim_violation sim_check(
	const struct td_delivery_options *options, const struct sim_history *history);
const char *sim_rule_name(enum sim_rule rule);
const char *sim_rule_meaning(enum sim_rule rule);

#endif
