/*
 * Slow work beside the loop: what blocks or takes long (a sync, hashing, a query) runs on another
 * thread, and comes back as a message.
 *
 *	the owner's thread                            a worker's
 *	td_tasks_submit(tasks, &sync->task)   -->     task->run(task->arg)
 *	td_loop_wait(): awake                 <--     finished, td_loop_wake()
 *	td_tasks_finish(tasks)                        (calls task->done(task->arg) of each)
 *
 * A task's memory is its owner's and must stay, untouched by the owner, from submit until it was
 * collected. What run() does with `arg` is seen by done(), and what came before submit by run().
 * Submitting cannot fail and allocates nothing. Whoever needs to know that run() is over asks
 * nobody: it is when the task was collected.
 *
 * The simulated one (sim/tasks.h) runs tasks on the same thread, at moments picked by the seed.
 */
#ifndef TD_SYS_TASK_H
#define TD_SYS_TASK_H

#include "tidings/error.h"

struct td_loop;

struct td_task {
	void (*run)(void *arg);  /* beside the loop: touches only what is the task's */
	void (*done)(void *arg); /* on the thread that collects */
	void *arg;
	struct td_task *next; /* in a queue; not the owner's */
};

struct td_tasks {
	void (*submit)(void *arg, struct td_task *task);
	struct td_task *(*collect)(void *arg);
	void *arg;
};

/* Any thread. Tasks begin in the order they were submitted. */
static inline void td_tasks_submit(const struct td_tasks *tasks, struct td_task *task)
{
	tasks->submit(tasks->arg, task);
}

/* One that ran, in the order they came to their end; NULL: none. It is the owner's again. */
static inline struct td_task *td_tasks_collect(const struct td_tasks *tasks)
{
	return tasks->collect(tasks->arg);
}

/* Collect all that ran, calling done() of each; done() may submit. Returns how many. */
size_t td_tasks_finish(const struct td_tasks *tasks);

/* --- the real one: a few threads ---------------------------------------------------------- */

struct td_task_pool;

/* `threads` of them, at least 1, which wake `loop` when a task ended; it must outlive the pool. With
 * one, tasks run one after the other. */
int td_task_pool_new(struct td_task_pool **pool, const char *name, unsigned threads,
	struct td_loop *loop, struct td_error *err);
/* Waits for all that was submitted. Tasks not collected by then are the owner's again, without
 * done() having been called. NULL: nothing. */
void td_task_pool_free(struct td_task_pool *pool);
/* The table; valid as long as the pool. */
const struct td_tasks *td_task_pool_tasks(const struct td_task_pool *pool);

#endif
