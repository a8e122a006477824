/*
 * What is derived from records. One road for all: what append() staged, and what is read again when
 * the store opens, end in the same tables.
 */
#include "store/private.h"

#include <stdlib.h>

/* --- coming ------------------------------------------------------------------------------- */

void td_index_settle(
	struct td_store *store, struct td_log *log, uint32_t ref, bool fresh, uint64_t position)
{
	const struct td_subject *subject = td_subject_at(&store->subjects, ref);

	if (store->fallen.count > 0)
		free(td_map_remove(&store->fallen, ref));
	if (fresh && store->tops.count > 0)
		td_tops_remove(&store->tops,
			td_top_hash(store->top_seed, log->number, td_subject_address(subject)));
	if (log->config.count_per_subject_max != 0 &&
		subject->count > log->config.count_per_subject_max)
		td_crowd_note(store, ref);
	if (log->first == 0)
		log->first = position;
	if (store->shelf.journal == NULL && store->runs.count > 1 &&
		store->runs.at[store->runs.count - 1]->base == position)
		td_index_sweep(store, store->runs.at[store->runs.count - 2]);
}

static int damaged(const struct td_record *record, struct td_error *err, const char *what)
{
	return td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET, "record at position %" PRIu64 ": %s",
		record->position, what);
}

/* The key of an event that is read again, as its client gave it. */
static uint64_t key_of(const struct td_store *store, const struct td_event_record *record)
{
	struct td_buf buf = TD_BUF_INIT((size_t)4 * TD_ATTRIBUTE_BYTES_MAX);
	struct td_text first = td_block_value(record->headers, "Nats-Msg-Id", NULL);
	struct td_text second = {NULL, 0};
	uint64_t key = 0;

	if (first.at == NULL) {
		/* Decoded one behind the other: room for both, so that the first stays. */
		if (td_buf_reserve(&buf, (size_t)2 * TD_ATTRIBUTE_BYTES_MAX + 64) != NULL) {
			first = td_block_value(record->headers, "ce-source", &buf);
			second = td_block_value(record->headers, "ce-id", &buf);
		}
	}
	if (first.at != NULL || second.at != NULL)
		key = td_duplicate_key(store->top_seed, first, second);
	td_buf_fini(&buf);
	return key;
}

/* In an append's position, while folding: it came with the one before it, whose record is gone. */
#define PARTED ((uint64_t)1 << 63)

/* The append that the event came with, whatever log it is of. */
static void fold_append(
	struct td_store *store, const struct td_event_record *record, uint64_t position)
{
	bool further = (record->flags & TD_EVENT_FURTHER) != 0;

	if (!further || store->fold_next != position)
		store->fold_append = position | (further ? PARTED : 0);
	store->fold_parted = store->fold_parted || (store->fold_append & PARTED) != 0;
	store->fold_next = position + 1;
}

static int fold_key(struct td_store *store, struct td_log *log,
	const struct td_event_record *record, const struct td_record *at, struct td_error *err)
{
	struct td_seen seen = {.position = at->position,
		.seq = record->seq,
		.revision = record->revision,
		.time = record->time,
		.append = store->fold_append};

	if (log->config.duplicates_ms < 0 || TD_BUG(208))
		return 0;
	td_log_window(log, at->time);
	seen.key = key_of(store, record);
	if (seen.key == 0)
		return 0;
	seen.digest = (record->flags & TD_EVENT_SEALED) != 0
			      ? td_seal_digest(store, record)
			      : td_duplicate_digest(store->seed, record->type, record->address,
					record->payload);
	if (!td_duplicates_reserve(&log->duplicates, 1))
		return td_error_nomem(err);
	td_duplicates_note(&log->duplicates, &seen);
	return 0;
}

/* Keys of what was to be erased; of those whose records are still there they are known. */
static int fold_known(struct td_store *store, const struct td_record *at, struct td_error *err)
{
	struct td_text keys;
	struct td_log *log;
	uint32_t number;
	const char *wrong = td_known_record_read(&number, &keys, at->body);

	if (wrong != NULL)
		return damaged(at, err, wrong);
	log = td_logs_number(&store->logs, number);
	if (log == NULL || log->config.duplicates_ms < 0)
		return 0;
	if (!td_duplicates_reserve(&log->duplicates, keys.len / TD_KNOWN_BYTES))
		return td_error_nomem(err);
	for (size_t i = 0; i < keys.len; i += TD_KNOWN_BYTES) {
		struct td_known key;

		td_known_get(&key, keys.at + i);
		if (key.position >= at->position || key.append > key.position)
			return damaged(at, err, "a key of what came after it");
		td_duplicates_note(&log->duplicates, &(struct td_seen){.key = key.key,
							     .position = key.position,
							     .seq = key.seq,
							     .revision = key.revision,
							     .time = key.time,
							     .append = key.append});
	}
	return 0;
}

