/*
 * timer: what is due when, a heap. A timer lives in its owner; room for it is had once, when the owner
 * is made, so that setting one cannot fail.
 */
#ifndef TD_SERVER_TIMER_H
#define TD_SERVER_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct td_timer {
	int64_t due; /* monotonic ns */
	size_t at;   /* in the heap, from 1; 0: not set */
	void (*fire)(struct td_timer *timer);
};
struct td_timers {
	struct td_timer **heap; /* from 1 on */
	size_t count, room, cap;
};

void td_timers_fini(struct td_timers *timers);
/* Room for one more timer, or for one less. false: no memory. */
bool td_timers_add(struct td_timers *timers);
void td_timers_drop(struct td_timers *timers);
/* Set it, or set it anew. */
void td_timer_set(struct td_timers *timers, struct td_timer *timer, int64_t due);
/* Not set: nothing. */
void td_timer_clear(struct td_timers *timers, struct td_timer *timer);
/* Fire all that are due; they are not set any more when they are called. Those set meanwhile wait for
 * the next call, unless they were due before. Returns how many fired. */
size_t td_timers_fire(struct td_timers *timers, int64_t now);
/* INT64_MAX: none is set. */
int64_t td_timers_due(const struct td_timers *timers);
void td_timers_verify(const struct td_timers *timers);

#endif
