/*
 * A struct seen through its declaration: where each field lies, and how an error names it.
 *
 *	object   | unknown | value | value | at count | ... | has | has |
 *	           first     ^                                 of what is OPTIONAL and no list
 *	                     td_field_value()
 *
 * Private to the typed_*.c files.
 */
#ifndef TD_EVENT_TYPED_FIELD_H
#define TD_EVENT_TYPED_FIELD_H

#include "event/event.h"

/* Every member of a declared struct is aligned to this at most. */
#define TD_FIELD_ALIGN 8u
_Static_assert(_Alignof(int64_t) <= TD_FIELD_ALIGN && _Alignof(double) <= TD_FIELD_ALIGN &&
		       _Alignof(struct td_text) <= TD_FIELD_ALIGN,
	"blocks are laid out in steps of TD_FIELD_ALIGN");

static inline size_t td_field_round(size_t bytes)
{
	return (bytes + TD_FIELD_ALIGN - 1) & ~(size_t)(TD_FIELD_ALIGN - 1);
}

/* --- fields ------------------------------------------------------------------------------- */

static inline size_t td_field_offset(const struct td_type *type, const struct td_field *field)
{
	return (size_t)((const char *)field->at - (const char *)type->zero);
}

static inline const void *td_field_value(
	const struct td_type *type, const struct td_field *field, const void *object)
{
	return (const char *)object + td_field_offset(type, field);
}

/* Size of one value: of the field itself, or of an element where it is a list. */
static inline size_t td_field_bytes(const struct td_field *field)
{
	switch (field->kind) {
	case TD_FIELD_TEXT:
	case TD_FIELD_DECIMAL:
		return sizeof(struct td_text);
	case TD_FIELD_INTEGER:
		return sizeof(int64_t);
	case TD_FIELD_NUMBER:
		return sizeof(double);
	case TD_FIELD_BOOLEAN:
		return sizeof(bool);
	case TD_FIELD_TIME:
		return sizeof(td_time);
	case TD_FIELD_OBJECT:
		return field->type->bytes;
	}
	TD_UNREACHABLE();
}

/* Offset of has_NAME, or 0 where the field has none. */
static inline size_t td_field_has(const struct td_type *type, const struct td_field *field)
{
	return (size_t)((const char *)type->has[field - type->fields] - (const char *)type->zero);
}

/* Whether the value counts: has_NAME, true where there is none. */
static inline bool td_field_present(
	const struct td_type *type, const struct td_field *field, const void *object)
{
	size_t has = td_field_has(type, field);

	return has == 0 || *(const bool *)((const char *)object + has);
}

/* The field of that name, or NULL. Members mostly come in order: *next is where to look first. */
const struct td_field *td_field_find(const struct td_type *type, struct td_json name, size_t *next);

/* LIST and OBJECTS, whatever their elements are. */
struct td_field_list {
	const void *at;
	size_t count;
};

static inline struct td_field_list td_field_list(const void *value)
{
	struct td_field_list list;

	memcpy(&list, value, sizeof(list)); /* in the struct `at` has the element's type */
	TD_ASSERT(list.count == 0 || list.at != NULL);
	return list;
}

/* --- places ------------------------------------------------------------------------------- */

/* Where we are, from the inside out; NULL is the outermost struct. Lives on the stack. */
struct td_place {
	const struct td_place *up;
	const char *name; /* of a member; NULL: an element ... */
	size_t index;     /* ... and which */
};

/* TD_E_DATA: "/pizzas/0/name: text". Returns the code. */
__attribute__((cold)) int td_place_error(struct td_error *err, const struct td_place *place,
	size_t offset, const char *format, ...) TD_PRINTF(4, 5);

/* --- rules that both directions hold ------------------------------------------------------ */

/* -?digits, and .digits if there is a point. */
bool td_decimal_valid(struct td_text text);

#endif
