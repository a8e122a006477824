/*
 * Lines are found, then judged: the first by request.c or response.c, the fields here. A line's
 * end is found by its first control byte, so that none is in it once it is judged (but tabs).
 */
#include "wire/http/lines.h"

#include <strings.h>

#define OR(value, other) ((value) != 0 ? (value) : (other))

/* What stands beside a target in the first line: a method, blanks, a version. */
#define BESIDE_TARGET 64u

enum { FIRST, FIELDS, WHOLE, WRONG };

struct td_http_limits td_http_limits_of(const struct td_http_limits *limits)
{
	return (struct td_http_limits){
		.target_bytes_max = OR(limits->target_bytes_max, 8u << 10),
		.field_bytes_max = OR(limits->field_bytes_max, 8u << 10),
		.head_bytes_max = OR(limits->head_bytes_max, 16u << 10),
		.fields_max = OR(limits->fields_max, 100u),
		.trailer_bytes_max = OR(limits->trailer_bytes_max, 4u << 10),
		.body_bytes_max = OR(limits->body_bytes_max, (uint64_t)8 << 20),
	};
}

const char *td_http_method_name(enum td_http_method method)
{
	static const char *const names[] = {
#define TD_HTTP_METHOD_TEXT(name) #name,
		TD_HTTP_METHOD_TABLE(TD_HTTP_METHOD_TEXT)
#undef TD_HTTP_METHOD_TEXT
	};

	TD_ASSERT(method < TD_HTTP_METHODS);
	return names[method];
}

/* --- offsets ------------------------------------------------------------------------------ */

struct td_http_range td_http_range_of(const struct td_http_lines *in, struct td_text text)
{
	return (struct td_http_range){(uint32_t)(text.at - in->bytes), (uint32_t)text.len};
}

struct td_text td_http_text_of(const struct td_http_lines *in, struct td_http_range range)
{
	return td_text_of(in->bytes + range.at, range.len);
}

struct td_text td_http_fields_of(const struct td_http_lines *in)
{
	const struct td_http_reader *reader = in->reader;

	return td_text_of(in->bytes + reader->fields, reader->line - 2 - reader->fields);
}

/* --- words -------------------------------------------------------------------------------- */

bool td_http_is_word(struct td_text text, const char *word)
{
	size_t i = 0;

	while (i < text.len && word[i] != '\0' && td_http_lower(text.at[i]) == word[i])
		i++;
	return i == text.len && word[i] == '\0' && text.at != NULL;
}

/* The next element of a list of tokens and the like: no quotes. May be empty; false at the end. */
static bool next_element(struct td_text *rest, struct td_text *element)
{
	const char *comma;
	size_t len;

	if (rest->at == NULL)
		return false;
	comma = rest->len > 0 ? memchr(rest->at, ',', rest->len) : NULL;
	len = comma != NULL ? (size_t)(comma - rest->at) : rest->len;
	*element = td_http_trim(rest->at, rest->at + len);
	*rest = comma != NULL ? td_text_of(comma + 1, rest->len - len - 1) : td_text(NULL);
	return true;
}

enum td_http_error td_http_read_version(
	struct td_text text, enum td_http_error malformed, uint8_t *minor)
{
	if (text.len != 8 || memcmp(text.at, "HTTP/", 5) != 0 ||
		!td_http_is(text.at[5], TD_HTTP_DIGIT) || text.at[6] != '.' ||
		!td_http_is(text.at[7], TD_HTTP_DIGIT))
		return malformed;
	if (text.at[5] != '1')
		return TD_HTTP_E_VERSION;
	*minor = text.at[7] != '0'; /* RFC 9110, section 2.5: the highest that is known here */
	return TD_HTTP_FINE;
}

/* --- fields ------------------------------------------------------------------------------- */

static enum td_http_error host(const struct td_http_lines *in, struct td_text value)
{
	struct td_http_reader *reader = in->reader;

	if (in->response)
		return TD_HTTP_FINE;
	if (reader->said & TD_HTTP_SAID_HOST)
		return TD_HTTP_E_HOST_SEVERAL;
	if (!td_http_is_host(value))
		return TD_HTTP_E_HOST;
	reader->said |= TD_HTTP_SAID_HOST;
	if (reader->host.len == 0) {
		reader->host = td_http_range_of(in, value);
		return TD_HTTP_FINE;
	}
	/* RFC 9112, section 3.2.2: the URL decides. Another Host beside it is a second reading. */
	return reader->host.len == value.len &&
			       strncasecmp(in->bytes + reader->host.at, value.at, value.len) == 0
		       ? TD_HTTP_FINE
		       : TD_HTTP_E_HOST_DIFFERS;
}

static enum td_http_error content_length(const struct td_http_lines *in, struct td_text value)
{
	struct td_http_reader *reader = in->reader;

