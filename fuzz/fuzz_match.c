/*
 * Lines that add, remove and ask, answered by the trie and by a list of patterns:
 *
 *	+1 order.* OrderPlaced     add interest 1
 *	-1 order.* OrderPlaced     remove it
 *	? order.42 OrderPlaced     what fits?
 *	! order.* order.>          do they overlap, does one contain the other?
 *
 * Properties: both give the same answers, the trie holds its invariants after every line, and when
 * all is removed it has as little memory as at first. Patterns that contain each other overlap,
 * and what fits one fits the other.
 */
#include <stdint.h>
#include <stdlib.h>

#include "match/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ENTRIES_MAX = 64, INTERESTS = 16 };

struct entry {
	struct td_text pattern, type;
	char *interest;
};

struct world {
	struct td_trie *trie;
	struct entry entries[ENTRIES_MAX];
	size_t count;
	char interests[INTERESTS];
	size_t found[INTERESTS];
};

static void must(bool condition)
{
	if (!condition)
		abort();
}

/* Up to the next blank, which is taken too. */
static struct td_text word_next(struct td_text *line)
{
	const char *blank = line->len > 0 ? memchr(line->at, ' ', line->len) : NULL;
	size_t len = blank != NULL ? (size_t)(blank - line->at) : line->len;
	struct td_text word = {line->at, len};

	len += blank != NULL;
	*line = td_text_of(line->at + len, line->len - len);
	return word;
}

/* What follows the first blank is the type, also if it is empty; no blank: no type. */
static struct td_text type_rest(struct td_text word, struct td_text rest)
{
	return rest.at > word.at + word.len ? rest : td_text(NULL);
}

static size_t find(const struct world *world, const struct entry *entry)
{
	size_t i;

	for (i = 0; i < world->count; i++) {
		const struct entry *there = &world->entries[i];

		if (td_text_equal(there->pattern, entry->pattern) &&
			td_text_equal(there->type, entry->type) &&
			there->interest == entry->interest)
			break;
	}
	return i;
}

static void add(struct world *world, const struct entry *entry)
{
	int expected = td_pattern_check(entry->pattern, NULL);
	int code;

	if (world->count == ENTRIES_MAX)
		return;
	if (expected == 0 && find(world, entry) < world->count)
		expected = TD_E_EXISTS;
	code = td_trie_add(world->trie, entry->pattern, entry->type, entry->interest, NULL);
	must(code == expected);
	if (code == 0)
		world->entries[world->count++] = *entry;
}

static void drop(struct world *world, const struct entry *entry)
{
	size_t i = find(world, entry);
	bool was = td_trie_remove(world->trie, entry->pattern, entry->type, entry->interest);

	must(was == (i < world->count));
	if (was)
		world->entries[i] = world->entries[--world->count];
}

static void tally(void *arg, void *interest)
{
	struct world *world = arg;

	world->found[(char *)interest - world->interests]++;
}

static void ask(struct world *world, struct td_text address, struct td_text type)
{
	size_t expected = 0, found;

	memset(world->found, 0, sizeof(world->found));
	found = td_trie_match(world->trie, address, type, tally, world);
	must(found == td_trie_match(world->trie, address, type, NULL, NULL));
	for (size_t i = 0; i < world->count; i++) {
		const struct entry *entry = &world->entries[i];

		if (!td_pattern_matches(entry->pattern, address) ||
			(entry->type.at != NULL && !td_text_equal(entry->type, type)))
			continue;
		expected++;
		must(world->found[entry->interest - world->interests]-- > 0);
	}
	must(found == expected);
}

static void relate(const struct world *world, struct td_text a, struct td_text b)
{
	bool contains = td_pattern_contains(a, b);

	must(td_pattern_overlaps(a, b) == td_pattern_overlaps(b, a));
	must(!contains || td_pattern_overlaps(a, b));
	must(td_pattern_check(a, NULL) != 0 || td_pattern_contains(a, a));
	for (size_t i = 0; i < world->count; i++) {
		struct td_text some = world->entries[i].pattern;

		must(!td_pattern_matches(a, some) || !td_pattern_matches(b, some) ||
			td_pattern_overlaps(a, b));
		must(!contains || !td_pattern_matches(b, some) || td_pattern_matches(a, some));
	}
}

static void obey(struct world *world, struct td_text line)
{
	struct td_text word = word_next(&line);
	struct entry entry;

	if (word.len == 0)
		return;
	entry.interest = &world->interests[word.len > 1 ? word.at[1] & (INTERESTS - 1) : 0];
	entry.pattern = word_next(&line);
	entry.type = type_rest(entry.pattern, line);
	if (word.at[0] == '+')
		add(world, &entry);
	else if (word.at[0] == '-')
		drop(world, &entry);
	else if (word.at[0] == '!')
		relate(world, entry.pattern, line);
	else
		ask(world, entry.pattern, entry.type);
	td_trie_limbo_free(td_trie_limbo_take(world->trie));
	td_trie_verify(world->trie);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world world = {.trie = td_trie_new(size)};
	struct td_text rest = td_text_of(data, size);
	size_t bytes;

	must(world.trie != NULL);
	bytes = td_trie_bytes(world.trie);
	while (rest.len > 0) {
		const char *end = memchr(rest.at, '\n', rest.len);
		size_t len = end != NULL ? (size_t)(end - rest.at) : rest.len;

		obey(&world, td_text_of(rest.at, len));
		len += end != NULL;
		rest = td_text_of(rest.at + len, rest.len - len);
	}
	while (world.count > 0) {
		struct entry last = world.entries[world.count - 1];

		drop(&world, &last);
	}
	td_trie_limbo_free(td_trie_limbo_take(world.trie));
	td_trie_verify(world.trie);
	must(td_trie_count(world.trie) == 0 && td_trie_bytes(world.trie) == bytes);
	td_trie_free(world.trie);
	return 0;
}
