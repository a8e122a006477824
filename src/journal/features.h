/*
 * Features of a store, as bits: what wrote it says what a reader has to understand.
 *
 *	compat     may be ignored
 *	ro_compat  who does not know one may read, and not write
 *	incompat   who does not know one may not even read
 */
#ifndef TD_JOURNAL_FEATURES_H
#define TD_JOURNAL_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"

#define TD_FORMAT_VERSION 1

#define TD_COMPAT_KNOWN     UINT64_C(0)
#define TD_RO_COMPAT_CHAIN  UINT64_C(1) /* each frame holds the chain value of the one before */
#define TD_RO_COMPAT_STRICT UINT64_C(2) /* frames are filled to 4 KiB */
#define TD_RO_COMPAT_KNOWN  (TD_RO_COMPAT_CHAIN | TD_RO_COMPAT_STRICT)
#define TD_INCOMPAT_KNOWN   UINT64_C(0)

struct td_features {
	uint64_t compat, ro_compat, incompat;
};

static inline bool td_features_readable(const struct td_features *features)
{
	return (features->incompat & ~TD_INCOMPAT_KNOWN) == 0;
}

static inline bool td_features_writable(const struct td_features *features)
{
	return td_features_readable(features) && (features->ro_compat & ~TD_RO_COMPAT_KNOWN) == 0;
}

/* Nothing unknown at all: then what is reserved is zero. */
static inline bool td_features_all_known(const struct td_features *features)
{
	return td_features_writable(features) && (features->compat & ~TD_COMPAT_KNOWN) == 0;
}

#endif
