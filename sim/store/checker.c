/*
 * First all that is known of each value is brought together: where the answers say it stands, and
 * where it was seen. Two that disagree are found there. Then everything that was anywhere is sorted
 * by position, and the rules that speak of order are sweeps over it.
 */
#include "checker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEVER UINT64_MAX

/* What is known of one value. */
struct fact {
	uint64_t value, key;
	uint32_t log, subject;
	uint64_t asked; /* first */
	uint64_t known; /* from when on it must be there; NEVER: it need not */
	bool known_by_answer;
	bool shared;    /* another value came with its key */
	bool tried;     /* at least one append of it did not surely fail */
	unsigned fresh; /* answers OK that did not call it a duplicate */
	unsigned attempts;
	bool stands;    /* the rest is known */
	bool by_answer; /* ... from an answer */
	uint64_t position, seq, revision;
	uint64_t removal_asked, removed; /* NEVER: not */
	int64_t asked_ms;
	uint64_t hidden; /* from when on it had been seen without its payload */
	bool hidden_at_end;
	uint64_t gone; /* from when on a pass had not seen it; NEVER: all did */
	/* How many may have come behind it, in its log and in its subject. */
	uint64_t behind_log, behind_subject;
};

struct removal {
	uint32_t log;
	uint64_t seq, asked, removed;
	uint64_t erasing; /* asked for, bytes and all; NEVER: it was not */
	uint64_t erased;  /* ... and done */
};

/* Of one subject those that stand at this position or behind it. */
struct forgotten {
	uint32_t log, subject;
	uint64_t position;
	uint64_t asked, answered; /* the first; NEVER: not */
};

struct checker {
	const struct sim_store_history *history;
	struct fact *facts;
	size_t facts_count;
	struct td_map by_value;
	struct td_map by_key;   /* log and key -> struct fact, the first that came with it */
	struct fact **standing; /* by position */
	size_t standing_count;
	struct removal *removals; /* by log and seq, one of each */
	size_t removals_count;
	struct forgotten *forgotten; /* by log, subject, position */
	size_t forgotten_count;
	struct sim_store_told *told; /* by log and from; `to`: the highest so far */
	bool unseen_removed;         /* something was removed that nobody ever saw */
	struct sim_store_violation *violation;
};

#define breaks(checker, rule_, ...)                                                \
	do {                                                                       \
		struct sim_store_violation *first_ = (checker)->violation;         \
		if (first_->rule == SIM_STORE_RULE_NONE) {                         \
			first_->rule = SIM_STORE_RULE_##rule_;                     \
			snprintf(first_->text, sizeof(first_->text), __VA_ARGS__); \
		}                                                                  \
	} while (0)

static void *array_new(size_t count, size_t bytes)
{
	void *array = calloc(count + 1, bytes);

	TD_ASSERT(array != NULL);
	return array;
}

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static void sort(struct fact **facts, size_t count, int (*order)(const void *a, const void *b))
{
	qsort(facts, count, sizeof(struct fact *), order);
}

/* --- removals ----------------------------------------------------------------------------- */

static int by_log_and_seq(const void *a, const void *b)
{
	const struct removal *left = a, *right = b;
	int order = compare(left->log, right->log);

	return order != 0 ? order : compare(left->seq, right->seq);
}

static void take_removals(struct checker *checker)
{
	const struct sim_store_history *history = checker->history;
	struct removal *out = array_new(history->removals_count, sizeof(*out));
	size_t count = 0;

	for (size_t i = 0; i < history->removals_count; i++) {
		const struct sim_store_removal *in = &history->removals[i];
		bool done = in->outcome == SIM_STORE_OK;

		if (in->outcome != SIM_STORE_FAILED)
			out[count++] = (struct removal){in->log, in->seq, in->asked,
				done ? in->answered : NEVER, in->erase ? in->asked : NEVER,
				in->erase && done ? in->answered : NEVER};
	}
	qsort(out, count, sizeof(*out), by_log_and_seq);
	checker->removals = out;
	for (size_t i = 0; i < count; i++) {
		struct removal *last = out + checker->removals_count - 1;

		if (checker->removals_count > 0 && by_log_and_seq(last, &out[i]) == 0) {
			last->asked = last->asked < out[i].asked ? last->asked : out[i].asked;
			last->removed =
				last->removed < out[i].removed ? last->removed : out[i].removed;
			last->erasing =
				last->erasing < out[i].erasing ? last->erasing : out[i].erasing;
			last->erased = last->erased < out[i].erased ? last->erased : out[i].erased;
		} else {
			out[checker->removals_count++] = out[i];
		}
	}
}

