#include "place.h"

#include <pthread.h>
#include <time.h>

/*
 * Commands and queries: one handler, an answer, a refusal, a time limit.
 */

static int double_it(const struct td_event *event, struct td_context *context, void *arg)
{
	char json[32];
	int number = atoi(td_text_copy(td_event_data(event), json, sizeof(json)));

	(void)arg;
	snprintf(json, sizeof(json), "%d", 2 * number);
	return td_reply(context, &(struct td_draft){.json = json}, NULL);
}

static int refuse_it(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	(void)arg;
	return td_refuse(context, "out of %s", "mozzarella");
}

static int break_it(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	(void)arg;
	return td_fail(context, TD_RETRY, "oven is cold");
}

static int say_nothing(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	(void)context;
	if (arg != NULL)
		++*(int *)arg;
	return 0;
}

static const struct td_interest queued = {.async = true};

static void request_brings_an_answer(void **state)
{
	(void)state;
	for (unsigned workers = 0; workers < 3; workers++) {
		for (int async = 0; async < 2; async++) {
			struct td *td = open_place(&(struct td_options){.workers = workers});
			struct td_event *reply = NULL;
			struct td_draft draft = {.type = "Double", .json = "21"};

			assert_int_equal(td_handle(td, TD_QUERY, "Double", double_it, NULL,
						 async ? &queued : NULL, NULL, NULL),
				0);
			assert_int_equal(td_request(td, TD_QUERY, &draft, -1, &reply, NULL), 0);
			assert_true(td_text_is(td_event_data(reply), "42"));
			assert_int_equal(td_event_kind(reply), TD_REPLY);
			assert_true(td_text_is(td_event_type(reply), "Double.reply"));
			td_event_unref(reply);
			td_close(td);
		}
	}
}

static void request_may_be_answered_without_a_word(void **state)
{
	struct td *td = open_place(NULL);
	struct td_event *reply = (struct td_event *)1;

	(void)state;
	td_handle(td, TD_COMMAND, "Do", say_nothing, NULL, NULL, NULL, NULL);
	assert_int_equal(
		td_request(td, TD_COMMAND, &(struct td_draft){.type = "Do"}, -1, &reply, NULL), 0);
	assert_null(reply);
	td_close(td);
}

static void request_is_refused_with_the_handlers_reason(void **state)
{
	(void)state;
	for (int async = 0; async < 2; async++) {
		struct td *td = open_place(NULL);
		struct td_error err = TD_ERROR_INIT;
		struct actor letters = {.name = "letters"};

		subscribe(td, INTEREST(.type = TD_DEAD_LETTER), &letters);
		td_handle(td, TD_COMMAND, "Bake", refuse_it, NULL, async ? &queued : NULL, NULL,
			NULL);
		td_handle(
			td, TD_COMMAND, "Heat", break_it, NULL, async ? &queued : NULL, NULL, NULL);
		assert_int_equal(td_request(td, TD_COMMAND, &(struct td_draft){.type = "Bake"}, -1,
					 NULL, &err),
			TD_E_REFUSED);
		assert_string_equal(err.text, "out of mozzarella");
		assert_int_equal(letters.calls, 0); /* a refusal is an answer, not a failure */
		assert_int_equal(td_request(td, TD_COMMAND, &(struct td_draft){.type = "Heat"}, -1,
					 NULL, &err),
			TD_E_HANDLER);
		assert_string_equal(err.text, "oven is cold");
		assert_int_equal(letters.calls, 1);
		td_close(td);
	}
}

static void request_has_one_handler(void **state)
{
	struct td *td = open_place(NULL);
	struct td_error err = TD_ERROR_INIT;
	struct td_subscription *handler;
	struct td_draft draft = {.type = "Do"};

	(void)state;
	assert_int_equal(td_request(td, TD_COMMAND, &draft, -1, NULL, &err), TD_E_NO_HANDLER);
	assert_non_null(strstr(err.text, "Do"));
	assert_int_equal(
		td_handle(td, TD_COMMAND, "Do", say_nothing, NULL, NULL, &handler, NULL), 0);
	assert_int_equal(
		td_handle(td, TD_COMMAND, "Do", say_nothing, NULL, NULL, NULL, &err), TD_E_HANDLED);
	assert_int_equal(td_handle(td, TD_QUERY, "Do", say_nothing, NULL,
				 &(struct td_interest){.name = "query"}, NULL, NULL),
		0); /* a query of that name is something else */
	assert_int_equal(td_request(td, TD_COMMAND, &draft, -1, NULL, NULL), 0);
	td_unsubscribe(handler);
	assert_int_equal(td_request(td, TD_COMMAND, &draft, -1, NULL, NULL), TD_E_NO_HANDLER);
	assert_int_equal(td_handle(td, TD_COMMAND, "Do", say_nothing, NULL, NULL, NULL, NULL), 0);
	assert_int_equal(td_request(td, TD_COMMAND, &draft, -1, NULL, NULL), 0);
	td_close(td);
}

