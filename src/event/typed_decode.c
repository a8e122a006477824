/*
 * JSON to structs, in one block.
 *
 *	block   | struct | arrays of lists, as they are met ... | texts ...              |
 *	          type.bytes        measured                      as many bytes as the JSON
 *
 * The text is parsed first and trusted from then on. Arrays are measured by a walk that counts
 * every occurrence of a list, also those that a later member of the same name replaces; texts
 * never take more than the JSON they came from. So one allocation suffices, and filling cannot
 * run out.
 *
 * A struct is filled in the order of its declaration, from the last value of each name: so the
 * first error is the first of the declaration, whatever the order of members.
 */
#include "event/event.h"

#include <stdlib.h>
#include <string.h>

#include "event/typed_field.h"

struct decoder {
	struct td_text json;
	char *array, *array_end;
	char *text, *text_end;
	struct td_json *values; /* a stack: one value for each field of the structs being filled */
	struct td_buf scratch;  /* of strings with escapes */
	struct td_error *err;
};

/* --- measuring ---------------------------------------------------------------------------- */

static bool measure_object(const struct td_type *type, struct td_json object, size_t *bytes);

/* Add the bytes of `count` values; false if they are too many. */
static bool add_bytes(size_t *bytes, size_t step, size_t count)
{
	if (count > (TD_OBJECT_BYTES_MAX - *bytes) / td_field_round(step))
		return false;
	*bytes += td_field_round(count * step);
	return true;
}

static bool measure_list(const struct td_field *field, struct td_json array, size_t *bytes)
{
	struct td_json name, element;
	size_t count = 0;

	if (field->kind != TD_FIELD_OBJECT)
		return add_bytes(bytes, td_field_bytes(field), td_json_count(array));
	for (struct td_json_iter iter = td_json_iterate(array);
		td_json_next(&iter, &name, &element); count++) {
		if (!measure_object(field->type, element, bytes))
			return false;
	}
	return add_bytes(bytes, field->type->bytes, count);
}

/* Add the bytes of all arrays in it; false if they are more than TD_OBJECT_BYTES_MAX. */
static bool measure_object(const struct td_type *type, struct td_json object, size_t *bytes)
{
	struct td_json name, value;
	size_t next = 0;
	bool fits = true;

	if (object.kind != TD_JSON_OBJECT)
		return true; /* filling will say so */
	for (struct td_json_iter iter = td_json_iterate(object);
		fits && td_json_next(&iter, &name, &value);) {
		const struct td_field *field = td_field_find(type, name, &next);

		if (field == NULL)
			continue;
		if (field->list && value.kind == TD_JSON_ARRAY)
			fits = measure_list(field, value, bytes);
		else if (!field->list && field->kind == TD_FIELD_OBJECT)
			fits = measure_object(field->type, value, bytes);
	}
	return fits;
}

/* How many values wait at most while the innermost struct is filled. */
static size_t values_max(const struct td_type *type)
{
	size_t deepest = 0;

	for (size_t i = 0; i < type->fields_count; i++) {
		if (type->fields[i].kind == TD_FIELD_OBJECT) {
			size_t inside = values_max(type->fields[i].type);

			deepest = inside > deepest ? inside : deepest;
		}
	}
	return type->fields_count + deepest;
}

/* --- errors ------------------------------------------------------------------------------- */

static size_t offset_of(const struct decoder *d, struct td_json value)
{
	return (size_t)(value.text.at - d->json.at);
}

__attribute__((cold)) static int wrong_kind(
	struct decoder *d, struct td_json value, const char *expected, const struct td_place *place)
{
	static const char *const found[] = {
		[TD_JSON_NONE] = "nothing",
		[TD_JSON_NULL] = "null",
		[TD_JSON_FALSE] = "false",
		[TD_JSON_TRUE] = "true",
		[TD_JSON_NUMBER] = "a number",
		[TD_JSON_STRING] = "a string",
		[TD_JSON_ARRAY] = "an array",
		[TD_JSON_OBJECT] = "an object",
	};

	return td_place_error(d->err, place, offset_of(d, value), "%s was expected, found %s",
		expected, found[value.kind]);
}

/* --- values ------------------------------------------------------------------------------- */

static int fill_object(struct decoder *d, const struct td_type *type, struct td_json object,
	void *to, const struct td_place *place);

