#include "store/cursor.h"

#include <stdlib.h>

#define LISTED_MAX ((uint64_t)1 << 18) /* events of a subject that are listed at once */

/* --- open --------------------------------------------------------------------------------- */

static size_t texts_bytes(const struct td_text *texts, size_t count)
{
	size_t bytes = count * sizeof(*texts);

	for (size_t i = 0; i < count; i++)
		bytes += texts[i].len;
	return bytes;
}

static const struct td_text *texts_keep(
	struct td_text **to, char **at, const struct td_text *texts, size_t count)
{
	const struct td_text *kept = *to;

	for (size_t i = 0; i < count; i++) {
		(*to)[i] = td_text_of(*at, texts[i].len);
		memcpy(*at, texts[i].at, texts[i].len);
		*at += texts[i].len;
	}
	*to += count;
	return kept;
}

static bool keep(struct td_cursor *cursor, const struct td_read_options *options)
{
	size_t count = options->subjects_count + options->types_count;
	struct td_text *texts;
	char *at;

	cursor->options = *options;
	cursor->kept = malloc(texts_bytes(options->subjects, options->subjects_count) +
			      texts_bytes(options->types, options->types_count) + 1);
	if (cursor->kept == NULL)
		return false;
	texts = (struct td_text *)(void *)cursor->kept;
	at = cursor->kept + count * sizeof(*texts);
	cursor->options.subjects =
		texts_keep(&texts, &at, options->subjects, options->subjects_count);
	cursor->options.types = texts_keep(&texts, &at, options->types, options->types_count);
	cursor->options.log = td_text(NULL);
	return true;
}

static bool has_wildcards(struct td_text pattern)
{
	return memchr(pattern.at, '*', pattern.len) != NULL ||
	       memchr(pattern.at, '>', pattern.len) != NULL;
}

static int check(const struct td_read_options *options, struct td_error *err)
{
	for (size_t i = 0; i < options->subjects_count; i++) {
		int code = td_pattern_check(options->subjects[i], err);

		if (code != 0)
			return td_error_wrap(
				err, code, "pattern %.*s", TD_TEXT_ARG(options->subjects[i]));
	}
	if ((options->from_seq != 0 || options->to_seq != 0) && options->log.at == NULL)
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET, "a seq without its log");
	if ((options->from_revision != 0 || options->to_revision != 0) &&
		(options->subjects_count != 1 || has_wildcards(options->subjects[0])))
		return td_error_set(err, TD_E_INVALID, TD_NO_OFFSET,
			"revisions are of one subject without wildcards");
	return 0;
}

/* Under the lock. */
static enum td_cursor_way choose(const struct td_cursor *cursor, const struct td_log *log)
{
	const struct td_store *store = cursor->store;
	uint64_t all = store->shelf.staged(store->shelf.arg), events = 0;
	uint32_t ref, probe = 0, logs = 0;

	if (cursor->options.latest)
		return TD_WAY_LATEST;
	while (cursor->exact && (ref = td_subjects_find_next(&store->subjects, cursor->hash,
					 cursor->options.subjects[0], &probe)) != TD_SUBJECT_NONE) {
		events += td_subject_at(&store->subjects, ref)->count;
		logs++;
	}
	if (cursor->exact && logs <= TD_CURSOR_LOGS && events <= LISTED_MAX)
		return TD_WAY_SUBJECT;
	if (cursor->options.backward || (log != NULL && log->count < all / 2))
		return TD_WAY_WALK;
	return TD_WAY_SCAN;
}

/* Where it begins. Under the lock. */
static void begin(struct td_cursor *cursor, const struct td_log *log)
{
	const struct td_read_options *options = &cursor->options;
	uint64_t durable = cursor->store->shelf.durable(cursor->store->shelf.arg), at;

	/* Numbers of a log are asked for with their log. */
	TD_ASSERT(log != NULL || (options->from_seq == 0 && options->to_seq == 0));
	if (options->backward) {
		cursor->next = durable;
		if (options->to_position != 0 && options->to_position < durable)
			cursor->next = options->to_position + 1;
		at = options->to_seq == 0
			     ? 0
			     : td_runs_seq(&cursor->store->runs, log->index, options->to_seq + 1);
		if (at != 0 && at < cursor->next)
			cursor->next = at;
		return;
	}
	cursor->next = options->from_position != 0 ? options->from_position : 1;
	at = options->from_seq == 0
		     ? 0
		     : td_runs_seq(&cursor->store->runs, log->index, options->from_seq);
	if (at > cursor->next)
		cursor->next = at;
}

