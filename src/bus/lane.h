/*
 * What the files of a lane share. A lane: what one subscription is owed, and the driver of its
 * delivery machine.
 *
 *	publishers --reserve--> [ring] --(lane lock)--> [machine] --take--> handlers
 *	                                                   ^                   |
 *	                                                   +----- settle ------+
 *
 * A publisher reserves a place (a counter: the bound of the queue), then pushes into the ring
 * without a lock. Whoever runs the lane moves the ring into the machine, takes a batch, runs it
 * without the lock, settles it. Several workers may run one lane; the machine keeps keys in order.
 *
 * A batch is one of each key whose turn it is, then what stands behind these, round by round: so
 * nobody is served before his turn, and one key with much to do costs no more than many. What went
 * well is settled at the end of the batch, or as soon as anybody waits for it or somebody else
 * looks (td_batch_settle_done). What a batch holds and has not begun is no better off than what
 * waits: who finds nothing else takes it back (td_batch_give_back), if the handler before it waits
 * for an answer or takes more than TD_HELD_MS, or if room is needed. So a handler may wait for
 * another key of its own lane, through whomever, as long as there is a worker to run it.
 *
 * `attention` is what saves the wake-ups: 1 while somebody will look at the ring again before he
 * leaves. A publisher that finds 0 makes it 1 and schedules the lane. Both sides put a full fence
 * between their store and their look (push, then attention; attention, then ring): one of the two
 * sees the other.
 *
 * Invariants:
 *	L1  reserved == places promised + in the ring + pending + owed by the machine
 *	L2  slots >= reserved: whoever has a place will find a slot, so a push cannot fail
 *	L3  what is pending is older than what is in the ring, younger than what the machine has
 */
#ifndef TD_BUS_LANE_H
#define TD_BUS_LANE_H

#include "bus/private.h"

#define TD_BATCH_MAX  32u
#define TD_SLAB_SLOTS 64u
/* How long one worker may hold what another could run. */
#define TD_HELD_MS 10

/* A place in the slab: what the machine knows as a token. */
struct td_lane_slot {
	struct td_owed owed;
	struct td_lane_slot *next; /* free, or pending */
};

struct td_lane_slab {
	struct td_lane_slab *next;
	struct td_lane_slot slots[TD_SLAB_SLOTS];
};

struct td_lane {
	struct td_run_links links; /* first: run.c finds it there */
	struct td_subscription *subscription;
	struct td_bus *bus;
	struct td_ring *ring;

	_Alignas(64) _Atomic size_t reserved;
	_Atomic size_t slots; /* made so far */
	_Alignas(64) _Atomic int attention;
	_Atomic uint64_t activity; /* pushes so far */
	_Atomic unsigned waiting_for_room;
	_Atomic unsigned tails; /* settled as failed, but what that set off still runs */
	_Atomic unsigned stops; /* how often it stopped: who has taken more gives it back */

	struct td_mutex lock;
	struct td_delivery *machine;
	struct td_lane_slab *slabs;
	struct td_lane_slot *free_slots;
	struct td_lane_slot *pending, **pending_tail; /* the machine would not take them yet */
	struct td_batch *batches;                     /* being run */
	int64_t held_until_ms; /* the timer is set for this at the latest, to look at them */
	size_t room_step;      /* so many places that are free again are given back at once */
	bool keyed;
	bool shared; /* others than who runs a batch may take from it */
	uint64_t completed, failed, dropped, retried;
};

/*
 * One delivery, from take to settle. GONE: settled, or the machine has it again.
 *
 *	TAKEN --(its handler succeeded)--> DONE --(it is settled)--> GONE
 *	   '----(it failed, was dropped, withdrawn or given back)-----^
 */
enum td_job_state { TD_JOB_TAKEN, TD_JOB_DONE, TD_JOB_GONE };
struct td_lane_job {
	struct td_due due;
	struct td_lane_slot *slot;
	_Atomic unsigned char
		state; /* enum td_job_state; written by who claimed it, or under the lock */
};

/*
 * What was taken at once, on the stack of who runs it. He claims one job after the other; whoever
 * has the lock may claim all the rest, to give it back.
 */
struct td_batch {
	struct td_lane *lane;
	struct td_batch *next, *prev; /* lane->batches */
	int64_t since_ms;
	unsigned stops; /* of the lane, when it was taken */
	unsigned count;
	unsigned settled;         /* up to here all are GONE */
	_Atomic unsigned claimed; /* the next to be claimed; from `count` on: none is */
	struct td_lane_job jobs[TD_BATCH_MAX];
};

