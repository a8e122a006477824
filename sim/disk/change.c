/*
 * What was written and not synced, and what becomes of it: all of it reaches the device in order,
 * or, when a sync fails, some of it and nothing is left to be written. (What a crash does is in
 * crash.c.)
 */
#include <stdlib.h>

#include "image.h"

void sim_change_add(struct sim_disk *disk, struct inode *file, enum change_kind kind, uint64_t at,
	struct block *block)
{
	if (file->changes_count == file->changes_cap) {
		file->changes_cap = file->changes_cap == 0 ? 16 : file->changes_cap * 2;
		file->changes =
			realloc(file->changes, file->changes_cap * sizeof(file->changes[0]));
		TD_ASSERT(file->changes != NULL);
	}
	file->changes[file->changes_count++] = (struct change){
		.kind = kind,
		.at = at,
		.block = block,
		.call = disk->changes,
	};
}

void sim_file_device_trim(struct inode *file)
{
	uint64_t last = file->device_size / SECTOR;

	for (uint64_t i = last; i < sim_sectors_end(file); i++) {
		struct sector *sector = sim_sector_find(file, i);
		size_t keep = i == last ? file->device_size % SECTOR : 0;

		if (sector == NULL)
			continue;
		if (keep == 0)
			sim_sector_set_device(sector, NULL);
		else if (!sim_block_is_zero(sector->device))
			sim_sector_set_device(
				sector, sim_block_cut(sim_block_ref(sector->device), keep));
	}
}

void sim_change_apply(struct inode *file, const struct change *change)
{
	switch (change->kind) {
	case CHANGE_DATA:
		sim_sector_set_device(
			sim_sector_make(file, change->at), sim_block_ref(change->block));
		break;
	case CHANGE_GROW:
		file->device_size = change->at;
		break;
	case CHANGE_CUT:
		file->device_size = change->at;
		sim_file_device_trim(file);
		break;
	}
}

void sim_changes_drop(struct inode *file)
{
	for (size_t i = 0; i < file->changes_count; i++) {
		struct change *change = &file->changes[i];

		if (change->kind == CHANGE_DATA)
			sim_sector_make(file, change->at)->dirty = false;
		for (uint64_t j = change->at / SECTOR;
			change->kind == CHANGE_CUT && j < sim_sectors_end(file); j++)
			if (sim_sector_find(file, j) != NULL)
				sim_sector_find(file, j)->dirty = false;
		sim_block_unref(change->block);
	}
	file->changes_count = 0;
}

/* --- damage ------------------------------------------------------------------------------- */

struct inode *sim_file_any(struct sim_disk *disk)
{
	size_t first = (size_t)sim_fault_below(disk, disk->inodes_count);

	for (size_t i = 0; i < disk->inodes_count; i++) {
		struct inode *file = disk->inodes[(first + i) % disk->inodes_count];

		if (!file->is_dir && file->device_size > 0)
			return file;
	}
	return NULL;
}

/* A sector's data lands on another one. Who reads the right place from the cache sees nothing. */
static void misdirect(struct sim_disk *disk, struct inode *other, const struct change *change)
{
	sim_sector_set_device(
		sim_sector_make(
			other, sim_fault_below(disk, (other->device_size + SECTOR - 1) / SECTOR)),
		sim_block_ref(change->block));
	sim_fault_count(disk, SIM_DISK_COUNT_MISDIRECT);
}

/* Which of the changes to the data is to be lost; changes_count: none. */
static size_t victim(struct sim_disk *disk, const struct inode *file)
{
	size_t first = (size_t)sim_fault_below(disk, file->changes_count);

	for (size_t i = 0; i < file->changes_count; i++) {
		size_t at = (first + i) % file->changes_count;

		if (file->changes[at].kind == CHANGE_DATA)
			return at;
	}
	return file->changes_count;
}

/* --- synced, or not ----------------------------------------------------------------------- */

void sim_file_sync(struct sim_disk *disk, struct inode *file)
{
	size_t lost = file->changes_count, elsewhere = file->changes_count;
	struct inode *other = NULL;

	if (sim_fault_chance(disk, disk->dice.lose))
		lost = victim(disk, file);
	if (sim_fault_chance(disk, disk->dice.misdirect)) {
		other = sim_file_any(disk);
		elsewhere = victim(disk, file);
	}
	for (size_t i = 0; i < file->changes_count; i++) {
		if (i == lost)
			sim_fault_count(disk, SIM_DISK_COUNT_LOSE);
		else if (i == elsewhere && other != NULL)
			misdirect(disk, other, &file->changes[i]);
		else
			sim_change_apply(file, &file->changes[i]);
	}
	sim_changes_drop(file);
	TD_ASSERT(file->device_size == file->size); /* I3 */
}

/* Each sector reached the device or did not; the file system counts all as written. Sizes are in
 * its own journal and were not touched by the failure. */
void sim_file_sync_failed(struct sim_disk *disk, struct inode *file)
{
	for (size_t i = 0; i < file->changes_count; i++) {
		const struct change *change = &file->changes[i];

		if (change->kind != CHANGE_DATA || sim_fault_below(disk, 2) == 0)
			sim_change_apply(file, change);
		else
			sim_fault_count(disk, SIM_DISK_COUNT_SYNC_LOST);
	}
	sim_changes_drop(file);
	if (disk->options.failed_sync_reverts)
		sim_file_evict(disk, file);
}

void sim_file_evict(struct sim_disk *disk, struct inode *file)
{
	for (size_t i = 0; i < file->chunks_count; i++) {
		for (size_t j = 0; file->chunks[i] != NULL && j < CHUNK_SECTORS; j++) {
			struct sector *sector = &file->chunks[i][j];

			if (!sector->dirty && sector->cached != sector->device)
				sim_sector_set_cached(
					disk, file, sector, sim_block_ref(sector->device));
		}
	}
}
