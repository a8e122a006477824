#include "journal/copy.h"

#include "journal/fault.h"

#define CHUNK_BYTES ((size_t)1 << 20)

int td_copier_init(struct td_copier *copier, const struct td_disk *disk,
	const struct td_backup_options *options, struct td_error *err)
{
	int code;

	*copier = (struct td_copier){.disk = disk, .options = options};
	copier->buffer = td_disk_buffer_new(CHUNK_BYTES);
	if (copier->buffer == NULL)
		return td_error_nomem(err);
	code = td_sha256_init(&copier->sha, err);
	return code == 0 ? td_sha256_init(&copier->before, err) : code;
}

void td_copier_fini(struct td_copier *copier)
{
	td_sha256_fini(&copier->sha);
	td_sha256_fini(&copier->before);
	td_disk_buffer_free(copier->buffer);
	copier->buffer = NULL;
}

static int may_go_on(const struct td_copier *copier, struct td_error *err)
{
	const struct td_backup_options *options = copier->options;

	if (options->progress == NULL || options->progress(options->arg, copier->bytes_read))
		return 0;
	return td_error_set(err, TD_E_CLOSED, TD_NO_OFFSET, "stopped");
}

static int read_part(struct td_copier *copier, const struct td_copy *copy, void *bytes, size_t len,
	uint64_t offset, struct td_error *err)
{
	size_t got = 0;
	int code = td_disk_read_all(copier->disk, copy->from, bytes, len, offset, &got);

	if (code != 0)
		return td_fault(err, code, "%s", copy->from_name);
	if (got < len)
		return td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET, "%s: ends at %llu",
			copy->from_name, (unsigned long long)(offset + got));
	copier->bytes_read += len;
	return 0;
}

static int write_part(struct td_copier *copier, const struct td_copy *copy, const void *bytes,
	size_t len, uint64_t offset, struct td_error *err)
{
	int code = copy->to < 0 ? 0 : td_disk_write_all(copier->disk, copy->to, bytes, len, offset);

	if (copy->to >= 0 && code == 0)
		copier->bytes_copied += len;
	return code == 0 ? 0 : td_fault(err, code, "%s", copy->to_name);
}

/* How much at once: never across the end of what is there. */
static size_t part_of(const struct td_copy *copy, uint64_t at)
{
	uint64_t end = at < copy->there ? copy->there : copy->segment->end;

	return end - at < CHUNK_BYTES ? (size_t)(end - at) : CHUNK_BYTES;
}

/* Whether the file begins with what is there. */
static bool begins_so(struct td_copier *copier, const struct td_copy *copy)
{
	uint8_t digest[TD_SHA256_BYTES];

	td_sha256_finish(&copier->before, digest);
	return memcmp(digest, copy->there_sha256, sizeof(digest)) == 0;
}

static int copy_frames(struct td_copier *copier, struct td_copy *copy, struct td_error *err)
{
	struct td_hash128_state hash;
	size_t len;
	int code = 0;

	td_hash128_reset(&hash);
	for (uint64_t at = 0; code == 0 && at < copy->segment->end; at += len) {
		len = part_of(copy, at);
		code = read_part(copier, copy, copier->buffer, len, at, err);
		if (code != 0)
			return code;
		td_sha256_add(&copier->sha, copier->buffer, len);
		td_hash128_add(&hash, copier->buffer, len);
		if (at < copy->there)
			td_sha256_add(&copier->before, copier->buffer, len);
		else
			code = write_part(copier, copy, copier->buffer, len, at, err);
		if (at < copy->there && at + len == copy->there && !begins_so(copier, copy)) {
			copy->other = true;
			return 0;
		}
		if (code == 0)
			code = may_go_on(copier, err);
	}
	copy->hash = td_hash128_digest(&hash);
	return code;
}

int td_copier_run(struct td_copier *copier, struct td_copy *copy, struct td_error *err)
{
	const struct td_manifest_segment *segment = copy->segment;
	uint64_t footer = td_segment_frames_end(segment->bytes);
	uint8_t none[TD_SHA256_BYTES];
	int code;

	/* What one that failed left in them. */
	td_sha256_finish(&copier->sha, none);
	td_sha256_finish(&copier->before, none);
	copy->other = false;
	code = copy_frames(copier, copy, err);
	if (code == 0 && segment->sealed && !copy->other) {
		code = read_part(copier, copy, copy->footer, TD_PAGE_BYTES, footer, err);
		if (code == 0)
			code = write_part(copier, copy, copy->footer, TD_PAGE_BYTES, footer, err);
		td_sha256_add(&copier->sha, copy->footer, TD_PAGE_BYTES);
	}
	if (code != 0 || copy->other)
		return code;
	td_sha256_finish(&copier->sha, copy->sha256);
	if (copy->to >= 0) {
		code = td_disk_sync(copier->disk, copy->to);
		if (code != 0)
			return td_fault(err, code, "%s", copy->to_name);
	}
	return 0;
}
