/*
 * A simulated net behind `struct td_net` (sys/net.h): a piece for worlds, no kind of its own.
 *
 *	host (a process)              link                        host
 *	handle -- end  == way: bytes on their way, then read ==>  end -- handle
 *	               <== way ================================
 *	handle -- listener: links that wait to be accepted
 *
 * A *host* is a process with its own handles, and each has its own table. A world plays the server
 * on one and its clients on others, through the same calls; there is no second API for peers. What
 * is written is cut into pieces that arrive later, each in its time, in order. Faults come by dice
 * or by hand.
 *
 * All is decided by the seed given: same calls at the same times, same answers. One thread. Time is
 * the world's, and is not moved here: td_net_wait() never waits, it answers what is ready and notes
 * the deadline. The world asks when something will be, and moves on:
 *
 *	if (!sim_host_ready(server))
 *		world.now_ns = min(sim_net_next(net), sim_host_deadline(server));
 *
 * (A test may want a wait that takes the time instead: `waits`.)
 *
 * Harsher than the real one, on purpose: bytes that came before a reset may be lost with it; reads
 * and writes stop anywhere; things are told that are not so, and waits end for no reason; the
 * number that was closed is the next one made. A call with a handle that is not open is an
 * assertion, since in earnest it would be somebody else's. Kinder: room is there at once when the
 * other side has read.
 */
#ifndef SIM_NET_NET_H
#define SIM_NET_NET_H

#include "sys/sys.h"
#include "world.h"

#include <errno.h>

#define SIM_NET_DEAD        ESHUTDOWN /* what every call of a host that died answers */
#define SIM_NET_HANDLES_MAX 1024      /* of a host, at once */

/* clang-format off */
/* What must have happened again and again, or nothing was tested. */
#define SIM_NET_COUNT_TABLE(X) \
	X(ACCEPTED,    "connections accepted") \
	X(REFUSED,     "connects refused, nobody there") \
	X(DENIED,      "connects refused by dice") \
	X(UNANSWERED,  "connects that nobody answered") \
	X(CROWDED,     "connects that found the queue full") \
	X(ABORTED,     "connections reset before they were accepted") \
	X(DESCRIPTORS, "calls without descriptors left") \
	X(NO_MEMORY,   "calls without memory") \
	X(IN_USE,      "addresses in use") \
	X(SHORT_READ,  "reads cut short") \
	X(SHORT_WRITE, "writes cut short") \
	X(FULL,        "writes without room") \
	X(SPLIT,       "writes that arrived in pieces") \
	X(STALL,       "pieces delayed") \
	X(SLOW,        "slow ways") \
	X(SMALL,       "ways of a few bytes") \
	X(HALF_CLOSED, "ends told while the other side went on") \
	X(RESET,       "connections reset by dice") \
	X(UNREAD,      "resets by closing with bytes unread") \
	X(LATE,        "resets by bytes that came too late") \
	X(FLIGHT_LOST, "bytes lost on their way") \
	X(READ_LOST,   "bytes that had arrived lost by a reset") \
	X(SILENT,      "connections that fell silent") \
	X(TIMED_OUT,   "silences that were noticed") \
	X(SPURIOUS,    "things told ready that were not") \
	X(IDLE,        "waits that ended for no reason") \
	X(CUT_OFF,     "events that had to wait for the next look") \
	X(KILL,        "processes killed") \
	X(POWER,       "machines without power") \
	X(FROZEN,      "processes stopped in the middle")
/* clang-format on */

enum sim_net_count {
#define SIM_NET_COUNT(name, text) SIM_NET_COUNT_##name,
	SIM_NET_COUNT_TABLE(SIM_NET_COUNT)
#undef SIM_NET_COUNT
		SIM_NET_COUNTS
};
/* As a `counters` of struct sim_kind would have them. */
extern const char *const sim_net_count_names[SIM_NET_COUNTS];

struct sim_net;
struct sim_host;

struct sim_net_options {
	struct td_rng rng;       /* all dice; all zero: that of seed 0 */
	struct sim_world *world; /* whose time it is; calls are traced there */
	uint64_t *counts;        /* SIM_NET_COUNTS of them, the caller's, added to; NULL: no */
};

