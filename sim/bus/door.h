/*
 * The door of a bus as the world goes through it: each call is made, traced, counted and recorded,
 * and so is what handlers see and do. What they do is thrown by dice, like everything else.
 */
#ifndef SIM_BUS_DOOR_H
#define SIM_BUS_DOOR_H

#include "../world.h"
#include "client/client.h"
#include "history.h"

/* clang-format off */
#define SIM_BUS_COUNTERS(X) \
	X(PUBLISHED, "published") \
	X(PUBLISHED_INSIDE, "published in a handler") \
	X(PUBLISHED_ASYNC, "published with TD_ASYNC") \
	X(PUBLISHED_FIRST, "published with TD_STOP_AT_FIRST") \
	X(PUBLISHED_BUILT, "published: an event that was built") \
	X(PUBLISHED_TOPIC, "published on a topic") \
	X(PUBLISHED_WARM, "published again on a topic") \
	X(PUBLISHED_RECEIPT, "published with a receipt") \
	X(FAILED, "published, and a handler failed") \
	X(REFUSED_FULL, "not published: a queue is full") \
	X(REFUSED_LOOP, "not published: too many causes") \
	X(HANDLED, "handled") \
	X(HANDLED_AGAIN, "handled again") \
	X(HANDLED_OBSERVER, "handled by an observer") \
	X(HANDLED_SELECTED, "handled: a selection") \
	X(SAID_RETRY, "said: retry") \
	X(SAID_AFTER, "said: retry, not before") \
	X(SAID_SKIP, "said: skip") \
	X(SAID_PARK, "said: park") \
	X(SAID_STOP, "said: stop") \
	X(SAID_BARE, "failed without a word") \
	X(SAID_OTHERWISE, "failed, and thought better of it") \
	X(LETTER, "a dead letter read") \
	X(OUTCOME, "what became of a command read") \
	X(SUBSCRIBED_INSIDE, "subscribed in a handler") \
	X(ENDED, "unsubscribed") \
	X(ENDED_INSIDE, "unsubscribed in a handler") \
	X(ENDED_SELF, "a handler unsubscribed itself") \
	X(REQUESTED, "requested") \
	X(REQUESTED_INSIDE, "requested in a handler") \
	X(REQUEST_ANSWERED, "answered") \
	X(REQUEST_REFUSED, "a request refused") \
	X(REQUEST_FAILED, "a request failed") \
	X(REQUEST_LATE, "no answer in time") \
	X(COMMANDED, "commanded") \
	X(COMMANDED_INSIDE, "commanded in a handler") \
	X(TURNED, "turned, and something ran") \
	X(TURNED_IDLE, "turned, and nothing ran") \
	X(AWAITED, "awaited") \
	X(AWAITED_LATE, "awaited, and not done yet") \
	X(DRAINED, "drained") \
	X(DRAINED_LATE, "drained, and not done yet") \
	X(REDRIVEN, "redriven") \
	X(DISMISSED, "dismissed") \
	X(RESUMED, "resumed") \
	X(CLOSED_OWING, "closed with something owed") \
	X(HEALED, "healed") \
	X(JUDGED, "judged to the end")
/* clang-format on */

enum sim_bus_counter {
#define SIM_BUS_COUNTER_ENUM(name, text) SIM_BUS_N_##name,
	SIM_BUS_COUNTERS(SIM_BUS_COUNTER_ENUM)
#undef SIM_BUS_COUNTER_ENUM
		SIM_BUS_COUNTERS_COUNT,
};

/* How a handler can end; in thousandths, the rest succeeds. */
enum sim_bus_end {
	SIM_BUS_END_RETRY,
	SIM_BUS_END_AFTER,
	SIM_BUS_END_SKIP,
	SIM_BUS_END_PARK,
	SIM_BUS_END_STOP,
	SIM_BUS_END_BARE,
	SIM_BUS_END_OTHERWISE,
	SIM_BUS_ENDS,
};

