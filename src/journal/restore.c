/*
 * A journal from a backup:
 *
 *	1  RESTORING, so that who comes again knows what is half there
 *	2  each segment under its own name, its digest compared on the way, synced; the active one
 *	   with real zeros behind its frames
 *	3  all of it verified: frames, footers, chain, as if CONTROL stood there
 *	4  CONTROL.a, clean, with another epoch; RESTORING goes
 *
 * Cut off before 4 there is no CONTROL, and nothing opens; the next restoring begins again. Cut off in
 * it, it is whole, and opens; who restores once more instead begins again, unless it was opened.
 */
#include "journal/backup.h"
#include "journal/open.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "journal/fault.h"

#define RESTORING_NAME "RESTORING"

struct restoring {
	const struct td_journal_options *world;
	const struct td_disk *disk;
	struct td_backup from;
	struct td_copier copier;
	const char *path; /* NULL: the digests are checked alone */
	int dir;
	bool begun, control, opened, others; /* what is in the directory */
	struct td_control made;
};

static int fault(
	const struct restoring *restoring, int code, const char *what, struct td_error *err)
{
	return code == 0 ? 0 : td_fault(err, code, "%s: %s", restoring->path, what);
}

/* --- where to ----------------------------------------------------------------------------- */

static int look(void *arg, const struct td_disk_entry *entry)
{
	struct restoring *restoring = arg;

	if (strcmp(entry->name, RESTORING_NAME) == 0)
		restoring->begun = true;
	else if (strcmp(entry->name, TD_CONTROL_A_NAME) == 0)
		restoring->control = true;
	else if (strcmp(entry->name, TD_CONTROL_B_NAME) == 0)
		restoring->opened = true;
	else
		restoring->others = true;
	return 0;
}

/* What one that was cut off left: segments. Collected in rounds, as the listing may not change. */
struct leftovers {
	uint64_t bases[64];
	size_t count;
};

static int is_left(void *arg, const struct td_disk_entry *entry)
{
	struct leftovers *left = arg;
	uint64_t base = td_segment_base(entry->name);

	if (base != 0 && left->count < 64)
		left->bases[left->count++] = base;
	return 0;
}

static int clear_away(const struct restoring *restoring)
{
	struct leftovers left;
	int code = 0;

	/* It was cut off at its end, and nobody opened what it had made: without CONTROL it is none. */
	if (restoring->control)
		code = td_disk_unlink(restoring->disk, restoring->dir, TD_CONTROL_A_NAME);
	if (code == 0 && restoring->control)
		code = td_disk_sync_dir(restoring->disk, restoring->dir);
	while (code == 0) {
		left.count = 0;
		code = td_disk_list(restoring->disk, restoring->dir, is_left, &left);
		for (size_t i = 0; code == 0 && i < left.count; i++) {
			char name[TD_SEGMENT_NAME_BYTES];

			td_segment_name(name, left.bases[i]);
			code = td_disk_unlink(restoring->disk, restoring->dir, name);
		}
		if (left.count == 0)
			break;
	}
	return code;
}

static int begin(struct restoring *restoring, struct td_error *err)
{
	const struct td_disk *disk = restoring->disk;
	int file = -1, code;

	code = td_disk_open_dir(
		disk, TD_DISK_NOWHERE, restoring->path, TD_DISK_CREATE, &restoring->dir);
	if (code == 0)
		code = td_disk_list(disk, restoring->dir, look, restoring);
	if (code != 0)
		return fault(restoring, code, "the directory", err);
	if (restoring->opened || ((restoring->control || restoring->others) && !restoring->begun))
		return td_error_set(err, TD_E_EXISTS, TD_NO_OFFSET,
			"%s: the directory is not empty: use another", restoring->path);
	code = td_disk_open(disk, restoring->dir, RESTORING_NAME,
		TD_DISK_READ | TD_DISK_WRITE | TD_DISK_CREATE, &file);
	td_disk_close(disk, file);
	if (code == 0)
		code = td_disk_sync_dir(disk, restoring->dir);
	if (code == 0 && restoring->begun)
		code = clear_away(restoring);
	return fault(restoring, code, RESTORING_NAME, err);
}

/* --- segments ----------------------------------------------------------------------------- */

