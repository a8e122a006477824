#include "server/timer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/base.h"

struct noted {
	struct td_timer timer;
	int64_t *last;
	unsigned *fired;
};

static void note(struct td_timer *timer)
{
	struct noted *noted = (struct noted *)(void *)timer;

	assert_true(timer->due >= *noted->last);
	*noted->last = timer->due;
	++*noted->fired;
}

static void timers_fire_in_the_order_in_which_they_are_due(void **state)
{
	enum { COUNT = 500 };
	static struct noted timers[COUNT];
	struct td_timers heap = {0};
	struct td_rng rng;
	int64_t last = 0;
	unsigned fired = 0, cleared = 0;

	(void)state;
	td_rng_init(&rng, 7);
	for (size_t i = 0; i < COUNT; i++) {
		timers[i] = (struct noted){{.fire = note}, &last, &fired};
		assert_true(td_timers_add(&heap));
		td_timer_set(&heap, &timers[i].timer, (int64_t)td_rng_below(&rng, 1000));
	}
	td_timers_verify(&heap);
	for (size_t i = 0; i < COUNT; i += 3)
		td_timer_set(&heap, &timers[i].timer, (int64_t)td_rng_below(&rng, 1000));
	td_timers_verify(&heap);
	for (size_t i = 0; i < COUNT; i += 5, cleared++)
		td_timer_clear(&heap, &timers[i].timer);
	td_timers_verify(&heap);
	while (td_timers_due(&heap) != INT64_MAX)
		td_timers_fire(&heap, td_timers_due(&heap));
	assert_int_equal(fired, COUNT - cleared);
	for (size_t i = 0; i < COUNT; i++)
		td_timers_drop(&heap);
	td_timers_fini(&heap);
}

static void a_timer_that_is_not_set_can_be_cleared(void **state)
{
	struct td_timers heap = {0};
	struct td_timer timer = {.fire = note};

	(void)state;
	td_timer_clear(&heap, &timer);
	assert_int_equal(td_timers_due(&heap), INT64_MAX);
	assert_int_equal(td_timers_fire(&heap, INT64_MAX), 0);
	td_timers_fini(&heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_fire_in_the_order_in_which_they_are_due),
		cmocka_unit_test(a_timer_that_is_not_set_can_be_cleared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
