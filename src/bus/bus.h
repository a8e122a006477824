/*
 * bus: dispatch inside a process, the place "mem:".
 *
 * What is synchronous and plain is a walk over an array, on the publisher's thread. What is
 * asynchronous, retried, parked or stopped goes through a *lane*, one for a subscription, which
 * drives a delivery machine. src/bus/README.md tells the whole on one page.
 *
 * Each function here is what tidings.h says of its public namesake; src/client forwards to it.
 */
#ifndef TD_BUS_H
#define TD_BUS_H

#include "delivery/delivery.h"
#include "sys/sys.h"
#include "tidings/log.h"
#include "tidings/tidings.h"

#include <stdarg.h>

struct td_bus;

/* What the bus takes from the world; NULL: the real one. */
struct td_world {
	const struct td_clock *clock;
	const struct td_random *random;
	const struct td_disk *disk; /* not the bus's: of who keeps what is published */
};

/* `owner` is what td_context_place() answers in handlers. */
int td_bus_open(struct td_bus **bus, struct td *owner, const struct td_world *world,
	const struct td_options *options, struct td_error *err);
int td_bus_close(struct td_bus *bus);

int td_bus_publish(struct td_bus *bus, const struct td_draft *draft, unsigned flags,
	struct td_receipt *receipt, struct td_error *err);
int td_bus_publish_event(struct td_bus *bus, struct td_event *event, unsigned flags,
	struct td_receipt *receipt, struct td_error *err);

/* How a typed handler is called: the trampoline that its declaration generated. */
struct td_typed_handler {
	const struct td_type *type; /* NULL: not typed */
	void (*handler)(void);
	int (*call)(
		void (*handler)(void), const void *object, struct td_context *context, void *arg);
};

int td_bus_subscribe(struct td_bus *bus, const struct td_interest *interest, td_handler *handler,
	const struct td_typed_handler *typed, void *arg, struct td_subscription **subscription,
	struct td_error *err);
int td_bus_handle(struct td_bus *bus, enum td_kind kind, const char *type, td_handler *handler,
	const struct td_typed_handler *typed, void *arg, const struct td_interest *interest,
	struct td_subscription **subscription, struct td_error *err);
void td_bus_unsubscribe(struct td_subscription *subscription);
struct td_text td_bus_subscription_name(const struct td_subscription *subscription);
void td_bus_status(struct td_subscription *subscription, struct td_subscription_status *status);
int td_bus_redrive(struct td_subscription *subscription, const char *subject, struct td_error *err);
int td_bus_dismiss(struct td_subscription *subscription, const char *subject, struct td_error *err);
int td_bus_resume(struct td_subscription *subscription, struct td_error *err);

int td_bus_request(struct td_bus *bus, enum td_kind kind, const struct td_draft *draft,
	int64_t timeout_ms, struct td_event **reply, struct td_error *err);
int td_bus_command(struct td_bus *bus, const struct td_draft *draft, struct td_receipt *receipt,
	struct td_error *err);
int td_bus_reply(struct td_context *context, const struct td_draft *draft, struct td_error *err);

int td_bus_await(
	struct td_bus *bus, struct td_receipt *receipt, int64_t timeout_ms, struct td_error *err);
int td_bus_drain(struct td_bus *bus, int64_t timeout_ms, struct td_error *err);
int td_bus_loop_fd(struct td_bus *bus);
int td_bus_loop_turn(struct td_bus *bus, int64_t timeout_ms);
/* To wake it, and to watch for connections of the place around the bus (td_loop_watch). */
struct td_loop *td_bus_loop(struct td_bus *bus);
/*
 * The place around the bus wants its own turn by then (monotonic ns; INT64_MAX: never): the descriptor
 * becomes readable. It stays so until another time is told.
 */
