/*
 * What the files of the place http share.
 *
 *	http_url      what an URL says
 *	http_call     one request and its answer, with a deadline, repeated where that is safe
 *	http_problem  what a server refused, as the same codes as everywhere
 *	http_event    events and receipts as bodies, and back
 *	http_keep     publishing and appending: the bus's keeper
 *	http_stream   following, reconnecting, going on: no gap, no repeat
 *	http_hear     subscriptions, and the one stream that feeds them
 *	http_read     reading, and following for td_follow()
 *	http_logs     logs, status
 *	http_place    open, close, what it offers
 *
 * Locks: http->lock is the innermost but for those of the bus's turns; nothing blocks under it. Who has
 * http->pumping has the stream of subscriptions, and runs no handler meanwhile.
 */
#ifndef TD_CLIENT_HTTP_INSIDE_H
#define TD_CLIENT_HTTP_INSIDE_H

#include "client/http.h"
#include "match/match.h"
#include "wire/http/http.h"

#define TD_HTTP_TIMEOUT_MS    10000
#define TD_HTTP_ADDRESSES_MAX 8u
#define TD_HTTP_BODY_MAX      ((uint64_t)128 * 1024 * 1024) /* of an answer */

/* --- http_url.c --------------------------------------------------------------------------- */

struct td_http_url {
	char *host;          /* without brackets */
	char *authority;     /* "host:port", as Host has it; for messages, too */
	char *authorization; /* the value of that field, or NULL */
	uint16_t port;
};
/* TD_E_PLACE (https), TD_E_INVALID, which never repeats a password; TD_E_NOMEM. */
int td_http_url_read(struct td_http_url *url, const char *text, struct td_error *err);
void td_http_url_fini(struct td_http_url *url);

/* --- http_call.c -------------------------------------------------------------------------- */

struct td_http_link; /* a connection between two requests */

struct td_http_ask {
	enum td_http_method method;
	struct td_text target; /* as it goes on the line */
	const struct td_http_header *fields;
	size_t fields_count;
	struct td_text content_type; /* absent: there is no body */
	struct td_text body;
	/*
	 * Never twice: not when an answer was lost. What may be repeated is until the deadline, also
	 * while nobody listens.
	 */
	bool once;
	bool now; /* do not wait for a server that is not there */
};
struct td_http_reply {
	unsigned status;
	struct td_buf fields, body;
	uint64_t position; /* as td_position(), of the answer; 0: it does not say */
	unsigned attempts; /* it was asked so often */
};
#define TD_HTTP_REPLY_INIT                                                              \
	{                                                                               \
		.fields = TD_BUF_INIT(64 * 1024), .body = TD_BUF_INIT(TD_HTTP_BODY_MAX) \
	}
/*
 * Ask, until an answer is there: 0, whatever its status. TD_E_UNREACHABLE, TD_E_TIMEOUT (nobody knows
 * what became of it, if it was sent), TD_E_CLOSED, TD_E_NOMEM. Any thread.
 */
int td_http_call(struct td_http *http, const struct td_http_ask *ask, int64_t deadline,
	struct td_http_reply *reply, struct td_error *err);
/* The same, and an answer of 400 and more is what it says; within the handle's time. */
int td_http_ask(struct td_http *http, const struct td_http_ask *ask, struct td_http_reply *reply,
	struct td_error *err);
void td_http_reply_fini(struct td_http_reply *reply);
void td_http_links_close(struct td_http *http);
/* Begin to connect to the i-th address, modulo their number; errno. */
int td_http_dial(struct td_http *http, size_t i, int *connection);
/* Its position, or 0; of fields. */
uint64_t td_http_position_of(struct td_text fields);
/* Wait before the n-th attempt (from 1): ms, some of it random. */
int64_t td_http_pause_ms(struct td_http *http, unsigned attempt);

/* --- http_problem.c ----------------------------------------------------------------------- */

struct td_http_problem {
	int code;
	uint64_t revision; /* found; UINT64_MAX: not said */
	uint64_t index;    /* which of a batch; UINT64_MAX: not said */
};
/* What an answer of 400 and more says; its code. `problem` may be NULL. */
int td_http_problem_read(unsigned status, struct td_text fields, struct td_text body,
	struct td_http_problem *problem, struct td_error *err);
