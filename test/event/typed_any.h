/*
 * Any struct of a declaration: made at random, and compared deeply. Knows the layout by itself, so
 * that it can disagree with the library.
 */
#ifndef TD_TEST_EVENT_TYPED_ANY_H
#define TD_TEST_EVENT_TYPED_ANY_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "event/event.h"

/* --- equal -------------------------------------------------------------------------------- */

/* Deep equality by the declaration. */
static inline bool equal_objects(const struct td_type *type, const void *a, const void *b);

static inline bool equal_values(const struct td_field *field, const char *a, const char *b)
{
	switch (field->kind) {
	case TD_FIELD_TEXT:
	case TD_FIELD_DECIMAL:
		return td_text_equal(*(const struct td_text *)(const void *)a,
			*(const struct td_text *)(const void *)b);
	case TD_FIELD_INTEGER:
	case TD_FIELD_NUMBER: /* bit by bit: -0 is not 0 */
	case TD_FIELD_TIME:
		return memcmp(a, b, 8) == 0;
	case TD_FIELD_BOOLEAN:
		return *a == *b;
	case TD_FIELD_OBJECT:
		return equal_objects(field->type, a, b);
	}
	return false;
}

static inline size_t value_bytes(const struct td_field *field)
{
	static const size_t bytes[] = {
		[TD_FIELD_TEXT] = sizeof(struct td_text),
		[TD_FIELD_DECIMAL] = sizeof(struct td_text),
		[TD_FIELD_INTEGER] = 8,
		[TD_FIELD_NUMBER] = 8,
		[TD_FIELD_TIME] = 8,
		[TD_FIELD_BOOLEAN] = 1,
	};

	return field->kind == TD_FIELD_OBJECT ? field->type->bytes : bytes[field->kind];
}

struct list {
	const char *at;
	size_t count;
};

static inline size_t has_offset(const struct td_type *type, const struct td_field *field)
{
	return (size_t)((const char *)type->has[field - type->fields] - (const char *)type->zero);
}

static inline bool equal_fields(
	const struct td_type *type, const struct td_field *field, const void *a, const void *b)
{
	size_t offset = (size_t)((const char *)field->at - (const char *)type->zero);
	const char *x = (const char *)a + offset, *y = (const char *)b + offset;
	size_t bytes = value_bytes(field);
	struct list p, q;

	if (!field->list) {
		const char *p_has = (const char *)a + has_offset(type, field);
		const char *q_has = (const char *)b + has_offset(type, field);

		if (field->required)
			return equal_values(field, x, y);
		return *p_has == *q_has && (!*p_has || equal_values(field, x, y));
	}
	memcpy(&p, x, sizeof(p));
	memcpy(&q, y, sizeof(q));
	if (p.count != q.count)
		return false;
	for (size_t i = 0; i < p.count; i++) {
		if (!equal_values(field, p.at + i * bytes, q.at + i * bytes))
			return false;
	}
	return true;
}

static inline bool equal_objects(const struct td_type *type, const void *a, const void *b)
{
	const struct td_text *unknown_a = a, *unknown_b = b;

	if (unknown_a->len != unknown_b->len || !td_text_equal(*unknown_a, *unknown_b))
		return false;
	for (size_t i = 0; i < type->fields_count; i++) {
		if (!equal_fields(type, &type->fields[i], a, b))
			return false;
	}
	return true;
}

/* --- made at random ----------------------------------------------------------------------- */

struct maker {
	struct td_rng rng;
	struct td_arena arena;
};

static inline void make_object(struct maker *m, const struct td_type *type, void *object);

static inline struct td_text make_text(struct maker *m)
{
	static const char *const pieces[] = {"a", "order", "\"", "\\", "\n", "\x01", "\x7F", "/",
		"\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x8D\x95", " "};
	struct td_buf buf = TD_BUF_INIT(SIZE_MAX);
	struct td_text text;

	td_buf_add(&buf, "", 0);
	for (uint64_t n = td_rng_below(&m->rng, 8); n > 0; n--)
		td_buf_add_string(&buf, pieces[td_rng_below(&m->rng, 12)]);
	if (td_rng_below(&m->rng, 8) == 0)
		td_buf_add_char(&buf, '\0');
	text = td_arena_copy(&m->arena, td_buf_view(&buf));
	td_buf_fini(&buf);
	return text;
}

