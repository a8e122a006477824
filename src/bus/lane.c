#include "bus/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A lane: what one subscription is owed, and the driver of its delivery machine.
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
 * looks (settle_done). What a batch holds and has not begun is no better off than what waits: who
 * finds nothing else takes it back (give_back), if the handler before it waits for an answer or
 * takes more than HELD_MS, or if room is needed. So a handler may wait for another key of its own
 * lane, through whomever, as long as there is a worker to run it.
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

#define RING_CELLS 1024u
#define BATCH_MAX  32u
#define SLAB_SLOTS 64u
/* When memory for the machine could not be had: how long until the next try. */
#define NOMEM_RETRY_MS 10
/* How often an idle worker looks at a lane's ring before it leaves, and how seldom. */
#define LINGER_LOOKS  2u
#define LINGER_PAUSES 100u
/* How long one worker may hold what another could run. */
#define HELD_MS 10

/* A place in the slab: what the machine knows as a token. */
struct slot {
	struct td_owed owed;
	struct slot *next; /* free, or pending */
};

struct slab {
	struct slab *next;
	struct slot slots[SLAB_SLOTS];
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
	struct slab *slabs;
	struct slot *free_slots;
	struct slot *pending, **pending_tail; /* the machine would not take them yet */
	struct td_batch *batches;             /* being run */
	int64_t held_until_ms; /* the timer is set for this at the latest, to look at them */
	size_t room_step;      /* so many places that are free again are given back at once */
	bool keyed;
	bool shared; /* others than who runs a batch may take from it */
	uint64_t completed, failed, dropped, retried;
};

/*
 * One delivery, from take to settle. GONE: settled, or the machine has it again.
 *
 *	TAKEN --(its handler succeeded)--> DONE --(settle_done)--> GONE
 *	   '----(it failed, was dropped, withdrawn or given back)---^
 */
enum job_state { JOB_TAKEN, JOB_DONE, JOB_GONE };
struct job {
	struct td_due due;
	struct slot *slot;
	_Atomic unsigned char
		state; /* enum job_state; written by who claimed it, or under the lock */
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
	struct job jobs[BATCH_MAX];
};

/* Those that went well, out of the machine, to be told and freed without the lock. */
struct done {
	size_t count;
	struct td_owed owed[BATCH_MAX];
};

/* --- making ------------------------------------------------------------------------------- */

struct td_lane *td_lane_new(struct td_subscription *s)
{
	struct td_delivery_options options = {
		.keyed = s->order != TD_ORDER_NONE,
		.owed_max = s->queue_max,
		.together_max = BATCH_MAX,
		.retry = s->retry,
		.parked_max = s->parked_max,
	};
	size_t cells = s->queue_max < RING_CELLS ? s->queue_max : RING_CELLS;
	struct td_lane *lane = aligned_alloc(64, (sizeof(*lane) + 63) / 64 * 64);

	if (lane == NULL)
		return NULL;
	memset(lane, 0, sizeof(*lane));
	lane->subscription = s;
	lane->bus = s->bus;
	lane->room_step = s->queue_max / 4 < BATCH_MAX ? s->queue_max / 4 : BATCH_MAX;
	lane->keyed = options.keyed;
	lane->shared = s->bus->workers_count > 1 || s->when_full == TD_DROP_OLDEST;
	lane->pending_tail = &lane->pending;
	lane->ring = td_ring_new(cells);
	lane->machine = td_delivery_new(&options);
	if (lane->ring == NULL || lane->machine == NULL || td_mutex_init(&lane->lock, NULL) != 0) {
		td_delivery_free(lane->machine);
		td_ring_free(lane->ring);
		free(lane);
		return NULL;
	}
	return lane;
}

void td_lane_free(struct td_lane *lane)
{
	if (lane == NULL)
		return;
	while (lane->slabs != NULL) {
		struct slab *next = lane->slabs->next;

		free(lane->slabs);
		lane->slabs = next;
	}
	td_mutex_fini(&lane->lock);
	td_delivery_free(lane->machine);
	td_ring_free(lane->ring);
	free(lane);
}

/* --- slots -------------------------------------------------------------------------------- */

/* L2: called with a place in hand, before anybody relies on it. */
static bool make_slots(struct td_lane *lane)
{
	bool enough = true;

	td_mutex_lock(&lane->lock);
	while (enough && atomic_load(&lane->slots) < atomic_load(&lane->reserved)) {
		struct slab *slab = malloc(sizeof(*slab));

		enough = slab != NULL;
		if (!enough)
			break;
		slab->next = lane->slabs;
		lane->slabs = slab;
		for (size_t i = 0; i < SLAB_SLOTS; i++) {
			slab->slots[i].next = lane->free_slots;
			lane->free_slots = &slab->slots[i];
		}
		atomic_fetch_add(&lane->slots, SLAB_SLOTS);
	}
	td_mutex_unlock(&lane->lock);
	return enough;
}

static struct slot *slot_get(struct td_lane *lane)
{
	struct slot *slot = lane->free_slots;

	TD_ASSERT(slot != NULL); /* L2 */
	lane->free_slots = slot->next;
	return slot;
}

static void slot_put(struct td_lane *lane, struct slot *slot)
{
	slot->next = lane->free_slots;
	lane->free_slots = slot;
}

static struct slot *slot_of(uint64_t token)
{
	return (struct slot *)(uintptr_t)token;
}

static uint64_t key_of_address(const struct td_lane *lane, struct td_text address)
{
	uint64_t key = td_hash(address.at, address.len, lane->bus->seed);

	return key != 0 ? key : 1;
}

static uint64_t key_of(const struct td_lane *lane, const struct td_event *event)
{
	switch (lane->subscription->order) {
	case TD_ORDER_SUBJECT:
		return key_of_address(lane, event->address);
	case TD_ORDER_ALL:
		return 1;
	case TD_ORDER_NONE:
		break;
	}
	return 0;
}

/* --- what is let go ----------------------------------------------------------------------- */

static void free_owed(struct td_owed *owed)
{
	td_event_unref(owed->event);
	td_book_unref(owed->book);
	free(owed->attempts);
}

