#include "http_test.h"

#include "wire/http/target.h"

/* "a|b|c ? n=v n=v", or what is wrong; "@" before what stands behind a bare "@". */
static void show(struct td_buf *out, const char *path, const char *query)
{
	struct td_buf buf = TD_BUF_INIT(1 << 20);
	struct td_http_target target;
	enum td_http_error error =
		td_http_read_target(&target, td_text(path), td_text(query), &buf);

	td_buf_reset(out);
	td_buf_add_string(out, error != TD_HTTP_FINE ? play_error(error) : "");
	for (uint32_t i = 0; error == TD_HTTP_FINE && i < target.segment_count; i++) {
		const struct td_http_segment *segment = &target.segments[i];

		td_buf_printf(out, "/%.*s", TD_TEXT_ARG(segment->text));
		if (segment->mark != TD_HTTP_NO_MARK)
			td_buf_printf(out, "(%zu)", segment->mark);
	}
	for (uint32_t i = 0; error == TD_HTTP_FINE && i < target.parameter_count; i++)
		td_buf_printf(out, " %.*s=%.*s", TD_TEXT_ARG(target.parameters[i].name),
			TD_TEXT_ARG(target.parameters[i].value));
	td_buf_fini(&buf);
}

static void each_target_is_taken_apart_as_the_table_says(void **state)
{
	static const struct {
		const char *path, *query, *is;
	} cases[] = {
		{"/", NULL, ""},
		{"/", "", ""},
		{"/a", NULL, "/a"},
		{"/a/", NULL, "/a/"},
		{"//", NULL, "//"},
		{"//a//b", NULL, "//a//b"},
		{"/v1/subjects/order.42/events", NULL, "/v1/subjects/order.42/events"},
		{"/a%2Fb/c", NULL, "/a/b/c"},
		{"/a%2fb%20c+d", NULL, "/a/b c+d"},
		{"/%61%C3%B6", NULL, "/a\xC3\xB6"},
		{"/%2541", NULL, "/%41"},
		{"/%25%34%31", NULL, "/%41"},
		{"/a%3Fb%23", NULL, "/a?b#"},
		{"/a@7", NULL, "/a@7(1)"},
		{"/a%407", NULL, "/a@7"},
		{"/%61%40@7", NULL, "/a@@7(2)"},
		{"/a@7@%38", NULL, "/a@7@8(3)"},
		{"/@", NULL, "/@(0)"},
		{"/...", NULL, "/..."},
		{"/.a/..b", NULL, "/.a/..b"},
		{"/.", NULL, "DOTS"},
		{"/a/..", NULL, "DOTS"},
		{"/a/../b", NULL, "DOTS"},
		{"/%2e", NULL, "DOTS"},
		{"/%2E./b", NULL, "DOTS"},
		{"/.%2e", NULL, "DOTS"},
		{"/%252e", NULL, "/%2e"},
		{"/a%2F..", NULL, "/a/.."},
		{"/%00", NULL, "NUL"},
		{"/a%00b", NULL, "NUL"},
		{"/%FF", NULL, "UTF8"},
		{"/%C3", NULL, "UTF8"},
		{"/%C0%AF", NULL, "UTF8"},
		{"/%ED%A0%80", NULL, "UTF8"},
		{"/%", NULL, "PERCENT"},
		{"/%4", NULL, "PERCENT"},
		{"/%4g", NULL, "PERCENT"},
		{"/%+1", NULL, "PERCENT"},
		{"", NULL, "TARGET"},
		{"a", NULL, "TARGET"},
		{"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", NULL,
			"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16"},
		{"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/", NULL, "SEGMENTS"},

		{"/", "a=b", " a=b"},
		{"/", "a=b&a=c&b", " a=b a=c b="},
		{"/", "&&a=&&=b&", " a= =b"},
		{"/", "a=b=c&d==", " a=b=c d=="},
		{"/", "a+b=c+d", " a b=c d"},
		{"/", "a%2Bb=%2B", " a+b=+"},
		{"/", "a%3Db=%26c", " a=b=&c"},
		{"/", "a=%2526", " a=%26"},
		{"/", "a=b;c=d", " a=b;c=d"},
		{"/", "filter={x:[1]}|\\^`", " filter={x:[1]}|\\^`"},
		{"/", "a=/?:@", " a=/?:@"},
		{"/", "a=..", " a=.."},
		{"/", "a=%0A", " a=\n"},
		{"/", "a=%00", "NUL"},
		{"/", "%00", "NUL"},
		{"/", "a=%C3", "UTF8"},
		{"/", "a=%C3&%B6", "UTF8"},
		{"/", "a=%", "PERCENT"},
		{"/", "%a=b", "PERCENT"},
	};
	struct td_buf out = TD_BUF_INIT(1 << 20);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		show(&out, cases[i].path, cases[i].query);
		assert_string_equal(out.at, cases[i].is);
	}
	td_buf_fini(&out);
}