/* --- from inside a handler ---------------------------------------------------------------- */

struct asker {
	int answer;
	int code;
	char causation[64], id[64];
};

static int remember_cause(const struct td_event *event, struct td_context *context, void *arg)
{
	struct asker *asker = arg;

	snprintf(asker->causation, 64, "%.*s", TD_TEXT_ARG(td_event_causation(event)));
	return double_it(event, context, NULL);
}

static int ask(const struct td_event *event, struct td_context *context, void *arg)
{
	struct asker *asker = arg;
	struct td_event *reply = NULL;
	struct td_draft draft = {.type = "Double", .json = "4"};

	snprintf(asker->id, 64, "%.*s", TD_TEXT_ARG(td_event_id(event)));
	asker->code = td_request(td_context_place(context), TD_QUERY, &draft, -1, &reply, NULL);
	if (asker->code == 0) {
		char answer[16];

		asker->answer = atoi(td_text_copy(td_event_data(reply), answer, sizeof(answer)));
	}
	td_event_unref(reply);
	return 0;
}

static void request_runs_nested_and_is_caused_by_what_is_handled(void **state)
{
	(void)state;
	for (unsigned workers = 0; workers < 2; workers++) {
		for (int async = 0; async < 4; async++) {
			struct td *td = open_place(&(struct td_options){.workers = workers});
			struct asker asker = {0};

			td_handle(td, TD_QUERY, "Double", remember_cause, &asker,
				async & 1 ? &queued : NULL, NULL, NULL);
			td_subscribe(td,
				&(struct td_interest){.type = "E", .async = (async & 2) != 0}, ask,
				&asker, NULL, NULL);
			assert_int_equal(publish(td, "E", "x"), 0);
			assert_int_equal(td_drain(td, -1, NULL), 0);
			assert_int_equal(asker.code, 0);
			assert_int_equal(asker.answer, 8);
			assert_string_equal(asker.causation, asker.id);
			td_close(td);
		}
	}
}

static int ask_myself(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	*(int *)arg = td_request(td_context_place(context), TD_QUERY,
		&(struct td_draft){.type = "Self"}, -1, NULL, NULL);
	return 0;
}

static void request_that_would_wait_for_itself_is_refused(void **state)
{
	struct td *td = open_place(NULL);
	int code = 0;

	(void)state;
	td_handle(td, TD_QUERY, "Self", ask_myself, &code, &queued, NULL, NULL);
	assert_int_equal(
		td_request(td, TD_QUERY, &(struct td_draft){.type = "Self"}, -1, NULL, NULL), 0);
	assert_int_equal(code, TD_E_DEADLOCK);
	td_close(td);
}

static void request_of_itself_without_end_is_a_loop(void **state)
{
	struct td *td = open_place(&(struct td_options){.causes_max = 10});
	int code = 0;

	(void)state;
	td_handle(td, TD_QUERY, "Self", ask_myself, &code, NULL, NULL, NULL);
	assert_int_equal(
		td_request(td, TD_QUERY, &(struct td_draft){.type = "Self"}, -1, NULL, NULL), 0);
	td_close(td);
}

/* --- time --------------------------------------------------------------------------------- */

struct slow {
	bool waits; /* until the requester has gone; else for as long as he would wait, and more */
	int gone, calls;
};