/* Tell who waits for it; once told it is done, nobody waits any more. */
static void tell(struct td_lane *lane, struct td_owed *owed, enum td_state state, int code,
	const char *reason)
{
	const struct td_feed *feed = lane->subscription->feed;
	bool done = state != TD_QUEUED && (state != TD_STOPPED || TD_BUG(310));

	if (feed != NULL && done)
		feed->settled(feed->arg, owed->number, state);
	if (owed->sync != NULL) {
		owed->sync->state = state;
		owed->sync->code = code;
		snprintf(owed->sync->reason, sizeof(owed->sync->reason), "%s",
			reason != NULL ? reason : "");
	}
	if (owed->book != NULL) {
		td_book_settle(owed->book, owed->book_number, state, code, reason, done);
		if (done) {
			td_book_unref(owed->book);
			owed->book = NULL;
		}
	}
	if (owed->request != NULL && state == TD_QUEUED) {
		td_request_again(owed->request);
	} else if (owed->request != NULL) {
		td_request_settle(owed->request, state == TD_DROPPED ? TD_E_CLOSED : code, reason);
		owed->request = NULL;
	}
	if (done && owed->sync != NULL) {
		owed->sync->done = true;
		owed->sync = NULL;
	}
}

/* Room again, and whoever waits for it looks. */
static void unreserve(struct td_lane *lane, size_t count)
{
	if (count == 0)
		return;
	atomic_fetch_sub(&lane->reserved, count);
	if (atomic_load(&lane->waiting_for_room) > 0)
		td_run_settled(lane->bus);
}

/*
 * The same while more is coming: who waits is woken for a quarter of the queue, not for each place.
 * What is left over is told at the end of the stretch.
 */
static void unreserve_some(struct td_lane *lane, size_t count)
{
	size_t max = lane->subscription->queue_max;
	size_t left;

	if (count == 0)
		return;
	left = atomic_fetch_sub(&lane->reserved, count) - count;
	if (left <= max - max / 4 && atomic_load(&lane->waiting_for_room) > 0)
		td_run_settled(lane->bus);
}

void td_lane_unreserve(struct td_lane *lane)
{
	if (TD_BUG(306))
		return;
	unreserve(lane, 1);
}

static void drop_one(struct td_lane *lane, struct slot *slot)
{
	td_bus_trace(lane->bus, TD_GAVE_UP, TD_DROPPED, slot->owed.event, lane->subscription, 0, 0);
	tell(lane, &slot->owed, TD_DROPPED, 0, "dropped");
	free_owed(&slot->owed);
	slot_put(lane, slot);
	lane->dropped++;
}

/* --- into the machine --------------------------------------------------------------------- */

static struct slot *append_pending(struct td_lane *lane, const struct td_owed *owed)
{
	struct slot *slot = slot_get(lane);

	slot->owed = *owed;
	if (TD_BUG(302) && lane->pending != NULL) {
		slot->next = lane->pending;
		return lane->pending = slot;
	}
	slot->next = NULL;
	*lane->pending_tail = slot;
	lane->pending_tail = &slot->next;
	return slot;
}

/* Under the lock: from the ring into the machine, as far as it takes them (D5, memory). */
static void gather(struct td_lane *lane)
{
	struct td_owed owed;

	while (td_ring_pop(lane->ring, &owed, sizeof(owed)))
		append_pending(lane, &owed);
	while (lane->pending != NULL) {
		struct slot *slot = lane->pending;
		uint64_t key = key_of(lane, slot->owed.event);

		if (td_delivery_admit(lane->machine, (uint64_t)(uintptr_t)slot, key) != 0)
			return;
		lane->pending = slot->next;
		if (lane->pending == NULL)
			lane->pending_tail = &lane->pending;
	}
}

/*
 * The same, and nothing is left behind: a producer that is held up between his ticket and his cell
 * hides what others, or we ourselves, pushed after him. He needs no lock of ours to go on.
 */
static void gather_all(struct td_lane *lane)
{
	gather(lane);
	while (td_ring_count(lane->ring) > 0) {
		td_thread_yield();
		gather(lane);
	}
}

/* --- what a batch holds ------------------------------------------------------------------- */

static enum job_state job_state(const struct job *job)
{
	return (enum job_state)atomic_load_explicit(&job->state, memory_order_acquire);
}

static void job_become(struct job *job, enum job_state state)
{
	atomic_store_explicit(&job->state, (unsigned char)state, memory_order_release);
}

/* The next job of the batch is the caller's; from batch->count on: there is none. */
static unsigned claim(struct td_batch *batch)
{
	unsigned next;

	if (batch->lane->shared)
		return atomic_fetch_add_explicit(&batch->claimed, 1, memory_order_relaxed);
	next = atomic_load_explicit(&batch->claimed, memory_order_relaxed);
	atomic_store_explicit(&batch->claimed, next + 1, memory_order_relaxed);
	return next;
}

/* Under the lock: settle what went well, up to the first that did not or still runs. */
static void settle_done(struct td_batch *batch, struct done *done)
{
	struct td_lane *lane = batch->lane;

	for (; batch->settled < batch->count; batch->settled++) {
		struct job *job = &batch->jobs[batch->settled];
		enum job_state state = job_state(job);
		struct td_owed *owed = &done->owed[done->count];

		if (state == JOB_TAKEN)
			return;
		if (state == JOB_GONE)
			continue;
		td_delivery_settle(lane->machine, job->due.ticket, TD_SETTLE_DONE, 0, 0, 0);
		job_become(job, JOB_GONE);
		*owed = job->slot->owed;
		if (owed->sync != NULL) { /* who waits there reads it under the lock */
			owed->sync->state = TD_COMPLETED;
			owed->sync->done = true;
			owed->sync = NULL;
		}
		slot_put(lane, job->slot);
		lane->completed++;
		done->count++;
	}
}

/* The same without the lock: tell who waits, and let go. The places are still to be given back. */
static void tell_done(struct td_lane *lane, struct done *done)
{
	bool traced = td_bus_traced(lane->bus);

	for (size_t i = 0; i < done->count; i++) {
		struct td_owed *owed = &done->owed[i];

		if (TD_UNLIKELY(traced))
			td_bus_trace(lane->bus, TD_DONE, TD_COMPLETED, owed->event,
				lane->subscription, 0, 0);
		tell(lane, owed, TD_COMPLETED, 0, NULL);
		free_owed(owed);
	}
	done->count = 0;
}

