#include "checker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum state { WAITS, RUNS, RETRIES, PARKED };

/* One that was admitted and is not gone. */
struct owed {
	uint64_t token, key;
	enum state state;
	unsigned attempts;
	bool tried;             /* settled once, and owed still */
	int64_t due_ms;         /* RETRIES */
	uint64_t parked_number; /* PARKED: order of parking */
	/* While it may run: since which take, with how many before it at most. */
	bool ready;
	uint64_t ready_takes, ready_fronts, ready_owed;
};

struct checker {
	struct td_delivery_options options;
	struct owed *owed; /* in order of admission */
	size_t count, cap;
	struct td_map gone; /* token to anything */
	bool stopped;
	uint64_t parkings;
	/* The bucket, as what is missing from a full one, in thousandths. */
	int64_t missing, full, taken_ms;
	bool taken_once;
	/* What the last empty take promised; nothing has happened since. */
	bool promised;
	int64_t promised_ms;
	/* Takes so far, and how often something came to the front of the others. */
	uint64_t takes, fronts;
	size_t at; /* the record that is looked at */
	struct sim_violation violation;
};

/* The record breaks a rule: a format and its arguments say how. Only the first is kept. */
#define breaks(checker, rule_, ...)                                                \
	do {                                                                       \
		struct sim_violation *first_ = &(checker)->violation;              \
		if (first_->rule == SIM_RULE_NONE) {                               \
			first_->rule = (rule_);                                    \
			first_->at = (checker)->at;                                \
			snprintf(first_->text, sizeof(first_->text), __VA_ARGS__); \
		}                                                                  \
	} while (0)

/* --- what is owed ------------------------------------------------------------------------- */

static struct owed *find(struct checker *checker, uint64_t token)
{
	for (size_t i = 0; i < checker->count; i++)
		if (checker->owed[i].token == token)
			return &checker->owed[i];
	if (td_map_get(&checker->gone, token) != NULL)
		breaks(checker, SIM_RULE_GONE, "token %" PRIu64 " is gone", token);
	else
		breaks(checker, SIM_RULE_KNOWN, "token %" PRIu64 " was not admitted", token);
	return NULL;
}

static void grow(struct checker *checker)
{
	checker->cap = checker->cap * 2 + 64;
	checker->owed = realloc(checker->owed, checker->cap * sizeof(*checker->owed));
	TD_ASSERT(checker->owed != NULL);
}

static void add(struct checker *checker, uint64_t token, uint64_t key)
{
	if (checker->count == checker->cap)
		grow(checker);
	checker->owed[checker->count++] = (struct owed){.token = token, .key = key};
}

static void leave(struct checker *checker, struct owed *owed)
{
	size_t at = (size_t)(owed - checker->owed);

	TD_ASSERT(td_map_put(&checker->gone, owed->token, checker));
	memmove(owed, owed + 1, (checker->count - at - 1) * sizeof(*owed));
	checker->count--;
}

/* The oldest of its key that is owed: itself, if nothing is before it. */
static const struct owed *oldest(const struct checker *checker, const struct owed *owed)
{
	if (!checker->options.keyed || owed->key == 0)
		return owed;
	for (const struct owed *other = checker->owed; other < owed; other++)
		if (other->key == owed->key)
			return other;
	return owed;
}

static struct td_delivery_counts tally(const struct checker *checker)
{
	struct td_delivery_counts counts = {.owed = checker->count, .stopped = checker->stopped};

	for (const struct owed *owed = checker->owed; owed < checker->owed + checker->count;
		owed++) {
		const struct owed *first = oldest(checker, owed);
		if (first->state == PARKED)
			counts.parked++;
		else if (owed->state == RUNS)
			counts.running++;
		else if (first != owed)
			counts.blocked++;
		else if (owed->state == WAITS)
			counts.waiting++;
		else
			counts.retrying++;
	}
	counts.parked_full = counts.parked >= checker->options.parked_max;
	return counts;
}

/* --- time --------------------------------------------------------------------------------- */