void td_bus_place_due(struct td_bus *bus, int64_t deadline);
/* Until when td_bus_loop_turn() has nothing to do unless something happens; monotonic ms. */
int64_t td_bus_due_ms(struct td_bus *bus);
void td_bus_trace_set(struct td_bus *bus, td_trace_hook *hook, void *arg);
/* Assert every invariant of the bus and of each lane's machine. No handler may be running. */
void td_bus_verify(struct td_bus *bus);

size_t td_bus_receipt_outcomes(struct td_receipt *receipt, const struct td_outcome **outcomes);
const struct td_event *td_bus_receipt_event(const struct td_receipt *receipt);
void td_bus_receipt_fini(struct td_receipt *receipt);

/* --- keeping ------------------------------------------------------------------------------ */

/*
 * A place that stores what is published has a keeper. It is asked last of all: the event is made,
 * its routes are found, a place in each queue is taken; and before anybody hears of it. So what it
 * refuses was not published, and what is heard of is kept.
 *
 * Turns: per address, events come into the queues and to the synchronous handlers in the order in
 * which the keeper drew their turns, whichever threads published them. Only a thread that is in no
 * handler waits for its turn; what comes out of turn elsewhere is run by who was before it.
 */
struct td_turns;
struct td_node;
struct td_turn {
	struct td_turn *prev, *next; /* of its stripe */
	struct td_node *node;        /* nobody waits: who is before runs this */
	unsigned stripe;
	bool drawn, admitted;
};
/* Under a lock of the caller's, which is the order; and its undoing, if nothing came of it. */
void td_turn_draw(struct td_turns *turns, struct td_turn *turn, struct td_text address);
void td_turn_withdraw(struct td_turns *turns, struct td_turn *turn);

/* What the keeper says of each event. */
struct td_kept {
	struct td_turn *turn; /* given; to be drawn for what is stored and was not there */
	bool stored;
	bool duplicate; /* it was there before: nobody hears of it again */
	struct td_where where;
	int refused;    /* where keep() fails: the code, at the one it was for; all others 0 */
	uint64_t found; /* with TD_E_REVISION */
};
struct td_keeping {
	const struct td_event *const *events;
	size_t count;
	struct td_kept *kept;
	const void *asked; /* of td_bus_publish_all(), else NULL */
};
struct td_keeper {
	/* All or none. Blocks until they are durable. Not under any lock of the bus. */
	int (*keep)(void *arg, const struct td_keeping *keeping, struct td_error *err);
	/* Whether its data is kept so that it can be forgotten, and so may stand in no other event.
	 * May be NULL. The same. */
	bool (*seals)(void *arg, const struct td_event *event);
	void *arg;
	struct td_turns *turns; /* the bus's own: filled in by td_bus_keep() */
};
/* Once in the life of a bus; what is published from then on is kept. */
void td_bus_keep(struct td_bus *bus, struct td_keeper *keeper);

/* An event as a publish here, now, would make it: origin, cause, limits. One reference. */
int td_bus_make(struct td_bus *bus, const struct td_draft *draft, struct td_event **event,
	struct td_error *err);
/*
 * Several events, kept all or none; a keeper is needed (TD_E_NOT_FOUND). `asked` is handed on; `told`
 * (count of them, or NULL): what the keeper said of each, turns apart.
 */
int td_bus_publish_all(struct td_bus *bus, const struct td_event *const *events, size_t count,
	unsigned flags, const void *asked, struct td_kept *told, struct td_receipt *receipt,
	struct td_error *err);
/* Whether the calling thread is in a handler of this bus; `slot` (may be NULL): which. */
bool td_bus_in_handler(struct td_bus *bus);
/* Where its event is kept; NULL: nowhere. */
const struct td_where *td_bus_receipt_where(const struct td_receipt *receipt, bool *duplicate);

/* --- feeding ------------------------------------------------------------------------------ */

/*
 * A subscription that is fed by its owner instead of by what is published: always asynchronous, with
 * all a queue has (order, retries, parking). `number` names what was fed.
 */
