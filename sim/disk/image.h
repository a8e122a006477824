/*
 * Inside the simulated disk: what it is made of. See disk.h for what it does.
 *
 *	disk -- inodes -+- file: sectors (device, cached), changes not synced yet
 *	                '- directory: names on the device, names now
 *	     -- moves: names made, moved and taken away, not synced yet
 *	     -- handles
 *
 * I1  a sector that is not dirty has no change in the list; one that is reads the same from the
 *     cache as by a direct read
 *     (a clean one may differ: a sync lied, failed, or the device decayed)
 * I2  cached bytes behind `size` are zero
 * I3  `size` is what the changes make of `device_size`
 * I4  an inode lives as long as an entry (of either view), a move or a handle refers to it
 *
 * A block's bytes never change once a second sector, or a change, refers to it.
 */
#ifndef SIM_DISK_IMAGE_H
#define SIM_DISK_IMAGE_H

#include "disk.h"

#define SECTOR        TD_DISK_SECTOR
#define CHUNK_SECTORS 64
#define HANDLES_MAX   1024 /* open at once */

struct block {
	unsigned refs;
	uint8_t bytes[SECTOR];
};

struct sector {
	struct block *device, *cached; /* NULL: a hole, reads as zeros */
	bool dirty;
	bool unreadable; /* the device cannot read it */
	bool doomed;     /* during a crash: it will be destroyed */
};

enum change_kind {
	CHANGE_DATA, /* of the sector `at` to `block` */
	CHANGE_GROW, /* to `at` bytes */
	CHANGE_CUT,  /* the same */
};

struct change {
	enum change_kind kind;
	uint64_t at;
	struct block *block;
	uint64_t call; /* that made it: the sectors of one write have the same */
};

struct inode;

struct entry {
	char *name;
	struct inode *inode;
};

struct entries {
	struct entry *all;
	size_t count, cap;
};

struct inode {
	unsigned refs;
	size_t index; /* in disk->inodes; in the order they were made */
	bool is_dir;
	bool gone;                  /* replaced: takes no names, even where it is still open */
	struct entries now, device; /* of a directory */

	uint64_t size, device_size; /* of a file, in bytes */
	struct sector **chunks;
	size_t chunks_count;
	struct change *changes;
	size_t changes_count, changes_cap;
	uint64_t taken; /* sectors that are no holes, as reads see it */
	int lock;       /* the handle that has it; -1: none */
};

/* Made: only `to`. Taken away: only `from`. Moved: both. */
struct move {
	struct inode *inode, *from, *to;
	char *from_name, *to_name;
	bool from_synced, to_synced; /* that side was synced, or there is none */
	bool ready;                  /* to reach the device */
	bool kept;                   /* while it is decided */
	uint64_t call;
};

struct handle {
	struct inode *inode; /* NULL: not open */
	unsigned flags;
	unsigned generation;
};

struct sim_disk {
	struct td_disk table;
	struct sim_disk_options options;
	struct sim_disk_dice dice;

	struct inode *root;
	struct inode **inodes;
	size_t inodes_count, inodes_cap;
	struct move *moves;
	size_t moves_count, moves_cap;
	struct handle handles[HANDLES_MAX];
	size_t handles_next; /* where the search for a free one begins */
	uint64_t taken;      /* sectors, of all files */

	uint64_t calls[SIM_DISK_CALLS + 1];
	uint64_t changes, freeze_at;
	bool frozen;
	struct {
		enum sim_disk_call call;
		uint64_t left; /* until it fails; 0: no plan */
		int code;
		bool ever_after;
	} plan;
};

/* --- blocks and sectors (sector.c) -------------------------------------------------------- */

struct block *sim_block_of(const uint8_t *bytes); /* owned; zeros share one */
struct block *sim_block_ref(struct block *block);
void sim_block_unref(struct block *block);
bool sim_block_is_zero(const struct block *block); /* holes too */
const uint8_t *sim_block_bytes(const struct block *block);
/* The same block with zeros from `keep` on; takes the reference given. */
struct block *sim_block_cut(struct block *block, size_t keep);

struct sector *sim_sector_find(const struct inode *file, uint64_t index); /* NULL: a hole */
struct sector *sim_sector_make(struct inode *file, uint64_t index);
uint64_t sim_sectors_end(const struct inode *file); /* above all that were made */
/* What reads see; counts what is taken. Takes the reference. */
void sim_sector_set_cached(
	struct sim_disk *disk, struct inode *file, struct sector *sector, struct block *block);
/* What the device has; it can be read again. Takes the reference. */
void sim_sector_set_device(struct sector *sector, struct block *block);
void sim_sectors_free(struct sim_disk *disk, struct inode *file);

/* --- files (file.c) ----------------------------------------------------------------------- */

struct inode *sim_inode_new(struct sim_disk *disk, bool is_dir);
struct inode *sim_inode_ref(struct inode *inode);
void sim_inode_unref(struct sim_disk *disk, struct inode *inode);