static inline struct td_text make_decimal(struct maker *m)
{
	char text[64];

	snprintf(text, sizeof(text), "%s%llu%s", td_rng_below(&m->rng, 2) ? "-" : "",
		(unsigned long long)td_rng_u64(&m->rng), td_rng_below(&m->rng, 2) ? ".050" : "");
	return td_arena_copy(&m->arena, td_text(text));
}

/* Numbers of all sizes, the ends among them. */
static inline int64_t make_integer(struct maker *m)
{
	static const int64_t ends[] = {0, 1, -1, INT64_MAX, INT64_MIN, 1000, 999999999};
	uint64_t i = td_rng_below(&m->rng, 20);

	return i < 7 ? ends[i]
		     : (int64_t)(td_rng_u64(&m->rng) >> td_rng_below(&m->rng, 64)) *
			       (i % 2 ? 1 : -1);
}

static inline double make_number(struct maker *m)
{
	double value;
	uint64_t bits;

	do {
		bits = td_rng_below(&m->rng, 4) ? td_rng_u64(&m->rng) : (uint64_t)1 << 63;
		memcpy(&value, &bits, sizeof(value));
	} while (!isfinite(value));
	return value;
}

static inline void make_value(struct maker *m, const struct td_field *field, void *value)
{
	switch (field->kind) {
	case TD_FIELD_TEXT:
		*(struct td_text *)value = make_text(m);
		break;
	case TD_FIELD_DECIMAL:
		*(struct td_text *)value = make_decimal(m);
		break;
	case TD_FIELD_INTEGER:
	case TD_FIELD_TIME:
		*(int64_t *)value = make_integer(m);
		break;
	case TD_FIELD_NUMBER:
		*(double *)value = make_number(m);
		break;
	case TD_FIELD_BOOLEAN:
		*(bool *)value = td_rng_below(&m->rng, 2);
		break;
	case TD_FIELD_OBJECT:
		make_object(m, field->type, value);
		break;
	}
}

static inline void make_list(struct maker *m, const struct td_field *field, char *value)
{
	struct list list = {NULL, (size_t)td_rng_below(&m->rng, 4)};
	size_t bytes = value_bytes(field);
	char *at = td_arena_alloc(&m->arena, list.count * bytes + 1);

	for (size_t i = 0; i < list.count; i++)
		make_value(m, field, at + i * bytes);
	list.at = list.count > 0 ? at : NULL;
	memcpy(value, &list, sizeof(list));
}

static inline void make_field(
	struct maker *m, const struct td_type *type, const struct td_field *field, char *object)
{
	char *value = object + ((const char *)field->at - (const char *)type->zero);
	bool present = field->required || td_rng_below(&m->rng, 2);

	if (field->list)
		make_list(m, field, value);
	else if (present)
		make_value(m, field, value);
	else /* absent: nobody may follow this */
		memset(value, 0x5A, value_bytes(field));
	if (!field->list && !field->required)
		object[has_offset(type, field)] = present;
}

static inline void make_object(struct maker *m, const struct td_type *type, void *object)
{
	struct td_text *unknown = object;

	memset(object, 0, type->bytes);
	if (td_rng_below(&m->rng, 3) == 0)
		*unknown = td_arena_copy(&m->arena, td_text("\"x-1\":1e0,\"y\":[{\"text\":null}]"));
	for (size_t i = 0; i < type->fields_count; i++)
		make_field(m, type, &type->fields[i], object);
}

/* Lives until the maker's arena is reset. */
static inline void *make_any(struct maker *m, const struct td_type *type)
{
	void *object = td_arena_alloc(&m->arena, type->bytes);

	make_object(m, type, object);
	return object;
}

#endif
