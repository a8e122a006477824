#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "journal/chain.h"
#include "journal/head.h"

/* RFC 8032, 7.1, test 1. */
static const uint8_t secret[32] = {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a,
	0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b,
	0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};
static const uint8_t public_start[4] = {0xd7, 0x5a, 0x98, 0x01};

static struct td_head head_of(void)
{
	struct td_head head = {.position = 4711, .segment = 7, .time = 1700000000123456000};

	for (uint8_t i = 0; i < 32; i++) {
		head.store[i / 2] = (uint8_t)(0x10 + i / 2);
		head.chain[i] = (uint8_t)(0x40 + i);
	}
	return head;
}

static const char said[] =
	"tidings-head-1 store=10111213-1415-1617-1819-1a1b1c1d1e1f position=4711 segment=7 "
	"chain=404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f "
	"time=2023-11-14T22:13:20.123456Z "
	"key=d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a sig=";

static char text[TD_HEAD_TEXT_BYTES];
static uint8_t key[TD_HEAD_KEY_BYTES];

static int set_up(void **state)
{
	struct td_head head = head_of();

	(void)state;
	return td_head_public(secret, key, NULL) || td_head_sign(&head, secret, text, NULL);
}

static void a_head_is_one_line_that_says_all(void **state)
{
	struct td_head head = head_of(), found;

	(void)state;
	assert_memory_equal(key, public_start, 4);
	assert_int_equal(strlen(text), sizeof(said) - 1 + 128);
	assert_memory_equal(text, said, sizeof(said) - 1);
	assert_int_equal(td_head_check(td_text(text), key, &found, NULL), 0);
	assert_memory_equal(found.store, head.store, sizeof(head.store));
	assert_memory_equal(found.chain, head.chain, sizeof(head.chain));
	assert_true(found.position == 4711 && found.segment == 7 && found.time == head.time);
	assert_int_equal(td_head_check(td_text(text), NULL, &found, NULL), 0);
}

static void no_letter_of_a_head_can_be_changed(void **state)
{
	char other[TD_HEAD_TEXT_BYTES];
	struct td_head found;
	size_t len = strlen(text);

	(void)state;
	for (size_t i = 0; i < len; i++)
		for (int bit = 0; bit < 8; bit++) {
			memcpy(other, text, len + 1);
			other[i] = (char)(other[i] ^ 1 << bit);
			assert_int_not_equal(
				td_head_check(td_text_of(other, len), key, &found, NULL), 0);
		}
	for (size_t i = 0; i < len; i++)
		assert_int_equal(
			td_head_check(td_text_of(text, i), key, &found, NULL), TD_E_FORMAT);
	memcpy(other, text, len);
	other[len] = '\n';
	assert_int_equal(td_head_check(td_text_of(other, len + 1), key, &found, NULL), TD_E_FORMAT);
	assert_int_equal(td_head_check(td_text(NULL), key, &found, NULL), TD_E_FORMAT);
}

static void a_head_says_who_signed_it(void **state)
{
	uint8_t other[TD_HEAD_KEY_BYTES], other_secret[TD_HEAD_KEY_BYTES] = {1};
	struct td_error err = TD_ERROR_INIT;
	struct td_head found;

	(void)state;
	assert_int_equal(td_head_public(other_secret, other, NULL), 0);
	assert_int_equal(td_head_check(td_text(text), other, &found, &err), TD_E_DAMAGED);
	assert_string_equal(err.text, "the head was signed with another key");
	/* the text of one head under the signature of another */
	char forged[TD_HEAD_TEXT_BYTES];
	memcpy(forged, text, sizeof(forged));
	*(strstr(forged, "4711")) = '5';
	assert_int_equal(td_head_check(td_text(forged), key, &found, &err), TD_E_DAMAGED);
	assert_string_equal(err.text, "the signature of the head is not that of its text");
	assert_int_equal(td_head_check(td_text(forged), NULL, &found, NULL), 0);
}

static void numbers_and_times_have_one_spelling(void **state)
{
	static const char *const changes[][2] = {
		{"position=4711", "position=04711"},
		{"position=4711", "position=0"},
		{"position=4711", "position="},
		{"position=4711", "position=18446744073709551616"},
		{"position=4711", "position=+4711"},
		{"segment=7", "segment=4294967296"},
		{"segment=7", "segment=0"},
		{"20.123456Z", "20.1234560"},
		{"T22:13:20.123456Z", "t22:13:20.123456Z"},
		{"d75a", "D75A"},
	};
	struct td_head found;
	char other[2 * TD_HEAD_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const char *at = strstr(text, changes[i][0]);

		assert_non_null(at);
		snprintf(other, sizeof(other), "%.*s%s%s", (int)(at - text), text, changes[i][1],
			at + strlen(changes[i][0]));
		assert_int_equal(td_head_check(td_text(other), NULL, &found, NULL), TD_E_FORMAT);
	}
	const char *most = "position=18446744073709551615";
	const char *at = strstr(text, "position=4711");
	snprintf(other, sizeof(other), "%.*s%s%s", (int)(at - text), text, most, at + 13);
	assert_int_equal(td_head_check(td_text(other), NULL, &found, NULL), 0);
	assert_true(found.position == UINT64_MAX);
}

static void the_value_of_a_frame_hashes_all_its_bytes(void **state)
{
	struct td_sha256 sha = TD_SHA256_INIT;
	uint8_t chain[TD_CHAIN_BYTES];

	(void)state;
	assert_int_equal(td_sha256_init(&sha, NULL), 0);
	td_frame_chain(&sha, "abc", 3, chain);
	assert_true(chain[0] == 0xBA && chain[1] == 0x78 && chain[31] == 0xAD);
	td_frame_chain(&sha, "abc", 3, chain);
	assert_true(chain[0] == 0xBA && chain[1] == 0x78 && chain[31] == 0xAD);
	td_sha256_fini(&sha);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_is_one_line_that_says_all),
		cmocka_unit_test(no_letter_of_a_head_can_be_changed),
		cmocka_unit_test(a_head_says_who_signed_it),
		cmocka_unit_test(numbers_and_times_have_one_spelling),
		cmocka_unit_test(the_value_of_a_frame_hashes_all_its_bytes),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
