#include "journal/frame.h"

#include "base/base.h"

#define SUM_FROM 4096

/* What a record takes beside its body, at most. */
#define RECORD_ROOM (TD_RECORD_HEAD_BYTES + 7)

static size_t aligned(size_t len, size_t to)
{
	return (len + to - 1) / to * to;
}

void td_frame_reset(struct td_frame_builder *builder, void *buffer, size_t capacity, bool strict)
{
	TD_ASSERT((uintptr_t)buffer % 8 == 0);
	TD_ASSERT(capacity >= TD_FRAME_HEADER_BYTES);
	TD_ASSERT(!strict || capacity % TD_FRAME_STRICT_BYTES == 0);
	*builder = (struct td_frame_builder){
		.at = buffer,
		.capacity =
			capacity < TD_FRAME_BYTES_MAX ? capacity & ~(size_t)7 : TD_FRAME_BYTES_MAX,
		.len = TD_FRAME_HEADER_BYTES,
		.summed = TD_FRAME_HEADER_BYTES,
		.strict = strict,
	};
}

bool td_frame_room(const struct td_frame_builder *builder, size_t records, size_t bytes)
{
	size_t left = builder->capacity - builder->len;

	if (bytes > left || records > left / RECORD_ROOM)
		return false;
	return ((bytes + records * RECORD_ROOM) & ~(size_t)7) <=
	       left; /* sizes are multiples of 8 */
}

/* The place of a record that is `size` bytes with everything; its padding is written already. */
static uint8_t *take(struct td_frame_builder *builder, size_t size)
{
	TD_ASSERT(!builder->closed && size <= builder->capacity - builder->len);
	uint8_t *at = builder->at + builder->len;
	td_le64_put(at + size - 8, 0);
	builder->len += size;
	builder->records++;
	return at;
}

/* The checksums of the records that have none yet. */
static void sum(struct td_frame_builder *builder)
{
	while (builder->summed < builder->len) {
		uint8_t *at = builder->at + builder->summed;
		size_t body_bytes = td_le32_get(at) - TD_RECORD_HEAD_BYTES;

		td_le32_put(at + 4, td_crc32c(0, at + TD_RECORD_HEAD_BYTES, body_bytes));
		builder->summed += td_record_size(body_bytes);
	}
}

/*
 * The checksum of a record is not taken at once: wide loads of what was stored a moment ago, in
 * parts, wait until the stores have reached the cache. From a few KiB on they have, and the bytes
 * are still near.
 */
static uint32_t close_record(struct td_frame_builder *builder, uint8_t *at, size_t body_bytes)
{
	td_le32_put(at, (uint32_t)(TD_RECORD_HEAD_BYTES + body_bytes));
	if (builder->len - builder->summed >= SUM_FROM)
		sum(builder);
	return (uint32_t)(at - builder->at);
}

uint32_t td_frame_put(struct td_frame_builder *builder, const struct td_text *parts, size_t count)
{
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += parts[i].len;
	TD_ASSERT(bytes > 0 && bytes <= TD_FRAME_BYTES_MAX);
	uint8_t *at = take(builder, td_record_size(bytes));
	uint8_t *to = at + TD_RECORD_HEAD_BYTES;
	for (size_t i = 0; i < count; i++) {
		if (parts[i].len > 0)
			memcpy(to, parts[i].at, parts[i].len);
		to += parts[i].len;
	}
	TD_ASSERT(at[TD_RECORD_HEAD_BYTES] > TD_RECORD_HOLE);
	builder->positions++;
	return close_record(builder, at, bytes);
}

uint32_t td_frame_put_hole(struct td_frame_builder *builder, uint64_t first, uint64_t count)
{
	uint64_t implied = first - builder->positions;

	TD_ASSERT(first > builder->positions && count > 0 && count <= UINT64_MAX - first);
	TD_ASSERT(!builder->holes || builder->first_implied == implied);
	builder->holes = true;
	builder->first_implied = implied;
	builder->positions += count;

	uint8_t *at = take(builder, td_record_size(TD_HOLE_BODY_BYTES));
	uint8_t *body = at + TD_RECORD_HEAD_BYTES;
	td_le64_put(body, TD_RECORD_HOLE);
	td_le64_put(body + 8, first);
	td_le64_put(body + 16, count);
	return close_record(builder, at, TD_HOLE_BODY_BYTES);
}

