#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "disk/disk.h"
#include "sys/disk_conformance.h"

/* --- a disk for a test -------------------------------------------------------------------- */

static uint64_t counts[SIM_DISK_COUNTS];

static struct sim_disk *disk_of_seed(uint64_t seed)
{
	struct sim_disk_options options = {.counts = counts};

	td_rng_init(&options.rng, seed);
	return sim_disk_new(&options);
}

static struct sim_disk *conforming;

static struct disk_place disk_place_begin(void)
{
	struct disk_place place = {.path = "/place"};

	conforming = disk_of_seed(1);
	place.disk = sim_disk_table(conforming);
	assert_int_equal(td_disk_open_dir(place.disk, TD_DISK_NOWHERE, place.path, TD_DISK_CREATE,
				 &place.dir),
		0);
	return place;
}

static void disk_place_end(struct disk_place *place)
{
	td_disk_close(place->disk, place->dir);
	sim_disk_free(conforming);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DISK_CONFORMANCE_TESTS,
	};

	return cmocka_run_group_tests_name("simulated disk", tests, NULL, NULL);
}
