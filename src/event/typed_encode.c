/*
 * Structs to JSON: the declared fields in their order, then the unknown members as they are.
 * What is written is checked first, so that td_type_decode() reads back what stood in the struct.
 */
#include "event/event.h"

#include <math.h>
#include <string.h>

#include "event/typed_field.h"

struct encoder {
	struct td_json_writer writer;
	struct td_error *err;
};

static int put_object(struct encoder *e, const struct td_type *type, const void *object,
	const struct td_place *place);

static int put_text(struct encoder *e, const struct td_text *text, const struct td_place *place)
{
	size_t valid;

	if (text->at == NULL)
		return td_place_error(e->err, place, TD_NO_OFFSET, "missing");
	valid = td_utf8_valid(text->at, text->len);
	if (valid != text->len)
		return td_place_error(e->err, place, TD_NO_OFFSET, "not UTF-8 at byte %zu", valid);
	td_json_string(&e->writer, *text);
	return 0;
}

static int put_decimal(struct encoder *e, const struct td_text *text, const struct td_place *place)
{
	if (text->at != NULL && !td_decimal_valid(*text))
		return td_place_error(
			e->err, place, TD_NO_OFFSET, "a decimal was expected, as in -12.50");
	return put_text(e, text, place);
}

static int put_number(struct encoder *e, double value, const struct td_place *place)
{
	if (!isfinite(value))
		return td_place_error(e->err, place, TD_NO_OFFSET, "JSON has no %s",
			isnan(value) ? "NaN" : "infinity");
	td_json_double(&e->writer, value);
	return 0;
}

static void put_time(struct encoder *e, td_time time)
{
	char text[TD_TIME_BYTES + 3];
	size_t len = TD_TIME_BYTES;
	unsigned ns = (unsigned)((time % 1000 + 1000) % 1000);

	td_time_format(time, text);
	if (ns != 0) { /* "...123456Z" -> "...123456789Z" */
		text[len - 1] = (char)('0' + ns / 100);
		text[len] = (char)('0' + ns / 10 % 10);
		text[len + 1] = (char)('0' + ns % 10);
		text[len + 2] = 'Z';
		len += 3;
	}
	td_json_string(&e->writer, td_text_of(text, len));
}

static int put_value(struct encoder *e, const struct td_field *field, const void *value,
	const struct td_place *place)
{
	switch (field->kind) {
	case TD_FIELD_TEXT:
		return put_text(e, value, place);
	case TD_FIELD_DECIMAL:
		return put_decimal(e, value, place);
	case TD_FIELD_INTEGER:
		td_json_i64(&e->writer, *(const int64_t *)value);
		return 0;
	case TD_FIELD_NUMBER:
		return put_number(e, *(const double *)value, place);
	case TD_FIELD_BOOLEAN:
		td_json_bool(&e->writer, *(const bool *)value);
		return 0;
	case TD_FIELD_TIME:
		put_time(e, *(const td_time *)value);
		return 0;
	case TD_FIELD_OBJECT:
		return put_object(e, field->type, value, place);
	}
	TD_UNREACHABLE();
}

static int put_list(struct encoder *e, const struct td_field *field, struct td_field_list list,
	const struct td_place *place)
{
	size_t step = td_field_bytes(field);
	int code = 0;

	td_json_open_array(&e->writer);
	for (size_t i = 0; i < list.count && code == 0; i++) {
		struct td_place here = {place, NULL, i};

		code = put_value(e, field, (const char *)list.at + i * step, &here);
	}
	if (code == 0)
		td_json_close_array(&e->writer);
	return code;
}

static int put_field(struct encoder *e, const struct td_type *type, const struct td_field *field,
	const void *object, const struct td_place *up)
{
	const void *value = td_field_value(type, field, object);
	struct td_place place = {up, field->name, 0};
	struct td_field_list list = {NULL, 0};

	if (field->list)
		list = td_field_list(value);
	if (field->list ? list.count == 0 && !field->required
			: !td_field_present(type, field, object))
		return 0;
	td_json_name(&e->writer, td_text_of(field->name, field->name_bytes));
	return field->list ? put_list(e, field, list, &place) : put_value(e, field, value, &place);
}

