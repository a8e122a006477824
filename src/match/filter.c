#include "match/filter.h"

#include <stdlib.h>

/* --- building ----------------------------------------------------------------------------- */

/* Attribute values are bounded by the JSON around them, expressions by TD_FILTER_BYTES_MAX. */
#define STRINGS_MAX (TD_FILTER_JSON_BYTES_MAX * 2u)

void td_filter_builder_init(struct td_filter_builder *builder, struct td_error *err)
{
	*builder = (struct td_filter_builder){.err = err};
	td_buf_init(&builder->strings, STRINGS_MAX);
	td_buf_add_char(&builder->strings, '\0'); /* so that there always are strings to point to */
	builder->code = td_buf_check(&builder->strings, err);
}

void td_filter_builder_fini(struct td_filter_builder *builder)
{
	free(builder->nodes);
	td_buf_fini(&builder->strings);
}

static bool grow(struct td_filter_builder *builder)
{
	size_t cap = builder->cap > 0 ? 2 * builder->cap : 16;
	struct td_filter_node *nodes;

	if (builder->count == TD_FILTER_NODES_MAX) {
		builder->code = td_error_set(builder->err, TD_E_FILTER, TD_NO_OFFSET,
			"more than %u operators and values", TD_FILTER_NODES_MAX);
		return false;
	}
	nodes = realloc(builder->nodes, cap * sizeof(*nodes));
	if (nodes == NULL) {
		builder->code = td_error_nomem(builder->err);
		return false;
	}
	builder->nodes = nodes;
	builder->cap = cap;
	return true;
}

uint32_t td_filter_add(struct td_filter_builder *builder, enum td_filter_op op)
{
	if (builder->code != 0 || (builder->count == builder->cap && !grow(builder)))
		return TD_FILTER_NONE;
	builder->nodes[builder->count] = (struct td_filter_node){
		.op = (uint8_t)op,
		.next = TD_FILTER_NONE,
		.child = TD_FILTER_NONE,
	};
	return (uint32_t)builder->count++;
}

void td_filter_add_name(struct td_filter_builder *builder, uint32_t node, struct td_text name)
{
	size_t at = builder->strings.len;
	enum td_attr attr;

	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];

		td_buf_add_char(
			&builder->strings, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
	}
	builder->code = td_buf_check(&builder->strings, builder->err);
	if (builder->code != 0)
		return;
	attr = td_attr_find(td_text_of(builder->strings.at + at, name.len));
	builder->nodes[node].name_at = (uint32_t)at;
	builder->nodes[node].name_len = (uint16_t)name.len;
	builder->nodes[node].which = (uint8_t)attr;
}

int td_filter_build(struct td_filter_builder *builder, uint32_t root, bool expression,
	struct td_filter **filter)
{
	size_t nodes_bytes = builder->count * sizeof(struct td_filter_node);
	struct td_filter *built;

	if (builder->code != 0)
		return builder->code;
	TD_ASSERT(root < builder->count);
	built = malloc(sizeof(*built) + nodes_bytes + builder->strings.len);
	if (built == NULL)
		return td_error_nomem(builder->err);
	memcpy(built->nodes, builder->nodes, nodes_bytes);
	memcpy((char *)built->nodes + nodes_bytes, builder->strings.at, builder->strings.len);
	built->strings = (const char *)built->nodes + nodes_bytes;
	built->root = root;
	built->expression = expression;
	*filter = built;
	return 0;
}

int td_filter_sql(struct td_filter **filter, struct td_text expression, struct td_error *err)
{
	struct td_filter_builder builder;
	uint32_t root = TD_FILTER_NONE;
	int code;

	td_filter_builder_init(&builder, err);
	if (builder.code == 0)
		root = td_sql_parse(&builder, expression);
	code = td_filter_build(&builder, root, true, filter);
	td_filter_builder_fini(&builder);
	return code;
}

void td_filter_free(struct td_filter *filter)
{
	free(filter);
}

/* --- evaluating --------------------------------------------------------------------------- */

