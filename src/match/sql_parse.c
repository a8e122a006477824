/*
 * CESQL 1.0, text to nodes (cesql/spec.md 2 and 3.6).
 *
 *	logic      = comparison { (AND | OR | XOR) comparison }     grouped from the right
 *	comparison = sum        { (= | != | <> | < ...) sum }       these from the left
 *	sum        = product    { (+ | -) product }
 *	product    = test       { (* | / | %) test }
 *	test       = unary      { [NOT] LIKE string | [NOT] IN "(" logic { "," logic } ")" }
 *	unary      = (NOT | -) unary | value
 *	value      = integer | string | TRUE | FALSE | name | EXISTS name
 *	           | name "(" [ logic { "," logic } ] ")" | "(" logic ")"
 *
 * NOT and minus bind tighter than anything else: "NOT a = b" is "(NOT a) = b".
 */
#include "match/filter.h"
#include "match/sql_lex.h"

struct parser {
	struct td_sql_lexer lexer;
	struct td_filter_builder *builder;
	unsigned depth;
};

static uint32_t parse_chain(struct parser *parser, enum td_filter_op level);
static uint32_t parse_unary(struct parser *parser);

static struct td_filter_node *node_at(struct parser *parser, uint32_t index)
{
	return &parser->builder->nodes[index];
}

static uint32_t unexpected(struct parser *parser, const char *expected)
{
	parser->builder->code =
		td_sql_lex_unexpected(&parser->lexer, parser->builder->err, expected);
	return TD_FILTER_NONE;
}

static bool advance(struct parser *parser)
{
	parser->builder->code = td_sql_lex_next(&parser->lexer, parser->builder->err);
	return parser->builder->code == 0;
}

static bool expect(struct parser *parser, enum td_sql_kind kind, const char *what)
{
	if (parser->lexer.kind != kind) {
		unexpected(parser, what);
		return false;
	}
	return advance(parser);
}

/* One level of nesting deeper; pairs with parser->depth-- where it did not fail. */
static bool enter(struct parser *parser)
{
	if (++parser->depth <= TD_FILTER_DEPTH_MAX)
		return true;
	parser->builder->code = td_error_set(parser->builder->err, TD_E_FILTER,
		(size_t)(parser->lexer.text.at - parser->lexer.start),
		"nested deeper than %u levels", TD_FILTER_DEPTH_MAX);
	return false;
}

/* --- values ------------------------------------------------------------------------------- */

static uint32_t parse_integer(struct parser *parser, const char *sign)
{
	struct td_text text = parser->lexer.text;
	int32_t value;
	uint32_t node;

	if (sign != NULL)
		text = td_text_of(sign, (size_t)(text.at + text.len - sign));
	if (!td_sql_read_integer(text, &value)) {
		parser->builder->code = td_error_set(parser->builder->err, TD_E_FILTER,
			(size_t)(text.at - parser->lexer.start),
			"an integer must be from -2147483648 to 2147483647");
		return TD_FILTER_NONE;
	}
	node = td_filter_add(parser->builder, SQL_INTEGER);
	if (node == TD_FILTER_NONE || !advance(parser))
		return TD_FILTER_NONE;
	node_at(parser, node)->integer = value;
	return node;
}

/* The inside of a string literal to the builder's strings: \' and \" are quotes, all else stays. */
static bool add_string(struct parser *parser, uint32_t node)
{
	struct td_buf *strings = &parser->builder->strings;
	struct td_text text = parser->lexer.text;
	size_t at = strings->len;

	for (size_t i = 1; i + 1 < text.len; i++) {
		if (text.at[i] == '\\') {
			if (text.at[i + 1] != '\'' && text.at[i + 1] != '"')
				td_buf_add_char(strings, '\\');
			i++;
		}
		td_buf_add_char(strings, text.at[i]);
	}
	parser->builder->code = td_buf_check(strings, parser->builder->err);
	if (parser->builder->code != 0)
		return false;
	node_at(parser, node)->text_at = (uint32_t)at;
	node_at(parser, node)->text_len = (uint32_t)(strings->len - at);
	return advance(parser);
}

