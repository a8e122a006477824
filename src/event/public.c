/*
 * The codecs of tidings/event.h: CloudEvents JSON of one event and of a batch.
 */
#include "event/event.h"

#include <stdlib.h>

/* Far above what the limits of one event allow: memory is the ceiling. */
#define JSON_BYTES_MAX (SIZE_MAX / 4)

/* --- writing ------------------------------------------------------------------------------ */

static int take_bytes(struct td_buf *buf, int code, struct td_bytes *json)
{
	if (code == 0)
		td_buf_detach(buf, json);
	td_buf_fini(buf);
	return code;
}

int td_event_to_json(const struct td_event *event, struct td_bytes *json, struct td_error *err)
{
	struct td_buf buf = TD_BUF_INIT(JSON_BYTES_MAX);

	TD_CHECK_GIVEN(event, err);
	TD_CHECK_GIVEN(json, err);
	return take_bytes(&buf, td_event_write_json(event, &buf, err), json);
}

int td_events_to_json(const struct td_event *const *events, size_t count, struct td_bytes *json,
	struct td_error *err)
{
	struct td_buf buf = TD_BUF_INIT(JSON_BYTES_MAX);
	int code = 0;

	if (count > 0)
		TD_CHECK_GIVEN(events, err);
	TD_CHECK_GIVEN(json, err);
	td_buf_add_char(&buf, '[');
	for (size_t i = 0; code == 0 && i < count; i++) {
		if (i > 0)
			td_buf_add_char(&buf, ',');
		code = events[i] != NULL ? td_event_write_json(events[i], &buf, err)
					 : td_error_null(err, "event");
		if (code != 0)
			td_error_wrap(err, code, "[%zu]", i);
	}
	td_buf_add_char(&buf, ']');
	if (code == 0)
		code = td_buf_check(&buf, err);
	return take_bytes(&buf, code, json);
}

/* --- reading ------------------------------------------------------------------------------ */

/* An offset in `part` is to be one in `whole`. */
static void move_offset(struct td_error *err, struct td_json part, struct td_text whole)
{
	if (err != NULL && err->offset != TD_NO_OFFSET)
		err->offset += (size_t)(part.text.at - whole.at);
}

int td_event_from_json(struct td_event **event, struct td_text json, struct td_error *err)
{
	struct td_json object;
	int code;

	TD_CHECK_GIVEN(event, err);
	/* An event that was read may stand in a batch, one deeper. */
	code = td_json_parse(json, TD_JSON_DEPTH_MAX - 1, &object, err);
	if (code != 0)
		return code;
	code = td_event_read_json(event, object, err);
	if (code != 0)
		move_offset(err, object, json);
	return code;
}

static int read_events(struct td_event **events, size_t *count, struct td_json array,
	struct td_text json, struct td_error *err)
{
	struct td_json_iter iter = td_json_iterate(array);
	struct td_json name, object;

	while (td_json_next(&iter, &name, &object)) {
		int code = td_event_read_json(&events[*count], object, err);

		if (code != 0) {
			move_offset(err, object, json);
			return td_error_wrap(err, code, "[%zu]", *count);
		}
		++*count;
	}
	return 0;
}

int td_events_from_json(
	struct td_event ***events, size_t *count, struct td_text json, struct td_error *err)
{
	struct td_json array;
	struct td_event **made;
	size_t made_count = 0;
	int code;

	TD_CHECK_GIVEN(events, err);
	TD_CHECK_GIVEN(count, err);
	code = td_json_parse(json, TD_JSON_DEPTH_MAX, &array, err);
	if (code != 0)
		return code;
	if (array.kind != TD_JSON_ARRAY)
		return td_error_set(err, TD_E_FORMAT, (size_t)(array.text.at - json.at),
			"a batch is a JSON array");
	made = calloc(td_json_count(array) + 1, sizeof(struct td_event *));
	if (made == NULL)
		return td_error_nomem(err);
	code = read_events(made, &made_count, array, json, err);
	if (code != 0) {
		td_events_free(made, made_count);
		return code;
	}
	*events = made;
	*count = made_count;
	return 0;
}

void td_events_free(struct td_event **events, size_t count)
{
	if (events == NULL)
		return;
	for (size_t i = 0; i < count; i++)
		td_event_unref(events[i]);
	free(events);
}
