/*
 * The calls for directories. One that is to fail by plan or dice fails before it did anything.
 */
#include <errno.h>
#include <string.h>

#include "image.h"

#define UNLIMITED_BYTES (1ull << 40) /* what a disk without end says it has */

/* What a path or name leads to: its directory and the last name; or the directory itself. */
static int locate(
	struct sim_disk *disk, int parent, const char *path, struct inode **in, char name[256])
{
	size_t len = strlen(path), begin;
	char above[4096];
	int code = 0;

	if (parent != TD_DISK_NOWHERE) {
		*in = sim_handle_dir(disk, parent, &code);
		if (code == 0 && !td_disk_name_is_valid(path))
			code = EINVAL;
		if (code == 0)
			memcpy(name, path, len + 1);
		return code;
	}
	while (len > 0 && path[len - 1] == '/')
		len--;
	for (begin = len; begin > 0 && path[begin - 1] != '/';)
		begin--;
	if (begin >= sizeof(above) - 1 || len - begin > 255)
		return ENAMETOOLONG;
	above[0] = '/';
	memcpy(above + 1, path, begin);
	above[1 + begin] = 0;
	memcpy(name, path + begin, len - begin);
	name[len - begin] = 0;
	*in = sim_path_find(disk, above, &code);
	return code != 0 ? code : (*in)->is_dir ? 0 : ENOTDIR;
}

static int open_dir(struct sim_disk *disk, int parent, const char *path, unsigned flags, int *dir)
{
	bool create = (flags & TD_DISK_CREATE) != 0;
	struct inode *in = NULL, *inode;
	char name[256];
	int code = sim_fault_name(disk, SIM_DISK_CALL_OPEN_DIR, create);

	if (code == 0 && *path == 0)
		code = parent == TD_DISK_NOWHERE ? ENOENT : EINVAL;
	if (code == 0)
		code = locate(disk, parent, path, &in, name);
	if (code != 0)
		return code;
	if (name[0] == 0 || strcmp(name, ".") == 0) /* the root, or a path ending in "." */
		return sim_handle_new(disk, in, 0, dir);
	inode = sim_entries_find(&in->now, name);
	if (inode == NULL && (!create || in->gone))
		return ENOENT;
	if (inode != NULL && !inode->is_dir)
		return ENOTDIR;
	if (inode == NULL) {
		code = sim_fault_no_space(disk);
		if (code != 0)
			return code;
		inode = sim_inode_new(disk, true);
		sim_name_link(disk, in, name, inode);
		sim_inode_unref(disk, inode);
	}
	if (create)
		sim_names_sync(disk, in);
	return sim_handle_new(disk, inode, 0, dir);
}

static int sim_open_dir(void *arg, int parent, const char *path, unsigned flags, int *dir)
{
	int code = open_dir(arg, parent, path, flags, dir);

	return sim_answer(arg, "open_dir", flags, 0, code);
}

static int make_dir(struct sim_disk *disk, int dir, const char *name)
{
	struct inode *in, *inode;
	int code = sim_fault_name(disk, SIM_DISK_CALL_MAKE_DIR, true);

	if (code != 0)
		return code;
	in = sim_handle_dir(disk, dir, &code);
	if (code != 0)
		return code;
	if (!td_disk_name_is_valid(name))
		return EINVAL;
	if (sim_entries_find(&in->now, name) != NULL)
		return EEXIST;
	if (in->gone)
		return ENOENT;
	code = sim_fault_no_space(disk);
	if (code != 0)
		return code;
	inode = sim_inode_new(disk, true);
	sim_name_link(disk, in, name, inode);
	sim_inode_unref(disk, inode);
	return 0;
}

static int sim_make_dir(void *arg, int dir, const char *name)
{
	return sim_answer(arg, "make_dir", (uint64_t)dir, 0, make_dir(arg, dir, name));
}

