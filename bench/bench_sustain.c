/*
 * What a store does when it goes on and on.
 *
 *	sustained  events of 256 B, 4,096 an append, chain on, everything else that comes with it too:
 *		   segments zero-filled, hashed, indexed by catalogs beside. Peer: a writer that
 *		   zero-fills files of 128 MiB, syncs them, and then writes them, one sync for as much.
 *	overwrite  keys that are updated over and over, of which the log keeps the latest: what lies on
 *		   disk at the end, beside what is live. The clock shows 4,096 updates a second.
 *
 *	bench_sustain [sustained [MIB] | overwrite [KEYS [UPDATES]]]
 *				default: both, 512 MiB, 100,000 keys, 2,000,000 updates
 *
 * One thread does everything, so CPU and wall clock tell the same on a machine that is idle.
 */
#include "bench.h"

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"

#define DIR     "bench-sustain.tmp"
#define BATCH   4096u
#define RECORD  256u
#define PAYLOAD (RECORD - 48 - 14 - 11) /* fixed part, address, type */
#define SEGMENT ((size_t)128 << 20)

static char payload[PAYLOAD];

/* A clock that goes on by a second an append where days are to pass in minutes. */
static int64_t passed_ns;

static td_time wall(void *arg)
{
	(void)arg;
	return td_clock_wall(&td_clock_real) + passed_ns;
}

static int64_t monotonic(void *arg)
{
	(void)arg;
	return td_clock_monotonic(&td_clock_real) + passed_ns;
}

static const struct td_clock fast = {wall, monotonic, NULL};

static void die(const char *what, const struct td_error *err)
{
	fprintf(stderr, "bench_sustain: %s: %s\n", what, err != NULL ? err->text : "failed");
	exit(1);
}

static uint64_t disk_bytes;

static int add_bytes(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)path;
	(void)kind;
	(void)where;
	disk_bytes += (uint64_t)status->st_blocks * 512;
	return 0;
}

