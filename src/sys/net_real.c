/*
 * The real net: TCP sockets, and an epoll that watches them and the loop's descriptor. A handle is
 * its descriptor; closing one takes it out of the epoll, for nothing else holds it.
 */
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sys/dial.h"

#define BACKLOG    4096 /* the system cuts it to what it allows */
#define EVENTS_MAX 256  /* of one look */
#define LOOP_TAG   UINT64_MAX

struct real {
	int epoll;
	struct td_loop *loop;
};

/* --- addresses ---------------------------------------------------------------------------- */

union socket_address {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
};

static socklen_t to_socket(const struct td_net_address *address, union socket_address *socket)
{
	*socket = (union socket_address){0};
	if (address->family == 6) {
		socket->six.sin6_family = AF_INET6;
		socket->six.sin6_port = htons(address->port);
		socket->six.sin6_scope_id = address->scope;
		memcpy(&socket->six.sin6_addr, address->bytes, 16);
		return sizeof(socket->six);
	}
	socket->four.sin_family = AF_INET;
	socket->four.sin_port = htons(address->port);
	memcpy(&socket->four.sin_addr, address->bytes, 4);
	return sizeof(socket->four);
}

static void from_socket(const union socket_address *socket, struct td_net_address *address)
{
	*address = (struct td_net_address){0};
	if (socket->any.sa_family == AF_INET) {
		address->family = 4;
		address->port = ntohs(socket->four.sin_port);
		memcpy(address->bytes, &socket->four.sin_addr, 4);
	} else if (socket->any.sa_family == AF_INET6) {
		address->family = 6;
		address->port = ntohs(socket->six.sin6_port);
		address->scope = socket->six.sin6_scope_id;
		memcpy(address->bytes, &socket->six.sin6_addr, 16);
	}
}

/* --- making connections ------------------------------------------------------------------- */

static int set(int descriptor, int level, int option)
{
	const int on = 1;

	return setsockopt(descriptor, level, option, &on, sizeof(on)) == 0 ? 0 : errno;
}

static int socket_of(const struct td_net_address *address, int *descriptor)
{
	int family = address->family == 6 ? AF_INET6 : AF_INET;

	if (address->family != 4 && address->family != 6)
		return EINVAL;
	*descriptor = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return *descriptor >= 0 ? 0 : errno;
}

/* A restart finds the port free (SO_REUSEADDR); [::] is not 0.0.0.0 too. */
static int prepare_listener(int descriptor, const struct td_net_address *address)
{
	union socket_address at;
	socklen_t len = to_socket(address, &at);
	int code = set(descriptor, SOL_SOCKET, SO_REUSEADDR);

	if (code == 0 && address->family == 6)
		code = set(descriptor, IPPROTO_IPV6, IPV6_V6ONLY);
	if (code != 0)
		return code;
	return bind(descriptor, &at.any, len) == 0 && listen(descriptor, BACKLOG) == 0 ? 0 : errno;
}

static int real_listen(void *arg, const struct td_net_address *address, int *listener)
{
	int descriptor, code = socket_of(address, &descriptor);

	(void)arg;
	if (code != 0)
		return code;
	code = prepare_listener(descriptor, address);
	if (code != 0) {
		close(descriptor);
		return code;
	}
	*listener = descriptor;
	return 0;
}

/* accept(2): failures of the one that came, and of the network behind it, are no failures of the
 * listener. */
static bool is_of_the_other(int code)
{
	static const int codes[] = {ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET,
		EHOSTUNREACH, ENETUNREACH, ETIMEDOUT, EINTR};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i] == code)
			return true;
	}
	return false;
}