int td_store_read(struct td_cursor **out, struct td_store *store,
	const struct td_read_options *options, struct td_error *err)
{
	int code = check(options, err);
	struct td_cursor *cursor;
	const struct td_log *log = NULL;

	if (code != 0)
		return code;
	cursor = calloc(1, sizeof(*cursor));
	if (cursor == NULL || !keep(cursor, options)) {
		free(cursor);
		return td_error_nomem(err);
	}
	cursor->store = store;
	cursor->list.max = cursor->again.max = SIZE_MAX / 2;
	cursor->all_subjects = options->subjects_count == 0;
	cursor->exact = options->subjects_count == 1 && !has_wildcards(options->subjects[0]);
	if (cursor->exact)
		cursor->hash = td_subjects_hash(&store->subjects, options->subjects[0]);
	td_mutex_lock(&store->lock);
	if (options->log.at != NULL)
		log = td_logs_shown(store, options->log);
	if (options->log.at != NULL && log == NULL) {
		code = td_error_set(
			err, TD_E_NOT_FOUND, TD_NO_OFFSET, "log %.*s", TD_TEXT_ARG(options->log));
	} else {
		cursor->log = log != NULL ? log->number : 0;
		cursor->way = choose(cursor, log);
		begin(cursor, log);
	}
	td_mutex_unlock(&store->lock);
	if (code != 0) {
		td_cursor_close(cursor);
		return code;
	}
	cursor->place = td_place_at(cursor->next);
	*out = cursor;
	return 0;
}

void td_cursor_close(struct td_cursor *cursor)
{
	if (cursor == NULL)
		return;
	cursor->store->shelf.let_go(&cursor->held);
	cursor->store->shelf.leave(&cursor->place);
	td_opener_fini(&cursor->opener);
	td_buf_fini(&cursor->list);
	td_buf_fini(&cursor->again);
	free(cursor->kept);
	free(cursor);
}

/* --- filter ------------------------------------------------------------------------------- */

/* Nothing behind this one can fit any more. */
static bool is_behind(const struct td_read_options *options, const struct td_event_record *event,
	uint64_t position)
{
	if (options->backward)
		return position < options->from_position ||
		       (options->from_seq != 0 && event->seq < options->from_seq) ||
		       (options->from_revision != 0 && event->revision < options->from_revision);
	return (options->to_position != 0 && position > options->to_position) ||
	       (options->to_seq != 0 && event->seq > options->to_seq) ||
	       (options->to_revision != 0 && event->revision > options->to_revision);
}

static bool fits_bounds(const struct td_read_options *options, const struct td_event_record *event,
	uint64_t position)
{
	return position >= options->from_position &&
	       (options->to_position == 0 || position <= options->to_position) &&
	       event->seq >= options->from_seq &&
	       (options->to_seq == 0 || event->seq <= options->to_seq) &&
	       event->revision >= options->from_revision &&
	       (options->to_revision == 0 || event->revision <= options->to_revision) &&
	       (options->from_time == INT64_MIN || options->from_time == 0 ||
		       event->time >= options->from_time) &&
	       (options->to_time == 0 || event->time <= options->to_time);
}

static bool is_one_of(const struct td_text *texts, size_t count, struct td_text text)
{
	for (size_t i = 0; i < count; i++) {
		if (td_text_equal(texts[i], text))
			return true;
	}
	return false;
}

static bool fits_subjects(const struct td_cursor *cursor, struct td_text address)
{
	if (cursor->exact)
		return td_text_equal(cursor->options.subjects[0], address);
	for (size_t i = 0; i < cursor->options.subjects_count; i++) {
		if (td_pattern_matches(cursor->options.subjects[i], address))
			return true;
	}
	return cursor->all_subjects;
}

static bool fits(
	const struct td_cursor *cursor, const struct td_event_record *event, uint64_t position)
{
	const struct td_read_options *options = &cursor->options;

	if (cursor->log != 0 ? event->log != cursor->log
			     : event->log == TD_LOG_NUMBER_CONTROL && !options->control)
		return false;
	return fits_bounds(options, event, position) &&
	       (options->types_count == 0 ||
		       is_one_of(options->types, options->types_count, event->type)) &&
	       fits_subjects(cursor, event->address);
}

void td_stored_of(struct td_stored *stored, const struct td_event_record *event, uint64_t position)
{
	*stored = (struct td_stored){
		.log = event->log,
		.seq = event->seq,
		.revision = event->revision,
		.position = position,
		.prev = event->prev,
		.time = event->time,
		.address = event->address,
		.type = event->type,
		.headers = event->headers,
		.payload = event->payload,
		.server = event->server,
		.imported = (event->flags & TD_EVENT_IMPORTED) != 0,
	};
}

/* --- next --------------------------------------------------------------------------------- */

static int no_more(struct td_error *err)
{
	return td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET, "no more");
}

int td_store_damage(uint64_t from, uint64_t to, const char *what, struct td_error *err)
{
	return td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET,
		"positions %" PRIu64 " to %" PRIu64 ": %s", from, to, what);
}

int td_store_lost(struct td_error *err)
{
	return td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET,
		"the index beside a segment cannot be read: open the store again");
}

