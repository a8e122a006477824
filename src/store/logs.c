/*
 * Logs made, changed and deleted: each an event of `$tidings`, which is all that is kept of it. When
 * the store opens, the same events make the same logs.
 */
#include "store/private.h"

#define TYPE_CREATED "td.log.created"
#define TYPE_CHANGED "td.log.changed"
#define TYPE_DELETED "td.log.deleted"

/* --- the event ---------------------------------------------------------------------------- */

static int write_event(struct td_store *store, struct td_buf *block, const char *type,
	const char *subject, const char *json, struct td_error *err)
{
	struct td_event *event = NULL;
	const struct td_draft draft = {.type = type, .subject = subject, .json = json};
	struct td_origin origin = {.source = td_text("td:store")};
	uint8_t uuid[16];
	uint64_t number;
	int code;

	store->random->fill(store->random->arg, &number, sizeof(number));
	origin.now = td_clock_wall(store->clock);
	td_uuid_next(&store->tick, origin.now, number, uuid);
	origin.uuid = uuid;
	code = td_event_make(&event, &draft, &origin, err);
	if (code != 0)
		return code;
	td_event_write_headers(event, block);
	td_event_unref(event);
	return td_buf_check(block, err);
}

int td_control_tell(struct td_store *store, const char *type, const char *log, struct td_text json,
	struct td_placed *placed, uint64_t *rests_on, struct td_error *err)
{
	struct td_buf subject = TD_BUF_INIT(1024), block = TD_BUF_INIT(TD_HEADER_BYTES_MAX);
	struct td_entry entry = {.log = td_text(TD_LOG_CONTROL)};
	int code;

	td_buf_printf(&subject, "log.%s", log);
	code = td_buf_check(&subject, err);
	if (code == 0)
		code = write_event(store, &block, type, subject.at, json.at, err);
	if (code == 0) {
		entry.address = td_buf_view(&subject);
		entry.type = td_text(type);
		entry.headers = td_buf_view(&block);
		entry.payload = json;
		code = td_store_append(store, &entry, 1, placed, rests_on, NULL, err);
	}
	td_buf_fini(&subject);
	td_buf_fini(&block);
	return code == 0 ? 0 : td_error_wrap(err, code, "log %s", log);
}

/* What was decided of a log, as an event of `$tidings`. */
static int tell(struct td_store *store, const char *type, const struct td_log *log,
	uint64_t *position, uint64_t *rests_on, struct td_error *err)
{
	struct td_buf json = TD_BUF_INIT(TD_PAYLOAD_DEFAULT);
	struct td_placed placed = {0};
	int code;

	td_log_config_write(&json, log->number, td_text(log->name), &log->config);
	code = td_buf_check(&json, err);
	if (code == 0)
		code = td_control_tell(
			store, type, log->name, td_buf_view(&json), &placed, rests_on, err);
	td_buf_fini(&json);
	if (code == 0)
		*position = store->logs_changed = placed.position;
	return code;
}

/* --- create, change ------------------------------------------------------------------------- */

static bool is_claimed_by(const struct td_log_config *config, struct td_text address)
{
	for (size_t i = 0; i < config->subjects_count; i++) {
		if (td_pattern_matches(config->subjects[i], address))
			return true;
	}
	return false;
}

/*
 * How many events `events` holds of what this configuration claims. A subject of which all was removed has
 * an entry there until that is durable: from now on who has it asks who claims it.
 */
static uint64_t held_by_events(struct td_store *store, const struct td_log_config *config)
{
	struct td_subjects_walk walk = {0};
	uint64_t count = 0;
	uint32_t ref;

	if (store->events == NULL || config->subjects_count == 0 || store->events->subjects == 0)
		return 0;
	while ((ref = td_subjects_next(&store->subjects, &walk)) != TD_SUBJECT_NONE) {
		const struct td_subject *subject = td_subject_at(&store->subjects, ref);

		if (subject->log != store->events->index ||
			!is_claimed_by(config, td_subject_address(subject)))
			continue;
		count += subject->count;
		store->events->stray = true;
	}
	return count;
}

