#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "alloc.h"
#include "match/match.h"
#include "match/table.h"

#define SEED 42u

static const struct td_text any = {NULL, 0};

static int add(struct td_trie *trie, const char *pattern, const char *type, void *interest)
{
	return td_trie_add(trie, td_text(pattern), td_text(type), interest, NULL);
}

static bool drop(struct td_trie *trie, const char *pattern, const char *type, void *interest)
{
	bool was = td_trie_remove(trie, td_text(pattern), td_text(type), interest);

	td_trie_limbo_free(td_trie_limbo_take(trie));
	return was;
}

static size_t count(const struct td_trie *trie, const char *address, const char *type)
{
	return td_trie_match(trie, td_text(address), td_text(type), NULL, NULL);
}

/* Interests are addresses here; each counts how often it was found. */
static void tally(void *arg, void *interest)
{
	(void)arg;
	++*(int *)interest;
}

static struct td_trie *trie_new(void)
{
	struct td_trie *trie = td_trie_new(SEED);

	assert_non_null(trie);
	td_trie_verify(trie);
	return trie;
}

static void trie_finds_each_interest_that_fits_once(void **state)
{
	static const struct {
		const char *address;
		const char *fits; /* letters of the patterns below */
	} rules[] = {
		{"order", "ag"},
		{"order.42", "bceg"},
		{"order.43", "ceg"},
		{"order.42.paid", "defg"},
		{"order.43.paid", "defg"},
		{"invoice.42.paid", "fg"},
		{"invoice", "g"},
		{"order.a-much-longer-identifier", "ceg"},
		{"order.a-much-longer-identifier.paid", "defg"},
		{"order.a-much-longer-identifier.sent", "eghi"},
		{"order.a-much-longer-identifies.sent", "eg"},
		{"order.*", "ceg"},
		{"order.>", "ceg"},
		{"", ""},
		{".", ""},
		{"order.", ""},
		{".order", ""},
		{"order..paid", ""},
		{"order.42.paid.", ""},
	};
	static const char *const patterns[] = {"order", "order.42", "order.*", "order.*.paid",
		"order.>", "*.*.paid", ">", "order.a-much-longer-identifier.sent",
		"*.a-much-longer-identifier.sent"};
	struct td_trie *trie = trie_new();
	int found[9];

	(void)state;
	for (size_t i = 0; i < 9; i++)
		assert_int_equal(add(trie, patterns[i], NULL, &found[i]), 0);
	td_trie_verify(trie);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		memset(found, 0, sizeof(found));
		td_trie_match(trie, td_text(rules[i].address), any, tally, NULL);
		for (size_t n = 0; n < 9; n++) {
			bool fits = strchr(rules[i].fits, (int)('a' + n)) != NULL;

			if (found[n] != fits)
				fail_msg("%s finds %s %d times", rules[i].address, patterns[n],
					found[n]);
		}
		assert_int_equal(count(trie, rules[i].address, NULL), strlen(rules[i].fits));
	}
	assert_int_equal(td_trie_match(trie, any, any, NULL, NULL), 0);
	td_trie_free(trie);
}

static void trie_tells_types_apart(void **state)
{
	struct td_trie *trie = trie_new();
	int each;

	(void)state;
	assert_int_equal(add(trie, "order.*", NULL, &each), 0);
	assert_int_equal(add(trie, "order.*", "Placed", &each), 0);
	assert_int_equal(add(trie, "order.*", "com.example.OrderPlaced", &each), 0);
	assert_int_equal(add(trie, "order.*", "", &each), 0);
	assert_int_equal(add(trie, "order.>", "Placed", &each), 0);
	assert_int_equal(add(trie, "*.*.>", "Placed", &each), 0);
	assert_int_equal(add(trie, "order.42.Placed", NULL, &each), 0);
	td_trie_verify(trie);
	assert_int_equal(count(trie, "order.42", "Placed"), 3);
	assert_int_equal(count(trie, "order.42", "placed"), 1);
	assert_int_equal(count(trie, "order.42", "com.example.OrderPlaced"), 2);
	assert_int_equal(count(trie, "order.42", "com.example.OrderPlacee"), 1);
	assert_int_equal(count(trie, "order.42", ""), 2);
	assert_int_equal(count(trie, "order.42", NULL), 1);
	assert_int_equal(count(trie, "order.42.Placed", NULL), 1);
	assert_int_equal(count(trie, "order.42.Placed", "Placed"), 3);
	assert_false(drop(trie, "order.*", "placed", &each));
	assert_true(drop(trie, "order.*", "Placed", &each));
	td_trie_verify(trie);
	assert_int_equal(count(trie, "order.42", "Placed"), 2);
	td_trie_free(trie);
}

