#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "frame_test.h"

static _Alignas(8) uint8_t buffer[1 << 17];
static uint8_t plain[sizeof(buffer)];

static void a_frame_gives_back_what_was_put(void **state)
{
	struct td_frame_builder builder;
	struct td_frame_fields fields = fields_at(8192);
	const struct td_text parts[] = {{"\2one", 4}, {NULL, 0}, {" two", 4}, {" three", 6}};
	struct td_frame frame;
	struct td_frame_walk walk;
	struct td_frame_record record;

	(void)state;
	fields.durable_end = 8192;
	fields.flags = TD_FRAME_SEAL;
	td_frame_reset(&builder, buffer, sizeof(buffer), false);
	assert_int_equal(td_frame_put(&builder, parts, 4), 104);
	assert_int_equal(td_frame_put_hole(&builder, 1001, 500), 104 + 24);
	assert_int_equal(td_frame_put(&builder, parts, 1), 104 + 24 + 32);
	assert_int_equal(td_frame_size(&builder), 104 + 24 + 32 + 16);
	size_t size = td_frame_finish(&builder, &fields);
	assert_int_equal(size, 104 + 24 + 32 + 16);

	assert_int_equal(open_all(buffer, size, 8192, NULL, &frame), TD_FLAW_NONE);
	assert_int_equal(td_frame_bytes(&frame.header), size);
	assert_true(frame.header.offset == 8192 && frame.header.first_position == 1000);
	assert_true(frame.header.records == 3 && frame.header.durable_end == 8192);
	assert_true(frame.header.epoch == 3 && frame.header.flags == TD_FRAME_SEAL);
	assert_true(frame.header.time == fields.time && td_frame_whitening(&frame.header) == 0);
	assert_memory_equal(frame.header.chain, fields.chain, TD_CHAIN_BYTES);
	assert_true(frame.next_position == 1502);

	td_frame_walk(&walk, &frame);
	assert_true(td_frame_next(&walk, &record));
	assert_int_equal(record.bytes, 14);
	assert_memory_equal(record.body, "\2one two three", 14);
	assert_true(record.position == 1000 && record.offset == 8192 + 104 && record.kind == 2);
	assert_true(td_frame_next(&walk, &record));
	assert_true(record.kind == TD_RECORD_HOLE && record.position == 1001);
	assert_true(record.positions == 500);
	assert_true(td_frame_next(&walk, &record));
	assert_true(record.position == 1501 && record.bytes == 4 && record.positions == 1);
	assert_false(td_frame_next(&walk, &record));
	assert_false(td_frame_next(&walk, &record));
}

static void a_mark_has_no_records(void **state)
{
	struct td_frame_builder builder;
	struct td_frame_fields fields = fields_at(4096);
	struct td_frame frame;
	struct td_frame_walk walk;
	struct td_frame_record record;

	(void)state;
	fields.flags = TD_FRAME_MARK;
	td_frame_reset(&builder, buffer, TD_FRAME_HEADER_BYTES, false);
	assert_int_equal(td_frame_finish(&builder, &fields), TD_FRAME_HEADER_BYTES);
	assert_int_equal(open_all(buffer, 104, 4096, NULL, &frame), TD_FLAW_NONE);
	assert_true(frame.next_position == 1000);
	td_frame_walk(&walk, &frame);
	assert_false(td_frame_next(&walk, &record));
}

