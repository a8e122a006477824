#include "bus/private.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * Who runs the lanes: the workers of the place, or whoever turns its loop.
 *
 * A lane that has work stands in the run queue once. A worker takes it out, runs a stretch of it,
 * and puts it back if more is there, behind the others. `settled` counts everything that somebody
 * could be waiting for: a receipt, a drain, room in a queue; who waits gives the count he saw.
 */

/* How many deliveries a lane may run before the next lane has its turn. */
#define STRETCH 1024u
/* How often an idle worker looks again before it sleeps; waking costs some 30 us. */
#define SPINS 200u

/* The lane keeps our links as its first member. */
static struct td_run_links *links(struct td_lane *lane)
{
	return (struct td_run_links *)(void *)lane;
}

static void wake_somebody(struct td_bus *bus)
{
	if (bus->workers_count == 0)
		td_loop_wake(bus->loop);
	else if (bus->sleepers > 0)
		td_condition_signal(&bus->wake);
}

static void push(struct td_bus *bus, struct td_lane *lane)
{
	struct td_run_links *l = links(lane);

	if (l->queued || l->forgotten)
		return;
	l->queued = true;
	l->next = NULL;
	if (bus->run_tail != NULL)
		links(bus->run_tail)->next = lane;
	else
		bus->run_head = lane;
	bus->run_tail = lane;
	atomic_fetch_add(&bus->ready, 1);
}

static struct td_lane *pop(struct td_bus *bus)
{
	struct td_lane *lane = bus->run_head;

	if (lane == NULL)
		return NULL;
	bus->run_head = links(lane)->next;
	if (bus->run_head == NULL)
		bus->run_tail = NULL;
	links(lane)->queued = false;
	atomic_fetch_sub(&bus->ready, 1);
	return lane;
}

void td_run_schedule(struct td_bus *bus, struct td_lane *lane)
{
	td_mutex_lock(&bus->run);
	push(bus, lane);
	wake_somebody(bus);
	td_mutex_unlock(&bus->run);
}

static void untime(struct td_bus *bus, struct td_lane *lane)
{
	struct td_lane **link = &bus->timers;

	if (!links(lane)->timed)
		return;
	while (*link != lane)
		link = &links(*link)->timer_next;
	*link = links(lane)->timer_next;
	links(lane)->timed = false;
}

static int64_t earliest_ms(const struct td_bus *bus)
{
	int64_t earliest = INT64_MAX;

	for (struct td_lane *lane = bus->timers; lane != NULL; lane = links(lane)->timer_next) {
		if (links(lane)->due_ms < earliest)
			earliest = links(lane)->due_ms;
	}
	return earliest;
}

static int64_t ns_of(int64_t ms)
{
	return ms > INT64_MAX / 1000000 ? INT64_MAX : ms * 1000000;
}

/* Under the lock: the loop is to be turned for a lane's sake, or the place's. */
static void set_loop_timer(struct td_bus *bus)
{
	int64_t lanes = ns_of(earliest_ms(bus));

	td_loop_timer(bus->loop, lanes < bus->place_due ? lanes : bus->place_due);
}

void td_bus_place_due(struct td_bus *bus, int64_t deadline)
{
	td_mutex_lock(&bus->run);
	if (bus->place_due != deadline) {
		bus->place_due = deadline;
		set_loop_timer(bus);
	}
	td_mutex_unlock(&bus->run);
}

/* Under the lock. */
static void set_timer(struct td_bus *bus, struct td_lane *lane, int64_t due_ms)
{
	struct td_run_links *l = links(lane);

	if (!l->timed) {
		l->timer_next = bus->timers;
		bus->timers = lane;
		l->timed = true;
	}
	l->due_ms = due_ms;
	if (bus->workers_count == 0)
		set_loop_timer(bus);
	else
		wake_somebody(bus); /* it sleeps until a time that may be too late now */
}

void td_run_timer(struct td_bus *bus, struct td_lane *lane, int64_t due_ms)
{
	const struct td_run_links *l = links(lane);

	td_mutex_lock(&bus->run);
	if (due_ms == INT64_MAX || l->forgotten)
		untime(bus, lane);
	else if (!l->timed || l->due_ms != due_ms)
		set_timer(bus, lane, due_ms);
	td_mutex_unlock(&bus->run);
}