static int check_set(struct td_store *store, const struct td_log *log, struct td_text name,
	const struct td_log_config *config, unsigned change, uint64_t *held, struct td_error *err)
{
	int code;

	if (log == store->control && log != NULL)
		return td_error_set(
			err, TD_E_INVALID, TD_NO_OFFSET, "log %s is not to be set", TD_LOG_CONTROL);
	if (log != NULL && (change & TD_LOG_CHANGE) == 0)
		return td_error_set(err, TD_E_EXISTS, TD_NO_OFFSET, "log %.*s", TD_TEXT_ARG(name));
	if (log == NULL && (change & TD_LOG_CREATE) == 0)
		return td_error_set(
			err, TD_E_NOT_FOUND, TD_NO_OFFSET, "log %.*s", TD_TEXT_ARG(name));
	if (log != NULL && log == store->events && config->subjects_count > 0)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"log %s keeps what nobody claims: it has no subjects", TD_LOG_EVENTS);
	if (log == NULL && (td_text_is(name, TD_LOG_EVENTS) || name.len == 0 || name.at[0] == '$'))
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"log %.*s: this name is the store's own", TD_TEXT_ARG(name));
	code = td_logs_check(&store->logs, log, name, config, err);
	if (code != 0)
		return code;
	*held = held_by_events(store, config);
	if (*held > 0 && (change & TD_LOG_ADOPT) == 0)
		return td_error_set(err, TD_E_EXISTS, TD_NO_OFFSET,
			"log %s holds %" PRIu64 " events of these subjects: adopt them",
			TD_LOG_EVENTS, *held);
	return 0;
}

static int create(
	struct td_store *store, struct td_log *made, uint64_t *rests_on, struct td_error *err)
{
	uint64_t position;
	int code;

	made->made = UINT64_MAX; /* nobody is shown it */
	td_mutex_lock(&store->lock);
	code = td_logs_add(&store->logs, made, err);
	td_mutex_unlock(&store->lock);
	if (code != 0) {
		td_log_free(made);
		return code;
	}
	made->created = td_clock_wall(store->clock);
	code = tell(store, TYPE_CREATED, made, &position, rests_on, err);
	td_mutex_lock(&store->lock);
	if (code == 0)
		made->made = position;
	else
		td_logs_remove(&store->logs, made);
	td_mutex_unlock(&store->lock);
	return code;
}

/* Readers are shown what was until the record of the change is durable. */
static int begin_change(
	struct td_store *store, struct td_log *log, struct td_log *with, struct td_error *err)
{
	int code;

	td_mutex_lock(&store->lock);
	code = td_logs_change(&store->logs, log, with, err);
	if (code == 0) {
		with->changed = UINT64_MAX;
		with->was = log->was;
		log->was = with;
	}
	td_mutex_unlock(&store->lock);
	return code;
}

static void end_change(struct td_store *store, struct td_log *log, uint64_t position)
{
	log->was->changed = position;
	/* What it held may not be what it claims now. */
	log->stray = log->stray || log != store->events;
	if (log->config.count_per_subject_max != 0)
		store->crowd_lost = true;
	td_logs_settle(store);
}

static void undo_change(struct td_store *store, struct td_log *log)
{
	struct td_log *with = log->was;

	log->was = with->was;
	with->was = NULL;
	if (td_logs_change(&store->logs, log, with, NULL) != 0)
		TD_UNREACHABLE();
	td_log_free(with);
}

static int change_to(struct td_store *store, struct td_log *log, struct td_log *with,
	uint64_t *rests_on, struct td_error *err)
{
	uint64_t position;
	int code = begin_change(store, log, with, err);

	if (code != 0) {
		td_log_free(with);
		return code;
	}
	code = tell(store, TYPE_CHANGED, log, &position, rests_on, err);
	td_mutex_lock(&store->lock);
	if (code == 0)
		end_change(store, log, position);
	else
		undo_change(store, log);
	td_mutex_unlock(&store->lock);
	return code;
}

static int set(struct td_store *store, struct td_log *log, struct td_text name,
	const struct td_log_config *config, uint64_t *rests_on, struct td_error *err)
{
	struct td_log *made;
	int code =
		td_log_new(&made, &store->logs, log != NULL ? log->number : 0, name, config, err);

	if (code != 0)
		return code;
	return log != NULL ? change_to(store, log, made, rests_on, err)
			   : create(store, made, rests_on, err);
}

int td_store_log_set(struct td_store *store, struct td_text name,
	const struct td_log_config *config, unsigned change, uint64_t *rests_on,
	struct td_error *err)
{
	struct td_log *log = td_logs_find(&store->logs, name);
	struct td_log_config with = *config;
	uint64_t held = 0;
	int code;

	*rests_on = 0;
	if ((change & (TD_LOG_CREATE | TD_LOG_CHANGE)) == 0)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "neither create nor change");
	/* It is at it: the frame was full. */
	if (log != NULL && log->config.adopting && (change & TD_LOG_ADOPT) != 0)
		return td_adopt(store, log, rests_on, err);
	/* Not while this one is told of: it would be taken for another that adopts. */
	code = TD_BUG(252) ? 0 : td_adopt_first(store, err);
	if (code != 0)
		return code;
	code = check_set(store, log, name, config, change, &held, err);
	/* Other logs and their events, as they are staged. */
	if (code == TD_E_EXISTS || code == TD_E_NOT_FOUND)
		*rests_on = td_store_rests_on(store);
	if (code != 0)
		return code;
	with.adopting = held > 0 || (log != NULL && log->config.adopting);
	with.adopted = log != NULL && log->config.adopted;
	code = set(store, log, name, &with, rests_on, err);
	if (code != 0 || !with.adopting)
		return code;
	store->adoption_pending = true;
	log = td_logs_find(&store->logs, name);
	log->adopted_to = 0;
	return td_adopt(store, log, rests_on, err);
}

