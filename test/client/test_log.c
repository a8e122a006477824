#include "stored.h"

/*
 * Logs, on "mem:" and on "file:", from one source: the same calls, the same answers.
 */

/* --- append ------------------------------------------------------------------------------- */

static void append_answers_where_the_event_stands(void **state)
{
	struct stored *s = *state;
	struct td_appended a;

	create_log(s, "orders", "order.>");
	OK(s, append_one(s, "Placed", "order.1", TD_IF_NONE, 0, &a));
	assert_string_equal(a.where.log, "orders");
	assert_int_equal(a.where.seq, 1);
	assert_int_equal(a.where.revision, 1);
	assert_true(a.where.position > 0 && a.where.position < td_position(s->td));
	assert_true(a.where.recorded != 0);
	assert_false(a.duplicate);
	OK(s, append_one(s, "Paid", "order.1", TD_IF_REVISION, 1, &a));
	assert_int_equal(a.where.revision, 2);
	OK(s, append_one(s, "Placed", "order.2", TD_IF_ANY, 0, &a));
	assert_int_equal(a.where.seq, 3);
	assert_int_equal(a.where.revision, 1);
	assert_read(s,
		"orders/1:order.1@1:Placed orders/2:order.1@2:Paid orders/3:order.2@1:Placed ",
		.log = "orders");
}

static void who_is_forgotten_has_events_without_data(void **state)
{
	static const char *const subjects[] = {"person.>"}, *const erasable[] = {
								    "person.*.private"};
	const struct td_log_settings settings = {.subjects = subjects,
		.subjects_count = 1,
		.erasable = erasable,
		.erasable_count = 1};
	const struct td_draft moved = {
		.type = "Moved", .subject = "person.7.private", .json = "{\"to\": \"Ulm\"}"};
	struct stored *s = *state;
	struct td_log_about *logs;
	struct td_event *event;
	struct td_where where;
	size_t count;

	OK(s, td_log_create(s->td, "people", &settings, &s->err));
	OK(s, td_publish(s->td, &moved, NULL, &s->err));
	OK(s, td_latest(s->td, NULL, "person.7.private", &event, &where, &s->err));
	assert_true(td_text_is(td_event_data(event), "{\"to\": \"Ulm\"}"));
	assert_null(td_event_get(event, "erased").at);
	td_event_unref(event);
	OK(s, td_forget(s->td, "people", "person.7.private", &s->err));
	OK(s, td_latest(s->td, NULL, "person.7.private", &event, &where, &s->err));
	assert_int_equal(td_event_data(event).len, 0);
	assert_true(td_text_is(td_event_get(event, "erased"), "true"));
	assert_true(td_text_is(td_event_type(event), "Moved"));
	assert_int_equal(where.revision, 1);
	td_event_unref(event);
	assert_int_equal(td_forget(s->td, "people", "person.7.private", &s->err), TD_E_NOT_FOUND);
	assert_int_equal(td_forget(s->td, "nobody", "person.7.private", &s->err), TD_E_NOT_FOUND);
	OK(s, td_publish(s->td, &moved, NULL, &s->err));
	OK(s, td_latest(s->td, NULL, "person.7.private", &event, &where, &s->err));
	assert_true(td_text_is(td_event_data(event), "{\"to\": \"Ulm\"}"));
	assert_int_equal(where.revision, 2);
	td_event_unref(event);
	OK(s, td_log_list(s->td, &logs, &count, &s->err));
	for (size_t i = 0; i < count; i++) {
		if (strcmp(logs[i].name, "people") == 0)
			assert_string_equal(logs[i].settings.erasable[0], "person.*.private");
	}
	td_log_list_free(logs);
}