static void trie_takes_no_text_for_another(void **state)
{
	static const struct td_text others[] = {TD_TEXT_INIT("a."), TD_TEXT_INIT("a\0"),
		TD_TEXT_INIT("\0a"), TD_TEXT_INIT(""), TD_TEXT_INIT("a......"),
		TD_TEXT_INIT("a......."), TD_TEXT_INIT("aaaaaaa"), TD_TEXT_INIT("aaaaaaaa"),
		TD_TEXT_INIT("a\0\0\0\0\0\0"), TD_TEXT_INIT("a\0\0\0\0\0\0\0")};
	struct td_trie *trie = trie_new();
	int each;

	(void)state;
	assert_int_equal(add(trie, "a", "a", &each), 0);
	assert_int_equal(count(trie, "a", "a"), 1);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_int_equal(td_trie_match(trie, td_text("a"), others[i], NULL, NULL), 0);
		assert_int_equal(td_trie_match(trie, others[i], td_text("a"), NULL, NULL), 0);
		assert_int_equal(td_trie_add(trie, td_text("b"), others[i], &each, NULL), 0);
		assert_int_equal(td_trie_match(trie, td_text("b"), others[i], NULL, NULL), 1);
	}
	td_trie_verify(trie);
	assert_int_equal(count(trie, "b", "a"), 0);
	td_trie_free(trie);
}

static void trie_finds_one_of_a_thousand_types(void **state)
{
	struct td_trie *trie = trie_new();
	char type[32];
	int each;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(type, sizeof(type), "Type%d", i);
		assert_int_equal(add(trie, "a.*.c", type, &each), 0);
	}
	td_trie_verify(trie);
	for (int i = 0; i < 1000; i++) {
		snprintf(type, sizeof(type), "Type%d", i);
		assert_int_equal(count(trie, "a.b.c", type), 1);
	}
	assert_int_equal(count(trie, "a.b.c", "Type1000"), 0);
	td_trie_free(trie);
}

static void trie_refuses_what_is_there_already(void **state)
{
	struct td_trie *trie = trie_new();
	struct td_error err = TD_ERROR_INIT;
	int one, other;
	size_t bytes;

	(void)state;
	assert_int_equal(add(trie, "a.>", "T", &one), 0);
	assert_int_equal(add(trie, "a.>", "T", &other), 0);
	assert_int_equal(add(trie, "a.>", "U", &one), 0);
	assert_int_equal(add(trie, "a.>", NULL, &one), 0);
	assert_int_equal(add(trie, "a.*", NULL, &one), 0);
	bytes = td_trie_bytes(trie);
	assert_int_equal(td_trie_add(trie, td_text("a.>"), td_text("T"), &one, &err), TD_E_EXISTS);
	assert_string_equal(err.text, "pattern a.>: this interest is there already");
	assert_int_equal(add(trie, "a.*", NULL, &one), TD_E_EXISTS);
	assert_int_equal(td_trie_count(trie), 5);
	assert_int_equal(td_trie_bytes(trie), bytes);
	td_trie_verify(trie);
	td_trie_free(trie);
}

