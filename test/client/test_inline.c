#include "stored.h"

/*
 * Inline handlers: they decide before anything is stored, and may do nothing else.
 */

struct judge {
	const char *refuses; /* a type */
	struct diary *diary;
	int (*tries)(struct td *td, struct td_error *err); /* what it may not do */
	int tried;
};

static int judge(const struct td_event *event, struct td_context *context, void *arg)
{
	struct judge *judge = arg;
	struct td_error err = TD_ERROR_INIT;

	if (judge->diary != NULL)
		diary_add(judge->diary, "judged:%.*s ", TD_TEXT_ARG(td_event_type(event)));
	if (judge->tries != NULL)
		judge->tried = judge->tries(td_context_place(context), &err);
	if (judge->refuses != NULL && td_text_is(td_event_type(event), judge->refuses))
		return td_refuse(context, "no %s today", judge->refuses);
	return 0;
}

static void inline_handler(struct stored *s, struct judge *j, const char *subject)
{
	struct td_interest interest = {.name = "judge", .subject = subject, .inline_ = true};

	OK(s, td_subscribe(s->td, &interest, judge, j, NULL, &s->err));
}

static void it_refuses_before_anything_is_stored(void **state)
{
	struct stored *s = *state;
	struct diary diary = {0};
	struct judge j = {.refuses = "Bad", .diary = &diary};
	struct actor heard = {.name = "h", .diary = &diary};
	struct td_draft good = {.type = "Good", .subject = "s"},
			bad = {.type = "Bad", .subject = "s"};
	struct td_appending both[] = {{.draft = &good}, {.draft = &bad}};

	inline_handler(s, &j, "s");
	subscribe(s->td, NULL, &heard);
	OK(s, td_publish(s->td, &good, NULL, &s->err));
	assert_int_equal(td_publish(s->td, &bad, NULL, &s->err), TD_E_REFUSED);
	assert_string_equal(s->err.text, "publish: judge: no Bad today");
	assert_int_equal(td_append(s->td, both, 2, NULL, NULL, &s->err), TD_E_REFUSED);
	OK(s, td_publish(s->td, EVENT("Bad", "elsewhere"), NULL, &s->err));
	assert_diary(
		&diary, "judged:Good h:Good@s judged:Bad judged:Good judged:Bad h:Bad@elsewhere ");
	assert_read(s, "events/1:s@1:Good events/2:elsewhere@1:Bad ", 0);
}

static int tries_publish(struct td *td, struct td_error *err)
{
	return td_publish(td, EVENT("T", "t"), NULL, err);
}
static int tries_append(struct td *td, struct td_error *err)
{
	struct td_appending one = {.draft = EVENT("T", "t")};

	return td_append(td, &one, 1, NULL, NULL, err);
}
static int tries_request(struct td *td, struct td_error *err)
{
	return td_request(td, TD_QUERY, EVENT("Q", "t"), 0, NULL, err);
}
static int tries_command(struct td *td, struct td_error *err)
{
	return td_command(td, EVENT("C", "t"), NULL, err);
}
static int tries_await(struct td *td, struct td_error *err)
{
	struct td_receipt receipt = TD_RECEIPT_INIT;

	return td_await(td, &receipt, 0, err);
}
static int tries_drain(struct td *td, struct td_error *err)
{
	return td_drain(td, 0, err);
}
static int tries_subscribe(struct td *td, struct td_error *err)
{
	return td_subscribe(td, NULL, act, NULL, NULL, err);
}
static int tries_log(struct td *td, struct td_error *err)
{
	return td_log_create(td, "l", NULL, err);
}
static int tries_remove(struct td *td, struct td_error *err)
{
	return td_remove(td, &(struct td_removing){.log = "events"}, NULL, err);
}

static void it_may_do_nothing_else(void **state)
{
	static int (*const all[])(struct td * td, struct td_error * err) = {tries_publish,
		tries_append, tries_request, tries_command, tries_await, tries_drain,
		tries_subscribe, tries_log, tries_remove};
	struct stored *s = *state;
	struct judge j = {0};

	inline_handler(s, &j, "s");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		j.tries = all[i];
		j.tried = 0;
		OK(s, td_publish(s->td, EVENT("T", "s"), NULL, &s->err));
		if (j.tried != TD_E_INLINE)
			fail_msg("%zu: %d", i, j.tried);
	}
}

static int reads(struct td *td, struct td_error *err)
{
	struct td_event *event = NULL;
	struct td_where where;
	int code = td_latest(td, NULL, "account", &event, &where, err);

	td_event_unref(event);
	return code == 0 ? (int)where.revision : -code;
}

static void it_reads_what_the_append_will_meet(void **state)
{
	struct stored *s = *state;
	struct judge j = {.tries = reads};

	inline_handler(s, &j, "account");
	OK(s, td_publish(s->td, EVENT("T", "account"), NULL, &s->err));
	assert_int_equal(j.tried, -TD_E_NOT_FOUND);
	OK(s, td_publish(s->td, EVENT("T", "account"), NULL, &s->err));
	assert_int_equal(j.tried, 1);
}

static void it_ends(void **state)
{
	struct stored *s = *state;
	struct judge j = {.refuses = "Bad"};
	struct td_subscription *subscription = NULL;

	OK(s, td_subscribe(s->td, INTEREST(.inline_ = true), judge, &j, &subscription, &s->err));
	assert_int_equal(publish(s->td, "Bad", "s"), TD_E_REFUSED);
	td_unsubscribe(subscription);
	assert_int_equal(publish(s->td, "Bad", "s"), 0);
}

static void on_mem_there_is_none(void **state)
{
	struct stored *s = *state;

	assert_int_equal(td_subscribe(s->td, INTEREST(.inline_ = true), act, NULL, NULL, &s->err),
		TD_E_PLACE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_file(it_refuses_before_anything_is_stored),
		on_file(it_may_do_nothing_else),
		on_file(it_reads_what_the_append_will_meet),
		on_file(it_ends),
		{"on_mem_there_is_none", on_mem_there_is_none, setup_mem, teardown, NULL},
	};

	return cmocka_run_group_tests_name("client/inline", tests, NULL, NULL);
}
