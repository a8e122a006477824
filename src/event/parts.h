/*
 * parts: an event while it is read. A view that gathers what the input says, attribute by
 * attribute, checked as it comes; at the end the kept event is made of it in one copy.
 */
#ifndef TD_EVENT_PARTS_H
#define TD_EVENT_PARTS_H

#include "event/event.h"

struct td_parts {
	struct td_event event; /* its texts stand in the input, or in the arena if decoded */
	struct td_attribute more[TD_EXTENSIONS_MAX];
	char address[TD_ADDRESS_BYTES_MAX]; /* room for the address, or what it decodes to */
	struct td_arena arena;
};

void td_parts_init(struct td_parts *parts); /* more and address are not cleared */
void td_parts_fini(struct td_parts *parts);
/* TD_E_ATTRIBUTE: this library speaks 1.0. */
int td_parts_specversion(struct td_text value, struct td_error *err);
/*
 * An attribute (or specversion) of a header, its value as it stands there. Errors: as
 * td_attr_add(); the offset is in the value, if any.
 */
int td_parts_add_header(
	struct td_parts *parts, struct td_text name, struct td_text value, struct td_error *err);
/* Check what concerns the whole, and copy. The address must be set. */
int td_parts_keep(struct td_parts *parts, struct td_event **event, struct td_error *err);

#endif
