/*
 * Making a catalog, in steps, so that the lock is held only to copy the lines:
 *
 *	run    read the segment: subjects, logs, notes, tags
 *	done   under the lock: the lines as they are now. Not while a removal is on its way: what the
 *	       catalog says is removed must stay removed
 *	run    look behind holes, a way at a time under the lock; write the file
 *	done   the run's pages may be had from it from now on
 */
#include "store/private.h"

#include <stdlib.h>

struct td_catalog_make {
	struct td_store *store;
	struct td_run *run; /* the owner's */
	struct td_catalog_image image;
	size_t lines;
	bool copied;
	int code;

	struct td_spent spent;
	struct td_subjects table; /* of those in the segment: `position` is the place + 1 */
	struct td_buf subjects, logs, addresses, notes, tags;
	uint32_t *locals;  /* of each line: place of its subject + 1; 0: no event stands there */
	uint32_t *offsets; /* of each line: where its record lies */
	uint64_t *links;
};

#define WAY_MAX 64u /* steps back to something that lives */

/* --- to do ---------------------------------------------------------------------------------- */

bool td_segments_take(struct td_segments *segments, const struct td_store *store)
{
	segments->count = td_journal_segments(store->shelf.journal, NULL, 0);
	segments->at = malloc((segments->count + 1) * sizeof(*segments->at));
	if (segments->at == NULL)
		return false;
	td_journal_segments(store->shelf.journal, segments->at, segments->count);
	return true;
}

void td_segments_fini(struct td_segments *segments)
{
	free(segments->at);
}

const struct td_segment_info *td_segments_of(
	const struct td_segments *segments, const struct td_run *run)
{
	size_t low = 0, high = segments->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (segments->at[middle].base < run->base)
			low = middle + 1;
		else
			high = middle;
	}
	return low < segments->count && segments->at[low].base == run->base ? &segments->at[low]
									    : NULL;
}

const struct td_segment_info *td_segments_sealed(
	const struct td_segments *segments, const struct td_run *run)
{
	const struct td_segment_info *segment = td_segments_of(segments, run);

	return segment != NULL && segment->sealed && segment->next == run->next &&
			       (segment->number == run->number || run->moved)
		       ? segment
		       : NULL;
}

static struct td_run *find_run(const struct td_store *store, struct td_segment_info *segment)
{
	uint64_t durable = store->shelf.durable(store->shelf.arg);
	struct td_run *found = NULL;
	struct td_segments segments = {0};

	for (size_t i = 0; i < store->runs.count && found == NULL; i++) {
		struct td_run *run = store->runs.at[i];
		const struct td_segment_info *sealed;

		bool again = run->catalog != NULL && !run->moved;

		if ((again && !td_spent_may_be(store, run)) || td_run_waits(store, run) ||
			run->base == store->rewriting.base || run->next > durable)
			continue;
		if (segments.at == NULL && !td_segments_take(&segments, store))
			return NULL;
		sealed = td_segments_sealed(&segments, run);
		if (sealed == NULL || (again && !td_spent_due(store, run, sealed)))
			continue;
		*segment = *sealed;
		found = run;
	}
	td_segments_fini(&segments);
	return found;
}

int64_t td_catalog_make_when(const struct td_store *store)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < store->runs.count; i++) {
		const struct td_run *run = store->runs.at[i];

		if ((run->catalog == NULL || run->moved) && run->failures > 0 &&
			run->again_at < first)
			first = run->again_at;
	}
	return first;
}

struct td_catalog_make *td_catalog_make_next(struct td_store *store)
{
	struct td_catalog_make *make = store->making;
	struct td_segment_info segment;
	struct td_run *run;

