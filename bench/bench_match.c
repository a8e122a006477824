/*
 * What a match costs: our trie beside a bare one that stands for the limit.
 *
 * Patterns are thirds of r.*.d.>, r.s.d.* and *.s.d.*, and one of them fits each subject. Both
 * tries answer the same subjects in alternating rounds; shown are medians of CPU time. The bare
 * trie has no types, no callers' pointers, no second thread, no removal, and believes its 64-bit
 * hashes.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "match/match.h"

#define ROUNDS        21
#define INSERT_ROUNDS 5
#define SUBJECTS_MAX  65536
#define TEXT_BYTES    48

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); /* others use the machine too */
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

static void *must(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

/* --- the limit: a bare token trie --------------------------------------------------------- */

struct bare_edge {
	uint64_t key; /* 0: free */
	uint32_t node;
};

struct bare_node {
	uint32_t star, here, below; /* child for "*"; interests that end here, or here with ">" */
};

struct bare {
	struct bare_edge *edges;
	struct bare_node *nodes;
	size_t edges_count, edges_mask, nodes_count, nodes_size;
};

static uint64_t bare_hash_add(uint64_t hash, char c)
{
	return (hash ^ (unsigned char)c) * 0x100000001B3u;
}

static uint64_t bare_hash(const char *at, size_t len)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < len; i++)
		hash = bare_hash_add(hash, at[i]);
	return hash;
}

static uint64_t bare_key(uint32_t parent, uint64_t hash)
{
	uint64_t key = (hash + parent) * 0xD6E8FEB86659FD93u;

	return (key ^ key >> 32) | 1;
}

static struct bare_edge *bare_find(const struct bare *bare, uint64_t key)
{
	size_t i = (key >> 1) & bare->edges_mask;

	while (bare->edges[i].key != 0 && bare->edges[i].key != key)
		i = (i + 1) & bare->edges_mask;
	return &bare->edges[i];
}

static uint32_t bare_node_new(struct bare *bare)
{
	if (bare->nodes_count == bare->nodes_size) {
		bare->nodes_size = bare->nodes_size * 2 + 16;
		bare->nodes = must(realloc(bare->nodes, bare->nodes_size * sizeof(*bare->nodes)));
	}
	bare->nodes[bare->nodes_count] = (struct bare_node){0, 0, 0};
	return (uint32_t)bare->nodes_count++;
}

static void bare_init(struct bare *bare)
{
	*bare = (struct bare){NULL, NULL, 0, 15, 0, 0};
	bare->edges = must(calloc(16, sizeof(*bare->edges)));
	bare_node_new(bare);
}

static void bare_fini(struct bare *bare)
{
	free(bare->edges);
	free(bare->nodes);
}

static void bare_grow(struct bare *bare)
{
	struct bare old = *bare;

	bare->edges_mask = old.edges_mask * 2 + 1;
	bare->edges = must(calloc(bare->edges_mask + 1, sizeof(*bare->edges)));
	for (size_t i = 0; i <= old.edges_mask; i++) {
		if (old.edges[i].key != 0)
			*bare_find(bare, old.edges[i].key) = old.edges[i];
	}
	free(old.edges);
}

static uint32_t bare_child(struct bare *bare, uint32_t parent, const char *at, size_t len)
{
	struct bare_edge *edge;

	if (len == 1 && *at == '*') {
		uint32_t star = bare->nodes[parent].star;

		if (star == 0) {
			star = bare_node_new(bare);
			bare->nodes[parent].star = star;
		}
		return star;
	}
	if ((bare->edges_count + 1) * 2 > bare->edges_mask)
		bare_grow(bare);
	edge = bare_find(bare, bare_key(parent, bare_hash(at, len)));
	if (edge->key == 0) {
		edge->key = bare_key(parent, bare_hash(at, len));
		edge->node = bare_node_new(bare);
		bare->edges_count++;
	}
	return edge->node;
}

static void bare_add(struct bare *bare, const char *pattern)
{
	uint32_t node = 0;

	for (;;) {
		size_t len = strcspn(pattern, ".");

		if (len == 1 && *pattern == '>') {
			bare->nodes[node].below++;
			return;
		}
		node = bare_child(bare, node, pattern, len);
		if (pattern[len] == '\0')
			break;
		pattern += len + 1;
	}
	bare->nodes[node].here++;
}

