/*
 * Single events: the latest of a subject, one by its id; the story of a correlation; subjects.
 */
#include "store/private.h"

#include <stdlib.h>

/* --- subjects ------------------------------------------------------------------------------- */

uint64_t td_store_seen(const struct td_store *store, uint32_t ref)
{
	uint64_t end = store->shelf.durable(store->shelf.arg);
	uint64_t position = td_subject_at(&store->subjects, ref)->position, met = 0;

	if (td_runs_find(&store->runs, position) == NULL)
		position = td_store_live(store, ref).position;
	while (position != 0) {
		const struct td_line *line = td_runs_line(&store->runs, position);

		if (position < end && td_store_sees(store, line, position))
			return position;
		met += (line->flags & (TD_LINE_EVENT | TD_LINE_REMOVED)) == TD_LINE_EVENT;
		/* What is older is gone, all of it. */
		if (met >= td_subject_at(&store->subjects, ref)->count && store->pending == NULL)
			return 0;
		position = td_store_back(
			store, ref, position, met >= td_subject_at(&store->subjects, ref)->count);
	}
	return 0;
}

/* Into the caller's buffer, which the views point into. */
static int copy(struct td_store *store, struct td_held *held, uint64_t position,
	struct td_stored *stored, struct td_buf *buf, struct td_error *err)
{
	struct td_opener opener = {0};
	struct td_event_record event;
	size_t at;
	int code;

	td_buf_reset(buf);
	/* Room for an opened payload behind it, so that nothing moves: the caller wipes that. */
	if ((held->record.body.at[1] & TD_EVENT_SEALED) != 0)
		td_buf_reserve(buf, 2 * held->record.body.len);
	td_buf_add_text(buf, held->record.body);
	if (td_buf_check(buf, err) != 0)
		return buf->code;
	if (td_event_record_read(&event, td_buf_view(buf)) != NULL)
		TD_UNREACHABLE();
	code = td_stored_open(store, &opener, stored, &event, position, err);
	if (code == 0 && opener.plain != NULL) {
		at = buf->len;
		td_buf_add_text(buf, stored->payload);
		stored->payload = td_text_of(buf->at + at, stored->payload.len);
	}
	td_opener_fini(&opener);
	return code;
}

/* The newest event of an address that readers see, or that is decided; in one log or whichever has it. */
static uint64_t newest_of(const struct td_store *store, const struct td_log *log,
	struct td_text address, bool decided)
{
	uint64_t hash = td_subjects_hash(&store->subjects, address), newest = 0;
	uint32_t ref, probe = 0;

	while ((ref = td_subjects_find_next(&store->subjects, hash, address, &probe)) !=
		TD_SUBJECT_NONE) {
		uint64_t position = 0;

		if (log == NULL || td_subject_at(&store->subjects, ref)->log == log->index)
			position = decided ? td_store_live(store, ref).position
					   : td_store_seen(store, ref);
		newest = position > newest ? position : newest;
	}
	return newest;
}

static int latest(struct td_store *store, struct td_text log, struct td_text address,
	uint64_t *staged, struct td_stored *stored, struct td_buf *buf, struct td_error *err)
{
	uint64_t position = 0, location = 0;
	const struct td_log *in = NULL;
	struct td_held held = {0};
	struct td_event_record event;
	int code = TD_E_NOT_FOUND;

	td_mutex_lock(&store->lock);
	if (log.at != NULL)
		in = staged != NULL ? td_logs_find(&store->logs, log) : td_logs_shown(store, log);
	if (log.at == NULL || in != NULL)
		position = newest_of(store, in, address, staged != NULL);
	if (position != 0) {
		const struct td_run *run = td_runs_find(&store->runs, position);

		location = td_run_location(run, td_run_line(run, position));
	}
	td_mutex_unlock(&store->lock);
	if (log.at != NULL && in == NULL)
		return td_error_set(
			err, TD_E_NOT_FOUND, TD_NO_OFFSET, "log %.*s", TD_TEXT_ARG(log));
	if (staged != NULL && position >= store->shelf.durable(store->shelf.arg)) {
		*staged = position;
		return 0;
	}
	if (position != 0)
		code = td_store_fetch(store, position, location, &held, &event, err);
	if (code == 0)
		code = copy(store, &held, position, stored, buf, err);
	else if (code == TD_E_NOT_FOUND)
		code = td_error_set(
			err, TD_E_NOT_FOUND, TD_NO_OFFSET, "%.*s: no event", TD_TEXT_ARG(address));
	store->shelf.let_go(&held);
	return code;
}

