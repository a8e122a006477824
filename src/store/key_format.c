#include "store/key_format.h"

#include <inttypes.h>
#include <stdio.h>

#define HEAD_MAGIC 0x4644544Bu /* "KTDF" */
#define SLOT_MAGIC 0x5344544Bu /* "KTDS" */
#define VERSION    1u

enum slot_state { SLOT_KEY = 1, SLOT_DESTROYED = 2 };

/* --- names -------------------------------------------------------------------------------- */

void td_key_file_name(char name[TD_KEY_FILE_NAME_BYTES], uint64_t first)
{
	snprintf(name, TD_KEY_FILE_NAME_BYTES, "keys-%016" PRIx64, first);
}

uint64_t td_key_file_first(const char *name)
{
	char again[TD_KEY_FILE_NAME_BYTES];
	uint64_t first = 0;

	if (strncmp(name, "keys-", 5) != 0 || strlen(name) != 21)
		return 0;
	for (const char *at = name + 5; *at != '\0'; at++) {
		unsigned digit = *at >= '0' && *at <= '9'   ? (unsigned)(*at - '0')
				 : *at >= 'a' && *at <= 'f' ? (unsigned)(*at - 'a') + 10
							    : 16;

		if (digit == 16)
			return 0;
		first = first << 4 | digit;
	}
	td_key_file_name(again, first);
	return strcmp(name, again) == 0 ? first : 0;
}

/* --- head, slot --------------------------------------------------------------------------- */

/* Over all of it, as if the sum itself were zero. It stands behind the magic. */
static uint32_t sum_of(const uint8_t *bytes, size_t len)
{
	static const uint8_t zeros[4] = {0};
	uint32_t crc = td_crc32c(0, bytes, 4);

	crc = td_crc32c(crc, zeros, sizeof(zeros));
	return td_crc32c(crc, bytes + 8, len - 8);
}

static bool are_zero(const uint8_t *bytes, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		if (bytes[i] != 0)
			return false;
	}
	return true;
}

void td_key_head_put(const struct td_key_head *head, uint8_t bytes[TD_KEY_HEAD_BYTES])
{
	memset(bytes, 0, TD_KEY_HEAD_BYTES);
	td_le32_put(bytes, HEAD_MAGIC);
	td_le32_put(bytes + 8, VERSION);
	td_le32_put(bytes + 12, head->stride);
	td_le64_put(bytes + 16, head->first);
	memcpy(bytes + 24, head->store, sizeof(head->store));
	td_le32_put(bytes + 4, sum_of(bytes, TD_KEY_HEAD_BYTES));
}

const char *td_key_head_read(struct td_key_head *head, const uint8_t bytes[TD_KEY_HEAD_BYTES])
{
	if (td_le32_get(bytes) != HEAD_MAGIC)
		return "it does not begin as a key file does";
	if (td_le32_get(bytes + 4) != sum_of(bytes, TD_KEY_HEAD_BYTES))
		return "the checksum of its head does not match";
	if (td_le32_get(bytes + 8) != VERSION)
		return "its format is another";
	head->stride = td_le32_get(bytes + 12);
	head->first = td_le64_get(bytes + 16);
	memcpy(head->store, bytes + 24, sizeof(head->store));
	if ((head->stride != TD_KEY_STRIDE && head->stride != TD_KEY_STRIDE_STRICT) ||
		head->first == 0 || !are_zero(bytes, 40, TD_KEY_HEAD_BYTES))
		return "its head says what cannot be";
	return NULL;
}

void td_key_slot_put(const struct td_key_slot *slot, uint8_t bytes[TD_KEY_SLOT_BYTES])
{
	memset(bytes, 0, TD_KEY_SLOT_BYTES);
	td_le32_put(bytes, SLOT_MAGIC);
	td_le64_put(bytes + 8, slot->number);
	bytes[16] = slot->destroyed ? SLOT_DESTROYED : SLOT_KEY;
	if (!slot->destroyed)
		memcpy(bytes + 32, slot->key, TD_KEY_BYTES);
	td_le32_put(bytes + 4, sum_of(bytes, TD_KEY_SLOT_BYTES));
}

const char *td_key_slot_read(struct td_key_slot *slot, const uint8_t bytes[TD_KEY_SLOT_BYTES])
{
	if (td_le32_get(bytes) != SLOT_MAGIC)
		return "no key stands there";
	if (td_le32_get(bytes + 4) != sum_of(bytes, TD_KEY_SLOT_BYTES))
		return "the checksum of the key does not match";
	slot->number = td_le64_get(bytes + 8);
	slot->destroyed = bytes[16] == SLOT_DESTROYED;
	if (slot->number == 0 || (bytes[16] != SLOT_KEY && !slot->destroyed) ||
		!are_zero(bytes, 17, 32) ||
		(slot->destroyed && !are_zero(bytes, 32, TD_KEY_SLOT_BYTES)))
		return "the slot says what cannot be";
	memcpy(slot->key, bytes + 32, TD_KEY_BYTES);
	return NULL;
}
