#include "base/crc32c.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

#include "base/assert.h"
#include "base/crc32c_tables.h"

static inline uint64_t word_at(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

/* The register, not inverted, in and out: as all functions below. */
static uint32_t by_table(uint32_t crc, const uint8_t *at, size_t len)
{
	for (; len >= 8; at += 8, len -= 8) {
		uint64_t word = word_at(at) ^ crc;

		crc = 0;
		for (int i = 0; i < 16; i++)
			crc ^= crc32c_nibbles[i][word >> 4 * i & 15];
	}
	for (; len > 0; at++, len--) {
		unsigned byte = (crc ^ *at) & 0xFF;

		crc = crc >> 8 ^ crc32c_nibbles[14][byte & 15] ^ crc32c_nibbles[15][byte >> 4];
	}
	return crc;
}

#if defined(__x86_64__)

#define WITH_SSE42 __attribute__((target("sse4.2")))
#define WITH_CLMUL __attribute__((target("sse4.2,pclmul")))

WITH_SSE42 static inline uint32_t by_lane(uint32_t crc, const uint8_t *at, size_t len)
{
	for (; len >= 8; at += 8, len -= 8)
		crc = (uint32_t)_mm_crc32_u64(crc, word_at(at));
	if (len & 4) {
		crc = _mm_crc32_u32(
			crc, (uint32_t)(at[0] | at[1] << 8 | at[2] << 16) | (uint32_t)at[3] << 24);
		at += 4;
	}
	for (len &= 3; len > 0; at++, len--)
		crc = _mm_crc32_u8(crc, *at);
	return crc;
}

/* The product of two registers: 63 bits, to be brought down by the instruction. */
WITH_CLMUL static inline uint64_t times(uint32_t a, uint32_t b)
{
	__m128i product =
		_mm_clmulepi64_si128(_mm_cvtsi32_si128((int)a), _mm_cvtsi32_si128((int)b), 0);

	return (uint64_t)_mm_cvtsi128_si64(product);
}

/*
 * The instruction takes a word each cycle and answers after three, so three neighbouring runs of
 * `words` words are walked abreast; then the first is moved over two runs, the second over one.
 */
WITH_CLMUL static inline uint32_t three_runs(uint32_t crc, const uint8_t *at, size_t words)
{
	const uint8_t *second = at + 8 * words, *third = second + 8 * words;
	uint64_t a = crc, b = 0, c = 0;

	size_t i = 0;

	do { /* words is never 0 */
		a = _mm_crc32_u64(a, word_at(at + 8 * i));
		b = _mm_crc32_u64(b, word_at(second + 8 * i));
		c = _mm_crc32_u64(c, word_at(third + 8 * i));
	} while (++i < words);
	uint64_t moved = times((uint32_t)a, crc32c_powers[2 * words - 1]) ^
			 times((uint32_t)b, crc32c_powers[words - 1]);
	return (uint32_t)(_mm_crc32_u64(0, moved) ^ c);
}

#define LANES_FROM 96 /* bytes; below, joining costs more than it saves */

WITH_CLMUL static uint32_t by_lanes(uint32_t crc, const uint8_t *at, size_t len)
{
	while (len >= LANES_FROM) {
		size_t words = len / 24;

		if (words > CRC32C_LANE_WORDS_MAX)
			words = CRC32C_LANE_WORDS_MAX;
		crc = three_runs(crc, at, words);
		at += 24 * words;
		len -= 24 * words;
	}
	return by_lane(crc, at, len);
}

#elif defined(__ARM_FEATURE_CRC32)

static uint32_t by_lane(uint32_t crc, const uint8_t *at, size_t len)
{
	for (; len >= 8; at += 8, len -= 8)
		crc = __crc32cd(crc, word_at(at));
	for (; len > 0; at++, len--)
		crc = __crc32cb(crc, *at);
	return crc;
}

#endif

bool td_crc32c_usable(enum td_crc32c_backend backend)
{
	if (backend == TD_CRC32C_TABLE)
		return true;
#if defined(__x86_64__)
	if (backend == TD_CRC32C_LANE)
		return __builtin_cpu_supports("sse4.2");
	if (backend == TD_CRC32C_LANES)
		return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
#elif defined(__ARM_FEATURE_CRC32)
	if (backend == TD_CRC32C_LANE)
		return true;
#endif
	return false;
}

uint32_t td_crc32c_by(enum td_crc32c_backend backend, uint32_t crc, const void *bytes, size_t len)
{
	TD_ASSERT(td_crc32c_usable(backend));
#if defined(__x86_64__)
	if (backend == TD_CRC32C_LANES)
		return ~by_lanes(~crc, bytes, len);
#endif
#if defined(__x86_64__) || defined(__ARM_FEATURE_CRC32)
	if (backend == TD_CRC32C_LANE)
		return ~by_lane(~crc, bytes, len);
#endif
	return ~by_table(~crc, bytes, len);
}

uint32_t td_crc32c(uint32_t crc, const void *bytes, size_t len)
{
#if defined(__x86_64__)
	if (TD_LIKELY(td_crc32c_usable(TD_CRC32C_LANES)))
		return ~by_lanes(~crc, bytes, len);
	if (td_crc32c_usable(TD_CRC32C_LANE))
		return ~by_lane(~crc, bytes, len);
	return ~by_table(~crc, bytes, len);
#elif defined(__ARM_FEATURE_CRC32)
	return ~by_lane(~crc, bytes, len);
#else
	return ~by_table(~crc, bytes, len);
#endif
}
