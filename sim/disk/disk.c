#include "disk.h"

#include <errno.h>
#include <stdlib.h>

#include "image.h"

/* --- handles ------------------------------------------------------------------------------ */

/* A number is its place in the table and how often that was used before. */
int sim_handle_new(struct sim_disk *disk, struct inode *inode, unsigned flags, int *number)
{
	for (size_t i = 0; i < HANDLES_MAX; i++) {
		size_t at = (disk->handles_next + i) % HANDLES_MAX;
		struct handle *handle = &disk->handles[at];

		if (handle->inode != NULL)
			continue;
		handle->inode = sim_inode_ref(inode);
		handle->flags = flags;
		handle->generation = (handle->generation + 1) % (INT32_MAX / HANDLES_MAX);
		disk->handles_next = at + 1;
		*number = (int)(handle->generation * HANDLES_MAX + at);
		return 0;
	}
	return EMFILE;
}

struct handle *sim_handle_find(struct sim_disk *disk, int number)
{
	struct handle *handle;

	if (number < 0)
		return NULL;
	handle = &disk->handles[number % HANDLES_MAX];
	if (handle->inode == NULL || handle->generation != (unsigned)number / HANDLES_MAX)
		return NULL;
	return handle;
}

struct inode *sim_handle_dir(struct sim_disk *disk, int number, int *code)
{
	const struct handle *handle = sim_handle_find(disk, number);

	*code = handle == NULL ? EBADF : handle->inode->is_dir ? 0 : ENOTDIR;
	return *code == 0 ? handle->inode : NULL;
}

struct handle *sim_handle_file(struct sim_disk *disk, int number, unsigned flags, int *code)
{
	struct handle *handle = sim_handle_find(disk, number);

	if (handle == NULL || (handle->flags & flags) != flags)
		*code = EBADF;
	else
		*code = handle->inode->is_dir ? EISDIR : 0;
	return *code == 0 ? handle : NULL;
}

void sim_handle_drop(struct sim_disk *disk, struct handle *handle, int number)
{
	struct inode *inode = handle->inode;

	if (inode->lock == number)
		inode->lock = -1;
	handle->inode = NULL;
	sim_inode_unref(disk, inode);
}

void sim_handles_drop(struct sim_disk *disk)
{
	for (size_t i = 0; i < HANDLES_MAX; i++) {
		struct handle *handle = &disk->handles[i];

		if (handle->inode != NULL)
			sim_handle_drop(disk, handle, (int)(handle->generation * HANDLES_MAX + i));
	}
	disk->plan.left = 0;
	disk->frozen = false;
	disk->freeze_at = UINT64_MAX;
}

bool sim_disk_is_frozen(const struct sim_disk *disk)
{
	return disk->frozen;
}

int sim_answer(struct sim_disk *disk, const char *call, uint64_t what, uint64_t more, int code)
{
	if (disk->options.world != NULL)
		sim_trace(disk->options.world, call, (const uint64_t[]){what, more, (uint64_t)code},
			3);
	return code;
}

/* --- the disk ----------------------------------------------------------------------------- */

struct sim_disk *sim_disk_new(const struct sim_disk_options *options)
{
	struct sim_disk *disk = calloc(1, sizeof(*disk));

	TD_ASSERT(disk != NULL);
	disk->options = *options;
	if ((options->rng.s[0] | options->rng.s[1] | options->rng.s[2] | options->rng.s[3]) == 0)
		td_rng_init(&disk->options.rng, 0); /* of zeros only zeros would come, for ever */
	disk->freeze_at = UINT64_MAX;
	disk->table.arg = disk;
	sim_calls_of_dirs(&disk->table);
	sim_calls_of_files(&disk->table);
	disk->root = sim_inode_new(disk, true);
	return disk;
}

void sim_disk_free(struct sim_disk *disk)
{
	if (disk == NULL)
		return;
	sim_handles_drop(disk);
	for (size_t i = 0; i < disk->moves_count; i++)
		sim_move_fini(disk, &disk->moves[i]);
	free(disk->moves);
	/* The two views of two directories may refer to each other in a circle: cut it. */
	for (size_t i = 0; i < disk->inodes_count; i++)
		sim_inode_ref(disk->inodes[i]);
	for (size_t i = 0; i < disk->inodes_count; i++) {
		sim_entries_clear(disk, &disk->inodes[i]->now);
		sim_entries_clear(disk, &disk->inodes[i]->device);
	}
	sim_inode_unref(disk, disk->root);
	for (size_t i = disk->inodes_count; i-- > 0;)
		sim_inode_unref(disk, disk->inodes[i]);
	TD_ASSERT(disk->inodes_count == 0 && disk->taken == 0); /* I4 */
	free(disk->inodes);
	free(disk);
}

const struct td_disk *sim_disk_table(const struct sim_disk *disk)
{
	return &disk->table;
}
