#include "door.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void sim_door_init(
	struct sim_door *door, struct sim_world *world, const struct td_delivery_options *options)
{
	*door = (struct sim_door){
		.world = world, .options = *options, .delivery = td_delivery_new(options)};
	TD_ASSERT(door->delivery != NULL);
	if (!world->without_model)
		door->model = sim_model_new(options);
}

void sim_door_fini(struct sim_door *door)
{
	td_delivery_free(door->delivery);
	if (door->model != NULL)
		sim_model_free(door->model);
	sim_history_fini(&door->history);
}

static void count(struct sim_door *door, enum sim_delivery_counter counter)
{
	sim_count(door->world, counter);
}

static void record(struct sim_door *door, struct sim_record record)
{
	const uint64_t values[] = {
		record.token,
		record.key,
		(uint64_t)record.code,
		record.attempt,
		(uint64_t)record.settle,
		(uint64_t)record.settled.verdict,
		(uint64_t)record.settled.due_ms,
		record.settled.withdrawn,
		(uint64_t)record.next_ms,
		record.counts.owed,
		record.counts.waiting,
	};

	if (record.now_ms == 0)
		record.now_ms = sim_now_ms(door->world);
	sim_trace(door->world, sim_act_name(record.act), values, sizeof(values) / sizeof(*values));
	sim_history_add(&door->history, &record);
}

/* What the machine says and what the model says. */
#define same(door, what, machine, model_)                                                         \
	do {                                                                                      \
		int64_t a_ = (int64_t)(machine), b_ = (int64_t)(model_);                          \
		if (a_ != b_)                                                                     \
			sim_fail((door)->world, "%s: %" PRId64 ", the model says %" PRId64, what, \
				a_, b_);                                                          \
	} while (0)

/* --- admit and take ----------------------------------------------------------------------- */

bool sim_door_admit(struct sim_door *door, uint64_t token, uint64_t key)
{
	struct td_delivery_counts before = td_delivery_counts(door->delivery);
	int code = td_delivery_admit(door->delivery, token, key);
	struct td_delivery_counts after = td_delivery_counts(door->delivery);

	record(door,
		(struct sim_record){.act = SIM_ADMIT, .token = token, .key = key, .code = code});
	if (door->model != NULL)
		same(door, "admit", code, sim_model_admit(door->model, token, key));
	if (code == TD_E_FULL)
		count(door, before.owed >= door->options.owed_max ? SIM_REFUSED_OWED
								  : SIM_REFUSED_PARKED);
	else if (code != 0)
		sim_fail(door->world, "admit answers %s", td_error_name(code));
	else
		count(door, SIM_ADMITTED);
	if (after.blocked > before.blocked)
		count(door, SIM_ADMITTED_BLOCKED);
	if (after.parked > before.parked)
		count(door, SIM_ADMITTED_PARKED);
	return code == 0;
}

static void count_nothing(struct sim_door *door, int64_t next_ms)
{
	struct td_delivery_counts counts = td_delivery_counts(door->delivery);

	if (counts.stopped)
		count(door, SIM_NOTHING_STOPPED);
	else if (door->options.running_max > 0 && counts.running >= door->options.running_max)
		count(door, SIM_NOTHING_RUNNING);
	else if (counts.waiting > 0 && next_ms != INT64_MAX)
		count(door, SIM_NOTHING_RATE);
	else
		count(door, SIM_NOTHING_OWED);
}

/* due: NULL: nothing was taken. */
static void same_take(
	struct sim_door *door, int64_t now_ms, int64_t next_ms, const struct td_due *due)
{
	struct td_due expected = {0};

	same(door, "next_ms", next_ms, sim_model_next_ms(door->model, now_ms));
	same(door, "take", due != NULL, sim_model_take(door->model, now_ms, &expected));
	if (due == NULL)
		return;
	same(door, "token taken", due->token, expected.token);
	same(door, "its key", due->key, expected.key);
	same(door, "its attempt", due->attempt, expected.attempt);
}

