#include "http_test.h"

#include <stdio.h>

#include "alloc.h"

#define NOW  ((td_time)784111777 * 1000000000) /* Sun, 06 Nov 1994 08:49:37 GMT */
#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

static const struct td_http_terms usual, head = {.head = true}, closing = {.close = true},
					 old = {.old = true},
					 old_closing = {.old = true, .close = true};

static void assert_written(struct td_buf *buf, const char *is)
{
	assert_int_equal(buf->code, 0);
	assert_string_equal(buf->at, is);
	td_buf_reset(buf);
}

static int respond(
	struct td_buf *buf, const struct td_http_terms *terms, int status, const char *body)
{
	struct td_http_writer writer;

	td_http_write_response(&writer, buf, terms, status, NOW);
	return td_http_write_body(&writer, td_text(body), NULL);
}

static void a_response_says_how_long_it_is_and_whether_the_connection_lives(void **state)
{
	struct td_buf buf = TD_BUF_INIT(4096);

	(void)state;
	assert_int_equal(respond(&buf, &usual, 200, "hi"), 0);
	assert_written(&buf, "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 2\r\n\r\nhi");
	assert_int_equal(respond(&buf, &usual, 404, ""), 0);
	assert_written(&buf, "HTTP/1.1 404 Not Found\r\n" DATE "Content-Length: 0\r\n\r\n");
	assert_int_equal(respond(&buf, &head, 200, "hi"), 0);
	assert_written(&buf, "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 2\r\n\r\n");
	assert_int_equal(respond(&buf, &usual, 204, ""), 0);
	assert_written(&buf, "HTTP/1.1 204 No Content\r\n" DATE "\r\n");
	assert_int_equal(respond(&buf, &usual, 304, ""), 0);
	assert_written(&buf, "HTTP/1.1 304 Not Modified\r\n" DATE "\r\n");
	assert_int_equal(respond(&buf, &closing, 400, "x"), 0);
	assert_written(&buf, "HTTP/1.1 400 Bad Request\r\n" DATE "Content-Length: 1\r\n"
			     "Connection: close\r\n\r\nx");
	assert_int_equal(respond(&buf, &old, 200, "x"), 0);
	assert_written(&buf, "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 1\r\n"
			     "Connection: keep-alive\r\n\r\nx");
	assert_int_equal(respond(&buf, &old_closing, 299, "x"), 0);
	assert_written(&buf, "HTTP/1.1 299 Status\r\n" DATE "Content-Length: 1\r\n"
			     "Connection: close\r\n\r\nx");
	td_buf_fini(&buf);
}

static void a_stream_is_of_chunks_or_ends_with_the_connection(void **state)
{
	static const struct {
		const struct td_http_terms *terms;
		bool chunked, close;
		const char *is;
	} cases[] = {
		{&usual, true, false, "Transfer-Encoding: chunked\r\n"},
		{&head, true, false, "Transfer-Encoding: chunked\r\n"},
		{&closing, true, true, "Transfer-Encoding: chunked\r\nConnection: close\r\n"},
		{&old, false, true, "Connection: close\r\n"},
	};
	struct td_buf buf = TD_BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct td_http_writer writer;
		char whole[200];

		td_http_write_response(&writer, &buf, cases[i].terms, 200, NOW);
		td_http_write_field(&writer, "Content-Type", td_text("text/event-stream"));
		assert_int_equal(td_http_write_stream(&writer, NULL), 0);
		assert_int_equal(writer.chunked, cases[i].chunked);
		assert_int_equal(writer.terms.close, cases[i].close);
		snprintf(whole, sizeof(whole),
			"HTTP/1.1 200 OK\r\n" DATE "Content-Type: text/event-stream\r\n%s\r\n",
			cases[i].is);
		assert_written(&buf, whole);
	}
	td_buf_fini(&buf);
}

