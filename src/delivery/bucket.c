#include "delivery/bucket.h"

#define ONE      1000u       /* a take, in thousandths */
#define RATE_MAX 1000000000u /* above that a rate is no limit: a take costs more than a ns */

void td_bucket_init(struct td_bucket *bucket, size_t rate_per_s)
{
	*bucket = (struct td_bucket){
		.rate = rate_per_s <= RATE_MAX ? rate_per_s : 0, .since_ms = INT64_MAX};
	bucket->level = bucket->rate > 10 ? bucket->rate * (ONE / 10) : ONE;
	bucket->full = bucket->level + bucket->rate;
}

/* What it holds at a time; one that lies before the last look counts as that. */
static uint64_t level_at(const struct td_bucket *bucket, int64_t now_ms)
{
	uint64_t passed_ms;
	uint64_t level;

	if (now_ms <= bucket->since_ms)
		return bucket->level;
	passed_ms = (uint64_t)now_ms - (uint64_t)bucket->since_ms;
	if (passed_ms > ONE) /* in a second and a ms any bucket is full */
		return bucket->full;
	level = bucket->level + passed_ms * bucket->rate;
	return level < bucket->full ? level : bucket->full;
}

bool td_bucket_take(struct td_bucket *bucket, int64_t now_ms)
{
	uint64_t level = level_at(bucket, now_ms);

	if (level < ONE)
		return false;
	if (bucket->since_ms == INT64_MAX || now_ms > bucket->since_ms)
		bucket->since_ms = now_ms;
	bucket->level = level - ONE;
	return true;
}

int64_t td_bucket_next_ms(const struct td_bucket *bucket, int64_t now_ms)
{
	uint64_t wait_ms;

	if (level_at(bucket, now_ms) >= ONE)
		return now_ms;
	wait_ms = (ONE - bucket->level + bucket->rate - 1) / bucket->rate;
	return bucket->since_ms > INT64_MAX - (int64_t)wait_ms
		       ? INT64_MAX
		       : bucket->since_ms + (int64_t)wait_ms;
}
