#include "play.h"

#include <inttypes.h>
#include <stdio.h>
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
			if ((log != SIM_STORE_NOWHERE && event->log != log) ||
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
		else if (stored.erased != event->erased ||
			 (stored.erased && stored.payload.len > 0))
			sim_fail(run->world,
				"read %s: position %" PRIu64
				" is%s erased, and in the pass it is%s",
				what, event->position, stored.erased ? "" : " not",
				event->erased ? "" : " not");
	}
	td_cursor_close(cursor);
}

/* Of each subject its latest, and that by its id. */
static void compare_latest(struct run *run, const struct sim_store_event *event)
{
	struct td_buf buf = TD_BUF_INIT(SIZE_MAX / 2);
	static struct sim_store_content content;
	struct sim_store_entry entry = {.subject = event->subject, .value = event->value};
	struct td_error err = TD_ERROR_INIT;
	struct td_stored stored;
	struct sim_store_event seen = {0};
	const struct slot *slot = sim_run_slot(run, event->log);
	int code;

	if (slot == NULL) {
		sim_fail(run->world, "an event in log %u, which there is not", event->log);
		return;
	}
	sim_store_content(&content, &entry, 1);
	code = td_store_latest(run->store, sim_store_log_name((uint32_t)(slot - run->slots)),
		content.address, &stored, &buf, &err);
	if (code == 0)
		seen = sim_run_event(run, &stored);
	if (code != 0)
		sim_fail(run->world, "latest of log %u, subject %u: %s", event->log, event->subject,
			err.text);
	else if (seen.position != event->position || seen.erased != event->erased || !seen.intact)
		sim_fail(run->world,
			"latest of log %u, subject %u: position %" PRIu64 "%s, and the pass has "
			"%" PRIu64 "%s",
			event->log, event->subject, seen.position, seen.erased ? ", erased" : "",
			event->position, event->erased ? ", erased" : "");
	td_buf_fini(&buf);
}

static void compare_latests(struct run *run)
{
	size_t count;
	const struct sim_store_event *events = final_events(run, &count);
	struct td_map met = TD_MAP_INIT;

	while (count-- > 0 && !sim_failed(run->world)) {
		const struct sim_store_event *event = &events[count];

		uint64_t subject = (uint64_t)event->log << 32 | (event->subject + 1);

		if (event->value == 0 || td_map_get(&met, subject) != NULL)
			continue;
		TD_ASSERT(td_map_put(&met, subject, &met));
		compare_latest(run, event);
	}
	td_map_fini(&met);
}

static void compare_area(struct run *run, uint32_t area)
{
	struct td_read_options options = {.log = sim_store_log_name(area)};
	const struct slot *slot = &run->slots[area];

	if (slot->exists) {
		compare(run, &options, slot->number, UINT32_MAX, "log");
		options.backward = true;
		compare(run, &options, slot->number, UINT32_MAX, "log backward");
	}
	for (uint32_t i = 0; i < run->config.subjects; i++) {
		static struct sim_store_content content;
		uint32_t subject = sim_store_subject(area, i);
		struct sim_store_entry entry = {.subject = subject, .value = 1};

		sim_store_content(&content, &entry, 1);
		options =
			(struct td_read_options){.subjects = &content.address, .subjects_count = 1};
		compare(run, &options, SIM_STORE_NOWHERE, subject, "subject");
		options.backward = true;
		compare(run, &options, SIM_STORE_NOWHERE, subject, "subject backward");
	}
}

static void compare_ways(struct run *run)
{
	for (uint32_t area = 0; area < run->config.logs; area++)
		compare_area(run, area);
}

/* --- limits ------------------------------------------------------------------------------- */

