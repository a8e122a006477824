/*
 * The spare: the next segment, prepared while the present one fills.
 *
 *	spare.tmp   space reserved (here a full disk shows), really zeroed, synced
 *	spare       the same under its name: complete, since the name was given last
 *
 * A roll reserves the space of the spare after it at once. So when there is none, what has just
 * become the active segment is whole: it is kept for appends marked `reserved` until a spare can
 * be had again.
 */
#include <errno.h>
#include <stdlib.h>

#include "journal/fault.h"
#include "journal/inside.h"

#define ZEROS_BYTES ((size_t)64 << 10)
static const uint8_t zeros[ZEROS_BYTES];

#define PART   8u /* of the journal, a segment is at most one in so many */
#define FRAMES 4u /* and has room for so many like those of late */

/* All segments there are, as files. */
static uint64_t segments_bytes(struct td_journal *journal)
{
	uint64_t sum = 0;

	td_mutex_lock(&journal->mutex);
	for (size_t i = 0; i < journal->table.count; i++)
		sum += journal->table.at[i]->bytes;
	td_mutex_unlock(&journal->mutex);
	return sum;
}

/*
 * Segments begin small. They double while a segment is no more than an eighth of the journal, so
 * that the one that fills and its spare stay small beside what is stored, however often that is
 * overwritten; and they have room for some frames like those of late.
 */
uint64_t td_spare_usual_bytes(struct td_journal *journal)
{
	uint64_t max = journal->options.segment_bytes_max;
	uint64_t bytes = journal->options.segment_bytes_first;
	uint64_t all = segments_bytes(journal);
	uint64_t frames = td_segment_bytes_for(journal, FRAMES * journal->frame_like);

	while (bytes < max && bytes * 2 * PART <= all)
		bytes *= 2;
	if (bytes < frames)
		bytes = frames;
	return bytes < max ? bytes : max;
}

void td_spare_want(struct td_journal *journal, size_t frame_bytes)
{
	uint64_t wanted = td_segment_bytes_for(journal, frame_bytes);

	journal->spare.waited_for = true;
	if (journal->spare.wanted < wanted)
		journal->spare.wanted = wanted;
}

bool td_spare_serves(const struct td_journal *journal, size_t frame_bytes)
{
	return journal->spare.ready &&
	       journal->spare.bytes >= td_segment_bytes_for(journal, frame_bytes);
}

bool td_spare_due(const struct td_journal *journal, int64_t now_ms)
{
	const struct td_spare *spare = &journal->spare;

	if (journal->works[td_work_index(TD_WORK_SPARE)].out)
		return false;
	if (journal->flight.full && journal->flight.roll.next != NULL && !journal->flight.written)
		return false; /* it makes off with the one there is */
	if (journal->building.begun && journal->building.rolls)
		return false;
	return (!spare->ready || spare->bytes < spare->wanted) && now_ms >= spare->retry_ms;
}

void td_spare_begin(struct td_journal *journal)
{
	struct td_spare *spare = &journal->spare;
	uint64_t bytes = spare->usual != 0 ? spare->usual : td_spare_usual_bytes(journal);

	if (bytes < spare->wanted)
		bytes = spare->wanted;
	td_segment_free(spare->segment);
	td_file_unref(spare->file);
	spare->segment = NULL;
	spare->file = NULL;
	spare->ready = false;
	spare->bytes = bytes;
}

/* --- any thread --------------------------------------------------------------------------- */

int td_disk_zero(const struct td_disk *disk, int file, uint64_t from, uint64_t to)
{
	struct td_disk_part parts[TD_DISK_PARTS_MAX];

	while (from < to) {
		uint64_t left = to - from, len = 0;
		size_t count = 0;
		int code;

		for (; count < TD_DISK_PARTS_MAX && len < left; count++) {
			parts[count].at = zeros;
			parts[count].len =
				left - len < ZEROS_BYTES ? (size_t)(left - len) : ZEROS_BYTES;
			len += parts[count].len;
		}
		code = td_disk_write_parts_all(disk, file, parts, count, from);
		if (code != 0)
			return code;
		from += len;
	}
	return 0;
}

