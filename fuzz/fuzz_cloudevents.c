/*
 * CloudEvents JSON, one event or a batch. What is accepted
 *	- says in JSON again, member by member, what the input says, and no more;
 *	- is written the same after being read again;
 *	- survives the stored form (block and JSON the same) and HTTP.
 * What is refused is refused with a text, and an offset inside if any.
 */
#include <stdint.h>

#include "events.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct td_bytes unescaped(struct td_json string)
{
	struct td_buf buf = TD_BUF_INIT(SIZE_MAX / 2);
	struct td_bytes bytes;

	td_buf_add(&buf, "", 0);
	td_json_unescape(string, &buf);
	td_buf_detach(&buf, &bytes);
	return bytes;
}

static bool same_value(struct td_json a, struct td_json b)
{
	struct td_bytes text;
	bool same;

	if (a.kind != TD_JSON_STRING || b.kind != TD_JSON_STRING)
		return td_text_equal(a.text, b.text);
	text = unescaped(a);
	same = td_json_string_is(b, view(&text));
	td_bytes_fini(&text);
	return same;
}

/* null says nothing, but as data that is JSON. */
static bool says_nothing(struct td_json name, struct td_json value, const struct td_event *event)
{
	if (value.kind != TD_JSON_NULL)
		return false;
	return !td_json_string_is(name, td_text("data")) || td_event_data(event).at == NULL;
}

static void check_members(struct td_json input, const struct td_event *event)
{
	struct td_bytes json = json_of(event);
	struct td_json output = {TD_JSON_NONE, {NULL, 0}}, name, value;
	struct td_json_iter iter = td_json_iterate(input);
	size_t count = 0;

	TD_ASSERT(td_json_parse(view(&json), 0, &output, NULL) == 0);
	while (td_json_next(&iter, &name, &value)) {
		struct td_bytes key = unescaped(name);

		if (!says_nothing(name, value, event)) {
			check(same_value(value, td_json_get(output, view(&key))), "member differs",
				name.text, view(&json));
			count++;
		}
		td_bytes_fini(&key);
	}
	check(count == td_json_count(output), "members differ", input.text, view(&json));
	td_bytes_fini(&json);
}

static void check_event(struct td_json input, const struct td_event *event)
{
	struct td_event *copy = td_event_copy(event);

	check_members(input, event);
	check_json(copy);
	check_block(event);
	check_http(event);
	td_event_unref(copy);
}

static void check_refusal(int code, const struct td_error *err, size_t size)
{
	TD_ASSERT(err->code == code && err->text[0] != '\0');
	TD_ASSERT(err->offset <= size || err->offset == TD_NO_OFFSET);
}

static void try_batch(struct td_text text)
{
	struct td_event **events = NULL;
	struct td_error err = TD_ERROR_INIT;
	struct td_json array, name, value;
	struct td_json_iter iter;
	size_t count = 0;
	int code = td_events_from_json(&events, &count, text, &err);

	if (code != 0) {
		check_refusal(code, &err, text.len);
		return;
	}
	TD_ASSERT(td_json_parse(text, 0, &array, NULL) == 0);
	iter = td_json_iterate(array);
	for (size_t i = 0; i < count; i++) {
		TD_ASSERT(td_json_next(&iter, &name, &value));
		check_event(value, events[i]);
	}
	TD_ASSERT(!td_json_next(&iter, &name, &value));
	td_events_free(events, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct td_text text = td_text_of(data, size);
	struct td_event *event = NULL;
	struct td_error err = TD_ERROR_INIT;
	struct td_json object;
	int code = td_event_from_json(&event, text, &err);

	try_batch(text);
	if (code != 0) {
		check_refusal(code, &err, size);
		return 0;
	}
	TD_ASSERT(td_json_parse(text, 0, &object, NULL) == 0);
	check_event(object, event);
	td_event_unref(event);
	return 0;
}