static int slow(const struct td_event *event, struct td_context *context, void *arg)
{
	struct timespec ts = {0, 10000000};
	struct slow *s = arg;

	(void)event;
	(void)context;
	do
		nanosleep(&ts, NULL);
	while (s->waits && !__atomic_load_n(&s->gone, __ATOMIC_SEQ_CST));
	__atomic_fetch_add(&s->calls, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static void request_ends_when_its_time_is_up_and_a_late_answer_harms_nobody(void **state)
{
	(void)state;
	for (int async = 0; async < 2; async++) {
		struct td *td = open_place(&(struct td_options){.workers = 1});
		struct td_error err = TD_ERROR_INIT;
		struct td_event *reply = NULL;
		struct slow s = {.waits = async};

		td_handle(td, TD_QUERY, "Slow", slow, &s, async ? &queued : NULL, NULL, NULL);
		assert_int_equal(td_request(td, TD_QUERY, &(struct td_draft){.type = "Slow"}, 5,
					 &reply, &err),
			TD_E_TIMEOUT);
		assert_null(reply);
		assert_non_null(strstr(err.text, "5 ms"));
		__atomic_store_n(&s.gone, 1, __ATOMIC_SEQ_CST);
		assert_int_equal(td_drain(td, -1, NULL), 0);
		assert_int_equal(s.calls, 1);
		td_close(td);
	}
}

/* --- commands without an answer ----------------------------------------------------------- */

static int command_others(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	(void)arg;
	return td_command(td_context_place(context), &(struct td_draft){.type = "Do"}, NULL, NULL);
}

static void command_is_done_at_once_later_or_behind_the_cascade(void **state)
{
	struct td *td = open_place(NULL);
	struct td_receipt receipt = TD_RECEIPT_INIT;
	struct td_error err = TD_ERROR_INIT;
	int done = 0, later = 0;

	(void)state;
	td_handle(td, TD_COMMAND, "Do", say_nothing, &done, NULL, NULL, NULL);
	td_handle(td, TD_COMMAND, "DoLater", say_nothing, &later, &queued, NULL, NULL);
	td_handle(td, TD_COMMAND, "Bake", refuse_it, NULL, NULL, NULL, NULL);
	td_subscribe(td, NULL, command_others, NULL, NULL, NULL);
	assert_int_equal(td_command(td, &(struct td_draft){.type = "Do"}, &receipt, NULL), 0);
	assert_int_equal(receipt.completed, 1);
	assert_int_equal(done, 1);
	assert_int_equal(td_command(td, &(struct td_draft){.type = "DoLater"}, &receipt, NULL), 0);
	assert_int_equal(receipt.queued, 1);
	assert_int_equal(later, 0);
	assert_int_equal(td_await(td, &receipt, -1, NULL), 0);
	assert_int_equal(later, 1);
	assert_int_equal(publish(td, "E", "x"), 0);
	assert_int_equal(done, 2);
	assert_int_equal(
		td_command(td, &(struct td_draft){.type = "Nobody"}, NULL, &err), TD_E_NO_HANDLER);
	td_receipt_fini(&receipt);
	td_close(td);
}

static int announce_it(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	(void)arg;
	return td_publish(
		td_context_place(context), &(struct td_draft){.type = "Baked"}, NULL, NULL);
}

/* Types, and whether the one event was caused by the command that an outcome tells of. */
static int hear_outcome(const struct td_event *event, struct td_context *context, void *arg)
{
	struct diary *diary = arg;
	struct td_text data = td_event_data(event), cause = td_event_causation(event);
	char quoted[80];

	(void)context;
	snprintf(quoted, sizeof(quoted), "\"id\":\"%.*s\"", TD_TEXT_ARG(cause));
	diary_add(diary, "%.*s%s ", TD_TEXT_ARG(td_event_type(event)),
		data.at != NULL && memmem(data.at, data.len, quoted, strlen(quoted)) ? "!" : "");
	return 0;
}

static void command_outcomes_are_events_for_those_who_ask(void **state)
{
	static const char *const types[] = {
		"Baked", TD_COMMAND_DONE, TD_COMMAND_REFUSED, TD_COMMAND_FAILED};

	(void)state;
	for (int way = 0; way < 8; way++) {
		const struct td_interest *how = way & 1 ? &queued : NULL;
		struct td *td = open_place(&(struct td_options){.workers = way & 2 ? 1 : 0});
		struct diary diary = {""};
		struct actor all = {.name = "all"};

		td_handle(td, TD_COMMAND, "Bake", announce_it, NULL, how, NULL, NULL);
		td_handle(td, TD_COMMAND, "Refuse", refuse_it, NULL, how, NULL, NULL);
		td_handle(td, TD_COMMAND, "Break", break_it, NULL, how, NULL, NULL);
		td_handle(td, TD_QUERY, "Ask", say_nothing, NULL, how, NULL, NULL);
		subscribe(td, INTEREST(.type = "Baked"), &all);
		subscribe(td, NULL, &all);
		td_subscribe(td, INTEREST(.types = types, .types_count = 4), hear_outcome, &diary,
			NULL, NULL);
		for (size_t i = 0; i < 3; i++) {
			const char *names[] = {"Bake", "Refuse", "Break"};

			if (way & 4)
				td_command(td, &(struct td_draft){.type = names[i]}, NULL, NULL);
			else
				td_request(td, TD_COMMAND, &(struct td_draft){.type = names[i]}, -1,
					NULL, NULL);
			assert_int_equal(td_drain(td, -1, NULL), 0);
		}
		td_request(td, TD_QUERY, &(struct td_draft){.type = "Ask"}, -1, NULL, NULL);
		assert_int_equal(td_drain(td, -1, NULL), 0);
		assert_diary(
			&diary, "Baked td.command.done! td.command.refused! td.command.failed! ");
		assert_int_equal(all.calls, 2); /* who asks for all does not get them */
		td_close(td);
	}
}

static int command_bake(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	*(int *)arg = td_command(
		td_context_place(context), &(struct td_draft){.type = "Bake"}, NULL, NULL);
	return 0;
}

static void command_refused_is_an_answer_and_an_event(void **state)
{
	(void)state;
	for (int async = 0; async < 2; async++) {
		struct td *td = open_place(NULL);
		struct actor outcomes = {.name = "outcomes"}, letters = {.name = "letters"};
		struct td_receipt receipt = TD_RECEIPT_INIT;
		struct td_error err = TD_ERROR_INIT;
		const struct td_outcome *told;
		int sent = -1;

		subscribe(td, INTEREST(.type = TD_COMMAND_REFUSED), &outcomes);
		subscribe(td, INTEREST(.type = TD_DEAD_LETTER), &letters);
		td_handle(td, TD_COMMAND, "Bake", refuse_it, NULL, async ? &queued : NULL, NULL,
			NULL);
		td_subscribe(td, INTEREST(.type = "E"), command_bake, &sent, NULL, NULL);
		assert_int_equal(td_command(td, &(struct td_draft){.type = "Bake"}, &receipt, &err),
			async ? 0 : TD_E_REFUSED);
		assert_int_equal(td_await(td, &receipt, -1, NULL), 0);
		assert_int_equal(receipt.failed, 0);
		assert_true(td_receipt_outcomes(&receipt, &told) >= 1);
		assert_int_equal(told[0].state, TD_COMPLETED);
		assert_int_equal(told[0].code, TD_E_REFUSED);
		if (!async)
			assert_string_equal(err.text, "out of mozzarella");
		assert_int_equal(outcomes.calls, 1);

		/* From inside a handler the sender goes on; what became of it is an event. */
		assert_int_equal(publish(td, "E", "x"), 0);
		assert_int_equal(td_drain(td, -1, NULL), 0);
		assert_int_equal(sent, 0);
		assert_int_equal(outcomes.calls, 2);
		assert_int_equal(letters.calls, 0);
		td_receipt_fini(&receipt);
		td_close(td);
	}
}

static int reply_twice(const struct td_event *event, struct td_context *context, void *arg)
{
	int *codes = arg;

	(void)event;
	codes[0] = td_reply(context, &(struct td_draft){.json = "1"}, NULL);
	codes[1] = td_reply(context, &(struct td_draft){.json = "2"}, NULL);
	return 0;
}

static void reply_is_for_requests_and_once(void **state)
{
	struct td *td = open_place(NULL);
	struct td_event *reply = NULL;
	int codes[2] = {-1, -1};

	(void)state;
	td_handle(td, TD_QUERY, "Q", reply_twice, codes, NULL, NULL, NULL);
	td_subscribe(td, NULL, reply_twice, codes, NULL, NULL);
	assert_int_equal(
		td_request(td, TD_QUERY, &(struct td_draft){.type = "Q"}, -1, &reply, NULL), 0);
	assert_int_equal(codes[0], 0);
	assert_int_equal(codes[1], TD_E_INVALID);
	assert_true(td_text_is(td_event_data(reply), "1"));
	assert_int_equal(publish(td, "E", "x"), 0);
	assert_int_equal(codes[0], TD_E_INVALID);
	td_event_unref(reply);
	td_close(td);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_brings_an_answer),
		cmocka_unit_test(request_may_be_answered_without_a_word),
		cmocka_unit_test(request_is_refused_with_the_handlers_reason),
		cmocka_unit_test(request_has_one_handler),
		cmocka_unit_test(request_runs_nested_and_is_caused_by_what_is_handled),
		cmocka_unit_test(request_that_would_wait_for_itself_is_refused),
		cmocka_unit_test(request_of_itself_without_end_is_a_loop),
		cmocka_unit_test(request_ends_when_its_time_is_up_and_a_late_answer_harms_nobody),
		cmocka_unit_test(command_is_done_at_once_later_or_behind_the_cascade),
		cmocka_unit_test(command_outcomes_are_events_for_those_who_ask),
		cmocka_unit_test(command_refused_is_an_answer_and_an_event),
		cmocka_unit_test(reply_is_for_requests_and_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