int td_store_latest(struct td_store *store, struct td_text log, struct td_text address,
	struct td_stored *stored, struct td_buf *buf, struct td_error *err)
{
	return latest(store, log, address, NULL, stored, buf, err);
}

int td_store_latest_decided(struct td_store *store, struct td_text log, struct td_text address,
	uint64_t *staged, struct td_stored *stored, struct td_buf *buf, struct td_error *err)
{
	*staged = 0;
	return latest(store, log, address, staged, stored, buf, err);
}

struct td_text td_store_claiming(const struct td_store *store, struct td_text address)
{
	const struct td_log *log = td_logs_claiming(&store->logs, address);

	if (log == NULL)
		log = store->events;
	return td_text(log != NULL ? log->name : NULL);
}

/* --- tags ----------------------------------------------------------------------------------- */

static uint32_t tag_of(const struct td_store *store, struct td_text text)
{
	uint32_t tag = (uint32_t)td_hash(text.at, text.len, store->top_seed);

	return text.at == NULL ? 0 : tag != 0 ? tag : 1;
}

struct td_tag td_store_tag(const struct td_store *store, const struct td_record *record)
{
	struct td_buf buf = TD_BUF_INIT((size_t)4 * TD_ATTRIBUTE_BYTES_MAX);
	struct td_event_record event;
	struct td_tag tag = {0};

	if (record->body.len == 0 || record->body.at[0] != TD_RECORD_EVENT ||
		td_event_record_read(&event, record->body) != NULL)
		return tag;
	tag.id = tag_of(store, td_block_value(event.headers, "ce-id", &buf));
	tag.story = tag_of(store, td_block_story(event.headers, event.server, &buf));
	td_buf_fini(&buf);
	return tag;
}

/* The first position that has no tag yet; 0: all durable ones have. Under the lock. */
static uint64_t untagged(const struct td_store *store, uint64_t from)
{
	uint64_t end = store->shelf.durable(store->shelf.arg);

	for (const struct td_run *run = td_runs_from(&store->runs, from); run != NULL;
		run = td_runs_from(&store->runs, run->next)) {
		if (run->catalog == NULL && run->base + run->tags_count < run->next)
			return run->base + run->tags_count < end ? run->base + run->tags_count : 0;
	}
	return 0;
}

/* Note the tag, unless somebody did meanwhile; what is missing on the way has none. */
static bool note(struct td_store *store, uint64_t position, struct td_tag tag)
{
	struct td_run *run = td_runs_find(&store->runs, position);

	if (run == NULL || run->catalog != NULL)
		return true;
	while (run->base + run->tags_count < position) {
		if (!td_run_tag(&store->runs, run, (struct td_tag){0}))
			return false;
	}
	return run->base + run->tags_count > position || td_run_tag(&store->runs, run, tag);
}

static int tag_all(struct td_store *store, struct td_error *err)
{
	struct td_place place;
	struct td_record record;
	uint64_t from, lost_to = 0;
	int code = 0;

	td_mutex_lock(&store->lock);
	from = untagged(store, 0);
	td_mutex_unlock(&store->lock);
	place = td_place_at(from);
	while (from != 0 && code == 0) {
		code = store->shelf.scan(store->shelf.arg, &place, &record, &lost_to, err);
		if (code == 0) {
			struct td_tag tag = td_store_tag(store, &record);

			td_mutex_lock(&store->lock);
			code = note(store, record.position, tag) ? 0 : td_error_nomem(err);
			td_mutex_unlock(&store->lock);
		} else if (code == TD_E_DAMAGED) {
			store->shelf.leave(&place);
			place = td_place_at(lost_to + 1);
			code = 0;
		}
	}
	store->shelf.leave(&place);
	return code == TD_E_NOT_FOUND ? 0 : code;
}

/* --- by tag --------------------------------------------------------------------------------- */

static bool tag_fits(const struct td_tag *has, struct td_tag wanted)
{
	return wanted.id != 0 ? has->id == wanted.id : has->story == wanted.story;
}

/* Whether readers see the event of this line, and where it lies. */
static bool tagged_at(const struct td_store *store, const struct td_run *run, uint64_t position,
	uint64_t *location)
{
	const struct td_line *line = td_run_line(run, position);

	*location = td_run_location(run, line);
	return td_store_sees(store, line, position);
}

/* Some of a catalog's tags, from place i on; returns how many. */
static size_t peek_tags(
	const struct td_run *run, size_t i, struct td_catalog_tag *tags, size_t count)
{
	size_t left = run->catalog->head.tags - i;

	count = count < left ? count : left;
	if (count == 0 || td_catalog_peek(run->catalog, TD_CATALOG_TAGS, i * sizeof(*tags), tags,
				  count * sizeof(*tags)))
		return count;
	run->owner->losses++;
	return 0;
}

