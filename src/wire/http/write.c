#include "wire/http/write.h"

#include "wire/http/lines.h"

struct td_http_terms td_http_terms_of(const struct td_http_request *request)
{
	if (request == NULL)
		return (struct td_http_terms){.close = true};
	return (struct td_http_terms){
		.old = request->minor == 0,
		.head = request->method == TD_HTTP_HEAD,
		.close = !request->keep_alive,
	};
}

/* --- beginning ---------------------------------------------------------------------------- */

/* A field of the writer's own: its value is right. */
static void add_field(struct td_buf *buf, const char *name, struct td_text value)
{
	td_buf_add_string(buf, name);
	td_buf_add(buf, ": ", 2);
	td_buf_add_text(buf, value);
	td_buf_add(buf, "\r\n", 2);
}

void td_http_write_response(struct td_http_writer *writer, struct td_buf *buf,
	const struct td_http_terms *terms, int status, td_time now)
{
	char date[TD_HTTP_DATE_BYTES];

	TD_ASSERT(status >= 200 && status <= 599);
	*writer = (struct td_http_writer){
		.buf = buf, .before = buf->len, .status = status, .terms = *terms};
	td_buf_add_string(buf, "HTTP/1.1 ");
	td_buf_add_u64(buf, (uint64_t)status);
	td_buf_add_char(buf, ' ');
	td_buf_add_string(buf, td_http_phrase(status));
	td_buf_add(buf, "\r\n", 2);
	td_http_date(now, date);
	add_field(buf, "Date", td_text_of(date, sizeof(date)));
}

/* What a request line can hold, whatever a server would make of it. */
static bool is_target(struct td_text target)
{
	const char *at = target.at, *end = at + target.len;

	while (at < end && (unsigned char)*at > 0x20 && (unsigned char)*at < 0x7F)
		at++;
	return target.len > 0 && at == end;
}

void td_http_write_request(struct td_http_writer *writer, struct td_buf *buf,
	enum td_http_method method, struct td_text target, struct td_text host)
{
	*writer = (struct td_http_writer){.buf = buf, .before = buf->len, .method = method};
	if (!is_target(target))
		writer->wrong = "the target";
	else if (!td_http_is_host(host))
		writer->wrong = "Host";
	td_buf_add_string(buf, td_http_method_name(method));
	td_buf_add_char(buf, ' ');
	td_buf_add_text(buf, target);
	td_buf_add_string(buf, " HTTP/1.1\r\n");
	add_field(buf, "Host", host);
}

/* --- fields ------------------------------------------------------------------------------- */

static bool is_ours(const char *name)
{
	static const char *const ours[] = {
		"connection", "content-length", "date", "host", "transfer-encoding"};

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		if (td_http_is_word(td_text(name), ours[i]))
			return true;
	}
	return false;
}

/* No control byte but tabs: RFC 9110, section 5.5. */
static bool is_value(struct td_text value)
{
	const char *at = value.at, *end = at + value.len;

	for (; (at = td_http_control(at, end)) < end; at++) {
		if (*at != '\t')
			return false;
	}
	return true;
}

void td_http_write_field(struct td_http_writer *writer, const char *name, struct td_text value)
{
	TD_ASSERT(td_http_is_token(td_text(name)) && !is_ours(name));
	if (!is_value(value))
		writer->wrong = name;
	add_field(writer->buf, name, value);
}

/* --- ending ------------------------------------------------------------------------------- */

/* RFC 9112, section 9.6; of HTTP/1.0, appendix C.2.2. */
static void add_connection(const struct td_http_writer *writer)
{
	if (writer->terms.close)
		add_field(writer->buf, "Connection", td_text("close"));
	else if (writer->terms.old)
		add_field(writer->buf, "Connection", td_text("keep-alive"));
}

static int end(struct td_http_writer *writer, struct td_error *err)
{
	int code = td_buf_check(writer->buf, err);

	if (code == 0 && writer->wrong != NULL)
		code = td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"%s: a byte that cannot be in it", writer->wrong);
	if (code != 0)
		writer->buf->len = writer->before;
	return code;
}

/* RFC 9110, section 8.6: none in 204, and none that would be wrong in 304. */
static bool has_length(const struct td_http_writer *writer, uint64_t length)
{
	if (writer->status == 0)
		return length > 0 || writer->method == TD_HTTP_POST ||
		       writer->method == TD_HTTP_PUT || writer->method == TD_HTTP_PATCH;
	return writer->status != 204 && writer->status != 304;
}