static void trie_refuses_what_is_no_pattern(void **state)
{
	static const char *const patterns[] = {"", ".", "a.", ".a", "a..b", "a.>.b", "a b", "a\tb"};
	struct td_trie *trie = trie_new();
	struct td_error err = TD_ERROR_INIT;
	char longer[TD_ADDRESS_BYTES_MAX + 1];
	int each;

	(void)state;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		assert_int_equal(add(trie, patterns[i], NULL, &each), TD_E_SUBJECT);
		assert_false(drop(trie, patterns[i], NULL, &each));
	}
	assert_int_equal(td_trie_add(trie, td_text("a.>.b"), any, &each, &err), TD_E_SUBJECT);
	assert_int_equal(err.offset, 2);
	memset(longer, 'a', sizeof(longer));
	assert_int_equal(td_trie_add(trie, td_text_of(longer, sizeof(longer)), any, &each, NULL),
		TD_E_SUBJECT);
	assert_int_equal(td_trie_count(trie), 0);
	td_trie_verify(trie);
	td_trie_free(trie);
}

static void trie_takes_addresses_of_the_most_tokens(void **state)
{
	struct td_trie *trie = trie_new();
	char address[TD_ADDRESS_BYTES_MAX], stars[TD_ADDRESS_BYTES_MAX];
	struct td_text longest = td_text_of(address, sizeof(address) - 1);
	int each, other;

	(void)state;
	for (size_t i = 0; i < sizeof(address); i++) {
		address[i] = i % 2 == 0 ? 'a' : '.';
		stars[i] = i % 2 == 0 ? '*' : '.';
	}
	assert_int_equal(td_trie_add(trie, longest, td_text("T"), &each, NULL), 0);
	assert_int_equal(td_trie_add(trie, td_text_of(stars, longest.len), any, &each, NULL), 0);
	stars[longest.len - 1] = '>';
	assert_int_equal(td_trie_add(trie, td_text_of(stars, longest.len), any, &other, NULL), 0);
	td_trie_verify(trie);
	assert_int_equal(td_trie_match(trie, longest, td_text("T"), NULL, NULL), 3);
	assert_int_equal(td_trie_match(trie, longest, any, NULL, NULL), 2);
	longest.len -= 2;
	assert_int_equal(td_trie_match(trie, longest, td_text("T"), NULL, NULL), 0);
	longest.len += 4; /* over the limit, and not to be read */
	assert_int_equal(td_trie_match(trie, longest, td_text("T"), NULL, NULL), 0);
	td_trie_free(trie);
}

/* Every way of "a" and "*": as many ways to go as there can be. */
static void trie_finds_all_combinations_of_wildcards(void **state)
{
	const size_t depth = 12;
	struct td_trie *trie = trie_new();
	char pattern[32], address[32];
	int each;

	(void)state;
	for (size_t i = 0; i < (size_t)1 << depth; i++) {
		for (size_t n = 0; n < depth; n++) {
			pattern[2 * n] = (i >> n & 1) != 0 ? '*' : 'a';
			pattern[2 * n + 1] = address[2 * n + 1] = '.';
			address[2 * n] = 'a';
		}
		pattern[2 * depth - 1] = address[2 * depth - 1] = '\0';
		assert_int_equal(add(trie, pattern, NULL, &each), 0);
	}
	td_trie_verify(trie);
	assert_int_equal(count(trie, address, NULL), (size_t)1 << depth);
	address[0] = 'b';
	assert_int_equal(count(trie, address, NULL), (size_t)1 << (depth - 1));
	td_trie_free(trie);
}

static void trie_holds_any_number_of_interests_for_one_pattern(void **state)
{
	enum { MANY = 600 };
	struct td_trie *trie = trie_new();
	size_t bytes = td_trie_bytes(trie);
	static char interests[MANY]; /* odd addresses too */

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < MANY; i++) {
			assert_int_equal(add(trie, "a.b", NULL, &interests[i]), 0);
			if (i < 40)
				td_trie_verify(trie);
			assert_int_equal(count(trie, "a.b", NULL), i + 1);
		}
		assert_int_equal(add(trie, "a.b", NULL, &interests[MANY / 2]), TD_E_EXISTS);
		for (size_t i = 0; i < MANY; i++) {
			assert_true(drop(trie, "a.b", NULL, &interests[i]));
			assert_false(drop(trie, "a.b", NULL, &interests[i]));
			if (i > MANY - 40)
				td_trie_verify(trie);
			assert_int_equal(count(trie, "a.b", NULL), MANY - 1 - i);
		}
		assert_int_equal(td_trie_bytes(trie), bytes);
	}
	td_trie_free(trie);
}

