/*
 * Where a record lies, in 64 bits: enough to read it alone (record.h).
 *
 *	bits 32..63  number of the segment
 *	bits  3..31  offset of the record's head in it, a multiple of 8
 *	bits  0..2   number of the whitening pattern of its frame
 *
 * 0 is no location: the first 4 KiB of a segment hold no record.
 */
#ifndef TD_JOURNAL_LOCATION_H
#define TD_JOURNAL_LOCATION_H

#include <stdint.h>

#include "base/base.h"

typedef uint64_t td_location;

/* offset: below 4 GiB; whitening: 0 to 7. */
static inline td_location td_location_make(uint32_t segment, uint64_t offset, unsigned whitening)
{
	TD_ASSERT(offset <= UINT32_MAX && offset % 8 == 0 && whitening < 8);
	return (uint64_t)segment << 32 | offset | whitening;
}

static inline uint32_t td_location_segment(td_location location)
{
	return (uint32_t)(location >> 32);
}

static inline uint32_t td_location_offset(td_location location)
{
	return (uint32_t)location & ~7u;
}

static inline unsigned td_location_whitening(td_location location)
{
	return (unsigned)(location & 7);
}

#endif
