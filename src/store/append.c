/*
 * Appending: decide against staged state, all or none, then stage.
 *
 *	prepare   form, log, hashes; asks for the memory that is looked at next, a few entries ahead
 *	gates
 *	decide    duplicates; then revision, limits, seq ... of each, noted at once in the index
 *	room      in the frame, the runs
 *	stage     records, lines: cannot fail
 *
 * What decide() noted is taken back where it, or room, refuses. Under the lock from decide() on.
 */
#include "store/private.h"

#include <stdlib.h>

#define BLOCK 8u /* entries whose memory is asked for together */

int td_store_plans(struct td_store *store, size_t count, struct td_error *err)
{
	struct td_plan *grown;

	if (count <= store->plans_cap)
		return 0;
	grown = realloc(store->plans, count * sizeof(*grown));
	if (grown == NULL)
		return td_error_nomem(err);
	store->plans = grown;
	store->plans_cap = count;
	return 0;
}

struct td_fallen td_store_live(const struct td_store *store, uint32_t ref)
{
	const struct td_subject *subject = td_subject_at(&store->subjects, ref);

	if (store->fallen.count > 0 && subject->position != TD_POSITION_STAGING) {
		const struct td_fallen *fallen = td_map_get(&store->fallen, ref);

		if (fallen != NULL)
			return *fallen;
	}
	return (struct td_fallen){subject->position, subject->seq, subject->revision};
}

/* --- prepare ------------------------------------------------------------------------------ */

static int check_form(
	const struct td_store *store, const struct td_entry *entry, struct td_error *err)
{
	if (entry->payload.len > store->payload_bytes_max)
		return td_error_set(err, TD_E_TOO_LARGE, TD_NO_OFFSET,
			"payload: %zu bytes, at most %zu", entry->payload.len,
			store->payload_bytes_max);
	if (entry->headers.len > TD_HEADER_BYTES_MAX)
		return td_error_set(err, TD_E_TOO_LARGE, TD_NO_OFFSET,
			"headers: %zu bytes, at most %u", entry->headers.len, TD_HEADER_BYTES_MAX);
	if (entry->type.len > TD_TYPE_BYTES_MAX)
		return td_error_set(err, TD_E_TOO_LARGE, TD_NO_OFFSET,
			"type: %zu bytes, at most %u", entry->type.len, TD_TYPE_BYTES_MAX);
	if (entry->server.len > 0 && !td_server_check(entry->server))
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "malformed server block");
	return 0;
}

static bool begins_with(struct td_text text, const char *with)
{
	size_t len = strlen(with);

	return text.len >= len && memcmp(text.at, with, len) == 0;
}

/* The log of an address that was not seen before. */
static int resolve(const struct td_store *store, const struct td_entry *entry, struct td_log **out,
	struct td_error *err)
{
	struct td_text address = entry->address;
	struct td_log *log, *claiming;
	int code = td_address_check(address, err);

	if (code != 0)
		return td_error_wrap(err, code, "address %.*s", TD_TEXT_ARG(address));
	claiming = td_logs_claiming(&store->logs, address);
	log = claiming != NULL ? claiming : store->events;
	if (entry->log.at != NULL) {
		log = td_logs_find(&store->logs, entry->log);
		if (log == NULL)
			return td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET, "log %.*s",
				TD_TEXT_ARG(entry->log));
		if (log != claiming && log != store->control && !log->config.importing &&
			(log != store->events || claiming != NULL))
			return td_error_set(err, TD_E_SUBJECT, TD_NO_OFFSET,
				"log %s does not claim %.*s", log->name, TD_TEXT_ARG(address));
		if (log != claiming && (log != store->events || claiming != NULL))
			log->stray = true;
	}
	if (log == NULL)
		return td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET, "no log claims %.*s",
			TD_TEXT_ARG(address));
	if (log == store->events && (begins_with(address, "$") || begins_with(address, "_INBOX.")))
		return td_error_set(err, TD_E_SUBJECT, TD_NO_OFFSET,
			"%.*s: no log claims it, and %s does not keep such", TD_TEXT_ARG(address),
			TD_LOG_EVENTS);
	*out = log;
	return 0;
}

