/*
 * A simulated disk behind `struct td_disk` (sys/disk.h): a piece for worlds, no kind of its own.
 *
 *	             cached                          device
 *	write -----> what reads see  --- sync -----> what a crash leaves
 *	rename ----> the names now   --- sync_dir -> the names then
 *
 * Every file has both views, by 512 B sectors; what was written in between stands in a list, in
 * order. A crash goes through the lists and lets each sector of each write, and each name made,
 * moved or taken away, survive or not. Faults come by plan (the n-th call), by dice, or by hand.
 *
 * All is decided by the seeds given: same calls, same answers. One thread. Memory goes with what was
 * written (zeros and holes cost 24 bytes a sector). A file has at most SIM_DISK_FILE_BYTES_MAX.
 *
 * Harsher than the real ones, on purpose: a new file is not made durable by its own sync; a move
 * between directories needs both synced; a failed sync loses single sectors, not pages; direct
 * transfers must be aligned to TD_DISK_ALIGN; a listing begins anywhere; handle numbers return late.
 * Kinder: a sector is never torn inside, unless `destroys` is asked for; nor does a write that is cut
 * short or fails end inside one (a cache of pages ends it at a page).
 */
#ifndef SIM_DISK_DISK_H
#define SIM_DISK_DISK_H

#include "sys/sys.h"
#include "world.h"

#define SIM_DISK_FROZEN         ESHUTDOWN /* what every call answers from the freeze on */
#define SIM_DISK_FILE_BYTES_MAX (1u << 30)

/* clang-format off */
#define SIM_DISK_CALL_TABLE(X) \
	X(OPEN_DIR) X(MAKE_DIR) X(LIST) X(OPEN) X(READ) X(WRITE) X(SYNC) X(SYNC_DIR) X(ALLOCATE) \
	X(PUNCH) X(TRUNCATE) X(SIZE) X(RENAME) X(UNLINK) X(LOCK) X(SPACE) X(SYSTEM)

/* What must have happened again and again, or nothing was tested. */
#define SIM_DISK_COUNT_TABLE(X) \
	X(PLANNED,      "calls failed by plan") \
	X(READ_EIO,     "reads failed") \
	X(WRITE_EIO,    "writes failed") \
	X(SYNC_EIO,     "syncs failed") \
	X(SYNC_LOST,    "sectors lost by a failed sync") \
	X(SYNC_DIR_EIO, "directory syncs failed") \
	X(NAME_EIO,     "other calls failed") \
	X(NO_SPACE,     "calls without space") \
	X(SHORT_READ,   "reads cut short") \
	X(SHORT_WRITE,  "writes cut short") \
	X(LOCK_HELD,    "locks held by others") \
	X(STALL,        "stalls") \
	X(EVICT,        "caches emptied") \
	X(FLIP,         "bits flipped on the device") \
	X(MISDIRECT,    "writes that went elsewhere") \
	X(LOSE,         "writes that went nowhere") \
	X(LATENT,       "sectors gone bad") \
	X(LATENT_READ,  "reads of a bad sector") \
	X(FROZEN,       "freezes") \
	X(KILL,         "processes killed") \
	X(CRASH,        "crashes") \
	X(KEPT,         "unsynced sectors kept by a crash") \
	X(LOST,         "unsynced sectors lost by a crash") \
	X(TORN,         "writes torn by a crash") \
	X(REORDERED,    "later writes kept without earlier ones") \
	X(SIZE_KEPT,    "unsynced sizes kept") \
	X(SIZE_LOST,    "unsynced sizes lost") \
	X(NAME_KEPT,    "unsynced names kept") \
	X(NAME_LOST,    "unsynced names lost") \
	X(DESTROYED,    "sectors destroyed while rewritten")
/* clang-format on */

enum sim_disk_call {
#define SIM_DISK_CALL(name) SIM_DISK_CALL_##name,
	SIM_DISK_CALL_TABLE(SIM_DISK_CALL)
#undef SIM_DISK_CALL
		SIM_DISK_CALL_ANY, /* in plans */
};
enum { SIM_DISK_CALLS = SIM_DISK_CALL_ANY };

enum sim_disk_count {
#define SIM_DISK_COUNT(name, text) SIM_DISK_COUNT_##name,
	SIM_DISK_COUNT_TABLE(SIM_DISK_COUNT)
#undef SIM_DISK_COUNT
		SIM_DISK_COUNTS
};
/* As a `counters` of struct sim_kind would have them. */
extern const char *const sim_disk_count_names[SIM_DISK_COUNTS];

struct sim_disk;

struct sim_disk_options {
	struct td_rng rng;       /* all dice but those of a crash; all zero: that of seed 0 */
	struct sim_world *world; /* calls are traced there and stalls take its time; NULL: no */
	uint64_t capacity_bytes; /* 0: no end */
	uint64_t *counts;        /* SIM_DISK_COUNTS of them, the caller's, added to; NULL: no */
	bool without_direct;     /* open for direct transfers: EINVAL */
	bool without_allocate;   /* allocate and punch: EOPNOTSUPP */
	bool failed_sync_reverts; /* what it lost is gone from the cache, too, as on btrfs; else reads
				     go on showing it, as on ext4 and xfs */
	enum td_disk_system system;
};

