#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>

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

/* --- a file to harm ----------------------------------------------------------------------- */

struct victim {
	struct sim_disk *disk;
	struct disk_place place;
	int file; /* "a": four sectors of 'a', synced */
};

#define VICTIM_BYTES (4 * TD_DISK_SECTOR)

static struct victim victim_of(struct sim_disk *disk)
{
	struct victim victim = {.disk = disk, .place = {.disk = sim_disk_table(disk)}};
	char bytes[VICTIM_BYTES];

	memset(bytes, 'a', sizeof(bytes));
	assert_int_equal(
		td_disk_open_dir(victim.place.disk, TD_DISK_NOWHERE, "/", 0, &victim.place.dir), 0);
	victim.file = file_of(&victim.place, "a", NEW);
	assert_int_equal(
		td_disk_write_all(victim.place.disk, victim.file, bytes, sizeof(bytes), 0), 0);
	assert_int_equal(td_disk_sync(victim.place.disk, victim.file), 0);
	assert_int_equal(td_disk_sync_dir(victim.place.disk, victim.place.dir), 0);
	return victim;
}

static void overwrite(const struct victim *victim, char with)
{
	char bytes[VICTIM_BYTES];

	memset(bytes, with, sizeof(bytes));
	assert_int_equal(
		td_disk_write_all(victim->place.disk, victim->file, bytes, sizeof(bytes), 0), 0);
}

/* How many of the file's sectors are full of this, as `flags` show it. */
static size_t sectors_of(const struct victim *victim, char with, unsigned flags)
{
	int file = file_of(&victim->place, "a", TD_DISK_READ | flags);
	char *bytes = td_disk_buffer_new(VICTIM_BYTES);
	size_t count = 0, got = 0, same;

	assert_non_null(bytes);
	assert_int_equal(
		td_disk_read_all(victim->place.disk, file, bytes, TD_DISK_ALIGN, 0, &got), 0);
	assert_int_equal(got, VICTIM_BYTES);
	for (size_t at = 0; at < VICTIM_BYTES; at += TD_DISK_SECTOR) {
		for (same = 0; same < TD_DISK_SECTOR && bytes[at + same] == with;)
			same++;
		count += same == TD_DISK_SECTOR;
	}
	td_disk_buffer_free(bytes);
	td_disk_close(victim->place.disk, file);
	return count;
}

static void crash(struct victim *victim, uint64_t seed)
{
	sim_disk_crash(victim->disk, &(struct sim_disk_fate){.seed = seed});
	assert_int_equal(
		td_disk_open_dir(victim->place.disk, TD_DISK_NOWHERE, "/", 0, &victim->place.dir),
		0);
	victim->file = file_of(&victim->place, "a", RW);
}

/* --- faults ------------------------------------------------------------------------------- */

static void failed_sync_is_believed_clean_and_was_not_written(void **state)
{
	size_t lost = 0, kept = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct victim victim = victim_of(disk_of_seed(seed));
		size_t written;

		overwrite(&victim, 'b');
		sim_disk_fail_at(victim.disk, SIM_DISK_CALL_SYNC, 1, EIO, false);
		assert_int_equal(td_disk_sync(victim.place.disk, victim.file), EIO);
		assert_int_equal(td_disk_sync(victim.place.disk, victim.file), 0);
		assert_int_equal(sim_disk_unsynced(victim.disk), 0);
		assert_int_equal(sectors_of(&victim, 'b', 0), 4); /* the cache shows it all */
		written = sectors_of(&victim, 'b', TD_DISK_DIRECT);
		assert_int_equal(sectors_of(&victim, 'a', TD_DISK_DIRECT), 4 - written);
		sim_disk_kill(victim.disk); /* restarting the process does not help */
		assert_int_equal(td_disk_open_dir(victim.place.disk, TD_DISK_NOWHERE, "/", 0,
					 &victim.place.dir),
			0);
		assert_int_equal(sectors_of(&victim, 'b', 0), 4);
		crash(&victim, seed);
		assert_int_equal(sectors_of(&victim, 'b', 0), written);
		lost += written < 4;
		kept += written > 0;
		/* Written again, it is dirty again, and then it holds. */
		overwrite(&victim, 'c');
		assert_int_equal(td_disk_sync(victim.place.disk, victim.file), 0);
		crash(&victim, seed);
		assert_int_equal(sectors_of(&victim, 'c', 0), 4);
		sim_disk_free(victim.disk);
	}
	assert_true(lost > 0 && kept > 0);
}

