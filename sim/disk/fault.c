#include <errno.h>
#include <string.h>

#include "image.h"

#define MILLION 1000000

const char *const sim_disk_count_names[SIM_DISK_COUNTS] = {
#define SIM_DISK_COUNT(name, text) text,
	SIM_DISK_COUNT_TABLE(SIM_DISK_COUNT)
#undef SIM_DISK_COUNT
};

/* --- dice --------------------------------------------------------------------------------- */

void sim_fault_count(struct sim_disk *disk, enum sim_disk_count what)
{
	if (disk->options.counts != NULL)
		disk->options.counts[what]++;
}

uint64_t sim_fault_below(struct sim_disk *disk, uint64_t bound)
{
	return td_rng_below(&disk->options.rng, bound);
}

/* Where nothing can happen nothing is thrown: a disk without dice costs none. */
bool sim_fault_chance(struct sim_disk *disk, unsigned in_million)
{
	return in_million > 0 && sim_fault_below(disk, MILLION) < in_million;
}

/* --- at the door of a call ---------------------------------------------------------------- */

/* Mostly short: the time halves as often as a coin falls so, up to twenty times. */
static void stall(struct sim_disk *disk)
{
	int64_t ns;

	if (!sim_fault_chance(disk, disk->dice.stall))
		return;
	ns = (int64_t)sim_fault_below(disk, (uint64_t)disk->dice.stall_ns_max + 1) >>
	     sim_fault_below(disk, 21);
	if (disk->options.world != NULL)
		disk->options.world->now_ns += ns;
	sim_fault_count(disk, SIM_DISK_COUNT_STALL);
}

/* Each in half of the worlds; then in a million calls, from ten to as many as `most`, as often in
 * each power of two between. */
static unsigned draw(struct td_rng *rng, unsigned most)
{
	unsigned rate = most;

	if (td_rng_below(rng, 2) == 0)
		return 0;
	for (uint64_t halve = td_rng_below(rng, 16); halve > 0 && rate >= 20; halve--)
		rate /= 2;
	return rate;
}

void sim_disk_draw_dice(struct sim_disk_dice *dice, struct td_rng *rng, bool damage)
{
	const unsigned seldom = 20000, often = 200000;

	*dice = (struct sim_disk_dice){
		.read_eio = draw(rng, seldom),
		.write_eio = draw(rng, seldom),
		.sync_eio = draw(rng, seldom),
		.sync_dir_eio = draw(rng, seldom),
		.name_eio = draw(rng, seldom),
		.no_space = draw(rng, seldom),
		.lock_held = draw(rng, often),
		.short_read = draw(rng, often),
		.short_write = draw(rng, often),
		.stall = draw(rng, seldom),
		.stall_ns_max = (int64_t)1000000 << td_rng_below(rng, 17), /* 1 ms .. 65 s */
		.evict = draw(rng, seldom),
	};
	if (!damage)
		return;
	dice->flip = draw(rng, often);
	dice->lose = draw(rng, often);
	dice->misdirect = draw(rng, often);
	dice->latent = draw(rng, often);
}

static int planned(struct sim_disk *disk, enum sim_disk_call call)
{
	if (disk->plan.left == 0 ||
		(disk->plan.call != call && disk->plan.call != SIM_DISK_CALL_ANY))
		return 0;
	if (disk->plan.left > 1) {
		disk->plan.left--;
		return 0;
	}
	if (!disk->plan.ever_after)
		disk->plan.left = 0;
	sim_fault_count(disk, SIM_DISK_COUNT_PLANNED);
	return disk->plan.code;
}

int sim_fault_begin(struct sim_disk *disk, enum sim_disk_call call, bool changes)
{
	disk->calls[call]++;
	disk->calls[SIM_DISK_CALL_ANY]++;
	if (disk->frozen)
		return SIM_DISK_FROZEN;
	if (changes) {
		if (disk->changes >= disk->freeze_at) {
			disk->frozen = true;
			sim_fault_count(disk, SIM_DISK_COUNT_FROZEN);
			return SIM_DISK_FROZEN;
		}
		disk->changes++;
	}
	stall(disk);
	if (sim_fault_chance(disk, disk->dice.evict)) {
		sim_disk_evict(disk);
		sim_fault_count(disk, SIM_DISK_COUNT_EVICT);
	}
	return planned(disk, call);
}

int sim_fault_eio(struct sim_disk *disk, unsigned in_million, enum sim_disk_count what)
{
	if (!sim_fault_chance(disk, in_million))
		return 0;
	sim_fault_count(disk, what);
	return EIO;
}

int sim_fault_name(struct sim_disk *disk, enum sim_disk_call call, bool changes)
{
	int code = sim_fault_begin(disk, call, changes);

	return code != 0 ? code : sim_fault_eio(disk, disk->dice.name_eio, SIM_DISK_COUNT_NAME_EIO);
}

