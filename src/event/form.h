/*
 * form: what headers cannot say of an event, and the header `td-form` remembers
 * (doc/format/event.md).
 */
#ifndef TD_EVENT_FORM_H
#define TD_EVENT_FORM_H

#include "event/event.h"

/* The form that bytes of a content type take in JSON if nothing else was said. */
enum td_data_form td_form_natural(struct td_text content_type);
/*
 * The content type as headers carry it: where JSON data came without one, the one that was meant is
 * written out (CloudEvents JSON format, section 3.1).
 */
struct td_text td_form_content_type(const struct td_event *event);

/* Append the value of td-form; nothing if there is nothing to remember. */
void td_form_write(const struct td_event *event, struct td_buf *buf);

/* Give schemaversion, read from a header, the type it has where nothing is remembered. */
void td_form_assume(struct td_event *event);

struct td_form {
	bool no_subject;      /* the address stands for the type */
	bool no_content_type; /* the content type is only what was meant */
	bool data_said;
	enum td_data_form data;
};
/*
 * Read it. Types go straight to the event's attributes, `more` being its extensions. TD_E_FORMAT;
 * TD_E_ATTRIBUTE if a value is not of the type said.
 */
int td_form_read(struct td_form *form, struct td_event *event, struct td_attribute *more,
	struct td_text text, struct td_error *err);

#endif
