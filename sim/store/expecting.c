/* What was decided: duplicates by key, what an append expected, and that it is whole. */
#include "checking.h"

/* --- keys, expectations, appends ---------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
	const struct fact *left = *(struct fact *const *)a, *right = *(struct fact *const *)b;
	int order = compare(left->log, right->log);

	return order != 0 ? order : compare(left->key, right->key);
}

static int by_key_and_position(const void *a, const void *b)
{
	const struct fact *left = *(struct fact *const *)a, *right = *(struct fact *const *)b;
	int order = by_key(a, b);

	return order != 0 ? order : compare(left->position, right->position);
}

/* The shortest, or the longest, that keys of the log were ever to be known; never ending without one. */
static int64_t window_ms(const struct checker *checker, uint32_t log, bool longest)
{
	const struct sim_store_history *history = checker->history;
	int64_t ms = INT64_MAX;
	bool any = false;

	for (size_t i = 0; i < history->windows_count; i++) {
		const struct sim_store_window *window = &history->windows[i];

		if (window->log != log || (any && (window->ms < ms) == longest))
			continue;
		ms = window->ms;
		any = true;
	}
	return ms;
}

/* Whether the second came when the key of the first was surely known. */
static bool is_within(
	const struct checker *checker, const struct fact *first, const struct fact *second)
{
	int64_t ms = window_ms(checker, first->log, false);

	/* What moved was decided where it came from. */
	if (second->moved_from != NULL && second->fresh == 0)
		return false;
	return ms == INT64_MAX || (first->time != INT64_MIN && second->time != INT64_MIN &&
					  second->time - first->time < ms * 1000000);
}

void sim_check_keys(struct checker *checker)
{
	size_t count = checker->standing_count;
	struct fact **facts = array_new(count, sizeof(struct fact *));

	memcpy(facts, checker->standing, count * sizeof(struct fact *));
	sort(facts, count, by_key_and_position);
	for (size_t i = 1; i < count; i++)
		if (facts[i]->key != 0 && by_key(&facts[i - 1], &facts[i]) == 0 &&
			is_within(checker, facts[i - 1], facts[i]))
			breaks(checker, TWICE,
				"log %u, key %" PRIu64 ": values %" PRIu64 " and %" PRIu64,
				facts[i]->log, facts[i]->key, facts[i - 1]->value, facts[i]->value);
	free(facts);
}

/* Whether what was in the one log may be in the other, or have been. */
static bool may_have_come(
	const struct sim_store_history *history, const struct fact *fact, uint32_t log)
{
	for (size_t i = 0; i < history->adoptions_count; i++) {
		const struct sim_store_adoption *adoption = &history->adoptions[i];

		if (adoption->log == log && adoption->from == fact->log &&
			adoption->outcome != SIM_STORE_FAILED &&
			adoption->area == sim_store_area(fact->subject))
			return true;
	}
	return fact->log == log;
}

/* What may be why an append of the key was refused: another that came with it, not too long ago. */
static bool has_other(const struct checker *checker, const struct sim_store_append *append,
	const struct sim_store_entry *entry)
{
	int64_t ms = window_ms(checker, entry->log, true);

	for (size_t i = 0; i < checker->facts_count; i++) {
		const struct fact *fact = checker->facts[i];

		if (fact->key == entry->key && fact->tried && fact->asked < append->answered &&
			may_have_come(checker->history, fact, entry->log) &&
			(fact->time == INT64_MIN || ms == INT64_MAX ||
				append->asked_ms - fact->time / 1000000 <= ms + 1))
			return true;
	}
	return false;
}

