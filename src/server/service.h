/*
 * service: what a supervisor is told of the server's life, and when.
 *
 *	opening --> ready --> (reloading --> ready)* --> stopping
 *	              '-- WATCHDOG=1, at half of the time it waits, as long as turns are made
 *
 * The loop's thread.
 */
#ifndef TD_SERVER_SERVICE_H
#define TD_SERVER_SERVICE_H

#include "sys/sys.h"

struct td_service {
	const struct td_supervisor *supervisor; /* NULL: nobody */
	const struct td_clock *clock;
	int64_t watchdog_next; /* monotonic ns; INT64_MAX: nobody waits */
	char status[256];      /* of "ready", to be said again after a reload */
};

void td_service_init(struct td_service *service, const struct td_supervisor *supervisor,
	const struct td_clock *clock);
/* The store opens, which may take as long as `seconds`: that is not being stuck. */
void td_service_opening(struct td_service *service, unsigned seconds);
/* It serves; `where` in words: "http://127.0.0.1:8222". */
void td_service_ready(struct td_service *service, const char *where);
void td_service_reloading(struct td_service *service);
/* Behind a reload: ready, as before. */
void td_service_reloaded(struct td_service *service);
void td_service_stopping(struct td_service *service);
/* A turn was made. Answers when the next is due to be (monotonic ns; INT64_MAX: never). */
int64_t td_service_turn(struct td_service *service);

#endif
