/*
 * What a client sends: the next command at the beginning of a receive buffer.
 *
 *	buffer:  PUB order.42 _INBOX.7 5 CRLF hello CRLF PING CR
 *	         '--------------- bytes ---------------' '- MORE
 *
 *	while (td_nats_parse(&limits, at, len, &command) == TD_NATS_COMMAND) {
 *		...
 *		at += command.bytes;
 *		len -= command.bytes;
 *	}
 *
 * There is no parser to keep: a command that is not whole is looked at again from its first byte
 * when there is more of it. (A control line takes some 20 ns, reading a socket a hundred times
 * that.) So where a stream is cut cannot matter, and between two calls the bytes may be moved.
 * The buffer holds a whole command at least, its payload too: `bytes` says how much it needs.
 *
 *	CONNECT {json}
 *	PUB subject [reply] bytes CRLF payload CRLF
 *	HPUB subject [reply] header-bytes bytes CRLF headers payload CRLF
 *	SUB subject [queue] sid
 *	UNSUB sid [max]
 *	PING, PONG
 *
 * Verbs in any case; arguments between blanks or tabs; lines end with CRLF or LF. Subjects are not
 * looked at (subject.h), nor is what headers say (header.h).
 */
#ifndef TD_WIRE_NATS_PARSE_H
#define TD_WIRE_NATS_PARSE_H

#include <stdint.h>

#include "tidings/text.h"
#include "wire/nats/error.h"

#define TD_NATS_CONTROL_LINE_MAX 4096u
#define TD_NATS_PAYLOAD_MAX      (1u << 20)

struct td_nats_limits {
	uint32_t control_line_max; /* bytes from the first argument to the end of the line */
	uint32_t payload_max;      /* headers counted in */
	bool headers;              /* CONNECT said so: HPUB is allowed */
};

enum td_nats_verb {
	TD_NATS_CONNECT,
	TD_NATS_PUB,
	TD_NATS_HPUB,
	TD_NATS_SUB,
	TD_NATS_UNSUB,
	TD_NATS_PING,
	TD_NATS_PONG,
};

/* Of a verb's fields those are written that it has; the others mean nothing. */
struct td_nats_command {
	enum td_nats_verb verb;
	enum td_nats_error error; /* of WRONG */
	size_t bytes;             /* COMMAND: it takes so many; MORE: it takes as many at least */
	struct td_text subject;   /* PUB, HPUB, SUB */
	struct td_text reply;     /* PUB, HPUB: or absent */
	struct td_text headers;   /* HPUB: the block, may be empty; PUB: absent */
	struct td_text payload;   /* PUB, HPUB */
	struct td_text queue;     /* SUB: or absent */
	struct td_text sid;       /* SUB, UNSUB */
	struct td_text options;   /* CONNECT: the JSON (connect.h) */
	uint32_t max;             /* UNSUB: deliveries since SUB; 0: now */
};

enum td_nats_parsed {
	TD_NATS_MORE,
	TD_NATS_COMMAND,
	TD_NATS_WRONG, /* close, with the words of `error` before if it has some */
};

enum td_nats_parsed td_nats_parse(const struct td_nats_limits *limits, const char *bytes,
	size_t len, struct td_nats_command *command);

#endif
