#include "play.h"

/* --- answers ------------------------------------------------------------------------------ */

static void tell(struct run *run, const struct pending *pending)
{
	enum sim_store_outcome outcome = pending->code == 0 ? SIM_STORE_OK : SIM_STORE_FAILED;

	if (pending->what == ASKED_REMOVAL) {
		sim_store_answer_removal(&run->history, pending->number, outcome);
	} else if (pending->what == ASKED_FORGET) {
		sim_store_answer_forget(&run->history, pending->number, outcome);
	} else if (pending->what == ASKED_ADOPTION) {
		sim_store_answer_adoption(&run->history, pending->number, outcome);
	} else if (pending->what == ASKED_DELETION) {
		sim_store_answer_deletion(&run->history, pending->number, outcome);
	} else {
		run->history.appends[pending->number].conflict = pending->conflict;
		run->history.appends[pending->number].answered_ms = sim_now_ms(run->world);
		sim_store_answer(&run->history, pending->number, outcome);
	}
}

/* Tell what is durable now, in the order in which it was decided. */
void sim_run_tell_durable(struct run *run)
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
	sim_run_settle_logs(run);
	sim_run_note_destroyed(run, false);
}

void sim_run_decided(struct run *run, struct pending pending)
{
	if (pending.rests_on == 0 || pending.rests_on < td_store_durable(run->store))
		tell(run, &pending);
	else
		run->pending[run->pending_count++] = pending;
}

/* --- appends ------------------------------------------------------------------------------ */

