#include "proof/script.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "store/checker.h"
#include "store/content.h"

#define WINDOW_MS 1000 /* of duplicates */

void sim_script_init(struct sim_script *script, struct sim_disk *disk)
{
	struct td_journal_options *journal = &script->options.journal;

	*script = (struct sim_script){
		.disk = disk, .history = SIM_STORE_HISTORY_INIT, .err = TD_ERROR_INIT};
	sim_world_init(&script->world, NULL, 1, NULL);
	journal->disk = sim_disk_table(disk);
	journal->clock = &script->world.clock;
	journal->random = &script->world.random;
	journal->segment_bytes_first = 16 << 10;
	journal->segment_bytes_max = 32 << 10;
	journal->frame_bytes = 8 << 10;
	journal->append_bytes_max = SIM_SCRIPT_ENTRIES * (SIM_SCRIPT_PAYLOAD + 400);
	journal->cache_bytes = 64 << 10;
	journal->create = true;
	script->options.index_bytes = 1 << 20;
}

void sim_script_drop(struct sim_script *script)
{
	td_store_abandon(script->store);
	script->store = NULL;
	script->pending_count = 0;
	sim_store_crash(&script->history);
}

void sim_script_fini(struct sim_script *script)
{
	td_store_abandon(script->store);
	sim_store_history_fini(&script->history);
	sim_world_fini(&script->world);
}

/* --- answers ------------------------------------------------------------------------------ */

static void tell_durable(struct sim_script *script)
{
	uint64_t durable = td_store_durable(script->store);
	size_t kept = 0;

	for (size_t i = 0; i < script->pending_count; i++) {
		const struct sim_script_pending *pending = &script->pending[i];

		if (pending->rests_on >= durable)
			script->pending[kept++] = *pending;
		else if (pending->removal)
			sim_store_answer_removal(&script->history, pending->number, SIM_STORE_OK);
		else
			sim_store_answer(&script->history, pending->number, SIM_STORE_OK);
	}
	script->pending_count = kept;
}

static void decided(struct sim_script *script, struct sim_script_pending pending)
{
	TD_ASSERT(script->pending_count < SIM_SCRIPT_PENDING);
	script->pending[script->pending_count++] = pending;
	tell_durable(script);
}

/* --- work --------------------------------------------------------------------------------- */

static int work(struct sim_script *script, unsigned kinds)
{
	for (unsigned i = 0; i < 10000; i++) {
		struct td_chore *chore =
			td_store_next(script->store, kinds, sim_now_ms(&script->world));
		int code;

		if (chore == NULL)
			return 0;
		td_chore_run(chore);
		code = td_store_done(script->store, chore, &script->err);
		if (td_store_failed(script->store, NULL) == 0)
			tell_durable(script);
		/* What is prepared ahead is tried again later. */
		if (code != 0 && code != TD_E_DISK_FULL)
			return code;
	}
	TD_UNREACHABLE(); /* work without end */
}

int sim_script_turn(struct sim_script *script)
{
	return work(script, TD_WORK_EVERYTHING);
}

int sim_script_idle(struct sim_script *script, int64_t ms)
{
	sim_advance_ms(&script->world, ms);
	return sim_script_turn(script);
}

int sim_script_roll(struct sim_script *script)
{
	td_journal_roll(td_store_journal(script->store));
	return sim_script_append(script, 0, 0, 1);
}

/* --- logs --------------------------------------------------------------------------------- */

/* A full frame is committed first. */
static int set_log(
	struct sim_script *script, uint32_t log, const struct td_log_config *like, unsigned change)
{
	struct td_log_config config = *like;
	struct td_text pattern;
	uint64_t rests_on;
	int code;

	config.duplicates_ms = WINDOW_MS;
	if (log > 0) {
		pattern = sim_store_log_pattern(log);
		config.subjects = &pattern;
		config.subjects_count = 1;
	}
	for (unsigned tries = 0; tries < 2; tries++) {
		code = td_store_log_set(script->store, sim_store_log_name(log), &config, change,
			&rests_on, &script->err);
		if (code != TD_E_FULL)
			break;
		code = sim_script_turn(script);
		if (code != 0)
			break;
	}
	return code;
}

