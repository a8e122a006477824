/*
 * Addresses. Any bytes that are short enough have an address; it is valid, it is what a naive
 * encoder makes of the rule, and it leads back to the same bytes. As an address or pattern, the
 * bytes are judged as a naive splitter judges them.
 */
#include <stdint.h>
#include <stdlib.h>

#include "event/percent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void encode_naively(struct td_text subject, struct td_buf *buf)
{
	bool token_is_empty = true;

	for (size_t i = 0; i < subject.len; i++) {
		unsigned char c = (unsigned char)subject.at[i];
		bool last = i + 1 == subject.len;

		if (c == '.' && !token_is_empty && !last) {
			td_buf_add_char(buf, '.');
			token_is_empty = true;
			continue;
		}
		if (c <= ' ' || c == 0x7F || c == '%' || c == '*' || c == '>' || c == '.')
			td_buf_printf(buf, "%%%02X", c);
		else
			td_buf_add_char(buf, (char)c);
		token_is_empty = false;
	}
}

static void try_subject(struct td_text subject)
{
	char out[TD_ADDRESS_BYTES_MAX], room[TD_ADDRESS_BYTES_MAX];
	struct td_text address;
	struct td_buf naive = TD_BUF_INIT(SIZE_MAX / 2), back = TD_BUF_INIT(SIZE_MAX / 2);

	encode_naively(subject, &naive);
	if (td_address_encode(subject, out, &address, NULL) != 0) {
		TD_ASSERT(subject.len == 0 || naive.len > TD_ADDRESS_BYTES_MAX);
	} else {
		TD_ASSERT(td_text_equal(address, td_buf_view(&naive)));
		TD_ASSERT(td_address_check(address, NULL) == 0);
		TD_ASSERT(td_address_is_of(address, subject));
		TD_ASSERT(td_text_equal(td_address_view(address, room), subject));
		td_address_decode(address, &back);
		TD_ASSERT(td_text_equal(td_buf_view(&back), subject));
	}
	td_buf_fini(&naive);
	td_buf_fini(&back);
}

static bool is_valid(struct td_text text, bool pattern)
{
	size_t token = 0;

	if (text.len == 0 || text.len > TD_ADDRESS_BYTES_MAX)
		return false;
	for (size_t i = 0; i <= text.len; i++) {
		if (i < text.len && text.at[i] != '.') {
			if ((unsigned char)text.at[i] <= ' ' || text.at[i] == 0x7F)
				return false;
			continue;
		}
		if (i == token)
			return false;
		if (i == token + 1 && text.at[token] == '*' && !pattern)
			return false;
		if (i == token + 1 && text.at[token] == '>' && (!pattern || i < text.len))
			return false;
		token = i + 1;
	}
	return true;
}

static void try_address(struct td_text text)
{
	struct td_error err = TD_ERROR_INIT;
	struct td_buf decoded = TD_BUF_INIT(SIZE_MAX / 2);

	TD_ASSERT((td_address_check(text, &err) == 0) == is_valid(text, false));
	TD_ASSERT(err.code == 0 || err.offset <= text.len);
	TD_ASSERT((td_pattern_check(text, NULL) == 0) == is_valid(text, true));
	td_address_decode(text, &decoded);
	TD_ASSERT(decoded.len <= text.len);
	TD_ASSERT(td_address_is_of(text, td_text_of(decoded.len ? decoded.at : "", decoded.len)));
	td_buf_fini(&decoded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_subject(td_text_of(data, size));
	try_address(td_text_of(data, size));
	return 0;
}
