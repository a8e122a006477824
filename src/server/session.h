/*
 * session: a connection, its requests in order, what it is sent.
 *
 *	            .--------- next on the same connection ----------.
 *	            v                                                |
 *	accept --> HEAD --> BODY --> READY --handle--> answered --> sent
 *	            |  wrong, last                |
 *	            '------------> LINGER         '--> STREAM --> closed
 *
 * Input stands in one buffer from the first byte of the oldest request that is not handled yet; when
 * there is none, no memory. A request's bytes stay where they are until its handler took what it
 * needs; then they make room. Answers wait in exchanges, in order, and go out from their front.
 *
 * Invariants (td_session_verify()):
 *	H1  an exchange is answered once, and answers go out in the order of requests
 *	H2  of a READY request nothing behind it is looked at
 *	H3  while output is at its bound nothing is read
 */
#ifndef TD_SERVER_SESSION_H
#define TD_SERVER_SESSION_H

#include "server/exchange.h"
#include "server/timer.h"

/*
 * What lies between a session and its connection: nothing (`kind` NULL), or TLS. Calls as those of
 * sys/net.h. One that makes progress on its own (a handshake beside the loop) calls
 * td_session_kick() then.
 */
struct td_channel_kind {
	int (*read)(void *state, const struct td_net *net, int connection, void *bytes, size_t len,
		size_t *got);
	int (*write)(void *state, const struct td_net *net, int connection,
		const struct td_net_part *parts, size_t count, size_t *put);
	/* Bytes of its own wait to be sent: it wants to hear of room, and is called then. */
	bool (*has_output)(const void *state);
	int (*flush)(void *state, const struct td_net *net, int connection);
	int (*finish)(void *state, const struct td_net *net, int connection);
	void (*free)(void *state);
};
struct td_channel {
	const struct td_channel_kind *kind;
	void *state;
};

enum td_session_phase {
	TD_SESSION_HEAD,
	TD_SESSION_BODY,
	TD_SESSION_READY,  /* a request is whole, and waits for its turn */
	TD_SESSION_STREAM, /* the answer has no end */
	TD_SESSION_LINGER, /* all was sent that ever will be; reading on for a while */
};

struct td_piece; /* of output */

struct td_session {
	struct td_server *server;
	struct td_session *next, **link; /* of all */
	uint64_t number;                 /* from 1, never used again */
	uint32_t slot;                   /* in server->slots */
	int connection;
	struct td_channel channel;
	struct td_net_address peer;
	td_time opened;
	uint64_t requests, bytes_in, bytes_out;

	uint8_t phase;
	uint8_t watched;   /* interest */
	bool ended;        /* the other side sends no more */
	bool closes;       /* behind the last answer */
	bool finished;     /* we send no more */
	bool dirty;        /* in server->dirty */
	bool borrowed;     /* `in` is the server's */
	bool moved;        /* the head's views are not valid any more */
	bool discards;     /* the body of a request that was refused */
	bool continue_due; /* "100 Continue" is to be sent when those before are answered */
	bool gone;         /* to be freed at the end of the turn */
	struct td_session *dirty_next;

	char *in; /* bytes [in_start, in_end) are there */
	size_t in_start, in_end, in_cap;
	size_t body_at, body_len; /* gathered so far; from in_start */
	size_t raw_at;            /* what is not looked at yet; from in_start */
	struct td_http_reader reader;
	struct td_http_body body;
	struct td_http_request request; /* unless `moved` */

	struct td_exchange *exchanges, **exchanges_last; /* in order; the last may be unhandled */
	unsigned exchanges_count;
	struct td_exchange *current; /* that of the request in `in`; not handled yet */

	struct td_piece *out, **out_last;
	size_t out_bytes;

	struct td_timer timer;
	int64_t head_due, body_due, idle_due, wait_due, linger_due; /* INT64_MAX: not */
	int64_t stalled_at; /* since when nothing was taken */
	int64_t spoke_at;   /* when a stream was sent something last */
};

/* --- sessions.c: connections come and go ---------------------------------------------------- */

/* `channel` is taken, also on failure. TD_E_LIMIT, TD_E_NOMEM: the connection is closed. */
int td_session_open(struct td_server *server, int connection, const struct td_net_address *peer,
	struct td_channel channel, struct td_error *err);
/* Close at once; its memory goes at the end of the turn. */
void td_session_drop(struct td_session *session);
/* Its exchange was answered, or its channel moved on: go on with what can. */
void td_session_kick(struct td_session *session);
void td_session_verify(const struct td_session *session);

#endif
