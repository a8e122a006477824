/*
 * attr: an event's attributes by name, each checked as it is set.
 */
#ifndef TD_EVENT_ATTR_H
#define TD_EVENT_ATTR_H

#include "event/event.h"

/*
 * Set a known attribute. Errors, all beginning with its name: TD_E_ATTRIBUTE (given twice, empty,
 * malformed), TD_E_TOO_LARGE.
 */
int td_attr_set(struct td_event *event, enum td_attr attr, struct td_text value,
	enum td_attribute_type type, struct td_error *err);
/*
 * The same by name; names that are not known go to more[event->more_count++], which has room for
 * TD_EXTENSIONS_MAX. TD_E_ATTRIBUTE also for a bad name, TD_E_LIMIT for one extension too many.
 */
int td_attr_add(struct td_event *event, struct td_attribute *more, struct td_text name,
	struct td_text value, enum td_attribute_type type, struct td_error *err);
/* Whether the required ones are there: TD_E_ATTRIBUTE. */
int td_attr_check_required(const struct td_event *event, struct td_error *err);
/*
 * Whether all fit into TD_HEADER_BYTES_MAX: TD_E_TOO_LARGE. Allocates only where that is near:
 * then also TD_E_NOMEM.
 */
int td_attr_check_bytes(const struct td_event *event, struct td_error *err);

/* [a-z0-9]{1,64}, and none of the names that are not attributes: data data_base64 specversion. */
int td_attr_check_name(struct td_text name, struct td_error *err);
/* The same as td_attr_set(), without setting. name: as it is called in the error. */
int td_attr_check_value(enum td_attr attr, struct td_text name, struct td_text value,
	enum td_attribute_type type, struct td_error *err);
enum td_attribute_type td_attr_type(const struct td_event *event, enum td_attr attr);

static inline bool td_attr_has(const struct td_event *event, enum td_attr attr)
{
	return event->attr[attr].at != NULL;
}

#endif
