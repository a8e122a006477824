/*
 * dial: a connection and the thread that waits for it; the side of the net that calls.
 *
 * A server has one loop for all its connections (net.h). A call of the library to a server has one
 * connection, and blocks until the answer is there or its time is up; any thread may have its own. So
 * here are the connections of the real net without its waiting, and a wait for one of them.
 *
 *	td_dial_lookup(host, port, addresses, ...)
 *	td_net_connect(&td_net_plain, &addresses[0], &connection)
 *	td_dial_wait(connection, TD_NET_WRITE, deadline), td_net_connected(&td_net_plain, connection)
 *	td_net_write(...), td_net_read(...): EAGAIN: td_dial_wait() again
 *	td_net_close(&td_net_plain, connection)
 */
#ifndef TD_SYS_DIAL_H
#define TD_SYS_DIAL_H

#include "sys/net.h"

/* Sockets of this machine; watch, wait and wake are not there. Any thread. */
extern const struct td_net td_net_plain;

/*
 * Wait until the connection is ready for one of `interest` (a set of td_net_ready), or until
 * `deadline` (monotonic ns; INT64_MAX: for ever; one that has passed: only look). What it is ready
 * for, GONE included; 0: nothing, in time. A loop's descriptor (td_loop_descriptor()) may be waited
 * for, too; < 0: for nothing but time.
 */
unsigned td_dial_wait(int connection, unsigned interest, int64_t deadline);

/*
 * Where a host is: a name, an IPv4 address, an IPv6 address without brackets. Names are asked of the
 * system's resolver, which may take seconds. At most `max`, at least one. TD_E_NOT_FOUND: there is no such
 * host; TD_E_SYSTEM, TD_E_NOMEM.
 */
int td_dial_lookup(const char *host, uint16_t port, struct td_net_address *addresses, size_t max,
	size_t *count, struct td_error *err);

#endif
