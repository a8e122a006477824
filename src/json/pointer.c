#include "json/json.h"

#include "json/scan.h"
#include "json/unescape.h"

int td_json_pointer_check(struct td_text pointer, struct td_error *err)
{
	size_t valid;

	if (pointer.len == 0)
		return 0;
	if (pointer.at[0] != '/')
		return td_error_set(err, TD_E_POINTER, 0, "a pointer is empty or starts with '/'");
	for (size_t i = 0; i < pointer.len; i++)
		if (pointer.at[i] == '~' &&
			(i + 1 == pointer.len ||
				(pointer.at[i + 1] != '0' && pointer.at[i + 1] != '1')))
			return td_error_set(
				err, TD_E_POINTER, i, "offset %zu: '~' without 0 or 1", i);
	valid = td_utf8_valid(pointer.at, pointer.len);
	if (valid != pointer.len)
		return td_error_set(
			err, TD_E_POINTER, valid, "offset %zu: valid UTF-8 was expected", valid);
	return 0;
}

/* Whether a member's name is the token, both unescaped on the way. */
static bool name_is_token(struct td_json name, struct td_text token)
{
	const char *at, *end, *c = token.at, *token_end = token.at + token.len;
	char piece[4];
	size_t n;

	at = td_json_inside(name).at;
	end = at + td_json_inside(name).len;
	while ((n = td_json_piece(&at, end, piece)) != 0) {
		for (size_t i = 0; i < n; i++, c++) {
			char want;

			if (c == token_end)
				return false;
			want = *c;
			if (want == '~')
				want = *++c == '0' ? '~' : '/';
			if (want != piece[i])
				return false;
		}
	}
	return c == token_end;
}

static struct td_json member_of(struct td_json object, struct td_text token)
{
	struct td_json found = {TD_JSON_NONE, {NULL, 0}}, name, value;
	struct td_json_iter iter;

	if (memchr(token.at, '~', token.len) == NULL)
		return td_json_get(object, token);
	iter = td_json_iterate(object);
	while (td_json_next(&iter, &name, &value))
		if (name_is_token(name, token))
			found = value;
	return found;
}

/* "0", or digits without a leading zero; one that is too large points to nothing anyway. */
static bool index_of(struct td_text token, size_t *index)
{
	if (token.len == 0 || token.len > 18 || (token.at[0] == '0' && token.len > 1))
		return false;
	*index = 0;
	for (size_t i = 0; i < token.len; i++) {
		if (!scan_is_digit(token.at[i]))
			return false;
		*index = *index * 10 + (size_t)(token.at[i] - '0');
	}
	return true;
}

static struct td_json element_of(struct td_json array, struct td_text token)
{
	struct td_json none = {TD_JSON_NONE, {NULL, 0}}, value;
	struct td_json_iter iter = td_json_iterate(array);
	size_t index;

	if (!index_of(token, &index))
		return none;
	while (td_json_next(&iter, NULL, &value))
		if (index-- == 0)
			return value;
	return none;
}

struct td_json td_json_pointer(struct td_json root, struct td_text pointer)
{
	struct td_json found = root;
	const char *at = pointer.at, *end;

	if (pointer.len == 0)
		return root;
	end = at + pointer.len;
	while (at < end && found.kind != TD_JSON_NONE) {
		const char *slash;
		struct td_text token;

		TD_ASSERT(*at == '/'); /* it was checked */
		at++;
		slash = memchr(at, '/', (size_t)(end - at));
		token = td_text_of(at, (size_t)((slash != NULL ? slash : end) - at));
		found = found.kind == TD_JSON_ARRAY ? element_of(found, token)
						    : member_of(found, token);
		at = token.at + token.len;
	}
	return found;
}

void td_json_pointer_add(struct td_buf *buf, struct td_text token)
{
	const char *at = token.at, *end;

	td_buf_add_char(buf, '/');
	if (token.len == 0)
		return;
	for (end = at + token.len; at < end; at++) {
		if (*at == '~')
			td_buf_add(buf, "~0", 2);
		else if (*at == '/')
			td_buf_add(buf, "~1", 2);
		else
			td_buf_add_char(buf, *at);
	}
}