static void what_is_imported_is_as_it_was_elsewhere(void **state)
{
	static const char *const subjects[] = {"order.>"};
	const struct td_log_settings settings = {
		.subjects = subjects, .subjects_count = 1, .importing = true};
	const struct td_attribute attributes[] = {
		{.name = TD_TEXT_INIT("authid"), .value = TD_TEXT_INIT("bob")}};
	const struct td_draft placed = {.type = "Placed",
		.subject = "order.1",
		.id = "7",
		.source = "/old",
		.attributes = attributes,
		.attributes_count = 1};
	struct td_appending one = {
		.draft = &placed, .imported = true, .recorded = 1234567890, .as_revision = 41};
	struct stored *s = *state;
	struct td_appended a;
	struct td_event *event;
	struct td_where where;

	OK(s, td_log_create(s->td, "orders", &settings, &s->err));
	create_log(s, "others", "other.>");
	OK(s, td_append(s->td, &one, 1, &a, NULL, &s->err));
	assert_int_equal(a.where.revision, 41);
	OK(s, td_latest(s->td, NULL, "order.1", &event, &where, &s->err));
	assert_int_equal(where.revision, 41);
	assert_int_equal(where.recorded, 1234567890);
	assert_true(td_text_is(td_event_get(event, "id"), "7"));
	assert_true(td_text_is(td_event_get(event, "authid"), "bob"));
	td_event_unref(event);
	/* Revisions ascend; what is not imported goes on from there. */
	assert_int_equal(append_one(s, "Paid", "order.1", TD_IF_REVISION, 41, &a), 0);
	assert_int_equal(a.where.revision, 42);
	{
		const struct td_draft late = {.type = "Placed", .subject = "order.1"};
		const struct td_draft other = {.type = "Placed", .subject = "other.1"};

		one.draft = &late;
		assert_int_equal(td_append(s->td, &one, 1, &a, NULL, &s->err), TD_E_REVISION);
		one.draft = &other; /* which is not importing */
		assert_int_equal(td_append(s->td, &one, 1, &a, NULL, &s->err), TD_E_INVALID);
	}
}

static void a_log_adopts_what_events_holds(void **state)
{
	static const char *const subjects[] = {"order.>"};
	const struct td_log_settings settings = {
		.subjects = subjects, .subjects_count = 1, .adopt = true};
	struct stored *s = *state;
	struct td_appended a;

	for (int i = 0; i < 600; i++)
		OK(s, append_one(
			      s, "Placed", i % 2 == 0 ? "order.1" : "other.1", TD_IF_ANY, 0, &a));
	OK(s, td_log_create(s->td, "orders", &settings, &s->err));
	OK(s, append_one(s, "Placed", "order.1", TD_IF_REVISION, 300, &a));
	assert_string_equal(a.where.log, "orders");
	assert_int_equal(a.where.seq, 301);
	assert_read(s,
		"events/596:other.1@298:Placed events/598:other.1@299:Placed "
		"events/600:other.1@300:Placed ",
		.log = "events", .from_seq = 596);
}

static void append_refuses_what_lost_the_race_and_says_what_it_found(void **state)
{
	struct stored *s = *state;
	struct td_appended a;

	create_log(s, "orders", "order.>");
	OK(s, append_one(s, "Placed", "order.1", TD_IF_NONE, 0, &a));
	assert_int_equal(append_one(s, "Placed", "order.1", TD_IF_NONE, 0, &a), TD_E_REVISION);
	assert_int_equal(a.code, TD_E_REVISION);
	assert_int_equal(a.found, 1);
	assert_int_equal(append_one(s, "Paid", "order.1", TD_IF_REVISION, 7, &a), TD_E_REVISION);
	assert_int_equal(a.found, 1);
	assert_int_equal(append_one(s, "Paid", "order.2", TD_IF_EXISTS, 0, &a), TD_E_REVISION);
	assert_int_equal(a.found, 0);
	OK(s, append_one(s, "Paid", "order.1", TD_IF_EXISTS, 0, &a));
	assert_int_equal(a.code, 0);
	assert_int_equal(a.where.revision, 2);
}

