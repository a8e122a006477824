/*
 * The real disk: handles are descriptors, each call is one system call.
 *
 * O_NONBLOCK when opening: a pipe that lies where a file is expected would wait for its other end.
 * On regular files it means nothing.
 */
#include "sys/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/base.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif
#ifndef CIFS_SUPER_MAGIC
#define CIFS_SUPER_MAGIC 0xFF534D42
#endif
#ifndef SMB2_SUPER_MAGIC
#define SMB2_SUPER_MAGIC 0xFE534D42
#endif
#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* The value of `call`, made again as long as a signal interrupts it. */
#define AGAIN(call)                                  \
	__extension__({                              \
		__typeof__(call) again;              \
		do                                   \
			again = (call);              \
		while (again < 0 && errno == EINTR); \
		again;                               \
	})

/* 0, or errno. */
#define ANSWER(call) (AGAIN(call) < 0 ? errno : 0)

static bool offset_fits(uint64_t offset, uint64_t len)
{
	return offset <= INT64_MAX && len <= INT64_MAX - offset;
}

/* --- directories -------------------------------------------------------------------------- */

/* Sync what the directory stands in. If we may not look at that, others made the directory. */
static int sync_parent(int dir, bool made)
{
	int parent = AGAIN(openat(dir, "..", DIR_FLAGS));
	int code;

	if (parent < 0)
		return errno == EACCES && !made ? 0 : errno;
	code = ANSWER(fsync(parent));
	close(parent);
	return code;
}

static int real_open_dir(void *arg, int parent, const char *path, unsigned flags, int *dir)
{
	bool create = (flags & TD_DISK_CREATE) != 0, made = false;
	int at = parent == TD_DISK_NOWHERE ? AT_FDCWD : parent;
	int extra = parent == TD_DISK_NOWHERE ? 0 : O_NOFOLLOW;
	int fd, code;

	(void)arg;
	if (parent != TD_DISK_NOWHERE && !td_disk_name_is_valid(path))
		return EINVAL;
	if (create) {
		code = ANSWER(mkdirat(at, path, 0700));
		if (code != 0 && code != EEXIST)
			return code;
		made = code == 0;
	}
	fd = AGAIN(openat(at, path, DIR_FLAGS | extra));
	if (fd < 0)
		return errno;
	code = create ? sync_parent(fd, made) : 0;
	if (code != 0) {
		close(fd);
		return code;
	}
	*dir = fd;
	return 0;
}

static int real_make_dir(void *arg, int dir, const char *name)
{
	(void)arg;
	return td_disk_name_is_valid(name) ? ANSWER(mkdirat(dir, name, 0700)) : EINVAL;
}

/* Call `each` for one name; what has gone meanwhile is left out. */
static int list_one(int dir, const char *name, td_disk_each *each, void *each_arg)
{
	struct td_disk_entry entry = {.name = name, .kind = TD_DISK_OTHER};
	struct stat status;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	if (AGAIN(fstatat(dir, name, &status, AT_SYMLINK_NOFOLLOW)) != 0)
		return errno == ENOENT ? 0 : errno;
	if (S_ISREG(status.st_mode)) {
		entry.kind = TD_DISK_FILE;
		entry.bytes = (uint64_t)status.st_size;
	} else if (S_ISDIR(status.st_mode)) {
		entry.kind = TD_DISK_DIRECTORY;
	}
	return each(each_arg, &entry);
}

static int real_list(void *arg, int dir, td_disk_each *each, void *each_arg)
{
	int fd = AGAIN(openat(dir, ".", DIR_FLAGS)); /* with a reading position of its own */
	const struct dirent *entry;
	DIR *stream;
	int code = 0;

	(void)arg;
	if (fd < 0)
		return errno;
	stream = fdopendir(fd);
	if (stream == NULL) {
		code = errno;
		close(fd);
		return code;
	}
	while (code == 0) {
		errno = 0;
		entry = readdir(stream);
		if (entry == NULL) {
			code = errno;
			break;
		}
		code = list_one(dir, entry->d_name, each, each_arg);
	}
	closedir(stream);
	return code;
}

