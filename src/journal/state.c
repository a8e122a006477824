#include "journal/inside.h"

uint64_t td_journal_durable(const struct td_journal *journal)
{
	return atomic_load_explicit(&journal->durable, memory_order_acquire);
}

int td_journal_directory(const struct td_journal *journal)
{
	return journal->dir;
}

uint64_t td_journal_lost(const struct td_journal *journal, uint64_t *from)
{
	*from = journal->control.lost_from;
	return journal->control.lost_to;
}

void td_journal_roll(struct td_journal *journal)
{
	/* A segment without records has nothing to be sealed for. */
	if (journal->place.records > 0 || journal->building.begun)
		journal->roll_wanted = true;
}

size_t td_journal_segments(
	const struct td_journal *journal, struct td_segment_info *segments, size_t max)
{
	/* The lock is for the others; of what is read here the owner alone is the writer. */
	const struct td_table *table = &journal->table;

	for (size_t i = 0; i < table->count && i < max; i++) {
		const struct td_segment *segment = table->at[i];

		segments[i] = (struct td_segment_info){
			.number = segment->number,
			.rewritten = segment->rewritten,
			.base = segment->base,
			.next = segment->next,
			.bytes = segment->bytes,
			.room = td_segment_frames_end(segment->bytes) - TD_FRAMES_FROM,
			.used = segment->end - TD_FRAMES_FROM,
			.dead = segment->dead,
			.frames = segment->frames,
			.records = segment->records,
			.salt = segment->salt,
			.from = segment->from,
			.to = segment->to,
			.sealed = segment->sealed,
		};
	}
	return table->count;
}

void td_journal_dead(struct td_journal *journal, uint64_t location, size_t bytes)
{
	struct td_segment *segment = td_table_number(&journal->table, (uint32_t)(location >> 32));

	if (segment != NULL)
		segment->dead += td_record_size(bytes);
}

void td_journal_state(const struct td_journal *journal, struct td_journal_state *state)
{
	*state = (struct td_journal_state){
		.epoch = journal->epoch,
		.first = journal->first,
		.durable = td_journal_durable(journal),
		.head_position = journal->head.position,
		.head_segment = journal->head.segment,
		.chained = journal->chained,
		.disk_full = journal->disk_full,
		.failed = journal->failed,
		.commits = journal->commits,
		.syncs = journal->syncs,
		.bytes_written = journal->bytes_written,
		.cache_bytes = journal->cache.bytes,
		.segments = journal->table.count,
	};
	memcpy(state->uuid, journal->control.store, sizeof(state->uuid));
	memcpy(state->chain, journal->head.chain, sizeof(state->chain));
}

void td_journal_verify_state(const struct td_journal *journal)
{
	const struct td_flight *flight = &journal->flight;
	const struct td_table *table = &journal->table;
	uint64_t durable = td_journal_durable(journal);

	/* J1, J2 */
	TD_ASSERT(durable <= journal->staged);
	if (flight->full && !flight->written)
		TD_ASSERT(durable == flight->first && flight->next <= journal->staged);
	if (journal->building.begun)
		TD_ASSERT(durable <= journal->building.first &&
			  journal->building.first + (journal->building.frame.records > 0) <=
				  journal->staged + 1);
	/* The table is sorted and joins. */
	for (size_t i = 0; i + 1 < table->count; i++) {
		TD_ASSERT(table->at[i]->next == table->at[i + 1]->base);
		TD_ASSERT(table->at[i]->sealed); /* J5 */
	}
	if (table->count > 0)
		TD_ASSERT(table->at[table->count - 1]->next == durable);
	/* J3 */
	for (size_t i = 0; i < journal->recent_count; i++) {
		const struct td_block *block = journal->recent[i];

		TD_ASSERT(block->next <= durable && td_block_len(block) <= block->cap);
	}
}