bool sim_door_take(struct sim_door *door, int64_t now_ms, struct td_due *due)
{
	int64_t next_ms = td_delivery_next_ms(door->delivery, now_ms);
	bool between = door->model != NULL && sim_model_retry_is_due(door->model, now_ms);
	bool taken = td_delivery_take(door->delivery, now_ms, due);

	if (taken)
		record(door, (struct sim_record){.act = SIM_TAKE,
				     .now_ms = now_ms,
				     .token = due->token,
				     .key = due->key,
				     .attempt = due->attempt});
	else
		record(door, (struct sim_record){
				     .act = SIM_NOTHING, .now_ms = now_ms, .next_ms = next_ms});
	if (door->model != NULL)
		same_take(door, now_ms, next_ms, taken ? due : NULL);
	if (!taken)
		count_nothing(door, next_ms);
	else
		count(door, due->attempt > 1 ? SIM_TAKEN_RETRY : SIM_TAKEN);
	if (taken && between && due->attempt == 1)
		count(door, SIM_TAKEN_BETWEEN);
	return taken;
}

static void count_no_more(struct sim_door *door, size_t blocked)
{
	struct td_delivery_counts counts = td_delivery_counts(door->delivery);
	size_t running_max = door->options.running_max;

	if (blocked == 0)
		count(door, SIM_BEHIND_NONE);
	else if (counts.stopped || (running_max != 0 && counts.running >= running_max) ||
		 door->options.rate_per_s > 0)
		count(door, SIM_BEHIND_OTHER);
	else if (door->options.together_max > 1)
		count(door, SIM_BEHIND_TOGETHER);
}

bool sim_door_take_behind(
	struct sim_door *door, const struct td_due *of, int64_t now_ms, struct td_due *due)
{
	size_t blocked = td_delivery_counts(door->delivery).blocked;
	bool taken = td_delivery_take_behind(door->delivery, of->ticket, now_ms, due);

	record(door, (struct sim_record){.act = taken ? SIM_BEHIND : SIM_NO_MORE,
			     .now_ms = now_ms,
			     .token = taken ? due->token : 0,
			     .key = of->key,
			     .attempt = taken ? due->attempt : 0});
	if (door->model != NULL) {
		struct td_due expected = {0};

		same(door, "take behind", taken,
			sim_model_take_behind(door->model, of->token, now_ms, &expected));
		if (taken) {
			same(door, "token behind", due->token, expected.token);
			same(door, "its key", due->key, expected.key);
			same(door, "its attempt", due->attempt, expected.attempt);
		}
	}
	if (taken)
		count(door, SIM_TAKEN_BEHIND);
	else
		count_no_more(door, blocked);
	return taken;
}

int64_t sim_door_next_ms(struct sim_door *door, int64_t now_ms)
{
	int64_t next_ms = td_delivery_next_ms(door->delivery, now_ms);

	if (door->model != NULL)
		same(door, "next_ms", next_ms, sim_model_next_ms(door->model, now_ms));
	return next_ms;
}

/* --- settle and return -------------------------------------------------------------------- */