static void draw_expectation(struct run *run, struct sim_store_entry *entry)
{
	uint64_t latest = 0;

	for (size_t i = run->history.entries_count; i-- > 0 && latest == 0;) {
		const struct sim_store_entry *other = &run->history.entries[i];

		if (other->subject == entry->subject &&
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
	uint32_t area = (uint32_t)sim_below(world, run->config.logs);
	struct sim_store_entry entry = {
		.value = ++run->values,
		.log = SIM_STORE_NOWHERE,
		.subject =
			sim_store_subject(area, (uint32_t)sim_below(world, run->config.subjects)),
	};

	entry.sealed = sim_run_seals(run, entry.subject);
	if (sim_chance(world, run->config.keys))
		entry.key = sim_chance(world, run->config.windows_end ? 300 : 30) && run->keys > 0
				    ? 1 + sim_below(world, run->keys) /* another's */
				    : ++run->keys;
	if (sim_chance(world, run->config.expects))
		draw_expectation(run, &entry);
	return entry;
}

/* Since when the value may be known; where windows end it is not tried again behind that. */
static int64_t first_tried_ms(const struct run *run, uint64_t value)
{
	for (size_t i = 0; i < run->history.entries_count; i++) {
		const struct sim_store_entry *entry = &run->history.entries[i];

		if (entry->value == value)
			return run->history.appends[entry->append].asked_ms;
	}
	return INT64_MIN / 2;
}

/* An append of before with keys, tried again as it was. */
static size_t draw_retry(struct run *run, struct sim_store_entry *entries)
{
	size_t which = sim_below(run->world, run->history.appends_count);
	const struct sim_store_append *append = &run->history.appends[which];
	size_t count = append->entries_count;

	for (size_t i = 0; i < count; i++) {
		const struct sim_store_entry *before = &run->history.entries[append->entries + i];

		/* As it was, it comes but once: what is known no more comes with another value. */
		if (run->config.windows_end &&
			sim_now_ms(run->world) - first_tried_ms(run, before->value) >=
				run->window_least_ms)
			return 0;
		entries[i] = (struct sim_store_entry){.value = before->value,
			.key = before->key,
			.log = SIM_STORE_NOWHERE,
			.subject = before->subject,
			.sealed = before->sealed,
			.expect = before->expect,
			.revision_expected = before->revision_expected};
		if (before->key == 0 || before->imported)
			return 0;
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

/* Into a log that takes such: with its revision, and from another place perhaps. */
static void import(struct run *run, struct sim_store_entry *entry, struct td_entry *to)
{
	uint32_t into = (uint32_t)sim_below(run->world, run->config.logs);
	uint32_t area = sim_store_area(entry->subject);

	if ((run->config.importing >> into & 1) == 0 || !run->slots[into].exists ||
		(into != area && (into == 0 || entry->sealed || sim_chance(run->world, 800))))
		return;
	entry->imported = to->imported = true;
	to->log = sim_store_log_name(into);
	to->time =
		td_clock_wall(&run->world->clock) - 1000000 * (int64_t)sim_below(run->world, 60000);
	if (sim_chance(run->world, 500))
		to->as_revision = 1 + sim_below(run->world, 4 + run->history.entries_count / 8);
}

#define RECORD_BYTES_MAX 400u /* beside what an event says */

static void to_store(struct run *run, struct sim_store_entry *from,
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
	from->bytes = content->address.len + content->type.len + content->headers.len +
		      content->payload.len + RECORD_BYTES_MAX;
	if (sim_chance(run->world, 300))
		to->log = sim_run_name(run, sim_store_area(from->subject));
}

/* Whether the log had the key before, with another value. */
static bool came_again(const struct run *run, const struct sim_store_entry *entry)
{
	for (size_t i = 0; entry->key != 0 && i < run->history.entries_count; i++) {
		const struct sim_store_entry *before = &run->history.entries[i];

		if (before->key == entry->key && before->log == entry->log &&
			before->value != entry->value && before->seq != 0)
			return true;
	}
	return false;
}

static void placed(struct run *run, size_t number, const struct td_placed *places)
{
	struct sim_store_entry *entries = sim_store_entries(&run->history, number);

	for (size_t i = 0; i < run->history.appends[number].entries_count; i++) {
		entries[i].position = places[i].position;
		entries[i].seq = places[i].seq;
		entries[i].revision = places[i].revision;
		entries[i].duplicate = places[i].duplicate;
		entries[i].log = places[i].log;
		entries[i].time = places[i].time;
		if (places[i].duplicate)
			sim_count(run->world, COUNT_DUPLICATE);
		else if (run->config.windows_end && came_again(run, &entries[i]))
			sim_count(run->world, COUNT_KEY_AGAIN);
	}
	if (entries[0].imported && !places[0].duplicate) {
		run->history.appends[number].asked_ms +=
			(places[0].time - td_clock_wall(&run->world->clock)) / 1000000 - 1;
		sim_count(run->world, COUNT_IMPORTED);
	}
	sim_count(run->world, COUNT_APPENDED);
	if (run->history.appends[number].entries_count > 1)
		sim_count(run->world, COUNT_BATCH);
	if (run->full)
		sim_count(run->world, COUNT_RESUMED);
	run->full = false;
}

static void refused(struct run *run, size_t number, int code, size_t which,
	const struct td_placed *places, uint64_t unread, const char *text)
{
	struct sim_store_append *append = &run->history.appends[number];
	struct sim_store_entry *entry = sim_store_entries(&run->history, number) + which;

	if (code == TD_E_REVISION || code == TD_E_DUPLICATE)
		entry->log = places[which].log;
	if (code == TD_E_REVISION) {
		append->conflict_entry = which;
		append->revision_found = places[which].found;
		sim_count(run->world, COUNT_CONFLICT);
	} else if (code == TD_E_LIMIT) {
		sim_count(run->world, COUNT_DISCARDED);
	} else if (code == TD_E_DUPLICATE) {
		append->other_content = true;
		sim_count(run->world, COUNT_REFUSED_KEY);
	} else if (code == TD_E_FULL) {
		sim_count(run->world, COUNT_FULL_FRAME);
	} else if (code == TD_E_DISK_FULL) {
		run->full = true;
		sim_count(run->world, COUNT_DISK_FULL);
	} else if (code == TD_E_DAMAGED && sim_run_is_unread(run, code, unread)) {
		run->lost = true; /* an index beside a segment: it says to open the store again */
	} else if (!sim_run_is_the_disks(code)) { /* a key was not given */
		sim_fail(run->world, "append: %s", text);
	}
}

void sim_run_append(struct run *run)
{
	struct sim_store_entry entries[ENTRIES_MAX];
	static struct sim_store_content contents[ENTRIES_MAX];
	struct td_entry asked[ENTRIES_MAX];
	struct td_placed places[ENTRIES_MAX] = {0};
	struct td_error err = TD_ERROR_INIT;
	struct pending pending = {0};
	uint64_t unread = run->counts[SIM_DISK_COUNT_READ_EIO];
	size_t count, which = 0;

	if (run->pending_count == PENDING_MAX)
		return;
	count = draw_append(run, entries);
	for (size_t i = 0; i < count; i++)
		to_store(run, &entries[i], &contents[i], &asked[i]);
	if (count == 1 && entries[0].key == 0 && run->config.importing != 0)
		import(run, &entries[0], &asked[0]);
	pending.number = sim_store_ask(&run->history, entries, count);
	/* Its frame may have been begun some time ago, and has one time for all. */
	run->history.appends[pending.number].asked_ms =
		sim_now_ms(run->world) -
		(td_clock_wall(&run->world->clock) -
			td_journal_time(td_store_journal(run->store))) /
			1000000 -
		1;
	pending.code =
		td_store_append(run->store, asked, count, places, &pending.rests_on, &which, &err);
	sim_trace(run->world, "append",
		(uint64_t[]){pending.number, count, (uint64_t)pending.code, places[0].position,
			places[0].seq, places[0].revision, pending.rests_on, entries[0].log,
			entries[0].subject, entries[0].value},
		10);
	if (pending.code == 0)
		placed(run, pending.number, places);
	else
		refused(run, pending.number, pending.code, which, places, unread, err.text);
	/* Of what is imported with its revision, that may be it. */
	pending.conflict = pending.code == TD_E_REVISION && !entries[0].imported;
	if (pending.code == TD_E_DISK)
		return; /* unknown for ever; the handle is given up below */
	sim_run_decided(run, pending);
}

/* --- removals ----------------------------------------------------------------------------- */

void sim_run_remove(struct run *run)
{
	const struct sim_store_entry *entry;
	const struct slot *slot;
	struct td_error err = TD_ERROR_INIT;
	struct pending pending = {.what = ASKED_REMOVAL};
	struct td_removal removal = {.seqs_count = 1, .rule = td_text("request")};
	uint64_t removed = 0, unread = run->counts[SIM_DISK_COUNT_READ_EIO];

	if (run->history.entries_count == 0 || run->pending_count == PENDING_MAX)
		return;
	entry = &run->history.entries[sim_below(run->world, run->history.entries_count)];
	if (run->history.appends[entry->append].outcome != SIM_STORE_OK)
		return;
	slot = sim_run_slot(run, entry->log);
	if (slot == NULL)
		return;
	removal.log = sim_store_log_name((uint32_t)(slot - run->slots));
	removal.seqs = &entry->seq;
	removal.erase = sim_chance(run->world, run->config.erases);
	pending.number =
		sim_store_ask_removal(&run->history, entry->log, entry->seq, removal.erase);
	pending.code = td_store_remove(run->store, &removal, &removed, &pending.rests_on, &err);
	sim_trace(run->world, "remove",
		(uint64_t[]){entry->log, entry->seq, removed, (uint64_t)pending.code}, 4);
	/* What was removed before is not erased later. */
	if (pending.code == 0 && removed == 0) {
		run->history.removals[pending.number].erase = false;
		run->history.removals[pending.number].nothing = true;
	}
	if (pending.code == 0)
		sim_count(run->world, COUNT_REMOVED);
	else if (pending.code == TD_E_DISK)
		return;
	else if (pending.code == TD_E_DAMAGED && sim_run_is_unread(run, pending.code, unread)) {
		/* An index beside a segment was not given: it says to open the store again. */
		sim_run_restart(run);
		return;
	} else if (pending.code != TD_E_FULL && pending.code != TD_E_DISK_FULL)
		sim_fail(run->world, "remove: %s", err.text);
	sim_run_decided(run, pending);
}
