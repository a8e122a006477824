/*
 * inside: the server itself, for the files of this room. The loop's thread, all of it.
 *
 * Invariants (td_server_verify()):
 *	V1  at most one commit is out; while something is staged, one is out or the store waits for
 *	    another work
 *	V2  what rests on a position is told when durable is beyond it, not before
 *	V3  what is out (tasks) comes back before anything that it touches goes
 */
#ifndef TD_SERVER_INSIDE_H
#define TD_SERVER_INSIDE_H

#include "server/access.h"
#include "server/exchange.h"
#include "server/session.h"
#include "server/timer.h"

/* What happened since the start; they only grow. For metrics. */
/* clang-format off */
#define TD_SERVER_COUNTER_TABLE(X) \
	X(connections,        "connections accepted") \
	X(connections_refused,"connections beyond the limit") \
	X(requests,           "requests whose head was whole") \
	X(answers_2xx,        "answers by status") \
	X(answers_3xx,        "answers by status") \
	X(answers_4xx,        "answers by status") \
	X(answers_5xx,        "answers by status") \
	X(bytes_in,           "bytes received") \
	X(bytes_out,          "bytes sent") \
	X(events_accepted,    "events stored by requests") \
	X(events_duplicate,   "events that were there before") \
	X(events_refused,     "events refused: conflict, limit, permission, form") \
	X(conflicts,          "appends that lost against another revision") \
	X(commits,            "frames made durable") \
	X(reads,              "reads of what is stored") \
	X(events_read,        "events shown by reads") \
	X(events_followed,    "events sent to followers") \
	X(gaps,               "gaps told to followers") \
	X(timeouts,           "connections closed for slowness: head, body, idle, stall")
/* clang-format on */
struct td_counters {
#define TD_SERVER_COUNTER_FIELD(name, what) uint64_t name;
	TD_SERVER_COUNTER_TABLE(TD_SERVER_COUNTER_FIELD)
#undef TD_SERVER_COUNTER_FIELD
};

#define TD_LISTENERS_MAX 16u
#define TD_KINDS         8u /* of the store's work */

struct td_feed;
struct td_flow;
struct td_names;

struct td_listener {
	int handle;
	struct td_net_address address;
	bool paused; /* no descriptors were left: until one is free */
	/* What lies between; NULL: nothing. TD_E_...: the connection is closed. */
	int (*channel)(void *arg, struct td_channel *channel, struct td_error *err);
	void *channel_arg;
};

/* Work of the store that is out. */
struct td_job {
	struct td_task task;
	struct td_server *server;
	struct td_chore *chore; /* NULL: free */
};

/* A slot of the table from tags to sessions: the generation tells late events. */
struct td_slot {
	struct td_session *session;
	uint32_t generation, next_free;
};

struct td_server {
	struct td_server_seams seams;
	struct td_server_limits limits;
	struct td_server_log log;
	struct td_access *access;
	struct td_store *store;
	char *source;
	td_uuid_tick uuid_tick;
	uint64_t random_block[64]; /* for ids; random_left of them are unused */
	size_t random_left;
	struct td_rng rng; /* of what need not be secret */

	int64_t now; /* monotonic ns, of this turn */
	td_time wall;

	struct td_listener listeners[TD_LISTENERS_MAX];
	size_t listeners_count;

	struct td_slot *slots;
	uint32_t slots_count, slots_free;
	struct td_session *sessions;
	size_t sessions_count;
	uint64_t sessions_ever;
	struct td_session *dirty, *graves;
	size_t bodies_bytes; /* of all input buffers */
	struct td_timers timers;

	/* Exchanges that wait: for durable; for room in a frame; for a position. */
	struct td_exchange *settling, **settling_last;
	struct td_exchange *roomless, **roomless_last;
	struct td_exchange *early, **early_last;
	size_t exchanges_count; /* that live, those without a session, too */

	/* Routes, as wire/http wants them. */
	struct td_http_route *routes;
	const struct td_route **routes_rows;
	size_t routes_count;

	/* Of the request at hand. */
	struct td_http_target target;
	struct td_buf target_buf;
	struct td_http_match match;
	char *scratch; /* TD_SCRATCH_BYTES: input of who has none of its own */

	struct td_job jobs[TD_KINDS];
	uint64_t durable; /* as far as it was acted upon */
	size_t tasks_out;

	struct td_names *names; /* show.h; renewed when a log has come or gone */
	bool names_stale;       /* ... which is on its way to be durable */
	struct td_feed *feed;   /* hear.h */
	struct td_flow *flow;   /* flow_routes.h */

	struct td_counters counters;
	struct td_ops *ops; /* ops.h; NULL: nothing is counted there */
	void (*usage)(struct td_usage *usage);
	td_time started;
	bool hurried; /* the next turn does not wait */
	bool stopping;
	int64_t stop_due;
	_Atomic bool stop_asked;
	int failed;
	struct td_error err;
};

#define TD_SCRATCH_BYTES (64u << 10)

/* One line for the operator. */
void td_server_say(const struct td_server *server, enum td_severity severity, const char *format,
	...) TD_PRINTF(3, 4);
/* Each session, until `each` answers false; it may not drop them. */
void td_server_sessions(struct td_server *server,
	bool (*each)(void *arg, const struct td_session *session), void *arg);
void td_server_verify(const struct td_server *server);
/* A session has something to do at the end of this turn. */
void td_server_mark(struct td_session *session);
/* The same, and the next turn does not wait. */
void td_server_mark_again(struct td_session *session);

/* Logs have come or gone: their names are asked for anew. */
void td_server_rename(struct td_server *server);
/* The name of a log; absent: none has this number. */
struct td_text td_server_log_name(struct td_server *server, uint32_t number);

/* --- routes.c ------------------------------------------------------------------------------- */

int td_routes_open(struct td_server *server, struct td_error *err);
void td_routes_close(struct td_server *server);

/* --- house.c: the store's work -------------------------------------------------------------- */

/* Hand out what is to be done. */
void td_server_house_turn(struct td_server *server);
/* Durable may have moved: tell those who waited. */
void td_server_house_moved(struct td_server *server);
int64_t td_server_house_due(const struct td_server *server);
bool td_server_house_is_out(const struct td_server *server);

#endif
