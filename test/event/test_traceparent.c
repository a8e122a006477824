/*
 * Which traceparents are some: a table of our own, and the W3C's cases of one header.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "event/event.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN  "b7ad6b7169203331"
#define ZEROS "00000000000000000000000000000000"

static const struct {
	const char *text;
	bool is;
} cases[] = {
	{"00-" TRACE "-" SPAN "-01", true},
	{"00-" TRACE "-" SPAN "-ff", true},
	{"cc-" TRACE "-" SPAN "-01", true},
	{"cc-" TRACE "-" SPAN "-01-more", true},
	{"cc-" TRACE "-" SPAN "-01-", true},
	{"00-" TRACE "-" SPAN "-01-", false},
	{"00-" TRACE "-" SPAN "-01-more", false},
	{"cc-" TRACE "-" SPAN "-01.more", false},
	{"ff-" TRACE "-" SPAN "-01", false},
	{"00-" ZEROS "-" SPAN "-01", false},
	{"00-" TRACE "-0000000000000000-01", false},
	{"00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01", false},
	{"00-" TRACE "-B7AD6B7169203331-01", false},
	{"00-" TRACE "-" SPAN "-0", false},
	{"00-" TRACE "-" SPAN "-0.", false},
	{"00-" TRACE "-" SPAN, false},
	{"00_" TRACE "-" SPAN "-01", false},
	{"00-" TRACE "_" SPAN "-01", false},
	{"00-" TRACE "-" SPAN "_01", false},
	{"", false},
};

static void a_traceparent_is_one_or_none(void **state)
{
	struct td_traceparent trace;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (td_traceparent_read(td_text(cases[i].text), &trace) != cases[i].is)
			fail_msg("%s", cases[i].text);
	}
	assert_false(td_traceparent_read(td_text(NULL), &trace));
	assert_true(td_traceparent_read(td_text(cases[0].text), &trace));
	assert_true(td_text_is(trace.trace, TRACE));
	assert_true(td_text_is(trace.span, SPAN));
}

/* --- the W3C's ------------------------------------------------------------------------------ */

static char *vectors_of(size_t *len)
{
	const char *folder = getenv("TD_VECTORS");
	char path[4096];
	FILE *file;
	char *bytes = malloc((size_t)1 << 20);

	snprintf(path, sizeof(path), "%s/trace-context/vectors.json", folder != NULL ? folder : "");
	file = fopen(path, "rb");
	if (file == NULL) {
		print_message("# skipped: no %s\n", path);
		free(bytes);
		return NULL;
	}
	*len = fread(bytes, 1, (size_t)1 << 20, file);
	fclose(file);
	return bytes;
}

/* Blanks around a header's value are HTTP's, and gone when it is looked at. */
static struct td_text trimmed(struct td_text text)
{
	while (text.len > 0 && (text.at[0] == ' ' || text.at[0] == '\t'))
		text = td_text_of(text.at + 1, text.len - 1);
	while (text.len > 0 && (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\t'))
		text.len--;
	return text;
}

static struct td_json element(struct td_json array, size_t i)
{
	struct td_json_iter iter = td_json_iterate(array);
	struct td_json value = {0};

	do {
		if (!td_json_next(&iter, NULL, &value))
			return (struct td_json){0};
	} while (i-- > 0);
	return value;
}

/* The trace that the headers give; absent: none. */
static struct td_text trace_of(struct td_json headers, struct td_buf *buf)
{
	struct td_json_iter iter = td_json_iterate(headers);
	struct td_traceparent trace;
	struct td_json header;

	while (td_json_next(&iter, NULL, &header)) {
		td_buf_reset(buf);
		td_json_unescape(element(header, 0), buf);
		td_buf_add_char(buf, '\0');
		if (strcasecmp(buf->at, "traceparent") != 0)
			continue;
		td_buf_reset(buf);
		td_json_unescape(element(header, 1), buf);
		if (td_traceparent_read(trimmed(td_buf_view(buf)), &trace))
			return trace.trace;
	}
	return td_text(NULL);
}

static void the_w3c_says_the_same(void **state)
{
	size_t len = 0, count = 0;
	char *bytes = vectors_of(&len);
	struct td_buf buf = TD_BUF_INIT(65536);
	struct td_json all, one;
	struct td_json_iter iter;

	(void)state;
	if (bytes == NULL)
		return;
	assert_int_equal(td_json_parse(td_text_of(bytes, len), 0, &all, NULL), 0);
	iter = td_json_iterate(all);
	while (td_json_next(&iter, NULL, &one)) {
		struct td_json expect = td_json_get(one, td_text("expect"));
		struct td_json is = td_json_get(expect, td_text("trace_id"));
		struct td_json is_not = td_json_get(expect, td_text("not_trace_id"));
		struct td_text trace = trace_of(td_json_get(one, td_text("headers")), &buf);

		if (is.kind == TD_JSON_ARRAY)
			assert_true(td_json_string_is(element(is, 0), trace));
		if (is_not.kind == TD_JSON_ARRAY && trace.at != NULL)
			assert_false(td_json_string_is(element(is_not, 0), trace));
		count += is.kind == TD_JSON_ARRAY || is_not.kind == TD_JSON_ARRAY;
	}
	assert_in_range(count, 20, 100);
	td_buf_fini(&buf);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_traceparent_is_one_or_none),
		cmocka_unit_test(the_w3c_says_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
