#include <stdlib.h>

#include "journal/segment.h"

struct td_file *td_file_new(const struct td_disk *disk, int handle, uint64_t bytes)
{
	/* One more than there are cells: a frame behind a gap is noted where it stands. */
	size_t cap = (size_t)(bytes / TD_CELL_BYTES) + 2;
	struct td_file *file = malloc(sizeof(*file) + cap * sizeof(file->index[0]));

	if (file == NULL)
		return NULL;
	atomic_init(&file->refs, 1);
	file->disk = disk;
	file->handle = handle;
	file->count = 0;
	file->cap = cap;
	return file;
}

struct td_file *td_file_ref(struct td_file *file)
{
	uint32_t refs = atomic_fetch_add_explicit(&file->refs, 1, memory_order_relaxed);

	TD_ASSERT(refs > 0);
	return file;
}

void td_file_unref(struct td_file *file)
{
	uint32_t refs;

	if (file == NULL)
		return;
	refs = atomic_fetch_sub_explicit(&file->refs, 1, memory_order_acq_rel);
	TD_ASSERT(refs > 0);
	if (refs > 1)
		return;
	td_disk_close(file->disk, file->handle);
	free(file);
}

void td_file_note(struct td_file *file, uint64_t position, uint64_t offset)
{
	struct td_index_entry *last = file->count > 0 ? &file->index[file->count - 1] : NULL;

	TD_ASSERT(last == NULL || (last->offset < offset && last->position <= position));
	if (last != NULL && last->offset / TD_CELL_BYTES == offset / TD_CELL_BYTES)
		return;
	TD_ASSERT(file->count < file->cap);
	file->index[file->count++] = (struct td_index_entry){position, offset};
}

void td_file_begin(struct td_file *file, uint64_t position, uint64_t offset)
{
	if (file->count > 0 && file->index[0].offset / TD_CELL_BYTES == offset / TD_CELL_BYTES) {
		file->index[0] = (struct td_index_entry){position, offset};
		return;
	}
	TD_ASSERT(file->count < file->cap);
	memmove(file->index + 1, file->index, file->count * sizeof(file->index[0]));
	file->index[0] = (struct td_index_entry){position, offset};
	file->count++;
}

const struct td_index_entry *td_file_find(const struct td_file *file, uint64_t position)
{
	size_t low = 0, high = file->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (file->index[middle].position <= position)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? &file->index[low - 1] : NULL;
}

const struct td_index_entry *td_file_from(const struct td_file *file, uint64_t offset)
{
	size_t low = 0, high = file->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (file->index[middle].offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low < file->count ? &file->index[low] : NULL;
}
