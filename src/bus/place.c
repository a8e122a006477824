#include "bus/private.h"

#include <stdlib.h>
#include <string.h>

/*
 * The place itself: open, close, and what it takes from the world.
 */

static uint64_t draw_seed(const struct td_random *random)
{
	uint64_t seed;

	random->fill(random->arg, &seed, sizeof(seed));
	return seed;
}

/*
 * Numbers for ids and jitter. In the real world each thread has a generator of its own; in a
 * simulated one all come from the place's, so that one seed gives one run.
 */
uint64_t td_bus_random(struct td_bus *bus)
{
	static _Thread_local struct td_rng mine;
	static _Thread_local bool seeded;

	if (TD_UNLIKELY(bus->simulated))
		return td_rng_u64(&bus->rng);
	if (TD_UNLIKELY(!seeded)) {
		td_rng_init(&mine, draw_seed(bus->random));
		seeded = true;
	}
	return td_rng_u64(&mine);
}

int64_t td_bus_now_ms(const struct td_bus *bus)
{
	return td_clock_monotonic(bus->clock) / 1000000;
}

void td_bus_origin(struct td_bus *bus, struct td_origin *origin, uint8_t uuid[16],
	enum td_kind kind, const struct td_event *cause)
{
	td_time now = td_clock_wall(bus->clock);

	td_uuid_next(&bus->tick, now, td_bus_random(bus), uuid);
	*origin = (struct td_origin){
		.source = bus->source_text,
		.source_checked = bus->source_checked,
		.now = now,
		.uuid = uuid,
		.cause = cause,
		.kind = kind,
		.data_bytes_max = bus->data_bytes_max,
		.causes_max = bus->causes_max,
	};
}

void td_bus_trace(struct td_bus *bus, enum td_moment moment, enum td_state state,
	const struct td_event *event, const struct td_subscription *subscription, unsigned attempt,
	int code)
{
	td_trace_hook *hook = atomic_load_explicit(&bus->trace, memory_order_acquire);

	if (hook == NULL)
		return;
	struct td_trace trace = {
		.moment = moment,
		.state = state,
		.at = td_clock_wall(bus->clock),
		.event = event,
		.subscription = subscription,
		.attempt = attempt,
		.code = code,
	};
	hook(&trace, atomic_load_explicit(&bus->trace_arg, memory_order_relaxed));
}

void td_bus_trace_set(struct td_bus *bus, td_trace_hook *hook, void *arg)
{
	td_mutex_lock(&bus->lock);
	atomic_store(&bus->trace, NULL);
	atomic_store(&bus->trace_arg, arg);
	atomic_store(&bus->trace, hook);
	td_bus_topics_stale(bus, NULL);
	td_mutex_unlock(&bus->lock);
	td_bus_reclaim(bus);
}

void td_bus_keep(struct td_bus *bus, struct td_keeper *keeper)
{
	td_mutex_lock(&bus->lock);
	TD_ASSERT(td_bus_keeper(bus) == NULL);
	keeper->turns = bus->turns;
	atomic_store_explicit(&bus->keeper, keeper, memory_order_release);
	td_bus_topics_stale(bus, NULL);
	td_mutex_unlock(&bus->lock);
	td_bus_reclaim(bus);
}

int td_bus_make(struct td_bus *bus, const struct td_draft *draft, struct td_event **event,
	struct td_error *err)
{
	struct td_context *context = td_bus_context(bus);
	struct td_origin origin;
	uint8_t uuid[16];
	int code;

	td_bus_origin(bus, &origin, uuid, TD_EVENT_KIND, context != NULL ? context->event : NULL);
	code = td_event_make(event, draft, &origin, err);
	if (code == 0 && td_bus_traced(bus))
		td_bus_trace(bus, TD_CREATED, TD_QUEUED, *event, NULL, 0, 0);
	return code;
}

bool td_bus_in_handler(struct td_bus *bus)
{
	return td_bus_context(bus) != NULL;
}

static int check_options(const struct td_options *options, struct td_error *err)
{
	if (options->workers > TD_WORKERS_MAX)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "workers: %u, at most %u",
			options->workers, TD_WORKERS_MAX);
	if (options->data_bytes_max > TD_DATA_BYTES_MAX)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"data_bytes_max: %zu, at most %u", options->data_bytes_max,
			TD_DATA_BYTES_MAX);
	if (options->source != NULL && options->source[0] == '\0')
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "source: empty");
	return 0;
}

static void free_bus(struct td_bus *bus)
{
	td_bus_free_interests(bus);
	td_trie_free(bus->trie);
	td_map_fini(&bus->handlers);
	td_map_fini(&bus->names);
	td_turns_free(bus->turns);
	td_loop_free(bus->loop);
	free(bus->source);
	td_condition_fini(&bus->settled);
	td_condition_fini(&bus->wake);
	td_mutex_fini(&bus->run);
	td_mutex_fini(&bus->lock);
	free(bus);
}

