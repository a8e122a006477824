#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "journal/control.h"
#include "page_test.h"

#define TIME 1700000000000000000

/* clang-format off */
static const char golden_control[] =
	"544443543e0900d0010000000000000000000000000000000100000000000000"
	"0000000000000000101112131415161718191a1b1c1d1e1f0900000000000000"
	"030000000000000000002a36fe9c971701000000070000000100000000000000"
	"3412000000000000404142434445464748494a4b4c4d4e4f5051525354555657"
	"58595a5b5c5d5e5f010000000000000000900000000000000014000000000000"
	"606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f";
/* clang-format on */

static struct td_control control_of(uint64_t generation)
{
	struct td_control control = {
		.features = {.ro_compat = TD_RO_COMPAT_CHAIN},
		.generation = generation,
		.epoch = 3,
		.time = TIME,
		.first_segment = 1,
		.active_segment = 7,
		.first_position = 1,
		.active_base = 0x1234,
		.clean = true,
		.end = 0x9000,
		.next_position = 0x1400,
	};

	for (uint8_t i = 0; i < 32; i++) {
		control.store[i / 2] = (uint8_t)(0x10 + i / 2);
		control.sealed_chain[i] = (uint8_t)(0x40 + i);
		control.end_chain[i] = (uint8_t)(0x60 + i);
	}
	return control;
}

static void a_control_is_the_golden_bytes_and_back(void **state)
{
	uint8_t golden[TD_PAGE_BYTES], page[TD_PAGE_BYTES], again[TD_PAGE_BYTES];
	struct td_control control = control_of(9), found;

	(void)state;
	page_of_hex(golden_control, golden);
	td_control_encode(&control, page);
	assert_memory_equal(page, golden, sizeof(page));
	assert_int_equal(td_control_decode(golden, sizeof(golden), &found), TD_FLAW_NONE);
	assert_true(found.clean && found.end == 0x9000 && found.next_position == 0x1400);
	assert_true(found.generation == 9 && found.epoch == 3 && found.time == TIME);
	assert_true(found.first_segment == 1 && found.active_segment == 7);
	assert_true(found.first_position == 1 && found.active_base == 0x1234);
	td_control_encode(&found, again);
	assert_memory_equal(again, golden, sizeof(again));
}

static void any_bit_flipped_in_a_control_is_noticed(void **state)
{
	uint8_t page[TD_PAGE_BYTES];
	struct td_control found;

	(void)state;
	page_of_hex(golden_control, page);
	for (size_t bit = 0; bit < 8 * sizeof(page); bit++) {
		flip(page, bit);
		assert_int_equal(td_control_decode(page, sizeof(page), &found),
			bit < 32 ? TD_FLAW_MAGIC : TD_FLAW_CHECKSUM);
		flip(page, bit);
	}
	assert_int_equal(td_control_decode(page, sizeof(page), &found), TD_FLAW_NONE);
	assert_int_equal(td_control_decode(page, 4095, &found), TD_FLAW_SHORT);
	assert_int_equal(td_control_decode(NULL, 0, &found), TD_FLAW_SHORT);
}

static void a_control_that_cannot_be_is_refused(void **state)
{
	static const struct changed rows[] = {
		{8, 4, 0, TD_FLAW_FEATURE},
		{12, 4, 1, TD_FLAW_FIELD},
		{16, 8, 1, TD_FLAW_NONE},
		{24, 8, 4, TD_FLAW_NONE}, /* to be read only */
		{32, 8, 2, TD_FLAW_FEATURE},
		{56, 8, 0, TD_FLAW_FIELD},
		{64, 8, 0, TD_FLAW_FIELD},
		{72, 8, 0, TD_FLAW_FIELD},
		{72, 8, UINT64_MAX, TD_FLAW_FIELD},
		{80, 4, 0, TD_FLAW_FIELD},
		{84, 4, 0, TD_FLAW_FIELD},
		{80, 4, 7, TD_FLAW_NONE},
		{88, 8, 0, TD_FLAW_FIELD},
		{88, 8, 0x1235, TD_FLAW_BOUNDS},
		{136, 4, 0, TD_FLAW_FIELD}, /* not clean, with an end */
		{136, 4, 2, TD_FLAW_FIELD},
		{140, 4, 1, TD_FLAW_FIELD},
		{144, 8, 4095, TD_FLAW_BOUNDS},
		{144, 8, 4096, TD_FLAW_NONE},
		{144, 8, 4100, TD_FLAW_BOUNDS},
		{144, 8, (uint64_t)1 << 32, TD_FLAW_BOUNDS},
		{152, 8, 0x1233, TD_FLAW_BOUNDS},
		{152, 8, 0x1234, TD_FLAW_NONE},
		{192, 8, 1, TD_FLAW_FIELD}, /* lost, without an end */
		{200, 8, 1, TD_FLAW_FIELD}, /* without a beginning */
		{208, 8, 1, TD_FLAW_FIELD},
		{4088, 8, 1, TD_FLAW_FIELD},
	};
	uint8_t page[TD_PAGE_BYTES];
	struct td_control found;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		page_of_hex(golden_control, page);
		change(page, rows[i].at, rows[i].width, rows[i].value);
		assert_int_equal(td_control_decode(page, sizeof(page), &found), rows[i].flaw);
	}
}