void sim_check_refused_keys(struct checker *checker)
{
	const struct sim_store_history *history = checker->history;

	for (size_t i = 0; i < history->appends_count; i++) {
		const struct sim_store_append *append = &history->appends[i];
		const struct sim_store_entry *entry = &history->entries[append->entries];

		if (append->other_content && append->entries_count == 1 &&
			entry->log != SIM_STORE_NOWHERE && !has_other(checker, append, entry))
			breaks(checker, WINDOW, "log %u, value %" PRIu64 ", key %" PRIu64,
				entry->log, entry->value, entry->key);
	}
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
		bool surely = facts[i]->removal_asked > append->answered &&
			      !sim_may_be_retired(
				      checker, facts[i], append->answered, append->answered_ms);

		maybe_live |= maybe;
		surely_live |= surely;
		if (facts[i]->revision == entry->revision_expected)
			exactly = maybe, known = true;
		else if (surely)
			exactly = false;
	}
	if (entry->expect == SIM_STORE_EXACTLY && !exactly &&
		(known || !sim_may_hide(checker, entry->log)))
		breaks(checker, EXPECTED,
			"value %" PRIu64 ": revision %" PRIu64 " expected, %" PRIu64 " given",
			entry->value, entry->revision_expected, entry->revision);
	if (entry->expect == SIM_STORE_NONE && surely_live)
		breaks(checker, EXPECTED, "value %" PRIu64 ": none expected, and there was one",
			entry->value);
	/* One that came through a crash and went before anybody saw it may have been there. */
	if (entry->expect == SIM_STORE_EXISTS && !maybe_live && !sim_may_hide(checker, entry->log))
		breaks(checker, EXPECTED, "value %" PRIu64 ": one expected, and there was none",
			entry->value);
}

/* Refused: whether what it was told could have been so, at some moment between. */
static void check_refused(struct checker *checker, struct fact **facts, size_t count,
	const struct sim_store_append *append, const struct sim_store_entry *entry)
{
	uint64_t found = append->revision_found, low = 0, most = 0;
	bool removals = false;

	for (size_t i = 0; i < count; i++) {
		removals |= facts[i]->removal_asked < append->answered ||
			    sim_may_be_retired(
				    checker, facts[i], append->answered, append->answered_ms);
		if (facts[i]->known < append->asked && facts[i]->revision > low)
			low = facts[i]->revision;
		if (facts[i]->asked < append->answered && facts[i]->revision > most)
			most = facts[i]->revision;
	}
	/* Those before it in the same append count, too; and what was gone before anybody saw it. */
	most = sim_may_hide(checker, entry->log) ? UINT64_MAX : most + append->conflict_entry;
	if (found > most || (found < low && !removals))
		breaks(checker, CONFLICT,
			"log %u, subject %u: told of revision %" PRIu64
			" when it was between %" PRIu64 " and %" PRIu64,
			entry->log, entry->subject, found, low, most);
	else if ((entry->expect == SIM_STORE_EXACTLY && found == entry->revision_expected) ||
		 (entry->expect == SIM_STORE_NONE && found == 0) ||
		 (entry->expect == SIM_STORE_EXISTS && found != 0 && !removals) ||
		 entry->expect == SIM_STORE_ANY)
		breaks(checker, CONFLICT,
			"log %u, subject %u: refused with revision %" PRIu64
			", which is what was expected",
			entry->log, entry->subject, found);
}

void sim_check_expectations(struct checker *checker)
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
	const struct fact *first = sim_fact_find(checker, entries[0].value, entries[0].log);

	for (size_t i = 1; i < append->entries_count; i++) {
		const struct fact *fact = sim_fact_find(checker, entries[i].value, entries[i].log);

		/* Of one that was asked for once more nobody can say which it was that stands. */
		if (fact->anothers || first->anothers || fact->log == SIM_STORE_NOWHERE ||
			first->log == SIM_STORE_NOWHERE)
			continue;
		if (fact->stands != first->stands) {
			if (!sim_may_hide(checker, fact->stands ? first->log : fact->log))
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

void sim_check_appends(struct checker *checker)
{
	for (size_t i = 0; i < checker->history->appends_count; i++) {
		const struct sim_store_append *append = &checker->history->appends[i];

		if (append->entries_count > 1 && append->outcome != SIM_STORE_FAILED)
			check_append(checker, append);
	}
}
