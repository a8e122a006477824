/*
 * sys: the seams to the world, and the only caller of the operating system.
 *
 * Each seam is a small table of functions plus an `arg`. The real one comes from here; the
 * simulated one from sim/. Disk, net and tasks have a page each.
 */
#ifndef TD_SYS_H
#define TD_SYS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "sys/dial.h"
#include "sys/disk.h"
#include "sys/net.h"
#include "sys/supervisor.h"
#include "sys/task.h"

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
/*
 * Wait, at most until `deadline` (monotonic ns; INT64_MAX: for ever). false when it passed; true
 * may also come without a signal, so look again at what was waited for.
 */
bool td_condition_wait(struct td_condition *condition, struct td_mutex *mutex, int64_t deadline);
/*
 * The new thread takes no signals of the process (those of its own mistakes it does), so the
 * host's handlers run on the host's threads. Of `name` the first 15 bytes are shown.
 */
int td_thread_start(struct td_thread *thread, const char *name, void (*run)(void *arg), void *arg,
	struct td_error *err);
void td_thread_join(struct td_thread *thread);
/* Let another thread run, one that we wait for and that needs only the processor. */
void td_thread_yield(void);
/* Wait for some tens of nanoseconds, leaving the core to whoever shares it. */
static inline void td_thread_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb" ::: "memory");
#else
	__asm__ volatile("" ::: "memory");
#endif
}

/* --- large memory ------------------------------------------------------------------------- */

/*
 * Memory that is looked at anywhere in it, for free(): from 2 MiB on it asks for large pages, since
 * a look into small ones costs a walk through the tables of pages besides. Then it is taken whole,
 * as soon as it is touched. Not zeroed. NULL: no memory.
 */
void *td_memory_new(size_t bytes);

/* --- memory that others may still be reading ---------------------------------------------- */

/*
 * Readers enter and leave with plain stores; who takes memory away pays for both sides.
 *
 *	reader (often)                          writer (seldom)
 *	td_reader_register() || fail            unlink the thing
 *	td_reader_enter(reader, what)           mark = td_readers_fence()
 *	load pointers, follow them              ... some time, or many turns, later ...
 *	td_reader_leave(reader)                 td_readers_passed(mark): free the thing
 *
 * Each thread that reads has one `struct td_reader`, in its thread-local memory and in the
 * process's registry. Sections do not nest: who is inside already (td_reader_inside) just goes on.
 * Nobody waits for anybody.
 */
struct td_reader {
	_Atomic(const void *) inside; /* what it is doing; NULL while outside. Its thread writes */
	_Atomic uint64_t sections;    /* how often it left */
	void *context;                /* its user's, for what goes on inside; untouched here */
	int dirty;                    /* the same */
	unsigned ended;               /* how often its thread was ending: see readers.c */
	uint64_t id;                  /* never used twice; 0: not registered */
	struct td_reader *next;       /* in the registry; under its lock */
};

/*
 * The calling thread's. Until it is registered it counts as inside, of td_reader_nobody: so a
 * hurried reader that declines when it is inside needs no second question.
 */
__attribute__((visibility("hidden"),
	tls_model("initial-exec"))) extern _Thread_local struct td_reader td_reader_mine;
__attribute__((visibility("hidden"))) extern const char td_reader_nobody;
/* Where the kernel has no membarrier(2), readers pay for a fence too. Fixed before the first one
 * is registered. */
__attribute__((visibility("hidden"))) extern bool td_readers_fenced;

struct td_readers_mark; /* who was inside, at one moment */

bool td_reader_join(void);
void td_reader_full_fence(void);

static inline bool td_reader_registered(const struct td_reader *reader)
{
	return atomic_load_explicit(&reader->inside, memory_order_relaxed) != &td_reader_nobody;
}

/* Make the calling thread a reader, until it ends. false: no memory. Cheap after the first time. */
static inline bool td_reader_register(void)
{
	return TD_LIKELY(td_reader_registered(&td_reader_mine)) || td_reader_join();
}

/* The same, and the reader; NULL: no memory. */
static inline struct td_reader *td_reader_self(void)
{
	return td_reader_register() ? &td_reader_mine : NULL;
}

static inline bool td_reader_inside(const struct td_reader *reader)
{
	return atomic_load_explicit(&reader->inside, memory_order_relaxed) != NULL;
}

/* The same as a number, to be looked at together with others: 0 is outside. */
static inline uintptr_t td_reader_what(const struct td_reader *reader)
{
	return (uintptr_t)atomic_load_explicit(&reader->inside, memory_order_relaxed);
}