size_t td_frame_size(const struct td_frame_builder *builder)
{
	return builder->strict ? aligned(builder->len, TD_FRAME_STRICT_BYTES) : builder->len;
}

static void check_fields(
	const struct td_frame_builder *builder, const struct td_frame_fields *fields)
{
	TD_ASSERT(fields->offset >= TD_FRAMES_FROM && fields->offset <= UINT32_MAX);
	TD_ASSERT(fields->offset % (builder->strict ? TD_FRAME_STRICT_BYTES : 8) == 0);
	TD_ASSERT(fields->durable_end >= TD_FRAMES_FROM && fields->durable_end % 8 == 0 &&
		  fields->durable_end <= fields->offset);
	TD_ASSERT(fields->first_position > 0 &&
		  builder->positions <= UINT64_MAX - fields->first_position);
	TD_ASSERT(!builder->holes || builder->first_implied == fields->first_position);
	TD_ASSERT(fields->epoch > 0 && fields->time > 0);
	TD_ASSERT((fields->flags & ~(uint64_t)(TD_FRAME_MARK | TD_FRAME_SEAL)) == 0);
	if (builder->records == 0)
		TD_ASSERT(fields->flags != 0);
	else
		TD_ASSERT((fields->flags & TD_FRAME_MARK) == 0);
}

/* The body as it will lie on disk. Only pieces without a part of the header can be zero. */
static void whiten(struct td_frame_builder *builder, uint64_t salt, uint64_t offset)
{
	uint64_t body = offset + TD_FRAME_HEADER_BYTES, end = offset + builder->len;
	uint64_t from = aligned(body, TD_PIECE_BYTES);

	if (from < end)
		builder->whitening =
			td_whiten_choose(builder->at + (from - offset), end - from, from, salt);
	if (builder->whitening != 0)
		td_whiten(builder->at + TD_FRAME_HEADER_BYTES, builder->at + TD_FRAME_HEADER_BYTES,
			end - body, body, salt, builder->whitening);
}

void td_frame_close(struct td_frame_builder *builder, uint64_t salt, uint64_t offset)
{
	size_t size = td_frame_size(builder);

	TD_ASSERT(!builder->closed && size <= builder->capacity);
	sum(builder);
	memset(builder->at + builder->len, TD_FRAME_FILLING, size - builder->len);
	builder->len = size;
	whiten(builder, salt, offset);
	builder->body_hash =
		td_hash(builder->at + TD_FRAME_HEADER_BYTES, size - TD_FRAME_HEADER_BYTES, 0);
	builder->closed = true;
}

size_t td_frame_finish(struct td_frame_builder *builder, const struct td_frame_fields *fields)
{
	uint8_t *at = builder->at;

	check_fields(builder, fields);
	if (!builder->closed)
		td_frame_close(builder, fields->salt, fields->offset);
	size_t size = builder->len;
	size_t body_bytes = size - TD_FRAME_HEADER_BYTES;
	td_le32_put(at, TD_FRAME_MAGIC);
	td_le64_put(at + 8, fields->salt ^ fields->offset);
	td_le64_put(at + 16, fields->first_position);
	td_le32_put(at + 24, (uint32_t)body_bytes);
	td_le32_put(at + 28, builder->records);
	td_le64_put(at + 32, fields->durable_end);
	td_le64_put(at + 40, fields->epoch);
	td_le64_put(at + 48,
		fields->flags | builder->whitening | (builder->strict ? TD_FRAME_STRICT : 0));
	td_le64_put(at + 56, builder->body_hash);
	if (fields->chain != NULL)
		memcpy(at + 64, fields->chain, TD_CHAIN_BYTES);
	else
		memset(at + 64, 0, TD_CHAIN_BYTES);
	td_le64_put(at + 96, (uint64_t)fields->time);
	td_le32_put(at + 4, td_crc32c(0, at + 8, TD_FRAME_HEADER_BYTES - 8));
	return size;
}
