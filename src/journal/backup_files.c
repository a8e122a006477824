#include "journal/backing.h"

#include "journal/fault.h"
#include "journal/walk.h"

/*
 * The files of a backup: what is there already, what is not, and whether it is of the same history.
 */

#define WINDOW_BYTES ((size_t)1 << 20)

int td_backing_damaged(
	const struct td_backing *backing, uint64_t base, const char *what, struct td_error *err)
{
	char name[TD_SEGMENT_NAME_BYTES];

	td_segment_name(name, base);
	return td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET, "journal %s: %s: %s",
		backing->journal->path, name, what);
}

/* --- sealed ------------------------------------------------------------------------------- */

/* Into its place among what is copied; an older copy of the same segment makes way. */
static int note(
	struct td_backing *backing, const struct td_manifest_segment *segment, struct td_error *err)
{
	struct td_manifest *now = &backing->now;
	struct td_manifest_segment *at = td_manifest_find(now, segment->base);
	size_t i;
	int code;

	if (at != NULL) {
		*at = *segment;
		return 0;
	}
	code = td_manifest_reserve(now, err);
	if (code != 0)
		return code;
	for (i = now->count++; i > 0 && now->segments[i - 1].base > segment->base; i--)
		now->segments[i] = now->segments[i - 1];
	now->segments[i] = *segment;
	return 0;
}

int td_backing_other_way(const struct td_backing *backing, struct td_error *err)
{
	return td_error_set(err, TD_E_FOREIGN, TD_NO_OFFSET,
		"%s: of this store after it went another way (it was restored from an older "
		"backup): use a directory of its own",
		backing->to.path);
}

/* What an earlier backup has of it, as its manifest says; NULL: nothing. */
static const struct td_manifest_segment *copied_before(
	const struct td_backing *backing, const struct td_manifest_segment *segment)
{
	const struct td_manifest_segment *was = td_manifest_find(&backing->to.was, segment->base);

	return was != NULL && was->number == segment->number ? was : NULL;
}

/* A segment only grows, and then is sealed. */
static int check_grown(const struct td_backing *backing, const struct td_manifest_segment *segment,
	struct td_error *err)
{
	const struct td_manifest_segment *was = copied_before(backing, segment);

	if (was == NULL)
		return 0;
	if (was->bytes != segment->bytes || was->end > segment->end ||
		(was->sealed && (!segment->sealed || was->end != segment->end)))
		return td_backing_other_way(backing, err);
	return 0;
}

/* Whether both pages of a copy, which has its full size, are those of the segment; *valid: are some. */
static bool same_pages(struct td_backing *backing, const struct td_held *held, int file,
	uint64_t bytes, bool *valid)
{
	uint64_t footer = td_segment_frames_end(bytes);
	uint8_t pages[2][TD_PAGE_BYTES];
	struct td_segment_header header;
	struct td_segment_footer found;
	size_t got[2] = {0, 0};

	td_disk_read_all(backing->journal->disk, file, pages[0], TD_PAGE_BYTES, 0, &got[0]);
	td_disk_read_all(backing->journal->disk, file, pages[1], TD_PAGE_BYTES, footer, &got[1]);
	*valid = td_segment_header_decode(pages[0], got[0], &header) == TD_FLAW_NONE &&
		 td_segment_footer_decode(pages[1], got[1], &header, &found) == TD_FLAW_NONE;
	return *valid && memcmp(pages[0], held->header, TD_PAGE_BYTES) == 0 &&
	       memcmp(pages[1], held->footer, TD_PAGE_BYTES) == 0;
}

/* Whether a copy, of which nobody said that it is whole, is; then it is synced, too. */
static int is_whole(struct td_backing *backing, const struct td_held *held,
	struct td_manifest_segment *segment, int file, bool *is, struct td_error *err)
{
	struct td_copy copy = {.from = file, .to = -1, .from_name = "copy", .segment = segment};
	int code = td_copier_run(&backing->copier, &copy, err);

