/*
 * powercut IMAGE MOUNT SNAPSHOT SNAPSHOT_MOUNT CUTS SEED [lie|lie-often]: a real writer on a real
 * file system, and power that goes.
 *
 * MOUNT holds the file system of IMAGE, a file on a file system that can copy it in one moment
 * (reflink). A child writes in MOUNT. A copy of the image is what a disk would hold if power went at
 * that moment: what was not synced is not in it. The copy is mounted and the store in it opened, read
 * and judged, against what had been acknowledged when copying began.
 *
 * With `lie` no sync reaches the disk, with `lie-often` one in a hundred does: then things must be
 * missing, or this program could not see it. tools/powercut sets all this up, and takes it down.
 *
 * Says how many cuts lost something. Exit 1: one did, and nobody lied; or somebody lied and it was
 * hardly seen.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "writer.h"

#define SHARE_SEEN 80 /* of a hundred cuts of a liar */

static uint64_t lie; /* 0: never; else one in so many is true */

static int lying_sync(void *arg, int file)
{
	static _Atomic uint64_t calls;

	(void)arg;
	if (atomic_fetch_add(&calls, 1) % lie != lie - 1)
		return 0;
	return td_disk_sync(&td_disk_real, file);
}

static int lying_sync_dir(void *arg, int dir)
{
	(void)arg;
	(void)dir;
	return 0;
}

/* A command of the shell, with one or two file names. */
static int run(const char *what, const char *a, const char *b)
{
	char command[1000];

	snprintf(command, sizeof(command), "%s '%s'%s%s%s", what, a, b != NULL ? " '" : "",
		b != NULL ? b : "", b != NULL ? "'" : "");
	return system(command);
}

static pid_t start(struct tape *tape, const char *mount, uint64_t seed)
{
	pid_t child = fork();

	if (child != 0)
		return child;
	char url[300];
	struct td_disk disk = td_disk_real;
	struct td_world world = {.disk = &disk};
	struct rig_writer writer = {.tape = tape,
		.url = url,
		.world = &world,
		.seed = seed,
		.threads = 3,
		.no_reading = true};

	if (lie != 0) {
		disk.sync = lying_sync;
		disk.sync_dir = lying_sync_dir;
	}
	snprintf(url, sizeof(url), "file:%s/store", mount);
	rig_write(&writer);
	_exit(tape->failed != 0);
}

/* Whether the copy has all that it must have. */
static bool judge(struct tape *tape, const char *mount, uint64_t cut, char *text, size_t bytes)
{
	struct td_error err = TD_ERROR_INIT;
	char url[300];
	bool good;

	snprintf(url, sizeof(url), "file:%s/store", mount);
	if (rig_read_all(tape, url, &err) != 0) {
		snprintf(text, bytes, "%s", err.text);
		good = false;
	} else {
		good = tape_check(tape, cut, text, bytes);
		tape_unpass(tape);
	}
	return good;
}

int main(int argc, char **argv)
{
	struct tape *tape = tape_new();
	struct td_rng rng;
	uint64_t cuts, made = 0, lost = 0;
	pid_t child;

	if (argc < 7)
		return 2;
	cuts = strtoull(argv[5], NULL, 10);
	td_rng_init(&rng, strtoull(argv[6], NULL, 10));
	if (argc > 7)
		lie = strcmp(argv[7], "lie") == 0 ? UINT64_MAX : 100;
	child = start(tape, argv[2], strtoull(argv[6], NULL, 10));
	for (uint64_t i = 0; i < cuts; i++) {
		char text[400];
		uint64_t cut;

		usleep((useconds_t)(20000 + td_rng_below(&rng, 200000)));
		if (tape->appends_count > TAPE_APPENDS_MAX * 9 / 10)
			break; /* enough was seen */
		cut = atomic_load(&tape->moment);
		if (run("cp --reflink=always", argv[1], argv[3]) != 0)
			return 2;
		kill(child, SIGSTOP);
		/* A copy has the uuid of its original, which XFS does not like. */
		if (run("2>/dev/null mount -o loop,nouuid", argv[3], argv[4]) != 0 &&
			run("mount -o loop", argv[3], argv[4]) != 0)
			return 2;
		made++;
		if (tape->open && !judge(tape, argv[4], cut, text, sizeof(text))) {
			lost++;
			if (lie == 0)
				fprintf(stderr, "powercut: seed %s, cut %" PRIu64 ": %s\n", argv[6],
					i, text);
		}
		if (run("umount", argv[4], NULL) != 0 || tape->failed != 0) {
			fprintf(stderr, "powercut: %s\n", tape->failure);
			return 1;
		}
		kill(child, SIGCONT);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	printf("powercut: %" PRIu64 " cuts%s, %u appends, %" PRIu64 " with loss\n", made,
		lie == 0 ? "" : ", no honest sync", tape->appends_count, lost);
	if (made == 0)
		return 1;
	return lie == 0 ? lost > 0 : lost * 100 < made * SHARE_SEEN;
}
