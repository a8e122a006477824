/*
 * Tidings: you announce the news once, and anyone interested can read it.
 *
 *	struct td_interest orders = {.subject = "order.>"};
 *	struct td_draft placed = {.type = "OrderPlaced", .subject = "order.42"};
 *
 *	td_open(&td, "mem:", NULL, &err);
 *	td_subscribe(td, &orders, on_order, NULL, NULL, &err);
 *	td_publish(td, &placed, NULL, &err);
 *	td_close(td);
 *
 * The same calls work in every place an URL can name; doc/places.md says where they differ.
 * Today there are three places: "mem:", this process, nothing stored; "file:DIR", a store in that
 * directory, where td_publish() returns when the event is on disk (tidings/log.h); and
 * "http://HOST:PORT", a Tidings server, where it is on the server's disk then.
 *
 * Synchronous is the default: td_publish() returns when every handler has run, and what those
 * handlers published too, breadth first. A subscription that asks for it (`async`), or a publish
 * that does (TD_ASYNC), is queued instead: for the workers of the handle, or, where it has none,
 * for td_loop_turn(). The library starts no thread that was not asked for.
 *
 * Threads: every function here may be called from any thread, from inside handlers too, unless
 * it says otherwise. Handlers of synchronous subscriptions run on the publisher's thread.
 *
 * Ownership: what a function takes is borrowed for the call, unless its name says `take`; what
 * it makes is released by the call named beside it. Destroying NULL is fine.
 */
#ifndef TIDINGS_TIDINGS_H
#define TIDINGS_TIDINGS_H

#include "tidings/backup.h"
#include "tidings/error.h"
#include "tidings/event.h"
#include "tidings/export.h"
#include "tidings/log.h"
#include "tidings/text.h"

