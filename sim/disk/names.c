/*
 * Names: what they are now, what they are on the device, and the moves in between.
 *
 * Moves reach the device one by one, each whole. A later one cannot be there without an earlier one
 * of the same name, or that made its directory, so that whatever subset survives
 * is a tree that could have been.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"

static char *name_copy(const char *name)
{
	char *copy = strdup(name);

	TD_ASSERT(copy != NULL);
	return copy;
}

/* --- entries of one view ------------------------------------------------------------------ */

static struct entry *find(const struct entries *entries, const char *name)
{
	for (size_t i = 0; i < entries->count; i++)
		if (strcmp(entries->all[i].name, name) == 0)
			return &entries->all[i];
	return NULL;
}

struct inode *sim_entries_find(const struct entries *entries, const char *name)
{
	const struct entry *entry = find(entries, name);

	return entry == NULL ? NULL : entry->inode;
}

void sim_entries_set(
	struct sim_disk *disk, struct entries *entries, const char *name, struct inode *inode)
{
	struct entry *entry = find(entries, name);

	sim_inode_ref(inode);
	if (entry != NULL) {
		struct inode *before = entry->inode;

		entry->inode = inode;
		sim_inode_unref(disk, before);
		return;
	}
	if (entries->count == entries->cap) {
		entries->cap = entries->cap == 0 ? 8 : entries->cap * 2;
		entries->all = realloc(entries->all, entries->cap * sizeof(entries->all[0]));
		TD_ASSERT(entries->all != NULL);
	}
	entries->all[entries->count++] = (struct entry){name_copy(name), inode};
}

void sim_entries_remove(struct sim_disk *disk, struct entries *entries, const char *name)
{
	struct entry *entry = find(entries, name);
	struct entry gone;

	if (entry == NULL)
		return;
	gone = *entry;
	*entry = entries->all[--entries->count];
	free(gone.name);
	sim_inode_unref(disk, gone.inode);
}

void sim_entries_clear(struct sim_disk *disk, struct entries *entries)
{
	while (entries->count > 0) {
		struct entry gone = entries->all[--entries->count];

		free(gone.name);
		sim_inode_unref(disk, gone.inode);
	}
	free(entries->all);
	*entries = (struct entries){0};
}

/* --- paths -------------------------------------------------------------------------------- */

struct inode *sim_path_find(const struct sim_disk *disk, const char *path, int *code)
{
	struct inode *at = disk->root;
	char name[256];

	*code = *path == 0 ? ENOENT : 0;
	while (*code == 0 && *(path += strspn(path, "/")) != 0) {
		size_t len = strcspn(path, "/");

		if (!at->is_dir || len >= sizeof(name)) {
			*code = at->is_dir ? ENAMETOOLONG : ENOTDIR;
			break;
		}
		memcpy(name, path, len);
		name[len] = 0;
		path += len;
		if (strcmp(name, ".") == 0)
			continue;
		at = sim_entries_find(&at->now, name);
		if (at == NULL)
			*code = ENOENT;
	}
	return *code == 0 ? at : NULL;
}

/* --- moves -------------------------------------------------------------------------------- */

static void move_add(struct sim_disk *disk, struct inode *inode, struct inode *from,
	const char *from_name, struct inode *to, const char *to_name)
{
	struct move *move;

	if (disk->moves_count == disk->moves_cap) {
		disk->moves_cap = disk->moves_cap == 0 ? 16 : disk->moves_cap * 2;
		disk->moves = realloc(disk->moves, disk->moves_cap * sizeof(disk->moves[0]));
		TD_ASSERT(disk->moves != NULL);
	}
	move = &disk->moves[disk->moves_count++];
	*move = (struct move){
		.inode = sim_inode_ref(inode),
		.from = from == NULL ? NULL : sim_inode_ref(from),
		.to = to == NULL ? NULL : sim_inode_ref(to),
		.from_name = from == NULL ? NULL : name_copy(from_name),
		.to_name = to == NULL ? NULL : name_copy(to_name),
		.from_synced = from == NULL,
		.to_synced = to == NULL,
		.call = disk->changes,
	};
}

void sim_move_fini(struct sim_disk *disk, struct move *move)
{
	sim_inode_unref(disk, move->inode);
	sim_inode_unref(disk, move->from);
	sim_inode_unref(disk, move->to);
	free(move->from_name);
	free(move->to_name);
}

static bool same_name(const struct inode *dir, const char *name, const struct move *move)
{
	if (dir == NULL)
		return false;
	return (dir == move->from && strcmp(name, move->from_name) == 0) ||
	       (dir == move->to && strcmp(name, move->to_name) == 0);
}

/* Not without the earlier one: a name of it is one of the earlier one's. (So all moves of one file
 * follow each other.) */
