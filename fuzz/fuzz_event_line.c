/*
 * A line of a file that is published: the input's first line is a template (of type, subject and id, and of
 * a line of output), all behind it the line.
 *
 *	1. it is an event or an error with a text, and which does not depend on when it is asked;
 *	2. the event, written as `read --json` does, is one line, and read again it is the same event;
 *	3. a template that is checked can be filled in from any event.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/publish.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)          \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static void check_same(const struct td_event *a, const struct td_event *b)
{
	CHECK(td_text_equal(td_event_id(a), td_event_id(b)));
	CHECK(td_text_equal(td_event_source(a), td_event_source(b)));
	CHECK(td_text_equal(td_event_type(a), td_event_type(b)));
	CHECK(td_text_equal(td_event_subject(a), td_event_subject(b)));
	CHECK(td_text_equal(td_event_address(a), td_event_address(b)));
}

static void check_written(const struct td_event *event)
{
	static const struct td_where where = {
		.position = 9, .seq = 7, .revision = 5, .log = "a\"log"};
	static const struct td_cli_making making = {.type = NULL};
	struct td_buf line = TD_BUF_INIT(SIZE_MAX / 2);
	struct td_event *again = NULL;

	if (td_cli_event_json(&line, event, &where, NULL) == 0) {
		CHECK(memchr(line.at, '\n', line.len) == NULL);
		CHECK(td_cli_line_event(&again, &making, td_buf_view(&line), 1, NULL) == 0);
		check_same(event, again);
		CHECK(td_event_get(again, "tdlog").at == NULL);
		td_event_unref(again);
	}
	td_buf_fini(&line);
}

static void check_template(const char *template_, const struct td_event *event)
{
	struct td_error err = TD_ERROR_INIT;
	struct td_buf filled = TD_BUF_INIT((size_t)1 << 20);

	if (td_cli_template_check(template_, &err) == 0)
		td_cli_template_fill(&filled, template_, event, NULL);
	else
		CHECK(err.code == TD_E_INVALID && err.text[0] != '\0');
	td_buf_fini(&filled);
}

static void check_line(const char *template_, struct td_text line)
{
	const struct td_cli_making making = {
		.type = template_, .subject = template_, .id = NULL, .source = "fuzz"};
	struct td_error err = TD_ERROR_INIT;
	struct td_event *event = NULL, *again = NULL;
	int code;

	if (td_cli_making_check(&making, &err) != 0) {
		CHECK(err.code == TD_E_INVALID && err.text[0] != '\0');
		return;
	}
	code = td_cli_line_event(&event, &making, line, 3, &err);
	CHECK(td_cli_line_event(&again, &making, line, 3, NULL) == code);
	if (code == 0) {
		check_same(event, again);
		check_written(event);
		check_template(template_, event);
	} else {
		CHECK(err.code == code && err.text[0] != '\0');
	}
	td_event_unref(event);
	td_event_unref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
	char template_[256];
	size_t len = end != NULL ? (size_t)(end - data) : 0;

	if (end == NULL || len >= sizeof(template_))
		return 0;
	memcpy(template_, data, len);
	template_[len] = '\0';
	check_line(template_, td_text_of(end + 1, size - len - 1));
	return 0;
}
