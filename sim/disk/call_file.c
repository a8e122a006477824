/*
 * The calls for files. One that is to fail by plan or dice fails before it did anything, but for
 * writes (some of it may have been done) and syncs (change.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"

static int open_file(struct sim_disk *disk, int dir, const char *name, unsigned flags, int *file)
{
	struct inode *in, *inode;
	int code = sim_fault_name(disk, SIM_DISK_CALL_OPEN, (flags & TD_DISK_CREATE) != 0);

	if (code != 0)
		return code;
	in = sim_handle_dir(disk, dir, &code);
	if (code != 0)
		return code;
	if (!td_disk_name_is_valid(name) || !td_disk_flags_are_valid(flags))
		return EINVAL;
	if ((flags & TD_DISK_DIRECT) != 0 && disk->options.without_direct)
		return EINVAL;
	inode = sim_entries_find(&in->now, name);
	if (inode != NULL) {
		if ((flags & TD_DISK_EXCLUSIVE) != 0)
			return EEXIST;
		return inode->is_dir ? EISDIR : sim_handle_new(disk, inode, flags, file);
	}
	if ((flags & TD_DISK_CREATE) == 0 || in->gone)
		return ENOENT;
	code = sim_fault_no_space(disk);
	if (code != 0)
		return code;
	inode = sim_inode_new(disk, false);
	sim_name_link(disk, in, name, inode);
	code = sim_handle_new(disk, inode, flags, file);
	sim_inode_unref(disk, inode);
	return code;
}

static int sim_open(void *arg, int dir, const char *name, unsigned flags, int *file)
{
	int code = open_file(arg, dir, name, flags, file);

	return sim_answer(arg, "open", (uint64_t)dir, flags, code);
}

static void sim_close(void *arg, int number)
{
	struct sim_disk *disk = arg;
	struct handle *handle = sim_handle_find(disk, number);

	if (handle != NULL)
		sim_handle_drop(disk, handle, number);
	sim_answer(disk, "close", (uint64_t)number, 0, 0);
}

static bool is_aligned(const void *bytes, size_t len, uint64_t offset)
{
	return ((uintptr_t)bytes | len | offset) % TD_DISK_ALIGN == 0;
}

static bool offset_fits(uint64_t offset, uint64_t len)
{
	return offset <= INT64_MAX && len <= INT64_MAX - offset;
}

static int sim_read(void *arg, int number, void *bytes, size_t len, uint64_t offset, size_t *got)
{
	struct sim_disk *disk = arg;
	int code = sim_fault_begin(disk, SIM_DISK_CALL_READ, false);
	const struct handle *handle =
		code == 0 ? sim_handle_file(disk, number, TD_DISK_READ, &code) : NULL;
	bool direct = code == 0 && (handle->flags & TD_DISK_DIRECT) != 0;

	if (code == 0 && (!offset_fits(offset, len) || (direct && !is_aligned(bytes, len, offset))))
		code = EINVAL;
	if (code == 0)
		code = sim_fault_eio(disk, disk->dice.read_eio, SIM_DISK_COUNT_READ_EIO);
	if (code == 0) {
		size_t most = sim_fault_short(
			disk, len, direct, disk->dice.short_read, SIM_DISK_COUNT_SHORT_READ);

		code = sim_file_read(disk, handle->inode, bytes, most, offset, direct, got);
	}
	return sim_answer(disk, "read", offset, len, code);
}

/* The parts as one run of bytes: the first itself if it is the only one. */
static const uint8_t *join(const struct td_disk_part *parts, size_t count, size_t len, void **own)
{
	uint8_t *bytes, *at;

	if (count == 1)
		return parts[0].at;
	bytes = at = malloc(len + 1);
	TD_ASSERT(bytes != NULL);
	for (size_t i = 0; i < count; i++) {
		if (parts[i].len > 0)
			memcpy(at, parts[i].at, parts[i].len);
		at += parts[i].len;
	}
	*own = bytes;
	return bytes;
}

/* A write that ends early does so between two sectors, as one into a cache of pages does. */
static size_t whole_sectors(uint64_t offset, size_t most, size_t len)
{
	size_t inside = (size_t)((offset + most) % SECTOR);

	if (most == len)
		return len;
	return inside < most ? most - inside : 0;
}

static int write_parts(struct sim_disk *disk, int number, const struct td_disk_part *parts,
	size_t count, uint64_t offset, size_t *put)
{
	int code = sim_fault_begin(disk, SIM_DISK_CALL_WRITE, true), fault;
	const struct handle *handle =
		code == 0 ? sim_handle_file(disk, number, TD_DISK_WRITE, &code) : NULL;
	bool direct = code == 0 && (handle->flags & TD_DISK_DIRECT) != 0;
	size_t len = 0, most, done = 0;
	void *own = NULL;

	TD_ASSERT(count <= TD_DISK_PARTS_MAX);
	for (size_t i = 0; code == 0 && i < count; i++) {
		if (direct && !is_aligned(parts[i].at, parts[i].len, offset))
			code = EINVAL;
		len += parts[i].len;
	}
	if (code == 0 && !offset_fits(offset, len))
		code = EINVAL;
	if (code == 0 && len > 0)
		code = sim_fault_no_space(disk);
	if (code != 0)
		return code;
	fault = sim_fault_eio(disk, disk->dice.write_eio, SIM_DISK_COUNT_WRITE_EIO);
	most = sim_fault_short(
		disk, len, direct, disk->dice.short_write, SIM_DISK_COUNT_SHORT_WRITE);
	if (fault != 0) /* some of it may have been written all the same */
		most = (size_t)sim_fault_below(disk, len + 1);
	most = whole_sectors(offset, most, len);
	if (fault == 0 && most == 0)
		most = len;
	code = sim_file_write(
		disk, handle->inode, join(parts, count, len, &own), most, offset, &done);
	free(own);
	if (code == ENOSPC)
		sim_fault_count(disk, SIM_DISK_COUNT_NO_SPACE);
	if (code == 0 && fault == 0)
		*put = done;
	return fault != 0 ? fault : code;
}

