/*
 * An HTTP answer, as a client that was written without looking at the server reads it: a status line,
 * fields, and a body by its length or in chunks. Not src/wire/http: whoever checks another's words
 * needs words of his own. What cannot be read is `wrong`, and the world fails.
 */
#ifndef SIM_SERVER_REPLY_H
#define SIM_SERVER_REPLY_H

#include "base/base.h"

enum reply_part {
	REPLY_HEAD,
	REPLY_BODY, /* by its length */
	REPLY_SIZE, /* of a chunk */
	REPLY_CHUNK,
	REPLY_TRAILER,
	REPLY_DONE,
};

struct reply {
	enum reply_part part;
	struct td_buf line; /* of the head, or of a chunk's size, so far */
	struct td_buf body; /* so far */
	struct td_buf next; /* the URL of Link: rel="next" */
	size_t left;        /* of the body, or of a chunk */
	int status;         /* 0: the head has not come yet */
	bool chunked, closes;
	const char *wrong; /* NULL: it is right so far */
};

#define REPLY_BYTES_MAX ((size_t)64 << 20)
#define REPLY_INIT                                                                   \
	{                                                                            \
		.line = TD_BUF_INIT(64 << 10), .body = TD_BUF_INIT(REPLY_BYTES_MAX), \
		.next = TD_BUF_INIT(64 << 10),                                       \
	}

void reply_fini(struct reply *reply);
/* The next one on the same connection. */
void reply_reset(struct reply *reply);
/* Some bytes came; how many of them are its own. Less than `len`: it is done, or wrong. */
size_t reply_take(struct reply *reply, const char *bytes, size_t len);
/* The head came, and all of the body. */
static inline bool reply_is_done(const struct reply *reply)
{
	return reply->part == REPLY_DONE;
}

#endif
