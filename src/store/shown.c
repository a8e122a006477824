/*
 * What readers are shown of logs and subjects: as it is durable. The tables hold what was staged, and
 * what was removed is out of them at once; so what is not durable is taken off again, and what was
 * removed by a record that is not durable is added. Both are looked for when somebody asks: they are
 * a frame or two.
 */
#include "store/private.h"

static uint64_t durable_of(const struct td_store *store)
{
	return store->shelf.durable(store->shelf.arg);
}

/* --- logs ----------------------------------------------------------------------------------- */

bool td_store_has_left(const struct td_store *store, uint16_t index)
{
	const struct td_log *log = index < store->logs.count ? store->logs.at[index] : NULL;

	return log == NULL || (log->leaves && (log->left < durable_of(store) || TD_BUG(260)));
}

static bool is_shown(const struct td_store *store, const struct td_log *log)
{
	uint64_t durable = durable_of(store);

	return (log->made == 0 || log->made < durable) && !(log->leaves && log->left < durable);
}

struct td_log *td_logs_shown(const struct td_store *store, struct td_text name)
{
	struct td_log *log = td_logs_find(&store->logs, name);

	if (log != NULL && is_shown(store, log))
		return log;
	for (size_t i = 0; store->logs.leaving > 0 && i < store->logs.count; i++) {
		log = store->logs.at[i];
		if (log != NULL && log->leaves && td_text_is(name, log->name) &&
			is_shown(store, log))
			return log;
	}
	return NULL;
}

uint64_t td_logs_rest_on(const struct td_store *store)
{
	return store->logs_changed >= durable_of(store) ? store->logs_changed : 0;
}

static const struct td_log_config *config_shown(
	const struct td_store *store, const struct td_log *log)
{
	const struct td_log_config *config = &log->config;
	uint64_t durable = durable_of(store);

	for (const struct td_log *was = log->was; was != NULL && was->changed >= durable;
		was = was->was)
		config = &was->config;
	return config;
}

void td_logs_settle(struct td_store *store)
{
	uint64_t durable = durable_of(store);

	for (size_t i = 0; i < store->logs.count; i++) {
		struct td_log *log = store->logs.at[i], **was;

		if (log == NULL)
			continue;
		for (was = &log->was; *was != NULL && (*was)->changed >= durable;)
			was = &(*was)->was;
		td_log_free(*was);
		*was = NULL;
		/* Who noted what is removed looks again. */
		if (log->leaves && log->left != 0 && log->left < durable) {
			atomic_fetch_add_explicit(&store->removals, 1, memory_order_release);
			log->left = 0;
		}
	}
}

/* --- their numbers ---------------------------------------------------------------------------- */

uint64_t td_log_first(struct td_store *store, struct td_log *log)
{
	const struct td_run *run = log->first == 0 ? NULL : td_runs_from(&store->runs, log->first);
	uint64_t losses = store->runs.losses;

	if (log->count == 0) {
		log->first = 0;
		return 0;
	}
	for (; run != NULL; run = td_runs_from(&store->runs, run->next)) {
		uint64_t at = log->first > run->base ? log->first : run->base;

		for (; at < run->next; at++) {
			const struct td_line *line = td_run_line(run, at);

			/* What lies behind a page that cannot be read is not the first. */
			if (store->runs.losses != losses)
				return 0;
			if (line->log == log->index &&
				(line->flags & (TD_LINE_EVENT | TD_LINE_REMOVED)) ==
					TD_LINE_EVENT) {
				log->first = at;
				return at;
			}
		}
	}
	TD_UNREACHABLE();
}

/* A line that is not durable. */
static void look_late(
	struct td_store *store, const struct td_run *run, uint64_t position, uint64_t durable)
{
	struct td_line *line = td_run_line(run, position);
	struct td_log *log;