/* All in a million of the calls that can have it; zero: never. */
struct sim_disk_dice {
	unsigned read_eio, write_eio, sync_eio;
	unsigned
		sync_dir_eio; /* names stay to be synced: unlike for a file, the next one may do it */
	unsigned name_eio;    /* open_dir, make_dir, list, open, rename, unlink, truncate ... */
	unsigned no_space;    /* what needs space has none, whatever the capacity */
	unsigned lock_held;   /* by another, this once */
	unsigned short_read, short_write;
	unsigned stall; /* any call, for up to stall_ns_max */
	int64_t stall_ns_max;
	unsigned evict; /* any call: the cache forgets what it need not know */
	/* Damage, once for each sync that says it went well. */
	unsigned flip;      /* a bit of some file on the device */
	unsigned lose;      /* one sector of what was to be written is not */
	unsigned misdirect; /* one lands on another sector, of any file */
	unsigned latent;    /* some sector cannot be read any more, until it is written */
};

struct sim_disk *sim_disk_new(const struct sim_disk_options *options);
void sim_disk_free(struct sim_disk *disk);
/* The table; as long as the disk lives. Paths begin at its root, which is there and empty. */
const struct td_disk *sim_disk_table(const struct sim_disk *disk);

/* --- faults ------------------------------------------------------------------------------- */

/* For a world: each fault not at all, or between seldom and often. With `damage` also what a disk
 * must not do: there a store may lose, but not silently. */
void sim_disk_draw_dice(struct sim_disk_dice *dice, struct td_rng *rng, bool damage);
/* From now on; NULL: none (a new disk has none). */
void sim_disk_set_dice(struct sim_disk *disk, const struct sim_disk_dice *dice);
void sim_disk_set_capacity(struct sim_disk *disk, uint64_t bytes);
/* The n-th such call from now fails with `code`, and with `ever_after` all behind it; n = 0: none.
 * One plan at a time. A sync that fails does so as above. */
void sim_disk_fail_at(
	struct sim_disk *disk, enum sim_disk_call call, uint64_t n, int code, bool ever_after);
/* Calls of that kind so far (ANY: all). Closing is not counted. */
uint64_t sim_disk_calls(const struct sim_disk *disk, enum sim_disk_call call);
/*
 * How many changes were begun so far: writes, syncs, and whatever else makes a difference to a
 * crash. To see every state that one can find, play the same with the disk freezing after 0, 1,
 * 2 ... changes from now: the one behind them, and then every call, answers SIM_DISK_FROZEN, until
 * the crash (or the kill). UINT64_MAX: it does not freeze.
 */
uint64_t sim_disk_changes(const struct sim_disk *disk);
void sim_disk_freeze_after(struct sim_disk *disk, uint64_t changes);
bool sim_disk_is_frozen(const struct sim_disk *disk);
/* Flip a bit of a file, on the device and in what reads see. ENOENT; EINVAL behind its end. */
int sim_disk_flip(struct sim_disk *disk, const char *path, uint64_t bit);
/* Make the sector at that offset unreadable, until it is written. The same. */
int sim_disk_ruin(struct sim_disk *disk, const char *path, uint64_t offset);

/* --- ends --------------------------------------------------------------------------------- */

/* What decides about each unsynced thing. */
struct sim_disk_fate {
	uint64_t seed;
	/* The first decisions, one bit each from the lowest of the first byte on: 1 survives. What
	 * lies behind is drawn from the seed. */
	const uint8_t *picks;
	size_t picks_count;
	/* A sector that held something and was being rewritten may be neither old nor new, but
	 * garbage, or unreadable. */
	bool destroys;
};

/* How many decisions a crash would take now. */
size_t sim_disk_unsynced(const struct sim_disk *disk);
/* Power is cut: handles die, what was not synced is decided, and the device is all that is left.
 * Plan and freeze are over; dice and capacity stay. Dead handles answer EBADF and may be closed. */
void sim_disk_crash(struct sim_disk *disk, const struct sim_disk_fate *fate);
/* The process dies and the machine goes on: handles die, nothing is lost. Plan and freeze as above. */
void sim_disk_kill(struct sim_disk *disk);
/* The cache forgets what it need not know: from now on reads show the device, but for what is
 * still to be written. */
void sim_disk_evict(struct sim_disk *disk);

/* --- images ------------------------------------------------------------------------------- */

/* The same disk again, unsynced things and all; without its open handles, plan and freeze. Both live
 * on one thread. */
struct sim_disk *sim_disk_copy(const struct sim_disk *disk);
/* Copy what is in one directory into another that is there, with all below, synced; either may be
 * on a real disk. So an image is dumped for a look, and a real store loaded. 0 or an errno. */
int sim_disk_copy_tree(const struct td_disk *from, const char *from_path, const struct td_disk *to,
	const char *to_path);
/* A hash of all that a crash would leave if nothing unsynced survived: names and bytes. */
uint64_t sim_disk_hash(const struct sim_disk *disk);

#endif
