#include "busses.h"

#include <inttypes.h>

#include "checker.h"
#include "door.h"

/* --- the configuration -------------------------------------------------------------------- */

/* A world has some things often, some seldom, some not at all. */
static unsigned draw_weight(struct sim_world *world, unsigned most)
{
	return sim_chance(world, 300) ? 0 : (unsigned)sim_between(world, 1, most);
}

static struct sim_bus_config draw_config(struct sim_world *world)
{
	static const unsigned weights[SIM_BUS_STEPS] = {[SIM_BUS_DO_PUBLISH] = 400,
		[SIM_BUS_DO_REQUEST] = 80,
		[SIM_BUS_DO_COMMAND] = 80,
		[SIM_BUS_DO_SUBSCRIBE] = 60,
		[SIM_BUS_DO_HANDLE] = 30,
		[SIM_BUS_DO_UNSUBSCRIBE] = 30,
		[SIM_BUS_DO_REDRIVE] = 20,
		[SIM_BUS_DO_DISMISS] = 10,
		[SIM_BUS_DO_RESUME] = 60,
		[SIM_BUS_DO_TOPIC] = 40,
		[SIM_BUS_DO_TURN] = 200,
		[SIM_BUS_DO_TIME] = 100,
		[SIM_BUS_DO_AWAIT] = 60,
		[SIM_BUS_DO_DRAIN] = 15,
		[SIM_BUS_DO_LOOK] = 30};
	static const unsigned ends[SIM_BUS_ENDS] = {[SIM_BUS_END_RETRY] = 300,
		[SIM_BUS_END_AFTER] = 60,
		[SIM_BUS_END_SKIP] = 60,
		[SIM_BUS_END_PARK] = 80,
		[SIM_BUS_END_STOP] = 40,
		[SIM_BUS_END_BARE] = 60,
		[SIM_BUS_END_OTHERWISE] = 30};
	struct sim_bus_config config = {
		.options = {.async = sim_chance(world, 200),
			.causes_max = (unsigned)(sim_chance(world, 300) ? sim_between(world, 1, 5)
									: 100)},
		.hooked = sim_chance(world, 300),
		.heals = sim_chance(world, 600),
		.steps = (unsigned)sim_between(world, 50, 400),
		.subs_max = (unsigned)sim_between(world, 2, 12),
		.events_max = (unsigned)sim_between(world, 100, 800),
		.busy = (unsigned)sim_between(world, 0, 400),
		.async = draw_weight(world, 400),
		.topic = draw_weight(world, 600),
		.receipt = (unsigned)sim_between(world, 0, 800),
		.lane = draw_weight(world, 900),
		.small = draw_weight(world, 500),
		.subjects = (unsigned)sim_between(world, 1, SIM_BUS_SUBJECTS),
		.types = (unsigned)sim_between(world, 1, SIM_BUS_EVENT_TYPES),
		.work_ms_max = sim_chance(world, 500) ? 0 : sim_between(world, 1, 20),
		.step_ms_max = sim_between(world, 1, sim_chance(world, 500) ? 5 : 200),
	};

	for (unsigned i = 0; i < SIM_BUS_STEPS; i++)
		config.weights[i] = draw_weight(world, weights[i]);
	config.weights[SIM_BUS_DO_PUBLISH] += 50;
	config.weights[SIM_BUS_DO_SUBSCRIBE] += 20;
	for (unsigned i = 0; i < SIM_BUS_STEPS_INSIDE; i++)
		config.inside[i] = draw_weight(world, weights[i]);
	config.inside[SIM_BUS_DO_PUBLISH] += 50;
	for (unsigned i = 0; i < SIM_BUS_ENDS; i++)
		config.ends[i] =
			sim_chance(world, 400) ? 0 : (unsigned)sim_between(world, 1, ends[i]);
	return config;
}

static void describe(struct sim_world *world, const struct sim_bus_config *config)
{
	struct td_buf *buf = &world->config;

	td_buf_printf(buf,
		"%s%s%u steps, %u subscriptions, %u calls, causes %u, %u subjects, %u types\n",
		config->options.async ? "async, " : "", config->hooked ? "hooked, " : "",
		config->steps, config->subs_max, config->events_max, config->options.causes_max,
		config->subjects, config->types);
	td_buf_printf(buf,
		"busy %u, TD_ASYNC %u, topic %u, receipt %u, lane %u, small %u of 1000; work <= "
		"%" PRId64 " ms, time steps <= %" PRId64 " ms\n",
		config->busy, config->async, config->topic, config->receipt, config->lane,
		config->small, config->work_ms_max, config->step_ms_max);
	td_buf_add_string(buf,
		"weights of publish request command subscribe handle unsubscribe redrive dismiss "
		"resume topic turn time await drain look:");
	for (unsigned i = 0; i < SIM_BUS_STEPS; i++)
		td_buf_printf(buf, " %u", config->weights[i]);
	td_buf_add_string(buf, "\nthe same in handlers:");
	for (unsigned i = 0; i < SIM_BUS_STEPS_INSIDE; i++)
		td_buf_printf(buf, " %u", config->inside[i]);
	td_buf_add_string(buf, "\nends of 1000: retry retry-after skip park stop bare otherwise:");
	for (unsigned i = 0; i < SIM_BUS_ENDS; i++)
		td_buf_printf(buf, " %u", config->ends[i]);
	td_buf_add_char(buf, '\n');
}

