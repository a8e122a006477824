/*
 * CloudEvents JSON ("structured mode"), CloudEvents JSON format 1.0.2: one object per event.
 * Payload bytes that are JSON already stand in it as they are.
 */
#include "event/event.h"

#include "event/attr.h"
#include "event/form.h"
#include "event/keep.h"
#include "event/parts.h"
#include "event/percent.h"

/* --- writing ------------------------------------------------------------------------------ */

static void write_attribute(struct td_json_writer *out, struct td_text name, struct td_text value,
	enum td_attribute_type type)
{
	td_json_name(out, name);
	if (type == TD_STRING)
		td_json_string(out, value);
	else
		td_json_raw(out, value); /* their canonical strings are JSON */
}

static void write_attributes(const struct td_event *event, struct td_json_writer *out)
{
	td_json_name(out, td_text("specversion"));
	td_json_string(out, td_text("1.0"));
	for (enum td_attr attr = 0; attr < TD_ATTR_COUNT; attr++)
		if (td_attr_has(event, attr))
			write_attribute(out, td_attr_names[attr], event->attr[attr],
				td_attr_type(event, attr));
	for (uint32_t i = 0; i < event->more_count; i++)
		write_attribute(
			out, event->more[i].name, event->more[i].value, event->more[i].type);
}

/* How the bytes can stand in JSON: as their form says where that is possible, else as base64. */
static enum td_data_form possible_form(
	const struct td_event *event, struct td_text data, struct td_json *value)
{
	struct td_text content_type = event->attr[TD_ATTR_DATACONTENTTYPE];
	enum td_data_form form = (enum td_data_form)event->form;

	if (form == TD_DATA_BYTES)
		form = td_form_natural(content_type);
	/* A reader judges by the content type, so the form must agree with that. */
	if (form == TD_DATA_JSON && td_content_type_is_json(content_type) &&
		td_json_parse(data, TD_DATA_DEPTH_MAX, value, NULL) == 0)
		return TD_DATA_JSON;
	if (form == TD_DATA_TEXT && !td_content_type_is_json(content_type) &&
		td_utf8_valid(data.at, data.len) == data.len)
		return TD_DATA_TEXT;
	return TD_DATA_BASE64;
}

static void write_data(const struct td_event *event, struct td_text data, struct td_buf *buf,
	struct td_json_writer *out)
{
	enum td_data_form form;
	struct td_json value;

	if (data.at == NULL)
		return;
	form = possible_form(event, data, &value);
	td_json_name(out, td_text(form == TD_DATA_BASE64 ? "data_base64" : "data"));
	if (form == TD_DATA_JSON) {
		td_json_raw(out, value.text);
	} else if (form == TD_DATA_TEXT) {
		td_json_string(out, data);
	} else {
		td_json_raw(out, td_text("\""));
		td_base64_encode(buf, data);
		td_buf_add_char(buf, '"');
	}
}

int td_event_write_json(const struct td_event *event, struct td_buf *buf, struct td_error *err)
{
	struct td_json_writer out;
	struct td_text data;
	int code = td_event_data_get(event, &data, err);

	if (code != 0)
		return code;
	td_json_writer_init(&out, buf);
	td_json_open_object(&out);
	write_attributes(event, &out);
	write_data(event, data, buf, &out);
	td_json_close_object(&out);
	return td_buf_check(buf, err);
}

/* --- strings ------------------------------------------------------------------------------ */

struct reader {
	struct td_parts parts;
	struct td_buf value; /* the string being unescaped */
	struct td_buf bytes; /* data that had to be decoded */
	struct td_json data, data_base64;
	bool specversion;
};

static int wrong(struct td_error *err, struct td_text name, const char *what)
{
	return td_error_set(err, TD_E_ATTRIBUTE, TD_NO_OFFSET, "%.*s: %s", TD_TEXT_ARG(name), what);
}

/* The unit of "\uXXXX" at `at`, 0 if that is not what stands there. */
static unsigned unit_at(const char *at, const char *end)
{
	unsigned unit = 0;

	if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
		return 0;
	for (int i = 2; i < 6; i++)
		unit = unit << 4 | (unsigned)td_hex_value(at[i]);
	return unit;
}