/* Whether nothing stands between; *got up to a bad sector, if there is one. */
int sim_file_read(struct sim_disk *disk, const struct inode *file, uint8_t *bytes, size_t len,
	uint64_t offset, bool direct, size_t *got);
/* As much as there is space for. */
int sim_file_write(struct sim_disk *disk, struct inode *file, const uint8_t *bytes, size_t len,
	uint64_t offset, size_t *put);
int sim_file_allocate(struct sim_disk *disk, struct inode *file, uint64_t offset, uint64_t len);
void sim_file_punch(struct sim_disk *disk, struct inode *file, uint64_t offset, uint64_t len);
void sim_file_truncate(struct sim_disk *disk, struct inode *file, uint64_t bytes);

/* --- what becomes of changes (change.c) --------------------------------------------------- */

void sim_change_add(struct sim_disk *disk, struct inode *file, enum change_kind kind, uint64_t at,
	struct block *block);
/* To the device. */
void sim_change_apply(struct inode *file, const struct change *change);
/* None is left in the list, and no sector is dirty. */
void sim_changes_drop(struct inode *file);
void sim_file_sync(struct sim_disk *disk, struct inode *file);
void sim_file_sync_failed(struct sim_disk *disk, struct inode *file);
/* Zeros on the device behind its size. */
void sim_file_device_trim(struct inode *file);
/* Reads see the device, where nothing is still to be written. */
void sim_file_evict(struct sim_disk *disk, struct inode *file);
/* Any of the files that hold something; NULL: there is none. */
struct inode *sim_file_any(struct sim_disk *disk);

/* --- names (names.c) ---------------------------------------------------------------------- */

struct inode *sim_entries_find(const struct entries *entries, const char *name);
void sim_entries_set(
	struct sim_disk *disk, struct entries *entries, const char *name, struct inode *inode);
void sim_entries_remove(struct sim_disk *disk, struct entries *entries, const char *name);
void sim_entries_clear(struct sim_disk *disk, struct entries *entries);
/* The directory or file at the end of a path; NULL and *code: there is none. */
struct inode *sim_path_find(const struct sim_disk *disk, const char *path, int *code);
/* Change the names now, and note it. */
void sim_name_link(struct sim_disk *disk, struct inode *dir, const char *name, struct inode *inode);
int sim_name_unlink(struct sim_disk *disk, struct inode *dir, const char *name);
int sim_name_rename(struct sim_disk *disk, struct inode *dir, const char *name,
	struct inode *to_dir, const char *to_name);
void sim_names_sync(struct sim_disk *disk, struct inode *dir);
/* After a crash was decided: the names now are those on the device. */
void sim_names_settle(struct sim_disk *disk);
/* Whether the later one cannot have happened without the earlier one. */
bool sim_move_needs(const struct move *later, const struct move *earlier);
void sim_move_apply(struct sim_disk *disk, const struct move *move);
void sim_move_fini(struct sim_disk *disk, struct move *move);

/* --- faults (fault.c) --------------------------------------------------------------------- */

void sim_fault_count(struct sim_disk *disk, enum sim_disk_count what);
bool sim_fault_chance(struct sim_disk *disk, unsigned in_million);
uint64_t sim_fault_below(struct sim_disk *disk, uint64_t bound);
/* At the door of a call: count it, let it stall, freeze or fail as planned. 0: go on. */
int sim_fault_begin(struct sim_disk *disk, enum sim_disk_call call, bool changes);
/* The same and EIO by dice, for calls that change names or sizes. */
int sim_fault_name(struct sim_disk *disk, enum sim_disk_call call, bool changes);
/* EIO, so often. */
int sim_fault_eio(struct sim_disk *disk, unsigned in_million, enum sim_disk_count what);
/* ENOSPC, although there may be space. */
int sim_fault_no_space(struct sim_disk *disk);
/* Part of a transfer, or all of it. */
size_t sim_fault_short(struct sim_disk *disk, size_t len, bool direct, unsigned in_million,
	enum sim_disk_count what);
/* After a sync that went well. */
void sim_fault_decay(struct sim_disk *disk);

/* --- calls (disk.c, call_dir.c, call_file.c) ---------------------------------------------- */

int sim_handle_new(struct sim_disk *disk, struct inode *inode, unsigned flags, int *number);
/* NULL: dead, or never was one. */
struct handle *sim_handle_find(struct sim_disk *disk, int number);
struct inode *sim_handle_dir(struct sim_disk *disk, int number, int *code);
/* A file that is open as `flags` say. */
struct handle *sim_handle_file(struct sim_disk *disk, int number, unsigned flags, int *code);
void sim_handle_drop(struct sim_disk *disk, struct handle *handle, int number);
/* All of them; plan and freeze are over. */
void sim_handles_drop(struct sim_disk *disk);
/* Into the trace of the world; returns the code. */
int sim_answer(struct sim_disk *disk, const char *call, uint64_t what, uint64_t more, int code);
/* Their part of the table. */
void sim_calls_of_dirs(struct td_disk *table);
void sim_calls_of_files(struct td_disk *table);

#endif
