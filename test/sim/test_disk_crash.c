/*
 * What may survive a crash of the simulated disk: played at random and held against a model that
 * knows, of each sector and each name, all that it may be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "disk/disk.h"

static uint64_t counts[SIM_DISK_COUNTS];

static struct sim_disk *disk_new(uint64_t seed)
{
	struct sim_disk_options options = {.counts = counts};

	td_rng_init(&options.rng, seed);
	return sim_disk_new(&options);
}

static int dir_open(const struct td_disk *table, const char *path, unsigned flags)
{
	int dir = -1;

	assert_int_equal(td_disk_open_dir(table, TD_DISK_NOWHERE, path, flags, &dir), 0);
	return dir;
}

static int file_open(const struct td_disk *table, int dir, const char *name, unsigned flags)
{
	int file = -1;

	assert_int_equal(td_disk_open(table, dir, name, flags, &file), 0);
	return file;
}

#define RW  (TD_DISK_READ | TD_DISK_WRITE)
#define NEW (RW | TD_DISK_CREATE | TD_DISK_EXCLUSIVE)

/* --- one file against all that it may be -------------------------------------------------- */

#define BYTES_MAX    8192
#define VERSIONS_MAX 200

/* All since the last sync; the first is what is durable. */
struct model {
	uint8_t now[BYTES_MAX];
	size_t size;
	uint8_t versions[VERSIONS_MAX][BYTES_MAX];
	size_t sizes[VERSIONS_MAX];
	size_t count;
};

static void model_note(struct model *model)
{
	assert_true(model->count < VERSIONS_MAX);
	memcpy(model->versions[model->count], model->now, BYTES_MAX);
	model->sizes[model->count++] = model->size;
}

static void model_synced(struct model *model)
{
	model->count = 0;
	model_note(model);
}

/* Whether the sector, up to `len`, is what `version` has of it, or that cut at a size it had. */
static bool may_be(
	const struct model *model, size_t version, size_t sector, const uint8_t *bytes, size_t len)
{
	const uint8_t *of = model->versions[version] + sector * TD_DISK_SECTOR;

	if (memcmp(bytes, of, len) == 0)
		return true;
	for (size_t i = 1; i < model->count; i++) {
		size_t begin = sector * TD_DISK_SECTOR, cut = model->sizes[i];
		size_t keep = cut <= begin ? 0 : cut - begin, zeros;

		if (cut >= model->sizes[i - 1] || keep >= len || memcmp(bytes, of, keep) != 0)
			continue;
		for (zeros = keep; zeros < len && bytes[zeros] == 0;)
			zeros++;
		if (zeros == len)
			return true;
	}
	return false;
}

static void assert_allowed(const struct model *model, const uint8_t *bytes, size_t size)
{
	bool found = false;

	for (size_t i = 0; i < model->count; i++)
		found |= model->sizes[i] == size;
	assert_true(found);
	for (size_t at = 0; at < size; at += TD_DISK_SECTOR) {
		size_t len = size - at < TD_DISK_SECTOR ? size - at : TD_DISK_SECTOR;

		found = false;
		for (size_t i = 0; i < model->count && !found; i++)
			found = may_be(model, i, at / TD_DISK_SECTOR, bytes + at, len);
		assert_true(found);
	}
}

struct play {
	struct sim_disk *disk;
	const struct td_disk *table;
	struct td_rng rng;
	struct model model;
	int file;
};

static size_t below(struct play *play, size_t bound)
{
	return (size_t)td_rng_below(&play->rng, bound);
}

static size_t read_whole(const struct play *play, int file, uint8_t *bytes)
{
	size_t got = 0;

	assert_int_equal(td_disk_read_all(play->table, file, bytes, BYTES_MAX, 0, &got), 0);
	return got;
}

static void play_write(struct play *play)
{
	size_t at = below(play, BYTES_MAX - 1), len = 1 + below(play, 3000);
	uint8_t bytes[3000], value = below(play, 4) == 0 ? 0 : (uint8_t)td_rng_u64(&play->rng);

	len = len < BYTES_MAX - at ? len : BYTES_MAX - at;
	memset(bytes, value, len);
	assert_int_equal(td_disk_write_all(play->table, play->file, bytes, len, at), 0);
	memcpy(play->model.now + at, bytes, len);
	if (at + len > play->model.size)
		play->model.size = at + len;
}

