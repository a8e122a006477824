#include "store/subject.h"

#include <stdlib.h>

#include "sys/sys.h"

#define UNIT        8u
#define CHUNK_BYTES ((size_t)TD_SUBJECT_CHUNK_UNITS * UNIT)
#define SLOTS_MIN   8u

void td_subjects_init(struct td_subjects *subjects, uint64_t seed)
{
	memset(subjects, 0, sizeof(*subjects));
	subjects->seed = seed;
	subjects->used = TD_SUBJECT_CHUNK_UNITS;
}

void td_subjects_fini(struct td_subjects *subjects)
{
	for (size_t i = 0; i < TD_SUBJECT_SHARDS; i++)
		free(subjects->shards[i].slots);
	for (size_t i = 0; i < subjects->chunks_count; i++)
		free(subjects->chunks[i]);
	free(subjects->chunks);
	td_subjects_init(subjects, 0);
}

/* --- entries ------------------------------------------------------------------------------ */

static size_t units_of(size_t address_len)
{
	return (sizeof(struct td_subject) + address_len + UNIT - 1) / UNIT;
}

static bool chunk_add(struct td_subjects *subjects)
{
	char *chunk;

	if (subjects->chunks_count == subjects->chunks_cap) {
		size_t cap = subjects->chunks_cap == 0 ? 16 : subjects->chunks_cap * 2;
		char **grown = realloc(subjects->chunks, cap * sizeof(*grown));

		if (grown == NULL)
			return false;
		subjects->chunks = grown;
		subjects->chunks_cap = cap;
	}
	if (subjects->chunks_count >= UINT32_MAX / TD_SUBJECT_CHUNK_UNITS)
		return false;
	/* A store with few subjects takes no more memory than they need. */
	chunk = subjects->chunks_count == 0 ? malloc(CHUNK_BYTES) : td_memory_new(CHUNK_BYTES);
	if (chunk == NULL)
		return false;
	/* Ref 0 is nobody's. */
	subjects->used = subjects->chunks_count == 0 ? 1 : 0;
	subjects->chunks[subjects->chunks_count++] = chunk;
	subjects->bytes += CHUNK_BYTES;
	return true;
}

static uint32_t entry_new(struct td_subjects *subjects, size_t address_len)
{
	size_t units = units_of(address_len);
	uint32_t ref = subjects->free[units];

	if (ref != TD_SUBJECT_NONE) {
		memcpy(&subjects->free[units], td_subject_at(subjects, ref), sizeof(uint32_t));
		return ref;
	}
	/* What is left of a chunk is lost: at most one entry's size in two megabytes. */
	if (TD_SUBJECT_CHUNK_UNITS - subjects->used < units && !chunk_add(subjects))
		return TD_SUBJECT_NONE;
	ref = (uint32_t)((subjects->chunks_count - 1) * TD_SUBJECT_CHUNK_UNITS + subjects->used);
	subjects->used += units;
	return ref;
}

static void entry_free(struct td_subjects *subjects, uint32_t ref)
{
	struct td_subject *subject = td_subject_at(subjects, ref);
	size_t units = units_of(subject->address_len);

	memcpy(subject, &subjects->free[units], sizeof(uint32_t));
	subjects->free[units] = ref;
}

/* --- slots -------------------------------------------------------------------------------- */

static uint32_t empty_slot(const struct td_subject_shard *shard, uint32_t tag)
{
	uint32_t i = tag & shard->mask;

	while (shard->slots[i].ref != TD_SUBJECT_NONE)
		i = (i + 1) & shard->mask;
	return i;
}

/* Room for one more, at most 3/4 full. */
static bool shard_reserve(struct td_subjects *subjects, struct td_subject_shard *shard)
{
	uint32_t slots = shard->slots == NULL ? 0 : shard->mask + 1;
	struct td_subject_shard grown = {.count = shard->count};

	if (shard->count + 1 <= slots - slots / 4 && slots > 0)
		return true;
	if (slots > UINT32_MAX / 4)
		return false;
	grown.mask = (slots == 0 ? SLOTS_MIN : slots * 2) - 1;
	grown.slots = calloc((size_t)grown.mask + 1, sizeof(*grown.slots));
	if (grown.slots == NULL)
		return false;
	for (uint32_t i = 0; i < slots; i++) {
		if (shard->slots[i].ref != TD_SUBJECT_NONE)
			grown.slots[empty_slot(&grown, shard->slots[i].tag)] = shard->slots[i];
	}
	free(shard->slots);
	subjects->bytes += ((size_t)grown.mask + 1 - slots) * sizeof(*grown.slots);
	*shard = grown;
	return true;
}

