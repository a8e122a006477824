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
struct td_session;
struct td_channel_kind {
	/* It lies between this session and its connection from now on. May be NULL. */
	void (*opened)(void *state, struct td_session *session);
	int (*read)(void *state, const struct td_net *net, int connection, void *bytes, size_t len,
		size_t *got);
	int (*write)(void *state, const struct td_net *net, int connection,
		const struct td_net_part *parts, size_t count, size_t *put);
	/* It has bytes to give that the net does not tell of any more. */
	bool (*has_input)(const void *state);
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

/* What a session waits for no longer than to a moment. */
enum td_due {
	TD_DUE_HEAD,
	TD_DUE_BODY,
	TD_DUE_IDLE,
	TD_DUE_POSITION, /* min-position= */
	TD_DUE_LINGER,
	TD_DUES,
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
	bool admitting;    /* whether its request may go on is not known yet */
	bool continue_due; /* "100 Continue" is to be sent when those before are answered */
	bool gone;         /* to be freed at the end of the turn */
	bool flushing;     /* room is waited for */
	bool again;        /* to be read without being told */
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
	size_t out_bytes, out_sent; /* of the first piece so many are sent */
	uint64_t out_mark;          /* of the last shared piece that was sent */

	struct td_timer timer;
	int64_t due[TD_DUES]; /* INT64_MAX: not */
	int64_t stalled_at;   /* since when nothing was taken */
	int64_t spoke_at;     /* when a stream was sent something last */
};

/* --- session.c: connections come and go ----------------------------------------------------- */

/* `channel` is taken, also on failure. TD_E_LIMIT, TD_E_NOMEM: the connection is closed. */
int td_session_open(struct td_server *server, int connection, const struct td_net_address *peer,
	struct td_channel channel, struct td_error *err);
/* Close at once; its memory goes at the end of the turn. */
void td_session_drop(struct td_session *session);
/* Its exchange was answered, or its channel moved on: go on with what can. */
void td_session_kick(struct td_session *session);
/* Something of it is ready (a set of td_net_ready). */
void td_session_ready(struct td_session *session, unsigned ready);
/* Later in a turn: what was answered meanwhile is settled, and requests behind it come to theirs. */
void td_session_go(struct td_session *session);
/* At the end of a turn: what it has to say goes out, what it waits for is watched. */
void td_session_rest(struct td_session *session);
/* The server stops: a connection ends when its requests are answered. */
void td_session_wind_down(struct td_session *session);
void td_session_verify(const struct td_session *session);

/* --- intake.c: from bytes to requests ------------------------------------------------------- */

/* Where the next bytes go, and how many at most; NULL: none are wanted now, or memory could not be had
 * (then it has been answered). */
char *td_intake_room(struct td_session *session, size_t *len);
/* Some came. */
void td_intake_got(struct td_session *session, size_t got);
/* Look on: what can be answered is sent on, requests that are whole are handled. */
void td_intake_go(struct td_session *session);
/* What is left stands in memory of its own. */
void td_intake_settle(struct td_session *session);
/* Refuse what was read so far, and end the connection behind the answer. */
void td_intake_refuse(struct td_session *session, int status, const char *detail);
/* Whether the request whose head was read may go on: a refusal was answered. */
void td_intake_admitted(struct td_session *session, bool go);
/* Answer the request that waits for its turn, and make room. */
void td_intake_answer(struct td_session *session, int code, const struct td_error *err);
/* Whether more bytes are wanted. */
bool td_intake_wants(const struct td_session *session);
void td_intake_fini(struct td_session *session);

/* --- output.c ------------------------------------------------------------------------------- */

/* Takes the bytes of the buffer. false: no memory. */
bool td_output_take(struct td_session *session, struct td_buf *buf);
bool td_output_share(struct td_session *session, struct td_shared *shared, bool framed);
/* 0; EAGAIN: room is waited for; another errno: it is gone. *sent says whether anything was taken. */
int td_output_flush(struct td_session *session, bool *sent);
void td_output_fini(struct td_session *session);
/* Take away what no byte was sent of; returns how many bytes that were. */
size_t td_output_cut(struct td_session *session);
size_t td_output_bytes(const struct td_session *session);

/* --- exchange.c ----------------------------------------------------------------------------- */

enum td_exchange_state {
	TD_EXCHANGE_OPEN,     /* not handled yet */
	TD_EXCHANGE_HELD,     /* its answer comes later */
	TD_EXCHANGE_ANSWERED, /* sent when it is the first, and durable */
	TD_EXCHANGE_STREAMS,
};

struct td_exchange *td_exchange_new(struct td_session *session);
/* Its session is gone, or it was sent. One that is held lives on until it is answered. */
void td_exchange_leave(struct td_exchange *x);
/* What handle() or `done` answered. */
void td_exchange_handled(struct td_exchange *x, int code, const struct td_error *err);
/* In one of the server's lists, or out of it. */
void td_exchange_wait(struct td_exchange *x, struct td_exchange ***last);
void td_exchange_wait_no_more(struct td_exchange *x, struct td_exchange ***last);

#endif
