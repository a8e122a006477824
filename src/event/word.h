/*
 * word: looking at eight bytes at a time. Attribute values are mostly short and plain, and each is
 * looked at whenever an event is made, written or read.
 */
#ifndef TD_EVENT_WORD_H
#define TD_EVENT_WORD_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "tidings/text.h"

#define TD_WORD_EACH(byte) (0x0101010101010101u * (byte))

static inline uint64_t td_word_at(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* Whether all bytes are in 0x20..0x7E: else a high bit is set, or one comes of the sums. */
static inline bool td_word_is_printable(uint64_t word)
{
	return ((word | (word - TD_WORD_EACH(0x20)) | (word + TD_WORD_EACH(0x01))) &
		       TD_WORD_EACH(0x80)) == 0;
}

/* Whether all bytes of a text are in 0x20..0x7E. */
static inline bool td_text_is_printable(struct td_text text)
{
	size_t i = 0;

	for (; i + 8 <= text.len; i += 8)
		if (!td_word_is_printable(td_word_at(text.at + i)))
			return false;
	if (i > 0)
		return i == text.len || td_word_is_printable(td_word_at(text.at + text.len - 8));
	for (; i < text.len; i++)
		if (text.at[i] < 0x20 || text.at[i] > 0x7E) /* whether or not char has a sign */
			return false;
	return true;
}

/* Whether a byte of a word of ASCII is `byte`. */
static inline bool td_word_has(uint64_t word, unsigned char byte)
{
	uint64_t differs = word ^ TD_WORD_EACH(byte);

	return ((differs - TD_WORD_EACH(0x01)) & ~differs & TD_WORD_EACH(0x80)) != 0;
}

#endif
