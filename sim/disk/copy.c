#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"

#define COPY_BYTES (1u << 20) /* at once */

/* --- the same disk again ------------------------------------------------------------------ */

static void *duplicate(const void *bytes, size_t len)
{
	void *copy;

	if (len == 0)
		return NULL;
	copy = malloc(len);
	TD_ASSERT(copy != NULL);
	memcpy(copy, bytes, len);
	return copy;
}

static void copy_sectors(struct inode *copy, const struct inode *file)
{
	copy->chunks = duplicate(file->chunks, file->chunks_count * sizeof(struct sector *));
	for (size_t i = 0; i < file->chunks_count; i++) {
		if (file->chunks[i] == NULL)
			continue;
		copy->chunks[i] = duplicate(file->chunks[i], CHUNK_SECTORS * sizeof(struct sector));
		for (size_t j = 0; j < CHUNK_SECTORS; j++) {
			sim_block_ref(copy->chunks[i][j].device);
			sim_block_ref(copy->chunks[i][j].cached);
		}
	}
	copy->changes = duplicate(file->changes, file->changes_count * sizeof(struct change));
	copy->changes_cap = file->changes_count;
	for (size_t i = 0; i < copy->changes_count; i++)
		sim_block_ref(copy->changes[i].block);
}

static void copy_entries(struct sim_disk *copy, struct entries *to, const struct entries *entries)
{
	*to = (struct entries){0};
	for (size_t i = 0; i < entries->count; i++)
		sim_entries_set(
			copy, to, entries->all[i].name, copy->inodes[entries->all[i].inode->index]);
}

static void copy_moves(struct sim_disk *copy, const struct sim_disk *disk)
{
	copy->moves = duplicate(disk->moves, disk->moves_count * sizeof(struct move));
	copy->moves_count = copy->moves_cap = disk->moves_count;
	for (size_t i = 0; i < copy->moves_count; i++) {
		struct move *move = &copy->moves[i];

		move->inode = sim_inode_ref(copy->inodes[move->inode->index]);
		if (move->from != NULL) {
			move->from = sim_inode_ref(copy->inodes[move->from->index]);
			move->from_name = duplicate(move->from_name, strlen(move->from_name) + 1);
		}
		if (move->to != NULL) {
			move->to = sim_inode_ref(copy->inodes[move->to->index]);
			move->to_name = duplicate(move->to_name, strlen(move->to_name) + 1);
		}
	}
}

/* Inodes first, each held by us, then what refers to them. */
struct sim_disk *sim_disk_copy(const struct sim_disk *disk)
{
	struct sim_disk *copy = sim_disk_new(&disk->options);

	copy->dice = disk->dice;
	copy->changes = disk->changes;
	copy->taken = disk->taken;
	memcpy(copy->calls, disk->calls, sizeof(copy->calls));
	sim_inode_unref(copy, copy->root);
	for (size_t i = 0; i < disk->inodes_count; i++) {
		struct inode *inode = sim_inode_new(copy, disk->inodes[i]->is_dir);

		*inode = *disk->inodes[i];
		inode->refs = 1;
		inode->lock = -1;
		copy_sectors(inode, disk->inodes[i]);
	}
	copy->root = sim_inode_ref(copy->inodes[disk->root->index]);
	for (size_t i = 0; i < disk->inodes_count; i++) {
		copy_entries(copy, &copy->inodes[i]->now, &disk->inodes[i]->now);
		copy_entries(copy, &copy->inodes[i]->device, &disk->inodes[i]->device);
	}
	copy_moves(copy, disk);
	for (size_t i = copy->inodes_count; i-- > 0;)
		sim_inode_unref(copy, copy->inodes[i]);
	return copy;
}

/* --- from disk to disk -------------------------------------------------------------------- */

struct tree_copy {
	const struct td_disk *from, *to;
	int from_dir, to_dir;
	char *buffer;
};

