#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/base.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static void hash_is_xxh3(void **state)
{
	(void)state;
	/* The published value of XXH3_64bits for no bytes and seed 0. */
	assert_true(td_hash("", 0, 0) == 0x2D06800538D394C2u);
	assert_true(td_hash(NULL, 0, 0) == td_hash("", 0, 0));
}

static void hash_depends_on_every_byte_and_on_the_seed(void **state)
{
	unsigned char bytes[400] = {0};

	(void)state;
	for (size_t len = 1; len <= sizeof(bytes); len += 13) {
		uint64_t plain = td_hash(bytes, len, 7);

		assert_true(plain != td_hash(bytes, len, 8));
		assert_true(plain != td_hash(bytes, len - 1, 7));
		for (size_t i = 0; i < len; i++) {
			bytes[i] = 1;
			assert_true(plain != td_hash(bytes, len, 7));
			bytes[i] = 0;
		}
	}
}

/* Whatever registers are used: what xxhash.h makes without asking the processor. */
static void hash_of_long_input_is_the_same_with_wide_registers(void **state)
{
	static unsigned char bytes[20000];
	struct td_hash128_state hash;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 31 + i / 256);
	for (size_t len = 0; len <= sizeof(bytes); len += len < 1200 ? 1 : 97) {
		XXH128_hash_t wanted = XXH3_128bits(bytes, len);

		assert_true(td_hash(bytes, len, 0) == XXH3_64bits(bytes, len));
		assert_true(td_hash(bytes, len, len) == XXH3_64bits_withSeed(bytes, len, len));
		td_hash128_reset(&hash);
		td_hash128_add(&hash, bytes, len);
		struct td_hash128 got = td_hash128_digest(&hash);
		assert_true(got.low == wanted.low64 && got.high == wanted.high64);
	}
}

static void hash_of_128_bits_is_xxh3_and_takes_pieces(void **state)
{
	struct td_hash128_state hash;
	struct td_hash128 whole;
	unsigned char bytes[3000];

	(void)state;
	/* The published value of XXH3_128bits for no bytes and seed 0. */
	td_hash128_reset(&hash);
	whole = td_hash128_digest(&hash);
	assert_true(whole.high == 0x99AA06D3014798D8u && whole.low == 0x6001C324468D497Fu);

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 31 + i / 256);
	td_hash128_add(&hash, bytes, sizeof(bytes));
	whole = td_hash128_digest(&hash);
	for (size_t step = 1; step < sizeof(bytes); step = step * 3 + 1) {
		td_hash128_reset(&hash);
		for (size_t at = 0; at < sizeof(bytes); at += step)
			td_hash128_add(&hash, bytes + at,
				step < sizeof(bytes) - at ? step : sizeof(bytes) - at);
		struct td_hash128 pieces = td_hash128_digest(&hash);
		assert_true(pieces.low == whole.low && pieces.high == whole.high);
	}
}

static void hash_of_numbers_spreads_rows_and_strides(void **state)
{
	(void)state;
	for (unsigned shift = 0; shift <= 48; shift += 8) {
		unsigned char seen[1024] = {0};
		int filled = 0;

		for (uint64_t i = 0; i < 1024; i++)
			seen[td_hash_u64(i << shift) % 1024] = 1;
		for (int i = 0; i < 1024; i++)
			filled += seen[i];
		assert_in_range(filled, 550, 1024); /* at random: 647 */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_is_xxh3),
		cmocka_unit_test(hash_depends_on_every_byte_and_on_the_seed),
		cmocka_unit_test(hash_of_long_input_is_the_same_with_wide_registers),
		cmocka_unit_test(hash_of_128_bits_is_xxh3_and_takes_pieces),
		cmocka_unit_test(hash_of_numbers_spreads_rows_and_strides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
