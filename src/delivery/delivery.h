/*
 * delivery: the one machine for what is owed to whom.
 *
 * A machine belongs to one subscription (of the bus) or one durable consumer (of the store). It
 * knows tokens, keys and times, not events: `token` is the driver's name for what is owed, `key`
 * a hash of what must stay in order (0: nothing). Pure steps: no I/O, no clock, no randomness of
 * its own; now (monotonic ms) and dice come in as values, so one test predicts every driver.
 * One thread at a time (the driver's lock).
 *
 *	          admit            take             settle
 *	driver ----------> WAITING -----> RUNNING ---(done)----------------------> gone
 *	          |        ^ ^ ^ ^         ^ |-------(skip, or attempts used up)-> gone, letter
 *	  its key |        | | | '--return-|-|-------(retry)-> RETRYING --(due)--> RUNNING again
 *	 is taken v        | | '-----------|-|-------(stop)    the machine is STOPPED until resume
 *	       BLOCKED ----' |             | '-------(park)-> PARKED, letter --dismiss--> gone
 *	        | ^ (is the oldest)        |                    |
 *	        | |          '-------------|---redrive----------'
 *	        | '--withdraw, return------|
 *	        '----take behind-----------'
 *
 * A key has its deliveries in one lane, in the order of admission. Only the oldest of a lane is
 * WAITING, RETRYING or PARKED; those behind it are BLOCKED, or count as parked where the oldest is.
 * So order per key holds through retries and parking. Without a key (key 0, or options not `keyed`)
 * a delivery has no lane: nothing waits for it, and it waits for nobody.
 *
 * Whoever has the oldest of a key RUNNING may have those behind it, too, up to together_max: its
 * *run*. He handles them in order and settles them in order. When one is to be retried, parked or
 * stopped at, those behind it are withdrawn: they are BLOCKED as if they had not been taken, and no
 * attempt is counted. After one that is done or skipped the next of the run is the oldest, and
 * RUNNING already.
 *
 *	lane, oldest first      RUNNING RUNNING RUNNING BLOCKED BLOCKED
 *	                        '------- run ---------'
 *
 * Whose turn it is: the one that has been WAITING longest. A key joins at the end when it becomes
 * free, so a key with much to do does not hold up the others. Due retries come before those, the
 * earliest due first, but never two in a row while others wait: keys that fail for ever take at
 * most half the turns. What was returned or stopped at goes to the front. What is taken behind
 * another is nobody's turn: how much of that is fair is the driver's to say.
 *
 * Invariants, asserted by td_delivery_verify():
 *	D1  of one key at most together_max deliveries are RUNNING: the oldest not gone, and
 *	    those next behind it
 *	D2  what was admitted is in exactly one state until it is gone, and goes once
 *	D3  counts equal the lists; nothing is taken while stopped
 *	D4  attempts only grow and are at most attempts_max (1 if that is 0), until somebody has
 *	    looked: after a stop or a redrive they are counted anew
 *	D5  the parking place is bounded and loses nothing. While `parked` is at parked_max no
 *	    other key is parked (the machine stops instead: TD_VERDICT_STOPPED), and what comes
 *	    for a key that is parked is refused (TD_E_FULL); other keys go on. What stood behind
 *	    a head when it was parked comes along even beyond the bound: it was owed already
 */
#ifndef TD_DELIVERY_H
#define TD_DELIVERY_H

#include "match/match.h"
#include "tidings/tidings.h"

struct td_delivery;

struct td_delivery_options {
	bool keyed;            /* order by key; false: every delivery its own */
	size_t owed_max;       /* all that is not gone, at least 1 */
	size_t running_max;    /* in flight at once; 0: no limit but owed_max */
	size_t together_max;   /* of these of one key; 0: 1 */
	struct td_retry retry; /* zero fields: the defaults of tidings.h */
	size_t parked_max;     /* deliveries beside parked keys, heads included; 0: 1,024 */
	size_t rate_per_s;     /* takes per second; 0: no limit. A tenth of it may come at once */
};

/*
 * NULL: no memory. The driver has checked the options (owed_max, retry.exhausted). Memory grows
 * with what is owed, is kept for the next, and is bounded by owed_max.
 */
struct td_delivery *td_delivery_new(const struct td_delivery_options *options);
void td_delivery_free(struct td_delivery *delivery);

/*
 * Something is owed. Order of calls is order. TD_E_FULL: owed_max is reached, or the key is parked
 * and parked_max is reached (counts tell which). TD_E_NOMEM. Nothing changed then.
 */
int td_delivery_admit(struct td_delivery *delivery, uint64_t token, uint64_t key);

/* One that may run now. */
struct td_due {
	uint64_t token;
	uint64_t key;
	unsigned attempt; /* from 1 */
	void *ticket;     /* give it back to td_delivery_settle() or td_delivery_return() */
};
/*
 * The next that may run at `now_ms`. false: none. `now_ms` may be a little behind that of an
 * earlier call (threads that read the clock before they had the lock).
 */
