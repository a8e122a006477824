#include "cli/events.h"

#include <string.h>

#include "json/json.h"

/* A piece of a template: text as it is, or the name between braces. */
struct piece {
	bool name;
	struct td_text text;
};

/* The next piece, moving *at on; false at the end, or (*wrong) where none can be. */
static bool next_piece(const char **at, struct piece *piece, const char **wrong)
{
	const char *from = *at, *close;

	*wrong = NULL;
	if (*from == '\0')
		return false;
	if (from[0] == '{' && from[1] == '{') {
		*piece = (struct piece){false, td_text_of("{", 1)};
		*at = from + 2;
		return true;
	}
	if (from[0] == '\\' && (from[1] == 'n' || from[1] == 't' || from[1] == '\\')) {
		*piece = (struct piece){false, td_text_of(from[1] == 'n'   ? "\n"
							  : from[1] == 't' ? "\t"
									   : "\\",
						       1)};
		*at = from + 2;
		return true;
	}
	if (*from != '{') {
		size_t len = strcspn(from + 1, "{\\") + 1;

		*piece = (struct piece){false, td_text_of(from, len)};
		*at = from + len;
		return true;
	}
	close = strchr(from, '}');
	if (close == NULL || close == from + 1) {
		*wrong = from;
		return false;
	}
	*piece = (struct piece){true, td_text_of(from + 1, (size_t)(close - from - 1))};
	*at = close + 1;
	return true;
}

int td_cli_template_check(const char *template_, struct td_error *err)
{
	const char *at = template_, *wrong;
	struct piece piece;

	while (next_piece(&at, &piece, &wrong)) {
		if (!piece.name || piece.text.at[0] != '/')
			continue;
		if (td_json_pointer_check(piece.text, err) != 0)
			return td_error_wrap(err, TD_E_INVALID, "{%.*s}",
				(int)(piece.text.len < 64 ? piece.text.len : 64), piece.text.at);
	}
	if (wrong == NULL)
		return 0;
	return td_error_set(err, TD_E_INVALID, (size_t)(wrong - template_),
		"\"%.40s\": a name and \"}\" were expected behind \"{\"", wrong);
}

/* --- what a name stands for --------------------------------------------------------------- */

/* A value of JSON as text: strings without their quotes, all else as it stands there. */
static void put_value(struct td_buf *to, struct td_json value)
{
	if (value.kind == TD_JSON_STRING)
		td_json_unescape(value, to);
	else if (value.kind != TD_JSON_NONE)
		td_buf_add_text(to, value.text);
}

/* "data.order.id": member by member. */
static struct td_json walk(struct td_json value, struct td_text path)
{
	const char *at = path.at, *end = path.at + path.len;

	while (at < end) {
		const char *dot = memchr(at, '.', (size_t)(end - at));
		size_t len = dot != NULL ? (size_t)(dot - at) : (size_t)(end - at);

		value = td_json_get(value, td_text_of(at, len));
		at += len + (dot != NULL);
	}
	return value;
}

static void put_data(struct td_buf *to, struct td_text name, const struct td_event *event)
{
	struct td_text data = td_event_data(event);
	struct td_json root;

	if (td_text_is(name, "data")) {
		td_buf_add_text(to, data);
	} else if (data.at != NULL && td_json_parse(data, 0, &root, NULL) == 0) {
		if (name.at[0] == '/')
			put_value(to, td_json_pointer(root, name));
		else
			put_value(to, walk(root, td_text_of(name.at + 5, name.len - 5)));
	}
}

static bool put_where(struct td_buf *to, struct td_text name, const struct td_where *where)
{
	char time[TD_TIME_BYTES];

	if (td_text_is(name, "position")) {
		td_buf_add_u64(to, where->position);
	} else if (td_text_is(name, "seq")) {
		td_buf_add_u64(to, where->seq);
	} else if (td_text_is(name, "revision")) {
		td_buf_add_u64(to, where->revision);
	} else if (td_text_is(name, "log")) {
		td_buf_add_string(to, where->log);
	} else if (td_text_is(name, "recorded")) {
		td_time_format(where->recorded, time);
		td_buf_add(to, time, sizeof(time));
	} else {
		return false;
	}
	return true;
}

static void put_name(struct td_buf *to, struct td_text name, const struct td_event *event,
	const struct td_where *where)
{
	char attribute[TD_NAME_BYTES_MAX + 1];

	if (name.at[0] == '/' || td_text_is(name, "data") ||
		(name.len > 5 && memcmp(name.at, "data.", 5) == 0)) {
		put_data(to, name, event);
	} else if (where == NULL || !put_where(to, name, where)) {
		if (name.len < sizeof(attribute))
			td_buf_add_text(to, td_event_get(event, td_text_copy(name, attribute,
									sizeof(attribute))));
	}
}

void td_cli_template_fill(struct td_buf *to, const char *template_, const struct td_event *event,
	const struct td_where *where)
{
	const char *at = template_, *wrong;
	struct piece piece;

	while (next_piece(&at, &piece, &wrong)) {
		if (piece.name)
			put_name(to, piece.text, event, where);
		else
			td_buf_add_text(to, piece.text);
	}
}