/* { "," logic } ")" behind the first of a list, linked behind `last`; counts them. */
static bool parse_list(struct parser *parser, uint32_t last, size_t *count)
{
	while (parser->lexer.kind == SQL_T_COMMA) {
		uint32_t item;

		if (!advance(parser))
			return false;
		item = parse_chain(parser, SQL_LOGIC);
		if (item == TD_FILTER_NONE)
			return false;
		node_at(parser, last)->next = item;
		last = item;
		++*count;
	}
	return expect(parser, SQL_T_CLOSE, "an operator, ',' or ')'");
}

static bool names_a_function(struct td_text name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.at[i] >= '0' && name.at[i] <= '9')
			return false;
	}
	return name.at[0] != '_';
}

static uint32_t parse_call(struct parser *parser, struct td_text name)
{
	uint32_t first = TD_FILTER_NONE, node;
	struct td_buf *strings = &parser->builder->strings;
	size_t count = 0, at;

	if (!enter(parser) || !advance(parser))
		return TD_FILTER_NONE;
	if (parser->lexer.kind == SQL_T_CLOSE) {
		if (!advance(parser))
			return TD_FILTER_NONE;
	} else {
		first = parse_chain(parser, SQL_LOGIC);
		count = 1;
		if (first == TD_FILTER_NONE || !parse_list(parser, first, &count))
			return TD_FILTER_NONE;
	}
	parser->depth--;
	node = td_filter_add(parser->builder, SQL_CALL);
	if (node == TD_FILTER_NONE)
		return TD_FILTER_NONE;
	at = strings->len;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];

		td_buf_add_char(strings, c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c);
	}
	node_at(parser, node)->name_at = (uint32_t)at;
	node_at(parser, node)->name_len = (uint16_t)name.len;
	node_at(parser, node)->which = td_sql_function_find(name, count);
	node_at(parser, node)->child = first;
	parser->builder->code = td_buf_check(strings, parser->builder->err);
	return parser->builder->code == 0 ? node : TD_FILTER_NONE;
}

static uint32_t parse_attribute(struct parser *parser, enum td_filter_op op, struct td_text name)
{
	uint32_t node = td_filter_add(parser->builder, op);

	if (node == TD_FILTER_NONE)
		return TD_FILTER_NONE;
	td_filter_add_name(parser->builder, node, name);
	return parser->builder->code == 0 ? node : TD_FILTER_NONE;
}

/* An attribute, or a function called. */
static uint32_t parse_name(struct parser *parser)
{
	struct td_text name = parser->lexer.text;
	size_t offset = (size_t)(name.at - parser->lexer.start);

	if (!advance(parser))
		return TD_FILTER_NONE;
	if (parser->lexer.kind == SQL_T_OPEN && names_a_function(name))
		return parse_call(parser, name);
	if (memchr(name.at, '_', name.len) != NULL) {
		parser->builder->code = td_error_set(parser->builder->err, TD_E_FILTER, offset,
			"the name of an attribute has letters and digits only");
		return TD_FILTER_NONE;
	}
	return parse_attribute(parser, SQL_ATTRIBUTE, name);
}

static uint32_t parse_exists(struct parser *parser)
{
	struct td_text name;

	if (!advance(parser))
		return TD_FILTER_NONE;
	name = parser->lexer.text;
	if (parser->lexer.kind != SQL_T_NAME || memchr(name.at, '_', name.len) != NULL)
		return unexpected(parser, "the name of an attribute");
	if (!advance(parser))
		return TD_FILTER_NONE;
	return parse_attribute(parser, SQL_EXISTS, name);
}

static uint32_t parse_group(struct parser *parser)
{
	uint32_t node;

	if (!enter(parser) || !advance(parser))
		return TD_FILTER_NONE;
	node = parse_chain(parser, SQL_LOGIC);
	if (node == TD_FILTER_NONE || !expect(parser, SQL_T_CLOSE, "an operator or ')'"))
		return TD_FILTER_NONE;
	parser->depth--;
	return node;
}