/* An address that is in the table was checked, and is where it belongs. */
static int find_subject(const struct td_store *store, const struct td_entry *entry,
	struct td_plan *plan, struct td_error *err)
{
	int code;

	plan->ref = TD_SUBJECT_NONE;
	if (entry->log.at == NULL) {
		plan->ref =
			td_subjects_find(&store->subjects, plan->hash, entry->address, TD_LOG_ANY);
		if (plan->ref != TD_SUBJECT_NONE) {
			plan->log = store->logs.at[td_subject_at(&store->subjects, plan->ref)->log];
			if (!plan->log->stray || TD_BUG(258))
				return 0;
		}
	}
	code = resolve(store, entry, &plan->log, err);
	if (code == 0)
		plan->ref = td_subjects_find(
			&store->subjects, plan->hash, entry->address, plan->log->index);
	return code;
}

/* What duplicates of it are known by; 0: nothing. */
static uint64_t key_of(const struct td_store *store, const struct td_entry *entry)
{
	return entry->key[0].at == NULL && entry->key[1].at == NULL
		       ? 0
		       : td_duplicate_key(store->top_seed, entry->key[0], entry->key[1]);
}

static void hash_key(
	const struct td_store *store, const struct td_entry *entry, struct td_plan *plan)
{
	plan->key = plan->log->config.duplicates_ms < 0 ? 0 : key_of(store, entry);
	if (plan->key == 0)
		return;
	plan->digest =
		td_duplicate_digest(store->seed, entry->type, entry->address, entry->payload);
	td_duplicates_want(&plan->log->duplicates, plan->key);
}

static int prepare_one(struct td_store *store, const struct td_entry *entry, struct td_plan *plan,
	struct td_error *err)
{
	int code = check_form(store, entry, err);

	if (code == 0)
		code = find_subject(store, entry, plan, err);
	if (code == 0 && entry->imported && !plan->log->config.importing && !store->adopts)
		code = td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "log %s is not importing",
			plan->log->name);
	if (code != 0)
		return code;
	hash_key(store, entry, plan);
	plan->bytes = TD_EVENT_FIXED_BYTES + entry->address.len + entry->type.len +
		      entry->server.len + entry->headers.len + entry->payload.len;
	plan->sealed = TD_UNLIKELY(plan->log->config.erasable_count > 0) && !entry->erased &&
		       td_seal_is_wanted(plan->log, entry->address);
	return plan->sealed ? td_seal_plan(store, entry, plan, err) : 0;
}

/* The slots of a block of entries. */
static void want_slots(
	const struct td_store *store, const struct td_entry *entries, size_t from, size_t count)
{
	for (size_t i = from; i < from + BLOCK && i < count; i++) {
		store->plans[i].hash = td_subjects_hash(&store->subjects, entries[i].address);
		td_subjects_want(&store->subjects, store->plans[i].hash);
	}
}

/* Their subjects, by the slots. */
static void want_subjects(const struct td_store *store, size_t from, size_t count)
{
	for (size_t i = from; i < from + BLOCK && i < count; i++)
		td_subjects_want_entry(&store->subjects, store->plans[i].hash);
}

/* What is looked at lies anywhere in memory: it is asked for two blocks ahead, then one. */
static int prepare(struct td_store *store, const struct td_entry *entries, size_t count,
	size_t *which, struct td_error *err)
{
	want_slots(store, entries, 0, count);
	want_slots(store, entries, BLOCK, count);
	want_subjects(store, 0, count);
	for (size_t i = 0; i < count; i++) {
		int code;

		if (i % BLOCK == 0) {
			want_slots(store, entries, i + 2 * BLOCK, count);
			want_subjects(store, i + BLOCK, count);
		}
		code = prepare_one(store, &entries[i], &store->plans[i], err);
		if (code != 0) {
			*which = i;
			return code;
		}
	}
	return 0;
}

