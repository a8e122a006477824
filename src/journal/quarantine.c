/*
 * quarantine/: what recovery took away, for whoever wants to look at it. Nothing here is ever read
 * again by the journal, and nothing is deleted.
 */
#include <errno.h>
#include <stdio.h>

#include "journal/fault.h"
#include "journal/open.h"

#define COPY_BYTES ((size_t)256 << 10)

static int copy(struct td_journal *journal, int from_file, int to_file, uint64_t from, uint64_t to)
{
	uint8_t *bytes = td_disk_buffer_new(COPY_BYTES);
	uint64_t at = from & ~(uint64_t)(TD_DISK_ALIGN - 1), put = 0;
	int code = bytes == NULL ? ENOMEM : 0;

	/* Aligned, since `from_file` may be one for direct transfers. */
	for (; code == 0 && at < to; at += COPY_BYTES) {
		uint64_t begin = at > from ? at : from;
		uint64_t end = at + COPY_BYTES < to ? at + COPY_BYTES : to;
		size_t got = 0;

		if (td_disk_read_all(journal->disk, from_file, bytes, COPY_BYTES, at, &got) != 0)
			memset(bytes, TD_WALK_UNREADABLE, COPY_BYTES);
		code = td_disk_write_all(
			journal->disk, to_file, bytes + (begin - at), (size_t)(end - begin), put);
		put += end - begin;
	}
	td_disk_buffer_free(bytes);
	return code == 0 ? td_disk_sync(journal->disk, to_file) : code;
}

static int open_quarantine(struct td_journal *journal, int *dir)
{
	return td_disk_open_dir(
		journal->disk, journal->dir, TD_QUARANTINE_NAME, TD_DISK_CREATE, dir);
}

int td_quarantine_part(struct td_journal *journal, int file, uint64_t base, uint64_t from,
	uint64_t to, struct td_error *err)
{
	char name[80];
	int dir = -1, part = -1, code;

	snprintf(name, sizeof(name), "seg-%016llx-at-%llu-epoch-%llu", (unsigned long long)base,
		(unsigned long long)from, (unsigned long long)journal->epoch);
	code = open_quarantine(journal, &dir);
	if (code == 0)
		code = td_disk_open(
			journal->disk, dir, name, TD_DISK_WRITE | TD_DISK_CREATE, &part);
	if (code == 0)
		code = td_disk_truncate(journal->disk, part, 0);
	if (code == 0)
		code = copy(journal, file, part, from, to);
	if (code == 0)
		code = td_disk_sync_dir(journal->disk, dir);
	td_disk_close(journal->disk, part);
	td_disk_close(journal->disk, dir);
	return code == 0 ? 0
			 : td_fault(err, code, "journal %s: %s/%s", journal->path,
				   TD_QUARANTINE_NAME, name);
}

int td_quarantine_file(struct td_journal *journal, const char *name, struct td_error *err)
{
	int dir = -1, code = open_quarantine(journal, &dir);

	if (code == 0)
		code = td_disk_rename(journal->disk, journal->dir, name, dir, name);
	if (code == 0)
		code = td_disk_sync_dir(journal->disk, dir);
	if (code == 0)
		code = td_disk_sync_dir(journal->disk, journal->dir);
	td_disk_close(journal->disk, dir);
	return code == 0 ? 0
			 : td_fault(err, code, "journal %s: %s into %s", journal->path, name,
				   TD_QUARANTINE_NAME);
}
