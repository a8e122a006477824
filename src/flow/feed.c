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

/* Notes [from, to], until so many bytes were read; *from: where it went no further, behind `to`: all. */
static int read_some(struct td_flow *flow, struct td_store *store, uint64_t *from, uint64_t to,
	struct td_error *err)
{
	const struct td_read_options options = {.from_position = *from, .to_position = to};
	struct td_cursor *cursor;
	struct td_stored event;
	uint64_t bytes = 0;
	int code = td_store_read(&cursor, store, &options, err);

	if (code != 0)
		return code;
	while (code == 0 && bytes <= flow->stored_bytes_max) {
		*from = td_cursor_position(cursor);
		code = td_cursor_next(cursor, &event, err);
		if (code == 0) {
			bytes += event.headers.len + event.payload.len;
			td_flow_note(flow, &event);
		} else if (code == TD_E_DAMAGED) {
			uint64_t behind = td_cursor_position(cursor);

			flow->lost += behind > *from ? behind - *from : 1;
			code = 0;
		}
	}
	if (code == TD_E_NOT_FOUND)
		*from = to + 1;
	td_cursor_close(cursor);
	return code == TD_E_NOT_FOUND ? 0 : code;
}

/* Where the newest are larger than was thought, half of what is left is passed over. */
static int read_all(struct td_flow *flow, struct td_store *store, uint64_t from, uint64_t to,
	struct td_error *err)
{
	int code = 0;

	while (code == 0 && from <= to) {
		code = read_some(flow, store, &from, to, err);
		from += from <= to ? (to - from) / 2 + 1 : 0;
	}
	return code;
}

/* So many of the store's events are about as many bytes as may be read. */
static uint64_t affordable(const struct td_flow *flow, struct td_store *store)
{
	struct td_store_status status;

	td_store_status(store, &status);
	if (status.events == 0 || status.bytes == 0)
		return UINT64_MAX;
	return flow->stored_bytes_max / (status.bytes / status.events + 1) + 1;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
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
	events_max = least(least(events_max, flow->recent.max), affordable(flow, store));
	if (events_max == 0 || end <= 1)
		return 0;
	from = end > events_max ? end - events_max : 1;
	return read_all(flow, store, from, end - 1, err);
}
