/*
 * What an event costs that the map learns of, and what the map holds. The limit is one look at each
 * line of its headers with memchr() and doing nothing with it. CPU time, rounds in turn, medians.
 */
#include "bench.h"

#include <inttypes.h>
#include <string.h>

#include "flow/flow.h"

#define ROUNDS 7
#define EVENTS (1u << 20)
#define TYPES  64u
#define STORY  6u /* events that one order sets off */
#define BLOCK  512u

struct told {
	char (*blocks)[BLOCK];
	struct td_stored *stored;
	char types[TYPES][24];
};

static double now_ns(void)
{
	return bench_clock(CLOCK_THREAD_CPUTIME_ID);
}

/* As HTTP stores one: ids are UUIDs, each event of a story is caused by the one before. */
static void write_event(
	struct told *told, struct td_rng *rng, uint64_t *ids, unsigned i, bool known)
{
	unsigned step = i % STORY;
	struct td_stored *stored = &told->stored[i];
	int len;

	ids[i] = td_rng_u64(rng);
	len = snprintf(told->blocks[i], BLOCK,
		"NATS/1.0\r\nce-specversion: 1.0\r\nce-id: 019ad8a4-37f4-7cc4-%016" PRIx64 "\r\n"
		"ce-source: /shop/checkout\r\nce-type: %s\r\n"
		"ce-time: 2026-11-30T17:00:00.123456Z\r\nce-datacontenttype: application/json\r\n"
		"ce-correlationid: 019ad8a4-37f4-7cc4-%016" PRIx64 "\r\n",
		ids[i], told->types[(i / STORY + step) % TYPES], ids[i - step]);
	if (step > 0)
		len += snprintf(told->blocks[i] + len, BLOCK - (size_t)len,
			"ce-causationid: 019ad8a4-37f4-7cc4-%016" PRIx64 "\r\n",
			known ? ids[i - 1] : td_rng_u64(rng));
	len += snprintf(told->blocks[i] + len, BLOCK - (size_t)len, "\r\n");
	*stored = (struct td_stored){.log = 2,
		.time = 1700000000000000000 + (td_time)i * 5000,
		.type = td_text(told->types[(i / STORY + step) % TYPES]),
		.headers = td_text_of(told->blocks[i], (size_t)len)};
}

static void tell_all(struct told *told, bool known)
{
	uint64_t *ids = malloc(EVENTS * sizeof(*ids));
	struct td_rng rng;

	td_rng_init(&rng, 1);
	told->blocks = malloc(EVENTS * sizeof(*told->blocks));
	told->stored = malloc(EVENTS * sizeof(*told->stored));
	TD_ASSERT(ids != NULL && told->blocks != NULL && told->stored != NULL);
	for (unsigned i = 0; i < TYPES; i++)
		snprintf(told->types[i], sizeof(told->types[i]), "SomethingHappened%u", i);
	for (unsigned i = 0; i < EVENTS; i++)
		write_event(told, &rng, ids, i, known);
	free(ids);
}

static void told_free(struct told *told)
{
	free(told->blocks);
	free(told->stored);
}

static double limit(const struct told *told)
{
	double start = now_ns();
	size_t lines = 0;

	for (unsigned i = 0; i < EVENTS; i++) {
		const char *at = told->stored[i].headers.at;
		const char *end = at + told->stored[i].headers.len;

		while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
			lines++;
			at++;
		}
	}
	TD_ASSERT(lines > EVENTS);
	return (now_ns() - start) / EVENTS;
}

static double ours(struct td_flow *flow, struct told *told, uint64_t *position)
{
	double start = now_ns();

	for (unsigned i = 0; i < EVENTS; i++) {
		told->stored[i].position = ++*position;
		td_flow_note(flow, &told->stored[i]);
	}
	return (now_ns() - start) / EVENTS;
}

static double look(const struct td_flow *flow, td_time now)
{
	struct td_flow_map map;
	struct td_buf buf = TD_BUF_INIT(SIZE_MAX / 2);
	double start = now_ns();

	TD_ASSERT(td_flow_map_read(&map, flow, now, 0, NULL) == 0);
	td_flow_map_write(&map, TD_FLOW_JSON, &buf);
	TD_ASSERT(buf.code == 0);
	td_flow_map_fini(&map);
	td_buf_fini(&buf);
	return (now_ns() - start) / 1e3;
}

/* The most that anybody can make it hold: every place taken, every ring full. */
static size_t fill(struct td_flow *flow)
{
	char type[32], lines[256];
	uint64_t position = 1;

	for (unsigned i = 0; i < 2 * EVENTS; i++) {
		struct td_stored stored = {
			.log = 2, .time = 1700000000000000000, .position = ++position};

		snprintf(type, sizeof(type), "Type%u", i % TD_FLOW_TYPES_MAX);
		snprintf(lines, sizeof(lines),
			"ce-id: %u\r\nce-causationid: %u\r\n"
			"traceparent: 00-%032x-%016x-01\r\n",
			i, i - 1 - i / TD_FLOW_TYPES_MAX % 5, i + 1, i + 1);
		stored.type = td_text(type);
		stored.headers = td_text(lines);
		td_flow_note(flow, &stored);
	}
	return td_flow_bytes(flow);
}