	if (store->shelf.journal == NULL || store->read_only)
		return NULL;
	if (make != NULL) {
		/* Its lines can be copied only between removals. */
		if (!make->copied && store->pending != NULL)
			return NULL;
		store->making = NULL;
		return make;
	}
	run = find_run(store, &segment);
	make = run != NULL ? calloc(1, sizeof(*make)) : NULL;
	if (make == NULL)
		return NULL;
	make->store = store;
	make->run = run;
	make->lines = (size_t)(run->next - run->base);
	make->image.head = (struct td_catalog_head){.salt = segment.salt,
		.base = run->base,
		.next = run->next,
		.seed = store->top_seed,
		.number = segment.number};
	make->subjects.max = make->logs.max = make->addresses.max = make->notes.max =
		make->tags.max = SIZE_MAX / 2;
	td_subjects_init(&make->table, store->seed);
	make->code = td_spent_begin(&make->spent, store);
	return make;
}

void td_catalog_make_free(struct td_catalog_make *make)
{
	if (make == NULL)
		return;
	td_catalog_image_fini(&make->image);
	td_spent_fini(&make->spent);
	td_subjects_fini(&make->table);
	td_buf_fini(&make->subjects);
	td_buf_fini(&make->logs);
	td_buf_fini(&make->addresses);
	td_buf_fini(&make->notes);
	td_buf_fini(&make->tags);
	free(make->locals);
	free(make->offsets);
	free(make->links);
	free(make);
}

/* --- reading -------------------------------------------------------------------------------- */

static struct td_catalog_subject *subject_at(const struct td_catalog_make *make, uint32_t place)
{
	return (struct td_catalog_subject *)(void *)make->subjects.at + place;
}

static struct td_catalog_log *log_at(const struct td_catalog_make *make, uint16_t place)
{
	return (struct td_catalog_log *)(void *)make->logs.at + place;
}

/* The place of its log in the file's list. */
static uint16_t place_log(struct td_catalog_make *make, uint32_t number, uint32_t line)
{
	struct td_catalog_log log = {.number = number, .first = line};
	size_t count = make->logs.len / sizeof(log);

	for (size_t i = count; i > 0; i--) {
		if (log_at(make, (uint16_t)(i - 1))->number == number)
			return (uint16_t)(i - 1);
	}
	td_buf_add(&make->logs, &log, sizeof(log));
	return (uint16_t)count;
}

static uint32_t place_subject(
	struct td_catalog_make *make, const struct td_event_record *event, uint16_t log)
{
	uint64_t hash = td_subjects_hash(&make->table, event->address);
	uint32_t ref = td_subjects_find(&make->table, hash, event->address, log);
	size_t count = make->subjects.len / sizeof(struct td_catalog_subject);
	const struct td_catalog_subject subject = {.address = make->addresses.len,
		.address_len = (uint16_t)event->address.len,
		.log = log};

	if (ref != TD_SUBJECT_NONE)
		return (uint32_t)td_subject_at(&make->table, ref)->position;
	ref = td_subjects_add(&make->table, hash, event->address, log);
	if (ref == TD_SUBJECT_NONE) {
		make->code = TD_E_NOMEM;
		return 0;
	}
	td_subject_at(&make->table, ref)->position = count;
	td_buf_add(&make->subjects, &subject, sizeof(subject));
	td_buf_add_text(&make->addresses, event->address);
	return (uint32_t)count;
}

static void read_event(
	struct td_catalog_make *make, const struct td_event_record *event, uint32_t line)
{
	uint16_t place = place_log(make, event->log, line);
	uint32_t local = place_subject(make, event, place);
	struct td_catalog_subject *subject;
	struct td_catalog_log *log;

	if (make->code != 0 || make->subjects.code != 0 || make->logs.code != 0)
		return;
	make->locals[line] = local + 1;
	subject = subject_at(make, local);
	subject->seq = event->seq;
	subject->revision = event->revision;
	subject->last = line;
	log = log_at(make, place);
	if (log->first_seq == 0)
		log->first_seq = event->seq;
	log->last_seq = event->seq;
	log->last = line;
	log->last_time = event->time;
}

