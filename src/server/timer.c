#include "server/timer.h"

#include <stdlib.h>

#include "base/base.h"

void td_timers_fini(struct td_timers *timers)
{
	free(timers->heap);
	*timers = (struct td_timers){0};
}

bool td_timers_add(struct td_timers *timers)
{
	if (timers->room + 1 >= timers->cap) {
		size_t cap = timers->cap == 0 ? 64 : 2 * timers->cap;
		struct td_timer **heap = realloc(timers->heap, cap * sizeof(struct td_timer *));

		if (heap == NULL)
			return false;
		timers->heap = heap;
		timers->cap = cap;
	}
	timers->room++;
	return true;
}

void td_timers_drop(struct td_timers *timers)
{
	TD_ASSERT(timers->room > timers->count || timers->count == 0);
	TD_ASSERT(timers->room > 0);
	timers->room--;
}

static void put(struct td_timers *timers, size_t at, struct td_timer *timer)
{
	timers->heap[at] = timer;
	timer->at = at;
}

static void rise(struct td_timers *timers, size_t at)
{
	struct td_timer *timer = timers->heap[at];

	for (; at > 1 && timers->heap[at / 2]->due > timer->due; at /= 2)
		put(timers, at, timers->heap[at / 2]);
	put(timers, at, timer);
}

static void sink(struct td_timers *timers, size_t at)
{
	struct td_timer *timer = timers->heap[at];
	size_t below;

	for (; (below = 2 * at) <= timers->count; at = below) {
		if (below < timers->count &&
			timers->heap[below + 1]->due < timers->heap[below]->due)
			below++;
		if (timers->heap[below]->due >= timer->due)
			break;
		put(timers, at, timers->heap[below]);
	}
	put(timers, at, timer);
}

void td_timer_set(struct td_timers *timers, struct td_timer *timer, int64_t due)
{
	if (timer->at == 0) {
		TD_ASSERT(timers->count < timers->room);
		put(timers, ++timers->count, timer);
	}
	timer->due = due;
	rise(timers, timer->at);
	sink(timers, timer->at);
}

void td_timer_clear(struct td_timers *timers, struct td_timer *timer)
{
	size_t at = timer->at;
	struct td_timer *last;

	if (at == 0)
		return;
	last = timers->heap[timers->count--];
	timer->at = 0;
	if (last == timer)
		return;
	put(timers, at, last);
	rise(timers, at);
	sink(timers, last->at);
}

size_t td_timers_fire(struct td_timers *timers, int64_t now)
{
	size_t fired = 0;

	for (; timers->count > 0 && timers->heap[1]->due <= now; fired++) {
		struct td_timer *timer = timers->heap[1];

		td_timer_clear(timers, timer);
		timer->fire(timer);
	}
	return fired;
}

int64_t td_timers_due(const struct td_timers *timers)
{
	return timers->count > 0 ? timers->heap[1]->due : INT64_MAX;
}

void td_timers_verify(const struct td_timers *timers)
{
	TD_ASSERT(timers->count <= timers->room);
	for (size_t i = 1; i <= timers->count; i++) {
		TD_ASSERT(timers->heap[i]->at == i);
		TD_ASSERT(i == 1 || timers->heap[i / 2]->due <= timers->heap[i]->due);
	}
}
