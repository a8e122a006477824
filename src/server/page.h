/*
 * page: the live page at `/`, served from memory (page/, made into an array by tools/embed).
 *
 * It speaks the public HTTP API alone. What it may load is said by its Content-Security-Policy: its own
 * files, and nothing inline.
 */
#ifndef TD_SERVER_PAGE_H
#define TD_SERVER_PAGE_H

#include "server/exchange.h"

struct td_page_file {
	const char *name; /* below /page/; "": the page itself */
	const char *media, *tag;
	const unsigned char *bytes;
	size_t len;
};
extern const struct td_page_file td_page_files[];
extern const size_t td_page_files_count;

extern const struct td_route td_page_routes[2];

#endif
