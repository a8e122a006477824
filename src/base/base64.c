#include "base/base64.h"

#include <string.h>

#include "base/assert.h"
#include "base/error.h"

static const char letters[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The value of a letter plus one; 0: not a letter. */
static const unsigned char values[256] = {
	['A'] = 1,
	2,
	3,
	4,
	5,
	6,
	7,
	8,
	9,
	10,
	11,
	12,
	13,
	14,
	15,
	16,
	17,
	18,
	19,
	20,
	21,
	22,
	23,
	24,
	25,
	26,
	['a'] = 27,
	28,
	29,
	30,
	31,
	32,
	33,
	34,
	35,
	36,
	37,
	38,
	39,
	40,
	41,
	42,
	43,
	44,
	45,
	46,
	47,
	48,
	49,
	50,
	51,
	52,
	['0'] = 53,
	54,
	55,
	56,
	57,
	58,
	59,
	60,
	61,
	62,
	['+'] = 63,
	['/'] = 64,
};

static void encode_group(char out[4], uint32_t bits)
{
	out[0] = letters[bits >> 18];
	out[1] = letters[bits >> 12 & 63];
	out[2] = letters[bits >> 6 & 63];
	out[3] = letters[bits & 63];
}

void td_base64_encode(struct td_buf *buf, struct td_text bytes)
{
	const unsigned char *in = (const unsigned char *)bytes.at;
	size_t len = (bytes.len / 3 + (bytes.len % 3 != 0)) * 4;
	char *out = td_buf_reserve(buf, len);
	size_t i;

	if (out == NULL)
		return;
	for (i = 0; bytes.len - i >= 3; i += 3, out += 4)
		encode_group(out,
			(uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | (uint32_t)in[i + 2]);
	if (bytes.len - i == 2) {
		encode_group(out, (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8);
		out[3] = '=';
		out += 4;
	} else if (bytes.len - i == 1) {
		encode_group(out, (uint32_t)in[i] << 16);
		out[2] = out[3] = '=';
		out += 4;
	}
	*out = '\0';
	buf->len += len;
}

/* `count` letters (2 to 4) as 24 bits, from the left; false and *at moved to what is not one. */
static bool decode_group(const unsigned char *in, size_t count, size_t *at, uint32_t *bits)
{
	uint32_t all = 0;

	for (size_t i = 0; i < count; i++) {
		unsigned value = values[in[*at + i]];
		if (TD_UNLIKELY(value == 0)) {
			*at += i;
			return false;
		}
		all = all << 6 | (value - 1);
	}
	*bits = all << 6 * (4 - count);
	*at += count;
	return true;
}

int td_base64_decode(struct td_buf *buf, struct td_text text, struct td_error *err)
{
	const unsigned char *in = (const unsigned char *)text.at;
	size_t padding = 0, groups, at = 0;
	unsigned char *out;
	uint32_t bits;

	if (text.len % 4 != 0)
		return td_error_set(
			err, TD_E_FORMAT, text.len, "base64: the length is not a multiple of 4");
	if (text.len > 0 && in[text.len - 1] == '=')
		padding = in[text.len - 2] == '=' ? 2 : 1;
	groups = text.len / 4 - (padding > 0);
	out = (unsigned char *)td_buf_reserve(buf, text.len / 4 * 3 - padding);
	if (out == NULL)
		return td_buf_check(buf, err);
	for (; groups > 0; groups--, out += 3) {
		if (!decode_group(in, 4, &at, &bits))
			goto bad;
		out[0] = (unsigned char)(bits >> 16);
		out[1] = (unsigned char)(bits >> 8);
		out[2] = (unsigned char)bits;
	}
	if (padding > 0) {
		if (!decode_group(in, 4 - padding, &at, &bits))
			goto bad;
		if ((bits & (padding == 1 ? 0xFF : 0xFFFF)) != 0)
			return td_error_set(err, TD_E_FORMAT, at - 1,
				"base64: bits are set behind the last byte");
		*out++ = (unsigned char)(bits >> 16);
		if (padding == 1)
			*out++ = (unsigned char)(bits >> 8);
	}
	*out = '\0';
	buf->len += text.len / 4 * 3 - padding;
	return 0;
bad:
	return td_error_set(
		err, TD_E_FORMAT, at, "base64: byte 0x%02X is not of the alphabet", in[at]);
}
