/*
 * keys: the keys that payloads of erasable subjects are sealed with. One key a subject, each with a
 * number, from 1 and never used again; which subject has which is in the journal (seal.h).
 *
 *	          make ahead, sync          take                      destroy
 *	(nothing) -----------------> spare -----> a subject's, read ----------> destroyed: overwritten
 *	                               |          by whoever reads              where it lay, synced
 *	                               '--> passed over, after a crash
 *
 * They lie in DIR/keys/ (key_format.h), outside of the journal and of its backups. Some hundreds are
 * made and synced ahead, so that a new subject costs no sync of its own: its key is on disk before
 * its first frame is written, and the frame says whose it is.
 *
 * What is missing (a file, the whole directory) reads as destroyed: TD_E_NOT_FOUND. What is there and
 * wrong is TD_E_DAMAGED, naming the file; nothing is deleted. Slots above the last number that was
 * given need not be whole: a crash may have torn them while they were made.
 *
 * Without a directory all of it is in memory.
 *
 * Threads: the owner's calls, but td_keys_get() and td_keys_work_run(), which any thread may make.
 */
#ifndef TD_STORE_KEYS_H
#define TD_STORE_KEYS_H

#include "store/key_format.h"
#include "sys/sys.h"

struct td_keys;

struct td_keys_options {
	const struct td_disk *disk;
	int dir; /* the store's; TD_DISK_NOWHERE: in memory */
	const struct td_random *random;
	uint8_t store[16]; /* its uuid, in each file */
	bool strict;       /* slots a page apart */
	bool read_only;
};

/*
 * Open what there is. Blocks. TD_E_FOREIGN: keys of another store; TD_E_DISK, TD_E_SYSTEM,
 * TD_E_NOMEM. Then td_keys_given() for each number that a durable record gives or uses.
 */
int td_keys_open(
	struct td_keys **keys, const struct td_keys_options *options, struct td_error *err);
void td_keys_close(struct td_keys *keys); /* NULL is fine; work must be back */
void td_keys_given(struct td_keys *keys, uint64_t number);
/*
 * All records were read. `clean`: the store had been closed. Else a frame that came to nothing may
 * have used spare keys, and what it left in quarantine/ would be read with them: those are passed
 * over, and *passed is the last of them (0: none), which has to be given by a durable record. The
 * same where making them had failed half way (a full disk). The last file is synced.
 * TD_E_DAMAGED: a file is shorter than what was given, or its head does not read; TD_E_DISK.
 */
int td_keys_begin(struct td_keys *keys, bool clean, uint64_t *passed, struct td_error *err);

/* A key by its number. TD_E_NOT_FOUND: destroyed, or missing. TD_E_DAMAGED, TD_E_DISK. Any thread. */
int td_keys_get(
	struct td_keys *keys, uint64_t number, uint8_t key[TD_KEY_BYTES], struct td_error *err);

/*
 * The next spare one's number. TD_E_FULL: none is ready: turn the work, then again. TD_E_DISK_FULL:
 * there is no room for more. TD_E_DISK: failed. TD_E_NOMEM, in memory.
 */
int td_keys_take(struct td_keys *keys, uint64_t *number, struct td_error *err);
/* The one that was taken last is spare again: nothing was sealed with it. */
void td_keys_untake(struct td_keys *keys);

/*
 * Destroy a key: it reads as destroyed from now on, and td_keys_destroyed() tells when it is on
 * disk. In memory at once. TD_E_NOMEM: nothing happened.
 */
int td_keys_destroy(struct td_keys *keys, uint64_t number, struct td_error *err);
bool td_keys_destroyed(const struct td_keys *keys, uint64_t number);
/* The same for those of these numbers that are not destroyed yet (a crash came between). Blocks. */
int td_keys_sweep(
	struct td_keys *keys, const uint64_t *numbers, size_t count, struct td_error *err);

/* 0, or TD_E_DISK: a write or sync failed that had to succeed, for good. */
int td_keys_failed(const struct td_keys *keys, struct td_error *err);

/* --- work --------------------------------------------------------------------------------- */

/* Make spare keys; destroy what is to be destroyed. One at a time. */
struct td_keys_work;
bool td_keys_due(const struct td_keys *keys, int64_t now_ms);
/* The same of what an append waits for: it was sent back (TD_E_FULL). */
bool td_keys_missed(const struct td_keys *keys, int64_t now_ms);
int64_t td_keys_when(const struct td_keys *keys);
struct td_keys_work *td_keys_next(struct td_keys *keys); /* NULL: no memory */
void td_keys_work_run(struct td_keys_work *work);
/* TD_E_DISK_FULL: tried again in a second. */
int td_keys_work_done(
	struct td_keys *keys, struct td_keys_work *work, int64_t now_ms, struct td_error *err);
void td_keys_work_free(struct td_keys_work *work); /* it is forgotten */

#endif
