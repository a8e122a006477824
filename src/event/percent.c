#include "event/percent.h"

#include "event/word.h"

/* Space, '"', '%', and all that is not printable ASCII. */
static bool is_encoded(unsigned char c)
{
	return c <= 0x20 || c >= 0x7F || c == '"' || c == '%';
}

/* How many bytes from the start stand for themselves; a whole word that has another ends them. */
static size_t plain_prefix(struct td_text value)
{
	size_t i = 0;

	for (; i + 8 <= value.len; i += 8) {
		uint64_t word = td_word_at(value.at + i);

		if (!td_word_is_printable(word) || td_word_has(word, ' ') ||
			td_word_has(word, '"') || td_word_has(word, '%'))
			break;
	}
	return i;
}

size_t td_header_value_bytes(struct td_text value)
{
	size_t bytes = value.len;

	for (size_t i = plain_prefix(value); i < value.len; i++)
		bytes += is_encoded((unsigned char)value.at[i]) ? 2 : 0;
	return bytes;
}

char *td_header_value_put(char *out, struct td_text value)
{
	size_t plain = plain_prefix(value);

	memcpy(out, value.at, plain);
	out += plain;
	for (size_t i = plain; i < value.len; i++) {
		unsigned char c = (unsigned char)value.at[i];

		if (TD_UNLIKELY(is_encoded(c)))
			out = td_percent_put(out, c);
		else
			*out++ = (char)c;
	}
	return out;
}

void td_header_value_encode(struct td_buf *buf, struct td_text value)
{
	char *out = td_buf_reserve(buf, td_header_value_bytes(value));

	if (out == NULL)
		return;
	out = td_header_value_put(out, value);
	*out = '\0';
	buf->len = (size_t)(out - buf->at);
}

bool td_header_value_is_plain(struct td_text value)
{
	for (size_t i = plain_prefix(value); i < value.len; i++)
		if (value.at[i] == '%' || value.at[i] == '"')
			return false;
	return true;
}

/* The value without its quotes, a byte at a time: quoted and bare pieces may follow each other. */
struct unquoted {
	const char *at, *end;
	bool inside;
};

enum { END = -1, BROKEN = -2 };

static int next_byte(struct unquoted *text)
{
	while (text->at < text->end && *text->at == '"') {
		text->inside = !text->inside;
		text->at++;
	}
	if (text->at == text->end)
		return text->inside ? BROKEN : END;
	if (text->inside && *text->at == '\\' && ++text->at == text->end)
		return BROKEN;
	return (unsigned char)*text->at++;
}

int td_header_value_take(char *out, size_t *len, struct td_text value, struct td_error *err)
{
	struct unquoted text = {value.at, value.at + value.len, false};
	char *start = out;
	int c;

	while ((c = next_byte(&text)) >= 0) {
		if (c == '%') {
			size_t offset = (size_t)(text.at - value.at) - 1;
			char triple[3] = {'%'};

			triple[1] =
				(char)next_byte(&text); /* END and BROKEN are no digits either */
			triple[2] = (char)next_byte(&text);
			c = td_percent_value(triple, triple + 3);
			if (c < 0)
				return td_error_set(
					err, TD_E_FORMAT, offset, "\"%%\" without two hex digits");
		}
		*out++ = (char)c;
	}
	if (c == BROKEN)
		return td_error_set(err, TD_E_FORMAT, value.len, "a quote is not closed");
	*len = (size_t)(out - start);
	return 0;
}

int td_header_value_decode(struct td_buf *buf, struct td_text value, struct td_error *err)
{
	char *out = td_buf_reserve(buf, value.len);
	size_t len;
	int code;

	if (out == NULL)
		return td_buf_check(buf, err);
	code = td_header_value_take(out, &len, value, err);
	if (code != 0)
		return code;
	if (td_utf8_valid(out, len) != len)
		return td_error_set(err, TD_E_FORMAT, TD_NO_OFFSET, "not UTF-8");
	out[len] = '\0';
	buf->len += len;
	return 0;
}
