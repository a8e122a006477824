#include "flow/name.h"

#include <inttypes.h>
#include <stdio.h>

/* Controls, marks and overrides of direction, separators of lines, what has no width. */
static bool is_hidden(uint32_t c)
{
	static const struct {
		uint32_t from, to;
	} hidden[] = {
		{0x0000, 0x001F},
		{0x007F, 0x009F},
		{0x00AD, 0x00AD},
		{0x061C, 0x061C},
		{0x180E, 0x180E},
		{0x200B, 0x200F},
		{0x2028, 0x202E},
		{0x2060, 0x206F},
		{0xFEFF, 0xFEFF},
		{0xFFF9, 0xFFFB},
		{0xE0000, 0xE0FFF},
	};

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		if (c >= hidden[i].from && c <= hidden[i].to)
			return true;
	}
	return false;
}

static void add_character(struct td_buf *buf, uint32_t c)
{
	char bytes[4];

	td_buf_add(buf, bytes, td_utf8_put(bytes, c));
}

typedef void put(struct td_buf *buf, uint32_t c);

static void put_text(struct td_buf *buf, uint32_t c)
{
	add_character(buf, c);
}

static void put_dot(struct td_buf *buf, uint32_t c)
{
	if (c == '"' || c == '\\')
		td_buf_add_char(buf, '\\');
	add_character(buf, c);
}

static void put_mermaid(struct td_buf *buf, uint32_t c)
{
	bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		     c == ' ' || c == '.' || c == ',' || c == '_' || c == '/' || c == '-' ||
		     c == '+';

	if (plain)
		td_buf_add_char(buf, (char)c);
	else
		td_buf_printf(buf, "#%" PRIu32 ";", c);
}

static void put_all(struct td_buf *buf, const char *string, put *put_one)
{
	for (; *string != '\0'; string++)
		put_one(buf, (unsigned char)*string);
}

/* Characters [from, to) of a name. */
static void add_range(struct td_buf *buf, struct td_text name, size_t from, size_t to, put *put_one)
{
	const char *at = name.at, *end = name.len > 0 ? name.at + name.len : at;
	char shown[16];

	for (size_t i = 0; i < to && at < end; i++) {
		uint32_t c = td_utf8_next(&at, end);

		if (i < from)
			continue;
		if (!is_hidden(c)) {
			put_one(buf, c);
			continue;
		}
		snprintf(shown, sizeof(shown), "<U+%04" PRIX32 ">", c);
		put_all(buf, shown, put_one);
	}
}

static size_t characters(struct td_text name)
{
	const char *at = name.at, *end = name.len > 0 ? name.at + name.len : at;
	size_t count = 0;

	for (; at < end; count++)
		td_utf8_next(&at, end);
	return count;
}

static void add_short(struct td_buf *buf, struct td_text name, put *put_one)
{
	size_t count = characters(name), half = TD_FLOW_SHOWN_MAX / 2;

	if (count <= TD_FLOW_SHOWN_MAX) {
		add_range(buf, name, 0, count, put_one);
		return;
	}
	add_range(buf, name, 0, half, put_one);
	put_all(buf, "...", put_one);
	add_range(buf, name, count - half + 3, count, put_one);
}

void td_name_text(struct td_buf *buf, struct td_text name)
{
	add_range(buf, name, 0, SIZE_MAX, put_text);
}

void td_name_dot(struct td_buf *buf, struct td_text name)
{
	add_short(buf, name, put_dot);
}

void td_name_mermaid(struct td_buf *buf, struct td_text name)
{
	add_short(buf, name, put_mermaid);
}