	if (reader->said & TD_HTTP_SAID_LENGTH)
		return TD_HTTP_E_LENGTH_SEVERAL;
	if (reader->said & TD_HTTP_SAID_CODING)
		return TD_HTTP_E_LENGTH_CODING;
	reader->said |= TD_HTTP_SAID_LENGTH;
	if (td_http_number(value, 18, &reader->length))
		return TD_HTTP_FINE;
	/* A number all the same, if a long one: too long to be had. */
	return value.len > 18 && value.at[0] != '0' &&
			       td_http_span(value.at, value.at + value.len, TD_HTTP_DIGIT) ==
				       value.len
		       ? TD_HTTP_E_BODY_LONG
		       : TD_HTTP_E_LENGTH;
}

/*
 * RFC 9112, section 6.1: what is not known is 501; section 6.3: what does not end with `chunked`
 * has no end that can be relied on, and is 400. Parameters and empty elements are not known to
 * anybody, and so not passed over.
 */
static enum td_http_error judge_coding(struct td_text value)
{
	struct td_text coding;
	bool chunked = false, others = false;

	while (next_element(&value, &coding)) {
		if (chunked || !td_http_is_token(coding))
			return TD_HTTP_E_CODING;
		chunked = td_http_is_word(coding, "chunked");
		others = others || !chunked;
	}
	if (!chunked)
		return TD_HTTP_E_CODING;
	return others ? TD_HTTP_E_CODING_UNKNOWN : TD_HTTP_FINE;
}

static enum td_http_error transfer_encoding(const struct td_http_lines *in, struct td_text value)
{
	struct td_http_reader *reader = in->reader;

	if (reader->minor == 0)
		return TD_HTTP_E_CODING_OLD;
	if (reader->said & TD_HTTP_SAID_CODING)
		return TD_HTTP_E_CODING_SEVERAL;
	if (reader->said & TD_HTTP_SAID_LENGTH)
		return TD_HTTP_E_LENGTH_CODING;
	reader->said |= TD_HTTP_SAID_CODING;
	return judge_coding(value);
}

static enum td_http_error connection(const struct td_http_lines *in, struct td_text value)
{
	struct td_text option;

	while (next_element(&value, &option)) {
		if (td_http_is_word(option, "close"))
			in->reader->said |= TD_HTTP_SAID_CLOSE;
		else if (td_http_is_word(option, "keep-alive"))
			in->reader->said |= TD_HTTP_SAID_KEEP;
	}
	return TD_HTTP_FINE;
}

/* RFC 9110, section 10.1.1. */
static enum td_http_error expect(const struct td_http_lines *in, struct td_text value)
{
	if (in->response)
		return TD_HTTP_FINE;
	if (!td_http_is_word(value, "100-continue"))
		return TD_HTTP_E_EXPECT;
	in->reader->said |= TD_HTTP_SAID_CONTINUE;
	return TD_HTTP_FINE;
}

/* Those that decide where the message ends, and the like. */
static const struct {
	const char *name;
	size_t len;
	enum td_http_error (*read)(const struct td_http_lines *in, struct td_text value);
} known[] = {
	{"host", 4, host},
	{"expect", 6, expect},
	{"connection", 10, connection},
	{"content-length", 14, content_length},
	{"transfer-encoding", 17, transfer_encoding},
};

static enum td_http_error field(const struct td_http_lines *in, struct td_text line)
{
	const char *end = line.at + line.len;
	size_t len;

	if (td_http_is_blank(line.at[0]))
		return TD_HTTP_E_FOLDED;
	if (in->reader->count == in->limits->fields_max)
		return TD_HTTP_E_FIELDS;
	in->reader->count++;
	len = td_http_span(line.at, end, TD_HTTP_TOKEN);
	if (len == 0 || len == line.len || line.at[len] != ':')
		return TD_HTTP_E_FIELD;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].len == len && td_http_is_word(td_text_of(line.at, len), known[i].name))
			return known[i].read(in, td_http_trim(line.at + len + 1, end));
	}
	return TD_HTTP_FINE;
}

/* --- lines -------------------------------------------------------------------------------- */

/* How long this line may be, and what it is if it is longer. */
static size_t line_max(const struct td_http_lines *in, enum td_http_error *longer)
{
	const struct td_http_limits *limits = in->limits;
	size_t most = limits->field_bytes_max, left = 0;

	if (in->reader->phase == FIRST) {
		*longer = in->response ? TD_HTTP_E_HEAD_LONG : TD_HTTP_E_TARGET_LONG;
		return (size_t)limits->target_bytes_max + BESIDE_TARGET;
	}
	if (limits->head_bytes_max > in->reader->line)
		left = limits->head_bytes_max - in->reader->line;
	*longer = left < most ? TD_HTTP_E_HEAD_LONG : TD_HTTP_E_FIELD_LONG;
	return left < most ? left : most;
}

