/*
 * What is due when: a binary heap, the earliest first, and of two for the same moment the one that
 * was entered first. The time lies beside the pointer, so sifting touches nothing else.
 */
#ifndef TD_DELIVERY_AGENDA_H
#define TD_DELIVERY_AGENDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct td_entry;

struct td_appointment {
	int64_t due_ms;
	uint64_t number; /* order of entering */
	struct td_entry *entry;
};

struct td_agenda {
	struct td_appointment *items;
	size_t count, cap;
	uint64_t entered;
};

void td_agenda_init(struct td_agenda *agenda);
void td_agenda_fini(struct td_agenda *agenda);
/* Room for `count` in all, and some beyond but not above `max`. false: no memory. */
bool td_agenda_reserve(struct td_agenda *agenda, size_t count, size_t max);
/* There must be room. */
void td_agenda_enter(struct td_agenda *agenda, int64_t due_ms, struct td_entry *entry);
/* Remove the earliest; there must be one: items[0]. */
struct td_entry *td_agenda_remove(struct td_agenda *agenda);
void td_agenda_verify(const struct td_agenda *agenda);

#endif
