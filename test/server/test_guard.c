/* Who comes in: pages, tokens, certificates, passwords; with a clock that the test moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "alloc.h"
#include "server/guard.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define SECOND      INT64_C(1000000000)

/* Of "letmein", cheap. */
#define HASH "$2b$05$abcdefghijklmnopqrstuuKwWV7ESJpzKzf9FQg57dBvMuv92X9HS"
#define ANN  "[user ann]\npassword = " HASH "\ncertificate = dns:ann.example.org\nread = >\n"

static void count_up(void *arg, void *bytes, size_t len)
{
	uint8_t *at = bytes;

	(void)arg;
	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)i;
}
static const struct td_random counted = {count_up, NULL};

static struct td_guard *guard_of(const char *users, const char *origins)
{
	struct td_guard *guard = NULL;
	struct td_users *made = NULL;

	assert_int_equal(td_guard_new(&guard, &counted, NULL), 0);
	if (users != NULL)
		assert_int_equal(td_users_new(&made, td_text(users), 1, NULL), 0);
	assert_int_equal(td_guard_set(guard, made, td_text(origins), NULL), 0);
	return guard;
}

/* --- pages -------------------------------------------------------------------------------- */

static void a_page_may_send_what_is_its_own_affair(void **state)
{
	static const struct {
		bool users;
		const char *host, *origin, *origins;
		bool may;
	} rows[] = {
		/* open: this machine, by either name */
		{false, "127.0.0.1:8222", NULL, "", true},
		{false, "localhost:8222", NULL, "", true},
		{false, "[::1]:8222", NULL, "", true},
		{false, NULL, NULL, "", true}, /* HTTP/1.0 */
		{false, "evil.example:8222", NULL, "", false},
		{false, "127.0.0.1.evil.example", NULL, "", false},
		{false, "10.0.0.1:8222", NULL, "", false},
		{false, "127.0.0.1:8222", "http://127.0.0.1:8222", "", true},
		{false, "127.0.0.1:8222", "http://localhost:3000", "", true},
		{false, "127.0.0.1:8222", "https://evil.example", "", false},
		{false, "127.0.0.1:8222", "null", "", false},
		{false, "127.0.0.1:8222", "", "", false},
		{false, "evil.example", "http://127.0.0.1:8222", "", false},
		{false, "127.0.0.1:8222", "https://shop.example", "https://shop.example", true},
		{false, "evil.example", "https://shop.example", "https://shop.example", false},
		/* with users any Host will do, and the origin is that host */
		{true, "events.example:8222", NULL, "", true},
		{true, "events.example:8222", "https://events.example:8222", "", true},
		{true, "Events.example", "https://events.example", "", true},
		{true, "events.example", "https://evil.example", "", false},
		{true, "events.example", "null", "", false},
		{true, NULL, "https://events.example", "", false},
		{true, "events.example", "https://shop.example",
			"https://a.example, https://shop.example", true},
		{true, "events.example", "http://shop.example", "https://shop.example", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct td_guard *guard = guard_of(rows[i].users ? "" : NULL, rows[i].origins);
		struct td_error err = TD_ERROR_INIT;
		int code =
			td_guard_page(guard, td_text(rows[i].host), td_text(rows[i].origin), &err);

		if (code != (rows[i].may ? 0 : TD_E_FORBIDDEN))
			fail_msg("row %zu: %d %s", i, code, err.text);
		td_guard_free(guard);
	}
	td_guard_free(NULL);
}

static void an_origin_that_is_none_changes_nothing(void **state)
{
	struct td_guard *guard = guard_of("", "https://a.example");
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	assert_int_equal(td_guard_set(guard, NULL, td_text("shop.example"), &err), TD_E_INVALID);
	assert_non_null(strstr(err.text, "`shop.example`"));
	assert_non_null(td_guard_users(guard));
	assert_int_equal(td_guard_page(guard, td_text("x"), td_text("https://a.example"), NULL), 0);
	td_guard_free(guard);
}

/* --- credentials -------------------------------------------------------------------------- */

/* "Basic " and the base64 of a pair. */
static struct td_text basic(const char *pair, struct td_buf *buf)
{
	td_buf_reset(buf);
	td_buf_add_string(buf, "Basic ");
	td_base64_encode(buf, td_text(pair));
	return td_buf_view(buf);
}

struct answer {
	enum td_guarded guarded;
	const struct td_identity *identity;
	struct td_check *check;
	bool fresh;
	struct td_error err;
};

static struct answer ask_from(struct td_guard *guard, struct td_text authorization,
	struct td_net_address peer, int64_t now)
{
	const struct td_ask ask = {.peer = peer, .authorization = authorization};
	struct answer answer = {.err = TD_ERROR_INIT};

	answer.guarded = td_guard_ask(
		guard, &ask, now, &answer.identity, &answer.check, &answer.fresh, &answer.err);
	return answer;
}

static const struct td_net_address far_away = {.family = 4, .bytes = {192, 0, 2, 1}};
static const struct td_net_address here = {.family = 4, .bytes = {127, 0, 0, 1}};

static int settle(struct td_guard *guard, struct td_check *check, int64_t now,
	const struct td_identity **identity)
{
	td_check_run(check);
	return td_guard_settle(guard, check, now, identity, NULL);
}

/* A password that is looked at: 0 or TD_E_STRANGER. */
static int try_password(
	struct td_guard *guard, const char *pair, struct td_net_address peer, int64_t now)
{
	struct td_buf buf = TD_BUF_INIT(2048);
	struct answer answer = ask_from(guard, basic(pair, &buf), peer, now);

	td_buf_fini(&buf);
	assert_int_equal(answer.guarded, TD_GUARD_CHECK);
	assert_true(answer.fresh);
	return settle(guard, answer.check, now, &answer.identity);
}

static void what_is_shown_decides_and_nothing_else_does(void **state)
{
	static const uint8_t random[32] = {9};
	char token[TD_TOKEN_BYTES], line[TD_TOKEN_LINE_BYTES], users[512], bearer[64];
	const struct {
		const char *authorization;
		enum td_guarded guarded;
		int code;
	} rows[] = {
		{NULL, TD_GUARD_REFUSED, TD_E_STRANGER},
		{bearer, TD_GUARD_KNOWN, 0},
		{"Bearer td_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA", TD_GUARD_REFUSED,
			TD_E_STRANGER},
		{"Bearer", TD_GUARD_REFUSED, TD_E_STRANGER},
		{"bearer x", TD_GUARD_REFUSED, TD_E_STRANGER},
		{"Digest x", TD_GUARD_REFUSED, TD_E_STRANGER},
		{"", TD_GUARD_REFUSED, TD_E_INVALID},
		{"Basic", TD_GUARD_REFUSED, TD_E_INVALID},
		{"Basic ###", TD_GUARD_REFUSED, TD_E_INVALID},
		{"Basic YW5u", TD_GUARD_REFUSED, TD_E_INVALID}, /* without a colon */
		{"Basic YW5uOmxldG1laW4=", TD_GUARD_CHECK, 0},
	};
	struct td_guard *guard;

	(void)state;
	assert_int_equal(td_token_make(random, token, line, NULL), 0);
	snprintf(users, sizeof(users), "%stoken = %s\n", ANN, line);
	snprintf(bearer, sizeof(bearer), "BEARER %s", token);
	guard = guard_of(users, "");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct answer answer =
			ask_from(guard, td_text(rows[i].authorization), far_away, SECOND);

		if (answer.guarded != rows[i].guarded || answer.err.code != rows[i].code)
			fail_msg("row %zu: %d %s", i, answer.guarded, answer.err.text);
		if (answer.guarded == TD_GUARD_KNOWN)
			assert_true(td_text_is(td_identity_name(answer.identity), "ann"));
		if (answer.guarded == TD_GUARD_CHECK)
			assert_int_equal(settle(guard, answer.check, SECOND, &answer.identity), 0);
	}
	td_guard_free(guard);

	guard = guard_of(NULL, "");
	assert_int_equal(ask_from(guard, td_text(NULL), here, SECOND).guarded, TD_GUARD_KNOWN);
	assert_null(ask_from(guard, td_text("Bearer x"), here, SECOND).identity);
	td_guard_free(guard);
}

