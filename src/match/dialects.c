/*
 * The filter dialects of the CloudEvents Subscriptions API (subscriptions/spec.md 3.2.4), from
 * JSON to nodes. Errors begin with the JSON Pointer of what is wrong.
 */
#include "match/filter.h"

#include <stdio.h>

/* The way from the root to where we are, for errors. */
struct place {
	const struct place *up; /* NULL at the root */
	struct td_json name;    /* of the member; NONE: an element ... */
	size_t index;           /* ... and which one */
};

struct parser {
	struct td_filter_builder *builder;
	const char *start; /* of the JSON */
	unsigned depth;
};

static const struct {
	const char *name;
	enum td_filter_op op;
} dialects[] = {
	{"all", FILTER_ALL},
	{"any", FILTER_ANY},
	{"exact", FILTER_EXACT},
	{"not", FILTER_NOT},
	{"prefix", FILTER_PREFIX},
	{"sql", FILTER_SQL},
	{"suffix", FILTER_SUFFIX},
};

#define DIALECTS (sizeof(dialects) / sizeof(dialects[0]))

static uint32_t parse_filter(
	struct parser *parser, const struct place *place, struct td_json value);

/* --- errors ------------------------------------------------------------------------------- */

static void write_place(const struct place *place, struct td_buf *buf)
{
	if (place == NULL || place->up == NULL)
		return;
	write_place(place->up, buf);
	if (place->name.kind == TD_JSON_NONE) {
		td_buf_add_char(buf, '/');
		td_buf_add_u64(buf, place->index);
	} else {
		struct td_buf name = TD_BUF_INIT(TD_FILTER_JSON_BYTES_MAX);

		td_json_unescape(place->name, &name);
		td_json_pointer_add(buf, td_buf_view(&name));
		td_buf_fini(&name);
	}
}

/* Fill `pointer` for an error's text; where memory is short it stays empty. */
static void place_text(const struct place *place, char pointer[TD_ERROR_TEXT_BYTES / 2])
{
	struct td_buf buf = TD_BUF_INIT(TD_FILTER_JSON_BYTES_MAX);

	write_place(place, &buf);
	snprintf(pointer, TD_ERROR_TEXT_BYTES / 2, "%.*s%s", TD_TEXT_ARG(td_buf_view(&buf)),
		buf.len > 0 ? ": " : "");
	td_buf_fini(&buf);
}

/* "POINTER: what", at the offset of `value`. */
static uint32_t refuse(
	struct parser *parser, const struct place *place, struct td_json value, const char *what)
{
	char pointer[TD_ERROR_TEXT_BYTES / 2];

	place_text(place, pointer);
	parser->builder->code = td_error_set(parser->builder->err, TD_E_FILTER,
		(size_t)(value.text.at - parser->start), "%s%s", pointer, what);
	return TD_FILTER_NONE;
}

/* --- leaves ------------------------------------------------------------------------------- */

static bool is_name(struct td_text name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.at[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
			return false;
	}
	return name.len > 0 && name.len <= TD_NAME_BYTES_MAX;
}

/* The value of a string as the node's text. */
static void add_text(struct parser *parser, uint32_t node, struct td_json string)
{
	struct td_buf *strings = &parser->builder->strings;
	size_t at = strings->len;

	td_json_unescape(string, strings);
	parser->builder->nodes[node].text_at = (uint32_t)at;
	parser->builder->nodes[node].text_len = (uint32_t)(strings->len - at);
	parser->builder->code = td_buf_check(strings, parser->builder->err);
}

/* One attribute of an exact, prefix or suffix. */
static uint32_t parse_attribute(struct parser *parser, const struct place *place,
	enum td_filter_op op, struct td_json value)
{
	struct td_buf name = TD_BUF_INIT(TD_FILTER_JSON_BYTES_MAX);
	uint32_t node = TD_FILTER_NONE;

