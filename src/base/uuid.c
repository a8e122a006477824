#include "base/uuid.h"

#include <string.h>

#define COUNTER_BITS 20
#define RANDOM_MASK  (((uint64_t)1 << 54) - 1)
#define NS_PER_MS    1000000u

_Static_assert(INT64_MAX / NS_PER_MS < (uint64_t)1 << (64 - COUNTER_BITS), "a td_time fits");

/*
 * The tick holds ms << 20 | counter of the last id. The next one is the greater of that plus one
 * and the clock's: so it only grows, whatever the clock does, and a full counter carries into the
 * next millisecond. 44 bits of milliseconds last until the year 2527, longer than td_time.
 */
static uint64_t advance(td_uuid_tick *tick, uint64_t unix_ms)
{
	uint64_t now = unix_ms << COUNTER_BITS;
	uint64_t last = atomic_load_explicit(tick, memory_order_relaxed);

	while (last < now)
		if (atomic_compare_exchange_weak_explicit(
			    tick, &last, now, memory_order_relaxed, memory_order_relaxed))
			return now;
	return atomic_fetch_add_explicit(tick, 1, memory_order_relaxed) + 1;
}

static void put_big_endian(void *to, uint64_t value)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	value = __builtin_bswap64(value);
#endif
	memcpy(to, &value, sizeof(value));
}

void td_uuid_next(td_uuid_tick *tick, td_time now, uint64_t random, uint8_t uuid[16])
{
	uint64_t order = advance(tick, now > 0 ? (uint64_t)now / NS_PER_MS : 0);

	put_big_endian(uuid, (order >> 20) << 16 | 0x7000 | (order >> 8 & 0x0FFF));
	put_big_endian(uuid + 8, (uint64_t)2 << 62 | (order & 0xFF) << 54 | (random & RANDOM_MASK));
}

/* Four bytes as eight digits, all at once: a nibble goes into each byte of a word. */
static void put_digits(char text[8], const uint8_t bytes[4])
{
	uint64_t x = (uint64_t)bytes[0] << 24 | (uint64_t)bytes[1] << 16 | (uint64_t)bytes[2] << 8 |
		     bytes[3];
	uint64_t letters;

	x = (x | x << 16) & 0x0000FFFF0000FFFFu;
	x = (x | x << 8) & 0x00FF00FF00FF00FFu;
	x = (x | x << 4) & 0x0F0F0F0F0F0F0F0Fu;
	letters = (x + 0x0606060606060606u) >> 4 & 0x0101010101010101u; /* 1 where it is 10 to 15 */
	put_big_endian(text, x + 0x3030303030303030u + letters * ('a' - '0' - 10));
}

void td_uuid_format(const uint8_t uuid[16], char text[TD_UUID_BYTES])
{
	char digits[32];

	for (size_t i = 0; i < 4; i++)
		put_digits(digits + 8 * i, uuid + 4 * i);
	memcpy(text, digits, 8);
	memcpy(text + 9, digits + 8, 4);
	memcpy(text + 14, digits + 12, 4);
	memcpy(text + 19, digits + 16, 4);
	memcpy(text + 24, digits + 20, 12);
	text[8] = text[13] = text[18] = text[23] = '-';
}
