/*
 * The checker of deliveries must catch every wrong history. Each row ends with the record that
 * breaks a rule; the same without its last record must pass.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "delivery/checker.h"
#include "delivery/door.h"

#define RECORDS_MAX 24

/* clang-format off */
/* Records, the time first. */
#define ADMIT(ms, t, k)          {.act = SIM_ADMIT, .now_ms = (ms), .token = (t), .key = (k)}
#define REFUSE(ms, t, k)         {.act = SIM_ADMIT, .now_ms = (ms), .token = (t), .key = (k), .code = TD_E_FULL}
#define TAKE(ms, t, k, n)        {.act = SIM_TAKE, .now_ms = (ms), .token = (t), .key = (k), .attempt = (n)}
#define BEHIND(ms, t, k, n)      {.act = SIM_BEHIND, .now_ms = (ms), .token = (t), .key = (k), .attempt = (n)}
#define NO_MORE(ms, k)           {.act = SIM_NO_MORE, .now_ms = (ms), .key = (k)}
#define NOTHING(ms, next)        {.act = SIM_NOTHING, .now_ms = (ms), .next_ms = (next)}
#define SETTLE(ms, t, s, v, n)   {.act = SIM_SETTLE, .now_ms = (ms), .token = (t), .settle = TD_SETTLE_##s, \
                                  .settled = {.verdict = TD_VERDICT_##v, .attempts = (n)}}
#define WITHDRAWING(ms, t, s, v, n, w) \
                                 {.act = SIM_SETTLE, .now_ms = (ms), .token = (t), .settle = TD_SETTLE_##s, \
                                  .settled = {.verdict = TD_VERDICT_##v, .attempts = (n), .withdrawn = (w)}}
#define DONE(ms, t)              SETTLE(ms, t, DONE, DONE, 1)
#define PARK(ms, t)              SETTLE(ms, t, PARK, PARKED, 1)
#define RETRY(ms, t, n, due)     RETRY_AFTER(ms, t, n, due, 0)
#define RETRY_AFTER(ms, t, n, due, after) \
                                 {.act = SIM_SETTLE, .now_ms = (ms), .token = (t), .settle = TD_SETTLE_RETRY, .after_ms = (after), \
                                  .settled = {.verdict = TD_VERDICT_RETRY, .attempts = (n), .due_ms = (due)}}
#define RETURN(ms, t)            {.act = SIM_RETURN, .now_ms = (ms), .token = (t), .code = 1}
#define RETURN_RUN(ms, t, n)     {.act = SIM_RETURN, .now_ms = (ms), .token = (t), .code = (n)}
#define REDRIVE(ms, k, found)    {.act = SIM_REDRIVE, .now_ms = (ms), .key = (k), .code = (found)}
#define DISMISS(ms, k, found, t) {.act = SIM_DISMISS, .now_ms = (ms), .key = (k), .code = (found), .token = (t)}
#define RESUME(ms)               {.act = SIM_RESUME, .now_ms = (ms)}
#define DROP(ms, t)              {.act = SIM_DROP, .now_ms = (ms), .code = 1, .token = (t)}
#define DROP_NONE(ms)            {.act = SIM_DROP, .now_ms = (ms)}
#define CLEARED(ms, t)           {.act = SIM_CLEARED, .now_ms = (ms), .token = (t)}
#define CLEAR(ms)                {.act = SIM_CLEAR, .now_ms = (ms)}
#define COUNTS(ms, w, b, r, t, p, s) \
                                 {.act = SIM_COUNTS, .now_ms = (ms), .counts = {(w) + (b) + (r) + (t) + (p), w, b, r, t, p, s, false}}
#define END(ms, w, b, r, t, p, healed) \
                                 {.act = SIM_END, .now_ms = (ms), .code = (healed), \
                                  .counts = {(w) + (b) + (r) + (t) + (p), w, b, r, t, p, false, false}}

#define KEYED .keyed = true
#define TOGETHER(n) .keyed = true, .together_max = (n)
#define TRIES(n) .retry = {.attempts_max = (n), .first_ms = 100, .factor = 2, .longest_ms = 300, .jitter = 0.5, .exhausted = TD_SKIP}
#define EXHAUSTED(n, c) .retry = {.attempts_max = (n), .first_ms = 100, .factor = 2, .longest_ms = 300, .jitter = 0.5, .exhausted = (c)}

struct row {
	enum sim_rule rule;
	struct td_delivery_options options; /* zero: owed_max 10, parked_max 10 */
	struct sim_record records[RECORDS_MAX]; /* up to the first that is all zero but an admit of 0 */
};

static const struct row rows[] = {
	{SIM_RULE_KNOWN, {KEYED}, {TAKE(1, 1, 7, 1)}},
	{SIM_RULE_KNOWN, {KEYED}, {ADMIT(1, 1, 7), ADMIT(1, 1, 7)}},
	{SIM_RULE_KNOWN, {KEYED}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), DONE(1, 1), ADMIT(2, 1, 7)}},
	{SIM_RULE_KNOWN, {KEYED}, {ADMIT(1, 1, 7), TAKE(1, 1, 8, 1)}},
	{SIM_RULE_KNOWN, {KEYED}, {ADMIT(1, 1, 7), DROP(1, 2)}},
	{SIM_RULE_KNOWN, {KEYED}, {ADMIT(1, 1, 7), CLEARED(1, 2)}},

	{SIM_RULE_GONE, {KEYED}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), DONE(1, 1), TAKE(1, 1, 7, 1)}},
	{SIM_RULE_GONE, {KEYED}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), DONE(1, 1), DONE(1, 1)}},
	{SIM_RULE_GONE, {KEYED}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), SETTLE(1, 1, SKIP, SKIPPED, 1), RETURN(1, 1)}},
	{SIM_RULE_GONE, {KEYED}, {ADMIT(1, 1, 7), DROP(1, 1), TAKE(1, 1, 7, 1)}},
	{SIM_RULE_GONE, {KEYED}, {ADMIT(1, 1, 7), CLEARED(1, 1), CLEAR(1), TAKE(1, 1, 7, 1)}},
	{SIM_RULE_GONE, {KEYED}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), PARK(1, 1), DISMISS(1, 7, 1, 1), TAKE(1, 1, 7, 2)}},

	{SIM_RULE_TICKET, {KEYED}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), TAKE(1, 1, 7, 2)}},
	{SIM_RULE_TICKET, {KEYED}, {ADMIT(1, 1, 7), SETTLE(1, 1, DONE, DONE, 0)}},
	{SIM_RULE_TICKET, {KEYED}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), RETURN(1, 1), RETURN(1, 1)}},

	{SIM_RULE_ONE, {KEYED}, {ADMIT(1, 1, 7), ADMIT(1, 2, 7), TAKE(1, 1, 7, 1), TAKE(1, 2, 7, 1)}},

	{SIM_RULE_ONE, {KEYED}, {ADMIT(1, 1, 7), ADMIT(1, 2, 7), TAKE(1, 1, 7, 1), BEHIND(1, 2, 7, 1)}},
	{SIM_RULE_ONE, {TOGETHER(2)},
	 {ADMIT(1, 1, 7), ADMIT(1, 2, 7), ADMIT(1, 3, 7), TAKE(1, 1, 7, 1), BEHIND(1, 2, 7, 1), BEHIND(1, 3, 7, 1)}},
	{SIM_RULE_ONE, {TOGETHER(3)}, /* not without whoever has the first */
	 {ADMIT(1, 1, 7), ADMIT(1, 2, 7), TAKE(1, 1, 7, 1), TAKE(1, 2, 7, 1)}},
	{SIM_RULE_ONE, {TOGETHER(3)}, {ADMIT(1, 1, 7), BEHIND(1, 1, 7, 1)}}, /* behind nothing */

	{SIM_RULE_ORDER, {TOGETHER(3)}, /* one is left out */
	 {ADMIT(1, 1, 7), ADMIT(1, 2, 7), ADMIT(1, 3, 7), TAKE(1, 1, 7, 1), BEHIND(1, 3, 7, 1)}},
	{SIM_RULE_ORDER, {TOGETHER(3)}, /* behind one that was withdrawn */
	 {ADMIT(1, 1, 7), ADMIT(1, 2, 7), ADMIT(1, 3, 7), TAKE(1, 1, 7, 1), BEHIND(1, 2, 7, 1), BEHIND(1, 3, 7, 1),
	  RETURN_RUN(1, 2, 2), BEHIND(1, 3, 7, 1)}},
	{SIM_RULE_ORDER, {KEYED}, {ADMIT(1, 1, 7), ADMIT(1, 2, 7), TAKE(1, 2, 7, 1)}},
	{SIM_RULE_ORDER, {KEYED, TRIES(3)}, /* while it is retried */
	 {ADMIT(1, 1, 7), ADMIT(1, 2, 7), TAKE(1, 1, 7, 1), RETRY(1, 1, 1, 90), TAKE(2, 2, 7, 1)}},
	{SIM_RULE_ORDER, {KEYED}, /* while it is parked */
	 {ADMIT(1, 1, 7), ADMIT(1, 2, 7), TAKE(1, 1, 7, 1), PARK(1, 1), TAKE(2, 2, 7, 1)}},
	{SIM_RULE_ORDER, {KEYED}, /* when it is redriven */
	 {ADMIT(1, 1, 7), ADMIT(1, 2, 7), TAKE(1, 1, 7, 1), PARK(1, 1), REDRIVE(1, 7, 1), TAKE(2, 2, 7, 1)}},
	{SIM_RULE_ORDER, {KEYED}, /* when it was given back */
	 {ADMIT(1, 1, 7), ADMIT(1, 2, 7), TAKE(1, 1, 7, 1), RETURN(1, 1), TAKE(2, 2, 7, 1)}},
	{SIM_RULE_ORDER, {KEYED}, /* two behind a dismissed head */
	 {ADMIT(1, 1, 7), ADMIT(1, 2, 7), ADMIT(1, 3, 7), TAKE(1, 1, 7, 1), PARK(1, 1), DISMISS(1, 7, 1, 1), TAKE(2, 3, 7, 1)}},

	{SIM_RULE_WITHDRAW, {TOGETHER(3), TRIES(3)},
	 {ADMIT(1, 1, 7), ADMIT(1, 2, 7), TAKE(1, 1, 7, 1), BEHIND(1, 2, 7, 1), RETRY(1, 1, 1, 90)}},
	{SIM_RULE_WITHDRAW, {TOGETHER(3)}, {ADMIT(1, 1, 7), ADMIT(1, 2, 7), TAKE(1, 1, 7, 1), BEHIND(1, 2, 7, 1), RETURN(1, 1)}},
	{SIM_RULE_WITHDRAW, {TOGETHER(3)}, /* what is done takes nothing with it */
	 {ADMIT(1, 1, 7), ADMIT(1, 2, 7), TAKE(1, 1, 7, 1), BEHIND(1, 2, 7, 1), WITHDRAWING(1, 1, DONE, DONE, 1, 1)}},
	{SIM_RULE_TICKET, {TOGETHER(3)}, /* out of order */
	 {ADMIT(1, 1, 7), ADMIT(1, 2, 7), TAKE(1, 1, 7, 1), BEHIND(1, 2, 7, 1), DONE(1, 2)}},
	{SIM_RULE_TICKET, {TOGETHER(3)}, /* withdrawn */
	 {ADMIT(1, 1, 7), ADMIT(1, 2, 7), TAKE(1, 1, 7, 1), BEHIND(1, 2, 7, 1), WITHDRAWING(1, 1, PARK, PARKED, 1, 1), DONE(1, 2)}},
	{SIM_RULE_ATTEMPTS, {TOGETHER(3)}, /* it was not tried */
	 {ADMIT(1, 1, 7), ADMIT(1, 2, 7), TAKE(1, 1, 7, 1), BEHIND(1, 2, 7, 1), RETURN_RUN(1, 1, 2), TAKE(1, 1, 7, 1), BEHIND(1, 2, 7, 2)}},
	{SIM_RULE_IDLE, {TOGETHER(3)}, {ADMIT(1, 1, 7), ADMIT(1, 2, 7), TAKE(1, 1, 7, 1), NO_MORE(1, 7)}},

	{SIM_RULE_ATTEMPTS, {KEYED}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 2)}},
	{SIM_RULE_ATTEMPTS, {TRIES(3)}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), RETRY(1, 1, 1, 90), TAKE(95, 1, 7, 1)}},
	{SIM_RULE_ATTEMPTS, {TRIES(3)}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), RETURN(1, 1), TAKE(1, 1, 7, 2)}},
	{SIM_RULE_ATTEMPTS, {TRIES(3)}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), RETRY(1, 1, 2, 90)}},
	{SIM_RULE_ATTEMPTS, {KEYED}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), PARK(1, 1), REDRIVE(1, 7, 1), TAKE(1, 1, 7, 2)}},
	{SIM_RULE_ATTEMPTS, {TRIES(3)},
	 {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), SETTLE(1, 1, STOP, STOPPED, 1), RESUME(1), TAKE(1, 1, 7, 2)}},

	{SIM_RULE_DUE, {TRIES(3)}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), RETRY(1, 1, 1, 101), TAKE(100, 1, 7, 2)}},

	{SIM_RULE_SCHEDULE, {TRIES(3)}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), RETRY(0, 1, 1, 48)}},
	{SIM_RULE_SCHEDULE, {TRIES(3)}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), RETRY(0, 1, 1, 102)}},
	{SIM_RULE_SCHEDULE, {TRIES(3)}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), RETRY_AFTER(0, 1, 1, 999, 1000)}},
	{SIM_RULE_SCHEDULE, {TRIES(9)}, /* the third wait is the longest: 300 */
	 {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), RETRY(1, 1, 1, 101), TAKE(101, 1, 7, 2), RETRY(101, 1, 2, 301), TAKE(301, 1, 7, 3),
	  RETRY(301, 1, 3, 605)}},

	{SIM_RULE_VERDICT, {KEYED}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), SETTLE(1, 1, DONE, SKIPPED, 1)}},
	{SIM_RULE_VERDICT, {KEYED}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), SETTLE(1, 1, SKIP, DONE, 1)}},
	{SIM_RULE_VERDICT, {TRIES(2)}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), SETTLE(1, 1, RETRY, SKIPPED, 1)}},
	{SIM_RULE_VERDICT, {TRIES(2)},
	 {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), RETRY(1, 1, 1, 90), TAKE(90, 1, 7, 2), RETRY(90, 1, 2, 190)}},
	{SIM_RULE_VERDICT, {EXHAUSTED(1, TD_PARK)}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), SETTLE(1, 1, RETRY, SKIPPED, 1)}},
	{SIM_RULE_VERDICT, {EXHAUSTED(1, TD_STOP)}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), SETTLE(1, 1, RETRY, PARKED, 1)}},
	{SIM_RULE_VERDICT, {.parked_max = 1}, /* no room to park */
	 {ADMIT(1, 1, 7), ADMIT(1, 2, 8), TAKE(1, 1, 7, 1), TAKE(1, 2, 8, 1), PARK(1, 1), PARK(1, 2)}},

	{SIM_RULE_STOPPED, {KEYED},
	 {ADMIT(1, 1, 7), ADMIT(1, 2, 8), TAKE(1, 1, 7, 1), SETTLE(1, 1, STOP, STOPPED, 1), TAKE(1, 2, 8, 1)}},

	{SIM_RULE_PARKED, {KEYED}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), PARK(1, 1), TAKE(1, 1, 7, 2)}},
	{SIM_RULE_PARKED, {KEYED}, {ADMIT(1, 1, 7), REDRIVE(1, 7, 1)}},
	{SIM_RULE_PARKED, {KEYED}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), PARK(1, 1), REDRIVE(1, 7, 0)}},
	{SIM_RULE_PARKED, {KEYED}, {ADMIT(1, 1, 7), ADMIT(1, 2, 7), TAKE(1, 1, 7, 1), PARK(1, 1), DISMISS(1, 7, 1, 2)}},

	{SIM_RULE_RUNNING, {.running_max = 1}, {ADMIT(1, 1, 7), ADMIT(1, 2, 8), TAKE(1, 1, 7, 1), TAKE(1, 2, 8, 1)}},

	{SIM_RULE_RATE, {.rate_per_s = 10}, {ADMIT(1, 1, 7), ADMIT(1, 2, 8), TAKE(1, 1, 7, 1), TAKE(100, 2, 8, 1)}},
	{SIM_RULE_RATE, {.rate_per_s = 20},
	 {ADMIT(1, 1, 7), ADMIT(1, 2, 8), ADMIT(1, 3, 9), TAKE(1, 1, 7, 1), TAKE(1, 2, 8, 1), TAKE(50, 3, 9, 1)}},

	{SIM_RULE_BOUND, {.owed_max = 1}, {ADMIT(1, 1, 7), ADMIT(1, 2, 8)}},
	{SIM_RULE_BOUND, {.owed_max = 2}, {ADMIT(1, 1, 7), REFUSE(1, 2, 8)}},
	{SIM_RULE_BOUND, {KEYED, .parked_max = 1}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), PARK(1, 1), ADMIT(1, 2, 7)}},
	{SIM_RULE_BOUND, {KEYED, .parked_max = 1}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), PARK(1, 1), REFUSE(1, 2, 8)}},

	{SIM_RULE_DROP, {KEYED}, {ADMIT(1, 1, 7), ADMIT(1, 2, 8), DROP(1, 2)}},
	{SIM_RULE_DROP, {KEYED}, {ADMIT(1, 1, 7), DROP_NONE(1)}},
	{SIM_RULE_DROP, {KEYED}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), DROP(1, 1)}},
	{SIM_RULE_DROP, {KEYED, TRIES(2)}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), RETRY(1, 1, 1, 90), DROP(1, 1)}},
	{SIM_RULE_DROP, {KEYED}, {ADMIT(1, 1, 7), ADMIT(1, 2, 7), TAKE(1, 1, 7, 1), PARK(1, 1), DROP(1, 2)}},

	{SIM_RULE_CLEAR, {KEYED}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), CLEARED(1, 1)}},
	{SIM_RULE_CLEAR, {KEYED}, {ADMIT(1, 1, 7), ADMIT(1, 2, 7), CLEARED(1, 1), CLEAR(1)}},

	{SIM_RULE_COUNTS, {KEYED}, {ADMIT(1, 1, 7), ADMIT(1, 2, 7), COUNTS(1, 1, 1, 0, 0, 0, false), COUNTS(1, 2, 0, 0, 0, 0, false)}},
	{SIM_RULE_COUNTS, {KEYED}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), PARK(1, 1), ADMIT(1, 2, 7), COUNTS(1, 0, 1, 0, 0, 1, false)}},
	{SIM_RULE_COUNTS, {KEYED}, {ADMIT(1, 1, 7), COUNTS(1, 1, 0, 0, 0, 0, true)}},

	{SIM_RULE_IDLE, {KEYED}, {ADMIT(1, 1, 7), NOTHING(1, INT64_MAX)}},
	{SIM_RULE_IDLE, {TRIES(2)}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), RETRY(1, 1, 1, 90), NOTHING(89, 90), NOTHING(90, INT64_MAX)}},
	{SIM_RULE_IDLE, {.rate_per_s = 10}, {ADMIT(1, 1, 7), ADMIT(1, 2, 8), TAKE(1, 1, 7, 1), NOTHING(99, 100), NOTHING(101, 102)}},

	{SIM_RULE_NEXT, {KEYED}, {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), NOTHING(1, 1)}},
	{SIM_RULE_NEXT, {TRIES(2)}, /* too late */
	 {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), RETRY(1, 1, 1, 90), NOTHING(2, 95), TAKE(90, 1, 7, 2)}},
	{SIM_RULE_NEXT, {TRIES(2)}, /* too early */
	 {ADMIT(1, 1, 7), TAKE(1, 1, 7, 1), RETRY(1, 1, 1, 90), NOTHING(2, 50), NOTHING(50, 90)}},

	{SIM_RULE_FAIR, {TRIES(9)}, /* 2 fails again and again, 1 waits */
	 {ADMIT(1, 2, 8), TAKE(1, 2, 8, 1), RETRY(1, 2, 1, 90), ADMIT(1, 1, 7), TAKE(90, 2, 8, 2), RETRY(90, 2, 2, 200),
	  TAKE(200, 2, 8, 3), RETRY(200, 2, 3, 400), TAKE(400, 2, 8, 4), RETRY(400, 2, 4, 600), TAKE(600, 2, 8, 5),
	  RETRY(600, 2, 5, 800), TAKE(800, 2, 8, 6), RETRY(800, 2, 6, 1000), TAKE(1000, 2, 8, 7),
	  RETRY(1000, 2, 7, 1200), TAKE(1200, 2, 8, 8)}},

	{SIM_RULE_LOST, {KEYED}, {ADMIT(1, 1, 7), END(1, 0, 0, 0, 0, 0, 0)}},
	{SIM_RULE_STUCK, {KEYED}, {ADMIT(1, 1, 7), END(1, 1, 0, 0, 0, 0, 1)}},
};
/* clang-format on */

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* The rest of an array is an admission of token 0 at 0 ms. */
static size_t length(const struct row *row)
{
	size_t count = 0;

	while (count < RECORDS_MAX &&
		(row->records[count].act != SIM_ADMIT || row->records[count].token != 0))
		count++;
	return count;
}

