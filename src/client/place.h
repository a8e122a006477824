/*
 * place: what a handle keeps, and how publishers come by it.
 *
 *	td_publish -> bus: event, routes, queues -> keep -> deed ----.
 *	td_append  -> the same for several                           |   waiting
 *	td_log_create, td_remove ...  ---------------------> deed ---'      |
 *	                                                     leader: decides all of them (store, staged)
 *	                                                             syncs without the lock
 *	                                                             answers those it rests on
 *	                                                             hands over to the next
 *	bus: queues, handlers <- turns <- durable <------------'
 *
 * "mem:" has a place without a store until the first log is created, and one in memory from then on.
 *
 * Locks: place->lock is the store's owner's, and the order in which things are decided. The bus's
 * locks are never held when it is taken; turns (bus.h) are drawn under it. A durable subscription's own
 * lock is the innermost of all.
 */
#ifndef TD_PLACE_H
#define TD_PLACE_H

#include "client/client.h"
#include "store/store.h"

struct td_durable;
struct td_export;

/* Something to be decided under the lock; who asks waits until what it rests on is durable. */
struct td_deed {
	/*
	 * Once, under the lock. TD_E_FULL: again after a commit. *rests_on: 0 if on nothing staged; also
	 * where it refuses.
	 */
	int (*decide)(struct td_place *place, struct td_deed *deed, uint64_t *rests_on,
		struct td_error *err);
	/* What was decided will never be durable: the disk failed. May be NULL. Under the lock. */
	void (*undo)(struct td_place *place, struct td_deed *deed);
	/* commit.c's */
	struct td_deed *next;
	struct td_condition *wake;
	uint64_t rests_on;
	int code;
	bool decided, done, leads;
	struct td_error err;
};

struct td_place {
	struct td *td;
	struct td_bus *bus;
	const struct td_clock *clock;
	const struct td_random *random;
	const struct td_disk *disk;
	bool on_disk, read_only;
	size_t payload_bytes_max;
	struct td_recovery recovery;
	struct td_keeper keeper;
	struct td_gate gate;

	struct td_mutex lock;
	_Atomic(struct td_store *) store; /* NULL: nothing is kept yet ("mem:") */
	struct td_deed *waiting, **waiting_tail;
	struct td_deed *decided, **decided_tail; /* until what they rest on is durable */
	bool leading;
	struct td_condition moved;  /* durable moved, or will not any more */
	unsigned watchers;          /* who waits for it */
	uint64_t subscriptions_log; /* number of the log of positions, 0: none yet */
	bool closing;

	/* house.c */
	bool threaded;
	struct td_thread house;
	struct td_condition wake_house;
	int64_t house_due_ms; /* until when it sleeps */
	bool house_sleeps, house_stops;

	struct td_export *export; /* heads.c; NULL: no heads are signed */

	/* durable.c, inline.c */
	struct td_durable *durables;
	_Atomic unsigned durables_count;
	bool pumping;
	struct td_inline *inlines;
	const struct td_event *const *deciding; /* what the gate looks at */
	const struct td_entry *entries;         /* the same as the store sees it */
	size_t asked; /* so many of these were asked about: they come before the one at hand */
};

#define TD_PLACE_RECORD_BYTES_MAX (16u * 1024u * 1024u)

/* --- place.c ------------------------------------------------------------------------------ */

int td_place_open(struct td *td, const char *directory, const struct td_world *world,
	const struct td_options *options, struct td_error *err);
extern const struct td_offer td_place_offer;
/* The store; NULL: nothing is kept. */
static inline struct td_store *td_place_store(struct td_place *place)
{
	return atomic_load_explicit(&place->store, memory_order_acquire);
}
/* The same, made in memory if there is none yet. */
int td_place_store_made(struct td_place *place, struct td_store **store, struct td_error *err);
int64_t td_place_now_ms(const struct td_place *place);
/* TD_E_INLINE inside an inline handler of this place: `what` cannot be done there. */
int td_place_may(const struct td_place *place, const char *what, struct td_error *err);
/*
 * The next event of a cursor that goes forward without an end. At the end *upto is a position below
 * which nothing is left for it.
 */
int td_place_next(struct td_place *place, struct td_cursor *cursor, struct td_stored *stored,
	uint64_t *upto, struct td_error *err);
/* The lock, unless this thread has it: inside an inline handler. */
bool td_place_lock(struct td_place *place);
void td_place_unlock(struct td_place *place, bool locked);

/* --- commit.c ----------------------------------------------------------------------------- */

/* Decide it and wait until that is durable. */
int td_place_do(struct td_place *place, struct td_deed *deed, struct td_error *err);
/* Under the lock, nobody leads: have what is staged written, then hand over. */
void td_place_commit(struct td_place *place);
/* Under the lock: what waits for durable to move looks again. */
void td_place_moved(struct td_place *place);
/* Wait until durable is beyond `position`; deadline in monotonic ns. TD_E_TIMEOUT, TD_E_CLOSED, TD_E_DISK. */
int td_place_wait(
	struct td_place *place, uint64_t position, int64_t deadline, struct td_error *err);

/* --- keep.c ------------------------------------------------------------------------------- */

int td_place_keep(void *arg, const struct td_keeping *keeping, struct td_error *err);
bool td_place_seals(void *arg, const struct td_event *event);
/*
 * Events that are decided and not durable yet, in their order, until `each` answers false. Under the
 * lock; their publishers wait, so they stay for as long as it is held.
 */
