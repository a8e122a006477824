#include "history.h"

#include <stdlib.h>

/* Room for one more in an array that doubles: at 0, 1, 2, 4 ... it is full. */
static void *grown(void *array, size_t count, size_t bytes)
{
	if ((count & (count - 1)) != 0)
		return array;
	array = realloc(array, (count == 0 ? 1 : count * 2) * bytes);
	TD_ASSERT(array != NULL);
	return array;
}

#define ADD(history, what, value)                                                                  \
	do {                                                                                       \
		(history)->what =                                                                  \
			grown((history)->what, (history)->what##_count, sizeof(*(history)->what)); \
		(history)->what[(history)->what##_count++] = (value);                              \
	} while (0)

uint64_t sim_store_moment(struct sim_store_history *history)
{
	return ++history->moment;
}

size_t sim_store_ask(
	struct sim_store_history *history, const struct sim_store_entry *entries, size_t count)
{
	struct sim_store_append append = {
		.asked = sim_store_moment(history),
		.answered = UINT64_MAX,
		.entries = history->entries_count,
		.entries_count = count,
	};

	for (size_t i = 0; i < count; i++) {
		struct sim_store_entry entry = entries[i];

		entry.append = history->appends_count;
		ADD(history, entries, entry);
	}
	ADD(history, appends, append);
	return history->appends_count - 1;
}

struct sim_store_entry *sim_store_entries(struct sim_store_history *history, size_t append)
{
	return &history->entries[history->appends[append].entries];
}

void sim_store_answer(
	struct sim_store_history *history, size_t append, enum sim_store_outcome outcome)
{
	history->appends[append].outcome = outcome;
	history->appends[append].answered = sim_store_moment(history);
}

size_t sim_store_ask_removal(
	struct sim_store_history *history, uint32_t log, uint64_t seq, bool erase)
{
	struct sim_store_removal removal = {
		.asked = sim_store_moment(history),
		.answered = UINT64_MAX,
		.log = log,
		.seq = seq,
		.erase = erase,
	};

	ADD(history, removals, removal);
	return history->removals_count - 1;
}

void sim_store_answer_removal(
	struct sim_store_history *history, size_t removal, enum sim_store_outcome outcome)
{
	history->removals[removal].outcome = outcome;
	history->removals[removal].answered = sim_store_moment(history);
}

size_t sim_store_ask_forget(struct sim_store_history *history, uint32_t log, uint32_t subject)
{
	struct sim_store_forget forget = {
		.asked = sim_store_moment(history),
		.answered = UINT64_MAX,
		.log = log,
		.subject = subject,
		.position = UINT64_MAX,
	};

	ADD(history, forgets, forget);
	return history->forgets_count - 1;
}

void sim_store_answer_forget(
	struct sim_store_history *history, size_t forget, enum sim_store_outcome outcome)
{
	history->forgets[forget].outcome = outcome;
	history->forgets[forget].answered = sim_store_moment(history);
}

size_t sim_store_ask_adoption(struct sim_store_history *history, uint32_t from, uint32_t area)
{
	struct sim_store_adoption adoption = {
		.asked = sim_store_moment(history),
		.answered = UINT64_MAX,
		.from = from,
		.log = SIM_STORE_NOWHERE,
		.area = area,
		.position = UINT64_MAX,
	};

	ADD(history, adoptions, adoption);
	return history->adoptions_count - 1;
}

void sim_store_answer_adoption(
	struct sim_store_history *history, size_t adoption, enum sim_store_outcome outcome)
{
	history->adoptions[adoption].outcome = outcome;
	history->adoptions[adoption].answered = sim_store_moment(history);
}

size_t sim_store_ask_deletion(struct sim_store_history *history, uint32_t log)
{
	struct sim_store_deletion deletion = {
		.asked = sim_store_moment(history),
		.answered = UINT64_MAX,
		.log = log,
	};

	ADD(history, deletions, deletion);
	return history->deletions_count - 1;
}

void sim_store_answer_deletion(
	struct sim_store_history *history, size_t deletion, enum sim_store_outcome outcome)
{
	history->deletions[deletion].outcome = outcome;
	history->deletions[deletion].answered = sim_store_moment(history);
}

void sim_store_window(struct sim_store_history *history, uint32_t log, int64_t ms)
{
	struct sim_store_window window = {.asked = sim_store_moment(history), .log = log, .ms = ms};

	ADD(history, windows, window);
}

void sim_store_tell_erased(struct sim_store_history *history, struct sim_store_told told)
{
	ADD(history, told, told);
}

void sim_store_limit(struct sim_store_history *history, struct sim_store_limits limits)
{
	limits.asked = sim_store_moment(history);
	ADD(history, limits, limits);
}

size_t sim_store_pass_begin(struct sim_store_history *history, uint64_t from)
{
	struct sim_store_pass pass = {
		.asked = sim_store_moment(history),
		.answered = UINT64_MAX,
		.from = from,
		.events = history->events_count,
	};

	ADD(history, passes, pass);
	return history->passes_count - 1;
}

void sim_store_pass_see(struct sim_store_history *history, const struct sim_store_event *event)
{
	ADD(history, events, *event);
	history->passes[history->passes_count - 1].events_count++;
}

void sim_store_pass_end(struct sim_store_history *history, bool whole, bool final)
{
	struct sim_store_pass *pass = &history->passes[history->passes_count - 1];

	pass->answered = sim_store_moment(history);
	pass->whole = whole;
	pass->final = final;
}

void sim_store_pass_put(struct sim_store_history *history, uint64_t asked, uint64_t from,
	const struct sim_store_event *events, size_t count, bool whole)
{
	size_t pass = sim_store_pass_begin(history, from);

	history->passes[pass].asked = asked;
	for (size_t i = 0; i < count; i++)
		sim_store_pass_see(history, &events[i]);
	sim_store_pass_end(history, whole, false);
}

void sim_store_crash(struct sim_store_history *history)
{
	uint64_t moment = sim_store_moment(history);

	ADD(history, crashes, moment);
}

void sim_store_history_fini(struct sim_store_history *history)
{
	free(history->entries);
	free(history->appends);
	free(history->removals);
	free(history->limits);
	free(history->adoptions);
	free(history->deletions);
	free(history->windows);
	free(history->forgets);
	free(history->told);
	free(history->passes);
	free(history->events);
	free(history->crashes);
	*history = (struct sim_store_history)SIM_STORE_HISTORY_INIT;
}
