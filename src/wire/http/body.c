/*
 * Chunks, a byte at a time but for their data:
 *
 *	SIZE --;--> NAME --=--> VALUE | QUOTED <-\-> PAIR     (each of them: CR -> SIZE_LF)
 *	 '---CR---> SIZE_LF --> DATA --> DATA_CR --> DATA_LF --> SIZE
 *	               '- size 0 -> TRAILER --> FIELD --:--> FIELD_VALUE --CR--> FIELD_LF -> TRAILER
 *	                               '---CR--> LAST_LF --> END
 */
#include "wire/http/body.h"

#include "wire/http/scan.h"

#define SIZE_DIGITS_MAX 15

enum phase {
	SIZE,
	NAME, /* of an extension; the first byte of it is due */
	IN_NAME,
	VALUE,
	IN_VALUE,
	QUOTED,
	PAIR, /* behind a backslash */
	BEHIND_QUOTE,
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER,
	FIELD,
	FIELD_VALUE,
	FIELD_LF,
	LAST_LF,
	END,
	WRONG,
};

static enum phase wrong(struct td_http_body *body, enum td_http_error error)
{
	body->error = (uint8_t)error;
	return WRONG;
}

void td_http_body_init(struct td_http_body *body, enum td_http_framing framing, uint64_t length,
	const struct td_http_limits *limits)
{
	const struct td_http_limits all = td_http_limits_of(limits);

	*body = (struct td_http_body){
		.bytes_max = all.body_bytes_max,
		.extra_max = all.trailer_bytes_max,
		.lines_max = all.fields_max,
		.framing = (uint8_t)framing,
		.phase = (uint8_t)(framing == TD_HTTP_BY_CHUNKS ? SIZE : DATA),
	};
	if (framing == TD_HTTP_BY_LENGTH)
		body->left = length;
	if (framing == TD_HTTP_BY_CLOSE)
		body->left = UINT64_MAX;
	if (framing == TD_HTTP_NO_BODY || (framing == TD_HTTP_BY_LENGTH && length == 0))
		body->phase = END;
	else if (framing == TD_HTTP_BY_LENGTH && length > body->bytes_max)
		body->phase = (uint8_t)wrong(body, TD_HTTP_E_BODY_LONG);
}

/* --- lines of chunks ---------------------------------------------------------------------- */

static bool is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7F;
}

static unsigned hex_value(char c)
{
	return c <= '9' ? (unsigned)(c - '0') : (unsigned)(td_http_lower(c) - 'a' + 10);
}

static enum phase size_ends(struct td_http_body *body)
{
	if (body->digits == 0)
		return wrong(body, TD_HTTP_E_CHUNK_SIZE);
	/* Told before its data comes. */
	if (body->left > body->bytes_max - body->total)
		return wrong(body, TD_HTTP_E_BODY_LONG);
	return SIZE_LF;
}

static enum phase count_extension(struct td_http_body *body, enum phase next)
{
	return ++body->extra > body->extra_max ? wrong(body, TD_HTTP_E_CHUNK_LONG) : next;
}

static enum phase in_size(struct td_http_body *body, char c)
{
	if (td_http_is(c, TD_HTTP_HEX)) {
		if (++body->digits > SIZE_DIGITS_MAX)
			return wrong(body, TD_HTTP_E_CHUNK_SIZE);
		body->left = body->left << 4 | hex_value(c);
		return SIZE;
	}
	if (c != '\r' && c != ';')
		return wrong(body, TD_HTTP_E_CHUNK_SIZE);
	if (size_ends(body) == WRONG)
		return WRONG;
	return c == '\r' ? SIZE_LF : count_extension(body, NAME);
}

/* RFC 9112, section 7.1.1, without its "bad whitespace". */

/* What may follow a whole extension. */
static enum phase extension_ends(struct td_http_body *body, char c)
{
	if (c == '\r')
		return SIZE_LF;
	return c == ';' ? count_extension(body, NAME) : wrong(body, TD_HTTP_E_CHUNK_EXTENSION);
}

static enum phase at_name(struct td_http_body *body, char c)
{
	return td_http_is(c, TD_HTTP_TOKEN) ? count_extension(body, IN_NAME)
					    : wrong(body, TD_HTTP_E_CHUNK_EXTENSION);
}

static enum phase in_name(struct td_http_body *body, char c)
{
	if (td_http_is(c, TD_HTTP_TOKEN))
		return count_extension(body, IN_NAME);
	return c == '=' ? count_extension(body, VALUE) : extension_ends(body, c);
}

static enum phase at_value(struct td_http_body *body, char c)
{
	if (c == '"')
		return count_extension(body, QUOTED);
	return td_http_is(c, TD_HTTP_TOKEN) ? count_extension(body, IN_VALUE)
					    : wrong(body, TD_HTTP_E_CHUNK_EXTENSION);
}

static enum phase in_value(struct td_http_body *body, char c)
{
	return td_http_is(c, TD_HTTP_TOKEN) ? count_extension(body, IN_VALUE)
					    : extension_ends(body, c);
}

