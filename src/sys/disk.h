/*
 * The disk: directories and files by handle, as a small table of functions plus an `arg`.
 *
 *	open_dir(path) -> dir --open(name)--> file --write, write ... sync--> the bytes are durable
 *	                   |
 *	                   '--make_dir, open with CREATE, rename, unlink ... sync_dir--> the names are
 *
 * All calls block; who must not block runs them as a task (sys/task.h). Each answers 0 or a positive
 * errno, and the caller, who knows the path, makes the error of it: td_error_system(err, code, ...).
 * EINTR never comes back. Outputs are written on success alone. A file that would grow beyond what the
 * process may have (RLIMIT_FSIZE) is EFBIG, and no signal.
 *
 * A handle is a small number >= 0, for a directory or for a file, and lives until td_disk_close().
 * Different handles may be used by different threads at once; one handle too, for reads and writes
 * at offsets. A `name` is one component: no slash, not empty, not "." or "..", else EINVAL.
 *
 * What a crash of the machine leaves:
 *	- bytes written are durable after td_disk_sync() of that file answered 0; before, each 512 B
 *	  sector on its own may be the new one or an older one, in any order;
 *	- a name made, moved or taken away is durable after td_disk_sync_dir() of its directory; a move
 *	  between two directories after both. Before, it happened or it did not, never half;
 *	- after a sync that failed nothing is known of what was written since the one before, not even
 *	  if the next one succeeds: trust the device (TD_DISK_DIRECT), not the cache.
 */
#ifndef TD_SYS_DISK_H
#define TD_SYS_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TD_DISK_ALIGN     4096 /* of offset, length and memory of direct transfers */
#define TD_DISK_SECTOR    512  /* what is written whole or not at all */
#define TD_DISK_PARTS_MAX 8    /* of one write */
#define TD_DISK_NOWHERE   (-1) /* as `parent`: the path begins where the process is */

enum td_disk_flag {
	TD_DISK_READ = 1 << 0,
	TD_DISK_WRITE = 1 << 1,
	TD_DISK_CREATE = 1 << 2,    /* if it is not there; needs WRITE, for a file */
	TD_DISK_EXCLUSIVE = 1 << 3, /* with CREATE: EEXIST if it is there */
	TD_DISK_DIRECT = 1 << 4,    /* past the cache: what the device has. Aligned transfers only;
				       EINVAL from open where the file system has no such thing */
};

enum td_disk_entry_kind {
	TD_DISK_FILE,
	TD_DISK_DIRECTORY,
	TD_DISK_OTHER, /* link, pipe, socket, device: nothing of ours */
};

struct td_disk_entry {
	const char *name; /* until the callback returns */
	enum td_disk_entry_kind kind;
	uint64_t bytes; /* of a file, else 0 */
};

struct td_disk_part {
	const void *at;
	size_t len;
};

/*
 * Which TD_E_ code an errno of these calls is, for who keeps facts there: TD_E_DISK_FULL, TD_E_NOMEM,
 * TD_E_DISK (the disk failed, or is gone), else TD_E_SYSTEM.
 */
int td_disk_code(int sys_errno);

struct td_disk_space {
	uint64_t bytes_free; /* for us, who are not root */
	uint64_t bytes_total;
};

/* The kind of file system, as far as it matters to who keeps facts there. */
enum td_disk_system {
	TD_DISK_EXT4, /* or its ancestors, which look the same */
	TD_DISK_XFS,
	TD_DISK_BTRFS,
	TD_DISK_OTHER_LOCAL, /* whatever else; what it promises we have not tried */
	TD_DISK_OVERLAY,
	TD_DISK_TMPFS, /* gone with the machine */
	TD_DISK_FUSE,  /* a program behind it decides */
	TD_DISK_NETWORK,
};

/* Anything but 0 ends the listing and is its answer. May not change the directory. */
typedef int td_disk_each(void *arg, const struct td_disk_entry *entry);

