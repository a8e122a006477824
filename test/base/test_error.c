#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/base.h"

static void error_reads_from_the_outside_in(void **state)
{
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	assert_int_equal(td_error_set(&err, TD_E_DATA, 7, "%s: missing", "/total"), TD_E_DATA);
	assert_int_equal(td_error_wrap(&err, TD_E_DATA, "type %s", "OrderPlaced"), TD_E_DATA);
	assert_string_equal(err.text, "type OrderPlaced: /total: missing");
	assert_int_equal(err.offset, 7);
}

static void error_keeps_errno_of_the_system(void **state)
{
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	td_error_system(&err, ENOSPC, "segment %06d: sync", 12);
	assert_string_equal(err.text, "segment 000012: sync: No space left on device");
	assert_int_equal(err.sys_errno, ENOSPC);
}

static void error_cuts_long_text_at_a_character(void **state)
{
	struct td_error err = TD_ERROR_INIT;
	char name[2 * TD_ERROR_TEXT_BYTES];

	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		memset(name, 'x', sizeof(name));
		for (size_t i = shift; i + 3 < sizeof(name); i += 3)
			memcpy(name + i, "\xE2\x82\xAC", 3);
		td_error_set(&err, TD_E_INVALID, TD_NO_OFFSET, "%.*s", (int)sizeof(name), name);
		size_t len = strlen(err.text);
		assert_true(len < sizeof(err.text) && len + 4 >= sizeof(err.text));
		assert_int_equal((len - shift) % 3, 0);
	}
}

static void error_may_be_nobodys(void **state)
{
	(void)state;
	assert_int_equal(td_error_set(NULL, TD_E_JSON, 0, "x"), TD_E_JSON);
	assert_int_equal(td_error_wrap(NULL, TD_E_JSON, "x"), TD_E_JSON);
	assert_int_equal(td_error_system(NULL, EIO, "x"), TD_E_SYSTEM);
	assert_int_equal(td_error_nomem(NULL), TD_E_NOMEM);
}

static void error_table_has_a_name_a_meaning_and_an_exit_for_each_code(void **state)
{
	(void)state;
#define CHECK(name, number, slug, http, exit, meaning)           \
	assert_string_equal(td_error_name(TD_E_##name), slug);   \
	assert_true(strlen(td_error_meaning(TD_E_##name)) > 10); \
	assert_in_range(td_error_http(TD_E_##name), 400, 599);   \
	assert_in_range(td_error_exit(TD_E_##name), 1, 7);
	TD_ERROR_TABLE(CHECK)
	assert_string_equal(td_error_name(TD_OK), "ok");
	assert_string_equal(td_error_name(-1), "unknown");
	assert_string_equal(td_error_name(100000), "unknown");
	assert_true(td_error_retriable(TD_E_FULL));
	assert_true(td_error_retriable(TD_E_DISK_FULL));
	assert_false(td_error_retriable(TD_E_INVALID));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_reads_from_the_outside_in),
		cmocka_unit_test(error_keeps_errno_of_the_system),
		cmocka_unit_test(error_cuts_long_text_at_a_character),
		cmocka_unit_test(error_may_be_nobodys),
		cmocka_unit_test(error_table_has_a_name_a_meaning_and_an_exit_for_each_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
