/*
 * header: single values out of a header block, where the whole event is not wanted.
 */
#ifndef TD_STORE_HEADER_H
#define TD_STORE_HEADER_H

#include "event/event.h"

/*
 * The value of the first line with this key, or absent. With a `buf` it is decoded as attributes
 * are, behind what is there; a value that needs none is a view into the block.
 */
struct td_text td_block_value(struct td_text block, const char *key, struct td_buf *buf);
/* The story that an event belongs to: see td_store_story(). Absent only without an id. */
struct td_text td_block_story(struct td_text block, struct td_text server, struct td_buf *buf);

#endif