struct td_feed {
	/*
	 * What became of it: COMPLETED or FAILED: done with. PARKED: it may come to one of those yet.
	 * DROPPED: it was not delivered. May not call the bus. Any thread.
	 */
	void (*settled)(void *arg, uint64_t number, enum td_state state);
	void *arg;
};
/* The feed is the caller's and lives until td_bus_close() returns or the release function is called. */
int td_bus_subscribe_fed(struct td_bus *bus, const struct td_interest *interest,
	td_handler *handler, const struct td_typed_handler *typed, void *arg,
	const struct td_feed *feed, struct td_subscription **subscription, struct td_error *err);
/* Whether it asks for such an event: subject, types, filters. */
bool td_bus_wants(const struct td_subscription *subscription, const struct td_event *event);
/*
 * Feed an event it wants. TD_E_FULL: no room in the queue now; TD_E_CLOSED, TD_E_NOMEM. Whatever its
 * `select` fails with is settled as FAILED.
 */
int td_bus_feed(struct td_subscription *subscription, struct td_event *event, uint64_t number,
	struct td_error *err);

/*
 * Call its handler now, on this thread, for nobody but the caller: no lane, no receipt, no letter. The
 * handler's code, and what it said (of TD_ERROR_TEXT_BYTES). It may not publish: that is the caller's
 * to see to.
 */
int td_bus_decide(struct td_subscription *subscription, const struct td_event *event, char *reason);

/* --- hearing ------------------------------------------------------------------------------ */

/*
 * An event that others published and that is kept already, with its number in the order of all: into
 * a queue of each subscription that asks for it, of synchronous ones too. One thread at a time, in
 * order; td_turn_draw() for what this process published and has kept belongs into the same order. No
 * handler runs in here, but some may wait to be run by this thread: they are in `left`, for
 * td_bus_heard(), before long. TD_E_FULL: a queue has no room, and none was used; TD_E_CLOSED, TD_E_NOMEM.
 */
struct td_cascade;
int td_bus_hear(struct td_bus *bus, struct td_event *event, uint64_t number,
	struct td_cascade *left, struct td_error *err);
void td_bus_heard_init(struct td_cascade *left);
/* TD_E_NOMEM: nothing was done; again. */
int td_bus_heard(struct td_bus *bus, struct td_cascade *left, struct td_error *err);
/* A subscription hears nothing with a smaller number: it was published before. */
void td_bus_subscription_since(struct td_subscription *subscription, uint64_t number);

/* --- one delivery, seen from inside its handler ------------------------------------------- */

/* struct td_node: an event published inside a handler, waiting to be handled. */

/* What one outermost publish set off. */
struct td_cascade {
	struct td_node *head; /* NULL: nothing waits, and the fields up to `count` mean nothing */
	struct td_node **tail;
	size_t count;
	struct td_receipt_book *book; /* NULL: no receipt was asked for */
	size_t completed, failed, queued;
	bool may_wait; /* for the turn of what is in it: this thread is in no handler and no lane */
	struct td_error *err; /* where the first failure is told, or NULL */
};

/* One handler of a plan, or the one being called. */
struct td_slot {
	td_handler *handler; /* NULL ends a plan */
	void *arg;
	struct td_subscription *subscription;
};

struct td_batch;         /* deliveries that a lane gave out together */
struct td_request_state; /* the request being answered, in handlers of commands and queries */

struct td_context {
	const struct td_event *event;
	const struct td_slot *slot;
	struct td_error *err;       /* on the fast road: the publisher's */
	struct td_cascade *cascade; /* of an outer delivery; NULL: `own` */
	struct td_context *outer;   /* of the handler that requested this */
	struct td_request_state *request;
	struct td_batch *batch; /* what it was taken with, or NULL */
	struct td_cascade own;
	unsigned attempt;
	enum td_class class_; /* 0: td_fail() was not called */
	int64_t after_ms;
	bool refused;
	char reason[TD_ERROR_TEXT_BYTES]; /* only where class_ or refused is set */
};