static void play_truncate(struct play *play)
{
	size_t size = below(play, BYTES_MAX);

	assert_int_equal(td_disk_truncate(play->table, play->file, size), 0);
	if (size < play->model.size)
		memset(play->model.now + size, 0, BYTES_MAX - size);
	play->model.size = size;
}

static void play_punch(struct play *play)
{
	size_t at = below(play, BYTES_MAX - 1), len = 1 + below(play, BYTES_MAX - 1 - at);

	assert_int_equal(td_disk_punch(play->table, play->file, at, len), 0);
	memset(play->model.now + at, 0, len);
}

static void play_allocate(struct play *play)
{
	size_t at = below(play, BYTES_MAX - 1), len = 1 + below(play, BYTES_MAX - 1 - at);

	assert_int_equal(td_disk_allocate(play->table, play->file, at, len), 0);
	if (at + len > play->model.size)
		play->model.size = at + len;
}

static void play_some(struct play *play, size_t steps)
{
	uint8_t bytes[BYTES_MAX];

	for (size_t i = 0; i < steps; i++) {
		switch (below(play, 12)) {
		case 0:
			play_truncate(play);
			break;
		case 1:
			play_punch(play);
			break;
		case 2:
			play_allocate(play);
			break;
		case 3:
		case 4:
			assert_int_equal(td_disk_sync(play->table, play->file), 0);
			model_synced(&play->model);
			break;
		default:
			play_write(play);
			break;
		}
		model_note(&play->model);
		assert_int_equal(read_whole(play, play->file, bytes), play->model.size);
		assert_memory_equal(bytes, play->model.now, play->model.size);
	}
}

static void play_begin(struct play *play, uint64_t seed)
{
	int dir;

	memset(play, 0, sizeof(*play));
	play->disk = disk_new(seed);
	play->table = sim_disk_table(play->disk);
	td_rng_init(&play->rng, seed);
	dir = dir_open(play->table, "/", 0);
	play->file = file_open(play->table, dir, "file", NEW);
	assert_int_equal(td_disk_sync_dir(play->table, dir), 0);
	model_note(&play->model);
}

/* Crash, and take what there is for the truth. */
static void play_crash(struct play *play, bool exact)
{
	uint8_t bytes[BYTES_MAX] = {0};
	size_t size;
	int before = play->file;

	sim_disk_crash(play->disk, &(struct sim_disk_fate){.seed = td_rng_u64(&play->rng)});
	assert_int_equal(td_disk_sync(play->table, before), EBADF);
	td_disk_close(play->table, before);
	play->file = file_open(play->table, dir_open(play->table, "/", 0), "file", RW);
	size = read_whole(play, play->file, bytes);
	assert_allowed(&play->model, bytes, size);
	if (exact) {
		assert_int_equal(size, play->model.size);
		assert_memory_equal(bytes, play->model.now, size);
	}
	assert_int_equal(sim_disk_unsynced(play->disk), 0);
	memcpy(play->model.now, bytes, BYTES_MAX);
	play->model.size = size;
	model_synced(&play->model);
}

static void each_sector_and_size_is_one_it_had_since_the_last_sync(void **state)
{
	static struct play play;

	(void)state;
	for (uint64_t seed = 1; seed <= 2000; seed++) {
		play_begin(&play, seed);
		for (int i = 0; i < 3; i++) {
			play_some(&play, 1 + below(&play, 25));
			play_crash(&play, false);
		}
		sim_disk_free(play.disk);
	}
	assert_true(counts[SIM_DISK_COUNT_KEPT] > 1000);
	assert_true(counts[SIM_DISK_COUNT_LOST] > 1000);
	assert_true(counts[SIM_DISK_COUNT_TORN] > 1000);
	assert_true(counts[SIM_DISK_COUNT_REORDERED] > 1000);
	assert_true(counts[SIM_DISK_COUNT_SIZE_KEPT] > 1000);
	assert_true(counts[SIM_DISK_COUNT_SIZE_LOST] > 1000);
}

static void what_was_synced_survives_whole(void **state)
{
	static struct play play;

	(void)state;
	for (uint64_t seed = 1; seed <= 1000; seed++) {
		play_begin(&play, seed);
		play_some(&play, 1 + below(&play, 25));
		assert_int_equal(td_disk_sync(play.table, play.file), 0);
		model_synced(&play.model);
		play_crash(&play, true);
		sim_disk_free(play.disk);
	}
}

