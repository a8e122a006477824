/*
 * The stored form: a NATS header block with the payload beside it. doc/format/event.md says what a
 * valid one is.
 */
#include "event/event.h"

#include "event/attr.h"
#include "event/form.h"
#include "event/keep.h"
#include "event/parts.h"
#include "event/percent.h"

static const struct td_text kind_names[] = {
	[TD_EVENT_KIND] = {NULL, 0},
	[TD_COMMAND] = TD_TEXT_INIT("command"),
	[TD_QUERY] = TD_TEXT_INIT("query"),
	[TD_REPLY] = TD_TEXT_INIT("reply"),
};

/* --- writing ------------------------------------------------------------------------------ */

#define PUT(at, literal) ((char *)memcpy(at, literal, sizeof(literal) - 1) + sizeof(literal) - 1)

static void write_attribute(struct td_buf *buf, struct td_text name, struct td_text value)
{
	char *at = td_buf_reserve(buf, name.len + td_header_value_bytes(value) + 7);

	if (at == NULL)
		return;
	at = PUT(at, "ce-");
	memcpy(at, name.at, name.len);
	at = PUT(at + name.len, ": ");
	at = td_header_value_put(at, value);
	at = PUT(at, "\r\n");
	buf->len = (size_t)(at - buf->at);
}

/* What the address says already is not said again. */
static bool is_left_out(const struct td_event *event, enum td_attr attr)
{
	return !td_attr_has(event, attr) ||
	       (attr == TD_ATTR_SUBJECT && td_address_is_of(event->address, event->attr[attr]));
}

static void write_own(const struct td_event *event, struct td_buf *buf)
{
	size_t before, start;

	if (event->kind != TD_EVENT_KIND) {
		td_buf_add_string(buf, "td-kind: ");
		td_buf_add_text(buf, kind_names[event->kind]);
		td_buf_add_string(buf, "\r\n");
	}
	if (event->causes > 0) {
		td_buf_add_string(buf, "td-causes: ");
		td_buf_add_u64(buf, event->causes);
		td_buf_add_string(buf, "\r\n");
	}
	before = buf->len;
	td_buf_add_string(buf, "td-form: ");
	start = buf->len;
	td_form_write(event, buf);
	if (buf->len == start && buf->code == 0)
		buf->len = before;
	else
		td_buf_add_string(buf, "\r\n");
}

void td_event_write_headers(const struct td_event *event, struct td_buf *buf)
{
	td_buf_add_string(buf, "NATS/1.0\r\nce-specversion: 1.0\r\n");
	for (enum td_attr attr = 0; attr < TD_ATTR_COUNT; attr++) {
		if (attr == TD_ATTR_DATACONTENTTYPE && td_form_content_type(event).at != NULL)
			write_attribute(buf, td_attr_names[attr], td_form_content_type(event));
		else if (!is_left_out(event, attr))
			write_attribute(buf, td_attr_names[attr], event->attr[attr]);
	}
	for (uint32_t i = 0; i < event->more_count; i++)
		write_attribute(buf, event->more[i].name, event->more[i].value);
	write_own(event, buf);
	td_buf_add_string(buf, "\r\n");
}

/* --- lines -------------------------------------------------------------------------------- */

static int malformed(struct td_error *err, size_t offset, const char *what)
{
	return td_error_set(err, TD_E_FORMAT, offset, "header block: %s", what);
}

