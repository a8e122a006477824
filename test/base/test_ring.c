#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "alloc.h"
#include "base/base.h"

struct item {
	uint64_t producer, number;
	uint64_t check[5]; /* the rest of the line: a torn copy would show */
};
_Static_assert(sizeof(struct item) == TD_RING_PAYLOAD_BYTES, "a full payload");

typedef bool push_fn(struct td_ring *ring, const void *payload, size_t bytes);

static bool push_single(struct td_ring *ring, const void *payload, size_t bytes)
{
	return td_ring_push_single(ring, payload, bytes);
}

static bool push_many(struct td_ring *ring, const void *payload, size_t bytes)
{
	return td_ring_push(ring, payload, bytes);
}

static push_fn *const pushes[] = {push_single, push_many};

static void ring_rounds_its_capacity_up(void **state)
{
	static const size_t rows[][2] = {{0, 2}, {1, 2}, {2, 2}, {3, 4}, {64, 64}, {65, 128}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct td_ring *ring = td_ring_new(rows[i][0]);
		assert_int_equal(td_ring_capacity(ring), rows[i][1]);
		assert_int_equal((uintptr_t)ring->cells % 64, 0);
		td_ring_free(ring);
	}
	assert_null(td_ring_new(SIZE_MAX));
	assert_null(td_ring_new(SIZE_MAX / 64));
	td_ring_free(NULL);
}

static void ring_refuses_exactly_when_full_and_when_empty(void **state)
{
	(void)state;
	for (size_t capacity = 2; capacity <= 256; capacity *= 2) {
		for (size_t p = 0; p < 2; p++) {
			struct td_ring *ring = td_ring_new(capacity);
			uint64_t in = 0, out = 0, value;

			for (int lap = 0; lap < 5; lap++) {
				while (pushes[p](ring, &in, sizeof(in)))
					in++;
				assert_int_equal(in - out, capacity);
				assert_int_equal(td_ring_count(ring), capacity);
				/* One out, one in: to the last cell. */
				assert_true(td_ring_pop(ring, &value, sizeof(value)));
				assert_int_equal(value, out++);
				assert_true(pushes[p](ring, &in, sizeof(in)));
				in++;
				assert_false(pushes[p](ring, &in, sizeof(in)));
				while (td_ring_pop(ring, &value, sizeof(value)))
					assert_int_equal(value, out++);
				assert_int_equal(in, out);
				assert_int_equal(td_ring_count(ring), 0);
			}
			td_ring_free(ring);
		}
	}
}

struct work {
	struct td_ring *ring;
	push_fn *push;
	uint64_t producer, count;
	uint64_t refused;
};

static void *produce(void *arg)
{
	struct work *work = arg;

	for (uint64_t i = 0; i < work->count; i++) {
		struct item item = {work->producer, i, {i, i + 1, i + 2, i + 3, i + 4}};
		while (!work->push(work->ring, &item, sizeof(item))) {
			work->refused++;
			sched_yield();
		}
	}
	return NULL;
}

/* Take all; each producer's come in order, whole, none lost, none twice. */
static void consume(struct td_ring *ring, size_t producers, uint64_t each)
{
	uint64_t next[8] = {0};

	for (uint64_t left = producers * each; left > 0;) {
		struct item item;

		if (!td_ring_pop(ring, &item, sizeof(item))) {
			sched_yield();
			continue;
		}
		assert_true(item.producer < producers);
		assert_true(item.number == next[item.producer]++);
		for (uint64_t k = 0; k < 5; k++)
			assert_true(item.check[k] == item.number + k);
		left--;
	}
	assert_int_equal(td_ring_count(ring), 0);
}

static void pass_through(size_t capacity, size_t producers, uint64_t each, push_fn *push)
{
	struct td_ring *ring = td_ring_new(capacity);
	struct work work[8];
	pthread_t threads[8];

	for (size_t i = 0; i < producers; i++) {
		work[i] = (struct work){ring, push, i, each, 0};
		assert_int_equal(pthread_create(&threads[i], NULL, produce, &work[i]), 0);
	}
	consume(ring, producers, each);
	for (size_t i = 0; i < producers; i++)
		pthread_join(threads[i], NULL);
	td_ring_free(ring);
}

static void ring_passes_all_in_order_from_one_producer(void **state)
{
	(void)state;
	for (size_t capacity = 2; capacity <= 1024; capacity *= 8)
		pass_through(capacity, 1, 100000, push_single);
}

static void ring_passes_all_in_order_from_many_producers(void **state)
{
	(void)state;
	for (size_t capacity = 2; capacity <= 1024; capacity *= 2)
		pass_through(capacity, 4, 20000, push_many);
	pass_through(64, 8, 20000, push_many);
	pass_through(1024, 1, 100000, push_many);
}

/* More producers than half the ring, held up wherever the scheduler likes: tickets overshoot. */
static void ring_settles_a_ticket_that_overshot(void **state)
{
	struct td_ring *ring = td_ring_new(64);
	uint64_t value = 0, ticket;

	(void)state;
	/* As if 64 had looked at the empty ring, and one more: all tickets, then the fills. */
	for (uint64_t i = 0; i < 64; i++) {
		ticket = atomic_fetch_add(&ring->tail, 1);
		td_ring_fill(td_ring_cell(ring, ticket), ticket, &ticket, sizeof(ticket));
	}
	assert_false(td_ring_push(ring, &value, sizeof(value)));
	ticket = atomic_fetch_add(&ring->tail, 1);
	assert_int_equal(td_ring_count(ring), 64);
	assert_false(td_ring_push(ring, &value, sizeof(value))); /* 65 tickets: still only "full" */
	assert_true(td_ring_pop(ring, &value, sizeof(value)));
	td_ring_settle(ring, ticket);
	td_ring_fill(td_ring_cell(ring, ticket), ticket, &ticket, sizeof(ticket));
	for (uint64_t i = 1; i <= 64; i++) {
		assert_true(td_ring_pop(ring, &value, sizeof(value)));
		assert_int_equal(value, i);
	}
	assert_false(td_ring_pop(ring, &value, sizeof(value)));
	td_ring_free(ring);
}

static int make_a_ring(void *arg)
{
	struct td_ring *ring = td_ring_new(100);

	(void)arg;
	td_ring_free(ring);
	return ring != NULL ? 0 : TD_E_NOMEM;
}

static void ring_survives_lack_of_memory(void **state)
{
	(void)state;
	assert_int_equal(alloc_torture(make_a_ring, NULL), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ring_rounds_its_capacity_up),
		cmocka_unit_test(ring_refuses_exactly_when_full_and_when_empty),
		cmocka_unit_test(ring_passes_all_in_order_from_one_producer),
		cmocka_unit_test(ring_passes_all_in_order_from_many_producers),
		cmocka_unit_test(ring_settles_a_ticket_that_overshot),
		cmocka_unit_test(ring_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