static int64_t bucket_missing(const struct checker *checker, int64_t now_ms)
{
	int64_t rate = (int64_t)checker->options.rate_per_s;
	int64_t passed_ms =
		checker->taken_once && now_ms > checker->taken_ms ? now_ms - checker->taken_ms : 0;

	if (rate == 0 || passed_ms > 2000 || checker->missing < rate * passed_ms)
		return 0;
	return checker->missing - rate * passed_ms;
}

static bool bucket_allows(const struct checker *checker, int64_t now_ms)
{
	return checker->options.rate_per_s == 0 ||
	       bucket_missing(checker, now_ms) + 1000 <= checker->full;
}

static void bucket_take(struct checker *checker, int64_t now_ms)
{
	if (checker->options.rate_per_s == 0)
		return;
	if (!bucket_allows(checker, now_ms))
		breaks(checker, SIM_RULE_RATE, "more than %zu a second",
			checker->options.rate_per_s);
	checker->missing = bucket_missing(checker, now_ms) + 1000;
	if (!checker->taken_once || now_ms > checker->taken_ms)
		checker->taken_ms = now_ms;
	checker->taken_once = true;
}

/* The least and most one may have to wait, give or take a ms for rounding. */
static void schedule(const struct td_retry *retry, unsigned attempts, int64_t after_ms,
	int64_t *least_ms, int64_t *most_ms)
{
	double wait = (double)retry->first_ms;
	double jitter = retry->jitter < 0 ? 0 : retry->jitter;

	for (unsigned i = 1; i < attempts; i++)
		wait *= retry->factor;
	if (wait > (double)retry->longest_ms)
		wait = (double)retry->longest_ms;
	*least_ms = (int64_t)(wait * (1 - jitter)) - 1;
	*most_ms = (int64_t)wait + 1;
	if (*least_ms < after_ms)
		*least_ms = after_ms;
	if (*most_ms < after_ms)
		*most_ms = after_ms;
}

/* --- the acts ----------------------------------------------------------------------------- */

static void check_admit(struct checker *checker, const struct sim_record *record)
{
	struct td_delivery_counts counts = tally(checker);
	struct owed probe = {.key = record->key};
	bool full = checker->count >= checker->options.owed_max;

	for (size_t i = 0; i < checker->count; i++)
		if (checker->owed[i].token == record->token)
			breaks(checker, SIM_RULE_KNOWN, "admitted before");
	if (td_map_get(&checker->gone, record->token) != NULL)
		breaks(checker, SIM_RULE_KNOWN, "admitted before");
	for (size_t i = 0; i < checker->count && checker->options.keyed && probe.key != 0; i++)
		if (checker->owed[i].key == probe.key) {
			full |= checker->owed[i].state == PARKED && counts.parked_full;
			break;
		}
	if (full != (record->code == TD_E_FULL))
		breaks(checker, SIM_RULE_BOUND, "%s with %zu owed, %zu parked",
			full ? "admitted" : "refused", counts.owed, counts.parked);
	if (record->code == 0)
		add(checker, record->token, record->key);
}

static void check_order(struct checker *checker, const struct owed *owed)
{
	const struct owed *first = oldest(checker, owed);

	if (first == owed)
		return;
	if (first->state == RUNS)
		breaks(checker, SIM_RULE_ONE, "%" PRIu64 " of its key is running", first->token);
	breaks(checker, SIM_RULE_ORDER, "%" PRIu64 " of its key is before it", first->token);
}

static bool has_order(const struct checker *checker, uint64_t key)
{
	return checker->options.keyed && key != 0;
}

static size_t running_of_key(const struct checker *checker, uint64_t key)
{
	size_t count = 0;

	for (size_t i = 0; i < checker->count; i++)
		count += checker->owed[i].key == key && checker->owed[i].state == RUNS;
	return count;
}

static size_t together_max(const struct checker *checker)
{
	return checker->options.together_max > 1 ? checker->options.together_max : 1;
}

