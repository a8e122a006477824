/*
 * Looking at an event. There may be none (an empty reply, a receipt before its publish): then all
 * of it is absent.
 */
#include "event/event.h"

#include <strings.h>

#include "event/attr.h"

static const struct td_text absent = {NULL, 0};

static struct td_text attr_of(const struct td_event *event, enum td_attr attr)
{
	return event != NULL ? event->attr[attr] : absent;
}

struct td_text td_event_id(const struct td_event *event)
{
	return attr_of(event, TD_ATTR_ID);
}

struct td_text td_event_source(const struct td_event *event)
{
	return attr_of(event, TD_ATTR_SOURCE);
}

struct td_text td_event_type(const struct td_event *event)
{
	return attr_of(event, TD_ATTR_TYPE);
}

struct td_text td_event_subject(const struct td_event *event)
{
	return attr_of(event, TD_ATTR_SUBJECT);
}

struct td_text td_event_time(const struct td_event *event)
{
	return attr_of(event, TD_ATTR_TIME);
}

int td_event_time_ns(const struct td_event *event, td_time *time, struct td_error *err)
{
	struct td_text text = td_event_time(event);

	TD_CHECK_GIVEN(time, err);
	if (text.at == NULL)
		return td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET, "time: there is none");
	return td_time_parse(text, time, err);
}

struct td_text td_event_correlation(const struct td_event *event)
{
	return attr_of(event, TD_ATTR_CORRELATIONID);
}

struct td_text td_event_causation(const struct td_event *event)
{
	return attr_of(event, TD_ATTR_CAUSATIONID);
}

enum td_kind td_event_kind(const struct td_event *event)
{
	return event != NULL ? (enum td_kind)event->kind : TD_EVENT_KIND;
}

struct td_text td_event_address(const struct td_event *event)
{
	return event != NULL ? event->address : absent;
}

struct td_text td_event_lookup(
	const struct td_event *event, struct td_text name, enum td_attribute_type *type)
{
	static const struct td_text specversion = TD_TEXT_INIT("1.0");
	enum td_attribute_type unwanted;
	enum td_attr attr = td_attr_find(name);

	type = type != NULL ? type : &unwanted;
	*type = TD_STRING;
	if (attr < TD_ATTR_COUNT) {
		*type = td_attr_type(event, attr);
		return event->attr[attr];
	}
	for (uint32_t i = 0; i < event->more_count; i++) {
		if (!td_text_equal(event->more[i].name, name))
			continue;
		*type = event->more[i].type;
		return event->more[i].value;
	}
	return td_text_is(name, "specversion") ? specversion : absent;
}

struct td_text td_event_get(const struct td_event *event, const char *name)
{
	if (event == NULL || name == NULL)
		return absent;
	return td_event_lookup(event, td_text(name), NULL);
}

size_t td_event_attributes_count(const struct td_event *event)
{
	size_t count;

	if (event == NULL)
		return 0;
	count = event->more_count;
	for (size_t i = 0; i < TD_ATTR_COUNT; i++)
		count += event->attr[i].at != NULL;
	return count;
}

struct td_attribute td_event_attribute(const struct td_event *event, size_t i)
{
	static const struct td_attribute none = {{NULL, 0}, {NULL, 0}, TD_STRING};

	if (event == NULL)
		return none;
	for (enum td_attr attr = 0; attr < TD_ATTR_COUNT; attr++)
		if (td_attr_has(event, attr) && i-- == 0)
			return (struct td_attribute){
				td_attr_names[attr], event->attr[attr], td_attr_type(event, attr)};
	return i < event->more_count ? event->more[i] : none;
}

/* --- content types ------------------------------------------------------------------------ */

/* Without case, as media types compare. */
static bool ends_with(struct td_text text, const char *end)
{
	size_t len = strlen(end);

	return text.len >= len && strncasecmp(text.at + text.len - len, end, len) == 0;
}

bool td_content_type_is_json(struct td_text content_type)
{
	const char *semicolon;

	if (content_type.at == NULL)
		return true;
	semicolon = memchr(content_type.at, ';', content_type.len);
	if (semicolon != NULL)
		content_type.len = (size_t)(semicolon - content_type.at);
	while (content_type.len > 0 && content_type.at[content_type.len - 1] == ' ')
		content_type.len--;
	return ends_with(content_type, "/json") || ends_with(content_type, "+json");
}
