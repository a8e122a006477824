/*
 * The smaller event.
 *
 * The pointers are merged into a tree of tokens once; applying walks it beside the JSON and copies
 * slices. A token is chosen by its parent alone, so each node of the tree meets at most one value.
 *
 *	"/a/b", "/a/c", "/d"        root -- a -- b (whole)
 *	                                |     `- c (whole)
 *	                                 `- d (whole)
 */
#include "match/match.h"

#include <stdlib.h>

#define NONE UINT32_MAX

/* A field's text and the tree together stay small; and a tree is walked for every event. */
#define FIELDS_MAX      256u
#define FIELD_BYTES_MAX 1024u

struct node {
	struct td_text token; /* unescaped, in the strings */
	size_t index;         /* the token as an index of an array; SIZE_MAX: it is none */
	uint32_t child, next;
	bool whole; /* a pointer ends here */
};

struct td_select {
	bool attr[TD_ATTR_COUNT];
	bool pointers;         /* any at all */
	struct td_text *names; /* of attributes that are not known */
	size_t names_count;
	struct node *nodes; /* [0] is the root */
	size_t nodes_count;
	char *strings;
	size_t strings_len;
};

/* --- making ------------------------------------------------------------------------------- */

static size_t index_of(struct td_text token)
{
	size_t index = 0;

	if (token.len == 0 || token.len > 18 || (token.len > 1 && token.at[0] == '0'))
		return SIZE_MAX;
	for (size_t i = 0; i < token.len; i++) {
		if (token.at[i] < '0' || token.at[i] > '9')
			return SIZE_MAX;
		index = 10 * index + (size_t)(token.at[i] - '0');
	}
	return index;
}

/* The child of `parent` with that token, made where there is none. There is room for it. */
static uint32_t have_child(struct td_select *select, uint32_t parent, struct td_text token)
{
	uint32_t *link = &select->nodes[parent].child;

	for (; *link != NONE; link = &select->nodes[*link].next) {
		if (td_text_equal(select->nodes[*link].token, token))
			return *link;
	}
	*link = (uint32_t)select->nodes_count++;
	select->nodes[*link] = (struct node){
		.token = token,
		.index = index_of(token),
		.child = NONE,
		.next = NONE,
	};
	return *link;
}

/* The token that begins at *at, unescaped into the strings; *at moves to the next "/". */
static struct td_text take_token(struct td_select *select, const char **at, const char *end)
{
	char *token = select->strings + select->strings_len;
	size_t len = 0;

	for (; *at < end && **at != '/'; ++*at) {
		char c = **at;

		if (c == '~')
			c = *++*at == '1' ? '/' : '~';
		token[len++] = c;
	}
	select->strings_len += len;
	return td_text_of(token, len);
}

static int add_pointer(struct td_select *select, struct td_text field, struct td_error *err)
{
	const char *at = field.at, *end = field.at + field.len;
	uint32_t node = 0;
	int code = td_json_pointer_check(field, err);

	if (code != 0)
		return td_error_wrap(err, code, "%.*s", TD_TEXT_ARG(field));
	while (at < end) {
		at++; /* the "/" */
		node = have_child(select, node, take_token(select, &at, end));
	}
	select->nodes[node].whole = true;
	select->pointers = true;
	return 0;
}

