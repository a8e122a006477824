#include "event/form.h"

#include <strings.h>

#include "event/attr.h"
#include "event/rule.h"

enum td_data_form td_form_natural(struct td_text content_type)
{
	static const char text[] = "text/";

	if (content_type.at == NULL)
		return TD_DATA_BASE64; /* nothing is known of the bytes */
	if (td_content_type_is_json(content_type))
		return TD_DATA_JSON;
	if (content_type.len > strlen(text) &&
		strncasecmp(content_type.at, text, strlen(text)) == 0)
		return TD_DATA_TEXT;
	return TD_DATA_BASE64;
}

struct td_text td_form_content_type(const struct td_event *event)
{
	static const struct td_text json = TD_TEXT_INIT("application/json");

	if (event->form == TD_DATA_JSON && !td_attr_has(event, TD_ATTR_DATACONTENTTYPE))
		return json;
	return event->attr[TD_ATTR_DATACONTENTTYPE];
}

/* --- writing ------------------------------------------------------------------------------ */

static const struct td_text data_names[] = {
	[TD_DATA_BYTES] = TD_TEXT_INIT("bytes"),
	[TD_DATA_JSON] = TD_TEXT_INIT("json"),
	[TD_DATA_TEXT] = TD_TEXT_INIT("text"),
	[TD_DATA_BASE64] = TD_TEXT_INIT("base64"),
};

/* A reader takes a payload for BYTES, and an empty one for none. */
static bool must_say_data(const struct td_event *event)
{
	if (event->form == TD_DATA_NONE || event->object != NULL)
		return false;
	if (event->data.len == 0)
		return true;
	return event->form != TD_DATA_BYTES &&
	       event->form != td_form_natural(td_form_content_type(event));
}

/* Without a word, schemaversion is an integer if it can be one; all others are strings. */
static enum td_attribute_type assumed_type(enum td_attr attr, struct td_text value)
{
	if (attr == TD_ATTR_SCHEMAVERSION && td_rule_integer(value) == NULL)
		return TD_INTEGER;
	return TD_STRING;
}

struct list {
	struct td_buf *buf;
	size_t start; /* of all items */
	const char *key;
	bool open;
};

static void begin_item(struct td_buf *buf, size_t start, const char *item)
{
	if (buf->len > start)
		td_buf_add_char(buf, ';');
	td_buf_add_string(buf, item);
}

static void list_name(struct list *list, struct td_text name)
{
	if (!list->open)
		begin_item(list->buf, list->start, list->key);
	td_buf_add_char(list->buf, list->open ? ',' : ':');
	td_buf_add_text(list->buf, name);
	list->open = true;
}

static void write_type(const struct td_event *event, enum td_attribute_type type, const char *key,
	struct td_buf *buf, size_t start)
{
	struct list list = {buf, start, key, false};

	for (enum td_attr attr = 0; attr < TD_ATTR_COUNT; attr++)
		if (td_attr_has(event, attr) && td_attr_type(event, attr) == type &&
			assumed_type(attr, event->attr[attr]) != type)
			list_name(&list, td_attr_names[attr]);
	for (uint32_t i = 0; i < event->more_count; i++)
		if (event->more[i].type == type && type != TD_STRING)
			list_name(&list, event->more[i].name);
}

void td_form_write(const struct td_event *event, struct td_buf *buf)
{
	size_t start = buf->len;

	if (must_say_data(event)) {
		td_buf_add_string(buf, "data:");
		td_buf_add_text(buf, data_names[event->form]);
	}
	if (td_form_content_type(event).at != event->attr[TD_ATTR_DATACONTENTTYPE].at)
		begin_item(buf, start, "no-datacontenttype");
	if (!td_attr_has(event, TD_ATTR_SUBJECT))
		begin_item(buf, start, "no-subject");
	if ((event->integers | event->booleans) == 0 && event->more_count == 0 &&
		!td_attr_has(event, TD_ATTR_SCHEMAVERSION))
		return; /* nothing but strings, as mostly */
	write_type(event, TD_INTEGER, "int", buf, start);
	write_type(event, TD_BOOLEAN, "bool", buf, start);
	write_type(event, TD_STRING, "string", buf, start);
}

/* --- reading ------------------------------------------------------------------------------ */