static void failed_sync_can_revert_what_reads_see(void **state)
{
	struct sim_disk_options options = {.failed_sync_reverts = true};

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct victim victim;
		size_t written;

		td_rng_init(&options.rng, seed);
		victim = victim_of(sim_disk_new(&options));
		overwrite(&victim, 'b');
		sim_disk_fail_at(victim.disk, SIM_DISK_CALL_SYNC, 1, EIO, false);
		assert_int_equal(td_disk_sync(victim.place.disk, victim.file), EIO);
		written = sectors_of(&victim, 'b', TD_DISK_DIRECT);
		assert_int_equal(sectors_of(&victim, 'b', 0), written);
		sim_disk_free(victim.disk);
	}
}

static void cache_that_is_evicted_shows_what_was_lost(void **state)
{
	struct victim victim = victim_of(disk_of_seed(1));
	const struct sim_disk_dice dice = {.lose = 1000000};

	(void)state;
	sim_disk_set_dice(victim.disk, &dice);
	overwrite(&victim, 'b');
	assert_int_equal(td_disk_sync(victim.place.disk, victim.file), 0); /* it says */
	sim_disk_set_dice(victim.disk, NULL);
	assert_int_equal(sectors_of(&victim, 'b', 0), 4);
	assert_int_equal(sectors_of(&victim, 'b', TD_DISK_DIRECT), 3);
	assert_int_equal(sectors_of(&victim, 'a', TD_DISK_DIRECT), 1);
	sim_disk_evict(victim.disk);
	assert_int_equal(sectors_of(&victim, 'b', 0), 3);
	assert_int_equal(sectors_of(&victim, 'a', 0), 1);
	sim_disk_free(victim.disk);
}

static void misdirected_write_harms_two_places(void **state)
{
	const struct sim_disk_dice dice = {.misdirect = 1000000};
	size_t elsewhere = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct victim victim = victim_of(disk_of_seed(seed));
		int other = file_of(&victim.place, "other", NEW), file;
		char bytes[VICTIM_BYTES] = {0};
		size_t found = 0;

		assert_int_equal(
			td_disk_write_all(victim.place.disk, other, bytes, sizeof(bytes), 0), 0);
		assert_int_equal(td_disk_sync(victim.place.disk, other), 0);
		assert_int_equal(td_disk_sync_dir(victim.place.disk, victim.place.dir), 0);
		overwrite(&victim, 'b');
		sim_disk_set_dice(victim.disk, &dice);
		assert_int_equal(td_disk_sync(victim.place.disk, victim.file), 0);
		sim_disk_set_dice(victim.disk, NULL);
		crash(&victim, seed);
		file = file_of(&victim.place, "other", TD_DISK_READ);
		assert_int_equal(td_disk_read_all(victim.place.disk, file, bytes, sizeof(bytes), 0,
					 &(size_t){0}),
			0);
		for (size_t i = 0; i < VICTIM_BYTES; i += TD_DISK_SECTOR)
			found += bytes[i] == 'b';
		elsewhere += found;
		assert_true(found <= 1);
		assert_in_range(sectors_of(&victim, 'b', 0), 3, found == 0 ? 4 : 3);
		sim_disk_free(victim.disk);
	}
	assert_true(elsewhere > 3);
}

static void flipped_bit_is_one_and_flips_back(void **state)
{
	struct victim victim = victim_of(disk_of_seed(1));
	uint64_t hash = sim_disk_hash(victim.disk);

	(void)state;
	for (uint64_t bit = 0; bit < (uint64_t)VICTIM_BYTES * 8; bit += 97) {
		char byte = 0;

		assert_int_equal(sim_disk_flip(victim.disk, "/a", bit), 0);
		assert_int_equal(td_disk_read_all(victim.place.disk, victim.file, &byte, 1, bit / 8,
					 &(size_t){0}),
			0);
		assert_int_equal(byte, (char)('a' ^ 1 << bit % 8));
		assert_int_equal(sectors_of(&victim, 'a', 0), 3);
		assert_true(sim_disk_hash(victim.disk) != hash);
		assert_int_equal(sim_disk_flip(victim.disk, "/a", bit), 0);
		assert_true(sim_disk_hash(victim.disk) == hash);
	}
	assert_int_equal(sim_disk_flip(victim.disk, "/none", 0), ENOENT);
	assert_int_equal(sim_disk_flip(victim.disk, "/", 0), EISDIR);
	assert_int_equal(sim_disk_flip(victim.disk, "/a", (uint64_t)VICTIM_BYTES * 8), EINVAL);
	sim_disk_free(victim.disk);
}