/* Whether such an answer may be another one before long. */
bool td_http_status_passes(unsigned status);

/* --- http_event.c ------------------------------------------------------------------------- */

/* A request that carries events: its body and what says how it is to be read. */
struct td_http_cargo {
	struct td_arena arena; /* of the fields */
	struct td_buf body;
	struct td_http_header fields[TD_ATTR_COUNT + TD_EXTENSIONS_MAX + 4];
	size_t fields_count;
	struct td_text content_type, data;
	int code;
};
/* One as CloudEvents binary, or JSON where HTTP could not say its types; several as a batch. */
int td_http_cargo_load(struct td_http_cargo *cargo, const struct td_event *const *events,
	size_t count, struct td_error *err);
void td_http_cargo_fini(struct td_http_cargo *cargo);

/* An event as it is shown, and where it stands; what says that is taken off it. */
int td_http_event_read(struct td_event **event, struct td_where *where, struct td_json object,
	struct td_error *err);
/* `count` receipts. TD_E_FORMAT. */
struct td_http_receipt {
	struct td_where where;
	bool duplicate;
};
int td_http_receipts_read(
	struct td_text body, struct td_http_receipt *receipts, size_t count, struct td_error *err);
/* A number that is a JSON number or a string of digits. */
bool td_http_json_u64(struct td_json value, uint64_t *number);

/* --- http_keep.c -------------------------------------------------------------------------- */

/* What this handle is publishing, for as long as the stream may show it. */
struct td_http_own {
	struct td_http_own *next;
	const struct td_keeping *keeping;
	size_t reached; /* so many of them the stream has passed, or they drew their turn without it */
	bool answered; /* `kept` says where they stand */
	bool over;     /* it was there before, or was refused: what the stream shows is not this */
};
int td_http_keep(void *arg, const struct td_keeping *keeping, struct td_error *err);

/* --- http_stream.c ------------------------------------------------------------------------ */

enum td_http_stream_state {
	TD_STREAM_WAITING,    /* until `due`, to connect */
	TD_STREAM_CONNECTING, /* until `due` */
	TD_STREAM_SENDING,
	TD_STREAM_HEAD,
	TD_STREAM_REFUSED, /* what the server says gathers */
	TD_STREAM_LIVE,    /* silent until `due` at most */
	TD_STREAM_FAILED,  /* for good */
};
struct td_http_stream {
	struct td_http *http;
	struct td_buf query; /* "subject=...": what is followed; may be empty */
	uint64_t next;       /* all before was given, or is not asked for */
	enum td_http_stream_state state;
	int connection; /* -1: none */
	size_t address;
	struct td_buf out, said;
	size_t sent;
	char *in;
	size_t in_at, in_len;
	struct td_text piece; /* of the body, within `in`: not read yet */
	struct td_http_reader reader;
	struct td_http_body body;
	struct td_sse_reader sse;
	unsigned status;
	size_t fields_bytes; /* of `said` */
	unsigned dialled;    /* connections so far: handles come again */
	int64_t due;
	unsigned failures, unreadable;
	struct td_error err; /* of FAILED; else what was wrong last */
};
/* WAITING, to connect at once. TD_E_NOMEM. */
int td_http_stream_init(
	struct td_http_stream *stream, struct td_http *http, uint64_t next, struct td_error *err);
void td_http_stream_fini(struct td_http_stream *stream);
/* Let the connection go and begin anew at `next`, at once. */
void td_http_stream_restart(struct td_http_stream *stream);
/*
 * Go on as far as it goes without waiting: 0, and an event with a reference, or NOTHING, now. Codes are
 * for good.
 */
#define TD_STREAM_NOTHING (-1)
int td_http_stream_next(struct td_http_stream *stream, struct td_event **event,
	struct td_where *where, struct td_error *err);
/* It broke for want of memory, for which nobody is to be waited; it goes on trying. */
bool td_http_stream_starved(const struct td_http_stream *stream);
/* Wait until it can go on, until it has to (its `due`), or until the deadline. */
void td_http_stream_wait(const struct td_http_stream *stream, int64_t deadline);
/* What it waits for: a set of td_net_ready. */
unsigned td_http_stream_interest(const struct td_http_stream *stream);

