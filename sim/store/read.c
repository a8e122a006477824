#include "play.h"

#include <inttypes.h>

struct sim_store_event sim_run_event(const struct run *run, const struct td_stored *stored)
{
	static struct sim_store_content content;
	struct sim_store_entry entry = {0};
	struct sim_store_event event = {.position = stored->position,
		.seq = stored->seq,
		.revision = stored->revision,
		.log = stored->log,
		.time = stored->time,
		.erased = stored->erased};

	if (sim_store_content_read(stored, &entry)) {
		entry.sealed = sim_run_seals(run, entry.subject);
		sim_store_content(&content, &entry, run->config.payload_max);
		if (stored->erased)
			content.payload = td_text(NULL);
		event.subject = entry.subject;
		event.value = entry.value;
		event.intact = (entry.sealed || !stored->erased) &&
			       td_text_equal(content.address, stored->address) &&
			       td_text_equal(content.type, stored->type) &&
			       td_text_equal(content.headers, stored->headers) &&
			       td_text_equal(content.payload, stored->payload);
	}
	return event;
}

void sim_run_pass(struct run *run, uint64_t from, size_t most, bool final)
{
	uint64_t unread = run->counts[SIM_DISK_COUNT_READ_EIO];
	struct td_read_options options = {.from_position = from};
	struct td_error err = TD_ERROR_INIT;
	struct td_cursor *cursor;
	struct td_stored stored;
	int code = td_store_read(&cursor, run->store, &options, &err);
	size_t seen = 0;

	if (code != 0) {
		sim_fail(run->world, "read: %s", err.text);
		return;
	}
	sim_store_pass_begin(&run->history, from);
	while (seen < most && (code = td_cursor_next(cursor, &stored, &err)) == 0) {
		struct sim_store_event event = sim_run_event(run, &stored);

		sim_store_pass_see(&run->history, &event);
		if (event.erased)
			sim_count(run->world, COUNT_HIDDEN);
		if (final && stored.imported)
			sim_count(run->world, COUNT_MOVED);
		seen++;
	}
	sim_store_pass_end(&run->history, code == TD_E_NOT_FOUND, final);
	run->history.passes[run->history.passes_count - 1].answered_ms = sim_now_ms(run->world);
	sim_trace(run->world, "pass", (uint64_t[]){from, seen, (uint64_t)code}, 3);
	if (code != 0 && code != TD_E_NOT_FOUND && !sim_run_is_unread(run, code, unread))
		sim_fail(run->world, "read from %" PRIu64 ": %s", from, err.text);
	td_cursor_close(cursor);
}

void sim_run_read_some(struct run *run)
{
	bool whole = sim_chance(run->world, run->config.whole_passes);

	sim_run_pass(run, whole ? 1 : 1 + sim_below(run->world, td_store_durable(run->store)),
		whole ? SIZE_MAX : sim_below(run->world, 50), false);
}

/* --- readers ------------------------------------------------------------------------------ */

static void reader_end(struct run *run, struct reader *reader, bool whole)
{
	sim_store_pass_put(&run->history, reader->asked, reader->from,
		(const struct sim_store_event *)(const void *)reader->events.at,
		reader->events.len / sizeof(struct sim_store_event), whole);
	run->history.passes[run->history.passes_count - 1].answered_ms = sim_now_ms(run->world);
	td_cursor_close(reader->cursor);
	td_buf_fini(&reader->events);
	*reader = (struct reader){0};
}

static void reader_begin(struct run *run, struct reader *reader)
{
	struct td_read_options options = {0};
	struct td_error err = TD_ERROR_INIT;
	int code;

	*reader = (struct reader){.asked = sim_store_moment(&run->history),
		.from = sim_chance(run->world, 500)
				? 1
				: 1 + sim_below(run->world, td_store_durable(run->store)),
		.unread = run->counts[SIM_DISK_COUNT_READ_EIO],
		.events = TD_BUF_INIT(SIZE_MAX / 2)};
	options.from_position = reader->from;
	code = td_store_read(&reader->cursor, run->store, &options, &err);
	if (code != 0)
		sim_fail(run->world, "reader: %s", err.text);
	sim_count(run->world, COUNT_READERS);
}

void sim_run_read_on(struct run *run)
{
	struct reader *reader = &run->readers[sim_below(run->world, READERS_MAX)];
	uint64_t most = 1 + sim_below(run->world, 30);
	struct td_error err = TD_ERROR_INIT;
	int code = 0;

	if (reader->cursor == NULL) {
		reader_begin(run, reader);
		return;
	}
	for (uint64_t i = 0; i < most && code == 0; i++) {
		uint64_t asked = sim_store_moment(&run->history);
		struct sim_store_event event;
		struct td_stored stored;

		code = td_cursor_next(reader->cursor, &stored, &err);
		if (code != 0)
			break;
		event = sim_run_event(run, &stored);
		event.asked = asked;
		td_buf_add(&reader->events, &event, sizeof(event));
	}
	sim_trace(run->world, "reader",
		(uint64_t[]){reader->from, reader->events.len / sizeof(struct sim_store_event),
			(uint64_t)code},
		3);
	if (code == 0)
		return;
	if (code != TD_E_NOT_FOUND && !sim_run_is_unread(run, code, reader->unread))
		sim_fail(run->world, "reader from %" PRIu64 ": %s", reader->from, err.text);
	reader_end(run, reader, code == TD_E_NOT_FOUND);
}

void sim_run_readers_end(struct run *run)
{
	for (size_t i = 0; i < READERS_MAX; i++) {
		if (run->readers[i].cursor != NULL)
			reader_end(run, &run->readers[i], false);
	}
}