/* Those that went well, out of the machine, to be told and freed without the lock. */
struct td_lane_done {
	size_t count;
	struct td_owed owed[TD_BATCH_MAX];
};

/* What who runs a lane remembers between its batches. */
struct td_lane_stretch {
	struct td_cascade *cascade; /* NULL: each delivery has its own */
	int64_t now_ms;
	size_t ran;
	size_t room; /* places that are free again, not yet given back */
	struct td_batch batch;
	struct td_lane_done done; /* not told yet */
};

/* --- queue.c ------------------------------------------------------------------------------ */

static inline void td_lane_slot_put(struct td_lane *lane, struct td_lane_slot *slot)
{
	slot->next = lane->free_slots;
	lane->free_slots = slot;
}

static inline struct td_lane_slot *td_lane_slot_of(uint64_t token)
{
	return (struct td_lane_slot *)(uintptr_t)token;
}

uint64_t td_lane_key(const struct td_lane *lane, struct td_text address);
struct td_lane_slot *td_lane_append(struct td_lane *lane, const struct td_owed *owed);
/* Under the lock: from the ring into the machine, as far as it takes them (D5, memory). */
void td_lane_gather(struct td_lane *lane);
/*
 * The same, and nothing is left behind: a producer that is held up between his ticket and his cell
 * hides what others, or we ourselves, pushed after him. He needs no lock of ours to go on.
 */
void td_lane_gather_all(struct td_lane *lane);
int td_lane_try_reserve(struct td_lane *lane);
/* Room again, and whoever waits for it looks. */
void td_lane_unreserve_count(struct td_lane *lane, size_t count);
/*
 * The same while more is coming: who waits is woken for a quarter of the queue, not for each place.
 * What is left over is told at the end of the stretch.
 */
void td_lane_unreserve_some(struct td_lane *lane, size_t count);

/* --- settle.c ----------------------------------------------------------------------------- */

static inline enum td_job_state td_job_state(const struct td_lane_job *job)
{
	return (enum td_job_state)atomic_load_explicit(&job->state, memory_order_acquire);
}

static inline void td_job_become(struct td_lane_job *job, enum td_job_state state)
{
	atomic_store_explicit(&job->state, (unsigned char)state, memory_order_release);
}

void td_owed_free(struct td_owed *owed);
/* Tell who waits for it; once told it is done, nobody waits any more. */
void td_lane_tell(struct td_lane *lane, struct td_owed *owed, enum td_state state, int code,
	const char *reason);
void td_lane_drop_one(struct td_lane *lane, struct td_lane_slot *slot);
/* Under the lock: settle what went well, up to the first that did not or still runs. */
void td_batch_settle_done(struct td_batch *batch, struct td_lane_done *done);
/* The same without the lock: tell who waits, and let go. The places are still to be given back. */
void td_lane_tell_done(struct td_lane *lane, struct td_lane_done *done);
void td_stretch_tell(struct td_lane_stretch *stretch);
void td_lane_note_attempt(struct td_lane *lane, struct td_owed *owed, int code, const char *reason);
void td_lane_count_state(struct td_lane *lane, enum td_state state);
/* It did not just succeed: the machine decides, everybody is told, a letter may go out. */
enum td_state td_stretch_settle_failed(struct td_lane_stretch *stretch, struct td_lane_job *job,
	struct td_context *context, int code);
/* Unsubscribed since it was taken: nobody is called. */
void td_stretch_drop(struct td_lane_stretch *stretch, struct td_lane_job *job);

/* --- batch.c ------------------------------------------------------------------------------ */

/* Under the lock: what is not begun of a batch waits again, in front; how many. */
size_t td_batch_give_back(struct td_batch *batch);
/*
 * Under the lock: take back from the batches that are older than `before_ms` what they have not
 * begun, and settle what they have done; how many came back.
 */
size_t td_lane_relieve(struct td_lane *lane, int64_t before_ms, struct td_lane_done *done);
/* A batch of `most` at most, under the lock; false: there is nothing. */
bool td_batch_take(struct td_lane_stretch *stretch, size_t most);
/* Run a batch without the lock, and end it under the lock. */
void td_batch_run(struct td_lane_stretch *stretch);

#endif