	if ((line->flags & TD_LINE_EVENT) == 0 || line->log == TD_LOG_GONE)
		return;
	log = store->logs.at[line->log];
	if (log->late.first_seq == 0)
		log->late.first_seq = line->seq;
	/* The first of its subject: is it the first of all? */
	if (td_run_previous(run, position) < durable &&
		td_store_seen(store, td_store_ref(store, run, line)) == 0)
		log->late.subjects++;
	if ((line->flags & TD_LINE_REMOVED) != 0)
		return;
	log->late.count++;
	log->late.bytes += line->bytes;
}

/* A removal that is not durable: what of it is shown still. */
static void look_pending(
	const struct td_store *store, const struct td_pending *pending, uint64_t durable)
{
	uint64_t bytes = pending->bytes;
	size_t count = pending->count;
	struct td_log *log = pending->log;

	while (count > 0 && pending->positions[count - 1] >= durable)
		bytes -= td_runs_line(&store->runs, pending->positions[--count])->bytes;
	log->late.gone_count += count;
	log->late.gone_bytes += bytes;
	if (count > 0 &&
		(log->late.gone_first == 0 || pending->positions[0] < log->late.gone_first))
		log->late.gone_first = pending->positions[0];
}

void td_shown_logs(struct td_store *store)
{
	uint64_t durable = durable_of(store);

	for (size_t i = 0; i < store->logs.count; i++) {
		if (store->logs.at[i] != NULL)
			memset(&store->logs.at[i]->late, 0, sizeof(store->logs.at[i]->late));
	}
	for (const struct td_run *run = td_runs_from(&store->runs, durable); run != NULL;
		run = td_runs_from(&store->runs, run->next)) {
		uint64_t position = durable > run->base ? durable : run->base;

		for (; position < run->next; position++)
			look_late(store, run, position, durable);
	}
	for (const struct td_pending *pending = store->pending; pending != NULL;
		pending = pending->next) {
		if (pending->record >= durable)
			look_pending(store, pending, durable);
	}
}

/* Its first position that is shown; 0: none. */
static uint64_t first_shown(struct td_store *store, struct td_log *log)
{
	uint64_t first = td_log_first(store, log), gone = log->late.gone_first;

	if (gone != 0 && (first == 0 || gone < first))
		first = gone;
	return first < durable_of(store) ? first : 0;
}

static td_time time_shown(const struct td_store *store, const struct td_log *log)
{
	uint64_t durable = durable_of(store);
	size_t i = 3;

	if (log->times[2].position == 0)
		return log->last_time;
	while (i > 0 && log->times[i - 1].position >= durable)
		i--;
	return i > 0 ? log->times[i - 1].time : 0;
}

/* After td_shown_logs(). */
static void describe(struct td_store *store, struct td_log *log, struct td_log_info *info)
{
	uint64_t losses = store->runs.losses, first = first_shown(store, log);

	*info = (struct td_log_info){
		.number = log->number,
		.name = td_text(log->name),
		.config = config_shown(store, log),
		.last_seq = log->late.first_seq != 0 ? log->late.first_seq - 1 : log->last_seq,
		.count = log->count - log->late.count + log->late.gone_count,
		.bytes = log->bytes - log->late.bytes + log->late.gone_bytes,
		.subjects = log->subjects - log->late.subjects,
		.last_time = time_shown(store, log),
		.created = log->created,
	};
	info->first_seq = first != 0 ? td_runs_line(&store->runs, first)->seq : info->last_seq + 1;
	if (store->runs.losses != losses)
		info->first_seq = 0;
}

/* The time of its first event is in the record alone. The owner. */
static td_time time_of(struct td_store *store, uint64_t position, td_time otherwise)
{
	struct td_event_record record = {.time = otherwise};
	struct td_held held = {0};
	const struct td_run *run;
	uint64_t location = 0;

	td_mutex_lock(&store->lock);
	run = td_runs_find(&store->runs, position);
	if (run != NULL)
		location = td_run_location(run, td_run_line(run, position));
	td_mutex_unlock(&store->lock);
	if (run == NULL || td_store_fetch(store, position, location, &held, &record, NULL) != 0)
		record.time = otherwise;
	store->shelf.let_go(&held);
	return record.time;
}

