#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/record.h"

static struct td_event_record sample(void)
{
	return (struct td_event_record){
		.log = 3,
		.flags = TD_EVENT_IMPORTED,
		.seq = 42,
		.revision = 7,
		.prev = 40,
		.time = -5,
		.address = td_text("order.42"),
		.type = td_text("OrderPlaced"),
		.server = td_text_of("\1\3\0bob", 6),
		.headers = td_text("NATS/1.0\r\n\r\n"),
		.payload = td_text("{}"),
	};
}

static struct td_text write_event(struct td_buf *buf, const struct td_event_record *record)
{
	uint8_t head[TD_EVENT_FIXED_BYTES];

	td_buf_reset(buf);
	td_event_record_head(record, head);
	td_buf_add(buf, head, sizeof(head));
	td_buf_add_text(buf, record->address);
	td_buf_add_text(buf, record->type);
	td_buf_add_text(buf, record->server);
	td_buf_add_text(buf, record->headers);
	td_buf_add_text(buf, record->payload);
	assert_int_equal(td_buf_check(buf, NULL), 0);
	return td_buf_view(buf);
}

static void event_reads_as_it_was_written(void **state)
{
	struct td_buf buf = TD_BUF_INIT(4096);
	struct td_event_record in = sample(), out;

	(void)state;
	assert_null(td_event_record_read(&out, write_event(&buf, &in)));
	assert_int_equal(out.log, 3);
	assert_int_equal(out.flags, TD_EVENT_IMPORTED);
	assert_int_equal(out.seq, 42);
	assert_int_equal(out.revision, 7);
	assert_int_equal(out.prev, 40);
	assert_int_equal(out.time, -5);
	assert_true(td_text_equal(out.address, in.address));
	assert_true(td_text_equal(out.type, in.type));
	assert_true(td_text_equal(out.server, in.server));
	assert_true(td_text_equal(out.headers, in.headers));
	assert_true(td_text_equal(out.payload, in.payload));
	assert_true(td_text_is(td_server_get(out.server, TD_SERVER_AUTHID), "bob"));
	assert_null(td_server_get(out.server, TD_SERVER_CAUSATION).at);
	td_buf_fini(&buf);
}

static void event_without_a_header_block_is_not_one_with_an_empty_one(void **state)
{
	struct td_buf buf = TD_BUF_INIT(4096);
	struct td_event_record in = sample(), out;

	(void)state;
	in.headers = td_text("");
	assert_null(td_event_record_read(&out, write_event(&buf, &in)));
	assert_non_null(out.headers.at);
	in.flags = TD_EVENT_HEADLESS;
	assert_null(td_event_record_read(&out, write_event(&buf, &in)));
	assert_null(out.headers.at);
	td_buf_fini(&buf);
}

static void event_that_is_cut_or_contradicts_itself_is_refused(void **state)
{
	struct td_buf buf = TD_BUF_INIT(4096);
	struct td_event_record in = sample(), out;
	struct td_text body = write_event(&buf, &in);

	(void)state;
	for (size_t len = 0; len < body.len - in.payload.len; len++)
		assert_non_null(td_event_record_read(&out, td_text_of(body.at, len)));
	in.prev = in.seq;
	assert_non_null(td_event_record_read(&out, write_event(&buf, &in)));
	in = sample();
	in.flags = 128;
	assert_non_null(td_event_record_read(&out, write_event(&buf, &in)));
	in = sample();
	in.revision = 0;
	assert_non_null(td_event_record_read(&out, write_event(&buf, &in)));
	in = sample();
	in.address = td_text("");
	assert_non_null(td_event_record_read(&out, write_event(&buf, &in)));
	in = sample();
	in.server = td_text_of("\2\0\0\1\0\0", 6); /* not ascending */
	assert_non_null(td_event_record_read(&out, write_event(&buf, &in)));
	td_buf_fini(&buf);
}

