/*
 * What the files of the bus share.
 *
 * Locks, and the order in which they may be taken:
 *
 *	bus->lock        interests: trie, subscriptions, handlers, topics, what is retired
 *	  lane->lock     one lane: its machine and what it owes
 *	    bus->run     which lanes want a worker, timers, who sleeps
 *	      book->lock one receipt
 *
 * No lock is held while a handler or a release function runs; a hook may not call the library.
 */
#ifndef TD_BUS_PRIVATE_H
#define TD_BUS_PRIVATE_H

#include "bus/bus.h"

#define TD_QUEUE_DEFAULT  65536u
#define TD_CASCADE_MAX    65536u
#define TD_CAUSES_DEFAULT 100u
#define TD_PARKED_DEFAULT 1024u
#define TD_WORKERS_MAX    256u

struct td_lane;
struct td_retired;

struct td_subscription {
	/* What every publish looks at stands together. */
	_Atomic bool live;
	bool async, observer;
	bool plain;          /* no filter, no select */
	bool hears_own;      /* asked for the library's own events, of types "td...." */
	uint64_t number;     /* order of subscribing */
	td_handler *handler; /* of a typed one: the thunk in cascade.c, with itself as arg */
	void *arg;
	_Atomic(struct td_lane *) lane; /* NULL while synchronous and without trouble */
	struct td_filter *filter;
	struct td_filter *filters;
	struct td_select *select;

	struct td_bus *bus;
	enum td_kind kind; /* TD_EVENT_KIND: an interest; else the handler of that kind */
	char *name;
	char *pattern;
	char **types; /* for a handler: its one type */
	size_t types_count;
	struct td_typed_handler typed;
	void *typed_arg;
	void (*release)(void *arg);
	void *release_arg;

	enum td_order order;
	enum td_when_full when_full;
	size_t queue_max, parked_max;
	struct td_retry retry;
	const struct td_feed *feed; /* its owner feeds it: not in the trie */
	_Atomic uint64_t untold;    /* own events about it that could not be told */
	_Atomic uint64_t since;     /* of what is heard: not what has a smaller number */

	struct td_subscription *prev, *next; /* bus->subscriptions */
	struct td_subscription *same_name;   /* bus->names */
};

struct td_bus {
	struct td *owner;
	const struct td_clock *clock;
	const struct td_random *random;
	bool simulated; /* the world is not the real one: numbers come from `rng` alone */
	struct td_rng rng;
	td_uuid_tick tick;
	uint64_t seed;

	char *source;
	struct td_text source_text;
	bool source_checked;
	bool async;
	unsigned causes_max;
	size_t data_bytes_max;

	_Atomic bool closing;
	_Atomic(const struct td_keeper *) keeper;
	struct td_turns *turns; /* drawn by the keeper */
	_Atomic(td_trace_hook *) trace;
	void *_Atomic trace_arg;

	struct td_mutex lock;
	struct td_trie *trie;   /* written under the lock, read without */
	struct td_map handlers; /* hash of kind and type -> subscription, read under the lock */
	struct td_map names;
	struct td_subscription *subscriptions;
	size_t subscriptions_count;
	uint64_t numbers; /* of subscriptions */
	struct td_topic *topics;
	struct td_retired *_Atomic retired; /* written under the lock */
	_Atomic unsigned reclaiming; /* threads that look after it on their way out; close waits */
	_Atomic size_t letter_interests; /* subscriptions that might want dead letters */

	/* run.c */
	struct td_mutex run;
	struct td_condition wake;    /* workers */
	struct td_condition settled; /* who awaits, drains, or waits for room */
	_Atomic uint64_t settled_count;
	_Atomic unsigned settled_waiters;
	struct td_lane *run_head, *run_tail;
	_Atomic unsigned ready; /* lanes in it */
	struct td_lane *timers;
	unsigned sleepers;
	_Atomic bool stopping;
	unsigned workers_count;
	struct td_thread *workers;
	struct td_loop *loop;
	int64_t place_due; /* under `run`: td_bus_place_due() */
};

/* --- place.c ------------------------------------------------------------------------------ */

uint64_t td_bus_random(struct td_bus *bus);
int64_t td_bus_now_ms(const struct td_bus *bus);
/* Time, id and the rest that a draft leaves open. `uuid` is the caller's 16 bytes. */
void td_bus_origin(struct td_bus *bus, struct td_origin *origin, uint8_t uuid[16],
	enum td_kind kind, const struct td_event *cause);
void td_bus_trace(struct td_bus *bus, enum td_moment moment, enum td_state state,
	const struct td_event *event, const struct td_subscription *subscription, unsigned attempt,
	int code);