struct sequence {
	const void *last;
	size_t count;
};

/* Interests are added by rising address here. */
static void follow(void *arg, void *interest)
{
	struct sequence *sequence = arg;

	assert_true(sequence->last < interest);
	sequence->last = interest;
	sequence->count++;
}

static void trie_finds_those_of_one_pattern_in_the_order_of_adding(void **state)
{
	enum { MANY = 300 };
	static char interests[MANY];
	struct td_trie *trie = trie_new();
	size_t live = 0;

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		struct sequence sequence = {NULL, 0};

		assert_int_equal(add(trie, "a.*", "T", &interests[i]), 0);
		live++;
		if (i % 3 == 1) { /* one before it goes */
			assert_true(drop(trie, "a.*", "T", &interests[i - 1]));
			live--;
		}
		assert_int_equal(
			td_trie_match(trie, td_text("a.b"), td_text("T"), follow, &sequence), live);
		assert_int_equal(sequence.count, live);
		td_trie_verify(trie);
	}
	td_trie_free(trie);
}

static void trie_gives_its_memory_back(void **state)
{
	enum { MANY = 5000 };
	struct td_trie *trie = trie_new();
	size_t bytes = td_trie_bytes(trie), full;
	char pattern[64];
	int each;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		snprintf(pattern, sizeof(pattern), "_INBOX.connection-%d.*", i);
		assert_int_equal(add(trie, pattern, "T", &each), 0);
	}
	td_trie_verify(trie);
	full = td_trie_bytes(trie);
	assert_int_equal(td_trie_count(trie), MANY);
	for (int i = 0; i < MANY; i++) {
		snprintf(pattern, sizeof(pattern), "_INBOX.connection-%d.*", i);
		assert_true(td_trie_remove(trie, td_text(pattern), td_text("T"), &each));
	}
	td_trie_verify(trie);
	assert_true(td_trie_bytes(trie) >= full); /* limbo counts */
	td_trie_limbo_free(td_trie_limbo_take(trie));
	assert_null(td_trie_limbo_take(trie));
	assert_int_equal(td_trie_bytes(trie), bytes);
	td_trie_verify(trie);
	td_trie_free(trie);
}

/* Where names come and go and never come again, dead slots must not add up. */
static void trie_does_not_grow_by_change(void **state)
{
	struct td_trie *trie = trie_new();
	char pattern[64];
	size_t most = 0;
	int each;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		snprintf(pattern, sizeof(pattern), "_INBOX.%d", i);
		assert_int_equal(add(trie, pattern, NULL, &each), 0);
		snprintf(pattern, sizeof(pattern), "_INBOX.%d", i - 100);
		assert_int_equal(drop(trie, pattern, NULL, &each), i >= 100);
		if (td_trie_bytes(trie) > most)
			most = td_trie_bytes(trie);
	}
	assert_true(most < 64 * 1024);
	td_trie_verify(trie);
	td_trie_free(trie);
}

/* --- beside the naive way ----------------------------------------------------------------- */

enum { ENTRIES = 300 };

struct entry {
	char pattern[64], type[24];
	int interest; /* how often it was found */
	bool there;
};

static void random_text(char *out, struct td_rng *rng, bool pattern)
{
	static const char *const tokens[] = {
		"a", "b", "c", "7-bytes", "8-bytes-", "identifier", "identifies", "*", "*", ">"};
	size_t depth = 1 + td_rng_below(rng, 4), len = 0;

	for (size_t i = 0; i < depth; i++) {
		const char *token = tokens[td_rng_below(rng, pattern ? 10 : 8)];

		if (*token == '>' && i + 1 < depth)
			token = "*";
		len += (size_t)sprintf(out + len, "%s%s", i > 0 ? "." : "", token);
	}
}

