/* What answers and passes say of each value, in each log that had it. */
#include "checking.h"

#define LOG_BITS 12 /* numbers of logs are small */

static uint64_t fact_key(uint64_t value, uint32_t log)
{
	uint32_t low = log == SIM_STORE_NOWHERE ? (1u << LOG_BITS) - 1 : log;

	TD_ASSERT(low < 1u << LOG_BITS && value >> (64 - LOG_BITS) == 0);
	return value << LOG_BITS | low;
}

struct fact *sim_fact_find(const struct checker *checker, uint64_t value, uint32_t log)
{
	return td_map_get(&checker->by_value, fact_key(value, log));
}

static struct fact *fact_new(struct checker *checker, uint64_t value, uint32_t log)
{
	struct fact *fact = array_new(1, sizeof(*fact));

	if (checker->facts_count == checker->facts_cap) {
		checker->facts_cap = checker->facts_cap * 2 + 64;
		checker->facts =
			realloc(checker->facts, checker->facts_cap * sizeof(struct fact *));
		TD_ASSERT(checker->facts != NULL);
	}
	checker->facts[checker->facts_count++] = fact;
	*fact = (struct fact){
		.value = value,
		.log = log,
		.time = INT64_MIN,
		.gone = NEVER,
		.hidden = NEVER,
		.known = NEVER,
		.own_removal = NEVER,
		.removal_asked = NEVER,
		.removed = NEVER,
	};
	TD_ASSERT(td_map_put(&checker->by_value, fact_key(value, log), fact));
	return fact;
}

static struct fact *fact_of(struct checker *checker, const struct sim_store_entry *entry)
{
	const struct sim_store_append *append = &checker->history->appends[entry->append];
	struct fact *fact = sim_fact_find(checker, entry->value, entry->log);

	if (fact == NULL) {
		fact = fact_new(checker, entry->value, entry->log);
		fact->key = entry->key;
		fact->subject = entry->subject;
		fact->bytes = entry->bytes;
		fact->imported = entry->imported;
		fact->asked = append->asked;
		fact->asked_ms = append->asked_ms;
	}
	return fact;
}

/* --- where it stands ---------------------------------------------------------------------- */

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

/* --- what moved with a log that was made --------------------------------------------------- */

/* The adoption that may have brought it there: what it moved was there before. */
static const struct sim_store_adoption *brought(
	const struct checker *checker, uint64_t value, uint32_t log, uint32_t subject)
{
	for (size_t i = 0; i < checker->history->adoptions_count; i++) {
		const struct sim_store_adoption *adoption = &checker->history->adoptions[i];
		const struct fact *from;

		if (adoption->outcome == SIM_STORE_FAILED || adoption->log != log ||
			adoption->area != sim_store_area(subject))
			continue;
		from = sim_fact_find(checker, value, adoption->from);
		if (from != NULL && from->tried)
			return adoption;
	}
	return NULL;
}

static void moved_by(
	struct checker *checker, struct fact *fact, const struct sim_store_adoption *by)
{
	struct fact *from = sim_fact_find(checker, fact->value, by->from);

	fact->moved_from = from;
	fact->tried = true;
	fact->subject = from->subject;
	fact->bytes = from->bytes;
	fact->key = from->key;
	fact->asked_ms = from->asked_ms;
	fact->asked = fact->asked == 0 ? by->asked : least(fact->asked, by->asked);
}

static void link_moved(struct checker *checker)
{
	for (size_t i = 0; i < checker->facts_count; i++) {
		struct fact *fact = checker->facts[i];
		const struct sim_store_adoption *by =
			brought(checker, fact->value, fact->log, fact->subject);

		if (by != NULL)
			moved_by(checker, fact, by);
	}
}

/* --- answers ------------------------------------------------------------------------------ */

/* Note which others came with this key: to any log, for what moves takes its key with it. */
static void take_key(struct checker *checker, struct fact *fact)
{
	struct fact *first = fact->key == 0 ? NULL : td_map_get(&checker->by_key, fact->key);

	if (first == NULL && fact->key != 0)
		TD_ASSERT(td_map_put(&checker->by_key, fact->key, fact));
	else if (first != NULL && first->value != fact->value)
		first->shared = true;
}

static bool is_shared(const struct checker *checker, const struct fact *fact)
{
	const struct fact *first = td_map_get(&checker->by_key, fact->key);

	return first != NULL && first->shared;
}

