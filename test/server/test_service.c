/* What a supervisor is told, and when, by a clock that the test moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "server/service.h"

static char told[4096];
static int64_t now;

static int note(void *arg, const char *lines)
{
	size_t len = strlen(told);

	(void)arg;
	snprintf(told + len, sizeof(told) - len, "[%s]", lines);
	return 0;
}

static int64_t monotonic(void *arg)
{
	(void)arg;
	return now;
}

static const struct td_clock clock_of_test = {.monotonic = monotonic};

static void was_told(const char *wanted)
{
	assert_string_equal(told, wanted);
	told[0] = '\0';
}

static void a_life_is_told_in_its_order(void **state)
{
	const struct td_supervisor supervisor = {.tell = note};
	struct td_service service;

	(void)state;
	now = 5000000;
	td_service_init(&service, &supervisor, &clock_of_test);
	td_service_opening(&service, 600);
	was_told("[STATUS=opening the store\nEXTEND_TIMEOUT_USEC=600000000]");
	td_service_ready(&service, "HTTP on 127.0.0.1:8222");
	was_told("[READY=1\nSTATUS=serving HTTP on 127.0.0.1:8222]");
	td_service_reloading(&service);
	was_told("[RELOADING=1\nMONOTONIC_USEC=5000\nSTATUS=reloading]");
	td_service_reloaded(&service);
	was_told("[READY=1\nSTATUS=serving HTTP on 127.0.0.1:8222]");
	td_service_stopping(&service);
	was_told("[STOPPING=1\nSTATUS=answering what was asked]");
	assert_true(td_service_turn(&service) == INT64_MAX);
	was_told("");
}

static void the_watchdog_hears_of_turns_twice_in_its_time(void **state)
{
	const struct td_supervisor supervisor = {.tell = note, .watchdog_us = 1000};
	struct td_service service;

	(void)state;
	now = 1;
	td_service_init(&service, &supervisor, &clock_of_test);
	assert_int_equal(td_service_turn(&service), 500001);
	was_told("[WATCHDOG=1]");
	now = 500000;
	assert_int_equal(td_service_turn(&service), 500001);
	was_told("");
	now = 600000;
	assert_int_equal(td_service_turn(&service), 1100000);
	was_told("[WATCHDOG=1]");
}

static void without_a_supervisor_nothing_is_said(void **state)
{
	struct td_service service;

	(void)state;
	td_service_init(&service, NULL, &clock_of_test);
	td_service_opening(&service, 1);
	td_service_ready(&service, "x");
	td_service_reloading(&service);
	td_service_reloaded(&service);
	td_service_stopping(&service);
	assert_true(td_service_turn(&service) == INT64_MAX);
	was_told("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_life_is_told_in_its_order),
		cmocka_unit_test(the_watchdog_hears_of_turns_twice_in_its_time),
		cmocka_unit_test(without_a_supervisor_nothing_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