int td_http_write_length(struct td_http_writer *writer, uint64_t length, struct td_error *err)
{
	TD_ASSERT(length == 0 || has_length(writer, length));
	if (has_length(writer, length)) {
		td_buf_add_string(writer->buf, "Content-Length: ");
		td_buf_add_u64(writer->buf, length);
		td_buf_add(writer->buf, "\r\n", 2);
	}
	add_connection(writer);
	td_buf_add(writer->buf, "\r\n", 2);
	return end(writer, err);
}

int td_http_write_body(struct td_http_writer *writer, struct td_text body, struct td_error *err)
{
	int code = td_http_write_length(writer, body.len, err);

	if (code != 0 || writer->terms.head)
		return code;
	td_buf_add_text(writer->buf, body);
	return end(writer, err);
}

int td_http_write_stream(struct td_http_writer *writer, struct td_error *err)
{
	TD_ASSERT(writer->status != 204 && writer->status != 304);
	writer->chunked = !writer->terms.old;
	if (writer->chunked)
		add_field(writer->buf, "Transfer-Encoding", td_text("chunked"));
	else
		writer->terms.close = true;
	add_connection(writer);
	td_buf_add(writer->buf, "\r\n", 2);
	return end(writer, err);
}

/* --- chunks ------------------------------------------------------------------------------- */

#define CHUNK_LINE 10 /* eight digits, CRLF */

size_t td_http_open_chunk(struct td_buf *buf)
{
	size_t opened = buf->len;

	td_buf_add(buf, "00000000\r\n", CHUNK_LINE);
	return opened;
}

void td_http_close_chunk(struct td_buf *buf, size_t opened)
{
	static const char digits[] = "0123456789abcdef";
	size_t len;

	if (buf->code != 0) {
		buf->len = opened;
		return;
	}
	len = buf->len - opened - CHUNK_LINE;
	if (len == 0) {
		buf->len = opened;
		return;
	}
	TD_ASSERT(len <= UINT32_MAX);
	for (unsigned i = 0; i < 8; i++)
		buf->at[opened + i] = digits[len >> (28 - 4 * i) & 15];
	td_buf_add(buf, "\r\n", 2);
	if (buf->code != 0)
		buf->len = opened;
}

void td_http_add_chunk(struct td_buf *buf, struct td_text piece)
{
	size_t opened = td_http_open_chunk(buf);

	td_buf_add_text(buf, piece);
	td_http_close_chunk(buf, opened);
}

void td_http_add_last_chunk(struct td_buf *buf)
{
	td_buf_add_string(buf, "0\r\n\r\n");
}

/* --- odds and ends ------------------------------------------------------------------------ */

void td_http_add_continue(struct td_buf *buf)
{
	td_buf_add_string(buf, "HTTP/1.1 100 Continue\r\n\r\n");
}

void td_http_date(td_time time, char text[TD_HTTP_DATE_BYTES])
{
	static const char weekdays[] = "ThuFriSatSunMonTueWed"; /* as 1970 began */
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const td_time day_ns = (td_time)86400 * 1000000000;
	td_time day = time / day_ns - (time % day_ns < 0);
	char iso[TD_TIME_BYTES];
	int month;

	td_time_format(time, iso); /* 1994-11-06T08:49:37.000000Z */
	month = (iso[5] - '0') * 10 + iso[6] - '0' - 1;
	memcpy(text, weekdays + (day % 7 + 7) % 7 * 3, 3);
	memcpy(text + 3, ", ", 2);
	memcpy(text + 5, iso + 8, 2);
	text[7] = ' ';
	memcpy(text + 8, months + (ptrdiff_t)month * 3, 3);
	text[11] = ' ';
	memcpy(text + 12, iso, 4);
	text[16] = ' ';
	memcpy(text + 17, iso + 11, 8);
	memcpy(text + 25, " GMT", 4);
}

void td_http_add_link(struct td_buf *buf, struct td_text target, const char *rel)
{
	TD_ASSERT(is_target(target) && memchr(target.at, '>', target.len) == NULL);
	td_buf_add_string(buf, buf->len > 0 ? ", <" : "<");
	td_buf_add_text(buf, target);
	td_buf_add_string(buf, ">; rel=\"");
	td_buf_add_string(buf, rel);
	td_buf_add_char(buf, '"');
}
