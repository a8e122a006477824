/*
 * pane: how often, and how long after, over the last hour.
 *
 * Time is cut into panes, twice: of 10 s for a minute, of 5 min for an hour. A pane says of which
 * stretch of time it is (its stamp), so nobody has to go round emptying them: who writes to one that
 * is of another stretch empties it, and who reads passes over it.
 *
 * Latencies are counted in 56 buckets, two to an octave from 32 us to 71 minutes. A bucket has 16
 * bits. When one is full, all of the pane are halved and from then on only every second event is
 * counted, every fourth, ...; which ones is decided by the dice that are given.
 */
#ifndef TD_FLOW_PANE_H
#define TD_FLOW_PANE_H

#include "base/base.h"
#include "tidings/event.h"

#define TD_PANES_FINE   7u  /* a minute, and the pane that has begun */
#define TD_PANES_COARSE 13u /* an hour, the same */
#define TD_PANES        (TD_PANES_FINE + TD_PANES_COARSE)
#define TD_PANE_BUCKETS 56u

/* Of an edge. */
struct td_pane {
	uint32_t stamp, count, causes;
	uint16_t halved, unused;
	uint16_t latency[TD_PANE_BUCKETS];
};
/* Of a type. */
struct td_tally {
	uint32_t stamp, count, roots;
};

/* A time, as the panes it belongs to; times before 1970 are as 1970. */
struct td_stamps {
	uint32_t fine, coarse; /* stamps, from 1 */
};
struct td_stamps td_stamps_at(td_time time);

/*
 * Count at a moment. `past`: it must not empty a pane of a later one, since it is told of what was
 * long ago. latency_us < 0: none is known.
 */
void td_panes_add(struct td_pane panes[TD_PANES], struct td_stamps at, bool past, bool new_cause,
	int64_t latency_us, uint64_t dice);
void td_tallies_add(struct td_tally tallies[TD_PANES], struct td_stamps at, bool past, bool root);

/* The panes of a window that ends now: at[first..first + count), of stamps [from, to]. */
struct td_window {
	size_t first, count;
	uint32_t from, to;
	td_time start; /* of the oldest */
};
struct td_window td_window_of(td_time now, int64_t window_ms);

struct td_pane_sum {
	uint64_t count, causes, latencies;
	uint64_t latency[TD_PANE_BUCKETS];
};
void td_panes_sum(const struct td_pane panes[TD_PANES], const struct td_window *window,
	struct td_pane_sum *sum);
struct td_tally_sum {
	uint64_t count, roots;
};
struct td_tally_sum td_tallies_sum(
	const struct td_tally tallies[TD_PANES], const struct td_window *window);
/* Below what latency the share (0 to 1) of them lies, in us; -1: none is known. */
int64_t td_pane_quantile(const struct td_pane_sum *sum, double share);

#endif
