#include "base/uuid.h"

#include <stddef.h>

#include "base/assert.h"

#define COUNTER_BITS 20
#define RANDOM_MASK  (((uint64_t)1 << 54) - 1)

/*
 * The tick holds ms << 20 | counter of the last id. The next one is the greater of that plus one
 * and the clock's: so it only grows, whatever the clock does, and a full counter carries into the
 * next millisecond. 44 bits of milliseconds last until the year 2527.
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

void td_uuid_next(td_uuid_tick *tick, uint64_t unix_ms, uint64_t random, uint8_t uuid[16])
{
	uint64_t order, high, low;

	TD_ASSERT(unix_ms >> (64 - COUNTER_BITS) == 0);
	order = advance(tick, unix_ms);
	high = (order >> 20) << 16 | 0x7000 | (order >> 8 & 0x0FFF);
	low = (uint64_t)2 << 62 | (order & 0xFF) << 54 | (random & RANDOM_MASK);
	for (int i = 0; i < 8; i++) {
		uuid[i] = (uint8_t)(high >> (56 - 8 * i));
		uuid[8 + i] = (uint8_t)(low >> (56 - 8 * i));
	}
}

void td_uuid_format(const uint8_t uuid[16], char text[TD_UUID_BYTES])
{
	static const char digits[16] = "0123456789abcdef";
	/* Where each byte's two digits go; the dashes lie between. */
	static const uint8_t places[16] = {
		0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};

	for (int i = 0; i < 16; i++) {
		text[places[i]] = digits[uuid[i] >> 4];
		text[places[i] + 1] = digits[uuid[i] & 15];
	}
	text[8] = text[13] = text[18] = text[23] = '-';
}