static inline struct td_cascade *td_context_cascade(struct td_context *context)
{
	return context->cascade != NULL ? context->cascade : &context->own;
}

int td_bus_fail(struct td_context *context, enum td_class class_, int64_t after_ms,
	const char *format, va_list args) TD_PRINTF(4, 0);
int td_bus_refuse(struct td_context *context, const char *format, va_list args) TD_PRINTF(2, 0);
struct td *td_bus_subscription_place(const struct td_subscription *subscription);
struct td *td_bus_context_place(const struct td_context *context);

/* --- topics, and the fast road ------------------------------------------------------------ */

/*
 * A plan is what a topic resolved to: handlers in order, immutable. It is replaced when an interest
 * changes, and the old one freed when no thread is inside it (sys.h, readers).
 */
struct td_plan {
	uint64_t topic; /* the topic's number, or TD_PLAN_SLOW: not for the fast road */
	bool straight;  /* without filters, select and hooks: handlers and queues only */
	size_t count;
	struct td_slot slots[]; /* count, and one that ends them */
};
#define TD_PLAN_SLOW UINT64_MAX

struct td_topic {
	_Atomic(const struct td_plan *) plan;
	struct td_bus *bus;
	uint64_t number;
	char *address;
	char *type;
	struct td_topic *next;
};

int td_bus_topic_open(struct td_topic **topic, struct td_bus *bus, const char *subject,
	const char *type, struct td_error *err);
void td_bus_topic_close(struct td_topic *topic);
int td_bus_topic_publish_slow(struct td_topic *topic, struct td_event *event,
	struct td_receipt *receipt, struct td_error *err);
/* Something out of the ordinary happened in the slot being called: go on the careful way. */
int td_bus_topic_finish(struct td_context *context, int code);

/*
 * The context of the fast road, one for each thread. While the thread is outside everything in it
 * but event, slot and err is as at the beginning, and the reader's context points here; whoever
 * changes that puts it back (td_bus_topic_finish). So the fast road writes three words.
 */
__attribute__((visibility("hidden"),
	tls_model("initial-exec"))) extern _Thread_local struct td_context td_bus_fast;

/*
 * The fast road: a plan without anything special, on a thread that is not in a handler. No
 * allocation, lock, clock or system call; test/bus/test_topic.c counts them.
 */
__attribute__((always_inline)) static inline int td_bus_topic_publish(struct td_topic *topic,
	struct td_event *event, struct td_receipt *receipt, struct td_error *err)
{
	struct td_reader *reader = &td_reader_mine;
	struct td_context *context;
	const struct td_plan *plan;
	const struct td_slot *slot;

	if (TD_UNLIKELY(((uintptr_t)receipt | td_reader_what(reader)) != 0))
		return td_bus_topic_publish_slow(topic, event, receipt, err);
	td_reader_enter_plain(reader, topic);
	plan = atomic_load_explicit(&topic->plan, memory_order_acquire);
	if (TD_UNLIKELY(plan->topic != atomic_load_explicit(&event->topic, memory_order_relaxed))) {
		td_reader_leave_plain(reader);
		return td_bus_topic_publish_slow(topic, event, receipt, err);
	}
	context = reader->context;
	context->event = event;
	context->err = err;
	slot = plan->slots;
	do { /* a plan with nobody in it is never a fast one */
		int code;

		/* What is loaded again here need not be saved: stores are what this costs by. */
		context = reader->context;
		context->slot = slot;
		code = slot->handler(context->event, context, slot->arg);
		if (TD_UNLIKELY((code | reader->dirty) != 0))
			return td_bus_topic_finish(reader->context, code);
		slot++;
	} while (slot->handler != NULL);
	td_reader_leave_plain(reader);
	return 0;
}

#endif
