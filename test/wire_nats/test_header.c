#include "nats_test.h"

static void assert_text(struct td_text text, const char *is)
{
	assert_non_null(text.at);
	assert_true(td_text_is(text, is));
}

static void a_block_is_walked_line_by_line(void **state)
{
	struct td_text lines = td_nats_header_lines(
		td_text("NATS/1.0\r\nA: 1\r\nno colon\r\nB:2 \r\nC:\r\nA:  3\r\nd:e:f\r\n\r\n"));
	static const char *const pairs[][2] = {
		{"A", "1"}, {"B", "2"}, {"C", ""}, {"A", "3"}, {"d", "e:f"}};
	struct td_text key, value;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		assert_true(td_nats_header_next(&lines, &key, &value));
		assert_text(key, pairs[i][0]);
		assert_text(value, pairs[i][1]);
	}
	assert_false(td_nats_header_next(&lines, &key, &value));
}

static void a_key_is_found_as_it_is_written_and_whole(void **state)
{
	struct td_text block = td_text("NATS/1.0\r\nOrig-Nats-Msg-Id: x\r\nnats-msg-id: y\r\n"
				       "Nats-Msg-Id:\t 42\r\nNats-Msg-Id: 43\r\n\r\n");

	(void)state;
	assert_text(td_nats_header(block, "Nats-Msg-Id"), "42");
	assert_null(td_nats_header(block, "Msg-Id").at);
	assert_null(td_nats_header(block, "NATS/1.0").at);
}

static void garbage_has_no_headers(void **state)
{
	static const char *const blocks[] = {"", "hi", "\r\n", "NATS/1.0\r\n\r\n", "NATS/1.0",
		"NATS/1.0\r\nA: 1", "\n\n\n", "NATS/1.0\r\nA: 1\n\n"};
	struct td_text key, value, text;

	(void)state;
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		struct td_text lines = td_nats_header_lines(td_text(blocks[i]));

		assert_false(td_nats_header_next(&lines, &key, &value));
		assert_int_equal(td_nats_header_status(td_text(blocks[i]), &text), 0);
	}
	assert_int_equal(td_nats_header_status(td_text(NULL), &text), 0);
	assert_null(td_nats_header(td_text(NULL), "A").at);
}

static void a_status_has_three_digits_and_maybe_a_text(void **state)
{
	struct td_text text;

	(void)state;
	assert_int_equal(td_nats_header_status(td_text("NATS/1.0 503\r\n\r\n"), &text), 503);
	assert_text(text, "");
	assert_int_equal(td_nats_header_status(
				 td_text("NATS/1.0 100 Idle Heartbeat\r\nA: 1\r\n\r\n"), &text),
		100);
	assert_text(text, "Idle Heartbeat");
	assert_int_equal(td_nats_header_status(td_text("NATS/1.0 5030\r\n\r\n"), &text), 0);
	assert_int_equal(td_nats_header_status(td_text("NATS/1.0 50\r\n\r\n"), &text), 0);
	assert_int_equal(td_nats_header_status(td_text("NATS/1.0 5x3\r\n\r\n"), &text), 0);
	assert_int_equal(td_nats_header_status(td_text("NATS/1.0 003\r\n\r\n"), &text), 0);
	assert_int_equal(td_nats_header_status(td_text("HTTP/1.0 503\r\n\r\n"), &text), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_is_walked_line_by_line),
		cmocka_unit_test(a_key_is_found_as_it_is_written_and_whole),
		cmocka_unit_test(garbage_has_no_headers),
		cmocka_unit_test(a_status_has_three_digits_and_maybe_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