/* The place of the first tag of a catalog at or above the line. */
static size_t first_tag(const struct td_run *run, uint64_t line)
{
	size_t low = 0, high = run->catalog->head.tags;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct td_catalog_tag tag;

		if (peek_tags(run, middle, &tag, 1) == 0)
			return run->catalog->head.tags;
		if (tag.line < line)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

#define TAGS_PEEKED 512u

static uint64_t tagged_in_catalog(const struct td_store *store, const struct td_run *run,
	uint64_t from, struct td_tag tag, uint64_t *location)
{
	struct td_catalog_tag tags[TAGS_PEEKED];
	size_t n;

	for (size_t i = first_tag(run, from - run->base);
		(n = peek_tags(run, i, tags, TAGS_PEEKED)) > 0; i += n) {
		for (size_t j = 0; j < n; j++) {
			if (tag_fits(&tags[j].tag, tag) && tags[j].line < run->next - run->base &&
				tagged_at(store, run, run->base + tags[j].line, location))
				return run->base + tags[j].line;
		}
	}
	return 0;
}

/* The same in one run. */
static uint64_t tagged_in(const struct td_store *store, const struct td_run *run, uint64_t from,
	struct td_tag tag, uint64_t *location)
{
	from = from > run->base ? from : run->base;
	if (run->catalog != NULL)
		return tagged_in_catalog(store, run, from, tag, location);
	for (size_t i = (size_t)(from - run->base); i < run->tags_count; i++) {
		if (tag_fits(&run->tags[i], tag) && tagged_at(store, run, run->base + i, location))
			return run->base + i;
	}
	return 0;
}

/*
 * The next position from *from on with this tag that readers see; 0: none. Runs are looked through
 * one by one, and others come to the lock between them.
 */
static uint64_t next_tagged(
	struct td_store *store, uint64_t from, struct td_tag tag, uint64_t *location)
{
	const struct td_run *run;
	uint64_t position = 0;

	do {
		td_mutex_lock(&store->lock);
		run = td_runs_from(&store->runs, from);
		if (run != NULL) {
			position = tagged_in(store, run, from, tag, location);
			from = run->next;
		}
		td_mutex_unlock(&store->lock);
	} while (position == 0 && run != NULL);
	return position;
}

/* What is looked for by its tag, and the texts that confirm it. */
struct wanted {
	struct td_tag tag;
	const struct td_text *texts;
	bool (*is)(const struct td_event_record *event, const struct td_text *texts);
};

/*
 * The next event from *from on that is wanted; *from is behind it then. TD_E_NOT_FOUND: no more. What
 * is gone meanwhile is passed over.
 */
static int next_wanted(struct td_store *store, const struct wanted *wanted, uint64_t *from,
	struct td_held *held, uint64_t *position, struct td_error *err)
{
	struct td_event_record event;
	uint64_t location = 0;

	while ((*position = next_tagged(store, *from, wanted->tag, &location)) != 0) {
		int code = td_store_fetch(store, *position, location, held, &event, err);

		*from = *position + 1;
		if (code != 0 && code != TD_E_NOT_FOUND)
			return code;
		if (code == 0 && wanted->is(&event, wanted->texts))
			return 0;
	}
	return TD_E_NOT_FOUND;
}

static bool value_is(struct td_text block, const char *key, struct td_text text)
{
	struct td_buf buf = TD_BUF_INIT((size_t)2 * TD_ATTRIBUTE_BYTES_MAX);
	bool is = td_text_equal(td_block_value(block, key, &buf), text);

	td_buf_fini(&buf);
	return is;
}

static bool has_id(const struct td_event_record *event, const struct td_text *texts)
{
	return value_is(event->headers, "ce-id", texts[0]) &&
	       (texts[1].at == NULL || value_is(event->headers, "ce-source", texts[1]));
}

static bool has_story(const struct td_event_record *event, const struct td_text *texts)
{
	struct td_buf buf = TD_BUF_INIT((size_t)2 * TD_ATTRIBUTE_BYTES_MAX);
	bool is = td_text_equal(td_block_story(event->headers, event->server, &buf), texts[0]);

	td_buf_fini(&buf);
	return is;
}

/* An id "<log>-<seq>", as events have that came without one; 0: it is not such. */
static uint64_t by_number(struct td_store *store, struct td_text id, uint64_t *location)
{
	struct td_text name = id;
	const struct td_log *log;
	uint64_t seq = 0, position = 0, scale = 1;
	const struct td_line *line;

	while (name.len > 0 && name.at[name.len - 1] >= '0' && name.at[name.len - 1] <= '9' &&
		scale <= UINT64_MAX / 100) {
		seq += scale * (uint64_t)(name.at[--name.len] - '0');
		scale *= 10;
	}
	if (scale == 1 || name.len < 2 || name.at[name.len - 1] != '-')
		return 0;
	name.len--;
	td_mutex_lock(&store->lock);
	log = td_logs_shown(store, name);
	if (log != NULL)
		position = td_runs_seq(&store->runs, log->index, seq);
	line = td_runs_line(&store->runs, position);
	if (log == NULL || line == NULL || line->seq != seq || line->log != log->index ||
		!td_store_sees(store, line, position) ||
		position >= store->shelf.durable(store->shelf.arg))
		position = 0;
	else
		*location = td_run_location(td_runs_find(&store->runs, position), line);
	td_mutex_unlock(&store->lock);
	return position;
}

static bool is_source_of(struct td_text source, struct td_text id)
{
	size_t name = id.len;

	while (name > 0 && id.at[name - 1] != '-')
		name--;
	return source.at == NULL ||
	       (name > 0 && source.len == name - 1 + 5 && memcmp(source.at, "nats:", 5) == 0 &&
		       memcmp(source.at + 5, id.at, name - 1) == 0);
}

static int find_by_id(struct td_store *store, const struct td_text texts[2],
	struct td_stored *stored, struct td_buf *buf, struct td_error *err)
{
	const struct wanted wanted = {{.id = tag_of(store, texts[0])}, texts, has_id};
	struct td_held held = {0};
	uint64_t position, from = 1;
	int code = tag_all(store, err);

	if (code == 0)
		code = next_wanted(store, &wanted, &from, &held, &position, err);
	if (code == 0)
		code = copy(store, &held, position, stored, buf, err);
	else if (code == TD_E_NOT_FOUND)
		code = td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET, "no event with id %.*s",
			TD_TEXT_ARG(texts[0]));
	store->shelf.let_go(&held);
	return code;
}

