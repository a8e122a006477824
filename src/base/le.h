/*
 * Numbers in bytes, little end first, at any alignment: what Tidings keeps on disk.
 */
#ifndef TD_BASE_LE_H
#define TD_BASE_LE_H

#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define TD_LE32(x) (x)
#define TD_LE64(x) (x)
#else
#define TD_LE32(x) __builtin_bswap32(x)
#define TD_LE64(x) __builtin_bswap64(x)
#endif

static inline uint32_t td_le32_get(const void *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return TD_LE32(value);
}

static inline uint64_t td_le64_get(const void *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return TD_LE64(value);
}

static inline void td_le32_put(void *at, uint32_t value)
{
	value = TD_LE32(value);
	memcpy(at, &value, sizeof(value));
}

static inline void td_le64_put(void *at, uint64_t value)
{
	value = TD_LE64(value);
	memcpy(at, &value, sizeof(value));
}

#endif