static void killing_the_process_loses_nothing(void **state)
{
	static struct play play;
	uint8_t bytes[BYTES_MAX];

	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		play_begin(&play, seed);
		play_some(&play, 20);
		sim_disk_kill(play.disk);
		assert_int_equal(td_disk_sync(play.table, play.file), EBADF);
		play.file = file_open(play.table, dir_open(play.table, "/", 0), "file", RW);
		assert_int_equal(read_whole(&play, play.file, bytes), play.model.size);
		assert_memory_equal(bytes, play.model.now, play.model.size);
		sim_disk_evict(play.disk); /* what is to be written is not forgotten */
		assert_int_equal(read_whole(&play, play.file, bytes), play.model.size);
		assert_memory_equal(bytes, play.model.now, play.model.size);
		play_some(&play, 5);
		play_crash(&play, false);
		sim_disk_free(play.disk);
	}
}

/* --- every outcome there is ---------------------------------------------------------------- */

/* A hash of what is to be seen through the table: names, sizes, bytes. */
struct look {
	const struct td_disk *table;
	int dir;
	uint64_t sum;
};

static uint64_t hash_seen(const struct td_disk *table, int dir);

static int look_at(void *arg, const struct td_disk_entry *entry)
{
	struct look *look = arg;
	uint64_t hash = 0;
	int handle = -1;

	if (entry->kind == TD_DISK_DIRECTORY) {
		assert_int_equal(
			td_disk_open_dir(look->table, look->dir, entry->name, 0, &handle), 0);
		hash = hash_seen(look->table, handle);
	} else {
		uint8_t bytes[BYTES_MAX];
		size_t got = 0;

		handle = file_open(look->table, look->dir, entry->name, TD_DISK_READ);
		assert_int_equal(
			td_disk_read_all(look->table, handle, bytes, BYTES_MAX, 0, &got), 0);
		assert_int_equal(got, entry->bytes);
		hash = td_hash(bytes, got, 1);
	}
	td_disk_close(look->table, handle);
	look->sum += td_hash(entry->name, strlen(entry->name), hash);
	return 0;
}

static uint64_t hash_seen(const struct td_disk *table, int dir) /* NOLINT(misc-no-recursion) */
{
	struct look look = {.table = table, .dir = dir};

	assert_int_equal(td_disk_list(table, dir, look_at, &look), 0);
	return td_hash_u64(look.sum + 1);
}

static size_t add_hash(uint64_t hashes[256], size_t count, uint64_t hash)
{
	for (size_t i = 0; i < count; i++)
		if (hashes[i] == hash)
			return count;
	hashes[count] = hash;
	return count + 1;
}

/* How many different disks the 2^n ways to decide n things make. */
static size_t outcomes(const struct sim_disk *disk)
{
	uint64_t hashes[256], seen[256];
	size_t count = 0, seen_count = 0, decisions = sim_disk_unsynced(disk);

	assert_true(decisions <= 8);
	for (unsigned picks = 0; picks < 1u << decisions; picks++) {
		const uint8_t bits = (uint8_t)picks;
		struct sim_disk *copy = sim_disk_copy(disk);
		const struct td_disk *table = sim_disk_table(copy);

		sim_disk_crash(
			copy, &(struct sim_disk_fate){.picks = &bits, .picks_count = decisions});
		count = add_hash(hashes, count, sim_disk_hash(copy));
		seen_count = add_hash(seen, seen_count, hash_seen(table, dir_open(table, "/", 0)));
		sim_disk_free(copy);
	}
	assert_int_equal(seen_count, count); /* what is seen then is what is there */
	return count;
}

