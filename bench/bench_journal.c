/*
 * The journal on a real disk, beside what the disk gives in the same run.
 *
 *	append  records of 256 bytes as they lie on disk, in bursts: each batch is one frame, synced
 *	        before the next is written. Limit: a raw writer of the same bytes into a zero-filled
 *	        file, pwrite and fdatasync. One thread builds the next frame while another
 *	        commits.
 *	read    all records, verified, from segments that the system's cache holds. Limit: the same
 *	        files by pread of 1 MiB, unseen.
 *	open    after a crash, 128 MiB of frames in the last segment. Limit: the file by direct reads.
 *
 * Rounds alternate; medians. bench_journal [DIRECTORY]: /tmp unless given; no tmpfs.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "journal/journal.h"

#define RECORD        256
#define BODY          (RECORD - 8) /* the rest is the record's head */
#define SEGMENT_BYTES ((size_t)128 << 20)
#define ROUNDS        5
#define CHUNK         128 /* records staged under the lock at once */

static char root[256];
static char payload[BODY];

static double now(void)
{
	return bench_clock(CLOCK_MONOTONIC);
}

static void check(int code, const struct td_error *err, const char *what)
{
	if (code != 0) {
		fprintf(stderr, "%s: %s\n", what, err != NULL ? err->text : strerror(code));
		exit(1);
	}
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

static void path_of(char path[300], const char *name)
{
	snprintf(path, 300, "%s/%s", root, name);
}

static struct td_journal *open_journal(
	const char *name, bool chain, bool create, struct td_recovery *report)
{
	struct td_journal_options options = {
		.disk = &td_disk_real,
		.clock = &td_clock_real,
		.random = &td_random_real,
		.segment_bytes_first = SEGMENT_BYTES,
		.segment_bytes_max = SEGMENT_BYTES,
		.chain_off = !chain,
		.create = create,
	};
	struct td_journal *journal;
	struct td_error err = TD_ERROR_INIT;
	char path[300];

	path_of(path, name);
	check(td_journal_open(&journal, path, &options, report, &err), &err, "open");
	return journal;
}

/* --- append ------------------------------------------------------------------------------- */

static void stage(struct td_journal *journal, size_t batch)
{
	struct td_text part = {payload, BODY};
	struct td_error err = TD_ERROR_INIT;

	for (size_t i = 0; i < batch; i++) {
		check(td_journal_room(journal, 1, BODY, false, &err), &err, "room");
		memcpy(payload + 8, &i, sizeof(i));
		td_journal_stage(journal, &part, 1, NULL);
	}
}

/*
 * Large batches: two threads, as in a process where several publish. One builds the next frame, and
 * hashes the one in flight, while the other commits. The owner's functions are under the lock.
 */
struct burst {
	struct td_journal *journal;
	pthread_mutex_t owner;
	pthread_cond_t changed;
	size_t batch, frames;
	size_t built, taken; /* frames */
};

/* The owner's functions are under its lock, which is not held long: the other waits for the disk. */
static void build_frame(struct burst *burst)
{
	for (size_t done = 0; done < burst->batch; done += CHUNK) {
		pthread_mutex_lock(&burst->owner);
		stage(burst->journal, CHUNK);
		pthread_mutex_unlock(&burst->owner);
	}
}

static void hash(struct burst *burst)
{
	struct td_work *work;

	pthread_mutex_lock(&burst->owner);
	work = td_journal_next(burst->journal, TD_WORK_CHAIN, 0);
	pthread_mutex_unlock(&burst->owner);
	if (work == NULL)
		return;
	td_work_run(work);
	pthread_mutex_lock(&burst->owner);
	td_journal_done(burst->journal, work, NULL);
	pthread_cond_signal(&burst->changed);
	pthread_mutex_unlock(&burst->owner);
}

static void *build(void *arg)
{
	struct burst *burst = arg;

	for (size_t i = 0; i < burst->frames; i++) {
		pthread_mutex_lock(&burst->owner);
		while (burst->taken < i)
			pthread_cond_wait(&burst->changed, &burst->owner);
		pthread_mutex_unlock(&burst->owner);
		build_frame(burst);
		pthread_mutex_lock(&burst->owner);
		burst->built = i + 1;
		pthread_cond_signal(&burst->changed);
		pthread_mutex_unlock(&burst->owner);
		hash(burst);
	}
	return NULL;
}

static void commit_beside(struct burst *burst, size_t frame)
{
	struct td_error err = TD_ERROR_INIT;
	struct td_work *work = NULL;

	pthread_mutex_lock(&burst->owner);
	while (burst->built <= frame ||
		(work = td_journal_next(burst->journal, TD_WORK_COMMIT, 0)) == NULL)
		pthread_cond_wait(&burst->changed, &burst->owner);
	burst->taken = frame + 1;
	pthread_cond_signal(&burst->changed);
	pthread_mutex_unlock(&burst->owner);
	td_work_run(work);
	pthread_mutex_lock(&burst->owner);
	check(td_journal_done(burst->journal, work, &err), &err, "commit");
	pthread_mutex_unlock(&burst->owner);
}

static void append_beside(struct td_journal *journal, size_t batch, size_t frames)
{
	struct burst burst = {.journal = journal,
		.owner = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
		.batch = batch,
		.frames = frames};
	pthread_t builder;

	pthread_create(&builder, NULL, build, &burst);
	for (size_t i = 0; i < frames; i++)
		commit_beside(&burst, i);
	pthread_join(builder, NULL);
}

static double append_ours(size_t batch, size_t frames, bool chain)
{
	struct td_journal *journal = open_journal("append", chain, true, NULL);
	struct td_error err = TD_ERROR_INIT;
	char path[300];
	double from = now(), took;

	if (batch > 1024)
		append_beside(journal, batch, frames);
	for (size_t i = 0; i < frames && batch <= 1024; i++) {
		struct td_work *work;

		stage(journal, batch);
		work = td_journal_next(journal, TD_WORK_COMMIT, 0);
		td_work_run(work);
		check(td_journal_done(journal, work, &err), &err, "commit");
	}
	took = now() - from;
	td_journal_abandon(journal);
	path_of(path, "append");
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return (double)(batch * frames) * 1e9 / took;
}

static int zero_filled(const char *path)
{
	static char zeros[1 << 20];
	int file = open(path, O_RDWR | O_CREAT, 0600);

	if (file < 0)
		check(errno, NULL, path);
	for (size_t at = 0; at < SEGMENT_BYTES; at += sizeof(zeros))
		if (pwrite(file, zeros, sizeof(zeros), (off_t)at) < 0)
			check(errno, NULL, path);
	fsync(file);
	return file;
}

static double append_raw(size_t batch, size_t frames)
{
	char path[300];
	char *bytes = malloc(batch * RECORD);
	double from, took;
	int file;

	memset(bytes, 1, batch * RECORD);
	path_of(path, "raw");
	file = zero_filled(path);
	from = now();
	for (size_t i = 0; i < frames; i++)
		if (pwrite(file, bytes, batch * RECORD, (off_t)(i * batch * RECORD)) < 0 ||
			fdatasync(file) != 0)
			check(errno, NULL, path);
	took = now() - from;
	close(file);
	remove(path);
	free(bytes);
	return (double)(batch * frames) * 1e9 / took;
}

static void append(size_t batch, size_t frames, bool chain)
{
	double ours[ROUNDS], raw[ROUNDS], mine, limit;
	char name[64];

	for (int i = 0; i < ROUNDS; i++) {
		raw[i] = append_raw(batch, frames);
		ours[i] = append_ours(batch, frames, chain);
	}
	mine = bench_median(ours, ROUNDS) / 1e6;
	limit = bench_median(raw, ROUNDS) / 1e6;
	snprintf(name, sizeof(name), "append, batch %zu%s", batch, chain ? ", chain" : "");
	bench_row(name, mine, limit, "M/s", chain ? "" : ">= 0.8", chain || mine >= 0.8 * limit);
}

/* --- read and open ------------------------------------------------------------------------ */

static void fill(struct td_journal *journal, size_t records)
{
	struct td_error err = TD_ERROR_INIT;
	struct td_work *work;

	for (size_t i = 0; i < records; i += 3900) {
		stage(journal, records - i < 3900 ? records - i : 3900);
		while ((work = td_journal_next(journal,
				TD_WORK_COMMIT | TD_WORK_SPARE | TD_WORK_CHAIN, INT64_MAX - 1)) !=
			NULL) {
			td_work_run(work);
			check(td_journal_done(journal, work, &err), &err, "fill");
		}
	}
}

static double read_ours(struct td_journal *journal)
{
	struct td_scan scan = TD_SCAN_AT(1);
	struct td_record record;
	uint64_t lost_to, sum = 0, count = 0;
	double from = now(), took;

	while (td_journal_scan(journal, &scan, &record, &lost_to, NULL) == 0) {
		sum += (uint8_t)record.body.at[0];
		count++;
	}
	took = now() - from;
	td_scan_fini(&scan);
	if (sum == 0 || count + 1 != td_journal_durable(journal))
		check(EIO, NULL, "read");
	return (double)count * 1e9 / took;
}

static double read_raw(struct td_journal *journal, bool direct, double *bytes)
{
	struct td_segment_info segments[16];
	size_t count = td_journal_segments(journal, segments, 16);
	char path[330];
	void *buffer = td_disk_buffer_new((size_t)1 << 20);
	double from = now();

	*bytes = 0;
	for (size_t i = 0; i < count; i++) {
		int file;

		snprintf(path, sizeof(path), "%s/read/seg-%016llx.log", root,
			(unsigned long long)segments[i].base);
		file = open(path, O_RDONLY | (direct ? O_DIRECT : 0));
		for (uint64_t at = 0; at < segments[i].bytes; at += (uint64_t)1 << 20) {
			ssize_t got = pread(file, buffer, (size_t)1 << 20, (off_t)at);

			if (got <= 0)
				check(errno, NULL, path);
			*bytes += (double)got;
		}
		close(file);
	}
	td_disk_buffer_free(buffer);
	return now() - from;
}

static void read_and_open(void)
{
	size_t records = SEGMENT_BYTES / RECORD - 2000;
	struct td_journal *journal = open_journal("read", false, true, NULL);
	struct td_recovery report, last = {0};
	double ours[ROUNDS], raw[ROUNDS], opened[ROUNDS], direct[ROUNDS], bytes, mine, limit;
	char path[300];

	fill(journal, records);
	for (int i = 0; i < ROUNDS; i++) {
		double from;

		direct[i] = read_raw(journal, true, &bytes) / 1e6;
		td_journal_abandon(journal); /* as a crash */
		from = now();
		journal = open_journal("read", false, false, &report);
		opened[i] = (now() - from) / 1e6;
		last = report;
		ours[i] = read_ours(journal) / 1e6;
		raw[i] = bytes / RECORD * 1e3 / read_raw(journal, false, &bytes);
	}
	mine = bench_median(ours, ROUNDS);
	limit = bench_median(raw, ROUNDS);
	bench_row("read all, verified", mine, limit, "M/s", ">= 12 M/s", mine >= 12);
	mine = bench_median(opened, ROUNDS);
	limit = bench_median(direct, ROUNDS);
	bench_row("open after a crash, 128 MiB", mine, limit, "ms", "<= 250 ms", mine <= 250);
	printf("    of it: lock and CONTROL %.1f, segments %.1f, frames %.1f, promise %.1f ms\n",
		(double)last.lock_us / 1e3, (double)last.list_us / 1e3, (double)last.read_us / 1e3,
		(double)last.promise_us / 1e3);
	td_journal_abandon(journal);
	path_of(path, "read");
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(int argc, char **argv)
{
	snprintf(root, sizeof(root), "%s/bench-journal-XXXXXX", argc > 1 ? argv[1] : "/tmp");
	if (mkdtemp(root) == NULL)
		check(errno, NULL, root);
	memset(payload, 7, sizeof(payload));
	bench_header("journal, records of 256 B");
	append(1, 1000, false);
	append(256, 400, false);
	append(4096, 100, false);
	append(4096, 100, true);
	read_and_open();
	remove(root);
	return 0;
}
