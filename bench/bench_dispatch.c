/*
 * Synchronous dispatch: a built event on a resolved topic, beside an array of function pointers
 * (the limit) and GObject signals; and a publish from subject, type and bytes, with id and time.
 */
#include <glib-object.h>
#include <stdbool.h>
#include <tidings/tidings.h>

#include "bench.h"

#define ROUNDS       15
#define HANDLERS_MAX 16

/* Four functions, so that the processor cannot guess one target for all. */
#define HANDLER(n)                                                                   \
	static int handler_##n(                                                      \
		const struct td_event *event, struct td_context *context, void *arg) \
	{                                                                            \
		(void)context;                                                       \
		*(uint64_t *)arg += (uint64_t)(uintptr_t)event + (n);                \
		return 0;                                                            \
	}                                                                            \
	static void slot_##n(GObject *object, gpointer event, gpointer arg)          \
	{                                                                            \
		(void)object;                                                        \
		*(uint64_t *)arg += (uint64_t)(uintptr_t)event + (n);                \
	}
HANDLER(0)
HANDLER(1)
HANDLER(2)
HANDLER(3)

static td_handler *const handlers[] = {handler_0, handler_1, handler_2, handler_3};
static void (*const slots[])(GObject *, gpointer, gpointer) = {slot_0, slot_1, slot_2, slot_3};

/* The limit: what a program would write that needs nothing but calls. */
struct array {
	struct {
		td_handler *call;
		void *arg;
	} entries[HANDLERS_MAX];
	size_t count;
};

__attribute__((noinline)) static int array_publish(
	const struct array *array, const struct td_event *event)
{
	int failed = 0;

	for (size_t i = 0; i < array->count; i++)
		failed |= array->entries[i].call(event, NULL, array->entries[i].arg);
	return failed;
}

struct world {
	struct array array;
	uint64_t sums[4];
	struct td *td;
	struct td_topic *topic;
	struct td_event *event;
	GObject *object;
	guint signal;
};

static guint new_signal(void)
{
	static guint signal;

	if (signal == 0)
		signal = g_signal_new("published", G_TYPE_OBJECT, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
			NULL, G_TYPE_NONE, 1, G_TYPE_POINTER);
	return signal;
}

static void must(int code)
{
	if (code != 0) {
		fprintf(stderr, "bench: %s\n", td_error_name(code));
		exit(1);
	}
}

static void world_init(struct world *world, size_t count)
{
	struct td_draft draft = {
		.type = "OrderPlaced", .subject = "order.42", .data = "x", .data_bytes = 1};

	*world = (struct world){.array = {.count = count}, .signal = new_signal()};
	world->object = g_object_new(G_TYPE_OBJECT, NULL);
	must(td_open(&world->td, "mem:", NULL, NULL));
	for (size_t i = 0; i < count; i++) {
		void *arg = &world->sums[i % 4];

		world->array.entries[i].call = handlers[i % 4];
		world->array.entries[i].arg = arg;
		must(td_subscribe(world->td, &(struct td_interest){.subject = "order.*"},
			handlers[i % 4], arg, NULL, NULL));
		g_signal_connect(world->object, "published", G_CALLBACK(slots[i % 4]), arg);
	}
	must(td_event_new(&world->event, &draft, NULL));
	must(td_topic_open(&world->topic, world->td, "order.42", "OrderPlaced", NULL));
	must(td_topic_publish(world->topic, world->event, NULL, NULL));
}

static void world_fini(struct world *world)
{
	td_topic_close(world->topic);
	td_event_unref(world->event);
	td_close(world->td);
	g_object_unref(world->object);
}

static void run_array(struct world *world, long count)
{
	for (long i = 0; i < count; i++)
		array_publish(&world->array, world->event);
}

static void run_topic(struct world *world, long count)
{
	for (long i = 0; i < count; i++)
		td_topic_publish(world->topic, world->event, NULL, NULL);
}

static void run_signal(struct world *world, long count)
{
	for (long i = 0; i < count; i++)
		g_signal_emit(world->object, world->signal, 0, world->event);
}

static void run_draft(struct world *world, long count)
{
	static const char data[128] = "0123456789";
	struct td_draft draft = {.type = "OrderPlaced",
		.subject = "order.42",
		.data = data,
		.data_bytes = sizeof(data)};

	for (long i = 0; i < count; i++)
		td_publish(world->td, &draft, NULL, NULL);
}

/* Nanoseconds for one, in a stretch of about half a millisecond: short, so that some are
 * undisturbed. */
static double stretch(void (*run)(struct world *, long), struct world *world, long count)
{
	double start = bench_clock(CLOCK_THREAD_CPUTIME_ID);

	run(world, count);
	return (bench_clock(CLOCK_THREAD_CPUTIME_ID) - start) / (double)count;
}

static void measure(size_t count)
{
	double array[ROUNDS * 20], topic[ROUNDS * 20], signal[ROUNDS * 20], draft[ROUNDS * 20];
	size_t n = sizeof(array) / sizeof(array[0]);
	long some = 100000 / (long)count;
	struct world world;
	char name[64];

	world_init(&world, count);
	for (size_t i = 0; i < n; i++) {
		array[i] = stretch(run_array, &world, some);
		topic[i] = stretch(run_topic, &world, some);
		signal[i] = stretch(run_signal, &world, some / 20);
		draft[i] = stretch(run_draft, &world, some / 20);
	}
	double limit = bench_median(array, n), ours = bench_median(topic, n);
	double glib = bench_median(signal, n), whole = bench_median(draft, n);

	snprintf(name, sizeof(name), "topic, %zu handlers / array", count);
	bench_row(name, ours, limit, "ns", "<= 1.3", ours <= 1.3 * limit);
	snprintf(name, sizeof(name), "topic, %zu handlers / GObject signal", count);
	bench_row(name, ours, glib, "ns", "< 1", ours < glib);
	snprintf(name, sizeof(name), "subject + type + 128 B, %zu handlers / 200 ns", count);
	bench_row(name, whole, 200, "ns", "<= 1", whole <= 200);
	world_fini(&world);
}

int main(void)
{
	bench_header("synchronous dispatch");
	measure(1);
	measure(4);
	measure(16);
	return 0;
}