int sim_script_change(struct sim_script *script, uint32_t log)
{
	return set_log(script, log, &(struct td_log_config){.count_max = 1000000}, TD_LOG_CHANGE);
}

static int make_logs(struct sim_script *script)
{
	int code = 0;

	if (td_store_log(script->store, sim_store_log_name(0), 0, &(struct td_log_info){0}, NULL) ==
		0)
		code = set_log(script, 0, &(struct td_log_config){0}, TD_LOG_CHANGE);
	for (uint32_t log = 1; code == 0 && log <= 2; log++)
		code = set_log(
			script, log, &(struct td_log_config){0}, TD_LOG_CREATE | TD_LOG_CHANGE);
	return code == 0 ? sim_script_turn(script) : code;
}

int sim_script_open(struct sim_script *script)
{
	int code = td_store_open(
		&script->store, SIM_SCRIPT_PATH, &script->options, &script->report, &script->err);

	/* An opening that was cut short may not have come so far. */
	if (code == 0 && !script->has_logs)
		code = make_logs(script);
	script->has_logs |= code == 0;
	return code;
}

int sim_script_close(struct sim_script *script)
{
	int code = sim_script_turn(script);

	if (code != 0)
		return code;
	code = td_store_close(script->store, &script->err);
	script->store = NULL;
	return code;
}

/* The number of the log that has an area, as somebody was told. */
static uint32_t number_of(struct sim_script *script, uint32_t area)
{
	struct td_log_info info;

	if (script->numbers[area] == 0 &&
		td_store_log(script->store, sim_store_log_name(area), 0, &info, &script->err) == 0)
		script->numbers[area] = info.number;
	return script->numbers[area];
}

int sim_script_delete(struct sim_script *script, uint32_t log)
{
	size_t number = sim_store_ask_deletion(&script->history, number_of(script, log));
	uint64_t rests_on;
	int code = td_store_log_delete(
		script->store, sim_store_log_name(log), &rests_on, &script->err);

	script->numbers[log] = 0;
	if (code == 0)
		code = sim_script_turn(script);
	if (code == 0)
		sim_store_answer_deletion(&script->history, number, SIM_STORE_OK);
	return code;
}

int sim_script_adopt(struct sim_script *script, uint32_t log)
{
	size_t number = sim_store_ask_adoption(&script->history, number_of(script, 0), log);
	const struct td_log_config config = {0};
	uint64_t durable = td_store_durable(script->store);
	int code;

	do {
		code = set_log(script, log, &config, TD_LOG_CREATE | TD_LOG_ADOPT);
		if (code == TD_E_FULL)
			code = sim_script_turn(script) == 0 ? TD_E_FULL : TD_E_DISK;
	} while (code == TD_E_FULL);
	if (code == 0)
		code = sim_script_turn(script);
	if (code != 0)
		return code;
	TD_ASSERT(td_store_durable(script->store) > durable);
	script->history.adoptions[number].log = number_of(script, log);
	script->history.adoptions[number].position = td_store_durable(script->store);
	sim_store_answer_adoption(&script->history, number, SIM_STORE_OK);
	return 0;
}

static bool was_told_of(const struct sim_script *script, uint32_t number)
{
	for (size_t i = 0; i < script->history.adoptions_count; i++) {
		if (script->history.adoptions[i].outcome == SIM_STORE_OK &&
			script->history.adoptions[i].log == number)
			return true;
	}
	return false;
}

/* What nobody was told of was made, or not: its log is there then. */
static void look_for_adopted(struct sim_script *script)
{
	for (size_t i = 0; i < script->history.adoptions_count; i++) {
		struct sim_store_adoption *adoption = &script->history.adoptions[i];
		struct td_log_info info;

		if (adoption->outcome == SIM_STORE_OK)
			continue;
		adoption->outcome = SIM_STORE_FAILED;
		if (td_store_log(script->store, sim_store_log_name(adoption->area), 0, &info,
			    NULL) != 0 ||
			was_told_of(script, info.number))
			continue;
		adoption->outcome = SIM_STORE_UNKNOWN;
		adoption->log = info.number;
	}
}

