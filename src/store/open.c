/*
 * Opening: the journal recovers; then all its records are read once, and what is derived from them
 * stands as it stood.
 */
#include "store/private.h"

#include <stdlib.h>

#include "store/chore.h"

/* --- making --------------------------------------------------------------------------------- */

static void *copy_of(const void *array, size_t count, size_t item)
{
	void *copy = malloc(count * item + 1);

	if (copy != NULL && count > 0)
		memcpy(copy, array, count * item);
	return copy;
}

static int keep_options(
	struct td_store *store, const struct td_store_options *options, struct td_error *err)
{
	const size_t gate = sizeof(struct td_gate), tap = sizeof(struct td_tap);

	store->clock = options->journal.clock != NULL ? options->journal.clock : &td_clock_real;
	store->random = options->journal.random != NULL ? options->journal.random : &td_random_real;
	store->disk = options->journal.disk != NULL ? options->journal.disk : &td_disk_real;
	store->read_only = options->journal.read_only;
	store->restored.max = store->forgets.max = SIZE_MAX / 2;
	store->index_bytes = options->index_bytes != 0 ? options->index_bytes : (size_t)64 << 20;
	store->payload_bytes_max =
		options->payload_bytes_max != 0 ? options->payload_bytes_max : TD_PAYLOAD_DEFAULT;
	store->subjects_max = options->subjects_max != 0 ? options->subjects_max : (size_t)16 << 20;
	if (store->payload_bytes_max > TD_PAYLOAD_MAX)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"payload_bytes_max: at most %zu", TD_PAYLOAD_MAX);
	store->gates = copy_of(options->gates, options->gates_count, gate);
	store->taps = copy_of(options->taps, options->taps_count, tap);
	if (store->gates == NULL || store->taps == NULL)
		return td_error_nomem(err);
	store->gates_count = options->gates_count;
	store->taps_count = options->taps_count;
	return 0;
}

static int add_own(struct td_store *store, uint32_t number, const char *name, struct td_log **out,
	struct td_error *err)
{
	const struct td_log_config config = {0};
	struct td_log *log;
	int code = td_log_new(&log, &store->logs, number, td_text(name), &config, err);

	if (code != 0)
		return code;
	code = td_logs_add(&store->logs, log, err);
	if (code != 0) {
		td_log_free(log);
		return code;
	}
	*out = log;
	return 0;
}

/* The store's own logs, which are there without anybody having made them. */
static int add_logs(struct td_store *store, bool events, struct td_error *err)
{
	int code = add_own(store, TD_LOG_NUMBER_CONTROL, TD_LOG_CONTROL, &store->control, err);

	if (code == 0 && events)
		code = add_own(store, TD_LOG_NUMBER_EVENTS, TD_LOG_EVENTS, &store->events, err);
	if (code != 0)
		return code;
	/* Its addresses are nobody's claim. */
	store->control->stray = true;
	store->logs.next_number = TD_LOG_NUMBER_EVENTS + 1;
	return 0;
}

static int store_new(struct td_store **out, const struct td_store_options *options, bool events,
	struct td_error *err)
{
	struct td_store *store = calloc(1, sizeof(*store));
	int code;

	if (store == NULL)
		return td_error_nomem(err);
	code = td_mutex_init(&store->lock, err);
	if (code != 0) {
		free(store);
		return code;
	}
	store->pending_end = &store->pending;
	store->tapped = 1;
	store->tap_place = td_place_at(1);
	*out = store;
	code = keep_options(store, options, err);
	if (code != 0)
		return code;
	store->random->fill(store->random->arg, &store->seed, sizeof(store->seed));
	store->random->fill(store->random->arg, &store->top_seed, sizeof(store->top_seed));
	td_subjects_init(&store->subjects, store->seed);
	td_runs_init(&store->runs);
	code = td_logs_init(&store->logs, store->seed, err);
	return code != 0 ? code : add_logs(store, events, err);
}