/* Under the lock: what is not begun of a batch waits again, in front; how many. */
static size_t give_back(struct td_batch *batch)
{
	unsigned from = atomic_exchange_explicit(&batch->claimed, BATCH_MAX, memory_order_relaxed);
	size_t count = 0;

	/* From behind: each is the last of its run then, and the first ends in front. */
	for (unsigned i = batch->count; i-- > from;) {
		struct job *job = &batch->jobs[i];

		if (job_state(job) != JOB_TAKEN)
			continue;
		td_delivery_return(batch->lane->machine, job->due.ticket);
		job_become(job, JOB_GONE);
		count++;
	}
	return count;
}

/* Under the lock: those behind a job that failed are the machine's again. */
static void forget_withdrawn(struct td_batch *batch, const struct job *failed, size_t withdrawn)
{
	struct job *end = batch->jobs + batch->count;

	for (struct job *job = batch->jobs; withdrawn > 0 && job < end; job++) {
		if (job == failed || job->due.key != failed->due.key || job_state(job) != JOB_TAKEN)
			continue;
		job_become(job, JOB_GONE);
		withdrawn--;
	}
	TD_ASSERT(withdrawn == 0);
}

/*
 * Under the lock: take back from the batches that are older than `before_ms` what they have not
 * begun, and settle what they have done; how many came back.
 */
static size_t relieve(struct td_lane *lane, int64_t before_ms, struct done *done)
{
	size_t count = 0;

	TD_ASSERT(lane->shared); /* or the claims of who runs a batch are not for two */
	for (struct td_batch *batch = lane->batches; batch != NULL; batch = batch->next) {
		if (batch->since_ms > before_ms || done->count > 0)
			continue; /* one at a time: there is room for what one has done */
		count += give_back(batch);
		settle_done(batch, done);
	}
	return count;
}

void td_lane_lend(struct td_batch *batch)
{
	struct td_lane *lane = batch->lane;
	struct done done;
	size_t count;

	/* Nobody else would run it; and running it here, inside, would go as deep as keys wait. */
	if (lane->bus->workers_count <= 1)
		return;
	done.count = 0;
	td_mutex_lock(&lane->lock);
	give_back(batch);
	settle_done(batch, &done);
	td_mutex_unlock(&lane->lock);
	count = done.count;
	tell_done(lane, &done);
	unreserve(lane, count);
	td_run_schedule(lane->bus, lane);
}

/* Make room; false: all there is runs, the new one goes. What others hold counts as what waits. */
static bool drop_oldest(struct td_lane *lane)
{
	struct done done;
	size_t room;
	uint64_t token;

	done.count = 0;
	td_mutex_lock(&lane->lock);
	gather(lane);
	relieve(lane, INT64_MAX, &done);
	room = done.count;
	if (room == 0 && td_delivery_drop_oldest(lane->machine, &token)) {
		drop_one(lane, slot_of(token));
		room = 1;
		if (TD_BUG(305) && td_delivery_drop_oldest(lane->machine, &token)) {
			drop_one(lane, slot_of(token));
			room = 2;
		}
	}
	td_mutex_unlock(&lane->lock);
	tell_done(lane, &done);
	unreserve(lane, room);
	return room > 0;
}

/* --- a place in the queue ----------------------------------------------------------------- */

static int try_reserve(struct td_lane *lane)
{
	size_t before = atomic_fetch_add(&lane->reserved, 1);

	if (TD_UNLIKELY(before >= lane->subscription->queue_max)) {
		atomic_fetch_sub(&lane->reserved, 1);
		return TD_E_FULL;
	}
	if (TD_UNLIKELY(before >= atomic_load_explicit(&lane->slots, memory_order_relaxed)) &&
		!make_slots(lane)) {
		unreserve(lane, 1);
		return TD_E_NOMEM;
	}
	return 0;
}

static int wait_for_room(struct td_lane *lane)
{
	struct td_bus *bus = lane->bus;
	int code;

	atomic_fetch_add(&lane->waiting_for_room, 1);
	for (;;) {
		uint64_t seen = td_run_settled_count(bus);

		if (atomic_load(&bus->closing) || !atomic_load(&lane->subscription->live)) {
			code = TD_E_CLOSED;
			break;
		}
		code = try_reserve(lane);
		if (code != TD_E_FULL)
			break;
		if (bus->workers_count > 0)
			td_run_wait_settled(bus, seen, INT64_MAX);
		else if (td_run_turn(bus) == 0)
			break; /* what could make room is what we would wait for */
	}
	atomic_fetch_sub(&lane->waiting_for_room, 1);
	return code;
}

int td_lane_reserve(struct td_lane *lane, bool may_wait, bool *dropped)
{
	enum td_when_full policy = lane->subscription->when_full;
	int code = try_reserve(lane);

	*dropped = false;
	if (TD_LIKELY(code != TD_E_FULL))
		return code;
	if (policy == TD_DROP_OLDEST) {
		while (code == TD_E_FULL && drop_oldest(lane))
			code = try_reserve(lane);
		*dropped = code == TD_E_FULL;
		return *dropped ? 0 : code;
	}
	if (policy == TD_WAIT && may_wait)
		return wait_for_room(lane);
	return TD_E_FULL;
}

void td_lane_count_dropped(struct td_lane *lane)
{
	td_mutex_lock(&lane->lock);
	lane->dropped++;
	td_mutex_unlock(&lane->lock);
}

void td_lane_push(struct td_lane *lane, const struct td_owed *owed)
{
	int idle = 0;

	while (TD_UNLIKELY(!td_ring_push(lane->ring, owed, sizeof(*owed)))) {
		/* The ring is shorter than the queue: empty it ourselves. */
		td_mutex_lock(&lane->lock);
		gather_all(lane);
		td_mutex_unlock(&lane->lock);
	}
	atomic_fetch_add_explicit(&lane->activity, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&lane->attention, memory_order_relaxed) == 0 &&
		atomic_compare_exchange_strong(&lane->attention, &idle, 1) && !TD_BUG(301))
		td_run_schedule(lane->bus, lane);
	/* Unsubscribed since it was routed: whoever clears last finds it. */
	if (TD_UNLIKELY(!atomic_load_explicit(&lane->subscription->live, memory_order_relaxed)))
		td_lane_clear(lane);
}

