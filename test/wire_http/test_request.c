#include "requests.h"

#include "alloc.h"

#define FOUR(x)    x x x x
#define SIXTEEN(x) FOUR(x) FOUR(x) FOUR(x) FOUR(x)

static const struct td_http_limits usual = {0};

/* The bytes, come in two parts; or each alone. */
static void play_cut(struct td_buf *out, const struct td_http_limits *limits, const char *bytes,
	size_t len, size_t cut)
{
	struct play play;

	td_buf_reset(out);
	play_begin(&play, limits, out);
	play_upto(&play, bytes, cut);
	play_upto(&play, bytes, len);
	play_end(&play, len);
	td_buf_add(out, "", 0);
}

static void play_singly(
	struct td_buf *out, const struct td_http_limits *limits, const char *bytes, size_t len)
{
	struct play play;

	td_buf_reset(out);
	play_begin(&play, limits, out);
	for (size_t n = 0; n <= len; n++)
		play_upto(&play, bytes, n);
	play_end(&play, len);
	td_buf_add(out, "", 0);
}

static void assert_shown(const struct td_buf *out, const struct http_case *one)
{
	if (out->len != strlen(one->is) || memcmp(out->at, one->is, out->len) != 0)
		print_message("# of: %.200s\n", one->bytes);
	assert_int_equal(out->code, 0);
	assert_string_equal(out->len > 0 ? out->at : "", one->is);
}

static void each_connection_is_read_as_the_table_says(void **state)
{
	struct td_buf out = TD_BUF_INIT(1 << 20);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(requests); i++) {
		size_t len = strlen(requests[i].bytes);

		play_cut(&out, &usual, requests[i].bytes, len, len);
		assert_shown(&out, &requests[i]);
	}
	print_message("# %zu connections\n", COUNT_OF(requests));
	td_buf_fini(&out);
}

static void cut_at_any_byte_it_is_read_the_same(void **state)
{
	struct td_buf out = TD_BUF_INIT(1 << 20);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(requests); i++) {
		size_t len = strlen(requests[i].bytes);

		for (size_t cut = 0; cut < len; cut++) {
			play_cut(&out, &usual, requests[i].bytes, len, cut);
			assert_shown(&out, &requests[i]);
		}
		play_singly(&out, &usual, requests[i].bytes, len);
		assert_shown(&out, &requests[i]);
	}
	td_buf_fini(&out);
}

static enum td_http_parsed read_whole(const char *bytes, struct td_http_request *request)
{
	struct td_http_reader reader = {0};

	return td_http_read_request(&reader, &usual, bytes, strlen(bytes), request);
}

static void the_parts_of_a_head_are_views(void **state)
{
	static const char bytes[] = "\r\nPOST /a%20b?c=d?e HTTP/1.1\r\nHost: h:1\r\n"
				    "Content-Length: 3\r\nX:  y z \r\n\r\nabc";
	struct td_http_request request;

	(void)state;
	assert_int_equal(read_whole(bytes, &request), TD_HTTP_WHOLE);
	assert_int_equal(request.method, TD_HTTP_POST);
	assert_int_equal(request.form, TD_HTTP_ORIGIN);
	assert_true(td_text_is(request.path, "/a%20b"));
	assert_true(td_text_is(request.query, "c=d?e"));
	assert_true(td_text_is(request.host, "h:1"));
	assert_int_equal(request.fields_count, 3);
	assert_int_equal(request.framing, TD_HTTP_BY_LENGTH);
	assert_int_equal(request.length, 3);
	assert_int_equal(request.bytes, strlen(bytes) - 3);
	assert_ptr_equal(request.target.at, bytes + 7);
}