void td_run_timer_by(struct td_bus *bus, struct td_lane *lane, int64_t due_ms)
{
	const struct td_run_links *l = links(lane);

	td_mutex_lock(&bus->run);
	if (!l->forgotten && (!l->timed || l->due_ms > due_ms))
		set_timer(bus, lane, due_ms);
	td_mutex_unlock(&bus->run);
}

void td_run_forget(struct td_bus *bus, struct td_lane *lane)
{
	td_mutex_lock(&bus->run);
	links(lane)->forgotten = true;
	untime(bus, lane);
	if (links(lane)->queued) {
		struct td_lane **link = &bus->run_head;
		struct td_lane *before = NULL;

		while (*link != lane) {
			before = *link;
			link = &links(*link)->next;
		}
		*link = links(lane)->next;
		if (bus->run_tail == lane)
			bus->run_tail = before;
		links(lane)->queued = false;
		atomic_fetch_sub(&bus->ready, 1);
	}
	td_mutex_unlock(&bus->run);
}

/* Lanes whose time has come join the queue. Under the lock. */
static void fire_timers(struct td_bus *bus)
{
	struct td_lane **link = &bus->timers;
	int64_t now;

	if (bus->timers == NULL)
		return;
	now = td_bus_now_ms(bus);
	while (*link != NULL) {
		struct td_lane *lane = *link;

		if (links(lane)->due_ms <= now) {
			*link = links(lane)->timer_next;
			links(lane)->timed = false;
			push(bus, lane);
		} else {
			link = &links(lane)->timer_next;
		}
	}
}

/* --- who waits ---------------------------------------------------------------------------- */

uint64_t td_run_settled_count(struct td_bus *bus)
{
	return atomic_load(&bus->settled_count);
}

void td_run_settled(struct td_bus *bus)
{
	atomic_fetch_add(&bus->settled_count, 1);
	if (atomic_load(&bus->settled_waiters) == 0)
		return;
	td_mutex_lock(&bus->run);
	td_condition_broadcast(&bus->settled);
	td_mutex_unlock(&bus->run);
}

bool td_run_wait_settled(struct td_bus *bus, uint64_t seen, int64_t deadline)
{
	bool in_time = true;

	td_mutex_lock(&bus->run);
	atomic_fetch_add(&bus->settled_waiters, 1);
	while (in_time && atomic_load(&bus->settled_count) == seen)
		in_time = td_condition_wait(&bus->settled, &bus->run, deadline);
	atomic_fetch_sub(&bus->settled_waiters, 1);
	td_mutex_unlock(&bus->run);
	return in_time;
}

/* --- workers ------------------------------------------------------------------------------ */

/* The next lane, or NULL when stopping. Under the lock; sleeps in between. */
static struct td_lane *next_lane(struct td_bus *bus)
{
	for (;;) {
		struct td_lane *lane;
		int64_t due;

		if (atomic_load(&bus->stopping))
			return NULL;
		fire_timers(bus);
		lane = pop(bus);
		if (lane != NULL) {
			if (bus->run_head != NULL)
				wake_somebody(bus);
			return lane;
		}
		due = ns_of(earliest_ms(bus));
		bus->sleepers++;
		td_condition_wait(&bus->wake, &bus->run, due);
		bus->sleepers--;
	}
}

static void look_again(struct td_bus *bus)
{
	for (unsigned i = 0; i < SPINS; i++) {
		if (atomic_load_explicit(&bus->ready, memory_order_relaxed) > 0 ||
			atomic_load(&bus->stopping))
			return;
		td_thread_pause();
	}
}

static void work(void *arg)
{
	struct td_bus *bus = arg;
	struct td_inside inside;

	while (!td_bus_enter(bus, &inside)) {
		/* No memory for this thread's place among the readers: without it, it may not run.
		 */
		if (atomic_load(&bus->stopping))
			return;
		td_run_wait_settled(bus, td_run_settled_count(bus),
			td_clock_monotonic(&td_clock_real) + 10000000);
	}
	td_bus_leave(&inside);
	for (;;) {
		struct td_lane *lane;

		look_again(bus);
		td_mutex_lock(&bus->run);
		lane = next_lane(bus);
		/* Inside before the lane can be forgotten: it is not freed under us. */
		if (lane != NULL)
			td_bus_enter(bus, &inside);
		td_mutex_unlock(&bus->run);
		if (lane == NULL)
			return;
		td_lane_run(lane, STRETCH, NULL);
		td_bus_leave(&inside);
	}
}

