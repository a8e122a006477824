/*
 * Asynchronous publish, end to end: one publisher, one worker, one handler, from the call to the
 * end of the last handler; beside GLib's GAsyncQueue with one allocated message each.
 */
#include <glib.h>
#include <pthread.h>
#include <tidings/tidings.h>

#include "bench.h"

#define ROUNDS 9
#define EVENTS 300000

static int count_it(const struct td_event *event, struct td_context *context, void *arg)
{
	(void)event;
	(void)context;
	++*(uint64_t *)arg;
	return 0;
}

static void must(int code)
{
	if (code != 0) {
		fprintf(stderr, "bench: %s\n", td_error_name(code));
		exit(1);
	}
}

struct world {
	struct td *td;
	struct td_topic *topic;
	struct td_event *event;
	uint64_t handled;
};

static void world_init(struct world *world, enum td_order order)
{
	struct td_draft draft = {.type = "E", .subject = "a.b", .data = "x", .data_bytes = 1};

	*world = (struct world){.handled = 0};
	must(td_open(&world->td, "mem:", &(struct td_options){.workers = 1}, NULL));
	must(td_subscribe(world->td, &(struct td_interest){.async = true, .order = order}, count_it,
		&world->handled, NULL, NULL));
	must(td_event_new(&world->event, &draft, NULL));
	must(td_topic_open(&world->topic, world->td, "a.b", "E", NULL));
}

static void world_fini(struct world *world)
{
	td_topic_close(world->topic);
	td_event_unref(world->event);
	td_close(world->td);
}

static double run_topic(struct world *world)
{
	double start = bench_clock(CLOCK_MONOTONIC);

	for (int i = 0; i < EVENTS; i++)
		must(td_topic_publish(world->topic, world->event, NULL, NULL));
	must(td_drain(world->td, -1, NULL));
	return EVENTS * 1e3 / (bench_clock(CLOCK_MONOTONIC) - start);
}

static double run_draft(struct world *world)
{
	struct td_draft draft = {.type = "E", .subject = "a.b", .data = "x", .data_bytes = 1};
	double start = bench_clock(CLOCK_MONOTONIC);

	for (int i = 0; i < EVENTS; i++)
		must(td_publish(world->td, &draft, NULL, NULL));
	must(td_drain(world->td, -1, NULL));
	return EVENTS * 1e3 / (bench_clock(CLOCK_MONOTONIC) - start);
}

static void *consume(void *arg)
{
	uint64_t handled = 0;

	while (handled < EVENTS) {
		g_free(g_async_queue_pop(arg));
		handled++;
	}
	return NULL;
}

static double run_glib(void)
{
	GAsyncQueue *queue = g_async_queue_new();
	double start = bench_clock(CLOCK_MONOTONIC);
	pthread_t thread;

	pthread_create(&thread, NULL, consume, queue);
	for (int i = 0; i < EVENTS; i++)
		g_async_queue_push(queue, g_malloc(64));
	pthread_join(thread, NULL);
	g_async_queue_unref(queue);
	return EVENTS * 1e3 / (bench_clock(CLOCK_MONOTONIC) - start);
}

int main(void)
{
	double keyed[ROUNDS], free_order[ROUNDS], drafts[ROUNDS], glib[ROUNDS];
	struct world one, two;

	world_init(&one, TD_ORDER_SUBJECT);
	world_init(&two, TD_ORDER_NONE);
	for (int i = 0; i < ROUNDS; i++) {
		keyed[i] = run_topic(&one);
		free_order[i] = run_topic(&two);
		drafts[i] = run_draft(&one);
		glib[i] = run_glib();
	}
	double peer = bench_median(glib, ROUNDS);
	double ours = bench_median(keyed, ROUNDS);

	bench_header("asynchronous publish, one handler, M events/s");
	bench_row("topic, order by subject / 5 M/s", ours, 5, "M", ">= 1", ours >= 5);
	bench_row("topic, order by subject / GAsyncQueue", ours, peer, "M", ">= 1", ours >= peer);
	ours = bench_median(free_order, ROUNDS);
	bench_row("topic, no order / 5 M/s", ours, 5, "M", ">= 1", ours >= 5);
	ours = bench_median(drafts, ROUNDS);
	bench_row(
		"from subject + type + bytes / GAsyncQueue", ours, peer, "M", ">= 1", ours >= peer);
	world_fini(&one);
	world_fini(&two);
	return 0;
}