/*
 * WHOLE: a whole line, without its CRLF; MORE; WRONG. What stands behind the longest line that may
 * be is not looked at, so the answer is the same wherever the bytes were cut.
 */
static enum td_http_parsed next_line(
	const struct td_http_lines *in, struct td_text *line, enum td_http_error *error)
{
	struct td_http_reader *reader = in->reader;
	const char *start = in->bytes + reader->line, *at = in->bytes + reader->looked_at;
	const char *end = in->bytes + in->len;
	enum td_http_error longer;
	size_t most = line_max(in, &longer);
	bool full = (size_t)(end - start) > most;

	if (full)
		end = start + most + 1;
	do {
		at = td_http_control(at, end);
	} while (at < end && *at == '\t' && ++at < end);
	reader->looked_at = (uint32_t)(at - in->bytes);
	if (at == end) {
		*error = longer;
		return full ? TD_HTTP_WRONG : TD_HTTP_MORE;
	}
	*error = *at == '\n' ? TD_HTTP_E_BARE_LF : TD_HTTP_E_CONTROL;
	if (*at != '\r')
		return TD_HTTP_WRONG;
	if (at + 1 == in->bytes + in->len)
		return TD_HTTP_MORE;
	*error = TD_HTTP_E_BARE_CR;
	if (at[1] != '\n')
		return TD_HTTP_WRONG;
	*line = td_text_of(start, (size_t)(at - start));
	reader->line = reader->looked_at = (uint32_t)(at + 2 - in->bytes);
	return TD_HTTP_WHOLE;
}

static enum td_http_error judge(
	const struct td_http_lines *in, struct td_text line, td_http_first_line *first)
{
	struct td_http_reader *reader = in->reader;

	if (reader->line > in->limits->head_bytes_max)
		return TD_HTTP_E_HEAD_LONG;
	if (reader->phase == FIELDS) {
		if (line.len > 0)
			return field(in, line);
		reader->phase = WHOLE;
		return TD_HTTP_FINE;
	}
	if (line.len == 0) /* RFC 9112, section 2.2 */
		return reader->line > 2 || in->response ? TD_HTTP_E_EMPTY_LINES : TD_HTTP_FINE;
	if (td_http_is_blank(line.at[0]))
		return TD_HTTP_E_FOLDED;
	reader->phase = FIELDS;
	reader->fields = reader->line;
	return first(in, line);
}

enum td_http_parsed td_http_refuse(struct td_http_reader *reader, enum td_http_error error)
{
	reader->phase = WRONG;
	reader->error = (uint8_t)error;
	return TD_HTTP_WRONG;
}

enum td_http_parsed td_http_read_lines(const struct td_http_lines *in, td_http_first_line *first)
{
	struct td_http_reader *reader = in->reader;
	enum td_http_error error = TD_HTTP_FINE;
	struct td_text line;

	TD_ASSERT(reader->looked_at <= in->len && reader->line <= reader->looked_at);
	while (reader->phase < WHOLE) {
		enum td_http_parsed parsed = next_line(in, &line, &error);

		if (parsed == TD_HTTP_MORE)
			return TD_HTTP_MORE;
		if (parsed == TD_HTTP_WHOLE)
			error = judge(in, line, first);
		if (error != TD_HTTP_FINE)
			return td_http_refuse(reader, error);
	}
	return reader->phase == WHOLE ? TD_HTTP_WHOLE : TD_HTTP_WRONG;
}

bool td_http_keeps(const struct td_http_reader *reader)
{
	if (reader->said & TD_HTTP_SAID_CLOSE)
		return false;
	return reader->minor > 0 || (reader->said & TD_HTTP_SAID_KEEP) != 0;
}

/* --- looking them up ---------------------------------------------------------------------- */

bool td_http_field_next(struct td_text *rest, struct td_http_header *field)
{
	const char *at = rest->at, *colon, *cr;

	if (rest->len == 0)
		return false;
	colon = memchr(at, ':', rest->len);
	cr = memchr(at, '\r', rest->len);
	TD_ASSERT(colon != NULL && cr != NULL && colon < cr);
	field->name = td_text_of(at, (size_t)(colon - at));
	field->value = td_http_trim(colon + 1, cr);
	*rest = td_text_of(cr + 2, rest->len - (size_t)(cr + 2 - at));
	return true;
}

unsigned td_http_field(struct td_text fields, const char *name, struct td_text *value)
{
	struct td_http_header field;
	unsigned count = 0;

	*value = td_text(NULL);
	while (td_http_field_next(&fields, &field)) {
		if (!td_http_is_word(field.name, name))
			continue;
		if (count == 0)
			*value = field.value;
		count++;
	}
	return count;
}