bool td_delivery_take(struct td_delivery *delivery, int64_t now_ms, struct td_due *due);
/*
 * The next of the same key, for whoever holds `ticket` (any of the run): it joins the end of the
 * run. false: there is none, or together_max, running_max, the rate or a stop do not allow it.
 */
bool td_delivery_take_behind(
	struct td_delivery *delivery, void *ticket, int64_t now_ms, struct td_due *due);

/* What its driver says happened. */
enum td_settle { TD_SETTLE_DONE, TD_SETTLE_RETRY, TD_SETTLE_SKIP, TD_SETTLE_PARK, TD_SETTLE_STOP };

/* What became of it. */
enum td_verdict {
	TD_VERDICT_DONE,
	TD_VERDICT_RETRY,   /* owed still, due at due_ms */
	TD_VERDICT_SKIPPED, /* gone: make a letter */
	TD_VERDICT_PARKED,  /* make a letter; token and those behind stay owed */
	TD_VERDICT_STOPPED, /* owed still, the first after td_delivery_resume(); no letter */
};
struct td_settled {
	enum td_verdict verdict;
	int64_t due_ms;    /* RETRY, else 0 */
	unsigned attempts; /* this one included */
	size_t withdrawn;  /* of its run behind it: their tickets mean nothing any more */
};
/*
 * Settle a taken ticket, once; of a run the first. RETRY is one while attempts are left, else what options.retry says
 * of `exhausted`. PARK (or exhausted so) is STOPPED while the parking place is full (D5). The
 * wait before the next attempt: see backoff.h; after_ms: not before so long (Retry-After), even if
 * that is longer than longest_ms; 0: by the schedule. unit: a random number in [0, 1) for the
 * jitter; 0: the schedule itself. Never fails: what it needs was reserved at admit.
 */
struct td_settled td_delivery_settle(struct td_delivery *delivery, void *ticket,
	enum td_settle settle, int64_t after_ms, double unit, int64_t now_ms);
/*
 * Give a ticket back untried, and with it those of its run behind it: no attempt is counted. If it
 * was the first of its key it is that again. How many came back: 1 and those behind.
 */
size_t td_delivery_return(struct td_delivery *delivery, void *ticket);

/*
 * When td_delivery_take() has something without anything else happening: at that time, and not
 * before. (What could be taken behind another does not count.) INT64_MAX: never (nothing owed that could run, stopped, or running_max in flight).
 */
int64_t td_delivery_next_ms(const struct td_delivery *delivery, int64_t now_ms);

/* Whether time matters to it: something is RETRYING, or a rate is set. */
bool td_delivery_timed(const struct td_delivery *delivery);

/*
 * The parked head of a key is WAITING again, with attempts counted anew, those behind follow in
 * order. false: not parked. Without order by key there may be several of a key: the one parked
 * first.
 */
bool td_delivery_redrive(struct td_delivery *delivery, uint64_t key);
/* The parked head is gone (its token in *token), those behind go on. false: not parked. */
bool td_delivery_dismiss(struct td_delivery *delivery, uint64_t key, uint64_t *token);
/*
 * Walk parked heads, the one parked first first: *cursor from 0; false at the end. The machine may
 * not change meanwhile; to redrive all, begin again at 0 after each.
 */
bool td_delivery_parked(
	const struct td_delivery *delivery, size_t *cursor, uint64_t *key, uint64_t *token);
/* Go on after a stop. */
void td_delivery_resume(struct td_delivery *delivery);
/*
 * Take away the delivery admitted first among those WAITING or BLOCKED that were never tried;
 * false: none. (Drop oldest.) What is parked, and what is behind it, is not touched.
 */
bool td_delivery_drop_oldest(struct td_delivery *delivery, uint64_t *token);
/*
 * Everything not RUNNING is dropped, `dropped` (may be NULL) called for each token in no stated
 * order (unsubscribe, close); it may not call the machine. STOPPED stays.
 */
void td_delivery_clear(
	struct td_delivery *delivery, void (*dropped)(void *arg, uint64_t token), void *arg);

struct td_delivery_counts {
	size_t owed;     /* all of the below */
	size_t waiting;  /* may run now, or when running_max, the rate or a resume allow */
	size_t blocked;  /* behind another of its key that is not parked, and not RUNNING itself */
	size_t running;  /* taken, not settled */
	size_t retrying; /* waits for its time, or is due and not taken yet */
	size_t parked;   /* heads and those behind them */
	bool stopped;
	bool parked_full; /* parked_max is reached: D5 */
};
struct td_delivery_counts td_delivery_counts(const struct td_delivery *delivery);
void td_delivery_verify(const struct td_delivery *delivery);
/* Everything owed, one line each, readable. */
void td_delivery_dump(const struct td_delivery *delivery, struct td_buf *buf);

#endif