int td_store_find(struct td_store *store, struct td_text id, struct td_text source,
	struct td_stored *stored, struct td_buf *buf, struct td_error *err)
{
	const struct td_text texts[] = {id, source};
	struct td_event_record event;
	struct td_held held = {0};
	uint64_t location = 0, position = by_number(store, id, &location);
	int code = TD_E_NOT_FOUND;

	if (position != 0 && is_source_of(source, id)) {
		code = td_store_fetch(store, position, location, &held, &event, err);
		if (code == 0 && td_block_value(event.headers, "ce-id", NULL).at != NULL)
			code = TD_E_NOT_FOUND;
		if (code == 0)
			code = copy(store, &held, position, stored, buf, err);
		store->shelf.let_go(&held);
	}
	return code != TD_E_NOT_FOUND ? code : find_by_id(store, texts, stored, buf, err);
}

int td_store_story(struct td_store *store, struct td_text correlation, uint64_t from, size_t max,
	struct td_buf *positions, uint64_t *next, struct td_error *err)
{
	const struct wanted wanted = {
		{.story = tag_of(store, correlation)}, &correlation, has_story};
	struct td_held held = {0};
	uint64_t position;
	int code = tag_all(store, err);

	TD_ASSERT(max > 0);
	*next = 0;
	for (size_t i = 0; code == 0 && *next == 0; i++) {
		code = next_wanted(store, &wanted, &from, &held, &position, err);
		if (code == 0 && i < max)
			td_buf_add(positions, &position, sizeof(position));
		else if (code == 0)
			*next = position;
	}
	if (code == TD_E_DAMAGED)
		*next = from;
	store->shelf.let_go(&held);
	return code != 0 && code != TD_E_NOT_FOUND ? code : td_buf_check(positions, err);
}

int td_store_at(struct td_store *store, uint64_t position, struct td_stored *stored,
	struct td_buf *buf, struct td_error *err)
{
	uint64_t location = 0;
	struct td_held held = {0};
	struct td_event_record event;
	const struct td_run *run;
	bool seen;
	int code = TD_E_NOT_FOUND;

	td_mutex_lock(&store->lock);
	run = td_runs_find(&store->runs, position);
	seen = run != NULL && position < store->shelf.durable(store->shelf.arg) &&
	       tagged_at(store, run, position, &location);
	td_mutex_unlock(&store->lock);
	if (seen)
		code = td_store_fetch(store, position, location, &held, &event, err);
	if (code == 0)
		code = copy(store, &held, position, stored, buf, err);
	else if (code == TD_E_NOT_FOUND)
		code = td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET,
			"no event at position %" PRIu64, position);
	store->shelf.let_go(&held);
	return code;
}
