/*
 * The functions of CESQL (cesql/spec.md 3.5), and the three explicit casts that its tests call.
 * Arguments come cast to the declared types.
 */
#include "match/filter.h"
#include "match/sql_lex.h"

static struct td_sql_datum fail(
	struct td_sql_run *run, enum td_sql_error error, struct td_sql_datum result)
{
	run->errors |= error;
	return result;
}

static const struct td_text empty = TD_TEXT_INIT("");

/* --- whole strings ------------------------------------------------------------------------ */

static struct td_sql_datum call_length(
	struct td_sql_run *run, const struct td_sql_datum *args, size_t count)
{
	(void)count;
	td_sql_charge(run, args[0].len);
	return td_sql_integer((int32_t)td_utf8_length(td_sql_text(args[0])));
}

/* args[first] and on, with `delimiter` between them. */
static struct td_sql_datum join(struct td_sql_run *run, struct td_text delimiter,
	const struct td_sql_datum *args, size_t count)
{
	size_t bytes = count > 1 ? (count - 1) * delimiter.len : 0;
	char *made, *p;

	for (size_t i = 0; i < count; i++)
		bytes += args[i].len;
	made = p = td_sql_make(run, bytes);
	if (made == NULL)
		return td_sql_string(empty);
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && delimiter.len > 0)
			p = mempcpy(p, delimiter.at, delimiter.len);
		if (args[i].len > 0)
			p = mempcpy(p, args[i].at, args[i].len);
	}
	return td_sql_string(td_text_of(made, bytes));
}

static struct td_sql_datum call_concat(
	struct td_sql_run *run, const struct td_sql_datum *args, size_t count)
{
	return join(run, empty, args, count);
}

static struct td_sql_datum call_concat_ws(
	struct td_sql_run *run, const struct td_sql_datum *args, size_t count)
{
	return join(run, td_sql_text(args[0]), args + 1, count - 1);
}

/* What is in that case already is not copied. */
static struct td_sql_datum change_case(
	struct td_sql_run *run, struct td_text text, uint32_t (*change)(uint32_t character))
{
	const char *at = text.at, *end = text.at + text.len;
	bool same = true;
	char *made, *p;

	if (!td_sql_charge(run, 8 * text.len)) /* the table is searched */
		return td_sql_string(empty);
	while (same && at < end) {
		uint32_t c = td_utf8_next(&at, end);

		same = change(c) == c;
	}
	if (same)
		return td_sql_string(text);
	made = p = td_sql_make(run, text.len);
	if (made == NULL)
		return td_sql_string(empty);
	for (at = text.at; at < end;)
		p += td_utf8_put(p, change(td_utf8_next(&at, end)));
	return td_sql_string(td_text_of(made, (size_t)(p - made)));
}

static struct td_sql_datum call_lower(
	struct td_sql_run *run, const struct td_sql_datum *args, size_t count)
{
	(void)count;
	return change_case(run, td_sql_text(args[0]), td_sql_lower);
}

static struct td_sql_datum call_upper(
	struct td_sql_run *run, const struct td_sql_datum *args, size_t count)
{
	(void)count;
	return change_case(run, td_sql_text(args[0]), td_sql_upper);
}

static struct td_sql_datum call_trim(
	struct td_sql_run *run, const struct td_sql_datum *args, size_t count)
{
	(void)count;
	td_sql_charge(run, args[0].len);
	return td_sql_string(td_sql_trim(td_sql_text(args[0])));
}

/* --- parts of strings --------------------------------------------------------------------- */

static struct td_sql_datum call_left(
	struct td_sql_run *run, const struct td_sql_datum *args, size_t count)
{
	struct td_text x = td_sql_text(args[0]);
	int32_t n = args[1].integer;

	(void)count;
	if (n < 0)
		return fail(run, TD_SQL_FUNCTION_EVALUATION, args[0]);
	td_sql_charge(run, x.len);
	return td_sql_string(td_text_of(x.at, td_sql_characters(x, (size_t)n)));
}