static void every_subset_of_unsynced_sectors_can_survive(void **state)
{
	struct sim_disk *disk = disk_new(1);
	const struct td_disk *table = sim_disk_table(disk);
	int dir = dir_open(table, "/", 0), file = file_open(table, dir, "a", NEW);
	char bytes[4 * TD_DISK_SECTOR];

	(void)state;
	memset(bytes, 'a', sizeof(bytes));
	assert_int_equal(td_disk_write_all(table, file, bytes, sizeof(bytes), 0), 0);
	assert_int_equal(td_disk_sync(table, file), 0);
	assert_int_equal(td_disk_sync_dir(table, dir), 0);
	assert_int_equal(outcomes(disk), 1);
	memset(bytes, 'b', sizeof(bytes));
	assert_int_equal(td_disk_write_all(table, file, bytes, sizeof(bytes), 0), 0);
	assert_int_equal(sim_disk_unsynced(disk), 4);
	assert_int_equal(outcomes(disk), 16);
	memset(bytes, 'c', sizeof(bytes)); /* two sectors again: three values each now */
	assert_int_equal(td_disk_write_all(table, file, bytes, 2 * TD_DISK_SECTOR, 0), 0);
	assert_int_equal(outcomes(disk), 3 * 3 * 2 * 2);
	assert_int_equal(td_disk_sync(table, file), 0);
	assert_int_equal(outcomes(disk), 1);
	/* Grown, but the bytes need not be there. A size is one decision, its sector another. */
	assert_int_equal(td_disk_write_all(table, file, bytes, TD_DISK_SECTOR, sizeof(bytes)), 0);
	assert_int_equal(outcomes(disk), 3);
	assert_int_equal(td_disk_sync(table, file), 0);
	/* Sizes come in order: not grown again without having been cut. */
	assert_int_equal(td_disk_truncate(table, file, 100), 0);
	assert_int_equal(td_disk_truncate(table, file, BYTES_MAX), 0);
	assert_int_equal(outcomes(disk), 3);
	sim_disk_free(disk);
}

static void every_subset_of_unsynced_names_can_survive(void **state)
{
	struct sim_disk *disk = disk_new(1);
	const struct td_disk *table = sim_disk_table(disk);
	int dir = dir_open(table, "/", 0), sub = -1;

	(void)state;
	td_disk_close(table, file_open(table, dir, "a", NEW));
	td_disk_close(table, file_open(table, dir, "b", NEW));
	assert_int_equal(outcomes(disk), 4);
	/* Not moved without having been made: none, a, c; with and without b. */
	assert_int_equal(td_disk_rename(table, dir, "a", dir, "c"), 0);
	assert_int_equal(outcomes(disk), 6);
	assert_int_equal(td_disk_sync_dir(table, dir), 0);
	assert_int_equal(outcomes(disk), 1);
	/* In a directory that may not be there. */
	assert_int_equal(td_disk_make_dir(table, dir, "sub"), 0);
	assert_int_equal(td_disk_open_dir(table, dir, "sub", 0, &sub), 0);
	td_disk_close(table, file_open(table, sub, "a", NEW));
	assert_int_equal(outcomes(disk), 3);
	assert_int_equal(td_disk_sync_dir(table, sub), 0);
	assert_int_equal(outcomes(disk), 3);
	assert_int_equal(td_disk_sync_dir(table, dir), 0);
	assert_int_equal(outcomes(disk), 1);
	/* Between directories: both or neither, until both were synced. */
	assert_int_equal(td_disk_rename(table, dir, "b", sub, "b"), 0);
	assert_int_equal(outcomes(disk), 2);
	assert_int_equal(td_disk_sync_dir(table, dir), 0);
	assert_int_equal(outcomes(disk), 2);
	assert_int_equal(td_disk_sync_dir(table, sub), 0);
	assert_int_equal(outcomes(disk), 1);
	/* A name given again takes the move along, when its directory is synced. */
	assert_int_equal(td_disk_rename(table, sub, "b", dir, "b"), 0);
	td_disk_close(table, file_open(table, sub, "b", NEW));
	assert_int_equal(outcomes(disk), 3);
	assert_int_equal(td_disk_sync_dir(table, sub), 0);
	assert_int_equal(outcomes(disk), 1);
	sim_disk_free(disk);
}

static void names_in_a_directory_do_not_wait_for_its_own_move(void **state)
{
	struct sim_disk *disk = disk_new(1);
	const struct td_disk *table = sim_disk_table(disk);
	int dir = dir_open(table, "/", 0), sub = -1, file;

	(void)state;
	assert_int_equal(td_disk_open_dir(table, dir, "sub", TD_DISK_CREATE, &sub), 0);
	td_disk_close(table, file_open(table, sub, "old", NEW));
	assert_int_equal(td_disk_sync_dir(table, sub), 0);
	assert_int_equal(td_disk_rename(table, dir, "sub", dir, "moved"), 0);
	file = file_open(table, sub, "new", NEW);
	assert_int_equal(td_disk_unlink(table, sub, "old"), 0);
	assert_int_equal(td_disk_sync_dir(table, sub), 0);
	assert_int_equal(outcomes(disk), 2); /* moved or not */
	sim_disk_crash(
		disk, &(struct sim_disk_fate){.picks = (const uint8_t[]){0}, .picks_count = 8});
	sub = dir_open(table, "/sub", 0);
	assert_int_equal(td_disk_open(table, sub, "old", TD_DISK_READ, &file), ENOENT);
	assert_int_equal(td_disk_open(table, sub, "new", TD_DISK_READ, &file), 0);
	sim_disk_free(disk);
}