struct td_disk {
	int (*open_dir)(void *arg, int parent, const char *path, unsigned flags, int *dir);
	int (*make_dir)(void *arg, int dir, const char *name);
	int (*list)(void *arg, int dir, td_disk_each *each, void *each_arg);
	int (*open)(void *arg, int dir, const char *name, unsigned flags, int *file);
	void (*close)(void *arg, int handle);
	int (*read)(void *arg, int file, void *bytes, size_t len, uint64_t offset, size_t *got);
	int (*write)(void *arg, int file, const struct td_disk_part *parts, size_t count,
		uint64_t offset, size_t *put);
	int (*sync)(void *arg, int file);
	int (*sync_dir)(void *arg, int dir);
	int (*allocate)(void *arg, int file, uint64_t offset, uint64_t len);
	int (*punch)(void *arg, int file, uint64_t offset, uint64_t len);
	int (*truncate)(void *arg, int file, uint64_t bytes);
	int (*size)(void *arg, int file, uint64_t *bytes);
	int (*rename)(void *arg, int dir, const char *name, int to_dir, const char *to_name);
	int (*unlink)(void *arg, int dir, const char *name);
	int (*lock)(void *arg, int file);
	int (*space)(void *arg, int dir, struct td_disk_space *space);
	int (*system)(void *arg, int dir, enum td_disk_system *system);
	void *arg;
};
extern const struct td_disk td_disk_real;

/* --- directories -------------------------------------------------------------------------- */

/*
 * Open a directory: by a path (`parent` TD_DISK_NOWHERE), or one in `parent` by its name. `flags`
 * is 0 or TD_DISK_CREATE: make it if it is not there (mode 0700; what it stands in must be there),
 * and sync what it stands in, also if it was there: who made it may not have come so far.
 */
static inline int td_disk_open_dir(
	const struct td_disk *disk, int parent, const char *path, unsigned flags, int *dir)
{
	return disk->open_dir(disk->arg, parent, path, flags, dir);
}

/* Make a directory in `dir`, mode 0700. EEXIST. Durable with td_disk_sync_dir(dir). */
static inline int td_disk_make_dir(const struct td_disk *disk, int dir, const char *name)
{
	return disk->make_dir(disk->arg, dir, name);
}

/* All that is in it, in any order, without "." and "..". */
static inline int td_disk_list(
	const struct td_disk *disk, int dir, td_disk_each *each, void *each_arg)
{
	return disk->list(disk->arg, dir, each, each_arg);
}

/* Make the names in it durable as they are now (fsync of the directory). */
static inline int td_disk_sync_dir(const struct td_disk *disk, int dir)
{
	return disk->sync_dir(disk->arg, dir);
}

/* Move a file or directory, replacing a file that is there; `to_dir` may be `dir`. */
static inline int td_disk_rename(
	const struct td_disk *disk, int dir, const char *name, int to_dir, const char *to_name)
{
	return disk->rename(disk->arg, dir, name, to_dir, to_name);
}

/* Take a file's name away; who has it open keeps it. EISDIR for a directory. */
static inline int td_disk_unlink(const struct td_disk *disk, int dir, const char *name)
{
	return disk->unlink(disk->arg, dir, name);
}

static inline int td_disk_space(const struct td_disk *disk, int dir, struct td_disk_space *space)
{
	return disk->space(disk->arg, dir, space);
}

static inline int td_disk_system(const struct td_disk *disk, int dir, enum td_disk_system *system)
{
	return disk->system(disk->arg, dir, system);
}
/* "ext4", "xfs" ... as doctor and warnings show it. */
const char *td_disk_system_name(enum td_disk_system system);

/* --- files -------------------------------------------------------------------------------- */

/*
 * Open a file in `dir`: `flags` is READ, WRITE or both, and what else of td_disk_flag is wanted. A
 * new one has mode 0600. What is no regular file is refused: ELOOP for a symbolic link, EISDIR for
 * a directory, EINVAL else. Not inherited by other programs.
 */
