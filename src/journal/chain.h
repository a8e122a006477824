/*
 * The chain: each frame holds the SHA-256 of the one before, so that whoever kept one value can
 * tell whether anything before it was changed, taken out or put in.
 *
 * The value of a frame is the SHA-256 of all its bytes as stored, header included; the header has
 * the value of the frame before (zeros in the first of a store). Nothing else is hashed: what
 * segment headers and footers repeat of it can be computed again.
 */
#ifndef TD_JOURNAL_CHAIN_H
#define TD_JOURNAL_CHAIN_H

#include "base/base.h"
#include "journal/frame.h"

static inline void td_frame_chain(
	struct td_sha256 *sha, const void *frame, size_t bytes, uint8_t chain[TD_CHAIN_BYTES])
{
	td_sha256_add(sha, frame, bytes);
	td_sha256_finish(sha, chain);
}

#endif