static void moved_directories_never_hang_in_the_air(void **state)
{
	struct sim_disk *disk = disk_new(1);
	const struct td_disk *table = sim_disk_table(disk);
	int dir = dir_open(table, "/", 0), a = -1, b = -1;

	(void)state;
	assert_int_equal(td_disk_open_dir(table, dir, "a", TD_DISK_CREATE, &a), 0);
	assert_int_equal(td_disk_open_dir(table, dir, "b", TD_DISK_CREATE, &b), 0);
	/* The first and the third alone would put each into the other. */
	assert_int_equal(td_disk_rename(table, dir, "a", b, "a"), 0);
	assert_int_equal(td_disk_rename(table, b, "a", dir, "c"), 0);
	assert_int_equal(td_disk_rename(table, dir, "b", a, "b"), 0);
	assert_int_equal(sim_disk_unsynced(disk), 3);
	for (uint8_t picks = 0; picks < 8; picks++) {
		struct sim_disk *copy = sim_disk_copy(disk);
		const struct td_disk *of = sim_disk_table(copy);
		int found = -1;

		sim_disk_crash(copy, &(struct sim_disk_fate){.picks = &picks, .picks_count = 3});
		assert_true(td_disk_open_dir(of, TD_DISK_NOWHERE, "/a", 0, &found) == 0 ||
			    td_disk_open_dir(of, TD_DISK_NOWHERE, "/b/a", 0, &found) == 0 ||
			    td_disk_open_dir(of, TD_DISK_NOWHERE, "/c", 0, &found) == 0);
		assert_true(td_disk_open_dir(of, TD_DISK_NOWHERE, "/b", 0, &found) == 0 ||
			    td_disk_open_dir(of, TD_DISK_NOWHERE, "/c/b", 0, &found) == 0);
		sim_disk_free(copy);
	}
	sim_disk_free(disk);
}

static void replaced_name_is_always_one_or_the_other(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct sim_disk *disk = disk_new(seed);
		const struct td_disk *table = sim_disk_table(disk);
		int dir = dir_open(table, "/", 0), file = file_open(table, dir, "x", NEW);
		char byte = 0;

		assert_int_equal(td_disk_write_all(table, file, "1", 1, 0), 0);
		assert_int_equal(td_disk_sync(table, file), 0);
		assert_int_equal(td_disk_sync_dir(table, dir), 0);
		file = file_open(table, dir, "tmp", NEW);
		assert_int_equal(td_disk_write_all(table, file, "2", 1, 0), 0);
		assert_int_equal(td_disk_sync(table, file), 0);
		assert_int_equal(td_disk_rename(table, dir, "tmp", dir, "x"), 0);
		sim_disk_crash(disk, &(struct sim_disk_fate){.seed = seed});
		file = file_open(table, dir_open(table, "/", 0), "x", TD_DISK_READ);
		assert_int_equal(td_disk_read_all(table, file, &byte, 1, 0, &(size_t){0}), 0);
		assert_true(byte == '1' || byte == '2');
		sim_disk_free(disk);
	}
}

/* --- names against all the places they may be ---------------------------------------------- */

#define DIRS       3
#define NAMES      4
#define IDS_MAX    200
#define PLACES_MAX 100
#define NOWHERE    (-1)

static const char *const dir_paths[DIRS] = {"/", "/one", "/one/two"};
static const char *const names[NAMES] = {"a", "b", "c", "d"};

/* A file, known by its content: where it may be. The last place is where it is now. */
struct known {
	int places[PLACES_MAX]; /* dir * NAMES + name */
	size_t count;
	int from_dir, to_dir; /* of the last move, until they are synced; else NOWHERE */
};

struct names_play {
	struct sim_disk *disk;
	const struct td_disk *table;
	struct td_rng rng;
	int dirs[DIRS];
	struct known known[IDS_MAX];
	size_t ids;
	int now[DIRS * NAMES]; /* which id; NOWHERE: none */
};

