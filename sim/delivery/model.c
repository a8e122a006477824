#include "model.h"

#include <stdlib.h>
#include <string.h>

enum state { WAITING, RUNNING, RETRYING, PARKED };

/* WAITING is what it would be if nothing of its key were before it. */
struct item {
	uint64_t token, key;
	enum state state;
	unsigned attempts;
	bool tried;
	int64_t turn;    /* WAITING and nothing before it: lowest first */
	int64_t due_ms;  /* RETRYING */
	int64_t entered; /* RETRYING, PARKED: when, in order */
};

struct sim_model {
	struct td_delivery_options options;
	struct item *items; /* in order of admission; room for owed_max */
	size_t count;
	bool stopped, retry_was_last;
	int64_t first_turn, last_turn, entered;
	double takes_left; /* in the bucket */
	bool taken;
	int64_t taken_ms;
};

struct sim_model *sim_model_new(const struct td_delivery_options *options)
{
	struct sim_model *model = calloc(1, sizeof(*model));

	TD_ASSERT(model != NULL);
	model->options = *options;
	model->items = calloc(options->owed_max, sizeof(model->items[0]));
	TD_ASSERT(model->items != NULL);
	model->takes_left = (double)options->rate_per_s / 10;
	if (model->takes_left < 1)
		model->takes_left = 1;
	return model;
}

void sim_model_free(struct sim_model *model)
{
	free(model->items);
	free(model);
}

/* --- looking ------------------------------------------------------------------------------ */

static struct item *item_of(struct sim_model *model, uint64_t token)
{
	for (size_t i = 0; i < model->count; i++)
		if (model->items[i].token == token)
			return &model->items[i];
	TD_UNREACHABLE();
}

static const struct item *first_of_key(const struct sim_model *model, const struct item *item)
{
	if (!model->options.keyed || item->key == 0)
		return item;
	for (const struct item *other = model->items;; other++)
		if (other->key == item->key)
			return other;
}

static bool may_run(const struct sim_model *model, const struct item *item)
{
	return item->state == WAITING && first_of_key(model, item) == item;
}

struct td_delivery_counts sim_model_counts(const struct sim_model *model)
{
	struct td_delivery_counts counts = {.owed = model->count, .stopped = model->stopped};

	for (const struct item *item = model->items; item < model->items + model->count; item++) {
		const struct item *first = first_of_key(model, item);
		counts.parked += first->state == PARKED;
		counts.waiting += may_run(model, item);
		counts.blocked += first != item && first->state != PARKED && item->state != RUNNING;
		counts.running += item->state == RUNNING;
		counts.retrying += item->state == RETRYING;
	}
	counts.parked_full = counts.parked >= model->options.parked_max;
	return counts;
}

static double takes_left_at(const struct sim_model *model, int64_t ms)
{
	double rate = (double)model->options.rate_per_s;
	double full = (rate > 10 ? rate / 10 : 1) + rate / 1000;
	double left = model->takes_left;

	if (model->taken && ms > model->taken_ms)
		left += (double)(ms - model->taken_ms) * rate / 1000;
	return left < full ? left : full;
}

static bool rate_allows(const struct sim_model *model, int64_t ms)
{
	return model->options.rate_per_s == 0 || takes_left_at(model, ms) > 1 - 1e-6;
}

static bool may_take(const struct sim_model *model)
{
	size_t max = model->options.running_max;

	return !model->stopped && (max == 0 || sim_model_counts(model).running < max);
}

bool sim_model_retry_is_due(const struct sim_model *model, int64_t now_ms)
{
	for (const struct item *item = model->items; item < model->items + model->count; item++)
		if (item->state == RETRYING && item->due_ms <= now_ms)
			return true;
	return false;
}

int64_t sim_model_next_ms(const struct sim_model *model, int64_t now_ms)
{
	int64_t at_ms = INT64_MAX;

	if (!may_take(model))
		return INT64_MAX;
	for (const struct item *item = model->items; item < model->items + model->count; item++) {
		if (may_run(model, item) && now_ms < at_ms)
			at_ms = now_ms;
		if (item->state == RETRYING && item->due_ms < at_ms)
			at_ms = item->due_ms > now_ms ? item->due_ms : now_ms;
	}
	while (at_ms != INT64_MAX && !rate_allows(model, at_ms))
		at_ms++;
	return at_ms;
}

/* --- changing ----------------------------------------------------------------------------- */