static int real_rename(void *arg, int dir, const char *name, int to_dir, const char *to_name)
{
	(void)arg;
	if (!td_disk_name_is_valid(name) || !td_disk_name_is_valid(to_name))
		return EINVAL;
	return ANSWER(renameat(dir, name, to_dir, to_name));
}

static int real_unlink(void *arg, int dir, const char *name)
{
	(void)arg;
	return td_disk_name_is_valid(name) ? ANSWER(unlinkat(dir, name, 0)) : EINVAL;
}

static int real_sync_dir(void *arg, int dir)
{
	(void)arg;
	return ANSWER(fsync(dir));
}

static int real_space(void *arg, int dir, struct td_disk_space *space)
{
	struct statvfs status;
	int code = ANSWER(fstatvfs(dir, &status));

	(void)arg;
	if (code == 0)
		*space = (struct td_disk_space){
			.bytes_free = (uint64_t)status.f_bavail * status.f_frsize,
			.bytes_total = (uint64_t)status.f_blocks * status.f_frsize,
		};
	return code;
}

static int real_system(void *arg, int dir, enum td_disk_system *system)
{
	static const struct {
		uint32_t magic;
		enum td_disk_system system;
	} known[] = {
		{EXT4_SUPER_MAGIC, TD_DISK_EXT4},
		{XFS_SUPER_MAGIC, TD_DISK_XFS},
		{BTRFS_SUPER_MAGIC, TD_DISK_BTRFS},
		{OVERLAYFS_SUPER_MAGIC, TD_DISK_OVERLAY},
		{TMPFS_MAGIC, TD_DISK_TMPFS},
		{RAMFS_MAGIC, TD_DISK_TMPFS},
		{FUSE_SUPER_MAGIC, TD_DISK_FUSE},
		{NFS_SUPER_MAGIC, TD_DISK_NETWORK},
		{SMB_SUPER_MAGIC, TD_DISK_NETWORK},
		{CIFS_SUPER_MAGIC, TD_DISK_NETWORK},
		{SMB2_SUPER_MAGIC, TD_DISK_NETWORK},
		{CODA_SUPER_MAGIC, TD_DISK_NETWORK},
		{AFS_SUPER_MAGIC, TD_DISK_NETWORK},
		{AFS_FS_MAGIC, TD_DISK_NETWORK},
		{V9FS_MAGIC, TD_DISK_NETWORK},
		{CEPH_SUPER_MAGIC, TD_DISK_NETWORK},
	};
	struct statfs status;
	int code = ANSWER(fstatfs(dir, &status));

	(void)arg;
	if (code != 0)
		return code;
	*system = TD_DISK_OTHER_LOCAL;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if ((uint32_t)status.f_type == known[i].magic)
			*system = known[i].system;
	return 0;
}

/* --- files -------------------------------------------------------------------------------- */

static int flags_of(unsigned flags)
{
	int of = O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;

	if ((flags & TD_DISK_WRITE) == 0)
		of |= O_RDONLY;
	else
		of |= (flags & TD_DISK_READ) != 0 ? O_RDWR : O_WRONLY;
	if ((flags & TD_DISK_CREATE) != 0)
		of |= O_CREAT;
	if ((flags & TD_DISK_EXCLUSIVE) != 0)
		of |= O_EXCL;
	if ((flags & TD_DISK_DIRECT) != 0)
		of |= O_DIRECT;
	return of;
}

static int real_open(void *arg, int dir, const char *name, unsigned flags, int *file)
{
	struct stat status;
	int fd, code;

	(void)arg;
	if (!td_disk_name_is_valid(name) || !td_disk_flags_are_valid(flags))
		return EINVAL;
	fd = AGAIN(openat(dir, name, flags_of(flags), 0600));
	if (fd < 0)
		return errno == ENXIO ? EINVAL : errno; /* a pipe that nobody reads */
	code = ANSWER(fstat(fd, &status));
	if (code == 0 && !S_ISREG(status.st_mode))
		code = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
	if (code != 0) {
		close(fd);
		return code;
	}
	*file = fd;
	return 0;
}

