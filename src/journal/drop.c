#include <errno.h>

#include "journal/fault.h"
#include "journal/rewrite.h"

/* How many sealed segments at the front lie wholly below the position. */
static size_t count_below(const struct td_journal *journal, uint64_t position)
{
	const struct td_table *table = &journal->table;
	size_t count = 0;

	while (count + 1 < table->count && table->at[count]->next <= position &&
		table->at[count]->sealed)
		count++;
	return count;
}

/* Out of the table, then out of the directory. A file that stays is forgotten at the next opening. */
static int drop_first(struct td_journal *journal)
{
	struct td_segment *segment;
	struct td_block *chain;
	char name[TD_SEGMENT_NAME_BYTES];

	td_mutex_lock(&journal->mutex);
	segment = td_table_shift(&journal->table);
	journal->files_open -= segment->file != NULL;
	journal->first = segment->next;
	chain = td_cache_drop(&journal->cache, segment->number);
	td_mutex_unlock(&journal->mutex);
	td_cache_release(chain);
	td_segment_name(name, segment->base);
	td_segment_free(segment);
	return td_disk_unlink(journal->disk, journal->dir, name);
}

static int give_up(struct td_journal *journal, const struct td_error *why, struct td_error *err)
{
	td_journal_fail(journal, why);
	return td_journal_failed(journal, err);
}

int td_journal_drop(struct td_journal *journal, uint64_t position, struct td_error *err)
{
	size_t count = count_below(journal, position);
	struct td_error own = TD_ERROR_INIT;
	struct td_control control;
	int code = 0, last;

	if (journal->failed)
		return td_journal_failed(journal, err);
	if (journal->options.read_only)
		return td_error_set(err, TD_E_READ_ONLY, TD_NO_OFFSET,
			"journal %s: opened to be looked at", journal->path);
	if (count == 0)
		return 0;
	if ((journal->flight.full && journal->flight.roll.next != NULL) ||
		(journal->rewrite != NULL &&
			journal->rewrite->base < journal->table.at[count]->base))
		return td_error_set(err, TD_E_FULL, TD_NO_OFFSET,
			"journal %s: a segment is being rolled or rewritten", journal->path);
	/* First it is said that they are gone, durably; then they go. */
	control = td_copies_next(journal);
	control.first_position = journal->table.at[count]->base;
	control.first_segment = journal->table.at[count]->number;
	code = td_copies_save(journal, &control, &own);
	for (; code == 0 && count > 0; count--) {
		last = drop_first(journal);
		if (last != 0)
			code = td_fault(&own, last, "journal %s: drop", journal->path);
	}
	if (code == 0) {
		last = td_disk_sync_dir(journal->disk, journal->dir);
		if (last != 0)
			code = td_fault_final(&own, last, "journal %s: drop", journal->path);
	}
	if (code == TD_E_DISK)
		return give_up(journal, &own, err);
	if (code != 0 && err != NULL)
		*err = own;
	return code;
}
