/*
 * duplicate: who was here before, of one log: a window over the keys of what was appended.
 *
 *	ring    | oldest ... newest |      in the order of appending; the window moves over it
 *	slots   hash of the key -> place in the ring
 *
 * A hit is confirmed by a digest of type, address and payload. Owner only.
 */
#ifndef TD_STORE_DUPLICATE_H
#define TD_STORE_DUPLICATE_H

#include "base/base.h"

struct td_seen {
	uint64_t key;    /* hash of log and key; never 0 */
	uint64_t digest; /* of type, address, payload; 0: it was erased, the key alone decides */
	uint64_t position, seq, revision;
	td_time time;
	uint64_t append; /* position of the first record of its append */
};

struct td_seen_slot {
	uint32_t place; /* in the ring + 1; 0: empty */
	uint32_t tag;   /* low half of the key */
};

struct td_duplicates {
	struct td_seen *ring;
	struct td_seen_slot *slots;
	uint64_t head, tail; /* [head, tail) are in; ever growing */
	size_t cap;          /* of the ring, a power of two; slots are twice as many */
	bool mixed;          /* some stand out of their order: td_duplicates_sort() */
};

/* The two texts of a key, either may be absent. */
uint64_t td_duplicate_key(uint64_t seed, struct td_text first, struct td_text second);
uint64_t td_duplicate_digest(
	uint64_t seed, struct td_text type, struct td_text address, struct td_text payload);

void td_duplicates_fini(struct td_duplicates *duplicates);
static inline size_t td_duplicates_count(const struct td_duplicates *duplicates)
{
	return (size_t)(duplicates->tail - duplicates->head);
}
size_t td_duplicates_bytes(const struct td_duplicates *duplicates);

static inline void td_duplicates_want(const struct td_duplicates *duplicates, uint64_t key)
{
	if (duplicates->cap > 0)
		__builtin_prefetch(&duplicates->slots[key & (duplicates->cap * 2 - 1)], 1);
}
/* Valid until the next change; NULL: not seen. */
struct td_seen *td_duplicates_get(const struct td_duplicates *duplicates, uint64_t key);
static inline const struct td_seen *td_duplicates_find(
	const struct td_duplicates *duplicates, uint64_t key)
{
	return td_duplicates_get(duplicates, key);
}
/* Room for so many more, so that td_duplicates_add() cannot fail. */
bool td_duplicates_reserve(struct td_duplicates *duplicates, size_t more);
/* A key that is not in. */
void td_duplicates_add(struct td_duplicates *duplicates, const struct td_seen *seen);
/*
 * One that was appended long ago, with room for it. It was no duplicate then: of two with one key the
 * later is noted, since the earlier had been forgotten. td_duplicates_sort() when all are there.
 */
void td_duplicates_note(struct td_duplicates *duplicates, const struct td_seen *seen);
/* In the order of positions again. false: no memory. */
bool td_duplicates_sort(struct td_duplicates *duplicates);
/* The position of the oldest that is in; UINT64_MAX: none is; 0: some stand out of their order. */
uint64_t td_duplicates_oldest(const struct td_duplicates *duplicates);
/* By its position; NULL: it is not in. Slow while some stand out of their order. */
struct td_seen *td_duplicates_at(const struct td_duplicates *duplicates, uint64_t position);
/* The oldest but so many. */
struct td_seen *td_duplicates_nth(const struct td_duplicates *duplicates, size_t n);
/* The newest goes again: its append was refused. */
void td_duplicates_undo(struct td_duplicates *duplicates);
/* The window: what is older than `since`, or more than `max`, is forgotten. While some stand out of
 * their order it is not known which are the oldest, and up to twice as many may stay. */
void td_duplicates_forget(struct td_duplicates *duplicates, td_time since, uint64_t max);

#endif
