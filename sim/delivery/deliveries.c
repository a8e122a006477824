#include "deliveries.h"

#include <inttypes.h>
#include <string.h>

#include "checker.h"
#include "door.h"

#define WORKERS_MAX 8
#define RUN_MAX     12
#define OWED_MAX    96
#define BACK_MS_MAX 3

/* What can happen at a step; each has its weight in a world. */
enum step { ADMIT, WORK, TIME, COUNT, REDRIVE, DISMISS, RESUME, DROP, CLEAR, STEPS };

/* How a handler can end; in thousandths, the rest is done. */
enum end { RETRY, RETRY_AFTER, SKIP, PARK, STOP, RETURN, ENDS };

struct config {
	struct td_delivery_options options;
	unsigned keys; /* 0 to this: 0 is no key */
	unsigned workers;
	int64_t work_ms_max; /* a handler takes 0 to this */
	int64_t step_ms_max; /* so does a step of time */
	unsigned burst_max;  /* admitted at once */
	unsigned steps;
	unsigned weights[STEPS];
	unsigned ends[ENDS];
	unsigned poison; /* so many events in a thousand fail each time */
	unsigned greed;  /* so often in a thousand a worker asks for more of the key that he has */
	bool clock_steps_back;
};

/* One handler, and what he has: of one key, the first of it being handled. */
struct worker {
	size_t count;
	struct td_due run[RUN_MAX];
	int64_t until_ms;
};

struct run {
	struct sim_world *world;
	struct config config;
	struct sim_door door;
	struct worker workers[WORKERS_MAX];
	uint64_t admitted; /* the tokens are 1 to this */
	int64_t due_ms_max;
};

/* --- the configuration -------------------------------------------------------------------- */

static struct td_retry draw_retry(struct sim_world *world)
{
	static const double factors[] = {1, 1.5, 2, 2, 3, 10, 0.5};
	static const double jitters[] = {-1, 0.2, 0.5, 1};
	static const enum td_class exhausted[] = {TD_SKIP, TD_PARK, TD_STOP};

	return (struct td_retry){
		.attempts_max = (unsigned)sim_between(world, 0, 6),
		.first_ms = sim_chance(world, 500) ? sim_between(world, 1, 5)
						   : sim_between(world, 1, 500),
		.factor = factors[sim_below(world, 7)],
		.longest_ms = sim_between(world, 1, 3000),
		.jitter = jitters[sim_below(world, 4)],
		.exhausted = exhausted[sim_below(world, 3)],
	};
}

static struct td_delivery_options draw_options(struct sim_world *world)
{
	return (struct td_delivery_options){
		.keyed = sim_chance(world, 750),
		.owed_max = (size_t)sim_between(world, 1, OWED_MAX),
		.running_max = sim_chance(world, 500) ? (size_t)sim_between(world, 1, 6) : 0,
		.together_max = sim_chance(world, 600) ? (size_t)sim_between(world, 1, RUN_MAX) : 0,
		.retry = draw_retry(world),
		.parked_max = (size_t)sim_between(world, 1, sim_chance(world, 500) ? 8 : OWED_MAX),
		.rate_per_s = sim_chance(world, 250) ? (size_t)sim_between(world, 1, 3000) : 0,
	};
}

/* A world has some things often, some seldom, some not at all. */
static unsigned draw_weight(struct sim_world *world, unsigned most)
{
	return sim_chance(world, 300) ? 0 : (unsigned)sim_between(world, 1, most);
}

static struct config draw_config(struct sim_world *world)
{
	struct config config = {
		.options = draw_options(world),
		.keys = (unsigned)sim_between(world, 0, sim_chance(world, 500) ? 3 : 20),
		.workers = (unsigned)sim_between(world, 1, WORKERS_MAX),
		.work_ms_max = sim_chance(world, 300) ? 0 : sim_between(world, 1, 200),
		.step_ms_max = sim_between(world, 1, sim_chance(world, 500) ? 5 : 500),
		.burst_max = (unsigned)sim_between(world, 1, sim_chance(world, 300) ? 30 : 4),
		.steps = (unsigned)sim_between(world, 500, 2000),
		.poison = draw_weight(world, 300),
		.greed = draw_weight(world, 1000),
		.clock_steps_back = sim_chance(world, 300),
	};
	static const unsigned steps[STEPS] = {[ADMIT] = 100,
		[WORK] = 400,
		[TIME] = 150,
		[COUNT] = 20,
		[REDRIVE] = 20,
		[DISMISS] = 5,
		[RESUME] = 40,
		[DROP] = 10,
		[CLEAR] = 2};
	static const unsigned ends[ENDS] = {[RETRY] = 500,
		[RETRY_AFTER] = 100,
		[SKIP] = 50,
		[PARK] = 80,
		[STOP] = 20,
		[RETURN] = 80};

