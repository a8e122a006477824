/* Where things stand, one behind the other: positions, numbers, and what was asked for later. */
#include "checking.h"

struct last *sim_last_of(struct td_map *map, uint64_t key)
{
	struct last *last = td_map_get(map, key);

	if (last == NULL) {
		last = array_new(1, sizeof(*last));
		TD_ASSERT(td_map_put(map, key, last));
	}
	return last;
}

void sim_lasts_free(struct td_map *map)
{
	size_t cursor = 0;

	for (struct td_map_slot *slot; (slot = td_map_next(map, &cursor)) != NULL;)
		free(slot->value);
	td_map_fini(map);
}

/* --- positions ---------------------------------------------------------------------------- */

static int by_position(const void *a, const void *b)
{
	return compare((*(struct fact *const *)a)->position, (*(struct fact *const *)b)->position);
}

void sim_sort_standing(struct checker *checker)
{
	checker->standing = array_new(checker->facts_count, sizeof(struct fact *));
	for (size_t i = 0; i < checker->facts_count; i++) {
		if (checker->facts[i]->stands)
			checker->standing[checker->standing_count++] = checker->facts[i];
	}
	sort(checker->standing, checker->standing_count, by_position);
	for (size_t i = 1; i < checker->standing_count; i++) {
		const struct fact *a = checker->standing[i - 1], *b = checker->standing[i];

		if (a->position == b->position)
			breaks(checker, POSITION,
				"position %" PRIu64 ": values %" PRIu64 " and %" PRIu64,
				a->position, a->value, b->value);
	}
	sim_note_removed(checker);
}

/* --- numbers ------------------------------------------------------------------------------ */

/* Numbers of a log: each once, and what is missing was removed. */
static void check_seq(struct checker *checker, struct last *last, const struct fact *fact)
{
	struct marks *marks = sim_marks_of(checker, fact->log);

	if (fact->seq <= last->number)
		breaks(checker, SEQ,
			"log %u, position %" PRIu64 ": seq %" PRIu64 " behind seq %" PRIu64,
			fact->log, fact->position, fact->seq, last->number);
	for (uint64_t seq = last->number + 1;
		seq < fact->seq && checker->violation->rule == SIM_STORE_RULE_NONE; seq++) {
		bool hidden =
			marks->limited || marks->deleted || marks->adopts || marks->adopted_from;

		last->missing++;
		if (!hidden && sim_find_removal(checker, fact->log, seq) == NULL)
			breaks(checker, SEQ, "log %u: seq %" PRIu64 " was never given", fact->log,
				seq);
		marks->missing = true;
	}
	last->number = fact->seq;
}

/* The highest that a subject may have had in a log that another took it over from. */
static void note_brought(struct checker *checker, struct td_map *brought)
{
	for (size_t i = 0; i < checker->facts_count; i++) {
		const struct fact *fact = checker->facts[i];
		struct last *last;

		if (!fact->tried || !sim_marks_of(checker, fact->log)->adopted_from)
			continue;
		last = sim_last_of(brought, fact->subject);
		if (!fact->stands)
			last->missing++;
		else if (fact->revision > last->number)
			last->number = fact->revision;
	}
}

static void note_leaps(struct checker *checker, struct td_map *subjects)
{
	for (size_t i = 0; i < checker->facts_count; i++) {
		const struct fact *fact = checker->facts[i];

		if (fact->imported && fact->tried && !fact->stands)
			sim_last_of(subjects, subject_key(fact))->leaps = true;
	}
}

/* Revisions of a subject: the same; those missing are among what is missing of the log. */
static void check_revision(struct checker *checker, struct last *last, struct last *log,
	const struct last *brought, const struct fact *fact)
{
	uint64_t from = last->number;

	/* Those it had elsewhere are missing here. */
	if (sim_marks_of(checker, fact->log)->adopts && from < brought->number + brought->missing)
		from = least(fact->revision - 1, brought->number + brought->missing);
	if (fact->revision <= last->number) {
		breaks(checker, REVISION,
			"log %u, subject %u, position %" PRIu64 ": revision %" PRIu64
			" behind %" PRIu64,
			fact->log, fact->subject, fact->position, fact->revision, last->number);
	} else if (fact->imported || last->leaps) {
		/* Its number was given with it, or with another. */
	} else if (fact->revision - from - 1 > log->missing) {
		breaks(checker, REVISION,
			"log %u, subject %u, position %" PRIu64 ": revision %" PRIu64
			" behind %" PRIu64 ": too many are missing",
			fact->log, fact->subject, fact->position, fact->revision, last->number);
	} else {
		log->missing -= fact->revision - from - 1;
	}
	last->number = fact->revision;
}

void sim_check_numbers(struct checker *checker)
{
	struct td_map logs = TD_MAP_INIT, subjects = TD_MAP_INIT, brought = TD_MAP_INIT;

	note_brought(checker, &brought);
	note_leaps(checker, &subjects);
	for (size_t i = 0; i < checker->standing_count; i++) {
		const struct fact *fact = checker->standing[i];
		struct last *log = sim_last_of(&logs, fact->log);

		check_seq(checker, log, fact);
		check_revision(checker, sim_last_of(&subjects, subject_key(fact)), log,
			sim_last_of(&brought, fact->subject), fact);
	}
	sim_lasts_free(&logs);
	sim_lasts_free(&subjects);
	sim_lasts_free(&brought);
}

/* --- what was asked for later -------------------------------------------------------------- */

static int by_asked(const void *a, const void *b)
{
	return compare((*(struct fact *const *)a)->asked, (*(struct fact *const *)b)->asked);
}

static int by_known(const void *a, const void *b)
{
	return compare((*(struct fact *const *)a)->known, (*(struct fact *const *)b)->known);
}

/* What was asked for after something was known stands behind it. */
void sim_check_order(struct checker *checker)
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