/* --- http_hear.c -------------------------------------------------------------------------- */

struct td_http_interest {
	struct td_http_interest *next;
	struct td_subscription *subscription;
	char *pattern;
	char **types;
	size_t types_count;
};
int td_http_subscribe(struct td *td, const struct td_interest *interest, td_handler *handler,
	const struct td_typed_handler *typed, void *arg, struct td_subscription **subscription,
	struct td_error *err);
void td_http_unsubscribe(struct td *td, struct td_subscription *subscription);
int td_http_loop_turn(struct td *td, int64_t timeout_ms);
/* Under the lock: whether the stream, as it stands, will show such an event. */
bool td_http_shows(const struct td_http *http, const struct td_event *event);
/*
 * Have the stream moved on, for a publisher who waits for it: by this thread if nobody else does. Under the
 * lock, which it leaves meanwhile; ends when something moved, or at the deadline. false: it does not
 * move, and will not by waiting.
 */
bool td_http_pump_for(struct td_http *http, int64_t deadline);
/* Under the lock: something that the stream waited for has come. */
void td_http_moved(struct td_http *http);
int td_http_hear_start(struct td_http *http, unsigned workers, struct td_error *err);
void td_http_hear_stop(struct td_http *http);
void td_http_hear_fini(struct td_http *http);

/* --- http_read.c, http_logs.c: as td_offer has them ---------------------------------------- */

int td_http_read(struct td_reading **reading, struct td *td, const struct td_scope *scope,
	bool follows, struct td_error *err);
int td_http_latest(struct td *td, const char *log, const char *subject, struct td_event **event,
	struct td_where *where, struct td_error *err);
int td_http_find(struct td *td, const char *id, const char *source, struct td_event **event,
	struct td_where *where, struct td_error *err);
/* Ask where it is: as td_position(). */
int td_http_ask_position(struct td_http *http, bool now, uint64_t *position, struct td_error *err);
uint64_t td_http_position(struct td *td);
int td_http_status(struct td *td, struct td_status *status, struct td_error *err);
int td_http_log_set(struct td *td, const char *name, const struct td_log_settings *settings,
	bool change, struct td_error *err);
int td_http_log_delete(struct td *td, const char *name, struct td_error *err);
int td_http_log_list(
	struct td *td, struct td_log_about **logs, size_t *count, struct td_error *err);

/* --- the place ---------------------------------------------------------------------------- */

struct td_http {
	struct td *td;
	struct td_bus *bus;
	const struct td_random *random;
	struct td_http_url url;
	int64_t timeout_ms;
	struct td_keeper keeper;

	struct td_mutex lock; /* of the rest */
	struct td_condition moved;
	struct td_net_address addresses[TD_HTTP_ADDRESSES_MAX];
	size_t addresses_count, address; /* the one that answered last */
	struct td_http_link *idle;
	unsigned idle_count;
	uint64_t known; /* the server was seen there: as td_position() */
	bool closing;

	struct td_http_interest *interests;
	struct td_http_own *owns;
	struct td_map passed; /* positions of ours that went ahead of the stream */
	bool pumping;
	bool streams;                 /* `stream` is there; with `pumping`, or under the lock */
	struct td_http_stream stream; /* of who has `pumping` */
	uint64_t upto;                /* stream.next, under the lock */
	bool live;                    /* its state is LIVE */
	bool stuck;                   /* `held` has no room, or waits for an answer of ours */
	struct td_event *held;        /* shown, not heard yet */
	struct td_where held_where;
	struct td_error stream_err; /* code != 0: it failed for good */
	struct td_loop *loop; /* the thread's own, or the bus's: readable when there is work */
	unsigned watched, watched_for; /* which connection (stream.dialled), and for what */

	bool threaded;
	struct td_thread thread;
};

static inline int64_t td_http_now(void)
{
	return td_clock_monotonic(&td_clock_real);
}
/* When a call that begins now has to be answered. */
static inline int64_t td_http_deadline(const struct td_http *http)
{
	return td_deadline(http->timeout_ms);
}
/* It was seen there. */
void td_http_know(struct td_http *http, uint64_t position);

#endif