	td_json_unescape(place->name, &name);
	parser->builder->code = td_buf_check(&name, parser->builder->err);
	if (parser->builder->code != 0)
		goto done;
	if (!is_name(td_buf_view(&name))) {
		refuse(parser, place, place->name,
			"the name of an attribute is made of a-z and 0-9");
		goto done;
	}
	if (value.kind != TD_JSON_STRING || value.text.len == 2) {
		refuse(parser, place, value, "a string that is not empty was expected");
		goto done;
	}
	node = td_filter_add(parser->builder, op);
	if (node != TD_FILTER_NONE)
		td_filter_add_name(parser->builder, node, td_buf_view(&name));
	if (parser->builder->code == 0)
		add_text(parser, node, value);
done:
	td_buf_fini(&name);
	return parser->builder->code == 0 ? node : TD_FILTER_NONE;
}

/* {"type": "a", "subject": "b"}: one node, or ALL of several. */
static uint32_t parse_attributes(struct parser *parser, const struct place *place,
	enum td_filter_op op, struct td_json value)
{
	struct td_json_iter iter;
	struct place member = {.up = place};
	uint32_t first = TD_FILTER_NONE, last = TD_FILTER_NONE, all;

	if (value.kind != TD_JSON_OBJECT || td_json_count(value) == 0)
		return refuse(parser, place, value,
			"an object with attributes and the strings to match was expected");
	iter = td_json_iterate(value);
	while (td_json_next(&iter, &member.name, &value)) {
		uint32_t node = parse_attribute(parser, &member, op, value);

		if (node == TD_FILTER_NONE)
			return TD_FILTER_NONE;
		if (first == TD_FILTER_NONE)
			first = node;
		else
			parser->builder->nodes[last].next = node;
		last = node;
	}
	if (first == last)
		return first;
	all = td_filter_add(parser->builder, FILTER_ALL);
	if (all != TD_FILTER_NONE)
		parser->builder->nodes[all].child = first;
	return all;
}

/* The expression's own error behind the pointer; its offset as one in the JSON, where it is. */
static uint32_t refuse_expression(
	struct parser *parser, const struct place *place, struct td_json value)
{
	struct td_error *err = parser->builder->err;
	char pointer[TD_ERROR_TEXT_BYTES / 2];
	size_t offset = (size_t)(value.text.at - parser->start);

	if (err == NULL)
		return TD_FILTER_NONE;
	if (err->offset != TD_NO_OFFSET && td_json_plain(value))
		offset += 1 + err->offset;
	place_text(place, pointer);
	if (pointer[0] != '\0') {
		pointer[strlen(pointer) - 2] = '\0'; /* the wrapping adds ": " */
		td_error_wrap(err, TD_E_FILTER, "%s", pointer);
	}
	err->offset = offset;
	return TD_FILTER_NONE;
}

static uint32_t parse_sql(struct parser *parser, const struct place *place, struct td_json value)
{
	struct td_buf text = TD_BUF_INIT(TD_FILTER_JSON_BYTES_MAX);
	uint32_t root = TD_FILTER_NONE, node = TD_FILTER_NONE;

	if (value.kind != TD_JSON_STRING)
		return refuse(parser, place, value, "a string with an expression was expected");
	td_json_unescape(value, &text);
	parser->builder->code = td_buf_check(&text, parser->builder->err);
	if (parser->builder->code == 0)
		root = td_sql_parse(
			parser->builder, text.len > 0 ? td_buf_view(&text) : td_text(""));
	if (parser->builder->code == TD_E_FILTER)
		refuse_expression(parser, place, value);
	else if (root != TD_FILTER_NONE)
		node = td_filter_add(parser->builder, FILTER_SQL);
	if (node != TD_FILTER_NONE)
		parser->builder->nodes[node].child = root;
	td_buf_fini(&text);
	return node;
}

/* --- filters of filters ------------------------------------------------------------------- */

