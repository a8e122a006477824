#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "event/percent.h"
#include "event_test.h"

static void value_is_encoded_as_the_http_binding_says(void **state)
{
	static const struct {
		const char *value, *header;
	} rows[] = {
		{"", ""},
		{"plain!~", "plain!~"},
		{"Euro \xE2\x82\xAC \xF0\x9F\x98\x80", "Euro%20%E2%82%AC%20%F0%9F%98%80"},
		{"\"quoted\" 100%", "%22quoted%22%20100%25"},
		{"back\\slash", "back\\slash"},
	};
	struct td_buf buf = TD_BUF_INIT(1000);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		td_buf_reset(&buf);
		td_header_value_encode(&buf, td_text(rows[i].value));
		assert_text(td_buf_view(&buf), rows[i].header);
		td_buf_reset(&buf);
		assert_int_equal(td_header_value_decode(&buf, td_text(rows[i].header), NULL), 0);
		assert_text(td_buf_view(&buf), rows[i].value);
	}
	td_buf_fini(&buf);
}

static void value_is_decoded_from_what_others_write(void **state)
{
	static const struct {
		const char *header, *value;
	} rows[] = {
		{"needless%41encoding", "needlessAencoding"},
		{"lower%e2%82%ac", "lower\xE2\x82\xAC"},
		{"with space", "with space"},
		{"raw \xE2\x82\xAC", "raw \xE2\x82\xAC"},
		{"\"quoted\"", "quoted"},
		{"\"a \\\"b\\\" \\\\ c\"", "a \"b\" \\ c"},
		{"bare\"quoted\"bare", "barequotedbare"},
		{"\"\"", ""},
		{"\"\"\"\"x", "x"},
		{"\"%41\\%42\"", "AB"},
		{"%\"41\"", "A"},
		{"once%2541", "once%41"},
		{"bare\\x", "bare\\x"},
	};
	struct td_buf buf = TD_BUF_INIT(1000);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		td_buf_reset(&buf);
		assert_int_equal(td_header_value_decode(&buf, td_text(rows[i].header), NULL), 0);
		assert_text(td_buf_view(&buf), rows[i].value);
	}
	td_buf_fini(&buf);
}

static void broken_value_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *header;
		size_t offset;
	} rows[] = {
		{"%", 0},
		{"a%4", 1},
		{"ab%g0", 2},
		{"%0g", 0},
		{"x\"open", 6},
		{"\"open\\", 6},
		{"\"", 1},
		{"%C0%A0", TD_NO_OFFSET},
		{"%ED%A0%80", TD_NO_OFFSET},
		{"%E2", TD_NO_OFFSET},
		{"\xE2", TD_NO_OFFSET},
	};
	struct td_buf buf = TD_BUF_INIT(1000);

	(void)state;
	td_buf_add_string(&buf, "before");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct td_error err = TD_ERROR_INIT;

		assert_int_equal(
			td_header_value_decode(&buf, td_text(rows[i].header), &err), TD_E_FORMAT);
		assert_int_equal(err.offset, rows[i].offset);
		assert_text(td_buf_view(&buf), "before");
	}
	td_buf_fini(&buf);
}

static void value_fits_exactly_into_a_buffer_of_its_size(void **state)
{
	struct td_buf buf = TD_BUF_INIT(7);

	(void)state;
	td_header_value_encode(&buf, td_text("a \xC3x"));
	assert_int_equal(buf.code, TD_E_TOO_LARGE);
	td_buf_reset(&buf);
	td_header_value_encode(&buf, td_text("a b%"));
	assert_int_equal(buf.code, TD_E_TOO_LARGE);
	td_buf_reset(&buf);
	td_header_value_encode(&buf, td_text("ab c%"));
	assert_int_equal(buf.code, TD_E_TOO_LARGE);
	td_buf_reset(&buf);
	td_header_value_encode(&buf, td_text("abcd "));
	assert_int_equal(buf.code, 0);
	assert_text(td_buf_view(&buf), "abcd%20");
	td_buf_fini(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(value_is_encoded_as_the_http_binding_says),
		cmocka_unit_test(value_is_decoded_from_what_others_write),
		cmocka_unit_test(broken_value_is_refused_with_its_place),
		cmocka_unit_test(value_fits_exactly_into_a_buffer_of_its_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
