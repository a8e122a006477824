/*
 * A segment's catalog in place of its records, when the store opens. First what it notes (removals,
 * tops, logs made): they are read as records are. Then its subjects and logs, as sums.
 *
 * A removal at position p says something new of a run only if p is at or above the `as_of` of its
 * catalog: td_index_fold() asks.
 */
#include "store/private.h"

#include <stdlib.h>

static int restore_note(struct td_store *store, const struct td_catalog_head *head,
	const struct td_line *line, uint32_t i, struct td_error *err)
{
	struct td_held held = {0};
	int code = store->shelf.fetch(
		store->shelf.arg, (uint64_t)head->number << 32 | line->offset, &held, err);

	if (code == 0) {
		held.record.position = head->base + i;
		code = td_index_fold_note(store, &held.record, err);
	}
	store->shelf.let_go(&held);
	return code;
}

static int restore_notes(
	struct td_store *store, const struct td_catalog *catalog, struct td_error *err)
{
	int code;
	uint32_t *notes = td_catalog_read(catalog, TD_CATALOG_NOTES, &code);
	struct td_line *page = malloc(TD_LINES_HEAP * sizeof(*page));
	size_t at = SIZE_MAX;

	if (page == NULL)
		code = TD_E_NOMEM;
	for (uint32_t i = 0; code == 0 && i < catalog->head.notes; i++) {
		if (notes[i] >= catalog->head.next - catalog->head.base) {
			code = TD_E_NOT_FOUND;
			break;
		}
		if (notes[i] / TD_LINES_HEAP != at) {
			at = notes[i] / TD_LINES_HEAP;
			if (!td_catalog_page(catalog, at, page)) {
				code = TD_E_NOT_FOUND;
				break;
			}
		}
		code = restore_note(
			store, &catalog->head, &page[notes[i] % TD_LINES_HEAP], notes[i], err);
	}
	free(notes);
	free(page);
	return code;
}

/* Its logs, in place; of a log that is gone nothing is left. */
static int restore_logs(struct td_store *store, struct td_catalog *catalog, struct td_run_log **out,
	size_t *count, struct td_error *err)
{
	int code;
	struct td_catalog_log *logs = td_catalog_read(catalog, TD_CATALOG_LOGS, &code);
	struct td_run_log *kept = malloc(catalog->head.logs * sizeof(*kept) + 1);

	*count = 0;
	*out = kept;
	if (code == 0 && kept == NULL)
		code = td_error_nomem(err);
	for (uint32_t i = 0; code == 0 && i < catalog->head.logs; i++) {
		struct td_log *log = td_logs_number(&store->logs, logs[i].number);

		catalog->logs[i] = log != NULL ? log->index : TD_LOG_GONE;
		if (log == NULL)
			continue;
		kept[(*count)++] = (struct td_run_log){log->index, logs[i].first_seq,
			logs[i].last_seq, logs[i].first, logs[i].last};
		log->count += logs[i].count;
		log->bytes += logs[i].bytes;
		/* What it notes was read before: a removal may know of a later one. */
		if (log->last_seq < logs[i].last_seq)
			log->last_seq = logs[i].last_seq;
		if (log->numbered < catalog->head.base + logs[i].last)
			log->numbered = catalog->head.base + logs[i].last;
		log->last_time = logs[i].last_time;
		if (log->first == 0)
			log->first = catalog->head.base + logs[i].first;
	}
	free(logs);
	return code;
}

static int restore_subject(struct td_store *store, const struct td_run *run,
	const struct td_catalog_subject *from, struct td_text address, struct td_error *err)
{
	uint16_t index = run->catalog->logs[from->log];
	uint64_t hash = td_subjects_hash(&store->subjects, address);
	uint32_t ref;
	struct td_subject *subject;

	if (index == TD_LOG_GONE)
		return 0;
	ref = td_subjects_find(&store->subjects, hash, address, index);
	if (ref == TD_SUBJECT_NONE && from->count == 0)
		return 0;
	if (ref == TD_SUBJECT_NONE) {
		ref = td_subjects_add(&store->subjects, hash, address, index);
		if (ref == TD_SUBJECT_NONE)
			return td_error_nomem(err);
		store->logs.at[index]->subjects++;
	}
	subject = td_subject_at(&store->subjects, ref);
	free(td_map_remove(&store->fallen, ref));
	subject->seq = from->seq;
	subject->revision = from->revision;
	subject->position = run->base + from->last;
	subject->count += TD_BUG(238) ? 1 : from->count;
	if ((td_run_line(run, subject->position)->flags & TD_LINE_REMOVED) != 0)
		td_buf_add(&store->restored, &ref, sizeof(ref));
	if (store->tops.count > 0) {
		uint64_t top = td_top_hash(store->top_seed, store->logs.at[index]->number, address);
		const struct td_top *is = td_tops_find(&store->tops, top);

		if (is != NULL && is->seq < from->seq)
			td_tops_remove(&store->tops, top);
	}
	return td_buf_check(&store->restored, err);
}

