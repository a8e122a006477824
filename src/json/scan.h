/*
 * Private to json: finding the next byte that matters, many at a time.
 */
#ifndef TD_JSON_SCAN_H
#define TD_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* TD_PORTABLE: as on machines without SSE2, to try that here. */
#if defined(__SSE2__) && !defined(TD_PORTABLE)
#define SCAN_SSE2
#include <emmintrin.h>
#endif

/* The byte n times over, in a word of 8. */
#define SCAN_WORD(byte) (UINT64_C(0x0101010101010101) * (byte))

static inline bool scan_is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline bool scan_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline const char *scan_blanks(const char *at, const char *end)
{
	while (at < end && scan_is_blank(*at))
		at++;
	return at;
}

static inline const char *scan_digits(const char *at, const char *end)
{
	while (at < end && scan_is_digit(*at))
		at++;
	return at;
}

/* The top bit of some byte is set if any byte of the word is zero, and only then. */
static inline uint64_t scan_zero(uint64_t word)
{
	return (word - SCAN_WORD(0x01)) & ~word & SCAN_WORD(0x80);
}

/*
 * The first '"', '\\' or control character, or the end. *high becomes true if a byte above 0x7F
 * may stand before it.
 */
static inline const char *scan_text(const char *at, const char *end, bool *high)
{
#ifdef SCAN_SSE2
	while (end - at >= 16) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
		__m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
		__m128i slash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
		__m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1F)), bytes);
		unsigned stop =
			(unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), low));
		unsigned above = (unsigned)_mm_movemask_epi8(bytes);

		if (stop != 0) {
			*high |= (above & ((stop & -stop) - 1)) != 0;
			return at + __builtin_ctz(stop);
		}
		*high |= above != 0;
		at += 16;
	}
#endif
	while (end - at >= 8) {
		uint64_t word, low;

		memcpy(&word, at, 8);
		low = (word - SCAN_WORD(0x20)) & ~word & SCAN_WORD(0x80);
		if ((low | scan_zero(word ^ SCAN_WORD('"')) | scan_zero(word ^ SCAN_WORD('\\'))) !=
			0)
			break;
		*high |= (word & SCAN_WORD(0x80)) != 0;
		at += 8;
	}
	while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20) {
		*high |= (unsigned char)*at >= 0x80;
		at++;
	}
	return at;
}

/* Behind the quote that closes a trusted string; `at` stands behind the opening one. */
static inline const char *scan_string_end(const char *at, const char *end)
{
	bool high = false;

	/* No control characters stand in trusted text, so it stops at quotes and escapes only. */
	while ((at = scan_text(at, end, &high)) < end && *at == '\\')
		at += 2;
	return at + 1;
}

#endif