/* All but the shelf. */
static void store_free(struct td_store *store)
{
	size_t cursor = 0;
	struct td_map_slot *slot;
	struct td_pending *pending;
	struct td_chore *chore;

	while ((slot = td_map_next(&store->fallen, &cursor)) != NULL)
		free(slot->value);
	td_map_fini(&store->fallen);
	td_map_fini(&store->shades);
	td_map_fini(&store->crowd_places);
	free(store->fallen_spare);
	while ((pending = store->pending) != NULL) {
		store->pending = pending->next;
		free(pending);
	}
	while ((chore = store->chores) != NULL) {
		store->chores = chore->next;
		free(chore);
	}
	while ((chore = store->chores_out) != NULL) { /* forgotten */
		store->chores_out = chore->next;
		td_catalog_make_free(chore->make);
		td_keys_work_free(chore->keys);
		free(chore);
	}
	td_catalog_make_free(store->making);
	td_opener_fini(&store->tap_opener);
	td_seals_fini(&store->seals);
	td_buf_fini(&store->restored);
	td_buf_fini(&store->forgets);
	td_erased_fini(store);
	free(store->rewriting.positions);
	td_logs_fini(&store->logs);
	td_subjects_fini(&store->subjects);
	td_tops_fini(&store->tops);
	free(store->leaps);
	td_runs_fini(&store->runs);
	free(store->gates);
	free(store->taps);
	free(store->plans);
	td_mutex_fini(&store->lock);
	free(store);
}

/* --- a journal ------------------------------------------------------------------------------ */

/* Positions that cannot be read: lines without a record, so that the others keep their places. */
static int fold_lost(struct td_store *store, uint64_t from, uint64_t to, struct td_error *err)
{
	uint32_t number = store->runs.count > 0 ? store->runs.at[store->runs.count - 1]->number : 0;

	for (uint64_t position = from; position <= to; position++) {
		if (!td_runs_reserve(&store->runs, 1, 0))
			return td_error_nomem(err);
		td_runs_add(&store->runs, position, (uint64_t)number << 32)->flags = TD_LINE_HOLE;
	}
	return 0;
}

/*
 * Records that cannot be read. To look only, they are passed over, and readers are told. But where
 * events are to be appended nothing is known without them: seqs and revisions that they gave would
 * be given again, what they removed would be back.
 */
static int lose(struct td_store *store, const struct td_place *place, uint64_t lost_to,
	struct td_error *err)
{
	if (store->read_only || TD_BUG(243))
		return 0;
	return td_error_wrap(err, TD_E_DAMAGED,
		"positions %" PRIu64 " to %" PRIu64
		" cannot be read, and what is appended rests on them: put the file back from a "
		"backup, or open it to look only",
		place->scan.position, lost_to);
}

#define AHEAD 16u

/* A look at the records to come: what folding them will look at is asked for, in two steps. */
struct ahead {
	struct td_place place;
	uint64_t hashes[AHEAD]; /* of the addresses of the last so many */
	size_t count;
	bool ended;
};

static void look_ahead(struct td_store *store, struct ahead *ahead)
{
	uint64_t *hash = &ahead->hashes[ahead->count++ % AHEAD];
	struct td_event_record event;
	struct td_record record;
	uint64_t lost_to = 0;

	if (ahead->ended)
		return;
	/* Damage is for who folds to tell. */
	if (store->shelf.scan(store->shelf.arg, &ahead->place, &record, &lost_to, NULL) != 0) {
		ahead->ended = true;
		return;
	}
	td_subjects_want_entry(&store->subjects, ahead->hashes[(ahead->count + AHEAD / 2) % AHEAD]);
	if (record.body.len == 0 || record.body.at[0] != TD_RECORD_EVENT ||
		td_event_record_read(&event, record.body) != NULL)
		return;
	*hash = td_subjects_hash(&store->subjects, event.address);
	td_subjects_want(&store->subjects, *hash);
}

