#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "sys/sys.h"

static bool passed_and_free(struct td_readers_mark *mark)
{
	bool passed = td_readers_passed(mark);

	td_readers_mark_free(mark);
	return passed;
}

/* --- another thread that does as it is told ------------------------------------------------ */

struct puppet {
	struct td_thread thread;
	_Atomic int told, did;
};

enum { ENTER = 1, LEAVE, LOOK, END };

static void obey(void *arg)
{
	struct puppet *puppet = arg;
	int told;

	do {
		while ((told = atomic_exchange(&puppet->told, 0)) == 0)
			sched_yield();
		struct td_reader *self = td_reader_self();
		if (told == ENTER)
			td_reader_enter(self, puppet);
		else if (told == LEAVE)
			td_reader_leave(self);
		atomic_store(&puppet->did, told);
	} while (told != END);
}

static void tell(struct puppet *puppet, int what)
{
	atomic_store(&puppet->did, 0);
	atomic_store(&puppet->told, what);
	while (atomic_load(&puppet->did) != what)
		sched_yield();
}

static void puppet_start(struct puppet *puppet)
{
	puppet->told = puppet->did = 0;
	assert_int_equal(td_thread_start(&puppet->thread, "puppet", obey, puppet, NULL), 0);
}

static void puppet_end(struct puppet *puppet)
{
	tell(puppet, END);
	td_thread_join(&puppet->thread);
}

/* --- what a mark says ---------------------------------------------------------------------- */

static void look_before_and_after(void *arg)
{
	struct td_reader *mine = &td_reader_mine;

	(void)arg;
	assert_false(td_reader_registered(mine));
	assert_true(td_reader_inside(mine)); /* so that the hurried decline */
	assert_true(td_reader_register());
	assert_ptr_equal(td_reader_self(), mine);
	assert_true(td_reader_registered(mine));
	assert_false(td_reader_inside(mine));
	td_reader_enter(mine, arg);
	assert_true(td_reader_inside(mine));
	assert_true(td_reader_registered(mine));
	td_reader_leave(mine);
	assert_false(td_reader_inside(mine));
}

static void reader_is_nobody_until_registered(void **state)
{
	struct td_thread thread;
	int something;

	(void)state;
	assert_int_equal(
		td_thread_start(&thread, "fresh", look_before_and_after, &something, NULL), 0);
	td_thread_join(&thread);
}

static void mark_passes_when_nobody_is_inside(void **state)
{
	struct puppet puppet;

	(void)state;
	assert_true(passed_and_free(td_readers_fence()));
	puppet_start(&puppet);
	tell(&puppet, LOOK);
	assert_true(passed_and_free(td_readers_fence()));
	puppet_end(&puppet);
	td_readers_mark_free(NULL);
}

static void mark_waits_for_who_was_inside_and_for_no_other(void **state)
{
	struct puppet first, second;
	struct td_readers_mark *mark;

	(void)state;
	puppet_start(&first);
	puppet_start(&second);
	tell(&first, ENTER);
	mark = td_readers_fence();
	tell(&second, ENTER);
	assert_false(td_readers_passed(mark));
	tell(&first, LEAVE);
	assert_true(td_readers_passed(mark));
	tell(&first, ENTER); /* the next section is another matter */
	assert_true(td_readers_passed(mark));
	assert_true(passed_and_free(mark));
	assert_false(passed_and_free(td_readers_fence()));
	tell(&first, LEAVE);
	tell(&second, LEAVE);
	puppet_end(&first);
	puppet_end(&second);
}

static void mark_passes_when_the_reader_came_back_between_looks(void **state)
{
	struct puppet puppet;
	struct td_readers_mark *mark;

	(void)state;
	puppet_start(&puppet);
	tell(&puppet, ENTER);
	mark = td_readers_fence();
	assert_false(td_readers_passed(mark));
	tell(&puppet, LEAVE);
	tell(&puppet, ENTER);
	assert_true(passed_and_free(mark));
	tell(&puppet, LEAVE);
	puppet_end(&puppet);
}

static void mark_outlives_the_threads_it_names(void **state)
{
	struct puppet puppet;
	struct td_readers_mark *marks[20];

	(void)state;
	for (int i = 0; i < 20; i++) {
		puppet_start(&puppet);
		tell(&puppet, ENTER);
		marks[i] = td_readers_fence();
		assert_false(td_readers_passed(marks[i]));
		if (i % 2 == 0)
			tell(&puppet, LEAVE);
		puppet_end(&puppet);
		for (int k = 0; k <= i; k++)
			assert_true(td_readers_passed(marks[k]));
	}
	for (int i = 0; i < 20; i++)
		td_readers_mark_free(marks[i]);
}

static void mark_counts_the_calling_thread_only_inside(void **state)
{
	struct td_reader *self = td_reader_self();
	struct td_readers_mark *mark;

	(void)state;
	assert_non_null(self);
	td_reader_enter(self, state);
	mark = td_readers_fence();
	assert_false(td_readers_passed(mark));
	td_reader_leave(self);
	assert_true(td_readers_passed(mark));
	td_readers_mark_free(mark);
}

static int make_a_mark(void *arg)
{
	struct td_readers_mark *mark = td_readers_fence();

	(void)arg;
	td_readers_mark_free(mark);
	return mark != NULL ? 0 : TD_E_NOMEM;
}

static void mark_survives_lack_of_memory(void **state)
{
	(void)state;
	assert_int_equal(alloc_torture(make_a_mark, NULL), 1);
}

