/*
 * traceparent: what a W3C `traceparent` says.
 */
#ifndef TD_EVENT_TRACEPARENT_H
#define TD_EVENT_TRACEPARENT_H

#include "tidings/text.h"

struct td_traceparent {
	struct td_text trace; /* 32 digits, the same for all that one request set off */
	struct td_text span;  /* 16 digits, of who sent it */
};

/*
 * Views into the value, which has no blanks around. false: it is none, so it counts as absent: other
 * than "VV-TRACE-SPAN-FF" in lower case, an id of zeros, version ff, or version 00 with more behind.
 */
bool td_traceparent_read(struct td_text traceparent, struct td_traceparent *trace);

#endif