static const struct removal *find_removal(const struct checker *checker, uint32_t log, uint64_t seq)
{
	struct removal key = {.log = log, .seq = seq};

	if (checker->removals_count == 0)
		return NULL;
	return bsearch(
		&key, checker->removals, checker->removals_count, sizeof(key), by_log_and_seq);
}

/* --- what was forgotten ------------------------------------------------------------------- */

static int by_subject_and_place(const void *a, const void *b)
{
	const struct forgotten *left = a, *right = b;
	int order = compare(left->log, right->log);

	if (order == 0)
		order = compare(left->subject, right->subject);
	return order != 0 ? order : compare(left->position, right->position);
}

static bool is_of_one_subject(const struct forgotten *a, const struct forgotten *b)
{
	return a->log == b->log && a->subject == b->subject;
}

static void take_forgets(struct checker *checker)
{
	const struct sim_store_history *history = checker->history;
	struct forgotten *out = array_new(history->forgets_count, sizeof(*out));
	size_t count = 0;

	for (size_t i = 0; i < history->forgets_count; i++) {
		const struct sim_store_forget *in = &history->forgets[i];

		if (in->outcome != SIM_STORE_FAILED)
			out[count++] = (struct forgotten){in->log, in->subject, in->position,
				in->asked, in->outcome == SIM_STORE_OK ? in->answered : NEVER};
	}
	qsort(out, count, sizeof(*out), by_subject_and_place);
	/* What stands behind counts for what is before it, too. */
	for (size_t i = count; i-- > 1;) {
		if (!is_of_one_subject(&out[i - 1], &out[i]))
			continue;
		if (out[i].asked < out[i - 1].asked)
			out[i - 1].asked = out[i].asked;
		if (out[i].answered < out[i - 1].answered)
			out[i - 1].answered = out[i].answered;
	}
	checker->forgotten = out;
	checker->forgotten_count = count;
}

