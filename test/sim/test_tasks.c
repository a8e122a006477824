#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tasks.h"

#define JOBS 6

struct job {
	struct td_task task;
	unsigned *order;
	unsigned ran, done;
};

static void run(void *arg)
{
	struct job *job = arg;

	job->ran = ++*job->order;
}

static void done(void *arg)
{
	struct job *job = arg;

	job->done++;
}

struct scene {
	struct sim_tasks tasks;
	struct job jobs[JOBS];
	unsigned order;
};

static void begin(struct scene *scene, unsigned threads)
{
	memset(scene, 0, sizeof(*scene));
	sim_tasks_init(&scene->tasks, threads);
	for (int i = 0; i < JOBS; i++) {
		struct job *job = &scene->jobs[i];

		job->order = &scene->order;
		job->task = (struct td_task){.run = run, .done = done, .arg = job};
		td_tasks_submit(&scene->tasks.table, &job->task);
	}
}

static void submitted_tasks_run_one_at_a_step_and_then_come_back(void **state)
{
	const struct sim_kind kind = {.name = "none"};
	struct sim_world world;
	struct scene scene;

	(void)state;
	sim_world_init(&world, &kind, 1, NULL);
	begin(&scene, 1);
	for (unsigned i = 0; i < JOBS; i++) {
		assert_int_equal(sim_tasks_count(&scene.tasks), JOBS - i);
		assert_null(td_tasks_collect(&scene.tasks.table));
		assert_true(sim_tasks_step(&scene.tasks, &world));
		assert_int_equal(scene.jobs[i].ran, i + 1); /* one thread: in order */
		assert_int_equal(scene.jobs[i].done, 0);
		assert_int_equal(td_tasks_finish(&scene.tasks.table), 1);
		assert_int_equal(scene.jobs[i].done, 1);
	}
	assert_false(sim_tasks_step(&scene.tasks, &world));
	sim_world_fini(&world);
}

static void threads_make_orders_that_the_dice_pick(void **state)
{
	const struct sim_kind kind = {.name = "none"};
	unsigned first[JOBS] = {0}, last[JOBS] = {0};

	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct sim_world world;
		struct scene scene;

		sim_world_init(&world, &kind, seed, NULL);
		begin(&scene, 3);
		while (sim_tasks_step(&scene.tasks, &world))
			;
		assert_int_equal(td_tasks_finish(&scene.tasks.table), JOBS);
		for (int i = 0; i < JOBS; i++) {
			assert_int_equal(scene.jobs[i].done, 1);
			first[i] += scene.jobs[i].ran == 1;
			last[i] += scene.jobs[i].ran == JOBS;
		}
		sim_world_fini(&world);
	}
	for (int i = 0; i < JOBS; i++) {
		assert_int_equal(first[i] > 0, i < 3); /* the others have no thread yet */
		assert_true(last[i] > 0);
	}
}

static void dropped_tasks_neither_run_nor_come_back(void **state)
{
	const struct sim_kind kind = {.name = "none"};
	struct sim_world world;
	struct scene scene;

	(void)state;
	sim_world_init(&world, &kind, 1, NULL);
	begin(&scene, 2);
	assert_true(sim_tasks_step(&scene.tasks, &world));
	sim_tasks_drop(&scene.tasks);
	assert_int_equal(sim_tasks_count(&scene.tasks), 0);
	assert_false(sim_tasks_step(&scene.tasks, &world));
	assert_null(td_tasks_collect(&scene.tasks.table));
	td_tasks_submit(&scene.tasks.table, &scene.jobs[0].task);
	assert_true(sim_tasks_step(&scene.tasks, &world));
	assert_int_equal(td_tasks_finish(&scene.tasks.table), 1);
	sim_world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(submitted_tasks_run_one_at_a_step_and_then_come_back),
		cmocka_unit_test(threads_make_orders_that_the_dice_pick),
		cmocka_unit_test(dropped_tasks_neither_run_nor_come_back),
	};

	return cmocka_run_group_tests_name("simulated tasks", tests, NULL, NULL);
}
