#include "sys/sys.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "sys/dial.h"

static struct timespec time_until(int64_t deadline)
{
	int64_t left = deadline - td_clock_monotonic(&td_clock_real);

	return left > 0 ? (struct timespec){left / 1000000000, left % 1000000000}
			: (struct timespec){0, 0};
}

unsigned td_dial_wait(int connection, unsigned interest, int64_t deadline)
{
	struct pollfd polled = {.fd = connection};
	int n;

	polled.events = (short)((interest & TD_NET_READ ? POLLIN : 0) |
				(interest & TD_NET_WRITE ? POLLOUT : 0));
	do {
		struct timespec left = time_until(deadline);

		n = ppoll(&polled, 1, deadline == INT64_MAX ? NULL : &left, NULL);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return 0;
	return (polled.revents & POLLIN ? (unsigned)TD_NET_READ : 0) |
	       (polled.revents & POLLOUT ? (unsigned)TD_NET_WRITE : 0) |
	       (polled.revents & (POLLHUP | POLLERR) ? (unsigned)TD_NET_GONE : 0);
}

/* --- where a host is ---------------------------------------------------------------------- */

static void take(const struct addrinfo *found, struct td_net_address *address)
{
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} at = {.any = {0}};

	memcpy(&at, found->ai_addr,
		found->ai_addrlen < sizeof(at) ? found->ai_addrlen : sizeof(at));
	*address = (struct td_net_address){0};
	if (at.any.sa_family == AF_INET) {
		address->family = 4;
		memcpy(address->bytes, &at.four.sin_addr, 4);
	} else {
		address->family = 6;
		address->scope = at.six.sin6_scope_id;
		memcpy(address->bytes, &at.six.sin6_addr, 16);
	}
}

static int not_found(const char *host, int why, int system, struct td_error *err)
{
	if (why == EAI_SYSTEM)
		return td_error_system(err, system, "host %.100s", host);
	if (why == EAI_MEMORY)
		return td_error_nomem(err);
	return td_error_set(
		err, TD_E_NOT_FOUND, TD_NO_OFFSET, "host %.100s: %s", host, gai_strerror(why));
}

int td_dial_lookup(const char *host, uint16_t port, struct td_net_address *addresses, size_t max,
	size_t *count, struct td_error *err)
{
	const struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	size_t n = 0;
	int why = getaddrinfo(host, NULL, &wanted, &found);

	if (why != 0)
		return not_found(host, why, errno, err);
	for (const struct addrinfo *one = found; one != NULL && n < max; one = one->ai_next) {
		if (one->ai_family != AF_INET && one->ai_family != AF_INET6)
			continue;
		take(one, &addresses[n]);
		addresses[n++].port = port;
	}
	freeaddrinfo(found);
	if (n == 0)
		return not_found(host, EAI_NONAME, 0, err);
	*count = n;
	return 0;
}
