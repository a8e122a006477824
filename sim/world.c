#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CONFIG_BYTES_MAX 10000
#define NS_PER_MS        1000000
#define BEGIN_MS         1000000               /* so that a clock may step back a little */
#define WALL_BEGIN_NS    1763688000000000000LL /* 2025-11-21T01:20:00Z */

/* --- the seams ---------------------------------------------------------------------------- */

static int64_t clock_monotonic(void *arg)
{
	const struct sim_world *world = arg;

	return world->now_ns;
}

static td_time clock_wall(void *arg)
{
	return WALL_BEGIN_NS + clock_monotonic(arg);
}

static void random_fill(void *arg, void *bytes, size_t len)
{
	unsigned char *at = bytes;

	for (size_t i = 0; i < len; i++)
		at[i] = (unsigned char)sim_below(arg, 256);
}

/* --- begin and end ------------------------------------------------------------------------ */

void sim_world_init(
	struct sim_world *world, const struct sim_kind *kind, uint64_t seed, uint64_t *counts)
{
	*world = (struct sim_world){
		.kind = kind,
		.seed = seed,
		.now_ns = (int64_t)BEGIN_MS * NS_PER_MS,
		.clock = {.wall = clock_wall, .monotonic = clock_monotonic, .arg = world},
		.random = {.fill = random_fill, .arg = world},
		.config = TD_BUF_INIT(CONFIG_BYTES_MAX),
		.failure = TD_ERROR_INIT,
	};
	world->counts = counts;
	td_rng_init(&world->rng, seed);
}

void sim_world_init_bytes(struct sim_world *world, const struct sim_kind *kind,
	const uint8_t *bytes, size_t len, uint64_t *counts)
{
	sim_world_init(world, kind, 0, counts);
	world->bytes = bytes;
	world->bytes_end = bytes + len;
}

void sim_world_fini(struct sim_world *world)
{
	td_buf_fini(&world->config);
}

/* --- dice --------------------------------------------------------------------------------- */

/* As many bytes as the bound needs. */
static uint64_t below_of_bytes(struct sim_world *world, uint64_t bound)
{
	uint64_t value = 0;

	for (uint64_t room = bound - 1; room > 0; room >>= 8) {
		if (world->bytes == world->bytes_end) {
			world->over = true;
			return 0;
		}
		value = value << 8 | *world->bytes++;
	}
	return value % bound;
}

uint64_t sim_below(struct sim_world *world, uint64_t bound)
{
	if (bound <= 1)
		return 0;
	return world->bytes != NULL ? below_of_bytes(world, bound)
				    : td_rng_below(&world->rng, bound);
}

int64_t sim_between(struct sim_world *world, int64_t least, int64_t most)
{
	TD_ASSERT(least <= most && most - least < INT64_MAX);
	return least + (int64_t)sim_below(world, (uint64_t)(most - least) + 1);
}

bool sim_chance(struct sim_world *world, unsigned in_thousand)
{
	return sim_below(world, 1000) < in_thousand;
}

double sim_unit(struct sim_world *world)
{
	return (double)sim_below(world, 1u << 16) / (double)(1u << 16);
}

bool sim_is_over(const struct sim_world *world)
{
	return world->over;
}

/* --- time --------------------------------------------------------------------------------- */

int64_t sim_now_ms(const struct sim_world *world)
{
	return world->now_ns / NS_PER_MS;
}

void sim_advance_ms(struct sim_world *world, int64_t ms)
{
	TD_ASSERT(ms >= 0 && ms <= (INT64_MAX - world->now_ns) / NS_PER_MS);
	world->now_ns += ms * NS_PER_MS;
}

/* --- what happened ------------------------------------------------------------------------ */

void sim_trace(struct sim_world *world, const char *what, const uint64_t *values, size_t count)
{
	uint64_t hash = td_hash_u64(world->trace ^ (uint64_t)world->now_ns);

	hash = td_hash(what, strlen(what), hash);
	for (size_t i = 0; i < count; i++)
		hash = td_hash_u64(hash ^ values[i]) + i;
	world->trace = hash;
	if (!world->verbose)
		return;
	printf("%10" PRId64 " ms  %-10s", sim_now_ms(world), what);
	for (size_t i = 0; i < count; i++)
		printf(" %" PRId64, (int64_t)values[i]);
	putchar('\n');
}

void sim_count(struct sim_world *world, unsigned counter)
{
	TD_ASSERT(counter < world->kind->counters_count);
	world->counts[counter]++;
}

bool sim_failed(const struct sim_world *world)
{
	return world->failure.code != 0;
}