/* What the key is looked for in, of an address that is known by now. */
static void want_key(const struct td_store *store, const struct td_entry *entry, uint64_t hash)
{
	uint64_t key = key_of(store, entry);
	uint32_t ref;

	if (key == 0)
		return;
	ref = td_subjects_find(&store->subjects, hash, entry->address, TD_LOG_ANY);
	if (ref == TD_SUBJECT_NONE)
		return;
	td_duplicates_want(
		&store->logs.at[td_subject_at(&store->subjects, ref)->log]->duplicates, key);
}

void td_store_want(const struct td_store *store, const struct td_entry *entries, size_t count)
{
	uint64_t hashes[3 * BLOCK] = {0};

	for (size_t i = 0; i < count + 2 * BLOCK; i++) {
		size_t at = i % (3 * BLOCK), entry = (i + 2 * BLOCK) % (3 * BLOCK);

		if (i >= BLOCK && i < count + BLOCK)
			td_subjects_want_entry(&store->subjects, hashes[entry]);
		if (i >= 2 * BLOCK)
			want_key(store, &entries[i - 2 * BLOCK], hashes[(i + BLOCK) % (3 * BLOCK)]);
		if (i < count) {
			hashes[at] = td_subjects_hash(&store->subjects, entries[i].address);
			td_subjects_want(&store->subjects, hashes[at]);
		}
	}
}

/* --- decide ------------------------------------------------------------------------------- */

/*
 * Whether these were here before: *answered, and placed is filled. TD_E_DUPLICATE for one that
 * differs, or is there beside others that are not.
 */
static int decide_duplicates(struct td_store *store, size_t count, td_time now,
	struct td_placed *placed, bool *answered, size_t *which, struct td_error *err)
{
	const struct td_log *swept = NULL;
	size_t hits = 0, first = 0;
	uint64_t append = 0;
	bool together = true;

	for (size_t i = 0; i < count; i++) {
		const struct td_plan *plan = &store->plans[i];
		const struct td_seen *seen;

		TD_ASSERT(plan->log != NULL);
		if (plan->log != swept)
			td_log_window(plan->log, now);
		swept = plan->log;
		seen = plan->key == 0 ? NULL
				      : td_duplicates_find(&plan->log->duplicates, plan->key);
		if (seen == NULL)
			continue;
		placed[i] = (struct td_placed){.log = plan->log->number,
			.duplicate = true,
			.seq = seen->seq,
			.revision = seen->revision,
			.position = seen->position,
			.time = seen->time};
		if (seen->digest != plan->digest && seen->digest != 0 && !TD_BUG(207)) {
			*which = i;
			return td_error_set(err, TD_E_DUPLICATE, TD_NO_OFFSET,
				"entry %zu: seq %" PRIu64
				" of log %s has this id and other content",
				i, seen->seq, plan->log->name);
		}
		first = hits == 0 ? i : first;
		together = together && (hits == 0 || append == seen->append);
		append = seen->append;
		hits++;
	}
	if (hits == 0)
		return 0;
	if ((hits == count && together) || TD_BUG(206)) {
		*answered = true;
		return 0;
	}
	*which = first;
	return td_error_set(err, TD_E_DUPLICATE, TD_NO_OFFSET, "entry %zu was appended before, %s",
		first, hits == count ? "others by another append" : "others were not");
}

/* A bug would look at this. */
static uint64_t durable_revision(const struct td_store *store, uint32_t ref)
{
	uint64_t seen = td_store_seen(store, ref);

	return seen == 0 ? 0
			 : td_line_revision(td_runs_line(&store->runs, seen),
				   td_subject_at(&store->subjects, ref)->revision);
}