static void a_url_gives_the_host_and_the_path(void **state)
{
	struct td_http_request request;

	(void)state;
	assert_int_equal(read_whole("GET http://h:1?q HTTP/1.1\r\nHost: H:1\r\n\r\n", &request),
		TD_HTTP_WHOLE);
	assert_int_equal(request.form, TD_HTTP_ABSOLUTE);
	assert_true(td_text_is(request.host, "h:1"));
	assert_true(td_text_is(request.path, "/"));
	assert_true(td_text_is(request.query, "q"));
	assert_int_equal(
		read_whole("GET https://h/x HTTP/1.1\r\nHost: h\r\n\r\n", &request), TD_HTTP_WHOLE);
	assert_true(td_text_is(request.path, "/x"));
	assert_null(request.query.at);
	assert_int_equal(
		read_whole("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", &request), TD_HTTP_WHOLE);
	assert_int_equal(request.form, TD_HTTP_ASTERISK);
	assert_true(td_text_is(request.path, "*"));
}

static void fields_are_walked_in_order_and_found_without_case(void **state)
{
	struct td_text rest, value;
	struct td_http_request request;
	struct td_http_header field;

	(void)state;
	assert_int_equal(read_whole(GET("If-Match: \"7\"\r\nA:\r\nX: 1\r\nx:\t2 \r\n"), &request),
		TD_HTTP_WHOLE);
	rest = request.fields;
	assert_true(td_http_field_next(&rest, &field));
	assert_true(td_text_is(field.name, "Host") && td_text_is(field.value, "a"));
	assert_true(td_http_field_next(&rest, &field));
	assert_true(td_text_is(field.name, "If-Match") && td_text_is(field.value, "\"7\""));
	assert_true(td_http_field_next(&rest, &field));
	assert_true(td_text_is(field.name, "A") && td_text_is(field.value, ""));
	assert_true(td_http_field_next(&rest, &field));
	assert_true(td_http_field_next(&rest, &field));
	assert_true(td_text_is(field.name, "x") && td_text_is(field.value, "2"));
	assert_false(td_http_field_next(&rest, &field));
	assert_int_equal(td_http_field(request.fields, "x", &value), 2);
	assert_true(td_text_is(value, "1"));
	assert_int_equal(td_http_field(request.fields, "if-match", &value), 1);
	assert_true(td_text_is(value, "\"7\""));
	assert_int_equal(td_http_field(request.fields, "if", &value), 0);
	assert_null(value.at);
}

static void limits_hold_to_the_byte(void **state)
{
	static const struct td_http_limits tight = {
		.target_bytes_max = 4,
		.field_bytes_max = 9,
		.head_bytes_max = 48,
		.fields_max = 3,
		.trailer_bytes_max = 5,
		.body_bytes_max = 3,
	};
	static const struct http_case cases[] = {
		{"GET /123 HTTP/1.1\r\n" HOST "\r\n", "GET /123 a"},
		{"GET /1234 HTTP/1.1\r\n" HOST "\r\n", "414 TARGET_LONG"},
		{GET("A:3456789\r\n"), "GET / a"},
		{GET("A:34567890\r\n"), "431 FIELD_LONG"},
		{GET("A:\r\nB:\r\n"), "GET / a"},
		{GET("A:\r\nB:\r\nC:\r\n"), "431 FIELDS"},
		{GET("A:345678\r\nB:3456789\r\n"), "GET / a"},
		{GET("A:3456789\r\nB:3456789\r\n"), "431 HEAD_LONG"},
		{POST("Content-Length:3\r\n"), "431 FIELD_LONG"},
	};
	static const struct td_http_limits small = {.trailer_bytes_max = 5, .body_bytes_max = 3};
	static const struct http_case bodies[] = {
		{POST("Content-Length:3\r\n") "abc", "POST / a =abc"},
		{POST("Content-Length:4\r\n"), "413 BODY_LONG"},
		{CHUNKS("1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"), "POST / a =abc"},
		{CHUNKS("1\r\na\r\n3\r\n"), "POST / a 413 BODY_LONG"},
		{CHUNKS("1;a=b\r\na\r\n1;a\r\n"), "POST / a 400 CHUNK_LONG"},
		{CHUNKS("1;a=b\r\na\r\n0\r\nA:bcd\r\n\r\n"), "POST / a =a"},
		{CHUNKS("0\r\nA:bcde\r\n\r\n"), "POST / a 431 TRAILER_LONG"},
	};
	struct td_buf out = TD_BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		for (size_t cut = 0; cut <= strlen(cases[i].bytes); cut++) {
			play_cut(&out, &tight, cases[i].bytes, strlen(cases[i].bytes), cut);
			assert_shown(&out, &cases[i]);
		}
	}
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		for (size_t cut = 0; cut <= strlen(bodies[i].bytes); cut++) {
			play_cut(&out, &small, bodies[i].bytes, strlen(bodies[i].bytes), cut);
			assert_shown(&out, &bodies[i]);
		}
	}
	td_buf_fini(&out);
}

