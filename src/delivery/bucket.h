/*
 * A token bucket: so many takes per second, by the clock that is given.
 *
 * It starts with a tenth of a second's worth, at least one, and holds what one ms brings beside
 * that: so nothing is lost to the clock's grain. Between a and b there are at most rate * (b - a) +
 * that many takes. Kept in thousandths of a take, exact in whole numbers: a ms brings `rate`.
 */
#ifndef TD_DELIVERY_BUCKET_H
#define TD_DELIVERY_BUCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct td_bucket {
	uint64_t rate;    /* per second; 0: no limit */
	uint64_t level;   /* thousandths, at since_ms */
	uint64_t full;    /* thousandths it can hold */
	int64_t since_ms; /* the last take; INT64_MAX: none yet */
};

void td_bucket_init(struct td_bucket *bucket, size_t rate_per_s);
/* Take one out; false: there is none yet. Only for a bucket with a rate. */
bool td_bucket_take(struct td_bucket *bucket, int64_t now_ms);
/* When there is one, at `now_ms` or later. Only for a bucket with a rate. */
int64_t td_bucket_next_ms(const struct td_bucket *bucket, int64_t now_ms);

#endif
