/*
 * rule: what an attribute's value may be (CloudEvents 1.0.2, section "Type System" and those of the
 * attributes). Each rule answers NULL, or what is wrong with the value, in a few words.
 */
#ifndef TD_EVENT_RULE_H
#define TD_EVENT_RULE_H

#include "tidings/text.h"

typedef const char *td_rule(struct td_text value);

/* Unicode without control characters (U+0000-001F, U+007F-009F) and noncharacters. */
td_rule td_rule_text;
td_rule td_rule_integer;       /* signed, 32 bits, in the one way to write it */
td_rule td_rule_boolean;       /* true or false */
td_rule td_rule_time;          /* RFC 3339 */
td_rule td_rule_uri_reference; /* RFC 3986, characters beyond ASCII let through as RFC 3987 does */
td_rule td_rule_uri;           /* the same, with a scheme */
td_rule td_rule_media_type;    /* RFC 2046: type/subtype;parameter=value */

#endif
