/* Users: the file, by tables of what is read and refused; who is known; who may what; edits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "alloc.h"
#include "match/match.h"
#include "server/users.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* Of "letmein"; bcrypt of the lowest cost that is held to be safe, to be quick. */
#define HASH "$2b$05$abcdefghijklmnopqrstuuKwWV7ESJpzKzf9FQg57dBvMuv92X9HS"

static const uint8_t random_bytes[32] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17,
	18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32};

static struct td_users *users_of(const char *text)
{
	struct td_error err = TD_ERROR_INIT;
	struct td_users *users = NULL;

	if (td_users_new(&users, td_text(text), 42, &err) != 0)
		fail_msg("%s", err.text);
	return users;
}

/* --- the file ----------------------------------------------------------------------------- */

static void what_is_wrong_refuses_the_file_and_tells_no_secret(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *error;
	} rows[] = {
		{"read = >", TD_E_INVALID, "line 1: expected `[user NAME]` first"},
		{"[users a]", TD_E_INVALID, "line 1: expected `[user NAME]`"},
		{"[user]", TD_E_INVALID, "line 1: expected `[user NAME]`"},
		{"[user a b]", TD_E_INVALID, "line 1: expected `[user NAME]`"},
		{"[user a:b]", TD_E_INVALID, "line 1: expected `[user NAME]`"},
		{"[user a]\n[user a]", TD_E_EXISTS, "line 2: a user of that name is there already"},
		{"[user a]\npasswort = x", TD_E_INVALID,
			"line 2: `passwort`: a user has no such key; did you mean `password`?"},
		{"[user a]\nsomething = x", TD_E_INVALID,
			"line 2: `something`: a user has no such key"},
		{"[user a]\npassword = letmein", TD_E_INVALID, "line 2: password: not a hash"},
		{"[user a]\npassword =", TD_E_INVALID, "line 2: password: not a hash"},
		{"[user a]\npassword = *", TD_E_INVALID, "line 2: password: not a hash"},
		{"[user a]\npassword = !", TD_E_INVALID, "line 2: password: not a hash"},
		/* DES and MD5, which anybody can guess */
		{"[user a]\npassword = abJnggxhB/yWI", TD_E_INVALID,
			"line 2: password: not a hash"},
		{"[user a]\npassword = $1$abcdefgh$TDIYwQ4fKzj3Y0vdnAPrP/", TD_E_INVALID,
			"line 2: password: not a hash"},
		{"[user a]\npassword = " HASH "\npassword = " HASH, TD_E_INVALID,
			"line 3: password: it is there already"},
		{"[user a]\ntoken = td_secret", TD_E_INVALID, "line 2: token: expected `sha256:`"},
		{"[user a]\ntoken = sha256:00", TD_E_INVALID, "line 2: token: expected `sha256:`"},
		{"[user a]\ncertificate = shop.example.org", TD_E_INVALID,
			"line 2: certificate: expected `dns:`"},
		{"[user a]\ncertificate = dns:*.example.org", TD_E_INVALID,
			"line 2: certificate: expected `dns:`"},
		{"[user a]\ncertificate = dns:x\n[user b]\ncertificate = dns:x", TD_E_EXISTS,
			"line 4: certificate: it is there already"},
		{"[user a]\nread = ", TD_E_INVALID, "line 2: expected patterns of subjects"},
		{"[user a]\nread = a..b", TD_E_SUBJECT, "line 2: read: "},
		{"[user a]\nread = >.a", TD_E_SUBJECT, "line 2: read: "},
		{"[user a", TD_E_INVALID, "line 1: `[` without `]` at its end"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct td_error err = TD_ERROR_INIT;
		struct td_users *users = NULL;

		assert_int_equal(
			td_users_new(&users, td_text(rows[i].text), 1, &err), rows[i].code);
		assert_null(users);
		if (strncmp(err.text, rows[i].error, strlen(rows[i].error)) != 0)
			fail_msg("%s: %s", rows[i].text, err.text);
		assert_null(strstr(err.text, "letmein"));
		assert_null(strstr(err.text, "td_secret"));
	}
}