/*
 * The calling thread's reader, registered and outside, goes in. `what` is not NULL. What is loaded
 * behind this call stays until td_reader_leave().
 *
 * Why the plain store is enough: the loads that follow must not run before it. The compiler is
 * held by the signal fence; the processor by td_readers_fence(), which makes every running thread
 * of the process execute a full fence. If that strikes before our store, our loads come later than
 * the writer's unlinking and cannot find the thing; if after, the writer sees us inside.
 */
static inline void td_reader_enter(struct td_reader *reader, const void *what)
{
	atomic_store_explicit(&reader->inside, what, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	if (TD_UNLIKELY(td_readers_fenced))
		td_reader_full_fence();
}

static inline void td_reader_leave(struct td_reader *reader)
{
	uint64_t left = atomic_load_explicit(&reader->sections, memory_order_relaxed) + 1;

	/* Release: all that was read comes before. First out, then counted (readers.c, R2). */
	atomic_store_explicit(&reader->inside, NULL, memory_order_release);
	atomic_store_explicit(&reader->sections, left, memory_order_release);
}

/*
 * The same two for who counts every cycle and knows that td_readers_fenced is not set. Such a
 * reader is not counted when it leaves: one that goes in and out all the time may be found inside
 * by chance, and what was unlinked is then freed a little later.
 */
static inline void td_reader_enter_plain(struct td_reader *reader, const void *what)
{
	atomic_store_explicit(&reader->inside, what, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
}

static inline void td_reader_leave_plain(struct td_reader *reader)
{
	atomic_store_explicit(&reader->inside, NULL, memory_order_release);
}

/* Note who is inside now, after making all stores before this visible to them. NULL: no memory. */
struct td_readers_mark *td_readers_fence(void);
/* Whether all of them have left since. The calling thread counts too, if it is inside. */
bool td_readers_passed(const struct td_readers_mark *mark);
void td_readers_mark_free(struct td_readers_mark *mark);
/* Whether nobody is inside right now, as a mark made and passed at once; needs no memory. */
bool td_readers_none(void);

/* --- the event loop ----------------------------------------------------------------------- */

/*
 * What a handle without threads needs of it: a descriptor for the host's poll(), a wake from any
 * thread, a timer. Sockets are the net's (sys/net.h), which waits for a loop too.
 *
 * td_loop_timer() and td_loop_wait() are for one thread at a time.
 */
struct td_loop;
int td_loop_new(struct td_loop **loop, struct td_error *err);
void td_loop_free(struct td_loop *loop);
int td_loop_descriptor(const struct td_loop *loop);
/* Make the descriptor readable. Any thread, signal handlers too; cheap when it is already. */
void td_loop_wake(struct td_loop *loop);
/* Make it readable at `deadline` (monotonic ns; INT64_MAX: never). There is one timer: the last
 * call counts. */
void td_loop_timer(struct td_loop *loop, int64_t deadline);
/*
 * Make it readable, too, while a connection is ready for one of `interest` (enum td_net_ready); 0: not
 * any more. That is a level, which a wait below neither waits for nor takes away: whoever watches looks
 * at the descriptor himself. 0, ENOMEM, ENOSPC. Any thread.
 */
int td_loop_watch(struct td_loop *loop, int handle, unsigned interest);
/*
 * Wait until it is readable, at most until `deadline`, or until a signal was handled; it is not
 * readable any more then, until the next wake. A deadline that has passed: only that. Look for
 * work after this call, not before: a wake that it swallowed was for work that is there now.
 */
void td_loop_wait(struct td_loop *loop, int64_t deadline);

/* --- this process ------------------------------------------------------------------------- */

/* Its id, for people to read in a message. */
uint64_t td_process_id(void);
/* What it takes: processor time, memory, descriptors. What is not known is 0. */
struct td_usage {
	double cpu_seconds;
	uint64_t resident_bytes;
	uint64_t open_files;
};
void td_process_usage(struct td_usage *usage);
/*
 * A file that a person named, appended to the buffer: settings, users, keys. Links are followed; what is
 * no regular file is refused, and what the buffer does not hold. *others (may be NULL): whether others
 * than its owner and group can read it. TD_E_SYSTEM, TD_E_TOO_LARGE, TD_E_NOMEM, naming it.
 */
int td_process_read_file(const char *path, struct td_buf *buf, bool *others, struct td_error *err);
/* To standard error as much as goes without waiting; returns how much. What fails is gone. */
size_t td_process_say(const char *bytes, size_t len);
/* As many open files as this process may have; what memory holds is not written to a core, and what is
 * made is its owner's alone. What cannot be had is gone without. */
void td_process_prepare(void);

#endif