static void removal_keeps_its_ranges(void **state)
{
	static const struct td_range in[] = {{1, 1}, {5, 1000}, {1u << 20, 3}};
	struct td_buf buf = TD_BUF_INIT(4096);
	struct td_removal_record record = {.log = 2, .erase = true, .count = 1004}, out;
	struct td_ranges ranges = {0};
	struct td_range range;
	uint8_t head[TD_REMOVAL_FIXED_BYTES];
	uint64_t next = 0;
	size_t n = 0;

	(void)state;
	record.rule = td_text("request");
	td_removal_record_head(&record, head);
	td_buf_add(&buf, head, sizeof(head));
	td_buf_add_text(&buf, record.rule);
	for (size_t i = 0; i < 3; i++)
		td_ranges_add(&buf, &next, in[i]);
	assert_null(td_removal_record_read(&out, td_buf_view(&buf)));
	assert_true(out.erase);
	assert_true(td_text_is(out.rule, "request"));
	ranges.rest = out.ranges;
	while (td_ranges_next(&ranges, &range)) {
		assert_int_equal(range.from, in[n].from);
		assert_int_equal(range.count, in[n].count);
		n++;
	}
	assert_int_equal(n, 3);
	for (size_t len = 0; len < buf.len; len++)
		assert_non_null(td_removal_record_read(&out, td_text_of(buf.at, len)));
	td_buf_fini(&buf);
}

static void tops_and_notes_read_as_they_were_written(void **state)
{
	struct td_buf buf = TD_BUF_INIT(4096);
	struct td_top in = {0x0123456789ABCDEF, 9, 4, 0}, top;
	struct td_store_record store = {1, 77}, again;
	struct td_loss_record loss = {7, 20}, lost;
	uint8_t head[TD_TOPS_FIXED_BYTES], bytes[TD_TOP_BYTES], whole[TD_STORE_RECORD_BYTES];
	struct td_text rest;
	uint32_t number;

	(void)state;
	td_tops_record_head(5, head);
	td_top_put(&in, bytes);
	td_buf_add(&buf, head, sizeof(head));
	td_buf_add(&buf, bytes, sizeof(bytes));
	assert_null(td_tops_record_read(&number, &rest, td_buf_view(&buf)));
	assert_int_equal(number, 5);
	td_top_get(&top, rest.at);
	assert_memory_equal(&top, &in, sizeof(in));
	assert_non_null(td_tops_record_read(&number, &rest, td_text_of(buf.at, buf.len - 1)));

	td_buf_reset(&buf);
	td_note_record_head(9, head);
	td_buf_add(&buf, head, sizeof(head));
	td_buf_add(&buf, "floor", 5);
	assert_null(td_note_record_read(&number, &rest, td_buf_view(&buf)));
	assert_int_equal(number, 9);
	assert_true(td_text_is(rest, "floor"));

	td_store_record_put(&store, whole);
	assert_null(td_store_record_read(&again, td_text_of(whole, sizeof(whole))));
	assert_int_equal(again.seed, 77);
	td_loss_record_put(&loss, whole);
	assert_null(td_loss_record_read(&lost, td_text_of(whole, TD_LOSS_RECORD_BYTES)));
	assert_memory_equal(&lost, &loss, sizeof(loss));
	loss.from = 21; /* above its end */
	td_loss_record_put(&loss, whole);
	assert_non_null(td_loss_record_read(&lost, td_text_of(whole, TD_LOSS_RECORD_BYTES)));
	td_buf_fini(&buf);
}

static void a_sealed_payload_has_a_key_and_room_for_its_seal(void **state)
{
	struct td_buf buf = TD_BUF_INIT(4096);
	struct td_event_record in = sample(), out;
	char payload[TD_SEAL_BYTES + 2] = {0};

	(void)state;
	in.flags |= TD_EVENT_SEALED;
	in.payload = td_text_of(payload, sizeof(payload));
	assert_non_null(td_event_record_read(&out, write_event(&buf, &in))); /* key 0 */
	td_le64_put(payload, TD_KEY_NUMBER_MAX + 1);
	assert_non_null(td_event_record_read(&out, write_event(&buf, &in)));
	td_le64_put(payload, TD_KEY_NUMBER_MAX);
	assert_null(td_event_record_read(&out, write_event(&buf, &in)));
	in.payload.len = TD_SEAL_BYTES;
	assert_null(td_event_record_read(&out, write_event(&buf, &in)));
	in.payload.len--;
	assert_non_null(td_event_record_read(&out, write_event(&buf, &in)));
	td_buf_fini(&buf);
}

