#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flow/recent.h"

/* Against a list that is searched from its end. */
static void exactly_the_last_are_found(void **state)
{
	static uint64_t hashes[5000];
	struct td_recent recent;
	struct td_rng rng;

	(void)state;
	td_rng_init(&rng, 3);
	for (uint32_t max = 1; max < 300; max += 37) {
		assert_true(td_recent_init(&recent, max));
		for (size_t i = 0; i < 2000; i++) {
			/* Few names, so that many come again; bits at both ends. */
			uint64_t hash = td_rng_below(&rng, 400) * 0x8000000000400001u;
			struct td_flow_seen *seen = td_recent_find(&recent, hash);
			size_t at = i;

			while (at > 0 && i - at < max && hashes[at - 1] != hash)
				at--;
			if (at == 0 || i - at >= max) {
				assert_null(seen);
			} else {
				assert_non_null(seen);
				assert_int_equal(seen->time, at - 1);
			}
			hashes[i] = hash;
			seen = td_recent_add(&recent, hash);
			assert_non_null(seen);
			seen->time = (td_time)i;
		}
		td_recent_fini(&recent);
	}
}

static void a_trace_that_is_in_use_stays(void **state)
{
	struct td_traces traces;
	struct td_trace_entry *entry;

	(void)state;
	assert_true(td_traces_init(&traces, 4));
	entry = td_traces_step(&traces, 1, 10);
	assert_false(entry->caused);
	entry->latest.time = 77;
	for (uint64_t i = 0; i < 100; i++) {
		assert_non_null(td_traces_step(&traces, 1000 + i, 10));
		entry = td_traces_step(&traces, 1, 10);
		assert_non_null(entry);
		assert_false(entry->caused);
		assert_int_equal(entry->latest.time, 77);
	}
	entry = td_traces_step(&traces, 1, 11);
	assert_true(entry->caused);
	assert_int_equal(entry->cause.time, 77);
	entry->latest.time = 88;
	entry = td_traces_step(&traces, 1, 11);
	assert_int_equal(entry->cause.time, 77);
	for (uint64_t i = 0; i < 9; i++)
		td_traces_step(&traces, 5000 + i, 10);
	assert_false(td_traces_step(&traces, 1, 12)->caused); /* forgotten: it begins anew */
	td_traces_fini(&traces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exactly_the_last_are_found),
		cmocka_unit_test(a_trace_that_is_in_use_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