/* The next line without its CRLF. */
static int next_line(struct td_text block, size_t *at, struct td_text *line, struct td_error *err)
{
	const char *start = block.at + *at;
	const char *end = memchr(start, '\n', block.len - *at);

	if (end == NULL)
		return malformed(err, block.len, "ends within a line");
	if (end == start || end[-1] != '\r')
		return malformed(err, (size_t)(end - block.at), "a line feed without its return");
	*line = td_text_of(start, (size_t)(end - 1 - start));
	*at = (size_t)(end + 1 - block.at);
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* "key: value", blanks around the value not counted. false without a colon. */
static bool split_line(struct td_text line, struct td_text *key, struct td_text *value)
{
	const char *colon = memchr(line.at, ':', line.len);
	const char *at, *end = line.at + line.len;

	if (colon == NULL)
		return false;
	*key = td_text_of(line.at, (size_t)(colon - line.at));
	for (at = colon + 1; at < end && is_blank(*at); at++)
		;
	while (end > at && is_blank(end[-1]))
		end--;
	*value = td_text_of(at, (size_t)(end - at));
	return true;
}

/* --- reading ------------------------------------------------------------------------------ */

struct reader {
	struct td_parts parts;
	struct td_text kind, causes, form; /* td-kind, ... */
	bool specversion;
};

static int take_own(
	struct reader *in, struct td_text key, struct td_text value, struct td_error *err)
{
	struct td_text *own = NULL;

	if (td_text_is(key, "td-kind"))
		own = &in->kind;
	else if (td_text_is(key, "td-causes"))
		own = &in->causes;
	else if (td_text_is(key, "td-form"))
		own = &in->form;
	if (own == NULL)
		return 0; /* somebody else's */
	if (own->at != NULL)
		return td_error_set(
			err, TD_E_FORMAT, TD_NO_OFFSET, "%.*s: given twice", TD_TEXT_ARG(key));
	*own = value;
	return 0;
}

static int take_line(struct reader *in, struct td_text line, struct td_error *err)
{
	struct td_text key, value;
	int code;

	if (!split_line(line, &key, &value))
		return td_error_set(
			err, TD_E_FORMAT, TD_NO_OFFSET, "header block: a line without a colon");
	if (key.len < 3 || memcmp(key.at, "ce-", 3) != 0)
		return take_own(in, key, value, err);
	key = td_text_of(key.at + 3, key.len - 3);
	if (td_text_is(key, "specversion")) {
		if (in->specversion)
			return td_error_set(
				err, TD_E_ATTRIBUTE, TD_NO_OFFSET, "specversion: given twice");
		in->specversion = true;
	}
	code = td_parts_add_header(&in->parts, key, value, err);
	if (code != 0 && err != NULL && err->offset != TD_NO_OFFSET)
		err->offset += (size_t)(value.at - line.at);
	return code;
}

static int scan(struct reader *in, struct td_text block, struct td_error *err)
{
	struct td_text line = {NULL, 0};
	size_t at = 0;
	int code;

	if (block.len == 0)
		return 0;
	if (block.len > TD_HEADER_BYTES_MAX)
		return td_error_set(err, TD_E_TOO_LARGE, TD_NO_OFFSET,
			"header block: %zu bytes, at most %u are allowed", block.len,
			TD_HEADER_BYTES_MAX);
	code = next_line(block, &at, &line, err);
	if (code == 0 && !td_text_is(line, "NATS/1.0"))
		code = malformed(err, 0, "\"NATS/1.0\" is needed, and no status");
	while (code == 0) {
		code = next_line(block, &at, &line, err);
		if (code != 0 || line.len == 0)
			break;
		code = take_line(in, line, err);
		if (code != 0 && err != NULL)
			err->offset = (size_t)(line.at - block.at) +
				      (err->offset == TD_NO_OFFSET ? 0 : err->offset);
	}
	if (code == 0 && at != block.len)
		code = malformed(err, at, "something follows its end");
	return code;
}

static int read_kind(struct reader *in, struct td_error *err)
{
	if (in->kind.at == NULL)
		return 0;
	for (enum td_kind kind = TD_COMMAND; kind <= TD_REPLY; kind++) {
		if (!td_text_equal(in->kind, kind_names[kind]))
			continue;
		in->parts.event.kind = (uint8_t)kind;
		return 0;
	}
	return td_error_set(
		err, TD_E_FORMAT, TD_NO_OFFSET, "td-kind: neither command, query nor reply");
}

static int read_causes(struct reader *in, struct td_error *err)
{
	uint32_t causes = 0;

	for (size_t i = 0; i < in->causes.len; i++) {
		char c = in->causes.at[i];

		if (c < '0' || c > '9' || i == 9) /* TD_CAUSES_MAX has nine digits */
			return td_error_set(err, TD_E_FORMAT, TD_NO_OFFSET,
				"td-causes: a number below 1,000,000,000 is needed");
		causes = causes * 10 + (uint32_t)(c - '0');
	}
	in->parts.event.causes = causes;
	return 0;
}

/*
 * The subject is what ce-subject says, else what the address decodes to, if it stands for one.
 * Whatever the address says, the subject must have one of its own: other codecs will need it.
 */
static int read_address(
	struct reader *in, struct td_text address, bool no_subject, struct td_error *err)
{
	struct td_event *event = &in->parts.event;
	char room[TD_ADDRESS_BYTES_MAX];
	int code = td_address_check(address, err);

	if (code != 0)
		return td_error_wrap(err, code, "address");
	if (!no_subject && !td_attr_has(event, TD_ATTR_SUBJECT))
		code = td_attr_set(event, TD_ATTR_SUBJECT,
			td_address_view(address, in->parts.address), TD_STRING, err);
	if (code == 0 && event->attr[TD_ATTR_SUBJECT].at != address.at)
		code = td_keep_address(event, room, err);
	event->address = address;
	return code;
}

static void read_payload(struct reader *in, const struct td_form *form, struct td_text payload)
{
	struct td_event *event = &in->parts.event;

	if (form->no_content_type) {
		event->attr[TD_ATTR_DATACONTENTTYPE] = td_text_of(NULL, 0);
		event->form = TD_DATA_JSON;
	} else if (form->data_said) {
		event->form = (uint8_t)form->data;
	} else {
		event->form = payload.len > 0 ? TD_DATA_BYTES : TD_DATA_NONE;
	}
	if (event->form != TD_DATA_NONE)
		event->data = td_text_of(payload.at != NULL ? payload.at : "", payload.len);
}

/* What the log knows of an event that does not name itself. */
static int set_default(
	struct reader *in, enum td_attr attr, struct td_text value, struct td_error *err)
{
	if (value.at == NULL || td_attr_has(&in->parts.event, attr))
		return 0;
	return td_attr_set(&in->parts.event, attr, value, TD_STRING, err);
}

int td_event_read_headers(struct td_event **event, struct td_text block, struct td_text payload,
	struct td_text address, struct td_text id, struct td_text source, struct td_error *err)
{
	struct reader in;
	struct td_form form;
	int code;

	td_parts_init(&in.parts);
	in.kind = in.causes = in.form = td_text_of(NULL, 0);
	in.specversion = false;
	code = scan(&in, block, err);
	if (code == 0)
		code = read_kind(&in, err);
	if (code == 0)
		code = read_causes(&in, err);
	if (code == 0)
		code = td_form_read(&form, &in.parts.event, in.parts.more, in.form, err);
	if (code == 0)
		code = set_default(&in, TD_ATTR_ID, id, err);
	if (code == 0)
		code = set_default(&in, TD_ATTR_SOURCE, source, err);
	if (code == 0)
		code = td_attr_check_required(&in.parts.event, err);
	if (code == 0)
		code = read_address(&in, address, form.no_subject, err);
	if (code == 0) {
		read_payload(&in, &form, payload);
		code = td_parts_keep(&in.parts, event, err);
	}
	td_parts_fini(&in.parts);
	return code;
}