/* --- one delivery ------------------------------------------------------------------------- */

static void note_attempt(struct td_lane *lane, struct td_owed *owed, int code, const char *reason)
{
	struct td_attempts *attempts = owed->attempts;
	struct td_attempt *attempt;

	if (attempts == NULL) {
		attempts = owed->attempts = calloc(1, sizeof(*attempts));
		if (attempts == NULL)
			return; /* the letter will tell less */
		attempts->first = 1;
	}
	if (attempts->count == TD_ATTEMPTS_KEPT) {
		memmove(attempts->kept, attempts->kept + 1,
			(TD_ATTEMPTS_KEPT - 1) * sizeof(attempts->kept[0]));
		attempts->count--;
		attempts->first++;
	}
	attempt = &attempts->kept[attempts->count++];
	attempt->at = td_clock_wall(lane->bus->clock);
	attempt->code = code;
	snprintf(attempt->reason, sizeof(attempt->reason), "%.*s", (int)sizeof(attempt->reason) - 1,
		reason);
}

static enum td_settle settle_of(const struct td_lane *lane, const struct td_context *context)
{
	if (context->refused || lane->subscription->observer)
		return TD_SETTLE_DONE;
	switch (context->class_) {
	case TD_SKIP:
		return TD_SETTLE_SKIP;
	case TD_PARK:
		return TD_SETTLE_PARK;
	case TD_STOP:
		return TD_SETTLE_STOP;
	case TD_RETRY:
		break;
	}
	return TD_SETTLE_RETRY;
}

static enum td_state state_of(
	const struct td_lane *lane, const struct td_context *context, enum td_verdict verdict)
{
	switch (verdict) {
	case TD_VERDICT_DONE:
		return lane->subscription->observer && !context->refused ? TD_FAILED : TD_COMPLETED;
	case TD_VERDICT_RETRY:
		return TD_QUEUED;
	case TD_VERDICT_SKIPPED:
		return TD_FAILED;
	case TD_VERDICT_PARKED:
		return TD_PARKED;
	case TD_VERDICT_STOPPED:
		break;
	}
	return TD_STOPPED;
}

static void count_state(struct td_lane *lane, enum td_state state)
{
	if (state == TD_COMPLETED)
		lane->completed++;
	else if (state == TD_FAILED || state == TD_PARKED)
		lane->failed++;
	else
		lane->retried++;
}

/* What who runs a lane remembers between its batches. */
struct stretch {
	struct td_cascade *cascade; /* NULL: each delivery has its own */
	int64_t now_ms;
	size_t ran;
	size_t room; /* places that are free again, not yet given back */
	struct td_batch batch;
	struct done done; /* not told yet */
};

static void tell_stretch(struct stretch *stretch)
{
	stretch->room += stretch->done.count;
	tell_done(stretch->batch.lane, &stretch->done);
}

/* It did not just succeed: the machine decides, everybody is told, a letter may go out. */
static enum td_state settle_failed(
	struct stretch *stretch, struct job *job, struct td_context *context, int code)
{
	struct td_lane *lane = stretch->batch.lane;
	struct td_bus *bus = lane->bus;
	struct slot *slot = job->slot;
	struct td_attempts *attempts = NULL;
	struct td_event *event = td_event_ref(context->event);
	double unit = (double)(td_bus_random(bus) >> 11) * 0x1p-53;
	struct td_settled settled;
	enum td_state state;
	bool gone;

	td_mutex_lock(&lane->lock);
	settle_done(&stretch->batch, &stretch->done); /* a key is settled in order */
	note_attempt(lane, &slot->owed, code, context->reason);
	settled = td_delivery_settle(lane->machine, job->due.ticket,
		TD_BUG(303) && settle_of(lane, context) == TD_SETTLE_PARK
			? TD_SETTLE_SKIP
			: settle_of(lane, context),
		context->after_ms, unit, td_bus_now_ms(bus));
	forget_withdrawn(&stretch->batch, job, settled.withdrawn);
	job_become(job, JOB_GONE);
	state = state_of(lane, context, settled.verdict);
	if (state == TD_STOPPED)
		atomic_fetch_add_explicit(&lane->stops, 1, memory_order_relaxed);
	gone = state == TD_COMPLETED || state == TD_FAILED;
	count_state(lane, state);
	tell(lane, &slot->owed, state, code, context->reason);
	if (state == TD_FAILED || state == TD_PARKED) {
		attempts = slot->owed.attempts;
		slot->owed.attempts = NULL;
	}
	if (gone) {
		free_owed(&slot->owed);
		slot_put(lane, slot);
	}
	td_mutex_unlock(&lane->lock);
	unreserve(lane, gone);
	tell_stretch(stretch);

	if (td_bus_traced(bus))
		td_bus_trace(bus,
			state == TD_QUEUED || state == TD_STOPPED ? TD_TRY_AGAIN
			: state == TD_COMPLETED                   ? TD_DONE
								  : TD_GAVE_UP,
			state, event, lane->subscription, context->attempt, code);
	if ((state == TD_FAILED || state == TD_PARKED) && !lane->subscription->observer)
		td_letter_announce(lane->subscription, event, context->class_, code,
			context->reason, attempts, td_context_cascade(context));
	free(attempts);
	td_event_unref(event);
	return state;
}

/* Unsubscribed since it was taken: nobody is called. */
static void drop_taken(struct stretch *stretch, struct job *job)
{
	struct td_lane *lane = stretch->batch.lane;

	td_mutex_lock(&lane->lock);
	settle_done(&stretch->batch, &stretch->done);
	td_delivery_settle(lane->machine, job->due.ticket, TD_SETTLE_DONE, 0, 0, 0);
	job_become(job, JOB_GONE);
	drop_one(lane, job->slot);
	td_mutex_unlock(&lane->lock);
	unreserve(lane, 1);
	tell_stretch(stretch);
}

