/*
 * What the benchmarks of the path share: a turn's worth of PUB lines as they come from a socket, and
 * a table of stages by CPU time of this thread, user and system.
 */
#ifndef TD_BENCH_PATH_LINES_H
#define TD_BENCH_PATH_LINES_H

#include <errno.h>
#include <string.h>

#include "base/base.h"
#include "bench.h"
#include "wire/nats/nats.h"

#define PATH_ROUNDS      7
#define PATH_ROUND_BYTES ((size_t)24 << 20) /* of input */
#define PATH_PAYLOAD     128
#define PATH_LINE_MAX    512
#define PATH_CPU         CLOCK_THREAD_CPUTIME_ID
#define PATH_STAGES_MAX  12

static inline void path_fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- lines -------------------------------------------------------------------------------- */

struct path_lines {
	char *bytes;
	size_t len, count;
	unsigned subjects;
	struct td_rng rng;
	struct td_nats_command *commands;
};

/* As many lines as fit. `ids`: with headers that name each message, no two of a turn alike. */
static inline void path_lines_init(
	struct path_lines *lines, size_t bytes, unsigned subjects, int ids)
{
	char payload[PATH_PAYLOAD], headers[80] = "";

	*lines = (struct path_lines){.bytes = malloc(bytes + PATH_LINE_MAX), .subjects = subjects};
	td_rng_init(&lines->rng, 1);
	if (lines->bytes == NULL)
		path_fail("memory");
	for (;; lines->count++) {
		char *at = lines->bytes + lines->len;
		int len, head = 0;

		for (size_t i = 0; i < PATH_PAYLOAD; i++)
			payload[i] = (char)(' ' + td_rng_u64(&lines->rng) % 95);
		if (ids)
			head = snprintf(headers, sizeof(headers),
				"NATS/1.0\r\nNats-Msg-Id: %016zu\r\n\r\n", lines->count);
		len = snprintf(at, PATH_LINE_MAX,
			"%s order.%07zu _INBOX.Q7XKfP2mN4vR8sT1wY5zB9.%zu ", ids ? "HPUB" : "PUB",
			lines->count, lines->count);
		if (ids)
			len += snprintf(at + len, 16, "%d ", head);
		len += snprintf(at + len, PATH_LINE_MAX - (size_t)len, "%d\r\n%s%.*s\r\n",
			head + PATH_PAYLOAD, headers, PATH_PAYLOAD, payload);
		if (lines->len + (size_t)len > bytes)
			break;
		lines->len += (size_t)len;
	}
	lines->commands = calloc(lines->count, sizeof(*lines->commands));
	if (lines->commands == NULL)
		path_fail("memory");
}

static inline void path_lines_fini(struct path_lines *lines)
{
	free(lines->bytes);
	free(lines->commands);
}

static inline void path_parse(const struct path_lines *lines)
{
	static const struct td_nats_limits limits = {4096, 1 << 20, true};
	const char *at = lines->bytes, *end = at + lines->len;

	for (size_t i = 0; i < lines->count; i++) {
		struct td_nats_command *command = &lines->commands[i];

		if (td_nats_parse(&limits, at, (size_t)(end - at), command) != TD_NATS_COMMAND)
			abort();
		at += command->bytes;
	}
}

/* Digits in the buffer become another number. */
static inline void path_number(
	const struct path_lines *lines, const char *from, size_t digits, uint64_t number)
{
	char *at = lines->bytes + (from - lines->bytes);

	for (; digits > 0; number /= 10)
		at[--digits] = (char)('0' + number % 10);
}

/* Other subjects than in the turn before: the lines must have been parsed once. */
static inline void path_shuffle(struct path_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		path_number(lines, lines->commands[i].subject.at + 6, 7,
			td_rng_u64(&lines->rng) % lines->subjects);
}

static inline void path_acknowledge(
	const struct path_lines *lines, const uint64_t *seqs, uint64_t first, struct td_buf *out)
{
	struct td_nats_stored stored = {.sid = TD_TEXT_INIT("1"), .stream = TD_TEXT_INIT("ORDERS")};

	td_buf_reset(out);
	for (size_t i = 0; i < lines->count; i++) {
		stored.reply = lines->commands[i].reply;
		stored.seq = seqs != NULL ? seqs[i] : first + i;
		td_nats_write_stored(out, &stored);
	}
	if (out->code != 0)
		path_fail("memory");
}

/* --- stages ------------------------------------------------------------------------------- */

struct path_stages {
	double ns[PATH_STAGES_MAX]; /* of this round */
	double since;
	double clock_cost;                           /* of looking at it once */
	double us[PATH_STAGES_MAX + 1][PATH_ROUNDS]; /* an event; at last the sum */
};

static inline void path_stages_init(struct path_stages *stages)
{
	double start = bench_clock(PATH_CPU);

	*stages = (struct path_stages){0};
	for (int i = 0; i < 10000; i++)
		bench_clock(PATH_CPU);
	stages->clock_cost = (bench_clock(PATH_CPU) - start) / 10001;
}

static inline void path_begin(struct path_stages *stages)
{
	stages->since = bench_clock(PATH_CPU);
}

/* What was done since the last of these belongs to `stage`. */
static inline void path_lap(struct path_stages *stages, int stage)
{
	double now = bench_clock(PATH_CPU);

	stages->ns[stage] += now - stages->since - stages->clock_cost;
	stages->since = now;
}

/* A round is over; -1: it was to warm up. */
static inline void path_round(struct path_stages *stages, int round, size_t events)
{
	double sum = 0;

	for (int i = 0; i < PATH_STAGES_MAX; i++) {
		if (round >= 0)
			stages->us[i][round] = stages->ns[i] / (double)events / 1e3;
		sum += stages->ns[i];
		stages->ns[i] = 0;
	}
	if (round >= 0)
		stages->us[PATH_STAGES_MAX][round] = sum / (double)events / 1e3;
}

static inline double path_sum(struct path_stages *stages)
{
	return bench_median(stages->us[PATH_STAGES_MAX], PATH_ROUNDS);
}

static inline void path_print(struct path_stages *stages, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		printf("    %-40s %9.3f us\n", names[i], bench_median(stages->us[i], PATH_ROUNDS));
}

#endif