static int check_revision(const struct td_store *store, const struct td_entry *entry,
	const struct td_plan *plan, struct td_placed *placed, struct td_error *err)
{
	struct td_fallen live = {0};
	bool exists = plan->ref != TD_SUBJECT_NONE &&
		      td_subject_at(&store->subjects, plan->ref)->count > 0;
	uint64_t found;
	bool right = true;

	if (entry->expect == TD_EXPECT_ANY)
		return 0;
	if (exists)
		live = td_store_live(store, plan->ref);
	if (exists && live.position != TD_POSITION_STAGING && TD_BUG(209))
		live.revision = durable_revision(store, plan->ref);
	found = entry->expect == TD_EXPECT_SEQ ? live.seq : live.revision;
	switch (entry->expect) {
	case TD_EXPECT_NONE:
		right = !exists;
		break;
	case TD_EXPECT_EXISTS:
		right = exists || TD_BUG(210);
		break;
	case TD_EXPECT_REVISION:
	case TD_EXPECT_SEQ:
		right = found == entry->revision;
		break;
	case TD_EXPECT_ANY:
	default:
		break;
	}
	if (right)
		return 0;
	*placed = (struct td_placed){.log = plan->log->number, .found = found};
	return td_error_set(err, TD_E_REVISION, TD_NO_OFFSET, "%.*s in log %s is at %s %" PRIu64,
		TD_TEXT_ARG(entry->address), plan->log->name,
		entry->expect == TD_EXPECT_SEQ ? "seq" : "revision", found);
}

static int check_limits(
	const struct td_store *store, const struct td_plan *plan, struct td_error *err)
{
	const struct td_log *log = plan->log;
	const struct td_log_config *config = &log->config;
	uint64_t count = plan->ref == TD_SUBJECT_NONE
				 ? 0
				 : td_subject_at(&store->subjects, plan->ref)->count;

	/* What moves comes in any case, and goes as the limits say: appends wait for it. */
	if (store->adopts)
		return 0;
	if (config->bytes_max != 0 && plan->bytes > config->bytes_max)
		return td_error_set(err, TD_E_LIMIT, TD_NO_OFFSET,
			"log %s: larger than all it may hold", log->name);
	if (!config->discard_new)
		return 0;
	if (config->count_max != 0 && log->count >= config->count_max)
		return td_error_set(err, TD_E_LIMIT, TD_NO_OFFSET,
			"log %s: maximum of %" PRIu64 " events", log->name, config->count_max);
	if (config->bytes_max != 0 && log->bytes + plan->bytes > config->bytes_max)
		return td_error_set(err, TD_E_LIMIT, TD_NO_OFFSET,
			"log %s: maximum of %" PRIu64 " bytes", log->name, config->bytes_max);
	if (config->count_per_subject_max != 0 && count >= config->count_per_subject_max)
		return td_error_set(err, TD_E_LIMIT, TD_NO_OFFSET,
			"log %s: maximum of %" PRIu64 " events per subject", log->name,
			config->count_per_subject_max);
	return 0;
}

/* A subject that has no live event: it goes on from its top. */
static int subject_begin(struct td_store *store, const struct td_entry *entry, struct td_plan *plan,
	struct td_error *err)
{
	struct td_subject *subject;
	const struct td_top *top = NULL;
	uint64_t adopted;

	/* What was decided of logs always finds room, and what moves is known already. */
	if (TD_UNLIKELY(store->subjects.count + store->tops.count >= store->subjects_max) &&
		plan->log != store->control && !store->adopts &&
		td_tops_find(&store->tops,
			td_top_hash(store->top_seed, plan->log->number, entry->address)) == NULL)
		return td_error_set(err, TD_E_LIMIT, TD_NO_OFFSET,
			"%.*s: the store knows %zu subjects, at most %zu",
			TD_TEXT_ARG(entry->address), store->subjects.count + store->tops.count,
			store->subjects_max);
	plan->ref = td_subjects_add(&store->subjects, plan->hash, entry->address, plan->log->index);
	if (plan->ref == TD_SUBJECT_NONE)
		return td_error_nomem(err);
	plan->fresh = true;
	plan->log->subjects++;
	if (store->tops.count > 0 && !plan->log->config.revisions_forgotten && !TD_BUG(211))
		top = td_tops_find(&store->tops,
			td_top_hash(store->top_seed, plan->log->number, entry->address));
	if (top != NULL) {
		subject = td_subject_at(&store->subjects, plan->ref);
		subject->seq = top->seq;
		subject->revision = top->revision;
		plan->topped = true;
	}
	/* In `events` it may have come further. */
	if (!store->adopts) {
		adopted = td_index_adopted(store, plan->log, entry->address);
		subject = td_subject_at(&store->subjects, plan->ref);
		if (adopted > subject->revision)
			subject->revision = adopted;
	}
	return 0;
}

