#include "server/inside.h"

#include <errno.h>
#include <stdlib.h>

/*
 * Connections come, are read and written, and go.
 */

#define READS_MAX 4 /* of a session in one turn, so that others come to theirs */

/* --- come --------------------------------------------------------------------------------- */

static void timer_fired(struct td_timer *timer);

static bool take_slot(struct td_server *server, struct td_session *session)
{
	uint32_t slot = server->slots_free;

	if (slot == 0) { /* slots are counted from 1 */
		uint32_t count = server->slots_count == 0 ? 64 : 2 * server->slots_count;
		struct td_slot *slots = realloc(server->slots, count * sizeof(*slots));

		if (slots == NULL)
			return false;
		memset(slots + server->slots_count, 0,
			(count - server->slots_count) * sizeof(*slots));
		server->slots = slots;
		for (uint32_t i = count; i-- > server->slots_count;) {
			slots[i].next_free = server->slots_free;
			server->slots_free = i + 1;
		}
		server->slots_count = count;
		slot = server->slots_free;
	}
	server->slots_free = server->slots[slot - 1].next_free;
	server->slots[slot - 1].session = session;
	session->slot = slot - 1;
	return true;
}

static void give_slot(struct td_session *session)
{
	struct td_server *server = session->server;
	struct td_slot *slot = &server->slots[session->slot];

	slot->session = NULL;
	slot->generation++;
	slot->next_free = server->slots_free;
	server->slots_free = session->slot + 1;
}

/* Listeners have tags below TD_LISTENERS_MAX: a slot's are above. */
static uint64_t tag_of(const struct td_session *session)
{
	return (uint64_t)session->server->slots[session->slot].generation << 32 |
	       (session->slot + TD_LISTENERS_MAX);
}

static void channel_free(struct td_channel *channel)
{
	if (channel->kind != NULL)
		channel->kind->free(channel->state);
	channel->kind = NULL;
}

/* All that may fail. */
static bool enter(struct td_session *session)
{
	struct td_server *server = session->server;

	if (!td_timers_add(&server->timers))
		return false;
	if (take_slot(server, session)) {
		if (td_net_watch(server->seams.net, session->connection, tag_of(session),
			    TD_NET_READ) == 0)
			return true;
		give_slot(session);
	}
	td_timers_drop(&server->timers);
	return false;
}

static int refuse(struct td_server *server, int connection, struct td_channel *channel, int code,
	struct td_error *err)
{
	channel_free(channel);
	td_net_close(server->seams.net, connection);
	return code == TD_E_NOMEM ? td_error_nomem(err) : code;
}

int td_session_open(struct td_server *server, int connection, const struct td_net_address *peer,
	struct td_channel channel, struct td_error *err)
{
	struct td_session *session = calloc(1, sizeof(*session));

	if (session == NULL)
		return refuse(server, connection, &channel, TD_E_NOMEM, err);
	session->server = server;
	session->connection = connection;
	session->peer = *peer;
	session->opened = server->wall;
	session->exchanges_last = &session->exchanges;
	session->out_last = &session->out;
	session->timer.fire = timer_fired;
	for (size_t i = 0; i < TD_DUES; i++)
		session->due[i] = INT64_MAX;
	if (!enter(session)) {
		free(session);
		return refuse(server, connection, &channel, TD_E_NOMEM, err);
	}
	session->watched = TD_NET_READ;
	session->channel = channel;
	session->number = ++server->sessions_ever;
	session->link = &server->sessions;
	session->next = server->sessions;
	if (session->next != NULL)
		session->next->link = &session->next;
	server->sessions = session;
	server->sessions_count++;
	/* A handshake counts as a head: it is not for nothing that somebody connects. */
	if (channel.kind != NULL)
		session->due[TD_DUE_HEAD] = server->now + server->limits.head_ms * 1000000;
	else
		session->due[TD_DUE_IDLE] = server->now + server->limits.idle_ms * 1000000;
	if (channel.kind != NULL && channel.kind->opened != NULL)
		channel.kind->opened(channel.state, session);
	td_server_mark(session);
	return 0;
}

/* --- go ----------------------------------------------------------------------------------- */

void td_session_drop(struct td_session *session)
{
	struct td_server *server = session->server;
	struct td_exchange *x;

	if (session->gone)
		return;
	session->gone = true;
	while ((x = session->exchanges) != NULL) {
		session->exchanges = x->next;
		td_exchange_leave(x);
	}
	session->current = NULL;
	td_timer_clear(&server->timers, &session->timer);
	td_timers_drop(&server->timers);
	td_intake_fini(session);
	td_output_fini(session);
	channel_free(&session->channel);
	td_net_close(server->seams.net, session->connection);
	give_slot(session);
	*session->link = session->next;
	if (session->next != NULL)
		session->next->link = session->link;
	server->sessions_count--;
	session->next = server->graves;
	server->graves = session;
	for (size_t i = 0; i < server->listeners_count; i++) {
		struct td_listener *listener = &server->listeners[i];

		if (listener->paused && !server->stopping &&
			td_net_watch(server->seams.net, listener->handle, i, TD_NET_READ) == 0)
			listener->paused = false;
	}
}

