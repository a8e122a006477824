/*
 * What admit + take + settle cost together, for one delivery. No peer: the bare loop is the limit.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "delivery/delivery.h"

#define ROUNDS       9
#define DELIVERIES   2000000u
#define TOGETHER_MAX 32u

struct setting {
	const char *what;
	bool keyed;
	uint64_t keys;  /* keys go round */
	unsigned burst; /* admitted before they are taken */
	size_t together;
};

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* A run of one key: taken, then settled; how many. */
static unsigned take_run(struct td_delivery *delivery, const struct setting *setting)
{
	struct td_due due[TOGETHER_MAX];
	unsigned count = 1;

	TD_ASSERT(td_delivery_take(delivery, 0, &due[0]));
	while (count < setting->together &&
		td_delivery_take_behind(delivery, due[0].ticket, 0, &due[count]))
		count++;
	for (unsigned i = 0; i < count; i++)
		td_delivery_settle(delivery, due[i].ticket, TD_SETTLE_DONE, 0, 0, 0);
	return count;
}

/* One by one: `burst` are admitted, then all of them taken and settled. */
static void deliver(struct td_delivery *delivery, const struct setting *setting)
{
	uint64_t key = 0;

	for (uint64_t i = 0; i < DELIVERIES; i += setting->burst) {
		for (unsigned n = 0; n < setting->burst; n++) {
			key = key < setting->keys ? key + 1 : 1;
			TD_ASSERT(td_delivery_admit(delivery, i + n,
					  setting->keyed ? td_hash_u64(key) : 0) == 0);
		}
		for (unsigned n = 0; n < setting->burst;)
			n += take_run(delivery, setting);
	}
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(const struct setting *setting)
{
	struct td_delivery *delivery = td_delivery_new(&(struct td_delivery_options){
		.keyed = setting->keyed, .owed_max = 65536, .together_max = setting->together});
	double ns[ROUNDS];

	TD_ASSERT(delivery != NULL);
	deliver(delivery, setting); /* warm: memory is had */
	for (int round = 0; round < ROUNDS; round++) {
		double start = seconds();
		deliver(delivery, setting);
		ns[round] = (seconds() - start) * 1e9 / DELIVERIES;
	}
	qsort(ns, ROUNDS, sizeof(ns[0]), ascending);
	printf("delivery: admit + take + settle, %-34s %6.1f ns (%.1f to %.1f)\n", setting->what,
		ns[ROUNDS / 2], ns[0], ns[ROUNDS - 1]);
	td_delivery_free(delivery);
}

int main(void)
{
	const struct setting settings[] = {
		{"no keys, one by one", false, 1, 1, 1},
		{"no keys, 1,000 at a time", false, 1, 1000, 1},
		{"1 key, one by one", true, 1, 1, 1},
		{"1 key, 1,000 at a time", true, 1, 1000, 1},
		{"1 key, 1,000 at a time, 32 together", true, 1, 1000, TOGETHER_MAX},
		{"1,000 keys, one by one", true, 1000, 1, 1},
		{"1,000 keys, 1,000 at a time", true, 1000, 1000, 1},
		{"1,000 keys, 10,000 at a time", true, 1000, 10000, 1},
	};

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		measure(&settings[i]);
	return 0;
}
