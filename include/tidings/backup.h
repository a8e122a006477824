/*
 * Copies of a store, made while it runs, and stores made from them.
 *
 *	store --td_backup()--> DIR  MANIFEST  copy-...  copy-...  --td_restore()--> another store
 *	  ^                     |
 *	  '------- again: what is new alone is copied
 *
 * A backup is the store as it was at one moment: everything that was acknowledged before it ended its
 * copying, whole appends alone. Publishing goes on meanwhile. What is there from an earlier backup
 * stays good until the new one is complete; one that was cut off is gone on with by the next.
 *
 * A backup directory is not a store: td_open() refuses it. The keys of erasable subjects are no
 * part of it; who keeps them with it can forget nobody. What was erased from the store
 * is gone from the backup directory when the next backup into it is complete.
 *
 * doc/format/backup.md says what stands in the directory.
 */
#ifndef TIDINGS_BACKUP_H
#define TIDINGS_BACKUP_H

#include "tidings/error.h"
#include "tidings/export.h"

#ifdef __cplusplus
extern "C" {
#endif

struct td;

/* Zero: the default. */
struct td_backup_options {
	/* td_backup(): what an earlier one copied is read, too, and copied again where it is not as it
	 * was. td_restore(): the digests of the backup alone are checked, and nothing is made. */
	bool check;
	/* Called every so often with the bytes read so far; false: stop (TD_E_CLOSED). */
	bool (*progress)(void *arg, uint64_t bytes);
	void *arg;
};

struct td_backup_report {
	uint64_t position;     /* all below it is in the backup, or the new store */
	uint64_t files, bytes; /* copies of segments, and what they hold */
	uint64_t bytes_copied; /* of these, by this call */
	bool resumed;          /* it found one that had not come to its end */
};

/*
 * Copy a "file:" place that is open to the directory `to`, which is made if it is not there. Blocks
 * for as long as the copying takes, without holding up anybody. `options` and `report` may be NULL.
 * Errors: TD_E_PLACE (nothing is stored here), TD_E_READ_ONLY (opened to look only: another process
 * may be writing), TD_E_HELD (another backup into that directory is running), TD_E_FOREIGN (the
 * directory holds other things, the backup of another store, or of this one after it went another
 * way), TD_E_DAMAGED (the store is; or the manifest there), TD_E_DISK_FULL, TD_E_DISK, TD_E_SYSTEM, TD_E_NOMEM,
 * TD_E_CLOSED (stopped), TD_E_INLINE. The store goes on in any case, and an earlier backup there is as
 * it was.
 */
TD_PUBLIC int td_backup(struct td *td, const char *to, const struct td_backup_options *options,
	struct td_backup_report *report, struct td_error *err);
/*
 * Make a store from a backup in the directory `to`, which has to be empty or not there. Every digest,
 * frame and chain value is verified before the store can be opened. It has the uuid of the old one, so
 * that signed heads of it are still good, and another epoch, so that the two cannot be taken for each
 * other. With `check` `to` may be NULL.
 * Errors: TD_E_NOT_FOUND (no backup), TD_E_EXISTS (the directory is not empty), TD_E_DAMAGED (which file),
 * TD_E_NEWER, TD_E_HELD (a backup into it is running), TD_E_DISK_FULL, TD_E_DISK, TD_E_SYSTEM, TD_E_NOMEM, TD_E_CLOSED
 * (stopped). What was not finished cannot be opened, and the next td_restore() begins it again.
 */
TD_PUBLIC int td_restore(const char *from, const char *to, const struct td_backup_options *options,
	struct td_backup_report *report, struct td_error *err);

#ifdef __cplusplus
}
#endif

#endif
