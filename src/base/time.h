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
 * Whether the text is a valid RFC 3339 timestamp of any year 0000 to 9999 (leap second 60 is
 * accepted where one can be: at the end of an hour in UTC). TD_E_DATA with the offset of what is
 * wrong.
 */
int td_time_check(struct td_text text, struct td_error *err);
/* The instant; fractions beyond nanoseconds are cut. TD_E_DATA also outside 1678 to 2261. */
int td_time_parse(struct td_text text, td_time *time, struct td_error *err);

#endif
