/*
 * A world from one seed: time, dice, a trace, counters. What lives in it (a machine of deliveries;
 * later a bus, a journal) is a *kind* of world, below.
 *
 * The seed decides everything. So two runs of a seed leave the same trace, and whoever is told the
 * seed of a failure can watch it happen again. Time is virtual and moves only when the kind says
 * so; it begins at the same moment in every world. Nothing here calls the operating system.
 *
 * The dice come from a generator, or from given bytes (a fuzzer's), which may run out: then every
 * throw is 0 and sim_is_over() says so.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "sys/sys.h"

struct sim_kind;

struct sim_world {
	const struct sim_kind *kind;
	uint64_t seed;
	int64_t now_ns;          /* monotonic; only goes up */
	struct td_clock clock;   /* what `now_ns` looks like through src/sys */
	struct td_random random; /* the dice, through src/sys */
	uint64_t trace;          /* hash of all that happened so far */
	struct td_buf config;    /* what was drawn for this world, as text */
	struct td_error failure; /* the first; code 0: none */
	bool verbose;            /* show the trace as it happens */
	bool without_model;      /* leave it to the checker alone */

	struct td_rng rng;
	const uint8_t *bytes, *bytes_end; /* the dice instead, unless bytes is NULL */
	bool over;                        /* they ran out */
	uint64_t *counts;                 /* one for each counter of the kind */
};

struct sim_kind {
	const char *name; /* as `sim --world NAME` has it */
	/* Play it, from drawing its configuration to its end; what went wrong is sim_fail()ed. */
	void (*play)(struct sim_world *world);
	/* What must have happened again and again, or the world is not what we think it is. */
	const char *const *counters;
	size_t counters_count;
	unsigned costs; /* as much time as so many others: of thousands so many fewer are played, */
	bool from_one;  /* and from seed 1 on: others may still show that its checker is wrong */
	bool by_name;   /* played only if it is asked for: not all of its seeds pass yet */
};

/* `counts` (kind->counters_count of them, the caller's) are added to, over many worlds. */
void sim_world_init(
	struct sim_world *world, const struct sim_kind *kind, uint64_t seed, uint64_t *counts);
/* The same with bytes for dice. */
void sim_world_init_bytes(struct sim_world *world, const struct sim_kind *kind,
	const uint8_t *bytes, size_t len, uint64_t *counts);
void sim_world_fini(struct sim_world *world);

/* --- dice --------------------------------------------------------------------------------- */

/* Uniform in [0, bound), 0 for bound 0. */
uint64_t sim_below(struct sim_world *world, uint64_t bound);
/* Uniform in [least, most]. */
int64_t sim_between(struct sim_world *world, int64_t least, int64_t most);
/* True so often in a thousand. */
bool sim_chance(struct sim_world *world, unsigned in_thousand);
/* Uniform in [0, 1). */
double sim_unit(struct sim_world *world);
/* The bytes ran out: a kind ends its play then. Never with a generator. */
bool sim_is_over(const struct sim_world *world);

/* --- time --------------------------------------------------------------------------------- */

int64_t sim_now_ms(const struct sim_world *world);
void sim_advance_ms(struct sim_world *world, int64_t ms);

/* --- what happened ------------------------------------------------------------------------ */

/* One step: into the hash, and shown if the world is verbose. */
void sim_trace(struct sim_world *world, const char *what, const uint64_t *values, size_t count);
void sim_count(struct sim_world *world, unsigned counter);
bool sim_failed(const struct sim_world *world);
/* Something is wrong: a format and its arguments. Only the first is kept. */
#define sim_fail(world, ...)                                                                      \
	do {                                                                                      \
		if (!sim_failed(world))                                                           \
			td_error_set(&(world)->failure, TD_E_INVALID, TD_NO_OFFSET, __VA_ARGS__); \
	} while (0)

#endif
