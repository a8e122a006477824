#include "wire/http/scan.h"

/* clang-format off */
/* By byte, from a blank on; below it and above 0x7F nothing is of any class. */
const uint8_t td_http_classes[256] = {
	/* 0x00 */ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	/* 0x10 */ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	/* 0x20 */ 0, 0x0F, 0, 0x01, 0x0F, 0x01, 0x0F, 0x0F, 0x0E, 0x0E, 0x0F, 0x4F, 0x0E, 0x4F, 0x4F, 0x46,
	/* 0x30 */ 0x7F, 0x7F, 0x7F, 0x7F, 0x7F, 0x7F, 0x7F, 0x7F, 0x7F, 0x7F, 0x06, 0x0E, 0, 0x0E, 0, 0x04,
	/* 0x40 */ 0x06, 0x6F, 0x6F, 0x6F, 0x6F, 0x6F, 0x6F, 0x4F, 0x4F, 0x4F, 0x4F, 0x4F, 0x4F, 0x4F, 0x4F, 0x4F,
	/* 0x50 */ 0x4F, 0x4F, 0x4F, 0x4F, 0x4F, 0x4F, 0x4F, 0x4F, 0x4F, 0x4F, 0x4F, 0x04, 0x04, 0x04, 0x05, 0x4F,
	/* 0x60 */ 0x05, 0x6F, 0x6F, 0x6F, 0x6F, 0x6F, 0x6F, 0x4F, 0x4F, 0x4F, 0x4F, 0x4F, 0x4F, 0x4F, 0x4F, 0x4F,
	/* 0x70 */ 0x4F, 0x4F, 0x4F, 0x4F, 0x4F, 0x4F, 0x4F, 0x4F, 0x4F, 0x4F, 0x4F, 0x04, 0x05, 0x04, 0x4F, 0,
};
/* clang-format on */

#define EACH(byte) (0x0101010101010101u * (byte))

/* A high bit for each of the eight bytes that is below a blank, or DEL. */
static uint64_t controls(uint64_t word)
{
	uint64_t low = word & EACH(0x7F);
	uint64_t visible = low + EACH(0x60);                /* at least a blank */
	uint64_t not_del = (low ^ EACH(0x7F)) + EACH(0x7F); /* anything but 0x7F */

	return ~((visible & not_del) | word) & EACH(0x80);
}

const char *td_http_control(const char *at, const char *end)
{
	while (end - at >= 8) {
		uint64_t found = controls(td_le64_get(at));

		if (found != 0)
			return at + (unsigned)__builtin_ctzll(found) / 8;
		at += 8;
	}
	while (at < end && (unsigned char)*at >= 0x20 && *at != 0x7F)
		at++;
	return at;
}

bool td_http_number(struct td_text text, unsigned digits, uint64_t *value)
{
	uint64_t sum = 0;

	if (text.len == 0 || text.len > digits || (text.len > 1 && text.at[0] == '0'))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (!td_http_is(text.at[i], TD_HTTP_DIGIT))
			return false;
		sum = sum * 10 + (unsigned)(text.at[i] - '0');
	}
	*value = sum;
	return true;
}

bool td_http_is_token(struct td_text text)
{
	return text.len > 0 && td_http_span(text.at, text.at + text.len, TD_HTTP_TOKEN) == text.len;
}
