/*
 * The simulated disk beside the real one: the same calls, drawn at random, must be answered the same.
 * (Space, direct transfers and what a crash leaves are other tests' matter.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk/disk.h"

#define SIDES     2
#define DIRS_MAX  4
#define FILES_MAX 4
#define CALLS     400
#define BYTES_MAX 30000

static const char *const some_names[] = {"a", "b", "c", "D", "E", "F"};

struct pair {
	const struct td_disk *disk[SIDES];
	int dirs[SIDES][DIRS_MAX];
	int files[SIDES][FILES_MAX];
	struct td_rng rng;
};

static size_t below(struct pair *pair, size_t bound)
{
	return (size_t)td_rng_below(&pair->rng, bound);
}

static const char *any_name(struct pair *pair)
{
	if (below(pair, 50) == 0)
		return below(pair, 2) == 0 ? ".." : "x/y";
	return some_names[below(pair, sizeof(some_names) / sizeof(some_names[0]))];
}

/* A listing as one number, whatever its order. */
struct sum {
	uint64_t hash;
};

static int sum_up(void *arg, const struct td_disk_entry *entry)
{
	struct sum *sum = arg;

	sum->hash += td_hash(
		entry->name, strlen(entry->name), (uint64_t)entry->kind * 1000003 + entry->bytes);
	return 0;
}

/* What one call says, on one side. */
struct said {
	int code;
	uint64_t value; /* what it gave back */
};

static void assert_same(const char *call, const struct said said[SIDES])
{
	if (said[0].code != said[1].code || said[0].value != said[1].value)
		fail_msg("%s: the real disk says %d and %llu, the simulated %d and %llu", call,
			said[0].code, (unsigned long long)said[0].value, said[1].code,
			(unsigned long long)said[1].value);
}

/* Handles differ; whether there is one does not. */
static void keep(const struct pair *pair, int side, int *slot, int handle, struct said *said)
{
	if (said->code == 0) {
		td_disk_close(pair->disk[side], *slot);
		*slot = handle;
	}
}

static void name_call(struct pair *pair)
{
	size_t d = below(pair, DIRS_MAX), to = below(pair, DIRS_MAX), slot = below(pair, DIRS_MAX);
	size_t what = below(pair, 8), f = below(pair, FILES_MAX);
	unsigned create = below(pair, 2) == 0 ? TD_DISK_CREATE : 0;
	unsigned flags = (unsigned)below(pair, 16);
	const char *name = any_name(pair), *to_name = any_name(pair);
	struct said said[SIDES] = {0};
	static const char *const calls[] = {
		"open_dir", "make_dir", "list", "rename", "unlink", "sync_dir", "open", "open"};

	for (int i = 0; i < SIDES; i++) {
		const struct td_disk *disk = pair->disk[i];
		int dir = pair->dirs[i][d], handle = -1;
		struct sum sum = {0};

		switch (what) {
		case 0:
			said[i].code = td_disk_open_dir(disk, dir, name, create, &handle);
			if (slot > 0)
				keep(pair, i, &pair->dirs[i][slot], handle, &said[i]);
			else
				td_disk_close(disk, handle);
			break;
		case 1:
			said[i].code = td_disk_make_dir(disk, dir, name);
			break;
		case 2:
			said[i].code = td_disk_list(disk, dir, sum_up, &sum);
			break;
		case 3:
			said[i].code = td_disk_rename(disk, dir, name, pair->dirs[i][to], to_name);
			break;
		case 4:
			said[i].code = td_disk_unlink(disk, dir, name);
			break;
		case 5:
			said[i].code = td_disk_sync_dir(disk, dir);
			break;
		default:
			said[i].code = td_disk_open(disk, dir, name, flags, &handle);
			keep(pair, i, &pair->files[i][f], handle, &said[i]);
			break;
		}
		said[i].value = sum.hash;
	}
	assert_same(calls[what], said);
}

static struct said file_call_on(
	const struct td_disk *disk, int file, size_t what, uint64_t at, size_t len, uint8_t with)
{
	static uint8_t bytes[BYTES_MAX];
	const struct td_disk_part parts[] = {{bytes, len / 2}, {bytes + len / 2, len - len / 2}};
	struct said said = {0};
	size_t n = 0;

	switch (what) {
	case 0:
	case 1:
		said.code = td_disk_read_all(disk, file, bytes, len, at, &n);
		said.value = td_hash(bytes, n, n);
		break;
	case 2:
		said.code = td_disk_truncate(disk, file, at);
		break;
	case 3:
		said.code = td_disk_allocate(disk, file, at, len + 1);
		break;
	case 4:
		said.code = td_disk_punch(disk, file, at, len + 1);
		break;
	case 5:
		said.code = td_disk_lock(disk, file);
		break;
	case 6:
		said.code = td_disk_size(disk, file, &said.value);
		break;
	case 7:
		said.code = td_disk_sync(disk, file);
		break;
	default:
		memset(bytes, with, len);
		said.code = td_disk_write_parts_all(disk, file, parts, 2, at);
		break;
	}
	return said;
}

static void file_call(struct pair *pair)
{
	static const char *const calls[] = {"read", "read", "truncate", "allocate", "punch", "lock",
		"size", "sync", "write", "write", "write"};
	size_t f = below(pair, FILES_MAX), what = below(pair, 11);
	size_t len = below(pair, 8) == 0 ? below(pair, 2) : below(pair, BYTES_MAX);
	uint64_t at = below(pair, BYTES_MAX);
	uint8_t with = (uint8_t)below(pair, 4);
	struct said said[SIDES];

	for (int i = 0; i < SIDES; i++)
		said[i] = file_call_on(pair->disk[i], pair->files[i][f], what, at, len, with);
	assert_same(calls[what], said);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

static void play(const char *where, uint64_t seed)
{
	struct sim_disk_options options = {0};
	struct sim_disk *sim = sim_disk_new(&options);
	char path[64];
	struct pair pair = {.disk = {&td_disk_real, sim_disk_table(sim)}};
	const char *paths[SIDES] = {path, "/"};

	snprintf(path, sizeof(path), "%s/tidings-test-beside-XXXXXX", where);
	assert_non_null(mkdtemp(path));
	td_rng_init(&pair.rng, seed);
	for (int i = 0; i < SIDES; i++) {
		for (int j = 0; j < DIRS_MAX; j++)
			assert_int_equal(td_disk_open_dir(pair.disk[i], TD_DISK_NOWHERE, paths[i],
						 0, &pair.dirs[i][j]),
				0);
		for (int j = 0; j < FILES_MAX; j++)
			pair.files[i][j] = -1;
	}
	for (int i = 0; i < CALLS; i++) {
		if (below(&pair, 2) == 0)
			name_call(&pair);
		else
			file_call(&pair);
	}
	for (int i = 0; i < SIDES; i++) {
		for (int j = 0; j < DIRS_MAX; j++)
			td_disk_close(pair.disk[i], pair.dirs[i][j]);
		for (int j = 0; j < FILES_MAX; j++)
			td_disk_close(pair.disk[i], pair.files[i][j]);
	}
	assert_int_equal(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	sim_disk_free(sim);
}

static void simulated_disk_answers_as_the_real_one(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++)
		play("/tmp", seed);
	/* Where a sync costs nothing, more of it. */
	for (uint64_t seed = 1; seed <= 300 && access("/dev/shm", W_OK) == 0; seed++)
		play("/dev/shm", seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(simulated_disk_answers_as_the_real_one),
	};

	return cmocka_run_group_tests_name("beside the real disk", tests, NULL, NULL);
}
