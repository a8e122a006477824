/*
 * subject: the latest of each subject of each log, in memory.
 *
 *	hash of the address --> shard --> slot (tag, ref) --> | fixed part | address |  in chunks
 *
 * A thousand small tables instead of one big, so that growing never takes long. An entry is found
 * by its *ref*, which stays until it is removed. An address may stand in several logs: an entry
 * each, found one after another.
 *
 * Under the store's lock.
 */
#ifndef TD_STORE_SUBJECT_H
#define TD_STORE_SUBJECT_H

#include "base/base.h"

struct td_subject {
	uint64_t seq, revision; /* the last given */
	uint64_t position;      /* of that event */
	uint32_t count;         /* live events; 0: it is being made, or goes */
	uint16_t log;           /* index, not number */
	uint16_t address_len;
	char address[];
};

#define TD_SUBJECT_SHARDS 1024u
#define TD_SUBJECT_NONE   0u /* no ref */

struct td_subject_slot {
	uint32_t tag, ref;
};
struct td_subject_shard {
	struct td_subject_slot *slots;
	uint32_t count, mask;
};

struct td_subjects {
	struct td_subject_shard shards[TD_SUBJECT_SHARDS];
	char **chunks;
	size_t chunks_count, chunks_cap;
	size_t used;        /* of the newest chunk, in units */
	uint32_t free[160]; /* lists of gone entries, by size in units */
	size_t count;
	size_t bytes; /* all memory */
	uint64_t seed;
};

void td_subjects_init(struct td_subjects *subjects, uint64_t seed);
void td_subjects_fini(struct td_subjects *subjects);

static inline uint64_t td_subjects_hash(const struct td_subjects *subjects, struct td_text address)
{
	return td_hash(address.at, address.len, subjects->seed);
}

#define TD_SUBJECT_CHUNK_UNITS (1u << 18) /* of 8 bytes */

static inline struct td_subject *td_subject_at(const struct td_subjects *subjects, uint32_t ref)
{
	char *chunk = subjects->chunks[ref / TD_SUBJECT_CHUNK_UNITS];

	return (struct td_subject *)(void *)(chunk + (size_t)(ref % TD_SUBJECT_CHUNK_UNITS) * 8);
}

static inline struct td_text td_subject_address(const struct td_subject *subject)
{
	return td_text_of(subject->address, subject->address_len);
}

/* Ask for what td_subjects_find() will look at: first the slot, some time later the entry. */
static inline void td_subjects_want(const struct td_subjects *subjects, uint64_t hash)
{
	const struct td_subject_shard *shard = &subjects->shards[hash >> 54];

	if (shard->slots != NULL)
		__builtin_prefetch(&shard->slots[(uint32_t)hash & shard->mask]);
}

static inline void td_subjects_want_entry(const struct td_subjects *subjects, uint64_t hash)
{
	const struct td_subject_shard *shard = &subjects->shards[hash >> 54];
	uint32_t tag = (uint32_t)hash, i = tag & shard->mask;
	const char *entry;

	if (shard->slots == NULL)
		return;
	while (shard->slots[i].ref != TD_SUBJECT_NONE && shard->slots[i].tag != tag)
		i = (i + 1) & shard->mask;
	if (shard->slots[i].ref == TD_SUBJECT_NONE)
		return;
	entry = (const char *)td_subject_at(subjects, shard->slots[i].ref);
	__builtin_prefetch(entry, 1);
	__builtin_prefetch(entry + 63, 1);
}

#define TD_LOG_ANY UINT16_MAX

/* The ref of the address in this log (or TD_LOG_ANY: the first found), or TD_SUBJECT_NONE. */
uint32_t td_subjects_find(
	const struct td_subjects *subjects, uint64_t hash, struct td_text address, uint16_t log);
/* One after another, in all logs that have the address; *probe begins at 0. No change meanwhile. */
uint32_t td_subjects_find_next(
	const struct td_subjects *subjects, uint64_t hash, struct td_text address, uint32_t *probe);
/* A new entry, all zero but log and address; it must not be there. TD_SUBJECT_NONE: no memory. */
uint32_t td_subjects_add(
	struct td_subjects *subjects, uint64_t hash, struct td_text address, uint16_t log);
void td_subjects_remove(struct td_subjects *subjects, uint32_t ref);

/* Walk: start with a zeroed cursor; TD_SUBJECT_NONE at the end. No change meanwhile. */
struct td_subjects_walk {
	uint32_t shard, slot;
};
uint32_t td_subjects_next(const struct td_subjects *subjects, struct td_subjects_walk *walk);
void td_subjects_verify(const struct td_subjects *subjects);

#endif
