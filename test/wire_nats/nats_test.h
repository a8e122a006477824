/*
 * What the tests of wire/nats share: a command as one line of text, so that tables can be read.
 */
#ifndef NATS_TEST_H
#define NATS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/base.h"
#include "wire/nats/nats.h"

static const struct td_nats_limits usual = {TD_NATS_CONTROL_LINE_MAX, TD_NATS_PAYLOAD_MAX, true};

static inline void show_text(struct td_buf *out, const char *name, struct td_text text)
{
	if (text.at != NULL)
		td_buf_printf(out, " %s=%.*s", name, TD_TEXT_ARG(text));
}

/* "PUB subject=a reply=b payload=c", "ERR why". */
static inline void show_command(
	struct td_buf *out, enum td_nats_parsed parsed, const struct td_nats_command *command)
{
	static const char *const names[] = {
		"CONNECT", "PUB", "HPUB", "SUB", "UNSUB", "PING", "PONG"};

	if (out->len > 0)
		td_buf_add_string(out, "; ");
	if (parsed == TD_NATS_MORE) {
		td_buf_add_string(out, "MORE");
		return;
	}
	if (parsed == TD_NATS_WRONG) {
		td_buf_printf(out, "ERR %s", td_nats_error_why(command->error));
		return;
	}
	td_buf_add_string(out, names[command->verb]);
	switch (command->verb) {
	case TD_NATS_PUB:
	case TD_NATS_HPUB:
		show_text(out, "subject", command->subject);
		show_text(out, "reply", command->reply);
		show_text(out, "headers", command->headers);
		show_text(out, "payload", command->payload);
		break;
	case TD_NATS_SUB:
		show_text(out, "subject", command->subject);
		show_text(out, "queue", command->queue);
		show_text(out, "sid", command->sid);
		break;
	case TD_NATS_UNSUB:
		show_text(out, "sid", command->sid);
		td_buf_printf(out, " max=%u", command->max);
		break;
	case TD_NATS_CONNECT:
		show_text(out, "options", command->options);
		break;
	case TD_NATS_PING:
	case TD_NATS_PONG:
		break;
	}
}

/* All commands of a stream, up to an error or to what is not whole ("MORE", or nothing). */
static inline void show_stream(
	struct td_buf *out, const struct td_nats_limits *limits, const char *bytes, size_t len)
{
	struct td_nats_command command;
	enum td_nats_parsed parsed = TD_NATS_COMMAND;

	while (len > 0 && parsed == TD_NATS_COMMAND) {
		parsed = td_nats_parse(limits, bytes, len, &command);
		show_command(out, parsed, &command);
		if (parsed != TD_NATS_COMMAND)
			break;
		assert_true(command.bytes > 0 && command.bytes <= len);
		bytes += command.bytes;
		len -= command.bytes;
	}
	td_buf_add_char(out, '\0');
}

#endif