static void real_close(void *arg, int handle)
{
	(void)arg;
	close(handle); /* with EINTR, too, it is closed */
}

static int real_read(void *arg, int file, void *bytes, size_t len, uint64_t offset, size_t *got)
{
	ssize_t n;

	(void)arg;
	if (!offset_fits(offset, len))
		return EINVAL;
	n = AGAIN(pread(file, bytes, len, (off_t)offset));
	if (n < 0)
		return errno;
	*got = (size_t)n;
	return 0;
}

/*
 * Whether a file may be so long. Beyond RLIMIT_FSIZE the system would not just refuse, but send
 * SIGXFSZ, of which a process dies that never heard of it; so it is not asked.
 */
static int check_limit(uint64_t offset, uint64_t len)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return 0;
	return len <= limit.rlim_cur && offset <= limit.rlim_cur - len ? 0 : EFBIG;
}

static int real_write(void *arg, int file, const struct td_disk_part *parts, size_t count,
	uint64_t offset, size_t *put)
{
	struct iovec vectors[TD_DISK_PARTS_MAX];
	uint64_t len = 0;
	ssize_t n;

	(void)arg;
	TD_ASSERT(count <= TD_DISK_PARTS_MAX);
	for (size_t i = 0; i < count; i++) {
		memcpy(&vectors[i].iov_base, &parts[i].at, sizeof(parts[i].at));
		vectors[i].iov_len = parts[i].len;
		len += parts[i].len;
	}
	if (!offset_fits(offset, len))
		return EINVAL;
	if (check_limit(offset, len > 0) != 0) /* one byte: a write that meets it is short */
		return EFBIG;
	n = AGAIN(pwritev(file, vectors, (int)count, (off_t)offset));
	if (n < 0)
		return errno;
	*put = (size_t)n;
	return 0;
}

static int real_sync(void *arg, int file)
{
	(void)arg;
	return ANSWER(fdatasync(file));
}

static int real_allocate(void *arg, int file, uint64_t offset, uint64_t len)
{
	(void)arg;
	if (!offset_fits(offset, len))
		return EINVAL;
	if (check_limit(offset, len) != 0)
		return EFBIG;
	return ANSWER(fallocate(file, 0, (off_t)offset, (off_t)len));
}

static int real_punch(void *arg, int file, uint64_t offset, uint64_t len)
{
	int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	(void)arg;
	if (!offset_fits(offset, len))
		return EINVAL;
	return ANSWER(fallocate(file, mode, (off_t)offset, (off_t)len));
}

static int real_truncate(void *arg, int file, uint64_t bytes)
{
	(void)arg;
	if (!offset_fits(bytes, 0))
		return EINVAL;
	return check_limit(0, bytes) == 0 ? ANSWER(ftruncate(file, (off_t)bytes)) : EFBIG;
}

static int real_size(void *arg, int file, uint64_t *bytes)
{
	struct stat status;
	int code = ANSWER(fstat(file, &status));

	(void)arg;
	if (code == 0)
		*bytes = (uint64_t)status.st_size;
	return code;
}

/* Of the open file description, not of the process: another handle of ours is another, and closing
 * that one does not lose the lock. */
static int real_lock(void *arg, int file)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int code = ANSWER(fcntl(file, F_OFD_SETLK, &lock));

	(void)arg;
	return code == EACCES ? EAGAIN : code;
}

const struct td_disk td_disk_real = {
	.open_dir = real_open_dir,
	.make_dir = real_make_dir,
	.list = real_list,
	.open = real_open,
	.close = real_close,
	.read = real_read,
	.write = real_write,
	.sync = real_sync,
	.sync_dir = real_sync_dir,
	.allocate = real_allocate,
	.punch = real_punch,
	.truncate = real_truncate,
	.size = real_size,
	.rename = real_rename,
	.unlink = real_unlink,
	.lock = real_lock,
	.space = real_space,
	.system = real_system,
};
