/*
 * The world of deliveries with the fuzzer's bytes for dice: they draw its configuration and every
 * step. Property: all that sim/ asks for; model and machine agree, and the checker is content.
 */
#include <stdio.h>
#include <stdlib.h>

#include "delivery/deliveries.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t counts[64] = {0};
	struct sim_world world;

	TD_ASSERT(sim_deliveries.counters_count <= 64);
	sim_world_init_bytes(&world, &sim_deliveries, data, size, counts);
	sim_deliveries.play(&world);
	if (sim_failed(&world)) {
		fprintf(stderr, "%s\n%.*s", world.failure.text, (int)world.config.len,
			world.config.at);
		abort();
	}
	sim_world_fini(&world);
	return 0;
}
