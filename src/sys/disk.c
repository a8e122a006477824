#include "sys/disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

#define NAME_BYTES_MAX 255

bool td_disk_name_is_valid(const char *name)
{
	size_t len = strnlen(name, NAME_BYTES_MAX + 1);

	return len > 0 && len <= NAME_BYTES_MAX && strchr(name, '/') == NULL &&
	       strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

bool td_disk_flags_are_valid(unsigned flags)
{
	const unsigned every =
		TD_DISK_READ | TD_DISK_WRITE | TD_DISK_CREATE | TD_DISK_EXCLUSIVE | TD_DISK_DIRECT;
	bool create = (flags & TD_DISK_CREATE) != 0, write = (flags & TD_DISK_WRITE) != 0;

	if ((flags & ~every) != 0 || (flags & (TD_DISK_READ | TD_DISK_WRITE)) == 0)
		return false;
	return create ? write : (flags & TD_DISK_EXCLUSIVE) == 0;
}

int td_disk_code(int sys_errno)
{
	switch (sys_errno) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG: /* the process may have no larger file: as good as full */
		return TD_E_DISK_FULL;
	case ENOMEM:
		return TD_E_NOMEM;
	case EIO:
	case EROFS:
	case ENXIO:
	case ENODEV:
		return TD_E_DISK;
	default:
		return TD_E_SYSTEM;
	}
}

const char *td_disk_system_name(enum td_disk_system system)
{
	static const char *const names[] = {
		[TD_DISK_EXT4] = "ext4",
		[TD_DISK_XFS] = "xfs",
		[TD_DISK_BTRFS] = "btrfs",
		[TD_DISK_OTHER_LOCAL] = "other",
		[TD_DISK_OVERLAY] = "overlay",
		[TD_DISK_TMPFS] = "tmpfs",
		[TD_DISK_FUSE] = "fuse",
		[TD_DISK_NETWORK] = "network",
	};

	return names[system];
}

/* --- whole transfers ---------------------------------------------------------------------- */

/* A short read may be the end of the file. That is asked of the size: one more read would begin
 * where the file ends, and a direct one may not begin there. */
int td_disk_read_all(
	const struct td_disk *disk, int file, void *bytes, size_t len, uint64_t offset, size_t *got)
{
	size_t done = 0, n = 0;
	uint64_t size;
	int code;

	while (done < len) {
		code = td_disk_read(
			disk, file, (char *)bytes + done, len - done, offset + done, &n);
		if (code != 0)
			return code;
		done += n;
		if (n == 0 || done == len)
			break;
		code = td_disk_size(disk, file, &size);
		if (code != 0)
			return code;
		if (offset + done >= size)
			break;
	}
	*got = done;
	return 0;
}

int td_disk_write_all(
	const struct td_disk *disk, int file, const void *bytes, size_t len, uint64_t offset)
{
	const struct td_disk_part part = {bytes, len};

	return td_disk_write_parts_all(disk, file, &part, 1, offset);
}

/* Take `n` bytes off the beginning of the parts; how many parts are done with. */
static size_t advance(struct td_disk_part *parts, size_t count, size_t n)
{
	size_t i = 0;

	while (i < count && n >= parts[i].len)
		n -= parts[i++].len;
	TD_ASSERT(i < count || n == 0); /* it cannot have written more than there is */
	if (i < count)
		parts[i] = (struct td_disk_part){
			(const char *)parts[i].at + n,
			parts[i].len - n,
		};
	return i;
}

int td_disk_write_parts_all(const struct td_disk *disk, int file, const struct td_disk_part *parts,
	size_t count, uint64_t offset)
{
	struct td_disk_part left[TD_DISK_PARTS_MAX];
	size_t first, n;
	int code;

	TD_ASSERT(count <= TD_DISK_PARTS_MAX);
	if (count > 0)
		memcpy(left, parts, count * sizeof(parts[0]));
	first = advance(left, count, 0); /* empty ones in front */
	while (first < count) {
		n = 0;
		code = td_disk_write_parts(disk, file, left + first, count - first, offset, &n);
		if (code != 0)
			return code;
		if (n == 0)
			return EIO;
		offset += n;
		first += advance(left + first, count - first, n);
	}
	return 0;
}

/* --- memory for direct transfers ---------------------------------------------------------- */

void *td_disk_buffer_new(size_t len)
{
	size_t whole = len == 0 ? 1 : len;

	if (whole > SIZE_MAX / 2)
		return NULL;
	whole = (whole + TD_DISK_ALIGN - 1) / TD_DISK_ALIGN * TD_DISK_ALIGN;
	return aligned_alloc(TD_DISK_ALIGN, whole);
}

void td_disk_buffer_free(void *buffer)
{
	free(buffer);
}
