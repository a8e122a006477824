/*
 * What keys.c (open, read, give, destroy) and keys_work.c (what has to wait for the disk) share.
 */
#ifndef TD_STORE_KEYS_INSIDE_H
#define TD_STORE_KEYS_INSIDE_H

#include "store/keys.h"

#define TD_KEYS_CACHED     1024u /* in memory */
#define TD_KEYS_PER_SECTOR (TD_KEY_HEAD_BYTES / TD_KEY_SLOT_BYTES)

struct td_key_file {
	struct td_key_head head;
	int handle;
	const char *wrong; /* with its head; NULL: nothing */
};

struct td_key_cached {
	uint64_t number; /* 0: none */
	uint8_t key[TD_KEY_BYTES];
};

struct td_keys {
	struct td_keys_options options;
	struct td_mutex mutex;     /* files, cache, doomed, generation */
	int dir;                   /* keys/; < 0: not there */
	struct td_key_file *files; /* ascending */
	size_t files_count;
	uint8_t (*memory)[TD_KEY_BYTES]; /* without a directory: by number - 1; zeros: destroyed */
	size_t memory_cap;
	struct td_key_cached cache[TD_KEYS_CACHED];
	uint64_t generation;  /* grows with each destruction */
	struct td_map doomed; /* numbers that are to be destroyed */
	uint64_t given;       /* the highest number that a record gives */
	uint64_t next, end;   /* spare: [next, end) */
	uint64_t wanted;      /* an append was sent back for want of so many */
	int64_t retry_ms;     /* the disk was full */
	bool full, out, failed;
	struct td_error failure;
};

/* Errors that name the file whose first number this is. TD_E_DISK_FULL, TD_E_NOMEM, TD_E_DISK,
 * TD_E_SYSTEM, by errno; TD_E_DAMAGED. */
int td_keys_error(uint64_t first, const char *doing, int sys_errno, struct td_error *err);
int td_keys_damage(
	const struct td_key_file *file, uint64_t number, const char *what, struct td_error *err);
/*
 * The slot says that its key was destroyed, all of it up to the next: a page of its own that does not
 * read any more, because power went while it was overwritten, is written whole. An errno; not synced.
 */
int td_keys_put_destroyed(
	const struct td_keys *keys, const struct td_key_file *file, uint64_t number);
/* A file in the table, in its place. false: no memory. */
bool td_keys_add_file(struct td_keys *keys, const struct td_key_file *file);
/* The file that has the number: the last that does not begin behind it. NULL: none. */
const struct td_key_file *td_keys_file(const struct td_keys *keys, uint64_t number);

#endif