static void dice_flip_and_ruin_what_the_device_holds(void **state)
{
	const struct sim_disk_dice dice = {.flip = 1000000};
	const struct sim_disk_dice latent = {.latent = 1000000};
	struct victim victim = victim_of(disk_of_seed(1));
	char byte;

	(void)state;
	sim_disk_set_dice(victim.disk, &dice);
	assert_int_equal(td_disk_sync(victim.place.disk, victim.file), 0);
	assert_int_equal(sectors_of(&victim, 'a', 0), 4);
	assert_int_equal(sectors_of(&victim, 'a', TD_DISK_DIRECT), 3);
	sim_disk_set_dice(victim.disk, &latent);
	assert_int_equal(td_disk_sync(victim.place.disk, victim.file), 0);
	sim_disk_set_dice(victim.disk, NULL);
	for (size_t i = 0, bad = 0; i < 4; i++) {
		size_t got = 0;

		bad += td_disk_read(victim.place.disk, victim.file, &byte, 1, i * TD_DISK_SECTOR,
			       &got) == EIO;
		assert_int_equal(i == 3 ? bad : 1, 1);
	}
	sim_disk_free(victim.disk);
}

static void bad_sector_cannot_be_read_until_it_is_written(void **state)
{
	struct victim victim = victim_of(disk_of_seed(1));
	char bytes[VICTIM_BYTES];
	size_t got = 0;

	(void)state;
	assert_int_equal(sim_disk_ruin(victim.disk, "/a", 1000), 0);
	assert_int_equal(sim_disk_flip(victim.disk, "/a", 8000), 0); /* no better for that */
	assert_int_equal(
		td_disk_read(victim.place.disk, victim.file, bytes, VICTIM_BYTES, 0, &got), 0);
	assert_int_equal(got, TD_DISK_SECTOR); /* up to it */
	assert_int_equal(td_disk_read(victim.place.disk, victim.file, bytes, 1, 1023, &got), EIO);
	assert_int_equal(
		td_disk_read_all(victim.place.disk, victim.file, bytes, VICTIM_BYTES, 0, &got),
		EIO);
	/* Part of it cannot be written either: the rest would have to be read. */
	assert_int_equal(td_disk_write(victim.place.disk, victim.file, "x", 1, 600, &got), EIO);
	memset(bytes, 'b', sizeof(bytes));
	assert_int_equal(
		td_disk_write_all(victim.place.disk, victim.file, bytes, TD_DISK_SECTOR, 512), 0);
	assert_int_equal(td_disk_sync(victim.place.disk, victim.file), 0);
	assert_int_equal(sectors_of(&victim, 'b', TD_DISK_DIRECT), 1);
	sim_disk_free(victim.disk);
}

static void direct_read_stops_at_the_page_of_a_bad_sector(void **state)
{
	struct victim victim = victim_of(disk_of_seed(1));
	char *bytes = td_disk_buffer_new(3 * TD_DISK_ALIGN);
	int direct = file_of(&victim.place, "a", RW | TD_DISK_DIRECT);
	size_t got = 0;

	(void)state;
	assert_non_null(bytes);
	memset(bytes, 'b', 3 * TD_DISK_ALIGN);
	assert_int_equal(
		td_disk_write_all(victim.place.disk, direct, bytes, 3 * TD_DISK_ALIGN, 0), 0);
	assert_int_equal(td_disk_sync(victim.place.disk, direct), 0);
	assert_int_equal(sim_disk_ruin(victim.disk, "/a", TD_DISK_ALIGN + 3000), 0);
	assert_int_equal(
		td_disk_read(victim.place.disk, direct, bytes, 3 * TD_DISK_ALIGN, 0, &got), 0);
	assert_int_equal(got, TD_DISK_ALIGN);
	assert_int_equal(td_disk_read(victim.place.disk, direct, bytes, 2 * TD_DISK_ALIGN,
				 TD_DISK_ALIGN, &got),
		EIO);
	td_disk_buffer_free(bytes);
	sim_disk_free(victim.disk);
}