/* What the last limits of a log allow is all that is left of it. */
static void check_limits(struct run *run, uint32_t area)
{
	struct td_error err = TD_ERROR_INIT;
	uint64_t counts[LOGS_MAX * SUBJECTS_MAX] = {0}, all = 0;
	uint32_t log = run->slots[area].number;
	struct td_log_info info;
	size_t count;
	const struct sim_store_event *events = final_events(run, &count);

	if (!run->slots[area].exists)
		return;
	if (td_store_log(run->store, sim_store_log_name(area), 0, &info, &err) != 0) {
		sim_fail(run->world, "log %u: %s", log, err.text);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (events[i].log != log)
			continue;
		all++;
		counts[sim_store_area(events[i].subject) * SUBJECTS_MAX +
			(events[i].subject & 255)]++;
	}
	if (info.count != all)
		sim_fail(run->world, "log %u: says %" PRIu64 " events, and has %" PRIu64, log,
			info.count, all);
	if (info.config->count_max != 0 || info.config->count_per_subject_max != 0 ||
		info.config->age_ms != 0)
		sim_count(run->world, COUNT_RETIRED);
	if (info.config->bytes_max != 0)
		sim_count(run->world, COUNT_BYTES_LIMITED);
	/* Those that refuse what is new keep what they have. */
	if (info.config->discard_new)
		return;
	if (info.config->bytes_max != 0 && info.bytes > info.config->bytes_max)
		sim_fail(run->world, "log %u: %" PRIu64 " bytes; at most %" PRIu64, log, info.bytes,
			info.config->bytes_max);
	if (info.config->count_max != 0 && all > info.config->count_max)
		sim_fail(run->world, "log %u: %" PRIu64 " events; at most %" PRIu64, log, all,
			info.config->count_max);
	for (size_t i = 0; i < LOGS_MAX * SUBJECTS_MAX; i++) {
		if (info.config->count_per_subject_max != 0 &&
			counts[i] > info.config->count_per_subject_max)
			sim_fail(run->world,
				"log %u, subject %zu: %" PRIu64 " events; at most %" PRIu64, log, i,
				counts[i], info.config->count_per_subject_max);
	}
	/* Time has passed since the last append. */
	if (info.config->age_ms != 0 && all > 0)
		sim_fail(run->world, "log %u: %" PRIu64 " events older than %" PRId64 " ms", log,
			all, info.config->age_ms);
}

/* --- what was erased ---------------------------------------------------------------------- */

/* The value that somebody saw, or was told of, there; 0: nobody knows. */
static uint64_t value_at(const struct sim_store_history *history, uint32_t log, uint64_t seq)
{
	for (size_t i = 0; i < history->entries_count; i++) {
		const struct sim_store_entry *entry = &history->entries[i];

		if (entry->log == log && entry->seq == seq && !entry->duplicate &&
			history->appends[entry->append].outcome == SIM_STORE_OK)
			return entry->value;
	}
	for (size_t i = 0; i < history->events_count; i++) {
		if (history->events[i].log == log && history->events[i].seq == seq)
			return history->events[i].value;
	}
	return 0;
}

/* Whether the value may have come more than once, and stand in another log, too, where nobody erased it. */
static bool may_stand_elsewhere(const struct sim_store_history *history, uint64_t value)
{
	unsigned times = 0;

	for (size_t i = 0; i < history->entries_count; i++)
		times += history->entries[i].value == value &&
			 history->appends[history->entries[i].append].outcome != SIM_STORE_FAILED;
	return times > 1;
}

/* Long after, no byte of what was erased is in the store's files. */
static void check_erased(struct run *run)
{
	struct td_buf files = TD_BUF_INIT(SIZE_MAX / 2);
	const struct sim_store_history *history = &run->history;
	char id[40];

	sim_run_files(run, &files);
	sim_run_look_for_sealed(run, td_buf_view(&files));
	for (size_t i = 0; i < history->removals_count && !sim_failed(run->world); i++) {
		const struct sim_store_removal *removal = &history->removals[i];
		uint64_t value = 0;

		if (removal->erase && removal->outcome == SIM_STORE_OK)
			value = value_at(history, removal->log, removal->seq);
		if (value == 0 || may_stand_elsewhere(history, value))
			continue;
		sim_count(run->world, COUNT_ERASED);
		snprintf(id, sizeof(id), "ce-id: %" PRIu64 "\r\n", value);
		if (memmem(files.at, files.len, id, strlen(id)) != NULL)
			sim_fail(run->world,
				"value %" PRIu64 " of log %u, seq %" PRIu64
				", was to be erased, and is on the disk",
				value, removal->log, removal->seq);
	}
	td_buf_fini(&files);
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
	sim_run_readers_end(run);
	sim_run_finish_adopting(run);
	/* What failed waits longer each time, a quarter of an hour at most. */
	for (int i = 0; i < 3 && !sim_failed(run->world); i++) {
		sim_advance_ms(run->world, 1000000);
		sim_run_drain(run);
	}
	if (sim_failed(run->world))
		return;
	td_store_verify(run->store);
	if (sim_chance(run->world, 300))
		check_erased(run);
	sim_run_pass(run, 1, SIZE_MAX, true);
	sim_run_read_told(run);
	sim_run_check_heads(run);
	if (!sim_failed(run->world))
		compare_ways(run);
	if (!sim_failed(run->world) && sim_chance(run->world, 300))
		compare_latests(run);
	for (uint32_t area = 0; area < run->config.logs && !sim_failed(run->world); area++)
		check_limits(run, area);
	if (!sim_failed(run->world) && !sim_store_check(&run->history, &violation))
		sim_fail(run->world, "%s: %s: %s", sim_store_rule_name(violation.rule),
			sim_store_rule_meaning(violation.rule), violation.text);
}
