/*
 * name: strangers' words in diagrams and terminals. Private to the room.
 *
 * Whatever the bytes are, what is written is valid UTF-8 without control characters and without
 * those that change the direction of writing or show nothing: they stand as <U+202E>, bytes that are
 * no UTF-8 as U+FFFD. In JSON names stand as they are.
 */
#ifndef TD_FLOW_NAME_H
#define TD_FLOW_NAME_H

#include "base/base.h"

/* Longer names lose their middle in diagrams. */
#define TD_FLOW_SHOWN_MAX 64u /* characters */

/* For a terminal: all of it. */
void td_name_text(struct td_buf *buf, struct td_text name);
/* Inside "..." of a DOT file. */
void td_name_dot(struct td_buf *buf, struct td_text name);
/* Inside ["..."] or |"..."| of Mermaid: what is not a letter, digit or harmless is #NUMBER;. */
void td_name_mermaid(struct td_buf *buf, struct td_text name);

#endif