static void several_are_appended_all_or_none(void **state)
{
	struct stored *s = *state;
	struct td_draft first = {.type = "Reserved", .subject = "stock.7"};
	struct td_draft second = {.type = "Placed", .subject = "order.1"};
	struct td_draft third = {.type = "Noted", .subject = "order.1"};
	struct td_appending all[] = {{.draft = &first, .expected = TD_IF_NONE},
		{.draft = &second, .expected = TD_IF_NONE},
		{.draft = &third, .expected = TD_IF_REVISION, .revision = 1}};
	struct td_appended a[3];

	create_log(s, "orders", "order.>");
	create_log(s, "stock", "stock.>");
	OK(s, td_append(s->td, all, 3, a, NULL, &s->err));
	assert_string_equal(a[0].where.log, "stock");
	assert_int_equal(a[2].where.revision, 2);
	assert_int_equal(a[2].where.position, a[0].where.position + 2);
	all[1].expected = TD_IF_ANY; /* the first is refused: nothing of it */
	assert_int_equal(td_append(s->td, all, 3, a, NULL, &s->err), TD_E_REVISION);
	assert_int_equal(a[0].code, TD_E_REVISION);
	assert_int_equal(a[1].code, 0);
	assert_int_equal(a[1].where.position, 0);
	assert_read(s,
		"stock/1:stock.7@1:Reserved orders/1:order.1@1:Placed orders/2:order.1@2:Noted ",
		0);
}

static void an_event_that_was_there_is_answered_with_its_place(void **state)
{
	struct stored *s = *state;
	struct diary diary = {0};
	struct actor heard = {.name = "a", .diary = &diary};
	struct td_draft draft = {.type = "Placed", .subject = "order.1", .id = "7", .json = "{}"};
	struct td_draft other = {.type = "Placed", .subject = "order.1", .id = "7", .json = "[]"};
	struct td_appending one = {.draft = &draft};
	struct td_receipt receipt = TD_RECEIPT_INIT;
	struct td_appended a, again;
	struct td_where where;
	bool duplicate;

	create_log(s, "orders", "order.>");
	subscribe(s->td, INTEREST(.subject = "order.>"), &heard);
	draft.time = other.time = "2026-11-21T01:02:03Z";
	OK(s, td_append(s->td, &one, 1, &a, NULL, &s->err));
	OK(s, td_append(s->td, &one, 1, &again, NULL, &s->err));
	assert_true(again.duplicate);
	assert_int_equal(again.where.position, a.where.position);
	OK(s, td_publish(s->td, &draft, &receipt, &s->err));
	assert_int_equal(td_receipt_where(&receipt, &where, &duplicate), 0);
	assert_true(duplicate);
	assert_int_equal(where.seq, 1);
	assert_int_equal(td_publish(s->td, &other, NULL, &s->err), TD_E_DUPLICATE);
	assert_diary(&diary, "a:Placed@order.1 ");
	td_receipt_fini(&receipt);
}

static void publish_tells_where_the_event_stands(void **state)
{
	struct stored *s = *state;
	struct td_receipt receipt = TD_RECEIPT_INIT;
	struct td_where where = {.seq = 77};

	create_log(s, "orders", "order.>");
	OK(s, td_publish(s->td, EVENT("Placed", "order.1"), &receipt, &s->err));
	assert_int_equal(td_receipt_where(&receipt, &where, NULL), 0);
	assert_string_equal(where.log, "orders");
	assert_int_equal(where.position, td_receipt_position(&receipt));
	OK(s, td_publish(s->td, EVENT("Placed", "other.1"), &receipt, &s->err));
	if (s->file) { /* what no log claims is kept all the same */
		assert_int_equal(td_receipt_where(&receipt, &where, NULL), 0);
		assert_string_equal(where.log, "events");
	} else {
		assert_int_equal(td_receipt_position(&receipt), 0);
		assert_int_equal(td_receipt_where(&receipt, &where, NULL), TD_E_NOT_FOUND);
	}
	td_receipt_fini(&receipt);
}