static inline int td_disk_open(
	const struct td_disk *disk, int dir, const char *name, unsigned flags, int *file)
{
	return disk->open(disk->arg, dir, name, flags, file);
}

/* A file or a directory. Says nothing of what was written: sync before. < 0: nothing. */
static inline void td_disk_close(const struct td_disk *disk, int handle)
{
	if (handle >= 0)
		disk->close(disk->arg, handle);
}

/* *got may be less than len: look again. 0: the file ends at or before `offset`. */
static inline int td_disk_read(
	const struct td_disk *disk, int file, void *bytes, size_t len, uint64_t offset, size_t *got)
{
	return disk->read(disk->arg, file, bytes, len, offset, got);
}

/* The parts one behind the other, from `offset`; *put may be less than they are long. */
static inline int td_disk_write_parts(const struct td_disk *disk, int file,
	const struct td_disk_part *parts, size_t count, uint64_t offset, size_t *put)
{
	return disk->write(disk->arg, file, parts, count, offset, put);
}

static inline int td_disk_write(const struct td_disk *disk, int file, const void *bytes, size_t len,
	uint64_t offset, size_t *put)
{
	const struct td_disk_part part = {bytes, len};

	return disk->write(disk->arg, file, &part, 1, offset, put);
}

/* Make its bytes and its size durable (fdatasync), not its name. */
static inline int td_disk_sync(const struct td_disk *disk, int file)
{
	return disk->sync(disk->arg, file);
}

/* Reserve space, reading as zeros where nothing was written; the file grows as needed. ENOSPC;
 * EOPNOTSUPP where there is no such thing: do without. `len` > 0. */
static inline int td_disk_allocate(
	const struct td_disk *disk, int file, uint64_t offset, uint64_t len)
{
	return disk->allocate(disk->arg, file, offset, len);
}

/* Zeros from here on, and the space given back; the size stays. EOPNOTSUPP as above. */
static inline int td_disk_punch(const struct td_disk *disk, int file, uint64_t offset, uint64_t len)
{
	return disk->punch(disk->arg, file, offset, len);
}

/* Cut, or grow with zeros. */
static inline int td_disk_truncate(const struct td_disk *disk, int file, uint64_t bytes)
{
	return disk->truncate(disk->arg, file, bytes);
}

static inline int td_disk_size(const struct td_disk *disk, int file, uint64_t *bytes)
{
	return disk->size(disk->arg, file, bytes);
}

/* Ours alone among all who lock it, in this process too, until it is closed. Open for WRITE.
 * EAGAIN: another handle has it. */
static inline int td_disk_lock(const struct td_disk *disk, int file)
{
	return disk->lock(disk->arg, file);
}

/* --- whole transfers ---------------------------------------------------------------------- */

/* Read until `len` or the end of the file; *got says how much that is. */
int td_disk_read_all(const struct td_disk *disk, int file, void *bytes, size_t len, uint64_t offset,
	size_t *got);
/* Write all of it, or fail having written some of it. EIO if the disk takes nothing and says
 * nothing. */
int td_disk_write_all(
	const struct td_disk *disk, int file, const void *bytes, size_t len, uint64_t offset);
/* The same of parts, at most TD_DISK_PARTS_MAX. */
int td_disk_write_parts_all(const struct td_disk *disk, int file, const struct td_disk_part *parts,
	size_t count, uint64_t offset);

/* Memory for direct transfers: aligned, its length rounded up to TD_DISK_ALIGN. NULL: none left. */
void *td_disk_buffer_new(size_t len);
void td_disk_buffer_free(void *buffer);

/* For those who make a table: whether it can be a name; whether a file can be opened so. */
bool td_disk_name_is_valid(const char *name);
bool td_disk_flags_are_valid(unsigned flags);

#endif