static void chunks_are_written_whole_or_not_at_all(void **state)
{
	struct td_buf buf = TD_BUF_INIT(60);
	size_t opened;

	(void)state;
	td_http_add_chunk(&buf, td_text("hello"));
	td_http_add_chunk(&buf, td_text(""));
	opened = td_http_open_chunk(&buf);
	td_http_close_chunk(&buf, opened);
	opened = td_http_open_chunk(&buf);
	td_buf_add_string(&buf, "0123456789abcdef");
	td_http_close_chunk(&buf, opened);
	td_http_add_last_chunk(&buf);
	assert_int_equal(buf.code, 0);
	assert_string_equal(buf.at, "00000005\r\nhello\r\n00000010\r\n0123456789abcdef\r\n"
				    "0\r\n\r\n");
	td_http_add_chunk(&buf, td_text("far too long"));
	assert_int_equal(buf.code, TD_E_TOO_LARGE);
	assert_int_equal(buf.len, 50);
	td_buf_fini(&buf);
}

static void a_chunk_whose_end_does_not_fit_is_taken_back(void **state)
{
	struct td_buf buf = TD_BUF_INIT(16);
	size_t opened = td_http_open_chunk(&buf);

	(void)state;
	td_buf_add_string(&buf, "12345");
	td_http_close_chunk(&buf, opened);
	assert_int_equal(buf.code, TD_E_TOO_LARGE);
	assert_int_equal(buf.len, 0);
	td_buf_fini(&buf);
}

static void a_value_that_would_end_its_line_fails_the_message(void **state)
{
	static const char *const values[] = {
		"a\r\nX: y", "a\nb", "a\rb", "\r\n", "\x01", "a\x7F", "a\x1B[0m"};
	struct td_buf buf = TD_BUF_INIT(4096);

	(void)state;
	td_buf_add_string(&buf, "before");
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		struct td_error err = TD_ERROR_INIT;
		struct td_http_writer writer;

		td_http_write_response(&writer, &buf, &usual, 200, NOW);
		td_http_write_field(&writer, "X-Wrong", td_text(values[i]));
		td_http_write_field(&writer, "X-Right", td_text("\tblank \xC3\xB6"));
		assert_int_equal(td_http_write_body(&writer, td_text("x"), &err), TD_E_INVALID);
		assert_string_equal(err.text, "X-Wrong: a byte that cannot be in it");
		assert_int_equal(buf.len, strlen("before"));
	}
	td_buf_fini(&buf);
}

static void a_request_is_written_as_it_is_read(void **state)
{
	struct td_buf buf = TD_BUF_INIT(4096);
	struct td_http_writer writer;

	(void)state;
	td_http_write_request(
		&writer, &buf, TD_HTTP_POST, td_text("/v1/events?a=b"), td_text("h:1"));
	td_http_write_field(&writer, "Content-Type", td_text("application/json"));
	assert_int_equal(td_http_write_body(&writer, td_text("{}"), NULL), 0);
	td_http_write_request(&writer, &buf, TD_HTTP_GET, td_text("/"), td_text("h"));
	assert_int_equal(td_http_write_body(&writer, td_text(""), NULL), 0);
	td_http_write_request(&writer, &buf, TD_HTTP_PUT, td_text("/x"), td_text("h"));
	assert_int_equal(td_http_write_body(&writer, td_text(""), NULL), 0);
	td_http_write_request(&writer, &buf, TD_HTTP_POST, td_text("/y"), td_text("h"));
	assert_int_equal(td_http_write_stream(&writer, NULL), 0);
	assert_written(&buf, "POST /v1/events?a=b HTTP/1.1\r\nHost: h:1\r\n"
			     "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
			     "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
			     "PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"
			     "POST /y HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
	td_buf_fini(&buf);
}

static void a_request_for_what_cannot_be_asked_is_not_written(void **state)
{
	static const struct {
		const char *target, *host, *why;
	} cases[] = {
		{"/a b", "h", "the target: a byte that cannot be in it"},
		{"/a\r\nX: y", "h", "the target: a byte that cannot be in it"},
		{"/\xC3\xB6", "h", "the target: a byte that cannot be in it"},
		{"", "h", "the target: a byte that cannot be in it"},
		{"/", "", "Host: a byte that cannot be in it"},
		{"/", "h\r\nX: y", "Host: a byte that cannot be in it"},
		{"/", "u@h", "Host: a byte that cannot be in it"},
	};
	struct td_buf buf = TD_BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct td_error err = TD_ERROR_INIT;
		struct td_http_writer writer;

		td_http_write_request(&writer, &buf, TD_HTTP_GET, td_text(cases[i].target),
			td_text(cases[i].host));
		assert_int_equal(td_http_write_body(&writer, td_text(""), &err), TD_E_INVALID);
		assert_string_equal(err.text, cases[i].why);
		assert_int_equal(buf.len, 0);
	}
	td_buf_fini(&buf);
}

