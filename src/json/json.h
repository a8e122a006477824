/*
 * json: strict RFC 8259, without a tree.
 *
 * A value is a span of the text it stands in. td_json_parse() checks the whole text once
 * (grammar, UTF-8, depth, no byte order mark, nothing behind); from then on the spans are
 * trusted, and every other function walks them without checking again. Numbers keep their text.
 * What RFC 8259 leaves open is decided here, and in doc/json.md:
 *
 *	duplicate names   accepted; td_json_get() and pointers take the *last* one
 *	lone surrogates   \ud800 alone is accepted as text, kept as it is in the span; decoding it
 *	                  gives U+FFFD
 *	large numbers     accepted, any length; conversions say when they do not fit
 */
#ifndef TD_JSON_H
#define TD_JSON_H

#include "base/base.h"

#define TD_JSON_DEPTH_MAX 512u /* default and ceiling of nesting */

enum td_json_kind {
	TD_JSON_NONE = 0, /* no value (not found) */
	TD_JSON_NULL,
	TD_JSON_FALSE,
	TD_JSON_TRUE,
	TD_JSON_NUMBER,
	TD_JSON_STRING,
	TD_JSON_ARRAY,
	TD_JSON_OBJECT,
};

/* A value: its kind and its exact bytes, without blanks around ("a string" with its quotes). */
struct td_json {
	enum td_json_kind kind;
	struct td_text text;
};

/*
 * Check `text` and give its value. Errors: TD_E_JSON with the offset, and as text the place for
 * people and what was expected there ("line 3, column 14: a ',' or '}' was expected"; columns
 * count characters). depth_max: 0, and what is above, means TD_JSON_DEPTH_MAX.
 */
int td_json_parse(
	struct td_text text, unsigned depth_max, struct td_json *value, struct td_error *err);
/* A value from text that is known to be one valid JSON value (checked before); NONE from none. */
struct td_json td_json_trusted(struct td_text text);

/* --- walking ------------------------------------------------------------------------------ */

/*
 * The members of an object or the elements of an array, in order. Containers inside are skipped,
 * so walking down into all of a text passes each byte once for each level it lies in.
 */
struct td_json_iter {
	const char *at, *end;
	bool object;
};
struct td_json_iter td_json_iterate(struct td_json container); /* empty for other kinds */
/*
 * The next: name (raw, with quotes; NONE in an array) and value, either NULL if not wanted. false
 * at the end.
 */
bool td_json_next(struct td_json_iter *iter, struct td_json *name, struct td_json *value);
size_t td_json_count(struct td_json container);
/* The member of that (unescaped) name, the last if several; kind NONE if there is none. */
struct td_json td_json_get(struct td_json object, struct td_text name);

/* --- scalars ------------------------------------------------------------------------------ */

/* Whether a string has no escapes; then its text between the quotes is its value. */
bool td_json_plain(struct td_json string);
/* The inside of a plain string. */
struct td_text td_json_inside(struct td_json string);
/* Append the value of a string, unescaped, as UTF-8. */
void td_json_unescape(struct td_json string, struct td_buf *buf);
/* Whether a string's value is `text`. */
bool td_json_string_is(struct td_json string, struct td_text text);
/* false where the number is not an integer in range. "1.0" and "1e2" are integers, as JSON Schema
 * has it. */
bool td_json_to_i64(struct td_json number, int64_t *value);
/* Nearest double; false where it overflows. Independent of the locale. */
bool td_json_to_double(struct td_json number, double *value);

/* --- JSON Pointer, RFC 6901 --------------------------------------------------------------- */

/* TD_E_POINTER with the offset, if it is not one. */
int td_json_pointer_check(struct td_text pointer, struct td_error *err);
/* What a checked pointer points to; NONE if nothing ("-" is nothing). */
struct td_json td_json_pointer(struct td_json root, struct td_text pointer);
/* Append "/" and the token, its "~" and "/" escaped. */
void td_json_pointer_add(struct td_buf *buf, struct td_text token);

/* --- Merge Patch, RFC 7396 ---------------------------------------------------------------- */

/*
 * Append target patched with `patch`. Values that the patch leaves alone keep their bytes and
 * order, new members come behind in the patch's order. `target` may be NONE.
 * Errors: TD_E_NOMEM, TD_E_TOO_LARGE (the buffer's).
 */
int td_json_merge(
	struct td_json target, struct td_json patch, struct td_buf *buf, struct td_error *err);

/* --- writing ------------------------------------------------------------------------------ */

/*
 * One value, into the buffer. Commas and nesting are the writer's; a wrong order of calls, or
 * nesting beyond TD_JSON_DEPTH_MAX, is a wrong program (asserted).
 */
struct td_json_writer {
	struct td_buf *buf;
	uint64_t objects[TD_JSON_DEPTH_MAX / 64]; /* bit i: the container at depth i is an object */
	unsigned depth;
	bool comma; /* something stands before in this container */
	bool named; /* a name was written, its value is due */
};
void td_json_writer_init(struct td_json_writer *writer, struct td_buf *buf);
void td_json_open_object(struct td_json_writer *writer);
void td_json_close_object(struct td_json_writer *writer);
void td_json_open_array(struct td_json_writer *writer);
void td_json_close_array(struct td_json_writer *writer);
void td_json_name(struct td_json_writer *writer, struct td_text name);
/* A string value; what is not valid UTF-8 becomes U+FFFD. Escapes what must be, nothing else. */
void td_json_string(struct td_json_writer *writer, struct td_text value);
void td_json_i64(struct td_json_writer *writer, int64_t value);
void td_json_u64(struct td_json_writer *writer, uint64_t value);
/* Shortest text that reads back as the same double; NaN and infinities become null. */
void td_json_double(struct td_json_writer *writer, double value);
void td_json_bool(struct td_json_writer *writer, bool value);
void td_json_null(struct td_json_writer *writer);
/* A value that is JSON already, byte for byte. */
void td_json_raw(struct td_json_writer *writer, struct td_text json);
/* Just the quoted, escaped string. */
void td_json_quote(struct td_buf *buf, struct td_text value);

#endif
