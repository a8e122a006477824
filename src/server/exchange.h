/*
 * exchange: one request and its answer; what a handler sees of the server.
 *
 *	static int show(struct td_exchange *x, struct td_error *err)
 *	{
 *		td_answer_json(x, 200, td_text("{}"));
 *		return 0;
 *	}
 *	const struct td_route td_routes_mine[] = {
 *		{TD_HTTP_GET, "/v1/mine/{id}", TD_MAY_READ, 0, show, "Shows one of mine"},
 *	};
 *
 * A handler is called on the loop when the request is whole. All that it sees of the request
 * (fields, target, captures, body) are views that live until it returns. It answers in one of these
 * ways:
 *
 *	at once          td_answer_...(), then 0
 *	when durable     the same, and td_exchange_rests_on(x, position) before or behind: the answer
 *	                 waits for the sync. A refusal that rests on what is staged, too
 *	as a problem     a code and its err: RFC 9457, with what td_problem_...() added
 *	later            td_exchange_run(): a task, whose `done` answers in one of these ways again;
 *	                 or td_exchange_hold(), and somebody calls td_exchange_answered() one day
 *	as a stream      td_stream_open(), and pieces from then on
 *	again            TD_E_FULL: the frame has no room. It is called anew after the next commit
 *
 * Answers of a connection go out in the order of its requests. A request begins when all before it
 * on its connection are answered; those of routes with TD_ROUTE_STAGES may gather behind each
 * other, so that what is pipelined shares a sync.
 *
 * Everything here is for the loop's thread, but where it says otherwise.
 */
#ifndef TD_SERVER_EXCHANGE_H
#define TD_SERVER_EXCHANGE_H

#include "server/server.h"
#include "server/users.h"
#include "wire/http/http.h"

struct td_exchange;
struct td_session;
struct td_identity;

/* --- routes ------------------------------------------------------------------------------- */

enum td_route_flag {
	TD_ROUTE_STAGES = 1, /* it appends: see above */
	TD_ROUTE_READS = 2,  /* it shows what is stored: `min-position=` and `timeout=` are waited
				for before it is called, and Td-Position is said */
};

struct td_route {
	enum td_http_method method;
	const char *pattern; /* of wire/http/route.h */
	enum td_permission permission;
	unsigned flags;
	int (*handle)(struct td_exchange *x, struct td_error *err);
	const char *summary; /* a line for people and openapi */
};
struct td_routes {
	const struct td_route *rows;
	size_t count;
};
/* All of them, a table for each area, in order (routes.c). */
extern const struct td_routes td_server_routes[];
extern const size_t td_server_routes_count;

/* --- the request -------------------------------------------------------------------------- */

struct td_exchange {
	struct td_server *server;
	struct td_session *session; /* NULL: its connection is gone; nothing is sent any more */
	const struct td_route *route;
	const struct td_identity *identity; /* who asks (access.h); NULL: access is open */
	/* Until handle() returns: */
	const struct td_http_request *request;
	const struct td_http_target *target;
	const struct td_http_match *match;
	struct td_text body;

	/* The rest is the server's (exchange.c). */
	struct td_exchange *next; /* of its session, in order */
	struct td_http_terms terms;
	struct td_buf out;     /* the answer, from its status line on */
	struct td_buf members; /* of a problem document */
	uint64_t rests_on;
	uint64_t min_position;
	uint64_t seen; /* of a route that reads: all up to here was there to be seen */
	void (*gone)(
		struct td_exchange *x); /* of one that is held: its connection went; may be NULL */
	unsigned kept;   /* the handler's own, from one try to the next (TD_E_FULL); 0 at first */
	void *held;      /* whose it is to say */
	uint32_t status; /* of the answer */
	uint8_t state;
	bool awaited; /* its min-position was reached */
	bool framed;  /* a stream of chunks */
	bool unsaid;  /* no memory even for an answer that says so: the connection ends without */
	struct td_exchange *waiting_next, **waiting_link; /* in a list of the server's */
	struct td_exchange ***waiting_last;
	const struct td_stream_kind *stream;
	void *stream_arg;
};

static inline struct td_text td_exchange_captured(const struct td_exchange *x, unsigned i)
{
	return i < x->match->captured_count ? x->match->captured[i] : td_text(NULL);
}
/* A parameter of the query that may stand there once at most; absent: it does not. TD_E_INVALID
 * names it. */
int td_exchange_parameter(
	const struct td_exchange *x, const char *name, struct td_text *value, struct td_error *err);
