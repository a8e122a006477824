/*
 * JSON to a struct and back. What is accepted must
 *	- be written as JSON that is read, and written again, as the same; by a deep copy too
 *	- have each declared field exactly where the JSON has it (not null; a list that is not
 *	  empty), by the last member of that name, as td_json_get() finds it
 *	- keep every other member, raw and in order
 * What is refused is refused with a text and an offset inside. And as unknown members of a struct,
 * the same bytes are either refused or make JSON that is read.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* clang-format off */
#define LEAF(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(TEXT, t, REQUIRED) FIELD(INTEGER, n, OPTIONAL) LIST(INTEGER, l, OPTIONAL)
TD_STRUCT(leaf, LEAF)

#define BRANCH(FIELD, OBJECT, LIST, OBJECTS) \
	OBJECT(leaf, leaf, OPTIONAL) OBJECTS(leaf, leaves, OPTIONAL)
TD_STRUCT(branch, BRANCH)

#define TREE(FIELD, OBJECT, LIST, OBJECTS) \
	FIELD(TEXT,    text,   OPTIONAL) FIELD(INTEGER, integer, OPTIONAL) \
	FIELD(NUMBER,  number, OPTIONAL) FIELD(BOOLEAN, boolean, OPTIONAL) \
	FIELD(TIME,    time,   OPTIONAL) FIELD(DECIMAL, decimal, OPTIONAL) \
	LIST(TEXT,     texts,  OPTIONAL) LIST(INTEGER,  integers, OPTIONAL) \
	LIST(NUMBER,   numbers, OPTIONAL) LIST(BOOLEAN, booleans, OPTIONAL) \
	LIST(TIME,     times,  OPTIONAL) LIST(DECIMAL,  decimals, OPTIONAL) \
	OBJECT(branch, branch, OPTIONAL) OBJECTS(branch, branches, OPTIONAL)
TD_EVENT(tree, "Tree", TREE)
/* clang-format on */

static void check(bool holds, const char *what, struct td_text a, struct td_text b)
{
	if (holds)
		return;
	fprintf(stderr, "%s:\n%.*s\n%.*s\n", what, TD_TEXT_ARG(a), TD_TEXT_ARG(b));
	abort();
}

static void check_same(const char *what, struct td_text a, struct td_bytes b)
{
	check(a.len == b.len && memcmp(a.at, b.at, a.len) == 0, what, a, td_text_of(b.at, b.len));
}

static struct td_bytes encode(const struct tree *tree, struct td_text from)
{
	struct td_bytes json = TD_BYTES_INIT;
	struct td_error err = TD_ERROR_INIT;
	int code = tree_encode(tree, &json, &err);

	check(code == 0, "read, but not written", from, td_text(err.text));
	return json;
}

static const struct td_field *field_of(struct td_json name)
{
	for (size_t i = 0; i < tree_type.fields_count; i++) {
		if (td_json_string_is(name, td_text(tree_type.fields[i].name)))
			return &tree_type.fields[i];
	}
	return NULL;
}

/* The next member that is not declared. */
static bool next_unknown(struct td_json_iter *iter, struct td_json *name, struct td_json *value)
{
	while (td_json_next(iter, name, value)) {
		if (field_of(*name) == NULL)
			return true;
	}
	return false;
}

static void check_members(struct td_text in, struct td_text out)
{
	struct td_json a = td_json_trusted(in), b = td_json_trusted(out);
	struct td_json_iter i = td_json_iterate(a), j = td_json_iterate(b);
	struct td_json name, value, other_name, other_value;

	for (size_t n = 0; n < tree_type.fields_count; n++) {
		const struct td_field *field = &tree_type.fields[n];
		struct td_json before = td_json_get(a, td_text(field->name));
		struct td_json after = td_json_get(b, td_text(field->name));
		bool there = before.kind != TD_JSON_NONE && before.kind != TD_JSON_NULL &&
			     (!field->list || td_json_count(before) > 0);

		check(there == (after.kind != TD_JSON_NONE), field->name, in, out);
		check(!there || before.kind == after.kind, field->name, in, out);
		check(!there || !field->list || td_json_count(before) == td_json_count(after),
			field->name, in, out);
	}
	while (next_unknown(&i, &name, &value)) {
		check(next_unknown(&j, &other_name, &other_value), "a member is lost", in, out);
		check(td_text_equal(name.text, other_name.text), "another name", in, out);
		check(td_text_equal(value.text, other_value.text), "another value", in, out);
	}
	check(!next_unknown(&j, &other_name, &other_value), "a member too much", in, out);
}

static void check_stable(struct td_text json)
{
	struct tree *tree = NULL;
	struct td_bytes again;
	int code = tree_decode(json, &tree, NULL);

	check(code == 0, "written, but not read", json, td_text(NULL));
	again = encode(tree, json);
	check_same("not stable", json, again);
	td_bytes_fini(&again);
	td_object_free(tree);
}

/* Takes the struct. */
static void check_copy(struct tree *tree, struct td_text json)
{
	void *block = malloc(td_type_copy_bytes(&tree_type, tree));
	struct td_bytes again;

	if (block == NULL)
		abort();
	td_type_copy(&tree_type, tree, block);
	td_object_free(tree);
	again = encode(block, json);
	check_same("another copy", json, again);
	td_bytes_fini(&again);
	free(block);
}

/* Members that somebody wrote by hand: blanks between them go when they are read. */
static void check_unknown(struct td_text in)
{
	struct tree given = {.unknown = in, .boolean = true, .has_boolean = true};
	struct tree *tree = NULL;
	struct td_bytes json = TD_BYTES_INIT, again;
	struct td_error err = TD_ERROR_INIT;
	struct td_text out;

	if (tree_encode(&given, &json, &err) != 0) {
		check(err.code == TD_E_DATA, "another code", in, td_text(err.text));
		return;
	}
	out = td_text_of(json.at, json.len);
	check(tree_decode(out, &tree, &err) == 0, "written, but not read", out, td_text(err.text));
	again = encode(tree, out);
	check_members(out, td_text_of(again.at, again.len));
	check_stable(td_text_of(again.at, again.len));
	td_bytes_fini(&again);
	td_bytes_fini(&json);
	td_object_free(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct td_text in = td_text_of(data, size);
	struct td_error err = TD_ERROR_INIT;
	struct tree *tree = NULL;
	struct td_bytes json;
	struct td_text out;

	check_unknown(in);
	if (tree_decode(in, &tree, &err) != 0) {
		check(err.code == TD_E_JSON || err.code == TD_E_DATA, "another code", in,
			td_text(err.text));
		check(err.text[0] != '\0' && err.offset <= size, "no place", in, td_text(err.text));
		return 0;
	}
	json = encode(tree, in);
	out = td_text_of(json.at, json.len);
	check_members(in, out);
	check_stable(out);
	check_copy(tree, out);
	td_bytes_fini(&json);
	return 0;
}
