#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"

/* --- inodes ------------------------------------------------------------------------------- */

struct inode *sim_inode_new(struct sim_disk *disk, bool is_dir)
{
	struct inode *inode = calloc(1, sizeof(*inode));

	TD_ASSERT(inode != NULL);
	*inode = (struct inode){
		.refs = 1,
		.is_dir = is_dir,
		.lock = -1,
		.index = disk->inodes_count,
	};
	if (disk->inodes_count == disk->inodes_cap) {
		disk->inodes_cap = disk->inodes_cap == 0 ? 16 : disk->inodes_cap * 2;
		disk->inodes = realloc(disk->inodes, disk->inodes_cap * sizeof(struct inode *));
		TD_ASSERT(disk->inodes != NULL);
	}
	disk->inodes[disk->inodes_count++] = inode;
	return inode;
}

struct inode *sim_inode_ref(struct inode *inode)
{
	inode->refs++;
	return inode;
}

void sim_inode_unref(struct sim_disk *disk, struct inode *inode)
{
	if (inode == NULL || --inode->refs > 0)
		return;
	disk->inodes_count--;
	for (size_t i = inode->index; i < disk->inodes_count; i++) {
		disk->inodes[i] = disk->inodes[i + 1];
		disk->inodes[i]->index = i;
	}
	sim_entries_clear(disk, &inode->now);
	sim_entries_clear(disk, &inode->device);
	sim_changes_drop(inode);
	free(inode->changes);
	sim_sectors_free(disk, inode);
	free(inode);
}

/* --- reading ------------------------------------------------------------------------------ */

/* What a read of the sector finds; NULL: the device cannot read it. */
static const uint8_t *sector_read(const struct sector *sector, bool direct)
{
	if (sector == NULL)
		return sim_block_bytes(NULL);
	if (sector->unreadable && !sector->dirty)
		return NULL;
	return sim_block_bytes(direct && !sector->dirty ? sector->device : sector->cached);
}

int sim_file_read(struct sim_disk *disk, const struct inode *file, uint8_t *bytes, size_t len,
	uint64_t offset, bool direct, size_t *got)
{
	uint64_t left = offset < file->size ? file->size - offset : 0;
	size_t want = len < left ? len : (size_t)left, done = 0;

	while (done < want) {
		uint64_t at = offset + done;
		size_t skip = at % SECTOR, n = SECTOR - skip;
		const uint8_t *from = sector_read(sim_sector_find(file, at / SECTOR), direct);

		if (from == NULL)
			break;
		n = n < want - done ? n : want - done;
		memcpy(bytes + done, from + skip, n);
		done += n;
	}
	if (done < want) {
		done = direct ? done / TD_DISK_ALIGN * TD_DISK_ALIGN : done;
		sim_fault_count(disk, SIM_DISK_COUNT_LATENT_READ);
		if (done == 0)
			return EIO;
	}
	*got = done;
	return 0;
}

/* --- writing ------------------------------------------------------------------------------ */

static bool sector_is_clean_zero(const struct sector *sector)
{
	return !sector->dirty && !sector->unreadable && sim_block_is_zero(sector->device) &&
	       sim_block_is_zero(sector->cached);
}

/* The sector is now `block` (the reference is taken): a change, unless it says what is so. */
static void sector_put(
	struct sim_disk *disk, struct inode *file, uint64_t index, struct block *block)
{
	struct sector *sector = sim_sector_make(file, index);

	if (sim_block_is_zero(block) && sector_is_clean_zero(sector)) {
		sim_sector_set_cached(disk, file, sector, block);
		sim_sector_set_device(sector, block);
		return;
	}
	sim_change_add(disk, file, CHANGE_DATA, index, sim_block_ref(block));
	sim_sector_set_cached(disk, file, sector, block);
	sector->dirty = true;
}

/* Bytes of the sector from `skip` on, over what is there. */
static void sector_write(struct sim_disk *disk, struct inode *file, uint64_t index,
	const uint8_t *bytes, size_t skip, size_t n)
{
	uint8_t whole[SECTOR];
	const struct sector *sector = sim_sector_find(file, index);

	memcpy(whole, sim_block_bytes(sector == NULL ? NULL : sector->cached), SECTOR);
	if (bytes != NULL)
		memcpy(whole + skip, bytes, n);
	else
		memset(whole + skip, 0, n);
	sector_put(disk, file, index, sim_block_of(whole));
}

static bool is_full(const struct sim_disk *disk, uint64_t more)
{
	uint64_t capacity = disk->options.capacity_bytes;

	return capacity != 0 && disk->taken + more > capacity / SECTOR;
}

