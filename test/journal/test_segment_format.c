#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "journal/segment_format.h"
#include "page_test.h"

#define TIME 1700000000000000000

/* clang-format off */
static const char golden_header[] =
	"54445347bd87a11e010000000000000000000000000000000100000000000000"
	"0000000000000000101112131415161718191a1b1c1d1e1f3412000000000000"
	"efcdab89674523010700000002000000000010000000000000002a36fe9c9717"
	"404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f";

static const char golden_footer[] =
	"5444465414f6868cef3da4896745230107000000020000003412000000000000"
	"341300000000000000800000000000000500000000000000fa00000000000000"
	"060000000000000001002a36fe9c971702002a36fe9c9717ddddccccbbbbaaaa"
	"4444333322221111606162636465666768696a6b6c6d6e6f7071727374757677"
	"78797a7b7c7d7e7f020000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000"
	"0000000000000000000000000000000000000000000000000000000000000000"
	"03002a36fe9c97170100000000000000808182838485868788898a8b8c8d8e8f"
	"909192939495969798999a9b9c9d9e9f04002a36fe9c97170200000000000000"
	"404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f";
/* clang-format on */

static struct td_segment_header header_of(uint32_t rewrites)
{
	struct td_segment_header header = {
		.features = {.ro_compat = TD_RO_COMPAT_CHAIN},
		.base = 0x1234,
		.salt = 0x0123456789ABCDEFu,
		.number = 7,
		.rewrites = rewrites,
		.bytes = 1 << 20,
		.time = TIME,
	};

	for (uint8_t i = 0; i < 32; i++) {
		header.store[i / 2] = (uint8_t)(0x10 + i / 2);
		header.chain[i] = (uint8_t)(0x40 + i);
	}
	return header;
}

static struct td_segment_footer footer_of(void)
{
	struct td_segment_footer footer = {
		.next_position = 0x1334,
		.end = 0x8000,
		.frames = 5,
		.records = 250,
		.missing = 6,
		.time_first = TIME + 1,
		.time_last = TIME + 2,
		.hash = {0xAAAABBBBCCCCDDDDu, 0x1111222233334444u},
	};

	for (uint8_t i = 0; i < 32; i++)
		footer.chain[i] = (uint8_t)(0x60 + i);
	return footer;
}

static const uint8_t *chain_from(uint8_t first)
{
	static uint8_t chain[TD_CHAIN_BYTES];

	for (uint8_t i = 0; i < 32; i++)
		chain[i] = (uint8_t)(first + i);
	return chain;
}

static void a_header_is_the_golden_bytes_and_back(void **state)
{
	uint8_t golden[TD_PAGE_BYTES], page[TD_PAGE_BYTES];
	struct td_segment_header header = header_of(2), found;

	(void)state;
	page_of_hex(golden_header, golden);
	td_segment_header_encode(&header, page);
	assert_memory_equal(page, golden, sizeof(page));
	assert_int_equal(td_segment_header_decode(golden, sizeof(golden), &found), 0);
	assert_memory_equal(&found, &header, sizeof(found));
}

static void a_footer_is_the_golden_bytes_and_back(void **state)
{
	uint8_t golden[TD_PAGE_BYTES], page[TD_PAGE_BYTES];
	struct td_segment_header header = header_of(2);
	struct td_segment_footer footer = footer_of(), found;

	(void)state;
	td_segment_footer_note(&footer, TD_REWRITE_SPACE, TIME + 3, chain_from(0x80));
	td_segment_footer_note(&footer, TD_REWRITE_ERASE, TIME + 4, chain_from(0x40));
	page_of_hex(golden_footer, golden);
	td_segment_footer_encode(&footer, &header, page);
	assert_memory_equal(page, golden, sizeof(page));
	assert_int_equal(td_segment_footer_decode(golden, sizeof(golden), &header, &found), 0);
	assert_true(found.next_position == footer.next_position && found.end == footer.end);
	assert_true(found.frames == 5 && found.records == 250 && found.missing == 6);
	assert_true(found.time_first == TIME + 1 && found.time_last == TIME + 2);
	assert_true(found.hash.low == footer.hash.low && found.hash.high == footer.hash.high);
	assert_memory_equal(found.chain, footer.chain, TD_CHAIN_BYTES);
	assert_int_equal(found.rewriting_count, 2);
	assert_int_equal(found.rewritings[1].rule, TD_REWRITE_ERASE);
	assert_memory_equal(td_segment_footer_chain(&found), chain_from(0x80), TD_CHAIN_BYTES);
}

