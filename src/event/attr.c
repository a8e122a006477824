#include "event/attr.h"

#include "event/rule.h"
#include "event/word.h"

#define ATTR_TEXT(name, text) [TD_ATTR_##name] = TD_TEXT_INIT(text),
const struct td_text td_attr_names[TD_ATTR_COUNT] = {TD_ATTR_TABLE(ATTR_TEXT)};
#undef ATTR_TEXT

/* What a known attribute asks beyond being a string without control characters. */
static const struct {
	bool string;   /* in CloudEvents JSON only a string */
	bool nonempty; /* absent is allowed, empty is not */
	td_rule *rule;
} known[TD_ATTR_COUNT] = {
	[TD_ATTR_ID] = {true, true, NULL},
	[TD_ATTR_SOURCE] = {true, true, td_rule_uri_reference},
	[TD_ATTR_TYPE] = {true, true, NULL},
	[TD_ATTR_SUBJECT] = {true, true, NULL},
	[TD_ATTR_TIME] = {true, true, td_rule_time},
	[TD_ATTR_DATACONTENTTYPE] = {true, true, td_rule_media_type},
	[TD_ATTR_DATASCHEMA] = {true, true, td_rule_uri},
	[TD_ATTR_CORRELATIONID] = {false, true, NULL},
	[TD_ATTR_CAUSATIONID] = {false, true, NULL},
	[TD_ATTR_PARTITIONKEY] = {false, true, NULL},
	[TD_ATTR_DATAREF] = {false, true, td_rule_uri_reference},
	[TD_ATTR_RECORDEDTIME] = {false, true, td_rule_time},
};

/* No length has more than two known names. */
enum td_attr td_attr_find(struct td_text name)
{
	static const uint8_t by_length[][2] = {
		[2] = {TD_ATTR_ID, TD_ATTR_ID},
		[4] = {TD_ATTR_TYPE, TD_ATTR_TIME},
		[6] = {TD_ATTR_SOURCE, TD_ATTR_AUTHID},
		[7] = {TD_ATTR_SUBJECT, TD_ATTR_DATAREF},
		[8] = {TD_ATTR_CORRECTS, TD_ATTR_CORRECTS},
		[10] = {TD_ATTR_DATASCHEMA, TD_ATTR_TRACESTATE},
		[11] = {TD_ATTR_TRACEPARENT, TD_ATTR_CAUSATIONID},
		[12] = {TD_ATTR_PARTITIONKEY, TD_ATTR_RECORDEDTIME},
		[13] = {TD_ATTR_CORRELATIONID, TD_ATTR_SCHEMAVERSION},
		[15] = {TD_ATTR_DATACONTENTTYPE, TD_ATTR_DATACONTENTTYPE},
	};

	if (name.len >= sizeof(by_length) / sizeof(by_length[0]))
		return TD_ATTR_COUNT;
	for (int i = 0; i < 2; i++) {
		enum td_attr attr = (enum td_attr)by_length[name.len][i];

		if (td_text_equal(name, td_attr_names[attr]))
			return attr;
	}
	return TD_ATTR_COUNT;
}

enum td_attribute_type td_attr_type(const struct td_event *event, enum td_attr attr)
{
	if (event->integers & 1u << attr)
		return TD_INTEGER;
	return event->booleans & 1u << attr ? TD_BOOLEAN : TD_STRING;
}

static int wrong(struct td_error *err, struct td_text name, const char *what)
{
	return td_error_set(err, TD_E_ATTRIBUTE, TD_NO_OFFSET, "%.*s: %s", TD_TEXT_ARG(name), what);
}

static __attribute__((cold)) int wrong_name(
	struct td_error *err, struct td_text name, const char *what)
{
	char shown[TD_NAME_BYTES_MAX];
	size_t len = name.len < sizeof(shown) ? name.len : sizeof(shown);

	for (size_t i = 0; i < len; i++)
		shown[i] = name.at[i] > 0x20 && name.at[i] < 0x7F ? name.at[i] : '?';
	return td_error_set(err, TD_E_ATTRIBUTE, TD_NO_OFFSET, "attribute name \"%.*s\": %s",
		(int)len, shown, what);
}

int td_attr_check_name(struct td_text name, struct td_error *err)
{
	if (name.at == NULL || name.len == 0)
		return wrong_name(err, td_text(""), "empty");
	if (name.len > TD_NAME_BYTES_MAX)
		return wrong_name(err, name, "longer than 64 characters");
	if (td_text_is(name, "data") || td_text_is(name, "data_base64") ||
		td_text_is(name, "specversion"))
		return wrong_name(err, name, "no attribute may be called so");
	for (size_t i = 0; i < name.len; i++)
		if (!((name.at[i] >= 'a' && name.at[i] <= 'z') ||
			    (name.at[i] >= '0' && name.at[i] <= '9')))
			return wrong_name(err, name, "only a-z and 0-9 are allowed");
	return 0;
}