/*
 * Strings of CloudEvents are of Unicode scalars; JSON's can hold half a pair of surrogates, which
 * unescaping would turn into something else.
 */
static bool has_lone_surrogate(struct td_text inside)
{
	const char *at = inside.at, *end = at + inside.len;

	while ((at = memchr(at, '\\', (size_t)(end - at))) != NULL) {
		unsigned unit = unit_at(at, end);

		if (unit < 0xD800 || unit > 0xDFFF) {
			at += 2;
			continue;
		}
		at += 6;
		unit = unit > 0xDBFF ? 0 : unit_at(at, end);
		if (unit < 0xDC00 || unit > 0xDFFF)
			return true;
		at += 6;
	}
	return false;
}

/* A string's value: in the input, or in `buf` if it had escapes. */
static int read_string(struct td_json string, struct td_text name, struct td_buf *buf,
	struct td_text *value, struct td_error *err)
{
	int code;

	*value = td_json_inside(string);
	if (td_json_plain(string))
		return 0;
	if (has_lone_surrogate(*value))
		return wrong(err, name, "half a pair of surrogates");
	td_buf_reset(buf);
	td_json_unescape(string, buf);
	code = td_buf_check(buf, err);
	if (code != 0)
		return td_error_wrap(err, code, "%.*s", TD_TEXT_ARG(name));
	*value = td_buf_view(buf);
	return 0;
}

/* The same, to stay: in the input or in the arena. */
static int keep_string(struct reader *in, struct td_json string, struct td_text name,
	struct td_text *value, struct td_error *err)
{
	int code = read_string(string, name, &in->value, value, err);

	if (code != 0 || td_json_plain(string))
		return code;
	*value = td_arena_copy(&in->parts.arena, *value);
	return value->at != NULL ? 0 : td_error_nomem(err);
}

/* --- members ------------------------------------------------------------------------------ */

static int read_specversion(struct reader *in, struct td_json value, struct td_error *err)
{
	if (in->specversion)
		return wrong(err, td_text("specversion"), "given twice");
	in->specversion = true;
	if (value.kind != TD_JSON_STRING || !td_json_string_is(value, td_text("1.0")))
		return wrong(err, td_text("specversion"), "only \"1.0\" is known");
	return 0;
}

static int read_attribute(
	struct reader *in, struct td_text name, struct td_json value, struct td_error *err)
{
	enum td_attribute_type type = TD_STRING;
	struct td_text text = value.text;
	int code;

	if (td_attr_find(name) == TD_ATTR_COUNT) {
		code = td_attr_check_name(name, err);
		if (code != 0)
			return code;
	}
	switch (value.kind) {
	case TD_JSON_NULL:
		return 0; /* the same as absent */
	case TD_JSON_NUMBER:
		type = TD_INTEGER;
		break;
	case TD_JSON_TRUE:
	case TD_JSON_FALSE:
		type = TD_BOOLEAN;
		break;
	case TD_JSON_STRING:
		code = keep_string(in, value, name, &text, err);
		if (code != 0)
			return code;
		break;
	case TD_JSON_NONE:
	case TD_JSON_ARRAY:
	case TD_JSON_OBJECT:
	default:
		return wrong(err, name, "an attribute is a string, an integer or a boolean");
	}
	return td_attr_add(&in->parts.event, in->parts.more, name, text, type, err);
}

static int read_payload(
	struct td_json *payload, const char *name, struct td_json value, struct td_error *err)
{
	if (payload->kind != TD_JSON_NONE)
		return wrong(err, td_text(name), "given twice");
	*payload = value;
	return 0;
}

static int read_member(
	struct reader *in, struct td_json name, struct td_json value, struct td_error *err)
{
	struct td_text text;
	int code = keep_string(in, name, td_text("attribute name"), &text, err);

	if (code != 0)
		return code;
	if (td_text_is(text, "data"))
		return read_payload(&in->data, "data", value, err);
	if (td_text_is(text, "data_base64"))
		return read_payload(&in->data_base64, "data_base64", value, err);
	if (td_text_is(text, "specversion"))
		return read_specversion(in, value, err);
	return read_attribute(in, text, value, err);
}

/* --- data --------------------------------------------------------------------------------- */