static void the_terms_are_those_of_the_request(void **state)
{
	struct td_http_request request = {.method = TD_HTTP_HEAD, .minor = 0, .keep_alive = false};
	struct td_http_terms terms = td_http_terms_of(&request);

	(void)state;
	assert_true(terms.old && terms.head && terms.close);
	request = (struct td_http_request){.method = TD_HTTP_GET, .minor = 1, .keep_alive = true};
	terms = td_http_terms_of(&request);
	assert_false(terms.old || terms.head || terms.close);
	terms = td_http_terms_of(NULL);
	assert_true(terms.close && !terms.old && !terms.head);
}

static void dates_are_those_of_http(void **state)
{
	static const struct {
		td_time seconds;
		const char *is;
	} cases[] = {
		{784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
		{0, "Thu, 01 Jan 1970 00:00:00 GMT"},
		{-1, "Wed, 31 Dec 1969 23:59:59 GMT"},
		{951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
		{4102444799, "Thu, 31 Dec 2099 23:59:59 GMT"},
		{1796083200, "Tue, 01 Dec 2026 00:00:00 GMT"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char text[TD_HTTP_DATE_BYTES];

		td_http_date(cases[i].seconds * 1000000000, text);
		assert_memory_equal(text, cases[i].is, sizeof(text));
	}
}

static void odds_and_ends_are_written_as_the_rfcs_say(void **state)
{
	struct td_buf buf = TD_BUF_INIT(4096);

	(void)state;
	td_http_add_continue(&buf);
	assert_written(&buf, "HTTP/1.1 100 Continue\r\n\r\n");
	td_http_add_link(&buf, td_text("/v1/events?from=8&type=A%20B"), "next");
	td_http_add_link(&buf, td_text("/v1/events/7"), "self");
	assert_written(&buf, "</v1/events?from=8&type=A%20B>; rel=\"next\", "
			     "</v1/events/7>; rel=\"self\"");
	td_buf_fini(&buf);
}

static int write_all(void *arg)
{
	struct td_buf buf = TD_BUF_INIT(1 << 20);
	struct td_http_writer writer;
	int code;

	(void)arg;
	td_http_write_response(&writer, &buf, &usual, 200, NOW);
	td_http_write_field(&writer, "ETag", td_text("\"7\""));
	code = td_http_write_body(&writer,
		td_text("a body, so that the buffer grows again and again "
			"and again and again and again and again"),
		NULL);
	assert_int_equal(buf.len > 0, code == 0);
	td_buf_fini(&buf);
	return code;
}

static void without_memory_nothing_is_left_in_the_buffer(void **state)
{
	(void)state;
	alloc_torture(write_all, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_response_says_how_long_it_is_and_whether_the_connection_lives),
		cmocka_unit_test(a_stream_is_of_chunks_or_ends_with_the_connection),
		cmocka_unit_test(chunks_are_written_whole_or_not_at_all),
		cmocka_unit_test(a_chunk_whose_end_does_not_fit_is_taken_back),
		cmocka_unit_test(a_value_that_would_end_its_line_fails_the_message),
		cmocka_unit_test(a_request_is_written_as_it_is_read),
		cmocka_unit_test(a_request_for_what_cannot_be_asked_is_not_written),
		cmocka_unit_test(the_terms_are_those_of_the_request),
		cmocka_unit_test(dates_are_those_of_http),
		cmocka_unit_test(odds_and_ends_are_written_as_the_rfcs_say),
		cmocka_unit_test(without_memory_nothing_is_left_in_the_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