static struct sim_violation check(const struct row *row, size_t count)
{
	struct sim_record records[RECORDS_MAX];
	struct sim_history history = {records, count, RECORDS_MAX};
	struct td_delivery_options options = row->options;

	memcpy(records, row->records, sizeof(records));
	if (options.owed_max == 0)
		options.owed_max = 10;
	if (options.parked_max == 0)
		options.parked_max = 10;
	return sim_check(&options, &history);
}

static void checker_catches_each_planted_violation(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		size_t count = length(&rows[i]);
		struct sim_violation found = check(&rows[i], count);
		if (found.rule != rows[i].rule || found.at != count - 1)
			fail_msg("row %zu: %s (%s) at %zu, expected %s at %zu", i,
				sim_rule_name(found.rule), found.text, found.at,
				sim_rule_name(rows[i].rule), count - 1);
	}
}

static void checker_passes_the_same_without_the_violation(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		struct sim_violation found = check(&rows[i], length(&rows[i]) - 1);
		if (found.rule != SIM_RULE_NONE)
			fail_msg("row %zu: %s (%s)", i, sim_rule_name(found.rule), found.text);
	}
}

static void checker_has_a_planted_violation_for_every_rule(void **state)
{
	bool seen[SIM_RULE_STUCK + 1] = {[SIM_RULE_NONE] = true};

	(void)state;
	for (size_t i = 0; i < ROWS; i++)
		seen[rows[i].rule] = true;
	for (size_t rule = 0; rule <= SIM_RULE_STUCK; rule++)
		if (!seen[rule])
			fail_msg("no row breaks %s", sim_rule_name((enum sim_rule)rule));
}

