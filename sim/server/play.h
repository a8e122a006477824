/*
 * A world of one server and its clients, as the files of its kind share it.
 *
 *	servers.c   the steps, and the dice       publisher.c  who appends, and tries again
 *	config.c    what a world is like          reader.c     who reads all, page by page
 *	life.c      opened, turned, dead, again   follower.c   who follows, and resumes
 *	words.c     events as JSON, and back      vandal.c     who never says all of a request
 *	final.c     all works again, is judged
 */
#ifndef SIM_SERVER_PLAY_H
#define SIM_SERVER_PLAY_H

#include "../store/history.h"
#include "disk/disk.h"
#include "server/server.h"
#include "talk.h"
#include "tasks.h"
#include "world.h"

#define LOGS_MAX       4
#define PUBLISHERS_MAX 4
#define READERS_MAX    2
#define FOLLOWERS_MAX  4
#define VANDALS_MAX    2
#define PIPELINE_MAX   4
#define ENTRIES_MAX    6
#define MS             ((int64_t)1000000)

enum counter {
	COUNT_APPENDED,
	COUNT_BATCH,
	COUNT_PIPELINED,
	COUNT_DUPLICATE,
	COUNT_CONFLICT,
	COUNT_REFUSED_KEY,
	COUNT_BUSY,
	COUNT_UNKNOWN,
	COUNT_RETRIED,
	COUNT_PAGES,
	COUNT_PASSES,
	COUNT_FOLLOWED,
	COUNT_RESUMED,
	COUNT_POSITION,
	COUNT_WAITED,
	COUNT_LOOKED,
	COUNT_CUT_REQUEST,
	COUNT_KILLED,
	COUNT_POWER,
	COUNT_MIDDLE,
	COUNT_STOPPED,
	COUNT_FAILED,
	COUNT_REOPENED,
	/* What net and disk did, of their own counters. */
	COUNT_NET_FIRST,
	COUNT_NET_LAST = COUNT_NET_FIRST + 22,
	COUNT_DISK_FIRST,
	COUNT_DISK_LAST = COUNT_DISK_FIRST + 6,
	COUNTERS,
};

struct config {
	struct td_server_settings settings;
	struct sim_disk_dice disk;
	struct sim_net_dice net;
	unsigned logs, subjects, steps;
	unsigned publishers, readers, followers, vandals;
	unsigned pipeline, pad_max;
	unsigned batches, expects, retries, others_keys, looks; /* in a thousand */
	unsigned turns, tasks;                                  /* how often, of a thousand steps */
	unsigned deaths;                                        /* of ten thousand */
	int64_t step_ns_max;
};

/* What is asked for: that append; or what it wrote, behind it on its connection. */
struct asked {
	size_t append; /* in the history */
	enum { ASKED_APPEND, ASKED_EVENT, ASKED_LATEST } what;
	size_t entry; /* of it, that is looked for */
};

struct publisher {
	struct talk talk;
	struct asked asked[PIPELINE_MAX]; /* not answered, in order */
	size_t asked_count;
	int64_t rests_until;
};

/* What somebody saw, in order. */
struct seen {
	uint64_t asked, from;
	struct td_buf events; /* struct sim_store_event */
};

struct reader {
	struct talk talk;
	bool on, final;
	uint64_t limit;
	struct td_buf url; /* of the page that is next */
	bool asked;        /* for it, on this connection */
	struct seen seen;
	int64_t rests_until;
};

struct follower {
	struct talk talk;
	struct seen seen;
	uint32_t log, subject; /* what it follows; UINT32_MAX: all; a subject of all logs is all */
	bool resumes;          /* and has not been told an event since */
	uint64_t last;         /* id; 0: none yet */
	size_t taken;          /* of the body */
	int64_t rests_until, looks_away_until;
};

struct vandal {
	struct talk talk;
	struct td_buf request;
	size_t says;   /* so much of it, never all */
	size_t append; /* in the history; SIZE_MAX: none */
	int64_t leaves_at;
};

struct run {
	struct sim_world *world;
	struct config config;
	struct sim_disk *disk;
	struct sim_net *net;
	struct sim_host *server_host, *clients_host;
	uint64_t disk_counts[SIM_DISK_COUNTS], net_counts[SIM_NET_COUNTS];
	struct sim_tasks commits, chores, work;
	struct td_server *server; /* NULL: it is dead */
	struct td_net_address address;
	unsigned idle_turns; /* one behind the other, in which nothing was done and more was due */
	bool logs_made;
	bool stopping;
	bool healing; /* nothing new is begun */
	struct sim_store_history history;
	uint64_t values, keys, furthest; /* furthest: the highest position that was acknowledged */
	struct publisher publishers[PUBLISHERS_MAX];
	struct reader readers[READERS_MAX];
	struct follower followers[FOLLOWERS_MAX];
	struct vandal vandals[VANDALS_MAX];
};

/* --- config.c ----------------------------------------------------------------------------- */

struct config sim_serve_draw_config(struct sim_world *world);
void sim_serve_describe(struct sim_world *world, const struct config *config);

/* --- life.c ------------------------------------------------------------------------------- */

/* Open, as often as it takes. */
void sim_serve_open(struct run *run);
void sim_serve_turn(struct run *run);
/* One task runs. */
void sim_serve_task(struct run *run);
/* It dies, in one of the ways there are, or begins to. */
void sim_serve_die(struct run *run);
/* What it was to die of does not come; if it did, another takes its place. */
void sim_serve_live(struct run *run);
/* Everything that is out ends, the server is let go of, and what it held is free. */
void sim_serve_bury(struct run *run, bool powerless);
/* It was told to stop, and does. */
void sim_serve_stop(struct run *run);
/* On to when something is to happen. */
void sim_serve_pass_time(struct run *run);

/* --- words.c ------------------------------------------------------------------------------ */

/* The whole request, head and body. */
void sim_serve_write_request(
	struct run *run, struct td_buf *out, const struct sim_store_entry *entries, size_t count);
/* The answer of a publisher's request goes into the history. */
void sim_serve_read_receipts(struct run *run, size_t append, const struct reply *reply);
/* Of what an append wrote, that one by its id, or the latest of its subject. */
void sim_serve_write_look(struct td_buf *out, const struct sim_store_entry *entry, bool latest);
/* All events of an array, or of one object. */
void sim_serve_read_events(struct run *run, struct td_text json, struct seen *seen);

/* --- who uses it -------------------------------------------------------------------------- */

void sim_serve_publisher_step(struct run *run, struct publisher *publisher);
void sim_serve_reader_step(struct run *run, struct reader *reader);
void sim_serve_follower_step(struct run *run, struct follower *follower);
void sim_serve_vandal_step(struct run *run, struct vandal *vandal);
/* Entries of a new append, or of one that is tried again. */
size_t sim_serve_draw_append(struct run *run, struct sim_store_entry *entries);
/* The reader begins its last pass. */
void sim_serve_read_final(struct run *run, struct reader *reader);

static inline bool sim_serve_rests(const struct run *run, int64_t until)
{
	return run->world->now_ns < until;
}
int64_t sim_serve_rest(struct run *run);

/* --- final.c ------------------------------------------------------------------------------ */

void sim_serve_heal(struct run *run);

#endif
