/*
 * Retention: what a log's limits say must go, oldest first, a batch a time.
 *
 *	due    from memory alone: counts, bytes, and the time of each log's first event
 *	run    any thread: whose first events are too old is read from the disk, without the lock
 *	done   the owner: what was found, and what is too much, is removed
 */
#include "store/private.h"

#include <stdlib.h>

#define BATCH    TD_RETAIN_BATCH
#define AGAIN_MS 60000 /* until what could not be read is looked at again */

void td_crowd_note(struct td_store *store, uint32_t ref)
{
	if (td_map_get(&store->crowd_places, ref) != NULL)
		return;
	if (store->crowd_count == TD_CROWD_MAX ||
		!td_map_put(&store->crowd_places, ref,
			(void *)(uintptr_t)(store->crowd_count + 1))) { /* NOLINT */
		store->crowd_lost = true;
		return;
	}
	store->crowd[store->crowd_count++] = ref;
}

void td_crowd_forget(struct td_store *store, uint32_t ref)
{
	uintptr_t place = (uintptr_t)td_map_remove(&store->crowd_places, ref);
	uint32_t last;

	if (place == 0)
		return;
	last = store->crowd[--store->crowd_count];
	if (last == ref)
		return;
	store->crowd[place - 1] = last;
	td_map_put(&store->crowd_places, last, (void *)place); /* NOLINT */
}

/* --- a log ---------------------------------------------------------------------------------- */

static bool is_live(const struct td_line *line, const struct td_log *log)
{
	return line->log == log->index &&
	       (line->flags & (TD_LINE_EVENT | TD_LINE_REMOVED)) == TD_LINE_EVENT;
}

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

	return too_many(log) > 0 || (!config->discard_new && config->bytes_max != 0 &&
					    log->bytes > config->bytes_max && !TD_BUG(254));
}

/* When the log's oldest is too old, as wall time; INT64_MIN: it has to be looked at; never: INT64_MAX. */
static td_time expires(const struct td_store *store, const struct td_log *log)
{
	if (log->config.age_ms == 0 || log->config.age_ms > INT64_MAX / 1000000 || log->count == 0)
		return INT64_MAX;
	if (log->first_timed != log->first || log->first == 0)
		return log->first < store->shelf.durable(store->shelf.arg) ? INT64_MIN : INT64_MAX;
	if (log->config.age_ms > (INT64_MAX - log->first_time) / 1000000)
		return INT64_MAX;
	return log->first_time + log->config.age_ms * 1000000;
}

static bool is_old(const struct td_store *store, const struct td_log *log)
{
	return expires(store, log) <= td_clock_wall(store->clock);
}

/* --- by age: looking, without the owner ------------------------------------------------------ */

struct aged {
	uint64_t position, location;
};

/* The oldest of some log that may be too old, under the lock; returns how many. */
static size_t gather_aged(struct td_store *store, struct td_retain_look *look, struct aged *aged)
{
	uint64_t durable = store->shelf.durable(store->shelf.arg), losses = store->runs.losses;
	const struct td_log *log = NULL;
	uint64_t position;
	size_t count = 0;

	for (size_t i = 0; i < store->logs.count && log == NULL; i++) {
		if (store->logs.at[i] != NULL && is_old(store, store->logs.at[i]))
			log = store->logs.at[i];
	}
	if (log == NULL)
		return 0;
	look->log = log->number;
	look->before = td_clock_wall(store->clock) - log->config.age_ms * 1000000;
	position = log->first;
	for (const struct td_run *run = td_runs_from(&store->runs, position);
		run != NULL && count < TD_RETAIN_LOOK;
		run = td_runs_from(&store->runs, run->next)) {
		if (position < run->base)
			position = run->base;
		for (; position < run->next && count < TD_RETAIN_LOOK; position++) {
			const struct td_line *line = td_run_line(run, position);

			if (position >= durable || store->runs.losses != losses)
				return count;
			if (is_live(line, log))
				aged[count++] = (struct aged){position, td_run_location(run, line)};
		}
	}
	return count;
}

