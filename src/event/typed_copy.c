/*
 * A deep copy in one block: the struct first, then all it points to, each piece rounded up to
 * TD_FIELD_ALIGN so that measuring and copying need not agree on an order.
 *
 *	| struct | text | array of structs | text of element 0 | ... |
 *
 * The struct, and each array, is copied as it is; then its pointers are moved over, one by one.
 * What an absent optional field holds is nobody's business: it is not followed, and is zero in the
 * copy. Absent text stays absent, empty text stays empty.
 */
#include "event/event.h"

#include <string.h>

#include "event/typed_field.h"

/* --- measuring ---------------------------------------------------------------------------- */

static size_t bytes_behind(const struct td_type *type, const void *object);

static size_t text_bytes(const struct td_text *text)
{
	return text->at != NULL ? td_field_round(text->len) : 0;
}

/* Whether values of that kind point to anything. */
static bool points(const struct td_field *field)
{
	return field->kind == TD_FIELD_TEXT || field->kind == TD_FIELD_DECIMAL ||
	       field->kind == TD_FIELD_OBJECT;
}

static size_t value_bytes(const struct td_field *field, const void *value)
{
	if (!points(field))
		return 0;
	return field->kind == TD_FIELD_OBJECT ? bytes_behind(field->type, value)
					      : text_bytes(value);
}

static size_t list_bytes(const struct td_field *field, struct td_field_list list)
{
	size_t step = td_field_bytes(field);
	size_t bytes = td_field_round(list.count * step);

	for (size_t i = 0; points(field) && i < list.count; i++)
		bytes += value_bytes(field, (const char *)list.at + i * step);
	return bytes;
}

static size_t bytes_behind(const struct td_type *type, const void *object)
{
	size_t bytes = text_bytes(object); /* unknown, the first member */

	for (size_t i = 0; i < type->fields_count; i++) {
		const struct td_field *field = &type->fields[i];
		const void *value = td_field_value(type, field, object);

		if (field->list)
			bytes += list_bytes(field, td_field_list(value));
		else if (td_field_present(type, field, object))
			bytes += value_bytes(field, value);
	}
	return bytes;
}

size_t td_type_copy_bytes(const struct td_type *type, const void *object)
{
	return td_field_round(type->bytes) + bytes_behind(type, object);
}

/* --- copying ------------------------------------------------------------------------------ */

static void move_object(const struct td_type *type, void *object, char **end);

/* Append to the block. */
static void *put(char **end, const void *bytes, size_t n)
{
	char *at = *end;

	if (n > 0)
		memcpy(at, bytes, n);
	*end += td_field_round(n);
	return at;
}

static void move_text(struct td_text *text, char **end)
{
	if (text->at != NULL)
		text->at = put(end, text->at, text->len);
}

static void move_value(const struct td_field *field, void *value, char **end)
{
	if (field->kind == TD_FIELD_OBJECT)
		move_object(field->type, value, end);
	else if (points(field))
		move_text(value, end);
}

static void move_list(const struct td_field *field, void *value, char **end)
{
	struct td_field_list list = td_field_list(value);
	size_t step = td_field_bytes(field);
	char *at = NULL;

	if (list.count > 0)
		at = put(end, list.at, list.count * step);
	list.at = at;
	memcpy(value, &list, sizeof(list));
	for (size_t i = 0; points(field) && i < list.count; i++)
		move_value(field, at + i * step, end);
}

static void move_object(const struct td_type *type, void *object, char **end)
{
	move_text(object, end);
	for (size_t i = 0; i < type->fields_count; i++) {
		const struct td_field *field = &type->fields[i];
		void *value = (char *)object + td_field_offset(type, field);

		if (field->list)
			move_list(field, value, end);
		else if (td_field_present(type, field, object))
			move_value(field, value, end);
		else
			memset(value, 0, td_field_bytes(field));
	}
}

void *td_type_copy(const struct td_type *type, const void *object, void *block)
{
	char *end = block;

	TD_ASSERT((uintptr_t)block % TD_FIELD_ALIGN == 0);
	move_object(type, put(&end, object, type->bytes), &end);
	return block;
}
