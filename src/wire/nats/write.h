/*
 * What a server sends, appended to a buffer. Failure stays in the buffer (base/buf.h), which is as
 * long as it was then. What is written reads back: no subject, reply or sid may hold a blank, CR or
 * LF (they come from parsed lines, which cannot).
 */
#ifndef TD_WIRE_NATS_WRITE_H
#define TD_WIRE_NATS_WRITE_H

#include "base/base.h"
#include "wire/nats/error.h"

/* --- INFO --------------------------------------------------------------------------------- */

/* What is false, 0 or absent is left out, but for `headers`, `max_payload`, `proto`. */
struct td_nats_info {
	struct td_text server_id, server_name, version, go;
	struct td_text host;
	unsigned port;
	struct td_text client_ip;
	uint64_t client_id;
	uint32_t max_payload;
	bool headers;
	bool auth_required, tls_required, tls_verify, tls_available;
	bool jetstream;
	bool ldm;             /* lame duck: going down */
	struct td_text nonce; /* for who signs */
	struct td_text domain;
};
void td_nats_write_info(struct td_buf *buf, const struct td_nats_info *info);

/* --- answers ------------------------------------------------------------------------------ */

void td_nats_write_ok(struct td_buf *buf);
void td_nats_write_ping(struct td_buf *buf);
void td_nats_write_pong(struct td_buf *buf);
/* Nothing, where nats-server says nothing. */
void td_nats_write_error(struct td_buf *buf, enum td_nats_error error);
/* Those with a subject in them. */
enum td_nats_forbidden {
	TD_NATS_FORBIDDEN_PUBLISH,
	TD_NATS_FORBIDDEN_SUBSCRIBE, /* `queue` may be there */
	TD_NATS_FORBIDDEN_REPLY,
};
void td_nats_write_forbidden(struct td_buf *buf, enum td_nats_forbidden what,
	struct td_text subject, struct td_text queue);

/* --- messages ----------------------------------------------------------------------------- */

struct td_nats_message {
	struct td_text subject, sid;
	struct td_text reply;   /* or absent */
	struct td_text headers; /* absent: MSG; else HMSG */
	struct td_text payload;
};
void td_nats_write_message(struct td_buf *buf, const struct td_nats_message *message);
/* The control line alone: headers, payload and CRLF are sent from where they are. */
void td_nats_write_message_line(struct td_buf *buf, const struct td_nats_message *message);
/* HMSG with "NATS/1.0 <status>[ <text>]" and no payload; text may be absent. */
void td_nats_write_status(struct td_buf *buf, struct td_text subject, struct td_text sid,
	int status, struct td_text text);

/* The PubAck: {"stream":"S","seq":N}, with domain where there is one, and "duplicate":true. */
struct td_nats_stored {
	struct td_text reply, sid;
	struct td_text stream;
	struct td_text domain; /* or absent */
	uint64_t seq;
	bool duplicate;
};
void td_nats_write_stored(struct td_buf *buf, const struct td_nats_stored *stored);

#endif
