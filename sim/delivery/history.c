#include "history.h"

#include <stdlib.h>

void sim_history_add(struct sim_history *history, const struct sim_record *record)
{
	if (history->count == history->cap) {
		history->cap = history->cap == 0 ? 256 : history->cap * 2;
		history->records =
			realloc(history->records, history->cap * sizeof(history->records[0]));
		TD_ASSERT(history->records != NULL);
	}
	history->records[history->count++] = *record;
}

void sim_history_fini(struct sim_history *history)
{
	free(history->records);
	*history = (struct sim_history)SIM_HISTORY_INIT;
}

const char *sim_act_name(enum sim_act act)
{
	static const char *const names[] = {
		[SIM_ADMIT] = "admit",
		[SIM_TAKE] = "take",
		[SIM_BEHIND] = "behind",
		[SIM_NO_MORE] = "no more",
		[SIM_NOTHING] = "nothing",
		[SIM_SETTLE] = "settle",
		[SIM_RETURN] = "return",
		[SIM_REDRIVE] = "redrive",
		[SIM_DISMISS] = "dismiss",
		[SIM_RESUME] = "resume",
		[SIM_DROP] = "drop",
		[SIM_CLEARED] = "cleared",
		[SIM_CLEAR] = "clear",
		[SIM_COUNTS] = "counts",
		[SIM_END] = "end",
	};

	return names[act];
}
