/*
 * sys: the seams to the world, and the only caller of the operating system.
 *
 * Each seam is a small table of functions plus an `arg`. The real one comes from here; the
 * simulated one from sim/. (Disk and net join when journal and server need them.)
 */
#ifndef TD_SYS_H
#define TD_SYS_H

#include "base/base.h"

#include <stdint.h>

/* --- clock -------------------------------------------------------------------------------- */

struct td_clock {
	td_time (*wall)(void *arg);      /* ns since 1970, may jump */
	int64_t (*monotonic)(void *arg); /* ns, never goes back */
	void *arg;
};
extern const struct td_clock td_clock_real;

static inline td_time td_clock_wall(const struct td_clock *clock)
{
	return clock->wall(clock->arg);
}

static inline int64_t td_clock_monotonic(const struct td_clock *clock)
{
	return clock->monotonic(clock->arg);
}

/* --- randomness --------------------------------------------------------------------------- */

struct td_random {
	void (*fill)(void *arg, void *bytes, size_t len); /* cannot fail */
	void *arg;
};
extern const struct td_random td_random_real; /* getrandom(2) */

/* --- threads ------------------------------------------------------------------------------ */

/* Thin names over pthreads that cannot fail where a failure would be a wrong program. */
struct td_mutex;
struct td_condition;
struct td_thread;

#include <pthread.h>
struct td_mutex {
	pthread_mutex_t raw;
};
struct td_condition {
	pthread_cond_t raw; /* on the monotonic clock */
};
struct td_thread {
	pthread_t raw;
};

int td_mutex_init(struct td_mutex *mutex, struct td_error *err);
void td_mutex_fini(struct td_mutex *mutex);
void td_mutex_lock(struct td_mutex *mutex);
void td_mutex_unlock(struct td_mutex *mutex);
int td_condition_init(struct td_condition *condition, struct td_error *err);
void td_condition_fini(struct td_condition *condition);
void td_condition_signal(struct td_condition *condition);
void td_condition_broadcast(struct td_condition *condition);
/* Wait, at most until `deadline` (monotonic ns; INT64_MAX: for ever). false when it passed. */
bool td_condition_wait(struct td_condition *condition, struct td_mutex *mutex, int64_t deadline);
int td_thread_start(struct td_thread *thread, const char *name, void (*run)(void *arg), void *arg,
	struct td_error *err);
void td_thread_join(struct td_thread *thread);

/* --- memory that others may still be reading ---------------------------------------------- */

/*
 * Readers enter and leave with two plain stores; who takes memory away pays for both sides.
 *
 * Each thread that reads has a `struct td_reader` in one registry. The writer unlinks, calls
 * td_readers_fence() once (membarrier(2)), and may free when td_readers_passed() says that every
 * reader that was inside then has left. Nobody waits for anybody.
 */
struct td_reader {
	_Atomic(void *) inside;    /* what it is doing; NULL while outside. Written by its thread */
	_Atomic uint64_t sections; /* how often it left */
	struct td_reader *next;    /* in the registry; under its lock */
	_Atomic bool gone;         /* its thread ended */
};

struct td_readers_mark; /* who was inside, at one moment */

/* The calling thread's reader, registered at first use, gone with the thread; NULL: no memory. */
struct td_reader *td_reader_self(void);
/* Note who is inside now, after making all stores before this visible to them. NULL: no memory. */
struct td_readers_mark *td_readers_fence(void);
/* Whether all of them have left since; the calling thread does not count itself unless inside. */
bool td_readers_passed(const struct td_readers_mark *mark);
void td_readers_mark_free(struct td_readers_mark *mark);

/* --- the event loop ----------------------------------------------------------------------- */

/*
 * What a handle without threads needs of it: a descriptor for the host's poll(), a wake from any
 * thread, a timer. (Sockets join with the server.)
 */
struct td_loop;
int td_loop_new(struct td_loop **loop, struct td_error *err);
void td_loop_free(struct td_loop *loop);
int td_loop_descriptor(const struct td_loop *loop);
/* Make the descriptor readable. Any thread; cheap when it is already. */
void td_loop_wake(struct td_loop *loop);
/* Make it readable at `deadline` (monotonic ns), INT64_MAX: never. One timer, the last call counts.
 */
void td_loop_timer(struct td_loop *loop, int64_t deadline);
/* Wait until it is readable, at most until `deadline`; then it is not any more. */
void td_loop_wait(struct td_loop *loop, int64_t deadline);

#endif
