/*
 * A header block, as it stands in HPUB and HMSG: not checked by anybody on the way, so whatever
 * stands there is read as far as it makes sense.
 *
 *	NATS/1.0[ status[ text]] CRLF  key: value CRLF  ...  CRLF
 */
#ifndef TD_WIRE_NATS_HEADER_H
#define TD_WIRE_NATS_HEADER_H

#include <stdbool.h>

#include "tidings/text.h"

/* The lines behind the first one; empty if there are none. */
struct td_text td_nats_header_lines(struct td_text block);
/*
 * The next line that has a colon: key as it stands, value without blanks before it (and none
 * behind). A line ends with CRLF. false at the end. One pass with this serves all keys a caller
 * wants; keys are compared as they are, case included.
 */
bool td_nats_header_next(struct td_text *lines, struct td_text *key, struct td_text *value);
/* The value of the first line with this key, or absent. */
struct td_text td_nats_header(struct td_text block, const char *key);
/* The status in the first line, 100 to 999, and its text (may be empty); 0: none. */
int td_nats_header_status(struct td_text block, struct td_text *text);

#endif