/* How much of it can be written: until space ends, or a bad sector would have to be read first. */
static int writable(const struct sim_disk *disk, const struct inode *file, size_t len,
	uint64_t offset, size_t *most)
{
	uint64_t holes = 0;
	size_t done = 0;

	if (len > 0 && offset >= SIM_DISK_FILE_BYTES_MAX)
		return EFBIG;
	if (len > SIM_DISK_FILE_BYTES_MAX - offset)
		len = (size_t)(SIM_DISK_FILE_BYTES_MAX - offset);
	while (done < len) {
		uint64_t at = offset + done;
		size_t skip = at % SECTOR, n = SECTOR - skip;
		const struct sector *sector = sim_sector_find(file, at / SECTOR);

		n = n < len - done ? n : len - done;
		holes += sector == NULL || sector->cached == NULL;
		if (is_full(disk, holes) || (n < SECTOR && sector_read(sector, false) == NULL)) {
			if (done == 0)
				return is_full(disk, holes) ? ENOSPC : EIO;
			break;
		}
		done += n;
	}
	*most = done;
	return 0;
}

static void grow(struct sim_disk *disk, struct inode *file, uint64_t size)
{
	if (size <= file->size)
		return;
	sim_change_add(disk, file, CHANGE_GROW, size, NULL);
	file->size = size;
}

int sim_file_write(struct sim_disk *disk, struct inode *file, const uint8_t *bytes, size_t len,
	uint64_t offset, size_t *put)
{
	size_t most = 0, n;
	int code = writable(disk, file, len, offset, &most);

	if (code != 0)
		return code;
	grow(disk, file, most > 0 ? offset + most : 0);
	for (size_t done = 0; done < most; done += n) {
		uint64_t at = offset + done;
		size_t skip = at % SECTOR;

		n = SECTOR - skip < most - done ? SECTOR - skip : most - done;
		sector_write(disk, file, at / SECTOR, bytes + done, skip, n);
	}
	*put = most;
	return 0;
}

/* --- space and size ----------------------------------------------------------------------- */

int sim_file_allocate(struct sim_disk *disk, struct inode *file, uint64_t offset, uint64_t len)
{
	uint64_t end = offset + len, first = offset / SECTOR, holes = 0;

	if (end > SIM_DISK_FILE_BYTES_MAX)
		return EFBIG;
	for (uint64_t i = first; i * SECTOR < end; i++) {
		const struct sector *sector = sim_sector_find(file, i);

		holes += sector == NULL || sector->cached == NULL;
	}
	if (is_full(disk, holes))
		return ENOSPC;
	grow(disk, file, end);
	for (uint64_t i = first; i * SECTOR < end; i++)
		if (sim_sector_make(file, i)->cached == NULL)
			sector_put(disk, file, i, sim_block_of(sim_block_bytes(NULL)));
	return 0;
}

void sim_file_punch(struct sim_disk *disk, struct inode *file, uint64_t offset, uint64_t len)
{
	uint64_t left = offset < file->size ? file->size - offset : 0;
	uint64_t end = offset + (len < left ? len : left);

	for (uint64_t at = offset, next; at < end; at = next) {
		uint64_t index = at / SECTOR;
		size_t skip = at % SECTOR;

		next = (index + 1) * SECTOR < end ? (index + 1) * SECTOR : end;
		if (sim_sector_find(file, index) == NULL)
			continue;
		if (skip == 0 && (next % SECTOR == 0 || next == file->size))
			sector_put(disk, file, index, NULL);
		else
			sector_write(disk, file, index, NULL, skip, (size_t)(next - at));
	}
}

/* Reads see zeros from `bytes` on, should the file grow again. */
static void cut_cached(struct sim_disk *disk, struct inode *file, uint64_t bytes)
{
	for (uint64_t i = bytes / SECTOR; i < sim_sectors_end(file); i++) {
		struct sector *sector = sim_sector_find(file, i);
		size_t keep = i == bytes / SECTOR ? bytes % SECTOR : 0;

		if (sector == NULL || (sector_is_clean_zero(sector) && keep > 0))
			continue;
		sim_sector_set_cached(disk, file, sector,
			keep == 0 ? NULL : sim_block_cut(sim_block_ref(sector->cached), keep));
		sector->dirty = true;
	}
}

void sim_file_truncate(struct sim_disk *disk, struct inode *file, uint64_t bytes)
{
	if (bytes < file->size) {
		sim_change_add(disk, file, CHANGE_CUT, bytes, NULL);
		cut_cached(disk, file, bytes);
		file->size = bytes;
	} else {
		grow(disk, file, bytes);
	}
}
