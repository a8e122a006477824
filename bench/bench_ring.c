/*
 * The queue between threads, bare: ours against a minimal ring of the same idea, in one run.
 *
 *	single  one producer. Limit: the sequence in the slot and nothing else.
 *	many    the protocol for many producers, with one. Limit: a fetch_add ticket and the
 *	        sequence in the slot; it cannot answer "full", its producer waits.
 *
 * Producer on core 0, consumer on core 1, 56-byte payloads, order checked, rounds alternating. Both
 * cores are needed whole: on a busy machine run it as `chrt -f 10 bench_ring`.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/base.h"

#define CAPACITY 4096
#define ITEMS    400000u
#define ROUNDS   31

struct item {
	uint64_t number;
	uint64_t rest[6];
};

static inline void pause_a_bit(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

/* As a handler would: the whole item, in memory. */
static inline void take(const struct item *item, uint64_t number)
{
	__asm__ volatile("" : : "r"(item) : "memory");
	TD_ASSERT(item->number == number);
}

/* --- the limit ---------------------------------------------------------------------------- */

struct plain {
	_Alignas(128) uint64_t tail;
	_Alignas(128) _Atomic uint64_t tail_of_many;
	_Alignas(128) uint64_t head;
	_Alignas(128) struct td_ring_cell cells[CAPACITY];
};

static struct plain plain;

static void plain_reset(void)
{
	plain.tail = 0;
	plain.tail_of_many = 0;
	plain.head = 0;
	for (uint64_t i = 0; i < CAPACITY; i++)
		plain.cells[i].sequence = i;
}

static inline void plain_put(uint64_t ticket, const struct item *item)
{
	struct td_ring_cell *cell = &plain.cells[ticket % CAPACITY];

	while (atomic_load_explicit(&cell->sequence, memory_order_acquire) != ticket)
		pause_a_bit();
	memcpy(cell->payload, item, sizeof(*item));
	atomic_store_explicit(&cell->sequence, ticket + 1, memory_order_release);
}

static inline void plain_get(struct item *item)
{
	uint64_t head = plain.head++;
	struct td_ring_cell *cell = &plain.cells[head % CAPACITY];

	while (atomic_load_explicit(&cell->sequence, memory_order_acquire) != head + 1)
		pause_a_bit();
	memcpy(item, cell->payload, sizeof(*item));
	atomic_store_explicit(&cell->sequence, head + CAPACITY, memory_order_release);
}

static void plain_produce_single(void)
{
	for (uint64_t i = 0; i < ITEMS; i++) {
		struct item item = {i, {i}};
		plain_put(plain.tail++, &item);
	}
}

static void plain_produce_many(void)
{
	for (uint64_t i = 0; i < ITEMS; i++) {
		struct item item = {i, {i}};
		plain_put(atomic_fetch_add_explicit(&plain.tail_of_many, 1, memory_order_relaxed),
			&item);
	}
}

static void plain_consume(void)
{
	for (uint64_t i = 0; i < ITEMS; i++) {
		struct item item;
		plain_get(&item);
		take(&item, i);
	}
}

/* --- ours --------------------------------------------------------------------------------- */

static struct td_ring *made;

static void our_reset(void)
{
	td_ring_free(made);
	made = td_ring_new(CAPACITY);
	TD_ASSERT(made != NULL);
}

static void our_produce_single(void)
{
	struct td_ring *ring = made;

	for (uint64_t i = 0; i < ITEMS; i++) {
		struct item item = {i, {i}};
		while (!td_ring_push_single(ring, &item, sizeof(item)))
			pause_a_bit();
	}
}

static void our_produce_many(void)
{
	struct td_ring *ring = made;

	for (uint64_t i = 0; i < ITEMS; i++) {
		struct item item = {i, {i}};
		while (!td_ring_push(ring, &item, sizeof(item)))
			pause_a_bit();
	}
}

static void our_consume(void)
{
	struct td_ring *ring = made;

	for (uint64_t i = 0; i < ITEMS; i++) {
		struct item item;
		while (!td_ring_pop(ring, &item, sizeof(item)))
			pause_a_bit();
		take(&item, i);
	}
}

/* --- rounds ------------------------------------------------------------------------------- */

struct contestant {
	void (*reset)(void);
	void (*produce)(void);
	void (*consume)(void);
	double rates[ROUNDS]; /* million a second */
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void pin(size_t core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	sched_setaffinity(0, sizeof(set), &set); /* where there is one core only, so be it */
}

static pthread_barrier_t barrier;

static void *consumer(void *arg)
{
	const struct contestant *one = arg;

	pin(1);
	pthread_barrier_wait(&barrier);
	one->consume();
	return NULL;
}

static double play(struct contestant *one)
{
	pthread_t thread;
	double start;

	one->reset();
	if (pthread_create(&thread, NULL, consumer, one) != 0)
		exit(1);
	pthread_barrier_wait(&barrier);
	start = now();
	one->produce();
	pthread_join(thread, NULL);
	return ITEMS / (now() - start) * 1e-6;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(struct contestant *one)
{
	qsort(one->rates, ROUNDS, sizeof(double), ascending);
	return one->rates[ROUNDS / 2];
}

static void compare(const char *name, struct contestant ours, struct contestant limit)
{
	double value, bound;

	play(&ours);
	play(&limit);
	for (int i = 0; i < ROUNDS; i++) {
		limit.rates[i] = play(&limit);
		ours.rates[i] = play(&ours);
	}
	value = median(&ours);
	bound = median(&limit);
	printf("ring %-8s  ours %6.1f M/s (%.1f-%.1f)   limit %6.1f M/s (%.1f-%.1f)   ratio %.2f"
	       "   (wanted >= 0.80)\n",
		name, value, ours.rates[0], ours.rates[ROUNDS - 1], bound, limit.rates[0],
		limit.rates[ROUNDS - 1], value / bound);
}

int main(void)
{
	pin(0);
	pthread_barrier_init(&barrier, NULL, 2);
	compare("single", (struct contestant){our_reset, our_produce_single, our_consume, {0}},
		(struct contestant){plain_reset, plain_produce_single, plain_consume, {0}});
	compare("many", (struct contestant){our_reset, our_produce_many, our_consume, {0}},
		(struct contestant){plain_reset, plain_produce_many, plain_consume, {0}});
	pthread_barrier_destroy(&barrier);
	td_ring_free(made);
	return 0;
}
