/*
 * Casts (cesql/spec.md 3.7).
 */
#include "match/filter.h"
#include "match/sql_lex.h"

bool td_sql_read_integer(struct td_text text, int32_t *value)
{
	const char *p = text.at, *end = text.at + text.len;
	bool minus = false;
	int64_t read = 0;

	if (p < end && (*p == '+' || *p == '-'))
		minus = *p++ == '-';
	if (p == end)
		return false;
	for (; p < end; p++) {
		if (*p < '0' || *p > '9')
			return false;
		read = 10 * read + (*p - '0');
		if (read > (int64_t)INT32_MAX + 1)
			return false;
	}
	if (minus)
		read = -read;
	if (read > INT32_MAX)
		return false;
	*value = (int32_t)read;
	return true;
}

bool td_sql_to_boolean(struct td_sql_run *run, struct td_sql_datum datum)
{
	if (datum.type != SQL_IS_STRING)
		return datum.integer != 0;
	if (td_sql_word_is(td_sql_text(datum), "TRUE"))
		return true;
	if (!td_sql_word_is(td_sql_text(datum), "FALSE"))
		run->errors |= TD_SQL_CAST;
	return false;
}

int32_t td_sql_to_integer(struct td_sql_run *run, struct td_sql_datum datum)
{
	int32_t value = 0;

	if (datum.type != SQL_IS_STRING)
		return datum.integer;
	if (!td_sql_read_integer(td_sql_text(datum), &value))
		run->errors |= TD_SQL_CAST;
	return value;
}

struct td_text td_sql_to_text(struct td_sql_datum datum, char room[TD_SQL_DIGITS])
{
	static const struct td_text names[2] = {TD_TEXT_INIT("false"), TD_TEXT_INIT("true")};
	uint32_t rest;
	char *p = room + TD_SQL_DIGITS;

	if (datum.type == SQL_IS_STRING)
		return td_sql_text(datum);
	if (datum.type == SQL_IS_BOOLEAN)
		return names[datum.integer];
	rest = datum.integer < 0 ? 0u - (uint32_t)datum.integer : (uint32_t)datum.integer;
	do {
		*--p = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (datum.integer < 0)
		*--p = '-';
	return td_text_of(p, (size_t)(room + TD_SQL_DIGITS - p));
}