static inline bool td_bus_traced(struct td_bus *bus)
{
	return atomic_load_explicit(&bus->trace, memory_order_relaxed) != NULL;
}
/* NULL: nothing is kept. */
static inline const struct td_keeper *td_bus_keeper(struct td_bus *bus)
{
	return atomic_load_explicit(&bus->keeper, memory_order_acquire);
}
/* The delivery that this thread is in, of this bus; NULL: none. */
struct td_context *td_bus_context(struct td_bus *bus);

/* --- check.c ------------------------------------------------------------------------------ */

/* Whether an event can be made of it: what the envelope says of a type, a subject, a source. */
int td_check_draft(struct td_bus *bus, const struct td_draft *draft, struct td_error *err);
/* What no event can have as its type nobody can be interested in, or handle. */
int td_check_type(struct td_bus *bus, const char *type, struct td_error *err);
int td_check_interest(struct td_bus *bus, const struct td_interest *interest, struct td_error *err);

/* --- route.c ------------------------------------------------------------------------------ */

/* Where an event goes: subscriptions that are live and whose filter it passes, in order. */
struct td_route {
	struct td_subscription *subscription;
	struct td_event *selected; /* what `select` made of it, kept; NULL: the event itself */
	int code;                  /* why `select` failed; 0 */
	bool queued;               /* the lane has it (or a place in it is reserved) */
	bool dropped;              /* its queue was full, and the policy is to drop it */
};
struct td_routes {
	struct td_route *at;
	size_t count, cap;
	uint64_t last; /* number of the last one added */
	bool sorted;   /* so far each has a higher number than the one before */
	bool queues;   /* some are asynchronous */
	bool selects;  /* some ask for a smaller event */
	bool selected; /* some see one */
	bool failed;   /* memory ran out */
	struct td_route first[16];
};
void td_routes_init(struct td_routes *routes);
void td_routes_fini(struct td_routes *routes);
bool td_routes_add(struct td_routes *routes, struct td_subscription *subscription);
/* What a match of the trie calls with the routes as `arg`. */
void td_routes_found(void *arg, void *interest);
/* By the order of subscribing. */
void td_routes_sort(struct td_routes *routes);
/* Match, sort, filter, select. The calling thread is inside (td_reader_enter). TD_E_NOMEM. */
int td_routes_find(struct td_routes *routes, struct td_bus *bus, const struct td_event *event);
/* Whether a type is one of the library's own events. */
bool td_bus_is_own(struct td_text type);
/* Whether an event passes the filters of a subscription. */
bool td_bus_passes(const struct td_subscription *subscription, const struct td_event *event);
/* The same for candidates that are there already (a topic's plan). */
int td_routes_narrow(struct td_routes *routes, const struct td_event *event);
/* Whether anybody would get such an event; the calling thread is inside. */
bool td_bus_anyone(struct td_bus *bus, const char *address, const char *type);

/* --- interest.c --------------------------------------------------------------------------- */

/* The one handler of a command or query; the calling thread is inside. NULL: nobody. */
struct td_subscription *td_bus_handler_find(
	struct td_bus *bus, enum td_kind kind, struct td_text type);
/* The lane of a subscription, made if it is the first time. NULL: no memory. */
struct td_lane *td_bus_lane(struct td_subscription *subscription);
void td_bus_free_interests(struct td_bus *bus);

/* --- subscription.c ----------------------------------------------------------------------- */

/* Everything that does not touch the bus. */
int td_subscription_make(struct td_subscription **out, struct td_bus *bus,
	const struct td_interest *interest, td_handler *handler,
	const struct td_typed_handler *typed, void *arg, struct td_error *err);
void td_subscription_free(struct td_subscription *subscription);
/* The same of one that its owner has known: `release` is called. */
void td_subscription_release(struct td_subscription *subscription);
/* Under the lock: name and number. `prefix`: of a name made up where none is asked for. */
int td_subscription_name_it(
	struct td_bus *bus, struct td_subscription *s, const char *prefix, struct td_error *err);
void td_subscription_unname(struct td_bus *bus, struct td_subscription *s);

/* --- topic.c ------------------------------------------------------------------------------ */

/* Topics resolve anew at their next publish. Under the lock. NULL: all of them. */
void td_bus_topics_stale(struct td_bus *bus, const char *pattern);
/* What a topic resolves to now; the calling thread is inside. NULL: no memory. */
const struct td_plan *td_topic_plan(struct td_topic *topic);
void td_bus_free_topics(struct td_bus *bus);