/* --- unknown members ---------------------------------------------------------------------- */

/* No name may be declared: it would stand behind the field of that name and win over it. */
static int check_members(struct encoder *e, const struct td_type *type, struct td_json object,
	const struct td_place *place)
{
	struct td_json_iter iter = td_json_iterate(object);
	struct td_json name, value;
	size_t next = 0;

	while (td_json_next(&iter, &name, &value)) {
		if (td_field_find(type, name, &next) != NULL)
			return td_place_error(e->err, place, TD_NO_OFFSET,
				"unknown: %.*s is declared", TD_TEXT_ARG(name.text));
	}
	return 0;
}

/* They come from td_type_decode(), or from anywhere. */
static int check_unknown(struct encoder *e, const struct td_type *type, struct td_text unknown,
	const struct td_place *place)
{
	/* What stands inside others may nest no deeper than would be read again. */
	unsigned depth_max = TD_DATA_DEPTH_MAX - (e->writer.depth - 1);
	struct td_buf buf = TD_BUF_INIT(SIZE_MAX);
	struct td_json object;
	int code;

	td_buf_add_char(&buf, '{');
	td_buf_add_text(&buf, unknown);
	td_buf_add_char(&buf, '}');
	code = td_buf_check(&buf, e->err);
	if (code != 0)
		goto done;
	if (td_json_parse(td_buf_view(&buf), depth_max, &object, NULL) == 0 &&
		td_json_count(object) > 0)
		code = check_members(e, type, object, place);
	else
		code = td_place_error(
			e->err, place, TD_NO_OFFSET, "unknown: JSON members were expected");
done:
	td_buf_fini(&buf);
	return code;
}

static int put_unknown(struct encoder *e, const struct td_type *type, const struct td_text *unknown,
	const struct td_place *place)
{
	int code;

	if (unknown->len == 0)
		return 0;
	code = check_unknown(e, type, *unknown, place);
	if (code != 0)
		return code;
	/* Members, names and all, are more than the writer has a call for. */
	if (e->writer.comma)
		td_buf_add_char(e->writer.buf, ',');
	td_buf_add_text(e->writer.buf, *unknown);
	e->writer.comma = true;
	return 0;
}

/* --- the door ----------------------------------------------------------------------------- */

static int put_object(struct encoder *e, const struct td_type *type, const void *object,
	const struct td_place *place)
{
	int code = 0;

	td_json_open_object(&e->writer);
	for (size_t i = 0; i < type->fields_count && code == 0; i++)
		code = put_field(e, type, &type->fields[i], object, place);
	if (code == 0)
		code = put_unknown(e, type, object, place);
	if (code == 0)
		td_json_close_object(&e->writer);
	return code;
}

int td_type_encode(
	const struct td_type *type, const void *object, struct td_buf *buf, struct td_error *err)
{
	size_t start = buf->len;
	struct encoder e = {.err = err};
	int code;

	td_json_writer_init(&e.writer, buf);
	code = put_object(&e, type, object, NULL);
	if (code == 0)
		code = td_buf_check(buf, err);
	if (code != 0)
		buf->len = start; /* nothing half done */
	return code;
}

int td_object_encode(
	const struct td_type *type, const void *object, struct td_bytes *json, struct td_error *err)
{
	struct td_buf buf = TD_BUF_INIT(TD_DATA_BYTES_MAX);
	int code;

	TD_CHECK_GIVEN(type, err);
	TD_CHECK_GIVEN(object, err);
	TD_CHECK_GIVEN(json, err);
	code = td_type_encode(type, object, &buf, err);
	if (code == 0)
		td_buf_detach(&buf, json);
	td_buf_fini(&buf);
	return code;
}