/* `before`, then `count` times `unit`, then `after`. */
static void play_long(
	struct td_buf *out, const char *before, const char *unit, size_t count, const char *after)
{
	struct td_buf bytes = TD_BUF_INIT(1 << 20);

	td_buf_add_string(&bytes, before);
	for (size_t i = 0; i < count; i++)
		td_buf_add_string(&bytes, unit);
	td_buf_add_string(&bytes, after);
	play_cut(out, &usual, bytes.at, bytes.len, bytes.len);
	td_buf_fini(&bytes);
}

static void what_is_too_long_by_default_is_refused(void **state)
{
	static const struct {
		const char *before, *unit;
		size_t count;
		const char *after, *is;
	} cases[] = {
		{"GET /", "x", 8192, " HTTP/1.1\r\n" HOST "\r\n", "414 TARGET_LONG"},
		{"GET /", "x", 100000, " HTTP/1.1\r\n" HOST "\r\n", "414 TARGET_LONG"},
		{"", "G", 8300, "", "414 TARGET_LONG"},
		{LINE HOST "A:", "x", 8191, "\r\n\r\n", "431 FIELD_LONG"},
		{LINE HOST "A:", "x", 8190, "\r\n\r\n", "GET / a"},
		{LINE HOST,
			"A: 3456789.123456789.123456789.123456789.123456789.123456789.123456789."
			"123456789.123456789.123456789.123456789.123456789.123456789.123456789."
			"123456789.123456789.123456789.123456789\r\n",
			90, "\r\n", "431 HEAD_LONG"},
		{LINE HOST, "A:b\r\n", 99, "\r\n", "GET / a"},
		{LINE HOST, "A:b\r\n", 100, "\r\n", "431 FIELDS"},
		{CHUNKS("2;"), "x", 4097, "\r\nhi\r\n", "POST / a 400 CHUNK_LONG"},
		{CHUNKS("0;a=\""), "x", 4097, "\"\r\n\r\n", "POST / a 400 CHUNK_LONG"},
		{CHUNKS(""), "1;a\r\nx\r\n", 2049, "0\r\n\r\n", "POST / a 400 CHUNK_LONG"},
		{CHUNKS("0\r\nA:"), "x", 4095, "\r\n\r\n", "POST / a 431 TRAILER_LONG"},
		{CHUNKS("0\r\n"), "A:\r\n", 101, "\r\n", "POST / a 431 TRAILER_LONG"},
		{CHUNKS("0\r\n"), "A:\r\n", 100, "\r\n", "POST / a ="},
	};
	struct td_buf out = TD_BUF_INIT(1 << 20);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct http_case one = {cases[i].before, cases[i].is};

		play_long(&out, cases[i].before, cases[i].unit, cases[i].count, cases[i].after);
		assert_shown(&out, &one);
	}
	td_buf_fini(&out);
}

static void a_nul_is_refused_wherever_it_stands_in_a_head(void **state)
{
	static const char bytes[] = GET("A: b\r\n");
	const struct http_case refused = {bytes, "400 CONTROL"};
	struct td_buf out = TD_BUF_INIT(4096);

	(void)state;
	for (size_t at = 0; at < sizeof(bytes) - 1; at++) {
		char copy[sizeof(bytes)];

		if (bytes[at] == '\n')
			continue; /* then it is the CR before it that ends no line */
		memcpy(copy, bytes, sizeof(bytes));
		copy[at] = '\0';
		play_cut(&out, &usual, copy, sizeof(bytes) - 1, at);
		assert_shown(&out, &refused);
	}
	td_buf_fini(&out);
}