static void a_certificate_counts_where_no_other_credentials_are_shown(void **state)
{
	static const struct td_text names[] = {
		TD_TEXT_INIT("dns:x"), TD_TEXT_INIT("dns:ann.example.org")};
	struct td_guard *guard = guard_of(ANN, "");
	struct td_ask ask = {.peer = far_away, .names = names, .names_count = 2};
	const struct td_identity *identity = NULL;
	struct td_check *check;
	bool fresh;
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	assert_int_equal(
		td_guard_ask(guard, &ask, SECOND, &identity, &check, &fresh, &err), TD_GUARD_KNOWN);
	assert_true(td_text_is(td_identity_name(identity), "ann"));
	ask.names_count = 1;
	assert_int_equal(td_guard_ask(guard, &ask, SECOND, &identity, &check, &fresh, &err),
		TD_GUARD_REFUSED);
	assert_int_equal(err.code, TD_E_STRANGER);
	ask.names_count = 2;
	ask.authorization = td_text("Bearer wrong");
	assert_int_equal(td_guard_ask(guard, &ask, SECOND, &identity, &check, &fresh, &err),
		TD_GUARD_REFUSED);
	td_guard_free(guard);
}

/* --- passwords ---------------------------------------------------------------------------- */

static void a_right_password_is_remembered_for_a_while(void **state)
{
	struct td_guard *guard = guard_of(ANN, "");
	struct td_buf buf = TD_BUF_INIT(2048);
	struct td_text right = basic("ann:letmein", &buf);
	struct answer one = ask_from(guard, right, far_away, SECOND), two;

	(void)state;
	assert_true(one.guarded == TD_GUARD_CHECK && one.fresh);
	assert_null(*td_check_waiters(one.check));
	/* Who asks meanwhile waits for the same. */
	two = ask_from(guard, right, here, SECOND);
	assert_true(two.guarded == TD_GUARD_CHECK && !two.fresh && two.check == one.check);
	assert_int_equal(settle(guard, one.check, SECOND, &one.identity), 0);
	assert_true(td_text_is(td_identity_name(one.identity), "ann"));

	assert_int_equal(ask_from(guard, right, far_away, SECOND).guarded, TD_GUARD_KNOWN);
	assert_int_equal(
		ask_from(guard, right, far_away, (TD_REMEMBERED_TIME + 1) * SECOND - 1).guarded,
		TD_GUARD_KNOWN);
	one = ask_from(guard, right, far_away, (TD_REMEMBERED_TIME + 1) * SECOND);
	assert_true(one.guarded == TD_GUARD_CHECK && one.fresh);
	settle(guard, one.check, SECOND, &one.identity);

	assert_int_equal(try_password(guard, "ann:letmeim", far_away, SECOND), TD_E_STRANGER);
	assert_int_equal(try_password(guard, "bob:letmein", far_away, SECOND), TD_E_STRANGER);
	assert_int_equal(try_password(guard, "ann:", far_away, SECOND), TD_E_STRANGER);
	/* Wrong ones are not remembered: they are looked at again. */
	assert_int_equal(try_password(guard, "ann:letmeim", far_away, SECOND), TD_E_STRANGER);
	td_buf_fini(&buf);
	td_guard_free(guard);
}

