/*
 * Rewriting a sealed segment: a new file without some of its records, which takes its place.
 *
 *	1  rewrite.tmp: the frames that are left, holes for what is gone; header; synced
 *	2  read again, past the cache: all whole; the footer; synced
 *	3  rewrite.tmp -> seg-BASE.log, directory synced: until then the old one counts. It is kept
 *	   open, with its index, so that who reads before step 4 need not ask for it by name
 *	4  the table has the new one; cached blocks of the old one go; its readers keep it open
 *
 * Frames keep their times and epochs; their chain is a new one from the value in the header on, and
 * the footer keeps the old value, which the next segment continues. Marks are not kept.
 */
#include "journal/rewrite.h"

#include <errno.h>
#include <stdlib.h>

#include "journal/fault.h"
#include "journal/read.h"

/* --- the owner: ask ----------------------------------------------------------------------- */

void td_rewrite_free(struct td_rewrite *rewrite)
{
	if (rewrite == NULL)
		return;
	td_segment_free(rewrite->segment);
	td_sha256_fini(&rewrite->sha);
	free(rewrite->positions);
	free(rewrite);
}

static struct td_segment *find_sealed(struct td_journal *journal, uint64_t base)
{
	struct td_segment *segment = td_table_find(&journal->table, base);

	return segment != NULL && segment->base == base && segment->sealed ? segment : NULL;
}

int td_journal_rewrite(struct td_journal *journal, uint64_t base, const uint64_t *positions,
	size_t count, enum td_rewrite_rule rule, struct td_error *err)
{
	struct td_segment *segment = find_sealed(journal, base);
	struct td_rewrite *rewrite;
	int code;

	if (journal->failed)
		return td_journal_failed(journal, err);
	if (segment == NULL)
		return td_error_set(err, TD_E_NOT_FOUND, TD_NO_OFFSET,
			"journal %s: no sealed segment begins at %llu", journal->path,
			(unsigned long long)base);
	if (journal->rewrite != NULL)
		return td_error_set(err, TD_E_FULL, TD_NO_OFFSET,
			"journal %s: another segment is being rewritten", journal->path);
	for (size_t i = 0; i < count; i++)
		TD_ASSERT(positions[i] >= base && positions[i] < segment->next &&
			  (i == 0 || positions[i - 1] < positions[i]));
	rewrite = calloc(1, sizeof(*rewrite));
	if (rewrite == NULL)
		return td_error_nomem(err);
	rewrite->positions = calloc(count + 1, sizeof(uint64_t));
	rewrite->segment = calloc(1, sizeof(*rewrite->segment));
	code = td_sha256_init(&rewrite->sha, err);
	if (code != 0 || rewrite->positions == NULL || rewrite->segment == NULL) {
		td_rewrite_free(rewrite);
		return code != 0 ? code : td_error_nomem(err);
	}
	if (count > 0)
		memcpy(rewrite->positions, positions, count * sizeof(uint64_t));
	rewrite->count = count;
	rewrite->rule = rule;
	rewrite->base = base;
	rewrite->segment->number = journal->number_next++;
	journal->options.random->fill(journal->options.random->arg, &rewrite->segment->salt,
		sizeof(rewrite->segment->salt));
	journal->rewrite = rewrite;
	return 0;
}

bool td_rewrite_is_due(const struct td_journal *journal)
{
	return journal->rewrite != NULL && !journal->works[td_work_index(TD_WORK_REWRITE)].out;
}

/* --- any thread: the whole of it ---------------------------------------------------------- */

/* What is there now: pages of header and footer, and a handle. */
static int read_old(struct td_journal *journal, struct td_rewriter *rewriter, struct td_error *err)
{
	uint8_t header[TD_PAGE_BYTES], footer[TD_PAGE_BYTES];
	uint64_t bytes = 0;
	int unread;
	int code = td_segment_pages(journal, rewriter->rewrite->base, &rewriter->old, &bytes,
		header, footer, &unread, err);

	if (code != 0)
		return code;
	if (td_segment_header_decode(header, TD_PAGE_BYTES, &rewriter->old_header) !=
			TD_FLAW_NONE ||
		td_segment_footer_decode(footer, TD_PAGE_BYTES, &rewriter->old_header,
			&rewriter->old_footer) != TD_FLAW_NONE)
		return td_error_set(err, TD_E_DAMAGED, TD_NO_OFFSET,
			"journal %s: rewrite: header or footer of %s is damaged", journal->path,
			rewriter->name);
	return td_walk_init(
		&rewriter->walk, journal->disk, rewriter->old, bytes, TD_GROUP_BYTES, err);
}

static int write_new(struct td_journal *journal, struct td_rewriter *rewriter, struct td_error *err)
{
	int code = td_disk_open(journal->disk, journal->dir, TD_REWRITE_NAME,
		TD_DISK_READ | TD_DISK_WRITE | TD_DISK_CREATE, &rewriter->file);

	if (code == 0)
		code = td_disk_truncate(journal->disk, rewriter->file, 0);
	if (code != 0)
		return td_fault(err, code, "journal %s: %s", journal->path, TD_REWRITE_NAME);
	return td_rewriter_copy(rewriter, err);
}