static size_t bare_walk(const struct bare *bare, uint32_t at, const uint64_t *hashes, size_t count)
{
	const struct bare_node *node = &bare->nodes[at];
	const struct bare_edge *edge;
	size_t found;

	if (count == 0)
		return node->here;
	found = node->below;
	if (node->star != 0)
		found += bare_walk(bare, node->star, hashes + 1, count - 1);
	edge = bare_find(bare, bare_key(at, hashes[0]));
	if (edge->key != 0)
		found += bare_walk(bare, edge->node, hashes + 1, count - 1);
	return found;
}

static size_t bare_match(const struct bare *bare, struct td_text subject)
{
	uint64_t hashes[64], hash = 0;
	size_t count = 0, start = 0;

	for (size_t i = 0; i < subject.len; i++) {
		if (subject.at[i] != '.') {
			hash = bare_hash_add(hash, subject.at[i]);
			continue;
		}
		if (i == start || count == 63)
			return 0;
		hashes[count++] = hash;
		hash = 0;
		start = i + 1;
	}
	if (start == subject.len)
		return 0;
	hashes[count++] = hash;
	return bare_walk(bare, 0, hashes, count);
}

static size_t bare_bytes(const struct bare *bare)
{
	return (bare->edges_mask + 1) * sizeof(*bare->edges) +
	       bare->nodes_size * sizeof(*bare->nodes);
}

/* --- what is asked ------------------------------------------------------------------------ */

struct world {
	struct td_trie *trie;
	struct bare bare;
	size_t patterns, subjects;
	char (*text)[TEXT_BYTES];
	struct td_text *subject;
};

static void pattern_write(char *text, size_t i)
{
	size_t r = i % 10, s = i / 10 % 10;

	if (i % 3 == 0)
		snprintf(text, TEXT_BYTES, "r%zu.*.d%zu.>", r, i);
	else if (i % 3 == 1)
		snprintf(text, TEXT_BYTES, "r%zu.s%zu.d%zu.*", r, s, i);
	else
		snprintf(text, TEXT_BYTES, "*.s%zu.d%zu.*", s, i);
}

static void subjects_write(struct world *world, size_t subjects)
{
	struct td_rng rng;

	td_rng_init(&rng, 7);
	world->subjects = subjects;
	for (size_t i = 0; i < subjects; i++) {
		size_t of = td_rng_below(&rng, world->patterns);

		snprintf(world->text[i], TEXT_BYTES, "r%zu.s%zu.d%zu.m%zu", of % 10, of / 10 % 10,
			of, (size_t)td_rng_below(&rng, 10));
		world->subject[i] = td_text(world->text[i]);
	}
}

static void add(struct td_trie *trie, const char *pattern, const char *type, void *interest)
{
	if (td_trie_add(trie, td_text(pattern), td_text(type), interest, NULL) != 0)
		abort();
	td_trie_limbo_free(td_trie_limbo_take(trie));
}

/* Fill both tries; *ours and *limit: ns per pattern. */
static void world_fill(struct world *world, size_t patterns, double *ours, double *limit)
{
	char(*text)[TEXT_BYTES] = must(calloc(patterns, TEXT_BYTES));
	uint64_t start;

	world->patterns = patterns;
	world->trie = must(td_trie_new(0x5EED));
	bare_init(&world->bare);
	for (size_t i = 0; i < patterns; i++)
		pattern_write(text[i], i);
	start = now_ns();
	for (size_t i = 0; i < patterns; i++)
		add(world->trie, text[i], NULL, &world->text[0]);
	*ours = (double)(now_ns() - start) / (double)patterns;
	start = now_ns();
	for (size_t i = 0; i < patterns; i++)
		bare_add(&world->bare, text[i]);
	*limit = (double)(now_ns() - start) / (double)patterns;
	free(text);
}

static void world_clear(struct world *world)
{
	td_trie_free(world->trie);
	bare_fini(&world->bare);
}

static void count_found(void *arg, void *interest)
{
	(void)interest;
	++*(size_t *)arg;
}

enum who { OURS, OURS_CALLING, LIMIT };