int sim_fault_no_space(struct sim_disk *disk)
{
	if (!sim_fault_chance(disk, disk->dice.no_space))
		return 0;
	sim_fault_count(disk, SIM_DISK_COUNT_NO_SPACE);
	return ENOSPC;
}

size_t sim_fault_short(struct sim_disk *disk, size_t len, bool direct, unsigned in_million,
	enum sim_disk_count what)
{
	size_t unit = direct ? TD_DISK_ALIGN : 1;

	if (len <= unit || !sim_fault_chance(disk, in_million))
		return len;
	sim_fault_count(disk, what);
	return (size_t)(1 + sim_fault_below(disk, (len - 1) / unit)) * unit;
}

/* --- decay -------------------------------------------------------------------------------- */

static struct sector *device_sector(struct inode *file, uint64_t offset)
{
	return sim_sector_make(file, offset / SECTOR);
}

static void flip(struct sector *sector, size_t bit)
{
	uint8_t bytes[SECTOR];
	bool unreadable = sector->unreadable;

	memcpy(bytes, sim_block_bytes(sector->device), SECTOR);
	bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	sim_sector_set_device(sector, sim_block_of(bytes));
	sector->unreadable = unreadable;
}

void sim_fault_decay(struct sim_disk *disk)
{
	struct inode *file;
	uint64_t at;

	if (sim_fault_chance(disk, disk->dice.flip) && (file = sim_file_any(disk)) != NULL) {
		at = sim_fault_below(disk, file->device_size);
		flip(device_sector(file, at), (size_t)(at % SECTOR * 8 + sim_fault_below(disk, 8)));
		sim_fault_count(disk, SIM_DISK_COUNT_FLIP);
	}
	if (sim_fault_chance(disk, disk->dice.latent) && (file = sim_file_any(disk)) != NULL) {
		device_sector(file, sim_fault_below(disk, file->device_size))->unreadable = true;
		sim_fault_count(disk, SIM_DISK_COUNT_LATENT);
	}
}

/* --- by hand ------------------------------------------------------------------------------ */

void sim_disk_set_dice(struct sim_disk *disk, const struct sim_disk_dice *dice)
{
	disk->dice = dice == NULL ? (struct sim_disk_dice){0} : *dice;
}

void sim_disk_set_capacity(struct sim_disk *disk, uint64_t bytes)
{
	disk->options.capacity_bytes = bytes;
}

void sim_disk_fail_at(
	struct sim_disk *disk, enum sim_disk_call call, uint64_t n, int code, bool ever_after)
{
	TD_ASSERT(n == 0 || code > 0);
	disk->plan.call = call;
	disk->plan.left = n;
	disk->plan.code = code;
	disk->plan.ever_after = ever_after;
}

uint64_t sim_disk_calls(const struct sim_disk *disk, enum sim_disk_call call)
{
	return disk->calls[call];
}

uint64_t sim_disk_changes(const struct sim_disk *disk)
{
	return disk->changes;
}

void sim_disk_freeze_after(struct sim_disk *disk, uint64_t changes)
{
	disk->freeze_at =
		changes > UINT64_MAX - disk->changes ? UINT64_MAX : disk->changes + changes;
}

/* The sector of a file at that offset. */
static int sector_by_hand(const struct sim_disk *disk, const char *path, uint64_t offset,
	struct inode **file, struct sector **sector)
{
	int code = 0;

	*file = sim_path_find(disk, path, &code);
	if (code != 0)
		return code;
	if ((*file)->is_dir)
		return EISDIR;
	if (offset >= (*file)->device_size)
		return EINVAL;
	*sector = device_sector(*file, offset);
	return 0;
}

int sim_disk_flip(struct sim_disk *disk, const char *path, uint64_t bit)
{
	struct sector *sector = NULL;
	struct inode *file = NULL;
	int code = sector_by_hand(disk, path, bit / 8, &file, &sector);
	bool same;

	if (code != 0)
		return code;
	same = !sector->dirty && memcmp(sim_block_bytes(sector->cached),
					 sim_block_bytes(sector->device), SECTOR) == 0;
	flip(sector, (size_t)(bit % ((uint64_t)SECTOR * 8)));
	if (same)
		sim_sector_set_cached(disk, file, sector, sim_block_ref(sector->device));
	return 0;
}

int sim_disk_ruin(struct sim_disk *disk, const char *path, uint64_t offset)
{
	struct sector *sector = NULL;
	struct inode *file = NULL;
	int code = sector_by_hand(disk, path, offset, &file, &sector);

	if (code == 0)
		sector->unreadable = true;
	return code;
}