int td_index_fold_key(struct td_store *store, const struct td_record *record, struct td_error *err)
{
	struct td_event_record event;
	struct td_log *log;

	if (record->body.len > 0 && record->body.at[0] == TD_RECORD_KNOWN)
		return fold_known(store, record, err);
	if (record->body.len == 0 || record->body.at[0] != TD_RECORD_EVENT)
		return 0;
	if (td_event_record_read(&event, record->body) != NULL)
		return damaged(record, err, "not what its index says");
	fold_append(store, &event, record->position);
	log = td_logs_number(&store->logs, event.log);
	return log == NULL ? 0 : fold_key(store, log, &event, record, err);
}

static int fold_event(struct td_store *store, const struct td_record *at,
	const struct td_event_record *record, struct td_line *line, struct td_error *err)
{
	struct td_log *log = td_logs_number(&store->logs, record->log);
	uint64_t hash = td_subjects_hash(&store->subjects, record->address);
	struct td_subject *subject;
	bool fresh = false;
	uint32_t ref;

	TD_ASSERT(line != NULL);
	/* Of a log that was deleted: it lies there until its segment is rewritten. */
	if (log == NULL) {
		struct td_run *run = store->runs.at[store->runs.count - 1];

		line->bytes = (uint32_t)at->body.len;
		line->flags = TD_LINE_REMOVED;
		run->removed++;
		run->removed_there++;
		run->removed_bytes += line->bytes;
		return 0;
	}
	if (record->seq <= log->last_seq)
		return damaged(at, err, "its seq was given before");
	ref = td_subjects_find(&store->subjects, hash, record->address, log->index);
	if (ref == TD_SUBJECT_NONE) {
		ref = td_subjects_add(&store->subjects, hash, record->address, log->index);
		if (ref == TD_SUBJECT_NONE)
			return td_error_nomem(err);
		fresh = true;
		log->subjects++;
	}
	subject = td_subject_at(&store->subjects, ref);
	td_runs_event(&store->runs, line, log->index, record->seq, subject->position);
	line->subject = ref;
	line->bytes = (uint32_t)at->body.len;
	line->revision = (uint32_t)record->revision;
	if ((record->flags & TD_EVENT_SEALED) != 0)
		line->flags |= TD_LINE_SEALED;
	subject->seq = record->seq;
	subject->revision = record->revision;
	subject->position = at->position;
	subject->count++;
	log->last_seq = record->seq;
	log->numbered = at->position;
	log->count++;
	log->bytes += at->body.len;
	log->last_time = at->time;
	td_index_settle(store, log, ref, fresh || store->tops.count > 0, at->position);
	return fold_key(store, log, record, at, err);
}

/* One position of a removal. */
static int fold_gone(struct td_store *store, const struct td_record *at, uint64_t position,
	bool erase, struct td_error *err)
{
	struct td_run *run = td_runs_find(&store->runs, position);
	const struct td_line *line = run != NULL ? td_run_line(run, position) : NULL;
	struct td_gone gone = {0};

	if (line == NULL)
		return 0;
	/* What was rewritten since is not there any more; a catalog may know of the removal. */
	if ((run->catalog == NULL || at->position >= run->catalog->head.as_of) &&
		(line->flags & (TD_LINE_EVENT | TD_LINE_REMOVED)) == TD_LINE_EVENT) {
		int code = td_index_reserve_gone(store, err);

		if (code == 0)
			code = td_index_gone(store, run, position, &gone, err);
		if (code != 0)
			return code;
		if (gone.ended)
			td_index_end(store, gone.ref);
	}
	/* It was asked for in a life before this one, which did not come to it. */
	if (erase)
		td_rewrite_erase(store, run, position);
	return 0;
}