static int read_text_data(struct reader *in, struct td_error *err)
{
	struct td_event *event = &in->parts.event;
	static const struct td_text name = TD_TEXT_INIT("data");

	if (in->data.kind == TD_JSON_NULL)
		return 0; /* no text */
	if (in->data.kind != TD_JSON_STRING)
		return td_error_set(err, TD_E_ATTRIBUTE, TD_NO_OFFSET,
			"data: a string is needed, since datacontenttype is %.*s",
			TD_TEXT_ARG(event->attr[TD_ATTR_DATACONTENTTYPE]));
	event->form = TD_DATA_TEXT;
	return read_string(in->data, name, &in->bytes, &event->data, err);
}

static int read_base64_data(struct reader *in, struct td_error *err)
{
	struct td_event *event = &in->parts.event;
	struct td_buf text = TD_BUF_INIT(TD_DATA_BYTES_MAX * 2);
	struct td_text base64;
	int code;

	if (in->data_base64.kind != TD_JSON_STRING)
		return wrong(err, td_text("data_base64"), "a string is needed");
	/* Some writers escape its slashes. */
	code = read_string(in->data_base64, td_text("data_base64"), &text, &base64, err);
	if (code != 0)
		goto done;
	td_buf_add(&in->bytes, "", 0); /* no bytes are data too */
	code = td_base64_decode(&in->bytes, base64, err);
	if (code != 0) {
		code = td_error_wrap(
			err, code == TD_E_FORMAT ? TD_E_ATTRIBUTE : code, "data_base64");
		goto done;
	}
	event->data = td_buf_view(&in->bytes);
	event->form = TD_DATA_BASE64;
done:
	td_buf_fini(&text);
	return code;
}

static int read_data(struct reader *in, struct td_error *err)
{
	struct td_event *event = &in->parts.event;
	bool base64 = in->data_base64.kind != TD_JSON_NONE && in->data_base64.kind != TD_JSON_NULL;

	if (base64 && in->data.kind != TD_JSON_NONE)
		return wrong(err, td_text("data"), "data_base64 is there too");
	if (base64)
		return read_base64_data(in, err);
	if (in->data.kind == TD_JSON_NONE)
		return 0;
	if (!td_content_type_is_json(event->attr[TD_ATTR_DATACONTENTTYPE]))
		return read_text_data(in, err);
	event->data = in->data.text;
	event->form = TD_DATA_JSON;
	return 0;
}

/* --- the event ---------------------------------------------------------------------------- */

static int read_members(struct reader *in, struct td_json object, struct td_error *err)
{
	struct td_json_iter iter = td_json_iterate(object);
	struct td_json name, value;

	while (td_json_next(&iter, &name, &value)) {
		int code = read_member(in, name, value, err);

		if (code == 0)
			continue;
		if (err != NULL)
			err->offset = (size_t)(value.text.at - object.text.at);
		return code;
	}
	return in->specversion ? 0 : wrong(err, td_text("specversion"), "missing");
}

static int read_event(
	struct reader *in, struct td_json object, struct td_event **event, struct td_error *err)
{
	int code = read_members(in, object, err);

	if (code == 0)
		code = td_attr_check_required(&in->parts.event, err);
	if (code == 0)
		code = td_keep_address(&in->parts.event, in->parts.address, err);
	if (code == 0)
		code = read_data(in, err);
	if (code == 0)
		code = td_parts_keep(&in->parts, event, err);
	return code;
}

int td_event_read_json(struct td_event **event, struct td_json object, struct td_error *err)
{
	struct reader in;
	int code;

	if (object.kind != TD_JSON_OBJECT)
		return td_error_set(err, TD_E_FORMAT, 0, "an event is a JSON object");
	td_parts_init(&in.parts);
	td_buf_init(&in.value, TD_ATTRIBUTE_BYTES_MAX);
	td_buf_init(&in.bytes, TD_DATA_BYTES_MAX);
	in.data = in.data_base64 = (struct td_json){TD_JSON_NONE, {NULL, 0}};
	in.specversion = false;
	code = read_event(&in, object, event, err);
	td_parts_fini(&in.parts);
	td_buf_fini(&in.value);
	td_buf_fini(&in.bytes);
	return code;
}
