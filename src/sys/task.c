#include "sys/task.h"

#include <stdlib.h>

#include "sys/sys.h"

#define THREADS_MAX 64

struct queue {
	struct td_task *first, **last;
};

struct td_task_pool {
	struct td_tasks tasks;
	struct td_loop *loop;
	struct td_mutex mutex; /* over all below */
	struct td_condition work;
	struct queue waiting, finished;
	bool stopping;
	unsigned threads_count;
	struct td_thread threads[];
};

size_t td_tasks_finish(const struct td_tasks *tasks)
{
	size_t count = 0;

	for (struct td_task *task; (task = td_tasks_collect(tasks)) != NULL; count++)
		task->done(task->arg);
	return count;
}

/* --- queues ------------------------------------------------------------------------------- */

static void queue_init(struct queue *queue)
{
	queue->first = NULL;
	queue->last = &queue->first;
}

static void queue_add(struct queue *queue, struct td_task *task)
{
	task->next = NULL;
	*queue->last = task;
	queue->last = &task->next;
}

static struct td_task *queue_take(struct queue *queue)
{
	struct td_task *task = queue->first;

	if (task == NULL)
		return NULL;
	queue->first = task->next;
	if (queue->first == NULL)
		queue->last = &queue->first;
	task->next = NULL;
	return task;
}

/* --- the table ---------------------------------------------------------------------------- */

static void submit(void *arg, struct td_task *task)
{
	struct td_task_pool *pool = arg;

	td_mutex_lock(&pool->mutex);
	queue_add(&pool->waiting, task);
	td_condition_signal(&pool->work);
	td_mutex_unlock(&pool->mutex);
}

static struct td_task *collect(void *arg)
{
	struct td_task_pool *pool = arg;
	struct td_task *task;

	td_mutex_lock(&pool->mutex);
	task = queue_take(&pool->finished);
	td_mutex_unlock(&pool->mutex);
	return task;
}

/* --- threads ------------------------------------------------------------------------------ */

/* Takes tasks until it is to stop and none is left. The wake comes after the lock was given back,
 * so that who wakes up does not run into it; the pool outlives it, since freeing it joins us. */
static void work(void *arg)
{
	struct td_task_pool *pool = arg;
	struct td_task *task;

	td_mutex_lock(&pool->mutex);
	for (;;) {
		task = queue_take(&pool->waiting);
		if (task != NULL) {
			td_mutex_unlock(&pool->mutex);
			task->run(task->arg);
			td_mutex_lock(&pool->mutex);
			queue_add(&pool->finished, task);
			td_mutex_unlock(&pool->mutex);
			td_loop_wake(pool->loop);
			td_mutex_lock(&pool->mutex);
		} else if (pool->stopping) {
			break;
		} else {
			td_condition_wait(&pool->work, &pool->mutex, INT64_MAX);
		}
	}
	td_mutex_unlock(&pool->mutex);
}

static int pool_init(struct td_task_pool *pool, struct td_loop *loop, struct td_error *err)
{
	int code = td_mutex_init(&pool->mutex, err);

	if (code != 0)
		return code;
	code = td_condition_init(&pool->work, err);
	if (code != 0) {
		td_mutex_fini(&pool->mutex);
		return code;
	}
	pool->tasks = (struct td_tasks){.submit = submit, .collect = collect, .arg = pool};
	pool->loop = loop;
	queue_init(&pool->waiting);
	queue_init(&pool->finished);
	return 0;
}

int td_task_pool_new(struct td_task_pool **out, const char *name, unsigned threads,
	struct td_loop *loop, struct td_error *err)
{
	struct td_task_pool *pool;
	int code;

	TD_ASSERT(threads > 0 && threads <= THREADS_MAX);
	pool = calloc(1, sizeof(*pool) + threads * sizeof(pool->threads[0]));
	if (pool == NULL)
		return td_error_nomem(err);
	code = pool_init(pool, loop, err);
	if (code != 0) {
		free(pool);
		return code;
	}
	while (pool->threads_count < threads) {
		code = td_thread_start(&pool->threads[pool->threads_count], name, work, pool, err);
		if (code != 0) {
			td_task_pool_free(pool);
			return code;
		}
		pool->threads_count++;
	}
	*out = pool;
	return 0;
}

void td_task_pool_free(struct td_task_pool *pool)
{
	if (pool == NULL)
		return;
	td_mutex_lock(&pool->mutex);
	pool->stopping = true;
	td_condition_broadcast(&pool->work);
	td_mutex_unlock(&pool->mutex);
	for (unsigned i = 0; i < pool->threads_count; i++)
		td_thread_join(&pool->threads[i]);
	td_condition_fini(&pool->work);
	td_mutex_fini(&pool->mutex);
	free(pool);
}

const struct td_tasks *td_task_pool_tasks(const struct td_task_pool *pool)
{
	return &pool->tasks;
}