static void any_bit_flipped_in_a_header_is_noticed(void **state)
{
	uint8_t page[TD_PAGE_BYTES];
	struct td_segment_header found;

	(void)state;
	page_of_hex(golden_header, page);
	for (size_t bit = 0; bit < 8 * sizeof(page); bit++) {
		flip(page, bit);
		assert_int_equal(td_segment_header_decode(page, sizeof(page), &found),
			bit < 32 ? TD_FLAW_MAGIC : TD_FLAW_CHECKSUM);
		flip(page, bit);
	}
	assert_int_equal(td_segment_header_decode(page, sizeof(page), &found), TD_FLAW_NONE);
	assert_int_equal(td_segment_header_decode(page, 4095, &found), TD_FLAW_SHORT);
}

static void any_bit_flipped_in_a_footer_is_noticed(void **state)
{
	uint8_t page[TD_PAGE_BYTES];
	struct td_segment_header header = header_of(2);
	struct td_segment_footer found;

	(void)state;
	page_of_hex(golden_footer, page);
	for (size_t bit = 0; bit < 8 * sizeof(page); bit++) {
		flip(page, bit);
		assert_int_equal(td_segment_footer_decode(page, sizeof(page), &header, &found),
			bit < 32 ? TD_FLAW_MAGIC : TD_FLAW_CHECKSUM);
		flip(page, bit);
	}
	assert_int_equal(td_segment_footer_decode(page, sizeof(page), &header, &found), 0);
	assert_int_equal(td_segment_footer_decode(page, 4095, &header, &found), TD_FLAW_SHORT);
	memset(page, 0, sizeof(page));
	assert_int_equal(
		td_segment_footer_decode(page, sizeof(page), &header, &found), TD_FLAW_MAGIC);
}

static void a_header_that_cannot_be_is_refused(void **state)
{
	static const struct changed rows[] = {
		{8, 4, 2, TD_FLAW_FEATURE},
		{12, 4, 1, TD_FLAW_FIELD},
		{16, 8, 1, TD_FLAW_NONE},
		{24, 8, 1u << 31, TD_FLAW_NONE}, /* to be read only */
		{32, 8, 1, TD_FLAW_FEATURE},
		{32, 8, (uint64_t)1 << 63, TD_FLAW_FEATURE},
		{56, 8, 0, TD_FLAW_FIELD},
		{72, 4, 0, TD_FLAW_FIELD},
		{80, 8, 8192, TD_FLAW_BOUNDS},
		{80, 8, 12288, TD_FLAW_NONE},
		{80, 8, 12289, TD_FLAW_BOUNDS},
		{80, 8, (1u << 30) + 4096, TD_FLAW_BOUNDS},
		{88, 8, 0, TD_FLAW_FIELD},
		{88, 8, UINT64_MAX, TD_FLAW_FIELD},
		{128, 8, 1, TD_FLAW_FIELD},
		{4088, 8, 1, TD_FLAW_FIELD},
	};
	uint8_t page[TD_PAGE_BYTES];
	struct td_segment_header found;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		page_of_hex(golden_header, page);
		change(page, rows[i].at, rows[i].width, rows[i].value);
		assert_int_equal(
			td_segment_header_decode(page, sizeof(page), &found), rows[i].flaw);
	}
	/* what is reserved may be used by a feature that can be ignored */
	page_of_hex(golden_header, page);
	change(page, 16, 8, 1);
	change(page, 128, 8, 1);
	assert_int_equal(td_segment_header_decode(page, sizeof(page), &found), TD_FLAW_NONE);
	assert_true(td_features_writable(&found.features));
	change(page, 24, 8, 8);
	assert_int_equal(td_segment_header_decode(page, sizeof(page), &found), TD_FLAW_NONE);
	assert_false(td_features_writable(&found.features));
}

