#include "bus/private.h"

#include <stdio.h>

/*
 * Subscriptions that are fed by their owner: a lane like any other, without a place in the trie.
 */

struct td *td_bus_subscription_place(const struct td_subscription *s)
{
	return s->bus->owner;
}

bool td_bus_wants(const struct td_subscription *s, const struct td_event *event)
{
	bool type = s->types_count == 0;

	if (!td_pattern_matches(td_text(s->pattern), event->address))
		return false;
	for (size_t i = 0; i < s->types_count && !type; i++)
		type = td_text_is(event->attr[TD_ATTR_TYPE], s->types[i]);
	if (td_bus_is_own(event->attr[TD_ATTR_TYPE]) && !s->hears_own)
		return false;
	return type && td_bus_passes(s, event);
}

int td_bus_feed(
	struct td_subscription *s, struct td_event *event, uint64_t number, struct td_error *err)
{
	struct td_owed owed = {.book_number = TD_BOOK_NONE, .number = number};
	struct td_lane *lane = atomic_load(&s->lane);
	struct td_bus *bus = s->bus;
	struct td_inside inside;
	bool dropped;
	int code;

	TD_ASSERT(s->feed != NULL && lane != NULL);
	if (atomic_load(&bus->closing) || !atomic_load(&s->live))
		return td_error_set(
			err, TD_E_CLOSED, TD_NO_OFFSET, "subscription %s ended", s->name);
	if (!td_bus_enter(bus, &inside))
		return td_error_nomem(err);
	code = td_lane_reserve(lane, false, &dropped);
	TD_ASSERT(!dropped); /* only an observer's */
	if (code == 0 && s->select != NULL) {
		int selected = td_select_apply(s->select, event, &owed.event, NULL);

		if (selected != 0) {
			td_lane_unreserve(lane);
			if (selected == TD_E_NOMEM)
				code = selected;
			else
				s->feed->settled(s->feed->arg, number, TD_FAILED);
			td_bus_leave(&inside);
			return code;
		}
	} else if (code == 0) {
		owed.event = td_event_ref(event);
	}
	if (code == 0)
		td_lane_push(lane, &owed);
	else if (code != TD_E_FULL)
		td_error_set(err, code, TD_NO_OFFSET, "subscription %s: %s", s->name,
			td_error_meaning(code));
	td_bus_leave(&inside);
	return code;
}

int td_bus_decide(struct td_subscription *s, const struct td_event *event, char *reason)
{
	struct td_slot slot = {s->handler, s->arg, s};
	struct td_cascade own;
	struct td_context context;
	int code;

	td_cascade_init(&own, NULL, NULL);
	td_context_init(&context, event, &slot, &own);
	code = td_bus_call(s->bus, &context);
	TD_ASSERT(own.head == NULL);
	if (code != 0)
		snprintf(reason, TD_ERROR_TEXT_BYTES, "%.64s: %.170s", s->name, context.reason);
	return code;
}