static int init_locks(struct td_bus *bus, struct td_error *err)
{
	int code = td_mutex_init(&bus->lock, err);

	if (code != 0)
		return code;
	code = td_mutex_init(&bus->run, err);
	if (code != 0)
		goto no_run;
	code = td_condition_init(&bus->wake, err);
	if (code != 0)
		goto no_wake;
	code = td_condition_init(&bus->settled, err);
	if (code == 0)
		return 0;
	td_condition_fini(&bus->wake);
no_wake:
	td_mutex_fini(&bus->run);
no_run:
	td_mutex_fini(&bus->lock);
	return code;
}

int td_bus_open(struct td_bus **out, struct td *owner, const struct td_world *world,
	const struct td_options *options, struct td_error *err)
{
	static const struct td_options defaults = {0};
	struct td_bus *bus;
	int code;

	if (options == NULL)
		options = &defaults;
	code = check_options(options, err);
	if (code != 0)
		return code;
	bus = calloc(1, sizeof(*bus));
	if (bus == NULL)
		return td_error_nomem(err);
	code = init_locks(bus, err);
	if (code != 0) {
		free(bus);
		return code;
	}
	bus->owner = owner;
	bus->clock = world != NULL && world->clock != NULL ? world->clock : &td_clock_real;
	bus->random = world != NULL && world->random != NULL ? world->random : &td_random_real;
	bus->simulated = bus->random != &td_random_real;
	bus->seed = draw_seed(bus->random);
	td_rng_init(&bus->rng, bus->seed);
	bus->async = options->async;
	bus->causes_max = options->causes_max != 0 ? options->causes_max : TD_CAUSES_DEFAULT;
	bus->data_bytes_max =
		options->data_bytes_max != 0 ? options->data_bytes_max : TD_DATA_BYTES_MAX;
	td_map_init(&bus->handlers);
	td_map_init(&bus->names);

	bus->source = strdup(options->source != NULL ? options->source : "local");
	bus->source_text = td_text(bus->source);
	bus->trie = td_trie_new(bus->seed);
	bus->turns = td_turns_new();
	if (bus->source == NULL || bus->trie == NULL || bus->turns == NULL) {
		code = td_error_nomem(err);
		goto fail;
	}
	code = td_check_draft(bus, &(struct td_draft){.type = "any"}, err);
	if (code != 0)
		goto fail;
	bus->source_checked = true;
	bus->place_due = INT64_MAX;
	code = td_loop_new(&bus->loop, err);
	if (code != 0)
		goto fail;
	code = td_run_start(bus, options->workers, err);
	if (code != 0)
		goto fail;
	*out = bus;
	return 0;
fail:
	free_bus(bus);
	return code;
}

static void wait_a_moment(struct td_bus *bus)
{
	td_run_wait_settled(
		bus, td_run_settled_count(bus), td_clock_monotonic(&td_clock_real) + 1000000);
}

/* A thread that is in the middle of a publish holds what we are about to free. */
static void wait_for_publishers(struct td_bus *bus)
{
	struct td_readers_mark *mark = NULL;

	for (;;) {
		if (mark == NULL)
			mark = td_readers_fence();
		if (mark != NULL ? td_readers_passed(mark) : td_readers_none())
			break;
		wait_a_moment(bus);
	}
	td_readers_mark_free(mark);
	while (atomic_load(&bus->reclaiming) > 0)
		wait_a_moment(bus);
}

int td_bus_close(struct td_bus *bus)
{
	struct td_reader *reader = &td_reader_mine;

	if (bus == NULL)
		return 0;
	if (td_reader_registered(reader) && td_reader_inside(reader))
		return TD_E_DEADLOCK; /* in a handler, of this place or another */
	atomic_store(&bus->closing, true);
	td_run_settled(bus); /* who waits for room is refused now */
	td_run_stop(bus);
	wait_for_publishers(bus);
	free_bus(bus);
	return 0;
}

void td_bus_verify(struct td_bus *bus)
{
	size_t count = 0;

	td_mutex_lock(&bus->lock);
	td_trie_verify(bus->trie);
	for (struct td_subscription *s = bus->subscriptions; s != NULL; s = s->next) {
		struct td_lane *lane = atomic_load(&s->lane);

		TD_ASSERT(s->bus == bus);
		TD_ASSERT(s->next == NULL || s->next->prev == s);
		if (lane != NULL)
			td_lane_verify(lane);
		count++;
	}
	TD_ASSERT(count == bus->subscriptions_count);
	td_mutex_unlock(&bus->lock);
}
