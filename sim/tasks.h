/*
 * Tasks (sys/task.h) of a world: run on the one thread there is, at moments and in an order that the
 * dice pick. Submitted tasks wait until the world lets one run; what ran waits to be collected, as
 * after a wake of the loop.
 *
 *	while (sim_tasks_count(&tasks) > 0 || ...)
 *		sim_tasks_step(&tasks, world);          one runs, now
 *		td_tasks_finish(&tasks.table);          its done() is called
 */
#ifndef SIM_TASKS_H
#define SIM_TASKS_H

#include "world.h"

struct sim_tasks {
	struct td_tasks table;
	unsigned threads; /* so many could run at once: the first of the waiting to pick from */
	struct td_task *waiting, **waiting_last;
	struct td_task *finished, **finished_last;
	size_t waiting_count;
};

/* `threads` as in td_task_pool_new(): with one, they run in the order they were submitted. */
void sim_tasks_init(struct sim_tasks *tasks, unsigned threads);
/* Waiting to run. */
size_t sim_tasks_count(const struct sim_tasks *tasks);
/* Run one. false: none was waiting. */
bool sim_tasks_step(struct sim_tasks *tasks, struct sim_world *world);
/* The process died: none runs any more, none comes back. Their memory is their owners'. */
void sim_tasks_drop(struct sim_tasks *tasks);

#endif