/* --- retired.c ---------------------------------------------------------------------------- */

/* Something taken away while readers may be inside; freed when they have left. */
struct td_retired {
	struct td_retired *next;
	struct td_readers_mark *mark; /* NULL: none could be made yet */
	struct td_subscription *subscription;
	struct td_trie_limbo *limbo;
};

/* Under the lock. The entry was made by the caller beforehand, so that this cannot fail. */
void td_bus_retire(struct td_bus *bus, struct td_retired *retired);
/* Under the lock: the same of what the trie unlinked. */
void td_bus_retire_limbo(struct td_bus *bus);
/* Free what was retired and nobody can be reading any more. No lock may be held. */
void td_bus_reclaim(struct td_bus *bus);
/* Leave; who is the last that something waited for, frees it. */
void td_bus_leave_reader(struct td_bus *bus, struct td_reader *reader);
void td_bus_free_retired(struct td_bus *bus);

/* --- dispatch.c --------------------------------------------------------------------------- */

/* Publish from inside: on the cascade of the running delivery, or at once where there is none. */
int td_bus_announce(struct td_bus *bus, const struct td_draft *draft, const struct td_event *cause,
	struct td_cascade *cascade);
/* A command sent from inside a handler: it runs when the cascade comes to it. */
int td_cascade_later(struct td_bus *bus, struct td_event *event, struct td_subscription *handler,
	struct td_cascade *cascade, struct td_error *err);
/* Begin and end a stretch in which interests may be read; nests. */
struct td_inside {
	struct td_bus *bus;
	struct td_reader *reader;
	struct td_context *context;
	int dirty;
	bool outermost;
};
bool td_bus_enter(struct td_bus *bus, struct td_inside *inside);
void td_bus_leave(struct td_inside *inside);
int td_bus_check_open(struct td_bus *bus, struct td_error *err);

/* --- turn.c ------------------------------------------------------------------------------- */

struct td_turns *td_turns_new(void);
void td_turns_free(struct td_turns *turns);
/* Not drawn: the calls below do nothing, and it may begin. */
void td_turn_init(struct td_turn *turn);
/* Until all before it are admitted. */
void td_turn_wait_admission(struct td_turns *turns, struct td_turn *turn);
/*
 * It is; unless it `stays` to run something it is over. From here and from td_turn_end(): a node
 * whose turn has come and for which nobody waits, to be run by the caller, before anything else.
 */
struct td_node *td_turn_admitted(struct td_turns *turns, struct td_turn *turn, bool stays);
/* Wait, or false: `node` is with who is before, who will run it. */
bool td_turn_begin(
	struct td_turns *turns, struct td_turn *turn, bool may_wait, struct td_node *node);
struct td_node *td_turn_end(struct td_turns *turns, struct td_turn *turn);

/* --- cascade.c ---------------------------------------------------------------------------- */

/* An event published inside a handler, with its routes already found. */
struct td_node {
	struct td_node *next;
	struct td_event *event; /* one reference */
	struct td_turn turn;
	unsigned flags;
	size_t count;
	struct td_route routes[];
};

static inline void td_cascade_init(
	struct td_cascade *cascade, struct td_receipt_book *book, struct td_error *err)
{
	*cascade = (struct td_cascade){.book = book, .err = err};
}

void td_cascade_append(struct td_cascade *cascade, struct td_node *node);
/* A node that waited for its turn runs next: what comes behind it here may wait for it. */
static inline void td_cascade_push(struct td_cascade *cascade, struct td_node *node)
{
	if (node == NULL)
		return;
	if (cascade->head == NULL) {
		td_cascade_append(cascade, node);
		return;
	}
	node->next = cascade->head;
	cascade->head = node;
	cascade->count++;
}

/* Run what waits in it, until it is empty. */
void td_cascade_run(struct td_bus *bus, struct td_cascade *cascade);
/* Call the handler of context->slot, with hooks; the code it answered. */
int td_bus_call(struct td_bus *bus, struct td_context *context);
void td_context_init(struct td_context *context, const struct td_event *event,
	const struct td_slot *slot, struct td_cascade *cascade);
/* The synchronous part of one event. */
void td_cascade_routes(struct td_bus *bus, struct td_cascade *cascade, const struct td_event *event,
	struct td_route *routes, size_t count, unsigned flags);
/* Its queue was full, or it ended, or a handler before it failed. */
void td_cascade_dropped(struct td_bus *bus, struct td_cascade *cascade,
	const struct td_event *event, struct td_subscription *subscription, const char *why);
