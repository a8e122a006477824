/*
 * top: where subjects without live events go on, by a hash of log and address.
 *
 * The hash stands for the address: of n tops, one in 2^64 / n new subjects would go on from
 * another's revision. An open table; under the store's lock.
 */
#ifndef TD_STORE_TOP_H
#define TD_STORE_TOP_H

#include "store/record.h"

struct td_tops {
	struct td_top *slots; /* seq 0: empty */
	size_t count, mask;
};

uint64_t td_top_hash(uint64_t seed, uint32_t log, struct td_text address);
void td_tops_fini(struct td_tops *tops);
static inline size_t td_tops_bytes(const struct td_tops *tops)
{
	return tops->slots == NULL ? 0 : (tops->mask + 1) * sizeof(*tops->slots);
}
/* NULL: none. Valid until the next change. */
const struct td_top *td_tops_find(const struct td_tops *tops, uint64_t hash);
/* Room for so many more, so that td_tops_put() cannot fail. */
bool td_tops_reserve(struct td_tops *tops, size_t more);
/* The higher seq counts, if there is one already. */
void td_tops_put(struct td_tops *tops, const struct td_top *top);
void td_tops_remove(struct td_tops *tops, uint64_t hash);
/*
 * Those of a log, which gets no more: a step over so many slots, from *at on (at first 0). true: none
 * is left. If there is a rehash in between it begins anew.
 */
struct td_tops_sweep {
	size_t at, mask;
};
bool td_tops_forget(struct td_tops *tops, uint32_t log, struct td_tops_sweep *sweep, size_t slots);

#endif