/* Call the handler of a claimed job. */
static void run_job(struct stretch *stretch, struct job *job)
{
	struct td_lane *lane = stretch->batch.lane;
	struct td_bus *bus = lane->bus;
	struct td_subscription *s = lane->subscription;
	struct td_slot slot = {s->handler, s->arg, s};
	struct td_cascade own;
	struct td_context context;
	struct td_event *command = NULL;
	enum td_state state = TD_COMPLETED;
	int code;

	if (TD_UNLIKELY(!atomic_load_explicit(&s->live, memory_order_relaxed)) && !TD_BUG(308)) {
		drop_taken(stretch, job);
		return;
	}
	if (TD_UNLIKELY(s->kind == TD_COMMAND))
		command = td_event_ref(job->slot->owed.event);
	td_cascade_init(&own, NULL, NULL);
	td_context_init(&context, job->slot->owed.event, &slot,
		stretch->cascade != NULL ? stretch->cascade : &own);
	context.attempt = job->due.attempt;
	context.request = job->slot->owed.request;
	context.batch = &stretch->batch;
	code = td_bus_call(bus, &context);
	if (TD_UNLIKELY(code != 0)) {
		atomic_fetch_add(&lane->tails, 1);
		state = settle_failed(stretch, job, &context, code);
	}
	if (TD_UNLIKELY(command != NULL) && state != TD_QUEUED && state != TD_STOPPED)
		td_letter_outcome(s, command, &context, code);
	td_event_unref(command);
	if (stretch->cascade == NULL)
		td_cascade_run(bus, &own);
	if (TD_LIKELY(code == 0))
		job_become(job, JOB_DONE);
	else
		atomic_fetch_sub(&lane->tails, 1);
}

/* --- a stretch ---------------------------------------------------------------------------- */

/* Whose turns to take at once: few enough that other workers find something, too. */
static size_t turns_most(const struct td_lane *lane)
{
	size_t workers = lane->bus->workers_count;
	size_t share;

	if (workers <= 1)
		return BATCH_MAX;
	share = td_delivery_counts(lane->machine).waiting / (4 * workers);
	return share < 1 ? 1 : share > BATCH_MAX ? BATCH_MAX : share;
}

/*
 * Under the lock, with nothing to take: leave, unless something came meanwhile that nobody else
 * will look at. True: look again.
 */
static bool leave(struct td_lane *lane)
{
	int idle = 0;
	int64_t now = td_bus_now_ms(lane->bus);
	int64_t due = td_delivery_next_ms(lane->machine, now);

	if (lane->pending != NULL && td_delivery_counts(lane->machine).parked == 0 &&
		due > now + NOMEM_RETRY_MS)
		due = now + NOMEM_RETRY_MS;
	if (lane->batches != NULL && lane->bus->workers_count > 1)
		lane->held_until_ms = now + HELD_MS;
	if (due > lane->held_until_ms && lane->held_until_ms > now)
		due = lane->held_until_ms;
	if (!TD_BUG(307))
		td_run_timer(lane->bus, lane, due);
	atomic_store(&lane->attention, 0);
	atomic_thread_fence(memory_order_seq_cst);
	return td_ring_count(lane->ring) > 0 &&
	       atomic_compare_exchange_strong(&lane->attention, &idle, 1);
}

/* Under the lock, before running a batch: let others in, if there are others. */
static void share(struct td_lane *lane)
{
	int idle = 0;

	if (lane->bus->workers_count <= 1)
		return; /* nobody else: we look at the ring again before we leave */
	if (td_delivery_counts(lane->machine).waiting > 0) {
		atomic_store(&lane->attention, 1);
		td_run_schedule(lane->bus, lane);
		return;
	}
	atomic_store(&lane->attention, 0);
	atomic_thread_fence(memory_order_seq_cst);
	if (td_ring_count(lane->ring) > 0 &&
		atomic_compare_exchange_strong(&lane->attention, &idle, 1))
		td_run_schedule(lane->bus, lane);
}

/* What whoever comes now could not run is looked at again when it has been held for long. */
static void watch(struct td_lane *lane, int64_t now_ms)
{
	if (lane->bus->workers_count <= 1 || now_ms < lane->held_until_ms)
		return;
	lane->held_until_ms = now_ms + HELD_MS;
	td_run_timer_by(lane->bus, lane, lane->held_until_ms);
}

/* A batch of `most` at most, under the lock; false: there is nothing. */
static bool take(struct stretch *stretch, size_t most)
{
	struct td_batch *batch = &stretch->batch;
	struct td_lane *lane = batch->lane;
	size_t turns = turns_most(lane);
	unsigned count = 0;

	if (most > BATCH_MAX)
		most = BATCH_MAX;
	if (turns > most)
		turns = most;
	while (count < turns &&
		td_delivery_take(lane->machine, stretch->now_ms, &batch->jobs[count].due))
		count++;
	for (unsigned i = 0; i < count && count < most && lane->keyed; i++)
		count += td_delivery_take_behind(lane->machine, batch->jobs[i].due.ticket,
			stretch->now_ms, &batch->jobs[count].due);
	if (count == 0)
		return false;
	for (unsigned i = 0; i < count; i++) {
		batch->jobs[i].slot = slot_of(batch->jobs[i].due.token);
		atomic_init(&batch->jobs[i].state, JOB_TAKEN);
	}
	batch->stops = atomic_load_explicit(&lane->stops, memory_order_relaxed);
	batch->count = count;
	batch->settled = 0;
	batch->since_ms = stretch->now_ms;
	atomic_init(&batch->claimed, 0);
	batch->prev = NULL;
	batch->next = lane->batches;
	if (batch->next != NULL)
		batch->next->prev = batch;
	lane->batches = batch;
	if (count > 1)
		watch(lane, stretch->now_ms);
	return true;
}