/* The receipt and the code of a publish, from its cascade. */
int td_cascade_result(struct td_cascade *cascade, struct td_receipt *receipt);
int td_bus_typed_call(const struct td_event *event, struct td_context *context, void *arg);

/* --- accept.c ----------------------------------------------------------------------------- */

/* Beside enum td_publish_flags: said by the library, to whom it may; a full queue goes without. */
#define TD_ANNOUNCED 0x100u

/* One event on its way from found to accepted. */
struct td_accepting {
	const struct td_event *event;
	struct td_routes *routes;
	struct td_event *kept; /* for queues and node; NULL if neither needs it */
	struct td_node *node;  /* where its synchronous part waits; NULL: it runs at once */
	struct td_turn *turn;
};

/* All that can fail: a node if its synchronous part is to wait, places in queues, a kept copy. */
int td_accept_prepare(struct td_bus *bus, struct td_accepting *a, unsigned flags, bool waits,
	struct td_cascade *cascade, struct td_error *err);
/* Back to before td_accept_prepare(): it was refused, or was there already. */
void td_accept_cancel(struct td_accepting *a);
/* Into the queues, and the node, if there is one, into the cascade where it waits. */
void td_accept_commit(struct td_bus *bus, struct td_accepting *a, unsigned flags,
	struct td_cascade *cascade, struct td_cascade *where);
/* For what is to wait in that cascade. */
int td_accept_check_room(const struct td_cascade *later, unsigned flags, struct td_error *err);
/*
 * From routes to accepted: what both roads share. With `later` the synchronous part waits in that
 * cascade (we are inside a handler); otherwise it runs now, in `cascade`.
 */
int td_accept(struct td_bus *bus, const struct td_event *event, struct td_routes *routes,
	unsigned flags, struct td_cascade *cascade, struct td_cascade *later, struct td_error *err);

/* --- receipt.c ---------------------------------------------------------------------------- */

#define TD_BOOK_NONE SIZE_MAX

struct td_receipt_book;
/* As at the beginning: a receipt tells of its last publish, and of none if that was refused. */
void td_receipt_empty(struct td_receipt *receipt);
/* A book for this publish: the receipt's own if nobody else holds it, else a new one. */
int td_book_open(struct td_receipt *receipt, struct td_bus *bus, const struct td_event *event,
	struct td_receipt_book **book, struct td_error *err);
void td_book_ref(struct td_receipt_book *book);
void td_book_unref(struct td_receipt_book *book);
/* Its event is kept there. */
void td_book_where(struct td_receipt_book *book, const struct td_kept *kept);
/* Note an outcome; its number, or TD_BOOK_NONE if memory ran out. QUEUED and STOPPED are pending. */
size_t td_book_add(struct td_receipt_book *book, const struct td_event *event,
	const struct td_subscription *subscription, enum td_state state, int code,
	const char *reason);
/* What a queued one came to. `done`: it is not pending any more. */
void td_book_settle(struct td_receipt_book *book, size_t number, enum td_state state, int code,
	const char *reason, bool done);
size_t td_book_pending(struct td_receipt_book *book);
/* Monotonic ns at which a timeout passes; INT64_MAX for a negative one. Real time: threads wait. */
int64_t td_deadline_ns(int64_t timeout_ms);
/*
 * One step of waiting for what workers, or our own turns of the loop, bring about. `seen`: the
 * count of td_run_settled_count() before the caller looked. false: the deadline passed.
 */
bool td_bus_wait_step(struct td_bus *bus, uint64_t seen, int64_t deadline);

/* --- lane.c ------------------------------------------------------------------------------- */

/* A publisher that waits, on its own stack, for what became of a synchronous delivery. */
struct td_sync {
	enum td_state state;
	int code;
	bool done;
	char reason[TD_ERROR_TEXT_BYTES];
};

/* Something that a lane owes. */
struct td_owed {
	struct td_event *event;       /* one reference */
	struct td_receipt_book *book; /* one reference, or NULL */
	size_t book_number;
	struct td_request_state *request; /* who waits for the answer, or NULL */
	struct td_attempts *attempts;     /* of those that failed, or NULL */
	struct td_sync *sync; /* who waits on this thread, or NULL; under the lane's lock */
	uint64_t number;      /* of what was fed */
};

/* Shared here because letters tell them. */
#define TD_ATTEMPTS_KEPT 8u
struct td_attempt {
	td_time at;
	int code;
	char reason[120];
};
struct td_attempts {
	unsigned first; /* number of the oldest kept */
	unsigned count; /* kept */
	struct td_attempt kept[TD_ATTEMPTS_KEPT];
};

