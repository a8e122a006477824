/*
 * Private to the room: what a parsed filter looks like, how it is built and evaluated.
 *
 * A filter is one block of memory: the struct, its nodes, the bytes of its strings. A node names
 * its first child and its next sibling by index.
 *
 *	type = 'a' AND NOT EXISTS corrects
 *
 *	LOGIC -child-> COMPARISON -----next (AND)----> NOT -child-> EXISTS "corrects"
 *	                    `-child-> ATTRIBUTE "type" -next (=)-> STRING "a"
 *
 * Operators of one precedence stand in one *chain*, each operand with the operator before it
 * (`join`). So depth counts nesting only, and a thousand ORs are as deep as one.
 *
 * The dialects are nodes too, above the expressions: FILTER_ALL and so on down to FILTER_SQL.
 */
#ifndef TD_MATCH_FILTER_H
#define TD_MATCH_FILTER_H

#include "match/match.h"

#define TD_FILTER_DEPTH_MAX 128u  /* nesting of parentheses, unary operators, calls; of dialects */
#define TD_FILTER_NODES_MAX 8192u /* each costs a step at most: every filter can finish */
#define TD_FILTER_MADE_MAX  (256u * 1024u) /* bytes of strings made in one evaluation */

enum td_filter_op {
	/* values */
	SQL_BOOLEAN,
	SQL_INTEGER,
	SQL_STRING,
	SQL_ATTRIBUTE,
	/* operators */
	SQL_NOT,
	SQL_MINUS,
	SQL_LIKE, /* child LIKE text */
	SQL_EXISTS,
	SQL_IN, /* first child IN (the others) */
	SQL_CALL,
	/* chains, the weakest last */
	SQL_PRODUCT,
	SQL_SUM,
	SQL_COMPARISON,
	SQL_LOGIC,
	/* dialects */
	FILTER_ALL,
	FILTER_ANY,
	FILTER_NOT,
	FILTER_SQL,
	FILTER_EXACT,
	FILTER_PREFIX,
	FILTER_SUFFIX,
};

/* What joins an operand of a chain to those before it. */
enum td_sql_join {
	SQL_TIMES = 1,
	SQL_DIVIDE,
	SQL_MODULO,
	SQL_PLUS,
	SQL_LESS_BY,
	SQL_EQUAL,
	SQL_UNEQUAL,
	SQL_BELOW,
	SQL_AT_MOST,
	SQL_ABOVE,
	SQL_AT_LEAST,
	SQL_AND,
	SQL_OR,
	SQL_XOR,
};

#define TD_FILTER_NONE UINT32_MAX /* no node */
#define TD_SQL_UNKNOWN 0xFFu      /* no such function */

struct td_filter_node {
	uint8_t op;
	uint8_t join;
	uint8_t negated; /* LIKE, IN: with NOT */
	/*
	 * ATTRIBUTE, EXISTS, EXACT, PREFIX, SUFFIX: the known attribute, or TD_ATTR_COUNT: ask by
	 * name. CALL: the function's number, or TD_SQL_UNKNOWN.
	 */
	uint8_t which;
	uint32_t next; /* sibling */
	union {
		uint32_t child;
		int32_t integer; /* INTEGER, BOOLEAN */
	};
	uint32_t name_at; /* in the strings: of an attribute, in lower case; of a function, in upper
			   */
	uint32_t text_at; /* STRING, LIKE (compiled), EXACT, PREFIX, SUFFIX */
	uint32_t text_len;
	uint16_t name_len;
	uint16_t head; /* LIKE: length before the first "%", all of it where there is none */
	uint16_t tail; /* LIKE: length behind the last "%" */
};

struct td_filter {
	const char *strings; /* behind the nodes */
	uint32_t root;
	bool expression; /* made by td_filter_sql() */
	struct td_filter_node nodes[];
};

static inline const struct td_filter_node *td_filter_at(
	const struct td_filter *filter, uint32_t index)
{
	return index == TD_FILTER_NONE ? NULL : &filter->nodes[index];
}

static inline struct td_text td_filter_name(
	const struct td_filter *filter, const struct td_filter_node *node)
{
	return td_text_of(filter->strings + node->name_at, node->name_len);
}

static inline struct td_text td_filter_text(
	const struct td_filter *filter, const struct td_filter_node *node)
{
	return td_text_of(filter->strings + node->text_at, node->text_len);
}

/* --- building ----------------------------------------------------------------------------- */

/* Failure is sticky: the first is kept in `code` and `err`, and every node after it is NONE. */
struct td_filter_builder {
	struct td_filter_node *nodes;
	size_t count, cap;
	struct td_buf strings;
	struct td_error *err;
	int code;
};

void td_filter_builder_init(struct td_filter_builder *builder, struct td_error *err);
void td_filter_builder_fini(struct td_filter_builder *builder);
/* A new node, all zero but without child and sibling. NONE on failure. */
uint32_t td_filter_add(struct td_filter_builder *builder, enum td_filter_op op);
/* Set the name of an attribute: made lower case, and resolved. */
void td_filter_add_name(struct td_filter_builder *builder, uint32_t node, struct td_text name);
/* The filter, in one block. TD_E_NOMEM, or what failed before. */
int td_filter_build(struct td_filter_builder *builder, uint32_t root, bool expression,
	struct td_filter **filter);

