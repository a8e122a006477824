/* The nearest name, by a table of what people write and what they meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"

static void steps_between_two_texts_are_counted(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned steps;
	} rows[] = {
		{"", "", 0},
		{"", "abc", 3},
		{"http", "http", 0},
		{"HTTP", "http", 0},
		{"htpp", "http", 1},  /* another letter */
		{"htt", "http", 1},   /* too few */
		{"httpp", "http", 1}, /* too many */
		{"hptt", "http", 2},  /* moved over one */
		{"http", "htpt", 1},  /* exchanged */
		{"kitten", "sitting", 3},
		{"users", "log-level", 8},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(td_nearest_steps(td_text(rows[i].a), td_text(rows[i].b), 20),
			rows[i].steps);
		assert_int_equal(td_nearest_steps(td_text(rows[i].b), td_text(rows[i].a), 20),
			rows[i].steps);
		if (rows[i].steps > 2)
			assert_int_equal(
				td_nearest_steps(td_text(rows[i].a), td_text(rows[i].b), 2), 3);
	}
}

static struct td_text nearest_of(const char *wanted)
{
	static const char *const names[] = {
		"data", "http", "nats", "users", "log-level", "log-format", "billing", "a"};
	struct td_nearest nearest;

	td_nearest_init(&nearest, td_text(wanted));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		td_nearest_try(&nearest, td_text(names[i]));
	return nearest.name;
}

static void the_name_meant_is_found_and_none_that_is_far(void **state)
{
	(void)state;
	assert_true(td_text_is(nearest_of("htpp"), "http"));
	assert_true(td_text_is(nearest_of("Users"), "users"));
	assert_true(td_text_is(nearest_of("loglevel"), "log-level"));
	assert_true(td_text_is(nearest_of("log-fromat"), "log-format"));
	assert_true(td_text_is(nearest_of("biling"), "billing"));
	assert_true(td_text_is(nearest_of("date"), "data"));
	assert_null(nearest_of("something").at);
	assert_null(nearest_of("hxxp").at); /* two of four are too many */
}

static void long_names_are_not_looked_at(void **state)
{
	char text[TD_NEAREST_BYTES_MAX + 1];

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(td_nearest_steps(td_text_of(text, sizeof(text) - 1),
				 td_text_of(text, sizeof(text) - 1), 3),
		0);
	assert_int_equal(
		td_nearest_steps(td_text_of(text, sizeof(text)), td_text_of(text, sizeof(text)), 3),
		4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_between_two_texts_are_counted),
		cmocka_unit_test(the_name_meant_is_found_and_none_that_is_far),
		cmocka_unit_test(long_names_are_not_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
