#include "client/http_inside.h"

#include <stdio.h>
#include <string.h>

/*
 * Events as a server takes and shows them, and the receipts it gives.
 *
 *	{"specversion":"1.0","type":"OrderPlaced",...,"tdlog":"orders","tdseq":"7","tdrevision":"2",
 *	 "tdposition":"41","tdcauses":1}
 *	{"log":"orders","seq":7,"revision":2,"position":41,"recordedtime":"...","duplicate":false}
 */

#define BINARY_BYTES_MAX (8u * 1024u) /* of all fields: a server bounds its heads */
#define FIELD_BYTES_MAX  (4u * 1024u)
#define CAUSES           "tdcauses"

/* --- writing ------------------------------------------------------------------------------ */

/* HTTP knows no types, nor data of no bytes; and what is an event itself reads as one. */
static bool fits_binary(const struct td_event *event, struct td_text data)
{
	static const struct td_text events = TD_TEXT_INIT("application/cloudevents");
	struct td_text type = event->attr[TD_ATTR_DATACONTENTTYPE];
	uint32_t integers = event->integers & ~(1u << TD_ATTR_SCHEMAVERSION);

	if (integers != 0 || event->booleans != 0 || (data.at != NULL && data.len == 0) ||
		event->form == TD_DATA_TEXT || event->form == TD_DATA_BASE64)
		return false;
	for (uint32_t i = 0; i < event->more_count; i++) {
		if (event->more[i].type != TD_STRING)
			return false;
	}
	return type.len < events.len ||
	       !td_http_is_word(td_text_of(type.at, events.len), events.at);
}

struct fields {
	struct td_http_cargo *cargo;
	size_t bytes;
	bool large;
};

static void add_field(void *arg, struct td_text name, struct td_text value)
{
	struct fields *fields = arg;
	struct td_http_cargo *cargo = fields->cargo;
	struct td_text copy = td_arena_copy(&cargo->arena, value);

	fields->bytes += name.len + value.len + 4;
	if (value.len > FIELD_BYTES_MAX || fields->bytes > BINARY_BYTES_MAX)
		fields->large = true;
	if (copy.at == NULL) {
		cargo->code = TD_E_NOMEM;
	} else if (td_http_is_word(name, "content-type")) {
		cargo->content_type = copy;
	} else {
		name = td_arena_copy(&cargo->arena, name);
		if (name.at == NULL)
			cargo->code = TD_E_NOMEM;
		else
			cargo->fields[cargo->fields_count++] = (struct td_http_header){name, copy};
	}
}

/* false: it is too large for a head. */
static bool load_binary(
	struct td_http_cargo *cargo, const struct td_event *event, struct td_text data)
{
	struct fields fields = {.cargo = cargo};
	char causes[16];

	cargo->content_type = td_text("");
	td_event_write_http(event, add_field, &fields);
	if (event->causes > 0) {
		snprintf(causes, sizeof(causes), "%u", event->causes);
		add_field(&fields, td_text("ce-" CAUSES), td_text(causes));
	}
	if (fields.large) {
		cargo->fields_count = 0;
		cargo->content_type = td_text(NULL);
		return false;
	}
	cargo->data = data.at != NULL ? data : td_text("");
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* In JSON a value stands without the blanks around it. */
static bool loses_blanks(struct td_text data)
{
	return data.len > 0 && (is_blank(data.at[0]) || is_blank(data.at[data.len - 1]));
}

static int write_json(
	const struct td_event *event, struct td_text data, struct td_buf *buf, struct td_error *err)
{
	struct td_event *exact = NULL;
	int code = 0;

	if (loses_blanks(data))
		code = td_event_with_data(&exact, event, data, TD_DATA_BASE64, td_text(NULL), err);
	if (code == 0)
		code = td_event_write_json(exact != NULL ? exact : event, buf, err);
	td_event_unref(exact);
	if (code == 0 && event->causes > 0) {
		buf->len--; /* within the object */
		td_buf_printf(buf, ",\"" CAUSES "\":%u}", event->causes);
	}
	return code;
}

static int load_json(struct td_http_cargo *cargo, const struct td_event *const *events,
	size_t count, struct td_error *err)
{
	int code = 0;

	if (count > 1)
		td_buf_add_char(&cargo->body, '[');
	for (size_t i = 0; code == 0 && i < count; i++) {
		struct td_text data;

		if (i > 0)
			td_buf_add_char(&cargo->body, ',');
		code = td_event_data_get(events[i], &data, err);
		if (code == 0)
			code = write_json(events[i], data, &cargo->body, err);
		if (code != 0 && count > 1)
			td_error_wrap(err, code, "[%zu]", i);
	}
	if (count > 1)
		td_buf_add_char(&cargo->body, ']');
	if (code == 0)
		code = td_buf_check(&cargo->body, err);
	cargo->content_type = td_text(
		count > 1 ? "application/cloudevents-batch+json" : "application/cloudevents+json");
	cargo->data = td_buf_view(&cargo->body);
	return code;
}

int td_http_cargo_load(struct td_http_cargo *cargo, const struct td_event *const *events,
	size_t count, struct td_error *err)
{
	struct td_text data = td_text(NULL);
	int code = 0;

	td_arena_init(&cargo->arena, 4096, 1024 * 1024);
	td_buf_init(&cargo->body, TD_HTTP_BODY_MAX);
	cargo->fields_count = 0;
	cargo->content_type = cargo->data = td_text(NULL);
	cargo->code = 0;
	if (count == 1)
		code = td_event_data_get(events[0], &data, err);
	if (code == 0 && count == 1 && fits_binary(events[0], data) &&
		load_binary(cargo, events[0], data))
		return cargo->code == 0 ? 0 : td_error_nomem(err);
	return code == 0 ? load_json(cargo, events, count, err) : code;
}

void td_http_cargo_fini(struct td_http_cargo *cargo)
{
	td_arena_fini(&cargo->arena);
	td_buf_fini(&cargo->body);
}

/* --- reading ------------------------------------------------------------------------------ */

bool td_http_json_u64(struct td_json value, uint64_t *number)
{
	struct td_text digits = value.text;
	uint64_t read = 0;

	if (value.kind == TD_JSON_STRING)
		digits = td_json_inside(value);
	else if (value.kind != TD_JSON_NUMBER)
		return false;
	if (digits.len == 0 || digits.len > 20)
		return false;
	for (size_t i = 0; i < digits.len; i++) {
		unsigned digit = (unsigned)(unsigned char)digits.at[i] - '0';

		if (digit > 9 || read > (UINT64_MAX - digit) / 10)
			return false;
		read = read * 10 + digit;
	}
	*number = read;
	return true;
}

static const char *const said[] = {"tdlog", "tdseq", "tdrevision", "tdposition", CAUSES};

static bool is_said(struct td_text name)
{
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		if (td_text_is(name, said[i]))
			return true;
	}
	return false;
}