static void mark_of_a_forked_child_knows_only_its_thread(void **state)
{
	struct puppet puppet;
	int status = 0;

	(void)state;
	puppet_start(&puppet);
	tell(&puppet, ENTER);
	pid_t child = fork();
	if (child == 0) {
		bool right = passed_and_free(td_readers_fence());
		td_reader_enter(td_reader_self(), state);
		right = right && !passed_and_free(td_readers_fence());
		_exit(right ? 0 : 1);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	tell(&puppet, LEAVE);
	puppet_end(&puppet);
}

/* --- the real use -------------------------------------------------------------------------- */

/*
 * One writer replaces the thing all the time and frees the old one as soon as the mark says so;
 * readers follow the pointer. If the scheme were wrong, they would find a dead thing (and ASan or
 * TSan would say so).
 */
#define READERS_MAX 3
#define LIVE        0x11FEu
#define DEAD        0xDEADu
#define PENDING     8
#define WIDE_BYTES  ((size_t)64 << 20)

struct thing {
	uint64_t first;
	uint64_t between[30];
	uint64_t last;
};

struct world {
	_Atomic(struct thing *) current;
	_Atomic bool stop;
	_Atomic int reading;
	_Atomic uint64_t wrong;
};

static struct thing *thing_new(void)
{
	struct thing *thing = calloc(1, sizeof(*thing));

	thing->first = thing->last = LIVE;
	return thing;
}

/*
 * Keeps the processor's store buffer full of stores that miss the caches, so that the one of
 * td_reader_enter() is late and the load behind it early: the very thing the fence is for.
 */
static void be_slow_to_store(unsigned char *wide, uint64_t *at)
{
	for (int i = 0; i < 40; i++) {
		*at = td_hash_u64(*at + 1);
		*(volatile unsigned char *)&wide[*at % WIDE_BYTES] = 2;
	}
}

static void read_on(void *arg)
{
	struct world *world = arg;
	struct td_reader *self = td_reader_self();
	unsigned char *wide = malloc(WIDE_BYTES);
	uint64_t wrong = 0, at = (uintptr_t)self;

	memset(wide, 1, WIDE_BYTES);
	atomic_fetch_add(&world->reading, 1);
	while (!atomic_load_explicit(&world->stop, memory_order_relaxed)) {
		be_slow_to_store(wide, &at);
		td_reader_enter(self, world);
		const struct thing *thing =
			atomic_load_explicit(&world->current, memory_order_acquire);
		for (int i = 0; i < 1000; i++)
			atomic_signal_fence(memory_order_seq_cst);
		wrong += thing->first != LIVE;
		wrong += thing->last != LIVE;
		td_reader_leave(self);
	}
	free(wide);
	atomic_fetch_add(&world->wrong, wrong);
}

struct retired {
	struct thing *thing;
	struct td_readers_mark *mark;
};

/* Free what may be; with `all`, wait for the rest. */
static void reclaim(struct retired retired[PENDING], bool all)
{
	for (int i = 0; i < PENDING; i++) {
		if (retired[i].thing == NULL)
			continue;
		while (all && !td_readers_passed(retired[i].mark))
			sched_yield();
		if (!td_readers_passed(retired[i].mark))
			continue;
		retired[i].thing->first = retired[i].thing->last = DEAD;
		free(retired[i].thing);
		td_readers_mark_free(retired[i].mark);
		retired[i].thing = NULL;
	}
}

static void replace_for_a_while(struct world *world, int times)
{
	struct retired retired[PENDING] = {{NULL, NULL}};

	for (int i = 0; i < times; i++) {
		int k = 0;
		while (retired[k].thing != NULL)
			k = (k + 1) % PENDING;
		retired[k].thing = atomic_exchange_explicit(
			&world->current, thing_new(), memory_order_acq_rel);
		retired[k].mark = td_readers_fence();
		reclaim(retired, false);
		bool full = true;
		for (k = 0; k < PENDING; k++)
			full = full && retired[k].thing != NULL;
		if (full)
			reclaim(retired, true);
	}
	reclaim(retired, true);
}

/* One reader and the writer meet most often; more are for the bookkeeping. */
static void play(int readers, int times)
{
	struct world world = {.current = thing_new()};
	struct td_thread threads[READERS_MAX];

	for (int i = 0; i < readers; i++)
		assert_int_equal(td_thread_start(&threads[i], "reader", read_on, &world, NULL), 0);
	while (atomic_load(&world.reading) < readers)
		sched_yield();
	replace_for_a_while(&world, times);
	atomic_store(&world.stop, true);
	for (int i = 0; i < readers; i++)
		td_thread_join(&threads[i]);
	assert_true(atomic_load(&world.wrong) == 0);
	free(world.current);
}

static void readers_never_meet_freed_memory(void **state)
{
	(void)state;
	play(1, 200000);
	play(READERS_MAX, 20000);
}

static void readers_never_meet_freed_memory_without_membarrier(void **state)
{
	bool before = td_readers_fenced;

	(void)state;
	td_readers_fenced = true;
	play(1, 200000);
	play(READERS_MAX, 20000);
	td_readers_fenced = before;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reader_is_nobody_until_registered),
		cmocka_unit_test(mark_passes_when_nobody_is_inside),
		cmocka_unit_test(mark_waits_for_who_was_inside_and_for_no_other),
		cmocka_unit_test(mark_passes_when_the_reader_came_back_between_looks),
		cmocka_unit_test(mark_outlives_the_threads_it_names),
		cmocka_unit_test(mark_counts_the_calling_thread_only_inside),
		cmocka_unit_test(mark_survives_lack_of_memory),
		cmocka_unit_test(mark_of_a_forked_child_knows_only_its_thread),
		cmocka_unit_test(readers_never_meet_freed_memory),
		cmocka_unit_test(readers_never_meet_freed_memory_without_membarrier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
