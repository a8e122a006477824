/*
 * delivery: the one machine for what is owed to whom.
 *
 * A machine belongs to one subscription (of the bus) or one durable consumer (of the store). It
 * knows tokens, keys and times, not events: `token` is the driver's name for what is owed, `key`
 * a hash of what must stay in order (0: nothing). Pure steps: no I/O, no clock, no randomness of
 * its own; now (monotonic ms) and dice come in as values, so one test predicts every driver.
 * One thread at a time (the driver's lock).
 *
 *	           admit             take                settle(done)
 *	driver ---------> WAITING ---------> RUNNING ----------------> gone
 *	                     ^ ^                | \---- settle(retry) -> RETRYING --(due)--> WAITING
 *	                     | |                |\----- settle(skip), attempts used up ----> gone,
 *letter | +-- redrive --+  +------ settle(park) -> PARKED (the key's head), letter | |  \------
 *settle(stop) -> WAITING, machine STOPPED
 *	                     +--- its key waits: BLOCKED, in order, behind RUNNING, RETRYING or
 *PARKED
 *
 * Invariants, asserted by td_delivery_verify():
 *	D1  of one key at most one delivery is RUNNING, and it is the
 *	    oldest not gone; in order NONE keys do not count
 *	D2  what was admitted is in exactly one state until it is gone, and goes once
 *	D3  counts equal the lists; nothing is taken while stopped
 *	D4  attempts only grow, and are at most attempts_max where that is set
 *	D5  what is behind a parked head stays in order and is at most parked_max in all; at the
 *bound the machine stops admitting (td_delivery_admit answers FULL)
 */
#ifndef TD_DELIVERY_H
#define TD_DELIVERY_H

#include "match/match.h"
#include "tidings/tidings.h"

struct td_delivery;

struct td_delivery_options {
	bool keyed;            /* order by key; false: every delivery its own */
	size_t owed_max;       /* all that is not gone; admit beyond answers TD_E_FULL */
	size_t running_max;    /* in flight at once; 0: no limit but owed_max */
	struct td_retry retry; /* zero fields: the defaults of tidings.h */
	size_t parked_max;     /* deliveries beside parked keys, heads included; 0: 1,024 */
	size_t rate_per_s;     /* takes per second, 0: no limit */
};

/* NULL: no memory. All memory grows with what is owed and is bounded by owed_max. */
struct td_delivery *td_delivery_new(const struct td_delivery_options *options);
void td_delivery_free(struct td_delivery *delivery);

/* Something is owed. TD_E_FULL (owed_max or D5), TD_E_NOMEM: nothing changed. Order of calls is
 * order. */
int td_delivery_admit(struct td_delivery *delivery, uint64_t token, uint64_t key);

/* One that may run now. */
struct td_due {
	uint64_t token;
	uint64_t key;
	unsigned attempt; /* from 1 */
	void *ticket;     /* give it back to td_delivery_settle() */
};
/* The next that may run at `now_ms`: due retries first, then the oldest waiting. false: none. */
bool td_delivery_take(struct td_delivery *delivery, int64_t now_ms, struct td_due *due);

/* What its driver says happened. */
enum td_settle { TD_SETTLE_DONE, TD_SETTLE_RETRY, TD_SETTLE_SKIP, TD_SETTLE_PARK, TD_SETTLE_STOP };

/* What became of it. */
enum td_verdict {
	TD_VERDICT_DONE,
	TD_VERDICT_RETRY,   /* owed still, due at due_ms */
	TD_VERDICT_SKIPPED, /* gone: make a letter */
	TD_VERDICT_PARKED,  /* make a letter; token and those behind stay owed */
	TD_VERDICT_STOPPED,
};
struct td_settled {
	enum td_verdict verdict;
	int64_t due_ms; /* RETRY */
	unsigned attempts;
};
/*
 * Settle a taken ticket, once. after_ms: not before so long (Retry-After), 0: by the schedule.
 * unit: a random number in [0, 1) for the jitter. Never fails: what it needs was reserved at admit.
 */
struct td_settled td_delivery_settle(struct td_delivery *delivery, void *ticket,
	enum td_settle settle, int64_t after_ms, double unit, int64_t now_ms);
/* Give a ticket back untried: no attempt is counted, it is the first of its key again. */
void td_delivery_return(struct td_delivery *delivery, void *ticket);

/* When td_delivery_take() may have something without anything else happening; INT64_MAX: never. */
int64_t td_delivery_next_ms(const struct td_delivery *delivery, int64_t now_ms);

/* The parked head of a key goes first again, with attempts counted anew. false: not parked. */
bool td_delivery_redrive(struct td_delivery *delivery, uint64_t key);
/* The parked head is gone (its token in *token), those behind go on. false: not parked. */
bool td_delivery_dismiss(struct td_delivery *delivery, uint64_t key, uint64_t *token);
/* Walk parked heads: *cursor from 0; false at the end. May not change meanwhile. */
bool td_delivery_parked(
	const struct td_delivery *delivery, size_t *cursor, uint64_t *key, uint64_t *token);
/* Go on after a stop. */
void td_delivery_resume(struct td_delivery *delivery);
/* Take the oldest WAITING delivery that was never tried away; false: none. (Drop oldest.) */
bool td_delivery_drop_oldest(struct td_delivery *delivery, uint64_t *token);
/* Everything not RUNNING is dropped, `dropped` called for each token (unsubscribe, close). */
void td_delivery_clear(
	struct td_delivery *delivery, void (*dropped)(void *arg, uint64_t token), void *arg);

struct td_delivery_counts {
	size_t owed;    /* all of the below */
	size_t waiting; /* may run now or when running_max allows */
	size_t blocked; /* behind another of its key, RUNNING or RETRYING */
	size_t running;
	size_t retrying; /* waits for its time */
	size_t parked;   /* heads and those behind them */
	bool stopped;
};
struct td_delivery_counts td_delivery_counts(const struct td_delivery *delivery);
void td_delivery_verify(const struct td_delivery *delivery);
void td_delivery_dump(const struct td_delivery *delivery, struct td_buf *buf);

#endif
