#include "journal/segment.h"

#include <stdlib.h>

void td_table_init(struct td_table *table)
{
	table->at = NULL;
	table->count = table->cap = 0;
	td_map_init(&table->numbers);
}

void td_segment_free(struct td_segment *segment)
{
	if (segment == NULL)
		return;
	td_file_unref(segment->file);
	free(segment);
}

void td_table_fini(struct td_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		td_segment_free(table->at[i]);
	free(table->at);
	td_map_fini(&table->numbers);
	td_table_init(table);
}

int td_table_reserve(struct td_table *table, struct td_error *err)
{
	size_t cap = table->cap > 0 ? table->cap * 2 : 16;
	struct td_segment **at;

	if (!td_map_reserve(&table->numbers, table->count + 1))
		return td_error_nomem(err);
	if (table->count < table->cap)
		return 0;
	at = realloc(table->at, cap * sizeof(struct td_segment *));
	if (at == NULL)
		return td_error_nomem(err);
	table->at = at;
	table->cap = cap;
	return 0;
}

void td_table_add(struct td_table *table, struct td_segment *segment)
{
	bool put;

	TD_ASSERT(table->count < table->cap);
	TD_ASSERT(table->count == 0 || table->at[table->count - 1]->base < segment->base);
	TD_ASSERT(td_table_number(table, segment->number) == NULL);
	table->at[table->count++] = segment;
	put = td_map_put(&table->numbers, segment->number, segment);
	TD_ASSERT(put);
}

struct td_segment *td_table_replace(struct td_table *table, struct td_segment *segment)
{
	for (size_t i = 0; i < table->count; i++) {
		struct td_segment *before = table->at[i];
		bool put;

		if (before->base != segment->base)
			continue;
		table->at[i] = segment;
		td_map_remove(&table->numbers, before->number);
		put = td_map_put(&table->numbers, segment->number, segment);
		TD_ASSERT(put);
		return before;
	}
	TD_UNREACHABLE();
}

struct td_segment *td_table_shift(struct td_table *table)
{
	struct td_segment *oldest = table->at[0];

	TD_ASSERT(table->count > 0);
	table->count--;
	memmove(table->at, table->at + 1, table->count * sizeof(struct td_segment *));
	td_map_remove(&table->numbers, oldest->number);
	return oldest;
}

struct td_segment *td_table_find(const struct td_table *table, uint64_t position)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->at[middle]->base <= position)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? table->at[low - 1] : NULL;
}

struct td_segment *td_table_number(const struct td_table *table, uint32_t number)
{
	return td_map_get(&table->numbers, number);
}