static void room_is_what_put_can_take(void **state)
{
	struct td_frame_builder builder;

	(void)state;
	for (size_t capacity = 104; capacity < 300; capacity++) {
		td_frame_reset(&builder, buffer, capacity, false);
		size_t left = (capacity & ~(size_t)7) - 104;
		/* exact for one */
		for (size_t bytes = 1; bytes < 300; bytes++)
			assert_int_equal(
				td_frame_room(&builder, 1, bytes), td_record_size(bytes) <= left);
		/* safe for several of any lengths */
		for (size_t records = 1; records < 12; records++)
			for (size_t bytes = records; bytes < 200; bytes++) {
				size_t most = (records - 1) * td_record_size(1) +
					      td_record_size(bytes - records + 1);

				if (td_frame_room(&builder, records, bytes))
					assert_true(most <= left);
			}
	}
	td_frame_reset(&builder, buffer, sizeof(buffer), false);
	assert_false(td_frame_room(&builder, SIZE_MAX, 1));
	assert_false(td_frame_room(&builder, 1, SIZE_MAX));
	assert_false(td_frame_room(&builder, SIZE_MAX / 8, SIZE_MAX / 8));
}

static void a_strict_frame_is_filled_to_4_KiB(void **state)
{
	struct td_frame_builder builder;
	struct td_frame frame;

	(void)state;
	for (size_t bytes = 1; bytes < 9000; bytes += 61) {
		struct td_frame_fields fields = fields_at(8192);

		td_frame_reset(&builder, buffer, 1 << 14, true);
		put_filled(&builder, bytes, 0);
		size_t wanted = td_frame_size(&builder);
		size_t size = td_frame_finish(&builder, &fields);
		assert_int_equal(size % 4096, 0);
		assert_int_equal(size, wanted);
		assert_true(size - 104 - td_record_size(bytes) < 4096);
		assert_true(td_frame_zero_piece(buffer, 8192, size) == TD_NO_PIECE);
		assert_int_equal(open_all(buffer, size, 8192, plain, &frame), TD_FLAW_NONE);
		assert_int_equal(frame.record_bytes, td_record_size(bytes));
		assert_true(frame.header.flags & TD_FRAME_STRICT);
	}
}

static void no_piece_of_a_frame_is_zero_wherever_it_lies(void **state)
{
	struct td_frame_builder builder;
	struct td_frame frame;
	struct td_frame_walk walk;
	struct td_frame_record record;

	(void)state;
	for (uint64_t offset = 4096; offset <= 4096 + 1024; offset += 8)
		for (size_t bytes = 1; bytes < 1600; bytes += bytes % 11 + 1) {
			struct td_frame_fields fields = fields_at(offset);

			td_frame_reset(&builder, buffer, sizeof(buffer), false);
			put_filled(&builder, bytes, 0);
			put_filled(&builder, 1, 0);
			size_t size = td_frame_finish(&builder, &fields);
			assert_true(td_frame_zero_piece(buffer, offset, size) == TD_NO_PIECE);
			assert_int_equal(open_all(buffer, size, offset, plain, &frame), 0);
			td_frame_walk(&walk, &frame);
			assert_true(td_frame_next(&walk, &record) && record.bytes == bytes);
		}
}

static void a_whitened_frame_is_opened_in_place_or_apart(void **state)
{
	struct td_frame_builder builder;
	struct td_frame_fields fields = fields_at(4096);
	struct td_frame_header header;
	struct td_frame frame;

	(void)state;
	td_frame_reset(&builder, buffer, sizeof(buffer), false);
	put_filled(&builder, 5000, 0);
	size_t size = td_frame_finish(&builder, &fields);
	assert_int_equal(builder.whitening, 1);
	assert_int_equal(td_frame_check(buffer, size, SALT, 4096, 4096 + size, &header), 0);
	assert_int_equal(td_frame_open(&header, buffer + 104, SALT, plain, &frame), 0);
	assert_ptr_equal(frame.body, plain);
	assert_int_equal(td_frame_open(&header, buffer + 104, SALT, buffer + 104, &frame), 0);
	assert_ptr_equal(frame.body, buffer + 104);
	assert_memory_equal(buffer + 104, plain, header.body_bytes);
}

