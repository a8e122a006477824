/*
 * Small numbers in records: of two bytes, and those that are mostly small, seven bits a byte.
 */
#ifndef TD_STORE_BYTES_H
#define TD_STORE_BYTES_H

#include "base/base.h"

static inline uint16_t td_le16_get(const void *at)
{
	const uint8_t *byte = at;

	return (uint16_t)(byte[0] | byte[1] << 8);
}

static inline void td_le16_put(void *at, uint16_t value)
{
	uint8_t *byte = at;

	byte[0] = (uint8_t)value;
	byte[1] = (uint8_t)(value >> 8);
}

#define TD_VARINT_BYTES 10

/* Returns how many bytes it took, at most TD_VARINT_BYTES. */
static inline size_t td_varint_put(uint8_t *at, uint64_t value)
{
	size_t n = 0;

	for (; value >= 0x80; value >>= 7)
		at[n++] = (uint8_t)(value | 0x80);
	at[n++] = (uint8_t)value;
	return n;
}

/* The bytes it takes, or 0: there is none, or one longer than need be. */
static inline size_t td_varint_get(const uint8_t *at, size_t len, uint64_t *value)
{
	uint64_t sum = 0;

	for (size_t n = 0; n < len && n < TD_VARINT_BYTES; n++) {
		uint64_t bits = at[n] & 0x7Fu;

		if (n == TD_VARINT_BYTES - 1 && bits > 1)
			return 0;
		sum |= bits << 7 * n;
		if (at[n] < 0x80) {
			if (at[n] == 0 && n > 0)
				return 0;
			*value = sum;
			return n + 1;
		}
	}
	return 0;
}

#endif
