#include "server/users_inside.h"

/* Where a user stands in a file. */
struct place {
	size_t begin, head_end, end; /* of the section: "[user NAME]", what follows it, the next */
	bool found;
};

static struct place find_place(struct td_text file, struct td_text name)
{
	struct place place = {.found = false};
	struct td_conf conf;
	struct td_conf_line line;

	td_conf_init(&conf, file);
	/* It was read before: nothing is wrong with it. */
	while (td_conf_next(&conf, &line, NULL) == 0 && line.kind != TD_CONF_END) {
		if (line.kind != TD_CONF_SECTION)
			continue;
		if (place.found) {
			place.end = line.at;
			return place;
		}
		place.found = td_text_equal(line.value, name);
		place.begin = line.at;
		place.head_end = line.next;
	}
	place.end = file.len;
	return place;
}

static void copy(struct td_buf *out, struct td_text file, size_t from, size_t to)
{
	td_buf_add(out, file.at + from, to - from);
}

/* What is written next stands in a line of its own. */
static void end_line(struct td_buf *out)
{
	if (out->len > 0 && out->code == 0 && out->at[out->len - 1] != '\n')
		td_buf_add_char(out, '\n');
}

static void put_line(struct td_buf *out, struct td_text key, struct td_text value)
{
	end_line(out);
	td_buf_printf(out, "%.*s = %.*s\n", TD_TEXT_ARG(key), TD_TEXT_ARG(value));
}

static bool has_word(struct td_text value, struct td_text wanted)
{
	struct td_text rest = value, word;

	if (td_text_equal(value, wanted))
		return true;
	while (td_conf_word(&rest, &word)) {
		if (td_text_equal(word, wanted))
			return true;
	}
	return false;
}

/*
 * The lines of the section without those of the key, at most so many; where `value` is given, of those
 * that have it alone. Returns how many were left away.
 */
static size_t copy_without(struct td_buf *out, struct td_text file, const struct place *place,
	struct td_text key, struct td_text value, size_t most)
{
	struct td_conf conf;
	struct td_conf_line line;
	size_t at = place->head_end, dropped = 0;

	td_conf_init(&conf, file);
	while (td_conf_next(&conf, &line, NULL) == 0 && line.kind != TD_CONF_END) {
		if (line.at < place->head_end || line.at >= place->end || dropped == most ||
			!td_text_equal(line.name, key) ||
			(value.at != NULL && !has_word(line.value, value)))
			continue;
		copy(out, file, at, line.at);
		at = line.next;
		dropped++;
	}
	copy(out, file, at, place->end);
	return dropped;
}

static int make_change(struct td_text file, enum td_users_change change, struct td_text name,
	struct td_text key, struct td_text value, struct td_buf *out, struct td_error *err)
{
	struct place place = find_place(file, name);
	size_t dropped = 1;

	if (change == TD_USERS_ADD) {
		copy(out, file, 0, file.len);
		end_line(out);
		td_buf_printf(out, "%s[user %.*s]\n", out->len > 0 ? "\n" : "", TD_TEXT_ARG(name));
		return 0;
	}
	if (!place.found)
		return td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET, "user %.*s: there is none",
			TD_TEXT_ARG(name));
	copy(out, file, 0, change == TD_USERS_REMOVE ? place.begin : place.head_end);
	switch (change) {
	case TD_USERS_ADD:
	case TD_USERS_REMOVE:
		break;
	case TD_USERS_SET:
		put_line(out, key, value);
		copy_without(out, file, &place, key, td_text(NULL), 1);
		break;
	case TD_USERS_PUT:
		put_line(out, key, value);
		copy(out, file, place.head_end, place.end);
		break;
	case TD_USERS_DROP:
		dropped = copy_without(out, file, &place, key, value, SIZE_MAX);
		break;
	}
	copy(out, file, place.end, file.len);
	if (dropped == 0)
		return td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET, "user %.*s: no such %.*s",
			TD_TEXT_ARG(name), TD_TEXT_ARG(key));
	return 0;
}

/* Whether it can be read; the users are of no more use. */
static int try_file(struct td_text file, struct td_error *err)
{
	struct td_users *users;
	int code = td_users_new(&users, file, 0, err);

	if (code == 0)
		td_users_unref(users);
	return code;
}

/* A value that ended its line would say more than was asked for. */
static bool is_one_line(struct td_text text)
{
	return text.len == 0 ||
	       (memchr(text.at, '\n', text.len) == NULL && memchr(text.at, '\r', text.len) == NULL);
}

int td_users_edit(struct td_text file, enum td_users_change change, struct td_text name,
	struct td_text key, struct td_text value, struct td_buf *out, struct td_error *err)
{
	size_t before = out->len;
	struct td_text made;
	int code = try_file(file, err);

	if (code != 0)
		return code;
	if (!is_one_line(name) || !is_one_line(key) || !is_one_line(value))
		return td_error_set(
			err, TD_E_INVALID, TD_NO_OFFSET, "a line's end in a name or value");
	if (file.at == NULL)
		file = td_text("");
	code = make_change(file, change, name, key, value, out, err);
	if (code == 0)
		code = td_buf_check(out, err);
	if (code == 0) {
		made = td_text_of(out->at != NULL ? out->at + before : "", out->len - before);
		code = try_file(made, err);
	}
	if (code != 0 && out->code == 0)
		out->len = before;
	return code;
}