static void known_moves(struct names_play *play, int id, int place, int from_dir, int to_dir)
{
	struct known *known = &play->known[id];

	assert_true(known->count < PLACES_MAX);
	known->places[known->count++] = place;
	known->from_dir = from_dir;
	known->to_dir = to_dir;
}

static void names_make(struct names_play *play, int place)
{
	int dir = place / NAMES, id = (int)play->ids, file;

	if (play->now[place] != NOWHERE || play->ids == IDS_MAX)
		return;
	play->ids++;
	play->known[id] = (struct known){.places = {NOWHERE}, .count = 1};
	file = file_open(play->table, play->dirs[dir], names[place % NAMES], NEW);
	assert_int_equal(td_disk_write_all(play->table, file, &id, sizeof(id), 0), 0);
	assert_int_equal(td_disk_sync(play->table, file), 0);
	td_disk_close(play->table, file);
	play->now[place] = id;
	known_moves(play, id, place, NOWHERE, dir);
}

static void names_unlink(struct names_play *play, int place)
{
	int dir = place / NAMES;
	int code = td_disk_unlink(play->table, play->dirs[dir], names[place % NAMES]);

	assert_int_equal(code, play->now[place] == NOWHERE ? ENOENT : 0);
	if (code == 0)
		known_moves(play, play->now[place], NOWHERE, dir, NOWHERE);
	play->now[place] = NOWHERE;
}

static void names_rename(struct names_play *play, int from, int to)
{
	int dir = from / NAMES, to_dir = to / NAMES, id = play->now[from];
	int code = td_disk_rename(play->table, play->dirs[dir], names[from % NAMES],
		play->dirs[to_dir], names[to % NAMES]);

	assert_int_equal(code, id == NOWHERE ? ENOENT : 0);
	if (code != 0 || from == to)
		return;
	if (play->now[to] != NOWHERE)
		known_moves(play, play->now[to], NOWHERE, dir, to_dir);
	known_moves(play, id, to, dir, to_dir);
	play->now[from] = NOWHERE;
	play->now[to] = id;
}

/* What was last moved within synced directories is where it is. */
static void names_sync(struct names_play *play, int dir)
{
	assert_int_equal(td_disk_sync_dir(play->table, play->dirs[dir]), 0);
	for (size_t i = 0; i < play->ids; i++) {
		struct known *known = &play->known[i];

		if (known->from_dir == dir)
			known->from_dir = NOWHERE;
		if (known->to_dir == dir)
			known->to_dir = NOWHERE;
		if (known->from_dir == NOWHERE && known->to_dir == NOWHERE) {
			known->places[0] = known->places[known->count - 1];
			known->count = 1;
		}
	}
}

static void names_open(struct names_play *play)
{
	for (size_t i = 0; i < DIRS; i++)
		play->dirs[i] = dir_open(play->table, dir_paths[i], TD_DISK_CREATE);
}

/* Each file is at one place, or none, that it may be at. */
static void names_check(struct names_play *play)
{
	int found[IDS_MAX];

	for (size_t i = 0; i < play->ids; i++)
		found[i] = NOWHERE;
	for (int place = 0; place < DIRS * NAMES; place++) {
		int file = -1, id = -1;

		play->now[place] = NOWHERE;
		if (td_disk_open(play->table, play->dirs[place / NAMES], names[place % NAMES],
			    TD_DISK_READ, &file) != 0)
			continue;
		assert_int_equal(
			td_disk_read_all(play->table, file, &id, sizeof(id), 0, &(size_t){0}), 0);
		td_disk_close(play->table, file);
		assert_in_range(id, 0, play->ids - 1);
		assert_int_equal(found[id], NOWHERE);
		found[id] = place;
		play->now[place] = id;
	}
	for (size_t i = 0; i < play->ids; i++) {
		struct known *known = &play->known[i];
		bool allowed = false;

		for (size_t j = 0; j < known->count; j++)
			allowed |= known->places[j] == found[i];
		assert_true(allowed);
		*known = (struct known){
			.places = {found[i]},
			.count = 1,
			.from_dir = NOWHERE,
			.to_dir = NOWHERE,
		};
	}
}

