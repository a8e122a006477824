#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/base.h"
#include "journal/whiten.h"

#define SALT   0x0123456789ABCDEFu
#define SECTOR TD_PIECE_BYTES

static void a_pattern_applied_twice_is_undone(void **state)
{
	uint8_t plain[1024], there[1024], back[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (uint8_t)(i * 7);
	for (unsigned pattern = 0; pattern <= TD_PATTERNS; pattern++) {
		td_whiten(there, plain, sizeof(plain), 4096, SALT, pattern);
		assert_int_equal(memcmp(there, plain, sizeof(plain)) == 0, pattern == 0);
		td_whiten(back, there, sizeof(there), 4096, SALT, pattern);
		assert_memory_equal(back, plain, sizeof(plain));
	}
}

static void a_slice_is_whitened_as_in_the_whole(void **state)
{
	uint8_t whole[1024] = {0}, slice[256] = {0};

	(void)state;
	td_whiten(whole, whole, sizeof(whole), 8192, SALT, 3);
	td_whiten(slice, slice, sizeof(slice), 8192 + 264, SALT, 3);
	assert_memory_equal(slice, whole + 264, sizeof(slice));
}

/* What doc/format/journal.md says, for readers in other languages. */
static void the_word_of_a_pattern_is_the_published_one(void **state)
{
	uint8_t bytes[16] = {0};

	(void)state;
	td_whiten(bytes, bytes, sizeof(bytes), 4200, SALT, 2);
	for (uint64_t i = 0; i < 2; i++) {
		uint64_t x = SALT ^ (4200 + 8 * i);

		x = (x ^ x >> 32) * 0xD6E8FEB86659FD93u;
		x = (x ^ x >> 32) * 0xD6E8FEB86659FD93u;
		x ^= x >> 32;
		assert_true(td_le64_get(bytes + 8 * i) == (x ^ 2 * 0x9E3779B97F4A7C15u));
	}
}

static void the_seven_patterns_differ_in_every_word(void **state)
{
	(void)state;
	for (uint64_t offset = 4096; offset < 8192; offset += 8) {
		uint64_t words[TD_PATTERNS + 1];

		for (unsigned pattern = 0; pattern <= TD_PATTERNS; pattern++) {
			uint8_t word[8] = {0};

			td_whiten(word, word, 8, offset, SALT, pattern);
			words[pattern] = td_le64_get(word);
			for (unsigned i = 0; i < pattern; i++)
				assert_true(words[i] != words[pattern]);
		}
	}
}

static void zero_pieces_are_found_by_the_sectors_of_the_segment(void **state)
{
	uint8_t bytes[4 * SECTOR];

	(void)state;
	memset(bytes, 1, sizeof(bytes));
	assert_true(td_frame_zero_piece(bytes, 4096, sizeof(bytes)) == TD_NO_PIECE);
	assert_true(td_frame_zero_piece(bytes, 4096, 0) == TD_NO_PIECE);
	/* a run as long as a sector is none if it lies across two */
	memset(bytes + 100, 0, SECTOR);
	assert_true(td_frame_zero_piece(bytes, 4096, sizeof(bytes)) == TD_NO_PIECE);
	/* the same bytes elsewhere in the segment: now it is one */
	assert_true(
		td_frame_zero_piece(bytes, 4096 + SECTOR - 100, sizeof(bytes)) == 4096 + SECTOR);
	/* parts of a sector at the beginning and at the end, down to a byte */
	memset(bytes, 1, sizeof(bytes));
	bytes[0] = 0;
	assert_true(
		td_frame_zero_piece(bytes, 4096 + SECTOR - 1, sizeof(bytes)) == 4096 + SECTOR - 1);
	assert_true(td_frame_zero_piece(bytes, 4096 + SECTOR - 2, sizeof(bytes)) == TD_NO_PIECE);
	bytes[0] = 1;
	bytes[sizeof(bytes) - 1] = 0;
	assert_true(td_frame_zero_piece(bytes, 4096 + 1, sizeof(bytes)) == 4096 + sizeof(bytes));
	assert_true(td_frame_zero_piece(bytes, 4096, sizeof(bytes)) == TD_NO_PIECE);
}

static void the_pattern_chosen_leaves_no_zero_piece(void **state)
{
	static uint8_t bytes[9 * SECTOR], whitened[sizeof(bytes)];
	struct td_rng rng;

	(void)state;
	td_rng_init(&rng, 42);
	for (int round = 0; round < 3000; round++) {
		uint64_t offset = 4096 + 8 * td_rng_below(&rng, 200);
		size_t len = 8 * (1 + td_rng_below(&rng, sizeof(bytes) / 8));

		/* zero pieces, and pieces that each of the patterns would make zero: as many
		 * as one who knows the salt may make without making all seven fail */
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)td_rng_u64(&rng);
		for (unsigned n = 0, most = (unsigned)td_rng_below(&rng, TD_PATTERNS); n <= most;
			n++) {
			uint64_t sector = td_rng_below(&rng, len / SECTOR + 1);
			uint64_t from = n == 0 ? 0 : (offset / SECTOR + sector) * SECTOR;
			from = from < offset ? 0 : from - offset;
			uint64_t to = ((offset + from) / SECTOR + 1) * SECTOR - offset;
			if (from >= len)
				continue;
			if (to > len)
				to = len;
			memset(bytes + from, 0, to - from);
			td_whiten(bytes + from, bytes + from, to - from, offset + from, SALT, n);
		}
		unsigned pattern = td_whiten_choose(bytes, len, offset, SALT);
		td_whiten(whitened, bytes, len, offset, SALT, pattern);
		assert_true(td_frame_zero_piece(whitened, offset, len) == TD_NO_PIECE);
		if (td_frame_zero_piece(bytes, offset, len) == TD_NO_PIECE)
			assert_int_equal(pattern, 0);
	}
}

static void bytes_made_to_defeat_all_patterns_stay_as_they_are(void **state)
{
	static uint8_t bytes[8 * SECTOR];

	(void)state;
	for (unsigned n = 0; n <= TD_PATTERNS; n++)
		td_whiten(
			bytes + n * SECTOR, bytes + n * SECTOR, SECTOR, 4096 + n * SECTOR, SALT, n);
	assert_int_equal(td_whiten_choose(bytes, sizeof(bytes), 4096, SALT), 0);
	assert_int_equal(td_whiten_choose(bytes, sizeof(bytes) - SECTOR, 4096, SALT), 7);
	assert_int_equal(td_whiten_choose(bytes, sizeof(bytes), 4096, SALT + 1), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pattern_applied_twice_is_undone),
		cmocka_unit_test(a_slice_is_whitened_as_in_the_whole),
		cmocka_unit_test(the_word_of_a_pattern_is_the_published_one),
		cmocka_unit_test(the_seven_patterns_differ_in_every_word),
		cmocka_unit_test(zero_pieces_are_found_by_the_sectors_of_the_segment),
		cmocka_unit_test(the_pattern_chosen_leaves_no_zero_piece),
		cmocka_unit_test(bytes_made_to_defeat_all_patterns_stay_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
