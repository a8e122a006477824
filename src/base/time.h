/*
 * Times as text: RFC 3339 with seconds and an offset, as CloudEvents wants it.
 */
#ifndef TD_BASE_TIME_H
#define TD_BASE_TIME_H

#include "tidings/error.h"
#include "tidings/event.h"
#include "tidings/text.h"

#define TD_TIME_BYTES 27 /* "2026-11-21T01:43:11.123456Z", without NUL */

/* Write `time` in UTC to the microsecond; exactly TD_TIME_BYTES bytes, no NUL. */
void td_time_format(td_time time, char text[TD_TIME_BYTES]);
/*
 * Whether the text is a valid RFC 3339 timestamp of any year 0000 to 9999. A second 60 is accepted
 * where leap seconds are: at 23:59 in UTC. TD_E_DATA with the offset of what is wrong.
 */
int td_time_check(struct td_text text, struct td_error *err);
/*
 * The instant; fractions beyond nanoseconds are cut, a second 60 is the next minute's 0. TD_E_DATA
 * also for what td_time cannot hold (before 1677-09-21T00:12:43Z, after 2262-04-11T23:47:16Z).
 */
int td_time_parse(struct td_text text, td_time *time, struct td_error *err);

#endif
