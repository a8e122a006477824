#include "http_test.h"

static void a_failed_call_becomes_a_problem_by_its_code(void **state)
{
	struct td_buf buf = TD_BUF_INIT(4096);
	struct td_error err = TD_ERROR_INIT;
	struct td_json_writer writer;

	(void)state;
	td_error_set(&err, TD_E_REVISION, TD_NO_OFFSET, "order.42: expected 7, found 9");
	td_http_open_problem(&writer, &buf, &err);
	td_json_name(&writer, td_text("revision"));
	td_json_u64(&writer, 9);
	td_json_close_object(&writer);
	assert_string_equal(buf.at,
		"{\"type\":\"/errors/revision-conflict\","
		"\"title\":\"the subject is at another revision than was expected\","
		"\"status\":412,\"code\":\"revision-conflict\","
		"\"detail\":\"order.42: expected 7, found 9\",\"revision\":9}");
	td_buf_reset(&buf);
	td_error_set(&err, TD_E_JSON, 14, "line 1, column 15: a \"}\" was expected");
	td_http_open_problem(&writer, &buf, &err);
	td_json_close_object(&writer);
	assert_string_equal(buf.at,
		"{\"type\":\"/errors/malformed-json\",\"title\":\"the text is not JSON as RFC 8259 "
		"has "
		"it\",\"status\":400,\"code\":\"malformed-json\","
		"\"detail\":\"line 1, column 15: a \\\"}\\\" was expected\",\"offset\":14}");
	td_buf_fini(&buf);
}

static void each_code_of_the_table_has_its_document(void **state)
{
	static const int codes[] = {
#define CODE(name, number, slug, http, exit, meaning) number,
		TD_ERROR_TABLE(CODE)
#undef CODE
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(codes); i++) {
		const struct td_error err = {.code = codes[i], .offset = TD_NO_OFFSET};
		struct td_buf buf = TD_BUF_INIT(4096);
		struct td_json_writer writer;
		struct td_json document;

		td_http_open_problem(&writer, &buf, &err);
		td_json_close_object(&writer);
		assert_int_equal(td_json_parse(td_buf_view(&buf), 0, &document, NULL), 0);
		assert_true(td_json_string_is(
			td_json_get(document, td_text("code")), td_text(td_error_name(codes[i]))));
		assert_string_not_equal(td_http_phrase(td_error_http(codes[i])), "Status");
		td_buf_fini(&buf);
	}
}

static void what_has_no_code_is_told_by_its_status(void **state)
{
	struct td_buf buf = TD_BUF_INIT(4096);

	(void)state;
	td_http_add_problem(&buf, 414, td_text(td_http_error_why(TD_HTTP_E_TARGET_LONG)));
	assert_string_equal(buf.at, "{\"type\":\"about:blank\",\"title\":\"URI Too Long\","
				    "\"status\":414,\"detail\":\"the target is too long\"}");
	td_buf_reset(&buf);
	td_http_add_problem(&buf, 405, td_text(NULL));
	assert_string_equal(buf.at, "{\"type\":\"about:blank\",\"title\":\"Method Not Allowed\","
				    "\"status\":405}");
	td_buf_fini(&buf);
}

static void each_error_has_a_status_with_a_phrase(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TD_HTTP_ERRORS; i++) {
		int status = td_http_error_status((enum td_http_error)i);

		assert_string_not_equal(td_http_phrase(status), "Status");
		assert_true(td_http_error_why((enum td_http_error)i)[0] != '\0');
		assert_true(i == 0 || (status >= 400 && status <= 599));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failed_call_becomes_a_problem_by_its_code),
		cmocka_unit_test(each_code_of_the_table_has_its_document),
		cmocka_unit_test(what_has_no_code_is_told_by_its_status),
		cmocka_unit_test(each_error_has_a_status_with_a_phrase),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