static int rm(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

static void dir_clear(void)
{
	nftw(DIR, rm, 8, FTW_DEPTH | FTW_PHYS);
	mkdir(DIR, 0700);
}

/* `keys`: a million go with segments of 128 MiB, fewer with smaller ones. */
static struct td_store *store_open(uint64_t keys)
{
	size_t segment = SEGMENT;
	struct td_store_options options = {.journal = {.disk = &td_disk_real,
						   .clock = &fast,
						   .random = &td_random_real,
						   .create = true},
		.events = true};
	struct td_store *store;
	struct td_error err;

	for (; keys < 700000; keys *= 2)
		segment /= 2;
	options.journal.segment_bytes_max = segment;
	dir_clear();
	if (td_store_open(&store, DIR "/store", &options, NULL, &err) != 0)
		die("open", &err);
	return store;
}

static void work(struct td_store *store)
{
	struct td_chore *chore;
	struct td_error err;

	while ((chore = td_store_next(store, TD_WORK_EVERYTHING, monotonic(NULL) / 1000000)) !=
		NULL) {
		td_chore_run(chore);
		if (td_store_done(store, chore, &err) != 0)
			die("work", &err);
	}
}

static void digits(char *at, uint64_t value, int count)
{
	while (count-- > 0) {
		at[count] = (char)('0' + value % 10);
		value /= 10;
	}
}

static void append(struct td_store *store, uint64_t from, uint64_t subjects)
{
	static struct td_entry entries[BATCH];
	static struct td_placed placed[BATCH];
	static char addresses[BATCH][16];
	struct td_error err;
	uint64_t rests_on;
	int code;

	for (size_t i = 0; i < BATCH; i++) {
		memcpy(addresses[i], "order.00000000", 14);
		digits(addresses[i] + 6, td_hash_u64(from + i) % subjects, 8);
		entries[i] = (struct td_entry){.address = td_text_of(addresses[i], 14),
			.type = td_text_of("OrderPlaced", 11),
			.payload = td_text_of(payload, sizeof(payload))};
	}
	while ((code = td_store_append(store, entries, BATCH, placed, &rests_on, NULL, &err)) ==
		TD_E_FULL)
		work(store);
	if (code != 0)
		die("append", &err);
}

/* --- sustained ------------------------------------------------------------------------------ */

static void write_raw(uint64_t mib)
{
	size_t bytes = (size_t)BATCH * RECORD;
	char *buffer = malloc(bytes), *zeros = calloc(1, bytes);

	dir_clear();
	memset(buffer, 'x', bytes);
	for (uint64_t left = mib << 20; left > 0;) {
		uint64_t now = left < SEGMENT ? left : SEGMENT;
		char path[64];
		int file;

		/* Files that stay, as segments do: memory of the system that was used before is faster. */
		snprintf(path, sizeof(path), DIR "/raw-%" PRIu64, left);
		file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

		for (uint64_t at = 0; at < now; at += bytes) {
			if (pwrite(file, zeros, bytes, (off_t)at) != (ssize_t)bytes)
				die("raw", NULL);
		}
		fdatasync(file);
		for (uint64_t at = 0; at < now; at += bytes) {
			if (pwrite(file, buffer, bytes, (off_t)at) != (ssize_t)bytes ||
				fdatasync(file) != 0)
				die("raw", NULL);
		}
		close(file);
		left -= now;
	}
	free(buffer);
	free(zeros);
}

static void write_ours(uint64_t mib)
{
	struct td_store *store = store_open(1000000);

	for (uint64_t i = 0; i < (mib << 20) / RECORD; i += BATCH) {
		append(store, i, 1000000);
		work(store);
	}
	td_store_close(store, NULL);
}

#define ROUNDS 3

/* In ns a record. */
static void measure(void (*write)(uint64_t mib), uint64_t mib, double *of_wall, double *of_cpu)
{
	double events = (double)mib * (1 << 20) / RECORD;
	double from = bench_clock(CLOCK_MONOTONIC), cpu = bench_clock(CLOCK_PROCESS_CPUTIME_ID);

	write(mib);
	*of_wall = (bench_clock(CLOCK_MONOTONIC) - from) / events;
	*of_cpu = (bench_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu) / events;
}

static void bench_sustained(uint64_t mib)
{
	double ours[ROUNDS], ours_cpu[ROUNDS], raw[ROUNDS], raw_cpu[ROUNDS], a, b;

	/* Once for nothing: memory that the system gives out for the first time is slow. */
	write_raw(mib);
	for (int i = 0; i < ROUNDS; i++) {
		measure(write_ours, mib, &ours[i], &ours_cpu[i]);
		measure(write_raw, mib, &raw[i], &raw_cpu[i]);
	}
	bench_header("sustained, 256 B, batch 4,096, chain on");
	a = 1e3 / bench_median(ours, ROUNDS);
	b = 1e3 / bench_median(raw, ROUNDS);
	bench_row("events", a, b, "M/s", ">= 0.6", a >= 0.6 * b);
	printf("%-44s %9.0f ns CPU a record, raw %.0f\n", "", bench_median(ours_cpu, ROUNDS),
		bench_median(raw_cpu, ROUNDS));
}

/* --- overwrite ------------------------------------------------------------------------------ */

static void bench_overwrite(uint64_t keys, uint64_t updates)
{
	const struct td_text subject = td_text("order.>");
	const struct td_log_config config = {
		.subjects = &subject, .subjects_count = 1, .count_per_subject_max = 1};
	struct td_store *store = store_open(keys);
	double cpu = bench_clock(CLOCK_PROCESS_CPUTIME_ID), live, most = 0;
	struct td_store_status status;
	struct td_error err;
	uint64_t rests_on;

	if (td_store_log_set(store, td_text("orders"), &config, TD_LOG_CREATE, &rests_on, &err) !=
		0)
		die("log", &err);
	for (uint64_t i = 0; i < updates; i += BATCH) {
		append(store, i, keys);
		work(store);
		passed_ns += 1000000000;
		if (i / BATCH % 64 != 0)
			continue;
		disk_bytes = 0;
		nftw(DIR, add_bytes, 8, FTW_PHYS);
		most = (double)disk_bytes > most ? (double)disk_bytes : most;
	}
	work(store);
	cpu = bench_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	td_store_status(store, &status);
	disk_bytes = 0;
	nftw(DIR, add_bytes, 8, FTW_PHYS);
	live = (double)status.subjects * RECORD;
	bench_header("overwrite, the latest of each key kept");
	printf("%" PRIu64 " keys, %" PRIu64 " updates, %" PRIu64
	       " events left: %.0f ns CPU an update, at most %.0f MiB on disk\n",
		status.subjects, updates, status.events, cpu / (double)updates, most / (1 << 20));
	bench_row("disk use beside the live data", (double)disk_bytes / (1 << 20), live / (1 << 20),
		"MiB", "<= 2.5", (double)disk_bytes <= 2.5 * live);
	td_store_close(store, NULL);
}

int main(int argc, char **argv)
{
	const char *part = argc > 1 ? argv[1] : "";
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	uint64_t second = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;

	memset(payload, 'x', sizeof(payload));
	if (argc < 2 || strcmp(part, "sustained") == 0)
		bench_sustained(first != 0 ? first : 512);
	if (argc < 2 || strcmp(part, "overwrite") == 0)
		bench_overwrite(first != 0 ? first : 100000, second != 0 ? second : 2000000);
	nftw(DIR, rm, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}