static void what_is_appended_is_heard_of_in_order(void **state)
{
	struct stored *s = *state;
	struct diary diary = {0};
	struct actor first = {.name = "a", .diary = &diary, .publishes = "Made"};
	struct actor second = {.name = "b", .diary = &diary};
	struct td_draft drafts[2] = {
		{.type = "One", .subject = "s"}, {.type = "Two", .subject = "t"}};
	struct td_appending both[] = {{.draft = &drafts[0]}, {.draft = &drafts[1]}};

	create_log(s, "all", ">");
	subscribe(s->td, INTEREST(.type = "One"), &first);
	subscribe(s->td, INTEREST(0), &second);
	OK(s, td_append(s->td, both, 2, NULL, NULL, &s->err));
	assert_diary(&diary, "a:One@s b:One@s b:Two@t b:Made@made ");
	assert_read(s, "all/1:s@1:One all/2:t@1:Two all/3:made@1:Made ", 0);
}

static void what_a_handler_publishes_is_stored_with_its_cause(void **state)
{
	struct stored *s = *state;
	struct actor a = {.name = "a", .publishes = "Made"};
	struct td_event *cause = NULL, *made = NULL;

	create_log(s, "all", ">");
	subscribe(s->td, INTEREST(.type = "Placed"), &a);
	OK(s, td_publish(s->td, EVENT("Placed", "order.1"), NULL, &s->err));
	OK(s, td_latest(s->td, NULL, "order.1", &cause, NULL, &s->err));
	OK(s, td_latest(s->td, "all", "made", &made, NULL, &s->err));
	assert_true(td_text_equal(td_event_causation(made), td_event_id(cause)));
	assert_true(td_text_equal(td_event_correlation(made), td_event_id(cause)));
	td_event_unref(cause);
	td_event_unref(made);
}

/* --- read --------------------------------------------------------------------------------- */

static void fill(struct stored *s)
{
	create_log(s, "orders", "order.>");
	create_log(s, "stock", "stock.>");
	OK(s, append_one(s, "Placed", "order.1", TD_IF_ANY, 0, NULL));
	OK(s, append_one(s, "Taken", "stock.1", TD_IF_ANY, 0, NULL));
	OK(s, append_one(s, "Placed", "order.2", TD_IF_ANY, 0, NULL));
	OK(s, append_one(s, "Paid", "order.1", TD_IF_ANY, 0, NULL));
	OK(s, append_one(s, "Sent", "order.1", TD_IF_ANY, 0, NULL));
}

static void read_picks_by_log_subject_type_and_filter(void **state)
{
	struct stored *s = *state;
	const char *subjects[] = {"order.2", "stock.*"};
	const char *types[] = {"Taken", "Sent"};

	fill(s);
	assert_read(s, "stock/1:stock.1@1:Taken ", .log = "stock");
	assert_read(s, "orders/1:order.1@1:Placed orders/3:order.1@2:Paid orders/4:order.1@3:Sent ",
		.subject = "order.1");
	assert_read(s, "stock/1:stock.1@1:Taken orders/2:order.2@1:Placed ", .subjects = subjects,
		.subjects_count = 2);
	assert_read(s, "stock/1:stock.1@1:Taken orders/4:order.1@3:Sent ", .types = types,
		.types_count = 2);
	assert_read(s, "orders/3:order.1@2:Paid ", .filter = "type = 'Paid'");
	assert_read(s, "orders/4:order.1@3:Sent ", .filters = "{\"prefix\":{\"type\":\"Se\"}}");
	assert_read(s, "", .subject = "nobody.>");
}

