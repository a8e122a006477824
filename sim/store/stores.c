/*
 * One store, on a simulated disk, played in steps of which the dice say what happens: clients append
 * and remove, work of the store is begun, run and brought back in between, somebody reads, time
 * passes, the disk fails, power is cut in the middle of anything, recovery included.
 *
 * All that clients did and saw is a history (history.h), judged at the end by the checker, which
 * knows nothing of disks. Beside it, here, what must hold of the store's other ways of reading: each
 * subject, each log and the latest of each are what the final pass says.
 *
 * Two profiles (reliability.md 3.1) are kept apart: here every fault is one that must not lose
 * anything acknowledged. Damage to what had been durable is damages.c.
 */
#include "stores.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "checker.h"
#include "content.h"
#include "disk/disk.h"
#include "history.h"
#include "store/store.h"

#define LOGS_MAX     4
#define SUBJECTS_MAX 12
#define PENDING_MAX  64
#define ENTRIES_MAX  6
#define PATH         "store"

enum step { APPEND, REMOVE, TASK, READ, TIME, REOPEN, CUT, STEPS };

enum counter {
	COUNT_APPENDED,
	COUNT_BATCH,
	COUNT_DUPLICATE,
	COUNT_CONFLICT,
	COUNT_REFUSED_KEY,
	COUNT_REMOVED,
	COUNT_FULL_FRAME,
	COUNT_DISK_FULL,
	COUNT_RESUMED,
	COUNT_FAILED,
	COUNT_CUT_IN_WORK,
	COUNT_CUT_IN_OPEN,
	COUNT_TORN,
	COUNT_ROLLED,
	COUNT_UNKNOWN,
	COUNT_RETRIED,
	/* What the disk did, of its own counters. */
	COUNT_DISK_FIRST,
	COUNT_DISK_LAST = COUNT_DISK_FIRST + 18,
	COUNTERS,
};

struct config {
	struct td_store_options options;
	struct sim_disk_dice dice;
	uint64_t capacity;
	unsigned logs, subjects, steps;
	size_t payload_max;
	unsigned weights[STEPS];
	unsigned batches, keys, expects, retries, erases, whole_passes; /* in a thousand */
	bool failed_sync_reverts, destroys;
	int64_t step_ms_max;
};

/* An append or removal that is decided and not yet told. */
struct pending {
	bool removal;
	size_t number; /* in the history */
	uint64_t rests_on;
	bool conflict;
	int code;
};

struct run {
	struct sim_world *world;
	struct config config;
	struct sim_disk *disk;
	uint64_t counts[SIM_DISK_COUNTS]; /* of what the disk did */
	struct td_store *store;
	struct sim_store_history history;
	struct pending pending[PENDING_MAX];
	size_t pending_count;
	struct td_chore *out[8]; /* work that is out */
	bool out_ran[8];
	uint64_t out_unread[8]; /* reads that had failed when it was taken out */
	size_t out_count;
	uint64_t values, keys;
	bool full;    /* the last append found the disk full */
	bool cutting; /* the disk does nothing more */
};

/* --- the configuration -------------------------------------------------------------------- */

static unsigned draw_weight(struct sim_world *world, unsigned most)
{
	return sim_chance(world, 300) ? 0 : (unsigned)sim_between(world, 1, most);
}

static void draw_dice(struct sim_world *world, struct sim_disk_dice *dice)
{
	bool quiet = sim_chance(world, 400);

	dice->short_read = draw_weight(world, 50000);
	dice->short_write = draw_weight(world, 50000);
	dice->stall = draw_weight(world, 2000);
	dice->stall_ns_max = sim_between(world, 1, 60000000000);
	if (quiet)
		return;
	dice->write_eio = draw_weight(world, 10000);
	dice->sync_eio = draw_weight(world, 10000);
	dice->sync_dir_eio = draw_weight(world, 60000);
	dice->read_eio = draw_weight(world, 3000);
	dice->name_eio = draw_weight(world, 5000);
	dice->no_space = draw_weight(world, 4000);
	dice->evict = draw_weight(world, 20000);
}

static size_t draw_bytes(struct sim_world *world, unsigned least, unsigned most)
{
	return (size_t)1 << sim_between(world, least, most);
}

