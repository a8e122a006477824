#include "cli/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void distances_are_those_of_optimal_string_alignment(void **state)
{
	static const struct {
		const char *a, *b;
		size_t distance;
	} rows[] = {{"", "", 0}, {"", "abc", 3}, {"abc", "abc", 0}, {"abc", "abd", 1},
		{"abc", "ab", 1}, {"abc", "acb", 1}, {"publsh", "publish", 1},
		{"PUBLISH", "publish", 0}, {"kitten", "sitting", 3}, {"ca", "abc", 3},
		{"subscirbe", "subscribe", 1}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
			td_cli_distance(td_text(rows[i].a), td_text(rows[i].b)), rows[i].distance);
		assert_int_equal(
			td_cli_distance(td_text(rows[i].b), td_text(rows[i].a)), rows[i].distance);
	}
}

static void what_is_long_is_far(void **state)
{
	char word[80];

	(void)state;
	memset(word, 'a', sizeof(word));
	assert_true(td_cli_distance(td_text_of(word, 65), td_text("a")) == SIZE_MAX);
	assert_true(td_cli_distance(td_text("a"), td_text_of(word, 80)) == SIZE_MAX);
	assert_int_equal(td_cli_distance(td_text_of(word, 64), td_text_of(word, 64)), 0);
}

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
		cmocka_unit_test(distances_are_those_of_optimal_string_alignment),
		cmocka_unit_test(what_is_long_is_far),
		cmocka_unit_test(
			the_nearest_of_all_is_kept_and_of_equals_the_first_in_the_alphabet),
		cmocka_unit_test(what_is_far_is_not_offered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