/* --- events ------------------------------------------------------------------------------- */

static void fill(const struct sim_store_entry *entries, struct sim_store_content *contents,
	struct td_entry *asked, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		sim_store_content(&contents[i], &entries[i], SIM_SCRIPT_PAYLOAD);
		asked[i] = (struct td_entry){
			.address = contents[i].address,
			.type = contents[i].type,
			.headers = contents[i].headers,
			.payload = contents[i].payload,
			.key = {contents[i].key[0], contents[i].key[1]},
		};
	}
}

int sim_script_append(struct sim_script *script, uint32_t log, uint32_t subject, unsigned count)
{
	struct sim_store_entry entries[SIM_SCRIPT_ENTRIES] = {0}, *kept;
	static struct sim_store_content contents[SIM_SCRIPT_ENTRIES];
	struct td_entry asked[SIM_SCRIPT_ENTRIES];
	struct td_placed places[SIM_SCRIPT_ENTRIES];
	struct sim_script_pending pending = {0};
	int code;

	TD_ASSERT(count <= SIM_SCRIPT_ENTRIES);
	for (unsigned i = 0; i < count; i++) {
		script->values++;
		entries[i] = (struct sim_store_entry){.value = script->values,
			.key = script->values,
			.log = SIM_STORE_NOWHERE,
			.subject = sim_store_subject(
				i > 0 && i == count - 1 ? (log + 1) % 3 : log, subject + i)};
	}
	fill(entries, contents, asked, count);
	pending.number = sim_store_ask(&script->history, entries, count);
	code = td_store_append(
		script->store, asked, count, places, &pending.rests_on, NULL, &script->err);
	if (code == TD_E_FULL) {
		code = sim_script_turn(script);
		if (code == 0)
			code = td_store_append(script->store, asked, count, places,
				&pending.rests_on, NULL, &script->err);
	}
	if (code == TD_E_DISK_FULL)
		sim_store_answer(&script->history, pending.number, SIM_STORE_FAILED);
	if (code != 0)
		return code;
	kept = sim_store_entries(&script->history, pending.number);
	for (unsigned i = 0; i < count; i++) {
		kept[i].position = places[i].position;
		kept[i].seq = places[i].seq;
		kept[i].revision = places[i].revision;
		kept[i].duplicate = places[i].duplicate;
		kept[i].log = places[i].log;
		kept[i].time = places[i].time;
	}
	decided(script, pending);
	return 0;
}

int sim_script_remove(struct sim_script *script, uint32_t log, uint64_t seq, bool erase)
{
	struct td_removal removal = {.log = sim_store_log_name(log),
		.seqs = &seq,
		.seqs_count = 1,
		.erase = erase,
		.rule = td_text("request")};
	struct sim_script_pending pending = {.removal = true};
	uint64_t removed;
	int code;

	pending.number =
		sim_store_ask_removal(&script->history, number_of(script, log), seq, erase);
	code = td_store_remove(script->store, &removal, &removed, &pending.rests_on, &script->err);
	if (code == TD_E_FULL) {
		code = sim_script_turn(script);
		if (code == 0)
			code = td_store_remove(
				script->store, &removal, &removed, &pending.rests_on, &script->err);
	}
	if (code == 0)
		decided(script, pending);
	return code;
}

/* --- reading ------------------------------------------------------------------------------ */

static void see(struct sim_script *script, const struct td_stored *stored)
{
	static struct sim_store_content content;
	struct sim_store_entry entry = {0};
	struct sim_store_event event = {.position = stored->position,
		.seq = stored->seq,
		.revision = stored->revision,
		.log = stored->log,
		.time = stored->time};

	if (sim_store_content_read(stored, &entry)) {
		sim_store_content(&content, &entry, SIM_SCRIPT_PAYLOAD);
		event.subject = entry.subject;
		event.value = entry.value;
		event.intact = td_text_equal(content.address, stored->address) &&
			       td_text_equal(content.type, stored->type) &&
			       td_text_equal(content.headers, stored->headers) &&
			       td_text_equal(content.payload, stored->payload);
	}
	sim_store_pass_see(&script->history, &event);
}