static bool follows(const struct move *later, const struct move *earlier)
{
	/* Directories moved into each other, in an order that was not, would hang in the air. */
	if (later->inode->is_dir && earlier->inode->is_dir && later->from != NULL &&
		earlier->from != NULL)
		return true;
	return same_name(later->from, later->from_name, earlier) ||
	       same_name(later->to, later->to_name, earlier);
}

bool sim_move_needs(const struct move *later, const struct move *earlier)
{
	bool makes = earlier->from == NULL;

	return follows(later, earlier) || (makes && later->to == earlier->inode);
}

void sim_move_apply(struct sim_disk *disk, const struct move *move)
{
	if (move->from != NULL)
		sim_entries_remove(disk, &move->from->device, move->from_name);
	if (move->to != NULL)
		sim_entries_set(disk, &move->to->device, move->to_name, move->inode);
}

/*
 * A move reaches the device when its directories were synced, and takes along those it follows: the
 * name that it gives cannot be there otherwise. It waits for the directory it is in to have a name.
 */
void sim_names_sync(struct sim_disk *disk, struct inode *dir)
{
	struct move *moves = disk->moves;
	size_t left = 0;

	for (size_t i = disk->moves_count; i-- > 0;) {
		moves[i].from_synced |= moves[i].from == dir;
		moves[i].to_synced |= moves[i].to == dir;
		moves[i].ready |= moves[i].from_synced && moves[i].to_synced;
		for (size_t j = 0; j < i && moves[i].ready; j++)
			moves[j].ready |= follows(&moves[i], &moves[j]);
	}
	for (size_t i = 0; i < disk->moves_count; i++) {
		struct move move = moves[i];
		bool ready = move.ready;

		for (size_t j = 0; j < left && ready; j++)
			ready = !sim_move_needs(&move, &moves[j]);
		if (ready) {
			sim_move_apply(disk, &move);
			sim_move_fini(disk, &move);
		} else {
			moves[left++] = move;
		}
	}
	disk->moves_count = left;
}

/* The names are those on the device. What has no name any more goes. */
void sim_names_settle(struct sim_disk *disk)
{
	for (size_t i = 0; i < disk->inodes_count; i++)
		sim_inode_ref(disk->inodes[i]); /* the list stays as it is while we walk it */
	for (size_t i = 0; i < disk->inodes_count; i++) {
		struct inode *dir = disk->inodes[i];

		dir->gone = false;
		sim_entries_clear(disk, &dir->now);
		for (size_t j = 0; j < dir->device.count; j++)
			sim_entries_set(
				disk, &dir->now, dir->device.all[j].name, dir->device.all[j].inode);
	}
	for (size_t i = disk->inodes_count; i-- > 0;)
		sim_inode_unref(disk, disk->inodes[i]);
}

/* --- the names now ------------------------------------------------------------------------ */

void sim_name_link(struct sim_disk *disk, struct inode *dir, const char *name, struct inode *inode)
{
	move_add(disk, inode, NULL, NULL, dir, name);
	sim_entries_set(disk, &dir->now, name, inode);
}

int sim_name_unlink(struct sim_disk *disk, struct inode *dir, const char *name)
{
	struct inode *inode = sim_entries_find(&dir->now, name);

	if (inode == NULL)
		return ENOENT;
	if (inode->is_dir)
		return EISDIR;
	move_add(disk, inode, dir, name, NULL, NULL);
	sim_entries_remove(disk, &dir->now, name);
	return 0;
}

static bool is_inside(const struct inode *dir, const struct inode *outer)
{
	if (dir == outer)
		return true;
	for (size_t i = 0; i < outer->now.count; i++)
		if (outer->now.all[i].inode->is_dir && is_inside(dir, outer->now.all[i].inode))
			return true;
	return false;
}

static int may_replace(const struct inode *inode, const struct inode *target)
{
	if (target == NULL)
		return 0;
	if (inode->is_dir != target->is_dir)
		return target->is_dir ? EISDIR : ENOTDIR;
	return target->is_dir && target->now.count > 0 ? ENOTEMPTY : 0;
}

int sim_name_rename(struct sim_disk *disk, struct inode *dir, const char *name,
	struct inode *to_dir, const char *to_name)
{
	struct inode *inode = sim_entries_find(&dir->now, name);
	struct inode *target = sim_entries_find(&to_dir->now, to_name);
	int code;

	if (inode == NULL || to_dir->gone)
		return ENOENT;
	if (inode->is_dir && is_inside(to_dir, inode))
		return EINVAL;
	if (target != NULL && target->is_dir && is_inside(dir, target))
		return ENOTEMPTY;
	if (dir == to_dir && strcmp(name, to_name) == 0)
		return 0;
	code = may_replace(inode, target);
	if (code != 0)
		return code;
	if (target != NULL)
		target->gone = true;
	move_add(disk, inode, dir, name, to_dir, to_name);
	sim_entries_set(disk, &to_dir->now, to_name, inode);
	sim_entries_remove(disk, &dir->now, name);
	return 0;
}