static int sim_list(void *arg, int dir, td_disk_each *each, void *each_arg)
{
	struct sim_disk *disk = arg;
	int code = sim_fault_name(disk, SIM_DISK_CALL_LIST, false);
	const struct inode *in = code == 0 ? sim_handle_dir(disk, dir, &code) : NULL;
	size_t first = code == 0 ? (size_t)sim_fault_below(disk, in->now.count) : 0;

	for (size_t i = 0; code == 0 && i < in->now.count; i++) {
		const struct entry *entry = &in->now.all[(first + i) % in->now.count];
		const struct inode *inode = entry->inode;

		code = each(
			each_arg, &(struct td_disk_entry){
					  .name = entry->name,
					  .kind = inode->is_dir ? TD_DISK_DIRECTORY : TD_DISK_FILE,
					  .bytes = inode->is_dir ? 0 : inode->size,
				  });
	}
	return sim_answer(disk, "list", (uint64_t)dir, 0, code);
}

static int sim_sync_dir(void *arg, int dir)
{
	struct sim_disk *disk = arg;
	int code = sim_fault_begin(disk, SIM_DISK_CALL_SYNC_DIR, true);
	struct inode *in = code == 0 ? sim_handle_dir(disk, dir, &code) : NULL;

	if (code == 0)
		code = sim_fault_eio(disk, disk->dice.sync_dir_eio, SIM_DISK_COUNT_SYNC_DIR_EIO);
	if (code == 0)
		sim_names_sync(disk, in);
	return sim_answer(disk, "sync_dir", (uint64_t)dir, 0, code);
}

static int sim_rename(void *arg, int dir, const char *name, int to_dir, const char *to_name)
{
	struct sim_disk *disk = arg;
	struct inode *from = NULL, *to = NULL;
	int code = sim_fault_name(disk, SIM_DISK_CALL_RENAME, true);

	if (code == 0)
		from = sim_handle_dir(disk, dir, &code);
	if (code == 0)
		to = sim_handle_dir(disk, to_dir, &code);
	if (code == 0 && (!td_disk_name_is_valid(name) || !td_disk_name_is_valid(to_name)))
		code = EINVAL;
	if (code == 0)
		code = sim_fault_no_space(disk);
	if (code == 0)
		code = sim_name_rename(disk, from, name, to, to_name);
	return sim_answer(disk, "rename", (uint64_t)dir, (uint64_t)to_dir, code);
}

static int sim_unlink(void *arg, int dir, const char *name)
{
	struct sim_disk *disk = arg;
	int code = sim_fault_name(disk, SIM_DISK_CALL_UNLINK, true);
	struct inode *in = code == 0 ? sim_handle_dir(disk, dir, &code) : NULL;

	if (code == 0)
		code = td_disk_name_is_valid(name) ? sim_name_unlink(disk, in, name) : EINVAL;
	return sim_answer(disk, "unlink", (uint64_t)dir, 0, code);
}

static int sim_space(void *arg, int dir, struct td_disk_space *space)
{
	struct sim_disk *disk = arg;
	uint64_t taken = disk->taken * SECTOR, total = disk->options.capacity_bytes;
	int code = sim_fault_begin(disk, SIM_DISK_CALL_SPACE, false);

	if (code == 0)
		sim_handle_dir(disk, dir, &code);
	total = total == 0 ? UNLIMITED_BYTES : total;
	if (code == 0)
		*space = (struct td_disk_space){
			.bytes_free = taken < total ? total - taken : 0,
			.bytes_total = total,
		};
	return sim_answer(disk, "space", (uint64_t)dir, taken, code);
}

static int sim_system(void *arg, int dir, enum td_disk_system *system)
{
	struct sim_disk *disk = arg;
	int code = sim_fault_begin(disk, SIM_DISK_CALL_SYSTEM, false);

	if (code == 0)
		sim_handle_dir(disk, dir, &code);
	if (code == 0)
		*system = disk->options.system;
	return sim_answer(disk, "system", (uint64_t)dir, 0, code);
}

void sim_calls_of_dirs(struct td_disk *table)
{
	table->open_dir = sim_open_dir;
	table->make_dir = sim_make_dir;
	table->list = sim_list;
	table->sync_dir = sim_sync_dir;
	table->rename = sim_rename;
	table->unlink = sim_unlink;
	table->space = sim_space;
	table->system = sim_system;
}
