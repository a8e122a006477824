#include "wire/http/target.h"

#include "wire/http/scan.h"

static unsigned hex(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)(td_http_lower(c) - 'a' + 10);
}

/* What is taken apart, and where what is decoded goes: into room that was made before. */
struct decoder {
	char *out;
	bool plus; /* is a blank */
};

/* The part as it is if there is nothing to decode, else decoded. */
static enum td_http_error decode(struct decoder *decoder, struct td_text part, struct td_text *text)
{
	const char *at = part.at, *end = at + part.len;
	char *start = decoder->out, *out = start;
	bool changed = false;

	for (; at < end; at++) {
		char c = *at;

		if (c == '%') {
			if (end - at < 3 || !td_http_is(at[1], TD_HTTP_HEX) ||
				!td_http_is(at[2], TD_HTTP_HEX))
				return TD_HTTP_E_PERCENT;
			c = (char)(hex(at[1]) << 4 | hex(at[2]));
			changed = true;
			at += 2;
		} else if (c == '+' && decoder->plus) {
			c = ' ';
			changed = true;
		}
		if (c == '\0')
			return TD_HTTP_E_NUL;
		*out++ = c;
	}
	*text = part;
	if (changed) {
		*text = td_text_of(start, (size_t)(out - start));
		decoder->out = out;
	}
	return td_utf8_valid(text->at, text->len) == text->len ? TD_HTTP_FINE : TD_HTTP_E_UTF8;
}

/* Up to the next `stop`, which is taken too. */
static struct td_text next_part(struct td_text *rest, char stop)
{
	const char *found = rest->len > 0 ? memchr(rest->at, stop, rest->len) : NULL;
	size_t len = found != NULL ? (size_t)(found - rest->at) : rest->len;
	struct td_text part = td_text_of(rest->at, len);

	*rest = found != NULL ? td_text_of(found + 1, rest->len - len - 1) : td_text(NULL);
	return part;
}

/* --- the path ----------------------------------------------------------------------------- */

/* Behind the last bare "@" of a raw segment nothing is shorter when decoded but by its escapes. */
static size_t mark_of(struct td_text raw, struct td_text text)
{
	const char *mark = raw.len > 0 ? memrchr(raw.at, '@', raw.len) : NULL;
	size_t behind = 0;

	if (mark == NULL)
		return TD_HTTP_NO_MARK;
	for (const char *at = mark; at < raw.at + raw.len; at++, behind++)
		at += *at == '%' ? 2 : 0;
	return text.len - behind;
}

static enum td_http_error read_segment(
	struct td_http_segment *segment, struct decoder *decoder, struct td_text raw)
{
	enum td_http_error error = decode(decoder, raw, &segment->text);

	if (error != TD_HTTP_FINE)
		return error;
	if (td_text_is(segment->text, ".") || td_text_is(segment->text, ".."))
		return TD_HTTP_E_DOTS;
	segment->mark = mark_of(raw, segment->text);
	return TD_HTTP_FINE;
}

static enum td_http_error read_path(
	struct td_http_target *target, struct decoder *decoder, struct td_text path)
{
	if (path.len == 0 || path.at[0] != '/')
		return TD_HTTP_E_TARGET;
	path = td_text_of(path.at + 1, path.len - 1);
	target->segment_count = 0;
	if (path.len == 0)
		return TD_HTTP_FINE;
	while (path.at != NULL) {
		enum td_http_error error;

		if (target->segment_count == TD_HTTP_SEGMENTS_MAX)
			return TD_HTTP_E_SEGMENTS;
		error = read_segment(
			&target->segments[target->segment_count++], decoder, next_part(&path, '/'));
		if (error != TD_HTTP_FINE)
			return error;
	}
	return TD_HTTP_FINE;
}

/* --- the query ---------------------------------------------------------------------------- */

static enum td_http_error read_parameter(
	struct td_http_parameter *parameter, struct decoder *decoder, struct td_text pair)
{
	struct td_text name = next_part(&pair, '=');
	enum td_http_error error = decode(decoder, name, &parameter->name);

	if (error != TD_HTTP_FINE)
		return error;
	return decode(decoder, pair.at != NULL ? pair : td_text(""), &parameter->value);
}

static enum td_http_error read_query(
	struct td_http_target *target, struct decoder *decoder, struct td_text query)
{
	decoder->plus = true;
	target->parameter_count = 0;
	while (query.at != NULL) {
		struct td_text pair = next_part(&query, '&');
		enum td_http_error error;

		if (pair.len == 0)
			continue;
		if (target->parameter_count == TD_HTTP_PARAMETERS_MAX)
			return TD_HTTP_E_PARAMETERS;
		error = read_parameter(
			&target->parameters[target->parameter_count++], decoder, pair);
		if (error != TD_HTTP_FINE)
			return error;
	}
	return TD_HTTP_FINE;
}

enum td_http_error td_http_read_target(struct td_http_target *target, struct td_text path,
	struct td_text query, struct td_buf *buf)
{
	struct decoder decoder = {NULL, false};
	enum td_http_error error;

	td_buf_reset(buf);
	decoder.out = td_buf_reserve(buf, path.len + query.len);
	if (decoder.out == NULL)
		return TD_HTTP_E_MEMORY;
	error = read_path(target, &decoder, path);
	if (error == TD_HTTP_FINE)
		error = read_query(target, &decoder, query);
	buf->len = (size_t)(decoder.out - buf->at);
	return error;
}

/* --- looking them up ---------------------------------------------------------------------- */

bool td_http_parameter_next(
	const struct td_http_target *target, const char *name, uint32_t *at, struct td_text *value)
{
	while (*at < target->parameter_count) {
		const struct td_http_parameter *parameter = &target->parameters[(*at)++];

		if (td_text_is(parameter->name, name)) {
			*value = parameter->value;
			return true;
		}
	}
	return false;
}

unsigned td_http_parameter(
	const struct td_http_target *target, const char *name, struct td_text *value)
{
	struct td_text other;
	unsigned count = 0;
	uint32_t at = 0;

	*value = td_text(NULL);
	while (td_http_parameter_next(target, name, &at, count == 0 ? value : &other))
		count++;
	return count;
}

/* --- writing ------------------------------------------------------------------------------ */

void td_http_add_encoded(struct td_buf *buf, struct td_text text)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.at[i];
		char *out;

		if (td_http_is(text.at[i], TD_HTTP_TOKEN68) && byte != '+' && byte != '/') {
			td_buf_add_char(buf, text.at[i]); /* those two apart: "unreserved" */
			continue;
		}
		out = td_buf_reserve(buf, 3);
		if (out == NULL)
			return;
		out[0] = '%';
		out[1] = digits[byte >> 4];
		out[2] = digits[byte & 15];
		out[3] = '\0';
		buf->len += 3;
	}
}