static uint8_t a[TD_PAGE_BYTES], b[TD_PAGE_BYTES];

/* Both copies written, then which is chosen. */
static int choose(size_t a_len, size_t b_len, struct td_control *control,
	struct td_control_choice *choice, struct td_error *err)
{
	const void *pages[2] = {a, b};
	const size_t lens[2] = {a_len, b_len};

	return td_control_choose(pages, lens, control, choice, err);
}

static void write_both(uint64_t of_a, uint64_t of_b)
{
	struct td_control control = control_of(of_a);

	td_control_encode(&control, a);
	control = control_of(of_b);
	control.clean = false;
	control.end = control.next_position = 0;
	memset(control.end_chain, 0, sizeof(control.end_chain));
	td_control_encode(&control, b);
}

static void the_newer_valid_copy_is_chosen(void **state)
{
	struct td_control control;
	struct td_control_choice choice;

	(void)state;
	write_both(8, 9);
	assert_int_equal(choose(4096, 4096, &control, &choice, NULL), 0);
	assert_true(choice.copy == 1 && control.generation == 9 && !control.clean);
	write_both(10, 9);
	assert_int_equal(choose(4096, 4096, &control, &choice, NULL), 0);
	assert_true(choice.copy == 0 && control.generation == 10 && control.clean);

	/* the newer one is torn: the older serves */
	a[100] ^= 1;
	assert_int_equal(choose(4096, 4096, &control, &choice, NULL), 0);
	assert_true(choice.copy == 1 && control.generation == 9);
	assert_true(choice.flaws[0] == TD_FLAW_CHECKSUM && choice.flaws[1] == TD_FLAW_NONE);
	assert_int_equal(choose(0, 4096, &control, &choice, NULL), 0);
	assert_int_equal(choose(100, 4096, &control, NULL, NULL), 0);
	a[100] ^= 1;
	assert_int_equal(choose(4096, 0, &control, &choice, NULL), 0);
	assert_true(choice.copy == 0 && choice.flaws[1] == TD_FLAW_SHORT);

	/* a copy of one file in both places */
	memcpy(b, a, sizeof(b));
	assert_int_equal(choose(4096, 4096, &control, &choice, NULL), 0);
	assert_int_equal(choice.copy, 0);
}

static void without_a_valid_copy_the_error_says_what_to_do(void **state)
{
	struct td_control control = {.generation = 77};
	struct td_control_choice choice;
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	write_both(8, 9);
	a[4095] = 1;
	assert_int_equal(choose(4096, 4095, &control, &choice, &err), TD_E_DAMAGED);
	assert_string_equal(err.text, "CONTROL.a: the checksum of the header is wrong; CONTROL.b: "
				      "the bytes end before it "
				      "does: keep a copy of the directory, then have `tidings "
				      "doctor` rebuild them from the "
				      "segments");
	assert_true(choice.flaws[0] == TD_FLAW_CHECKSUM && choice.flaws[1] == TD_FLAW_SHORT);
	assert_true(control.generation == 77);
}

static void copies_that_contradict_each_other_are_refused(void **state)
{
	struct td_control control;
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	write_both(9, 9);
	assert_int_equal(choose(4096, 4096, &control, NULL, &err), TD_E_DAMAGED);
	assert_non_null(strstr(err.text, "have one generation and differ"));
	write_both(8, 9);
	change(b, 40, 8, 5);
	assert_int_equal(choose(4096, 4096, &control, NULL, &err), TD_E_DAMAGED);
	assert_non_null(strstr(err.text, "belong to different stores"));
}

static void what_a_newer_version_wrote_is_not_passed_over(void **state)
{
	struct td_control control;
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	write_both(8, 9);
	change(b, 32, 8, 0x10);
	assert_int_equal(choose(4096, 4096, &control, NULL, &err), TD_E_NEWER);
	assert_non_null(strstr(err.text, "unknown features 0x10"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_control_is_the_golden_bytes_and_back),
		cmocka_unit_test(any_bit_flipped_in_a_control_is_noticed),
		cmocka_unit_test(a_control_that_cannot_be_is_refused),
		cmocka_unit_test(the_newer_valid_copy_is_chosen),
		cmocka_unit_test(without_a_valid_copy_the_error_says_what_to_do),
		cmocka_unit_test(copies_that_contradict_each_other_are_refused),
		cmocka_unit_test(what_a_newer_version_wrote_is_not_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