static void read_goes_by_seq_revision_position_and_limit(void **state)
{
	struct stored *s = *state;
	struct td_event *event = NULL;
	struct td_where where;

	fill(s);
	assert_read(s, "orders/2:order.2@1:Placed orders/3:order.1@2:Paid ", .log = "orders",
		.from_seq = 2, .to_seq = 3);
	assert_read(s, "orders/3:order.1@2:Paid orders/4:order.1@3:Sent ", .subject = "order.1",
		.from_revision = 2);
	assert_read(s, "orders/1:order.1@1:Placed ", .subject = "order.1", .to_revision = 1);
	assert_read(s, "orders/1:order.1@1:Placed stock/1:stock.1@1:Taken ", .limit = 2);
	OK(s, td_latest(s->td, NULL, "order.2", &event, &where, &s->err));
	td_event_unref(event);
	assert_read(s, "orders/2:order.2@1:Placed orders/3:order.1@2:Paid orders/4:order.1@3:Sent ",
		.from = where.position);
	assert_read(s, "stock/1:stock.1@1:Taken orders/2:order.2@1:Placed ",
		.from = where.position - 1, .to = where.position);
	assert_read(s, "orders/3:order.1@2:Paid orders/4:order.1@3:Sent ",
		.from_time = where.recorded + 1);
}

static void read_goes_backward_and_shows_the_latest(void **state)
{
	struct stored *s = *state;

	fill(s);
	assert_read(s, "orders/4:order.1@3:Sent orders/3:order.1@2:Paid orders/2:order.2@1:Placed ",
		.log = "orders", .backward = true, .limit = 3);
	assert_read(s, "stock/1:stock.1@1:Taken orders/2:order.2@1:Placed orders/4:order.1@3:Sent ",
		.latest = true);
}

static void read_refuses_what_does_not_go_together(void **state)
{
	struct stored *s = *state;
	struct td_reading *r = NULL;

	fill(s);
	assert_int_equal(
		td_read(&r, s->td, &(struct td_scope){.from_seq = 1}, &s->err), TD_E_INVALID);
	assert_int_equal(
		td_read(&r, s->td, &(struct td_scope){.to_revision = 1}, &s->err), TD_E_INVALID);
	assert_int_equal(
		td_follow(&r, s->td, &(struct td_scope){.backward = true}, &s->err), TD_E_INVALID);
	assert_int_equal(
		td_read(&r, s->td, &(struct td_scope){.log = "nothing"}, &s->err), TD_E_NOT_FOUND);
	assert_int_equal(
		td_read(&r, s->td, &(struct td_scope){.filter = "1 +"}, &s->err), TD_E_FILTER);
	assert_int_equal(
		td_read(&r, s->td, &(struct td_scope){.subject = "a..b"}, &s->err), TD_E_SUBJECT);
	assert_int_equal(
		td_read(&r, s->td,
			&(struct td_scope){.at_least = td_position(s->td) + 5, .wait_ms = 10},
			&s->err),
		TD_E_TIMEOUT);
	assert_null(r);
}

static void follow_goes_on_with_what_comes(void **state)
{
	struct stored *s = *state;
	struct td_reading *r = NULL;
	const struct td_event *event;
	struct td_where where;
	uint64_t resume;

	fill(s);
	OK(s, td_follow(&r, s->td, &(struct td_scope){.subject = "order.1"}, &s->err));
	for (int i = 0; i < 3; i++)
		OK(s, td_next(r, &event, NULL, &s->err));
	assert_int_equal(td_next(r, &event, NULL, &s->err), TD_E_NOT_FOUND);
	assert_int_equal(td_reading_wait(r, 1, &s->err), TD_E_TIMEOUT);
	resume = td_reading_position(r);
	OK(s, append_one(s, "Closed", "order.1", TD_IF_ANY, 0, NULL));
	assert_int_equal(td_reading_wait(r, 5000, &s->err), 0);
	OK(s, td_next(r, &event, &where, &s->err));
	assert_true(td_text_is(td_event_type(event), "Closed"));
	assert_int_equal(where.revision, 4);
	td_reading_close(r);
	assert_read(s, "orders/5:order.1@4:Closed ", .from = resume);
}