/* Whatever stood there: what moves is erased where it was. */
static bool may_have_moved(const struct sim_store_history *history, uint32_t log, uint64_t position)
{
	for (size_t i = 0; i < history->adoptions_count; i++) {
		if (history->adoptions[i].from == log &&
			history->adoptions[i].outcome != SIM_STORE_FAILED &&
			position < history->adoptions[i].position)
			return true;
	}
	return false;
}

/*
 * Whether it was called a duplicate of what came with the same key, other content and all: once
 * that is to be erased, nothing is kept of it that could tell them apart.
 */
static bool is_erased_ones(const struct checker *checker, const struct fact *fact,
	const struct sim_store_append *append, const struct sim_store_entry *entry)
{
	const struct removal *removal;

	if (!entry->duplicate || !is_shared(checker, fact))
		return false;
	removal = sim_find_removal(checker, fact->log, entry->seq);
	return (removal != NULL && removal->erasing < append->answered) ||
	       may_have_moved(checker->history, fact->log, entry->position);
}

static void take_answer(struct checker *checker, struct fact *fact,
	const struct sim_store_append *append, const struct sim_store_entry *entry)
{
	fact->attempts++;
	fact->tried |= append->outcome != SIM_STORE_FAILED;
	if (append->outcome != SIM_STORE_OK)
		return;
	if (is_erased_ones(checker, fact, append, entry)) {
		fact->anothers = true;
		return;
	}
	fact->fresh += !entry->duplicate;
	fact->time = entry->time;
	stands_at(checker, fact, true, entry->position, entry->seq, entry->revision);
	known_from(fact, append->answered, true);
}

void sim_take_answers(struct checker *checker)
{
	const struct sim_store_history *history = checker->history;

	for (size_t i = 0; i < history->entries_count; i++)
		take_key(checker, fact_of(checker, &history->entries[i]));
	for (size_t i = 0; i < history->entries_count; i++) {
		const struct sim_store_entry *entry = &history->entries[i];

		take_answer(
			checker, fact_of(checker, entry), &history->appends[entry->append], entry);
	}
	link_moved(checker);
	for (size_t i = 0; i < checker->facts_count; i++) {
		const struct fact *fact = checker->facts[i];

		if (fact->fresh > 1)
			breaks(checker, TWICE, "value %" PRIu64 ": accepted as new %u times",
				fact->value, fact->fresh);
		if (fact->known_by_answer && fact->fresh == 0 && fact->attempts == 1 &&
			fact->moved_from == NULL)
			breaks(checker, DUPLICATE,
				"value %" PRIu64 ": tried once, and called a duplicate",
				fact->value);
	}
}

/* --- passes ------------------------------------------------------------------------------- */

/* What is known of it; NULL: nobody wrote that there. */
static struct fact *seen_as(struct checker *checker, const struct sim_store_event *event)
{
	struct fact *fact = sim_fact_find(checker, event->value, event->log);
	const struct sim_store_adoption *by;

	if (fact != NULL)
		return fact;
	by = brought(checker, event->value, event->log, event->subject);
	if (by != NULL) {
		fact = fact_new(checker, event->value, event->log);
		moved_by(checker, fact, by);
		return fact;
	}
	/* An append that was not answered, and not told where it would go. */
	fact = sim_fact_find(checker, event->value, SIM_STORE_NOWHERE);
	if (fact == NULL || fact->log != SIM_STORE_NOWHERE)
		return NULL;
	sim_mark(checker, event->log);
	fact->log = event->log;
	TD_ASSERT(td_map_put(&checker->by_value, fact_key(event->value, event->log), fact));
	return fact;
}

static void take_event(struct checker *checker, const struct sim_store_pass *pass,
	const struct sim_store_event *event)
{
	struct fact *fact = seen_as(checker, event);

	if (fact == NULL || fact->subject != event->subject || fact->asked > pass->answered)
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
		fact->time = event->time;
		sim_take_payload(checker, fact, pass, event);
		known_from(fact, pass->answered, false);
	}
}

void sim_take_passes(struct checker *checker)
{
	const struct sim_store_history *history = checker->history;

	for (size_t i = 0; i < history->passes_count; i++) {
		const struct sim_store_pass *pass = &history->passes[i];
		uint64_t next = pass->from;

		for (size_t k = 0; k < pass->events_count; k++) {
			const struct sim_store_event *event = &history->events[pass->events + k];

			if (event->position < next)
				breaks(checker, BACKWARD,
					"position %" PRIu64 " where %" PRIu64
					" or more was to come",
					event->position, next);
			next = event->position + 1;
			take_event(checker, pass, event);
		}
	}
}