/* Parse an expression into the builder; its root, or NONE with builder->code set. */
uint32_t td_sql_parse(struct td_filter_builder *builder, struct td_text expression);
/* The text of an expression; parsing it again gives the same nodes. */
void td_sql_dump(
	const struct td_filter *filter, const struct td_filter_node *node, struct td_buf *buf);

/* --- evaluating --------------------------------------------------------------------------- */

/*
 * A value on the way, small enough to be returned in two registers. MISSING is an attribute that
 * the event has not; operators turn it to zero.
 */
struct td_sql_datum {
	const char *at; /* STRING */
	union {
		uint32_t len;
		int32_t integer; /* of a Boolean: 0 or 1 */
	};
	enum { SQL_IS_BOOLEAN, SQL_IS_INTEGER, SQL_IS_STRING, SQL_IS_MISSING } type;
};

struct td_sql_run {
	const struct td_filter *filter;
	const struct td_event *event;
	struct td_arena *arena;
	size_t made; /* bytes of strings made */
	uint32_t steps;
	unsigned errors; /* set of enum td_sql_error */
	unsigned stop;   /* errors after which the value does not matter any more */
};

static inline struct td_sql_datum td_sql_boolean(bool value)
{
	return (struct td_sql_datum){.integer = value, .type = SQL_IS_BOOLEAN};
}

static inline struct td_sql_datum td_sql_integer(int32_t value)
{
	return (struct td_sql_datum){.integer = value, .type = SQL_IS_INTEGER};
}

static inline struct td_sql_datum td_sql_string(struct td_text value)
{
	return (struct td_sql_datum){value.at, {(uint32_t)value.len}, SQL_IS_STRING};
}

static inline struct td_text td_sql_text(struct td_sql_datum datum)
{
	return td_text_of(datum.at, datum.len);
}

struct td_sql_datum td_sql_eval(struct td_sql_run *run, const struct td_filter_node *node);
/* Count work on so many bytes, 64 to a step; false: over the limit, which is noted. */
static inline bool td_sql_charge(struct td_sql_run *run, size_t bytes)
{
	run->steps += (uint32_t)(bytes / 64);
	if (TD_LIKELY(run->steps <= TD_FILTER_STEPS_MAX))
		return true;
	run->errors |= TD_SQL_LIMIT;
	return false;
}

/* Room for a string to be made; NULL: over the limit, which is noted. */
char *td_sql_make(struct td_sql_run *run, size_t bytes);

/* --- casts (cesql/spec.md 3.7): what cannot be cast is the zero of its type, and TD_SQL_CAST */

#define TD_SQL_DIGITS 12 /* of an Integer as text */

bool td_sql_to_boolean(struct td_sql_run *run, struct td_sql_datum datum);
int32_t td_sql_to_integer(struct td_sql_run *run, struct td_sql_datum datum);
/* The digits of an Integer go to `room`. */
struct td_text td_sql_to_text(struct td_sql_datum datum, char room[TD_SQL_DIGITS]);
/* Base 10, sign allowed; false where it is none or does not fit 32 bits. */
bool td_sql_read_integer(struct td_text text, int32_t *value);

/* --- functions ---------------------------------------------------------------------------- */

#define TD_SQL_VARIADIC 0xFFFFu

struct td_sql_function {
	const char *name;
	uint16_t least, most;  /* arguments */
	uint8_t result;        /* type of td_sql_datum */
	uint8_t parameters[3]; /* types; the last is also that of all further; MISSING: as it comes
				*/
	struct td_sql_datum (*call)(
		struct td_sql_run *run, const struct td_sql_datum *args, size_t count);
};

/* Number of the function with that name (any case) and so many arguments, or TD_SQL_UNKNOWN. */
uint8_t td_sql_function_find(struct td_text name, size_t count);
const struct td_sql_function *td_sql_function_at(uint8_t number);

/* --- LIKE --------------------------------------------------------------------------------- */

/*
 * A compiled pattern is its literal bytes, with two bytes that no UTF-8 has in place of the
 * wildcards.
 */
#define TD_SQL_ANY_RUN '\xFF' /* "%" */
#define TD_SQL_ANY_ONE '\xFE' /* "_" */

/* Compile in place, fill node->text_len, head and tail. */
void td_sql_like_compile(struct td_filter_node *node, char *pattern, size_t len);
bool td_sql_like(struct td_sql_run *run, const struct td_filter_node *node, struct td_text value);

/* --- characters --------------------------------------------------------------------------- */

/* The bytes of the first n characters of valid UTF-8; all if there are fewer. */
size_t td_sql_characters(struct td_text text, size_t n);
/* Without Unicode white space at both ends. */
struct td_text td_sql_trim(struct td_text text);
/* Simple case mapping, Latin Greek Cyrillic Armenian (doc/filters.md); never longer than before. */
uint32_t td_sql_upper(uint32_t character);
uint32_t td_sql_lower(uint32_t character);

#endif
