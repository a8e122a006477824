/*
 * A filter as text again, for people (`tidings explain`) and for tests: parsing the text gives
 * the same filter, and dumping that the same text.
 */
#include "match/filter.h"

static void dump_operand(const struct td_filter *filter, const struct td_filter_node *node,
	enum td_filter_op around, struct td_buf *buf)
{
	bool group = node->op >= around;

	if (group)
		td_buf_add_char(buf, '(');
	td_sql_dump(filter, node, buf);
	if (group)
		td_buf_add_char(buf, ')');
}

static void dump_chain(
	const struct td_filter *filter, const struct td_filter_node *node, struct td_buf *buf)
{
	static const char *const words[] = {
		[SQL_TIMES] = " * ",
		[SQL_DIVIDE] = " / ",
		[SQL_MODULO] = " % ",
		[SQL_PLUS] = " + ",
		[SQL_LESS_BY] = " - ",
		[SQL_EQUAL] = " = ",
		[SQL_UNEQUAL] = " != ",
		[SQL_BELOW] = " < ",
		[SQL_AT_MOST] = " <= ",
		[SQL_ABOVE] = " > ",
		[SQL_AT_LEAST] = " >= ",
		[SQL_AND] = " AND ",
		[SQL_OR] = " OR ",
		[SQL_XOR] = " XOR ",
	};
	const struct td_filter_node *item = td_filter_at(filter, node->child);

	for (bool first = true; item != NULL; item = td_filter_at(filter, item->next)) {
		if (!first)
			td_buf_add_string(buf, words[item->join]);
		dump_operand(filter, item, node->op, buf);
		first = false;
	}
}

static void dump_list(
	const struct td_filter *filter, const struct td_filter_node *item, struct td_buf *buf)
{
	td_buf_add_char(buf, '(');
	for (bool first = true; item != NULL; item = td_filter_at(filter, item->next)) {
		if (!first)
			td_buf_add_string(buf, ", ");
		td_sql_dump(filter, item, buf);
		first = false;
	}
	td_buf_add_char(buf, ')');
}

static void dump_string(struct td_text text, bool pattern, struct td_buf *buf)
{
	td_buf_add_char(buf, '\'');
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];

		if (pattern && c == TD_SQL_ANY_RUN) {
			c = '%';
		} else if (pattern && c == TD_SQL_ANY_ONE) {
			c = '_';
		} else if (c == '\'' || (pattern && (c == '%' || c == '_'))) {
			td_buf_add_char(buf, '\\');
		}
		td_buf_add_char(buf, c);
	}
	td_buf_add_char(buf, '\'');
}

static void dump_unary(
	const struct td_filter *filter, const struct td_filter_node *node, struct td_buf *buf)
{
	const struct td_filter_node *operand = td_filter_at(filter, node->child);

	if (node->op == SQL_NOT)
		td_buf_add_string(buf, "NOT ");
	else if (operand->op == SQL_INTEGER && operand->integer >= 0)
		td_buf_add_string(buf, "- "); /* or it would be a sign */
	else
		td_buf_add_char(buf, '-');
	if (operand->op == SQL_LIKE || operand->op == SQL_IN)
		dump_operand(filter, operand, SQL_LIKE, buf);
	else
		dump_operand(filter, operand, SQL_PRODUCT, buf);
}

static void dump_test(
	const struct td_filter *filter, const struct td_filter_node *node, struct td_buf *buf)
{
	const struct td_filter_node *left = td_filter_at(filter, node->child);

	dump_operand(filter, left, SQL_PRODUCT, buf);
	td_buf_add_string(buf, node->negated ? " NOT" : "");
	if (node->op == SQL_LIKE) {
		td_buf_add_string(buf, " LIKE ");
		dump_string(td_filter_text(filter, node), true, buf);
	} else {
		td_buf_add_string(buf, " IN ");
		dump_list(filter, td_filter_at(filter, left->next), buf);
	}
}