static void what_a_file_says_of_each_is_told(void **state)
{
	struct td_users *users =
		users_of("# people\n"
			 "[user ann]\npassword = " HASH "\nread = >, $monitor\n\n"
			 "[user shop]\ncertificate = dns:shop.example.org\n"
			 "publish = order.> invoice.*\nnot-publish = order.secret\n");
	struct td_user_about about;

	(void)state;
	assert_int_equal(td_users_count(users), 2);
	about = td_users_about(users, 0);
	assert_true(td_text_is(about.name, "ann") && about.password && about.line == 2);
	assert_true(about.patterns == 2 && about.tokens == 0 && about.certificates == 0);
	about = td_users_about(users, 1);
	assert_true(td_text_is(about.name, "shop") && !about.password && about.line == 6);
	assert_true(about.patterns == 3 && about.certificates == 1);
	td_users_unref(users);
	td_users_unref(NULL);
}

/* --- who is it ---------------------------------------------------------------------------- */

static void a_token_is_known_by_its_digest_alone(void **state)
{
	char token[TD_TOKEN_BYTES], line[TD_TOKEN_LINE_BYTES], text[256];
	struct td_users *users;
	struct td_text name;

	(void)state;
	assert_int_equal(td_token_make(random_bytes, token, line, NULL), 0);
	assert_int_equal(strlen(token), TD_TOKEN_BYTES - 1);
	assert_string_equal(token, "td_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA");
	snprintf(text, sizeof(text), "[user a]\n[user b]\ntoken = %s laptop\n", line);
	assert_null(strstr(text, token));
	users = users_of(text);
	name = td_identity_name(td_users_by_token(users, td_text(token)));
	assert_true(td_text_is(name, "b"));
	token[10] ^= 1;
	assert_null(td_users_by_token(users, td_text(token)));
	assert_null(td_users_by_token(users, td_text(line)));
	assert_null(td_users_by_token(users, td_text("")));
	td_users_unref(users);
}

static void a_certificate_is_known_by_its_exact_name(void **state)
{
	struct td_users *users = users_of("[user a]\ncertificate = dns:a.example.org\n"
					  "certificate = uri:spiffe://example/a\n");

	(void)state;
	assert_non_null(td_users_by_certificate(users, td_text("dns:a.example.org")));
	assert_non_null(td_users_by_certificate(users, td_text("uri:spiffe://example/a")));
	assert_null(td_users_by_certificate(users, td_text("dns:A.example.org")));
	assert_null(td_users_by_certificate(users, td_text("email:a.example.org")));
	assert_null(td_users_by_certificate(users, td_text("dns:a.example.org.")));
	td_users_unref(users);
}

static void who_is_not_there_has_a_hash_that_takes_as_long(void **state)
{
	struct td_users *users = users_of("[user a]\npassword = " HASH "\n[user b]\n");
	const char *hash, *other;

	(void)state;
	assert_non_null(td_users_by_name(users, td_text("a"), &hash));
	assert_string_equal(hash, HASH);
	assert_null(td_users_by_name(users, td_text("b"), &other));
	assert_string_equal(other, HASH);
	assert_null(td_users_by_name(users, td_text("nobody"), &other));
	assert_string_equal(other, HASH);
	td_users_unref(users);

	users = users_of("");
	assert_null(td_users_by_name(users, td_text("a"), &hash));
	assert_int_equal(td_password_check(td_text("x"), hash), TD_E_STRANGER);
	td_users_unref(users);
}

static void a_password_fits_the_hash_that_was_made_of_it(void **state)
{
	char hash[TD_PASSWORD_HASH_BYTES], text[512];
	struct td_users *users;

	(void)state;
	assert_int_equal(td_password_hash(td_text("sesame"), random_bytes, hash, NULL), 0);
	assert_memory_equal(hash, "$y$", 3);
	assert_int_equal(td_password_check(td_text("sesame"), hash), 0);
	assert_int_equal(td_password_check(td_text("Sesame"), hash), TD_E_STRANGER);
	assert_int_equal(td_password_check(td_text(""), hash), TD_E_STRANGER);
	assert_int_equal(td_password_check(td_text_of("sesame\0x", 8), hash), TD_E_STRANGER);
	assert_int_equal(td_password_check(td_text("-"), "*0"), TD_E_STRANGER);
	assert_int_equal(td_password_check(td_text("letmein"), HASH), 0);
	snprintf(text, sizeof(text), "[user a]\npassword = %s", hash);
	users = users_of(text);
	td_users_unref(users);

	assert_int_equal(td_password_hash(td_text(""), random_bytes, hash, NULL), TD_E_INVALID);
	assert_int_equal(
		td_password_hash(td_text_of("a\0b", 3), random_bytes, hash, NULL), TD_E_INVALID);
}

/* --- what may it -------------------------------------------------------------------------- */

