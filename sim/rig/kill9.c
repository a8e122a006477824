/*
 * kill9 [CYCLES [SEED]]: a real writer on a real disk, and SIGKILL.
 *
 * In each cycle a child opens the place, recovers it, and uses it with several threads, noting all it
 * asks and is told on a tape that outlives it (tape.h). It is killed after a random time, or at a
 * named point: before or after the n-th call of some kind that it makes to the disk ("after RENAME
 * 3"). Recovery is killed, too. Every so often, and at the end, all is read and the checker judges.
 *
 * It says at the end how often each point was hit. Exit 1: a promise was broken; the directory is
 * left as it was.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "writer.h"

#define CYCLES_TO_CHECK 10
#define CYCLES_TO_RENEW 50

/* --- a disk that kills -------------------------------------------------------------------- */

/* clang-format off */
#define POINTS(X) \
	X(OPEN_DIR) X(OPEN) X(READ) X(WRITE) X(SYNC) X(SYNC_DIR) X(ALLOCATE) X(RENAME) X(UNLINK) X(LOCK) \
	X(TRUNCATE) X(PUNCH)
/* clang-format on */

enum point {
#define POINT(name) NAME_##name,
	POINTS(POINT)
#undef POINT
		POINTS_COUNT,
};
static const char *const point_names[] = {
#define POINT(name) #name,
	POINTS(POINT)
#undef POINT
};

/* Shared with the children. */
struct trap {
	enum point point; /* POINTS_COUNT: none */
	bool after;
	uint64_t number; /* of the call */
	_Atomic uint64_t calls;
	_Atomic uint64_t hits[POINTS_COUNT][2];
};
static struct trap *trap;

static void spring(enum point point, bool after, uint64_t number)
{
	if (trap->point != point || trap->after != after || number != trap->number)
		return;
	atomic_fetch_add(&trap->hits[point][after], 1);
	kill(getpid(), SIGKILL);
}