int td_log_adopted(
	struct td_store *store, struct td_log *log, uint64_t *rests_on, struct td_error *err)
{
	bool before = log->config.adopted;
	uint64_t position;
	int code;

	td_mutex_lock(&store->lock);
	code = td_index_raise(store, log, err);
	td_mutex_unlock(&store->lock);
	if (code != 0)
		return code;
	log->config.adopting = false;
	log->config.adopted = true;
	code = tell(store, TYPE_CHANGED, log, &position, rests_on, err);
	if (code != 0) {
		log->config.adopting = true;
		log->config.adopted = before;
	}
	return code;
}

/* --- delete --------------------------------------------------------------------------------- */

/* Pages that are in memory; those that come later ask the catalog's list of logs. */
static void forget_lines(struct td_run *run, const struct td_run_log *in)
{
	for (uint64_t at = in->first; at <= in->last; at++) {
		struct td_line *heap = run->heaps[at / TD_LINES_HEAP], *line;

		if (heap == NULL)
			continue;
		line = &heap[at % TD_LINES_HEAP];
		/* All of it was removed before; its bytes lie there until they are rewritten. */
		if ((line->flags & TD_LINE_EVENT) != 0 && line->log == in->log)
			line->flags &= TD_LINE_REMOVED | TD_LINE_HOLE | TD_LINE_ERASE;
	}
	for (size_t i = 0; run->catalog != NULL && i < run->catalog->head.logs; i++) {
		if (run->catalog->logs[i] == in->log)
			run->catalog->logs[i] = TD_LOG_GONE;
	}
}

/* All its events are removed: its lines are nobody's, so that another log may take the index. */
static void forget(struct td_store *store, struct td_log *log)
{
	for (size_t i = 0; i < store->runs.count; i++) {
		struct td_run *run = store->runs.at[i];

		for (size_t j = 0; j < run->logs_count; j++) {
			if (run->logs[j].log != log->index)
				continue;
			forget_lines(run, &run->logs[j]);
			run->logs[j] = run->logs[--run->logs_count];
			break;
		}
	}
	td_logs_remove(&store->logs, log);
}

/* From now on it is a log that was deleted: for decisions, and for readers with that position. */
static void leave(struct td_store *store, struct td_log *log, uint64_t position)
{
	for (size_t i = 0; i < store->runs.count; i++) {
		struct td_run *run = store->runs.at[i];

		for (size_t j = 0; j < run->logs_count; j++)
			run->forgotten = run->forgotten || run->logs[j].log == log->index;
	}
	td_duplicates_fini(&log->duplicates);
	td_logs_leave(&store->logs, log, position);
	td_logs_settle(store);
}

/* One record says it all; its events are removed in steps, behind it: td_logs_leave_on(). */
int td_store_log_delete(
	struct td_store *store, struct td_text name, uint64_t *rests_on, struct td_error *err)
{
	struct td_log *log = td_logs_find(&store->logs, name);
	struct td_buf sealed = TD_BUF_INIT(SIZE_MAX / 2);
	uint64_t position;
	int code;

	*rests_on = td_logs_rest_on(store);
	if (log == NULL)
		return td_error_set(
			err, TD_E_NOT_FOUND, TD_NO_OFFSET, "log %.*s", TD_TEXT_ARG(name));
	*rests_on = 0;
	if (log == store->control || log == store->events)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "log %s stays", log->name);
	code = td_adopt_first(store, err);
	if (code == 0)
		code = td_forget_log_plan(store, log, &sealed, err);
	if (code == 0)
		code = tell(store, TYPE_DELETED, log, &position, rests_on, err);
	if (code == 0) {
		td_forget_log(store, &sealed, position);
		td_mutex_lock(&store->lock);
		leave(store, log, position);
		td_mutex_unlock(&store->lock);
	}
	td_buf_fini(&sealed);
	return code;
}

/* A log whose deletion is durable, and that still has events, or had. */
static struct td_log *leaving(const struct td_store *store)
{
	uint64_t durable = store->shelf.durable(store->shelf.arg);

	for (size_t i = 0; store->logs.leaving > 0 && i < store->logs.count; i++) {
		struct td_log *log = store->logs.at[i];

		if (log != NULL && log->leaves && log->left < durable)
			return log;
	}
	return NULL;
}