/* Whoever may run and has no turn yet gets one, behind the others. One at a time, so no doubt. */
static void give_turns(struct sim_model *model)
{
	for (struct item *item = model->items; item < model->items + model->count; item++)
		if (may_run(model, item) && item->turn == 0)
			item->turn = ++model->last_turn;
}

static void item_gone(struct sim_model *model, struct item *item)
{
	size_t at = (size_t)(item - model->items);

	memmove(item, item + 1, (model->count - at - 1) * sizeof(*item));
	model->count--;
	give_turns(model);
}

static void item_to_front(struct sim_model *model, struct item *item)
{
	item->state = WAITING;
	item->turn = --model->first_turn;
}

int sim_model_admit(struct sim_model *model, uint64_t token, uint64_t key)
{
	struct item *item = &model->items[model->count];

	if (model->count == model->options.owed_max)
		return TD_E_FULL;
	*item = (struct item){.token = token, .key = key};
	model->count++;
	if (first_of_key(model, item)->state == PARKED &&
		sim_model_counts(model).parked > model->options.parked_max) {
		model->count--;
		return TD_E_FULL;
	}
	give_turns(model);
	return 0;
}

bool sim_model_take(struct sim_model *model, int64_t now_ms, struct td_due *due)
{
	struct item *turn = NULL, *retry = NULL;

	for (struct item *item = model->items; item < model->items + model->count; item++) {
		if (may_run(model, item) && (turn == NULL || item->turn < turn->turn))
			turn = item;
		if (item->state == RETRYING && item->due_ms <= now_ms &&
			(retry == NULL || item->due_ms < retry->due_ms ||
				(item->due_ms == retry->due_ms && item->entered < retry->entered)))
			retry = item;
	}
	if (turn != NULL && model->retry_was_last)
		retry = NULL;
	struct item *next = retry != NULL ? retry : turn;
	if (next == NULL || !may_take(model) || !rate_allows(model, now_ms))
		return false;
	model->takes_left = takes_left_at(model, now_ms) - 1;
	if (!model->taken || now_ms > model->taken_ms)
		model->taken_ms = now_ms;
	model->taken = true;
	model->retry_was_last = retry != NULL;
	next->state = RUNNING;
	next->turn = 0;
	next->attempts++;
	*due = (struct td_due){next->token, next->key, next->attempts, NULL};
	return true;
}

/* How many run of its key. */
static size_t running_of_key(const struct sim_model *model, const struct item *item)
{
	size_t count = 0;

	if (!model->options.keyed || item->key == 0)
		return item->state == RUNNING;
	for (size_t i = 0; i < model->count; i++)
		count += model->items[i].key == item->key && model->items[i].state == RUNNING;
	return count;
}

bool sim_model_take_behind(
	struct sim_model *model, uint64_t token, int64_t now_ms, struct td_due *due)
{
	struct item *item = item_of(model, token), *end = model->items + model->count;
	size_t together_max = model->options.together_max;

	if (!model->options.keyed || item->key == 0 || !may_take(model) ||
		running_of_key(model, item) >= (together_max == 0 ? 1 : together_max))
		return false;
	for (uint64_t key = item->key; item < end; item++)
		if (item->key == key && item->state == WAITING)
			break;
	if (item == end || !rate_allows(model, now_ms))
		return false;
	model->takes_left = takes_left_at(model, now_ms) - 1;
	if (!model->taken || now_ms > model->taken_ms)
		model->taken_ms = now_ms;
	model->taken = true;
	item->state = RUNNING;
	item->attempts++;
	*due = (struct td_due){item->token, item->key, item->attempts, NULL};
	return true;
}

/* What runs of its key behind it has not been taken; how many. */
static size_t withdraw(struct sim_model *model, const struct item *item)
{
	size_t count = 0;

	if (!model->options.keyed || item->key == 0)
		return 0;
	for (struct item *other = model->items + model->count - 1; other > item; other--)
		if (other->key == item->key && other->state == RUNNING) {
			other->state = WAITING;
			other->attempts--;
			count++;
		}
	return count;
}

static int64_t wait_of(
	const struct td_retry *retry, unsigned attempts, int64_t after_ms, double unit)
{
	double wait = (double)retry->first_ms;

	for (unsigned i = 1; i < attempts; i++)
		wait *= retry->factor;
	if (wait > (double)retry->longest_ms)
		wait = (double)retry->longest_ms;
	wait *= 1 - (retry->jitter < 0 ? 0 : retry->jitter) * unit;
	wait = wait < 1 ? 1 : wait;
	return (double)after_ms > wait ? after_ms : (int64_t)(wait + 0.5);
}