	for (int i = 0; i < STEPS; i++)
		config.weights[i] = i <= TIME ? (unsigned)sim_between(world, 10, steps[i])
					      : draw_weight(world, steps[i]);
	for (int i = 0; i < ENDS; i++)
		config.ends[i] = draw_weight(world, ends[i]);
	return config;
}

static void describe(struct sim_world *world, const struct config *config)
{
	const struct td_delivery_options *options = &config->options;
	const struct td_retry *retry = &options->retry;
	struct td_buf *buf = &world->config;

	td_buf_printf(buf,
		"%s, owed_max %zu, running_max %zu, together_max %zu, parked_max %zu, rate %zu/s\n",
		options->keyed ? "keyed" : "not keyed", options->owed_max, options->running_max,
		options->together_max, options->parked_max, options->rate_per_s);
	td_buf_printf(buf,
		"retry: attempts_max %u, first %" PRId64 " ms, factor %g, longest %" PRId64
		" ms, jitter %g, exhausted %s\n",
		retry->attempts_max, retry->first_ms, retry->factor, retry->longest_ms,
		retry->jitter,
		retry->exhausted == TD_SKIP   ? "skip"
		: retry->exhausted == TD_PARK ? "park"
					      : "stop");
	td_buf_printf(buf,
		"%u keys, %u workers, work <= %" PRId64 " ms, time steps <= %" PRId64
		" ms, bursts <= %u, %u steps, poison %u/1000, greed %u/1000%s\n",
		config->keys, config->workers, config->work_ms_max, config->step_ms_max,
		config->burst_max, config->steps, config->poison, config->greed,
		config->clock_steps_back ? ", clock steps back" : "");
	td_buf_add_string(
		buf, "weights of admit work time count redrive dismiss resume drop clear:");
	for (int i = 0; i < STEPS; i++)
		td_buf_printf(buf, " %u", config->weights[i]);
	td_buf_add_string(buf, "\nends of 1000: retry retry-after skip park stop return:");
	for (int i = 0; i < ENDS; i++)
		td_buf_printf(buf, " %u", config->ends[i]);
	td_buf_add_char(buf, '\n');
}

/* --- the steps ---------------------------------------------------------------------------- */

/* Threads read the clock before they have the lock, so a call may come with an older time. */
static int64_t now_or_a_little_before(struct run *run)
{
	int64_t now_ms = sim_now_ms(run->world);

	if (!run->config.clock_steps_back || !sim_chance(run->world, 100))
		return now_ms;
	sim_count(run->world, SIM_TIME_BACK);
	return now_ms - sim_between(run->world, 1, BACK_MS_MAX);
}

static void step_admit(struct run *run)
{
	int64_t burst = sim_between(run->world, 1, run->config.burst_max);

	for (int64_t i = 0; i < burst; i++) {
		uint64_t key = (uint64_t)sim_between(run->world, 0, run->config.keys);
		if (!sim_door_admit(&run->door, ++run->admitted, key))
			break;
	}
}

static bool is_poison(const struct run *run, uint64_t token)
{
	return td_hash_u64(token ^ run->world->seed) % 1000 < run->config.poison;
}

static enum end draw_end(struct run *run, uint64_t token)
{
	unsigned dice = (unsigned)sim_below(run->world, 1000);
	int end = 0;

	if (is_poison(run, token))
		return RETRY;
	while (end < ENDS && dice >= run->config.ends[end])
		dice -= run->config.ends[end++];
	return (enum end)end;
}

static void begin(struct run *run, struct worker *worker)
{
	worker->until_ms =
		sim_now_ms(run->world) + sim_between(run->world, 0, run->config.work_ms_max);
}

/* The first of the run is gone from it, and what was withdrawn with it. */
static void advance(struct run *run, struct worker *worker, size_t withdrawn)
{
	if (withdrawn != 0 && withdrawn != worker->count - 1) {
		sim_fail(run->world, "%zu withdrawn of %zu", withdrawn, worker->count - 1);
		withdrawn = worker->count - 1;
	}
	worker->count -= 1 + withdrawn;
	memmove(worker->run, worker->run + 1, worker->count * sizeof(worker->run[0]));
	begin(run, worker);
}

/* He gives back what he has from some place on; if that is the first, all. */
static void give_back(struct run *run, struct worker *worker)
{
	size_t from = sim_below(run->world, worker->count);
	size_t came_back = sim_door_return(&run->door, &worker->run[from]);

	if (came_back != worker->count - from)
		sim_fail(run->world, "%zu returned of %zu", came_back, worker->count - from);
	worker->count = from;
}