bool td_logs_leave_due(const struct td_store *store)
{
	const struct td_log *log = store->read_only ? NULL : leaving(store);

	/* The last of its events may be on their way out. */
	return log != NULL && (log->count > 0 || store->pending == NULL) && !td_retain_waits(store);
}

#define LOOK_MAX 16384u

/* Some of its events, oldest first, from where it is known to have none below. */
static size_t gather_leaving(struct td_store *store, struct td_log *log, uint64_t *positions)
{
	uint64_t position = td_log_first(store, log);
	const struct td_run *run = position == 0 ? NULL : td_runs_find(&store->runs, position);
	size_t count = 0, looked = 0;

	while (run != NULL && count < TD_RETAIN_BATCH && looked < LOOK_MAX) {
		for (; position < run->next && count < TD_RETAIN_BATCH && looked < LOOK_MAX;
			position++, looked++) {
			const struct td_line *line = td_run_line(run, position);

			if (line->log == log->index &&
				(line->flags & (TD_LINE_EVENT | TD_LINE_REMOVED)) == TD_LINE_EVENT)
				positions[count++] = position;
		}
		run = td_runs_from(&store->runs, run->next);
		position = run != NULL ? run->base : 0;
	}
	return count;
}

int td_logs_leave_on(struct td_store *store, struct td_error *err)
{
	struct td_log *log = td_logs_leave_due(store) ? leaving(store) : NULL;
	uint64_t removed, losses;
	size_t count;
	int code = 0;

	if (log == NULL)
		return 0;
	td_mutex_lock(&store->lock);
	losses = store->runs.losses;
	count = gather_leaving(store, log, store->retain_positions);
	if (store->runs.losses != losses)
		code = td_store_lost(err);
	else if (count > 0)
		code = td_remove_positions(store, log, store->retain_positions, count, false,
			td_text("log deleted"), &removed, err);
	if (log->count == 0 && store->pending == NULL &&
		td_tops_forget(&store->tops, log->number, &log->sweep, LOOK_MAX))
		forget(store, log);
	td_mutex_unlock(&store->lock);
	/* Where there is no space, or a page is not given, not at once again. */
	if (code != 0 && code != TD_E_FULL)
		td_retain_wait(store);
	return code;
}

/* --- folding ---------------------------------------------------------------------------------- */

static int fold_config(struct td_store *store, const struct td_event_record *record,
	struct td_arena *arena, struct td_error *err)
{
	struct td_log_config config;
	struct td_log *log, *made;
	struct td_text name;
	uint32_t number;
	int code = td_log_config_read(record->payload, &number, &name, &config, arena, err);

	if (code != 0)
		return code;
	log = td_logs_number(&store->logs, number);
	if (td_text_is(record->type, TYPE_DELETED)) {
		code = log != NULL ? td_forget_log_fold(store, log, err) : 0;
		if (code == 0 && log != NULL && !log->leaves && !TD_BUG(239))
			leave(store, log, 0);
		return code;
	}
	code = td_log_new(&made, &store->logs, number, name, &config, err);
	if (code != 0)
		return code;
	/* What could not be moved, or was imported, stands where its address does not go. */
	if ((config.adopting || config.adopted) && store->events != NULL)
		store->events->stray = true;
	if (log == NULL) {
		made->created = record->time;
		made->made = made->numbered = store->folding;
		made->stray = config.importing;
		store->adoption_pending = store->adoption_pending || config.adopting;
		code = td_logs_add(&store->logs, made, err);
		if (code != 0)
			td_log_free(made);
		return code;
	}
	store->adoption_pending = store->adoption_pending || config.adopting;
	if (!TD_BUG(240))
		code = td_logs_change(&store->logs, log, made, err);
	log->stray = log->stray || config.importing || log != store->events;
	td_log_free(made);
	return code;
}

int td_logs_fold(struct td_store *store, const struct td_event_record *record, struct td_error *err)
{
	struct td_arena arena;
	int code = 0;

	if (td_text_is(record->type, TD_TYPE_FORGOTTEN)) {
		code = td_forget_fold(store, record, err);
		if (code == 0)
			code = td_erased_fold(store, record, err);
	} else if (td_text_is(record->type, TD_TYPE_ERASING) ||
		   td_text_is(record->type, TD_TYPE_ERASED)) {
		code = td_erased_fold(store, record, err);
	} else if (td_text_is(record->type, TYPE_CREATED) ||
		   td_text_is(record->type, TYPE_CHANGED) ||
		   td_text_is(record->type, TYPE_DELETED)) {
		td_arena_init(&arena, 1024, (size_t)16 << 20);
		code = fold_config(store, record, &arena, err);
		td_arena_fini(&arena);
	}
	return code == 0 ? 0
			 : td_error_wrap(err, code == TD_E_NOMEM ? code : TD_E_DAMAGED,
				   "%s, seq %" PRIu64, TD_LOG_CONTROL, record->seq);
}