static void latest_and_find_give_one_event(void **state)
{
	struct stored *s = *state;
	struct td_draft draft = {.type = "Noted",
		.subject = "order.9",
		.id = "n-1",
		.source = "/here",
		.json = "{\"a\": 1}"};
	struct td_event *event = NULL;
	struct td_where where;

	fill(s);
	OK(s, td_publish(s->td, &draft, NULL, &s->err));
	OK(s, td_latest(s->td, "orders", "order.9", &event, &where, &s->err));
	assert_true(td_text_is(td_event_data(event), "{\"a\": 1}"));
	assert_true(td_text_is(td_event_source(event), "/here"));
	td_event_unref(event);
	event = NULL;
	OK(s, td_find(s->td, "n-1", "/here", &event, &where, &s->err));
	assert_int_equal(where.revision, 1);
	assert_true(td_text_is(td_event_subject(event), "order.9"));
	td_event_unref(event);
	event = NULL;
	OK(s, td_find(s->td, "n-1", NULL, &event, NULL, &s->err));
	td_event_unref(event);
	event = NULL;
	assert_int_equal(td_find(s->td, "n-1", "/there", &event, NULL, &s->err), TD_E_NOT_FOUND);
	assert_int_equal(td_latest(s->td, NULL, "order.77", &event, NULL, &s->err), TD_E_NOT_FOUND);
	assert_int_equal(
		td_latest(s->td, "stock", "order.1", &event, NULL, &s->err), TD_E_NOT_FOUND);
	assert_null(event);
}

static void subjects_are_decoded_again(void **state)
{
	struct stored *s = *state;
	struct td_event *event = NULL;

	create_log(s, "all", ">");
	OK(s, td_publish(s->td, EVENT("T", "two words.*"), NULL, &s->err));
	OK(s, td_latest(s->td, NULL, "two words.*", &event, NULL, &s->err));
	assert_true(td_text_is(td_event_subject(event), "two words.*"));
	td_event_unref(event);
}

/* --- logs --------------------------------------------------------------------------------- */

static void logs_are_created_changed_listed_and_deleted(void **state)
{
	struct stored *s = *state;
	const char *subjects[] = {"order.>", "invoice.*"};
	struct td_log_settings settings = {
		.subjects = subjects, .subjects_count = 2, .count_max = 100, .duplicates_ms = 5000};
	struct td_log_about *logs = NULL;
	size_t count = 99, found = 99;

	OK(s, td_log_create(s->td, "orders", &settings, &s->err));
	assert_int_equal(td_log_create(s->td, "orders", &settings, &s->err), TD_E_EXISTS);
	assert_int_equal(td_log_create(s->td, "others", &settings, &s->err), TD_E_EXISTS);
	OK(s, append_one(s, "Placed", "order.1", TD_IF_ANY, 0, NULL));
	settings.count_max = 7;
	OK(s, td_log_change(s->td, "orders", &settings, &s->err));
	OK(s, td_log_list(s->td, &logs, &count, &s->err));
	for (size_t i = 0; i < count; i++)
		if (strcmp(logs[i].name, "orders") == 0)
			found = i;
	assert_int_equal(count, s->file ? 2 : 1); /* and "events" */
	assert_true(found < count);
	assert_int_equal(logs[found].settings.count_max, 7);
	assert_int_equal(logs[found].settings.subjects_count, 2);
	assert_string_equal(logs[found].settings.subjects[1], "invoice.*");
	assert_int_equal(logs[found].settings.duplicates_ms, 5000);
	assert_int_equal(logs[found].count, 1);
	assert_int_equal(logs[found].last_seq, 1);
	td_log_list_free(logs);
	OK(s, td_log_delete(s->td, "orders", &s->err));
	assert_int_equal(td_log_delete(s->td, "orders", &s->err), TD_E_NOT_FOUND);
	assert_int_equal(td_log_change(s->td, "orders", &settings, &s->err), TD_E_NOT_FOUND);
	assert_read(s, "", 0);
}

