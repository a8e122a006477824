#include "event/event.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "event/typed_field.h"

const char *td_type_name(const struct td_type *type)
{
	return type->name;
}

/*
 * Each file that includes a declaration has its own copy of it, so this runs whenever publisher and
 * handler live in different files. Strings are compared by address first: within one program the
 * linker has merged equal ones.
 */
static bool same_string(const char *a, const char *b)
{
	return a == b || strcmp(a, b) == 0;
}

static bool same_field(const struct td_field *a, const struct td_field *b)
{
	return a->kind == b->kind && a->list == b->list && a->required == b->required &&
	       same_string(a->name, b->name) &&
	       (a->kind != TD_FIELD_OBJECT || td_type_same(a->type, b->type));
}

bool td_type_same(const struct td_type *a, const struct td_type *b)
{
	if (a == b)
		return true;
	if (a->bytes != b->bytes || a->fields_count != b->fields_count ||
		!same_string(a->name, b->name))
		return false;
	for (size_t i = 0; i < a->fields_count; i++) {
		const struct td_field *x = &a->fields[i], *y = &b->fields[i];

		if (td_field_offset(a, x) != td_field_offset(b, y) ||
			td_field_has(a, x) != td_field_has(b, y) || !same_field(x, y))
			return false;
	}
	return true;
}

const struct td_field *td_field_find(const struct td_type *type, struct td_json name, size_t *next)
{
	for (size_t n = 0, i = *next; n < type->fields_count; n++, i++) {
		const struct td_field *field;

		if (i >= type->fields_count)
			i = 0;
		field = &type->fields[i];
		if (td_json_string_is(name, td_text_of(field->name, field->name_bytes))) {
			*next = i + 1;
			return field;
		}
	}
	return NULL;
}

/* The JSON Pointer of a place; cut where it does not fit. Returns the length written. */
static size_t print_place(const struct td_place *place, char *text, size_t room)
{
	size_t used;
	int len;

	if (place == NULL) {
		text[0] = '\0';
		return 0;
	}
	used = print_place(place->up, text, room);
	if (place->name != NULL)
		len = snprintf(text + used, room - used, "/%s", place->name);
	else
		len = snprintf(text + used, room - used, "/%zu", place->index);
	return len < 0 || (size_t)len >= room - used ? room - 1 : used + (size_t)len;
}

int td_place_error(
	struct td_error *err, const struct td_place *place, size_t offset, const char *format, ...)
{
	char path[TD_ERROR_TEXT_BYTES / 2], text[TD_ERROR_TEXT_BYTES];
	va_list args;

	if (err == NULL)
		return TD_E_DATA;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	print_place(place, path, sizeof(path));
	return td_error_set(
		err, TD_E_DATA, offset, "%s%s%s", path, path[0] != '\0' ? ": " : "", text);
}

static size_t skip_digits(struct td_text text, size_t at)
{
	while (at < text.len && text.at[at] >= '0' && text.at[at] <= '9')
		at++;
	return at;
}

bool td_decimal_valid(struct td_text text)
{
	size_t start = text.len > 0 && text.at[0] == '-' ? 1 : 0;
	size_t at = skip_digits(text, start);

	if (at == start)
		return false;
	if (at < text.len && text.at[at] == '.') {
		start = ++at;
		at = skip_digits(text, start);
		if (at == start)
			return false;
	}
	return at == text.len;
}
