#include "talk.h"

#include <string.h>

#define OUT_MAX ((size_t)16 << 20)

void talk_init(struct talk *talk, const struct td_net *net)
{
	*talk = (struct talk){
		.net = net,
		.connection = -1,
		.out = TD_BUF_INIT(OUT_MAX),
		.in = TD_BUF_INIT(OUT_MAX),
		.reply = REPLY_INIT,
	};
}

void talk_end(struct talk *talk)
{
	td_net_close(talk->net, talk->connection);
	talk->connection = -1;
	talk->open = talk->hopeless = false;
	td_buf_reset(&talk->out);
	td_buf_reset(&talk->in);
	talk->said = talk->taken = 0;
	reply_reset(&talk->reply);
}

void talk_fini(struct talk *talk)
{
	talk_end(talk);
	td_buf_fini(&talk->out);
	td_buf_fini(&talk->in);
	reply_fini(&talk->reply);
}

bool talk_begin(struct talk *talk, const struct td_net_address *to)
{
	int connection;

	if (td_net_connect(talk->net, to, &connection) != 0)
		return false;
	talk->connection = connection;
	return true;
}

/* 0: some was said, or there is nothing to say. */
static int say(struct talk *talk)
{
	size_t put = 0;
	int code;

	if (talk_is_said(talk))
		return 0;
	code = td_net_write(talk->net, talk->connection, talk->out.at + talk->said,
		talk->out.len - talk->said, &put);
	talk->said += put;
	if (talk_is_said(talk)) {
		td_buf_reset(&talk->out);
		talk->said = 0;
	}
	return code == EAGAIN ? 0 : code;
}

static void parse(struct talk *talk)
{
	talk->taken +=
		reply_take(&talk->reply, talk->in.at + talk->taken, talk->in.len - talk->taken);
	if (talk->taken == talk->in.len) {
		td_buf_reset(&talk->in);
		talk->taken = 0;
	}
}

/* 0: some came; EAGAIN; else it is over. */
static int hear(struct talk *talk)
{
	char bytes[2048];
	size_t got = 0;
	int code = td_net_read(talk->net, talk->connection, bytes, sizeof(bytes), &got);

	if (code != 0)
		return code;
	if (got == 0)
		return EPIPE;
	td_buf_add(&talk->in, bytes, got);
	parse(talk);
	return 0;
}

enum talk_news talk_step(struct talk *talk)
{
	int code = 0;

	if (talk->hopeless)
		return TALK_BROKEN;
	if (!talk->open) {
		code = td_net_connected(talk->net, talk->connection);
		if (code == EAGAIN)
			return TALK_NOTHING;
		if (code != 0)
			return TALK_BROKEN;
		talk->open = true;
	}
	if (reply_is_done(&talk->reply))
		return TALK_REPLY;
	/* Whoever closed may have answered before: what cannot be said does not hinder hearing. */
	(void)say(talk);
	code = hear(talk);
	if (reply_is_done(&talk->reply))
		return TALK_REPLY;
	if (code == EAGAIN)
		return TALK_NOTHING;
	return code == 0 ? TALK_MORE : TALK_BROKEN;
}

void talk_go_on(struct talk *talk)
{
	reply_reset(&talk->reply);
	parse(talk);
}
