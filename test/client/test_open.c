#include "../bus/place.h"

#include "client/client.h"

/*
 * A place in a world whose clock says what it likes: clocks of small machines begin in 1970, or
 * with whatever their battery left them.
 */

static td_time any_time(void *arg)
{
	return *(const td_time *)arg;
}

static void any_bytes(void *arg, void *bytes, size_t len)
{
	(void)arg;
	memset(bytes, 7, len);
}

struct seen {
	td_time time;
	char id[64];
	int count;
};

static int see(const struct td_event *event, struct td_context *context, void *arg)
{
	struct seen *seen = arg;

	(void)context;
	td_text_copy(td_event_id(event), seen->id, sizeof(seen->id));
	seen->count++;
	return td_event_time_ns(event, &seen->time, NULL);
}

static void open_place_publishes_whatever_the_clock_says(void **state)
{
	static const td_time times[] = {INT64_MIN + 1000, -1000, 0, 1763688000000000000,
		INT64_MAX - 1000, -5000000000000000000};
	td_time now = 0;
	struct td_clock clock = {any_time, any_time, &now};
	struct td_random random = {any_bytes, NULL};
	struct td_world world = {.clock = &clock, .random = &random};
	struct td_error err = TD_ERROR_INIT;
	struct seen seen = {0};
	char last[64] = "";
	struct td *td;

	(void)state;
	assert_int_equal(td_open_in(&td, "mem:", &world, NULL, &err), 0);
	assert_int_equal(td_subscribe(td, NULL, see, &seen, NULL, &err), 0);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		now = times[i];
		if (td_publish(td, EVENT("T", "s"), NULL, &err) != 0)
			fail_msg("at %lld: %s", (long long)now, err.text);
		assert_int_equal(seen.count, i + 1);
		/* To the microsecond below. */
		assert_true(seen.time <= now && now - seen.time < 1000);
		assert_true(strcmp(last, seen.id) < 0);
		memcpy(last, seen.id, sizeof(last));
	}
	assert_int_equal(td_close(td), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_place_publishes_whatever_the_clock_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
