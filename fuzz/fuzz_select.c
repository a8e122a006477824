/*
 * Fields, one a line, an empty line, and JSON: what is selected must be, byte for byte, what a
 * naive walk selects that writes down the pointer of every value and compares it with the fields.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "match/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FIELDS_MAX 32
#define BYTES_MAX  4096 /* the naive walk is slow */

struct fields {
	char *text; /* NULs in place of line ends */
	const char *at[FIELDS_MAX];
	size_t count;
	struct td_text json;
};

static void check(bool holds, const char *what, struct td_text a, struct td_text b)
{
	if (holds)
		return;
	fprintf(stderr, "%s:\n%.*s\n%.*s\n", what, TD_TEXT_ARG(a), TD_TEXT_ARG(b));
	abort();
}

/* A line "~" alone is the empty field, the whole of the data. */
static void split(struct fields *fields, const uint8_t *data, size_t size)
{
	char *line = fields->text;

	memcpy(fields->text, data, size);
	fields->text[size] = '\0';
	while (fields->count < FIELDS_MAX) {
		char *end = strchr(line, '\n');

		if (end == NULL || end == line)
			break;
		*end = '\0';
		fields->at[fields->count++] = strcmp(line, "~") == 0 ? "" : line;
		line = end + 1;
	}
	if (*line == '\n')
		line++;
	fields->json = td_text_of(line, size - (size_t)(line - fields->text));
}

static bool is_field(const struct fields *fields, struct td_text pointer)
{
	for (size_t i = 0; i < fields->count; i++) {
		if (td_text_equal(
			    td_text(fields->at[i]), pointer.at != NULL ? pointer : td_text("")))
			return true;
	}
	return false;
}

static bool naive(const struct fields *fields, struct td_json value, struct td_buf *pointer,
	struct td_buf *out)
{
	struct td_json_iter iter = td_json_iterate(value);
	bool object = value.kind == TD_JSON_OBJECT, any = false;
	struct td_json name, inner;

	if (is_field(fields, td_buf_view(pointer))) {
		td_buf_add_text(out, value.text);
		return true;
	}
	if (!object && value.kind != TD_JSON_ARRAY)
		return false;
	td_buf_add_char(out, object ? '{' : '[');
	for (size_t i = 0; td_json_next(&iter, &name, &inner); i++) {
		struct td_buf token = TD_BUF_INIT(1 << 20);
		size_t pointer_mark = pointer->len, out_mark = out->len;

		if (object)
			td_json_unescape(name, &token);
		else
			td_buf_add_u64(&token, i);
		td_json_pointer_add(pointer, td_buf_view(&token));
		if (any)
			td_buf_add_char(out, ',');
		if (object) {
			td_buf_add_text(out, name.text);
			td_buf_add_char(out, ':');
		}
		if ((!object || td_json_get(value, td_buf_view(&token)).text.at == inner.text.at) &&
			naive(fields, inner, pointer, out))
			any = true;
		else
			out->len = out_mark;
		pointer->len = pointer_mark;
		td_buf_fini(&token);
	}
	td_buf_add_char(out, object ? '}' : ']');
	return any;
}

static void check_selected(
	const struct fields *fields, const struct td_select *select, struct td_text in)
{
	struct td_buf pointer = TD_BUF_INIT(1 << 20), out = TD_BUF_INIT(1 << 24);
	const struct td_draft draft = {
		.type = "t",
		.id = "1",
		.time = "2026-11-21T01:43:11Z",
		.data = fields->json.at,
		.data_bytes = fields->json.len,
		.datacontenttype = "application/json",
	};
	const struct td_origin origin = {.source = TD_TEXT_INIT("/")};
	struct td_event *event = NULL, *small = NULL;
	struct td_error err = TD_ERROR_INIT;
	struct td_json root;
	bool pointers = false, nothing;
	int code;

	for (size_t i = 0; i < fields->count; i++)
		pointers = pointers || fields->at[i][0] == '\0' || fields->at[i][0] == '/';
	check(td_event_make(&event, &draft, &origin, &err) == 0, "no event", in, td_text(err.text));
	nothing = fields->json.len == 0 || !pointers;
	code = nothing ? 0 : td_json_parse(fields->json, 0, &root, NULL);
	check(td_select_apply(select, event, &small, &err) == code, "another code", in,
		td_text(err.text));
	if (code == 0) {
		struct td_text selected = td_event_data(small), wanted = {NULL, 0};

		if (!nothing && (naive(fields, root, &pointer, &out) ||
					root.kind == TD_JSON_ARRAY || root.kind == TD_JSON_OBJECT))
			wanted = td_buf_view(&out);
		check(td_text_equal(selected, wanted), "selected", selected, wanted);
		check(selected.len <= fields->json.len, "longer", in, selected);
		td_event_unref(small);
	}
	td_event_unref(event);
	td_buf_fini(&pointer);
	td_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fields fields = {0};
	struct td_select *select = NULL;
	struct td_error err = TD_ERROR_INIT;
	struct td_text in = td_text_of(data, size);

	if (size > BYTES_MAX)
		return 0;
	fields.text = malloc(size + 1);
	TD_ASSERT(fields.text != NULL);
	split(&fields, data, size);
	if (td_select_new(&select, fields.at, fields.count, &err) == 0)
		check_selected(&fields, select, in);
	else
		check(err.code == TD_E_POINTER && err.text[0] != '\0', "no place", in,
			td_text(err.text));
	td_select_free(select);
	free(fields.text);
	return 0;
}
