/*
 * world: a server over memory, and the one connection it has: what the client sends is given, and cut as
 * one likes; what it is sent gathers. Clock and dice stand still, tasks run when they are asked for.
 */
#ifndef TEST_SERVER_WORLD_H
#define TEST_SERVER_WORLD_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/hear.h"

#define LISTENER   1
#define CONNECTION 2

/* --- a world of one connection ------------------------------------------------------------ */

struct world {
	struct td_net net;
	struct td_clock clock;
	struct td_random random;
	struct td_tasks tasks;
	uint64_t drawn;
	const char *bytes;
	size_t read, available;
	bool ended; /* the client sends no more */
	bool accepted, closed;
	unsigned interest;
	uint64_t tag;
	struct td_buf out;
	struct td_task *waiting, **waiting_last;
};

static td_time wall(void *arg)
{
	(void)arg;
	return INT64_C(1764527584000000000);
}

static int64_t monotonic(void *arg)
{
	(void)arg;
	return INT64_C(1000000000);
}

static void fill(void *arg, void *bytes, size_t len)
{
	struct world *world = arg;

	for (size_t i = 0; i < len; i++)
		((uint8_t *)bytes)[i] = (uint8_t)(world->drawn++ * 131);
}

static int net_listen(void *arg, const struct td_net_address *address, int *listener)
{
	(void)arg;
	(void)address;
	*listener = LISTENER;
	return 0;
}

static int net_accept(void *arg, int listener, int *connection, struct td_net_address *peer)
{
	struct world *world = arg;

	(void)listener;
	if (world->accepted)
		return EAGAIN;
	world->accepted = true;
	*connection = CONNECTION;
	*peer = (struct td_net_address){.family = 4, .bytes = {127, 0, 0, 1}, .port = 4711};
	return 0;
}

static int net_watch(void *arg, int handle, uint64_t tag, unsigned interest)
{
	struct world *world = arg;

	if (handle == CONNECTION) {
		world->interest = interest;
		world->tag = tag;
	}
	return 0;
}

static int net_read(void *arg, int connection, void *bytes, size_t len, size_t *got)
{
	struct world *world = arg;
	size_t left = world->available - world->read;

	(void)connection;
	if (left == 0 && !world->ended)
		return EAGAIN;
	*got = left < len ? left : len;
	memcpy(bytes, world->bytes + world->read, *got);
	world->read += *got;
	return 0;
}

static int net_write(
	void *arg, int connection, const struct td_net_part *parts, size_t count, size_t *put)
{
	struct world *world = arg;

	(void)connection;
	*put = 0;
	for (size_t i = 0; i < count; i++) {
		td_buf_add(&world->out, parts[i].at, parts[i].len);
		*put += parts[i].len;
	}
	return 0;
}

static int net_finish(void *arg, int connection)
{
	(void)arg;
	(void)connection;
	return 0;
}

static int net_name(void *arg, int handle, struct td_net_address *address)
{
	(void)arg;
	(void)handle;
	*address = (struct td_net_address){.family = 4, .bytes = {127, 0, 0, 1}, .port = 8222};
	return 0;
}

static void net_close(void *arg, int handle)
{
	struct world *world = arg;

	if (handle == CONNECTION)
		world->closed = true;
}

static size_t net_wait(void *arg, int64_t deadline, struct td_net_event *events, size_t max)
{
	struct world *world = arg;
	unsigned ready = 0;

	(void)deadline;
	TD_ASSERT(max >= 2);
	if (!world->accepted) {
		events[0] = (struct td_net_event){0, TD_NET_READ};
		return 1;
	}
	if (world->read < world->available || world->ended)
		ready |= world->interest & TD_NET_READ;
	ready |= world->interest & TD_NET_WRITE;
	if (world->closed || ready == 0)
		return 0;
	events[0] = (struct td_net_event){world->tag, ready};
	return 1;
}

static void net_wake(void *arg)
{
	(void)arg;
}

static void submit(void *arg, struct td_task *task)
{
	struct world *world = arg;

	task->next = NULL;
	*world->waiting_last = task;
	world->waiting_last = &task->next;
}

/* It runs when it is asked for. */
static struct td_task *collect(void *arg)
{
	struct world *world = arg;
	struct td_task *task = world->waiting;

	if (task == NULL)
		return NULL;
	world->waiting = task->next;
	if (world->waiting == NULL)
		world->waiting_last = &world->waiting;
	task->run(task->arg);
	return task;
}

static void world_init(struct world *world, const char *bytes)
{
	*world = (struct world){
		.net = {.listen = net_listen,
			.accept = net_accept,
			.watch = net_watch,
			.read = net_read,
			.write = net_write,
			.finish = net_finish,
			.name = net_name,
			.close = net_close,
			.wait = net_wait,
			.wake = net_wake,
			.arg = world},
		.clock = {wall, monotonic, world},
		.random = {fill, world},
		.tasks = {submit, collect, world},
		.bytes = bytes,
		.out = TD_BUF_INIT(64u << 20),
	};
	world->waiting_last = &world->waiting;
}

/* --- a session ---------------------------------------------------------------------------- */

/* Until it has nothing more to do. */
static void settle(struct td_server *server, struct world *world)
{
	for (unsigned still = 0; still < 3;) {
		size_t out = world->out.len, read = world->read, tasks = server->tasks_out;

		td_server_turn(server, 0);
		td_server_verify(server);
		still = out == world->out.len && read == world->read && tasks == 0 &&
					server->tasks_out == 0 && server->dirty == NULL
				? still + 1
				: 0;
	}
}

/* TD_E_NOMEM, where memory may fail. */
static int play(struct world *world, const uint8_t *cuts, size_t count, size_t len)
{
	struct td_net_address address = {.family = 4, .bytes = {127, 0, 0, 1}};
	struct td_server_settings settings = {
		.http = &address,
		.http_count = 1,
		.limits = {.body_bytes_max = 4096, .batch_events_max = 20},
		.store = {.index_bytes = 1u << 20},
	};
	struct td_server_seams seams = {&world->clock, &world->random, &td_disk_real, &world->net,
		&world->tasks, &world->tasks, &world->tasks};
	struct td_server *server;
	int code = td_server_open(&server, &seams, &settings, NULL, NULL);

	if (code != 0)
		return code;
	for (size_t i = 0; i < count; i++) {
		world->available += cuts[i];
		if (world->available > len)
			world->available = len;
		settle(server, world);
	}
	world->available = len;
	settle(server, world);
	world->ended = true;
	settle(server, world);
	td_server_stop(server);
	for (int i = 0; i < 100 && td_server_turn(server, 0) == TD_SERVER_RUNS; i++)
		continue;
	if (server->sessions != NULL) /* it lingers, and this clock stands */
		td_session_drop(server->sessions);
	for (int i = 0; i < 100 && td_server_turn(server, 0) == TD_SERVER_RUNS; i++)
		continue;
	TD_ASSERT(world->closed && server->exchanges_count == 0 && server->bodies_bytes == 0);
	TD_ASSERT(server->feed->audiences == NULL && server->tasks_out == 0);
	return td_server_close(server, NULL);
}

#endif
