#include "link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- time --------------------------------------------------------------------------------- */

int64_t sim_net_now(const struct sim_net *net)
{
	return net->options.world->now_ns;
}

void sim_net_expect(struct sim_net *net, int64_t at)
{
	if (at < net->next_at)
		net->next_at = at;
}

/* Until somebody who hears nothing gives up. */
static int64_t patience(struct sim_net *net)
{
	int64_t more = net->dice.patience_ns_max - SECOND;

	return sim_net_now(net) + SECOND +
	       (more > 0 ? (int64_t)sim_net_below(net, (uint64_t)more) : 0);
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t state_next(const struct link *link)
{
	if (link->state == LINK_OPEN)
		return NEVER;
	return link->state == LINK_ASKING ? least(link->state_at, link->asks_until)
					  : link->state_at;
}

static int64_t link_next(const struct link *link)
{
	int64_t next = least(link->ways[0].ends_at, link->ways[1].ends_at);

	if (link->silent)
		return next;
	next = least(next, state_next(link));
	next = least(next, sim_way_next(&link->ways[0]));
	return least(next, sim_way_next(&link->ways[1]));
}

/* --- ends --------------------------------------------------------------------------------- */

static size_t index_of(const struct end *end)
{
	return (size_t)(end - end->link->ends);
}

struct end *sim_end_other(const struct end *end)
{
	return &end->link->ends[1 - index_of(end)];
}

struct way *sim_end_way(const struct end *end)
{
	return &end->link->ways[index_of(end)];
}

static void break_off(struct sim_net *net, struct end *end, int code)
{
	struct way *way = sim_end_way(end);

	if (end->gone || end->closed)
		return;
	end->gone = true;
	end->error = code;
	sim_way_clear(way);
	sim_way_clear(sim_end_way(sim_end_other(end)));
	if (way->arrived > 0 && sim_net_chance(net, net->dice.read_lost)) {
		sim_way_forget(way);
		sim_net_count(net, SIM_NET_COUNT_READ_LOST);
	}
}

/* Who writes on a silent link gives up some time. */
void sim_end_sent(struct sim_net *net, struct end *end)
{
	struct way *way = sim_end_way(end);

	if (!end->link->silent || way->pieces_count == 0 || way->ends_at != NEVER)
		return;
	way->ends_at = patience(net);
	sim_net_expect(net, way->ends_at);
}

static void send(struct sim_net *net, struct end *to, enum piece_kind kind)
{
	sim_way_close(net, sim_end_way(to), kind);
	sim_end_sent(net, to);
}

void sim_end_finish(struct sim_net *net, struct end *end)
{
	if (end->finished || end->gone)
		return;
	end->finished = true;
	send(net, sim_end_other(end), PIECE_END);
	if (!end->ended)
		sim_net_count(net, SIM_NET_COUNT_HALF_CLOSED);
}

void sim_link_free(struct link *link)
{
	sim_way_fini(&link->ways[0]);
	sim_way_fini(&link->ways[1]);
	free(link);
}

/* N4. Who is asked and does not know it holds nothing. */
static void drop_if_closed(struct sim_net *net, struct link *link)
{
	struct link **at = &net->links;

	if (!link->ends[0].closed || !(link->ends[1].closed || link->ends[1].host == NULL))
		return;
	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	sim_link_free(link);
}

void sim_end_close(struct sim_net *net, struct end *end)
{
	struct end *other = sim_end_other(end);
	struct way *way = sim_end_way(end);

	if (!end->gone && other->host != NULL && !other->closed) {
		if (way->arrived > 0) {
			sim_net_count(net, SIM_NET_COUNT_UNREAD);
			sim_way_lose(net, sim_end_way(other));
			send(net, other, PIECE_RESET);
		} else if (!end->finished) {
			send(net, other, PIECE_END);
		}
	}
	end->closed = true;
	sim_way_forget(way);
	drop_if_closed(net, end->link);
}

void sim_end_vanish(struct sim_net *net, struct end *end)
{
	sim_way_lose(net, sim_end_way(sim_end_other(end)));
	end->closed = end->vanished = true;
	sim_way_forget(sim_end_way(end));
	drop_if_closed(net, end->link);
}

/* --- links -------------------------------------------------------------------------------- */

void sim_link_reset(struct sim_net *net, struct link *link)
{
	for (int i = 0; i < 2; i++) {
		sim_way_lose(net, &link->ways[i]);
		send(net, &link->ends[i], PIECE_RESET);
	}
}

void sim_link_silence(struct sim_net *net, struct link *link)
{
	link->silent = true;
	sim_end_sent(net, &link->ends[0]);
	sim_end_sent(net, &link->ends[1]);
}

struct link *sim_link_new(
	struct sim_net *net, struct sim_host *host, const struct td_net_address *to)
{
	struct link *link = calloc(1, sizeof(*link)), **last = &net->links;

	TD_ASSERT(link != NULL);
	for (int i = 0; i < 2; i++) {
		link->ends[i].link = link;
		sim_way_init(net, &link->ways[i]);
	}
	link->ends[0].host = host;
	link->ends[0].address = host->options.address;
	link->ends[0].address.port = net->next_port;
	net->next_port =
		net->next_port < UINT16_MAX ? (uint16_t)(net->next_port + 1) : SIM_NET_FIRST_PORT;
	link->ends[1].address = *to;
	link->unanswered = sim_net_chance(net, net->dice.unanswered);
	link->state_at = sim_net_now(net) + link->ways[1].latency_ns;
	link->asks_until = patience(net);
	sim_net_expect(net, least(link->state_at, link->asks_until));
	while (*last != NULL)
		last = &(*last)->next;
	*last = link;
	return link;
}

/* --- asking and being answered ------------------------------------------------------------ */

static bool listens_at(const struct listener *listener, const struct td_net_address *to)
{
	static const uint8_t any[16];
	const struct td_net_address *at = &listener->address;

	if (at->family != to->family || at->port != to->port)
		return false;
	return memcmp(at->bytes, any, sizeof(any)) == 0 ||
	       memcmp(at->bytes, to->bytes, sizeof(any)) == 0;
}

static struct listener *find_listener(
	struct sim_net *net, const struct td_net_address *to, struct sim_host **host)
{
	for (*host = net->hosts; *host != NULL; *host = (*host)->next)
		for (size_t i = 0; i < (*host)->handles_end; i++) {
			struct listener *listener = (*host)->handles[i].listener;

			if (listener != NULL && listens_at(listener, to))
				return listener;
		}
	return NULL;
}

static void answer(struct sim_net *net, struct link *link, int code)
{
	link->state = LINK_ANSWERED;
	link->answer = code;
	link->state_at = sim_net_now(net) + link->ways[0].latency_ns;
	sim_net_expect(net, link->state_at);
}

/* Asked again, as long as there is patience. */
static void ask_later(struct sim_net *net, struct link *link)
{
	link->state_at = sim_net_now(net) + SECOND;
	sim_net_expect(net, link->state_at);
}

static void let_wait(struct sim_net *net, struct link *link, struct listener *listener)
{
	size_t count = listener->waiting_count + 1;

	listener->waiting = realloc(listener->waiting, count * sizeof(struct link *));
	TD_ASSERT(listener->waiting != NULL);
	listener->waiting[count - 1] = link;
	listener->waiting_count = count;
	answer(net, link, 0);
	if (sim_net_chance(net, net->dice.aborted)) {
		sim_net_count(net, SIM_NET_COUNT_ABORTED);
		sim_link_reset(net, link);
	}
}

static void ask(struct sim_net *net, struct link *link)
{
	struct sim_host *host;
	struct listener *listener = find_listener(net, &link->ends[1].address, &host);

	if (link->unanswered) {
		link->state_at = NEVER;
	} else if (sim_net_chance(net, net->dice.denied)) {
		sim_net_count(net, SIM_NET_COUNT_DENIED);
		answer(net, link, ECONNREFUSED);
	} else if (listener == NULL) {
		sim_net_count(net, SIM_NET_COUNT_REFUSED);
		answer(net, link, ECONNREFUSED);
	} else if (host->dark) {
		ask_later(net, link);
	} else if (listener->waiting_count >= host->options.queue_max) {
		sim_net_count(net, SIM_NET_COUNT_CROWDED);
		ask_later(net, link);
	} else {
		link->ends[1].host = host;
		let_wait(net, link, listener);
	}
}

static void next_state(struct sim_net *net, struct link *link)
{
	if (link->state == LINK_ANSWERED) {
		link->state = LINK_OPEN;
		if (link->answer != 0)
			break_off(net, &link->ends[0], link->answer);
	} else if (sim_net_now(net) >= link->asks_until) {
		sim_net_count(net, SIM_NET_COUNT_UNANSWERED);
		link->answer = ETIMEDOUT;
		link->state = LINK_OPEN;
		break_off(net, &link->ends[0], ETIMEDOUT);
	} else {
		ask(net, link);
	}
}

/* --- what arrives ------------------------------------------------------------------------- */

/* At an end that nobody holds any more. */
static void arrive_late(struct sim_net *net, struct end *end)
{
	struct way *way = sim_end_way(end);
	struct end *other = sim_end_other(end);
	enum piece_kind kind;

	if (end->vanished && end->host->dark) {
		if (way->ends_at == NEVER) {
			way->ends_at = patience(net);
			sim_net_expect(net, way->ends_at);
		}
		sim_way_postpone(net, way, sim_net_now(net) + SECOND);
		return;
	}
	kind = way->pieces[0].kind;
	while (way->pieces_count > 0)
		way->len -= sim_way_pop(way).len;
	if (kind == PIECE_BYTES || (kind == PIECE_END && end->vanished)) {
		sim_net_count(net, SIM_NET_COUNT_LATE);
		send(net, other, PIECE_RESET);
	}
}

static void arrive(struct sim_net *net, struct end *end)
{
	struct way *way = sim_end_way(end);
	struct piece piece;

	if (end->closed) {
		arrive_late(net, end);
		return;
	}
	piece = sim_way_pop(way);
	if (end->gone)
		way->len -= piece.len;
	else if (piece.kind == PIECE_BYTES)
		way->arrived += piece.len;
	else if (piece.kind == PIECE_END)
		end->ended = true;
	else
		break_off(net, end, end->ended ? EPIPE : ECONNRESET);
}

/* Who wrote hears nothing for too long. */
static void give_up(struct sim_net *net, struct way *way, struct end *writer)
{
	way->ends_at = NEVER;
	if (writer->gone || writer->closed || way->pieces_count == 0)
		return;
	sim_net_count(net, SIM_NET_COUNT_TIMED_OUT);
	break_off(net, writer, ETIMEDOUT);
}

/* One thing of a link, which is due. */
static void happen(struct sim_net *net, struct link *link)
{
	int64_t now = sim_net_now(net);
	int64_t first = sim_way_next(&link->ways[0]), second = sim_way_next(&link->ways[1]);

	if (link->ways[0].ends_at <= now)
		give_up(net, &link->ways[0], &link->ends[1]);
	else if (link->ways[1].ends_at <= now)
		give_up(net, &link->ways[1], &link->ends[0]);
	else if (state_next(link) <= now)
		next_state(net, link);
	else
		arrive(net, &link->ends[first <= second ? 0 : 1]);
}

void sim_net_settle(struct sim_net *net)
{
	while (net->next_at <= sim_net_now(net)) {
		struct link *first = NULL;
		int64_t next = NEVER;

		for (struct link *link = net->links; link != NULL; link = link->next) {
			int64_t at = link_next(link);

			if (at < next) {
				next = at;
				first = link;
			}
		}
		net->next_at = next;
		if (first != NULL && next <= sim_net_now(net))
			happen(net, first);
	}
}