/* --- playing ------------------------------------------------------------------------------ */

/* The longest that a retry can wait, and some. */
#define HEAL_STEP_MS 400
#define HEAL_STEPS   100

/* All succeeds now; then all that is owed must come to its end in bounded time. */
static void heal(struct sim_bus *bus)
{
	unsigned steps = 0;

	sim_bus_heal(bus);
	for (;;) {
		sim_bus_redrive_all(bus);
		if (sim_bus_drain(bus) == 0)
			break;
		sim_advance_ms(bus->world, HEAL_STEP_MS);
		if (sim_failed(bus->world) || ++steps == HEAL_STEPS)
			break;
	}
	if (steps == HEAL_STEPS)
		sim_fail(bus->world, "healed, and still something is owed");
	sim_bus_redrive_all(bus);
	sim_bus_drain(bus);
	sim_bus_record_status(bus);
	sim_count(bus->world, SIM_BUS_N_HEALED);
}

static void count_owing(struct sim_bus *bus)
{
	size_t owed = 0;

	for (unsigned i = 1; i < bus->history.subs_count; i++) {
		struct td_subscription_status status = {0};

		if (bus->actors[i].subscription != NULL)
			td_subscription_status(bus->actors[i].subscription, &status);
		owed += status.waiting + status.retrying + status.parked;
	}
	if (owed > 0)
		sim_count(bus->world, SIM_BUS_N_CLOSED_OWING);
}

/* What was subscribed, for whoever reads of a failure. */
static void describe_subs(struct sim_bus *bus)
{
	static const char *const orders[] = {"by subject", "all", "none"};
	static const char *const full[] = {"waits", "refuses", "drops"};

	for (unsigned i = 1; i < bus->history.subs_count; i++) {
		const struct sim_bus_sub *s = &bus->history.subs[i];

		td_buf_printf(&bus->world->config,
			"%u %s kind %d %s types %x filter %d%s%s, %s, queue %zu %s, parked %zu, "
			"attempts %u "
			"first %" PRId64 " factor %g longest %" PRId64 " jitter %g exhausted %d\n",
			i, s->name, (int)s->kind, sim_bus_patterns[s->pattern], s->types,
			(int)s->filter, s->queued ? ", async" : "", s->observer ? ", observer" : "",
			orders[s->order], s->queue_max, full[s->when_full], s->parked_max,
			s->retry.attempts_max, s->retry.first_ms, s->retry.factor,
			s->retry.longest_ms, s->retry.jitter, (int)s->retry.exhausted);
	}
}

static void judge(struct sim_bus *bus)
{
	struct sim_bus_violation violation = sim_bus_check(&bus->history);

	if (violation.rule == SIM_BUS_RULE_NONE) {
		if (violation.judged == bus->history.count)
			sim_count(bus->world, SIM_BUS_N_JUDGED);
		return;
	}
	const struct sim_bus_record *record = &bus->history.records[violation.at];
	describe_subs(bus);
	sim_fail(bus->world,
		"record %zu (%s, call %u, subscription %u, event %u) at %" PRId64
		" ms breaks %s (%s): %s",
		violation.at, sim_bus_act_name(record), record->call, record->sub, record->event,
		record->now_ms, sim_bus_rule_name(violation.rule),
		sim_bus_rule_meaning(violation.rule), violation.text);
}

static void play(struct sim_world *world)
{
	struct sim_bus_config config = draw_config(world);
	struct sim_bus bus;

	describe(world, &config);
	sim_bus_open(&bus, world, &config);
	for (unsigned i = 0; i < config.subs_max; i++)
		sim_bus_do(&bus, sim_chance(world, 700) ? SIM_BUS_DO_SUBSCRIBE : SIM_BUS_DO_HANDLE);
	for (unsigned i = 0; i < config.steps && !sim_is_over(world) && !sim_failed(world); i++) {
		sim_bus_do(&bus,
			(enum sim_bus_step)sim_bus_draw(world, config.weights, SIM_BUS_STEPS));
		sim_bus_record_status(&bus);
	}
	if (config.heals && !sim_failed(world))
		heal(&bus);
	count_owing(&bus);
	bus.healthy = true;
	sim_bus_close(&bus);
	if (world->bytes == NULL) /* else see fuzz_bus.c */
		judge(&bus);
	sim_bus_history_fini(&bus.history);
}

#define COUNTER_NAME(name, text) [SIM_BUS_N_##name] = (text),
static const char *const counters[SIM_BUS_COUNTERS_COUNT] = {SIM_BUS_COUNTERS(COUNTER_NAME)};

const struct sim_kind sim_busses = {
	.name = "busses",
	.play = play,
	.counters = counters,
	.counters_count = SIM_BUS_COUNTERS_COUNT,
	.costs = 4,
	.from_one = true, /* wrong about one of some 20,000 seeds, as far as was seen */
};