/* Taken behind others of its key: all before it run, and there is one at least. */
static void check_behind(struct checker *checker, const struct owed *owed)
{
	size_t running = running_of_key(checker, owed->key);

	if (!has_order(checker, owed->key) || running == 0)
		breaks(checker, SIM_RULE_ONE, "nothing of its key is running");
	if (running >= together_max(checker))
		breaks(checker, SIM_RULE_ONE, "%zu of its key are running", running);
	for (const struct owed *other = checker->owed; other < owed; other++)
		if (other->key == owed->key && other->state != RUNS)
			breaks(checker, SIM_RULE_ORDER, "%" PRIu64 " of its key is before it",
				other->token);
}

/* Nothing could be taken behind what runs of a key. */
static void check_no_more(struct checker *checker, const struct sim_record *record)
{
	struct td_delivery_counts counts = tally(checker);
	size_t running_max = checker->options.running_max;

	if (checker->stopped || !bucket_allows(checker, record->now_ms) ||
		!has_order(checker, record->key) ||
		(running_max != 0 && counts.running >= running_max) ||
		running_of_key(checker, record->key) >= together_max(checker))
		return;
	for (size_t i = 0; i < checker->count; i++)
		if (checker->owed[i].key == record->key && checker->owed[i].state != RUNS)
			breaks(checker, SIM_RULE_IDLE, "%" PRIu64 " may run behind the others",
				checker->owed[i].token);
}

static void check_take(struct checker *checker, const struct sim_record *record)
{
	struct owed *owed = find(checker, record->token);
	struct td_delivery_counts counts = tally(checker);

	if (owed == NULL)
		return;
	if (owed->key != record->key)
		breaks(checker, SIM_RULE_KNOWN, "it was admitted with another key");
	if (owed->state == RUNS)
		breaks(checker, SIM_RULE_TICKET, "it is running");
	if (checker->stopped)
		breaks(checker, SIM_RULE_STOPPED, "taken while stopped");
	if (owed->state == PARKED)
		breaks(checker, SIM_RULE_PARKED, "taken while parked");
	if (record->act == SIM_BEHIND)
		check_behind(checker, owed);
	else
		check_order(checker, owed);
	if (owed->state == RETRIES && record->now_ms < owed->due_ms)
		breaks(checker, SIM_RULE_DUE, "taken at %" PRId64 ", due at %" PRId64,
			record->now_ms, owed->due_ms);
	if (record->attempt != owed->attempts + 1 ||
		(record->attempt > 1 && record->attempt > checker->options.retry.attempts_max))
		breaks(checker, SIM_RULE_ATTEMPTS, "attempt %u after %u", record->attempt,
			owed->attempts);
	if (checker->options.running_max != 0 && counts.running >= checker->options.running_max)
		breaks(checker, SIM_RULE_RUNNING, "%zu are running", counts.running);
	if (checker->promised && record->act == SIM_TAKE && record->now_ms < checker->promised_ms)
		breaks(checker, SIM_RULE_NEXT, "there should be nothing before %" PRId64,
			checker->promised_ms);
	bucket_take(checker, record->now_ms);
	owed->state = RUNS;
	owed->attempts = record->attempt;
	checker->takes += record->act == SIM_TAKE; /* the other is nobody's turn */
}

static void check_nothing(struct checker *checker, const struct sim_record *record)
{
	struct td_delivery_counts counts = tally(checker);
	bool may = !checker->stopped && bucket_allows(checker, record->now_ms) &&
		   (checker->options.running_max == 0 ||
			   counts.running < checker->options.running_max);

	for (const struct owed *owed = checker->owed; may && owed < checker->owed + checker->count;
		owed++)
		if (oldest(checker, owed) == owed &&
			(owed->state == WAITS ||
				(owed->state == RETRIES && owed->due_ms <= record->now_ms)))
			breaks(checker, SIM_RULE_IDLE, "%" PRIu64 " may run", owed->token);
	if (record->next_ms <= record->now_ms)
		breaks(checker, SIM_RULE_NEXT, "it says now, and there is nothing");
	if (checker->promised && record->now_ms >= checker->promised_ms)
		breaks(checker, SIM_RULE_NEXT, "there should be something since %" PRId64,
			checker->promised_ms);
	checker->promised = true;
	checker->promised_ms = record->next_ms;
}