static struct config draw_config(struct sim_world *world)
{
	static const unsigned weights[STEPS] = {[APPEND] = 300,
		[REMOVE] = 40,
		[TASK] = 500,
		[READ] = 10,
		[TIME] = 60,
		[REOPEN] = 3,
		[CUT] = 8};
	struct config config = {
		.logs = (unsigned)sim_between(world, 1, LOGS_MAX),
		.subjects = (unsigned)sim_between(world, 1, SUBJECTS_MAX),
		.steps = (unsigned)sim_between(world, 300, 1200),
		.payload_max = draw_bytes(world, 4, 12),
		.batches = draw_weight(world, 400),
		.keys = draw_weight(world, 1000),
		.expects = draw_weight(world, 600),
		.retries = draw_weight(world, 600),
		.erases = draw_weight(world, 500),
		.whole_passes = (unsigned)sim_between(world, 200, 1000),
		.failed_sync_reverts = sim_chance(world, 500),
		.step_ms_max = sim_between(world, 1, sim_chance(world, 500) ? 100 : 30000),
	};
	struct td_journal_options *journal = &config.options.journal;

	journal->segment_bytes_first = draw_bytes(world, 15, 17);
	journal->segment_bytes_max = journal->segment_bytes_first
				     << (unsigned)sim_between(world, 0, 2);
	journal->frame_bytes = draw_bytes(world, 9, 13);
	journal->frame_records = (size_t)sim_between(world, 1, 40);
	journal->append_bytes_max = ENTRIES_MAX * (SIM_STORE_PAYLOAD_MAX + 1000);
	journal->cache_bytes = draw_bytes(world, 12, 17);
	journal->mark_ms = sim_between(world, 1, 100);
	journal->chain_off = sim_chance(world, 300);
	journal->strict = sim_chance(world, 250);
	config.destroys = journal->strict && sim_chance(world, 500);
	config.options.index_bytes = draw_bytes(world, 16, 20);
	for (int i = 0; i < STEPS; i++)
		config.weights[i] = i == APPEND || i == TASK || i == CUT
					    ? (unsigned)sim_between(world, 1, weights[i])
					    : draw_weight(world, weights[i]);
	draw_dice(world, &config.dice);
	if (sim_chance(world, 400))
		config.capacity = (uint64_t)sim_between(world, 100, 800) << 10;
	return config;
}

static void describe(struct sim_world *world, const struct config *config)
{
	const struct td_journal_options *journal = &config->options.journal;

	td_buf_printf(&world->config,
		"%u logs, %u subjects, %u steps, payloads to %zu; segments %zu to %zu, frames %zu "
		"or %zu records, cache %zu, mark %" PRId64 " ms%s%s%s\n",
		config->logs, config->subjects, config->steps, config->payload_max,
		journal->segment_bytes_first, journal->segment_bytes_max, journal->frame_bytes,
		journal->frame_records, journal->cache_bytes, journal->mark_ms,
		journal->chain_off ? ", no chain" : "", journal->strict ? ", strict" : "",
		config->destroys ? ", sectors destroyed" : "");
	td_buf_printf(&world->config,
		"disk: eio %u/%u/%u/%u/%u, no space %u, capacity %" PRIu64
		"; keys %u, batches %u, expects %u, retries %u, erases %u\n",
		config->dice.read_eio, config->dice.write_eio, config->dice.sync_eio,
		config->dice.sync_dir_eio, config->dice.name_eio, config->dice.no_space,
		config->capacity, config->keys, config->batches, config->expects, config->retries,
		config->erases);
}

/* --- answers ------------------------------------------------------------------------------ */

static void tell(struct run *run, const struct pending *pending)
{
	enum sim_store_outcome outcome = pending->code == 0 ? SIM_STORE_OK : SIM_STORE_FAILED;

	if (pending->removal) {
		sim_store_answer_removal(&run->history, pending->number, outcome);
	} else {
		run->history.appends[pending->number].conflict = pending->conflict;
		sim_store_answer(&run->history, pending->number, outcome);
	}
}

/* Tell what is durable now, in the order in which it was decided. */
static void tell_durable(struct run *run)
{
	uint64_t durable = td_store_durable(run->store);
	size_t kept = 0;

	for (size_t i = 0; i < run->pending_count; i++) {
		if (run->pending[i].rests_on < durable)
			tell(run, &run->pending[i]);
		else
			run->pending[kept++] = run->pending[i];
	}
	run->pending_count = kept;
}

