/*
 * How long to wait before the next attempt.
 *
 *	wait(n) = first_ms * factor^(n-1), at most longest_ms        after the n-th attempt
 *	        * (1 - jitter * unit)                                unit in [0, 1)
 *	        rounded to a ms, at least 1 ms, and at least after_ms, whatever that is
 *
 * So the jitter only shortens: a wait is between (1 - jitter) and 1 times the schedule, which
 * spreads out those that failed together and keeps the ceiling a ceiling. Any numbers are safe.
 */
#ifndef TD_DELIVERY_BACKOFF_H
#define TD_DELIVERY_BACKOFF_H

#include "tidings/tidings.h"

/* The settings with the defaults of tidings.h in place of what is zero (or no number). */
struct td_retry td_backoff_settings(const struct td_retry *retry);
/* `retry` from td_backoff_settings(); attempts from 1; a unit outside [0, 1] is moved into it. */
int64_t td_backoff_ms(
	const struct td_retry *retry, unsigned attempts, int64_t after_ms, double unit);

#endif
