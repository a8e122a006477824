#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "alloc.h"
#include "sys/sys.h"

#define JOBS 1000

struct job {
	struct td_task task;
	const struct td_tasks *tasks;
	pthread_t owner;
	unsigned number, runs, dones, left; /* how often it is to be submitted again */
	unsigned *order;                    /* of the runs, counted */
};

static void run(void *arg)
{
	struct job *job = arg;

	TD_ASSERT(!pthread_equal(pthread_self(), job->owner)); /* cmocka knows one thread */
	if (job->order != NULL)
		job->number = (*job->order)++;
	job->runs++;
}

static void done(void *arg)
{
	struct job *job = arg;

	assert_true(pthread_equal(pthread_self(), job->owner));
	job->dones++;
	assert_int_equal(job->runs, job->dones);
	if (job->left > 0) {
		job->left--;
		td_tasks_submit(job->tasks, &job->task);
	}
}

struct pool_of_test {
	struct td_loop *loop;
	struct td_task_pool *pool;
	const struct td_tasks *tasks;
};

static struct pool_of_test begin(unsigned threads)
{
	struct pool_of_test of;

	assert_int_equal(td_loop_new(&of.loop, NULL), 0);
	assert_int_equal(td_task_pool_new(&of.pool, "worker", threads, of.loop, NULL), 0);
	of.tasks = td_task_pool_tasks(of.pool);
	return of;
}

static void end(struct pool_of_test *of)
{
	td_task_pool_free(of->pool);
	td_loop_free(of->loop);
}

static struct job job_of(const struct pool_of_test *of)
{
	return (struct job){
		.task = {.run = run, .done = done},
		.tasks = of->tasks,
		.owner = pthread_self(),
	};
}

/* Turn the loop until so many were finished. */
static void turn_until(struct pool_of_test *of, size_t count)
{
	int64_t deadline = td_clock_monotonic(&td_clock_real) + 60 * 1000000000LL;

	for (size_t finished = 0; finished < count;) {
		td_loop_wait(of->loop, deadline);
		finished += td_tasks_finish(of->tasks);
		assert_true(td_clock_monotonic(&td_clock_real) < deadline);
	}
	assert_null(td_tasks_collect(of->tasks));
}

static void task_runs_elsewhere_and_comes_back_with_a_wake(void **state)
{
	struct pool_of_test of = begin(2);
	struct job job = job_of(&of);

	(void)state;
	job.task.arg = &job;
	assert_int_equal(td_tasks_finish(of.tasks), 0);
	td_tasks_submit(of.tasks, &job.task);
	turn_until(&of, 1);
	assert_int_equal(job.runs, 1);
	assert_int_equal(job.dones, 1);
	end(&of);
}

static void tasks_of_one_thread_run_in_order(void **state)
{
	struct pool_of_test of = begin(1);
	static struct job jobs[JOBS];
	unsigned order = 0;

	(void)state;
	for (unsigned i = 0; i < JOBS; i++) {
		jobs[i] = job_of(&of);
		jobs[i].task.arg = &jobs[i];
		jobs[i].order = &order;
		td_tasks_submit(of.tasks, &jobs[i].task);
	}
	turn_until(&of, JOBS);
	for (unsigned i = 0; i < JOBS; i++)
		assert_int_equal(jobs[i].number, i);
	end(&of);
}

static void tasks_of_many_threads_all_come_back_once(void **state)
{
	struct pool_of_test of = begin(4);
	static struct job jobs[JOBS];

	(void)state;
	for (unsigned i = 0; i < JOBS; i++) {
		jobs[i] = job_of(&of);
		jobs[i].task.arg = &jobs[i];
		jobs[i].left = 4; /* done() submits it again */
		td_tasks_submit(of.tasks, &jobs[i].task);
	}
	turn_until(&of, (size_t)JOBS * 5);
	for (unsigned i = 0; i < JOBS; i++) {
		assert_int_equal(jobs[i].runs, 5);
		assert_int_equal(jobs[i].dones, 5);
	}
	end(&of);
}

static void freeing_runs_what_was_submitted_and_finishes_nothing(void **state)
{
	struct pool_of_test of = begin(3);
	static struct job jobs[JOBS];

	(void)state;
	for (unsigned i = 0; i < JOBS; i++) {
		jobs[i] = job_of(&of);
		jobs[i].task.arg = &jobs[i];
		td_tasks_submit(of.tasks, &jobs[i].task);
	}
	end(&of);
	for (unsigned i = 0; i < JOBS; i++) {
		assert_int_equal(jobs[i].runs, 1);
		assert_int_equal(jobs[i].dones, 0);
	}
	td_task_pool_free(NULL);
}

static int pool_once(void *arg)
{
	struct td_error err = TD_ERROR_INIT;
	struct td_task_pool *pool = NULL;
	int code = td_task_pool_new(&pool, "worker", 2, arg, &err);

	assert_int_equal(err.code, code);
	td_task_pool_free(pool);
	return code;
}

static void pool_without_memory_says_so_and_leaves_nothing(void **state)
{
	struct td_loop *loop = NULL;

	(void)state;
	assert_int_equal(td_loop_new(&loop, NULL), 0);
	assert_true(alloc_torture(pool_once, loop) >= 3);
	td_loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(task_runs_elsewhere_and_comes_back_with_a_wake),
		cmocka_unit_test(tasks_of_one_thread_run_in_order),
		cmocka_unit_test(tasks_of_many_threads_all_come_back_once),
		cmocka_unit_test(freeing_runs_what_was_submitted_and_finishes_nothing),
		cmocka_unit_test(pool_without_memory_says_so_and_leaves_nothing),
	};

	return cmocka_run_group_tests_name("task", tests, NULL, NULL);
}
