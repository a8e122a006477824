/*
 * Addresses: the NATS subject that stands for a CloudEvents subject, and the way back.
 * doc/format/event.md has the rules.
 */
#include "event/event.h"

#include "event/percent.h"

enum { PLAIN, ENCODED, DOT };

/* clang-format off */
static const uint8_t class_of[256] = {
	[0] = ENCODED, ENCODED, ENCODED, ENCODED, ENCODED, ENCODED, ENCODED, ENCODED,
	ENCODED, ENCODED, ENCODED, ENCODED, ENCODED, ENCODED, ENCODED, ENCODED,
	ENCODED, ENCODED, ENCODED, ENCODED, ENCODED, ENCODED, ENCODED, ENCODED,
	ENCODED, ENCODED, ENCODED, ENCODED, ENCODED, ENCODED, ENCODED, ENCODED,
	[' '] = ENCODED, ['%'] = ENCODED, ['*'] = ENCODED, ['>'] = ENCODED, [0x7F] = ENCODED,
	['.'] = DOT,
};
/* clang-format on */

/*
 * Whether the dot at `at` makes an empty token: nothing stands between it and `token`, where the
 * token before it began, or nothing comes behind it. An encoded dot is part of its token.
 */
static bool makes_empty_token(struct td_text subject, size_t token, size_t at)
{
	return at == token || at + 1 == subject.len;
}

/* How many bytes from the start need no encoding; *token: where the last token of them begins. */
static size_t plain_prefix(struct td_text subject, size_t *token)
{
	size_t i;

	*token = 0;
	for (i = 0; i < subject.len; i++) {
		unsigned char c = (unsigned char)subject.at[i];

		if (TD_LIKELY(class_of[c] == PLAIN))
			continue;
		if (class_of[c] == ENCODED || makes_empty_token(subject, *token, i))
			break;
		*token = i + 1;
	}
	return i;
}

static int too_long(struct td_error *err)
{
	return td_error_set(err, TD_E_SUBJECT, TD_NO_OFFSET,
		"longer than %u bytes when written as an address", TD_ADDRESS_BYTES_MAX);
}

int td_address_encode(
	struct td_text subject, char *out, struct td_text *address, struct td_error *err)
{
	size_t token, len = plain_prefix(subject, &token);

	if (subject.len == 0)
		return td_error_set(err, TD_E_SUBJECT, TD_NO_OFFSET, "empty");
	if (subject.len > TD_ADDRESS_BYTES_MAX)
		return too_long(err);
	if (len == subject.len) {
		*address = subject;
		return 0;
	}
	memcpy(out, subject.at, len);
	for (size_t i = len; i < subject.len; i++) {
		unsigned char c = (unsigned char)subject.at[i];
		bool dot = class_of[c] == DOT && !makes_empty_token(subject, token, i);

		if (TD_ADDRESS_BYTES_MAX - len < (class_of[c] == PLAIN || dot ? 1u : 3u))
			return too_long(err);
		if (class_of[c] == PLAIN || dot) {
			out[len++] = (char)c;
			token = dot ? i + 1 : token;
		} else {
			len = (size_t)(td_percent_put(out + len, c) - out);
		}
	}
	*address = td_text_of(out, len);
	return 0;
}

static size_t decode(struct td_text address, char *out)
{
	const char *at = address.at, *end = at + address.len;
	char *start = out;

	while (at < end) {
		int byte = td_percent_value(at, end);

		*out++ = byte < 0 ? *at : (char)byte;
		at += byte < 0 ? 1 : 3;
	}
	return (size_t)(out - start);
}

void td_address_decode(struct td_text address, struct td_buf *buf)
{
	char *out = td_buf_reserve(buf, address.len);

	if (out == NULL || address.len == 0)
		return;
	buf->len += decode(address, out);
	buf->at[buf->len] = '\0';
}

struct td_text td_address_view(struct td_text address, char *out)
{
	if (memchr(address.at, '%', address.len) == NULL)
		return address;
	return td_text_of(out, decode(address, out));
}

bool td_address_is_of(struct td_text address, struct td_text subject)
{
	const char *at = address.at, *end = at + address.len;
	size_t len = 0;

	while (at < end && len < subject.len) {
		int byte = td_percent_value(at, end);

		if (subject.at[len++] != (byte < 0 ? *at : (char)byte))
			return false;
		at += byte < 0 ? 1 : 3;
	}
	return at == end && len == subject.len;
}

enum wildcards { NO_WILDCARDS, WILDCARDS };

/* One token; `last`: nothing comes behind it. */
static const char *check_token(struct td_text token, bool last, enum wildcards allowed)
{
	if (token.len == 0)
		return "an empty token";
	for (size_t i = 0; i < token.len; i++)
		if ((unsigned char)token.at[i] <= 0x20 || token.at[i] == 0x7F)
			return "a blank or control character";
	if (token.len > 1 || (token.at[0] != '*' && token.at[0] != '>'))
		return NULL;
	if (allowed == NO_WILDCARDS)
		return "a wildcard";
	return token.at[0] == '*' || last ? NULL : "\">\" stands before the end";
}

static int check(struct td_text text, enum wildcards allowed, struct td_error *err)
{
	size_t start = 0;

	if (text.len > TD_ADDRESS_BYTES_MAX)
		return td_error_set(err, TD_E_SUBJECT, TD_ADDRESS_BYTES_MAX, "longer than %u bytes",
			TD_ADDRESS_BYTES_MAX);
	for (;;) {
		size_t end = start;
		const char *what;

		while (end < text.len && text.at[end] != '.')
			end++;
		what = check_token(
			td_text_of(text.at + start, end - start), end == text.len, allowed);
		if (what != NULL)
			return td_error_set(err, TD_E_SUBJECT, start, "%s", what);
		if (end == text.len)
			return 0;
		start = end + 1;
	}
}

int td_address_check(struct td_text address, struct td_error *err)
{
	return check(address, NO_WILDCARDS, err);
}

int td_pattern_check(struct td_text pattern, struct td_error *err)
{
	return check(pattern, WILDCARDS, err);
}