/* All in a million of the calls that can have it, unless it says otherwise; zero: never. */
struct sim_net_dice {
	/* of connects */
	unsigned denied, unanswered, aborted;
	unsigned slow;  /* each way, of a new connection: so many bytes a second at most */
	unsigned small; /* each way: room for a few bytes */
	unsigned slow_bytes_max, small_bytes_max;
	/* of calls that make or watch something */
	unsigned descriptors, no_memory;
	/* of reads and writes */
	unsigned short_read, short_write, split, reset, silent;
	unsigned read_lost;      /* of resets: what had arrived and was not read is lost with it */
	unsigned stall;          /* of pieces, for up to stall_ns_max */
	int64_t stall_ns_max;    /* 0: none */
	int64_t latency_ns_max;  /* of each way, drawn once for it */
	int64_t patience_ns_max; /* until silence is noticed; at least a second */
	/* of waits */
	unsigned spurious; /* each thing watched */
	unsigned idle;
};

struct sim_net *sim_net_new(const struct sim_net_options *options);
/* With all its hosts. */
void sim_net_free(struct sim_net *net);
/* For a world: each fault not at all, or between seldom and often. */
void sim_net_draw_dice(struct sim_net_dice *dice, struct td_rng *rng);
/* From now on; NULL: none (a new net has none: all arrives at once). Ways that are there stay slow
 * or small. */
void sim_net_set_dice(struct sim_net *net, const struct sim_net_dice *dice);
/* When the next thing arrives somewhere (monotonic ns); INT64_MAX: nothing is on its way. */
int64_t sim_net_next(struct sim_net *net);

/* --- hosts -------------------------------------------------------------------------------- */

struct sim_host_options {
	struct td_net_address address; /* where its connections come from; none: 127.0.0.1 */
	size_t descriptors_max;        /* 0: SIM_NET_HANDLES_MAX */
	size_t queue_max;              /* links that a listener lets wait; 0: 128 */
	bool waits;                    /* td_net_wait() takes the time of the world */
	/* Asked before each call: the machine is dead already (its disk is), and this call finds
	 * nobody any more. NULL: no. */
	bool (*is_dead)(void *arg);
	void *arg;
};

struct sim_host *sim_host_new(struct sim_net *net, const struct sim_host_options *options);
/* The table; as long as the net lives. */
const struct td_net *sim_host_table(const struct sim_host *host);
/* Whether a wait would tell of something now, or was woken. */
bool sim_host_ready(struct sim_host *host);
/* What the last wait that found nothing was to wait for (monotonic ns). */
int64_t sim_host_deadline(const struct sim_host *host);
/* Calls so far, but for those of a host that was dead. */
uint64_t sim_host_calls(const struct sim_host *host);
/* Handles that are open. */
size_t sim_host_handles(const struct sim_host *host);
void sim_host_set_descriptors(struct sim_host *host, size_t max);

/* --- ends --------------------------------------------------------------------------------- */

/*
 * After so many more calls the process stops in the middle: that call and all behind it answer
 * SIM_NET_DEAD, until it was killed or cut. UINT64_MAX: it does not.
 */
void sim_host_freeze_after(struct sim_host *host, uint64_t calls);
bool sim_host_frozen(struct sim_host *host);
/*
 * The process dies and the system closes for it: what was written still arrives, and then the end,
 * or a reset where bytes were left unread. Calls answer SIM_NET_DEAD until sim_host_start(), closing
 * does nothing.
 */
void sim_host_kill(struct sim_host *host);
/* The machine loses power: nothing goes out any more, what was on its way out may be lost. The
 * others hear nothing until it starts again, and then a reset if they ask. */
void sim_host_cut(struct sim_host *host);
/* A new process, without handles. */
void sim_host_start(struct sim_host *host);

/* --- faults by hand ----------------------------------------------------------------------- */

/* The net breaks off that connection: both sides hear of it, each in its time. */
void sim_net_reset(struct sim_host *host, int connection);
/* From now on nothing arrives on it, in either direction. */
void sim_net_silence(struct sim_host *host, int connection);
/* Nothing will ever come on it, and nobody will say so: it is silent, or the other machine lost its
 * power. Who waits there needs patience of his own. */
bool sim_net_is_deaf(struct sim_host *host, int connection);

#endif