static void decided(struct run *run, struct pending pending)
{
	if (pending.rests_on == 0 || pending.rests_on < td_store_durable(run->store))
		tell(run, &pending);
	else
		run->pending[run->pending_count++] = pending;
}

static void drain(struct run *run);

/* --- the life of the handle --------------------------------------------------------------- */

/* What was out is gone with the process, and what was not told will never be. */
static void forget(struct run *run)
{
	for (size_t i = 0; i < run->pending_count; i++)
		sim_count(run->world, COUNT_UNKNOWN);
	run->pending_count = 0;
	run->out_count = 0;
	td_store_abandon(run->store);
	run->store = NULL;
	sim_store_crash(&run->history);
}

/*
 * Sectors are destroyed only where appends write: what recovery zeroes is the last of a write that
 * nobody acknowledged, and where that becomes garbage the next opening refuses, and loses nothing.
 */
static void cut_power(struct run *run, bool destroys)
{
	struct sim_disk_fate fate = {.seed = sim_below(run->world, UINT64_MAX),
		.destroys = destroys && run->config.destroys};

	if (sim_chance(run->world, 250))
		sim_disk_kill(run->disk);
	else
		sim_disk_crash(run->disk, &fate);
}

/* Keys are known for ever, so that one that was used twice is always wrong. */
static int set_log(struct run *run, uint32_t log, struct td_error *err)
{
	struct td_log_config config = {.duplicates_ms = INT64_C(1) << 40};
	struct td_text pattern;
	uint64_t rests_on;

	if (log == 0)
		return td_store_log_set(run->store, sim_store_log_name(log), &config, TD_LOG_CHANGE,
			&rests_on, err);
	pattern = sim_store_log_pattern(log);
	config.subjects = &pattern;
	config.subjects_count = 1;
	return td_store_log_set(
		run->store, sim_store_log_name(log), &config, TD_LOG_CREATE, &rests_on, err);
}

static bool create_logs(struct run *run)
{
	struct td_error err = TD_ERROR_INIT;

	for (uint32_t log = 0; log < run->config.logs; log++) {
		int code = set_log(run, log, &err);

		if (code == TD_E_FULL) {
			drain(run);
			if (td_store_failed(run->store, &err) == 0)
				code = set_log(run, log, &err);
			else
				code = TD_E_DISK;
		}
		if (code == TD_E_DISK || code == TD_E_DISK_FULL)
			return false;
		if (code != 0 && code != TD_E_EXISTS)
			sim_fail(run->world, "log %u: %s", log, err.text);
	}
	drain(run);
	return td_store_failed(run->store, &err) == 0;
}

/* Whether an opening may fail like that: the disk said so. */
static bool is_the_disks(int code)
{
	return code == TD_E_DISK || code == TD_E_DISK_FULL || code == TD_E_SYSTEM;
}

/* Whether reading may fail like that: the disk said so, or did not give what it has. */
static bool is_unread(const struct run *run, int code, uint64_t unread)
{
	return is_the_disks(code) ||
	       (code == TD_E_DAMAGED &&
		       (run->cutting || run->counts[SIM_DISK_COUNT_READ_EIO] > unread));
}

/* Open, as often as it takes; the disk may fail, and power may be cut in it. */
static void open_store(struct run *run)
{
	struct td_recovery report;
	struct td_error err = TD_ERROR_INIT;

	for (unsigned tries = 0; run->store == NULL && !sim_failed(run->world); tries++) {
		bool cut = tries < 4 && sim_chance(run->world, 150);
		uint64_t unread = run->counts[SIM_DISK_COUNT_READ_EIO];
		int code;

		if (tries == 6)
			sim_disk_set_dice(run->disk, NULL), sim_disk_set_capacity(run->disk, 0);
		if (cut)
			sim_disk_freeze_after(run->disk, sim_below(run->world, 30));
		code = td_store_open(&run->store, PATH, &run->config.options, &report, &err);
		if (cut && sim_disk_calls(run->disk, SIM_DISK_CALL_ANY) > 0) {
			if (code == 0)
				td_store_abandon(run->store), run->store = NULL;
			sim_count(run->world, COUNT_CUT_IN_OPEN);
			cut_power(run, false);
			continue;
		}
		if (code != 0) {
			if (!is_unread(run, code, unread) || tries > 8)
				sim_fail(run->world, "open: %s", err.text);
			continue;
		}
		if (report.tail == TD_TAIL_TORN)
			sim_count(run->world, COUNT_TORN);
		if (!create_logs(run))
			forget(run), sim_disk_kill(run->disk);
	}
	sim_disk_set_dice(run->disk, &run->config.dice);
	sim_disk_set_capacity(run->disk, run->config.capacity);
}