/* What stands before the next `mark`, which is taken away too. false at the end. */
static bool split(struct td_text *rest, char mark, struct td_text *piece)
{
	const char *end;

	if (rest->at == NULL)
		return false;
	end = memchr(rest->at, mark, rest->len);
	if (end == NULL) {
		*piece = *rest;
		*rest = td_text_of(NULL, 0);
		return true;
	}
	*piece = td_text_of(rest->at, (size_t)(end - rest->at));
	*rest = td_text_of(end + 1, rest->len - piece->len - 1);
	return true;
}

static int not_understood(struct td_error *err)
{
	return td_error_set(err, TD_E_FORMAT, TD_NO_OFFSET, "td-form: not understood");
}

static int set_type(struct td_event *event, struct td_attribute *more, struct td_text name,
	enum td_attribute_type type, struct td_error *err)
{
	enum td_attr attr = td_attr_find(name);
	int code;

	if (attr < TD_ATTR_COUNT && td_attr_has(event, attr)) {
		code = td_attr_check_value(attr, name, event->attr[attr], type, err);
		if (code != 0)
			return code;
		event->integers &= ~(1u << attr);
		event->integers |= type == TD_INTEGER ? 1u << attr : 0;
		event->booleans |= type == TD_BOOLEAN ? 1u << attr : 0;
		return 0;
	}
	for (uint32_t i = 0; i < event->more_count; i++) {
		if (!td_text_equal(more[i].name, name))
			continue;
		more[i].type = type;
		return td_attr_check_value(TD_ATTR_COUNT, name, more[i].value, type, err);
	}
	return not_understood(err);
}

static int read_types(struct td_event *event, struct td_attribute *more, struct td_text names,
	enum td_attribute_type type, struct td_error *err)
{
	struct td_text name;
	int code = 0;

	while (code == 0 && split(&names, ',', &name))
		code = set_type(event, more, name, type, err);
	return code;
}

static int read_data(struct td_form *form, struct td_text name, struct td_error *err)
{
	for (enum td_data_form data = TD_DATA_BYTES; data <= TD_DATA_BASE64; data++) {
		if (!td_text_equal(name, data_names[data]))
			continue;
		form->data = data;
		form->data_said = true;
		return 0;
	}
	return not_understood(err);
}

static int read_item(struct td_form *form, struct td_event *event, struct td_attribute *more,
	struct td_text item, struct td_error *err)
{
	struct td_text key = {NULL, 0};

	split(&item, ':', &key);
	if (item.at == NULL) {
		if (td_text_is(key, "no-subject"))
			form->no_subject = true;
		else if (td_text_is(key, "no-datacontenttype"))
			form->no_content_type = true;
		else
			return not_understood(err);
		return 0;
	}
	if (td_text_is(key, "data"))
		return read_data(form, item, err);
	if (td_text_is(key, "int"))
		return read_types(event, more, item, TD_INTEGER, err);
	if (td_text_is(key, "bool"))
		return read_types(event, more, item, TD_BOOLEAN, err);
	if (td_text_is(key, "string"))
		return read_types(event, more, item, TD_STRING, err);
	return not_understood(err);
}

void td_form_assume(struct td_event *event)
{
	struct td_text version = event->attr[TD_ATTR_SCHEMAVERSION];

	if (version.at != NULL && assumed_type(TD_ATTR_SCHEMAVERSION, version) == TD_INTEGER)
		event->integers |= 1u << TD_ATTR_SCHEMAVERSION;
}

int td_form_read(struct td_form *form, struct td_event *event, struct td_attribute *more,
	struct td_text text, struct td_error *err)
{
	struct td_text item;
	int code = 0;

	*form = (struct td_form){0};
	td_form_assume(event);
	while (code == 0 && split(&text, ';', &item))
		code = read_item(form, event, more, item, err);
	if (code == 0 && form->no_subject && td_attr_has(event, TD_ATTR_SUBJECT))
		code = not_understood(err);
	if (code == 0 && form->no_content_type && form->data_said && form->data != TD_DATA_JSON)
		code = not_understood(err);
	if (code == 0 && form->no_content_type &&
		(!td_attr_has(event, TD_ATTR_DATACONTENTTYPE) ||
			!td_content_type_is_json(event->attr[TD_ATTR_DATACONTENTTYPE])))
		code = not_understood(err);
	return code;
}
