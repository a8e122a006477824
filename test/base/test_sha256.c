#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/base.h"

static void hex(const uint8_t *bytes, char text[2 * TD_SHA256_BYTES + 1])
{
	for (size_t i = 0; i < TD_SHA256_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

/* The values of FIPS 180-4's examples; the context serves for all of them. */
static void sha256_gives_the_published_values(void **state)
{
	static const struct {
		const char *text, *digest;
	} rows[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	};
	struct td_sha256 sha = TD_SHA256_INIT;
	uint8_t digest[TD_SHA256_BYTES];
	char text[2 * TD_SHA256_BYTES + 1];

	(void)state;
	assert_int_equal(td_sha256_init(&sha, NULL), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		td_sha256_add(&sha, rows[i].text, strlen(rows[i].text));
		td_sha256_finish(&sha, digest);
		hex(digest, text);
		assert_string_equal(text, rows[i].digest);
	}
	td_sha256_fini(&sha);
	td_sha256_fini(&sha);
}

static void sha256_of_pieces_is_that_of_the_whole(void **state)
{
	struct td_sha256 sha = TD_SHA256_INIT;
	uint8_t bytes[300], whole[TD_SHA256_BYTES], pieces[TD_SHA256_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 31);
	assert_int_equal(td_sha256_init(&sha, NULL), 0);
	td_sha256_add(&sha, bytes, sizeof(bytes));
	td_sha256_finish(&sha, whole);
	for (size_t cut = 0; cut <= sizeof(bytes); cut += 7) {
		td_sha256_add(&sha, bytes, cut);
		td_sha256_add(&sha, bytes + cut, sizeof(bytes) - cut);
		td_sha256_finish(&sha, pieces);
		assert_memory_equal(pieces, whole, sizeof(whole));
	}
	td_sha256_fini(&sha);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_gives_the_published_values),
		cmocka_unit_test(sha256_of_pieces_is_that_of_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
