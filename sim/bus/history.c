#include "history.h"

#include "base/base.h"

#include <stdlib.h>

const char *const sim_bus_types[SIM_BUS_TYPES] = {"A", "B", "C", "D", TD_DEAD_LETTER,
	TD_COMMAND_DONE, TD_COMMAND_REFUSED, TD_COMMAND_FAILED, "DoOne", "DoTwo", "AskOne",
	"AskTwo"};
const char *const sim_bus_subjects[SIM_BUS_SUBJECTS] = {
	"order.1", "order.2", "order.1.line", "cust.7", "cust.8", "odd"};
const char *const sim_bus_patterns[SIM_BUS_PATTERNS] = {
	">", "order.*", "order.>", "order.1", "*.7", "cust.>", "*", "td.>", "td.deadletter.>"};

void sim_bus_history_init(struct sim_bus_history *history)
{
	*history = (struct sim_bus_history){.subs_count = 1, .events_count = 1};
	history->events = calloc(SIM_BUS_EVENTS_MAX, sizeof(history->events[0]));
	TD_ASSERT(history->events != NULL);
}

void sim_bus_history_fini(struct sim_bus_history *history)
{
	free(history->events);
	free(history->records);
}

void sim_bus_history_add(struct sim_bus_history *history, const struct sim_bus_record *record)
{
	if (history->count == history->cap) {
		history->cap = history->cap == 0 ? 1024 : history->cap * 2;
		history->records =
			realloc(history->records, history->cap * sizeof(history->records[0]));
		TD_ASSERT(history->records != NULL);
	}
	history->records[history->count++] = *record;
}

const char *sim_bus_act_name(const struct sim_bus_record *record)
{
	static const char *const calls[] = {"publish", "request", "command", "turn", "await",
		"drain", "redrive", "dismiss", "resume", "close"};
	static const char *const returns[] = {"published", "requested", "commanded", "turned",
		"awaited", "drained", "redriven", "dismissed", "resumed", "closed"};
	static const char *const acts[] = {"subscribed", "ended", "released", "", "", "handler",
		"answered", "receipt", "outcome", "status", "hook", "healed"};

	if (record->act == SIM_BUS_CALL)
		return calls[record->what];
	return record->act == SIM_BUS_RETURN ? returns[record->what] : acts[record->act];
}