static void names_step(struct names_play *play)
{
	int place = (int)td_rng_below(&play->rng, DIRS * NAMES);

	switch (td_rng_below(&play->rng, 8)) {
	case 0:
	case 1:
	case 2:
		names_make(play, place);
		break;
	case 3:
		names_unlink(play, place);
		break;
	case 4:
		names_sync(play, place / NAMES);
		break;
	default:
		names_rename(play, place, (int)td_rng_below(&play->rng, DIRS * NAMES));
		break;
	}
}

static void each_name_is_where_it_was_since_its_directories_were_synced(void **state)
{
	static struct names_play play;

	(void)state;
	for (uint64_t seed = 1; seed <= 2000; seed++) {
		memset(&play, 0, sizeof(play));
		play.disk = disk_new(seed);
		play.table = sim_disk_table(play.disk);
		td_rng_init(&play.rng, seed);
		for (int i = 0; i < DIRS * NAMES; i++)
			play.now[i] = NOWHERE;
		names_open(&play);
		for (int i = 0; i < 3; i++) {
			for (uint64_t j = td_rng_below(&play.rng, 60); j > 0; j--)
				names_step(&play);
			sim_disk_crash(
				play.disk, &(struct sim_disk_fate){.seed = td_rng_u64(&play.rng)});
			names_open(&play);
			names_check(&play);
		}
		sim_disk_free(play.disk);
	}
	assert_true(counts[SIM_DISK_COUNT_NAME_KEPT] > 1000);
	assert_true(counts[SIM_DISK_COUNT_NAME_LOST] > 1000);
}

/* --- every moment ------------------------------------------------------------------------- */

/* A small commit protocol: write, sync, then say so in another file, written and moved into place. */
static int commit(const struct td_disk *table, int *acknowledged)
{
	int dir = -1, data = -1, tmp = -1, code;

	code = td_disk_open_dir(table, TD_DISK_NOWHERE, "/store", TD_DISK_CREATE, &dir);
	if (code == 0)
		code = td_disk_open(table, dir, "data", RW | TD_DISK_CREATE, &data);
	if (code == 0)
		code = td_disk_sync_dir(table, dir);
	for (int i = 1; i <= 3 && code == 0; i++) {
		char bytes[2000];

		memset(bytes, i, sizeof(bytes));
		code = td_disk_write_all(table, data, bytes, sizeof(bytes), (uint64_t)i * 2000);
		if (code == 0)
			code = td_disk_sync(table, data);
		if (code == 0)
			code = td_disk_open(table, dir, "tmp", RW | TD_DISK_CREATE, &tmp);
		if (code == 0)
			code = td_disk_write_all(table, tmp, &i, sizeof(i), 0);
		if (code == 0)
			code = td_disk_sync(table, tmp);
		if (code == 0)
			code = td_disk_rename(table, dir, "tmp", dir, "count");
		if (code == 0)
			code = td_disk_sync_dir(table, dir);
		td_disk_close(table, tmp);
		tmp = -1;
		if (code == 0)
			*acknowledged = i;
	}
	td_disk_close(table, data);
	td_disk_close(table, dir);
	return code;
}

/* What was counted is there, whatever else. */
static int counted(const struct td_disk *table)
{
	int dir = -1, file = -1, found = 0;
	char bytes[2000];
	size_t got = 0;

	if (td_disk_open_dir(table, TD_DISK_NOWHERE, "/store", 0, &dir) != 0 ||
		td_disk_open(table, dir, "count", TD_DISK_READ, &file) != 0)
		return 0;
	assert_int_equal(td_disk_read_all(table, file, &found, sizeof(found), 0, &got), 0);
	assert_int_equal(got, sizeof(found));
	file = file_open(table, dir, "data", TD_DISK_READ);
	for (int i = 1; i <= found; i++) {
		assert_int_equal(td_disk_read_all(table, file, bytes, sizeof(bytes),
					 (uint64_t)i * 2000, &got),
			0);
		assert_int_equal(got, sizeof(bytes));
		for (size_t j = 0; j < sizeof(bytes); j++)
			assert_int_equal(bytes[j], i);
	}
	return found;
}