static int sim_write(void *arg, int number, const struct td_disk_part *parts, size_t count,
	uint64_t offset, size_t *put)
{
	size_t done = 0;
	int code = write_parts(arg, number, parts, count, offset, &done);

	if (code == 0)
		*put = done;
	return sim_answer(arg, "write", offset, done, code);
}

/* A failure by plan is a failed sync as any other: what stands to be written may be lost. */
static int sim_sync(void *arg, int number)
{
	struct sim_disk *disk = arg;
	int code = sim_fault_begin(disk, SIM_DISK_CALL_SYNC, true), found = 0;
	struct handle *handle = sim_handle_file(disk, number, 0, &found);

	if (code == SIM_DISK_FROZEN || found != 0)
		return sim_answer(disk, "sync", (uint64_t)number, 0, code != 0 ? code : found);
	if (code == 0)
		code = sim_fault_eio(disk, disk->dice.sync_eio, SIM_DISK_COUNT_SYNC_EIO);
	if (code == 0) {
		sim_file_sync(disk, handle->inode);
		sim_fault_decay(disk);
	} else {
		sim_file_sync_failed(disk, handle->inode);
	}
	return sim_answer(disk, "sync", (uint64_t)number, 0, code);
}

/* What allocate, punch and truncate have in common before they begin. */
static struct inode *begin_change(
	struct sim_disk *disk, enum sim_disk_call call, int number, int *code)
{
	const struct handle *handle;

	*code = sim_fault_name(disk, call, true);
	if (*code != 0)
		return NULL;
	handle = sim_handle_file(disk, number, TD_DISK_WRITE, code);
	if (call != SIM_DISK_CALL_TRUNCATE && *code == 0 && disk->options.without_allocate)
		*code = EOPNOTSUPP;
	return *code == 0 ? handle->inode : NULL;
}

static int sim_allocate(void *arg, int number, uint64_t offset, uint64_t len)
{
	struct sim_disk *disk = arg;
	int code = 0;
	struct inode *file = begin_change(disk, SIM_DISK_CALL_ALLOCATE, number, &code);

	if (code == 0 && (len == 0 || !offset_fits(offset, len)))
		code = EINVAL;
	if (code == 0)
		code = sim_fault_no_space(disk);
	if (code == 0) {
		code = sim_file_allocate(disk, file, offset, len);
		if (code == ENOSPC)
			sim_fault_count(disk, SIM_DISK_COUNT_NO_SPACE);
	}
	return sim_answer(disk, "allocate", offset, len, code);
}

static int sim_punch(void *arg, int number, uint64_t offset, uint64_t len)
{
	struct sim_disk *disk = arg;
	int code = 0;
	struct inode *file = begin_change(disk, SIM_DISK_CALL_PUNCH, number, &code);

	if (code == 0 && (len == 0 || !offset_fits(offset, len)))
		code = EINVAL;
	if (code == 0)
		sim_file_punch(disk, file, offset, len);
	return sim_answer(disk, "punch", offset, len, code);
}

static int sim_truncate(void *arg, int number, uint64_t bytes)
{
	struct sim_disk *disk = arg;
	int code = 0;
	struct inode *file = begin_change(disk, SIM_DISK_CALL_TRUNCATE, number, &code);

	if (code == EBADF && sim_handle_find(disk, number) != NULL)
		code = EINVAL; /* open, but not for that: this one call says it so */
	if (code == 0 && bytes > SIM_DISK_FILE_BYTES_MAX)
		code = offset_fits(bytes, 0) ? EFBIG : EINVAL;
	if (code == 0)
		sim_file_truncate(disk, file, bytes);
	return sim_answer(disk, "truncate", (uint64_t)number, bytes, code);
}

static int sim_size(void *arg, int number, uint64_t *bytes)
{
	struct sim_disk *disk = arg;
	int code = sim_fault_begin(disk, SIM_DISK_CALL_SIZE, false);
	const struct handle *handle = code == 0 ? sim_handle_file(disk, number, 0, &code) : NULL;

	if (code == 0)
		*bytes = handle->inode->size;
	return sim_answer(disk, "size", (uint64_t)number, 0, code);
}

static int sim_lock(void *arg, int number)
{
	struct sim_disk *disk = arg;
	int code = sim_fault_begin(disk, SIM_DISK_CALL_LOCK, false);
	const struct handle *handle =
		code == 0 ? sim_handle_file(disk, number, TD_DISK_WRITE, &code) : NULL;

	if (code == 0 && sim_fault_chance(disk, disk->dice.lock_held)) {
		sim_fault_count(disk, SIM_DISK_COUNT_LOCK_HELD);
		code = EAGAIN;
	}
	if (code == 0 && handle->inode->lock >= 0 && handle->inode->lock != number)
		code = EAGAIN;
	if (code == 0)
		handle->inode->lock = number;
	return sim_answer(disk, "lock", (uint64_t)number, 0, code);
}

void sim_calls_of_files(struct td_disk *table)
{
	table->open = sim_open;
	table->close = sim_close;
	table->read = sim_read;
	table->write = sim_write;
	table->sync = sim_sync;
	table->allocate = sim_allocate;
	table->punch = sim_punch;
	table->truncate = sim_truncate;
	table->size = sim_size;
	table->lock = sim_lock;
}