static void other_users_forget_what_was_remembered(void **state)
{
	struct td_guard *guard = guard_of(ANN, "");
	struct td_buf buf = TD_BUF_INIT(2048);
	struct td_users *users;
	struct answer answer;

	(void)state;
	assert_int_equal(try_password(guard, "ann:letmein", far_away, SECOND), 0);
	/* One that is out meanwhile is settled by the new ones. */
	answer = ask_from(guard, basic("ann:letmei", &buf), far_away, SECOND);
	assert_int_equal(td_users_new(&users, td_text("[user bob]\n"), 1, NULL), 0);
	assert_int_equal(td_guard_set(guard, users, td_text(""), NULL), 0);
	assert_int_equal(settle(guard, answer.check, SECOND, &answer.identity), TD_E_STRANGER);
	assert_int_equal(try_password(guard, "ann:letmein", far_away, SECOND), TD_E_STRANGER);

	assert_int_equal(td_users_new(&users, td_text(ANN), 1, NULL), 0);
	assert_int_equal(td_guard_set(guard, users, td_text(""), NULL), 0);
	answer = ask_from(guard, basic("ann:letmein", &buf), far_away, SECOND);
	assert_int_equal(answer.guarded, TD_GUARD_CHECK);
	assert_int_equal(td_users_new(&users, td_text(ANN "publish = >\n"), 1, NULL), 0);
	assert_int_equal(td_guard_set(guard, users, td_text(""), NULL), 0);
	assert_int_equal(settle(guard, answer.check, SECOND, &answer.identity), 0);
	assert_true(td_identity_may(answer.identity, TD_MAY_PUBLISH, td_text("a")));
	td_buf_fini(&buf);
	td_guard_free(guard);
}

static void wrong_passwords_are_not_looked_at_beyond_a_rate(void **state)
{
	struct td_guard *guard = guard_of(ANN, "");
	struct td_buf buf = TD_BUF_INIT(2048);
	struct td_net_address peer = far_away;
	struct answer answer;
	char pair[32];

	(void)state;
	for (unsigned i = 0; i < TD_WRONG_SOURCE; i++) {
		snprintf(pair, sizeof(pair), "user%u:x", i);
		assert_int_equal(try_password(guard, pair, peer, SECOND), TD_E_STRANGER);
	}
	answer = ask_from(guard, basic("ann:letmein", &buf), peer, SECOND);
	assert_true(answer.guarded == TD_GUARD_REFUSED && answer.err.code == TD_E_LIMIT);
	/* Others are let in, and all of this machine, behind a proxy perhaps. */
	peer.bytes[3] = 2;
	assert_int_equal(try_password(guard, "ann:letmein", peer, SECOND), 0);
	for (unsigned i = 0; i < 2 * TD_WRONG_SOURCE; i++) {
		snprintf(pair, sizeof(pair), "user%u:x", i);
		assert_int_equal(try_password(guard, pair, here, SECOND), TD_E_STRANGER);
	}
	/* What was right lately needs no look. */
	assert_int_equal(ask_from(guard, basic("ann:letmein", &buf), far_away, SECOND).guarded,
		TD_GUARD_KNOWN);
	/* One more in a while. */
	assert_int_equal(
		try_password(guard, "z:x", far_away, SECOND + TD_WRONG_SOURCE_MS * 1000000),
		TD_E_STRANGER);
	td_buf_fini(&buf);
	td_guard_free(guard);
}

