/*
 * Retention: what a log's limits say must go, oldest first, a batch a time.
 */
#include "store/private.h"

#define BATCH 4096u

void td_crowd_note(struct td_store *store, uint32_t ref)
{
	for (size_t i = 0; i < store->crowd_count; i++) {
		if (store->crowd[i] == ref)
			return;
	}
	if (store->crowd_count == TD_CROWD_MAX)
		store->crowd_lost = true;
	else
		store->crowd[store->crowd_count++] = ref;
}

void td_crowd_forget(struct td_store *store, uint32_t ref)
{
	for (size_t i = 0; i < store->crowd_count; i++) {
		if (store->crowd[i] == ref) {
			store->crowd[i] = store->crowd[--store->crowd_count];
			return;
		}
	}
}

/* --- a log ---------------------------------------------------------------------------------- */

/* How many of the oldest are too many. */
static uint64_t too_many(const struct td_log *log)
{
	const struct td_log_config *config = &log->config;

	if (config->discard_new || config->count_max == 0 || log->count <= config->count_max)
		return 0;
	return log->count - config->count_max + (TD_BUG(227) ? 1 : 0);
}

static bool is_over(const struct td_log *log)
{
	const struct td_log_config *config = &log->config;

	return too_many(log) > 0 ||
	       (!config->discard_new && config->bytes_max != 0 && log->bytes > config->bytes_max);
}

/* When the log's oldest is too old, as wall time, as far as that is known; INT64_MAX: never. */
static td_time expires(const struct td_log *log)
{
	if (log->config.age_ms == 0 || log->count == 0)
		return INT64_MAX;
	if (log->first_timed != log->first || log->first == 0)
		return INT64_MIN;
	if (log->config.age_ms > (INT64_MAX - log->first_time) / 1000000)
		return INT64_MAX;
	return log->first_time + log->config.age_ms * 1000000;
}

/* The same, having looked. */
static td_time expires_surely(struct td_store *store, struct td_log *log)
{
	struct td_log_info info;

	if (expires(log) == INT64_MIN &&
		td_store_log(store, td_text(NULL), log->number, &info, NULL) == 0 &&
		log->first_timed != log->first)
		return INT64_MAX; /* not durable yet */
	return expires(log);
}

/* The time of a record, or INT64_MAX where it cannot be read yet. */
static td_time time_of(struct td_store *store, const struct td_run *run, uint64_t position)
{
	struct td_held held = {0};
	struct td_event_record event;
	td_time time = INT64_MAX;

	if (position < store->shelf.durable(store->shelf.arg) &&
		store->shelf.fetch(store->shelf.arg,
			td_run_location(run, td_run_line(run, position)), &held, NULL) == 0 &&
		td_event_record_read(&event, held.record.body) == NULL)
		time = event.time;
	store->shelf.let_go(&held);
	return time;
}

/* The oldest of the log that must go, at most BATCH; returns how many. */
static size_t gather_oldest(struct td_store *store, struct td_log *log, uint64_t *positions)
{
	uint64_t many = too_many(log), bytes = log->bytes, max = log->config.bytes_max;
	uint64_t position = td_log_first(store, log);
	const struct td_run *run = position == 0 ? NULL : td_runs_find(&store->runs, position);
	td_time old = INT64_MIN;
	size_t count = 0;

	if (log->config.age_ms != 0 && log->config.age_ms <= INT64_MAX / 1000000)
		old = td_clock_wall(store->clock) - log->config.age_ms * 1000000;
	while (run != NULL && count < BATCH) {
		for (; position < run->next && count < BATCH; position++) {
			const struct td_line *line = td_run_line(run, position);

			if (line->log != log->index ||
				(line->flags & (TD_LINE_EVENT | TD_LINE_REMOVED)) != TD_LINE_EVENT)
				continue;
			if (count >= many &&
				(log->config.discard_new || max == 0 || bytes <= max) &&
				(old == INT64_MIN || time_of(store, run, position) > old))
				return count;
			bytes -= line->bytes;
			positions[count++] = position;
		}
		run = td_runs_from(&store->runs, run->next);
		position = run != NULL ? run->base : 0;
	}
	return count;
}

static int retain_log(struct td_store *store, struct td_log *log, struct td_error *err)
{
	uint64_t *positions = store->retain_positions;
	size_t count;
	uint64_t removed;

	if (!is_over(log) && expires_surely(store, log) > td_clock_wall(store->clock))
		return 0;
	td_mutex_lock(&store->lock);
	count = gather_oldest(store, log, positions);
	td_mutex_unlock(&store->lock);
	if (count == 0)
		return 0;
	td_mutex_lock(&store->lock);
	count = (size_t)td_remove_positions(
		store, log, positions, count, false, td_text("retention"), &removed, err);
	td_mutex_unlock(&store->lock);
	return (int)count;
}

