#include "store/top.h"

#include <stdlib.h>

uint64_t td_top_hash(uint64_t seed, uint32_t log, struct td_text address)
{
	return td_hash(address.at, address.len, seed ^ td_hash_u64(log));
}

void td_tops_fini(struct td_tops *tops)
{
	free(tops->slots);
	*tops = (struct td_tops){0};
}

static struct td_top *find(const struct td_tops *tops, uint64_t hash)
{
	size_t i = (size_t)hash & tops->mask;

	while (tops->slots[i].seq != 0 && tops->slots[i].hash != hash)
		i = (i + 1) & tops->mask;
	return &tops->slots[i];
}

const struct td_top *td_tops_find(const struct td_tops *tops, uint64_t hash)
{
	const struct td_top *top = tops->count == 0 ? NULL : find(tops, hash);

	return top != NULL && top->seq != 0 ? top : NULL;
}

bool td_tops_reserve(struct td_tops *tops, size_t more)
{
	struct td_tops grown = {.count = tops->count, .mask = 15};
	size_t slots = tops->slots == NULL ? 0 : tops->mask + 1;

	if (slots > 0 && tops->count + more <= slots - slots / 4)
		return true;
	while (tops->count + more > grown.mask - grown.mask / 4)
		grown.mask = grown.mask * 2 + 1;
	grown.slots = calloc(grown.mask + 1, sizeof(*grown.slots));
	if (grown.slots == NULL)
		return false;
	for (size_t i = 0; i < slots; i++) {
		if (tops->slots[i].seq != 0)
			*find(&grown, tops->slots[i].hash) = tops->slots[i];
	}
	free(tops->slots);
	*tops = grown;
	return true;
}

void td_tops_put(struct td_tops *tops, const struct td_top *top)
{
	struct td_top *slot = find(tops, top->hash);

	TD_ASSERT(top->seq != 0);
	tops->count += slot->seq == 0;
	if (slot->seq < top->seq)
		*slot = *top;
}

/* Close the gap at i: what stands behind moves up, unless it is at home already. */
static void remove_at(struct td_tops *tops, size_t i)
{
	size_t mask = tops->mask;

	for (size_t j = (i + 1) & mask; tops->slots[j].seq != 0; j = (j + 1) & mask) {
		if (((j - (size_t)tops->slots[j].hash) & mask) >= ((j - i) & mask)) {
			tops->slots[i] = tops->slots[j];
			i = j;
		}
	}
	tops->slots[i] = (struct td_top){0};
	tops->count--;
}

void td_tops_remove(struct td_tops *tops, uint64_t hash)
{
	struct td_top *slot = tops->count == 0 ? NULL : find(tops, hash);

	if (slot != NULL && slot->seq != 0)
		remove_at(tops, (size_t)(slot - tops->slots));
}

bool td_tops_forget(struct td_tops *tops, uint32_t log, struct td_tops_sweep *sweep, size_t slots)
{
	if (tops->slots == NULL)
		return true;
	if (sweep->mask != tops->mask)
		*sweep = (struct td_tops_sweep){.mask = tops->mask};
	while (sweep->at <= tops->mask && slots-- > 0) {
		const struct td_top *top = &tops->slots[sweep->at];

		/* Another may have moved here: it is looked at once more. */
		if (top->seq != 0 && top->log == log)
			remove_at(tops, sweep->at);
		else
			sweep->at++;
	}
	return sweep->at > tops->mask;
}