static int fold_removal(struct td_store *store, const struct td_record *at, struct td_error *err)
{
	struct td_removal_record record;
	struct td_log *log;
	struct td_ranges ranges = {0};
	struct td_range range;
	const char *wrong = td_removal_record_read(&record, at->body);

	if (wrong != NULL)
		return damaged(at, err, wrong);
	log = td_logs_number(&store->logs, record.log);
	if (log != NULL)
		td_spent_note_removal(log, at->position, at->location);
	if (log != NULL && log->last_seq < record.last_seq) {
		log->last_seq = record.last_seq;
		log->numbered = at->position;
	}
	ranges.rest = record.ranges;
	while (td_ranges_next(&ranges, &range) && !TD_BUG(218)) {
		for (uint64_t i = range.from; i < range.from + range.count; i++) {
			int code = fold_gone(store, at, i, record.erase, err);

			if (code != 0)
				return code;
		}
	}
	return 0;
}

static int fold_tops(struct td_store *store, const struct td_record *at, struct td_error *err)
{
	struct td_text tops;
	uint32_t log;
	const char *wrong = td_tops_record_read(&log, &tops, at->body);

	if (wrong != NULL)
		return damaged(at, err, wrong);
	if (!td_tops_reserve(&store->tops, tops.len / TD_TOP_BYTES))
		return td_error_nomem(err);
	for (size_t i = 0; i < tops.len; i += TD_TOP_BYTES) {
		struct td_top top;

		td_top_get(&top, tops.at + i);
		top.log = log;
		if (top.seq != 0 && !TD_BUG(214))
			td_tops_put(&store->tops, &top);
	}
	return 0;
}

static int fold_body(struct td_store *store, const struct td_record *at, struct td_line *line,
	struct td_error *err)
{
	struct td_event_record event;
	struct td_store_record own;
	struct td_loss_record loss;
	const char *wrong;
	int code;

	store->folding = at->position;

	switch (at->body.at[0]) {
	case TD_RECORD_EVENT:
		wrong = td_event_record_read(&event, at->body);
		if (wrong != NULL)
			return damaged(at, err, wrong);
		td_seal_note(store, &event);
		fold_append(store, &event, at->position);
		code = fold_event(store, at, &event, line, err);
		if (code == 0 && event.log == TD_LOG_NUMBER_CONTROL)
			code = td_logs_fold(store, &event, err);
		return code;
	case TD_RECORD_REMOVAL:
		if (line != NULL)
			td_spent_note(store, store->runs.at[store->runs.count - 1], at->body.len);
		return fold_removal(store, at, err);
	case TD_RECORD_TOPS:
		return fold_tops(store, at, err);
	case TD_RECORD_KEYS:
		wrong = td_seal_fold(store, at->body, &code);
		if (wrong != NULL)
			return damaged(at, err, wrong);
		return code == 0 ? 0 : td_error_nomem(err);
	case TD_RECORD_KNOWN:
		if (line != NULL)
			td_spent_note(store, store->runs.at[store->runs.count - 1], at->body.len);
		return fold_known(store, at, err);
	case TD_RECORD_STORE:
		wrong = td_store_record_read(&own, at->body);
		store->top_seed = TD_BUG(213) ? store->top_seed : own.seed;
		store->founded = true;
		return wrong != NULL ? damaged(at, err, wrong) : 0;
	case TD_RECORD_LOSS:
		wrong = td_loss_record_read(&loss, at->body);
		return wrong != NULL ? damaged(at, err, wrong)
				     : td_leap_add(store, &loss, at->position, err);
	default:
		return 0;
	}
}

int td_index_fold_note(struct td_store *store, const struct td_record *record, struct td_error *err)
{
	struct td_event_record event;

	if (record->body.len == 0)
		return damaged(record, err, "empty");
	if (record->body.at[0] != TD_RECORD_EVENT)
		return fold_body(store, record, NULL, err);
	if (td_event_record_read(&event, record->body) != NULL ||
		event.log != TD_LOG_NUMBER_CONTROL)
		return damaged(record, err, "not what its index says");
	store->folding = record->position;
	return td_logs_fold(store, &event, err);
}

int td_index_fold(struct td_store *store, const struct td_record *record, struct td_error *err)
{
	struct td_line *line = NULL;

	for (uint64_t i = 0; i < record->count; i++) {
		if (!td_runs_reserve(&store->runs, 1, 1))
			return td_error_nomem(err);
		line = td_runs_add(&store->runs, record->position + i, record->location);
	}
	if (record->body.len == 0)
		return damaged(record, err, "empty");
	if (record->body.at[0] == TD_RECORD_GONE) {
		for (uint64_t i = 0; i < record->count; i++)
			td_runs_line(&store->runs, record->position + i)->flags = TD_LINE_HOLE;
		return 0;
	}
	return fold_body(store, record, line, err);
}

