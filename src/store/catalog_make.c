/*
 * Making a catalog, in steps, so that the lock is held only to copy the lines:
 *
 *	run    read the segment: subjects, logs, notes, tags
 *	done   under the lock: the lines as they are now. Not while a removal is on its way: what the
 *	       catalog says is removed must stay removed
 *	run    look behind holes, a way at a time under the lock; write the file
 *	done   the run's pages may be had from it from now on
 */
#include "store/catalog_make.h"

#include <stdlib.h>

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

	make->code = td_making_thin(make);
	if (make->code != 0)
		return;
	head->logs = (uint32_t)(make->logs.len / sizeof(struct td_catalog_log));
	head->subjects = (uint32_t)(make->subjects.len / sizeof(struct td_catalog_subject));
	head->notes = (uint32_t)(make->notes.len / sizeof(uint32_t));
	head->tags = (uint32_t)(make->tags.len / sizeof(struct td_catalog_tag));
	head->addresses = make->addresses.len;
	for (uint32_t i = 0; i < head->subjects; i++) {
		struct td_catalog_subject *subject = td_making_subject(make, i);

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
		td_making_read(make);
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
		td_making_copy(make);
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
