#include "place.h"

static void names_differ_for_all_that_there_is_and_else_are_unknown(void **state)
{
	const char *seen[32];
	size_t count = 0;

	(void)state;
	for (int i = TD_COMPLETED; i <= TD_DROPPED; i++)
		seen[count++] = td_state_name((enum td_state)i);
	for (int i = TD_RETRY; i <= TD_STOP; i++)
		seen[count++] = td_class_name((enum td_class)i);
	for (int i = TD_CREATED; i <= TD_TRY_AGAIN; i++)
		seen[count++] = td_moment_name((enum td_moment)i);
	for (size_t i = 0; i < count; i++) {
		assert_string_not_equal(seen[i], "unknown");
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(seen[i], seen[j]);
	}
	assert_string_equal(td_state_name((enum td_state)(TD_DROPPED + 1)), "unknown");
	assert_string_equal(td_class_name((enum td_class)0), "unknown");
	assert_string_equal(td_class_name((enum td_class)(TD_STOP + 1)), "unknown");
	assert_string_equal(td_moment_name((enum td_moment)(TD_TRY_AGAIN + 1)), "unknown");
}

static void names_are_those_of_the_constants(void **state)
{
	(void)state;
	assert_string_equal(td_state_name(TD_COMPLETED), "completed");
	assert_string_equal(td_state_name(TD_QUEUED), "queued");
	assert_string_equal(td_state_name(TD_FAILED), "failed");
	assert_string_equal(td_state_name(TD_PARKED), "parked");
	assert_string_equal(td_state_name(TD_STOPPED), "stopped");
	assert_string_equal(td_state_name(TD_DROPPED), "dropped");
	assert_string_equal(td_class_name(TD_RETRY), "retry");
	assert_string_equal(td_class_name(TD_STOP), "stop");
	assert_string_equal(td_moment_name(TD_ROUTED), "routed");
	assert_string_equal(td_moment_name(TD_GAVE_UP), "gave-up");
	assert_string_equal(td_moment_name(TD_TRY_AGAIN), "try-again");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_differ_for_all_that_there_is_and_else_are_unknown),
		cmocka_unit_test(names_are_those_of_the_constants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