static void a_name_is_guessed_at_no_faster_from_many_addresses(void **state)
{
	struct td_guard *guard = guard_of(ANN, "");
	struct td_net_address peer = far_away;
	struct td_buf buf = TD_BUF_INIT(2048);
	struct answer answer;
	char pair[32];

	(void)state;
	for (unsigned i = 0; i < TD_WRONG_NAME; i++) {
		peer.bytes[2] = (uint8_t)i;
		snprintf(pair, sizeof(pair), "ann:%u", i);
		assert_int_equal(try_password(guard, pair, peer, SECOND), TD_E_STRANGER);
	}
	peer.bytes[2] = 200;
	answer = ask_from(guard, basic("ann:letmein", &buf), peer, SECOND);
	assert_true(answer.guarded == TD_GUARD_REFUSED && answer.err.code == TD_E_LIMIT);
	assert_int_equal(try_password(guard, "bob:x", peer, SECOND), TD_E_STRANGER);
	td_buf_fini(&buf);
	td_guard_free(guard);
}

static void so_many_are_looked_at_at_once(void **state)
{
	struct td_guard *guard = guard_of(ANN, "");
	struct td_buf buf = TD_BUF_INIT(2048);
	struct answer answers[TD_CHECKS_MAX], one;
	char pair[32];

	(void)state;
	for (unsigned i = 0; i < TD_CHECKS_MAX; i++) {
		snprintf(pair, sizeof(pair), "user%u:x", i);
		answers[i] = ask_from(guard, basic(pair, &buf), here, SECOND);
		assert_true(answers[i].guarded == TD_GUARD_CHECK && answers[i].fresh);
	}
	one = ask_from(guard, basic("ann:letmein", &buf), here, SECOND);
	assert_true(one.guarded == TD_GUARD_REFUSED && one.err.code == TD_E_FULL);
	for (unsigned i = 0; i < TD_CHECKS_MAX; i++)
		settle(guard, answers[i].check, SECOND, &answers[i].identity);
	assert_int_equal(try_password(guard, "ann:letmein", here, SECOND), 0);
	td_buf_fini(&buf);
	td_guard_free(guard);
}

/* --- memory ------------------------------------------------------------------------------- */

static int come_in(void *arg)
{
	const struct td_ask ask = {.peer = here, .authorization = td_text(arg)};
	const struct td_identity *identity;
	struct td_users *users = NULL;
	struct td_guard *guard = NULL;
	struct td_check *check;
	struct td_error err = TD_ERROR_INIT;
	bool fresh;
	int code = td_guard_new(&guard, &counted, &err);

	if (code == 0)
		code = td_users_new(&users, td_text(ANN), 1, &err);
	if (code == 0) {
		code = td_guard_set(guard, users, td_text("https://a.example"), &err);
		if (code != 0)
			td_users_unref(users);
	}
	if (code == 0 && td_guard_ask(guard, &ask, SECOND, &identity, &check, &fresh, &err) ==
				 TD_GUARD_CHECK)
		code = settle(guard, check, SECOND, &identity);
	else if (code == 0)
		code = err.code;
	td_guard_free(guard);
	return code;
}

static void memory_that_runs_out_lets_nobody_in_and_leaves_nothing(void **state)
{
	(void)state;
	assert_true(alloc_torture(come_in, (void *)(uintptr_t) "Basic YW5uOmxldG1laW4=") > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_may_send_what_is_its_own_affair),
		cmocka_unit_test(an_origin_that_is_none_changes_nothing),
		cmocka_unit_test(what_is_shown_decides_and_nothing_else_does),
		cmocka_unit_test(a_certificate_counts_where_no_other_credentials_are_shown),
		cmocka_unit_test(a_right_password_is_remembered_for_a_while),
		cmocka_unit_test(other_users_forget_what_was_remembered),
		cmocka_unit_test(wrong_passwords_are_not_looked_at_beyond_a_rate),
		cmocka_unit_test(a_name_is_guessed_at_no_faster_from_many_addresses),
		cmocka_unit_test(so_many_are_looked_at_at_once),
		cmocka_unit_test(memory_that_runs_out_lets_nobody_in_and_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
