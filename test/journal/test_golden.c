/*
 * A small store, byte for byte: test/journal/golden/ was written once and is read by every later
 * version, here and by tools/journal-read.py, which shares no line with the library.
 *
 *	seg 1, sealed     three frames: records, a hole and a whitened record; a mark; the seal
 *	seg 6, active     frames of many lengths, then zeros
 *	CONTROL.a, .b     generations 4 and 3; not closed in order
 *
 * TD_GOLDEN_WRITE=1 writes the files anew, for a change of the format that means to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/chain.h"
#include "journal/control.h"
#include "journal/segment_format.h"

#define SEGMENT_BYTES 16384
#define TIME          1700000000000000000

static _Alignas(8) uint8_t segments[2][SEGMENT_BYTES];
static uint8_t controls[2][TD_PAGE_BYTES];

/* A segment being written, and the chain through all of them. */
struct writer {
	struct td_segment_header header;
	uint8_t *bytes;
	uint64_t at, position, frames;
	struct td_frame_builder builder;
	struct td_sha256 sha;
	uint8_t chain[TD_CHAIN_BYTES];
	int64_t time;
};

static void begin_segment(struct writer *writer, uint8_t *bytes, uint32_t number, uint64_t salt)
{
	writer->header = (struct td_segment_header){
		.features = {.ro_compat = TD_RO_COMPAT_CHAIN},
		.base = writer->position,
		.salt = salt,
		.number = number,
		.bytes = SEGMENT_BYTES,
		.time = writer->time,
	};
	for (uint8_t i = 0; i < TD_STORE_BYTES; i++)
		writer->header.store[i] = (uint8_t)(0xA0 + i);
	memcpy(writer->header.chain, writer->chain, TD_CHAIN_BYTES);
	td_segment_header_encode(&writer->header, bytes);
	writer->bytes = bytes;
	writer->at = TD_FRAMES_FROM;
	writer->frames = 0;
}

static struct td_frame_builder *begin_frame(struct writer *writer)
{
	td_frame_reset(&writer->builder, writer->bytes + writer->at,
		SEGMENT_BYTES - TD_PAGE_BYTES - writer->at, false);
	return &writer->builder;
}

static void end_frame(struct writer *writer, uint64_t flags)
{
	const struct td_frame_fields fields = {writer->header.salt, writer->at, writer->position,
		writer->at, 2, flags, writer->chain, writer->time++};
	size_t size = td_frame_finish(&writer->builder, &fields);

	td_frame_chain(&writer->sha, writer->bytes + writer->at, size, writer->chain);
	writer->position += writer->builder.positions;
	writer->at += size;
	writer->frames++;
}

static void seal(struct writer *writer, uint64_t missing)
{
	struct td_hash128_state hash;
	struct td_segment_footer footer = {
		.next_position = writer->position,
		.end = writer->at,
		.frames = writer->frames,
		.records = writer->position - writer->header.base - missing,
		.missing = missing,
		.time_first = writer->header.time,
		.time_last = writer->time - 1,
	};

	td_hash128_reset(&hash);
	td_hash128_add(&hash, writer->bytes, writer->at);
	footer.hash = td_hash128_digest(&hash);
	memcpy(footer.chain, writer->chain, TD_CHAIN_BYTES);
	td_segment_footer_encode(
		&footer, &writer->header, writer->bytes + SEGMENT_BYTES - TD_PAGE_BYTES);
}

static void write_segments(struct writer *writer)
{
	static const char zeros[1500];
	static const size_t lengths[] = {
		16, 24, 32, 40, 64, 96, 104, 128, 136, 240, 248, 1024, 1032, 1096};
	struct td_frame_builder *frame;

	begin_segment(writer, segments[0], 1, 0x0123456789ABCDEFu);
	frame = begin_frame(writer);
	td_frame_put(frame, &(struct td_text){"\2one", 4}, 1);
	td_frame_put(frame, &(struct td_text){"\2two of two", 11}, 1);
	end_frame(writer, 0);
	frame = begin_frame(writer);
	td_frame_put_hole(frame, 3, 2);
	td_frame_put(frame, (const struct td_text[]){{"\3zeros", 6}, {zeros, sizeof(zeros)}}, 2);
	end_frame(writer, 0);
	begin_frame(writer);
	end_frame(writer, TD_FRAME_MARK);
	begin_frame(writer);
	end_frame(writer, TD_FRAME_SEAL);
	seal(writer, 2);
	begin_segment(writer, segments[1], 2, 0xFEDCBA9876543210u);
	frame = begin_frame(writer);
	td_frame_put(frame, &(struct td_text){"\2six", 4}, 1);
	for (uint8_t i = 0; i < 9; i++) {
		char body[40] = {2};

		memset(body + 1, 'a' + i, sizeof(body) - 1);
		td_frame_put(frame, &(struct td_text){body, 1 + 4u * i}, 1);
	}
	end_frame(writer, 0);
	/* a body of each kind of length that XXH3 tells apart, at its bounds */
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		char body[2048] = {2};

		for (size_t k = 1; k < lengths[i]; k++)
			body[k] = (char)(k * 37 + i);
		frame = begin_frame(writer);
		td_frame_put(frame, &(struct td_text){body, lengths[i] - 8}, 1);
		end_frame(writer, 0);
	}
}