static void full_disk_writes_what_fits_and_then_nothing(void **state)
{
	struct victim victim = victim_of(disk_of_seed(1));
	const struct td_disk *disk = victim.place.disk;
	char bytes[VICTIM_BYTES] = {0};
	struct td_disk_space space = {0};
	size_t put = 0;

	(void)state;
	sim_disk_set_capacity(victim.disk, 6 * TD_DISK_SECTOR);
	assert_int_equal(td_disk_space(disk, victim.place.dir, &space), 0);
	assert_int_equal(space.bytes_total, 6 * TD_DISK_SECTOR);
	assert_int_equal(space.bytes_free, 2 * TD_DISK_SECTOR);
	assert_int_equal(
		td_disk_write(disk, victim.file, bytes, VICTIM_BYTES, VICTIM_BYTES, &put), 0);
	assert_int_equal(put, 2 * TD_DISK_SECTOR);
	assert_int_equal(size_of(&victim.place, victim.file), 6 * TD_DISK_SECTOR);
	assert_int_equal(
		td_disk_write(disk, victim.file, bytes, 1, 6 * TD_DISK_SECTOR, &put), ENOSPC);
	assert_int_equal(td_disk_allocate(disk, victim.file, 0, 7 * TD_DISK_SECTOR), ENOSPC);
	assert_int_equal(td_disk_allocate(disk, victim.file, 0, 6 * TD_DISK_SECTOR), 0);
	overwrite(&victim, 'b'); /* what it has it keeps */
	assert_int_equal(td_disk_punch(disk, victim.file, 0, TD_DISK_SECTOR), 0);
	assert_int_equal(td_disk_write(disk, victim.file, "x", 1, 9 * TD_DISK_SECTOR, &put), 0);
	assert_int_equal(td_disk_truncate(disk, victim.file, 0), 0);
	assert_int_equal(td_disk_space(disk, victim.place.dir, &space), 0);
	assert_int_equal(space.bytes_free, 6 * TD_DISK_SECTOR);
	overwrite(&victim, 'c');
	assert_int_equal(td_disk_unlink(disk, victim.place.dir, "a"), 0);
	td_disk_close(disk, victim.file);
	sim_disk_set_capacity(victim.disk, 0);
	sim_disk_free(victim.disk);
}

/* A little of everything; the code of the first call that fails. */
static int use_all(const struct td_disk *disk)
{
	int dir = -1, file = -1, code;
	struct listing listing = {0};
	struct td_disk_space space;
	enum td_disk_system system;
	uint64_t size;
	char bytes[8];
	size_t n;

	if ((code = td_disk_open_dir(disk, TD_DISK_NOWHERE, "/d", TD_DISK_CREATE, &dir)) != 0 ||
		(code = td_disk_make_dir(disk, dir, "sub")) != 0 ||
		(code = td_disk_open(disk, dir, "a", NEW, &file)) != 0 ||
		(code = td_disk_lock(disk, file)) != 0 ||
		(code = td_disk_allocate(disk, file, 0, 4096)) != 0 ||
		(code = td_disk_write_all(disk, file, "hello", 5, 0)) != 0 ||
		(code = td_disk_sync(disk, file)) != 0 ||
		(code = td_disk_punch(disk, file, 100, 1000)) != 0 ||
		(code = td_disk_truncate(disk, file, 4000)) != 0 ||
		(code = td_disk_size(disk, file, &size)) != 0 ||
		(code = td_disk_read_all(disk, file, bytes, 8, 0, &n)) != 0 ||
		(code = td_disk_sync_dir(disk, dir)) != 0 ||
		(code = td_disk_list(disk, dir, list_into, &listing)) != 0 ||
		(code = td_disk_rename(disk, dir, "a", dir, "b")) != 0 ||
		(code = td_disk_unlink(disk, dir, "b")) != 0 ||
		(code = td_disk_space(disk, dir, &space)) != 0)
		return code;
	return td_disk_system(disk, dir, &system);
}