static void read_record(struct td_catalog_make *make, const struct td_record *record)
{
	uint32_t line = (uint32_t)(record->position - make->run->base);
	struct td_catalog_tag tag = {.line = line};
	struct td_event_record event;

	make->offsets[line] = (uint32_t)record->location;
	if (record->body.at[0] == TD_RECORD_GONE)
		return;
	td_spent_look(&make->spent, record, line);
	tag.tag = td_store_tag(make->store, record);
	if (tag.tag.id != 0 || tag.tag.story != 0)
		td_buf_add(&make->tags, &tag, sizeof(tag));
	/* Duplicates are looked for only where the records are read, too. */
	if (record->body.at[0] == TD_RECORD_KNOWN ||
		(TD_BUG(234) && record->body.at[0] == TD_RECORD_REMOVAL))
		return;
	if (record->body.at[0] != TD_RECORD_EVENT) {
		td_buf_add(&make->notes, &line, sizeof(line));
		return;
	}
	if (td_event_record_read(&event, record->body) != NULL) {
		make->code = TD_E_DAMAGED;
		return;
	}
	read_event(make, &event, line);
	if (event.log == TD_LOG_NUMBER_CONTROL)
		td_buf_add(&make->notes, &line, sizeof(line));
}

static void read_segment(struct td_catalog_make *make)
{
	const struct td_shelf *shelf = &make->store->shelf;
	struct td_place place = td_place_at(make->image.head.base);
	struct td_record record;
	uint64_t lost_to;

	make->locals = calloc(make->lines, sizeof(*make->locals));
	make->offsets = calloc(make->lines, sizeof(*make->offsets));
	if (make->locals == NULL || make->offsets == NULL)
		make->code = TD_E_NOMEM;
	/* It had a catalog: links are no more to be had elsewhere. */
	if (make->code == 0 && make->run->catalog != NULL)
		make->links = td_catalog_read(make->run->catalog, TD_CATALOG_LINKS, &make->code);
	while (make->code == 0 && place.scan.position < make->image.head.next) {
		make->code = shelf->scan(shelf->arg, &place, &record, &lost_to, NULL);
		if (make->code == 0 && record.body.len > 0)
			read_record(make, &record);
	}
	shelf->leave(&place);
	if (make->subjects.code != 0 || make->logs.code != 0 || make->addresses.code != 0 ||
		make->notes.code != 0 || make->tags.code != 0 || make->spent.records.code != 0)
		make->code = TD_E_NOMEM;
}

/* --- copying -------------------------------------------------------------------------------- */

static void copy_line(struct td_catalog_make *make, size_t i)
{
	struct td_line *line = &make->image.lines[i];
	struct td_catalog_subject *subject;
	struct td_catalog_log *log;

	*line = *td_run_line(make->run, make->run->base + i);
	if ((line->flags & TD_LINE_EVENT) == 0) {
		*line = (struct td_line){.offset = line->offset,
			.back = line->back,
			.bytes = line->bytes,
			.flags = line->flags};
		return;
	}
	line->flags &= (uint16_t)~TD_LINE_LOCAL;
	/* Erased: nothing is known of it but that the chain goes through it. */
	if (make->locals[i] == 0) {
		line->flags &= (uint16_t)~TD_LINE_EVENT;
		return;
	}
	line->subject = make->locals[i] - 1;
	subject = subject_at(make, line->subject);
	line->log = subject->log;
	log = log_at(make, subject->log);
	if ((line->flags & TD_LINE_REMOVED) != 0)
		return;
	subject->count++;
	log->count++;
	log->bytes += line->bytes;
}

/* Whether it lives, or is back if a removal that is not durable comes to nothing. */
static bool may_live(const struct td_store *store, const struct td_line *line, uint64_t position)
{
	return (line->flags & TD_LINE_EVENT) != 0 &&
	       ((line->flags & TD_LINE_REMOVED) == 0 || td_store_is_pending(store, position));
}

