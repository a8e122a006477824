#include "flow/pane.h"

#define NS_PER_S  1000000000
#define FINE_S    10
#define COARSE_S  300
#define FINE_MS   (FINE_S * 1000)
#define COARSE_MS (COARSE_S * 1000)

struct td_stamps td_stamps_at(td_time time)
{
	int64_t seconds = time > 0 ? time / NS_PER_S : 0;

	return (struct td_stamps){
		.fine = (uint32_t)(seconds / FINE_S) + 1,
		.coarse = (uint32_t)(seconds / COARSE_S) + 1,
	};
}

/* --- latencies ---------------------------------------------------------------------------- */

#define FIRST_OCTAVE 5  /* below 2^5 us is bucket 0 */
#define LAST_OCTAVE  31 /* at and above 2^32 us is the last bucket */

static size_t bucket_of(int64_t us)
{
	unsigned octave;
	uint64_t value = (uint64_t)us;

	if (value < 1u << FIRST_OCTAVE)
		return 0;
	if (value >> (LAST_OCTAVE + 1) != 0)
		return TD_PANE_BUCKETS - 1;
	octave = 63 - (unsigned)__builtin_clzll(value);
	return 1 + (size_t)(octave - FIRST_OCTAVE) * 2 +
	       (value * value >> (2 * octave + 1) != 0 ? 1 : 0);
}

static double bucket_begin(size_t bucket)
{
	static const double half_octave = 1.4142135623730951;

	if (bucket == 0)
		return 0;
	return (double)((uint64_t)1 << (FIRST_OCTAVE + (bucket - 1) / 2)) *
	       (bucket % 2 == 1 ? 1 : half_octave);
}

static void halve(struct td_pane *pane)
{
	for (size_t i = 0; i < TD_PANE_BUCKETS; i++)
		pane->latency[i] /= 2;
	pane->halved++;
}

static void add_latency(struct td_pane *pane, int64_t us, uint64_t dice)
{
	uint16_t *bucket = &pane->latency[bucket_of(us)];

	if ((dice & (((uint64_t)1 << pane->halved) - 1)) != 0)
		return;
	if (*bucket == UINT16_MAX)
		halve(pane);
	++*bucket;
}

int64_t td_pane_quantile(const struct td_pane_sum *sum, double share)
{
	double rank = share * (double)sum->latencies, below = 0;

	if (sum->latencies == 0)
		return -1;
	for (size_t i = 0; i < TD_PANE_BUCKETS; i++) {
		double here = (double)sum->latency[i], begin = bucket_begin(i);

		if (here > 0 && below + here >= rank) {
			if (i == TD_PANE_BUCKETS - 1)
				return (int64_t)begin;
			return (int64_t)(begin +
					 (bucket_begin(i + 1) - begin) * (rank - below) / here);
		}
		below += here;
	}
	return (int64_t)bucket_begin(TD_PANE_BUCKETS - 1);
}

/* --- counting ----------------------------------------------------------------------------- */

static size_t fine_at(uint32_t stamp)
{
	return stamp % TD_PANES_FINE;
}

static size_t coarse_at(uint32_t stamp)
{
	return TD_PANES_FINE + stamp % TD_PANES_COARSE;
}

static void add_to_pane(struct td_pane *pane, uint32_t stamp, bool past, bool new_cause,
	int64_t latency_us, uint64_t dice)
{
	if (pane->stamp != stamp) {
		if (past && pane->stamp > stamp)
			return;
		*pane = (struct td_pane){.stamp = stamp};
	}
	pane->count += pane->count < UINT32_MAX;
	pane->causes += new_cause && pane->causes < UINT32_MAX;
	if (latency_us >= 0)
		add_latency(pane, latency_us, dice);
}

void td_panes_add(struct td_pane panes[TD_PANES], struct td_stamps at, bool past, bool new_cause,
	int64_t latency_us, uint64_t dice)
{
	add_to_pane(&panes[fine_at(at.fine)], at.fine, past, new_cause, latency_us, dice);
	add_to_pane(&panes[coarse_at(at.coarse)], at.coarse, past, new_cause, latency_us, dice);
}

static void add_to_tally(struct td_tally *tally, uint32_t stamp, bool past, bool root)
{
	if (tally->stamp != stamp) {
		if (past && tally->stamp > stamp)
			return;
		*tally = (struct td_tally){.stamp = stamp};
	}
	tally->count += tally->count < UINT32_MAX;
	tally->roots += root && tally->roots < UINT32_MAX;
}

void td_tallies_add(struct td_tally tallies[TD_PANES], struct td_stamps at, bool past, bool root)
{
	add_to_tally(&tallies[fine_at(at.fine)], at.fine, past, root);
	add_to_tally(&tallies[coarse_at(at.coarse)], at.coarse, past, root);
}

/* --- summing ------------------------------------------------------------------------------ */

struct td_window td_window_of(td_time now, int64_t window_ms)
{
	struct td_stamps at = td_stamps_at(now);
	bool fine = window_ms <= (int64_t)(TD_PANES_FINE - 1) * FINE_MS;
	int64_t pane_ms = fine ? FINE_MS : COARSE_MS;
	uint32_t back = (uint32_t)((window_ms + pane_ms - 1) / pane_ms);
	struct td_window window = {
		.first = fine ? 0 : TD_PANES_FINE,
		.count = fine ? TD_PANES_FINE : TD_PANES_COARSE,
		.to = fine ? at.fine : at.coarse,
	};

	TD_ASSERT(back < window.count);
	window.from = window.to > back ? window.to - back : 1;
	window.start = (td_time)(window.from - 1) * pane_ms * 1000000;
	return window;
}

static bool is_within(const struct td_window *window, uint32_t stamp)
{
	return stamp >= window->from && stamp <= window->to;
}

void td_panes_sum(const struct td_pane panes[TD_PANES], const struct td_window *window,
	struct td_pane_sum *sum)
{
	*sum = (struct td_pane_sum){0};
	for (size_t i = window->first; i < window->first + window->count; i++) {
		const struct td_pane *pane = &panes[i];

		if (!is_within(window, pane->stamp))
			continue;
		sum->count += pane->count;
		sum->causes += pane->causes;
		for (size_t j = 0; j < TD_PANE_BUCKETS; j++) {
			uint64_t here = (uint64_t)pane->latency[j] << pane->halved;

			sum->latency[j] += here;
			sum->latencies += here;
		}
	}
}

struct td_tally_sum td_tallies_sum(
	const struct td_tally tallies[TD_PANES], const struct td_window *window)
{
	struct td_tally_sum sum = {0};

	for (size_t i = window->first; i < window->first + window->count; i++) {
		if (!is_within(window, tallies[i].stamp))
			continue;
		sum.count += tallies[i].count;
		sum.roots += tallies[i].roots;
	}
	return sum;
}