static void any_bit_flipped_in_a_frame_is_noticed(void **state)
{
	struct td_frame_builder builder;
	struct td_frame frame;

	(void)state;
	for (int kind = 0; kind < 3; kind++) { /* plain, whitened, strict */
		struct td_frame_fields fields = fields_at(8192);

		td_frame_reset(&builder, buffer, 1 << 14, kind == 2);
		put_filled(&builder, 77, 'x');
		td_frame_put_hole(&builder, 1001, 2);
		put_filled(&builder, 1500, kind == 1 ? 0 : 'y');
		size_t size = td_frame_finish(&builder, &fields);
		for (size_t bit = 0; bit < 8 * size; bit++) {
			buffer[bit / 8] ^= (uint8_t)(1 << bit % 8);
			enum td_flaw flaw = open_all(buffer, size, 8192, plain, &frame);
			assert_int_equal(flaw, bit < 32        ? TD_FLAW_MAGIC
					       : bit < 8 * 104 ? TD_FLAW_CHECKSUM
							       : TD_FLAW_BODY);
			buffer[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		assert_int_equal(open_all(buffer, size, 8192, plain, &frame), TD_FLAW_NONE);
	}
}

static void a_frame_elsewhere_is_not_believed(void **state)
{
	struct td_frame_builder builder;
	struct td_frame_fields fields = fields_at(8192);
	struct td_frame_header header;

	(void)state;
	td_frame_reset(&builder, buffer, sizeof(buffer), false);
	put_filled(&builder, 77, 'x');
	size_t size = td_frame_finish(&builder, &fields);
	const uint64_t end = 1 << 20;
	assert_int_equal(td_frame_check(buffer, size, SALT, 8192, end, &header), 0);
	assert_int_equal(td_frame_check(buffer, size, SALT, 8200, end, &header), TD_FLAW_PLACE);
	assert_int_equal(td_frame_check(buffer, size, SALT + 1, 8192, end, &header), TD_FLAW_PLACE);
	assert_int_equal(td_frame_check(buffer, 103, SALT, 8192, end, &header), TD_FLAW_SHORT);
	/* the body need not be there yet, but must have room before the end */
	assert_int_equal(td_frame_check(buffer, 104, SALT, 8192, end, &header), 0);
	assert_int_equal(td_frame_check(buffer, size, SALT, 8192, 8192 + size, &header), 0);
	assert_int_equal(
		td_frame_check(buffer, size, SALT, 8192, 8191 + size, &header), TD_FLAW_BOUNDS);
}

/* A header with one field changed and its checksum right. */
static enum td_flaw flaw_with(size_t field, size_t width, uint64_t value, bool empty)
{
	struct td_frame_builder builder;
	struct td_frame_fields fields = fields_at(8192);
	struct td_frame frame;

	fields.flags = empty ? TD_FRAME_SEAL : 0;
	td_frame_reset(&builder, buffer, sizeof(buffer), false);
	if (!empty) {
		put_filled(&builder, 77, 'x');
		put_filled(&builder, 9, 'x');
	}
	size_t size = td_frame_finish(&builder, &fields);
	if (width == 4)
		td_le32_put(buffer + field, (uint32_t)value);
	else
		td_le64_put(buffer + field, value);
	td_le32_put(buffer + 4, td_crc32c(0, buffer + 8, 96));
	return open_all(buffer, size, 8192, plain, &frame);
}

static void fields_that_cannot_be_are_refused(void **state)
{
	static const struct {
		size_t field, width;
		uint64_t value;
		enum td_flaw flaw;
		bool empty;
	} rows[] = {
		{16, 8, 0, TD_FLAW_FIELD, false},
		{16, 8, UINT64_MAX, TD_FLAW_BOUNDS, false},
		{16, 8, UINT64_MAX - 2, TD_FLAW_NONE, false},
		{24, 4, 0, TD_FLAW_BOUNDS, false},
		{24, 4, 16, TD_FLAW_BOUNDS, false},
		{24, 4, 113, TD_FLAW_BOUNDS, false},
		{24, 4, 0xFFFFFFF8, TD_FLAW_BOUNDS, false},
		{24, 4, 104, TD_FLAW_BODY, false},
		{28, 4, 0xFFFFFFFF, TD_FLAW_BOUNDS, false},
		{28, 4, 0, TD_FLAW_FIELD, false},
		{28, 4, 1, TD_FLAW_RECORD, false},
		{28, 4, 3, TD_FLAW_RECORD, false},
		{28, 4, 1, TD_FLAW_BOUNDS, true},
		{32, 8, 8200, TD_FLAW_BOUNDS, false},
		{32, 8, 4097, TD_FLAW_BOUNDS, false},
		{32, 8, 4088, TD_FLAW_BOUNDS, false},
		{32, 8, 8192, TD_FLAW_NONE, false},
		{40, 8, 0, TD_FLAW_FIELD, false},
		{48, 8, TD_FRAME_MARK, TD_FLAW_FIELD, false},
		{48, 8, TD_FRAME_MARK | TD_FRAME_SEAL, TD_FLAW_NONE, true},
		{48, 8, 0, TD_FLAW_FIELD, true},
		{48, 8, TD_FRAME_STRICT, TD_FLAW_BOUNDS, false},
		{48, 8, TD_FRAME_COMPRESSED, TD_FLAW_FEATURE, false},
		{48, 8, TD_FRAME_ENCRYPTED, TD_FLAW_FEATURE, false},
		{48, 8, (uint64_t)1 << 31, TD_FLAW_FEATURE, false},
		{48, 8, (uint64_t)1 << 32, TD_FLAW_NONE, false},
		{48, 8, 1, TD_FLAW_RECORD, false}, /* whitened, says the header */
		{56, 8, 7, TD_FLAW_BODY, false},
		{96, 8, 0, TD_FLAW_FIELD, false},
		{96, 8, (uint64_t)1 << 63, TD_FLAW_FIELD, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum td_flaw flaw =
			flaw_with(rows[i].field, rows[i].width, rows[i].value, rows[i].empty);

		if (flaw != rows[i].flaw)
			print_message("row %zu\n", i);
		assert_int_equal(flaw, rows[i].flaw);
	}
}

static void a_hole_lies_where_positions_say(void **state)
{
	struct td_frame_builder builder;
	struct td_frame_fields fields = fields_at(4096);
	struct td_frame frame;

	(void)state;
	td_frame_reset(&builder, buffer, sizeof(buffer), false);
	put_filled(&builder, 10, 'x');
	td_frame_put_hole(&builder, 1001, 2);
	size_t size = td_frame_finish(&builder, &fields);
	assert_int_equal(open_all(buffer, size, 4096, NULL, &frame), TD_FLAW_NONE);
	td_le64_put(buffer + 16, 999);
	td_le32_put(buffer + 4, td_crc32c(0, buffer + 8, 96));
	assert_int_equal(open_all(buffer, size, 4096, NULL, &frame), TD_FLAW_RECORD);
}

static void flaws_have_words(void **state)
{
	(void)state;
	assert_string_equal(td_flaw_text(TD_FLAW_NONE), "valid");
	assert_string_equal(td_flaw_text(TD_FLAW_PLACE), "it was written for another place");
	assert_string_equal(td_flaw_text((enum td_flaw)99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_gives_back_what_was_put),
		cmocka_unit_test(a_mark_has_no_records),
		cmocka_unit_test(room_is_what_put_can_take),
		cmocka_unit_test(a_strict_frame_is_filled_to_4_KiB),
		cmocka_unit_test(no_piece_of_a_frame_is_zero_wherever_it_lies),
		cmocka_unit_test(a_whitened_frame_is_opened_in_place_or_apart),
		cmocka_unit_test(any_bit_flipped_in_a_frame_is_noticed),
		cmocka_unit_test(a_frame_elsewhere_is_not_believed),
		cmocka_unit_test(fields_that_cannot_be_are_refused),
		cmocka_unit_test(a_hole_lies_where_positions_say),
		cmocka_unit_test(flaws_have_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