/* The store says that it failed, or the disk is frozen: the process ends, and another begins. */
static void restart(struct run *run)
{
	forget(run);
	cut_power(run, true);
	open_store(run);
}

static bool fell(struct run *run)
{
	if (td_store_failed(run->store, NULL) == 0)
		return false;
	sim_count(run->world, COUNT_FAILED);
	restart(run);
	return true;
}

/* --- appends ------------------------------------------------------------------------------ */

static void draw_expectation(struct run *run, struct sim_store_entry *entry)
{
	uint64_t latest = 0;

	for (size_t i = run->history.entries_count; i-- > 0 && latest == 0;) {
		const struct sim_store_entry *other = &run->history.entries[i];

		if (other->log == entry->log && other->subject == entry->subject &&
			run->history.appends[other->append].outcome == SIM_STORE_OK)
			latest = other->revision;
	}
	switch (sim_below(run->world, 5)) {
	case 0:
		entry->expect = SIM_STORE_NONE;
		break;
	case 1:
		entry->expect = SIM_STORE_EXISTS;
		break;
	default:
		entry->revision_expected = latest + sim_below(run->world, 3);
		/* Revision 0 is what NONE asks for. */
		entry->expect = entry->revision_expected == 0 ? SIM_STORE_NONE : SIM_STORE_EXACTLY;
	}
}

static struct sim_store_entry draw_entry(struct run *run)
{
	struct sim_world *world = run->world;
	struct sim_store_entry entry = {
		.value = ++run->values,
		.log = (uint32_t)sim_below(world, run->config.logs),
		.subject = (uint32_t)sim_below(world, run->config.subjects),
	};

	if (sim_chance(world, run->config.keys))
		entry.key = sim_chance(world, 30) && run->keys > 0
				    ? 1 + sim_below(world, run->keys) /* another's */
				    : ++run->keys;
	if (sim_chance(world, run->config.expects))
		draw_expectation(run, &entry);
	return entry;
}

/* An append of before with keys, tried again as it was. */
static size_t draw_retry(struct run *run, struct sim_store_entry *entries)
{
	size_t which = sim_below(run->world, run->history.appends_count);
	const struct sim_store_append *append = &run->history.appends[which];
	size_t count = append->entries_count;

	for (size_t i = 0; i < count; i++) {
		entries[i] = run->history.entries[append->entries + i];
		if (entries[i].key == 0)
			return 0;
		entries[i].duplicate = false;
	}
	sim_count(run->world, COUNT_RETRIED);
	return count;
}

static size_t draw_append(struct run *run, struct sim_store_entry *entries)
{
	size_t count = 0;

	if (run->history.appends_count > 0 && sim_chance(run->world, run->config.retries / 4))
		count = draw_retry(run, entries);
	if (count > 0)
		return count;
	count = 1;
	if (sim_chance(run->world, run->config.batches))
		count += 1 + sim_below(run->world, ENTRIES_MAX - 1);
	for (size_t i = 0; i < count; i++)
		entries[i] = draw_entry(run);
	return count;
}

static void to_store(struct run *run, const struct sim_store_entry *from,
	struct sim_store_content *content, struct td_entry *to)
{
	static const enum td_expect expects[] = {[SIM_STORE_ANY] = TD_EXPECT_ANY,
		[SIM_STORE_NONE] = TD_EXPECT_NONE,
		[SIM_STORE_EXISTS] = TD_EXPECT_EXISTS,
		[SIM_STORE_EXACTLY] = TD_EXPECT_REVISION};