static int restore_subjects(struct td_store *store, const struct td_run *run, struct td_error *err)
{
	const struct td_catalog *catalog = run->catalog;
	int code;
	struct td_catalog_subject *subjects = td_catalog_read(catalog, TD_CATALOG_SUBJECTS, &code);
	char *addresses = code == 0 ? td_catalog_read(catalog, TD_CATALOG_ADDRESSES, &code) : NULL;

	for (uint32_t i = 0; code == 0 && i < catalog->head.subjects; i++)
		code = restore_subject(store, run, &subjects[i],
			td_text_of(addresses + subjects[i].address, subjects[i].address_len), err);
	free(subjects);
	free(addresses);
	return code;
}

/* Each subject names a log, a line and an address that are there. */
static int check_subjects(const struct td_catalog *catalog)
{
	const struct td_catalog_head *head = &catalog->head;
	struct td_catalog_subject *subjects;
	char *addresses;
	int code;

	subjects = td_catalog_read(catalog, TD_CATALOG_SUBJECTS, &code);
	addresses = code == 0 ? td_catalog_read(catalog, TD_CATALOG_ADDRESSES, &code) : NULL;
	for (uint32_t i = 0; code == 0 && i < head->subjects; i++) {
		const struct td_catalog_subject *subject = &subjects[i];

		if (subject->log >= head->logs || subject->last >= head->next - head->base ||
			subject->address_len > head->addresses ||
			subject->address > head->addresses - subject->address_len ||
			subject->sum !=
				td_catalog_subject_sum(subject, addresses + subject->address))
			code = TD_E_NOT_FOUND;
	}
	free(subjects);
	free(addresses);
	return code;
}

/* All sections that are needed match, before anything is changed. */
static int check(const struct td_catalog *catalog)
{
	static const enum td_catalog_section sections[] = {
		TD_CATALOG_LOGS, TD_CATALOG_NOTES, TD_CATALOG_LINKS, TD_CATALOG_TAGS};
	struct td_line *page = malloc(TD_LINES_HEAP * sizeof(*page));
	int code = page != NULL ? check_subjects(catalog) : TD_E_NOMEM;

	for (size_t i = 0; code == 0 && i < sizeof(sections) / sizeof(sections[0]); i++)
		free(td_catalog_read(catalog, sections[i], &code));
	for (size_t i = 0; code == 0 && i < catalog->head.pages; i++) {
		if (!td_catalog_page(catalog, i, page))
			code = TD_E_NOT_FOUND;
	}
	free(page);
	return code;
}

int td_store_restore(
	struct td_store *store, const struct td_segment_info *segment, struct td_error *err)
{
	struct td_catalog *catalog;
	struct td_run_log *logs = NULL;
	struct td_run *run = NULL;
	size_t count;
	int code =
		td_catalog_open(&catalog, store->disk, td_journal_directory(store->shelf.journal),
			segment->base, segment->next, segment->number, segment->salt, err);

	if (code != 0)
		return code;
	code = check(catalog);
	/* A catalog that was made by the store that wrote the journal has its seed. */
	if (code == 0 && store->founded && catalog->head.seed != store->top_seed)
		code = TD_E_NOT_FOUND;
	if (code != 0) {
		td_catalog_close(catalog);
		return code;
	}
	code = restore_notes(store, catalog, err);
	if (code == 0)
		code = restore_logs(store, catalog, &logs, &count, err);
	if (code == 0) {
		run = td_runs_restore(&store->runs, catalog, logs, count);
		code = run != NULL ? 0 : td_error_nomem(err);
	}
	free(logs);
	if (run == NULL) {
		td_catalog_close(catalog);
		/* Half of it was taken: it cannot be read another way. */
		return code != TD_E_NOT_FOUND
			       ? code
			       : td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET,
					 "index of segment %" PRIu64 ": it changed meanwhile",
					 segment->base);
	}
	if (catalog->head.erase > 0)
		td_rewrite_owed(store, run);
	code = restore_subjects(store, run, err);
	td_runs_trim(&store->runs, store->index_bytes);
	return code != TD_E_NOT_FOUND
		       ? code
		       : td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET,
				 "index of segment %" PRIu64 ": it changed meanwhile",
				 segment->base);
}

/* Those whose last event was removed: their latest is an older one. */
int td_store_restore_end(struct td_store *store, struct td_error *err)
{
	const uint32_t *refs = (const uint32_t *)(void *)store->restored.at;

	for (size_t i = 0; i < store->restored.len / sizeof(*refs); i++) {
		int code = td_index_fall(store, refs[i], err);

		if (code != 0)
			return code;
	}
	td_buf_fini(&store->restored);
	return 0;
}