/*
 * Whether something that lives is met on the way back from here; on a long way: it may be. *lost: a
 * page could not be read. Any thread.
 */
static bool leads(struct td_store *store, uint64_t position, bool *lost)
{
	uint64_t losses;
	bool found = false;

	td_mutex_lock(&store->lock);
	losses = store->runs.losses;
	for (unsigned i = 0; i < WAY_MAX && position != 0 && !found; i++) {
		const struct td_run *run = td_runs_find(&store->runs, position);

		found = run == NULL || may_live(store, td_run_line(run, position), position);
		if (!found)
			position = td_run_previous(run, position);
	}
	*lost = *lost || store->runs.losses != losses;
	td_mutex_unlock(&store->lock);
	return found || position != 0;
}

/*
 * Behind this line something lives. `way`: of each line before, whether it lives or has that behind
 * it. From a line that lives nobody has to be told.
 */
static bool has_behind(const struct td_catalog_make *make, size_t i, const uint8_t *way, bool *lost)
{
	uint32_t back = make->image.lines[i].back, link = back & ~TD_BACK_LINK;

	if (back == 0)
		return false;
	if ((back & TD_BACK_LINK) != 0)
		return link >= make->image.head.links ||
		       leads(make->store, td_catalog_link_unpack(make->links[link]), lost);
	return back > i || way[back - 1] != 0;
}

/*
 * Holes behind which nothing lives: nobody goes through them any more, and nothing is kept of them.
 * Links are then only those of the other lines.
 */
static int thin(struct td_catalog_make *make)
{
	struct td_catalog_head *head = &make->image.head;
	bool lost = false;
	uint64_t *links = malloc(head->links * sizeof(*links) + 1);
	uint8_t *way = malloc(make->lines);
	uint32_t count = 0;

	if (links == NULL || way == NULL) {
		free(links);
		free(way);
		return TD_E_NOMEM;
	}
	for (size_t i = 0; i < make->lines; i++) {
		struct td_line *line = &make->image.lines[i];
		uint32_t link = line->back & ~TD_BACK_LINK;

		way[i] = (line->flags & (TD_LINE_EVENT | TD_LINE_REMOVED)) == TD_LINE_EVENT ||
			 has_behind(make, i, way, &lost);
		if ((line->flags & TD_LINE_HOLE) != 0 && way[i] == 0) {
			*line = TD_LINE_BARE;
		} else if ((line->back & TD_BACK_LINK) != 0 && link < head->links) {
			line->back = TD_BACK_LINK | count;
			links[count++] = make->links[link];
		}
	}
	free(way);
	free(make->links);
	make->links = links;
	head->links = count;
	return lost ? TD_E_DAMAGED : 0;
}

/* The lines learn where their records lie now. */
static void relocate(struct td_catalog_make *make)
{
	struct td_run *run = make->run;

	for (size_t i = 0; i < make->lines; i++) {
		td_run_line(run, run->base + i)->offset = make->offsets[i];
		td_run_touch(run, run->base + i);
	}
	run->number = make->image.head.number;
	run->moved = false;
}

/* All its pages can be read, and are in memory then. */
static bool is_whole(const struct td_run *run)
{
	uint64_t losses = run->owner->losses;

	for (uint64_t at = run->base; at < run->next && run->owner->losses == losses;
		at += TD_LINES_HEAP)
		td_run_line(run, at);
	return run->owner->losses == losses;
}