void td_retain_look(struct td_store *store, struct td_retain_look *look)
{
	struct aged aged[TD_RETAIN_LOOK];
	struct td_held held = {0};
	size_t count;

	td_mutex_lock(&store->lock);
	count = gather_aged(store, look, aged);
	td_mutex_unlock(&store->lock);
	for (size_t i = 0; i < count && look->first == 0; i++) {
		struct td_event_record event;
		int code = td_store_fetch(
			store, aged[i].position, aged[i].location, &held, &event, NULL);

		/* Of what is damaged, or gone meanwhile, the next one tells. */
		if (code == TD_E_DAMAGED || code == TD_E_NOT_FOUND)
			continue;
		if (code != 0)
			break;
		look->looked = true;
		if (event.time <= look->before) {
			look->aged_to = aged[i].position;
		} else {
			look->first = aged[i].position;
			look->first_time = event.time;
		}
	}
	store->shelf.let_go(&held);
}

/* --- a log ---------------------------------------------------------------------------------- */

/* The oldest of the log that must go, at most BATCH; returns how many. */
static size_t gather_oldest(
	struct td_store *store, struct td_log *log, uint64_t aged_to, uint64_t *positions)
{
	uint64_t many = too_many(log), bytes = log->bytes, max = log->config.bytes_max;
	uint64_t position = td_log_first(store, log);
	const struct td_run *run = position == 0 ? NULL : td_runs_find(&store->runs, position);
	size_t count = 0;

	while (run != NULL && count < BATCH) {
		for (; position < run->next && count < BATCH; position++) {
			const struct td_line *line = td_run_line(run, position);

			if (!is_live(line, log))
				continue;
			if (count >= many &&
				(log->config.discard_new || max == 0 || bytes <= max) &&
				position > aged_to)
				return count;
			bytes -= line->bytes;
			positions[count++] = position;
		}
		run = td_runs_from(&store->runs, run->next);
		position = run != NULL ? run->base : 0;
	}
	return count;
}

/* Under the lock. */
static int retain_log(
	struct td_store *store, struct td_log *log, uint64_t aged_to, struct td_error *err)
{
	uint64_t *positions = store->retain_positions;
	uint64_t removed, losses = store->runs.losses;
	size_t count;

	if (!is_over(log) && aged_to == 0)
		return 0;
	count = gather_oldest(store, log, aged_to, positions);
	if (store->runs.losses != losses)
		return td_store_lost(err);
	return td_remove_positions(
		store, log, positions, count, false, td_text("retention"), &removed, err);
}

/* What was found out without the owner; the log may be gone, or another's first by now. */
static int retain_aged(
	struct td_store *store, const struct td_retain_look *look, struct td_error *err)
{
	struct td_log *log = look->log == 0 ? NULL : td_logs_number(&store->logs, look->log);
	int code;

	if (log == NULL)
		return 0;
	/* Nothing of it could be read: not at once again. */
	if (!look->looked) {
		store->retain_again_ms = td_clock_monotonic(store->clock) / 1000000 + AGAIN_MS;
		return 0;
	}
	code = retain_log(store, log, log->config.age_ms != 0 ? look->aged_to : 0, err);
	if (code == 0 && look->first != 0 && td_log_first(store, log) == look->first) {
		log->first_timed = look->first;
		log->first_time = look->first_time;
	}
	return code;
}

/* --- subjects ------------------------------------------------------------------------------- */

static uint64_t limit_of(const struct td_store *store, uint32_t ref)
{
	const struct td_subject *subject = td_subject_at(&store->subjects, ref);

	return store->logs.at[subject->log]->config.count_per_subject_max;
}

static bool is_crowded(const struct td_store *store, uint32_t ref)
{
	uint64_t max = limit_of(store, ref);

	return max != 0 && td_subject_at(&store->subjects, ref)->count > max;
}

/* The oldest beyond the newest that are kept, at most `most`. */
static size_t gather_subject(
	const struct td_store *store, uint32_t ref, uint64_t *positions, size_t most)
{
	const struct td_subject *subject = td_subject_at(&store->subjects, ref);
	uint64_t position = td_store_live(store, ref).position, met = 0;
	uint64_t max = limit_of(store, ref), losses = store->runs.losses;
	size_t count = 0;

	while (position != 0 && met < subject->count && store->runs.losses == losses) {
		/* The oldest stand at the end of the list: those are kept in it. */
		if (td_store_is_of(store, position, ref) && ++met > max - (TD_BUG(228) ? 1 : 0)) {
			if (count == most) {
				memmove(positions, positions + 1, (most - 1) * sizeof(*positions));
				count--;
			}
			positions[count++] = position;
		}
		position = td_store_back(store, ref, position, met >= subject->count);
	}
	return count;
}

