/*
 * What one evaluation of a filter costs. No peer; the limit is the same question written in C.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "match/match.h"

#define ROUNDS      5
#define EVALUATIONS 5000000u

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* type = 'OrderPlaced' AND subject LIKE 'order.%', by hand. */
__attribute__((noinline)) static bool by_hand(const struct td_event *event)
{
	struct td_text type = event->attr[TD_ATTR_TYPE], subject = event->attr[TD_ATTR_SUBJECT];

	return type.len == 11 && memcmp(type.at, "OrderPlaced", 11) == 0 && subject.at != NULL &&
	       subject.len >= 6 && memcmp(subject.at, "order.", 6) == 0;
}

/* One round in ns; `filter` NULL: by hand. Asks of different events, so that nothing is hoisted. */
static double measure_once(const struct td_filter *filter, struct td_event *const events[2])
{
	double start = seconds();
	size_t passed = 0;

	for (size_t i = 0; i < EVALUATIONS; i++)
		passed += filter != NULL ? td_filter_passes(filter, events[i & 1])
					 : by_hand(events[i & 1]);
	TD_ASSERT(passed == EVALUATIONS);
	return (seconds() - start) * 1e9 / EVALUATIONS;
}

static double measure(const char *what, const struct td_filter *filter,
	struct td_event *const events[2], double limit)
{
	double ns[ROUNDS];

	measure_once(filter, events);
	for (int round = 0; round < ROUNDS; round++)
		ns[round] = measure_once(filter, events);
	qsort(ns, ROUNDS, sizeof(ns[0]), ascending);
	printf("filter: %-62s %6.1f ns (%.1f to %.1f)", what, ns[ROUNDS / 2], ns[0],
		ns[ROUNDS - 1]);
	if (limit > 0)
		printf(", %.1f x by hand", ns[ROUNDS / 2] / limit);
	putchar('\n');
	return ns[ROUNDS / 2];
}

int main(void)
{
	static const char *const filters[] = {
		"type = 'OrderPlaced' AND subject LIKE 'order.%'",
		"type IN ('A', 'B', 'C', 'OrderPlaced') OR EXISTS corrects",
		"subject LIKE '%.42_%7' AND UPPER(LEFT(type, 5)) = 'ORDER'",
		"priority > 3 AND NOT EXISTS missing",
		"{\"exact\":{\"type\":\"OrderPlaced\"}}",
		"{\"prefix\":{\"type\":\"Order\",\"subject\":\"order.\"}}",
		"{\"any\":[{\"exact\":{\"type\":\"A\"}},{\"suffix\":{\"type\":\"Placed\"}}]}",
	};
	const char *const subjects[2] = {"order.4217", "order.42227"};
	const struct td_attribute more = {TD_TEXT_INIT("priority"), TD_TEXT_INIT("7"), TD_INTEGER};
	const struct td_origin origin = {
		.source = TD_TEXT_INIT("/shop"),
		.uuid = (const uint8_t *)"0123456789abcde",
	};
	struct td_event *events[2];
	double limit;

	for (size_t i = 0; i < 2; i++) {
		struct td_draft draft = {
			.type = "OrderPlaced",
			.subject = subjects[i],
			.attributes = &more,
			.attributes_count = 1,
		};
		TD_ASSERT(td_event_make(&events[i], &draft, &origin, NULL) == 0);
	}
	limit = measure("the first of the following by hand", NULL, events, 0);
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		struct td_text text = td_text(filters[i]);
		struct td_filter *filter = NULL;

		if (text.at[0] == '{')
			TD_ASSERT(td_filter_dialects(&filter, text, NULL) == 0);
		else
			TD_ASSERT(td_filter_sql(&filter, text, NULL) == 0);
		measure(filters[i], filter, events, i == 0 ? limit : 0);
		td_filter_free(filter);
	}
	td_event_unref(events[0]);
	td_event_unref(events[1]);
	return 0;
}
