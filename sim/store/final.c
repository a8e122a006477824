#include "play.h"

#include <inttypes.h>
#include <string.h>

#include "checker.h"

static const struct sim_store_event *final_events(const struct run *run, size_t *count)
{
	const struct sim_store_pass *last = &run->history.passes[run->history.passes_count - 1];

	*count = last->events_count;
	return *count == 0 ? NULL : run->history.events + last->events;
}

/* One way of reading gives of the final pass what it should, in its order. */
static void compare(struct run *run, const struct td_read_options *options, uint32_t log,
	uint32_t subject, const char *what)
{
	size_t count, at;
	const struct sim_store_event *events = final_events(run, &count);
	struct td_error err = TD_ERROR_INIT;
	struct td_cursor *cursor;
	struct td_stored stored;
	int code = td_store_read(&cursor, run->store, options, &err);

	if (code != 0) {
		sim_fail(run->world, "read %s: %s", what, err.text);
		return;
	}
	at = options->backward ? count : 0;
	while (!sim_failed(run->world)) {
		const struct sim_store_event *event = NULL;

		while (event == NULL && (options->backward ? at > 0 : at < count)) {
			event = &events[options->backward ? --at : at++];
			if (event->log != log ||
				(subject != UINT32_MAX && event->subject != subject))
				event = NULL;
		}
		code = td_cursor_next(cursor, &stored, &err);
		if (code == TD_E_NOT_FOUND && event == NULL)
			break;
		if (code != 0)
			sim_fail(run->world, "read %s: %s", what,
				event == NULL ? err.text : "less than a pass saw");
		else if (event == NULL || stored.position != event->position)
			sim_fail(run->world,
				"read %s of log %u, subject %d: position %" PRIu64
				" where the pass has %" PRIu64,
				what, log, (int)subject, stored.position,
				event == NULL ? 0 : event->position);
	}
	td_cursor_close(cursor);
}

static void compare_ways(struct run *run)
{
	for (uint32_t log = 0; log < run->config.logs; log++) {
		struct td_read_options options = {.log = sim_store_log_name(log)};

		compare(run, &options, log, UINT32_MAX, "log");
		options.backward = true;
		compare(run, &options, log, UINT32_MAX, "log backward");
		for (uint32_t subject = 0; subject < run->config.subjects; subject++) {
			static struct sim_store_content content;
			struct sim_store_entry entry = {.log = log, .subject = subject, .value = 1};

			sim_store_content(&content, &entry, 1);
			options = (struct td_read_options){
				.subjects = &content.address, .subjects_count = 1};
			compare(run, &options, log, subject, "subject");
			options.backward = true;
			compare(run, &options, log, subject, "subject backward");
		}
	}
}

/* Everything works again: what is owed is told, all is read, and judged. */
void sim_run_heal(struct run *run)
{
	struct sim_store_violation violation;

	memset(&run->config.dice, 0, sizeof(run->config.dice));
	run->config.capacity = 0;
	sim_disk_set_dice(run->disk, NULL);
	sim_disk_set_capacity(run->disk, 0);
	sim_advance_ms(run->world, 120000);
	for (int i = 0; i < 3; i++) {
		sim_run_drain(run);
		if (sim_failed(run->world) || sim_run_fell(run))
			continue;
		sim_run_append(run);
		sim_run_drain(run);
		if (run->pending_count == 0)
			break;
		sim_advance_ms(run->world, 120000);
	}
	if (sim_failed(run->world))
		return;
	if (run->pending_count > 0) {
		sim_fail(run->world, "healed, and %zu answers do not come", run->pending_count);
		return;
	}
	td_store_verify(run->store);
	sim_run_pass(run, 1, SIZE_MAX, true);
	if (!sim_failed(run->world))
		compare_ways(run);
	if (!sim_failed(run->world) && !sim_store_check(&run->history, &violation))
		sim_fail(run->world, "%s: %s: %s", sim_store_rule_name(violation.rule),
			sim_store_rule_meaning(violation.rule), violation.text);
}