static enum phase in_pair(struct td_http_body *body, char c)
{
	return is_control(c) ? wrong(body, TD_HTTP_E_CHUNK_EXTENSION)
			     : count_extension(body, QUOTED);
}

static enum phase in_quoted(struct td_http_body *body, char c)
{
	if (c == '"')
		return count_extension(body, BEHIND_QUOTE);
	return c == '\\' ? count_extension(body, PAIR) : in_pair(body, c);
}

/* Behind the CR of a size. */
static enum phase size_done(struct td_http_body *body, char c)
{
	if (c != '\n')
		return wrong(body, TD_HTTP_E_CHUNK_LINE);
	body->digits = 0;
	if (body->left > 0)
		return DATA;
	body->extra = 0;
	return TRAILER;
}

static enum phase data_cr(struct td_http_body *body, char c)
{
	return c == '\r' ? DATA_LF : wrong(body, TD_HTTP_E_CHUNK_END);
}

static enum phase data_lf(struct td_http_body *body, char c)
{
	return c == '\n' ? SIZE : wrong(body, TD_HTTP_E_CHUNK_END);
}

/* --- trailers: RFC 9112, section 7.1.2 ---------------------------------------------------- */

static enum phase count_trailer(struct td_http_body *body, enum phase next)
{
	return ++body->extra > body->extra_max ? wrong(body, TD_HTTP_E_TRAILER_LONG) : next;
}

static enum phase at_trailer(struct td_http_body *body, char c)
{
	if (c == '\r')
		return LAST_LF;
	if (!td_http_is(c, TD_HTTP_TOKEN))
		return wrong(body, TD_HTTP_E_TRAILER);
	if (body->lines_max == 0)
		return wrong(body, TD_HTTP_E_TRAILER_LONG);
	body->lines_max--;
	return count_trailer(body, FIELD);
}

static enum phase in_field(struct td_http_body *body, char c)
{
	if (c == ':')
		return count_trailer(body, FIELD_VALUE);
	return td_http_is(c, TD_HTTP_TOKEN) ? count_trailer(body, FIELD)
					    : wrong(body, TD_HTTP_E_TRAILER);
}

static enum phase in_field_value(struct td_http_body *body, char c)
{
	if (c == '\r')
		return FIELD_LF;
	return is_control(c) ? wrong(body, TD_HTTP_E_TRAILER) : count_trailer(body, FIELD_VALUE);
}

static enum phase field_lf(struct td_http_body *body, char c)
{
	return c == '\n' ? TRAILER : wrong(body, TD_HTTP_E_TRAILER);
}

static enum phase last_lf(struct td_http_body *body, char c)
{
	return c == '\n' ? END : wrong(body, TD_HTTP_E_TRAILER);
}

static enum phase (*const steps[])(struct td_http_body *body, char c) = {
	[SIZE] = in_size,
	[NAME] = at_name,
	[IN_NAME] = in_name,
	[VALUE] = at_value,
	[IN_VALUE] = in_value,
	[QUOTED] = in_quoted,
	[PAIR] = in_pair,
	[BEHIND_QUOTE] = extension_ends,
	[SIZE_LF] = size_done,
	[DATA_CR] = data_cr,
	[DATA_LF] = data_lf,
	[TRAILER] = at_trailer,
	[FIELD] = in_field,
	[FIELD_VALUE] = in_field_value,
	[FIELD_LF] = field_lf,
	[LAST_LF] = last_lf,
};

/* --- pieces ------------------------------------------------------------------------------- */

static enum td_http_body_read take_piece(struct td_http_body *body, const char *at, size_t there,
	size_t *taken, struct td_text *piece)
{
	const uint64_t room = body->bytes_max - body->total;
	uint64_t len = there < body->left ? there : body->left;

	if (room == 0) { /* of chunks and lengths that was told before */
		body->phase = (uint8_t)wrong(body, TD_HTTP_E_BODY_LONG);
		return TD_HTTP_BODY_WRONG;
	}
	len = len < room ? len : room;
	body->total += len;
	if (body->framing != TD_HTTP_BY_CLOSE)
		body->left -= len;
	if (body->left == 0)
		body->phase = (uint8_t)(body->framing == TD_HTTP_BY_CHUNKS ? DATA_CR : END);
	*piece = td_text_of(at, (size_t)len);
	*taken += (size_t)len;
	return TD_HTTP_PIECE;
}

enum td_http_body_read td_http_body_next(struct td_http_body *body, const char *bytes, size_t len,
	size_t *taken, struct td_text *piece)
{
	*taken = 0;
	for (;;) {
		if (body->phase == END)
			return TD_HTTP_BODY_END;
		if (body->phase == WRONG)
			return TD_HTTP_BODY_WRONG;
		if (*taken == len)
			return TD_HTTP_BODY_MORE;
		if (body->phase == DATA)
			return take_piece(body, bytes + *taken, len - *taken, taken, piece);
		body->phase = (uint8_t)steps[body->phase](body, bytes[(*taken)++]);
	}
}

bool td_http_body_may_close(const struct td_http_body *body)
{
	return body->phase == END || (body->framing == TD_HTTP_BY_CLOSE && body->phase != WRONG);
}
