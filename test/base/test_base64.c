#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "alloc.h"
#include "base/base.h"

/* RFC 4648 section 10, and bytes that need the last two letters. */
static const struct {
	const char *bytes, *text;
} known[] = {
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
	{"\xFB\xFF\xBF", "+/+/"},
};

static void base64_agrees_with_the_rfc_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct td_buf buf = TD_BUF_INIT(100);

		td_base64_encode(&buf, td_text(known[i].bytes));
		assert_string_equal(buf.at, known[i].text);
		td_buf_reset(&buf);
		assert_int_equal(td_base64_decode(&buf, td_text(known[i].text), NULL), 0);
		assert_int_equal(buf.len, strlen(known[i].bytes));
		assert_string_equal(buf.at, known[i].bytes);
		td_buf_fini(&buf);
	}
}

static void base64_keeps_all_bytes_of_any_length(void **state)
{
	unsigned char bytes[300];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 7 + i / 256);
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		struct td_buf text = TD_BUF_INIT(1000), back = TD_BUF_INIT(1000);

		td_base64_encode(&text, td_text_of(bytes, len));
		assert_int_equal(td_base64_decode(&back, td_buf_view(&text), NULL), 0);
		assert_int_equal(back.len, len);
		assert_memory_equal(back.at, bytes, len);
		td_buf_fini(&text);
		td_buf_fini(&back);
	}
}

static void base64_refuses_what_is_not_strict_and_says_where(void **state)
{
	static const struct {
		const char *text;
		size_t offset;
	} bad[] = {
		{"Z", 1},
		{"Zg", 2},
		{"Zg=", 3},
		{"Zm9vYg", 6},
		{"====", 0},
		{"Z===", 1},
		{"=g==", 0},
		{"Zg=a", 2},
		{"Z=g=", 1},
		{"Zg==Zg==", 2},
		{"Zm9v\nZg=", 4},
		{"Zm 9", 2},
		{"Zm-_", 2},
		{"Zm9v\xFF===", 4},
		{"Zh==", 1},
		{"Zm9=", 2},
		{"Zm9vZ/==", 5},
		{"Zg==\n", 5},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct td_buf buf = TD_BUF_INIT(100);
		struct td_error err = TD_ERROR_INIT;

		td_buf_add_string(&buf, "kept");
		assert_int_equal(td_base64_decode(&buf, td_text(bad[i].text), &err), TD_E_FORMAT);
		assert_int_equal(err.offset, bad[i].offset);
		assert_int_equal(buf.len, 4);
		assert_int_equal(buf.code, 0);
		td_buf_fini(&buf);
	}
}

static void base64_obeys_the_ceiling_of_the_buffer(void **state)
{
	struct td_buf buf = TD_BUF_INIT(5);

	(void)state;
	assert_int_equal(td_base64_decode(&buf, td_text("Zm9vYmFy"), NULL), TD_E_TOO_LARGE);
	td_buf_reset(&buf);
	assert_int_equal(td_base64_decode(&buf, td_text("Zm9vYmE="), NULL), 0);
	td_base64_encode(&buf, td_text("f"));
	assert_int_equal(td_buf_check(&buf, NULL), TD_E_TOO_LARGE);
	td_buf_fini(&buf);
}

static int encode_and_decode(void *arg)
{
	struct td_buf text = TD_BUF_INIT(100), back = TD_BUF_INIT(100);
	int code;

	(void)arg;
	td_base64_encode(&text, td_text("foobar"));
	code = td_buf_check(&text, NULL);
	if (code == 0)
		code = td_base64_decode(&back, td_buf_view(&text), NULL);
	td_buf_fini(&text);
	td_buf_fini(&back);
	return code;
}

static void base64_survives_lack_of_memory(void **state)
{
	(void)state;
	assert_int_equal(alloc_torture(encode_and_decode, NULL), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_agrees_with_the_rfc_both_ways),
		cmocka_unit_test(base64_keeps_all_bytes_of_any_length),
		cmocka_unit_test(base64_refuses_what_is_not_strict_and_says_where),
		cmocka_unit_test(base64_obeys_the_ceiling_of_the_buffer),
		cmocka_unit_test(base64_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