/* --- clean histories, damaged ------------------------------------------------------------- */

static const struct td_delivery_options busy = {.keyed = true,
	.owed_max = 20,
	.parked_max = 10,
	.retry = {.attempts_max = 3,
		.first_ms = 10,
		.factor = 2,
		.longest_ms = 100,
		.jitter = 0.5,
		.exhausted = TD_PARK}};

static void no_play(struct sim_world *world)
{
	(void)world;
}

static const char *const names[SIM_DELIVERY_COUNTERS_COUNT] = {0};
static const struct sim_kind no_kind = {.name = "none",
	.play = no_play,
	.counters = names,
	.counters_count = SIM_DELIVERY_COUNTERS_COUNT};

/* A history of the real machine. */
static void live(struct sim_world *world, struct sim_door *door)
{
	struct td_due due;

	sim_door_init(door, world, &busy);
	for (uint64_t token = 1; token <= 100; token++) {
		sim_door_admit(door, token, 1 + sim_below(world, 4));
		while (sim_below(world, 3) != 0 && sim_door_take(door, sim_now_ms(world), &due)) {
			sim_advance_ms(world, sim_between(world, 0, 20));
			sim_door_settle(door, &due,
				sim_chance(world, 300) ? TD_SETTLE_RETRY : TD_SETTLE_DONE, 0,
				sim_unit(world), sim_now_ms(world));
		}
		if (sim_chance(world, 100))
			sim_door_redrive(door, 1 + sim_below(world, 4));
	}
	sim_door_end(door, false);
	assert_false(sim_failed(world));
}

