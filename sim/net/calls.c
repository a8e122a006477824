/*
 * The table of a host: what each call makes of links and handles. Errors are those of Linux, where
 * it was seen what they are (test/sys/net_conformance.h plays both).
 */
#include "link.h"

#include <stdlib.h>

#include "host.h"

#define WAIT_NS 10000 /* what a wait takes at least, where it takes time at all */

/* --- at the door of a call ---------------------------------------------------------------- */

static int begin(struct sim_host *host)
{
	if (sim_host_frozen(host))
		return SIM_NET_DEAD;
	host->calls++;
	sim_net_settle(host->net);
	return 0;
}

static bool same_place(const struct td_net_address *a, const struct td_net_address *b)
{
	return a->family == b->family && a->port == b->port &&
	       memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* --- making connections ------------------------------------------------------------------- */

static bool in_use(const struct sim_net *net, const struct td_net_address *address)
{
	for (const struct sim_host *host = net->hosts; host != NULL; host = host->next)
		for (size_t i = 0; i < host->handles_end; i++) {
			const struct listener *listener = host->handles[i].listener;

			if (listener != NULL && same_place(&listener->address, address))
				return true;
		}
	return false;
}

static struct td_net_address place_of(struct sim_net *net, const struct td_net_address *address)
{
	struct td_net_address place = *address;

	while (place.port == 0 || (address->port == 0 && in_use(net, &place)))
		place.port = (uint16_t)(SIM_NET_FIRST_PORT +
					sim_net_below(net, UINT16_MAX - SIM_NET_FIRST_PORT));
	return place;
}

static int listen_at(struct sim_host *host, const struct td_net_address *address, int *listener)
{
	struct handle *handle;
	int code;

	if (address->family != 4 && address->family != 6)
		return EINVAL;
	if (address->port != 0 && in_use(host->net, address)) {
		sim_net_count(host->net, SIM_NET_COUNT_IN_USE);
		return EADDRINUSE;
	}
	code = sim_net_handle_new(host, &handle, listener);
	if (code != 0)
		return code;
	handle->listener = calloc(1, sizeof(*handle->listener));
	TD_ASSERT(handle->listener != NULL);
	handle->listener->address = place_of(host->net, address);
	return 0;
}

static int call_listen(void *arg, const struct td_net_address *address, int *listener)
{
	struct sim_host *host = arg;
	int code = begin(host);

	if (code == 0)
		code = listen_at(host, address, listener);
	return sim_net_answer(host, "listen", address->port, 0, code);
}

static struct link *take_waiting(struct listener *listener)
{
	struct link *link = listener->waiting[0];

	listener->waiting_count--;
	memmove(listener->waiting, listener->waiting + 1,
		listener->waiting_count * sizeof(struct link *));
	return link;
}

static int accept_from(
	struct sim_host *host, int from, int *connection, struct td_net_address *peer)
{
	struct listener *listener = sim_net_handle_find(host, from)->listener;
	struct handle *handle;
	struct link *link;
	int code;

	TD_ASSERT(listener != NULL);
	if (listener->waiting_count == 0)
		return EAGAIN;
	if (sim_net_chance(host->net, host->net->dice.no_memory)) {
		sim_net_count(host->net, SIM_NET_COUNT_NO_MEMORY);
		return sim_net_below(host->net, 2) == 0 ? ENOBUFS : ENOMEM;
	}
	code = sim_net_handle_new(host, &handle, connection);
	if (code != 0)
		return code;
	link = take_waiting(listener);
	handle->end = &link->ends[1];
	*peer = link->ends[0].address;
	sim_net_count(host->net, SIM_NET_COUNT_ACCEPTED);
	return 0;
}

static int call_accept(void *arg, int listener, int *connection, struct td_net_address *peer)
{
	struct sim_host *host = arg;
	int code = begin(host);

	if (code == 0)
		code = accept_from(host, listener, connection, peer);
	return sim_net_answer(
		host, "accept", (uint64_t)listener, code == 0 ? (uint64_t)*connection : 0, code);
}

static int call_connect(void *arg, const struct td_net_address *address, int *connection)
{
	struct sim_host *host = arg;
	struct handle *handle;
	int code = begin(host);

	if (code == 0 && address->family != 4 && address->family != 6)
		code = EINVAL;
	if (code == 0)
		code = sim_net_handle_new(host, &handle, connection);
	if (code == 0)
		handle->end = &sim_link_new(host->net, host, address)->ends[0];
	return sim_net_answer(
		host, "connect", address->port, code == 0 ? (uint64_t)*connection : 0, code);
}

/* What went wrong is told once. */
static int take_error(struct end *end)
{
	int code = end->error;

	end->error = 0;
	return code;
}

static bool is_open(const struct end *end)
{
	return end->link->state == LINK_OPEN || end == &end->link->ends[1];
}

static int connected(struct end *end)
{
	if (end->error != 0)
		return take_error(end);
	if (end->gone)
		return ENOTCONN;
	return is_open(end) ? 0 : EAGAIN;
}

static int call_connected(void *arg, int connection)
{
	struct sim_host *host = arg;
	int code = begin(host);

	if (code == 0)
		code = connected(sim_net_end_find(host, connection));
	return sim_net_answer(host, "connected", (uint64_t)connection, 0, code);
}

static int call_name(void *arg, int number, struct td_net_address *address)
{
	struct sim_host *host = arg;
	const struct handle *handle;
	int code = begin(host);

	if (code != 0)
		return sim_net_answer(host, "name", (uint64_t)number, 0, code);
	handle = sim_net_handle_find(host, number);
	*address = handle->listener != NULL ? handle->listener->address : handle->end->address;
	return sim_net_answer(host, "name", (uint64_t)number, address->port, 0);
}

static void call_close(void *arg, int number)
{
	struct sim_host *host = arg;

	if (begin(host) != 0)
		return;
	sim_net_handle_drop(host, sim_net_handle_find(host, number));
	sim_net_answer(host, "close", (uint64_t)number, 0, 0);
}

/* --- bytes -------------------------------------------------------------------------------- */

/* Some transfers break the link, or make it silent, before they do anything. */
static void harm(struct sim_net *net, struct end *end)
{
	if (!is_open(end) || end->gone)
		return;
	if (sim_net_chance(net, net->dice.reset)) {
		sim_net_count(net, SIM_NET_COUNT_RESET);
		sim_link_reset(net, end->link);
		sim_net_settle(net);
	}
	if (!end->link->silent && sim_net_chance(net, net->dice.silent)) {
		sim_net_count(net, SIM_NET_COUNT_SILENT);
		sim_link_silence(net, end->link);
	}
}

static size_t cut_short(
	struct sim_net *net, size_t len, unsigned in_million, enum sim_net_count what)
{
	if (len < 2 || !sim_net_chance(net, in_million))
		return len;
	sim_net_count(net, what);
	return 1 + sim_net_below(net, len - 1);
}

static int read_from(struct sim_net *net, struct end *end, void *bytes, size_t len, size_t *got)
{
	struct way *way = sim_end_way(end);

	harm(net, end);
	if (way->arrived > 0) {
		*got = cut_short(net, len < way->arrived ? len : way->arrived, net->dice.short_read,
			SIM_NET_COUNT_SHORT_READ);
		sim_way_take(way, bytes, *got);
		return 0;
	}
	if (!end->ended && end->error != 0)
		return take_error(end);
	if (!end->ended && !end->gone)
		return EAGAIN;
	*got = 0;
	return 0;
}

static int call_read(void *arg, int connection, void *bytes, size_t len, size_t *got)
{
	struct sim_host *host = arg;
	int code = begin(host);

	TD_ASSERT(len > 0);
	if (code == 0)
		code = read_from(host->net, sim_net_end_find(host, connection), bytes, len, got);
	return sim_net_answer(host, "read", (uint64_t)connection, code == 0 ? *got : 0, code);
}

/* The first `len` bytes of the parts. */
static void put_parts(
	struct sim_net *net, struct way *way, const struct td_net_part *parts, size_t len)
{
	uint8_t *all = malloc(len);

	TD_ASSERT(all != NULL);
	for (size_t at = 0; at < len; parts++) {
		size_t some = parts->len < len - at ? parts->len : len - at;

		if (some > 0)
			memcpy(all + at, parts->at, some);
		at += some;
	}
	sim_way_put(net, way, all, len);
	free(all);
}

static int write_to(struct sim_net *net, struct end *end, const struct td_net_part *parts,
	size_t count, size_t *put)
{
	struct end *other = sim_end_other(end);
	struct way *way = sim_end_way(other);
	size_t len = 0;

	harm(net, end);
	if (end->error != 0)
		return take_error(end);
	if (end->finished || end->gone)
		return EPIPE;
	for (size_t i = 0; i < count; i++)
		len += parts[i].len;
	if (!is_open(end) || (len > 0 && sim_way_space(way) == 0)) {
		sim_net_count(net, SIM_NET_COUNT_FULL);
		return EAGAIN;
	}
	len = cut_short(net, len < sim_way_space(way) ? len : sim_way_space(way),
		net->dice.short_write, SIM_NET_COUNT_SHORT_WRITE);
	if (len > 0)
		put_parts(net, way, parts, len);
	sim_end_sent(net, other);
	*put = len;
	return 0;
}

static int call_write(
	void *arg, int connection, const struct td_net_part *parts, size_t count, size_t *put)
{
	struct sim_host *host = arg;
	int code = begin(host);

	TD_ASSERT(count <= TD_NET_PARTS_MAX);
	if (code == 0)
		code = write_to(host->net, sim_net_end_find(host, connection), parts, count, put);
	return sim_net_answer(host, "write", (uint64_t)connection, code == 0 ? *put : 0, code);
}

static int call_finish(void *arg, int connection)
{
	struct sim_host *host = arg;
	struct end *end;
	int code = begin(host);

	if (code == 0) {
		end = sim_net_end_find(host, connection);
		if (!is_open(end) || end->gone)
			code = ENOTCONN;
		else
			sim_end_finish(host->net, end);
	}
	return sim_net_answer(host, "finish", (uint64_t)connection, 0, code);
}

/* --- waiting ------------------------------------------------------------------------------ */

static int call_watch(void *arg, int number, uint64_t tag, unsigned interest)
{
	struct sim_host *host = arg;
	struct handle *handle;
	int code = begin(host);

	TD_ASSERT(tag != UINT64_MAX); /* that is the real one's */
	if (code == 0) {
		handle = sim_net_handle_find(host, number);
		if (!handle->watched && sim_net_chance(host->net, host->net->dice.no_memory)) {
			sim_net_count(host->net, SIM_NET_COUNT_NO_MEMORY);
			code = sim_net_below(host->net, 2) == 0 ? ENOMEM : ENOSPC;
		} else {
			handle->watched = true;
			handle->tag = tag;
			handle->interest = interest;
		}
	}
	return sim_net_answer(host, "watch", (uint64_t)number, interest, code);
}

/* There is room again when a third is free. */
static bool has_room(const struct end *end)
{
	const struct way *way = sim_end_way(sim_end_other(end));

	return end->finished || sim_way_space(way) * 3 > way->room;
}

static unsigned ready_of_end(const struct end *end)
{
	unsigned ready = 0;

	if (end->gone)
		return TD_NET_READ | TD_NET_WRITE | TD_NET_GONE;
	if (!is_open(end))
		return 0;
	if (end->ended || sim_end_way(end)->arrived > 0)
		ready |= TD_NET_READ;
	if (has_room(end))
		ready |= TD_NET_WRITE;
	if (end->ended && end->finished)
		ready |= TD_NET_GONE;
	return ready;
}

static unsigned ready_of(const struct handle *handle)
{
	unsigned ready = 0;

	if (!handle->watched)
		return 0;
	if (handle->end != NULL)
		ready = ready_of_end(handle->end);
	else if (handle->listener != NULL && handle->listener->waiting_count > 0)
		ready = TD_NET_READ;
	return ready & (handle->interest | TD_NET_GONE);
}

bool sim_host_ready(struct sim_host *host)
{
	sim_net_settle(host->net);
	if (host->woken)
		return true;
	for (size_t i = 0; i < host->handles_end; i++)
		if (ready_of(&host->handles[i]) != 0)
			return true;
	return false;
}

/* Told of what is not so: who looks finds EAGAIN. */
static unsigned told_of(struct sim_net *net, const struct handle *handle)
{
	unsigned ready = ready_of(handle);
	bool may = handle->watched && (handle->end == NULL || is_open(handle->end));
	unsigned more = may ? handle->interest & ~ready : 0;

	if (more == 0 || !sim_net_chance(net, net->dice.spurious))
		return ready;
	sim_net_count(net, SIM_NET_COUNT_SPURIOUS);
	return ready | more;
}

static void shuffle(struct sim_net *net, struct td_net_event *events, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t other = sim_net_below(net, i);
		struct td_net_event event = events[i - 1];

		events[i - 1] = events[other];
		events[other] = event;
	}
}

