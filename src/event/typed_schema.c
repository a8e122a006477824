/*
 * A declaration as JSON Schema, draft 2020-12: what td_type_encode() writes, and no more than that.
 * Unknown members are allowed (they ride along); null for an optional field, which
 * td_type_decode() accepts, is not part of it.
 *
 *	{"$schema":..., "title":..., "type":"object", "properties":{...}, "required":[...],
 *	 "$defs":{"pizza":{...}, "place":{...}}}
 *
 * Nested structs stand under $defs by their tag, in the order of first use, once each. A tag is a
 * C identifier and unique where the declaration was made, so "#/$defs/pizza" needs no escapes.
 */
#include "event/event.h"

#include <stdlib.h>

#include "event/typed_field.h"

struct nested {
	const struct td_type *type;
};

struct schema {
	struct td_json_writer writer;
	struct nested *nested;
	size_t nested_count, nested_cap;
	struct td_buf reference; /* a $ref in the making */
	int code;                /* sticky, of `reference` */
};

/* --- nested types ------------------------------------------------------------------------- */

static bool is_known(const struct schema *s, const struct td_type *type)
{
	for (size_t i = 0; i < s->nested_count; i++) {
		if (td_type_same(s->nested[i].type, type))
			return true;
	}
	return false;
}

static bool add_nested(struct schema *s, const struct td_type *type)
{
	if (s->nested_count == s->nested_cap) {
		size_t cap = s->nested_cap > 0 ? s->nested_cap * 2 : 8;
		struct nested *nested = realloc(s->nested, cap * sizeof(*nested));

		if (nested == NULL)
			return false;
		s->nested = nested;
		s->nested_cap = cap;
	}
	s->nested[s->nested_count++].type = type;
	return true;
}

/* All that `type` is made of; false if memory ran out. */
static bool collect_nested(struct schema *s, const struct td_type *type)
{
	for (size_t i = 0; i < type->fields_count; i++) {
		const struct td_type *part = type->fields[i].type;

		if (part == NULL || is_known(s, part))
			continue;
		if (!add_nested(s, part) || !collect_nested(s, part))
			return false;
	}
	return true;
}

/* --- writing ------------------------------------------------------------------------------ */

static void put_pair(struct schema *s, const char *name, const char *value)
{
	td_json_name(&s->writer, td_text(name));
	td_json_string(&s->writer, td_text(value));
}

static void put_reference(struct schema *s, const struct td_type *type)
{
	td_buf_reset(&s->reference);
	td_buf_add_string(&s->reference, "#/$defs/");
	td_buf_add_string(&s->reference, type->tag);
	if (td_buf_check(&s->reference, NULL) != 0)
		s->code = TD_E_NOMEM;
	td_json_name(&s->writer, td_text("$ref"));
	td_json_string(&s->writer, td_buf_view(&s->reference));
}

/* What one value must be. */
static void put_value(struct schema *s, const struct td_field *field)
{
	td_json_open_object(&s->writer);
	switch (field->kind) {
	case TD_FIELD_TEXT:
		put_pair(s, "type", "string");
		break;
	case TD_FIELD_INTEGER: /* with the range, since what is beyond is refused */
		put_pair(s, "type", "integer");
		td_json_name(&s->writer, td_text("minimum"));
		td_json_i64(&s->writer, INT64_MIN);
		td_json_name(&s->writer, td_text("maximum"));
		td_json_i64(&s->writer, INT64_MAX);
		break;
	case TD_FIELD_NUMBER:
		put_pair(s, "type", "number");
		break;
	case TD_FIELD_BOOLEAN:
		put_pair(s, "type", "boolean");
		break;
	case TD_FIELD_TIME:
		put_pair(s, "type", "string");
		put_pair(s, "format", "date-time");
		break;
	case TD_FIELD_DECIMAL:
		put_pair(s, "type", "string");
		put_pair(s, "pattern", "^-?[0-9]+(\\.[0-9]+)?$");
		break;
	case TD_FIELD_OBJECT:
		put_reference(s, field->type);
		break;
	}
	td_json_close_object(&s->writer);
}

static void put_field(struct schema *s, const struct td_field *field)
{
	td_json_name(&s->writer, td_text_of(field->name, field->name_bytes));
	if (!field->list) {
		put_value(s, field);
		return;
	}
	td_json_open_object(&s->writer);
	put_pair(s, "type", "array");
	td_json_name(&s->writer, td_text("items"));
	put_value(s, field);
	td_json_close_object(&s->writer);
}

/* The members of a struct's schema, inside of an object that is open. */
static void put_members(struct schema *s, const struct td_type *type)
{
	size_t required = 0;

	put_pair(s, "type", "object");
	td_json_name(&s->writer, td_text("properties"));
	td_json_open_object(&s->writer);
	for (size_t i = 0; i < type->fields_count; i++) {
		put_field(s, &type->fields[i]);
		required += type->fields[i].required;
	}
	td_json_close_object(&s->writer);
	if (required == 0)
		return;
	td_json_name(&s->writer, td_text("required"));
	td_json_open_array(&s->writer);
	for (size_t i = 0; i < type->fields_count; i++) {
		const struct td_field *field = &type->fields[i];

		if (field->required)
			td_json_string(&s->writer, td_text_of(field->name, field->name_bytes));
	}
	td_json_close_array(&s->writer);
}

static void put_definitions(struct schema *s)
{
	if (s->nested_count == 0)
		return;
	td_json_name(&s->writer, td_text("$defs"));
	td_json_open_object(&s->writer);
	for (size_t i = 0; i < s->nested_count; i++) {
		td_json_name(&s->writer, td_text(s->nested[i].type->tag));
		td_json_open_object(&s->writer);
		put_members(s, s->nested[i].type);
		td_json_close_object(&s->writer);
	}
	td_json_close_object(&s->writer);
}

/* --- the door ----------------------------------------------------------------------------- */

int td_type_schema(const struct td_type *type, struct td_buf *buf, struct td_error *err)
{
	struct schema s = {.reference = TD_BUF_INIT(SIZE_MAX)};
	size_t start = buf->len;
	int code;

	td_json_writer_init(&s.writer, buf);
	if (!collect_nested(&s, type)) {
		code = td_error_nomem(err);
		goto done;
	}
	td_json_open_object(&s.writer);
	put_pair(&s, "$schema", "https://json-schema.org/draft/2020-12/schema");
	put_pair(&s, "title", type->name);
	put_members(&s, type);
	put_definitions(&s);
	td_json_close_object(&s.writer);
	code = s.code != 0 ? td_error_nomem(err) : td_buf_check(buf, err);
done:
	if (code != 0)
		buf->len = start; /* nothing half done */
	td_buf_fini(&s.reference);
	free(s.nested);
	return code;
}

int td_object_schema(const struct td_type *type, struct td_bytes *json, struct td_error *err)
{
	struct td_buf buf = TD_BUF_INIT(TD_DATA_BYTES_MAX);
	int code;

	TD_CHECK_GIVEN(type, err);
	TD_CHECK_GIVEN(json, err);
	code = td_type_schema(type, &buf, err);
	if (code == 0)
		td_buf_detach(&buf, json);
	td_buf_fini(&buf);
	return code;
}
