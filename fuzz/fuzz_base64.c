/*
 * Base64, there and back.
 *
 *	1. any bytes, encoded and decoded, are the same bytes;
 *	2. any text that is decoded, encoded again, is the same text: there is one way to write
 *	   each run of bytes, so nothing that is not strict gets through;
 *	3. what is refused is no multiple of four letters with padding, or has bits behind its last
 *	   byte; the offset lies inside, and the buffer is as before.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

#define SIZE_MOST ((size_t)1 << 20)

static bool same(const struct td_buf *buf, const void *bytes, size_t len)
{
	return buf->code == 0 && buf->len == len && (len == 0 || memcmp(buf->at, bytes, len) == 0);
}

static bool is_strict(const char *at, size_t len)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t padding = 0;

	while (padding < 2 && padding < len && at[len - 1 - padding] == '=')
		padding++;
	if (len % 4 != 0)
		return false;
	for (size_t i = 0; i < len - padding; i++)
		if (at[i] == '\0' || strchr(letters, at[i]) == NULL)
			return false;
	if (padding == 0)
		return true;
	long last = strchr(letters, at[len - 1 - padding]) - letters;
	return last % (padding == 1 ? 4 : 16) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct td_text input = td_text_of(data, size);
	struct td_buf there = TD_BUF_INIT(SIZE_MOST), back = TD_BUF_INIT(SIZE_MOST);
	struct td_error err = TD_ERROR_INIT;

	if (size > SIZE_MOST / 2)
		return 0;
	td_base64_encode(&there, input);
	CHECK(there.len == (size + 2) / 3 * 4);
	CHECK(td_base64_decode(&back, td_buf_view(&there), NULL) == 0);
	CHECK(same(&back, data, size));

	td_buf_reset(&there);
	td_buf_reset(&back);
	if (td_base64_decode(&there, input, &err) == 0) {
		CHECK(is_strict(input.at, size));
		td_base64_encode(&back, td_buf_view(&there));
		CHECK(same(&back, data, size));
	} else {
		CHECK(!is_strict(input.at, size));
		CHECK(err.code == TD_E_FORMAT && err.offset <= size && same(&there, NULL, 0));
	}
	td_buf_fini(&there);
	td_buf_fini(&back);
	return 0;
}