struct td_lane *td_lane_new(struct td_subscription *subscription);
void td_lane_free(struct td_lane *lane);
/*
 * A place in the queue, by the policy when it is full. `may_wait`: the thread is in no handler.
 * TD_E_FULL, TD_E_CLOSED. *dropped: by the policy this one is to be dropped.
 */
int td_lane_reserve(struct td_lane *lane, bool may_wait, bool *dropped);
void td_lane_unreserve(struct td_lane *lane);
/* Something was not even queued. */
void td_lane_count_dropped(struct td_lane *lane);
/* Put something in a reserved place; takes the references. Cannot fail. */
void td_lane_push(struct td_lane *lane, const struct td_owed *owed);
/* Run what may run, on this thread, inside `cascade` or each with its own (NULL); how many ran. */
size_t td_lane_run(struct td_lane *lane, size_t most, struct td_cascade *cascade);
/* A synchronous delivery of a subscription that has a lane: what became of it so far. */
enum td_state td_lane_deliver(
	struct td_lane *lane, struct td_owed *owed, struct td_cascade *cascade);
/*
 * A plain delivery failed with TD_PARK or TD_STOP: the lane holds it from now on. PARKED or STOPPED;
 * QUEUED if others of its key came into the lane meanwhile: it is delivered again in its turn, and
 * says what it has to say then. FAILED: there is no room, nothing was taken.
 */
enum td_state td_lane_take_over(struct td_lane *lane, struct td_owed *owed, enum td_class class_,
	struct td_context *context, int code);
/* The handler being called out of this batch is about to wait: others may run the rest of it. */
void td_lane_lend(struct td_batch *batch);
void td_lane_clear(struct td_lane *lane);
/* Nothing waits, runs or is to be retried, but for what a stopped or parked key holds. */
bool td_lane_idle(struct td_lane *lane, uint64_t *activity);
void td_lane_verify(struct td_lane *lane);

/* --- run.c -------------------------------------------------------------------------------- */

int td_run_start(struct td_bus *bus, unsigned workers, struct td_error *err);
void td_run_stop(struct td_bus *bus);
/* The lane has work; any thread, with or without its lock. */
void td_run_schedule(struct td_bus *bus, struct td_lane *lane);
/* When the lane has work without anything happening; INT64_MAX: never. */
void td_run_timer(struct td_bus *bus, struct td_lane *lane, int64_t due_ms);
/* The same, at that time at the latest. */
void td_run_timer_by(struct td_bus *bus, struct td_lane *lane, int64_t due_ms);
/* Out of all lists, for ever. */
void td_run_forget(struct td_bus *bus, struct td_lane *lane);
/* Somebody may be waiting for something to be settled. */
void td_run_settled(struct td_bus *bus);
/* Wait for that; deadline in monotonic ns. The caller checks its condition again. */
bool td_run_wait_settled(struct td_bus *bus, uint64_t seen, int64_t deadline);
uint64_t td_run_settled_count(struct td_bus *bus);
/* Run what is due now, on this thread; how many deliveries. */
size_t td_run_turn(struct td_bus *bus);
/* So many ran on this thread: told by each stretch, for the turn that it is part of. */
void td_run_count(const struct td_bus *bus, size_t ran);

/* What run.c keeps of a lane; a member of it. */
struct td_run_links {
	struct td_lane *next;       /* run queue */
	struct td_lane *timer_next; /* timers */
	int64_t due_ms;
	bool queued, timed, forgotten;
};

/* --- letter.c ----------------------------------------------------------------------------- */

/* Announce that a delivery was given up, if anybody listens and the event is no letter itself. */
void td_letter_announce(struct td_subscription *subscription, const struct td_event *event,
	enum td_class class_, int code, const char *reason, const struct td_attempts *attempts,
	struct td_cascade *cascade);

/* The same of what became of a command: done (code 0), refused or failed. */
void td_letter_outcome(struct td_subscription *handler, const struct td_event *command,
	const struct td_context *context, int code);

/* --- request.c ---------------------------------------------------------------------------- */

/* A command sent from inside a handler, when the cascade comes to it. */
void td_command_run(struct td_bus *bus, struct td_subscription *handler,
	const struct td_event *command, struct td_cascade *cascade);
/* The answer, told to who waits; drops one reference. `context` may be NULL (dropped, failed). */
void td_request_settle(struct td_request_state *request, int code, const char *reason);
/* It will be tried again: what the failed attempt replied is forgotten. */
void td_request_again(struct td_request_state *request);

#endif