/* --- from a store --------------------------------------------------------------------------- */

#define STORED (1u << 18)

static void turn(struct td_store *store)
{
	struct td_chore *chore;

	while ((chore = td_store_next(store, TD_WORK_COMMIT, 0)) != NULL) {
		td_chore_run(chore);
		TD_ASSERT(td_store_done(store, chore, NULL) == 0);
	}
}

static void fill_store(struct td_store *store, const struct told *told)
{
	for (unsigned i = 0; i < STORED; i++) {
		const struct td_entry entry = {.address = td_text("order.42"),
			.type = told->stored[i].type,
			.headers = told->stored[i].headers,
			.payload = td_text("{\"total\":1250}")};
		struct td_placed placed;
		uint64_t rests_on;
		int code;

		while ((code = td_store_append(store, &entry, 1, &placed, &rests_on, NULL, NULL)) ==
			TD_E_FULL)
			turn(store);
		TD_ASSERT(code == 0);
	}
	turn(store);
}

/* The correlation that the last whole story has. */
static void last_story(const struct told *told, char story[BLOCK])
{
	const char *at = strstr(told->blocks[STORED - STORED % STORY - 1], "ce-correlationid: ");

	TD_ASSERT(at != NULL);
	td_text_copy(td_text_of(at + 18, strcspn(at + 18, "\r")), story, BLOCK);
}

static void measure_store(const struct told *told)
{
	const struct td_store_options store_options = {
		.journal = {.clock = &td_clock_real, .random = &td_random_real}, .events = true};
	const struct td_flow_options options = {.seed = 42};
	const struct td_story_options all = {0};
	double begins[ROUNDS], stories[ROUNDS];
	struct td_store *store;
	char story[BLOCK];

	TD_ASSERT(td_store_open(&store, NULL, &store_options, NULL, NULL) == 0);
	fill_store(store, told);
	last_story(told, story);
	for (int i = 0; i < ROUNDS; i++) {
		struct td_flow *flow;
		struct td_story read;
		double start = now_ns();

		TD_ASSERT(td_flow_new(&flow, &options, NULL) == 0);
		TD_ASSERT(td_flow_attach(flow, store, STORED, NULL) == 0);
		begins[i] = (now_ns() - start) / 1e6;
		td_flow_free(flow);
		start = now_ns();
		TD_ASSERT(td_story_read(&read, store, td_text(story), &all, NULL) == 0);
		TD_ASSERT(read.count == STORY);
		stories[i] = (now_ns() - start) / 1e6;
		td_story_fini(&read);
	}
	printf("%-44s %9.2f ms\n", "a map is begun from 2^18 stored events",
		bench_median(begins, ROUNDS));
	printf("%-44s %9.2f ms\n", "a story of 6 is read among them",
		bench_median(stories, ROUNDS));
	td_store_close(store, NULL);
}

int main(void)
{
	const struct td_flow_options options = {.seed = 42};
	double limits[ROUNDS], notes[ROUNDS], looks[ROUNDS];
	struct told told;
	struct td_flow *flow, *full;
	uint64_t position = 0;

	tell_all(&told, true);
	TD_ASSERT(td_flow_new(&flow, &options, NULL) == 0);
	TD_ASSERT(td_flow_new(&full, &options, NULL) == 0);
	printf("holds %zu bytes empty", td_flow_bytes(flow));
	ours(flow, &told, &position); /* every place and generation is there now */
	for (int i = 0; i < ROUNDS; i++) {
		limits[i] = limit(&told);
		notes[i] = ours(flow, &told, &position);
		looks[i] = look(flow, told.stored[EVENTS - 1].time);
	}
	printf(", %.1f MiB with %u types and all ids, %.1f MiB at most\n",
		(double)td_flow_bytes(flow) / (1 << 20), TYPES, (double)fill(full) / (1 << 20));
	bench_header("flow, CPU");
	bench_row("an event is noted", bench_median(notes, ROUNDS), bench_median(limits, ROUNDS),
		"ns", "-", 1);
	printf("%-44s %9.2f us\n", "a map is read and written as JSON",
		bench_median(looks, ROUNDS));
	measure_store(&told);
	told_free(&told);
	tell_all(&told, false); /* each look goes through all generations */
	for (int i = 0; i < ROUNDS; i++)
		notes[i] = ours(flow, &told, &position);
	printf("%-44s %9.2f ns\n", "an event is noted whose cause nobody knows",
		bench_median(notes, ROUNDS));
	told_free(&told);
	td_flow_free(flow);
	td_flow_free(full);
	return 0;
}
