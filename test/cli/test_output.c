#include "cli/events.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void clean_is(const char *text, size_t width, const char *wanted)
{
	struct td_buf buf = TD_BUF_INIT(4096);

	td_cli_clean(&buf, td_text(text), width);
	td_buf_add_char(&buf, '\0');
	assert_string_equal(buf.at, wanted);
	td_buf_fini(&buf);
}

static void nothing_that_moves_a_cursor_is_shown(void **state)
{
	(void)state;
	clean_is("plain", 0, "plain");
	clean_is("a\tb\nc\rd", 0, "a b c d");
	clean_is("\033[2Jgone", 0, "?[2Jgone");
	clean_is("bell\a del\x7f", 0, "bell? del?");
	clean_is("c1 \xC2\x9B 2J", 0, "c1 ? 2J");
	clean_is("right to \xE2\x80\xAE left", 0, "right to ? left");
	clean_is("\xC3\xBC \xF0\x9F\x8D\x95", 0, "\xC3\xBC \xF0\x9F\x8D\x95");
	clean_is("bad \xff", 0, "bad \xEF\xBF\xBD");
}

static void what_is_too_wide_is_cut_at_a_character(void **state)
{
	(void)state;
	clean_is("0123456789", 10, "0123456789");
	clean_is("01234567890", 10, "0123456...");
	clean_is("\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC", 5, "\xC3\xBC\xC3\xBC...");
	clean_is("abcdef", 3, "abc");
	clean_is("abcdef", 1, "a");
	clean_is("", 5, "");
}

