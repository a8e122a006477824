#include "stored.h"

#include <pthread.h>
#include <stdatomic.h>

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

/* --- what is not durable yet -------------------------------------------------------------- */

/* An account: each event pays one out; with nothing left it is refused. */
struct account {
	const char *log;
	int64_t left;
	int asked;
	bool by_reading;
};

static int count_by_reading(struct td *td, const char *log, bool backward, struct td_error *err)
{
	struct td_scope scope = {.log = log, .subject = "account", .backward = backward};
	struct td_reading *reading;
	const struct td_event *event;
	uint64_t last = backward ? UINT64_MAX : 0;
	struct td_where where;
	int count = 0, code = td_read(&reading, td, &scope, err);

	if (code != 0)
		return -code;
	while ((code = td_next(reading, &event, &where, err)) == 0) {
		if (where.revision != 0 && (where.revision > last) == backward)
			return -1000;
		last = where.revision != 0 ? where.revision : last;
		count++;
	}
	td_reading_close(reading);
	return code == TD_E_NOT_FOUND ? count : -code;
}

static int pay_out(const struct td_event *event, struct td_context *context, void *arg)
{
	struct account *account = arg;
	struct td *td = td_context_place(context);
	struct td_event *newest = NULL;
	struct td_where where = {0};
	struct td_error err = TD_ERROR_INIT;
	long long paid = 0;
	char data[8];

	(void)event;
	account->asked++;
	if (account->by_reading) {
		paid = count_by_reading(td, account->log, account->asked % 2 == 0, &err);
		if (paid < 0)
			return td_refuse(context, "%s", err.text);
	} else if (td_latest(td, account->log, "account", &newest, &where, &err) == 0) {
		td_text_copy(td_event_data(newest), data, sizeof(data));
		paid = strtoll(data, NULL, 10);
		td_event_unref(newest);
	} else if (err.code != TD_E_NOT_FOUND) {
		return td_refuse(context, "%s", err.text);
	}
	return paid < account->left ? 0 : td_refuse(context, "nothing is left");
}

struct payer {
	struct td *td;
	pthread_t thread;
	_Atomic int *paid;
};

/* Publishes until it is refused; each event says how many there are with it, if the handler let it. */
static void *pay(void *arg)
{
	struct payer *payer = arg;
	struct td_error err = TD_ERROR_INIT;
	int code;

	do {
		code = td_publish(payer->td, EVENT("Paid", "account"), NULL, &err);
		atomic_fetch_add(payer->paid, code == 0);
	} while (code == 0);
	assert_int_equal(code, TD_E_REFUSED);
	assert_non_null(strstr(err.text, "nothing is left"));
	return NULL;
}

static void however_many_pay_at_once_nobody_overdraws(void **state)
{
	struct stored *s = *state;
	struct account account = {.left = 60, .by_reading = true};
	struct td_interest interest = {.subject = "account", .inline_ = true};
	struct payer payers[8];
	_Atomic int paid = 0;

	OK(s, td_subscribe(s->td, &interest, pay_out, &account, NULL, &s->err));
	for (size_t i = 0; i < 8; i++) {
		payers[i] = (struct payer){.td = s->td, .paid = &paid};
		assert_int_equal(pthread_create(&payers[i].thread, NULL, pay, &payers[i]), 0);
	}
	for (size_t i = 0; i < 8; i++)
		pthread_join(payers[i].thread, NULL);
	assert_int_equal(paid, 60);
}

static void it_sees_what_comes_before_in_its_own_append(void **state)
{
	static const char *const says[] = {"1", "2", "3", "4", "5", "6"};
	struct stored *s = *state;
	struct account account = {.left = 5};
	struct td_interest interest = {.subject = "account", .inline_ = true};
	struct td_draft drafts[6];
	struct td_appending appendings[6];

	create_log(s, "accounts", "account");
	OK(s, td_subscribe(s->td, &interest, pay_out, &account, NULL, &s->err));
	for (size_t i = 0; i < 6; i++) {
		drafts[i] =
			(struct td_draft){.type = "Paid", .subject = "account", .json = says[i]};
		appendings[i] = (struct td_appending){.draft = &drafts[i]};
	}
	for (size_t by = 0; by < 2; by++) {
		account.by_reading = by == 1;
		account.log = "accounts";
		assert_int_equal(
			td_append(s->td, appendings, 6, NULL, NULL, &s->err), TD_E_REFUSED);
		account.log = "events"; /* which takes none of them */
		account.left = 1;
		OK(s, td_append(s->td, appendings, 2, NULL, NULL, &s->err));
		account.left = 5;
		account.log = "accounts";
		OK(s, td_append(s->td, appendings + 2, 3, NULL, NULL, &s->err));
		assert_int_equal(
			td_append(s->td, appendings + 5, 1, NULL, NULL, &s->err), TD_E_REFUSED);
		OK(s, td_remove(s->td, &(struct td_removing){.log = "accounts"}, NULL, &s->err));
	}
	assert_int_equal(account.asked, 2 * (6 + 2 + 3 + 1));
}

static int reads_latest_of_all(struct td *td, struct td_error *err)
{
	struct td_scope scope = {.latest = true};
	struct td_reading *reading;

	return td_read(&reading, td, &scope, err);
}

static void what_it_cannot_read_there_is_refused(void **state)
{
	struct stored *s = *state;
	struct judge j = {.tries = reads_latest_of_all};

	inline_handler(s, &j, "s");
	OK(s, td_publish(s->td, EVENT("T", "s"), NULL, &s->err));
	assert_int_equal(j.tried, TD_E_INLINE);
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
		on_file(however_many_pay_at_once_nobody_overdraws),
		on_file(it_sees_what_comes_before_in_its_own_append),
		on_file(what_it_cannot_read_there_is_refused),
		on_file(it_ends),
		{"on_mem_there_is_none", on_mem_there_is_none, setup_mem, teardown, NULL},
	};

	return cmocka_run_group_tests_name("client/inline", tests, NULL, NULL);
}
