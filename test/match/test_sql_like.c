#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "match/match.h"

#include "event.h"

/* value LIKE pattern, both without quotes in them. */
static bool like(const char *value, const char *pattern, unsigned *errors)
{
	struct td_event *event = event_of(EVENT_JSON);
	struct td_buf buf = TD_BUF_INIT(TD_FILTER_BYTES_MAX);
	struct td_filter *filter;
	struct td_sql_value result;
	struct td_arena arena;

	td_arena_init(&arena, 1024, 1 << 20);
	td_buf_printf(&buf, "'%s' LIKE '%s'", value, pattern);
	filter = filter_of(td_buf_view(&buf));
	result = td_filter_evaluate(filter, event, &arena);
	*errors = result.errors;
	td_filter_free(filter);
	td_buf_fini(&buf);
	td_arena_fini(&arena);
	td_event_unref(event);
	return result.boolean;
}

static void patterns_match_the_whole_string(void **state)
{
	static const struct {
		const char *value, *pattern;
		bool matches;
	} cases[] = {
		{"", "", true},
		{"a", "", false},
		{"", "%", true},
		{"", "%%", true},
		{"", "_", false},
		{"abc", "abc", true},
		{"abc", "ABC", false},
		{"abc", "ab", false},
		{"abc", "bc", false},
		{"abc", "a%", true},
		{"abc", "%c", true},
		{"abc", "%b%", true},
		{"abc", "%d%", false},
		{"abc", "abc%", true},
		{"abc", "%abc", true},
		{"abc", "a%b%c", true},
		{"abc", "ab%bc", false}, /* head and tail may not overlap */
		{"abbc", "ab%bc", true},
		{"ab", "_b", true},
		{"abc", "_b_", true},
		{"abcd1", "_b%", true},
		{"b", "_b%", false},
		{"acd", "_b%", false},
		{"abcabd", "%ab_", true},
		{"abcabd", "%ab_%d", true},
		{"aXbaYb", "%a_b", true},
		{"aaab", "%aab", true},
		{"abcabcabd", "%abca%abd%", true},
		{"a%c", "a\\%c", true},
		{"abc", "a\\%c", false},
		{"a_c", "a\\_c", true},
		{"abc", "a\\_c", false},
		{"a\\c", "a\\c", true},
		{"a\\b%", "a\\b\\%", true},
		{"100%", "%\\%", true},
		{"100", "%\\%", false},
		{"\xC3\xA4", "_", true},
		{"\xC3\xA4", "__", false},
		{"\xF0\x9F\x8D\x95!", "_!", true},
		{"\xC3\xA4\xC3\xB6", "_\xC3\xB6", true},
		{"x\xE2\x82\xACy\xE2\x82\xACz", "%\xE2\x82\xAC_\xE2\x82\xAC%", true},
		{"x\xE2\x82\xACy", "%_y", true},
		{"\xE2\x82\xAC", "%_", true},
		{"\xE2\x82\xAC", "%__", false},
		{"\xE2\x82\xACz", "%__%", true},
		{"\xE2\x82\xACz", "%___%", false},
	};
	unsigned errors;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (like(cases[i].value, cases[i].pattern, &errors) != cases[i].matches)
			fail_msg("'%s' LIKE '%s'", cases[i].value, cases[i].pattern);
		assert_int_equal(errors, 0);
	}
}

/* As the specification says it, and as slow as that. Without escapes. */
static bool naive(const char *value, const char *pattern)
{
	if (*pattern == '\0')
		return *value == '\0';
	if (*pattern == '%')
		return naive(value, pattern + 1) || (*value != '\0' && naive(value + 1, pattern));
	if (*value == '\0' || (*pattern != '_' && *pattern != *value))
		return false;
	return naive(value + 1, pattern + 1);
}

static void patterns_match_as_the_naive_matcher_does(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char value[12], pattern[10];
		size_t value_len, pattern_len;
		unsigned errors;

		seed = td_hash_u64(seed + 0x9E3779B97F4A7C15u);
		value_len = seed % sizeof(value);
		pattern_len = (seed >> 8) % sizeof(pattern);
		for (size_t j = 0; j < value_len; j++)
			value[j] = "ab"[seed >> (16 + j) & 1];
		for (size_t j = 0; j < pattern_len; j++)
			pattern[j] = "ab_%"[seed >> (28 + 2 * j) & 3];
		value[value_len] = pattern[pattern_len] = '\0';
		if (like(value, pattern, &errors) != naive(value, pattern))
			fail_msg("'%s' LIKE '%s'", value, pattern);
	}
}

/* A pattern that would keep a backtracking matcher busy for ever. */
static void hopeless_patterns_come_to_an_end(void **state)
{
	char value[4001], pattern[4001];
	unsigned errors;

	(void)state;
	memset(value, 'a', 4000);
	value[4000] = '\0';
	for (size_t i = 0; i < 40; i += 2)
		memcpy(pattern + i, "a%", 2);
	strcpy(pattern + 40, "b%");
	assert_false(like(value, pattern, &errors));
	assert_int_equal(errors, 0);

	/* Two thousand times "%a_", and then what is not there. */
	for (size_t i = 0; i < 3990; i += 3)
		memcpy(pattern + i, "%a_", 3);
	strcpy(pattern + 3990, "%_b%");
	assert_false(like(value, pattern, &errors));
	assert_int_equal(errors, 0);

	/* A long segment with "_" that almost fits everywhere: the steps run out. */
	memset(pattern, 'a', 3000);
	strcpy(pattern + 3000, "_b%");
	pattern[0] = '%';
	assert_false(like(value, pattern, &errors));
	assert_int_equal(errors, TD_SQL_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_the_whole_string),
		cmocka_unit_test(patterns_match_as_the_naive_matcher_does),
		cmocka_unit_test(hopeless_patterns_come_to_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
