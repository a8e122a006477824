/*
 * A record of the store. Input: its body. What is accepted is written again, byte for byte, from
 * what was read; no view points outside.
 */
#include <stdint.h>
#include <stdlib.h>

#include "store/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(struct td_buf *buf, struct td_text body)
{
	if (td_buf_check(buf, NULL) != 0 || buf->len != body.len ||
		memcmp(buf->at, body.at, body.len) != 0)
		abort();
}

static void event(struct td_buf *buf, struct td_text body)
{
	struct td_event_record record;
	uint8_t head[TD_EVENT_FIXED_BYTES];

	if (td_event_record_read(&record, body) != NULL)
		return;
	td_event_record_head(&record, head);
	td_buf_add(buf, head, sizeof(head));
	td_buf_add_text(buf, record.address);
	td_buf_add_text(buf, record.type);
	for (unsigned key = 0; key < 256; key++)
		td_server_add(buf, key, td_server_get(record.server, key));
	td_buf_add_text(buf, record.headers);
	td_buf_add_text(buf, record.payload);
	if (buf->len != td_event_record_bytes(&record))
		abort();
	same(buf, body);
}

static void removal(struct td_buf *buf, struct td_text body)
{
	struct td_removal_record record;
	uint8_t head[TD_REMOVAL_FIXED_BYTES];
	struct td_ranges ranges = {0};
	struct td_range range;
	uint64_t next = 0;

	if (td_removal_record_read(&record, body) != NULL)
		return;
	td_removal_record_head(&record, head);
	td_buf_add(buf, head, sizeof(head));
	td_buf_add_text(buf, record.rule);
	ranges.rest = record.ranges;
	while (td_ranges_next(&ranges, &range))
		td_ranges_add(buf, &next, range);
	same(buf, body);
}

static void tops(struct td_buf *buf, struct td_text body)
{
	uint8_t head[TD_TOPS_FIXED_BYTES], bytes[TD_TOP_BYTES];
	struct td_text rest;
	struct td_top top;
	uint32_t log;

	if (td_tops_record_read(&log, &rest, body) != NULL)
		return;
	td_tops_record_head(log, head);
	td_buf_add(buf, head, sizeof(head));
	for (; rest.len > 0; rest = td_text_of(rest.at + TD_TOP_BYTES, rest.len - TD_TOP_BYTES)) {
		td_top_get(&top, rest.at);
		td_top_put(&top, bytes);
		td_buf_add(buf, bytes, sizeof(bytes));
	}
	same(buf, body);
}

static void keys(struct td_buf *buf, struct td_text body)
{
	uint8_t head[TD_KEYS_FIXED_BYTES], bytes[TD_KEY_GIVEN_BYTES];
	struct td_key_given given;
	struct td_text rest;

	if (td_keys_record_read(&rest, body) != NULL)
		return;
	td_keys_record_head(head);
	td_buf_add(buf, head, sizeof(head));
	for (; rest.len > 0;
		rest = td_text_of(rest.at + TD_KEY_GIVEN_BYTES, rest.len - TD_KEY_GIVEN_BYTES)) {
		td_key_given_get(&given, rest.at);
		td_key_given_put(&given, bytes);
		td_buf_add(buf, bytes, sizeof(bytes));
	}
	same(buf, body);
}

static void known(struct td_buf *buf, struct td_text body)
{
	uint8_t head[TD_KNOWN_FIXED_BYTES], bytes[TD_KNOWN_BYTES];
	struct td_known item;
	struct td_text rest;
	uint32_t log;

	if (td_known_record_read(&log, &rest, body) != NULL)
		return;
	td_known_record_head(log, head);
	td_buf_add(buf, head, sizeof(head));
	for (; rest.len > 0;
		rest = td_text_of(rest.at + TD_KNOWN_BYTES, rest.len - TD_KNOWN_BYTES)) {
		td_known_get(&item, rest.at);
		if (item.key == 0)
			abort();
		td_known_put(&item, bytes);
		td_buf_add(buf, bytes, sizeof(bytes));
	}
	same(buf, body);
}

static void note(struct td_buf *buf, struct td_text body)
{
	uint8_t head[TD_NOTE_FIXED_BYTES], whole[TD_STORE_RECORD_BYTES];
	struct td_store_record store;
	struct td_loss_record loss;
	struct td_text bytes;
	uint32_t owner;

	if (td_note_record_read(&owner, &bytes, body) == NULL) {
		td_note_record_head(owner, head);
		td_buf_add(buf, head, sizeof(head));
		td_buf_add_text(buf, bytes);
		same(buf, body);
	} else if (td_store_record_read(&store, body) == NULL) {
		td_store_record_put(&store, whole);
		td_buf_add(buf, whole, sizeof(whole));
		same(buf, body);
	} else if (td_loss_record_read(&loss, body) == NULL) {
		td_loss_record_put(&loss, whole);
		td_buf_add(buf, whole, TD_LOSS_RECORD_BYTES);
		same(buf, body);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct td_buf buf = TD_BUF_INIT(size + 1);
	struct td_text body = td_text_of(data, size);

	event(&buf, body);
	removal(&buf, body);
	tops(&buf, body);
	known(&buf, body);
	note(&buf, body);
	keys(&buf, body);
	td_buf_fini(&buf);
	return 0;
}
