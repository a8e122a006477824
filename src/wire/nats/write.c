#include "wire/nats/write.h"

#include "json/json.h"

#define DIGITS_MAX 20
#define LINE_ROOM  (8 + 4 + 2 * DIGITS_MAX + 2) /* verb, blanks, sizes, CRLF */

/* --- putting: room is there -------------------------------------------------------------- */

#define PUT(at, literal) ((char *)memcpy(at, literal, sizeof(literal) - 1) + sizeof(literal) - 1)

static char *put(char *at, struct td_text text)
{
	if (text.at != NULL)
		memcpy(at, text.at, text.len);
	return at + text.len;
}

static unsigned digits_of(uint64_t value)
{
	unsigned digits = 1;

	for (; value >= 10000; value /= 10000)
		digits += 4;
	return digits + (value >= 10) + (value >= 100) + (value >= 1000);
}

/* Two digits at a time: a sequence has many. */
static char *put_digits(char *at, uint64_t value, unsigned digits)
{
	static const char pairs[] = "00010203040506070809101112131415161718192021222324"
				    "25262728293031323334353637383940414243444546474849"
				    "50515253545556575859606162636465666768697071727374"
				    "75767778798081828384858687888990919293949596979899";
	char *to = at + digits;

	for (; value >= 100; value /= 100)
		memcpy(to -= 2, pairs + value % 100 * 2, 2);
	if (value >= 10)
		memcpy(to - 2, pairs + value * 2, 2);
	else
		to[-1] = (char)('0' + value);
	return at + digits;
}

static char *put_u64(char *at, uint64_t value)
{
	return put_digits(at, value, digits_of(value));
}

static void written(struct td_buf *buf, char *end)
{
	*end = '\0';
	buf->len = (size_t)(end - buf->at);
}

/* --- INFO --------------------------------------------------------------------------------- */

static void text_member(struct td_json_writer *writer, const char *name, struct td_text value)
{
	if (value.at == NULL)
		return;
	td_json_name(writer, td_text(name));
	td_json_string(writer, value);
}

static void number_member(struct td_json_writer *writer, const char *name, uint64_t value)
{
	if (value == 0)
		return;
	td_json_name(writer, td_text(name));
	td_json_u64(writer, value);
}

static void flag_member(struct td_json_writer *writer, const char *name, bool value)
{
	if (!value)
		return;
	td_json_name(writer, td_text(name));
	td_json_bool(writer, value);
}

void td_nats_write_info(struct td_buf *buf, const struct td_nats_info *info)
{
	struct td_json_writer writer;
	size_t before = buf->len;

	td_buf_add_string(buf, "INFO ");
	td_json_writer_init(&writer, buf);
	td_json_open_object(&writer);
	text_member(&writer, "server_id", info->server_id);
	text_member(&writer, "server_name", info->server_name);
	text_member(&writer, "version", info->version);
	number_member(&writer, "proto", 1);
	text_member(&writer, "go", info->go);
	text_member(&writer, "host", info->host);
	number_member(&writer, "port", info->port);
	td_json_name(&writer, td_text("headers"));
	td_json_bool(&writer, info->headers);
	flag_member(&writer, "auth_required", info->auth_required);
	flag_member(&writer, "tls_required", info->tls_required);
	flag_member(&writer, "tls_verify", info->tls_verify);
	flag_member(&writer, "tls_available", info->tls_available);
	td_json_name(&writer, td_text("max_payload"));
	td_json_u64(&writer, info->max_payload);
	flag_member(&writer, "jetstream", info->jetstream);
	number_member(&writer, "client_id", info->client_id);
	text_member(&writer, "client_ip", info->client_ip);
	flag_member(&writer, "ldm", info->ldm);
	text_member(&writer, "nonce", info->nonce);
	text_member(&writer, "domain", info->domain);
	td_json_close_object(&writer);
	td_buf_add_string(buf, "\r\n");
	if (buf->code != 0)
		buf->len = before;
}

/* --- answers ------------------------------------------------------------------------------ */

void td_nats_write_ok(struct td_buf *buf)
{
	td_buf_add(buf, "+OK\r\n", 5);
}

void td_nats_write_ping(struct td_buf *buf)
{
	td_buf_add(buf, "PING\r\n", 6);
}

void td_nats_write_pong(struct td_buf *buf)
{
	td_buf_add(buf, "PONG\r\n", 6);
}

void td_nats_write_error(struct td_buf *buf, enum td_nats_error error)
{
	const char *text = td_nats_error_text(error);

	if (text != NULL)
		td_buf_printf(buf, "-ERR '%s'\r\n", text);
}

void td_nats_write_forbidden(struct td_buf *buf, enum td_nats_forbidden what,
	struct td_text subject, struct td_text queue)
{
	static const char *const words[] = {
		[TD_NATS_FORBIDDEN_PUBLISH] = "Publish to",
		[TD_NATS_FORBIDDEN_SUBSCRIBE] = "Subscription to",
		[TD_NATS_FORBIDDEN_REPLY] = "Publish with Reply of",
	};
	size_t before = buf->len;

