/*
 * The net: listeners and connections by handle, as a small table of functions plus an `arg`.
 *
 *	listen --watch--> [ wait ] --READ--> accept --> connection --watch--> [ wait ] --READ--> read
 *	connect ---------------- watch ----> [ wait ] --WRITE-> connected         '---WRITE-> write
 *
 * Nothing blocks but td_net_wait(), where the one thread of the loop waits for all of them, for a
 * wake, and for time. What cannot be done at once is EAGAIN; then the thing is watched, and wait
 * says when to try again. Each call answers 0 or a positive errno, and the caller, who knows which
 * one, makes the error of it: td_error_system(err, code, ...). EINTR never comes back, nor does
 * SIGPIPE. Outputs are written on success alone.
 *
 * A handle is a small number >= 0, and lives until td_net_close(); then the number may come again,
 * and an event of it that was handed out before may still lie in the caller's hands. So events do
 * not carry handles but tags: 64 bits of the caller's, an index and a generation, say, by which a
 * late one is known.
 *
 * Readiness is a level: as long as there is something to read it is told again, so nothing is lost
 * by reading only a part, and who does not want to hear of it takes the interest away (a full
 * output, a listener without descriptors left: EMFILE).
 *
 * All calls are for the thread of the loop; td_net_wake() for any.
 */
#ifndef TD_SYS_NET_H
#define TD_SYS_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tidings/error.h"
#include "tidings/text.h"

struct td_loop;

#define TD_NET_PARTS_MAX 64 /* of one write */

struct td_net_address {
	uint8_t family;    /* 4 or 6; 0: none */
	uint8_t bytes[16]; /* in network order; 4 of them count in family 4 */
	uint16_t port;     /* of a listener 0: the system picks one */
	uint32_t scope;    /* of a link-local address: its interface */
};

struct td_net_part {
	const void *at;
	size_t len;
};

enum td_net_ready {
	TD_NET_READ = 1 << 0,  /* bytes, the end, a failure, or (listener) a connection: look */
	TD_NET_WRITE = 1 << 1, /* room, or (connect) it is decided: td_net_connected() */
	TD_NET_GONE = 1 << 2,  /* nobody will read any more what is written: close it. Told whatever
				  the interest is */
};

struct td_net_event {
	uint64_t tag;
	unsigned ready; /* a set of td_net_ready */
};

struct td_net {
	int (*listen)(void *arg, const struct td_net_address *address, int *listener);
	int (*accept)(void *arg, int listener, int *connection, struct td_net_address *peer);
	int (*connect)(void *arg, const struct td_net_address *address, int *connection);
	int (*connected)(void *arg, int connection);
	int (*watch)(void *arg, int handle, uint64_t tag, unsigned interest);
	int (*read)(void *arg, int connection, void *bytes, size_t len, size_t *got);
	int (*write)(void *arg, int connection, const struct td_net_part *parts, size_t count,
		size_t *put);
	int (*finish)(void *arg, int connection);
	int (*name)(void *arg, int handle, struct td_net_address *address);
	void (*close)(void *arg, int handle);
	size_t (*wait)(void *arg, int64_t deadline, struct td_net_event *events, size_t max);
	void (*wake)(void *arg);
	void *arg;
};

/*
 * The real one, over a loop, which must outlive it and is waited for by nobody else from then on:
 * its wakes and its timer end td_net_wait(). TD_E_NOMEM, TD_E_SYSTEM.
 */
int td_net_real_open(struct td_net *net, struct td_loop *loop, struct td_error *err);
/* Handles that are still open stay so. */
void td_net_real_close(struct td_net *net);
/*
 * Of the real one: a descriptor that listens already (handed over by systemd) becomes a listener.
 * EINVAL: it does not listen, or not for TCP.
 */
int td_net_real_adopt(struct td_net *net, int descriptor, int *listener);

/* --- making connections ------------------------------------------------------------------- */

/* EADDRINUSE, EACCES, EADDRNOTAVAIL. Not watched yet. */
static inline int td_net_listen(
	const struct td_net *net, const struct td_net_address *address, int *listener)
{
	return net->listen(net->arg, address, listener);
}

/*
 * The next connection, not watched yet; what is written goes out at once (no Nagle). EAGAIN: none
 * is left. EMFILE, ENFILE, ENOBUFS, ENOMEM: it waits, and READ will be told again and again.
 */
