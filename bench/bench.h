/*
 * What the benchmarks share: clocks, medians, and one line of a table.
 *
 * Contestants take turns round by round, so that whatever else the machine does strikes all alike.
 * Shown are medians; the ratio is the claim, the absolute number is for orientation.
 */
#ifndef TD_BENCH_H
#define TD_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline double bench_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static inline int bench_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts `values`. */
static inline double bench_median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), bench_compare);
	return values[count / 2];
}

static inline void bench_header(const char *title)
{
	printf("\n%-44s %12s %12s %8s  %s\n", title, "ours", "limit/peer", "ratio", "wanted");
}

/* A row: `wanted` says what the ratio or the value should be. */
static inline void bench_row(
	const char *name, double ours, double other, const char *unit, const char *wanted, int met)
{
	printf("%-44s %9.2f %s %9.2f %s %8.2f  %s%s\n", name, ours, unit, other, unit, ours / other,
		wanted, met ? "" : "   MISSED");
}

#endif