int td_run_start(struct td_bus *bus, unsigned workers, struct td_error *err)
{
	int code = 0;

	if (workers == 0)
		return 0;
	bus->workers = calloc(workers, sizeof(bus->workers[0]));
	if (bus->workers == NULL)
		return td_error_nomem(err);
	bus->workers_count = workers;
	for (unsigned i = 0; i < workers; i++) {
		char name[24];

		snprintf(name, sizeof(name), "td-worker-%u", i);
		code = td_thread_start(&bus->workers[i], name, work, bus, err);
		if (code != 0) {
			bus->workers_count = i;
			td_run_stop(bus);
			return code;
		}
	}
	return 0;
}

void td_run_stop(struct td_bus *bus)
{
	td_mutex_lock(&bus->run);
	atomic_store(&bus->stopping, true);
	td_condition_broadcast(&bus->wake);
	td_condition_broadcast(&bus->settled);
	td_mutex_unlock(&bus->run);
	for (unsigned i = 0; i < bus->workers_count; i++)
		td_thread_join(&bus->workers[i]);
	free(bus->workers);
	bus->workers = NULL; /* the count stays: publishers on their way out read it */
}

/* --- the loop ----------------------------------------------------------------------------- */

/*
 * Lanes that are in the queue now, each for a stretch; what they set off is the next turn's, so a
 * turn always ends.
 */
size_t td_run_turn(struct td_bus *bus)
{
	struct td_inside inside;
	size_t lanes = 0, ran = 0;

	if (!td_bus_enter(bus, &inside))
		return 0;
	td_mutex_lock(&bus->run);
	fire_timers(bus);
	lanes = atomic_load(&bus->ready);
	for (struct td_lane *lane; lanes > 0 && (lane = pop(bus)) != NULL; lanes--) {
		td_mutex_unlock(&bus->run);
		ran += td_lane_run(lane, STRETCH, NULL);
		td_mutex_lock(&bus->run);
	}
	if (bus->run_head != NULL)
		td_loop_wake(bus->loop);
	set_loop_timer(bus);
	td_mutex_unlock(&bus->run);
	td_bus_leave(&inside);
	return ran;
}

int td_bus_loop_fd(struct td_bus *bus)
{
	return td_loop_descriptor(bus->loop);
}

struct td_loop *td_bus_loop(struct td_bus *bus)
{
	return bus->loop;
}

int64_t td_bus_due_ms(struct td_bus *bus)
{
	int64_t due;

	td_mutex_lock(&bus->run);
	due = bus->run_head != NULL ? 0 : earliest_ms(bus);
	td_mutex_unlock(&bus->run);
	return due;
}

/* The turn that this thread is in: what handlers request runs inside it, and counts. */
static _Thread_local struct {
	const struct td_bus *bus;
	size_t ran;
} turning;

void td_run_count(const struct td_bus *bus, size_t ran)
{
	if (turning.bus == bus)
		turning.ran += ran;
}

static size_t turn_counting(struct td_bus *bus)
{
	const struct td_bus *outer = turning.bus;
	size_t before = turning.ran, ran;

	turning.bus = bus;
	turning.ran = 0;
	td_run_turn(bus);
	ran = turning.ran;
	turning.bus = outer;
	turning.ran = before;
	return ran;
}

int td_bus_loop_turn(struct td_bus *bus, int64_t timeout_ms)
{
	int64_t deadline = td_deadline_ns(timeout_ms);
	size_t ran;

	if (td_bus_context(bus) != NULL)
		return -TD_E_DEADLOCK;
	for (;;) {
		/* Take the wake-up first: what comes while we run makes the next one. */
		td_loop_wait(bus->loop, 0);
		ran = turn_counting(bus);
		if (ran > 0 || td_clock_monotonic(&td_clock_real) >= deadline)
			return ran > INT32_MAX ? INT32_MAX : (int)ran;
		td_loop_wait(bus->loop, deadline);
	}
}
