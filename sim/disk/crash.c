/*
 * What a crash leaves. Moves first, in order, then the changes of each file, in order: for each it
 * is decided whether it survived; those that did are applied to the device; the rest is forgotten,
 * and so is the cache.
 *
 * A move survives only with all that it needs (names.c). Sizes survive in order: file systems keep
 * a journal of them. Sectors survive each on its own.
 */
#include "image.h"

/* How a crash decides; one is drawn for each, so that the extremes come often enough. */
enum manner {
	NOTHING,
	EVERYTHING,
	UP_TO_A_CALL, /* what came before a moment; of the call at that moment, by coin */
	HALF,
	FEW,
	MOST,
	MANNERS,
};

struct judge {
	const struct sim_disk_fate *fate;
	struct td_rng rng;
	size_t next; /* decision */
	enum manner manner;
	uint64_t moment;
};

static uint64_t oldest_call(const struct sim_disk *disk)
{
	uint64_t oldest = disk->changes;

	if (disk->moves_count > 0 && disk->moves[0].call < oldest)
		oldest = disk->moves[0].call;
	for (size_t i = 0; i < disk->inodes_count; i++)
		if (disk->inodes[i]->changes_count > 0 && disk->inodes[i]->changes[0].call < oldest)
			oldest = disk->inodes[i]->changes[0].call;
	return oldest;
}

static struct judge judge_of(const struct sim_disk *disk, const struct sim_disk_fate *fate)
{
	struct judge judge = {.fate = fate};
	uint64_t oldest = oldest_call(disk);

	td_rng_init(&judge.rng, fate->seed);
	judge.manner = (enum manner)td_rng_below(&judge.rng, MANNERS);
	judge.moment = oldest + td_rng_below(&judge.rng, disk->changes - oldest + 1);
	return judge;
}

static bool survives(struct judge *judge, uint64_t call)
{
	size_t at = judge->next++;

	if (at < judge->fate->picks_count)
		return (judge->fate->picks[at / 8] >> at % 8 & 1) != 0;
	switch (judge->manner) {
	case NOTHING:
		return false;
	case EVERYTHING:
		return true;
	case UP_TO_A_CALL:
		return call != judge->moment ? call < judge->moment
					     : td_rng_below(&judge->rng, 2) == 0;
	case FEW:
		return td_rng_below(&judge->rng, 10) == 0;
	case MOST:
		return td_rng_below(&judge->rng, 10) != 0;
	case HALF:
	case MANNERS:
		break;
	}
	return td_rng_below(&judge->rng, 2) == 0;
}

size_t sim_disk_unsynced(const struct sim_disk *disk)
{
	size_t decisions = disk->moves_count;

	for (size_t i = 0; i < disk->inodes_count; i++)
		decisions += disk->inodes[i]->changes_count;
	return decisions;
}

/* --- names -------------------------------------------------------------------------------- */

static void decide_moves(struct sim_disk *disk, struct judge *judge)
{
	for (size_t i = 0; i < disk->moves_count; i++) {
		struct move *move = &disk->moves[i];

		move->kept = survives(judge, move->call);
		for (size_t j = 0; j < i && move->kept; j++)
			move->kept = disk->moves[j].kept || !sim_move_needs(move, &disk->moves[j]);
		if (move->kept)
			sim_move_apply(disk, move);
		sim_fault_count(
			disk, move->kept ? SIM_DISK_COUNT_NAME_KEPT : SIM_DISK_COUNT_NAME_LOST);
	}
	for (size_t i = 0; i < disk->moves_count; i++)
		sim_move_fini(disk, &disk->moves[i]);
	disk->moves_count = 0;
}

/* --- the content of a file ---------------------------------------------------------------- */

/* What was seen of the sectors of one write, and of those before. */
struct tear {
	uint64_t call;
	bool kept, lost; /* of this write */
	bool lost_before, reordered;
};