static struct td_text keep_text(struct decoder *d, struct td_text text)
{
	struct td_text kept = {d->text, text.len};

	TD_ASSERT(text.len <= (size_t)(d->text_end - d->text));
	if (text.len > 0)
		memcpy(d->text, text.at, text.len);
	d->text += text.len;
	return kept;
}

static int fill_text(
	struct decoder *d, struct td_json value, struct td_text *to, const struct td_place *place)
{
	int code;

	if (value.kind != TD_JSON_STRING)
		return wrong_kind(d, value, "a string", place);
	if (td_json_plain(value)) {
		*to = keep_text(d, td_json_inside(value));
		return 0;
	}
	td_buf_reset(&d->scratch);
	td_json_unescape(value, &d->scratch);
	code = td_buf_check(&d->scratch, d->err);
	if (code == 0)
		*to = keep_text(d, td_buf_view(&d->scratch));
	return code;
}

static int fill_decimal(
	struct decoder *d, struct td_json value, struct td_text *to, const struct td_place *place)
{
	int code = fill_text(d, value, to, place);

	if (code == 0 && !td_decimal_valid(*to))
		code = td_place_error(d->err, place, offset_of(d, value),
			"a decimal was expected, as in \"-12.50\"");
	return code;
}

static int fill_time(
	struct decoder *d, struct td_json value, td_time *to, const struct td_place *place)
{
	struct td_error cause = TD_ERROR_INIT;
	struct td_text text = {NULL, 0};
	int code = fill_text(d, value, &text, place);

	if (code == 0 && td_time_parse(text, to, &cause) != 0)
		code = td_place_error(d->err, place, offset_of(d, value), "%s", cause.text);
	return code;
}

static int fill_integer(
	struct decoder *d, struct td_json value, int64_t *to, const struct td_place *place)
{
	if (value.kind != TD_JSON_NUMBER)
		return wrong_kind(d, value, "a number", place);
	if (!td_json_to_i64(value, to))
		return td_place_error(
			d->err, place, offset_of(d, value), "an integer of 64 bits was expected");
	return 0;
}

static int fill_number(
	struct decoder *d, struct td_json value, double *to, const struct td_place *place)
{
	if (value.kind != TD_JSON_NUMBER)
		return wrong_kind(d, value, "a number", place);
	if (!td_json_to_double(value, to))
		return td_place_error(d->err, place, offset_of(d, value), "too large for a double");
	return 0;
}

static int fill_boolean(
	struct decoder *d, struct td_json value, bool *to, const struct td_place *place)
{
	if (value.kind != TD_JSON_TRUE && value.kind != TD_JSON_FALSE)
		return wrong_kind(d, value, "true or false", place);
	*to = value.kind == TD_JSON_TRUE;
	return 0;
}

static int fill_value(struct decoder *d, const struct td_field *field, struct td_json value,
	void *to, const struct td_place *place)
{
	switch (field->kind) {
	case TD_FIELD_TEXT:
		return fill_text(d, value, to, place);
	case TD_FIELD_DECIMAL:
		return fill_decimal(d, value, to, place);
	case TD_FIELD_INTEGER:
		return fill_integer(d, value, to, place);
	case TD_FIELD_NUMBER:
		return fill_number(d, value, to, place);
	case TD_FIELD_BOOLEAN:
		return fill_boolean(d, value, to, place);
	case TD_FIELD_TIME:
		return fill_time(d, value, to, place);
	case TD_FIELD_OBJECT:
		return fill_object(d, field->type, value, to, place);
	}
	TD_UNREACHABLE();
}

/* --- lists, fields, structs --------------------------------------------------------------- */

static char *take_array(struct decoder *d, size_t step, size_t count)
{
	char *at = d->array;

	TD_ASSERT(td_field_round(count * step) <= (size_t)(d->array_end - d->array));
	d->array += td_field_round(count * step);
	return at;
}

static int fill_list(struct decoder *d, const struct td_field *field, struct td_json array,
	void *to, const struct td_place *place)
{
	size_t step = td_field_bytes(field);
	struct td_place here = {place, NULL, 0};
	struct td_field_list list;
	struct td_json name, value;
	char *element;
	int code = 0;

	if (array.kind != TD_JSON_ARRAY)
		return wrong_kind(d, array, "an array", place);
	list.count = td_json_count(array);
	if (list.count == 0)
		return 0;
	list.at = element = take_array(d, step, list.count);
	memcpy(to, &list, sizeof(list));
	for (struct td_json_iter iter = td_json_iterate(array);
		code == 0 && td_json_next(&iter, &name, &value); here.index++) {
		code = fill_value(d, field, value, element, &here);
		element += step;
	}
	return code;
}