/*
 * Forget a record, repeat it, or change its token. Each of these is wrong, except where it says
 * nothing (a take of nothing, a redrive) or nothing else would speak of it (another token
 * admitted).
 */
static bool damage(struct sim_world *world, struct sim_history *history)
{
	size_t at = (size_t)sim_below(world, history->count - 1);
	struct sim_record *record = &history->records[at];
	const struct sim_record copy = *record;
	size_t behind = history->count - at - 1;

	if (record->act == SIM_NOTHING || record->act == SIM_REDRIVE || record->code != 0)
		return false;
	switch (sim_below(world, 3)) {
	case 0:
		memmove(record, record + 1, behind * sizeof(*record));
		history->count--;
		return true;
	case 1:
		sim_history_add(history, &copy);
		memmove(&history->records[at + 1], &history->records[at], behind * sizeof(*record));
		return true;
	default:
		record->token += 1000;
		return record->act != SIM_ADMIT;
	}
}

static void checker_catches_damage_done_to_clean_histories(void **state)
{
	uint64_t counts[SIM_DELIVERY_COUNTERS_COUNT] = {0};
	size_t damaged = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 1000; seed++) {
		struct sim_world world;
		struct sim_door door;
		sim_world_init(&world, &no_kind, seed, counts);
		live(&world, &door);
		assert_int_equal(sim_check(&busy, &door.history).rule, SIM_RULE_NONE);
		if (damage(&world, &door.history)) {
			damaged++;
			if (sim_check(&busy, &door.history).rule == SIM_RULE_NONE)
				fail_msg("seed %d: the damage was not seen", (int)seed);
		}
		sim_door_fini(&door);
		sim_world_fini(&world);
	}
	assert_in_range(damaged, 500, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checker_catches_each_planted_violation),
		cmocka_unit_test(checker_passes_the_same_without_the_violation),
		cmocka_unit_test(checker_has_a_planted_violation_for_every_rule),
		cmocka_unit_test(checker_catches_damage_done_to_clean_histories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