static void a_footer_that_cannot_be_is_refused(void **state)
{
	static const struct changed rows[] = {
		{8, 8, 0, TD_FLAW_PLACE},
		{16, 4, 8, TD_FLAW_PLACE},
		{20, 4, 1, TD_FLAW_PLACE},
		{24, 8, 0x1233, TD_FLAW_PLACE},
		{32, 8, 0x1233, TD_FLAW_FIELD},
		{32, 8, 0x1335, TD_FLAW_FIELD},
		{40, 8, 4096, TD_FLAW_BOUNDS},
		{40, 8, 4097, TD_FLAW_BOUNDS},
		{40, 8, 4096 + 104, TD_FLAW_NONE},
		{40, 8, (1 << 20) - 4096, TD_FLAW_NONE},
		{40, 8, (1 << 20) - 4088, TD_FLAW_BOUNDS},
		{48, 8, 0, TD_FLAW_FIELD},
		{56, 8, 249, TD_FLAW_FIELD},
		{56, 8, UINT64_MAX, TD_FLAW_FIELD},
		{64, 8, 7, TD_FLAW_FIELD},
		{72, 8, TIME + 3, TD_FLAW_FIELD},
		{72, 8, 0, TD_FLAW_FIELD},
		{136, 4, 1, TD_FLAW_FIELD},
		{136, 4, 33, TD_FLAW_FIELD},
		{136, 4, UINT32_MAX, TD_FLAW_FIELD},
		{140, 4, 1, TD_FLAW_FIELD},
		{248, 8, 1, TD_FLAW_FIELD},
		{256, 8, 0, TD_FLAW_FIELD},
		{264, 4, 0, TD_FLAW_FIELD},
		{264, 4, 99, TD_FLAW_NONE}, /* a rule of later */
		{268, 4, 1, TD_FLAW_FIELD},
		{256 + 2 * 48, 8, 1, TD_FLAW_FIELD},
		{4088, 8, 1, TD_FLAW_FIELD},
	};
	struct td_segment_header header = header_of(2);
	uint8_t page[TD_PAGE_BYTES];
	struct td_segment_footer found;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		page_of_hex(golden_footer, page);
		change(page, rows[i].at, rows[i].width, rows[i].value);
		assert_int_equal(td_segment_footer_decode(page, sizeof(page), &header, &found),
			rows[i].flaw);
	}
}

static void a_segment_rewritten_often_keeps_the_original_chain(void **state)
{
	struct td_segment_footer footer = footer_of(), found;
	uint8_t page[TD_PAGE_BYTES];

	(void)state;
	assert_memory_equal(td_segment_footer_chain(&footer), footer.chain, TD_CHAIN_BYTES);
	for (uint32_t i = 0; i < 100; i++) {
		struct td_segment_header header = header_of(i);

		td_segment_footer_encode(&footer, &header, page);
		assert_int_equal(td_segment_footer_decode(page, sizeof(page), &header, &found), 0);
		assert_memory_equal(
			&found.rewritings, &footer.rewritings, sizeof(found.rewritings));
		if (i > 0)
			assert_memory_equal(td_segment_footer_chain(&found), chain_from(1), 32);
		td_segment_footer_note(
			&footer, TD_REWRITE_SPACE, TIME + i, chain_from((uint8_t)(i + 1)));
	}
	assert_int_equal(footer.rewriting_count, TD_REWRITINGS_MAX);
	for (uint32_t i = 1; i < TD_REWRITINGS_MAX; i++)
		assert_true(footer.rewritings[i].time == TIME + 100 - TD_REWRITINGS_MAX + i);
}

static void names_of_segments_are_read_to_the_letter(void **state)
{
	static const char *const others[] = {
		"",
		"seg-.log",
		"seg-0000000000000000.log", /* there is no position 0 */
		"seg-000000000000123.log",
		"seg-00000000000001234.log",
		"seg-000000000000123A.log",
		"seg-000000000000123g.log",
		"seg-0000000000001234.log ",
		"seg-0000000000001234.lo",
		"seg-0000000000001234.tmp",
		"seg_0000000000001234.log",
		"Seg-0000000000001234.log",
		"seg--000000000001234.log",
		"seg-0x00000000001234.log",
		"seg-0000000000001234.log.1",
	};
	const uint64_t bases[] = {1, 0x1234, 0xABCDEF0123456789u, UINT64_MAX};
	char name[TD_SEGMENT_NAME_BYTES];

	(void)state;
	td_segment_name(name, 0x12AB);
	assert_string_equal(name, "seg-00000000000012ab.log");
	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		td_segment_name(name, bases[i]);
		assert_true(td_segment_base(name) == bases[i]);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_true(td_segment_base(others[i]) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_is_the_golden_bytes_and_back),
		cmocka_unit_test(a_footer_is_the_golden_bytes_and_back),
		cmocka_unit_test(any_bit_flipped_in_a_header_is_noticed),
		cmocka_unit_test(any_bit_flipped_in_a_footer_is_noticed),
		cmocka_unit_test(a_header_that_cannot_be_is_refused),
		cmocka_unit_test(a_footer_that_cannot_be_is_refused),
		cmocka_unit_test(a_segment_rewritten_often_keeps_the_original_chain),
		cmocka_unit_test(names_of_segments_are_read_to_the_letter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