static int add_attribute(struct td_select *select, struct td_text field, struct td_error *err)
{
	enum td_attr attr = td_attr_find(field);
	char *name = select->strings + select->strings_len;

	for (size_t i = 0; i < field.len; i++) {
		char c = field.at[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
			return td_error_set(err, TD_E_POINTER, i,
				"%.*s: a field is a JSON Pointer (\"/total\") or an attribute's "
				"name, which is made of a-z and 0-9",
				TD_TEXT_ARG(field));
	}
	if (td_text_is(field, "data"))
		return td_error_set(err, TD_E_POINTER, 0,
			"data: a part of the data is named by a JSON Pointer, the whole by \"\"");
	if (attr < TD_ATTR_COUNT) {
		select->attr[attr] = true;
		return 0;
	}
	memcpy(name, field.at, field.len);
	select->strings_len += field.len;
	select->names[select->names_count++] = td_text_of(name, field.len);
	return 0;
}

static int add_field(struct td_select *select, struct td_text field, struct td_error *err)
{
	if (field.len > FIELD_BYTES_MAX)
		return td_error_set(err, TD_E_POINTER, FIELD_BYTES_MAX,
			"a field is at most %u bytes long", FIELD_BYTES_MAX);
	if (field.len == 0 || field.at[0] == '/')
		return add_pointer(select, field, err);
	return add_attribute(select, field, err);
}

/* Room for all that the fields can need: each token has a "/" before it. */
static bool make_room(struct td_select *select, const char *const *fields, size_t count)
{
	size_t bytes = 0, tokens = 0;

	for (size_t i = 0; i < count; i++) {
		for (const char *c = fields[i]; *c != '\0'; c++, bytes++)
			tokens += *c == '/';
	}
	select->names = calloc(count + 1, sizeof(*select->names));
	select->nodes = calloc(tokens + 1, sizeof(*select->nodes));
	select->strings = malloc(bytes + 1);
	if (select->names == NULL || select->nodes == NULL || select->strings == NULL)
		return false;
	select->nodes[0].child = select->nodes[0].next = NONE;
	select->nodes_count = 1;
	return true;
}

int td_select_new(
	struct td_select **select, const char *const *fields, size_t count, struct td_error *err)
{
	static const enum td_attr always[] = {
		TD_ATTR_ID,
		TD_ATTR_SOURCE,
		TD_ATTR_TYPE,
		TD_ATTR_SUBJECT,
		TD_ATTR_CORRELATIONID,
		TD_ATTR_CAUSATIONID,
	};
	struct td_select *made = NULL;
	int code = 0;

	if (count > FIELDS_MAX)
		return td_error_set(err, TD_E_POINTER, TD_NO_OFFSET,
			"at most %u fields can be selected", FIELDS_MAX);
	made = calloc(1, sizeof(*made));
	if (made == NULL || !make_room(made, fields, count)) {
		code = td_error_nomem(err);
		goto done;
	}
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		made->attr[always[i]] = true;
	for (size_t i = 0; i < count && code == 0; i++) {
		code = add_field(made, td_text(fields[i]), err);
		if (code != 0)
			td_error_wrap(err, code, "field %zu", i);
	}
	if (code != 0)
		goto done;
	*select = made;
	made = NULL;
done:
	td_select_free(made);
	return code;
}

void td_select_free(struct td_select *select)
{
	if (select == NULL)
		return;
	free(select->names);
	free(select->nodes);
	free(select->strings);
	free(select);
}

/* --- the data ----------------------------------------------------------------------------- */

struct work {
	const struct td_select *select;
	struct td_buf *buf;
	const char **last; /* per node: the value of the last member of that name */
};

static bool write_value(struct work *work, uint32_t node, struct td_json value);

static uint32_t find_member(const struct work *work, uint32_t parent, struct td_json name)
{
	const struct node *nodes = work->select->nodes;
	uint32_t child = nodes[parent].child;

	while (child != NONE && !td_json_string_is(name, nodes[child].token))
		child = nodes[child].next;
	return child;
}

static uint32_t find_element(const struct work *work, uint32_t parent, size_t index)
{
	const struct node *nodes = work->select->nodes;
	uint32_t child = nodes[parent].child;

	while (child != NONE && nodes[child].index != index)
		child = nodes[child].next;
	return child;
}

/* Of members with the same name the last one counts, as for pointers everywhere. */
static bool write_object(struct work *work, uint32_t node, struct td_json object)
{
	struct td_json_iter iter = td_json_iterate(object);
	struct td_json name, value;
	bool any = false;
	uint32_t child;

	while (td_json_next(&iter, &name, &value)) {
		child = find_member(work, node, name);
		if (child != NONE)
			work->last[child] = value.text.at;
	}
	td_buf_add_char(work->buf, '{');
	iter = td_json_iterate(object);
	while (td_json_next(&iter, &name, &value)) {
		size_t mark = work->buf->len;

		child = find_member(work, node, name);
		if (child == NONE || work->last[child] != value.text.at)
			continue;
		if (any)
			td_buf_add_char(work->buf, ',');
		td_buf_add_text(work->buf, name.text);
		td_buf_add_char(work->buf, ':');
		if (write_value(work, child, value))
			any = true;
		else
			work->buf->len = mark;
	}
	td_buf_add_char(work->buf, '}');
	return any;
}

static bool write_array(struct work *work, uint32_t node, struct td_json array)
{
	struct td_json_iter iter = td_json_iterate(array);
	struct td_json value;
	bool any = false;

	td_buf_add_char(work->buf, '[');
	for (size_t i = 0; td_json_next(&iter, NULL, &value); i++) {
		uint32_t child = find_element(work, node, i);
		size_t mark = work->buf->len;

		if (child == NONE)
			continue;
		if (any)
			td_buf_add_char(work->buf, ',');
		if (write_value(work, child, value))
			any = true;
		else
			work->buf->len = mark;
	}
	td_buf_add_char(work->buf, ']');
	return any;
}

/* Write what is selected of a value; false if nothing is, and then what was written is no value. */
static bool write_value(struct work *work, uint32_t node, struct td_json value)
{
	if (work->select->nodes[node].whole) {
		td_buf_add_text(work->buf, value.text);
		return true;
	}
	if (value.kind == TD_JSON_OBJECT)
		return write_object(work, node, value);
	if (value.kind == TD_JSON_ARRAY)
		return write_array(work, node, value);
	return false;
}

static bool data_is_json(const struct td_event *event)
{
	struct td_text type = event->attr[TD_ATTR_DATACONTENTTYPE];

	/* Of base64 that says no type nothing is known. */
	return td_content_type_is_json(type) && (type.at != NULL || event->form != TD_DATA_BASE64);
}

/*
 * What is selected of the event's data, in `buf`, or nothing there: no pointers, no data, no JSON,
 * or a scalar that no pointer reaches. Of an object and an array the empty one is left at least.
 */
static int select_data(const struct td_select *select, const struct td_event *event,
	struct td_buf *buf, struct td_error *err)
{
	struct work work = {select, buf, NULL};
	struct td_text data;
	struct td_json root;
	int code = 0;

	if (!select->pointers || !data_is_json(event))
		return 0;
	code = td_event_data_get(event, &data, err);
	if (code != 0 || data.len == 0)
		return code;
	code = td_json_parse(data, 0, &root, err);
	if (code != 0)
		return td_error_wrap(err, code, "data");
	work.last = calloc(select->nodes_count, sizeof(*work.last));
	if (work.last == NULL)
		return td_error_nomem(err);
	buf->max = data.len; /* no selection is longer */
	if (!write_value(&work, 0, root) && root.kind != TD_JSON_OBJECT &&
		root.kind != TD_JSON_ARRAY)
		td_buf_reset(buf);
	code = td_buf_check(buf, err);
	free(work.last);
	return code;
}

/* --- the event ---------------------------------------------------------------------------- */

static bool is_named(const struct td_select *select, struct td_text name)
{
	for (size_t i = 0; i < select->names_count; i++) {
		if (td_text_equal(select->names[i], name))
			return true;
	}
	return false;
}

/* The attributes beyond the known ones that are named, into `kept`, which has room for all. */
static uint32_t select_more(
	const struct td_select *select, const struct td_event *event, struct td_attribute *kept)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < event->more_count; i++) {
		if (is_named(select, event->more[i].name))
			kept[count++] = event->more[i];
	}
	return count;
}

