/*
 * Records alone. The first byte says whether the checksum is made right, and the pattern.
 *
 *	1. nothing outside the bytes is read, whatever length they state;
 *	2. what is valid, put by the builder, is the same bytes: there is one way to write each;
 *	3. whitened and opened by its location it is the same, and nothing behind it is touched.
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
#define OFFSET    4200
#define SIZE_MOST ((size_t)1 << 16)
#define FIX       8u

static void fix(uint8_t *bytes, size_t size)
{
	if (size < TD_RECORD_HEAD_BYTES)
		return;
	uint32_t length = td_le32_get(bytes);
	if (length >= TD_RECORD_HEAD_BYTES && length <= size)
		td_le32_put(bytes + 4, td_crc32c(0, bytes + 8, length - 8));
}

static void put_again(const struct td_frame_record *record, const uint8_t *bytes)
{
	static _Alignas(8) uint8_t buffer[2 * SIZE_MOST];
	const struct td_text body = td_text_of(record->body, record->bytes);
	struct td_frame_builder builder;
	uint32_t at;

	td_frame_reset(&builder, buffer, sizeof(buffer), false);
	if (record->kind == TD_RECORD_HOLE)
		at = td_frame_put_hole(&builder, record->position, record->positions);
	else
		at = td_frame_put(&builder, &body, 1);
	CHECK(builder.positions == record->positions);
	const struct td_frame_fields fields = {.salt = SALT,
		.offset = OFFSET - TD_FRAME_HEADER_BYTES,
		.first_position = record->kind == TD_RECORD_HOLE ? record->position : 1,
		.durable_end = TD_FRAMES_FROM,
		.epoch = 1,
		.time = 1};
	td_frame_finish(&builder, &fields);
	size_t size = td_record_size(record->bytes);
	td_whiten(buffer + at, buffer + at, size, OFFSET, SALT, builder.whitening);
	CHECK(memcmp(buffer + at, bytes, size) == 0);
}

static void read_alone(
	const struct td_frame_record *record, uint8_t *bytes, size_t size, unsigned pattern)
{
	size_t stored = td_record_size(record->bytes);
	uint8_t *copy = malloc(size);
	struct td_frame_record found;

	CHECK(copy != NULL);
	memcpy(copy, bytes, size);
	td_whiten(copy, bytes, stored, OFFSET, SALT, pattern);
	CHECK(td_record_stored_size(copy, OFFSET, SALT, pattern) == stored);
	CHECK(td_record_open(copy, stored - 1, OFFSET, SALT, pattern, &found) == TD_FLAW_SHORT);
	CHECK(td_record_open(copy, size, OFFSET, SALT, pattern, &found) == TD_FLAW_NONE);
	CHECK(found.offset == OFFSET && found.kind == record->kind && found.bytes == record->bytes);
	CHECK(memcmp(copy, bytes, size) == 0);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct td_frame_record record;

	if (size == 0 || size > SIZE_MOST)
		return 0;
	uint8_t *bytes = malloc(size);
	CHECK(bytes != NULL);
	uint8_t *exact = bytes + 1; /* ends where the allocation ends */
	memcpy(exact, data + 1, size - 1);
	size--;
	if (data[0] & FIX)
		fix(exact, size);
	if (td_record_parse(exact, size, &record) == TD_FLAW_NONE) {
		CHECK(record.body == exact + TD_RECORD_HEAD_BYTES && record.bytes > 0);
		CHECK(td_record_size(record.bytes) <= size && record.positions > 0);
		CHECK(record.body[0] == record.kind && record.kind != 0);
		put_again(&record, exact);
		read_alone(&record, exact, size, data[0] & 7);
	}
	if (size >= TD_RECORD_HEAD_BYTES)
		td_record_open(exact, size, OFFSET, SALT, data[0] & 7, &record);
	free(bytes);
	return 0;
}
