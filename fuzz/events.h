/*
 * What the fuzz targets of events share: an event goes through a codec, and must come back.
 */
#ifndef TD_FUZZ_EVENTS_H
#define TD_FUZZ_EVENTS_H

#include <stdio.h>
#include <stdlib.h>

#include "event/event.h"

static inline void check(bool holds, const char *what, struct td_text a, struct td_text b)
{
	if (holds)
		return;
	fprintf(stderr, "%s:\n%.*s\n%.*s\n", what, TD_TEXT_ARG(a), TD_TEXT_ARG(b));
	abort();
}

static inline struct td_text view(const struct td_bytes *bytes)
{
	return td_text_of(bytes->at, bytes->len);
}

static inline struct td_bytes json_of(const struct td_event *event)
{
	struct td_bytes json = TD_BYTES_INIT;
	struct td_error err = TD_ERROR_INIT;

	check(td_event_to_json(event, &json, &err) == 0, "JSON is not written", td_text(err.text),
		td_event_id(event));
	return json;
}

static inline struct td_bytes block_of(const struct td_event *event)
{
	struct td_buf buf = TD_BUF_INIT(TD_HEADER_BYTES_MAX);
	struct td_bytes block;

	td_event_write_headers(event, &buf);
	TD_ASSERT(buf.code == 0);
	td_buf_detach(&buf, &block);
	return block;
}

/* Through JSON and back, and what it is written as then is the same. */
static inline void check_json(const struct td_event *event)
{
	struct td_bytes json = json_of(event), again;
	struct td_event *back = NULL;
	struct td_error err = TD_ERROR_INIT;

	check(td_event_from_json(&back, view(&json), &err) == 0, "JSON is not read", view(&json),
		td_text(err.text));
	again = json_of(back);
	check(td_text_equal(view(&json), view(&again)), "JSON differs", view(&json), view(&again));
	td_event_unref(back);
	td_bytes_fini(&json);
	td_bytes_fini(&again);
}

/* Through the stored form and back: the same block, the same JSON. */
static inline void check_block(const struct td_event *event)
{
	struct td_bytes json = json_of(event), block = block_of(event), json2, block2;
	const struct td_text absent = {NULL, 0};
	struct td_event *back = NULL;
	struct td_error err = TD_ERROR_INIT;

	check(td_event_read_headers(&back, view(&block), td_event_data(event),
		      td_event_address(event), absent, absent, &err) == 0,
		"block is not read", view(&block), td_text(err.text));
	json2 = json_of(back);
	block2 = block_of(back);
	check(td_text_equal(view(&json), view(&json2)), "JSON differs", view(&json), view(&json2));
	check(td_text_equal(view(&block), view(&block2)), "block differs", view(&block),
		view(&block2));
	check(td_text_equal(td_event_address(event), td_event_address(back)), "address differs",
		td_event_address(event), td_event_address(back));
	TD_ASSERT(event->kind == back->kind && event->causes == back->causes);
	td_event_unref(back);
	td_bytes_fini(&json);
	td_bytes_fini(&json2);
	td_bytes_fini(&block);
	td_bytes_fini(&block2);
}

/* --- HTTP --------------------------------------------------------------------------------- */

struct message {
	struct td_http_header headers[TD_ATTR_COUNT + TD_EXTENSIONS_MAX + 1];
	size_t count;
	struct td_arena arena;
};

static inline void add_header(void *arg, struct td_text name, struct td_text value)
{
	struct message *message = (struct message *)arg;

	message->headers[message->count++] = (struct td_http_header){
		td_arena_copy(&message->arena, name), td_arena_copy(&message->arena, value)};
}

/* Through HTTP and back: the same values; types and an empty payload may be lost. */
static inline void check_http(const struct td_event *event)
{
	struct message message = {.count = 0};
	struct td_event *back = NULL;
	struct td_error err = TD_ERROR_INIT;

	td_arena_init(&message.arena, 4096, SIZE_MAX);
	td_event_write_http(event, add_header, &message);
	check(td_event_read_http(
		      &back, message.headers, message.count, td_event_data(event), &err) == 0,
		"HTTP is not read", td_text(err.text), td_event_id(event));
	for (size_t i = 0; i < td_event_attributes_count(event); i++) {
		struct td_attribute a = td_event_attribute(event, i);

		check(td_text_equal(td_event_lookup(back, a.name, NULL), a.value), "value differs",
			a.name, a.value);
	}
	TD_ASSERT(td_event_data(event).len == td_event_data(back).len);
	check_json(back);
	td_event_unref(back);
	td_arena_fini(&message.arena);
}

#endif
