#include "place.h"

/*
 * What the library tells of failures arrives, or is counted where somebody looks.
 */

struct heard {
	int count;
	bool has_data, has_event;
};

static bool contains(struct td_text text, const char *what)
{
	return text.at != NULL && memmem(text.at, text.len, what, strlen(what)) != NULL;
}

static int hear(const struct td_event *event, struct td_context *context, void *arg)
{
	struct td_text data = td_event_data(event);
	struct heard *heard = arg;

	(void)context;
	heard->count++;
	heard->has_event = contains(data, "{\"specversion\":\"1.0\",\"id\":");
	heard->has_data = contains(data, "\"data\":[") || contains(data, "\"data_base64\":");
	return 0;
}

static int refuse(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	(void)arg;
	return td_refuse(context, "no");
}

static char *nested(size_t depth)
{
	char *json = malloc(2 * depth + 1);

	memset(json, '[', depth);
	memset(json + depth, ']', depth);
	json[2 * depth] = '\0';
	return json;
}

static void letter_tells_of_an_event_that_does_not_fit_into_it(void **state)
{
	static const struct {
		size_t depth;
		bool with_data;
	} rows[] = {{1, true}, {508, true}, {509, false}, {510, false}};
	struct actor failing = {.name = "failing", .fails = -1, .class_ = TD_SKIP};
	struct td *td = open_place(NULL);
	struct td_subscription_status status;
	struct heard letter = {0}, outcome = {0};
	struct td_subscription *s;

	(void)state;
	s = subscribe(td, INTEREST(.subject = "s"), &failing);
	td_subscribe(td, INTEREST(.type = TD_DEAD_LETTER), hear, &letter, NULL, NULL);
	td_subscribe(td, INTEREST(.type = TD_COMMAND_REFUSED), hear, &outcome, NULL, NULL);
	assert_int_equal(td_handle(td, TD_COMMAND, "Do", refuse, NULL, NULL, NULL, NULL), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *json = nested(rows[i].depth);
		struct td_draft draft = {.type = "T", .subject = "s", .json = json};

		assert_int_equal(td_publish(td, &draft, NULL, NULL), TD_E_HANDLER);
		draft.type = "Do";
		assert_int_equal(td_command(td, &draft, NULL, NULL), TD_E_REFUSED);
		free(json);
		assert_int_equal(letter.count, i + 1);
		assert_int_equal(outcome.count, i + 1);
		assert_true(letter.has_event && outcome.has_event);
		assert_int_equal(letter.has_data, rows[i].with_data);
		assert_int_equal(outcome.has_data, rows[i].with_data);
	}
	td_subscription_status(s, &status);
	assert_int_equal(status.untold, 0);
	assert_int_equal(td_close(td), 0);
}

static void letter_tells_of_an_event_as_large_as_there_may_be(void **state)
{
	struct actor failing = {.name = "failing", .fails = -1, .class_ = TD_SKIP};
	struct td *td = open_place(NULL);
	struct td_draft draft = {.type = "T", .subject = "s", .data_bytes = TD_DATA_BYTES_MAX};
	struct heard letter = {0};

	(void)state;
	subscribe(td, INTEREST(.subject = "s"), &failing);
	td_subscribe(td, INTEREST(.type = TD_DEAD_LETTER), hear, &letter, NULL, NULL);
	draft.data = calloc(1, TD_DATA_BYTES_MAX);
	assert_int_equal(td_publish(td, &draft, NULL, NULL), TD_E_HANDLER);
	assert_int_equal(letter.count, 1);
	assert_true(letter.has_event && !letter.has_data);
	free((void *)(uintptr_t)draft.data);
	assert_int_equal(td_close(td), 0);
}

static int fill_the_cascade(const struct td_event *event, struct td_context *context, void *arg)
{
	struct td *td = td_context_place(context);
	int code;

	(void)event;
	do
		code = publish(td, "More", "m");
	while (code == 0);
	*(int *)arg = code;
	return td_fail(context, TD_SKIP, "too much");
}

