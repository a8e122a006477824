/*
 * The door of the machine as the world goes through it: each call is made on the machine and on the
 * model, compared, traced, counted and recorded.
 */
#ifndef SIM_DELIVERY_DOOR_H
#define SIM_DELIVERY_DOOR_H

#include "../world.h"
#include "delivery/delivery.h"
#include "history.h"
#include "model.h"

/* clang-format off */
#define SIM_DELIVERY_COUNTERS(X) \
	X(ADMITTED, "admitted") \
	X(ADMITTED_BLOCKED, "admitted behind its key") \
	X(ADMITTED_PARKED, "admitted behind a parked key") \
	X(REFUSED_OWED, "refused: owed_max") \
	X(REFUSED_PARKED, "refused: parked_max") \
	X(TAKEN, "taken") \
	X(TAKEN_RETRY, "taken for another attempt") \
	X(TAKEN_BETWEEN, "taken though a retry was due") \
	X(TAKEN_BEHIND, "taken behind another of its key") \
	X(BEHIND_NONE, "nothing behind it: no more of its key") \
	X(BEHIND_TOGETHER, "nothing behind it: together_max") \
	X(BEHIND_OTHER, "nothing behind it: stopped, running_max or rate") \
	X(NOTHING_OWED, "nothing to take: nothing waits") \
	X(NOTHING_STOPPED, "nothing to take: stopped") \
	X(NOTHING_RUNNING, "nothing to take: running_max") \
	X(NOTHING_RATE, "nothing to take: rate") \
	X(NEXT_KEPT, "next_ms waited for and found true") \
	X(DONE, "done") \
	X(SKIPPED, "skipped") \
	X(RETRIED, "retried") \
	X(RETRIED_AFTER, "retried not before a given time") \
	X(EXHAUSTED_SKIPPED, "attempts used up: skipped") \
	X(EXHAUSTED_PARKED, "attempts used up: parked") \
	X(EXHAUSTED_STOPPED, "attempts used up: stopped") \
	X(PARKED, "parked") \
	X(PARKED_WITH_MORE, "parked with others behind") \
	X(PARKED_BEYOND, "parked beyond the bound") \
	X(PARKED_STOPPED, "parking place full: stopped") \
	X(STOPPED, "stopped") \
	X(STOPPED_BESIDE, "stopped while others run") \
	X(RETURNED, "returned") \
	X(RETURNED_RETRY, "returned on a later attempt") \
	X(RETURNED_RUN, "returned with others of its run") \
	X(RETURNED_BEHIND, "returned behind another of its run") \
	X(SETTLED_RUN, "done or skipped, its run goes on") \
	X(WITHDRAWN_RETRY, "retried, its run withdrawn") \
	X(WITHDRAWN_PARKED, "parked, its run withdrawn") \
	X(WITHDRAWN_STOPPED, "stopped, its run withdrawn") \
	X(CLEARED_RUN, "cleared but for a run") \
	X(REDRIVEN, "redriven") \
	X(REDRIVEN_NOT, "redrive of what is not parked") \
	X(DISMISSED, "dismissed") \
	X(DISMISSED_NOT, "dismissal of what is not parked") \
	X(RESUMED, "resumed") \
	X(DROPPED, "dropped") \
	X(DROPPED_BLOCKED, "dropped behind its key") \
	X(DROPPED_NOT, "nothing to drop") \
	X(CLEARED_ALL, "cleared while none runs") \
	X(CLEARED_RUNNING, "cleared while some run") \
	X(HEALED, "healed with something owed") \
	X(HEALED_PARKED, "healed with something parked") \
	X(HEALED_STOPPED, "healed while stopped") \
	X(TIME_BACK, "a clock stepped back")
/* clang-format on */

enum sim_delivery_counter {
#define SIM_COUNTER_ENUM(name, text) SIM_##name,
	SIM_DELIVERY_COUNTERS(SIM_COUNTER_ENUM)
#undef SIM_COUNTER_ENUM
		SIM_DELIVERY_COUNTERS_COUNT,
};

struct sim_door {
	struct sim_world *world;
	struct td_delivery_options options;
	struct td_delivery *delivery;
	struct sim_model *model; /* NULL: without one */
	struct sim_history history;
	bool healthy; /* nothing fails any more */
};

void sim_door_init(
	struct sim_door *door, struct sim_world *world, const struct td_delivery_options *options);
void sim_door_fini(struct sim_door *door);

bool sim_door_admit(struct sim_door *door, uint64_t token, uint64_t key);
bool sim_door_take(struct sim_door *door, int64_t now_ms, struct td_due *due);
/* `of` was taken; false: nothing behind it. */
bool sim_door_take_behind(
	struct sim_door *door, const struct td_due *of, int64_t now_ms, struct td_due *due);
struct td_settled sim_door_settle(struct sim_door *door, const struct td_due *due,
	enum td_settle settle, int64_t after_ms, double unit, int64_t now_ms);
/* How many came back. */
size_t sim_door_return(struct sim_door *door, const struct td_due *due);
int64_t sim_door_next_ms(struct sim_door *door, int64_t now_ms);
bool sim_door_redrive(struct sim_door *door, uint64_t key);
bool sim_door_dismiss(struct sim_door *door, uint64_t key);
/* The key of the n-th parked head; false: there are no so many. */
bool sim_door_parked(struct sim_door *door, size_t n, uint64_t *key);
void sim_door_resume(struct sim_door *door);
bool sim_door_drop(struct sim_door *door);
/* run_longest: how many of one key run. */
void sim_door_clear(struct sim_door *door, size_t run_longest);
/* Compare, verify, record; what is owed now. */
struct td_delivery_counts sim_door_counts(struct sim_door *door);
/* The last record. healed: all was healthy, and time enough has passed. */
void sim_door_end(struct sim_door *door, bool healed);

#endif
