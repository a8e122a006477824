#include "http_test.h"

static void lists_are_split_at_commas_outside_of_quotes(void **state)
{
	static const struct http_case cases[] = {
		{"a", "[a]"},
		{"a, b\t,c", "[a][b][c]"},
		{",, a ,,", "[a]"},
		{"\"a,b\", c", "[\"a,b\"][c]"},
		{"\"a\\\",b\",c", "[\"a\\\",b\"][c]"},
		{"\"a,b", "[\"a,b]"},
		{"", ""},
		{" , ", ""},
	};
	struct td_buf out = TD_BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct td_text rest = td_text(cases[i].bytes), element;

		td_buf_reset(&out);
		td_buf_add_string(&out, "");
		td_buf_add(&out, "", 0);
		while (td_http_list_next(&rest, &element))
			td_buf_printf(&out, "[%.*s]", TD_TEXT_ARG(element));
		assert_string_equal(out.len > 0 ? out.at : "", cases[i].is);
	}
	td_buf_fini(&out);
}

static void entity_tags_are_read_as_the_table_says(void **state)
{
	static const struct http_case cases[] = {
		{"\"7\"", "7=7 "},
		{"*", "* "},
		{" * ", "* "},
		{"\"7\", \"8\"", "7=7 8=8 "},
		{"W/\"7\"", "weak:7 "},
		{"\"a,b\",\"c\"", "a,b c "},
		{"\"\"", " "},
		{"\"\xC3\xB6\\\"", "\xC3\xB6\\ "},
		{"\"07\"", "07 "},
		{"\"+7\"", "+7 "},
		{"\"9223372036854775807\"", "9223372036854775807=9223372036854775807 "},
		{"\"18446744073709551616\"", "18446744073709551616 "},
		{"", "WRONG"},
		{"7", "WRONG"},
		{"\"7", "WRONG"},
		{"7\"", "WRONG"},
		{"w/\"7\"", "WRONG"},
		{"W/", "WRONG"},
		{"\"7 8\"", "WRONG"},
		{"\"7\" \"8\"", "WRONG"},
		{"\"7\",", "WRONG"},
		{",\"7\"", "WRONG"},
		{"\"7\",*", "WRONG"},
		{"*,\"7\"", "WRONG"},
		{"**", "WRONG"},
		{"\"7\",8", "7=7 WRONG"},
	};
	struct td_buf out = TD_BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct td_text rest = td_text(cases[i].bytes);
		enum td_http_tags read;
		struct td_http_tag tag;
		uint64_t number;

		td_buf_reset(&out);
		while ((read = td_http_tag_next(&rest, &tag)) == TD_HTTP_TAG) {
			td_buf_printf(&out, "%s%s%.*s", tag.any ? "*" : "", tag.weak ? "weak:" : "",
				TD_TEXT_ARG(tag.opaque));
			if (td_http_tag_number(&tag, &number))
				td_buf_printf(&out, "=%llu", (unsigned long long)number);
			td_buf_add_char(&out, ' ');
		}
		td_buf_add_string(&out, read == TD_HTTP_TAG_WRONG ? "WRONG" : "");
		assert_string_equal(out.at, cases[i].is);
	}
	td_buf_fini(&out);
}