void td_place_each_staged(struct td_place *place,
	bool (*each)(void *arg, const struct td_event *event, const struct td_where *where),
	void *arg);
/* Where something stands, as the public says it. Under the lock. */
void td_place_where(struct td_store *store, uint32_t log, uint64_t seq, uint64_t revision,
	uint64_t position, td_time recorded, struct td_where *where);

/* --- read.c, logs.c, backup.c: as td_offer has them ---------------------------------------- */

int td_place_read(struct td_reading **reading, struct td *td, const struct td_scope *scope,
	bool follows, struct td_error *err);
int td_place_latest(struct td *td, const char *log, const char *subject, struct td_event **event,
	struct td_where *where, struct td_error *err);
int td_place_find(struct td *td, const char *id, const char *source, struct td_event **event,
	struct td_where *where, struct td_error *err);
uint64_t td_place_position(struct td *td);
int td_place_subjects(struct td *td, const char *log, const char *pattern,
	bool (*each)(void *arg, const struct td_subject_about *subject), void *arg,
	struct td_error *err);
int td_place_status(struct td *td, struct td_status *status, struct td_error *err);
int td_place_log_set(struct td *td, const char *name, const struct td_log_settings *settings,
	bool change, struct td_error *err);
int td_place_log_delete(struct td *td, const char *name, struct td_error *err);
int td_place_log_list(
	struct td *td, struct td_log_about **logs, size_t *count, struct td_error *err);
int td_place_remove(
	struct td *td, const struct td_removing *asked, uint64_t *removed, struct td_error *err);
int td_place_forget(struct td *td, const char *log, const char *subject, struct td_error *err);
int td_place_backup(struct td *td, const char *to, const struct td_backup_options *options,
	struct td_backup_report *report, struct td_error *err);
int td_place_head(struct td *td, char line[TD_HEAD_BYTES], struct td_error *err);

/* --- house.c ------------------------------------------------------------------------------ */

int td_house_start(struct td_place *place, struct td_error *err);
void td_house_stop(struct td_place *place);
/* What is due now, on this thread (TD_NO_THREADS); true if there was something. */
bool td_house_turn(struct td_place *place);
/* The same, all of it, if there is no thread for it. */
void td_house_between(struct td_place *place);
/* td_loop_turn(): deliveries, and between them what is due of the house, if there is no thread for it. */
int td_house_loop(struct td_place *place, int64_t timeout_ms);
/* Under the lock: there may be something for it. */
void td_house_wake(struct td_place *place);

/* --- heads.c ------------------------------------------------------------------------------ */

int td_heads_open(struct td_place *place, const struct td_heads *heads, struct td_error *err);
void td_heads_close(struct td_place *place);
/* Under the lock, which it may leave meanwhile: export a head if one is due; true if it did. */
bool td_heads_turn(struct td_place *place);
int64_t td_heads_due_ms(struct td_place *place); /* monotonic ms; under the lock */
/* Before the store closes: one more, if anything was stored since. */
void td_heads_last(struct td_place *place);
void td_heads_status(const struct td_place *place, struct td_status *status);

/* --- durable.c ---------------------------------------------------------------------------- */

int td_durable_subscribe(struct td_place *place, const struct td_interest *interest,
	td_handler *handler, const struct td_typed_handler *typed, void *arg,
	struct td_subscription **subscription, struct td_error *err);
/* Feed what has come, note what was done; true if there was something. Not under the lock. */
bool td_durables_turn(struct td_place *place);
/* When there is something to be noted: monotonic ms. Under the lock. */
int64_t td_durables_due_ms(const struct td_place *place);
/* Until all that match the receipt's event are done with it; parked is done. Deadline as td_place_wait(). */
int td_durables_await(struct td_place *place, const struct td_receipt *receipt, int64_t deadline,
	struct td_error *err);
/* Until all that is stored was fed and is not owed any more, but for what is parked or stopped. */
int td_durables_drain(struct td_place *place, int64_t deadline, struct td_error *err);
/* Before td_unsubscribe(): it is fed no more; true if it was one. */
bool td_durable_end(struct td_place *place, struct td_subscription *subscription);
/* After the bus was closed: note what was done, free them. */
void td_durables_close(struct td_place *place);

/* --- inline.c ----------------------------------------------------------------------------- */

int td_inline_subscribe(struct td_place *place, const struct td_interest *interest,
	td_handler *handler, const struct td_typed_handler *typed, void *arg,
	struct td_subscription **subscription, struct td_error *err);
bool td_inline_end(struct td_place *place, struct td_subscription *subscription);
int td_inline_check(void *arg, struct td_store *store, const struct td_entry *entries, size_t count,
	struct td_error *err);
void td_inlines_close(struct td_place *place);
/*
 * td_latest() inside an inline handler: what is decided, and what comes before the event at hand in its
 * own append, whose `where` is zero but for the log.
 */
int td_inline_latest(struct td_place *place, const char *log, struct td_text address,
	struct td_event **event, struct td_where *where, struct td_error *err);
/*
 * The same for reading: events that are not durable yet and that `wanted` wants, with references, in
 * their order. free() it.
 */
struct td_unsettled {
	struct td_event *event;
	struct td_where where;
};
int td_inline_collect(struct td_place *place,
	bool (*wanted)(void *arg, const struct td_event *event, const struct td_where *where),
	void *arg, struct td_unsettled **list, size_t *count, struct td_error *err);
/* The place whose inline handler this thread is in; NULL: none. */
const struct td_place *td_inline_place(void);

#endif
