/*
 * The world of busses with the fuzzer's bytes for dice: they draw its configuration and every step.
 * Property: all that sim/ asks for on the way (what handlers see, what calls answer, the bus's own
 * invariants, that all is done in the end when it is healed). The checker is left out: what it takes
 * for wrong where nobody can tell (sim/README.md) is what a fuzzer would find first.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bus/busses.h"
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t counts[64] = {0};
	struct sim_world world;

	TD_ASSERT(sim_busses.counters_count <= 64);
	sim_world_init_bytes(&world, &sim_busses, data, size, counts);
	sim_busses.play(&world);
	if (sim_failed(&world)) {
		fprintf(stderr, "%s\n%.*s", world.failure.text, (int)world.config.len,
			world.config.at);
		abort();
	}
	sim_world_fini(&world);
	return 0;
}
