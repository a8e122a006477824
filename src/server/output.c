#include "server/inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * What a session is sent: pieces, of its own or shared, until the net has taken them.
 */

struct td_piece {
	struct td_piece *next;
	struct td_shared *shared; /* NULL: own */
	char *own;
	const char *at;
	size_t len;
};

/* --- shared bytes ------------------------------------------------------------------------- */

#define FRAME_BYTES 20u /* "1234abcd" CRLF before, CRLF behind, and some */

struct td_shared *td_shared_new(struct td_text bytes)
{
	struct td_shared *shared = malloc(sizeof(*shared) + bytes.len + FRAME_BYTES);
	int head;

	if (shared == NULL)
		return NULL;
	head = snprintf(shared->at, FRAME_BYTES, "%zx\r\n", bytes.len);
	TD_ASSERT(head > 0 && bytes.len > 0 && bytes.len < UINT32_MAX - FRAME_BYTES);
	memcpy(shared->at + head, bytes.at, bytes.len);
	memcpy(shared->at + head + bytes.len, "\r\n", 2);
	shared->refs = 1;
	shared->mark = 0;
	shared->inside = (uint32_t)head;
	shared->bytes = (uint32_t)bytes.len;
	shared->len = shared->inside + shared->bytes + 2;
	return shared;
}

struct td_shared *td_shared_ref(struct td_shared *shared)
{
	shared->refs++;
	return shared;
}

void td_shared_unref(struct td_shared *shared)
{
	if (shared != NULL && --shared->refs == 0)
		free(shared);
}

/* --- queue -------------------------------------------------------------------------------- */

static void drop_first(struct td_session *session)
{
	struct td_piece *piece = session->out;

	session->out = piece->next;
	if (session->out == NULL)
		session->out_last = &session->out;
	session->out_sent = 0;
	if (piece->shared != NULL)
		session->out_mark = piece->shared->mark;
	td_shared_unref(piece->shared);
	free(piece->own);
	free(piece);
}

static struct td_piece *add(struct td_session *session, const char *at, size_t len)
{
	struct td_piece *piece = malloc(sizeof(*piece));

	if (piece == NULL)
		return NULL;
	if (session->out == NULL)
		session->stalled_at = session->server->now;
	*piece = (struct td_piece){.at = at, .len = len};
	*session->out_last = piece;
	session->out_last = &piece->next;
	session->out_bytes += len;
	td_server_mark(session);
	return piece;
}

bool td_output_take(struct td_session *session, struct td_buf *buf)
{
	struct td_piece *piece;

	if (buf->len == 0)
		return true;
	piece = add(session, buf->at, buf->len);
	if (piece == NULL)
		return false;
	piece->own = buf->at;
	td_buf_init(buf, buf->max);
	return true;
}

bool td_output_share(struct td_session *session, struct td_shared *shared, bool framed)
{
	struct td_piece *piece = add(session, framed ? shared->at : shared->at + shared->inside,
		framed ? shared->len : shared->bytes);

	if (piece == NULL)
		return false;
	piece->shared = td_shared_ref(shared);
	return true;
}

void td_output_fini(struct td_session *session)
{
	while (session->out != NULL)
		drop_first(session);
	session->out_bytes = 0;
}

size_t td_output_cut(struct td_session *session)
{
	struct td_piece **link = &session->out, *piece;
	size_t cut = 0;

	if (session->out_sent > 0) { /* this one goes on, whatever happens */
		if ((*link)->shared != NULL)
			session->out_mark = (*link)->shared->mark;
		link = &(*link)->next;
	}
	while ((piece = *link) != NULL) {
		*link = piece->next;
		cut += piece->len;
		td_shared_unref(piece->shared);
		free(piece->own);
		free(piece);
	}
	session->out_last = link;
	session->out_bytes -= cut;
	return cut;
}

size_t td_output_bytes(const struct td_session *session)
{
	size_t bytes = 0;

	for (const struct td_piece *piece = session->out; piece != NULL; piece = piece->next)
		bytes += piece->len;
	return bytes - session->out_sent;
}

/* --- sending ------------------------------------------------------------------------------ */

static int write_parts(
	struct td_session *session, const struct td_net_part *parts, size_t count, size_t *put)
{
	const struct td_net *net = session->server->seams.net;
	const struct td_channel *channel = &session->channel;

	if (channel->kind != NULL)
		return channel->kind->write(
			channel->state, net, session->connection, parts, count, put);
	return td_net_write_parts(net, session->connection, parts, count, put);
}

static void took(struct td_session *session, size_t put)
{
	session->bytes_out += put;
	session->server->counters.bytes_out += put;
	session->out_bytes -= put;
	while (put > 0) {
		size_t left;

		TD_ASSERT(session->out != NULL); /* no more is taken than there was */
		left = session->out->len - session->out_sent;
		if (put < left) {
			session->out_sent += put - (TD_BUG(408) && put > 1);
			return;
		}
		put -= left;
		drop_first(session);
	}
}

int td_output_flush(struct td_session *session, bool *sent)
{
	struct td_net_part parts[TD_NET_PARTS_MAX];
	int code = 0;

	*sent = false;
	while (code == 0 && session->out != NULL) {
		size_t count = 0, put = 0, skip = session->out_sent;

		for (const struct td_piece *piece = session->out;
			piece != NULL && count < TD_NET_PARTS_MAX; piece = piece->next) {
			parts[count++] = (struct td_net_part){piece->at + skip, piece->len - skip};
			skip = 0;
		}
		code = write_parts(session, parts, count, &put);
		if (code == 0 && put > 0) {
			*sent = true;
			took(session, put);
		} else if (code == 0) {
			code = EAGAIN;
		}
	}
	if (code == 0 && session->channel.kind != NULL &&
		session->channel.kind->has_output(session->channel.state))
		code = session->channel.kind->flush(
			session->channel.state, session->server->seams.net, session->connection);
	return code;
}