static void every_call_fails_as_planned(void **state)
{
	struct sim_disk *disk = disk_of_seed(1);
	uint64_t calls;

	(void)state;
	assert_int_equal(use_all(sim_disk_table(disk)), 0);
	for (int call = 0; call < SIM_DISK_CALLS; call++)
		assert_true(sim_disk_calls(disk, (enum sim_disk_call)call) > 0);
	calls = sim_disk_calls(disk, SIM_DISK_CALL_ANY);
	assert_int_equal(calls, SIM_DISK_CALLS);
	sim_disk_free(disk);
	for (int call = 0; call < SIM_DISK_CALLS; call++) {
		disk = disk_of_seed(1);
		sim_disk_fail_at(disk, (enum sim_disk_call)call, 1, 100 + call, false);
		assert_int_equal(use_all(sim_disk_table(disk)), 100 + call);
		sim_disk_free(disk);
	}
	for (uint64_t n = 1; n <= calls; n++) {
		int dir = -1;

		disk = disk_of_seed(1);
		sim_disk_fail_at(disk, SIM_DISK_CALL_ANY, n, EIO, n % 2 == 0);
		assert_int_equal(use_all(sim_disk_table(disk)), EIO);
		assert_int_equal(sim_disk_calls(disk, SIM_DISK_CALL_ANY), n);
		assert_int_equal(
			td_disk_open_dir(sim_disk_table(disk), TD_DISK_NOWHERE, "/", 0, &dir),
			n % 2 == 0 ? EIO : 0);
		sim_disk_free(disk);
	}
}

static void plan_and_freeze_end_with_the_process(void **state)
{
	struct victim victim = victim_of(disk_of_seed(1));

	(void)state;
	sim_disk_fail_at(victim.disk, SIM_DISK_CALL_ANY, 1, EIO, true);
	assert_int_equal(td_disk_sync(victim.place.disk, victim.file), EIO);
	crash(&victim, 1); /* and goes on */
	sim_disk_fail_at(victim.disk, SIM_DISK_CALL_READ, 1, EIO, false);
	sim_disk_freeze_after(victim.disk, 0);
	assert_int_equal(td_disk_truncate(victim.place.disk, victim.file, 0), SIM_DISK_FROZEN);
	sim_disk_kill(victim.disk);
	assert_int_equal(
		td_disk_open_dir(victim.place.disk, TD_DISK_NOWHERE, "/", 0, &victim.place.dir), 0);
	victim.file = file_of(&victim.place, "a", RW);
	overwrite(&victim, 'b');
	assert_int_equal(sectors_of(&victim, 'b', 0), 4);
	sim_disk_free(victim.disk);
}

static void short_transfers_are_gone_on_with(void **state)
{
	const struct sim_disk_dice dice = {.short_read = 800000, .short_write = 800000};
	struct victim victim = victim_of(disk_of_seed(1));
	char *bytes = td_disk_buffer_new(8 * TD_DISK_ALIGN);
	int direct;
	size_t got = 0;

	(void)state;
	assert_non_null(bytes);
	sim_disk_set_dice(victim.disk, &dice);
	for (int i = 'b'; i < 'z'; i++) {
		char with = (char)i;

		overwrite(&victim, with);
		assert_int_equal(sectors_of(&victim, with, 0), 4);
		assert_int_equal(sectors_of(&victim, with, TD_DISK_DIRECT), 4);
	}
	memset(bytes, 'd', 8 * TD_DISK_ALIGN);
	direct = file_of(&victim.place, "a", RW | TD_DISK_DIRECT);
	assert_int_equal(
		td_disk_write_all(victim.place.disk, direct, bytes, 8 * TD_DISK_ALIGN, 0), 0);
	memset(bytes, 0, 8 * TD_DISK_ALIGN);
	assert_int_equal(
		td_disk_read_all(victim.place.disk, direct, bytes, 8 * TD_DISK_ALIGN, 0, &got), 0);
	assert_int_equal(got, 8 * TD_DISK_ALIGN);
	for (size_t i = 0; i < got; i++)
		assert_int_equal(bytes[i], 'd');
	td_disk_buffer_free(bytes);
	sim_disk_free(victim.disk);
}