static enum td_verdict verdict_of(
	const struct checker *checker, const struct owed *owed, enum td_settle settle)
{
	const struct td_retry *retry = &checker->options.retry;

	if (settle == TD_SETTLE_RETRY && owed->attempts < retry->attempts_max)
		return TD_VERDICT_RETRY;
	if (settle == TD_SETTLE_RETRY)
		settle = retry->exhausted == TD_PARK   ? TD_SETTLE_PARK
			 : retry->exhausted == TD_STOP ? TD_SETTLE_STOP
						       : TD_SETTLE_SKIP;
	if (settle == TD_SETTLE_DONE)
		return TD_VERDICT_DONE;
	if (settle == TD_SETTLE_SKIP)
		return TD_VERDICT_SKIPPED;
	if (settle == TD_SETTLE_PARK && !tally(checker).parked_full)
		return TD_VERDICT_PARKED;
	return TD_VERDICT_STOPPED;
}

static void check_retry(struct checker *checker, struct owed *owed, const struct sim_record *record)
{
	int64_t wait_ms = record->settled.due_ms - record->now_ms;
	int64_t least_ms, most_ms;

	schedule(&checker->options.retry, owed->attempts, record->after_ms, &least_ms, &most_ms);
	if (wait_ms < least_ms || wait_ms < 1 || wait_ms > most_ms)
		breaks(checker, SIM_RULE_SCHEDULE,
			"waits %" PRId64 " ms, not %" PRId64 " to %" PRId64, wait_ms, least_ms,
			most_ms);
	owed->state = RETRIES;
	owed->due_ms = record->settled.due_ms;
	owed->tried = true;
}

/* Those of its key that run behind it do not any more; as many as were said. */
static void withdraw(struct checker *checker, const struct owed *owed, size_t said)
{
	size_t count = 0;

	for (struct owed *other = checker->owed + checker->count - 1;
		has_order(checker, owed->key) && other > owed; other--)
		if (other->key == owed->key && other->state == RUNS) {
			other->state = WAITS;
			other->attempts--;
			count++;
		}
	if (count != said)
		breaks(checker, SIM_RULE_WITHDRAW, "%zu, not %zu", said, count);
}

static void check_settle(struct checker *checker, const struct sim_record *record)
{
	struct owed *owed = find(checker, record->token);

	if (owed == NULL)
		return;
	if (owed->state != RUNS)
		breaks(checker, SIM_RULE_TICKET, "it is not running");
	if (oldest(checker, owed) != owed)
		breaks(checker, SIM_RULE_TICKET, "%" PRIu64 " is to be settled before it",
			oldest(checker, owed)->token);
	if (record->settled.attempts != owed->attempts)
		breaks(checker, SIM_RULE_ATTEMPTS, "%u, it was the %uth", record->settled.attempts,
			owed->attempts);
	if (record->settled.verdict != verdict_of(checker, owed, record->settle))
		breaks(checker, SIM_RULE_VERDICT, "%d after %d, with %u attempts",
			(int)record->settled.verdict, (int)record->settle, owed->attempts);
	if (record->settled.verdict != TD_VERDICT_DONE &&
		record->settled.verdict != TD_VERDICT_SKIPPED)
		withdraw(checker, owed, record->settled.withdrawn);
	else if (record->settled.withdrawn != 0)
		breaks(checker, SIM_RULE_WITHDRAW, "%zu, though its key goes on",
			record->settled.withdrawn);
	switch (record->settled.verdict) {
	case TD_VERDICT_DONE:
	case TD_VERDICT_SKIPPED:
		leave(checker, owed);
		break;
	case TD_VERDICT_RETRY:
		check_retry(checker, owed, record);
		break;
	case TD_VERDICT_PARKED:
		owed->state = PARKED;
		owed->parked_number = checker->parkings++;
		owed->tried = true;
		break;
	case TD_VERDICT_STOPPED:
		owed->state = WAITS;
		owed->attempts = 0;
		owed->tried = true;
		checker->stopped = true;
		checker->fronts++;
		break;
	}
}