static int real_accept(void *arg, int listener, int *connection, struct td_net_address *peer)
{
	union socket_address from = {0};
	socklen_t len;
	int descriptor;

	(void)arg;
	do {
		len = sizeof(from);
		descriptor = accept4(listener, &from.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	} while (descriptor < 0 && is_of_the_other(errno));
	if (descriptor < 0)
		return errno;
	(void)set(descriptor, IPPROTO_TCP, TCP_NODELAY); /* fails where it is gone already */
	from_socket(&from, peer);
	*connection = descriptor;
	return 0;
}

static int real_connect(void *arg, const struct td_net_address *address, int *connection)
{
	union socket_address to;
	socklen_t len = to_socket(address, &to);
	int descriptor, code = socket_of(address, &descriptor);

	(void)arg;
	if (code != 0)
		return code;
	(void)set(descriptor, IPPROTO_TCP, TCP_NODELAY);
	if (connect(descriptor, &to.any, len) != 0 && errno != EINPROGRESS && errno != EINTR) {
		code = errno;
		close(descriptor);
		return code;
	}
	*connection = descriptor;
	return 0;
}

static int real_connected(void *arg, int connection)
{
	union socket_address peer;
	socklen_t len = sizeof(int);
	int code = 0;

	(void)arg;
	if (getsockopt(connection, SOL_SOCKET, SO_ERROR, &code, &len) != 0)
		return errno;
	if (code != 0)
		return code;
	len = sizeof(peer);
	if (getpeername(connection, &peer.any, &len) == 0)
		return 0;
	return errno == ENOTCONN ? EAGAIN : errno;
}

static int real_name(void *arg, int handle, struct td_net_address *address)
{
	union socket_address at = {0};
	socklen_t len = sizeof(at);

	(void)arg;
	if (getsockname(handle, &at.any, &len) != 0)
		return errno;
	from_socket(&at, address);
	return 0;
}

static void real_close(void *arg, int handle)
{
	(void)arg;
	close(handle); /* also where it says EINTR, the descriptor is gone */
}

/* --- bytes -------------------------------------------------------------------------------- */

static int real_read(void *arg, int connection, void *bytes, size_t len, size_t *got)
{
	ssize_t n;

	(void)arg;
	TD_ASSERT(len > 0);
	do
		n = recv(connection, bytes, len, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno;
	*got = (size_t)n;
	return 0;
}

static int real_write(
	void *arg, int connection, const struct td_net_part *parts, size_t count, size_t *put)
{
	struct iovec pieces[TD_NET_PARTS_MAX];
	struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count};
	ssize_t n;

	(void)arg;
	TD_ASSERT(count <= TD_NET_PARTS_MAX);
	for (size_t i = 0; i < count; i++)
		pieces[i] = (struct iovec){(void *)(uintptr_t)parts[i].at, parts[i].len};
	do
		n = sendmsg(connection, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno;
	*put = (size_t)n;
	return 0;
}

static int real_finish(void *arg, int connection)
{
	(void)arg;
	return shutdown(connection, SHUT_WR) == 0 ? 0 : errno;
}

/* --- waiting ------------------------------------------------------------------------------ */

/* EPOLLRDHUP stays out: who has finished writing may still be reading. */
static int real_watch(void *arg, int handle, uint64_t tag, unsigned interest)
{
	const struct real *real = arg;
	struct epoll_event event = {.data.u64 = tag};

	TD_ASSERT(tag != LOOP_TAG);
	event.events = (interest & TD_NET_READ ? (uint32_t)EPOLLIN : 0) |
		       (interest & TD_NET_WRITE ? (uint32_t)EPOLLOUT : 0);
	if (epoll_ctl(real->epoll, EPOLL_CTL_MOD, handle, &event) == 0)
		return 0;
	if (errno != ENOENT)
		return errno;
	return epoll_ctl(real->epoll, EPOLL_CTL_ADD, handle, &event) == 0 ? 0 : errno;
}

static unsigned ready_of(uint32_t events)
{
	unsigned ready = 0;

	if (events & EPOLLIN)
		ready |= TD_NET_READ;
	if (events & EPOLLOUT)
		ready |= TD_NET_WRITE;
	if (events & (EPOLLHUP | EPOLLERR))
		ready |= TD_NET_GONE;
	return ready;
}

/* For epoll_wait(2): rounded up, so that the deadline has passed when it ends. */
static int milliseconds_until(int64_t deadline)
{
	int64_t now, left;

	if (deadline == INT64_MAX)
		return -1;
	now = td_clock_monotonic(&td_clock_real);
	if (deadline <= now)
		return 0;
	left = (deadline - now - 1) / 1000000 + 1;
	return left < INT_MAX ? (int)left : INT_MAX;
}

static size_t real_wait(void *arg, int64_t deadline, struct td_net_event *events, size_t max)
{
	const struct real *real = arg;
	struct epoll_event ready[EVENTS_MAX];
	int most = max < EVENTS_MAX ? (int)max : EVENTS_MAX;
	size_t count = 0;
	int n;

	TD_ASSERT(max > 0);
	n = epoll_wait(real->epoll, ready, most, milliseconds_until(deadline));
	for (int i = 0; i < n; i++) {
		if (ready[i].data.u64 == LOOP_TAG)
			td_loop_wait(real->loop, 0);
		else
			events[count++] =
				(struct td_net_event){ready[i].data.u64, ready_of(ready[i].events)};
	}
	return count;
}

static void real_wake(void *arg)
{
	const struct real *real = arg;

	td_loop_wake(real->loop);
}

/* --- the table ---------------------------------------------------------------------------- */

/* Sockets need nothing but themselves. */
const struct td_net td_net_plain = {
	.listen = real_listen,
	.accept = real_accept,
	.connect = real_connect,
	.connected = real_connected,
	.read = real_read,
	.write = real_write,
	.finish = real_finish,
	.name = real_name,
	.close = real_close,
};

static int open_epoll(struct real *real)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = LOOP_TAG};

	real->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (real->epoll < 0)
		return errno;
	return epoll_ctl(real->epoll, EPOLL_CTL_ADD, td_loop_descriptor(real->loop), &event) == 0
		       ? 0
		       : errno;
}

int td_net_real_open(struct td_net *net, struct td_loop *loop, struct td_error *err)
{
	struct real *real = malloc(sizeof(*real));
	int code;

	if (real == NULL)
		return td_error_nomem(err);
	real->loop = loop;
	code = open_epoll(real);
	if (code != 0) {
		if (real->epoll >= 0)
			close(real->epoll);
		free(real);
		return td_error_system(err, code, "net");
	}
	*net = td_net_plain;
	net->watch = real_watch;
	net->wait = real_wait;
	net->wake = real_wake;
	net->arg = real;
	return 0;
}

void td_net_real_close(struct td_net *net)
{
	struct real *real = net->arg;

	if (real == NULL)
		return;
	close(real->epoll);
	free(real);
	*net = (struct td_net){0};
}

int td_net_real_adopt(struct td_net *net, int descriptor, int *listener)
{
	struct td_net_address address = {0};
	socklen_t len = sizeof(int);
	int listens = 0, code;

	if (getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) != 0)
		return errno == ENOTSOCK ? EINVAL : errno;
	code = real_name(net->arg, descriptor, &address);
	if (code != 0)
		return code;
	if (!listens || address.family == 0)
		return EINVAL;
	if (fcntl(descriptor, F_SETFL, O_NONBLOCK) != 0 ||
		fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0)
		return errno;
	*listener = descriptor;
	return 0;
}
