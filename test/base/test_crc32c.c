#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/base.h"

/* By the definition, bit by bit. */
static uint32_t by_definition(uint32_t crc, const uint8_t *at, size_t len)
{
	crc = ~crc;
	for (size_t i = 0; i < len; i++) {
		crc ^= at[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
	}
	return ~crc;
}

static void each_back_end_gives(uint32_t crc, const void *bytes, size_t len, uint32_t wanted)
{
	assert_int_equal(td_crc32c(crc, bytes, len), wanted);
	for (enum td_crc32c_backend one = 0; one < TD_CRC32C_BACKENDS; one++)
		if (td_crc32c_usable(one))
			assert_int_equal(td_crc32c_by(one, crc, bytes, len), wanted);
}

static void crc32c_gives_the_published_values(void **state)
{
	uint8_t bytes[32];

	(void)state;
	each_back_end_gives(0, "", 0, 0);
	each_back_end_gives(0, "123456789", 9, 0xE3069283u);
	/* RFC 3720, B.4 */
	memset(bytes, 0, sizeof(bytes));
	each_back_end_gives(0, bytes, 32, 0x8A9136AAu);
	memset(bytes, 0xFF, sizeof(bytes));
	each_back_end_gives(0, bytes, 32, 0x62A8AB43u);
	for (uint8_t i = 0; i < 32; i++)
		bytes[i] = i;
	each_back_end_gives(0, bytes, 32, 0x46DD794Eu);
	for (uint8_t i = 0; i < 32; i++)
		bytes[i] = (uint8_t)(31 - i);
	each_back_end_gives(0, bytes, 32, 0x113FDB5Cu);
}

static uint8_t random_bytes[10000];

static void fill(void)
{
	struct td_rng rng;

	td_rng_init(&rng, 7);
	for (size_t i = 0; i < sizeof(random_bytes); i++)
		random_bytes[i] = (uint8_t)td_rng_u64(&rng);
}

static void crc32c_is_the_definition_at_every_length_and_alignment(void **state)
{
	(void)state;
	fill();
	for (size_t len = 0; len < 700; len++)
		for (size_t from = 0; from < 8; from += len % 3 + 1)
			each_back_end_gives((uint32_t)len * 77, random_bytes + from, len,
				by_definition((uint32_t)len * 77, random_bytes + from, len));
	for (size_t len = 700; len < 1700; len += len % 7 + 1)
		each_back_end_gives(~(uint32_t)len, random_bytes + len % 64, len,
			by_definition(~(uint32_t)len, random_bytes + len % 64, len));
	/* the longest runs, and what comes behind them */
	for (size_t len = 3000; len < sizeof(random_bytes); len += 137)
		each_back_end_gives(1, random_bytes, len, by_definition(1, random_bytes, len));
}

static void crc32c_of_parts_is_that_of_the_whole(void **state)
{
	uint32_t whole = td_crc32c(0, random_bytes, 4000);

	(void)state;
	for (size_t cut = 0; cut <= 4000; cut += 13)
		each_back_end_gives(
			td_crc32c(0, random_bytes, cut), random_bytes + cut, 4000 - cut, whole);
}

static void the_table_is_usable_everywhere(void **state)
{
	(void)state;
	assert_true(td_crc32c_usable(TD_CRC32C_TABLE));
	assert_false(td_crc32c_usable(TD_CRC32C_BACKENDS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc32c_gives_the_published_values),
		cmocka_unit_test(crc32c_is_the_definition_at_every_length_and_alignment),
		cmocka_unit_test(crc32c_of_parts_is_that_of_the_whole),
		cmocka_unit_test(the_table_is_usable_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