static void names_and_patterns_of_logs_are_checked(void **state)
{
	struct stored *s = *state;
	const char *bad = "a..b";
	struct td_log_settings settings = {.subjects = &bad, .subjects_count = 1};

	assert_int_equal(td_log_create(s->td, "", NULL, &s->err), TD_E_INVALID);
	assert_int_equal(td_log_create(s->td, "$mine", NULL, &s->err), TD_E_INVALID);
	assert_int_equal(td_log_create(s->td, "x", &settings, &s->err), TD_E_SUBJECT);
	settings.subjects = NULL;
	assert_int_equal(td_log_create(s->td, "x", &settings, &s->err), TD_E_INVALID);
}

static void a_log_keeps_as_many_as_it_is_told(void **state)
{
	struct stored *s = *state;
	const char *subject = "order.>";
	struct td_log_settings settings = {
		.subjects = &subject, .subjects_count = 1, .count_per_subject_max = 1};

	OK(s, td_log_create(s->td, "orders", &settings, &s->err));
	for (int i = 0; i < 3; i++)
		OK(s, append_one(s, "Placed", "order.1", TD_IF_ANY, 0, NULL));
	OK(s, append_one(s, "Placed", "order.2", TD_IF_ANY, 0, NULL));
	/* Removed by rule, a moment later. */
	for (int i = 0; i < 6000; i++) { /* a minute, and something is wrong */
		struct diary diary = {{0}};

		read_into(s, NULL, &diary);
		if (strcmp(diary.text, "orders/3:order.1@3:Placed orders/4:order.2@1:Placed ") == 0)
			return;
		td_loop_turn(s->td, 0);
		usleep(10000);
	}
	assert_read(s, "orders/3:order.1@3:Placed orders/4:order.2@1:Placed ", 0);
}

static void a_log_may_refuse_what_is_new_at_its_limit(void **state)
{
	struct stored *s = *state;
	const char *subject = "order.>";
	struct td_log_settings settings = {
		.subjects = &subject, .subjects_count = 1, .count_max = 2, .discard_new = true};

	OK(s, td_log_create(s->td, "orders", &settings, &s->err));
	OK(s, append_one(s, "Placed", "order.1", TD_IF_ANY, 0, NULL));
	OK(s, append_one(s, "Placed", "order.2", TD_IF_ANY, 0, NULL));
	assert_int_equal(append_one(s, "Placed", "order.3", TD_IF_ANY, 0, NULL), TD_E_LIMIT);
}

/* --- removal ------------------------------------------------------------------------------ */

static void what_is_removed_is_gone_and_revisions_go_on(void **state)
{
	struct stored *s = *state;
	uint64_t seqs[] = {4}, removed = 0;
	struct td_event *event = NULL;
	struct td_appended a;

	fill(s);
	OK(s, td_remove(s->td,
		      &(struct td_removing){.log = "orders", .seqs = seqs, .seqs_count = 1},
		      &removed, &s->err));
	assert_int_equal(removed, 1);
	assert_read(s,
		"orders/1:order.1@1:Placed orders/2:order.2@1:Placed orders/3:order.1@2:Paid ",
		.log = "orders");
	OK(s, append_one(s, "Sent", "order.1", TD_IF_ANY, 0, &a));
	assert_int_equal(a.where.revision, 4);
	assert_int_equal(a.where.seq, 5);
	OK(s, td_remove(s->td,
		      &(struct td_removing){.log = "orders", .subject = "order.1", .keep = 1},
		      &removed, &s->err));
	assert_int_equal(removed, 2);
	OK(s, td_remove(s->td, &(struct td_removing){.log = "orders", .below = 3}, &removed,
		      &s->err));
	assert_int_equal(removed, 1);
	assert_read(s, "orders/5:order.1@4:Sent ", .log = "orders");
	assert_int_equal(td_latest(s->td, NULL, "order.2", &event, NULL, &s->err), TD_E_NOT_FOUND);
	OK(s, append_one(s, "Placed", "order.2", TD_IF_NONE, 0, &a)); /* none is live */
	assert_int_equal(a.where.revision, 2);
	assert_int_equal(td_remove(s->td, &(struct td_removing){.log = "none"}, NULL, &s->err),
		TD_E_NOT_FOUND);
}

