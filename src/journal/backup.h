/*
 * What backing up and restoring share: the directory of a backup.
 *
 *	LOCK          held by who writes or reads it
 *	MANIFEST      what the last complete backup is of; MANIFEST.tmp: the next one's
 *	copy-B-N      the segment of base B and number N, as far as it is copied
 */
#ifndef TD_JOURNAL_BACKUP_H
#define TD_JOURNAL_BACKUP_H

#include "journal/copy.h"

/* A backup directory that is open. */
struct td_backup {
	const struct td_disk *disk;
	const char *path;
	int dir, lock;
	struct td_manifest was; /* of the last complete backup; empty: none */
	bool unfinished;        /* there is something of one that is not */
	bool foreign;           /* and something that is no backup's */
};
#define TD_BACKUP_INIT(table, where)                                    \
	{                                                               \
		.disk = (table), .path = (where), .dir = -1, .lock = -1 \
	}

/*
 * Look at the directory and lock it. `create`: made if it is not there. What its MANIFEST says is in
 * `was`. TD_E_NOT_FOUND, TD_E_HELD, TD_E_DAMAGED, TD_E_NEWER ...
 */
int td_backup_open(struct td_backup *backup, bool create, struct td_error *err);
void td_backup_close(struct td_backup *backup);
/* Open a copy: its handle, or an errno. */
int td_backup_copy(const struct td_backup *backup, const struct td_manifest_segment *segment,
	unsigned flags, int *file);

#endif