int td_select_apply(const struct td_select *select, const struct td_event *event,
	struct td_event **out, struct td_error *err)
{
	struct td_event small = {
		.address = event->address,
		.causes = event->causes,
		.kind = event->kind,
		.integers = event->integers,
		.booleans = event->booleans,
		.lent = 1,
	};
	struct td_buf data = TD_BUF_INIT(0);
	struct td_attribute *more = NULL;
	struct td_event *made;
	int code = select_data(select, event, &data, err);

	if (code != 0)
		goto done;
	for (size_t i = 0; i < TD_ATTR_COUNT; i++) {
		if (select->attr[i])
			small.attr[i] = event->attr[i];
	}
	if (data.len > 0) {
		small.data = td_buf_view(&data);
		small.form = TD_DATA_JSON;
		small.attr[TD_ATTR_DATACONTENTTYPE] = event->attr[TD_ATTR_DATACONTENTTYPE];
	}
	if (select->names_count > 0 && event->more_count > 0) {
		more = malloc(event->more_count * sizeof(*more));
		if (more == NULL) {
			code = td_error_nomem(err);
			goto done;
		}
		small.more = more;
		small.more_count = select_more(select, event, more);
	}
	made = td_event_copy(&small);
	if (made == NULL) {
		code = td_error_nomem(err);
		goto done;
	}
	*out = made;
done:
	free(more);
	td_buf_fini(&data);
	return code;
}