uint32_t td_subjects_find(
	const struct td_subjects *subjects, uint64_t hash, struct td_text address, uint16_t log)
{
	const struct td_subject_shard *shard = &subjects->shards[hash >> 54];
	uint32_t tag = (uint32_t)hash;

	if (shard->slots == NULL)
		return TD_SUBJECT_NONE;
	for (uint32_t i = tag & shard->mask; shard->slots[i].ref != TD_SUBJECT_NONE;
		i = (i + 1) & shard->mask) {
		const struct td_subject *subject;

		if (shard->slots[i].tag != tag)
			continue;
		subject = td_subject_at(subjects, shard->slots[i].ref);
		if ((log == TD_LOG_ANY || subject->log == log) &&
			td_text_equal(td_subject_address(subject), address))
			return shard->slots[i].ref;
	}
	return TD_SUBJECT_NONE;
}

uint32_t td_subjects_find_next(
	const struct td_subjects *subjects, uint64_t hash, struct td_text address, uint32_t *probe)
{
	const struct td_subject_shard *shard = &subjects->shards[hash >> 54];
	uint32_t tag = (uint32_t)hash;

	while (shard->slots != NULL) {
		struct td_subject_slot slot = shard->slots[(tag + *probe) & shard->mask];

		if (slot.ref == TD_SUBJECT_NONE)
			break;
		(*probe)++;
		if (slot.tag == tag &&
			td_text_equal(
				td_subject_address(td_subject_at(subjects, slot.ref)), address))
			return slot.ref;
	}
	return TD_SUBJECT_NONE;
}

uint32_t td_subjects_add(
	struct td_subjects *subjects, uint64_t hash, struct td_text address, uint16_t log)
{
	struct td_subject_shard *shard = &subjects->shards[hash >> 54];
	struct td_subject *subject;
	uint32_t ref;

	if (!shard_reserve(subjects, shard))
		return TD_SUBJECT_NONE;
	ref = entry_new(subjects, address.len);
	if (ref == TD_SUBJECT_NONE)
		return ref;
	subject = td_subject_at(subjects, ref);
	memset(subject, 0, sizeof(*subject));
	subject->log = log;
	subject->address_len = (uint16_t)address.len;
	memcpy(subject->address, address.at, address.len);
	shard->slots[empty_slot(shard, (uint32_t)hash)] =
		(struct td_subject_slot){(uint32_t)hash, ref};
	shard->count++;
	subjects->count++;
	return ref;
}

/* Close the gap at i: what stands behind moves up, unless it is at home already. */
static void slot_remove(struct td_subject_shard *shard, uint32_t i)
{
	uint32_t mask = shard->mask;

	for (uint32_t j = (i + 1) & mask; shard->slots[j].ref != TD_SUBJECT_NONE;
		j = (j + 1) & mask) {
		uint32_t home = shard->slots[j].tag & mask;

		if (((j - home) & mask) >= ((j - i) & mask)) {
			shard->slots[i] = shard->slots[j];
			i = j;
		}
	}
	shard->slots[i] = (struct td_subject_slot){0};
	shard->count--;
}

void td_subjects_remove(struct td_subjects *subjects, uint32_t ref)
{
	uint64_t hash =
		td_subjects_hash(subjects, td_subject_address(td_subject_at(subjects, ref)));
	struct td_subject_shard *shard = &subjects->shards[hash >> 54];
	uint32_t i = (uint32_t)hash & shard->mask;

	while (shard->slots[i].ref != ref) {
		TD_ASSERT(shard->slots[i].ref != TD_SUBJECT_NONE);
		i = (i + 1) & shard->mask;
	}
	slot_remove(shard, i);
	entry_free(subjects, ref);
	subjects->count--;
}

uint32_t td_subjects_next(const struct td_subjects *subjects, struct td_subjects_walk *walk)
{
	for (; walk->shard < TD_SUBJECT_SHARDS; walk->shard++, walk->slot = 0) {
		const struct td_subject_shard *shard = &subjects->shards[walk->shard];

		while (shard->slots != NULL && walk->slot <= shard->mask) {
			uint32_t ref = shard->slots[walk->slot++].ref;

			if (ref != TD_SUBJECT_NONE)
				return ref;
		}
	}
	return TD_SUBJECT_NONE;
}

void td_subjects_verify(const struct td_subjects *subjects)
{
	struct td_subjects_walk walk = {0};
	size_t count = 0;
	uint32_t ref;

	while ((ref = td_subjects_next(subjects, &walk)) != TD_SUBJECT_NONE) {
		const struct td_subject *subject = td_subject_at(subjects, ref);
		struct td_text address = td_subject_address(subject);

		TD_ASSERT(td_subjects_find(subjects, td_subjects_hash(subjects, address), address,
				  subject->log) == ref);
		count++;
	}
	TD_ASSERT(count == subjects->count);
}
