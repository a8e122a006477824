/*
 * One side of a conversation: a connection of the clients' host, what is still to be said on it, and
 * the answer that comes.
 */
#ifndef SIM_SERVER_TALK_H
#define SIM_SERVER_TALK_H

#include "net/net.h"
#include "reply.h"

struct talk {
	const struct td_net *net;
	int connection; /* -1: none */
	bool open;      /* it is connected */
	bool hopeless;  /* whoever waits for an answer has waited for too long */
	struct td_buf out;
	size_t said; /* of it */
	struct td_buf in;
	size_t taken; /* of it */
	struct reply reply;
};

enum talk_news {
	TALK_NOTHING,
	TALK_MORE,  /* some of an answer came */
	TALK_REPLY, /* a whole one: talk->reply, until talk_go_on() */
	TALK_BROKEN, /* refused, broken off, or ended: talk_end(), and what was not answered never is */
};

void talk_init(struct talk *talk, const struct td_net *net);
/* Closes, and forgets all. It can begin again. */
void talk_end(struct talk *talk);
void talk_fini(struct talk *talk);
static inline bool talk_is_on(const struct talk *talk)
{
	return talk->connection >= 0;
}

/* Connect; false: not now. */
bool talk_begin(struct talk *talk, const struct td_net_address *to);
/* Say some of it, hear some of it: a call or two. */
enum talk_news talk_step(struct talk *talk);
/* The reply was read: on to the next. */
void talk_go_on(struct talk *talk);
/* All was said. */
static inline bool talk_is_said(const struct talk *talk)
{
	return talk->said == talk->out.len;
}

#endif