/* The same as a number, or as a duration in ms ("250ms", "30s", "5m"; a bare number is seconds).
 * *value stays as it was where it is absent. */
int td_exchange_u64(
	const struct td_exchange *x, const char *name, uint64_t *value, struct td_error *err);
int td_exchange_duration(
	const struct td_exchange *x, const char *name, int64_t *value_ms, struct td_error *err);
/* TD_E_INVALID names a parameter that is not among `names` (up to NULL). */
int td_exchange_only(const struct td_exchange *x, const char *const *names, struct td_error *err);
/* A field of the head; TD_E_INVALID if it stands there more than once. */
int td_exchange_field(
	const struct td_exchange *x, const char *name, struct td_text *value, struct td_error *err);

/* --- answering ---------------------------------------------------------------------------- */

/* A whole answer. `type` NULL: none, with an empty body. */
void td_answer(struct td_exchange *x, int status, const char *type, struct td_text body);
void td_answer_json(struct td_exchange *x, int status, struct td_text body);
/*
 * With fields of its own: begin, td_http_write_field(), end. `body` is copied. A failure (of memory,
 * of a field that cannot be written) becomes a 500 or 503.
 */
void td_answer_begin(struct td_exchange *x, struct td_http_writer *writer, int status);
void td_answer_end(struct td_exchange *x, struct td_http_writer *writer, struct td_text body);
/* A problem of a code; what a handler's own failure becomes. */
void td_answer_problem(struct td_exchange *x, const struct td_error *err);
/* A problem without a code: what is wrong with the message itself. `detail` may be NULL. */
void td_answer_status(struct td_exchange *x, int status, const char *detail);
/* More members of the problem document, before the failure is returned. */
void td_problem_u64(struct td_exchange *x, const char *name, uint64_t value);
void td_problem_string(struct td_exchange *x, const char *name, struct td_text value);

/* The answer is told when td_store_durable() is beyond `position` (0: nothing is waited for). The
 * greatest counts. */
void td_exchange_rests_on(struct td_exchange *x, uint64_t position);

/* It will be answered later, by any td_answer_...(), then this call. Its memory stays until then, also
 * when the connection is gone. */
void td_exchange_hold(struct td_exchange *x);
void td_exchange_answered(struct td_exchange *x);

/*
 * Run beside the loop, then answer: `done` is always called, on the loop, to give `arg` back; it
 * answers as handle() does, unless x->session is NULL. `run` touches `arg` alone. TD_E_NOMEM: nothing
 * will be called.
 */
int td_exchange_run(struct td_exchange *x, void (*run)(void *arg),
	int (*done)(struct td_exchange *x, void *arg, struct td_error *err), void *arg,
	struct td_error *err);

/* --- streams ------------------------------------------------------------------------------ */

/* Bytes that many sessions send; counted. `framed` has them as a chunk. Any thread may make one. */
struct td_shared {
	uint32_t refs;
	uint32_t len;    /* of the chunk, with its frame */
	uint32_t inside; /* where the bytes begin ... */
	uint32_t bytes;  /* ... and how many */
	uint64_t mark;   /* whose it is to say: the position that a stream has reached with it */
	char at[];
};
/* NULL: no memory. */
struct td_shared *td_shared_new(struct td_text bytes);
struct td_shared *td_shared_ref(struct td_shared *shared);
void td_shared_unref(struct td_shared *shared);

struct td_stream_kind {
	void (*drained)(struct td_exchange *x); /* all was taken: there is room again */
	void (*silent)(struct td_exchange *x);  /* nothing was sent for limits.heartbeat_ms */
	/* Nothing was taken for limits.stall_ms; NULL: the connection is closed. */
	void (*stalled)(struct td_exchange *x);
	void (*closed)(struct td_exchange *x); /* the connection is gone; called once, always */
};

/*
 * Send the head of a stream (200, `type`, Cache-Control: no-store), and pieces from then on. TD_E_NOMEM,
 * and nothing was sent.
 */
int td_stream_open(struct td_exchange *x, const char *type, const struct td_stream_kind *kind,
	void *arg, struct td_error *err);
/* A piece, as far as there is room; false: it is full (limits.follower_bytes_max) and nothing was taken.
 * It refs what it keeps. */
bool td_stream_add(struct td_exchange *x, struct td_shared *shared);
/* The last chunk, and the end. */
void td_stream_end(struct td_exchange *x);

#endif