static int check_imported(const struct td_store *store, const struct td_subject *subject,
	const struct td_entry *entry, struct td_plan *plan, struct td_error *err)
{
	if (!entry->imported || entry->as_revision == 0)
		return 0;
	if (entry->as_revision <= subject->revision && store->adopts)
		return 0;
	if (entry->as_revision <= subject->revision)
		return td_error_set(err, TD_E_REVISION, TD_NO_OFFSET,
			"%.*s: revision %" PRIu64 " is there already", TD_TEXT_ARG(entry->address),
			subject->revision);
	plan->revision = TD_BUG(251) ? plan->revision : entry->as_revision;
	return 0;
}

static int decide_one(struct td_store *store, const struct td_entry *entry, struct td_plan *plan,
	struct td_placed *placed, struct td_error *err)
{
	struct td_log *log = plan->log;
	struct td_subject *subject;
	int code;

	/* It may have come with an entry before this one. */
	if (plan->ref == TD_SUBJECT_NONE)
		plan->ref =
			td_subjects_find(&store->subjects, plan->hash, entry->address, log->index);
	code = check_revision(store, entry, plan, placed, err);
	if (code == 0)
		code = check_limits(store, plan, err);
	if (code == 0 && plan->ref == TD_SUBJECT_NONE)
		code = subject_begin(store, entry, plan, err);
	if (code != 0)
		return code;
	subject = td_subject_at(&store->subjects, plan->ref);
	plan->was.seq = subject->seq;
	plan->was.revision = subject->revision;
	plan->was.position = subject->position;
	plan->revived = subject->count == 0 && !plan->fresh;
	if (plan->revived && log->config.revisions_forgotten)
		subject->seq = subject->revision = 0;
	plan->seq = log->last_seq + 1;
	plan->revision = subject->revision + 1;
	if (TD_UNLIKELY(store->leaps_count > 0) && !plan->topped)
		plan->revision += td_leaps_since(
			store, subject->position != 0 ? subject->position : log->made);
	plan->prev = subject->seq;
	code = check_imported(store, subject, entry, plan, err);
	/* From here on undo() knows of it. */
	subject->seq = plan->seq;
	subject->revision = plan->revision;
	subject->position = TD_POSITION_STAGING;
	subject->count++;
	log->last_seq++;
	log->count++;
	log->bytes += plan->bytes;
	return code;
}

/* The last ones, from `from` on. */
static void undo(struct td_store *store, size_t from, size_t count)
{
	while (count-- > from) {
		struct td_plan *plan = &store->plans[count];
		struct td_subject *subject;

		if (plan->seen && !TD_BUG(205))
			td_duplicates_undo(&plan->log->duplicates);
		if (plan->sealed)
			td_seal_take_back(store, plan);
		if (plan->seq != 0) {
			subject = td_subject_at(&store->subjects, plan->ref);
			subject->seq = plan->was.seq;
			subject->revision = TD_BUG(203) ? plan->revision : plan->was.revision;
			subject->position = plan->was.position;
			subject->count--;
			plan->log->last_seq -= TD_BUG(204) ? 0 : 1;
			plan->log->count--;
			plan->log->bytes -= plan->bytes;
		}
		if (plan->fresh) {
			plan->log->subjects--;
			td_subjects_remove(&store->subjects, plan->ref);
		}
	}
}

static struct td_seen seen_of(const struct td_entry *entry, const struct td_plan *plan,
	uint64_t position, uint64_t append, td_time now)
{
	return (struct td_seen){.key = plan->key,
		.digest = plan->digest,
		.position = position,
		.seq = plan->seq,
		.revision = plan->revision,
		.time = entry->imported ? entry->time : now,
		.append = append};
}

/*
 * Note the key, so that the entries behind it in the same append see it. Of what moves each came as
 * something new: see note_moved().
 */