/* Records [from, to), as they stand. */
static int fold_records(struct td_store *store, uint64_t from, uint64_t to, struct td_error *err)
{
	struct td_place place = td_place_at(from);
	struct ahead ahead = {.place = td_place_at(from)};
	struct td_record record;
	uint64_t lost_to = 0;
	int code = 0;

	for (size_t i = 0; i < AHEAD; i++)
		look_ahead(store, &ahead);
	while (place.scan.position < to) {
		look_ahead(store, &ahead);
		code = store->shelf.scan(store->shelf.arg, &place, &record, &lost_to, err);
		if (code == TD_E_DAMAGED) {
			code = lose(store, &place, lost_to, err);
			if (code == 0)
				code = fold_lost(store, place.scan.position, lost_to, err);
			store->shelf.leave(&place);
			place = td_place_at(lost_to + 1);
		} else if (code == 0) {
			code = td_index_fold(store, &record, err);
		}
		if (code != 0)
			break;
	}
	store->shelf.leave(&ahead.place);
	store->shelf.leave(&place);
	return code == TD_E_NOT_FOUND ? 0 : code;
}

/* The keys of records [from, to), whose lines are there. */
static int fold_keys(struct td_store *store, uint64_t from, uint64_t to, struct td_error *err)
{
	struct td_place place = td_place_at(from);
	struct td_record record;
	uint64_t lost_to = 0;
	int code = 0;

	while (code == 0 && place.scan.position < to) {
		code = store->shelf.scan(store->shelf.arg, &place, &record, &lost_to, err);
		if (code == TD_E_DAMAGED) {
			code = lose(store, &place, lost_to, err);
			store->shelf.leave(&place);
			place = td_place_at(lost_to + 1);
		} else if (code == 0) {
			code = td_index_fold_key(store, &record, err);
		}
	}
	store->shelf.leave(&place);
	return code == TD_E_NOT_FOUND ? 0 : code;
}

/* The longest window of duplicates, of the logs known so far; at least that of `events`. */
td_time td_store_longest_window(const struct td_store *store)
{
	int64_t ms = 0;

	for (size_t i = 0; i < store->logs.count; i++) {
		const struct td_log *log = store->logs.at[i];

		if (log != NULL && log->config.duplicates_ms > ms)
			ms = log->config.duplicates_ms;
	}
	return ms < INT64_MAX / 2000000 ? ms * 1000000 : INT64_MAX / 2;
}

/*
 * A log has a longer window than was known when the first of these segments was taken from its
 * catalog, which tells nothing of keys: all keys are read again, for they are noted in order.
 */
static int fold_keys_again(struct td_store *store, const struct td_segment_info *segments,
	size_t count, struct td_error *err)
{
	td_time since = td_clock_wall(store->clock) - td_store_longest_window(store);
	int code = 0;

	for (size_t i = 0; i < store->logs.count; i++) {
		if (store->logs.at[i] != NULL)
			td_duplicates_fini(&store->logs.at[i]->duplicates);
	}
	for (size_t i = 0; code == 0 && i < count; i++) {
		if (!segments[i].sealed || segments[i].to >= since)
			code = fold_keys(store, segments[i].base,
				segments[i].sealed ? segments[i].next : UINT64_MAX, err);
	}
	return code;
}

/*
 * Segment by segment: by its catalog, or by its records where those tell of duplicates, too: as far
 * as is known by then, since how long a window is stands in the records themselves.
 */
static int fold_segments(struct td_store *store, const struct td_segment_info *segments,
	size_t count, struct td_error *err)
{
	td_time now = td_clock_wall(store->clock), without_keys = INT64_MIN;
	int code = 0;

	for (size_t i = 0; code == 0 && i < count; i++) {
		code = TD_E_NOT_FOUND;
		if (segments[i].sealed &&
			(segments[i].to < now - td_store_longest_window(store) || TD_BUG(242)))
			code = td_store_restore(store, &segments[i], err);
		if (code == 0 && segments[i].to > without_keys && !TD_BUG(242))
			without_keys = segments[i].to;
		else if (code == TD_E_NOT_FOUND)
			code = fold_records(store, segments[i].base,
				segments[i].sealed ? segments[i].next : UINT64_MAX, err);
		if (code == TD_E_DAMAGED)
			code = td_error_wrap(err, code, "seg-%016" PRIx64 ".log", segments[i].base);
	}
	if (code == 0 && without_keys >= now - td_store_longest_window(store) && !TD_BUG(241))
		code = fold_keys_again(store, segments, count, err);
	if (code == 0)
		code = td_store_restore_end(store, err);
	return code == 0 ? td_index_fold_end(store, err) : code;
}