	sim_store_content(content, from, run->config.payload_max);
	*to = (struct td_entry){
		.address = content->address,
		.type = content->type,
		.headers = content->headers,
		.payload = content->payload,
		.key = {content->key[0], content->key[1]},
		.expect = expects[from->expect],
		.revision = from->revision_expected,
	};
	if (sim_chance(run->world, 300))
		to->log = sim_store_log_name(from->log);
}

static void placed(struct run *run, size_t number, const struct td_placed *places)
{
	struct sim_store_entry *entries = sim_store_entries(&run->history, number);

	for (size_t i = 0; i < run->history.appends[number].entries_count; i++) {
		entries[i].position = places[i].position;
		entries[i].seq = places[i].seq;
		entries[i].revision = places[i].revision;
		entries[i].duplicate = places[i].duplicate;
		if (places[i].duplicate)
			sim_count(run->world, COUNT_DUPLICATE);
	}
	sim_count(run->world, COUNT_APPENDED);
	if (run->history.appends[number].entries_count > 1)
		sim_count(run->world, COUNT_BATCH);
	if (run->full)
		sim_count(run->world, COUNT_RESUMED);
	run->full = false;
}

static void refused(struct run *run, size_t number, int code, size_t which,
	const struct td_placed *places, const char *text)
{
	struct sim_store_append *append = &run->history.appends[number];

	if (code == TD_E_REVISION) {
		append->conflict_entry = which;
		append->revision_found = places[which].found;
		sim_count(run->world, COUNT_CONFLICT);
	} else if (code == TD_E_DUPLICATE) {
		sim_count(run->world, COUNT_REFUSED_KEY);
	} else if (code == TD_E_FULL) {
		sim_count(run->world, COUNT_FULL_FRAME);
	} else if (code == TD_E_DISK_FULL) {
		run->full = true;
		sim_count(run->world, COUNT_DISK_FULL);
	} else if (code != TD_E_DISK) {
		sim_fail(run->world, "append: %s", text);
	}
}

static void append(struct run *run)
{
	struct sim_store_entry entries[ENTRIES_MAX];
	static struct sim_store_content contents[ENTRIES_MAX];
	struct td_entry asked[ENTRIES_MAX];
	struct td_placed places[ENTRIES_MAX] = {0};
	struct td_error err = TD_ERROR_INIT;
	struct pending pending = {0};
	size_t count, which = 0;

	if (run->pending_count == PENDING_MAX)
		return;
	count = draw_append(run, entries);
	pending.number = sim_store_ask(&run->history, entries, count);
	for (size_t i = 0; i < count; i++)
		to_store(run, &entries[i], &contents[i], &asked[i]);
	pending.code =
		td_store_append(run->store, asked, count, places, &pending.rests_on, &which, &err);
	sim_trace(run->world, "append",
		(uint64_t[]){pending.number, count, (uint64_t)pending.code, places[0].position,
			places[0].seq, places[0].revision, pending.rests_on},
		7);
	if (pending.code == 0)
		placed(run, pending.number, places);
	else
		refused(run, pending.number, pending.code, which, places, err.text);
	pending.conflict = pending.code == TD_E_REVISION;
	if (pending.code == TD_E_DISK)
		return; /* unknown for ever; the handle is given up below */
	decided(run, pending);
}

/* --- removals ----------------------------------------------------------------------------- */

static void remove_one(struct run *run)
{
	const struct sim_store_entry *entry;
	struct td_error err = TD_ERROR_INIT;
	struct pending pending = {.removal = true};
	struct td_removal removal = {.seqs_count = 1, .rule = td_text("request")};
	uint64_t removed = 0, unread = run->counts[SIM_DISK_COUNT_READ_EIO];

	if (run->history.entries_count == 0 || run->pending_count == PENDING_MAX)
		return;
	entry = &run->history.entries[sim_below(run->world, run->history.entries_count)];
	if (run->history.appends[entry->append].outcome != SIM_STORE_OK)
		return;
	removal.log = sim_store_log_name(entry->log);
	removal.seqs = &entry->seq;
	removal.erase = sim_chance(run->world, run->config.erases);
	pending.number =
		sim_store_ask_removal(&run->history, entry->log, entry->seq, removal.erase);
	pending.code = td_store_remove(run->store, &removal, &removed, &pending.rests_on, &err);
	sim_trace(run->world, "remove",
		(uint64_t[]){entry->log, entry->seq, removed, (uint64_t)pending.code}, 4);
	if (pending.code == 0)
		sim_count(run->world, COUNT_REMOVED);
	else if (pending.code == TD_E_DISK)
		return;
	else if (pending.code == TD_E_DAMAGED && is_unread(run, pending.code, unread)) {
		/* An index beside a segment was not given: it says to open the store again. */
		restart(run);
		return;
	} else if (pending.code != TD_E_FULL && pending.code != TD_E_DISK_FULL)
		sim_fail(run->world, "remove: %s", err.text);
	decided(run, pending);
}