static const struct td_identity *identity_of(const char *rules, struct td_users **users)
{
	char text[1024];

	snprintf(text, sizeof(text), "[user a]\ncertificate = dns:a\n%s\n", rules);
	*users = users_of(text);
	return td_users_by_certificate(*users, td_text("dns:a"));
}

static void what_is_not_allowed_is_not_and_denying_beats_allowing(void **state)
{
	static const struct {
		const char *rules;
		enum td_permission permission;
		const char *address;
		bool may;
	} rows[] = {
		{"", TD_MAY_READ, "a", false},
		{"read = order.>", TD_MAY_READ, "order.42", true},
		{"read = order.>", TD_MAY_READ, "order", false},
		{"read = order.>", TD_MAY_READ, "orders.42", false},
		{"read = order.>", TD_MAY_PUBLISH, "order.42", false},
		{"read = order.>", TD_MAY_MANAGE, "order.42", false},
		{"publish = order.* order.*.paid", TD_MAY_PUBLISH, "order.42.paid", true},
		{"publish = order.* order.*.paid", TD_MAY_PUBLISH, "order.42.sent", false},
		{"read = >\nnot-read = order.*.person", TD_MAY_READ, "order.42.person", false},
		{"read = >\nnot-read = order.*.person", TD_MAY_READ, "order.42", true},
		{"not-read = order.>\nread = order.42", TD_MAY_READ, "order.42", false},
		{"read = >", TD_MAY_READ, "$monitor", false},
		{"read = *", TD_MAY_READ, "$monitor", false},
		{"read = *.>", TD_MAY_READ, "$cmd.ShipOrder.order.1", false},
		{"read = > $monitor", TD_MAY_READ, "$monitor", true},
		{"read = $cmd.>", TD_MAY_READ, "$cmd.ShipOrder.order.1", true},
		{"read = $cmd.>\nnot-read = >", TD_MAY_READ, "$cmd.ShipOrder.order.1", false},
		{"manage = >", TD_MAY_MANAGE, "order.42", true},
		{"", TD_MAY_ANYBODY, "a", true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct td_users *users;
		const struct td_identity *identity = identity_of(rows[i].rules, &users);

		if (td_identity_may(identity, rows[i].permission, td_text(rows[i].address)) !=
			rows[i].may)
			fail_msg("row %zu: %s", i, rows[i].rules);
		td_users_unref(users);
	}
	assert_true(td_identity_may(NULL, TD_MAY_MANAGE, td_text("$tidings")));
	assert_true(td_identity_may_all(NULL, TD_MAY_MANAGE, td_text(">")));
	assert_true(td_identity_may_some(NULL, TD_MAY_MANAGE));
	assert_null(td_identity_name(NULL).at);
}

static void may_all_never_says_more_than_may(void **state)
{
	static const struct {
		const char *rules, *pattern;
		bool may;
	} rows[] = {
		{"read = order.>", "order.>", true},
		{"read = order.>", "order.42", true},
		{"read = order.>", "order.*.paid", true},
		{"read = order.>", ">", false},
		{"read = order.*", "order.>", false},
		{"read = >", "order.>", true},
		{"read = >", ">", false}, /* "$..." is among those */
		{"read = >", "$cmd.>", false},
		{"read = > $cmd.>", "$cmd.>", true},
		{"read = >\nnot-read = order.*.person", "order.>", false},
		{"read = >\nnot-read = order.*.person", "invoice.>", true},
		{"read = >\nnot-publish = order.>", "order.>", true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct td_users *users;
		const struct td_identity *identity = identity_of(rows[i].rules, &users);

		if (td_identity_may_all(identity, TD_MAY_READ, td_text(rows[i].pattern)) !=
			rows[i].may)
			fail_msg("row %zu: %s", i, rows[i].rules);
		assert_true(td_identity_may_some(identity, TD_MAY_READ));
		assert_false(td_identity_may_some(identity, TD_MAY_MANAGE));
		td_users_unref(users);
	}
}

static void everything_is_all_but_the_system_and_nothing_less(void **state)
{
	static const struct {
		const char *rules;
		bool may;
	} rows[] = {
		{"read = >", true},
		{"read = order.> >", true},
		{"read = > $cmd.>", true},
		{"read = >\nnot-publish = order.>", true},
		{"read = order.>", false},
		{"read = *.>", false},
		{"read = *", false},
		{"publish = >", false},
		{"read = >\nnot-read = order.*.person", false},
		{"read = >\nnot-read = $cmd.>", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct td_users *users;
		const struct td_identity *identity = identity_of(rows[i].rules, &users);

		if (td_identity_may_everything(identity, TD_MAY_READ) != rows[i].may)
			fail_msg("row %zu: %s", i, rows[i].rules);
		td_users_unref(users);
	}
	assert_true(td_identity_may_everything(NULL, TD_MAY_READ));
}

/* The trie against the naive matcher: rules and addresses of few tokens, all of them. */
static void a_decision_is_the_naive_one(void **state)
{
	static const char *const tokens[] = {"a", "b", "*", ">", "$s"};
	char address[64];
	struct td_users *users;
	const struct td_identity *identity;
	size_t seen = 0;

	(void)state;
	identity = identity_of("read = a.> *.b $s.a\nnot-read = a.b *.b.b", &users);
	for (size_t n = 0; n < 5 * 5 * 5; n++) {
		bool wanted, system, allowed, denied;

		snprintf(address, sizeof(address), "%s.%s.%s", tokens[n % 5], tokens[n / 5 % 5],
			tokens[n / 25]);
		for (int cut = 3; cut > 0; cut--) {
			struct td_text a = td_text(address);

			system = address[0] == '$';
			allowed = td_pattern_matches(td_text("a.>"), a) ||
				  (td_pattern_matches(td_text("*.b"), a) && !system) ||
				  td_pattern_matches(td_text("$s.a"), a);
			denied = td_pattern_matches(td_text("a.b"), a) ||
				 td_pattern_matches(td_text("*.b.b"), a);
			wanted = allowed && !denied;
			assert_int_equal(td_identity_may(identity, TD_MAY_READ, a), wanted);
			seen += wanted;
			if (cut > 1)
				*strrchr(address, '.') = '\0';
		}
	}
	assert_true(seen > 10);
	td_users_unref(users);
}

/* --- another file ------------------------------------------------------------------------- */

static void an_identity_is_renewed_only_by_the_same_credential(void **state)
{
	static const struct {
		const char *text;
		bool stands, may;
	} rows[] = {
		{"[user a]\ncertificate = dns:a\nread = order.>", true, true},
		{"[user z]\n[user a]\nread = >\ncertificate = dns:a", true, true},
		{"[user a]\ncertificate = dns:a", true, false}, /* known, and may no more */
		{"[user a]\nread = >", false, false},
		{"[user b]\ncertificate = dns:a\nread = >", false, false}, /* another's now */
		{"", false, false},
	};
	struct td_users *users;
	const struct td_identity *was = identity_of("read = order.>", &users), *now;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct td_users *others = users_of(rows[i].text);

		now = td_users_renew(others, was);
		assert_int_equal(now != NULL, rows[i].stands);
		if (now != NULL) {
			assert_true(td_text_is(td_identity_name(now), "a"));
			assert_int_equal(
				td_identity_may(now, TD_MAY_READ, td_text("order.1")), rows[i].may);
		}
		td_users_unref(others);
	}
	assert_ptr_equal(td_users_renew(users, td_users_nobody(users)), td_users_nobody(users));
	assert_false(td_identity_may(td_users_nobody(users), TD_MAY_READ, td_text("order.1")));
	assert_false(td_identity_may_some(td_users_nobody(users), TD_MAY_READ));
	assert_null(td_identity_name(td_users_nobody(users)).at);
	/* Who holds an identity holds its users. */
	td_identity_ref(was);
	td_users_unref(users);
	assert_true(td_identity_may(was, TD_MAY_READ, td_text("order.1")));
	td_identity_unref(was);
	td_identity_unref(NULL);
}

/* --- edits -------------------------------------------------------------------------------- */

static const char some[] = "# top\n"
			   "[user a]\n"
			   "# of a\n"
			   "read = a.>, b.>\n"
			   "publish = a.>\n"
			   "\n"
			   "[user b]\n"
			   "read = >";

static void an_edit_changes_what_was_asked_and_nothing_else(void **state)
{
	static const struct {
		enum td_users_change change;
		const char *name, *key, *value;
		int code;
		const char *made; /* NULL: nothing was */
	} rows[] = {
		{TD_USERS_ADD, "c", "", "", 0,
			"# top\n[user a]\n# of a\nread = a.>, b.>\npublish = a.>\n\n[user b]\nread "
			"= "
			">\n\n[user c]\n"},
		{TD_USERS_ADD, "a", "", "", TD_E_EXISTS, NULL},
		{TD_USERS_ADD, "a b", "", "", TD_E_INVALID, NULL},
		{TD_USERS_ADD, "x]\nread = >\n[user y", "", "", TD_E_INVALID, NULL},
		{TD_USERS_REMOVE, "a", "", "", 0, "# top\n[user b]\nread = >"},
		{TD_USERS_REMOVE, "b", "", "", 0,
			"# top\n[user a]\n# of a\nread = a.>, b.>\npublish = a.>\n\n"},
		{TD_USERS_REMOVE, "c", "", "", TD_E_NOT_FOUND, NULL},
		{TD_USERS_SET, "b", "password", HASH, 0,
			"# top\n[user a]\n# of a\nread = a.>, b.>\npublish = a.>\n\n[user b]\n"
			"password = " HASH "\nread = >"},
		{TD_USERS_SET, "a", "publish", "c", 0,
			"# top\n[user a]\npublish = c\n# of a\nread = a.>, b.>\n\n[user b]\nread = "
			">"},
		{TD_USERS_SET, "a", "password", "plain", TD_E_INVALID, NULL},
		{TD_USERS_PUT, "a", "read", "c", 0,
			"# top\n[user a]\nread = c\n# of a\nread = a.>, b.>\npublish = "
			"a.>\n\n[user "
			"b]\nread = >"},
		{TD_USERS_PUT, "b", "read", "x\nmanage = >", TD_E_INVALID, NULL},
		{TD_USERS_DROP, "a", "read", "b.>", 0,
			"# top\n[user a]\n# of a\npublish = a.>\n\n[user b]\nread = >"},
		{TD_USERS_DROP, "a", "read", ">", TD_E_NOT_FOUND, NULL},
		{TD_USERS_DROP, "b", "read", ">", 0,
			"# top\n[user a]\n# of a\nread = a.>, b.>\npublish = a.>\n\n[user b]\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct td_buf out = TD_BUF_INIT(65536);
		struct td_error err = TD_ERROR_INIT;
		int code = td_users_edit(td_text(some), rows[i].change, td_text(rows[i].name),
			td_text(rows[i].key), td_text(rows[i].value), &out, &err);

		if (code != rows[i].code)
			fail_msg("row %zu: %d %s", i, code, err.text);
		if (rows[i].made != NULL) {
			td_buf_add_char(&out, '\0');
			assert_string_equal(out.at, rows[i].made);
		} else {
			assert_int_equal(out.len, 0);
		}
		td_buf_fini(&out);
	}
}

static void a_first_user_makes_a_file_of_nothing(void **state)
{
	struct td_buf out = TD_BUF_INIT(65536);

	(void)state;
	assert_int_equal(td_users_edit(td_text(NULL), TD_USERS_ADD, td_text("a"), td_text(""),
				 td_text(""), &out, NULL),
		0);
	assert_true(td_text_is(td_buf_view(&out), "[user a]\n"));
	td_buf_fini(&out);
}

static int read_some(void *arg)
{
	struct td_error err = TD_ERROR_INIT;
	struct td_users *users;
	int code = td_users_new(&users,
		td_text("[user a]\npassword = " HASH
			"\ntoken = sha256:000102030405060708090a0b0c0d0e0f"
			"101112131415161718191a1b1c1d1e1f\ncertificate = dns:a\nread = > a.b\n"),
		1, &err);

	(void)arg;
	if (code == 0)
		td_users_unref(users);
	return code;
}

static void memory_that_runs_out_leaves_nothing_behind(void **state)
{
	(void)state;
	assert_true(alloc_torture(read_some, NULL) > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_refuses_the_file_and_tells_no_secret),
		cmocka_unit_test(what_a_file_says_of_each_is_told),
		cmocka_unit_test(a_token_is_known_by_its_digest_alone),
		cmocka_unit_test(a_certificate_is_known_by_its_exact_name),
		cmocka_unit_test(who_is_not_there_has_a_hash_that_takes_as_long),
		cmocka_unit_test(a_password_fits_the_hash_that_was_made_of_it),
		cmocka_unit_test(what_is_not_allowed_is_not_and_denying_beats_allowing),
		cmocka_unit_test(may_all_never_says_more_than_may),
		cmocka_unit_test(everything_is_all_but_the_system_and_nothing_less),
		cmocka_unit_test(a_decision_is_the_naive_one),
		cmocka_unit_test(an_identity_is_renewed_only_by_the_same_credential),
		cmocka_unit_test(an_edit_changes_what_was_asked_and_nothing_else),
		cmocka_unit_test(a_first_user_makes_a_file_of_nothing),
		cmocka_unit_test(memory_that_runs_out_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
