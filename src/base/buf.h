/*
 * A growing run of bytes with a ceiling.
 *
 * Failure is sticky: once memory or the ceiling is reached, further calls do nothing, and the
 * writer asks once, at the end, with td_buf_check(). So code that writes stays free of checks.
 *
 *	struct td_buf buf = TD_BUF_INIT(max);
 *	td_buf_add(&buf, "{", 1);
 *	...
 *	code = td_buf_check(&buf, err);
 *	td_buf_fini(&buf);
 */
#ifndef TD_BASE_BUF_H
#define TD_BASE_BUF_H

#include "tidings/error.h"
#include "tidings/event.h"
#include "tidings/text.h"

#include <stdint.h>

struct td_buf {
	char *at; /* len bytes, and always room for a NUL behind them once anything was added */
	size_t len;
	size_t cap;
	size_t max; /* ceiling of len */
	int code;   /* 0, TD_E_NOMEM or TD_E_TOO_LARGE */
};

#define TD_BUF_INIT(max_bytes)             \
	{                                  \
		NULL, 0, 0, (max_bytes), 0 \
	}

void td_buf_init(struct td_buf *buf, size_t max);
void td_buf_fini(struct td_buf *buf);
/* The same, and nothing of what was written stays in memory. */
void td_buf_wipe(struct td_buf *buf);
/* Empty and without failure; keeps the memory. */
void td_buf_reset(struct td_buf *buf);

/* Room for n more bytes at buf->at + buf->len, not yet counted; NULL on failure. */
char *td_buf_reserve(struct td_buf *buf, size_t n);
void td_buf_add(struct td_buf *buf, const void *bytes, size_t n);
void td_buf_add_text(struct td_buf *buf, struct td_text text);
void td_buf_add_string(struct td_buf *buf, const char *string);
void td_buf_add_char(struct td_buf *buf, char c);
void td_buf_add_u64(struct td_buf *buf, uint64_t value);
void td_buf_add_i64(struct td_buf *buf, int64_t value);
void td_buf_printf(struct td_buf *buf, const char *format, ...) TD_PRINTF(2, 3);

/* 0, or the sticky failure with its text. */
int td_buf_check(const struct td_buf *buf, struct td_error *err);
/* What was written; valid until the next change. Absent only if nothing was ever added. */
static inline struct td_text td_buf_view(const struct td_buf *buf)
{
	return td_text_of(buf->at, buf->len);
}
/* Move the bytes out (NUL behind them); the buffer is empty then. Only after td_buf_check(). */
void td_buf_detach(struct td_buf *buf, struct td_bytes *bytes);

/*
 * The text as a C string of its own, to be freed; NULL if memory ran out. (strndup() may look behind what
 * is not a C string, say those who check strings strictly.)
 */
char *td_text_dup(struct td_text text);

#endif