/* --- work --------------------------------------------------------------------------------- */

static void bring_back(struct run *run, size_t which)
{
	struct td_chore *task = run->out[which];
	struct td_error err = TD_ERROR_INIT;
	unsigned kind = td_chore_kind(task);
	uint64_t unread = run->out_unread[which];
	int code;

	run->out_count--;
	run->out[which] = run->out[run->out_count];
	run->out_ran[which] = run->out_ran[run->out_count];
	run->out_unread[which] = run->out_unread[run->out_count];
	code = td_store_done(run->store, task, &err);
	sim_trace(run->world, "done", (uint64_t[]){kind, (uint64_t)code}, 2);
	if (code != 0 && !is_unread(run, code, unread))
		sim_fail(run->world, "work %u: %s", kind, err.text);
	if (td_store_failed(run->store, NULL) == 0)
		tell_durable(run);
}

static void take_out(struct run *run, struct td_chore *task)
{
	run->out[run->out_count] = task;
	run->out_ran[run->out_count] = false;
	run->out_unread[run->out_count++] = run->counts[SIM_DISK_COUNT_READ_EIO];
}

/* Take work out, or run what is out, or bring it back. */
static void work(struct run *run)
{
	size_t which = sim_below(run->world, run->out_count + 1);

	if (which == run->out_count) {
		unsigned kinds = sim_chance(run->world, 500)
					 ? TD_WORK_EVERYTHING
					 : (unsigned)sim_between(run->world, 1, TD_WORK_EVERYTHING);
		struct td_chore *task = td_store_next(run->store, kinds, sim_now_ms(run->world));

		if (task == NULL)
			return;
		TD_ASSERT(run->out_count < sizeof(run->out) / sizeof(run->out[0]));
		take_out(run, task);
	} else if (!run->out_ran[which]) {
		sim_trace(run->world, "run", (uint64_t[]){td_chore_kind(run->out[which])}, 1);
		td_chore_run(run->out[which]);
		run->out_ran[which] = true;
	} else {
		bring_back(run, which);
	}
}

static void drain(struct run *run)
{
	for (unsigned i = 0; run->store != NULL && i < 100000; i++) {
		struct td_chore *task;

		while (run->out_count > 0) {
			if (!run->out_ran[0])
				td_chore_run(run->out[0]);
			bring_back(run, 0);
			if (td_store_failed(run->store, NULL) != 0)
				return;
		}
		task = td_store_next(run->store, TD_WORK_EVERYTHING, sim_now_ms(run->world));
		if (task == NULL)
			return;
		take_out(run, task);
	}
	sim_fail(run->world, "work without end");
}

/* --- reading ------------------------------------------------------------------------------ */

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

static void pass(struct run *run, uint64_t from, size_t most, bool final)
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
	if (code != 0 && code != TD_E_NOT_FOUND && !is_unread(run, code, unread))
		sim_fail(run->world, "read from %" PRIu64 ": %s", from, err.text);
	td_cursor_close(cursor);
}

static void read_some(struct run *run)
{
	bool whole = sim_chance(run->world, run->config.whole_passes);

	pass(run, whole ? 1 : 1 + sim_below(run->world, td_store_durable(run->store)),
		whole ? SIZE_MAX : sim_below(run->world, 50), false);
}