/* Under the lock: nobody has anything to look for in it any more. */
static void end_batch(struct stretch *stretch)
{
	struct td_batch *batch = &stretch->batch;

	give_back(batch);
	settle_done(batch, &stretch->done);
	TD_ASSERT(batch->settled == batch->count);
	if (batch->prev != NULL)
		batch->prev->next = batch->next;
	else
		batch->lane->batches = batch->next;
	if (batch->next != NULL)
		batch->next->prev = batch->prev;
}

/* Time matters only to what waits for it: then it is looked at for every batch, else now and then.
 */
static void look_at_clock(struct stretch *stretch)
{
	const struct td_lane *lane = stretch->batch.lane;

	if (stretch->ran % 64 == 0 || lane->shared || td_delivery_timed(lane->machine))
		stretch->now_ms = td_bus_now_ms(lane->bus);
}

static void settle_now(struct stretch *stretch)
{
	struct td_lane *lane = stretch->batch.lane;

	td_mutex_lock(&lane->lock);
	settle_done(&stretch->batch, &stretch->done);
	td_mutex_unlock(&lane->lock);
	tell_stretch(stretch);
}

/* Run a batch without the lock, and end it under the lock. */
static void run_batch(struct stretch *stretch)
{
	struct td_batch *batch = &stretch->batch;
	struct td_lane *lane = batch->lane;

	/* It may stop here, in another worker, or deeper in this thread. */
	while (atomic_load_explicit(&lane->stops, memory_order_relaxed) == batch->stops ||
		TD_BUG(309)) {
		unsigned i = claim(batch);
		struct job *job = &batch->jobs[i];
		bool awaited;

		if (i >= batch->count)
			break;
		if (TD_UNLIKELY(job_state(job) != JOB_TAKEN))
			continue; /* withdrawn */
		awaited = job->slot->owed.request != NULL || job->slot->owed.book != NULL;
		run_job(stretch, job);
		stretch->ran++;
		if (awaited && i + 1 < batch->count)
			settle_now(stretch);
	}
	td_mutex_lock(&lane->lock);
	end_batch(stretch);
}

static void give_room(struct stretch *stretch, bool all)
{
	if (all || stretch->room >= stretch->batch.lane->room_step) {
		unreserve_some(stretch->batch.lane, stretch->room);
		stretch->room = 0;
	}
}

/*
 * A worker that has nothing to take stays for a moment before it leaves: while `attention` is 1 a
 * publisher needs no lock and wakes nobody, and the next event is often less than a microsecond
 * away. It looks seldom, since each look takes the publisher's cache line from him; what comes
 * meanwhile is one batch. Without the lock; true: something came.
 */
static bool linger(struct stretch *stretch)
{
	struct td_lane *lane = stretch->batch.lane;
	struct td_bus *bus = lane->bus;

	if (atomic_load(&lane->waiting_for_room) > 0)
		give_room(stretch, true);
	td_run_settled(bus);
	for (unsigned look = 0; look < LINGER_LOOKS; look++) {
		for (unsigned i = 0; i < LINGER_PAUSES; i++)
			td_thread_pause();
		if (td_ring_count(lane->ring) > 0)
			return true;
		if (atomic_load_explicit(&bus->ready, memory_order_relaxed) > 0 ||
			atomic_load_explicit(&bus->stopping, memory_order_relaxed))
			break;
	}
	return false;
}

size_t td_lane_run(struct td_lane *lane, size_t most, struct td_cascade *cascade)
{
	bool worker = lane->bus->workers_count > 0 && most > 1 && cascade == NULL;
	bool stay = worker; /* it has not waited in vain yet */
	struct stretch stretch;

	stretch.batch.lane = lane;
	stretch.cascade = cascade;
	stretch.ran = stretch.room = stretch.done.count = 0;
	td_mutex_lock(&lane->lock);
	for (;;) {
		bool taken, lingers = false, again = false;

		gather(lane);
		look_at_clock(&stretch);
		taken = take(&stretch, most - stretch.ran);
		if (taken) {
			share(lane);
		} else if (stretch.ran >= most) {
			atomic_store(&lane->attention, 1);
			td_run_schedule(lane->bus, lane);
		} else if (stay) {
			if (atomic_load(&lane->attention) == 0)
				atomic_store(&lane->attention, 1);
			again = lingers = true;
		} else if (TD_LIKELY(lane->batches == NULL) || !lane->shared) {
			again = leave(lane);
		} else if (stretch.done.count > 0) {
			again = true; /* told first: there is room for what others have done */
		} else {
			again = relieve(lane, stretch.now_ms - HELD_MS, &stretch.done) > 0 ||
				leave(lane);
		}
		td_mutex_unlock(&lane->lock);
		tell_stretch(&stretch);
		if (!taken && !again)
			break;
		if (lingers)
			stay = linger(&stretch);
		else
			give_room(&stretch, false);
		if (taken)
			run_batch(&stretch);
		else
			td_mutex_lock(&lane->lock);
	}
	give_room(&stretch, true);
	if (TD_UNLIKELY(!atomic_load(&lane->subscription->live)))
		td_lane_clear(lane); /* what it left to be tried again, too */
	td_run_settled(lane->bus);
	td_run_count(lane->bus, stretch.ran);
	return stretch.ran;
}

/* --- synchronous, with a lane ------------------------------------------------------------- */

/* What became of it, for the publisher's receipt; failures have told their letter already. */
static enum td_state told(
	struct td_lane *lane, const struct td_sync *sync, struct td_cascade *cascade)
{
	switch (sync->state) {
	case TD_COMPLETED:
		cascade->completed += TD_BUG(304) ? 2 : 1;
		break;
	case TD_QUEUED:
		cascade->queued++;
		break;
	case TD_FAILED:
	case TD_PARKED:
	case TD_STOPPED:
		if (lane->subscription->observer)
			break;
		if (cascade->failed++ == 0 && cascade->err != NULL)
			td_error_set(cascade->err, TD_E_HANDLER, TD_NO_OFFSET, "handler %s: %s",
				lane->subscription->name, sync->reason);
		break;
	case TD_DROPPED:
		break;
	}
	return sync->state;
}