	td_buf_printf(buf, "-ERR 'Permissions Violation for %s \"%.*s\"", words[what],
		TD_TEXT_ARG(subject));
	if (queue.at != NULL)
		td_buf_printf(buf, " using queue \"%.*s\"", TD_TEXT_ARG(queue));
	td_buf_add_string(buf, "'\r\n");
	if (buf->code != 0)
		buf->len = before;
}

/* --- messages ----------------------------------------------------------------------------- */

static size_t line_room(const struct td_nats_message *message)
{
	return LINE_ROOM + message->subject.len + message->sid.len + message->reply.len;
}

static char *put_line(char *at, const struct td_nats_message *message)
{
	at = message->headers.at != NULL ? PUT(at, "HMSG ") : PUT(at, "MSG ");
	at = put(at, message->subject);
	*at++ = ' ';
	at = put(at, message->sid);
	*at++ = ' ';
	if (message->reply.len > 0) {
		at = put(at, message->reply);
		*at++ = ' ';
	}
	if (message->headers.at != NULL) {
		at = put_u64(at, message->headers.len);
		*at++ = ' ';
	}
	at = put_u64(at, message->headers.len + message->payload.len);
	return PUT(at, "\r\n");
}

void td_nats_write_message_line(struct td_buf *buf, const struct td_nats_message *message)
{
	char *at = td_buf_reserve(buf, line_room(message));

	if (at != NULL)
		written(buf, put_line(at, message));
}

void td_nats_write_message(struct td_buf *buf, const struct td_nats_message *message)
{
	char *at = td_buf_reserve(
		buf, line_room(message) + message->headers.len + message->payload.len + 2);

	if (at == NULL)
		return;
	at = put_line(at, message);
	at = put(at, message->headers);
	at = put(at, message->payload);
	written(buf, PUT(at, "\r\n"));
}

void td_nats_write_status(struct td_buf *buf, struct td_text subject, struct td_text sid,
	int status, struct td_text text)
{
	static const char first[] = "NATS/1.0 ";
	const size_t bytes = sizeof(first) - 1 + 3 + (text.len > 0 ? 1 + text.len : 0) + 4;
	const struct td_nats_message message = {
		.subject = subject, .sid = sid, .headers = td_text_of("", bytes)};
	char *at;

	TD_ASSERT(status >= 100 && status <= 999);
	at = td_buf_reserve(buf, line_room(&message) + bytes + 2);
	if (at == NULL)
		return;
	at = put_line(at, &message);
	at = put_u64(PUT(at, first), (unsigned)status);
	if (text.len > 0)
		*at++ = ' ';
	at = put(at, text);
	written(buf, PUT(at, "\r\n\r\n\r\n"));
}

/* --- PubAck ------------------------------------------------------------------------------- */

#define STREAM "{\"stream\":"
#define SEQ    ",\"seq\":"
#define DOMAIN ",\"domain\":"
#define AGAIN  ",\"duplicate\":true"

/* A name without anything to escape, which all but a few are. */
static bool is_plain(struct td_text text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < 0x20 || text.at[i] > 0x7E || text.at[i] == '"' ||
			text.at[i] == '\\')
			return false;
	}
	return true;
}

static char *put_quoted(char *at, struct td_text text)
{
	*at++ = '"';
	at = put(at, text);
	*at++ = '"';
	return at;
}

static void write_plain(struct td_buf *buf, const struct td_nats_stored *stored)
{
	unsigned digits = digits_of(stored->seq);
	size_t bytes = sizeof(STREAM) - 1 + stored->stream.len + 2 + sizeof(SEQ) - 1 + digits + 1;
	struct td_nats_message message = {.subject = stored->reply, .sid = stored->sid};
	char *at;

	if (stored->domain.at != NULL)
		bytes += sizeof(DOMAIN) - 1 + stored->domain.len + 2;
	if (stored->duplicate)
		bytes += sizeof(AGAIN) - 1;
	message.payload.len = bytes;
	at = td_buf_reserve(buf, line_room(&message) + bytes + 2);
	if (at == NULL)
		return;
	at = put_line(at, &message);
	at = put_quoted(PUT(at, STREAM), stored->stream);
	at = put_digits(PUT(at, SEQ), stored->seq, digits);
	if (stored->domain.at != NULL)
		at = put_quoted(PUT(at, DOMAIN), stored->domain);
	if (stored->duplicate)
		at = PUT(at, AGAIN);
	written(buf, PUT(at, "}\r\n"));
}

void td_nats_write_stored(struct td_buf *buf, const struct td_nats_stored *stored)
{
	struct td_nats_stored escaped = *stored;
	struct td_buf names;
	size_t stream;

	if (TD_LIKELY(is_plain(stored->stream) && is_plain(stored->domain))) {
		write_plain(buf, stored);
		return;
	}
	td_buf_init(&names, SIZE_MAX);
	td_json_quote(&names, stored->stream);
	stream = names.len;
	if (stored->domain.at != NULL)
		td_json_quote(&names, stored->domain);
	if (names.code == 0) {
		escaped.stream = td_text_of(names.at + 1, stream - 2);
		if (stored->domain.at != NULL)
			escaped.domain = td_text_of(names.at + stream + 1, names.len - stream - 2);
		write_plain(buf, &escaped);
	} else if (buf->code == 0) {
		buf->code = names.code;
	}
	td_buf_fini(&names);
}