static void check_return(struct checker *checker, const struct sim_record *record)
{
	struct owed *owed = find(checker, record->token);

	if (owed == NULL)
		return;
	if (owed->state != RUNS)
		breaks(checker, SIM_RULE_TICKET, "it is not running");
	withdraw(checker, owed, (size_t)record->code - 1);
	owed->state = WAITS;
	owed->attempts--;
	checker->fronts += oldest(checker, owed) == owed;
}

/* The head a redrive or a dismissal means: of those of the key, the one parked first. */
static struct owed *parked_head(struct checker *checker, uint64_t key)
{
	struct owed *head = NULL;

	for (struct owed *owed = checker->owed; owed < checker->owed + checker->count; owed++)
		if (owed->key == key && owed->state == PARKED &&
			(head == NULL || owed->parked_number < head->parked_number))
			head = owed;
	return head;
}

static void check_release(struct checker *checker, const struct sim_record *record)
{
	struct owed *head = parked_head(checker, record->key);

	if ((head != NULL) != (record->code == 1)) {
		breaks(checker, SIM_RULE_PARKED, "key %" PRIu64 " is %sparked", record->key,
			head != NULL ? "" : "not ");
	} else if (head == NULL) {
		return;
	} else if (record->act == SIM_REDRIVE) {
		head->state = WAITS;
		head->attempts = 0;
	} else {
		if (head->token != record->token)
			breaks(checker, SIM_RULE_PARKED, "the head is %" PRIu64, head->token);
		leave(checker, head);
	}
}

static void check_drop(struct checker *checker, const struct sim_record *record)
{
	struct owed *owed = checker->owed, *end = checker->owed + checker->count;

	if (record->code == 1 && find(checker, record->token) == NULL)
		return;
	while (owed < end &&
		(owed->state != WAITS || owed->tried || oldest(checker, owed)->state == PARKED))
		owed++;
	if ((owed < end) != (record->code == 1))
		breaks(checker, SIM_RULE_DROP, "%s could be dropped",
			owed < end ? "something" : "nothing");
	else if (owed < end && owed->token != record->token)
		breaks(checker, SIM_RULE_DROP, "%" PRIu64 " is the oldest", owed->token);
	else if (owed < end)
		leave(checker, owed);
}

static void check_cleared(struct checker *checker, const struct sim_record *record)
{
	struct owed *owed = find(checker, record->token);

	if (owed == NULL)
		return;
	if (owed->state == RUNS)
		breaks(checker, SIM_RULE_CLEAR, "it is running");
	leave(checker, owed);
}

static void check_clear(struct checker *checker)
{
	for (size_t i = 0; i < checker->count; i++)
		if (checker->owed[i].state != RUNS)
			breaks(checker, SIM_RULE_CLEAR, "%" PRIu64 " was left",
				checker->owed[i].token);
}

static void check_counts(
	struct checker *checker, const struct sim_record *record, enum sim_rule rule)
{
	const struct td_delivery_counts *said = &record->counts;
	struct td_delivery_counts counts = tally(checker);

	if (said->owed != counts.owed || said->waiting != counts.waiting ||
		said->blocked != counts.blocked || said->running != counts.running ||
		said->retrying != counts.retrying || said->parked != counts.parked ||
		said->stopped != counts.stopped || said->parked_full != counts.parked_full)
		breaks(checker, rule,
			"w%zu b%zu r%zu t%zu p%zu s%d f%d, not w%zu b%zu r%zu t%zu p%zu s%d f%d",
			said->waiting, said->blocked, said->running, said->retrying, said->parked,
			said->stopped, said->parked_full, counts.waiting, counts.blocked,
			counts.running, counts.retrying, counts.parked, counts.stopped,
			counts.parked_full);
}

static void check_end(struct checker *checker, const struct sim_record *record)
{
	check_counts(checker, record, SIM_RULE_LOST);
	if (record->code == 1 && checker->count > 0)
		breaks(checker, SIM_RULE_STUCK, "%zu are owed still", checker->count);
}