static void letter_has_a_place_in_a_cascade_that_is_full(void **state)
{
	struct td *td = open_place(NULL);
	struct heard letter = {0};
	int code = 0;

	(void)state;
	td_subscribe(td, INTEREST(.type = "T"), fill_the_cascade, &code, NULL, NULL);
	td_subscribe(td, INTEREST(.type = TD_DEAD_LETTER), hear, &letter, NULL, NULL);
	assert_int_equal(publish(td, "T", "s"), TD_E_HANDLER);
	assert_int_equal(code, TD_E_LIMIT);
	assert_int_equal(letter.count, 1);
	assert_int_equal(td_close(td), 0);
}

static void count_dropped_letters(const struct td_trace *trace, void *arg)
{
	if (trace->moment == TD_GAVE_UP && trace->state == TD_DROPPED &&
		td_text_is(td_event_type(trace->event), TD_DEAD_LETTER))
		++*(int *)arg;
}

/* The failing one is told of on the publisher's thread, or from its lane. */
static void letter_that_meets_a_full_queue_is_counted_and_traced(void **state)
{
	static const enum td_when_full policies[] = {TD_WAIT, TD_REFUSE};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct actor failing = {.name = "failing", .fails = -1, .class_ = TD_SKIP};
		struct actor reader = {.name = "reader"};
		struct td *td = open_place(NULL);
		struct td_subscription_status status;
		struct td_subscription *s;
		int dropped = 0;

		td_trace_set(td, count_dropped_letters, &dropped);
		subscribe(td, INTEREST(.type = "T", .async = i < 2), &failing);
		s = subscribe(td,
			INTEREST(.type = TD_DEAD_LETTER, .async = true, .queue_max = 2,
				.when_full = policies[i % 2]),
			&reader);
		for (int n = 0; n < 5; n++)
			publish(td, "T", "s");
		assert_int_equal(td_drain(td, -1, NULL), 0);
		td_subscription_status(s, &status);
		assert_int_equal(failing.calls, 5);
		assert_true(status.dropped > 0);
		assert_int_equal(status.dropped + (uint64_t)reader.calls, 5);
		assert_int_equal(dropped, status.dropped);
		assert_int_equal(td_close(td), 0);
	}
}

/* Two queues would have no order between them. */
static void letter_reaches_who_asks_for_all_and_the_own_behind_its_event(void **state)
{
	struct actor failing = {.name = "failing", .fails = -1, .class_ = TD_SKIP};
	struct diary all = {""}, others = {""};
	struct actor writer = {.name = "w", .diary = &all};
	struct actor other = {.name = "o", .diary = &others};
	struct td *td = open_place(NULL);

	(void)state;
	subscribe(td, INTEREST(.name = "failing", .type = "T"), &failing);
	subscribe(td, INTEREST(.own = true, .async = true, .order = TD_ORDER_ALL), &writer);
	subscribe(td, INTEREST(.async = true), &other);
	assert_int_equal(td_handle(td, TD_COMMAND, "Do", refuse, NULL, NULL, NULL, NULL), 0);
	assert_int_equal(publish(td, "T", "s"), TD_E_HANDLER);
	assert_int_equal(td_command(td, EVENT("Do", "s"), NULL, NULL), TD_E_REFUSED);
	assert_int_equal(publish(td, "U", "s"), 0);
	assert_int_equal(td_drain(td, -1, NULL), 0);
	assert_diary(&all, "w:T@s w:td.deadletter.added@td.deadletter.failing "
			   "w:td.command.refused@td.command.Do w:U@s ");
	assert_diary(&others, "o:T@s o:U@s ");
	assert_int_equal(td_close(td), 0);
}

/* The letter of a letter would never end. */
static void letter_is_not_written_of_a_letter(void **state)
{
	struct actor failing = {.name = "failing", .fails = -1, .class_ = TD_SKIP};
	struct td *td = open_place(NULL);

	(void)state;
	subscribe(td, INTEREST(.own = true), &failing);
	assert_int_equal(publish(td, "T", "s"), TD_E_HANDLER);
	assert_int_equal(failing.calls, 2);
	assert_int_equal(td_close(td), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(letter_tells_of_an_event_that_does_not_fit_into_it),
		cmocka_unit_test(letter_tells_of_an_event_as_large_as_there_may_be),
		cmocka_unit_test(letter_has_a_place_in_a_cascade_that_is_full),
		cmocka_unit_test(letter_that_meets_a_full_queue_is_counted_and_traced),
		cmocka_unit_test(letter_reaches_who_asks_for_all_and_the_own_behind_its_event),
		cmocka_unit_test(letter_is_not_written_of_a_letter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