static int next_scanned(struct td_cursor *cursor, struct td_stored *stored, struct td_error *err)
{
	const struct td_shelf *shelf = &cursor->store->shelf;
	struct td_event_record event;
	struct td_record record;
	uint64_t lost_to = 0;
	int code;

	while ((code = shelf->scan(shelf->arg, &cursor->place, &record, &lost_to, err)) == 0) {
		const char *wrong;

		cursor->next = record.position + record.count;
		if (record.body.len == 0 || record.body.at[0] != TD_RECORD_EVENT)
			continue;
		wrong = td_event_record_read(&event, record.body);
		if (wrong != NULL)
			return td_store_damage(record.position, record.position, wrong, err);
		if (cursor->log == 0 || cursor->log == event.log) {
			cursor->finished = is_behind(&cursor->options, &event, record.position);
			if (cursor->finished)
				return no_more(err);
		}
		if (!fits(cursor, &event, record.position) ||
			td_cursor_is_removed(cursor, record.position))
			continue;
		if (cursor->lost)
			return td_store_lost(err);
		return td_stored_open(
			cursor->store, &cursor->opener, stored, &event, record.position, err);
	}
	if (code == TD_E_DAMAGED) {
		shelf->leave(&cursor->place);
		cursor->place = td_place_at(lost_to + 1);
		cursor->next = lost_to + 1;
	}
	return code;
}

/* By its position alone: its segment was rewritten, and the lines do not say where yet. */
static int fetch_by_scan(struct td_store *store, uint64_t position, struct td_held *held,
	struct td_event_record *event, struct td_error *err)
{
	struct td_place place = td_place_at(position);
	struct td_record record;
	uint64_t lost_to = 0;
	int code = store->shelf.scan(store->shelf.arg, &place, &record, &lost_to, err);

	if (code == 0 && (record.position != position || record.body.len == 0 ||
				 record.body.at[0] != TD_RECORD_EVENT))
		code = TD_E_NOT_FOUND;
	if (code == 0) {
		held->buf.max = SIZE_MAX / 2;
		td_buf_reset(&held->buf);
		td_buf_add_text(&held->buf, record.body);
		code = td_buf_check(&held->buf, err);
	}
	if (code == 0) {
		held->record = record;
		held->record.body = td_buf_view(&held->buf);
		if (td_event_record_read(event, held->record.body) != NULL)
			code = td_store_damage(position, position, "not an event", err);
	}
	store->shelf.leave(&place);
	return code;
}

/* The record of a line; TD_E_NOT_FOUND: it was removed meanwhile. */
int td_store_fetch(struct td_store *store, uint64_t position, uint64_t location,
	struct td_held *held, struct td_event_record *event, struct td_error *err)
{
	for (;;) {
		int code = store->shelf.fetch(store->shelf.arg, location, held, err);
		uint64_t before = location;
		const struct td_run *run;
		const char *wrong;
		bool moved;

		if (code == 0) {
			wrong = td_event_record_read(event, held->record.body);
			return wrong == NULL ? 0 : td_store_damage(position, position, wrong, err);
		}
		if (code != TD_E_NOT_FOUND)
			return code;
		/* Its segment was replaced: it lies elsewhere now. */
		td_mutex_lock(&store->lock);
		run = td_runs_find(&store->runs, position);
		moved = run != NULL && run->moved;
		if (run != NULL)
			location = td_run_location(run, td_run_line(run, position));
		td_mutex_unlock(&store->lock);
		if (run == NULL)
			return TD_E_NOT_FOUND;
		/* The line may not know it yet. */
		if (moved || location == before)
			return fetch_by_scan(store, position, held, event, err);
	}
}

static int next_indexed(struct td_cursor *cursor, struct td_stored *stored, struct td_error *err)
{
	while (cursor->at < cursor->count || td_cursor_fill(cursor)) {
		if (cursor->lost)
			break;

		struct td_event_record event;
		uint64_t position = cursor->batch[cursor->at].position;
		int code;

		cursor->held.bytes = cursor->batch[cursor->at].bytes;
		code = td_store_fetch(cursor->store, position, cursor->batch[cursor->at].location,
			&cursor->held, &event, err);

		cursor->at++;
		if (code == TD_E_NOT_FOUND)
			continue;
		if (code != 0)
			return code;
		if (is_behind(&cursor->options, &event, position)) {
			cursor->at = cursor->count;
			cursor->finished = true;
			break;
		}
		if (!fits(cursor, &event, position) || td_cursor_is_gone(cursor, position))
			continue;
		return td_stored_open(
			cursor->store, &cursor->opener, stored, &event, position, err);
	}
	if (cursor->lost) {
		cursor->finished = true;
		return td_store_lost(err);
	}
	if (td_buf_check(&cursor->list, err) != 0 || td_buf_check(&cursor->again, err) != 0)
		return TD_E_NOMEM;
	return no_more(err);
}

int td_cursor_next(struct td_cursor *cursor, struct td_stored *stored, struct td_error *err)
{
	if (cursor->finished)
		return no_more(err);
	return cursor->way == TD_WAY_SCAN ? next_scanned(cursor, stored, err)
					  : next_indexed(cursor, stored, err);
}

uint64_t td_cursor_position(const struct td_cursor *cursor)
{
	return cursor->at < cursor->count ? cursor->batch[cursor->at].position : cursor->next;
}
