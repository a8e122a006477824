#include <stdlib.h>
#include <string.h>

#include "image.h"

/* Shared by all that are written with zeros; its count is never looked at. */
static struct block zeros = {.refs = 1};

/* --- blocks ------------------------------------------------------------------------------- */

struct block *sim_block_of(const uint8_t *bytes)
{
	struct block *block;

	if (memcmp(bytes, zeros.bytes, SECTOR) == 0)
		return &zeros;
	block = malloc(sizeof(*block));
	TD_ASSERT(block != NULL);
	block->refs = 1;
	memcpy(block->bytes, bytes, SECTOR);
	return block;
}

struct block *sim_block_ref(struct block *block)
{
	if (block != NULL && block != &zeros)
		block->refs++;
	return block;
}

void sim_block_unref(struct block *block)
{
	if (block != NULL && block != &zeros && --block->refs == 0)
		free(block);
}

bool sim_block_is_zero(const struct block *block)
{
	return block == NULL || block == &zeros;
}

const uint8_t *sim_block_bytes(const struct block *block)
{
	return block == NULL ? zeros.bytes : block->bytes;
}

struct block *sim_block_cut(struct block *block, size_t keep)
{
	uint8_t bytes[SECTOR] = {0};
	struct block *cut;

	if (sim_block_is_zero(block))
		return block;
	memcpy(bytes, block->bytes, keep);
	cut = sim_block_of(bytes);
	sim_block_unref(block);
	return cut;
}

/* --- sectors ------------------------------------------------------------------------------ */

struct sector *sim_sector_find(const struct inode *file, uint64_t index)
{
	uint64_t chunk = index / CHUNK_SECTORS;

	if (chunk >= file->chunks_count || file->chunks[chunk] == NULL)
		return NULL;
	return &file->chunks[chunk][index % CHUNK_SECTORS];
}

struct sector *sim_sector_make(struct inode *file, uint64_t index)
{
	size_t chunk = (size_t)(index / CHUNK_SECTORS);

	TD_ASSERT(index < SIM_DISK_FILE_BYTES_MAX / SECTOR);
	if (chunk >= file->chunks_count) {
		size_t before = file->chunks_count, after = before * 2 > 8 ? before * 2 : 8;

		after = after > chunk ? after : chunk + 1;
		file->chunks = realloc(file->chunks, after * sizeof(struct sector *));
		TD_ASSERT(file->chunks != NULL);
		memset(file->chunks + before, 0, (after - before) * sizeof(struct sector *));
		file->chunks_count = after;
	}
	if (file->chunks[chunk] == NULL) {
		file->chunks[chunk] = calloc(CHUNK_SECTORS, sizeof(struct sector));
		TD_ASSERT(file->chunks[chunk] != NULL);
	}
	return &file->chunks[chunk][index % CHUNK_SECTORS];
}

uint64_t sim_sectors_end(const struct inode *file)
{
	return (uint64_t)file->chunks_count * CHUNK_SECTORS;
}

void sim_sector_set_cached(
	struct sim_disk *disk, struct inode *file, struct sector *sector, struct block *block)
{
	if ((sector->cached == NULL) != (block == NULL)) {
		uint64_t by = block != NULL ? 1 : UINT64_MAX; /* one more, or one less */

		file->taken += by;
		disk->taken += by;
	}
	sim_block_unref(sector->cached);
	sector->cached = block;
}

void sim_sector_set_device(struct sector *sector, struct block *block)
{
	sim_block_unref(sector->device);
	sector->device = block;
	sector->unreadable = false;
}

void sim_sectors_free(struct sim_disk *disk, struct inode *file)
{
	for (size_t i = 0; i < file->chunks_count; i++) {
		for (size_t j = 0; file->chunks[i] != NULL && j < CHUNK_SECTORS; j++) {
			sim_sector_set_cached(disk, file, &file->chunks[i][j], NULL);
			sim_sector_set_device(&file->chunks[i][j], NULL);
		}
		free(file->chunks[i]);
	}
	free(file->chunks);
	file->chunks = NULL;
	file->chunks_count = 0;
}