static void settle(struct run *run, struct worker *worker)
{
	static const enum td_settle settles[ENDS + 1] = {[RETRY] = TD_SETTLE_RETRY,
		[RETRY_AFTER] = TD_SETTLE_RETRY,
		[SKIP] = TD_SETTLE_SKIP,
		[PARK] = TD_SETTLE_PARK,
		[STOP] = TD_SETTLE_STOP,
		[ENDS] = TD_SETTLE_DONE};
	const struct td_due *due = &worker->run[0];
	enum end end = draw_end(run, due->token);
	struct td_settled settled;

	if (end == RETURN) {
		give_back(run, worker);
		return;
	}
	settled = sim_door_settle(&run->door, due, settles[end],
		end == RETRY_AFTER ? sim_between(run->world, 1, 5000) : 0, sim_unit(run->world),
		now_or_a_little_before(run));
	if (settled.due_ms > run->due_ms_max)
		run->due_ms_max = settled.due_ms;
	if (worker->count > 1 &&
		(settled.verdict == TD_VERDICT_DONE || settled.verdict == TD_VERDICT_SKIPPED))
		sim_count(run->world, SIM_SETTLED_RUN);
	advance(run, worker, settled.withdrawn);
}

/* More of the key that he has, as long as he asks and gets it. */
static void take_more(struct run *run, struct worker *worker)
{
	while (worker->count > 0 && worker->count < RUN_MAX && !sim_failed(run->world) &&
		sim_chance(run->world, run->config.greed)) {
		const struct td_due *of = &worker->run[sim_below(run->world, worker->count)];
		struct td_due *due = &worker->run[worker->count];

		if (!sim_door_take_behind(&run->door, of, now_or_a_little_before(run), due))
			return;
		worker->count++;
	}
}

static void take(struct run *run, struct worker *worker)
{
	if (!sim_door_take(&run->door, now_or_a_little_before(run), &worker->run[0]))
		return;
	worker->count = 1;
	begin(run, worker);
	take_more(run, worker);
}

static void step_work(struct run *run)
{
	struct worker *worker = &run->workers[sim_below(run->world, run->config.workers)];

	if (worker->count == 0)
		take(run, worker);
	else if (worker->until_ms <= sim_now_ms(run->world))
		settle(run, worker);
	else if (worker->count > 1 && sim_chance(run->world, run->config.ends[RETURN]))
		give_back(run, worker);
	else
		take_more(run, worker);
}

/* Time goes on: a little, or exactly until the machine says that there is something. */
static void step_time(struct run *run)
{
	int64_t now_ms = sim_now_ms(run->world);
	int64_t next_ms = sim_door_next_ms(&run->door, now_ms);
	struct worker *worker = &run->workers[sim_below(run->world, run->config.workers)];

	if (next_ms == INT64_MAX || next_ms == now_ms || !sim_chance(run->world, 300)) {
		sim_advance_ms(run->world, sim_between(run->world, 0, run->config.step_ms_max));
		return;
	}
	if (worker->count > 0)
		return;
	/* One ms before there is nothing. */
	sim_advance_ms(run->world, next_ms - now_ms - 1);
	if (next_ms - now_ms > 1)
		take(run, worker);
	sim_advance_ms(run->world, 1);
	if (worker->count > 0 || sim_failed(run->world)) {
		sim_fail(run->world, "taken before next_ms");
		return;
	}
	worker->count = sim_door_take(&run->door, next_ms, &worker->run[0]);
	worker->until_ms = next_ms;
	if (worker->count == 0)
		sim_fail(run->world, "nothing to take at next_ms");
	sim_count(run->world, SIM_NEXT_KEPT);
}

/* Mostly a key that is parked. */
static uint64_t draw_parked_key(struct run *run)
{
	uint64_t key;

	if (sim_chance(run->world, 800) &&
		sim_door_parked(&run->door, (size_t)sim_between(run->world, 0, 2), &key))
		return key;
	return (uint64_t)sim_between(run->world, 0, run->config.keys);
}

static size_t run_longest(const struct run *run)
{
	size_t longest = 0;

	for (unsigned i = 0; i < run->config.workers; i++)
		if (run->workers[i].count > longest)
			longest = run->workers[i].count;
	return longest;
}

static void play_step(struct run *run, enum step step)
{
	switch (step) {
	case ADMIT:
		step_admit(run);
		break;
	case WORK:
		step_work(run);
		break;
	case TIME:
		step_time(run);
		break;
	case COUNT:
		sim_door_counts(&run->door);
		break;
	case REDRIVE:
		sim_door_redrive(&run->door, draw_parked_key(run));
		break;
	case DISMISS:
		sim_door_dismiss(&run->door, draw_parked_key(run));
		break;
	case RESUME:
		sim_door_resume(&run->door);
		break;
	case DROP:
		sim_door_drop(&run->door);
		break;
	case CLEAR:
		sim_door_clear(&run->door, run_longest(run));
		break;
	case STEPS:
		break;
	}
}