/* What comes behind the frames: its space for good where it will be written to. */
static int finish_file(
	const struct restoring *restoring, const struct td_manifest_segment *segment, int file)
{
	const struct td_disk *disk = restoring->disk;
	int code;

	if (segment->sealed)
		return td_disk_truncate(disk, file, segment->bytes);
	code = td_disk_allocate(disk, file, 0, segment->bytes);
	if (code == EOPNOTSUPP)
		code = 0;
	return code == 0 ? td_disk_zero(disk, file, segment->end, segment->bytes) : code;
}

static int open_target(const struct restoring *restoring, const struct td_manifest_segment *segment,
	const char *name, int *file)
{
	int code = td_disk_open(restoring->disk, restoring->dir, name,
		TD_DISK_READ | TD_DISK_WRITE | TD_DISK_CREATE | TD_DISK_EXCLUSIVE, file);

	return code == 0 ? finish_file(restoring, segment, *file) : code;
}

static int restore_segment(struct restoring *restoring, const struct td_manifest_segment *segment,
	struct td_error *err)
{
	char name[TD_SEGMENT_NAME_BYTES], copied[TD_COPY_NAME_BYTES];
	struct td_copy copy = {
		.from = -1, .to = -1, .from_name = copied, .to_name = name, .segment = segment};
	int code;

	td_segment_name(name, segment->base);
	td_copy_name(copied, segment->base, segment->number);
	code = td_backup_copy(&restoring->from, segment, TD_DISK_READ, &copy.from);
	if (code == ENOENT)
		return td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET, "%s: %s: missing",
			restoring->from.path, copied);
	if (code != 0)
		return td_fault(err, code, "%s: %s", restoring->from.path, copied);
	if (restoring->path != NULL)
		code = fault(restoring, open_target(restoring, segment, name, &copy.to), name, err);
	if (code == 0) {
		code = td_copier_run(&restoring->copier, &copy, err);
		if (code != 0)
			td_error_wrap(err, code, "%s", restoring->from.path);
	}
	if (code == 0 && memcmp(copy.sha256, segment->sha256, TD_SHA256_BYTES) != 0)
		code = td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET,
			"%s: %s: it is not what was copied: positions %llu and on",
			restoring->from.path, copied, (unsigned long long)segment->base);
	td_disk_close(restoring->disk, copy.from);
	td_disk_close(restoring->disk, copy.to);
	return code;
}

/* --- CONTROL ------------------------------------------------------------------------------ */

/*
 * As the old store closed in order would have it, but for the epoch: what this one writes from now on,
 * and what the old one does if it goes on, must not look alike.
 */
static int make_control(struct restoring *restoring, struct td_error *err)
{
	const struct td_manifest *was = &restoring->from.was;
	const struct td_manifest_segment *active = &was->segments[was->count - 1];
	const struct td_random *random = restoring->world->random;
	struct td_segment_header header;
	uint8_t page[TD_PAGE_BYTES];
	uint32_t far = 0;
	size_t got = 0;
	int file = -1, code;

	code = td_backup_copy(&restoring->from, active, TD_DISK_READ, &file);
	if (code == 0)
		code = td_disk_read_all(restoring->disk, file, page, TD_PAGE_BYTES, 0, &got);
	td_disk_close(restoring->disk, file);
	if (code != 0)
		return td_fault(err, code, "%s: the last copy", restoring->from.path);
	if (td_segment_header_decode(page, got, &header) != TD_FLAW_NONE ||
		was->epoch > UINT64_MAX - UINT32_MAX - 1)
		return td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET,
			"%s: the header of the last copy is damaged", restoring->from.path);
	random->fill(random->arg, &far, sizeof(far));
	restoring->made = (struct td_control){
		.features = was->features,
		.generation = 1,
		.epoch = was->epoch + 1 + far,
		.time = td_clock_wall(restoring->world->clock),
		.first_segment = was->segments[0].number,
		.active_segment = active->number,
		.first_position = was->first,
		.active_base = active->base,
		.clean = true,
		.end = active->end,
		.next_position = was->next,
	};
	if (restoring->made.time <= 0)
		restoring->made.time = 1;
	memcpy(restoring->made.store, was->store, TD_STORE_BYTES);
	memcpy(restoring->made.sealed_chain, header.chain, TD_CHAIN_BYTES);
	memcpy(restoring->made.end_chain, was->chain, TD_CHAIN_BYTES);
	return 0;
}