/* ns per match, over the subjects in their (random) order. */
static double round_ns(const struct world *world, enum who who)
{
	size_t matches = 1u << 17;
	size_t found = 0, called = 0;
	uint64_t start = now_ns();

	for (size_t i = 0, at = 0; i < matches; i++, at = at + 1 < world->subjects ? at + 1 : 0) {
		struct td_text subject = world->subject[at];

		if (who == LIMIT)
			found += bare_match(&world->bare, subject);
		else if (who == OURS)
			found += td_trie_match(world->trie, subject, td_text(NULL), NULL, NULL);
		else
			found += td_trie_match(
				world->trie, subject, td_text(NULL), count_found, &called);
	}
	start = now_ns() - start;
	if (found != matches || (who == OURS_CALLING && called != matches)) {
		fprintf(stderr, "bench_match: %zu found by %d, not %zu\n", found, who, matches);
		abort();
	}
	return (double)start / (double)matches;
}

static void show_matches(struct world *world)
{
	double ours[ROUNDS], calling[ROUNDS], limit[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		ours[i] = round_ns(world, OURS);
		limit[i] = round_ns(world, LIMIT);
		calling[i] = round_ns(world, OURS_CALLING);
	}
	double value = median(ours, ROUNDS), bare = median(limit, ROUNDS);

	printf("%9zu %9zu %9.1f %9.1f %9.1f %7.2f %11zu %11zu\n", world->patterns, world->subjects,
		value, median(calling, ROUNDS), bare, value / bare, td_trie_bytes(world->trie),
		bare_bytes(&world->bare));
}

static void show_inserts(struct world *world, size_t patterns)
{
	double ours[INSERT_ROUNDS], limit[INSERT_ROUNDS];

	for (int i = 0; i < INSERT_ROUNDS; i++) {
		world_fill(world, patterns, &ours[i], &limit[i]);
		world_clear(world);
	}
	double value = median(ours, INSERT_ROUNDS), bare = median(limit, INSERT_ROUNDS);

	printf("%9zu %9.1f %9.1f %7.2f\n", patterns, value, bare, value / bare);
}

/* --- types -------------------------------------------------------------------------------- */

static struct td_trie *typed_new(size_t types)
{
	struct td_trie *trie = must(td_trie_new(0x5EED));
	char type[TEXT_BYTES];

	for (size_t i = 0; i < types; i++) {
		snprintf(type, sizeof(type), "com.example.type%zu", i);
		add(trie, "r3.s7.*.m9", type, trie);
	}
	return trie;
}

static double typed_ns(const struct td_trie *trie)
{
	const struct td_text subject = TD_TEXT_INIT("r3.s7.d123.m9");
	const struct td_text type = TD_TEXT_INIT("com.example.type0");
	size_t matches = 1u << 17, found = 0;
	uint64_t start = now_ns();

	for (size_t i = 0; i < matches; i++)
		found += td_trie_match(trie, subject, type, NULL, NULL);
	if (found != matches)
		abort();
	return (double)(now_ns() - start) / (double)matches;
}

static void show_types(void)
{
	struct td_trie *one = typed_new(1), *many = typed_new(1000);
	double few_ns[ROUNDS], many_ns[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		few_ns[i] = typed_ns(one);
		many_ns[i] = typed_ns(many);
	}
	double few = median(few_ns, ROUNDS), value = median(many_ns, ROUNDS);

	printf("%9.1f %9.1f %7.2f\n", value, few, value / few);
	td_trie_free(one);
	td_trie_free(many);
}

int main(void)
{
	static const size_t patterns[] = {10, 1000, 100000};
	static char text[SUBJECTS_MAX][TEXT_BYTES];
	static struct td_text subject[SUBJECTS_MAX];
	struct world world = {.text = text, .subject = subject};
	double ours, limit;

	printf("match, ns; \"calling\" also calls back for each interest found\n");
	printf(" patterns  subjects     value   calling     limit   ratio       bytes limit "
	       "bytes\n");
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		world_fill(&world, patterns[i], &ours, &limit);
		subjects_write(&world, 256);
		show_matches(&world);
		subjects_write(&world, SUBJECTS_MAX);
		show_matches(&world);
		world_clear(&world);
	}
	printf("insert, ns per pattern\n");
	printf(" patterns     value     limit   ratio\n");
	show_inserts(&world, 1000);
	show_inserts(&world, 100000);
	printf("match, ns; 1,000 subscriptions that differ only in type beside one\n");
	printf("    1,000         1   ratio\n");
	show_types();
	return 0;
}