static inline int td_net_accept(
	const struct td_net *net, int listener, int *connection, struct td_net_address *peer)
{
	return net->accept(net->arg, listener, connection, peer);
}

/* Begin to connect. Watch it for WRITE, then ask td_net_connected(). */
static inline int td_net_connect(
	const struct td_net *net, const struct td_net_address *address, int *connection)
{
	return net->connect(net->arg, address, connection);
}

/* 0: it is; EAGAIN: not decided; ECONNREFUSED, ETIMEDOUT, ...: it is not, and never will. */
static inline int td_net_connected(const struct td_net *net, int connection)
{
	return net->connected(net->arg, connection);
}

/* Where a listener or a connection is on this side: the port that was picked. */
static inline int td_net_name(const struct td_net *net, int handle, struct td_net_address *address)
{
	return net->name(net->arg, handle, address);
}

/* Nothing that was written and not sent is waited for. < 0: nothing. */
static inline void td_net_close(const struct td_net *net, int handle)
{
	if (handle >= 0)
		net->close(net->arg, handle);
}

/* --- waiting ------------------------------------------------------------------------------ */

/* From now on tell of these (TD_NET_READ, TD_NET_WRITE, both, or 0), with this tag. ENOMEM,
 * ENOSPC. */
static inline int td_net_watch(
	const struct td_net *net, int handle, uint64_t tag, unsigned interest)
{
	return net->watch(net->arg, handle, tag, interest);
}

/*
 * Wait until something watched is ready, a wake came, or `deadline` (monotonic ns; INT64_MAX: for
 * ever; one that has passed: only look) has passed, which is seen up to a millisecond later.
 * Returns how many events there are, at most `max`; those beyond come the next time, none is
 * forgotten for others. 0 may come for no reason, too. Look for work after this call, not before: a
 * wake that it swallowed was for work that is there now.
 */
static inline size_t td_net_wait(
	const struct td_net *net, int64_t deadline, struct td_net_event *events, size_t max)
{
	return net->wait(net->arg, deadline, events, max);
}

/* End a wait, this one or the next. Any thread, signal handlers too. */
static inline void td_net_wake(const struct td_net *net)
{
	net->wake(net->arg);
}

/* --- bytes -------------------------------------------------------------------------------- */

/*
 * *got 0: the other side has finished. ECONNRESET: it broke off. EAGAIN. `len` > 0.
 *
 * What went wrong with a connection is told once, to whichever of read, write and connected asks
 * first; from then on reading finds the end and writing EPIPE. So after a write that failed the
 * end is no sign that the other side was done.
 */
static inline int td_net_read(
	const struct td_net *net, int connection, void *bytes, size_t len, size_t *got)
{
	return net->read(net->arg, connection, bytes, len, got);
}

/* The parts one behind the other; *put may be less than they are long. EAGAIN: no room for any;
 * EPIPE, ECONNRESET: the other side is gone. */
static inline int td_net_write_parts(const struct td_net *net, int connection,
	const struct td_net_part *parts, size_t count, size_t *put)
{
	return net->write(net->arg, connection, parts, count, put);
}

static inline int td_net_write(
	const struct td_net *net, int connection, const void *bytes, size_t len, size_t *put)
{
	const struct td_net_part part = {bytes, len};

	return net->write(net->arg, connection, &part, 1, put);
}

/*
 * Nothing more will be written: the other side reads the end behind what was. Reading goes on. Who
 * closes at once while bytes come in takes the answer away from the other side (RFC 9112, section
 * 9.6): finish, read until the end or for a while, close.
 */
static inline int td_net_finish(const struct td_net *net, int connection)
{
	return net->finish(net->arg, connection);
}

/* --- addresses ---------------------------------------------------------------------------- */

#define TD_NET_ADDRESS_BYTES 66 /* "[ipv6%scope]:port", with NUL */

/*
 * "127.0.0.1:4222", "[::1]:4222", "localhost:4222" (127.0.0.1), "*:4222" (all of IPv4). Other names
 * are not looked up here: that may take seconds. TD_E_INVALID, naming the text.
 */
int td_net_address_parse(struct td_text text, struct td_net_address *address, struct td_error *err);
/* As text, with NUL; returns `out`. */
char *td_net_address_format(const struct td_net_address *address, char out[TD_NET_ADDRESS_BYTES]);
/* Whether only this machine can reach it: 127.0.0.0/8, ::1, and the former within IPv6. */
bool td_net_address_is_loopback(const struct td_net_address *address);

#endif
