/*
 * Pages to test with: golden ones as hex, and flipped bits.
 */
#ifndef TD_PAGE_TEST_H
#define TD_PAGE_TEST_H

#include "base/base.h"
#include "journal/page.h"

static inline uint8_t hex_digit(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* The page of this text; zeros behind. */
static inline void page_of_hex(const char *hex, uint8_t page[TD_PAGE_BYTES])
{
	memset(page, 0, TD_PAGE_BYTES);
	for (size_t i = 0; hex[2 * i] != '\0'; i++)
		page[i] = (uint8_t)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
}

static inline void flip(uint8_t *page, size_t bit)
{
	page[bit / 8] ^= (uint8_t)(1 << bit % 8);
}

/* A field changed, and the checksum right. */
static inline void change(uint8_t *page, size_t at, size_t width, uint64_t value)
{
	if (width == 4)
		td_le32_put(page + at, (uint32_t)value);
	else
		td_le64_put(page + at, value);
	td_le32_put(page + 4, td_crc32c(0, page + 8, TD_PAGE_BYTES - 8));
}

/* A row of a table of changes, and what is to be found. */
struct changed {
	size_t at, width;
	uint64_t value;
	enum td_flaw flaw;
};

#endif