static int write_control(const struct restoring *restoring, struct td_error *err)
{
	const struct td_disk *disk = restoring->disk;
	uint8_t page[TD_PAGE_BYTES];
	int file = -1, code;

	td_control_encode(&restoring->made, page);
	code = td_disk_open(disk, restoring->dir, TD_CONTROL_A_NAME,
		TD_DISK_READ | TD_DISK_WRITE | TD_DISK_CREATE, &file);
	if (code == 0)
		code = td_disk_write_all(disk, file, page, sizeof(page), 0);
	if (code == 0)
		code = td_disk_sync(disk, file);
	td_disk_close(disk, file);
	if (code == 0)
		code = td_disk_sync_dir(disk, restoring->dir);
	if (code == 0)
		code = td_disk_unlink(disk, restoring->dir, RESTORING_NAME);
	if (code == 0)
		code = td_disk_sync_dir(disk, restoring->dir);
	return fault(restoring, code, TD_CONTROL_A_NAME, err);
}

/* The first thing that is wrong. */
struct wrong {
	bool any;
	char text[160];
};

static void note_wrong(void *arg, const struct td_finding *finding)
{
	struct wrong *wrong = arg;

	if (finding->kind != TD_FINDING_DAMAGE || wrong->any)
		return;
	wrong->any = true;
	snprintf(wrong->text, sizeof(wrong->text), "%.40s: at %llu: %.80s", finding->file,
		(unsigned long long)finding->offset, finding->what);
}

static int verify(const struct restoring *restoring, struct td_error *err)
{
	struct wrong wrong = {.any = false};
	int code = td_verify_as(
		restoring->disk, restoring->path, &restoring->made, note_wrong, &wrong, err);

	if (code == TD_E_DAMAGED && wrong.any)
		return td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET, "%s: %s", restoring->from.path,
			wrong.text);
	return code;
}

/* --- all ---------------------------------------------------------------------------------- */

static int restore(struct restoring *restoring, struct td_error *err)
{
	const struct td_manifest *was = &restoring->from.was;
	int code = td_backup_open(&restoring->from, false, err);

	if (code == 0 && !td_features_readable(&was->features))
		code = td_error_set(err, TD_E_NEWER, TD_NO_OFFSET,
			"%s: of a store that a newer version wrote", restoring->from.path);
	if (code == 0 && restoring->path != NULL)
		code = begin(restoring, err);
	for (size_t i = 0; code == 0 && i < was->count; i++)
		code = restore_segment(restoring, &was->segments[i], err);
	if (code != 0 || restoring->path == NULL)
		return code;
	code = make_control(restoring, err);
	if (code == 0)
		code = fault(restoring, td_disk_sync_dir(restoring->disk, restoring->dir),
			"the directory", err);
	if (code == 0)
		code = verify(restoring, err);
	return code == 0 ? write_control(restoring, err) : code;
}

int td_journal_restore(const struct td_journal_options *world, const char *from, const char *to,
	const struct td_backup_options *options, struct td_backup_report *report,
	struct td_error *err)
{
	static const struct td_backup_options defaults;
	struct restoring restoring = {.world = world,
		.disk = world->disk,
		.from = TD_BACKUP_INIT(world->disk, from),
		.dir = -1};
	int code;

	if (options == NULL)
		options = &defaults;
	restoring.path = options->check ? NULL : to;
	code = td_copier_init(&restoring.copier, world->disk, options, err);
	if (code == 0)
		code = restore(&restoring, err);
	if (code == 0 && report != NULL) {
		*report = (struct td_backup_report){
			.position = restoring.from.was.next,
			.files = restoring.from.was.count,
			.bytes_copied = restoring.copier.bytes_copied,
			.resumed = restoring.begun,
		};
		for (size_t i = 0; i < restoring.from.was.count; i++)
			report->bytes += restoring.from.was.segments[i].end;
	}
	td_copier_fini(&restoring.copier);
	td_backup_close(&restoring.from);
	td_disk_close(restoring.disk, restoring.dir);
	return code;
}