static void keys_that_were_given_read_as_they_were_written(void **state)
{
	const struct td_key_given in[] = {{3, 0x0123456789ABCDEF, 7}, {0, 0, 512}};
	uint8_t bytes[TD_KEYS_FIXED_BYTES + 2 * TD_KEY_GIVEN_BYTES];
	struct td_key_given out;
	struct td_text items;

	(void)state;
	td_keys_record_head(bytes);
	td_key_given_put(&in[0], bytes + TD_KEYS_FIXED_BYTES);
	td_key_given_put(&in[1], bytes + TD_KEYS_FIXED_BYTES + TD_KEY_GIVEN_BYTES);
	assert_null(td_keys_record_read(&items, td_text_of(bytes, sizeof(bytes))));
	td_key_given_get(&out, items.at);
	assert_int_equal(out.log, 3);
	assert_int_equal(out.hash, in[0].hash);
	assert_int_equal(out.number, 7);
	for (size_t len = 0; len < sizeof(bytes); len++) {
		const char *wrong = td_keys_record_read(&items, td_text_of(bytes, len));

		assert_int_equal(wrong == NULL, len == TD_KEYS_FIXED_BYTES + TD_KEY_GIVEN_BYTES);
	}
	bytes[TD_KEYS_FIXED_BYTES] = 0; /* a subject of no log */
	assert_non_null(td_keys_record_read(&items, td_text_of(bytes, sizeof(bytes))));
}

static void what_is_known_reads_as_it_was_written(void **state)
{
	const struct td_known in = {0x0123456789ABCDEF, 7, 6, 5, 4, -3};
	struct td_known out;
	struct td_buf buf = TD_BUF_INIT(4096);
	uint8_t head[TD_KNOWN_FIXED_BYTES], bytes[TD_KNOWN_BYTES];
	struct td_text rest;
	uint32_t number;

	(void)state;
	td_known_record_head(5, head);
	td_known_put(&in, bytes);
	td_buf_add(&buf, head, sizeof(head));
	td_buf_add(&buf, bytes, sizeof(bytes));
	assert_null(td_known_record_read(&number, &rest, td_buf_view(&buf)));
	assert_int_equal(number, 5);
	assert_int_equal(rest.len, TD_KNOWN_BYTES);
	td_known_get(&out, rest.at);
	assert_memory_equal(&out, &in, sizeof(in));
	for (size_t len = 0; len < buf.len; len++)
		assert_true(len == TD_KNOWN_FIXED_BYTES ||
			    td_known_record_read(&number, &rest, td_text_of(buf.at, len)) != NULL);
	memset(buf.at + TD_KNOWN_FIXED_BYTES, 0, 8);
	assert_non_null(td_known_record_read(&number, &rest, td_buf_view(&buf)));
	td_buf_fini(&buf);
}

static void varints_have_one_form_each(void **state)
{
	static const uint64_t values[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX};
	static const uint8_t long_zero[] = {0x80, 0x00};
	uint8_t bytes[TD_VARINT_BYTES];
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		size_t n = td_varint_put(bytes, values[i]);

		assert_int_equal(td_varint_get(bytes, n, &value), n);
		assert_int_equal(value, values[i]);
		assert_int_equal(td_varint_get(bytes, n - 1, &value), 0);
	}
	assert_int_equal(td_varint_get(long_zero, 2, &value), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(event_reads_as_it_was_written),
		cmocka_unit_test(event_without_a_header_block_is_not_one_with_an_empty_one),
		cmocka_unit_test(event_that_is_cut_or_contradicts_itself_is_refused),
		cmocka_unit_test(removal_keeps_its_ranges),
		cmocka_unit_test(tops_and_notes_read_as_they_were_written),
		cmocka_unit_test(a_sealed_payload_has_a_key_and_room_for_its_seal),
		cmocka_unit_test(keys_that_were_given_read_as_they_were_written),
		cmocka_unit_test(what_is_known_reads_as_it_was_written),
		cmocka_unit_test(varints_have_one_form_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
