#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/hex.h"

void td_bytes_fini(struct td_bytes *bytes)
{
	if (bytes == NULL)
		return;
	free(bytes->at);
	bytes->at = NULL;
	bytes->len = 0;
}

void td_buf_init(struct td_buf *buf, size_t max)
{
	*buf = (struct td_buf)TD_BUF_INIT(max);
}

void td_buf_fini(struct td_buf *buf)
{
	free(buf->at);
	*buf = (struct td_buf)TD_BUF_INIT(buf->max);
}

void td_buf_wipe(struct td_buf *buf)
{
	if (buf->at != NULL)
		explicit_bzero(buf->at, buf->cap);
	td_buf_fini(buf);
}

void td_buf_reset(struct td_buf *buf)
{
	buf->len = 0;
	buf->code = 0;
}

static bool grow(struct td_buf *buf, size_t n)
{
	size_t cap = buf->cap ? buf->cap : 64;
	char *at;

	if (n > buf->max - buf->len) {
		buf->code = TD_E_TOO_LARGE;
		return false;
	}
	while (cap - buf->len <= n) /* one byte more, for the NUL */
		cap = cap > SIZE_MAX / 2 ? buf->len + n + 1 : cap * 2;
	at = realloc(buf->at, cap);
	if (at == NULL) {
		buf->code = TD_E_NOMEM;
		return false;
	}
	buf->at = at;
	buf->cap = cap;
	return true;
}

char *td_buf_reserve(struct td_buf *buf, size_t n)
{
	TD_ASSERT(buf->len <= buf->max);
	if (TD_UNLIKELY(buf->code != 0))
		return NULL;
	if (TD_UNLIKELY(buf->cap - buf->len <= n || n > buf->max - buf->len) && !grow(buf, n))
		return NULL;
	return buf->at + buf->len;
}

void td_buf_add(struct td_buf *buf, const void *bytes, size_t n)
{
	char *to = td_buf_reserve(buf, n);

	if (to == NULL)
		return;
	if (n > 0)
		memcpy(to, bytes, n);
	to[n] = '\0';
	buf->len += n;
}

void td_buf_add_text(struct td_buf *buf, struct td_text text)
{
	td_buf_add(buf, text.at, text.len);
}

void td_buf_add_string(struct td_buf *buf, const char *string)
{
	td_buf_add(buf, string, strlen(string));
}

void td_buf_add_char(struct td_buf *buf, char c)
{
	td_buf_add(buf, &c, 1);
}

void td_buf_add_u64(struct td_buf *buf, uint64_t value)
{
	char digits[20];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	td_buf_add(buf, digits + i, sizeof(digits) - i);
}

void td_buf_add_i64(struct td_buf *buf, int64_t value)
{
	if (value < 0)
		td_buf_add_char(buf, '-');
	td_buf_add_u64(buf, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void td_buf_printf(struct td_buf *buf, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	TD_ASSERT(len >= 0);
	char *to = td_buf_reserve(buf, (size_t)len);
	if (to == NULL)
		return;
	va_start(args, format);
	vsnprintf(to, (size_t)len + 1, format, args);
	va_end(args);
	buf->len += (size_t)len;
}

int td_buf_check(const struct td_buf *buf, struct td_error *err)
{
	if (buf->code == TD_E_NOMEM)
		return td_error_nomem(err);
	if (buf->code != 0)
		return td_error_set(err, buf->code, TD_NO_OFFSET, "more than %zu bytes", buf->max);
	return 0;
}

void td_buf_detach(struct td_buf *buf, struct td_bytes *bytes)
{
	TD_ASSERT(buf->code == 0);
	if (buf->at != NULL)
		buf->at[buf->len] = '\0'; /* who reserved may have written none */
	bytes->at = buf->at;
	bytes->len = buf->len;
	*buf = (struct td_buf)TD_BUF_INIT(buf->max);
}

void td_buf_add_hex(struct td_buf *buf, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *at = bytes;
	char *out = len > SIZE_MAX / 2 ? NULL : td_buf_reserve(buf, 2 * len);

	for (size_t i = 0; out != NULL && i < len; i++) {
		*out++ = digits[at[i] >> 4];
		*out++ = digits[at[i] & 15];
	}
	if (out == NULL)
		return;
	*out = '\0';
	buf->len += 2 * len;
}

char *td_text_dup(struct td_text text)
{
	char *copy = malloc(text.len + 1);

	if (copy == NULL)
		return NULL;
	if (text.len > 0)
		memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	return copy;
}
