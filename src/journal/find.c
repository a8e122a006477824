#include "journal/fault.h"
#include "journal/read.h"

#define REPLACED_MAX 3 /* a segment that is rewritten again and again */

void td_view_take(struct td_journal *journal, struct td_segment *segment, struct td_view *view)
{
	*view = (struct td_view){
		.number = segment->number,
		.base = segment->base,
		.next = segment->next,
		.end = segment->end,
		.bytes = segment->bytes,
		.salt = segment->salt,
	};
	segment->used_at = ++journal->uses;
	if (segment->file != NULL)
		view->file = td_file_ref(segment->file);
}

void td_view_drop(struct td_view *view)
{
	td_file_unref(view->file);
	view->file = NULL;
}

/* The segment whose file was used longest ago is closed; what comes back is to be let go. */
static struct td_file *close_oldest(struct td_journal *journal)
{
	struct td_segment *oldest = NULL;
	struct td_file *file;

	for (size_t i = 0; i < journal->table.count; i++) {
		struct td_segment *segment = journal->table.at[i];

		if (segment->file != NULL && segment->sealed && !segment->kept &&
			(oldest == NULL || segment->used_at < oldest->used_at))
			oldest = segment;
	}
	if (oldest == NULL)
		return NULL;
	file = oldest->file;
	oldest->file = NULL;
	journal->files_open--;
	return file;
}

void td_view_keep(struct td_journal *journal, const struct td_view *view)
{
	struct td_file *closed = NULL;
	struct td_segment *segment;

	td_mutex_lock(&journal->mutex);
	segment = td_table_number(&journal->table, view->number);
	if (segment != NULL && segment->file == NULL) {
		segment->file = td_file_ref(view->file);
		if (++journal->files_open > TD_FILES_OPEN_MAX)
			closed = close_oldest(journal);
	} else if (segment != NULL && segment->file->count == 0 && view->file->count > 0) {
		closed = segment->file; /* of one that has no index */
		segment->file = td_file_ref(view->file);
	}
	td_mutex_unlock(&journal->mutex);
	td_file_unref(closed);
}

static struct td_block *find_recent(struct td_journal *journal, uint64_t position)
{
	for (size_t i = journal->recent_count; i > 0; i--) {
		struct td_block *block = journal->recent[i - 1];

		if (position >= block->position)
			return position < block->next ? td_block_ref(block) : NULL;
	}
	return NULL;
}

/* The frames that begin in the same group of cells as the one that has the position. */
static uint64_t find_part(const struct td_view *view, uint64_t position, struct td_part *part)
{
	const struct td_index_entry *entry = td_file_find(view->file, position), *to;
	uint64_t group;

	TD_ASSERT(entry != NULL);
	group = entry->offset / TD_GROUP_BYTES;
	entry = td_file_from(view->file, group * TD_GROUP_BYTES);
	to = td_file_from(view->file, (group + 1) * TD_GROUP_BYTES);
	part->from = entry->offset;
	part->position = entry->position;
	part->to = to != NULL && to->offset < view->end ? to->offset : view->end;
	part->next = to != NULL && to->offset < view->end ? to->position : view->next;
	return (uint64_t)view->number << 32 | group;
}

/*
 * What can be had without I/O. *part is what to read where there is no block. A file without an index
 * does not serve: it comes back in *unused, to be let go.
 */
static int look(struct td_journal *journal, uint64_t *position, struct td_block **block,
	struct td_view *view, struct td_part *part, uint64_t *key, struct td_file **unused)
{
	struct td_segment *segment;

	if (*position < journal->first)
		*position = journal->first;
	if (*position >= td_journal_durable(journal))
		return TD_E_NOT_FOUND;
	*block = find_recent(journal, *position);
	if (*block != NULL)
		return 0;
	segment = td_table_find(&journal->table, *position);
	TD_ASSERT(segment != NULL);
	td_view_take(journal, segment, view);
	*unused = view->file != NULL && view->file->count == 0 ? view->file : NULL;
	if (*unused != NULL)
		view->file = NULL;
	if (view->file == NULL)
		return 0;
	*key = find_part(view, *position, part);
	*block = td_cache_get(&journal->cache, *key, *position);
	return 0;
}

/* The file is not the one we know, and nobody of us replaced it. */
static int lose_segment(const struct td_view *view, uint64_t *lost_to, struct td_error *err)
{
	*lost_to = view->next - 1;
	if (err != NULL)
		err->code = TD_E_DAMAGED;
	return TD_E_DAMAGED;
}

int td_block_find(struct td_journal *journal, uint64_t *position, struct td_block **found,
	uint64_t *lost_to, struct td_error *err)
{
	struct td_block *block = NULL, *chain;
	struct td_file *unused = NULL;
	struct td_view view = {0};
	struct td_part part;
	uint64_t key = 0;
	unsigned replaced = 0;
	int code;

	for (;;) {
		td_mutex_lock(&journal->mutex);
		code = look(journal, position, &block, &view, &part, &key, &unused);
		td_mutex_unlock(&journal->mutex);
		td_file_unref(unused);
		unused = NULL;
		if (code != 0 || block != NULL || view.file != NULL)
			break;
		code = td_view_open(journal, &view, true, err);
		if (code == TD_E_NOT_FOUND && replaced++ < REPLACED_MAX)
			continue;
		if (code != 0)
			return code == TD_E_NOT_FOUND ? lose_segment(&view, lost_to, err) : code;
		td_view_keep(journal, &view);
		td_view_drop(&view);
	}
	if (code == 0 && block == NULL) {
		code = td_part_load(journal, &view, &part, *position, &block, lost_to, err);
		if (code == 0) {
			td_mutex_lock(&journal->mutex);
			chain = td_cache_put(&journal->cache, block, key);
			td_mutex_unlock(&journal->mutex);
			td_cache_release(chain);
		}
	}
	td_view_drop(&view);
	if (code == 0)
		*found = block;
	return code;
}
