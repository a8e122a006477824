#include "delivery/agenda.h"

#include <stdlib.h>

#include "base/base.h"

void td_agenda_init(struct td_agenda *agenda)
{
	*agenda = (struct td_agenda){0};
}

void td_agenda_fini(struct td_agenda *agenda)
{
	free(agenda->items);
	td_agenda_init(agenda);
}

bool td_agenda_reserve(struct td_agenda *agenda, size_t count, size_t max)
{
	struct td_appointment *items;
	size_t cap = agenda->cap * 2;

	if (count <= agenda->cap)
		return true;
	if (cap > max)
		cap = max;
	if (cap < count)
		cap = count < 16 && max >= 16 ? 16 : count;
	if (cap > SIZE_MAX / sizeof(*items))
		return false;
	items = realloc(agenda->items, cap * sizeof(*items));
	if (items == NULL)
		return false;
	agenda->items = items;
	agenda->cap = cap;
	return true;
}

static bool before(const struct td_appointment *a, const struct td_appointment *b)
{
	return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->number < b->number;
}

void td_agenda_enter(struct td_agenda *agenda, int64_t due_ms, struct td_entry *entry)
{
	struct td_appointment item = {due_ms, agenda->entered++, entry};
	size_t at = agenda->count++;

	TD_ASSERT(at < agenda->cap);
	while (at > 0 && before(&item, &agenda->items[(at - 1) / 2])) {
		agenda->items[at] = agenda->items[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	agenda->items[at] = item;
}

struct td_entry *td_agenda_remove(struct td_agenda *agenda)
{
	struct td_entry *entry;
	struct td_appointment last;
	size_t at = 0;

	TD_ASSERT(agenda->count > 0);
	entry = agenda->items[0].entry;
	last = agenda->items[--agenda->count];
	for (size_t child; (child = 2 * at + 1) < agenda->count; at = child) {
		if (child + 1 < agenda->count &&
			before(&agenda->items[child + 1], &agenda->items[child]))
			child++;
		if (!before(&agenda->items[child], &last))
			break;
		agenda->items[at] = agenda->items[child];
	}
	agenda->items[at] = last;
	return entry;
}

void td_agenda_verify(const struct td_agenda *agenda)
{
	TD_ASSERT(agenda->count <= agenda->cap);
	for (size_t i = 1; i < agenda->count; i++)
		TD_ASSERT(before(&agenda->items[(i - 1) / 2], &agenda->items[i]));
}