/* Nothing is removed and there yet: the run is clean as of now; else as far as it was known to be. */
static void note_clean(struct td_catalog_make *make)
{
	const unsigned is = TD_LINE_REMOVED | TD_LINE_HOLE | TD_LINE_SPENT;
	struct td_catalog_head *head = &make->image.head;
	struct td_run *run = make->run;
	bool clean = true;

	for (size_t i = 0; clean && i < make->lines; i++)
		clean = (make->image.lines[i].flags & is) != TD_LINE_REMOVED;
	/* That it still is clean is no news to others. */
	if (clean && run->clean_to == 0)
		td_spent_clean(make->store, run, head->as_of);
	else if (clean && run->clean_to < head->as_of)
		run->clean_to = head->as_of;
	/* What is kept of it rests on nothing that is not durable. */
	head->clean_to = run->clean_to < head->as_of ? run->clean_to : head->as_of;
}

/* Under the lock. */
static void copy_lines(struct td_catalog_make *make)
{
	struct td_catalog_image *image = &make->image;
	struct td_run *run = make->run;
	int code = 0;

	image->lines = malloc(make->lines * sizeof(*image->lines));
	image->head.links = (uint32_t)run->links_count;
	if (run->catalog != NULL)
		image->head.links = run->catalog->head.links;
	else
		make->links = malloc(run->links_count * sizeof(uint64_t) + 1);
	image->head.pages = (uint32_t)((make->lines + TD_LINES_HEAP - 1) / TD_LINES_HEAP);
	image->sections[TD_CATALOG_PAGES] =
		calloc(image->head.pages, sizeof(struct td_catalog_page));
	if (image->lines == NULL || make->links == NULL ||
		image->sections[TD_CATALOG_PAGES] == NULL)
		code = TD_E_NOMEM;
	if (code == 0 && !is_whole(run))
		code = TD_E_DAMAGED;
	if (code == 0 && run->moved)
		relocate(make);
	if (code == 0)
		td_spent_mark(make->store, run, &make->spent);
	for (size_t i = 0; code == 0 && i < make->lines; i++) {
		copy_line(make, i);
		image->head.erase +=
			(image->lines[i].flags & (TD_LINE_ERASE | TD_LINE_HOLE)) == TD_LINE_ERASE;
	}
	for (size_t i = 0; code == 0 && run->catalog == NULL && i < run->links_count; i++)
		make->links[i] = td_catalog_link_pack(run->links[i]);
	/* No removal is on its way: all that are durable are in the lines, and no others. */
	image->head.as_of = make->store->shelf.durable(make->store->shelf.arg);
	if (code == 0)
		note_clean(make);
	image->head.removed = run->removed;
	image->head.removed_there = run->removed_there;
	image->head.removed_bytes = run->removed_bytes;
	image->head.own = run->own;
	image->head.own_bytes = run->own_bytes;
	/* Pages of an old catalog say where records were, and not all that is known by now. */
	memset(run->dirty, run->catalog != NULL ? TD_PAGE_COPIED : 0, run->heaps_count);
	make->copied = true;
	make->code = code;
}

/* --- writing -------------------------------------------------------------------------------- */

static void *detach(struct td_buf *buf)
{
	void *bytes = buf->at;

	*buf = (struct td_buf){0};
	return bytes;
}

static void write_out(struct td_catalog_make *make)
{
	struct td_catalog_image *image = &make->image;
	struct td_catalog_head *head = &image->head;

	make->code = thin(make);
	if (make->code != 0)
		return;
	head->logs = (uint32_t)(make->logs.len / sizeof(struct td_catalog_log));
	head->subjects = (uint32_t)(make->subjects.len / sizeof(struct td_catalog_subject));
	head->notes = (uint32_t)(make->notes.len / sizeof(uint32_t));
	head->tags = (uint32_t)(make->tags.len / sizeof(struct td_catalog_tag));
	head->addresses = make->addresses.len;
	for (uint32_t i = 0; i < head->subjects; i++) {
		struct td_catalog_subject *subject = subject_at(make, i);

		subject->sum =
			td_catalog_subject_sum(subject, make->addresses.at + subject->address);
	}
	image->sections[TD_CATALOG_LINKS] = make->links;
	make->links = NULL;
	image->sections[TD_CATALOG_LOGS] = detach(&make->logs);
	image->sections[TD_CATALOG_SUBJECTS] = detach(&make->subjects);
	image->sections[TD_CATALOG_NOTES] = detach(&make->notes);
	image->sections[TD_CATALOG_TAGS] = detach(&make->tags);
	image->sections[TD_CATALOG_ADDRESSES] = detach(&make->addresses);
	make->code = td_catalog_write(
		image, make->store->disk, td_journal_directory(make->store->shelf.journal), NULL);
}

