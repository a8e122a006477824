#include "tape.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "store/checker.h"

void *rig_shared(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

struct tape *tape_new(void)
{
	return rig_shared(sizeof(struct tape));
}

void tape_free(struct tape *tape)
{
	if (tape != NULL)
		munmap(tape, sizeof(*tape));
}

void tape_reset(struct tape *tape)
{
	madvise(tape, sizeof(*tape), MADV_REMOVE);
}

uint64_t tape_moment(struct tape *tape)
{
	return atomic_fetch_add(&tape->moment, 1) + 1;
}

struct tape_append *tape_append(struct tape *tape)
{
	uint32_t number = atomic_fetch_add(&tape->appends_count, 1);

	if (number < TAPE_APPENDS_MAX)
		return &tape->appends[number];
	atomic_store(&tape->appends_count, TAPE_APPENDS_MAX);
	return NULL;
}

struct tape_removal *tape_removal(struct tape *tape)
{
	uint32_t number = atomic_fetch_add(&tape->removals_count, 1);

	if (number < TAPE_REMOVALS_MAX)
		return &tape->removals[number];
	atomic_store(&tape->removals_count, TAPE_REMOVALS_MAX);
	return NULL;
}

struct tape_pass *tape_pass(struct tape *tape, uint64_t from)
{
	uint32_t number = atomic_fetch_add(&tape->passes_count, 1);
	struct tape_pass *pass = &tape->passes[number];

	if (number >= TAPE_PASSES_MAX) {
		atomic_store(&tape->passes_count, TAPE_PASSES_MAX);
		return NULL;
	}
	pass->pass = (struct sim_store_pass){.from = from,
		.asked = tape_moment(tape),
		.events = atomic_load(&tape->events_count)};
	atomic_store(&pass->begun, true);
	return pass;
}

bool tape_see(struct tape *tape, struct tape_pass *pass, const struct sim_store_event *event)
{
	uint32_t number = atomic_load(&tape->events_count);

	if (number >= TAPE_EVENTS_MAX)
		return false;
	tape->events[number] = *event;
	atomic_store(&tape->events_count, number + 1);
	atomic_fetch_add(&pass->seen, 1);
	return true;
}

void tape_pass_end(struct tape *tape, struct tape_pass *pass, bool whole, bool final)
{
	pass->pass.whole = whole;
	pass->pass.final = final;
	pass->pass.answered = tape_moment(tape);
	atomic_store(&pass->ended, true);
}

void tape_unpass(struct tape *tape)
{
	uint32_t last = atomic_load(&tape->passes_count) - 1;

	atomic_store(&tape->events_count, (uint32_t)tape->passes[last].pass.events);
	memset(&tape->passes[last], 0, sizeof(tape->passes[last]));
	atomic_store(&tape->passes_count, last);
}

/* --- to a history ------------------------------------------------------------------------- */

static void *array(size_t count, size_t bytes)
{
	void *at = calloc(count + 1, bytes);

	TD_ASSERT(at != NULL);
	return at;
}

static void take_appends(struct sim_store_history *history, const struct tape *tape, uint64_t cut)
{
	size_t count = tape->appends_count;

	history->appends = array(count, sizeof(*history->appends));
	history->entries = array(count * TAPE_ENTRIES_MAX, sizeof(*history->entries));
	for (size_t i = 0; i < count; i++) {
		const struct tape_append *from = &tape->appends[i];
		struct sim_store_append append = from->append;

		if (!from->asked)
			continue; /* it was never sent */
		if (!from->answered || append.answered > cut) {
			append.conflict = false;
			append.outcome = SIM_STORE_UNKNOWN;
			append.answered = UINT64_MAX;
		}
		append.entries = history->entries_count;
		for (size_t k = 0; k < append.entries_count; k++) {
			history->entries[history->entries_count] = from->entries[k];
			history->entries[history->entries_count++].append = history->appends_count;
		}
		history->appends[history->appends_count++] = append;
	}
}

static void take_removals(struct sim_store_history *history, const struct tape *tape, uint64_t cut)
{
	size_t count = tape->removals_count;

	history->removals = array(count, sizeof(*history->removals));
	for (size_t i = 0; i < count; i++) {
		const struct tape_removal *from = &tape->removals[i];
		struct sim_store_removal removal = from->removal;

		if (!from->asked)
			continue;
		if (!from->answered || removal.answered > cut) {
			removal.outcome = SIM_STORE_UNKNOWN;
			removal.answered = UINT64_MAX;
		}
		history->removals[history->removals_count++] = removal;
	}
}

static void take_passes(struct sim_store_history *history, const struct tape *tape)
{
	size_t count = tape->passes_count, events = tape->events_count;

	history->passes = array(count, sizeof(*history->passes));
	history->events = array(events, sizeof(*history->events));
	history->events_count = events;
	for (size_t i = 0; i < events; i++)
		history->events[i] = tape->events[i];
	for (size_t i = 0; i < count; i++) {
		const struct tape_pass *from = &tape->passes[i];
		struct sim_store_pass pass = from->pass;

		if (!from->begun)
			continue;
		pass.events_count = from->seen;
		if (!from->ended) {
			/* What it saw it saw before whatever comes behind it. */
			pass.answered =
				i + 1 < count ? tape->passes[i + 1].pass.asked : tape->moment;
			pass.whole = false;
		}
		history->passes[history->passes_count++] = pass;
	}
}

bool tape_check(struct tape *tape, uint64_t cut, char *text, size_t bytes)
{
	struct sim_store_history history = SIM_STORE_HISTORY_INIT;
	struct sim_store_violation violation;
	bool passed;

	if (tape->failed != 0) {
		snprintf(text, bytes, "%s", tape->failure);
		return false;
	}
	take_appends(&history, tape, cut);
	take_removals(&history, tape, cut);
	take_passes(&history, tape);
	passed = sim_store_check(&history, &violation);
	snprintf(text, bytes, "%s: %s: %s", sim_store_rule_name(violation.rule),
		sim_store_rule_meaning(violation.rule), violation.text);
	sim_store_history_fini(&history);
	return passed;
}
