#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "event/event.h"
#include "event/percent.h"

static const struct {
	const char *subject, *address;
} pairs[] = {
	{"order.42", "order.42"},
	{"order", "order"},
	{"$weird.sub_ject-1", "$weird.sub_ject-1"},
	{"größe.☃", "größe.☃"},
	{"two words", "two%20words"},
	{"100%", "100%25"},
	{"%41", "%2541"},
	{"a.*.b", "a.%2A.b"},
	{"a*b", "a%2Ab"},
	{"a.>", "a.%3E"},
	{"x>y", "x%3Ey"},
	{"tab\tdel\x7F", "tab%09del%7F"},
	{".", "%2E"},
	{"..", "%2E%2E"},
	{"...", "%2E.%2E"},
	{".a", "%2Ea"},
	{"a.", "a%2E"},
	{"a..b", "a.%2Eb"},
	{"a...b", "a.%2E.b"},
	{"a..", "a.%2E"},
	{" .", "%20%2E"},
	{"\x01", "%01"},
};

static void subject_has_its_address_and_comes_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char out[TD_ADDRESS_BYTES_MAX];
		struct td_text address, subject = td_text(pairs[i].subject);
		struct td_buf back = TD_BUF_INIT(TD_ADDRESS_BYTES_MAX);

		assert_int_equal(td_address_encode(subject, out, &address, NULL), 0);
		if (!td_text_is(address, pairs[i].address))
			fail_msg("%s: %.*s", pairs[i].subject, TD_TEXT_ARG(address));
		assert_true((address.at == subject.at) == (address.len == subject.len));
		assert_int_equal(td_address_check(address, NULL), 0);
		td_address_decode(address, &back);
		assert_true(td_text_equal(td_buf_view(&back), subject));
		assert_true(td_address_is_of(address, subject));
		td_buf_fini(&back);
	}
}

/* All texts of up to six of these, which are all that the rules tell apart. */
static void every_short_subject_comes_back_and_is_a_valid_address(void **state)
{
	static const char letters[] = {'a', '.', '%', '*', ' ', '2', 'E'};
	char text[6];
	size_t tried = 0;

	(void)state;
	for (size_t len = 1; len <= sizeof(text); len++) {
		size_t all = 1;

		for (size_t i = 0; i < len; i++)
			all *= sizeof(letters);
		for (size_t n = 0; n < all; n++, tried++) {
			char out[TD_ADDRESS_BYTES_MAX], room[TD_ADDRESS_BYTES_MAX];
			struct td_text address, subject = {text, len};

			for (size_t i = 0, rest = n; i < len; i++, rest /= sizeof(letters))
				text[i] = letters[rest % sizeof(letters)];
			assert_int_equal(td_address_encode(subject, out, &address, NULL), 0);
			assert_int_equal(td_address_check(address, NULL), 0);
			assert_true(td_address_is_of(address, subject));
			assert_true(td_text_equal(td_address_view(address, room), subject));
		}
	}
	assert_int_equal(tried, 137256);
}

static void different_subjects_have_different_addresses(void **state)
{
	(void)state;
	assert_false(td_address_is_of(td_text("a%20b"), td_text("a%20b")));
	assert_false(td_address_is_of(td_text("a"), td_text("ab")));
	assert_false(td_address_is_of(td_text("ab"), td_text("a")));
	assert_false(td_address_is_of(td_text("ab"), td_text("ac")));
	assert_true(td_address_is_of(td_text("a%62"), td_text("ab")));
}

static void address_of_1024_bytes_is_the_longest(void **state)
{
	char text[1025], out[TD_ADDRESS_BYTES_MAX];
	struct td_text address;
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(td_address_encode(td_text_of(text, 1024), out, &address, &err), 0);
	assert_int_equal(
		td_address_encode(td_text_of(text, 1025), out, &address, &err), TD_E_SUBJECT);
	text[0] = '%';
	assert_int_equal(td_address_encode(td_text_of(text, 1022), out, &address, &err), 0);
	assert_int_equal(address.len, 1024);
	assert_int_equal(
		td_address_encode(td_text_of(text, 1023), out, &address, &err), TD_E_SUBJECT);
	text[0] = 'x';
	text[1021] = '%';
	assert_int_equal(td_address_encode(td_text_of(text, 1022), out, &address, &err), 0);
	assert_int_equal(
		td_address_encode(td_text_of(text, 1023), out, &address, &err), TD_E_SUBJECT);
	assert_string_equal(err.text, "longer than 1024 bytes when written as an address");
	assert_int_equal(td_address_encode(td_text(""), out, &address, &err), TD_E_SUBJECT);
	assert_string_equal(err.text, "empty");
}

static void percent_that_encodes_nothing_stands_for_itself(void **state)
{
	static const char *const texts[] = {"%", "%4", "%g0", "%0g", "a%", "%%", "%%%"};
	struct td_buf buf = TD_BUF_INIT(100);

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		td_buf_reset(&buf);
		td_address_decode(td_text(texts[i]), &buf);
		assert_string_equal(buf.at, texts[i]);
	}
	td_buf_reset(&buf);
	td_address_decode(td_text("%%41%2e%2E"), &buf);
	assert_string_equal(buf.at, "%A..");
	td_buf_fini(&buf);
}

static const struct {
	const char *text;
	bool address, pattern;
	const char *what; /* as a pattern, else as an address */
	size_t offset;
} checks[] = {
	{"a.b", true, true, NULL, 0},
	{"a*.b>", true, true, NULL, 0},
	{"*", false, true, "a wildcard", 0},
	{">", false, true, "a wildcard", 0},
	{"a.*.c.>", false, true, "a wildcard", 2},
	{"a.>.c", false, false, "\">\" stands before the end", 2},
	{"", false, false, "an empty token", 0},
	{".", false, false, "an empty token", 0},
	{"a.", false, false, "an empty token", 2},
	{"a..b", false, false, "an empty token", 2},
	{"a.b c", false, false, "a blank or control character", 2},
	{"a\tb", false, false, "a blank or control character", 0},
	{"a\x7F", false, false, "a blank or control character", 0},
	{"gr\xC3\xB6\xC3\x9F"
	 "e",
		true, true, NULL, 0},
};

static void address_and_pattern_are_told_from_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		struct td_text text = td_text(checks[i].text);
		struct td_error err = TD_ERROR_INIT;
		int address = td_address_check(text, &err);
		int pattern = td_pattern_check(text, checks[i].pattern ? NULL : &err);

		assert_int_equal(address, checks[i].address ? 0 : TD_E_SUBJECT);
		assert_int_equal(pattern, checks[i].pattern ? 0 : TD_E_SUBJECT);
		if (checks[i].what != NULL) {
			assert_string_equal(err.text, checks[i].what);
			assert_int_equal(err.offset, checks[i].offset);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subject_has_its_address_and_comes_back),
		cmocka_unit_test(every_short_subject_comes_back_and_is_a_valid_address),
		cmocka_unit_test(different_subjects_have_different_addresses),
		cmocka_unit_test(address_of_1024_bytes_is_the_longest),
		cmocka_unit_test(percent_that_encodes_nothing_stands_for_itself),
		cmocka_unit_test(address_and_pattern_are_told_from_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
