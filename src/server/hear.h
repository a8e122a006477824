/*
 * hear: who wants to hear of what is stored, when it is durable.
 *
 *	commit --> tap --> ring of the newest --> trie --> audience --> follower, follower, ...
 *	                     |                               '--------> hearing (one who waits once)
 *	                     '--- read by those who were a little behind
 *
 * Those who ask for the same are one audience: an event is judged, and made into JSON, once for each
 * audience, and into bytes once for all who do not select. A follower who does not take what it is sent
 * leaves the audience, and comes back when it has caught up: from the ring, or from the store beside
 * the loop. So nobody's slowness costs more than the bytes of limits.follower_bytes_max.
 *
 * Invariants:
 *	F1  a follower in an audience has been sent, or does not ask for, all below feed->next, and all
 *	    below its own `next`, which may be further: the tap may be told later than readers see
 *	F2  the ring has every durable event from feed->first on
 */
#ifndef TD_SERVER_HEAR_H
#define TD_SERVER_HEAR_H

#include "server/inside.h"
#include "server/search.h"

struct td_audience;

/* One of the ring. */
struct td_heard {
	struct td_stored stored; /* views of what stands behind */
	struct td_shared *plain; /* as it is sent to those who do not select; NULL: not made yet */
	char bytes[];
};

struct td_hearing {
	/* Given: */
	struct td_exchange *x;
	struct td_search *search;                                /* its owner keeps it meanwhile */
	void (*heard)(struct td_hearing *hearing, bool in_time); /* it is not started any more */
	/* The feed's: */
	struct td_server *server;
	struct td_timer timer;
	struct td_audience *audience;
	struct td_hearing *next, **link;
};

struct td_follower {
	struct td_exchange *x;
	struct td_server *server;
	struct td_search *search;
	struct td_audience *audience;
	struct td_follower *next_live, **link; /* in the audience; link NULL: it is behind */
	struct td_follower *next_waiting, **waiting_link; /* for its turn to read */
	struct td_catching *catching;                     /* at work */
	uint64_t next; /* all below was sent or is not asked for; 0: not known yet (of who is live:
			  feed->next) */
	uint64_t told; /* the id it was told last */
	bool ended;
};

struct td_feed {
	struct td_heard **ring; /* by position, from first to next */
	size_t ring_begin, ring_count, ring_cap;
	size_t ring_bytes;
	uint64_t first, next;
	struct td_trie *trie;
	struct td_audience *audiences;
	size_t audiences_count, followers_count, catching_count;
	struct td_follower *waiting, **waiting_last;
	struct td_shared *beat; /* of this position: */
	uint64_t beat_position;
};

int td_feed_open(struct td_server *server, struct td_error *err);
void td_feed_close(struct td_server *server);
/* Who waits to hear has waited long enough. */
void td_feed_stop(struct td_server *server);
struct td_tap td_feed_tap(struct td_server *server);

/*
 * Call `heard` once: when something that fits is stored at or above `from`, or at `until` (monotonic
 * ns). Never from inside. TD_E_NOMEM.
 */
int td_hearing_start(struct td_server *server, struct td_hearing *hearing, uint64_t from,
	int64_t until, struct td_error *err);
void td_hearing_stop(struct td_hearing *hearing);

/* Join those who ask for the same. TD_E_NOMEM, TD_E_SUBJECT. */
int td_audience_join(struct td_server *server, struct td_search *search,
	struct td_audience **audience, struct td_error *err);
void td_audience_leave(struct td_server *server, struct td_audience *audience);
/* Of one that is not behind any more. */
void td_audience_enter(struct td_audience *audience, struct td_follower *follower);
void td_audience_exit(struct td_follower *follower);

/* The i-th of the ring. */
struct td_heard *td_feed_at(const struct td_feed *feed, size_t i);
/* As a piece of a stream, with references of the caller's; *shared NULL: it is not asked for. */
int td_heard_show(struct td_server *server, const struct td_search *search, struct td_heard *heard,
	struct td_shared **shared);
/* An event as a piece of a stream, appended. */
int td_show_sse(struct td_buf *buf, const struct td_event *event, const struct td_stored *stored,
	const struct td_names *names, struct td_error *err);
/* "gap": positions that could not be told of. */
void td_show_gap(struct td_buf *buf, uint64_t from, uint64_t to, const char *reason);

/* follow.c: what has come for one who is in the audience. */
void td_follower_tell(struct td_follower *follower, struct td_shared *shared, uint64_t position);

#endif