struct td_settled sim_model_settle(struct sim_model *model, uint64_t token, enum td_settle settle,
	int64_t after_ms, double unit, int64_t now_ms)
{
	const struct td_retry *retry = &model->options.retry;
	struct item *item = item_of(model, token);
	struct td_settled settled = {.attempts = item->attempts};

	if (settle == TD_SETTLE_RETRY && item->attempts < retry->attempts_max) {
		item->state = RETRYING;
		item->due_ms = now_ms + wait_of(retry, item->attempts, after_ms, unit);
		item->entered = ++model->entered;
		item->tried = true;
		settled.verdict = TD_VERDICT_RETRY;
		settled.due_ms = item->due_ms;
		settled.withdrawn = withdraw(model, item);
		return settled;
	}
	bool exhausted = settle == TD_SETTLE_RETRY;
	if (settle == TD_SETTLE_DONE || settle == TD_SETTLE_SKIP ||
		(exhausted && retry->exhausted == TD_SKIP)) {
		settled.verdict = settle == TD_SETTLE_DONE ? TD_VERDICT_DONE : TD_VERDICT_SKIPPED;
		item_gone(model, item);
		return settled;
	}
	item->tried = true;
	settled.withdrawn = withdraw(model, item);
	if ((settle == TD_SETTLE_PARK || (exhausted && retry->exhausted == TD_PARK)) &&
		!sim_model_counts(model).parked_full) {
		item->state = PARKED;
		item->entered = ++model->entered;
		settled.verdict = TD_VERDICT_PARKED;
		return settled;
	}
	item->attempts = 0;
	item_to_front(model, item);
	model->stopped = true;
	settled.verdict = TD_VERDICT_STOPPED;
	return settled;
}

void sim_model_correct_due(struct sim_model *model, uint64_t token, int64_t due_ms)
{
	item_of(model, token)->due_ms = due_ms;
}

size_t sim_model_return(struct sim_model *model, uint64_t token)
{
	struct item *item = item_of(model, token);
	size_t behind = withdraw(model, item);

	item->attempts--;
	if (first_of_key(model, item) == item)
		item_to_front(model, item);
	else
		item->state = WAITING;
	return 1 + behind;
}

/* --- from outside ------------------------------------------------------------------------- */

/* The head of a key that was parked first, NULL: none; of any key where `any`, beyond `after`. */
static struct item *parked_next(
	const struct sim_model *model, bool any, uint64_t key, int64_t after)
{
	struct item *found = NULL;

	for (struct item *item = model->items; item < model->items + model->count; item++)
		if (item->state == PARKED && (any || item->key == key) && item->entered > after &&
			(found == NULL || item->entered < found->entered))
			found = item;
	return found;
}

bool sim_model_redrive(struct sim_model *model, uint64_t key)
{
	struct item *item = parked_next(model, false, key, 0);

	if (item == NULL)
		return false;
	item->state = WAITING;
	item->attempts = 0;
	give_turns(model);
	return true;
}

bool sim_model_dismiss(struct sim_model *model, uint64_t key, uint64_t *token)
{
	struct item *item = parked_next(model, false, key, 0);

	if (item == NULL)
		return false;
	*token = item->token;
	item_gone(model, item);
	return true;
}

bool sim_model_parked(const struct sim_model *model, size_t n, uint64_t *key, uint64_t *token)
{
	const struct item *item = parked_next(model, true, 0, 0);

	while (item != NULL && n-- > 0)
		item = parked_next(model, true, 0, item->entered);
	if (item == NULL)
		return false;
	*key = item->key;
	*token = item->token;
	return true;
}

void sim_model_resume(struct sim_model *model)
{
	model->stopped = false;
}

bool sim_model_drop_oldest(struct sim_model *model, uint64_t *token)
{
	for (struct item *item = model->items; item < model->items + model->count; item++)
		if (item->state == WAITING && !item->tried &&
			first_of_key(model, item)->state != PARKED) {
			*token = item->token;
			item_gone(model, item);
			return true;
		}
	return false;
}

size_t sim_model_clear(struct sim_model *model)
{
	size_t left = 0, before = model->count;

	for (size_t i = 0; i < before; i++)
		if (model->items[i].state == RUNNING)
			model->items[left++] = model->items[i];
	model->count = left;
	return before - left;
}