/* All that will ever be sent was: say so, and read on until the other side has, too. */
static void finish(struct td_session *session)
{
	struct td_server *server = session->server;
	int code;

	if (session->ended) {
		td_session_drop(session);
		return;
	}
	if (session->channel.kind != NULL)
		code = session->channel.kind->finish(
			session->channel.state, server->seams.net, session->connection);
	else
		code = td_net_finish(server->seams.net, session->connection);
	if (code != 0) {
		td_session_drop(session);
		return;
	}
	session->finished = true;
	session->phase = TD_SESSION_LINGER;
	for (size_t i = 0; i < TD_DUES; i++)
		session->due[i] = INT64_MAX;
	session->due[TD_DUE_LINGER] = server->now + server->limits.linger_ms * 1000000;
}

/* --- bytes -------------------------------------------------------------------------------- */

static int read_some(struct td_session *session, char *bytes, size_t len, size_t *got)
{
	const struct td_net *net = session->server->seams.net;

	if (session->channel.kind != NULL)
		return session->channel.kind->read(
			session->channel.state, net, session->connection, bytes, len, got);
	return td_net_read(net, session->connection, bytes, len, got);
}

/* What its channel has read already, the net does not tell of. */
static bool has_input(const struct td_session *session)
{
	return session->channel.kind != NULL &&
	       session->channel.kind->has_input(session->channel.state);
}

static void ended(struct td_session *session)
{
	session->ended = true;
	if (TD_BUG(404) && session->phase == TD_SESSION_BODY)
		session->phase = TD_SESSION_READY;
	if (session->phase == TD_SESSION_LINGER || session->phase == TD_SESSION_STREAM ||
		(session->phase == TD_SESSION_BODY && session->exchanges == session->current))
		td_session_drop(session);
	else
		td_intake_go(session);
}

static void take_input(struct td_session *session)
{
	for (int i = 0; i < READS_MAX && !session->gone; i++) {
		size_t len, got = 0;
		char *room = td_intake_room(session, &len);
		int code;

		if (room == NULL)
			break;
		code = read_some(session, room, len, &got);
		if (code == EAGAIN)
			break;
		if (code != 0) {
			td_session_drop(session);
			break;
		}
		if (got == 0) {
			ended(session);
			break;
		}
		td_intake_got(session, got);
		if (got < len)
			break;
	}
	if (!session->gone)
		td_intake_settle(session);
}

void td_session_ready(struct td_session *session, unsigned ready)
{
	if (session->gone)
		return;
	if ((ready & TD_NET_GONE) != 0) {
		td_session_drop(session);
		return;
	}
	if ((ready & TD_NET_WRITE) != 0)
		session->flushing = false;
	if ((ready & TD_NET_READ) != 0)
		take_input(session);
	if (!session->gone)
		td_server_mark(session);
}

void td_session_kick(struct td_session *session)
{
	if (!session->gone)
		td_server_mark(session);
}

/* --- time --------------------------------------------------------------------------------- */

static int64_t earliest(const struct td_session *session)
{
	const struct td_server_limits *limits = &session->server->limits;
	int64_t first = INT64_MAX, due;

	for (size_t i = 0; i < TD_DUES; i++)
		first = session->due[i] < first ? session->due[i] : first;
	if (session->out != NULL) {
		due = session->stalled_at + limits->stall_ms * 1000000;
		first = due < first ? due : first;
	} else if (session->phase == TD_SESSION_STREAM) {
		due = session->spoke_at + limits->heartbeat_ms * 1000000;
		first = due < first ? due : first;
	}
	return first;
}

/* One that is set for earlier fires, and is set anew then. */
static void arm(struct td_session *session)
{
	struct td_timers *timers = &session->server->timers;
	int64_t due = earliest(session);

	if (due == INT64_MAX)
		td_timer_clear(timers, &session->timer);
	else if (session->timer.at == 0 || due < session->timer.due)
		td_timer_set(timers, &session->timer, due);
}

static bool is_due(const struct td_session *session, enum td_due due)
{
	return session->due[due] <= session->server->now;
}

static void too_slow(struct td_session *session, const char *what)
{
	session->server->counters.timeouts++;
	td_intake_refuse(session, 408, what);
}