static void freezing_after_each_change_shows_each_state_a_crash_can_find(void **state)
{
	size_t images = 0;
	uint64_t changes = 0;
	int code = SIM_DISK_FROZEN, seen[4] = {0};

	(void)state;
	for (; code != 0; changes++) {
		struct sim_disk *disk = disk_new(1);
		int acknowledged = 0;

		sim_disk_freeze_after(disk, changes);
		code = commit(sim_disk_table(disk), &acknowledged);
		assert_true(code == 0 || code == SIM_DISK_FROZEN);
		if (code != 0) {
			int dir = -7;

			assert_int_equal(td_disk_open_dir(sim_disk_table(disk), TD_DISK_NOWHERE,
						 "/", 0, &dir),
				SIM_DISK_FROZEN);
			assert_int_equal(sim_disk_changes(disk), changes);
		}
		for (uint64_t seed = 0; seed < 64; seed++, images++) {
			struct sim_disk *copy = sim_disk_copy(disk);
			int found;

			sim_disk_crash(copy, &(struct sim_disk_fate){.seed = seed});
			found = counted(sim_disk_table(copy));
			assert_in_range(found, acknowledged, acknowledged + 1);
			seen[found]++;
			sim_disk_free(copy);
		}
		sim_disk_free(disk);
	}
	assert_true(changes > 20 && images > 1280);
	for (int i = 0; i < 4; i++)
		assert_true(seen[i] > 0);
}

static void destroyed_sectors_are_asked_for_and_were_being_rewritten(void **state)
{
	size_t destroyed = 0, unreadable = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 200; seed++) {
		struct sim_disk *disk = disk_new(seed);
		const struct td_disk *table = sim_disk_table(disk);
		int dir = dir_open(table, "/", 0), file = file_open(table, dir, "a", NEW);
		uint8_t bytes[4 * TD_DISK_SECTOR];
		size_t got = 0;

		/* 0: stays. 1: is rewritten. 2: zeros, written. 3: a hole, written. */
		memset(bytes, 'a', sizeof(bytes));
		memset(bytes + 2 * TD_DISK_SECTOR, 0, TD_DISK_SECTOR);
		assert_int_equal(td_disk_write_all(table, file, bytes, 3 * TD_DISK_SECTOR, 0), 0);
		assert_int_equal(td_disk_truncate(table, file, sizeof(bytes)), 0);
		assert_int_equal(td_disk_sync(table, file), 0);
		assert_int_equal(td_disk_sync_dir(table, dir), 0);
		memset(bytes, 'b', sizeof(bytes));
		assert_int_equal(
			td_disk_write_all(table, file, bytes, 3 * TD_DISK_SECTOR, TD_DISK_SECTOR),
			0);
		sim_disk_crash(disk, &(struct sim_disk_fate){.seed = seed, .destroys = true});
		file = file_open(table, dir_open(table, "/", 0), "a", TD_DISK_READ);
		for (uint64_t i = 0; i < 4; i++) {
			const char *may = i == 0 ? "a" : i == 1 ? "ab" : "b";
			int code = td_disk_read_all(
				table, file, bytes, TD_DISK_SECTOR, i * TD_DISK_SECTOR, &got);
			bool whole = code == 0 &&
				     (bytes[0] == 0 ? i >= 2 : strchr(may, bytes[0]) != NULL);

			for (size_t j = 1; j < TD_DISK_SECTOR && whole; j++)
				whole = bytes[j] == bytes[0];
			assert_true(i == 1 || whole);
			unreadable += code != 0;
			destroyed += code == 0 && !whole;
		}
		sim_disk_free(disk);
	}
	assert_true(destroyed > 10);
	assert_true(unreadable > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_sector_and_size_is_one_it_had_since_the_last_sync),
		cmocka_unit_test(what_was_synced_survives_whole),
		cmocka_unit_test(killing_the_process_loses_nothing),
		cmocka_unit_test(every_subset_of_unsynced_sectors_can_survive),
		cmocka_unit_test(every_subset_of_unsynced_names_can_survive),
		cmocka_unit_test(names_in_a_directory_do_not_wait_for_its_own_move),
		cmocka_unit_test(moved_directories_never_hang_in_the_air),
		cmocka_unit_test(replaced_name_is_always_one_or_the_other),
		cmocka_unit_test(each_name_is_where_it_was_since_its_directories_were_synced),
		cmocka_unit_test(freezing_after_each_change_shows_each_state_a_crash_can_find),
		cmocka_unit_test(destroyed_sectors_are_asked_for_and_were_being_rewritten),
	};

	return cmocka_run_group_tests_name("crashes of the simulated disk", tests, NULL, NULL);
}