static void describe_first(
	struct td_store *store, struct td_log *log, uint64_t first, struct td_log_info *info)
{
	info->first_time = info->last_time;
	if (log->first != 0 && log->first < durable_of(store) && log->first_timed != log->first) {
		td_time time = time_of(store, log->first, info->last_time);

		/* Who looks for what is too old reads these beside the owner. */
		td_mutex_lock(&store->lock);
		log->first_time = time;
		log->first_timed = log->first;
		td_mutex_unlock(&store->lock);
	}
	if (first != 0)
		info->first_time = first == log->first_timed
					   ? log->first_time
					   : time_of(store, first, info->last_time);
}

int td_store_log(struct td_store *store, struct td_text name, uint32_t number,
	struct td_log_info *info, struct td_error *err)
{
	struct td_log *log;
	uint64_t first = 0, losses;
	bool lost;

	td_mutex_lock(&store->lock);
	losses = store->runs.losses;
	log = name.at != NULL ? td_logs_shown(store, name) : td_logs_number(&store->logs, number);
	if (log != NULL) {
		td_shown_logs(store);
		describe(store, log, info);
		first = first_shown(store, log);
	}
	lost = store->runs.losses != losses;
	td_mutex_unlock(&store->lock);
	if (lost)
		return td_store_lost(err);
	if (log == NULL && name.at != NULL)
		return td_error_set(
			err, TD_E_NOT_FOUND, TD_NO_OFFSET, "log %.*s", TD_TEXT_ARG(name));
	if (log == NULL)
		return td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET, "log %" PRIu32, number);
	describe_first(store, log, first, info);
	return 0;
}

struct td_text td_store_log_name(
	struct td_store *store, uint32_t number, char name[TD_LOG_NAME_BYTES])
{
	struct td_text text = {NULL, 0};
	const struct td_log *log;

	td_mutex_lock(&store->lock);
	log = td_logs_number(&store->logs, number);
	if (log != NULL)
		text = td_text(td_text_copy(td_text(log->name), name, TD_LOG_NAME_BYTES));
	td_mutex_unlock(&store->lock);
	return text;
}

size_t td_store_logs(struct td_store *store, struct td_log_info *infos, size_t max)
{
	size_t count = 0;

	td_mutex_lock(&store->lock);
	td_shown_logs(store);
	for (size_t i = 0; i < store->logs.count; i++) {
		struct td_log *log = store->logs.at[i];

		if (log == NULL || !is_shown(store, log))
			continue;
		if (count < max) {
			describe(store, log, &infos[count]);
			infos[count].first_time = infos[count].last_time;
		}
		count++;
	}
	td_mutex_unlock(&store->lock);
	return count;
}

void td_shown_status(struct td_store *store, struct td_store_status *status)
{
	struct td_log_info info;

	td_shown_logs(store);
	for (size_t i = 0; i < store->logs.count; i++) {
		struct td_log *log = store->logs.at[i];

		if (log == NULL || !is_shown(store, log))
			continue;
		describe(store, log, &info);
		status->logs++;
		status->events += info.count;
		status->bytes += info.bytes;
		status->subjects += info.subjects;
	}
}

/* --- subjects --------------------------------------------------------------------------------- */

bool td_shown_subject(const struct td_store *store, uint32_t ref, struct td_subject_info *info)
{
	const struct td_subject *subject = td_subject_at(&store->subjects, ref);
	uint64_t durable = durable_of(store), position = subject->position;
	uint64_t count = subject->count + (uintptr_t)td_map_get(&store->shades, ref);
	const struct td_line *line;
	const struct td_run *run;

	while (position >= durable && (run = td_runs_find(&store->runs, position)) != NULL) {
		/* Removed or not: what is removed up here is so by a record that comes later. */
		count -= (td_run_line(run, position)->flags & TD_LINE_EVENT) != 0;
		position = td_run_previous(run, position);
	}
	position = td_store_seen(store, ref);
	if (position == 0)
		return false;
	line = td_runs_line(&store->runs, position);
	*info = (struct td_subject_info){
		.log = store->logs.at[subject->log]->number,
		.address = td_subject_address(subject),
		.count = count,
		.seq = line->seq,
		/* One whose removal is on its way may be above what the subject goes on from. */
		.revision =
			subject->revision -
			(uint64_t)(int64_t)(int32_t)((uint32_t)subject->revision - line->revision),
	};
	return true;
}