/* It lives, and goes on from more than its latest says: that is noted as its latest. */
static int raise_to(
	struct td_store *store, uint32_t ref, uint64_t seq, uint64_t revision, struct td_error *err)
{
	struct td_subject *subject = td_subject_at(&store->subjects, ref);
	struct td_fallen *fallen = td_map_get(&store->fallen, ref);

	if (seq <= subject->seq && revision <= subject->revision)
		return 0;
	if (fallen == NULL) {
		fallen = malloc(sizeof(*fallen));
		if (fallen == NULL || !td_map_put(&store->fallen, ref, fallen)) {
			free(fallen);
			return td_error_nomem(err);
		}
		*fallen = (struct td_fallen){subject->position, subject->seq, subject->revision};
	}
	if (seq > subject->seq)
		subject->seq = seq;
	if (revision > subject->revision)
		subject->revision = revision;
	return 0;
}

/* A subject whose last event is gone, and which lives: it goes on from its top all the same. */
static int raise_subject(struct td_store *store, uint32_t ref, struct td_error *err)
{
	const struct td_subject *subject = td_subject_at(&store->subjects, ref);
	const struct td_log *log = store->logs.at[subject->log];
	uint64_t hash = td_top_hash(store->top_seed, log->number, td_subject_address(subject));
	const struct td_top *top = td_tops_find(&store->tops, hash);
	int code;

	if (top == NULL || log->config.revisions_forgotten)
		return 0;
	code = top->seq > subject->seq && !TD_BUG(225)
		       ? raise_to(store, ref, top->seq, top->revision, err)
		       : 0;
	if (code == 0)
		td_tops_remove(&store->tops, hash);
	return code;
}

uint64_t td_index_adopted(
	const struct td_store *store, const struct td_log *log, struct td_text address)
{
	const struct td_top *top = NULL;
	uint64_t revision = 0;
	uint32_t ref;

	if ((!log->config.adopting && !log->config.adopted) || store->events == NULL ||
		log->config.revisions_forgotten)
		return 0;
	if (store->tops.count > 0)
		top = td_tops_find(
			&store->tops, td_top_hash(store->top_seed, store->events->number, address));
	if (top != NULL)
		revision = top->revision;
	/* What could not be read stayed there. */
	ref = td_subjects_find(&store->subjects, td_subjects_hash(&store->subjects, address),
		address, store->events->index);
	if (ref != TD_SUBJECT_NONE && td_subject_at(&store->subjects, ref)->revision > revision)
		revision = td_subject_at(&store->subjects, ref)->revision;
	return revision;
}

/* The same of one that was adopted: its top in `events` stays. */
static int raise_adopted(struct td_store *store, uint32_t ref, struct td_error *err)
{
	const struct td_subject *subject = td_subject_at(&store->subjects, ref);

	return raise_to(store, ref, 0,
		td_index_adopted(store, store->logs.at[subject->log], td_subject_address(subject)),
		err);
}

int td_index_raise(struct td_store *store, const struct td_log *log, struct td_error *err)
{
	struct td_subjects_walk walk = {0};
	uint32_t ref;
	int code = 0;

	while (code == 0 && (ref = td_subjects_next(&store->subjects, &walk)) != TD_SUBJECT_NONE) {
		if (td_subject_at(&store->subjects, ref)->log == log->index)
			code = raise_adopted(store, ref, err);
	}
	return code;
}

static const struct td_seen *seen_at(const struct td_store *store, uint64_t position)
{
	const struct td_seen *seen = NULL;

	for (size_t i = 0; i < store->logs.count && seen == NULL; i++) {
		if (store->logs.at[i] != NULL)
			seen = td_duplicates_at(&store->logs.at[i]->duplicates, position);
	}
	return seen;
}

/* The append of one whose record follows others that are gone, as far as their keys tell of it. */
static uint64_t append_of(const struct td_store *store, uint64_t append)
{
	const struct td_seen *before;

	while ((append & PARTED) != 0) {
		before = seen_at(store, (append & ~PARTED) - 1);
		append = before != NULL ? before->append : append & ~PARTED;
	}
	return append;
}

