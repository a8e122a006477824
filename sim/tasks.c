#include "tasks.h"

static void submit(void *arg, struct td_task *task)
{
	struct sim_tasks *tasks = arg;

	task->next = NULL;
	*tasks->waiting_last = task;
	tasks->waiting_last = &task->next;
	tasks->waiting_count++;
}

static struct td_task *collect(void *arg)
{
	struct sim_tasks *tasks = arg;
	struct td_task *task = tasks->finished;

	if (task == NULL)
		return NULL;
	tasks->finished = task->next;
	if (tasks->finished == NULL)
		tasks->finished_last = &tasks->finished;
	task->next = NULL;
	return task;
}

void sim_tasks_init(struct sim_tasks *tasks, unsigned threads)
{
	TD_ASSERT(threads > 0);
	*tasks = (struct sim_tasks){
		.table = {.submit = submit, .collect = collect, .arg = tasks},
		.threads = threads,
	};
	sim_tasks_drop(tasks);
}

size_t sim_tasks_count(const struct sim_tasks *tasks)
{
	return tasks->waiting_count;
}

bool sim_tasks_step(struct sim_tasks *tasks, struct sim_world *world)
{
	size_t among =
		tasks->waiting_count < tasks->threads ? tasks->waiting_count : tasks->threads;
	struct td_task **link = &tasks->waiting, *task;

	if (among == 0)
		return false;
	for (uint64_t skip = sim_below(world, among); skip > 0; skip--)
		link = &(*link)->next;
	task = *link;
	*link = task->next;
	if (task->next == NULL)
		tasks->waiting_last = link;
	tasks->waiting_count--;
	task->next = NULL;
	task->run(task->arg);
	*tasks->finished_last = task;
	tasks->finished_last = &task->next;
	return true;
}

void sim_tasks_drop(struct sim_tasks *tasks)
{
	tasks->waiting = tasks->finished = NULL;
	tasks->waiting_last = &tasks->waiting;
	tasks->finished_last = &tasks->finished;
	tasks->waiting_count = 0;
}
