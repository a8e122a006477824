/*
 * Evaluating an expression (cesql/spec.md 3).
 *
 * Every operator is total: it gives a value and perhaps errors. An attribute that the event has
 * not makes the operator right around it give the zero of that operator's own type.
 */
#include "match/filter.h"

char *td_sql_make(struct td_sql_run *run, size_t bytes)
{
	char *made = NULL;

	if (bytes <= TD_FILTER_MADE_MAX - run->made && td_sql_charge(run, bytes))
		made = td_arena_alloc(run->arena, bytes > 0 ? bytes : 1);
	if (made == NULL)
		run->errors |= TD_SQL_LIMIT;
	else
		run->made += bytes;
	return made;
}

static bool stopped(const struct td_sql_run *run)
{
	return (run->errors & run->stop) != 0;
}

static bool is_missing(struct td_sql_run *run, struct td_sql_datum datum)
{
	if (TD_LIKELY(datum.type != SQL_IS_MISSING))
		return false;
	run->errors |= TD_SQL_MISSING_ATTRIBUTE;
	return true;
}

/* --- values ------------------------------------------------------------------------------- */

static struct td_sql_datum typed(struct td_text text, enum td_attribute_type type)
{
	int32_t value;

	if (text.at == NULL)
		return (struct td_sql_datum){.type = SQL_IS_MISSING};
	if (type == TD_INTEGER && td_sql_read_integer(text, &value))
		return td_sql_integer(value);
	if (type == TD_BOOLEAN)
		return td_sql_boolean(td_text_is(text, "true"));
	return td_sql_string(text);
}

static struct td_sql_datum look_up(struct td_sql_run *run, const struct td_filter_node *node)
{
	enum td_attribute_type type;
	struct td_text text = td_event_lookup(run->event, td_filter_name(run->filter, node), &type);

	return typed(text, type);
}

/* Known attributes are strings nearly always, and are not asked for by name then. */
static inline struct td_sql_datum eval_attribute(
	struct td_sql_run *run, const struct td_filter_node *node)
{
	const struct td_event *event = run->event;

	if (node->which >= TD_ATTR_COUNT ||
		((event->integers | event->booleans) >> node->which & 1) != 0)
		return look_up(run, node);
	if (event->attr[node->which].at == NULL)
		return (struct td_sql_datum){.type = SQL_IS_MISSING};
	return td_sql_string(event->attr[node->which]);
}

/* A child: what needs no work is had without a call, and without a step. */
static inline struct td_sql_datum operand(struct td_sql_run *run, const struct td_filter_node *node)
{
	if (node->op == SQL_STRING)
		return td_sql_string(td_filter_text(run->filter, node));
	if (node->op == SQL_ATTRIBUTE)
		return eval_attribute(run, node);
	return td_sql_eval(run, node);
}

/* --- unary operators, LIKE, IN ------------------------------------------------------------ */

/*
 * The test suite (not_operator.yaml) has NOT refuse an Integer, though the table of casts would
 * take it: NOT 10 is true, with a cast error. NOT BOOL(10) is false.
 */
static struct td_sql_datum eval_not(struct td_sql_run *run, const struct td_filter_node *node)
{
	struct td_sql_datum x = operand(run, td_filter_at(run->filter, node->child));

	if (is_missing(run, x))
		return td_sql_boolean(false);
	if (x.type == SQL_IS_INTEGER) {
		run->errors |= TD_SQL_CAST;
		return td_sql_boolean(true);
	}
	return td_sql_boolean(!td_sql_to_boolean(run, x));
}

static struct td_sql_datum eval_minus(struct td_sql_run *run, const struct td_filter_node *node)
{
	struct td_sql_datum x = operand(run, td_filter_at(run->filter, node->child));
	int32_t result;

	if (is_missing(run, x))
		return td_sql_integer(0);
	if (__builtin_sub_overflow(0, td_sql_to_integer(run, x), &result)) {
		run->errors |= TD_SQL_MATH;
		return td_sql_integer(0);
	}
	return td_sql_integer(result);
}

static struct td_sql_datum eval_like(struct td_sql_run *run, const struct td_filter_node *node)
{
	struct td_sql_datum x = operand(run, td_filter_at(run->filter, node->child));
	char room[TD_SQL_DIGITS];

	if (is_missing(run, x))
		return td_sql_boolean(false);
	return td_sql_boolean(td_sql_like(run, node, td_sql_to_text(x, room)) != node->negated);
}