static const char *check_typed(enum td_attr attr, struct td_text value, enum td_attribute_type type)
{
	if (attr < TD_ATTR_COUNT && known[attr].string)
		return "a string is needed";
	return type == TD_INTEGER ? td_rule_integer(value) : td_rule_boolean(value);
}

static const char *check_string(enum td_attr attr, struct td_text value)
{
	/* What td_rule_text() does too, but here it costs no call. */
	const char *what = td_text_is_printable(value) ? NULL : td_rule_text(value);

	if (what != NULL || attr >= TD_ATTR_COUNT)
		return what;
	if (value.len == 0)
		return known[attr].nonempty ? "empty" : NULL;
	return known[attr].rule != NULL ? known[attr].rule(value) : NULL;
}

int td_attr_check_value(enum td_attr attr, struct td_text name, struct td_text value,
	enum td_attribute_type type, struct td_error *err)
{
	const char *what;

	if (value.len > TD_ATTRIBUTE_BYTES_MAX)
		return td_error_set(err, TD_E_TOO_LARGE, TD_NO_OFFSET,
			"%.*s: %zu bytes, at most %u are allowed", TD_TEXT_ARG(name), value.len,
			TD_ATTRIBUTE_BYTES_MAX);
	if (type == TD_STRING)
		what = check_string(attr, value);
	else
		what = check_typed(attr, value, type);
	return TD_LIKELY(what == NULL) ? 0 : wrong(err, name, what);
}

int td_attr_set(struct td_event *event, enum td_attr attr, struct td_text value,
	enum td_attribute_type type, struct td_error *err)
{
	int code;

	TD_ASSERT(value.at != NULL);
	if (td_attr_has(event, attr))
		return wrong(err, td_attr_names[attr], "given twice");
	code = td_attr_check_value(attr, td_attr_names[attr], value, type, err);
	if (TD_UNLIKELY(code != 0))
		return code;
	event->attr[attr] = value;
	event->integers |= type == TD_INTEGER ? 1u << attr : 0;
	event->booleans |= type == TD_BOOLEAN ? 1u << attr : 0;
	return 0;
}

int td_attr_add(struct td_event *event, struct td_attribute *more, struct td_text name,
	struct td_text value, enum td_attribute_type type, struct td_error *err)
{
	enum td_attr attr = td_attr_find(name);
	int code;

	if (attr < TD_ATTR_COUNT)
		return td_attr_set(event, attr, value, type, err);
	code = td_attr_check_name(name, err);
	if (code == 0)
		code = td_attr_check_value(TD_ATTR_COUNT, name, value, type, err);
	if (code != 0)
		return code;
	for (uint32_t i = 0; i < event->more_count; i++)
		if (td_text_equal(more[i].name, name))
			return wrong(err, name, "given twice");
	if (event->more_count == TD_EXTENSIONS_MAX)
		return td_error_set(err, TD_E_LIMIT, TD_NO_OFFSET,
			"%.*s: more than %u extension attributes", TD_TEXT_ARG(name),
			TD_EXTENSIONS_MAX);
	more[event->more_count++] = (struct td_attribute){name, value, type};
	event->more = more;
	return 0;
}

int td_attr_check_required(const struct td_event *event, struct td_error *err)
{
	static const enum td_attr required[] = {TD_ATTR_TYPE, TD_ATTR_ID, TD_ATTR_SOURCE};

	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
		if (TD_UNLIKELY(!td_attr_has(event, required[i])))
			return wrong(err, td_attr_names[required[i]], "missing");
	return 0;
}

/* Only near the ceiling is the block written to see how long it is. */
static __attribute__((noinline)) int check_block(const struct td_event *event, struct td_error *err)
{
	struct td_buf buf = TD_BUF_INIT(TD_HEADER_BYTES_MAX);
	int code;

	td_event_write_headers(event, &buf);
	code = buf.code;
	td_buf_fini(&buf);
	if (code == TD_E_NOMEM)
		return td_error_nomem(err);
	if (code != 0)
		return td_error_set(err, TD_E_TOO_LARGE, TD_NO_OFFSET,
			"the attributes take more than %u bytes together", TD_HEADER_BYTES_MAX);
	return 0;
}

int td_attr_check_bytes(const struct td_event *event, struct td_error *err)
{
	size_t bytes = 0;

	for (size_t i = 0; i < TD_ATTR_COUNT; i++)
		bytes += event->attr[i].len;
	for (uint32_t i = 0; i < event->more_count; i++)
		bytes += event->more[i].value.len;
	/* A byte is encoded as three at most; the names and the td- lines are below 16 KiB. */
	if (TD_LIKELY(3 * bytes + 16 * 1024 <= TD_HEADER_BYTES_MAX))
		return 0;
	return check_block(event, err);
}