static void times_are_told_to_people_and_to_programs(void **state)
{
	static const struct {
		int64_t seconds;
		const char *wanted;
	} rows[] = {{0, "now"}, {59, "59 s ago"}, {60, "1 min ago"}, {3599, "59 min ago"},
		{3600, "1 h ago"}, {172799, "47 h ago"}, {172800, "2 days ago"},
		{-30, "30 s from now"}};
	struct td_cli cli = {.terminal = true, .now = 1767614400000000000};
	char text[TD_CLI_TIME_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(td_cli_time(&cli, cli.now - rows[i].seconds * 1000000000, text),
			rows[i].wanted);
	assert_string_equal(td_cli_time(&cli, 0, text), "-");
	cli.terminal = false;
	assert_string_equal(td_cli_time(&cli, cli.now, text), "2026-01-05T12:00:00.000000Z");
}

static void sizes_and_counts_too(void **state)
{
	struct td_cli cli = {.terminal = true};
	char text[TD_CLI_TIME_BYTES];

	(void)state;
	assert_string_equal(td_cli_size(&cli, 1023, text), "1023 B");
	assert_string_equal(td_cli_size(&cli, 1536, text), "1.5 KiB");
	assert_string_equal(td_cli_size(&cli, UINT64_MAX, text), "16.0 EiB");
	assert_string_equal(td_cli_count(&cli, 0, text), "0");
	assert_string_equal(td_cli_count(&cli, 999, text), "999");
	assert_string_equal(td_cli_count(&cli, 1204311, text), "1,204,311");
	cli.terminal = false;
	assert_string_equal(td_cli_size(&cli, 1536, text), "1536");
	assert_string_equal(td_cli_count(&cli, 1204311, text), "1204311");
}

static void progress_says_rate_share_and_time_left(void **state)
{
	struct td_cli cli = {.terminal = true};
	struct td_cli_progress progress = {
		.cli = &cli, .what = "f.ndjson", .unit = "lines", .total = 1000};
	char line[160];

	(void)state;
	td_cli_progress_line(&progress, 250, 500, line, sizeof(line));
	assert_string_equal(line, "f.ndjson: 250 of 1000 lines, 25 %, 500/s, 2 s left");
	td_cli_progress_line(&progress, 1000, 2000, line, sizeof(line));
	assert_string_equal(line, "f.ndjson: 1000 of 1000 lines, 100 %, 500/s");
	progress.total = 0;
	td_cli_progress_line(&progress, 250, 0, line, sizeof(line));
	assert_string_equal(line, "f.ndjson: 250 lines, 0/s");
}

static void points_are_known_by_their_shape(void **state)
{
	const td_time now = 1767614400000000000;
	struct td_cli_point point;

	(void)state;
	td_cli_point_read(&point, "start", now);
	assert_int_equal(point.kind, TD_CLI_AT_START);
	td_cli_point_read(&point, "now", now);
	assert_int_equal(point.kind, TD_CLI_AT_NOW);
	td_cli_point_read(&point, "12345", now);
	assert_true(point.kind == TD_CLI_AT_POSITION && point.position == 12345);
	td_cli_point_read(&point, "1h", now);
	assert_true(point.kind == TD_CLI_AT_TIME && point.time == now - 3600000000000);
	td_cli_point_read(&point, "2026-01-05T12:00:00Z", now);
	assert_true(point.kind == TD_CLI_AT_TIME && point.time == now);
	td_cli_point_read(&point, "019ace5e-0000-7000-8000-000000000000", now);
	assert_int_equal(point.kind, TD_CLI_AT_ID);
	td_cli_point_read(&point, "", now);
	assert_int_equal(point.kind, TD_CLI_AT_ID);
}

static struct td_event *event_of(const char *json)
{
	const struct td_draft draft = {
		.type = "OrderPlaced", .subject = "order.42", .id = "e1", .json = json};
	struct td_event *event = NULL;

	assert_int_equal(td_event_new(&event, &draft, NULL), 0);
	return event;
}

static void filled_is(const struct td_event *event, const char *template_, const char *wanted)
{
	const struct td_where where = {.position = 7, .seq = 5, .revision = 3, .log = "orders"};
	struct td_buf buf = TD_BUF_INIT(4096);

	assert_int_equal(td_cli_template_check(template_, NULL), 0);
	td_cli_template_fill(&buf, template_, event, &where);
	td_buf_add_char(&buf, '\0');
	assert_string_equal(buf.at, wanted);
	td_buf_fini(&buf);
}

static void templates_name_attributes_places_and_data(void **state)
{
	struct td_event *event = event_of(
		"{\"total\": 12.50, \"a\": {\"b\": \"x\\ny\"}, \"l\": [1, {\"~/\": true}]}");
	struct td_event *none = event_of(NULL);

	(void)state;
	filled_is(event, "{type} {subject}@{revision}", "OrderPlaced order.42@3");
	filled_is(event, "{position}|{seq}|{log}|{id}", "7|5|orders|e1");
	filled_is(event, "{data.total}\\t{data.a.b}\\n", "12.50\tx\ny\n");
	filled_is(event, "{/l/0}{/l/1/~0~1}{data.l}", "1true[1, {\"~/\": true}]");
	filled_is(event, "{nothing}{data.no.such}{/no}{data.}", "");
	filled_is(event, "{{type} } \\x", "{type} } \\x");
	filled_is(none, "{data}{data.a}{/a}", "");
	filled_is(none, "", "");
	td_event_unref(event);
	td_event_unref(none);
}

static void what_is_no_template_is_refused(void **state)
{
	static const char *const bad[] = {"{", "{}", "a {type", "{/a~b}", "{type} {"};
	struct td_error err = TD_ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(td_cli_template_check(bad[i], &err), TD_E_INVALID);
}

static void an_event_is_one_line_of_json(void **state)
{
	struct td_event *event = event_of("{\n  \"a\": 1,\r\n  \"b\": \"\\n\"\n}");
	const struct td_where where = {.position = 7, .seq = 5, .revision = 3, .log = "orders"};
	struct td_buf buf = TD_BUF_INIT(4096);

	(void)state;
	assert_int_equal(td_cli_event_json(&buf, event, &where, NULL), 0);
	assert_null(memchr(buf.at, '\n', buf.len));
	assert_null(memchr(buf.at, '\r', buf.len));
	td_buf_add_char(&buf, '\0');
	assert_non_null(strstr(buf.at, "\"data\":{   \"a\": 1,    \"b\": \"\\n\" }"));
	assert_non_null(strstr(buf.at, ",\"tdlog\":\"orders\",\"tdseq\":\"5\",\"tdrevision\":\"3\","
				       "\"tdposition\":\"7\"}"));
	td_buf_fini(&buf);
	td_event_unref(event);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_that_moves_a_cursor_is_shown),
		cmocka_unit_test(what_is_too_wide_is_cut_at_a_character),
		cmocka_unit_test(times_are_told_to_people_and_to_programs),
		cmocka_unit_test(sizes_and_counts_too),
		cmocka_unit_test(progress_says_rate_share_and_time_left),
		cmocka_unit_test(points_are_known_by_their_shape),
		cmocka_unit_test(templates_name_attributes_places_and_data),
		cmocka_unit_test(what_is_no_template_is_refused),
		cmocka_unit_test(an_event_is_one_line_of_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
