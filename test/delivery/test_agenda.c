#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"
#include "delivery/agenda.h"

/* Entries are only pointers to it. */
static struct td_entry *entry_of(char *at)
{
	return (void *)at;
}

static void agenda_gives_the_earliest_and_of_equals_the_first(void **state)
{
	static char names[600];
	int64_t due[600];
	struct td_agenda agenda;
	struct td_rng rng;

	(void)state;
	td_rng_init(&rng, 7);
	td_agenda_init(&agenda);
	for (size_t i = 0; i < 600; i++) {
		assert_true(td_agenda_reserve(&agenda, i + 1, 600));
		due[i] = (int64_t)td_rng_below(&rng, 40) - 20;
		td_agenda_enter(&agenda, due[i], entry_of(names + i));
		td_agenda_verify(&agenda);
	}
	int64_t last_due = INT64_MIN;
	ptrdiff_t last = -1;
	for (size_t i = 0; i < 600; i++) {
		ptrdiff_t at = (char *)td_agenda_remove(&agenda) - names;
		td_agenda_verify(&agenda);
		assert_true(due[at] > last_due || (due[at] == last_due && at > last));
		last_due = due[at];
		last = at;
	}
	assert_int_equal(agenda.count, 0);
	td_agenda_fini(&agenda);
}

static void agenda_has_no_more_room_than_its_ceiling(void **state)
{
	struct td_agenda agenda;

	(void)state;
	td_agenda_init(&agenda);
	assert_true(td_agenda_reserve(&agenda, 1, 5));
	assert_true(agenda.cap <= 5);
	assert_true(td_agenda_reserve(&agenda, 5, 5));
	assert_int_equal(agenda.cap, 5);
	td_agenda_fini(&agenda);
	assert_true(td_agenda_reserve(&agenda, 1, 1000));
	assert_true(td_agenda_reserve(&agenda, 17, 1000));
	assert_int_equal(agenda.cap, 32);
	assert_true(td_agenda_reserve(&agenda, 600, 1000));
	assert_int_equal(agenda.cap, 600);
	assert_true(td_agenda_reserve(&agenda, 601, 1000));
	assert_int_equal(agenda.cap, 1000);
	assert_false(td_agenda_reserve(&agenda, SIZE_MAX, SIZE_MAX));
	assert_int_equal(agenda.cap, 1000);
	td_agenda_fini(&agenda);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agenda_gives_the_earliest_and_of_equals_the_first),
		cmocka_unit_test(agenda_has_no_more_room_than_its_ceiling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