static uint32_t parse_value(struct parser *parser)
{
	enum td_sql_kind kind = parser->lexer.kind;
	uint32_t node;

	if (kind == SQL_T_INTEGER)
		return parse_integer(parser, NULL);
	if (kind == SQL_T_NAME)
		return parse_name(parser);
	if (kind == SQL_T_EXISTS)
		return parse_exists(parser);
	if (kind == SQL_T_OPEN)
		return parse_group(parser);
	if (kind == SQL_T_STRING) {
		node = td_filter_add(parser->builder, SQL_STRING);
		if (node == TD_FILTER_NONE || !add_string(parser, node))
			return TD_FILTER_NONE;
		return node;
	}
	if (kind == SQL_T_TRUE || kind == SQL_T_FALSE) {
		node = td_filter_add(parser->builder, SQL_BOOLEAN);
		if (node == TD_FILTER_NONE || !advance(parser))
			return TD_FILTER_NONE;
		node_at(parser, node)->integer = kind == SQL_T_TRUE;
		return node;
	}
	return unexpected(parser, "a value");
}

/* --- operators ---------------------------------------------------------------------------- */

/*
 * A sign directly before digits is part of the number only here, where no operand stands before
 * it; so "4-1" is a difference, and -2147483648 can be written.
 */
static uint32_t parse_unary(struct parser *parser)
{
	enum td_sql_kind kind = parser->lexer.kind;
	const char *sign = parser->lexer.text.at;
	uint32_t node, operand;

	if ((kind == SQL_T_MINUS || kind == SQL_T_PLUS) && td_sql_lex_digits_follow(&parser->lexer))
		return advance(parser) ? parse_integer(parser, sign) : TD_FILTER_NONE;
	if (kind != SQL_T_MINUS && kind != SQL_T_NOT)
		return parse_value(parser);

	if (!enter(parser) || !advance(parser))
		return TD_FILTER_NONE;
	operand = parse_unary(parser);
	if (operand == TD_FILTER_NONE)
		return TD_FILTER_NONE;
	parser->depth--;
	node = td_filter_add(parser->builder, kind == SQL_T_NOT ? SQL_NOT : SQL_MINUS);
	if (node != TD_FILTER_NONE)
		node_at(parser, node)->child = operand;
	return node;
}

static uint32_t parse_like(struct parser *parser, uint32_t left)
{
	uint32_t node;
	struct td_filter_node *like;

	if (!advance(parser))
		return TD_FILTER_NONE;
	if (parser->lexer.kind != SQL_T_STRING)
		return unexpected(parser, "a string behind LIKE");
	node = td_filter_add(parser->builder, SQL_LIKE);
	if (node == TD_FILTER_NONE || !add_string(parser, node))
		return TD_FILTER_NONE;
	like = node_at(parser, node);
	like->child = left;
	td_sql_like_compile(like, parser->builder->strings.at + like->text_at, like->text_len);
	return node;
}

static uint32_t parse_in(struct parser *parser, uint32_t left)
{
	uint32_t node, first;
	size_t count = 1;

	if (!enter(parser) || !advance(parser) ||
		!expect(parser, SQL_T_OPEN, "'(' and a list behind IN"))
		return TD_FILTER_NONE;
	first = parse_chain(parser, SQL_LOGIC);
	if (first == TD_FILTER_NONE || !parse_list(parser, first, &count))
		return TD_FILTER_NONE;
	parser->depth--;
	node = td_filter_add(parser->builder, SQL_IN);
	if (node == TD_FILTER_NONE)
		return TD_FILTER_NONE;
	node_at(parser, left)->next = first;
	node_at(parser, node)->child = left;
	return node;
}