static void options_take_away_what_a_file_system_may_lack(void **state)
{
	struct sim_disk_options options = {
		.without_direct = true,
		.without_allocate = true,
		.system = TD_DISK_NETWORK,
	};
	struct victim victim = victim_of(sim_disk_new(&options));
	enum td_disk_system system = TD_DISK_EXT4;

	(void)state;
	assert_int_equal(try_open(&victim.place, "a", RW | TD_DISK_DIRECT), EINVAL);
	assert_int_equal(td_disk_allocate(victim.place.disk, victim.file, 0, 1), EOPNOTSUPP);
	assert_int_equal(td_disk_punch(victim.place.disk, victim.file, 0, 1), EOPNOTSUPP);
	assert_int_equal(td_disk_system(victim.place.disk, victim.place.dir, &system), 0);
	assert_int_equal(system, TD_DISK_NETWORK);
	sim_disk_free(victim.disk);
}

static void stalls_take_the_time_of_the_world(void **state)
{
	const struct sim_kind kind = {.name = "none"};
	const struct sim_disk_dice dice = {.stall = 1000000, .stall_ns_max = 60000000000};
	struct sim_world worlds[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct sim_disk_options options = {.world = &worlds[i]};
		struct sim_disk *disk;
		int64_t began;

		sim_world_init(&worlds[i], &kind, 1, NULL);
		began = worlds[i].now_ns;
		td_rng_init(&options.rng, 7);
		disk = sim_disk_new(&options);
		sim_disk_set_dice(disk, &dice);
		assert_int_equal(use_all(sim_disk_table(disk)), 0);
		assert_true(worlds[i].now_ns > began);
		assert_true(worlds[i].now_ns - began < 60000000000 * SIM_DISK_CALLS);
		sim_disk_free(disk);
		sim_world_fini(&worlds[i]);
	}
	assert_true(worlds[0].trace == worlds[1].trace);
}

static void drawn_dice_damage_only_if_asked(void **state)
{
	struct sim_disk_dice dice, sum = {0};
	struct td_rng rng;

	(void)state;
	td_rng_init(&rng, 1);
	for (int i = 0; i < 200; i++) {
		sim_disk_draw_dice(&dice, &rng, false);
		assert_int_equal(dice.flip + dice.lose + dice.misdirect + dice.latent, 0);
		assert_true(dice.read_eio == 0 || (dice.read_eio >= 10 && dice.read_eio <= 20000));
		sim_disk_draw_dice(&dice, &rng, true);
		sum.read_eio += dice.read_eio > 0;
		sum.flip += dice.flip > 0;
		sum.latent += dice.latent > 0;
	}
	assert_in_range(sum.read_eio, 60, 140);
	assert_in_range(sum.flip, 60, 140);
	assert_in_range(sum.latent, 60, 140);
}

static void failed_directory_sync_leaves_the_names_to_the_next(void **state)
{
	struct sim_disk *disk = disk_of_seed(1);
	const struct td_disk *table = sim_disk_table(disk);
	int dir = -1;

	(void)state;
	assert_int_equal(td_disk_open_dir(table, TD_DISK_NOWHERE, "/", 0, &dir), 0);
	assert_int_equal(td_disk_make_dir(table, dir, "sub"), 0);
	sim_disk_fail_at(disk, SIM_DISK_CALL_SYNC_DIR, 1, EIO, false);
	assert_int_equal(td_disk_sync_dir(table, dir), EIO);
	assert_int_equal(sim_disk_unsynced(disk), 1);
	assert_int_equal(td_disk_sync_dir(table, dir), 0);
	assert_int_equal(sim_disk_unsynced(disk), 0);
	sim_disk_free(disk);
}

/* --- images ------------------------------------------------------------------------------- */

