#include "cli/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void the_nearest_of_all_is_kept_and_of_equals_the_first_in_the_alphabet(void **state)
{
	struct td_cli_nearest nearest = {.name = ""};

	(void)state;
	td_cli_nearest_offer(&nearest, "biling", td_text("bowling"));
	assert_string_equal(nearest.name, "bowling");
	td_cli_nearest_offer(&nearest, "biling", td_text("billing"));
	assert_string_equal(nearest.name, "billing");
	td_cli_nearest_offer(&nearest, "biling", td_text("bailing"));
	assert_string_equal(nearest.name, "bailing");
	td_cli_nearest_offer(&nearest, "biling", td_text("billing"));
	assert_string_equal(nearest.name, "bailing");
	td_cli_nearest_offer(&nearest, "biling", td_text("kitchen"));
	assert_string_equal(nearest.name, "bailing");
}

static void what_is_far_is_not_offered(void **state)
{
	struct td_cli_nearest nearest = {.name = ""};

	(void)state;
	td_cli_nearest_offer(&nearest, "x", td_text("yz"));
	td_cli_nearest_offer(&nearest, "order", td_text("billing"));
	assert_string_equal(nearest.name, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			the_nearest_of_all_is_kept_and_of_equals_the_first_in_the_alphabet),
		cmocka_unit_test(what_is_far_is_not_offered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
