/*
 * Numbers in records and index files: little end first, at any alignment; and numbers that are
 * mostly small, seven bits a byte.
 */
#ifndef TD_STORE_BYTES_H
#define TD_STORE_BYTES_H

#include "base/base.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define TD_LITTLE(bits, x) (x)
#else
#define TD_LITTLE(bits, x) __builtin_bswap##bits(x)
#endif

#define TD_BYTES_OF(bits)                                               \
	static inline uint##bits##_t td_get##bits(const void *at)       \
	{                                                               \
		uint##bits##_t value;                                   \
		memcpy(&value, at, sizeof(value));                      \
		return TD_LITTLE(bits, value);                          \
	}                                                               \
	static inline void td_put##bits(void *at, uint##bits##_t value) \
	{                                                               \
		value = TD_LITTLE(bits, value);                         \
		memcpy(at, &value, sizeof(value));                      \
	}
TD_BYTES_OF(16)
TD_BYTES_OF(32)
TD_BYTES_OF(64)
#undef TD_BYTES_OF

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