void td_catalog_make_run(struct td_catalog_make *make)
{
	if (make->copied)
		write_out(make);
	else if (make->locals == NULL)
		read_segment(make);
}

/*
 * Lines in memory are as the new catalog says: links, and their subject where they name it by its place
 * in the catalog before. Of what was erased none is left, and nobody asks for it.
 */
static void rename_lines(const struct td_catalog_make *make)
{
	const struct td_run *run = make->run;

	for (size_t i = 0; i < make->lines; i++) {
		struct td_line *page = run->heaps[i / TD_LINES_HEAP], *line;

		if (page == NULL)
			continue;
		line = &page[i % TD_LINES_HEAP];
		line->back = make->image.lines[i].back;
		if ((line->flags & TD_LINE_LOCAL) == 0)
			continue;
		if (make->locals[i] != 0) {
			line->subject = make->locals[i] - 1;
			continue;
		}
		line->subject = TD_SUBJECT_NONE;
		line->flags &= (uint16_t)~TD_LINE_LOCAL;
	}
}

/* Under the lock: the run's logs by index, as its catalog numbers them. */
static bool attach(struct td_store *store, struct td_catalog_make *make, struct td_catalog *catalog)
{
	const struct td_catalog_log *logs = make->image.sections[TD_CATALOG_LOGS];

	for (size_t i = 0; i < catalog->head.logs; i++) {
		const struct td_log *log = td_logs_number(&store->logs, logs[i].number);

		catalog->logs[i] = log != NULL ? log->index : TD_LOG_GONE;
	}
	if (!td_run_attach(&store->runs, make->run, catalog))
		return false;
	rename_lines(make);
	/* What was erased is not a log's any more. */
	make->run->logs_count = 0;
	for (size_t i = 0; i < catalog->head.logs; i++) {
		if (catalog->logs[i] != TD_LOG_GONE)
			make->run->logs[make->run->logs_count++] =
				(struct td_run_log){catalog->logs[i], logs[i].first_seq,
					logs[i].last_seq, logs[i].first, logs[i].last};
	}
	return true;
}

static int finish(struct td_store *store, struct td_catalog_make *make, struct td_error *err)
{
	const struct td_catalog_head *head = &make->image.head;
	struct td_catalog *catalog;
	int code =
		td_catalog_open(&catalog, store->disk, td_journal_directory(store->shelf.journal),
			head->base, head->next, head->number, head->salt, err);

	if (code != 0)
		return code;
	td_mutex_lock(&store->lock);
	if (!attach(store, make, catalog)) {
		td_catalog_close(catalog);
		code = td_error_nomem(err);
	}
	td_runs_trim(&store->runs, store->index_bytes);
	td_mutex_unlock(&store->lock);
	return code;
}

struct td_catalog_make *td_catalog_make_done(
	struct td_store *store, struct td_catalog_make *make, struct td_error *err)
{
	bool written = make->copied;
	int code = make->code;

	if (code == 0 && !written && store->pending == NULL) {
		td_mutex_lock(&store->lock);
		copy_lines(make);
		td_mutex_unlock(&store->lock);
		code = make->code;
	}
	if (code == 0 && !written)
		return make;
	if (code == 0)
		code = finish(store, make, err);
	/* It is not needed, only good to have: the run stays in memory meanwhile. */
	if (code != 0)
		td_run_failed(store, make->run);
	else
		make->run->failures = 0;
	td_catalog_make_free(make);
	return NULL;
}