/* There is no place for it; TD_E_CLOSED: it ended while we waited for one, nobody failed. */
static enum td_state not_taken(
	struct td_lane *lane, struct td_owed *owed, int code, struct td_cascade *cascade)
{
	struct td_subscription *s = lane->subscription;
	enum td_state state = code == 0 || code == TD_E_CLOSED ? TD_DROPPED : TD_FAILED;
	int failure = state == TD_FAILED ? code : 0;
	const char *why = code == 0 ? "its queue is full" : td_error_meaning(code);

	if (code == 0)
		td_lane_count_dropped(lane);
	td_bus_trace(lane->bus, TD_GAVE_UP, state, owed->event, s, 0, failure);
	if (cascade->book != NULL)
		td_book_add(cascade->book, owed->event, s, state, failure, why);
	if (state == TD_FAILED && !s->observer) {
		if (cascade->failed++ == 0 && cascade->err != NULL)
			td_error_set(cascade->err, TD_E_HANDLER, TD_NO_OFFSET,
				"subscription %s: %s", s->name, why);
		td_letter_announce(s, owed->event, TD_SKIP, code, why, NULL, cascade);
	}
	td_event_unref(owed->event);
	return state;
}

enum td_state td_lane_deliver(
	struct td_lane *lane, struct td_owed *owed, struct td_cascade *cascade)
{
	struct td_subscription *s = lane->subscription;
	struct td_sync sync = {.state = TD_QUEUED};
	struct slot *slot;
	bool dropped;
	int code = td_lane_reserve(lane, td_bus_context(lane->bus) == NULL, &dropped);

	if (code != 0 || dropped)
		return not_taken(lane, owed, dropped ? 0 : code, cascade);
	owed->sync = &sync;
	if (cascade->book != NULL) {
		owed->book_number = td_book_add(cascade->book, owed->event, s, TD_QUEUED, 0, NULL);
		if (owed->book_number != TD_BOOK_NONE) {
			td_book_ref(cascade->book);
			owed->book = cascade->book;
		}
	}
	td_mutex_lock(&lane->lock);
	gather_all(lane);
	slot = append_pending(lane, owed);
	atomic_store(&lane->attention, 1);
	td_mutex_unlock(&lane->lock);
	atomic_fetch_add_explicit(&lane->activity, 1, memory_order_relaxed);
	td_lane_run(lane, SIZE_MAX, cascade);
	td_mutex_lock(&lane->lock);
	if (!sync.done)
		slot->owed.sync = NULL; /* it is retried, waits behind its key, or runs elsewhere */
	td_mutex_unlock(&lane->lock);
	return told(lane, &sync, cascade);
}

/*
 * Take it out again: what is ready before it is taken, and given back in its order. false: it has
 * to wait, for another of its key or because the machine is stopped (or too much is before it).
 */
static bool take_this(struct td_lane *lane, const struct slot *slot, struct td_due *due)
{
	int64_t now = td_bus_now_ms(lane->bus);
	void *tickets[BATCH_MAX];
	size_t count = 0;
	bool found = false;

	while (!found && count < BATCH_MAX && td_delivery_take(lane->machine, now, due)) {
		found = slot_of(due->token) == slot;
		if (!found)
			tickets[count++] = due->ticket;
	}
	while (count > 0)
		td_delivery_return(lane->machine, tickets[--count]);
	return found;
}

/* Its receipt waits for what becomes of it. */
static void enter_book(struct td_lane *lane, struct td_owed *owed, struct td_receipt_book *book,
	enum td_state state, int code, const char *reason)
{
	owed->book_number = td_book_add(book, owed->event, lane->subscription, state, code, reason);
	if (owed->book_number == TD_BOOK_NONE)
		return;
	td_book_ref(book);
	owed->book = book;
}

enum td_state td_lane_take_over(struct td_lane *lane, struct td_owed *owed, enum td_class class_,
	struct td_context *context, int code)
{
	struct td_receipt_book *book = td_context_cascade(context)->book;
	enum td_state state = TD_QUEUED;
	struct td_settled settled;
	struct slot *slot;
	struct td_due due;

	if (try_reserve(lane) != 0)
		return TD_FAILED;
	td_mutex_lock(&lane->lock);
	gather_all(lane);
	slot = append_pending(lane, owed);
	gather(lane);
	if (take_this(lane, slot, &due)) {
		settled = td_delivery_settle(lane->machine, due.ticket,
			class_ == TD_PARK ? TD_SETTLE_PARK : TD_SETTLE_STOP, 0, 0,
			td_bus_now_ms(lane->bus));
		state = settled.verdict == TD_VERDICT_PARKED ? TD_PARKED : TD_STOPPED;
	}
	count_state(lane, state);
	if (state == TD_STOPPED)
		atomic_fetch_add_explicit(&lane->stops, 1, memory_order_relaxed);
	if (state != TD_PARKED) { /* the letter of what is parked is written by the caller */
		note_attempt(lane, &slot->owed, code, context->reason);
		if (book != NULL)
			enter_book(lane, &slot->owed, book, state, code, context->reason);
	}
	td_mutex_unlock(&lane->lock);
	if (state == TD_QUEUED)
		td_run_schedule(lane->bus, lane);
	return state;
}

/* --- what its owner asks ------------------------------------------------------------------ */

struct clearing {
	struct td_lane *lane;
	size_t count;
};

static void dropped_by_machine(void *arg, uint64_t token)
{
	struct clearing *clearing = arg;

	drop_one(clearing->lane, slot_of(token));
	clearing->count++;
}

void td_lane_clear(struct td_lane *lane)
{
	struct clearing clearing = {lane, 0};

	td_mutex_lock(&lane->lock);
	gather_all(lane);
	td_delivery_clear(lane->machine, dropped_by_machine, &clearing);
	while (lane->pending != NULL) {
		struct slot *slot = lane->pending;

		lane->pending = slot->next;
		drop_one(lane, slot);
		clearing.count++;
	}
	lane->pending_tail = &lane->pending;
	td_mutex_unlock(&lane->lock);
	unreserve(lane, clearing.count);
	td_run_settled(lane->bus);
}

