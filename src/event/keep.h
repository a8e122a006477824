/*
 * keep: how long events live. A view on one, the address it stands under, and the one block of a
 * kept event.
 */
#ifndef TD_EVENT_KEEP_H
#define TD_EVENT_KEEP_H

#include "event/event.h"

/* A lent event with everything the other has; borrowed from it, and without its copies. */
void td_keep_view(struct td_event *view, const struct td_event *event);
/* Set event->address from its subject, or its type. Room in `out`: TD_ADDRESS_BYTES_MAX. */
int td_keep_address(struct td_event *event, char *out, struct td_error *err);

#endif
