/*
 * Looking on, and the same facts derived a second way.
 */
#include "store/private.h"

uint64_t td_store_durable(const struct td_store *store)
{
	return store->shelf.durable(store->shelf.arg);
}

uint64_t td_store_staged(const struct td_store *store)
{
	return store->shelf.staged(store->shelf.arg);
}

int td_store_failed(const struct td_store *store, struct td_error *err)
{
	int code = store->shelf.journal != NULL ? td_journal_failed(store->shelf.journal, err) : 0;

	return code != 0 ? code : td_keys_failed(store->seals.keys, err);
}

void td_store_status(struct td_store *store, struct td_store_status *status)
{
	*status = (struct td_store_status){0};
	td_mutex_lock(&store->lock);
	td_shown_status(store, status);
	for (size_t i = 0; i < store->logs.count; i++) {
		if (store->logs.at[i] != NULL)
			status->index_bytes += td_duplicates_bytes(&store->logs.at[i]->duplicates);
	}
	if (store->taps_count > 0)
		status->untapped = store->shelf.durable(store->shelf.arg) - store->tapped;
	status->index_subject_bytes = store->subjects.bytes + sizeof(store->subjects);
	status->index_bytes +=
		status->index_subject_bytes + store->runs.bytes + td_tops_bytes(&store->tops);
	td_mutex_unlock(&store->lock);
	if (store->shelf.journal != NULL)
		td_journal_state(store->shelf.journal, &status->journal);
}

/* --- verify --------------------------------------------------------------------------------- */

/* A record against its line. */
static void verify_record(
	const struct td_store *store, const struct td_record *record, struct td_map *counts)
{
	const struct td_run *run = td_runs_find(&store->runs, record->position);
	struct td_line *line = run != NULL ? td_run_line(run, record->position) : NULL;
	struct td_event_record event;
	const struct td_subject *subject;
	uintptr_t count;

	if (line == NULL || (line->flags & (TD_LINE_EVENT | TD_LINE_REMOVED)) != TD_LINE_EVENT)
		return;
	TD_ASSERT(td_event_record_read(&event, record->body) == NULL);
	TD_ASSERT(td_store_ref(store, run, line) != TD_SUBJECT_NONE);
	subject = td_subject_at(&store->subjects, line->subject);
	TD_ASSERT(td_text_equal(td_subject_address(subject), event.address)); /* S1 */
	TD_ASSERT(store->logs.at[line->log]->number == event.log);
	TD_ASSERT(line->seq == event.seq && line->bytes == record->body.len);
	TD_ASSERT(td_line_revision(line, subject->revision) == event.revision);
	TD_ASSERT(subject->seq >= event.seq && subject->revision >= event.revision); /* S2 */
	if (subject->position == record->position)
		TD_ASSERT(td_store_live(store, line->subject).seq == event.seq);
	count = (uintptr_t)td_map_get(counts, line->subject);
	TD_ASSERT(td_map_put(counts, line->subject, (void *)(count + 1))); /* NOLINT */
}

static void verify_subjects(const struct td_store *store, const struct td_map *counts)
{
	struct td_subjects_walk walk = {0};
	uint32_t ref;

	while ((ref = td_subjects_next(&store->subjects, &walk)) != TD_SUBJECT_NONE) {
		const struct td_subject *subject = td_subject_at(&store->subjects, ref);

		TD_ASSERT(subject->count > 0); /* S3 */
		TD_ASSERT((uintptr_t)td_map_get(counts, ref) == subject->count);
	}
}

static void verify_logs(const struct td_store *store)
{
	for (size_t i = 0; i < store->logs.count; i++) {
		const struct td_log *log = store->logs.at[i];
		uint64_t count = 0, bytes = 0;

		for (size_t j = 0; log != NULL && j < store->runs.count; j++) {
			const struct td_run *run = store->runs.at[j];

			for (uint64_t at = run->base; at < run->next; at++) {
				const struct td_line *line = td_run_line(run, at);

				if ((line->flags & (TD_LINE_EVENT | TD_LINE_REMOVED)) !=
						TD_LINE_EVENT ||
					line->log != log->index)
					continue;
				count++;
				bytes += line->bytes;
			}
		}
		if (log != NULL)
			TD_ASSERT(count == log->count && bytes == log->bytes); /* S4 */
	}
}

void td_store_verify(struct td_store *store)
{
	struct td_map counts = TD_MAP_INIT;
	struct td_place place = td_place_at(1);
	struct td_record record;
	uint64_t lost_to = 0;
	bool all = td_store_durable(store) == td_store_staged(store);
	int code;

	td_mutex_lock(&store->lock);
	td_subjects_verify(&store->subjects);
	td_runs_verify(&store->runs);
	verify_logs(store);
	while ((code = store->shelf.scan(store->shelf.arg, &place, &record, &lost_to, NULL)) == 0)
		verify_record(store, &record, &counts);
	/* Staged records cannot be read: then the counts are only an upper bound. */
	if (all && code == TD_E_NOT_FOUND)
		verify_subjects(store, &counts);
	td_mutex_unlock(&store->lock);
	store->shelf.leave(&place);
	td_map_fini(&counts);
	if (store->shelf.journal != NULL)
		td_journal_verify_state(store->shelf.journal);
}
