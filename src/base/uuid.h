/*
 * UUID version 7 (RFC 9562): time-ordered ids, monotonic for all who share one tick.
 *
 *	48 bits ms | 4 version | 12 counter, high | 2 variant | 8 counter, low | 54 random
 *
 * The tick counts 20 bits within a millisecond; when those run out, or the clock goes back, it
 * counts on into the next, so order holds at any rate.
 */
#ifndef TD_BASE_UUID_H
#define TD_BASE_UUID_H

#include <stdatomic.h>
#include <stdint.h>

#include "tidings/event.h"

#define TD_UUID_BYTES 36 /* as text, lower case, without NUL */

/* Shared by the threads of a place; start with 0. One atomic operation, no lock. */
typedef _Atomic uint64_t td_uuid_tick;

/*
 * The next id in order: the time (an id cannot say one before 1970; it counts as 1970), and 54
 * random bits (the low ones of `random` are taken).
 */
void td_uuid_next(td_uuid_tick *tick, td_time now, uint64_t random, uint8_t uuid[16]);
void td_uuid_format(const uint8_t uuid[16], char text[TD_UUID_BYTES]);

#endif