static int note_key(const struct td_store *store, struct td_plan *plan, const struct td_seen *seen,
	size_t i, size_t *which, struct td_error *err)
{
	if (plan->key == 0)
		return 0;
	if (store->adopts)
		return td_duplicates_reserve(&plan->log->duplicates, i + 1) ? 0
									    : td_error_nomem(err);
	if (td_duplicates_find(&plan->log->duplicates, plan->key) != NULL) {
		*which = i;
		return td_error_set(err, TD_E_DUPLICATE, TD_NO_OFFSET,
			"entry %zu has the id of another in the same append", i);
	}
	if (!td_duplicates_reserve(&plan->log->duplicates, 1))
		return td_error_nomem(err);
	td_duplicates_add(&plan->log->duplicates, seen);
	plan->seen = true;
	return 0;
}

static struct td_event_record record_of(const struct td_store *store, const struct td_entry *entry,
	const struct td_plan *plan, td_time now)
{
	return (struct td_event_record){
		.log = plan->log->number,
		.flags = (entry->imported ? TD_EVENT_IMPORTED : 0u) |
			 (entry->headers.at == NULL ? TD_EVENT_HEADLESS : 0u) |
			 (plan != store->plans && !TD_BUG(212) ? TD_EVENT_FURTHER : 0u) |
			 (plan->sealed || entry->erased ? TD_EVENT_SEALED : 0u),
		.seq = plan->seq,
		.revision = plan->revision,
		.prev = plan->prev,
		.time = entry->imported ? entry->time : now,
		.address = entry->address,
		.type = entry->type,
		.server = entry->server,
		.headers = entry->headers,
		.payload = entry->payload,
	};
}

/* All that can fail of staging: payloads of erasable subjects as they will stand. */
static int seal(struct td_store *store, const struct td_entry *entries, size_t count, td_time now,
	struct td_error *err)
{
	int code = 0;

	td_buf_reset(&store->seals.sealed);
	for (size_t i = 0; code == 0 && i < count; i++) {
		struct td_plan *plan = &store->plans[i];
		struct td_event_record record;

		if (TD_LIKELY(!plan->sealed))
			continue;
		record = record_of(store, &entries[i], plan, now);
		code = td_seal_put(store, &record, plan, err);
	}
	return code;
}

/* `more` records of `more_bytes` are to come in the same frame. */
static int decide(struct td_store *store, const struct td_entry *entries, size_t count, td_time now,
	size_t more, size_t more_bytes, struct td_placed *placed, size_t *which,
	struct td_error *err)
{
	uint64_t first = store->shelf.staged(store->shelf.arg);
	size_t bytes = 0, further;
	int code = 0;

	td_buf_reset(&store->seals.given);
	for (size_t i = 0; i < count; i++) {
		struct td_plan *plan = &store->plans[i];
		struct td_seen seen;

		*which = i;
		plan->topped = plan->fresh = plan->seen = plan->sealing.gave = false;
		plan->seq = 0;
		code = decide_one(store, &entries[i], plan, &placed[i], err);
		if (code == 0 && plan->sealed)
			code = td_seal_give(store, &entries[i], plan, err);
		seen = seen_of(&entries[i], plan, first + i, first, now);
		if (code == 0)
			code = note_key(store, plan, &seen, i, which, err);
		if (code != 0) {
			undo(store, 0, i + 1);
			return code;
		}
		bytes += plan->bytes;
	}
	bytes += td_seal_given_bytes(store);
	further = more + (store->seals.given.len > 0);
	bytes += more_bytes;
	code = td_runs_reserve(&store->runs, count + further, count) ? 0 : td_error_nomem(err);
	if (code == 0)
		code = store->shelf.room(
			store->shelf.arg, count + further, bytes, entries[0].reserved, err);
	if (code == 0)
		code = seal(store, entries, count, now, err);
	if (code != 0)
		undo(store, 0, count);
	return code;
}

/* --- stage -------------------------------------------------------------------------------- */