/* The filters of an array, linked, under a new node. */
static uint32_t parse_filters(struct parser *parser, const struct place *place,
	enum td_filter_op op, struct td_json array)
{
	struct td_json_iter iter = td_json_iterate(array);
	struct place item = {.up = place};
	uint32_t first = TD_FILTER_NONE, last = TD_FILTER_NONE, node;
	struct td_json value;

	for (; td_json_next(&iter, NULL, &value); item.index++) {
		node = parse_filter(parser, &item, value);
		if (node == TD_FILTER_NONE)
			return TD_FILTER_NONE;
		if (first == TD_FILTER_NONE)
			first = node;
		else
			parser->builder->nodes[last].next = node;
		last = node;
	}
	node = td_filter_add(parser->builder, op);
	if (node != TD_FILTER_NONE)
		parser->builder->nodes[node].child = first;
	return node;
}

static uint32_t parse_dialect(struct parser *parser, const struct place *place,
	enum td_filter_op op, struct td_json value)
{
	uint32_t node, child;

	switch ((int)op) {
	case FILTER_ALL:
	case FILTER_ANY:
		if (value.kind != TD_JSON_ARRAY || td_json_count(value) == 0)
			return refuse(parser, place, value,
				"an array of filters that is not empty was expected");
		return parse_filters(parser, place, op, value);
	case FILTER_NOT:
		child = parse_filter(parser, place, value);
		node = child == TD_FILTER_NONE ? TD_FILTER_NONE
					       : td_filter_add(parser->builder, FILTER_NOT);
		if (node != TD_FILTER_NONE)
			parser->builder->nodes[node].child = child;
		return node;
	case FILTER_SQL:
		return parse_sql(parser, place, value);
	default:
		return parse_attributes(parser, place, op, value);
	}
}

/* {"dialect": value}, one level deeper. */
static uint32_t parse_filter(struct parser *parser, const struct place *place, struct td_json value)
{
	struct td_json_iter iter = td_json_iterate(value);
	struct place member = {.up = place};
	uint32_t node = TD_FILTER_NONE;
	size_t i;

	if (value.kind != TD_JSON_OBJECT || td_json_count(value) != 1)
		return refuse(parser, place, value, "an object with one dialect was expected");
	if (parser->depth == TD_FILTER_DEPTH_MAX)
		return refuse(parser, place, value, "filters are nested too deep");
	td_json_next(&iter, &member.name, &value);
	for (i = 0; i < DIALECTS; i++) {
		if (td_json_string_is(member.name, td_text(dialects[i].name)))
			break;
	}
	if (i == DIALECTS)
		return refuse(parser, &member, member.name,
			"unknown dialect (there are all, any, not, exact, prefix, suffix, sql)");
	parser->depth++;
	node = parse_dialect(parser, &member, dialects[i].op, value);
	parser->depth--;
	return node;
}

int td_filter_dialects(struct td_filter **filter, struct td_text json, struct td_error *err)
{
	struct parser parser = {.start = json.at};
	struct td_filter_builder builder;
	const struct place root_place = {.up = NULL};
	struct td_json value;
	uint32_t root;
	int code;

	if (json.len > TD_FILTER_JSON_BYTES_MAX)
		return td_error_set(err, TD_E_FILTER, TD_FILTER_JSON_BYTES_MAX,
			"filters are at most %u bytes of JSON", TD_FILTER_JSON_BYTES_MAX);
	code = td_json_parse(json, 0, &value, err);
	if (code != 0)
		return code;
	td_filter_builder_init(&builder, err);
	parser.builder = &builder;
	root = TD_FILTER_NONE;
	if (builder.code == 0)
		root = value.kind == TD_JSON_ARRAY
			       ? parse_filters(&parser, &root_place, FILTER_ALL, value)
			       : parse_filter(&parser, &root_place, value);
	code = td_filter_build(&builder, root, false, filter);
	td_filter_builder_fini(&builder);
	return code;
}
