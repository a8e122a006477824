/*
 * Attribute values in headers. What is encoded is printable ASCII and comes back if it was UTF-8,
 * else is refused; what is decoded is what a naive decoder, in two steps, makes of it.
 */
#include <stdint.h>
#include <stdlib.h>

#include "event/percent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_value(struct td_text value)
{
	struct td_buf header = TD_BUF_INIT(SIZE_MAX / 2), back = TD_BUF_INIT(SIZE_MAX / 2);
	bool utf8 = td_utf8_valid(value.at, value.len) == value.len;

	td_header_value_encode(&header, value);
	TD_ASSERT(header.len == td_header_value_bytes(value));
	for (size_t i = 0; i < header.len; i++)
		TD_ASSERT(header.at[i] > 0x20 && header.at[i] < 0x7F && header.at[i] != '"');
	TD_ASSERT((td_header_value_decode(&back, td_buf_view(&header), NULL) == 0) == utf8);
	if (utf8)
		TD_ASSERT(back.len == value.len &&
			  (value.len == 0 || memcmp(back.at, value.at, value.len) == 0));
	td_buf_fini(&header);
	td_buf_fini(&back);
}

/* First the quotes, then the percents. */
static bool decode_naively(struct td_text header, struct td_buf *out)
{
	struct td_buf bare = TD_BUF_INIT(SIZE_MAX / 2);
	bool inside = false, fine = true;

	for (size_t i = 0; i < header.len && fine; i++) {
		char c = header.at[i];

		if (c == '"') {
			inside = !inside;
			continue;
		}
		if (inside && c == '\\') {
			fine = ++i < header.len;
			if (!fine)
				break;
			c = header.at[i];
		}
		td_buf_add_char(&bare, c);
	}
	fine = fine && !inside;
	for (size_t i = 0; i < bare.len && fine; i++) {
		unsigned value;
		char digits[3] = {0};

		if (bare.at[i] != '%') {
			td_buf_add_char(out, bare.at[i]);
			continue;
		}
		fine = bare.len - i > 2;
		if (!fine)
			break;
		memcpy(digits, bare.at + i + 1, 2);
		fine = strspn(digits, "0123456789abcdefABCDEF") == 2;
		value = (unsigned)strtoul(digits, NULL, 16);
		td_buf_add_char(out, (char)value);
		i += 2;
	}
	td_buf_fini(&bare);
	return fine && td_utf8_valid(out->at, out->len) == out->len;
}

static void try_header(struct td_text header)
{
	struct td_buf naive = TD_BUF_INIT(SIZE_MAX / 2), decoded = TD_BUF_INIT(SIZE_MAX / 2);
	struct td_error err = TD_ERROR_INIT;
	bool fine = decode_naively(header, &naive);

	TD_ASSERT((td_header_value_decode(&decoded, header, &err) == 0) == fine);
	TD_ASSERT(err.code == 0 || err.offset <= header.len || err.offset == TD_NO_OFFSET);
	if (fine)
		TD_ASSERT(decoded.len == naive.len &&
			  (naive.len == 0 || memcmp(decoded.at, naive.at, naive.len) == 0));
	if (fine && td_header_value_is_plain(header))
		TD_ASSERT(decoded.len == header.len);
	td_buf_fini(&naive);
	td_buf_fini(&decoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_value(td_text_of(data, size));
	try_header(td_text_of(data, size));
	return 0;
}