static int fill_field(struct decoder *d, const struct td_type *type, const struct td_field *field,
	struct td_json value, void *object, const struct td_place *place)
{
	void *to = (char *)object + td_field_offset(type, field);
	size_t has = td_field_has(type, field);
	int code;

	if (field->list)
		return fill_list(d, field, value, to, place);
	code = fill_value(d, field, value, to, place);
	if (code == 0 && has != 0)
		*(bool *)((char *)object + has) = true;
	return code;
}

/* Sort the members: the last value of each field to `values`, all others to `unknown`. */
static void sort_members(struct decoder *d, const struct td_type *type, struct td_json object,
	struct td_json *values, struct td_text *unknown)
{
	const char *start = d->text;
	struct td_json name, value;
	size_t next = 0;

	for (struct td_json_iter iter = td_json_iterate(object);
		td_json_next(&iter, &name, &value);) {
		const struct td_field *field = td_field_find(type, name, &next);

		if (field != NULL) {
			values[field - type->fields] = value;
			continue;
		}
		if (d->text > start)
			keep_text(d, td_text(","));
		keep_text(d, name.text);
		keep_text(d, td_text(":"));
		keep_text(d, value.text);
	}
	if (d->text > start)
		*unknown = td_text_of(start, (size_t)(d->text - start));
}

static int fill_object(struct decoder *d, const struct td_type *type, struct td_json object,
	void *to, const struct td_place *place)
{
	struct td_json *values = d->values;
	int code = 0;

	if (object.kind != TD_JSON_OBJECT)
		return wrong_kind(d, object, "an object", place);
	memset(to, 0, type->bytes);
	memset(values, 0, type->fields_count * sizeof(*values));
	sort_members(d, type, object, values, to);
	d->values += type->fields_count;
	for (size_t i = 0; i < type->fields_count && code == 0; i++) {
		const struct td_field *field = &type->fields[i];
		struct td_place here = {place, field->name, 0};

		if (values[i].kind != TD_JSON_NONE &&
			(values[i].kind != TD_JSON_NULL || field->required))
			code = fill_field(d, type, field, values[i], to, &here);
		else if (field->required)
			code = td_place_error(d->err, &here, offset_of(d, object), "missing");
	}
	d->values = values;
	return code;
}

/* --- the door ----------------------------------------------------------------------------- */

int td_type_decode(
	const struct td_type *type, struct td_text json, void **block, struct td_error *err)
{
	struct decoder d = {.json = json, .scratch = TD_BUF_INIT(TD_OBJECT_BYTES_MAX), .err = err};
	size_t bytes = td_field_round(type->bytes);
	struct td_json *values = NULL;
	char *memory = NULL;
	struct td_json object;
	int code;

	code = td_json_parse(json, TD_DATA_DEPTH_MAX, &object, err);
	if (code != 0)
		return code;
	if (!measure_object(type, object, &bytes) || json.len > TD_OBJECT_BYTES_MAX - bytes)
		return td_error_set(err, TD_E_TOO_LARGE, TD_NO_OFFSET,
			"more than %u bytes as a struct", TD_OBJECT_BYTES_MAX);
	values = malloc((values_max(type) + 1) * sizeof(*values));
	memory = malloc(bytes + json.len);
	if (values == NULL || memory == NULL) {
		code = td_error_nomem(err);
		goto done;
	}
	d.values = values;
	d.array = memory + td_field_round(type->bytes);
	d.array_end = d.text = memory + bytes;
	d.text_end = d.text + json.len;
	code = fill_object(&d, type, object, memory, NULL);
	if (code == 0) {
		*block = memory;
		memory = NULL;
	}
done:
	td_buf_fini(&d.scratch);
	free(values);
	free(memory);
	return code;
}

int td_object_decode(
	const struct td_type *type, struct td_text json, void **object, struct td_error *err)
{
	TD_CHECK_GIVEN(type, err);
	TD_CHECK_GIVEN(object, err);
	return td_type_decode(type, json, object, err);
}

void td_object_free(void *object)
{
	free(object);
}
