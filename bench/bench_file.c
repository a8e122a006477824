/*
 * Durable publishes: one, two and sixteen threads that each publish and wait, on "file:"; beside a
 * writer that does nothing but write and sync as many bytes as the store wrote per commit, into a
 * file of zeros. So the ratio is what deciding, building frames and waking each other costs.
 */
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <tidings/tidings.h>
#include <unistd.h>

#include "bench.h"

#define ROUNDS     5
#define ROUND_S    0.6
#define DATA_BYTES 128
#define DIRECTORY  "bench-file-store"
#define RAW        "bench-file-raw"

static void must(int code, const struct td_error *err)
{
	if (code != 0) {
		fprintf(stderr, "bench: %s\n", err->text);
		exit(1);
	}
}

struct publisher {
	struct td *td;
	int number;
	double until;
	uint64_t count;
};

static void *publish(void *arg)
{
	struct publisher *p = arg;
	char data[DATA_BYTES], subject[32];
	struct td_draft draft = {.type = "OrderPlaced",
		.subject = subject,
		.datacontenttype = "application/octet-stream",
		.data = data,
		.data_bytes = sizeof(data)};
	struct td_error err = TD_ERROR_INIT;

	memset(data, 'x', sizeof(data));
	while (bench_clock(CLOCK_MONOTONIC) < p->until) {
		snprintf(subject, sizeof(subject), "order.%d.%d", p->number, (int)(p->count % 100));
		must(td_publish(p->td, &draft, NULL, &err), &err);
		p->count++;
	}
	return NULL;
}

/* Publishes per second, and what a commit was like. */
static double ours(struct td *td, int threads, double *per_commit, double *bytes_per_commit)
{
	struct publisher publishers[16];
	pthread_t ids[16];
	struct td_error err = TD_ERROR_INIT;
	struct td_status before, after;
	double start = bench_clock(CLOCK_MONOTONIC);
	uint64_t count = 0;

	must(td_status(td, &before, &err), &err);
	for (int i = 0; i < threads; i++) {
		publishers[i] = (struct publisher){td, i, start + ROUND_S * 1e9, 0};
		pthread_create(&ids[i], NULL, publish, &publishers[i]);
	}
	for (int i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		count += publishers[i].count;
	}
	must(td_status(td, &after, &err), &err);
	*per_commit = (double)count / (double)(after.commits - before.commits);
	*bytes_per_commit = (double)(after.bytes_written - before.bytes_written) /
			    (double)(after.commits - before.commits);
	return (double)count / (bench_clock(CLOCK_MONOTONIC) - start) * 1e9;
}

/* Syncs per second of so many bytes each. */
static double raw(int file, size_t bytes)
{
	static char zeros[1 << 20], data[1 << 20];
	double start, end;
	off_t offset = 0;
	uint64_t count = 0;

	memset(data, 'x', sizeof(data));
	for (int i = 0; i < 16; i++)
		if (pwrite(file, zeros, sizeof(zeros), (off_t)i << 20) < 0)
			exit(1);
	fsync(file);
	start = bench_clock(CLOCK_MONOTONIC);
	end = start + ROUND_S * 1e9;
	while (bench_clock(CLOCK_MONOTONIC) < end) {
		if (offset + (off_t)bytes > (16 << 20))
			offset = 0;
		if (pwrite(file, data, bytes, offset) < 0 || fdatasync(file) != 0)
			exit(1);
		offset += (off_t)bytes;
		count++;
	}
	return (double)count / (bench_clock(CLOCK_MONOTONIC) - start) * 1e9;
}

static void bench_threads(struct td *td, int file, int threads)
{
	double mine[ROUNDS], limit[ROUNDS], per_commit = 0, bytes = 0;
	char name[64];

	for (int i = 0; i < ROUNDS; i++) {
		mine[i] = ours(td, threads, &per_commit, &bytes);
		limit[i] = raw(file, (size_t)bytes < 64 ? 64 : (size_t)bytes) * per_commit;
	}
	snprintf(name, sizeof(name), "%d thread%s, %.1f in a commit of %.0f B", threads,
		threads > 1 ? "s" : "", per_commit, bytes);
	bench_row(name, bench_median(mine, ROUNDS) / 1e3, bench_median(limit, ROUNDS) / 1e3, "k/s",
		">= 0.8", bench_median(mine, ROUNDS) >= 0.8 * bench_median(limit, ROUNDS));
}

int main(void)
{
	static const int threads[] = {1, 2, 16};
	struct td_error err = TD_ERROR_INIT;
	struct td *td = NULL;
	int file = open(RAW, O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (system("rm -rf " DIRECTORY) != 0 || file < 0)
		return 1;
	must(td_open(&td, "file:" DIRECTORY, NULL, &err), &err);
	bench_header("durable publishes, 128 B of data");
	for (size_t i = 0; i < sizeof(threads) / sizeof(threads[0]); i++)
		bench_threads(td, file, threads[i]);
	td_close(td);
	close(file);
	unlink(RAW);
	return system("rm -rf " DIRECTORY) != 0;
}
