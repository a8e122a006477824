/*
 * From a draft to an event: lent (nothing copied, nothing allocated) or kept.
 */
#include "event/event.h"

#include "event/attr.h"
#include "event/keep.h"

static const struct td_text type_json = TD_TEXT_INIT("application/json");

/* --- attributes --------------------------------------------------------------------------- */

static int set_string(
	struct td_event *event, enum td_attr attr, const char *string, struct td_error *err)
{
	if (string == NULL)
		return 0;
	return td_attr_set(event, attr, td_text(string), TD_STRING, err);
}

/* A declaration gives the type; a draft that says another contradicts itself. */
static int set_type(struct td_event *event, const struct td_draft *draft, struct td_error *err)
{
	const char *type = draft->type;

	if ((draft->object != NULL) != (draft->object_type != NULL))
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"draft: object and object_type belong together");
	if (draft->object != NULL) {
		if (type != NULL && strcmp(type, draft->object_type->name) != 0)
			return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
				"draft: type is %s, but the object is %s", type,
				draft->object_type->name);
		type = draft->object_type->name;
	}
	return set_string(event, TD_ATTR_TYPE, type, err);
}

static int set_attributes(struct td_event *event, struct td_event_scratch *scratch,
	const struct td_draft *draft, struct td_error *err)
{
	int code = set_type(event, draft, err);

	if (code == 0)
		code = set_string(event, TD_ATTR_SUBJECT, draft->subject, err);
	if (code == 0)
		code = set_string(event, TD_ATTR_ID, draft->id, err);
	if (code == 0)
		code = set_string(event, TD_ATTR_SOURCE, draft->source, err);
	if (code == 0)
		code = set_string(event, TD_ATTR_TIME, draft->time, err);
	if (code == 0)
		code = set_string(event, TD_ATTR_DATACONTENTTYPE, draft->datacontenttype, err);
	if (code == 0)
		code = set_string(event, TD_ATTR_DATASCHEMA, draft->dataschema, err);
	if (code == 0 && draft->attributes == NULL && draft->attributes_count > 0)
		return td_error_set(
			err, TD_E_INVALID, TD_NO_OFFSET, "draft: attributes: NULL, with a count");
	for (size_t i = 0; code == 0 && i < draft->attributes_count; i++) {
		const struct td_attribute *a = &draft->attributes[i];

		if (a->value.at == NULL)
			continue; /* absent, as the other members can be */
		if ((unsigned)a->type > TD_BOOLEAN)
			return td_error_set(err, TD_E_ATTRIBUTE, TD_NO_OFFSET,
				"%.*s: attributes have no type %u", TD_TEXT_ARG(a->name),
				(unsigned)a->type);
		code = td_attr_add(event, scratch->more, a->name, a->value, a->type, err);
	}
	return code;
}

/* What the draft leaves out and the place knows. */
static int fill_in(struct td_event *event, struct td_event_scratch *scratch,
	const struct td_origin *origin, struct td_error *err)
{
	if (!td_attr_has(event, TD_ATTR_ID) && origin->uuid != NULL) {
		td_uuid_format(origin->uuid, scratch->id);
		event->attr[TD_ATTR_ID] = td_text_of(scratch->id, TD_UUID_BYTES);
	}
	if (!td_attr_has(event, TD_ATTR_TIME)) {
		td_time_format(origin->now, scratch->time);
		event->attr[TD_ATTR_TIME] = td_text_of(scratch->time, TD_TIME_BYTES);
	}
	if (td_attr_has(event, TD_ATTR_SOURCE) || origin->source.at == NULL)
		return 0;
	if (origin->source_checked)
		event->attr[TD_ATTR_SOURCE] = origin->source;
	else
		return td_attr_set(event, TD_ATTR_SOURCE, origin->source, TD_STRING, err);
	return 0;
}

/* --- causation ---------------------------------------------------------------------------- */

static void inherit(struct td_event *event, enum td_attr attr, struct td_text value)
{
	if (!td_attr_has(event, attr))
		event->attr[attr] = value;
}

/* Join the cause's story, or begin one. */
static int join_story(struct td_event *event, const struct td_origin *origin, struct td_error *err)
{
	const struct td_event *cause = origin->cause;

	if (cause == NULL) {
		inherit(event, TD_ATTR_CORRELATIONID, event->attr[TD_ATTR_ID]);
		return 0;
	}
	event->causes = cause->causes + (cause->causes < TD_CAUSES_MAX);
	if (origin->causes_max != 0 && event->causes > origin->causes_max)
		return td_error_set(err, TD_E_LOOP, TD_NO_OFFSET,
			"type %.*s: a chain of %u causes, at most %u are allowed",
			TD_TEXT_ARG(event->attr[TD_ATTR_TYPE]), event->causes, origin->causes_max);
	inherit(event, TD_ATTR_CAUSATIONID, cause->attr[TD_ATTR_ID]);
	inherit(event, TD_ATTR_CORRELATIONID, td_event_correlation(cause));
	inherit(event, TD_ATTR_CORRELATIONID, cause->attr[TD_ATTR_ID]);
	if (!td_attr_has(event, TD_ATTR_TRACEPARENT)) {
		inherit(event, TD_ATTR_TRACEPARENT, cause->attr[TD_ATTR_TRACEPARENT]);
		inherit(event, TD_ATTR_TRACESTATE, cause->attr[TD_ATTR_TRACESTATE]);
	}
	return 0;
}