static void count_settled(struct sim_door *door, enum td_settle settle,
	const struct td_settled *settled, int64_t after_ms, size_t parked_before)
{
	struct td_delivery_counts counts = td_delivery_counts(door->delivery);
	bool exhausted = settle == TD_SETTLE_RETRY && settled->verdict != TD_VERDICT_RETRY;

	if (settled->withdrawn > 0)
		count(door, settled->verdict == TD_VERDICT_RETRY    ? SIM_WITHDRAWN_RETRY
			    : settled->verdict == TD_VERDICT_PARKED ? SIM_WITHDRAWN_PARKED
								    : SIM_WITHDRAWN_STOPPED);
	switch (settled->verdict) {
	case TD_VERDICT_DONE:
		count(door, SIM_DONE);
		break;
	case TD_VERDICT_SKIPPED:
		count(door, exhausted ? SIM_EXHAUSTED_SKIPPED : SIM_SKIPPED);
		break;
	case TD_VERDICT_RETRY:
		count(door, after_ms > 0 ? SIM_RETRIED_AFTER : SIM_RETRIED);
		break;
	case TD_VERDICT_PARKED:
		count(door, exhausted ? SIM_EXHAUSTED_PARKED : SIM_PARKED);
		if (counts.parked > parked_before + 1)
			count(door, SIM_PARKED_WITH_MORE);
		if (counts.parked > door->options.parked_max)
			count(door, SIM_PARKED_BEYOND);
		break;
	case TD_VERDICT_STOPPED:
		if (settle == TD_SETTLE_STOP)
			count(door, SIM_STOPPED);
		else
			count(door, exhausted && door->options.retry.exhausted == TD_STOP
					    ? SIM_EXHAUSTED_STOPPED
					    : SIM_PARKED_STOPPED);
		if (counts.running > 0)
			count(door, SIM_STOPPED_BESIDE);
		break;
	}
}

struct td_settled sim_door_settle(struct sim_door *door, const struct td_due *due,
	enum td_settle settle, int64_t after_ms, double unit, int64_t now_ms)
{
	size_t parked = td_delivery_counts(door->delivery).parked;
	struct td_settled settled =
		td_delivery_settle(door->delivery, due->ticket, settle, after_ms, unit, now_ms);

	record(door, (struct sim_record){.act = SIM_SETTLE,
			     .now_ms = now_ms,
			     .token = due->token,
			     .settle = settle,
			     .after_ms = after_ms,
			     .settled = settled});
	if (door->model != NULL) {
		struct td_settled expected =
			sim_model_settle(door->model, due->token, settle, after_ms, unit, now_ms);
		same(door, "verdict", settled.verdict, expected.verdict);
		same(door, "attempts", settled.attempts, expected.attempts);
		same(door, "withdrawn", settled.withdrawn, expected.withdrawn);
		if (settled.due_ms != expected.due_ms &&
			llabs(settled.due_ms - expected.due_ms) > 1)
			same(door, "due", settled.due_ms, expected.due_ms);
		else if (settled.verdict == TD_VERDICT_RETRY && !sim_failed(door->world))
			sim_model_correct_due(door->model, due->token, settled.due_ms);
	}
	count_settled(door, settle, &settled, after_ms, parked);
	return settled;
}

size_t sim_door_return(struct sim_door *door, const struct td_due *due)
{
	size_t waiting = td_delivery_counts(door->delivery).waiting;
	size_t came_back = td_delivery_return(door->delivery, due->ticket);

	record(door, (struct sim_record){
			     .act = SIM_RETURN, .token = due->token, .code = (int)came_back});
	if (door->model != NULL)
		same(door, "returned", came_back, sim_model_return(door->model, due->token));
	count(door, due->attempt > 1 ? SIM_RETURNED_RETRY : SIM_RETURNED);
	if (came_back > 1)
		count(door, SIM_RETURNED_RUN);
	if (td_delivery_counts(door->delivery).waiting == waiting)
		count(door, SIM_RETURNED_BEHIND);
	return came_back;
}

/* --- from outside ------------------------------------------------------------------------- */

bool sim_door_redrive(struct sim_door *door, uint64_t key)
{
	bool found = td_delivery_redrive(door->delivery, key);

	record(door, (struct sim_record){.act = SIM_REDRIVE, .key = key, .code = found});
	if (door->model != NULL)
		same(door, "redrive", found, sim_model_redrive(door->model, key));
	count(door, found ? SIM_REDRIVEN : SIM_REDRIVEN_NOT);
	return found;
}

bool sim_door_dismiss(struct sim_door *door, uint64_t key)
{
	uint64_t token = 0, expected = 0;
	bool found = td_delivery_dismiss(door->delivery, key, &token);

	record(door,
		(struct sim_record){.act = SIM_DISMISS, .key = key, .code = found, .token = token});
	if (door->model != NULL) {
		same(door, "dismiss", found, sim_model_dismiss(door->model, key, &expected));
		same(door, "token dismissed", token, expected);
	}
	count(door, found ? SIM_DISMISSED : SIM_DISMISSED_NOT);
	return found;
}

