/*
 * A key file: the input is its bytes. The first byte says which checksums are made right (1: the
 * head's, 2: the slots'), and which number was given last.
 *
 *	1. a head or slot that reads is, byte for byte, what would be written;
 *	2. opened as the file of a store: every key is what its slot says, or an error with a text;
 *	   what is not valid up to the number given last is an error, and nothing is changed;
 *	3. a key that is destroyed reads as destroyed, the others as before; and the same when the file
 *	   is opened again.
 */
#include <stdlib.h>
#include <string.h>

#include "disk/disk.h"
#include "store/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

#define FILE_NAME "keys-0000000000000001"
#define KEYS      12u

static uint32_t sum_of(const uint8_t *bytes, size_t len)
{
	static const uint8_t zeros[4] = {0};
	uint32_t crc = td_crc32c(0, bytes, 4);

	crc = td_crc32c(crc, zeros, sizeof(zeros));
	return td_crc32c(crc, bytes + 8, len - 8);
}

static void check_bytes(const uint8_t *bytes, size_t len)
{
	uint8_t head_again[TD_KEY_HEAD_BYTES], slot_again[TD_KEY_SLOT_BYTES];
	struct td_key_head head;
	struct td_key_slot slot;

	if (len >= TD_KEY_HEAD_BYTES && td_key_head_read(&head, bytes) == NULL) {
		td_key_head_put(&head, head_again);
		CHECK(memcmp(bytes, head_again, sizeof(head_again)) == 0);
	}
	for (size_t at = 0; at + TD_KEY_SLOT_BYTES <= len; at += TD_KEY_SLOT_BYTES) {
		if (td_key_slot_read(&slot, bytes + at) != NULL)
			continue;
		td_key_slot_put(&slot, slot_again);
		CHECK(memcmp(bytes + at, slot_again, sizeof(slot_again)) == 0);
	}
}

static void fill(void *arg, void *bytes, size_t len)
{
	(void)arg;
	memset(bytes, 7, len);
}

static const struct td_random random_numbers = {fill, NULL};

static void put_file(const struct td_disk *disk, const uint8_t *bytes, size_t len)
{
	int dir, keys, file;

	CHECK(td_disk_open_dir(disk, TD_DISK_NOWHERE, "store", TD_DISK_CREATE, &dir) == 0);
	CHECK(td_disk_open_dir(disk, dir, TD_KEYS_DIRECTORY, TD_DISK_CREATE, &keys) == 0);
	CHECK(td_disk_open(disk, keys, FILE_NAME, TD_DISK_WRITE | TD_DISK_CREATE, &file) == 0);
	CHECK(td_disk_write_all(disk, file, bytes, len, 0) == 0);
	CHECK(td_disk_sync(disk, file) == 0 && td_disk_sync_dir(disk, keys) == 0);
	td_disk_close(disk, file);
	td_disk_close(disk, keys);
	td_disk_close(disk, dir);
}

struct found {
	int code;
	uint8_t key[TD_KEY_BYTES];
};

/* Open it and look at all keys; 0: it could be opened. *passed: see td_keys_begin(). */
static int look(const struct td_disk *disk, uint64_t given, struct td_keys **keys, int *dir,
	struct found found[KEYS], uint64_t *passed)
{
	struct td_keys_options options = {.disk = disk, .random = &random_numbers};
	struct td_error err = TD_ERROR_INIT;
	int code;

	CHECK(td_disk_open_dir(disk, TD_DISK_NOWHERE, "store", 0, dir) == 0);
	options.dir = *dir;
	memset(options.store, 's', sizeof(options.store));
	code = td_keys_open(keys, &options, &err);
	if (code == 0) {
		td_keys_given(*keys, given);
		code = td_keys_begin(*keys, true, passed, &err);
		if (code != 0)
			td_keys_close(*keys);
	}
	if (code != 0) {
		CHECK(code == TD_E_DAMAGED || code == TD_E_FOREIGN);
		CHECK(err.code == code && strstr(err.text, FILE_NAME) != NULL);
		td_disk_close(disk, *dir);
		return code;
	}
	for (uint64_t i = 0; i < KEYS; i++) {
		found[i].code = td_keys_get(*keys, i + 1, found[i].key, &err);
		CHECK(found[i].code == 0 || found[i].code == TD_E_NOT_FOUND ||
			found[i].code == TD_E_DAMAGED);
	}
	return 0;
}

static void end(const struct td_disk *disk, struct td_keys *keys, int dir)
{
	td_keys_close(keys);
	td_disk_close(disk, dir);
}

static void destroy_one(const struct td_disk *disk, uint64_t given)
{
	struct found before[KEYS], after[KEYS];
	struct td_keys *keys;
	uint64_t passed;
	int dir;

	if (look(disk, given, &keys, &dir, before, &passed) != 0)
		return;
	CHECK(td_keys_sweep(keys, &given, 1, NULL) == 0);
	for (int again = 0; again < 2; again++) {
		for (uint64_t i = 0; i < KEYS; i++) {
			after[i].code = td_keys_get(keys, i + 1, after[i].key, NULL);
			if (i + 1 == given)
				CHECK(after[i].code == TD_E_NOT_FOUND);
			else
				CHECK(after[i].code == before[i].code &&
					(after[i].code != 0 || memcmp(after[i].key, before[i].key,
								       TD_KEY_BYTES) == 0));
		}
		end(disk, keys, dir);
		CHECK(look(disk, given, &keys, &dir, after, &passed) == 0);
	}
	end(disk, keys, dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[4096];
	struct sim_disk *sim;
	size_t len = size > 0 ? size - 1 : 0;
	uint64_t hash;

	if (size < 2 || len > sizeof(bytes))
		return 0;
	memcpy(bytes, data + 1, len);
	if ((data[0] & 1) != 0 && len >= TD_KEY_HEAD_BYTES)
		td_le32_put(bytes + 4, sum_of(bytes, TD_KEY_HEAD_BYTES));
	for (size_t at = TD_KEY_HEAD_BYTES; (data[0] & 2) != 0 && at + TD_KEY_SLOT_BYTES <= len;
		at += TD_KEY_SLOT_BYTES)
		td_le32_put(bytes + at + 4, sum_of(bytes + at, TD_KEY_SLOT_BYTES));
	check_bytes(bytes, len);
	sim = sim_disk_new(&(struct sim_disk_options){0});
	put_file(sim_disk_table(sim), bytes, len);
	hash = sim_disk_hash(sim);
	{
		struct found found[KEYS];
		struct td_keys *keys;
		uint64_t passed = 0;
		int dir;

		if (look(sim_disk_table(sim), data[0] >> 4, &keys, &dir, found, &passed) == 0)
			end(sim_disk_table(sim), keys, dir);
		/* Nothing is written but the slot of the last one that is passed over. */
		CHECK(sim_disk_hash(sim) == hash || passed > data[0] >> 4);
	}
	if (data[0] >> 4 != 0)
		destroy_one(sim_disk_table(sim), data[0] >> 4);
	sim_disk_free(sim);
	return 0;
}
