#include "http_test.h"

#include "alloc.h"

static void assert_written(struct td_buf *buf, const char *is)
{
	assert_int_equal(buf->code, 0);
	assert_string_equal(buf->at, is);
	td_buf_reset(buf);
}

static void events_are_written_line_by_line(void **state)
{
	struct td_buf buf = TD_BUF_INIT(4096);
	const struct td_text none = td_text(NULL);

	(void)state;
	td_sse_add(&buf, td_text("42"), td_text("OrderPlaced"), td_text("{\"total\":7}"));
	assert_written(&buf, "id: 42\nevent: OrderPlaced\ndata: {\"total\":7}\n\n");
	td_sse_add(&buf, none, none, td_text("a\nb\r\nc\rd"));
	assert_written(&buf, "data: a\ndata: b\ndata: c\ndata: d\n\n");
	td_sse_add(&buf, none, none, td_text("\n\n\r"));
	assert_written(&buf, "data: \ndata: \ndata: \ndata: \n\n");
	td_sse_add(&buf, none, none, td_text(""));
	assert_written(&buf, "data: \n\n");
	td_sse_add(&buf, td_text("7"), none, none);
	assert_written(&buf, "id: 7\n\n");
	td_sse_add_comment(&buf, td_text("still here"));
	assert_written(&buf, ": still here\n\n");
	td_sse_add_retry(&buf, 3000);
	assert_written(&buf, "retry: 3000\n\n");
	td_buf_fini(&buf);
}

static void what_would_end_its_line_is_not_written(void **state)
{
	static const char *const wrong[] = {"a\nb", "a\rb", "\r\n"};
	struct td_buf buf = TD_BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		assert_false(td_sse_add(&buf, td_text(wrong[i]), td_text("a"), td_text("b")));
		assert_false(td_sse_add(&buf, td_text("1"), td_text(wrong[i]), td_text("b")));
	}
	assert_false(td_sse_add(&buf, td_text_of("\0", 1), td_text("a"), td_text("b")));
	assert_int_equal(buf.len, 0);
	td_buf_fini(&buf);
}

/* "id|event|data;" of each event, read in parts of so many bytes. */
static void show(struct td_buf *out, const char *bytes, size_t part)
{
	struct td_sse_reader reader;
	struct td_sse_event event;
	size_t len = strlen(bytes), taken;

	td_buf_reset(out);
	td_buf_add(out, "", 0);
	td_sse_reader_init(&reader, 1 << 20);
	for (size_t at = 0; at < len;) {
		size_t there = len - at < part ? len - at : part;
		enum td_sse_parsed parsed = td_sse_read(&reader, bytes + at, there, &taken, &event);

		assert_int_not_equal(parsed, TD_SSE_FAILED);
		assert_true(parsed == TD_SSE_EVENT ? taken <= there : taken == there);
		at += taken;
		if (parsed == TD_SSE_EVENT)
			td_buf_printf(out, "%.*s|%.*s|%.*s;", TD_TEXT_ARG(event.id),
				TD_TEXT_ARG(event.event), TD_TEXT_ARG(event.data));
	}
	if (reader.retry_ms != UINT32_MAX)
		td_buf_printf(out, "retry %u", reader.retry_ms);
	td_sse_reader_fini(&reader);
}

/* The examples of the HTML standard, section 9.2.6, and what they leave out. */
static void streams_are_read_as_the_standard_says_wherever_they_are_cut(void **state)
{
	static const struct http_case cases[] = {
		{"data: YHOO\ndata: +2\ndata: 10\n\n", "|message|YHOO\n+2\n10;"},
		{": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\n"
		 "data:  third event\n\n",
			"1|message|first event;|message|second event;|message| third event;"},
		{"data\n\ndata\ndata\n\ndata:", "|message|;|message|\n;"},
		{"data:test\n\ndata: test\n\n", "|message|test;|message|test;"},
		{"event: a\ndata: b\n\ndata: c\n\n", "|a|b;|message|c;"},
		{"event: a\n\ndata: b\n\n", "|message|b;"},
		{"id: 1\n\ndata: a\n\n", "1|message|a;"},
		{"data: a\r\n\r\ndata: b\r\rdata: c\n\n", "|message|a;|message|b;|message|c;"},
		{"data: a\r\ndata: b\r\n\r\n", "|message|a\nb;"},
		{"\xEF\xBB\xBF"
		 "data: a\n\n\xEF\xBB\xBF"
		 "data: b\n\n",
			"|message|a;"},
		{"retry: 3000\nretry: x\nretry:\n\n", "retry 3000"},
		{"datas: x\nDATA: y\n data: z\n: data: u\n\n", ""},
		{"data: a", ""},
		{"data: a\n", ""},
		{"\n\n\n", ""},
	};
	struct td_buf out = TD_BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		for (size_t part = 1; part <= strlen(cases[i].bytes) + 1; part++) {
			show(&out, cases[i].bytes, part);
			assert_string_equal(out.at, cases[i].is);
		}
	}
	td_buf_fini(&out);
}

static void an_id_with_a_nul_is_passed_over(void **state)
{
	static const char bytes[] = "id: 1\nid: 2\0\ndata: a\n\n";
	struct td_sse_reader reader;
	struct td_sse_event event;
	size_t taken;

	(void)state;
	td_sse_reader_init(&reader, 1 << 20);
	assert_int_equal(
		td_sse_read(&reader, bytes, sizeof(bytes) - 1, &taken, &event), TD_SSE_EVENT);
	assert_true(td_text_is(event.id, "1"));
	td_sse_reader_fini(&reader);
}

static void a_line_over_the_bound_is_told(void **state)
{
	static const char bytes[] = "data: 0123456789\ndata: 0123456789\n\n";
	struct td_sse_reader reader;
	struct td_sse_event event;
	size_t taken;

	(void)state;
	td_sse_reader_init(&reader, 16);
	assert_int_equal(
		td_sse_read(&reader, bytes, sizeof(bytes) - 1, &taken, &event), TD_SSE_FAILED);
	assert_int_equal(reader.code, TD_E_TOO_LARGE);
	td_sse_reader_fini(&reader);
}

static int read_two(void *arg)
{
	static const char bytes[] = "id: 1\nevent: a\ndata: b\n\ndata: c\n\n";
	struct td_sse_reader reader;
	enum td_sse_parsed parsed = TD_SSE_EVENT;
	struct td_sse_event event;
	size_t at = 0, taken;

	(void)arg;
	td_sse_reader_init(&reader, 1 << 20);
	while (parsed == TD_SSE_EVENT) {
		parsed = td_sse_read(&reader, bytes + at, sizeof(bytes) - 1 - at, &taken, &event);
		at += taken;
	}
	td_sse_reader_fini(&reader);
	return reader.code;
}

static void without_memory_reading_fails_and_leaves_nothing(void **state)
{
	(void)state;
	alloc_torture(read_two, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_are_written_line_by_line),
		cmocka_unit_test(what_would_end_its_line_is_not_written),
		cmocka_unit_test(streams_are_read_as_the_standard_says_wherever_they_are_cut),
		cmocka_unit_test(an_id_with_a_nul_is_passed_over),
		cmocka_unit_test(a_line_over_the_bound_is_told),
		cmocka_unit_test(without_memory_reading_fails_and_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