bool sim_door_parked(struct sim_door *door, size_t n, uint64_t *key)
{
	uint64_t token = 0, expected_key = 0, expected = 0;
	size_t cursor = 0;
	bool found = true;

	*key = 0;
	for (size_t i = 0; found && i <= n; i++)
		found = td_delivery_parked(door->delivery, &cursor, key, &token);
	if (door->model == NULL)
		return found;
	same(door, "parked", found, sim_model_parked(door->model, n, &expected_key, &expected));
	if (found) {
		same(door, "key parked", *key, expected_key);
		same(door, "token parked", token, expected);
	}
	return found;
}

void sim_door_resume(struct sim_door *door)
{
	if (td_delivery_counts(door->delivery).stopped)
		count(door, SIM_RESUMED);
	td_delivery_resume(door->delivery);
	record(door, (struct sim_record){.act = SIM_RESUME});
	if (door->model != NULL)
		sim_model_resume(door->model);
}

bool sim_door_drop(struct sim_door *door)
{
	size_t blocked = td_delivery_counts(door->delivery).blocked;
	size_t waiting = td_delivery_counts(door->delivery).waiting;
	uint64_t token = 0, expected = 0;
	bool found = td_delivery_drop_oldest(door->delivery, &token);

	record(door, (struct sim_record){.act = SIM_DROP, .code = found, .token = token});
	if (door->model != NULL) {
		same(door, "drop", found, sim_model_drop_oldest(door->model, &expected));
		same(door, "token dropped", token, expected);
	}
	count(door, found ? SIM_DROPPED : SIM_DROPPED_NOT);
	if (td_delivery_counts(door->delivery).waiting == waiting &&
		td_delivery_counts(door->delivery).blocked < blocked)
		count(door, SIM_DROPPED_BLOCKED);
	return found;
}

static void cleared(void *arg, uint64_t token)
{
	record(arg, (struct sim_record){.act = SIM_CLEARED, .token = token});
}

void sim_door_clear(struct sim_door *door, size_t run_longest)
{
	struct td_delivery_counts before = td_delivery_counts(door->delivery);

	td_delivery_clear(door->delivery, cleared, door);
	record(door, (struct sim_record){.act = SIM_CLEAR});
	if (door->model != NULL)
		same(door, "cleared", before.owed - before.running, sim_model_clear(door->model));
	count(door, before.running > 0 ? SIM_CLEARED_RUNNING : SIM_CLEARED_ALL);
	if (run_longest > 1)
		count(door, SIM_CLEARED_RUN);
}

/* --- looking ------------------------------------------------------------------------------ */

static void same_counts(struct sim_door *door, const struct td_delivery_counts *counts)
{
	struct td_delivery_counts expected = sim_model_counts(door->model);

	same(door, "owed", counts->owed, expected.owed);
	same(door, "waiting", counts->waiting, expected.waiting);
	same(door, "blocked", counts->blocked, expected.blocked);
	same(door, "running", counts->running, expected.running);
	same(door, "retrying", counts->retrying, expected.retrying);
	same(door, "parked", counts->parked, expected.parked);
	same(door, "stopped", counts->stopped, expected.stopped);
	same(door, "parked_full", counts->parked_full, expected.parked_full);
}

struct td_delivery_counts sim_door_counts(struct sim_door *door)
{
	struct td_delivery_counts counts = td_delivery_counts(door->delivery);

	if (!door->world->without_model)
		td_delivery_verify(door->delivery);
	record(door, (struct sim_record){.act = SIM_COUNTS, .counts = counts});
	if (door->model != NULL)
		same_counts(door, &counts);
	return counts;
}

void sim_door_end(struct sim_door *door, bool healed)
{
	record(door, (struct sim_record){.act = SIM_END,
			     .code = healed,
			     .counts = td_delivery_counts(door->delivery)});
}