static bool passes(struct td_sql_run *run, const struct td_filter_node *node);

static bool passes_expression(struct td_sql_run *run, const struct td_filter_node *node)
{
	struct td_sql_datum datum = td_sql_eval(run, node);
	bool passed = datum.type == SQL_IS_BOOLEAN && datum.integer != 0 && run->errors == 0;

	/* An error is this expression's alone; that the limit is reached concerns the whole. */
	run->errors &= TD_SQL_LIMIT;
	return passed;
}

static bool passes_list(struct td_sql_run *run, const struct td_filter_node *node, bool needed)
{
	uint32_t child = node->child;

	while (child != TD_FILTER_NONE) {
		const struct td_filter_node *item = td_filter_at(run->filter, child);

		if (passes(run, item) != needed || run->errors != 0)
			return !needed;
		child = item->next;
	}
	return needed;
}

static bool passes_text(struct td_sql_run *run, const struct td_filter_node *node)
{
	struct td_text wanted = td_filter_text(run->filter, node);
	struct td_text value =
		node->which < TD_ATTR_COUNT
			? run->event->attr[node->which]
			: td_event_lookup(run->event, td_filter_name(run->filter, node), NULL);

	if (value.at == NULL || value.len < wanted.len)
		return false;
	if (node->op == FILTER_EXACT && value.len != wanted.len)
		return false;
	if (node->op == FILTER_SUFFIX)
		value.at += value.len - wanted.len;
	return memcmp(value.at, wanted.at, wanted.len) == 0;
}

static bool passes(struct td_sql_run *run, const struct td_filter_node *node)
{
	run->steps++;
	if (!td_sql_charge(run, 0))
		return false;
	switch ((int)node->op) {
	case FILTER_ALL:
		return passes_list(run, node, true);
	case FILTER_ANY:
		return passes_list(run, node, false);
	case FILTER_NOT:
		return !passes(run, td_filter_at(run->filter, node->child));
	case FILTER_SQL:
		return passes_expression(run, td_filter_at(run->filter, node->child));
	case FILTER_EXACT:
	case FILTER_PREFIX:
	case FILTER_SUFFIX:
		return passes_text(run, node);
	default:
		return passes_expression(run, node);
	}
}

bool td_filter_passes(const struct td_filter *filter, const struct td_event *event)
{
	struct td_arena arena;
	struct td_sql_run run = {
		.filter = filter,
		.event = event,
		.arena = &arena,
		.stop = ~0u,
	};
	bool passed;

	td_arena_init(&arena, 4096, 2 * (size_t)TD_FILTER_MADE_MAX);
	passed = passes(&run, td_filter_at(filter, filter->root));
	td_arena_fini(&arena);
	return passed && run.errors == 0;
}

struct td_sql_value td_filter_evaluate(
	const struct td_filter *filter, const struct td_event *event, struct td_arena *arena)
{
	struct td_sql_run run = {
		.filter = filter,
		.event = event,
		.arena = arena,
		.stop = TD_SQL_LIMIT,
	};
	struct td_sql_value value = {.type = TD_SQL_BOOLEAN};
	struct td_sql_datum datum;

	TD_ASSERT(filter->expression);
	datum = td_sql_eval(&run, td_filter_at(filter, filter->root));
	if (datum.type == SQL_IS_MISSING)
		run.errors |= TD_SQL_MISSING_ATTRIBUTE;
	value.errors = run.errors;
	if ((run.errors & TD_SQL_LIMIT) != 0)
		value.errors = TD_SQL_LIMIT; /* what came behind it says nothing */
	if (datum.type == SQL_IS_MISSING || (run.errors & TD_SQL_LIMIT) != 0)
		return value;
	if (datum.type == SQL_IS_BOOLEAN) {
		value.boolean = datum.integer != 0;
	} else if (datum.type == SQL_IS_INTEGER) {
		value.type = TD_SQL_INTEGER;
		value.integer = datum.integer;
	} else {
		value.type = TD_SQL_STRING;
		value.string = td_sql_text(datum);
	}
	return value;
}