/* --- data --------------------------------------------------------------------------------- */

static int set_json_type(struct td_event *event, const char *member, struct td_error *err)
{
	inherit(event, TD_ATTR_DATACONTENTTYPE, type_json);
	if (td_content_type_is_json(event->attr[TD_ATTR_DATACONTENTTYPE]))
		return 0;
	return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
		"draft: %s is given, but datacontenttype is %.*s", member,
		TD_TEXT_ARG(event->attr[TD_ATTR_DATACONTENTTYPE]));
}

static int set_json(struct td_event *event, const char *text, struct td_error *err)
{
	struct td_json value;
	int code = set_json_type(event, "json", err);

	if (code != 0)
		return code;
	code = td_json_parse(td_text(text), TD_DATA_DEPTH_MAX, &value, err);
	if (code != 0)
		return td_error_wrap(err, code, "data");
	event->data = value.text;
	event->form = TD_DATA_JSON;
	return 0;
}

static int set_data(struct td_event *event, const struct td_draft *draft, struct td_error *err)
{
	if ((draft->json != NULL) + (draft->data != NULL) + (draft->object != NULL) > 1)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"draft: json, data and object exclude each other");
	if (draft->data == NULL && draft->data_bytes > 0)
		return td_error_set(
			err, TD_E_INVALID, TD_NO_OFFSET, "draft: data_bytes without data");
	if (draft->json != NULL)
		return set_json(event, draft->json, err);
	if (draft->data != NULL) {
		event->data = td_text_of(draft->data, draft->data_bytes);
		event->form = TD_DATA_BYTES;
	} else if (draft->object != NULL) {
		event->object = draft->object;
		event->object_type = draft->object_type;
		event->form = TD_DATA_JSON;
		return set_json_type(event, "object", err);
	}
	return 0;
}

static int check_data_bytes(
	const struct td_event *event, const struct td_origin *origin, struct td_error *err)
{
	size_t max = origin->data_bytes_max;

	if (max == 0 || max > TD_DATA_BYTES_MAX)
		max = TD_DATA_BYTES_MAX;
	if (event->data.len <= max)
		return 0;
	return td_error_set(err, TD_E_TOO_LARGE, TD_NO_OFFSET,
		"data: %zu bytes, at most %zu are allowed", event->data.len, max);
}

/* --- events ------------------------------------------------------------------------------- */

int td_event_lend(struct td_event *event, struct td_event_scratch *scratch,
	const struct td_draft *draft, const struct td_origin *origin, struct td_error *err)
{
	int code;

	memset(event, 0, sizeof(*event));
	event->lent = true;
	event->kind = (uint8_t)origin->kind;
	code = set_attributes(event, scratch, draft, err);
	if (code == 0)
		code = fill_in(event, scratch, origin, err);
	if (code == 0)
		code = set_data(event, draft, err);
	if (code == 0)
		code = check_data_bytes(event, origin, err);
	if (code == 0)
		code = td_attr_check_required(event, err);
	if (code == 0)
		code = join_story(event, origin, err);
	if (code == 0)
		code = td_keep_address(event, scratch->address, err);
	if (code == 0)
		code = td_attr_check_bytes(event, err);
	return code;
}

int td_event_make(struct td_event **event, const struct td_draft *draft,
	const struct td_origin *origin, struct td_error *err)
{
	struct td_event lent;
	struct td_event_scratch scratch;
	struct td_event *made;
	int code = td_event_lend(&lent, &scratch, draft, origin, err);

	if (code != 0)
		return code;
	made = td_event_copy(&lent);
	td_event_lend_end(&lent);
	if (made == NULL)
		return td_error_nomem(err);
	*event = made;
	return 0;
}

int td_event_with_data(struct td_event **out, const struct td_event *event, struct td_text data,
	enum td_data_form form, struct td_text content_type, struct td_error *err)
{
	struct td_event lent;
	struct td_event *made;
	int code = 0;

	td_keep_view(&lent, event);
	if (content_type.at != NULL) {
		lent.attr[TD_ATTR_DATACONTENTTYPE] = td_text_of(NULL, 0);
		code = td_attr_set(&lent, TD_ATTR_DATACONTENTTYPE, content_type, TD_STRING, err);
	}
	lent.object = NULL;
	lent.object_type = NULL;
	lent.data = form == TD_DATA_NONE ? td_text_of(NULL, 0)
					 : td_text_of(data.at ? data.at : "", data.len);
	lent.form = (uint8_t)form;
	if (code == 0)
		code = check_data_bytes(&lent, &(struct td_origin){0}, err);
	if (code == 0)
		code = td_attr_check_bytes(&lent, err);
	if (code != 0)
		return code;
	made = td_event_copy(&lent);
	if (made == NULL)
		return td_error_nomem(err);
	*out = made;
	return 0;
}