/* --- the end ------------------------------------------------------------------------------ */

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
static void heal(struct run *run)
{
	struct sim_store_violation violation;

	memset(&run->config.dice, 0, sizeof(run->config.dice));
	run->config.capacity = 0;
	sim_disk_set_dice(run->disk, NULL);
	sim_disk_set_capacity(run->disk, 0);
	sim_advance_ms(run->world, 120000);
	for (int i = 0; i < 3; i++) {
		drain(run);
		if (sim_failed(run->world) || fell(run))
			continue;
		append(run);
		drain(run);
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
	pass(run, 1, SIZE_MAX, true);
	if (!sim_failed(run->world))
		compare_ways(run);
	if (!sim_failed(run->world) && !sim_store_check(&run->history, &violation))
		sim_fail(run->world, "%s: %s: %s", sim_store_rule_name(violation.rule),
			sim_store_rule_meaning(violation.rule), violation.text);
}

static void reopen(struct run *run)
{
	struct td_error err = TD_ERROR_INIT;
	int code;

	drain(run);
	if (fell(run))
		return;
	code = td_store_close(run->store, &err);
	run->store = NULL;
	sim_trace(run->world, "close", (uint64_t[]){(uint64_t)code}, 1);
	if (code != 0 && !is_the_disks(code))
		sim_fail(run->world, "close: %s", err.text);
	run->pending_count = 0;
	sim_store_crash(&run->history);
	if (code != 0)
		cut_power(run, true);
	open_store(run);
}

/* Power goes after some more changes to the disk, in the middle of whatever is being done then. */
static void cut(struct run *run)
{
	uint64_t until = 1 + sim_below(run->world, 12);

	sim_disk_freeze_after(run->disk, until);
	run->cutting = true;
	for (unsigned i = 0; i < 40 && run->store != NULL; i++) {
		if (sim_chance(run->world, 300))
			append(run);
		work(run);
		if (td_store_failed(run->store, NULL) != 0)
			break;
	}
	sim_count(run->world, COUNT_CUT_IN_WORK);
	run->cutting = false;
	restart(run);
	if (run->store != NULL && sim_chance(run->world, 500))
		pass(run, 1, SIZE_MAX, false);
}

/* Time passes, and where there is an end to the disk, somebody else fills it or makes room. */
static void let_time_pass(struct run *run)
{
	sim_advance_ms(
		run->world, sim_between(run->world, 0, run->full ? 2000 : run->config.step_ms_max));
	if (run->config.capacity != 0)
		sim_disk_set_capacity(
			run->disk, sim_chance(run->world, 500) ? 0 : run->config.capacity);
}

static enum step draw_step(struct run *run)
{
	unsigned sum = 0, at;

	for (int i = 0; i < STEPS; i++)
		sum += run->config.weights[i];
	at = (unsigned)sim_below(run->world, sum);
	for (int i = 0; i < STEPS; i++) {
		if (at < run->config.weights[i])
			return (enum step)i;
		at -= run->config.weights[i];
	}
	return TASK;
}

static void step(struct run *run)
{
	switch (draw_step(run)) {
	case APPEND:
		append(run);
		break;
	case REMOVE:
		remove_one(run);
		break;
	case READ:
		read_some(run);
		break;
	case TIME:
		let_time_pass(run);
		break;
	case REOPEN:
		reopen(run);
		break;
	case CUT:
		cut(run);
		break;
	case TASK:
	case STEPS:
	default:
		work(run);
		break;
	}
	if (run->store != NULL && !sim_failed(run->world))
		fell(run);
}

static void count_segments(struct run *run)
{
	struct td_store_status status;

	td_store_status(run->store, &status);
	if (status.journal.segments > 1)
		sim_count(run->world, COUNT_ROLLED);
}

/* What must happen to the disk in this profile. */
static const enum sim_disk_count disk_counts[] = {SIM_DISK_COUNT_READ_EIO, SIM_DISK_COUNT_WRITE_EIO,
	SIM_DISK_COUNT_SYNC_EIO, SIM_DISK_COUNT_SYNC_LOST, SIM_DISK_COUNT_SYNC_DIR_EIO,
	SIM_DISK_COUNT_NAME_EIO, SIM_DISK_COUNT_NO_SPACE, SIM_DISK_COUNT_SHORT_READ,
	SIM_DISK_COUNT_SHORT_WRITE, SIM_DISK_COUNT_STALL, SIM_DISK_COUNT_KILL, SIM_DISK_COUNT_CRASH,
	SIM_DISK_COUNT_KEPT, SIM_DISK_COUNT_LOST, SIM_DISK_COUNT_TORN, SIM_DISK_COUNT_REORDERED,
	SIM_DISK_COUNT_NAME_LOST, SIM_DISK_COUNT_DESTROYED, SIM_DISK_COUNT_EVICT};

#define DISK_COUNTS (sizeof(disk_counts) / sizeof(disk_counts[0]))
_Static_assert(COUNTERS == COUNT_DISK_FIRST + DISK_COUNTS, "each has its counter");

static void play(struct sim_world *world)
{
	struct run run = {.world = world, .history = SIM_STORE_HISTORY_INIT};
	struct sim_disk_options disk = {.world = world, .counts = run.counts};

	run.config = draw_config(world);
	describe(world, &run.config);
	td_rng_init(&disk.rng, sim_below(world, UINT64_MAX));
	disk.failed_sync_reverts = run.config.failed_sync_reverts;
	run.disk = sim_disk_new(&disk);
	run.config.options.journal.disk = sim_disk_table(run.disk);
	run.config.options.journal.clock = &world->clock;
	run.config.options.journal.random = &world->random;
	run.config.options.journal.create = true;
	open_store(&run);
	for (unsigned i = 0; i < run.config.steps && !sim_failed(world) && run.store != NULL; i++)
		step(&run);
	if (!sim_failed(world))
		count_segments(&run);
	if (!sim_failed(world))
		heal(&run);
	td_store_abandon(run.store);
	sim_disk_free(run.disk);
	sim_store_history_fini(&run.history);
	for (size_t i = 0; i < DISK_COUNTS; i++)
		world->counts[COUNT_DISK_FIRST + i] += run.counts[disk_counts[i]];
}

static const char *const counters[COUNTERS] = {
	[COUNT_APPENDED] = "appends accepted",
	[COUNT_BATCH] = "appends of several",
	[COUNT_DUPLICATE] = "duplicates",
	[COUNT_CONFLICT] = "refused for the revision",
	[COUNT_REFUSED_KEY] = "refused for a key used before",
	[COUNT_REMOVED] = "removals",
	[COUNT_FULL_FRAME] = "frames full",
	[COUNT_DISK_FULL] = "appends refused by a full disk",
	[COUNT_RESUMED] = "... and accepted again",
	[COUNT_FAILED] = "stores failed",
	[COUNT_CUT_IN_WORK] = "power cut in the middle of work",
	[COUNT_CUT_IN_OPEN] = "power cut while opening",
	[COUNT_TORN] = "torn tails",
	[COUNT_ROLLED] = "worlds with several segments",
	[COUNT_UNKNOWN] = "answers that never came",
	[COUNT_RETRIED] = "appends tried again",
	[COUNT_DISK_FIRST + 0] = "disk: reads failed",
	[COUNT_DISK_FIRST + 1] = "disk: writes failed",
	[COUNT_DISK_FIRST + 2] = "disk: syncs failed",
	[COUNT_DISK_FIRST + 3] = "disk: sectors lost by a failed sync",
	[COUNT_DISK_FIRST + 4] = "disk: directory syncs failed",
	[COUNT_DISK_FIRST + 5] = "disk: other calls failed",
	[COUNT_DISK_FIRST + 6] = "disk: calls without space",
	[COUNT_DISK_FIRST + 7] = "disk: reads cut short",
	[COUNT_DISK_FIRST + 8] = "disk: writes cut short",
	[COUNT_DISK_FIRST + 9] = "disk: stalls",
	[COUNT_DISK_FIRST + 10] = "disk: processes killed",
	[COUNT_DISK_FIRST + 11] = "disk: crashes",
	[COUNT_DISK_FIRST + 12] = "disk: unsynced sectors kept",
	[COUNT_DISK_FIRST + 13] = "disk: unsynced sectors lost",
	[COUNT_DISK_FIRST + 14] = "disk: writes torn",
	[COUNT_DISK_FIRST + 15] = "disk: later writes kept without earlier ones",
	[COUNT_DISK_FIRST + 16] = "disk: unsynced names lost",
	[COUNT_DISK_FIRST + 17] = "disk: sectors destroyed while rewritten",
	[COUNT_DISK_FIRST + 18] = "disk: caches emptied",
};

const struct sim_kind sim_stores = {
	.name = "stores",
	.play = play,
	.counters = counters,
	.counters_count = COUNTERS,
};