static void copy_is_the_same_and_goes_its_own_way(void **state)
{
	struct victim victim = victim_of(disk_of_seed(1)), copy = {0};
	uint64_t hash = sim_disk_hash(victim.disk);
	int dir = -1;

	(void)state;
	assert_int_equal(td_disk_make_dir(victim.place.disk, victim.place.dir, "sub"), 0);
	overwrite(&victim, 'b'); /* not synced */
	copy.disk = sim_disk_copy(victim.disk);
	copy.place.disk = sim_disk_table(copy.disk);
	assert_int_equal(sim_disk_unsynced(copy.disk), sim_disk_unsynced(victim.disk));
	assert_true(sim_disk_hash(copy.disk) == hash);
	crash(&copy, 1);
	overwrite(&copy, 'c');
	assert_int_equal(td_disk_sync(copy.place.disk, copy.file), 0);
	assert_true(sim_disk_hash(copy.disk) != hash);
	assert_true(sim_disk_hash(victim.disk) == hash);
	assert_int_equal(sectors_of(&victim, 'b', 0), 4);
	sim_disk_free(copy.disk);
	assert_int_equal(td_disk_open_dir(victim.place.disk, victim.place.dir, "sub", 0, &dir), 0);
	assert_int_equal(td_disk_sync(victim.place.disk, victim.file), 0);
	crash(&victim, 1);
	assert_int_equal(sectors_of(&victim, 'b', 0), 4);
	sim_disk_free(victim.disk);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

static void image_goes_to_a_real_directory_and_back(void **state)
{
	struct victim victim = victim_of(disk_of_seed(1));
	struct disk_place inside = {.disk = victim.place.disk};
	struct sim_disk *back = disk_of_seed(2);
	char path[] = "/tmp/tidings-test-image-XXXXXX";

	(void)state;
	assert_int_equal(
		td_disk_open_dir(inside.disk, victim.place.dir, "sub", TD_DISK_CREATE, &inside.dir),
		0);
	file_with(&inside, "b", "inside");
	file_with(&inside, "empty", "");
	assert_int_equal(td_disk_sync(inside.disk, file_of(&inside, "b", RW)), 0);
	assert_int_equal(td_disk_sync_dir(inside.disk, inside.dir), 0);
	assert_non_null(mkdtemp(path));
	assert_int_equal(sim_disk_copy_tree(victim.place.disk, "/", &td_disk_real, path), 0);
	assert_int_equal(sim_disk_copy_tree(&td_disk_real, path, sim_disk_table(back), "/"), 0);
	assert_true(sim_disk_hash(back) == sim_disk_hash(victim.disk));
	assert_int_equal(sim_disk_copy_tree(victim.place.disk, "/", &td_disk_real, path), EEXIST);
	assert_int_equal(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	assert_int_equal(sim_disk_copy_tree(victim.place.disk, "/", &td_disk_real, path), ENOENT);
	sim_disk_free(back);
	sim_disk_free(victim.disk);
}

/* --- one seed, one run -------------------------------------------------------------------- */

/* A thousand calls at random, among all faults; what is left, and what was answered. */
static uint64_t storm(uint64_t seed)
{
	const struct sim_disk_dice dice = {
		.read_eio = 10000,
		.write_eio = 10000,
		.sync_eio = 20000,
		.sync_dir_eio = 20000,
		.name_eio = 10000,
		.no_space = 10000,
		.lock_held = 100000,
		.short_read = 100000,
		.short_write = 100000,
		.stall = 10000,
		.stall_ns_max = 1000000000,
		.evict = 10000,
		.flip = 50000,
		.lose = 50000,
		.misdirect = 50000,
		.latent = 50000,
	};
	struct sim_disk *disk = disk_of_seed(seed);
	const struct td_disk *table = sim_disk_table(disk);
	struct td_rng rng;
	uint64_t hash = 0;
	int dir = -1, file = -1;

	td_rng_init(&rng, seed);
	sim_disk_set_dice(disk, &dice);
	sim_disk_set_capacity(disk, 100 * TD_DISK_SECTOR);
	for (int i = 0; i < 1000; i++) {
		uint64_t at = td_rng_below(&rng, 20000);
		const char name[] = {(char)('a' + td_rng_below(&rng, 5)), 0}, to[] = {'b', 0};
		char bytes[4000];
		size_t n = 0, len = (size_t)td_rng_below(&rng, sizeof(bytes));
		int code;

		memset(bytes, (int)td_rng_below(&rng, 256), sizeof(bytes));
		switch (td_rng_below(&rng, 16)) {
		case 0:
			code = td_disk_open_dir(table, TD_DISK_NOWHERE, "/", 0, &dir);
			break;
		case 1:
		case 2:
			td_disk_close(table, file);
			code = td_disk_open(table, dir, name, RW | TD_DISK_CREATE, &file);
			break;
		case 3:
			code = td_disk_rename(table, dir, name, dir, to);
			break;
		case 4:
			code = td_disk_unlink(table, dir, name);
			break;
		case 5:
			code = td_disk_sync_dir(table, dir);
			break;
		case 6:
			code = td_disk_lock(table, file);
			break;
		case 7:
			code = td_disk_truncate(table, file, at);
			break;
		case 8:
			code = td_disk_allocate(table, file, at, len + 1);
			break;
		case 9:
			code = td_disk_punch(table, file, at, len + 1);
			break;
		case 10:
		case 11:
			code = td_disk_read(table, file, bytes, len, at, &n);
			hash = td_hash(bytes, code == 0 ? n : 0, hash);
			break;
		case 12:
		case 13:
			code = td_disk_sync(table, file);
			break;
		default:
			code = td_disk_write(table, file, bytes, len, at, &n);
			break;
		}
		hash = td_hash_u64(hash + (uint64_t)code * 7 + n);
		if (td_rng_below(&rng, 100) > 0)
			continue;
		if (td_rng_below(&rng, 4) == 0)
			sim_disk_kill(disk);
		else if (td_rng_below(&rng, 4) == 0)
			sim_disk_evict(disk);
		else
			sim_disk_crash(disk, &(struct sim_disk_fate){
						     .seed = td_rng_u64(&rng), .destroys = true});
		dir = file = -1;
		hash ^= sim_disk_hash(disk);
	}
	sim_disk_freeze_after(disk, 0);
	hash += (uint64_t)td_disk_make_dir(table, dir, "x");
	sim_disk_free(disk);
	return hash;
}

static void same_seed_gives_the_same_run_and_every_fault_comes(void **state)
{
	uint64_t before = 0;

	(void)state;
	memset(counts, 0, sizeof(counts));
	for (uint64_t seed = 1; seed <= 100; seed++) {
		uint64_t hash = storm(seed);

		assert_true(storm(seed) == hash);
		assert_true(hash != before);
		before = hash;
	}
	for (int i = 0; i < SIM_DISK_COUNTS; i++)
		if (counts[i] == 0 && i != SIM_DISK_COUNT_PLANNED)
			fail_msg("never: %s", sim_disk_count_names[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DISK_CONFORMANCE_TESTS,
		cmocka_unit_test(failed_sync_is_believed_clean_and_was_not_written),
		cmocka_unit_test(failed_sync_can_revert_what_reads_see),
		cmocka_unit_test(cache_that_is_evicted_shows_what_was_lost),
		cmocka_unit_test(misdirected_write_harms_two_places),
		cmocka_unit_test(flipped_bit_is_one_and_flips_back),
		cmocka_unit_test(dice_flip_and_ruin_what_the_device_holds),
		cmocka_unit_test(bad_sector_cannot_be_read_until_it_is_written),
		cmocka_unit_test(direct_read_stops_at_the_page_of_a_bad_sector),
		cmocka_unit_test(full_disk_writes_what_fits_and_then_nothing),
		cmocka_unit_test(every_call_fails_as_planned),
		cmocka_unit_test(plan_and_freeze_end_with_the_process),
		cmocka_unit_test(short_transfers_are_gone_on_with),
		cmocka_unit_test(options_take_away_what_a_file_system_may_lack),
		cmocka_unit_test(stalls_take_the_time_of_the_world),
		cmocka_unit_test(drawn_dice_damage_only_if_asked),
		cmocka_unit_test(failed_directory_sync_leaves_the_names_to_the_next),
		cmocka_unit_test(copy_is_the_same_and_goes_its_own_way),
		cmocka_unit_test(image_goes_to_a_real_directory_and_back),
		cmocka_unit_test(same_seed_gives_the_same_run_and_every_fault_comes),
	};

	return cmocka_run_group_tests_name("simulated disk", tests, NULL, NULL);
}