static void write_control(const struct writer *writer, unsigned copy, uint64_t generation)
{
	struct td_control control = {
		.features = writer->header.features,
		.generation = generation,
		.epoch = 2,
		.time = TIME + (int64_t)generation,
		.first_segment = 1,
		.active_segment = 2,
		.first_position = 1,
		.active_base = 6,
	};

	memcpy(control.store, writer->header.store, TD_STORE_BYTES);
	memcpy(control.sealed_chain, writer->header.chain, TD_CHAIN_BYTES);
	td_control_encode(&control, controls[copy]);
}

/* Read or, if that was asked for, write. */
static void with_file(const char *name, const uint8_t *made, uint8_t *stored, size_t len)
{
	const char *folder = getenv("TD_GOLDEN");
	bool write = getenv("TD_GOLDEN_WRITE") != NULL;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder ? folder : "../test/journal/golden", name);
	FILE *file = fopen(path, write ? "wb" : "rb");
	if (file == NULL)
		fail_msg("%s: cannot be opened", path);
	if (write) {
		assert_int_equal(fwrite(made, 1, len, file), len);
		memcpy(stored, made, len);
	} else {
		assert_int_equal(fread(stored, 1, len, file), len);
		assert_int_equal(fgetc(file), EOF);
	}
	fclose(file);
}

static void this_version_writes_the_golden_bytes(void **state)
{
	static uint8_t stored[SEGMENT_BYTES];
	struct writer writer = {.position = 1, .time = TIME};
	char name[TD_SEGMENT_NAME_BYTES];

	(void)state;
	assert_int_equal(td_sha256_init(&writer.sha, NULL), 0);
	write_segments(&writer);
	write_control(&writer, 0, 4);
	write_control(&writer, 1, 3);
	td_sha256_fini(&writer.sha);

	td_segment_name(name, 1);
	with_file(name, segments[0], stored, SEGMENT_BYTES);
	assert_memory_equal(stored, segments[0], SEGMENT_BYTES);
	td_segment_name(name, 6);
	with_file(name, segments[1], stored, SEGMENT_BYTES);
	assert_memory_equal(stored, segments[1], SEGMENT_BYTES);
	with_file("CONTROL.a", controls[0], stored, TD_PAGE_BYTES);
	assert_memory_equal(stored, controls[0], TD_PAGE_BYTES);
	with_file("CONTROL.b", controls[1], stored, TD_PAGE_BYTES);
	assert_memory_equal(stored, controls[1], TD_PAGE_BYTES);
}

/* Every frame of a segment; the positions behind the last. */
static uint64_t read_frames(const uint8_t *bytes, uint64_t end, uint8_t chain[TD_CHAIN_BYTES])
{
	static uint8_t plain[SEGMENT_BYTES];
	struct td_segment_header segment;
	struct td_sha256 sha = TD_SHA256_INIT;

	assert_int_equal(td_segment_header_decode(bytes, TD_PAGE_BYTES, &segment), 0);
	assert_memory_equal(segment.chain, chain, TD_CHAIN_BYTES);
	assert_int_equal(td_sha256_init(&sha, NULL), 0);
	uint64_t position = segment.base;
	for (uint64_t at = TD_FRAMES_FROM; at < end;) {
		struct td_frame_header header;
		struct td_frame frame;

		assert_int_equal(
			td_frame_check(bytes + at, end - at, segment.salt, at, end, &header), 0);
		assert_memory_equal(header.chain, chain, TD_CHAIN_BYTES);
		assert_true(header.first_position == position);
		assert_true(td_frame_zero_piece(bytes + at, at, td_frame_bytes(&header)) ==
			    TD_NO_PIECE);
		assert_int_equal(td_frame_open(&header, bytes + at + TD_FRAME_HEADER_BYTES,
					 segment.salt, plain, &frame),
			0);
		position = frame.next_position;
		td_frame_chain(&sha, bytes + at, td_frame_bytes(&header), chain);
		at += td_frame_bytes(&header);
	}
	td_sha256_fini(&sha);
	return position;
}

/* Where the frames of a segment that is not sealed end: there is no zero word in this one's. */
static uint64_t stored_end(const uint8_t *bytes)
{
	uint64_t end = SEGMENT_BYTES;

	while (td_le64_get(bytes + end - 8) == 0)
		end -= 8;
	return end;
}

static void the_golden_store_is_read_from_end_to_end(void **state)
{
	static uint8_t stored[2][SEGMENT_BYTES];
	uint8_t chain[TD_CHAIN_BYTES] = {0};
	struct td_segment_header header;
	struct td_segment_footer footer;
	struct td_hash128_state hash;

	(void)state;
	with_file("seg-0000000000000001.log", segments[0], stored[0], SEGMENT_BYTES);
	with_file("seg-0000000000000006.log", segments[1], stored[1], SEGMENT_BYTES);
	assert_int_equal(td_segment_header_decode(stored[0], TD_PAGE_BYTES, &header), 0);
	assert_int_equal(td_segment_footer_decode(stored[0] + SEGMENT_BYTES - TD_PAGE_BYTES,
				 TD_PAGE_BYTES, &header, &footer),
		0);
	td_hash128_reset(&hash);
	td_hash128_add(&hash, stored[0], footer.end);
	struct td_hash128 found = td_hash128_digest(&hash);
	assert_true(found.low == footer.hash.low && found.high == footer.hash.high);
	assert_true(read_frames(stored[0], footer.end, chain) == footer.next_position);
	assert_true(footer.next_position == 6 && footer.missing == 2 && footer.frames == 4);
	assert_memory_equal(chain, footer.chain, TD_CHAIN_BYTES);

	assert_true(read_frames(stored[1], stored_end(stored[1]), chain) == 16 + 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(this_version_writes_the_golden_bytes),
		cmocka_unit_test(the_golden_store_is_read_from_end_to_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
