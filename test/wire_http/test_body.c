#include "http_test.h"

static const struct td_http_limits usual = {0};

static void a_body_by_length_ends_with_its_last_byte(void **state)
{
	struct td_http_body body;
	struct td_text piece;
	size_t taken;

	(void)state;
	td_http_body_init(&body, TD_HTTP_BY_LENGTH, 5, &usual);
	assert_int_equal(td_http_body_next(&body, "hel", 3, &taken, &piece), TD_HTTP_PIECE);
	assert_int_equal(taken, 3);
	assert_false(td_http_body_may_close(&body));
	assert_int_equal(td_http_body_next(&body, "", 0, &taken, &piece), TD_HTTP_BODY_MORE);
	assert_int_equal(td_http_body_next(&body, "loGET", 5, &taken, &piece), TD_HTTP_PIECE);
	assert_int_equal(taken, 2);
	assert_true(td_text_is(piece, "lo"));
	assert_int_equal(td_http_body_next(&body, "GET", 3, &taken, &piece), TD_HTTP_BODY_END);
	assert_int_equal(taken, 0);
	assert_true(td_http_body_may_close(&body));
}

static void no_body_ends_at_once(void **state)
{
	static const enum td_http_framing framings[] = {TD_HTTP_NO_BODY, TD_HTTP_BY_LENGTH};
	struct td_http_body body;
	struct td_text piece;
	size_t taken;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(framings); i++) {
		td_http_body_init(&body, framings[i], 0, &usual);
		assert_int_equal(
			td_http_body_next(&body, "x", 1, &taken, &piece), TD_HTTP_BODY_END);
		assert_int_equal(taken, 0);
	}
}

static void a_body_until_the_end_is_bounded_too(void **state)
{
	static const struct td_http_limits small = {.body_bytes_max = 4};
	struct td_http_body body;
	struct td_text piece;
	size_t taken;

	(void)state;
	td_http_body_init(&body, TD_HTTP_BY_CLOSE, 0, &small);
	assert_true(td_http_body_may_close(&body));
	assert_int_equal(td_http_body_next(&body, "abcdef", 6, &taken, &piece), TD_HTTP_PIECE);
	assert_true(td_text_is(piece, "abcd"));
	assert_int_equal(td_http_body_next(&body, "", 0, &taken, &piece), TD_HTTP_BODY_MORE);
	assert_true(td_http_body_may_close(&body));
	assert_int_equal(td_http_body_next(&body, "ef", 2, &taken, &piece), TD_HTTP_BODY_WRONG);
	assert_int_equal(body.error, TD_HTTP_E_BODY_LONG);
	assert_false(td_http_body_may_close(&body));
	td_http_body_init(&body, TD_HTTP_BY_LENGTH, 5, &small);
	assert_int_equal(td_http_body_next(&body, "ab", 2, &taken, &piece), TD_HTTP_BODY_WRONG);
}

static void chunks_are_not_whole_before_their_last_line(void **state)
{
	static const char bytes[] = "2\r\nhi\r\n0\r\nA: b\r\n\r\n";
	struct td_text piece;

	(void)state;
	for (size_t len = 0; len < sizeof(bytes); len++) {
		enum td_http_body_read read = TD_HTTP_PIECE;
		struct td_http_body body;
		size_t at = 0, taken;

		td_http_body_init(&body, TD_HTTP_BY_CHUNKS, 0, &usual);
		while (read == TD_HTTP_PIECE) {
			read = td_http_body_next(&body, bytes + at, len - at, &taken, &piece);
			at += taken;
		}
		assert_int_equal(at, len);
		assert_int_equal(read == TD_HTTP_BODY_END, len == sizeof(bytes) - 1);
		assert_int_equal(td_http_body_may_close(&body), len == sizeof(bytes) - 1);
	}
}

static void what_was_wrong_stays_wrong(void **state)
{
	struct td_http_body body;
	struct td_text piece;
	size_t taken;

	(void)state;
	td_http_body_init(&body, TD_HTTP_BY_CHUNKS, 0, &usual);
	assert_int_equal(td_http_body_next(&body, "x", 1, &taken, &piece), TD_HTTP_BODY_WRONG);
	assert_int_equal(
		td_http_body_next(&body, "0\r\n\r\n", 5, &taken, &piece), TD_HTTP_BODY_WRONG);
	assert_int_equal(taken, 0);
	assert_int_equal(body.error, TD_HTTP_E_CHUNK_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_by_length_ends_with_its_last_byte),
		cmocka_unit_test(no_body_ends_at_once),
		cmocka_unit_test(a_body_until_the_end_is_bounded_too),
		cmocka_unit_test(chunks_are_not_whole_before_their_last_line),
		cmocka_unit_test(what_was_wrong_stays_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