/* All once around from the cursor, so that those beyond `max` are the first of the next look. */
static size_t look(struct sim_host *host, struct td_net_event *events, size_t max)
{
	size_t count = 0, from = host->cursor, end = host->handles_end;

	for (size_t i = 0; i < end; i++) {
		size_t at = (from + i) % end;
		unsigned ready = told_of(host->net, &host->handles[at]);

		if (ready == 0)
			continue;
		if (count == max) {
			sim_net_count(host->net, SIM_NET_COUNT_CUT_OFF);
			host->cursor = at;
			break;
		}
		events[count++] = (struct td_net_event){host->handles[at].tag, ready};
	}
	shuffle(host->net, events, count);
	return count;
}

/* Nothing is ready: on to when something may be. false: the deadline has passed. */
static bool pass_time(struct sim_host *host, int64_t deadline)
{
	struct sim_world *world = host->net->options.world;
	int64_t next = sim_net_next(host->net);

	if (deadline <= world->now_ns)
		return false;
	if (next > deadline)
		next = deadline;
	TD_ASSERT(next != NEVER); /* or it would wait for ever */
	world->now_ns = next;
	return true;
}

static size_t call_wait(void *arg, int64_t deadline, struct td_net_event *events, size_t max)
{
	struct sim_host *host = arg;
	size_t count = 0;

	TD_ASSERT(max > 0);
	host->deadline = deadline;
	if (begin(host) != 0)
		return 0;
	if (sim_net_chance(host->net, host->net->dice.idle)) {
		sim_net_count(host->net, SIM_NET_COUNT_IDLE);
		host->deadline = INT64_MIN;
		return 0;
	}
	if (host->options.waits)
		host->net->options.world->now_ns += WAIT_NS;
	do {
		sim_net_settle(host->net);
		count = look(host, events, max);
	} while (count == 0 && !host->woken && host->options.waits && pass_time(host, deadline));
	host->woken = false;
	if (count > 0)
		host->deadline = INT64_MIN;
	sim_net_answer(host, "wait", count, max, 0);
	return count;
}

static void call_wake(void *arg)
{
	struct sim_host *host = arg;

	host->woken = true;
}

void sim_net_calls(struct td_net *table)
{
	*table = (struct td_net){
		.listen = call_listen,
		.accept = call_accept,
		.connect = call_connect,
		.connected = call_connected,
		.watch = call_watch,
		.read = call_read,
		.write = call_write,
		.finish = call_finish,
		.name = call_name,
		.close = call_close,
		.wait = call_wait,
		.wake = call_wake,
	};
}