static int copy_bytes(const struct tree_copy *tree, int from, int to)
{
	uint64_t offset = 0, size = 0;
	size_t got = 0;
	int code = td_disk_size(tree->from, from, &size);

	while (code == 0 && offset < size) {
		code = td_disk_read_all(tree->from, from, tree->buffer, COPY_BYTES, offset, &got);
		if (code == 0 && got == 0)
			code = EIO;
		if (code == 0)
			code = td_disk_write_all(tree->to, to, tree->buffer, got, offset);
		offset += got;
	}
	return code != 0 ? code : td_disk_sync(tree->to, to);
}

static int copy_file(const struct tree_copy *tree, const char *name)
{
	const unsigned flags = TD_DISK_WRITE | TD_DISK_CREATE | TD_DISK_EXCLUSIVE;
	int from = -1, to = -1;
	int code = td_disk_open(tree->from, tree->from_dir, name, TD_DISK_READ, &from);

	if (code == 0)
		code = td_disk_open(tree->to, tree->to_dir, name, flags, &to);
	if (code == 0)
		code = copy_bytes(tree, from, to);
	td_disk_close(tree->from, from);
	td_disk_close(tree->to, to);
	return code;
}

static int copy_dir(const struct tree_copy *tree);

static int copy_entry(void *arg, const struct td_disk_entry *entry)
{
	const struct tree_copy *tree = arg;
	struct tree_copy below = *tree;
	int code;

	if (entry->kind == TD_DISK_FILE)
		return copy_file(tree, entry->name);
	if (entry->kind != TD_DISK_DIRECTORY)
		return EINVAL;
	below.from_dir = below.to_dir = -1;
	code = td_disk_open_dir(tree->from, tree->from_dir, entry->name, 0, &below.from_dir);
	if (code == 0)
		code = td_disk_open_dir(
			tree->to, tree->to_dir, entry->name, TD_DISK_CREATE, &below.to_dir);
	if (code == 0)
		code = copy_dir(&below);
	td_disk_close(tree->from, below.from_dir);
	td_disk_close(tree->to, below.to_dir);
	return code;
}

/* As deep as the directories are: what a store makes, not what a stranger does. */
static int copy_dir(const struct tree_copy *tree) /* NOLINT(misc-no-recursion) */
{
	struct tree_copy own = *tree;
	int code = td_disk_list(tree->from, tree->from_dir, copy_entry, &own);

	return code != 0 ? code : td_disk_sync_dir(tree->to, tree->to_dir);
}

int sim_disk_copy_tree(const struct td_disk *from, const char *from_path, const struct td_disk *to,
	const char *to_path)
{
	struct tree_copy tree = {.from = from, .to = to, .from_dir = -1, .to_dir = -1};
	int code = td_disk_open_dir(from, TD_DISK_NOWHERE, from_path, 0, &tree.from_dir);

	tree.buffer = malloc(COPY_BYTES);
	TD_ASSERT(tree.buffer != NULL);
	if (code == 0)
		code = td_disk_open_dir(to, TD_DISK_NOWHERE, to_path, 0, &tree.to_dir);
	if (code == 0)
		code = copy_dir(&tree);
	td_disk_close(from, tree.from_dir);
	td_disk_close(to, tree.to_dir);
	free(tree.buffer);
	return code;
}

/* --- a hash ------------------------------------------------------------------------------- */

/* Without order: names are hashed with what they name, and summed. */
static uint64_t hash_of(const struct inode *inode) /* NOLINT(misc-no-recursion) */
{
	uint64_t hash = td_hash_u64(inode->is_dir ? 1 : inode->device_size + 2);

	for (size_t i = 0; i < inode->device.count; i++) {
		const struct entry *entry = &inode->device.all[i];

		hash += td_hash(entry->name, strlen(entry->name), hash_of(entry->inode));
	}
	for (uint64_t i = 0; i < sim_sectors_end(inode) && i * SECTOR < inode->device_size; i++) {
		const struct sector *sector = sim_sector_find(inode, i);

		if (sector == NULL || (sim_block_is_zero(sector->device) && !sector->unreadable))
			continue;
		hash += td_hash(sim_block_bytes(sector->device), SECTOR,
			i * 2 + (sector->unreadable ? 1 : 0));
	}
	return td_hash_u64(hash);
}

uint64_t sim_disk_hash(const struct sim_disk *disk)
{
	return hash_of(disk->root);
}
