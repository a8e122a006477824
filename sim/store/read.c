#include "play.h"

#include <inttypes.h>

/* Note an event; one that is none of ours is noted as what nobody wrote. */
static void see(struct run *run, const struct td_stored *stored)
{
	static struct sim_store_content content;
	struct sim_store_entry entry = {0};
	struct sim_store_event event = {
		.position = stored->position, .seq = stored->seq, .revision = stored->revision};

	if (sim_store_content_read(stored, &entry)) {
		sim_store_content(&content, &entry, run->config.payload_max);
		event.log = entry.log;
		event.subject = entry.subject;
		event.value = entry.value;
		event.intact = td_text_equal(content.address, stored->address) &&
			       td_text_equal(content.type, stored->type) &&
			       td_text_equal(content.headers, stored->headers) &&
			       td_text_equal(content.payload, stored->payload);
	}
	sim_store_pass_see(&run->history, &event);
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
		see(run, &stored);
		seen++;
	}
	sim_store_pass_end(&run->history, code == TD_E_NOT_FOUND, final);
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