static int fold(struct td_store *store, struct td_error *err)
{
	size_t count = td_journal_segments(store->shelf.journal, NULL, 0);
	struct td_segment_info *segments = malloc((count + 1) * sizeof(*segments));
	int code;

	if (segments == NULL)
		return td_error_nomem(err);
	td_journal_segments(store->shelf.journal, segments, count);
	code = fold_segments(store, segments, count, err);
	/* What an index said when it was checked it does not say any more. */
	if (code == 0 && store->runs.losses > 0)
		code = td_store_lost(err);
	free(segments);
	return code;
}

/* Room for a record, with what has to be committed or prepared for it. */
static int make_room(struct td_store *store, size_t bytes, struct td_error *err)
{
	struct td_journal *journal = store->shelf.journal;
	int code = store->shelf.room(store->shelf.arg, 1, bytes, true, err);
	struct td_work *work;
	int failed = 0;

	while (code == TD_E_FULL && failed == 0 &&
		(work = td_journal_next(journal, TD_WORK_COMMIT | TD_WORK_SPARE, INT64_MAX)) !=
			NULL) {
		td_work_run(work);
		failed = td_journal_done(journal, work, err);
		if (failed == 0)
			code = store->shelf.room(store->shelf.arg, 1, bytes, true, err);
	}
	return failed != 0 ? failed : code;
}

/* The first record of a store: its secret. */
static int found(struct td_store *store, struct td_error *err)
{
	const struct td_store_record record = {1, store->top_seed};
	uint8_t body[TD_STORE_RECORD_BYTES];
	const struct td_text part = td_text_of(body, sizeof(body));
	uint64_t location, position;
	int code;

	if (store->founded)
		return 0;
	if (store->runs.count > 0)
		return td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET,
			"seg-%016x.log: position 1: the first record is not a store's: run "
			"`tidings verify`",
			1u);
	if (!td_runs_reserve(&store->runs, 1, 0))
		return td_error_nomem(err);
	code = make_room(store, sizeof(body), err);
	if (code != 0)
		return code;
	td_store_record_put(&record, body);
	position = store->shelf.stage(store->shelf.arg, &part, 1, &location);
	td_runs_add(&store->runs, position, location);
	store->founded = true;
	return 0;
}

/* Positions were given up, and there is no record of it yet. */
static int leap(struct td_store *store, struct td_error *err)
{
	struct td_loss_record loss;
	uint8_t body[TD_LOSS_RECORD_BYTES];
	const struct td_text part = td_text_of(body, sizeof(body));
	uint64_t location, position;
	int code;

	loss.to = td_journal_lost(store->shelf.journal, &loss.from);
	if (loss.to <= store->lost_to)
		return 0;
	if (!td_runs_reserve(&store->runs, 1, 0))
		return td_error_nomem(err);
	code = make_room(store, sizeof(body), err);
	if (code == 0)
		code = td_leap_add(store, &loss, td_store_staged(store), err);
	if (code != 0)
		return code;
	td_loss_record_put(&loss, body);
	position = store->shelf.stage(store->shelf.arg, &part, 1, &location);
	td_runs_add(&store->runs, position, location);
	return 0;
}

/* Keys stand beside the journal; what it says of them is read with the rest. */
static int open_keys(struct td_store *store, bool strict, struct td_error *err)
{
	struct td_keys_options options = {.disk = store->disk,
		.dir = TD_DISK_NOWHERE,
		.random = store->random,
		.strict = strict,
		.read_only = store->read_only};
	struct td_journal_state state;

	if (store->shelf.journal != NULL) {
		td_journal_state(store->shelf.journal, &state);
		memcpy(options.store, state.uuid, sizeof(options.store));
		options.dir = td_journal_directory(store->shelf.journal);
	}
	return td_seals_open(store, &options, err);
}

