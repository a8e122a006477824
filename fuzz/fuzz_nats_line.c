/*
 * What a client sends. Input: a stream; its first byte says whether headers are allowed.
 *	- cut anywhere, each command is the same, or more is asked for, never too much;
 *	- views lie inside, in order; sizes are those of the line;
 *	- what was published is written as a message whose line reads back the same;
 *	- CONNECT's JSON and header blocks are read without harm.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/base.h"
#include "wire/nats/nats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool right)
{
	if (!right)
		abort();
}

static bool inside(struct td_text text, const char *bytes, size_t len)
{
	return text.at >= bytes && text.at + text.len <= bytes + len;
}

static bool is_published(const struct td_nats_command *command)
{
	return command->verb == TD_NATS_PUB || command->verb == TD_NATS_HPUB;
}

/* A message whose sid is the reply has the line of a PUB, but for its first letters. */
static void write_and_read(const struct td_nats_limits *limits, const struct td_nats_command *read)
{
	struct td_nats_message message = {
		.subject = read->subject,
		.sid = read->reply.at != NULL ? read->reply : td_text("1"),
		.headers = read->headers,
		.payload = read->payload,
	};
	struct td_buf buf = TD_BUF_INIT(1 << 24);
	size_t h = read->verb == TD_NATS_HPUB;
	struct td_nats_command again;

	td_nats_write_message(&buf, &message);
	check(buf.code == 0);
	buf.at[h] = 'P';
	buf.at[h + 1] = 'U';
	buf.at[h + 2] = 'B';
	switch (td_nats_parse(limits, buf.at, buf.len, &again)) {
	case TD_NATS_MORE:
		abort();
	case TD_NATS_WRONG: /* "1" more than there was */
		check(again.error == TD_NATS_E_LINE_LONG);
		break;
	case TD_NATS_COMMAND:
		check(again.verb == read->verb && again.bytes == buf.len);
		check(td_text_equal(again.subject, read->subject));
		check(td_text_equal(again.reply, message.sid));
		check(td_text_equal(again.headers, read->headers));
		check(td_text_equal(again.payload, read->payload));
		break;
	}
	td_buf_fini(&buf);
}

static void look(const struct td_nats_limits *limits, const struct td_nats_command *command,
	const char *bytes)
{
	struct td_buf buf = TD_BUF_INIT(1 << 24);
	struct td_nats_connect connect;
	struct td_text lines, key, value;

	check(command->bytes > 0);
	if (is_published(command)) {
		check(inside(command->subject, bytes, command->bytes));
		check(inside(command->payload, bytes, command->bytes - 2));
		check(command->subject.len > 0 && command->subject.len <= limits->control_line_max);
		check(command->headers.len + command->payload.len <= limits->payload_max);
		td_nats_is_literal(command->subject);
		write_and_read(limits, command);
	}
	if (command->verb == TD_NATS_HPUB) {
		check(inside(command->headers, bytes, command->bytes - 2));
		lines = td_nats_header_lines(command->headers);
		while (td_nats_header_next(&lines, &key, &value))
			check(inside(key, bytes, command->bytes) &&
				inside(value, bytes, command->bytes));
		td_nats_header_status(command->headers, &value);
	}
	if (command->verb == TD_NATS_SUB)
		td_nats_is_pattern(command->subject);
	if (command->verb == TD_NATS_CONNECT)
		td_nats_connect_read(&connect, command->options, &buf, NULL);
	td_buf_fini(&buf);
}

static void same(const struct td_nats_command *a, const struct td_nats_command *b)
{
	check(a->verb == b->verb && a->bytes == b->bytes);
	if (is_published(a))
		check(td_text_equal(a->subject, b->subject) && td_text_equal(a->reply, b->reply) &&
			td_text_equal(a->headers, b->headers) &&
			td_text_equal(a->payload, b->payload));
}

/* Every cut of the first command, in memory of just that size: overreads show. */
static void cut(const struct td_nats_limits *limits, const char *bytes, size_t len,
	enum td_nats_parsed parsed, const struct td_nats_command *whole)
{
	size_t most = parsed == TD_NATS_COMMAND ? whole->bytes : len;
	size_t step = most > 512 ? most / 256 : 1, asked = 0;

	for (size_t n = 0; n <= most; n += step) {
		char *exact = malloc(n > 0 ? n : 1);
		struct td_nats_command part;

		if (exact == NULL)
			return;
		if (n > 0)
			memcpy(exact, bytes, n);
		switch (td_nats_parse(limits, exact, n, &part)) {
		case TD_NATS_MORE:
			check(part.bytes > n);
			check(n < most || parsed == TD_NATS_MORE);
			asked = part.bytes > asked ? part.bytes : asked;
			break;
		case TD_NATS_WRONG:
			check(parsed == TD_NATS_WRONG && part.error == whole->error);
			break;
		case TD_NATS_COMMAND:
			check(parsed == TD_NATS_COMMAND && asked <= n);
			same(&part, whole);
			break;
		}
		free(exact);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct td_nats_limits limits = {
		TD_NATS_CONTROL_LINE_MAX, TD_NATS_PAYLOAD_MAX, size > 0 && data[0] != '0'};
	const char *bytes = (const char *)data + (size > 0);
	size_t len = size - (size > 0);
	struct td_nats_command command;
	enum td_nats_parsed parsed;

	do {
		parsed = td_nats_parse(&limits, bytes, len, &command);
		cut(&limits, bytes, len, parsed, &command);
		if (parsed != TD_NATS_COMMAND)
			break;
		check(command.bytes <= len);
		look(&limits, &command, bytes);
		bytes += command.bytes;
		len -= command.bytes;
	} while (len > 0);
	return 0;
}