/* Whether they are equal in the type of `kept`, which `cast` is cast to. */
static bool equal_as(struct td_sql_run *run, struct td_sql_datum kept, struct td_sql_datum cast)
{
	char room[TD_SQL_DIGITS];
	struct td_text text;

	if (kept.type == SQL_IS_BOOLEAN)
		return kept.integer == td_sql_to_boolean(run, cast);
	if (kept.type == SQL_IS_INTEGER)
		return kept.integer == td_sql_to_integer(run, cast);
	text = td_sql_to_text(cast, room);
	return text.len == kept.len && td_sql_charge(run, text.len / 4) &&
	       memcmp(text.at, kept.at, text.len) == 0;
}

static struct td_sql_datum eval_in(struct td_sql_run *run, const struct td_filter_node *node)
{
	const struct td_filter_node *item = td_filter_at(run->filter, node->child);
	struct td_sql_datum x = operand(run, item);

	if (is_missing(run, x))
		return td_sql_boolean(false);
	while ((item = td_filter_at(run->filter, item->next)) != NULL && !stopped(run)) {
		struct td_sql_datum y = operand(run, item);

		if (is_missing(run, y))
			return td_sql_boolean(false);
		if (equal_as(run, x, y))
			return td_sql_boolean(!node->negated);
	}
	return td_sql_boolean(node->negated);
}

/* --- functions ---------------------------------------------------------------------------- */

static struct td_sql_datum cast_argument(
	struct td_sql_run *run, struct td_sql_datum datum, uint8_t type)
{
	char room[TD_SQL_DIGITS];
	struct td_text text;
	char *made;

	if (datum.type == type)
		return datum;
	if (type == SQL_IS_BOOLEAN)
		return td_sql_boolean(td_sql_to_boolean(run, datum));
	if (type == SQL_IS_INTEGER)
		return td_sql_integer(td_sql_to_integer(run, datum));
	text = td_sql_to_text(datum, room);
	if (datum.type == SQL_IS_INTEGER) { /* in `room`, which ends here */
		made = td_sql_make(run, text.len);
		if (made == NULL)
			return td_sql_string((struct td_text)TD_TEXT_INIT(""));
		memcpy(made, text.at, text.len);
		text.at = made;
	}
	return td_sql_string(text);
}

static struct td_sql_datum zero_of(uint8_t type)
{
	if (type == SQL_IS_STRING)
		return td_sql_string((struct td_text)TD_TEXT_INIT(""));
	return (struct td_sql_datum){.type = type};
}

__attribute__((noinline)) static struct td_sql_datum eval_call(
	struct td_sql_run *run, const struct td_filter_node *node)
{
	const struct td_filter_node *item = td_filter_at(run->filter, node->child);
	const struct td_sql_function *function;
	struct td_sql_datum few[4], *args = few;
	bool missing = false;
	size_t count = 0;

	if (node->which == TD_SQL_UNKNOWN) {
		run->errors |= TD_SQL_MISSING_FUNCTION;
		return td_sql_boolean(false);
	}
	function = td_sql_function_at(node->which);
	for (const struct td_filter_node *i = item; i; i = td_filter_at(run->filter, i->next))
		count++;
	if (count > 4) {
		args = (struct td_sql_datum *)(void *)td_sql_make(run, count * sizeof(*args));
		if (args == NULL)
			return zero_of(function->result);
	}
	for (size_t i = 0; i < count; i++) {
		args[i] = operand(run, item);
		if (stopped(run))
			return zero_of(function->result);
		if (is_missing(run, args[i]))
			missing = true;
		else
			args[i] = cast_argument(run, args[i], function->parameters[i < 2 ? i : 2]);
		item = td_filter_at(run->filter, item->next);
	}
	if (missing)
		return zero_of(function->result);
	return function->call(run, args, count);
}

/* --- chains ------------------------------------------------------------------------------- */

static int32_t calculate(struct td_sql_run *run, enum td_sql_join join, int32_t x, int32_t y)
{
	int32_t result = 0;
	bool bad = false;

	switch ((int)join) {
	case SQL_TIMES:
		bad = __builtin_mul_overflow(x, y, &result);
		break;
	case SQL_DIVIDE:
		bad = y == 0 || (x == INT32_MIN && y == -1);
		result = bad ? 0 : x / y;
		break;
	case SQL_MODULO:
		bad = y == 0;
		result = bad || y == -1 ? 0 : x % y;
		break;
	case SQL_PLUS:
		bad = __builtin_add_overflow(x, y, &result);
		break;
	case SQL_LESS_BY:
		bad = __builtin_sub_overflow(x, y, &result);
		break;
	default:
		TD_UNREACHABLE();
	}
	if (!bad)
		return result;
	run->errors |= TD_SQL_MATH;
	return 0;
}