static uint64_t stage_record(
	struct td_store *store, const struct td_event_record *record, uint64_t *location)
{
	uint8_t head[TD_EVENT_FIXED_BYTES];
	const struct td_text parts[] = {td_text_of(head, sizeof(head)), record->address,
		record->type, record->server, record->headers, record->payload};

	td_event_record_head(record, head);
	return store->shelf.stage(
		store->shelf.arg, parts, sizeof(parts) / sizeof(parts[0]), location);
}

/* Whose the keys are that this append gave. */
static void stage_given(struct td_store *store)
{
	uint8_t head[TD_KEYS_FIXED_BYTES];
	const struct td_text parts[] = {
		td_text_of(head, sizeof(head)), td_buf_view(&store->seals.given)};
	uint64_t location, position;

	td_keys_record_head(head);
	position = store->shelf.stage(store->shelf.arg, parts, 2, &location);
	td_runs_add(&store->runs, position, location);
	td_buf_reset(&store->seals.given);
}

static void stage_one(struct td_store *store, const struct td_entry *entry, struct td_plan *plan,
	td_time now, struct td_placed *placed)
{
	struct td_subject *subject = td_subject_at(&store->subjects, plan->ref);
	struct td_event_record record = record_of(store, entry, plan, now);
	uint64_t location, position, previous = plan->was.position;
	struct td_line *line;

	if (plan->sealed)
		record.payload =
			td_text_of(store->seals.sealed.at + plan->sealing.at, plan->sealing.len);
	position = stage_record(store, &record, &location);
	line = td_runs_add(&store->runs, position, location);
	/* The one before came with the same append, and has its position by now. */
	if (previous == TD_POSITION_STAGING)
		previous = subject->position;
	td_runs_event(&store->runs, line, plan->log->index, plan->seq, previous);
	line->subject = plan->ref;
	line->bytes = (uint32_t)plan->bytes;
	line->revision = (uint32_t)plan->revision;
	if ((record.flags & TD_EVENT_SEALED) != 0)
		line->flags |= TD_LINE_SEALED;
	subject->position = position;
	td_index_settle(store, plan->log, plan->ref, plan->fresh || plan->revived, position);
	td_log_time(plan->log, position, now);
	*placed = (struct td_placed){.log = plan->log->number,
		.seq = plan->seq,
		.revision = plan->revision,
		.position = position,
		.time = record.time};
}

static void stage_all(struct td_store *store, const struct td_entry *entries, size_t count,
	td_time now, struct td_placed *placed)
{
	for (size_t i = 0; i < count; i++)
		stage_one(store, &entries[i], &store->plans[i], now, &placed[i]);
	if (store->seals.given.len > 0)
		stage_given(store);
}

uint64_t td_store_rests_on(const struct td_store *store)
{
	uint64_t staged = store->shelf.staged(store->shelf.arg);

	return store->shelf.durable(store->shelf.arg) < staged ? staged - 1 : 0;
}

static uint64_t rests_on_places(
	const struct td_store *store, const struct td_placed *placed, size_t count)
{
	uint64_t newest = 0;

	for (size_t i = 0; i < count; i++)
		newest = placed[i].position > newest ? placed[i].position : newest;
	return newest >= store->shelf.durable(store->shelf.arg) && !TD_BUG(201) ? newest : 0;
}

static int append(struct td_store *store, const struct td_entry *entries, size_t count,
	struct td_placed *placed, uint64_t *rests_on, size_t *which, struct td_error *err)
{
	td_time now = store->shelf.time(store->shelf.arg);
	bool answered = false;
	int code = decide_duplicates(store, count, now, placed, &answered, which, err);

	if (code == 0 && !answered)
		code = decide(store, entries, count, now, 0, 0, placed, which, err);
	if ((code == TD_E_REVISION || code == TD_E_DUPLICATE || code == TD_E_LIMIT) && !TD_BUG(202))
		*rests_on = td_store_rests_on(store);
	if (code != 0)
		return code;
	if (!answered)
		stage_all(store, entries, count, now, placed);
	*rests_on = rests_on_places(store, placed, count);
	return 0;
}

