/* What a pass must see, and must not. */
#include "checking.h"

static void missed(
	struct checker *checker, const struct sim_store_pass *pass, const struct fact *fact)
{
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

/* Whether something else than its moving may have taken it by the end of the pass. */
static bool may_be_taken(
	const struct checker *checker, const struct sim_store_pass *pass, const struct fact *fact)
{
	return fact->own_removal < pass->answered ||
	       sim_marks_of(checker, fact->log)->deletion_asked < pass->answered ||
	       sim_may_be_retired(checker, fact, pass->answered, pass->answered_ms);
}

/*
 * It may have moved, in one moment: so a pass that began before it and came to the end saw it here or
 * there. Where nobody ever saw it there, what could have taken it there excuses.
 */
static bool is_there(const struct checker *checker, const struct sim_store_pass *pass,
	size_t number, const struct fact *fact)
{
	const struct marks *there;

	if (fact->by == NULL || fact->by->asked > pass->answered)
		return false;
	if (fact->by->outcome == SIM_STORE_UNKNOWN)
		return true;
	if (fact->moved_to != NULL && fact->moved_to->stands)
		return fact->moved_to->met == number || may_be_taken(checker, pass, fact->moved_to);
	there = sim_marks_of(checker, fact->by->log);
	return there->limited || there->deletion_asked < pass->answered;
}

static void see(struct checker *checker, const struct sim_store_pass *pass, struct fact *fact,
	const struct sim_store_event *event)
{
	if (fact->removed < pass->asked || fact->removed < event->asked)
		breaks(checker, UNDEAD,
			"value %" PRIu64 " at position %" PRIu64 " of log %u had been removed",
			fact->value, fact->position, fact->log);
	if (fact->gone < pass->asked || fact->gone < event->asked)
		breaks(checker, UNDEAD,
			"value %" PRIu64 " at position %" PRIu64 " was gone for a pass before",
			fact->value, fact->position);
}

static void check_pass(struct checker *checker, const struct sim_store_pass *pass, size_t number)
{
	const struct sim_store_event *events =
		pass->events_count == 0 ? NULL : checker->history->events + pass->events;
	size_t k = 0;

	for (size_t i = 0; i < checker->standing_count; i++) {
		struct fact *fact = checker->standing[i];

		while (k < pass->events_count && events[k].position < fact->position)
			k++;
		if (k == pass->events_count || events[k].position != fact->position)
			continue;
		fact->met = number;
		see(checker, pass, fact, &events[k]);
	}
	for (size_t i = 0; pass->whole && i < checker->standing_count; i++) {
		struct fact *fact = checker->standing[i];

		if (fact->met == number || fact->position < pass->from || fact->known > pass->asked)
			continue;
		if (!may_be_taken(checker, pass, fact) && !is_there(checker, pass, number, fact))
			missed(checker, pass, fact);
		fact->gone = least(fact->gone, pass->answered);
	}
}

void sim_check_passes(struct checker *checker)
{
	bool final = false;

	for (size_t i = 0; i < checker->history->passes_count; i++) {
		check_pass(checker, &checker->history->passes[i], i + 1);
		final |= checker->history->passes[i].final;
	}
	TD_ASSERT(final); /* a history without one proves nothing */
}
