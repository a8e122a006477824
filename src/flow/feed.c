/*
 * Where events come from: the store's tap, and what is stored already.
 */
#include "flow/inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* --- the tap ------------------------------------------------------------------------------ */

static void stored(void *arg, const struct td_stored *event)
{
	td_flow_note(arg, event);
}

static void lost(void *arg, uint64_t from, uint64_t to)
{
	struct td_flow *flow = arg;

	flow->lost += to - from + 1;
}

struct td_tap td_flow_tap(struct td_flow *flow)
{
	return (struct td_tap){.stored = stored, .arg = flow, .lost = lost};
}

/* --- ids that are numbers ----------------------------------------------------------------- */

#define LOG_NAMES 16u
#define SEQ_BYTES 21u /* "-18446744073709551615" */

/* Of the last few logs that such events came to. */
struct td_log_name {
	uint32_t number; /* 0: none */
	size_t len;
	char name[TD_LOG_NAME_BYTES + SEQ_BYTES]; /* the seq is written behind */
};

static struct td_log_name *log_name(struct td_flow *flow, uint32_t number)
{
	struct td_log_name *name;
	struct td_text text;

	if (flow->log_names == NULL)
		flow->log_names = calloc(LOG_NAMES, sizeof(*flow->log_names));
	if (flow->log_names == NULL)
		return NULL;
	name = &flow->log_names[number % LOG_NAMES];
	if (name->number == number)
		return name;
	text = td_store_log_name(flow->store, number, name->name);
	name->number = text.at != NULL ? number : 0;
	name->len = text.len;
	if (text.at == NULL)
		return NULL;
	return name;
}

struct td_text td_flow_number_id(struct td_flow *flow, const struct td_stored *event)
{
	struct td_log_name *name = flow->store != NULL ? log_name(flow, event->log) : NULL;
	int len;

	if (name == NULL)
		return td_text(NULL);
	len = snprintf(name->name + name->len, SEQ_BYTES + 1, "-%" PRIu64, event->seq);
	return td_text_of(name->name, name->len + (size_t)len);
}

/* --- what is stored ----------------------------------------------------------------------- */

static int read_all(struct td_flow *flow, struct td_store *store, uint64_t from, uint64_t to,
	struct td_error *err)
{
	const struct td_read_options options = {.from_position = from, .to_position = to};
	struct td_cursor *cursor;
	struct td_stored event;
	int code = td_store_read(&cursor, store, &options, err);

	if (code != 0)
		return code;
	while (code == 0) {
		uint64_t before = td_cursor_position(cursor);

		code = td_cursor_next(cursor, &event, err);
		if (code == 0) {
			td_flow_note(flow, &event);
		} else if (code == TD_E_DAMAGED) {
			uint64_t behind = td_cursor_position(cursor);

			flow->lost += behind > before ? behind - before : 1;
			code = 0;
		}
	}
	td_cursor_close(cursor);
	return code == TD_E_NOT_FOUND ? 0 : code;
}

int td_flow_attach(
	struct td_flow *flow, struct td_store *store, uint64_t events_max, struct td_error *err)
{
	uint64_t end = td_store_durable(store), from;
	struct td_log_info info;
	int code = td_store_log(store, td_text(TD_LOG_CONTROL), 0, &info, err);

	flow->store = store;
	flow->control = code == 0 ? info.number : 0;
	if (code != 0 && code != TD_E_NOT_FOUND)
		return code;
	events_max = events_max < flow->recent.max ? events_max : flow->recent.max;
	if (events_max == 0 || end <= 1)
		return 0;
	from = end > events_max ? end - events_max : 1;
	return read_all(flow, store, from, end - 1, err);
}