/* Keys that were made ahead before a crash are not given any more. */
static int pass_keys(struct td_store *store, bool clean, struct td_error *err)
{
	struct td_key_given given = {0};
	uint8_t body[TD_KEYS_FIXED_BYTES + TD_KEY_GIVEN_BYTES];
	const struct td_text part = td_text_of(body, sizeof(body));
	uint64_t location, position;
	int code = td_keys_begin(store->seals.keys, clean, &given.number, err);

	if (code != 0 || given.number == 0 || store->read_only)
		return code;
	if (!td_runs_reserve(&store->runs, 1, 0))
		return td_error_nomem(err);
	code = make_room(store, sizeof(body), err);
	if (code != 0)
		return code;
	td_keys_record_head(body);
	td_key_given_put(&given, body + TD_KEYS_FIXED_BYTES);
	position = store->shelf.stage(store->shelf.arg, &part, 1, &location);
	td_runs_add(&store->runs, position, location);
	return 0;
}

/* A crash came between. Where it cannot be done now (a full disk), appends go on with it. */
static int go_on_adopting(struct td_store *store, struct td_error *err)
{
	const unsigned kinds = TD_WORK_COMMIT | TD_WORK_SPARE | TD_WORK_KEYS;
	struct td_error unseen = TD_ERROR_INIT;
	struct td_chore *chore;
	int code = td_adopt_pending(store, &unseen), failed = 0;

	while (code == TD_E_FULL && failed == 0 &&
		(chore = td_store_next(store, kinds, INT64_MAX)) != NULL) {
		td_chore_run(chore);
		failed = td_store_done(store, chore, err);
		if (failed == 0)
			code = td_adopt_pending(store, &unseen);
	}
	return failed != 0 && failed != TD_E_DISK_FULL ? failed : 0;
}

static int open_journal(struct td_store *store, const char *path,
	const struct td_store_options *options, struct td_recovery *report, struct td_error *err)
{
	struct td_recovery unseen;
	struct td_journal *journal;
	int code;

	report = report != NULL ? report : &unseen;
	code = td_journal_open(&journal, path, &options->journal, report, err);

	if (code != 0)
		return code;
	td_shelf_journal(&store->shelf, journal);
	code = open_keys(store, options->journal.strict, err);
	if (code == 0)
		code = fold(store, err);
	if (code == 0)
		code = pass_keys(store, report->clean && report->damages_count == 0, err);
	if (code == 0)
		code = td_forget_fold_end(store, err);
	if (code == 0)
		code = td_erased_fold_end(store, err);
	store->tapped = td_journal_durable(journal);
	store->tap_place = td_place_at(store->tapped);
	if (code == 0 && !options->journal.read_only)
		code = found(store, err);
	if (code == 0 && !options->journal.read_only)
		code = leap(store, err);
	if (code == 0)
		td_leap_logs(store);
	if (code == 0 && !store->read_only && store->adoption_pending)
		code = go_on_adopting(store, err);
	return code == 0 ? 0 : td_error_wrap(err, code, "store %s", path);
}

/* --- the door --------------------------------------------------------------------------------- */

int td_store_open(struct td_store **out, const char *path, const struct td_store_options *options,
	struct td_recovery *report, struct td_error *err)
{
	struct td_store *store = NULL;
	int code = store_new(&store, options, path != NULL || options->events, err);

	if (code == 0 && path != NULL)
		code = open_journal(store, path, options, report, err);
	else if (code == 0)
		code = td_shelf_memory(&store->shelf, store->clock, 0, err);
	if (code == 0 && path == NULL)
		code = open_keys(store, false, err);
	if (code != 0) {
		if (store != NULL)
			td_store_abandon(store);
		return code;
	}
	*out = store;
	return 0;
}

struct td_journal *td_store_journal(struct td_store *store)
{
	return store->shelf.journal;
}

void td_store_abandon(struct td_store *store)
{
	if (store == NULL)
		return;
	if (store->shelf.leave != NULL)
		store->shelf.leave(&store->tap_place);
	if (store->shelf.journal != NULL)
		td_journal_abandon(store->shelf.journal);
	else
		td_shelf_memory_free(&store->shelf);
	store_free(store);
}

int td_store_close(struct td_store *store, struct td_error *err)
{
	int code = 0;

	if (store == NULL)
		return 0;
	store->shelf.leave(&store->tap_place);
	if (store->shelf.journal == NULL) {
		td_shelf_memory_free(&store->shelf);
	} else {
		code = td_journal_close(store->shelf.journal, err);
		/* All that was told is durable now. */
		if (code == 0)
			code = td_forget_fold_end(store, err);
	}
	store_free(store);
	return code;
}