static int keep_old(struct td_journal *journal, struct td_error *err)
{
	struct td_segment *segment;
	struct td_view view = {0};
	int code = 0;

	td_mutex_lock(&journal->mutex);
	segment = td_table_find(&journal->table, journal->rewrite->base);
	segment->kept = true;
	td_view_take(journal, segment, &view);
	td_mutex_unlock(&journal->mutex);
	if (view.file == NULL || view.file->count == 0) {
		td_view_drop(&view);
		code = td_view_open(journal, &view, true, err);
		if (code == 0)
			td_view_keep(journal, &view);
	}
	td_view_drop(&view);
	return code;
}

static int put_in_place(
	struct td_journal *journal, struct td_rewriter *rewriter, struct td_error *err)
{
	int code = td_disk_rename(
		journal->disk, journal->dir, TD_REWRITE_NAME, journal->dir, rewriter->name);

	if (code == 0 && !TD_BUG(109))
		code = td_disk_sync_dir(journal->disk, journal->dir);
	/* It is not known which of the two is there: that is a failed sync like any other. */
	return code == 0 ? 0
			 : td_fault_final(err, code, "journal %s: rewrite: %s", journal->path,
				   rewriter->name);
}

static int finish(struct td_journal *journal, struct td_rewriter *rewriter, struct td_error *err)
{
	struct td_segment *segment = rewriter->rewrite->segment;
	int code;

	segment->file = td_file_new(journal->disk, rewriter->file, rewriter->header.bytes);
	if (segment->file == NULL)
		return td_error_nomem(err);
	rewriter->file = -1;
	code = td_rewriter_seal(rewriter, segment->file, err);
	segment->rewritten = rewriter->header.rewrites;
	segment->base = rewriter->header.base;
	segment->next = rewriter->footer.next_position;
	segment->bytes = rewriter->header.bytes;
	segment->end = rewriter->footer.end;
	segment->from = rewriter->footer.time_first;
	segment->to = rewriter->footer.time_last;
	segment->frames = rewriter->footer.frames;
	segment->records = rewriter->footer.records;
	segment->sealed = true;
	memcpy(segment->chain, rewriter->header.chain, TD_CHAIN_BYTES);
	return code;
}

void td_rewrite_run(struct td_work *work)
{
	struct td_journal *journal = work->journal;
	struct td_rewriter rewriter = {
		.rewrite = journal->rewrite, .journal = journal, .old = -1, .file = -1};
	int code;

	td_segment_name(rewriter.name, journal->rewrite->base);
	code = read_old(journal, &rewriter, &work->err);
	if (code == 0)
		code = write_new(journal, &rewriter, &work->err);
	if (code == 0)
		code = finish(journal, &rewriter, &work->err);
	if (code == 0)
		code = keep_old(journal, &work->err);
	if (code == 0)
		code = put_in_place(journal, &rewriter, &work->err);
	td_rewriter_fini(&rewriter);
	if (code != 0 && code != TD_E_DISK)
		td_disk_unlink(journal->disk, journal->dir, TD_REWRITE_NAME);
	work->code = code;
}

/* --- the owner: landed, dropped ----------------------------------------------------------- */

/* Blocks of the newest frames that lie in this segment; under the lock. */
static struct td_block *drop_recent(struct td_journal *journal, uint32_t number)
{
	struct td_block *chain = NULL;
	size_t kept = 0;

	for (size_t i = 0; i < journal->recent_count; i++) {
		struct td_block *block = journal->recent[i];

		if (block->number == number) {
			TD_ASSERT(block != journal->building.block || !journal->building.begun);
			if (block == journal->building.block)
				journal->building.block = NULL;
			block->older = chain;
			chain = block;
		} else {
			journal->recent[kept++] = block;
		}
	}
	journal->recent_count = kept;
	return chain;
}

int td_rewrite_landed(struct td_journal *journal, int code, struct td_error *err)
{
	struct td_rewrite *rewrite = journal->rewrite;
	struct td_segment *old;
	struct td_block *chains[2];

	(void)err;
	journal->rewrite = NULL;
	if (code != 0) {
		td_mutex_lock(&journal->mutex);
		td_table_find(&journal->table, rewrite->base)->kept = false;
		td_mutex_unlock(&journal->mutex);
		td_rewrite_free(rewrite);
		return code;
	}
	td_mutex_lock(&journal->mutex);
	old = td_table_replace(&journal->table, rewrite->segment);
	journal->files_open += old->file == NULL;
	chains[0] = td_cache_drop(&journal->cache, old->number);
	chains[1] = drop_recent(journal, old->number);
	td_mutex_unlock(&journal->mutex);
	td_cache_release(chains[0]);
	td_cache_release(chains[1]);
	rewrite->segment = NULL;
	td_segment_free(old);
	td_rewrite_free(rewrite);
	return 0;
}