static void join_appends(struct td_store *store)
{
	for (size_t i = 0; i < store->logs.count && store->fold_parted; i++) {
		struct td_log *log = store->logs.at[i];

		for (size_t n = 0; log != NULL && n < td_duplicates_count(&log->duplicates); n++) {
			struct td_seen *seen = td_duplicates_nth(&log->duplicates, n);

			seen->append = append_of(store, seen->append);
		}
	}
	store->fold_parted = false;
}

int td_index_fold_end(struct td_store *store, struct td_error *err)
{
	struct td_subjects_walk walk = {0};
	bool crowds = false;
	uint32_t ref;
	int code = 0;

	for (size_t i = 0; i < store->logs.count; i++) {
		struct td_log *log = store->logs.at[i];

		if (log != NULL && !td_duplicates_sort(&log->duplicates))
			return td_error_nomem(err);
		crowds = crowds || (log != NULL && log->config.count_per_subject_max != 0);
	}
	join_appends(store);
	/* A limit that came after its events, or of events that a catalog told of. */
	if (crowds)
		td_crowd_look(store);
	if (store->tops.count == 0 && (store->events == NULL || !store->events->stray))
		return 0;
	while (code == 0 && (ref = td_subjects_next(&store->subjects, &walk)) != TD_SUBJECT_NONE) {
		code = raise_subject(store, ref, err);
		/* Not before the last has come: it keeps its revision. */
		if (code == 0 &&
			!store->logs.at[td_subject_at(&store->subjects, ref)->log]->config.adopting)
			code = raise_adopted(store, ref, err);
	}
	return code;
}

/* --- going -------------------------------------------------------------------------------- */

int td_index_reserve_gone(struct td_store *store, struct td_error *err)
{
	if (store->fallen_spare == NULL)
		store->fallen_spare = malloc(sizeof(*store->fallen_spare));
	if (store->fallen_spare == NULL || !td_tops_reserve(&store->tops, 1) ||
		!td_map_reserve(&store->fallen, store->fallen.count + 1))
		return td_error_nomem(err);
	return 0;
}

uint64_t td_store_back(const struct td_store *store, uint32_t ref, uint64_t position, bool complete)
{
	const struct td_run *run = td_runs_find(&store->runs, position);
	uint64_t previous = run != NULL ? td_run_previous(run, position) : 0;

	if (previous != 0 && td_runs_find(&store->runs, previous) != NULL)
		return previous;
	while (!complete && --position > 0) {
		if (td_store_is_of(store, position, ref))
			return position;
	}
	return 0;
}

/*
 * The newest live event of the subject below the position; it is known that there is one.
 * TD_E_DAMAGED: a page on the way cannot be read; what lies behind it is not taken for it.
 */
static int live_below(struct td_store *store, uint32_t ref, uint64_t position,
	struct td_fallen *live, struct td_error *err)
{
	uint64_t last = td_subject_at(&store->subjects, ref)->revision;
	uint64_t losses = store->runs.losses;
	const struct td_line *line;

	do {
		position = td_store_back(store, ref, position, false);
		if (store->runs.losses != losses)
			return td_store_lost(err);
		TD_ASSERT(position != 0);
		line = td_runs_line(&store->runs, position);
	} while (
		(line->flags & (TD_LINE_EVENT | TD_LINE_REMOVED)) != TD_LINE_EVENT && !TD_BUG(224));
	if ((!td_store_is_of(store, position, ref) && !TD_BUG(224)) || store->runs.losses != losses)
		return td_store_lost(err);
	*live = (struct td_fallen){position, line->seq, td_line_revision(line, last)};
	return 0;
}

/* The latest is gone, and others live: remember which is the latest now. */
static void fall(
	struct td_store *store, struct td_log *log, uint32_t ref, const struct td_fallen *live)
{
	struct td_subject *subject = td_subject_at(&store->subjects, ref);
	struct td_fallen *fallen = td_map_get(&store->fallen, ref);

	if (fallen == NULL) {
		fallen = store->fallen_spare;
		TD_ASSERT(fallen != NULL);
		store->fallen_spare = NULL;
		td_map_put(&store->fallen, ref, fallen);
	}
	*fallen = *live;
	if (log->config.revisions_forgotten)
		subject->revision = live->revision;
}

