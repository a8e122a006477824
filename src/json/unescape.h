/*
 * Private to json: the value of a string, piece by piece, so that strings are compared without
 * being copied.
 */
#ifndef TD_JSON_UNESCAPE_H
#define TD_JSON_UNESCAPE_H

#include "json/json.h"

/*
 * The next piece of a string's value, 1 to 4 bytes: one byte as it stands, or one escape. *at
 * walks the inside of a trusted string. Returns the length, 0 at the end.
 */
size_t td_json_piece(const char **at, const char *end, char piece[4]);

/* What lies between the quotes, escapes as they stand. */
static inline struct td_text td_json_raw_inside(struct td_json string)
{
	return td_text_of(string.text.at + 1, string.text.len - 2);
}

#endif
