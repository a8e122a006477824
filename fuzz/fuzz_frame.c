/*
 * Frames: bytes that claim to be one, and frames made of bytes. The first byte chooses.
 *
 *	1. nothing outside the bytes is read, whatever lengths they state;
 *	2. a frame that is valid and has the pattern that the builder would take is what the builder
 *	   makes of its records: there is one way to write each;
 *	3. whatever is built is read back, has no zero piece wherever it lies, and with one byte
 *	   changed it is noticed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "journal/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

#define SALT      0x0123456789ABCDEFu
#define SIZE_MOST ((size_t)1 << 16)

/* What the first byte chooses. */
#define BUILD      1u
#define FIX_HEADER 2u /* magic, place and checksum are made right: deeper than chance gets */
#define FIX_BODY   4u
#define STRICT     8u

static _Alignas(8) uint8_t built[2 * SIZE_MOST];

static enum td_flaw open_frame(
	const uint8_t *bytes, size_t len, uint64_t offset, uint8_t *plain, struct td_frame *frame)
{
	struct td_frame_header header;
	enum td_flaw flaw = td_frame_check(bytes, len, SALT, offset, offset + len, &header);

	if (flaw != TD_FLAW_NONE)
		return flaw;
	return td_frame_open(&header, bytes + TD_FRAME_HEADER_BYTES, SALT, plain, frame);
}

/* The same records by the builder: the same bytes. */
static void build_again(const struct td_frame *frame, const uint8_t *bytes)
{
	struct td_frame_builder builder;
	struct td_frame_walk walk;
	struct td_frame_record record;
	bool strict = frame->header.flags & TD_FRAME_STRICT;
	uint64_t position = frame->header.first_position;
	uint32_t records = 0;

	td_frame_reset(&builder, built, sizeof(built), strict);
	for (td_frame_walk(&walk, frame); td_frame_next(&walk, &record); records++) {
		const struct td_text body = td_text_of(record.body, record.bytes);

		CHECK(record.position == position);
		position += record.positions;
		CHECK(td_frame_room(&builder, 1, record.bytes));
		if (record.kind == TD_RECORD_HOLE)
			td_frame_put_hole(&builder, record.position, record.positions);
		else
			td_frame_put(&builder, &body, 1);
	}
	CHECK(records == frame->header.records && position == frame->next_position);
	const struct td_frame_fields fields = {SALT, frame->header.offset,
		frame->header.first_position, frame->header.durable_end, frame->header.epoch,
		frame->header.flags & (TD_FRAME_MARK | TD_FRAME_SEAL), frame->header.chain,
		frame->header.time};
	size_t len = td_frame_finish(&builder, &fields);
	CHECK(len == td_frame_bytes(&frame->header));
	if (builder.whitening == td_frame_whitening(&frame->header) &&
		frame->header.flags >> 32 == 0)
		CHECK(memcmp(built, bytes, len) == 0);
}

static void read_bytes(unsigned choice, uint8_t *bytes, size_t size)
{
	uint64_t offset = choice & STRICT ? 8192 : 8192 + 264;
	struct td_frame frame;

	if (size >= TD_FRAME_HEADER_BYTES && choice & FIX_HEADER) {
		size_t body = td_le32_get(bytes + 24);

		if (choice & FIX_BODY && body <= size - TD_FRAME_HEADER_BYTES)
			td_le64_put(bytes + 56, td_hash(bytes + TD_FRAME_HEADER_BYTES, body, 0));
		td_le32_put(bytes, TD_FRAME_MAGIC);
		td_le64_put(bytes + 8, SALT ^ offset);
		td_le32_put(bytes + 4, td_crc32c(0, bytes + 8, TD_FRAME_HEADER_BYTES - 8));
	}
	uint8_t *plain = malloc(size + 1);
	CHECK(plain != NULL);
	if (open_frame(bytes, size, offset, plain, &frame) == TD_FLAW_NONE)
		build_again(&frame, bytes);
	free(plain);
}

/* Two bytes a record: its length and what it is filled with; then where the frame lies. */
static void build(unsigned choice, const uint8_t *script, size_t size)
{
	static uint8_t plain[2 * SIZE_MOST];
	bool strict = choice & STRICT;
	uint64_t offset = strict ? 8192 : 4096 + 8 * (uint64_t)(size > 0 ? script[size - 1] : 0);
	const struct td_frame_fields fields = {
		SALT, offset, 77, 4096, 1, size < 2 ? TD_FRAME_MARK : 0, NULL, 1};
	struct td_frame_builder builder;
	struct td_frame frame;
	static uint8_t body[256 * 5];

	td_frame_reset(&builder, built, SIZE_MOST, strict);
	for (size_t i = 0; i + 1 < size; i += 2) {
		size_t bytes = 1 + 5 * (size_t)script[i];
		const struct td_text parts[2] = {{"\2", 1}, {(const char *)body, bytes - 1}};

		if (!td_frame_room(&builder, 1, bytes))
			break;
		memset(body, script[i + 1], sizeof(body));
		if (script[i] == 255)
			td_frame_put_hole(&builder, 77 + builder.positions, 1 + script[i + 1]);
		else
			td_frame_put(&builder, parts, 2);
	}
	size_t len = td_frame_finish(&builder, &fields);
	CHECK(td_frame_zero_piece(built, offset, len) == TD_NO_PIECE);
	CHECK(open_frame(built, len, offset, plain, &frame) == TD_FLAW_NONE);
	CHECK(frame.next_position == 77 + builder.positions);
	size_t at = size > 0 ? (size_t)script[0] * 131 % len : 0;
	built[at] ^= (uint8_t)(1 + size % 255);
	CHECK(open_frame(built, len, offset, plain, &frame) != TD_FLAW_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || size > SIZE_MOST)
		return 0;
	if (data[0] & BUILD) {
		build(data[0], data + 1, size - 1);
		return 0;
	}
	uint8_t *bytes = malloc(size); /* exactly sized, aligned */
	CHECK(bytes != NULL);
	memcpy(bytes, data + 1, size - 1);
	read_bytes(data[0], bytes, size - 1);
	free(bytes);
	return 0;
}