static void note(struct sim_disk *disk, struct tear *tear, const struct change *change, bool kept)
{
	if (change->call != tear->call) {
		tear->lost_before |= tear->lost;
		tear->kept = tear->lost = false;
		tear->call = change->call;
	}
	if ((kept && tear->lost && !tear->kept) || (!kept && tear->kept && !tear->lost))
		sim_fault_count(disk, SIM_DISK_COUNT_TORN);
	if (kept && tear->lost_before && !tear->reordered) {
		tear->reordered = true;
		sim_fault_count(disk, SIM_DISK_COUNT_REORDERED);
	}
	tear->kept |= kept;
	tear->lost |= !kept;
	sim_fault_count(disk, kept ? SIM_DISK_COUNT_KEPT : SIM_DISK_COUNT_LOST);
}

/* Neither old nor new. */
static void destroy(struct sim_disk *disk, struct judge *judge, struct sector *sector)
{
	uint8_t bytes[SECTOR];

	sector->doomed = false;
	for (size_t i = 0; i < SECTOR; i++)
		bytes[i] = (uint8_t)td_rng_u64(&judge->rng);
	sim_sector_set_device(sector, sim_block_of(bytes));
	sector->unreadable = td_rng_below(&judge->rng, 2) == 0;
	sim_fault_count(disk, SIM_DISK_COUNT_DESTROYED);
}

static void decide_changes(struct sim_disk *disk, struct inode *file, struct judge *judge)
{
	struct tear tear = {.call = UINT64_MAX};
	bool sizes = true;

	for (size_t i = 0; i < file->changes_count; i++) {
		const struct change *change = &file->changes[i];
		bool kept = survives(judge, change->call);

		if (change->kind != CHANGE_DATA) {
			kept = sizes = sizes && kept;
			sim_fault_count(
				disk, kept ? SIM_DISK_COUNT_SIZE_KEPT : SIM_DISK_COUNT_SIZE_LOST);
		} else {
			struct sector *sector = sim_sector_make(file, change->at);

			note(disk, &tear, change, kept);
			sector->doomed |= judge->fate->destroys &&
					  !sim_block_is_zero(sector->device) &&
					  td_rng_below(&judge->rng, 4) == 0;
		}
		if (kept)
			sim_change_apply(file, change);
	}
	for (size_t i = 0; i < file->changes_count && judge->fate->destroys; i++) {
		const struct change *change = &file->changes[i];

		if (change->kind == CHANGE_DATA && sim_sector_find(file, change->at)->doomed)
			destroy(disk, judge, sim_sector_find(file, change->at));
	}
}

/* The device is all there is now. */
static void settle(struct sim_disk *disk, struct inode *file)
{
	sim_changes_drop(file);
	sim_file_device_trim(file);
	file->size = file->device_size;
	sim_file_evict(disk, file);
}

/* --- ends --------------------------------------------------------------------------------- */

void sim_disk_crash(struct sim_disk *disk, const struct sim_disk_fate *fate)
{
	struct judge judge;

	sim_handles_drop(disk);
	judge = judge_of(disk, fate);
	decide_moves(disk, &judge);
	for (size_t i = 0; i < disk->inodes_count; i++) {
		if (disk->inodes[i]->is_dir)
			continue;
		decide_changes(disk, disk->inodes[i], &judge);
		settle(disk, disk->inodes[i]);
	}
	sim_names_settle(disk);
	sim_fault_count(disk, SIM_DISK_COUNT_CRASH);
}

void sim_disk_kill(struct sim_disk *disk)
{
	sim_handles_drop(disk);
	sim_fault_count(disk, SIM_DISK_COUNT_KILL);
}

void sim_disk_evict(struct sim_disk *disk)
{
	for (size_t i = 0; i < disk->inodes_count; i++)
		if (!disk->inodes[i]->is_dir)
			sim_file_evict(disk, disk->inodes[i]);
}