static struct td_sql_datum call_right(
	struct td_sql_run *run, const struct td_sql_datum *args, size_t count)
{
	struct td_text x = td_sql_text(args[0]);
	int32_t n = args[1].integer;
	size_t length, skip;

	(void)count;
	if (n < 0)
		return fail(run, TD_SQL_FUNCTION_EVALUATION, args[0]);
	td_sql_charge(run, x.len);
	length = td_utf8_length(x);
	skip = (size_t)n < length ? td_sql_characters(x, length - (size_t)n) : 0;
	return td_sql_string(td_text_of(x.at + skip, x.len - skip));
}

/* SUBSTRING(x, pos) and SUBSTRING(x, pos, len). */
static struct td_sql_datum call_substring(
	struct td_sql_run *run, const struct td_sql_datum *args, size_t count)
{
	struct td_text x = td_sql_text(args[0]);
	int64_t pos = args[1].integer, length;
	size_t skip, bytes;

	td_sql_charge(run, x.len);
	length = (int64_t)td_utf8_length(x);
	if (pos > length || pos < -length || (count == 3 && args[2].integer < 0))
		return fail(run, TD_SQL_FUNCTION_EVALUATION, td_sql_string(empty));
	if (pos == 0)
		return td_sql_string(empty);
	skip = td_sql_characters(x, (size_t)(pos > 0 ? pos - 1 : length + pos));
	x = td_text_of(x.at + skip, x.len - skip);
	bytes = count == 3 ? td_sql_characters(x, (size_t)args[2].integer) : x.len;
	return td_sql_string(td_text_of(x.at, bytes));
}

/* --- numbers and casts -------------------------------------------------------------------- */

static struct td_sql_datum call_abs(
	struct td_sql_run *run, const struct td_sql_datum *args, size_t count)
{
	int32_t x = args[0].integer;

	(void)count;
	if (x == INT32_MIN)
		return fail(run, TD_SQL_MATH, td_sql_integer(INT32_MAX));
	return td_sql_integer(x < 0 ? -x : x);
}

/* INT, BOOL and STRING: the cast of the argument is all. */
static struct td_sql_datum call_cast(
	struct td_sql_run *run, const struct td_sql_datum *args, size_t count)
{
	(void)run;
	(void)count;
	return args[0];
}

#define I SQL_IS_INTEGER
#define S SQL_IS_STRING
#define B SQL_IS_BOOLEAN

static const struct td_sql_function functions[] = {
	{"ABS", 1, 1, I, {I, I, I}, call_abs},
	{"BOOL", 1, 1, B, {B, B, B}, call_cast},
	{"CONCAT", 0, TD_SQL_VARIADIC, S, {S, S, S}, call_concat},
	{"CONCAT_WS", 1, TD_SQL_VARIADIC, S, {S, S, S}, call_concat_ws},
	{"INT", 1, 1, I, {I, I, I}, call_cast},
	{"LEFT", 2, 2, S, {S, I, I}, call_left},
	{"LENGTH", 1, 1, I, {S, S, S}, call_length},
	{"LOWER", 1, 1, S, {S, S, S}, call_lower},
	{"RIGHT", 2, 2, S, {S, I, I}, call_right},
	{"STRING", 1, 1, S, {S, S, S}, call_cast},
	{"SUBSTRING", 2, 3, S, {S, I, I}, call_substring},
	{"TRIM", 1, 1, S, {S, S, S}, call_trim},
	{"UPPER", 1, 1, S, {S, S, S}, call_upper},
};

#undef I
#undef S
#undef B

uint8_t td_sql_function_find(struct td_text name, size_t count)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		if (td_sql_word_is(name, functions[i].name) && count >= functions[i].least &&
			count <= functions[i].most)
			return (uint8_t)i;
	}
	return TD_SQL_UNKNOWN;
}

const struct td_sql_function *td_sql_function_at(uint8_t number)
{
	TD_ASSERT(number < sizeof(functions) / sizeof(functions[0]));
	return &functions[number];
}
