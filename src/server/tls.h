/*
 * tls: the server's side of TLS, as a machine: bytes go in, bytes come out. No sockets, no files.
 *
 *	net --room, fed--> [ cipher ] --shake (slow)--> OPEN --read--> plain
 *	net <--output, sent-- [ cipher ] <----------write, finish----- plain
 *
 * TLS 1.2 and 1.3 by OpenSSL, with forward secrecy and authenticated ciphers alone; no renegotiation,
 * no compression, no tickets, no resumption. What comes in waits in 17 KiB that are there only while
 * something waits; what goes out likewise, and is bounded.
 *
 * A machine belongs to one thread at a time: td_tls_shake() costs some hundred microseconds of
 * arithmetic and is meant to run beside the loop, which leaves the machine alone meanwhile.
 */
#ifndef TD_SERVER_TLS_H
#define TD_SERVER_TLS_H

#include "base/base.h"

struct td_tls_context;
struct td_tls;

struct td_tls_options {
	struct td_text certificate; /* PEM: the server's, and those between it and its root */
	struct td_text key;         /* PEM, without a password */
	struct td_text
		client_ca;    /* PEM: who may sign clients' certificates; absent: not asked for */
	bool client_required; /* clients without one are refused */
};

/* Read them; counted. TD_E_INVALID says which of the three and why; TD_E_NOMEM. Shows no key. */
int td_tls_context_new(struct td_tls_context **context, const struct td_tls_options *options,
	struct td_error *err);
struct td_tls_context *td_tls_context_ref(struct td_tls_context *context);
void td_tls_context_unref(struct td_tls_context *context);
/* When the server's certificate ends. */
td_time td_tls_context_ends(const struct td_tls_context *context);

#define TD_TLS_OUTPUT_MAX    (64u * 1024u) /* above: nothing is written, EAGAIN */
#define TD_TLS_HANDSHAKE_MAX (64u * 1024u) /* bytes of a client until it is OPEN */

/* Refs the context. TD_E_NOMEM. */
int td_tls_new(struct td_tls **tls, struct td_tls_context *context, struct td_error *err);
void td_tls_free(struct td_tls *tls);

/* Where cipher bytes go, and how many; NULL: no memory, or those that are there are to be read first
 * (*len 0). */
char *td_tls_room(struct td_tls *tls, size_t *len);
void td_tls_fed(struct td_tls *tls, size_t len);
/* Some that were fed are not looked at yet, or what they said was not read yet. */
bool td_tls_has_input(const struct td_tls *tls);

/*
 * Go on with the handshake: 0: it is done. EAGAIN: more bytes are needed. Another errno: it failed, and
 * err says why; what is to be sent says so to the client.
 */
int td_tls_shake(struct td_tls *tls, struct td_error *err);
bool td_tls_is_open(const struct td_tls *tls);
/*
 * The names in the client's certificate, which has been verified: "dns:shop.example.org", "email:...",
 * "uri:..."; *count is 0 where it showed none. As long as the machine.
 */
const struct td_text *td_tls_names(const struct td_tls *tls, size_t *count);

/* As td_net_read(), when open: EAGAIN: feed it; *got 0: the other side has finished; EPROTO. */
int td_tls_read(struct td_tls *tls, void *bytes, size_t len, size_t *got);
/* As td_net_write(), when open: EAGAIN: too much waits to be sent; EPROTO. */
int td_tls_write(struct td_tls *tls, const void *bytes, size_t len, size_t *put);
/* Nothing more will be written: says so to the other side. */
void td_tls_finish(struct td_tls *tls);

/* Cipher bytes to be sent, until the next call. */
struct td_text td_tls_output(const struct td_tls *tls);
void td_tls_sent(struct td_tls *tls, size_t len);

#endif
