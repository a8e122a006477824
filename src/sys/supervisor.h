/*
 * The supervisor: who started us, may want to be told how we are, and may hand over what listens
 * already. systemd, by its environment (sd_notify(3), sd_listen_fds(3)); without a library of its.
 *
 *	NOTIFY_SOCKET   where to tell: READY=1, RELOADING=1, STOPPING=1, WATCHDOG=1, STATUS=...
 *	WATCHDOG_USEC   how long without WATCHDOG=1 until we are held to be stuck
 *	LISTEN_FDS      so many descriptors from 3 on, LISTEN_FDNAMES names them
 *
 * A small table, so that tests and other supervisors fit.
 */
#ifndef TD_SYS_SUPERVISOR_H
#define TD_SYS_SUPERVISOR_H

#include <stdint.h>

#include "tidings/error.h"

#define TD_HANDED_MAX        16u
#define TD_HANDED_NAME_BYTES 64u

struct td_handed {
	int descriptor;
	char name[TD_HANDED_NAME_BYTES]; /* cut, if it is longer; empty: it has none */
};

struct td_supervisor {
	/* 0; an errno: it was not told, which is no reason not to go on. NULL: nobody wants to know. */
	int (*tell)(void *arg, const char *lines);
	void *arg;
	int64_t watchdog_us; /* 0: nobody waits for us */
	struct td_handed handed[TD_HANDED_MAX];
	size_t handed_count;
};

/*
 * The one of the environment, whose variables are taken out of it: they are for us, not for what we
 * start. Descriptors that are handed over are not inherited any more. Call it before there are
 * threads. TD_E_INVALID: a variable that cannot be right. TD_E_SYSTEM.
 */
int td_supervisor_real_open(struct td_supervisor *supervisor, struct td_error *err);
/* Descriptors that were handed over stay open. */
void td_supervisor_real_close(struct td_supervisor *supervisor);

static inline int td_supervisor_tell(const struct td_supervisor *supervisor, const char *lines)
{
	return supervisor->tell != NULL ? supervisor->tell(supervisor->arg, lines) : 0;
}

#endif