	*is = code == 0 && copy.hash.low == held->hash.low && copy.hash.high == held->hash.high;
	memcpy(segment->sha256, copy.sha256, TD_SHA256_BYTES);
	if (*is && td_disk_sync(backing->journal->disk, file) != 0)
		*is = false;
	return code == TD_E_CLOSED ? code : 0; /* what cannot be read is copied again */
}

/*
 * A whole copy that is there already: *is, and its digest is in *segment. One that the manifest names
 * is believed, others (of a backup that was cut off) are read.
 */
static int use_whole(struct td_backing *backing, const struct td_held *held,
	struct td_manifest_segment *segment, bool *is, struct td_error *err)
{
	const struct td_manifest_segment *was = copied_before(backing, segment);
	bool named = was != NULL && was->sealed, valid = false;
	uint64_t bytes = 0;
	int file, code;

	*is = false;
	if (td_backup_copy(&backing->to, segment, TD_DISK_READ, &file) != 0)
		return 0;
	code = td_disk_size(backing->journal->disk, file, &bytes);
	if (code == 0 && bytes == segment->bytes) {
		*is = same_pages(backing, held, file, bytes, &valid);
		if (valid && !*is && named)
			code = td_backing_other_way(backing, err);
		else if (*is && named && !backing->check)
			*segment = *was;
		else if (*is)
			code = is_whole(backing, held, segment, file, is, err);
	}
	td_disk_close(backing->journal->disk, file);
	return code == TD_E_CLOSED || code == TD_E_FOREIGN ? code : 0;
}

/* Whether a copy still begins as its manifest says. */
static bool begins_as_said(
	struct td_backing *backing, const struct td_manifest_segment *was, int file)
{
	struct td_manifest_segment part = *was;
	struct td_copy copy = {.to = -1, .from = file, .from_name = "copy", .segment = &part};
	struct td_error unseen = TD_ERROR_INIT;

	return td_copier_run(&backing->copier, &copy, &unseen) == 0 &&
	       memcmp(copy.sha256, was->sha256, TD_SHA256_BYTES) == 0;
}

/* Open the copy to be written: from its beginning, or behind what is there. */
static int open_copy(struct td_backing *backing, struct td_copy *copy, struct td_error *err)
{
	const struct td_manifest_segment *was = copied_before(backing, copy->segment);
	const struct td_disk *disk = backing->journal->disk;
	uint64_t bytes = 0;
	int code = td_backup_copy(&backing->to, copy->segment,
		TD_DISK_READ | TD_DISK_WRITE | TD_DISK_CREATE, &copy->to);

	if (code == 0)
		code = td_disk_size(disk, copy->to, &bytes);
	if (code == 0 && was != NULL && !was->sealed && was->end <= bytes &&
		was->end <= copy->segment->end &&
		(!backing->check || begins_as_said(backing, was, copy->to))) {
		copy->there = was->end;
		copy->there_sha256 = was->sha256;
	}
	if (code == 0)
		code = td_disk_truncate(disk, copy->to, copy->there);
	return code == 0 ? 0 : td_fault(err, code, "%s: a copy", backing->to.path);
}

/* Copy a file, `from`, as a segment; *segment gets its digest. The handle of the copy is in *copy. */
static int copy_file(struct td_backing *backing, int from, struct td_manifest_segment *segment,
	struct td_copy *copy, struct td_error *err)
{
	char name[TD_SEGMENT_NAME_BYTES];
	int code;

	td_segment_name(name, segment->base);
	*copy = (struct td_copy){
		.from = from, .to = -1, .from_name = name, .to_name = "copy", .segment = segment};
	code = open_copy(backing, copy, err);
	if (code == 0) {
		code = td_copier_run(&backing->copier, copy, err);
		if (code != 0)
			td_error_wrap(err, code, "%s", backing->to.path);
	}
	if (code == 0 && copy->other)
		code = td_backing_other_way(backing, err);
	copy->from_name = NULL; /* it ends with this call */
	memcpy(segment->sha256, copy->sha256, TD_SHA256_BYTES);
	return code;
}

