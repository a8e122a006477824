#include "link.h"

#include <stdlib.h>
#include <string.h>

#define ROOM (64 * 1024)

void sim_way_init(struct sim_net *net, struct way *way)
{
	const struct sim_net_dice *dice = &net->dice;

	*way = (struct way){.room = ROOM, .ends_at = NEVER};
	way->latency_ns = sim_net_some_ns(net, dice->latency_ns_max);
	if (sim_net_chance(net, dice->slow)) {
		way->rate = 1 + sim_net_below(net, dice->slow_bytes_max);
		sim_net_count(net, SIM_NET_COUNT_SLOW);
	}
	if (sim_net_chance(net, dice->small)) {
		way->room = 1 + sim_net_below(net, dice->small_bytes_max);
		sim_net_count(net, SIM_NET_COUNT_SMALL);
	}
	way->bytes = malloc(way->room);
	TD_ASSERT(way->bytes != NULL);
}

void sim_way_fini(struct way *way)
{
	free(way->bytes);
	free(way->pieces);
}

size_t sim_way_space(const struct way *way)
{
	return way->room - way->len;
}

static void add_piece(struct sim_net *net, struct way *way, enum piece_kind kind, size_t len)
{
	int64_t at = sim_net_now(net) + way->latency_ns;

	if (way->pieces_count == way->pieces_cap) {
		way->pieces_cap = way->pieces_cap * 2 + 8;
		way->pieces = realloc(way->pieces, way->pieces_cap * sizeof(*way->pieces));
		TD_ASSERT(way->pieces != NULL);
	}
	if (sim_net_chance(net, net->dice.stall)) {
		at += sim_net_some_ns(net, net->dice.stall_ns_max);
		sim_net_count(net, SIM_NET_COUNT_STALL);
	}
	if (at < way->last_at)
		at = way->last_at;
	if (way->rate > 0)
		at += (int64_t)(len * (uint64_t)SECOND / way->rate);
	way->last_at = at;
	way->pieces[way->pieces_count++] = (struct piece){kind, len, at};
	sim_net_expect(net, at);
}

/* One behind the other; the ring may be wrapped. */
static void copy_in(struct way *way, const uint8_t *bytes, size_t len)
{
	size_t from = (way->start + way->len) % way->room, first = way->room - from;

	if (first > len)
		first = len;
	memcpy(way->bytes + from, bytes, first);
	memcpy(way->bytes, bytes + first, len - first);
	way->len += len;
}

void sim_way_put(struct sim_net *net, struct way *way, const uint8_t *bytes, size_t len)
{
	bool split = len > 1 && sim_net_chance(net, net->dice.split);

	TD_ASSERT(len <= sim_way_space(way));
	copy_in(way, bytes, len);
	if (split)
		sim_net_count(net, SIM_NET_COUNT_SPLIT);
	while (len > 0) {
		size_t piece = split ? 1 + sim_net_below(net, len) : len;

		add_piece(net, way, PIECE_BYTES, piece);
		len -= piece;
	}
}

void sim_way_take(struct way *way, uint8_t *bytes, size_t len)
{
	size_t first = way->room - way->start;

	TD_ASSERT(len <= way->arrived && way->arrived <= way->len);
	if (first > len)
		first = len;
	memcpy(bytes, way->bytes + way->start, first);
	memcpy(bytes + first, way->bytes, len - first);
	way->start = (way->start + len) % way->room;
	way->len -= len;
	way->arrived -= len;
}

void sim_way_close(struct sim_net *net, struct way *way, enum piece_kind kind)
{
	add_piece(net, way, kind, 0);
}

static void drop_last(struct way *way)
{
	way->len -= way->pieces[--way->pieces_count].len;
}

void sim_way_lose(struct sim_net *net, struct way *way)
{
	size_t keep = sim_net_below(net, way->pieces_count + 1);

	while (way->pieces_count > keep) {
		if (way->pieces[way->pieces_count - 1].len > 0)
			sim_net_count(net, SIM_NET_COUNT_FLIGHT_LOST);
		drop_last(way);
	}
	way->last_at = keep > 0 ? way->pieces[keep - 1].at : 0;
}

void sim_way_clear(struct way *way)
{
	struct piece reset = {0};

	while (way->pieces_count > 0) {
		if (way->pieces[way->pieces_count - 1].kind == PIECE_RESET)
			reset = way->pieces[way->pieces_count - 1];
		drop_last(way);
	}
	if (reset.kind == PIECE_RESET)
		way->pieces[way->pieces_count++] = reset;
}

struct piece sim_way_pop(struct way *way)
{
	struct piece first = way->pieces[0];

	TD_ASSERT(way->pieces_count > 0 && way->arrived + first.len <= way->len); /* N2 */
	way->pieces_count--;
	memmove(way->pieces, way->pieces + 1, way->pieces_count * sizeof(*way->pieces));
	return first;
}

void sim_way_postpone(struct sim_net *net, struct way *way, int64_t at)
{
	for (size_t i = 0; i < way->pieces_count; i++)
		if (way->pieces[i].at < at)
			way->pieces[i].at = at;
	if (way->last_at < at)
		way->last_at = at;
	sim_net_expect(net, at);
}

void sim_way_forget(struct way *way)
{
	way->start = (way->start + way->arrived) % way->room;
	way->len -= way->arrived;
	way->arrived = 0;
}

int64_t sim_way_next(const struct way *way)
{
	return way->pieces_count > 0 ? way->pieces[0].at : NEVER;
}