struct counted {
	int subjects;
	uint64_t events;
	char address[64];
};

static bool count_subject(void *arg, const struct td_subject_about *subject)
{
	struct counted *counted = arg;

	counted->subjects++;
	counted->events += subject->count;
	td_text_copy(subject->address, counted->address, sizeof(counted->address));
	assert_true(subject->log.len > 0);
	return true;
}

static void subjects_are_listed_with_their_counts(void **state)
{
	struct stored *s = *state;
	struct counted all = {0}, one = {0};

	fill(s);
	OK(s, td_subjects(s->td, NULL, NULL, count_subject, &all, &s->err));
	assert_int_equal(all.subjects, 3);
	assert_int_equal(all.events, 5);
	OK(s, td_subjects(s->td, "orders", "order.1", count_subject, &one, &s->err));
	assert_int_equal(one.subjects, 1);
	assert_int_equal(one.events, 3);
	assert_string_equal(one.address, "order.1");
	assert_int_equal(
		td_subjects(s->td, "none", NULL, count_subject, &one, &s->err), TD_E_NOT_FOUND);
}

static void status_counts_what_is_there(void **state)
{
	struct stored *s = *state;
	struct td_status status;

	fill(s);
	OK(s, td_status(s->td, &status, &s->err));
	assert_int_equal(status.stored, s->file);
	assert_false(status.failed);
	assert_false(status.disk_full);
	assert_false(status.recovered);
	assert_int_equal(status.position, td_position(s->td));
	assert_int_equal(status.subjects >= 3, true);
	assert_int_equal(status.events >= 5, true);
}

static void nothing_is_asked_of_a_place_without_logs(void **state)
{
	struct stored *s = *state;
	struct td_event *event = NULL;
	struct td_log_about *logs = NULL;
	size_t count = 9;

	assert_read(s, "", 0);
	assert_int_equal(td_latest(s->td, NULL, "a", &event, NULL, &s->err), TD_E_NOT_FOUND);
	assert_int_equal(td_find(s->td, "a", NULL, &event, NULL, &s->err), TD_E_NOT_FOUND);
	OK(s, td_log_list(s->td, &logs, &count, &s->err));
	assert_int_equal(count, s->file);
	td_log_list_free(logs);
	if (!s->file)
		assert_int_equal(append_one(s, "T", "a", TD_IF_ANY, 0, NULL), TD_E_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_both(append_answers_where_the_event_stands),
		on_both(who_is_forgotten_has_events_without_data),
		on_both(what_is_imported_is_as_it_was_elsewhere),
		on_file(a_log_adopts_what_events_holds),
		on_both(append_refuses_what_lost_the_race_and_says_what_it_found),
		on_both(several_are_appended_all_or_none),
		on_both(an_event_that_was_there_is_answered_with_its_place),
		on_both(publish_tells_where_the_event_stands),
		on_both(what_is_appended_is_heard_of_in_order),
		on_both(what_a_handler_publishes_is_stored_with_its_cause),
		on_both(read_picks_by_log_subject_type_and_filter),
		on_both(read_goes_by_seq_revision_position_and_limit),
		on_both(read_goes_backward_and_shows_the_latest),
		on_both(read_refuses_what_does_not_go_together),
		on_both(follow_goes_on_with_what_comes),
		on_both(latest_and_find_give_one_event),
		on_both(subjects_are_decoded_again),
		on_both(logs_are_created_changed_listed_and_deleted),
		on_both(names_and_patterns_of_logs_are_checked),
		on_both(a_log_keeps_as_many_as_it_is_told),
		on_both(a_log_may_refuse_what_is_new_at_its_limit),
		on_both(what_is_removed_is_gone_and_revisions_go_on),
		on_both(subjects_are_listed_with_their_counts),
		on_both(status_counts_what_is_there),
		on_both(nothing_is_asked_of_a_place_without_logs),
	};

	return cmocka_run_group_tests_name("client/log", tests, NULL, NULL);
}