void td_sql_dump(
	const struct td_filter *filter, const struct td_filter_node *node, struct td_buf *buf)
{
	switch ((int)node->op) {
	case SQL_BOOLEAN:
		td_buf_add_string(buf, node->integer != 0 ? "TRUE" : "FALSE");
		break;
	case SQL_INTEGER:
		td_buf_add_i64(buf, node->integer);
		break;
	case SQL_STRING:
		dump_string(td_filter_text(filter, node), false, buf);
		break;
	case SQL_EXISTS:
		td_buf_add_string(buf, "EXISTS ");
		td_buf_add_text(buf, td_filter_name(filter, node));
		break;
	case SQL_ATTRIBUTE:
		td_buf_add_text(buf, td_filter_name(filter, node));
		break;
	case SQL_NOT:
	case SQL_MINUS:
		dump_unary(filter, node, buf);
		break;
	case SQL_LIKE:
	case SQL_IN:
		dump_test(filter, node, buf);
		break;
	case SQL_CALL:
		td_buf_add_text(buf, td_filter_name(filter, node));
		dump_list(filter, td_filter_at(filter, node->child), buf);
		break;
	default:
		dump_chain(filter, node, buf);
		break;
	}
}

/* --- dialects ----------------------------------------------------------------------------- */

static void dump_filter(const struct td_filter *filter, const struct td_filter_node *node,
	struct td_json_writer *writer);

static void dump_filters(const struct td_filter *filter, const struct td_filter_node *node,
	struct td_json_writer *writer)
{
	const struct td_filter_node *item = td_filter_at(filter, node->child);

	td_json_open_array(writer);
	for (; item != NULL; item = td_filter_at(filter, item->next))
		dump_filter(filter, item, writer);
	td_json_close_array(writer);
}

static void dump_expression(const struct td_filter *filter, const struct td_filter_node *node,
	struct td_json_writer *writer)
{
	struct td_buf text = TD_BUF_INIT(writer->buf->max);

	td_sql_dump(filter, node, &text);
	td_json_string(writer, td_buf_view(&text));
	if (text.code != 0) /* what was written is cut off */
		writer->buf->code = text.code;
	td_buf_fini(&text);
}

static void dump_filter(const struct td_filter *filter, const struct td_filter_node *node,
	struct td_json_writer *writer)
{
	static const char *const names[] = {
		[FILTER_ALL] = "all",
		[FILTER_ANY] = "any",
		[FILTER_NOT] = "not",
		[FILTER_SQL] = "sql",
		[FILTER_EXACT] = "exact",
		[FILTER_PREFIX] = "prefix",
		[FILTER_SUFFIX] = "suffix",
	};

	td_json_open_object(writer);
	td_json_name(writer, td_text(names[node->op]));
	switch ((int)node->op) {
	case FILTER_ALL:
	case FILTER_ANY:
		dump_filters(filter, node, writer);
		break;
	case FILTER_NOT:
		dump_filter(filter, td_filter_at(filter, node->child), writer);
		break;
	case FILTER_SQL:
		dump_expression(filter, td_filter_at(filter, node->child), writer);
		break;
	default:
		td_json_open_object(writer);
		td_json_name(writer, td_filter_name(filter, node));
		td_json_string(writer, td_filter_text(filter, node));
		td_json_close_object(writer);
		break;
	}
	td_json_close_object(writer);
}

void td_filter_dump(const struct td_filter *filter, struct td_buf *buf)
{
	const struct td_filter_node *root = td_filter_at(filter, filter->root);
	struct td_json_writer writer;

	if (filter->expression) {
		td_sql_dump(filter, root, buf);
		return;
	}
	td_json_writer_init(&writer, buf);
	if (root->op == FILTER_ALL && root->child == TD_FILTER_NONE)
		dump_filters(filter, root, &writer); /* "[]": there is no other way to write it */
	else
		dump_filter(filter, root, &writer);
}
