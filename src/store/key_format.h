/*
 * key_format: the bytes of key files. doc/format/store.md ("Keys") is the format.
 *
 *	keys/keys-0000000000000001
 *
 *	| head | slot of key 1 | slot of key 2 | slot of key 3 | ...
 *
 * A slot holds a key, or says that its key was destroyed. Slots stand at fixed places, so that a key
 * is destroyed where it lies and no other is touched. Pure bytes: nothing is allocated.
 */
#ifndef TD_STORE_KEY_FORMAT_H
#define TD_STORE_KEY_FORMAT_H

#include "base/base.h"

#define TD_KEYS_DIRECTORY      "keys"
#define TD_KEY_BYTES           32u
#define TD_KEY_FILE_NAME_BYTES 24u
#define TD_KEY_HEAD_BYTES      512u
#define TD_KEY_SLOT_BYTES      64u
#define TD_KEY_STRIDE          TD_KEY_SLOT_BYTES /* from slot to slot */
#define TD_KEY_STRIDE_STRICT   4096u             /* where no durable page is to be written again */

struct td_key_head {
	uint8_t store[16]; /* whose keys these are */
	uint64_t first;    /* number of the first slot's key, from 1 */
	uint32_t stride;
};

struct td_key_slot {
	uint64_t number;
	bool destroyed;
	uint8_t key[TD_KEY_BYTES]; /* zeros once it is destroyed */
};

/* "keys-" and 16 hex digits of the first number; and back, 0: it is no such name. */
void td_key_file_name(char name[TD_KEY_FILE_NAME_BYTES], uint64_t first);
uint64_t td_key_file_first(const char *name);

/* NULL, or what is wrong with it. What was written reads the same, and nothing else reads. */
void td_key_head_put(const struct td_key_head *head, uint8_t bytes[TD_KEY_HEAD_BYTES]);
const char *td_key_head_read(struct td_key_head *head, const uint8_t bytes[TD_KEY_HEAD_BYTES]);
void td_key_slot_put(const struct td_key_slot *slot, uint8_t bytes[TD_KEY_SLOT_BYTES]);
const char *td_key_slot_read(struct td_key_slot *slot, const uint8_t bytes[TD_KEY_SLOT_BYTES]);

/* Where the slot of a number stands that is not below the file's first. */
static inline uint64_t td_key_slot_at(const struct td_key_head *head, uint64_t number)
{
	uint64_t from = head->stride > TD_KEY_HEAD_BYTES ? head->stride : TD_KEY_HEAD_BYTES;

	return from + (number - head->first) * head->stride;
}

#endif
