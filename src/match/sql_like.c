/*
 * LIKE (cesql/spec.md 3.4.3): "%" any run of characters, "_" one character, "\%" and "\_"
 * themselves.
 *
 * The pattern falls into segments between "%". The first must stand at the start, the last at the
 * end, and each between them at the first place where it fits: taking the first is never worse,
 * so nothing is ever tried again. What is compared is charged against the step limit.
 */
#include "match/filter.h"

void td_sql_like_compile(struct td_filter_node *node, char *pattern, size_t len)
{
	size_t out = 0, first = SIZE_MAX, last = 0;

	for (size_t i = 0; i < len; i++) {
		char c = pattern[i];

		if (c == '\\' && i + 1 < len && (pattern[i + 1] == '%' || pattern[i + 1] == '_')) {
			c = pattern[++i];
		} else if (c == '%') {
			c = TD_SQL_ANY_RUN;
			first = first == SIZE_MAX ? out : first;
			last = out + 1;
		} else if (c == '_') {
			c = TD_SQL_ANY_ONE;
		}
		pattern[out++] = c;
	}
	node->text_len = (uint32_t)out;
	node->head = (uint16_t)(first == SIZE_MAX ? out : first);
	node->tail = (uint16_t)(first == SIZE_MAX ? 0 : out - last);
}

static bool continues(char c)
{
	return ((unsigned char)c & 0xC0) == 0x80;
}

/* Whether `segment` stands at *at; if so, *at moves behind it. */
static bool stands_at(struct td_text segment, const char **at, const char *end)
{
	const char *p = *at;

	for (size_t i = 0; i < segment.len; i++) {
		if (p == end)
			return false;
		if (segment.at[i] == TD_SQL_ANY_ONE) {
			for (p++; p < end && continues(*p); p++)
				;
		} else if (*p++ != segment.at[i]) {
			return false;
		}
	}
	*at = p;
	return true;
}

/* Whether `segment` stands before *end; if so, *end moves before it. */
static bool stands_before(struct td_text segment, const char *start, const char **end)
{
	const char *p = *end;

	for (size_t i = segment.len; i > 0; i--) {
		if (p == start)
			return false;
		p--;
		if (segment.at[i - 1] == TD_SQL_ANY_ONE) {
			while (p > start && continues(*p))
				p--;
		} else if (*p != segment.at[i - 1]) {
			return false;
		}
	}
	*end = p;
	return true;
}

/* The first place from *at on; *at moves behind it. */
static bool stands_within(
	struct td_sql_run *run, struct td_text segment, const char **at, const char *end)
{
	if (memchr(segment.at, TD_SQL_ANY_ONE, segment.len) == NULL) {
		const char *found = memmem(*at, (size_t)(end - *at), segment.at, segment.len);

		if (found == NULL)
			return false;
		*at = found + segment.len;
		return true;
	}
	for (const char *p = *at; p < end; p++) {
		const char *behind = p;

		if (continues(*p))
			continue; /* "_" begins at a character */
		if (!td_sql_charge(run, segment.len))
			return false;
		if (stands_at(segment, &behind, end)) {
			*at = behind;
			return true;
		}
	}
	return false;
}

bool td_sql_like(struct td_sql_run *run, const struct td_filter_node *node, struct td_text value)
{
	struct td_text pattern = td_filter_text(run->filter, node);
	struct td_text head = td_text_of(pattern.at, node->head);
	const char *at = value.at, *end = value.at + value.len;
	const char *segment, *last;

	if (!td_sql_charge(run, value.len))
		return false;
	if (!stands_at(head, &at, end))
		return false;
	if (head.len == pattern.len)
		return at == end;
	last = pattern.at + pattern.len - node->tail;
	if (!stands_before(td_text_of(last, node->tail), at, &end))
		return false;
	for (segment = pattern.at + head.len + 1; segment < last;) {
		const char *stop = memchr(segment, TD_SQL_ANY_RUN, (size_t)(last - segment));
		struct td_text middle = td_text_of(segment, (size_t)(stop - segment));

		if (middle.len > 0 && !stands_within(run, middle, &at, end))
			return false;
		segment = stop + 1;
	}
	return true;
}