/* The latest of a subject, read by its address: what the pass saw last of it. */
static int check_latest(
	struct sim_script *script, const struct sim_store_event *last, struct td_buf *buf)
{
	static struct sim_store_content content;
	const struct sim_store_entry entry = {.subject = last->subject, .value = 1};
	const struct td_text any = {NULL, 0};
	struct td_stored stored;
	int code;

	sim_store_content(&content, &entry, 1);
	code = td_store_latest(script->store, any, content.address, &stored, buf, &script->err);
	if (code == 0 && stored.position != last->position)
		code = td_error_set(&script->err, TD_E_INVALID, TD_NO_OFFSET,
			"latest of %.*s: position %" PRIu64 ", and a pass saw %" PRIu64,
			TD_TEXT_ARG(content.address), stored.position, last->position);
	return code;
}

static int check_latests(struct sim_script *script)
{
	const struct sim_store_pass *pass =
		&script->history.passes[script->history.passes_count - 1];
	const struct sim_store_event *events =
		pass->events_count > 0 ? script->history.events + pass->events : NULL;
	struct td_buf buf = TD_BUF_INIT(1 << 20);
	struct td_map seen = TD_MAP_INIT;
	int code = 0;

	for (size_t i = pass->events_count; code == 0 && i-- > 0;) {
		uint64_t subject = (uint64_t)events[i].log << 32 | (events[i].subject + 1);

		if (td_map_get(&seen, subject) != NULL)
			continue;
		TD_ASSERT(td_map_put(&seen, subject, &seen));
		code = check_latest(script, &events[i], &buf);
	}
	td_map_fini(&seen);
	td_buf_fini(&buf);
	return code;
}

int sim_script_read(struct sim_script *script)
{
	struct td_read_options options = {0};
	struct td_cursor *cursor;
	struct td_stored stored;
	int code = td_store_read(&cursor, script->store, &options, &script->err);

	if (code != 0)
		return code;
	look_for_adopted(script);
	sim_store_pass_begin(&script->history, 1);
	while ((code = td_cursor_next(cursor, &stored, &script->err)) == 0)
		see(script, &stored);
	sim_store_pass_end(&script->history, code == TD_E_NOT_FOUND, true);
	td_cursor_close(cursor);
	if (code != TD_E_NOT_FOUND)
		return code;
	td_store_verify(script->store);
	return check_latests(script);
}

uint64_t sim_script_seen(const struct sim_script *script)
{
	const struct sim_store_pass *pass =
		&script->history.passes[script->history.passes_count - 1];
	uint64_t hash = pass->events_count;

	for (size_t i = 0; i < pass->events_count; i++) {
		const struct sim_store_event *event = &script->history.events[pass->events + i];

		hash = td_hash_u64(hash ^ event->position);
		hash = td_hash_u64(hash ^ event->seq);
		hash = td_hash_u64(hash ^ event->revision);
		hash = td_hash_u64(hash ^ (event->value * 2 + event->intact));
	}
	return hash;
}

bool sim_script_judge(struct sim_script *script)
{
	struct sim_store_violation violation;

	if (sim_store_check(&script->history, &violation))
		return true;
	td_error_set(&script->err, TD_E_INVALID, TD_NO_OFFSET, "%s: %s: %s",
		sim_store_rule_name(violation.rule), sim_store_rule_meaning(violation.rule),
		violation.text);
	return false;
}

struct sim_script_moment sim_script_moment(const struct sim_script *script)
{
	const struct sim_store_history *history = &script->history;

	return (struct sim_script_moment){history->passes_count, history->events_count,
		history->crashes_count, history->moment, script->has_logs};
}

void sim_script_back(struct sim_script *script, struct sim_script_moment moment)
{
	struct sim_store_history *history = &script->history;

	history->passes_count = moment.passes;
	history->events_count = moment.events;
	history->crashes_count = moment.crashes;
	history->moment = moment.moment;
	script->has_logs = moment.has_logs;
}