static uint32_t parse_test(struct parser *parser)
{
	uint32_t node = parse_unary(parser);

	while (node != TD_FILTER_NONE) {
		bool negated = parser->lexer.kind == SQL_T_NOT;

		if (negated && !advance(parser))
			return TD_FILTER_NONE;
		if (parser->lexer.kind == SQL_T_LIKE)
			node = parse_like(parser, node);
		else if (parser->lexer.kind == SQL_T_IN)
			node = parse_in(parser, node);
		else if (negated)
			return unexpected(parser, "LIKE or IN behind NOT");
		else
			break;
		if (node != TD_FILTER_NONE)
			node_at(parser, node)->negated = negated;
	}
	return node;
}

/* What joins two operands of that level, or 0. */
static uint8_t join_of(enum td_sql_kind kind, enum td_filter_op level)
{
	static const struct {
		uint8_t kind, level, join;
	} joins[] = {
		{SQL_T_STAR, SQL_PRODUCT, SQL_TIMES},
		{SQL_T_SLASH, SQL_PRODUCT, SQL_DIVIDE},
		{SQL_T_PERCENT, SQL_PRODUCT, SQL_MODULO},
		{SQL_T_PLUS, SQL_SUM, SQL_PLUS},
		{SQL_T_MINUS, SQL_SUM, SQL_LESS_BY},
		{SQL_T_EQUAL, SQL_COMPARISON, SQL_EQUAL},
		{SQL_T_UNEQUAL, SQL_COMPARISON, SQL_UNEQUAL},
		{SQL_T_BELOW, SQL_COMPARISON, SQL_BELOW},
		{SQL_T_AT_MOST, SQL_COMPARISON, SQL_AT_MOST},
		{SQL_T_ABOVE, SQL_COMPARISON, SQL_ABOVE},
		{SQL_T_AT_LEAST, SQL_COMPARISON, SQL_AT_LEAST},
		{SQL_T_AND, SQL_LOGIC, SQL_AND},
		{SQL_T_OR, SQL_LOGIC, SQL_OR},
		{SQL_T_XOR, SQL_LOGIC, SQL_XOR},
	};

	for (size_t i = 0; i < sizeof(joins) / sizeof(joins[0]); i++) {
		if (joins[i].kind == kind && joins[i].level == level)
			return joins[i].join;
	}
	return 0;
}

static uint32_t parse_operand(struct parser *parser, enum td_filter_op level)
{
	return level == SQL_PRODUCT ? parse_test(parser) : parse_chain(parser, level - 1);
}

static uint32_t parse_chain(struct parser *parser, enum td_filter_op level)
{
	uint32_t first = parse_operand(parser, level), last = first, chain;
	uint8_t join;

	while (last != TD_FILTER_NONE && (join = join_of(parser->lexer.kind, level)) != 0) {
		uint32_t operand;

		if (!advance(parser))
			return TD_FILTER_NONE;
		operand = parse_operand(parser, level);
		if (operand == TD_FILTER_NONE)
			return TD_FILTER_NONE;
		node_at(parser, operand)->join = join;
		node_at(parser, last)->next = operand;
		last = operand;
	}
	if (last == first)
		return first;
	chain = td_filter_add(parser->builder, level);
	if (chain != TD_FILTER_NONE)
		node_at(parser, chain)->child = first;
	return chain;
}

uint32_t td_sql_parse(struct td_filter_builder *builder, struct td_text expression)
{
	struct parser parser = {.builder = builder};
	uint32_t root;

	if (expression.len > TD_FILTER_BYTES_MAX) {
		builder->code = td_error_set(builder->err, TD_E_FILTER, TD_FILTER_BYTES_MAX,
			"an expression is at most %u bytes long", TD_FILTER_BYTES_MAX);
		return TD_FILTER_NONE;
	}
	builder->code = td_sql_lex_init(&parser.lexer, expression, builder->err);
	if (builder->code != 0)
		return TD_FILTER_NONE;
	root = parse_chain(&parser, SQL_LOGIC);
	if (root != TD_FILTER_NONE && parser.lexer.kind != SQL_T_END)
		return unexpected(&parser, "an operator or the end");
	return root;
}
