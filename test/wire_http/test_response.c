#include "http_test.h"

#define OK(fields)    "HTTP/1.1 200 OK\r\n" fields "\r\n"
#define LENGTH(bytes) "Content-Length: " bytes "\r\n"
#define CHUNKED       "Transfer-Encoding: chunked\r\n"
#define NEXT          "HTTP/1.1 204 Next\r\n\r\n"
#define NEXT_IS       "; 204 Next"

static const struct td_http_limits usual = {0};

static const struct http_case responses[] = {
	{OK(LENGTH("2")) "hi" NEXT, "200 OK =hi" NEXT_IS},
	{OK(LENGTH("0")) NEXT, "200 OK" NEXT_IS},
	{OK(CHUNKED) "2;x=y\r\nhi\r\n0\r\nT: z\r\n\r\n" NEXT, "200 OK =hi" NEXT_IS},
	{OK("") "hi there" NEXT, "200 OK =hi there" NEXT " close"},
	{OK("Connection: close\r\n" LENGTH("2")) "hi", "200 OK =hi close"},
	{OK(LENGTH("3")) "hi", "200 OK; MORE"},
	{OK(CHUNKED) "2\r\nhi\r\n", "200 OK; MORE"},
	{"HTTP/1.0 200 OK\r\n" LENGTH("2") "\r\nhi", "200 OK =hi close"},
	{"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" LENGTH("2") "\r\nhi" NEXT,
		"200 OK =hi" NEXT_IS},
	{"HTTP/1.1 100 Continue\r\n\r\n" OK(LENGTH("2")) "hi", "100 Continue; 200 OK =hi"},
	{"HTTP/1.1 304 Not Modified\r\n" LENGTH("5") "\r\n" NEXT, "304 Not Modified" NEXT_IS},
	{"HTTP/1.1 204 No Content\r\n\r\n" NEXT, "204 No Content" NEXT_IS},
	{"HTTP/1.1 404 \r\n" LENGTH("0") "\r\n", "404 "},
	{"HTTP/1.1 404\r\n" LENGTH("0") "\r\n", "404 "},
	{"HTTP/1.1 599 \xC3\xB6 x\r\n" LENGTH("0") "\r\n", "599 \xC3\xB6 x"},
	{OK("Host: a\r\nHost: b\r\nExpect: x\r\n" LENGTH("0")), "200 OK"},

	{"HTTP/1.1 200x\r\n\r\n", "502 STATUS_LINE"},
	{"HTTP/1.1 2000 OK\r\n\r\n", "502 STATUS_LINE"},
	{"HTTP/1.1 20 OK\r\n\r\n", "502 STATUS_LINE"},
	{"HTTP/1.1 099 OK\r\n\r\n", "502 STATUS_LINE"},
	{"HTTP/1.1 600 OK\r\n\r\n", "502 STATUS_LINE"},
	{"HTTP/1.1  200 OK\r\n\r\n", "502 STATUS_LINE"},
	{"HTTP/1.1\t200 OK\r\n\r\n", "502 STATUS_LINE"},
	{"HTTP/2.0 200 OK\r\n\r\n", "505 VERSION"},
	{"ICY 200 OK\r\n\r\n", "502 STATUS_LINE"},
	{"200 OK\r\n\r\n", "502 STATUS_LINE"},
	{"\r\nHTTP/1.1 200 OK\r\n\r\n", "400 EMPTY_LINES"},
	{"HTTP/1.1 200 OK\n\r\n", "400 BARE_LF"},
	{"HTTP/1.1 200 OK\rX: y\r\n\r\n", "400 BARE_CR"},
	{OK(LENGTH("2") LENGTH("2")) "hi", "400 LENGTH_SEVERAL"},
	{OK(LENGTH("2") CHUNKED) "0\r\n\r\n", "400 LENGTH_CODING"},
	{OK(LENGTH("2, 2")) "hi", "400 LENGTH"},
	{OK(LENGTH("8388609")), "413 BODY_LONG"},
	{OK("Transfer-Encoding: gzip\r\n"), "400 CODING"},
	{OK("Transfer-Encoding: gzip, chunked\r\n"), "501 CODING_UNKNOWN"},
	{"HTTP/1.0 200 OK\r\n" CHUNKED "\r\n0\r\n\r\n", "400 CODING_OLD"},
	{OK("A : b\r\n"), "400 FIELD"},
	{OK("A: b\r\n c\r\n"), "400 FOLDED"},
	{OK(CHUNKED) "2\nhi\r\n", "200 OK 400 CHUNK_SIZE"},
};

static void play_cut(struct td_buf *out, enum td_http_method asked, const char *bytes, size_t cut)
{
	struct play play;

	td_buf_reset(out);
	play_begin(&play, &usual, out);
	play.responses = true;
	play.asked = asked;
	play_upto(&play, bytes, cut);
	play_upto(&play, bytes, strlen(bytes));
	play_end(&play, strlen(bytes));
	td_buf_add(out, "", 0);
}

static void each_response_is_read_as_the_table_says_wherever_it_is_cut(void **state)
{
	struct td_buf out = TD_BUF_INIT(1 << 20);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(responses); i++) {
		for (size_t cut = 0; cut <= strlen(responses[i].bytes); cut++) {
			play_cut(&out, TD_HTTP_GET, responses[i].bytes, cut);
			assert_string_equal(out.at, responses[i].is);
		}
	}
	td_buf_fini(&out);
}

static void what_answers_a_head_has_no_body(void **state)
{
	static const struct http_case cases[] = {
		{OK(LENGTH("5")) NEXT, "200 OK" NEXT_IS},
		{OK(LENGTH("99999999999")) NEXT, "200 OK" NEXT_IS},
		{OK(CHUNKED) NEXT, "200 OK" NEXT_IS},
		{OK("") NEXT, "200 OK" NEXT_IS},
	};
	struct td_buf out = TD_BUF_INIT(1 << 20);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		play_cut(&out, TD_HTTP_HEAD, cases[i].bytes, 7);
		assert_string_equal(out.at, cases[i].is);
	}
	td_buf_fini(&out);
}

static void the_fields_of_a_response_are_views(void **state)
{
	static const char bytes[] = "HTTP/1.1 201  Created \r\nETag: \"7\"\r\n\r\n";
	struct td_http_reader reader = {0};
	struct td_http_answer answer;
	struct td_text value;

	(void)state;
	assert_int_equal(
		td_http_read_response(&reader, &usual, TD_HTTP_POST, bytes, strlen(bytes), &answer),
		TD_HTTP_WHOLE);
	assert_int_equal(answer.status, 201);
	assert_true(td_text_is(answer.reason, "Created"));
	assert_int_equal(answer.fields_count, 1);
	assert_int_equal(td_http_field(answer.fields, "etag", &value), 1);
	assert_true(td_text_is(value, "\"7\""));
	assert_int_equal(answer.framing, TD_HTTP_BY_CLOSE);
	assert_false(answer.keep_alive);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_response_is_read_as_the_table_says_wherever_it_is_cut),
		cmocka_unit_test(what_answers_a_head_has_no_body),
		cmocka_unit_test(the_fields_of_a_response_are_views),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
