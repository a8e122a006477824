/*
 * Scanning: record by record through a block, block by block through the journal. Within a block
 * no lock is taken and nothing is verified again; its frames and records are whole.
 */
#include "journal/location.h"
#include "journal/read.h"

void td_scan_seek(struct td_scan *scan, uint64_t position)
{
	td_scan_fini(scan);
	scan->position = position;
}

void td_scan_fini(struct td_scan *scan)
{
	td_block_unref(scan->block);
	*scan = (struct td_scan)TD_SCAN_AT(scan->position);
}

/* On to the next frame of the block. false: there is none, yet. */
static inline bool next_frame(struct td_scan *scan)
{
	const uint8_t *frame = scan->block->bytes + scan->end;

	if (scan->end == td_block_len(scan->block))
		return false;
	scan->left = td_le32_get(frame + 28);
	scan->at = scan->end + TD_FRAME_HEADER_BYTES;
	scan->end += TD_FRAME_HEADER_BYTES + td_le32_get(frame + 24);
	scan->time = (td_time)td_le64_get(frame + 96);
	return true;
}

static inline uint64_t record_count(const uint8_t *at)
{
	return at[TD_RECORD_HEAD_BYTES] == TD_RECORD_HOLE ? td_le64_get(at + 24) : 1;
}

/* To the record that has scan->position: over whole frames, then over records. */
static void stand(struct td_scan *scan)
{
	uint64_t position, next;

	scan->end = 0;
	scan->left = 0;
	for (;;) {
		const uint8_t *frame = scan->block->bytes + scan->end;
		bool more = next_frame(scan);

		TD_ASSERT(more);
		position = td_le64_get(frame + 16);
		/* Without a hole a frame has as many positions as records; with one, more. */
		while (scan->left > 0) {
			const uint8_t *at = scan->block->bytes + scan->at;

			next = position + record_count(at);
			if (scan->position < next)
				return;
			position = next;
			scan->at += td_record_size(td_le32_get(at) - TD_RECORD_HEAD_BYTES);
			scan->left--;
		}
	}
}

static int find(
	struct td_journal *journal, struct td_scan *scan, uint64_t *lost_to, struct td_error *err)
{
	int code;

	if (scan->position >= td_journal_durable(journal))
		return TD_E_NOT_FOUND;
	td_block_unref(scan->block);
	scan->block = NULL;
	code = td_block_find(journal, &scan->position, &scan->block, lost_to, err);
	if (code == 0)
		stand(scan);
	return code;
}

int td_journal_scan(struct td_journal *journal, struct td_scan *scan, struct td_record *record,
	uint64_t *lost_to, struct td_error *err)
{
	const uint8_t *at;
	uint64_t count;
	size_t bytes;

	while (TD_UNLIKELY(scan->left == 0)) {
		if (scan->block != NULL && next_frame(scan))
			continue;
		int code = find(journal, scan, lost_to, err);

		if (code != 0)
			return code;
	}
	at = scan->block->bytes + scan->at;
	bytes = td_le32_get(at) - TD_RECORD_HEAD_BYTES;
	count = 1;
	if (TD_UNLIKELY(at[TD_RECORD_HEAD_BYTES] == TD_RECORD_HOLE))
		count = td_le64_get(at + 16) + td_le64_get(at + 24) - scan->position;
	record->position = scan->position;
	record->count = count;
	record->location = td_location_make(scan->block->number, scan->block->offset + scan->at, 0);
	record->time = scan->time;
	record->body = td_text_of(at + TD_RECORD_HEAD_BYTES, bytes);
	scan->at += td_record_size(bytes);
	scan->left--;
	scan->position += count;
	return 0;
}