static void position_is_not_there(struct td_session *session)
{
	struct td_exchange *x = session->current;
	struct td_error err = TD_ERROR_INIT;

	td_exchange_wait_no_more(x, &session->server->early_last);
	td_error_set(&err, TD_E_TIMEOUT, TD_NO_OFFSET,
		"min-position: position %llu is not there yet",
		(unsigned long long)x->min_position);
	td_intake_answer(session, TD_E_TIMEOUT, &err);
}

static void stalled(struct td_session *session)
{
	struct td_exchange *x = session->exchanges;

	session->server->counters.timeouts++;
	if (session->phase == TD_SESSION_STREAM && x != NULL && x->stream != NULL &&
		x->stream->stalled != NULL)
		x->stream->stalled(x);
	else
		td_session_drop(session);
}

static void timer_fired(struct td_timer *timer)
{
	struct td_session *session =
		(struct td_session *)(void *)((char *)timer - offsetof(struct td_session, timer));
	const struct td_server *server = session->server;
	const struct td_server_limits *limits = &server->limits;

	if (session->out != NULL &&
		session->stalled_at + limits->stall_ms * 1000000 <= server->now) {
		stalled(session);
	} else if (is_due(session, TD_DUE_HEAD)) {
		too_slow(session, "the head did not come in time");
	} else if (is_due(session, TD_DUE_BODY)) {
		too_slow(session, "the body did not come in time");
	} else if (is_due(session, TD_DUE_POSITION)) {
		position_is_not_there(session);
	} else if (is_due(session, TD_DUE_LINGER) || is_due(session, TD_DUE_IDLE)) {
		td_session_drop(session);
	} else if (session->phase == TD_SESSION_STREAM && session->out == NULL &&
		   session->spoke_at + limits->heartbeat_ms * 1000000 <= server->now) {
		struct td_exchange *x = session->exchanges;

		if (x != NULL && x->stream != NULL)
			x->stream->silent(x);
		session->spoke_at = server->now;
	}
	if (!session->gone)
		td_server_mark(session);
}

/* --- the end of a turn -------------------------------------------------------------------- */

static void send(struct td_session *session)
{
	bool sent, had = session->out != NULL;
	int code;

	if (session->flushing)
		return;
	code = td_output_flush(session, &sent);
	if (sent)
		session->stalled_at = session->server->now;
	session->flushing = code == EAGAIN;
	if (code != 0 && code != EAGAIN) {
		td_session_drop(session);
		return;
	}
	if (had && session->out == NULL && session->phase == TD_SESSION_STREAM) {
		struct td_exchange *x = session->exchanges;

		if (x != NULL && x->stream != NULL)
			x->stream->drained(x);
	}
}

static void watch(struct td_session *session)
{
	unsigned interest = session->flushing ? TD_NET_WRITE : 0;

	if (td_intake_wants(session))
		interest |= TD_NET_READ;
	if (interest == session->watched)
		return;
	if (td_net_watch(session->server->seams.net, session->connection, tag_of(session),
		    interest) != 0) {
		td_session_drop(session);
		return;
	}
	session->watched = (uint8_t)interest;
}

void td_session_rest(struct td_session *session)
{
	bool was_full = !td_intake_wants(session);

	if (session->gone)
		return;
	send(session);
	if (session->gone)
		return;
	if (session->closes && session->exchanges == NULL && session->out == NULL &&
		!session->finished && !session->flushing)
		finish(session);
	if (!session->gone)
		watch(session);
	if (!session->gone)
		arm(session);
	/* What stands there already, no net will tell of. */
	if (!session->gone && td_intake_wants(session) &&
		(has_input(session) || (was_full && session->in_start < session->in_end)))
		td_server_mark_again(session);
}

void td_session_go(struct td_session *session)
{
	if (!session->gone && (session->again || has_input(session))) {
		session->again = false;
		take_input(session);
	}
	if (!session->gone)
		td_intake_go(session);
}

void td_session_wind_down(struct td_session *session)
{
	struct td_exchange *x = session->exchanges;

	if (session->phase == TD_SESSION_STREAM && x != NULL && x->stream != NULL)
		td_stream_end(x);
	else if (session->exchanges == NULL && session->phase == TD_SESSION_HEAD)
		session->closes = true;
	td_server_mark(session);
}

void td_session_verify(const struct td_session *session)
{
	size_t bytes = 0;
	unsigned count = 0;

	TD_ASSERT(session->in_start <= session->in_end && session->in_end <= session->in_cap);
	for (const struct td_exchange *x = session->exchanges; x != NULL; x = x->next, count++) {
		TD_ASSERT(x->session == session);
		/* H2: nothing behind the one that is not handled. */
		TD_ASSERT(x != session->current || x->next == NULL);
	}
	TD_ASSERT(count == session->exchanges_count);
	bytes = td_output_bytes(session);
	TD_ASSERT(bytes == session->out_bytes);
}
