/*
 * What tests of events share. Included once per program, behind cmocka.
 */
#ifndef TD_TEST_EVENT_TEST_H
#define TD_TEST_EVENT_TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/event.h"

/* string: NULL for absent text. */
#define assert_text(text, string) check_text(text, string, __FILE__, __LINE__)

static inline void check_text(struct td_text text, const char *string, const char *file, int line)
{
	if (!td_text_is(text, string))
		fail_msg("%s:%d: %.*s, not %s", file, line, TD_TEXT_ARG(text),
			string != NULL ? string : "(absent)");
}

static const struct td_text absent = {NULL, 0};

/* An event of valid CloudEvents JSON. */
static inline struct td_event *event_of(const char *json)
{
	struct td_event *event = NULL;
	struct td_error err = TD_ERROR_INIT;

	if (td_event_from_json(&event, td_text(json), &err) != 0)
		fail_msg("%s: %s", json, err.text);
	return event;
}

/* Its JSON, to be freed. */
static inline char *json_of(const struct td_event *event)
{
	struct td_bytes json = TD_BYTES_INIT;

	assert_int_equal(td_event_to_json(event, &json, NULL), 0);
	return json.at;
}

static inline void assert_json(const struct td_event *event, const char *json)
{
	char *got = json_of(event);

	assert_string_equal(got, json);
	free(got);
}

/* The block written, to be freed. */
static inline char *block_of(const struct td_event *event)
{
	struct td_buf buf = TD_BUF_INIT(TD_HEADER_BYTES_MAX);
	struct td_bytes bytes;

	td_event_write_headers(event, &buf);
	assert_int_equal(td_buf_check(&buf, NULL), 0);
	td_buf_detach(&buf, &bytes);
	return bytes.at;
}

/* Through the stored form and back. */
static inline struct td_event *stored_and_read(const struct td_event *event)
{
	char *block = block_of(event);
	struct td_event *back = NULL;
	struct td_error err = TD_ERROR_INIT;

	if (td_event_read_headers(&back, td_text(block), td_event_data(event),
		    td_event_address(event), absent, absent, &err) != 0)
		fail_msg("%s: %s", block, err.text);
	free(block);
	return back;
}

struct http_message {
	struct td_http_header headers[TD_ATTR_COUNT + TD_EXTENSIONS_MAX + 1];
	size_t count;
};

static inline void http_add(void *arg, struct td_text name, struct td_text value)
{
	struct http_message *message = (struct http_message *)arg;
	char *copy = (char *)malloc(name.len + value.len + 1);

	memcpy(copy, name.at, name.len);
	memcpy(copy + name.len, value.at, value.len);
	message->headers[message->count++] =
		(struct td_http_header){{copy, name.len}, {copy + name.len, value.len}};
}

static inline void http_fini(struct http_message *message)
{
	for (size_t i = 0; i < message->count; i++)
		free((void *)(uintptr_t)message->headers[i].name.at);
	message->count = 0;
}

#endif