bool td_lane_idle(struct td_lane *lane, uint64_t *activity)
{
	struct td_delivery_counts counts;
	bool idle;

	td_mutex_lock(&lane->lock);
	counts = td_delivery_counts(lane->machine);
	*activity += atomic_load(&lane->activity);
	idle = counts.running == 0 && atomic_load(&lane->tails) == 0;
	if (!counts.stopped)
		idle = idle && counts.waiting + counts.blocked + counts.retrying == 0 &&
		       td_ring_count(lane->ring) == 0 &&
		       (lane->pending == NULL || counts.parked > 0);
	td_mutex_unlock(&lane->lock);
	return idle;
}

void td_lane_verify(struct td_lane *lane)
{
	size_t pending = 0;

	td_mutex_lock(&lane->lock);
	gather(lane);
	td_delivery_verify(lane->machine);
	for (struct slot *slot = lane->pending; slot != NULL; slot = slot->next)
		pending++;
	TD_ASSERT(atomic_load(&lane->reserved) == pending + td_delivery_counts(lane->machine).owed +
							  td_ring_count(lane->ring)); /* L1 */
	TD_ASSERT(atomic_load(&lane->slots) >= atomic_load(&lane->reserved));         /* L2 */
	td_mutex_unlock(&lane->lock);
}

/* By the subject of its events: the key, or an error that says why there can be none. */
static int key_of_subject(
	const struct td_lane *lane, const char *subject, uint64_t *key, struct td_error *err)
{
	char encoded[TD_ADDRESS_BYTES_MAX];
	struct td_text address;
	int code;

	if (lane->subscription->order == TD_ORDER_NONE)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"%s has no keys: redrive or dismiss all", lane->subscription->name);
	if (lane->subscription->order == TD_ORDER_ALL) {
		*key = 1;
		return 0;
	}
	code = td_address_encode(td_text(subject), encoded, &address, err);
	if (code != 0)
		return td_error_wrap(err, code, "subject");
	*key = key_of_address(lane, address);
	return 0;
}

static bool dismiss(struct td_lane *lane, uint64_t key)
{
	uint64_t token;

	if (!td_delivery_dismiss(lane->machine, key, &token))
		return false;
	if (lane->subscription->feed != NULL) /* the others were told when it was parked */
		tell(lane, &slot_of(token)->owed, TD_FAILED, 0, NULL);
	free_owed(&slot_of(token)->owed);
	slot_put(lane, slot_of(token));
	return true;
}

/* Redrive or dismiss one key or all; how many in *count. Under the lock. */
static int release(
	struct td_lane *lane, const char *subject, bool again, size_t *count, struct td_error *err)
{
	uint64_t key, token;
	size_t cursor;
	int code;

	*count = 0;
	if (subject != NULL) {
		code = key_of_subject(lane, subject, &key, err);
		if (code != 0)
			return code;
		*count = again ? td_delivery_redrive(lane->machine, key) : dismiss(lane, key);
		return *count > 0 ? 0
				  : td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET,
					    "subject %s is not parked", subject);
	}
	while (cursor = 0, td_delivery_parked(lane->machine, &cursor, &key, &token)) {
		if (!(again ? td_delivery_redrive(lane->machine, key) : dismiss(lane, key)))
			break;
		(*count)++;
	}
	return 0;
}

static int release_and_go_on(
	struct td_subscription *s, const char *subject, bool again, struct td_error *err)
{
	struct td_lane *lane = atomic_load(&s->lane);
	size_t count = 0;
	int code;

	if (lane == NULL)
		return subject == NULL ? 0
				       : td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET,
						 "subject %s is not parked", subject);
	td_mutex_lock(&lane->lock);
	code = release(lane, subject, again, &count, err);
	td_mutex_unlock(&lane->lock);
	if (!again)
		unreserve(lane, count);
	if (count > 0 && !TD_BUG(311))
		td_run_schedule(lane->bus, lane);
	return code;
}

int td_bus_redrive(struct td_subscription *s, const char *subject, struct td_error *err)
{
	return release_and_go_on(s, subject, true, err);
}

int td_bus_dismiss(struct td_subscription *s, const char *subject, struct td_error *err)
{
	return release_and_go_on(s, subject, false, err);
}

int td_bus_resume(struct td_subscription *s, struct td_error *err)
{
	struct td_lane *lane = atomic_load(&s->lane);
	bool stopped = false;

	if (lane != NULL) {
		td_mutex_lock(&lane->lock);
		stopped = td_delivery_counts(lane->machine).stopped;
		if (stopped)
			td_delivery_resume(lane->machine);
		td_mutex_unlock(&lane->lock);
	}
	if (!stopped)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "%s is not stopped", s->name);
	td_run_schedule(lane->bus, lane);
	return 0;
}

/* What a batch holds runs only where its handler is called. */
static void see_batch(const struct td_batch *batch, struct td_subscription_status *status)
{
	unsigned claimed = atomic_load(&batch->claimed);

	for (unsigned i = batch->settled; i < batch->count; i++) {
		enum job_state state = job_state(&batch->jobs[i]);
		bool waits = state == JOB_TAKEN && i >= claimed;

		status->running -= waits || state == JOB_DONE;
		status->waiting += waits;
		status->completed += state == JOB_DONE;
	}
}

void td_bus_status(struct td_subscription *s, struct td_subscription_status *status)
{
	struct td_lane *lane = atomic_load(&s->lane);
	struct td_delivery_counts counts;

	*status = (struct td_subscription_status){
		.untold = atomic_load_explicit(&s->untold, memory_order_relaxed)};
	if (lane == NULL)
		return;
	td_mutex_lock(&lane->lock);
	gather(lane);
	counts = td_delivery_counts(lane->machine);
	status->waiting = counts.waiting + counts.blocked;
	for (struct slot *slot = lane->pending; slot != NULL; slot = slot->next)
		status->waiting++;
	status->running = counts.running;
	status->completed = lane->completed;
	for (const struct td_batch *batch = lane->batches; batch != NULL; batch = batch->next)
		see_batch(batch, status);
	status->retrying = counts.retrying;
	status->parked = counts.parked;
	status->stopped = counts.stopped;
	status->failed = lane->failed;
	status->dropped = lane->dropped;
	status->retried = lane->retried;
	td_mutex_unlock(&lane->lock);
}