static void there_is_a_bound_to_parameters(void **state)
{
	struct td_buf query = TD_BUF_INIT(1 << 20), out = TD_BUF_INIT(1 << 20);
	struct td_buf many = TD_BUF_INIT(1 << 20);

	(void)state;
	for (unsigned i = 0; i < TD_HTTP_PARAMETERS_MAX; i++) {
		td_buf_add_string(&query, "a&&");
		td_buf_add_string(&many, " a=");
	}
	show(&out, "/", query.at);
	assert_string_equal(out.at, many.at);
	td_buf_add_string(&query, "b");
	show(&out, "/", query.at);
	assert_string_equal(out.at, "PARAMETERS");
	td_buf_fini(&query);
	td_buf_fini(&out);
	td_buf_fini(&many);
}

static void repeated_parameters_are_counted_and_walked(void **state)
{
	struct td_buf buf = TD_BUF_INIT(1 << 20);
	struct td_http_target target;
	struct td_text value;
	uint32_t at = 0;

	(void)state;
	assert_int_equal(td_http_read_target(&target, td_text("/"),
				 td_text("type=A&log=x&type=B+C&flag"), &buf),
		TD_HTTP_FINE);
	assert_int_equal(td_http_parameter(&target, "log", &value), 1);
	assert_true(td_text_is(value, "x"));
	assert_int_equal(td_http_parameter(&target, "type", &value), 2);
	assert_true(td_text_is(value, "A"));
	assert_int_equal(td_http_parameter(&target, "flag", &value), 1);
	assert_true(td_text_is(value, ""));
	assert_int_equal(td_http_parameter(&target, "from", &value), 0);
	assert_null(value.at);
	assert_true(td_http_parameter_next(&target, "type", &at, &value));
	assert_true(td_text_is(value, "A"));
	assert_true(td_http_parameter_next(&target, "type", &at, &value));
	assert_true(td_text_is(value, "B C"));
	assert_false(td_http_parameter_next(&target, "type", &at, &value));
	td_buf_fini(&buf);
}

static void what_needs_no_decoding_is_not_copied(void **state)
{
	static const char path[] = "/plain/%41", query[] = "a=b&c=%42";
	struct td_buf buf = TD_BUF_INIT(1 << 20);
	struct td_http_target target;

	(void)state;
	assert_int_equal(
		td_http_read_target(&target, td_text(path), td_text(query), &buf), TD_HTTP_FINE);
	assert_ptr_equal(target.segments[0].text.at, path + 1);
	assert_ptr_equal(target.segments[1].text.at, buf.at);
	assert_ptr_equal(target.parameters[0].value.at, query + 2);
	assert_ptr_equal(target.parameters[1].value.at, buf.at + 1);
	assert_int_equal(buf.len, 2);
	td_buf_fini(&buf);
}

static void a_buffer_that_may_not_grow_is_told(void **state)
{
	struct td_buf buf = TD_BUF_INIT(3);
	struct td_http_target target;

	(void)state;
	assert_int_equal(td_http_read_target(&target, td_text("/%41/b"), td_text(NULL), &buf),
		TD_HTTP_E_MEMORY);
	td_buf_reset(&buf);
	td_http_add_encoded(&buf, td_text("a/b"));
	assert_int_equal(buf.code, TD_E_TOO_LARGE);
	td_buf_fini(&buf);
}

static void what_is_encoded_reads_back(void **state)
{
	struct td_buf encoded = TD_BUF_INIT(1 << 20), decoded = TD_BUF_INIT(1 << 20);
	struct td_http_target target;

	(void)state;
	td_buf_add_char(&encoded, '/');
	td_http_add_encoded(&encoded, td_text("a b/c@7+%&=\xC3\xB6\n~-._"));
	assert_string_equal(encoded.at, "/a%20b%2Fc%407%2B%25%26%3D%C3%B6%0A~-._");
	assert_int_equal(
		td_http_read_target(&target, td_buf_view(&encoded), td_text(NULL), &decoded),
		TD_HTTP_FINE);
	assert_int_equal(target.segment_count, 1);
	assert_true(td_text_is(target.segments[0].text, "a b/c@7+%&=\xC3\xB6\n~-._"));
	td_buf_fini(&encoded);
	td_buf_fini(&decoded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_target_is_taken_apart_as_the_table_says),
		cmocka_unit_test(there_is_a_bound_to_parameters),
		cmocka_unit_test(repeated_parameters_are_counted_and_walked),
		cmocka_unit_test(what_needs_no_decoding_is_not_copied),
		cmocka_unit_test(a_buffer_that_may_not_grow_is_told),
		cmocka_unit_test(what_is_encoded_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
