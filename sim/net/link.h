/*
 * Inside the simulated net: what it is made of. See net.h for what it does.
 *
 *	net -- hosts -- handles -+- listener: the links that wait
 *	    '- links             '- end
 *
 *	link: ends[0], which asked, and ends[1], which was asked
 *	      ways[i] leads to ends[i]:
 *
 *	      read by ends[i] | arrived | in flight: pieces, each with its time |  written by the other
 *	                      '---------------- len <= room ------------------'
 *
 * N1  pieces arrive in order: their times never go down; an end or a reset is the last of them
 * N2  the bytes of a way are those that arrived and those of its pieces, together
 * N3  next_at is not above the time of anything that is to happen
 * N4  a link lives until both its ends were closed
 */
#ifndef SIM_NET_LINK_H
#define SIM_NET_LINK_H

#include "net.h"

#define NEVER              INT64_MAX
#define SECOND             ((int64_t)1000000000)
#define SIM_NET_FIRST_PORT 32768 /* that is picked */

struct end;
struct link;

enum piece_kind { PIECE_BYTES, PIECE_END, PIECE_RESET };

struct piece {
	enum piece_kind kind;
	size_t len;
	int64_t at;
};

struct way {
	uint8_t *bytes; /* a ring of `room` */
	size_t room, start, len, arrived;
	struct piece *pieces;
	size_t pieces_count, pieces_cap;
	int64_t latency_ns, last_at;
	uint64_t rate;   /* bytes a second; 0: at once */
	int64_t ends_at; /* when who writes gives up, since nothing is heard; NEVER: it does not */
};

struct end {
	struct link *link;
	struct sim_host *host; /* NULL: who is asked, until it is known */
	bool closed;
	bool vanished; /* closed by a lack of power: it knows of nothing */
	bool finished; /* told the other the end */
	bool ended;    /* was told it */
	bool gone;     /* broken off: nothing comes and nothing goes */
	int error;     /* the next call that asks is told it, once */
	struct td_net_address address;
};

enum link_state {
	LINK_ASKING,   /* on its way to whoever listens there */
	LINK_ANSWERED, /* and back, with `answer` */
	LINK_OPEN,     /* ends[0] knows */
};

struct link {
	struct link *next;
	enum link_state state;
	int64_t state_at;   /* when the next state comes */
	int64_t asks_until; /* as long as nobody answers */
	bool unanswered;    /* by dice: nobody will */
	int answer;
	bool silent;
	struct end ends[2];
	struct way ways[2];
};

struct listener {
	struct td_net_address address;
	struct link **waiting;
	size_t waiting_count;
};

struct handle {
	struct listener *listener; /* one of the two, or neither: not open */
	struct end *end;
	bool watched;
	uint64_t tag;
	unsigned interest;
};

struct sim_host {
	struct sim_host *next;
	struct sim_net *net;
	struct sim_host_options options;
	struct td_net table;
	struct handle handles[SIM_NET_HANDLES_MAX];
	size_t handles_count; /* open */
	size_t handles_end;   /* above all that are open */
	size_t cursor;        /* where the next look begins */
	bool woken;
	bool dead; /* killed or cut, and not started */
	bool dark; /* cut: what is sent to it waits */
	int64_t deadline;
	uint64_t calls, freeze_at;
};

struct sim_net {
	struct sim_net_options options;
	struct sim_net_dice dice;
	struct sim_host *hosts;
	struct link *links;
	int64_t next_at; /* N3 */
	uint16_t next_port;
};

/* --- dice and traces (fault.c) ------------------------------------------------------------ */

void sim_net_count(struct sim_net *net, enum sim_net_count what);
uint64_t sim_net_below(struct sim_net *net, uint64_t bound);
bool sim_net_chance(struct sim_net *net, unsigned in_million);
/* Up to that, small ones as often as large ones. */
int64_t sim_net_some_ns(struct sim_net *net, int64_t most);
/* Trace a call, and answer its code. */
int sim_net_answer(
	const struct sim_host *host, const char *call, uint64_t what, uint64_t more, int code);

/* --- links (link.c) ----------------------------------------------------------------------- */

int64_t sim_net_now(const struct sim_net *net);
/* What was to happen until now happens. */
void sim_net_settle(struct sim_net *net);
/* Something is to happen then (N3). */
void sim_net_expect(struct sim_net *net, int64_t at);
/* Who asks, and where for. */
struct link *sim_link_new(
	struct sim_net *net, struct sim_host *host, const struct td_net_address *to);
/* Nothing more is written. */
void sim_end_finish(struct sim_net *net, struct end *end);
/* Closed by its process, or by the system for it. The link may go with it (N4). */
void sim_end_close(struct sim_net *net, struct end *end);
/* Its power is gone. The same. */
void sim_end_vanish(struct sim_net *net, struct end *end);
/* Something was put on the way to it. */
void sim_end_sent(struct sim_net *net, struct end *end);
void sim_link_reset(struct sim_net *net, struct link *link);
void sim_link_silence(struct sim_net *net, struct link *link);
void sim_link_free(struct link *link);
struct end *sim_end_other(const struct end *end);
struct way *sim_end_way(const struct end *end); /* that leads to it */

/* --- ways (way.c) ------------------------------------------------------------------------- */

void sim_way_init(struct sim_net *net, struct way *way);
void sim_way_fini(struct way *way);
size_t sim_way_space(const struct way *way);
/* Which fit; on their way from now on. */
void sim_way_put(struct sim_net *net, struct way *way, const uint8_t *bytes, size_t len);
/* Which arrived. */
void sim_way_take(struct way *way, uint8_t *bytes, size_t len);
/* An end or a reset behind all that is there. */
void sim_way_close(struct sim_net *net, struct way *way, enum piece_kind kind);
/* Of what is in flight the last of it, by dice some or all, never arrives. */
void sim_way_lose(struct sim_net *net, struct way *way);
/* Nothing that is in flight arrives, but for a reset. */
void sim_way_clear(struct way *way);
/* The first piece is there; what becomes of its bytes is the caller's. */
struct piece sim_way_pop(struct way *way);
/* The first piece, and so all others, come no sooner than that. */
void sim_way_postpone(struct sim_net *net, struct way *way, int64_t at);
/* What arrived and was not read is gone. */
void sim_way_forget(struct way *way);
/* When its first piece arrives. */
int64_t sim_way_next(const struct way *way);

#endif