#define WITH_TRAP(which, call)                                                                \
	uint64_t number_ =                                                                    \
		trap->point == NAME_##which ? atomic_fetch_add(&trap->calls, 1) : UINT64_MAX; \
	int code_;                                                                            \
	spring(NAME_##which, false, number_);                                                 \
	code_ = call;                                                                         \
	spring(NAME_##which, true, number_);                                                  \
	return code_

static int trap_open_dir(void *arg, int parent, const char *path, unsigned flags, int *dir)
{
	(void)arg;
	WITH_TRAP(OPEN_DIR, td_disk_open_dir(&td_disk_real, parent, path, flags, dir));
}

static int trap_open(void *arg, int dir, const char *name, unsigned flags, int *file)
{
	(void)arg;
	WITH_TRAP(OPEN, td_disk_open(&td_disk_real, dir, name, flags, file));
}

static int trap_read(void *arg, int file, void *bytes, size_t len, uint64_t offset, size_t *got)
{
	(void)arg;
	WITH_TRAP(READ, td_disk_read(&td_disk_real, file, bytes, len, offset, got));
}

static int trap_write(void *arg, int file, const struct td_disk_part *parts, size_t count,
	uint64_t offset, size_t *put)
{
	(void)arg;
	WITH_TRAP(WRITE, td_disk_write_parts(&td_disk_real, file, parts, count, offset, put));
}

static int trap_sync(void *arg, int file)
{
	(void)arg;
	WITH_TRAP(SYNC, td_disk_sync(&td_disk_real, file));
}

static int trap_sync_dir(void *arg, int dir)
{
	(void)arg;
	WITH_TRAP(SYNC_DIR, td_disk_sync_dir(&td_disk_real, dir));
}

static int trap_allocate(void *arg, int file, uint64_t offset, uint64_t len)
{
	(void)arg;
	WITH_TRAP(ALLOCATE, td_disk_allocate(&td_disk_real, file, offset, len));
}

static int trap_punch(void *arg, int file, uint64_t offset, uint64_t len)
{
	(void)arg;
	WITH_TRAP(PUNCH, td_disk_punch(&td_disk_real, file, offset, len));
}

static int trap_truncate(void *arg, int file, uint64_t bytes)
{
	(void)arg;
	WITH_TRAP(TRUNCATE, td_disk_truncate(&td_disk_real, file, bytes));
}

static int trap_rename(void *arg, int dir, const char *name, int to_dir, const char *to_name)
{
	(void)arg;
	WITH_TRAP(RENAME, td_disk_rename(&td_disk_real, dir, name, to_dir, to_name));
}

static int trap_unlink(void *arg, int dir, const char *name)
{
	(void)arg;
	WITH_TRAP(UNLINK, td_disk_unlink(&td_disk_real, dir, name));
}

static int trap_lock(void *arg, int file)
{
	(void)arg;
	WITH_TRAP(LOCK, td_disk_lock(&td_disk_real, file));
}

static struct td_disk trap_disk(void)
{
	struct td_disk disk = td_disk_real;

	disk.open_dir = trap_open_dir;
	disk.open = trap_open;
	disk.read = trap_read;
	disk.write = trap_write;
	disk.sync = trap_sync;
	disk.sync_dir = trap_sync_dir;
	disk.allocate = trap_allocate;
	disk.punch = trap_punch;
	disk.truncate = trap_truncate;
	disk.rename = trap_rename;
	disk.unlink = trap_unlink;
	disk.lock = trap_lock;
	return disk;
}

/* --- a cycle ------------------------------------------------------------------------------ */

static char directory[64], url[80];

static void new_directory(void)
{
	char command[100];

	if (directory[0] != 0) {
		snprintf(command, sizeof(command), "rm -rf '%s'", directory);
		if (system(command) != 0)
			exit(2);
	}
	strcpy(directory, "kill9.XXXXXX");
	if (mkdtemp(directory) == NULL) {
		perror("kill9");
		exit(2);
	}
	snprintf(url, sizeof(url), "file:%s/store", directory);
}

static void set_trap(struct td_rng *rng)
{
	static const uint64_t reach[] = {4, 30, 300};

	trap->calls = 0;
	trap->point = POINTS_COUNT;
	if (td_rng_below(rng, 2) == 0)
		return;
	trap->point = (enum point)td_rng_below(rng, POINTS_COUNT);
	trap->after = td_rng_below(rng, 2) == 0;
	trap->number = td_rng_below(rng, reach[td_rng_below(rng, 3)]);
}

/* Wait for the child, at most so long; then it is killed, if it still lives. */
static int end(pid_t child, unsigned ms)
{
	int status;

	for (unsigned i = 0; i < ms; i++) {
		if (waitpid(child, &status, WNOHANG) == child)
			return status;
		usleep(1000);
	}
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	return status;
}

/* Whether the child came to its end by itself. */
static bool cycle(struct tape *tape, struct td_rng *rng, uint64_t seed)
{
	unsigned ms = (unsigned)td_rng_below(rng, td_rng_below(rng, 3) == 0 ? 10 : 150);
	pid_t child;
	int status;

	set_trap(rng);
	child = fork();
	if (child < 0) {
		perror("kill9: fork");
		exit(2);
	}
	if (child == 0) {
		struct td_disk disk = trap_disk();
		struct td_world world = {.disk = &disk};
		struct rig_writer writer = {.tape = tape,
			.url = url,
			.world = &world,
			.seed = seed,
			.threads = (unsigned)(1 + seed % 4)};

		rig_write(&writer);
		_exit(tape->failed != 0);
	}
	/* A trap has time to be sprung. */
	status = end(child, trap->point == POINTS_COUNT ? ms : ms + 300);
	tape_moment(tape);
	return WIFEXITED(status);
}

static void check(struct tape *tape, uint64_t seed, uint64_t number)
{
	struct td_error err = TD_ERROR_INIT;
	char text[400];
	int code = tape->failed == 0 ? rig_read_all(tape, url, &err) : 0;

	if (code == 0 && tape_check(tape, UINT64_MAX, text, sizeof(text)))
		return;
	fprintf(stderr, "kill9: seed %" PRIu64 ", cycle %" PRIu64 ": %s\nthe store: %s\n", seed,
		number, code != 0 ? err.text : text, url);
	exit(1);
}

int main(int argc, char **argv)
{
	uint64_t cycles = argc > 1 ? strtoull(argv[1], NULL, 10) : 100;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	uint64_t appends = 0, points = 0;
	struct tape *tape = tape_new();
	struct td_rng rng;

	trap = rig_shared(sizeof(*trap));
	TD_ASSERT(tape != NULL && trap != NULL);
	td_rng_init(&rng, seed);
	new_directory();
	for (uint64_t i = 0; i < cycles; i++) {
		if (cycle(tape, &rng, seed + i) || (i + 1) % CYCLES_TO_CHECK == 0 ||
			i + 1 == cycles)
			check(tape, seed, i);
		if ((i + 1) % CYCLES_TO_RENEW == 0 || tape->appends_count > TAPE_APPENDS_MAX / 2) {
			check(tape, seed, i);
			appends += tape->appends_count;
			new_directory();
			tape_reset(tape);
		}
	}
	appends += tape->appends_count;
	for (size_t i = 0; i < POINTS_COUNT; i++)
		for (size_t after = 0; after < 2; after++) {
			uint64_t hits = trap->hits[i][after];

			points += hits > 0;
			if (hits > 0)
				printf("%8" PRIu64 "  killed %s %s\n", hits,
					after ? "after" : "before", point_names[i]);
		}
	printf("kill9: %" PRIu64 " cycles, %" PRIu64 " appends, %" PRIu64
	       " named points, nothing lost\n",
		cycles, appends, points);
	new_directory();
	rmdir(directory);
	return 0;
}
