#include "place.h"

/*
 * Promises of tidings.h where several mechanisms meet.
 */

/* The first publish resolves the topic; those behind it take the fast road. */
static void publish_in_a_plain_handler_of_a_topic_is_not_lost(void **state)
{
	struct td *td = open_place(NULL);
	struct actor first = {.name = "first", .publishes = "Made"};
	struct actor made = {.name = "made"};
	struct td_topic *topic;
	struct td_event *event;

	(void)state;
	subscribe(td, INTEREST(.type = "T"), &first);
	subscribe(td, INTEREST(.type = "Made"), &made);
	assert_int_equal(td_topic_open(&topic, td, "s", "T", NULL), 0);
	assert_int_equal(td_event_new(&event, EVENT("T", "s"), NULL), 0);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(td_topic_publish(topic, event, NULL, NULL), 0);
		assert_int_equal(made.calls, i);
	}
	td_event_unref(event);
	td_topic_close(topic);
	assert_int_equal(td_close(td), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(publish_in_a_plain_handler_of_a_topic_is_not_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
