/*
 * Subjects as the protocol has them: tokens between dots, none empty; no blank, tab, CR, LF, FF or
 * NUL. "*" as a token matches one, ">" as the last token one or more; "fo*o" and "a>b" are text.
 */
#ifndef TD_WIRE_NATS_SUBJECT_H
#define TD_WIRE_NATS_SUBJECT_H

#include <stdbool.h>

#include "tidings/text.h"

/* Whether it can be published to: no token is a wildcard. */
bool td_nats_is_literal(struct td_text subject);
/* Whether it can be subscribed to. */
bool td_nats_is_pattern(struct td_text subject);

#endif
