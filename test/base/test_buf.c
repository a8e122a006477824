#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include <stdlib.h>

#include "base/base.h"

static void buf_grows_and_ends_with_nul(void **state)
{
	struct td_buf buf = TD_BUF_INIT(1000);

	(void)state;
	td_buf_add_string(&buf, "seq ");
	td_buf_add_u64(&buf, UINT64_MAX);
	td_buf_add_char(&buf, ' ');
	td_buf_add_i64(&buf, INT64_MIN);
	td_buf_printf(&buf, " %s", "end");
	assert_int_equal(td_buf_check(&buf, NULL), 0);
	assert_string_equal(buf.at, "seq 18446744073709551615 -9223372036854775808 end");
	td_buf_fini(&buf);
}

static void buf_stops_at_its_ceiling_and_says_so_once(void **state)
{
	struct td_buf buf = TD_BUF_INIT(100);
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	for (int i = 0; i < 100; i++)
		td_buf_add_char(&buf, 'x');
	assert_int_equal(td_buf_check(&buf, &err), 0);
	td_buf_add_char(&buf, 'y');
	td_buf_add(&buf, "", 0);
	assert_int_equal(td_buf_check(&buf, &err), TD_E_TOO_LARGE);
	assert_int_equal(buf.len, 100);
	assert_string_equal(err.text, "more than 100 bytes");
	td_buf_reset(&buf);
	td_buf_add_string(&buf, "again");
	assert_int_equal(td_buf_check(&buf, &err), 0);
	td_buf_fini(&buf);
}

static void buf_gives_its_bytes_away(void **state)
{
	struct td_buf buf = TD_BUF_INIT(100);
	struct td_bytes bytes = TD_BYTES_INIT;

	(void)state;
	td_buf_add_string(&buf, "mine");
	td_buf_detach(&buf, &bytes);
	assert_null(buf.at);
	assert_int_equal(bytes.len, 4);
	assert_string_equal(bytes.at, "mine");
	td_bytes_fini(&bytes);
	td_bytes_fini(&bytes);
	td_bytes_fini(NULL);

	memset(td_buf_reserve(&buf, 10), 'x', 10);
	buf.len = 4; /* written by hand, as codecs do */
	td_buf_detach(&buf, &bytes);
	assert_string_equal(bytes.at, "xxxx");
	td_bytes_fini(&bytes);
}

static void buf_that_is_wiped_is_empty_and_can_be_used_again(void **state)
{
	struct td_buf buf = TD_BUF_INIT(100);

	(void)state;
	td_buf_wipe(&buf);
	td_buf_add_string(&buf, "secret");
	td_buf_wipe(&buf);
	assert_null(buf.at);
	assert_int_equal(buf.len, 0);
	td_buf_add_string(&buf, "plain");
	assert_int_equal(td_buf_check(&buf, NULL), 0);
	assert_string_equal(buf.at, "plain");
	td_buf_fini(&buf);
}

static void buf_writes_hex_and_digits_are_read(void **state)
{
	static const uint8_t bytes[] = {0x00, 0x9f, 0xA0, 0xff};
	static const struct {
		char c;
		int any, lower;
	} digits[] = {{'0', 0, 0}, {'9', 9, 9}, {'a', 10, 10}, {'f', 15, 15}, {'A', 10, -1},
		{'F', 15, -1}, {'g', -1, -1}, {'G', -1, -1}, {'/', -1, -1}, {':', -1, -1},
		{'@', -1, -1}, {'`', -1, -1}, {'\0', -1, -1}, {(char)0xE1, -1, -1}};
	struct td_buf buf = TD_BUF_INIT(8);

	(void)state;
	memset(td_buf_reserve(&buf, 8), 'x', 9); /* with the room for the NUL */
	td_buf_add_hex(&buf, bytes, sizeof(bytes));
	assert_int_equal(td_buf_check(&buf, NULL), 0);
	assert_true(td_text_is(td_buf_view(&buf), "009fa0ff"));
	assert_string_equal(buf.at, "009fa0ff");
	td_buf_add_hex(&buf, bytes, 1);
	assert_int_equal(td_buf_check(&buf, NULL), TD_E_TOO_LARGE);
	td_buf_fini(&buf);
	for (size_t i = 0; i < sizeof(digits) / sizeof(digits[0]); i++) {
		assert_int_equal(td_hex_value(digits[i].c), digits[i].any);
		assert_int_equal(td_hex_lower(digits[i].c), digits[i].lower);
	}
}

static void a_text_is_copied_whole_and_nothing_behind_it(void **state)
{
	char *copy = td_text_dup(td_text_of("order.42", 5));
	char *empty = td_text_dup(td_text(NULL));

	(void)state;
	assert_string_equal(copy, "order");
	assert_string_equal(empty, "");
	free(copy);
	free(empty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_copied_whole_and_nothing_behind_it),
		cmocka_unit_test(buf_grows_and_ends_with_nul),
		cmocka_unit_test(buf_stops_at_its_ceiling_and_says_so_once),
		cmocka_unit_test(buf_gives_its_bytes_away),
		cmocka_unit_test(buf_that_is_wiped_is_empty_and_can_be_used_again),
		cmocka_unit_test(buf_writes_hex_and_digits_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
