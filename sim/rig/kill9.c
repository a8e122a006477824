/*
 * kill9 [CYCLES [SEED]]: a real writer on a real disk, and SIGKILL.
 *
 * In each cycle a child opens the place, recovers it, and uses it with several threads, noting all it
 * asks and is told on a tape that outlives it (tape.h). It is killed after a random time, or at a
 * named point: before or after the n-th call of some kind to some kind of file that it makes to the
 * disk ("after the third SYNC of a segment"). Recovery is killed, too. Every so often, and at the end, all is read and the checker judges.
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

/* What a file is, by its name: a call to each is a point of its own. */
/* clang-format off */
#define ROLES(X) \
	X(SEGMENT, "seg-") X(SPARE, "spare") X(REWRITE, "rewrite") X(CONTROL, "CONTROL") X(INDEX, "index") \
	X(LOCK, "LOCK") X(OTHER, "")
/* clang-format on */

enum role {
#define ROLE(name, prefix) ROLE_##name,
	ROLES(ROLE)
#undef ROLE
		ROLES_COUNT,
};
static const char *const role_names[] = {
#define ROLE(name, prefix) #name,
	ROLES(ROLE)
#undef ROLE
};
static const char *const role_prefixes[] = {
#define ROLE(name, prefix) prefix,
	ROLES(ROLE)
#undef ROLE
};

#define HANDLES_MAX 4096
static _Atomic unsigned char roles[HANDLES_MAX]; /* of open handles */

static enum role role_of_name(const char *name)
{
	enum role role = 0;

	while (strncmp(name, role_prefixes[role], strlen(role_prefixes[role])) != 0)
		role++;
	return role;
}

static enum role role_of(int file)
{
	return file >= 0 && file < HANDLES_MAX ? (enum role)roles[file] : ROLE_OTHER;
}

/* Shared with the children. */
struct trap {
	enum point point; /* POINTS_COUNT: none */
	enum role role;
	bool after;
	uint64_t number; /* of the call */
	_Atomic uint64_t calls;
	_Atomic uint64_t seen[POINTS_COUNT][ROLES_COUNT]; /* calls, in this life */
	_Atomic uint64_t hits[POINTS_COUNT][ROLES_COUNT][2];
};
static struct trap *trap;

static void spring(enum point point, enum role role, bool after, uint64_t number)
{
	if (trap->after != after || number != trap->number)
		return;
	atomic_fetch_add(&trap->hits[point][role][after], 1);
	kill(getpid(), SIGKILL);
}

/* The number of this call among those that the trap waits for; UINT64_MAX: none of them. */
static uint64_t number_of(enum point point, enum role role)
{
	atomic_fetch_add(&trap->seen[point][role], 1);
	if (trap->point != point || trap->role != role)
		return UINT64_MAX;
	return atomic_fetch_add(&trap->calls, 1);
}

