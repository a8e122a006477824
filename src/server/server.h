/*
 * server: where the rooms meet. Listeners, sessions, routes, over a store.
 *
 *	        .---------------------------- one turn ----------------------------.
 *	net --> read, parse --> decide, stage --> one frame --> commits --> durable --> answer --> net
 *	                   '--> reading ------> work ------> message ------------------'
 *
 * One thread, the loop, owns all state and reaches the world through the seams alone, so that one
 * seed replays one run. What blocks runs as a task and comes back as a message. A turn reads,
 * decides, stages, hands one frame to the disk, and answers only what is durable: one sync for all
 * that arrived together, and while it runs the next frame gathers.
 *
 *	td_server_open(&server, &seams, &settings, &err);
 *	while (td_server_turn(server, INT64_MAX) == TD_SERVER_RUNS)
 *		;
 *	code = td_server_close(server, &err);
 */
#ifndef TD_SERVER_H
#define TD_SERVER_H

#include "server/settings.h"
#include "server/users.h"
#include "store/store.h"
#include "sys/sys.h"

struct td_server;
struct td_access;  /* access.h */
struct td_channel; /* session.h */

/* The world. All must outlive the server. Tasks must wake the net when one has ended. */
struct td_server_seams {
	const struct td_clock *clock;
	const struct td_random *random;
	const struct td_disk *disk;
	const struct td_net *net;
	const struct td_tasks
		*commits; /* a frame's write and sync, nothing else: never behind others */
	const struct td_tasks *chores; /* what keeps the store in order; may take long */
	const struct td_tasks *work;   /* what requests ask of the disk; two threads or more */
};

/* Each has a default where it is 0, and a clear answer where it is reached. */
/* clang-format off */
/*  X(name, default, what it bounds, and what is said) */
#define TD_SERVER_LIMIT_TABLE(X) \
	X(connections_max,        16384, "connections; one more is told 503 and closed") \
	X(head_bytes_max,         16384, "a request's head: 431") \
	X(body_bytes_max,       8388608, "a request's body: 413") \
	X(bodies_bytes_max,   268435456, "memory for what is being received, of all connections: 503") \
	X(head_ms,                10000, "time to send a head: 408") \
	X(body_ms,                60000, "time to send a body: 408") \
	X(idle_ms,                75000, "time without a request: closed") \
	X(stall_ms,               30000, "time in which a client takes nothing of what it is sent: closed") \
	X(linger_ms,               2000, "time to read on after the last answer: closed") \
	X(pipeline_max,              64, "requests of a connection that wait for their answers: not read on") \
	X(output_bytes_max,      262144, "bytes a connection has not taken yet: not read on") \
	X(batch_events_max,        1000, "events in a batch: 413") \
	X(page_events_max,        10000, "events in an answer to a read: the rest follows by Link") \
	X(page_bytes_max,       4194304, "the same in bytes") \
	X(followers_max,          10000, "followers: 429") \
	X(follower_bytes_max,    131072, "bytes a follower has not taken yet: it is read for anew when it has") \
	X(heartbeat_ms,           15000, "silence of a stream until a comment") \
	X(wait_ms_max,            60000, "wait= and timeout= of a request; more is as much") \
	X(readings_max,              64, "reads at work at once; more wait their turn") \
	X(feed_bytes_max,       4194304, "newest events kept in memory for followers") \
	X(stop_ms,                 5000, "time to finish what was asked when the server stops")
/* clang-format on */
struct td_server_limits {
#define TD_SERVER_LIMIT_FIELD(name, def, what) int64_t name;
	TD_SERVER_LIMIT_TABLE(TD_SERVER_LIMIT_FIELD)
#undef TD_SERVER_LIMIT_FIELD
};

/* What the operator is told; `text` is one line, without its end. On the loop's thread. */
enum td_severity { TD_SAY_DEBUG, TD_SAY_INFO, TD_SAY_WARNING, TD_SAY_ERROR };
struct td_server_log {
	void (*say)(void *arg, enum td_severity severity, const char *text);
	void *arg;
};

/* Zero: the default. Borrowed for the call that takes it, but for what `log` needs. */
struct td_server_settings {
	const char *data;                  /* the store's directory; NULL: in memory */
	const struct td_net_address *http; /* where to listen for HTTP */
	size_t http_count;
	/* What lies between a connection and its session (session.h): TLS; NULL: nothing. */
	int (*http_channel)(void *arg, struct td_channel *channel, struct td_error *err);
	void *http_channel_arg;
	const int *http_handles; /* listeners that are open already: they become the server's */
	size_t http_handles_count;
	const char *source; /* of events that say none; default "http" */
	struct td_server_limits limits;
	struct td_access *
		access; /* who may what; NULL: whoever can connect to loopback. Outlives the server */
	size_t series_max;                     /* of metrics; default 2,000 */
	void (*usage)(struct td_usage *usage); /* what the process takes; NULL: not known */
	struct td_store_options store; /* seams, gates and taps are the server's to fill in */
	struct td_server_log log;
};

enum td_server_state {
	TD_SERVER_RUNS,
	TD_SERVER_STOPPED, /* td_server_stop(), and all is said and done */
	TD_SERVER_FAILED,  /* the disk failed (P2); td_server_failed() says how */
};

/*
 * Open the store (recovering it: blocks), listen. *report (may be NULL) as td_store_open(). Errors:
 * those of td_store_open(); TD_E_SYSTEM for a listener, naming its address; TD_E_INVALID (a
 * setting); TD_E_NOMEM. On failure the handles that were given stay the caller's.
 */
int td_server_open(struct td_server **server, const struct td_server_seams *seams,
	const struct td_server_settings *settings, struct td_recovery *report,
	struct td_error *err);
/*
 * One turn: wait for something to do, at most until `deadline` (monotonic ns), and do it. Never
 * blocks otherwise.
 */
enum td_server_state td_server_turn(struct td_server *server, int64_t deadline);
/* When there is something to do without anything coming (monotonic ns); INT64_MAX: never. */
int64_t td_server_due(const struct td_server *server);
/* End the wait of a turn. Any thread, signal handlers too. */
void td_server_wake(struct td_server *server);
/*
 * Begin to stop: no new connections and requests; what was asked is answered, streams end; turns go
 * on until TD_SERVER_STOPPED, limits.stop_ms at most and what the disk takes. The loop's thread; a
 * signal handler sets td_server_ask_stop().
 */
void td_server_stop(struct td_server *server);
void td_server_ask_stop(struct td_server *server);
/* Why it failed; 0: it did not. */
int td_server_failed(const struct td_server *server, struct td_error *err);
/*
 * Close the store and everything else; when stopped or failed. Blocks. An error says that the next
 * opening has to recover. NULL is fine.
 */
int td_server_close(struct td_server *server, struct td_error *err);
/* Let go at once, whatever is under way, and write nothing more: a crash. No task may be running. */
void td_server_abandon(struct td_server *server);

/* The i-th listener's address: the port that was picked. false: there are not so many. */
bool td_server_address(const struct td_server *server, size_t i, struct td_net_address *address);
struct td_store *td_server_store(struct td_server *server);
/* From now on these. The loop's thread. */
void td_server_set_limits(struct td_server *server, const struct td_server_limits *limits);
/* With every default said. */
struct td_server_limits td_server_limits_of(const struct td_server_limits *limits);

/* What stands around it in a process. */
#include "server/host.h"

#endif