static struct td_sql_datum eval_arithmetic(
	struct td_sql_run *run, const struct td_filter_node *node)
{
	const struct td_filter_node *item = td_filter_at(run->filter, node->child);
	struct td_sql_datum x = operand(run, item);

	while ((item = td_filter_at(run->filter, item->next)) != NULL && !stopped(run)) {
		struct td_sql_datum y = operand(run, item);
		bool no_x = is_missing(run, x), no_y = is_missing(run, y);

		if (no_x || no_y)
			x = td_sql_integer(0);
		else
			x = td_sql_integer(calculate(run, item->join, td_sql_to_integer(run, x),
				td_sql_to_integer(run, y)));
	}
	return x;
}

static bool compare(
	struct td_sql_run *run, enum td_sql_join join, struct td_sql_datum x, struct td_sql_datum y)
{
	int32_t a, b;

	if (join == SQL_EQUAL)
		return equal_as(run, y, x);
	if (join == SQL_UNEQUAL)
		return !equal_as(run, y, x);
	a = td_sql_to_integer(run, x);
	b = td_sql_to_integer(run, y);
	switch ((int)join) {
	case SQL_BELOW:
		return a < b;
	case SQL_AT_MOST:
		return a <= b;
	case SQL_ABOVE:
		return a > b;
	default:
		return a >= b;
	}
}

static struct td_sql_datum eval_comparison(
	struct td_sql_run *run, const struct td_filter_node *node)
{
	const struct td_filter_node *item = td_filter_at(run->filter, node->child);
	struct td_sql_datum x = operand(run, item);

	while ((item = td_filter_at(run->filter, item->next)) != NULL && !stopped(run)) {
		struct td_sql_datum y = operand(run, item);
		bool no_x = is_missing(run, x), no_y = is_missing(run, y);

		x = td_sql_boolean(!no_x && !no_y && compare(run, item->join, x, y));
	}
	return x;
}

/*
 * a AND (b XOR (c OR d)), in one loop. Once the left side does not decide, the result is that of
 * the rest: as it is behind AND and OR, behind XOR turned round where the left side is true.
 */
static struct td_sql_datum eval_logic(struct td_sql_run *run, const struct td_filter_node *node)
{
	const struct td_filter_node *item = td_filter_at(run->filter, node->child);
	struct td_sql_datum x = operand(run, item);
	bool turn = false, result = false;

	while (!is_missing(run, x)) {
		bool left = td_sql_to_boolean(run, x);

		if (stopped(run))
			break;
		item = td_filter_at(run->filter, item->next);
		if (item == NULL) {
			result = left; /* only ever the last operand's */
			break;
		}
		if (item->join == SQL_AND && !left)
			break;
		if (item->join == SQL_OR && left) {
			result = true;
			break;
		}
		x = operand(run, item);
		/* Missing and the last, it makes this XOR false; else it belongs to the next one.
		 */
		if (item->join == SQL_XOR &&
			(x.type != SQL_IS_MISSING || item->next != TD_FILTER_NONE))
			turn = turn != left;
	}
	return td_sql_boolean(result != turn);
}

struct td_sql_datum td_sql_eval(struct td_sql_run *run, const struct td_filter_node *node)
{
	run->steps++;
	if (!td_sql_charge(run, 0))
		return td_sql_boolean(false);
	switch ((enum td_filter_op)node->op) {
	case SQL_BOOLEAN:
		return td_sql_boolean(node->integer != 0);
	case SQL_INTEGER:
		return td_sql_integer(node->integer);
	case SQL_STRING:
		return td_sql_string(td_filter_text(run->filter, node));
	case SQL_ATTRIBUTE:
		return eval_attribute(run, node);
	case SQL_NOT:
		return eval_not(run, node);
	case SQL_MINUS:
		return eval_minus(run, node);
	case SQL_LIKE:
		return eval_like(run, node);
	case SQL_EXISTS:
		return td_sql_boolean(eval_attribute(run, node).type != SQL_IS_MISSING);
	case SQL_IN:
		return eval_in(run, node);
	case SQL_CALL:
		return eval_call(run, node);
	case SQL_PRODUCT:
	case SQL_SUM:
		return eval_arithmetic(run, node);
	case SQL_COMPARISON:
		return eval_comparison(run, node);
	case SQL_LOGIC:
		return eval_logic(run, node);
	case FILTER_ALL:
	case FILTER_ANY:
	case FILTER_NOT:
	case FILTER_SQL:
	case FILTER_EXACT:
	case FILTER_PREFIX:
	case FILTER_SUFFIX:
		break;
	}
	TD_UNREACHABLE();
}