/* `spare.tmp` of this size, with its space. */
int td_spare_allocate(struct td_journal *journal, uint64_t bytes, int *file)
{
	const struct td_disk *disk = journal->disk;
	int code = td_disk_open(disk, journal->dir, TD_SPARE_TMP_NAME,
		TD_DISK_READ | TD_DISK_WRITE | TD_DISK_CREATE, file);

	if (code != 0)
		return code;
	code = td_disk_truncate(disk, *file, 0);
	if (code == 0)
		code = td_disk_allocate(disk, *file, 0, bytes);
	if (code == EOPNOTSUPP)
		code = 0;
	if (code != 0) {
		td_disk_close(disk, *file);
		td_disk_unlink(disk, journal->dir, TD_SPARE_TMP_NAME);
		*file = -1;
	}
	return code;
}

int td_spare_make(struct td_journal *journal, uint64_t bytes, int *file)
{
	const struct td_disk *disk = journal->disk;
	int code = td_spare_allocate(journal, bytes, file);

	if (code != 0)
		return code;
	code = td_disk_zero(disk, *file, 0, bytes);
	if (code == 0)
		code = td_disk_sync(disk, *file);
	if (code == 0)
		code = td_disk_rename(
			disk, journal->dir, TD_SPARE_TMP_NAME, journal->dir, TD_SPARE_NAME);
	if (code == 0)
		code = td_disk_sync_dir(disk, journal->dir);
	if (code != 0) {
		td_disk_close(disk, *file);
		td_disk_unlink(disk, journal->dir, TD_SPARE_TMP_NAME);
		*file = -1;
	}
	return code;
}

void td_spare_run(struct td_work *work)
{
	struct td_journal *journal = work->journal;
	struct td_spare *spare = &journal->spare;
	int file = -1, code = td_spare_make(journal, spare->bytes, &file);

	if (code != 0) {
		work->code = td_fault(&work->err, code, "journal %s: spare segment of %llu bytes",
			journal->path, (unsigned long long)spare->bytes);
		return;
	}
	work->code = td_spare_take(journal, file, spare->bytes, &work->err);
}

/* What a roll needs, so that it needs no memory. */
int td_spare_take(struct td_journal *journal, int handle, uint64_t bytes, struct td_error *err)
{
	struct td_spare *spare = &journal->spare;
	struct td_file *file = td_file_new(journal->disk, handle, bytes);
	struct td_segment *segment = calloc(1, sizeof(*segment));

	if (file == NULL || segment == NULL) {
		if (file != NULL)
			td_file_unref(file);
		else
			td_disk_close(journal->disk, handle);
		free(segment);
		return td_error_nomem(err);
	}
	spare->file = file;
	spare->segment = segment;
	spare->bytes = bytes;
	return 0;
}

/* --- the owner ---------------------------------------------------------------------------- */

int td_spare_landed(struct td_journal *journal, int code, struct td_error *err)
{
	struct td_spare *spare = &journal->spare;

	if (code == 0) {
		td_mutex_lock(&journal->mutex);
		code = td_table_reserve(&journal->table, err);
		td_mutex_unlock(&journal->mutex);
	}
	if (code != 0) {
		spare->retry_ms =
			td_clock_monotonic(journal->options.clock) / 1000000 + TD_RETRY_MS;
		journal->disk_full = journal->disk_full || code == TD_E_DISK_FULL;
		return code;
	}
	spare->segment->number = journal->number_next++;
	journal->options.random->fill(
		journal->options.random->arg, &spare->segment->salt, sizeof(uint64_t));
	spare->segment->bytes = spare->bytes;
	spare->ready = true;
	if (spare->wanted <= spare->bytes)
		spare->wanted = 0;
	spare->waited_for = false;
	spare->retry_ms = INT64_MIN;
	journal->disk_full = false;
	return 0;
}