/* --- a subject ------------------------------------------------------------------------------ */

/* The oldest beyond the newest `max`, ascending, at most BATCH. */
static size_t gather_subject(
	const struct td_store *store, uint32_t ref, uint64_t max, uint64_t *positions)
{
	const struct td_subject *subject = td_subject_at(&store->subjects, ref);
	uint64_t position = td_store_live(store, ref).position, met = 0;
	size_t count = 0;

	while (position != 0 && met < subject->count) {
		/* The oldest stand at the end of the list: those are kept in it. */
		if (td_store_is_of(store, position, ref) && ++met > max - (TD_BUG(228) ? 1 : 0)) {
			if (count == BATCH) {
				memmove(positions, positions + 1, (BATCH - 1) * sizeof(*positions));
				count--;
			}
			positions[count++] = position;
		}
		position = td_store_back(store, ref, position, met >= subject->count);
	}
	for (size_t i = 0; i < count / 2; i++) {
		uint64_t other = positions[i];

		positions[i] = positions[count - 1 - i];
		positions[count - 1 - i] = other;
	}
	return count;
}

static int retain_subject(struct td_store *store, uint32_t ref, struct td_error *err)
{
	const struct td_subject *subject = td_subject_at(&store->subjects, ref);
	struct td_log *log = store->logs.at[subject->log];
	uint64_t max = log->config.count_per_subject_max, removed;
	size_t count;

	if (max == 0 || subject->count <= max) {
		td_crowd_forget(store, ref);
		return 0;
	}
	count = gather_subject(store, ref, max, store->retain_positions);
	if (subject->count - count <= max)
		td_crowd_forget(store, ref);
	return td_remove_positions(store, log, store->retain_positions, count, false,
		td_text("retention"), &removed, err);
}

/* More were over than could be noted: look at all, until the list is full again. */
static void look_for_crowds(struct td_store *store)
{
	struct td_subjects_walk walk = {0};
	uint32_t ref;

	store->crowd_lost = false;
	while (!store->crowd_lost &&
		(ref = td_subjects_next(&store->subjects, &walk)) != TD_SUBJECT_NONE) {
		const struct td_subject *subject = td_subject_at(&store->subjects, ref);
		uint64_t max = store->logs.at[subject->log]->config.count_per_subject_max;

		if (max != 0 && subject->count > max)
			td_crowd_note(store, ref);
	}
}

/* --- all ------------------------------------------------------------------------------------ */

bool td_retain_due(struct td_store *store)
{
	if (store->crowd_count > 0 || store->crowd_lost)
		return true;
	for (size_t i = 0; i < store->logs.count; i++) {
		if (store->logs.at[i] != NULL && is_over(store->logs.at[i]))
			return true;
	}
	for (size_t i = 0; i < store->logs.count; i++) {
		if (store->logs.at[i] != NULL &&
			expires_surely(store, store->logs.at[i]) <= td_clock_wall(store->clock))
			return true;
	}
	return false;
}

int64_t td_retain_when(const struct td_store *store, int64_t now_ms)
{
	td_time first = store->crowd_count > 0 || store->crowd_lost ? INT64_MIN : INT64_MAX;
	td_time now;

	for (size_t i = 0; i < store->logs.count; i++) {
		const struct td_log *log = store->logs.at[i];
		td_time at = log == NULL ? INT64_MAX : is_over(log) ? INT64_MIN : expires(log);

		first = at < first ? at : first;
	}
	if (first == INT64_MAX)
		return INT64_MAX;
	now = td_clock_wall(store->clock);
	return first <= now ? now_ms : now_ms + (first - now + 999999) / 1000000;
}

int td_retain(struct td_store *store, struct td_error *err)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < store->logs.count; i++) {
		if (store->logs.at[i] != NULL)
			code = retain_log(store, store->logs.at[i], err);
	}
	td_mutex_lock(&store->lock);
	if (store->crowd_count == 0 && store->crowd_lost)
		look_for_crowds(store);
	for (size_t i = store->crowd_count; code == 0 && i-- > 0;)
		code = i < store->crowd_count ? retain_subject(store, store->crowd[i], err) : 0;
	td_mutex_unlock(&store->lock);
	return code;
}