#define WITH_TRAP(which, role_, call)                    \
	enum role is_ = role_;                           \
	uint64_t number_ = number_of(NAME_##which, is_); \
	int code_;                                       \
	spring(NAME_##which, is_, false, number_);       \
	code_ = call;                                    \
	spring(NAME_##which, is_, true, number_);        \
	return code_

static int trap_open_dir(void *arg, int parent, const char *path, unsigned flags, int *dir)
{
	(void)arg;
	WITH_TRAP(OPEN_DIR, ROLE_OTHER, td_disk_open_dir(&td_disk_real, parent, path, flags, dir));
}

static int open_file(int dir, const char *name, unsigned flags, int *file)
{
	int code = td_disk_open(&td_disk_real, dir, name, flags, file);

	if (code == 0 && *file < HANDLES_MAX)
		roles[*file] = (unsigned char)role_of_name(name);
	return code;
}

static int trap_open(void *arg, int dir, const char *name, unsigned flags, int *file)
{
	(void)arg;
	WITH_TRAP(OPEN, role_of_name(name), open_file(dir, name, flags, file));
}

static int trap_read(void *arg, int file, void *bytes, size_t len, uint64_t offset, size_t *got)
{
	(void)arg;
	WITH_TRAP(READ, role_of(file), td_disk_read(&td_disk_real, file, bytes, len, offset, got));
}

static int trap_write(void *arg, int file, const struct td_disk_part *parts, size_t count,
	uint64_t offset, size_t *put)
{
	(void)arg;
	WITH_TRAP(WRITE, role_of(file),
		td_disk_write_parts(&td_disk_real, file, parts, count, offset, put));
}

static int trap_sync(void *arg, int file)
{
	(void)arg;
	WITH_TRAP(SYNC, role_of(file), td_disk_sync(&td_disk_real, file));
}

static int trap_sync_dir(void *arg, int dir)
{
	(void)arg;
	WITH_TRAP(SYNC_DIR, ROLE_OTHER, td_disk_sync_dir(&td_disk_real, dir));
}

static int trap_allocate(void *arg, int file, uint64_t offset, uint64_t len)
{
	(void)arg;
	WITH_TRAP(ALLOCATE, role_of(file), td_disk_allocate(&td_disk_real, file, offset, len));
}

static int trap_punch(void *arg, int file, uint64_t offset, uint64_t len)
{
	(void)arg;
	WITH_TRAP(PUNCH, role_of(file), td_disk_punch(&td_disk_real, file, offset, len));
}

static int trap_truncate(void *arg, int file, uint64_t bytes)
{
	(void)arg;
	WITH_TRAP(TRUNCATE, role_of(file), td_disk_truncate(&td_disk_real, file, bytes));
}

static int trap_rename(void *arg, int dir, const char *name, int to_dir, const char *to_name)
{
	(void)arg;
	WITH_TRAP(RENAME, role_of_name(to_name),
		td_disk_rename(&td_disk_real, dir, name, to_dir, to_name));
}

static int trap_unlink(void *arg, int dir, const char *name)
{
	(void)arg;
	WITH_TRAP(UNLINK, role_of_name(name), td_disk_unlink(&td_disk_real, dir, name));
}

static int trap_lock(void *arg, int file)
{
	(void)arg;
	WITH_TRAP(LOCK, role_of(file), td_disk_lock(&td_disk_real, file));
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

/* The most calls that one life made: what was never called is no place for a trap. */
static uint64_t most[POINTS_COUNT][ROLES_COUNT];

static void learn(void)
{
	for (size_t i = 0; i < POINTS_COUNT; i++)
		for (size_t j = 0; j < ROLES_COUNT; j++) {
			uint64_t seen = atomic_exchange(&trap->seen[i][j], 0);

			most[i][j] = seen > most[i][j] ? seen : most[i][j];
		}
}

/* The n-th of those that were called. */
static void choose(uint64_t n)
{
	for (size_t i = 0; i < (size_t)POINTS_COUNT * ROLES_COUNT; i++) {
		if (most[i / ROLES_COUNT][i % ROLES_COUNT] == 0 || n-- > 0)
			continue;
		trap->point = (enum point)(i / ROLES_COUNT);
		trap->role = (enum role)(i % ROLES_COUNT);
		return;
	}
}

static void set_trap(struct td_rng *rng)
{
	static const uint64_t reach[] = {4, 30, 300};
	uint64_t places = 0, calls, far;

	learn();
	trap->calls = 0;
	trap->point = POINTS_COUNT;
	for (size_t i = 0; i < (size_t)POINTS_COUNT * ROLES_COUNT; i++)
		places += most[i / ROLES_COUNT][i % ROLES_COUNT] > 0;
	if (places == 0 || td_rng_below(rng, 3) == 0)
		return;
	choose(td_rng_below(rng, places));
	calls = most[trap->point][trap->role];
	far = reach[td_rng_below(rng, 3)];
	trap->after = td_rng_below(rng, 2) == 0;
	trap->number = td_rng_below(rng, calls < far ? calls : far);
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

/* Where it was killed, and how often; how many of these points there were, of how many. */
static uint64_t show_points(uint64_t *all)
{
	uint64_t points = 0;

	learn();
	*all = 0;
	for (size_t i = 0; i < (size_t)POINTS_COUNT * ROLES_COUNT; i++)
		*all += most[i / ROLES_COUNT][i % ROLES_COUNT] > 0 ? 2 : 0;

	for (size_t i = 0; i < POINTS_COUNT; i++)
		for (size_t j = 0; j < (size_t)ROLES_COUNT * 2; j++) {
			uint64_t hits = trap->hits[i][j / 2][j % 2];

			points += hits > 0;
			if (hits > 0)
				printf("%8" PRIu64 "  killed %s %s, %s\n", hits,
					j % 2 != 0 ? "after" : "before", point_names[i],
					role_names[j / 2]);
		}
	return points;
}

int main(int argc, char **argv)
{
	uint64_t cycles = argc > 1 ? strtoull(argv[1], NULL, 10) : 100;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	uint64_t appends = 0, points, all;
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
	points = show_points(&all);
	printf("kill9: %" PRIu64 " cycles, %" PRIu64 " appends, %" PRIu64 " of %" PRIu64
	       " named points, nothing lost\n",
		cycles, appends, points, all);
	new_directory();
	rmdir(directory);
	return 0;
}