static void random_type(char *out, struct td_rng *rng)
{
	static const char *const types[] = {"", "T", "U", "OrderPlaced", "OrderPlacer"};

	strcpy(out, types[td_rng_below(rng, 5)]);
}

static struct td_text type_of(const char *type)
{
	return *type != '\0' ? td_text(type) : any;
}

static void compare(const struct td_trie *trie, struct entry *entries, struct td_rng *rng)
{
	char address[64], type[24];
	size_t found, expected = 0;

	random_text(address, rng, false);
	random_type(type, rng);
	for (size_t i = 0; i < ENTRIES; i++)
		entries[i].interest = 0;
	found = td_trie_match(trie, td_text(address), type_of(type), tally, NULL);
	for (size_t i = 0; i < ENTRIES; i++) {
		const struct entry *entry = &entries[i];
		bool fits = entry->there &&
			    td_pattern_matches(td_text(entry->pattern), td_text(address)) &&
			    (entry->type[0] == '\0' || strcmp(entry->type, type) == 0);

		assert_int_equal(entry->interest, fits);
		expected += fits;
	}
	assert_int_equal(found, expected);
}

static void trie_agrees_with_asking_each_pattern(void **state)
{
	static struct entry entries[ENTRIES];
	struct td_trie *trie = trie_new();
	struct td_rng rng;

	(void)state;
	td_rng_init(&rng, 1);
	for (int i = 0; i < 4000; i++) {
		struct entry *entry = &entries[td_rng_below(&rng, ENTRIES)];
		struct td_text type = type_of(entry->type);

		if (entry->there) {
			assert_true(td_trie_remove(
				trie, td_text(entry->pattern), type, &entry->interest));
		} else {
			random_text(entry->pattern, &rng, true);
			random_type(entry->type, &rng);
			type = type_of(entry->type);
			assert_false(td_trie_remove(
				trie, td_text(entry->pattern), type, &entry->interest));
			assert_int_equal(td_trie_add(trie, td_text(entry->pattern), type,
						 &entry->interest, NULL),
				0);
		}
		entry->there = !entry->there;
		td_trie_limbo_free(td_trie_limbo_take(trie));
		compare(trie, entries, &rng);
		if (i % 50 == 0)
			td_trie_verify(trie);
	}
	td_trie_free(trie);
}

/* --- where it can fail -------------------------------------------------------------------- */

static int add_some(void *arg)
{
	static const char *const patterns[] = {
		"a.b", "a.b", "a.*.identifier.>", "*.*.*.*", "an-identifier.*.another", "a.b"};
	struct td_trie *trie = td_trie_new(SEED);
	char interests[6];
	int code = 0;

	(void)arg;
	if (trie == NULL)
		return TD_E_NOMEM;
	for (size_t i = 0; i < 6 && code == 0; i++) {
		size_t before = td_trie_count(trie);
		size_t found = count(trie, "a.b", NULL);

		code = add(trie, patterns[i], NULL, &interests[i]);
		if (code == 0)
			code = add(trie, patterns[i], "OrderPlaced", &interests[i]);
		if (code != 0) {
			drop(trie, patterns[i], NULL, &interests[i]);
			assert_int_equal(td_trie_count(trie), before);
			assert_int_equal(count(trie, "a.b", NULL), found);
		}
		td_trie_verify(trie);
	}
	td_trie_free(trie);
	return code;
}

static void trie_add_changes_nothing_if_memory_runs_out(void **state)
{
	(void)state;
	assert_true(alloc_torture(add_some, NULL) > 10);
}

static void trie_remove_needs_no_memory(void **state)
{
	enum { MANY = 1000 };
	static char interests[MANY];
	struct td_trie *trie = trie_new();
	char pattern[32];

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		snprintf(pattern, sizeof(pattern), "a.identifier-%zu", i / 20);
		assert_int_equal(add(trie, pattern, "T", &interests[i]), 0);
	}
	alloc_fail_at(1, true);
	for (size_t i = 0; i < MANY; i++) {
		snprintf(pattern, sizeof(pattern), "a.identifier-%zu", i / 20);
		assert_true(drop(trie, pattern, "T", &interests[i]));
		assert_int_equal(count(trie, pattern, "T"), 19 - i % 20);
	}
	assert_true(alloc_failed());
	alloc_fail_at(0, false);
	td_trie_verify(trie);
	td_trie_free(trie);
}

