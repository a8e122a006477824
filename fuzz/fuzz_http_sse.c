/*
 * An event stream. Input: a byte for the size of parts, then the stream.
 *	- at once, in parts and singly the same events are read;
 *	- written by sse.h and read again they are the same, but for a CR in data, which ends a line.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/base.h"
#include "wire/http/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A name with a NUL in it can be read, and is not written. */
static void write_event(struct td_buf *out, const struct td_sse_event *event)
{
	bool nul = memchr(event->event.at, '\0', event->event.len) != NULL;

	TD_ASSERT(td_sse_add(out, event->id, event->event, event->data) == !nul);
	if (nul)
		td_sse_add(out, event->id, td_text("nul"), event->data);
}

/* The events as a stream of sse.h. */
static void read_stream(struct td_buf *out, const char *bytes, size_t len, size_t part)
{
	struct td_sse_reader reader;
	struct td_sse_event event;
	size_t at = 0, taken;

	td_sse_reader_init(&reader, SIZE_MAX / 2);
	while (at < len) {
		size_t there = len - at < part ? len - at : part;
		char *exact = malloc(there);
		enum td_sse_parsed parsed;

		TD_ASSERT(exact != NULL);
		memcpy(exact, bytes + at, there);
		parsed = td_sse_read(&reader, exact, there, &taken, &event);
		free(exact);
		TD_ASSERT(parsed != TD_SSE_FAILED && taken > 0 && taken <= there);
		TD_ASSERT(parsed == TD_SSE_EVENT || taken == there);
		at += taken;
		if (parsed == TD_SSE_EVENT)
			write_event(out, &event);
	}
	td_sse_reader_fini(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct td_buf whole = TD_BUF_INIT(SIZE_MAX / 2), other = TD_BUF_INIT(SIZE_MAX / 2);
	const char *bytes = (const char *)data + 1;
	const size_t parts[] = {1, size > 0 ? (size_t)data[0] + 1 : 1};

	if (size == 0)
		return 0;
	read_stream(&whole, bytes, size - 1, SIZE_MAX);
	for (size_t i = 0; i < 2; i++) {
		td_buf_reset(&other);
		read_stream(&other, bytes, size - 1, parts[i]);
		TD_ASSERT(other.len == whole.len &&
			  (whole.len == 0 || memcmp(other.at, whole.at, whole.len) == 0));
	}
	td_buf_reset(&other);
	read_stream(&other, whole.at, whole.len, SIZE_MAX);
	TD_ASSERT(other.len == whole.len &&
		  (whole.len == 0 || memcmp(other.at, whole.at, whole.len) == 0));
	td_buf_fini(&whole);
	td_buf_fini(&other);
	return 0;
}