/* --- fairness ----------------------------------------------------------------------------- */

/*
 * From when one may run until it is taken, those that were owed already may go before it, each once
 * as one whose turn came and once as a retry that came between, and so may what was put to the
 * front. Beyond that it is passed over.
 */
static void check_fair(struct checker *checker, int64_t now_ms)
{
	for (struct owed *owed = checker->owed; owed < checker->owed + checker->count; owed++) {
		bool ready = oldest(checker, owed) == owed &&
			     (owed->state == WAITS ||
				     (owed->state == RETRIES && owed->due_ms <= now_ms));
		uint64_t before = checker->fronts - owed->ready_fronts + owed->ready_owed;
		if (ready && !owed->ready) {
			owed->ready_takes = checker->takes;
			owed->ready_fronts = checker->fronts;
			owed->ready_owed = checker->count;
		} else if (ready && checker->takes - owed->ready_takes > 2 * before + 2) {
			breaks(checker, SIM_RULE_FAIR,
				"%" PRIu64 " was passed over %" PRIu64 " times", owed->token,
				checker->takes - owed->ready_takes);
		}
		owed->ready = ready;
	}
}

/* --- all of it ---------------------------------------------------------------------------- */

static void check_record(struct checker *checker, const struct sim_record *record)
{
	switch (record->act) {
	case SIM_ADMIT:
		check_admit(checker, record);
		break;
	case SIM_TAKE:
	case SIM_BEHIND:
		check_take(checker, record);
		break;
	case SIM_NO_MORE:
		check_no_more(checker, record);
		return; /* as if nobody had asked */
	case SIM_NOTHING:
		check_nothing(checker, record);
		return; /* the promise stands */
	case SIM_SETTLE:
		check_settle(checker, record);
		break;
	case SIM_RETURN:
		check_return(checker, record);
		break;
	case SIM_REDRIVE:
	case SIM_DISMISS:
		check_release(checker, record);
		break;
	case SIM_RESUME:
		checker->stopped = false;
		break;
	case SIM_DROP:
		check_drop(checker, record);
		break;
	case SIM_CLEARED:
		check_cleared(checker, record);
		break;
	case SIM_CLEAR:
		check_clear(checker);
		break;
	case SIM_COUNTS:
		check_counts(checker, record, SIM_RULE_COUNTS);
		return;
	case SIM_END:
		check_end(checker, record);
		break;
	}
	checker->promised = false;
	check_fair(checker, record->now_ms);
}

struct sim_violation sim_check(
	const struct td_delivery_options *options, const struct sim_history *history)
{
	int64_t rate = (int64_t)options->rate_per_s;
	struct checker checker = {.options = *options, .gone = TD_MAP_INIT};

	grow(&checker);
	TD_ASSERT(options->parked_max > 0); /* the rest of the defaults has no say here */
	/* It begins with a tenth of a second, at least one, and can hold a ms more. */
	checker.missing = rate;
	checker.full = (rate > 10 ? rate * 100 : 1000) + rate;
	for (size_t i = 0; i < history->count && checker.violation.rule == SIM_RULE_NONE; i++) {
		checker.at = i;
		check_record(&checker, &history->records[i]);
	}
	free(checker.owed);
	td_map_fini(&checker.gone);
	return checker.violation;
}

/* clang-format off */
#define SIM_RULE_NAME(name, meaning) [SIM_RULE_##name] = #name,
#define SIM_RULE_MEANING(name, meaning) [SIM_RULE_##name] = (meaning),
static const char *const names[] = {[SIM_RULE_NONE] = "NONE", SIM_RULE_TABLE(SIM_RULE_NAME)};
static const char *const meanings[] = {[SIM_RULE_NONE] = "", SIM_RULE_TABLE(SIM_RULE_MEANING)};
/* clang-format on */

const char *sim_rule_name(enum sim_rule rule)
{
	return names[rule];
}

const char *sim_rule_meaning(enum sim_rule rule)
{
	return meanings[rule];
}
