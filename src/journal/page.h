/*
 * A page: 4 KiB that begin with a magic and a checksum of the rest; the common shape of segment
 * headers, footers and CONTROL.
 *
 *	0  u32  magic
 *	4  u32  CRC-32C of bytes 8..4095
 */
#ifndef TD_JOURNAL_PAGE_H
#define TD_JOURNAL_PAGE_H

#include "journal/features.h"
#include "journal/flaw.h"

#define TD_PAGE_BYTES  4096
#define TD_STORE_BYTES 16 /* the uuid of a store */

/* Magic and checksum of a page that is otherwise written. */
void td_page_seal(uint8_t page[TD_PAGE_BYTES], uint32_t magic);
/* SHORT, MAGIC or CHECKSUM. */
enum td_flaw td_page_check(const void *bytes, size_t len, uint32_t magic);

/* At 8: u32 version, u32 zero, u64 compat, u64 ro_compat, u64 incompat; up to 40. */
void td_page_put_features(uint8_t *page, const struct td_features *features);
/* FEATURE: another version, or an unknown incompatible feature. FIELD: the zero is none. */
enum td_flaw td_page_get_features(const uint8_t *page, struct td_features *features);

/* Whether bytes [from, to) are zero. */
bool td_page_zero(const uint8_t *page, size_t from, size_t to);

#endif
