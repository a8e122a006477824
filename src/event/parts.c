#include "event/parts.h"

#include "event/attr.h"
#include "event/percent.h"

void td_parts_init(struct td_parts *parts)
{
	memset(&parts->event, 0, sizeof(parts->event));
	parts->event.lent = true;
	td_arena_init(&parts->arena, 1024, SIZE_MAX);
}

void td_parts_fini(struct td_parts *parts)
{
	td_event_lend_end(&parts->event);
	td_arena_fini(&parts->arena);
}

int td_parts_specversion(struct td_text value, struct td_error *err)
{
	if (td_text_is(value, "1.0"))
		return 0;
	return td_error_set(err, TD_E_ATTRIBUTE, TD_NO_OFFSET, "specversion: only 1.0 is known");
}

static int decode(
	struct td_parts *parts, struct td_text name, struct td_text *value, struct td_error *err)
{
	char *out;
	int code;

	if (value->len > TD_HEADER_BYTES_MAX)
		return td_error_set(err, TD_E_TOO_LARGE, TD_NO_OFFSET, "%.*s: %zu bytes",
			TD_TEXT_ARG(name), value->len);
	out = td_arena_alloc(&parts->arena, value->len);
	if (out == NULL)
		return td_error_nomem(err);
	code = td_header_value_take(out, &value->len, *value, err);
	if (code != 0)
		return td_error_wrap(err, TD_E_ATTRIBUTE, "%.*s", TD_TEXT_ARG(name));
	value->at = out;
	return 0;
}

int td_parts_add_header(
	struct td_parts *parts, struct td_text name, struct td_text value, struct td_error *err)
{
	int code = 0;

	if (td_text_is(name, "specversion"))
		return td_parts_specversion(value, err);
	if (TD_UNLIKELY(!td_header_value_is_plain(value))) {
		if (td_attr_find(name) == TD_ATTR_COUNT)
			code = td_attr_check_name(name, err);
		if (code == 0)
			code = decode(parts, name, &value, err);
	}
	if (code == 0)
		code = td_attr_add(&parts->event, parts->more, name, value, TD_STRING, err);
	return code;
}

int td_parts_keep(struct td_parts *parts, struct td_event **event, struct td_error *err)
{
	struct td_event *kept;
	int code = td_attr_check_bytes(&parts->event, err);

	if (code != 0)
		return code;
	if (parts->event.data.len > TD_DATA_BYTES_MAX)
		return td_error_set(err, TD_E_TOO_LARGE, TD_NO_OFFSET,
			"data: %zu bytes, at most %u are allowed", parts->event.data.len,
			TD_DATA_BYTES_MAX);
	kept = td_event_copy(&parts->event);
	if (kept == NULL)
		return td_error_nomem(err);
	*event = kept;
	return 0;
}
