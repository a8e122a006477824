#include "wire/nats/connect.h"

#include "json/json.h"

enum kind { BOOL, NUMBER, TEXT };

#define AT(field) offsetof(struct td_nats_connect, field)

static const struct {
	const char *name;
	enum kind kind;
	size_t at;
} fields[] = {
	{"verbose", BOOL, AT(verbose)},
	{"pedantic", BOOL, AT(pedantic)},
	{"echo", BOOL, AT(echo)},
	{"headers", BOOL, AT(headers)},
	{"no_responders", BOOL, AT(no_responders)},
	{"tls_required", BOOL, AT(tls_required)},
	{"protocol", NUMBER, AT(protocol)},
	{"user", TEXT, AT(user)},
	{"pass", TEXT, AT(pass)},
	{"auth_token", TEXT, AT(auth_token)},
	{"nkey", TEXT, AT(nkey)},
	{"sig", TEXT, AT(sig)},
	{"jwt", TEXT, AT(jwt)},
	{"account", TEXT, AT(account)},
	{"new_account", TEXT, AT(new_account)},
	{"name", TEXT, AT(name)},
	{"lang", TEXT, AT(lang)},
	{"version", TEXT, AT(version)},
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

void td_nats_connect_init(struct td_nats_connect *connect)
{
	*connect = (struct td_nats_connect){.verbose = true, .pedantic = true, .echo = true};
}

static char small(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool is_name(struct td_text text, const char *name)
{
	size_t i = 0;

	while (i < text.len && name[i] != '\0' && small(text.at[i]) == name[i])
		i++;
	return i == text.len && name[i] == '\0';
}

/* The value of a string: in the JSON itself, or behind what is in `buf`, which never moves. */
static struct td_text value_of(struct td_json string, struct td_buf *buf)
{
	size_t before = buf->len;

	if (td_json_plain(string))
		return td_json_inside(string);
	td_json_unescape(string, buf);
	return td_text_of(buf->at + before, buf->len - before);
}

/* false: not of the kind it should be. Of numbers, one with a point is none, as in nats-server. */
static bool set_field(void *at, enum kind kind, struct td_json value, struct td_buf *buf)
{
	int64_t number;

	if (value.kind == TD_JSON_NULL)
		return true;
	switch (kind) {
	case BOOL:
		if (value.kind != TD_JSON_TRUE && value.kind != TD_JSON_FALSE)
			return false;
		*(bool *)at = value.kind == TD_JSON_TRUE;
		return true;
	case NUMBER:
		for (size_t i = 0; i < value.text.len; i++) {
			if ((value.text.at[i] < '0' || value.text.at[i] > '9') &&
				value.text.at[i] != '-')
				return false;
		}
		if (value.kind != TD_JSON_NUMBER || !td_json_to_i64(value, &number))
			return false;
		*(int *)at = number == 0 || number == 1 ? (int)number : -1;
		return true;
	case TEXT:
		break;
	}
	if (value.kind != TD_JSON_STRING)
		return false;
	*(struct td_text *)at = value_of(value, buf);
	return true;
}

static bool set(struct td_nats_connect *connect, struct td_json name, struct td_json value,
	struct td_buf *buf)
{
	struct td_text text = value_of(name, buf);

	for (size_t i = 0; i < FIELDS; i++) {
		if (is_name(text, fields[i].name))
			return set_field(
				(char *)connect + fields[i].at, fields[i].kind, value, buf);
	}
	return true;
}

static enum td_nats_error check(const struct td_nats_connect *connect, struct td_error *err)
{
	enum td_nats_error error = TD_NATS_FINE;

	if (connect->protocol < 0)
		error = TD_NATS_E_PROTOCOL;
	else if (connect->no_responders && !connect->headers)
		error = TD_NATS_E_NO_RESPONDERS;
	if (error != TD_NATS_FINE)
		td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "%s", td_nats_error_why(error));
	return error;
}

enum td_nats_error td_nats_connect_read(struct td_nats_connect *connect, struct td_text options,
	struct td_buf *buf, struct td_error *err)
{
	struct td_nats_connect read;
	struct td_json root, name, value;
	struct td_json_iter iter;
	enum td_nats_error error;

	td_nats_connect_init(&read);
	td_buf_reset(buf);
	if (td_json_parse(options, 0, &root, err) != 0) {
		td_error_wrap(err, TD_E_JSON, "CONNECT");
		return TD_NATS_E_CONNECT;
	}
	if (root.kind != TD_JSON_OBJECT && root.kind != TD_JSON_NULL) {
		td_error_set(err, TD_E_DATA, TD_NO_OFFSET, "CONNECT: an object is needed");
		return TD_NATS_E_CONNECT;
	}
	/* What is unescaped is never longer than it was: so views into `buf` stay. */
	if (td_buf_reserve(buf, options.len) == NULL) {
		td_error_wrap(err, td_buf_check(buf, err), "CONNECT");
		return TD_NATS_E_CONNECT;
	}
	iter = td_json_iterate(root);
	while (td_json_next(&iter, &name, &value)) {
		if (set(&read, name, value, buf))
			continue;
		td_error_set(err, TD_E_DATA, (size_t)(value.text.at - options.at),
			"CONNECT: %.*s: not of the kind it should be", TD_TEXT_ARG(name.text));
		return TD_NATS_E_CONNECT;
	}
	error = check(&read, err);
	if (error == TD_NATS_FINE)
		*connect = read;
	return error;
}