uint32_t td_store_ref(const struct td_store *store, const struct td_run *run, struct td_line *line)
{
	char address[TD_ADDRESS_BYTES_MAX];
	struct td_text text;
	uint32_t ref = TD_SUBJECT_NONE;

	if ((line->flags & TD_LINE_LOCAL) == 0)
		return line->subject;
	if (td_catalog_address(run->catalog, line->subject, address, &text))
		ref = td_subjects_find(&store->subjects, td_subjects_hash(&store->subjects, text),
			text, line->log);
	if (ref == TD_SUBJECT_NONE) {
		run->owner->losses++;
		return TD_SUBJECT_NONE;
	}
	line->subject = ref;
	line->flags &= (uint16_t)~TD_LINE_LOCAL;
	return ref;
}

bool td_store_is_of(const struct td_store *store, uint64_t position, uint32_t ref)
{
	const struct td_run *run = td_runs_find(&store->runs, position);
	struct td_line *line = run != NULL ? td_run_line(run, position) : NULL;

	return line != NULL && (line->flags & (TD_LINE_EVENT | TD_LINE_REMOVED)) == TD_LINE_EVENT &&
	       td_store_ref(store, run, line) == ref;
}

int td_index_fall(struct td_store *store, uint32_t ref, struct td_error *err)
{
	const struct td_subject *subject = td_subject_at(&store->subjects, ref);
	const struct td_run *run;
	struct td_fallen live = {0};
	int code;

	/* Gone meanwhile, another's by now, or with a later event. */
	if (subject->log >= store->logs.count || store->logs.at[subject->log] == NULL ||
		subject->count == 0)
		return 0;
	run = td_runs_find(&store->runs, subject->position);
	if (run == NULL || (td_run_line(run, subject->position)->flags & TD_LINE_REMOVED) == 0 ||
		td_map_get(&store->fallen, ref) != NULL)
		return 0;
	code = td_index_reserve_gone(store, err);
	if (code == 0)
		code = live_below(store, ref, subject->position, &live, err);
	if (code == 0)
		fall(store, store->logs.at[subject->log], ref, &live);
	return code;
}

void td_index_end(struct td_store *store, uint32_t ref)
{
	struct td_log *log = store->logs.at[td_subject_at(&store->subjects, ref)->log];

	free(td_map_remove(&store->fallen, ref));
	td_crowd_forget(store, ref);
	td_subjects_remove(&store->subjects, ref);
	log->subjects--;
}

int td_index_gone(struct td_store *store, struct td_run *run, uint64_t position,
	struct td_gone *gone, struct td_error *err)
{
	struct td_line *line = td_run_line(run, position);
	uint64_t losses = store->runs.losses;
	uint32_t ref = td_store_ref(store, run, line);
	struct td_fallen live = {0};
	struct td_subject *subject;
	struct td_log *log;
	uint64_t latest;
	int code;

	/* All that has to be looked up comes before the first change. */
	if (ref == TD_SUBJECT_NONE || store->runs.losses != losses)
		return td_store_lost(err);
	TD_ASSERT((line->flags & (TD_LINE_EVENT | TD_LINE_REMOVED)) == TD_LINE_EVENT);
	log = store->logs.at[line->log];
	subject = td_subject_at(&store->subjects, ref);
	latest = td_store_live(store, ref).position;
	if (subject->count > 1 && position == latest) {
		code = live_below(store, ref, position, &live, err);
		if (code != 0)
			return code;
	}
	td_run_touch(run, position);
	line->flags |= TD_LINE_REMOVED;
	run->removed++;
	run->dead++;
	run->removed_there++;
	run->removed_bytes += line->bytes;
	log->count--;
	log->bytes -= line->bytes;
	subject->count--;
	gone->ref = ref;
	gone->ended = subject->count == 0;
	gone->topped = position == latest && !log->config.revisions_forgotten && !log->leaves &&
		       !(TD_BUG(223) && subject->count > 0);
	if (gone->topped)
		gone->top = (struct td_top){
			td_top_hash(store->top_seed, log->number, td_subject_address(subject)),
			subject->seq, subject->revision + td_leaps_since(store, subject->position),
			log->number};
	if (subject->count > 0) {
		if (position == latest)
			fall(store, log, ref, &live);
		return 0;
	}
	if (gone->topped)
		td_tops_put(&store->tops, &gone->top);
	free(td_map_remove(&store->fallen, ref));
	return 0;
}

void td_index_sweep(struct td_store *store, struct td_run *run)
{
	if (store->shelf.journal == NULL && run->dead == run->next - run->base &&
		run != store->runs.at[store->runs.count - 1])
		td_runs_drop(&store->runs, run);
}