/* A word whose hash is that one, if there is one that could be a token. */
static bool word_of_hash(uint64_t hash, struct td_salt salt, char token[8])
{
	uint64_t inverse = salt.odd, word;

	for (int i = 0; i < 5; i++)
		inverse *= 2 - salt.odd * inverse;
	word = (hash ^ hash >> 32) * inverse ^ salt.mask;
	if (word >> 56 != '.')
		return false;
	for (int i = 0; i < 7; i++) {
		token[i] = (char)(word >> 8 * i);
		if (token[i] <= 0x20 || token[i] == 0x7F || token[i] == '.')
			return false;
	}
	token[7] = '\0';
	return true;
}

/* Who knows the seed can make two paths with one id: "a.n" and "b.token". */
static void collide(char one[32], char other[32])
{
	struct td_heap heap = {0, 0, NULL};
	struct td_table *table = td_table_new(&heap, SEED, 0);
	struct td_edge a[2], b;
	char token[8];

	assert_non_null(table);
	assert_int_equal(td_edges_scan(&b, td_text("b"), table->salt), 1);
	for (unsigned n = 0;; n++) {
		uint64_t wanted;

		snprintf(one, 32, "a.%u", n);
		assert_int_equal(td_edges_scan(a, td_text(one), table->salt), 2);
		wanted = td_table_step(table->root.id, a[0].hash) ^ a[1].hash ^
			 td_table_step(table->root.id, b.hash);
		if (word_of_hash(wanted, table->salt, token))
			break;
	}
	snprintf(other, 32, "b.%s", token);
	td_heap_free(&heap, &table->head);
}

static void trie_refuses_a_path_whose_id_is_anothers(void **state)
{
	struct td_trie *trie = trie_new();
	char one[32], other[32];
	int each;

	(void)state;
	collide(one, other);
	assert_int_equal(add(trie, one, NULL, &each), 0);
	assert_int_equal(count(trie, other, NULL), 0);
	assert_int_equal(add(trie, other, NULL, &each), TD_E_LIMIT);
	td_trie_verify(trie);
	assert_int_equal(td_trie_count(trie), 1);
	assert_int_equal(count(trie, other, NULL), 0);
	assert_false(drop(trie, other, NULL, &each));
	assert_true(drop(trie, one, NULL, &each));
	assert_int_equal(add(trie, other, NULL, &each), 0);
	assert_int_equal(count(trie, other, NULL), 1);
	assert_int_equal(count(trie, one, NULL), 0);
	td_trie_free(trie);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trie_finds_each_interest_that_fits_once),
		cmocka_unit_test(trie_tells_types_apart),
		cmocka_unit_test(trie_takes_no_text_for_another),
		cmocka_unit_test(trie_finds_one_of_a_thousand_types),
		cmocka_unit_test(trie_refuses_what_is_there_already),
		cmocka_unit_test(trie_refuses_what_is_no_pattern),
		cmocka_unit_test(trie_takes_addresses_of_the_most_tokens),
		cmocka_unit_test(trie_finds_all_combinations_of_wildcards),
		cmocka_unit_test(trie_holds_any_number_of_interests_for_one_pattern),
		cmocka_unit_test(trie_finds_those_of_one_pattern_in_the_order_of_adding),
		cmocka_unit_test(trie_gives_its_memory_back),
		cmocka_unit_test(trie_does_not_grow_by_change),
		cmocka_unit_test(trie_agrees_with_asking_each_pattern),
		cmocka_unit_test(trie_add_changes_nothing_if_memory_runs_out),
		cmocka_unit_test(trie_remove_needs_no_memory),
		cmocka_unit_test(trie_refuses_a_path_whose_id_is_anothers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
