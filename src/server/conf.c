#include "server/conf.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_key(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

/* Blanks around taken off; never absent. */
static struct td_text trim(const char *at, const char *end)
{
	while (at < end && is_blank(*at))
		at++;
	while (end > at && is_blank(end[-1]))
		end--;
	return td_text_of(at, (size_t)(end - at));
}

/* The key at the beginning of the text. */
static struct td_text key_of(struct td_text text)
{
	size_t len = 0;

	while (len < text.len && is_key(text.at[len]))
		len++;
	return td_text_of(text.at, len);
}

void td_conf_init(struct td_conf *conf, struct td_text text)
{
	conf->text = td_text_of(text.at != NULL ? text.at : "", text.len);
	conf->at = 0;
	conf->number = 0;
	if (text.len >= 3 && memcmp(conf->text.at, "\xEF\xBB\xBF", 3) == 0)
		conf->at = 3;
}

static int wrong(const struct td_conf *conf, const char *at, const char *what, struct td_error *err)
{
	return td_error_set(err, TD_E_INVALID, (size_t)(at - conf->text.at), "line %zu: %s",
		conf->number, what);
}

static int check_bytes(const struct td_conf *conf, struct td_text text, struct td_error *err)
{
	size_t valid;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if ((c < 0x20 && c != '\t') || c == 0x7F)
			return wrong(conf, text.at + i, "a control byte", err);
	}
	valid = td_utf8_valid(text.at, text.len);
	return valid == text.len ? 0 : wrong(conf, text.at + valid, "not UTF-8", err);
}

static int read_section(const struct td_conf *conf, struct td_text text, struct td_conf_line *line,
	struct td_error *err)
{
	struct td_text inside;

	if (text.at[text.len - 1] != ']')
		return wrong(conf, text.at + text.len, "`[` without `]` at its end", err);
	inside = trim(text.at + 1, text.at + text.len - 1);
	line->kind = TD_CONF_SECTION;
	line->name = key_of(inside);
	line->value = trim(inside.at + line->name.len, inside.at + inside.len);
	if (line->name.len == 0 || (line->value.len > 0 && !is_blank(inside.at[line->name.len])))
		return wrong(conf, inside.at, "expected `[kind name]`", err);
	return 0;
}

static int read_pair(const struct td_conf *conf, struct td_text text, struct td_conf_line *line,
	struct td_error *err)
{
	const char *end = text.at + text.len;
	struct td_text rest;

	line->kind = TD_CONF_PAIR;
	line->name = key_of(text);
	rest = trim(text.at + line->name.len, end);
	if (line->name.len == 0 || rest.len == 0 || rest.at[0] != '=')
		return wrong(conf, text.at + line->name.len,
			"expected `key = value`, `[section]` or `# comment`", err);
	line->value = trim(rest.at + 1, end);
	return 0;
}

int td_conf_next(struct td_conf *conf, struct td_conf_line *line, struct td_error *err)
{
	if (conf->text.len > TD_CONF_BYTES_MAX)
		return td_error_set(err, TD_E_TOO_LARGE, TD_NO_OFFSET,
			"%zu bytes are too many: at most %u", conf->text.len, TD_CONF_BYTES_MAX);
	while (conf->at < conf->text.len) {
		const char *at = conf->text.at + conf->at;
		size_t left = conf->text.len - conf->at;
		const char *lf = memchr(at, '\n', left);
		size_t bytes = lf != NULL ? (size_t)(lf - at) : left;
		size_t len = bytes > 0 && lf != NULL && at[bytes - 1] == '\r' ? bytes - 1 : bytes;
		struct td_text text = trim(at, at + len);
		int code;

		conf->number++;
		if (len > TD_CONF_LINE_BYTES_MAX)
			return wrong(conf, at, "too long a line", err);
		code = check_bytes(conf, text, err);
		if (code != 0)
			return code;
		*line = (struct td_conf_line){.number = conf->number, .at = conf->at};
		conf->at += bytes + (lf != NULL);
		line->next = conf->at;
		if (text.len == 0 || text.at[0] == '#' || text.at[0] == ';')
			continue;
		return text.at[0] == '[' ? read_section(conf, text, line, err)
					 : read_pair(conf, text, line, err);
	}
	*line = (struct td_conf_line){
		.kind = TD_CONF_END, .number = conf->number + 1, .at = conf->at, .next = conf->at};
	return 0;
}

static bool is_between(char c)
{
	return is_blank(c) || c == ',';
}

bool td_conf_word(struct td_text *rest, struct td_text *word)
{
	const char *at = rest->at, *end = at + rest->len, *start;

	while (at < end && is_between(*at))
		at++;
	start = at;
	while (at < end && !is_between(*at))
		at++;
	*word = td_text_of(start, (size_t)(at - start));
	*rest = td_text_of(at, (size_t)(end - at));
	return word->len > 0;
}