/* The event is ours alone yet: what is not its own goes out of its list. */
static void take_off(struct td_event *event)
{
	struct td_attribute *more = (struct td_attribute *)(uintptr_t)event->more;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < event->more_count; i++) {
		if (!is_said(more[i].name))
			more[kept++] = more[i];
	}
	event->more_count = kept;
}

/* Names of logs have nothing that JSON escapes. */
static bool read_log(struct td_json value, struct td_where *where)
{
	if (value.kind != TD_JSON_STRING || !td_json_plain(value) ||
		td_json_inside(value).len > TD_LOG_NAME_BYTES_MAX)
		return false;
	td_text_copy(td_json_inside(value), where->log, sizeof(where->log));
	return true;
}

int td_http_event_read(
	struct td_event **out, struct td_where *where, struct td_json object, struct td_error *err)
{
	struct td_where at = {0};
	struct td_event *event;
	uint64_t causes = 0;
	int code = td_event_read_json(&event, object, err);

	if (code != 0)
		return code;
	if (!td_http_json_u64(td_json_get(object, td_text("tdposition")), &at.position) ||
		!td_http_json_u64(td_json_get(object, td_text("tdseq")), &at.seq) ||
		!td_http_json_u64(td_json_get(object, td_text("tdrevision")), &at.revision) ||
		at.position == 0) {
		td_event_unref(event);
		return td_error_set(err, TD_E_FORMAT, TD_NO_OFFSET,
			"the server shows an event without saying where it stands");
	}
	read_log(
		td_json_get(object, td_text("tdlog")), &at); /* of one just made it may be absent */
	if (event->attr[TD_ATTR_RECORDEDTIME].at != NULL)
		td_time_parse(event->attr[TD_ATTR_RECORDEDTIME], &at.recorded, NULL);
	td_http_json_u64(td_json_get(object, td_text(CAUSES)), &causes);
	event->causes = causes < TD_CAUSES_MAX ? (uint32_t)causes : TD_CAUSES_MAX;
	take_off(event);
	*where = at;
	*out = event;
	return 0;
}

/* --- receipts ----------------------------------------------------------------------------- */

static bool read_receipt(struct td_json object, struct td_http_receipt *receipt)
{
	struct td_json recorded = td_json_get(object, td_text("recordedtime"));

	*receipt = (struct td_http_receipt){.duplicate = false};
	if (object.kind != TD_JSON_OBJECT ||
		!td_http_json_u64(
			td_json_get(object, td_text("position")), &receipt->where.position) ||
		!td_http_json_u64(td_json_get(object, td_text("seq")), &receipt->where.seq) ||
		!td_http_json_u64(
			td_json_get(object, td_text("revision")), &receipt->where.revision) ||
		!read_log(td_json_get(object, td_text("log")), &receipt->where) ||
		receipt->where.position == 0)
		return false;
	receipt->duplicate = td_json_get(object, td_text("duplicate")).kind == TD_JSON_TRUE;
	if (recorded.kind == TD_JSON_STRING)
		td_time_parse(td_json_inside(recorded), &receipt->where.recorded, NULL);
	return true;
}

int td_http_receipts_read(
	struct td_text body, struct td_http_receipt *receipts, size_t count, struct td_error *err)
{
	struct td_json document, one;
	size_t read = 0;
	int code = td_json_parse(body, 0, &document, err);

	if (code != 0)
		return td_error_wrap(err, code, "receipt");
	if (document.kind == TD_JSON_ARRAY) {
		struct td_json_iter iter = td_json_iterate(document);

		while (read < count && td_json_next(&iter, NULL, &one) &&
			read_receipt(one, &receipts[read]))
			read++;
		if (read != td_json_count(document))
			read = 0;
	} else if (count == 1) {
		read = read_receipt(document, &receipts[0]);
	}
	return read == count ? 0
			     : td_error_set(err, TD_E_FORMAT, TD_NO_OFFSET,
				       "the server's receipt does not say where the events stand");
}