static void what_a_client_has_is_compared_weakly(void **state)
{
	static const struct {
		const char *value;
		bool named;
	} cases[] = {
		{"\"7\"", true},
		{"W/\"7\"", true},
		{"\"6\", W/\"7\"", true},
		{"*", true},
		{"\"6\"", false},
		{"\"77\"", false},
		{"7", false},
		{"\"7\", x", false},
		{NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(
			td_http_tags_name(td_text(cases[i].value), td_text("7")), cases[i].named);
}

static void media_types_are_read_with_their_parameters(void **state)
{
	static const struct {
		const char *text, *type; /* NULL: none */
		const char *charset;
	} cases[] = {
		{"application/json", "application/json", NULL},
		{"Application/JSON", "application/json", NULL},
		{"application/cloudevents+json; charset=UTF-8", "application/cloudevents+json",
			"UTF-8"},
		{"text/plain;charset=\"utf-8\"", "text/plain", "utf-8"},
		{"text/plain ; x=\";charset=no\" ; CharSet = yes ", "text/plain", "yes"},
		{"text/plain;", "text/plain", NULL},
		{"text/plain;charset", "text/plain", NULL},
		{"*/*", "*/*", NULL},
		{"text", NULL, NULL},
		{"text/", NULL, NULL},
		{"/plain", NULL, NULL},
		{"text/plain x", NULL, NULL},
		{"text /plain", NULL, NULL},
		{"", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct td_http_media media;
		bool is = td_http_media_read(td_text(cases[i].text), &media);

		assert_int_equal(is, cases[i].type != NULL);
		if (!is)
			continue;
		assert_true(td_http_media_is(&media, cases[i].type));
		assert_false(td_http_media_is(&media, "application/jso"));
		assert_true(td_text_equal(
			td_http_media_parameter(&media, "charset"), td_text(cases[i].charset)));
	}
}

static void the_most_exact_range_of_accept_decides(void **state)
{
	static const struct {
		const char *fields;
		unsigned json, stream;
	} cases[] = {
		{"", 1000, 1000},
		{"Accept: */*\r\n", 1000, 1000},
		{"Accept: application/json\r\n", 1000, 0},
		{"ACCEPT: text/event-stream, application/json;q=0.5\r\n", 500, 1000},
		{"Accept: application/*;q=0.25, */*;q=0.125\r\n", 250, 125},
		{"Accept: */*, application/json;q=0\r\n", 0, 1000},
		{"Accept: application/json;q=0.1, application/*\r\n", 100, 0},
		{"Accept: text/html\r\nAccept: application/json;q=0.001\r\n", 1, 0},
		{"Accept: application/json;charset=utf-8;q=0.7\r\n", 700, 0},
		{"Accept: application/json;q=0.2, application/json;q=0.4\r\n", 400, 0},
		{"Accept: application/json;q=1.000\r\n", 1000, 0},
		{"Accept: application/json;q=1.1, text/event-stream\r\n", 0, 1000},
		{"Accept: application/json;q=x, text/event-stream\r\n", 0, 1000},
		{"Accept: application/json;q=0.1234, text/event-stream\r\n", 0, 1000},
		{"Accept: application/json;q=, text/event-stream\r\n", 0, 1000},
		{"Accept: application/json;q=2, text/event-stream\r\n", 0, 1000},
		{"Accept: application/json;q=05, text/event-stream\r\n", 0, 1000},
		{"Host: a\r\nAccept: text/event-stream\r\nAccept-Encoding: gzip\r\n", 0, 1000},
		{"Accept:\r\n", 1000, 1000},
		{"Accept: json\r\n", 1000, 1000},
		{"Accept: text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8\r\n",
			800, 800},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct td_text fields = td_text(cases[i].fields);

		assert_int_equal(td_http_accepts(fields, "application/json"), cases[i].json);
		assert_int_equal(td_http_accepts(fields, "text/event-stream"), cases[i].stream);
	}
}

static void credentials_are_a_scheme_and_the_rest(void **state)
{
	static const struct {
		const char *value, *scheme, *parameters;
	} cases[] = {
		{"Bearer abc.DEF-_~+/==", "Bearer", "abc.DEF-_~+/=="},
		{"basic   dTpw", "basic", "dTpw"},
		{"Digest a=\"b\", c=d", "Digest", "a=\"b\", c=d"},
		{"Negotiate", "Negotiate", ""},
		{"", NULL, NULL},
		{"Bearer\tabc", NULL, NULL},
		{"Bearer:abc", NULL, NULL},
		{"\"x\" y", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct td_http_credentials credentials;
		bool read = td_http_credentials_read(td_text(cases[i].value), &credentials);

		assert_int_equal(read, cases[i].scheme != NULL);
		if (!read)
			continue;
		assert_true(td_text_is(credentials.scheme, cases[i].scheme));
		assert_true(td_text_is(credentials.parameters, cases[i].parameters));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_split_at_commas_outside_of_quotes),
		cmocka_unit_test(entity_tags_are_read_as_the_table_says),
		cmocka_unit_test(what_a_client_has_is_compared_weakly),
		cmocka_unit_test(media_types_are_read_with_their_parameters),
		cmocka_unit_test(the_most_exact_range_of_accept_decides),
		cmocka_unit_test(credentials_are_a_scheme_and_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
