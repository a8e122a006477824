#include "json/json.h"

#include <math.h>

#include "json/decimal.h"
#include "json/scan.h"

#define EXACT_INTEGERS 9007199254740992.0 /* 2^53: below, all integers are doubles */

/* --- strings ------------------------------------------------------------------------------ */

/* A character that cannot stand as it is. */
static void add_escaped(struct td_buf *buf, char c)
{
	static const char digits[] = "0123456789abcdef";
	char escape[6] = {'\\', c};
	size_t len = 2;

	switch (c) {
	case '"':
	case '\\':
		break;
	case '\b':
		escape[1] = 'b';
		break;
	case '\f':
		escape[1] = 'f';
		break;
	case '\n':
		escape[1] = 'n';
		break;
	case '\r':
		escape[1] = 'r';
		break;
	case '\t':
		escape[1] = 't';
		break;
	default:
		memcpy(escape, "\\u00", 4);
		escape[4] = digits[(unsigned char)c >> 4];
		escape[5] = digits[(unsigned char)c & 0xF];
		len = 6;
		break;
	}
	td_buf_add(buf, escape, len);
}

/* Each byte that belongs to no character becomes U+FFFD. */
static void add_utf8(struct td_buf *buf, const char *at, size_t len)
{
	for (;;) {
		size_t valid = td_utf8_valid(at, len);

		td_buf_add(buf, at, valid);
		if (valid == len)
			return;
		td_buf_add(buf, "\xEF\xBF\xBD", 3);
		at += valid + 1;
		len -= valid + 1;
	}
}

void td_json_quote(struct td_buf *buf, struct td_text value)
{
	const char *at = value.len > 0 ? value.at : "", *end = at + value.len;

	td_buf_add_char(buf, '"');
	while (at < end) {
		bool high = false;
		const char *stop = scan_text(at, end, &high);

		if (high)
			add_utf8(buf, at, (size_t)(stop - at));
		else
			td_buf_add(buf, at, (size_t)(stop - at));
		if (stop < end)
			add_escaped(buf, *stop++);
		at = stop;
	}
	td_buf_add_char(buf, '"');
}

/* --- order of calls ----------------------------------------------------------------------- */

static bool in_object(const struct td_json_writer *writer)
{
	unsigned level = writer->depth - 1;

	return writer->depth > 0 && (writer->objects[level / 64] >> level % 64 & 1) != 0;
}

/* A value is due here, or it is a wrong program. */
static void begin_value(struct td_json_writer *writer)
{
	if (writer->named) {
		writer->named = false;
		return;
	}
	TD_ASSERT(!in_object(writer));
	TD_ASSERT(writer->depth > 0 || !writer->comma);
	if (writer->comma)
		td_buf_add_char(writer->buf, ',');
	writer->comma = true;
}

static void open_container(struct td_json_writer *writer, char bracket)
{
	uint64_t bit;

	begin_value(writer);
	TD_ASSERT(writer->depth < TD_JSON_DEPTH_MAX);
	bit = UINT64_C(1) << writer->depth % 64;
	if (bracket == '{')
		writer->objects[writer->depth / 64] |= bit;
	else
		writer->objects[writer->depth / 64] &= ~bit;
	writer->depth++;
	writer->comma = false;
	td_buf_add_char(writer->buf, bracket);
}

static void close_container(struct td_json_writer *writer, char bracket)
{
	TD_ASSERT(writer->depth > 0 && !writer->named);
	TD_ASSERT(in_object(writer) == (bracket == '}'));
	writer->depth--;
	writer->comma = true;
	td_buf_add_char(writer->buf, bracket);
}

void td_json_writer_init(struct td_json_writer *writer, struct td_buf *buf)
{
	*writer = (struct td_json_writer){.buf = buf};
}

void td_json_open_object(struct td_json_writer *writer)
{
	open_container(writer, '{');
}

void td_json_close_object(struct td_json_writer *writer)
{
	close_container(writer, '}');
}

void td_json_open_array(struct td_json_writer *writer)
{
	open_container(writer, '[');
}

void td_json_close_array(struct td_json_writer *writer)
{
	close_container(writer, ']');
}

void td_json_name(struct td_json_writer *writer, struct td_text name)
{
	TD_ASSERT(in_object(writer) && !writer->named);
	if (writer->comma)
		td_buf_add_char(writer->buf, ',');
	td_json_quote(writer->buf, name);
	td_buf_add_char(writer->buf, ':');
	writer->comma = true;
	writer->named = true;
}

/* --- values ------------------------------------------------------------------------------- */

void td_json_string(struct td_json_writer *writer, struct td_text value)
{
	begin_value(writer);
	td_json_quote(writer->buf, value);
}

void td_json_i64(struct td_json_writer *writer, int64_t value)
{
	begin_value(writer);
	td_buf_add_i64(writer->buf, value);
}

void td_json_u64(struct td_json_writer *writer, uint64_t value)
{
	begin_value(writer);
	td_buf_add_u64(writer->buf, value);
}

static void add_zeros(struct td_buf *buf, int64_t count)
{
	while (count-- > 0)
		td_buf_add_char(buf, '0');
}

/* Plain from 0.000001 up to 21 digits, as ECMAScript has it; else with an exponent. */
static void add_decimal(struct td_buf *buf, const struct td_decimal *decimal)
{
	int64_t point = decimal->count == 0 ? 1 : decimal->point;
	int64_t count = (int64_t)decimal->count;
	int64_t whole, left; /* digits before the point, of all that the decimal has */
	bool plain = point > -6 && point <= 21;

	whole = plain ? point : 1;
	left = whole < 0 ? 0 : whole < count ? whole : count;
	if (decimal->negative)
		td_buf_add_char(buf, '-');
	td_buf_add(buf, decimal->digits, (size_t)left);
	add_zeros(buf, whole <= 0 ? 1 : whole - left);
	if (left < count) {
		td_buf_add_char(buf, '.');
		add_zeros(buf, -whole);
		td_buf_add(buf, decimal->digits + left, (size_t)(count - left));
	}
	if (!plain) {
		td_buf_add_char(buf, 'e');
		td_buf_add_i64(buf, point - 1);
	}
}

void td_json_double(struct td_json_writer *writer, double value)
{
	struct td_decimal decimal;

	begin_value(writer);
	if (!isfinite(value)) {
		td_buf_add(writer->buf, "null", 4);
		return;
	}
	if (!signbit(value) && value < EXACT_INTEGERS && value == (double)(uint64_t)value) {
		td_buf_add_u64(writer->buf, (uint64_t)value);
		return;
	}
	td_decimal_shortest(&decimal, value);
	add_decimal(writer->buf, &decimal);
}

void td_json_bool(struct td_json_writer *writer, bool value)
{
	begin_value(writer);
	td_buf_add_string(writer->buf, value ? "true" : "false");
}

void td_json_null(struct td_json_writer *writer)
{
	begin_value(writer);
	td_buf_add(writer->buf, "null", 4);
}

void td_json_raw(struct td_json_writer *writer, struct td_text json)
{
	begin_value(writer);
	td_buf_add_text(writer->buf, json);
}
