#include "journal/backup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "journal/fault.h"

static int look(void *arg, const struct td_disk_entry *entry)
{
	struct td_backup *backup = arg;
	uint32_t number;
	uint64_t base;

	if (strcmp(entry->name, TD_MANIFEST_TMP_NAME) == 0 ||
		td_copy_is(entry->name, &base, &number))
		backup->unfinished = true; /* unless the manifest names it: see below */
	else if (strcmp(entry->name, TD_MANIFEST_NAME) != 0 &&
		 strcmp(entry->name, TD_LOCK_NAME) != 0)
		backup->foreign = true;
	return 0;
}

static int take_lock(struct td_backup *backup, bool create, struct td_error *err)
{
	int code = td_disk_open(backup->disk, backup->dir, TD_LOCK_NAME,
		TD_DISK_READ | TD_DISK_WRITE | TD_DISK_CREATE, &backup->lock);

	if (!create && (code == EROFS || code == EACCES))
		return 0; /* it can be read */
	if (code == 0)
		code = td_disk_lock(backup->disk, backup->lock);
	if (code == EAGAIN)
		return td_error_set(err, TD_E_HELD, TD_NO_OFFSET,
			"%s: another backup or restore is at it", backup->path);
	return code == 0 ? 0 : td_fault(err, code, "%s: %s", backup->path, TD_LOCK_NAME);
}

static int read_manifest(struct td_backup *backup, struct td_error *err)
{
	uint64_t bytes = 0;
	char *text = NULL;
	size_t got = 0;
	int file = -1, code;

	code = td_disk_open(backup->disk, backup->dir, TD_MANIFEST_NAME, TD_DISK_READ, &file);
	if (code == ENOENT)
		return 0;
	if (code == 0)
		code = td_disk_size(backup->disk, file, &bytes);
	if (code == 0 && bytes > TD_MANIFEST_BYTES_MAX)
		code = EFBIG;
	if (code == 0) {
		text = malloc((size_t)bytes + 1);
		code = text == NULL
			       ? ENOMEM
			       : td_disk_read_all(backup->disk, file, text, (size_t)bytes, 0, &got);
	}
	td_disk_close(backup->disk, file);
	if (code != 0)
		code = td_fault(err, code, "%s: %s", backup->path, TD_MANIFEST_NAME);
	else
		code = td_manifest_read(td_text_of(text, got), &backup->was, err);
	if (code == TD_E_DAMAGED || code == TD_E_NEWER)
		td_error_wrap(err, code, "%s", backup->path);
	free(text);
	return code;
}

/* A copy that the manifest does not name is of a backup that did not come to its end. */
static int look_again(void *arg, const struct td_disk_entry *entry)
{
	struct td_backup *backup = arg;
	const struct td_manifest_segment *segment;
	uint32_t number;
	uint64_t base;

	if (strcmp(entry->name, TD_MANIFEST_TMP_NAME) == 0)
		backup->unfinished = true;
	if (!td_copy_is(entry->name, &base, &number))
		return 0;
	segment = td_manifest_find(&backup->was, base);
	if (segment == NULL || segment->number != number)
		backup->unfinished = true;
	return 0;
}

int td_backup_open(struct td_backup *backup, bool create, struct td_error *err)
{
	int code = td_disk_open_dir(backup->disk, TD_DISK_NOWHERE, backup->path,
		create ? TD_DISK_CREATE : 0, &backup->dir);

	if (code == ENOENT)
		return td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET,
			create ? "%s: what it stands in is not there" : "%s: none", backup->path);
	if (code == 0)
		code = td_disk_list(backup->disk, backup->dir, look, backup);
	if (code != 0)
		return td_fault(err, code, "%s", backup->path);
	code = read_manifest(backup, err);
	if (code != 0)
		return code;
	if (backup->was.count == 0 && (backup->foreign || (!create && !backup->unfinished)))
		return td_error_set(err, create ? TD_E_FOREIGN : TD_E_NOT_FOUND, TD_NO_OFFSET,
			create ? "%s: holds other things, and no backup" : "%s: none",
			backup->path);
	code = take_lock(backup, create, err);
	if (code != 0)
		return code;
	/* Again, now that nobody else is at it. */
	td_manifest_fini(&backup->was);
	code = read_manifest(backup, err);
	if (code != 0)
		return code;
	if (backup->was.count == 0 && !create)
		return td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET,
			"%s: it never came to its end: make it again", backup->path);
	backup->unfinished = false;
	code = td_disk_list(backup->disk, backup->dir, look_again, backup);
	return code == 0 ? 0 : td_fault(err, code, "%s", backup->path);
}

void td_backup_close(struct td_backup *backup)
{
	td_manifest_fini(&backup->was);
	td_disk_close(backup->disk, backup->lock);
	td_disk_close(backup->disk, backup->dir);
	backup->lock = backup->dir = -1;
}

int td_backup_copy(const struct td_backup *backup, const struct td_manifest_segment *segment,
	unsigned flags, int *file)
{
	char name[TD_COPY_NAME_BYTES];

	td_copy_name(name, segment->base, segment->number);
	return td_disk_open(backup->disk, backup->dir, name, flags, file);
}
