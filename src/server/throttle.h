/*
 * throttle: how often something of a key happens, in fixed memory.
 *
 * Each key has two cells, by two hashes, and is over its rate if both are. A cell holds the time at
 * which all that was counted is forgiven: each count moves it on by the interval, and `burst`
 * intervals ahead of now is over (the leaky bucket, as one number). Keys share cells by chance, so a
 * key may be held to be over that is not: with n keys over of 4,096 cells, one in (4096/n)^2.
 */
#ifndef TD_SERVER_THROTTLE_H
#define TD_SERVER_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#define TD_THROTTLE_CELLS 4096u

struct td_throttle {
	int64_t interval; /* ns */
	int64_t burst;    /* ns: as many intervals */
	int64_t cells[2][TD_THROTTLE_CELLS];
};

/* So many at once, then one in `interval_ms`. */
void td_throttle_init(struct td_throttle *throttle, unsigned burst, int64_t interval_ms);
/* `key`: a hash with a secret seed. `now`: monotonic ns, > 0. */
bool td_throttle_over(const struct td_throttle *throttle, uint64_t key, int64_t now);
void td_throttle_count(struct td_throttle *throttle, uint64_t key, int64_t now);

#endif