int td_backing_copy_sealed(
	struct td_backing *backing, const struct td_held *held, struct td_error *err)
{
	struct td_manifest_segment segment = held->segment;
	struct td_copy copy = {.to = -1};
	bool is = false;
	int code = check_grown(backing, &segment, err);

	if (code == 0)
		code = use_whole(backing, held, &segment, &is, err);
	if (code == 0 && !is) {
		code = copy_file(backing, held->file, &segment, &copy, err);
		if (code == 0 &&
			(copy.hash.low != held->hash.low || copy.hash.high != held->hash.high))
			code = td_backing_damaged(backing, segment.base,
				"its bytes are not those that its footer sums up", err);
		td_disk_close(backing->journal->disk, copy.to);
	}
	return code == 0 ? note(backing, &segment, err) : code;
}

/* --- the active one ----------------------------------------------------------------------- */

static int check_frames(struct td_backing *backing, struct td_walk *walk, struct td_error *err)
{
	bool chained = backing->journal->chained;
	uint64_t position = backing->header.base, at = TD_FRAMES_FROM;
	uint8_t chain[TD_CHAIN_BYTES];
	struct td_frame_header header;
	struct td_frame frame;

	memcpy(chain, backing->header.chain, TD_CHAIN_BYTES);
	for (; at < walk->limit; at += td_frame_bytes(&header)) {
		const uint8_t *bytes;

		if (td_walk_header(walk, at, &header) != TD_FLAW_NONE ||
			header.first_position != position ||
			(chained && memcmp(header.chain, chain, TD_CHAIN_BYTES) != 0))
			break;
		bytes = td_walk_see(walk, at, td_frame_bytes(&header));
		if (bytes != NULL && chained) {
			td_sha256_add(&backing->copier.sha, bytes, td_frame_bytes(&header));
			td_sha256_finish(&backing->copier.sha, chain);
		}
		if (td_walk_frame(walk, &header, &frame, NULL, NULL) != TD_FLAW_NONE)
			break;
		position = frame.next_position;
	}
	if (walk->code != 0)
		return td_error_nomem(err);
	if (at != walk->limit || position != backing->active_next)
		return td_backing_damaged(
			backing, backing->active_base, "a frame of it is damaged", err);
	memcpy(backing->now.chain, chain, TD_CHAIN_BYTES);
	return 0;
}

/* The frames in the copy, one behind the other; the chain at their end. */
static int check_active(struct td_backing *backing, int copy, struct td_error *err)
{
	struct td_walk walk;
	int code = td_walk_init(
		&walk, backing->journal->disk, copy, backing->active_end, WINDOW_BYTES, err);

	if (code != 0)
		return code;
	walk.salt = backing->header.salt;
	code = check_frames(backing, &walk, err);
	td_walk_fini(&walk);
	return code;
}

int td_backing_copy_active(struct td_backing *backing, struct td_error *err)
{
	uint8_t page[TD_PAGE_BYTES];
	struct td_copy copy = {.to = -1};
	struct td_manifest_segment segment;
	size_t got = 0;
	int file = backing->active->handle;
	int code = td_disk_read_all(backing->journal->disk, file, page, TD_PAGE_BYTES, 0, &got);

	if (code != 0)
		return td_fault(
			err, code, "journal %s: the active segment", backing->journal->path);
	if (td_segment_header_decode(page, got, &backing->header) != TD_FLAW_NONE ||
		backing->header.base != backing->active_base)
		return td_backing_damaged(
			backing, backing->active_base, "its header is damaged", err);
	segment = (struct td_manifest_segment){.base = backing->active_base,
		.number = backing->header.number,
		.bytes = backing->header.bytes,
		.end = backing->active_end};
	code = check_grown(backing, &segment, err);
	if (code == 0)
		code = copy_file(backing, file, &segment, &copy, err);
	if (code == 0)
		code = check_active(backing, copy.to, err);
	td_disk_close(backing->journal->disk, copy.to);
	return code == 0 ? note(backing, &segment, err) : code;
}
