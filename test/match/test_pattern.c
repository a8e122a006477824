#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "match/match.h"

struct rule {
	const char *a, *b;
	bool answer;
};

static void holds(
	bool (*ask)(struct td_text a, struct td_text b), const struct rule *rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (ask(td_text(rules[i].a), td_text(rules[i].b)) != rules[i].answer)
			fail_msg("\"%s\" and \"%s\"", rules[i].a, rules[i].b);
	}
}

#define HOLDS(ask, rules) holds(ask, rules, sizeof(rules) / sizeof((rules)[0]))

static void pattern_matches_as_nats_has_it(void **state)
{
	static const struct rule rules[] = {
		{"order", "order", true},
		{"order", "orders", false},
		{"order", "Order", false},
		{"order.*", "order.42", true},
		{"order.*", "order", false},
		{"order.*", "order.42.paid", false},
		{"order.>", "order.42", true},
		{"order.>", "order.42.paid", true},
		{"order.>", "order", false},
		{"*.*.paid", "order.42.paid", true},
		{"*.*.paid", "order.42.sent", false},
		{"*", "order", true},
		{"*", "order.42", false},
		{">", "order", true},
		{">", "order.42.paid", true},
		{"*.>", "order", false},
		{"*.>", "order.42", true},
		/* a wildcard is a whole token */
		{"fo*o", "foxo", false},
		{"fo*o", "fo*o", true},
		{"a>b", "a>b", true},
		{"a.>>", "a.b", false},
		/* in an address it is a token like others */
		{"order.*", "order.>", true},
		{"order.42", "order.*", false},
		{"order.>", "order.*.>", true},
		/* what is malformed fits nothing, and nothing fits it */
		{">", "", false},
		{">", "a..b", false},
		{"a.>", "a.b.", false},
		{"*.b", ".b", false},
		{"a.>.b", "a.x.b", false},
		{"", "", false},
		{"a..b", "a..b", false},
		{"a.", "a.", false},
		{"\xC3\xBC.*", "\xC3\xBC.1", true},
	};

	(void)state;
	HOLDS(td_pattern_matches, rules);
	assert_false(td_pattern_matches(td_text(NULL), td_text("a")));
	assert_false(td_pattern_matches(td_text(">"), td_text(NULL)));
}

static void pattern_matches_up_to_the_longest_address(void **state)
{
	char address[TD_ADDRESS_BYTES_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(address); i++)
		address[i] = i % 2 == 0 ? 'a' : '.';
	struct td_text longest = td_text_of(address, TD_ADDRESS_BYTES_MAX - 1);

	assert_true(td_pattern_matches(td_text("a.>"), longest));
	assert_true(td_pattern_matches(longest, longest));
	longest.len += 2;
	assert_false(td_pattern_matches(td_text("a.>"), longest));
}

static void pattern_overlaps_if_one_address_fits_both(void **state)
{
	static const struct rule rules[] = {
		{"order.42", "order.42", true},
		{"order.42", "order.43", false},
		{"order.*", "order.42", true},
		{"order.*", "*.42", true},
		{"order.*", "invoice.*", false},
		{"order.*", "order", false},
		{"order.*", "order.*.paid", false},
		{"order.>", "order.*.paid", true},
		{"order.>", "order", false},
		{"*.b.>", "a.*.c", true},
		{"*.b.>", "a.*", false},
		{">", "a", true},
		{">", "*.>", true},
		{">", "a..b", false},
		{">", "a.>.b", false},
	};

	(void)state;
	HOLDS(td_pattern_overlaps, rules);
}

static void pattern_contains_if_all_of_the_inner_fit_the_outer(void **state)
{
	static const struct rule rules[] = {
		{"order.42", "order.42", true},
		{"order.*", "order.42", true},
		{"order.42", "order.*", false},
		{"order.*", "order.*", true},
		{"order.*", "order.>", false},
		{"order.>", "order.*", true},
		{"order.>", "order.*.>", true},
		{"order.*.>", "order.>", false},
		{"order.>", "order.>", true},
		{"order.>", "order", false},
		{"order", "order.>", false},
		{">", "*", true},
		{">", ">", true},
		{"*", ">", false},
		{"*.>", ">", false},
		{"*.*", "a.b", true},
		{"*.*", "a.b.c", false},
		{">", "a..b", false},
		{"a..b", "a..b", false},
	};

	(void)state;
	HOLDS(td_pattern_contains, rules);
}

/* All texts of 1 to `depth` of the tokens, numbered from 0. */
static size_t texts_count(size_t tokens, size_t depth)
{
	size_t count = 0, level = 1;

	for (size_t i = 0; i < depth; i++)
		count += level *= tokens;
	return count;
}

static struct td_text text_of(char *out, size_t i, const char *tokens, size_t kinds)
{
	size_t len = 0, level = kinds, depth = 1;

	for (; i >= level; depth++) {
		i -= level;
		level *= kinds;
	}
	for (; depth > 0; depth--) {
		out[len++] = tokens[i % kinds];
		out[len++] = '.';
		i /= kinds;
	}
	return td_text_of(out, len - 1);
}

/*
 * Three tokens and one more than any pattern has suffice: what a wildcard stands for is told from
 * the literals by the token that no pattern names, and ">" from "*" by the longer address.
 */
static void pattern_relations_are_those_of_the_sets_of_addresses(void **state)
{
	const size_t patterns = texts_count(4, 3), addresses = texts_count(3, 4);
	char a[16], b[16], c[16];

	(void)state;
	for (size_t i = 0; i < patterns * patterns; i++) {
		struct td_text outer = text_of(a, i / patterns, "ab*>", 4);
		struct td_text inner = text_of(b, i % patterns, "ab*>", 4);
		bool overlaps = false, contains = true;

		if (td_pattern_check(outer, NULL) != 0 || td_pattern_check(inner, NULL) != 0) {
			assert_false(td_pattern_overlaps(outer, inner));
			assert_false(td_pattern_contains(outer, inner));
			continue;
		}
		for (size_t n = 0; n < addresses; n++) {
			struct td_text address = text_of(c, n, "abc", 3);
			bool fits = td_pattern_matches(inner, address);

			overlaps |= fits && td_pattern_matches(outer, address);
			contains &= !fits || td_pattern_matches(outer, address);
		}
		if (td_pattern_overlaps(outer, inner) != overlaps ||
			td_pattern_contains(outer, inner) != contains)
			fail_msg("%.*s and %.*s", TD_TEXT_ARG(outer), TD_TEXT_ARG(inner));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pattern_matches_as_nats_has_it),
		cmocka_unit_test(pattern_matches_up_to_the_longest_address),
		cmocka_unit_test(pattern_overlaps_if_one_address_fits_both),
		cmocka_unit_test(pattern_contains_if_all_of_the_inner_fit_the_outer),
		cmocka_unit_test(pattern_relations_are_those_of_the_sets_of_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
