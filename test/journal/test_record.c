#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "frame_test.h"

static size_t record_of(uint8_t *at, const void *body, size_t bytes)
{
	memset(at, 0, td_record_size(bytes));
	td_le32_put(at, (uint32_t)(TD_RECORD_HEAD_BYTES + bytes));
	td_le32_put(at + 4, td_crc32c(0, body, bytes));
	memcpy(at + TD_RECORD_HEAD_BYTES, body, bytes);
	return td_record_size(bytes);
}

static void a_record_is_length_checksum_body_and_padding(void **state)
{
	const uint8_t bytes[] = {
		13, 0, 0, 0, 0x9B, 0xE8, 0xFF, 0xEF, 2, 'a', 'b', 'c', 'd', 0, 0, 0};
	struct td_frame_record record;

	(void)state;
	assert_int_equal(td_record_parse(bytes, sizeof(bytes), &record), TD_FLAW_NONE);
	assert_int_equal(record.bytes, 5);
	assert_int_equal(record.kind, 2);
	assert_memory_equal(record.body, "\2abcd", 5);
	assert_true(record.positions == 1 && record.position == 0 && record.offset == 0);
}

static void any_bit_flipped_in_a_record_is_noticed(void **state)
{
	uint8_t bytes[64];
	struct td_frame_record record;

	(void)state;
	for (size_t body = 1; body <= 30; body++) {
		size_t size = record_of(bytes, "\2abcdefghijklmnopqrstuvwxyz01234", body);

		for (size_t bit = 0; bit < 8 * size; bit++) {
			bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_not_equal(td_record_parse(bytes, size, &record), 0);
			bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		assert_int_equal(td_record_parse(bytes, size, &record), 0);
		for (size_t len = 0; len < size; len++)
			assert_int_equal(td_record_parse(bytes, len, &record), TD_FLAW_SHORT);
	}
}

static void lengths_that_no_record_has_are_refused(void **state)
{
	const uint32_t lengths[] = {0, 1, 7, 8, (16u << 20) - 103, 0x7FFFFFFF, 0xFFFFFFFF};
	uint8_t bytes[64] = {0};
	struct td_frame_record record;

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		td_le32_put(bytes, lengths[i]);
		assert_int_equal(td_record_parse(bytes, sizeof(bytes), &record), TD_FLAW_RECORD);
		assert_int_equal(td_record_stored_size(bytes, 4096, SALT, 0), 0);
	}
	td_le32_put(bytes, (16u << 20) - 104);
	assert_int_equal(td_record_stored_size(bytes, 4096, SALT, 0), (16u << 20) - 104);
	assert_int_equal(td_record_parse(bytes, sizeof(bytes), &record), TD_FLAW_SHORT);
}

static void kind_0_is_nobodys(void **state)
{
	uint8_t bytes[64];
	struct td_frame_record record;

	(void)state;
	record_of(bytes, "\0ab", 3);
	assert_int_equal(td_record_parse(bytes, 16, &record), TD_FLAW_RECORD);
}

static enum td_flaw flaw_of_hole(uint64_t kind, uint64_t first, uint64_t count, size_t bytes)
{
	uint8_t body[32] = {0}, stored[64];
	struct td_frame_record record;

	td_le64_put(body, kind);
	td_le64_put(body + 8, first);
	td_le64_put(body + 16, count);
	enum td_flaw flaw = td_record_parse(stored, record_of(stored, body, bytes), &record);
	if (flaw == TD_FLAW_NONE)
		assert_true(record.position == first && record.positions == count);
	return flaw;
}

static void a_hole_has_positions_that_exist(void **state)
{
	(void)state;
	assert_int_equal(flaw_of_hole(1, 7, 3, 24), TD_FLAW_NONE);
	assert_int_equal(flaw_of_hole(1, 1, UINT64_MAX - 1, 24), TD_FLAW_NONE);
	assert_int_equal(flaw_of_hole(1, 2, UINT64_MAX - 1, 24), TD_FLAW_RECORD);
	assert_int_equal(flaw_of_hole(1, 0, 3, 24), TD_FLAW_RECORD);
	assert_int_equal(flaw_of_hole(1, 7, 0, 24), TD_FLAW_RECORD);
	assert_int_equal(flaw_of_hole(0x101, 7, 3, 24), TD_FLAW_RECORD);
	assert_int_equal(flaw_of_hole(1, 7, 3, 23), TD_FLAW_RECORD);
	assert_int_equal(flaw_of_hole(1, 7, 3, 25), TD_FLAW_RECORD);
}

/* Frames of several records, plain and whitened: each is read by its location alone. */
static void a_record_is_read_alone_whitened_or_not(void **state)
{
	static _Alignas(8) uint8_t buffer[1 << 16];
	uint32_t at[20];
	uint8_t slice[2048];
	struct td_frame_record record;

	(void)state;
	for (uint8_t fill = 0; fill < 2; fill++) {
		struct td_frame_builder builder;
		struct td_frame_fields fields = fields_at(4096 + 264);

		td_frame_reset(&builder, buffer, sizeof(buffer), false);
		for (size_t i = 0; i < 20; i++)
			at[i] = put_filled(&builder, 600 + i, fill);
		td_frame_finish(&builder, &fields);
		assert_int_equal(builder.whitening != 0, fill == 0);
		for (size_t i = 0; i < 20; i++) {
			uint64_t offset = fields.offset + at[i];
			size_t size = td_record_stored_size(
				buffer + at[i], offset, SALT, builder.whitening);

			assert_int_equal(size, td_record_size(600 + i));
			memcpy(slice, buffer + at[i], sizeof(slice));
			assert_int_equal(
				td_record_open(slice, 7, offset, SALT, builder.whitening, &record),
				TD_FLAW_SHORT);
			assert_int_equal(td_record_open(slice, size - 1, offset, SALT,
						 builder.whitening, &record),
				TD_FLAW_SHORT);
			assert_int_equal(td_record_open(slice, sizeof(slice), offset, SALT,
						 builder.whitening, &record),
				TD_FLAW_NONE);
			assert_int_equal(record.bytes, 600 + i);
			assert_int_equal(record.offset, offset);
			assert_int_equal(record.body[599], fill);
			/* nothing behind it was touched */
			assert_memory_equal(
				slice + size, buffer + at[i] + size, sizeof(slice) - size);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_is_length_checksum_body_and_padding),
		cmocka_unit_test(any_bit_flipped_in_a_record_is_noticed),
		cmocka_unit_test(lengths_that_no_record_has_are_refused),
		cmocka_unit_test(kind_0_is_nobodys),
		cmocka_unit_test(a_hole_has_positions_that_exist),
		cmocka_unit_test(a_record_is_read_alone_whitened_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