struct listing {
	struct td_store *store;
	uint32_t log; /* number; 0: all but `$tidings` */
	struct td_text pattern;
	struct td_subjects_walk walk;
	struct td_buf infos, addresses;
};

static void list_subject(struct listing *listing, uint32_t ref)
{
	const struct td_store *store = listing->store;
	struct td_text address = td_subject_address(td_subject_at(&store->subjects, ref));
	struct td_subject_info info;

	if ((listing->pattern.at != NULL && !td_pattern_matches(listing->pattern, address)) ||
		!td_shown_subject(store, ref, &info) ||
		(listing->log != 0 ? info.log != listing->log : info.log == TD_LOG_NUMBER_CONTROL))
		return;
	td_buf_add(&listing->infos, &info, sizeof(info));
	td_buf_add_text(&listing->addresses, address);
}

#define LIST_MAX 4096u /* subjects looked at under one lock */

/* A step: some shards, each as a whole, as in cursor_fill.c; false: it was the last. */
static bool list_some(struct listing *listing)
{
	const struct td_subjects *subjects = &listing->store->subjects;
	struct td_subjects_walk next = listing->walk;
	size_t looked = 0;
	uint32_t ref;

	td_buf_reset(&listing->infos);
	td_buf_reset(&listing->addresses);
	while ((ref = td_subjects_next(subjects, &next)) != TD_SUBJECT_NONE) {
		if (next.shard != listing->walk.shard) {
			listing->walk = (struct td_subjects_walk){.shard = next.shard};
			if (looked >= LIST_MAX)
				return true;
		}
		looked++;
		list_subject(listing, ref);
	}
	return false;
}

/* What a step found, without the lock; false: who asked has enough. */
static bool tell_some(const struct listing *listing,
	bool (*each)(void *arg, const struct td_subject_info *subject), void *arg)
{
	struct td_subject_info *infos = (struct td_subject_info *)(void *)listing->infos.at;
	const char *at = listing->addresses.at;

	for (size_t i = 0; i < listing->infos.len / sizeof(*infos); i++) {
		infos[i].address.at = at;
		at += infos[i].address.len;
		if (!each(arg, &infos[i]))
			return false;
	}
	return true;
}

int td_store_subjects(struct td_store *store, struct td_text log, struct td_text pattern,
	bool (*each)(void *arg, const struct td_subject_info *subject), void *arg,
	struct td_error *err)
{
	struct listing listing = {.store = store, .pattern = pattern};
	int code = pattern.at == NULL ? 0 : td_pattern_check(pattern, err);
	const struct td_log *in = NULL;
	bool more = true;

	if (code != 0)
		return td_error_wrap(err, code, "pattern %.*s", TD_TEXT_ARG(pattern));
	td_mutex_lock(&store->lock);
	in = log.at != NULL ? td_logs_shown(store, log) : NULL;
	listing.log = in != NULL ? in->number : 0;
	td_mutex_unlock(&store->lock);
	if (log.at != NULL && in == NULL)
		return td_error_set(
			err, TD_E_NOT_FOUND, TD_NO_OFFSET, "log %.*s", TD_TEXT_ARG(log));
	listing.infos.max = listing.addresses.max = SIZE_MAX / 2;
	while (code == 0 && more) {
		td_mutex_lock(&store->lock);
		more = list_some(&listing);
		td_mutex_unlock(&store->lock);
		if (listing.infos.code != 0 || listing.addresses.code != 0)
			code = td_error_nomem(err);
		else
			more = tell_some(&listing, each, arg) && more;
	}
	td_buf_fini(&listing.infos);
	td_buf_fini(&listing.addresses);
	return code;
}