/* What a handler can do, and what can be done from outside; the order is that of the weights. */
enum sim_bus_step {
	SIM_BUS_DO_PUBLISH,
	SIM_BUS_DO_REQUEST,
	SIM_BUS_DO_COMMAND,
	SIM_BUS_DO_SUBSCRIBE,
	SIM_BUS_DO_HANDLE,
	SIM_BUS_DO_UNSUBSCRIBE,
	SIM_BUS_DO_REDRIVE,
	SIM_BUS_DO_DISMISS,
	SIM_BUS_DO_RESUME,
	SIM_BUS_DO_TOPIC,
	SIM_BUS_STEPS_INSIDE,
	SIM_BUS_DO_TURN = SIM_BUS_STEPS_INSIDE,
	SIM_BUS_DO_TIME,
	SIM_BUS_DO_AWAIT,
	SIM_BUS_DO_DRAIN,
	SIM_BUS_DO_LOOK,
	SIM_BUS_STEPS,
};

struct sim_bus_config {
	struct td_options options;
	bool hooked, heals;
	unsigned steps, subs_max, events_max;
	unsigned weights[SIM_BUS_STEPS];
	unsigned inside[SIM_BUS_STEPS_INSIDE]; /* in a handler */
	unsigned busy;                         /* a handler does something so often in a thousand */
	unsigned ends[SIM_BUS_ENDS];
	unsigned async, topic, receipt, lane, small; /* so often in a thousand */
	unsigned subjects, types;                    /* so many of them are used */
	int64_t work_ms_max, step_ms_max;
};

struct sim_bus_actor {
	struct sim_bus *bus;
	unsigned number;                      /* of the subscription; 0: none yet */
	struct td_subscription *subscription; /* NULL: it ended */
	bool selects;
};

struct sim_bus_kept {
	struct td_receipt receipt;
	unsigned call; /* that it tells of; 0: none */
	bool busy;
};

struct sim_bus_topic {
	struct td_topic *topic;
	struct td_event *event; /* the last published there, or NULL */
	unsigned type, subject, number;
};

#define SIM_BUS_KEPT   8u
#define SIM_BUS_TOPICS 4u
#define SIM_BUS_DEPTH  6u

struct sim_bus {
	struct sim_world *world;
	struct td *td;
	struct sim_bus_config config;
	struct sim_bus_history history;
	struct sim_bus_actor actors[SIM_BUS_SUBS_MAX];
	struct sim_bus_kept kept[SIM_BUS_KEPT];
	struct sim_bus_topic topics[SIM_BUS_TOPICS];
	char (*ids)[40];   /* of events, by number */
	unsigned *replied; /* by number: the last attempt's reply was taken */
	unsigned calls;
	unsigned
		inside[SIM_BUS_DEPTH + 1]; /* events of the handlers that run, from the outermost */
	unsigned inside_sub[SIM_BUS_DEPTH + 1];
	unsigned depth;
	bool healthy;
};

void sim_bus_open(
	struct sim_bus *bus, struct sim_world *world, const struct sim_bus_config *config);
/* Close and release everything. */
void sim_bus_close(struct sim_bus *bus);

void sim_bus_do(struct sim_bus *bus, enum sim_bus_step step);
void sim_bus_record_status(struct sim_bus *bus);
int sim_bus_turn(struct sim_bus *bus);
int sim_bus_drain(struct sim_bus *bus);
/* Resume and redrive everything; from here on all succeeds. */
void sim_bus_heal(struct sim_bus *bus);
void sim_bus_redrive_all(struct sim_bus *bus);

/* The handler of every subscription; its argument is its actor. actors.c */
int sim_bus_handler(const struct td_event *event, struct td_context *context, void *arg);
/* Which event it is; what the library announced gets a number the first time. actors.c */
unsigned sim_bus_number(struct sim_bus *bus, const struct td_event *event);
unsigned sim_bus_sub_named(const struct sim_bus *bus, struct td_text name);
void sim_bus_add(struct sim_bus *bus, const struct sim_bus_record *record);
unsigned sim_bus_draw(struct sim_world *world, const unsigned *weights, unsigned count);

#endif