/* Of crowded subjects of one log, as much as goes into a batch. */
static size_t gather_crowd(struct td_store *store, struct td_log **log, uint64_t *positions)
{
	size_t count = 0;

	*log = NULL;
	/* From the end: where one is forgotten, one that was looked at takes its place. */
	for (size_t i = store->crowd_count; i-- > 0 && count < BATCH;) {
		uint32_t ref = store->crowd[i];
		struct td_log *of = store->logs.at[td_subject_at(&store->subjects, ref)->log];

		if (!is_crowded(store, ref)) {
			td_crowd_forget(store, ref);
			continue;
		}
		if (*log == NULL)
			*log = of;
		if (of == *log)
			count += gather_subject(store, ref, positions + count, BATCH - count);
	}
	return count;
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

/* One batch, by one record. Of what must go at least one stays, so all the subjects stay. */
static int retain_crowd(struct td_store *store, struct td_error *err)
{
	uint64_t *positions = store->retain_positions;
	uint64_t removed, losses = store->runs.losses;
	struct td_log *log;
	size_t count = gather_crowd(store, &log, positions);
	int code;

	if (store->runs.losses != losses)
		return td_store_lost(err);
	if (count == 0)
		return 0;
	qsort(positions, count, sizeof(*positions), compare);
	code = td_remove_positions(
		store, log, positions, count, false, td_text("retention"), &removed, err);
	for (size_t i = store->crowd_count; i-- > 0;) {
		if (!is_crowded(store, store->crowd[i]))
			td_crowd_forget(store, store->crowd[i]);
	}
	return code;
}

/* Look at all subjects, until the list is full. */
void td_crowd_look(struct td_store *store)
{
	struct td_subjects_walk walk = {0};
	uint32_t ref;

	store->crowd_lost = false;
	while (!store->crowd_lost &&
		(ref = td_subjects_next(&store->subjects, &walk)) != TD_SUBJECT_NONE) {
		if (is_crowded(store, ref))
			td_crowd_note(store, ref);
	}
}

/* --- all ------------------------------------------------------------------------------------ */

void td_retain_wait(struct td_store *store)
{
	store->retain_again_ms = td_clock_monotonic(store->clock) / 1000000 + AGAIN_MS;
}

bool td_retain_waits(const struct td_store *store)
{
	return store->retain_again_ms > td_clock_monotonic(store->clock) / 1000000;
}

bool td_retain_due(const struct td_store *store)
{
	if (td_retain_waits(store))
		return false;
	if (store->crowd_count > 0 || store->crowd_lost)
		return true;
	for (size_t i = 0; i < store->logs.count; i++) {
		const struct td_log *log = store->logs.at[i];

		if (log != NULL && (is_over(log) || is_old(store, log)))
			return true;
	}
	return false;
}

int64_t td_retain_when(const struct td_store *store, int64_t now_ms)
{
	td_time first = store->crowd_count > 0 || store->crowd_lost ? INT64_MIN : INT64_MAX;
	int64_t at_ms;
	td_time now;

	for (size_t i = 0; i < store->logs.count; i++) {
		const struct td_log *log = store->logs.at[i];
		td_time at = log == NULL    ? INT64_MAX
			     : is_over(log) ? INT64_MIN
					    : expires(store, log);

		first = at < first ? at : first;
	}
	if (first == INT64_MAX)
		return INT64_MAX;
	now = td_clock_wall(store->clock);
	at_ms = first <= now ? now_ms : now_ms + (first - now + 999999) / 1000000;
	return td_retain_waits(store) && at_ms < store->retain_again_ms ? store->retain_again_ms
									: at_ms;
}

static int retain_all(
	struct td_store *store, const struct td_retain_look *look, struct td_error *err)
{
	int code = retain_aged(store, look, err);

	for (size_t i = 0; code == 0 && i < store->logs.count; i++) {
		if (store->logs.at[i] != NULL)
			code = retain_log(store, store->logs.at[i], 0, err);
	}
	if (store->crowd_count == 0 && store->crowd_lost) {
		td_crowd_look(store);
		/* Not one could be noted: later, or this would be due for as long as memory is short. */
		if (code == 0 && store->crowd_count == 0 && store->crowd_lost)
			return td_error_nomem(err);
	}
	return code == 0 ? retain_crowd(store, err) : code;
}

int td_retain(struct td_store *store, const struct td_retain_look *look, struct td_error *err)
{
	int code;

	td_mutex_lock(&store->lock);
	code = retain_all(store, look, err);
	td_mutex_unlock(&store->lock);
	/* A page that cannot be read now can be read later, or the store has to be opened again. */
	if (code != 0 && code != TD_E_FULL)
		td_retain_wait(store);
	return code;
}
