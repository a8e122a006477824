/*
 * The descriptor is an epoll of two: an eventfd, which a wake writes, and a timerfd.
 *
 * `awake` says that the eventfd was written, or is about to be. Only who turns it from false to
 * true writes; only who has read the eventfd turns it back. So there is one write for each turn to
 * true, and no reading that finds nothing. A waker that finds it true has nothing to write: its
 * exchange comes before the one that turns it back, so what it did before is seen after that.
 */
#include "sys/sys.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct td_loop {
	int descriptor, wake, timer;
	_Atomic int64_t timer_at; /* INT64_MAX: not set */
	_Alignas(64) _Atomic bool awake;
};

static int watch(int epoll, int descriptor)
{
	struct epoll_event event = {.events = EPOLLIN};

	return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

int td_loop_new(struct td_loop **out, struct td_error *err)
{
	struct td_loop *loop = aligned_alloc(_Alignof(struct td_loop), sizeof(*loop));
	int code;

	if (loop == NULL)
		return td_error_nomem(err);
	loop->timer_at = INT64_MAX;
	atomic_init(&loop->awake, false);
	loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	loop->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	loop->descriptor = epoll_create1(EPOLL_CLOEXEC);
	if (loop->wake < 0 || loop->timer < 0 || loop->descriptor < 0 ||
		watch(loop->descriptor, loop->wake) != 0 ||
		watch(loop->descriptor, loop->timer) != 0) {
		code = td_error_system(err, errno, "event loop");
		td_loop_free(loop);
		return code;
	}
	*out = loop;
	return 0;
}

void td_loop_free(struct td_loop *loop)
{
	if (loop == NULL)
		return;
	if (loop->descriptor >= 0)
		close(loop->descriptor);
	if (loop->timer >= 0)
		close(loop->timer);
	if (loop->wake >= 0)
		close(loop->wake);
	free(loop);
}

int td_loop_descriptor(const struct td_loop *loop)
{
	return loop->descriptor;
}

int td_loop_watch(struct td_loop *loop, int handle, unsigned interest)
{
	struct epoll_event event = {0};

	event.events = (interest & TD_NET_READ ? (uint32_t)EPOLLIN : 0) |
		       (interest & TD_NET_WRITE ? (uint32_t)EPOLLOUT : 0);
	if (interest == 0) /* not told even that it is gone */
		return epoll_ctl(loop->descriptor, EPOLL_CTL_DEL, handle, NULL) == 0 ||
				       errno == ENOENT
			       ? 0
			       : errno;
	if (epoll_ctl(loop->descriptor, EPOLL_CTL_MOD, handle, &event) == 0)
		return 0;
	if (errno != ENOENT)
		return errno;
	return epoll_ctl(loop->descriptor, EPOLL_CTL_ADD, handle, &event) == 0 ? 0 : errno;
}

void td_loop_wake(struct td_loop *loop)
{
	const uint64_t one = 1;
	int before = errno; /* we may be in a signal handler */

	if (atomic_exchange_explicit(&loop->awake, true, memory_order_acq_rel))
		return;
	while (write(loop->wake, &one, sizeof(one)) < 0)
		TD_ASSERT(errno == EINTR);
	errno = before;
}

void td_loop_timer(struct td_loop *loop, int64_t deadline)
{
	/* Zero would mean: not set. */
	int64_t at = deadline == INT64_MAX ? 0 : deadline > 0 ? deadline : 1;
	struct itimerspec when = {.it_value = {at / 1000000000, at % 1000000000}};
	int code;

	if (deadline == loop->timer_at)
		return;
	loop->timer_at = deadline;
	code = timerfd_settime(loop->timer, TFD_TIMER_ABSTIME, &when, NULL);
	TD_ASSERT(code == 0);
}

/* Read the count away; false if there was none. */
static bool drain(int descriptor)
{
	uint64_t count;
	ssize_t n;

	do
		n = read(descriptor, &count, sizeof(count));
	while (n < 0 && errno == EINTR);
	TD_ASSERT(n == sizeof(count) || errno == EAGAIN);
	return n == sizeof(count);
}

void td_loop_wait(struct td_loop *loop, int64_t deadline)
{
	struct pollfd ready[2] = {{loop->wake, POLLIN, 0}, {loop->timer, POLLIN, 0}};
	struct timespec left = {0, 0};
	bool for_ever = deadline == INT64_MAX;

	if (!for_ever) {
		int64_t now = td_clock_monotonic(&td_clock_real);
		if (deadline > now) {
			left.tv_sec = (deadline - now) / 1000000000;
			left.tv_nsec = (deadline - now) % 1000000000;
		} else if (loop->timer_at > now &&
			   !atomic_load_explicit(&loop->awake, memory_order_acquire)) {
			return; /* nothing to wait for and nothing to clear: no system call */
		}
	}
	if (ppoll(ready, 2, for_ever ? NULL : &left, NULL) <= 0)
		return;
	if (ready[0].revents != 0 && drain(loop->wake))
		atomic_exchange_explicit(&loop->awake, false, memory_order_acq_rel);
	if (ready[1].revents != 0 && drain(loop->timer))
		loop->timer_at = INT64_MAX;
}
