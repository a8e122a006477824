#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "match/match.h"

/*
 * Readers match all the time while a writer adds and removes. Each interest has a number that is
 * odd while it is there: if it is the same odd number before and after a match, that match must
 * have found it. What the writer removed it frees as soon as every reader has ended the match it
 * was in, so that a sanitizer sees who still looks.
 */

enum { READERS = 2, INTERESTS = 240, REMOVED = 16, CHANGES = 20000, MILLISECONDS = 1500 };

static const char *const patterns[] = {"a.b.c", "a.*.c", "a.b.*", "a.>", "*.*.c", "*.*.*", "*.>",
	"a.b.c.identifier", "*.*.*.*", "*.*.*.>", "a.identifier.c", ">"};
static const char *const addresses[] = {
	"a.b.c", "a.x.c", "x.b.c", "a.b.c.identifier", "a.identifier.c", "x"};
static const char *const types[] = {NULL, "T", "OrderPlaced"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct interest {
	size_t at;
	struct td_text pattern, type;
};

struct world {
	struct td_trie *trie;
	_Atomic unsigned there[INTERESTS];
	_Atomic unsigned turns[READERS]; /* odd: inside a match */
	_Atomic bool stop;
	_Atomic size_t wrong, missed, matches;
	/* The writer's. */
	struct interest *interests[INTERESTS];
	struct interest *removed[REMOVED]; /* to be freed when nobody can hold them any more */
	size_t removed_count;
};

static struct td_text pattern_of(size_t i)
{
	return td_text(patterns[i % COUNT(patterns)]);
}

static struct td_text type_of(size_t i)
{
	return td_text(types[i / COUNT(patterns) % COUNT(types)]);
}

static bool type_fits(struct td_text wanted, struct td_text type)
{
	return wanted.at == NULL || td_text_equal(wanted, type);
}

struct reading {
	struct world *world;
	struct td_text address, type;
	unsigned found[INTERESTS];
	bool slow; /* gives the writer time in the middle of a match */
};

static void found(void *arg, void *pointer)
{
	struct reading *reading = arg;
	const struct interest *interest = pointer;

	if (reading->slow)
		sched_yield();
	reading->found[interest->at]++;
	if (!td_pattern_matches(interest->pattern, reading->address) ||
		!type_fits(interest->type, reading->type))
		atomic_fetch_add(&reading->world->wrong, 1);
}

static void look_once(struct reading *reading, size_t reader)
{
	struct world *world = reading->world;
	unsigned before[INTERESTS];

	memset(reading->found, 0, sizeof(reading->found));
	for (size_t i = 0; i < INTERESTS; i++)
		before[i] = atomic_load_explicit(&world->there[i], memory_order_acquire);
	atomic_fetch_add(&world->turns[reader], 1);
	td_trie_match(world->trie, reading->address, reading->type, found, reading);
	atomic_fetch_add(&world->turns[reader], 1);
	for (size_t i = 0; i < INTERESTS; i++) {
		bool fits = td_pattern_matches(pattern_of(i), reading->address) &&
			    type_fits(type_of(i), reading->type);

		if (fits && before[i] % 2 == 1 && before[i] == atomic_load(&world->there[i]) &&
			reading->found[i] != 1)
			atomic_fetch_add(&world->missed, 1);
	}
	atomic_fetch_add(&world->matches, 1);
}

struct reader {
	struct world *world;
	size_t number;
};

static void *reader_run(void *arg)
{
	const struct reader *reader = arg;
	struct reading reading = {.world = reader->world};

	for (size_t i = reader->number; !atomic_load(&reader->world->stop); i++) {
		reading.address = td_text(addresses[i % COUNT(addresses)]);
		reading.type = td_text(types[i / COUNT(addresses) % COUNT(types)]);
		reading.slow = i % 8 == 0;
		look_once(&reading, reader->number);
	}
	return NULL;
}

/*
 * Wait until every reader has ended the match it may be in. Both sides change the turn, so either
 * the writer sees it odd, or the reader sees all that the writer did before.
 */
static void wait_for_readers(struct world *world)
{
	for (size_t i = 0; i < READERS; i++) {
		unsigned turn = atomic_fetch_add(&world->turns[i], 0);

		while (turn % 2 == 1 && atomic_load(&world->turns[i]) == turn)
			sched_yield();
	}
}

static struct interest *interest_new(size_t at)
{
	struct interest *interest = malloc(sizeof(*interest));

	if (interest == NULL)
		abort();
	*interest = (struct interest){at, pattern_of(at), type_of(at)};
	return interest;
}

static void free_removed(struct world *world)
{
	struct td_trie_limbo *limbo = td_trie_limbo_take(world->trie);

	wait_for_readers(world);
	td_trie_limbo_free(limbo);
	for (size_t i = 0; i < world->removed_count; i++)
		free(world->removed[i]);
	world->removed_count = 0;
}

static void change(struct world *world, size_t at)
{
	struct interest **interest = &world->interests[at];

	if (*interest == NULL) {
		*interest = interest_new(at);
		if (td_trie_add(world->trie, pattern_of(at), type_of(at), *interest, NULL) != 0)
			abort();
		atomic_fetch_add(&world->there[at], 1);
		return;
	}
	atomic_fetch_add(&world->there[at], 1);
	if (!td_trie_remove(world->trie, pattern_of(at), type_of(at), *interest))
		abort();
	world->removed[world->removed_count++] = *interest;
	*interest = NULL;
	if (world->removed_count == REMOVED)
		free_removed(world);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void write_much(struct world *world)
{
	int64_t end = now_ms() + MILLISECONDS;
	struct td_rng rng;

	td_rng_init(&rng, 3);
	for (size_t i = 0; i < CHANGES && now_ms() < end; i++) {
		/* By turns few and many at a time: sets and tables grow and shrink. */
		size_t few = i / 500 % 2 == 0 ? INTERESTS : INTERESTS / 10;

		change(world, td_rng_below(&rng, few));
		if (i % 500 == 0)
			td_trie_verify(world->trie);
	}
	for (size_t i = 0; i < INTERESTS; i++) {
		if (world->interests[i] != NULL)
			change(world, i);
	}
	free_removed(world);
}

static void trie_readers_see_what_was_there_all_the_while(void **state)
{
	static struct world world;
	struct reader readers[READERS];
	pthread_t threads[READERS];

	(void)state;
	world.trie = td_trie_new(5);
	assert_non_null(world.trie);
	for (size_t i = 0; i < READERS; i++) {
		readers[i] = (struct reader){&world, i};
		assert_int_equal(pthread_create(&threads[i], NULL, reader_run, &readers[i]), 0);
	}
	write_much(&world);
	while (atomic_load(&world.matches) < 1000)
		sched_yield();
	atomic_store(&world.stop, true);
	for (size_t i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(world.wrong, 0);
	assert_int_equal(world.missed, 0);
	assert_int_equal(td_trie_count(world.trie), 0);
	td_trie_verify(world.trie);
	td_trie_free(world.trie);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trie_readers_see_what_was_there_all_the_while),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