/* What was forgotten of the subject behind this position; NULL: nothing. */
static const struct forgotten *find_forgotten(
	const struct checker *checker, uint32_t log, uint32_t subject, uint64_t position)
{
	const struct forgotten key = {.log = log, .subject = subject, .position = position + 1};
	size_t low = 0, high = checker->forgotten_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_subject_and_place(&checker->forgotten[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < checker->forgotten_count && is_of_one_subject(&checker->forgotten[low], &key)
		       ? &checker->forgotten[low]
		       : NULL;
}

/* A payload that was seen, or was not there any more, in a pass. */
static void take_payload(struct checker *checker, struct fact *fact,
	const struct sim_store_pass *pass, const struct sim_store_event *event)
{
	const struct forgotten *forgotten =
		find_forgotten(checker, event->log, event->subject, event->position);
	uint64_t asked = event->asked != 0 ? event->asked : pass->asked;

	if (event->erased && (forgotten == NULL || forgotten->asked > pass->answered))
		breaks(checker, HIDDEN, "position %" PRIu64 ", log %u, subject %u: value %" PRIu64,
			event->position, event->log, event->subject, event->value);
	else if (!event->erased &&
		 ((forgotten != NULL && forgotten->answered < asked) || fact->hidden < asked))
		breaks(checker, REVEALED,
			"position %" PRIu64 ", log %u, subject %u: value %" PRIu64, event->position,
			event->log, event->subject, event->value);
	if (event->erased && pass->answered < fact->hidden)
		fact->hidden = pass->answered;
	fact->hidden_at_end |= event->erased && pass->final;
}

/* --- what was told ------------------------------------------------------------------------ */

static int by_log_and_from(const void *a, const void *b)
{
	const struct sim_store_told *left = a, *right = b;
	int order = compare(left->log, right->log);

	return order != 0 ? order : compare(left->from, right->from);
}

static void take_told(struct checker *checker)
{
	size_t count = checker->history->told_count;
	struct sim_store_told *told = array_new(count, sizeof(*told));

	if (count > 0)
		memcpy(told, checker->history->told, count * sizeof(*told));
	qsort(told, count, sizeof(*told), by_log_and_from);
	for (size_t i = 1; i < count; i++) {
		if (told[i].log == told[i - 1].log && told[i].to < told[i - 1].to)
			told[i].to = told[i - 1].to;
	}
	checker->told = told;
}

/* Whether a range of the log begins at the seq or before, and reaches it. */
static bool was_told(const struct checker *checker, uint32_t log, uint64_t seq)
{
	const struct sim_store_told key = {.log = log, .from = seq + 1};
	size_t low = 0, high = checker->history->told_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_log_and_from(&checker->told[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && checker->told[low - 1].log == log && checker->told[low - 1].to >= seq;
}

static void check_told(struct checker *checker)
{
	for (size_t i = 0; checker->history->told_all && i < checker->standing_count; i++) {
		const struct fact *fact = checker->standing[i];
		const struct removal *removal = find_removal(checker, fact->log, fact->seq);
		bool told = was_told(checker, fact->log, fact->seq);

		if (!told && (fact->hidden_at_end || (removal != NULL && removal->erased != NEVER)))
			breaks(checker, UNTOLD, "log %u, seq %" PRIu64 ": value %" PRIu64,
				fact->log, fact->seq, fact->value);
		else if (told && (removal == NULL || removal->erasing == NEVER) &&
			 find_forgotten(checker, fact->log, fact->subject, fact->position) == NULL)
			breaks(checker, MISTOLD, "log %u, seq %" PRIu64 ": value %" PRIu64,
				fact->log, fact->seq, fact->value);
	}
}

/* --- what is known of each value ---------------------------------------------------------- */

static struct fact *fact_of(struct checker *checker, const struct sim_store_entry *entry)
{
	struct fact *fact = td_map_get(&checker->by_value, entry->value);

	if (fact == NULL) {
		fact = &checker->facts[checker->facts_count++];
		*fact = (struct fact){
			.value = entry->value,
			.key = entry->key,
			.log = entry->log,
			.subject = entry->subject,
			.asked = checker->history->appends[entry->append].asked,
			.asked_ms = checker->history->appends[entry->append].asked_ms,
			.gone = NEVER,
			.hidden = NEVER,
			.known = NEVER,
			.removal_asked = NEVER,
			.removed = NEVER,
		};
		TD_ASSERT(td_map_put(&checker->by_value, entry->value, fact));
	}
	return fact;
}

/* It stands there, says an answer or somebody who saw it. */
static void stands_at(struct checker *checker, struct fact *fact, bool answer, uint64_t position,
	uint64_t seq, uint64_t revision)
{
	if (!fact->stands) {
		fact->stands = true;
		fact->by_answer = answer;
		fact->position = position;
		fact->seq = seq;
		fact->revision = revision;
		return;
	}
	if (fact->position == position && fact->seq == seq && fact->revision == revision)
		return;
	if (answer != fact->by_answer)
		breaks(checker, ANSWER,
			"value %" PRIu64 ": answered or seen at position %" PRIu64 ", seq %" PRIu64
			", revision %" PRIu64 ", and at %" PRIu64 ", %" PRIu64 ", %" PRIu64,
			fact->value, fact->position, fact->seq, fact->revision, position, seq,
			revision);
	else if (fact->key != 0 && fact->position != position)
		breaks(checker, TWICE,
			"value %" PRIu64 ", key %" PRIu64 ": at position %" PRIu64
			" and at %" PRIu64,
			fact->value, fact->key, fact->position, position);
	else
		breaks(checker, POSITION,
			"value %" PRIu64 ": at position %" PRIu64 " and at %" PRIu64, fact->value,
			fact->position, position);
}

static void known_from(struct fact *fact, uint64_t moment, bool answer)
{
	if (moment < fact->known) {
		fact->known = moment;
		fact->known_by_answer = answer;
	}
}

/* Note who came with this log and key, too. */
static void take_key(struct checker *checker, struct fact *fact)
{
	uint64_t key = (uint64_t)fact->log << 48 | fact->key;
	struct fact *first = fact->key == 0 ? NULL : td_map_get(&checker->by_key, key);

	if (first == NULL && fact->key != 0)
		TD_ASSERT(td_map_put(&checker->by_key, key, fact));
	else if (first != fact && first != NULL)
		first->shared = fact->shared = true;
}

/*
 * Whether it was called a duplicate of what came with the same key, other content and all: once
 * that is to be erased, nothing is kept of it that could tell them apart.
 */
static bool is_erased_ones(const struct checker *checker, const struct fact *fact,
	const struct sim_store_append *append, const struct sim_store_entry *entry)
{
	const struct removal *removal;

	if (!fact->shared || !entry->duplicate)
		return false;
	removal = find_removal(checker, fact->log, entry->seq);
	return removal != NULL && removal->erasing < append->answered;
}

static void take_answer(struct checker *checker, struct fact *fact,
	const struct sim_store_append *append, const struct sim_store_entry *entry)
{
	fact->attempts++;
	fact->tried |= append->outcome != SIM_STORE_FAILED;
	if (is_erased_ones(checker, fact, append, entry) || append->outcome != SIM_STORE_OK)
		return;
	fact->fresh += !entry->duplicate;
	stands_at(checker, fact, true, entry->position, entry->seq, entry->revision);
	known_from(fact, append->answered, true);
}

static void take_answers(struct checker *checker)
{
	const struct sim_store_history *history = checker->history;

	for (size_t i = 0; i < history->entries_count; i++)
		take_key(checker, fact_of(checker, &history->entries[i]));
	for (size_t i = 0; i < history->entries_count; i++) {
		const struct sim_store_entry *entry = &history->entries[i];

		take_answer(
			checker, fact_of(checker, entry), &history->appends[entry->append], entry);
	}
	for (size_t i = 0; i < checker->facts_count; i++) {
		const struct fact *fact = &checker->facts[i];

		if (fact->fresh > 1)
			breaks(checker, TWICE, "value %" PRIu64 ": accepted as new %u times",
				fact->value, fact->fresh);
		if (fact->known_by_answer && fact->fresh == 0 && fact->attempts == 1)
			breaks(checker, DUPLICATE,
				"value %" PRIu64 ": tried once, and called a duplicate",
				fact->value);
	}
}

static void take_event(struct checker *checker, const struct sim_store_pass *pass,
	const struct sim_store_event *event)
{
	struct fact *fact = td_map_get(&checker->by_value, event->value);

	if (fact == NULL || fact->log != event->log || fact->subject != event->subject ||
		fact->asked > pass->answered)
		breaks(checker, PHANTOM,
			"position %" PRIu64 ": value %" PRIu64 " in log %u, subject %u: nobody "
			"wrote that",
			event->position, event->value, event->log, event->subject);
	else if (!fact->tried)
		breaks(checker, PHANTOM, "position %" PRIu64 ": value %" PRIu64 " had been refused",
			event->position, event->value);
	else if (!event->intact)
		breaks(checker, CONTENT, "position %" PRIu64 ": value %" PRIu64, event->position,
			event->value);
	else {
		stands_at(checker, fact, false, event->position, event->seq, event->revision);
		take_payload(checker, fact, pass, event);
		known_from(fact, pass->answered, false);
	}
}

static void take_passes(struct checker *checker)
{
	const struct sim_store_history *history = checker->history;

	for (size_t i = 0; i < history->passes_count; i++) {
		const struct sim_store_pass *pass = &history->passes[i];
		uint64_t least = pass->from;

		for (size_t k = 0; k < pass->events_count; k++) {
			const struct sim_store_event *event = &history->events[pass->events + k];

			if (event->position < least)
				breaks(checker, BACKWARD,
					"position %" PRIu64 " where %" PRIu64
					" or more was to come",
					event->position, least);
			least = event->position + 1;
			take_event(checker, pass, event);
		}
	}
}

/* --- order -------------------------------------------------------------------------------- */

static int by_position(const void *a, const void *b)
{
	return compare((*(struct fact *const *)a)->position, (*(struct fact *const *)b)->position);
}

static void sort_standing(struct checker *checker)
{
	for (size_t i = 0; i < checker->facts_count; i++) {
		struct fact *fact = &checker->facts[i];
		const struct removal *removal;

		if (!fact->stands)
			continue;
		removal = find_removal(checker, fact->log, fact->seq);
		if (removal != NULL) {
			fact->removal_asked = removal->asked;
			fact->removed = removal->removed;
		}
		checker->standing[checker->standing_count++] = fact;
	}
	sort(checker->standing, checker->standing_count, by_position);
	for (size_t i = 1; i < checker->standing_count; i++) {
		const struct fact *a = checker->standing[i - 1], *b = checker->standing[i];

		if (a->position == b->position)
			breaks(checker, POSITION,
				"position %" PRIu64 ": values %" PRIu64 " and %" PRIu64,
				a->position, a->value, b->value);
	}
}

static bool has_limits(const struct checker *checker, uint32_t log);

/* The last of a log, or of a subject of one. */
struct last {
	uint64_t number, missing;
};

static struct last *last_of(struct td_map *map, uint64_t key)
{
	struct last *last = td_map_get(map, key);

	if (last == NULL) {
		last = array_new(1, sizeof(*last));
		TD_ASSERT(td_map_put(map, key, last));
	}
	return last;
}

static void free_lasts(struct td_map *map)
{
	size_t cursor = 0;

	for (struct td_map_slot *slot; (slot = td_map_next(map, &cursor)) != NULL;)
		free(slot->value);
	td_map_fini(map);
}

static uint64_t subject_key(const struct fact *fact)
{
	return (uint64_t)fact->log << 32 | fact->subject;
}

/* Numbers of a log: each once, and what is missing was removed. */
static void check_seq(struct checker *checker, struct last *last, const struct fact *fact)
{
	if (fact->seq <= last->number)
		breaks(checker, SEQ,
			"log %u, position %" PRIu64 ": seq %" PRIu64 " behind seq %" PRIu64,
			fact->log, fact->position, fact->seq, last->number);
	for (uint64_t seq = last->number + 1;
		seq < fact->seq && checker->violation->rule == SIM_STORE_RULE_NONE; seq++) {
		last->missing++;
		checker->unseen_removed = true;
		if (find_removal(checker, fact->log, seq) == NULL &&
			!has_limits(checker, fact->log))
			breaks(checker, SEQ, "log %u: seq %" PRIu64 " was never given", fact->log,
				seq);
	}
	last->number = fact->seq;
}

/* Revisions of a subject: the same; those missing are among what is missing of the log. */
static void check_revision(
	struct checker *checker, struct last *last, struct last *log, const struct fact *fact)
{
	if (fact->revision <= last->number) {
		breaks(checker, REVISION,
			"log %u, subject %u, position %" PRIu64 ": revision %" PRIu64
			" behind %" PRIu64,
			fact->log, fact->subject, fact->position, fact->revision, last->number);
	} else if (fact->revision - last->number - 1 > log->missing) {
		breaks(checker, REVISION,
			"log %u, subject %u, position %" PRIu64 ": revision %" PRIu64
			" behind %" PRIu64 ": too many are missing",
			fact->log, fact->subject, fact->position, fact->revision, last->number);
	} else {
		log->missing -= fact->revision - last->number - 1;
	}
	last->number = fact->revision;
}

static void check_numbers(struct checker *checker)
{
	struct td_map logs = TD_MAP_INIT, subjects = TD_MAP_INIT;

	for (size_t i = 0; i < checker->standing_count; i++) {
		const struct fact *fact = checker->standing[i];
		struct last *log = last_of(&logs, fact->log);

		check_seq(checker, log, fact);
		check_revision(checker, last_of(&subjects, subject_key(fact)), log, fact);
	}
	free_lasts(&logs);
	free_lasts(&subjects);
}

static int by_asked(const void *a, const void *b)
{
	return compare((*(struct fact *const *)a)->asked, (*(struct fact *const *)b)->asked);
}

static int by_known(const void *a, const void *b)
{
	return compare((*(struct fact *const *)a)->known, (*(struct fact *const *)b)->known);
}

/* What was asked for after something was known stands behind it. */
static void check_order(struct checker *checker)
{
	size_t count = checker->standing_count, next = 0;
	struct fact **asked = array_new(count, sizeof(struct fact *));
	struct fact **known = array_new(count, sizeof(struct fact *));
	const struct fact *furthest = NULL;

	for (size_t i = 0; i < count; i++)
		asked[i] = known[i] = checker->standing[i];
	sort(asked, count, by_asked);
	sort(known, count, by_known);
	for (size_t i = 0; i < count; i++) {
		for (; next < count && known[next]->known < asked[i]->asked; next++)
			if (furthest == NULL || known[next]->position > furthest->position)
				furthest = known[next];
		if (furthest != NULL && asked[i]->position < furthest->position)
			breaks(checker, ORDER,
				"value %" PRIu64 " at position %" PRIu64
				" was asked for when value %" PRIu64 " stood at %" PRIu64
				" already",
				asked[i]->value, asked[i]->position, furthest->value,
				furthest->position);
	}
	free(asked);
	free(known);
}

/* --- limits ------------------------------------------------------------------------------- */

/* Whether a limit that had been asked for by then may have taken it. */
static bool may_be_retired(
	const struct checker *checker, const struct fact *fact, uint64_t moment, int64_t moment_ms)
{
	const struct sim_store_history *history = checker->history;

	for (size_t i = 0; i < history->limits_count; i++) {
		const struct sim_store_limits *limits = &history->limits[i];

		if (limits->log != fact->log || limits->asked > moment)
			continue;
		if ((limits->count_max != 0 && fact->behind_log >= limits->count_max) ||
			(limits->subject_max != 0 && fact->behind_subject >= limits->subject_max) ||
			(limits->age_ms != 0 && moment_ms - fact->asked_ms >= limits->age_ms))
			return true;
	}
	return false;
}

static bool has_limits(const struct checker *checker, uint32_t log)
{
	for (size_t i = 0; i < checker->history->limits_count; i++) {
		if (checker->history->limits[i].log == log)
			return true;
	}
	return false;
}

/*
 * Behind an event came at most those with higher numbers, and those of which nobody knows whether they
 * came at all.
 */
static void count_behind(struct checker *checker)
{
	struct td_map logs = TD_MAP_INIT, subjects = TD_MAP_INIT;

	checker->unseen_removed |= checker->history->limits_count > 0;
	for (size_t i = 0; i < checker->standing_count; i++) {
		const struct fact *fact = checker->standing[i];
		struct last *log = last_of(&logs, fact->log);
		struct last *subject = last_of(&subjects, subject_key(fact));

		log->number = fact->seq > log->number ? fact->seq : log->number;
		subject->number =
			fact->revision > subject->number ? fact->revision : subject->number;
	}
	for (size_t i = 0; i < checker->facts_count; i++) {
		const struct fact *fact = &checker->facts[i];

		if (fact->stands || !fact->tried)
			continue;
		last_of(&logs, fact->log)->number++;
		last_of(&subjects, subject_key(fact))->number++;
	}
	for (size_t i = 0; i < checker->standing_count; i++) {
		struct fact *fact = checker->standing[i];

		fact->behind_log = last_of(&logs, fact->log)->number - fact->seq;
		fact->behind_subject =
			last_of(&subjects, subject_key(fact))->number - fact->revision;
	}
	free_lasts(&logs);
	free_lasts(&subjects);
}

/* --- what a pass must see, and must not --------------------------------------------------- */

static void must_see(
	struct checker *checker, const struct sim_store_pass *pass, const struct fact *fact)
{
	if (fact->known > pass->asked || fact->removal_asked < pass->answered ||
		may_be_retired(checker, fact, pass->answered, pass->answered_ms))
		return;
	if (!fact->known_by_answer)
		breaks(checker, UNREAD,
			"value %" PRIu64 " was seen at position %" PRIu64 ", and later not",
			fact->value, fact->position);
	else if (pass->final)
		breaks(checker, LOST,
			"value %" PRIu64 " in log %u was acknowledged at position %" PRIu64,
			fact->value, fact->log, fact->position);
	else
		breaks(checker, STALE,
			"value %" PRIu64 " was acknowledged at position %" PRIu64
			", and a pass from %" PRIu64 " did not see it",
			fact->value, fact->position, pass->from);
}

static void check_pass(struct checker *checker, const struct sim_store_pass *pass)
{
	const struct sim_store_event *events =
		pass->events_count == 0 ? NULL : checker->history->events + pass->events;
	size_t k = 0;

	for (size_t i = 0; i < checker->standing_count; i++) {
		struct fact *fact = checker->standing[i];
		bool seen;

		while (k < pass->events_count && events[k].position < fact->position)
			k++;
		seen = k < pass->events_count && events[k].position == fact->position;
		if (seen && (fact->removed < pass->asked || fact->removed < events[k].asked))
			breaks(checker, UNDEAD,
				"value %" PRIu64 " at position %" PRIu64 " had been removed",
				fact->value, fact->position);
		if (seen && (fact->gone < pass->asked || fact->gone < events[k].asked))
			breaks(checker, UNDEAD,
				"value %" PRIu64 " at position %" PRIu64
				" was gone for a pass before",
				fact->value, fact->position);
		if (seen || fact->position < pass->from || !pass->whole)
			continue;
		must_see(checker, pass, fact);
		if (fact->known < pass->asked && pass->answered < fact->gone)
			fact->gone = pass->answered;
	}
}

static void check_passes(struct checker *checker)
{
	bool final = false;

	for (size_t i = 0; i < checker->history->passes_count; i++) {
		check_pass(checker, &checker->history->passes[i]);
		final |= checker->history->passes[i].final;
	}
	TD_ASSERT(final); /* a history without one proves nothing */
}

/* --- keys, expectations, appends ---------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
	const struct fact *left = *(struct fact *const *)a, *right = *(struct fact *const *)b;
	int order = compare(left->log, right->log);

	return order != 0 ? order : compare(left->key, right->key);
}

static void check_keys(struct checker *checker)
{
	size_t count = checker->standing_count;
	struct fact **facts = array_new(count, sizeof(struct fact *));

	memcpy(facts, checker->standing, count * sizeof(struct fact *));
	sort(facts, count, by_key);
	for (size_t i = 1; i < count; i++)
		if (facts[i]->key != 0 && by_key(&facts[i - 1], &facts[i]) == 0)
			breaks(checker, TWICE,
				"log %u, key %" PRIu64 ": values %" PRIu64 " and %" PRIu64,
				facts[i]->log, facts[i]->key, facts[i - 1]->value, facts[i]->value);
	free(facts);
}

static int by_subject(const void *a, const void *b)
{
	const struct fact *left = *(struct fact *const *)a, *right = *(struct fact *const *)b;
	int order = compare(subject_key(left), subject_key(right));

	return order != 0 ? order : compare(left->position, right->position);
}

/* The facts of a subject in order of position, in `facts` sorted so. */
static struct fact **subject_facts(
	const struct checker *checker, struct fact **facts, uint64_t key, size_t *count)
{
	size_t low = 0, high = checker->standing_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (subject_key(facts[middle]) < key)
			low = middle + 1;
		else
			high = middle;
	}
	for (*count = 0;
		low + *count < checker->standing_count && subject_key(facts[low + *count]) == key;)
		++*count;
	return facts + low;
}

static void check_accepted(struct checker *checker, struct fact **facts, size_t count,
	const struct sim_store_append *append, const struct sim_store_entry *entry)
{
	bool maybe_live = false, surely_live = false, exactly = false, known = false;

	/* The latest that lives counts: those behind it may have been removed. */
	for (size_t i = 0; i < count && facts[i]->position < entry->position; i++) {
		bool maybe = facts[i]->removed > append->asked;
		bool surely =
			facts[i]->removal_asked > append->answered &&
			!may_be_retired(checker, facts[i], append->answered, append->answered_ms);

		maybe_live |= maybe;
		surely_live |= surely;
		if (facts[i]->revision == entry->revision_expected)
			exactly = maybe, known = true;
		else if (surely)
			exactly = false;
	}
	if (entry->expect == SIM_STORE_EXACTLY && !exactly && (known || !checker->unseen_removed))
		breaks(checker, EXPECTED,
			"value %" PRIu64 ": revision %" PRIu64 " expected, %" PRIu64 " given",
			entry->value, entry->revision_expected, entry->revision);
	if (entry->expect == SIM_STORE_NONE && surely_live)
		breaks(checker, EXPECTED, "value %" PRIu64 ": none expected, and there was one",
			entry->value);
	/* One that came through a crash and went before anybody saw it may have been there. */
	if (entry->expect == SIM_STORE_EXISTS && !maybe_live && !checker->unseen_removed)
		breaks(checker, EXPECTED, "value %" PRIu64 ": one expected, and there was none",
			entry->value);
}

/* Refused: whether what it was told could have been so, at some moment between. */
static void check_refused(struct checker *checker, struct fact **facts, size_t count,
	const struct sim_store_append *append, const struct sim_store_entry *entry)
{
	uint64_t found = append->revision_found, least = 0, most = 0;
	bool removals = false;

	for (size_t i = 0; i < count; i++) {
		removals |=
			facts[i]->removal_asked < append->answered ||
			may_be_retired(checker, facts[i], append->answered, append->answered_ms);
		if (facts[i]->known < append->asked && facts[i]->revision > least)
			least = facts[i]->revision;
		if (facts[i]->asked < append->answered && facts[i]->revision > most)
			most = facts[i]->revision;
	}
	/* Those before it in the same append count, too; and what was gone before anybody saw it. */
	most = has_limits(checker, entry->log) ? UINT64_MAX : most + append->conflict_entry;
	if (found > most || (found < least && !removals))
		breaks(checker, CONFLICT,
			"log %u, subject %u: told of revision %" PRIu64
			" when it was between %" PRIu64 " and %" PRIu64,
			entry->log, entry->subject, found, least, most);
	else if ((entry->expect == SIM_STORE_EXACTLY && found == entry->revision_expected) ||
		 (entry->expect == SIM_STORE_NONE && found == 0) ||
		 (entry->expect == SIM_STORE_EXISTS && found != 0 && !removals) ||
		 entry->expect == SIM_STORE_ANY)
		breaks(checker, CONFLICT,
			"log %u, subject %u: refused with revision %" PRIu64
			", which is what was expected",
			entry->log, entry->subject, found);
}

static void check_expectations(struct checker *checker)
{
	const struct sim_store_history *history = checker->history;
	struct fact **sorted = array_new(checker->standing_count, sizeof(struct fact *));

	memcpy(sorted, checker->standing, checker->standing_count * sizeof(struct fact *));
	sort(sorted, checker->standing_count, by_subject);
	for (size_t i = 0; i < history->entries_count; i++) {
		const struct sim_store_entry *entry = &history->entries[i];
		const struct sim_store_append *append = &history->appends[entry->append];
		uint64_t key = (uint64_t)entry->log << 32 | entry->subject;
		struct fact **facts;
		size_t count;

		if (entry->expect == SIM_STORE_ANY && !append->conflict)
			continue;
		facts = subject_facts(checker, sorted, key, &count);
		if (append->outcome == SIM_STORE_OK && !entry->duplicate)
			check_accepted(checker, facts, count, append, entry);
		if (append->conflict && i == append->entries + append->conflict_entry)
			check_refused(checker, facts, count, append, entry);
	}
	free(sorted);
}

/* All of an append or nothing, and one behind the other. */
static void check_append(struct checker *checker, const struct sim_store_append *append)
{
	const struct sim_store_entry *entries = checker->history->entries + append->entries;
	const struct fact *first = td_map_get(&checker->by_value, entries[0].value);

	for (size_t i = 1; i < append->entries_count; i++) {
		const struct fact *fact = td_map_get(&checker->by_value, entries[i].value);

		if (fact->stands != first->stands) {
			if (!checker->unseen_removed)
				breaks(checker, TORN,
					"values %" PRIu64 " and %" PRIu64
					" are of one append, and one is not there",
					first->value, fact->value);
		} else if (fact->stands && fact->position != first->position + i) {
			breaks(checker, TORN,
				"values %" PRIu64 " and %" PRIu64
				" are of one append, and stand at %" PRIu64 " and %" PRIu64,
				first->value, fact->value, first->position, fact->position);
		}
	}
}

static void check_appends(struct checker *checker)
{
	for (size_t i = 0; i < checker->history->appends_count; i++) {
		const struct sim_store_append *append = &checker->history->appends[i];

		if (append->entries_count > 1 && append->outcome != SIM_STORE_FAILED)
			check_append(checker, append);
	}
}

/* --- all ---------------------------------------------------------------------------------- */

bool sim_store_check(const struct sim_store_history *history, struct sim_store_violation *violation)
{
	struct checker checker = {
		.history = history,
		.facts = array_new(history->entries_count, sizeof(struct fact)),
		.standing = array_new(history->entries_count, sizeof(struct fact *)),
		.violation = violation,
	};
	static void (*const steps[])(struct checker *) = {take_removals, take_forgets, take_told,
		take_answers, take_passes, sort_standing, count_behind, check_numbers, check_order,
		check_passes, check_keys, check_expectations, check_appends, check_told};

	*violation = (struct sim_store_violation){.rule = SIM_STORE_RULE_NONE};
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (violation->rule == SIM_STORE_RULE_NONE)
			steps[i](&checker);
	free(checker.facts);
	free(checker.standing);
	free(checker.removals);
	free(checker.forgotten);
	free(checker.told);
	td_map_fini(&checker.by_value);
	td_map_fini(&checker.by_key);
	return violation->rule == SIM_STORE_RULE_NONE;
}

/* clang-format off */
static const struct {
	const char *name, *meaning;
} rules[SIM_STORE_RULES_COUNT] = {
	[SIM_STORE_RULE_NONE] = {"NONE", "all promises were kept"},
#define RULE_ROW(name, meaning) [SIM_STORE_RULE_##name] = {#name, meaning},
	SIM_STORE_RULES(RULE_ROW)
#undef RULE_ROW
};
/* clang-format on */

const char *sim_store_rule_name(enum sim_store_rule rule)
{
	return rules[rule].name;
}

const char *sim_store_rule_meaning(enum sim_store_rule rule)
{
	return rules[rule].meaning;
}