static void what_was_refused_stays_refused(void **state)
{
	static const char bytes[] = LINE HOST "A : b\r\n\r\n" NEXT;
	struct td_http_reader reader = {0};
	struct td_http_request request;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
			td_http_read_request(&reader, &usual, bytes, strlen(bytes), &request),
			TD_HTTP_WRONG);
		assert_int_equal(request.error, TD_HTTP_E_FIELD);
	}
}

/*
 * However the bytes come: what was looked at is not looked at again, and a line that was judged
 * not either. So the work is what the reader's two marks have passed, which is the bytes.
 */
static void a_head_that_comes_singly_is_looked_at_once(void **state)
{
	static const char bytes[] = GET(SIXTEEN(FOUR("Name: a value of some length\t.\r\n")));
	struct td_http_reader reader = {0};
	struct td_http_request request;
	size_t len = strlen(bytes), steps = 0, lines = 0;

	(void)state;
	for (size_t n = 1; n <= len; n++) {
		struct td_http_reader before = reader;
		enum td_http_parsed parsed =
			td_http_read_request(&reader, &usual, bytes, n, &request);

		assert_int_equal(parsed, n < len ? TD_HTTP_MORE : TD_HTTP_WHOLE);
		assert_true(reader.looked_at >= before.looked_at && reader.looked_at + 1 >= n);
		steps += n - before.looked_at;
		lines += reader.line != before.line;
	}
	assert_true(steps <= 2 * len); /* a CR is looked at again with its LF */
	assert_int_equal(lines, 67);
	assert_int_equal(reader.line, len);
}

/* Also what is refused; a target only where there is something to decode, into a kept buffer. */
static void reading_takes_no_memory(void **state)
{
	static const char bytes[] = CHUNKS("2;a=b\r\nhi\r\n0\r\nA: b\r\n\r\n");
	struct td_http_reader reader = {0};
	struct td_http_request request;
	struct td_http_body body;
	struct td_text piece;
	size_t at, taken;

	(void)state;
	alloc_fail_at(0, false);
	assert_int_equal(td_http_read_request(&reader, &usual, bytes, strlen(bytes), &request),
		TD_HTTP_WHOLE);
	td_http_body_init(&body, request.framing, request.length, &usual);
	at = request.bytes;
	while (td_http_body_next(&body, bytes + at, strlen(bytes) - at, &taken, &piece) ==
		TD_HTTP_PIECE)
		at += taken;
	assert_int_equal(at + taken, strlen(bytes));
	for (size_t i = 0; i < COUNT_OF(requests); i++) {
		reader = (struct td_http_reader){0};
		td_http_read_request(
			&reader, &usual, requests[i].bytes, strlen(requests[i].bytes), &request);
	}
	assert_int_equal(alloc_count(), 0);
	assert_true(sizeof(reader) <= 56 && sizeof(body) <= 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_connection_is_read_as_the_table_says),
		cmocka_unit_test(cut_at_any_byte_it_is_read_the_same),
		cmocka_unit_test(the_parts_of_a_head_are_views),
		cmocka_unit_test(a_url_gives_the_host_and_the_path),
		cmocka_unit_test(fields_are_walked_in_order_and_found_without_case),
		cmocka_unit_test(limits_hold_to_the_byte),
		cmocka_unit_test(what_is_too_long_by_default_is_refused),
		cmocka_unit_test(a_nul_is_refused_wherever_it_stands_in_a_head),
		cmocka_unit_test(what_was_refused_stays_refused),
		cmocka_unit_test(a_head_that_comes_singly_is_looked_at_once),
		cmocka_unit_test(reading_takes_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
