/*
 * The test of recovery for a torn write, against every way in which sectors can fail to arrive.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "frame_test.h"
#include "journal/segment_format.h"
#include "journal_test.h"

#define SECTOR TD_PIECE_BYTES
#define ROOM   ((size_t)16 << 10)
#define PIECES 10

static _Alignas(8) uint8_t frame[ROOM];
static uint8_t disk[ROOM], plain[ROOM];

/* Behind the last byte that is not zero, as an offset of the segment. */
static uint64_t nonzero_end(uint64_t offset)
{
	size_t end = ROOM;

	while (end > 0 && disk[end - 1] == 0)
		end--;
	return offset + end;
}

enum found { ENDED, VALID, TORN, DAMAGED };

/* The rule of doc/format/journal.md, for what lies at `offset`. */
static enum found judge(uint64_t offset)
{
	struct td_frame_header header;
	struct td_frame opened;
	uint64_t end = nonzero_end(offset), stated = 0;

	if (end == offset)
		return ENDED;
	if (td_frame_check(disk, ROOM, SALT, offset, offset + ROOM, &header) == TD_FLAW_NONE) {
		if (td_frame_open(&header, disk + TD_FRAME_HEADER_BYTES, SALT, plain, &opened) == 0)
			return VALID;
		stated = offset + td_frame_bytes(&header);
	}
	uint64_t torn_end = td_frame_torn_end(offset, stated, end);
	if (end > torn_end)
		return DAMAGED;
	return td_frame_zero_piece(disk, offset, torn_end - offset) != TD_NO_PIECE ? TORN : DAMAGED;
}

/* Only the pieces in the set arrived. */
static void arrive(uint64_t offset, size_t len, unsigned set)
{
	memset(disk, 0, ROOM);
	for (size_t at = 0, piece, number = 0; at < len; at += piece, number++) {
		piece = SECTOR - (offset + at) % SECTOR;
		if (piece > len - at)
			piece = len - at;
		if (set & 1u << number)
			memcpy(disk + at, frame + at, piece);
	}
}

static unsigned pieces_of(uint64_t offset, size_t len)
{
	return (unsigned)((offset + len - 1) / SECTOR - offset / SECTOR + 1);
}

static size_t build(uint64_t offset, size_t bytes, uint8_t fill, bool strict)
{
	struct td_frame_builder builder;
	struct td_frame_fields fields = fields_at(offset);

	td_frame_reset(&builder, frame, ROOM, strict);
	if (bytes > 0)
		put_filled(&builder, bytes, fill);
	else
		fields.flags = TD_FRAME_MARK;
	return td_frame_finish(&builder, &fields);
}

static void every_set_of_sectors(uint64_t offset, size_t len)
{
	unsigned all = (1u << pieces_of(offset, len)) - 1;

	for (unsigned set = 0; set <= all; set++) {
		arrive(offset, len, set);
		enum found wanted = set == 0 ? ENDED : set == all ? VALID : TORN;
		assert_int_equal(judge(offset), wanted);
	}
}

static void a_write_of_which_any_sectors_are_missing_is_torn(void **state)
{
	static const size_t bytes[] = {0, 1, 9, 200, 300, 392, 400, 408, 900, 1500};

	(void)state;
	for (uint64_t offset = 4096; offset < 4096 + SECTOR; offset += 8)
		for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++)
			for (uint8_t fill = 0; fill < 2; fill++)
				every_set_of_sectors(offset, build(offset, bytes[i], fill, false));
	every_set_of_sectors(8192, build(8192, 0, 0, true));
	every_set_of_sectors(8192, build(8192, 700, 0, true));
}

static void a_sector_that_arrived_and_changed_since_is_damage(void **state)
{
	const uint64_t offset = 4096 + 264;

	(void)state;
	for (uint8_t fill = 0; fill < 2; fill++) {
		size_t len = build(offset, 900, fill, false);

		assert_true(pieces_of(offset, len) <= PIECES);
		for (size_t bit = 0; bit < 8 * len; bit++) {
			arrive(offset, len, (1u << PIECES) - 1);
			disk[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_equal(judge(offset), DAMAGED);
		}
		/* garbage behind a frame that never ended there */
		arrive(offset, len, 1);
		disk[len + 1] = 7;
		assert_int_equal(judge(offset), DAMAGED);
	}
}

/* Offset of the last frame of a segment's file, and of its end. */
static uint64_t last_frame(FILE *file, uint64_t *end)
{
	static uint8_t bytes[1 << 16];
	struct td_segment_header segment;
	struct td_frame_header header;
	uint64_t last = 0;

	rewind(file);
	assert_int_equal(fread(bytes, 1, sizeof(bytes), file), sizeof(bytes));
	assert_int_equal(td_segment_header_decode(bytes, TD_PAGE_BYTES, &segment), 0);
	for (*end = TD_FRAMES_FROM; td_frame_check(bytes + *end, sizeof(bytes) - *end, segment.salt,
					    *end, sizeof(bytes), &header) == TD_FLAW_NONE;) {
		last = *end;
		*end += td_frame_bytes(&header);
	}
	return last;
}

/* Recovery, where the last frame arrived up to the end of its first sector, and no further. */
static void a_journal_is_cut_where_only_the_first_sector_arrived(void **state)
{
	unsigned split = 0;

	(void)state;
	for (size_t bytes = 9; bytes < 9 + SECTOR; bytes += 8) {
		static const char zeros[1 << 13];
		struct scene scene;
		char path[128];
		uint64_t end;

		/* the last frame begins behind a mark and the first, by which its place is chosen */
		if ((2 * TD_FRAME_HEADER_BYTES + td_record_size(bytes)) % SECTOR < 400 &&
			bytes % 64 > 9)
			continue;
		scene_begin(&scene);
		scene.options.segment_bytes_first = 1 << 16;
		scene_open(&scene);
		scene_append(&scene, 1, bytes);
		scene_append(&scene, 1, 2000);
		scene_drop(&scene);
		snprintf(path, sizeof(path), "%s/seg-%016x.log", scene.path, 1);
		FILE *file = fopen(path, "r+b");
		assert_non_null(file);
		uint64_t start = last_frame(file, &end);
		uint64_t sector = (start / SECTOR + 1) * SECTOR;
		split += sector - start < TD_FRAME_HEADER_BYTES;
		assert_int_equal(fseek(file, (long)sector, SEEK_SET), 0);
		assert_int_equal(fwrite(zeros, 1, end - sector, file), end - sector);
		fclose(file);

		scene_open(&scene);
		assert_int_equal(scene.report.tail, TD_TAIL_TORN);
		assert_true(scene.report.position == 2);
		scene_check(&scene);
		scene_end(&scene);
	}
	assert_in_range(split, 12, 13); /* headers that lay across two sectors */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_write_of_which_any_sectors_are_missing_is_torn),
		cmocka_unit_test(a_sector_that_arrived_and_changed_since_is_damage),
		cmocka_unit_test(a_journal_is_cut_where_only_the_first_sector_arrived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