static enum step draw_step(struct run *run)
{
	unsigned total = 0;
	unsigned step = 0;
	uint64_t dice;

	for (int i = 0; i < STEPS; i++)
		total += run->config.weights[i];
	dice = sim_below(run->world, total);
	while (dice >= run->config.weights[step])
		dice -= run->config.weights[step++];
	return (enum step)step;
}

/* --- healing ------------------------------------------------------------------------------ */

/* Every handler succeeds now; what was stopped is resumed, what is parked redriven. */
static void heal_step(struct run *run)
{
	uint64_t key;

	sim_door_resume(&run->door);
	while (!sim_failed(run->world) && sim_door_parked(&run->door, 0, &key))
		if (!sim_door_redrive(&run->door, key))
			sim_fail(run->world, "what is shown as parked cannot be redriven");
	for (unsigned i = 0; i < run->config.workers && !sim_failed(run->world); i++) {
		struct worker *worker = &run->workers[i];
		int64_t now_ms = sim_now_ms(run->world);
		if (worker->count == 0)
			worker->count = sim_door_take(&run->door, now_ms, &worker->run[0]);
		for (size_t n = 0; n < worker->count && !sim_failed(run->world); n++)
			sim_door_settle(&run->door, &worker->run[n], TD_SETTLE_DONE, 0, 0, now_ms);
		worker->count = 0;
	}
}

static void count_heal(struct run *run, const struct td_delivery_counts *counts)
{
	if (counts->owed > 0)
		sim_count(run->world, SIM_HEALED);
	if (counts->parked > 0)
		sim_count(run->world, SIM_HEALED_PARKED);
	if (counts->stopped)
		sim_count(run->world, SIM_HEALED_STOPPED);
}

/*
 * Phase two. All must be gone when the last retry is due and what is owed has been taken at the
 * rate, going from one next_ms to another.
 */
static void heal(struct run *run)
{
	struct td_delivery_counts counts = sim_door_counts(&run->door);
	int64_t rate = (int64_t)run->config.options.rate_per_s;
	int64_t most_ms = (rate > 0 ? 1000 / rate + 1 : 1) * (int64_t)(counts.owed + 1);
	int64_t end_ms = sim_now_ms(run->world) + most_ms;

	if (run->due_ms_max + most_ms > end_ms)
		end_ms = run->due_ms_max + most_ms;
	count_heal(run, &counts);
	while (counts.owed > 0 && sim_now_ms(run->world) <= end_ms && !sim_failed(run->world)) {
		int64_t now_ms = sim_now_ms(run->world);
		heal_step(run);
		int64_t next_ms = sim_door_next_ms(&run->door, now_ms);
		if (next_ms > end_ms)
			next_ms = end_ms + 1;
		size_t before = counts.owed;
		counts = sim_door_counts(&run->door);
		if (next_ms == now_ms && counts.owed == before)
			next_ms++; /* it says now, and there was nothing: the checker will see */
		sim_advance_ms(run->world, next_ms - now_ms);
	}
	sim_door_end(&run->door, true);
}

/* --- all of it ---------------------------------------------------------------------------- */

static void judge(struct run *run)
{
	struct sim_violation violation = sim_check(&run->config.options, &run->door.history);

	if (violation.rule == SIM_RULE_NONE)
		return;
	TD_ASSERT(violation.at < run->door.history.count && run->door.history.records != NULL);
	const struct sim_record *record = &run->door.history.records[violation.at];
	sim_fail(run->world, "%s, token %" PRIu64 ", at %" PRId64 " ms breaks %s (%s): %s",
		sim_act_name(record->act), record->token, record->now_ms,
		sim_rule_name(violation.rule), sim_rule_meaning(violation.rule), violation.text);
}

static void play(struct sim_world *world)
{
	struct run run = {.world = world, .config = draw_config(world)};

	describe(world, &run.config);
	sim_door_init(&run.door, world, &run.config.options);
	for (unsigned i = 0; i < run.config.steps && !sim_is_over(world); i++) {
		if (sim_failed(world))
			break;
		play_step(&run, draw_step(&run));
	}
	if (!sim_failed(world))
		heal(&run);
	judge(&run);
	sim_door_fini(&run.door);
}

#define COUNTER_NAME(name, text) [SIM_##name] = (text),
static const char *const counters[SIM_DELIVERY_COUNTERS_COUNT] = {
	SIM_DELIVERY_COUNTERS(COUNTER_NAME)};

const struct sim_kind sim_deliveries = {
	.name = "deliveries",
	.play = play,
	.counters = counters,
	.counters_count = SIM_DELIVERY_COUNTERS_COUNT,
};