#ifdef __cplusplus
extern "C" {
#endif

struct td;              /* an open place */
struct td_subscription; /* a standing interest */
struct td_context;      /* one delivery, seen from inside its handler */
struct td_topic;        /* an address and a type, resolved once */

/* --- open and close ----------------------------------------------------------------------- */

struct td_options {
	const char *source;  /* `source` of events that bring none; default "local" */
	unsigned workers;    /* threads for asynchronous deliveries; 0: td_loop_turn() runs them */
	bool async;          /* subscriptions are asynchronous unless they say `sync` */
	unsigned causes_max; /* longest chain of causes, default 100; beyond it TD_E_LOOP */
	size_t data_bytes_max; /* largest data accepted, default and ceiling TD_DATA_BYTES_MAX;
				* stored: default 1 MiB, ceiling 8 MiB */
	unsigned flags;        /* of enum td_open_flags */
	const struct td_heads *heads; /* "file:": signed heads of the chain (log.h); NULL: none */
	int64_t timeout_ms;           /* "http://": how long a call may take; default 10,000 */
};

/* "file:" alone; on other places they say nothing. */
enum td_open_flags {
	TD_NO_THREADS =
		1, /* keep house in td_loop_turn() and in the next call, instead of a thread */
	TD_MUST_EXIST = 2, /* do not make a store where there is none: TD_E_NOT_FOUND */
	TD_READ_ONLY = 4,  /* look only: nothing is changed, and another process may have it open */
	/* Cut what the error TD_E_DAMAGED said of the end of the store, for good; read it first. */
	TD_ACCEPT_TAIL_LOSS = 8,
};

/*
 * Open a place: "mem:", exactly that; "file:DIR", a directory (made if what it stands in is there); or
 * "http://[USER:PASSWORD@|TOKEN@]HOST:PORT", a server, which is asked whether it is there.
 * What doc/places.md has for later answers TD_E_PLACE, anything else TD_E_INVALID.
 * Owner: the caller; td_close() it. Errors: those, TD_E_ATTRIBUTE and TD_E_TOO_LARGE (of `source`),
 * TD_E_NOMEM, TD_E_SYSTEM; of a store TD_E_NOT_FOUND, TD_E_HELD (which process has it open),
 * TD_E_FOREIGN (something else is there), TD_E_NEWER, TD_E_DAMAGED (what, where, and what to do),
 * TD_E_DISK_FULL, TD_E_DISK: nothing was changed then. Of a server TD_E_UNREACHABLE, TD_E_TIMEOUT, and
 * what it answered.
 */
TD_PUBLIC int td_open(
	struct td **td, const char *url, const struct td_options *options, struct td_error *err);

/*
 * Close: refuses new publishing, drops what is still queued (td_drain() first to have it done),
 * waits for running handlers, releases everything. Not from inside a handler, of this handle or
 * another: TD_E_DEADLOCK, and the handle stays open. Nor from a `release` function. A store's last
 * words may fail (TD_E_DISK): what was acknowledged is on disk all the same, and the handle is gone.
 */
TD_PUBLIC int td_close(struct td *td);

/* --- publish ------------------------------------------------------------------------------ */

enum td_publish_flags {
	TD_ASYNC = 1,         /* queue for every subscription, synchronous ones too; in a handler it
			       * overtakes what waits in the cascade */
	TD_STOP_AT_FIRST = 2, /* a failing handler stops those behind it, for this event */
};

/* What became of one delivery. */
enum td_state {
	TD_COMPLETED, /* handled */
	TD_QUEUED,    /* owed: waiting, running or to be tried again; a synchronous one, too, behind
		       * others of its key, or where the subscription is stopped */
	TD_FAILED,    /* given up: a dead letter was published */
	TD_PARKED,    /* given up, and its key waits for td_redrive() or td_dismiss() */
	TD_STOPPED,   /* the subscription stopped at it and waits for td_resume() */
	TD_DROPPED,   /* not delivered: TD_STOP_AT_FIRST, the subscription ended, or the queue of an
		       * observer (or of who hears the library's own events) was full */
};
/* "completed", "queued", "failed", "parked", "stopped", "dropped"; "unknown" else. */
TD_PUBLIC const char *td_state_name(enum td_state state);

struct td_outcome {
	const struct td_event *event; /* which event of the cascade */
	struct td_text subscription;  /* name of the subscription */
	enum td_state state;
	int code;              /* 0 or TD_E_... */
	struct td_text reason; /* what the handler said */
};

struct td_receipt_book;

/*
 * The receipt of one publish. Start with TD_RECEIPT_INIT, may be used again, fini at the end. A
 * publish that was refused leaves it empty.
 *
 * The counts are those of the moment at which the publish returned; the outcomes are always those
 * of now. A delivery at which its subscription stopped counts as failed, and is done only when it
 * was resumed and handled, failed or parked: td_await() waits for that, and brings the counts to
 * what it came to.
 */
struct td_receipt {
	size_t completed; /* deliveries handled, over the whole cascade */
	size_t failed;    /* deliveries that failed */
	size_t queued;    /* deliveries left to workers or the loop */
	struct td_receipt_book *book;
};
#define TD_RECEIPT_INIT       \
	{                     \
		0, 0, 0, NULL \
	}

/*
 * Announce a fact. Returns when it is accepted: handled by every synchronous subscription and
 * the cascade that set off is empty (outermost), or queued (asynchronous, or called from inside
 * a handler: it joins the cascade, or is queued behind it, with the handled event as its cause).
 * `receipt` may be NULL.
 * Errors: those of td_event_new(), and nothing was published; TD_E_FULL: a queue whose policy is
 * to refuse is full, nothing was published; TD_E_LOOP, TD_E_CLOSED, TD_E_NOMEM the same.
 * TD_E_HANDLER: it *was* published, but a handler failed; the receipt says which and why.
 */
TD_PUBLIC int td_publish(struct td *td, const struct td_draft *draft, struct td_receipt *receipt,
	struct td_error *err);
/* The same with flags of enum td_publish_flags. */
TD_PUBLIC int td_publish_with(struct td *td, const struct td_draft *draft, unsigned flags,
	struct td_receipt *receipt, struct td_error *err);
/* The same for an event that exists already: it is shared, not copied. */
TD_PUBLIC int td_publish_event(struct td *td, struct td_event *event, unsigned flags,
	struct td_receipt *receipt, struct td_error *err);

/*
 * The fast road: resolve an address and a type once, then publish built events of that subject
 * and type on it. On this road, with synchronous plain handlers, there is no allocation, no
 * lock, no clock and no system call. TD_E_INVALID if the event is of another address or type.
 */
TD_PUBLIC int td_topic_open(struct td_topic **topic, struct td *td, const char *subject,
	const char *type, struct td_error *err);
TD_PUBLIC void td_topic_close(struct td_topic *topic);
TD_PUBLIC int td_topic_publish(struct td_topic *topic, struct td_event *event,
	struct td_receipt *receipt, struct td_error *err);

/*
 * The outcomes so far, as a fresh view until the next call with this receipt. How many; `outcomes`
 * may be NULL.
 */
TD_PUBLIC size_t td_receipt_outcomes(
	struct td_receipt *receipt, const struct td_outcome **outcomes);
/* The event that was published; valid while the receipt is. NULL before a publish. */
TD_PUBLIC const struct td_event *td_receipt_event(const struct td_receipt *receipt);
TD_PUBLIC void td_receipt_fini(struct td_receipt *receipt);

/*
 * Wait until the subscriptions of this handle that match the receipt's event are done with it
 * (completed, failed or parked), and with what the cascade it set off left to be tried again; the
 * counts say what it came to. Turns the loop itself where the handle has no workers.
 * timeout_ms < 0 waits for ever. TD_E_TIMEOUT; TD_E_DEADLOCK inside a handler.
 */
TD_PUBLIC int td_await(
	struct td *td, struct td_receipt *receipt, int64_t timeout_ms, struct td_error *err);
/* The same for everything owed: until no delivery is queued, running or due to be retried. */
TD_PUBLIC int td_drain(struct td *td, int64_t timeout_ms, struct td_error *err);

/* --- handlers ----------------------------------------------------------------------------- */

/*
 * A handler answers 0, or not: `return td_fail(context, TD_RETRY, "gateway: %s", why);`. Any
 * other value than 0 without td_fail() counts as TD_RETRY with that code.
 */
typedef int td_handler(const struct td_event *event, struct td_context *context, void *arg);

/* What a failure means for this event and those behind it. */
enum td_class {
	TD_RETRY = 1, /* try again by the schedule; at its end `exhausted` decides */
	TD_SKIP,      /* give this one up: a dead letter; its key goes on */
	TD_PARK,      /* give this one up: a dead letter; later events of its key wait beside it */
	TD_STOP,      /* stop the subscription here; td_resume() tries the same event again */
};
/* "retry", "skip", "park", "stop", as in dead letters; "unknown" else. */
TD_PUBLIC const char *td_class_name(enum td_class class_);

/* Fail with a class and a reason; returns the code to return. */
TD_PUBLIC int td_fail(struct td_context *context, enum td_class class_, const char *format, ...)
	TD_PRINTF(3, 4);
/* The same, and not before `after_ms` (an HTTP Retry-After, say). */
TD_PUBLIC int td_fail_after(struct td_context *context, int64_t after_ms, const char *format, ...)
	TD_PRINTF(3, 4);

TD_PUBLIC struct td *td_context_place(const struct td_context *context);
TD_PUBLIC const struct td_event *td_context_event(const struct td_context *context);
TD_PUBLIC struct td_subscription *td_context_subscription(const struct td_context *context);
TD_PUBLIC unsigned td_context_attempt(const struct td_context *context); /* from 1 */

/* --- subscribe ---------------------------------------------------------------------------- */

enum td_when_full {
	TD_WAIT = 0,    /* the publisher waits; inside a handler it is refused instead */
	TD_REFUSE,      /* the publish is refused: TD_E_FULL */
	TD_DROP_OLDEST, /* the oldest waiting delivery is dropped; observers only */
};

/* Which lane a delivery waits in; lanes run in parallel, each in order. */
enum td_order {
	TD_ORDER_SUBJECT = 0, /* one lane per address */
	TD_ORDER_ALL,         /* one lane */
	TD_ORDER_NONE,        /* every delivery its own */
};

struct td_retry {
	unsigned attempts_max; /* in all; 0 and 1: no retry */
	int64_t first_ms;      /* wait before the second attempt; default 100 */
	double factor;         /* each wait is this times the last; default 2 */
	int64_t longest_ms;    /* ceiling of one wait; default 60,000 */
	double jitter; /* share of a wait that is random, 0 to 1; default 0.2, negative: none */
	enum td_class exhausted; /* TD_SKIP (default), TD_PARK or TD_STOP */
};

#define TD_SUBSCRIPTION_NAME_BYTES_MAX 256u

/* A standing interest. Zero means: anything, and the default. All borrowed for the call. */
struct td_interest {
	const char *name;         /* for receipts, hooks, dead letters: one that can stand in a
				     subject; default: one is made up */
	const char *subject;      /* pattern of addresses: "order.*", "order.>"; default ">" */
	const char *const *types; /* exact types, types_count of them */
	size_t types_count;
	const char *type;    /* the same for one */
	const char *filter;  /* CESQL 1.0: "region = 'eu' AND total > 10" */
	const char *filters; /* or its filter dialects, as JSON: {"prefix":{"type":"Order"}} */
	const char *const *select; /* build a smaller event: "/pointer/into/data", "attribute" */
	size_t select_count;
	bool async;    /* queued, in a lane of its own */
	bool sync;     /* synchronous also on a handle opened with `async` */
	bool observer; /* looks on: may lose events, its failures concern nobody */
	bool own;      /* the library's own events, too, without naming them: see TD_DEAD_LETTER */
	enum td_order order;
	size_t queue_max; /* deliveries that may wait; default 65,536 */
	enum td_when_full when_full;
	struct td_retry retry;
	size_t parked_max; /* events kept beside parked keys, default 1,024; then it stops */
	void (*release)(void *arg); /* called once, when the handler will never be called again */
	/*
	 * "file:": with a `name`, goes on after a restart where it stopped. Queued, like `async`; fed from
	 * what is stored: at least once. What was not done with when the process ended comes again.
	 */
	bool durable;
	uint64_t durable_from; /* where a new one begins: a position; 0: with what comes now */
	/*
	 * "file:": runs before an event is accepted, one append at a time, and may refuse it (td_refuse()
	 * or any failure: TD_E_REFUSED). May read (td_latest(), td_read(): as of the moment before the
	 * event, whether that is durable yet or not), nothing else: TD_E_INLINE. Asked again where
	 * the append has to wait for room.
	 */
	bool inline_;
};

/*
 * Subscribe. A subscription lives until td_unsubscribe() or td_close(); `subscription` may be
 * NULL if it need not be named. Handlers run in the order of subscribing. What is published
 * later, also in a cascade that is running, is seen; what was published before is not.
 * Errors: TD_E_INVALID, TD_E_SUBJECT (of `subject`, with the offset), TD_E_ATTRIBUTE and
 * TD_E_TOO_LARGE (of a type), TD_E_FILTER and TD_E_JSON (with the offset), TD_E_POINTER,
 * TD_E_EXISTS (name), TD_E_CLOSED, TD_E_NOMEM. Nothing is changed then.
 */
TD_PUBLIC int td_subscribe(struct td *td, const struct td_interest *interest, td_handler *handler,
	void *arg, struct td_subscription **subscription, struct td_error *err);
/*
 * End it. The calling thread starts no further call of the handler, not even for an event that
 * is being dispatched; a call that runs on another thread ends by itself. What is queued is
 * dropped. `release` tells when the handler and its argument may go. From a handler too.
 */
TD_PUBLIC void td_unsubscribe(struct td_subscription *subscription);
TD_PUBLIC struct td_text td_subscription_name(const struct td_subscription *subscription);

/* Release parked keys in their order: one by the subject of its events, or all with NULL. */
TD_PUBLIC int td_redrive(
	struct td_subscription *subscription, const char *subject, struct td_error *err);
/* Forget the parked event of a key (all with NULL) and let those behind it go on. */
TD_PUBLIC int td_dismiss(
	struct td_subscription *subscription, const char *subject, struct td_error *err);
/* Go on after TD_STOP, with the event it stopped at. TD_E_INVALID if it is not stopped. */
TD_PUBLIC int td_resume(struct td_subscription *subscription, struct td_error *err);

struct td_subscription_status {
	size_t waiting, running, retrying, parked; /* deliveries owed */
	bool stopped;
	/* Counts since subscribing, of what was owed: what a plain handler does at once is not. */
	uint64_t completed, failed, dropped, retried;
	/*
	 * Dead letters and outcomes of it that somebody would have heard of, had there been memory,
	 * or a place in the cascade. (One that meets a full queue counts as `dropped` there.)
	 */
	uint64_t untold;
};
TD_PUBLIC void td_subscription_status(
	struct td_subscription *subscription, struct td_subscription_status *status);

/* --- commands and queries ----------------------------------------------------------------- */

/*
 * A command asks for something to be done, a query for data; each type has one handler, a second
 * is refused (TD_E_HANDLED). The handler answers with td_reply(), or just returns 0 (an empty
 * reply), or returns td_refuse(). `interest` may be NULL; of it only name, async and release
 * count, and where it is async also order, queue_max, when_full and retry.
 */
TD_PUBLIC int td_handle(struct td *td, enum td_kind kind, const char *type, td_handler *handler,
	void *arg, const struct td_interest *interest, struct td_subscription **subscription,
	struct td_error *err);

/* Inside such a handler: the answer (once). TD_E_INVALID elsewhere or the second time. */
TD_PUBLIC int td_reply(
	struct td_context *context, const struct td_draft *draft, struct td_error *err);
/* Inside such a handler: no, and why; returns the code to return. Refusals are not retried. */
TD_PUBLIC int td_refuse(struct td_context *context, const char *format, ...) TD_PRINTF(2, 3);

/*
 * Request and wait for the answer. The handler runs at once on this thread, nested, unless it was
 * registered `async`. *reply (may be NULL) is yours: td_event_unref() it.
 * Errors: TD_E_NO_HANDLER, TD_E_REFUSED (err->text is the reason), TD_E_HANDLER, TD_E_TIMEOUT
 * (timeout_ms < 0: none; a synchronous handler is not interrupted, but its answer comes too late),
 * TD_E_LOOP, TD_E_DEADLOCK (an asynchronous handler that this thread is in already), TD_E_CLOSED
 * (the handle is closing, or the handler ended).
 */
TD_PUBLIC int td_request(struct td *td, enum td_kind kind, const struct td_draft *draft,
	int64_t timeout_ms, struct td_event **reply, struct td_error *err);
/*
 * A command without an answer: accepted like an event, with a receipt. TD_E_REFUSED and the reason
 * if its handler ran at once and refused; a refusal is an outcome, not a failure.
 */
TD_PUBLIC int td_command(struct td *td, const struct td_draft *draft, struct td_receipt *receipt,
	struct td_error *err);

/* --- the loop ----------------------------------------------------------------------------- */

/*
 * For a handle without workers, or with TD_NO_THREADS. The descriptor becomes readable when
 * td_loop_turn() has something to do, keeping house included; put it in your own poll(). Owner: the
 * handle.
 */
TD_PUBLIC int td_loop_fd(struct td *td);
/*
 * Run what is due: queued deliveries, retries, with TD_NO_THREADS the house. Waits at most timeout_ms for the first (0: not at
 * all, < 0: for ever). Returns how many deliveries ran, or -TD_E_DEADLOCK inside a handler.
 */
TD_PUBLIC int td_loop_turn(struct td *td, int64_t timeout_ms);

/* --- looking on --------------------------------------------------------------------------- */

enum td_moment {
	TD_CREATED,   /* an event was made */
	TD_PUBLISHED, /* it was accepted */
	TD_ROUTED,    /* matched: one for each subscription */
	TD_DELIVERED, /* its handler is called */
	TD_PROCESSED, /* its handler returned */
	TD_DONE,      /* completed */
	TD_GAVE_UP,   /* failed: `state` says how */
	TD_TRY_AGAIN, /* failed, and will be retried */
};
/* "created", ... "gave-up", "try-again"; "unknown" else. */
TD_PUBLIC const char *td_moment_name(enum td_moment moment);

struct td_trace {
	enum td_moment moment;
	enum td_state state;
	td_time at; /* when */
	const struct td_event *event;
	const struct td_subscription *subscription; /* NULL for CREATED and PUBLISHED */
	unsigned attempt;
	int code;
};

/*
 * Call `hook` at each step of every delivery, on the thread where it happens; it may not call the
 * library but for reading the event. NULL ends it. Costs nothing while nobody looks.
 */
typedef void td_trace_hook(const struct td_trace *trace, void *arg);
TD_PUBLIC void td_trace_set(struct td *td, td_trace_hook *hook, void *arg);

/*
 * What the library itself announces, as events; each is caused by what it tells of and stands in
 * its story. They go to those who ask for them, by type, by a subject that begins with "td.", or
 * with `own`; not to those who just ask for all.
 *
 * A dead letter: a delivery was given up. Subject td.deadletter.<subscription>; data, JSON:
 * subscription, class, code, reason, attempts, and the event (without its data where that is too
 * large, or nested too deep, to stand in another's).
 */
#define TD_DEAD_LETTER "td.deadletter.added"
/*
 * What became of a command, which is no event itself: without these a story would not know what
 * caused that which its handler published. Subject td.command.<Type>; data, JSON: handler, code
 * and reason (unless done), and the command.
 */
#define TD_COMMAND_DONE    "td.command.done"
#define TD_COMMAND_REFUSED "td.command.refused"
#define TD_COMMAND_FAILED  "td.command.failed"

#ifdef __cplusplus
}
#endif

#endif
