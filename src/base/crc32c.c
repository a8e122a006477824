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

/* Who has these has what the others ask for. */
#define WITH_WIDE __attribute__((target("sse4.2,pclmul,avx512f,vpclmulqdq")))
#define WIDE_FROM 256

/*
 * Folding: 128 bits, times x^(64 n), are the low half times x^(64 (n + 1)) plus the high half times
 * x^(64 n). A register holds four of them. An entry of the table stands here for 32 powers more
 * than its own, and the product for one more still: together x^(64 w).
 */
WITH_WIDE static inline __m512i factors(size_t words)
{
	return _mm512_broadcast_i32x4(
		_mm_set_epi64x(crc32c_powers[words - 1], crc32c_powers[words]));
}

/* `moved` times those powers, plus `more`. */
WITH_WIDE static inline __m512i fold(__m512i moved, __m512i by, __m512i more)
{
	return _mm512_ternarylogic_epi64(_mm512_clmulepi64_epi128(moved, by, 0x00),
		_mm512_clmulepi64_epi128(moved, by, 0x11), more, 0x96); /* a ^ b ^ c */
}

/* The four parts of a register become one, and that the register of a CRC. */
WITH_WIDE static inline uint32_t close_up(__m512i all)
{
	const __m512i by = _mm512_set_epi64(0, 0, crc32c_powers[1], crc32c_powers[2],
		crc32c_powers[3], crc32c_powers[4], crc32c_powers[5], crc32c_powers[6]);
	__m512i moved = fold(all, by, _mm512_setzero_si512());
	__m128i sum = _mm_xor_si128(_mm512_extracti32x4_epi32(all, 3),
		_mm_xor_si128(_mm512_castsi512_si128(moved),
			_mm_xor_si128(_mm512_extracti32x4_epi32(moved, 1),
				_mm512_extracti32x4_epi32(moved, 2))));
	uint64_t crc = _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(sum));

	return (uint32_t)_mm_crc32_u64(crc, (uint64_t)_mm_extract_epi64(sum, 1));
}

WITH_WIDE static uint32_t by_wide(uint32_t crc, const uint8_t *at, size_t len)
{
	if (len < WIDE_FROM)
		return by_lanes(crc, at, len);
	__m512i a = _mm512_xor_si512(
		_mm512_loadu_si512(at), _mm512_zextsi128_si512(_mm_cvtsi32_si128((int)crc)));
	__m512i b = _mm512_loadu_si512(at + 64), c = _mm512_loadu_si512(at + 128);
	__m512i d = _mm512_loadu_si512(at + 192);

	for (at += 256, len -= 256; len >= 256; at += 256, len -= 256) {
		const __m512i by = factors(32);

		a = fold(a, by, _mm512_loadu_si512(at));
		b = fold(b, by, _mm512_loadu_si512(at + 64));
		c = fold(c, by, _mm512_loadu_si512(at + 128));
		d = fold(d, by, _mm512_loadu_si512(at + 192));
	}
	d = fold(a, factors(24), fold(b, factors(16), fold(c, factors(8), d)));
	for (; len >= 64; at += 64, len -= 64)
		d = fold(d, factors(8), _mm512_loadu_si512(at));
	return by_lane(close_up(d), at, len);
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
	if (backend == TD_CRC32C_WIDE)
		return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("vpclmulqdq");
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
	if (backend == TD_CRC32C_WIDE)
		return ~by_wide(~crc, bytes, len);
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
	if (len >= WIDE_FROM && td_crc32c_usable(TD_CRC32C_WIDE))
		return ~by_wide(~crc, bytes, len);
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