/* It looks at what is staged. */
static int gate(struct td_store *store, const struct td_gate *gate, const struct td_entry *entries,
	size_t count, uint64_t *rests_on, struct td_error *err)
{
	int code = gate->check(gate->arg, store, entries, count, err);

	if (code != 0)
		*rests_on = td_store_rests_on(store);
	return code;
}

int td_store_append(struct td_store *store, const struct td_entry *entries, size_t count,
	struct td_placed *placed, uint64_t *rests_on, size_t *which, struct td_error *err)
{
	size_t wrong = 0;
	int code;

	*rests_on = 0;
	if (count == 0)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "nothing to append");
	code = td_store_failed(store, err);
	if (code == 0)
		code = td_adopt_first(store, err);
	if (code == 0)
		code = td_store_plans(store, count, err);
	if (code == 0)
		code = prepare(store, entries, count, &wrong, err);
	if (code == TD_E_NOT_FOUND || code == TD_E_SUBJECT || code == TD_E_INVALID)
		*rests_on = td_logs_rest_on(store);
	for (size_t i = 0; code == 0 && i < store->gates_count; i++)
		code = gate(store, &store->gates[i], entries, count, rests_on, err);
	if (code == 0) {
		td_mutex_lock(&store->lock);
		code = append(store, entries, count, placed, rests_on, &wrong, err);
		td_mutex_unlock(&store->lock);
	}
	if (code != 0 && which != NULL)
		*which = wrong;
	return code;
}

/* --- moving ------------------------------------------------------------------------------- */

/* Keys of what moved: where one came twice, long after another, it is known by the later. */
static void note_moved(struct td_store *store, const struct td_entry *entries,
	const struct td_placed *placed, size_t count)
{
	struct td_log *log = store->plans[0].log;

	for (size_t i = 0; i < count; i++) {
		struct td_plan *plan = &store->plans[i];
		struct td_seen seen = seen_of(
			&entries[i], plan, placed[i].position, placed[0].position, entries[i].time);

		if (plan->key != 0)
			td_duplicates_note(&log->duplicates, &seen);
	}
	/* Without memory for it they stay out of order: slower, and in a larger window. */
	(void)td_duplicates_sort(&log->duplicates);
}

/* Under the lock. Some of them, the first, may have been moved where it fails. */
static int move(struct td_store *store, const struct td_entry *entries, size_t count,
	struct td_batch *batch, size_t bytes, const uint64_t *positions, struct td_placed *placed,
	struct td_error *err)
{
	td_time now = store->shelf.time(store->shelf.arg);
	size_t which = 0, moved = 0;
	int code = decide(store, entries, count, now, TD_BATCH_RECORDS, bytes, placed, &which, err);

	if (code != 0)
		return code;
	code = td_batch_apply(store, batch, positions, count, &moved, err);
	undo(store, moved, count);
	if (moved > 0) {
		stage_all(store, entries, moved, now, placed);
		note_moved(store, entries, placed, moved);
		td_batch_stage(store, batch);
	}
	return code;
}

int td_append_moved(struct td_store *store, const struct td_entry *entries, size_t count,
	struct td_log *from, const uint64_t *positions, struct td_error *err)
{
	struct td_placed *placed = calloc(count, sizeof(*placed));
	struct td_batch *batch = NULL;
	size_t which = 0, bytes = 0;
	int code = placed != NULL ? td_store_failed(store, err) : td_error_nomem(err);

	if (code == 0)
		code = td_store_plans(store, count, err);
	if (code == 0)
		code = prepare(store, entries, count, &which, err);
	td_mutex_lock(&store->lock);
	/* Bytes and all: who erases it later knows of one place alone, and what is sealed there was not
	 * here, perhaps. */
	if (code == 0)
		code = td_batch_plan(&batch, store, from, positions, count, true,
			td_text("adopted"), &bytes, err);
	if (code == 0)
		code = move(store, entries, count, batch, bytes, positions, placed, err);
	td_mutex_unlock(&store->lock);
	td_batch_free(batch);
	free(placed);
	return code;
}
