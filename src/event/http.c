/*
 * HTTP binary mode, CloudEvents HTTP binding 1.0.2, section 3.1. What HTTP cannot say is not kept:
 * types of extensions, and whether an empty body is data of no bytes.
 */
#include "event/event.h"

#include <strings.h>

#include "event/attr.h"
#include "event/form.h"
#include "event/keep.h"
#include "event/parts.h"
#include "event/percent.h"

/* --- writing ------------------------------------------------------------------------------ */

typedef void add_header(void *arg, struct td_text name, struct td_text value);

static void write_attribute(struct td_text name, struct td_text value, add_header *add, void *arg)
{
	char header[3 + TD_NAME_BYTES_MAX] = "ce-";
	char encoded[3 * TD_ATTRIBUTE_BYTES_MAX];
	const char *end;

	TD_ASSERT(name.len <= TD_NAME_BYTES_MAX && value.len <= TD_ATTRIBUTE_BYTES_MAX);
	memcpy(header + 3, name.at, name.len);
	end = td_header_value_put(encoded, value);
	add(arg, td_text_of(header, 3 + name.len), td_text_of(encoded, (size_t)(end - encoded)));
}

void td_event_write_http(const struct td_event *event, add_header *add, void *arg)
{
	struct td_text content_type = td_form_content_type(event);

	add(arg, td_text("ce-specversion"), td_text("1.0"));
	for (enum td_attr attr = 0; attr < TD_ATTR_COUNT; attr++)
		if (td_attr_has(event, attr) && attr != TD_ATTR_DATACONTENTTYPE)
			write_attribute(td_attr_names[attr], event->attr[attr], add, arg);
	for (uint32_t i = 0; i < event->more_count; i++)
		write_attribute(event->more[i].name, event->more[i].value, add, arg);
	if (content_type.at != NULL)
		add(arg, td_text("Content-Type"), content_type);
}

/* --- reading ------------------------------------------------------------------------------ */

static bool begins_with(struct td_text text, const char *start)
{
	return text.len >= strlen(start) && strncasecmp(text.at, start, strlen(start)) == 0;
}

static struct td_text trim(struct td_text value)
{
	while (value.len > 0 && (value.at[0] == ' ' || value.at[0] == '\t')) {
		value.at++;
		value.len--;
	}
	while (value.len > 0 && (value.at[value.len - 1] == ' ' || value.at[value.len - 1] == '\t'))
		value.len--;
	return value.at != NULL ? value : td_text("");
}

static int wrong(struct td_error *err, const char *name, const char *what)
{
	return td_error_set(err, TD_E_ATTRIBUTE, TD_NO_OFFSET, "%s: %s", name, what);
}

struct reader {
	struct td_parts parts;
	bool specversion;
};

/* "ce-Name" without its prefix, in lower case: header names have no case. */
static int read_name(
	struct reader *in, struct td_text header, struct td_text *name, struct td_error *err)
{
	char lower[TD_NAME_BYTES_MAX];

	*name = td_text_of(header.at + 3, header.len - 3);
	if (name->len > sizeof(lower))
		return td_attr_check_name(*name, err);
	for (size_t i = 0; i < name->len; i++)
		lower[i] = (char)(name->at[i] >= 'A' && name->at[i] <= 'Z' ? name->at[i] | 0x20
									   : name->at[i]);
	*name = td_arena_copy(&in->parts.arena, td_text_of(lower, name->len));
	return name->at != NULL ? 0 : td_error_nomem(err);
}

static int read_attribute(
	struct reader *in, struct td_text header, struct td_text value, struct td_error *err)
{
	struct td_text name;
	int code = read_name(in, header, &name, err);

	if (code != 0)
		return code;
	if (td_text_is(name, "datacontenttype"))
		return wrong(err, "datacontenttype", "in HTTP it is the header Content-Type");
	if (td_text_is(name, "specversion")) {
		if (in->specversion)
			return wrong(err, "specversion", "given twice");
		in->specversion = true;
	}
	return td_parts_add_header(&in->parts, name, value, err);
}

static int read_header(
	struct reader *in, struct td_text name, struct td_text value, struct td_error *err)
{
	value = trim(value);
	if (begins_with(name, "ce-"))
		return read_attribute(in, name, value, err);
	if (name.len == strlen("content-type") && begins_with(name, "content-type"))
		return td_attr_set(
			&in->parts.event, TD_ATTR_DATACONTENTTYPE, value, TD_STRING, err);
	return 0;
}

static int read_event(struct reader *in, const struct td_http_header *headers, size_t count,
	struct td_text body, struct td_error *err)
{
	struct td_event *event = &in->parts.event;
	int code = 0;

	for (size_t i = 0; code == 0 && i < count; i++)
		code = read_header(in, headers[i].name, headers[i].value, err);
	if (code == 0 && !in->specversion)
		code = wrong(err, "specversion", "missing");
	if (code == 0)
		code = td_attr_check_required(event, err);
	if (code == 0)
		code = td_keep_address(event, in->parts.address, err);
	td_form_assume(event);
	if (body.len > 0) {
		event->form = TD_DATA_BYTES;
		event->data = body;
	}
	return code;
}

int td_event_read_http(struct td_event **event, const struct td_http_header *headers, size_t count,
	struct td_text body, struct td_error *err)
{
	struct reader in;
	int code;

	td_parts_init(&in.parts);
	in.specversion = false;
	code = read_event(&in, headers, count, body, err);
	if (code == 0)
		code = td_parts_keep(&in.parts, event, err);
	td_parts_fini(&in.parts);
	return code;
}
